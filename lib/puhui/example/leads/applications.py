"""Applications for loans in a year: granted, refused, withdrawn, undecided, and how fast.

Of most banks a sample of customers, all their applications of the year; of the stories, every
one. ``loan_id`` is the loan drawn, for a renewal the loan to be renewed.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from puhui.example.chance import Dice
from puhui.example.columns import NONE, Columns, day_number, from_rows
from puhui.example.county import County
from puhui.example.days import year
from puhui.example.leads.fees import in_scope
from puhui.example.leads.stories import BREACHED, number
from puhui.example.lives import DISCOUNT, RENEWAL, Book
from puhui.example.roster import institution_id
from puhui.quarter import Quarter

Row = dict[str, Any]
#: Drawdowns of a year to take into the sample, about.
_SAMPLE = 330
#: Days from application to money: fewest and most; at the slow banks.
_FAST, _SLOW = (2, 13), (14, 60)
SLOW = ("NS2", "DX3")
#: Permille granted without a manual step, before 2021 and in it; the first where it falls.
_CONTACTLESS, _FALLING = (150, 300), (300, 120)
FALLING = ("NS2",)
_REASONS = {"unfit": "未达准入条件", "house": "行内额度安排"}
# story: days from application to maturity, qualifies, decision
_STORIES: dict[str, tuple[int, int, str]] = {
    "renewal_refused": (20, 1, "refused"),
    "renewal_left": (20, 1, "granted"),
    "renewal_unfit": (20, 0, "refused"),
    "renewal_dropped": (15, 1, "withdrawn"),
    "renewal_recent": (10, 1, "pending"),
    "deferred_off": (18, 1, "refused"),
    "deferred_unfit": (18, 0, "refused"),
    "deferred_on": (20, 1, "granted"),
}


def register(county: County, quarter: Quarter, short: str) -> Columns:
    """Applications made in the year to a quarter's end, as they stood then."""
    end = day_number(quarter.end)
    known = set(county.snapshots[quarter, short]["customers"]["customer_row"].tolist())
    rows = [
        _as_of(row, end)
        for row in plan(county, short, quarter.year)
        if row["applied_on"] <= end and row["customer"] in known
    ]
    return from_rows("applications", rows)


def _as_of(row: Row, end: int) -> Row:
    decided = row["decided_on"]
    if decided is not None and decided > end:
        new = row["kind"] == "new"
        later = {"decided_on": None, "disbursed_on": None, "reason": None, "manual_steps": None}
        return row | later | {"decision": "pending", "loan_id": None if new else row["loan_id"]}
    if row["disbursed_on"] is not None and row["disbursed_on"] > end:
        return row | {"disbursed_on": None} | ({"loan_id": None} if row["kind"] == "new" else {})
    return row


def plan(county: County, short: str, of_year: int) -> list[Row]:
    """All applications of a year as they end; ``customer`` is the row in the book."""
    book = county.books[short]
    dice = Dice(f"{county.seed}:applications:{short}:{of_year}")
    rows = [*_drawn(book, of_year, dice), *_told(book, of_year)]
    rows += _undrawn(book, of_year, [r["customer"] for r in rows], dice)
    first, last = (day_number(Quarter(of_year, q).start) for q in (1, 4))
    rows = [r for r in rows if first <= r["applied_on"] <= last + 91]
    rows.sort(key=lambda r: (r["applied_on"], r["customer"], r["loan_id"] or "", r["amount"]))
    unit = institution_id(short, book.prefix)
    for i, row in enumerate(rows):
        branch = int(book.customers["branch"][row["customer"]])
        row |= {
            "institution_id": unit,
            "application_id": f"{short}S{of_year % 100}{i + 1:05d}",
            "branch_id": f"{unit}B{branch + 1:02d}",
            "customer_id": f"{short}C{row['customer'] + 1:05d}",
        }
    return rows


