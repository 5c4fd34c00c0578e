"""Workbooks read by openpyxl alone hold what was filed, however messy they are."""

from __future__ import annotations

import datetime as dt
import io
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import openpyxl
import pyarrow as pa
import pytest

from example.filings import BANK, filing, wan
from puhui import schema
from puhui.example.writers import workbook
from puhui.example.writers.filing import Filing

ALIASES = {
    "借据编号": "借据号",
    "客户编号": "客户号",
    "借款余额": "贷款余额",
    "年利率": "发放利率",
    "起始日": "发放日期",
    "到期日": "到期日期",
    "授信额度（元）": "授信额度",
}
NULLS = ("-", "—", "/", "无", "99991231")


def opened(content: bytes) -> Any:
    return openpyxl.load_workbook(io.BytesIO(content))


def data_rows(sheet: Any, labels: set[str]) -> tuple[list[str], list[tuple[int, list[Any]]]]:
    """Headers and rows (number, cells) of a sheet, without blank, total and note rows."""
    grid = [(r, [c.value for c in row]) for r, row in enumerate(sheet.iter_rows(), 1)]
    at = next(i for i, (_, row) in enumerate(grid) if sum(_name(c) in labels for c in row) > 1)
    start = next(j for j, c in enumerate(grid[at][1]) if c)
    headers = [_name(c) for c in grid[at][1][start:]]
    rows = []
    for number, row in grid[at + 1 :]:
        assert not any(row[:start])
        cells = row[start:]
        first = str(next((c for c in cells if c is not None), ""))
        if first and first not in ("合计", "本表无数据") and not first.startswith("备注"):
            rows.append((number, cells))
    return headers, rows


def _name(cell: Any) -> str:
    return ALIASES.get(str(cell), str(cell))


def meant(cell: Any, kind: str, codes: str) -> Any:
    """What a cell says, by a reading of its own that knows nothing of the product."""
    if cell is None or cell in NULLS:
        return None
    text = unicodedata.normalize("NFKC", str(cell)) if kind != "text" else str(cell)
    if kind in ("money", "rate", "bp", "int"):
        return Decimal(text.replace(",", ""))
    if kind == "date":
        if isinstance(cell, dt.datetime):
            return cell.date()
        for form in ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y年%m月%d日", "%Y%m%d"):
            try:
                return dt.datetime.strptime(text, form).date()
            except ValueError:
                continue
        raise AssertionError(text)
    if kind == "bool":
        return {"是": True, "否": False}[text]
    words = {word: code for code, word in schema.CODES.get(codes, {}).items()}
    if kind == "set":
        return sorted(words[w] for w in text.split("、"))
    return words[text] if kind == "code" else text


def expected(data: pa.Table, column: schema.Column) -> list[Any]:
    values = data[column.name].to_pylist()
    if (column.table, column.name) != ("returns", "value"):
        return values
    units = data["unit"].to_pylist()
    return [wan(v) if u == "万元" else v for v, u in zip(values, units, strict=True)]


def compared(given: Filing, content: bytes, tables: list[str]) -> Iterator[tuple[Any, Any]]:
    book = opened(content)
    for name in tables:
        data = given.tables[name]
        columns = {c.label: c for c in schema.columns(name) if c.name in data.column_names}
        headers, rows = data_rows(book[schema.label(name)], set(columns))
        assert set(headers) == set(columns) - {"机构编号"}
        assert len(rows) == data.num_rows
        for j, header in enumerate(headers):
            column = columns[header]
            found = [meant(cells[j], column.kind, column.codes) for _, cells in rows]
            if column.name in ("certificate_no", "loan_id", "customer_id"):
                found = [f and unicodedata.normalize("NFKC", f).upper() for f in found]
            yield (name, header, found), (name, header, expected(data, column))


@pytest.mark.parametrize("style", workbook.STYLES)
def test_every_value_is_read_back(style: str) -> None:
    given = filing()
    content = workbook.fill_in(given, style)["填报工作簿.xlsx"]
    pairs = list(compared(given, content, list(given.tables)))
    assert len(pairs) > 80
    for found, wanted in pairs:
        assert found == wanted


