"""Derived views over snapshots: scope, NPL, term and benchmark, by the policy in force.

Nothing derived is ever stored in a snapshot. Each quarter's rows are derived with the
policy of that quarter's end, so that re-running an old quarter gives the old judgement.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from puhui import schema
from puhui.engine import Engine
from puhui.engine.duckdb import ident, quote
from puhui.errors import ParamsError
from puhui.params import Params
from puhui.params.expression import Expression, literal_sql
from puhui.params.rows import OF_INSTITUTION
from puhui.quarter import Quarter
from puhui.store import NUMBERED, Snapshot

LOANS = "loans"
CUSTOMERS = "customers"
FACTS = "loan_facts"
REGISTER_VIEW = "institution_register"
_STEPS = "benchmark_steps"

#: Customer columns a loan row carries; loans and customers share no other names.
_CUSTOMER_COLUMNS = tuple(
    c.name for c in schema.columns(CUSTOMERS) if c.name not in ("institution_id", "customer_id")
)


@dataclass(frozen=True)
class RowContext:
    """Resolves names in row expressions for one quarter into SQL.

    Unqualified names are loan columns or derived columns, ``customer.x`` the customer's,
    ``policy.x`` the setting in force at the quarter's end, ``period.year_start`` and
    ``period.end`` the dates of the quarter, ``period.window_start`` the first day of the
    run's window of rates, ``institution.county_code`` the register's.
    """

    params: Params
    quarter: Quarter
    dialect: str = "duckdb"
    customer: str = "c"
    """Alias of the customer's columns."""

    def resolve(self, qualifier: str, name: str) -> str:
        """Return the SQL for a name; raises :class:`ParamsError` for one that is not known."""
        if qualifier == "customer" and name in _CUSTOMER_COLUMNS:
            return f"{self.customer}.{ident(name)}"
        if qualifier in ("policy", "period"):
            return _setting(self, qualifier, name)
        if qualifier == "institution" and name in OF_INSTITUTION:
            return f"i.{ident(name)}"
        if qualifier == "":
            if name in self.params.derived:
                return f"({self.sql(self.params.derived[name].expression)})"
            if name in {c.name for c in schema.columns(LOANS)}:
                return f"l.{ident(name)}"
        raise _unknown(qualifier, name)

    def sql(self, expression: Expression) -> str:
        """Render a row expression for the engine."""
        return expression.sql(self.resolve, dialect=self.dialect)


@dataclass(frozen=True)
class TableContext:
    """Resolves names in row expressions over a register (alias ``t``) for one quarter."""

    params: Params
    quarter: Quarter
    dialect: str = "duckdb"

    def resolve(self, qualifier: str, name: str) -> str:
        """Return the SQL for a name: a column, or a setting or date of the quarter."""
        if qualifier in ("policy", "period"):
            return _setting(self, qualifier, name)
        if qualifier == "":
            return f"t.{ident(name)}"
        raise _unknown(qualifier, name)

    def sql(self, expression: Expression) -> str:
        """Render a row expression for the engine."""
        return expression.sql(self.resolve, dialect=self.dialect)


def _setting(context: RowContext | TableContext, qualifier: str, name: str) -> str:
    params, quarter = context.params, context.quarter
    if qualifier == "policy":
        return literal_sql(params.policy.on(quarter.end)[name], context.dialect)
    days = {
        "year_start": quarter.year_to_date_start,
        "end": quarter.end,
        "window_start": Quarter.parse(params.run.rates.window_from).start,
    }
    if name not in days:
        raise _unknown(qualifier, name)
    return literal_sql(days[name], context.dialect)


def _unknown(qualifier: str, name: str) -> ParamsError:
    full = f"{qualifier}.{name}" if qualifier else name
    return ParamsError(f"表达式里的“{full}”不是已知的列、派生列或参数。")


def needed_columns(params: Params, expression: Expression) -> frozenset[tuple[str, str]]:
    """Return the submitted (table, column) pairs an expression rests on, derived ones expanded."""
    found: set[tuple[str, str]] = set()
    for qualifier, name in expression.columns:
        if qualifier == "customer":
            found.add((CUSTOMERS, name))
        elif qualifier == "" and name in params.derived:
            found |= needed_columns(params, params.derived[name].expression)
        elif qualifier == "":
            found.add((LOANS, name))
    return frozenset(found)


def asked_present(params: Params, expression: Expression) -> frozenset[tuple[str, str]]:
    """Return the submitted columns an expression asks whether they are empty.

    An empty cell is an answer (no chain, no mitigant) only where the column was sent.
    """
    found: set[tuple[str, str]] = set()
    for qualifier, name in expression.asked_null:
        if qualifier in ("", "customer") and name not in params.derived:
            found.add((CUSTOMERS if qualifier else LOANS, name))
    for qualifier, name in expression.columns:
        if qualifier == "" and name in params.derived:
            found |= asked_present(params, params.derived[name].expression)
    return frozenset(found)


