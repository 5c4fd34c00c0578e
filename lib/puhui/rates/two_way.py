"""Two-way CRV1 (Cameron, Gelbach and Miller 2011): V by each way less V by both at once.

Effects nested in the first way do not nest in the second, so this is the one estimate that
takes a second pass over the rows: residual and row of A⁻¹X̃′ are exact by row and rounded once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from puhui.rates.design import Codes, Design, EffectColumns, effect_columns
from puhui.rates.moments import Moments
from puhui.rates.solve import Solution

Floats: TypeAlias = npt.NDArray[np.float64]
Whole: TypeAlias = npt.NDArray[np.object_]


@dataclass(frozen=True)
class TwoWays:
    """Influence (A⁻¹ times the score) by cluster × term: by the second way, and by both."""

    first: str
    second: str
    by_second: Floats
    by_both: Floats
    fewest: int  # clusters of the way that has fewer


def two_ways(design: Design, m: Moments, s: Solution, *, intercept: bool) -> TwoWays:
    """Scores by the second way and by the pairs of both, from the rows of the design."""
    assert design.cluster is not None and design.cluster2 is not None and s.exact is not None
    kept, exact = design.kept, s.exact
    first, second = design.cluster.codes[kept], design.cluster2.codes[kept]
    both = first * (int(second.max()) + 1) + second
    effects = effect_columns(design, intercept=intercept)
    rows = _Rows(design, effects, intercept, len(m.names) - 1)
    common = math.lcm(*(b.denominator for b in exact.beta))
    beta = rows.spread(exact.keep, [int(b * common) for b in exact.beta])
    y = design.columns[-1].whole[kept].astype(object)
    residual = rows.within(y * common - rows.linear(beta), common)
    weight = rows.weight.astype(np.float64)
    terms = []
    for j, unit in enumerate(exact.units):
        row = rows.spread(exact.keep, [int(exact.rows[i, j]) for i in range(len(exact.keep))])
        # cross products are over a common denominator, so A⁻¹ is that times their inverse
        below = Fraction(exact.rows_denominator) / (exact.denominator * unit)
        lever = rows.within(rows.linear(row) * below.denominator, below.numerator)
        terms.append(weight * lever * residual)
    return TwoWays(
        design.cluster.name,
        design.cluster2.name,
        np.stack([_sums(v, second) for v in terms], axis=1),
        np.stack([_sums(v, both) for v in terms], axis=1),
        min(len(s.influence), len(np.unique(second))),
    )


@dataclass(frozen=True)
class _Rows:
    design: Design
    effects: EffectColumns
    intercept: bool
    width: int

    @property
    def weight(self) -> Whole:
        """Raw weight of each row, 1 without weights."""
        kept, weight = self.design.kept, self.design.weight
        whole = weight.whole[kept] if weight is not None else np.ones(len(kept), dtype=np.int64)
        return whole.astype(object)

    def spread(self, keep: Sequence[int], values: Sequence[int]) -> list[int]:
        """Coefficients of the columns kept, zero for the others."""
        full = [0] * self.width
        for j, value in zip(keep, values, strict=True):
            full[j] = value
        return full

    def linear(self, coefficients: Sequence[int]) -> Whole:
        """Sum of coefficient × column by row, the indicator columns of effects included."""
        kept, first = self.design.kept, 1 if self.intercept else 0
        total: Whole = np.full(len(kept), coefficients[0] if self.intercept else 0, dtype=object)
        for j, column in enumerate(self.design.columns[:-1]):
            total = total + column.whole[kept].astype(object) * coefficients[first + j]
        table = np.array([*coefficients, 0], dtype=object)  # −1: the level left out
        for place in self.effects.places:
            total = total + table[place]
        return total

    def within(self, values: Whole, divisor: int) -> Floats:
        """Values less their weighted mean within the absorbed cell, over ``divisor``, rounded."""
        cells = self.effects.absorbed
        if cells is None:
            return np.array([v / divisor for v in values])
        _, place = np.unique(cells, return_inverse=True)
        weight, total = [0] * (int(place.max()) + 1), [0] * (int(place.max()) + 1)
        for f, w, v in zip(place.tolist(), self.weight, values, strict=True):
            weight[f] += int(w)
            total[f] += int(w) * v
        return np.array(
            [
                (v * weight[f] - total[f]) / (divisor * weight[f])
                for f, v in zip(place.tolist(), values, strict=True)
            ]
        )


def _sums(values: Floats, codes: Codes) -> Floats:
    """Sum by code, each correctly rounded whatever the order of rows."""
    order = np.argsort(codes, kind="stable")
    starts = np.flatnonzero(np.diff(codes[order], prepend=codes[order][0] - 1))
    return np.array([math.fsum(part) for part in np.split(values[order], starts[1:])])


def two_way_errors(
    s: Solution, ways: TwoWays, n: int, k: int
) -> tuple[list[float | None], list[str]]:
    """Two-way CRV1 by term; none, and said, where the difference of variances is negative."""
    if n <= k or min(len(s.influence), len(ways.by_second)) < 2:
        return [None] * len(s.terms), []
    own = np.array([[float(v) for v in row] for row in s.influence])
    errors: list[float | None] = []
    said = [
        f"CRV1 按“{ways.first}”和“{ways.second}”双向聚类，"
        f"CRV3、CR2、自助法和区间只按“{ways.first}”聚类"
    ]
    for j, term in enumerate(s.terms):
        parts = [_variance(table[:, j], n, k) for table in (own, ways.by_second, ways.by_both)]
        variance = parts[0] + parts[1] - parts[2]
        errors.append(math.sqrt(variance) if variance >= 0 else None)
        if variance < 0:
            said.append(f"“{term}”的双向方差为负，没有 CRV1")
    return errors, said


def _variance(influence: Floats, n: int, k: int) -> float:
    g = len(influence)
    return g / (g - 1) * (n - 1) / (n - k) * math.fsum(v * v for v in influence)
