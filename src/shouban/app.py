"""The one place where the parts are joined: from settings to a service that answers."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import msgspec
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from litestar import Litestar
from litestar.exceptions import HTTPException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from sqlalchemy import Engine, insert, select
from sqlalchemy.exc import SQLAlchemyError

from shouban import __version__
from shouban.core.errors import OperatorError, ShoubanError
from shouban.core.obligations import Announce
from shouban.db.engine import DirectoryLock, connect, hold_master, migrate, sqlite_url, view
from shouban.db.keys import MASTER_FILE, MasterKey, load_master, master_in, put_in_place, write_secret
from shouban.db.rotation import NEXT_FILE
from shouban.db.schema import LOG_ENTRIES, META
from shouban.db.writer import Job, Writer
from shouban.detectors.advisers import Advisers, advisers_of
from shouban.detectors.encoder import shipped_encoder
from shouban.detectors.opinion import about
from shouban.detectors.reader import build_detectors
from shouban.duties.channels import Channels
from shouban.duties.contact import ContactCarrier
from shouban.duties.identity import HttpIdentity
from shouban.duties.ledger import FREE_ALL, Ledger
from shouban.duties.paging import Pager
from shouban.duties.ports import CarrierPort
from shouban.duties.receipts import Receipts
from shouban.duties.worker import Worker
from shouban.evidence.log import Acted, Log, leaf_of
from shouban.evidence.note import Signer
from shouban.gateway.chat import Chat, Receive, Scope, Send
from shouban.gateway.clock import RealClock, VirtualClock
from shouban.gateway.context import Gateway, Service, key_digest
from shouban.gateway.demo import ScriptedUpstream
from shouban.gateway.hearing import Hearing
from shouban.gateway.hub import Hub
from shouban.gateway.metrics import Metrics
from shouban.gateway.pages import GatewayCallers, gateway_router
from shouban.gateway.people import People, Person
from shouban.gateway.push import events_of
from shouban.gateway.road import Road
from shouban.gateway.scripted import COMPANIONS
from shouban.gateway.upstream import HttpUpstream
from shouban.gateway.wireclient import Patience
from shouban.offices.care_desk.exposure import Limits
from shouban.offices.care_desk.filing import Filing
from shouban.offices.care_desk.leading import Leading
from shouban.offices.care_desk.lost import LostTalks
from shouban.offices.care_desk.pages import CarePages
from shouban.offices.care_desk.roster import Roster
from shouban.offices.care_desk.shift_pages import ShiftPages
from shouban.offices.care_desk.work import CareDesk
from shouban.offices.companion_app.api import CompanionDesk, companion_api, say_application
from shouban.offices.companion_app.pages import companion_router
from shouban.offices.companions.pages import companions_router, reviews_router
from shouban.offices.companions.work import CompanionsOffice
from shouban.offices.complaints.desk import ComplaintDesk
from shouban.offices.complaints.pages import ComplaintPages, complaints_api
from shouban.offices.complaints.telling import Telling
from shouban.offices.complaints.work import ComplaintsOffice
from shouban.offices.guardians.alert_pages import AlertPages
from shouban.offices.guardians.alerting import AlertsOffice
from shouban.offices.guardians.control_pages import ControlPages
from shouban.offices.guardians.link_pages import LinkPages
from shouban.offices.guardians.pages import GuardianPages, guardians_api
from shouban.offices.guardians.records import guardians_of
from shouban.offices.guardians.setting import SettingsOffice
from shouban.offices.guardians.work import GuardiansOffice
from shouban.offices.notices.pages import NoticePages
from shouban.offices.notices.work import NoticesOffice
from shouban.offices.people.books import Books
from shouban.offices.people.desk import appeals_router
from shouban.offices.people.mine import Mine
from shouban.offices.people.pages import people_router
from shouban.offices.people.setup import ContactSetup
from shouban.offices.people.work import PeopleOffice
from shouban.offices.processors.pages import processors_router
from shouban.offices.processors.work import ProcessorsOffice
from shouban.offices.restrictions.desk import RestrictionDesk
from shouban.offices.restrictions.mine import MyRestrictions
from shouban.offices.restrictions.work import RestrictionsOffice
from shouban.offices.staff.pages import StaffPages
from shouban.offices.staff.records import is_granted
from shouban.offices.staff.work import StaffOffice
from shouban.packs.stack import load_pack
from shouban.settings import ServiceSettings, Settings
from shouban.web.access import Subject
from shouban.web.api import refuse_unforeseen
from shouban.web.doors import Doors, SignedOutError, to_sign_in
from shouban.web.language import Language
from shouban.web.openapi import docs_router
from shouban.web.pages import static_router
from shouban.web.refusals import refuse_lost_reader, refuse_reader
from shouban.web.sessions import SignedIn, SignIns
from shouban.web.sign_in import SignInPages

KEYS_FILE = "keys/services.json"
ADMIN_FILE = "keys/admin.json"
CHAT = "/v1/chat/completions"
SAY = "/app/api/say"
BODY_WITHIN = 30.0
DECISIONS_EACH = 2.0
# An erasure that has not ended after so long was left by a process that ended.
BESIDE = timedelta(minutes=1)


@dataclass
class Store:
    """Database, keys and log of one data directory, open for writing."""

    data: Path
    engine: Engine
    master: MasterKey
    signer: Signer
    log: Log
    writer: Writer
    lock: DirectoryLock | None

    @property
    def is_shared(self) -> bool:
        """Whether other processes may write beside this one."""
        return self.lock is None

    def close(self) -> None:
        self.writer.stop()
        self.engine.dispose()
        if self.lock is not None:
            self.lock.give_back()


def open_store(settings: Settings, environment: Mapping[str, str] | None = None) -> Store:
    """Opens (or makes) the data directory: one process on SQLite, any number on PostgreSQL."""
    data = Path(settings.data)
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise OperatorError(f"`{data}` cannot be made ({error.strerror}); name another `--data`") from error
    url = settings.database or sqlite_url(data)
    lock = DirectoryLock(data) if url.startswith("sqlite") else None
    if lock is not None:
        lock.take()
    try:
        engine = connect(url)
        master = load_master(data, os.environ if environment is None else environment, settings.cipher)
        migrate(engine)
        master = adopted(engine, data, settings) or master
        _check_master(engine, master)
        hold_master(engine, master.check_value())
    except SQLAlchemyError as error:
        raise OperatorError(f"the database cannot be opened ({str(error).splitlines()[0]})") from error
    signer = signer_of(master, _origin(engine))
    log = Log(engine, signer)
    writer = Writer(engine, log.append)
    writer.start()
    return Store(data, engine, master, signer, log, writer, lock)


def signer_of(master: MasterKey, origin: str) -> Signer:
    """The log's signing key is derived from the master key: who has one has the other, and nobody else."""
    return Signer.from_seed(origin, master.derive(b"log-signer"))


