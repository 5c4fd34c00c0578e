"""Measure rows: sources, exact decimals, and what a lost table leaves behind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction

import pyarrow as pa

from puhui import schema
from puhui.errors import ParamsError
from puhui.params import Measure
from puhui.params.expression import Value
from puhui.quarter import Quarter
from puhui.store import Snapshot

#: Begins the reason of a measure that lacks columns; their names follow, joined by 、.
MISSING_COLUMNS = "缺列："
LEDGER, RETURNS, REGISTER = "ledger", "returns", "register"
#: A filed measure that answered numbers alone suffice for.
ANSWERED = "answered"

Unit = tuple[str, str | None]


def order(unit: Unit) -> tuple[str, str]:
    """Sort key of a unit: the institution before its branches."""
    return unit[0], unit[1] or ""


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


def lost_rows(
    quarter: Quarter,
    measures: Sequence[Measure],
    snapshots: Mapping[str, Snapshot],
    source: str,
    table: str,
) -> list[dict[str, object]]:
    """Rows without a value where a table was to be there and could not be used."""
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


def missing_columns(columns: Sequence[tuple[str, str]]) -> str:
    """Name columns a submission lacks."""
    names = [f"{schema.label(t)}.{schema.column(t, c).label}（{c}）" for t, c in columns]
    return MISSING_COLUMNS + "、".join(names)


def as_lookup(table: pa.Table) -> dict[tuple[str, str, str | None, str, str], dict[str, object]]:
    """Index measure rows by (quarter, institution, branch, measure, source)."""
    return {
        (r["quarter"], r["institution_id"], r["branch_id"], r["measure_id"], r["source"]): r
        for r in table.to_pylist()
    }
