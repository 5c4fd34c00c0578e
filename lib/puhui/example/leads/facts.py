"""What is known of borrowers: put in order before planting, and changed by it.

Texts live in Arrow arrays; :class:`Facts` holds them as lists while they are changed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from puhui.example.columns import NEVER, NONE, Ints, bits
from puhui.example.county import County
from puhui.example.leads.stories import END, MANY_LENDERS
from puhui.example.ledger import balances, is_open
from puhui.example.people import People
from puhui.example.segments import LIMIT_FEN

_TEXTS = ("legal_representative_id", "controller_id", "phone_hash", "address")
_YEAR = 366


class Facts:
    """Facts of entities open to change."""

    def __init__(self, people: People) -> None:
        self._people = people
        self.texts: dict[str, list[str | None]] = {
            name: people.facts[name].to_pylist() for name in _TEXTS
        }
        self.persons: list[str] = people.facts["person_id"].to_pylist()

    def control(self, members: Ints, controller: int) -> None:
        """Put firms under one entity's head."""
        self._people.facts["controller"][members] = controller
        for one in members.tolist():
            self.texts["controller_id"][one] = self.persons[controller]

    def same(self, name: str, members: Ints) -> None:
        """Give all members the first one's text of a column."""
        if not len(members):
            return
        first = self.texts[name][int(members[0])]
        for one in members.tolist():
            self.texts[name][one] = first

    def save(self) -> None:
        """Write the texts back."""
        for name, values in self.texts.items():
            self._people.facts[name] = pa.array(values, pa.string())


def shared(county: County) -> Any:
    """Mask of entities that are customers of more than one bank."""
    count = np.zeros(county.people.count, dtype=np.int64)
    for book in county.books.values():
        np.add.at(count, np.unique(book.customers["entity"]), 1)
    return count > 1


def tidy(county: County, facts: Facts) -> None:
    """Remove what would look like a case by mere chance of the draw.

    Firms are founded over a year before they first borrow and their shares rest for as long;
    lines cut by more than a fifth were cut before the last quarter; guaranteed groups and
    borrowers of many banks keep within bounds.
    """
    known = county.people.facts
    first = np.full(county.people.count, NEVER, dtype=np.int64)
    for book in county.books.values():
        np.minimum.at(first, book.customers["entity"][book.loans["customer"]], _drawn(book))
    given = (known["founded_on"] != NONE) & (first < NEVER)
    latest = first - 2 * _YEAR - np.arange(len(first)) % 500
    known["founded_on"] = np.where(
        given, np.minimum(known["founded_on"], latest), known["founded_on"]
    )
    sold = (known["last_share_transfer_on"] != NONE) & (first < NEVER)
    known["last_share_transfer_on"] = np.where(
        sold, known["founded_on"] + 30, known["last_share_transfer_on"]
    )
    for book in county.books.values():
        rows = book.customers
        cut = rows["line_after"] * 10 < rows["line_before"] * 8
        late = cut & (rows["line_changed_on"] >= END - 91)
        rows["line_changed_on"] = np.where(
            late, rows["line_changed_on"] - 100, rows["line_changed_on"]
        )
        long_homes(book)
    _earn_by_lines(county)
    _ungroup(county, facts)


def _earn_by_lines(county: County) -> None:
    """A firm earns at least a third of its largest line a year: no bank lends beyond that."""
    known = county.people.facts
    most = np.zeros(county.people.count, dtype=np.int64)
    for book in county.books.values():
        rows = book.customers
        np.maximum.at(most, rows["entity"], np.maximum(rows["line_before"], rows["line_after"]))
    short = (known["revenue"] != NONE) & (known["revenue"] < most // 3)
    known["revenue"] = np.where(short, most // 3, known["revenue"])
    known["assets"] = np.where(short, known["revenue"] * 3 // 5, known["assets"])


def _drawn(book: Any) -> Ints:
    drawn: Ints = book.loans["drawn_on"]
    return drawn


def long_homes(book: Any) -> None:
    """Homes secure no business loan of more than three years until planted."""
    loans = book.loans
    home = bits("mitigant", "home")
    long = (loans["months"] > 36) & (loans["is_business_loan"] == 1)
    has = (loans["mitigants"] & home) > 0
    loans["mitigants"] = np.where(long & has, loans["mitigants"] & ~home, loans["mitigants"])


def _ungroup(county: County, facts: Facts) -> None:
    """Dissolve groups of one controller whose lines at one bank add up to over the limit."""
    controller = county.people.facts["controller"]
    for book in county.books.values():
        rows = book.customers
        line = np.maximum(rows["line_before"], rows["line_after"])
        total = np.zeros(county.people.count, dtype=np.int64)
        np.add.at(total, controller[rows["entity"]], line)
        grouped = controller[rows["entity"]] != rows["entity"]
        over = rows["entity"][grouped & (total[controller[rows["entity"]]] > LIMIT_FEN)]
        for one in over.tolist():
            facts.control(np.array([one]), one)


def debts(county: County) -> tuple[Ints, Ints]:
    """Lenders with a balance on the last day, and the debt in fen, of every entity."""
    lenders = np.zeros(county.people.count, dtype=np.int64)
    owed = np.zeros(county.people.count, dtype=np.int64)
    for book in county.books.values():
        loans = book.loans
        here = is_open(loans, END)
        entity = book.customers["entity"][loans["customer"]]
        np.add.at(owed, entity[here], balances(loans, END)[here])
        lenders[np.unique(entity[here])] += 1
    return lenders, owed


def enough_revenue(county: County, planted: Ints) -> None:
    """Whoever borrows from many banks, but for the planted, earns twice the debt a year."""
    lenders, owed = debts(county)
    known = county.people.facts
    many = (lenders >= MANY_LENDERS) & (known["revenue"] != NONE)
    many[planted] = False
    earned = np.where(many, np.maximum(known["revenue"], 2 * owed), known["revenue"])
    known["revenue"] = earned
    known["assets"] = np.where(many, earned * 3 // 5, known["assets"])
