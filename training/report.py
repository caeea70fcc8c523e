"""Writes what was measured into the documents, between their marks: `python -m training.report [--only NAME]`.

`docs/detection.md`: figures, alarms, aims, robustness, people, crossed. `corpora/README.md`: counts, agreement, likeness.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

from shouban.cli.eval import drawn
from shouban.cli.evaluation import Evaluation, Figures, evaluate
from shouban.cli.robustness import Robustness, measure
from shouban.core.signals import SIGNALS
from shouban.detectors.disguises import EVASIONS
from shouban.detectors.labelled import read_labelled
from shouban.detectors.learned import shipped_models
from shouban.detectors.measures import f1
from shouban.detectors.reader import build_detectors
from training import agreement, aims, crossed, likeness
from training.corpus import read_corpus
from training.sources import DATA

ROOT: Final = Path(__file__).resolve().parents[1]
DETECTION: Final = ROOT / "docs/detection.md"
CORPUS: Final = ROOT / "corpora/README.md"
FEWEST: Final = 12
MOST: Final = 200
# Robustness is told of these; the page of `shouban robustness` has all.
TOLD: Final = ("crisis", "exit_intent", "kin_request", "property_risk", "minor_cue")
OPEN: Final = ("psysuicide", "cssrs_reddit500", "sdcnl", "cold")


def written(file: Path, name: str, lines: Sequence[str]) -> None:
    """Puts lines between `<!-- name -->` and `<!-- /name -->`."""
    text = file.read_text(encoding="utf-8")
    marks = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    if not marks.search(text):
        raise SystemExit(f"{file} has no marks `{name}`")
    block = "\n".join(lines)
    file.write_text(marks.sub(lambda found: f"{found[1]}{block}\n{found[2]}", text), encoding="utf-8")
    print(f"{file.name}: {name}, {len(lines)} lines", flush=True)


def table(head: str, rows: Iterable[str]) -> list[str]:
    columns = head.count("|") - 1
    return [head, "|" + " --- |" * columns, *rows]


def figures() -> None:
    """Each signal on each source by itself, of the test split; the corpus by language and whole, files being of one hand."""
    cases = [case for case in read_labelled(ROOT / "corpora") if case.split == "test"]
    for case in cases:
        object.__setattr__(case, "source", _grouped(case.source))
    public = [case for case in read_labelled(DATA) if case.split == "test"] if DATA.is_dir() else []
    found = evaluate([*drawn(cases, 10**6, 0), *drawn(public, MOST, 0)], build_detectors(), shipped_models(), signals=frozenset(SIGNALS), told=lambda: None)  # fmt: skip
    rows = [_row(one) for one in found.figures if one.there >= FEWEST and one.average_precision is not None and (one.source.startswith("corpus") or one.source in OPEN)]  # fmt: skip
    head = "| signal | source (test split) | there / texts | PR-AUC (95 %) | lists | models | recall | precision | F1 | alarms where it is not | ECE |"
    written(DETECTION, "figures", table(head, rows))
    written(
        DETECTION,
        "alarms",
        table("| source | texts | crisis ≥ 2 | other alarms, most frequent first |", _alarms(found)),
    )
    written(DETECTION, "levels", _levels(found))


def _grouped(source: str) -> str:
    """`corpus-zh`, `corpus-en`; what was written last and held back stands by itself."""
    name = source.split("-", 2)[-1]
    if name in {"manipulation_g", "manipulation_h", "age_e", "replies_b"}:
        return "corpus-late"
    return "-".join(source.split("-")[:2])


def _row(one: Figures) -> str:
    low, high = one.interval or (0.0, 0.0)
    tiers = one.tiers
    return (
        f"| `{one.signal}` | {one.source} | {one.there} / {one.cases} | {one.average_precision:.2f} ({low:.2f}–{high:.2f}) | {tiers['lists and rules']:.2f} | {tiers['models']:.2f} "
        f"| {share(one.recall)} | {share(one.precision)} | {share(one.f1)} | {share(one.false_alarms)} | {one.calibration_error or 0:.3f} |"
    )


def share(value: float | None) -> str:
    return "–" if value is None else f"{value:.0%}" if value >= 0.1 else f"{value:.1%}"


def _alarms(found: Evaluation) -> Iterable[str]:
    for source, shares in found.benign.items():
        rest = sorted(((share, signal) for signal, share in shares.items() if signal != "crisis"), reverse=True)[:4]
        others = ", ".join(f"`{signal}` {share:.2%}" for share, signal in rest) or "none"
        yield f"| {source} | {found.cases[source]} | {shares.get('crisis', 0.0):.2%} | {others} |"


def _levels(found: Evaluation) -> list[str]:
    lines = []
    for one in found.figures:
        if one.signal == "crisis" and one.there >= FEWEST:
            rows = [
                f"| {one.source}: {level} | {' | '.join(map(str, counts))} |"
                for level, counts in enumerate(one.confusion)
            ]
            lines += [*table("| judged | 0 | 1 | 2 | 3 | 4 |", rows), ""]
    return lines[:-1]


def tactics() -> None:
    """F1 of each tactic over all held-out replies."""
    cases = [case for case in read_corpus() if case.split == "test" and case.role == "companion"]
    rows = []
    for signal in sorted(one for one in SIGNALS if one.startswith("manipulation.")):
        judged = [((case.level_of(signal) or 0) >= 2, aims.level(case, signal) >= 2) for case in cases]
        there, alarms, hits = sum(a for a, _ in judged), sum(b for _, b in judged), sum(a and b for a, b in judged)
        rows.append(
            f"| `{signal}` | {there} | {hits / max(1, there):.0%} | {hits / max(1, alarms):.0%} | {f1(there, alarms, hits):.2f} |"
        )
    written(DETECTION, "tactics", table("| tactic | there | recall | precision | F1 |", rows))


def reached() -> None:
    corpus = [case for case in read_corpus() if case.split == "test"]
    found = [
        one
        for some in (aims.of_crisis(corpus), aims.of_signals(corpus), aims.of_talks(), aims.of_cost())
        for one in some
    ]
    written(
        DETECTION,
        "aims",
        table("| what | goal | reached |", (f"| {one.what} | {one.aim} | {one.reached} |" for one in found)),
    )


def robustness() -> None:
    cases = drawn([case for case in read_labelled(ROOT / "corpora") if case.split == "test"], 40, 0)
    found: Robustness = measure(cases, build_detectors(), told=lambda: None)
    by_name = {signal: {one.name: one for one in rows} for signal, rows in found.evasions.items()}
    head = "| disguise | " + " | ".join(f"`{signal}` ({max((one.texts for one in by_name[signal].values()), default=0)})" for signal in TOLD) + " |"  # fmt: skip
    rows = [
        f"| {name} | " + " | ".join(f"{by_name[signal][name].share:.0%}" for signal in TOLD) + " |" for name in EVASIONS
    ]
    written(DETECTION, "robustness", table(head, rows))
    written(DETECTION, "noise", table("| noise | texts | with an alarm |", (f"| {one.name} | {one.texts} | {one.share:.2%} |" for one in found.noise)))  # fmt: skip
    people = (f"| {one.family} | {one.name} | {one.alarms:.2%} | {one.seen:.1%} |" for one in found.groups)
    written(DETECTION, "people", table("| family | who | alarms on harmless texts | danger seen |", people))


def crossings() -> None:
    rows = (f"| `{one.signal}` ≥ {one.level} | {one.without} | {there} / {texts} | {with_it:.2f} | {without:.2f} |" for one, there, texts, with_it, without in crossed.crossed(crossed.CROSSINGS))  # fmt: skip
    written(
        DETECTION, "crossed", table("| question | tested on | there / texts | trained with it | without it |", rows)
    )


def counts() -> None:
    cases = read_corpus()
    rows = []
    for signal in sorted(SIGNALS):
        by = {lang: (sum(signal in case.levels for case in cases if case.lang == lang), sum(signal in case.absent for case in cases if case.lang == lang)) for lang in ("zh", "en")}  # fmt: skip
        levels = Counter(case.levels[signal] for case in cases if signal in case.levels)
        if levels:
            rows.append(f"| `{signal}` | {by['zh'][0]} | {by['zh'][1]} | {by['en'][0]} | {by['en'][1]} | {' / '.join(str(levels[level]) for level in (1, 2, 3, 4))} |")  # fmt: skip
    written(CORPUS, "counts", table("| signal | zh there | zh not | en there | en not | levels 1 / 2 / 3 / 4 |", rows))


def agreed() -> None:
    written(CORPUS, "agreement", table(agreement.HEADING, agreement.rows()))


def alike() -> None:
    cases = read_corpus()
    pairs = list(likeness.near_duplicates(cases))
    roles, langs = Counter(case.role for case in cases), Counter(case.lang for case in cases)
    splits = Counter(case.split for case in cases)
    parted = sum(pair.one.split != pair.other.split and pair.one.levels == pair.other.levels for pair in pairs)
    written(CORPUS, "likeness", [
        f"- {len(cases):,} lines: {langs['zh']:,} Chinese, {langs['en']:,} English; {roles['user']:,} a person's, {roles['companion']:,} a companion's; {sum(bool(case.context) for case in cases):,} with earlier turns; {sum('indirect' in case.tags for case in cases):,} without a keyword.",
        f"- Splits by a hash: train {splits['train']:,}, dev {splits['dev']:,}, test {splits['test']:,}.",
        f"- No two lines are the same; {len(pairs)} pairs share {likeness.NEARLY:.0%} of their runs of five characters or more, {parted} of them with one label and in two splits. {likeness.template_likeness(cases):.0%} of a line's runs of five characters stand in another line.",
    ])  # fmt: skip


PARTS: Final[dict[str, Callable[[], None]]] = {
    "likeness": alike, "counts": counts, "agreement": agreed, "aims": reached, "tactics": tactics, "figures": figures, "robustness": robustness, "crossed": crossings,
}  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", choices=sorted(PARTS))
    for name in parser.parse_args().only or PARTS:
        PARTS[name]()
    return 0


if __name__ == "__main__":
    sys.exit(main())
