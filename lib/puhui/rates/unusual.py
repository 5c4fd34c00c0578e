"""Unusual rates: loans far from what an institution, or the county, charges for their like.

A second pass over rows. A rate that stands out is for review; it is not thereby wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import pi
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy import optimize, special

from puhui.engine.duckdb import DuckDBEngine
from puhui.errors import FitError
from puhui.rates.sample import IDS, RATE_SCALE, SAMPLE, PricingSpec, Sample, drawn
from puhui.results import from_rows, twelve_digits

#: What a loan is held against, and its words.
AGAINST = {"own": "本机构同类贷款", "peers": "本县同类机构的同类贷款"}
#: Makes the median absolute deviation of a normal sample its standard deviation.
MAD_FACTOR = 1.4826
MIN_GROUP = 50
MAX_LEVERAGE = 0.99
FALSE_SHARE = 0.1
#: Share of a group, in its middle, that the t distribution is fitted to.
CENTRAL = 0.9
#: Degrees of freedom are sought between these; at the upper end t is normal to the eye. Below the
#: lower end no distance would count: the middle of few loans fits such tails by chance.
_DF = (3.0, 200.0)
#: Rows this many scales out take no part in what the others are held against.
_ASIDE = 5.0
#: Most scores of a group a distribution is fitted to.
_POINTS = 4000

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Bits: TypeAlias = npt.NDArray[np.bool_]

#: What :func:`screen` adds to a table of residuals.
SCREENED = [
    ("score", pa.float64()),  # residual over its group's robust scale
    ("p", pa.float64()),
    ("p_adjusted", pa.float64()),  # Benjamini–Hochberg
    ("flagged", pa.bool_()),
    ("untested", pa.string()),  # why there is no p
]
UNTESTED = {
    "leverage": "自身决定了所比的平均",
    "small": "同组贷款太少",
    "no_scale": "同组半数以上利率相同",
}


@dataclass(frozen=True)
class Null:
    """Distribution of a group's scores where nothing is unusual."""

    loc: float
    scale: float
    df: float

    def p_values(self, scores: Floats) -> Floats:
        """Two-sided p of each score."""
        away = np.abs(scores - self.loc) / self.scale
        p: Floats = 2 * special.stdtr(self.df, -away)
        return p


@dataclass(frozen=True)
class Screened:
    """Every loan with its score and p, flagged ones first, high before low; and counts.

    Attributes
    ----------
    table
        The columns given, and those of :data:`SCREENED`.
    tested, flagged
        Loans.
    untested
        Loans without a test, by reason.
    nulls
        Fitted distribution of each group tested.
    """

    table: pa.Table
    tested: int
    flagged: int
    untested: dict[str, int]
    nulls: dict[str, Null]


def rows_of_sample(
    engine: DuckDBEngine, relation: str, spec: PricingSpec, *, sample: Sample | None = None
) -> pa.Table:
    """Loans of the pricing equation's sample, one row each, with what tells them apart.

    Parameters
    ----------
    engine, relation, spec, sample
        As for :func:`puhui.rates.price`; the same sample.

    Returns
    -------
    pyarrow.Table
        ``institution_id``, ``branch_id``, ``loan_id``, ``cell`` (the effects but the
        institution), ``month`` (of pricing, counted), ``rate`` and ``spread`` over the benchmark
        (percent), in order of institution and loan.
    """
    held = drawn(engine, relation, spec, sample).ids
    ids = ", ".join(name if name in held else f"CAST(NULL AS VARCHAR) AS {name}" for name in IDS)
    return engine.sql(f"""
        SELECT g AS institution_id, {ids},
            substr(f, length(g) + 2) AS cell,
            CAST(year(benchmark_date) * 12 + month(benchmark_date) AS BIGINT) AS month,
            y / {10**RATE_SCALE} AS rate,
            (y - CAST(benchmark_rate * {10**RATE_SCALE} AS BIGINT)) / {10**RATE_SCALE} AS spread
        FROM {SAMPLE} ORDER BY g, loan_id
    """)


def residuals(
    rows: pa.Table, against: str = "own", *, kinds: Mapping[str, str] | None = None
) -> pa.Table:
    """Residual of every loan from its like, with leverage.

    The spread over the benchmark is fitted by effects of cells and of months of pricing: those
    of the institution itself (``own``), or the same over institutions of its kind (``peers``),
    itself included. See :func:`from_like`.

    Parameters
    ----------
    rows
        As :func:`rows_of_sample` gives them.
    against
        A key of :data:`AGAINST`.
    kinds
        Kind of each institution, for ``peers``; one of no known kind is alone. ``None``: all are
        of one kind.

    Returns
    -------
    pyarrow.Table
        The rows with ``group`` (institution or kind), ``residual`` (percentage points) and
        ``leverage``.

    Raises
    ------
    FitError
        ``against`` is neither.
    """
    if against not in AGAINST:
        raise FitError(f"不能与“{against}”比较。", remedy=f"请选{'或'.join(AGAINST)}。")
    group = rows.column("institution_id")
    if against == "peers":
        names = group.to_pylist()
        group = pa.array(["" if kinds is None else kinds.get(n, n) for n in names], pa.string())
    grouped = rows.append_column("group", group)
    rest, leverage = from_like(
        rows.column("spread").to_numpy(),
        _codes(grouped, ["group", "cell"]),
        _codes(grouped, ["group", "month"]),
        groups=_codes(grouped, ["group"]),
    )
    with_rest = grouped.append_column("residual", pa.array(rest))
    return with_rest.append_column("leverage", pa.array(leverage))


