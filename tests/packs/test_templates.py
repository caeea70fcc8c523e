"""Templates are filled with the help that fits the person's region and age."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time

import pytest

from shouban.core.errors import PackError
from shouban.packs.stack import load_pack
from shouban.packs.templates import Resource, help_for, placeholders_of

CN = load_pack("cn")
LINE = Resource("line", "热线", "line", "0", "cn", frozenset({"crisis"}))


def test_a_minor_sees_the_youth_line_first() -> None:
    assert CN.help_for("crisis", "zh", age_band="14_15")[0].number == "12355"
    assert "12355" not in [one.number for one in CN.help_for("crisis", "zh", age_band="adult")]


def test_property_leads_to_the_fraud_line_and_the_police() -> None:
    assert [one.number for one in CN.help_for("property", "zh")] == ["96110", "110"]


def test_each_region_has_its_own_numbers() -> None:
    assert "988" in [one.number for one in CN.help_for("crisis", "en", region="us")]
    assert "911" in CN.template("cn-words/crisis-4", "en", region="us").text
    assert "12356" not in CN.template("cn-words/crisis-4", "en", region="us").text


def test_a_region_without_numbers_still_gets_a_whole_sentence() -> None:
    text = CN.template("cn-words/crisis-help", "zh", region="mars").text
    assert "当地的求助热线" in text
    assert "{" not in text


def test_hours_are_printed_as_they_are_known() -> None:
    text = CN.template("cn-words/crisis-help", "zh").text
    assert "12356（每天至少 18 小时" in text


def test_a_caller_may_say_what_only_the_caller_knows() -> None:
    values = {"feature": "语音", "ends_at": "十月一日", "nonsense": "x"}
    assert "语音将在十月一日停止" in CN.template("cn-words/withdrawal", "zh", values=values).text
    assert "这项功能将在公告所示的时间停止" in CN.template("cn-words/withdrawal", "zh").text


def test_a_value_is_never_read_as_a_placeholder() -> None:
    text = CN.template("cn-words/withdrawal", "zh", values={"feature": "{hotlines}"}).text
    assert text.startswith("{hotlines}将在")


def test_a_template_that_is_not_there_is_named() -> None:
    with pytest.raises(PackError, match="did you mean `cn-words/goodbye`"):
        CN.template("cn-words/godbye", "zh")


def test_placeholders_are_what_stands_in_braces() -> None:
    assert placeholders_of("打{hotlines}或 {emergency}") == {"hotlines", "emergency"}


def test_who_is_closed_at_this_hour_stands_last_and_is_not_left_out() -> None:
    day = replace(LINE, id="day", number="1", opens=time(9), closes=time(18))
    night = replace(LINE, id="night", number="2", opens=time(20), closes=time(8))
    always = replace(LINE, id="always", number="3")
    for clock, wanted in (
        (time(12), ["1", "3", "2"]),
        (time(23), ["2", "3", "1"]),
        (time(7, 59), ["2", "3", "1"]),
        (time(8), ["3", "1", "2"]),
        (None, ["1", "2", "3"]),
    ):
        found = help_for([day, night, always], "crisis", "zh", clock=clock)
        assert [one.number for one in found] == wanted, clock


def test_the_hour_is_where_the_service_is() -> None:
    day = replace(LINE, id="day", number="1", opens=time(9), closes=time(18))
    pack = replace(CN, resources=(day, replace(LINE, id="always", number="3")))
    at_noon, at_night = (datetime.fromisoformat(f"2026-08-03T{hour}:00:00+00:00") for hour in ("04", "16"))
    assert [one.number for one in pack.help_for("crisis", "zh", at=at_noon)] == ["1", "3"]
    assert [one.number for one in pack.help_for("crisis", "zh", at=at_night)] == ["3", "1"]