def _origin(engine: Engine) -> str:
    """The log's name, made once: a random one, for the log says nothing of whose it is."""
    with engine.connect().execution_options(write=True) as connection, connection.begin():
        found = connection.execute(select(META.c.value).where(META.c.key == "origin")).scalar()
        if found is None:
            found = f"shouban.log/{secrets.token_hex(8)}"
            connection.execute(insert(META), [{"key": "origin", "value": found}])
    return str(found)


def adopted(engine: Engine, data: Path, settings: Settings) -> MasterKey | None:
    """A rotation that was cut off once its transaction had gone through: the key it left is the database's, and becomes the file."""
    left = data / NEXT_FILE
    if not left.is_file():
        return None
    fresh = master_in(left.read_text(), str(left), settings.cipher)
    with engine.connect() as connection:
        known = connection.execute(select(META.c.value).where(META.c.key == "master")).scalar()
    if known == fresh.check_value() and not os.environ.get("SHOUBAN_MASTER_KEY"):
        put_in_place(left, data / MASTER_FILE)
        return fresh
    return None


def _check_master(engine: Engine, master: MasterKey) -> None:
    """Refuses a key that is not the one this database was made with, before anything is sealed with it."""
    with engine.connect().execution_options(write=True) as connection, connection.begin():
        known = connection.execute(select(META.c.value).where(META.c.key == "master")).scalar()
        if known is None:
            connection.execute(insert(META), [{"key": "master", "value": master.check_value()}])
        elif known != master.check_value():
            raise OperatorError(
                "the master key is not the one this database was made with; give back the old `keys/master.key` or `SHOUBAN_MASTER_KEY`"
            )


