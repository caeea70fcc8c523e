"""Notices over HTTP: posted by staff, told to each in their talk once, and from the end on nobody talks with a machine while help stays open."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree as ET

import httpx
import pytest
from tests.evidence.service import verified
from tests.gateway.serving import PLAN as DANGER
from tests.gateway.serving import Served, fresh, noon, serving, settings_for
from tests.offices.notices.test_model import PLAN
from tests.web.signing import browser, enter, staff

DESK = "/office/notices"


@pytest.fixture
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(settings_for(tmp_path_factory.mktemp("notices"), encoder=False)) as served:
        yield served


def officer(office: Served) -> httpx.Client:
    name = fresh("合规")
    staff(office, name, "compliance")
    return enter(office, name)


def post(client: httpx.Client, at: str = "", **form: str) -> httpx.Response:
    return client.post(DESK, data={**PLAN, **form}, headers={"x-shouban-at": at or noon()})


def test_a_plan_stands_at_status_with_its_days_and_in_json_and_rss(office: Served) -> None:
    client = officer(office)
    assert post(client, read_only_on="2026-09-20", title_en="The service ends").status_code == 303
    page = browser(office).get("/status").text
    for part in ("服务将停止", "2026-10-01", "2026-09-20", "2026-10-31", "未用完的按比例退回", "服务正常", "12356"):
        assert part in page, part
    assert "逐一电话交接" not in page, "who takes over whom is the staff's own"
    assert "逐一电话交接" in client.get(DESK).text
    assert "The service ends" in browser(office).get("/status?lang=en").text
    (found,) = office.client.get("/status.json").json()["notices"]
    assert found["ends_at"].startswith("2026-10-01")
    assert found["by_itself"] is False
    feed = ET.fromstring(office.client.get("/status/feed.xml").content)
    assert [item.findtext("title") for item in feed.iter("item")] == ["服务将停止"]


def test_each_is_told_once_in_their_talk_and_it_is_counted(office: Served) -> None:
    post(officer(office), kind="withdrawal", what="语音通话", title_zh="语音通话下线")
    user = fresh()
    office.register(user, at=noon())
    first = office.chat("今天食堂的鸡腿没有了", user=user, at=noon(minutes=1))
    assert "语音通话将在2026-10-01停止" in first.text
    assert "语音通话" not in office.chat("还有什么菜", user=user, at=noon(minutes=2)).text
    aware = office.chat("今天食堂的鸡腿没有了", user=fresh(), aware=True, at=noon(minutes=3))
    assert [one["text"] for one in aware.notices if one["kind"] == "outage"]
    page = officer(office).get(DESK, headers={"x-shouban-at": noon(minutes=4)}).text
    assert re.search(r"已送达</dt><dd>2 人", page)
    row = next(one for one in office.ledger(user, kinds=["Announce"]))
    assert row.state == "done"


def test_nobody_in_danger_is_told_first_that_a_service_ends(office: Served) -> None:
    post(officer(office))
    user = fresh()
    office.register(user, at=noon())
    danger = office.chat(DANGER, user=user, at=noon(minutes=1))
    assert "12356" in danger.text
    assert "将在2026-10-01停止" not in danger.text
    assert "将在2026-10-01停止" in office.chat("今天食堂的鸡腿没有了", user=fresh(), at=noon(minutes=2)).text


def test_from_the_read_only_day_on_nobody_talks_but_help_stays_open_and_so_does_the_copy(office: Served) -> None:
    post(officer(office), read_only_on="2026-09-20")
    user = fresh()
    office.register(user, at=noon())
    assert "服务已经停止" not in office.chat("今天食堂的鸡腿没有了", user=user, at="2026-09-19T12:00:00+08:00").text
    over = "2026-09-20T12:00:00+08:00"
    told = office.chat("你好呀", user=user, at=over)
    assert "服务已经停止" in told.text
    assert "鸡腿" not in told.text
    danger = office.chat(DANGER, user=user, at=over)
    assert "12356" in danger.text
    assert "服务已经停止" not in danger.text
    assert office.ledger(user, kinds=["Escalate"])
    assert office.get(f"/v1/users/{user}/data", at=over).status_code == 200


def test_a_notice_is_taken_down_once_and_stays_in_the_archive_with_its_count(office: Served) -> None:
    client = officer(office)
    post(client, kind="news", title_zh="新角色上线了")
    address = re.search(rf'action="({DESK}/[0-9a-f]+/down)"', client.get(DESK).text)
    assert address
    user = fresh()
    office.register(user, at=noon())
    with office.listening(user) as events:
        assert events.until("announcement")[-1]["title"]["zh"] == "新角色上线了"
        assert client.post(address[1], data={"go": "1"}, headers={"x-shouban-at": noon(minutes=1)}).status_code == 303
        events.until("announcement_ended")
    assert client.post(address[1], data={"go": "1"}).status_code == 409
    page = browser(office).get("/status").text
    assert page.index("以往的公告") < page.index("新角色上线了")
    assert "已撤下" in client.get(DESK).text

    assert verified(office.data).is_clean


def test_what_does_not_fit_is_said_and_nothing_written_is_lost(office: Served) -> None:
    client = officer(office)
    answer = post(client, ends_on="2026-08-20")
    assert answer.status_code == 400
    assert "离停止不足 30 天" in answer.text
    assert "因公司调整" in answer.text
    assert office.client.get("/status.json").json()["notices"] == []


def test_who_may_post_and_who_may_only_look(office: Served) -> None:
    for role, looks, posts in (
        ("administrator", 200, 303),
        ("inspector", 200, 403),
        ("care", 403, 403),
        ("complaints", 403, 403),
    ):
        name = fresh(role)
        staff(office, name, role)  # type: ignore[arg-type]  # a role by its name
        client = enter(office, name)
        assert client.get(DESK).status_code == looks
        assert post(client, kind="news").status_code == posts
    assert browser(office).post(DESK, data=PLAN).status_code in {303, 401}


def test_markup_in_a_notice_stays_text_and_controls_break_no_feed(office: Served) -> None:
    post(officer(office), kind="news", title_zh="<script>alert(1)</script>", text_zh="控制符\x0b和 & < >")
    assert "<script>alert" not in browser(office).get("/status").text
    feed = ET.fromstring(office.client.get("/status/feed.xml").content)
    assert next(feed.iter("item")).findtext("description") == "控制符和 & < >"
