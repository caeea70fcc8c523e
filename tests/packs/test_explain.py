"""Every rule can be said in words, Chinese and English."""

from __future__ import annotations

import pytest

from shouban.core.errors import CallerError
from shouban.core.rules import AnyOf, Not
from shouban.core.rules import Test as Asked
from shouban.packs.explain import condition_words, explain, find_rule
from shouban.packs.stack import load_pack

CN = load_pack("cn")


def test_the_two_hours_read_as_the_law_says_them() -> None:
    rule, source = find_rule([CN], "cn-2026-order21.two-hours")
    said = explain(rule, source, "zh")
    assert said.article == "第十八条"
    assert said.quote == "连续使用拟人化互动服务每超过2个小时"
    assert said.condition == "距上次提醒（two-hours）的使用达到2h"
    assert said.owes == ("提醒（模板 cn-words/two-hours，主题 two-hours）",)
    assert said.in_force == "自 2026-07-15 起"
    assert explain(rule, source, "en").condition == "use since the last reminder on two-hours is at least 2h"


def test_a_draft_says_that_it_is_one() -> None:
    assert "草案" in explain(*find_rule([CN], "cn-2025-draft.two-hours"), "zh").in_force


@pytest.mark.parametrize("rule", [rule.id for rule in CN.pack.rules])
def test_every_rule_has_words_for_all_it_asks_and_owes(rule: str) -> None:
    for language in ("zh", "en"):
        said = explain(*find_rule([CN], rule), language)
        whole = [said.condition, *said.owes, *said.listens, said.title, said.evidence, said.article, said.source]
        assert all(whole)
        assert "{" not in "".join(whole)


def test_nesting_is_shown() -> None:
    minor = Asked("user.is_minor", "is", True)
    either = AnyOf((minor, Not(minor)))
    assert condition_words(either, "en") == "minor (or in minors mode): yes or not (minor (or in minors mode): yes)"


def test_a_short_name_is_enough_where_only_one_pack_has_it() -> None:
    assert find_rule([CN], "cool-down")[0].id == "cn-2025-draft.cool-down"
    with pytest.raises(CallerError, match="stands in several packs"):
        find_rule([CN], "two-hours")
    with pytest.raises(CallerError, match=r"did you mean `cn-2026-order21\.two-hours`"):
        find_rule([CN], "cn-2026-order21.two-hour")