def build_gateway(settings: Settings, store: Store) -> Gateway:
    """The road's parts over an open store."""
    if settings.encoder:
        shipped_encoder()  # now, not in the middle of somebody's message
    people = People(store.engine, store.writer, store.master)
    hub = Hub()
    hearing = Hearing(store.engine, store.writer, people, Ledger(store.engine), hub, shared=store.is_shared)
    clock = VirtualClock() if settings.clock == "virtual" else RealClock(_last_entry(store.engine))
    return Gateway(
        settings=settings, clock=clock, engine=store.engine, writer=store.writer, log=store.log, people=people,
        hearing=hearing, hub=hub, detectors=build_detectors(words_dir=store.data / "words", encoder=settings.encoder), metrics=Metrics(),
    )  # fmt: skip


def _last_entry(engine: Engine) -> datetime | None:
    with engine.connect() as connection:
        last = connection.execute(
            select(LOG_ENTRIES.c.at_us).order_by(LOG_ENTRIES.c.leaf_index.desc()).limit(1)
        ).scalar()
    return datetime.fromtimestamp(last / 1e6, UTC) if last else None


def _serving(settings: Settings, store: Store, keys: Mapping[str, str]) -> Gateway:
    """The gateway with all its services."""
    gateway = build_gateway(settings, store)
    patience = Patience(settings.connect_timeout, settings.first_byte_timeout, settings.idle_timeout)
    advisers = advisers_of(settings)
    for service in settings.served():
        gateway.services[bytes.fromhex(keys[service.id])] = _service(service, patience, advisers[service.id])
    return gateway


@dataclass
class App:
    """A whole service: the ASGI application, and what must be started and stopped with it."""

    gateway: Gateway
    worker: Worker
    asgi: Callable[[Scope, Receive, Send], Awaitable[None]]
    store: Store
    pages: Litestar


