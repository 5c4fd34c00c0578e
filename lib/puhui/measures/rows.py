"""Measure rows: sources, exact decimals, and what a lost table leaves behind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction

import pyarrow as pa
import pyarrow.compute as pc

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


MeasureKey = tuple[str, str, str | None, str, str]
MeasureRow = Mapping[str, object]


class MeasureRows(Mapping[MeasureKey, MeasureRow]):
    """Measure rows by (quarter, institution, branch, measure, source).

    Rows of an institution are unpacked when the first of them is asked for: a notebook on one
    bank of a nation's pays for one.
    """

    def __init__(self, table: pa.Table) -> None:
        self._table = table
        self._unpacked: dict[str, dict[MeasureKey, MeasureRow]] = {}

    def __getitem__(self, key: MeasureKey) -> MeasureRow:
        return self._of(key[1])[key]

    def __iter__(self) -> Iterator[MeasureKey]:
        for institution in pc.unique(self._table["institution_id"]).to_pylist():
            yield from self._of(institution)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _of(self, institution: str) -> dict[MeasureKey, MeasureRow]:
        if institution not in self._unpacked:
            mine = self._table.filter(pc.equal(self._table["institution_id"], institution))
            self._unpacked[institution] = {
                (r["quarter"], institution, r["branch_id"], r["measure_id"], r["source"]): r
                for r in mine.to_pylist()
            }
        return self._unpacked[institution]
