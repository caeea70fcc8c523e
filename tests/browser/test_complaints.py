"""A complaint in a real browser, by keyboard: from the chat page to the number, its public state, the answer with reasons, and the appeal decided by another."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect
from tests.browser.looking import DESK, PHONE, fits, said
from tests.gateway.serving import Served, fresh, serving, settings_for
from tests.web.signing import PASSWORD, staff

BEFORE_THE_HOLIDAY = "2026-09-28T15:00:00+08:00"


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(settings_for(tmp_path_factory.mktemp("complaints"), encoder=False)) as served:
        yield served


def opened(browser: Browser, office: Served, size: ViewportSize) -> Page:
    context = browser.new_context(
        viewport=size, base_url=office.url, extra_http_headers={"x-shouban-at": BEFORE_THE_HOLIDAY}
    )
    return context.new_page()


def handler(browser: Browser, office: Served, size: ViewportSize, language: str) -> Page:
    page, name = opened(browser, office, size), fresh("老周")
    staff(office, name, "complaints")
    page.goto(f"/sign-in?lang={language}&next=/office/complaints")
    page.locator("input[name=name]").fill(name)
    page.locator("input[name=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/office/complaints")
    return page


def answer(page: Page, language: str, decision: str, measures: str) -> None:
    page.locator("summary", has_text=said(language, "答复", "Answer")).first.click()
    page.locator(f"input[name=decision][value={decision}]").check()
    page.locator("textarea[name=facts]").fill("查了充值记录，当天已经到账。")
    page.locator("textarea[name=grounds]").fill("服务协议第五条：充值即时到账。")
    page.locator("textarea[name=measures]").fill(measures)
    page.locator("form[action$='/answer'] button").click()


@pytest.mark.parametrize(("size", "language"), [(PHONE, "zh"), (DESK, "en")], ids=["phone-zh", "desk-en"])
def test_from_the_chat_page_to_the_second_persons_decision(
    browser: Browser, office: Served, size: ViewportSize, language: str
) -> None:
    page = opened(browser, office, size)
    page.goto(f"/?lang={language}")
    page.locator("#start button[type=submit]").click()
    expect(page.locator("#notice-dialog")).to_be_visible()
    page.keyboard.press("Enter")
    page.locator("#message").fill("今天食堂的鸡腿没有了")
    page.keyboard.press("Enter")
    expect(page.locator("#messages .from-companion").last).not_to_be_empty()
    page.locator("#bottom a[href='/app/api/complain']").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/complaints")
    matter = fresh("它说的话让我很不舒服")
    page.locator("textarea[name=text]").fill(matter)
    page.locator("select[name=messages]").select_option("5")
    page.locator("select[name=about]").select_option("content")
    fits(page, f"complaint-form-{language}")
    page.locator("form[action='/complaints'] button").focus()
    page.keyboard.press("Enter")
    number = page.locator(".number").first.inner_text()
    assert re.fullmatch(r"[0-9A-Z]{5}-[0-9A-Z]{5}", number)
    expect(page.locator("main")).to_contain_text("2026-10-16 24:00")
    fits(page, f"complaint-filed-{language}")

    desk, other = (handler(browser, office, size, language) for _ in range(2))
    row = desk.locator("li.card", has_text=matter)
    expect(row).to_contain_text(said(language, "剩 10 个工作日", "working days left: 10"))
    fits(desk, f"complaints-desk-{language}")
    row.get_by_role("link").click()
    desk.get_by_role("button", name=said(language, "我来受理", "I take it up")).click()
    desk.locator("summary", has_text=said(language, "投诉人同意附上的聊天", "attached with")).click()
    expect(desk.locator("main")).to_contain_text("鸡腿")
    fits(desk, f"complaint-desk-{language}")
    answer(desk, language, "refused", "")

    page.goto(f"/complaints/status?lang={language}")
    page.locator("input[name=number]").fill(number.lower())
    page.keyboard.press("Enter")
    expect(page.locator("#reasons")).to_be_visible()
    expect(page.locator("main")).to_contain_text("当天已经到账")
    fits(page, f"complaint-answered-{language}")
    with page.expect_download() as download:
        page.get_by_role("button", name=said(language, "机器可读（JSON）", "As JSON")).click()
    assert download.value.suggested_filename == f"{number}.json"
    page.locator("summary", has_text=said(language, "申诉", "Appeal")).click()
    page.locator("form[action$='/appeal'] textarea").fill("你们没有看我附上的聊天")
    page.locator("form[action$='/appeal'] button").click()
    second = page.locator(".number").first.inner_text()
    assert second != number

    desk.goto("/office/complaints")
    desk.locator("li.card", has_text="没有看我附上的").first.get_by_role("link").click()
    expect(desk.locator(".told")).to_contain_text(said(language, "由另一位同事答复", "a colleague answers"))
    expect(desk.locator("form[action$='/answer']")).to_have_count(0)
    fits(desk, f"complaint-second-person-{language}")
    other.goto(desk.url)
    answer(other, language, "upheld", "已经更正，并向你道歉。")
    page.get_by_role("button", name=said(language, "查询进度", "How is mine")).click()
    expect(page.locator("main")).to_contain_text(said(language, "另一位工作人员", "Another person of the staff"))
    fits(page, f"complaint-appeal-{language}")
    page.goto("/complaints/status")
    page.locator("input[name=number]").fill(number)
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_contain_text(said(language, "以申诉的答复为准", "What was decided on appeal holds"))
    fits(page, f"complaint-first-after-{language}")
    page.goto("/complaints/process")
    fits(page, f"complaint-process-{language}")
    for one in (page, desk, other):
        one.context.close()
