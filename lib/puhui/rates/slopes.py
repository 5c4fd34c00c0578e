"""Each institution's own slope of loan rates on the benchmark, and the same slopes shrunken.

Own slopes are exact least squares within the institution's cells. Their intervals leave out one
spell of an unmoved benchmark (a regime) at a time: β₍₋r₎ over the m regimes give CRV3
(m−1)/m Σ(β₍₋r₎−β̂)² with t(m−2). Shrunken slopes are those of a mixed model on institution × month
means at constant mix, with random intercept and slope; the residual is the month's shock at the
institution. All of it is co-movement: a month's shock common to all institutions is in every slope.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import pyarrow as pa
from scipy import optimize, stats

from puhui.errors import FitError
from puhui.rates.identify import Identification
from puhui.rates.mixed import MixedModel, VarianceTest, model
from puhui.rates.month_means import ByMonth, MonthMean, Sums
from puhui.results import twelve_digits

#: Fewer regimes than this give no interval; fewer institutions no shrinkage and no test.
MIN_REGIMES = 5
MIN_INSTITUTIONS = 5
#: Two-sided level of the intervals, and the level at which slopes are said to differ.
LEVEL = 0.05
#: What the loans of one month may add to its shock: variance of one loan over that of a shock.
_LOAN_SHARES = (1e-2, 1e4)
#: Decimals of a precision; the rounded value is the precision.
_PRECISION_SCALE = 9

COVERAGE = (
    "机构斜率的区间由逐段去掉一个基准不变期得到（CRV3，自由度为期数减2），"
    "模拟中名义95%的区间覆盖真值86%—93%；各机构共同的月度冲击不在区间之内。"
)
CO_MOVEMENT = "各机构的斜率是与基准的同向变动，不是传导。"


@dataclass(frozen=True)
class Slope:
    """An institution's slope: percentage points of loan rate per point of the benchmark.

    Attributes
    ----------
    loans, regimes
        Loans in cells that saw more than one value of the benchmark, and the spells of an
        unmoved benchmark in which they were priced.
    own
        Least squares within cells; ``None`` where the benchmark never differs within one.
    error, low, high
        Leave-one-regime-out error and 95 % interval; ``None`` where there is none.
    shrunken
        The same slope in the mixed model; ``None`` without that model.
    reason
        Why there is no slope or no interval; else empty.
    """

    institution: str
    loans: int
    regimes: int
    own: float | None
    error: float | None
    low: float | None
    high: float | None
    shrunken: float | None
    reason: str


@dataclass(frozen=True)
class Slopes:
    """Slopes of all institutions, the county's, and what may be said of their differences.

    Attributes
    ----------
    rows
        One per institution, in the order of their ids.
    common, common_error
        Slope of the mixed model's fixed part and its error, given the variances.
    spread
        Standard deviation of the slopes between institutions.
    shock
        Standard deviation of an institution's month about its line, in percentage points.
    loan_ratio
        Variance of one loan over that of a month's shock, as estimated: a mean of n loans has
        precision 1 / (1 + loan_ratio / n).
    test
        Bootstrap test that the slopes do not differ; ``None`` where there is no model.
    months_left_out
        Loans of months that no cell ties to the others, by institution.
    sentences
        What to tell the reader beside table and plot.
    """

    rows: tuple[Slope, ...]
    common: float | None
    common_error: float | None
    spread: float | None
    shock: float | None
    loan_ratio: float | None
    test: VarianceTest | None
    months_left_out: dict[str, int]
    sentences: tuple[str, ...]

    def result_rows(self, quarter: str) -> list[dict[str, object]]:
        """Rows for the result table ``slopes``: every institution, then the county."""
        own: list[dict[str, object]] = [
            {
                "quarter": quarter,
                "institution_id": r.institution,
                "loans": r.loans,
                "regimes": r.regimes,
                "left_out": self.months_left_out.get(r.institution, 0),
                "estimate": twelve_digits(r.own),
                "se": twelve_digits(r.error),
                "ci_low": twelve_digits(r.low),
                "ci_high": twelve_digits(r.high),
                "shrunken": twelve_digits(r.shrunken),
                "reason": r.reason or None,
            }
            for r in self.rows
        ]
        test = self.test
        county: dict[str, object] = {
            "quarter": quarter,
            "loans": sum(r.loans for r in self.rows),
            "left_out": sum(self.months_left_out.values()),
            "estimate": twelve_digits(self.common),
            "se": twelve_digits(self.common_error),
            "spread": twelve_digits(self.spread),
            "shock": twelve_digits(self.shock),
            "loan_ratio": twelve_digits(self.loan_ratio),
            "statistic": None if test is None else twelve_digits(test.statistic),
            "p_equal": None if test is None else twelve_digits(test.p),
            "draws": None if test is None else test.draws,
            "reason": self.sentences[0] if test is None else None,
        }
        return [*own, county]


def slopes(months: ByMonth, identification: Identification, *, draws: int = 499) -> Slopes:
    """Estimate every institution's slope on the sample of the pricing equation.

    Parameters
    ----------
    months
        The sample by month, from :func:`puhui.rates.by_month`.
    identification
        What that equation found: where it identifies nothing, no slope is shown either.
    draws
        Bootstrap draws of the test that slopes differ.
    """
    if identification.outcome == "none":
        return _without((), {}, identification.sentence)
    return compared(own_slopes(months.sums), months.means, left_out=months.left_out, draws=draws)


def own_slopes(sums: Sequence[Sums]) -> tuple[Slope, ...]:
    """Return each institution's own slope with its leave-one-regime-out interval; exact points.

    Examples
    --------
    >>> loans = [(0, 4.0, 2, 10.0), (1, 3.0, 2, 9.0)]
    >>> own_slopes([
    ...     Sums("X", "f", m, m, int(b * 10**6), n, int(y * 10**6)) for m, b, n, y in loans
    ... ])[0].own
    0.5
    """
    by: dict[str, list[Sums]] = defaultdict(list)
    for s in sums:
        by[s.institution].append(s)
    return tuple(_own(institution, own) for institution, own in sorted(by.items()))


def _own(institution: str, sums: Sequence[Sums]) -> Slope:
    values: dict[str, set[int]] = defaultdict(set)
    for s in sums:
        values[s.cell].add(s.benchmark)
    used = [s for s in sums if len(values[s.cell]) > 1]
    regimes = sorted({s.regime for s in used})
    point = _slope(used)
    bare = Slope(
        institution, sum(s.loans for s in used), len(regimes), None, None, None, None, None, ""
    )
    if point is None:
        return replace(bare, reason="同类贷款之间基准没有变化，没有斜率")
    bare = replace(bare, own=float(point))
    if len(regimes) < MIN_REGIMES:
        why = f"只见到{len(regimes)}个基准不变期，少于{MIN_REGIMES}个，不列区间"
        return replace(bare, reason=why)
    refits = [_slope([s for s in used if s.regime != r]) for r in regimes]
    found = [b for b in refits if b is not None]
    if len(found) < len(refits):
        return replace(bare, reason="去掉其中一个基准不变期后斜率无法估计，不列区间")
    m = len(regimes)
    error = math.sqrt((m - 1) / m * math.fsum(float(b - point) ** 2 for b in found))
    reach = float(stats.t.ppf(1 - LEVEL / 2, m - 2)) * error
    return replace(bare, error=error, low=float(point) - reach, high=float(point) + reach)


def _slope(sums: Sequence[Sums]) -> Fraction | None:
    """Least squares within cells; ``None`` if the benchmark differs within none."""
    cells: dict[str, list[int]] = defaultdict(lambda: [0] * 5)
    for s in sums:
        moments = (
            s.loans,
            s.loans * s.benchmark,
            s.rates,
            s.loans * s.benchmark**2,
            s.benchmark * s.rates,
        )
        cells[s.cell] = [a + b for a, b in zip(cells[s.cell], moments, strict=True)]
    square = sum((Fraction(xx * n - x * x, n) for n, x, _, xx, _ in cells.values()), Fraction(0))
    joint = sum((Fraction(xy * n - x * y, n) for n, x, y, _, xy in cells.values()), Fraction(0))
    return joint / square if square else None


def compared(
    rows: Sequence[Slope],
    means: Sequence[MonthMean],
    *,
    left_out: dict[str, int] | None = None,
    draws: int = 499,
) -> Slopes:
    """Shrink slopes by a mixed model on month means, and test whether institutions differ.

    Parameters
    ----------
    rows, means
        Own slopes, and the same institutions' means at constant mix. Of these only
        institutions that have an own slope enter the model.
    draws
        Bootstrap draws of the test.
    """
    told = left_out or {}
    known = {r.institution for r in rows if r.own is not None}
    used = [m for m in means if m.institution in known]
    banks = {m.institution for m in used}
    if len(banks) < MIN_INSTITUTIONS:
        few = f"有斜率的机构只有{len(banks)}家，少于{MIN_INSTITUTIONS}家，"
        return _without(rows, told, few + "不作收缩估计，也不检验差异。")
    try:
        ratio, mixed = _by_precision(used)
        test = mixed.test("benchmark", draws=draws)
    except FitError as error:
        return _without(rows, told, f"混合模型没有结果：{error.message}")
    fit = test.with_term
    shrunken = fit.coefficients("benchmark")
    at = fit.terms.index("benchmark")
    slope, spread = fit.beta[at], math.sqrt(fit.variance("benchmark"))
    return Slopes(
        tuple(replace(r, shrunken=shrunken.get(r.institution)) for r in rows),
        slope,
        fit.se[at],
        spread,
        math.sqrt(fit.residual_variance),
        ratio,
        test,
        told,
        (*_differences(test, slope, spread), *_standing(rows, told)),
    )


def _by_precision(means: Sequence[MonthMean]) -> tuple[float, MixedModel]:
    """Model whose months count by their loans as far as the likelihood says they should.

    A month's mean is shock plus the mean of n loans' own noise, so its variance is
    σ²(1 + ratio / n); the ratio maximises the restricted likelihood, 0 (all months alike) included.
    """

    def at(ratio: float) -> tuple[float, MixedModel]:
        held = _model(means, ratio)
        return -held.fit().log_likelihood, held

    low, high = (math.log(v) for v in _LOAN_SHARES)
    found = optimize.minimize_scalar(
        lambda v: at(math.exp(v))[0], bounds=(low, high), method="bounded", options={"xatol": 0.05}
    )
    ratio = math.exp(float(found.x))
    best, plain = at(ratio), at(0.0)
    return (ratio, best[1]) if best[0] < plain[0] else (0.0, plain[1])


def _model(means: Sequence[MonthMean], ratio: float) -> MixedModel:
    columns = {
        "institution": [m.institution for m in means],
        "rate": [str(m.rate) for m in means],
        "benchmark": [str(m.benchmark) for m in means],
        "precision": [f"{1 / (1 + ratio / m.loans):.{_PRECISION_SCALE}f}" for m in means],
    }
    random = ("intercept", "benchmark")
    return model(
        pa.table(columns),
        "rate",
        ["benchmark"],
        group="institution",
        random=random,
        precision="precision",
    )


def _differences(test: VarianceTest, slope: float, spread: float) -> list[str]:
    """Say whether institutions differ; that nothing shows it is an answer too."""
    basis = f"（斜率方差为零的参数自助法检验，p={test.p:.3f}，{test.draws}次）"
    common = f"全部机构的共同斜率为{slope:.3f}"
    if test.p > LEVEL:
        return [
            f"没有证据表明各机构的斜率不同{basis}。{common}；"
            "各点之间的距离不超出月度冲击本身会造成的差异，不宜据此排名。"
        ]
    return [f"各机构的斜率有差异{basis}：{common}，机构间标准差{spread:.3f}。"]


def _standing(rows: Sequence[Slope], left_out: dict[str, int]) -> list[str]:
    said = [CO_MOVEMENT]
    if any(r.low is not None for r in rows):
        said.append(COVERAGE)
    else:
        said.append(f"没有一家机构见到{MIN_REGIMES}个以上可用的基准不变期，斜率均不列区间。")
    if left_out:
        said.append(
            f"{len(left_out)}家机构有{sum(left_out.values())}笔贷款所在的月份没有同类贷款与其他月份"
            "相连，不进入收缩估计。"
        )
    return said


def _without(rows: Sequence[Slope], left_out: dict[str, int], why: str) -> Slopes:
    standing = _standing(rows, left_out) if any(r.own is not None for r in rows) else []
    return Slopes(
        tuple(rows), None, None, None, None, None, None, left_out, tuple([why, *standing])
    )
