"""Exact least squares from moments: estimates, clustered errors, leave-one-cluster-out.

Everything is integer or rational arithmetic (python-flint); floats appear in the last step,
where a variance is added up over refits and where square roots are taken. With A = ΣA_g,
c = Σc_g and u_g = c_g − A_g β̂, all exact:

- β̂ = A⁻¹c, RSS = s − β̂′c (a perfect fit gives 0);
- CRV1 = G/(G−1) · (n−1)/(n−K) · A⁻¹ Σu_gu_g′ A⁻¹;
- CRV3 = (G−1)/G Σ(β₍₋g₎−β̂)(β₍₋g₎−β̂)′ with β₍₋g₎ = (A−A_g)⁻¹(c−c_g).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction

from flint import fmpz_mat

from puhui.errors import FitError
from puhui.rates.moments import Moments

#: More columns than this are refused.
MAX_COLUMNS = 300
#: A correlation determinant below 2**-400 is zero where the moments carry a rounded denominator.
_ZERO_BITS = 400


@dataclass(frozen=True)
class Exact:
    """Integers a solution rests on, over the columns kept; errors and resampling are made of them.

    With a = Σa_g the integer cross products: ``scores[g] / beta_denominator`` is c_g − a_g β̂ (one
    column), ``rows / rows_denominator`` the columns of a⁻¹ of the reported terms, and
    ``refits[g]`` numerators and denominator of those of (a − a_g)⁻¹, a generalised inverse where
    the refit loses columns. ``units[j]`` turns a coefficient into the units of the data.
    """

    total: fmpz_mat
    parts: tuple[fmpz_mat, ...]
    scores: tuple[fmpz_mat, ...]
    beta_denominator: int
    rows: fmpz_mat
    rows_denominator: int
    refits: tuple[tuple[fmpz_mat, int], ...] | None
    units: tuple[Fraction, ...]
    denominator: int
    beta: tuple[Fraction, ...]  # of all columns kept, on integer columns
    keep: tuple[int, ...]


@dataclass(frozen=True)
class Solution:
    """Exact results in the units of the data; one entry per reported term.

    ``influence[g][j]`` is the j-th entry of A⁻¹u_g; ``leverage[g][j]`` cluster g's share of the
    partial leverage on term j; ``refits[g][j]`` is β₍₋g₎ or ``None`` where the refit loses the
    coefficient (``None`` altogether if not asked for).
    """

    terms: tuple[str, ...]
    beta: tuple[Fraction, ...]
    inverse: tuple[Fraction, ...]  # diagonal of A⁻¹
    rss: Fraction
    tss: Fraction  # about the mean if there is a constant or an absorbed effect
    columns: int  # identified columns, explicit effect columns included
    dropped_effects: int  # explicit effect columns that other effects already span
    influence: tuple[tuple[Fraction, ...], ...]
    leverage: tuple[tuple[Fraction, ...], ...]
    refits: tuple[tuple[Fraction | None, ...], ...] | None
    exact: Exact | None = field(default=None, repr=False, compare=False)


def solve(m: Moments, *, centred: bool, refits: bool = True) -> Solution:
    """Solve the normal equations exactly.

    Parameters
    ----------
    centred
        Whether the total sum of squares is about the mean.
    refits
        Whether to leave out each cluster in turn.

    Raises
    ------
    FitError
        More than 300 columns, or columns that depend on each other (named).
    """
    if len(m.names) - 1 > MAX_COLUMNS:
        raise FitError(
            f"要解 {len(m.names) - 1} 列，超过 {MAX_COLUMNS} 列。",
            remedy="不嵌套在聚类内的效应要逐个列出，请减少这类效应的类别。",
        )
    total = m.cross[0]
    for cross in m.cross[1:]:
        total = total + cross
    keep = _independent(m, total)
    system = _System(m, keep)
    a, c, s = system.split(total)
    p, q = (a.solve(c)).numer_denom()
    every = tuple(Fraction(int(p[j, 0]), int(q)) for j in range(len(keep)))
    beta = every[: m.terms]
    rss = Fraction(int(s) * int(q) - int((p.transpose() * c)[0, 0]), int(q) * m.denominator)
    if not m.exact and abs(rss) * 2**_ZERO_BITS < Fraction(int(s), m.denominator):
        rss = Fraction(0)
    rows, d = a.solve(_unit(len(keep), m.terms)).numer_denom()
    influence, leverage, parts, scores = [], [], [], []
    for cross in m.cross:
        a_g, c_g, _ = system.split(cross)
        u = c_g * q - a_g * p
        parts.append(a_g)
        scores.append(u)
        influence.append(_column(rows.transpose() * u, int(d) * int(q)))
        leverage.append([int(v) for v in _diagonal(rows.transpose() * a_g * rows)])
    inverse = [Fraction(int(rows[j, j]) * m.denominator, int(d)) for j in range(m.terms)]
    left = [_refit(system, total - cross, m.exact) for cross in m.cross] if refits else None
    exact = Exact(
        a,
        tuple(parts),
        tuple(scores),
        int(q),
        rows,
        int(d),
        tuple(r.rows for r in left) if left is not None else None,
        tuple(system.unit(j) for j in range(m.terms)),
        m.denominator,
        every,
        tuple(keep),
    )
    y = m.scales[-1]
    mean_part = Fraction(m.y_sum**2, m.weight) if centred else Fraction(0)
    return Solution(
        m.names[: m.terms],
        tuple(b * system.unit(j) for j, b in enumerate(beta)),
        tuple(v * Fraction(100) ** m.scales[j] for j, v in enumerate(inverse)),
        rss / Fraction(100) ** y,
        (m.y_square - mean_part) / Fraction(100) ** y,
        len(keep),
        len(m.names) - 1 - len(keep),
        tuple(tuple(h * system.unit(j) for j, h in enumerate(row)) for row in influence),
        _shares(leverage),
        tuple(
            tuple(None if b is None else b * system.unit(j) for j, b in enumerate(refit.beta))
            for refit in left
        )
        if left is not None
        else None,
        exact,
    )


@dataclass(frozen=True)
class _System:
    m: Moments
    keep: list[int]

    def split(self, cross: fmpz_mat) -> tuple[fmpz_mat, fmpz_mat, int]:
        """Cut out A, c and s over the columns kept; the outcome is the last column."""
        last = cross.ncols() - 1
        a = fmpz_mat([[cross[i, j] for j in self.keep] for i in self.keep])
        c = fmpz_mat([[cross[i, last]] for i in self.keep])
        return a, c, int(cross[last, last])

    def unit(self, j: int) -> Fraction:
        """Factor that turns a coefficient on integer columns into the units of the data."""
        return Fraction(10) ** (self.m.scales[j] - self.m.scales[-1])


def _unit(size: int, columns: int) -> fmpz_mat:
    return fmpz_mat(size, columns, [int(i == j) for i in range(size) for j in range(columns)])


def _diagonal(matrix: fmpz_mat) -> list[int]:
    return [int(matrix[j, j]) for j in range(matrix.ncols())]


def _column(matrix: fmpz_mat, denominator: int) -> list[Fraction]:
    return [Fraction(int(matrix[j, 0]), denominator) for j in range(matrix.nrows())]


def _shares(leverage: list[list[int]]) -> tuple[tuple[Fraction, ...], ...]:
    sums = [sum(column) for column in zip(*leverage, strict=True)]
    return tuple(tuple(Fraction(v, sums[j]) for j, v in enumerate(row)) for row in leverage)


def _regular(a: fmpz_mat, exact: bool) -> bool:
    if exact:
        return bool(a.rank() == a.nrows())
    scale = math.prod(abs(v) for v in _diagonal(a))
    return abs(int(a.det())) << _ZERO_BITS > scale


@dataclass(frozen=True)
class _Refit:
    """β without a cluster (``None`` where lost), and columns of the inverse it rests on."""

    beta: list[Fraction | None]
    rows: tuple[fmpz_mat, int]


def _refit(system: _System, rest: fmpz_mat, exact: bool) -> _Refit:
    """β without a cluster; a coefficient the other clusters do not identify is ``None``."""
    a, c, _ = system.split(rest)
    terms, width = system.m.terms, a.ncols()
    if _regular(a, exact):
        return _refit_on(a, c, list(range(width)), list(range(terms)), terms)
    reduced, _, rank = a.rref()
    pivots = _pivots(reduced, rank, width)
    free = [k for k in range(width) if k not in pivots]
    held = [
        j
        for row, j in enumerate(pivots)
        if j < terms and not any(reduced[row, k] != 0 for k in free)
    ]
    return _refit_on(a, c, pivots, held, terms)


def _refit_on(a: fmpz_mat, c: fmpz_mat, pivots: list[int], held: list[int], terms: int) -> _Refit:
    """Solve on independent columns, for the coefficients these identify."""
    if not pivots:
        return _Refit([None] * terms, (fmpz_mat(a.nrows(), terms), 1))
    own = fmpz_mat([[a[i, j] for j in pivots] for i in pivots])
    right = fmpz_mat(
        [[c[i, 0], *(int(i == j and j in held) for j in range(terms))] for i in pivots]
    )
    found, d = own.solve(right).numer_denom()
    rows = fmpz_mat(a.nrows(), terms)
    beta: list[Fraction | None] = [None] * terms
    for place, i in enumerate(pivots):
        for j in range(terms):
            rows[i, j] = found[place, 1 + j]
        if i in held:
            beta[i] = Fraction(int(found[place, 0]), int(d))
    return _Refit(beta, (rows, int(d)))


def _pivots(reduced: fmpz_mat, rank: int, width: int) -> list[int]:
    pivots = []
    for row in range(rank):
        first = next((j for j in range(width) if reduced[row, j] != 0), None)
        if first is not None:
            pivots.append(first)
    return pivots


def _independent(m: Moments, total: fmpz_mat) -> list[int]:
    """Columns to keep; effect columns spanned by others go, reported columns raise."""
    width = len(m.names) - 1
    everything = list(range(width))
    a, _, _ = _System(m, everything).split(total)
    flat = [j for j in range(m.terms) if not any(a[j, i] for i in range(width))]
    if flat:
        names = "”“".join(m.names[j] for j in flat)
        inside = "在所吸收的效应之内" if m.cells or width > m.terms else ""
        raise FitError(
            f"列“{names}”{inside}没有变化，系数无法估计。", remedy="请去掉这一列或这组效应。"
        )
    if _regular(a, m.exact):
        return everything
    reduced, _, rank = a.rref()
    pivots = _pivots(reduced, rank, width)
    for k in (j for j in everything if j not in pivots):
        tied = [j for row, j in enumerate(pivots) if reduced[row, k] != 0] + [k]
        named = [m.names[j] for j in tied if j < m.terms]
        if named:
            effects = "与所列效应" if len(named) < len(tied) else ""
            raise FitError(
                f"列“{'”“'.join(named)}”{effects}线性相关，系数无法分开。",
                remedy="请去掉其中一列。",
            )
    return pivots
