"""Accounts and open sign-ins in the database: passwords by Argon2id, one-time codes, lock-out, cookies that are kept as digests only.

Sources: RFC 9106 (Argon2), RFC 6238 (TOTP), NIST SP 800-63B (rate limits, re-authentication), OWASP Session Management Cheat Sheet.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
from base64 import b32encode
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

import msgspec
import pyotp
from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from sqlalchemy import ColumnElement, Connection, Engine, Executable, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from shouban.core.errors import CallerError, OperatorError
from shouban.db.engine import view
from shouban.db.keys import MasterKey, PersonKey
from shouban.db.schema import ACCOUNTS, SIGN_INS
from shouban.db.writer import Job, Writer
from shouban.evidence.books import kept
from shouban.evidence.log import Acted, leaf_of, microseconds
from shouban.web.access import Who
from shouban.web.devices import Devices
from shouban.web.roles import ROLES, STAFF, Role, roles_in
from shouban.web.throttle import Throttle

LEAST_PASSWORD: Final = 10
MOST_PASSWORD: Final = 256
# So many wrong words in a row lock an account: a minute, then twice as long each time, up to an hour.
FREE_TRIES: Final = 5
FIRST_LOCK: Final = timedelta(minutes=1)
LAST_LOCK: Final = timedelta(hours=1)
# Ends after so long without use, and after so long whatever happens.
STAFF_IDLE, STAFF_LIFE = timedelta(minutes=30), timedelta(hours=12)
OTHERS_IDLE, OTHERS_LIFE = timedelta(days=7), timedelta(days=30)
PERSON_IDLE, PERSON_LIFE = timedelta(minutes=30), timedelta(hours=2)
LINK_LIFE: Final = timedelta(minutes=10)
# Each hash takes 19 MiB: who signs in by the hundred waits in a row.
_HASHES_AT_ONCE: Final = 4
_SEEN_EACH: Final = timedelta(minutes=1)
_WRONG: Final = "the name or the password is wrong"
CODE_STEP: Final = 30
# Names of accounts that a directory has made; nobody chooses one.
DIRECTORY: Final = "oidc:"

Writes = list[tuple[Executable, dict[str, Any]]]

_ENCODE = msgspec.json.Encoder().encode


class Private(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is sealed of an account: its name, how to reach it, and the secret of its one-time codes (base32; empty: none set).

    `shown` is what others call its holder; the name, with which they sign in, is nobody else's to know.
    """

    name: str
    address: str = ""
    code_secret: str = ""
    language: str = "zh"
    shown: str = ""

    @property
    def called(self) -> str:
        return self.shown or self.name


@dataclass(frozen=True)
class Account:
    service: str
    id: str
    roles: frozenset[Role]
    state: str
    private: Private

    @property
    def is_staff(self) -> bool:
        return not self.roles.isdisjoint(STAFF)


@dataclass(frozen=True)
class SignedIn:
    """An open sign-in: who it is, whether a one-time code is still asked of them, whether they have set one up, and the name they signed in with."""

    who: Who
    needs_code: bool
    has_codes: bool
    name: str = ""


