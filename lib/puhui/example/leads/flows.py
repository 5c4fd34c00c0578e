"""Where drawn money went: payments traced at the banks that trace them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from puhui.example.columns import NONE, Columns, Ints, day_number, from_rows
from puhui.example.county import County
from puhui.example.leads.shelf import Shelf
from puhui.example.leads.stories import BREACHED, END, START, name
from puhui.example.lives import DISCOUNT, GUARANTEED, Book
from puhui.example.people import People
from puhui.example.roster import institution_id
from puhui.example.segments import SEGMENTS
from puhui.quarter import Quarter

Row = dict[str, Any]
#: Percent of a quarter's loans traced; the rest are not.
TRACED = {"CS2": 100, "NS1": 60, "NS2": 45}
# story; payee; days after drawdown; percent of the loan
_STORIES = """
to_borrower   borrower       2  70
to_guarantor  guarantor      1  90
to_related    related_party  3  55
to_property   property       4  80
to_securities securities     2  40
to_wealth     wealth_product 3  60
to_deposit    deposit        1  50
little_back   related_party  2   5
late_back     related_party 42  60
"""
_TOLD = {
    story: (payee, int(days), int(percent))
    for story, payee, days, percent in (line.split() for line in _STORIES.strip().splitlines())
}
_FIRMS = {
    "property": "样例置业有限公司",
    "securities": "样例证券营业部",
    "wealth_product": "样例理财专户",
    "deposit": "样例定期存款户",
    "related_party": "样例关联贸易有限公司",
}


def choose(shelf: Shelf) -> None:
    """Mark loans of the quarter whose money came back or went where it must not."""
    loans = shelf.loans
    mine = shelf.mse & (loans["drawn_on"] >= START) & (loans["drawn_on"] <= END - 6)
    if shelf.short in BREACHED["C3.5a"]:
        for story in _TOLD:
            if not story.endswith("_back"):
                backed = (loans["guarantee"] == GUARANTEED) & (loans["guarantor"] != NONE)
                shelf.pick(mine & backed if story == "to_guarantor" else mine, 1, story)
    shelf.pick(mine, 1, "little_back")
    shelf.pick(mine & (loans["drawn_on"] <= END - 45), 1, "late_back")


def register(county: County, quarter: Quarter, short: str) -> Columns | None:
    """Payments traced of the loans drawn in a quarter; None if the bank traces nothing."""
    if short not in TRACED:
        return None
    book = county.books[short]
    return from_rows("flows", list(_rows(book, county.people, quarter)))


def drawn_in(book: Book, quarter: Quarter) -> Ints:
    """Rows of small and micro business loans drawn in a quarter, bills left out."""
    loans = book.loans
    kinds = np.array([s.is_inclusive_kind for s in SEGMENTS])
    mine = kinds[book.customers["segment"][loans["customer"]]] & (loans["is_business_loan"] == 1)
    mine &= (loans["drawn_on"] >= day_number(quarter.start)) & (loans["product"] != DISCOUNT)
    return np.flatnonzero(mine & (loans["drawn_on"] <= day_number(quarter.end)))


def traced(book: Book, quarter: Quarter) -> Ints:
    """Loans of a quarter whose money was traced: all that tell a story, and a share of others."""
    rows = drawn_in(book, quarter)
    told = np.array([name(s) in _TOLD if s else False for s in book.loans["story"][rows].tolist()])
    share = rows * 37 % 100 < TRACED[book.unit.short]
    return rows[told.astype(bool) | share]


def _rows(book: Book, people: People, quarter: Quarter) -> Iterator[Row]:
    loans, last = book.loans, day_number(quarter.end)
    for row in traced(book, quarter).tolist():
        amount, drawn = int(loans["amount"][row]), int(loans["drawn_on"][row])
        story = name(int(loans["story"][row])) if loans["story"][row] else ""
        payments = [("supplier", row % 4, 100 if row % 3 else 65)]
        if story in _TOLD:
            payee, days, percent = _TOLD[story]
            payments = [("supplier", 0, 100 - percent), (payee, days, percent)]
        elif row % 3 == 0:
            payments.append(("other", 9 + row % 20, 30))
        paid = [p for p in payments if drawn + p[1] <= last]
        for seq, (payee, days, percent) in enumerate(paid or payments[:1], start=1):
            yield {
                "institution_id": institution_id(book.unit.short, book.prefix),
                "loan_id": f"{book.unit.short}L{row + 1:06d}",
                "seq": seq,
                "paid_on": min(drawn + days, last),
                "amount": amount * percent // 100,
                "payee_kind": payee,
                "payee": _payee(book, people, row, payee),
            }


def _payee(book: Book, people: People, row: int, kind: str) -> str:
    """Certificate of the borrower or guarantor; an invented name of anybody else."""
    certificates = people.facts["certificate_no"]
    if kind == "borrower":
        entity = int(book.customers["entity"][book.loans["customer"][row]])
        return str(certificates[entity].as_py())
    if kind == "guarantor":
        return str(certificates[int(book.loans["guarantor"][row])].as_py())
    return _FIRMS.get(kind, f"样例供应商{row % 900 + 100}有限公司")
