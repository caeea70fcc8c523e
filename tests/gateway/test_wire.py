from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.gateway.serving import refusal

from shouban.core.errors import CallerError, UpstreamError
from shouban.gateway.wire import (
    MAX_DEPTH,
    MEDIA,
    NAMES,
    Ask,
    Frame,
    Turn,
    error_body,
    features_of,
    new_turns,
    parse_ask,
    shouban_object,
    sse,
    strings_in,
    text_of,
    unescaped,
)

ROLES = st.sampled_from(["system", "user", "assistant", "tool"])
KEYS = st.text(max_size=8).filter(lambda key: key not in NAMES | MEDIA)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-1000, 1000) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)


def asked(**fields: Any) -> bytes:
    return json.dumps({"messages": [{"role": "user", "content": "你好"}], "user": "u", **fields}).encode()


def leaves(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value] if value else []
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for one in inner for text in leaves(one)]


def depth(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(depth, inner), default=0)


# --- a request taken apart


@given(JSON)
def test_every_string_that_somebody_may_read_is_found(value: Any) -> None:
    if depth(value) <= MAX_DEPTH:
        assert list(strings_in(value)) == leaves(value)


@given(st.text(max_size=20))
def test_what_a_text_says_is_what_is_read(text: str) -> None:
    assert text_of(Turn("user", text)) == text
    assert text_of(Turn("user", [{"type": "text", "text": text}])) == text
    assert text_of(
        Turn("assistant", None, [{"id": "1", "type": "function", "function": {"name": "say", "arguments": text}}])
    ) == "\n".join(one for one in ("say", text) if one)


def test_pictures_and_ids_are_not_read_as_words() -> None:
    parts = [
        {"type": "image_url", "image_url": {"url": "data:,自杀"}},
        {"type": "input_audio", "input_audio": {"data": "自杀"}},
        {"type": "text", "text": "看"},
    ]
    assert text_of(Turn("user", parts)) == "看"


@given(st.text(max_size=20))
def test_letters_escaped_by_json_are_seen_as_they_will_be_read(text: str) -> None:
    escaped = json.dumps(text)
    assert unescaped(escaped).count("\\u") <= escaped.count("\\u")
    assert unescaped(json.dumps("红桃")) == '"红桃"'
    assert unescaped(text) == text or "\\u" in text


def test_halves_of_a_pair_stay_as_they_are() -> None:
    assert unescaped(json.dumps("😀")) == '"\\ud83d\\ude00"'
    assert unescaped("\\u12") == "\\u12"


def test_nesting_without_end_is_refused_and_not_followed() -> None:
    value: Any = "x"
    for _ in range(MAX_DEPTH + 2):
        value = [value]
    with pytest.raises(CallerError, match="nested"):
        list(strings_in(value))
    with pytest.raises(CallerError, match="JSON"):
        parse_ask(b'{"messages":[{"role":"user","content":' + b"[" * 100_000, max_turns=10)


@given(st.lists(ROLES, min_size=1, max_size=12))
def test_new_are_the_persons_turns_since_the_last_reply_and_every_turn_is_one_or_the_other(roles: list[str]) -> None:
    ask = Ask([Turn(role, "x") for role in roles])
    new, earlier = new_turns(ask)
    assert sorted(new + earlier) == list(range(len(roles)))
    last = max((place for place, role in enumerate(roles) if role == "assistant"), default=-1)
    assert new == [place for place, role in enumerate(roles) if role == "user" and place > last]


