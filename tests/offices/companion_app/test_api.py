"""The companion page's own API: a browser with a cookie, from the first word to the last, over real HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.gateway.serving import KEY, NOON, Listener, Reply, Served, eventually, noon, serving, settings_for
from tests.upstreams.behaviours import WORDS
from tests.upstreams.faulty import FaultyUpstream, running

from shouban.core.advance import STRICTER_BANDS
from shouban.core.errors import CallerError
from shouban.core.events import MINOR_BANDS, AgeBand
from shouban.evidence.note import open_note
from shouban.gateway.scripted import COMPANIONS
from shouban.offices.companion_app.api import COOKIE, MAX_BODY, MAX_TEXT, app_id, band_of

DESPAIR = "我不想活了"
CLOSED = (
    ("get", "/app/api/state"),
    ("get", "/app/api/data"),
    ("delete", "/app/api/data"),
    ("post", "/app/api/exit"),
    ("get", "/app/api/events"),
)


@pytest.fixture(scope="module")
def upstream() -> Iterator[FaultyUpstream]:
    with running(FaultyUpstream()) as started:
        yield started


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, upstream: FaultyUpstream) -> Iterator[Served]:
    with serving(settings_for(tmp_path_factory.mktemp("app"), upstream=upstream.url)) as started:
        yield started


class Browser:
    """Somebody's browser: it keeps the cookie and sends what the page sends."""

    def __init__(self, served: Served) -> None:
        self.client = httpx.Client(base_url=served.url, timeout=30, trust_env=False, headers={"x-shouban-at": noon()})

    @property
    def cookie(self) -> str:
        return self.client.cookies.get(COOKIE) or ""

    def start(self, **given: Any) -> dict[str, Any]:
        answer = self.client.post("/app/api/start", json=given)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def say(self, text: str, **more: Any) -> Reply:
        answer = self.client.post("/app/api/say", json={"text": text, **more})
        return Reply(answer.status_code, answer.headers, answer.content)

    def set_mode(self, mode: str) -> httpx.Response:
        return self.client.post("/app/api/mode", json={"mode": mode})

    def state(self) -> dict[str, Any]:
        answer = self.client.get("/app/api/state")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


@pytest.fixture
def browser(served: Served) -> Iterator[Browser]:
    with opened(served) as one:
        yield one


@contextmanager
def opened(served: Served) -> Iterator[Browser]:
    one = Browser(served)
    yield one
    one.client.close()


# --- ages


@given(st.dates(date(1900, 1, 1), date(2026, 8, 3)))
def test_the_year_of_birth_never_makes_anybody_older_than_they_are(born: date) -> None:
    """Whatever the birthday in that year, the band is the person's own or a stricter one."""
    years = NOON.year - born.year - ((NOON.month, NOON.day) < (born.month, born.day))
    bands: list[tuple[int, AgeBand]] = [(14, "under_14"), (16, "14_15"), (18, "16_17"), (60, "adult"), (999, "elder")]
    own = next(band for below, band in bands if years < below)
    found = band_of(born.year, NOON)
    assert (found in MINOR_BANDS) or years >= 18
    assert {found, own} == {"adult", "elder"} or STRICTER_BANDS.index(found) >= STRICTER_BANDS.index(own)


@given(st.integers().filter(lambda year: not 1895 <= year <= NOON.year))
def test_a_year_in_which_nobody_alive_was_born_is_refused(year: int) -> None:
    with pytest.raises(CallerError, match="birth_year") as told:
        band_of(year, NOON)
    assert told.value.field == "birth_year"


def test_who_states_no_year_is_taken_as_an_adult() -> None:
    assert band_of(None, datetime(2026, 1, 1, tzinfo=UTC)) == "adult"


@given(st.text(max_size=40), st.text(max_size=40))
def test_the_name_of_a_person_tells_nothing_of_their_cookie(one: str, other: str) -> None:
    assert app_id(one).startswith("web-")
    assert (app_id(one) == app_id(other)) == (one == other)
    assert len(one) < 6 or one not in app_id(one)


