"""How a value came about: formula in words, measures, rows, base, threshold, clause, source."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

import pyarrow as pa

from puhui import measures as measuring
from puhui import params as parameters
from puhui import results
from puhui.engine import DuckDBEngine
from puhui.errors import RunError
from puhui.indicators import SOURCE_WORDS, Bench, Facts, evaluate, result_row
from puhui.params import Indicator, Params
from puhui.params.expression import Value
from puhui.quarter import Quarter


def find(params: Params, indicator_id: str) -> Indicator:
    """Return an indicator; raises :class:`RunError` listing the known ones."""
    if indicator_id not in params.indicators:
        known = "、".join(params.indicators)
        raise RunError(f"没有指标 {indicator_id}。", remedy=f"现有：{known}。")
    return params.indicators[indicator_id]


def explain(
    bench: Bench,
    indicator_id: str,
    facts: Facts,
    branch_id: str | None = None,
    *,
    engine: DuckDBEngine | None = None,
    rows: int = 0,
    sql: bool = False,
) -> str:
    """Explain one indicator of one unit as Chinese text.

    Parameters
    ----------
    bench, indicator_id, facts, branch_id
        What is explained.
    engine
        Engine with the store's views, needed to list rows.
    rows
        How many loans behind each ledger measure to list.
    sql
        Whether to show the statement behind each ledger measure.

    Raises
    ------
    RunError
        Unknown indicator.
    """
    params = bench.params
    indicator = find(params, indicator_id)
    clause = params.clauses[indicator.clause]
    row = result_row(bench, indicator, facts, branch_id)
    formula = indicator.formula_for(branch_id is not None)
    unit = facts.name if branch_id is None else f"{facts.name} {branch_id}"
    lines = [
        f"{indicator.id} {indicator.label} — {unit}，{bench.quarter.label}",
        f"条款：{clause.id}（第{clause.section}部分）{clause.wording.zh}",
        f"公式：{formula.words(params.label)}，单位 {indicator.unit}",
        _value_line(row),
    ]
    if row.get("base_num") is not None:
        lines.append(
            f"基数（{bench.quarter.bases[str(row['base'])].label}）：{row['base_value']:.12g}"
        )
    if row["threshold"] is not None:
        lines.append(f"限值：{row['test']} {row['threshold']}；{_policy_line(bench, indicator)}")
    lines.append(f"结论：{results.VERDICTS[str(row['verdict'])]}")
    if row.get("reason"):
        lines.append(f"说明：{row['reason']}")
    done = evaluate(bench, indicator, facts, branch_id)
    lines += _measure_lines(params, done.used)
    for used in done.used if done.source == measuring.LEDGER else ():
        lines += _behind(params, used, engine, rows, sql)
    if done.source == measuring.LEDGER and not rows:
        lines.append("加 --rows N 列出明细，加 --sql 显示取数语句。")
    return "\n".join(lines)


def _behind(
    params: Params,
    used: Mapping[str, object],
    engine: DuckDBEngine | None,
    rows: int,
    sql: bool,
) -> list[str]:
    """Statement and loans behind one ledger measure, as far as asked for."""
    measure = params.measures[str(used["measure_id"])]
    branch = None if used["branch_id"] is None else str(used["branch_id"])
    unit = (str(used["institution_id"]), branch)
    quarter = Quarter.parse(str(used["quarter"]))
    statement = measuring.rows_sql(params, measure, quarter, unit, rows or 20)
    name = f"{quarter} {measure.label}"
    lines = [f"取数语句（{name}）：\n{statement}"] if sql else []
    if engine is not None and rows:
        lines += [f"明细（{name}，前 {rows} 笔）：", _listing(engine.sql(statement))]
    return lines


def _value_line(row: Mapping[str, object]) -> str:
    if row.get("value_num") is None:
        return "数值：无数据"
    exact = f"{row['value_num']}/{row['value_den']}"
    source = SOURCE_WORDS[str(row["source"])]
    return f"数值：{row['value']:.12g} {row['unit']}（精确值 {exact}；来源：{source}）"


def _policy_line(bench: Bench, indicator: Indicator) -> str:
    policy = bench.params.policy.on(bench.quarter.end)
    if indicator.threshold not in policy:
        return "条款本身的限值"
    name = str(indicator.threshold)
    return f"参数 {name}，自 {policy.since(name)} 起，依据：{policy.source(name)}"


def _measure_lines(params: Params, used: tuple[Mapping[str, object], ...]) -> list[str]:
    lines = []
    for m in used:
        measure = params.measures[str(m["measure_id"])]
        count = "" if m["rows"] is None else f"，{m['rows']} 行"
        level = f" {m['branch_id']}" if m["branch_id"] else ""
        lines.append(
            f"指标量：{m['quarter']}{level} {measure.label} = "
            f"{_plain(m['value'])} {measure.unit}{count}"
            f"（{SOURCE_WORDS[str(m['source'])]}，第 {m['revision']} 版）"
        )
    return lines


def _plain(value: object) -> str:
    """Write an exact decimal with thousands separators and no idle zeros after two places."""
    whole, _, decimals = f"{value:,f}".partition(".")
    kept = decimals.rstrip("0")
    return f"{whole}.{kept:0<2}" if kept else whole


def _listing(table: pa.Table) -> str:
    rows = ["\t".join(table.column_names)]
    rows += ["\t".join("" if v is None else str(v) for v in r.values()) for r in table.to_pylist()]
    return "\n".join(rows)


def evaluate_file(
    params_folder: Path, quarter: str, indicator_id: str, path: Path, *, branch: bool = False
) -> str:
    """Evaluate an indicator on measures given in a CSV (columns measure, period, value).

    ``period`` is empty or ``now`` for the quarter itself, one of year_start, year_ago,
    last_full_year, last_quarter, or ``institution`` (for branches). A row whose measure is
    ``facts.kind`` and the like sets a register fact.

    Raises
    ------
    RunError
        Missing columns, an unknown measure or period, or a value that is not a number.
    """
    params = parameters.load(params_folder)
    indicator = find(params, indicator_id)
    at = Quarter.parse(quarter)
    given, facts = _read_measures(params, path, at, branch)
    table = results.from_rows("measures", given)
    bench = Bench.of(params, at, table)
    unit = "B" if branch else None
    row = result_row(bench, indicator, Facts(_UNIT, "手工核对", facts), unit)
    done = evaluate(bench, indicator, Facts(_UNIT, "手工核对", facts), unit)
    lines = [
        f"{indicator.id} {indicator.label}（{at.label}政策）",
        _value_line(row),
        f"限值：{row['test'] or '—'} {row['threshold'] or ''}".rstrip(),
        f"结论：{results.VERDICTS[str(row['verdict'])]}（{row['verdict']}）",
    ]
    if row.get("reason"):
        lines.append(f"说明：{row['reason']}")
    return "\n".join([*lines, *_parts(indicator, done.parts)])


_UNIT = "EVAL"


def _parts(indicator: Indicator, parts: Mapping[str, Value]) -> list[str]:
    return [
        f"其中：{indicator.parts[name].label} = {float(value):.12g} {indicator.parts[name].unit}"
        for name, value in parts.items()
        if isinstance(value, Fraction)
    ]


def _read_measures(
    params: Params, path: Path, at: Quarter, branch: bool
) -> tuple[list[dict[str, object]], dict[str, Value | None]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise RunError(f"找不到文件 {path}。") from None
    reader = csv.DictReader(text.splitlines())
    if not {"measure", "value"}.issubset(reader.fieldnames or ()):
        raise RunError("缺少 measure 或 value 列。", where=str(path))
    rows: list[dict[str, object]] = []
    facts: dict[str, Value | None] = {}
    for number, line in enumerate(reader, 2):
        name, value = line["measure"].strip(), line["value"].strip()
        where = f"{path.name}:{number}"
        if name.startswith("facts."):
            facts[name[6:]] = {"true": True, "false": False}.get(value.lower(), value)
            continue
        if name not in params.measures:
            raise RunError(f"“{name}”不是已知的指标量。", where=where)
        rows.append(
            _measure_row(params, name, (line.get("period") or "").strip(), value, at, where)
        )
        rows[-1]["branch_id"] = "B" if branch and line.get("period") != "institution" else None
    return rows, facts


def _measure_row(
    params: Params, name: str, period: str, value: str, at: Quarter, where: str
) -> dict[str, object]:
    periods = {"": at, "now": at, "institution": at, **at.bases}
    if period not in periods:
        raise RunError(f"“{period}”不是已知的期间。", where=where)
    try:
        exact = Fraction(value.replace(",", ""))
    except (ValueError, ZeroDivisionError):
        raise RunError(f"“{value}”不是数。", where=where) from None
    source = params.run.figure_of_record[0]
    return {
        "quarter": str(periods[period]),
        "institution_id": _UNIT,
        "measure_id": name,
        "source": source,
        "value": measuring.exact_decimal(exact, params.measures[name]),
        "revision": 1,
    }
