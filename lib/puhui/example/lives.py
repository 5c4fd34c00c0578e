"""An institution's customers and loans over their lives; snapshots are cut from them later.

A *borrowing* is a chain of loans: a customer draws, repays, renews or comes back until it stops.
Round k makes the k-th loan of every borrowing at once, so a county is a few hundred array
operations. Money is fen, rates basis points, dates day numbers.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from puhui.example.chance import Dice
from puhui.example.columns import NEVER, NONE, Columns, Ints, code, day_number, take
from puhui.example.days import add_months, working_day, year
from puhui.example.people import People
from puhui.example.roster import LAST, Unit
from puhui.example.segments import FEN_PER_WAN, LIMIT_FEN, MIXES, SEGMENTS, position

LAST_DAY = day_number(LAST.end)
_BASE_DAY = day_number(dt.date(2019, 12, 31))
_LINES_CHANGE = day_number(dt.date(2021, 7, 1))
#: Permille of borrowings that end after a loan, and of customers that other banks have too.
_LEAVE, _SHARED = 80, 120
#: When in a year borrowings begin: permille by month, most in the first quarter.
_SEASON = (125, 80, 115, 90, 85, 95, 70, 75, 80, 60, 60, 65)

WORKING, FIXED, PERSONAL, CONSUMER, MORTGAGE, DISCOUNT = (
    code("product", p)
    for p in (
        "working_capital",
        "fixed_asset",
        "business_personal",
        "consumer",
        "mortgage",
        "discount",
    )
)
#: (product, months) to choose from, by who borrows and whether the loan is over a year.
_MENUS: dict[tuple[str, bool], tuple[tuple[int, int], ...]] = {
    ("firm", False): (*((WORKING, 12),) * 8, (WORKING, 6), (WORKING, 9), (DISCOUNT, 6)),
    ("firm", True): ((WORKING, 24), (WORKING, 36), (FIXED, 36), (FIXED, 60), (FIXED, 84)),
    ("person", False): (*((PERSONAL, 12),) * 6, (PERSONAL, 6)),
    ("person", True): ((PERSONAL, 24), (PERSONAL, 36), (PERSONAL, 36), (PERSONAL, 84)),
    ("household", False): ((CONSUMER, 12),),
    ("household", True): ((CONSUMER, 36), (MORTGAGE, 240), (MORTGAGE, 360)),
    ("big", False): (*((WORKING, 12),) * 4, (WORKING, 6)),
    ("big", True): ((WORKING, 36), (FIXED, 60), (FIXED, 96)),
}
_MENU_OF = {
    "small": "firm",
    "micro": "firm",
    "cooperative": "firm",
    "collective": "firm",
    "public": "firm",
    "business": "person",
    "owner": "person",
    "farmer": "person",
    "household": "household",
    "medium": "big",
    "large": "big",
}
CREDIT, GUARANTEED, MORTGAGED, PLEDGED, MIXED = (
    code("guarantee", g) for g in ("credit", "guaranteed", "mortgaged", "pledged", "mixed")
)
NEW, RENEWAL, REFINANCE = (code("issue_kind", k) for k in ("new", "renewal", "refinance"))
MATURED, PREPAID, RECALLED, WRITTEN_OFF, TRANSFERRED = (
    code("closure", c)
    for c in ("matured", "prepaid_by_borrower", "recalled_by_bank", "written_off", "transferred")
)
OWN, ONLENT, RELENDING = (
    code("funding_source", f) for f in ("own", "policy_onlent", "pbc_relending")
)
FIXED_RATE, FLOATING = (code("rate_type", r) for r in ("fixed", "floating"))
#: What a rate is tied to: values of the column ``benchmark`` while the county is made.
NO_BENCHMARK, OTHER_BENCHMARK, LPR_1Y, LPR_5Y = range(4)
#: Segments whose number follows the first two growth numbers of the roster.
_GROWS_WITH = np.array(
    [s.is_inclusive_kind or s.name in ("farmer", "cooperative", "collective") for s in SEGMENTS]
)


@dataclass(repr=False)
class Book:
    """Customers and loans of one institution.

    Attributes
    ----------
    customers
        One row each: ``entity`` (of :class:`People`), ``segment``, ``branch`` (position),
        ``line_before`` and ``line_after`` (the credit line until and from
        ``line_changed_on``), ``begins_on`` (first borrowing), ``is_local``.
    loans
        One row per IOU over its whole life, under canonical names where the column means
        the same all its life, and: ``customer`` (row), ``branch``, ``borrowing``, ``round``,
        ``predecessor`` (row), ``benchmark`` (one of the constants above), ``recorded_bp`` (the
        spread the bank has on file), ``overdue_from`` and ``overdue_to``, ``watch_from``,
        ``is_instalment``, ``staff``, ``guarantor`` (entity). What never happens is :data:`NEVER`.
    labels
        Texts of every loan, made when the first snapshot is cut.
    """

    unit: Unit
    prefix: str
    customers: Columns
    loans: Columns = field(default_factory=dict)
    labels: dict[str, pa.Array] = field(default_factory=dict)

    def line_on(self, customers: Ints, days: Any) -> Ints:
        """Credit line of customers on a day each, in fen."""
        rows = self.customers
        changed = rows["line_changed_on"][customers] <= days
        found: Ints = np.where(
            changed, rows["line_after"][customers], rows["line_before"][customers]
        )
        return found


def mix_of(unit: Unit) -> tuple[int, ...]:
    """Shares of the segments among a bank's borrowings."""
    return MIXES["postal" if unit.is_postal else unit.kind]


