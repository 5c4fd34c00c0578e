"""Exact least squares from moments: estimates, clustered errors, leave-one-cluster-out.

Everything is integer or rational arithmetic (python-flint); floats appear in the last step,
where a variance is added up over refits and where square roots are taken. Moments of long
integers are solved to hundreds of proven bits instead (:mod:`puhui.rates.enclosed`); which
columns depend on each other is decided exactly even then. With A = ΣA_g, c = Σc_g and
u_g = c_g − A_g β̂:

- β̂ = A⁻¹c, RSS = s − β̂′c (a perfect fit gives 0);
- CRV1 = G/(G−1) · (n−1)/(n−K) · A⁻¹ Σu_gu_g′ A⁻¹;
- CRV3 = (G−1)/G Σ(β₍₋g₎−β̂)(β₍₋g₎−β̂)′ with β₍₋g₎ = (A−A_g)⁻¹(c−c_g).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from flint import arb, arb_mat, ctx, fmpz_mat, nmod_mat

from puhui.errors import FitError
from puhui.rates.enclosed import (
    PRECISION,
    Enclosure,
    Undecided,
    enclosed,
    is_long,
    known,
    shortened,
    tell,
)
from puhui.rates.moments import Moments

#: More columns than this are refused.
MAX_COLUMNS = 300
#: A correlation determinant below 2**-400 is zero where the moments carry a rounded denominator.
_ZERO_BITS = 400
#: Columns independent modulo a prime are independent.
_PRIME = 2**63 - 25


@dataclass(frozen=True)
class Exact:
    """Integers a solution rests on, over the columns kept; errors and resampling are made of them.

    With a = Σa_g the integer cross products: ``scores[g] / beta_denominator`` is c_g − a_g β̂ (one
    column), ``rows / rows_denominator`` the columns of a⁻¹ of the reported terms, and
    ``refits[g]`` numerators and denominator of those of (a − a_g)⁻¹, a generalised inverse where
    the refit loses columns. ``units[j]`` turns a coefficient into the units of the data. Of
    shortened moments these integers are midpoints, and ``balls`` encloses the total.
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
    balls: arb_mat | None = None

    def solved(self, right: fmpz_mat) -> tuple[fmpz_mat, int]:
        """Numerators and denominator of total⁻¹ right."""
        if self.balls is not None:
            try:
                with ctx.workprec(PRECISION):
                    found = enclosed(self.balls, arb_mat(right))
                return found.whole, found.below
            except Undecided:
                pass
        up, below = self.total.solve(right).numer_denom()
        return up, int(below)


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
    total = sum(m.cross[1:], m.cross[0])
    keep = _independent(m, total)
    plans = [_plan(m, keep, total - cross) for cross in m.cross] if refits else None
    if is_long(total):
        try:
            with ctx.workprec(PRECISION):
                return _solved(_System.of(*shortened(m), keep), plans, centred)
        except Undecided:
            pass
    return _solved(_System.of(m, (), keep), plans, centred)


def _solved(system: _System, plans: list[_Plan] | None, centred: bool) -> Solution:
    m, total, terms = system.m, system.total, system.m.terms
    beta, rows = total.solve({j: j for j in range(terms)}, terms)
    influence, leverage, scores = [], [], []
    for part in system.parts:
        u = part.c * beta.below - part.a * beta.whole
        scores.append(u)
        influence.append(_column(rows.whole.transpose() * u, rows.below * beta.below))
        leverage.append(_diagonal(rows.whole.transpose() * part.a * rows.whole))
    left = None
    if plans is not None:
        pairs = zip(system.parts, plans, strict=True)
        left = [_refit(total - part, plan, terms) for part, plan in pairs]
    _tell(system, beta, rows, left or [])
    rss = _rss(system, beta)
    every = tuple(_column(beta.whole, beta.below))
    units = tuple(system.unit(j) for j in range(terms))
    y = m.scales[-1]
    mean_part = Fraction(m.y_sum**2, m.weight) if centred else Fraction(0)
    return Solution(
        m.names[:terms],
        tuple(b * unit for b, unit in zip(every, units, strict=False)),
        tuple(
            Fraction(int(rows.whole[j, j]) * m.denominator, rows.below)
            * Fraction(100) ** m.scales[j]
            for j in range(terms)
        ),
        rss / Fraction(100) ** y,
        (m.y_square - mean_part) / Fraction(100) ** y,
        len(system.keep),
        len(m.names) - 1 - len(system.keep),
        tuple(tuple(h * units[j] for j, h in enumerate(row)) for row in influence),
        _shares(leverage),
        tuple(
            tuple(None if b is None else b * units[j] for j, b in enumerate(refit.beta))
            for refit in left
        )
        if left is not None
        else None,
        Exact(
            total.a,
            tuple(part.a for part in system.parts),
            tuple(scores),
            beta.below,
            rows.whole,
            rows.below,
            tuple((r.rows, r.below) for r in left) if left is not None else None,
            units,
            m.denominator,
            every,
            system.keep,
            total.balls[0] if total.balls else None,
        ),
    )


