"""Restricted wild cluster bootstrap of a coefficient, from cluster moments alone.

With δ = β̂ − r, the residual scores under β = r are s̃_g = u_g + δ A_g a / a_jj (a the column of
A⁻¹ of the coefficient), linear in r. For weights v one resampled coefficient, less r, is
(e₀ + δe₁)′v, and the deviations its two variances are the squares of are (M₀ + δM₁)v:

- *classic*, of CRV1 (type 11 of MacKinnon, Nielsen and Webb 2023): a′u*_g;
- *jackknife*, of CRV3 (their variant V, the rule here): β*₍₋g₎ − β*.

Factors common to t and t* cancel. e and M are made exactly and rounded once; five numbers by
draw then give p for every r, and an interval costs little more than a p.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from flint import fmpz_mat

from puhui.rates.solve import Exact, Solution

Floats: TypeAlias = npt.NDArray[np.float64]

#: Fewer clusters with leverage on a coefficient than this: no test of it.
MIN_CLUSTERS = 5
#: From here on Rademacher signs, below Webb's six points.
RADEMACHER_FROM = 10
#: As many clusters are enumerated, by kind of weights; beyond them draws.
ENUMERATED = {"webb": 7, "rademacher": 18}
DRAWS = 99_999
LEVEL = 0.05
#: Ends of an interval farther from the estimate than this many standard errors are unbounded.
FARTHEST = 50.0
#: More clusters than this are left to the t distribution: the matrices grow with their square.
MOST_CLUSTERS = 400
#: |t*| this close to |t| counts as a tie, and ties count.
_TIE = (1 - 1e-9) ** 2
_KEY = 0x70756875692E7263  # "puhui.rc"
_BLOCK = 1 << 21
_WEBB = (math.sqrt(0.5), 1.0, math.sqrt(1.5))


@dataclass(frozen=True)
class Statistic:
    """Deviations of one t statistic: ``square`` of the sample, (M₀ + δM₁)v of a draw."""

    square: float
    fixed: Floats  # M₀, G × clusters that matter
    moving: Floats  # M₁


@dataclass(frozen=True)
class Resampling:
    """All the bootstrap needs of one coefficient; ``clusters`` have partial leverage on it."""

    beta: float
    clusters: int
    fixed: Floats  # e₀
    moving: Floats  # e₁
    jackknife: Statistic
    classic: Statistic


@dataclass(frozen=True)
class Drawn:
    """Five numbers by draw: numerator p + qδ, squared deviations a + bδ + cδ² (columns)."""

    beta: float
    square: float
    numerator: Floats  # 2 × draws
    deviations: Floats  # 3 × draws

    def p(self, null: float) -> float:
        """Share of draws with |t*| ≥ |t|, the identity counted; 1 at the estimate itself."""
        delta = self.beta - null
        if delta == 0:
            return 1.0
        coefficient = self.numerator[0] + delta * self.numerator[1]
        a, b, c = self.deviations
        own = _TIE * delta * delta * (a + delta * (b + delta * c))
        far = coefficient * coefficient * self.square >= own
        return float(np.count_nonzero(far)) / len(far)


def resampling(s: Solution, term: int) -> Resampling | None:
    """Exact matrices of one coefficient, rounded once.

    ``None`` where a refit loses the coefficient or the fit is perfect: then there is no t.
    """
    exact = s.exact
    if exact is None or exact.refits is None or s.refits is None or s.rss == 0:
        return None
    if any(row[term] is None for row in s.refits):
        return None
    row = _column_of(exact.rows, term)
    leverage = tuple(a_g * row for a_g in exact.parts)
    crossing = exact.solved(_beside(leverage))
    fixed = _weighted(exact, row, crossing, term, exact.scores, exact.beta_denominator)
    moving = _weighted(exact, row, crossing, term, leverage, int(row[term, 0]))
    unit = exact.units[term]
    matters = [
        h
        for h, pair in enumerate(zip(exact.scores, leverage, strict=True))
        if not all(vector.is_zero() for vector in pair)
    ]
    return Resampling(
        float(s.beta[term]),
        sum(1 for shares in s.leverage if shares[term]),
        fixed.coefficient(matters, unit),
        moving.coefficient(matters, Fraction(1)),
        Statistic(
            math.fsum(float(b[term] - s.beta[term]) ** 2 for b in s.refits),  # type: ignore[operator]
            fixed.jackknife(matters, unit),
            moving.jackknife(matters, Fraction(1)),
        ),
        Statistic(
            math.fsum(float(h[term]) ** 2 for h in s.influence),
            fixed.classic(matters, unit),
            moving.classic(matters, Fraction(1)),
        ),
    )


@dataclass(frozen=True)
class _Weighted:
    """What a draw does to one coefficient, as integers, all over ``d`` times a common divisor.

    The scores weighted are u_g, or A_g a / a_jj for the part that moves with δ. ``whole[h]`` is
    that of cluster h on β*; ``crossed[g][h] / dz`` on a′A_g(β* − β̃), and
    ``refit[g][h] / below[g]`` on d times β*₍₋g₎ − β̃.
    """

    d: int
    divisor: int
    whole: list[int]
    crossed: list[list[int]]
    dz: int
    refit: list[list[int]]
    below: list[int]

    def coefficient(self, matters: list[int], unit: Fraction) -> Floats:
        """Row e: β* − r by cluster."""
        row = [[self.whole[h] for h in matters]]
        return _matrix(row, [self.d * self.divisor], unit).reshape(-1)

    def classic(self, matters: list[int], unit: Fraction) -> Floats:
        """M of a′u*_g: e on the diagonal less a′A_gA⁻¹ of every score."""
        rows = [
            [(self.whole[h] * self.dz if g == h else 0) - line[h] for h in matters]
            for g, line in enumerate(self.crossed)
        ]
        return _matrix(rows, [self.d * self.divisor * self.dz] * len(rows), unit)

    def jackknife(self, matters: list[int], unit: Fraction) -> Floats:
        """M of β*₍₋g₎ − β*: the refit on the other clusters' scores less e."""
        rows = [
            [(line[h] * self.d if g != h else 0) - self.whole[h] * f for h in matters]
            for g, (line, f) in enumerate(zip(self.refit, self.below, strict=True))
        ]
        return _matrix(rows, [f * self.d * self.divisor for f in self.below], unit)


