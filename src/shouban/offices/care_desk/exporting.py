"""A case file as PDF and Word. Both are made from one sheet, so that they say the same.

Every value is data, never markup: typst gets a sheet as JSON and a template that evaluates nothing; python-docx puts each text into a run. There is no
Jinja template of Word (docxtpl): in one a note with `{{` would be a program, and no review shows what is inside a `.docx`.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from shouban.core.errors import OperatorError
from shouban.core.rules import Settings
from shouban.offices.care_desk import casefile as f
from shouban.offices.care_desk import words as w
from shouban.offices.care_desk.letters import missing
from shouban.offices.care_desk.model import Clock
from shouban.packs.words import EVENT_WORDS, OBLIGATION_WORDS, in_words, read_in_words
from shouban.web.language import HTML_LANGUAGE, Language, Text

if TYPE_CHECKING:
    import typst
    from docx.document import Document as Word

# All the fonts there are, and which of them is for Chinese.
Fonts = tuple["typst.Fonts", str]
Form = Literal["pdf", "docx"]
MEDIA: Final[dict[Form, str]] = {
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}
TEMPLATE: Final = Path(__file__).parent / "templates" / "case.typ"
FOLDERS: Final = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path("/Library/Fonts"))
# Of these the first that is there is used; typst itself brings no Chinese letters.
CHINESE: Final = (
    "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Noto Serif CJK SC", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "Arial Unicode MS",
)  # fmt: skip
# What Word takes for Chinese; where it has none of the name it takes its own.
WORD_FONT: Final = "Microsoft YaHei"
CM: Final = 360_000


class Facts(list[tuple[str, str]]):
    """Names and their values, one below the other."""


@dataclass(frozen=True)
class Table:
    """`widths` are shares of the page's width."""

    head: tuple[str, ...]
    widths: tuple[int, ...]
    rows: tuple[tuple[str, ...], ...]


Block = Facts | Table | str


@dataclass(frozen=True)
class Section:
    heading: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Sheet:
    """What both forms show. `attached` is the signed checkpoint, byte for byte."""

    language: Language
    title: str
    number: str
    secret: str
    made: str
    pages: str
    sections: tuple[Section, ...]
    attached: str


def made(file: f.CaseFile, language: Language, form: Form, fonts: Fonts | None) -> bytes:
    """The file in one form. It takes a while and a core: call it in a thread."""
    sheet = sheet_of(file, language)
    return docx_of(sheet) if fonts is None or form == "docx" else pdf_of(sheet, fonts)


# --- the sheet


def sheet_of(file: f.CaseFile, language: Language) -> Sheet:
    words = _Words(language)
    made = words("made", reader=f.legible(file.reader), at=words.time(file.at), zone=words.zone(file.at))
    sections = (_case, _stages, _staff, _alerts, _wordings, _timeline, _notes, _follow_ups, _talk, _evidence)
    return Sheet(
        language, words("title"), file.case.id, words("secret"), made, words("pages"), tuple(make(file, words) for make in sections), file.proof.note
    )  # fmt: skip


