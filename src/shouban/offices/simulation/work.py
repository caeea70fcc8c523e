"""What the simulation office does with files: reads lines, keeps its directory apart from services, writes its report."""

from __future__ import annotations

import gzip
import io
import os
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, cast

from shouban.core.errors import CallerError, OperatorError

MARK: Final = "simulation.txt"
MARK_TEXT: Final = "Made by `shouban simulate`: past conversations driven through a law. No service runs here.\n"
MAX_LINE: Final = 16 * 1024 * 1024
GZIP: Final = b"\x1f\x8b"
BOM: Final = b"\xef\xbb\xbf"


class Input:
    """A file of lines, plain or gzipped; `-` is standard input. Holds one line at a time."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.size: int | None = None
        self._raw: BinaryIO | None = None

    @property
    def position(self) -> int:
        """How many bytes of the file are behind us, as it lies on disk."""
        return self._raw.tell() if self._raw is not None and self.size is not None else 0

    def lines(self, refuse: Callable[[int, str], None]) -> Iterator[tuple[int, bytes]]:
        """Each line that is not blank, with its number; one that cannot be read is told to `refuse`."""
        with self._opened() as stream:
            number = 0
            try:
                while line := stream.readline(MAX_LINE + 1):
                    number += 1
                    if len(line) > MAX_LINE and not line.endswith(b"\n"):
                        _skip_line(stream)
                        refuse(number, f"the line is over {MAX_LINE} bytes")
                    elif line := line.removeprefix(BOM).strip():
                        yield number, line
            except (EOFError, zlib.error, gzip.BadGzipFile):
                refuse(number + 1, "the compressed data is cut off or damaged here; nothing after it can be read")

    @contextmanager
    def _opened(self) -> Iterator[BinaryIO]:
        if str(self.file) == "-":
            yield _plain_or_gzip(sys.stdin.buffer)
            return
        try:
            raw = self.file.open("rb")
            self.size = os.fstat(raw.fileno()).st_size
        except OSError as error:
            raise CallerError(f"`{self.file}` cannot be read ({error.strerror})", field="file") from error
        with raw:
            if self.file.is_dir():
                raise CallerError(f"`{self.file}` is a directory; name a file of JSON lines", field="file")
            self._raw = raw
            try:
                yield _plain_or_gzip(raw)
            finally:
                self._raw = None


def _plain_or_gzip(raw: BinaryIO) -> BinaryIO:
    """By its first bytes, whatever the file is called."""
    peekable = raw if isinstance(raw, io.BufferedReader) else io.BufferedReader(cast("io.RawIOBase", raw))
    if peekable.peek(2)[:2] == GZIP:
        # Read through a buffer: GzipFile's own readline is slow.
        return io.BufferedReader(cast("io.RawIOBase", gzip.GzipFile(fileobj=peekable)), 1 << 16)
    return peekable


def _skip_line(stream: BinaryIO) -> None:
    while (rest := stream.readline(MAX_LINE)) and not rest.endswith(b"\n"):
        pass


def claim_directory(data: Path) -> None:
    """Makes the directory a simulation's own; one that is anything else is refused before it is touched."""
    mark = data / MARK
    if mark.is_file():
        return
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        is_taken = any(data.iterdir())
    except OSError as error:
        raise OperatorError(f"`{data}` cannot be used ({error.strerror}); name another `--data`") from error
    if is_taken:
        raise OperatorError(
            f"`{data}` is not empty and no simulation made it; name a new directory with `--data`, so that no service's records are touched"
        )
    mark.write_text(MARK_TEXT, encoding="utf-8")


def writable(out: Path | None, flag: str) -> None:
    """Says at once, not after an hour, that a report could not be written."""
    if out is None or str(out) == "-":
        return
    if out.is_dir() or not out.absolute().parent.is_dir():
        raise CallerError(f"`{flag}` is `{out}`; name a file in a directory that exists", field=flag.lstrip("-"))


def write_whole(out: Path, data: bytes) -> None:
    """The file is there whole, or not at all."""
    if str(out) == "-":
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
        return
    fresh = out.with_name(f".{out.name}.{os.getpid()}.new")
    try:
        fresh.write_bytes(data)
        fresh.replace(out)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise OperatorError(f"`{out}` cannot be written ({error.strerror})") from error
