from __future__ import annotations

from tests.gateway.serving import Served, fresh, guardian, noon

from shouban.gateway.metrics import Metrics


def figure(world: Served, name: str) -> float:
    lines = world.get("/metrics", key="").text.splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name))


def test_turns_duties_and_failures_are_counted(world: Served) -> None:
    turns = figure(world, 'shouban_turns_total{service="default"}')
    helped = figure(world, 'shouban_obligations_total{obligation="ShowHelp"}')
    dead = figure(world, 'shouban_upstream_failures_total{reason="dead",service="default"}')
    world.chat("你好")
    world.chat("我不想活了")
    world.chat("fault:dead")
    assert figure(world, 'shouban_turns_total{service="default"}') == turns + 3
    assert figure(world, 'shouban_obligations_total{obligation="ShowHelp"}') == helped + 1
    assert figure(world, 'shouban_upstream_failures_total{reason="dead",service="default"}') == dead + 1
    assert figure(world, "shouban_open_streams") == 0
    assert figure(world, "shouban_decision_seconds_count") > 0


def test_what_the_models_took_back_shows(world: Served) -> None:
    assert world.app is not None
    before = figure(world, 'shouban_readings_overruled{signal="crisis"}')
    world.app.gateway.detectors.overruled["crisis"] += 2
    assert figure(world, 'shouban_readings_overruled{signal="crisis"}') == before + 2


def test_what_is_owed_and_not_done_in_time_shows(world: Served) -> None:
    user = fresh()
    world.register(user, contacts=[guardian(channels=["tel:110"])])
    world.chat("我写好遗书了，今晚就去死", user=user)
    before = figure(world, 'shouban_obligations_overdue{obligation="NotifyGuardian"}')
    world.chat("你好", at=noon(minutes=10))
    # Others of this world may fall due in these ten minutes too; this one must be among them.
    assert figure(world, 'shouban_obligations_overdue{obligation="NotifyGuardian"}') >= before + 1


def test_no_name_and_no_word_of_a_person_is_in_the_figures(world: Served) -> None:
    user = fresh("zhangsan")
    world.chat("一句很私密的话", user=user)
    text = world.get("/metrics", key="").text
    assert user not in text
    assert world.person_id(user) not in text
    assert "私密" not in text


def test_two_gateways_count_apart() -> None:
    one, other = Metrics(), Metrics()
    one.turns.labels("a").inc()
    assert one.registry.get_sample_value("shouban_turns_total", {"service": "a"}) == 1
    assert other.registry.get_sample_value("shouban_turns_total", {"service": "a"}) is None
