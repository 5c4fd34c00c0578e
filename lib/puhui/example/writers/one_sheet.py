"""The one-sheet quarterly (一页季报): items down, four dates across."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from puhui.example.writers import forms
from puhui.example.writers.filing import Filing, Place
from puhui.example.writers.sheets import (
    BOLD,
    NOTHING,
    Sheet,
    number_cell,
    row,
    text_cell,
    workbook,
)
from puhui.example.writers.workbook import CONTACTS, cover_rows

FILE, SHEET = "季度情况表.xlsx", "季度情况表"
TITLE = "小微企业金融服务季度情况表"
COLUMNS = ("本季末", "年初", "上年同期", "上季末")
HUNDREDTHS = "万元"
_HEADER = ("项目代码", "项目", "单位", *COLUMNS)
_NOTE = "备注：本表由各专业部门汇总，期末日取数。"
#: Messy sheet: blank columns on the left, and blank rows between cover and header.
_INDENT, _GAP = 1, 2

#: A figure: whole hundredths where the unit is 万元, else the number itself; a text as it
#: stands; ``None`` where nothing is filed.
Figure = int | str | None
#: Item code, wording, unit, and a figure for each of :data:`COLUMNS`.
Item = tuple[str, str, str, Sequence[Figure]]


def sheet(filing: Filing, items: Sequence[Item], style: str = "plain") -> dict[str, bytes]:
    """Make 季度情况表.xlsx: title, who files, then the items.

    Parameters
    ----------
    filing
        Who files and for when; its tables are not looked at.
    style
        ``plain``, or ``messy``: blank column and rows, full-width digits, thousands
        separators, an empty item with a dash, a remark below.
    """
    is_messy = style == "messy"
    blank = [NOTHING] * (_INDENT if is_messy else 0)
    listed = cover_rows(TITLE, filing, indent=len(blank))
    header = _header(style)
    listed.append(row(header, [*blank, *(text_cell(h, BOLD) for h in _HEADER)]))
    for i, (item, wording, unit, figures) in enumerate(items):
        cells = [text_cell(t) for t in (item, wording, unit)]
        cells += [_figure(f, unit, i * len(COLUMNS) + j, is_messy) for j, f in enumerate(figures)]
        listed.append(row(header + 1 + i, [*blank, *cells]))
    if is_messy:
        listed.append(row(header + 2 + len(items), [*blank, text_cell(_NOTE)]))
    return {FILE: workbook([Sheet(SHEET, listed)])}


def place(item: int, style: str = "plain") -> Place:
    """Where an item, numbered from 0, stands."""
    return Place(FILE, SHEET, _header(style) + 1 + item)


def _header(style: str) -> int:
    covered = 1 + 3 + len(CONTACTS)
    return covered + 1 + (_GAP if style == "messy" else 0)


def _figure(figure: Figure, unit: str, at: int, is_messy: bool) -> str:
    if figure is None:
        return text_cell("—") if is_messy else NOTHING
    if isinstance(figure, str):
        return text_cell(figure)
    text = written(figure, unit)
    if is_messy and at % 3 == 1:
        return text_cell(forms.grouped(pa.array([text]))[0].as_py())
    if is_messy and at % 5 == 2:
        return text_cell(forms.wide(pa.array([text]))[0].as_py())
    return number_cell(text)


def written(figure: int, unit: str) -> str:
    """A figure in its unit, exactly.

    Examples
    --------
    >>> written(1089005, "万元"), written(-7, "万元"), written(1089000, "万元"), written(826, "户")
    ('10890.05', '-0.07', '10890', '826')
    """
    if unit != HUNDREDTHS:
        return str(figure)
    sign, figure = ("-", -figure) if figure < 0 else ("", figure)
    decimals = f".{figure % 100:02d}".rstrip("0").rstrip(".")
    return f"{sign}{figure // 100}{decimals}"