def build_app(settings: Settings, store: Store, keys: Mapping[str, str]) -> App:
    """Joins gateway, offices and pages. `keys` are the digests of the service keys by service id."""
    gateway = _serving(settings, store, keys)
    road = Road(gateway, store.signer)
    channels = Channels(settings.mail, settings.sms, public_only=settings.production)
    sign_ins = SignIns(
        store.engine, store.writer, store.master, second_factor=settings.asks_codes, base=settings.public_url
    )
    receipts = Receipts(store.engine, store.writer)
    identity = HttpIdentity(settings.identity_url, settings.identity_key) if settings.identity_url else None
    guardians = GuardiansOffice(
        road,
        store.engine,
        store.writer,
        sign_ins,
        channels,
        receipts,
        production=settings.production,
        identity=identity,
    )
    base = settings.public_url.rstrip("/")
    alerts = AlertsOffice(road, store.engine, store.writer, channels, receipts, guardians.summed, base=base)
    told = ContactCarrier(
        road, lambda service: gateway.by_id(service).pack, channels, receipts, alerts.chosen, base=base
    )
    # The operator's own addresses, which may be of machines beside this one.
    operators = Channels(settings.mail, settings.sms)
    roster = Roster(store.engine, store.writer, sign_ins)
    carriers: dict[str, CarrierPort] = {
        "NotifyGuardian": told,
        "AskApproval": alerts.ask_approval,
        "SendSummary": alerts.send_summary,
        "PageStaff": Pager(road, store.engine, operators, settings.called(), base, roster.addresses),
    }
    complaints = ComplaintsOffice(
        road,
        store.engine,
        store.writer,
        sign_ins,
        partial(gateway.detectors.read, role="user"),
        lambda service: gateway.by_id(service).pack,
    )
    telling = Telling(complaints, channels, operators, settings.handlers(), base)
    carriers |= {"RemindStaff": telling.remind, "TellComplainant": telling.tell}
    worker = Worker(store.writer, road, carriers, slow=("AskApproval", "SendSummary", "RemindStaff", "TellComplainant"))
    callers = GatewayCallers(gateway, worker.run_due)

    async def before() -> None:
        if gateway.clock.is_virtual:
            await worker.run_due(gateway.clock.now())

    chat = Chat(gateway, before)
    # The reference page lets anybody in: it is for trying, and never served in production.
    has_app = settings.companion_app and not settings.production
    people = PeopleOffice(
        road, Books(store.engine, store.writer), channels, identity, {"complaints": complaints.copy_of}
    )
    handlers: list[Any] = [gateway_router(gateway, callers), people_router(people, callers, sign_ins), docs_router()]
    companions = CompanionsOffice(
        road, store.engine, store.writer, partial(gateway.detectors.read, role="companion"), gateway.personas
    )
    handlers += [companions_router(companions, callers), reviews_router(companions, gateway.time)]
    processors = ProcessorsOffice(store.engine, store.writer, gateway.processors)
    is_strict = any(service.egress == "approved" for service in settings.served())
    handlers.append(processors_router(processors, gateway.time, is_strict=is_strict))
    doors = Doors(sign_ins, partial(_subject_of, store, road), gateway.time)
    notices = NoticesOffice(
        road, store.engine, store.writer, gateway.board, gateway.hub, partial(_outage_words, gateway)
    )
    gateway.outages.told = notices.outage
    notices.standing = lambda out: gateway.outages.standing(
        {name: gateway.by_id(name).settings.upstream for name in out}
    )
    handlers += _for_everybody(gateway, store, road, sign_ins, doors, callers, complaints, notices, has_app=has_app)
    handlers += _care(gateway, store, road, sign_ins, receipts, doors, roster, worker)
    handlers += [*_offices(gateway, store, road, sign_ins, doors), appeals_router(people, gateway.time)]
    wishes = SettingsOffice(road)
    handlers += [
        guardians_api(guardians, road, callers),
        GuardianPages(guardians, wishes, gateway.time, production=settings.production).router(),
        ControlPages(guardians, wishes, gateway.time).router(),
        AlertPages(guardians, alerts, gateway.time).router(),
        LinkPages(guardians, gateway.time).router(),
    ]
    handlers.append(ContactSetup(people, gateway.time).router())
    handlers.append(Mine(people, sign_ins, gateway.time, production=settings.production, chat=has_app).router())
    restrictions = RestrictionsOffice(
        road, store.engine, store.writer, sign_ins, lambda service: gateway.by_id(service).pack,
        [one.id for one in settings.served()], BESIDE if store.is_shared else timedelta(0),
    )  # fmt: skip
    handlers += [
        RestrictionDesk(restrictions, gateway.time).router(),
        MyRestrictions(restrictions, gateway.time, partial(_lines_of, gateway), chat=has_app).router(),
    ]
    routes: dict[str, Any] = {CHAT: chat}
    if has_app:
        page = _desk(gateway, road, chat, callers, sign_ins)
        handlers += [
            companion_api(page),
            companion_router(
                companions=COMPANIONS,
                help_lines=partial(_lines_of, gateway, page.service),
                scripted=page.scripted,
            ),
        ]
        routes[SAY] = say_application(page)
    pages = _litestar(
        handlers,
        [callers.guard, doors.guard],
        settings.max_body,
        _life(
            gateway,
            worker,
            store,
            sign_ins,
            (companions, processors, notices, restrictions, _Erasures(road, gateway, store)),
        ),
    )
    return App(gateway, worker, _front(routes, pages), store, pages)


