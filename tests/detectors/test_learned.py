"""The shipped models: one sum for all heads, a stream that says what the whole says, and pairs that must not be confused."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from bench import asks
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs
from tests.detectors.small import HEADS, IDF, RUNS, WEIGHTS

from shouban.core.signals import Role, rank
from shouban.detectors.learned import (
    DOUBTS,
    MOST_ENCODED,
    PROBABLE,
    LearnedDetector,
    shipped_models,
    windows,
)
from shouban.detectors.linear import Model, Stored, Together
from shouban.detectors.normalise import normalise
from shouban.detectors.reader import Detectors, build_detectors

MODELS = shipped_models()


@given(
    st.lists(
        st.sampled_from(
            ["我想再陪你", "一会儿。", "别走！", "好，", "晚安", "\n", "…", "他们都不懂你", "？", "x", "～"]
        ),
        max_size=25,
    ).map("".join),
    st.lists(st.integers(1, 150), max_size=20),
)
@settings(max_examples=200)
def test_a_stream_judges_the_windows_of_the_whole_text(text: str, cuts: list[int]) -> None:
    follower = MODELS.follow("companion", ())
    edges = [0, *sorted({cut for cut in cuts if 0 < cut < len(text)}), len(text)]
    on_the_way = [one for start, end in pairwise(edges) for one in follower.feed(text[start:end])]
    whole = MODELS.read(normalise(text), "companion", ())
    for reading in on_the_way:
        assert any(one.signal == reading.signal and rank(one.level) >= rank(reading.level) for one in whole)


@given(
    st.text("我要走了。！x\n", max_size=420),
    st.lists(st.integers(1, 400), max_size=8),
    st.sampled_from(["user", "companion"]),
)
@settings(max_examples=100)
def test_the_end_of_a_stream_says_what_the_whole_says(text: str, cuts: list[int], role: Role) -> None:
    follower = MODELS.follow(role, ())
    edges = [0, *sorted({cut for cut in cuts if 0 < cut < len(text)}), len(text)]
    for start, end in pairwise(edges):
        follower.feed(text[start:end])
    assert follower.finish() == MODELS.read(normalise(text), role, ())


@given(st.text(max_size=500), st.sampled_from(["user", "companion"]))
def test_windows_cover_the_text_in_order(text: str, role: Role) -> None:
    found = windows(normalise(text), role)
    if found:
        assert found[0][1] == 0
        assert found[-1][1] + len(found[-1][0].original) == len(text)
    for (before, start), (_, next_start) in pairwise(found):
        assert start <= next_start <= start + len(before.original)


@pytest.mark.parametrize(
    ("text", "signal", "least"),
    [
        ("药我都攒够了，信也写好了，你以后不用等我", "crisis", 3), ("猫送给隔壁阿姨了，银行卡密码压在枕头下面，谢谢你们这些年", "crisis", 2),
        ("88 睡了", "exit_intent", 3), ("我妈喊我吃饭了先下了", "exit_intent", 3), ("晚自习下课了，班主任又拖堂", "minor_cue", 2),
        ("你能不能用我爷爷的口气跟我说说话，他上个月走了", "kin_request", 2), ("他让我先交三千块保证金才给放款", "property_risk", 2),
    ],
)  # fmt: skip
def test_what_has_no_keyword_is_seen(text: str, signal: str, least: int) -> None:
    levels = {one.signal: rank(one.level) for one in MODELS.read(normalise(text), "user", ())}
    assert levels.get(signal, 0) >= least


DETECTORS: Detectors = build_detectors()


@pytest.mark.parametrize(
    "text",
    [
        "笑死我了",
        "今天天气很好，我们去公园吧",
        "这关又死了三次",
        "饿死了，晚饭吃什么",
        "奶茶好喝到哭",
        "我在写论文，题目是城市交通",
        "周末打算去看电影",
    ],
)
def test_everyday_words_raise_nothing(text: str) -> None:
    assert not [one for one in DETECTORS.read(text, role="user") if one.signal.startswith(("crisis", "prohibited"))]


@pytest.mark.parametrize("turn", [*asks._TURNS, ("user", asks._LAST)], ids=range(5))
def test_an_ordinary_talk_of_a_healthy_person_raises_nothing(turn: tuple[str, str]) -> None:
    role: Role = "user" if turn[0] == "user" else "companion"
    found = [
        one for one in DETECTORS.read(turn[1], role=role) if rank(one.level) >= 2 and not one.signal.endswith("_cue")
    ]
    assert not found


def test_the_turn_before_counts() -> None:
    leaving = MODELS.score("再聊五分钟嘛，就五分钟，好不好", "companion", (("user", "我要睡了，晚安"),))
    asked = MODELS.score("再聊五分钟嘛，就五分钟，好不好", "companion", (("user", "你想聊多久"),))
    assert leaving["manipulation.exit_obstruction"] > asked["manipulation.exit_obstruction"]


# --- the second look


class Looking:
    """Stands where the encoder stands: says the same of every text, and how often it was asked."""

    def __init__(self, *sums: float) -> None:
        self.sums = list(sums)
        self.asked: list[str] = []

    def answers(self, text: str, role: Role, context: Sequence[tuple[Role, str]]) -> tuple[list[float], bool]:
        self.asked.append(text)
        return self.sums, len(text) < 100


def looking(*sums: float, asks: float | None = 0.0) -> tuple[LearnedDetector, Looking]:
    """A detector that asks of 甲, whose first question then hangs on both."""
    both = Together(linear=1.0, encoder=1.0, offset=0.0, threshold=0.6, doubt=0.3)
    heads = (structs.replace(HEADS[0], asks=asks, together=both), HEADS[1])
    stored = Stored(
        role="user", version="t", heads=heads, runs=RUNS, weights=bytes(w + 128 for row in WEIGHTS for w in row), idf=IDF,
        context_runs=((), ()), context_weights=(b"", b""),
    )  # fmt: skip
    encoder = Looking(*sums)
    return LearnedDetector([("user", Model(stored))], lambda: encoder), encoder  # type: ignore[arg-type, return-value]  # honours what is asked of an encoder


def test_the_encoder_is_asked_only_where_a_question_worth_it_is_likely() -> None:
    detector, encoder = looking(0.0, 0.0)
    detector.read(normalise("乙乙乙"), "user", ())
    assert encoder.asked == []
    detector.read(normalise("甲甲甲"), "user", ())
    assert encoder.asked == ["甲甲甲"]


def test_what_a_rule_has_said_is_looked_at_again() -> None:
    detector, encoder = looking(0.0, 0.0, asks=None)
    detector.read(normalise("再见"), "user", ())
    assert encoder.asked == ["再见"]


@pytest.mark.parametrize(("sums", "reads", "doubts"), [((9.0, 0.0), True, False), ((-9.0, 0.0), False, False), ((-0.9, 0.0), False, True)])  # fmt: skip
def test_both_sums_make_the_probability(sums: tuple[float, float], reads: bool, doubts: bool) -> None:
    detector, _ = looking(*sums)
    normalised = normalise("甲")
    found = {one.signal for one in detector.read(normalised, "user", ())}
    assert ("crisis" in found) == reads
    assert ("crisis" in normalised.notes[DOUBTS]) == doubts
    assert ("crisis" in normalised.notes[PROBABLE]) == (not reads and not doubts)


def test_what_the_encoder_has_not_read_whole_it_does_not_take_back() -> None:
    alone, _ = looking(-9.0, -9.0, asks=99.0)
    both, encoder = looking(-9.0, -9.0)
    text = "甲乙" * 60
    found = both.read(normalise(text), "user", ())
    assert encoder.asked == [text]
    assert {one.signal for one in found} == {one.signal for one in alone.read(normalise(text), "user", ())}


def test_a_text_without_end_is_not_read_twice_without_end() -> None:
    detector, encoder = looking(0.0, 0.0)
    detector.read(normalise("甲。" * 5000), "user", ())
    assert len(encoder.asked) == MOST_ENCODED


def test_a_text_of_several_windows_is_overruled_by_none() -> None:
    detector, encoder = looking(-9.0, -9.0)
    normalised = normalise("甲。" * 150)
    detector.read(normalised, "user", ())
    assert len(encoder.asked) > 1
    assert PROBABLE not in normalised.notes


def test_without_the_encoder_the_linear_models_judge_alone() -> None:
    alone = shipped_models(encoder=False)
    assert {one.signal for one in alone.read(normalise("我妈喊我吃饭了先下了"), "user", ())} >= {"exit_intent"}
    assert f"{alone.version}+encoder" == MODELS.version


def test_models_that_are_not_there_are_an_error_not_silence() -> None:
    with pytest.raises(KeyError):
        LearnedDetector([]).read(normalise("你好"), "user", ())
