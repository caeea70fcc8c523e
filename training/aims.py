"""The aims of detection, measured: one figure each, on texts that nothing was trained or tuned on.

`python -m training.aims` prints the table that stands in `docs/detection.md`; what is out of reach says by how much.
"""

from __future__ import annotations

import random
import resource
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from time import perf_counter
from typing import Final, NamedTuple

from shouban.core.age import age_points
from shouban.core.events import UserSpoke
from shouban.core.signals import MANIPULATION, Level, Reading, Role, heard_level
from shouban.core.state import cue_level
from shouban.detectors.labelled import Case, case_of_row, lines_of, parse_line
from shouban.detectors.learned import shipped_models
from shouban.detectors.measures import average_precision, cut_at, f1
from shouban.detectors.reader import Detectors, build_detectors
from training.corpus import ROOT, read_corpus
from training.sources import rows, said_by

MOST: Final = 700
NOON: Final = datetime(2026, 8, 3, 4, tzinfo=UTC)
DISTRESS: Final = ("sad", "sadness", "depress")


class Aim(NamedTuple):
    what: str
    aim: str
    reached: str


@cache
def detectors() -> Detectors:
    return build_detectors()


@cache
def read(text: str, role: Role, context: tuple[tuple[Role, str], ...]) -> tuple[Reading, ...]:
    return detectors().read(text, role=role, context=context)


@cache
def scores(text: str, role: Role, context: tuple[tuple[Role, str], ...]) -> dict[str, float]:
    return shipped_models().score(text, role, context)


def level(case: Case, signal: str) -> int:
    return heard_level(read(case.text, case.role, case.context), signal)


def score(case: Case, signal: str) -> float:
    """The strongest word of any tier, in [0, 1]: the models' probability, or a list's score where it reads."""
    listed = max((one.score for one in read(case.text, case.role, case.context) if one.signal == signal and one.detector != "model" and one.level != "unknown" and one.level >= Level.MEDIUM), default=0.0)  # fmt: skip
    return max(listed, scores(case.text, case.role, case.context).get(signal, 0.0))


def of_source(name: str, keep: Callable[[Case], bool] = lambda case: case.split == "test") -> list[Case]:
    found = [case for row in rows(name) for case in case_of_row(row, name) if keep(case)]
    return random.Random(0).sample(found, MOST) if len(found) > MOST else found  # no secret


def counselling() -> list[Case]:
    """Clients' turns that train nothing: they are not labelled, and a few of them are in danger."""
    texts = [text for text in said_by("client", "dev") if len(text) > 3]
    return [Case(text=text, role="user", source="counselling") for text in random.Random(0).sample(texts, min(MOST, len(texts)))]  # fmt: skip


def share(cases: Sequence[Case], signal: str, least: int = Level.MEDIUM) -> float:
    return sum(level(case, signal) >= least for case in cases) / len(cases) if cases else 0.0


def share_above(cases: Sequence[Case], cut: float) -> float:
    return sum(score(case, "crisis") > cut for case in cases) / len(cases) if cases else 0.0


def figure_of(cases: Sequence[Case], signal: str, least: int = Level.MEDIUM) -> float:
    """F1 of the signal over the cases that were judged on it."""
    judged = [
        (wanted >= least, level(case, signal) >= least)
        for case in cases
        if (wanted := case.level_of(signal)) is not None
    ]
    return f1(sum(a for a, _ in judged), sum(b for _, b in judged), sum(a and b for a, b in judged))


