"""Every refusal has the one shape that OpenAI's clients know, names its field, and tells nothing it should not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

import msgspec
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from litestar import Litestar, get, post
from litestar.exceptions import HTTPException
from litestar.testing import TestClient

from shouban.core.errors import (
    CallerError,
    ConflictError,
    EvidenceError,
    OperatorError,
    PackError,
    ShoubanError,
    UpstreamError,
    UpstreamReason,
)
from shouban.web.api import field_in, refuse_ours, refuse_theirs, refuse_unforeseen, shaped

OURS = [
    CallerError("x", field="user"),
    UpstreamError("x", reason="dead"),
    OperatorError("x"),
    PackError("x"),
    EvidenceError("x"),
    ConflictError("x"),
]
SECRET = "the-database-password"


class Inner(msgspec.Struct, forbid_unknown_fields=True):
    role: str


class Body(msgspec.Struct, forbid_unknown_fields=True):
    messages: list[Inner]
    count: int = 0


@get("/ours")
async def ours() -> None:
    raise CallerError("`user` is missing", field="user", status=404, code="user_not_found")


@get("/broken")
async def broken() -> None:
    raise ZeroDivisionError(SECRET)


@post("/body")
async def body(data: Body) -> dict[str, int]:
    return {"count": data.count}


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient[Litestar]]:
    """The framework itself, with our handlers of errors; what it logs goes nowhere."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    handlers: dict[Any, Any] = {ShoubanError: refuse_ours, HTTPException: refuse_theirs, Exception: refuse_unforeseen}
    with TestClient(
        Litestar([ours, broken, body], exception_handlers=handlers, openapi_config=None), raise_server_exceptions=False
    ) as made:
        yield made
    structlog.reset_defaults()


def error_of(answer: Any) -> dict[str, Any]:
    """The error of an answer, once its shape is seen to be right."""
    document = answer.json()
    assert set(document) == {"error"}
    error: dict[str, Any] = document["error"]
    assert set(error) == {"message", "type", "code", "param"}
    assert isinstance(error["message"], str)
    return error


@pytest.mark.parametrize("error", OURS, ids=lambda error: type(error).__name__)
def test_every_error_of_ours_has_the_same_four_fields(error: ShoubanError) -> None:
    status, told = shaped(error)
    assert 400 <= status < 600
    assert set(told) == {"message", "type", "code", "param"}
    assert told["message"] == "x"


@pytest.mark.parametrize("reason", get_args(UpstreamReason))
def test_a_failed_model_is_a_bad_gateway_and_a_late_one_a_timeout(reason: UpstreamReason) -> None:
    status, told = shaped(UpstreamError("x", reason=reason))
    assert status == (504 if reason == "slow" else 502)
    assert (told["type"], told["code"]) == ("upstream_error", f"upstream_{reason}")


def test_who_must_act_shows_in_the_type() -> None:
    assert shaped(CallerError("x", status=401))[1]["type"] == "authentication_error"
    assert shaped(CallerError("x", status=403))[1]["type"] == "invalid_request_error"
    assert shaped(OperatorError("x"))[1]["type"] == "server_error"
    assert shaped(OperatorError("x"))[0] == 503


def test_our_refusal_keeps_its_status_code_and_field(client: TestClient[Litestar]) -> None:
    answer = client.get("/ours")
    assert answer.status_code == 404
    assert error_of(answer) == {
        "message": "`user` is missing",
        "type": "invalid_request_error",
        "code": "user_not_found",
        "param": "user",
    }


def test_a_path_there_is_not_and_a_method_that_does_not_fit_say_so(client: TestClient[Litestar]) -> None:
    assert error_of(client.get("/nowhere"))["code"] == "not_found"
    refused = client.delete("/ours")
    assert refused.status_code == 405
    assert error_of(refused)["code"] == "method_not_allowed"
    assert "GET" in refused.headers["allow"]


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        (b'{"messages": [{}]}', "messages[0].role"),
        (b'{"messages": [{"role": 3}]}', "messages[0].role"),
        (b'{"messages": [{"role": "a", "x": 1}]}', "messages[0].x"),
        (b'{"messages": [], "count": "many"}', "count"),
        (b"{}", "messages"),
    ],
)
def test_a_body_that_does_not_fit_names_its_field(client: TestClient[Litestar], sent: bytes, field: str) -> None:
    answer = client.post("/body", content=sent, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    error = error_of(answer)
    assert error["param"] == field
    assert error["message"].startswith(f"{field}: ")


def test_a_body_that_is_no_json_is_the_callers_fault(client: TestClient[Litestar]) -> None:
    answer = client.post("/body", content=b"{", headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert error_of(answer)["type"] == "invalid_request_error"


def test_whatever_breaks_inside_stays_inside(client: TestClient[Litestar]) -> None:
    answer = client.get("/broken")
    assert answer.status_code == 500
    assert error_of(answer)["code"] == "internal_error"
    assert SECRET not in answer.text
    assert "ZeroDivision" not in answer.text


NAMES = st.from_regex(r"f_[a-z]{1,10}", fullmatch=True)


@given(NAMES, st.integers(0, 99))
def test_the_field_is_found_in_whatever_msgspec_says(name: str, place: int) -> None:
    one: Any = msgspec.defstruct("One", [(name, int)], forbid_unknown_fields=True)  # a type made for this example
    outer = msgspec.defstruct("Outer", [("many", list[one])])
    good = {name: 1}
    for wrong in ({}, {name: "x"}, {name: 1, f"{name}_more": 1}):
        with pytest.raises(msgspec.ValidationError) as told:
            msgspec.convert({"many": [good] * place + [wrong]}, outer)
        found = field_in(str(told.value)) or ""
        assert found.startswith("many[")
        assert found.rsplit(".", 1)[1] in {name, f"{name}_more"}


@given(st.text())
def test_any_other_message_names_no_field_and_breaks_nothing(message: str) -> None:
    if "`" not in message and "field" not in message:
        assert field_in(message) is None