# --- a talk


def test_a_start_gives_a_cookie_that_no_script_reads_and_says_that_this_is_an_ai(browser: Browser) -> None:
    answer = browser.client.post("/app/api/start", json={"companion": COMPANIONS[1].id, "nickname": "小明"})
    kept = answer.headers["set-cookie"].lower()
    assert all(part in kept for part in ("httponly", "samesite=strict", "path=/", "max-age="))
    assert len(browser.cookie) >= 32
    assert answer.json()["companion"] == COMPANIONS[1].id
    assert "disclosure" in {one["kind"] for one in answer.json()["notices"]}
    assert browser.cookie not in answer.text
    told = browser.state()
    assert (told["mode"], told["session"], told["companion"]) == (
        "standard",
        answer.json()["session"],
        COMPANIONS[1].id,
    )
    assert (told["history"], told["language"], told["scripted"]) == ([], "zh", False)


def test_a_start_again_is_the_same_person_in_a_new_talk(browser: Browser) -> None:
    first, second = browser.start(), browser.start(language="en")
    assert first["user"] == second["user"]
    assert first["session"] != second["session"]
    assert browser.state()["language"] == "en"


def test_a_companion_there_is_not_becomes_one_there_is(browser: Browser) -> None:
    assert browser.start(companion="nobody")["companion"] == COMPANIONS[0].id


def test_a_cookie_that_others_made_up_is_nobodys_and_is_replaced(served: Served, browser: Browser) -> None:
    browser.client.cookies.set(COOKIE, "known-to-others")
    answer = browser.client.post("/app/api/start", json={})
    handed = answer.cookies[COOKIE]
    assert handed != "known-to-others"
    other = httpx.get(f"{served.url}/app/api/state", cookies={COOKIE: "known-to-others"}, trust_env=False)
    assert other.status_code == 401


def test_words_are_answered_in_openais_chunks_and_both_are_kept(browser: Browser, upstream: FaultyUpstream) -> None:
    started = browser.start(companion=COMPANIONS[0].id)
    reply = browser.say("今天有点累")
    assert (reply.status, reply.is_stream, reply.is_done, reply.finish) == (200, True, True, "stop")
    assert all(chunk["object"] == "chat.completion.chunk" for chunk in reply.chunks if "choices" in chunk)
    assert "".join(WORDS) in reply.text
    asked = upstream.requests[-1].document
    assert asked["messages"][0] == {"role": "system", "content": COMPANIONS[0].persona.zh}
    assert asked["messages"][-1] == {"role": "user", "content": "今天有点累"}
    told = browser.state()
    assert told["session"] == started["session"]
    assert [(one["role"], one["text"]) for one in told["history"]] == [
        ("user", "今天有点累"),
        ("assistant", reply.text),
    ]


def test_the_next_words_go_out_with_the_talk_so_far(browser: Browser, upstream: FaultyUpstream) -> None:
    browser.start()
    first = browser.say("我养了一只猫")
    browser.say("How is she?", language="en", companion=COMPANIONS[1].id)
    sent = upstream.requests[-1].document["messages"]
    assert sent[0]["content"] == COMPANIONS[1].persona.en
    assert [(one["role"], one["content"]) for one in sent[1:]] == [
        ("user", "我养了一只猫"),
        ("assistant", first.text),
        ("user", "How is she?"),
    ]


def test_the_service_key_stays_on_the_server(browser: Browser, upstream: FaultyUpstream) -> None:
    browser.start()
    reply = browser.say("你好")
    copied = browser.client.get("/app/api/data").text
    for text in (str(reply.headers), reply.body.decode(), copied, str(upstream.requests[-1].headers)):
        assert KEY not in text
        assert browser.cookie not in text


def test_despair_gets_help_and_a_person_is_called(served: Served, browser: Browser) -> None:
    user = browser.start()["user"]
    reply = browser.say(DESPAIR)
    assert "help" in reply.kinds
    assert any("12356" in one["text"] for one in reply.notices)
    assert served.ledger(user, kinds=["Escalate"])


