"""Measures: named aggregates by institution and branch, planned together in layers.

From ledgers, one quarter is two scans whatever the number of measures: each distinct
condition becomes a bit, sums are taken by institution × branch × mask, and distinct
customers by ``bit_or`` of the mask per customer. From returns, a measure is an exact
formula over filed items. Values are DECIMAL(38,8); a value that cannot be had is null
and ``reason`` says which table or column is missing. Missing is never zero.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pyarrow as pa

from puhui import results, schema
from puhui.derive import (
    CUSTOMERS,
    LOANS,
    RowContext,
    facts_from,
    needed_columns,
    source_view,
)
from puhui.engine import DuckDBEngine
from puhui.engine.duckdb import ident, quote
from puhui.errors import ParamsError
from puhui.params import Measure, Params
from puhui.params.expression import NoData, Value
from puhui.quarter import Quarter
from puhui.store import Snapshot

#: Begins the reason of a measure that lacks columns; their names follow, joined by 、.
MISSING_COLUMNS = "缺列："
LEDGER, RETURNS = "ledger", "returns"
#: Conditions per mask: a BIGINT holds one "true" and one "unknown" bit for each.
_BITS = 31

Unit = tuple[str, str | None]


@dataclass
class Cell:
    """Aggregate of the rows that meet one measure's condition, and of those left unknown."""

    total: Fraction = Fraction(0)
    rows: int = 0
    unknown: int = 0

    def add(self, total: Decimal | int | None, rows: int, unknown: int) -> None:
        """Add a partial aggregate."""
        self.total += Fraction(total or 0)
        self.rows += rows
        self.unknown += unknown


@dataclass(frozen=True)
class Plan:
    """Distinct conditions and summed expressions of one quarter's ledger measures."""

    conditions: tuple[str, ...]
    sums: tuple[str, ...]
    of: Mapping[str, tuple[int, int | None]] = field(default_factory=dict)
    """measure id → (index of its condition, index of its summed expression or None)."""


def plan(params: Params, quarter: Quarter, measures: Iterable[Measure]) -> Plan:
    """Collect each distinct condition and each distinct summed expression once."""
    context = RowContext(params, quarter)
    conditions: list[str] = []
    sums: list[str] = []
    of: dict[str, tuple[int, int | None]] = {}
    for measure in measures:
        if measure.ledger is None:
            continue
        condition = context.sql(measure.ledger.where)
        if condition not in conditions:
            conditions.append(condition)
        summed: int | None = None
        if measure.ledger.aggregate == "sum":
            if measure.ledger.of is None:
                raise ParamsError(f"指标量“{measure.id}”要求和，但没有写求和的列。")
            value = context.sql(measure.ledger.of)
            if value not in sums:
                sums.append(value)
            summed = sums.index(value)
        of[measure.id] = (conditions.index(condition), summed)
    return Plan(tuple(conditions), tuple(sums), of)


def from_ledgers(
    engine: DuckDBEngine, params: Params, snapshots: Sequence[Snapshot], quarter: Quarter
) -> pa.Table:
    """Compute every ledger measure of one quarter for institutions that sent a ledger.

    Parameters
    ----------
    engine
        Engine that may read the store.
    snapshots
        The snapshots of ``quarter`` (one per institution).

    Returns
    -------
    pyarrow.Table
        ``results.SCHEMAS["measures"]``; one row per institution or branch and measure.
    """
    mine = {s.institution_id: s for s in snapshots if s.quarter == str(quarter)}
    ledgers = {i: s for i, s in mine.items() if LOANS in s.tables}
    measures = [m for m in params.measures.values() if m.ledger is not None]
    if not ledgers or not measures:
        return results.from_rows("measures", _lost_rows(quarter, measures, mine, LEDGER))
    source_view(engine, LOANS, list(ledgers.values()))
    source_view(engine, CUSTOMERS, list(ledgers.values()))
    cells: dict[tuple[str, Unit], Cell] = defaultdict(Cell)
    for start in range(0, len(measures), _BITS):
        _collect(engine, params, quarter, measures[start : start + _BITS], cells)
    units = sorted({u for _, u in cells} | {(i, None) for i in ledgers}, key=_order)
    rows = [
        _row(params, quarter, measure, unit, cells[measure.id, unit], ledgers[unit[0]])
        for unit in units
        for measure in measures
    ]
    return results.from_rows("measures", rows + _lost_rows(quarter, measures, mine, LEDGER))


