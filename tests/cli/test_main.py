"""`shouban` itself: every command is there, says what it does with an example, and fails in one line."""

from __future__ import annotations

import re

import pytest

from shouban import __version__
from shouban.cli.main import COMMANDS, main
from shouban.core.errors import CallerError, EvidenceError, OperatorError, PackError


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--help") == 0
    out = capsys.readouterr().out
    assert all(re.search(rf"^\W*{name}\b", out, re.MULTILINE) for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert run(name, "--help") == 0
    out = capsys.readouterr().out
    assert f"shouban {name}" in out


@pytest.mark.parametrize("name", [name for name, place in COMMANDS.items() if not place.endswith(":app")])
def test_the_help_of_a_command_has_an_example(capsys: pytest.CaptureFixture[str], name: str) -> None:
    run(name, "--help")
    assert "Example" in capsys.readouterr().out


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--version") == 0
    assert __version__ in capsys.readouterr().out


def test_serve_lists_its_settings(capsys: pytest.CaptureFixture[str]) -> None:
    run("serve", "--help")
    out = capsys.readouterr().out
    assert all(name in out for name in ("max_body", "idle_timeout", "unregistered", "SHOUBAN_"))


@pytest.mark.parametrize(
    "words", [["nonsense"], ["serve", "--nonsense"], ["check", "--file"], ["serve", "--port", "many"]]
)
def test_a_wrong_call_ends_with_two_and_one_line(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    assert run(*words) == 2
    err = capsys.readouterr().err
    assert err.startswith("shouban: ")
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (PackError("the pack"), 1),
        (EvidenceError("the log"), 1),
        (CallerError("the call"), 2),
        (OperatorError("the disk"), 2),
        (KeyboardInterrupt(), 130),
    ],
)
def test_who_must_act_decides_the_code(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("shouban.cli.main.app", broken)
    assert run("check") == code
    if str(error):
        assert capsys.readouterr().err == f"shouban: {error}\n"


def test_what_a_command_gives_is_its_code(monkeypatch: pytest.MonkeyPatch) -> None:
    for given, code in ((0, 0), (1, 1), (None, 0)):
        monkeypatch.setattr("shouban.cli.main.app", lambda *_, given=given, **__: given)
        assert run("check") == code