def of_crisis(corpus: Sequence[Case]) -> Iterable[Aim]:
    psy, ced = of_source("psysuicide"), of_source("cssrs_reddit500")
    scored = [(score(case, "crisis"), (case.level_of("crisis") or 0) >= Level.MEDIUM) for case in psy]
    yield Aim("crisis ≥ 2: PR-AUC, psysuicide (same source as a part of training)", "≥ 0.93", f"{average_precision(scored):.3f} ({sum(there for _, there in scored)} of {len(scored)})")  # fmt: skip
    foreign = [(score(case, "crisis"), (case.level_of("crisis") or 0) >= Level.MEDIUM) for case in ced]
    yield Aim("the same, cssrs_reddit500 (English, long, of another source)", "≥ 0.93", f"{average_precision(foreign):.3f} ({sum(there for _, there in foreign)} of {len(foreign)})")  # fmt: skip
    chat = [case for name in ("kdconv", "nus_sms_zh", "lccc_toy") for case in of_source(name)]
    cut = cut_at([score(case, "crisis") for case in chat], 0.01)
    there = [case for case in psy if (case.level_of("crisis") or 0) >= Level.MEDIUM]
    sad = [case for name in ("clue_emotion", "smp2020_ewect", "cped_emotion") for case in of_source(name)]
    hyperbole = of_source("hyperbole_mined_unreviewed", lambda _: True)
    yield Aim("recall at 1 % alarms on ordinary chat", "≥ 0.97", f"{share_above(there, cut):.3f}")
    yield Aim("alarms then on counselling (unlabelled)", "≤ 6 %", f"{share_above(counselling(), cut):.1%}")
    yield Aim("alarms then on sad posts", "≤ 3 %", f"{share_above(sad, cut):.1%}")
    yield Aim("alarms then on hyperbole", "≤ 3 %", f"{share_above(hyperbole, cut):.1%}")
    for name, some in (("counselling", counselling()), ("sad posts", sad), ("hyperbole", hyperbole), ("ordinary chat", chat)):  # fmt: skip
        yield Aim(f"alarms at the shipped threshold on {name}", "–", f"{share(some, 'crisis'):.1%}")
    severe = [case for case in (*psy, *ced) if case.level_of("crisis") == Level.SEVERE]
    yield Aim("crisis 4 on public text read as high or severe", "≥ 0.97", f"{share(severe, 'crisis', Level.HIGH):.2f} of {len(severe)}")  # fmt: skip
    own = [case for case in corpus if case.levels.get("crisis") == Level.SEVERE]
    yield Aim("the same, our own corpus (hard by intent)", "–", f"{share(own, 'crisis', Level.HIGH):.2f} of {len(own)}")
    hidden = [case for case in corpus if case.levels.get("crisis", 0) >= Level.HIGH and "indirect" in case.tags]
    near = [case for case in corpus if "crisis" in case.absent]
    yield Aim("crisis 3–4 said indirectly, read at all, at so many alarms on hard negatives", "≥ 75 % at ≤ 5 %", f"{share(hidden, 'crisis'):.0%} of {len(hidden)} at {share(near, 'crisis'):.1%} of {len(near)}")  # fmt: skip
    cut = cut_at([score(case, "crisis") for case in near], 0.05)
    yield Aim("the same, at the cut of 5 % alarms", "≥ 75 %", f"{share_above(hidden, cut):.0%}")


def of_signals(corpus: Sequence[Case]) -> Iterable[Aim]:
    replies = [case for case in corpus if case.role == "companion"]
    tactics = [figure_of(replies, f"manipulation.{name}") for name in MANIPULATION]
    yield Aim("manipulation: macro-F1 over the tactics", "≥ 0.80", f"{sum(tactics) / len(tactics):.2f}")
    binary = [(any(one.startswith("manipulation.") for one in case.levels), any(one.signal.startswith("manipulation.") and one.level != "unknown" and one.level >= Level.MEDIUM for one in read(case.text, case.role, case.context))) for case in replies]  # fmt: skip
    yield Aim("any manipulation against healthy replies: F1", "–", f"{f1(sum(a for a, _ in binary), sum(b for _, b in binary), sum(a and b for a, b in binary)):.2f}")  # fmt: skip
    said = [case for case in corpus if case.role == "user"]
    for signal in ("exit_intent", "asks_if_human", "minor_cue", "kin_request", "property_risk"):
        named = [case for case in said if signal in case.levels or signal in case.absent]
        yield Aim(f"`{signal}`: F1 among its own hard negatives (all lines)", "≥ 0.92", f"{figure_of(named, signal):.2f} ({figure_of(said, signal):.2f})")  # fmt: skip
    cold = of_source("cold")
    judged = [((case.level_of("prohibited.discrimination") or 0) >= Level.MEDIUM, level(case, "prohibited.discrimination") >= Level.MEDIUM) for case in cold]  # fmt: skip
    halves = [f1(sum(a == side for a, _ in judged), sum(b == side for _, b in judged), sum(a == b == side for a, b in judged)) for side in (True, False)]  # fmt: skip
    yield Aim("offensive (COLD, rows held back): macro-F1", "≥ 0.82", f"{sum(halves) / 2:.3f} of {len(judged)}")
    safe = [case for name in ("chinese_safetyqa", "xstest_v2", "oktest") for case in of_source(name)]
    flagged = sum(any(one.level != "unknown" and one.level >= Level.MEDIUM and one.signal.startswith(("prohibited.", "jailbreak", "crisis")) for one in read(case.text, "user", ())) for case in safe)  # fmt: skip
    yield Aim("benign law and safety questions flagged", "≤ 3 %", f"{flagged / max(1, len(safe)):.1%} of {len(safe)}")


