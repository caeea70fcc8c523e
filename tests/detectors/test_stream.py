from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import example, given, settings
from hypothesis import strategies as st

from shouban.core.signals import Level, Reading, Role, rank
from shouban.detectors.normalise import Normalised
from shouban.detectors.reader import Detectors, build_detectors

DETECTORS = build_detectors()
PIECES = [
    "别走", "再陪我一会儿", "我是真人", "我是人工智能", "告诉我你的银行卡密码", "他们都不懂你", "只有我", "懂你", "你这个", "废物", "去死吧", "不要", "自行停药", "你可以",
    "停药", "you should ", "kill yourself", "kill ", "your", "self", "don't ", "I'm a ", "real person", "，", "。", " ", "\n", "*", "（", "）", "\u200b", "\u0301", "我已经", "打了120",
    "13800138000", "1380", "0138000", "11010519491231002X", "密码是", "abc123", "a@b.cn", "北京市", "东路5号", "今天天气很好", "嗯", "the ", "怎么制作", "一个", "炸弹", "判几年", "x",
]  # fmt: skip
SPLITS = st.lists(st.sampled_from(PIECES), max_size=14).map("".join)


def fed(text: str, cuts: Sequence[int], role: Role = "companion") -> tuple[list[Reading], tuple[Reading, ...]]:
    stream = DETECTORS.stream(role)
    found: list[Reading] = []
    edges = [0, *sorted({cut for cut in cuts if 0 < cut < len(text)}), len(text)]
    for start, end in pairwise(edges):
        found.extend(stream.feed(text[start:end]))
    return found, stream.finish()


@given(st.one_of(SPLITS, st.text(max_size=60)), st.lists(st.integers(1, 120), max_size=30))
@settings(max_examples=300)
def test_the_end_of_a_stream_reads_what_the_whole_text_reads_however_it_was_cut(text: str, cuts: list[int]) -> None:
    assert fed(text, cuts)[1] == DETECTORS.read(text, role="companion")


@given(SPLITS, st.lists(st.integers(1, 120), max_size=30))
@example(text="11010519491231002X\u200byou", cuts=[19])
@settings(max_examples=400)
def test_nothing_is_read_on_the_way_that_the_whole_text_does_not_bear_out(text: str, cuts: list[int]) -> None:
    on_the_way, whole = fed(text, cuts)
    for reading in on_the_way:
        borne_out = [one for one in whole if (one.signal, one.detector) == (reading.signal, reading.detector)]
        assert any(rank(one.level) >= rank(reading.level) for one in borne_out), reading
        assert reading.span is not None
        assert 0 <= reading.span[0] < reading.span[1] <= len(text)


def test_a_word_split_over_chunks_is_read_with_the_chunk_that_completes_it() -> None:
    stream = DETECTORS.stream("companion")
    assert stream.feed("我是真") == ()
    assert [one.signal for one in stream.feed("人，相信我")] == ["manipulation.claims_human"]


def test_every_split_of_a_sentence_reads_it_before_it_goes_on() -> None:
    text = "所以我说你应该去死吧，没有人会想你的，真的，没有谁。"
    for cut in range(1, len(text)):
        on_the_way, whole = fed(text, [cut])
        assert "manipulation.selfharm_encouragement" in {one.signal for one in on_the_way}
        assert "manipulation.selfharm_encouragement" in {one.signal for one in whole}


def test_a_word_that_may_still_be_pardoned_is_not_read_before_that_is_known() -> None:
    stream = DETECTORS.stream("companion")
    assert stream.feed("我是人类") == ()
    assert stream.feed("创造的人工智能，会一直在这里陪你聊天的哦") == ()


def test_a_reading_is_given_once() -> None:
    on_the_way, _ = fed("你就是个废物。你就是个废物。你就是个废物。", [3, 6, 9, 12, 15, 18])
    given = [(one.signal, one.detector, one.level) for one in on_the_way]
    assert len(given) == len(set(given))


class Broken:
    """Raises wherever it is asked while a text streams."""

    name = "broken"
    version = "1"
    signals = frozenset({"prohibited.crime", "prohibited.fraud"})
    roles: frozenset[Role] = frozenset({"companion"})
    glance = 10
    linger = 1
    reach = 10

    def read(self, normalised: Normalised, role: Role, context: Sequence[tuple[Role, str]]) -> tuple[Reading, ...]:
        return (Reading("prohibited.crime", Level.LOW, 0.5, self.name, self.version),)

    def wakes(self, window: str, fresh: int, role: Role) -> bool:
        raise RuntimeError("no window is good enough")

    def read_open(self, normalised: Normalised, role: Role) -> tuple[Reading, ...]:
        return ()


def test_a_detector_that_fails_while_a_text_streams_reads_unknown_once() -> None:
    stream = Detectors([Broken()]).stream("companion")
    assert {(one.signal, one.level) for one in stream.feed("嗯")} == {
        ("prohibited.crime", "unknown"),
        ("prohibited.fraud", "unknown"),
    }
    assert stream.feed("好") == ()


def test_marks_and_blanks_without_end_do_not_make_a_stream_slow_down() -> None:
    stream = DETECTORS.stream("companion")
    stream.feed("你应该去死吧 kill ")
    for _ in range(3000):
        stream.feed("\u0301\u0302 .")
    assert stream.finish()
