from __future__ import annotations

from pathlib import Path

import pytest

from shouban.core.errors import OperatorError
from shouban.core.signals import SIGNALS
from shouban.detectors.lists import pattern_of, shipped_lists, spelled_out

SHIPPED = shipped_lists()


def test_braces_spell_out_every_choice() -> None:
    assert list(spelled_out("{想|要}自{杀|尽}")) == ["想自杀", "想自尽", "要自杀", "要自尽"]
    assert list(spelled_out("再见")) == ["再见"]
    assert list(spelled_out("{|别}走")) == ["走", "别走"]


def test_a_word_is_searched_in_the_spelling_of_texts() -> None:
    assert pattern_of("Don't  go!") == "dont go"
    assert pattern_of("自 殺") == "自杀"


def test_every_shipped_word_names_a_signal_of_the_contract_with_a_level_and_a_score() -> None:
    for pattern, meanings in SHIPPED.words.items():
        assert pattern
        for word in meanings:
            assert word.signal in SIGNALS
            assert 1 <= word.level <= 4
            assert 0 < word.score <= 1
            assert word.roles <= SIGNALS[word.signal]


def test_no_shipped_word_is_a_single_character_unless_another_part_goes_before() -> None:
    short = [
        text
        for text, meanings in SHIPPED.words.items()
        if len(text) < 2 and any(word.after is None for word in meanings)
    ]
    assert short == []


def test_the_shipped_words_stay_few_enough_to_load_at_once() -> None:
    assert 50_000 < len(SHIPPED.words) < 130_000


def test_the_providers_own_class_is_left_to_the_provider() -> None:
    assert not any(word.signal == "prohibited.state" for meanings in SHIPPED.words.values() for word in meanings)


def test_a_disguise_is_a_little_less_sure_than_the_word() -> None:
    plain, disguised = SHIPPED.words["我要自杀"][0], SHIPPED.words["我要zisha"][0]
    assert plain.level == disguised.level
    assert disguised.score < plain.score


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "evasions.yaml").write_text("甲: [乙]\n", encoding="utf-8")
    monkeypatch.setattr("shouban.detectors.lists.resources.files", lambda _: tmp_path)
    return tmp_path / "lists"


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        (
            "a.yaml",
            "- {signal: crysis, level: 2, words: 甲}",
            "a.yaml: block 1 names signal `crysis`; did you mean `crisis`?",
        ),
        ("a.yaml", "- {signal: crisis, level: 2, words: 甲…乙…丙}", "more than two parts"),
        (
            "exceptions.yaml",
            "- {cancels: [crises], words: 甲}",
            "exceptions.yaml cancels signal `crises`; did you mean `crisis`?",
        ),
    ],
)
def test_a_wrong_list_is_refused_by_name(folder: Path, file: str, text: str, says: str) -> None:
    (folder / file).write_text(text, encoding="utf-8")
    with pytest.raises(OperatorError, match=says.replace("?", r"\?")):
        shipped_lists()


def test_of_two_meanings_of_a_word_the_stronger_is_kept(folder: Path) -> None:
    (folder / "a.yaml").write_text(
        "- {signal: crisis, level: 2, words: 甲甲}\n- {signal: crisis, level: 3, words: 甲甲}\n", encoding="utf-8"
    )
    assert [word.level for word in shipped_lists().words["甲甲"]] == [3]
    assert [word.level for word in shipped_lists().words["乙乙"]] == [3]
