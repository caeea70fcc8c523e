"""A person opens the companion app in a real browser: they are told what it is, helped in despair, and let go."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

import pytest
from playwright.sync_api import Browser, Page, Route, expect
from tests.browser.looking import fits
from tests.gateway.serving import serving_process

PHONE = {"width": 360, "height": 740}
DESK = {"width": 1280, "height": 800}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving_process(tmp_path_factory.mktemp("app")) as served:
        yield served.url


@pytest.fixture(params=[PHONE, DESK], ids=["phone", "desk"])
def page(request: pytest.FixtureRequest, browser: Browser, url: str) -> Iterator[Page]:
    opened = browser.new_page(viewport=request.param)
    faults: list[str] = []
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.goto(url)
    yield opened
    opened.close()
    assert not faults


def start(page: Page) -> None:
    """By keyboard alone: the form, then the notice that this is an AI."""
    submit = page.locator("#start button[type=submit]")
    expect(submit).to_be_visible()
    submit.focus()
    page.keyboard.press("Enter")
    dialog = page.locator("#notice-dialog")
    expect(dialog).to_be_visible()
    expect(dialog).to_contain_text("人工智能")
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()


def say(page: Page, text: str) -> None:
    page.locator("#message").fill(text)
    page.keyboard.press("Enter")


def test_the_notice_that_it_is_an_ai_is_always_there(page: Page) -> None:
    notice = page.locator("#notice-bar")
    expect(notice).to_be_visible()
    size = notice.evaluate("bar => parseFloat(getComputedStyle(bar.querySelector('strong')).fontSize)")
    assert size >= 16
    start(page)
    say(page, "你好，今天有点累")
    expect(page.locator("#messages")).to_contain_text(re.compile("你来啦|累|今天"))
    expect(notice).to_be_in_viewport()


def test_despair_gets_a_help_card_with_numbers_to_call(page: Page) -> None:
    start(page)
    say(page, "我不想活了")
    call = page.locator("#messages a[href^='tel:']", has_text="12356")
    expect(call.first).to_be_visible()


def test_a_goodbye_ends_it_at_once_and_the_way_back_is_open(page: Page) -> None:
    start(page)
    say(page, "再见")
    expect(page.locator("#closed")).to_be_visible()
    expect(page.locator("#message")).to_be_hidden()
    page.locator("#restart").click()
    expect(page.locator("#start, #composer").locator("visible=true").first).to_be_visible()


def test_the_exit_button_is_one_press(page: Page) -> None:
    start(page)
    page.locator("#exit").click()
    expect(page.locator("#closed")).to_be_visible()


def register_a_minor(page: Page) -> None:
    expect(page.locator("#birth-year")).to_be_visible()  # hidden until the page knows that nobody is signed in
    page.locator("#birth-year").focus()
    page.keyboard.type("2014")
    page.keyboard.press("Enter")
    dialog = page.locator("#notice-dialog")
    expect(dialog).to_be_visible()
    while dialog.is_visible():  # that it is an AI, and what else a new person is told
        page.keyboard.press("Enter")
        page.wait_for_timeout(150)


def test_a_lock_that_the_event_brought_first_is_no_word_of_the_companion(page: Page, url: str) -> None:
    def late(route: Route) -> None:
        answer = route.fetch()
        page.wait_for_timeout(500)
        route.fulfill(response=answer)

    page.goto(url)
    register_a_minor(page)
    page.route("**/app/api/say", late)
    say(page, "今天数学课讲了什么我都没听懂")
    expect(page.locator("#send")).not_to_have_class(re.compile("stopping"))
    expect(page.locator("#messages .notice-locked").last).to_be_visible()
    page.wait_for_timeout(200)
    expect(page.locator("#messages .from-companion")).to_have_count(0)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_minor_registers_and_nothing_begins_before_the_guardian_agrees(page: Page, url: str, language: str) -> None:
    page.goto(f"{url}/?lang={language}")
    register_a_minor(page)
    expect(page.locator("#mode-badge")).to_have_text(re.compile("未成年人模式|Minors'? mode", re.IGNORECASE))
    say(page, "今天数学课讲了什么我都没听懂")
    expect(page.locator("#messages")).to_contain_text(re.compile("监护人|guardian"))
    expect(page.locator("#messages .from-companion")).to_have_count(0)
    expect(page.locator("#send")).not_to_have_class(re.compile("stopping"))
    say(page, "我不想活了")
    expect(page.locator("#messages a[href^='tel:']", has_text="12355").first).to_be_visible()
    fits(page)


def test_an_elder_reads_large_type_and_words_come_no_faster_than_they_are_read(page: Page) -> None:
    page.locator("#birth-year").fill("1950")
    page.keyboard.press("Enter")
    dialog = page.locator("#notice-dialog")
    expect(dialog).to_be_visible()
    while dialog.is_visible():
        page.keyboard.press("Enter")
        page.wait_for_timeout(150)
    size = page.evaluate("parseFloat(getComputedStyle(document.documentElement).fontSize)")
    assert size >= 20
    say(page, "今天太阳很好，我种的月季开了")
    reply = page.locator("#messages .bubble, #messages .reply, #messages article").last
    lengths = []
    for _ in range(12):
        page.wait_for_timeout(200)
        lengths.append(len(reply.inner_text()))
    grown = [one for one in lengths if one != lengths[0]]
    assert grown, "the reply grows while it is read"
    assert max(b - a for a, b in pairwise(lengths)) < 40, lengths
    fits(page)


def test_help_is_one_press_away_and_needs_no_server(page: Page) -> None:
    start(page)
    page.context.set_offline(True)
    page.locator("#open-help").click()
    expect(page.locator("#help-dialog a[href='tel:12356']")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#help-dialog")).to_be_hidden()
    page.context.set_offline(False)


def test_what_a_person_writes_is_shown_as_text_and_never_runs(page: Page) -> None:
    start(page)
    say(page, "<img src=x onerror=\"document.title='taken'\">")
    expect(page.locator("#messages")).to_contain_text("<img src=x")
    assert page.locator("#messages img[src='x']").count() == 0
    assert page.title() != "taken"


def test_my_data_is_deleted_with_a_certificate(page: Page) -> None:
    start(page)
    say(page, "记住这句话")
    expect(page.locator("#messages")).to_contain_text("记住这句话")
    page.locator("#open-settings").click()
    page.locator("#delete-data").click()
    page.locator("#delete-confirm").click()
    expect(page.locator("#certificate")).to_contain_text("shouban.erasure/v1")


def test_nothing_is_wider_than_the_screen_and_english_is_a_switch_away(page: Page, url: str) -> None:
    page.goto(f"{url}/?lang=en")
    expect(page.locator("#notice-bar")).to_contain_text("AI")
    assert page.locator("html").get_attribute("lang") == "en"
    fits(page)


def test_the_complaint_link_leads_somewhere_true(page: Page) -> None:
    start(page)
    page.locator("#bottom a[href='/app/api/complain']").click()
    expect(page.locator("main")).to_contain_text("12377")
