from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shouban.core.errors import CallerError, OperatorError
from shouban.offices.simulation import work
from shouban.offices.simulation.work import MARK, Input, claim_directory, writable, write_whole


def lines_of(file: Path) -> tuple[list[tuple[int, bytes]], list[tuple[int, str]]]:
    refused: list[tuple[int, str]] = []
    found = list(Input(file).lines(lambda number, why: refused.append((number, why))))
    return found, refused


@given(
    lines=st.lists(
        st.binary(max_size=30).filter(lambda one: not {10, 13} & set(one) and not one.startswith(b"\x1f\x8b"))
    ),
    is_gzip=st.booleans(),
)
def test_every_line_keeps_its_number_plain_or_gzipped(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], *, is_gzip: bool
) -> None:
    file = tmp_path_factory.getbasetemp() / "lines"
    data = b"\n".join(lines)
    file.write_bytes(gzip.compress(data) if is_gzip else data)
    found, refused = lines_of(file)
    assert not refused
    assert all(lines[number - 1].removeprefix(work.BOM).strip() == line for number, line in found)
    assert {number for number, _ in found} == {
        place for place, line in enumerate(lines, start=1) if line.removeprefix(work.BOM).strip()
    }


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(work.BOM + b'{"a":1}\r\n\r\n{"b":2}')
    assert lines_of(tmp_path / "in") == ([(1, b'{"a":1}'), (3, b'{"b":2}')], [])


def test_a_line_without_end_is_refused_in_bounded_memory_and_the_next_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "MAX_LINE", 10)
    (tmp_path / "in").write_bytes(b"short\n" + b"x" * 1_000 + b"\nafter\n" + b"y" * 11)
    found, refused = lines_of(tmp_path / "in")
    assert found == [(1, b"short"), (3, b"after")]
    assert [number for number, _ in refused] == [2, 4]


@pytest.mark.parametrize("cut", [-8, -20])
def test_a_gzip_file_that_breaks_off_says_where(tmp_path: Path, cut: int) -> None:
    whole = gzip.compress(b"".join(b'{"line": %d}\n' % number for number in range(5_000)))
    (tmp_path / "in").write_bytes(whole[:cut])
    found, refused = lines_of(tmp_path / "in")
    assert len(refused) == 1
    assert refused[0][0] == len(found) + 1
    assert "cut off or damaged" in refused[0][1]


def test_what_cannot_be_read_is_the_callers_error(tmp_path: Path) -> None:
    with pytest.raises(CallerError, match="cannot be read"):
        lines_of(tmp_path / "none")
    with pytest.raises(CallerError, match=r"directory|cannot be read"):
        lines_of(tmp_path)


def test_a_directory_that_is_new_or_empty_or_a_simulations_own_is_taken(tmp_path: Path) -> None:
    for data in (tmp_path / "deep" / "new", tmp_path / "empty"):
        if data.name == "empty":
            data.mkdir()
        claim_directory(data)
        (data / "shouban.db").write_bytes(b"")
        claim_directory(data)
        assert (data / MARK).is_file()


def test_a_directory_of_anything_else_is_refused_untouched(tmp_path: Path) -> None:
    (tmp_path / "shouban.db").write_bytes(b"a service's")
    with pytest.raises(OperatorError, match="no simulation made it"):
        claim_directory(tmp_path)
    assert [one.name for one in tmp_path.iterdir()] == ["shouban.db"]


def test_a_file_stands_where_a_directory_should(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OperatorError, match="cannot be used"):
        claim_directory(tmp_path / "file")


def test_a_report_that_could_not_be_written_is_refused_at_once(tmp_path: Path) -> None:
    writable(None, "--json")
    writable(Path("-"), "--json")
    writable(tmp_path / "out.json", "--json")
    for out in (tmp_path, tmp_path / "none" / "out.json"):
        with pytest.raises(CallerError, match="--json"):
            writable(out, "--json")


def test_a_report_is_written_whole_over_an_older_one(
    tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    (tmp_path / "out").write_bytes(b"older")
    write_whole(tmp_path / "out", b"newer")
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("out", b"newer")]
    with pytest.raises(OperatorError, match="cannot be written"):
        write_whole(tmp_path / "none" / "out", b"x")
    write_whole(Path("-"), b"said")
    assert capsysbinary.readouterr().out == b"said"
