"""Turns in a few banks' books that the clauses need and the roster has no number for.

Run after first loans are noted and before anything is planted or cut.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np

from puhui.example.chance import Dice
from puhui.example.columns import NONE, day_number
from puhui.example.conduct.lending import CHAINED, County
from puhui.example.days import year
from puhui.example.roster import LAST

#: Permille of customers outside the county: those who came before 2021, and in it.
_OUTSIDE = {"CS2": (200, 0), "NS1": (60, 450)}
#: Rise of the rates of a year's drawdowns, bp; at a bank whose ledger nobody sees.
_DEARER = {"CZ1": 60}
#: Permille of 2020's first-time borrowers that had borrowed outside the county before.
_KNOWN_ELSEWHERE = {"CS2": 400}
#: Banks that take nothing of a supply chain as security.
_NO_CHAIN_FINANCE = ("CZ2",)
_NEW_YEAR = day_number(dt.date(LAST.year, 1, 1))


def steer(county: County) -> None:
    """Change the books of the county in place.

    CS2 turns to local customers and NS1 away from them (C2.5a); CZ1 lends at dearer rates in
    2021 (C3.1b); part of CS2's newcomers of 2020 were no first-time borrowers (C2.4a); CZ2
    takes no receivables and stocks as security (C5.4).
    """
    for short, (before, since) in _OUTSIDE.items():
        rows = county.books[short].customers
        n = len(rows["entity"])
        permille = np.where(rows["begins_on"] >= _NEW_YEAR, since, before)
        away = Dice(f"{county.seed}:outside:{short}").chance(permille, n)
        rows["is_local"] = 1 - away.astype(np.int64)
    for short in _NO_CHAIN_FINANCE:
        loans = county.books[short].loans
        loans["mitigants"] = loans["mitigants"] & ~CHAINED
    for short, rise in _DEARER.items():
        _raise_rates(county.books[short].loans, rise)
    for short, share in _KNOWN_ELSEWHERE.items():
        rows = county.books[short].customers
        clear = rows["first_loan_query_clear"]
        lately = (clear == 1) & (year(rows["first_drawdown_on"]) == LAST.year - 1)
        known = lately & Dice(f"{county.seed}:elsewhere:{short}").chance(share, len(clear))
        rows["first_loan_query_clear"] = np.where(known, 0, clear)


def _raise_rates(loans: dict[str, Any], rise: int) -> None:
    """Raise the rates of this year's drawdowns, and the spreads that go with them."""
    mine = loans["drawn_on"] >= _NEW_YEAR
    for name in ("rate_at_drawdown", "spread_bp", "recorded_bp"):
        moves = mine & (loans[name] != NONE)
        loans[name] = loans[name] + np.where(moves, rise, 0)