def _lost_rows(
    quarter: Quarter,
    measures: Sequence[Measure],
    snapshots: Mapping[str, Snapshot],
    source: str,
) -> list[dict[str, object]]:
    """Rows without a value where a table was to be there and could not be used."""
    table = LOANS if source == LEDGER else "returns"
    return [
        {
            "quarter": str(quarter),
            "institution_id": institution,
            "measure_id": measure.id,
            "source": source,
            "reason": snapshot.missing[table],
            "revision": snapshot.revision,
        }
        for institution, snapshot in sorted(snapshots.items())
        if table in snapshot.missing
        for measure in measures
    ]


def _order(unit: Unit) -> tuple[str, str]:
    return unit[0], unit[1] or ""


def _collect(
    engine: DuckDBEngine,
    params: Params,
    quarter: Quarter,
    measures: Sequence[Measure],
    cells: dict[tuple[str, Unit], Cell],
) -> None:
    made = plan(params, quarter, measures)
    for row in engine.sql(sums_sql(made, quarter)).to_pylist():
        _add_sums(made, measures, row, cells)
    if any(m.ledger is not None and m.ledger.aggregate == "customers" for m in measures):
        for row in engine.sql(customers_sql(made, quarter)).to_pylist():
            _add_customers(made, measures, row, cells)


def _mask(conditions: Sequence[str]) -> str:
    bits = [
        f"(CASE WHEN {c} THEN {1 << i} WHEN ({c}) IS NULL THEN {1 << (i + _BITS)} ELSE 0 END)"
        for i, c in enumerate(conditions)
    ]
    return f"CAST({' + '.join(bits)} AS BIGINT)"


def sums_sql(made: Plan, quarter: Quarter) -> str:
    """SQL of the additive layer: sums and counts by institution × branch × mask."""
    values = [f"{v} AS v{i}" for i, v in enumerate(made.sums)]
    sums = [f"sum(v{i}) AS s{i}, count(v{i}) AS n{i}" for i in range(len(made.sums))]
    inner = ", ".join(
        ["l.institution_id", "l.branch_id", f"{_mask(made.conditions)} AS m", *values]
    )
    outer = ", ".join(["institution_id", "branch_id", "m", "count(*) AS n", *sums])
    return (
        f"SELECT {outer} FROM (SELECT {inner} {facts_from(quarter)}) AS bits "
        "WHERE m <> 0 GROUP BY institution_id, branch_id, m"
    )


def customers_sql(made: Plan, quarter: Quarter) -> str:
    """SQL of the customer layer: distinct customers by level × mask.

    Counts carry their level (``at_branch``) and are never summed over branches.
    """
    inner = f"SELECT l.institution_id, l.branch_id, l.customer_id, {_mask(made.conditions)} AS m"
    return (
        f"WITH at_branch AS (SELECT institution_id, branch_id, customer_id, bit_or(m) AS m "
        f"FROM ({inner} {facts_from(quarter)}) AS bits WHERE m <> 0 "
        "GROUP BY institution_id, branch_id, customer_id), "
        "at_institution AS (SELECT institution_id, customer_id, bit_or(m) AS m FROM at_branch "
        "GROUP BY institution_id, customer_id) "
        "SELECT institution_id, branch_id, true AS at_branch, m, count(*) AS n FROM at_branch "
        "GROUP BY institution_id, branch_id, m UNION ALL "
        "SELECT institution_id, NULL, false, m, count(*) FROM at_institution "
        "GROUP BY institution_id, m"
    )


def _units(row: Mapping[str, object]) -> tuple[Unit, ...]:
    institution = str(row["institution_id"])
    branch = row["branch_id"]
    whole: Unit = (institution, None)
    return (whole,) if branch is None else (whole, (institution, str(branch)))


