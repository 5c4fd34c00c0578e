"""1104 figures a bank would file from its own ledger: S71, S63, G01 and G11 items.

Values are integers in hundredths of 万元 (100 yuan) for money and in customers for counts,
rounded half up item by item as a filing system does.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from puhui.example.profile import FEN_PER_WAN, LIMIT_FEN
from puhui.example.truth import Snapshot, is_inclusive_kind

Row = dict[str, Any]
_CENT_OF_WAN = FEN_PER_WAN // 100
_NPL = ("substandard", "doubtful", "loss")
_BANDS = (1, 2, 3, 5)


def band(line: int) -> int | None:
    """S71 band of a credit line in fen: 1 to 1m, 2 to 5m, 3 to 10m yuan; None above."""
    for number, limit in ((1, LIMIT_FEN // 10), (2, LIMIT_FEN // 2), (3, LIMIT_FEN)):
        if line <= limit:
            return number
    return None


def file_returns(snapshot: Snapshot, institution_id: str, day: dt.date) -> list[Row]:
    """All return items of an institution at a quarter's end, rows as in ``returns``."""
    customers = {c["customer_id"]: c for c in snapshot["customers"]}
    money: dict[str, int] = {f"S71_I_{r}.{c}{b}": 0 for r in (1, 3) for c in "ACDF" for b in _BANDS}
    money |= {f"S63_I_1.{c}": 0 for c in "CDGH"} | {f"S63_I_1.2.1.{c}": 0 for c in "CDGH"}
    money |= {"G01.loans": 0, "G11.npl": 0}
    heads: dict[str, set[str]] = {f"S71_I_{r}.B{b}": set() for r in (1, 3) for b in _BANDS}
    for loan in snapshot["loans"]:
        customer = customers[loan["customer_id"]]
        owed = loan["balance"]
        money["G01.loans"] += owed
        money["G11.npl"] += owed * (loan["five_class"] in _NPL)
        if is_inclusive_kind(customer["kind"], customer["size"], loan["is_business_loan"]):
            _add_s63(money, loan, customer)
            _add_s71(money, heads, loan, customer, day)
    values = {item: _rounded(item, fen) for item, fen in money.items()}
    values |= {item: len(ids) for item, ids in heads.items()}
    return [
        {
            "institution_id": institution_id,
            "item": item,
            "as_of": day,
            "basis": "as_filed",
            "value": values[item],
            "unit": "户" if item in heads else "万元",
        }
        for item in sorted(values)
    ]


def _add_s63(money: dict[str, int], loan: Row, customer: Row) -> None:
    column = {"small": "C", "micro": "D", None: "H"}[customer["size"]]
    if customer["kind"] == "individual_business":
        column = "G"
    money[f"S63_I_1.{column}"] += loan["balance"]
    if loan["guarantee"] == "credit":
        money[f"S63_I_1.2.1.{column}"] += loan["balance"]


def _add_s71(
    money: dict[str, int], heads: dict[str, set[str]], loan: Row, customer: Row, day: dt.date
) -> None:
    row = 1 if customer["kind"] == "enterprise" else 3
    owed, is_bill = loan["balance"], loan["product"] == "discount"
    for number in _bands(band(customer["credit_line"]), is_bill):
        money[f"S71_I_{row}.A{number}"] += owed
        money[f"S71_I_{row}.C{number}"] += owed * (loan["five_class"] in _NPL)
        if owed:
            heads[f"S71_I_{row}.B{number}"].add(loan["customer_id"])
    if loan["drawn_on"].year == day.year:
        for number in _bands(band(loan["credit_line_at_drawdown"]), is_bill):
            money[f"S71_I_{row}.D{number}"] += loan["amount"]
            money[f"S71_I_{row}.F{number}"] += loan["amount"] * loan["rate_at_drawdown"]


def _bands(number: int | None, is_bill: bool) -> tuple[int, ...]:
    """Return the bands a loan counts in; band 5 is all of them without bill finance."""
    if number is None:
        return ()
    return (number,) if is_bill else (number, 5)


def _rounded(item: str, fen: int) -> int:
    """Half up to hundredths of 万元; column F still carries basis points (1e-4)."""
    unit = _CENT_OF_WAN * (10_000 if item.startswith("S71") and ".F" in item else 1)
    return (2 * fen + unit) // (2 * unit)
