"""Figures for Prometheus: turns, duties, readings that were silent, upstream failures, time added."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

BUCKETS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Metrics:
    """One registry a gateway, so that several can live in one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        at = self.registry
        self.turns = Counter("shouban_turns", "Turns of persons that were read", ["service"], registry=at)
        self.owed = Counter("shouban_obligations", "Obligations owed", ["obligation"], registry=at)
        self.unknown = Counter(
            "shouban_readings_unknown", "Readings of a detector that failed or was late", ["signal"], registry=at
        )
        self.overruled = Gauge(
            "shouban_readings_overruled",
            "Readings of a list or a rule that the models took back, since the start",
            ["signal"],
            registry=at,
        )
        self.upstream = Counter(
            "shouban_upstream_failures", "Failures of the model behind", ["service", "reason"], registry=at
        )
        self.cuts = Counter("shouban_replies_cut", "Replies cut or replaced", ["service"], registry=at)
        self.decided = Histogram(
            "shouban_decision_seconds", "From the request read to the decision made", buckets=BUCKETS, registry=at
        )
        self.judge_asked = Counter(
            "shouban_judge_asked", "Signals in doubt that the judge was asked about", ["signal"], registry=at
        )
        self.judge_answers = Counter(
            "shouban_judge_answers", "What became of asking the judge", ["outcome"], registry=at
        )
        self.judge_seconds = Histogram(
            "shouban_judge_seconds",
            "From asking the judge to its answer, or to its deadline",
            buckets=BUCKETS,
            registry=at,
        )
        self.streams = Gauge("shouban_open_streams", "Answers being streamed now", registry=at)
        self.overdue = Gauge(
            "shouban_obligations_overdue", "Obligations owed and not done in time", ["obligation"], registry=at
        )
        self.clock_jump = Gauge(
            "shouban_clock_jump_seconds", "How far the system's clock has moved from the steady one", registry=at
        )
