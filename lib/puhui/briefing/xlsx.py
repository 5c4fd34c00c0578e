"""Excel annexes written from the tables of the page, the same bytes every time."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import xlsxwriter

from puhui.briefing.table import Column, Noted, Table, cell_text, figure, plain

#: Inner date of every workbook; a real one would change the bytes on each run.
_CREATED = dt.datetime(2000, 1, 1)
_CELL_LIMIT = 32_767
_FONT = {"font_name": "宋体", "font_size": 11, "valign": "vcenter"}
_BORDER = {"border": 1, "border_color": "#9AA0A6"}
_TEXT = {"num_format": "@", "text_wrap": True, "valign": "top"}


class _Formats:
    """Formats of one workbook, each made once."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._made: dict[tuple[tuple[str, object], ...], Any] = {}

    def get(self, **extra: object) -> Any:
        key = tuple(sorted(extra.items()))
        if key not in self._made:
            self._made[key] = self._book.add_format({**_FONT, **extra})
        return self._made[key]


def write_annex(
    path: Path, tables: Sequence[Table], *, title: str, notes: Sequence[str] = ()
) -> None:
    """Write one sheet per table after a sheet of contents.

    Parameters
    ----------
    path
        Workbook to write; its folder exists.
    tables
        Tables of the page, in its order.
    title
        Heading of the sheet of contents.
    notes
        Lines under it (provenance, units).

    Notes
    -----
    Figures are numbers in the unit of the header with a number format; text is written
    as text whatever it begins with; clause and formula stand as comments.
    """
    options = {
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "in_memory": True,
    }
    book = xlsxwriter.Workbook(str(path), options)
    book.set_properties({"title": plain(title)[:255], "created": _CREATED})
    formats = _Formats(book)
    names = _sheet_names(tables)
    contents = book.add_worksheet("目录")
    _write_contents(contents, formats, tables, names, title, notes)
    for table, name in zip(tables, names, strict=True):
        _write_table(book.add_worksheet(name), formats, table)
    book.close()


def _sheet_names(tables: Sequence[Table]) -> list[str]:
    names: list[str] = []
    taken = {"目录"}
    for table in tables:
        base = re.sub(r"[\[\]:*?/\\']", " ", plain(table.title)).strip()[:28] or table.id[:28]
        name, n = base, 2
        while name.casefold() in taken:
            name, n = f"{base}{n}", n + 1
        taken.add(name.casefold())
        names.append(name)
    return names


def _write_contents(
    sheet: Any,
    formats: _Formats,
    tables: Sequence[Table],
    names: Sequence[str],
    title: str,
    notes: Sequence[str],
) -> None:
    sheet.set_column(0, 0, 6)
    sheet.set_column(1, 1, 60)
    sheet.write_string(0, 0, _cut(title), formats.get(bold=True, font_size=14))
    for n, (table, name) in enumerate(zip(tables, names, strict=True), start=1):
        sheet.write_number(n + 1, 0, n, formats.get())
        link = formats.get(font_color="#0B3D66", underline=1)
        sheet.write_url(n + 1, 1, f"internal:'{name}'!A1", link, _cut(table.title)[:255])
    for n, note in enumerate(notes):
        sheet.write_string(len(tables) + 3 + n, 1, _cut(note), formats.get(**_TEXT))
    sheet.set_paper(9)


def _write_table(sheet: Any, formats: _Formats, table: Table) -> None:
    sheet.write_string(0, 0, _cut(table.title), formats.get(bold=True, font_size=13))
    header = formats.get(bold=True, text_wrap=True, align="center", bg_color="#E8ECEF", **_BORDER)
    for n, column in enumerate(table.columns):
        sheet.set_column(n, n, _width(table, n))
        sheet.write_string(1, n, _cut(column.heading), header)
        if column.note:
            _comment(sheet, 1, n, column.note)
    for r, row in enumerate(table.rows, start=2):
        for n, (value, column) in enumerate(zip(row, table.columns, strict=True)):
            _write_cell(sheet, formats, r, n, value, column)
    last = len(table.rows) + 1
    for n, note in enumerate(table.notes):
        sheet.write_string(last + 2 + n, 0, _cut(note), formats.get(num_format="@"))
    sheet.freeze_panes(2, 1)
    sheet.repeat_rows(0, 1)
    sheet.set_paper(9)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    if table.rows:
        sheet.autofilter(1, 0, last, len(table.columns) - 1)


def _write_cell(
    sheet: Any, formats: _Formats, row: int, n: int, value: object, column: Column
) -> None:
    number = figure(value, column)
    if number is not None and number.tied is None:
        digits = number.shown_digits
        pattern = "#,##0" + ("." + "0" * digits if digits else "")
        sheet.write_number(row, n, float(number.scaled), formats.get(num_format=pattern, **_BORDER))
    elif isinstance(value, dt.date):
        sheet.write_datetime(row, n, value, formats.get(num_format="yyyy-mm-dd", **_BORDER))
    else:
        align = {"align": "right"} if column.numeric else {}
        text = formats.get(**_TEXT, **_BORDER, **align)
        sheet.write_string(row, n, _cut(cell_text(value, column)), text)
        if isinstance(value, Noted) and value.note:
            _comment(sheet, row, n, value.note)


def _comment(sheet: Any, row: int, column: int, text: str) -> None:
    size = {"width": 360, "height": 40 + 20 * (1 + len(text) // 24)}
    sheet.write_comment(row, column, _cut(text), {"author": "puhui", "font_size": 9, **size})


def _cut(text: str) -> str:
    text = plain(text)
    return text if len(text) <= _CELL_LIMIT else text[: _CELL_LIMIT - 1] + "…"


def _width(table: Table, n: int) -> float:
    """Column width in characters: Chinese counts double, long text wraps."""
    column = table.columns[n]
    texts = [column.heading, *(cell_text(row[n], column) for row in table.rows[:200])]
    widest = max(sum(2 if ord(c) > 0x2E7F else 1 for c in text) for text in texts)
    return float(min(max(widest + 2, 9), 46))
