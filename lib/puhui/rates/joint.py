"""Several coefficients at once: a Wald test on their CRV3 covariance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from flint import fmpq, fmpq_mat
from scipy import stats

from puhui.errors import FitError
from puhui.rates.bootstrap import MIN_CLUSTERS
from puhui.rates.solve import Solution

#: As many coefficients at most, and no more than a third of the effective clusters.
MOST_TERMS = 5
_CLUSTERS_PER_TERM = 3


@dataclass(frozen=True)
class Wald:
    """F = W / q on q and G − 1 degrees of freedom."""

    terms: tuple[str, ...]
    f: float
    df: tuple[int, int]
    p: float


def joint(s: Solution, terms: Sequence[str], nulls: Sequence[Fraction] | None = None) -> Wald:
    """Test several coefficients together, W = (β̂ − r)′ V₃⁻¹ (β̂ − r), by default against zero.

    Raises
    ------
    FitError
        An unknown term, more than five or more than a third of the effective clusters of one of
        them, fewer than five clusters, a coefficient some refit loses, or a singular covariance.
    """
    places = [_place(s, term) for term in terms]
    q, against = len(places), nulls or [Fraction(0)] * len(places)
    shares = [[row[j] for row in s.leverage] for j in places]
    effective = min((1 / sum(v * v for v in column) for column in shares), default=Fraction(0))
    clusters = min((sum(1 for v in column if v) for column in shares), default=0)
    if not 0 < q <= MOST_TERMS or q * _CLUSTERS_PER_TERM > effective or clusters < MIN_CLUSTERS:
        held = f"有效聚类 {float(effective):.1f} 个（有影响的 {clusters} 个）"
        raise FitError(
            f"{q} 个系数、{held}，不作联合检验。",
            remedy=f"最多 {MOST_TERMS} 个系数，且不超过有效聚类数的三分之一。",
        )
    apart = [s.beta[j] - r for j, r in zip(places, against, strict=True)]
    covariance = _crv3(s, places)
    if covariance.rank() < q:
        raise FitError(f"“{'”“'.join(terms)}”的协方差矩阵奇异，不作联合检验。")
    column = fmpq_mat(q, 1, [_exact(v) for v in apart])
    w = (column.transpose() * covariance.solve(column))[0, 0]
    f = int(w.p) / (int(w.q) * q)
    return Wald(tuple(terms), f, (q, clusters - 1), float(stats.f.sf(f, q, clusters - 1)))


def _place(s: Solution, term: str) -> int:
    if term not in s.terms:
        raise FitError(f"没有系数“{term}”。", remedy=f"现有的：{'、'.join(s.terms)}。")
    return s.terms.index(term)


def _crv3(s: Solution, places: Sequence[int]) -> fmpq_mat:
    """(G − 1)/G Σ (β₍₋g₎ − β̂)(β₍₋g₎ − β̂)′ of some coefficients, exact."""
    refits = s.refits or ()
    lost = [s.terms[j] for j in places if not refits or any(row[j] is None for row in refits)]
    if lost:
        raise FitError(f"去掉某个聚类后“{'”“'.join(lost)}”无法估计，不作联合检验。")
    moved = [[(row[j] or Fraction(0)) - s.beta[j] for j in places] for row in refits]
    factor = Fraction(len(refits) - 1, len(refits))
    size = range(len(places))
    return fmpq_mat(
        [[_exact(factor * sum(row[i] * row[j] for row in moved)) for j in size] for i in size]
    )


def _exact(value: Fraction | int) -> fmpq:
    return fmpq(Fraction(value).numerator, Fraction(value).denominator)
