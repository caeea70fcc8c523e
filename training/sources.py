"""The open data that may train a shipped model (`train_ok = "yes"`), in the form of the corpus.

Each source teaches only what its labels say: a head that a source does not name is left out of it, not taken as absent.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final

from shouban.core.signals import Role
from shouban.detectors.labelled import SHOWN, share
from training.features import Example

DATA: Final = Path(__file__).resolve().parents[2] / "shared" / "data"
CRISIS: Final = (1, 2, 3, 4)
PROHIBITED: Final = ("sexual", "gambling", "violence", "crime", "insult", "fraud", "illicit_ads", "rumour", "extremism", "discrimination", "minors_harm")  # fmt: skip
CALM: Final = ("crisis_other", "dependence", "withdrawal", "kin_request", "jailbreak", "property_risk", "asks_if_human")
_TURN: Final = re.compile(r"^(client|counselor|user|assistant)[:：]\s*(.*)$")
Row = dict[str, Any]


def rows(name: str) -> Iterator[Row]:
    """The rows of a file of `shared/data`; nothing where it is not there."""
    file = DATA / f"{name}.jsonl.gz"
    if not file.exists():
        return
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def _may_train(row: Row) -> bool:
    return row.get("train_ok") == "yes"


def for_user() -> Iterator[Example]:
    """What the open data teaches of a person's words."""
    for row in rows("psysuicide"):
        label = int(row["label"])
        yield Example(
            row["text"], (), {f"crisis>={level}": (int(label >= level), 1.0) for level in CRISIS}, "psysuicide"
        )
    yield from _calm(
        "kdconv", 5000, 0.3, CALM + tuple(f"prohibited.{one}" for one in PROHIBITED) + ("emotion", "intimacy_request")
    )
    yield from _calm("chatterbot_corpus", 1200, 0.3, CALM[:4])
    yield from _calm("emollm_persona_user", 2500, 0.25, ("crisis_other", "kin_request", "property_risk", "jailbreak"))
    yield from _calm(
        "goemotions",
        4000,
        0.15,
        ("crisis_other", "kin_request", "property_risk", "jailbreak", "dependence", "withdrawal"),
    )
    yield from _counselling(4000)
    for name in ("chinese_safetyqa", "xstest_v2"):
        for row in rows(name):
            if row["label"] in {"safe", "safe_factual"} and share(row["id"]) < 0.5:
                yield _example(
                    row,
                    {
                        **_none("prohibited", 0.6),
                        **_none("crisis", 0.6),
                        "jailbreak>=2": (0, 0.6),
                        "jailbreak>=3": (0, 0.6),
                    },
                )
    for row in rows("cold"):
        if row["split"] == "train" and share(row["id"]) < 0.8:
            targets: dict[str, tuple[int, float]] = {"prohibited.discrimination>=2": (int(row["label"]), 0.5)}
            if str(row["label"]) == "0":
                # Ordinary posts of a public forum: nobody in them speaks of a danger of their own.
                targets |= {**_none("crisis", 0.3), **{f"{signal}*": (0, 0.3) for signal in CALM}}
            yield _example(row, targets)
    for row in rows("jade_db"):
        prohibited = {"违法犯罪": "crime", "歧视偏见": "discrimination"}.get(str(row["label"]).strip())
        if prohibited and share(row["id"]) < 0.5:
            yield _example(row, {f"prohibited.{prohibited}>=2": (1, 0.2)})


def for_companion() -> Iterator[Example]:
    """What it teaches of a companion's words: how ordinary replies sound."""
    yield from _calm("kdconv", 4000, 0.3, ("manipulation", "prohibited"))
    yield from _calm("chatterbot_corpus", 1500, 0.3, ("manipulation",))
    gentle = (row for row in rows("emollm_persona_output") if row["label"] == "none_gentle_persona")
    for row in islice((row for row in gentle if share(row["id"]) < 0.6), 2000):
        yield _example(row, {**_none("manipulation", 0.25), **_none("prohibited", 0.25)})
    for row in _spoken("counselor", 2500):
        yield _example(row, {**_none("manipulation", 0.25), **_none("prohibited", 0.25)})
    for row in rows("cold"):
        if row["split"] == "train" and share(row["id"]) < 0.3:
            yield _example(row, {"prohibited.discrimination>=2": (int(row["label"]), 0.3)})


def _none(prefix: str, weight: float) -> dict[str, tuple[int, float]]:
    """Nothing of the signals that begin so, at any level."""
    return {f"{prefix}*": (0, weight)}


def _calm(name: str, most: int, weight: float, signals: tuple[str, ...]) -> Iterator[Example]:
    """Everyday chat: nothing of `signals` nor of danger in it."""
    taken = (
        row
        for row in rows(name)
        if _may_train(row) and isinstance(row["text"], str) and share(row["id"], "calm") < 0.65
    )
    targets: dict[str, tuple[int, float]] = _none("crisis", weight)
    for signal in signals:
        targets |= _none(signal, weight)
    for row in islice(taken, most):
        yield _example(row, targets)


def _counselling(most: int) -> Iterator[Example]:
    """People in distress, unlabelled: few of them are in danger, so each counts little; words of death are left out."""
    danger = re.compile(r"死|自杀|自残|活着|轻生|结束生命|割|跳楼|不想活|活不下去|遗书|安眠药|解脱|消失")
    for row in _spoken("client", most):
        if not danger.search(row["text"]):
            yield _example(
                row,
                {**_none("crisis", 0.2), **_none("prohibited", 0.2), "kin_request*": (0, 0.2), "jailbreak*": (0, 0.2)},
            )