@given(
    st.binary(max_size=60) | st.text(max_size=60).map(str.encode) | JSON.map(lambda value: json.dumps(value).encode())
)
def test_whatever_comes_is_a_request_or_refused_in_words(body: bytes) -> None:
    error = refusal(lambda: parse_ask(body, max_turns=10), CallerError)
    assert (error.status == 400 and str(error)) if error else parse_ask(body, max_turns=10).messages


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"messages": [{"role": "user", "content": 1.5}]}, "messages[0].content"),
        ({"messages": [{"role": "user"}, {"role": "wizard"}]}, "messages[1].role"),
        ({"messages": {}}, "messages"),
        ({"stream": 1}, "stream"),
        ({"n": 17}, "n"),
        ({"n": "2"}, "n"),
        ({"user": ["u"]}, "user"),
        ({"model": 3}, "model"),
        ({"messages": [{"role": "user", "content": "x"}] * 11}, "messages"),
    ],
)
def test_the_field_that_does_not_fit_is_named(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(CallerError) as refused:
        parse_ask(asked(**fields), max_turns=10)
    assert refused.value.field == field


def test_null_is_as_if_it_were_not_there_and_unknown_fields_are_let_be() -> None:
    ask = parse_ask(asked(stream=None, n=None, user=None, x_new={"a": 1}), max_turns=10)
    assert (ask.is_stream, ask.user) == (False, None)


# --- an answer put together


@given(st.text(max_size=30))
def test_chunks_and_bodies_carry_the_words_in_openais_shapes(text: str) -> None:
    frame = Frame("1", "m")
    chunk = json.loads(frame.chunk(text).removeprefix(b"data: "))
    body = json.loads(frame.body(text, finish="content_filter"))
    assert chunk["object"] == "chat.completion.chunk"
    assert chunk["choices"] == [{"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": None}]
    assert body["object"] == "chat.completion"
    assert body["choices"][0] == {
        "index": 0,
        "message": {"role": "assistant", "content": text},
        "finish_reason": "content_filter",
    }
    assert chunk["id"] == body["id"]
    assert "shouban" not in body


@given(JSON)
def test_an_event_is_one_line_of_data(value: Any) -> None:
    event = sse(value)
    assert event.startswith(b"data: ")
    assert event.endswith(b"\n\n")
    assert b"\n" not in event[:-2]
    assert json.loads(event[6:]) == value


def test_what_an_aware_client_gets_stands_beside_the_words() -> None:
    told = shouban_object([], "d1", {"mode": "standard"})
    assert json.loads(Frame("1", "m").body("x", shouban=told))["shouban"] == {
        "notices": [],
        "decision": "d1",
        "state": {"mode": "standard"},
    }


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (CallerError("wrong", field="user"), 400, "invalid_request_error"),
        (CallerError("who", status=401), 401, "authentication_error"),
        (UpstreamError("slow", reason="slow"), 504, "upstream_error"),
        (UpstreamError("dead", reason="dead"), 502, "upstream_error"),
    ],
)
def test_errors_have_openais_shape(error: Any, status: int, kind: str) -> None:
    given_status, body = error_body(error)
    document = msgspec.json.decode(body)["error"]
    assert given_status == status
    assert document["type"] == kind
    assert set(document) == {"message", "type", "code", "param"}


TEXT = [{"type": "text", "text": "你好"}]


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({}, []), ({"tools": []}, []), ({"tools": None, "modalities": ["text"]}, []), ({"enable_search": False}, []), ({"plugins": []}, []),
        ({"tools": [{"type": "function"}]}, ["tools"]), ({"functions": [{"name": "f"}]}, ["tools"]), ({"web_search_options": {}}, ["tools"]), ({"enable_search": True}, ["tools"]),
        ({"plugins": [{"id": "web"}]}, ["tools"]), ({"modalities": ["Text", "AUDIO"]}, ["voice"]), ({"audio": {}}, ["voice"]), ({"modalities": ["image", "text"]}, ["images"]),
    ],
)  # fmt: skip
def test_a_request_uses_what_it_asks_for(fields: dict[str, Any], found: list[str]) -> None:
    ask = parse_ask(asked(**fields), max_turns=9)
    assert features_of(ask) == found


@pytest.mark.parametrize(
    ("turn", "found"),
    [
        ({"content": [{**TEXT[0], "cache_control": {"type": "ephemeral"}}]}, []),
        ({"content": [{**TEXT[0], "annotations": [{"type": "file_citation", "filename": "a"}]}]}, []),
        ({"content": [{"type": "summary_text", "text": "x"}, {"type": "thinking", "thinking": "x"}]}, []),
        ({"content": [{"type": "text", "text": "profile of my data: file"}]}, []), ({"content": "data: 你好"}, []), ({"content": None}, []),
        ({"content": [{"type": "image_url", "image_url": {"url": "x"}}]}, ["images"]), ({"content": [{"image_url": "x"}]}, ["images"]),
        ({"content": [{"type": "IMAGE_URL"}]}, ["images"]), ({"content": [{"type": "text", "text": "x", "video_url": "y"}]}, ["images"]),
        ({"content": [{"type": "input_audio"}]}, ["voice"]), ({"content": [{"type": "file", "file": {}}]}, ["files"]),
        ({"content": [{"type": "hologram"}]}, ["files", "images", "voice"]),
        ({"content": [{"type": "tool_result", "content": [{"type": "image"}]}]}, ["images", "tools"]),
        ({"content": "看 ![](data:image/png;base64,AAAA)"}, ["images"]), ({"content": ["DATA:AUDIO/wav;base64,AA"]}, ["voice"]),
        ({"content": "x", "images": ["AAAA"]}, ["images"]), ({"content": "x", "audio": {"id": "a"}}, ["voice"]), ({"content": "x", "function_call": {"name": "f"}}, ["tools"]),
        ({"content": "x", "tool_calls": [{"id": "1"}]}, ["tools"]), ({"content": "x", "role": "tool"}, ["tools"]),
    ],
)  # fmt: skip
def test_a_message_uses_what_it_holds_and_locks_nothing_else(turn: dict[str, Any], found: list[str]) -> None:
    ask = parse_ask(asked(messages=[{"role": "user", **turn}]), max_turns=9)
    assert features_of(ask) == found
