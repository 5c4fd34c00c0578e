"""Editable documents of circular and letters, from the very sections of the page.

Headings 一、and （一）, body 仿宋, annexes on pages of their own, wide tables across; number,
signatory, office and date are placeholders. Charts stay with the page. Same bytes every time.
"""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import docx
from docx.enum.section import WD_ORIENT, WD_SECTION
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.shared import Mm, Pt

from puhui.briefing.table import Section, Table, cell_text, figure, plain
from puhui.briefing.words import Words

#: Inner date of every document; a real one would change the bytes on each run.
_CREATED = dt.datetime(2000, 1, 1)
_ZIPPED = (1980, 1, 1, 0, 0, 0)
#: From so many columns on a table is set across the page.
_WIDE = 8
#: Margins of an official paper upright: top, right, bottom, left, in mm; across they turn with it.
_MARGINS = (37, 26, 35, 28)
_A4 = (210, 297)
_TWIPS_PER_MM = 1440 / 25.4
#: Shortest and longest text, in characters, that still counts for the width of a column.
_NARROW, _BROAD = 3, 18
_BODY, _SONG, _HEI, _KAI, _LATIN = "仿宋", "宋体", "黑体", "楷体", "Times New Roman"
_STYLES = {
    "Normal": (_BODY, 16, False),
    "Title": (_SONG, 22, True),
    "Heading 1": (_HEI, 16, False),
    "Heading 2": (_KAI, 16, False),
    "Caption": (_HEI, 12, False),
    "Footer": (_SONG, 14, False),
}


def write_document(
    path: Path, title: str, sections: Sequence[Section], words: Words, *, office: str = ""
) -> None:
    """Write a page's sections as a document; what the page folds away is left to the page.

    Parameters
    ----------
    path
        Document to write; its folder exists.
    title
        Title of the page.
    sections
        Sections of the page, in its order; annexes come after the signature.
    words
        Templates; ``document`` names the placeholders.
    office
        Who sends it, if known; a placeholder otherwise.
    """
    paper = _Paper(title, words)
    shown = [s for s in sections if not s.folded]
    annexes = [s for s in shown if s.is_annex]
    for section in shown:
        if not section.is_annex:
            paper.section(section)
    paper.list_of([a.heading for a in annexes])
    paper.signature(office)
    for annex in annexes:
        paper.annex(annex)
    paper.save(path)


