"""Disguises are deterministic, keep the text to be read, and are seen through where they can be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shouban.core.signals import Level
from shouban.detectors.disguises import EVASIONS, NOISE
from shouban.detectors.reader import Detectors, build_detectors

DETECTORS: Detectors = build_detectors()
PLAIN = ("我不想活了", "我要自杀", "我想割腕", "真想死")
# A word of a dialect or of English is another word; a split character is another character: only lists that know it see it. A slip of the finger breaks a short word.
SEEN_THROUGH = sorted(
    EVASIONS.keys()
    - {"characters taken apart", "homophones", "pinyin", "a slip of the finger", "dialect words", "English words in it"}
)


def crisis(text: str) -> int:
    return max(
        (
            int(one.level)
            for one in DETECTORS.read(text, role="user")
            if one.signal == "crisis" and one.level != "unknown"
        ),
        default=0,
    )


@pytest.mark.parametrize("name", SEEN_THROUGH)
@pytest.mark.parametrize("text", PLAIN)
def test_a_disguised_word_is_still_read(name: str, text: str) -> None:
    assert crisis(text) >= Level.MEDIUM
    assert crisis(EVASIONS[name](text)) >= Level.MEDIUM


@pytest.mark.parametrize("name", sorted(NOISE))
def test_noise_makes_no_danger_of_a_harmless_text(name: str) -> None:
    for text in ("今天吃了火锅", "明天要开会，有点烦", "笑死我了", "晚安，早点睡"):
        assert crisis(NOISE[name](text)) < Level.MEDIUM


@given(st.text(max_size=80), st.sampled_from(sorted({**EVASIONS, **NOISE})))
def test_every_change_takes_every_text_and_is_always_the_same(text: str, name: str) -> None:
    change = {**EVASIONS, **NOISE}[name]
    assert change(text) == change(text)


@given(st.text(alphabet="我今天不想活了他她好药楼", min_size=6, max_size=30))
def test_a_disguise_changes_what_it_is_for(text: str) -> None:
    for name in ("zero width between characters", "emoji between characters", "asterisks between characters", "pinyin"):
        assert EVASIONS[name](text) != text
