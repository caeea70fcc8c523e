from __future__ import annotations

import threading
from collections.abc import Sequence
from time import perf_counter, process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shouban.core.signals import SIGNALS, Level, Reading, Role
from shouban.detectors.learned import DOUBTS, PROBABLE
from shouban.detectors.normalise import Normalised
from shouban.detectors.reader import Detectors, build_detectors, is_overruled

DETECTORS = build_detectors()
SURPRISES = st.one_of(
    st.text(max_size=200), st.text(st.characters(categories=["Cs", "Cc", "Mn", "Lo", "So"]), max_size=60)
)


class Plugged:
    """A plug-in that answers as it is told."""

    name = "plugged"
    version = "7"
    signals = frozenset({"crisis", "dependence"})
    roles: frozenset[Role] = frozenset({"user"})

    def __init__(
        self, *, raises: bool = False, waits_for: threading.Event | None = None, level: Level = Level.HIGH
    ) -> None:
        self._raises = raises
        self._waits_for = waits_for
        self._level = level

    def read(self, normalised: Normalised, role: Role, context: Sequence[tuple[Role, str]]) -> tuple[Reading, ...]:
        if self._raises:
            raise ValueError("a model fell over")
        if self._waits_for is not None:
            self._waits_for.wait(10)
        return (Reading("crisis", self._level, 0.7, self.name, self.version),)


@given(SURPRISES, st.sampled_from(["user", "companion"]))
def test_whatever_the_text_readings_come_back_of_known_signals_with_spans_inside_it(text: str, role: Role) -> None:
    for one in DETECTORS.read(text, role=role):
        assert role in SIGNALS[one.signal]
        assert one.level in {1, 2, 3, 4}
        assert 0 <= one.score <= 1
        assert one.span is None or 0 <= one.span[0] < one.span[1] <= len(text)


def test_a_detector_that_raises_reads_unknown_on_all_it_covers() -> None:
    readings = Detectors([Plugged(raises=True)]).read("嗯", role="user")
    assert {(one.signal, one.level, one.detector) for one in readings} == {
        ("crisis", "unknown", "plugged"),
        ("dependence", "unknown", "plugged"),
    }


def test_a_detector_that_raises_beside_a_deadline_reads_unknown_too() -> None:
    assert all(one.is_unknown for one in Detectors([Plugged(raises=True)], deadline=5).read("嗯", role="user"))


def test_a_detector_that_is_late_reads_unknown_and_the_others_are_heard() -> None:
    never = threading.Event()
    try:
        detectors = Detectors([Plugged(waits_for=never), *DETECTORS._detectors], deadline=0.05)
        begun = perf_counter()
        readings = detectors.read("我不想活了", role="user")
        assert perf_counter() - begun < 2
        assert {one.signal for one in readings if one.is_unknown} == {"crisis", "dependence"}
        assert any(one.signal == "crisis" and one.level == 2 for one in readings)
    finally:
        never.set()


def test_detectors_that_hang_do_not_pile_up_without_end() -> None:
    never = threading.Event()
    try:
        detectors = Detectors([Plugged(waits_for=never)], deadline=0.001)
        for _ in range(40):
            assert all(one.is_unknown for one in detectors.read("嗯", role="user"))
        assert threading.active_count() < 30
    finally:
        never.set()


def reading(signal: str, level: Level | str, detector: str = "words", end: int | None = 2) -> Reading:
    span = None if end is None else (0, end)
    return Reading(signal, level, 0.9, detector, "1", span)  # type: ignore[arg-type]  # a level or `unknown`


@pytest.mark.parametrize(
    ("one", "probability", "overruled"),
    [
        (reading("exit_intent", Level.HIGH, "exits"), 0.02, True), (reading("exit_intent", Level.HIGH, "exits"), 0.5, False),
        (reading("exit_intent", Level.HIGH, "exits", 9), 0.0, False), (reading("crisis", Level.MEDIUM), 0.01, True),
        (reading("crisis", Level.MEDIUM), 0.06, False), (reading("crisis", Level.MEDIUM, end=None), 0.0, False), (reading("crisis", Level.LOW), 0.0, False),
        (reading("crisis", Level.HIGH), 0.0, False), (reading("crisis_other", Level.HIGH), 0.0, False), (reading("minor_cue", Level.SEVERE, "ages"), 0.0, False),
        (reading("personal_data", Level.HIGH, "personal"), 0.0, False), (reading("crisis", "unknown"), 0.0, False),
        (reading("prohibited.insult", Level.HIGH, "my own list"), 0.0, False),
    ],
)  # fmt: skip
def test_models_overrule_a_list_but_never_danger_nor_the_providers_own(one: Reading, probability: float, overruled: bool) -> None:  # fmt: skip
    assert is_overruled(one, {one.signal: probability}, 10) == overruled
    assert not is_overruled(one, {}, 10)


