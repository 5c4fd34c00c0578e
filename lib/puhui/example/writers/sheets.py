"""Workbooks written part by part: small, quick, and the same bytes on every machine.

Cells carry no address of their own (they follow each other from the first column on, an
empty one stands for a gap) and texts stand in the cell, both as ECMA-376 part 1, 18.3.1.4
allows. The body of a sheet is put together column by column in Arrow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

import pyarrow as pa
import pyarrow.compute as pc

from puhui.example.writers.packing import zipped

BOLD, DATE = 1, 2
NOTHING = "<c/>"
#: Excel's number of 1970-01-01.
_EPOCH = 25569
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_SPEC = "http://schemas.openxmlformats.org"
_MAIN = f"{_SPEC}/spreadsheetml/2006/main"
_OFFICE = f"{_SPEC}/officeDocument/2006/relationships"
_PACKAGE = f"{_SPEC}/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_XF = '<xf numFmtId="{}" fontId="{}" fillId="0" borderId="0" xfId="0" {}/>'
_STYLES = (
    f'{_HEAD}<styleSheet xmlns="{_MAIN}"><numFmts count="1">'
    '<numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/></numFmts><fonts count="2">'
    '<font><sz val="11"/><name val="宋体"/></font>'
    '<font><b/><sz val="11"/><name val="宋体"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill>'
    '<fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/>'
    '</cellStyleXfs><cellXfs count="3">'
    + _XF.format(0, 0, "")
    + _XF.format(0, 1, 'applyFont="1"')
    + _XF.format(164, 0, 'applyNumberFormat="1"')
    + '</cellXfs><cellStyles count="1"><cellStyle name="常规" xfId="0" builtinId="0"/>'
    "</cellStyles></styleSheet>"
)


@dataclass(frozen=True)
class Sheet:
    """A sheet: its name, its rows as XML from :func:`row` and :func:`rows`, and if hidden."""

    name: str
    rows: Sequence[str]
    hidden: bool = False


def text_cell(text: str, style: int = 0) -> str:
    """A cell of text; nothing for an empty one."""
    mark = f' s="{style}"' if style else ""
    return f'<c{mark} t="inlineStr"><is><t>{escape(text)}</t></is></c>' if text else NOTHING


def number_cell(text: str) -> str:
    """A cell of a number, given as text so that no digit is lost."""
    return f"<c><v>{text}</v></c>"


def text_cells(values: pa.Array) -> pa.Array:
    """Cells of a column of text."""
    safe = values
    for sign, name in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        safe = pc.replace_substring(safe, sign, name)
    return _around('<c t="inlineStr"><is><t>', safe, "</t></is></c>")


def number_cells(values: pa.Array) -> pa.Array:
    """Cells of a column of numbers given as text."""
    return _around("<c><v>", values, "</v></c>")


def date_cells(values: pa.Array) -> pa.Array:
    """Cells of a column of dates."""
    serial = pc.add(pc.cast(pc.cast(values, pa.int32()), pa.int64()), _EPOCH)
    return _around(f'<c s="{DATE}"><v>', pc.cast(serial, pa.string()), "</v></c>")


def _around(before: str, values: pa.Array, after: str) -> pa.Array:
    cells = pc.binary_join_element_wise(before, values, after, "")
    return pc.fill_null(cells, NOTHING)


def row(number: int, cells: Sequence[str]) -> str:
    """One row of ready cells; ``number`` as a person counts."""
    return f'<row r="{number}">{"".join(cells)}</row>'


def rows(numbers: Any, columns: Sequence[pa.Array | str]) -> list[str]:
    """Rows of ready cells given by column (or one cell for every row)."""
    at = pc.cast(pa.array(numbers, pa.int64()), pa.string())
    found: list[str] = pc.binary_join_element_wise(
        '<row r="', at, '">', *columns, "</row>", ""
    ).to_pylist()
    return found


def workbook(sheets: Sequence[Sheet]) -> bytes:
    """Put sheets together as an xlsx file."""
    numbers = range(1, len(sheets) + 1)
    kinds = [("xl/workbook.xml", "sheet.main"), ("xl/styles.xml", "styles")]
    kinds += [(f"xl/worksheets/sheet{i}.xml", "worksheet") for i in numbers]
    links = [(f"worksheets/sheet{i}.xml", "worksheet") for i in numbers]
    parts = {
        "[Content_Types].xml": _content_types(kinds),
        "_rels/.rels": _relations([("xl/workbook.xml", "officeDocument")]),
        "xl/workbook.xml": _book(sheets),
        "xl/_rels/workbook.xml.rels": _relations([*links, ("styles.xml", "styles")]),
        "xl/styles.xml": _STYLES,
    }
    for i, sheet in zip(numbers, sheets, strict=True):
        parts[f"xl/worksheets/sheet{i}.xml"] = _worksheet(sheet)
    return zipped({name: text.encode() for name, text in parts.items()})


def _content_types(kinds: Sequence[tuple[str, str]]) -> str:
    listed = "".join(
        f'<Override PartName="/{part}" ContentType="{_TYPE}.{kind}+xml"/>' for part, kind in kinds
    )
    return (
        f'{_HEAD}<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>{listed}</Types>'
    )


def _relations(links: Sequence[tuple[str, str]]) -> str:
    listed = "".join(
        f'<Relationship Id="rId{i}" Type="{_OFFICE}/{kind}" Target="{target}"/>'
        for i, (target, kind) in enumerate(links, 1)
    )
    return f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">{listed}</Relationships>'


def _book(sheets: Sequence[Sheet]) -> str:
    listed = "".join(
        f'<sheet name="{escape(s.name)}" sheetId="{i}"'
        f'{" state=" + chr(34) + "hidden" + chr(34) if s.hidden else ""} r:id="rId{i}"/>'
        for i, s in enumerate(sheets, 1)
    )
    return (
        f'{_HEAD}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{listed}</sheets></workbook>'
    )


def _worksheet(sheet: Sheet) -> str:
    return (
        f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetFormatPr defaultRowHeight="15"/>'
        '<cols><col min="1" max="60" width="14" customWidth="1"/></cols>'
        f"<sheetData>{''.join(sheet.rows)}</sheetData></worksheet>"
    )
