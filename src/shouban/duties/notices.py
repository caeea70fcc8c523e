"""Turns what is owed to a person into words that reach them: notices, and the text that stands in for a reply."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

import msgspec

from shouban.core.events import AgeBand
from shouban.core.obligations import (
    Announce,
    AskConsent,
    AskContacts,
    Block,
    Disclose,
    EndSession,
    Ground,
    Interrupt,
    Lock,
    Obligation,
    RefusePurchase,
    Remind,
    ReplaceReply,
    ShowHelp,
    SwitchMode,
)  # fmt: skip
from shouban.duties.ledger import Duty
from shouban.packs.pack import LoadedPack
from shouban.packs.templates import Help, Language

KINDS: Final[dict[type[Obligation], str]] = {
    Disclose: "disclosure",
    Remind: "reminder",
    Ground: "grounding",
    ShowHelp: "help",
    ReplaceReply: "replaced",
    Block: "blocked",
    Interrupt: "interrupted",
    Lock: "locked",
    EndSession: "goodbye",
    SwitchMode: "mode",
    AskContacts: "contacts",
    AskConsent: "consent",
    RefusePurchase: "purchase",
    Announce: "outage",
}
# What is withdrawn by a name that stands for something; any other is shown as it was written.
FEATURE_WORDS: Final = {"service": ("本服务", "this service")}
# These take the place of the model's reply; of several the last in this row is the text given.
INSTEAD: Final = ("purchase", "goodbye", "blocked", "replaced", "interrupted", "locked")
FIRST: Final = ("disclosure", "honest_answer")
BEFORE: Final = (*FIRST, "reminder", "mode", "outage")
# What stays part of the talk for whoever reads it again: help, and the words that stood in a reply's place.
IN_TALK: Final = frozenset({"help", "replaced", "blocked", "interrupted"})
LABELS: Final[dict[Language, tuple[str, str]]] = {"zh": ("【求助】", "【提示】"), "en": ("[Help] ", "[Notice] ")}


class Notice(msgspec.Struct, frozen=True, omit_defaults=True):
    """One notice as a client sees it; `id` is the duty's, so that a notice seen twice is known for the same."""

    id: str
    kind: str
    topic: str
    text: str
    template: str
    because: tuple[str, ...]
    at: datetime
    help: tuple[Help, ...] = ()


def notice_of(
    duty: Duty, pack: LoadedPack, language: Language, *, at: datetime, age_band: AgeBand, region: str
) -> Notice | None:
    """The words of a duty, or nothing where the duty has none."""
    kind = KINDS.get(type(duty.owed))
    if kind is None:
        return None
    ref = str(getattr(duty.owed, "template", ""))
    topic = str(getattr(duty.owed, "topic", ""))
    if topic == "honest-answer":
        kind = "honest_answer"
    values = _announced(duty.owed, pack, language) if isinstance(duty.owed, Announce) else None
    text = pack.template(ref, language, region=region, age_band=age_band, values=values, at=at).text
    card = pack.help_for(duty.owed.topic, language, region, age_band, at=at) if isinstance(duty.owed, ShowHelp) else []
    return Notice(duty.id, kind, topic, text, ref, duty.owed.because, at, tuple(card))


def _announced(owed: Announce, pack: LoadedPack, language: Language) -> dict[str, str]:
    """What ends, and when, where the announcement says so."""
    feature = FEATURE_WORDS.get(owed.feature, (owed.feature, owed.feature))[language == "en"]
    ends = f"{pack.pack.settings.local(owed.ends_at):%Y-%m-%d}" if owed.ends_at else ""
    return {name: value for name, value in (("feature", feature), ("ends_at", ends)) if value}


class Answer(msgspec.Struct, frozen=True):
    """How a turn is answered: notices around the model's reply, or a text instead of it."""

    notices: tuple[Notice, ...]
    instead: Notice | None

    @property
    def prefix(self) -> str:
        """What an unaware client reads before the reply. Before help nothing stands but that this is no human."""
        return "".join(f"{framed(one)}\n\n" for one in self.notices if one.kind in self._before)

    @property
    def suffix(self) -> str:
        """What it reads after the reply."""
        after = [one for one in self.notices if one.kind not in self._before and one is not self.instead]
        said = self.instead.text if self.instead else ""
        return "".join(f"\n\n{framed(one)}" for one in (unsaid(notice, said) for notice in after))

    @property
    def _before(self) -> tuple[str, ...]:
        if not any(is_for_danger(one) for one in self.notices):
            return BEFORE
        is_said = self.instead is None or self.instead.kind == "replaced"
        return FIRST if is_said else (*FIRST, "help")

    @property
    def aware(self) -> tuple[Notice, ...]:
        return tuple(one for one in self.notices if one is not self.instead)

    @property
    def session_ends(self) -> bool:
        return any(one.kind == "goodbye" for one in self.notices)


def is_for_danger(notice: Notice) -> bool:
    """Whether it is help for somebody in danger: nothing may stand before it."""
    return notice.kind == "help" and notice.topic == "crisis"


def answer_of(notices: Iterable[Notice]) -> Answer:
    """Orders notices, and finds the one that stands in for the reply, if any does.

    INVARIANT: where somebody is in danger, the words for that stand there; a lock, a refusal, a goodbye takes their place never.
    """
    given = tuple(notices)
    standing = sorted((one for one in given if one.kind in INSTEAD), key=lambda one: INSTEAD.index(one.kind))
    if any(is_for_danger(one) for one in given):
        standing = [one for one in standing if one.kind == "replaced"] or standing
    instead = standing[-1] if standing else None
    kept = tuple(one for one in given if one is instead or one.kind not in INSTEAD or one.kind == "goodbye")
    return Answer(kept, instead)


def unsaid(notice: Notice, said: str) -> Notice:
    """A help card without the numbers that the text before it has just given; somebody in need reads them once."""
    given = {one.number for one in notice.help if one.number in said}
    kept: list[str] = []
    for line in notice.text.splitlines():
        numbers = {one.number for one in notice.help if one.number in line}
        if numbers and numbers <= given:
            if kept and kept[-1].endswith((":", "：")):
                kept.pop()
            continue
        kept.append(line)
    return msgspec.structs.replace(notice, text="\n".join(kept)) if kept else notice


def framed(notice: Notice) -> str:
    """A notice in running text says that it is one."""
    help_label, label = LABELS["zh" if is_chinese(notice.text) else "en"]
    return (help_label if notice.kind == "help" else label) + notice.text


def is_chinese(text: str) -> bool:
    return any("\u4e00" <= letter <= "\u9fff" for letter in text)


def language_of(text: str, otherwise: Language) -> Language:
    """The language a text is answered in: Chinese if it has Chinese in it, English if it has Latin letters only."""
    if is_chinese(text):
        return "zh"
    return "en" if any(letter.isascii() and letter.isalpha() for letter in text) else otherwise


def words_of(
    duties: Sequence[Duty], pack: LoadedPack, language: Language, *, at: datetime, age_band: AgeBand, region: str
) -> list[Notice]:
    found = (notice_of(duty, pack, language, at=at, age_band=age_band, region=region) for duty in duties)
    return [one for one in found if one is not None]