class _Paper:
    def __init__(self, title: str, words: Words) -> None:
        self._words = words
        self._doc: Any = docx.Document()
        self._turn(self._doc.sections[0], across=False)
        _set_styles(self._doc)
        _number_pages(self._doc.sections[0].footer.paragraphs[0])
        properties = self._doc.core_properties
        properties.title, properties.author, properties.comments = plain(title)[:255], "", ""
        properties.created = properties.modified = _CREATED
        self._line(words.text("document.number"), WD_ALIGN_PARAGRAPH.CENTER)
        self._line(words.text("document.signer"), WD_ALIGN_PARAGRAPH.RIGHT)
        self._doc.add_paragraph(plain(title), style="Title")

    def section(self, section: Section) -> None:
        if section.heading:
            self._doc.add_heading(plain(section.heading), 1)
        self._content(section)

    def annex(self, section: Section) -> None:
        across = any(_is_wide(t) for t in section.tables)
        self._turn(self._doc.add_section(WD_SECTION.NEW_PAGE), across=across)
        self.section(section)

    def list_of(self, headings: Sequence[str]) -> None:
        """Name the annexes below the text, numbered."""
        for n, heading in enumerate(headings, start=1):
            first = self._words.text("document.annexes") if n == 1 else "\u3000\u3000\u3000"
            name = heading.partition("\u3000")[2] or heading
            self._doc.add_paragraph(plain(f"{first}{n}.{name}"))

    def signature(self, office: str) -> None:
        """Leave room for who signs, when, and whom to call."""
        self._line("", WD_ALIGN_PARAGRAPH.RIGHT)
        sender = plain(office) or self._words.text("document.office")
        for line in (sender, self._words.text("document.date")):
            self._line(line, WD_ALIGN_PARAGRAPH.RIGHT)
        self._doc.add_paragraph(self._words.text("document.contact"))

    def save(self, path: Path) -> None:
        packed = io.BytesIO()
        self._doc.save(packed)
        with zipfile.ZipFile(packed) as made, zipfile.ZipFile(path, "w") as kept:
            for name in made.namelist():
                info = zipfile.ZipInfo(name, _ZIPPED)
                info.compress_type = zipfile.ZIP_DEFLATED
                kept.writestr(info, made.read(name))

    def _content(self, section: Section) -> None:
        for text in section.paragraphs:
            paragraph = self._doc.add_paragraph(plain(text))
            if text.endswith("：") and section.id == "opening":
                _indent(paragraph, 0)
        for n, text in enumerate(section.items, start=1):
            self._doc.add_paragraph(f"{n}.{plain(text)}")
        for n, table in enumerate(section.tables):
            if len(section.tables) > 1:
                self._doc.add_heading(self._level(n) + plain(table.title), 2)
            else:
                self._doc.add_paragraph(plain(table.title), style="Caption")
            self._table(table)

    def _level(self, n: int) -> str:
        levels = self._words.texts("document.levels")
        more = self._words.text("document.more", number=n + 1)
        return levels[n] if n < len(levels) else more

    def _table(self, table: Table) -> None:
        body = self._doc.element.body
        body.insert(len(body) - 1, parse_xml("".join(_table_xml(table, self._width))))
        for note in table.notes:
            paragraph = self._doc.add_paragraph(plain(note))
            _indent(paragraph, 0)
            _shape(paragraph.runs, 9)
        if not table.notes:
            _shape([self._doc.add_paragraph().add_run()], 9)  # two tables never grow together

    def _line(self, text: str, alignment: Any) -> None:
        paragraph = self._doc.add_paragraph(text)
        paragraph.alignment = alignment
        _indent(paragraph, 0)

    def _turn(self, section: Any, *, across: bool) -> None:
        """Set a part's paper upright or across, with the margins that go with it."""
        width, height = reversed(_A4) if across else _A4
        top, right, bottom, left = _MARGINS[-1:] + _MARGINS[:-1] if across else _MARGINS
        section.orientation = WD_ORIENT.LANDSCAPE if across else WD_ORIENT.PORTRAIT
        section.page_width, section.page_height = Mm(width), Mm(height)
        section.top_margin, section.bottom_margin = Mm(top), Mm(bottom)
        section.left_margin, section.right_margin = Mm(left), Mm(right)
        self._width = round((width - left - right) * _TWIPS_PER_MM)


def _set_styles(document: Any) -> None:
    for name, (font, size, bold) in _STYLES.items():
        style = document.styles[name]
        style.font.name, style.font.size = _LATIN, Pt(size)
        style.font.bold, style.font.italic = bold, False
        style.font.color.rgb = docx.shared.RGBColor(0, 0, 0)
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        for theme in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
            fonts.attrib.pop(qn(f"w:{theme}"), None)
        fonts.set(qn("w:eastAsia"), font)
        layout = style.paragraph_format
        layout.space_before = layout.space_after = Pt(0)
        layout.line_spacing_rule, layout.line_spacing = WD_LINE_SPACING.EXACTLY, Pt(28)
        _indent(style, 200 if name in ("Normal", "Heading 1", "Heading 2") else 0)
        borders = style.element.pPr.find(qn("w:pBdr"))
        if borders is not None:
            style.element.pPr.remove(borders)
    for name in ("Title", "Caption", "Footer"):
        document.styles[name].paragraph_format.alignment = WD_ALIGN_PARAGRAPH.CENTER
    document.styles["Title"].paragraph_format.space_after = Pt(28)
    document.styles["Title"].paragraph_format.line_spacing = Pt(36)


def _indent(styled: Any, hundredths: int) -> None:
    """Indent the first line by hundredths of a character."""
    properties = styled._element.get_or_add_pPr()
    indent = properties.get_or_add_ind()
    indent.set(qn("w:firstLineChars"), str(hundredths))
    indent.set(qn("w:firstLine"), str(round(hundredths * 3.2)))


def _shape(runs: Sequence[Any], size: int) -> None:
    for run in runs:
        run.font.size = Pt(size)
        layout = run._parent.paragraph_format
        layout.line_spacing_rule, layout.line_spacing = WD_LINE_SPACING.SINGLE, 1.0


def _number_pages(paragraph: Any) -> None:
    """Write — n — into a footer, as a field."""
    paragraph.add_run("— ")
    paragraph._element.append(
        parse_xml(
            f'<w:fldSimple {nsdecls("w")} w:instr="PAGE"><w:r><w:t>1</w:t></w:r></w:fldSimple>'
        )
    )
    paragraph.add_run(" —")


