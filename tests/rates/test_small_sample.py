"""CR2, Bell–McCaffrey degrees of freedom and two-way errors against rows."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

from puhui.errors import FitError
from puhui.rates import design as design_room
from puhui.rates import fit
from puhui.rates.joint import joint
from puhui.rates.solve import solve
from rates.refits_by_rows import cr2_by_rows, refit


def panel(seed: int, clusters: int = 7, months: int = 5) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    g = np.repeat(np.arange(clusters), rng.integers(6, 15, clusters))
    n = len(g)
    d = pd.DataFrame({"g": g, "bank": [f"B{v}" for v in g], "month": rng.integers(0, months, n)})
    d["x"], d["z"] = rng.normal(size=n).round(4), rng.normal(size=n).round(4)
    d["w"] = rng.uniform(0.5, 9, n).round(2)
    d["y"] = (0.5 * d.x + rng.normal(size=clusters)[g] + rng.normal(size=n)).round(4)
    return d


def dummies(d: pd.DataFrame, name: str, first: int = 0) -> np.ndarray:
    return pd.get_dummies(d[name]).to_numpy(float)[:, first:]


@pytest.mark.parametrize("weights", [None, "w"])
@pytest.mark.parametrize("absorb", [[], ["bank"], ["month"], ["bank", "month"]])
def test_cr2_and_its_freedom_equal_their_definition_on_rows(
    weights: str | None, absorb: list[str]
) -> None:
    d = panel(1)
    f = fit(d, "y", ["x", "z"], cluster="bank", absorb=absorb, weights=weights)
    blocks = [dummies(d, name, int(i > 0)) for i, name in enumerate(absorb)]
    x = np.column_stack([d.x, d.z, *(blocks or [np.ones(len(d))])])
    w = d.w.to_numpy() if weights else np.ones(len(d))
    for name, column in (("x", 0), ("z", 1)):
        se, df = cr2_by_rows(x, d.y.to_numpy(), d.g.to_numpy(), column, w)
        j = f.terms.index(name)
        assert f.se_cr2[j] == pytest.approx(se, rel=1e-9)
        assert f.df_cr2[j] == pytest.approx(df, rel=1e-9)


def test_a_direction_one_cluster_carries_alone_is_left_out() -> None:
    d = panel(2).assign(own=lambda t: np.where(t.g == 3, t.z, 0.0))
    f = fit(d, "y", ["x", "own"], cluster="bank")
    x = np.column_stack([np.ones(len(d)), d.x, d.own])
    se, df = cr2_by_rows(x, d.y.to_numpy(), d.g.to_numpy(), 1, np.ones(len(d)))
    assert f.se_cr2[1] == pytest.approx(se, rel=1e-9)
    assert f.df_cr2[1] == pytest.approx(df, rel=1e-9)


def test_equal_clusters_have_the_textbook_freedom() -> None:
    """A mean of balanced clusters: G − 1 degrees of freedom, and CR2 is the error of means."""
    rng = np.random.default_rng(3)
    d = pd.DataFrame({"g": np.repeat(np.arange(8), 5), "y": rng.normal(size=40).round(6)})
    f = fit(d, "y", [], cluster="g")
    means = d.groupby("g").y.mean()
    assert f.df_cr2 == pytest.approx([7], rel=1e-11)
    assert f.se_cr2 == pytest.approx([means.std(ddof=1) / np.sqrt(8)], rel=1e-11)


def test_columns_far_from_zero_change_no_digit() -> None:
    d = panel(4)
    far = d.assign(x=[f"{v + 10**9:.4f}" for v in d.x])
    near = fit(d, "y", ["x", "z"], cluster="bank")
    moved = fit(far.assign(x=[str(1_000_000_000 + v) for v in map(_exact, d.x)]), "y", ["x", "z"],
                cluster="bank")  # fmt: skip
    assert moved.se_cr2[1:] == near.se_cr2[1:]
    assert moved.df_cr2[1:] == near.df_cr2[1:]
    assert moved.p_boot[1:] == near.p_boot[1:]


def _exact(value: float):
    from decimal import Decimal

    return Decimal(repr(float(value)))


# Two ways


@pytest.mark.parametrize("weights", [None, "w"])
@pytest.mark.parametrize("absorb", [[], ["bank"], ["month"], ["bank", "month"]])
def test_two_way_equals_statsmodels(weights: str | None, absorb: list[str]) -> None:
    d = panel(5, 9, 6)
    f = fit(d, "y", ["x", "z"], cluster="bank", cluster2="month", absorb=absorb,
            weights=weights, count_absorbed=True)  # fmt: skip
    blocks = [dummies(d, name, int(i > 0)) for i, name in enumerate(absorb)]
    x = np.column_stack([d.x, d.z, *(blocks or [np.ones(len(d))])])
    model = sm.WLS(d.y.to_numpy(), x, weights=d.w.to_numpy() if weights else 1.0)
    with np.errstate(invalid="ignore"):
        theirs = model.fit(
            cov_type="cluster", cov_kwds={"groups": d[["g", "month"]].to_numpy()}
        ).cov_params()
    for column, name in enumerate(("x", "z")):
        j, variance = f.terms.index(name), theirs[column, column]
        if variance < 0:
            assert f.se_crv1[j] is None and f"“{name}”的双向方差为负" in f.reason
        else:
            assert f.se_crv1[j] == pytest.approx(np.sqrt(variance), rel=1e-9)
    assert f.df[f.terms.index("x")] in (5, None)


def test_a_negative_two_way_variance_is_said() -> None:
    """Deviations of every pair sum to nothing by bank and by month."""
    d = pd.DataFrame(
        {
            "bank": [i // 12 for i in range(72)],
            "month": [i // 2 % 6 for i in range(72)],
            "y": [(-1) ** (i // 12 + i // 2) * 3 + (i % 2) for i in range(72)],
        }
    )
    f = fit(d, "y", [], cluster="bank", cluster2="month")
    assert f.se_crv1 == [None] and f.t == [None]
    assert "“intercept”的双向方差为负，没有 CRV1" in f.reason


def test_few_clusters_of_the_second_way_are_not_tested() -> None:
    f = fit(panel(6, 9, 3), "y", ["x"], cluster="bank", cluster2="month")
    assert f.p_crv1 == [None, None] and f.se_crv1[1] is not None
    assert "“month”只有 3 个聚类，少于 5 个，双向标准误不作检验" in f.reason
    assert f.p_boot[1] is not None


def test_second_way_needs_a_first() -> None:
    with pytest.raises(FitError, match="没有给第一个"):
        fit(panel(7), "y", ["x"], cluster2="bank")


# Joint test


def solution(d: pd.DataFrame, x: list[str]):
    columns = design_room.prepare(d, "y", x, cluster="bank", weights=None, effects=[])
    return solve(design_room.gather(columns, intercept=True), centred=True)


def test_joint_wald_equals_leave_one_out_refits() -> None:
    d = panel(8, 14)
    found = joint(solution(d, ["x", "z"]), ["x", "z"])
    x, y = np.column_stack([np.ones(len(d)), d.x, d.z]), d.y.to_numpy()
    full = refit(x, y)
    moved = np.array([refit(x[d.g != g], y[d.g != g]) - full for g in range(14)])[:, 1:]
    covariance = 13 / 14 * moved.T @ moved
    f = full[1:] @ np.linalg.solve(covariance, full[1:]) / 2
    assert found.f == pytest.approx(f, rel=1e-9) and found.df == (2, 13)
    assert found.p == pytest.approx(stats.f.sf(f, 2, 13), rel=1e-8)


def test_one_coefficient_jointly_is_its_squared_crv3_t() -> None:
    d = panel(9, 14)
    f = fit(d, "y", ["x"], cluster="bank", h0=0.25)
    found = joint(solution(d, ["x"]), ["x"], [Fraction(1, 4)])
    assert found.f == pytest.approx(((f.beta[1] - 0.25) / f.se_crv3[1]) ** 2, rel=1e-12)


def test_too_many_coefficients_for_the_clusters_are_refused() -> None:
    d = panel(10, 7)
    with pytest.raises(FitError, match="不作联合检验"):
        joint(solution(d, ["x", "z"]), ["intercept", "x", "z"])
    with pytest.raises(FitError, match="没有系数“v”"):
        joint(solution(d, ["x"]), ["v"])