def _weighted(
    exact: Exact,
    row: fmpz_mat,
    crossing: tuple[fmpz_mat, int],
    term: int,
    scores: tuple[fmpz_mat, ...],
    divisor: int,
) -> _Weighted:
    assert exact.refits is not None
    columns, (z, dz) = _beside(scores), crossing
    left = _beside(tuple(_column_of(x, term) for x, _ in exact.refits))
    return _Weighted(
        exact.rows_denominator,
        divisor,
        _lists(row.transpose() * columns)[0],
        _lists(z.transpose() * columns),
        dz,
        _lists(left.transpose() * columns),
        [f for _, f in exact.refits],
    )


def _matrix(rows: list[list[int]], below: list[int], unit: Fraction) -> Floats:
    """Ratios of integers in the units of the data, each rounded once."""
    up, down = unit.numerator, unit.denominator
    return np.array(
        [[v * up / (d * down) for v in row] for row, d in zip(rows, below, strict=True)]
    )


def _lists(matrix: fmpz_mat) -> list[list[int]]:
    return [[int(v) for v in row] for row in matrix.tolist()]


def _column_of(matrix: fmpz_mat, j: int) -> fmpz_mat:
    return fmpz_mat([[matrix[i, j]] for i in range(matrix.nrows())])


def _beside(columns: tuple[fmpz_mat, ...]) -> fmpz_mat:
    return fmpz_mat([[c[i, 0] for c in columns] for i in range(columns[0].nrows())])


# Weights


def weights_of(clusters: int, matter: int) -> tuple[str, bool]:
    """Kind of weights by clusters with leverage, and whether all their points are taken."""
    kind = "webb" if clusters < RADEMACHER_FROM else "rademacher"
    return kind, matter <= ENUMERATED[kind]


