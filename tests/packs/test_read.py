"""Whatever a pack says that the core does not know is an error with file, line, and what would be right."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from shouban.core.errors import PackError
from shouban.core.signals import Level
from shouban.packs.stack import load_pack

Write = Callable[..., Path]

P, T, R, C = "pack.yaml", "templates/words.yaml", "resources.yaml", "cases.yaml"

# What is broken, and what its author is told.
MISTAKES: list[tuple[str, str, str, str]] = [
    (P, "reading.crisis", "reading.dependance", "my/pack.yaml:17: rule `my.help` names signal `dependance`; did you mean `dependence`?"),
    (P, "reading.crisis", "reading.withdrawal", "my/pack.yaml:17: rule `my.help` asks about `withdrawal`, for which the pack's `unknown` says nothing"),
    (P, "unknown: {crisis", "unknown: {crysis", "my/pack.yaml:6: `unknown` names signal `crysis`; did you mean `crisis`?"),
    (P, "crisis: high", "crisis: hi", "my/pack.yaml:6: `hi` is no level; write 0 to 4"),
    (P, "at_least: medium", "at_most: medium", "my/pack.yaml:17: rule `my.help`: `reading` cannot be compared by `at_most`"),
    (P, "at_least: medium", "at_least: 5", "my/pack.yaml:17: `5` is no level"),
    (P, "user.is_minor: true", "user.is_minor: yes", "my/pack.yaml:8: `yes` is neither `true` nor `false`"),
    (P, "user.is_minor", "user.is_miner", "my/pack.yaml:8: rule `my (grown-up)`: field `user.is_miner` is unknown; did you mean `user.is_minor`?"),
    (P, "[grown-up,", "[grown-ups,", "my/pack.yaml:17: rule `my.help` names condition `grown-ups`, which the pack does not define; did you mean `grown-up`?"),
    (P, "reading.crisis:", "reading:", "my/pack.yaml:17: rule `my.help`: field `reading` needs a key after a dot"),
    (P, "on: [UserSpoke]", "on: [UserSpeaks]", "my/pack.yaml:16: rule `my.help` listens to `UserSpeaks`, which is no event; did you mean `UserSpoke`?"),
    (P, "when: {use.since_reminder.rest: {at_least: 30m}}", "when: {event.amount: {at_least: 1}}", "my/pack.yaml:28: rule `my.rest` asks about `event.amount`, which no event it listens to has"),
    (P, "when: {use.since_reminder.rest: {at_least: 30m}}", "when: {use.continuous: 30m}", "my/pack.yaml:28: rule `my.rest`: `use.continuous` cannot be compared by `is`; write one of `at_least`, `below`"),
    (P, "when: {use.since_reminder.rest: {at_least: 30m}}", "when: {}", "my/pack.yaml:28: rule `my.rest` has an empty condition; write `always`"),
    (P, "when: {use.since_reminder.rest: {at_least: 30m}}", "when: {user.mode: child}", "my/pack.yaml:28: `child` is no value of `user.mode`"),
    (P, "{at_least: 30m}", "{at_least: half an hour}", "my/pack.yaml:28: `half an hour` is no span; write `60s`, `15m`, `2h` or `30d`"),
    (P, "ShowHelp: {template: help, topic: crisis}", "ShowsHelp: {template: help}", "my/pack.yaml:19: rule `my.help` owes `ShowsHelp`, which is no obligation; did you mean `ShowHelp`?"),
    (P, "template: help", "template: halp", "my/pack.yaml:19: rule `my.help` names template `my/halp`, which does not exist; did you mean `my/help`?"),
    (P, "template: help", "template: rest", "my/pack.yaml:19: rule `my.help`: `ShowHelp` cannot carry template `my/rest` of kind `reminder`"),
    (P, "template: help, ", "", "my/pack.yaml:19: rule `my.help`: `ShowHelp` needs `template`"),
    (P, "topic: crisis}", "topics: crisis}", "my/pack.yaml:19: rule `my.help`: `ShowHelp` has no term `topics`; did you mean `topic`?"),
    (P, "urgency: now", "urgency: later", "my/pack.yaml:20: `later` is no `urgency` of `Escalate`"),
    (P, "1h30m", "90", "my/pack.yaml:20: `90` is no span"),
    (P, "register: [D044]", "register: [D944]", "my/pack.yaml:14: rule `my.help` names register row `D944`, which does not exist"),
    (P, "    article: 第一条\n", "", "my/pack.yaml:10: `article` is missing"),
    (P, "    in_force: {from: 2026-02-01}\n", "", "my/pack.yaml:10: `in_force` is missing"),
    (P, "{from: 2026-02-01}", "{to: 2026-02-01}", "my/pack.yaml:15: `from` is missing"),
    (P, "{from: 2026-02-01}", "{from: 2026-02-31}", "my/pack.yaml:15: `2026-02-31` is no date"),
    (P, "    title: {zh: 帮助, en: Help}\n", "", "my/pack.yaml:10: `title` is missing"),
    (P, "title: {zh: 帮助, en: Help}", "title: {zh: 帮助}", "my/pack.yaml:13: `en` is missing"),
    (P, "    evidence: 记录\n    cases: [danger]", "    cases: [danger]", "my/pack.yaml:10: `evidence` is missing"),
    (P, "    cases: [danger]\n", "", "my/pack.yaml:10: `cases` is missing"),
    (P, "cases: [danger]", "cases: []", "my/pack.yaml:10: `cases` is missing"),
    (P, "cases: [danger]", "cases: [dangers]", "my/pack.yaml:22: rule `my.help` names case `dangers`, which does not exist; did you mean `danger`?"),
    (P, "id: my.rest\n", "id: my.help\n", "my/pack.yaml:23: rule `my.help` is defined twice; the first stands at my/pack.yaml:10"),
    (P, "id: my.rest\n", "id: rest\n", "my/pack.yaml:23: rule id `rest` must be `my.`"),
    (P, "    quote: 帮助", "    qoute: 帮助", "my/pack.yaml:12: unknown key `qoute`; did you mean `quote`?"),
    (P, "settings: {", "setings: {", "my/pack.yaml:5: unknown key `setings`; did you mean `settings`?"),
    (P, "idle_limit: 20m", "quiet_from: 22:00", "my/pack.yaml:5: quiet hours need both `quiet_from` and `quiet_to`"),
    (P, "idle_limit: 20m", "answer_workdays: 0", "my/pack.yaml:5: `answer_workdays` must be 1 to 250 working days"),
    (P, "idle_limit: 20m", "calendar: mars", "my/pack.yaml:5: "),
    (P, "idle_limit: 20m", "idle_limits: 20m", "my/pack.yaml:5: unknown key `idle_limits`; did you mean `idle_limit`?"),
    (P, 'source: "https://example.org/law"', "source: a book", "my/pack.yaml:4: `source` must be the https address of the official text"),
    (P, ', source: "https://example.org/law"', "", "my/pack.yaml:4: `source` is missing"),
    (P, "published: 2026-01-01, ", "", "my/pack.yaml:4: `published` is missing"),
    (P, "status: in_force", "status: valid", "my/pack.yaml:4: `valid` is no status of a law"),
    (P, "id: my\n", "id: My Pack\n", "my/pack.yaml:1: `My Pack` is no pack id"),
    (P, "    on: [UserSpoke]\n    when: always\n    wakes:\n      - {key: rest, field: use.since_reminder.rest, reaches: 30m}\n", "    on: [UserSpoke]\n    when: always\n", "my/pack.yaml:33: rule `my.rest-clock` owes nothing and sets no timer"),
    (P, "field: use.since_reminder.rest", "field: user.risk", "my/pack.yaml:40: rule `my.rest-clock`: a timer needs a field that grows with time, not `user.risk`"),
    (P, "id: my\n", "id: my\nid: my\n", "my/pack.yaml:2: `id` is written twice"),
    (P, "{not: {user", "{not: &x {user", "my/pack.yaml:"),
    (T, "kind: help", "kind: helps", "my/templates/words.yaml:7: `helps` is no kind of template; did you mean `help`?"),
    (T, "{hotlines}。", "{hotline}。", "my/templates/words.yaml:8: template `help` has placeholder `{hotline}`"),
    (T, "{hotlines}。", "{hotlines。", "my/templates/words.yaml:8: template `help` has a brace without its pair"),
    (T, "    en: Take a rest.\n", "", "my/templates/words.yaml:10: `en` is missing"),
    (T, "written_by: we\n", "", "my/templates/words.yaml:5: `written_by` is missing"),
    (T, "approved: 2026-01-15", "approved: soon", "my/templates/words.yaml:3: `soon` is no date"),
    (T, "- id: rest", "- id: help", "my/templates/words.yaml:10: template `my/help` is defined twice"),
    (R, "for: [crisis]", "for: [crises]", "my/resources.yaml:8: `crises` is no use of a resource; did you mean `crisis`?"),
    (R, "    source: a list\n", "", "my/resources.yaml:9: resource `youth` has neither `verified_on` nor a `source`"),
    (R, "id: youth", "id: line", "my/resources.yaml:9: resource `line` is defined twice"),
    (C, "UserSpoke: {crisis: 2}", "UserSpoke: {crisys: 2}", "my/cases.yaml:7: `UserSpoke` has no `crisys`; did you mean `crisis`?"),
    (C, "UserSpoke: {crisis: 2}", "UserSpake: {crisis: 2}", "my/cases.yaml:7: `UserSpake` is no event; did you mean `UserSpoke`?"),
    (C, "owed: [ShowHelp,", "owed: [ShowHalp,", "my/cases.yaml:7: `ShowHalp` is no obligation; did you mean `ShowHelp`?"),
    (C, "start: 2026-03-01T10:00+08:00", "start: 2026-03-01T10:00", "my/cases.yaml:1: `2026-03-01T10:00` names no time zone"),
    (C, "case: long-use", "case: danger", "my/cases.yaml:9: case `danger` is defined twice"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "old", "new", "told"), MISTAKES, ids=[told[:90] for *_, told in MISTAKES])
def test_a_mistake_is_told_with_file_line_and_cure(write_pack: Write, file: str, old: str, new: str, told: str) -> None:
    folder = write_pack(file, old, new)
    if "&x" in new:
        text = (folder / P).read_text(encoding="utf-8").replace("when: always", "when: *x")
        (folder / P).write_text(text, encoding="utf-8")
    with pytest.raises(PackError) as caught:
        load_pack(folder)
    assert told in str(caught.value)


def test_all_that_is_wrong_is_told_at_once(write_pack: Write) -> None:
    folder = write_pack(P, "register: [D044]", "register: [D944]")
    text = (folder / P).read_text(encoding="utf-8").replace("30m}}", "thirty}}")
    (folder / P).write_text(text, encoding="utf-8")
    with pytest.raises(PackError) as caught:
        load_pack(folder)
    assert "my/pack.yaml:14" in str(caught.value)
    assert "my/pack.yaml:28" in str(caught.value)


def test_a_pack_of_rules_without_cases_is_refused(write_pack: Write) -> None:
    folder = write_pack()
    (folder / C).unlink()
    with pytest.raises(PackError, match=r"my/cases\.yaml: is missing"):
        load_pack(folder)


def test_a_whole_pack_is_read(write_pack: Write) -> None:
    loaded = load_pack(write_pack())
    assert [rule.id for rule in loaded.pack.rules] == ["my.help", "my.rest", "my.rest-clock"]
    assert loaded.pack.settings.idle_limit == timedelta(minutes=20)
    assert loaded.pack.unknown == {"crisis": Level.HIGH, "dependence": Level.LOW}
    assert loaded.law is not None
    assert loaded.law.in_force_from == date(2026, 2, 1)
    assert loaded.sources["my.rest"].where == "my/pack.yaml:23"


def test_a_group_of_signals_is_named_at_once_and_its_members_may_differ(write_pack: Write) -> None:
    folder = write_pack(P, "dependence: low}", "dependence: low, prohibited: medium, prohibited.sexual: high}")
    unknown = load_pack(folder).pack.unknown
    assert unknown["prohibited.gambling"] == Level.MEDIUM
    assert unknown["prohibited.sexual"] == Level.HIGH


def test_the_digest_changes_with_any_file_and_with_nothing_else(write_pack: Write) -> None:
    first = load_pack(write_pack()).pack.digest
    assert load_pack(write_pack(folder="other")).pack.digest == first
    assert load_pack(write_pack(T, "歇一歇", "歇歇")).pack.digest != first
    assert load_pack(write_pack(R, '"456"', '"457"')).pack.digest != first
