"""The fill-in workbook: a cover, and one sheet per table an institution fills.

The institution that sends EAST text sends the same workbook without customers and loans, as
its registers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from puhui import schema
from puhui.example.writers import cells, forms
from puhui.example.writers.filing import Filing, Places, in_file
from puhui.example.writers.sheets import (
    BOLD,
    NOTHING,
    Sheet,
    number_cell,
    row,
    rows,
    text_cell,
    workbook,
)

FILE, REGISTERS = "填报工作簿.xlsx", "登记工作簿.xlsx"
LEDGER = ("customers", "loans")
CONTACTS = (("填报人", "样填报"), ("复核人", "样复核"), ("负责人", "样负责"))
NIL = "本表无数据"
_COVER, _DRAFT = "封面", "草稿"
_NOTE = "单位：元；利率：%（年化）；日期：年-月-日；一行一条，请勿合并单元格。"
_RETURNS_NOTE = "单位见各行；户数为户。"
_REMARK = "备注：本表数据取自信贷管理系统，期末日取数。"
_TOTALLED = ("amount", "balance")
_ALIASES = {
    "customers": {"客户号": "客户编号", "授信额度": "授信额度（元）"},
    "loans": {
        "借据号": "借据编号",
        "客户号": "客户编号",
        "贷款余额": "借款余额",
        "发放利率": "年利率",
        "发放日期": "起始日",
        "到期日期": "到期日",
    },
}


@dataclass(frozen=True)
class _Style:
    """What differs between a well kept workbook and a messy one.

    ``header`` is the row of the header, ``gap`` the number of data rows after which a row is
    left blank (0: never), ``indent`` the number of blank columns on the left.
    """

    header: int
    gap: int
    indent: int
    is_messy: bool

    def below(self, count: int) -> Any:
        """Rows in which ``count`` table rows stand."""
        numbers = np.arange(count)
        return self.header + 1 + numbers + (numbers // self.gap if self.gap else 0)


_STYLES = {"plain": _Style(3, 0, 0, False), "messy": _Style(5, 40, 1, True)}
STYLES = tuple(_STYLES)


def fill_in(filing: Filing, style: str = "plain") -> dict[str, bytes]:
    """Make 填报工作簿.xlsx: a cover, then a sheet for every table of the filing.

    Parameters
    ----------
    style
        ``plain``, or ``messy``: title rows, aliases, another order of columns, numbers and
        dates in many spellings, blank rows and a hidden draft, all of which say the same.
    """
    return {FILE: _book(filing, list(filing.tables), _STYLES[style])}


def register_book(filing: Filing, style: str = "plain") -> dict[str, bytes]:
    """Make 登记工作簿.xlsx: the cover and every table but customers and loans."""
    tables = [t for t in filing.tables if t not in LEDGER]
    return {REGISTERS: _book(filing, tables, _STYLES[style])}


def places(filing: Filing, style: str = "plain", file: str = FILE) -> Places:
    """Where the rows of each table stand in the workbook of that style."""
    found = {
        table: in_file(file, schema.label(table), _STYLES[style].below(data.num_rows))
        for table, data in filing.tables.items()
        if file == FILE or table not in LEDGER
    }
    return Places(found)


def cover(filing: Filing) -> list[tuple[str, str]]:
    """Label and value rows that say who files what."""
    return [
        ("机构编号", filing.institution_id),
        ("机构名称", filing.name),
        ("报告期", str(filing.quarter)),
        *CONTACTS,
    ]


def cover_rows(title: str, filing: Filing, first: int = 1, indent: int = 0) -> list[str]:
    """Rows of a title and of the cover's labels and values."""
    blank = [NOTHING] * indent
    listed = [row(first, [*blank, text_cell(title, BOLD)])]
    for number, pair in enumerate(cover(filing), first + 1):
        listed.append(row(number, [*blank, *map(text_cell, pair)]))
    return listed


def _book(filing: Filing, tables: Sequence[str], style: _Style) -> bytes:
    title = f"小微企业金融服务季度填报工作簿（{filing.quarter}）"
    found = [Sheet(_COVER, cover_rows(title, filing, indent=style.indent))]
    found += [Sheet(schema.label(t), _sheet(filing, t, style)) for t in tables]
    if style.is_messy:
        found.append(Sheet(_DRAFT, _draft(filing), hidden=True))
    return workbook(found)


def _sheet(filing: Filing, table: str, style: _Style) -> list[str]:
    data, blank = filing.tables[table], [NOTHING] * style.indent
    columns = [
        c
        for c in schema.columns(table)
        if c.name in data.column_names and c.name != "institution_id"
    ]
    if style.is_messy:
        columns = columns[1::2] + columns[::2]
    aliases = _ALIASES.get(table, {}) if style.is_messy else {}
    heads = [text_cell(aliases.get(c.label, c.label), BOLD) for c in columns]
    listed = [*_titles(filing, table, style), row(style.header, [*blank, *heads])]
    if not data.num_rows:
        return [*listed, row(style.header + 1, [*blank, text_cell(NIL)])]
    ready = [_cells(filing, table, c, style) for c in columns]
    listed += rows(style.below(data.num_rows), [*blank, *ready])
    last = int(style.below(data.num_rows)[-1]) + 1 + style.indent
    if table == "loans":
        listed.append(row(last, [*blank, *_totals(columns, data)]))
    if table == "loans" or (style.is_messy and table == "customers"):
        listed.append(row(last + 1, [*blank, text_cell(_REMARK)]))
    return listed


def _titles(filing: Filing, table: str, style: _Style) -> list[str]:
    note = _RETURNS_NOTE if table == "returns" else _NOTE
    if not style.is_messy:
        return [row(1, [text_cell(schema.label(table), BOLD)]), row(2, [text_cell(note)])]
    lines = (
        f"{filing.name}{filing.quarter.label}报送",
        f"附表：{schema.label(table)}",
        note,
    )
    return [row(i, [NOTHING, text_cell(line, BOLD)]) for i, line in enumerate(lines, 1)]


def _cells(filing: Filing, table: str, column: schema.Column, style: _Style) -> pa.Array:
    data = filing.tables[table]
    is_figure = (table, column.name) == ("returns", "value")
    values = cells.figures(data) if is_figure else cells.plain_array(data[column.name])
    make = forms.messy if style.is_messy else forms.plain
    ready = make(column, values)[1]
    wrong = {
        r: text_cell(text)
        for (where, r, name), text in filing.cells.items()
        if (where, name) == (table, column.name)
    }
    return cells.replaced(ready, wrong)


def _totals(columns: Sequence[schema.Column], data: pa.Table) -> list[str]:
    """Cells of the 合计 row: sums over whatever numbers the table holds."""
    found = [text_cell("合计")]
    for column in columns[1:]:
        if column.name not in _TOTALLED:
            found.append(NOTHING)
            continue
        total = pc.sum(data.column(column.name)).as_py()
        found.append(number_cell(str(total)) if total is not None else NOTHING)
    return found


def _draft(filing: Filing) -> list[str]:
    """A sheet somebody forgot and hid: a header as in 贷款借据, and one loan nobody made."""
    header: Mapping[str, str] = {"借据号": "草稿0001", "客户号": "草稿客户", "贷款余额": "1"}
    return [
        row(1, [text_cell(f"{filing.name}草稿，不报送")]),
        row(2, [text_cell(h) for h in header]),
        row(3, [text_cell(v) for v in header.values()]),
    ]


__all__ = [
    "FILE",
    "LEDGER",
    "REGISTERS",
    "STYLES",
    "cover",
    "cover_rows",
    "fill_in",
    "places",
    "register_book",
]
