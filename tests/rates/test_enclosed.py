"""Long moments solved in balls: the same fit as in exact fractions, or exact after all."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from flint import arb, arb_mat, ctx, fmpq, fmpz_mat

from puhui.rates import Fit, fit
from puhui.rates.design import gather, prepare
from puhui.rates.enclosed import (
    KNOWN,
    PRECISION,
    Undecided,
    enclosed,
    shortened,
    tell,
)
from puhui.rates.solve import Solution, solve

CASES: dict[str, dict[str, object]] = {
    "bare": {},
    "cells": {"absorb": ["branch"]},
    "weighted": {"absorb": ["branch"], "weights": "amount"},
    "months": {"absorb": ["branch", "month"], "weights": "amount"},
    "lost": {"absorb": ["branch", "rare"], "weights": "amount"},
    "unclustered": {"absorb": ["branch"], "weights": "amount", "cluster": None},
    "two ways": {"absorb": ["branch"], "weights": "amount", "cluster2": "month"},
}


def loans(seed: int, *, noise: bool = True) -> pa.Table:
    """Twelve banks of four branches; bank 0 alone knows the level 7 of ``rare``."""
    rng = np.random.default_rng(seed)
    n = 900
    bank = rng.integers(0, 12, n)
    x, z = rng.integers(-3000, 3000, n), rng.integers(0, 10**6, n)
    y = 600 * x - 3 * z + 1000 * bank + (rng.integers(-(10**6), 10**6, n) if noise else 0)
    rare = rng.integers(0, 3, n)
    return pa.table(
        {
            "bank": bank,
            "branch": bank * 4 + rng.integers(0, 4, n),
            "month": rng.integers(0, 6, n),
            "rare": np.where((bank == 0) & (rare == 2), 7, rare),
            "x": x,
            "z": z,
            "y": y,
            "amount": rng.integers(1, 10**9, n),
        }
    )


def fitted(
    monkeypatch: pytest.MonkeyPatch, table: pa.Table, bits: float, options: dict[str, object]
) -> tuple[Fit, list[Solution]]:
    """A fit that takes integers of more than ``bits`` bits for long; and its solution."""
    seen: list[Solution] = []

    def solved(*given: object, **named: object) -> Solution:
        seen.append(solve(*given, **named))  # type: ignore[arg-type]
        return seen[-1]

    monkeypatch.setattr("puhui.rates.enclosed.LONG", bits)
    monkeypatch.setattr("puhui.rates.least_squares.solve", solved)
    return fit(table, "y", ["x", "z"], **{"cluster": "bank"} | options), seen  # type: ignore[arg-type]


@pytest.mark.parametrize("case", CASES)
def test_balls_and_fractions_give_the_same_bytes(
    monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    table = loans(1)
    near, (in_balls,) = fitted(monkeypatch, table, 0, CASES[case])
    exact, (in_fractions,) = fitted(monkeypatch, table, float("inf"), CASES[case])
    assert in_balls.exact is not None and in_balls.exact.balls is not None
    assert in_fractions.exact is not None and in_fractions.exact.balls is None
    assert repr(near) == repr(exact)
    for a, b in zip(in_balls.beta, in_fractions.beta, strict=True):
        assert abs(a - b) <= abs(b) / 2**KNOWN


def test_a_rounded_denominator_gives_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("puhui.rates.moments._EXACT_BITS", 64)
    near, (solution,) = fitted(monkeypatch, loans(3), 0, CASES["months"])
    assert solution.exact is not None and solution.exact.balls is not None
    assert repr(near) == repr(fitted(monkeypatch, loans(3), float("inf"), CASES["months"])[0])


def test_a_perfect_fit_is_left_to_fractions(monkeypatch: pytest.MonkeyPatch) -> None:
    found, (solution,) = fitted(monkeypatch, loans(4, noise=False), 0, CASES["weighted"])
    assert solution.rss == 0 and [float(b) for b in solution.beta] == [600.0, -3.0]
    assert solution.exact is not None and solution.exact.balls is None
    assert found.residual_sd == 0.0


def test_a_coefficient_that_is_zero_is_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every value of y once with x and once with −x: nothing is left for x."""
    half = loans(5)
    turned = half.set_column(4, "x", pa.array(-half["x"].to_numpy()))
    both = pa.concat_tables([half, turned])
    found, _ = fitted(monkeypatch, both, 0, {"weights": "amount"})
    assert found.beta[1] == 0.0


def test_a_cluster_of_zero_leverage_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """x stands still in banks 0 and 1 and is all there is: ten clusters, nine degrees."""
    table = loans(6)
    bank = table["bank"].to_numpy()
    table = table.set_column(4, "x", pa.array(np.where(bank < 2, 5, table["x"].to_numpy())))
    monkeypatch.setattr("puhui.rates.enclosed.LONG", 0)
    found = fit(table, "y", ["x"], cluster="bank", weights="amount", absorb=["branch"])
    assert found.df == [9]


def test_the_exact_solution_lies_in_the_balls() -> None:
    design = prepare(
        loans(7), "y", ["x", "z"], cluster="bank", weights="amount", effects=["branch"]
    )
    m = gather(design, intercept=False)
    with ctx.workprec(PRECISION):
        short, balls = shortened(m)
        for own, wide, near in zip(short.cross, m.cross, balls, strict=True):
            for v, w, ball in zip(own.entries(), wide.entries(), near.entries(), strict=True):
                true = Fraction(int(w), m.denominator) * short.denominator
                assert abs(true - int(v)) <= Fraction(1, 2)
                with ctx.workprec(4 * PRECISION):
                    assert ball.contains(arb(fmpq(true.numerator, true.denominator)))
        right = fmpz_mat(2, 1, [1, 7])
        a, total = balls[0], m.cross[0]
        part = arb_mat([[a[i, j] for j in range(2)] for i in range(2)])
        found = enclosed(part, arb_mat(right))
        exact = fmpz_mat([[total[i, j] for j in range(2)] for i in range(2)]).solve(right)
        for i in range(2):
            scaled = exact[i, 0] * m.denominator / short.denominator
            mid = fmpq(int(found.whole[i, 0]), found.below)
            assert abs(mid - scaled) <= abs(scaled) / fmpq(2**KNOWN)
            with ctx.workprec(4 * PRECISION):
                assert found.balls is not None and found.balls[i, 0].contains(arb(scaled))


def test_what_cannot_be_told_from_zero_is_not_decided() -> None:
    with ctx.workprec(PRECISION):
        tell([arb(0), arb(0)])
        tell([arb(0, 1), arb(3)])
        for values in ([arb(0, 1)], [arb(0), arb(0, 1e-300)], [arb(5, 1)]):
            with pytest.raises(Undecided):
                tell(values)
        singular = arb_mat(2, 2, [1, 1, 1, 1])
        with pytest.raises(Undecided):
            enclosed(singular, arb_mat(2, 1, [1, 0]))
        with pytest.raises(Undecided):
            enclosed(arb_mat(2, 2, [1, 0, 0, 1]) * arb(1, 1e-9), arb_mat(2, 1, [1, 1]))