def _codes(table: pa.Table, names: Sequence[str]) -> Ints:
    """Number the combinations of some columns."""
    whole = np.zeros(table.num_rows, dtype=np.int64)
    for name in names:
        coded = table.column(name).combine_chunks().dictionary_encode()
        codes = coded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
        whole = whole * len(coded.dictionary) + codes
    found: Ints = np.unique(whole, return_inverse=True)[1].astype(np.int64)
    return found


def from_like(values: Floats, cells: Ints, months: Ints, *, groups: Ints) -> tuple[Floats, Floats]:
    """Residuals from effects of cells plus months within groups, and leverages.

    Least squares twice: rows beyond five robust scales of their group take no part in the second
    fit, so that one mistyped rate does not make its neighbours look unusual.

    Parameters
    ----------
    values
        What is compared, by row.
    cells, months, groups
        Codes from 0; a cell and a month lie within one group.

    Returns
    -------
    tuple
        Residuals over √(1 − leverage), which have the same spread whatever the leverage (plain
        where the leverage is 1); and leverages, 0 for rows that took no part.
    """
    every = np.ones(len(values), dtype=np.bool_)
    rest, leverage = _fitted(values, cells, months, groups, every)
    scale = _robust_scales(rest, groups)[groups]
    kept = (np.abs(rest) <= _ASIDE * scale) | (scale == 0)
    if not kept.all():
        rest, leverage = _fitted(values, cells, months, groups, kept)
    return rest, leverage


def _fitted(
    values: Floats, cells: Ints, months: Ints, groups: Ints, kept: Bits
) -> tuple[Floats, Floats]:
    rest = np.zeros(len(values))
    leverage = np.zeros(len(values))
    order = np.argsort(groups, kind="stable")
    edges = np.searchsorted(groups[order], np.arange(int(groups.max(initial=-1)) + 2))
    for first, last in pairwise(edges):
        rows = order[first:last]
        rest[rows], leverage[rows] = _within(values[rows], cells[rows], months[rows], kept[rows])
    free = np.where(kept & (leverage < MAX_LEVERAGE), 1 - leverage, 1.0)
    return rest / np.sqrt(free), leverage


def _within(values: Floats, cells: Ints, months: Ints, kept: Bits) -> tuple[Floats, Floats]:
    """Fit one group by the counts of its cells and months.

    A row whose cell or month nobody kept shares has nothing to be held against: leverage 1.
    """
    cell, month = (np.unique(c, return_inverse=True)[1] for c in (cells, months))
    n_cells, n_months = int(cell.max()) + 1, int(month.max()) + 1
    place = (cell * n_months + month)[kept]
    counts = np.bincount(place, minlength=n_cells * n_months).astype(np.float64)
    counts = counts.reshape(n_cells, n_months)
    of_cells, of_months = counts.sum(axis=1), counts.sum(axis=0)
    x_x = np.block([[np.diag(of_cells), counts], [counts.T, np.diag(of_months)]])
    x_y = np.concatenate(
        [
            np.bincount(cell[kept], values[kept], minlength=n_cells),
            np.bincount(month[kept], values[kept], minlength=n_months),
        ]
    )
    inverse = np.linalg.pinv(x_x, hermitian=True)
    beta = inverse @ x_y
    own = np.diag(inverse)
    table = own[:n_cells, None] + own[None, n_cells:] + 2 * inverse[:n_cells, n_cells:]
    leverage = np.where(kept, table[cell, month], 0.0)
    alone = (of_cells[cell] == 0) | (of_months[month] == 0)
    rest = values - beta[cell] - beta[n_cells + month]
    return rest, np.where(alone, 1.0, leverage)


def _robust_scales(values: Floats, groups: Ints) -> Floats:
    """1.4826 MAD of each group."""
    scales = np.zeros(int(groups.max(initial=-1)) + 1)
    for group in range(len(scales)):
        scales[group] = robust_scale(values[groups == group])[1]
    return scales


