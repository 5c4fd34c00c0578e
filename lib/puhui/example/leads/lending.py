"""Stories about how loans are run: on-lending, recalls, refused renewals, deferrals, checks."""

from __future__ import annotations

from typing import Any

import numpy as np

from puhui.example.columns import NONE, Ints
from puhui.example.county import County
from puhui.example.days import add_months, month_number, year
from puhui.example.leads.shelf import Shelf
from puhui.example.leads.stories import (
    BREACHED,
    CHEAP,
    DEAR,
    END,
    LATE_CHECKS,
    LATE_RENEWAL_CHECKS,
    MIN_CELL,
    START,
    day,
)
from puhui.example.lives import (
    FIXED_RATE,
    GUARANTEED,
    MATURED,
    NEW,
    NO_BENCHMARK,
    ONLENT,
    PERSONAL,
    PREPAID,
    RECALLED,
    REFINANCE,
    RENEWAL,
    WORKING,
    Book,
)
from puhui.example.roster import LAST
from puhui.example.segments import FEN_PER_WAN, LIMIT_FEN, SEGMENTS

_KIND = np.array([s.kind for s in SEGMENTS])
_INCLUSIVE = np.array([s.is_inclusive_kind for s in SEGMENTS])


def withdrawals(shelf: Shelf) -> None:
    """Loans recalled and lines cut without cause, and those with one."""
    loans, rows_of = shelf.loans, shelf.customers
    running = shelf.mse & shelf.last & shelf.open_on(END) & shelf.modest()
    running &= (loans["drawn_on"] <= START - 40) & (loans["matures_on"] > END + 40)
    if shelf.short in BREACHED["C3.4a"]:
        _recall(shelf, shelf.pick(running, 3, "recalled"))
        _cut(shelf, "line_cut", 2)
    _recall(shelf, shelf.pick(running, 1, "recalled_breach"))
    stopped = shelf.pick(running, 1, "recalled_stopped")
    _recall(shelf, stopped)
    rows_of["operating_normally"][loans["customer"][stopped]] = 0
    _cut(shelf, "line_trimmed", 1)
    here = (loans["closed_on"] >= START) & (loans["closed_on"] <= END)
    prepaid = shelf.mse & here & (loans["closure"] == PREPAID)
    _switch(shelf, prepaid)
    shelf.pick(prepaid & shelf.last, 2, "prepaid")


def _recall(shelf: Shelf, rows: Ints) -> None:
    shelf.loans["closed_on"][rows] = START + 4 + shelf.dice.below(75, len(rows))
    shelf.loans["closure"][rows] = RECALLED


def _cut(shelf: Shelf, story: str, n: int) -> None:
    loans, rows = shelf.loans, shelf.customers
    owed = np.zeros(len(shelf.free), dtype=np.int64)
    here = shelf.open_on(END)
    np.add.at(owed, loans["customer"][here], loans["amount"][here])
    line = rows["line_before"]
    fits = (line == rows["line_after"]) & (owed * 10 <= line * 6) & shelf.line_fits
    fits &= shelf.has_open(shelf.mse & (loans["drawn_on"] < START)) & (line >= 30 * FEN_PER_WAN)
    chosen = shelf.pick_customers(fits, n, story)
    left = (2, 3) if story == "line_cut" else (9, 10)
    rows["line_after"][chosen] = line[chosen] * left[0] // left[1]
    rows["line_changed_on"][chosen] = START + 10 + shelf.dice.below(40, len(chosen))


def _switch(shelf: Shelf, prepaid: Any) -> None:
    """Turn a loan that was prepaid and followed by a new one into a switch by the bank."""
    loans = shelf.loans
    key = loans["borrowing"] * 1000 + loans["round"]
    order = np.argsort(key, kind="stable")
    at = np.minimum(np.searchsorted(key[order], key + 1), len(key) - 1)
    follower = order[at]
    follows = key[follower] == key + 1
    soon = loans["drawn_on"][follower] - loans["closed_on"] <= 12
    plain = np.isin(loans["issue_kind"][follower], (NEW, REFINANCE))
    works = np.isin(loans["product"][follower], (WORKING, PERSONAL))
    rows = shelf.pick(prepaid & follows & soon & plain & works, 1, "switched")
    loans["closure"][rows] = RECALLED
    loans["predecessor"][follower[rows]] = rows
    loans["issue_kind"][follower[rows]] = REFINANCE


