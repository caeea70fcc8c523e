"""Everything there is to say of a pack before it is used: what is wrong with it, and what people still have to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from shouban.core.errors import PackError
from shouban.packs.cases import run_cases, unshown
from shouban.packs.pack import LoadedPack
from shouban.packs.register import Row, coverage
from shouban.packs.stack import load_pack


@dataclass(frozen=True)
class Examination:
    """`problems` keep a pack from being used; the other lists are work for people."""

    name: str
    problems: tuple[str, ...] = ()
    rules: int = 0
    cases: int = 0
    templates: int = 0
    open_rows: tuple[Row, ...] = ()
    elsewhere: dict[str, str] = field(default_factory=dict)
    by_offices: tuple[Row, ...] = ()
    to_verify_by_phone: tuple[str, ...] = ()
    to_approve: tuple[str, ...] = ()
    unused_templates: tuple[str, ...] = ()

    @property
    def is_good(self) -> bool:
        return not self.problems


def examine(name_or_dir: str | Path) -> Examination:
    """Loads the pack, runs its cases and looks at what it leaves open."""
    try:
        loaded = load_pack(name_or_dir)
    except PackError as error:
        return Examination(str(name_or_dir), problems=tuple(str(error).splitlines()))
    results = run_cases(loaded)
    failures = [failure for result in results for failure in result.failures]
    seen = coverage(loaded)
    return Examination(
        name=loaded.pack.id,
        problems=(*failures, *unshown(loaded, results)),
        rules=len(loaded.pack.rules),
        cases=len(results),
        templates=len(loaded.templates),
        open_rows=seen.open,
        elsewhere=seen.elsewhere,
        by_offices=seen.by_offices,
        to_verify_by_phone=_unverified(loaded),
        to_approve=tuple(sorted(ref for ref, one in loaded.templates.items() if one.approved is None)),
        unused_templates=_unused(loaded),
    )


def _unverified(loaded: LoadedPack) -> tuple[str, ...]:
    """Numbers that nobody has rung yet."""
    return tuple(
        f"{one.region} {one.name_zh} {one.number} ({one.source})" for one in loaded.resources if one.verified_on is None
    )


def _unused(loaded: LoadedPack) -> tuple[str, ...]:
    used = {getattr(one, "template", "") for rule in loaded.pack.rules for one in rule.owes}
    return tuple(sorted(loaded.templates.keys() - used)) if loaded.kind != "words" else ()
