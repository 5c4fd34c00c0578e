"""How often a true null is rejected at 5 %: the ruling bootstrap and what one would use instead.

    python benchmarks/rates_monte_carlo.py [RUNS] [SCENARIO ...]      (default 10,000, all)

Each run draws loans of 15 institutions (6 in a6) whose slope is known, reduces them to moments by
institution and tests the true slope. Rates of rejection in per cent come with their own Monte
Carlo error. Seeds are fixed by scenario and run, so fewer runs are the first of more.
"""

from __future__ import annotations

import csv
import datetime as dt
import math
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import stats

from puhui.rates.bootstrap import Resampling, Statistic, drawn, draws, multiples, weights_of

LPR = Path(__file__).parents[1] / "data/reference/benchmarks/lpr.csv"
TRUE = (0.0, 0.6, 1.0)
METHODS = ("ruling", "classic", "CRV1 t", "CRV1 normal", "two-way t")


@dataclass
class Design:
    """Regressor first, then other columns, free of nested effects; clusters, cells, months."""

    x: np.ndarray
    g: np.ndarray
    cell: np.ndarray | None = None
    month: np.ndarray | None = None

    def __post_init__(self) -> None:
        self.x = self.within(self.x)
        clusters = range(int(self.g.max()) + 1)
        self.parts = np.stack([self.x[self.g == h].T @ self.x[self.g == h] for h in clusters])
        total = self.parts.sum(axis=0)
        self.inverse = np.linalg.inv(total)
        self.a = self.inverse[:, 0]
        self.lever = self.parts @ self.a  # A_g a
        left = [total - part for part in self.parts]
        self.lost = any(np.linalg.matrix_rank(m) < len(total) for m in left)
        first = np.eye(len(total))[:, 0]
        self.refit = np.stack([np.linalg.lstsq(m, first, rcond=None)[0] for m in left])

    def within(self, values: np.ndarray) -> np.ndarray:
        """Values less the mean of their cell."""
        if self.cell is None:
            return values
        count = np.bincount(self.cell)
        columns = values.reshape(len(values), -1)
        means = [np.bincount(self.cell, c) / count for c in columns.T]
        out = columns - np.stack(means, axis=1)[self.cell]
        return out.reshape(values.shape)

    def by_cluster(self, values: np.ndarray) -> np.ndarray:
        clusters = int(self.g.max()) + 1
        return np.stack([np.bincount(self.g, c, clusters) for c in values.T], axis=1)


@dataclass
class Estimate:
    beta: float
    resampling: Resampling
    crv1: float
    two_way: float | None
    lost: bool


def estimate(d: Design, y: np.ndarray) -> Estimate:
    """β̂ and all the bootstrap needs, from moments by cluster, in floats."""
    y = d.within(y)
    beta = d.inverse @ (d.x.T @ y)
    residual = y - d.x @ beta
    scores = d.by_cluster(d.x * residual[:, None])
    corner, size = d.a[0], len(d.parts)
    own, share = scores @ d.a, d.lever @ d.a / corner
    crossed = d.lever @ d.inverse
    classic = (
        np.diag(own) - crossed @ scores.T,
        np.diag(share) - crossed @ d.lever.T / corner,
    )
    off = 1 - np.eye(size)
    refit = (off * (d.refit @ scores.T) - own, off * (d.refit @ d.lever.T) / corner - share)
    jackknife = d.refit @ scores.T
    change = -np.diag(jackknife)  # β₍₋g₎ − β̂ = −(A − A_g)⁻¹ u_g
    n, k = len(y), d.x.shape[1]
    factor = size / (size - 1) * (n - 1) / (n - k)
    pieces = Resampling(
        float(beta[0]),
        int((share > 1e-12).sum()),
        own,
        share,
        Statistic(float((change**2).sum()), *refit),
        Statistic(float((own**2).sum()), *classic),
    )
    return Estimate(
        float(beta[0]),
        pieces,
        math.sqrt(factor * float((own**2).sum())),
        _two_way(d, residual, factor * float((own**2).sum()), n, k),
        d.lost,
    )


def _two_way(d: Design, residual: np.ndarray, first: float, n: int, k: int) -> float | None:
    if d.month is None:
        return None
    influence = (d.x @ d.a) * residual
    total = first
    for codes, sign in ((d.month, 1), (d.g * (int(d.month.max()) + 1) + d.month, -1)):
        sums = np.bincount(codes, influence)
        groups = len(np.unique(codes))
        total += sign * groups / (groups - 1) * (n - 1) / (n - k) * float((sums**2).sum())
    return math.sqrt(total) if total > 0 else None


