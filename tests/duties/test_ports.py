"""The ports: what the gateway gives to offices and workers is what they were promised."""

from __future__ import annotations

import inspect
from typing import Any, get_type_hints

import pytest

from shouban.duties.contact import ContactCarrier
from shouban.duties.ports import CarrierPort, PersonPort, RoadPort
from shouban.gateway.people import Person
from shouban.gateway.road import Road


def verbs(port: type[Any]) -> dict[str, Any]:
    return {
        name: verb
        for name, verb in vars(port).items()
        if inspect.isfunction(verb) and (not name.startswith("_") or name == "__call__")
    }


@pytest.mark.parametrize(("port", "filled"), [(RoadPort, Road), (PersonPort, Person), (CarrierPort, ContactCarrier)])
def test_every_verb_of_a_port_is_filled_with_the_same_words(port: type[Any], filled: type[Any]) -> None:
    for name, verb in verbs(port).items():
        if name in {"__init__", "__subclasshook__"} or name.startswith("_no_init"):
            continue
        mine = getattr(filled, name)
        assert inspect.iscoroutinefunction(mine) == inspect.iscoroutinefunction(verb), name
        assert list(inspect.signature(mine).parameters) == list(inspect.signature(verb).parameters), name


def test_every_field_of_a_person_is_there() -> None:
    assert set(get_type_hints(PersonPort)) <= set(get_type_hints(Person))