def _offices(gateway: Gateway, store: Store, road: Road, sign_ins: SignIns, doors: Doors) -> list[Any]:
    """Pages of people's work, behind the doors."""
    settings = gateway.settings
    services = [service.id for service in settings.served()]
    oidc = None
    if settings.oidc_issuer:
        from shouban.web.oidc import Oidc  # noqa: PLC0415  # its libraries are for who uses it

        back = f"{settings.public_url.rstrip('/')}/sign-in/oidc/back"
        oidc = Oidc(settings.oidc_issuer, settings.oidc_client, settings.oidc_secret, back, claim=settings.oidc_roles)
    pages = SignInPages(sign_ins, doors, services, gateway.time, production=settings.production, oidc=oidc)
    staff = StaffPages(StaffOffice(road, store.engine, store.writer, sign_ins), gateway.time)
    return [static_router(), pages.router(), staff.router()]


def _for_everybody(
    gateway: Gateway, store: Store, road: Road, sign_ins: SignIns, doors: Doors, callers: GatewayCallers, complaints: ComplaintsOffice, notices: NoticesOffice,
    *, has_app: bool,
) -> list[Any]:  # fmt: skip
    """Pages that need no account, complaints and notices, with the desks behind them."""
    settings = gateway.settings
    first, home = settings.served()[0].id, "/" if has_app else "/status"
    filing = ComplaintPages(
        complaints, road, sign_ins, doors.signed_in, partial(_subject_of, store, road), gateway.time, partial(_lines_of, gateway), service=first,
        contact=settings.complaints_contact, home=home,
    )  # fmt: skip
    public = NoticePages(
        notices,
        gateway.time,
        road.settings_of,
        service=first,
        is_one=len(settings.served()) == 1,
        base=settings.public_url.rstrip("/"),
        home=home,
    )
    return [
        complaints_api(complaints, road, callers),
        ComplaintDesk(complaints, road, gateway.time).router(),
        filing.router(),
        public.public(),
        public.desk(),
    ]


def _outage_words(gateway: Gateway, name: str, language: Language) -> str:
    """What the law's own rule says when an outage begins; nothing where it has none."""
    service = gateway.by_id(name)
    owed = (one for rule in service.pack.pack.rules if "OutageBegan" in rule.on for one in rule.owes)
    template = next((one.template for one in owed if isinstance(one, Announce)), "")
    return service.pack.template(template, language, region=service.settings.region).text if template else ""


def _care(
    gateway: Gateway, store: Store, road: Road, sign_ins: SignIns, receipts: Receipts, doors: Doors, roster: Roster, worker: Worker
) -> list[Any]:  # fmt: skip
    """The care desk: the queue and the cases, and the roster."""
    limits = Limits(gateway.settings.care_minutes, gateway.settings.care_takeovers)
    desk = CareDesk(road, store.engine, store.writer, sign_ins, receipts, gateway.hub, limits)
    lost = LostTalks(desk, road, store.engine, [one.id for one in gateway.settings.served()])
    worker.sweeps.append(lost)
    leading = Leading(desk, road, store.engine, store.writer, lost)
    filing = Filing(desk, store.engine, store.writer, sign_ins, lambda service: gateway.by_id(service).pack)
    pages = CarePages(desk, leading, filing, gateway.time, doors.signed_in)
    return [pages.router(), ShiftPages(roster, gateway.time).router()]


async def _subject_of(store: Store, road: Road, signed_in: SignedIn, person: str) -> Subject | None:
    """The person of the asker's service, with what the policies ask about them."""
    who = signed_in.who
    found = await road.by_id(who.service, person)
    if found is None:
        return None

    def asked() -> tuple[frozenset[str], bool]:
        with view(store.engine) as connection:
            granted = bool(who.account) and is_granted(connection, who.service, who.account, person, road.now())
            return guardians_of(connection, who.service, person), granted

    guardians, granted = await asyncio.to_thread(asked)
    # Who is of age has no guardian, whoever was theirs before.
    return Subject(who.service, person, guardians if found.state.is_minor else frozenset(), granted)


