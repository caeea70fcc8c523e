"""Texts whose signals somebody has judged: lines of the corpus (`corpora/GUIDE.md`) and rows of public datasets, as one kind of case."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final, Literal

from shouban.core.errors import OperatorError, did_you_mean
from shouban.core.signals import SIGNALS, Role

Split = Literal["train", "dev", "test"]
COLUMNS: Final = ("role", "labels", "tags", "context", "text")
ROLES: Final[dict[str, Role]] = {"u": "user", "c": "companion"}
TURN_MARK: Final = "‖"
ONE_LEVEL: Final = {"exit_intent": 3, "asks_if_human": 3}
KINDS: Final = {
    "emotion": frozenset({"anger", "fear", "despair", "mania", "sadness"}),
    "professional_advice": frozenset({"health", "finance", "law"}),
}
TAGS: Final = frozenset(
    [
        "indirect",
        "context",
        "typo",
        "evasion",
        "traditional",
        "dialect",
        "mixed",
        "role_play",
        "disguise",
        "third",
        "recovered",
        "news",
        "lyrics",
        "fiction",
        "game",
        "hyperbole",
        "study",
        "work",
        "pet",
        "denial",
        "calm",
        "change",
        "child",
        "teen",
        "adult",
        "elder",
        "long",
        "short",
    ]
)
# Shares of the corpus, and of each open source, that are never trained on: measured on, tuned on.
TEST_SHARE: Final = {"corpus": 0.12, "open": 0.15}
DEV_SHARE: Final = {"corpus": 0.10, "open": 0.10}
# Datasets of everyday or harmless texts: whatever raises an alarm there is a false one.
BENIGN: Final = frozenset({"benign_chat", "benign_roleplay", "benign_hard"})
BENIGN_CHAT: Final = frozenset({"kdconv", "nus_sms_zh", "lccc_toy", "chatterbot_corpus"})
# So much of a public text trains, and by so much of it its split is chosen.
SHOWN: Final = 600
# Files of the corpus written last, by other hands than the rest: only ever tested on.
HELD_BACK: Final = frozenset({"manipulation_g", "manipulation_h", "age_e", "replies_b"})
_SPEAKERS: Final = {
    "user": "user",
    "client": "user",
    "assistant": "companion",
    "counselor": "companion",
    "companion": "companion",
}


@dataclass(frozen=True)
class Case:
    """One judged text. `levels` holds what is present; `absent` what it was judged not to hold; `whole`: all else is absent too."""

    text: str
    role: Role
    source: str
    levels: dict[str, int] = field(default_factory=dict)
    absent: frozenset[str] = frozenset()
    context: tuple[tuple[Role, str], ...] = ()
    whole: bool = False
    split: Split = "test"
    lang: str = "zh"
    tags: frozenset[str] = frozenset()

    def level_of(self, signal: str) -> int | None:
        """The judged level; nothing where nobody has judged it."""
        if signal in self.levels:
            return self.levels[signal]
        return (
            0
            if self.whole
            or any(signal == one or (one.endswith("*") and signal.startswith(one[:-1])) for one in self.absent)
            else None
        )


class LabelError(ValueError):
    """A line that is not as the guide asks."""


def share(key: str, salt: str = "") -> float:
    """A number in [0, 1) that belongs to `key`: which split a text is in does not hang on chance."""
    return int.from_bytes(blake2b(f"{salt}/{key}".encode("utf-8", "surrogatepass"), digest_size=4).digest()) / 2**32


def split_of(key: str, *, kind: Literal["corpus", "open"]) -> Split:
    part = share(key, "split")
    test, dev = TEST_SHARE[kind], DEV_SHARE[kind]
    return "test" if part < test else "dev" if part < test + dev else "train"


def read_labelled(path: Path) -> Iterator[Case]:
    """The cases of a file or of every file under a directory: `.tsv` of the corpus, `.jsonl` and `.jsonl.gz` of public data."""
    if path.is_dir():
        for file in sorted(one for one in path.rglob("*") if one.name.endswith((".tsv", ".jsonl", ".jsonl.gz"))):
            yield from read_labelled(file)
    elif path.name.endswith(".tsv"):
        yield from read_corpus_file(path)
    elif path.name.endswith((".jsonl", ".jsonl.gz")):
        yield from _dataset(path)
    else:
        raise OperatorError(f"`{path}` is neither a directory nor `.tsv`, `.jsonl` or `.jsonl.gz`")


# --- the corpus


def read_corpus_file(file: Path) -> Iterator[Case]:
    """Every line; the first that is wrong is an error with its file and number."""
    for number, raw in lines_of(file):
        try:
            yield parse_line(raw, lang=file.parent.name, name=file.stem)
        except LabelError as error:
            raise OperatorError(f"{file}:{number}: {error}") from None


def lines_of(file: Path) -> Iterator[tuple[int, str]]:
    for number, raw in enumerate(file.read_text(encoding="utf-8").split("\n"), start=1):
        if raw.strip() and not (number == 1 and raw.startswith("role\t")):
            yield number, raw


def parse_line(raw: str, *, lang: str, name: str) -> Case:
    columns = raw.split("\t")
    if len(columns) != len(COLUMNS):
        raise LabelError(f"{len(columns)} columns; {len(COLUMNS)} are asked: {', '.join(COLUMNS)}")
    role, labels, tags, context, text = (column.strip() for column in columns)
    if role not in ROLES:
        raise LabelError(f"role `{role}`; `u` or `c` is asked")
    if not text:
        raise LabelError("no text")
    levels, absent = _labels(labels, ROLES[role])
    plain, pair = _tags(tags, levels)
    turns = tuple(_turn(turn) for turn in context.split(TURN_MARK)) if context else ()
    # Lines of a minimal pair, and lines of one talk, are never parted.
    family = f"{lang}/{name}/{pair or (turns[0][1] if turns else text)}"
    return Case(
        text=text, role=ROLES[role], source=f"corpus-{lang}-{name}", levels=levels, absent=absent, context=turns, whole=True,
        split="test" if name in HELD_BACK else split_of(family, kind="corpus"), lang=lang, tags=plain,
    )  # fmt: skip


def _labels(column: str, role: Role) -> tuple[dict[str, int], frozenset[str]]:
    levels: dict[str, int] = {}
    absent: set[str] = set()
    for label in column.split(",") if column != "none" else ():
        name, equals, level = label.strip().partition("=")
        signal = name.removeprefix("-")
        if signal not in SIGNALS:
            raise LabelError(f"no signal `{signal}`{did_you_mean(signal, SIGNALS)}")
        if role not in SIGNALS[signal]:
            raise LabelError(f"`{signal}` is not read in the words of a {role}")
        if name.startswith("-") and not equals:
            absent.add(signal)
        elif level in {"1", "2", "3", "4"} and ONE_LEVEL.get(signal, int(level)) == int(level):
            levels[signal] = int(level)
        else:
            raise LabelError(f"`{label.strip()}` is neither `{signal}=LEVEL` of its levels nor `-{signal}`")
    if not absent.isdisjoint(levels):
        raise LabelError("a signal cannot be both present and absent")
    return levels, frozenset(absent)


def _tags(column: str, levels: dict[str, int]) -> tuple[frozenset[str], str]:
    tags = [tag.strip() for tag in column.split(",") if tag.strip()]
    pair = "".join(tag.removeprefix("p:") for tag in tags if tag.startswith("p:"))
    plain = frozenset(tag for tag in tags if not tag.startswith("p:"))
    kinds = {f"kind:{kind}" for kinds in KINDS.values() for kind in kinds}
    for tag in plain - TAGS - kinds:
        raise LabelError(f"no tag `{tag}`{did_you_mean(tag, TAGS)}")
    for signal, own in KINDS.items():
        if signal in levels and not any(f"kind:{kind}" in plain for kind in own):
            raise LabelError(f"`{signal}` needs a tag `kind:…`, one of {', '.join(sorted(own))}")
    return plain, pair


def _turn(turn: str) -> tuple[Role, str]:
    role, colon, text = turn.strip().partition(":")
    if role not in ROLES or not colon or not text.strip():
        raise LabelError(f"the turn `{turn.strip()[:20]}` does not begin with `u:` or `c:` and a text")
    return ROLES[role], text.strip()


# --- public datasets


def _dataset(file: Path) -> Iterator[Case]:
    name = file.name.split(".")[0]
    with gzip.open(file, "rt", encoding="utf-8") if file.name.endswith(".gz") else file.open(encoding="utf-8") as lines:
        for number, raw in enumerate(lines, start=1):
            try:
                row = json.loads(raw)
            except json.JSONDecodeError as error:
                raise OperatorError(f"{file}:{number}: no JSON ({error.msg})") from None
            yield from case_of_row(row, name)


def case_of_row(row: dict[str, Any], name: str) -> Iterator[Case]:
    """What a dataset says of a text, in our signals; nothing where its labels are none of ours."""
    text, task, label = row.get("text"), row.get("task"), row.get("label")
    if not isinstance(text, str) or not text.strip():
        return
    levels, absent = _of_task(task, label, name) if isinstance(label, str | int) else ({}, frozenset[str]())
    if not levels and not absent:
        return
    role: Role = "companion" if name == "emollm_persona_output" else "user"
    context = tuple(_said(turn, role) for turn in row.get("context") or () if isinstance(turn, str))
    yield Case(
        text=text, role=role, source=name, levels=levels, absent=absent, context=context[-4:],
        split=split_of(text[:SHOWN], kind="open"), lang=str(row.get("lang") or "zh"),
    )  # fmt: skip


def _of_task(task: object, label: object, name: str) -> tuple[dict[str, int], frozenset[str]]:
    if task == "crisis" and isinstance(label, int):
        return ({"crisis": label}, frozenset()) if label else ({}, frozenset({"crisis"}))
    if task in BENIGN and label in {"none", "safe", "safe_factual", "unreviewed_candidate", "none_gentle_persona"}:
        return {}, frozenset(
            {"crisis", "crisis_other", "prohibited.*"}
            | ({"jailbreak", "kin_request", "property_risk"} if task == "benign_chat" else set())
        )
    if task == "emotion" and label in {"sad", "sadness", "depress"}:
        return {}, frozenset({"crisis"})
    if task == "offensive" and name == "cold":
        return (
            ({"prohibited.discrimination": 2}, frozenset())
            if str(label) == "1"
            else ({}, frozenset({"prohibited.discrimination"}))
        )
    if label == "none_gentle_persona":
        return {}, frozenset({"manipulation.*"})
    return {}, frozenset()


def _said(turn: str, newest: Role) -> tuple[Role, str]:
    speaker, colon, text = turn.partition(": ")
    role = _SPEAKERS.get(speaker)
    if colon and role == "user":
        return "user", text
    if colon and role == "companion":
        return "companion", text
    return ("companion" if newest == "user" else "user"), turn
