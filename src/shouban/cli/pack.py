"""`shouban pack`: the rule packs, what they ask for, whether they hold, and how they differ."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from cyclopts import App, Parameter
from rich.console import Console
from rich.table import Table

from shouban.core.errors import CallerError, OperatorError, PackError
from shouban.detectors.imported import import_words
from shouban.packs.check import Examination, examine
from shouban.packs.diff import Change, diff
from shouban.packs.explain import Explanation, explain, find_rule, owed_words, plain
from shouban.packs.pack import LoadedPack
from shouban.packs.stack import load_pack, shipped_packs
from shouban.packs.templates import Language

GOOD: Final = 0
PROBLEMS: Final = 1
USAGE: Final = 2
LANGUAGES: Final[tuple[Language, ...]] = ("zh", "en")

app = App(name="pack", help="Rule packs: the law as data. Example: `shouban pack check cn`")

Json = Annotated[bool, Parameter(name="--json", negative="", help="Print JSON for a machine.")]
Spoken = Annotated[Language, Parameter(name="--language", help="zh or en.")]


def _answering(command: Callable[..., int]) -> Callable[..., int]:
    """Says whose error it is, and ends with its code: 2 for the call, 1 for the pack."""

    @wraps(command)
    def run(*args: Any, **options: Any) -> int:  # noqa: ANN401  # hands on whatever the command takes
        try:
            return command(*args, **options)
        except (CallerError, OperatorError) as error:
            print(f"shouban pack: {error}", file=sys.stderr)
            return USAGE
        except PackError as error:
            print(error, file=sys.stderr)
            return PROBLEMS

    return run


def _print_json(value: object) -> None:
    print(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def _table(*columns: str, **options: Any) -> Table:  # noqa: ANN401  # rich's own options
    """A table whose cells wrap anywhere: Chinese has no spaces to wrap at."""
    table = Table(**options)
    for name in columns:
        table.add_column(name, overflow="fold")
    return table


# --- list


@app.command(name="list")
@_answering
def list_packs(*, json: Json = False) -> int:
    """List the packs that come with Shouban.

    Example: `shouban pack list`
    """
    packs = [load_pack(name) for name in shipped_packs()]
    if json:
        _print_json([_summary(one) for one in packs])
        return GOOD
    table = _table("pack", "kind", "version", "rules", "in force from", "title")
    for one in packs:
        summary = _summary(one)
        row = ("id", "kind", "version", "rules", "in_force_from", "title_zh")
        table.add_row(*(str(summary[key] or "") for key in row))
    Console().print(table)
    return GOOD


def _summary(one: LoadedPack) -> dict[str, Any]:
    law = one.law
    return {
        "id": one.pack.id,
        "kind": one.kind,
        "version": one.pack.version,
        "title_zh": one.pack.title_zh,
        "title_en": one.pack.title_en,
        "rules": len(one.pack.rules),
        "status": law.status if law else "",
        "in_force_from": str(law.in_force_from or "") if law else "",
        "stack": [part.pack.id for part in one.stacked],
        "digest": one.pack.digest,
    }


# --- show


@app.command
@_answering
def show(pack: str, /, *, language: Spoken = "zh", json: Json = False) -> int:
    """Show a pack: its law, its numbers, its rules.

    Example: `shouban pack show cn-2026-order21 --language en`
    """
    loaded = load_pack(pack)
    if json:
        _print_json(_whole(loaded, language))
        return GOOD
    console = Console()
    console.print(f"[bold]{loaded.pack.id}[/bold] {loaded.pack.version}  {loaded.pack.title_zh}", highlight=False)
    for part in loaded.parts:
        if part.law:
            console.print(f"{part.law.name} · {part.law.number} · {part.law.source}", highlight=False)
    console.print(f"sha256 {loaded.pack.digest}", highlight=False)
    console.print(_settings_table(loaded), _rules_table(loaded, language))
    return GOOD


def _whole(loaded: LoadedPack, language: Language) -> dict[str, Any]:
    rules = [explain(rule, loaded.sources[rule.id], language) for rule in loaded.pack.rules]
    return {
        **_summary(loaded),
        "laws": [dataclasses.asdict(part.law) for part in loaded.parts if part.law],
        "settings": _settings(loaded),
        "unknown": {signal: level.name.lower() for signal, level in loaded.pack.unknown.items()},
        "rules": rules,
        "templates": sorted(loaded.templates),
        "resources": [one.id for one in loaded.resources],
    }


def _settings(loaded: LoadedPack) -> dict[str, str]:
    return {name: plain(value) for name, value in msgspec.structs.asdict(loaded.pack.settings).items()}


def _settings_table(loaded: LoadedPack) -> Table:
    table = _table("setting", "value")
    for name, value in _settings(loaded).items():
        table.add_row(name, value)
    return table


def _rules_table(loaded: LoadedPack, language: Language) -> Table:
    table = _table("rule", "article", "title", "owes")
    for rule in loaded.pack.rules:
        title = rule.title_zh if language == "zh" else rule.title_en
        owes = "\n".join(owed_words(one, language) for one in rule.owes)
        table.add_row(rule.id, rule.article, title, owes or ", ".join(wake.key for wake in rule.wakes))
    return table


# --- check


@app.command
@_answering
def check(pack: str | None = None, /, *, json: Json = False) -> int:
    """Check a pack, or every shipped one: its names, its cases, and what the duty register leaves open.

    Example: `shouban pack check ./my-pack`
    """
    found = [examine(name) for name in ([pack] if pack else shipped_packs())]
    if json:
        _print_json(found)
    else:
        for one in found:
            _print_examination(one, whole=pack is not None)
    return GOOD if all(one.is_good for one in found) else PROBLEMS


def _print_examination(one: Examination, *, whole: bool) -> None:
    console = Console(soft_wrap=True, highlight=False)
    verdict = "[green]good[/green]" if one.is_good else f"[red]{len(one.problems)} problems[/red]"
    console.print(
        f"[bold]{one.name}[/bold]: {verdict} ({one.rules} rules, {one.cases} cases, {one.templates} templates)"
    )
    for problem in one.problems:
        console.print(f"  {problem}", markup=False)
    _print_list(console, "register rows with no rule", [f"{row.id} {row.article} {row.duty}" for row in one.open_rows])
    _print_list(console, "rows another part answers", [f"{row} {why}" for row, why in one.elsewhere.items()])
    if one.by_offices:
        rows = ", ".join(row.id for row in one.by_offices)
        _print_list(console, "rows that are people's work in the offices", [rows])
    if one.to_verify_by_phone:
        numbers = (
            list(one.to_verify_by_phone)
            if whole
            else [f"{len(one.to_verify_by_phone)} numbers; check the pack alone to list them"]
        )
        _print_list(console, "to verify by phone", numbers)
    if one.to_approve:
        console.print(f"  wordings that no clinician or lawyer has approved yet: {len(one.to_approve)}")
    _print_list(console, "wordings that no rule of this pack uses", list(one.unused_templates))


def _print_list(console: Console, title: str, lines: list[str]) -> None:
    if not lines:
        return
    console.print(f"  {title}:", markup=False)
    for line in lines:
        console.print(f"    {line}", markup=False)


# --- explain


@app.command(name="explain")
@_answering
def explain_rule(
    rule: str,
    /,
    *,
    pack: str | None = None,
    language: Annotated[Language | None, Parameter(name="--language")] = None,
    json: Json = False,
) -> int:
    """Explain a rule in words: article, condition, what is owed, what is left as proof.

    Example: `shouban pack explain cn-2026-order21.two-hours`
    """
    packs = [load_pack(name) for name in ([pack] if pack else _packs_with_rules())]
    found, source = find_rule(packs, rule)
    explanations = [explain(found, source, one) for one in ([language] if language else LANGUAGES)]
    if json:
        _print_json(explanations)
        return GOOD
    for one in explanations:
        Console(highlight=False).print(_explanation_table(one))
    return GOOD


def _packs_with_rules() -> list[str]:
    return [name for name in shipped_packs() if load_pack(name).kind == "rules"]


LABELS: Final[dict[str, tuple[str, str]]] = {
    "law": ("法规", "law"),
    "article": ("条款", "article"),
    "quote": ("原文", "quotation"),
    "source": ("来源", "source"),
    "where": ("位置", "stands at"),
    "in_force": ("生效", "in force"),
    "listens": ("事件", "when it looks"),
    "condition": ("条件", "condition"),
    "owes": ("义务", "owes"),
    "evidence": ("存证", "evidence"),
    "register": ("义务登记行", "register rows"),
    "cases": ("情景", "cases"),
}


def _explanation_table(one: Explanation) -> Table:
    table = _table("what", "words", title=f"{one.id}  {one.title}", show_header=False, title_justify="left")
    for name, (zh, en) in LABELS.items():
        value = getattr(one, name)
        joiner = "\n" if name == "owes" else ", "
        table.add_row(zh if one.language == "zh" else en, joiner.join(value) if isinstance(value, tuple) else value)
    return table


# --- diff


@app.command(name="diff")
@_answering
def diff_packs(before: str, after: str, /, *, json: Json = False) -> int:
    """Show what changes from one pack to another.

    Example: `shouban pack diff cn-2025-draft cn-2026-order21`
    """
    changes = diff(load_pack(before), load_pack(after))
    if json:
        _print_json(changes)
        return GOOD
    Console().print(_changes_table(changes, before, after) if changes else "no difference")
    return GOOD


def _changes_table(changes: list[Change], before: str, after: str) -> Table:
    table = _table("what", "name", "point", before, after)
    for one in changes:
        table.add_row(one.what, one.name, one.point, one.before, one.after)
    return table


# --- import-words


@app.command(name="import-words")
@_answering
def import_word_list(
    file: Path,
    /,
    *,
    signal_class: Annotated[str, Parameter(name="--class", help="A prohibited class, such as `gambling`.")],
    data: Annotated[Path, Parameter(name="--data", help="The service's folder.")],
    json: Json = False,
) -> int:
    """Import a provider's own word list, one word a line.

    Example: `shouban pack import-words words.txt --class gambling --data ./data`
    """
    if not file.is_file():
        raise CallerError(f"there is no file `{file}`", field="file")
    report = import_words(file, signal_class, data / "words")
    if json:
        _print_json(report)
    else:
        print(
            f"{report.added} words added, {report.duplicates} were there already, {len(report.refused)} lines refused"
        )
        for line, why in report.refused:
            print(f"  {file.name}:{line}: {why}")
    return PROBLEMS if report.refused else GOOD
