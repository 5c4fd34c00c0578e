"""What a bank's book looks like at a quarter's end: canonical columns, and what moves in them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from puhui.example.columns import NEVER, NONE, Columns, Ints, code, day_number, take
from puhui.example.days import months_between, year, year_start
from puhui.example.lives import (
    FLOATING,
    LPR_1Y,
    LPR_5Y,
    TRANSFERRED,
    WRITTEN_OFF,
    Book,
)
from puhui.example.people import People
from puhui.example.pricing import lpr_bp
from puhui.example.roster import institution_id
from puhui.quarter import Quarter

BENCHMARKS = pa.array([None, "other", "lpr:1Y", "lpr:5Y"])
NORMAL, MENTION, SUBSTANDARD, DOUBTFUL, LOSS = (
    code("five_class", c) for c in ("normal", "special_mention", "substandard", "doubtful", "loss")
)
_FINE, _OVERDUE, _SETTLED, _GONE, _SOLD = (
    code("loan_status", s) for s in ("normal", "overdue", "settled", "written_off", "transferred")
)
#: Banks whose branches see only their own lines to a customer.
_OWN_LINES = ("DX1",)


def is_open(loans: Columns, day: int) -> Any:
    """Mask of loans drawn by the day and not yet ended."""
    return (loans["drawn_on"] <= day) & (loans["closed_on"] > day)


def overdue_days(loans: Columns, day: int) -> Ints:
    """Days in arrears on a day; 0 if none, or ended."""
    late = is_open(loans, day) & (loans["overdue_from"] <= day) & (loans["overdue_to"] > day)
    found: Ints = np.where(late, day - loans["overdue_from"] + 1, 0)
    return found


def is_bad(loans: Columns, day: int) -> Any:
    """Mask of open loans more than ninety days in arrears."""
    return overdue_days(loans, day) > 90


def balances(loans: Columns, day: Any) -> Ints:
    """Outstanding principal on a day (or a day each), fen: by schedule, halted by arrears."""
    late = (loans["overdue_from"] <= day) & (loans["overdue_to"] > day)
    until = np.where(late, np.minimum(loans["overdue_from"], day), day)
    term = np.maximum(1, months_between(loans["drawn_on"], loans["matures_on"]))
    left = np.maximum(1, term - months_between(loans["drawn_on"], until))
    paid_down = loans["amount"] * left // term
    found: Ints = np.where(loans["is_instalment"] == 1, paid_down, loans["amount"])
    return found


def snapshot(book: Book, people: People, quarter: Quarter) -> dict[str, Columns]:
    """``customers`` and ``loans`` at a quarter's end.

    Loans outstanding, or drawn or closed in the year; the customers of those. Beside the
    canonical columns: ``row`` and ``customer_row`` (positions in the book), ``segment``,
    ``branch``.
    """
    day = day_number(quarter.end)
    life = book.loans
    ended = life["closed_on"]
    filed = (life["drawn_on"] <= day) & ((ended > day) | (year(ended) == quarter.year))
    rows = np.flatnonzero(filed)
    loans = _loans(book, people, rows, day)
    known = np.unique(life["customer"][rows])
    return {"customers": _customers(book, people, known, day), "loans": loans}


def _loans(book: Book, people: People, rows: Ints, day: int) -> Columns:
    life = take(book.loans, rows)
    closed = life["closed_on"] <= day
    late = overdue_days(life, day)
    owed = np.where(closed, 0, balances(life, day))
    gone = balances(life, np.where(closed, life["closed_on"], day))
    closure = np.where(closed, life["closure"], NONE)
    drawn = life["drawn_on"]
    where = pa.array(rows)
    texts = {name: column.take(where) for name, column in _labels(book, people).items()}
    reprised, rate_now = _repricing(life, np.where(closed, life["closed_on"], day))
    same = (
        "product",
        "is_business_loan",
        "issue_kind",
        "amount",
        "drawn_on",
        "matures_on",
        "priced_on",
        "rate_at_drawdown",
        "rate_type",
        "funding_source",
        "booked_by",
        "guarantee",
        "mitigants",
        "collateral_held_since",
        "lien_released_on",
        "lien_registered_on",
        "is_revolving",
        "is_online",
        "first_check_due_on",
        "checks",
        "branch",
    )
    return {
        **texts,
        **{name: life[name] for name in same},
        "row": rows,
        "customer_row": life["customer"],
        "segment": book.customers["segment"][life["customer"]],
        "balance": owed,
        # What has not happened yet is not in the ledger.
        "first_check_on": np.where(life["first_check_on"] > day, NONE, life["first_check_on"]),
        "extended_to": np.where(life["matures_on"] > day, NONE, life["extended_to"]),
        "closed_on": np.where(closed, life["closed_on"], NONE),
        "closure": closure,
        "written_off_amount": np.where(closure == WRITTEN_OFF, gone, NONE),
        "transferred_amount": np.where(closure == TRANSFERRED, gone, NONE),
        "rate_now": rate_now,
        "benchmark": BENCHMARKS.take(pa.array(life["benchmark"])),
        "spread_bp": life["recorded_bp"],
        "repriced_on": reprised,
        "five_class": _five_class(life, closed, late, day),
        "principal_overdue": np.where((late > 0) & (life["matures_on"] < day), owed, 0),
        "interest_overdue": owed * life["rate_at_drawdown"] * late // 3_600_000,
        "overdue_since": np.where(late > 0, life["overdue_from"], NONE),
        "status": _status(closure, closed, late),
        "credit_line_at_drawdown": book.line_on(life["customer"], drawn),
        "is_agricultural": people.facts["is_farming"][book.customers["entity"][life["customer"]]],
    }


def _five_class(life: Columns, closed: Any, late: Ints, day: int) -> Ints:
    """Class from days in arrears, the watch list, and how the loan ended."""
    watched = life["watch_from"] <= day
    by_days = np.select(
        [late > 360, late > 180, late > 90, (late > 0) | watched],
        [LOSS, DOUBTFUL, SUBSTANDARD, MENTION],
        NORMAL,
    )
    ended = np.select(
        [life["closure"] == WRITTEN_OFF, life["closure"] == TRANSFERRED],
        [LOSS, SUBSTANDARD],
        NORMAL,
    )
    found: Ints = np.where(closed, ended, by_days)
    return found


def _status(closure: Ints, closed: Any, late: Ints) -> Ints:
    return np.select(
        [closure == WRITTEN_OFF, closure == TRANSFERRED, closed, late > 0],
        [_GONE, _SOLD, _SETTLED, _OVERDUE],
        _FINE,
    )


def _repricing(life: Columns, day: Ints) -> tuple[Ints, Ints]:
    """Floating loans reprice on the first of January at the LPR then in force."""
    new_year = year_start(day)
    moves = (life["rate_type"] == FLOATING) & (life["drawn_on"] < new_year)
    tied = np.isin(life["benchmark"], (LPR_1Y, LPR_5Y))
    moves &= tied
    there = lpr_bp(life["is_long_tenor"], new_year) + life["spread_bp"]
    return np.where(moves, new_year, NONE), np.where(moves, there, life["rate_at_drawdown"])


def _customers(book: Book, people: People, known: Ints, day: int) -> Columns:
    own = take(book.customers, known)
    facts = take(people.facts, own["entity"])
    unit = book.unit
    scope = code(
        "credit_line_scope", "reporting_unit" if unit.short in _OWN_LINES else "legal_person"
    )
    n = len(known)
    named = (
        "certificate_no",
        "name",
        "kind",
        "size",
        "industry",
        "staff_count",
        "revenue",
        "assets",
        "founded_on",
        "last_share_transfer_on",
        "legal_representative_id",
        "controller_id",
        "phone_hash",
        "address",
        "chain",
        "is_lifted_household",
    )
    own_facts = (
        "first_drawdown_on",
        "first_loan_query_on",
        "first_loan_query_clear",
        "operating_normally",
    )
    counties = pa.array(["411527", people.county_code])
    return {
        "institution_id": pa.array([institution_id(unit.short, book.prefix)] * n, pa.string()),
        "customer_id": customer_ids(book, known),
        **{name: facts[name] for name in named},
        **{name: own[name] for name in own_facts},
        "customer_row": known,
        "segment": own["segment"],
        "is_making": facts["is_making"],
        "is_farming": facts["is_farming"],
        "county_code": counties.take(pa.array(own["is_local"])),
        "credit_line": book.line_on(known, day),
        "credit_line_scope": np.full(n, scope, dtype=np.int64),
    }


def customer_ids(book: Book, rows: Ints) -> pa.Array:
    """Customer numbers of the given customers."""
    return pa.array([f"{book.unit.short}C{i + 1:05d}" for i in rows.tolist()], pa.string())


def _labels(book: Book, people: People) -> dict[str, pa.Array]:
    """Texts of every IOU, made once per book."""
    if book.labels:
        return book.labels
    life, short = book.loans, book.unit.short
    unit = institution_id(short, book.prefix)
    n = len(life["amount"])
    loan_ids = pa.array([f"{short}L{i + 1:06d}" for i in range(n)])
    branches = pa.array([f"{unit}B{i + 1:02d}" for i in range(max(1, book.unit.branches))])
    staff = pa.array([f"{short}-E{i + 1:03d}" for i in range(4 * max(1, book.unit.branches))])
    everyone = customer_ids(book, np.arange(len(book.customers["entity"])))
    cosigner = people.facts["certificate_no"]
    book.labels = {
        "institution_id": pa.array([unit] * n),
        "loan_id": loan_ids,
        "contract_id": pa.array([f"HT{short}L{i + 1:06d}" for i in range(n)]),
        "branch_id": branches.take(pa.array(life["branch"])),
        "customer_id": everyone.take(pa.array(life["customer"])),
        "staff_id": staff.take(pa.array(life["staff"])),
        "predecessor_loan_id": loan_ids.take(_where(life["predecessor"])),
        "guarantor_id": cosigner.take(_where(life["guarantor"])),
    }
    return book.labels


def _where(rows: Ints) -> pa.Array:
    """Row numbers with nulls, to take by."""
    return pa.array(np.where(rows == NONE, 0, rows), mask=rows == NONE)


def first_loans(books: dict[str, Book], people: People) -> None:
    """Note each customer's first loan at its bank, and whether it is the first anywhere.

    A bank asks the credit register twenty days before it first lends to a firm; the answer is
    clear when no bank of the county lent to it before.
    """
    anywhere = np.full(people.count, NEVER, dtype=np.int64)
    for book in books.values():
        n = len(book.customers["entity"])
        here = np.full(n, NEVER, dtype=np.int64)
        np.minimum.at(here, book.loans["customer"], book.loans["drawn_on"])
        book.customers["first_drawdown_on"] = here
        np.minimum.at(anywhere, book.customers["entity"], here)
    people.facts["first_loan_on"] = anywhere
    for book in books.values():
        rows = book.customers
        here = rows["first_drawdown_on"]
        firm = people.facts["size"][rows["entity"]] != NONE
        asked = firm & (here != NEVER)
        clear = anywhere[rows["entity"]] >= here
        rows["first_loan_query_on"] = np.where(asked, here - 20, NONE)
        rows["first_loan_query_clear"] = np.where(asked, clear.astype(np.int64), NONE)
        rows["operating_normally"] = np.ones(len(here), dtype=np.int64)
