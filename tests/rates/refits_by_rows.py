"""The restricted wild cluster bootstrap and CR2 by their definitions: refits on rows, in numpy."""

from __future__ import annotations

from itertools import product

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
SIX_POINTS = tuple(s * v for s in (1, -1) for v in (np.sqrt(0.5), 1.0, np.sqrt(1.5)))


def refit(x: Floats, y: Floats) -> Floats:
    """Least squares of each column of y; the minimum-norm solution where columns depend."""
    return np.linalg.lstsq(x, y, rcond=None)[0]


def signs(clusters: int, points: tuple[float, ...] = (1.0, -1.0)) -> Floats:
    """All weight vectors, one a column."""
    return np.array(list(product(points, repeat=clusters))).T


def t_squared(x: Floats, y: Floats, group: npt.NDArray[np.int64], j: int, null: float) -> Floats:
    """Squared (β − null)² / variance of each column of y, by rows: CRV3, then CRV1.

    Factors common to all samples are left out.
    """
    beta = refit(x, y)
    residuals = y - x @ beta
    row = np.linalg.pinv(x)[j]
    clusters = range(group.max() + 1)
    jackknife = sum((refit(x[group != g], y[group != g])[j] - beta[j]) ** 2 for g in clusters)
    sandwich = sum((row[group == g] @ residuals[group == g]) ** 2 for g in clusters)
    return np.stack([(beta[j] - null) ** 2 / jackknife, (beta[j] - null) ** 2 / sandwich])


def p_by_rows(
    x: Floats, y: Floats, group: npt.NDArray[np.int64], j: int, null: float, weights: Floats
) -> tuple[float, float]:
    """p of the CRV3 and of the CRV1 statistic over weight vectors, a refit for each of them."""
    others = np.delete(x, j, axis=1)
    held = y - null * x[:, j]
    fitted = others @ refit(others, held) + null * x[:, j]
    samples = fitted[:, None] + weights[group] * (y - fitted)[:, None]
    own = t_squared(x, y[:, None], group, j, null)
    counted = t_squared(x, samples, group, j, null) >= own * (1 - 1e-9) ** 2
    return float(counted[0].mean()), float(counted[1].mean())


def cr2_by_rows(
    x: Floats, y: Floats, group: npt.NDArray[np.int64], j: int, w: Floats
) -> tuple[float, float]:
    """CR2 error and Bell–McCaffrey degrees of freedom: (I − H_gg)^(−½) of every cluster's rows."""
    root = np.sqrt(w)
    x, y = x * root[:, None], y * root  # under variance ∝ 1/w these rows have equal variance
    hat = x @ np.linalg.pinv(x)
    row = np.linalg.pinv(x)[j]
    residual = y - hat @ y
    variance, columns = 0.0, []
    for g in range(group.max() + 1):
        own = group == g
        values, vectors = np.linalg.eigh(np.eye(own.sum()) - hat[np.ix_(own, own)])
        kept = values > 1e-10
        power = (vectors[:, kept] / np.sqrt(values[kept])) @ vectors[:, kept].T
        variance += float(row[own] @ power @ residual[own]) ** 2
        spread = np.zeros((len(y), own.sum()))
        spread[own] = np.eye(own.sum())
        columns.append((spread - hat[:, own]) @ power @ row[own])
    gamma = np.array(columns) @ np.array(columns).T
    return float(np.sqrt(variance)), float(np.trace(gamma) ** 2 / (gamma**2).sum())