def talks() -> list[list[Case]]:
    """Whole talks that nothing was trained on, turn after turn; a talk begins with a line that has no turns before it."""
    found: list[list[Case]] = []
    last = ""
    for _, raw in lines_of(ROOT / "zh" / "age_c.tsv"):
        case = parse_line(raw, lang="zh", name="age_c")
        tag = next((one for one in raw.split("\t")[2].split(",") if one.startswith("p:")), "")
        if case.split != "test" or not tag:
            continue
        if tag != last or not case.context:
            found.append([])
        found[-1].append(case)
        last = tag
    return found


def of_talks() -> Iterable[Aim]:
    """A talk is a minor's where the state's points reach the level at which minors mode is switched on."""
    judged = []
    for turns in talks():
        minor = sum(case.levels.get("minor_cue", 0) == Level.SEVERE for case in turns)
        adult = sum(case.levels.get("adult_cue", 0) >= Level.MEDIUM for case in turns)
        if not minor and not adult:
            continue
        points, seen = 0, False
        for case in turns:
            found = read(case.text, "user", case.context)
            points = age_points(points, UserSpoke(at=NOON, readings=found))
            seen = seen or cue_level(points) == Level.SEVERE
        judged.append((minor > adult, seen))
    hits = sum(a and b for a, b in judged)
    yield Aim("minors over a whole talk (talks of `age_c`, test split): F1", "≥ 0.85", f"{f1(sum(a for a, _ in judged), sum(b for _, b in judged), hits):.2f} of {len(judged)} talks")  # fmt: skip


def of_cost() -> Iterable[Aim]:
    """Quiet messages of fifty characters one by one, a stream in chunks of four, and memory, each of its own process."""
    chat = [case.text for case in of_source("kdconv") if 40 <= len(case.text) <= 60][:300]
    taken = sorted(_seconds(text) for text in chat)
    yield Aim("all detectors on a message of 40–60 characters: median, mean, 99 %", "≤ 120 µs", f"{taken[len(taken) // 2] * 1e6:.0f}, {sum(taken) / len(taken) * 1e6:.0f}, {taken[len(taken) * 99 // 100] * 1e6:.0f} µs")  # fmt: skip
    replies = [row["text"] for row in rows("emollm_persona_output") if len(row["text"]) > 60][:150]
    chunks, began = 0, perf_counter()
    for text in replies:
        reader = detectors().stream("companion")
        for at in range(0, len(text), 4):
            reader.feed(text[at : at + 4])
            chunks += 1
        reader.finish()
    yield Aim("a streamed chunk of four characters", "≤ 6 µs", f"{(perf_counter() - began) / chunks * 1e6:.1f} µs")
    yield Aim("memory of all detectors, without and with the encoder", "≤ 60 MB", f"{_memory('False')} and {_memory('True')} MB")  # fmt: skip


def _seconds(text: str) -> float:
    began = perf_counter()
    detectors().read(text, role="user")
    return perf_counter() - began


def _memory(encoder: str) -> int:
    """Megabytes by which a process of its own grows once everything was used (resident set, not its peak)."""
    code = (
        "import gc, msgspec, structlog, yaml; rss = lambda: int(open('/proc/self/statm').read().split()[1]) * 4096; b = rss()\n"
        f"from shouban.detectors.reader import build_detectors; d = build_detectors(encoder={encoder})\n"
        "d.read('我不想活了', role='user'); d.read('你好', role='companion'); gc.collect(); print((rss() - b) // 1_000_000)"
    )
    return int(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout)


def main() -> int:
    corpus = [case for case in read_corpus() if case.split == "test"]
    print("| aim | goal | reached |\n| --- | --- | --- |")
    for some in (of_crisis(corpus), of_signals(corpus), of_talks(), of_cost()):
        for one in some:
            print(f"| {one.what} | {one.aim} | {one.reached} |", flush=True)
    print(f"\n{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1000} MB at most", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
