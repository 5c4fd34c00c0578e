"""Measures that stand alone: registers added up, and numbers and grants among the answers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import pyarrow as pa

from puhui import results, schema
from puhui.derive import TableContext, source_view
from puhui.engine import DuckDBEngine
from puhui.engine.duckdb import plain_parquet
from puhui.measures.returns import as_number
from puhui.measures.rows import REGISTER, exact_decimal, missing_columns
from puhui.params import Measure, Params
from puhui.params.expression import NoData, Value
from puhui.params.rows import REGISTERS, Attested
from puhui.quarter import Quarter
from puhui.store import Snapshot

ANSWERS = "attestations"
YES = "是"

# Columns that a join adds to a register, by table.
_JOINED = {
    "applications": (
        "SELECT t.*, EXISTS (SELECT 1 FROM deferrals d WHERE d.quarter = t.quarter "
        "AND d.institution_id = t.institution_id AND d.loan_id = t.loan_id "
        "AND d.ended_on IS NOT NULL) AS after_deferral FROM applications t"
    ),
}


def rows_from(table: str) -> str:
    """SQL of a register's rows, from views of the tables as sent, with what joins add."""
    return _JOINED.get(table, f"SELECT * FROM {table}")


#: What such a join looks into: without that register and column the joined one is not known.
_LOOKED_INTO = {"applications": ("deferrals", "ended_on")}


def from_registers(
    engine: DuckDBEngine,
    params: Params,
    snapshots: Sequence[Snapshot],
    quarters: Iterable[Quarter],
    *,
    supervisor: Snapshot | None = None,
) -> pa.Table:
    """Compute every measure of registers and answers, at each of the given quarters.

    A register that was not sent gives no value and says so; one sent without rows gives
    zero. The supervisor's own registers (plans, key firms) hold for its whole year.

    Parameters
    ----------
    supervisor
        The supervisor's snapshot of the run.

    Returns
    -------
    pyarrow.Table
        ``results.SCHEMAS["measures"]`` rows with source ``register``.
    """
    measures = list(params.measures.values())
    rows: list[dict[str, object]] = []
    for quarter in quarters:
        mine = [s for s in snapshots if s.quarter == str(quarter)]
        work = _Work(engine, params, quarter, mine, supervisor)
        for measure in measures:
            if measure.register is not None:
                rows += work.added_up(measure)
            elif measure.attested is not None:
                rows += work.answered(measure)
    return results.from_rows("measures", rows)


#: Total, rows counted, rows left unknown.
_Cell = tuple[Fraction, int, int]


@dataclass
class _Sent:
    """One institution's rows of a register, or why there are none."""

    institution: str
    revision: int
    reason: str | None
    absent: tuple[str, ...] = ()
    beside: str | None = None
    """Why columns joined from another register are not known."""