def _add_sums(
    made: Plan,
    measures: Sequence[Measure],
    row: Mapping[str, Any],
    cells: dict[tuple[str, Unit], Cell],
) -> None:
    mask, count = int(row["m"]), int(row["n"])
    for measure in measures:
        assert measure.ledger is not None
        if measure.ledger.aggregate == "customers":
            continue
        condition, summed = made.of[measure.id]
        hit, unknown = bool(mask >> condition & 1), bool(mask >> (condition + _BITS) & 1)
        if not hit and not unknown:
            continue
        total: Decimal | int | None = count
        missing = count if unknown else 0
        if summed is not None:
            total = row[f"s{summed}"]
            missing = count if unknown else count - int(row[f"n{summed}"])
        for unit in _units(row):
            cells[measure.id, unit].add(total if hit else 0, count if hit else 0, missing)


def _add_customers(
    made: Plan,
    measures: Sequence[Measure],
    row: Mapping[str, Any],
    cells: dict[tuple[str, Unit], Cell],
) -> None:
    mask, count = int(row["m"]), int(row["n"])
    branch = None if row["branch_id"] is None else str(row["branch_id"])
    unit: Unit = (str(row["institution_id"]), branch if row["at_branch"] else None)
    if row["at_branch"] and branch is None:
        return
    for measure in measures:
        assert measure.ledger is not None
        if measure.ledger.aggregate != "customers":
            continue
        condition = made.of[measure.id][0]
        if mask >> condition & 1:
            cells[measure.id, unit].add(count, count, 0)
        elif mask >> (condition + _BITS) & 1:
            cells[measure.id, unit].add(0, 0, count)


def _row(
    params: Params, quarter: Quarter, measure: Measure, unit: Unit, cell: Cell, snapshot: Snapshot
) -> dict[str, object]:
    reason = _why_unknown(params, measure, cell, snapshot) if cell.unknown else None
    return {
        "quarter": str(quarter),
        "institution_id": unit[0],
        "branch_id": unit[1],
        "measure_id": measure.id,
        "source": LEDGER,
        "value": None if reason else exact_decimal(cell.total, measure),
        "rows": cell.rows,
        "reason": reason,
        "set_aside": sum(snapshot.set_aside.get(t, 0) for t in (LOANS, CUSTOMERS)),
        "revision": snapshot.revision,
    }


def _why_unknown(params: Params, measure: Measure, cell: Cell, snapshot: Snapshot) -> str:
    """Name what is missing: a table, columns, or rows with empty cells."""
    assert measure.ledger is not None
    needed = needed_columns(params, measure.ledger.where)
    if measure.ledger.of is not None:
        needed |= needed_columns(params, measure.ledger.of)
    for table in sorted({t for t, _ in needed}):
        if table in snapshot.missing:
            return snapshot.missing[table]
        if table not in snapshot.tables:
            return f"缺表：{schema.label(table)}"
    absent = sorted((t, c) for t, c in needed if c in snapshot.absent.get(t, ()))
    names = [f"{schema.label(t)}.{schema.column(t, c).label}（{c}）" for t, c in absent]
    if names:
        return MISSING_COLUMNS + "、".join(names)
    where = "、".join(sorted(f"{schema.column(t, c).label}" for t, c in needed))
    return f"{cell.unknown} 行所需内容为空，涉及：{where}"


def from_returns(
    engine: DuckDBEngine, params: Params, snapshots: Sequence[Snapshot], quarters: Iterable[Quarter]
) -> pa.Table:
    """Compute every measure that filed items suffice for, at each of the given quarters.

    A figure filed for a quarter in that quarter's own submission rules, as filed before
    restated; a comparative in a later submission is used only where there is no such.

    Returns
    -------
    pyarrow.Table
        ``results.SCHEMAS["measures"]`` rows with source ``returns``.
    """
    holders = [s for s in snapshots if "returns" in s.tables]
    quarters = list(quarters)
    lost_rows = [
        row
        for quarter in quarters
        for row in _lost_rows(
            quarter,
            [m for m in params.measures.values() if m.returns is not None],
            {s.institution_id: s for s in snapshots if s.quarter == str(quarter)},
            RETURNS,
        )
    ]
    if not holders:
        return results.from_rows("measures", lost_rows)
    source_view(engine, "returns", holders)
    wanted = {q.end: q for q in quarters}
    best = _figures_of_record(engine)
    filed: dict[tuple[Unit, Quarter], dict[str, tuple[Fraction, int]]] = defaultdict(dict)
    for (unit, item, as_of), (value, revision) in best.items():
        if as_of in wanted:
            filed[unit, wanted[as_of]][item] = (value, revision)
    rows = [
        row
        for (unit, quarter), items in sorted(
            filed.items(), key=lambda e: (str(e[0][1]), _order(e[0][0]))
        )
        for measure in params.measures.values()
        if (row := _return_row(measure, unit, quarter, items)) is not None
    ]
    # A comparative in a later submission stands in for a return that was lost.
    answered = {(r["quarter"], r["institution_id"]) for r in rows}
    lost_rows = [r for r in lost_rows if (r["quarter"], r["institution_id"]) not in answered]
    return results.from_rows("measures", rows + lost_rows)


