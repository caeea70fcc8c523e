"""A case as it may go, from the plan to the follow-up: its rows, its entries, and the file they make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from shouban.core import events as e
from shouban.core import obligations as o
from shouban.core.signals import Level, Reading
from shouban.duties.ledger import Duty
from shouban.duties.receipts import Receipt
from shouban.evidence.chain import leaf_hash
from shouban.evidence.log import Acted, Decided, microseconds
from shouban.evidence.note import Checkpoint, Signer
from shouban.offices.care_desk.casefile import CaseFile, Entry, Law, Reader, Rows, assembled
from shouban.offices.care_desk.model import Case, Note

NOON: Final = datetime.fromisoformat("2026-08-03T12:00:00+08:00")
SERVICE: Final = "default"
PERSON: Final = "df8ffc7cb117749c1e5009ed"
SESSION: Final = "75193803cdb0a238c580"
NAMES: Final = {"lin": "小林", "zhou": "小周"}
PACK: Final = "cn@def3a67d88f8f02d"
LAW: Final = Law(PACK, {"cn-words/crisis-help": "1", "cn-words/crisis-reply": "1"})
ADDRESS: Final = "mailto:wangfang@example.org"
PROFILE: Final[Mapping[str, Any]] = {
    "nickname": "小雨", "contacts": [{"id": "mother", "kind": "guardian", "name": "王芳", "relation": "mother", "channels": [ADDRESS]}],
}  # fmt: skip
CASE: Final = Case(
    id="c3f6eb09c7ea31eeaa9e5f70", person=PERSON, session=SESSION, reason="crisis", urgency=2, wants_takeover=True, stage="closed", opened_at=NOON, asked_at=NOON,
    due_at=NOON + timedelta(minutes=1), risk=4, spoke_at=NOON, claimed_at=NOON + timedelta(seconds=20), taken_at=NOON + timedelta(seconds=95),
    handed_at=NOON + timedelta(minutes=31), closed_at=NOON + timedelta(minutes=40), outcome="helped",
)  # fmt: skip
CRISIS: Final = (Reading("crisis", Level.SEVERE, 0.99, "words", "1"), Reading("crisis", Level.LOW, 0.4, "model", "2"))
RULES: Final = ("cn-2025-draft.crisis-person-4", "cn-2026-order21.crisis-person-4")
TALK: Final[Sequence[Mapping[str, Any]]] = (
    {"at_us": microseconds(NOON), "role": "user", "text": "我写好遗书了，今晚就去死"},
    {"at_us": microseconds(NOON + timedelta(seconds=96)), "role": "human", "text": "你好，我是小林，是真人工作人员。"},
)  # fmt: skip
HELP: Final = o.ShowHelp(template="cn-words/crisis-help", because=RULES)
REPLY: Final = o.ReplaceReply(template="cn-words/crisis-reply", because=RULES)
TELL: Final = o.NotifyGuardian(template="cn-words/guardian-crisis", urgency="emergency", because=RULES)
CALL: Final = o.Escalate(reason="crisis", urgency="emergency", takeover=True, because=RULES)
FOLLOW: Final = o.FollowUp()


def after(**later: float) -> datetime:
    return NOON + timedelta(**later)


def decided(event: e.AnyEvent, *owed: o.AnyObligation, duties: Sequence[str] = (), pack: str = PACK) -> Decided:
    return Decided(SERVICE, event, owed, RULES if owed else (), pack, tuple(duties))


def acted(act: str, at: datetime, account: str = "lin", **facts: Any) -> Acted:
    return Acted(service=SERVICE, at=at, act=act, person=PERSON, facts={"account": account, **facts})


def spoke(at: datetime, readings: tuple[Reading, ...] = ()) -> e.UserSpoke:
    return e.UserSpoke(at=at, person=PERSON, session=SESSION, readings=readings)


def duty(name: str, owed: o.AnyObligation, at: datetime, state: str = "done") -> Duty:
    due = at + getattr(owed, "answer_within", timedelta(minutes=2))
    return Duty(name, SERVICE, PERSON, SESSION, owed, microseconds(at), microseconds(due), state=state)


def entries() -> list[Entry]:
    common: dict[str, Any] = {"person": PERSON, "session": SESSION}
    said: list[Decided | Acted] = [
        decided(spoke(NOON, CRISIS), CALL, HELP, TELL, REPLY, duties=("call", "help", "tell", "reply")),
        acted("kept", NOON, ""),
        acted("case_claimed", after(seconds=20)),
        decided(e.HumanTookOver(at=after(seconds=95), staff="lin", **common)),
        decided(e.HumanSpoke(at=after(seconds=96), staff="lin", **common)),
        decided(e.DutyDone(at=after(seconds=100), duty="help", obligation="ShowHelp", **common)),
        decided(e.ContactTold(at=after(minutes=2), duty="tell", contact="mother", how="mail took it", **common)),
        decided(e.DutyDone(at=after(minutes=2), duty="tell", obligation="NotifyGuardian", **common)),
        decided(spoke(after(minutes=5))),
        decided(e.ContactAnswered(at=after(minutes=9), duty="tell", contact="mother", able=False, **common)),
        decided(e.HumanHandedBack(at=after(minutes=31), staff="lin", **common), FOLLOW, duties=("follow",)),
        decided(e.CaseClosed(at=after(minutes=40), case=CASE.id, staff="zhou", **common)),
        decided(spoke(after(hours=3))),
        decided(e.FollowedUp(at=after(hours=25), duty="follow", staff="zhou", **common)),
        acted("case_exported", after(hours=26), "zhou", form="pdf"),
    ]
    return list(enumerate(said, 40))


def checkpoint(size: int = 60) -> str:
    return Signer.from_seed("shouban.log/0123456789abcdef", b"\1" * 32).sign(
        Checkpoint("shouban.log/0123456789abcdef", size, leaf_hash(b"x")).body()
    )


def rows(*notes: str, case: Case = CASE) -> Rows:
    return Rows(
        case, after(minutes=2), entries(),
        [duty("call", CALL, NOON), duty("help", HELP, NOON), duty("reply", REPLY, NOON, "owed"), duty("tell", TELL, NOON), duty("follow", FOLLOW, after(minutes=31))],
        [Receipt(SERVICE, PERSON, "tell", "mother", after(minutes=2), "mail took it", after(minutes=9))],
        [Note(f"note-{n}", "小林", after(minutes=31 + n), text) for n, text in enumerate(notes or ("问过了，现在没有危险。母亲的电话打不通。",))],
        checkpoint(),
    )  # fmt: skip


def case_file(
    *notes: str, nickname: str = "小雨", words: Sequence[Mapping[str, Any]] | None = None, sees: bool = True
) -> CaseFile:
    reader = Reader("小周", after(hours=26), sees_contacts=sees, words=words)
    return assembled(rows(*notes), SERVICE, {**PROFILE, "nickname": nickname}, NAMES, LAW, reader)
