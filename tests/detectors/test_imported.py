from __future__ import annotations

from pathlib import Path
from time import perf_counter

import pytest
from tests.detectors.conftest import reads

from shouban.core.errors import OperatorError
from shouban.detectors.imported import class_of, import_words, imported_words
from shouban.detectors.reader import Detectors, build_detectors


def test_an_import_reports_what_it_added_what_was_known_and_each_bad_line(tmp_path: Path) -> None:
    file = tmp_path / "words.txt"
    file.write_bytes(
        "\ufeff# 一行一个词\n新词甲\n新詞甲\n坏词乙\t4\n\n啊\nab\n词\t9\n".encode()
        + b"\xff\xfe\n"
        + "长".encode() * 65
        + b"\n"
    )
    report = import_words(file, "gambling", tmp_path / "words")
    assert (report.added, report.duplicates) == (2, 1)
    assert [line for line, _ in report.refused] == [6, 7, 8, 9, 10]
    assert "too short" in report.refused[0][1]
    assert "level 1 to 4" in report.refused[2][1]
    assert "UTF-8" in report.refused[3][1]
    assert "longer than 64" in report.refused[4][1]
    assert (tmp_path / "words" / "gambling.txt").read_text(encoding="utf-8") == "新词甲\n坏词乙\t4\n"


def test_importing_twice_adds_nothing(tmp_path: Path) -> None:
    file = tmp_path / "words.txt"
    file.write_text("新词甲\n坏词乙\n", encoding="utf-8")
    import_words(file, "state", tmp_path / "words")
    report = import_words(file, "prohibited.state", tmp_path / "words")
    assert (report.added, report.duplicates, report.refused) == (0, 2, [])


def test_imported_words_are_read_from_then_on_in_either_mouth(tmp_path: Path) -> None:
    file = tmp_path / "words.txt"
    file.write_text("新词甲\n坏词乙\t4\n", encoding="utf-8")
    import_words(file, "state", tmp_path / "words")
    detectors = build_detectors(words_dir=tmp_path / "words")
    assert reads(detectors, "这里有新 詞*甲吗", "prohibited.state") == 3
    assert reads(detectors, "坏词乙", "prohibited.state", role="companion") == 4
    assert "prohibited.state" in detectors.covers
    stream = detectors.stream("companion")
    assert [one.signal for one in (*stream.feed("坏词"), *stream.feed("乙，"))] == ["prohibited.state"]


def test_an_unknown_class_is_refused_with_the_nearest_name(tmp_path: Path) -> None:
    assert class_of("prohibited.fraud") == "fraud"
    with pytest.raises(OperatorError, match=r"`gambing` is no prohibited class; did you mean `gambling`\?"):
        import_words(tmp_path / "x", "gambing", tmp_path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="cannot be read"):
        import_words(tmp_path / "none.txt", "fraud", tmp_path)


def test_a_line_spoilt_by_hand_is_skipped_and_told(tmp_path: Path) -> None:
    (tmp_path / "fraud.txt").write_text("好词\n\n词\t7\n", encoding="utf-8")
    detector, problems = imported_words(tmp_path)
    assert detector is not None
    assert problems == ["fraud.txt:3: after the word only a tab and a level 1 to 4 may stand"]
    assert build_detectors(words_dir=tmp_path).problems == tuple(problems)
    assert imported_words(tmp_path / "none")[0] is None


def many_words(count: int) -> str:
    digits = "甲乙丙丁戊己庚辛壬癸"
    return "\n".join("词" + "".join(digits[int(digit)] for digit in f"{at:06}") for at in range(count))


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Detectors:
    folder = tmp_path_factory.mktemp("many")
    (folder / "in.txt").write_text(many_words(200_000), encoding="utf-8")
    assert import_words(folder / "in.txt", "fraud", folder / "words").added == 200_000
    return build_detectors(words_dir=folder / "words", encoder=False)  # it is the words that are timed


@pytest.mark.slow
def test_two_hundred_thousand_words_are_imported_built_and_read(crowded: Detectors) -> None:
    assert reads(crowded, "他说词甲乙丙丁戊己这样", "prohibited.fraud") == 3
    assert reads(crowded, "词癸癸癸癸癸癸", "prohibited.fraud") == 0
    begun = perf_counter()
    for _ in range(100):
        crowded.read("今天天气不错，我们去公园走走吧，顺便买点水果回来吃", role="user")
    assert perf_counter() - begun < 1