def _figures_of_record(
    engine: DuckDBEngine,
) -> dict[tuple[Unit, str, dt.date], tuple[Fraction, int]]:
    best: dict[tuple[Unit, str, dt.date], tuple[tuple[bool, bool, str], Fraction, int]] = {}
    columns = "quarter, rev, institution_id, branch_id, item, as_of, basis, value"
    for row in engine.sql(f"SELECT {columns} FROM returns WHERE value IS NOT NULL").to_pylist():
        own = row["as_of"] == Quarter.parse(row["quarter"]).end
        rank = (own, row["basis"] == "as_filed", row["quarter"])
        key = ((row["institution_id"], row["branch_id"] or None), row["item"], row["as_of"])
        if key not in best or best[key][0] < rank:
            best[key] = (rank, Fraction(row["value"]), int(row["rev"]))
    return {key: (value, revision) for key, (_, value, revision) in best.items()}


def _return_row(
    measure: Measure, unit: Unit, quarter: Quarter, items: Mapping[str, tuple[Fraction, int]]
) -> dict[str, object] | None:
    if measure.returns is None:
        return None
    used: list[int] = []

    def lookup(_qualifier: str, item: str) -> Value:
        if item not in items:
            return NoData((f"报表缺项 {item}",))
        value, revision = items[item]
        used.append(revision)
        return value

    value = measure.returns.evaluate(lookup)
    missing = isinstance(value, NoData)
    return {
        "quarter": str(quarter),
        "institution_id": unit[0],
        "branch_id": unit[1],
        "measure_id": measure.id,
        "source": RETURNS,
        "value": None if missing else exact_decimal(value, measure),
        "rows": None,
        "reason": "；".join(value.reasons) if isinstance(value, NoData) else None,
        "revision": max(used) if used else None,
    }


def exact_decimal(value: Value, measure: Measure) -> Decimal:
    """Write an exact value as a decimal of at most eight places, never rounding.

    (``Decimal`` arithmetic would round to its context's 28 digits; text does not.)
    """
    if not isinstance(value, Fraction):
        raise ParamsError(f"指标量“{measure.id}”没有得出数值。")
    scaled = value * 10**8
    if scaled.denominator != 1:
        raise ParamsError(f"指标量“{measure.id}”得出的小数超过 8 位。")
    return Decimal(f"{scaled.numerator}E-8")


def rows_sql(params: Params, measure: Measure, quarter: Quarter, unit: Unit, limit: int) -> str:
    """SQL that lists the loans behind a unit's ledger measure, largest balance first."""
    assert measure.ledger is not None
    context = RowContext(params, quarter)
    names = ("loan_id", "customer_id", "branch_id", "amount", "balance", "drawn_on", "five_class")
    listed = ", ".join(f"l.{ident(n)}" for n in names)
    institution, branch = unit
    mine = f"l.institution_id = {quote(institution)}"
    if branch is not None:
        mine += f" AND l.branch_id = {quote(branch)}"
    return (
        f"SELECT l.quarter, l.institution_id, {listed} {facts_from(quarter)} AND {mine} "
        f"AND ({context.sql(measure.ledger.where)}) "
        f"ORDER BY l.balance DESC, l.loan_id LIMIT {limit}"
    )


def as_lookup(table: pa.Table) -> dict[tuple[str, str, str | None, str, str], dict[str, object]]:
    """Index measure rows by (quarter, institution, branch, measure, source)."""
    return {
        (r["quarter"], r["institution_id"], r["branch_id"], r["measure_id"], r["source"]): r
        for r in table.to_pylist()
    }