def _matured(shelf: Shelf, first: str, last: str) -> Any:
    """Loans repaid at maturity between two days, after which nothing was drawn."""
    loans = shelf.loans
    end = loans["closed_on"]
    mask = shelf.mse & shelf.last & (loans["closure"] == MATURED) & (end == loans["matures_on"])
    mask &= np.isin(loans["product"], (WORKING, PERSONAL)) & (loans["is_instalment"] == 0)
    return mask & (end >= day(first)) & (end <= day(last)) & (loans["extended_to"] == NONE)


def _pick_matured(shelf: Shelf, window: tuple[str, str], n: int, story: str) -> Ints:
    """Choose loans that matured in a window and were the last; shorten running ones if few."""
    natural = _matured(shelf, *window)
    loans = shelf.loans
    enough = len(np.unique(loans["customer"][natural & shelf.free[loans["customer"]]]))
    found = [shelf.pick(natural, n, story)] if enough else []
    missing = n - min(n, enough)
    for months in (12, 9, 6):
        if missing:
            rows = _shorten(shelf, window, months, missing, story)
            found.append(rows)
            missing -= len(rows)
    return np.sort(np.concatenate(found)) if found else np.empty(0, dtype=np.int64)


def _shorten(shelf: Shelf, window: tuple[str, str], months: int, n: int, story: str) -> Ints:
    """Running one-off loans that would have matured in the window had they been shorter do."""
    loans = shelf.loans
    ends = add_months(loans["drawn_on"], months)
    fits = shelf.mse & shelf.last & shelf.open_on(END) & shelf.modest() & (loans["months"] > months)
    fits &= (loans["is_instalment"] == 0) & (loans["is_long_tenor"] == 0)
    fits &= np.isin(loans["product"], (WORKING, PERSONAL))
    fits &= (ends >= day(window[0])) & (ends <= day(window[1]))
    if not (fits & shelf.free[loans["customer"]]).any():
        return np.empty(0, dtype=np.int64)
    rows = shelf.pick(fits, n, story)
    loans["months"][rows] = months
    for name in ("matures_on", "closed_on"):
        loans[name][rows] = ends[rows]
    loans["closure"][rows] = MATURED
    return rows


def cut_offs(shelf: Shelf) -> None:
    """Loans that matured and were not renewed: refused, left, unfit, withdrawn, just matured."""
    window = ("2021-09-08", "2021-11-25")
    if shelf.short in BREACHED["C3.4b"]:
        _pick_matured(shelf, window, 2, "renewal_refused")
        _pick_matured(shelf, window, 1, "renewal_left")
    for story in ("renewal_unfit", "renewal_dropped"):
        _pick_matured(shelf, window, 1, story)
    _pick_matured(shelf, ("2021-12-06", "2021-12-30"), 1, "renewal_recent")


def deferrals(shelf: Shelf) -> None:
    """Repayment put off: agreed, refused, unanswered; renewed afterwards or not."""
    early = ("2021-01-05", "2021-04-20")
    if shelf.short in BREACHED["C4.7c"]:
        _put_off(shelf, _pick_matured(shelf, early, 2, "deferred_off"), 3)
    _put_off(shelf, _pick_matured(shelf, early, 1, "deferred_unfit"), 3)
    for window in (("2020-06-20", "2020-11-20"), ("2021-02-10", "2021-07-20")):
        _put_off(shelf, _pick_matured(shelf, window, 3, "deferred"), 4)
    _renewed_later(shelf)
    loans = shelf.loans
    due = shelf.mse & (loans["closure"] == MATURED) & (loans["closed_on"] == loans["matures_on"])
    due &= (loans["is_instalment"] == 0) & (loans["matures_on"] >= day("2021-04-01"))
    due &= loans["matures_on"] <= day("2021-10-25")
    if shelf.short in BREACHED["C4.7a"]:
        shelf.pick(due, 2, "deferral_denied")
        shelf.pick(due, 1, "deferral_waiting")
    for story in ("deferral_unmet", "deferral_dropped"):
        shelf.pick(due, 1, story)
    running = shelf.mse & shelf.open_on(END) & (loans["drawn_on"] < END - 100)
    shelf.pick(running, 1, "deferral_fresh")


def _put_off(shelf: Shelf, rows: Ints, months: int) -> None:
    until = add_months(shelf.loans["matures_on"][rows], months)
    shelf.loans["extended_to"][rows] = until
    shelf.loans["closed_on"][rows] = until


