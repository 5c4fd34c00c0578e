"""One rung of the pricing equation: its moments, its fit, and how it may be read.

A and B carry no test of their coefficient; C, where it is identified, is tested against 0 and 1.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from puhui.errors import FitError
from puhui.rates.bootstrap import Interval, drawn, interval, resampling
from puhui.rates.identify import RungReport, report
from puhui.rates.least_squares import Fit, summarise
from puhui.rates.levels import Levels, chosen, equation
from puhui.rates.moments import CellSums, Moments
from puhui.rates.sample import PricingSpec
from puhui.rates.small_sample import bias_reduced
from puhui.rates.solve import Solution, solve

#: Weightings and their words.
WEIGHTINGS = {"none": "不加权", "amount": "按发放金额加权"}
#: Beyond so many institutions the equations without a move go without an error.
MOST_REFITS = 100
#: Variants of an equation; the equation itself has none.
WITH_CONTROLS, TIMELY, WITHOUT = "controls", "timely", "without"
ON_OTHER_TENOR = "other_tenor"


@dataclass(frozen=True)
class Resampled:
    """Restricted wild bootstrap of one coefficient: p of it being 0 or 1, and its interval.

    ``p`` is of the CRV3 t, which rules; ``classic`` of the CRV1 t.
    """

    p: dict[int, float]
    classic: dict[int, float]
    interval: Interval


@dataclass(frozen=True)
class Rung:
    """One fitted equation and how it may be read.

    Attributes
    ----------
    status
        ``ok``, ``weak`` (a number, no test), ``none`` (not identified) or ``refused``.
    variant
        ``None``: the equation itself; ``controls``: with controls; ``timely``: without loans
        dated by a drawdown soon after a move; ``other_tenor``: loans that name no tenor and may
        be on another on that one.
    resampled
        Of rung C's coefficient; ``None`` for A and B, and where no test can be made.
    without_one
        Smallest and largest coefficient when one institution is left out.
    """

    model: str
    weights: str
    fit: Fit | None
    status: str
    reason: str
    variant: str | None = None
    resampled: Resampled | None = None
    without_one: tuple[float, float] | None = None

    @property
    def tested(self) -> bool:
        """Whether p-values of the coefficient may be shown."""
        return self.status == "ok" and self.resampled is not None

    @property
    def interval(self) -> tuple[float | None, float | None] | None:
        """Interval of rung C's coefficient by the bootstrap; an end is ``None`` if unbounded."""
        if self.resampled is None:
            return None
        return self.resampled.interval.low, self.resampled.interval.high

    def p(self, null: int, *, classic: bool = False) -> float | None:
        """P-value of the coefficient being 0 or 1, by the bootstrap; ``None`` if not tested."""
        if not self.tested or self.resampled is None:
            return None
        return (self.resampled.classic if classic else self.resampled.p)[null]


@dataclass(frozen=True)
class WithoutMove:
    """A rung's coefficient when one move is left to itself; no number: ``reason`` says why."""

    day: dt.date
    model: str
    weights: str
    estimate: float | None
    error: float | None  # CRV3
    reason: str


@dataclass(frozen=True)
class Scanned:
    """Scans of the same loans by weighting; ``controls`` are those of their columns."""

    sums: Mapping[str, CellSums]
    controls: tuple[str, ...] = ()


def moves_seen(levels: Levels) -> list[dt.date]:
    """Moves of the benchmark with loans before and after."""
    intervals = [level.interval for level in levels.of]
    dates = levels.path.dates[min(intervals) + 1 : max(intervals) + 1]
    return [day for day in dates if any(levels.part(day))]


@dataclass(frozen=True)
class Equations:
    """Moments of a rung by weighting, with a column for the part each move brings."""

    model: str
    moves: tuple[dt.date, ...]
    wide: Mapping[str, Moments]

    @classmethod
    def of(cls, model: str, scanned: Scanned, levels: Levels) -> Equations:
        """Build them from the scans of the sample."""
        moves = tuple(moves_seen(levels))
        made = {
            key: equation(sums, levels, model, moves=moves, controls=scanned.controls)
            for key, sums in scanned.sums.items()
        }
        return cls(model, moves, made)

    def own(self, key: str) -> Moments:
        """Moments of the rung itself."""
        return chosen(self.wide[key], self._terms())

    def shares(self) -> dict[dt.date, Fraction]:
        """Share of what is left of the benchmark owed to each move; they add to one.

        With x̃ the benchmark after the rung's effects and x_m the part of move m, the share is
        x̃′x_m / x̃′x̃: the coefficient of x when x_m is explained by x and the effects. Two
        benchmarks in one cell leave the rest to their gap.
        """
        m = self.wide["none"]
        return {
            day: solve(chosen(m, self._terms(), 1 + i), centred=True, refits=False).beta[0]
            for i, day in enumerate(self.moves)
        }

    def without(self, day: dt.date, key: str, only_gap: bool) -> WithoutMove:
        """Re-estimate with the move's part as a regressor of its own."""
        i = 1 + self.moves.index(day)
        first, *rest = self._terms()
        m = chosen(self.wide[key], [first, i, *rest])
        try:
            found = solve(m, centred=True, refits=len(m.groups) <= MOST_REFITS)
        except FitError:
            why = "这次调整没有改变期限利差" if only_gap else "没有别的调整可供估计"
            return WithoutMove(day, self.model, key, None, None, why)
        return WithoutMove(day, self.model, key, float(found.beta[0]), _crv3(found), "")

    def _terms(self) -> list[int]:
        return [0, *range(1 + len(self.moves), self.wide["none"].terms)]


