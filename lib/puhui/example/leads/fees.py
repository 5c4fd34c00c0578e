"""Charges tied to loans: what firms pay, to whom, and what no bank may ask of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from puhui.example.columns import Columns, Ints, day_number, from_rows
from puhui.example.county import County
from puhui.example.days import month_number, year
from puhui.example.leads.shelf import Shelf
from puhui.example.leads.stories import BREACHED, END, name
from puhui.example.lives import DISCOUNT, GUARANTEED, MORTGAGED, Book
from puhui.example.roster import institution_id
from puhui.example.segments import LIMIT_FEN, SEGMENTS
from puhui.quarter import Quarter

Row = dict[str, Any]
#: Banks that fill in the sheet, and those that sign "nothing to report"; others leave it out.
SENT, NIL = ("DX2", "GF1", "CS1", "CS2", "NS2", "CZ2"), ("DX1", "NS1", "NS3")
#: Banks with charges of their own in one year only: one grows dearer, one gives them up, so that
#: both verdicts on all-in cost are there however rates moved. How many bp of a loan they are.
OWN_CHARGES = {"CS1": 2021, "NS2": 2020}
_OWN_FEE_BP, _COVERED_PERCENT = 200, 35
#: Charged by, borne by, kind, bp of the loan, waived percent, in the contract; story by story.
_TOLD: dict[str, tuple[tuple[str, str, str, int, int, int], ...]] = {
    "fee_chain": (
        ("bank", "borrower", "other", 20, 0, 1),
        ("guarantor", "borrower", "guarantee", 100, 0, 1),
        ("valuer", "borrower", "valuation", 15, 0, 1),
    ),
    "fee_outside": (("agent", "borrower", "agency", 80, 0, 0),),
    "fee_banned": (("bank", "borrower", "commitment", 50, 0, 1),),
    "fee_borne": (
        ("valuer", "bank", "valuation", 15, 0, 1),
        ("guarantor", "borrower", "guarantee", 100, 0, 1),
    ),
    "fee_waived": (("bank", "borrower", "advisory", 30, 100, 1),),
}


def choose(shelf: Shelf) -> None:
    """Mark loans of the year whose charges tell a story, where the sheet is filled in."""
    if shelf.short not in SENT:
        return
    mine = shelf.mse & (shelf.loans["drawn_on"] >= END - 300) & (shelf.loans["months"] == 12)
    if shelf.short in BREACHED["C3.3b"]:
        shelf.pick(mine, 2, "fee_chain")
        shelf.pick(mine, 2, "fee_outside")
        shelf.pick(mine, 1, "fee_banned")
    for story in ("fee_borne", "fee_waived"):
        shelf.pick(mine, 1, story)


def register(county: County, quarter: Quarter, short: str) -> Columns | None:
    """Fee rows of the loans drawn in the year to a quarter's end; None if not sent."""
    if short in NIL:
        return from_rows("fees", [])
    if short not in SENT:
        return None
    return from_rows("fees", list(_rows(county.books[short], quarter)))


def _rows(book: Book, quarter: Quarter) -> Iterator[Row]:
    loans, day = book.loans, day_number(quarter.end)
    drawn = (year(loans["drawn_on"]) == quarter.year) & (loans["drawn_on"] <= day)
    dear = set(_dear(book, quarter).tolist())
    usual = set(_usual(book, drawn).tolist())
    told = set(np.flatnonzero(drawn & (loans["story"] > 0)).tolist())
    for row in sorted(usual | dear | told):
        story = name(int(loans["story"][row])) if loans["story"][row] else ""
        charges = list(_TOLD.get(story, ()))
        if not charges and row in usual:
            charges = [_usual_charge(int(loans["guarantee"][row]))]
        if row in dear and story not in _TOLD:
            charges = [("bank", "borrower", "other", _OWN_FEE_BP, 0, 1)]
        yield from _charges(book, row, charges)


def _charges(book: Book, row: int, charges: list[tuple[str, str, str, int, int, int]]) -> Any:
    amount = int(book.loans["amount"][row])
    for seq, (by, bearer, kind, bp, waived, written) in enumerate(charges, start=1):
        fee = amount * bp // 10_000
        yield {
            "institution_id": institution_id(book.unit.short, book.prefix),
            "loan_id": f"{book.unit.short}L{row + 1:06d}",
            "seq": seq,
            "kind": kind,
            "charged_by": by,
            "borne_by": bearer,
            "amount": fee,
            "waived": fee * waived // 100,
            "recurring": 0,
            "in_contract": written,
        }


def _usual(book: Book, drawn: Any) -> Ints:
    """About forty loans a year with a valuer's fee the bank bears or a guarantor's."""
    loans = book.loans
    mine = drawn & np.isin(loans["guarantee"], (GUARANTEED, MORTGAGED)) & (loans["months"] == 12)
    mine &= in_scope(book)
    every = max(1, int(mine.sum()) // 40)
    return np.flatnonzero(mine & (np.arange(len(mine)) % every == 0))


def _usual_charge(guarantee: int) -> tuple[str, str, str, int, int, int]:
    if guarantee == GUARANTEED:
        return ("guarantor", "borrower", "guarantee", 60, 0, 1)
    return ("valuer", "bank", "valuation", 10, 0, 1)


def _dear(book: Book, quarter: Quarter) -> Ints:
    """Largest one-year loans of each quarter of the year that carry an own charge."""
    if quarter.year != OWN_CHARGES.get(book.unit.short):
        return np.empty(0, dtype=np.int64)
    loans, chosen = book.loans, [np.empty(0, dtype=np.int64)]
    scope = in_scope(book)
    for number in range(1, quarter.number + 1):
        months = Quarter(quarter.year, number)
        first, last = (month_number(day_number(d)) for d in (months.start, months.end))
        when = month_number(loans["drawn_on"])
        here = scope & (when >= first) & (when <= last)
        rows = np.flatnonzero(here & (loans["months"] == 12) & (loans["product"] != DISCOUNT))
        rows = rows[np.lexsort((rows, -loans["amount"][rows]))]
        before = np.cumsum(loans["amount"][rows]) - loans["amount"][rows]
        wanted = int(loans["amount"][here].sum()) * _COVERED_PERCENT // 100
        chosen.append(rows[before < wanted])
    return np.concatenate(chosen)


def in_scope(book: Book) -> Any:
    """Mask of inclusive loans at the line of drawdown."""
    loans = book.loans
    kinds = np.array([s.is_inclusive_kind for s in SEGMENTS])
    segment = book.customers["segment"][loans["customer"]]
    line = book.line_on(loans["customer"], loans["drawn_on"])
    return kinds[segment] & (loans["is_business_loan"] == 1) & (line <= LIMIT_FEN)