class _Words:
    """The words of the file in one language, and times as the desk shows them."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self._local = Settings().local

    def __call__(self, name: str, **given: object) -> str:
        return w.FILE[name].to(self.language).format(**given) if given else w.FILE[name].to(self.language)

    def of(self, table: Mapping[str, Text], name: str) -> str:
        return table[name].to(self.language) if name in table else name

    def act(self, name: str) -> str:
        return self.of(w.ACTS, name) if name in w.ACTS else in_words(EVENT_WORDS, name, self.language)

    def read(self, read: str) -> str:
        return read_in_words(read, self.language)

    def owed(self, name: str) -> str:
        return in_words(OBLIGATION_WORDS, name, self.language)

    def all(self, parts: Iterable[str]) -> str:
        return ("、" if self.language == "zh" else ", ").join(parts)

    def time(self, at: datetime) -> str:
        return self._local(at).strftime("%Y-%m-%d %H:%M:%S")

    def zone(self, at: datetime) -> str:
        return self._local(at).strftime("UTC%z")


def _case(file: f.CaseFile, words: _Words) -> Section:
    case = file.case
    facts = Facts([(words("number"), case.id), (words("person"), case.person)])
    if file.nickname:
        facts.append((words("nickname"), file.nickname))
    facts += [
        (words("service"), file.service), (words("reason"), words.of(w.REASONS, case.reason)), (words("urgency"), w.URGENCIES[case.urgency].to(words.language)),
        (words("takeover"), words("yes" if case.wants_takeover else "no")), (words("stage"), words.of(w.STAGES, case.stage)),
        (words("outcome"), words.of(w.OUTCOMES, case.outcome) if case.outcome else words("none_yet")),
    ]  # fmt: skip
    return Section(words("case"), (facts,))


def _stages(file: f.CaseFile, words: _Words) -> Section:
    stages = [(words.of(w.FILE_STAGES, one.stage), words.time(one.at)) for one in file.stages]
    clocks = [
        (words.of(w.CLOCKS, name), hours_of(clock.within), "—" if clock.dropped else hours_of(clock.spent(file.at)), _state_of(clock, is_late, words))
        for name, clock, is_late in file.clocks
    ]  # fmt: skip
    return Section(
        words("stages"),
        (
            _table(words, ("step", "at"), (40, 60), stages),
            _table(words, ("clock", "within", "took", "result"), (40, 20, 20, 20), clocks),
        ),
    )


def _state_of(clock: Clock, is_late: bool, words: _Words) -> str:
    if clock.dropped:
        return words("dropped") + (f" · {words('late')}" if is_late else "")
    if is_late:
        return words("late")
    if clock.stopped_at is not None:
        return words("in_time")
    return words("runs" if clock.running_since else "rests")


def _staff(file: f.CaseFile, words: _Words) -> Section:
    rows = [
        (one.name, words.time(one.first_at), words.time(one.last_at), words.all(f"{words.act(act)} × {n}" for act, n in one.acts.items()))
        for one in file.staff
    ]  # fmt: skip
    return Section(words("staff"), (_table(words, ("name", "first", "last", "did"), (16, 22, 22, 40), rows, "nobody"),))


def _alerts(file: f.CaseFile, words: _Words) -> Section:
    rows = [(_whom(one, words), _alert(one, words), _told(one, words), _answered(one, words)) for one in file.alerts]
    table = _table(words, ("whom", "alert", "told", "answered"), (20, 34, 24, 22), rows, "no_alerts")
    return Section(words("alerts"), (words("alerts_about"), table) if rows else (table,))


def _whom(one: f.Alert, words: _Words) -> str:
    if one.told_at is None:
        return words("untold")
    if not one.kind:
        return words("gone")
    return "\n".join(
        part for part in (f"{words.of(w.CONTACTS, one.kind)} {one.number}", one.relation, one.name) if part
    )


def _alert(one: f.Alert, words: _Words) -> str:
    urgency = words.of(w.ALERT_URGENCY, one.urgency)
    lines = [f"{one.template} ({urgency})", *([words("others_only")] if one.others else [])]
    return "\n".join([*lines, f"{words('owed')}{words.time(one.owed_at)}"])


def _told(one: f.Alert, words: _Words) -> str:
    return "—" if one.told_at is None else f"{words.time(one.told_at)}\n{words.of(w.CHANNELS, one.channel)}"


def _answered(one: f.Alert, words: _Words) -> str:
    if one.told_at is None:
        return "—"
    if one.answered_at is None:
        return words("unanswered")
    return words.time(one.answered_at) + ("" if one.able else f"\n{words('unable')}")


def _wordings(file: f.CaseFile, words: _Words) -> Section:
    rows = [
        (one.template, one.version or words("changed"), one.pack, words.owed(one.kind), _times(one, words))
        for one in file.wordings
    ]
    heads = ("template", "version", "pack", "kind", "times")
    return Section(words("wordings"), (_table(words, heads, (27, 10, 22, 18, 23), rows, "no_wordings"),))


def _times(one: f.Wording, words: _Words) -> str:
    told = f"{words.time(one.first_at)} × {one.times}"
    return f"{told}\n{words('unshown', count=one.unshown)}" if one.unshown else told


def _timeline(file: f.CaseFile, words: _Words) -> Section:
    rows = [(words.time(one.at), str(one.leaf), _what(one, words), _why(one, words)) for one in file.lines]
    table = _table(words, ("at", "entry", "what", "why"), (20, 8, 28, 44), rows)
    return Section(
        words("timeline"), (table, words("unlisted", count=file.unlisted)) if file.unlisted > 0 else (table,)
    )


def _what(one: f.Line, words: _Words) -> str:
    about = f"：{words.owed(one.about)}" if words.language == "zh" else f": {words.owed(one.about)}"
    lines = (
        words.act(one.act) + (about if one.about else ""),
        one.staff,
        ", ".join(words.read(read) for read in one.read),
    )
    return "\n".join(line for line in lines if line)


def _why(one: f.Line, words: _Words) -> str:
    owed = words("owed") + words.all(words.owed(name) for name in one.owed) if one.owed else ""
    return "\n".join(line for line in (owed, *one.rules) if line) or "—"


def _notes(file: f.CaseFile, words: _Words) -> Section:
    rows = [(words.time(one.at), f.legible(one.account), one.text) for one in file.notes]
    return Section(words("notes"), (_table(words, ("at", "name", "text"), (20, 14, 66), rows, "no_notes"),))


def _follow_ups(file: f.CaseFile, words: _Words) -> Section:
    rows = [
        (words.time(one.due_at), words.time(one.asked_at), one.staff, words("reached" if one.reached else "not_reached"))
        if one.asked_at else (words.time(one.due_at), "—", "—", words("not_asked"))
        for one in file.follow_ups
    ]  # fmt: skip
    return Section(
        words("follow_ups"), (_table(words, ("due", "at", "name", "outcome"), (25, 25, 25, 25), rows, "no_follow_ups"),)
    )


def _talk(file: f.CaseFile, words: _Words) -> Section:
    if file.words is None:
        return Section(words("words"), (words("without_words"),))
    rows = [
        (words.time(one.at), words.of(w.ROLES, one.role) + (f" {one.staff}" if one.staff else ""), one.text)
        for one in file.words
    ]
    return Section(words("words"), (_table(words, ("at", "who", "text"), (20, 12, 68), rows, "no_words"),))


def _evidence(file: f.CaseFile, words: _Words) -> Section:
    proof = file.proof
    if proof.checkpoint is None:
        return Section(words("evidence"), (words("no_log"),))
    leaves = f"{proof.leaves}\n{words('count', count=proof.total)}" + (f"\n{words('more')}" if proof.more else "")
    head = proof.note.splitlines()
    facts = Facts([
        (words("origin"), proof.checkpoint.origin), (words("size"), str(proof.checkpoint.size)), (words("root"), head[2]), (words("signature"), proof.signature),
        (words("leaves"), leaves),
    ])  # fmt: skip
    first = proof.leaves.partition(",")[0].partition("-")[0]
    steps = [f"{n}. {one.to(words.language).format(first=first, size=proof.checkpoint.size)}" for n, one in enumerate(w.VERIFYING, 1)]  # fmt: skip
    return Section(words("evidence"), (words("evidence_about"), facts, f"{words('verify')}\n" + "\n".join(steps)))


def _table(
    words: _Words, head: Sequence[str], widths: Sequence[int], rows: Sequence[tuple[str, ...]], otherwise: str = ""
) -> Block:
    if not rows and otherwise:
        return words(otherwise)
    return Table(tuple(words(one) for one in head), tuple(widths), tuple(rows))


def hours_of(span: timedelta) -> str:
    """Hours, minutes, seconds, all of them: on paper nobody can ask which `1:00` it was."""
    seconds = int(span.total_seconds())
    return f"{seconds // 3600}:{seconds % 3600 // 60:02d}:{seconds % 60:02d}"


# --- PDF


def fonts_in(folders: Sequence[Path]) -> Fonts:
    """The fonts of this machine, and which of them is for Chinese. Raises `OperatorError` where none is: boxes are no letters."""
    import typst  # noqa: PLC0415  # twenty megabytes, for what is asked for now and then

    there = [one for one in folders if one.is_dir()]
    found = typst.Fonts(include_system_fonts=False, include_embedded_fonts=True, font_paths=there)
    families = set(found.families())
    chinese = next((one for one in CHINESE if one in families), None)
    if chinese is None:
        raise OperatorError(
            "no Chinese font is installed, so no PDF can be made; install the Debian package `fonts-noto-cjk` (or `fonts-wqy-microhei`)"
        )
    return found, chinese


def pdf_of(sheet: Sheet, fonts: Fonts) -> bytes:
    """A tagged PDF. Typst reads its template and no other file, and asks no network: packages come from an empty place."""
    import typst  # noqa: PLC0415  # see `fonts_in`

    found, chinese = fonts
    data = {
        **asdict(sheet),
        "sections": [_plain(one) for one in sheet.sections],
        "font": chinese,
        "lang": sheet.language,
    }
    nowhere = TEMPLATE.parent / "none"
    compiler = typst.Compiler(
        TEMPLATE, root=TEMPLATE.parent, font_paths=found, ignore_system_fonts=True, package_path=nowhere, package_cache_path=nowhere,
        sys_inputs={"sheet": _drawable(json.dumps(data, ensure_ascii=False), found)},
    )  # fmt: skip
    made = compiler.compile(format="pdf")
    if not isinstance(made, bytes):
        raise OperatorError("typst gave no document")
    return made


def _drawable(text: str, fonts: typst.Fonts) -> str:
    """A letter that no font here has stands as its number: a reader sees that something was there, and what."""
    faces = [(Path(one.path), one.index) for one in fonts.fonts() if one.path]
    return text.translate({ord(one): f"[U+{ord(one):04X}]" for one in missing(text, faces)})


def _plain(section: Section) -> dict[str, Any]:
    return {"heading": section.heading, "blocks": [_block(one) for one in section.blocks]}


def _block(block: Block) -> dict[str, Any]:
    match block:
        case str():
            return {"text": block}
        case Table():
            return {"head": block.head, "widths": block.widths, "rows": block.rows}
        case Facts():
            return {"facts": list(block)}


# --- Word


def docx_of(sheet: Sheet) -> bytes:
    import docx  # noqa: PLC0415  # see `fonts_in`
    from docx.shared import Cm, Pt  # noqa: PLC0415

    word = docx.Document()
    _set_up(word, sheet)
    page = word.sections[0]
    page.page_width, page.page_height = Cm(21), Cm(29.7)
    page.left_margin = page.right_margin = Cm(2)
    page.top_margin = page.bottom_margin = Cm(2)
    page.header.paragraphs[0].text = f"{sheet.title} {sheet.number}"
    page.footer.paragraphs[0].text = sheet.secret
    word.add_heading(sheet.title, 0)
    word.add_paragraph(sheet.number)
    word.add_paragraph(f"{sheet.made}\n{sheet.secret}")
    for section in sheet.sections:
        word.add_heading(section.heading, 1)
        for block in section.blocks:
            _add(word, block)
            word.paragraphs[-1].paragraph_format.space_after = Pt(6)
    out = io.BytesIO()
    word.save(out)
    return out.getvalue()


def _add(word: Word, block: Block) -> None:
    match block:
        case str():
            word.add_paragraph(block)
        case Table():
            _add_table(word, block.head, block.widths, block.rows)
        case Facts():
            _add_table(word, (), (30, 70), block)


def _add_table(word: Word, head: Sequence[str], widths: Sequence[int], rows: Sequence[tuple[str, ...]]) -> None:
    from docx.oxml import OxmlElement  # noqa: PLC0415
    from docx.shared import Emu  # noqa: PLC0415

    lines = [head, *rows] if head else list(rows)
    table = word.add_table(rows=len(lines), cols=len(widths), style="Table Grid")
    table.autofit = False
    for line, row in zip(lines, table.rows, strict=True):
        for place, (cell, text, width) in enumerate(zip(row.cells, line, widths, strict=True)):
            cell.width = Emu(17 * CM * width // 100)
            run = cell.paragraphs[0].add_run(text)
            run.bold = line is head or (not head and place == 0)
    if head:  # said again on each page
        table.rows[0]._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))  # noqa: SLF001  # python-docx has no name for it
    word.add_paragraph()


def _set_up(word: Word, sheet: Sheet) -> None:
    """The letters, the language, and who made it: the library's own template says other things."""
    from docx.oxml.ns import qn  # noqa: PLC0415
    from docx.shared import Pt  # noqa: PLC0415

    for name, size in (("Normal", 9.5), ("Title", 20.0), ("Heading 1", 13.0)):
        style = word.styles[name]
        style.font.name, style.font.size = WORD_FONT, Pt(size)
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        for key in list(fonts.attrib):
            if key.endswith("Theme"):
                del fonts.attrib[key]
        fonts.set(qn("w:eastAsia"), WORD_FONT)
        fonts.set(qn("w:hAnsi"), WORD_FONT)
    about = word.core_properties
    about.title, about.author, about.comments, about.language = (
        f"{sheet.title} {sheet.number}",
        "Shouban",
        "",
        HTML_LANGUAGE[sheet.language],
    )
