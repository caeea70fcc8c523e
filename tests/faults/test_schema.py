"""Whatever fits the OpenAPI description, and whatever does not, gets an answer that the description names: never a failure of ours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, cast

import msgspec
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.gateway.serving import KEY, Served, fresh, noon, serving, settings_for

CHECKS: Final = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES: Final = 12
# An event stream has no end: it is asked below, and left at once.
ENDLESS: Final = "/v1/events"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(settings_for(tmp_path_factory.mktemp("schema"), human_wait=0.05)) as started:
        yield started


@pytest.fixture(scope="module")
def operations(served: Served) -> list[Any]:
    """Every operation of the description, as schemathesis reads it."""
    described = schemathesis.openapi.from_url(f"{served.url}/openapi.json")
    return [cast("Any", found).ok() for found in described.get_all_operations()]


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["fitting", "unfitting"])
def test_every_operation_answers_as_described(served: Served, operations: list[Any], mode: GenerationMode) -> None:
    failed: dict[str, BaseException] = {}
    for operation in operations:
        if operation.path != ENDLESS:
            try:
                _ask_much(served, operation, mode)
            except Unsatisfiable:  # an operation that takes nothing can be asked nothing wrong
                assert mode is GenerationMode.NEGATIVE
            except (Exception, FailureGroup) as error:  # noqa: BLE001  # each operation is tried, and all failures are told together
                failed[operation.label] = error
    assert not failed, "\n\n".join(f"{label}: {told(error)}" for label, error in failed.items())


def told(error: BaseException) -> str:
    """What schemathesis found, all of it."""
    inner = error.exceptions if isinstance(error, BaseExceptionGroup) else [error]
    return "\n".join(str(one) for one in inner)


def _ask_much(served: Served, operation: Any, mode: GenerationMode) -> None:
    @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(generation_mode=mode), known=st.booleans())
    def ask(case: Case[Any], known: bool) -> None:
        if known and "app_id" in case.path_parameters:
            case.path_parameters["app_id"] = _somebody(served)
        answer = case.call_and_validate(
            headers={"Authorization": f"Bearer {KEY}", "X-Shouban-At": noon()}, checks=CHECKS
        )
        if answer.status_code >= 400:
            _is_in_openais_shape(answer.content)

    ask()


def _somebody(served: Served) -> str:
    user = fresh("described")
    served.register(user)
    return user


def _is_in_openais_shape(body: bytes) -> None:
    error = msgspec.json.decode(body)["error"]
    assert set(error) == {"message", "type", "code", "param"}
    assert error["message"]


@settings(max_examples=20, deadline=None)
@given(
    user=st.text(max_size=300),
    last_id=st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=30).map(str.strip),
)
def test_the_event_stream_opens_or_refuses(served: Served, user: str, last_id: str) -> None:
    headers = {b"authorization": f"Bearer {KEY}".encode(), b"last-event-id": last_id.encode("latin-1")}
    user = re.sub("[\ud800-\udfff]", "?", user)
    with served.client.stream("GET", ENDLESS, params={"user": user}, headers=headers) as answer:
        assert answer.status_code in {400, 404}
        _is_in_openais_shape(answer.read())
    with served.client.stream("GET", ENDLESS, params={"user": _somebody(served)}, headers=headers) as answer:
        assert answer.status_code in {200, 400}


def test_without_the_key_every_secured_operation_refuses(served: Served, operations: list[Any]) -> None:
    open_to_all = {"/healthz", "/readyz", "/metrics", "/log/checkpoint", "/log/tile/{path}", "/log/key"}
    for operation in operations:
        if operation.path in open_to_all:
            continue
        path = operation.path.replace("{app_id}", "somebody")
        answer = served.ask(
            operation.method.upper(), f"{path}?user=somebody", b"{}" if operation.method != "get" else None, key=""
        )
        assert answer.status_code == 401, (operation.label, answer.status_code, answer.text)
        _is_in_openais_shape(answer.content)