class SignIns:
    """Makes accounts, lets them in and out. `second_factor`: staff act only after a one-time code."""

    def __init__(
        self, engine: Engine, writer: Writer, master: MasterKey, *, second_factor: bool, base: str = ""
    ) -> None:
        self._engine = engine
        self._writer = writer
        self._master = master
        self._key = PersonKey(master.derive(b"accounts"), master.algorithm)
        self._hashing = asyncio.Semaphore(_HASHES_AT_ONCE)
        self._second_factor = second_factor
        # Where people reach this service; empty: links are given without a host.
        self.base = base.rstrip("/")
        self.devices = Devices(master)
        self._nobody = hashed(secrets.token_urlsafe(16))
        self._strangers = Throttle(FREE_TRIES, per_seconds=FREE_TRIES * FIRST_LOCK.total_seconds())

    # --- accounts

    async def add(
        self, service: str, private: Private, roles: Iterable[Role], *, at: datetime, by: str, password: str = "", phc: str = ""
    ) -> Account:  # fmt: skip
        """A new account; without a password it enters by OIDC only. Raises `CallerError` where the name is taken or a word does not fit."""
        wanted = checked_roles(roles)
        if not 1 <= len(private.name) <= 128:
            raise CallerError("`name` must have 1 to 128 characters", field="name")
        if private.name.startswith(DIRECTORY) and by != "oidc":
            raise CallerError(f"a name does not begin with `{DIRECTORY}`", field="name")
        if password:
            phc = await self._hashed(checked_password(password))
        account = Account(service, secrets.token_hex(12), wanted, "active", private)
        row = {
            "service_id": service, "account_id": account.id, "lookup": self._lookup(service, private.name), "roles": ",".join(sorted(wanted)),
            "state": "active", "password": phc, "sealed": self._sealed(account), "failed": 0, "locked_until_us": 0, "code_used": 0,
            "created_us": microseconds(at),
        }  # fmt: skip
        told = Acted(
            service=service, at=at, act="account_made", facts={"account": account.id, "roles": sorted(wanted), "by": by}
        )
        try:
            mine = _row_of(service, account.id)
            job = Job(writes=[(insert(ACCOUNTS), row)], leaves=[leaf_of(told)], after=kept(ACCOUNTS, at, mine))
            await self._writer.submit(job)
        except OperatorError as error:
            if isinstance(error.__cause__, IntegrityError):
                raise CallerError(
                    f"the name `{private.name}` is taken", field="name", status=409, code="name_taken"
                ) from error
            raise
        return account

    async def ensure(self, service: str, name: str, phc: str, *, at: datetime, renew: bool) -> None:
        """An administrator of this name, with the password whose hash is given; `renew` sets it where there is one already."""
        known = await self.named(service, name)
        if known is None:
            await self.add(service, Private(name), ("administrator",), at=at, by="start", phc=phc)
        elif renew:
            mine = _row_of(service, known.id)
            fresh = {"password": phc, "state": "active", "failed": 0, "locked_until_us": 0}
            out = delete(SIGN_INS).where(SIGN_INS.c.service_id == service, SIGN_INS.c.account_id == known.id)
            told = Acted(
                service=service,
                at=at,
                act="account_changed",
                facts={"account": known.id, "password": True, "by": "start"},
            )
            await self._writer.submit(
                Job(
                    writes=[(update(ACCOUNTS).where(mine).values(**fresh), {}), (out, {})],
                    leaves=[leaf_of(told)],
                    after=kept(ACCOUNTS, at, mine),
                )
            )

    async def change(
        self, account: Account, *, at: datetime, by: str, roles: Iterable[Role] | None = None, password: str | None = None, state: str | None = None,
        private: Callable[[Private], Private] | None = None,
    ) -> Account:  # fmt: skip
        """What is given changes; whoever is signed in with the account is out."""
        phc = await self._hashed(checked_password(password)) if password is not None else ""
        wanted = None if roles is None else checked_roles(roles)
        mine = _row_of(account.service, account.id)
        out = (SIGN_INS.c.service_id == account.service) & (SIGN_INS.c.account_id == account.id)
        values: dict[str, Any] = {"failed": 0, "locked_until_us": 0}
        values |= (
            ({"roles": ",".join(sorted(wanted))} if wanted else {})
            | ({"state": state} if state else {})
            | ({"password": phc} if phc else {})
        )

        def write(connection: Connection) -> Account:
            """Only what was asked for: what another administrator has changed meanwhile stands."""
            row = connection.execute(select(ACCOUNTS).where(mine).with_for_update()).one_or_none()
            if row is None:
                raise CallerError("there is no such account", status=404, code="not_found")
            held = self._account(row)
            fresh = Account(
                held.service,
                held.id,
                wanted or held.roles,
                state or held.state,
                private(held.private) if private else held.private,
            )
            connection.execute(
                update(ACCOUNTS).where(mine).values(**values, **({"sealed": self._sealed(fresh)} if private else {}))
            )
            connection.execute(delete(SIGN_INS).where(out))
            return fresh

        facts = {
            "account": account.id,
            "roles": sorted(wanted) if wanted else [],
            "state": state or "",
            "password": bool(phc),
            "by": by,
        }
        told = Acted(service=account.service, at=at, act="account_changed", facts=facts)
        job = Job(call=write, leaves=[leaf_of(told)], after=kept(ACCOUNTS, at, mine))
        changed: Account = await self._writer.submit(job)
        return changed

    async def named(self, service: str, name: str) -> Account | None:
        row = await asyncio.to_thread(self._row, service, ACCOUNTS.c.lookup == self._lookup(service, name))
        return None if row is None else self._account(row)

    async def account(self, service: str, account: str) -> Account | None:
        row = await asyncio.to_thread(self._row, service, ACCOUNTS.c.account_id == account)
        return None if row is None else self._account(row)

    async def accounts(self, service: str) -> list[Account]:
        def read() -> Sequence[Any]:
            with view(self._engine) as connection:
                return connection.execute(
                    select(ACCOUNTS).where(ACCOUNTS.c.service_id == service).order_by(ACCOUNTS.c.created_us)
                ).all()

        return [self._account(row) for row in await asyncio.to_thread(read)]

    async def names(self, service: str) -> dict[str, str]:
        """What everybody with an account is called, by account."""
        return called(await self.accounts(service))

    # --- in and out

    async def enter(self, service: str, name: str, password: str, at: datetime, *, device: str = "") -> str:
        """The cookie's token. Says no more than that name or password is wrong, and takes as long for a name nobody has.

        A `device` from which this name has signed in before is not locked out by the tries of others; its own are counted apart.
        """
        row = await asyncio.to_thread(self._row, service, ACCOUNTS.c.lookup == self._lookup(service, name))
        now = microseconds(at)
        is_known = bool(device) and self.devices.is_known(service, self._lookup(service, name), device)
        if row is not None and row.locked_until_us > now and not is_known:
            raise too_often(timedelta(microseconds=row.locked_until_us - now))
        if row is None:  # a name that nobody has locks like one that somebody has
            self._strangers.count(self._lookup(service, name))
        known = row.password if row is not None and row.password and row.state == "active" else self._nobody
        is_right = await self._matches(known, password[:MOST_PASSWORD])
        if row is None or known is self._nobody or not is_right:
            await self._failed(service, row, at, counts=not is_known)
            raise CallerError(_WRONG, status=401, code="wrong_password")
        if is_known:
            self.devices.forgive(device)
        return await self.open(self._account(row), at, phc=row.password)

    def device_of(self, service: str, name: str) -> str:
        """The mark for a browser that has just signed in with this name."""
        return self.devices.mark(service, self._lookup(service, name))

    async def open(self, account: Account, at: datetime, *, is_full: bool = False, phc: str = "") -> str:
        """Opens a sign-in for an account that has shown who it is; `is_full` where another provider has asked for all factors.

        `phc` is the password that was checked: where it was changed meanwhile, nobody comes in. Wrong tries are forgotten only once all factors were shown.
        """
        has_codes, must = bool(account.private.code_secret), account.is_staff and self._second_factor
        life = STAFF_LIFE if account.is_staff else OTHERS_LIFE
        full = is_full or not (has_codes or must)
        mine = _row_of(account.service, account.id)
        told = Acted(service=account.service, at=at, act="signed_in", facts={"account": account.id, "full": full})
        token, row = self._new_row(account.service, at, life, account=account.id, is_full=full)

        def let_in(connection: Connection) -> None:
            now = connection.execute(
                select(ACCOUNTS.c.state, ACCOUNTS.c.password).where(mine).with_for_update()
            ).one_or_none()
            if now is None or now.state != "active" or (phc and now.password != phc):
                raise CallerError(_WRONG, status=401, code="wrong_password")
            if full:
                connection.execute(update(ACCOUNTS).where(mine).values(failed=0, locked_until_us=0))
            connection.execute(insert(SIGN_INS), [row])

        await self._writer.submit(Job(call=let_in, leaves=[leaf_of(told)]))
        return token

    async def open_for_person(self, service: str, person: str, at: datetime) -> str:
        """For a person whom the app has let in: they see their own data."""
        token, row = self._new_row(service, at, PERSON_LIFE, person=person, is_full=True)
        told = Acted(service=service, at=at, act="person_signed_in", person=person)
        await self._writer.submit(Job(writes=[(insert(SIGN_INS), row)], leaves=[leaf_of(told)]))
        return token

    async def link_for_person(self, service: str, person: str, at: datetime) -> str:
        """The token of a link that lets a person in once, soon; the app gives it to whom it has signed in itself."""
        token, row = self._new_row(service, at, LINK_LIFE, person=person, is_full=False)
        await self._writer.submit(Job(writes=[(insert(SIGN_INS), row)]))
        return token

    async def follow(self, token: str, at: datetime) -> str:
        """The cookie's token for a link's; a link works once."""
        mine = SIGN_INS.c.token == digest(token)

        def take(connection: Connection) -> Any:  # noqa: ANN401  # a row of sign_ins, or none
            row = connection.execute(
                select(SIGN_INS).where(mine, SIGN_INS.c.person_id != "", SIGN_INS.c.is_full == 0).with_for_update()
            ).one_or_none()
            return row if row is not None and connection.execute(delete(SIGN_INS).where(mine)).rowcount == 1 else None

        row = await self._writer.submit(Job(call=take))
        if row is None or row.ends_us <= microseconds(at):
            raise CallerError(
                "this link was used already, or is too old; open the page from the app again",
                status=401,
                code="link_used",
            )
        return await self.open_for_person(row.service_id, row.person_id, at)

    async def confirm(self, token: str, code: str, at: datetime) -> None:
        """The one-time code: right, and not used before (RFC 6238 §5.2)."""
        row, account_row = await self._with_account(token, at)
        account = self._account(account_row)
        if account_row.locked_until_us > microseconds(at):
            raise too_often(timedelta(microseconds=account_row.locked_until_us - microseconds(at)))
        step = right_step(account.private.code_secret, code, at)
        if step is None or step <= account_row.code_used:
            await self._failed(account.service, account_row, at)
            raise CallerError(
                "the code is wrong, or was used already; wait for the next one",
                field="code",
                status=401,
                code="wrong_code",
            )
        await self._use_code(account, row.token, step, at, act="code_confirmed")

    async def _with_account(self, token: str, at: datetime) -> tuple[Any, Any]:
        """The open sign-in and the row of its account, to which codes belong."""
        found = await self._opened(token, at)
        if found is None:
            raise CallerError("sign in first", status=401, code="signed_out")
        if found[1] is None:
            raise CallerError("there is no code to this sign-in", status=401, code="signed_out")
        return found

    async def _use_code(
        self, account: Account, token: str, step: int, at: datetime, *, act: str, sealed: bytes = b""
    ) -> None:
        """Of two who show one code at once, one is first (RFC 6238 §5.2)."""
        mine = _row_of(account.service, account.id)
        fresh = {"code_used": step, "failed": 0, "locked_until_us": 0} | ({"sealed": sealed} if sealed else {})

        def use(connection: Connection) -> None:
            if (
                connection.execute(update(ACCOUNTS).where(mine, ACCOUNTS.c.code_used < step).values(**fresh)).rowcount
                != 1
            ):
                raise CallerError(
                    "the code was used already; wait for the next one", field="code", status=401, code="wrong_code"
                )
            connection.execute(update(SIGN_INS).where(SIGN_INS.c.token == token).values(is_full=1))

        told = Acted(service=account.service, at=at, act=act, facts={"account": account.id})
        after = kept(ACCOUNTS, at, mine) if sealed else None
        await self._writer.submit(Job(call=use, leaves=[leaf_of(told)], after=after))

    async def set_codes(self, token: str, secret: str, code: str, at: datetime) -> None:
        """Sets the secret of one-time codes once a code shows that the person has it; only where none is set yet."""
        row, account_row = await self._with_account(token, at)
        account = self._account(account_row)
        step = right_step(secret, code, at)
        if account.private.code_secret or step is None:
            raise CallerError(
                "the code does not fit this secret; scan again, and type the newest code",
                field="code",
                status=400,
                code="wrong_code",
            )
        fresh = Account(
            account.service,
            account.id,
            account.roles,
            account.state,
            msgspec.structs.replace(account.private, code_secret=secret),
        )
        await self._use_code(account, row.token, step, at, act="codes_set", sealed=self._sealed(fresh))

    def secret_of(self, token: str) -> str:
        """The secret that this sign-in may set up: its own, the same in every process, and gone with it."""
        return b32encode(hmac.digest(self._master.derive(b"codes"), token.encode(), "sha256")[:20]).decode()

    async def signed_in(self, token: str, at: datetime) -> SignedIn | None:
        """Who this cookie is, or nobody: unknown, ended, idle for too long, or an account that is not active any more."""
        if not token:
            return None
        found = await self._opened(token, at)
        if found is None:
            return None
        row, account_row = found
        if microseconds(at) - row.seen_us > _SEEN_EACH / timedelta(microseconds=1):
            await self._writer.submit(
                Job(
                    writes=[
                        (update(SIGN_INS).where(SIGN_INS.c.token == row.token).values(seen_us=microseconds(at)), {})
                    ]
                )
            )
        if account_row is None:
            if not row.is_full:  # a link, which is no sign-in
                return None
            return SignedIn(Who(row.service_id, person=row.person_id, roles=frozenset({"user"})), False, False)
        account = self._account(account_row)
        who = Who(
            account.service,
            account=account.id,
            roles=account.roles,
            full=bool(row.is_full),
            name=account.private.called,
        )
        return SignedIn(who, not row.is_full, bool(account.private.code_secret), account.private.name)

    async def close(self, token: str) -> None:
        await self._writer.submit(Job(writes=[(delete(SIGN_INS).where(SIGN_INS.c.token == digest(token)), {})]))

    # --- inside

    async def _hashed(self, password: str) -> str:
        async with self._hashing:
            return await asyncio.to_thread(hashed, password)

    async def _matches(self, phc: str, password: str) -> bool:
        async with self._hashing:
            return await asyncio.to_thread(matches, phc, password)

    async def _failed(self, service: str, row: Any, at: datetime, *, counts: bool = True) -> None:  # noqa: ANN401  # a row of accounts, or none
        told = Acted(
            service=service, at=at, act="sign_in_failed", facts={"account": row.account_id if row is not None else ""}
        )

        def count(connection: Connection) -> None:
            """Counted in the database, so that tries side by side count each; a lock that stands is never shortened."""
            mine = _row_of(service, row.account_id)
            kept = connection.execute(
                select(ACCOUNTS.c.failed, ACCOUNTS.c.locked_until_us).where(mine).with_for_update()
            ).one_or_none()
            if kept is None:
                return
            failed = kept.failed + 1
            until = microseconds(at + lock_for(failed)) if failed >= FREE_TRIES else 0
            connection.execute(
                update(ACCOUNTS).where(mine).values(failed=failed, locked_until_us=max(until, kept.locked_until_us))
            )

        await self._writer.submit(Job(call=count if row is not None and counts else None, leaves=[leaf_of(told)]))

    def _new_row(
        self, service: str, at: datetime, life: timedelta, *, account: str = "", person: str = "", is_full: bool
    ) -> tuple[str, dict[str, Any]]:  # fmt: skip
        token = secrets.token_urlsafe(32)
        now = microseconds(at)
        return token, {
            "token": digest(token), "service_id": service, "account_id": account, "person_id": person,
            "is_full": int(is_full), "opened_us": now, "seen_us": now, "ends_us": microseconds(at + life),
        }  # fmt: skip

    async def _opened(self, token: str, at: datetime) -> tuple[Any, Any] | None:
        """The sign-in and its account (none: a person of the app), if it still stands."""

        def read() -> tuple[Any, Any] | None:
            with view(self._engine) as connection:
                row = connection.execute(select(SIGN_INS).where(SIGN_INS.c.token == digest(token))).one_or_none()
                if row is None or row.ends_us <= microseconds(at):
                    return None
                return row, _account_row(connection, row)

        found = await asyncio.to_thread(read)
        if found is None:
            return None
        row, account = found
        if row.account_id and (account is None or account.state != "active"):
            return None
        if account is None:
            idle = PERSON_IDLE
        else:
            idle = OTHERS_IDLE if roles_in(account.roles).isdisjoint(STAFF) else STAFF_IDLE
        return None if microseconds(at) - row.seen_us > idle / timedelta(microseconds=1) else (row, account)

    def _row(self, service: str, condition: Any) -> Any:  # noqa: ANN401  # a row of accounts, or none
        with view(self._engine) as connection:
            return connection.execute(select(ACCOUNTS).where(ACCOUNTS.c.service_id == service, condition)).one_or_none()

    def _account(self, row: Any) -> Account:  # noqa: ANN401  # a row of accounts
        private = msgspec.json.decode(
            self._key.open(bytes(row.sealed), row.service_id, "accounts", "sealed", row.account_id), type=Private
        )
        return Account(row.service_id, row.account_id, roles_in(row.roles), row.state, private)

    def _sealed(self, account: Account) -> bytes:
        return self._key.seal(_ENCODE(account.private), account.service, "accounts", "sealed", account.id)

    def _lookup(self, service: str, name: str) -> str:
        return lookup_of(self._master, service, name)


