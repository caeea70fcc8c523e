"""Tests mirror the code: `src/shouban/a/b.py` has `tests/a/test_b.py`, and no test file is left without its module."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tests.docs.reading import ROOT

SOURCE: Final = ROOT / "src" / "shouban"
TESTS: Final = ROOT / "tests"
# Modules that hold nothing of their own to test.
NOTHING_IN_IT: Final = frozenset({"__init__.py", "__main__.py"})
# Alembic's own form: run whole, on both databases, by every test that opens one.
NOT_OURS_IN_FORM: Final = SOURCE / "db" / "migrations"
# Folders of tests about what is no module: documents, the laws' data, the bench, whole journeys, and fakes.
OF_NO_MODULE: Final = frozenset(
    {"docs", "rulepacks", "bench_smoke", "journeys", "upstreams", "faults", "browser", "scenarios"}
)
OF_THE_WHOLE: Final = frozenset({"test_readme.py", "test_mirror.py"})


def _modules() -> list[Path]:
    found = [path for path in SOURCE.rglob("*.py") if path.name not in NOTHING_IN_IT]
    return sorted(path for path in found if NOT_OURS_IN_FORM not in path.parents)


def _test_of(module: Path) -> Path:
    place = module.relative_to(SOURCE)
    return TESTS / place.parent / f"test_{place.name}"


def test_every_module_has_its_tests() -> None:
    missing = [str(_test_of(module).relative_to(ROOT)) for module in _modules() if not _test_of(module).is_file()]
    assert not missing, "\n".join(missing)


def test_every_test_file_stands_where_its_module_stands() -> None:
    known = {_test_of(module) for module in _modules()}
    found = [path for path in TESTS.rglob("test_*.py") if not OF_NO_MODULE & set(path.relative_to(TESTS).parts)]
    strays = [path for path in found if path not in known and path.name not in OF_THE_WHOLE]
    assert not strays, "\n".join(str(path.relative_to(ROOT)) for path in strays)