def _crv3(s: Solution) -> float | None:
    """CRV3 error of the first coefficient; ``None`` without refits or where one loses it."""
    found = [row[0] for row in s.refits or ()]
    if not found or any(b is None for b in found):
        return None
    squares = math.fsum(float(b - s.beta[0]) ** 2 for b in found if b is not None)
    return math.sqrt((len(found) - 1) / len(found) * squares)


def main_rungs(
    equations: Equations, spec: PricingSpec, total: Fraction, step: tuple[Fraction, dt.date] | None
) -> tuple[list[Rung], RungReport | None]:
    """Fit a rung with both weightings, and say what of the benchmark it leaves.

    Parameters
    ----------
    total
        Sum of squares of the benchmark before any effect.
    step
        R² on the best single step and a trend, with its date; ``None`` where months take it.
    """
    model = equations.model
    own = {key: equations.own(key) for key in WEIGHTINGS}
    try:
        solved = {key: solve(m, centred=True) for key, m in own.items()}
    except FitError as error:
        return [Rung(model, key, None, "refused", error.message) for key in WEIGHTINGS], None
    told = report(
        model, own["none"], solved["none"], total, equations.shares(), step, spec.label, spec.rules
    )
    rungs = [rung_of(model, key, own[key], solved[key], told, spec) for key in WEIGHTINGS]
    return rungs, told


def rung_of(
    model: str,
    key: str,
    m: Moments,
    s: Solution,
    told: RungReport,
    spec: PricingSpec,
    *,
    variant: str | None = None,
    dropped: Mapping[str, int] | None = None,
) -> Rung:
    """Turn a solution into a rung, with the inference its identification allows."""
    gone = {"singletons": m.singletons, **(dropped or {})}
    fitted = summarise(m, s, count_absorbed=spec.count_absorbed, dropped=gone)
    said = [part for part in fitted.reason.rstrip("。").split("；") if part and "没有 CRV" in part]
    resampled = None
    if model == "C":
        nature = "由期限利差识别的传导，以其他原因对两个期限品种影响相同为前提"
        said += [] if fitted.p_crv1[0] is not None else _why_untested(fitted)
        resampled = _resampled(s, fitted)
        if variant is None:
            fitted = replace(fitted, se_cr2=bias_reduced(m, s).errors)
    else:
        nature = f"与{spec.label}的同向变动（非传导）"
    reason = "；".join([nature, *said, told.sentence])
    left = [row[0] for row in s.refits or () if row[0] is not None]
    span = (float(min(left)), float(max(left))) if left else None
    status = "weak" if told.weak else "ok"
    return Rung(model, key, _untested(fitted), status, reason, variant, resampled, span)


def _why_untested(fit: Fit) -> list[str]:
    return [part for part in fit.reason.rstrip("。").split("；") if "不作检验" in part]


def _resampled(s: Solution, fit: Fit) -> Resampled | None:
    """Bootstrap the benchmark's coefficient, if enough institutions have a say in it."""
    error = fit.se_crv3[0]
    r = resampling(s, 0) if fit.p_crv1[0] is not None else None
    if r is None or not error:
        return None
    ruling, classic = drawn(r), drawn(r, classic=True)
    nulls = (0, 1)
    return Resampled(
        {null: ruling.p(null) for null in nulls},
        {null: classic.p(null) for null in nulls},
        interval(ruling, error),
    )


def _untested(fit: Fit) -> Fit:
    """Without t and p of the conventional error: what is tested is in ``resampled`` alone."""
    none: list[None] = [None] * len(fit.terms)
    return replace(fit, t=list(none), df=list(none), p_crv1=list(none), status="no_test")


def variant_rungs(
    variant: str,
    model: str,
    scanned: Scanned,
    levels: Levels,
    told: RungReport,
    spec: PricingSpec,
    dropped: Mapping[str, int],
) -> tuple[list[Rung], dict[str, str]]:
    """Fit a rung on other scans; controls it cannot have are left out, and named with why."""
    wide = {
        key: equation(sums, levels, model, controls=scanned.controls)
        for key, sums in scanned.sums.items()
    }
    first = wide["none"].terms - len(scanned.controls)
    kept, lost = _kept_controls(wide["none"], first)
    rungs = []
    for key, m in wide.items():
        own = chosen(m, kept)
        try:
            solved = solve(own, centred=True)
        except FitError as error:
            rungs.append(Rung(model, key, None, "refused", error.message, variant))
            continue
        rungs.append(rung_of(model, key, own, solved, told, spec, variant=variant, dropped=dropped))
    return rungs, lost


def _kept_controls(m: Moments, first: int) -> tuple[list[int], dict[str, str]]:
    """Terms that can be told apart, one control after the other; the others and why not."""
    kept, lost = list(range(first)), {}
    for j in range(first, m.terms):
        try:
            solve(chosen(m, [*kept, j]), centred=True, refits=False)
        except FitError as error:
            lost[m.names[j]] = error.message
            continue
        kept.append(j)
    return kept, lost


def standard_error(fit: Fit) -> float | None:
    """CRV3 error of the benchmark's coefficient; CRV1 where a refit loses it."""
    return fit.se_crv3[0] if fit.se_crv3[0] is not None else fit.se_crv1[0]
