"""Institution × month means at constant mix, from sums by institution, cell, month and regime.

Within one institution the loans of cell f drawn up in month m are taken as ``α_f + δ_m``: the
least-squares δ_m, set so that their average over the loans is the loans' own mean, are what the
month's mean would be if every month had the same cells. The rate and the benchmark are treated
alike, so a rate that follows the benchmark one for half does so in the means too. Months that no
cell ties to the others cannot be compared; they are left out and counted.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from flint import fmpq, fmpq_mat

from puhui.engine.duckdb import DuckDBEngine, quote
from puhui.rates.identify import path_of
from puhui.rates.sample import RATE_SCALE, SAMPLE, PricingSpec, Sample, drawn, rate

#: Means are rounded to so many decimals of a percentage point; the rounded value is the figure.
MEAN_SCALE = 9


@dataclass(frozen=True)
class Sums:
    """Loans of one institution, cell, month and regime that share a value of the benchmark.

    ``month`` is 12 × year + month − 1; ``regime`` counts the moves before. The benchmark and the
    sum of the rates are integers over ``10**RATE_SCALE``.
    """

    institution: str
    cell: str
    month: int
    regime: int
    benchmark: int
    loans: int
    rates: int


@dataclass(frozen=True)
class MonthMean:
    """Mean rate and benchmark of an institution's month at constant mix, in percent."""

    institution: str
    month: int
    loans: int
    rate: Decimal
    benchmark: Decimal


@dataclass(frozen=True)
class MonthMeans:
    """Means by institution and month; and by institution the loans of months left out."""

    means: tuple[MonthMean, ...]
    left_out: dict[str, int]


@dataclass(frozen=True)
class ByMonth:
    """The sample by institution and month: exact sums, the benchmark's moves, and the means."""

    sums: tuple[Sums, ...]
    moves: tuple[dt.date, ...]
    means: tuple[MonthMean, ...]
    left_out: dict[str, int]


def by_month(
    engine: DuckDBEngine, relation: str, spec: PricingSpec, *, sample: Sample | None = None
) -> ByMonth:
    """Add the sample up by month once, for slopes and dynamics alike.

    Parameters
    ----------
    engine, relation, spec, sample
        As for :func:`puhui.rates.price`.
    """
    sums, moves = month_sums(engine, relation, spec, sample=sample)
    found = month_means(sums)
    return ByMonth(sums, moves, found.means, found.left_out)


def month_sums(
    engine: DuckDBEngine, relation: str, spec: PricingSpec, *, sample: Sample | None = None
) -> tuple[tuple[Sums, ...], tuple[dt.date, ...]]:
    """Add up the sample's loans by institution, cell, month and regime of pricing, exactly.

    Parameters
    ----------
    engine, relation, spec, sample
        As for :func:`puhui.rates.price`.

    Returns
    -------
    tuple
        The sums, ordered; and the dates within the window at which some tenor moved.
    """
    drawn(engine, relation, spec, sample)
    moves = _moves(engine, spec)
    since = " + ".join(
        f"CAST(benchmark_date >= DATE {quote(d.isoformat())} AS INTEGER)" for d in moves
    )
    found = engine.sql(
        f"SELECT g, f, 12 * year(benchmark_date) + month(benchmark_date) - 1 AS m, "
        f"{since or '0'} AS r, CAST(benchmark_rate * {10**RATE_SCALE} AS BIGINT) AS b, "
        f"count(*) AS n, CAST(sum(y) AS DECIMAL(38,0)) AS y FROM {SAMPLE} "
        "GROUP BY ALL ORDER BY g, f, m, r, b"
    ).to_pylist()
    keys = ("m", "r", "b", "n", "y")
    return tuple(Sums(row["g"], row["f"], *(int(row[k]) for k in keys)) for row in found), moves