def test_the_exit_is_one_press_and_the_way_back_is_open(browser: Browser) -> None:
    browser.start()
    browser.say("你好")
    answer = browser.client.post("/app/api/exit")
    assert answer.status_code == 200
    assert "goodbye" in {one["kind"] for one in answer.json()["notices"]}
    assert browser.state()["session"] == "ended"
    again = browser.start()
    assert browser.state()["session"] == again["session"]


def test_what_is_owed_later_comes_by_the_stream_of_events(served: Served, browser: Browser) -> None:
    user = browser.start()["user"]
    with browser.client.stream("GET", "/app/api/events") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        listener = Listener(answer)
        listener.wait_open()
        taken = served.post(f"/v1/users/{user}/human", {"action": "take_over", "staff": "李医生"}, at=noon())
        assert taken.status_code == 200, taken.text
        assert listener.until("taken_over")[-1]["staff"] == "李医生"


def test_words_of_the_staff_are_in_the_talk_and_never_told_to_the_model(
    served: Served, browser: Browser, upstream: FaultyUpstream
) -> None:
    started = browser.start()
    for action in ("take_over", "say", "hand_back"):
        body = {"action": action, "staff": "s", "text": "我是工作人员", "session": started["session"]}
        assert served.post(f"/v1/users/{started['user']}/human", body, at=noon()).status_code == 200
    assert ("staff", "我是工作人员") in {(one["role"], one["text"]) for one in browser.state()["history"]}
    assert browser.say("谢谢").error is None
    assert upstream.requests[-1].last_words == "谢谢"
    assert "我是工作人员" not in json.dumps(upstream.requests[-1].document, ensure_ascii=False)


# --- minors


@pytest.mark.parametrize("age", [5, 13, 15, 17, 18])
def test_a_minor_by_year_of_birth_is_in_minors_mode_and_cannot_leave_it(browser: Browser, age: int) -> None:
    browser.start(birth_year=NOON.year - age)
    assert browser.state()["mode"] == "minor"
    for mode in ("standard", "elder"):
        refused = browser.set_mode(mode)
        assert refused.status_code == 403
        assert refused.json()["error"]["code"] == "guardian_needed"
        assert refused.json()["error"]["message"]
    browser.start(birth_year=1980)
    assert browser.state()["mode"] == "minor"


def test_anybody_may_go_into_minors_mode_and_only_a_guardian_lets_them_out(served: Served, browser: Browser) -> None:
    user = browser.start(birth_year=1990)["user"]
    assert browser.set_mode("minor").json()["mode"] == "minor"
    assert browser.set_mode("standard").status_code == 403
    assert browser.state()["mode"] == "minor"
    let_out = served.post(f"/v1/users/{user}/mode", {"mode": "standard", "by": "guardian", "verified": True}, at=noon())
    assert let_out.status_code == 200
    assert browser.state()["mode"] == "standard"


def test_an_elder_starts_in_elder_mode_and_may_leave_it(browser: Browser) -> None:
    browser.start(birth_year=1940)
    assert browser.state()["mode"] == "elder"
    assert browser.set_mode("standard").json()["mode"] == "standard"


# --- a person's own data


def test_a_copy_of_the_data_holds_all_that_was_said(browser: Browser) -> None:
    browser.start(nickname="小明")
    reply = browser.say("我喜欢下雨天")
    answer = browser.client.get("/app/api/data")
    assert "attachment" in answer.headers["content-disposition"]
    copied = answer.json()
    assert copied["user"]["nickname"] == "小明"
    assert [one["text"] for one in copied["messages"]] == ["我喜欢下雨天", reply.text]


