"""Linear mixed model by REML from exact moments: random columns by institution, shrunken effects.

With M_g the cross products of institution g over regressors and outcome, E its random columns and
Ψ = LL′ their covariance in units of the residual variance,

- X′V⁻¹X and so on are cut from R_g = M_g − M_gEL(I + L′E′M_gEL)⁻¹L′E′M_g,
- log det V_g = n_g log σ² + log det(I + L′E′M_gEL),

so that no row is read again while L is sought. σ² is profiled out. The moments are exact; columns
are centred and scaled while they still are, and become floats only then.
"""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from flint import fmpq, fmpq_mat, fmpz_mat
from scipy import optimize, special

from puhui.errors import FitError
from puhui.rates.columns import Source
from puhui.rates.design import gather, prepare
from puhui.rates.moments import Moments

Floats: TypeAlias = npt.NDArray[np.float64]
#: Where the search begins, as standard deviations of the random columns over the residual's.
_STARTS = (0.3, 2.0)
#: A covariance whose smallest eigenvalue is below this share of its largest is singular.
_SINGULAR = 1e-8
#: Statistics that differ by less count as ties, which the bootstrap counts against rejection.
_TIE = 1e-6
#: How far a search goes for a fit, and for a draw of the bootstrap.
_CLOSE: dict[str, float] = {"gtol": 1e-7}
_QUICK: dict[str, float] = {"gtol": 1e-3}


@dataclass(frozen=True)
class MixedFit:
    """A mixed model by REML, in the units of the data.

    Attributes
    ----------
    terms, beta, se
        Fixed effects and their errors given the variances (no small-sample correction).
    random, covariance
        Random columns and their covariance over the groups, row by row.
    residual_variance
        Variance of a row of precision one.
    log_likelihood
        Restricted log likelihood at the maximum, constants included.
    groups, rows, effects
        Groups, their rows, and their predicted deviations from ``beta`` by random column (BLUP).
    singular
        Whether the covariance has a direction without variance (the boundary).
    """

    terms: tuple[str, ...]
    beta: tuple[float, ...]
    se: tuple[float, ...]
    random: tuple[str, ...]
    covariance: tuple[tuple[float, ...], ...]
    residual_variance: float
    log_likelihood: float
    groups: tuple[str, ...]
    rows: tuple[int, ...]
    effects: tuple[tuple[float, ...], ...]
    singular: bool

    def coefficients(self, term: str) -> dict[str, float]:
        """Return the shrunken coefficient of a random column by group: fixed part plus BLUP."""
        own, common = self.random.index(term), self.beta[self.terms.index(term)]
        return {g: common + e[own] for g, e in zip(self.groups, self.effects, strict=True)}

    def variance(self, term: str) -> float:
        """Return the variance of a random column's coefficient between groups."""
        own = self.random.index(term)
        return self.covariance[own][own]


@dataclass(frozen=True)
class VarianceTest:
    """Restricted likelihood ratio that a random column has no variance.

    ``p`` is the share of bootstrap statistics at least as large, the sample's own counted, so
    at least 1 / (draws + 1); ``with_term`` and ``without_term`` are the two fits.
    """

    term: str
    statistic: float
    p: float
    draws: int
    with_term: MixedFit
    without_term: MixedFit


