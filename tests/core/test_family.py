"""What guardians set holds for the child, purchases are counted once, and an alert nobody has seen goes on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shouban.core import events as e
from shouban.core import family
from shouban.core.decide import Decision, decide
from shouban.core.obligations import AskApproval, Escalate, Lock, NotifyGuardian, RefusePurchase
from shouban.core.state import MAX_ORDERS, Bonus, DayUse, Guardianship, PersonState, Session
from shouban.packs.stack import load_pack

PACK = load_pack("cn").pack
NOON = datetime(2026, 8, 3, 4, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
TODAY = PACK.settings.local(NOON).date()
ORDERS = st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(1, 6000)), max_size=25)


def lived(*events: e.Event, state: PersonState | None = None) -> tuple[PersonState, Decision]:
    decision = Decision(state or PersonState(), ())
    for event in events:
        decision = decide(decision.state, event, PACK)
    return decision.state, decision


def child(**settings: object) -> PersonState:
    state, _ = lived(
        e.UserRegistered(at=NOON, age_band="14_15", guardians=2),
        e.ConsentGiven(at=NOON, purpose="companionship", by="guardian"),
    )
    return lived(e.GuardianSet(at=NOON, **settings), state=state)[0]  # type: ignore[arg-type]  # a test's own keywords


def kinds(decision: Decision) -> set[type]:
    return {type(one) for one in decision.owed}


# --- purchases


@given(ORDERS)
def test_whatever_is_asked_in_whatever_order_the_caps_of_the_month_hold(asked: list[tuple[str, int]]) -> None:
    """Under 16: 50 yuan at once and 200 a month (2019 notice on games); each order counts once."""
    state = child(purchases_allowed=True)
    for place, (order, amount) in enumerate(asked):
        state, decision = lived(e.PurchaseRequested(at=NOON + place * MINUTE, amount=amount, order=order), state=state)
        known = family.order_of(state, order)
        assert known is not None
        let_through = not kinds(decision) & {RefusePurchase, Lock}
        assert let_through == (known.stage == "paid" and known.amount == amount)
        paid = [one.amount for one in state.orders if one.stage == "paid"]
        assert sum(paid) == state.spending.paid <= 20_000
        assert max(paid, default=0) <= 5_000


@given(ORDERS)
def test_asked_about_again_at_once_an_order_that_was_let_through_is_let_through(asked: list[tuple[str, int]]) -> None:
    state = child(purchases_allowed=True)
    for place, (order, amount) in enumerate(asked):
        state, _ = lived(e.PurchaseRequested(at=NOON + place * MINUTE, amount=amount, order=order), state=state)
        known = family.order_of(state, order)
        if known is not None and known.stage == "paid":
            again, decision = lived(
                e.PurchaseRequested(at=NOON + place * MINUTE, amount=known.amount, order=order), state=state
            )
            assert RefusePurchase not in kinds(decision)
            assert again.orders == state.orders


def test_a_yes_is_for_one_purchase_one_amount_and_one_day() -> None:
    state = child(purchases_allowed=True, asks_purchases=True)
    asked = e.PurchaseRequested(at=NOON, amount=3000, order="a")
    state, decision = lived(asked, state=state)
    assert {AskApproval, RefusePurchase} <= kinds(decision)
    state, _ = lived(
        e.PurchaseDecided(at=NOON + MINUTE, order="a", approved=True, amount=3000, guardian="g"), state=state
    )
    for later, amount, order in ((2 * MINUTE, 3001, "a"), (timedelta(hours=25), 3000, "a"), (2 * MINUTE, 3000, "b")):
        _, decision = lived(e.PurchaseRequested(at=NOON + later, amount=amount, order=order), state=state)
        assert RefusePurchase in kinds(decision), (later, amount, order)
    state, decision = lived(e.PurchaseRequested(at=NOON + 2 * MINUTE, amount=3000, order="a"), state=state)
    assert RefusePurchase not in kinds(decision)
    state, _ = lived(
        e.PurchaseDecided(at=NOON + 3 * MINUTE, order="a", approved=False, amount=3000, guardian="g"), state=state
    )
    assert family.order_of(state, "a").stage == "paid"  # type: ignore[union-attr]  # decided after it was paid: too late


def test_what_was_refunded_counts_no_more_and_next_month_begins_anew() -> None:
    state = child(purchases_allowed=True)
    for place in range(4):
        state, _ = lived(e.PurchaseRequested(at=NOON, amount=5000, order=f"o{place}"), state=state)
    fifth = e.PurchaseRequested(at=NOON, amount=100, order="fifth")
    assert RefusePurchase in kinds(lived(fifth, state=state)[1])
    refunded, _ = lived(e.PurchaseRefunded(at=NOON, order="o0"), state=state)
    assert RefusePurchase not in kinds(lived(fifth, state=refunded)[1])
    # 31 August 20:00 in UTC is September in China already.
    next_month = e.PurchaseRequested(at=datetime(2026, 8, 31, 20, tzinfo=UTC), amount=5000, order="september")
    assert RefusePurchase not in kinds(lived(next_month, state=state)[1])


def test_what_was_refused_does_not_push_out_what_counts() -> None:
    state = child(purchases_allowed=True)
    for place in range(4):
        state, _ = lived(e.PurchaseRequested(at=NOON, amount=5000, order=f"paid{place}"), state=state)
    for place in range(2 * MAX_ORDERS):
        state, _ = lived(e.PurchaseRequested(at=NOON, amount=5001, order=f"no{place}"), state=state)
    assert len(state.orders) == MAX_ORDERS
    assert state.spending.paid == 20_000
    assert RefusePurchase in kinds(lived(e.PurchaseRequested(at=NOON, amount=1, order="one more"), state=state)[1])


def test_a_hundred_small_orders_stop_at_the_cap() -> None:
    """The list of orders is short; the sum of the month is kept apart from it."""
    state, through = child(purchases_allowed=True), 0
    for place in range(100):
        state, decision = lived(e.PurchaseRequested(at=NOON, amount=500, order=f"o{place}"), state=state)
        through += RefusePurchase not in kinds(decision)
    assert through == 40


def test_an_order_let_through_is_never_let_through_at_another_price() -> None:
    state = child(purchases_allowed=True)
    state, _ = lived(e.PurchaseRequested(at=NOON, amount=100, order="a"), state=state)
    after, decision = lived(e.PurchaseRequested(at=NOON, amount=5000, order="a"), state=state)
    assert RefusePurchase in kinds(decision)
    assert after.orders == state.orders


def test_a_refund_that_is_asked_for_counts_until_it_is_made() -> None:
    state = child(purchases_allowed=True)
    state, _ = lived(e.PurchaseRequested(at=NOON, amount=100, order="a"), state=state)
    asked = e.ComplaintFiled(at=NOON, case=family.refund_case("a"), about="refund")
    state, _ = lived(asked, state=state)
    assert (state.orders[0].stage, state.spending.paid) == ("refunding", 100)
    state, _ = lived(e.PurchaseRefunded(at=NOON, order="a"), state=state)
    assert (state.orders[0].stage, state.spending.paid) == ("refunded", 0)
    declined = child(purchases_allowed=True, asks_purchases=True)
    declined, _ = lived(
        e.PurchaseRequested(at=NOON, amount=100, order="n"), e.PurchaseDecided(at=NOON, order="n", approved=False, amount=100),
        e.PurchaseRefunded(at=NOON, order="n"), state=declined,
    )  # fmt: skip
    assert declined.orders[0].stage == "declined", "a no is not undone by a refund"


# --- limits


def test_bonus_time_moves_the_limit_today_and_only_today() -> None:
    used = (DayUse(TODAY, used=timedelta(minutes=70)),)
    state = PersonState(days=used, guardianship=Guardianship(daily_limit=60))
    assert family.over_guardian_limit(state, TODAY)
    given_today = PersonState(days=used, guardianship=Guardianship(daily_limit=60), bonus=Bonus(TODAY, 30))
    assert not family.over_guardian_limit(given_today, TODAY)
    given_before = PersonState(
        days=used, guardianship=Guardianship(daily_limit=60), bonus=Bonus(TODAY - timedelta(days=1), 30)
    )
    assert family.over_guardian_limit(given_before, TODAY)
    state, _ = lived(e.BonusGiven(at=NOON, minutes=15), e.BonusGiven(at=NOON, minutes=30))
    assert state.bonus == Bonus(TODAY, 45)


@given(st.integers(0, 1439), st.integers(0, 1439), st.integers(0, 1439))
def test_a_curfew_is_closed_from_its_first_minute_to_its_last_over_midnight(start: int, end: int, minute: int) -> None:
    state = PersonState(guardianship=Guardianship(closed_from=start, closed_to=end))
    local = datetime(2026, 8, 3, minute // 60, minute % 60, tzinfo=UTC)
    length = (end - start) % 1440
    assert family.in_guardian_curfew(state, local) == ((minute - start) % 1440 < length)


def test_a_companion_is_blocked_by_id_name_tag_and_relation() -> None:
    at = Session("s", NOON, NOON, companion="Dark-Knight", relation="partner", labels=("name:夜王", "tag:恋爱"))
    for mark in ("Dark-Knight", "dark-knight", "name:夜王", "tag:恋爱", "relation:partner"):
        assert family.is_blocked(PersonState(guardianship=Guardianship(blocked=(mark,))), at), mark
    for mark in ("夜王", "name:恋爱", "tag:夜王", "relation:friend", "Dark"):
        assert not family.is_blocked(PersonState(guardianship=Guardianship(blocked=(mark,))), at), mark
    assert not family.is_blocked(PersonState(guardianship=Guardianship(blocked=("",))), None)


def test_a_guardians_settings_hold_no_longer_for_who_has_come_of_age() -> None:
    state = child(daily_limit=0, closed_from=0, closed_to=1439, blocked=("x",))
    spoke = e.UserSpoke(at=NOON + MINUTE, session="s")
    assert Lock in kinds(lived(spoke, state=state)[1])
    grown, _ = lived(e.AgeFound(at=NOON, age_band="adult", age_basis="verified", overturns=True), state=state)
    assert Lock not in kinds(lived(spoke, state=grown)[1])


# --- alerts and letters


def contacts(*ids: str) -> e.ContactsChanged:
    return e.ContactsChanged(at=NOON, guardians=len(ids), emergencies=0, ids=ids)


def asks(state: PersonState, at: datetime) -> tuple[PersonState, set[type]]:
    after, decision = lived(e.TimePassed(at=at, key="alert-unseen"), state=state)
    return after, kinds(decision)


def test_an_alert_goes_from_contact_to_contact_until_somebody_answers() -> None:
    state, _ = lived(contacts("mother", "father"), e.ContactTold(at=NOON, duty="d", contact="mother"), state=child())
    assert state.wakes["alert-unseen"] == NOON + 5 * MINUTE
    state, owed = asks(state, NOON + 5 * MINUTE)
    assert NotifyGuardian in owed
    assert state.wakes["alert-unseen"] == NOON + 10 * MINUTE, "the next one may be dead too"
    state, _ = lived(e.ContactTold(at=NOON + 6 * MINUTE, duty="d2", contact="father", others=True), state=state)
    assert state.alert is not None
    assert state.alert.told == ("mother", "father")
    answered, _ = lived(e.ContactAnswered(at=NOON + 7 * MINUTE, duty="d2", contact="father"), state=state)
    assert answered.alert is None
    assert not asks(answered, NOON + 11 * MINUTE)[1] & {NotifyGuardian, Escalate}
    after, owed = asks(state, NOON + 11 * MINUTE)
    assert Escalate in owed
    assert NotifyGuardian not in owed
    assert after.alert is not None
    assert after.alert.with_staff
    assert not asks(after, NOON + 20 * MINUTE)[1] & {NotifyGuardian, Escalate}
    anew, _ = lived(e.ContactTold(at=NOON + 21 * MINUTE, duty="d9", contact="mother"), state=after)
    assert anew.alert is not None
    assert anew.alert.told == ("mother",), "the next danger begins anew"
    seen, _ = lived(e.ContactAnswered(at=NOON + 22 * MINUTE, duty="d", contact="mother"), state=after)
    assert seen.alert is None, "who comes late has seen it all the same"


def test_who_cries_on_holds_nobody_off_and_staff_hear_after_a_quarter_of_an_hour() -> None:
    state, _ = lived(
        contacts("mother", "dead", "uncle"), e.ContactTold(at=NOON, duty="d0", contact="mother"), state=child()
    )
    for minute in (2, 4):
        state, _ = lived(e.ContactTold(at=NOON + minute * MINUTE, duty=f"d{minute}", contact="mother"), state=state)
    state, owed = asks(state, NOON + 5 * MINUTE)
    assert NotifyGuardian in owed
    state, owed = asks(state, NOON + 10 * MINUTE)
    assert NotifyGuardian in owed
    state, owed = asks(state, NOON + 15 * MINUTE)
    assert Escalate in owed


def test_an_old_link_ends_no_other_alert_and_a_later_danger_begins_with_the_first_contact() -> None:
    state, _ = lived(contacts("mother", "uncle"), e.ContactTold(at=NOON, duty="old", contact="mother"), state=child())
    later = NOON + timedelta(days=3)
    state, _ = lived(e.ContactTold(at=later, duty="new", contact="mother"), state=state)
    assert state.alert is not None
    assert (state.alert.told, state.alert.since) == (("mother",), later)
    state, _ = lived(e.ContactAnswered(at=later + MINUTE, duty="old", contact="mother", sent_at=NOON), state=state)
    assert state.alert is not None
    assert NotifyGuardian in asks(state, later + 5 * MINUTE)[1]


def test_who_is_no_contact_any_more_has_not_been_told() -> None:
    state, _ = lived(
        contacts("ex", "mother"),
        e.ContactTold(at=NOON, duty="d", contact="ex"),
        contacts("mother", "uncle"),
        state=child(),
    )
    assert family.untold(state) == 2


def test_with_the_last_safe_guardian_goes_what_guardians_had_opened() -> None:
    state = child(purchases_allowed=True, exemptions=("curfew",), daily_limit=600, blocked=("x",))
    state, _ = lived(e.ContactsChanged(at=NOON, guardians=0, emergencies=1, ids=("friend",)), state=state)
    assert state.guardianship == Guardianship(blocked=("x",))


def test_letters_begin_with_the_link_and_end_with_it() -> None:
    state, _ = lived(e.GuardianLinked(at=NOON, guardian="g"), e.LettersSet(at=NOON, guardian="h", every="daily"))
    assert state.letters == {"g": "weekly", "h": "daily"}
    state, _ = lived(
        e.GuardianUnlinked(at=NOON, guardian="g", by="guardian"),
        e.LettersSet(at=NOON, guardian="h", every="none"),
        state=state,
    )
    assert state.letters == {}


def test_two_forms_sent_at_once_both_hold() -> None:
    state = child(daily_limit=30, purchases_allowed=False)
    limits = e.GuardianSet(at=NOON, daily_limit=45, only=("daily_limit",))
    spending = e.GuardianSet(at=NOON, daily_limit=30, purchases_allowed=True, only=("purchases_allowed",))
    state, _ = lived(limits, spending, state=state)
    assert (state.guardianship.daily_limit, state.guardianship.purchases_allowed) == (45, True)


def test_an_answer_is_of_who_was_told_and_to_what_was_sent_since() -> None:
    told = [
        e.ContactTold(at=NOON, duty="d", contact="mother"),
        e.ContactTold(at=NOON, duty="d", contact="uncle", others=True),
    ]
    state, _ = lived(contacts("mother", "uncle"), *told, state=child())
    for answer in (
        e.ContactAnswered(at=NOON + MINUTE, duty="d", contact="stranger"),
        e.ContactAnswered(at=NOON + MINUTE, duty="d", contact="mother", sent_at=NOON - MINUTE),
    ):
        assert lived(answer, state=state)[0].alert is not None
    state, _ = lived(
        e.ContactAnswered(at=NOON + MINUTE, duty="d", contact="uncle", able=False, sent_at=NOON), state=state
    )
    assert state.alert is not None, "a no ends nothing"
    state, _ = lived(e.ContactAnswered(at=NOON + MINUTE, duty="d", contact="uncle", sent_at=NOON), state=state)
    assert state.alert is None, "and may be followed by a yes"
