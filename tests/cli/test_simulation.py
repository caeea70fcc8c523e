"""The drive over a real store, real detectors and the shipped law."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from shouban.app import Store, build_gateway, open_store, signer_of
from shouban.cli.simulation import Simulation, drive
from shouban.core.events import CompanionSpoke, ContextRead, UserSpoke
from shouban.core.state import PersonState
from shouban.db.schema import LEDGER, LOG_ENTRIES, MESSAGES, PERSONS
from shouban.evidence.log import Decided, decode_entry
from shouban.evidence.verify import verify_store
from shouban.gateway.context import Gateway
from shouban.offices.simulation.intake import START
from shouban.offices.simulation.records import ledger_of
from shouban.offices.simulation.tally import Tally
from shouban.offices.simulation.work import Input
from shouban.packs.pack import LoadedPack
from shouban.packs.stack import load_pack
from shouban.settings import Settings


@dataclass
class Stage:
    store: Store
    gateway: Gateway
    pack: LoadedPack


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    settings = Settings(data=str(tmp_path_factory.mktemp("store")), companion_app=False)
    store = open_store(settings, environment={})
    yield Stage(store, build_gateway(settings, store), load_pack("cn"))
    store.close()


def talk(name: str, *said: tuple[str, str] | tuple[str, str, str], **more: Any) -> dict[str, Any]:
    messages = [dict(zip(("role", "content", "at"), one, strict=False)) for one in said]
    return {"id": name, "messages": messages, **more}


def driven(stage: Stage, tmp_path: Path, *lines: dict[str, Any], limit: int | None = None) -> Simulation:
    (tmp_path / "in.jsonl").write_text("\n".join(json.dumps(line) for line in lines))
    run = Simulation(stage.gateway, stage.pack, f"simulation-{secrets.token_hex(4)}", Tally(), lambda: None)
    asyncio.run(drive(Input(tmp_path / "in.jsonl"), run, limit))
    return run


def owed(run: Simulation) -> dict[str, int]:
    return {kind: one.count for kind, one in run.tally.owed.items()}


def rows(stage: Stage, run: Simulation, table: Any) -> int:
    with stage.store.engine.connect() as connection:
        return connection.execute(
            select(func.count()).select_from(table).where(table.c.service_id == run.service)
        ).scalar_one()


def entries(stage: Stage, run: Simulation) -> list[Decided]:
    with stage.store.engine.connect() as connection:
        leaves = connection.execute(
            select(LOG_ENTRIES.c.leaf).where(LOG_ENTRIES.c.service_id == run.service).order_by(LOG_ENTRIES.c.leaf_index)
        )
        found = [decode_entry(bytes(leaf), 0) for leaf in leaves.scalars()]
    return [one for one in found if isinstance(one, Decided)]


def is_whole(stage: Stage) -> bool:
    with stage.store.engine.connect() as connection:
        return verify_store(
            connection, stage.store.master, lambda origin: signer_of(stage.store.master, origin).verifier_key
        ).is_clean


def test_an_ordinary_talk_owes_the_notice_that_this_is_an_ai_and_nothing_else(stage: Stage, tmp_path: Path) -> None:
    run = driven(
        stage, tmp_path, talk("a", ("user", "今天天气真好"), ("assistant", "是啊，适合散步。"), ("user", "我想去公园"))
    )
    assert owed(run) == {"Disclose": 1}
    assert (run.tally.conversations, run.tally.persons, dict(run.tally.roles), run.tally.bad) == (
        1,
        1,
        {"user": 2, "companion": 1},
        0,
    )


def test_despair_owes_help_and_a_person_and_says_by_which_rules(stage: Stage, tmp_path: Path) -> None:
    run = driven(stage, tmp_path, talk("dark", ("user", "我不想活了"), ("assistant", "我在听。")))
    assert {"Disclose", "ShowHelp", "Escalate"} <= owed(run).keys()
    assert run.tally.owed["ShowHelp"].example == "dark"
    assert any("crisis" in rule for rule in run.tally.rules)
    assert run.tally.alarms.count >= 1
    assert run.tally.signals["crisis"].count == 1


def test_leaving_owes_an_end_at_once(stage: Stage, tmp_path: Path) -> None:
    assert (
        owed(driven(stage, tmp_path, talk("a", ("user", "你好"), ("assistant", "你好"), ("user", "再见"))))[
            "EndSession"
        ]
        == 1
    )


def test_everything_is_in_the_store_the_ledger_and_the_log_and_the_log_holds(stage: Stage, tmp_path: Path) -> None:
    run = driven(
        stage,
        tmp_path,
        *(
            talk(f"c{number}", ("system", "扮演朋友"), ("user", "我不想活了"), ("assistant", "抱抱"))
            for number in range(60)
        ),
    )
    books = ledger_of(stage.store.engine, run.service)
    assert rows(stage, run, PERSONS) == 60
    assert rows(stage, run, MESSAGES) == 180
    assert books.owed + books.done + books.failed == sum(owed(run).values())
    assert rows(stage, run, LEDGER) == sum(owed(run).values()) + books.timers_run + books.timers_standing
    heard = [type(entry.event) for entry in entries(stage, run)]
    assert [heard.count(kind) for kind in (ContextRead, UserSpoke, CompanionSpoke)] == [60, 60, 60]
    assert is_whole(stage)


def test_no_words_stand_in_the_database_unsealed(stage: Stage, tmp_path: Path) -> None:
    driven(stage, tmp_path, talk("a", ("user", "unmistakable-secret-words")))
    with stage.store.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    assert all(
        b"unmistakable-secret-words" not in file.read_bytes() for file in stage.store.data.rglob("*") if file.is_file()
    )


def test_a_user_who_comes_again_is_the_same_person_in_the_order_of_the_lines(stage: Stage, tmp_path: Path) -> None:
    lines = [
        talk(f"c{number}", ("user", f"第{number}次"), ("assistant", "好"), user="u" if number % 2 else {"id": "u"})
        for number in range(12)
    ]
    run = driven(stage, tmp_path, *lines, talk("else", ("user", "你好"), user="v"), talk("own", ("user", "你好")))
    assert (run.tally.conversations, run.tally.persons) == (14, 3)
    assert rows(stage, run, PERSONS) == 3
    spoken = [
        entry.event.turn
        for entry in entries(stage, run)
        if isinstance(entry.event, UserSpoke) and int(entry.event.turn.split(".")[0]) <= 12
    ]
    assert [int(turn.split(".")[0]) for turn in spoken] == list(range(1, 13))
    times = [
        entry.event.at
        for entry in entries(stage, run)
        if isinstance(entry.event, UserSpoke) and entry.event.turn.startswith("2.")
    ]
    assert times == [START + timedelta(days=1, minutes=1)]
    assert not run.turns_of
    assert is_whole(stage)


def test_a_registered_profile_changes_what_is_owed(stage: Stage, tmp_path: Path) -> None:
    wish = ("user", "做我女朋友吧"), ("assistant", "好呀，亲爱的，我做你女朋友。")
    minor = driven(stage, tmp_path, talk("minor", *wish, user={"age_band": "14_15"}))
    adult = driven(stage, tmp_path, talk("adult", *wish))
    assert owed(minor) != owed(adult)
    registered = entries(stage, minor)[0].event
    assert getattr(registered, "age_band", None) == "14_15"


def test_two_hours_of_talk_owe_one_reminder_by_a_timer_in_its_own_time(stage: Stage, tmp_path: Path) -> None:
    said = [("user", "嗯", (START + timedelta(minutes=10 * step)).isoformat()) for step in range(15)]
    run = driven(stage, tmp_path, talk("long", *said))
    assert owed(run)["Remind"] == 1
    reminded = [
        entry.event.at for entry in entries(stage, run) if any(type(one).__name__ == "Remind" for one in entry.owed)
    ]
    assert reminded == [START + timedelta(hours=2)]
    assert ledger_of(stage.store.engine, run.service).timers_run >= 1
    assert sum(run.tally.bins.messages.values()) == 15
    assert is_whole(stage)


def test_a_talk_without_times_stays_out_of_the_timeline(stage: Stage, tmp_path: Path) -> None:
    assert not driven(stage, tmp_path, talk("a", ("user", "你好"))).tally.bins.messages


def test_empty_words_are_heard_and_no_text_is_kept(stage: Stage, tmp_path: Path) -> None:
    run = driven(stage, tmp_path, talk("a", ("user", ""), ("assistant", "")))
    assert rows(stage, run, MESSAGES) == 0
    assert dict(run.tally.roles) == {"user": 1, "companion": 1}


def test_bad_lines_are_skipped_with_their_number_and_the_limit_counts_good_ones(stage: Stage, tmp_path: Path) -> None:
    run = driven(
        stage,
        tmp_path,
        {"id": "bad"},
        talk("a", ("user", "你好")),
        talk("b", ("robot", "x")),
        talk("c", ("user", "你好")),
        talk("d", ("user", "你好")),
        limit=2,
    )
    assert run.tally.conversations == 2
    assert [one.line for one in run.tally.bad_lines] == [1, 3]


def test_a_talk_that_cannot_be_kept_is_told_not_counted_and_does_no_harm_to_its_persons_next(
    stage: Stage, tmp_path: Path
) -> None:
    """A log entry has a greatest size; a message with thousands of phone numbers is over it."""
    flood = "，".join(f"我的手机是1380013{number:04d}" for number in range(3_000))
    run = driven(
        stage,
        tmp_path,
        talk("flood", ("user", "你好"), ("user", flood), user="u"),
        talk("after", ("user", "你好"), user="u"),
    )
    assert (run.tally.conversations, run.tally.persons) == (2 - run.tally.bad, 1)
    assert "after" in {one.example for one in run.tally.owed.values()} or not run.tally.bad
    assert all("half-way" in one.why for one in run.tally.bad_lines)
    assert is_whole(stage)


def test_a_person_is_let_go_after_their_talk(stage: Stage, tmp_path: Path) -> None:
    run = driven(stage, tmp_path, talk("a", ("user", "你好"), user="u"))
    person = asyncio.run(stage.gateway.people.find(run.service, "user:u"))
    assert person is not None
    assert person.state != PersonState()