class _Work:
    """The registers of one quarter."""

    def __init__(
        self,
        engine: DuckDBEngine,
        params: Params,
        quarter: Quarter,
        snapshots: Sequence[Snapshot],
        supervisor: Snapshot | None,
    ) -> None:
        self.engine, self.params, self.quarter = engine, params, quarter
        self.snapshots = sorted(snapshots, key=lambda s: s.institution_id)
        self.supervisor = supervisor
        self._ready: dict[str, bool] = {}
        self._answers: dict[str, dict[str, Mapping[str, object]]] | None = None

    def _of_office(self, table: str) -> bool:
        """Whether the rows come from the supervisor's own table."""
        return self.supervisor is not None and table in self.supervisor.tables

    def _sent(self, table: str) -> list[_Sent]:
        if self._of_office(table):
            assert self.supervisor is not None
            year = Quarter.parse(self.supervisor.quarter).year
            late = f"{self.supervisor.quarter}的{schema.label(table)}只管{year}年"
            reason = None if self.quarter.year == year else late
            absent = self.supervisor.absent.get(table, ())
            office = self.supervisor.revision
            return [_Sent(s.institution_id, office, reason, absent) for s in self.snapshots]
        return [
            _Sent(
                s.institution_id,
                s.revision,
                None if table in s.tables else _why_absent(s, table),
                s.absent.get(table, ()),
                _why_not_joined(s, table),
            )
            for s in self.snapshots
        ]

    def _view(self, table: str) -> str:
        """Make the view a register is added up from; returns its name."""
        name = f"register_{table}"
        if name not in self._ready:
            if self._of_office(table):
                assert self.supervisor is not None
                # The office's own files name the institution of each row.
                rows = f"SELECT * FROM {plain_parquet([self.supervisor.file(table)])}"
            else:
                for one in (table, "deferrals") if table in _JOINED else (table,):
                    source_view(self.engine, one, [s for s in self.snapshots if one in s.tables])
                rows = rows_from(table)
            self.engine.view(name, rows)
            self._ready[name] = True
        return name

    def added_up(self, measure: Measure) -> list[dict[str, object]]:
        """Rows of a measure added up from a register."""
        assert measure.register is not None
        table = measure.register.table
        found = self._aggregates(measure)
        rows = []
        for sent in self._sent(table):
            reason = sent.reason or _lacking(measure, sent)
            units: list[str | None] = [None]
            if reason is None:
                units += sorted(b for i, b in found if i == sent.institution and b is not None)
            for branch in units:
                cell = found.get((sent.institution, branch), (Fraction(0), 0, 0))
                rows.append(self._row(measure, sent, branch, cell, reason))
        return rows

    def _aggregates(
        self, measure: Measure
    ) -> dict[tuple[str, str | None], tuple[Fraction, int, int]]:
        """Total, rows counted and rows unknown, by institution and branch."""
        assert measure.register is not None
        register, context = measure.register, TableContext(self.params, self.quarter)
        view = self._view(register.table)
        branched = "branch_id" in {c.name for c in schema.columns(register.table)}
        own_only = any(c.name == "branch_id" and c.optional for c in schema.columns(register.table))
        branch = "t.branch_id" if branched else "NULL"
        value = "1" if register.of is None else context.sql(register.of)
        if register.aggregate == "customers":
            value = "t.customer_id"
        columns = f"t.institution_id, {branch} AS branch_id, {value} AS v"
        found: dict[tuple[str, str | None], _Cell] = {}
        for level in ("branch_id", "NULL") if branched and not own_only else ("branch_id",):
            total = "count(DISTINCT v)" if register.aggregate == "customers" else "sum(v)"
            sql = (
                f"SELECT institution_id, {level} AS branch_id, {total} FILTER (WHERE c) AS s, "
                "count(*) FILTER (WHERE c) AS n, "
                "count(*) FILTER (WHERE c IS NULL OR (c AND v IS NULL)) AS u "
                f"FROM (SELECT {columns}, {context.sql(register.where)} AS c FROM {view} t) AS x "
                f"GROUP BY institution_id{', branch_id' if level == 'branch_id' else ''}"
            )
            for row in self.engine.sql(sql).to_pylist():
                key = (row["institution_id"], row["branch_id"] or None)
                found[key] = (Fraction(row["s"] or 0), int(row["n"]), int(row["u"]))
        return found

    def _row(
        self,
        measure: Measure,
        sent: _Sent,
        branch: str | None,
        cell: _Cell,
        reason: str | None,
    ) -> dict[str, object]:
        total, count, unknown = cell
        if reason is None and unknown:
            assert measure.register is not None
            reason = f"{schema.label(measure.register.table)}有 {unknown} 行内容不全"
        return {
            "quarter": str(self.quarter),
            "institution_id": sent.institution,
            "branch_id": branch,
            "measure_id": measure.id,
            "source": REGISTER,
            "value": None if reason else exact_decimal(total, measure),
            "rows": None if reason else count,
            "reason": reason,
            "revision": sent.revision,
        }

    def answers(self) -> dict[str, dict[str, Mapping[str, object]]]:
        """Answers by institution and item."""
        if self._answers is None:
            source_view(self.engine, ANSWERS, [s for s in self.snapshots if ANSWERS in s.tables])
            found: dict[str, dict[str, Mapping[str, object]]] = defaultdict(dict)
            for row in self.engine.sql(f"SELECT * FROM {ANSWERS}").to_pylist():
                found[row["institution_id"]][row["item"]] = row
            self._answers = found
        return self._answers

    def answered(self, measure: Measure) -> list[dict[str, object]]:
        """Rows of a measure answered as a number, or granted by a document."""
        rows: list[dict[str, object]] = []
        for sent in self._sent(ANSWERS):
            value: Value = NoData((sent.reason or "",))
            if sent.reason is None:
                value = _answer(measure, self.answers().get(sent.institution, {}))
            missing = isinstance(value, NoData)
            rows.append(
                {
                    "quarter": str(self.quarter),
                    "institution_id": sent.institution,
                    "measure_id": measure.id,
                    "source": REGISTER,
                    "value": None if missing else exact_decimal(value, measure),
                    "reason": "；".join(value.reasons) if isinstance(value, NoData) else None,
                    "revision": sent.revision,
                }
            )
        return rows


