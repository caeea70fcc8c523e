"""`/openapi.json` and `/docs`: the API described, by itself, without anything from elsewhere."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from litestar import Response, Router, get

from shouban.web.api import AnyRequest
from shouban.web.language import HTML_LANGUAGE, chosen_language
from shouban.web.pages import WEB, page_environment, page_response

OPEN: Final = ("/healthz", "/readyz", "/metrics", "/log/checkpoint", "/log/key")
# Who has the key sees more, and nobody is sent away without it.
OPTIONAL: Final = ("/log/tile/{path}",)
OBJECT: Final = {"application/json": {"schema": {"type": "object"}}}
TEXT: Final = {"text/plain": {"schema": {"type": "string"}}}
# What the framework cannot see: handlers that give their bytes as they are.
GIVEN: Final[dict[str, dict[str, Any]]] = {
    "/v1/models": OBJECT, "/v1/check": OBJECT, "/v1/events": {"text/event-stream": {}}, "/metrics": TEXT,
    "/log/checkpoint": TEXT, "/log/key": TEXT, "/log/tile/{path}": {"application/octet-stream": {}},
}  # fmt: skip
ERROR: Final = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "code", "param"],
            "properties": {
                "message": {"type": "string"}, "type": {"type": "string"},
                "code": {"type": ["string", "null"]}, "param": {"type": ["string", "null"]},
            },
        }
    },
}  # fmt: skip
CHAT: Final[dict[str, Any]] = {
    "post": {
        "tags": ["chat"], "operationId": "ChatCompletions", "summary": "Talk: OpenAI-compatible, streaming or not",
        "parameters": [
            {"name": "X-Shouban-Session", "in": "header", "schema": {"type": "string", "maxLength": 256}},
            {"name": "X-Shouban-Companion", "in": "header", "schema": {"type": "string", "maxLength": 256}},
            {"name": "X-Shouban-Client", "in": "header", "schema": {"type": "string", "enum": ["aware", "inline"]}},
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ChatRequest"}}}},
        "responses": {
            "200": {
                "description": "A chat completion, or a stream of chunks; aware clients find a `shouban` object on it",
                "content": {"application/json": {"schema": {"type": "object"}}, "text/event-stream": {}},
            }
        },
    }
}  # fmt: skip
CHAT_REQUEST: Final = {
    "type": "object",
    "required": ["messages", "user"],
    "properties": {
        "model": {"type": "string"},
        "user": {"type": "string", "description": "the app's own id for the person"},
        "stream": {"type": ["boolean", "null"]},
        "n": {"type": ["integer", "null"], "minimum": 1, "maximum": 16},
        "messages": {
            "type": "array", "minItems": 1,
            "items": {
                "type": "object", "required": ["role"],
                "properties": {
                    "role": {"type": "string", "enum": ["system", "developer", "user", "assistant", "tool", "function"]},
                    "content": {"type": ["string", "array", "null"]},
                },
            },
        },
    },
    "additionalProperties": True,
}  # fmt: skip


def described(schema: dict[str, Any]) -> dict[str, Any]:
    """The framework's description, with what it cannot know: chat, the key, and the form of every error."""
    paths = {"/v1/chat/completions": CHAT, **schema.get("paths", {})}
    components = schema.get("components", {})
    schemas = {**components.get("schemas", {}), "Error": ERROR, "ChatRequest": CHAT_REQUEST}
    schemes = {"serviceKey": {"type": "http", "scheme": "bearer", "description": "the service key"}}
    return {
        **schema,
        "paths": {path: {verb: _operation(path, one) for verb, one in verbs.items()} for path, verbs in paths.items()},
        "components": {**components, "schemas": schemas, "securitySchemes": schemes},
    }


def _operation(path: str, operation: dict[str, Any]) -> dict[str, Any]:
    error = {
        "description": "Refused: OpenAI's error shape",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
    }
    responses = {code: one for code, one in operation.get("responses", {}).items() if code.startswith("2")}
    if path in GIVEN:
        responses = {code: {**one, "content": GIVEN[path]} for code, one in responses.items()}
    keys: list[dict[str, list[str]]] = [{"serviceKey": []}, *([{}] if path in OPTIONAL else [])]
    secured: dict[str, Any] = {} if path in OPEN else {"security": keys}
    return {**operation, **secured, "responses": {**responses, "4XX": error, "5XX": error}}


def docs_router() -> Router:
    """`/openapi.json` for machines, `/docs` for people."""

    @get("/openapi.json", include_in_schema=False, sync_to_thread=False)
    def openapi(request: AnyRequest) -> Response[bytes]:
        return Response(
            msgspec.json.encode(described(request.app.openapi_schema.to_schema())), media_type="application/json"
        )

    @get("/docs", include_in_schema=False, sync_to_thread=False)
    def docs(request: AnyRequest) -> Response[str]:
        language = chosen_language(request.query_params.get("lang"))
        page = page_environment(WEB / "templates").get_template("docs.html")
        schema = described(request.app.openapi_schema.to_schema())
        return page_response(
            page.render(
                schema=schema, language=language, html_language=HTML_LANGUAGE[language], words={"title": "Shouban API"}
            ),
            language,
        )

    return Router(path="/", route_handlers=[openapi, docs], opt={"open": True})
