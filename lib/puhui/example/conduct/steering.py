"""Turns in a few banks' books that the clauses need and the roster has no number for.

Run after first loans are noted and before anything is planted or cut.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np

from puhui.example.chance import Dice
from puhui.example.columns import NONE, day_number
from puhui.example.conduct.lending import CHAINED
from puhui.example.county import County
from puhui.example.days import year
from puhui.example.lives import DISCOUNT, NEW, Book
from puhui.example.roster import LAST
from puhui.example.segments import FEN_PER_WAN, SEGMENTS, position

#: Permille of customers outside the county: those who came before 2021, and in it.
_OUTSIDE = {"CS2": (200, 0), "NS1": (60, 450)}
#: Rise of the rates of a year's drawdowns, bp; at a bank whose ledger nobody sees.
DEARER = {"CZ1": 120}
#: Permille of a bank's first-time borrowers of last year that another bank had long known.
_KNOWN_ELSEWHERE = {("CS2", "NS1"): 650}
#: Banks that take nothing of a supply chain as security.
_NO_CHAIN_FINANCE = ("CZ2",)
#: Banks that lend nothing online in 2021.
_OFFLINE = ("GF2",)
#: Banks that lend up to the whole of their lines in the second half of 2021.
_FULL_LINES = ("DX2",)
#: Loans from here on are priced as large ones.
_LARGE = 500 * FEN_PER_WAN
_NEW_YEAR = day_number(dt.date(LAST.year, 1, 1))
_JULY = day_number(dt.date(LAST.year, 7, 1))


def steer(county: County) -> None:
    """Change the books of the county in place.

    CS2 turns to local customers and NS1 away from them (C2.5a); CZ1 lends at dearer rates in
    2021 (C3.1b); most of CS2's newcomers of 2020 had borrowed at NS1 before (C2.4a); CZ2
    takes no receivables and stocks as security (C5.4); GF2 lends nothing online in 2021
    (C4.2a); DX2 lends up to its lines from July (C2.1c).
    """
    for short, (before, since) in _OUTSIDE.items():
        rows = county.books[short].customers
        n = len(rows["entity"])
        permille = np.where(rows["begins_on"] >= _NEW_YEAR, since, before)
        away = Dice(f"{county.seed}:outside:{short}").chance(permille, n)
        rows["is_local"] = 1 - away.astype(np.int64)
    for short in _OFFLINE:
        loans = county.books[short].loans
        lately = loans["drawn_on"] >= _NEW_YEAR
        loans["is_online"] = np.where(lately, 0, loans["is_online"])
        loans["booked_by"] = np.where(lately, 0, loans["booked_by"])
    for short in _FULL_LINES:
        _fill_lines(county.books[short])
    for short in _NO_CHAIN_FINANCE:
        loans = county.books[short].loans
        loans["mitigants"] = loans["mitigants"] & ~CHAINED
    for short, rise in DEARER.items():
        _raise_rates(county.books[short].loans, rise)
    for (short, other), share in _KNOWN_ELSEWHERE.items():
        dice = Dice(f"{county.seed}:elsewhere:{short}")
        _known_elsewhere(county.books[short], county.books[other], share, dice)


def _known_elsewhere(book: Book, other: Book, permille: int, dice: Dice) -> None:
    """Let small firms that first borrowed here last year be old borrowers of another bank."""
    rows, theirs = book.customers, other.customers
    for segment in (position("small"), position("micro")):
        since = rows["first_drawdown_on"]
        mine = (rows["segment"] == segment) & (rows["first_loan_query_clear"] == 1)
        late = np.flatnonzero(mine & (year(since) == LAST.year - 1))
        old = (theirs["segment"] == segment) & (year(theirs["first_drawdown_on"]) < LAST.year - 1)
        old &= ~np.isin(theirs["entity"], rows["entity"])
        firms = theirs["entity"][old]
        n = min(len(firms), len(late) * permille // 1000)
        chosen = late[dice.order(len(late))[:n]]
        rows["entity"][chosen] = firms[dice.order(len(firms))[:n]]
        rows["first_loan_query_clear"][chosen] = 0


def _raise_rates(loans: dict[str, Any], rise: int) -> None:
    """Raise the rates of this year's drawdowns, and the spreads that go with them."""
    mine = loans["drawn_on"] >= _NEW_YEAR
    for name in ("rate_at_drawdown", "spread_bp", "recorded_bp"):
        moves = mine & (loans[name] != NONE)
        loans[name] = loans[name] + np.where(moves, rise, 0)


def _fill_lines(book: Book) -> None:
    """Raise new small-business loans of the half-year to the line, but not to another price."""
    loans, rows = book.loans, book.customers
    customer = loans["customer"]
    line = book.line_on(customer, loans["drawn_on"]) // (1 + rows["has_second"][customer])
    line = line // FEN_PER_WAN * FEN_PER_WAN
    small = np.array([s.is_inclusive_kind for s in SEGMENTS])[rows["segment"][customer]]
    raised = np.where(loans["amount"] < _LARGE, np.minimum(line, _LARGE - FEN_PER_WAN), line)
    mine = small & (loans["drawn_on"] >= _JULY) & (loans["issue_kind"] == NEW)
    mine &= (loans["product"] != DISCOUNT) & (loans["is_business_loan"] == 1)
    loans["amount"] = np.where(mine, np.maximum(loans["amount"], raised), loans["amount"])