def draws(kind: str, everything: bool, clusters: int) -> Iterator[list[tuple[float, Floats]]]:
    """Weights in blocks, each as (value, pattern of −1, 0, 1 by cluster × draw).

    A draw and its negative have one |t*|, so the first cluster's weight is kept positive when
    all points are taken. Random ones are raw words of a Philox stream, the same everywhere, and
    follow the identity, which is counted.
    """
    if everything:
        yield from _every_point(kind, clusters)
        return
    wide = max(1, _BLOCK // (4 * clusters))
    bits = np.random.Philox(key=_KEY)
    for start in range(0, DRAWS + 1, wide):
        codes = _random(bits, kind, clusters, min(wide, DRAWS + 1 - start))
        if start == 0:
            codes[:, 0] = 1 if kind == "webb" else 0
        yield _patterns(kind, codes)


@lru_cache(maxsize=1)  # every term and both statistics of a fit take the same ones
def _every_point(kind: str, clusters: int) -> list[list[tuple[float, Floats]]]:
    base, wide = 6 if kind == "webb" else 2, max(1, _BLOCK // (4 * clusters))
    points = base**clusters // 2
    starts = range(0, points, wide)
    blocks = [np.arange(start, min(start + wide, points)) for start in starts]
    return [_patterns(kind, _digits(block, base, clusters)) for block in blocks]


def _digits(numbers: npt.NDArray[np.int64], base: int, clusters: int) -> npt.NDArray[np.int64]:
    """Base-``base`` digits by cluster; the first stays in the lower, positive half."""
    digits = np.empty((clusters, len(numbers)), dtype=np.int64)
    for g in reversed(range(clusters)):
        numbers, digits[g] = np.divmod(numbers, base)
    return digits


def _random(bits: np.random.Philox, kind: str, clusters: int, n: int) -> npt.NDArray[np.int64]:
    if kind == "webb":
        raw = np.asarray(bits.random_raw(n * clusters), dtype=np.uint64)
        return (raw.reshape(n, clusters) % np.uint64(6)).astype(np.int64).T.copy()
    words = -(-clusters // 64)
    raw = np.asarray(bits.random_raw(n * words), dtype=np.uint64).reshape(n, words)
    shifts = np.arange(64, dtype=np.uint64)
    flat = ((raw[:, :, None] >> shifts) & np.uint64(1)).reshape(n, 64 * words)
    return flat[:, :clusters].astype(np.int64).T.copy()


def _patterns(kind: str, codes: npt.NDArray[np.int64]) -> list[tuple[float, Floats]]:
    """Codes 0 and 1 are the signs + and −; 0–2 and 3–5 Webb's positive and negative points."""
    if kind == "rademacher":
        return [(1.0, (1 - 2 * codes).astype(np.float64))]
    half = len(_WEBB)
    return [
        (value, (codes == i).astype(np.float64) - (codes == i + half).astype(np.float64))
        for i, value in enumerate(_WEBB)
    ]


def multiples(matrix: Floats) -> Floats:
    """Round each row to multiples of a power of two, so that sums of ± its entries are exact.

    Then a matrix product with patterns of −1, 0, 1 has the same bits in whatever order and on
    however many threads it is added up; what is lost is 2⁻⁵² of the row's largest sum.
    """
    top = np.abs(matrix).max(axis=1, keepdims=True, initial=0.0) * matrix.shape[1]
    step = np.ldexp(1.0, np.frexp(top)[1] - 52)
    rounded: Floats = np.rint(matrix / step) * step
    return rounded


def drawn(r: Resampling, *, classic: bool = False) -> Drawn:
    """Resample a coefficient: the five numbers of every draw.

    Parameters
    ----------
    classic
        The CRV1 statistic in place of the CRV3 one.
    """
    statistic = r.classic if classic else r.jackknife
    matter = len(r.fixed)
    kind, everything = weights_of(r.clusters, matter)
    ends = np.stack([r.fixed, r.moving])
    rows = multiples(np.concatenate([ends, statistic.fixed, statistic.moving]))
    size = len(statistic.fixed)
    numerators, deviations = [], []
    for block in draws(kind, everything, matter):
        value, pattern = block[0]
        moved = rows @ pattern * value
        for value, pattern in block[1:]:
            moved += rows @ pattern * value
        numerators.append(moved[:2])
        m0, m1 = moved[2 : 2 + size], moved[2 + size :]
        deviations.append(
            np.stack([(m0 * m0).sum(axis=0), 2 * (m0 * m1).sum(axis=0), (m1 * m1).sum(axis=0)])
        )
    return Drawn(
        r.beta,
        statistic.square,
        np.concatenate(numerators, axis=1),
        np.concatenate(deviations, axis=1),
    )


# Interval


@dataclass(frozen=True)
class Interval:
    """Values not rejected: their hull; an end is ``None`` past 50 standard errors."""

    low: float | None
    high: float | None
    pieces: bool  # whether some value within the hull is rejected


def interval(d: Drawn, se: float) -> Interval:
    """Invert the test: all r with p(r) > 5 %, outward from the estimate, ends by bisection."""
    low, broken_low = _end(d, -se)
    high, broken_high = _end(d, se)
    return Interval(low, high, broken_low or broken_high)


def _steps() -> list[float]:
    """Distances to look at, in standard errors: by eighths to 6, then a twentieth farther each."""
    steps = [k / 8 for k in range(49)]
    while steps[-1] * 1.05 < FARTHEST:
        steps.append(steps[-1] * 1.05)
    return [*steps, FARTHEST]


def _end(d: Drawn, se: float) -> tuple[float | None, bool]:
    steps = _steps()
    kept = [d.p(d.beta + k * se) > LEVEL for k in steps]
    last = max(i for i, inside in enumerate(kept) if inside)
    broken = not all(kept[:last])
    if last == len(steps) - 1:
        return None, broken
    inside, outside = steps[last], steps[last + 1]
    while outside - inside > 1e-12 * outside:
        middle = (inside + outside) / 2
        if d.p(d.beta + middle * se) > LEVEL:
            inside = middle
        else:
            outside = middle
    return d.beta + inside * se, broken
