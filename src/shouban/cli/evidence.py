"""`shouban evidence`: verify the records, prove an entry, export the log, replay the decisions."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import msgspec
from cyclopts import App, Parameter
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn
from sqlalchemy import Connection

from shouban.app import signer_of
from shouban.core.errors import CallerError
from shouban.core.obligations import Obligation
from shouban.core.rules import Pack
from shouban.db.engine import sqlite_url
from shouban.db.keys import MasterKey, read_master
from shouban.db.reading import snapshot
from shouban.duties.audit import check_books
from shouban.evidence import export as exporting
from shouban.evidence.log import decode_entry, read_leaves, size_of
from shouban.evidence.proof import verify_proof
from shouban.evidence.replay import Difference, Replayed, Tally, replay
from shouban.evidence.report import Report
from shouban.evidence.verify import check_earlier, origin_of, verify_store
from shouban.packs.stack import load_pack
from shouban.settings import read_settings

GOOD: Final = 0
PROBLEMS: Final = 1
EXAMPLES: Final = 10

app = App(name="evidence", help="The tamper-evident log. Example: `shouban evidence verify --data shouban-data`")

Data = Annotated[Path | None, Parameter(name="--data")]
Json = Annotated[bool, Parameter(name="--json", negative="")]
Step = Callable[[int], None]


@app.command
def verify(
    *,
    data: Data = None,
    database: str | None = None,
    export: Path | None = None,
    key: str | None = None,
    checkpoint: Path | None = None,
    json: Json = False,
) -> int:
    """Verify that no byte of the log, and of any record beside it, was changed. Needs no server, and does not disturb one.

    Example: `shouban evidence verify --data shouban-data`, or `shouban evidence verify --export FOLDER --key KEY`

    Parameters
    ----------
    data
        The service's own directory.
    database
        `sqlite:///FILE` or `postgresql://USER@HOST/NAME`, where it is not in the directory.
    export
        An exported log instead of a service: verified with the public key alone.
    key
        The log's public key, or a file of it; without it the export's own `key` is believed.
    checkpoint
        A head of the log that was signed before and kept elsewhere, as in a case's file: the log must still begin with it.
    json
        Print JSON for a machine.

    """
    earlier = _text_of(checkpoint) if checkpoint is not None else ""
    if export is not None:
        return _verify_files(export, key, earlier, as_json=json)
    if key is not None:
        raise CallerError("`--key` goes with `--export`; a service's own key comes from its `--data`", field="key")
    with _opened(data, database) as (connection, master), _bar("verifying", lambda: size_of(connection)) as step:
        report = verify_store(connection, master, partial(_public_key, master), audits=[check_books], step=step)
        if earlier:
            public = partial(_public_key, master, report.origin)
            report.checks.append(check_earlier(earlier, public, report.size, exporting.tiles_of(connection)))
    return _tell_report(report, as_json=json)


@app.command
def prove(
    index: int | None = None,
    *,
    data: Data = None,
    database: str | None = None,
    out: Path | None = None,
    check: Path | None = None,
    key: str | None = None,
) -> int:
    """Give one entry with its proof, for anyone to verify offline; or verify such a proof.

    Example: `shouban evidence prove 42 --data shouban-data --out 42.tlog-proof`, or
    `shouban evidence prove --check 42.tlog-proof --key KEY`

    Parameters
    ----------
    index
        The entry's place in the log, from 0.
    data
        The service's own directory.
    database
        `sqlite:///FILE` or `postgresql://USER@HOST/NAME`, where it is not in the directory.
    out
        The file to write; otherwise it is printed.
    check
        A proof to verify instead, with no database.
    key
        The log's public key, for `--check`.

    """
    if check is not None:
        return _check_proof(check, key)
    if index is None:
        raise CallerError("give the entry's INDEX, or a proof with `--check FILE --key KEY`", field="index")
    with _opened(data, database) as (connection, master):
        proof = exporting.prove(connection, index, signer_of(master, origin_of(connection)).verifier_key)
    if out is None:
        print(proof, end="")
    else:
        out.write_text(proof, "utf-8")
        print(f"entry {index} with its proof: {out}")
    return GOOD


@app.command(name="export")
def export_log(*, out: Path, data: Data = None, database: str | None = None, person: str | None = None) -> int:
    """Write the log as static files (C2SP tlog-tiles) that anyone can keep and verify.

    Example: `shouban evidence export --data shouban-data --out log-2026-08`

    Parameters
    ----------
    out
        A new or empty folder.
    data
        The service's own directory.
    database
        `sqlite:///FILE` or `postgresql://USER@HOST/NAME`, where it is not in the directory.
    person
        Only the entries of this pseudonym, each with its proof.

    """
    with _opened(data, database) as (connection, master):
        verifier_key = signer_of(master, origin_of(connection)).verifier_key
        if person is not None:
            with _bar("exporting", None) as step:
                count = exporting.export_person(connection, out, verifier_key, person, step=step)
            print(f"{count} entries of person `{person}`, each with its proof: {out}")
        else:
            with _bar("exporting", lambda: size_of(connection)) as step:
                checkpoint = exporting.export_log(connection, out, verifier_key, step=step)
            print(f"{checkpoint.size} entries: {out}")
    print(f"public key: {verifier_key}")
    return GOOD


@app.command(name="replay")
def replay_log(*, data: Data = None, database: str | None = None, pack: str | None = None, json: Json = False) -> int:
    """Decide everything in the log again, and report what comes out otherwise; with `--pack`, what another law would have asked.

    Example: `shouban evidence replay --data shouban-data --pack cn-2026-order21`

    Parameters
    ----------
    data
        The service's own directory.
    database
        `sqlite:///FILE` or `postgresql://USER@HOST/NAME`, where it is not in the directory.
    pack
        Another law: a pack's name or folder. Differences are then the answer, not a problem.
    json
        Print JSON for a machine.

    """
    law = _other(pack) if pack is not None else _same()
    with _opened(data, database) as (connection, _), _bar("replaying", lambda: size_of(connection)) as step:
        entries = ((index, decode_entry(leaf.data, index)) for index, leaf in read_leaves(connection))
        found = replay(entries, law, step=step)
    if json:
        _print_json(found)
    else:
        _tell_replayed(found)
    return PROBLEMS if found.differences and pack is None else GOOD


# --- opening


def _public_key(master: MasterKey, origin: str) -> str:
    return signer_of(master, origin).verifier_key


@contextmanager
def _opened(data: Path | None, database: str | None) -> Iterator[tuple[Connection, MasterKey]]:
    """The service's database as it is at this moment, to read only, and its master key, which must be there already."""
    file = Path("shouban.toml")
    flags = {"data": str(data) if data else None, "database": database}
    settings = read_settings(file if file.exists() else None, os.environ, flags)
    folder = Path(settings.data)
    master = read_master(folder, os.environ)
    with snapshot(settings.database or sqlite_url(folder)) as connection:
        yield connection, master


