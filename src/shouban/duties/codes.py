"""Codes that show that an address is whose it is said to be: how often they are sent, how long they hold, how many tries there are. Pure.

What is kept of a code is a dictionary in somebody's sealed record: `digest`, `at`, `tries`, and `sent`, the times of the last day.
"""

from __future__ import annotations

import hmac
import secrets
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from shouban.core.errors import CallerError

CODE_DIGITS: Final = 6
CODE_LIFE: Final = timedelta(minutes=15)
CODE_TRIES: Final = 5
# An address is somebody's phone: it is not flooded, whoever asks.
CODE_EACH: Final = timedelta(minutes=1)
CODES_A_DAY: Final = 5

Kept = dict[str, Any]


def new_code() -> str:
    return f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"


def within_a_day(times: list[str], at: datetime) -> list[str]:
    return [one for one in times if at - datetime.fromisoformat(one) < timedelta(days=1)]


def sent(kept: Kept, owner: str, code: str, at: datetime) -> Kept:
    """What is kept once a code is on its way to `owner`. Raises `CallerError` (429) where they had enough of them."""
    times = within_a_day(kept.get("sent", []), at)
    if times and at - datetime.fromisoformat(times[-1]) < CODE_EACH:
        raise CallerError("a code was sent a moment ago; wait a minute", status=429, code="too_many_codes")
    if len(times) >= CODES_A_DAY:
        raise CallerError(
            f"{CODES_A_DAY} codes were sent there today; try again tomorrow", status=429, code="too_many_codes"
        )
    return {"digest": digest(owner, code), "at": at.isoformat(), "tries": 0, "sent": [*times, at.isoformat()]}


def tried(kept: Kept, owner: str, code: str, at: datetime) -> tuple[Kept, CallerError | None]:
    """What is kept after a try, and what was wrong with it. A right code is used up."""
    if not kept.get("digest") or at - datetime.fromisoformat(kept["at"]) > CODE_LIFE:
        return kept, CallerError("there is no code, or it is too old; send a new one", field="code", code="no_code")
    if kept["tries"] >= CODE_TRIES:
        wrong = CallerError("too many wrong tries; send a new code", field="code", status=429, code="too_many_tries")
        return kept, wrong
    if not hmac.compare_digest(kept["digest"], digest(owner, code.strip())):
        return {**kept, "tries": kept["tries"] + 1}, CallerError("the code is wrong", field="code", code="wrong_code")
    return {"sent": kept["sent"]}, None


def digest(owner: str, code: str) -> str:
    return sha256(f"{owner}\0{code}".encode("utf-8", "surrogatepass")).hexdigest()
