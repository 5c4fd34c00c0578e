"""The example's files read with pandas alone, broken rows left out by what truth.json says."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd

ROOT = Path(__file__).parents[2] / "data" / "example"
TRUTH: dict[str, Any] = json.loads((ROOT / "truth.json").read_text(encoding="utf-8"))


def fen(value: Any) -> int:
    """Yuan in a cell, a number or text, as fen."""
    return round(Decimal(str(value).replace(",", "")) * 100)


def bad_rows(file: str, table: str) -> set[int]:
    """Numbers of the broken rows of a table in a file; of a doubled key the later row only."""
    rows: set[int] = set()
    seen: set[str] = set()
    for p in sorted(TRUTH["planted"], key=lambda p: p["row"]):
        if p["file"] != file or p["table"] != table:
            continue
        if p["check"] != "duplicate_key" or p["key"] in seen:
            rows.add(p["row"])
        seen.add(p["key"])
    return rows


def raw(quarter: str, sheet: str) -> pd.DataFrame:
    """A sheet of the rural bank's workbook as it stands."""
    path = ROOT / "submissions" / quarter / "HCNS0001" / "填报工作簿.xlsx"
    return pd.read_excel(path, sheet_name=sheet, header=None, dtype=object, engine="openpyxl")


def rural(quarter: str, sheet: str, table: str) -> pd.DataFrame:
    """Sound rows of a sheet of the rural bank's workbook."""
    grid = raw(quarter, sheet)
    bad = bad_rows(f"submissions/{quarter}/HCNS0001/填报工作簿.xlsx", table)
    data = grid.iloc[3:].set_axis(list(grid.iloc[2]), axis=1)
    data = data[[i + 1 not in bad for i in data.index]]
    first = data.iloc[:, 0].astype(str)
    return data[~first.str.startswith(("合计", "备注"))]


def rural_ledger(quarter: str) -> pd.DataFrame:
    """Loans of the rural bank joined to their customers."""
    customers = rural(quarter, "客户信息", "customers")
    return rural(quarter, "贷款借据", "loans").merge(
        customers[["客户号", "客户类型", "企业规模", "授信额度"]], on="客户号", validate="m:1"
    )


def piped(quarter: str, name: str) -> pd.DataFrame:
    """Sound rows of a file of the large bank's extract."""
    file = f"submissions/{quarter}/HCDX0001/{name}"
    separator = "|" if name.endswith("txt") else ","
    data = pd.read_csv(ROOT / file, sep=separator, encoding="gbk", dtype=str, na_filter=False)
    bad = bad_rows(file, "loans")
    return data[[i + 2 not in bad for i in data.index]]


def east_ledger(quarter: str) -> pd.DataFrame:
    """Loans of the large bank's branch, contracts, supplements and customers joined."""
    loans = pd.concat(
        [
            piped(quarter, "EAST_504_对公信贷业务借据表.txt"),
            piped(quarter, "EAST_503_个人信贷业务借据表.txt"),
        ]
    )
    firms = piped(quarter, "EAST_203_对公客户信息表.txt")[["KHTYBH", "QYFL"]]
    contracts = piped(quarter, "EAST_501_信贷合同表.txt")[["XDHTH", "DBLX"]]
    lines = piped(quarter, "补充_客户授信.csv").rename(columns={"客户统一编号": "KHTYBH"})
    pricing = piped(quarter, "补充_借据.csv").rename(columns={"信贷借据号": "XDJJH"})
    return (
        loans.merge(contracts, on="XDHTH", validate="m:1")
        .merge(lines, on="KHTYBH", validate="m:1")
        .merge(pricing, on="XDJJH", validate="1:1")
        .merge(firms, on="KHTYBH", how="left", validate="m:1")
    )
