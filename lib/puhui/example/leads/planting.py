"""Planting all stories into a county's books, and the list of what was planted."""

from __future__ import annotations

from typing import Any

import numpy as np

from puhui.errors import PuhuiError
from puhui.example.county import County
from puhui.example.leads import applications, borrowers, cases, fees, flows, lending
from puhui.example.leads.facts import Facts, enough_revenue, shared, tidy
from puhui.example.leads.shelf import Shelf
from puhui.example.leads.stories import BREACHED, STORIES, name
from puhui.example.ledger import customer_ids, first_loans
from puhui.example.roster import LAST, institution_id
from puhui.quarter import Quarter

Row = dict[str, Any]


def plant(county: County) -> list[Row]:
    """Plant breaches and decoys into the books and the borrowers' facts; list them.

    Call once, after arrears and before snapshots are cut. First-loan queries are noted anew,
    as some customers become one firm.

    Returns
    -------
    list of dict
        ``quarter, institution_id, clause, table, key, pattern, is_true, why``; ``key`` is the
        loan or customer id.

    Raises
    ------
    PuhuiError
        If a seed leaves a list clause without a breach.
    """
    people = county.people
    facts = Facts(people)
    several = shared(county)
    shelves = {short: Shelf(county, short, several) for short in county.books}
    ledgers = {s: shelf for s, shelf in shelves.items() if shelf.book.unit.has_ledger}
    borrowed = borrowers.many_lenders(shelves)
    again = borrowers.claimed_twice(shelves)
    first_loans(county.books, people)
    borrowers.one_claim_each(shelves)
    for short, rows in again:
        shelves[short].customers["first_loan_query_clear"][rows] = 1
    tidy(county, facts)
    borrowers.guarantors(county)
    cases.raise_lines(county)
    borrowers.their_revenue(county, borrowed)
    nobody = np.empty(0, dtype=np.int64)
    enough_revenue(county, np.concatenate([nobody, *(entity for _, entity in borrowed)]))
    for shelf in ledgers.values():
        _plant_ledger(county, shelf, facts)
    for shelf in shelves.values():
        if shelf.book.unit.tier:
            lending.deferrals(shelf)
        shelf.book.labels = {}
    facts.save()
    found = [row for shelf in shelves.values() for row in _listed(shelf)]
    for shelf in shelves.values():
        if shelf.book.unit.tier:
            unit = institution_id(shelf.short, shelf.book.prefix)
            keys = applications.refused_though_fit(county, shelf.short)
            found += [lead_row(LAST, unit, "lent_refused", key) for key in keys]
    _require_breaches(found)
    return found


def _require_breaches(rows: list[Row]) -> None:
    """Every list clause must be breached somewhere, or its missed case would be lacking."""
    lacking = set(BREACHED) - {row["clause"] for row in rows if row["is_true"]}
    if lacking:
        raise PuhuiError(
            f"示例中没有可用于条款 {'、'.join(sorted(lacking))} 的贷款或客户。",
            remedy="请换一个种子。",
        )


def _plant_ledger(county: County, shelf: Shelf, facts: Facts) -> None:
    lending.on_lend(county, shelf)
    borrowers.queries(shelf)
    lending.withdrawals(shelf)
    lending.cut_offs(shelf)
    if shelf.book.unit.tier == 3:
        borrowers.groups(shelf, facts)
        flows.choose(shelf)
    borrowers.circles(shelf)
    borrowers.shells(shelf, facts)
    borrowers.homes(shelf)
    lending.checks(shelf)
    fees.choose(shelf)


def _listed(shelf: Shelf) -> list[Row]:
    """Truth rows of one bank's stories, loans first."""
    book = shelf.book
    rows = np.flatnonzero(shelf.loans["story"])
    keys = [f"{shelf.short}L{row + 1:06d}" for row in rows.tolist()]
    who = np.flatnonzero(shelf.customers["story"])
    keys += customer_ids(book, who).to_pylist()
    numbers = [*shelf.loans["story"][rows].tolist(), *shelf.customers["story"][who].tolist()]
    unit = institution_id(shelf.short, book.prefix)
    return [lead_row(LAST, unit, name(n), key) for n, key in zip(numbers, keys, strict=True)]


def lead_row(quarter: Quarter, institution: str, story: str, key: str) -> Row:
    """One row of the table of leads."""
    one = STORIES[story]
    return {
        "quarter": str(quarter),
        "institution_id": institution,
        "clause": one.clause,
        "table": one.table,
        "key": key,
        "pattern": one.name,
        "is_true": one.is_true,
        "why": one.why,
    }
