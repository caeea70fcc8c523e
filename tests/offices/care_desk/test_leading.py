"""A supervisor beside whoever has the case: they listen, and it is known; what they whisper reaches one colleague; whom they join is told who came and who left."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select
from tests.gateway.serving import NOON, Served, eventually, noon, service, serving, settings_for
from tests.offices.care_desk.desk import carer, do, in_danger, lead, problem, shown, signed_in, stage_of
from tests.offices.care_desk.test_live import opened
from tests.web.signing import browser, now_of, run, sign_ins_of

from shouban.db.schema import CASE_JOINS, LOG_ENTRIES, SEATS
from shouban.evidence.log import Acted, decode_entry
from shouban.offices.care_desk.live import BEAT_SECONDS
from shouban.web.doors import COOKIE

SECRET = "先问他身边有没有药"
MARKUP = "<b>主管</b>"


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(settings_for(tmp_path_factory.mktemp("lead"), encoder=False)) as served:
        yield served


@pytest.fixture
def two_services(tmp_path: Path) -> Iterator[Served]:
    services = [service("default", "scripted", key="sk-test"), service("other", "scripted")]
    with serving(settings_for(tmp_path, encoder=False, services=services)) as served:
        yield served


def taken(office: Served, **profile: Any) -> tuple[str, str, httpx.Client, str]:
    """A talk that somebody has taken over: user, address, who has it, and their name."""
    user, address = in_danger(office, **profile)
    name, client = carer(office)
    assert do(client, address, "claim").status_code == 303
    assert do(client, address, "take").status_code == 303
    return user, address, client, name


def looks_of(office: Served, user: str) -> list[Acted]:
    asked = select(LOG_ENTRIES.c.leaf).where(LOG_ENTRIES.c.person_id == office.person_id(user))
    with office.engine.connect() as connection:
        found = [decode_entry(bytes(leaf), 0) for leaf in connection.execute(asked.order_by(LOG_ENTRIES.c.leaf_index)).scalars()]  # fmt: skip
    return [one for one in found if isinstance(one, Acted) and one.act == "looked"]


def test_a_supervisor_listens_and_the_holder_the_log_and_the_person_know(office: Served) -> None:
    user, address, holder, _ = taken(office)
    name, leader = lead(office)
    assert "遗书" not in shown(leader, address), "until they listen"
    assert "遗书" in shown(leader, f"{address}?listen=1")
    with opened(holder, f"{address}/events") as desk:
        with opened(leader, f"{address}/events?listen=1") as listening:
            office.chat("我听着呢", user=user, at=noon(seconds=9), session="talk")
            assert "我听着呢" in listening.until("talk", "我听着呢")["html"], "live"
            assert f"正在旁听: {name}" in desk.until("head", "正在旁听")["html"]
        assert "正在旁听" not in desk.until("head")["html"]
    heard = [one for one in looks_of(office, user) if one.facts["what"] == "listens"]
    assert len(heard) == 1, "a page and its stream are one look"
    assert heard[0].facts["roles"] == ["care_lead"]
    theirs = browser(office)
    theirs.cookies.set(
        COOKIE, run(sign_ins_of(office).open_for_person("default", office.person_id(user), now_of(office)))
    )
    assert "主管旁听关怀对话" in theirs.get("/me/looks").text


def test_a_stream_alone_is_a_look_too(office: Served) -> None:
    user, address, _, _ = taken(office)
    _, leader = lead(office)
    with opened(leader, f"{address}/events?listen=1") as listening:
        listening.until("talk", "遗书")
    assert [one.facts["what"] for one in looks_of(office, user)] == ["listens"]


def test_who_is_no_supervisor_neither_listens_nor_whispers_nor_joins(office: Served) -> None:
    user, address, _, _ = taken(office)
    for _, client in (carer(office), signed_in(office, "compliance", "compliance")):
        assert "遗书" not in shown(client, f"{address}?listen=1")
        with opened(client, f"{address}/events?listen=1") as desk:
            assert "遗书" not in desk.until("talk")["html"]
        for deed in ("whisper", "join", "speak", "leave"):
            assert do(client, address, deed, text="x").status_code == 403, deed
    assert all(one.facts["what"] != "listens" for one in looks_of(office, user))


def test_a_supervisor_of_another_service_is_nobody_here(two_services: Served) -> None:
    _, address, _, _ = taken(two_services)
    _, foreign = lead(two_services, service="other")
    assert foreign.get(f"{address}?listen=1").status_code == 403
    assert foreign.get(f"{address}/events?listen=1").status_code == 403
    for deed in ("whisper", "join", "speak", "leave"):
        assert do(foreign, address, deed, text="x").status_code == 404, deed


def test_nobody_listens_to_a_case_that_no_colleague_has(office: Served) -> None:
    _, address = in_danger(office)
    _, leader = lead(office)
    page = shown(leader, f"{address}?listen=1")
    assert "遗书" not in page
    assert f'action="{address}/claim"' in page, "they may take it themselves"
    with opened(leader, f"{address}/events?listen=1") as listening:
        assert "遗书" not in listening.until("talk")["html"]
    do(leader, address, "claim")
    for deed in ("whisper", "join"):
        assert do(leader, address, deed, text="x").status_code == 409, "their own case"
    user, address, _, _ = taken(office)
    with opened(leader, f"{address}/events?listen=1") as listening:
        listening.until("talk", "遗书")
        office.get(f"/v1/users/{user}", at=noon(minutes=2))  # the holder's desk is away so long that they lost it
        assert "遗书" not in listening.until("talk")["html"]


def test_a_whisper_is_read_by_who_has_the_case_and_by_nobody_else(office: Served) -> None:
    user, address, holder, _ = taken(office)
    name, leader = lead(office, MARKUP)
    _, other = carer(office)
    _, compliance = signed_in(office, "compliance", "compliance")
    with office.listening(user, last_id="0") as person, opened(holder, f"{address}/events") as desk:
        desk.until("whispers")
        assert do(leader, f"{address}", "whisper", text=SECRET).status_code == 303
        html = desk.until("whispers", SECRET)["html"]
        assert name not in html
        assert "&lt;b&gt;" in html
        do(holder, address, "say", text="你身边有人吗")
        events = person.until("staff_message")
        while events[-1]["text"] != "你身边有人吗":
            events += person.until("staff_message")
        assert SECRET not in str(events), "nothing of it on the person's stream, from its beginning"
    reply = office.chat("没有", user=user, at=noon(seconds=3), session="talk", aware=True)
    assert SECRET not in reply.body.decode()
    assert SECRET not in office.get(f"/v1/users/{user}/data").text
    assert SECRET in shown(holder, address)
    assert SECRET in shown(leader, address), "who said it"
    assert SECRET not in shown(other, address)
    assert SECRET not in shown(compliance, address)
    person_id = office.person_id(user)
    assert office.rows("whispers", person_id) == 1, "kept"
    files = [client.get(f"{address}/file.docx", headers={"x-shouban-at": noon(seconds=4)}) for client in (holder, other)]  # fmt: skip
    assert [SECRET.encode() in _document(one.content) for one in files] == [True, False]
    office.ask("DELETE", f"/v1/users/{user}/data", at=noon(minutes=1))
    assert office.rows("whispers", person_id) == office.rows("case_joins", person_id) == 0


def _document(data: bytes) -> bytes:
    return zipfile.ZipFile(io.BytesIO(data)).read("word/document.xml")


def test_after_the_case_went_to_another_a_whisper_is_not_theirs_to_read(office: Served) -> None:
    _, address, holder, _ = taken(office)
    name, second = carer(office)
    _, leader = lead(office)
    do(leader, address, "whisper", text=SECRET)
    account = next(one.split('"')[1] for one in shown(holder, address).split("<option value=") if f">{name}<" in one)
    assert do(holder, address, "pass", account=account).status_code == 303
    assert SECRET not in shown(second, address)
    do(leader, address, "whisper", text="换你来了，慢慢说")
    assert "换你来了" in shown(second, address)
    assert "换你来了" not in shown(holder, address)


def test_a_supervisor_joins_under_their_own_name_and_the_person_is_told_who_comes_and_goes(office: Served) -> None:
    user, address, holder, held_by = taken(office)
    name, leader = lead(office)
    _, second = lead(office)
    assert do(leader, address, "speak", text="我也在").status_code == 409, "before they join"
    with office.listening(user) as person:
        assert do(leader, address, "join").status_code == 303
        joined = person.until("staff_joined")[-1]
        hello = person.until("staff_message")[-1]
        assert (joined["staff"], hello["staff"]) == (name, name)
        assert name in hello["text"]
        assert "真人" in hello["text"]
        assert do(second, address, "join").status_code == 409, "one at a time"
        for _ in range(2):
            assert do(leader, address, "speak", text="我们一起想办法", key="k").status_code == 303
        assert person.until("staff_message")[-1]["staff"] == name
        assert do(holder, address, "say", text="我还在").status_code == 303, "the holder keeps the case and its fence"
        said = person.until("staff_message")[-1]
        assert (said["staff"], said["text"]) == (held_by, "我还在"), "what was pressed twice is said once"
        assert f"也在对话里: {name}" in shown(holder, address)
        page = shown(holder, address)
        assert f"{name} (工作人员)" in page, "who of two said what"
        assert "主管加入对话" in page, "and it stands in what happened"
        reply = office.chat("谢谢", user=user, at=noon(seconds=3), session="talk")
        assert "我们一起想办法" in reply.text
        assert do(leader, address, "leave").status_code == 303
        assert person.until("staff_left")[-1]["staff"] == name
        assert name in person.until("staff_message")[-1]["text"]
    assert do(leader, address, "speak", text="x").status_code == 409
    assert do(leader, address, "leave").status_code == 409
    assert "我先离开" in office.chat("好", user=user, at=noon(seconds=4), session="talk").text
    assert stage_of(office, user) == "taken_over"


def test_a_joined_supervisor_reads_on_where_the_holder_is_gone(office: Served) -> None:
    user, address, _, _ = taken(office)
    _, leader = lead(office)
    do(leader, address, "join")
    late = noon(minutes=2)
    office.chat("有人吗", user=user, at=late, session="talk")
    assert "有人吗" in shown(leader, address, late), "the person is not left alone"
    assert do(leader, address, "speak", late, text="我在").status_code == 303
    assert do(leader, address, "claim", late).status_code == 303
    assert do(leader, address, "say", late, text="我接着陪你").status_code == 303


def test_a_hand_back_ends_what_a_supervisor_joined(office: Served) -> None:
    user, address, holder, _ = taken(office)
    _, leader = lead(office)
    do(leader, address, "join")
    late = noon(minutes=11)
    do(holder, address, "claim", late)
    assert do(holder, address, "back", late, safe="yes", why="问过了，没有危险").status_code == 303
    assert do(leader, address, "speak", late, text="x").status_code == 409
    assert do(leader, address, "join", late).status_code == 409
    assert do(holder, address, "close", late, outcome="helped", why="聊过了，情绪缓和").status_code == 303
    closed = do(leader, address, "join", late)
    assert (closed.status_code, problem(closed)) == (404, "这个人没有未结的个案。")
    assert do(leader, address, "whisper", late, text="x").status_code == 404
    assert do(leader, address, "speak", late, text="x").status_code == 404
    with office.engine.connect() as connection:
        rows = connection.execute(CASE_JOINS.select().where(CASE_JOINS.c.person_id == office.person_id(user))).all()
    assert len(rows) == 1
    assert rows[0].left_us > 0


def test_who_joined_and_lost_their_browser_has_left(office: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shouban.offices.care_desk.live.BEAT_SECONDS", 0.1)
    user, address, holder, _ = taken(office)
    name, leader = lead(office)
    do(leader, address, "join")
    with office.listening(user) as person, opened(holder, f"{address}/events") as desk:
        desk.until("head", name)
        with opened(leader, f"{address}/events?listen=1") as listening:
            listening.until("talk")
            assert eventually(lambda: _seats(office) > 0)
        for seconds in (20, 40, 60, 80):  # the holder's desk beats meanwhile, and keeps their case
            office.get(f"/v1/users/{user}", at=noon(seconds=seconds))
            assert eventually(partial(_seen_after, office, seconds))
        assert person.until("staff_left")[-1]["staff"] == name
    assert BEAT_SECONDS < 45


def _seats(office: Served) -> int:
    with office.engine.connect() as connection:
        return len(connection.execute(SEATS.select().where(SEATS.c.listens == 1)).all())


def _seen_after(office: Served, seconds: int) -> bool:
    since = (NOON + timedelta(seconds=seconds)).timestamp() * 1e6
    with office.engine.connect() as connection:
        return bool(connection.execute(SEATS.select().where(SEATS.c.seen_us >= since)).all())


def test_whose_account_is_closed_hears_nothing_more(office: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shouban.offices.care_desk.live.BEAT_SECONDS", 0.1)
    _, address, _, _ = taken(office)
    name, leader = lead(office)
    with opened(leader, f"{address}/events?listen=1") as listening:
        listening.until("talk", "遗书")
        sign_ins = sign_ins_of(office)
        account = next(one for one in run(sign_ins.accounts("default")) if one.private.name == name)
        run(sign_ins.change(account, at=now_of(office), by="test", state="disabled"))
        assert listening.until("signed_out") == {}
    assert leader.get(f"{address}?listen=1").status_code == 303
