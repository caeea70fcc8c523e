"""What is sealed opens only whole, in its own place, with its own key; and a lost key loses everything it sealed."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shouban.core.errors import EvidenceError, OperatorError
from shouban.db.keys import Algorithm, MasterKey, PersonKey, Sm4Gcm, load_master, read_master, row_name, write_secret

algorithms: st.SearchStrategy[Algorithm] = st.sampled_from(["aes-256-gcm", "sm4-gcm"])
keys = st.binary(min_size=32, max_size=32)
places = st.lists(st.text(max_size=8), min_size=1, max_size=4).map(tuple)
PLACE = ("default", "messages", "sealed", "m1")


@given(keys, algorithms, st.binary(max_size=300), places)
def test_what_is_sealed_opens_again_in_its_place(
    key: bytes, algorithm: Algorithm, data: bytes, place: tuple[str, ...]
) -> None:
    sealed = PersonKey(key, algorithm).seal(data, *place)
    # A setting changed later opens what was sealed before: the value says how it was sealed.
    for later in ("aes-256-gcm", "sm4-gcm"):
        assert PersonKey(key, later).open(sealed, *place) == data


@given(keys, algorithms, st.binary(max_size=60), st.data())
def test_a_sealed_value_with_any_bit_flipped_does_not_open(
    key: bytes, algorithm: Algorithm, data: bytes, drawn: st.DataObject
) -> None:
    person = PersonKey(key, algorithm)
    sealed = bytearray(person.seal(data, *PLACE))
    place, bit = drawn.draw(st.integers(0, len(sealed) - 1)), drawn.draw(st.integers(0, 7))
    sealed[place] ^= 1 << bit
    with pytest.raises(EvidenceError, match="default/messages/sealed/m1"):
        person.open(bytes(sealed), *PLACE)


@given(keys, algorithms, st.binary(max_size=60), st.integers(min_value=1))
def test_a_sealed_value_that_was_cut_does_not_open(key: bytes, algorithm: Algorithm, data: bytes, cut: int) -> None:
    person = PersonKey(key, algorithm)
    sealed = person.seal(data, *PLACE)
    with pytest.raises(EvidenceError):
        person.open(sealed[: -(cut % len(sealed)) or 1], *PLACE)


@given(keys, algorithms, st.integers(0, 3))
def test_a_value_moved_to_another_place_does_not_open(key: bytes, algorithm: Algorithm, which: int) -> None:
    person = PersonKey(key, algorithm)
    other = tuple(f"{word}x" if number == which else word for number, word in enumerate(PLACE))
    with pytest.raises(EvidenceError):
        person.open(person.seal(b"words", *PLACE), *other)


@given(keys, keys, algorithms)
def test_another_persons_key_opens_nothing(one: bytes, two: bytes, algorithm: Algorithm) -> None:
    # SM4 has keys of 16 bytes: the first half of ours.
    if one[:16] == two[:16]:
        return
    with pytest.raises(EvidenceError):
        PersonKey(two, algorithm).open(PersonKey(one, algorithm).seal(b"words", *PLACE), *PLACE)


def test_no_value_is_sealed_twice_the_same_way() -> None:
    person = PersonKey(bytes(32), "aes-256-gcm")
    assert len({person.seal(b"words", *PLACE) for _ in range(200)}) == 200


def test_sm4_in_gcm_gives_the_published_example() -> None:
    """RFC 8998, appendix A.1."""
    cipher = Sm4Gcm(bytes.fromhex("0123456789ABCDEFFEDCBA9876543210"))
    nonce = bytes.fromhex("00001234567800000000ABCD")
    bound = bytes.fromhex("FEEDFACEDEADBEEFFEEDFACEDEADBEEFABADDAD2")
    plain = b"".join(bytes([letter]) * 8 for letter in (0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF, 0xEE, 0xAA))
    sealed = bytes.fromhex(
        "17F399F08C67D5EE19D0DC9969C4BB7D5FD46FD3756489069157B282BB200735"
        "D82710CA5C22F0CCFA7CBF93D496AC15A56834CBCF98C397B4024A2691233B8D"
        "83DE3541E4C2B58177E065A9BF7B62EC"
    )
    assert cipher.encrypt(nonce, plain, bound) == sealed
    assert cipher.decrypt(nonce, sealed, bound) == plain


@given(keys, algorithms)
def test_a_persons_key_unwraps_for_that_person_only(key: bytes, algorithm: Algorithm) -> None:
    master = MasterKey(key, algorithm)
    person = master.new_person()
    wrapped = master.wrap(person, "default", "p1")
    assert master.unwrap(wrapped, "default", "p1").raw == person.raw
    for service, other in (("default", "p2"), ("second", "p1")):
        with pytest.raises(EvidenceError):
            master.unwrap(wrapped, service, other)


@given(keys, st.text(max_size=20), st.text(max_size=20))
def test_the_index_of_ids_is_blind_and_by_service(key: bytes, one: str, two: str) -> None:
    master = MasterKey(key)
    assert master.lookup("a", one) == master.lookup("a", one)
    assert (master.lookup("a", one) == master.lookup("a", two)) == (one == two)
    assert master.lookup("a", one) != master.lookup("b", one)


@given(keys, keys)
def test_derived_values_differ_by_purpose_and_by_key_and_never_are_the_key(one: bytes, two: bytes) -> None:
    master = MasterKey(one)
    derived = {master.derive(purpose) for purpose in (b"wrap", b"index", b"check", b"log-signer")}
    assert len(derived) == 4
    assert one not in derived
    assert (master.check_value() == MasterKey(two).check_value()) == (one == two)


@given(keys, st.text(max_size=20), st.text(max_size=20))
def test_digests_tell_texts_apart_and_roles_and_nothing_without_the_key(key: bytes, one: str, two: str) -> None:
    person, other = PersonKey(key, "aes-256-gcm"), PersonKey(bytes(32), "aes-256-gcm")
    assert (person.digest(one.encode()) == person.digest(two.encode())) == (one == two)
    assert (person.digest(one.encode()) == other.digest(one.encode())) == (key == bytes(32))
    assert person.fingerprint("user", one.encode()) != person.fingerprint("companion", one.encode())
    assert len(person.session_name(one)) == 20


def test_a_rows_name_has_all_its_plain_columns() -> None:
    assert row_name("p1", "", "notice", 12) == "p1//notice/12"


def test_the_master_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    first = load_master(tmp_path, {})
    assert load_master(tmp_path, {}).check_value() == first.check_value() == read_master(tmp_path, {}).check_value()
    assert (tmp_path / "keys" / "master.key").stat().st_mode & 0o077 == 0
    assert (tmp_path / "keys").stat().st_mode & 0o077 == 0


def test_the_environments_master_key_goes_before_the_file_and_makes_none(tmp_path: Path) -> None:
    given_key = base64.b64encode(bytes(range(32))).decode()
    assert (
        read_master(tmp_path, {"SHOUBAN_MASTER_KEY": given_key}).check_value()
        == MasterKey(bytes(range(32))).check_value()
    )
    assert not (tmp_path / "keys").exists()


def test_who_only_reads_makes_no_key(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match=r"keys/master\.key"):
        read_master(tmp_path, {})
    assert list(tmp_path.iterdir()) == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(
        st.text(st.characters(max_codepoint=127, exclude_categories=["C"]), max_size=60),
        st.binary(max_size=40).map(lambda data: base64.b64encode(data).decode()),
    )
)
def test_a_damaged_master_key_is_refused_by_name_and_not_replaced(tmp_path: Path, text: str) -> None:
    write_secret(tmp_path / "keys" / "master.key", text)
    try:
        size = len(base64.b64decode(text.strip(), validate=True))
    except ValueError:
        size = -1
    if size == 32:
        return
    with pytest.raises(OperatorError, match=r"master\.key"):
        load_master(tmp_path, {})
    assert (tmp_path / "keys" / "master.key").read_text() == f"{text}\n"


def test_a_key_of_another_length_is_no_master_key() -> None:
    with pytest.raises(OperatorError, match="31 bytes"):
        MasterKey(bytes(31))