class Weights:
    """All weight vectors of a number of clusters, made once."""

    def __init__(self, clusters: int) -> None:
        kind, everything = weights_of(clusters, clusters)
        self.blocks = list(draws(kind, everything, clusters))

    def p(self, r: Resampling, null: float) -> tuple[float, float]:
        """p of the ruling and of the classic statistic at one null: what ``drawn`` gives."""
        delta, g = r.beta - null, len(r.fixed)
        rows = [s.fixed + delta * s.moving for s in (r.jackknife, r.classic)]
        stacked = multiples(np.concatenate([(r.fixed + delta * r.moving)[None], *rows]))
        counted, points = np.zeros(2), 0
        for block in self.blocks:
            moved = sum(stacked @ pattern * value for value, pattern in block)
            top = moved[0] ** 2
            for i, statistic in enumerate((r.jackknife, r.classic)):
                below = (moved[1 + i * g : 1 + (i + 1) * g] ** 2).sum(axis=0)
                far = top * statistic.square >= (1 - 1e-9) ** 2 * delta**2 * below
                counted[i] += np.count_nonzero(far)
            points += moved.shape[1]
        return float(counted[0] / points), float(counted[1] / points)


# Scenarios: a maker of designs, and of outcomes at a true slope

Make = Callable[[np.random.Generator, float], tuple[Design, np.ndarray]]


def _sizes(rng: np.random.Generator, clusters: int, total: int = 1500) -> np.ndarray:
    raw = rng.lognormal(0, 1, clusters)
    return np.maximum(10, np.rint(raw / raw.sum() * total)).astype(int)


def _sloped(rng: np.random.Generator, sizes: np.ndarray, beta: float) -> tuple[Design, np.ndarray]:
    g = np.repeat(np.arange(len(sizes)), sizes)
    x = rng.normal(size=len(sizes))[g] + rng.normal(size=len(g))
    slope = beta + 0.3 * rng.normal(size=len(sizes))
    y = slope[g] * x + rng.normal(size=len(sizes))[g] + rng.normal(size=len(g))
    return Design(x[:, None], g, g), y


def random_slopes(clusters: int) -> Make:
    return lambda rng, beta: _sloped(rng, _sizes(rng, clusters), beta)


def dominated(rng: np.random.Generator, beta: float) -> tuple[Design, np.ndarray]:
    sizes = _sizes(rng, 14, 600)
    return _sloped(rng, np.array([int(1.5 * sizes.sum()), *sizes]), beta)


def between(treated: int | None) -> Make:
    """A regressor constant within institutions: normal, or one for the first few."""

    def make(rng: np.random.Generator, beta: float) -> tuple[Design, np.ndarray]:
        sizes = _sizes(rng, 15)
        g = np.repeat(np.arange(15), sizes)
        level = rng.normal(size=15) if treated is None else (np.arange(15) < treated) * 1.0
        x = level[g]
        y = beta * x + 0.5 * rng.normal(size=15)[g] + rng.normal(size=len(g))
        return Design(np.column_stack([x, np.ones(len(g))]), g), y

    return make


