"""Figures of the example county, as the county truly is: from its books, not from its files."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from puhui.example.columns import NONE
from puhui.example.county import County
from puhui.example.days import month_number, year
from puhui.example.filings import Marks
from puhui.example.lives import CREDIT, DISCOUNT, FLOATING, RENEWAL, Book
from puhui.example.pricing import LPR_SINCE, lpr_bp
from puhui.example.roster import LAST, ROSTER, Unit
from puhui.example.segments import LIMIT_FEN, SEGMENTS
from puhui.example.world import grow
from puhui.quarter import Quarter

#: Groups of the official tables; village banks stand with the rural institutions there.
GROUPS = {
    "large": ("large",),
    "joint stock": ("joint_stock",),
    "city": ("city",),
    "rural": ("rural_commercial", "village"),
    "policy": ("policy",),
}
_KIND = np.array([s.is_inclusive_kind for s in SEGMENTS])
_BIG_AMOUNT = LIMIT_FEN // 2

Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass
class Slopes:
    """Slopes of the rate on LPR at one bank; ``error`` of the one with month effects."""

    unit: Unit
    loans: int
    calendar: float
    months: float
    error: float


@dataclass
class Figures:
    """What the page shows of a county.

    Attributes
    ----------
    county
        A county with snapshots of all quarters.
    """

    county: County
    _sums: dict[tuple[Quarter, str], dict[str, int]] = field(default_factory=dict)

    def units(self, group: str = "all") -> list[Unit]:
        """Banks of a group: one of :data:`GROUPS`, ``all`` or ``big five``."""
        banks = [unit for unit in ROSTER if unit.is_bank]
        if group == "all":
            return banks
        if group == "big five":
            return [unit for unit in banks if unit.kind == "large" and not unit.is_postal]
        return [unit for unit in banks if unit.kind in GROUPS[group]]

    def _of(self, quarter: Quarter, short: str) -> dict[str, int]:
        """Balances in fen, drawdowns of the year, loans outstanding, of one bank."""
        key = quarter, short
        if key not in self._sums:
            marks = Marks(self.county.snapshots[key], quarter)
            drawn, amount = marks.at_drawdown, marks.loans["amount"]
            every = marks.owed >= 0
            self._sums[key] = {
                "inclusive": marks.sum(marks.inclusive),
                "inclusive_bad": marks.sum(marks.inclusive & marks.bad),
                "all": marks.sum(every),
                "all_bad": marks.sum(marks.bad),
                "drawn": int(amount[drawn].sum()),
                "interest": int((amount * marks.loans["rate_at_drawdown"])[drawn].sum()),
                "loans": int((marks.owed > 0).sum()),
            }
        return self._sums[key]

    def loans_of(self, unit: Unit, quarter: Quarter) -> int:
        """Loans outstanding of one bank."""
        return self._of(quarter, unit.short)["loans"]

    def total(self, what: str, quarter: Quarter, group: str = "all") -> int:
        """Sum over the banks of a group at a quarter's end."""
        return sum(self._of(quarter, unit.short)[what] for unit in self.units(group))

    def growth(self, what: str, year_of: int, group: str = "all") -> Fraction:
        """Growth over a year, percent."""
        now, base = (self.total(what, Quarter(y, 4), group) for y in (year_of, year_of - 1))
        return 100 * Fraction(now, base) - 100

    def share(self, quarter: Quarter, group: str) -> Fraction:
        """Percent of the county's inclusive balance."""
        whole = self.total("inclusive", quarter)
        return 100 * Fraction(self.total("inclusive", quarter, group), whole)

    def npl(self, what: str, quarter: Quarter, group: str = "all") -> Fraction:
        """NPL ratio of ``inclusive`` or ``all`` loans, percent."""
        bad = self.total(f"{what}_bad", quarter, group)
        return 100 * Fraction(bad, self.total(what, quarter, group))

    def rate(self, quarter: Quarter, group: str = "all") -> Fraction:
        """Amount-weighted rate of the year's inclusive drawdowns so far, percent."""
        drawn = self.total("drawn", quarter, group)
        return Fraction(self.total("interest", quarter, group), 100 * drawn)

    @cached_property
    def lives(self) -> dict[str, Any]:
        """Inclusive loans of all banks over their lives, judged by the line at drawdown."""
        parts = [_inclusive(book) for book in self.county.books.values()]
        return {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}

    def drawn_share(self, mask: Any, year_of: int) -> Fraction:
        """Percent of a year's inclusive drawdowns, by amount, that a mask of lives marks."""
        lives = self.lives
        mine = year(lives["drawn_on"]) == year_of
        whole = int(lives["amount"][mine].sum())
        return 100 * Fraction(int(lives["amount"][mine & mask].sum()), whole)

    def monthly(self, year_of: int) -> list[Fraction]:
        """Percent of a year's inclusive drawdowns, by amount, in each of its months."""
        months = month_number(self.lives["drawn_on"]) % 12
        return [self.drawn_share(months == m, year_of) for m in range(12)]

    def monthly_rates(self, first: int, months: int) -> list[float]:
        """Amount-weighted rates of inclusive loans priced in successive months, percent."""
        lives = self.lives
        at = month_number(lives["priced_on"]) - first
        mine = (at >= 0) & (at < months)
        amounts = lives["amount"][mine].astype(float)
        paid = amounts * lives["rate_at_drawdown"][mine] / 100
        sums = [np.bincount(at[mine], weights=w, minlength=months) for w in (paid, amounts)]
        return [float(r) for r in sums[0] / sums[1]]

    def by_segment(self) -> list[tuple[str, int, int]]:
        """Segment, loans outstanding and their balance in fen at the last quarter's end."""
        numbers = np.zeros((2, len(SEGMENTS)), dtype=np.int64)
        for unit in self.units():
            loans = self.county.snapshots[LAST, unit.short]["loans"]
            for position in range(len(SEGMENTS)):
                mine = (loans["segment"] == position) & (loans["balance"] > 0)
                numbers[:, position] += (int(mine.sum()), int(loans["balance"][mine].sum()))
        return [(s.name, *numbers[:, i].tolist()) for i, s in enumerate(SEGMENTS)]

    def borrowers_by_banks(self) -> dict[int, int]:
        """Borrowers with a balance at the last quarter's end, by number of banks."""
        found = []
        for unit in self.units():
            loans = self.county.snapshots[LAST, unit.short]["loans"]
            rows = np.unique(loans["customer_row"][loans["balance"] > 0])
            found.append(np.unique(self.county.books[unit.short].customers["entity"][rows]))
        _, times = np.unique(np.concatenate(found), return_counts=True)
        return {n: int((times == n).sum()) for n in range(1, int(times.max()) + 1)}

    @cached_property
    def slopes(self) -> list[Slopes]:
        """Both slopes at every bank with a ledger."""
        books = self.county.books.values()
        return [_slopes(book) for book in books if book.unit.has_ledger]