def _spoken(who: str, most: int) -> Iterator[Row]:
    """Single turns of one speaker out of the counselling talks that may train."""
    found = 0
    for name in ("smilechat_6k", "cpsycound"):
        for row in rows(name):
            if row["split"] != "train" or share(row["id"], who) > 0.35:
                continue
            for at, line in enumerate(str(row["text"]).split("\n")):
                match = _TURN.match(line)
                if match and match.group(1) == who and match.group(2) and share(f"{row['id']}-{at}") < 0.25:
                    yield {**row, "text": match.group(2), "context": None}
                    found += 1
                    if found >= most:
                        return


def said_by(who: str, split: str) -> Iterator[str]:
    """Turns of one speaker in the counselling talks of a split, in order."""
    for name in ("smilechat_6k", "cpsycound"):
        for row in rows(name):
            if row["split"] == split:
                yield from (match.group(2) for line in str(row["text"]).split("\n") if (match := _TURN.match(line)) and match.group(1) == who)  # fmt: skip


# Datasets whose licence allows training and whose labels say nothing of our signals; of each so many texts, by who says them.
_UNLABELLED: Final[dict[Role, tuple[tuple[str, int], ...]]] = {
    "user": (("kdconv", 5000), ("emollm_persona_user", 6000), ("goemotions", 9000), ("cold", 9000), ("swsr_sexism", 4000), ("chatterbot_corpus", 1500)),
    "companion": (("emollm_persona_output", 6000), ("darkbench_sft_outputs", 3000), ("kdconv", 3000), ("chatterbot_corpus", 1500)),
}  # fmt: skip
_TALKS: Final = {"user": "client", "companion": "counselor"}
_TURNS_TAUGHT: Final = 16_000


def unlabelled(role: Role) -> Iterator[Example]:
    """Texts on which only the encoder has a word: single texts, and turns of counselling talks with the turn before."""
    for name, most in _UNLABELLED[role]:
        taken = (
            row for row in rows(name)
            if _may_train(row) and isinstance(row["text"], str) and len(row["text"]) > 1 and row["split"] != "test" and share(row["id"], "calm") < 0.65
        )  # fmt: skip
        yield from (
            Example(row["text"][:SHOWN], (), {}, "unlabelled", row.get("lang", "zh")) for row in islice(taken, most)
        )
    yield from islice(_turns(role), _TURNS_TAUGHT)


def _turns(role: Role) -> Iterator[Example]:
    for name in ("smilechat_6k", "cpsycound"):
        for row in rows(name):
            if row["split"] != "train":
                continue
            said = [found.groups() for line in str(row["text"]).split("\n") if (found := _TURN.match(line))]
            for at, (who, text) in enumerate(said):
                if who == _TALKS[role] and text and share(f"{row['id']}-{at}", "taught") < 0.4:
                    other: Role = "companion" if role == "user" else "user"
                    before = ((other, said[at - 1][1]),) if at and said[at - 1][0] != who else ()
                    yield Example(text[:SHOWN], before, {}, "unlabelled")


def _example(row: Row, targets: dict[str, tuple[int, float]]) -> Example:
    return Example(row["text"][:SHOWN], (), targets, row["id"].rsplit("-", 1)[0], row.get("lang", "zh"))


# Words by which somebody says who they are, other than those that `shouban robustness` measures with.
_SOMEBODY: Final = (
    "我是湖北的，", "我们东北这旮沓，", "我是安徽人，", "我在西北这边，", "我老家山东，", "我家甘肃的，", "我是满族，", "我是壮族的，", "我是朝鲜族，", "我信天主教，", "我家里是穆斯林，", "我是女同，",
    "我是双性恋，", "我有哮喘，", "我有白癜风，", "我有双相，", "我在吃药控制情绪，", "我有肝炎，", "我眼睛看不见，", "我只有一只手，", "我离过婚，", "我是单亲妈妈，", "我是男护士，", "我们女司机，", "我一个大老爷们，",
    "我一个姑娘家，", "我是黑人，", "我是混血，", "俺寻思，", "我给恁说，", "我跟侬讲，", "我同你倾下，", "刚下楼，", "说个事，", "随便聊聊，",
)  # fmt: skip
_SAID_BY: Final = 0.07


def said_by_somebody(example: Example) -> list[Example]:
    """Some lines once more, with words before them that say who speaks: whoever says a thing, it means the same."""
    if example.lang != "zh" or example.context or share(example.text, "somebody") >= _SAID_BY:
        return []
    words = _SOMEBODY[int(share(example.text, "which") * len(_SOMEBODY))]
    kept = {name: target for name, target in example.targets.items() if not name.startswith(("adult_cue", "elder_cue"))}
    return [Example(words + example.text, (), kept, example.source, example.lang)]


def everyday_chat(role: Role) -> list[str]:
    """Ordinary chat that thresholds must bear: nothing is trained on it. Both speakers of ordinary chat sound alike."""
    taken = (
        row["text"]
        for name in ("kdconv", "nus_sms_zh", "lccc_toy")
        for row in rows(name)
        if share(row["id"], "calm") >= 0.65
    )
    return [text for text in taken if isinstance(text, str) and len(text) > 1][: 9000 if role == "user" else 5000]


BY_ROLE: Final[dict[Role, Callable[[], Iterator[Example]]]] = {"user": for_user, "companion": for_companion}
