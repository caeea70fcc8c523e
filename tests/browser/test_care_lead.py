"""Two of the staff in two real browsers, a supervisor beside whoever has the case: shifts, listening, whispering, joining, typing, and care for the staff."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect
from tests.browser.looking import DESK, PHONE, fits, said
from tests.gateway.serving import PLAN, Served, fresh, noon, serving, settings_for
from tests.offices.care_desk.desk import account_of, in_danger
from tests.web.signing import PASSWORD, staff

from shouban.web.roles import Role

WISH = "活着真没意思，有时候不想醒来"
BOTH = pytest.mark.parametrize(("size", "language"), [(PHONE, "zh"), (DESK, "en")], ids=["phone-zh", "desk-en"])


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(settings_for(tmp_path_factory.mktemp("lead"), encoder=False)) as served:
        yield served


def signed_in(browser: Browser, office: Served, role: Role, size: ViewportSize, language: str) -> tuple[Page, str]:
    """One of the staff in a browser of their own: page and name."""
    headers = {"x-shouban-at": noon(seconds=2)}
    page = browser.new_context(viewport=size, base_url=office.url, extra_http_headers=headers).new_page()
    page.on("pageerror", lambda error: pytest.fail(str(error)))
    name = fresh("周主管" if role == "care_lead" else "小林")
    staff(office, name, role)
    page.goto(f"/sign-in?lang={language}")
    page.locator("input[name=name]").fill(name)
    page.locator("input[name=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/office**")
    return page, name


@BOTH
def test_a_supervisor_sets_a_shift_by_keyboard_and_the_queue_says_whom_it_fits(
    browser: Browser, office: Served, size: ViewportSize, language: str
) -> None:
    leader, _ = signed_in(browser, office, "care_lead", size, language)
    carer, name = signed_in(browser, office, "care", size, language)
    leader.goto("/care/shifts")
    leader.locator("select[name=account]").select_option(account_of(office, name))
    leader.locator("input[name=since]").fill("2026-08-03T08:00")
    leader.locator("input[name=until]").fill("2026-08-03T07:00")
    minors = leader.get_by_role("checkbox").first
    minors.focus()
    leader.keyboard.press("Space")
    leader.get_by_role("button", name=said(language, "排班", "Set it"), exact=True).focus()
    leader.keyboard.press("Enter")
    expect(leader.get_by_role("alert").first).to_contain_text(
        said(language, "结束时间要在开始时间之后", "ends after it begins")
    )
    expect(minors).to_be_checked()
    leader.locator("input[name=until]").fill("2026-08-03T20:00")
    leader.keyboard.press("Enter")
    expect(leader.locator(".on-shift", has_text=name)).to_be_visible()
    fits(leader, f"lead-shifts-{language}")
    _, address = in_danger(office, text=WISH, age_band="16_17")
    carer.goto("/care")
    row = carer.locator(f'li:has(form[action="{address}/claim"])')
    expect(row.locator(".fits")).to_have_text(said(language, "适合你", "fits you"))
    fits(carer, f"lead-queue-{language}")
    carer.context.close()
    leader.context.close()


def taken(carer: Page, address: str) -> None:
    """The case is claimed and taken over, by keyboard."""
    carer.goto(address)
    for deed in ("claim", "take"):
        carer.locator(f'form[action="{address}/{deed}"] button').focus()
        carer.keyboard.press("Enter")
    expect(carer.locator("#text")).to_be_focused()


@BOTH
def test_a_supervisor_listens_whispers_and_joins_beside_whoever_has_the_case(
    browser: Browser, office: Served, size: ViewportSize, language: str
) -> None:
    leader, chief = signed_in(browser, office, "care_lead", size, language)
    carer, _ = signed_in(browser, office, "care", size, language)
    user, address = in_danger(office, nickname="小雨")
    taken(carer, address)
    leader.goto(address)
    expect(leader.locator("#talk")).not_to_contain_text(PLAN)
    fits(leader, f"lead-before-{language}")
    leader.get_by_role("link", name=said(language, "旁听", "Listen"), exact=True).focus()
    leader.keyboard.press("Enter")
    expect(leader.locator("#talk")).to_contain_text(PLAN)
    expect(carer.locator("#head .badge", has_text=chief)).to_be_visible()
    leader.locator(f'form[action^="{address}/whisper"] textarea').fill("先问他身边有没有药。<b>别急</b>")
    leader.get_by_role("button", name=said(language, "告诉同事", "Tell them")).focus()
    leader.keyboard.press("Enter")
    expect(carer.locator("#whispers")).to_contain_text("先问他身边有没有药。<b>别急</b>")
    carer.locator("#text").fill("你身边有药吗？")
    fits(carer, f"lead-whispered-{language}")
    leader.get_by_role("button", name=said(language, "加入对话", "Join the talk")).focus()
    leader.keyboard.press("Enter")
    expect(leader.locator("#text")).to_be_focused()
    leader.keyboard.type("我们一起陪你。")
    leader.keyboard.press("Enter")
    expect(carer.locator("#talk .human").last).to_contain_text("我们一起陪你")
    expect(carer.locator("#head")).to_contain_text(said(language, f"也在对话里: {chief}", f"also in the talk: {chief}"))
    assert "我们一起陪你" in office.chat("嗯", user=user, session="talk", at=noon(seconds=3)).text
    expect(leader.locator("#talk .user").last).to_contain_text("嗯")
    fits(leader, f"lead-joined-{language}")
    fits(carer, f"lead-holder-{language}")
    leader.get_by_role("button", name=said(language, "离开对话", "Leave the talk")).click()
    expect(carer.locator("#head")).not_to_contain_text(said(language, "也在对话里", "also in the talk"))
    expect(carer.locator("#text")).to_have_value("你身边有药吗？")
    carer.context.close()
    leader.context.close()


@BOTH
def test_each_sees_that_the_other_types(browser: Browser, office: Served, size: ViewportSize, language: str) -> None:
    carer, name = signed_in(browser, office, "care", size, language)
    headers = {"x-shouban-at": noon(seconds=2)}
    person = browser.new_context(viewport=PHONE, base_url=office.url, extra_http_headers=headers).new_page()
    person.on("pageerror", lambda error: pytest.fail(str(error)))
    person.goto(f"/?lang={language}")
    with person.expect_response("**/app/api/start") as started:
        person.locator("#start button[type=submit]").click()
    dialog = person.locator("#notice-dialog")
    expect(dialog).to_be_visible()
    while dialog.is_visible():
        person.keyboard.press("Enter")
        person.wait_for_timeout(150)
    person.locator("#message").fill(PLAN)
    person.keyboard.press("Enter")
    expect(person.locator(".notice-help").or_(person.locator(".from-service")).first).to_be_visible()
    address = f"/care/cases/{office.person_id(started.value.json()['user'])}"
    taken(carer, address)
    expect(person.locator(".from-staff").first).to_be_visible()
    carer.keyboard.type("我在")
    typing = person.locator("#staff-typing", has_text=said(language, f"{name} 正在输入", f"{name} is typing"))
    expect(typing).to_be_in_viewport()
    fits(person, f"lead-person-sees-{language}")
    carer.keyboard.press("Enter")
    expect(person.locator(".from-staff").last).to_contain_text("我在")
    expect(typing).to_be_hidden()
    person.locator("#message").fill("我")
    expect(carer.locator("#typing")).to_contain_text(said(language, "对方正在输入", "The person is typing"))
    fits(carer, f"lead-carer-sees-{language}")
    person.keyboard.press("Enter")
    expect(carer.locator("#typing")).to_be_empty()
    expect(carer.locator("#talk .user").last).to_contain_text("我")
    person.locator("#message").fill("<img src=x onerror=alert(1)>")
    expect(carer.locator("#typing")).not_to_be_empty()
    expect(carer.locator("#typing")).to_be_empty(timeout=8_000)
    person.context.close()
    carer.context.close()


@BOTH
def test_words_are_covered_until_pressed_and_the_choice_is_kept(
    browser: Browser, office: Served, size: ViewportSize, language: str
) -> None:
    carer, _ = signed_in(browser, office, "care", size, language)
    user, address = in_danger(office)
    taken(carer, address)
    word = carer.locator("#talk .veil").last
    blurred, plain = re.compile("blur"), "none"
    expect(word).to_have_css("filter", blurred)
    fits(carer, f"lead-veiled-{language}")
    word.click()
    expect(word).to_have_css("filter", plain)
    office.chat("还在", user=user, session="talk", at=noon(seconds=3))
    latest = carer.locator("#talk .veil").last
    expect(latest).to_have_text("还在")
    expect(latest).to_have_css("filter", blurred)
    expect(carer.locator("#talk .veil").first).to_have_css("filter", plain)
    latest.focus()
    expect(latest).to_have_css("filter", plain)
    carer.keyboard.press("ArrowUp")
    expect(carer.locator("#talk .veil").first).to_be_focused()
    expect(latest).to_have_css("filter", blurred)
    carer.keyboard.press("ArrowDown")
    carer.keyboard.press("Enter")
    carer.locator("#text").focus()
    expect(latest).to_have_css("filter", plain)
    carer.locator("#veil").focus()
    carer.keyboard.press("Space")
    carer.reload()
    expect(carer.locator("#talk .veil").first).to_have_css("filter", plain)
    other, _ = signed_in(browser, office, "care", size, language)
    milder, mild = in_danger(office, text=WISH)
    other.goto(mild)
    other.locator(f'form[action="{mild}/claim"] button').click()
    expect(other.locator("#talk .veil").first).to_have_css("filter", plain)
    office.chat(PLAN, user=milder, session="talk", at=noon(seconds=4))
    expect(other.locator("#talk .veil").first).to_have_css("filter", blurred)
    other.context.close()
    carer.context.close()


@BOTH
def test_what_somebody_heard_today_stands_on_the_queue_and_who_must_rest_is_told_so(
    browser: Browser, tmp_path: Path, size: ViewportSize, language: str
) -> None:
    with serving(settings_for(tmp_path, encoder=False, care_takeovers=1)) as office:
        carer, _ = signed_in(browser, office, "care", size, language)
        other, _ = signed_in(browser, office, "care", size, language)
        taken(carer, in_danger(office)[1])
        carer.goto("/care")
        expect(carer.locator("#exposure")).to_contain_text("1 / 1")
        expect(carer.locator("#exposure .alone")).to_be_visible()
        _, address = in_danger(office)
        other.goto("/care")
        expect(other.locator("#line")).to_have_text(said(language, "实时连接正常", "Live"))
        other.wait_for_timeout(500)  # until they are seen to sit there
        row = carer.locator(f'li:has(form[action="{address}/claim"])')
        fits(carer, f"lead-exposure-{language}")
        row.get_by_role("button").click()
        expect(carer.get_by_role("alert").first).to_contain_text(said(language, "请先休息", "rest first"))
        fits(carer, f"lead-rest-{language}")
        other.context.close()
        carer.goto("/care")
        carer.wait_for_timeout(500)
        row.get_by_role("button").click()
        expect(carer.locator(".warning")).to_contain_text(said(language, "没有别的同事", "Nobody else is there"))
        fits(carer, f"lead-alone-{language}")
        carer.context.close()
