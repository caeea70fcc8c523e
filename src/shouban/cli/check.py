"""`shouban check`: judges texts one by one, each on its own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, BinaryIO

import msgspec
from cyclopts import Parameter
from rich.console import Console
from rich.progress import track

from shouban.cli.opinions import Opinions, opinions_for
from shouban.core.errors import CallerError
from shouban.detectors.reader import Detectors, build_detectors
from shouban.gateway.checking import Asked, Checked, check, parse_asked
from shouban.packs.pack import LoadedPack
from shouban.packs.stack import load_pack


def check_texts(
    *texts: str,
    file: Annotated[Path | None, Parameter(name="--file", allow_leading_hyphen=True)] = None,
    role: str = "user",
    pack: str = "cn",
    data: Path | None = None,
    judge: str | None = None,
    judge_model: str | None = None,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Say what is read in a text, what it makes owed, and what may go on.

    Example: `shouban check "我不想活了"`, or `shouban check --json --file IN.jsonl` (`-` is standard input)

    Parameters
    ----------
    texts
        Texts to judge.
    file
        JSON lines `{text, role?, context?, user?}`; one line of output each.
    role
        Who says the texts given as words: `user` or `companion`.
    pack
        The law to judge by.
    data
        A service's directory: its imported word lists are read too.
    judge
        `http(s)://HOST/v1` of a judge model, asked where the detectors are in doubt; also SHOUBAN_JUDGE, its key SHOUBAN_JUDGE_KEY.
    judge_model
        The judge's name there; also SHOUBAN_JUDGE_MODEL.
    json
        One JSON object a line.

    """
    if (file is None) == (not texts):
        raise CallerError("give texts, or `--file IN.jsonl`, not both and not neither", field="file")
    if role not in {"user", "companion"}:
        raise CallerError(f"`--role` is `{role}`; it is `user` or `companion`", field="role")
    law = load_pack(pack)
    detectors = build_detectors(words_dir=data / "words" if data else None)
    with opinions_for(judge, judge_model) as opinions:
        if file is None:
            return _tell([Asked(text=text, role=role) for text in texts], detectors, law, opinions, as_json=json)  # type: ignore[arg-type]  # checked above
        return _check_file(file, detectors, law, opinions, as_json=json)


def _check_file(file: Path, detectors: Detectors, law: LoadedPack, opinions: Opinions, *, as_json: bool) -> int:
    """Bad lines are told on standard error with their number, and answered with an error line, so that lines still match."""
    bad = 0
    lines = list(_lines(file))
    shown = track(lines, console=Console(stderr=True), disable=not sys.stderr.isatty(), description="checking")
    for number, line in enumerate(shown, start=1):
        if not line.strip():
            continue
        try:
            checked = check(parse_asked(line), detectors, law, opinion=opinions.read)
        except CallerError as error:
            bad += 1
            print(f"shouban: {file}:{number}: {error}", file=sys.stderr)
            sys.stdout.buffer.write(msgspec.json.encode({"error": str(error), "line": number}) + b"\n")
            continue
        _write(checked, as_json=as_json)
    sys.stdout.flush()
    return 1 if bad else 0


def _lines(file: Path) -> Iterator[bytes]:
    if str(file) == "-":
        yield from sys.stdin.buffer
        return
    try:
        opened: BinaryIO = file.open("rb")
    except OSError as error:
        raise CallerError(f"`{file}` cannot be read ({error.strerror})", field="file") from error
    with opened:
        yield from opened


def _tell(asked: list[Asked], detectors: Detectors, law: LoadedPack, opinions: Opinions, *, as_json: bool) -> int:
    for one in asked:
        _write(check(one, detectors, law, opinion=opinions.read), as_json=as_json)
    sys.stdout.flush()
    return 0


def _write(checked: Checked, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.buffer.write(msgspec.json.encode(checked) + b"\n")
        return
    for reading in checked.readings:
        kind = f" ({reading.kind})" if reading.kind else ""
        print(
            f"  {reading.signal}{kind}: {reading.level if reading.is_unknown else int(reading.level)}  score {reading.score:.2f}  {reading.detector}"
        )
    for owed in checked.obligations:
        print(f"  → {owed['obligation']}  because {', '.join(owed.get('because', ())) or 'nothing stricter is owed'}")
    print(f"  {checked.safe_text}\n")
