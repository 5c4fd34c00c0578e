"""The sample on the benchmark's path: regimes, and moments whose size depends on cells."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from puhui.engine.duckdb import DuckDBEngine
from puhui.errors import FitError
from puhui.rates.identify import (
    Counts,
    Path,
    Regime,
    benchmark_column,
    comparable,
    path_of,
    regimes,
)
from puhui.rates.moments import (
    CellSums,
    ColumnPlan,
    Moments,
    assemble,
    fits_engine,
    scan,
    select,
    tally,
    with_levels,
)
from puhui.rates.sample import AMOUNT_SCALE, RATE_SCALE, SAMPLE, PricingSpec, rate
from puhui.rates.terms import BENCHMARK, OUTCOME, TREND

PLACED = "rates_placed"


@dataclass(frozen=True)
class Placed:
    """The benchmark's path, what of it the sample shows, and the scan of the sample.

    ``sums`` is unweighted; ``used`` counts the loans that can be compared.
    """

    path: Path
    sums: CellSums
    used: Counts
    regimes: tuple[Regime, ...]


def place(engine: DuckDBEngine, spec: PricingSpec, loans: int) -> Placed | None:
    """Find the path and scan the sample's loans along it; ``None`` without loans.

    Raises
    ------
    FitError
        The path given and the rates on the loans contradict each other.
    """
    seen = engine.sql(
        f"SELECT DISTINCT benchmark, benchmark_date AS day, benchmark_rate AS rate FROM {SAMPLE}"
    ).to_pylist()
    if not seen:
        return None
    shown = [(str(r["benchmark"]), r["day"], rate(r["rate"])) for r in seen]
    points = shown
    if spec.path is not None:
        names = {name for name, _, _ in shown}
        given = [
            (f"{r['series']} {r['tenor']}", r["from_date"], rate(r["rate"]))
            for r in spec.path.to_pylist()
        ]
        points = [p for p in given if p[0] in names]
    days = [day for _, day, _ in shown]
    path = path_of(points, min([spec.window_from, *days]), max([spec.window_to, *days]))
    levels = [path.level(name, day) for name, day, _ in shown]
    for (name, day, value), level in zip(shown, levels, strict=True):
        if path.rate(level) != value:
            raise FitError(f"{name} 在 {day} 应为 {path.rate(level)}，贷款上记的是 {value}。")
    engine.register(
        "rates_levels",
        pa.table({"b": [s[0] for s in shown], "d": [s[1] for s in shown], "e": levels}),
    )
    engine.view(
        PLACED,
        f"SELECT s.*, l.e FROM {SAMPLE} s "
        "JOIN rates_levels l ON s.benchmark = l.b AND s.benchmark_date = l.d",
    )
    sums = cell_sums(engine, loans, weighted=False)
    used = comparable(sums, path)
    counted = engine.sql(f"SELECT e, g, count(*) AS n FROM {PLACED} GROUP BY ALL").to_pylist()
    everything: Counts = {}
    for row in counted:
        everything.setdefault(row["e"], {})[row["g"]] = row["n"]
    window = (spec.window_from, spec.window_to)
    return Placed(path, sums, used, tuple(regimes(path, everything, used, window)))


def cell_sums(engine: DuckDBEngine, loans: int, weighted: bool) -> CellSums:
    """Sum trend and outcome (columns 0 and 1) by institution, cell and benchmark level.

    One scan in the engine; in Python integers over the rows only if the sums might not fit.
    """
    trend = _plan(engine, TREND, "t", 0)
    outcome = _plan(engine, OUTCOME, "y", RATE_SCALE)
    weight = _plan(engine, "amount", "w", AMOUNT_SCALE) if weighted else None
    if fits_engine([trend, outcome], loans, weight.bound if weight else 1):
        return scan(
            engine, PLACED, [trend, outcome], group="g", absorbed="f", levels=["e"], weight=weight
        )
    return _tallied(engine, [trend, outcome], weight)


def _plan(engine: DuckDBEngine, name: str, column: str, scale: int) -> ColumnPlan:
    """Bound of an integer column, trailing zeros of all its values taken off the scale."""
    flags = ", ".join(f"bool_and({column} % {10**k} = 0) AS z{k}" for k in range(1, scale + 1))
    row = engine.sql(
        f"SELECT max(abs({column})) AS bound{', ' + flags if flags else ''} FROM {PLACED}"
    ).to_pylist()[0]
    zeros = max((k for k in range(1, scale + 1) if row[f"z{k}"]), default=0)
    sql = f"{column} // {10**zeros}" if zeros else column
    return ColumnPlan(name, sql, scale - zeros, int(row["bound"]) // 10**zeros)


def _tallied(
    engine: DuckDBEngine, columns: list[ColumnPlan], weight: ColumnPlan | None
) -> CellSums:
    shown = ", ".join(f"{c.sql} AS c{i}" for i, c in enumerate(columns))
    rows = engine.sql(
        f"SELECT g, dense_rank() OVER (ORDER BY g, f) AS f, e, {shown}, "
        f"{weight.sql if weight else 1} AS w, count(*) OVER (PARTITION BY g, f) AS f_n "
        f"FROM {PLACED}"
    )
    several = rows.filter(pc.greater(rows.column("f_n"), 1)).to_pydict()
    groups = sorted(set(several["g"]))
    position = {g: i for i, g in enumerate(groups)}
    sums = tally(
        groups,
        [position[g] for g in several["g"]],
        [several[f"c{i}"] for i in range(len(columns))],
        absorbed=several["f"],
        levels=[several["e"]],
        weight=several["w"],
    )
    alone = rows.num_rows - len(several["g"])
    return CellSums(sums.groups, sums.cross, sums.cells, tuple(c.scale for c in columns), alone)


def level_moments(sums: CellSums, path: Path, columns: dict[str, list[int]]) -> Moments:
    """Moments of the benchmark, further functions of its level, trend and outcome, in order."""
    names = [BENCHMARK, *columns, TREND, OUTCOME]
    scales = [RATE_SCALE, *(0 for _ in columns), *sums.scales]
    plans = [ColumnPlan(n, "", s, 0) for n, s in zip(names, scales, strict=True)]
    coded = with_levels(sums, [benchmark_column(path, RATE_SCALE), *columns.values()], [0, 1])
    return assemble(coded, plans, intercept=False, absorbing=True)


def rung_moments(m: Moments, model: str) -> Moments:
    """Moments of rung A (benchmark) or B (benchmark and trend), outcome last."""
    trend = len(m.names) - 2
    return select(m, {"A": [0], "B": [0, trend]}[model])
