"""A family in a real browser, at phone and desk width, in both languages, by keyboard: invitation, consent, limit, curfew, block,
purchases, alerts, channels, an elder's set-up, appeal, copy, deletion."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect
from tests.browser.looking import PHONE, fits
from tests.duties.test_contact import Hook, hook
from tests.gateway.serving import PLAN, Served, eventually, fresh, guardian, noon, serving, settings_for
from tests.offices.guardians.family import MOTHER, number
from tests.web.signing import PASSWORD, staff

DESK: ViewportSize = {"width": 1280, "height": 800}


@pytest.fixture(scope="module")
def phone() -> Iterator[Hook]:
    with hook() as found:
        yield found


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory, phone: Hook) -> Iterator[Served]:
    with serving(settings_for(tmp_path_factory.mktemp("family"), sms=phone.url, encoder=False)) as served:
        yield served


@pytest.fixture(params=[(PHONE, "zh"), (DESK, "en")], ids=["phone-zh", "desk-en"])
def visitor(request: pytest.FixtureRequest, browser: Browser, office: Served) -> Iterator[tuple[Page, str]]:
    """A fresh browser, and the language its pages are read in."""
    size, language = request.param
    context: BrowserContext = browser.new_context(viewport=size, base_url=office.url)
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(f"/sign-in?lang={language}")
    yield page, language
    assert not faults
    context.close()


def press(page: Page, name: str) -> None:
    """Reaches the button by keyboard, and presses it."""
    button = page.get_by_role("button", name=name).first
    button.focus()
    expect(button).to_be_focused()
    page.keyboard.press("Enter")


def family(office: Served, phone: Hook, band: str = "14_15") -> tuple[str, str]:
    """A child, and the address of the invitation on the guardian's phone."""
    user = fresh("小雨")
    made = office.register(user, band, nickname="小雨", contacts=[guardian(channels=[phone.url])], at=noon())
    office.post(f"/v1/users/{user}/guardians", {"contact": made["contacts"][0]["id"]}, at=noon(minutes=1))
    found: list[str] = re.findall(r"(/guardian/invited\?token=\S+)", phone.told[-1]["text"])
    return user, found[0]