def _is_wide(table: Table) -> bool:
    return len(table.columns) - table.grouped >= _WIDE


def _table_xml(table: Table, width: int) -> Iterator[str]:
    """Yield a table: the head repeats on every page, no row is cut."""
    columns = table.columns[1:] if table.grouped else table.columns
    start = len(table.columns) - len(columns)
    rows = [[cell_text(v, c) for v, c in zip(r, table.columns, strict=True)] for r in table.rows]
    widths = _widths(table, rows, start, width)
    yield (
        f'<w:tbl {nsdecls("w")}><w:tblPr><w:tblW w:w="{sum(widths)}" w:type="dxa"/>'
        '<w:jc w:val="center"/><w:tblBorders>'
        + "".join(
            f'<w:{side} w:val="single" w:sz="4" w:space="0" w:color="808080"/>'
            for side in ("top", "left", "bottom", "right", "insideH", "insideV")
        )
        + '</w:tblBorders><w:tblLayout w:type="fixed"/><w:tblCellMar><w:left w:w="40" '
        'w:type="dxa"/><w:right w:w="40" w:type="dxa"/></w:tblCellMar>'
        f"<w:tblCaption w:val={_quoted(table.title)}/></w:tblPr><w:tblGrid>"
    )
    yield "".join(f'<w:gridCol w:w="{w}"/>' for w in widths) + "</w:tblGrid>"
    downwards = [table.matrix and c.kind == "verdict" for c in columns]
    head = "".join(
        _cell(c.heading, w, "center", bold=True, downwards=d)
        for c, w, d in zip(columns, widths, downwards, strict=True)
    )
    height = '<w:trHeight w:val="1800"/>' if any(downwards) else ""
    yield f"<w:tr><w:trPr><w:cantSplit/>{height}<w:tblHeader/></w:trPr>{head}</w:tr>"
    group = None
    for row, texts in zip(table.rows, rows, strict=True):
        if table.grouped and texts[0] != group:
            group = texts[0]
            spanning = _cell(group, sum(widths), "left", bold=True, span=len(columns))
            yield f"<w:tr><w:trPr><w:cantSplit/></w:trPr>{spanning}</w:tr>"
        cells = "".join(
            _cell(text, w, _side(value, column, table.matrix))
            for text, w, value, column in zip(
                texts[start:], widths, row[start:], columns, strict=True
            )
        )
        yield f"<w:tr><w:trPr><w:cantSplit/></w:trPr>{cells}</w:tr>"
    if not rows:
        yield f"<w:tr>{_cell('无', sum(widths), 'center', span=len(columns))}</w:tr>"
    yield "</w:tbl>"


def _side(value: object, column: Any, matrix: bool) -> str:
    if figure(value, column) is not None:
        return "right"
    return "center" if matrix and column.kind == "verdict" else "left"


def _widths(table: Table, rows: Sequence[Sequence[str]], start: int, width: int) -> list[int]:
    """Share the width of the page by the length of the texts."""
    lengths = []
    for j, column in enumerate(table.columns[start:], start=start):
        longest = max([len(column.heading) / 2, *(len(r[j]) for r in rows)])
        lengths.append(min(max(longest, _NARROW), _BROAD))
    return [round(width * length / sum(lengths)) for length in lengths]


def _cell(
    text: str, width: int, side: str, *, bold: bool = False, downwards: bool = False, span: int = 1
) -> str:
    spans = f'<w:gridSpan w:val="{span}"/>' if span > 1 else ""
    turned = '<w:textDirection w:val="tbRlV"/>' if downwards else ""
    return (
        f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/>{spans}{turned}'
        '<w:vAlign w:val="center"/></w:tcPr><w:p><w:pPr><w:spacing w:line="240" '
        'w:lineRule="auto"/><w:ind w:firstLineChars="0" w:firstLine="0"/>'
        f'<w:jc w:val="{side}"/></w:pPr><w:r><w:rPr><w:rFonts w:eastAsia="{_SONG}"/>'
        f'{"<w:b/>" if bold else ""}<w:sz w:val="18"/></w:rPr>'
        f'<w:t xml:space="preserve">{escape(plain(text))}</w:t></w:r></w:p></w:tc>'
    )


def _quoted(text: str) -> str:
    return '"' + escape(plain(text), {'"': "&quot;", "\n": " "}) + '"'
