"""An indicator on measures given in a file: the same code, for checking by hand."""

from __future__ import annotations

import csv
from fractions import Fraction
from pathlib import Path

from puhui import measures as measuring
from puhui import params as parameters
from puhui import results
from puhui.errors import RunError
from puhui.explain.telling import find, parts_lines, value_line
from puhui.indicators import Bench, Facts, evaluate, result_row
from puhui.params import Params
from puhui.params.expression import Value
from puhui.quarter import Quarter


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
        value_line(row),
        f"限值：{row['test'] or '—'} {row['threshold'] or ''}".rstrip(),
        f"结论：{results.VERDICTS[str(row['verdict'])]}（{row['verdict']}）",
    ]
    if row.get("reason"):
        lines.append(f"说明：{row['reason']}")
    return "\n".join([*lines, *parts_lines(indicator, done.parts)])


_UNIT = "EVAL"


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
