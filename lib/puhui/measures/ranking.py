"""Medians and percentiles among a register's rows, exact.

The engine counts equal values; the rank is found on those counts, so that nothing is rounded
and the size of the register does not matter. A median may lie half-way between two values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import pyarrow as pa

from puhui import results
from puhui.derive import CUSTOMERS, RowContext, source_view
from puhui.engine import Engine
from puhui.engine.duckdb import ident, quote
from puhui.measures.gaps import needed, why_absent, why_unknown
from puhui.measures.rows import REGISTER, exact_decimal, missing_columns
from puhui.params import Measure, Params
from puhui.params.expression import Expression
from puhui.params.worked import Ranked
from puhui.quarter import Quarter
from puhui.store import Snapshot

_EMPTY = "没有符合条件的行"


@dataclass
class Counts:
    """How often each value occurs among the rows that meet the condition."""

    of: dict[Fraction, int] = field(default_factory=dict)
    unknown: int = 0

    @property
    def rows(self) -> int:
        """Rows that meet the condition."""
        return sum(self.of.values())

    def at(self, rank: int) -> Fraction | None:
        """Value of the row of a rank (1: the smallest); ``None`` beyond the last."""
        seen = 0
        for value in sorted(self.of):
            seen += self.of[value]
            if seen >= rank:
                return value
        return None

    def give(self, gives: str, *, beyond: int = 0) -> Fraction | None:
        """Count, median or percentile.

        Parameters
        ----------
        beyond
            Further rows, whose values are larger than all others.

        Returns
        -------
        Fraction or None
            ``None`` of no rows, and where the rank falls to a row beyond.

        Examples
        --------
        >>> days = Counts({Fraction(3): 1, Fraction(4): 1})
        >>> days.give("median"), days.give("p90"), days.give("median", beyond=1)
        (Fraction(7, 2), Fraction(4, 1), Fraction(4, 1))
        """
        n = self.rows + beyond
        if gives == "count":
            return Fraction(n)
        if gives == "median":
            ends = self.at((n + 1) // 2), self.at(n // 2 + 1)
            return None if ends[0] is None or ends[1] is None else (ends[0] + ends[1]) / 2
        return self.at(-(-n * int(gives[1:]) // 100))


def from_ranks(
    engine: Engine, params: Params, snapshots: Sequence[Snapshot], quarter: Quarter
) -> pa.Table:
    """Compute the measures of ranks over registers, for one quarter.

    Returns
    -------
    pyarrow.Table
        ``results.SCHEMAS["measures"]`` rows of institutions with source ``register``. A
        register that was not sent gives no value; one sent without rows counts zero.
    """
    mine = sorted(
        (s for s in snapshots if s.quarter == str(quarter)), key=lambda s: s.institution_id
    )
    rows: list[dict[str, object]] = []
    seen: dict[tuple[str, Expression, Expression], Mapping[str, Counts]] = {}
    for measure in params.measures.values():
        spec = measure.ranked
        if spec is None:
            continue
        key = (spec.table, spec.of, spec.where)
        if key not in seen:
            seen[key] = _counts(engine, params, mine, quarter, spec)
        rows += [_row(params, measure, spec, quarter, s, seen[key]) for s in mine]
    return results.from_rows("measures", rows)


def _counts(
    engine: Engine, params: Params, snapshots: Sequence[Snapshot], quarter: Quarter, spec: Ranked
) -> Mapping[str, Counts]:
    """Values counted, and rows that cannot be judged, by institution."""
    for table in (spec.table, CUSTOMERS):
        source_view(engine, table, [s for s in snapshots if table in s.tables])
    found: dict[str, Counts] = {}
    for row in engine.sql(counts_sql(params, quarter, spec, engine.dialect)).to_pylist():
        counts = found.setdefault(row["institution_id"], Counts())
        if row["known"]:
            counts.of[Fraction(row["v"])] = int(row["n"])
        else:
            counts.unknown += int(row["n"])
    return found


def counts_sql(params: Params, quarter: Quarter, spec: Ranked, dialect: str = "duckdb") -> str:
    """SQL that counts equal values by institution, and rows of which something is not known."""
    context = RowContext(params, quarter, dialect)

    def resolve(qualifier: str, name: str) -> str:
        if qualifier == "" and name not in params.derived:
            return f"t.{ident(name)}"
        return context.resolve(qualifier, name)

    value, where = (e.sql(resolve, dialect=dialect) for e in (spec.of, spec.where))
    joined = ""
    if any(table == CUSTOMERS for table, _ in needed(params, spec.expressions, spec.tables)):
        joined = (
            f"LEFT JOIN {CUSTOMERS} c ON c.quarter = t.quarter AND "
            "c.institution_id = t.institution_id AND c.customer_id = t.customer_id "
        )
    rows = (
        f"SELECT t.institution_id AS institution_id, {value} AS v, {where} AS w "
        f"FROM {spec.table} t {joined}WHERE t.quarter = {quote(str(quarter))}"
    )
    known = "SELECT institution_id, v, w IS NOT NULL AND v IS NOT NULL AS known"
    return (
        "SELECT institution_id, v, known, count(*) AS n FROM "
        f"({known} FROM ({rows}) AS valued WHERE w IS NULL OR w) AS ranked "
        "GROUP BY institution_id, v, known"
    )


def _row(
    params: Params,
    measure: Measure,
    spec: Ranked,
    quarter: Quarter,
    snapshot: Snapshot,
    found: Mapping[str, Counts],
) -> dict[str, object]:
    counts = found.get(snapshot.institution_id, Counts())
    reason = _why_not(params, spec, snapshot, counts)
    value = None if reason else counts.give(spec.gives)
    if value is None:
        reason = reason or _EMPTY
    aside = snapshot.set_aside.get(spec.table, 0)
    most = counts.give(spec.gives, beyond=aside)
    gain = None if value is None or most is None else exact_decimal(most - value, measure)
    return {
        "quarter": str(quarter),
        "institution_id": snapshot.institution_id,
        "measure_id": measure.id,
        "source": REGISTER,
        "value": None if value is None else exact_decimal(value, measure),
        "rows": None if value is None else counts.rows,
        "reason": reason,
        "set_aside": aside,
        "aside_gain": gain,
        "revision": snapshot.revision,
    }


def _why_not(params: Params, spec: Ranked, snapshot: Snapshot, counts: Counts) -> str | None:
    """Why there is no value: a register, a column of it, or what rows lack."""
    if spec.table not in snapshot.tables:
        return why_absent(snapshot, spec.table)
    asked = needed(params, spec.expressions, spec.tables)
    absent = snapshot.absent.get(spec.table, ())
    lacking = sorted((t, c) for t, c in asked if t == spec.table and c in absent)
    if lacking:
        return missing_columns(lacking)
    return why_unknown(snapshot, asked, counts.unknown) if counts.unknown else None