def _lpr() -> list[tuple[float, float]]:
    """LPR of both tenors in force in the middle of each month, 2019-10 to 2021-12."""
    with LPR.open(encoding="utf-8", newline="") as file:
        rows = [(dt.date.fromisoformat(r["date"]), float(r["lpr_1y"]), float(r["lpr_5y"]))
                for r in csv.DictReader(file)]  # fmt: skip
    months = [dt.date(2019 + (9 + i) // 12, (9 + i) % 12 + 1, 28) for i in range(27)]
    return [max(r for r in rows if r[0] <= day)[1:] for day in months]


def _ar(rng: np.random.Generator, series: int, months: int, sd: float) -> np.ndarray:
    """Stationary AR(.8) by series × month."""
    out = np.empty((series, months))
    out[:, 0] = rng.normal(size=series)
    for m in range(1, months):
        out[:, m] = 0.8 * out[:, m - 1] + 0.6 * rng.normal(size=series)
    return sd * out


class Path27:
    """Loans of 15 institutions over 27 months on the real path; loans stay, shocks are drawn."""

    def __init__(self, rung: str, common: float) -> None:
        rng = np.random.default_rng(20191020)
        self.common, lpr = common, np.array(_lpr())
        sizes = _sizes(rng, 15, 3000)
        g = np.repeat(np.arange(15), sizes)
        month = rng.integers(0, 27, len(g))
        tenor = (rng.random(len(g)) < 0.35).astype(int)
        self.rate = lpr[month, tenor] if rung == "C" or common else lpr[month, 0]
        columns = [self.rate]
        if rung == "C":
            columns += [(month == m) * 1.0 for m in range(1, 27)]
        self.design = Design(np.column_stack(columns), g, g * 2 + tenor, month)
        self.g, self.month = g, month

    def __call__(self, rng: np.random.Generator, beta: float) -> tuple[Design, np.ndarray]:
        own = _ar(rng, 15, 27, 0.15)[self.g, self.month]
        common = _ar(rng, 1, 27, self.common)[0, self.month]
        noise = 0.5 * rng.normal(size=len(self.g))
        return self.design, beta * self.rate + own + common + noise


SCENARIOS: dict[str, tuple[str, Callable[[], Make]]] = {
    "a": ("lognormal sizes, random slopes", lambda: random_slopes(15)),
    "a6": ("the same, 6 institutions", lambda: random_slopes(6)),
    "b": ("regressor constant within institution", lambda: between(None)),
    "c": ("LPR path, AR(.8) institution-month shocks", lambda: Path27("A", 0.0)),
    "d": ("one institution with 60 % of loans", lambda: dominated),
    "e": ("rung C, common monthly shock 10 bp AR(.8)", lambda: Path27("C", 0.1)),
    "f": ("rung A under (e): weak, no test", lambda: Path27("A", 0.1)),
    "g1": ("one of fifteen treated: refused", lambda: between(1)),
    "g2": ("two of fifteen treated: refused", lambda: between(2)),
}


def simulate(name: str, runs: int) -> dict[str, tuple[float, int]]:
    """Rejections in per cent by method with the number of runs that gave a test; bias printed."""
    make = SCENARIOS[name][1]()
    weights: Weights | None = None
    rejected = {m: [0, 0] for m in METHODS}
    errors: dict[float, list[float]] = {v: [] for v in TRUE}
    for run in range(runs):
        beta = TRUE[run % 3]
        rng = np.random.default_rng([run, *name.encode()])
        found = estimate(*make(rng, beta))
        g = len(found.resampling.fixed)
        if weights is None:
            weights = Weights(g)
            _check(found, weights, beta)
        p = weights.p(found.resampling, beta)
        t = abs(found.beta - beta) / found.crv1
        tests = [None if found.lost else p[0], p[1], 2 * stats.t.sf(t, g - 1), 2 * stats.norm.sf(t)]
        two = found.two_way
        tests.append(None if not two else 2 * stats.t.sf(abs(found.beta - beta) / two, g - 1))
        for method, value in zip(METHODS, tests, strict=True):
            if value is not None:
                rejected[method][0] += value <= 0.05
                rejected[method][1] += 1
        errors[beta].append(found.beta - beta)
    for beta, off in errors.items():
        mean, error = float(np.mean(off)), float(np.std(off) / math.sqrt(len(off)))
        print(f"      true {beta}: mean − true {mean:+.5f} ({mean / error:+.1f} of its errors)")
    return {m: (100 * r / n if n else math.nan, n) for m, (r, n) in rejected.items()}


def _check(found: Estimate, weights: Weights, beta: float) -> None:
    """The fast p of one null must be what the product's own five numbers give."""
    expected = [drawn(found.resampling, classic=c).p(beta) for c in (False, True)]
    assert list(weights.p(found.resampling, beta)) == expected


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    chosen = sys.argv[2:] or list(SCENARIOS)
    print(f"{runs} runs a scenario; rejections in per cent, nominal 5 (Monte Carlo error)")
    for name in chosen:
        started = time.perf_counter()
        print(f"({name}) {SCENARIOS[name][0]}")
        for method, (rate, n) in simulate(name, runs).items():
            if n:
                error = math.sqrt(rate * (100 - rate) / n)
                less = "" if n == runs else f", of {n} runs with a test"
                print(f"      {method:12s} {rate:6.2f} ({error:.2f}{less})")
        print(f"      {time.perf_counter() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