def _drawn(book: Book, of_year: int, dice: Dice) -> list[Row]:
    """Applications that ended in a loan of the year."""
    loans, short = book.loans, book.unit.short
    mine = in_scope(book) & (year(loans["drawn_on"]) == of_year) & (loans["product"] != DISCOUNT)
    mine &= ~_renews_story(book)
    permille = min(1000, _SAMPLE * 1000 // max(1, int(mine.sum())))
    mine &= loans["customer"] * 7919 % 1000 < permille
    rows = np.flatnonzero(mine)
    n = len(rows)
    least, most = _SLOW if short in SLOW else _FAST
    wait = dice.between(least, most, n)
    share = (_FALLING if short in FALLING else _CONTACTLESS)[of_year >= 2021]
    manual = np.where(dice.chance(share, n), 0, dice.between(1, 5, n))
    asked = dice.pick((100, 100, 110, 120), n)
    found = []
    for i, row in enumerate(rows.tolist()):
        renewal = loans["issue_kind"][row] == RENEWAL and loans["predecessor"][row] != NONE
        about = int(loans["predecessor"][row]) if renewal else row
        drawn, days = int(loans["drawn_on"][row]), int(wait[i])
        found.append(
            {
                "customer": int(loans["customer"][row]),
                "kind": "renewal" if renewal else "new",
                "loan_id": f"{short}L{about + 1:06d}",
                "applied_on": drawn - days,
                "amount": int(loans["amount"][row]) * int(asked[i]) // 100,
                "qualifies": 1,
                "decision": "granted",
                "decided_on": drawn - days + days * 2 // 3,
                "reason": None,
                "disbursed_on": drawn,
                "manual_steps": int(manual[i]),
            }
        )
    return found


def _renews_story(book: Book) -> Any:
    """Mask of loans that renew one whose application a story tells."""
    loans = book.loans
    before = loans["predecessor"]
    there = np.where(before == NONE, 0, before)
    return (before != NONE) & (loans["story"][there] == number("deferred_on"))


def _told(book: Book, of_year: int) -> list[Row]:
    """Applications of the stories: for renewals of loans that matured in the year."""
    loans, short = book.loans, book.unit.short
    found = []
    for story, (days, fits, decision) in _STORIES.items():
        for row in np.flatnonzero(loans["story"] == number(story)).tolist():
            extended, matures = int(loans["extended_to"][row]), int(loans["matures_on"][row])
            ends = matures if extended == NONE else extended
            decided = None if decision == "pending" else ends - days + 9
            reason = _REASONS["house" if fits else "unfit"] if decision == "refused" else None
            found.append(
                {
                    "customer": int(loans["customer"][row]),
                    "kind": "renewal",
                    "loan_id": f"{short}L{row + 1:06d}",
                    "applied_on": ends - days,
                    "amount": int(loans["amount"][row]),
                    "qualifies": fits,
                    "decision": decision,
                    "decided_on": decided,
                    "reason": reason,
                    "disbursed_on": ends if story == "deferred_on" else None,
                    "manual_steps": 2 if decision == "granted" else None,
                }
            )
    return [r for r in found if int(year(r["applied_on"])) == of_year]


def _undrawn(book: Book, of_year: int, customers: list[int], dice: Dice) -> list[Row]:
    """Applications refused, withdrawn or waiting, of customers of the sample.

    At the banks of clause C4.7b a few were refused though they qualify.
    """
    who = np.unique(np.array(customers, dtype=np.int64))
    fits = (book.customers["line_before"] <= 10**9) & (book.customers["line_after"] <= 10**9)
    who = who[fits[who]]
    who = who[dice.order(len(who))]
    start = day_number(Quarter(of_year, 1).start)
    end = day_number(Quarter(of_year, 4).end)
    n = len(who) // 8 + 6
    since = np.maximum(book.customers["first_drawdown_on"][who] + 5, start)
    found = []
    days = dice.words(n)
    for i, row in enumerate(who[:n].tolist()):
        applied = min(int(since[i] + days[i] % max(1, end - 30 - int(since[i]))), end - 30)
        decision, qualifies = "refused", 0
        if i < 3 and book.unit.short in BREACHED["C4.7b"] and of_year == 2021:
            qualifies = 1
        elif i % 5 == 3:
            decision, qualifies = "withdrawn", 1
        elif i % 5 == 4:
            decision, qualifies, applied = "pending", 1, end - 1 - int(days[i] % 14)
        refused = _REASONS["house" if qualifies else "unfit"]
        found.append(
            {
                "customer": row,
                "kind": "new",
                "loan_id": None,
                "applied_on": max(applied, start),
                "amount": int(book.customers["line_before"][row]) // 4,
                "qualifies": qualifies,
                "decision": decision,
                "decided_on": None if decision == "pending" else max(applied, start) + 6,
                "reason": refused if decision == "refused" else None,
                "disbursed_on": None,
                "manual_steps": None,
            }
        )
    return found


def refused_though_fit(county: County, short: str) -> list[str]:
    """Ids of the current year's applications refused though they qualify."""
    return [
        row["application_id"]
        for row in plan(county, short, 2021)
        if row["decision"] == "refused" and row["qualifies"] == 1
    ]
