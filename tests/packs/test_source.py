"""YAML keeps its lines, and a scalar means what its place says."""

from __future__ import annotations

from datetime import time, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shouban.core.errors import PackError
from shouban.core.signals import Level
from shouban.packs.explain import span_words
from shouban.packs.source import Spot, clock, level, read_yaml, span, table


def spot(text: str) -> Spot:
    return Spot("x.yaml", 3, text)


@given(st.integers(min_value=1, max_value=10**7))
def test_a_span_reads_back_as_it_is_written(seconds: int) -> None:
    value = timedelta(seconds=seconds)
    assert span(spot(span_words(value))) == value


@pytest.mark.parametrize("text", ["", "2", "2 h", "h", "-2h", "2.5h", "２h", "2h ago", "9999999d"])
def test_what_is_no_span_is_refused(text: str) -> None:
    with pytest.raises(PackError, match=r"x\.yaml:3"):
        span(spot(text))


@pytest.mark.parametrize("written", ["high", "3"])
def test_a_level_has_a_name_and_a_number(written: str) -> None:
    assert level(spot(written)) is Level.HIGH


def test_a_time_of_day_stays_a_time_of_day(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("on: [x]\nat: 22:00\n", encoding="utf-8")
    body = table(read_yaml(tmp_path / "a.yaml", "a.yaml"))
    assert set(body) == {"on", "at"}
    assert clock(body["at"]) == time(22)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: [1\n", "x.yaml:2: not valid YAML"),
        ("", "x.yaml:1: the file is empty"),
        ("a: 1\na: 2\n", "x.yaml:2: `a` is written twice"),
        ("[a]: 1\n", "x.yaml:1: a key must be a word"),
        ("a: &b [*b]\n", "x.yaml:1: anchors and aliases are not allowed"),
    ],
)
def test_broken_yaml_is_told_with_its_line(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "x.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(PackError) as caught:
        read_yaml(tmp_path / "x.yaml", "x.yaml")
    assert told in str(caught.value)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PackError, match="must be a UTF-8 file"):
        read_yaml(tmp_path / "x.yaml", "x.yaml")
