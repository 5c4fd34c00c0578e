"""On-lending beside a placebo: the gap each institution would have if it were the on-lender.

Clause C3.2 compares on-lent loans with similar ones cell by cell, exactly; there are too few
on-lenders for a standard error. Instead every institution of the kind is put in the on-lender's
place with its ordinary loans of the same cells, and the on-lender's gap is ranked among theirs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import pyarrow as pa

from puhui.derive import CUSTOMERS, LOANS, RowContext, source_view
from puhui.engine import Engine
from puhui.measures.comparing import Side, sums_sql
from puhui.params import Params
from puhui.params.worked import Comparison
from puhui.quarter import Quarter
from puhui.results import SCHEMAS, twelve_digits
from puhui.store import Snapshot

Key = tuple[object, ...]
#: institution → cell → its loans of one side.
Book = Mapping[str, Mapping[Key, Side]]

#: One row per on-lender and institution in its place, largest gap first.
PLACEBO = SCHEMAS["placebo"]
_NO_CELL = "没有笔数足够、可以比较的格"
_ELSEWHERE = "政策规定比较转贷行环节的利率，贷款台账里没有"
_UNKNOWN = "有贷款缺少比较所需的内容"


@dataclass(frozen=True)
class Gap:
    """The worst gap of an institution, percentage points, and the two sides of that cell."""

    institution_id: str
    value: Fraction
    mine: Side
    similar: Side
    cells: int


def gap(institution: str, mine: Mapping[Key, Side], others: Book, least: int) -> Gap | None:
    """Worst gap of some loans over the others' ordinary loans of the same cells.

    A cell counts with ``least`` loans on either side. ``None``: no such cell.
    """
    found: list[tuple[Fraction, Side, Side]] = []
    for key in sorted(mine, key=str):
        side, similar = mine[key], Side()
        for book in others.values():
            if key in book:
                similar.add(book[key].loans, book[key].amount, book[key].interest)
        if min(side.loans, similar.loans) >= least and side.amount and similar.amount:
            found.append((side.rate - similar.rate, side, similar))
    if not found:
        return None
    value, side, similar = max(found, key=lambda f: f[0])
    return Gap(institution, value, side, similar, len(found))


def placebos(
    onlender: str, lent: Mapping[Key, Side], ordinary: Book, alike: Sequence[str], least: int
) -> tuple[Gap | None, list[Gap]]:
    """Compute the on-lender's gap and those of everyone else in its place.

    Its own gap is clause C3.2's: on-lent loans against the ordinary ones of all alike, its own
    included. An institution in its place is compared in the cells the on-lender could be, with
    its ordinary loans against the ordinary ones of all others alike.

    Parameters
    ----------
    lent
        The on-lent loans by cell.
    ordinary
        Ordinary loans by institution and cell.
    alike
        Institutions of its kind, itself included.
    least
        Loans of a cell.
    """
    book = {i: ordinary.get(i, {}) for i in alike}
    actual = gap(onlender, lent, book, least)
    if actual is None:
        return None, []
    judged = [k for k, side in lent.items() if gap(onlender, {k: side}, book, least) is not None]
    found = []
    for other in alike:
        if other == onlender:
            continue
        mine = {k: side for k, side in book[other].items() if k in judged}
        rest = {i: cells for i, cells in book.items() if i != other}
        placed = gap(other, mine, rest, least)
        if placed is not None:
            found.append(placed)
    return actual, found


def placebo_ranks(
    engine: Engine,
    params: Params,
    snapshots: Sequence[Snapshot],
    quarter: Quarter,
    *,
    kinds: Mapping[str, str],
) -> pa.Table:
    """Rank every on-lender's gap among those of institutions of its kind in its place.

    Parameters
    ----------
    engine
        Engine that may read the store.
    snapshots
        Of the whole county; those of ``quarter`` are used, one per institution.
    kinds
        Kind of each institution, from the register.

    Returns
    -------
    pyarrow.Table
        :data:`PLACEBO`; an on-lender without a gap has one row with the reason. Empty if no
        measure compares loans, or nobody lends on.
    """
    specs = {m.compared.spec for m in params.measures.values() if m.compared is not None}
    mine = [s for s in snapshots if s.quarter == str(quarter) and LOANS in s.tables]
    rows: list[dict[str, object]] = []
    if specs:
        source_view(engine, LOANS, mine)
        source_view(engine, CUSTOMERS, mine)
    policy = params.policy.on(quarter.end)
    least = int(str(policy["min_cell"]))
    for spec in sorted(specs, key=str):
        lent, ordinary, unknown = _sides(engine, params, quarter, spec)
        for onlender in sorted(lent):
            alike = sorted(
                s.institution_id
                for s in mine
                if onlender in kinds and kinds.get(s.institution_id) == kinds[onlender]
            )
            base = {"quarter": str(quarter), "institution_id": onlender}
            actual, found = placebos(onlender, lent[onlender], ordinary, alike, least)
            why = _UNKNOWN if onlender in unknown else None if actual else _NO_CELL
            if policy["onlending_level"] != "end_user":
                why = _ELSEWHERE
            if why or actual is None:
                rows.append({**base, "in_place": onlender, "reason": why})
                continue
            rows += [{**base, **row} for row in _ranked([actual, *found])]
    return pa.Table.from_pylist(rows, PLACEBO)


def _sides(
    engine: Engine, params: Params, quarter: Quarter, spec: Comparison
) -> tuple[dict[str, dict[Key, Side]], dict[str, dict[Key, Side]], set[str]]:
    """On-lent and ordinary loans by institution and cell, and who has on-lent ones unknown."""
    lent: dict[str, dict[Key, Side]] = {}
    ordinary: dict[str, dict[Key, Side]] = {}
    unknown = set()
    context = RowContext(params, quarter, engine.dialect)
    for row in engine.sql(sums_sql(context, spec)).to_pylist():
        if not row["known"]:
            if row["lent"] is not False:
                unknown.add(row["institution_id"])
            continue
        book = (lent if row["lent"] else ordinary).setdefault(row["institution_id"], {})
        key = tuple(row[f"k{i}"] for i in range(len(spec.cell)))
        side = book.setdefault(key, Side())
        side.add(int(row["n"]), Fraction(row["a"]), Fraction(row["i"]))
    return lent, ordinary, unknown


def _ranked(gaps: Sequence[Gap]) -> list[dict[str, object]]:
    ordered = sorted(gaps, key=lambda g: (-g.value, g.institution_id))
    return [
        {
            "in_place": g.institution_id,
            "cells": g.cells,
            "loans": g.mine.loans,
            "similar_loans": g.similar.loans,
            "gap_bp": twelve_digits(100 * g.value),
            "gap_num": str((100 * g.value).numerator),
            "gap_den": str((100 * g.value).denominator),
            "rank": 1 + sum(other.value > g.value for other in gaps),
            "ranked": len(gaps),
        }
        for g in ordered
    ]
