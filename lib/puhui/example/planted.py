"""Broken rows, put among the good ones: each is named by what is wrong with it.

They concern customers that exist (but for the one that must not) and are additional to the
ledger, so that taking them out restores it. The duplicated IOU was drawn a year earlier and
settled: it weighs nothing in any indicator, whether both of its rows are quarantined or one.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from puhui.errors import RunError

Row = dict[str, Any]
_AMOUNT, _BALANCE = 5_000_000, 3_000_000

#: What is wrong, and the cells that make it so; ``text`` values are written as they stand.
BREAKS: tuple[tuple[str, str, Row], ...] = (
    ("balance_above_amount", "balance", {"balance": 6_000_001}),
    ("bad_date", "drawn_on", {"drawn_on": "2021-02-30"}),
    ("unknown_code", "five_class", {"five_class": "优良"}),
    ("missing_customer", "customer_id", {"customer_id": "XX99999"}),
    ("matures_before_drawn", "matures_on", {"matures_on": dt.date(2020, 5, 6)}),
    ("missing_value", "amount", {"amount": None}),
    ("bad_number", "balance", {"balance": "叁万元"}),
)


@dataclass(frozen=True)
class Broken:
    """A broken row: the row as it will be written, the check it should fire, the column."""

    check: str
    column: str
    row: Row


def broken_loans(
    loans: list[Row], branch_id: str, prefix: str, breaks: Iterable[tuple[str, str, Row]]
) -> list[Broken]:
    """Broken copies of a sound loan of a branch, and a settled one to stand there twice.

    Raises
    ------
    RunError
        If the branch has no loan to copy or no settled one to repeat.
    """
    model = _first(loans, branch_id, "normal")
    settled = _first(loans, branch_id, "settled")
    rows = []
    for i, (check, column, cells) in enumerate(breaks, 1):
        loan_id = f"{prefix}{i:04d}"
        row = model | {
            "loan_id": loan_id,
            "contract_id": "HT" + loan_id,
            "amount": _AMOUNT,
            "balance": _BALANCE,
            "priced_on": dt.date(2020, 6, 5),
            "drawn_on": dt.date(2020, 6, 8),
            "matures_on": dt.date(2022, 6, 8),
        }
        rows.append(Broken(check, column, row | cells))
    rows.append(Broken("duplicate_key", "loan_id", settled))
    return rows


def _first(loans: list[Row], branch_id: str, status: str) -> Row:
    for loan in loans:
        if (
            loan["branch_id"] == branch_id
            and loan["status"] == status
            and loan["drawn_on"].year == 2020
            and loan["issue_kind"] == "new"
            and loan["product"] in ("business_personal", "working_capital")
        ):
            return loan
    raise RunError("示例台账中没有可用来制造错误行的借据。", remedy="请换一个种子再生成示例。")


def insert(rows: list[Row], broken: list[Broken], first: int = 20, step: int = 23) -> list[Row]:
    """Spread broken rows among the good ones; the order of the good rows is kept."""
    result = list(rows)
    for i, item in enumerate(broken):
        result.insert(min(first + i * step, len(result)), item.row)
    return result


def places(rows: list[Row], broken: list[Broken], key: str, offset: int) -> list[Row]:
    """Where the broken rows stand: every row of their key, numbered as a person counts."""
    found = []
    for item in broken:
        for i, row in enumerate(rows):
            if row[key] == item.row[key]:
                found.append(
                    {
                        "check": item.check,
                        "column": item.column,
                        "row": offset + i,
                        "key": row[key],
                    }
                )
    return found