def accept(page: Page, address: str, language: str) -> None:
    page.goto(f"{address}&lang={language}")
    fits(page)
    for field, text in (
        ("name", fresh("妈妈")),
        ("password", PASSWORD),
        ("again", PASSWORD),
        ("id_number", number(MOTHER)),
    ):
        page.locator(f"input[name={field}]").focus()
        page.keyboard.type(text)
    page.locator("input[name=agreed]").focus()
    page.keyboard.press("Space")
    press(page, "接受" if language == "zh" else "Accept")
    page.wait_for_url("**/guardian")
    fits(page)
    page.get_by_role("link", name="查看" if language == "zh" else "Open").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/guardian/children/**")
    fits(page)


def tab(page: Page, zh: str, en: str, language: str) -> None:
    """Goes to another page of the child, by keyboard."""
    link = page.get_by_role("navigation").get_by_role("link", name=zh if language == "zh" else en, exact=True)
    link.focus()
    page.keyboard.press("Enter")
    expect(link).to_have_attribute("aria-current", "page")
    fits(page)


def tick(page: Page, name: str, value: str = "") -> None:
    """Reaches a box by keyboard, and ticks it."""
    page.locator(f"input[name={name}]" + (f"[value={value}]" if value else "")).focus()
    page.keyboard.press("Space")


def save(page: Page, language: str) -> None:
    press(page, "保存" if language == "zh" else "Save")
    expect(page.get_by_role("status")).to_be_visible()


def test_a_guardian_accepts_consents_and_sets_a_limit_that_holds(
    office: Served, phone: Hook, visitor: tuple[Page, str]
) -> None:
    page, language = visitor
    user, address = family(office, phone)
    accept(page, address, language)
    tab(page, "同意和删除", "Consent and deletion", language)
    press(page, "同意" if language == "zh" else "Allow")
    expect(page.get_by_role("status")).to_be_visible()
    tab(page, "时长和角色", "Time and companions", language)
    page.locator("input[name=minutes]").focus()
    page.keyboard.type("10")
    save(page, language)
    expect(page.locator("input[name=minutes]")).to_have_value("10")
    for minute in range(2, 12, 3):
        office.chat("今天食堂的鸡腿没有了", user=user, at=noon(minutes=minute))
    before = len(office.ledger(user, kinds=["Lock"]))
    office.chat("今天食堂的鸡腿没有了", user=user, at=noon(minutes=13))
    assert len(office.ledger(user, kinds=["Lock"])) > before
    press(page, "+15")
    expect(page.get_by_role("status")).to_be_visible()
    office.chat("今天食堂的鸡腿没有了", user=user, at=noon(minutes=14))
    assert len(office.ledger(user, kinds=["Lock"])) == before + 1


def test_a_curfew_and_a_block_hold(office: Served, phone: Hook, visitor: tuple[Page, str]) -> None:
    page, language = visitor
    user, address = family(office, phone)
    office.post(f"/v1/users/{user}/consents", {"purpose": "companionship", "by": "guardian"}, at=noon())
    persona = {"id": "night-king", "name": "夜王", "tags": ["恐怖"], "relation": "character", "prompt": "你是夜王。"}
    office.post("/v1/companions", persona, at=noon())
    office.chat("今天食堂的鸡腿没有了", user=user, companion="night-king", at=noon(minutes=1))
    accept(page, address, language)
    tab(page, "时长和角色", "Time and companions", language)
    expect(page.get_by_text("夜王")).to_be_visible()
    tick(page, "blocked", "night-king")
    page.locator("input[name=closed_from]").fill("12:30")
    page.locator("input[name=closed_to]").fill("13:30")
    save(page, language)
    expect(page.locator("input[name=blocked]")).to_be_checked()
    assert "没有开放这个角色" in office.chat("嗯", user=user, companion="night-king", at=noon(minutes=2)).text
    assert "休息时间" in office.chat("嗯", user=user, session="b", companion="other", at=noon(minutes=40)).text
    page.locator("input[name=closed_to]").fill("")
    press(page, "保存" if language == "zh" else "Save")
    expect(page.get_by_role("alert")).to_have_text(
        "休息时间要么都填，要么都不填，写成 21:30 这样。" if language == "zh" else "a curfew needs both times, or none"
    )
    fits(page)


def test_a_purchase_is_refused_then_asked_then_approved(office: Served, phone: Hook, visitor: tuple[Page, str]) -> None:
    page, language = visitor
    user, address = family(office, phone)
    accept(page, address, language)
    wish = {"user": user, "amount": 3000, "order": fresh("order"), "item": "月卡"}
    assert office.post("/v1/purchases/check", wish, at=noon(minutes=2)).json()["allowed"] is False
    tab(page, "消费", "Spending", language)
    page.locator("input[name=purchases][value=ask]").focus()
    page.keyboard.press("Space")
    save(page, language)
    told = len(phone.told)
    assert office.post("/v1/purchases/check", wish, at=noon(minutes=3)).json()["state"] == "waiting"
    office.get(f"/v1/users/{user}", at=noon(minutes=4))
    assert eventually(lambda: len(phone.told) > told)
    assert "30.00" in phone.told[-1]["text"]
    page.reload()
    expect(page.get_by_text("月卡")).to_be_visible()
    press(page, "同意这笔" if language == "zh" else "Approve")
    expect(page.get_by_role("status")).to_be_visible()
    assert office.post("/v1/purchases/check", wish, at=noon(minutes=5)).json()["allowed"]
    fits(page)


def test_an_alert_arrives_on_the_guardians_phone_and_on_their_page(
    office: Served, phone: Hook, visitor: tuple[Page, str]
) -> None:
    page, language = visitor
    user, address = family(office, phone)
    accept(page, address, language)
    told = len(phone.told)
    office.chat(PLAN, user=user, at=noon(minutes=3))
    office.post("/v1/check", {"role": "user", "text": "嗯"}, at=noon(minutes=4))
    assert eventually(lambda: len(phone.told) > told)
    assert PLAN not in phone.told[-1]["text"]
    page.reload()
    fits(page)
    expect(page.get_by_text("送达" if language == "zh" else "delivered", exact=False).first).to_be_visible()
    assert PLAN not in page.content()
    hers = page.context.new_page()
    hers.goto(phone.told[-1]["answer"])
    fits(hers)
    press(hers, "我看到了" if language == "zh" else "I have seen this")
    expect(hers.get_by_role("status")).to_be_visible()
    hers.close()
    page.reload()
    expect(page.get_by_text("已确认看到" if language == "zh" else "seen", exact=False).first).to_be_visible()


def test_alerts_go_where_the_guardian_chooses(office: Served, phone: Hook, visitor: tuple[Page, str]) -> None:
    page, language = visitor
    _, address = family(office, phone)
    accept(page, address, language)
    tab(page, "提醒", "Alerts", language)
    with hook() as own:
        page.locator("select[name=kind]").select_option("webhook")
        page.locator("input[name=address]").fill(own.url)
        press(page, "发验证码" if language == "zh" else "Send a code")
        expect(page.get_by_role("status")).to_be_visible()
        fits(page)
        [code] = re.findall("[0-9]{6}", own.told[-1]["text"])
        page.locator("input[name=code]").fill(code)
        press(page, "确认" if language == "zh" else "Confirm")
    expect(page.get_by_text("已验证" if language == "zh" else "verified", exact=True)).to_be_visible()
    page.locator("input[name=letters][value=daily]").focus()
    page.keyboard.press("Space")
    save(page, language)
    expect(page.locator("input[name=letters][value=daily]")).to_be_checked()


def test_an_elder_is_led_to_name_a_contact(office: Served, phone: Hook, visitor: tuple[Page, str]) -> None:
    """The telephone is a gateway of texts: a webhook that is told the number."""
    page, language = visitor
    user = fresh("老王")
    office.register(user, "elder", contacts=[], at=noon())
    page.goto(office.post(f"/v1/users/{user}/link", {"to": "contacts"}, at=noon()).json()["url"])
    page.wait_for_url("**/me/contacts")
    fits(page)
    size = page.evaluate("parseFloat(getComputedStyle(document.body).fontSize)")
    assert size >= 20, "large type"
    page.get_by_role("link", name="添加一位联系人" if language == "zh" else "Add a contact").focus()
    page.keyboard.press("Enter")
    expect(page.locator("input[name=name]")).to_be_focused()
    page.keyboard.type("小梅")
    page.keyboard.press("Enter")
    expect(page.locator("input[name=number]")).to_be_focused()
    fits(page)
    page.keyboard.type(f"139{len(phone.told):08d}")
    page.keyboard.press("Enter")
    expect(page.locator("input[name=code]")).to_be_focused()
    fits(page)
    [code] = re.findall("[0-9]{6}", phone.told[-1]["text"])
    page.keyboard.type(code)
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_be_visible()
    expect(page.get_by_text("已验证" if language == "zh" else "verified", exact=True)).to_be_visible()
    fits(page)


