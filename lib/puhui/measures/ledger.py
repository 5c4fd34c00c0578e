"""Measures from loan ledgers: two scans of a quarter, whatever the number of measures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pyarrow as pa

from puhui import results, schema
from puhui.derive import (
    CUSTOMERS,
    LOANS,
    REGISTER_VIEW,
    RowContext,
    asked_present,
    needed_columns,
    parquet_view,
    source_view,
)
from puhui.engine import DuckDBEngine
from puhui.engine.duckdb import quote
from puhui.measures.planning import Plan, customers_sql, passes, plan, sums_sql
from puhui.measures.rows import LEDGER, Unit, exact_decimal, lost_rows, missing_columns, order
from puhui.params import Measure, Params
from puhui.quarter import Quarter
from puhui.store import Snapshot

_ASIDE = "quarantined_loans"


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


#: What each measure could gain from quarantined loans; ``None`` where amounts cannot be read.
Gains = Mapping[str, Decimal | None]


def from_ledgers(
    engine: DuckDBEngine,
    params: Params,
    snapshots: Sequence[Snapshot],
    quarter: Quarter,
    *,
    register: pa.Table | None = None,
) -> pa.Table:
    """Compute every ledger measure of one quarter for institutions that sent a ledger.

    Parameters
    ----------
    engine
        Engine that may read the store.
    snapshots
        The snapshots of ``quarter`` (one per institution).
    register
        ``institution_id`` and ``county_code`` of institutions; who is not in it has none.

    Returns
    -------
    pyarrow.Table
        ``results.SCHEMAS["measures"]``; one row per institution or branch and measure.
    """
    mine = {s.institution_id: s for s in snapshots if s.quarter == str(quarter)}
    ledgers = {i: s for i, s in mine.items() if LOANS in s.tables}
    measures = [m for m in params.measures.values() if m.ledger is not None]
    lost = lost_rows(quarter, measures, mine, LEDGER, LOANS)
    if not ledgers or not measures:
        return results.from_rows("measures", lost)
    source_view(engine, LOANS, list(ledgers.values()))
    source_view(engine, CUSTOMERS, list(ledgers.values()))
    engine.register(REGISTER_VIEW, _county_codes(register))
    cells: dict[tuple[str, Unit], Cell] = defaultdict(Cell)
    for batch in passes(measures):
        _collect(engine, params, quarter, batch, cells)
    about = _About(
        params,
        quarter,
        ledgers,
        _asides(engine, params, quarter, measures, list(ledgers.values())),
        _narrow_lines(engine, quarter),
    )
    units = sorted({u for _, u in cells} | {(i, None) for i in ledgers}, key=order)
    rows = [about.row(m, unit, cells[m.id, unit]) for unit in units for m in measures]
    return results.from_rows("measures", rows + lost)


def _county_codes(register: pa.Table | None) -> pa.Table:
    names = ["institution_id", "county_code"]
    empty = pa.schema([(n, pa.string()) for n in names]).empty_table()
    return empty if register is None else register.select(names).cast(empty.schema)


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
    if made.counted:
        for row in engine.sql(customers_sql(made, quarter)).to_pylist():
            _add_customers(made, measures, row, cells)


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
    hold, unknown, count = int(row["m"]), int(row["u"]), int(row["n"])
    for measure in measures:
        assert measure.ledger is not None
        if measure.ledger.aggregate == "customers":
            continue
        condition, summed = made.of[measure.id]
        hit, unsure = bool(hold >> condition & 1), bool(unknown >> condition & 1)
        if not hit and not unsure:
            continue
        total: Decimal | int | None = count
        missing = count if unsure else 0
        if summed is not None:
            total = row[f"s{summed}"]
            missing = count if unsure else count - int(row[f"n{summed}"])
        for unit in _units(row):
            cells[measure.id, unit].add(total if hit else 0, count if hit else 0, missing)


def _add_customers(
    made: Plan,
    measures: Sequence[Measure],
    row: Mapping[str, Any],
    cells: dict[tuple[str, Unit], Cell],
) -> None:
    hold, unknown, count = int(row["m"]), int(row["u"]), int(row["n"])
    branch = None if row["branch_id"] is None else str(row["branch_id"])
    unit: Unit = (str(row["institution_id"]), branch if row["at_branch"] else None)
    if row["at_branch"] and branch is None:
        return
    for measure in measures:
        assert measure.ledger is not None
        if measure.ledger.aggregate != "customers":
            continue
        condition = made.of[measure.id][0]
        if hold >> condition & 1:
            cells[measure.id, unit].add(count, count, 0)
        elif unknown >> condition & 1:
            cells[measure.id, unit].add(0, 0, count)


def _asides(
    engine: DuckDBEngine,
    params: Params,
    quarter: Quarter,
    measures: Sequence[Measure],
    snapshots: Sequence[Snapshot],
) -> dict[str, Gains]:
    """What quarantined loans could add to each measure, by institution."""
    files = [s.file(_ASIDE) for s in snapshots if s.file(_ASIDE).is_file()]
    if not files:
        return {}
    parquet_view(engine, _ASIDE, files)
    context = RowContext(params, quarter)
    gains: dict[str, str] = {}
    for measure in measures:
        of = measure.ledger.of if measure.ledger is not None else None
        if of is None:
            gains[measure.id] = "1"
        elif all(table == LOANS for table, _ in needed_columns(params, of)):
            gains[measure.id] = context.sql(of)
    columns = [f"sum({v}) AS s{i}, count({v}) AS n{i}" for i, v in enumerate(gains.values())]
    found = engine.sql(
        f"SELECT l.institution_id, count(*) AS n, {', '.join(columns)} FROM {_ASIDE} l "
        f"WHERE l.quarter = {quote(str(quarter))} GROUP BY l.institution_id"
    )
    return {
        str(row["institution_id"]): {
            measure: Decimal(row[f"s{i}"]) if row[f"n{i}"] == row["n"] else None
            for i, measure in enumerate(gains)
        }
        for row in found.to_pylist()
    }


def _narrow_lines(engine: DuckDBEngine, quarter: Quarter) -> dict[str, int]:
    """Customers whose line is the reporting unit's only, by institution."""
    found = engine.sql(
        f"SELECT institution_id, count(*) AS n FROM {CUSTOMERS} WHERE quarter = "
        f"{quote(str(quarter))} AND credit_line_scope = 'reporting_unit' GROUP BY institution_id"
    )
    return {str(r["institution_id"]): int(r["n"]) for r in found.to_pylist()}