@dataclass(frozen=True)
class MixedModel:
    """Moments of a mixed model, standardised, ready to be fitted; made by :func:`model`."""

    moments: Moments
    random: tuple[int, ...]
    log_precision: float

    def fit(self) -> MixedFit:
        """Maximise the restricted likelihood.

        Raises
        ------
        FitError
            Perfect fit: without residual variance there is nothing to shrink by.
        """
        return self._told(self._criterion.best(), self._criterion)

    def test(self, term: str, *, draws: int = 499, seed: str = "puhui.rates.mixed") -> VarianceTest:
        """Test by parametric bootstrap that a random column has no variance.

        Outcomes are drawn from the model without it, as moments: X′We given M_g is normal and
        what is left of e′We is χ², so rows are needed no more than for the fit. The statistic
        depends on neither β nor σ², which are set to 0 and 1.

        Parameters
        ----------
        term
            A random column; at least one other must remain.
        draws, seed
            Bootstrap draws; the same text gives the same draws on every machine.
        """
        names = [self.moments.names[j] for j in self.random]
        if term not in names or len(names) < 2 or draws < 1:
            raise FitError(
                f"“{term}”不是可以去掉的随机列。", remedy=f"随机列：{'、'.join(names)}。"
            )
        fewer = tuple(j for j in self.random if self.moments.names[j] != term)
        wide, narrow = self._criterion, _Criterion(self._standard, fewer, self._free, self._rows)
        null = narrow.best()
        seen = wide.best()
        observed = max(null.value - seen.value, 0.0)
        at_least = 1
        for outcome in _outcomes(self._standard, self._rows, fewer, null.root, draws, seed):
            drawn = _gain(wide.over(outcome), narrow.over(outcome), null.root)
            at_least += drawn >= observed - _TIE
        return VarianceTest(
            term,
            observed,
            at_least / (draws + 1),
            draws,
            self._told(seen, wide),
            self._told(null, narrow),
        )

    @property
    def _free(self) -> int:
        """Rows that are left after the fixed effects."""
        return sum(self.moments.rows) - self.moments.terms

    @property
    def _rows(self) -> Floats:
        return np.array(self.moments.rows, dtype=np.float64)

    @cached_property
    def _change(self) -> list[list[Fraction]]:
        return _standardising(self.moments, self.random)

    @cached_property
    def _standard(self) -> Floats:
        return _congruent(self.moments, self._change)

    @cached_property
    def _criterion(self) -> _Criterion:
        return _Criterion(self._standard, self.random, self._free, self._rows)

    def _told(self, found: _Point, criterion: _Criterion) -> MixedFit:
        """Turn a point of the standardised problem back into the units of the data."""
        m, last = self.moments, self.moments.terms
        change = np.array([[float(v) for v in row] for row in self._change])
        unit, shift = change[last, last], change[:last, last]
        fixed, own = change[:last, :last], change[np.ix_(criterion.random, criterion.random)]
        sigma2 = found.rss / criterion.free / unit**2
        psi = own @ found.root @ found.root.T @ own.T * sigma2
        spread = fixed @ np.linalg.inv(found.normal) @ fixed.T * sigma2
        effects = found.scores @ (found.root @ found.root.T) @ own.T / unit
        width = np.linalg.slogdet(fixed)[1]
        likelihood = (
            criterion.free * (1 + math.log(2 * math.pi * sigma2))
            + found.log_det
            + np.linalg.slogdet(found.normal)[1]
            - 2 * width
            - self.log_precision
        )
        scaled = found.root @ found.root.T
        eigen = np.linalg.eigvalsh(scaled)
        return MixedFit(
            m.names[:last],
            tuple(float(v) for v in (fixed @ found.beta - shift) / unit),
            tuple(float(v) for v in np.sqrt(np.diag(spread))),
            tuple(m.names[j] for j in criterion.random),
            tuple(tuple(float(v) for v in row) for row in psi),
            float(sigma2),
            float(-likelihood / 2),
            m.groups,
            m.rows,
            tuple(tuple(float(v) for v in row) for row in effects),
            bool(eigen[0] <= _SINGULAR * max(float(eigen[-1]), 1.0)),
        )


def model(
    table: Source,
    y: str,
    x: Sequence[str],
    *,
    group: str,
    random: Sequence[str] = ("intercept",),
    precision: str | None = None,
) -> MixedModel:
    """Gather a mixed model with intercept: ``y`` on ``x``, some columns random by group.

    Parameters
    ----------
    table
        Arrow table, DataFrame, or path of a CSV or Parquet file. Decimal text is taken exactly.
    group
        Column whose values have effects of their own.
    random
        Random columns: ``intercept``, or names out of ``x``; their correlation is free.
    precision
        Column of known precisions: a row's residual variance is σ² over it. Rows of precision
        zero are dropped.

    Raises
    ------
    FitError
        A random column is not in the model, fewer than two groups or no rows left over, columns
        that depend on each other, or what :func:`puhui.rates.fit` says of a table.

    Examples
    --------
    >>> import pyarrow as pa
    >>> pairs = pa.table({"bank": ["a", "a", "b", "b"], "y": [1, 3, 5, 7]})
    >>> fitted = model(pairs, "y", [], group="bank").fit()
    >>> [round(v, 6) for v in (fitted.beta[0], fitted.residual_variance, fitted.covariance[0][0])]
    [4.0, 2.0, 7.0]
    """
    design = prepare(table, y, list(x), cluster=group, weights=precision, effects=())
    m = gather(design, intercept=True)
    chosen = tuple(dict.fromkeys(random))
    absent = [name for name in chosen if name not in m.names[: m.terms]]
    if absent or not chosen:
        raise FitError(
            f"随机列“{'”“'.join(absent)}”不在模型里。" if absent else "没有给出随机列。",
            remedy=f"可选：{'、'.join(m.names[: m.terms])}。",
        )
    if len(m.groups) < 2 or sum(m.rows) - m.terms < 1:
        raise FitError(
            f"只有{len(m.groups)}个组、{sum(m.rows)}行，不能估计组间方差。", remedy="至少两组。"
        )
    total = sum(m.cross[1:], m.cross[0])
    if fmpz_mat([[total[i, j] for j in range(m.terms)] for i in range(m.terms)]).det() == 0:
        raise FitError(f"列“{'”“'.join(m.names[: m.terms])}”线性相关，系数无法分开。")
    logs = 0.0
    if design.weight is not None:
        whole = (int(v) for v in design.weight.whole[design.kept])
        logs = math.fsum(math.log(v) - design.weight.scale * math.log(10) for v in whole)
        # Moments hold whole precisions; what they stand for is that over a power of ten.
        m = replace(m, denominator=m.denominator * 10**design.weight.scale)
    return MixedModel(m, tuple(m.names.index(c) for c in chosen), logs)


