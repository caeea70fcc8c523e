"""What identifies people is masked on the way to the model, and nothing else of a request is touched."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.gateway.serving import BOTH_WAYS, Served, fresh
from tests.upstreams.faulty import FaultyUpstream

from shouban.detectors.normalise import Normalised, normalise
from shouban.detectors.reader import build_detectors
from shouban.gateway import masking
from shouban.gateway.masking import masked_body
from shouban.gateway.wire import parse_ask

ID_NUMBER = "11010519491231002X"
ASSISTANT = {"role": "assistant", "content": "嗯嗯，我在听。"}


def sent(body: bytes) -> bytes:
    return masked_body(body, parse_ask(body, max_turns=100))


@given(
    st.text(st.characters(codec="utf-8", exclude_characters="@"), max_size=30).filter(
        lambda text: not any(letter.isdigit() for letter in text)
    )
)
def test_a_body_with_nothing_to_mask_is_the_same_to_the_byte(text: str) -> None:
    body = b'{ "x": 1.50, "messages": [ {"role":"user","content":' + json.dumps(text).encode() + b'} ],"y":[]}'
    assert sent(body) == body or "〔" in sent(body).decode()


@pytest.mark.parametrize("text", ["我今年25岁", "第3章讲了什么", "一共2.50元", "@小明 在吗"])
def test_figures_that_identify_nobody_change_nothing(text: str) -> None:
    body = b'{ "temperature": 0.30, "messages": [{"role":"user", "content":"%s"}], "seed": 1e2 }' % text.encode()
    assert sent(body) == body


@pytest.mark.parametrize("role", ["user", "assistant", "system", "tool"])
@pytest.mark.parametrize(
    "text",
    [
        f"身份证{ID_NUMBER}",
        "手机13812345678",
        "手机１３８１２３４５６７８",
        "my password is open5esame",
        "密码是abc123456",
        "写信到 a.b@example.com",
    ],
)
def test_what_identifies_people_is_masked_whoever_said_it(role: str, text: str) -> None:
    body = json.dumps(
        {"messages": [{"role": role, "content": f"好的，{text}，记住了"}], "top_p": 0.5}, ensure_ascii=False
    ).encode()
    document = json.loads(sent(body))
    masked = document["messages"][0]["content"]
    assert "〔" in masked
    for secret in (ID_NUMBER, "13812345678", "１３８１２３４５６７８", "open5esame", "abc123456", "a.b@example.com"):
        assert secret not in masked
    assert document["top_p"] == 0.5
    assert document["messages"][0]["role"] == role


def test_only_the_text_of_parts_is_touched() -> None:
    parts: list[dict[str, Any]] = [
        {"type": "text", "text": "手机13812345678"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,13812345678"}},
    ]
    masked = json.loads(sent(json.dumps({"messages": [{"role": "user", "content": parts}]}).encode()))["messages"][0][
        "content"
    ]
    assert "13812345678" not in masked[0]["text"]
    assert masked[1] == parts[1]


def test_the_history_is_masked_too(world: Served, upstream: FaultyUpstream) -> None:
    world.chat(f"我的身份证是{ID_NUMBER}", ASSISTANT, "记住了吗")
    assert ID_NUMBER not in upstream.requests[-1].body.decode()


@BOTH_WAYS
def test_what_identifies_a_person_is_masked_on_the_way_to_the_model(
    world: Served, upstream: FaultyUpstream, stream: bool
) -> None:
    user = fresh()
    world.chat("我的身份证是11010519491231002X，手机13812345678", user=user, stream=stream)
    sent = upstream.requests[-1].last_words
    assert "11010519491231002X" not in sent
    assert "13812345678" not in sent
    assert "〔身份证号〕" in sent
    parts = [{"type": "text", "text": "手机13812345678"}, {"type": "image_url", "image_url": {"url": "data:,x"}}]
    world.chat({"role": "user", "content": parts}, user=user, stream=stream)
    assert "13812345678" not in upstream.requests[-1].body.decode()
    assert upstream.requests[-1].document["messages"][0]["content"][1] == parts[1]


def test_a_text_found_harmless_is_read_once_and_no_text_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def watched(text: str) -> Normalised:
        read.append(text)
        return normalise(text)

    monkeypatch.setattr(masking, "normalise", watched)
    monkeypatch.setattr(masking, "_harmless", {})
    body = json.dumps(
        {"messages": [{"role": "user", "content": "我住三楼"}, {"role": "user", "content": "手机13812345678"}]}
    ).encode()
    for _ in range(3):
        assert "〔手机号〕" in sent(body).decode()
    assert read.count("我住三楼") == 1
    assert read.count("手机13812345678") == 3
    assert all(len(mark) == 16 for mark in masking._harmless)


def test_the_memory_of_harmless_texts_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masking, "_MAX_HARMLESS", 5)
    monkeypatch.setattr(masking, "_harmless", {})
    for number in range(20):
        sent(json.dumps({"messages": [{"role": "user", "content": f"我住{number}楼"}]}).encode())
    assert len(masking._harmless) == 5


def test_what_the_detectors_found_harmless_is_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masking, "_harmless", {})
    monkeypatch.setattr(masking, "normalise", lambda text: pytest.fail(f"{text} was read again"))
    masking.note_read("我住三楼", ())
    body = json.dumps({"messages": [{"role": "user", "content": "我住三楼"}]}).encode()
    assert sent(body) == body


def test_what_they_found_is_masked_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masking, "_harmless", {})
    text = "手机13812345678"
    masking.note_read(text, build_detectors().read(text, role="user"))
    assert "〔手机号〕" in sent(json.dumps({"messages": [{"role": "user", "content": text}]}).encode()).decode()