@dataclass(frozen=True)
class _About:
    """What a measure row says beside its value."""

    params: Params
    quarter: Quarter
    snapshots: Mapping[str, Snapshot]
    asides: Mapping[str, Gains]
    narrow: Mapping[str, int]

    def row(self, measure: Measure, unit: Unit, cell: Cell) -> dict[str, object]:
        """Return the measure row of one unit."""
        snapshot = self.snapshots[unit[0]]
        reason = self._why_unknown(measure, cell, snapshot)
        aside = self.asides.get(unit[0])
        return {
            "quarter": str(self.quarter),
            "institution_id": unit[0],
            "branch_id": unit[1],
            "measure_id": measure.id,
            "source": LEDGER,
            "value": None if reason else exact_decimal(cell.total, measure),
            "rows": cell.rows,
            "reason": reason,
            "set_aside": sum(snapshot.set_aside.get(t, 0) for t in (LOANS, CUSTOMERS)),
            "aside_gain": aside.get(measure.id) if aside is not None else None,
            "doubt": self._doubt(measure, unit[0]),
            "revision": snapshot.revision,
        }

    def _doubt(self, measure: Measure, institution: str) -> str | None:
        count = self.narrow.get(institution, 0)
        if not count or (CUSTOMERS, "credit_line") not in self._needed(measure):
            return None
        return f"{count} 户的授信额度只统计了填报机构，不是法人全行口径"

    def _needed(self, measure: Measure) -> frozenset[tuple[str, str]]:
        assert measure.ledger is not None
        needed = needed_columns(self.params, measure.ledger.where)
        if measure.ledger.of is not None:
            needed |= needed_columns(self.params, measure.ledger.of)
        return needed

    def _why_unknown(self, measure: Measure, cell: Cell, snapshot: Snapshot) -> str | None:
        """Name what is missing: a table, columns, or rows with empty cells."""
        assert measure.ledger is not None
        must_be_there = asked_present(self.params, measure.ledger.where)
        lacking = sorted((t, c) for t, c in must_be_there if c in snapshot.absent.get(t, ()))
        if lacking:
            return missing_columns(lacking)
        if not cell.unknown:
            return None
        needed = self._needed(measure)
        for table in sorted({t for t, _ in needed}):
            if table in snapshot.missing:
                return snapshot.missing[table]
            if table not in snapshot.tables:
                return f"缺表：{schema.label(table)}"
        absent = sorted((t, c) for t, c in needed if c in snapshot.absent.get(t, ()))
        if absent:
            return missing_columns(absent)
        where = "、".join(sorted(f"{schema.column(t, c).label}" for t, c in needed))
        return f"{cell.unknown} 行所需内容为空，涉及：{where}"
