"""Chinese readers read Chinese: every code that a page may show has its words."""

from __future__ import annotations

import re
from pathlib import Path

import shouban
from shouban.core.errors import CallerError
from shouban.web.problems import BY_CODE, BY_FIELD, FIELDS, OF_A_FIELD, in_words

SOURCE = Path(shouban.__file__).parent
# Only apps see these, as JSON.
OF_THE_API = {"order_changed", "stale_signal", "user_exists", "signed_out", "human_needed"}


def test_every_code_of_an_office_has_its_words() -> None:
    files = [*(SOURCE / "offices").rglob("*.py"), SOURCE / "web/sessions.py", *(SOURCE / "duties").glob("*.py")]
    codes = {code for file in files for code in re.findall(r'code="([a-z_]+)"', file.read_text("utf-8"))}
    apps = {
        code
        for file in (SOURCE / "offices/companion_app").rglob("*.py")
        for code in re.findall(r'code="([a-z_]+)"', file.read_text("utf-8"))
    }
    assert codes - apps <= BY_CODE.keys() | OF_THE_API


def test_what_says_nothing_without_its_field_names_it() -> None:
    of_a_field = "|".join(sorted(OF_A_FIELD))
    said = re.compile(rf'field="(\w+)",\s*(?:status=\d+,\s*)?code="(?:{of_a_field})"')
    fields = {field for file in (SOURCE / "offices").rglob("*.py") for field in said.findall(file.read_text("utf-8"))}
    assert len(fields) > 3
    assert fields <= FIELDS.keys()


def test_a_problem_is_told_in_the_readers_language() -> None:
    wrong = CallerError("the code is wrong", field="code", code="wrong_code")
    assert in_words(wrong, "zh") == BY_CODE["wrong_code"]
    assert in_words(wrong, "en") == "the code is wrong"
    assert (
        in_words(CallerError("`minutes` is …, or empty".replace("…", "a number"), field="minutes"), "zh")
        == BY_FIELD["minutes"]
    )
    assert in_words(CallerError("nobody thought of this", field="elsewhere"), "zh") == "nobody thought of this"
    short = CallerError("say more in `grounds`", field="grounds", code="too_short")
    assert in_words(short, "zh") == "“依据”写得太短，请再具体一点。", "of several fields the one that is meant"
    assert in_words(CallerError("say more in `x`", field="x", code="too_short"), "zh") == BY_CODE["too_short"]
    assert in_words(CallerError("已经是中文", field="minutes"), "zh") == "已经是中文"