def test_what_is_erased_is_gone_with_a_certificate_and_the_cookie_is_nobodys(served: Served, browser: Browser) -> None:
    user = browser.start()["user"]
    browser.say("记住这句话")
    old = browser.cookie
    gone = browser.client.delete("/app/api/data")
    assert gone.status_code == 200
    certificate = open_note(gone.json()["certificate"], [gone.json()["verifier_key"]])
    assert certificate.text.startswith("shouban.erasure/v1\n")
    assert browser.cookie == ""
    with opened(served) as thief:
        thief.client.cookies.set(COOKIE, old)
        for method, path in CLOSED:
            assert thief.client.request(method, path).status_code == 401
        assert thief.say("你好").status == 401
    assert served.get(f"/v1/users/{user}").status_code == 404
    assert browser.start()["user"] != user


# --- refusals


@pytest.mark.parametrize(("method", "path"), CLOSED)
@pytest.mark.parametrize("cookie", ["", "nobodys"])
def test_without_a_start_everything_is_closed(browser: Browser, method: str, path: str, cookie: str) -> None:
    browser.client.cookies.set(COOKIE, cookie)
    refused = browser.client.request(method, path)
    assert refused.status_code == 401
    assert refused.json()["error"]["code"] == "not_started"
    assert browser.say("你好").status == 401
    assert browser.set_mode("minor").status_code == 401


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"text": ""}', 400),
        (b'{"text": "  \\n"}', 400),
        (json.dumps({"text": "x" * (MAX_TEXT + 1)}).encode(), 400),
        (b'{"text": "x", "model": "y"}', 400),
        (b'{"text": 3}', 400),
        (b'{"text": "\xff"}', 400),
        (b"not json", 400),
        (b" " * (MAX_BODY + 1), 413),
    ],
)
def test_words_that_do_not_fit_are_refused_before_anybody_hears_them(
    browser: Browser, body: bytes, status: int
) -> None:
    browser.start()
    refused = browser.client.post("/app/api/say", content=body, headers={"content-type": "application/json"})
    assert refused.status_code == status
    assert refused.json()["error"]["param"] == "text"
    assert browser.state()["history"] == []


def test_a_form_of_another_site_cannot_speak_for_anybody(browser: Browser) -> None:
    """Only a script of this site's own can send JSON with the cookie; a form cannot."""
    browser.start()
    refused = browser.client.post("/app/api/say", content=b'{"text": "x"}', headers={"content-type": "text/plain"})
    assert refused.status_code == 415
    assert browser.state()["history"] == []


def test_the_longest_text_is_heard_however_it_is_written(browser: Browser) -> None:
    browser.start()
    escaped = json.dumps({"text": "🌧" * MAX_TEXT}).encode()
    answer = browser.client.post("/app/api/say", content=escaped, headers={"content-type": "application/json"})
    assert answer.status_code == 200
    assert eventually(lambda: len(browser.state()["history"]) >= 1)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"birth_year": 1700}, "birth_year"),
        ({"birth_year": "long ago"}, "birth_year"),
        ({"language": "fr"}, "language"),
        ({"age": 3}, "age"),
    ],
)
def test_a_start_that_does_not_fit_names_its_field_and_makes_nobody(
    browser: Browser, given: dict[str, Any], field: str
) -> None:
    refused = browser.client.post("/app/api/start", json=given)
    assert refused.status_code == 400
    assert refused.json()["error"]["param"] == field
    assert browser.cookie == ""


def test_a_production_service_has_no_page_that_lets_anybody_in(tmp_path_factory: pytest.TempPathFactory) -> None:
    settings = settings_for(tmp_path_factory.mktemp("production"), production=True, clock="real")
    with serving(settings) as strict:
        for method, path in (*CLOSED, ("post", "/app/api/start"), ("post", "/app/api/say")):
            assert strict.client.request(method, path).status_code == 404


def test_the_page_leads_to_ones_own_data(browser: Browser) -> None:
    browser.start()
    answer = browser.client.get("/app/api/me")
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/me/enter?token=")
    there = browser.client.get(answer.headers["location"])
    assert (there.status_code, there.headers["location"]) == (303, "/me")
    assert browser.client.get("/me").status_code == 200


def test_nobody_is_led_to_anybodys_data(browser: Browser) -> None:
    assert browser.client.get("/app/api/me").status_code == 401
