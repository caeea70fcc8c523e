"""The model is killed during use: the notice appears in the app and at `/status` by itself, and goes when the model is back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect
from tests.browser.looking import DESK, PHONE, fits
from tests.gateway.serving import Served, fresh, serving, settings_for
from tests.gateway.test_outages import Listening
from tests.upstreams.behaviours import says
from tests.upstreams.faulty import FaultyUpstream, running
from tests.web.signing import PASSWORD, staff

NOON = "2026-08-03T12:00:00+08:00"


class Model:
    """A real model's server that can be killed, and something that listens in its place later."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self.url = self._stack.enter_context(running(FaultyUpstream(says("今天", "有面条")))).url

    def kill(self) -> None:
        self._stack.close()


@pytest.fixture
def model() -> Iterator[Model]:
    made = Model()
    yield made
    made.kill()


@pytest.fixture
def office(tmp_path: Path, model: Model) -> Iterator[Served]:
    with serving(settings_for(tmp_path, model.url, encoder=False)) as served:
        yield served


def opened(browser: Browser, office: Served, size: ViewportSize) -> Page:
    return browser.new_context(viewport=size, base_url=office.url, extra_http_headers={"x-shouban-at": NOON}).new_page()


@pytest.mark.parametrize(("size", "language"), [(PHONE, "zh"), (DESK, "en")], ids=["phone-zh", "desk-en"])
def test_a_model_killed_during_use_is_announced_by_itself_and_the_notice_goes(
    browser: Browser, office: Served, model: Model, size: ViewportSize, language: str
) -> None:
    page, reader = opened(browser, office, size), opened(browser, office, size)
    page.goto(f"/?lang={language}")
    page.locator("#start button[type=submit]").click()
    expect(page.locator("#notice-dialog")).to_be_visible()
    page.keyboard.press("Enter")
    reader.goto(f"/status?lang={language}")
    expect(reader.get_by_role("status")).to_contain_text("服务正常" if language == "zh" else "All is well")
    page.locator("#message").fill("今天食堂有什么")
    page.keyboard.press("Enter")
    expect(page.locator("#messages .from-companion").last).to_contain_text("有面条")
    model.kill()
    page.locator("#message").fill("今天食堂的鸡腿没有了")
    page.keyboard.press("Enter")
    told = page.locator(".announcement-outage")
    expect(told).to_contain_text("12356")
    fits(page, f"outage-app-{language}")
    reader.reload()
    expect(reader.get_by_role("status")).to_contain_text("服务故障" if language == "zh" else "There is an outage")
    fits(reader, f"outage-status-{language}")
    late = opened(browser, office, size)
    late.goto(f"/?lang={language}")
    expect(late.locator(".announcement-outage")).to_be_visible()
    with Listening(model.url):
        expect(told).to_have_count(0)
        reader.reload()
        expect(reader.get_by_role("status")).to_contain_text("服务正常" if language == "zh" else "All is well")
        fits(reader, f"outage-over-{language}")
    for one in (page, reader, late):
        one.context.close()


@pytest.mark.parametrize(("size", "language"), [(PHONE, "zh"), (DESK, "en")], ids=["phone-zh", "desk-en"])
def test_staff_post_the_plan_of_an_end(browser: Browser, office: Served, size: ViewportSize, language: str) -> None:
    page, name = opened(browser, office, size), fresh("合规")
    staff(office, name, "compliance")
    page.goto(f"/sign-in?lang={language}&next=/office/notices")
    page.locator("input[name=name]").fill(name)
    page.locator("input[name=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/office/notices")
    page.locator("summary").first.click()
    page.locator("select[name=kind]").select_option("ending")
    title = fresh("服务将停止")
    page.locator("input[name=title_zh]").fill(title)
    page.locator("textarea[name=text_zh]").fill("因公司调整，本服务将停止。")
    page.locator("input[name=ends_on]").fill("2026-10-01")
    page.locator("textarea[name=refunds]").fill("未用完的按比例退回。")
    page.locator("form[action='/office/notices'] button").click()
    expect(page.get_by_role("alert")).to_be_visible()
    fits(page, f"notices-missing-{language}")
    page.locator("textarea[name=crisis_plan]").fill("值班同事逐一电话交接。")
    page.locator("form[action='/office/notices'] button").click()
    row = page.locator("section.card", has_text=title)
    expect(row).to_contain_text("2026-10-01")
    fits(page, f"notices-desk-{language}")
    row.get_by_role("button").click()
    expect(page.locator("section.card", has_text=title)).to_contain_text("已撤下" if language == "zh" else "taken down")
    page.context.close()
