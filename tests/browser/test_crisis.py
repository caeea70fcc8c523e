"""Two real browsers, the person's and the staff's, through a crisis: the template at once, the case, the takeover in mid-stream, the guardian's phone, the follow-up."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect
from tests.browser.looking import DESK, PHONE, fits
from tests.duties.test_contact import Hook, contact, hook
from tests.gateway.serving import PLAN, Served, fresh, noon, serving, settings_for
from tests.gateway.test_halting import stamped
from tests.offices.care_desk.desk import cases_of, stage_of
from tests.upstreams.faulty import FaultyUpstream, running
from tests.web.signing import PASSWORD, staff

WISH = "活着真没意思，有时候不想醒来"
SPOKEN = re.compile(r"\[([\d.]+)\]")


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with (
        running(FaultyUpstream(stamped(pace=0.05, seconds=20))) as model,
        serving(settings_for(tmp_path_factory.mktemp("crisis"), model.url)) as served,
    ):
        yield served


@pytest.fixture
def phone() -> Iterator[Hook]:
    with hook() as opened:
        yield opened


def opened(browser: Browser, office: Served, size: ViewportSize) -> Page:
    context = browser.new_context(viewport=size, base_url=office.url, extra_http_headers={"x-shouban-at": noon()})
    return context.new_page()


def later(*pages: Page, **by: float) -> None:
    for page in pages:
        page.context.set_extra_http_headers({"x-shouban-at": noon(**by)})


def a_minor(page: Page, office: Served, guardian: Hook) -> str:
    """Sixteen years old, in the companion app; a guardian's phone is known. Gives the app's id."""
    page.goto("/?lang=zh")
    page.locator("#birth-year").fill("2009")
    with page.expect_response("**/app/api/start") as started:
        page.keyboard.press("Enter")
    user = str(started.value.json()["user"])
    dialog = page.locator("#notice-dialog")
    expect(dialog).to_be_visible()
    while dialog.is_visible():
        page.keyboard.press("Enter")
        page.wait_for_timeout(150)
    told = office.post(f"/v1/users/{user}/contacts", {"contacts": [contact(guardian.url)]}, at=noon())
    assert told.is_success, told.text
    given = {"purpose": "companionship", "by": "guardian"}
    assert office.post(f"/v1/users/{user}/consents", given, at=noon()).is_success
    expect(page.locator("#message")).to_be_visible()
    return user


def at_the_desk(page: Page, office: Served) -> str:
    name = fresh("小林")
    staff(office, name, "care")
    page.goto("/sign-in?lang=zh")
    page.locator("input[name=name]").fill(name)
    page.locator("input[name=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/office**")
    page.goto("/care")
    expect(page.locator("#line")).to_have_text("实时连接正常")
    return name


def say(page: Page, text: str) -> None:
    page.locator("#message").fill(text)
    page.keyboard.press("Enter")


def claimed(page: Page, address: str) -> None:
    """The case stands on the desk within a second; it is taken by keyboard."""
    row = page.locator(f'li:has(form[action="{address}/claim"])')
    expect(row).to_be_visible(timeout=1_000)
    row.get_by_role("button").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{address}")


@pytest.mark.parametrize("sizes", [(PHONE, DESK), (DESK, PHONE)], ids=["person-on-phone", "staff-on-phone"])
def test_from_despair_to_the_follow_up(
    browser: Browser, office: Served, phone: Hook, sizes: tuple[ViewportSize, ViewportSize]
) -> None:
    person, desk = (opened(browser, office, size) for size in sizes)
    where = "phone" if sizes[0] is PHONE else "desk"
    name = at_the_desk(desk, office)
    user = a_minor(person, office, phone)
    say(person, WISH)
    expect(person.locator("#messages .from-service")).to_be_visible()
    expect(person.locator("#messages a[href^='tel:']", has_text="12356").first).to_be_visible()
    address = f"/care/cases/{office.person_id(user)}"
    fits(person, f"crisis-template-{where}", whole=False)
    person.wait_for_timeout(300)
    assert person.locator("#messages").inner_text().count("不想活下去的念头") == 1, "the template stands there once"
    person.reload()
    expect(person.locator("#messages a[href^='tel:']", has_text="12356").first).to_be_visible()
    expect(person.locator("#messages .from-service")).to_have_count(1)
    expect(person.locator("#notice-dialog")).to_be_hidden()
    fits(person, f"crisis-reloaded-{where}", whole=False)
    claimed(desk, address)
    expect(desk.locator("#talk")).to_contain_text(WISH)

    say(person, "我今天的数学作业还没写完")
    reply = person.locator("#messages .from-companion").last
    expect(reply).to_contain_text(SPOKEN)
    desk.get_by_role("button", name="接管对话").click()
    expect(desk.locator("#text")).to_be_focused()
    taken = time.monotonic()
    expect(person.locator("#notice-bar")).to_have_attribute("data-speaker", "human")
    expect(person.locator("#messages")).to_contain_text(f"{name}（真人")
    person.wait_for_timeout(500)
    spoken = [float(one) for one in SPOKEN.findall(person.locator("#messages").inner_text())]
    assert spoken
    assert max(spoken) < taken, "no word that the model spoke later reaches the person"

    desk.keyboard.type("我在这里，你不用一个人扛。")
    desk.keyboard.press("Enter")
    expect(person.locator("#messages .from-staff").last).to_contain_text("你不用一个人扛")
    say(person, "谢谢你，我好像没那么难受了")
    expect(desk.locator("#talk .user").last).to_contain_text("没那么难受")
    fits(person, f"crisis-talk-person-{where}", whole=False)
    fits(desk, f"crisis-talk-staff-{where}", whole=False)
    assert person.locator("#messages").inner_text().count("你不用一个人扛") == 1
    assert len(SPOKEN.findall(person.locator("#messages").inner_text())) == len(spoken)

    for _ in range(50):
        if phone.told:
            break
        person.wait_for_timeout(100)
    assert len(phone.told) == 1
    assert "12356" in str(phone.told)
    assert "不想醒来" not in str(phone.told), "the guardian hears of danger, and none of the words"

    later(person, desk, minutes=11)
    desk.goto(address)
    take_again = desk.get_by_role("button", name="我来")
    if take_again.count():
        take_again.click()
    desk.locator("summary", has_text="交还给人工智能").click()
    desk.locator("input[name=safe]").check()
    desk.locator("textarea[name=why]").first.fill("问过了，现在没有危险")
    desk.get_by_role("button", name="交还给人工智能").click()
    expect(desk.locator("#head")).to_contain_text("已交还")
    expect(person.locator("#notice-bar")).to_have_attribute("data-speaker", "ai")
    fits(person, f"crisis-handed-back-{where}", whole=False)
    assert stage_of(office, user) == "handed_back"
    due = [row for row in office.ledger(user, kinds=["FollowUp"]) if row.state == "owed"]
    assert len(due) == 2
    desk.goto(address)
    expect(desk.locator("summary", has_text="回访")).to_have_count(2)
    fits(desk, f"crisis-follow-up-{where}", whole=False)
    person.context.close()
    desk.context.close()


def test_the_staff_browser_dies_after_claiming_and_another_goes_on(
    browser: Browser, office: Served, phone: Hook
) -> None:
    person, first, second = (opened(browser, office, size) for size in (PHONE, DESK, DESK))
    at_the_desk(first, office)
    name = at_the_desk(second, office)
    user = a_minor(person, office, phone)
    say(person, PLAN)
    expect(person.locator("#messages .from-service")).to_be_visible()
    address = f"/care/cases/{office.person_id(user)}"
    claimed(first, address)
    expect(second.locator(f'form[action="{address}/claim"]')).to_have_count(0)
    first.context.close()

    say(person, "有人在吗")
    expect(person.locator("#messages")).to_contain_text("12356")
    assert not SPOKEN.search(person.locator("#messages").inner_text()), "nobody is there, and the machine stays silent"
    later(person, second, minutes=1)
    claimed_by = cases_of(office, user)[-1].claimed_by
    second.goto("/care")
    claimed(second, address)
    assert cases_of(office, user)[-1].claimed_by not in {"", claimed_by}
    second.get_by_role("button", name="接管对话").click()
    expect(second.locator("#text")).to_be_focused()
    second.keyboard.type("我是值班的同事，我在。")
    second.keyboard.press("Enter")
    expect(person.locator("#messages .from-staff").last).to_contain_text("我在")
    expect(person.locator("#messages")).to_contain_text(f"{name}（真人")
    fits(second, "crisis-second-desk", whole=False)
    assert stage_of(office, user) == "taken_over"
    person.context.close()
    second.context.close()


# The last line of a reply comes late, and what it says comes by an event before.
LATE_END = """
const real = window.fetch;
window.fetch = async (...args) => {
  const answer = await real(...args);
  if (!String(args[0]).includes("/say")) return answer;
  const reader = answer.body.getReader();
  const body = new ReadableStream({ async pull(control) {
    const { value, done } = await reader.read();
    if (done || new TextDecoder().decode(value).includes("[DONE]")) await new Promise((end) => setTimeout(end, WAIT));
    if (done) control.close(); else control.enqueue(value);
  }});
  return new Response(body, { status: answer.status, headers: answer.headers });
};
"""


@pytest.mark.parametrize("wait", [0, 300])
def test_the_words_for_danger_stay_on_the_screen_whichever_way_they_come_first(
    browser: Browser, office: Served, wait: int
) -> None:
    page = opened(browser, office, PHONE)
    page.add_init_script(LATE_END.replace("WAIT", str(wait)))
    page.goto("/?lang=zh")
    page.locator("#birth-year").fill("1990")
    page.keyboard.press("Enter")
    page.locator("#notice-first").click()
    for n, words in enumerate((PLAN, "有人在吗"), 1):
        say(page, words)
        expect(page.locator("#messages .from-service")).to_have_count(n)
        expect(page.locator("#send")).not_to_have_class(re.compile("stopping"))
        expect(page.locator("#messages .from-service")).to_have_count(n)
    expect(page.locator("#messages .from-companion")).to_have_count(0)
    page.context.close()