def _why_absent(snapshot: Snapshot, table: str) -> str:
    return snapshot.missing.get(table) or f"缺表：{schema.label(table)}"


def _why_not_joined(snapshot: Snapshot, table: str) -> str | None:
    """Say why what a join looks into was not sent; missing is never "no such row"."""
    if table not in _LOOKED_INTO:
        return None
    other, column = _LOOKED_INTO[table]
    if other not in snapshot.tables:
        return _why_absent(snapshot, other)
    absent = column in snapshot.absent.get(other, ())
    return missing_columns([(other, column)]) if absent else None


def _lacking(measure: Measure, sent: _Sent) -> str | None:
    """Name columns a register measure cannot do without and the submission lacks."""
    register = measure.register
    assert register is not None
    joined = REGISTERS[register.table]
    if sent.beside and any(q == "" and n in joined for q, n in register.where.columns):
        return sent.beside
    names = {n for q, n in register.where.columns if q == "" and n not in joined}
    if register.of is not None:
        names |= {n for q, n in register.of.columns if q == ""}
    absent = sorted(n for n in names if n in sent.absent)
    return missing_columns([(register.table, n) for n in absent]) if absent else None


def _answer(measure: Measure, given: Mapping[str, Mapping[str, object]]) -> Value:
    attested = measure.attested
    assert attested is not None
    if attested.granted:
        row = given.get(attested.granted)
        yes = row is not None and row["value"] == YES and bool(row.get("document_no"))
        return Fraction(int(yes))
    if attested.number is not None:
        return attested.number.evaluate(lambda _, item: _number(given, item))
    return _least(attested, given)


def _least(attested: Attested, given: Mapping[str, Mapping[str, object]]) -> Value:
    """Return the smallest of numbers that begin alike; one of a pair alone is not enough."""
    heads = [f"{head}." for head in (attested.least, attested.minus) if head]
    tails = {i.removeprefix(h) for h in heads for i in given if i.startswith(h)}
    if not any(f"{heads[0]}{tail}" in given for tail in tails):
        return NoData((f"答卷缺 {heads[0]}*",))
    values: list[Fraction] = []
    for tail in sorted(tails):
        numbers = [_number(given, f"{head}{tail}") for head in heads]
        known = [n for n in numbers if isinstance(n, Fraction)]
        if len(known) < len(numbers):
            return NoData.merge(numbers)
        values.append(known[0] - sum(known[1:]))
    return min(values)


def _number(given: Mapping[str, Mapping[str, object]], item: str) -> Value:
    row = given.get(item)
    if row is None:
        return NoData((f"答卷缺 {item}",))
    number = as_number(str(row["value"]))
    return NoData((f"答卷 {item} 的回答“{row['value']}”不是数",)) if number is None else number