def enrol(unit: Unit, prefix: str, people: People, dice: Dice) -> Book:
    """Find a bank its customers: enough for the loans it shall have at the end."""
    parts: list[Columns] = []
    for number, share in enumerate(mix_of(unit)):
        if share:
            parts.append(_customers(unit, number, share, people, dice))
    rows: Columns = {k: np.concatenate([p[k] for p in parts]) for k in parts[0]}
    n = len(rows["entity"])
    rows["branch"] = np.arange(n, dtype=np.int64) % unit.branches
    rows["line_changed_on"] = _LINES_CHANGE + dice.below(150, n)
    rows["is_local"] = dice.chance(940, n).astype(np.int64)
    return Book(unit, prefix, rows)


def _customers(unit: Unit, number: int, share: int, people: People, dice: Dice) -> Columns:
    segment = SEGMENTS[number]
    incumbents, first_year, second_year = borrowings(unit, number, share)
    begun = [incumbents, first_year, second_year]
    n = sum(begun)
    shared = _SHARED if segment.name not in ("household", "farmer") else 0
    lines = np.concatenate([_shared_out(segment.lines, count, dice) for count in begun])
    after = np.where(dice.chance(60, n), lines * dice.pick((8, 12, 15), n) // 10, lines)
    if segment.name == "small" and n >= 8:
        _at_the_limit(lines, after)
    begins = np.concatenate(
        [
            _BASE_DAY - 40 - dice.below(900, begun[0]),
            _in_year(2020, begun[1], dice),
            _in_year(2021, begun[2], dice),
        ]
    )
    return {
        "entity": people.enrol(segment.kind, segment.size, n, shared, dice),
        "segment": np.full(n, number, dtype=np.int64),
        "line_before": lines,
        "line_after": after,
        "begins_on": begins,
        "has_second": dice.chance(segment.second, n).astype(np.int64),
    }


def _shared_out(lines: tuple[int, ...], n: int, dice: Dice) -> Ints:
    """Each line equally often, in a random order: newcomers borrow as those before them did."""
    found: Ints = np.resize(np.array(lines, dtype=np.int64), n)[dice.order(n)]
    return found


def _at_the_limit(before: Ints, after: Ints) -> None:
    """Lines exactly at the 10-million limit, one fen above, and across it either way."""
    edge = (LIMIT_FEN, LIMIT_FEN + 1, 12 * LIMIT_FEN // 10, 9 * LIMIT_FEN // 10)
    before[:4] = (edge[0], edge[1], edge[2], edge[3])
    after[:4] = (edge[0], edge[1], edge[3], edge[2])


def borrowings(unit: Unit, number: int, share: int) -> tuple[int, int, int]:
    """Customers of a segment who begin before 2020, in 2020 and in 2021.

    Worked backwards from the loans at the end: growth and those who leave give the newcomers.
    """
    segment = SEGMENTS[number]
    inclusive = segment.is_inclusive_kind or segment.name in ("farmer", "cooperative", "collective")
    grow20, grow21 = unit.growth[:2] if inclusive else unit.growth[2:]
    final = unit.loans * share * 1000 // (1000 + segment.second) // 1000
    leave = 0 if segment.name == "household" else _LEAVE
    middle = final * 1000 // (1000 + grow21)
    start = middle * 1000 // (1000 + grow20)
    return (
        max(1, start * 110 // 100),
        max(0, start * (grow20 + leave) // 1000),
        max(0, middle * (grow21 + leave) // 1000),
    )


def _in_year(number: int, n: int, dice: Dice) -> Ints:
    months = np.repeat(np.arange(12), _SEASON)[dice.below(sum(_SEASON), n)]
    first = add_months(np.full(n, day_number(dt.date(number, 1, 1))), months)
    return first + dice.below(28, n)


def live(book: Book, dice: Dice) -> None:
    """Let every borrowing run its course to the last day."""
    rows = book.customers
    n = len(rows["entity"])
    second = np.flatnonzero(rows["has_second"] == 1)
    owner = np.concatenate([np.arange(n), second])
    start = rows["begins_on"][owner]
    start[n:] += 20 + dice.below(200, len(second))
    parts: list[Columns] = []
    day = working_day(start)
    soon = np.flatnonzero(day <= LAST_DAY)
    state = _State(owner[soon], day[soon], soon, np.full(len(soon), NONE))
    number = 0
    while len(state.owner):
        loans = _draw(book, state, number, dice)
        parts.append(loans)
        state = _next(book, state, loans, dice)
        number += 1
    every: Columns = {k: np.concatenate([p[k] for p in parts]) for k in parts[0]}
    book.loans = _in_order(every)


@dataclass
class _State:
    """Borrowings about to draw: owner, day, borrowing, the loan being renewed if any."""

    owner: Ints
    day: Ints
    borrowing: Ints
    renewed: Ints


def knob(pair: tuple[int, int], days: Ints) -> Ints:
    """Permille on each day: the first before 2021, the second from then on."""
    found: Ints = np.where(year(days) >= LAST.year, pair[1], pair[0])
    return found


def _draw(book: Book, state: _State, number: int, dice: Dice) -> Columns:
    """One loan for each borrowing: what, how long, how much."""
    unit, n = book.unit, len(state.owner)
    product, months = _choose(book, state, dice)
    line = book.line_on(state.owner, state.day)
    both = 1 + book.customers["has_second"][state.owner]
    wish = line * dice.pick((40, 50, 60, 70, 80, 90, 100), n) // 100 // both
    step = np.where(wish >= 20 * FEN_PER_WAN, FEN_PER_WAN, FEN_PER_WAN // 10)
    amount = np.maximum(step, wish // step * step)
    matures = add_months(state.day, months)
    limit = np.minimum(matures, add_months(state.day, 24))
    early = dice.chance(90, n) & (product != DISCOUNT)
    closed = np.where(
        early, state.day + (limit - state.day) * dice.between(40, 95, n) // 100, matures
    )

    issue = np.where(dice.chance(40, n), REFINANCE, NEW)
    issue = np.where(state.renewed != NONE, RENEWAL, issue)
    issue = np.where((product == DISCOUNT) & (issue == REFINANCE), NEW, issue)
    credit = dice.chance(knob(unit.credit, state.day), n)
    return {
        "customer": state.owner,
        "branch": book.customers["branch"][state.owner],
        "borrowing": state.borrowing,
        "round": np.full(n, number, dtype=np.int64),
        "renews": state.renewed,
        "product": product,
        "months": months,
        "amount": amount + np.where(product == DISCOUNT, dice.below(10_000_000, n), 0),
        "drawn_on": state.day,
        "matures_on": matures,
        "closed_on": closed,
        "closure": np.where(early, PREPAID, MATURED),
        "issue_kind": issue,
        "wants_credit": credit.astype(np.int64),
    }


def _choose(book: Book, state: _State, dice: Dice) -> tuple[Ints, Ints]:
    n = len(state.owner)
    segment = book.customers["segment"][state.owner]
    long = dice.chance(knob(book.unit.long, state.day), n)
    draw = dice.words(n)
    product, months = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    for number, one in enumerate(SEGMENTS):
        for over in (False, True):
            mine = (segment == number) & (long == over)
            menu = np.array(_MENUS[_MENU_OF[one.name], over], dtype=np.int64)
            picked = menu[draw[mine] % len(menu)]
            product[mine], months[mine] = picked[:, 0], picked[:, 1]
    renewed = (state.renewed != NONE) & (product == DISCOUNT)
    return np.where(renewed, WORKING, product), np.where(renewed, 12, months)


def _next(book: Book, state: _State, loans: Columns, dice: Dice) -> _State:
    """Who draws again, when, and whether as a renewal of the loan just made."""
    n = len(state.owner)
    renewable = np.isin(loans["product"], (WORKING, PERSONAL)) & (loans["closure"] == MATURED)
    household = book.customers["segment"][state.owner] == position("household")
    renew = renewable & dice.chance(knob(book.unit.renew, loans["closed_on"]), n)
    leaving = _leaving(book, state.owner, loans["closed_on"])
    stay = renew | ~dice.chance(leaving, n) | household
    gap = np.where(renew, 0, dice.between(1, 25, n))
    day = np.where(renew, loans["closed_on"], working_day(loans["closed_on"] + gap))
    go = stay & (day <= LAST_DAY)
    renewed = np.where(renew, loans["borrowing"] * 100 + loans["round"], NONE)
    return _State(state.owner[go], day[go], state.borrowing[go], renewed[go])


def _leaving(book: Book, owner: Ints, days: Ints) -> Ints:
    """Permille that end after a loan: more in 2021 where a bank shrinks faster than by that."""
    grows = book.unit.growth
    inclusive = _GROWS_WITH[book.customers["segment"][owner]]
    fall = np.where(inclusive, -grows[1], -grows[3])
    found: Ints = np.where(year(days) >= LAST.year, np.maximum(_LEAVE, fall), _LEAVE)
    return found


def _in_order(every: Columns) -> Columns:
    """Sort by day of drawdown, so that ids grow with time; links become row numbers."""
    order = np.lexsort((every["borrowing"], every["drawn_on"]))
    loans = take(every, order)
    key = loans["borrowing"] * 100 + loans["round"]
    by_key = np.argsort(key, kind="stable")
    renews = loans.pop("renews")
    at = np.searchsorted(key[by_key], np.where(renews == NONE, 0, renews))
    found = by_key[np.minimum(at, len(key) - 1)]
    loans["predecessor"] = np.where(renews == NONE, NONE, found)
    open_ = loans["closed_on"] > LAST_DAY
    loans["closed_on"] = np.where(open_, NEVER, loans["closed_on"])
    loans["closure"] = np.where(open_, NONE, loans["closure"])
    return loans