def _moves(engine: DuckDBEngine, spec: PricingSpec) -> tuple[dt.date, ...]:
    """Dates after the first loan's at which the benchmark moves, as given or as loans show it."""
    seen = engine.sql(
        f"SELECT DISTINCT benchmark, benchmark_date AS day, benchmark_rate AS rate FROM {SAMPLE}"
    ).to_pylist()
    if not seen:
        return ()
    shown = [(str(r["benchmark"]), r["day"], rate(r["rate"])) for r in seen]
    points = shown
    if spec.path is not None:
        names = {name for name, _, _ in shown}
        given = ((f"{r['series']} {r['tenor']}", r) for r in spec.path.to_pylist())
        points = [(name, r["from_date"], rate(r["rate"])) for name, r in given if name in names]
    days = [day for _, day, _ in shown]
    return tuple(path_of(points, min(days), max(days)).moves())


def month_means(sums: Iterable[Sums]) -> MonthMeans:
    """Return the means at constant mix of every institution.

    Examples
    --------
    Cell a costs 1 more than cell b; the second month has more of a, and nothing moved:

    >>> loans = [("a", 0, 1, 6), ("b", 0, 3, 15), ("a", 1, 3, 18), ("b", 1, 1, 5)]
    >>> one = [Sums("X", f, m, 0, 4000000, n, y * 10**6) for f, m, n, y in loans]
    >>> [str(m.rate.normalize()) for m in month_means(one).means]
    ['5.5', '5.5']
    """
    by: dict[str, list[Sums]] = defaultdict(list)
    for s in sums:
        by[s.institution].append(s)
    means: list[MonthMean] = []
    left_out: dict[str, int] = {}
    for institution, own in sorted(by.items()):
        kept = _tied(own)
        lost = sum(s.loans for s in own if s.month not in kept)
        if lost:
            left_out[institution] = lost
        means += _fitted(institution, [s for s in own if s.month in kept])
    return MonthMeans(tuple(means), left_out)


def _tied(own: Sequence[Sums]) -> set[int]:
    """Months that cells tie together: of several such sets the one with most loans."""
    sets: list[set[int]] = []
    months: dict[str, set[int]] = defaultdict(set)
    for s in own:
        months[s.cell].add(s.month)
    for linked in months.values():
        apart = [known for known in sets if not known & linked]
        joined = linked.union(*(known for known in sets if known & linked))
        sets = [*apart, joined]
    loans: dict[int, int] = defaultdict(int)
    for s in own:
        loans[s.month] += s.loans
    return max(sets, key=lambda months: (sum(loans[m] for m in months), -min(months)))


def _fitted(institution: str, own: Sequence[Sums]) -> list[MonthMean]:
    """Solve for the month effects of rate and benchmark, exactly, then round."""
    months = sorted({s.month for s in own})
    place = {m: i for i, m in enumerate(months)}
    cells: dict[str, list[Sums]] = defaultdict(list)
    for s in own:
        cells[s.cell].append(s)
    size = len(months)
    # The rows of the normal equations add up to nothing; one gives way to the overall mean.
    left = [[Fraction(0)] * size for _ in months]
    right = [[Fraction(0)] * 2 for _ in months]
    loans = [0] * size
    for members in cells.values():
        n = sum(s.loans for s in members)
        total = (sum(s.rates for s in members), sum(s.loans * s.benchmark for s in members))
        for s in members:
            i = place[s.month]
            loans[i] += s.loans
            left[i][i] += s.loans
            right[i][0] += s.rates - Fraction(s.loans * total[0], n)
            right[i][1] += s.loans * s.benchmark - Fraction(s.loans * total[1], n)
            for other in members:
                left[i][place[other.month]] -= Fraction(s.loans * other.loans, n)
    left[-1] = [Fraction(n) for n in loans]
    right[-1] = [
        Fraction(sum(s.rates for s in own)),
        Fraction(sum(s.loans * s.benchmark for s in own)),
    ]
    effects = _rational(left).solve(_rational(right))
    return [
        MonthMean(institution, m, loans[i], _mean(effects[i, 0]), _mean(effects[i, 1]))
        for i, m in enumerate(months)
    ]


def _rational(rows: list[list[Fraction]]) -> fmpq_mat:
    return fmpq_mat([[fmpq(v.numerator, v.denominator) for v in row] for row in rows])


def _mean(value: fmpq) -> Decimal:
    """Round an exact mean (over ``10**RATE_SCALE``) half to even."""
    exact = Fraction(int(value.p), int(value.q)) / 10**RATE_SCALE
    return Decimal(round(exact * 10**MEAN_SCALE)).scaleb(-MEAN_SCALE)