def _standardising(m: Moments, random: tuple[int, ...]) -> list[list[Fraction]]:
    """Return the matrix that centres and scales the columns (of z = Σ_j T_jk z_j), exact.

    A column is centred on the intercept where that leaves the model as it is: always a fixed
    one, a random one only beside a random intercept. Its scale is a nearby float.
    """
    size = m.terms + 1
    total = sum(m.cross[1:], m.cross[0])
    values = [[Fraction(int(total[i, j]), m.denominator) for j in range(size)] for i in range(size)]
    change = [[Fraction(int(i == j)) for j in range(size)] for i in range(size)]
    units = [Fraction(1, 10**s) for s in m.scales]
    for j in range(1, size):
        movable = j not in random or 0 in random
        centre = values[0][j] / values[0][0] if movable else Fraction(0)
        square = values[j][j] - 2 * centre * values[0][j] + centre**2 * values[0][0]
        mean_square = float(square / values[0][0] * units[j] ** 2)
        scale = Fraction(1 / math.sqrt(mean_square)) if mean_square > 0 else Fraction(1)
        change[j][j] = scale
        change[0][j] = -centre * units[j] * scale
    return change


def _congruent(m: Moments, change: list[list[Fraction]]) -> Floats:
    """T′M_gT in the units of the data, rounded to floats once; groups × columns × columns."""
    size = m.terms + 1
    step = [
        [change[i][j] / (10 ** m.scales[i] if i else 1) for j in range(size)] for i in range(size)
    ]
    t = fmpq_mat([[fmpq(v.numerator, v.denominator) for v in row] for row in step])
    found = []
    for cross in m.cross:
        moved = t.transpose() * fmpq_mat(cross) * t
        own = [[moved[i, j] for j in range(size)] for i in range(size)]
        found.append(
            [[float(Fraction(int(v.p), int(v.q)) / m.denominator) for v in r] for r in own]
        )
    return np.array(found, dtype=np.float64)


@dataclass(frozen=True)
class _Point:
    """The criterion at one L: its value, gradient and the parts a fit is told from."""

    root: Floats
    value: float
    slope: Floats
    beta: Floats
    rss: float
    normal: Floats  # X′V⁻¹X
    log_det: float
    scores: Floats  # Z′V⁻¹(y − Xβ) by group


