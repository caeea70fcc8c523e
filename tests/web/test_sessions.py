"""Accounts and sign-ins: what is kept is no secret, wrong tries lock, codes work once, and what has ended stays ended."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from tests.gateway.serving import Served, fresh
from tests.web.signing import PASSWORD, now_of, run, sign_ins_of, staff

from shouban.core.errors import CallerError
from shouban.db.schema import ACCOUNTS, SIGN_INS
from shouban.web.sessions import (
    CODE_STEP,
    FREE_TRIES,
    LAST_LOCK,
    PERSON_IDLE,
    STAFF_IDLE,
    STAFF_LIFE,
    Private,
    checked_password,
    hashed,
    lock_for,
    matches,
    right_step,
)

SECRET = pyotp.random_base32()


def enter(office: Served, name: str, password: str = PASSWORD, *, after: timedelta = timedelta(0)) -> str:
    return run(sign_ins_of(office).enter("default", name, password, now_of(office) + after))


def status_of(office: Served, name: str, password: str, *, after: timedelta = timedelta(0)) -> int:
    try:
        enter(office, name, password, after=after)
    except CallerError as error:
        return error.status
    return 200


def test_neither_name_nor_password_nor_cookie_stands_in_the_database(office: Served) -> None:
    name = fresh("张三丰")
    staff(office, name, "care", secret=SECRET)
    token = enter(office, name)
    with office.engine.connect() as connection:
        kept = repr([tuple(row) for table in (ACCOUNTS, SIGN_INS) for row in connection.execute(select(table))])
    assert "$argon2id$" in kept
    assert not any(secret in kept for secret in (name, PASSWORD, token, SECRET))
    assert name.encode() not in b"".join(
        (office.data / "shouban.db").parent.joinpath(one).read_bytes() for one in ("shouban.db", "shouban.db-wal")
    )


def test_a_wrong_password_and_an_unknown_name_are_refused_alike(office: Served) -> None:
    name = fresh("li")
    staff(office, name, "care")
    told = []
    for who in (name, fresh("nobody")):
        with pytest.raises(CallerError) as refused:
            enter(office, who, "wrong password")
        told.append((str(refused.value), refused.value.status, refused.value.code))
    assert told[0] == told[1]
    assert told[0][1] == 401


def test_wrong_tries_lock_the_account_for_longer_each_time(office: Served) -> None:
    name = fresh("wang")
    staff(office, name, "care")
    assert [status_of(office, name, "wrong") for _ in range(FREE_TRIES)] == [401] * FREE_TRIES
    assert status_of(office, name, PASSWORD) == 429
    assert status_of(office, name, "wrong", after=timedelta(seconds=61)) == 401
    assert status_of(office, name, PASSWORD, after=timedelta(seconds=61 + 100)) == 429
    assert status_of(office, name, PASSWORD, after=timedelta(seconds=61 + 121)) == 200
    assert status_of(office, name, "wrong", after=timedelta(seconds=200)) == 401
    assert status_of(office, name, PASSWORD, after=timedelta(seconds=200)) == 200


@given(st.integers(FREE_TRIES, 10_000))
def test_a_lock_grows_and_has_its_bound(failed: int) -> None:
    assert timedelta(0) < lock_for(failed) <= lock_for(failed + 1) <= LAST_LOCK


def test_a_name_is_one_whatever_its_case_and_taken_once(office: Served) -> None:
    name = fresh("Zhao")
    staff(office, name, "care")
    assert status_of(office, name.upper(), PASSWORD) == 200
    with pytest.raises(CallerError) as refused:
        staff(office, name.lower(), "care")
    assert refused.value.status == 409


def test_a_sign_in_ends_by_idling_by_age_by_leaving_and_with_its_account(office: Served) -> None:
    name = fresh("qian")
    account = staff(office, name, "care")
    sign_ins, now = sign_ins_of(office), now_of(office)
    token = enter(office, name)
    assert run(sign_ins.signed_in(token, now + STAFF_IDLE)) is not None
    assert run(sign_ins.signed_in(token, now + 2 * STAFF_IDLE + timedelta(seconds=2))) is None
    for step in range(1, 40):
        alive = run(sign_ins.signed_in(token, now + step * timedelta(minutes=20)))
        assert (alive is not None) == (step * timedelta(minutes=20) < STAFF_LIFE)
    left = enter(office, name)
    run(sign_ins.close(left))
    assert run(sign_ins.signed_in(left, now)) is None
    open_still = enter(office, name)
    run(sign_ins.change(account, at=now, by="test", state="disabled"))
    assert run(sign_ins.signed_in(open_still, now)) is None
    assert status_of(office, name, PASSWORD) == 401
    assert run(sign_ins.signed_in("", now)) is None
    assert run(sign_ins.signed_in("never given", now)) is None


def test_a_code_is_asked_of_who_has_codes_and_works_once(office: Served) -> None:
    name = fresh("sun")
    staff(office, name, "care", secret=SECRET)
    sign_ins, now = sign_ins_of(office), now_of(office)
    token = enter(office, name)
    half = run(sign_ins.signed_in(token, now))
    assert half is not None
    assert half.needs_code
    assert not half.who.full
    code = pyotp.TOTP(SECRET).at(int(now.timestamp()))
    run(sign_ins.confirm(token, code, now))
    full = run(sign_ins.signed_in(token, now))
    assert full is not None
    assert full.who.full
    again = enter(office, name)
    with pytest.raises(CallerError):
        run(sign_ins.confirm(again, code, now))


def test_where_a_second_factor_is_asked_staff_set_one_up_first(office: Served) -> None:
    name = fresh("zhou")
    staff(office, name, "care")
    sign_ins, now = sign_ins_of(office, second_factor=True), now_of(office)
    token = run(sign_ins.enter("default", name, PASSWORD, now))
    half = run(sign_ins.signed_in(token, now))
    assert half is not None
    assert (half.needs_code, half.has_codes) == (True, False)
    with pytest.raises(CallerError):
        run(sign_ins.set_codes(token, SECRET, "000000", now))
    run(sign_ins.set_codes(token, SECRET, pyotp.TOTP(SECRET).at(int(now.timestamp())), now))
    full = run(sign_ins.signed_in(token, now))
    assert full is not None
    assert (full.needs_code, full.has_codes) == (False, True)
    with pytest.raises(CallerError):  # a second secret would be somebody else's
        run(sign_ins.set_codes(token, SECRET, pyotp.TOTP(SECRET).at(int(now.timestamp())), now))


def test_a_person_of_the_app_is_themselves_for_a_while(office: Served) -> None:
    sign_ins, now = sign_ins_of(office), now_of(office)
    token = run(sign_ins.open_for_person("default", "p-1", now))
    mine = run(sign_ins.signed_in(token, now))
    assert mine is not None
    assert (mine.who.person, mine.who.account, mine.needs_code) == ("p-1", "", False)
    assert run(sign_ins.signed_in(token, now + PERSON_IDLE + timedelta(minutes=2))) is None


@pytest.mark.parametrize("off", [-CODE_STEP, 0, CODE_STEP])
def test_a_clock_that_is_a_little_off_is_borne(office: Served, off: int) -> None:
    now = now_of(office)
    assert right_step(SECRET, pyotp.TOTP(SECRET).at(int(now.timestamp()) + off), now) is not None
    assert right_step(SECRET, pyotp.TOTP(SECRET).at(int(now.timestamp()) + off - 5 * CODE_STEP), now) is None
    assert right_step("", "123456", now) is None
    assert right_step(SECRET, "12345a", now) is None


def test_a_password_is_kept_as_argon2id_and_must_be_long_enough() -> None:
    phc = hashed(PASSWORD)
    assert phc.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert matches(phc, PASSWORD)
    assert not matches(phc, PASSWORD + " ")
    for wrong in ("short", "x" * 257):
        with pytest.raises(CallerError):
            checked_password(wrong)


def test_roles_that_nobody_has_are_refused(office: Served) -> None:
    for roles in ((), ("user",), ("king",)):
        with pytest.raises(CallerError):
            run(
                sign_ins_of(office).add(
                    "default", Private(fresh()), roles, at=now_of(office), by="test", password=PASSWORD
                )
            )


def test_the_first_administrators_password_is_renewed_only_where_it_was_given_anew(office: Served) -> None:
    sign_ins, now, name = sign_ins_of(office), now_of(office), fresh("admin")
    run(sign_ins.ensure("default", name, hashed(PASSWORD), at=now, renew=False))
    run(sign_ins.ensure("default", name, hashed("another password"), at=now, renew=False))
    assert status_of(office, name, PASSWORD) == 200
    run(sign_ins.ensure("default", name, hashed("another password"), at=now, renew=True))
    assert status_of(office, name, "another password") == 200


def test_nobody_takes_a_name_of_the_directory(office: Served) -> None:
    with pytest.raises(CallerError) as refused:
        staff(office, "oidc:https://id.example/chen", "care")
    assert refused.value.field == "name"


def test_a_password_that_was_changed_while_it_was_checked_lets_nobody_in(office: Served) -> None:
    name = fresh("zhou")
    account = staff(office, name, "care")
    with pytest.raises(CallerError) as refused:
        run(sign_ins_of(office).open(account, now_of(office), phc="$argon2id$v=19$of-another-time"))
    assert refused.value.status == 401


def test_wrong_tries_side_by_side_count_each(office: Served) -> None:
    name = fresh("wu")
    staff(office, name, "care")
    with ThreadPoolExecutor(FREE_TRIES) as pool:
        tries = list(pool.map(lambda _: status_of(office, name, "wrong"), range(FREE_TRIES)))
    assert set(tries) <= {401, 429}
    assert status_of(office, name, PASSWORD) == 429


def test_of_two_who_show_one_code_at_once_one_is_in(office: Served) -> None:
    name = fresh("zheng")
    staff(office, name, "care", secret=SECRET)
    sign_ins, now = sign_ins_of(office), now_of(office)
    tokens = [enter(office, name) for _ in range(3)]
    code = pyotp.TOTP(SECRET).at(now)

    def confirm(token: str) -> int:
        try:
            run(sign_ins.confirm(token, code, now))
        except CallerError as error:
            return error.status
        return 200

    with ThreadPoolExecutor(3) as pool:
        assert sorted(pool.map(confirm, tokens)) == [200, 401, 401]


def test_a_right_password_alone_forgets_no_wrong_codes(office: Served) -> None:
    name = fresh("feng")
    staff(office, name, "care", secret=SECRET)
    sign_ins, now = sign_ins_of(office), now_of(office)
    for _ in range(FREE_TRIES):
        token = enter(office, name)
        with pytest.raises(CallerError):
            run(sign_ins.confirm(token, "000000", now))
    assert status_of(office, name, PASSWORD) == 429


def test_each_sign_in_sets_up_a_secret_of_its_own(office: Served) -> None:
    sign_ins = sign_ins_of(office)
    assert sign_ins.secret_of("a") == sign_ins.secret_of("a")
    assert sign_ins.secret_of("a") != sign_ins.secret_of("b")
    assert pyotp.TOTP(sign_ins.secret_of("a")).now().isdigit()
