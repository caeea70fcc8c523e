"""Says what is wrong with files of the corpus, line by line, and what they hold.

Example: `python -m training.corpus corpora/zh/crisis_a.tsv`
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from pathlib import Path
from typing import Final

from shouban.detectors.labelled import Case, LabelError, lines_of, parse_line, read_labelled

ROOT: Final = Path(os.environ.get("SHOUBAN_CORPORA", Path(__file__).resolve().parents[1] / "corpora"))


def read_corpus(root: Path = ROOT) -> list[Case]:
    """Every line of every file; the first that is wrong is an error."""
    return list(read_labelled(root))


def mistakes_in(file: Path) -> list[str]:
    """What is wrong, one message a line."""
    found: list[str] = []
    seen: dict[tuple[str, str, str], int] = {}
    for number, raw in lines_of(file):
        try:
            case = parse_line(raw, lang=file.parent.name, name=file.stem)
        except LabelError as error:
            found.append(f"{file}:{number}: {error}")
            continue
        same = (case.role, case.text, raw.split("\t")[3])
        if same in seen:
            found.append(f"{file}:{number}: the same as line {seen[same]}")
        seen.setdefault(same, number)
    return found


def main(files: list[str]) -> int:
    wrong = [mistake for file in files for mistake in mistakes_in(Path(file))]
    print("\n".join(wrong[:60]))
    for file in files:
        cases = list(read_labelled(Path(file))) if not wrong else []
        present = Counter(signal for case in cases for signal in case.levels)
        absent = Counter(signal for case in cases for signal in case.absent)
        print(f"{file}: {len(cases)} lines, {len(wrong)} wrong")
        for signal in sorted({*present, *absent}):
            print(f"  {signal:38} {present[signal]:5} present {absent[signal]:5} absent")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
