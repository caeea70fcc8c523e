"""Who takes a case's file along, and with what: nothing leaves without its entry, and words only with who has the case."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.gateway.serving import Served, fresh, noon, serving, settings_for
from tests.offices.care_desk.desk import carer, do, in_danger, shown
from tests.offices.care_desk.pdf_text import attached_in, flat, text_in
from tests.offices.care_desk.test_exporting import FORMS, text_of
from tests.web.signing import browser, enter, now_of, run, sign_ins_of, staff

from shouban.cli.main import main
from shouban.evidence.log import Acted, decode_entry
from shouban.evidence.note import open_checkpoint
from shouban.offices.care_desk import exporting
from shouban.offices.care_desk.exporting import Form
from shouban.web.doors import COOKIE


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(settings_for(tmp_path_factory.mktemp("file"), encoder=False)) as served:
        yield served


def export(client: httpx.Client, address: str, form: Form, at: str = "", **query: str) -> httpx.Response:
    return client.get(f"{address}/file.{form}", params=query, headers={"x-shouban-at": at or noon(seconds=2)})


def exports_of(office: Served, user: str) -> list[Acted]:
    person = office.person_id(user)
    found = [decode_entry(one, 0) for one in office.entries()]
    return [one for one in found if isinstance(one, Acted) and one.act == "case_exported" and one.person == person]


@pytest.mark.parametrize("form", FORMS)
def test_the_file_of_a_case_is_taken_along_and_the_log_and_the_person_know(office: Served, form: Form) -> None:
    user, address = in_danger(office, nickname="小雨")
    name, client = carer(office)
    do(client, address, "claim")
    do(client, address, "take")
    do(client, address, "notes", text="母亲的电话打不通")
    assert f"{address}/file.{form}" in shown(client, address)
    answer = export(client, address, form)
    assert (answer.status_code, answer.headers["content-type"]) == (200, exporting.MEDIA[form])
    assert re.fullmatch(rf'attachment; filename="case-[0-9a-f]{{24}}\.{form}"', answer.headers["content-disposition"])
    assert answer.headers["cache-control"] == "no-store"
    text = text_of(answer.content, form)
    for word in ("关怀个案档案", office.person_id(user), name, "母亲的电话打不通", "cn-words/crisis", "导出档案"):
        assert flat(word) in text, word
    for word in ("遗书", "小雨", user, "王芳", "w@example.org"):
        assert flat(word) not in text, word
    [entry] = exports_of(office, user)
    assert (entry.facts["what"], entry.facts["form"], entry.facts["roles"]) == ("case_file", form, ["care"])
    theirs = browser(office)
    theirs.cookies.set(
        COOKIE, run(sign_ins_of(office).open_for_person("default", office.person_id(user), now_of(office)))
    )
    assert "导出关怀个案档案（不含内容）" in theirs.get("/me/looks").text


@pytest.mark.parametrize("form", FORMS)
def test_the_words_go_with_it_only_for_who_has_the_case_and_asks(office: Served, form: Form) -> None:
    user, address = in_danger(office, nickname="小雨")
    _, first = carer(office)
    _, second = carer(office)
    assert export(first, address, form, words="1").status_code == 409
    do(first, address, "claim")
    assert "遗书" not in text_of(export(first, address, form).content, form)
    assert export(second, address, form, words="1").status_code == 409, "a colleague has it"
    text = text_of(export(first, address, form, words="1").content, form)
    assert "我写好遗书了，今晚就去死" in text
    assert "小雨" in text
    late = noon(seconds=60)
    assert export(first, address, form, at=late, words="1").status_code == 409, "their desk was away, and they lost it"
    assert [one.facts["what"] for one in exports_of(office, user)] == ["case_file", "case_words"], (
        "and nothing of what was refused"
    )


def test_the_log_is_held_against_the_head_in_the_file(
    office: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    user, address = in_danger(office)
    _, client = carer(office)
    answer = export(client, address, "pdf", lang="en")
    [note] = attached_in(answer.content)
    signed = open_checkpoint(note.decode(), [office.get("/log/key", key="").text.strip()])
    assert signed.size <= office.log_size()
    leaves = re.search(r"Entriesofthiscase\(countedfrom0\)([\d,-]+?)(\d+)inall", text_in(answer.content))
    assert leaves, "the places in the log"
    assert exports_of(office, user)
    office.chat("谢谢", user=user, at=noon(minutes=1), session="talk")
    kept = tmp_path / "checkpoint"
    kept.write_bytes(note)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["evidence", "verify", "--data", str(office.data), "--checkpoint", str(kept)])
    assert ended.value.code == 0, "also a day later, beside a service that runs on"


def test_the_file_is_for_care_and_compliance(office: Served) -> None:
    user, address = in_danger(office)
    for role in ("complaints", "administrator", "companion_reviewer", "inspector", "guardian"):
        name = fresh(role)
        staff(office, name, role)
        client = enter(office, name)
        for form in FORMS:
            assert export(client, address, form).status_code == 403, role
    name = fresh("compliance")
    staff(office, name, "compliance")
    client = enter(office, name)
    text = text_of(export(client, address, "docx").content, "docx")
    assert "mother" not in text, "who does not see contacts is told that a guardian was told, and no more"
    assert "遗书" not in text
    assert export(client, address, "docx", words="1").status_code == 409
    assert browser(office).get(f"{address}/file.pdf").status_code == 303
    assert len(exports_of(office, user)) == 1


def test_somebody_without_a_case_has_no_file(office: Served) -> None:
    user = fresh()
    office.register(user, at=noon())
    _, client = carer(office)
    assert export(client, f"/care/cases/{office.person_id(user)}", "docx").status_code == 404


def test_without_a_chinese_font_a_page_says_so_and_word_still_works(
    office: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    user, address = in_danger(office)
    _, client = carer(office)
    monkeypatch.setattr(exporting, "FOLDERS", (tmp_path,))
    answer = export(client, address, "pdf")
    assert answer.status_code == 503
    assert "fonts-noto-cjk" in answer.text
    assert "没有中文字体" in answer.text
    assert "fonts-noto-cjk" in export(client, address, "pdf", lang="en").text
    assert exports_of(office, user) == [], "nothing left"
    assert export(client, address, "docx").status_code == 200