@dataclass(frozen=True)
class _Criterion:
    """Minus twice the restricted log likelihood over L, but for constants; σ² profiled out."""

    m: Floats
    random: tuple[int, ...]
    free: int
    rows: Floats

    def over(self, outcome: tuple[Floats, Floats]) -> _Criterion:
        """Return the same design with another outcome: its products with x, and its square."""
        m = self.m.copy()
        m[:, :-1, -1] = m[:, -1, :-1] = outcome[0]
        m[:, -1, -1] = outcome[1]
        return _Criterion(m, self.random, self.free, self.rows)

    def at(self, root: Floats) -> _Point:
        m, own = self.m, list(self.random)
        b = m[:, :, own] @ root
        h = np.eye(len(own)) + root.T @ b[:, own, :]
        r = m - b @ np.linalg.solve(h, b.transpose(0, 2, 1))
        total = r.sum(axis=0)
        normal, joint = total[:-1, :-1], total[:-1, -1]
        inverse = np.linalg.inv(normal)
        beta = inverse @ joint
        rss = float(total[-1, -1] - joint @ beta)
        if not rss > 0:
            raise FitError("残差为零，不能估计组间方差。", remedy="请检查数据是否由公式生成。")
        log_det = float(np.linalg.slogdet(h)[1].sum())
        cross = r[:, own, :-1]
        scores = r[:, own, -1] - cross @ beta
        d = (
            r[:, own][:, :, own].sum(axis=0)
            - np.einsum("gix,xz,gjz->ij", cross, inverse, cross)
            - self.free / rss * scores.T @ scores
        )
        value = self.free * math.log(rss) + log_det + float(np.linalg.slogdet(normal)[1])
        return _Point(root, value, 2 * d @ root, beta, rss, normal, log_det, scores)

    def best(self) -> _Point:
        """Search closely from several starts; the faces without one random column are included."""
        q = len(self.random)
        found = [self.at(np.zeros((q, q)))]
        found += [self.from_(start * np.eye(q), _CLOSE) for start in _STARTS]
        if q > 1:
            found += [self.at(self.embedded(face.best(), face)) for face in self._faces()]
        return min(found, key=lambda p: p.value)

    def from_(self, start: Floats, options: dict[str, float]) -> _Point:
        """Search downhill from one L; LL′ does not know the signs of its columns: no bounds."""
        # BFGS, not L-BFGS-B, whose tiny LAPACK calls wake every thread and cost tenfold.
        q = len(self.random)
        places = np.tril_indices(q)
        ended = optimize.minimize(
            self._valued,
            start[places],
            args=(places, q),
            jac=True,
            method="BFGS",
            options=options,
        )
        return self.at(_lower(ended.x, places, q))

    def embedded(self, point: _Point, face: _Criterion) -> Floats:
        """L of a model with fewer random columns, as one of this model."""
        kept = [self.random.index(j) for j in face.random]
        root = np.zeros((len(self.random), len(self.random)))
        root[np.ix_(kept, kept)] = point.root
        return root

    def _faces(self) -> list[_Criterion]:
        fewer = itertools.combinations(self.random, len(self.random) - 1)
        return [replace(self, random=kept) for kept in fewer]

    def _valued(self, x: Floats, places: Any, q: int) -> tuple[float, Floats]:
        point = self.at(_lower(x, places, q))
        return point.value, point.slope[places]


def _lower(x: Floats, places: Any, q: int) -> Floats:
    root = np.zeros((q, q))
    root[places] = x
    return root


def _gain(wide: _Criterion, narrow: _Criterion, start: Floats) -> float:
    """Return the likelihood ratio of one draw: the search with the column begins without it."""
    smaller = narrow.from_(np.maximum(np.abs(start), _STARTS[0] * np.eye(len(start))), _QUICK)
    begin = wide.embedded(smaller, narrow)
    begin[np.diag_indices_from(begin)] += _STARTS[0] * (begin.diagonal() == 0)
    return max(smaller.value - wide.from_(begin, _QUICK).value, 0.0)


def _outcomes(
    m: Floats, rows: Floats, random: tuple[int, ...], root: Floats, draws: int, seed: str
) -> Any:
    """Draw outcomes of the model without the tested column, as products with x and square."""
    groups, k = m.shape[0], m.shape[1] - 1
    x, own = m[:, :k, :k], list(random)
    value, vector = np.linalg.eigh(x)
    kept = value > 1e-12 * value[:, -1:]
    half = vector * np.sqrt(np.where(kept, value, 0.0))[:, None, :]
    left = rows - kept.sum(axis=1)
    u = _uniforms(seed, draws * groups * (len(own) + k + 1)).reshape(draws, groups, -1)
    normal = special.ndtri(u[:, :, :-1])
    rest = np.where(left > 0, special.chdtri(np.maximum(left, 1.0), u[:, :, -1]), 0.0)
    for n in range(draws):
        a = normal[n, :, : len(own)] @ root.T
        e = np.where(kept, normal[n, :, len(own) :], 0.0)
        noise = np.einsum("gij,gj->gi", half, e)  # X′We
        joint = np.einsum("gij,gj->gi", x[:, :, own], a) + noise
        square = (
            np.einsum("gi,gij,gj->g", a, x[:, own][:, :, own], a)
            + 2 * np.einsum("gi,gi->g", a, noise[:, own])
            + (e**2).sum(axis=1)
            + rest[n]
        )
        yield joint, square


def _uniforms(seed: str, n: int) -> Floats:
    """Uniform numbers inside (0, 1) from the raw words of a Philox stream keyed by a text."""
    key = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:16], "little")
    words: Any = np.random.Philox(key=key).random_raw(n)
    found: Floats = ((words >> np.uint64(11)).astype(np.float64) + 0.5) / 2.0**53
    return found
