"""Which loans turn bad: enough, quarter by quarter, to follow each bank's NPL path.

A loan that turns bad stops paying between 95 and 144 days before a quarter's end, so that it is
special-mention in the snapshot before; its borrowing draws nothing afterwards. Later it is
recovered, written off, transferred, or stays.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from puhui.example.chance import Dice
from puhui.example.columns import NEVER, NONE, Ints, day_number, take
from puhui.example.ledger import balances, is_bad, is_open
from puhui.example.lives import DISCOUNT, LAST_DAY, MATURED, TRANSFERRED, WRITTEN_OFF, Book
from puhui.example.roster import QUARTERS
from puhui.example.segments import LIMIT_FEN, SEGMENTS

#: Days to the end of a bad loan, and how many of a thousand are written off, transferred,
#: recovered by then; the others stay.
_END_AFTER, _SPAN = 60, 700
_WRITTEN_OFF, _TRANSFERRED, _RECOVERED = 300, 340, 700


def turn_bad(book: Book, dice: Dice) -> None:
    """Let loans go bad along the unit's path of ratios, of inclusive loans and of the others."""
    loans = book.loans
    loans["dropped"] = np.zeros(len(loans["amount"]), dtype=np.int64)
    first, last, rest_first, rest_last = book.unit.npl
    steps = len(QUARTERS) - 1
    for i, quarter in enumerate(QUARTERS):
        day = day_number(quarter.end)
        inclusive = is_inclusive(book, day)
        for group, start, end in ((inclusive, first, last), (~inclusive, rest_first, rest_last)):
            target_bp = start + (end - start) * i // steps
            _reach(book, group, target_bp, day, dice)
    _forget_dropped(book)


def is_inclusive(book: Book, day: int) -> Any:
    """Mask of loans that count as inclusive on a day, by kind, use and the line now."""
    loans, customers = book.loans, book.customers
    kinds = np.array([s.is_inclusive_kind for s in SEGMENTS])
    kind = kinds[customers["segment"][loans["customer"]]]
    line = book.line_on(loans["customer"], day)
    return kind & (loans["is_business_loan"] == 1) & (line <= LIMIT_FEN)


def _reach(book: Book, group: Any, target_bp: int, day: int, dice: Dice) -> None:
    """Turn loans of a group bad until the ratio is reached, as closely as whole loans allow."""
    loans = book.loans
    owed = balances(loans, day)
    here = group & is_open(loans, day) & (loans["dropped"] == 0)
    bad = here & is_bad(loans, day)
    need = int(owed[here].sum()) * target_bp // 10_000 - int(owed[bad].sum())
    quiet = (loans["overdue_from"] == NEVER) | (loans["overdue_to"] < day - 200)
    fits = here & ~bad & quiet & (loans["drawn_on"] <= day - 150) & (loans["product"] != DISCOUNT)
    chosen = np.flatnonzero(fits)
    chosen = chosen[dice.order(len(chosen))]
    for _ in range(4):
        amounts = owed[chosen]
        chosen, amounts = chosen[amounts <= need], amounts[amounts <= need]
        taken = np.cumsum(amounts) <= need
        _stop_paying(book, chosen[taken], day, dice)
        need -= int(amounts[taken].sum())
        chosen = chosen[~taken]


def _stop_paying(book: Book, rows: Ints, day: int, dice: Dice) -> None:
    loans, n = book.loans, len(rows)
    since = day - dice.between(95, 144, n)
    end = since + 91 + _END_AFTER + dice.below(_SPAN, n)
    fate = dice.below(1000, n)
    closure = np.where(
        fate < _WRITTEN_OFF,
        WRITTEN_OFF,
        np.where(fate < _TRANSFERRED, TRANSFERRED, MATURED),
    )
    ends = (fate < _RECOVERED) & (end <= LAST_DAY) & (end > day)
    loans["overdue_from"][rows] = since
    loans["overdue_to"][rows] = NEVER
    loans["closed_on"][rows] = np.where(ends, end, NEVER)
    loans["closure"][rows] = np.where(ends, closure, NONE)
    stopped = np.full(int(loans["borrowing"].max()) + 1, NEVER, dtype=np.int64)
    stopped[loans["borrowing"][rows]] = loans["round"][rows]
    loans["dropped"] |= (loans["round"] > stopped[loans["borrowing"]]).astype(np.int64)


def _forget_dropped(book: Book) -> None:
    """Remove loans that were never drawn; links follow."""
    kept = np.flatnonzero(book.loans["dropped"] == 0)
    moved = np.full(len(book.loans["amount"]), NONE, dtype=np.int64)
    moved[kept] = np.arange(len(kept))
    loans = take(book.loans, kept)
    before = loans["predecessor"]
    loans["predecessor"] = np.where(
        before == NONE, NONE, moved[np.where(before == NONE, 0, before)]
    )
    del loans["dropped"]
    book.loans = loans