def test_plain_cells_are_typed() -> None:
    sheet = opened(workbook.fill_in(filing())["填报工作簿.xlsx"])["贷款借据"]
    cells = {sheet.cell(3, c.column).value: c for c in sheet[5]}
    assert cells["发放金额"].value == 510000.07 and cells["发放金额"].data_type == "n"
    assert cells["发放日期"].value == dt.datetime(2020, 2, 10) and cells["发放日期"].is_date
    assert cells["借据号"].value == "JYL000001" and cells["借据号"].data_type == "s"


def test_cover_totals_and_nil_sheet() -> None:
    given = filing()
    book = opened(workbook.fill_in(given)["填报工作簿.xlsx"])
    assert book.sheetnames == ["封面", *(schema.label(t) for t in given.tables)]
    cover = {row[0].value: row[1].value for row in book["封面"].iter_rows(min_row=2, max_col=2)}
    assert cover == {
        "机构编号": BANK,
        "机构名称": "甲样农村商业银行",
        "报告期": "2021Q4",
        "填报人": "样填报",
        "复核人": "样复核",
        "负责人": "样负责",
    }
    loans = book["贷款借据"]
    labels = [c.value for c in loans[3]]
    total = [c.value for c in loans[3 + 95 + 1]]
    assert total[0] == "合计"
    # 500,000.00 + i × 10,000.07 for i = 0 … 94
    assert total[labels.index("发放金额")] == 95 * 500_000 + 94 * 95 // 2 * 10_000.07
    assert loans.cell(3 + 95 + 2, 1).value.startswith("备注：")
    nil = [c.value for c in book["制度与机制答卷"][4]]
    assert nil[0] == "本表无数据" and not any(nil[1:])


def test_messy_has_what_readers_must_take() -> None:
    book = opened(workbook.fill_in(filing(), "messy")["填报工作簿.xlsx"])
    assert book["草稿"].sheet_state == "hidden"
    sheet = book["贷款借据"]
    assert all(row[0].value is None for row in sheet.iter_rows())
    said = {c.value for row in sheet.iter_rows(min_row=6) for c in row if c.data_type == "s"}
    # The fourth IOU (row 3 from 0) of 530,000.21, the sixth of 550,000.35; one a week.
    assert {"530,000.21", "５５００００.３５", "2020-02-10", "2020/2/17"} <= said
    assert {"2020.2.24", "2020年3月2日", "20200309"} <= said
    assert {"-", "—", "/", "无", "99991231"} <= said
    rows = [[c.value for c in row] for row in sheet.iter_rows(min_row=6)]
    assert [r for r in rows[:-3] if not any(r)], "no blank row among the data"
    lower = [c.value for row in book["客户信息"].iter_rows(min_row=6) for c in row]
    assert any(isinstance(t, str) and t.startswith("91411526xl") for t in lower)


@pytest.mark.parametrize("style", workbook.STYLES)
def test_places_are_where_rows_stand(style: str) -> None:
    given = filing()
    book = opened(workbook.fill_in(given, style)["填报工作簿.xlsx"])
    places = workbook.places(given, style)
    for at, loan_id in enumerate(given.tables["loans"]["loan_id"].to_pylist()):
        place = places.of("loans", at, "balance")
        assert place is not None and place.file == "填报工作簿.xlsx"
        cells = [str(c.value) for c in book[place.sheet][place.row]]
        assert loan_id in [unicodedata.normalize("NFKC", c) for c in cells]


def test_texts_stand_in_place_of_values() -> None:
    given = filing()
    wrong = {("loans", 4, "balance"): "叁万<元>", ("loans", 0, "drawn_on"): "2021-02-30"}
    book = opened(workbook.fill_in(replace(given, cells=wrong))["填报工作簿.xlsx"])
    labels = [c.value for c in book["贷款借据"][3]]
    assert book["贷款借据"].cell(8, 1 + labels.index("贷款余额")).value == "叁万<元>"
    assert book["贷款借据"].cell(4, 1 + labels.index("发放日期")).value == "2021-02-30"


def test_registers_go_without_the_ledger() -> None:
    files = workbook.register_book(filing())
    assert list(files) == ["登记工作簿.xlsx"]
    assert opened(files["登记工作簿.xlsx"]).sheetnames == [
        "封面",
        "报表数据",
        "延期还本付息",
        "贷款申请",
        "收费明细",
        "资金流向",
        "制度与机制答卷",
    ]


@pytest.mark.parametrize("style", workbook.STYLES)
def test_the_same_bytes_twice(style: str) -> None:
    assert workbook.fill_in(filing(), style) == workbook.fill_in(filing(), style)