@dataclass(frozen=True)
class _Normal:
    """Normal equations A β = c with s the outcome's square; of shortened moments also in balls."""

    a: fmpz_mat
    c: fmpz_mat
    s: int
    balls: tuple[arb_mat, arb_mat, arb] | None

    @classmethod
    def of(cls, cross: fmpz_mat, balls: arb_mat | None, keep: Sequence[int]) -> _Normal:
        """Cut out the columns kept; the outcome is the last column."""
        last = [cross.ncols() - 1]
        near = None
        if balls is not None:
            near = _cut(balls, keep, keep), _cut(balls, keep, last), balls[last[0], last[0]]
        return cls(
            _cut(cross, keep, keep), _cut(cross, keep, last), int(cross[last[0], last[0]]), near
        )

    def __sub__(self, part: _Normal) -> _Normal:
        near = None
        if self.balls and part.balls:
            (a, c, s), (a_g, c_g, s_g) = self.balls, part.balls
            near = a - a_g, c - c_g, s - s_g
        return _Normal(self.a - part.a, self.c - part.c, self.s - part.s, near)

    def within(self, columns: Sequence[int]) -> _Normal:
        """Some of the columns alone."""
        near = None
        if self.balls:
            a, c, s = self.balls
            near = _cut(a, columns, columns), _cut(c, columns, [0]), s
        return _Normal(_cut(self.a, columns, columns), _cut(self.c, columns, [0]), self.s, near)

    def solve(self, held: Mapping[int, int], terms: int) -> tuple[Enclosure, Enclosure]:
        """β, and by term the column of A⁻¹ of its place (``held``: term by place), else zeros."""
        size = self.a.nrows()
        unit = [[int(held.get(i) == j) for j in range(terms)] for i in range(size)]
        if self.balls:
            return enclosed(*self.balls[:2]), enclosed(self.balls[0], arb_mat(unit))
        right = fmpz_mat([[self.c[i, 0], *row] for i, row in enumerate(unit)])
        up, below = self.a.solve(right).numer_denom()
        every = range(size)
        return (
            Enclosure(None, _cut(up, every, [0]), int(below)),
            Enclosure(None, _cut(up, every, range(1, terms + 1)), int(below)),
        )


@dataclass(frozen=True)
class _System:
    m: Moments
    keep: tuple[int, ...]
    total: _Normal
    parts: list[_Normal]

    @classmethod
    def of(cls, m: Moments, balls: Sequence[arb_mat], keep: list[int]) -> _System:
        """Normal equations of the columns kept, together and by cluster."""
        near = list(balls) or [None] * len(m.cross)
        together = sum(balls[1:], balls[0]) if balls else None
        return cls(
            m,
            tuple(keep),
            _Normal.of(sum(m.cross[1:], m.cross[0]), together, keep),
            [_Normal.of(*pair, keep) for pair in zip(m.cross, near, strict=True)],
        )

    def unit(self, j: int) -> Fraction:
        """Factor that turns a coefficient on integer columns into the units of the data."""
        return Fraction(10) ** (self.m.scales[j] - self.m.scales[-1])


def _cut(matrix: Any, rows: Sequence[int], columns: Sequence[int]) -> Any:
    """Rows and columns of a matrix of either kind."""
    return type(matrix)(len(rows), len(columns), [matrix[i, j] for i in rows for j in columns])


def _diagonal(matrix: fmpz_mat) -> list[int]:
    return [int(matrix[j, j]) for j in range(matrix.ncols())]


def _column(matrix: fmpz_mat, denominator: int) -> list[Fraction]:
    return [Fraction(int(matrix[j, 0]), denominator) for j in range(matrix.nrows())]


def _shares(leverage: list[list[int]]) -> tuple[tuple[Fraction, ...], ...]:
    sums = [sum(column) for column in zip(*leverage, strict=True)]
    return tuple(tuple(Fraction(v, sums[j]) for j, v in enumerate(row)) for row in leverage)


