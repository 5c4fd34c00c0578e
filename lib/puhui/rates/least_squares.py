"""The fixed door: ``fit(table, y, x, …) -> Fit``, least squares with clustered errors."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from scipy import stats

from puhui.errors import FitError
from puhui.rates.bootstrap import MIN_CLUSTERS
from puhui.rates.columns import Source
from puhui.rates.design import gather, one_sided, prepare
from puhui.rates.direct import moments_of
from puhui.rates.inference import Inference, infer
from puhui.rates.moments import Moments
from puhui.rates.solve import Solution, solve
from puhui.rates.two_way import TwoWays, two_way_errors, two_ways

#: A column of two values that are constant within clusters needs as many clusters of each.
MIN_SIDE = 4


@dataclass(frozen=True)
class Fit:
    """Result of a least-squares fit; lists are in the order of ``terms``.

    Attributes
    ----------
    se_ols, se_crv1, se_crv3, se_cr2
        Classical, CRV1, CRV3 and CR2 standard errors; ``se_cr2`` to 12 digits. With
        ``cluster2`` CRV1 is two-way; the others are by ``cluster`` alone.
    t, df, p_crv1
        (β − h0) / se_crv1 with df = G_j − 1, G_j the clusters with partial leverage on the
        term, and its two-sided p; without clusters (β − h0) / se_ols and n − K, no p. Two-way:
        df of the way with fewer clusters.
    p_boot, p_boot_classic
        p of β = h0 by the restricted wild cluster bootstrap of the CRV3 t (the rule here) and
        of the CRV1 t; ``None`` as a whole where it was not asked for, by term where it cannot
        be given, and then ``reason`` says why.
    ci
        By term, all values the rule does not reject at 5 % (their hull); an end is ``None``
        where it lies beyond 50 standard errors.
    g, g_star, largest_share
        Number of clusters; by term G* = 1 / Σ share² of partial leverage, and the largest share.
    residual_sd
        √(RSS / (n − K)), weights scaled to mean one; absorbed effects count in K here.
    r2
        1 − RSS / TSS, absorbed effects counted as explained; about zero without a constant.
    df_cr2
        Degrees of freedom of Bell and McCaffrey for a t with ``se_cr2``.
    status
        ``ok``, or ``no_test`` where the estimates carry no test.
    dropped
        Rows left out and why: ``missing``, ``zero_weight``, ``singletons``; and
        ``effect_columns`` that other effects span.
    """

    terms: list[str]
    beta: list[float]
    se_ols: list[float | None]
    se_crv1: list[float | None]
    se_crv3: list[float | None]
    se_cr2: list[float | None] | None
    t: list[float | None]
    df: list[int | None]
    p_crv1: list[float | None]
    p_boot: list[float | None] | None
    p_boot_classic: list[float | None] | None
    ci: list[tuple[float | None, float | None] | None] | None
    n: int
    g: int | None
    g_star: list[float | None]
    residual_sd: float | None
    r2: float | None
    status: str
    reason: str
    dropped: dict[str, int] = field(default_factory=dict)
    dependent_mean: float | None = None
    largest_share: list[float | None] = field(default_factory=list)
    df_cr2: list[float | None] | None = None


def fit(
    table: Source,
    y: str,
    x: Sequence[str],
    *,
    cluster: str | None = None,
    cluster2: str | None = None,
    weights: str | None = None,
    absorb: Sequence[str] = (),
    h0: float = 0.0,
    intercept: bool = True,
    count_absorbed: bool = False,
) -> Fit:
    """Least squares of ``y`` on ``x`` from exact integer moments.

    Parameters
    ----------
    table
        Arrow table, DataFrame, or path of a CSV or Parquet file. Decimal text is taken exactly.
    cluster
        Column whose values share shocks: errors, bootstrap and interval are by it.
    cluster2
        Second way for CRV1 (Cameron, Gelbach and Miller 2011); needs ``cluster``.
    weights
        Importance weights (rows of weight zero are dropped); n stays rows.
    absorb
        Columns whose effects are swept out. Effects nested in the cluster exactly and for any
        number of levels; others become explicit columns, up to 300 together.
    h0
        Value tested against, the same for all terms.
    count_absorbed
        Whether the effects nested in the cluster count in K of the CRV1 factor one by one
        (statsmodels with dummies) or together as one constant (the default of fixest).

    Raises
    ------
    FitError
        Column missing or not numeric, columns that depend on each other (named), more than
        300 columns, no rows left, negative weight, or ``cluster2`` without ``cluster``.

    Examples
    --------
    >>> import pyarrow as pa
    >>> line = pa.table({"y": ["1.5", "2.5", "3.5"], "x": [1, 2, 3]})
    >>> fitted = fit(line, "y", ["x"])
    >>> fitted.terms, fitted.beta, fitted.residual_sd
    (['intercept', 'x'], [0.5, 1.0], 0.0)
    """
    if cluster2 is not None and cluster is None:
        raise FitError("给了第二聚类变量，没有给第一个。", remedy="请同时给 cluster。")
    names = [x] if isinstance(x, str) else list(x)
    effects = [absorb] if isinstance(absorb, str) else list(absorb)
    constant = intercept and not effects
    if cluster2 is None:
        scanned = moments_of(
            table,
            y,
            names,
            cluster=cluster,
            weights=weights,
            absorb=effects,
            intercept=constant,
        )
        if scanned is not None:
            few = {name: side for name, side in scanned.sides.items() if side < MIN_SIDE}
            return summarise(
                scanned.moments,
                solve(
                    scanned.moments,
                    centred=intercept or bool(effects),
                    refits=cluster is not None,
                ),
                h0=Fraction(str(h0)),
                count_absorbed=count_absorbed,
                dropped=scanned.dropped,
                full=True,
                sides=few if cluster is not None else {},
            )
    design = prepare(
        table, y, names, cluster=cluster, cluster2=cluster2, weights=weights, effects=effects
    )
    moments = gather(design, intercept=constant)
    solution = solve(moments, centred=intercept or bool(effects), refits=cluster is not None)
    return summarise(
        moments,
        solution,
        h0=Fraction(str(h0)),
        count_absorbed=count_absorbed,
        dropped=design.dropped,
        full=True,
        sides=one_sided(design, MIN_SIDE),
        ways=two_ways(design, moments, solution, intercept=constant) if cluster2 else None,
    )


def summarise(
    m: Moments,
    s: Solution,
    *,
    h0: Fraction = Fraction(0),
    count_absorbed: bool = False,
    dropped: dict[str, int] | None = None,
    full: bool = False,
    sides: Mapping[str, int] | None = None,
    ways: TwoWays | None = None,
) -> Fit:
    """Turn an exact solution into a :class:`Fit`; clustered if the solution has refits.

    Parameters
    ----------
    full
        Whether CR2, bootstrap and interval are wanted too.
    sides
        Terms not to be tested, since a column of two values has so few clusters of one.
    ways
        Scores by the second way and by both, for a two-way CRV1.
    """
    n, clustered = sum(m.rows), s.refits is not None
    left = n - s.columns - m.cells
    variance = s.rss / left if left > 0 else None
    se_ols = [_root(variance * v) if variance is not None else None for v in s.inverse]
    reasons = [] if left > 0 else [f"{n} 行恰好由 {s.columns + m.cells} 个系数决定，没有残差自由度"]
    none: list[float | None] = [None] * len(s.terms)
    crv1, crv3, g_star, share = none, none, none, none
    freedom: list[int | None] = [left if left > 0 else None] * len(s.terms)
    if clustered:
        k = s.columns + (m.cells if count_absorbed else min(m.cells, 1))
        crv1, said = _crv1(s, n, k) if ways is None else two_way_errors(s, ways, n, k)
        crv3, lost = _crv3(m, s)
        shares = list(zip(*s.leverage, strict=True))
        g_star = [float(1 / sum(v * v for v in column)) for column in shares]
        share = [float(max(column)) for column in shares]
        freedom = [sum(1 for v in column if v) - 1 for column in shares]
        reasons += [*said, *lost]
    tested, why = _testable(s, freedom, sides or {}) if clustered else ([True] * len(none), [])
    within = [min(v, ways.fewest - 1) if ways and v is not None else v for v in freedom]
    judged = [ok and (ways is None or ways.fewest >= MIN_CLUSTERS) for ok in tested]
    if ways and ways.fewest < MIN_CLUSTERS and any(tested):
        few = f"“{ways.second}”只有 {ways.fewest} 个聚类，少于 {MIN_CLUSTERS} 个"
        reasons.append(f"{few}，双向标准误不作检验")
    t, df, p, zero = _tests(s, crv1 if clustered else se_ols, within, h0, judged, clustered)
    reasons += [*why, *zero]
    extra: Inference | None = None
    if not clustered:
        reasons.append("没有给出聚类，只有经典标准误")
    elif full:
        extra = infer(m, s, h0, crv3, tested)
        reasons += extra.reasons
    wider = {"effect_columns": s.dropped_effects} if s.dropped_effects else {}
    scale = Fraction(n, m.weight)
    return Fit(
        terms=list(s.terms),
        beta=[float(b) for b in s.beta],
        se_ols=se_ols,
        se_crv1=crv1,
        se_crv3=crv3,
        se_cr2=extra.se_cr2 if extra else None,
        t=t,
        df=df,
        p_crv1=p,
        p_boot=extra.p_boot if extra else None,
        p_boot_classic=extra.p_boot_classic if extra else None,
        ci=extra.ci if extra else None,
        n=n,
        g=len(m.groups) if clustered else None,
        g_star=g_star,
        residual_sd=_root(variance * scale) if variance is not None else None,
        r2=float(1 - s.rss / s.tss) if s.tss else None,
        status="no_test" if clustered and all(v is None for v in p) else "ok",
        reason="；".join(reasons) + "。" if reasons else "",
        dropped={**(dropped or {}), **wider},
        dependent_mean=float(Fraction(m.y_sum, m.weight) / 10 ** m.scales[-1]),
        largest_share=share,
        df_cr2=extra.df_cr2 if extra else None,
    )


def _root(value: Fraction) -> float:
    """Square root of an exact variance; float only here."""
    return math.sqrt(float(value))


def _crv1(s: Solution, n: int, k: int) -> tuple[list[float | None], list[str]]:
    g = len(s.influence)
    if g < 2 or n <= k:
        return [None] * len(s.terms), []
    factor = Fraction(g, g - 1) * Fraction(n - 1, n - k)
    return [_root(factor * sum(h * h for h in col)) for col in zip(*s.influence, strict=True)], []


def _crv3(m: Moments, s: Solution) -> tuple[list[float | None], list[str]]:
    """CRV3 errors, and a sentence for each coefficient some refit loses."""
    g = len(m.groups)
    assert s.refits is not None
    errors: list[float | None] = []
    lost = []
    for j, column in enumerate(zip(*s.refits, strict=True)):
        gone = [m.groups[i] for i, b in enumerate(column) if b is None]
        if gone:
            errors.append(None)
            lost.append(f"去掉“{'”“'.join(gone)}”后“{s.terms[j]}”无法估计，没有 CRV3")
            continue
        squares = [float(b - s.beta[j]) ** 2 for b in column if b is not None]
        errors.append(math.sqrt((g - 1) / g * math.fsum(squares)))
    return errors, lost


def _testable(
    s: Solution, freedom: list[int | None], sides: Mapping[str, int]
) -> tuple[list[bool], list[str]]:
    """By term whether it may be tested, and a sentence for each that may not."""
    tested, why = [], []
    for term, df in zip(s.terms, freedom, strict=True):
        clusters = (df or 0) + 1
        tested.append(clusters >= MIN_CLUSTERS and term not in sides)
        if clusters < MIN_CLUSTERS:
            held = f"对“{term}”有影响的聚类只有 {clusters} 个"
            why.append(f"{held}，少于 {MIN_CLUSTERS} 个，不作检验")
        elif term in sides:
            held = f"“{term}”只在聚类之间变化，一侧只有 {sides[term]} 个聚类"
            why.append(f"{held}，少于 {MIN_SIDE} 个，不作检验，只能看安慰剂排名")
    return tested, why


def _tests(
    s: Solution,
    errors: list[float | None],
    df: list[int | None],
    h0: Fraction,
    tested: list[bool],
    clustered: bool,
) -> tuple[list[float | None], list[int | None], list[float | None], list[str]]:
    t: list[float | None] = []
    kept: list[int | None] = []
    p: list[float | None] = []
    why = []
    for j, term in enumerate(s.terms):
        error, freedom = errors[j], df[j]
        if tested[j] and error == 0.0:
            why.append(f"“{term}”的标准误为 0，没有 t 值")
        if not tested[j] or not error or freedom is None:
            t, kept, p = [*t, None], [*kept, None], [*p, None]
            continue
        value = float(s.beta[j] - h0) / error
        t, kept = [*t, value], [*kept, freedom]
        p.append(float(2 * stats.t.sf(abs(value), freedom)) if clustered else None)
    return t, kept, p, why