@contextmanager
def _bar(what: str, total: Callable[[], int] | None) -> Iterator[Step]:
    """A progress bar, on a terminal only; elsewhere nothing is even counted."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    with Progress(
        "{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=Console(stderr=True)
    ) as progress:
        task = progress.add_task(what, total=total() if total else None)
        yield lambda count: progress.advance(task, count)


def _same() -> Callable[[str], Pack]:
    """The pack of an entry's own id."""
    known: dict[str, Pack] = {}

    def law(pack_id: str) -> Pack:
        if pack_id not in known:
            try:
                known[pack_id] = load_pack(pack_id).pack
            except CallerError as error:
                raise CallerError(
                    f"{error}; the log was decided under it: give its folder with `--pack DIR`", field="pack"
                ) from error
        return known[pack_id]

    return law


def _other(name: str) -> Callable[[str], Pack]:
    pack = load_pack(name).pack
    return lambda _: pack


# --- verifying files


def _verify_files(folder: Path, key: str | None, earlier: str, *, as_json: bool) -> int:
    if not folder.is_dir():
        raise CallerError(f"there is no folder `{folder}`", field="export")
    verifier_key = _given_key(key) if key else _given_key(str(folder / exporting.KEY))
    if not key:
        print(
            "shouban: no `--key`: the export's own key is believed; compare it with the one the service has published",
            file=sys.stderr,
        )
    with _bar("verifying", lambda: exporting.size_in(folder) or 0) as step:
        report = exporting.verify_export(folder, verifier_key, step=step)
    if earlier:
        report.checks.append(check_earlier(earlier, lambda: verifier_key, report.size, exporting.tiles_in(folder)))
    return _tell_report(report, as_json=as_json)