def _rss(system: _System, beta: Enclosure) -> Fraction:
    """RSS = s − β′c, zero where a rounded denominator leaves nothing else.

    Raises
    ------
    Undecided
        Balls do not tell it from zero.
    """
    m, total = system.m, system.total
    fitted = int((beta.whole.transpose() * total.c)[0, 0])
    rss = Fraction(total.s * beta.below - fitted, beta.below * m.denominator)
    if total.balls and beta.balls is not None:
        _, c, s = total.balls
        near = s - (beta.balls.transpose() * c)[0, 0]
        if not m.exact and abs(near) * 2**_ZERO_BITS < s:
            return Fraction(0)
        if not known(near):
            raise Undecided
    elif not m.exact and abs(rss) * 2**_ZERO_BITS < Fraction(total.s, m.denominator):
        return Fraction(0)
    return rss


def _tell(system: _System, beta: Enclosure, rows: Enclosure, left: list[_Refit]) -> None:
    """Make sure of every zero that decides something: balls alone do not show it.

    That is whether a cluster has scores and leverage on a term at all, and whether a variance
    is zero. A single cluster's scores are.

    Raises
    ------
    Undecided
        Some number may or may not be zero.
    """
    if beta.balls is None or rows.balls is None:
        return
    across, influence = rows.balls.transpose(), []
    for part in system.parts:
        assert part.balls is not None
        a, c, _ = part.balls
        lever = across * a * rows.balls
        if not all(known(lever[j, j]) for j in range(system.m.terms)):
            raise Undecided
        if len(system.parts) > 1:
            u = c - a * beta.balls
            tell(u.entries())
            influence.append((across * u).entries())
    for j in range(system.m.terms):
        if influence:
            tell(row[j] for row in influence)
        tell(b - beta.balls[j, 0] for refit in left if (b := refit.balls[j]) is not None)


def _regular(a: fmpz_mat, exact: bool) -> bool:
    if exact:
        return bool(nmod_mat(a, _PRIME).rank() == a.nrows() or a.rank() == a.nrows())
    scale = math.prod(abs(int(a[j, j])) for j in range(a.ncols()))
    with ctx.workprec(PRECISION):
        near = abs(arb_mat(a).det()) * 2**_ZERO_BITS
        if near > scale or near < scale:
            return bool(near > scale)
    return abs(int(a.det())) << _ZERO_BITS > scale


@dataclass(frozen=True)
class _Plan:
    """Independent columns of a refit, and the reported terms they identify."""

    pivots: list[int]
    held: list[int]


@dataclass(frozen=True)
class _Refit:
    """β without a cluster (``None`` where lost), and columns of the inverse it rests on."""

    beta: list[Fraction | None]
    rows: fmpz_mat
    below: int
    balls: list[arb | None]


def _plan(m: Moments, keep: list[int], rest: fmpz_mat) -> _Plan:
    """What the other clusters identify, decided exactly; cross products without a cluster given."""
    a, width = _cut(rest, keep, keep), len(keep)
    live = [j for j in range(width) if a[j, j] != 0]  # a zero there is a column of zeros
    if live and _regular(_cut(a, live, live), m.exact):
        return _Plan(live, [j for j in live if j < m.terms])
    reduced, _, rank = a.rref()
    pivots = _pivots(reduced, rank, width)
    free = [k for k in range(width) if k not in pivots]
    held = [
        j
        for row, j in enumerate(pivots)
        if j < m.terms and not any(reduced[row, k] != 0 for k in free)
    ]
    return _Plan(pivots, held)


def _refit(rest: _Normal, plan: _Plan, terms: int) -> _Refit:
    """Solve on independent columns, for the coefficients these identify."""
    lost: list[Fraction | None] = [None] * terms
    near: list[arb | None] = [None] * terms
    rows = fmpz_mat(rest.a.nrows(), terms)
    if not plan.pivots:
        return _Refit(lost, rows, 1, near)
    places = {place: i for place, i in enumerate(plan.pivots) if i in plan.held}
    beta, inverse = rest.within(plan.pivots).solve(places, terms)
    for place, i in enumerate(plan.pivots):
        for j in range(terms):
            rows[i, j] = inverse.whole[place, j]
        if i in plan.held:
            lost[i] = Fraction(int(beta.whole[place, 0]), beta.below)
            near[i] = beta.balls[place, 0] if beta.balls is not None else None
    return _Refit(lost, rows, inverse.below, near)


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
    a = _cut(total, everything, everything)
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
