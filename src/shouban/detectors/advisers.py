"""Who gives a second opinion, by the settings: nobody, a judge model, a classifier, or both."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from shouban.detectors.classifier import load_classifier
from shouban.detectors.judge import Bench, Judge
from shouban.detectors.opinion import Adviser
from shouban.settings import UPSTREAM_JUDGES, ServiceSettings, Settings

Advisers = tuple[Adviser, ...]
NOBODY: Final[Advisers] = ()


def advisers_of(settings: Settings) -> dict[str, Advisers]:
    """By service; what has a place of its own is shared, a judge at the service's upstream is not."""
    shared: list[Adviser] = []
    if settings.classifier:
        shared.append(load_classifier(Path(settings.classifier), deadline=settings.judge_deadline))
    if settings.judge and settings.judge != UPSTREAM_JUDGES:
        shared.append(_judge(settings, settings.judge, settings.judge_key))
    return {service.id: (*shared, *_at_upstream(settings, service)) for service in settings.served()}


def _at_upstream(settings: Settings, service: ServiceSettings) -> Advisers:
    if settings.judge != UPSTREAM_JUDGES:
        return NOBODY
    return (_judge(settings, service.upstream, service.upstream_key),)


def _judge(settings: Settings, url: str, key: str) -> Judge:
    bench = Bench(url, settings.judge_model, key, settings.judge_deadline, settings.judge_cache_seconds)
    return Judge(bench, settings.judged())
