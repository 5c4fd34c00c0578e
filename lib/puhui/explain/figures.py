"""The measures behind a value: what each counts, from where, how many rows, and which."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction

import pyarrow as pa

from puhui import measures as measuring
from puhui import schema
from puhui.derive import CUSTOMERS, RowContext
from puhui.engine import DuckDBEngine
from puhui.engine.duckdb import ident, quote
from puhui.indicators import SOURCE_WORDS
from puhui.measures.registers import rows_from
from puhui.params import Expression, Measure, Params
from puhui.params.rows import REGISTERS
from puhui.quarter import Quarter

Row = Mapping[str, object]


def measure_lines(params: Params, used: Iterable[Row]) -> list[str]:
    """Return for each measure its value, rows, source and revision, and what it counts."""
    lines = []
    for row in used:
        measure = params.measures[str(row["measure_id"])]
        count = "" if row["rows"] is None else f"，{row['rows']} 行"
        level = f" {row['branch_id']}" if row["branch_id"] else ""
        source = SOURCE_WORDS[str(row["source"])]
        lines.append(
            f"指标量：{row['quarter']}{level} {measure.label} = "
            f"{plain(row['value'])} {measure.unit}{count}（{source}，第 {row['revision']} 版）"
        )
        said = _counted(params, measure, str(row["source"]))
        lines += [f"　　{said}"] if said else []
    return lines


def plain(value: object) -> str:
    """Write an exact number with thousands separators and no idle zeros after two places."""
    if isinstance(value, Fraction):
        value = Decimal(value.numerator) / Decimal(value.denominator)
    whole, _, decimals = f"{value:,f}".partition(".")
    kept = decimals.rstrip("0")
    return f"{whole}.{kept:0<2}" if kept else whole


def _counted(params: Params, measure: Measure, source: str) -> str:
    """Say what a measure counts: a condition on loans, filed items, register rows, answers."""
    if source == measuring.RETURNS and measure.returns is not None:
        return f"报表项目：{measure.returns.words(lambda _, item: item)}"
    if measure.ledger is not None and source == measuring.LEDGER:
        return f"条件：{measure.ledger.where.words(params.label)}"
    found = _of_register(measure)
    if found is not None:
        table, where = found
        words = where.words(lambda q, n: _label(params, table, q, n))
        return f"登记表“{schema.label(table)}”，条件：{words}"
    if measure.attested is not None:
        return f"答卷项目：{'、'.join(answer_items(measure))}"
    return ""


def _of_register(measure: Measure) -> tuple[str, Expression] | None:
    """Register a measure counts rows of, and the condition they meet."""
    one = measure.register or measure.ranked
    return None if one is None else (one.table, one.where)


def _label(params: Params, table: str, qualifier: str, name: str) -> str:
    labels = {c.name: c.label for c in schema.columns(table)} | dict(REGISTERS.get(table, {}))
    return labels[name] if qualifier == "" and name in labels else params.label(qualifier, name)


def answer_items(measure: Measure) -> list[str]:
    """Items of the answer sheet a measure is read from; those beginning so end in ``.*``."""
    attested = measure.attested
    assert attested is not None
    if attested.number is not None:
        return sorted(name for _, name in attested.number.columns)
    if attested.granted:
        return [attested.granted]
    return [f"{name}.*" for name in (attested.least, attested.minus) if name]


def behind(
    params: Params, row: Row, engine: DuckDBEngine | None, rows: int, sql: bool
) -> list[str]:
    """Return the statement behind one measure and the rows it lists, as far as asked for."""
    measure = params.measures[str(row["measure_id"])]
    statement = _statement(params, measure, row, rows or 20)
    if statement is None:
        return []
    name = f"{row['quarter']} {measure.label}"
    lines = [f"取数语句（{name}）：\n{statement}"] if sql else []
    if engine is not None and rows:
        lines += [f"明细（{name}，前 {rows} 行）：", _listing(engine.sql(statement))]
    return lines


def lists_rows(params: Params, row: Row) -> bool:
    """Whether rows stand behind a measure that can be listed."""
    return _statement(params, params.measures[str(row["measure_id"])], row, 1) is not None


def _statement(params: Params, measure: Measure, row: Row, limit: int) -> str | None:
    branch = None if row["branch_id"] is None else str(row["branch_id"])
    unit = (str(row["institution_id"]), branch)
    quarter = Quarter.parse(str(row["quarter"]))
    if _of_register(measure) is not None and row["source"] == measuring.REGISTER:
        return _register_sql(params, measure, quarter, unit, limit)
    if row["source"] == measuring.LEDGER:
        return measuring.rows_sql(params, measure, quarter, unit, limit)
    return None


def _register_sql(
    params: Params, measure: Measure, quarter: Quarter, unit: tuple[str, str | None], limit: int
) -> str:
    """SQL that lists the rows of a register that a measure counts, in the order of their keys."""
    found = _of_register(measure)
    assert found is not None
    table, where = found
    context = RowContext(params, quarter)

    def resolve(qualifier: str, name: str) -> str:
        own = qualifier == "" and name not in params.derived
        return f"t.{ident(name)}" if own else context.resolve(qualifier, name)

    columns = [c for c in schema.columns(table) if not c.private]
    listed = ", ".join(f"t.{ident(c.name)}" for c in columns if c.name != "quarter")
    keys = [f"t.{ident(c.name)}" for c in columns if c.is_key and c.name != "institution_id"]
    institution, branch = unit
    mine = f"t.quarter = {quote(str(quarter))} AND t.institution_id = {quote(institution)}"
    if branch is not None:
        mine += f" AND t.branch_id = {quote(branch)}"
    elif any(c.name == "branch_id" and c.optional for c in columns):
        # Rows of branches beside those of the whole are no part of it.
        mine += " AND coalesce(t.branch_id, '') = ''"
    joined = ""
    if "customer_id" in {c.name for c in columns}:
        joined = (
            f"LEFT JOIN {CUSTOMERS} c ON c.quarter = t.quarter "
            "AND c.institution_id = t.institution_id AND c.customer_id = t.customer_id "
        )
    return (
        f"SELECT t.quarter, {listed} FROM ({rows_from(table)}) t {joined}"
        f"WHERE {mine} AND ({where.sql(resolve)}) "
        f"ORDER BY {', '.join([*keys, 't.quarter'])} LIMIT {limit}"
    )


def _listing(table: pa.Table) -> str:
    rows = ["\t".join(table.column_names)]
    rows += ["\t".join("" if v is None else str(v) for v in r.values()) for r in table.to_pylist()]
    return "\n".join(rows)
