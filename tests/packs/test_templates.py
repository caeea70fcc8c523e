"""Templates are filled with the help that fits the person's region and age."""

from __future__ import annotations

import pytest

from shouban.core.errors import PackError
from shouban.packs.stack import load_pack
from shouban.packs.templates import placeholders_of

CN = load_pack("cn")


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
