from __future__ import annotations

from shouban.gateway.hub import Hub

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
