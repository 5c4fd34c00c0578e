"""Measures from loan ledgers: each loan read once, whatever the number of measures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

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
from puhui.engine import Engine
from puhui.engine.duckdb import quote
from puhui.errors import ParamsError
from puhui.measures.planning import (
    MARKS,
    Plan,
    Word,
    customers_sql,
    marks_sql,
    passes,
    plan,
    sums_sql,
)
from puhui.measures.rows import LEDGER, Unit, lost_rows, missing_columns, order
from puhui.params import Measure, Params
from puhui.quarter import Quarter
from puhui.store import Snapshot

_ASIDE = "quarantined_loans"


@dataclass(frozen=True)
class Cells:
    """One measure's aggregates by unit: exact totals, rows that meet it, rows left unknown."""

    total: pa.Array
    rows: pa.Array
    unknown: pa.Array


#: What each measure could gain from quarantined loans; ``None`` where amounts cannot be read.
Gains = Mapping[str, Decimal | None]


def from_ledgers(
    engine: Engine,
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
    sent = list(ledgers.values())
    engine.register(REGISTER_VIEW, _register_entries(sent, register))
    done = [_pass(engine, params, quarter, batch, sent) for batch in passes(measures)]
    met = {unit for one in done for unit in one.units()}
    units = sorted(met | {(i, None) for i in ledgers}, key=order)
    about = _About(
        params,
        quarter,
        ledgers,
        _asides(engine, params, quarter, measures, sent),
        _narrow_lines(engine, quarter, sent),
        units,
    )
    parts = [about.rows(*measured) for one in done for measured in one.cells(units)]
    by_measure = pa.concat_tables(parts)
    by_unit = np.arange(len(by_measure)).reshape(len(parts), len(units)).T.ravel()
    return pa.concat_tables([by_measure.take(by_unit), results.from_rows("measures", lost)])


def _register_entries(ledgers: Sequence[Snapshot], register: pa.Table | None) -> pa.Table:
    """Institutions that sent a ledger with their number here and their county."""
    codes = {} if register is None else _columns(register, "institution_id", "county_code")
    names = [s.institution_id for s in ledgers]
    return pa.table(
        {
            "institution_id": pa.array(names, pa.string()),
            "institution_no": pa.array(range(len(names)), pa.int32()),
            "county_code": pa.array([codes.get(n) for n in names], pa.string()),
        }
    )


def _columns(table: pa.Table, key: str, value: str) -> dict[object, object]:
    return dict(zip(table[key].to_pylist(), table[value].to_pylist(), strict=True))


@dataclass(frozen=True)
class _Layer:
    """Aggregates of a query by unit: a row for each in ``at``."""

    table: pa.Table
    at: Mapping[Unit, int]

    def of(self, units: Sequence[Unit]) -> Callable[[str], pa.Array]:
        """Return what gives a column for each of the units; 0 where the query had none."""
        index = pa.array([self.at.get(unit) for unit in units], pa.int64())
        return lambda name: pc.fill_null(self.table[name].combine_chunks().take(index), 0)


@dataclass(frozen=True)
class _Pass:
    """What one pass over the ledgers gave.

    Columns are those of :func:`sums_sql`, by word, and of :func:`customers_sql`.
    """

    made: Plan
    measures: Sequence[Measure]
    sums: Mapping[Word, _Layer]
    customers: _Layer

    def units(self) -> set[Unit]:
        """Units that have a row in some layer."""
        return {u for layer in (*self.sums.values(), self.customers) for u in layer.at}

    def cells(self, units: Sequence[Unit]) -> Iterator[tuple[Measure, Cells]]:
        """Yield the measures with their aggregates for each of the units."""
        counted = self.customers.of(units)
        summed = {
            (c, word.summed): layer_of
            for word, layer in self.sums.items()
            for layer_of in [layer.of(units)]
            for c in word.conditions
        }
        for measure in self.measures:
            assert measure.ledger is not None
            c, of = self.made.of[measure.id]
            column = counted if measure.ledger.aggregate == "customers" else summed[c, of]
            rows, unknown = column(f"r{c}"), column(f"u{c}")
            if of is None:
                yield measure, Cells(_exact(rows, measure), rows, unknown)
            else:
                empty = pc.subtract(rows, column(f"n{c}"))
                total = _exact(column(f"t{c}"), measure)
                yield measure, Cells(total, rows, pc.add(unknown, empty))


def _pass(
    engine: Engine,
    params: Params,
    quarter: Quarter,
    measures: Sequence[Measure],
    ledgers: Sequence[Snapshot],
) -> _Pass:
    made = plan(params, quarter, measures, dialect=engine.dialect)
    queries: dict[Word | None, str] = {word: sums_sql(made, word) for word in made.words()}
    if made.counted:
        queries[None] = customers_sql(made)
    found: dict[Word | None, list[pa.Table]] = {which: [] for which in queries}
    for some in _portions(ledgers, engine.rows_at_once):
        source_view(engine, LOANS, some)
        source_view(engine, CUSTOMERS, some)
        engine.table(MARKS, marks_sql(made, quarter))
        for which, sql in queries.items():
            found[which].append(_counts_as_int64(engine.sql(sql)))
    engine.table(MARKS, "SELECT 0 AS m")  # lets go of the last portion's memory
    layers = {which: _layer(pa.concat_tables(t), ledgers) for which, t in found.items()}
    customers = layers.pop(None, _Layer(pa.table({}), {}))
    return _Pass(made, measures, {w: v for w, v in layers.items() if w is not None}, customers)


def _portions(ledgers: Sequence[Snapshot], rows: int | None) -> Iterator[list[Snapshot]]:
    """Split institutions so that no portion but a single institution's has more loans."""
    portion: list[Snapshot] = []
    taken = 0
    for snapshot in ledgers:
        size = pq.read_metadata(snapshot.file(LOANS)).num_rows if rows is not None else 0
        if portion and rows is not None and taken + size > rows:
            yield portion
            portion, taken = [], 0
        portion.append(snapshot)
        taken += size
    yield portion


def _counts_as_int64(table: pa.Table) -> pa.Table:
    """Give counts one type, whatever an engine makes of the sum of counts."""
    fields = [pa.field(f.name, pa.int64()) if f.name[0] in "nru" else f for f in table.schema]
    return table.cast(pa.schema(fields))


def _layer(table: pa.Table, ledgers: Sequence[Snapshot]) -> _Layer:
    """Find the row of each unit; loans without a branch are the institution's only."""
    numbers = (table[n].to_pylist() for n in ("institution_no", "branch_no", "whole"))
    at: dict[Unit, int] = {}
    for row, (institution, branch, whole) in enumerate(zip(*numbers, strict=True)):
        snapshot = ledgers[institution]
        if whole:
            at[snapshot.institution_id, None] = row
        elif branch is not None:
            at[snapshot.institution_id, snapshot.branches[branch]] = row
    return _Layer(table, at)


def _exact(values: pa.Array, measure: Measure) -> pa.Array:
    """Totals as DECIMAL(38,8), never rounded."""
    try:
        return values.cast(results.SCHEMAS["measures"].field("value").type)
    except pa.ArrowInvalid as error:
        raise ParamsError(f"指标量“{measure.id}”得出的数超过 38 位，或小数超过 8 位。") from error


def _asides(
    engine: Engine,
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
    context = RowContext(params, quarter, engine.dialect)
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


def _narrow_lines(engine: Engine, quarter: Quarter, ledgers: Sequence[Snapshot]) -> dict[str, int]:
    """Customers whose line is the reporting unit's only, by institution."""
    source_view(engine, CUSTOMERS, ledgers)
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
    units: Sequence[Unit]

    def rows(self, measure: Measure, cells: Cells) -> pa.Table:
        """Return a measure's rows, one for each unit in order."""
        reasons = self._reasons(measure, cells)
        known = pa.array([reason is None for reason in reasons])
        size = len(self.units)
        by_institution: dict[str, Callable[[str], object]] = {
            "set_aside": lambda i: sum(
                self.snapshots[i].set_aside.get(t, 0) for t in (LOANS, CUSTOMERS)
            ),
            "aside_gain": lambda i: self.asides[i].get(measure.id) if i in self.asides else None,
            "doubt": lambda i: self._doubt(measure, i),
            "revision": lambda i: self.snapshots[i].revision,
        }
        columns: dict[str, object] = {
            "quarter": [str(self.quarter)] * size,
            "institution_id": [institution for institution, _ in self.units],
            "branch_id": [branch for _, branch in self.units],
            "measure_id": [measure.id] * size,
            "source": [LEDGER] * size,
            "value": pc.if_else(known, cells.total, pa.scalar(None, cells.total.type)),
            "rows": cells.rows,
            "reason": reasons,
            "slack": [None] * size,
        }
        for name, said in by_institution.items():
            of = {i: said(i) for i in self.snapshots}
            columns[name] = [of[institution] for institution, _ in self.units]
        schema = results.SCHEMAS["measures"]
        return pa.table({n: columns[n] for n in schema.names}, schema)

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

    def _reasons(self, measure: Measure, cells: Cells) -> list[str | None]:
        """Name what is missing, by unit: a table, columns, or rows with empty cells."""
        assert measure.ledger is not None
        must_be_there = asked_present(self.params, measure.ledger.where)
        lacking = {
            institution: missing_columns(absent)
            for institution, snapshot in self.snapshots.items()
            if (absent := _absent(must_be_there, snapshot))
        }
        needed = self._needed(measure)
        counts = cells.unknown.to_pylist()
        return [
            lacking.get(unit[0])
            or (_why_unknown(needed, count, self.snapshots[unit[0]]) if count else None)
            for unit, count in zip(self.units, counts, strict=True)
        ]


def _absent(columns: Iterable[tuple[str, str]], snapshot: Snapshot) -> list[tuple[str, str]]:
    return sorted((t, c) for t, c in columns if c in snapshot.absent.get(t, ()))


def _why_unknown(needed: frozenset[tuple[str, str]], count: int, snapshot: Snapshot) -> str:
    """Say why rows are left unknown."""
    for table in sorted({t for t, _ in needed}):
        if table in snapshot.missing:
            return snapshot.missing[table]
        if table not in snapshot.tables:
            return f"缺表：{schema.label(table)}"
    absent = _absent(needed, snapshot)
    if absent:
        return missing_columns(absent)
    where = "、".join(sorted(f"{schema.column(t, c).label}" for t, c in needed))
    return f"{count} 行所需内容为空，涉及：{where}"