def parquet_view(engine: Engine, name: str, files: Sequence[Path]) -> None:
    """Make a view over store files, with ``quarter`` and ``rev`` as text."""
    engine.files(name, files)


def source_view(engine: Engine, table: str, snapshots: Iterable[Snapshot]) -> None:
    """Make a view of a canonical table over snapshots, with ``quarter`` and ``rev`` as text.

    The view exists, typed and empty, even if no snapshot holds the table.
    """
    files = [s.file(table) for s in snapshots if table in s.tables]
    if files:
        parquet_view(engine, table, files)
        return
    fields = [pa.field("quarter", pa.string()), pa.field("rev", pa.string())]
    fields += [field for field, _, tables in NUMBERED if table in tables]
    engine.register(table, pa.schema([*fields, *schema.arrow_schema(table)]).empty_table())


def loan_facts(
    engine: Engine, params: Params, snapshots: Sequence[Snapshot], *, name: str = FACTS
) -> None:
    """Create the view ``loan_facts``: one row per loan and snapshot.

    Columns: ``quarter``, ``revision``, every column of ``loans``, every column of
    ``customers`` but its key, every derived column of ``params/derived.yaml``, and
    ``benchmark_series``, ``benchmark_tenor``, ``benchmark_tenor_beside`` (the other tenor a loan
    that names none may be on), ``benchmark_date`` (``priced_on``, else ``drawn_on``) and
    ``benchmark_rate`` (percent; null before the series begins).
    """
    source_view(engine, LOANS, snapshots)
    source_view(engine, CUSTOMERS, snapshots)
    engine.register(_STEPS, _steps(params))
    quarters = sorted({s.quarter for s in snapshots}) or ["1900Q1"]
    parts = [_quarter_sql(RowContext(params, Quarter.parse(q), engine.dialect)) for q in quarters]
    base = "\nUNION ALL\n".join(parts)
    engine.view(
        name,
        f"SELECT x.*, b.rate AS benchmark_rate FROM ({base}) x LEFT JOIN {_STEPS} b "
        "ON b.series = x.benchmark_series AND b.tenor = x.benchmark_tenor "
        "AND x.benchmark_date >= b.from_date AND x.benchmark_date < b.to_date",
    )


def _quarter_sql(context: RowContext) -> str:
    params = context.params
    series = params.run.rates.benchmark
    named = f"substr(l.benchmark, 1, {len(series) + 1}) = {quote(series + ':')}"
    chosen = f"substr(l.benchmark, {len(series) + 2})"
    tenor = context.sql(params.run.rates.tenor)
    other = params.run.rates.tenor_beside
    beside = context.sql(other) if other is not None else "CAST(NULL AS VARCHAR)"
    columns = [
        "l.quarter AS quarter",
        "CAST(l.rev AS INTEGER) AS revision",
        *(f"l.{ident(c.name)}" for c in schema.columns(LOANS)),
        *(f"c.{ident(n)}" for n in _CUSTOMER_COLUMNS),
        *(f"{context.sql(d.expression)} AS {ident(n)}" for n, d in params.derived.items()),
        f"{quote(series)} AS benchmark_series",
        f"CASE WHEN {named} THEN {chosen} ELSE {tenor} END AS benchmark_tenor",
        f"CASE WHEN ({named}) IS NOT TRUE THEN {beside} END AS benchmark_tenor_beside",
        "coalesce(l.priced_on, l.drawn_on) AS benchmark_date",
    ]
    return f"SELECT {', '.join(columns)} {facts_from(context.quarter)}"


def facts_from(quarter: Quarter, *, with_register: bool = False) -> str:
    """FROM and WHERE of a quarter's loans (alias ``l``) joined with customers (``c``).

    With ``with_register`` also with the institutions' register (``i``).
    """
    register = f"LEFT JOIN {REGISTER_VIEW} i ON i.institution_id = l.institution_id "
    return (
        f"FROM {LOANS} l LEFT JOIN {CUSTOMERS} c ON c.quarter = l.quarter "
        "AND c.institution_id = l.institution_id AND c.customer_no = l.customer_no "
        f"{register if with_register else ''}WHERE l.quarter = {quote(str(quarter))}"
    )


def _steps(params: Params) -> pa.Table:
    """Steps of the run's benchmark with the day each rate ends (exclusive)."""
    rows: list[dict[str, object]] = []
    name = params.run.rates.benchmark
    series = params.benchmarks[name]
    for tenor in series.tenors:
        steps = series.steps(tenor)
        ends = [day for day, _ in steps[1:]] + [series.known_until]
        for (day, rate), end in zip(steps, ends, strict=True):
            rows.append(
                {"series": name, "tenor": tenor, "from_date": day, "to_date": end, "rate": rate}
            )
    fields: list[tuple[str, pa.DataType]] = [
        ("series", pa.string()),
        ("tenor", pa.string()),
        ("from_date", pa.date32()),
        ("to_date", pa.date32()),
        ("rate", pa.decimal128(9, 6)),
    ]
    return pa.Table.from_pylist(rows, pa.schema(fields))
