"""`shouban simulate`: past conversations through detectors, core, ledger and log, to see what a law would have asked."""

from __future__ import annotations

import asyncio
import resource
import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import msgspec
from cyclopts import Parameter
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from shouban.app import Store, build_gateway, open_store, signer_of
from shouban.cli.serve import set_up_log
from shouban.cli.simulation import Simulation, drive
from shouban.core.errors import CallerError
from shouban.evidence.verify import verify_store
from shouban.offices.simulation.model import Evidence, Report, RuleName, Run
from shouban.offices.simulation.pages import render_report
from shouban.offices.simulation.records import ledger_of
from shouban.offices.simulation.tables import print_report
from shouban.offices.simulation.tally import Tally, report_of
from shouban.offices.simulation.work import Input, claim_directory, writable, write_whole
from shouban.packs.pack import LoadedPack
from shouban.packs.stack import load_pack
from shouban.settings import Settings
from shouban.web.language import Language

TOLD_EVERY_SECONDS: Final = 0.2


def simulate(
    file: Path,
    /,
    *,
    pack: str = "cn",
    data: Annotated[Path | None, Parameter(name="--data")] = None,
    json: Path | None = None,
    html: Path | None = None,
    limit: int | None = None,
    language: Language = "zh",
    strict: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Drive past conversations through a law: what is seen, what is owed and why. No model is called.

    Example: `shouban simulate conversations.jsonl.gz --pack cn --html report.html`

    Parameters
    ----------
    file
        JSON lines, plain or gzipped (`-` is standard input): `{id, messages: [{role, content, at?}], user?}`.
    pack
        The law: a shipped pack, or a pack's directory.
    data
        Keep the store (sealed texts, ledger, log) in this directory; without it a temporary one is used and deleted.
    json
        Write the report here as JSON (`-`: to standard output, and nothing else).
    html
        Write the report here as one page with plots.
    limit
        Stop after so many conversations.
    language
        zh or en: the tables, and the page's first language.
    strict
        End with exit code 1 if any line had to be skipped.

    """
    if limit is not None and limit < 1:
        raise CallerError(f"`--limit` is {limit}; it must be at least 1", field="limit")
    writable(json, "--json")
    writable(html, "--html")
    set_up_log("warning")
    with _directory(data) as place:
        report = _simulated(Input(file), load_pack(pack), place, limit)
    if html is not None:
        write_whole(html, render_report(report, language).encode())
    if json is not None:
        write_whole(json, msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n")
    if str(json) != "-":
        print_report(report, Console(highlight=False), language)
    return 1 if not report.evidence.is_whole or (strict and report.bad.count) else 0


@contextmanager
def _directory(data: Path | None) -> Iterator[Path]:
    if data is None:
        with tempfile.TemporaryDirectory(prefix="shouban-simulate-") as made:
            yield Path(made)
        return
    claim_directory(data)
    yield data


def _simulated(source: Input, pack: LoadedPack, place: Path, limit: int | None) -> Report:
    """Settings come from here alone: no variable of the environment can lead a simulation to a service's database or key."""
    tally = Tally()
    tally.bins.utc_offset = pack.pack.settings.utc_offset
    service = f"simulation-{secrets.token_hex(4)}"
    settings = Settings(data=str(place), companion_app=False)
    store = open_store(settings, environment={})
    try:
        gateway = build_gateway(settings, store)
        started = time.monotonic()
        with _progress(source, tally) as told:
            asyncio.run(drive(source, Simulation(gateway, pack, service, tally, told), limit))
        seconds = time.monotonic() - started
        ledger, evidence = ledger_of(store.engine, service), _verified(store)
    finally:
        store.close()
    run = Run(
        pack.pack.id, pack.pack.digest, pack.pack.title_zh, pack.pack.title_en, datetime.now(UTC).replace(microsecond=0),
        round(seconds, 2), round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    )  # fmt: skip
    rules = {rule.id: RuleName(rule.article, rule.title_zh, rule.title_en) for rule in pack.pack.rules}
    return report_of(tally, run, rules, ledger, evidence)


def _verified(store: Store) -> Evidence:
    """All that the directory holds, read anew and held against its log."""
    with store.engine.connect() as connection:
        found = verify_store(connection, store.master, lambda origin: signer_of(store.master, origin).verifier_key)
    first = next((f"{one.place}: {one.what}" for one in found.problems()), "")
    return Evidence(found.is_clean, found.size, first)


@contextmanager
def _progress(source: Input, tally: Tally) -> Iterator[Callable[[], None]]:
    """A bar on a terminal, moved by the bytes of the file that were read; elsewhere nothing."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("0 conversations", total=None)
        started = last = time.monotonic()

        def told() -> None:
            nonlocal last
            now = time.monotonic()
            if now - last < TOLD_EVERY_SECONDS:
                return
            last = now
            speed = tally.conversations / (now - started)
            bar.update(
                task,
                total=source.size,
                completed=source.position,
                description=f"{tally.conversations} conversations, {speed:.0f}/s",
            )

        yield told