def _renewed_later(shelf: Shelf) -> None:
    """Loans renewed in the year whose repayment had been put off by three months before."""
    loans = shelf.loans
    kept = np.zeros(len(loans["amount"]), dtype=bool)
    renewals = (loans["issue_kind"] == RENEWAL) & (loans["predecessor"] != NONE)
    renewals &= (loans["drawn_on"] >= day("2021-03-01")) & (loans["drawn_on"] <= day("2021-11-30"))
    kept[loans["predecessor"][renewals]] = True
    kept &= shelf.mse & (loans["is_instalment"] == 0) & (loans["months"] >= 9)
    kept &= loans["closed_on"] == loans["matures_on"]
    rows = shelf.pick(kept, 3, "deferred_on")
    loans["matures_on"][rows] = add_months(loans["closed_on"][rows], -3)
    loans["months"][rows] -= 3
    loans["extended_to"][rows] = loans["closed_on"][rows]


def checks(shelf: Shelf) -> None:
    """First checks late or never made for three in ten, at banks that check late."""
    loans = shelf.loans
    renewed = loans["issue_kind"] == RENEWAL
    n = len(loans["amount"])
    late = shelf.dice.chance(300, n) & (loans["drawn_on"] >= day("2021-01-01"))
    never, days = shelf.dice.chance(300, n), 8 + shelf.dice.below(30, n)
    for banks, mine in ((LATE_CHECKS, ~renewed), (LATE_RENEWAL_CHECKS, renewed)):
        if shelf.short in banks:
            made = loans["first_check_due_on"] + days
            made = np.where(never | (made > END), NONE, made)
            loans["first_check_on"] = np.where(late & mine, made, loans["first_check_on"])


def cells(book: Book) -> tuple[Ints, Any]:
    """Cell of every loan (customer kind, term, guarantee, quarter) and whether it is compared.

    Terms: up to 12 months, up to 36, up to 60, longer. Compared are inclusive loans at the
    line of drawdown, drawn in the current year.
    """
    loans = book.loans
    segment = book.customers["segment"][loans["customer"]]
    term = np.searchsorted([12, 36, 60], loans["months"])
    quarter = month_number(loans["drawn_on"]) % 12 // 3
    cell = ((_KIND[segment] * 4 + term) * 8 + loans["guarantee"]) * 4 + quarter
    line = book.line_on(loans["customer"], loans["drawn_on"])
    mask = _INCLUSIVE[segment] & (loans["is_business_loan"] == 1) & (line <= LIMIT_FEN)
    return cell, mask & (year(loans["drawn_on"]) == LAST.year)


def similar(county: County, kind: str, cell: int) -> tuple[int, int, int]:
    """Σ amount × rate, Σ amount and number of own loans of a cell at ledgers of a kind."""
    interest = amount = n = 0
    for book in county.books.values():
        if book.unit.kind == kind and book.unit.has_ledger:
            cell_of, mask = cells(book)
            here = mask & (cell_of == cell) & (book.loans["funding_source"] != ONLENT)
            amounts = book.loans["amount"][here]
            interest += int((amounts * book.loans["rate_at_drawdown"][here]).sum())
            amount, n = amount + int(amounts.sum()), n + int(here.sum())
    return interest, amount, n


def on_lend(county: County, shelf: Shelf) -> None:
    """Policy funds lent on: dearer than similar loans by a point, or cheaper by 0.8."""
    short, loans = shelf.short, shelf.loans
    if short not in (*DEAR, *CHEAP):
        return
    story, off = ("dear", 100) if short in DEAR else ("cheap", -80)
    cell_of, mask = cells(shelf.book)
    fits = mask & shelf.mse & shelf.free[loans["customer"]] & (loans["guarantee"] != GUARANTEED)
    found, count = np.unique(cell_of[fits], return_counts=True)
    largest = found[np.argsort(-count, kind="stable")]
    for i, cell in enumerate(largest[:3].tolist()):
        n = MIN_CELL + 2 if i < 2 else MIN_CELL - 2
        n = min(n, int((fits & (cell_of == cell)).sum()) // 2)
        rows = shelf.pick(fits & (cell_of == cell), n, story)
        loans["funding_source"][rows] = ONLENT
        interest, amount, _ = similar(county, shelf.book.unit.kind, cell)
        loans["rate_at_drawdown"][rows] = interest // amount + off
        loans["rate_type"][rows] = FIXED_RATE
        loans["benchmark"][rows] = NO_BENCHMARK
        for name in ("spread_bp", "recorded_bp"):
            loans[name][rows] = NONE