def rekey_accounts(connection: Connection, old: MasterKey, new: MasterKey) -> int:
    """Seals and indexes every account under a new master key; open sign-ins end. Gives how many there are."""
    count = 0
    for row in connection.execute(select(ACCOUNTS)).all():
        place = (row.service_id, "accounts", "sealed", row.account_id)
        private = PersonKey(old.derive(b"accounts"), old.algorithm).open(bytes(row.sealed), *place)
        sealed = PersonKey(new.derive(b"accounts"), new.algorithm).seal(private, *place)
        name = msgspec.json.decode(private, type=Private).name
        fresh = {"sealed": sealed, "lookup": lookup_of(new, row.service_id, name)}
        connection.execute(update(ACCOUNTS).where(_row_of(row.service_id, row.account_id)).values(**fresh))
        count += 1
    connection.execute(delete(SIGN_INS))
    return count


def lookup_of(master: MasterKey, service: str, name: str) -> str:
    """By name whatever its case; a directory's subject, which is exact, in a namespace that no chosen name reaches."""
    if name.startswith(DIRECTORY):
        return master.lookup(f"subjects\0{service}", name)
    return master.lookup(f"accounts\0{service}", name.strip().casefold())


def _row_of(service: str, account: str) -> ColumnElement[bool]:
    return (ACCOUNTS.c.service_id == service) & (ACCOUNTS.c.account_id == account)


