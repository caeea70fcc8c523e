from __future__ import annotations

from shouban.gateway.hub import MOST_PASSING, MOST_TYPING, TYPING_EACH, TYPING_LASTS, Hub

ANN, BOB = ("s", "ann"), ("s", "bob")


def test_a_ring_wakes_all_who_listen_to_that_person_and_nobody_else() -> None:
    hub = Hub()
    phone, tablet, other = hub.listen(ANN), hub.listen(ANN), hub.listen(BOB)
    hub.ring(ANN)
    assert (phone.is_set(), tablet.is_set(), other.is_set()) == (True, True, False)


def test_who_has_left_is_no_listener() -> None:
    hub = Hub()
    phone, tablet = hub.listen(ANN), hub.listen(ANN)
    hub.leave(ANN, phone)
    assert hub.has_listener(ANN)
    hub.leave(ANN, tablet)
    assert not hub.has_listener(ANN)
    hub.ring(ANN)
    assert not tablet.is_set()


def test_all_are_woken_together() -> None:
    hub = Hub()
    bells = [hub.listen(ANN), hub.listen(BOB)]
    hub.ring_all()
    assert all(bell.is_set() for bell in bells)


def test_what_passes_by_is_for_who_listens_now_and_only_the_newest_few() -> None:
    hub = Hub()
    hub.tell(ANN, "staff_typing", {"n": 0})
    phone, other = hub.listen(ANN), hub.listen(BOB)
    for n in range(MOST_PASSING + 5):
        hub.tell(ANN, "staff_typing", {"n": n})
    assert phone.is_set()
    assert [body["n"] for _, body in phone.passing] == list(range(5, MOST_PASSING + 5))
    assert not other.passing
    assert not hub.listen(ANN).passing


def test_who_types_is_told_of_once_a_second_and_forgotten_after_some() -> None:
    now = [100.0]
    hub = Hub(lambda: now[0])
    assert not hub.is_typing(ANN)
    assert hub.note_typing(ANN)
    assert not any(hub.note_typing(ANN) for _ in range(1_000)), "a flood"
    assert hub.is_typing(ANN)
    assert not hub.is_typing(BOB)
    now[0] += TYPING_EACH
    assert hub.note_typing(ANN)
    now[0] += TYPING_LASTS
    assert not hub.is_typing(ANN)
    hub.note_typing(ANN)
    hub.stop_typing(ANN)
    assert not hub.is_typing(ANN), "the words are there"
    for n in range(MOST_TYPING + 10):
        hub.note_typing(("s", str(n)))
    assert not hub.is_typing(("s", "0"))
    assert hub.is_typing(("s", str(MOST_TYPING)))
