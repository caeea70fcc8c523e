"""An export verifies with the public key alone, and no byte of it can be changed unseen."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.core.histories import START

from shouban.core.errors import CallerError, EvidenceError
from shouban.db.engine import connect, sqlite_url
from shouban.db.reading import snapshot
from shouban.evidence.export import export_log, export_person, prove, size_in, verify_export
from shouban.evidence.log import Acted, Log, leaf_of
from shouban.evidence.note import Signer
from shouban.evidence.proof import verify_proof

SIGNER = Signer.from_seed("shouban.log/test", bytes(32))
KEY = SIGNER.verifier_key
SIZES = (1, 2, 255, 256, 257, 600)


def write_log(url: str, size: int) -> None:
    engine = connect(url)
    log = Log(engine, SIGNER)
    leaves = [
        leaf_of(Acted(service="s", at=START, act="told", person=f"p{number % 4}", facts={"number": number}))
        for number in range(size)
    ]
    with engine.connect().execution_options(write=True) as connection, connection.begin():
        log.append(connection, leaves)
    engine.dispose()


def exported(url: str, folder: Path) -> Path:
    with snapshot(url) as connection:
        export_log(connection, folder, KEY)
    return folder


@pytest.fixture(scope="module")
def whole(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The export of a log of 300 entries."""
    data = tmp_path_factory.mktemp("log")
    shutil.copy(sqlite_template, data)
    write_log(sqlite_url(data), 300)
    return exported(sqlite_url(data), data / "export")


@pytest.mark.parametrize("size", SIZES)
def test_an_export_of_any_size_verifies_with_the_public_key_alone(database_url: str, tmp_path: Path, size: int) -> None:
    write_log(database_url, size)
    folder = exported(database_url, tmp_path / "export")
    report = verify_export(folder, (folder / "key").read_text().strip())
    assert report.is_clean, report.problems()
    assert report.size == size == size_in(folder)
    assert "shouban evidence verify --export" in (folder / "README.txt").read_text("utf-8")


def test_the_files_are_where_any_reader_of_tlog_tiles_looks(whole: Path) -> None:
    found = {path.relative_to(whole).as_posix() for path in whole.rglob("*") if path.is_file()}
    tiles = {"tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/000", "tile/entries/001.p/44"}
    assert found == {"checkpoint", "key", "README.txt", *tiles}


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_flip_of_any_bit_of_any_file_is_found(
    whole: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = Path(shutil.copytree(whole, tmp_path_factory.mktemp("flip") / "export"))
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name not in {"key", "README.txt"})
    file = data.draw(st.sampled_from(files))
    content = bytearray(file.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    file.write_bytes(content)
    assert not verify_export(folder, KEY).is_clean


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_file_that_is_gone_cut_or_put_there_is_found(
    whole: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = Path(shutil.copytree(whole, tmp_path_factory.mktemp("gone") / "export"))
    file = data.draw(st.sampled_from(sorted(path for path in (folder / "tile").rglob("*") if path.is_file())))
    match data.draw(st.sampled_from(["gone", "cut", "put"])):
        case "gone":
            file.unlink()
        case "cut":
            file.write_bytes(file.read_bytes()[:-1])
        case _:
            shutil.copy(file, file.with_name("017"))
    assert not verify_export(folder, KEY).is_clean


def test_another_logs_key_verifies_nothing(whole: Path) -> None:
    other = Signer.from_seed("shouban.log/test", bytes([1] * 32)).verifier_key
    assert [problem.place for problem in verify_export(whole, other).problems()] == ["checkpoint"]


def test_an_older_export_is_the_beginning_and_cannot_pass_for_the_newer(database_url: str, tmp_path: Path) -> None:
    write_log(database_url, 10)
    old = exported(database_url, tmp_path / "old")
    write_log(database_url, 5)
    new = exported(database_url, tmp_path / "new")
    assert verify_export(old, KEY).is_clean
    shutil.copy(new / "checkpoint", old / "checkpoint")
    assert not verify_export(old, KEY).is_clean


def test_a_persons_export_has_their_entries_and_nobody_elses(database_url: str, tmp_path: Path) -> None:
    write_log(database_url, 41)
    with snapshot(database_url) as connection:
        assert export_person(connection, tmp_path / "export", KEY, "p1") == 10
    files = sorted((tmp_path / "export" / "proofs").iterdir())
    proved = [verify_proof(file.read_text("utf-8"), KEY) for file in files]
    assert [one.index for one in proved] == list(range(1, 41, 4))
    assert all(b'"person":"p1"' in one.entry for one in proved)
    assert not (tmp_path / "export" / "tile").exists()
    assert verify_export(tmp_path / "export", KEY).is_clean
    files[0].rename(files[0].with_name("000000000099.tlog-proof"))
    files[1].write_text(files[1].read_text().replace("A", "B", 1))
    assert verify_export(tmp_path / "export", KEY).checks[1].wrong == 2


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(index=st.integers(0, 299))
def test_every_entry_can_be_proved(whole: Path, index: int) -> None:
    with snapshot(sqlite_url(whole.parent)) as connection:
        proved = verify_proof(prove(connection, index, KEY), KEY)
    assert proved.index == index
    assert b'"number":%d' % index in proved.entry


@pytest.mark.parametrize("index", [-1, 300, 2**70])
def test_an_entry_that_is_not_there_cannot_be_proved(whole: Path, index: int) -> None:
    with snapshot(sqlite_url(whole.parent)) as connection, pytest.raises(CallerError, match="the log has 300 entries"):
        prove(connection, index, KEY)


def test_a_folder_with_something_in_it_is_not_written_over(whole: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with snapshot(sqlite_url(whole.parent)) as connection:
        with pytest.raises(CallerError, match="not empty"):
            export_log(connection, tmp_path, KEY)
        with pytest.raises(CallerError, match="no entry of the log"):
            export_person(connection, tmp_path / "new", KEY, "nobody")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_an_empty_log_has_nothing_to_export(database_url: str, tmp_path: Path) -> None:
    with snapshot(database_url) as connection, pytest.raises(EvidenceError, match="empty"):
        export_log(connection, tmp_path / "export", KEY)
