"""Errors, named for who must act on them.

A message is lower case, without a final period, in the reader's words: the value in backticks, where it is, what
would be right. It never holds a user's text.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

UpstreamReason = Literal["dead", "slow", "refused", "cut", "garbage"]


class ShoubanError(Exception):
    """Anything Shouban refuses or cannot do; its text is fit to be shown."""


class CallerError(ShoubanError):
    """The calling app must change its request; `field` names what."""

    def __init__(
        self, message: str, *, field: str | None = None, status: int = 400, code: str = "invalid_value"
    ) -> None:
        super().__init__(message)
        self.field = field
        self.status = status
        self.code = code


class PackError(ShoubanError):
    """The pack's author must change the pack."""


class EvidenceError(ShoubanError):
    """Compliance must stop and look: the evidence does not hold."""


class UpstreamError(ShoubanError):
    """The operator must look at the model behind us; we fail closed. `reason` says how it failed; `status` is of an answer that refused."""

    def __init__(self, message: str, *, reason: UpstreamReason, status: int = 0) -> None:
        super().__init__(message)
        self.reason = reason
        self.status = status

    @property
    def is_of_the_model(self) -> bool:
        """Whether the model's server is at fault; a request that it found wrong says nothing of the server."""
        return not 400 <= self.status < 500 or self.status in {408, 429}


class OperatorError(ShoubanError):
    """Who runs the service must change its settings, its disk or its database."""


class ConflictError(ShoubanError):
    """Another process changed the same person first: read again and decide again."""


def did_you_mean(wrong: str, known: Iterable[str]) -> str:
    """`; did you mean `x`?` where a known name is near, otherwise nothing."""
    near = get_close_matches(wrong, list(known), n=1, cutoff=0.6)
    return f"; did you mean `{near[0]}`?" if near else ""
