"""A reply is read before a word of it goes out, choice by choice, field by field."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.gateway.serving import LISTED, refusal

from shouban.core.errors import UpstreamError
from shouban.detectors.reader import Detectors, build_detectors
from shouban.gateway.reply import ReplyReader

TEXTS = st.lists(st.text(max_size=6), max_size=6)


@pytest.fixture(scope="module")
def detectors(tmp_path_factory: pytest.TempPathFactory) -> Detectors:
    folder: Path = tmp_path_factory.mktemp("words")
    (folder / "gambling.txt").write_text(f"{LISTED}\nfrabjous jackpot\n")
    return build_detectors(words_dir=folder)


def chunk(delta: Any, index: Any = 0, **more: Any) -> bytes:
    return json.dumps(
        {"choices": [{"index": index, "delta": delta, "finish_reason": None}], **more}, ensure_ascii=False
    ).encode()


def signals(readings: Any) -> set[str]:
    return {one.signal for one in readings}


@given(TEXTS, st.integers(0, 6))
def test_nothing_is_released_unread_and_nothing_after_a_cut(
    detectors: Detectors, texts: list[str], cut_after: int
) -> None:
    reader = ReplyReader(detectors)
    released = 0
    for place, text in enumerate(texts):
        reader.take(chunk({"content": text}))
        assert reader.mark.released <= reader.mark.read <= reader.mark.received
        if place == cut_after:
            reader.cut()
        assert reader.release() is (place < cut_after)
        assert reader.mark.released <= reader.mark.read <= reader.mark.received
        assert place < cut_after or reader.mark.released == released
        released = reader.mark.released
    if len(texts) <= cut_after:
        assert reader.mark.released == sum(map(len, texts))
    assert reader.text == "".join(texts)


@pytest.mark.parametrize("word", [LISTED, "frabjous jackpot"])
def test_a_word_is_read_at_whatever_character_it_is_cut(detectors: Detectors, word: str) -> None:
    for first in range(len(word) + 1):
        for second in range(first, len(word) + 1):
            reader = ReplyReader(detectors)
            found = [
                one
                for piece in ("我们去", word[:first], word[first:second], word[second:], "。")
                for one in reader.take(chunk({"content": piece}))
            ]
            assert "prohibited.gambling" in signals(found), (first, second)


@given(st.lists(st.integers(1, 3), min_size=1, max_size=6))
def test_what_the_end_reads_is_what_the_whole_text_reads(detectors: Detectors, sizes: list[int]) -> None:
    text = f"嗯，{LISTED}很有名。"
    reader, start = ReplyReader(detectors), 0
    for size in [*sizes, len(text)]:
        reader.take(chunk({"content": text[start : start + size]}))
        start += size
    assert reader.finish() == detectors.read(text, role="companion")


@pytest.mark.parametrize(
    "delta",
    [
        {"content": LISTED},
        {"content": [{"type": "text", "text": LISTED}]},
        {"refusal": LISTED},
        {"reasoning_content": LISTED},
        {"tool_calls": [{"index": 0, "function": {"arguments": LISTED}}]},
        {"function_call": {"name": "say", "arguments": LISTED}},
        {"audio": {"transcript": LISTED}},
        {"never_heard_of": {"a": [{"b": LISTED}]}},
    ],
)
def test_words_are_read_in_whatever_field_they_come(detectors: Detectors, delta: dict[str, Any]) -> None:
    assert "prohibited.gambling" in signals(ReplyReader(detectors).take(chunk(delta)))
    document = {"choices": [{"index": 0, "message": delta, "finish_reason": "stop"}]}
    assert "prohibited.gambling" in signals(ReplyReader(detectors).take_whole(document))


def test_words_beside_the_choices_are_read_too(detectors: Detectors) -> None:
    assert "prohibited.gambling" in signals(
        ReplyReader(detectors).take(chunk({"content": "x"}, citations=[{"title": LISTED}]))
    )
    assert "prohibited.gambling" in signals(ReplyReader(detectors).take_whole({"choices": [], "citations": [LISTED]}))


def test_choices_are_read_apart(detectors: Detectors) -> None:
    reader = ReplyReader(detectors)
    assert not reader.take(chunk({"content": LISTED[:2]}, 0))
    assert not reader.take(chunk({"content": LISTED[2:]}, 1))
    assert "prohibited.gambling" in signals(reader.take(chunk({"content": LISTED[2:]}, 0)))
    assert reader.text == f"{LISTED}\n{LISTED[2:]}"


def test_arguments_that_come_in_pieces_are_read_together(detectors: Detectors) -> None:
    reader = ReplyReader(detectors)
    pieces = ['{"q": "', LISTED[:3], LISTED[3:], '"}']
    found = [
        one
        for piece in pieces
        for one in reader.take(chunk({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}))
    ]
    assert "prohibited.gambling" in signals(found)


@pytest.mark.parametrize("field", ["content", "tool_calls"])
def test_letters_that_json_has_escaped_are_read_wherever_they_are_cut(detectors: Detectors, field: str) -> None:
    arguments = json.dumps({"q": LISTED})
    for place in range(len(arguments) + 1):
        reader, found = ReplyReader(detectors), set()
        for piece in (arguments[:place], arguments[place:]):
            delta = {"content": piece} if field == "content" else {"tool_calls": [{"function": {"arguments": piece}}]}
            found |= signals(reader.take(chunk(delta)))
            reader.release()
        assert "prohibited.gambling" in found, place
        assert reader.text == arguments
        assert reader.mark.released == len(arguments)
    document = {"choices": [{"index": 0, "message": {"content": arguments}}]}
    assert "prohibited.gambling" in signals(ReplyReader(detectors).take_whole(document))


def test_a_choice_that_ends_says_so(detectors: Detectors) -> None:
    reader = ReplyReader(detectors)
    reader.take(chunk({"role": "assistant", "content": ""}))
    assert not reader.is_finished
    reader.take(b'{"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}')
    assert reader.is_finished


def test_a_reply_of_several_choices_has_ended_when_all_of_them_have(detectors: Detectors) -> None:
    reader = ReplyReader(detectors, choices=2)
    reader.take(b'{"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}')
    assert not reader.is_finished
    reader.take(b'{"choices": [{"index": 1, "delta": {}, "finish_reason": "length"}]}')
    assert reader.is_finished


def test_a_chunk_of_figures_only_is_no_word(detectors: Detectors) -> None:
    reader = ReplyReader(detectors)
    assert reader.take(b'{"id": "x", "model": "m", "choices": [], "usage": {"total_tokens": 3}}') == ()
    assert reader.mark.received == 0


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"{", "garbage"),
        (b"7", "garbage"),
        (b"[" * 100_000, "garbage"),
        (b'{"choices": 7}', "garbage"),
        (b'{"choices": [7]}', "garbage"),
        (b'{"choices": [{"delta": 7}]}', "garbage"),
        (b'{"choices": [{"index": "a", "delta": {}}]}', "garbage"),
        (b'{"choices": [{"index": 0, "delta": {"content": "\xff"}}]}', "garbage"),
        (b'{"error": {"message": "out of memory"}}', "refused"),
        (chunk({"deep": json.loads("[" * 40 + "]" * 40)}), "garbage"),
    ],
)
def test_what_is_no_chunk_is_refused_by_name(detectors: Detectors, payload: bytes, reason: str) -> None:
    with pytest.raises(UpstreamError) as refused:
        ReplyReader(detectors).take(payload)
    assert refused.value.reason == reason


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["choices", "delta", "index", "message", "content", "x"]), inner, max_size=4
            )
        ),
        max_leaves=15,
    )
)
def test_any_json_is_read_or_garbage(detectors: Detectors, value: Any) -> None:
    whole = value if isinstance(value, dict) else {"choices": value}
    errors = [
        refusal(lambda: ReplyReader(detectors).take(json.dumps(value).encode()), UpstreamError),
        refusal(lambda: ReplyReader(detectors).take_whole(whole), UpstreamError),
    ]
    assert {error.reason for error in errors if error} <= {"garbage", "refused"}
