"""Cells of submitted files as values: text of every spelling into exact numbers, days, codes.

Amounts are whole fen, rates whole millionths of a percent, so that sums are exact integers.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from decimal import Decimal

import pandas as pd

NOTHING = {"", "-", "--", "—", "——", "/", "无", "99991231", "9999-12-31"}
MONEY = {
    "amount",
    "balance",
    "credit_line",
    "credit_line_at_drawdown",
    "received",
    "passed_to_business_line",
    "passed_to_customers",
    "premium",
    "claims_paid",
    "loan_balance_covered",
    "target",
    "waived",
    "written_off_amount",
    "transferred_amount",
}
RATES = {"rate_at_drawdown", "legal_person_npl_ratio"}
COUNTS = {"customers", "insured_mses", "manual_steps"}
DAYS = {
    "closed_on",
    "overdue_since",
    "drawn_on",
    "matures_on",
    "first_check_due_on",
    "first_check_on",
    "first_drawdown_on",
    "launched_on",
    "applied_on",
    "disbursed_on",
    "ended_on",
    "in_force_from",
    "plan_signed_on",
    "noted_on",
    "as_of",
}
FLAGS = {
    "is_business_loan",
    "is_revolving",
    "is_online",
    "is_agricultural",
    "first_loan_query_clear",
    "is_lifted_household",
    "unsecured",
    "qualifies",
    "has_needs",
    "has_products",
    "has_terms",
    "has_manager",
    "is_local_legal_person",
    "recurring",
}
_YES_NO = {"是": True, "否": False, "true": True, "false": False}
_MITIGANTS = {
    "知识产权": "ip",
    "企业股权": "equity",
    "应收账款": "receivable",
    "土地承包经营权": "land_right",
    "政府风险补偿基金": "gov_fund",
    "政府采购合同": "procurement_contract",
    "信用保证保险": "credit_insurance",
    "保单": "policy",
    "存货": "inventory",
    "仓单": "warehouse_receipt",
    "预付款": "prepayment",
    "住房": "home",
}
_BEGINNING = dt.date(1899, 12, 30)


def plain(cell: object) -> str | None:
    """Text without width variants and marks of emptiness; whole floats as integers."""
    if cell is None or cell is pd.NA or cell is pd.NaT:
        return None
    if isinstance(cell, float):
        if cell != cell:
            return None
        cell = int(cell) if cell == int(cell) else repr(cell)
    text = unicodedata.normalize("NFKC", str(cell)).strip()
    return None if text in NOTHING else text


def exact(cell: object) -> Decimal | None:
    """A number exactly as written."""
    text = plain(cell)
    return None if text is None else Decimal(text.replace(",", ""))


def whole(cell: object, places: int) -> int | None:
    """A number as an integer of its ``places``-th decimals; it must have no more."""
    number = exact(cell)
    if number is None:
        return None
    scaled = number.scaleb(places)
    assert scaled == scaled.to_integral_value(), cell
    return int(scaled)


def day(cell: object) -> pd.Timestamp | None:
    """A day in any of the forms people write."""
    if isinstance(cell, dt.datetime | dt.date):
        return None if cell.year == 9999 else pd.Timestamp(cell.year, cell.month, cell.day)
    text = plain(cell)
    if text is None:
        return None
    if re.fullmatch(r"\d{5}", text):
        return pd.Timestamp(_BEGINNING + dt.timedelta(days=int(text)))
    found = re.fullmatch(r"(\d{4})\D?(\d{1,2})\D?(\d{1,2})\D?", text)
    assert found is not None, cell
    return pd.Timestamp(*map(int, found.groups()))


def several(cell: object) -> frozenset[str]:
    """Mitigants in force; an empty cell says there is none."""
    text = plain(cell)
    return frozenset(_MITIGANTS[word] for word in text.split("、")) if text else frozenset()


def column(name: str, cells: list[object]) -> pd.Series:
    """A column of cells, typed by its name."""
    if name in MONEY:
        return pd.Series([whole(c, 2) for c in cells], dtype="Int64")
    if name in RATES:
        return pd.Series([whole(c, 6) for c in cells], dtype="Int64")
    if name in COUNTS:
        return pd.Series([whole(c, 0) for c in cells], dtype="Int64")
    if name in DAYS:
        return pd.Series([day(c) for c in cells], dtype="datetime64[us]")
    if name in FLAGS:
        words = [plain(c) for c in cells]
        return pd.Series([None if w is None else _YES_NO[w] for w in words], dtype="boolean")
    if name == "mitigants":
        return pd.Series([several(c) for c in cells], dtype="object")
    return pd.Series([plain(c) for c in cells], dtype="string")
