"""The sample on the benchmark's path: regimes, and scans whose size depends on cells."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from puhui.engine.duckdb import DuckDBEngine, ident
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
from puhui.rates.levels import Level, Levels, level_of, regrouped
from puhui.rates.moments import (
    CellSums,
    ColumnPlan,
    Moments,
    assemble,
    fits_engine,
    scan,
    tally,
    with_levels,
)
from puhui.rates.sample import AMOUNT_SCALE, BESIDE, RATE_SCALE, SAMPLE, PricingSpec, rate
from puhui.rates.terms import BENCHMARK, OUTCOME, TREND, Control

PLACED = "rates_placed"
#: The sample, and where it is placed, with loans that may be on another tenor moved to it.
_MOVED, PLACED_BESIDE = "rates_moved", "rates_placed_beside"


@dataclass(frozen=True)
class Placed:
    """The benchmark's path, what of it the sample shows, and the scan of the sample.

    ``sums`` is unweighted, by :class:`Levels`; ``by_path`` the same by the path's own levels;
    ``used`` counts the loans that can be compared; ``late`` those without a day of pricing
    drawn soon after a move.
    """

    path: Path
    levels: Levels
    sums: CellSums
    by_path: CellSums
    used: Counts
    regimes: tuple[Regime, ...]
    late: int


def place(
    engine: DuckDBEngine, spec: PricingSpec, *, sample: str = SAMPLE, name: str = PLACED
) -> Placed | None:
    """Find the path and scan the sample's loans along it; ``None`` without loans.

    ``name`` is the relation the placed loans are had by.

    Raises
    ------
    FitError
        The path given and the rates on the loans contradict each other.
    """
    seen = engine.sql(
        f"SELECT DISTINCT benchmark, benchmark_date AS day, benchmark_rate AS rate FROM {sample}"
    ).to_pylist()
    if not seen:
        return None
    shown = [(str(r["benchmark"]), r["day"], rate(r["rate"])) for r in seen]
    points = _points(shown, spec)
    path = _path(points, shown, spec)
    own = [level_of(path, name, day) for name, day, _ in shown]
    levels = Levels(path, tuple(sorted(set(own), key=_order)))
    code = {level: i for i, level in enumerate(levels.of)}
    moved = _moves(points)
    after = [_days_since_a_move(moved[name], day) for name, day, _ in shown]
    table = {
        "b": [s[0] for s in shown],
        "d": [s[1] for s in shown],
        "e": [code[level] for level in own],
        "soon": [days is not None and days < spec.late_days for days in after],
    }
    engine.register(f"{name}_levels", pa.table(table))
    engine.view(
        name,
        f"SELECT s.*, l.e, (l.soon AND s.by_drawdown) AS late FROM {sample} s "
        f"JOIN {name}_levels l ON s.benchmark = l.b AND s.benchmark_date = l.d",
    )
    sums = cell_sums(engine, weighted=False, relation=name)
    by_path = regrouped(sums, levels.on_path)
    used = comparable(by_path, path)
    counted = engine.sql(f"SELECT e, g, count(*) AS n FROM {name} GROUP BY ALL").to_pylist()
    everything: Counts = {}
    for row in counted:
        held = everything.setdefault(levels.on_path[row["e"]], {})
        held[row["g"]] = held.get(row["g"], 0) + row["n"]
    late = engine.sql(f"SELECT count(*) FILTER (WHERE late) AS n FROM {name}")
    window = (spec.window_from, spec.window_to)
    found = tuple(regimes(path, everything, used, window))
    return Placed(path, levels, sums, by_path, used, found, int(late.column("n")[0].as_py()))


def place_beside(engine: DuckDBEngine, spec: PricingSpec) -> Placed | None:
    """Place the sample with every loan that may be on another tenor on that one.

    ``None`` if the benchmark's rates are not given, or some such loan is older than they are.
    """
    if spec.path is None:
        return None
    engine.register("rates_path", spec.path)
    engine.view(
        _MOVED,
        "SELECT s.* REPLACE (coalesce(p.benchmark, s.benchmark) AS benchmark, "
        f"CASE WHEN s.{BESIDE} IS NULL THEN s.benchmark_rate ELSE p.rate END AS benchmark_rate) "
        f"FROM {SAMPLE} s ASOF LEFT JOIN (SELECT concat_ws(' ', series, tenor) AS benchmark, tenor,"
        " from_date, rate FROM rates_path) p "
        f"ON p.tenor = s.{BESIDE} AND p.from_date <= s.benchmark_date",
    )
    unknown = engine.sql(f"SELECT count(*) AS n FROM {_MOVED} WHERE benchmark_rate IS NULL")
    if unknown.column("n")[0].as_py():
        return None
    return place(engine, spec, sample=_MOVED, name=PLACED_BESIDE)


def _order(level: Level) -> tuple[int, int, int]:
    return level.benchmark, level.interval, level.month


Point: TypeAlias = tuple[str, dt.date, Decimal]


def _points(shown: list[Point], spec: PricingSpec) -> list[Point]:
    """Benchmark, date in force and rate: as the caller knows them, else as the loans show them."""
    if spec.path is None:
        return shown
    names = {name for name, _, _ in shown}
    given = [
        (f"{r['series']} {r['tenor']}", r["from_date"], rate(r["rate"]))
        for r in spec.path.to_pylist()
    ]
    return [p for p in given if p[0] in names]


def _path(points: list[Point], shown: list[Point], spec: PricingSpec) -> Path:
    days = [day for _, day, _ in shown]
    path = path_of(points, min([spec.window_from, *days]), max([spec.window_to, *days]))
    for name, day, value in shown:
        own = path.rate(path.level(name, day))
        if own != value:
            raise FitError(f"{name} 在 {day} 应为 {own}，贷款上记的是 {value}。")
    return path


def _moves(points: list[Point]) -> dict[str, list[dt.date]]:
    """Days on which each benchmark changed, those before any loan too."""
    found: dict[str, list[dt.date]] = {}
    last: dict[str, Decimal] = {}
    for name, day, value in sorted(points):
        own = found.setdefault(name, [])
        if last.get(name, value) != value:
            own.append(day)
        last[name] = value
    return found


def _days_since_a_move(moves: list[dt.date], day: dt.date) -> int | None:
    """Days since the benchmark last moved; ``None`` before its first known move."""
    past = [m for m in moves if m <= day]
    return (day - past[-1]).days if past else None


def cell_sums(
    engine: DuckDBEngine,
    *,
    weighted: bool,
    controls: Sequence[Control] = (),
    where: str = "true",
    relation: str = PLACED,
) -> CellSums:
    """Sum trend, controls and outcome (in this order) by institution, cell and level.

    One scan in the engine; in Python integers over the rows only if the sums might not fit.

    Parameters
    ----------
    where
        Condition on the placed loans; controls may be missing nowhere among them.
    """
    placed, relation = relation, "rates_scanned"
    engine.view(relation, f"SELECT * FROM {placed} WHERE {where}")
    columns = [
        _plan(engine, relation, TREND, "t", 0),
        *(_plan(engine, relation, c.name, ident(c.name), c.scale) for c in controls),
        _plan(engine, relation, OUTCOME, "y", RATE_SCALE),
    ]
    weight = _plan(engine, relation, "amount", "w", AMOUNT_SCALE) if weighted else None
    size = int(engine.sql(f"SELECT count(*) AS n FROM {relation}").column("n")[0].as_py())
    if fits_engine(columns, size, weight.bound if weight else 1):
        return scan(engine, relation, columns, group="g", absorbed="f", levels=["e"], weight=weight)
    return _tallied(engine, relation, columns, weight)


def _plan(engine: DuckDBEngine, relation: str, name: str, column: str, scale: int) -> ColumnPlan:
    """Bound of an integer column, trailing zeros of all its values taken off the scale."""
    flags = ", ".join(f"bool_and({column} % {10**k} = 0) AS z{k}" for k in range(1, scale + 1))
    row = engine.sql(
        f"SELECT max(abs({column})) AS bound{', ' + flags if flags else ''} FROM {relation}"
    ).to_pylist()[0]
    zeros = max((k for k in range(1, scale + 1) if row[f"z{k}"]), default=0)
    sql = f"{column} // {10**zeros}" if zeros else column
    return ColumnPlan(name, sql, scale - zeros, int(row["bound"] or 0) // 10**zeros)


def _tallied(
    engine: DuckDBEngine, relation: str, columns: list[ColumnPlan], weight: ColumnPlan | None
) -> CellSums:
    shown = ", ".join(f"{c.sql} AS c{i}" for i, c in enumerate(columns))
    rows = engine.sql(
        f"SELECT g, dense_rank() OVER (ORDER BY g, f) AS f, e, {shown}, "
        f"{weight.sql if weight else 1} AS w, count(*) OVER (PARTITION BY g, f) AS f_n "
        f"FROM {relation}"
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
    """Moments of the benchmark, further functions of its level, trend and outcome, in order.

    ``sums`` is by the path's own levels.
    """
    names = [BENCHMARK, *columns, TREND, OUTCOME]
    scales = [RATE_SCALE, *(0 for _ in columns), sums.scales[0], sums.scales[-1]]
    plans = [ColumnPlan(n, "", s, 0) for n, s in zip(names, scales, strict=True)]
    plain = [0, len(sums.scales) - 1]
    coded = with_levels(sums, [benchmark_column(path, RATE_SCALE), *columns.values()], plain)
    return assemble(coded, plans, intercept=False, absorbing=True)