def county_figures(seed: int) -> Figures:
    """Figures of the county grown from a seed."""
    return Figures(grow(seed))


def _inclusive(book: Book) -> dict[str, Any]:
    loans = book.loans
    line = book.line_on(loans["customer"], loans["drawn_on"])
    kind = _KIND[book.customers["segment"][loans["customer"]]]
    mine = kind & (loans["is_business_loan"] == 1) & (line <= LIMIT_FEN)
    names = ("drawn_on", "priced_on", "months", "amount", "rate_at_drawdown")
    return {
        **{name: loans[name][mine] for name in names},
        "is_unsecured": loans["guarantee"][mine] == CREDIT,
        "is_renewal": loans["issue_kind"][mine] == RENEWAL,
        "is_floating": loans["rate_type"][mine] == FLOATING,
    }


def _slopes(book: Book) -> Slopes:
    """Least squares of the rate on its tenor's LPR, with the effects of the true equation.

    The calendar's slope holds the tenor fixed and ignores the months, so that only the moves
    of LPR over time speak; the other holds the months fixed, so that only the gap between the
    tenors does.
    """
    loans = book.loans
    used = (loans["priced_on"] >= LPR_SINCE) & (loans["product"] != DISCOUNT)
    used &= loans["rate_at_drawdown"] != NONE
    long = loans["is_long_tenor"][used]
    lpr = lpr_bp(long, loans["priced_on"][used]).astype(float)
    effects = [
        _dummies(book.customers["segment"][loans["customer"][used]]),
        _dummies(loans["guarantee"][used]),
        (loans["amount"][used] >= _BIG_AMOUNT).astype(float)[:, None],
    ]
    rate = loans["rate_at_drawdown"][used].astype(float)
    calendar, _ = _slope(rate, lpr, [*effects, _dummies(long)])
    months, error = _slope(rate, lpr, [*effects, _dummies(month_number(loans["priced_on"][used]))])
    return Slopes(book.unit, int(used.sum()), calendar, months, error)


def _dummies(codes: Any) -> Floats:
    found: Floats = (codes[:, None] == np.unique(codes)[None, :]).astype(float)
    return found


def _slope(outcome: Floats, regressor: Floats, effects: list[Floats]) -> tuple[float, float]:
    """Slope and its plain standard error: both sides are freed of the effects, then fitted."""
    beside = np.hstack(effects)
    columns = np.column_stack([outcome, regressor])
    fitted, _, rank, _ = np.linalg.lstsq(beside, columns, rcond=None)
    y, x = (columns - beside @ fitted).T
    slope = float(x @ y / (x @ x))
    residual = y - slope * x
    variance = float(residual @ residual) / (len(y) - int(rank) - 1)
    return slope, float(np.sqrt(variance / float(x @ x)))
