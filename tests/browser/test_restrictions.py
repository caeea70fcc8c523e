"""A restriction in a real browser: proposed urgently by keyboard, confirmed by a colleague, read and appealed by the person, decided by a third, reported on one page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect
from tests.browser.looking import DESK, PHONE, fits, picture, said
from tests.gateway.serving import Served, fresh, noon, serving, settings_for
from tests.offices.restrictions.restricting import colleague, do, restricted
from tests.web.signing import now_of, run, sign_ins_of, staff

from shouban.web.doors import COOKIE

LIST = "/office/restrictions"


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(settings_for(tmp_path_factory.mktemp("restrictions"), encoder=False)) as served:
        yield served


def opened(browser: Browser, office: Served, size: ViewportSize, token: str) -> Page:
    context = browser.new_context(viewport=size, base_url=office.url, extra_http_headers={"x-shouban-at": noon(minutes=5)})  # fmt: skip
    context.add_cookies([{"name": COOKIE, "value": token, "url": office.url}])
    return context.new_page()


def compliance(browser: Browser, office: Served, size: ViewportSize) -> Page:
    account = staff(office, fresh("合规"), "compliance")
    return opened(browser, office, size, run(sign_ins_of(office).open(account, now_of(office))))


def press(page: Page, zh: str, en: str, language: str) -> None:
    """By keyboard alone."""
    page.get_by_role("button", name=said(language, zh, en), exact=True).focus()
    page.keyboard.press("Enter")


@pytest.mark.parametrize(("size", "language"), [(PHONE, "zh"), (DESK, "en")], ids=["phone-zh", "desk-en"])
def test_from_an_urgent_proposal_to_the_third_persons_decision(
    browser: Browser, office: Served, size: ViewportSize, language: str
) -> None:
    user = fresh()
    office.register(user, at=noon())
    person = office.person_id(user)
    first, second, third = (compliance(browser, office, size) for _ in range(3))

    first.goto(f"/office?lang={language}")
    first.get_by_role("link", name=said(language, "服务限制", "Restrictions"), exact=True).focus()
    first.keyboard.press("Enter")
    first.wait_for_url(f"**{LIST}")
    first.locator("input[name=id]").fill(user)
    first.keyboard.press("Enter")
    first.wait_for_url("**/office/people/*")
    first.locator("a[href$='/restrict']").focus()
    first.keyboard.press("Enter")
    first.locator("input[name=kind][value=suspended]").focus()
    first.keyboard.press("Space")
    first.locator("select[name=category]").select_option("fraud")
    first.locator("input[name=term]").fill("200")
    first.locator("textarea[name=grounds]").fill("三个人举报同一个账号冒充客服索要验证码，内容一致。")
    first.locator("textarea[name=reason]").fill("我们发现你的账号被用来冒充客服索要验证码。")
    first.locator("input[name=urgent]").focus()
    first.keyboard.press("Space")
    press(first, "提议", "Propose", language)
    expect(first.get_by_role("alert")).to_contain_text(said(language, "1 小时到 180 天", "1 hour to 180 days"))
    expect(first.locator("textarea[name=grounds]")).to_have_value("三个人举报同一个账号冒充客服索要验证码，内容一致。")
    fits(first, f"restrict-propose-{language}")
    first.locator("input[name=term]").fill("7")
    press(first, "提议", "Propose", language)
    first.wait_for_url(f"**{LIST}/*")
    expect(first.locator("main")).to_contain_text("2026-08-04 12:05")
    fits(first, f"restrict-waiting-{language}")
    first.goto(LIST)
    fits(first, f"restrict-list-{language}")

    second.goto(f"{LIST}?lang={language}")
    second.locator("ul.rows a").first.focus()
    second.keyboard.press("Enter")
    second.locator("form[action$='/confirm'] textarea").fill("看过三份举报，属实。")
    press(second, "确认，使其生效", "Confirm", language)
    expect(second.locator("main")).to_contain_text("2026-08-10 12:05")
    fits(second, f"restrict-in-force-{language}")

    token = run(sign_ins_of(office).open_for_person("default", person, now_of(office)))
    me = opened(browser, office, size, token)
    me.goto(f"/me?lang={language}")
    fits(me, f"restrict-me-{language}")
    me.locator(".notice a[href='/me/restrictions']").focus()
    me.keyboard.press("Enter")
    expect(me.locator("main")).to_contain_text("冒充客服")
    expect(me.locator("main")).not_to_contain_text("三个人举报")
    fits(me, f"restrict-mine-{language}")
    me.locator("textarea[name=text]").fill("那不是我，我的手机上周被偷了，我报了警。")
    press(me, "提交申诉", "Appeal", language)
    expect(me.locator("main")).to_contain_text("2026-08-17 24:00")

    third.goto(f"{LIST}?lang={language}")
    third.locator("ul.rows a").first.click()
    third.wait_for_url(f"**{LIST}/*")
    fits(third, f"restrict-appeal-{language}")
    third.locator("input[name=decision][value=upheld]").focus()
    third.keyboard.press("Space")
    third.locator("form[action$='/appeal'] textarea").fill("报警回执属实，当时登录的不是本人的设备。")
    press(third, "裁决申诉", "Decide the appeal", language)
    expect(third.locator("h1")).to_contain_text(said(language, "已解除", "Lifted"))
    third.locator("a[href$='/report']").click()
    expect(third.locator(".sheet")).to_contain_text(person)
    expect(third.locator(".sheet")).to_contain_text("第二十四条")
    fits(third, f"restrict-report-{language}")
    third.emulate_media(media="print")
    picture(third, f"restrict-print-{language}")
    third.emulate_media(media="screen")
    third.go_back()
    third.locator("input[name=to]").fill("省网信办")
    press(third, "登记已报告", "Mark as reported", language)
    expect(third.locator("main")).to_contain_text(said(language, "现在没有待报告的", "Nothing is owed"))
    fits(third, f"restrict-reported-{language}")
    me.reload()
    expect(me.locator("main")).to_contain_text("报警回执属实")
    fits(me, f"restrict-answered-{language}")
    for one in (first, second, third, me):
        one.context.close()


@pytest.mark.parametrize(("size", "language"), [(PHONE, "zh"), (DESK, "en")], ids=["phone-zh", "desk-en"])
def test_the_app_leads_to_why_as_long_as_the_restriction_stands(
    browser: Browser, office: Served, size: ViewportSize, language: str
) -> None:
    context = browser.new_context(viewport=size, base_url=office.url, extra_http_headers={"x-shouban-at": noon()})
    page = context.new_page()
    page.goto(f"/?lang={language}")
    page.locator("#birth-year").fill("1990")
    with page.expect_response("**/app/api/start") as started:
        page.keyboard.press("Enter")
    person = office.person_id(str(started.value.json()["user"]))
    page.locator("#notice-first").click()
    strip = page.locator("#restricted")
    expect(strip).to_be_hidden()
    restriction = restricted(office, person)
    for name in ("told", "later"):
        expect(strip).to_be_visible()
        assert strip.evaluate("one => one.scrollWidth <= one.clientWidth + 1")
        fits(page, f"restrict-app-{name}-{language}")
        page.reload()
    expect(strip).to_be_visible()
    strip.get_by_role("link").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/me/restrictions")
    assert do(colleague(office), person, restriction, "lift", why="核实后解除。").status_code == 303
    page.goto(f"/?lang={language}")
    expect(page.locator("#open-help")).to_be_visible()
    expect(strip).to_be_hidden()
