"""Shares by count, shrunk to their kind and the county: beta-binomial, strength estimated.

An institution's share is drawn from Beta(sm, s(1 − m)) around its kind's mean m; kinds likewise
around the county's. The strength s, as many customers as the mean counts for, is where the
beta-binomial likelihood of the counts is largest.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import betaln

Floats = NDArray[np.float64]

#: Bounds of a strength, in customers; at the upper one institutions do not differ.
WEAKEST, STRONGEST = 2.0, 1e6
_GRID = 41


@dataclass(frozen=True)
class Share:
    """Posterior Beta(alpha, beta) of one institution's share."""

    alpha: float
    beta: float

    @property
    def mean(self) -> float:
        """Its mean."""
        return self.alpha / (self.alpha + self.beta)

    def draws(self, dice: np.random.Generator, n: int) -> Floats:
        """Draw n shares."""
        return dice.beta(self.alpha, self.beta, size=n)


def log_likelihood(strength: float, mean: Floats, hits: Floats, trials: Floats) -> float:
    """Log likelihood of counts under the beta-binomial, without what does not depend on s."""
    a, b = strength * mean, strength * (1 - mean)
    return float(np.sum(betaln(a + hits, b + trials - hits) - betaln(a, b)))


def strength_of(mean: Floats, hits: Floats, trials: Floats) -> float:
    """Find the strength of largest likelihood: the best of a grid on log s, refined there.

    With nothing to tell institutions apart by (fewer than two with customers, no event at all or
    nothing but events) it is :data:`STRONGEST`: everyone has the mean.
    """
    if np.count_nonzero(trials) < 2 or hits.sum() in (0.0, trials.sum()):
        return STRONGEST
    grid = np.linspace(math.log(WEAKEST), math.log(STRONGEST), _GRID)
    values = [log_likelihood(math.exp(x), mean, hits, trials) for x in grid]
    best = int(np.argmax(values))
    bounds = (grid[max(best - 1, 0)], grid[min(best + 1, _GRID - 1)])
    found = minimize_scalar(
        lambda x: -log_likelihood(math.exp(x), mean, hits, trials),
        bounds=bounds,
        method="bounded",
        options={"xatol": 1e-8},
    )
    inside = -float(found.fun) > values[best]
    return math.exp(float(found.x) if inside else float(grid[best]))


@dataclass(frozen=True)
class Shrunk:
    """Shares of all institutions, and what they were shrunk to.

    Attributes
    ----------
    county
        Share of all customers together, half an event and half a non-event added.
    kinds
        Kind → its share, shrunk to the county's.
    between_institutions, between_kinds
        Strengths, in customers.
    """

    shares: Mapping[str, Share]
    county: float
    kinds: Mapping[str, float]
    between_institutions: float
    between_kinds: float

    def of(self, institution_id: str, kind: str) -> Share:
        """Return an institution's share; one never counted has its kind's or the county's."""
        if institution_id in self.shares:
            return self.shares[institution_id]
        mean = self.kinds.get(kind, self.county)
        return Share(self.between_institutions * mean, self.between_institutions * (1 - mean))


def shrink(counts: Mapping[str, tuple[int, int]], kinds: Mapping[str, str]) -> Shrunk:
    """Shrink shares to kind, then county.

    Parameters
    ----------
    counts
        Institution → (events, customers).
    kinds
        Institution → kind.

    Examples
    --------
    >>> found = shrink({"A": (9, 100), "B": (1, 100)}, {"A": "village", "B": "village"})
    >>> 0.01 < found.of("B", "village").mean < found.of("A", "village").mean < 0.09
    True
    """
    ids = sorted(counts)
    hits = np.array([counts[i][0] for i in ids], dtype=float)
    trials = np.array([counts[i][1] for i in ids], dtype=float)
    county = (hits.sum() + 0.5) / (trials.sum() + 1)
    of = [kinds.get(i, "") for i in ids]
    names = sorted(set(of))
    kind_hits = np.array([hits[[k == n for k in of]].sum() for n in names])
    kind_trials = np.array([trials[[k == n for k in of]].sum() for n in names])
    between_kinds = strength_of(np.full(len(names), county), kind_hits, kind_trials)
    means = (between_kinds * county + kind_hits) / (between_kinds + kind_trials)
    by_kind = dict(zip(names, means.tolist(), strict=True))
    centre = np.array([by_kind[k] for k in of])
    s = strength_of(centre, hits, trials)
    shares = {
        i: Share(float(s * m + k), float(s * (1 - m) + n - k))
        for i, m, k, n in zip(ids, centre, hits, trials, strict=True)
    }
    return Shrunk(shares, float(county), by_kind, s, between_kinds)