def robust_scale(values: Floats) -> tuple[float, float]:
    """Median and 1.4826 times the median absolute deviation from it.

    >>> robust_scale(np.array([1.0, 2.0, 3.0, 4.0, 100.0]))
    (3.0, 1.4826)
    """
    middle = float(np.median(values))
    return middle, MAD_FACTOR * float(np.median(np.abs(values - middle)))


@dataclass(frozen=True)
class _Middle:
    """The central nine tenths of a group's scores, and where they were cut."""

    low: float
    high: float
    inside: Floats
    loans: int

    @classmethod
    def of(cls, scores: Floats) -> _Middle:
        low, high = (float(q) for q in np.quantile(scores, [(1 - CENTRAL) / 2, (1 + CENTRAL) / 2]))
        inside = np.sort(scores[(scores >= low) & (scores <= high)])
        count = len(inside)
        if count > _POINTS:
            inside = np.quantile(inside, (np.arange(_POINTS) + 0.5) / _POINTS)
        return cls(low, high, inside, count)

    def misfit(self, loc: float, scale: float, df: float) -> float:
        """Minus the truncated log-likelihood of t, a loan."""
        ends = ((self.low - loc) / scale, (self.high - loc) / scale)
        held = special.stdtr(df, ends[1]) - special.stdtr(df, ends[0])
        if held <= 0:
            return float("inf")
        away = np.log1p(((self.inside - loc) / scale) ** 2 / df).mean()
        constant = special.gammaln((df + 1) / 2) - special.gammaln(df / 2) - np.log(df * pi) / 2
        return float(np.log(scale) + np.log(held) + (df + 1) / 2 * away - constant)

    def fitted(self, df: float) -> tuple[Null, float]:
        """Best location and scale for degrees of freedom, and their misfit."""
        found = optimize.minimize(
            lambda x: self.misfit(float(x[0]), float(np.exp(x[1])), df),
            np.array([(self.low + self.high) / 2, 0.0]),
            method="L-BFGS-B",
            bounds=[(self.low, self.high), (-3.0, 3.0)],
        )
        null = Null(float(found.x[0]), float(np.exp(found.x[1])), df)
        return null, float(found.fun)


def fit_nulls(scores: Mapping[str, Floats]) -> dict[str, Null]:
    """Fit t distributions to the central nine tenths of groups' scores.

    Truncated likelihood: what is unusual lies outside and does not move the fit; tails follow
    from the middle. Location and scale are each group's own. The degrees of freedom are one
    number for all groups: the middle of fifty loans says next to nothing of their tails, and a
    group that happens to look normal would be given tails far too thin. Of more than some
    thousand scores evenly spaced ones in order of size stand for all.
    """
    middles = {name: _Middle.of(values) for name, values in scores.items()}
    if not middles:
        return {}

    def misfit(of_df: float) -> float:
        return sum(m.loans * m.fitted(1 / of_df)[1] for m in middles.values())

    found = optimize.minimize_scalar(
        misfit, bounds=(1 / _DF[1], 1 / _DF[0]), method="bounded", options={"xatol": 1e-3}
    )
    return {name: m.fitted(float(1 / found.x))[0] for name, m in middles.items()}


def adjusted(p: Floats) -> Floats:
    """Benjamini–Hochberg (1995) adjusted p-values.

    >>> adjusted(np.array([0.01, 0.04, 0.03])).round(3).tolist()
    [0.03, 0.04, 0.04]
    """
    n = len(p)
    order = np.argsort(p, kind="stable")[::-1]
    steps = p[order] * n / np.arange(n, 0, -1)
    found = np.empty(n)
    found[order] = np.minimum(np.minimum.accumulate(steps), 1.0)
    return found


