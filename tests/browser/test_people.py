"""A family in a real browser, at phone and desk width, in both languages, by keyboard: invitation, consent, limit, alert, appeal, copy, deletion."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect
from tests.duties.test_contact import Hook, hook
from tests.gateway.serving import PLAN, Served, eventually, fresh, guardian, noon, serving, settings_for
from tests.offices.guardians.family import MOTHER, number
from tests.web.signing import PASSWORD, staff

PHONE: ViewportSize = {"width": 390, "height": 844}
DESK: ViewportSize = {"width": 1280, "height": 800}


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(settings_for(tmp_path_factory.mktemp("family"), encoder=False)) as served:
        yield served


@pytest.fixture(scope="module")
def phone() -> Iterator[Hook]:
    with hook() as found:
        yield found


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


def fits(page: Page) -> None:
    """Nothing hangs over the edge, and Chinese is drawn with letters of its own."""
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth + 1"), page.url


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


def test_a_guardian_accepts_consents_and_sets_a_limit_that_holds(
    office: Served, phone: Hook, visitor: tuple[Page, str]
) -> None:
    page, language = visitor
    user, address = family(office, phone)
    accept(page, address, language)
    press(page, "同意" if language == "zh" else "Allow")
    expect(page.get_by_role("status")).to_be_visible()
    page.locator("input[name=minutes]").focus()
    page.keyboard.type("10")
    press(page, "保存" if language == "zh" else "Save")
    expect(page.get_by_role("status")).to_be_visible()
    expect(page.locator("input[name=minutes]")).to_have_value("10")
    for minute in range(2, 12, 3):
        office.chat("今天食堂的鸡腿没有了", user=user, at=noon(minutes=minute))
    before = len(office.ledger(user, kinds=["Lock"]))
    office.chat("今天食堂的鸡腿没有了", user=user, at=noon(minutes=13))
    assert len(office.ledger(user, kinds=["Lock"])) > before
    refused = office.post("/v1/purchases/check", {"user": user, "amount": 100}, at=noon(minutes=14)).json()
    assert refused["allowed"] is False
    page.locator("input[name=purchases]").focus()
    page.keyboard.press("Space")
    press(page, "保存" if language == "zh" else "Save")
    expect(page.get_by_role("status")).to_be_visible()
    assert office.post("/v1/purchases/check", {"user": user, "amount": 100}, at=noon(minutes=15)).json()["allowed"]


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
    expect(page.get_by_text("已通知" if language == "zh" else "told", exact=False).first).to_be_visible()
    assert PLAN not in page.content()


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