def _account_row(connection: Connection, row: Any) -> Any:  # noqa: ANN401  # rows of two tables
    if not row.account_id:
        return None
    mine = _row_of(row.service_id, row.account_id)
    return connection.execute(select(ACCOUNTS).where(mine)).one_or_none()


def called(accounts: Iterable[Account]) -> dict[str, str]:
    """What others call the holder of each, by account."""
    return {one.id: one.private.called for one in accounts}


def checked_roles(roles: Iterable[Role]) -> frozenset[Role]:
    wanted = frozenset(roles)
    for one in sorted(wanted):
        if one not in ROLES or one == "user":
            raise CallerError(
                f"there is no role `{one}`; known are {', '.join(sorted(ROLES.keys() - {'user'}))}", field="roles"
            )
    if not wanted:
        raise CallerError("`roles` is empty; name at least one", field="roles")
    return wanted


def checked_password(password: str) -> str:
    """NIST SP 800-63B §5.1.1: length counts, and nothing else is asked."""
    if not LEAST_PASSWORD <= len(password) <= MOST_PASSWORD:
        raise CallerError(f"a password has {LEAST_PASSWORD} to {MOST_PASSWORD} characters", field="password")
    return password


def hashed(password: str) -> str:
    """Argon2id with 19 MiB and two passes (OWASP, Password Storage Cheat Sheet)."""
    return Argon2id(
        salt=secrets.token_bytes(16), length=32, iterations=2, lanes=1, memory_cost=19_456
    ).derive_phc_encoded(password.encode())


def matches(phc: str, password: str) -> bool:
    try:
        Argon2id.verify_phc_encoded(password.encode(), phc)
    except InvalidKey:
        return False
    return True


def lock_for(failed: int) -> timedelta:
    return min(FIRST_LOCK * 2 ** (failed - FREE_TRIES), LAST_LOCK) if failed < FREE_TRIES + 12 else LAST_LOCK


def right_step(secret: str, code: str, at: datetime) -> int | None:
    """The time step that the code is of: this one, the one before, or the one after (a clock that is a little off)."""
    if not secret or not (code.isascii() and code.strip().isdigit()):
        return None
    now = int(at.timestamp()) // CODE_STEP
    codes = pyotp.TOTP(secret)
    steps = (now - 1, now, now + 1)
    return next((step for step in steps if hmac.compare_digest(codes.at(step * CODE_STEP), code.strip())), None)


def too_often(wait: timedelta) -> CallerError:
    minutes = max(1, -(-int(wait.total_seconds()) // 60))
    return CallerError(f"too many wrong tries; wait {minutes} min", status=429, code="too_many_tries")


def digest(token: str) -> str:
    return sha256(token.encode()).hexdigest()
