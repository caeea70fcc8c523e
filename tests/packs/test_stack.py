"""Packs stack: everything either asks for holds, and of two numbers the stricter."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from shouban.core.errors import CallerError, PackError
from shouban.core.signals import Level
from shouban.packs.stack import load_pack, shipped_packs

Write = Callable[..., Path]

STACK = 'id: both\nversion: "1"\nkind: stack\ntitle: {{zh: 合, en: Both}}\nstack: [{}]\n'


def stack_of(tmp_path: Path, *names: str) -> Path:
    (tmp_path / "both").mkdir(exist_ok=True)
    (tmp_path / "both" / "pack.yaml").write_text(STACK.format(", ".join(names)), encoding="utf-8")
    return tmp_path / "both"


def test_a_provider_stacks_a_pack_of_its_own_on_the_law(write_pack: Write, tmp_path: Path) -> None:
    write_pack()
    both = load_pack(stack_of(tmp_path, "cn", "my"))
    assert [part.pack.id for part in both.parts] == ["cn-2025-draft", "cn-2026-order21", "my"]
    assert {"my.help", "cn-2026-order21.two-hours"} <= {rule.id for rule in both.pack.rules}
    assert both.template("my/rest", "en").text == "Take a rest."


def test_of_two_settings_the_stricter_holds(write_pack: Write, tmp_path: Path) -> None:
    write_pack()
    both = load_pack(stack_of(tmp_path, "my", "cn-2026-order21")).pack
    assert both.settings.idle_limit == timedelta(minutes=20)
    assert both.unknown["crisis"] == Level.HIGH
    write_pack("pack.yaml", "crisis: high, dependence: low", "crisis: low, dependence: severe")
    both = load_pack(stack_of(tmp_path, "my", "cn-2026-order21")).pack
    assert (both.unknown["crisis"], both.unknown["dependence"]) == (Level.HIGH, Level.SEVERE)


def test_the_digest_of_a_stack_follows_its_parts_and_not_their_order(write_pack: Write, tmp_path: Path) -> None:
    write_pack()
    first = load_pack(stack_of(tmp_path, "my", "cn-2026-order21")).pack.digest
    write_pack("templates/words.yaml", "歇一歇", "歇歇")
    assert load_pack(stack_of(tmp_path, "my", "cn-2026-order21")).pack.digest != first


def test_clocks_of_two_zones_cannot_be_stacked(write_pack: Write, tmp_path: Path) -> None:
    write_pack("pack.yaml", "utc_offset: 8h", "utc_offset: 9h")
    with pytest.raises(PackError, match="different `utc_offset` cannot be stacked"):
        load_pack(stack_of(tmp_path, "my", "cn"))


def test_a_pack_that_builds_on_itself_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PackError, match="builds on itself"):
        load_pack(stack_of(tmp_path, "both"))


def test_words_are_used_and_not_stacked(write_pack: Write, tmp_path: Path) -> None:
    with pytest.raises(PackError, match=r"both/pack\.yaml:5: `cn-words` is a pack of words"):
        load_pack(stack_of(tmp_path, "cn-words"))
    folder = write_pack("pack.yaml", 'version: "1"\n', 'version: "1"\nuses: [cn]\n')
    with pytest.raises(PackError, match=r"my/pack\.yaml:3: `cn` is a pack of stack; only a pack of words can be used"):
        load_pack(folder)


def test_a_part_that_is_not_there_is_named_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(
        PackError, match=r"both/pack\.yaml:5: there is no pack `cn-2026-order12`; did you mean `cn-2026-order21`"
    ):
        load_pack(stack_of(tmp_path, "cn-2026-order12"))


def test_a_pack_that_is_not_there_is_the_callers_error() -> None:
    with pytest.raises(CallerError, match="there is no pack `cn-wrods`; did you mean `cn-words`"):
        load_pack("cn-wrods")


def test_the_shipped_packs_are_listed() -> None:
    assert shipped_packs() == ["cn", "cn-2025-draft", "cn-2026-order21", "cn-words"]