def _service(settings: ServiceSettings, patience: Patience, advisers: Advisers) -> Service:
    upstream = (
        ScriptedUpstream()
        if settings.upstream == "scripted"
        else HttpUpstream(settings.upstream, settings.upstream_key, patience)
    )
    return Service(settings, load_pack(settings.pack), upstream, advisers)


def _desk(gateway: Gateway, road: Road, chat: Chat, callers: GatewayCallers, sign_ins: SignIns) -> CompanionDesk:
    """The companion page speaks for the first service, with a key that lives as long as the process."""
    service = next(iter(gateway.services.values()))
    own_key = secrets.token_urlsafe(32)
    gateway.services[key_digest(own_key)] = service

    def events(person: Any, last_id: str | None) -> AsyncIterator[bytes]:  # noqa: ANN401  # the desk's port gives back what `find` gave it
        assert isinstance(person, Person)  # noqa: S101  # likewise
        return events_of(gateway, person, last_id)

    return CompanionDesk(
        road,
        service.id,
        own_key,
        chat,
        COMPANIONS,
        events,
        callers.now,
        service.settings.upstream == "scripted",
        sign_ins.link_for_person,
        gateway.hub,
    )


def _lines_of(gateway: Gateway, name: str, language: Language) -> Any:  # noqa: ANN401  # what templates take
    """The numbers that answer somebody in danger, where the service is."""
    service = gateway.by_id(name)
    return service.pack.help_for("crisis", language, service.settings.region)


def _litestar(handlers: list[Any], guards: list[Any], max_body: int, life: Any) -> Litestar:  # noqa: ANN401  # a lifespan context manager
    return Litestar(
        route_handlers=handlers,
        guards=guards,
        request_max_body_size=max_body,
        lifespan=[life],
        openapi_config=OpenAPIConfig(
            title="Shouban 守伴",
            version=__version__,
            path="/_schema",
            create_examples=False,
            render_plugins=[JsonRenderPlugin()],
        ),
        exception_handlers={
            SignedOutError: to_sign_in,
            ShoubanError: refuse_reader,
            HTTPException: refuse_lost_reader,
            Exception: refuse_unforeseen,
        },
        logging_config=None,
    )


