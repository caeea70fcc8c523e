"""Declared companions and their versions in the database."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, Executable, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from shouban.db.engine import view
from shouban.db.schema import COMPANION_VERSIONS, COMPANIONS
from shouban.db.writer import Leaf
from shouban.evidence.books import After, kept
from shouban.evidence.log import microseconds, moment
from shouban.offices.companions.model import Finding, Persona, Stage, Version

MOST_SHOWN = 200


def keeping(engine: Engine) -> Executable:
    """The statement that keeps what is served of a companion: its newest approved version, or the newest of all where none is."""
    statement = (postgresql_insert if engine.dialect.name == "postgresql" else sqlite_insert)(COMPANIONS)
    fresh = {name: statement.excluded[name] for name in ("state", "body", "at_us")}
    kept: Executable = statement.on_conflict_do_update(index_elements=["service_id", "companion_id"], set_=fresh)
    return kept


def row(service: str, persona: Persona, stage: Stage, at_us: int) -> dict[str, Any]:
    return {
        "service_id": service,
        "companion_id": persona.id,
        "state": stage,
        "body": msgspec.json.encode(persona),
        "at_us": at_us,
    }


def all_declared(connection: Connection) -> dict[tuple[str, str], tuple[Persona, Stage]]:
    found = connection.execute(
        select(COMPANIONS.c.service_id, COMPANIONS.c.companion_id, COMPANIONS.c.body, COMPANIONS.c.state)
    )
    return {
        (service, companion): (msgspec.json.decode(bytes(body), type=Persona), state)
        for service, companion, body, state in found
    }


def add_version(
    connection: Connection,
    engine: Engine,
    service: str,
    persona: Persona,
    findings: tuple[Finding, ...],
    at: datetime,
    touched: list[str],
) -> Version:
    """The next version of a companion, pending. What is approved goes on being served; otherwise this is what is known of it."""
    mine = (COMPANION_VERSIONS.c.service_id == service) & (COMPANION_VERSIONS.c.companion_id == persona.id)
    newest = connection.execute(select(func.max(COMPANION_VERSIONS.c.version)).where(mine)).scalar() or 0
    version = Version(secrets.token_hex(12), newest + 1, "pending", persona, findings, at)
    connection.execute(insert(COMPANION_VERSIONS), [_version_row(version, service)])
    touched[:] = [version.review]
    _keep_served(connection, engine, service, persona.id)
    return version


def decide(
    connection: Connection, engine: Engine, service: str, before: Version, after: Version, touched: list[str]
) -> bool:
    """Whether the version still stood where the decision found it. Who approves one version puts those before it aside: one is served."""
    mine = (
        (COMPANION_VERSIONS.c.review_id == before.review)
        & (COMPANION_VERSIONS.c.state == before.state)
        & (COMPANION_VERSIONS.c.appeal == before.appeal)
    )
    values = {
        "state": after.state, "decided_us": microseconds(after.decided_at) if after.decided_at else 0, "decided_by": after.decided_by, "why": after.why,
        "appeal": after.appeal,
    }  # fmt: skip
    if connection.execute(update(COMPANION_VERSIONS).where(mine).values(**values)).rowcount != 1:
        return False
    touched[:] = [after.review]
    if after.state == "approved":
        of_it = (COMPANION_VERSIONS.c.service_id == service) & (COMPANION_VERSIONS.c.companion_id == after.persona.id)
        older = of_it & (COMPANION_VERSIONS.c.state == "approved") & (COMPANION_VERSIONS.c.review_id != after.review)
        touched += connection.execute(select(COMPANION_VERSIONS.c.review_id).where(older)).scalars()
        connection.execute(update(COMPANION_VERSIONS).where(older).values(state="superseded"))
    _keep_served(connection, engine, service, after.persona.id)
    return True


def kept_rows(service: str, companion: str, at: datetime, touched: Sequence[str]) -> After:
    """What is served of a companion, and the versions that the job has `touched`: approving one may put another aside."""
    served = kept(COMPANIONS, at, COMPANIONS.c.service_id == service, COMPANIONS.c.companion_id == companion)
    of_it = (COMPANION_VERSIONS.c.service_id == service) & (COMPANION_VERSIONS.c.companion_id == companion)

    def after(connection: Connection) -> list[Leaf]:
        each = kept(COMPANION_VERSIONS, at, of_it, COMPANION_VERSIONS.c.review_id.in_(touched))
        return [*served(connection), *each(connection)]

    return after


def versions(engine: Engine, service: str, *, companion: str | None = None, review: str | None = None) -> list[Version]:
    """The newest first; those that wait for somebody before those that do not."""
    asked = select(COMPANION_VERSIONS).where(COMPANION_VERSIONS.c.service_id == service).limit(MOST_SHOWN)
    asked = asked.order_by(
        (COMPANION_VERSIONS.c.state != "pending"),
        COMPANION_VERSIONS.c.declared_us.desc(),
        COMPANION_VERSIONS.c.version.desc(),
    )
    for column, wanted in ((COMPANION_VERSIONS.c.companion_id, companion), (COMPANION_VERSIONS.c.review_id, review)):
        if wanted is not None:
            asked = asked.where(column == wanted)
    with view(engine) as connection:
        return [_version(one) for one in connection.execute(asked)]


def _keep_served(connection: Connection, engine: Engine, service: str, companion: str) -> None:
    mine = (COMPANION_VERSIONS.c.service_id == service) & (COMPANION_VERSIONS.c.companion_id == companion)
    approved = (COMPANION_VERSIONS.c.state != "approved", COMPANION_VERSIONS.c.version.desc())
    one = connection.execute(
        select(COMPANION_VERSIONS).where(mine).order_by(*approved).limit(1).with_for_update()
    ).one()
    persona = msgspec.json.decode(bytes(one.body), type=Persona)
    connection.execute(keeping(engine), [row(service, persona, one.state, one.declared_us)])


def _version_row(version: Version, service: str) -> dict[str, Any]:
    return {
        "service_id": service, "companion_id": version.persona.id, "version": version.number, "review_id": version.review, "state": version.state,
        "body": msgspec.json.encode(version.persona), "findings": msgspec.json.encode(version.findings), "declared_us": microseconds(version.declared_at),
        "decided_us": 0, "decided_by": "", "why": "", "appeal": "",
    }  # fmt: skip


def _version(one: Any) -> Version:  # noqa: ANN401  # a row of versions
    return Version(
        one.review_id, one.version, one.state, msgspec.json.decode(bytes(one.body), type=Persona), msgspec.json.decode(bytes(one.findings), type=tuple[Finding, ...]),
        moment(one.declared_us), moment(one.decided_us) if one.decided_us else None, one.decided_by, one.why, one.appeal,
    )  # fmt: skip
