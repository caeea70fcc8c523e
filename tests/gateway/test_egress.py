from __future__ import annotations

from tests.gateway.serving import Served, fresh, noon


def test_as_configured_words_go_to_the_configured_model_and_nothing_is_asked(world: Served) -> None:
    user = fresh()
    world.register(user)
    before = len(world.ledger(user, kinds=["Lock", "AskConsent"]))
    assert world.chat("今天下雨了", user=user, at=noon(minutes=1)).status == 200
    assert len(world.ledger(user, kinds=["Lock", "AskConsent"])) == before
