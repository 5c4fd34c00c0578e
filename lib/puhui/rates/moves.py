"""The move table: what rates did around each move of the benchmark, at a constant mix.

For a move, the loans of one benchmark priced in the days before and after it are taken, up to the
neighbouring moves; only cells (institution × effects) with loans on both sides count, each with
the share of both sides' loans (or amounts) it has. Sums are integers, means exact fractions.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import pyarrow as pa

from puhui.engine.duckdb import DuckDBEngine
from puhui.rates.identify import Path
from puhui.rates.placing import PLACED
from puhui.rates.sample import RATE_SCALE, Measure, PricingSpec

_AROUND = "rates_around"


@dataclass(frozen=True)
class Move:
    """One benchmark on one day it moved.

    Attributes
    ----------
    first, last
        First day before and last day after that are compared.
    cells, loans, institutions
        Those with loans on both sides; ``all_loans`` counts the loans of any cell.
    before, after
        Mean rate in percent at constant mix, by weighting; empty without a cell on both sides.
    measures
        What else was in force in these days.
    """

    benchmark: str
    day: dt.date
    rate_before: Decimal
    rate_after: Decimal
    first: dt.date
    last: dt.date
    cells: int
    loans: int
    all_loans: int
    institutions: int
    before: dict[str, Fraction]
    after: dict[str, Fraction]
    measures: tuple[Measure, ...]

    @property
    def change_bp(self) -> Decimal:
        """Move in basis points."""
        return 100 * (self.rate_after - self.rate_before)

    def answer_bp(self, weights: str = "none") -> Fraction | None:
        """Change of the mean rate at constant mix in basis points."""
        if weights not in self.before:
            return None
        return 100 * (self.after[weights] - self.before[weights])

    def ratio(self, weights: str = "none") -> Fraction | None:
        """Change of the mean rate over the benchmark's."""
        answer = self.answer_bp(weights)
        return None if answer is None else answer / Fraction(self.change_bp)


def moves_of(engine: DuckDBEngine, path: Path, spec: PricingSpec) -> tuple[Move, ...]:
    """Compare rates before and after each move; the sample was placed last on this engine."""
    windows = _windows(path, spec)
    if not windows:
        return ()
    table = {
        "k": list(range(len(windows))),
        "b": [w.benchmark for w in windows],
        "first": [w.first for w in windows],
        "day": [w.day for w in windows],
        "last": [w.last for w in windows],
    }
    engine.register(_AROUND, pa.table(table))
    rows = engine.sql(
        "SELECT k, g, f, benchmark_date >= day AS later, count(*) AS n, "
        "sum(CAST(y AS DECIMAL(38,0))) AS y, sum(CAST(w AS DECIMAL(38,0))) AS w, "
        "sum(CAST(w AS DECIMAL(19,0)) * CAST(y AS DECIMAL(10,0))) AS wy "
        f"FROM {PLACED} JOIN {_AROUND} ON benchmark = b AND benchmark_date BETWEEN first AND last "
        "GROUP BY ALL"
    ).to_pylist()
    sides: list[dict[tuple[str, str], dict[bool, _Side]]] = [{} for _ in windows]
    for r in rows:
        side = _Side(int(r["n"]), int(r["y"]), int(r["w"]), int(r["wy"]))
        sides[r["k"]].setdefault((r["g"], r["f"]), {})[bool(r["later"])] = side
    return tuple(_move(w, own, spec) for w, own in zip(windows, sides, strict=True))


@dataclass(frozen=True)
class _Window:
    benchmark: str
    day: dt.date
    rate_before: Decimal
    rate_after: Decimal
    first: dt.date
    last: dt.date


@dataclass(frozen=True)
class _Side:
    """Loans of a cell on one side: count, Σy, Σw, Σwy."""

    n: int
    y: int
    w: int
    wy: int


def _windows(path: Path, spec: PricingSpec) -> list[_Window]:
    """Days around each move of each benchmark, cut where the benchmark moves again."""
    day = dt.timedelta(days=1)
    found = []
    for name, values in zip(path.benchmarks, path.values, strict=True):
        dates = [
            (d, old, new)
            for d, old, new in zip(path.dates[1:], values, values[1:], strict=False)
            if old is not None and new is not None and old != new
        ]
        for i, (d, old, new) in enumerate(dates):
            first, last = d - spec.move_days * day, d + (spec.move_days - 1) * day
            if i:
                first = max(first, dates[i - 1][0])
            if i + 1 < len(dates):
                last = min(last, dates[i + 1][0] - day)
            found.append(_Window(name, d, old, new, first, min(last, spec.window_to)))
    return sorted((w for w in found if w.day <= w.last), key=lambda w: (w.day, w.benchmark))


def _move(w: _Window, cells: dict[tuple[str, str], dict[bool, _Side]], spec: PricingSpec) -> Move:
    both = {key: (own[False], own[True]) for key, own in cells.items() if len(own) == 2}
    means = {}
    for key in ("none", "amount"):
        means[key] = _at_constant_mix(list(both.values()), weighted=key == "amount")
    return Move(
        w.benchmark,
        w.day,
        w.rate_before,
        w.rate_after,
        w.first,
        w.last,
        len(both),
        sum(old.n + new.n for old, new in both.values()),
        sum(side.n for own in cells.values() for side in own.values()),
        len({g for g, _ in both}),
        {key: pair[0] for key, pair in means.items() if pair is not None},
        {key: pair[1] for key, pair in means.items() if pair is not None},
        tuple(m for m in spec.measures if _overlaps(m, w.first, w.last)),
    )


def _at_constant_mix(
    cells: Sequence[tuple[_Side, _Side]], *, weighted: bool
) -> tuple[Fraction, Fraction] | None:
    """Mean rate before and after, each cell weighing as much on both sides."""
    if not cells:
        return None
    shares = [old.w + new.w if weighted else old.n + new.n for old, new in cells]
    means = [
        [Fraction(s.wy, s.w) if weighted else Fraction(s.y, s.n) for s in pair] for pair in cells
    ]
    total = sum(shares) * 10**RATE_SCALE
    before, after = (
        sum((share * own[side] for share, own in zip(shares, means, strict=True)), Fraction(0))
        / total
        for side in (0, 1)
    )
    return before, after


def _overlaps(m: Measure, first: dt.date, last: dt.date) -> bool:
    return m.from_date <= last and (m.to_date is None or m.to_date >= first)