def _front(routes: dict[str, Any], pages: Litestar) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    """Chat goes straight to its own application; everything else through the framework."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        receive = _in_time(receive) if scope["type"] == "http" else receive
        if scope["type"] == "http" and scope["method"] == "POST" and (route := routes.get(scope["path"])):
            await route(scope, receive, send)
        else:
            await pages(scope, receive, send)  # type: ignore[arg-type]  # Litestar types ASGI by its own narrower names

    return application


def _in_time(receive: Receive) -> Receive:
    """Who does not send a whole body in time is taken for gone: a slow one must not hold memory for ever."""
    late_at = asyncio.get_running_loop().time() + BODY_WITHIN
    is_whole = False

    async def next_message() -> MutableMapping[str, Any]:
        nonlocal is_whole
        if is_whole:
            return await receive()
        try:
            async with asyncio.timeout_at(late_at):
                message = await receive()
        except TimeoutError:
            return {"type": "http.disconnect"}
        is_whole = not message.get("more_body")
        return message

    return next_message


def _life(
    gateway: Gateway,
    worker: Worker,
    store: Store,
    sign_ins: SignIns,
    decided: Sequence[Decided],
) -> Any:  # noqa: ANN401  # a lifespan context manager
    @asynccontextmanager
    async def life(_: Litestar) -> AsyncIterator[None]:
        for service in {one.id: one for one in gateway.services.values()}.values():
            facts = {
                "version": __version__,
                "pack": service.pack.pack.id,
                "digest": service.pack.pack.digest,
                "detectors": [*gateway.detectors.about(), *about(service.advisers)],
            }
            await store.writer.submit(
                Job(leaves=[leaf_of(Acted(service=service.id, at=gateway.clock.now(), act="started", facts=facts))])
            )
        if not store.is_shared:
            await store.writer.submit(Job(writes=[(FREE_ALL, {})]))
        await _admit_first(gateway, store, sign_ins)
        for office in decided:
            await office.refresh()
        keeps_up = asyncio.create_task(_keep_up(decided)) if store.is_shared else None
        if not gateway.clock.is_virtual:
            worker.start()
        try:
            yield
        finally:
            if keeps_up is not None:
                keeps_up.cancel()
            await gateway.outages.stop()
            await worker.stop()
            for one in {service.id: service for service in gateway.services.values()}.values():
                await one.upstream.close()
                for adviser in one.advisers:
                    await adviser.close()
            await asyncio.to_thread(store.close)

    return life


@dataclass
class _Erasures:
    """What a process that was killed has begun to erase is finished: at the next start, or by a process beside it."""

    road: Road
    gateway: Gateway
    store: Store

    async def refresh(self) -> None:
        for service in {one.id for one in self.gateway.services.values()}:
            waits = BESIDE if self.store.is_shared else None
            await self.road.finish_erasures(service, self.gateway.clock.now(), owed_for=waits)
        if not self.store.is_shared:  # killed after the rows had gone, and before their bytes
            await asyncio.to_thread(self.store.writer.scrub)


class Decided(Protocol):
    """An office whose decisions the road knows by heart."""

    async def refresh(self) -> None: ...


async def _keep_up(decided: Sequence[Decided]) -> None:
    """What another process has decided on a companion or a processor holds here soon."""
    while True:
        await asyncio.sleep(DECISIONS_EACH)
        with contextlib.suppress(OperatorError):
            for office in decided:
                await office.refresh()


async def _admit_first(gateway: Gateway, store: Store, sign_ins: SignIns) -> None:
    """The first administrator's account, in the first service, with the password that `first_admin` has kept."""
    file = store.data / ADMIN_FILE
    if not file.exists():
        return
    kept: dict[str, str] = msgspec.json.decode(file.read_bytes())
    service = gateway.settings.served()[0].id
    try:
        await sign_ins.ensure(
            service, kept["name"], kept["password"], at=gateway.clock.now(), renew=bool(gateway.settings.admin_password)
        )
    except OperatorError:
        if not store.is_shared:  # another process may make the account at this very moment
            raise


# --- keys of services and of the first administrator


def service_keys(settings: Settings, data: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Digests of the service keys by service, and the keys made just now, which are shown once and stored nowhere."""
    file = data / KEYS_FILE
    kept: dict[str, str] = msgspec.json.decode(file.read_bytes()) if file.exists() else {}
    made: dict[str, str] = {}
    for service in settings.served():
        key = service.key
        if not key and service.id not in kept:
            key = made[service.id] = f"sk-shouban-{secrets.token_urlsafe(24)}"
        if key:
            kept[service.id] = key_digest(key).hex()
    write_secret(file, msgspec.json.encode(kept).decode())
    return kept, made


def first_admin(settings: Settings, data: Path) -> str | None:
    """Keeps the first administrator's password (Argon2id, RFC 9106); gives one made just now, to be shown once.

    19 MiB and two passes (OWASP, Password Storage Cheat Sheet): many who sign in at once do not take the memory of the machine.
    """
    file = data / ADMIN_FILE
    if file.exists() and not settings.admin_password:
        return None
    password = settings.admin_password or secrets.token_urlsafe(15)
    hashed = Argon2id(salt=secrets.token_bytes(16), length=32, iterations=2, lanes=1, memory_cost=19_456)
    kept = {"name": "admin", "password": hashed.derive_phc_encoded(password.encode())}
    write_secret(file, msgspec.json.encode(kept).decode())
    return None if settings.admin_password else password
