"""The fill-in workbook of an institution: cover, customers, loans, return items."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from puhui import schema
from puhui.example.files import Sheets, percent, word, yuan
from puhui.example.profile import Profile

Row = dict[str, Any]
HEADER_ROW = 3
CONTACTS = (("填报人", "样填报"), ("复核人", "样复核"), ("负责人", "样负责"))
_NOTE = "单位：元；利率：%（年化）；日期：年-月-日；一行一条，请勿合并单元格。"
_RETURNS_NOTE = "单位见各行；户数为户。"
_TOTALLED = ("amount", "balance")


def cover(institution_id: str, name: str, quarter: str) -> list[tuple[str, str]]:
    """Label and value rows that say who files what."""
    return [("机构编号", institution_id), ("机构名称", name), ("报告期", quarter), *CONTACTS]


def workbook(
    profile: Profile, quarter: str, customers: list[Row], loans: list[Row], returns: list[Row]
) -> bytes:
    """Make the file 填报工作簿.xlsx; rows may hold ready text where something is broken."""
    sheets = Sheets()
    title = f"小微企业金融服务季度填报工作簿（{quarter}）"
    sheets.add("封面", [(title,), *cover(profile.institution_id, profile.name, quarter)], (0,))
    for table, rows in (("customers", customers), ("loans", loans)):
        grid = _grid(table, rows)
        if table == "loans":
            grid += _trailer(table, rows)
        sheets.add(schema.label(table), grid, (0, HEADER_ROW - 1))
    sheets.add(schema.label("returns"), _returns_grid(returns), (0, HEADER_ROW - 1))
    return sheets.content()


def _columns(table: str, rows: list[Row]) -> list[schema.Column]:
    filled = rows[0]
    return [c for c in schema.columns(table) if c.name in filled and c.name != "institution_id"]


def _grid(table: str, rows: list[Row]) -> list[list[Any]]:
    columns = _columns(table, rows)
    head = [[schema.label(table)], [_NOTE], [c.label for c in columns]]
    return head + [[_cell(c, row[c.name], i) for c in columns] for i, row in enumerate(rows)]


def _cell(column: schema.Column, value: Any, i: int) -> Any:
    """One cell as a clerk leaves it: mostly typed, now and then text."""
    if value is None or (isinstance(value, str) and column.kind in ("text", "id")):
        return value
    if column.kind == "money" and isinstance(value, int):
        as_text = i % 41 == 7 and column.name in _TOTALLED
        return f"{value // 100:,}.{value % 100:02d}" if as_text else Decimal(yuan(value))
    if column.kind == "rate":
        return Decimal(percent(value))
    if column.kind == "date" and isinstance(value, dt.date):
        if i % 31 == 5:
            return f"{value.year}年{value.month}月{value.day}日"
        return value.isoformat() if i % 29 == 3 else value
    if column.kind == "code":
        return schema.CODES[column.codes].get(value, value)
    if column.kind == "set":
        return "、".join(word(column.codes, v) for v in value)
    if column.kind == "bool":
        return "是" if value else "否"
    return value


def _trailer(table: str, rows: list[Row]) -> list[list[Any]]:
    """Return the 合计 row the clerk adds over whatever numbers stand above, and a remark."""
    total: list[Any] = ["合计"]
    for column in _columns(table, rows)[1:]:
        numbers = [row[column.name] for row in rows if isinstance(row[column.name], int)]
        total.append(Decimal(yuan(sum(numbers))) if column.name in _TOTALLED else None)
    return [total, ["备注：本表数据取自信贷管理系统，期末日取数。"]]


def _returns_grid(rows: list[Row]) -> list[list[Any]]:
    labels = {c.name: c.label for c in schema.columns("returns")}
    names = ("item", "as_of", "basis", "value", "unit")
    grid: list[list[Any]] = [
        [schema.label("returns")],
        [_RETURNS_NOTE],
        [labels[n] for n in names],
    ]
    for row in rows:
        value = row["value"] if row["unit"] == "户" else Decimal(yuan(row["value"]))
        basis = word("basis", row["basis"])
        grid.append([row["item"], row["as_of"], basis, value, row["unit"]])
    return grid
