"""A small institution's filing made by hand for the writers: every column, awkward values."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pyarrow as pa

from puhui import schema
from puhui.example import columns
from puhui.example.writers.filing import Filing
from puhui.quarter import Quarter

Q = Quarter.parse("2021Q4")
BANK = "JYNS0001"
BRANCHES = {"JYB01": "甲样支行", "JYB02": "乙样支行"}
END = dt.date(2021, 12, 31)
_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def credit_code(number: int, kind: str = "91") -> str:
    """A social credit code with the check character of GB 32100."""
    body = f"{kind}411526XL{number:07d}"
    total = sum(_ALPHABET.index(c) * pow(3, i, 31) for i, c in enumerate(body))
    return body + _ALPHABET[-total % 31]


def citizen_id(number: int) -> str:
    """A resident id of somebody "born" in 1900 with the check digit of GB 11643."""
    body = f"41152619000101{number:03d}"
    total = sum(pow(2, 17 - i, 11) * int(c) for i, c in enumerate(body))
    return body + "10X98765432"[total % 11]


def _day(i: int, first: dt.date, every: int = 7) -> dt.date:
    return first + dt.timedelta(days=i * every)


def customer(i: int) -> dict[str, Any]:
    """Two firms, an individual business with a trade name, and a farmer, in turn."""
    kind = ("enterprise", "enterprise", "individual_business", "farmer")[i % 4]
    firm = kind == "enterprise"
    return {
        "customer_id": f"JYC{i:05d}",
        "certificate_no": citizen_id(i)
        if kind == "farmer"
        else credit_code(i, "91" if firm else "92"),
        "name": f"样<{i}>&（潢川）纸业" if firm else f"样某{i}",
        "kind": kind,
        "size": ("small", "micro", "medium")[i % 3] if firm else None,
        "industry": "A0111" if kind == "farmer" else "C2231",
        "county_code": "411526",
        "staff_count": 10 + i if firm else None,
        "revenue": 1_000_000_01 + i if firm else None,
        "assets": 2_000_000_50 if firm else None,
        "founded_on": _day(i, dt.date(2009, 1, 5)) if firm else None,
        "legal_representative_id": citizen_id(200 + i) if firm else None,
        "phone_hash": f"0376-0000{i:03d}",
        "address": f"潢川县样路（东）{i}号" if firm else None,
        "credit_line": 3_000_000_00 + i * 1_234_56,
        "credit_line_scope": "legal_person",
        "first_drawdown_on": _day(i, dt.date(2018, 3, 1)),
        "is_lifted_household": i % 8 == 3,
    }


def loan(i: int) -> dict[str, Any]:
    """Living, overdue, settled and written-off IOUs in turn."""
    settled, lost, late = i % 5 == 4, i % 15 == 7, i % 9 == 5 and i % 5 != 4 and i % 15 != 7
    closed = settled or lost
    drawn = _day(i, dt.date(2020, 2, 3))
    amount = 500_000_00 + i * 10_000_07
    owed = 0 if closed else amount - i * 1_000_03
    consumer = i % 4 == 3 and i % 8 == 7
    return {
        "loan_id": f"JYL{i:06d}",
        "branch_id": f"JYB0{1 + i % 2}",
        "customer_id": f"JYC{i % 40:05d}",
        "contract_id": f"HT{i:05d}",
        "priced_on": drawn - dt.timedelta(days=3),
        "product": "consumer"
        if consumer
        else ("business_personal" if i % 4 > 1 else "working_capital"),
        "is_business_loan": not consumer,
        "issue_kind": "renewal" if i % 11 == 6 else "new",
        "amount": amount,
        "balance": owed,
        "drawn_on": drawn,
        "matures_on": drawn + dt.timedelta(days=365 + i),
        "closed_on": dt.date(2021, 11, 1 + i % 28) if closed else None,
        "closure": ("matured" if settled else "written_off") if closed else None,
        "written_off_amount": amount // 2 if lost and not settled else None,
        "rate_at_drawdown": 385 + i,
        "rate_now": 400 + i % 50,
        "rate_type": "floating" if i % 3 else "fixed",
        "benchmark": ("lpr:1Y", "lpr:5Y", "other", None)[i % 4],
        "spread_bp": (50 + i, -15, None, None)[i % 4],
        "repriced_on": dt.date(2021, 1, 1) if i % 3 == 1 else None,
        "funding_source": ("own", "pbc_relending", None)[i % 3],
        "guarantee": ("credit", "guaranteed", "mortgaged", "mixed")[i % 4],
        "guarantor_id": citizen_id(300 + i) if i % 4 == 1 else None,
        "mitigants": (None, ("ip", "inventory"), ("home",))[i % 3],
        "five_class": "loss" if lost else "special_mention" if late else "normal",
        "principal_overdue": owed // 10 if late else 0,
        "interest_overdue": 1_234_56 if late else 0,
        "overdue_since": END - dt.timedelta(days=40) if late else None,
        "status": "settled"
        if settled
        else "written_off"
        if lost
        else "overdue"
        if late
        else "normal",
        "credit_line_at_drawdown": 3_000_000_00,
        "is_revolving": i % 6 == 0,
        "is_online": i % 7 == 0,
        "is_agricultural": i % 4 == 3,
        "predecessor_loan_id": f"JYL{i - 6:06d}" if i % 11 == 6 else None,
        "staff_id": f"JYE{i % 5:03d}",
    }


def figure(item: str, value: int, unit: str, as_of: dt.date = END) -> dict[str, Any]:
    """A figure; ``value`` in fen (hundredths of one where the unit counts)."""
    return {"item": item, "as_of": as_of, "basis": "as_filed", "value": value, "unit": unit}


FIGURES = (
    figure("G01.loans", 837_001_234_00, "万元"),
    figure("G11.npl", 0, "万元"),
    figure("QS.assessed_customers", 826_00, "户"),
    figure("QS.npl", 5_000_000_05, "元"),
)
LATER = (figure("G01.loans", 800_000_000_00, "万元", dt.date(2020, 12, 31)),)

_REGISTERS: dict[str, tuple[dict[str, Any], ...]] = {
    "deferrals": (
        {
            "loan_id": "JYL000001",
            "seq": 1,
            "kind": "principal",
            "due_on": dt.date(2021, 5, 6),
            "amount": 100_000_00,
            "applied_on": dt.date(2021, 4, 30),
            "outcome": "agreed",
            "deferred_to": dt.date(2021, 11, 6),
        },
    ),
    "applications": (
        {
            "application_id": "JYS0001",
            "branch_id": "JYB01",
            "customer_id": "JYC00001",
            "kind": "new",
            "loan_id": "JYL000001",
            "applied_on": dt.date(2021, 2, 1),
            "amount": 600_000_00,
            "decision": "granted",
            "decided_on": dt.date(2021, 2, 9),
            "manual_steps": 3,
        },
    ),
    "fees": (
        {
            "loan_id": "JYL000001",
            "seq": 1,
            "kind": "valuation",
            "charged_by": "valuer",
            "borne_by": "bank",
            "amount": 800_00,
            "waived": 0,
            "recurring": False,
            "in_contract": True,
        },
    ),
    "flows": (
        {
            "loan_id": "JYL000001",
            "seq": 1,
            "paid_on": dt.date(2021, 3, 1),
            "amount": 400_000_00,
            "payee_kind": "supplier",
            "payee": "样供应商",
        },
    ),
    "attestations": (),
}


def table(name: str, rows: Any) -> pa.Table:
    """Rows as a canonical Arrow table; every column where there are no rows."""
    rows = [{"institution_id": BANK} | row for row in rows]
    return columns.arrow(name, columns.from_rows(name, rows)) if rows else _empty(name)


def _empty(name: str) -> pa.Table:
    return pa.schema([(c.name, c.arrow_type) for c in schema.columns(name)]).empty_table()


def ledger() -> dict[str, pa.Table]:
    """Customers and loans."""
    return {
        "customers": table("customers", [customer(i) for i in range(40)]),
        "loans": table("loans", [loan(i) for i in range(95)]),
    }


def registers() -> dict[str, pa.Table]:
    """Registers, the last of them empty."""
    return {name: table(name, rows) for name, rows in _REGISTERS.items()}


def filing(*, returns: Any = (*FIGURES, *LATER)) -> Filing:
    """Everything: ledger, figures and registers."""
    tables = ledger() | {"returns": table("returns", returns)} | registers()
    return Filing(BANK, "甲样农村商业银行", Q, BRANCHES, tables)


def wan(value: Decimal) -> Decimal:
    """Yuan in units of ten thousand."""
    return value / 10_000
