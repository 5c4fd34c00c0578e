"""Dynamic pass-through on institution × month means: long-run sum of lags and error correction.

Only where the window is long enough and the benchmark moved often enough; else a sentence says
why there is no number. Both equations are ordinary least squares with institution effects; a
combination of coefficients is put into the equation as a coefficient of its own, so that its
clustered errors are those of :func:`puhui.rates.fit` and need no covariance:

- Σβ_k: Σ_k β_k x_{m−k} = θ x_m + Σ_{k≥1} β_k (x_{m−k} − x_m), θ the long-run sum;
- θ = −δ/γ of Δy_m = γ y_{m−1} + δ x_{m−1} + φ Δx_m: by the delta method its error is that of
  δ + θ̂γ over |γ̂|, and δ + θ̂γ is the coefficient of x_{m−1} beside y_{m−1} − θ̂ x_{m−1}.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import pyarrow as pa

from puhui.errors import FitError
from puhui.rates.least_squares import Fit, fit
from puhui.rates.month_means import MonthMean
from puhui.results import twelve_digits
from puhui.rounding import half_up

#: No dynamics are estimated on fewer months or fewer moves of the benchmark.
MIN_MONTHS = 36
MIN_MOVES = 6
#: Months after the month of pricing in which a move may still arrive.
LAGS = 3
#: The rounded long-run coefficient around which the delta method expands.
_ROUND = 12

#: What the sentence on an equation that cannot be solved begins with.
_UNSOLVED = {"lags": "滞后项之和没有结果", "correction": "误差修正式没有结果"}
CAVEAT = (
    "长期系数是在各机构内逐月变动上得到的同向变动；标准误按机构聚类，"
    "各机构共同的月度冲击不在其内，误差修正式另有月数有限带来的小样本偏误。"
)


@dataclass(frozen=True)
class LongRun:
    """A long-run coefficient: points of loan rate per point of the benchmark, in the end.

    Attributes
    ----------
    kind
        ``lags`` (sum of the coefficients of this month and ``lags`` before) or ``correction``.
    estimate, se_crv1, se_crv3
        The coefficient and its errors, clustered by institution.
    first
        Part of it that arrives in the month of the move.
    speed
        Share of a gap closed in a month (error correction only).
    rows, institutions
        Institution-months used and their institutions.
    fit
        The equation the errors are read from.
    """

    kind: str
    estimate: float
    se_crv1: float | None
    se_crv3: float | None
    first: float
    speed: float | None
    rows: int
    institutions: int
    fit: Fit


@dataclass(frozen=True)
class Dynamics:
    """Both long-run coefficients, or the sentence why there are none."""

    months: int
    moves: int
    lags: LongRun | None
    correction: LongRun | None
    sentences: tuple[str, ...]

    def result_rows(self, quarter: str) -> list[dict[str, object]]:
        """Rows for the result table ``mean_regressions``: one per equation, with or without."""
        rows: list[dict[str, object]] = []
        for kind, found in (("lags", self.lags), ("correction", self.correction)):
            base = {"quarter": quarter, "equation": kind, "moves": self.moves}
            if found is None:
                why = next((s for s in self.sentences if s.startswith(_UNSOLVED[kind])), None)
                told = why or self.sentences[0]
                rows.append(base | {"periods": self.months, "status": "none", "reason": told})
                continue
            rows.append(
                base
                | {
                    "estimate": twelve_digits(found.estimate),
                    "se_crv1": twelve_digits(found.se_crv1),
                    "se_crv3": twelve_digits(found.se_crv3),
                    "first": twelve_digits(found.first),
                    "speed": twelve_digits(found.speed),
                    "periods": self.months,
                    "n": found.rows,
                    "clusters": found.institutions,
                    "status": "ok",
                }
            )
        return rows


def dynamics(means: Sequence[MonthMean], moves: int, *, lags: int = LAGS) -> Dynamics:
    """Estimate how a move of the benchmark arrives over the months.

    Parameters
    ----------
    means
        Means at constant mix by institution and month, of single months (never year to date).
    moves
        Times the benchmark moved within these months.
    lags
        Months after that of the move that are waited for.

    Returns
    -------
    Dynamics
        Without numbers under 36 months or 6 moves, or where an equation cannot be solved.
    """
    months = len({m.month for m in means})
    short = [
        f"{what}只有{have}{unit}，少于{least}{unit}"
        for what, have, least, unit in (
            ("可用月份", months, MIN_MONTHS, "个"),
            ("基准调整", moves, MIN_MOVES, "次"),
        )
        if have < least
    ]
    if short:
        return Dynamics(months, moves, None, None, (f"不作动态估计：{'；'.join(short)}。",))
    said: list[str] = []
    by_lags = _tried(lambda: long_run_sum(means, lags=lags), "lags", said)
    correction = _tried(lambda: error_correction(means), "correction", said)
    said += [_said(found) for found in (by_lags, correction) if found is not None]
    return Dynamics(months, moves, by_lags, correction, (*said, CAVEAT))


def _tried(estimate: Callable[[], LongRun], kind: str, said: list[str]) -> LongRun | None:
    try:
        return estimate()
    except FitError as error:
        said.append(f"{_UNSOLVED[kind]}：{error.message}")
        return None


def _said(found: LongRun) -> str:
    error = found.se_crv3 if found.se_crv3 is not None else found.se_crv1
    about = f"，标准误{half_up(error, 3)}" if error is not None else "，没有可用的标准误"
    head = f"基准变动1个百分点，同类贷款利率最终相应变动{half_up(found.estimate, 3)}个百分点{about}"
    if found.kind == "lags":
        return f"滞后项之和：{head}；当月{half_up(found.first, 3)}。"
    speed = half_up(100 * Fraction(str(found.speed or 0.0)), 1)
    return f"误差修正式：{head}；每月弥合差距的{speed}%。"


def long_run_sum(means: Sequence[MonthMean], *, lags: int = LAGS) -> LongRun:
    """Sum of the coefficients of the benchmark of this month and of ``lags`` months before.

    Institution-months without all of these lags are left out.

    Raises
    ------
    FitError
        Too few institution-months, or lags that cannot be told apart.
    """
    known = {(m.institution, m.month): m for m in means}
    names = [f"difference_{k}" for k in range(1, lags + 1)]
    rows: list[tuple[str | Decimal, ...]] = []
    for m in means:
        past = [known.get((m.institution, m.month - k)) for k in range(1, lags + 1)]
        if all(p is not None for p in past):
            gaps = [p.benchmark - m.benchmark for p in past if p is not None]
            rows.append((m.institution, m.rate, m.benchmark, *gaps))
    found = _fit(rows, ["rate", "benchmark", *names])
    return LongRun(
        "lags",
        found.beta[0],
        found.se_crv1[0],
        found.se_crv3[0],
        found.beta[0] - sum(found.beta[1:]),
        None,
        found.n,
        found.g or 0,
        found,
    )


def error_correction(means: Sequence[MonthMean]) -> LongRun:
    """Long-run coefficient of the error-correction form, one lag, by the delta method.

    Raises
    ------
    FitError
        Too few institution-months, columns that cannot be told apart, or rates that do not
        return to the benchmark (γ̂ not below zero), so that there is no long run.
    """
    known = {(m.institution, m.month): m for m in means}
    steps = [(m, known.get((m.institution, m.month - 1))) for m in means]
    pairs = [(m, p) for m, p in steps if p is not None]
    names = ["change", "rate_before", "benchmark_before", "benchmark_change"]

    def rows(theta: Decimal) -> list[tuple[str | Decimal, ...]]:
        return [
            (
                m.institution,
                m.rate - p.rate,
                p.rate - theta * p.benchmark,
                p.benchmark,
                m.benchmark - p.benchmark,
            )
            for m, p in pairs
        ]

    plain = _fit(rows(Decimal(0)), names)
    gamma, delta = plain.beta[0], plain.beta[1]
    if not gamma < 0:
        raise FitError("利率没有向基准回归的趋势，没有长期系数。")
    theta = Decimal(-delta / gamma)
    around = _fit(rows(round(theta, _ROUND)), names)
    crv1, crv3 = (
        None if e is None else e / abs(gamma) for e in (around.se_crv1[1], around.se_crv3[1])
    )
    return LongRun(
        "correction", float(theta), crv1, crv3, plain.beta[2], -gamma, plain.n, plain.g or 0, plain
    )


def _fit(rows: Sequence[tuple[str | Decimal, ...]], names: Sequence[str]) -> Fit:
    """Least squares with institution effects, clustered by institution; outcome first."""
    if not rows:
        raise FitError("没有连续的月份，不能估计。")
    columns = zip(*rows, strict=True)
    table = dict(zip(["institution", *names], ([str(v) for v in c] for c in columns), strict=True))
    return fit(pa.table(table), names[0], names[1:], cluster="institution", absorb=["institution"])
