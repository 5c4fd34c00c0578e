"""Measures from what institutions file: 1104 items, the one sheet, and answered numbers.

A number answered on the sheet of rules and mechanisms (item ``C4.4.balance``, say) is a
filed figure of its quarter like any other. Money filed in 万元 is rounded; ``slack`` is how
far the exact figure may lie from the value.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction

import pyarrow as pa

from puhui import results
from puhui.derive import source_view
from puhui.engine import DuckDBEngine
from puhui.engine.duckdb import quote
from puhui.measures.rows import ANSWERED, RETURNS, Unit, exact_decimal, lost_rows, order
from puhui.params import Measure, Params
from puhui.params.expression import Expression, NoData, Value
from puhui.quarter import Quarter
from puhui.store import Snapshot

#: Units filed rounded; what is filed in 元 and counts is exact.
_YUAN_PER = {"万元": 10_000, "亿元": 100_000_000}


@dataclass(frozen=True)
class Figure:
    """A filed figure: value, how far rounding may have moved it, and its revision."""

    value: Fraction
    half: Fraction
    revision: int
    answered: bool = False


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
    quarters = list(quarters)
    measures = [m for m in params.measures.values() if m.returns is not None]
    lost = [
        row
        for quarter in quarters
        for row in lost_rows(
            quarter,
            measures,
            {s.institution_id: s for s in snapshots if s.quarter == str(quarter)},
            RETURNS,
            "returns",
        )
    ]
    filed = _figures_of_record(engine, params, snapshots, quarters)
    rows = [
        _row(measure, unit, quarter, items)
        for (unit, quarter), items in sorted(
            filed.items(), key=lambda e: (str(e[0][1]), order(e[0][0]))
        )
        for measure in measures
    ]
    by_answers = [
        row
        for (unit, quarter), items in filed.items()
        for row in _from_answers(measures, unit, quarter, items)
    ]
    # A comparative in a later submission stands in for a return that was lost.
    answered = {(r["quarter"], r["institution_id"]) for r in rows if r["value"] is not None}
    lost = [r for r in lost if (r["quarter"], r["institution_id"]) not in answered]
    silent = {(r["quarter"], r["institution_id"]) for r in lost}
    kept = [r for r in rows if (r["quarter"], r["institution_id"]) not in silent]
    return results.from_rows("measures", kept + lost + by_answers)


def _from_answers(
    measures: Sequence[Measure], unit: Unit, quarter: Quarter, items: Mapping[str, Figure]
) -> list[dict[str, object]]:
    """Rows of measures that answered numbers alone suffice for."""
    answered = {item: figure for item, figure in items.items() if figure.answered}
    rows = [_row(m, unit, quarter, answered) for m in measures] if answered else []
    return [{**row, "source": ANSWERED} for row in rows if row["value"] is not None]


def _figures_of_record(
    engine: DuckDBEngine, params: Params, snapshots: Sequence[Snapshot], quarters: list[Quarter]
) -> dict[tuple[Unit, Quarter], dict[str, Figure]]:
    """Filed figures by unit and quarter, returns first, answered numbers beside them."""
    wanted = {q.end: q for q in quarters}
    places: dict[Quarter, int] = {}  # asked of the policy only where a return was filed
    filed: dict[tuple[Unit, Quarter], dict[str, Figure]] = defaultdict(dict)
    for unit, quarter, item, value, revision in _answered(engine, snapshots, quarters):
        filed[unit, quarter][item] = Figure(value, Fraction(0), revision, answered=True)
    for (unit, item, as_of), (value, unit_name, revision) in _returns(engine, snapshots).items():
        if as_of in wanted:
            quarter = wanted[as_of]
            if quarter not in places:
                places[quarter] = int(str(params.policy.on(as_of)["filed_decimals"]))
            step = Fraction(_YUAN_PER.get(unit_name, 0), 10 ** places[quarter])
            filed[unit, quarter][item] = Figure(value, step / 2, revision)
    return filed


def _returns(
    engine: DuckDBEngine, snapshots: Sequence[Snapshot]
) -> dict[tuple[Unit, str, dt.date], tuple[Fraction, str, int]]:
    source_view(engine, "returns", [s for s in snapshots if "returns" in s.tables])
    best: dict[tuple[Unit, str, dt.date], tuple[tuple[bool, bool, str], Fraction, str, int]] = {}
    columns = "quarter, rev, institution_id, branch_id, item, as_of, basis, value, unit"
    for row in engine.sql(f"SELECT {columns} FROM returns WHERE value IS NOT NULL").to_pylist():
        own = row["as_of"] == Quarter.parse(row["quarter"]).end
        rank = (own, row["basis"] == "as_filed", row["quarter"])
        key = ((row["institution_id"], row["branch_id"] or None), row["item"], row["as_of"])
        if key not in best or best[key][0] < rank:
            best[key] = (rank, Fraction(row["value"]), str(row["unit"]), int(row["rev"]))
    return {key: (value, unit, rev) for key, (_, value, unit, rev) in best.items()}


def _answered(
    engine: DuckDBEngine, snapshots: Sequence[Snapshot], quarters: list[Quarter]
) -> list[tuple[Unit, Quarter, str, Fraction, int]]:
    """Numbers among the answers of the quarters."""
    source_view(engine, "attestations", [s for s in snapshots if "attestations" in s.tables])
    known = {str(q): q for q in quarters}
    listed = ", ".join(quote(q) for q in known) or "''"
    found = []
    for row in engine.sql(
        "SELECT quarter, rev, institution_id, item, value FROM attestations "
        f"WHERE quarter IN ({listed})"
    ).to_pylist():
        number = as_number(row["value"])
        if number is not None:
            unit: Unit = (row["institution_id"], None)
            found.append((unit, known[row["quarter"]], row["item"], number, int(row["rev"])))
    return found


def as_number(text: str | None) -> Fraction | None:
    """Read an answered number exactly; ``None`` if the answer is no number.

    >>> as_number("1,250.50"), as_number("是")
    (Fraction(2501, 2), None)
    """
    try:
        value = Decimal((text or "").replace(",", "").strip())
    except InvalidOperation:
        return None
    return Fraction(value) if value.is_finite() else None


def _row(
    measure: Measure, unit: Unit, quarter: Quarter, items: Mapping[str, Figure]
) -> dict[str, object]:
    assert measure.returns is not None
    value, used = _worked(measure.returns, items)
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
        "slack": None if missing else _slack(measure, items, used),
        "revision": max((items[i].revision for i in used), default=None),
    }


def _worked(expression: Expression, items: Mapping[str, Figure]) -> tuple[Value, list[str]]:
    """Value of an expression over items, and the items it came from."""
    used: list[str] = []

    def lookup(_qualifier: str, item: str) -> Value:
        if item not in items:
            return NoData((f"报表缺项 {item}",))
        used.append(item)
        return items[item].value

    return expression.evaluate(lookup), list(dict.fromkeys(used))


def _slack(measure: Measure, items: Mapping[str, Figure], used: Sequence[str]) -> Decimal:
    """How far rounding of the items may have moved the value (the formulas are linear)."""
    assert measure.returns is not None
    value, _ = _worked(measure.returns, items)
    total = Fraction(0)
    for item in used:
        figure = items[item]
        if figure.half:
            moved = Figure(figure.value + figure.half, figure.half, figure.revision)
            other, _ = _worked(measure.returns, {**items, item: moved})
            assert isinstance(other, Fraction) and isinstance(value, Fraction)
            total += abs(other - value)
    return exact_decimal(total, measure)
