"""Two real browsers, the person's and the staff's: despair, the template at once, the case appears, claim, takeover in mid-stream, talk both ways, hand back, follow-up."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from tests.browser.looking import DESK, PHONE, fits, said
from tests.gateway.serving import PLAN, Served, eventually, fresh, noon, serving, settings_for
from tests.offices.care_desk.desk import cases_of, in_danger, is_looked_at, stage_of
from tests.web.signing import PASSWORD, staff


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(settings_for(tmp_path_factory.mktemp("desk"), encoder=False)) as served:
        yield served


@pytest.fixture(params=[(PHONE, "zh"), (DESK, "en")], ids=["phone-zh", "desk-en"])
def carer(request: pytest.FixtureRequest, browser: Browser, office: Served) -> Iterator[tuple[Page, str, str]]:
    """One of the care staff, signed in: page, language and name."""
    size, language = request.param
    context: BrowserContext = browser.new_context(viewport=size, base_url=office.url, permissions=["notifications"])
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    name = fresh("小林" if language == "zh" else "Lin")
    staff(office, name, "care")
    page.goto(f"/sign-in?lang={language}")
    page.locator("input[name=name]").fill(name)
    page.locator("input[name=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/office**")
    yield page, language, name
    assert not faults
    context.close()


def test_the_desk_from_the_queue_to_the_follow_up(office: Served, carer: tuple[Page, str, str]) -> None:
    page, language, name = carer
    page.goto("/care")
    expect(page.locator("#line")).to_have_text(said(language, "实时连接正常", "Live"))
    page.get_by_role("button", name=said(language, "打开声音和通知", "Turn on sound and notices")).click()
    expect(page.locator("#alarm")).to_have_attribute("aria-pressed", "true")
    user, address = in_danger(office, nickname="小雨")
    row = page.locator(f'li:has(form[action="{address}/claim"])')
    expect(row).to_be_visible(timeout=1_000)
    assert re.match(r"\(\d+\)", page.title())
    fits(page, f"care-queue-{language}")
    claim = row.get_by_role("button")
    claim.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{address}")
    expect(page.locator("#talk")).to_contain_text(PLAN)
    fits(page, f"care-claimed-{language}")
    take = page.get_by_role("button", name=said(language, "接管对话", "Take over the talk"))
    take.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#text")).to_be_focused()
    page.keyboard.type("我在这里，你不用一个人扛。")
    page.keyboard.press("Enter")
    expect(page.locator("#talk .human").last).to_contain_text("我在这里")
    expect(page.locator("#text")).to_have_value("")
    reply = office.chat("你真的是人吗", user=user, session="talk", at=noon(seconds=3))
    assert "我在这里" in reply.text
    expect(page.locator("#talk .user").last).to_contain_text("你真的是人吗")
    page.locator("#scripts").select_option(label=said(language, "直接问", "Ask directly"))
    expect(page.locator("#text")).not_to_have_value("")
    fits(page, f"care-talk-{language}")
    page.locator("summary", has_text=said(language, "交还给人工智能", "Hand back to the AI")).click()
    page.locator("input[name=safe]").check()
    page.locator("textarea[name=why]").first.fill("问过了，现在没有危险")
    page.get_by_role("button", name=said(language, "交还给人工智能", "Hand back to the AI")).click()
    expect(page.get_by_role("alert").first).to_contain_text(said(language, "至少再陪十分钟", "stay"))
    assert stage_of(office, user) == "taken_over"
    fits(page, f"care-too-soon-{language}")
    # A page that lies open when the clock goes on says that they are there: the talk would be theirs still.
    page.goto("about:blank")
    assert eventually(lambda: not is_looked_at(office, user))
    office.get(f"/v1/users/{user}", at=noon(minutes=11))
    page.goto(address)
    page.get_by_role("button", name=said(language, "我来", "I take it")).click()
    page.locator("summary", has_text=said(language, "交还给人工智能", "Hand back to the AI")).click()
    page.locator("input[name=safe]").check()
    page.locator("textarea[name=why]").first.fill("问过了，现在没有危险")
    page.get_by_role("button", name=said(language, "交还给人工智能", "Hand back to the AI")).click()
    expect(page.locator("#head")).to_contain_text(said(language, "已交还", "handed back"))
    assert stage_of(office, user) == "handed_back"
    expect(page.locator("summary", has_text=said(language, "回访", "Follow-ups"))).to_have_count(2)
    fits(page, f"care-handed-{language}")
    assert cases_of(office, user)[-1].claimed_by
    page.goto("/care/board")
    fits(page, f"care-board-{language}")
    page.goto("/care")
    fits(page, f"care-queue-after-{language}")
    assert name in page.content()