def _given_key(words: str) -> str:
    """The key itself, or a file that holds it."""
    file = Path(words)
    if "+" in words and not file.is_file():
        return words.strip()
    try:
        return file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise CallerError(
            f"`{file}` is no public key and no file of one; a key is `<name>+<key id>+<base64>`", field="key"
        ) from error


def _check_proof(file: Path, key: str | None) -> int:
    if key is None:
        raise CallerError("`--check` needs the log's public key: `--key KEY`", field="key")
    proved = verify_proof(_text_of(file), _given_key(key))
    decode_entry(proved.entry, proved.index)
    print(f"proved: entry {proved.index} of the {proved.checkpoint.size} of the log `{proved.checkpoint.origin}`")
    print(proved.entry.decode())
    return GOOD


def _text_of(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CallerError(f"`{file}` cannot be read as a text", field="check") from error


# --- telling


def _print_json(value: object) -> None:
    print(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def _tell_report(report: Report, *, as_json: bool) -> int:
    if as_json:
        _print_json({"clean": report.is_clean, **msgspec.to_builtins(report)})
        return GOOD if report.is_clean else PROBLEMS
    print(f"log `{report.origin}`: {report.size} entries, root {report.root}")
    for check in report.checks:
        print(
            f"  {'✗' if check.wrong else '✓'} {check.name:<14} {check.looked:>9} looked at{f', {check.wrong} wrong' if check.wrong else ''}"
        )
        for problem in check.problems:
            print(f"      {problem.place}: {problem.what}")
        if check.wrong > len(check.problems):
            print(f"      … and {check.wrong - len(check.problems)} more")
    print(
        "clean: every record is as the log says"
        if report.is_clean
        else f"{sum(check.wrong for check in report.checks)} problems found"
    )
    return GOOD if report.is_clean else PROBLEMS


def _tell_replayed(found: Replayed) -> None:
    print(f"{found.entries} entries, {found.decisions} decisions on {found.persons} persons decided again:")
    print(f"  {found.differences} come out otherwise, {found.other_duties} of them in what is owed and not only in why")
    for version in found.packs:
        how = (
            f"with the same pack `{version.now}`"
            if version.is_same
            else f"decided under `{version.then}`, replayed with `{version.now}`"
        )
        print(f"  {how}: {version.differences} of {version.decisions} differ")
    for title, tallies in (("obligations", found.obligations), ("rules", found.rules)):
        if tallies:
            print(f"\n{title}")
        for tally in tallies:
            print(f"  {tally.name:<48} {_count_words(tally)}")
    for one in found.shown[:EXAMPLES]:
        _tell_difference(one)
    if found.differences > EXAMPLES:
        print(f"… and {found.differences - EXAMPLES} more")


def _count_words(tally: Tally) -> str:
    parts = (("+", tally.added, tally.added_at), ("-", tally.dropped, tally.dropped_at))
    return "  ".join(
        f"{sign}{count} (entries {', '.join(map(str, at))}{', …' * (count > len(at))})"
        for sign, count, at in parts
        if count
    )


def _tell_difference(one: Difference) -> None:
    print(
        f"\nentry {one.index}, {one.event}{': what is remembered of the person differs' if one.state_differs else ''}"
    )
    print(f"  then: {_owed_words(one.owed_then)}")
    print(f"  now:  {_owed_words(one.owed_now)}")


def _owed_words(owed: tuple[Obligation, ...]) -> str:
    return "; ".join(f"{type(one).__name__} ({', '.join(one.because)})" for one in owed) or "nothing"
