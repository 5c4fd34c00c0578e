"""CR2 errors and the degrees of freedom of Bell and McCaffrey, from cluster moments.

With P_g = A^(−½) A_g A^(−½), scores become A^½ (I − P_g)^(−½) A^(−½) u_g, the root a
pseudo-inverse where a cluster alone carries a direction (eigenvalue 1); the working model is
independent errors of variance proportional to 1/w. Any factor A = CC′ serves for A^½: another
one turns every P_g by one rotation.

Sources: Bell and McCaffrey (2002); Pustejovsky and Tipton (2018).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from flint import fmpz_mat

from puhui.rates.moments import Moments
from puhui.rates.solve import Exact, Solution
from puhui.results import twelve_digits

Floats: TypeAlias = npt.NDArray[np.float64]

#: Eigenvalues this close to 1 are 1.
_ONE = 1e-10
#: Clusters × columns³ beyond this would take minutes.
_MOST_WORK = 2e9
#: Bits a factor is rounded to, and how far the whitened products may be from the identity.
_BITS, _WHITE = 60, 1e-6


@dataclass(frozen=True)
class Reduced:
    """CR2 errors and degrees of freedom by term, and why there are none."""

    errors: list[float | None]
    freedom: list[float | None]
    reason: str = ""


def bias_reduced(m: Moments, s: Solution) -> Reduced:
    """CR2 standard errors and Bell–McCaffrey degrees of freedom of every term.

    Eigenvalues are floats, so results are rounded to 12 significant digits, which any number
    of threads gives alike.
    """
    exact, none = s.exact, [None] * len(s.terms)
    if exact is None or len(m.groups) < 2:
        return Reduced([*none], [*none])
    width = exact.total.ncols()
    if len(m.groups) * width**3 > _MOST_WORK:
        return Reduced([*none], [*none], f"{len(m.groups)} 个聚类、{width} 列太多，不计算 CR2")
    white = whitened(exact)
    units = np.array([float(u) for u in exact.units])
    errors, freedom = _cr2(white, len(s.terms))
    return Reduced(
        [twelve_digits(v) for v in errors * units],
        [twelve_digits(v) if math.isfinite(v) else None for v in freedom],
    )


@dataclass(frozen=True)
class White:
    """Moments over columns turned so that ΣP_g = I: P_g, scores and rows of the terms."""

    parts: Floats  # G × k × k
    scores: Floats  # G × k
    rows: Floats  # k × terms: C⁻¹ of each term's unit vector


def whitened(exact: Exact) -> White:
    """Turn exact moments into orthonormal columns and round once, whatever their condition."""
    turn, shift = _factor(exact.total)
    across, below = turn.transpose(), 1 << (2 * shift)
    parts = [_ratios(turn * a_g * across, below) for a_g in exact.parts]
    # The moments' common denominator may be beyond floats: half of it is moved to either side.
    half = exact.denominator.bit_length() // 2
    long = exact.beta_denominator << (shift + half)
    scores = [_ratios(turn * u, long)[:, 0] for u in exact.scores]
    rows = _ratios(turn * (1 << half), 1 << shift)[:, : len(exact.units)]
    return White(np.stack(parts), np.stack(scores), rows)


def _factor(total: fmpz_mat) -> tuple[fmpz_mat, int]:
    """Integers T and a shift s with T·total·T′ / 4^s the identity but for rounding.

    Each round factors what the last one left, a little added so that a float Cholesky goes
    through, and so takes some 14 digits off the condition (Rump's inverse Cholesky).
    """
    size = total.nrows()
    lengths = [(int(total[i, i]).bit_length() + 1) // 2 for i in range(size)]
    shift = max(lengths)
    turn = fmpz_mat(size, size)
    for i, length in enumerate(lengths):
        turn[i, i] = 1 << (shift - length)
    while True:
        left = _ratios(turn * total * turn.transpose(), 1 << (2 * shift))
        done = bool(np.abs(left - np.eye(size)).max() < _WHITE)
        added = 0.0 if done else size * np.finfo(float).eps * np.diag(left).max()
        step = _inverse_cholesky(left + added * np.eye(size))
        bits = _BITS - int(np.frexp(np.abs(step).max())[1])
        whole = [[round(math.ldexp(v, bits)) for v in row] for row in step.tolist()]
        turn, shift = fmpz_mat(whole) * turn, shift + bits
        if done:
            return turn, shift


def _inverse_cholesky(matrix: Floats) -> Floats:
    """Inverse of the lower Cholesky factor, column by column: no library chooses the order."""
    left, inverse = matrix.copy(), np.eye(len(matrix))
    for i in range(len(matrix)):
        root = math.sqrt(left[i, i])
        inverse[i] /= root
        column = left[i + 1 :, i] / root
        left[i + 1 :, i + 1 :] -= column[:, None] * column[None, :]
        inverse[i + 1 :] -= column[:, None] * inverse[i]
    return inverse


def _ratios(matrix: fmpz_mat, below: int) -> Floats:
    return np.array([[int(v) / below for v in row] for row in matrix.tolist()])


def _cr2(white: White, terms: int) -> tuple[Floats, Floats]:
    """Errors on integer columns, and degrees of freedom."""
    squares = np.zeros(terms)
    own, rows = [], []
    for part, score in zip(white.parts, white.scores, strict=True):
        values, vectors = np.linalg.eigh(part)
        values = np.clip(values, 0.0, 1.0)
        open_ = 1.0 - values > _ONE
        grown = np.where(open_, 1.0 / np.sqrt(np.where(open_, 1.0 - values, 1.0)), 0.0)
        turned = vectors.T @ white.rows  # the terms' rows along the eigenvectors
        squares += ((turned * grown[:, None]).T @ (vectors.T @ score)) ** 2
        own.append((turned**2 * (values * grown**2)[:, None]).sum(axis=0))
        rows.append(vectors @ (turned * (values * grown)[:, None]))
    return np.sqrt(squares), _freedom(np.stack(own), np.stack(rows))


def _freedom(own: Floats, rows: Floats) -> Floats:
    """(tr Γ)² / tr Γ² of each term: Γ is ``own`` on the diagonal less the rows' products."""
    found = np.full(own.shape[1], math.nan)
    for j in range(own.shape[1]):
        gamma = np.diag(own[:, j]) - rows[:, :, j] @ rows[:, :, j].T
        below = float((gamma**2).sum())
        if below > 0:
            found[j] = float(np.trace(gamma)) ** 2 / below
    return found
