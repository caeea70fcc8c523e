"""A small whole pack on disk, to be broken in one place at a time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

PACK = """\
id: my
version: "1"
title: {zh: 我的, en: Mine}
law: {name: 某法, number: 第1号, published: 2026-01-01, in_force_from: 2026-02-01, status: in_force, source: "https://example.org/law"}
settings: {idle_limit: 20m, utc_offset: 8h}
unknown: {crisis: high, dependence: low}
conditions:
  grown-up: {not: {user.is_minor: true}}
rules:
  - id: my.help
    article: 第一条
    quote: 帮助
    title: {zh: 帮助, en: Help}
    register: [D044]
    in_force: {from: 2026-02-01}
    on: [UserSpoke]
    when: {all: [grown-up, {reading.crisis: {at_least: medium}}]}
    owes:
      - ShowHelp: {template: help, topic: crisis}
      - Escalate: {reason: crisis, urgency: now, answer_within: 1h30m}
    evidence: 记录
    cases: [danger]
  - id: my.rest
    article: 第二条
    title: {zh: 休息, en: Rest}
    in_force: {from: 2026-02-01, to: 2027-02-01}
    on: [UserSpoke, TimePassed]
    when: {use.since_reminder.rest: {at_least: 30m}}
    owes:
      - Remind: {template: rest, topic: rest}
    evidence: 记录
    cases: [long-use]
  - id: my.rest-clock
    article: 第二条
    title: {zh: 计时, en: Clock}
    in_force: {from: 2026-02-01}
    on: [UserSpoke]
    when: always
    wakes:
      - {key: rest, field: use.since_reminder.rest, reaches: 30m}
    evidence: 记录
    cases: [long-use]
"""

TEMPLATES = """\
version: "1"
written_by: we
approved: 2026-01-15
note: short and kind
templates:
  - id: help
    kind: help
    zh: 可以打{hotlines}。急的话打 {emergency}。
    en: You can call {hotlines}. If it is urgent, {emergency}.
  - id: rest
    kind: reminder
    zh: 歇一歇。
    en: Take a rest.
"""

RESOURCES = """\
resources:
  - id: line
    name: {zh: 热线, en: The line}
    number: "123"
    region: cn
    hours: {zh: 白天, en: daytime}
    verified_on: 2026-01-10
    for: [crisis]
  - id: youth
    name: {zh: 青少年热线, en: Youth line}
    number: "456"
    region: cn
    verified_on: null
    source: a list
    for: [youth]
  - id: ambulance
    name: {zh: 急救, en: Ambulance}
    number: "120"
    region: cn
    verified_on: null
    source: everybody
    for: [ambulance]
"""

CASES = """\
start: 2026-03-01T10:00+08:00
cases:
  - case: danger
    title: {zh: 危险, en: Danger}
    person: {age_band: adult, emergencies: 1}
    events:
      - {at: 0m, UserSpoke: {crisis: 2}, owed: [ShowHelp, {Escalate: {urgency: now}}], not_owed: [Lock]}
      - {at: 1m, UserSpoke: {crisis: 1}, not_owed: [ShowHelp]}
  - case: long-use
    title: {zh: 久用, en: Long use}
    events:
      - {at: 0m, UserSpoke: {}, owed: [WakeAt]}
      - {at: 10m, every: 10m, until: 20m, UserSpoke: {}, not_owed: [Remind]}
      - {at: 30m, TimePassed: {key: rest}, owed: [{Remind: {template: rest}}]}
"""

FILES = {
    "pack.yaml": PACK,
    "templates/words.yaml": TEMPLATES,
    "resources.yaml": RESOURCES,
    "cases.yaml": CASES,
}

Write = Callable[..., Path]


@pytest.fixture
def write_pack(tmp_path: Path) -> Write:
    """Writes the small pack, with `old` replaced by `new` in `file`, and says where."""

    def write(file: str = "", old: str = "", new: str = "", *, folder: str = "my") -> Path:
        for name, text in FILES.items():
            path = tmp_path / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            assert name != file or old in text, f"`{old}` is not in {file}"
            path.write_text(text.replace(old, new, 1) if name == file else text, encoding="utf-8")
        return tmp_path / folder

    return write
