"""What a verification found: check by check, how much was looked at, and where something does not hold."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import msgspec
from sqlalchemy.exc import SQLAlchemyError

from shouban.core.errors import EvidenceError

# A log with a million wrong rows is told by the first few and their number.
MAX_TOLD: Final = 20


class Problem(msgspec.Struct, frozen=True):
    """Where something does not hold, and what."""

    place: str
    what: str


class Check(msgspec.Struct):
    """One thing verified. `looked` counts what was looked at, `wrong` what does not hold; the first few are told."""

    name: str
    looked: int = 0
    wrong: int = 0
    problems: list[Problem] = []

    def blame(self, place: str, what: str) -> None:
        self.wrong += 1
        if len(self.problems) < MAX_TOLD:
            self.problems.append(Problem(_printable(place), _printable(what)))

    @contextmanager
    def guarding(self, place: str) -> Iterator[None]:
        """What raises inside is a problem of that place, and the verification goes on."""
        try:
            yield
        except EvidenceError as error:
            self.blame(place, str(error))
        except SQLAlchemyError as error:
            self.blame(place, f"cannot be read ({str(error).splitlines()[0]})")


class Report(msgspec.Struct):
    """The whole verification; `root` is the tree's, in hex, recomputed from the entries."""

    origin: str
    size: int
    root: str
    checks: list[Check]

    @property
    def is_clean(self) -> bool:
        return not any(check.wrong for check in self.checks)

    def problems(self) -> list[Problem]:
        return [problem for check in self.checks for problem in check.problems]


def _printable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()
