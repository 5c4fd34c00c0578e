"""The register of deferrals: principal from the stories, interest of a few loans more."""

from __future__ import annotations

from typing import Any

import numpy as np

from puhui.example.columns import NONE, Columns, day_number, from_rows
from puhui.example.county import County
from puhui.example.days import add_months
from puhui.example.leads.fees import in_scope
from puhui.example.leads.stories import END, day, number
from puhui.example.ledger import is_open
from puhui.example.lives import DISCOUNT, Book
from puhui.example.roster import institution_id
from puhui.quarter import Quarter

Row = dict[str, Any]
_INTEREST_DAYS = tuple(day(d) for d in ("2020-06-21", "2020-12-21", "2021-03-21", "2021-09-21"))
# story: outcome, reason
_STORIES: dict[str, tuple[str, str | None]] = {
    "deferred": ("agreed", None),
    "deferred_on": ("agreed", None),
    "deferred_off": ("agreed", None),
    "deferred_unfit": ("agreed", None),
    "deferral_denied": ("refused_other", "行内另有安排"),
    "deferral_unmet": ("refused_condition", "未承诺保持就业岗位基本稳定"),
    "deferral_dropped": ("withdrawn", None),
    "deferral_waiting": ("open", None),
}


def register(county: County, quarter: Quarter, short: str) -> Columns:
    """Deferrals applied for by a quarter's end, of loans still in that quarter's ledger."""
    end = day_number(quarter.end)
    filed = set(county.snapshots[quarter, short]["loans"]["row"].tolist())
    rows = [r for r in plan(county.books[short]) if r["row"] in filed and r["applied_on"] <= end]
    for row in rows:
        until = row["deferred_to"]
        row["ended_on"] = until if until is not None and until <= end else None
    return from_rows("deferrals", rows)


def plan(book: Book) -> list[Row]:
    """All deferrals of a bank; ``row`` is the loan's in the book."""
    loans = book.loans
    found = []
    for story, (outcome, reason) in _STORIES.items():
        for row in np.flatnonzero(loans["story"] == number(story)).tolist():
            due, until = int(loans["matures_on"][row]), int(loans["extended_to"][row])
            amount = int(loans["amount"][row])
            found.append(_row(book, row, "principal", due, amount, outcome))
            found[-1] |= {"reason": reason, "deferred_to": None if until == NONE else until}
    for row in np.flatnonzero(loans["story"] == number("deferral_fresh")).tolist():
        fresh = _interest(book, row, END - 10, "open")
        found.append(fresh | {"applied_on": END - 12, "deferred_to": None})
    for due in _INTEREST_DAYS:
        mine = in_scope(book) & is_open(loans, due) & (loans["story"] == 0)
        mine &= (loans["drawn_on"] < due - 90) & (loans["product"] != DISCOUNT)
        rows = np.flatnonzero(mine)
        found += [_interest(book, row, due, "agreed") for row in rows[3 :: len(rows) // 4 + 1]]
    found.sort(key=lambda r: (r["row"], r["applied_on"]))
    for i, one in enumerate(found):
        again = i > 0 and found[i - 1]["row"] == one["row"]
        one["seq"] = found[i - 1]["seq"] + 1 if again else 1
    return found


def _row(book: Book, row: int, kind: str, due: int, amount: int, outcome: str) -> Row:
    return {
        "row": int(row),
        "institution_id": institution_id(book.unit.short, book.prefix),
        "loan_id": f"{book.unit.short}L{row + 1:06d}",
        "kind": kind,
        "due_on": due,
        "amount": amount,
        "applied_on": due - 15,
        "outcome": outcome,
        "deferred_to": None,
        "ended_on": None,
    }


def _interest(book: Book, row: int, due: int, outcome: str) -> Row:
    loans = book.loans
    quarter = int(loans["amount"][row]) * int(loans["rate_at_drawdown"][row]) * 91 // 3_600_000
    until = int(add_months(due, 6))
    return _row(book, row, "interest", due, quarter, outcome) | {"deferred_to": until}
