"""Who receives words of persons. Pure."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from shouban.core.errors import CallerError
from shouban.core.events import Basis

Kind = Literal["model", "judge", "storage", "messages", "other"]
Stage = Literal["approved", "withdrawn"]
MODEL: Final = "model"
LEAST: Final = 2
MOST: Final = 200


class Processor(msgspec.Struct, frozen=True):
    """A form: `id` is `model` for the model behind. `basis`: `contract` (entrusted processing, PIPL Art. 21), `consent` (separate, Art. 23), or `law`."""

    id: str
    name: str
    kind: Kind
    basis: Basis
    purpose: str
    place: str = ""
    document: str = ""


def checked(one: Processor) -> Processor:
    if not one.id.isascii() or not one.id.replace("-", "").isalnum() or len(one.id) > 64:
        raise CallerError("`id` has 1 to 64 letters, digits and dashes", field="id")
    for field in ("name", "purpose"):
        if not LEAST <= len(getattr(one, field).strip()) <= MOST:
            raise CallerError(f"`{field}` has {LEAST} to {MOST} characters", field=field)
    if len(one.place) > MOST or len(one.document) > MOST:
        raise CallerError(f"`place` and `document` have up to {MOST} characters", field="document")
    if one.basis == "contract" and not one.document.strip():
        raise CallerError("entrusted processing needs its contract: say which document", field="document")
    return one
