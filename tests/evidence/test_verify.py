"""A planted change of any byte of any record is found; what was lived and erased lawfully verifies whole."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, delete, text
from tests.core.histories import START, histories
from tests.evidence.planting import COLUMNS, TABLES, Plant, plant_in_file, plant_in_transaction
from tests.evidence.service import SERVICE, SmallService, law, verified, verified_on
from tests.postgres import PostgresServer

from shouban.core import events as e
from shouban.core.errors import OperatorError
from shouban.core.signals import Level, Reading
from shouban.db.engine import connect, sqlite_url
from shouban.db.keys import read_master
from shouban.db.schema import HOLDS, LEDGER, LOG_ENTRIES, MESSAGES, METADATA, PERSON_KEYS, STATES
from shouban.db.writer import Job
from shouban.duties.channels import Channels
from shouban.duties.receipts import Receipts
from shouban.evidence.chain import Frontier, leaf_hash
from shouban.evidence.note import Checkpoint, Signer
from shouban.evidence.report import Report
from shouban.evidence.verify import check_earlier
from shouban.gateway.board import Board
from shouban.gateway.hub import Hub
from shouban.offices.care_desk.leading import Leading
from shouban.offices.care_desk.lost import LostTalks
from shouban.offices.care_desk.model import Closing, Noting
from shouban.offices.care_desk.roster import Roster
from shouban.offices.care_desk.shifts import NewShift
from shouban.offices.care_desk.work import CareDesk
from shouban.offices.companions.model import Appealing, Persona
from shouban.offices.companions.model import Deciding as Reviewing
from shouban.offices.companions.work import CompanionsOffice
from shouban.offices.complaints.model import Answering, Filing
from shouban.offices.complaints.work import ComplaintsOffice, Upload
from shouban.offices.guardians.records import accept, kept_links, link_row, new_link
from shouban.offices.notices.model import Posting
from shouban.offices.notices.work import NoticesOffice
from shouban.offices.people.appeals import Asked, Deciding
from shouban.offices.people.books import Books
from shouban.offices.people.work import PeopleOffice
from shouban.offices.processors.model import Processor
from shouban.offices.processors.work import ProcessorsOffice
from shouban.offices.restrictions import model as r
from shouban.offices.restrictions.work import RestrictionsOffice
from shouban.offices.staff.model import Breaking
from shouban.offices.staff.work import StaffOffice
from shouban.web.access import Who
from shouban.web.sessions import Private, SignIns

# A duty that nobody owed is no history that a service can have.
lives = histories(max_size=12).map(lambda events: [one for one in events if not isinstance(one, e.DutyFailed)])
CRISIS = Reading("crisis", Level.SEVERE, 0.99, "words", "1")


@contextmanager
def writing(url: str) -> Iterator[Connection]:
    with (
        closing_engine(url) as engine,
        engine.connect().execution_options(write=True) as connection,
        connection.begin(),
    ):
        yield connection


async def keep_books(service: SmallService, name: str, at: datetime) -> None:
    """What the offices keep: an account, broken glass, an appeal decided, a link, consents, a restriction, a processor, two versions of a companion."""
    store, road = service.store, service.road
    sign_ins = SignIns(store.engine, store.writer, store.master, second_factor=False)
    account = await sign_ins.add(
        SERVICE, Private(f"care {name}"), ["care"], at=at, by="test", password="correct horse battery"
    )
    who, person = Who(SERVICE, account=account.id, roles=account.roles, full=True), await road.find(SERVICE, name)
    assert person is not None
    staff = StaffOffice(road, store.engine, store.writer, sign_ins)
    await staff.break_glass(who, person, Breaking("说要伤害自己，需要看前因后果", 15), at)
    people = PeopleOffice(road, Books(store.engine, store.writer), Channels())
    case = await people.appeal(SERVICE, name, Asked(reason="我已成年"), at)
    await people.decide_appeal(
        SERVICE, person.id, case["case"], Deciding("refused", "没有新的材料"), by=account.id, at=at
    )
    await people.appeal(SERVICE, name, Asked(reason="再看一次"), at + timedelta(hours=1))
    for purpose in ("companionship", "third_party"):
        await road.act(
            person,
            e.ConsentGiven(
                at=at, person=person.id, purpose=purpose, by="app", text_version="1", party="p", verified="app"
            ),
        )
    await road.act(person, e.ConsentWithdrawn(at=at + timedelta(hours=1), person=person.id, purpose="third_party", by="app", party="p"))  # fmt: skip
    link, token = new_link(person.id, at, timedelta(days=7))
    row = link_row(link, SERVICE, token, person.seal(b"{}", "links", "sealed", link.id))
    await store.writer.submit(Job(writes=[row], after=kept_links(SERVICE, person.id, at)))
    linked = e.GuardianLinked(at=at, person=person.id, guardian=account.id)
    await road.act(
        person, linked, call=lambda connection: accept(connection, token, account.id, at), after=kept_links(SERVICE, person.id, at)
    )  # fmt: skip
    receipts = Receipts(store.engine, store.writer)
    await receipts.open(person, f"duty-{name}", "mother", at)
    call, after = receipts.telling(f"duty-{name}", "mother", "webhook answered 204", at)
    told = e.ContactTold(at=at, person=person.id, duty=f"duty-{name}", contact="mother")
    await road.act(person, told, call=call, after=after, waits=True)
    call, after = receipts.answering(receipts.of_person(SERVICE, person.id)[0], at)
    answered = e.ContactAnswered(at=at, person=person.id, duty=f"duty-{name}", contact="mother")
    await road.act(person, answered, call=call, after=after, waits=True)
    care = CareDesk(road, store.engine, store.writer, sign_ins, receipts, Hub())
    leading = Leading(care, road, store.engine, store.writer, LostTalks(care, road, store.engine, [SERVICE]))
    leader = Who(SERVICE, account=f"leader-{name}", roles=frozenset({"care_lead"}), full=True, name="周主管")
    later = at + timedelta(hours=2)
    for outcome in ("helped", ""):
        await road.act(person, e.UserSpoke(at=later, person=person.id, session="phone", readings=(CRISIS,)))
        await care.claim(who, person, later)
        await care.note(who, person, Noting("母亲的电话打不通"), later)
        await road.act(
            person, e.HumanTookOver(at=later, person=person.id, session=person.session("phone"), staff=account.id)
        )
        await leading.whisper(leader, person, Noting("先问身边有没有人"), later)
        await leading.join(leader, person, "zh", later)
        await leading.leave(leader, person, "zh", later)
        await leading.join(leader, person, "zh", later)
        await road.act(
            person, e.HumanHandedBack(at=later, person=person.id, session=person.session("phone"), staff=account.id)
        )
        if outcome:
            await care.close(who, person, Closing("helped", "聊过了，情绪缓和"), later)
    roster = Roster(store.engine, store.writer, sign_ins)
    await roster.set(who, NewShift(account.id, "2026-08-03T08:00", "2026-08-03T20:00", ["minors"]), at)
    [shift] = [one for one in (await roster.shown(SERVICE, at)).entries if one.shift.account == account.id]
    await roster.end(who, shift.shift.id, at)
    complaints = ComplaintsOffice(road, store.engine, store.writer, sign_ins, lambda _: (), lambda _: law())
    filing = Filing("充值没有到账，也没有人回", about="spending", contact="w@example.org")
    filed = await complaints.file(SERVICE, filing, later, person=person, uploads=[Upload("a.txt", b"proof")])
    complaint = (await complaints.by_number(filed.number)).complaint.id
    await complaints.accept(who, complaint, later)
    await complaints.answer(
        who, complaint, Answering("refused", "查了记录，已经到账了。", "服务协议第五条的规定。"), later
    )
    await complaints.appeal(filed.number, "截图是别人的，我没有收到", later)
    notices = NoticesOffice(road, store.engine, store.writer, Board(), Hub(), lambda *_: "")
    posted = await notices.post(who, Posting("news", "新角色", "今天起可以聊书"), later)
    await notices.take_down(who, posted.id, later)
    await notices.outage(SERVICE, is_out=True)
    await restrict(service, name, sign_ins, later)
    processors = ProcessorsOffice(store.engine, store.writer, {})
    await processors.approve(
        who, Processor(f"model-{account.id}", "模型公司", "model", "contract", "inference", "CN", "合同 1"), at
    )
    companions = CompanionsOffice(road, store.engine, store.writer, lambda _: (), {})
    for n in range(2):
        await companions.declare(SERVICE, Persona(id="xiaohe", prompt=f"你是小禾{n}"), at)
        newest = next(one for one in await companions.all(who) if one.state == "pending")
        await companions.review(who, newest.review, Reviewing("approved", "看过了，没有问题"), at)
    await companions.review(who, newest.review, Reviewing("suspended", "有人投诉，先停下"), at)
    await companions.appeal(SERVICE, "xiaohe", Appealing("投诉不实"), at)


async def restrict(service: SmallService, name: str, sign_ins: SignIns, at: datetime) -> None:
    """Proposed by one, confirmed by another, appealed, and lifted by a third; then proposed again."""
    store, road = service.store, service.road
    office = RestrictionsOffice(road, store.engine, store.writer, sign_ins, lambda _: law())
    first, second, third = [
        Who(SERVICE, account=one.id, roles=one.roles, full=True)
        for one in [
            await sign_ins.add(
                SERVICE, Private(f"{word} {name}"), ["compliance"], at=at, by="test", password="correct horse battery"
            )
            for word in ("first", "second", "third")
        ]
    ]
    person = await road.find(SERVICE, name)
    assert person is not None
    wish = r.Proposing("suspended", "fraud", "三份举报都指向这个账号", "账号被用来冒充客服索要验证码", "3")
    made = await office.propose(first, person, wish, at)
    await office.confirm(second, await office.by_id(second, made), r.Explaining("看过三份举报"), at)
    await office.appeal(person, made, r.Appealing("那不是我，我的手机被偷了"), at)
    await office.decide_appeal(
        third, await office.by_id(third, made), r.Deciding("upheld", "材料不足以认定是本人所为"), at
    )
    await office.propose(first, person, wish, at)


def sample_life(service: SmallService) -> None:
    """Everything that leaves a record: danger, timers, holds, contacts that fail, take-over, pushes, and an erasure."""
    at = START
    first = [e.UserRegistered(at=at, age_band="16_17", guardians=1), e.UserSignedIn(at=at, session="phone")]
    talk = [
        e.UserSpoke(at=at + timedelta(minutes=10 * n), session="phone", readings=(CRISIS,) * (n == 3))
        for n in range(20)
    ]
    rest = [e.HumanTookOver(at=at + timedelta(hours=4), staff="s"), e.HumanHandedBack(at=at + timedelta(hours=5), staff="s"), e.UserLeft(at=at + timedelta(hours=6), session="phone", by="button")]  # fmt: skip
    service.live("小雨", [*first, *talk, *rest])
    service.live(
        "old",
        [
            e.UserRegistered(at=at + timedelta(hours=7), age_band="elder"),
            *(e.UserSpoke(at=at + timedelta(hours=7), session="a") for _ in range(5)),
        ],
    )
    service.live("gone", [e.UserSpoke(at=at + timedelta(hours=8), session="b", readings=(CRISIS,))])
    service.loop.run(keep_books(service, "小雨", at + timedelta(hours=8)))
    service.loop.run(keep_books(service, "gone", at + timedelta(hours=8)))
    service.erase("gone")
    service.erase("old", "session", "a")


@dataclass
class Sample:
    """A finished service, and copies of it to be damaged."""

    data: Path
    database: str
    copy: Callable[[], str]

    def with_planted(self, wish: Plant) -> Report | None:
        """What verification finds once this is planted; nothing where it cannot be."""
        if self.database.startswith("sqlite"):
            url = self.copy()
            return verified(self.data, url) if plant_in_file(Path(url.removeprefix("sqlite:///")), wish) else None
        with closing_engine(self.database) as engine, engine.connect() as connection:
            driver = connection.connection.driver_connection
            assert isinstance(driver, psycopg.Connection)
            return verified_on(connection, self.data) if plant_in_transaction(driver, wish) else None


@contextmanager
def closing_engine(url: str) -> Iterator[Engine]:
    engine = connect(url)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def sample(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Sample:
    data = tmp_path_factory.mktemp("sample")
    if request.param == "sqlite":
        with SmallService(data) as service:
            sample_life(service)

        def copy_file() -> str:
            # A folder of its own each time: what a reader left beside the last copy is not this one's.
            return sqlite_url(Path(shutil.copy(data / "shouban.db", tmp_path_factory.mktemp("copy"))).parent)

        return Sample(data, sqlite_url(data), copy_file)
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name = server.make_database()
    with SmallService(data, server.url(name)) as service:
        sample_life(service)
    last: list[str] = []

    def copy_database() -> str:
        if last:
            server.drop_database(last.pop())
        last.append(server.make_database(name))
        return server.url(last[0])

    return Sample(data, server.url(name), copy_database)


def test_a_service_that_lived_lawfully_verifies_whole(sample: Sample) -> None:
    report = verified(sample.data, sample.database)
    assert report.is_clean, report.problems()
    looked = {check.name: check.looked for check in report.checks}
    assert looked["entries"] == report.size > 50
    assert all(
        looked[name] > 0 for name in ("messages", "pushes", "ledger", "holds", "states", "persons", "person_keys")
    )


@settings(max_examples=12)
@given(data=st.data())
def test_any_history_verifies_whole_and_so_it_does_after_erasures(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with SmallService(
        tmp_path_factory.mktemp("life"), cipher=data.draw(st.sampled_from(["aes-256-gcm", "sm4-gcm"]))
    ) as service:
        for name in data.draw(st.lists(st.sampled_from(["a", "b"]), min_size=1, max_size=3)):
            service.live(name, data.draw(lives))
            if data.draw(st.booleans()):
                service.erase(
                    name, *data.draw(st.sampled_from([("all", ""), ("session", "phone"), ("companion", "xiaohe")]))
                )
            report = service.report()
            assert report.is_clean, report.problems()


@pytest.mark.parametrize(("table", "column"), COLUMNS)
def test_a_change_in_any_column_of_any_table_is_found_and_its_place_named(
    sample: Sample, table: str, column: str
) -> None:
    # The third byte is for a log so long that the number beside is taken, and the one 256 on.
    wishes = (Plant(table, column, row, byte, bit=0) for row in range(3) for byte in (0, 1, 2))
    report = next((found for wish in wishes if (found := sample.with_planted(wish))), None)
    assert report is not None, f"the sample has nothing in {table}.{column}"
    assert not report.is_clean
    tables = {"log_entries": ("log_entries",), "log_tiles": ("log_tiles", "tile/"), "meta": ("meta", "log_head")}.get(
        table, (table,)
    )
    assert any(problem.place.startswith(tables) for problem in report.problems()), report.problems()


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    wish=st.builds(Plant, st.just(""), st.just(""), st.integers(0, 500), st.integers(0, 5000), st.integers(0, 7)),
    column=st.sampled_from(COLUMNS),
)
def test_a_flip_of_any_bit_anywhere_is_found(sample: Sample, wish: Plant, column: tuple[str, str]) -> None:
    report = sample.with_planted(Plant(*column, wish.row, wish.byte, wish.bit))
    assume(report)
    assert report is not None
    assert not report.is_clean


@pytest.mark.parametrize("table", [table.name for table in TABLES if table.name != "pushes"])
def test_a_row_that_was_taken_away_is_missed(sample: Sample, table: str) -> None:
    url = sample.copy()
    found = METADATA.tables[table]
    # A timer that a later one has replaced has no row to miss.
    which = (found.c.kind != "WakeAt") if table == "ledger" else text("1 = 1")
    with writing(url) as connection:
        row = connection.execute(found.select().where(which).limit(1)).mappings().one()
        gone = delete(found)
        for column in found.primary_key:
            gone = gone.where(column == row[column.name])
        connection.execute(gone)
    assert not verified(sample.data, url).is_clean


def test_records_moved_between_persons_are_found(sample: Sample) -> None:
    url = sample.copy()
    with writing(url) as connection:
        (one, first), (two, second) = connection.execute(
            STATES.select().with_only_columns(STATES.c.person_id, STATES.c.sealed)
        ).all()[:2]
        for person, sealed in ((one, second), (two, first)):
            connection.execute(STATES.update().where(STATES.c.person_id == person).values(sealed=sealed))
    assert {problem.place.split()[0] for problem in verified(sample.data, url).problems()} == {"states"}


def test_a_person_deleted_behind_the_log_is_missed(sample: Sample) -> None:
    url = sample.copy()
    with writing(url) as connection:
        person = connection.execute(STATES.select()).first()
        assert person is not None
        for table in (MESSAGES, STATES, PERSON_KEYS):
            connection.execute(delete(table).where(table.c.person_id == person.person_id))
    assert any(
        person.person_id in problem.place and "no erasure" in problem.what
        for problem in verified(sample.data, url).problems()
    )


def test_a_row_of_the_ledger_or_a_hold_that_nothing_owes_is_found(sample: Sample) -> None:
    url = sample.copy()
    with writing(url) as connection:
        duty = connection.execute(LEDGER.select().where(LEDGER.c.kind == "Escalate")).mappings().first()
        assert duty is not None
        connection.execute(LEDGER.insert().values(**{**duty, "duty_id": "f" * 24}))
        hold = connection.execute(HOLDS.select()).mappings().first()
        assert hold is not None
        connection.execute(HOLDS.insert().values(**{**hold, "hold_id": "f" * 24}))
    assert [problem.place for problem in verified(sample.data, url).problems()] == [
        f"ledger {'f' * 24}",
        f"holds {'f' * 24}",
    ]


def test_verifying_works_beside_a_running_service_and_writes_nothing(tmp_path: Path) -> None:
    with SmallService(tmp_path) as service:
        sample_life(service)
        before = service.report()
        service.live("after", [e.UserSpoke(at=START + timedelta(days=1), session="c")])
        after = service.report()
    assert before.is_clean
    assert after.is_clean
    assert after.size > before.size
    unchanged = (tmp_path / "shouban.db").read_bytes()
    assert verified(tmp_path).root == after.root
    assert (tmp_path / "shouban.db").read_bytes() == unchanged


def test_a_service_that_never_started_has_nothing_wrong(tmp_path: Path) -> None:
    with SmallService(tmp_path) as service:
        assert service.report().is_clean
        assert service.report().size == 0


def test_a_missing_key_or_database_is_said_and_neither_is_made(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match=r"master\.key"):
        read_master(tmp_path, {})
    assert not (tmp_path / "keys").exists()
    with SmallService(tmp_path / "other") as service:
        service.live("a", [e.UserSpoke(at=START)])
    with pytest.raises(OperatorError, match="there is no database"):
        verified(tmp_path / "other", sqlite_url(tmp_path))
    assert not (tmp_path / "shouban.db").exists()


def test_another_services_master_key_is_named_for_what_it_is(sample: Sample, tmp_path: Path) -> None:
    with SmallService(tmp_path):
        pass
    problems = verified(tmp_path, sample.copy()).problems()
    assert problems[0].place == "meta master"


def test_a_log_rewritten_by_somebody_without_the_key_is_found(sample: Sample) -> None:
    url = sample.copy()
    with writing(url) as connection:
        last = connection.execute(LOG_ENTRIES.select().order_by(LOG_ENTRIES.c.leaf_index.desc()).limit(1)).one()
        connection.execute(delete(LOG_ENTRIES).where(LOG_ENTRIES.c.leaf_index == last.leaf_index))
    report = verified(sample.data, url)
    assert {problem.place for problem in report.problems()} >= {
        "log_head size",
        "log_head frontier",
        "log_head checkpoint",
    }


@given(size=st.integers(0, 700), more=st.integers(0, 700), other=st.booleans())
def test_a_head_that_was_kept_holds_while_the_log_only_grows(size: int, more: int, other: bool) -> None:
    """Neither a log whose end was cut off nor one that was written anew begins with it."""
    leaves = [leaf_hash(f"entry {n}".encode()) for n in range(size + more)]
    signer = Signer.from_seed("log", b"\1" * 32)
    told = [leaf_hash(b"another entry"), *leaves[1:size]] if other and size else leaves[:size]
    note = signer.sign(Checkpoint("log", size, Frontier().extend(told).root()).body())

    def fetch(level: int, n: int, width: int) -> bytes:
        below = (
            leaves
            if level == 0
            else [Frontier().extend(leaves[k * 256 : (k + 1) * 256]).root() for k in range(len(leaves) // 256)]
        )
        return b"".join(below[n * 256 : n * 256 + width])

    whole = check_earlier(note, lambda: signer.verifier_key, size + more, fetch)
    assert whole.wrong == (told != leaves[:size])
    if more and size:
        assert check_earlier(note, lambda: signer.verifier_key, size - 1, fetch).wrong == 1
    stranger = Signer.from_seed("log", b"\2" * 32)
    assert check_earlier(note, lambda: stranger.verifier_key, size + more, fetch).wrong == 1