def screen(
    table: pa.Table,
    *,
    false_share: float = FALSE_SHARE,
    min_group: int = MIN_GROUP,
    max_leverage: float = MAX_LEVERAGE,
) -> Screened:
    """Find residuals that stand out from their group.

    Each residual over the robust scale of its group; a t distribution fitted to the middle of
    these scores (:func:`fit_nulls`) says how often a loan like the others would lie as far out;
    of the loans flagged about ``false_share`` are expected to be such (Benjamini–Hochberg over
    all groups).

    Parameters
    ----------
    table
        Columns ``group``, ``residual``, ``leverage`` and any others, as :func:`residuals` gives.
    false_share
        Expected share of flagged loans that are like the others.
    min_group
        Loans a group must have.
    max_leverage
        Loans beyond it decide themselves what they are held against.
    """
    groups = table.column("group").combine_chunks().dictionary_encode()
    labels = groups.dictionary.to_pylist()
    codes = groups.indices.to_numpy(zero_copy_only=False)
    rest = table.column("residual").to_numpy()
    leverage = table.column("leverage").to_numpy()
    score = np.full(len(rest), np.nan)
    p = np.full(len(rest), np.nan)
    why = np.where(leverage > max_leverage, "leverage", "").astype(object)
    mine = {str(n): np.flatnonzero((codes == c) & (why == "")) for c, n in enumerate(labels)}
    for rows in mine.values():
        middle, scale = robust_scale(rest[rows]) if len(rows) else (0.0, 0.0)
        if len(rows) < min_group or scale == 0:
            why[rows] = "small" if len(rows) < min_group else "no_scale"
            continue
        score[rows] = (rest[rows] - middle) / scale
    nulls = fit_nulls({n: score[rows] for n, rows in mine.items() if (why[rows] == "").any()})
    for name, null in nulls.items():
        p[mine[name]] = null.p_values(score[mine[name]])
    tested = np.flatnonzero(why == "")
    q = np.full(len(rest), np.nan)
    q[tested] = adjusted(p[tested])
    flagged = np.zeros(len(rest), dtype=np.bool_)
    flagged[tested] = q[tested] <= false_share
    columns = [score, p, q, flagged, [w or None for w in why]]
    for (name, kind), values in zip(SCREENED, columns, strict=True):
        column = pa.array(values, kind, from_pandas=True)
        table = table.append_column(name, column)
    # Flagged first, of these the high ones first, each from the farthest on.
    side = np.where(flagged, np.where(score > 0, 0, 1), 2)
    order = np.lexsort((-np.abs(np.nan_to_num(score)), side))
    return Screened(
        table=table.take(pa.array(order)),
        tested=len(tested),
        flagged=int(flagged.sum()),
        untested={w: int((why == w).sum()) for w in UNTESTED if (why == w).any()},
        nulls=nulls,
    )


def flagged(screened: Screened) -> pa.Table:
    """Only the loans for review, high ones first."""
    return screened.table.filter(pc.field("flagged"))


@dataclass(frozen=True)
class Review:
    """What there is to review: ``loans`` as results ``unusual``, ``counts`` as its counts."""

    loans: pa.Table
    counts: pa.Table


def review(
    engine: DuckDBEngine,
    relation: str,
    spec: PricingSpec,
    *,
    sample: Sample | None = None,
    kinds: Mapping[str, str] | None = None,
) -> Review:
    """Screen the sample's loans against both comparisons and write the result tables.

    Parameters
    ----------
    engine, relation, spec, sample
        As for :func:`rows_of_sample`.
    kinds
        As for :func:`residuals`.
    """
    rows = rows_of_sample(engine, relation, spec, sample=sample)
    listed: list[dict[str, object]] = []
    counted: list[dict[str, object]] = []
    for against in AGAINST:
        screened = screen(residuals(rows, against, kinds=kinds))
        base: dict[str, object] = {"quarter": spec.quarter, "against": against}
        found = flagged(screened).to_pylist()
        listed += [{**base, **_for_review(row, against)} for row in found]
        counted += [{**base, **row} for row in _counts(screened.table)]
    return Review(from_rows("unusual", listed), from_rows("unusual_counts", counted))


def _for_review(row: Mapping[str, object], against: str) -> dict[str, object]:
    rate, spread, rest, score = (
        float(str(row[k])) for k in ("rate", "spread", "residual", "score")
    )
    reason = (
        f"发放利率{rate:.2f}%，扣除产品、期限等组合和月份后，比{AGAINST[against]}"
        f"{'高' if rest > 0 else '低'}{abs(100 * rest):.1f}个基点"
        f"（离散程度的{abs(score):.1f}倍），供复核；不等于利率有误。"
    )
    return {
        **{k: row[k] for k in ("institution_id", "branch_id", "loan_id")},
        "rate": twelve_digits(rate),
        "spread_bp": twelve_digits(100 * spread),
        "residual_bp": twelve_digits(100 * rest),
        **{k: twelve_digits(float(str(row[k]))) for k in ("score", "p", "p_adjusted")},
        "reason": reason,
    }


def _counts(table: pa.Table) -> list[dict[str, object]]:
    """Loans screened, flagged and not tested, by institution."""
    score, out = table["score"], table["flagged"]
    marks = {
        "loans": pc.is_valid(table["institution_id"]),
        "tested": pc.is_null(table["untested"]),
        "high": pc.and_(out, pc.greater(score, 0)),
        "low": pc.and_(out, pc.less(score, 0)),
        **{w: pc.fill_null(pc.equal(table["untested"], w), False) for w in UNTESTED},
    }
    made = table.select(["institution_id"])
    for name, mark in marks.items():
        made = made.append_column(name, pc.cast(pc.fill_null(mark, False), pa.int64()))
    grouped = made.group_by("institution_id").aggregate([(n, "sum") for n in marks])
    named = grouped.rename_columns(["institution_id", *marks])
    rows: list[dict[str, object]] = named.sort_by("institution_id").to_pylist()
    return rows