def test_ones_own_data_are_seen_copied_and_deleted(
    office: Served, phone: Hook, visitor: tuple[Page, str], tmp_path: Path
) -> None:
    page, language = visitor
    user = fresh("小明")
    office.register(user, nickname="小明", at=noon())
    office.chat("我养了一只叫煤球的猫", user=user, at=noon(minutes=1))
    page.goto(office.post(f"/v1/users/{user}/link", {}, at=noon(minutes=2)).json()["url"])
    page.wait_for_url("**/me")
    fits(page)
    with page.expect_download() as waiting:
        page.get_by_role("link", name="下载" if language == "zh" else "Download").click()
    copied = tmp_path / "copy.zip"
    waiting.value.save_as(copied)
    assert copied.stat().st_size > 200
    press(page, "同意" if language == "zh" else "Allow")
    expect(page.get_by_text("已同意" if language == "zh" else "allowed", exact=True)).to_be_visible()
    press(page, "删除我的全部数据" if language == "zh" else "Delete all my data")
    expect(page.get_by_role("alert")).to_be_visible()
    page.locator("input[name=sure]").focus()
    page.keyboard.press("Space")
    press(page, "删除我的全部数据" if language == "zh" else "Delete all my data")
    expect(page.locator("pre.certificate")).to_contain_text("shouban.erasure/v1")
    fits(page)
    assert office.get(f"/v1/users/{user}").status_code == 404


def test_who_was_taken_for_a_minor_appeals_and_a_person_decides(
    office: Served, browser: Browser, visitor: tuple[Page, str]
) -> None:
    page, language = visitor
    user = fresh("小林")
    office.register(user, at=noon())
    office.chat("我今年十三岁，上初一", user=user, at=noon(minutes=1))
    page.goto(office.post(f"/v1/users/{user}/link", {}, at=noon(minutes=2)).json()["url"])
    page.locator("summary").focus()
    page.keyboard.press("Enter")
    page.locator("textarea[name=reason]").fill("我二十四岁了")
    press(page, "提交申诉" if language == "zh" else "Appeal")
    expect(page.get_by_text("申诉处理中" if language == "zh" else "Your appeal is open")).to_be_visible()
    name = fresh("complaints")
    staff(office, name, "complaints")
    desk = browser.new_context(viewport=DESK, base_url=office.url).new_page()
    desk.goto("/office/appeals")
    desk.locator("input[name=name]").fill(name)
    desk.locator("input[name=password]").fill(PASSWORD)
    desk.keyboard.press("Enter")
    desk.wait_for_url("**/office/appeals")
    card = desk.locator("section.card", has_text=user)
    card.locator("select").select_option("adult")
    card.locator("textarea").fill("核对了证件")
    card.locator("button.primary").focus()
    desk.keyboard.press("Enter")
    expect(desk.locator("section.card", has_text=user)).to_have_count(0)
    desk.context.close()
    page.reload()
    expect(page.get_by_text("普通模式" if language == "zh" else "standard", exact=True)).to_be_visible()
