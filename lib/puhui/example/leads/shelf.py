"""A book to plant in: who may still be chosen, and what has been planted."""

from __future__ import annotations

from typing import Any

import numpy as np

from puhui.example.chance import Dice
from puhui.example.columns import NEVER, Ints
from puhui.example.county import County
from puhui.example.leads.stories import END, number
from puhui.example.ledger import is_open
from puhui.example.lives import DISCOUNT
from puhui.example.segments import LIMIT_FEN, SEGMENTS, position

_MSE = np.array([s.is_inclusive_kind for s in SEGMENTS])
SMALL, MICRO = position("small"), position("micro")


class Shelf:
    """One bank's book while stories are planted in it.

    Attributes
    ----------
    free
        Mask of customers nothing has been planted at, with no trouble of their own and no
        other bank.
    mse
        Mask of loans to small and micro businesses, within the inclusive limit all their
        life, bills left out.
    last
        Mask of loans after which their customer drew nothing.
    """

    def __init__(self, county: County, short: str, shared: Any, stream: str = "leads") -> None:
        self.short, self.book = short, county.books[short]
        self.people, self.dice = county.people, Dice(f"{county.seed}:{stream}:{short}")
        loans, customers = self.book.loans, self.book.customers
        customers.setdefault("story", np.zeros(len(customers["entity"]), dtype=np.int64))
        loans.setdefault("story", np.zeros(len(loans["amount"]), dtype=np.int64))
        self.loans, self.customers = loans, customers
        self.free = ~shared[customers["entity"]] & (customers["story"] == 0)
        troubled = (loans["overdue_from"] < NEVER) | (loans["watch_from"] <= END)
        for mask in (troubled, loans["story"] != 0):
            self.free[loans["customer"][mask]] = False
        self.line_fits = (customers["line_before"] <= LIMIT_FEN) & (
            customers["line_after"] <= LIMIT_FEN
        )
        segment = customers["segment"][loans["customer"]]
        self.mse: Any = _MSE[segment] & self.line_fits[loans["customer"]]
        self.mse &= (loans["is_business_loan"] == 1) & (loans["product"] != DISCOUNT)
        self.firm: Any = np.isin(segment, (SMALL, MICRO))
        latest = np.zeros(len(customers["entity"]), dtype=np.int64)
        np.maximum.at(latest, loans["customer"], loans["drawn_on"])
        several = np.bincount(
            loans["customer"][loans["drawn_on"] == latest[loans["customer"]]],
            minlength=len(latest),
        )
        at = loans["customer"]
        self.last: Any = (loans["drawn_on"] == latest[at]) & (several[at] == 1)
        ends = np.zeros(len(latest), dtype=np.int64)
        np.maximum.at(ends, at, loans["closed_on"])
        self.last &= loans["closed_on"] == ends[at]

    def open_on(self, day: int) -> Any:
        """Mask of loans outstanding on a day."""
        return is_open(self.loans, day)

    def modest(self) -> Any:
        """Mask of loans up to a million, whose going hardly moves a total."""
        return self.loans["amount"] <= 100_000_000

    def pick(self, mask: Any, n: int, story: str) -> Ints:
        """Choose up to n loans of different free customers and mark them; maybe none."""
        rows = np.flatnonzero(mask & self.free[self.loans["customer"]])
        rows = rows[self.dice.order(len(rows))]
        first = np.unique(self.loans["customer"][rows], return_index=True)[1]
        chosen = rows[np.sort(first)][:n]
        self.free[self.loans["customer"][chosen]] = False
        self.loans["story"][chosen] = number(story)
        return np.sort(chosen)

    def pick_customers(self, mask: Any, n: int, story: str) -> Ints:
        """Choose up to n free customers of a mask over customers and mark them; maybe none."""
        rows = np.flatnonzero(mask & self.free)
        chosen = np.sort(rows[self.dice.order(len(rows))][:n])
        self.mark_customers(chosen, story)
        return chosen

    def mark_customers(self, rows: Ints, story: str) -> None:
        """Mark customers as used by a story."""
        self.free[rows] = False
        self.customers["story"][rows] = number(story)

    def drop(self, rows: Ints) -> None:
        """Take the story back from customers: too few were found to tell it."""
        self.customers["story"][rows] = 0

    def has_open(self, mask: Any, day: int = END) -> Any:
        """Mask over customers: with a loan of the mask open on a day."""
        found = np.zeros(len(self.free), dtype=bool)
        found[self.loans["customer"][mask & self.open_on(day)]] = True
        return found
