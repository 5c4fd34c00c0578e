"""Levels of a scan: benchmark × month, a month being divided on the day the benchmark moves.

Everything of the calendar that an equation uses (benchmark, trend apart, years, months, the part
of one move) is a function of the level, so one scan by level serves every rung.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

from flint import fmpz_mat

from puhui.rates.identify import Path, benchmark_column
from puhui.rates.moments import Cell, CellSums, ColumnPlan, Moments, assemble, with_levels
from puhui.rates.sample import RATE_SCALE
from puhui.rates.terms import BENCHMARK, OUTCOME, TREND

#: The three equations, in the order in which they are shown.
RUNGS = ("A", "B", "C")


@dataclass(frozen=True)
class Level:
    """A benchmark, the interval between moves, and the month (12 × year + month − 1)."""

    benchmark: int
    interval: int
    month: int


@dataclass(frozen=True)
class Levels:
    """The levels a sample shows, on the benchmark's path; a level's code is its position."""

    path: Path
    of: tuple[Level, ...]

    @property
    def on_path(self) -> list[int]:
        """Level of the path of each level."""
        return [v.benchmark * len(self.path.dates) + v.interval for v in self.of]

    def benchmark(self) -> list[int]:
        """Benchmark as integers over ``10**RATE_SCALE``."""
        column = benchmark_column(self.path, RATE_SCALE)
        return [column[code] for code in self.on_path]

    def part(self, day: dt.date) -> list[int]:
        """What one move brings to the benchmark."""
        column = self.path.part(day, RATE_SCALE)
        return [column[code] for code in self.on_path]

    def years(self) -> list[int]:
        """Position of the year among the years there are."""
        return _positions([v.month // 12 for v in self.of])

    def spans(self) -> list[tuple[int, int]]:
        """Month and interval between moves: within one, no benchmark moves."""
        return [(v.month, v.interval) for v in self.of]

    def effects(self, model: str) -> list[int] | None:
        """Effect of the calendar in a rung: none in A, years in B, divided months in C."""
        if model == "A":
            return None
        return self.years() if model == "B" else _positions(self.spans())


def level_of(path: Path, benchmark: str, day: dt.date) -> Level:
    """Level of a benchmark on a day; raises :class:`FitError` before the path begins."""
    code = path.level(benchmark, day)
    return Level(code // len(path.dates), code % len(path.dates), 12 * day.year + day.month - 1)


def _positions(values: Sequence[object]) -> list[int]:
    order = {v: i for i, v in enumerate(sorted(set(values)))}  # type: ignore[type-var]
    return [order[v] for v in values]


def regrouped(sums: CellSums, codes: Sequence[int]) -> CellSums:
    """Take levels of one code together; everything else stays."""
    totals: dict[tuple[int, int, int], list[int]] = {}
    for cell in sums.cells:
        key = (cell.group, cell.absorbed, codes[cell.levels[0]])
        new = [cell.rows, cell.weight, *cell.sums]
        old = totals.get(key)
        totals[key] = new if old is None else [a + b for a, b in zip(old, new, strict=True)]
    cells = (Cell(g, f, (e,), v[0], v[1], tuple(v[2:])) for (g, f, e), v in totals.items())
    return replace(sums, cells=tuple(cells))


def equation(
    sums: CellSums,
    levels: Levels,
    model: str,
    *,
    moves: Sequence[dt.date] = (),
    controls: Sequence[str] = (),
) -> Moments:
    """Moments of a rung: benchmark, the parts of moves, trend (B), controls; effects; outcome.

    Parameters
    ----------
    sums
        Scan of trend, ``controls`` and outcome by institution, cell and level.
    moves
        Moves whose part of the benchmark is to be a column; ``chosen`` takes them out again.
    """
    values = [levels.benchmark(), *(levels.part(day) for day in moves)]
    trend = [0] if model == "B" else []
    plain = [*trend, *range(1, len(controls) + 1), len(sums.scales) - 1]
    coded = with_levels(sums, values, plain)
    effects = levels.effects(model)
    counts = []
    if effects is not None:
        coded = replace(coded, cells=_by_effect(sums, values, plain, effects))
        counts = [max(effects) + 1]
    parts = [f"{BENCHMARK} {day}" for day in moves]
    names = [BENCHMARK, *parts, *([TREND] if trend else []), *controls, OUTCOME]
    scales = [RATE_SCALE] * len(values) + [sums.scales[j] for j in plain]
    plans = [ColumnPlan(n, "", s, 0) for n, s in zip(names, scales, strict=True)]
    return assemble(coded, plans, intercept=False, absorbing=True, level_counts=counts)


def _by_effect(
    sums: CellSums, values: list[list[int]], plain: list[int], effects: list[int]
) -> tuple[Cell, ...]:
    """One cell per absorbed cell and effect of the calendar, with functions of the level first."""
    totals: dict[tuple[int, int, int], list[int]] = {}
    for cell in sums.cells:
        e = cell.levels[0]
        row = [cell.rows, cell.weight]
        row += [column[e] * cell.weight for column in values]
        row += [cell.sums[j] for j in plain]
        key = (cell.group, cell.absorbed, effects[e])
        old = totals.get(key)
        totals[key] = row if old is None else [a + b for a, b in zip(old, row, strict=True)]
    return tuple(Cell(g, f, (e,), v[0], v[1], tuple(v[2:])) for (g, f, e), v in totals.items())


def chosen(m: Moments, terms: Sequence[int], outcome: int | None = None) -> Moments:
    """Keep some terms and every effect column; ``outcome`` takes another column as outcome."""
    last = len(m.names) - 1
    order = [*terms, *range(m.terms, last), last if outcome is None else outcome]
    return replace(
        m,
        names=tuple(m.names[j] for j in order),
        scales=tuple(m.scales[j] for j in order),
        terms=len(terms),
        cross=tuple(fmpz_mat([[c[i, j] for j in order] for i in order]) for c in m.cross),
    )
