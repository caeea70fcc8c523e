"""What all API handlers share: the calling service, the time, and errors in OpenAI's shape."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import structlog
from litestar import MediaType, Request, Response
from litestar.exceptions import HTTPException

from shouban.core.errors import CallerError, ShoubanError, UpstreamError

AnyRequest = Request[Any, Any, Any]
ServiceOf = Callable[[str], str]

# What the framework says, with a status of 500, where a client leaves before its body is whole.
BROKE_OFF: Final = "client disconnected prematurely"

_log = structlog.get_logger("shouban.web")


def shaped(error: ShoubanError) -> tuple[int, dict[str, Any]]:
    """Status and body of an error, in the shape OpenAI's clients know."""
    if isinstance(error, CallerError):
        kind = "authentication_error" if error.status == 401 else "invalid_request_error"
        return error.status, {"message": str(error), "type": kind, "code": error.code, "param": error.field}
    if isinstance(error, UpstreamError):
        status = 504 if error.reason == "slow" else 502
        return status, {
            "message": str(error),
            "type": "upstream_error",
            "code": f"upstream_{error.reason}",
            "param": None,
        }
    return 503, {"message": str(error), "type": "server_error", "code": "service_unavailable", "param": None}


def refuse_ours(_: AnyRequest, error: ShoubanError) -> Response[dict[str, Any]]:
    status, body = shaped(error)
    return Response({"error": body}, status_code=status, media_type=MediaType.JSON)


def refuse_theirs(request: AnyRequest, error: HTTPException) -> Response[dict[str, Any]]:
    """The framework's own refusals (no such path, a body that does not fit) in the same shape."""
    if error.detail == BROKE_OFF:
        return refuse_ours(request, CallerError("the request broke off", field="body"))
    extra = error.extra if isinstance(error.extra, list) else []
    key = next((str(one.get("key")) for one in extra if isinstance(one, dict) and one.get("key")), "")
    detail = next(
        (str(one.get("message")) for one in extra if isinstance(one, dict) and one.get("message")), error.detail
    )
    # `data` is the framework's word for the whole body; the field is in what it says of it.
    field = ".".join(one for one in ("" if key == "data" else key, field_in(detail)) if one) or None
    code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "invalid_value")
    body = {
        "message": f"{field}: {detail}" if field else detail,
        "type": "invalid_request_error",
        "code": code,
        "param": field,
    }
    headers = {key: value for key, value in (error.headers or {}).items() if key.lower() == "allow"}
    return Response({"error": body}, status_code=error.status_code, media_type=MediaType.JSON, headers=headers)


def refuse_unforeseen(request: AnyRequest, error: Exception) -> Response[dict[str, Any]]:
    """Whatever broke: the log has the reason, the caller a form it knows."""
    if isinstance(error, RecursionError):  # only what a caller sends is nested without end
        return refuse_ours(request, CallerError("the body is nested too deeply", field="body", code="invalid_json"))
    _log.exception("request_failed", exc_info=error)
    body = {
        "message": "the gateway failed on this request",
        "type": "server_error",
        "code": "internal_error",
        "param": None,
    }
    return Response({"error": body}, status_code=500, media_type=MediaType.JSON)


def field_in(message: str) -> str | None:
    """The field that msgspec's message is about: `… required field `role` - at `$.messages[0]`` → `messages[0].role`."""
    named = message.split("`")[1] if "required field" in message or "unknown field" in message else ""
    place = message.rsplit("`$", 1)[1].rstrip("`").lstrip(".") if "`$" in message else ""
    return ".".join(one for one in (place, named) if one) or None
