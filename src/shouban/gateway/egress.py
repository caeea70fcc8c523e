"""Words leave for registered processors only: the model behind, asked for each person; by default what the configuration names is registered.

With `egress = approved` nothing is, until a compliance officer has approved it at `/office/processors` (draft Art. 14; PIPL Art. 21, 23; register row D067).
"""

from __future__ import annotations

from typing import Final

from shouban.core import events as e
from shouban.gateway.talk import Talk

# The id under which the model behind stands in the register.
MODEL: Final = "model"


async def ask_to_leave(talk: Talk) -> None:
    """Lets the core say whether this person's words may go to the model; asked only where there is something to ask."""
    if talk.service.settings.egress == "configured":
        return
    known = talk.gateway.processors.get((talk.service.id, MODEL))
    if known is not None and known.basis != "consent":
        return
    basis: e.Basis = known.basis if known is not None else "consent"
    event = e.EgressAsked(
        at=talk.at, person=talk.person.id, session=talk.session, processor=MODEL, basis=basis, registered=known is not None
    )  # fmt: skip
    await talk.hear(event)