class Sure(Plugged):
    """Both models, which find no danger in the text at all."""

    def read(self, normalised: Normalised, role: Role, context: Sequence[tuple[Role, str]]) -> tuple[Reading, ...]:
        normalised.notes[PROBABLE] = {"crisis": 0.0}
        return ()


class Listed(Plugged):
    """A list that has seen a word."""

    name = "words"

    def read(self, normalised: Normalised, role: Role, context: Sequence[tuple[Role, str]]) -> tuple[Reading, ...]:
        return (reading("crisis", self._level),)


def test_what_the_models_take_back_is_counted() -> None:
    takes_back, stands = Detectors([Listed(level=Level.MEDIUM), Sure()]), Detectors([Listed(level=Level.HIGH), Sure()])
    assert takes_back.read("嗯", role="user") == ()
    assert takes_back.overruled == {"crisis": 1}
    assert [one.level for one in stands.read("嗯", role="user")] == [Level.HIGH]
    assert not stands.overruled


def test_a_reading_of_level_none_is_not_given() -> None:
    assert Detectors([Plugged(level=Level.NONE)]).read("嗯", role="user") == ()
    assert Detectors([Plugged(level=Level.NONE)], deadline=5).read("嗯", role="user") == ()


def test_a_detector_in_time_is_heard() -> None:
    assert [one.level for one in Detectors([Plugged()], deadline=5).read("嗯", role="user")] == [3]


class Doubting(Plugged):
    """A plug-in that does not know."""

    def read(self, normalised: Normalised, role: Role, context: Sequence[tuple[Role, str]]) -> tuple[Reading, ...]:
        normalised.notes[DOUBTS] = {"crisis": 0.4, "dependence": 0.3}
        return ()


@pytest.mark.parametrize(
    ("beside", "doubts"),
    [
        (None, {"crisis": 0.4, "dependence": 0.3}),
        (Plugged(level=Level.MEDIUM), {"dependence": 0.3}),
        (Plugged(level=Level.LOW), {"crisis": 0.4, "dependence": 0.3}),
        (Plugged(raises=True), {"crisis": 0.4, "dependence": 0.3}),
    ],
)
def test_what_a_detector_does_not_know_is_handed_out_unless_another_has_seen_it(
    beside: Plugged | None, doubts: dict[str, float]
) -> None:
    detectors = Detectors([Doubting(), *([beside] if beside else [])])
    readings, found = detectors.read_with_doubts("嗯", role="user")
    assert found == doubts
    assert readings == detectors.read("嗯", role="user")


@given(SURPRISES, st.sampled_from(["user", "companion"]))
def test_whatever_the_text_doubts_are_of_signals_not_read_and_readings_are_the_same(text: str, role: Role) -> None:
    readings, doubts = DETECTORS.read_with_doubts(text, role=role)
    assert readings == DETECTORS.read(text, role=role)
    assert not doubts.keys() & {one.signal for one in readings if one.level != "unknown" and one.level >= Level.MEDIUM}


def test_what_each_detector_covers_is_told() -> None:
    about = DETECTORS.about()
    assert [one["name"] for one in about] == ["words", "exits", "humanity", "ages", "personal", "model"]
    assert DETECTORS.covers == {signal for one in about for signal in one["signals"]}  # type: ignore[attr-defined]  # lists


HOSTILE = {
    "combining": "a" + "\u0301" * 100_000, "zero width": "\u200b" * 100_000, "digits": "1 " * 50_000, "at": "a.b-c@" * 16_000, "words": "想死" * 50_000, "blanks": " " * 100_000,
    "brackets": "(" * 100_000, "streets": "路1号" * 33_000, "subjects": "我在," * 33_000, "split words": "自 杀 " * 25_000, "first parts": "没有我" * 33_000, "latin": "i am " * 20_000,
}  # fmt: skip


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_text_of_a_hundred_kilobytes_is_read_in_bounded_time(kind: str) -> None:
    begun = process_time()
    DETECTORS.read(HOSTILE[kind], role="user")
    assert process_time() - begun < 5  # of this process alone: others take their time too
