"""The service describes itself truly: each route it names answers, and what it says of keys and errors holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pytest
from tests.gateway.serving import Served, serving, settings_for

from shouban.web.openapi import ERROR, OPEN, described

SAMPLES: Final = {"integer": 1, "number": 1.0, "string": "x", "boolean": True, "null": None}
FORMATS: Final = {"date": "1990-01-01", "date-time": "2026-08-03T00:00:00Z", "duration": "PT1H"}

Operation = tuple[str, str, dict[str, Any]]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(settings_for(tmp_path_factory.mktemp("openapi"))) as started:
        yield started


@pytest.fixture(scope="module")
def schema(served: Served) -> dict[str, Any]:
    found: dict[str, Any] = served.get("/openapi.json", key="").json()
    return found


@pytest.fixture(scope="module")
def operations(schema: dict[str, Any]) -> list[Operation]:
    return [(verb, path, one) for path, verbs in schema["paths"].items() for verb, one in verbs.items()]


def ask(served: Served, schema: dict[str, Any], operation: Operation, **given: str) -> Any:
    """The route, asked with a body made from nothing but its description."""
    verb, path, one = operation
    wanted = one.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    sent = sample(wanted, schema) if wanted else None
    return served.ask(verb.upper(), path.replace("{app_id}", "nobody").replace("{path}", "0/000.p/1"), sent, **given)


def sample(shape: dict[str, Any], schema: dict[str, Any]) -> Any:
    """The least value that a description allows."""
    if "$ref" in shape:
        return sample(schema["components"]["schemas"][shape["$ref"].rsplit("/", 1)[1]], schema)
    for several in ("oneOf", "anyOf", "allOf"):
        if several in shape:
            return sample(shape[several][0], schema)
    if "enum" in shape:
        return shape["enum"][0]
    kind = shape["type"][0] if isinstance(shape["type"], list) else shape["type"]
    if kind == "object":
        return {name: sample(shape["properties"][name], schema) for name in shape.get("required", [])}
    if kind == "array":
        return [sample(shape["items"], schema)] * shape.get("minItems", 0)
    return FORMATS.get(shape.get("format", ""), SAMPLES[kind])


def test_every_route_it_names_answers_as_it_is_described(
    served: Served, schema: dict[str, Any], operations: list[Operation]
) -> None:
    for operation in operations:
        answer = ask(served, schema, operation)
        where = f"{operation[0]} {operation[1]}: {answer.status_code} {answer.text[:200]}"
        assert answer.status_code < 500, where
        assert answer.status_code not in {401, 405, 415}, where
        kinds = {str(answer.status_code), f"{answer.status_code // 100}XX"}
        assert kinds & set(operation[2]["responses"]), where
        if answer.status_code >= 400:
            assert set(answer.json()["error"]) == set(ERROR["properties"]["error"]["properties"]), where  # type: ignore[index]  # a literal of ours


def test_a_key_is_asked_for_exactly_where_it_says_so(
    served: Served, schema: dict[str, Any], operations: list[Operation]
) -> None:
    for operation in operations:
        keys = operation[2].get("security", [{}])
        refused = ask(served, schema, operation, key="").status_code == 401
        assert refused == ({} not in keys), f"{operation[0]} {operation[1]}"


def test_a_path_that_it_does_not_name_is_not_there(served: Served) -> None:
    assert served.get("/v1/unheard-of").json()["error"]["code"] == "not_found"


def test_every_operation_describes_its_errors_in_one_shape(schema: dict[str, Any], operations: list[Operation]) -> None:
    assert schema["components"]["schemas"]["Error"] == ERROR
    for _, _, one in operations:
        for status in ("4XX", "5XX"):
            assert one["responses"][status]["content"]["application/json"]["schema"] == {
                "$ref": "#/components/schemas/Error"
            }
        assert one["summary"]
        assert one["tags"]


def test_operations_are_told_apart_and_every_reference_leads_somewhere(
    schema: dict[str, Any], operations: list[Operation]
) -> None:
    names = [one["operationId"] for _, _, one in operations]
    assert len(names) == len(set(names))
    assert {ref.rsplit("/", 1)[1] for ref in references(schema)} <= set(schema["components"]["schemas"])


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        for name, inner in part.items():
            yield from [inner] if name == "$ref" else references(inner)
    if isinstance(part, list):
        for inner in part:
            yield from references(inner)


def test_chat_is_described_though_it_goes_its_own_way(schema: dict[str, Any]) -> None:
    chat = schema["paths"]["/v1/chat/completions"]["post"]
    assert {one["name"] for one in chat["parameters"]} == {
        "X-Shouban-Session",
        "X-Shouban-Companion",
        "X-Shouban-Client",
    }
    assert set(chat["responses"]["200"]["content"]) == {"application/json", "text/event-stream"}


def test_the_companion_page_and_the_descriptions_themselves_are_no_part_of_the_api(schema: dict[str, Any]) -> None:
    assert not [
        path for path in schema["paths"] if path.startswith(("/app", "/docs", "/openapi", "/_schema", "/static"))
    ]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_people_read_every_route_on_one_page_without_anything_from_outside(
    served: Served, operations: list[Operation], language: str
) -> None:
    page = served.client.get("/docs", params={"lang": language})
    assert page.status_code == 200
    assert all(path in page.text for _, path, _ in operations)
    assert "https://" not in page.text
    assert "<script" not in page.text


def test_a_description_without_anything_gets_chat_key_and_errors() -> None:
    found = described({})
    assert list(found["paths"]) == ["/v1/chat/completions"]
    assert found["components"]["securitySchemes"]["serviceKey"]["scheme"] == "bearer"
    assert found["paths"]["/v1/chat/completions"]["post"]["security"] == [{"serviceKey": []}]


@pytest.mark.parametrize("path", OPEN)
def test_open_routes_ask_for_no_key(path: str) -> None:
    found = described({"paths": {path: {"get": {"responses": {"200": {}, "400": {}}}}}})
    assert "security" not in found["paths"][path]["get"]
    assert set(found["paths"][path]["get"]["responses"]) == {"200", "4XX", "5XX"}
