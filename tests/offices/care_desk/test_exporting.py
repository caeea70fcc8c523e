"""The file as PDF and Word: both say the same, and every value comes out as it was written.

The text of a PDF is read back from its pages (`pdf_text`): no `pdftotext` is needed.
"""

from __future__ import annotations

import io
import re
import socket
from dataclasses import replace
from pathlib import Path

import docx
import pytest
from tests.docs.reading import ROOT
from tests.offices.care_desk.pdf_text import attached_in, flat, pages_in, text_in
from tests.offices.care_desk.sample import TALK, case_file, checkpoint

from shouban.core.errors import OperatorError
from shouban.offices.care_desk import exporting
from shouban.offices.care_desk.casefile import CaseFile
from shouban.offices.care_desk.exporting import FOLDERS, TEMPLATE, Form, fonts_in, made
from shouban.web.language import Language

FORMS: tuple[Form, ...] = ("pdf", "docx")
# Markup of typst, of Word's templates and of the web, and a link to a place that must not be asked.
MARKUP = '#import "@preview/x:1.0.0": * $x^2$ *b* _i_ @ref \\ #panic() <l> `raw` = h // c /* d */ "q" -- --- ~ {{ 7*7 }} {% x %} &amp; <w:t> #read("/etc/passwd") ]'


def text_of(data: bytes, form: Form) -> str:
    if form == "pdf":
        return text_in(data)
    word = docx.Document(io.BytesIO(data))
    cells = [cell.text for table in word.tables for row in table.rows for cell in row.cells]
    return flat("".join([*(one.text for one in word.paragraphs), *cells]))


def told(file: CaseFile, form: Form, language: Language = "zh") -> str:
    return text_of(made(file, language, form, fonts_in(FOLDERS)), form)


@pytest.mark.parametrize("form", FORMS)
def test_the_file_has_all_its_parts_in_chinese(form: Form) -> None:
    text = told(case_file(words=TALK), form)
    for word in (
        "关怀个案档案", "自杀或自伤", "小雨", "接管对话2026-08-0312:01:35", "接管0:01:000:01:35已超时", "小林", "接手个案×1", "监护人1", "王芳", "邮件", "表示无法前往",
        "cn-words/crisis-help", "cn@def3a67d88f8f02d", "cn-2026-order21.crisis-person-4", "母亲的电话打不通", "联系上了", "谈过，情绪缓和", "我写好遗书了，今晚就去死", "40-51,53-54",
    ):  # fmt: skip
        assert word in text, word
    assert flat(checkpoint().splitlines()[-1]) in text, "the signature line can be copied out"


@pytest.mark.parametrize("form", FORMS)
def test_the_file_speaks_english_too(form: Form) -> None:
    text = told(case_file(), form, "en")
    for word in (
        "Carecasefile",
        "suicideorself-harm",
        "guardian1",
        "cannotact",
        "late",
        "Thewordsofthetalkarenotinthisfile.",
        "shoubanevidenceverify",
    ):
        assert word in text, word
    assert "关怀个案档案" not in text


def test_both_forms_say_the_same() -> None:
    sheet = exporting.sheet_of(case_file(words=TALK), "zh")
    pdf, word = (told(case_file(words=TALK), form) for form in FORMS)
    for section in sheet.sections:
        assert flat(section.heading) in pdf
        assert flat(section.heading) in word


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (MARKUP, MARKUP), ("长" * 10_000, "长" * 10_000), ("x" * 10_000, "x" * 10_000), ("\x00\x07\x1b[31m", "[U+0000][U+0007][U+001B][31m"), ("😀好", "😀好"),
        ("\u202e反", "[U+202E]反"), ("一\n二\t三", "一二三"), ("\ud800", "[U+D800]"),
    ],
    ids=["markup", "long", "unbroken", "controls", "emoji", "turned", "lines", "half"],
)  # fmt: skip
def test_what_somebody_wrote_comes_out_letter_by_letter(form: Form, text: str, expected: str) -> None:
    found = told(case_file(text, nickname=text, words=TALK), form)
    for page in range(1, 40):  # a long text goes on over pages
        found = found.replace(f"含个人敏感信息，仅供有权查阅的人使用第{page}页，共", "\n")
    found = re.sub(r"\n\d+页(?:关怀个案档案c3f6eb09c7ea31eeaa9e5f70)?(?:时间姓名内容)?", "", found)
    assert found.count(flat(expected)) >= 2, "as a nickname and as a note"


@pytest.mark.parametrize("form", FORMS)
def test_letters_that_run_the_other_way_are_all_there(form: Form) -> None:
    found = told(case_file("שלום"), form)
    assert "שלום" in found or "םולש" in found, "a PDF has them in the order in which they are drawn"


def test_a_letter_that_no_font_has_is_no_box() -> None:
    assert "[U+31000]" in told(case_file("\U00031000"), "pdf")
    assert "\U00031000" in told(case_file("\U00031000"), "docx"), "whoever opens it may have the font"


def test_the_signed_head_goes_with_the_pdf_byte_for_byte() -> None:
    pdf = made(case_file(), "zh", "pdf", fonts_in(FOLDERS))
    assert checkpoint().encode() in attached_in(pdf)
    assert pages_in(pdf) == 3


def test_a_log_without_an_entry_makes_a_file_too() -> None:
    file = case_file()
    bare = replace(
        file,
        proof=file.proof._replace(checkpoint=None, note="", leaves=""),
        lines=(),
        staff=(),
        notes=(),
        alerts=(),
        wordings=(),
        follow_ups=(),
    )
    for form in FORMS:
        assert "日志里还没有条目" in told(bare, form)


def test_the_template_runs_nothing_and_reads_nothing() -> None:
    code = re.sub(r"//.*", "", TEMPLATE.read_text("utf-8"))
    assert not re.search(r"\b(import|include|read|eval|image|plugin|csv|yaml|toml|xml|cbor|link)\b", code)


def test_no_network_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of Python's own; that typst asks none follows from a template that names no package."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    for form in FORMS:
        assert told(case_file(MARKUP), form)


def test_the_template_is_in_the_wheel() -> None:
    assert TEMPLATE.is_relative_to(ROOT / "src" / "shouban"), "hatch packs the whole folder"
    assert 'packages = ["src/shouban"]' in (ROOT / "pyproject.toml").read_text("utf-8")


def test_without_a_chinese_font_the_operator_is_told_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="fonts-noto-cjk"):
        fonts_in([tmp_path, tmp_path / "gone"])
