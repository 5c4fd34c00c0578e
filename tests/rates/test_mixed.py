"""Mixed models from moments: statsmodels' MixedLM, the definition on the rows, the bootstrap."""

from __future__ import annotations

import functools
import math
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats
from statsmodels.regression.mixed_linear_model import MixedLMParams

from puhui.errors import FitError
from puhui.rates.mixed import MixedFit, _outcomes, model


@functools.cache
def grunfeld() -> pd.DataFrame:
    """Ten firms, in units in which MixedLM converges."""
    data = sm.datasets.grunfeld.load_pandas().data
    kept = data[data.firm != "American Steel"].reset_index(drop=True)
    for name in ("invest", "value", "capital"):
        kept[name] = (kept[name] / 1000).round(6)
    return kept


def panel(seed: int, *, slope_sd: float = 0.5, groups: int = 15, mean: float = 0.0) -> pd.DataFrame:
    """Institutions of 8 to 30 months, with intercepts and slopes of their own."""
    rng = np.random.default_rng(seed)
    rows = []
    for g in range(groups):
        n = int(rng.integers(8, 31))
        a, b = rng.normal(0, 0.8), 0.6 + slope_sd * rng.normal()
        x = rng.normal(mean, 1, n)
        y = 1 + a + b * x + rng.normal(0, 0.5, n)
        rows += [(f"g{g:02d}", round(u, 6), round(v, 6)) for u, v in zip(x, y, strict=True)]
    return pd.DataFrame(rows, columns=["group", "x", "y"])


def by_statsmodels(y: Any, x: Any, z: Any, group: Any) -> Any:
    """MixedLM by REML, started again from where it stopped."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = sm.MixedLM(y, x, groups=group, exog_re=z)
        found = made.fit(reml=True, method="powell")
        for _ in range(3):
            start = MixedLMParams.from_components(found.fe_params, cov_re=found.cov_re)
            found = made.fit(reml=True, start_params=start, method="powell", xtol=1e-9, ftol=1e-13)
        return found


def five_digits(ours: MixedFit, theirs: Any) -> None:
    """Estimates, variances, likelihood and predicted effects agree to five digits."""
    close = functools.partial(pytest.approx, rel=1e-5, abs=1e-7)
    assert list(ours.beta) == close(list(theirs.fe_params))
    assert np.array(ours.covariance).ravel() == close(np.asarray(theirs.cov_re).ravel())
    assert ours.residual_variance == close(float(theirs.scale))
    assert ours.log_likelihood == pytest.approx(float(theirs.llf), abs=1e-6)
    for group, effect in zip(ours.groups, ours.effects, strict=True):
        wanted = np.asarray(theirs.random_effects[group])
        assert list(effect) == pytest.approx(list(wanted), rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("random", [("intercept",), ("intercept", "value")])
def test_grunfeld_equals_mixedlm(random):
    data = grunfeld()
    x = sm.add_constant(data[["value", "capital"]])
    z = np.column_stack([np.ones(len(data)), *(data[r] for r in random[1:])])
    theirs = by_statsmodels(data.invest, x, z, data.firm)
    ours = model(data, "invest", ["value", "capital"], group="firm", random=random).fit()
    assert ours.log_likelihood >= float(theirs.llf) - 1e-9
    five_digits(ours, theirs)


@pytest.mark.parametrize("seed", [1, 2, 3, 4, 5])
def test_generated_panels_equal_mixedlm(seed):
    data = panel(seed)
    x = sm.add_constant(data[["x"]])
    theirs = by_statsmodels(data.y, x, x.to_numpy(), data.group)
    ours = model(data, "y", ["x"], group="group", random=("intercept", "x")).fit()
    assert not ours.singular
    five_digits(ours, theirs)


@pytest.mark.parametrize("seed", [1, 2])
def test_precisions_equal_mixedlm_on_rows_times_their_root(seed):
    data = panel(seed)
    data["w"] = np.random.default_rng(seed).integers(1, 40, len(data)) / 8
    root = np.sqrt(data.w.to_numpy())
    x = np.column_stack([root, root * data.x])
    theirs = by_statsmodels(root * data.y.to_numpy(), x, x, data.group)
    ours = model(data, "y", ["x"], group="group", random=("intercept", "x"), precision="w").fit()
    assert list(ours.beta) == pytest.approx(list(theirs.fe_params), rel=1e-5)
    assert np.array(ours.covariance) == pytest.approx(np.asarray(theirs.cov_re), rel=1e-5)
    assert ours.residual_variance == pytest.approx(float(theirs.scale), rel=1e-5)
    moved = float(theirs.llf) + math.fsum(np.log(data.w)) / 2
    assert ours.log_likelihood == pytest.approx(moved, abs=1e-6)


def test_a_slope_variance_of_nothing_is_least_squares():
    """Slopes alone random, and less spread than noise would bring: the estimate is zero."""
    data = panel(106, slope_sd=0.0, groups=6)
    data["y"] -= data.groupby("group").y.transform("mean")
    ours = model(data, "y", ["x"], group="group", random=("x",)).fit()
    assert ours.singular
    assert ours.variance("x") == pytest.approx(0.0, abs=1e-9)
    assert len({round(v, 9) for v in ours.coefficients("x").values()}) == 1
    plain = sm.OLS(data.y, sm.add_constant(data[["x"]])).fit()
    assert list(ours.beta) == pytest.approx(list(plain.params), rel=1e-8, abs=1e-12)
    assert list(ours.se) == pytest.approx(list(plain.bse), rel=1e-8)
    assert ours.residual_variance == pytest.approx(plain.scale, rel=1e-9)


@pytest.mark.parametrize("seed", [101, 103])
def test_the_boundary_equals_mixedlm(seed):
    """Without slope differences the best covariance has no second direction."""
    data = panel(seed, slope_sd=0.0)
    ours = model(data, "y", ["x"], group="group", random=("intercept", "x")).fit()
    x = sm.add_constant(data[["x"]])
    theirs = by_statsmodels(data.y, x, x.to_numpy(), data.group)
    assert ours.singular
    assert ours.log_likelihood >= float(theirs.llf) - 1e-7
    assert ours.log_likelihood == pytest.approx(float(theirs.llf), abs=1e-4)
    assert list(ours.beta) == pytest.approx(list(theirs.fe_params), rel=1e-5)
    assert ours.residual_variance == pytest.approx(float(theirs.scale), rel=1e-5)
    assert ours.covariance[0][0] == pytest.approx(float(np.asarray(theirs.cov_re)[0, 0]), rel=1e-4)


def by_definition(data: pd.DataFrame, fit: MixedFit, psi: Any) -> tuple[float, Any, Any]:
    """REML likelihood, β and its errors from the rows' full covariance matrix."""
    x = sm.add_constant(data[["x"]]).to_numpy()
    same = data.group.to_numpy()[:, None] == data.group.to_numpy()[None, :]
    v = np.where(same, x @ psi @ x.T, 0.0) + fit.residual_variance * np.eye(len(x))
    inverse = np.linalg.inv(v)
    normal = x.T @ inverse @ x
    beta = np.linalg.solve(normal, x.T @ inverse @ data.y.to_numpy())
    left = data.y.to_numpy() - x @ beta
    total = (
        np.linalg.slogdet(v)[1]
        + np.linalg.slogdet(normal)[1]
        + left @ inverse @ left
        + (len(x) - 2) * math.log(2 * math.pi)
    )
    return -total / 2, beta, np.sqrt(np.diag(np.linalg.inv(normal)))


def test_likelihood_and_errors_are_those_of_the_definition_and_nothing_near_is_likelier():
    data = panel(7)
    fit = model(data, "y", ["x"], group="group", random=("intercept", "x")).fit()
    psi = np.array(fit.covariance)
    likelihood, beta, errors = by_definition(data, fit, psi)
    assert fit.log_likelihood == pytest.approx(likelihood, abs=1e-9)
    assert list(fit.beta) == pytest.approx(list(beta), rel=1e-10)
    assert list(fit.se) == pytest.approx(list(errors), rel=1e-10)
    for i, j, step in [(0, 0, 0.02), (0, 0, -0.02), (1, 1, 0.01), (1, 1, -0.01), (0, 1, 0.02)]:
        other = psi.copy()
        other[i, j] += step
        other[j, i] = other[i, j]
        assert by_definition(data, fit, other)[0] < likelihood


def test_adding_a_billion_to_a_regressor_changes_no_slope():
    plain = panel(3)
    text = plain.assign(x=[f"{v:.6f}" for v in plain.x], y=[f"{v:.6f}" for v in plain.y])
    moved = text.assign(x=[f"{10**9 + round(v * 10**6) / 10**6:.6f}" for v in plain.x])
    found = [
        model(d, "y", ["x"], group="group", random=("intercept", "x")).fit() for d in (text, moved)
    ]
    assert found[1].beta[1] == pytest.approx(found[0].beta[1], rel=1e-9)
    assert found[1].variance("x") == pytest.approx(found[0].variance("x"), rel=1e-6)
    pairs = zip(*(f.coefficients("x").values() for f in found), strict=True)
    assert all(b == pytest.approx(a, rel=1e-6) for a, b in pairs)


def test_outcomes_drawn_as_moments_have_the_moments_of_drawn_rows():
    data = panel(5, groups=6)
    made = model(data, "y", ["x"], group="group", random=("intercept", "x"))
    m, rows, draws = made._standard, made._rows, 4000
    root = np.array([[0.7]])
    found = list(_outcomes(m, rows, (0,), root, draws, "a seed"))
    joint = np.array([f[0] for f in found])
    square = np.array([f[1] for f in found])
    x = m[:, :-1, :-1]
    psi = root @ root.T
    # y = Za + e: X′y has variance X′ZΨZ′X + X′X, and y′y the mean tr(ZΨZ′) + n.
    wanted = x[:, :, [0]] @ psi @ x[:, [0], :] + x
    got = np.einsum("dgi,dgj->gij", joint, joint) / draws
    size = np.sqrt(np.einsum("gii,gjj->gij", wanted, wanted) * 2 / draws)
    assert np.all(np.abs(got - wanted) < 4.5 * size)
    mean = x[:, 0, 0] * psi[0, 0] + rows
    assert np.all(np.abs(square.mean(axis=0) - mean) < 4.5 * square.std(axis=0) / math.sqrt(draws))
    # The square of every draw is that of some rows: what x explains is never more than all.
    explained = np.einsum("dgi,gij,dgj->dg", joint, np.linalg.inv(x), joint)
    assert np.all(square >= explained - 1e-9)


def test_slopes_that_differ_are_found_and_p_is_never_nothing():
    made = model(panel(2), "y", ["x"], group="group", random=("intercept", "x"))
    found = made.test("x", draws=19)
    assert found.p == 1 / 20
    wide, narrow = found.with_term.log_likelihood, found.without_term.log_likelihood
    assert found.statistic == pytest.approx(2 * (wide - narrow), abs=1e-8)
    assert found.without_term.random == ("intercept",)


def test_equal_slopes_are_not_told_apart_and_the_same_seed_gives_the_same_p():
    data = panel(100, slope_sd=0.0)
    made = model(data, "y", ["x"], group="group", random=("intercept", "x"))
    first, again, third = (made.test("x", draws=39, seed=seed).p for seed in ("a", "a", "b"))
    assert first == again
    assert 0.05 < first <= 1
    assert abs(first - third) < 0.5


@pytest.mark.slow
def test_size_of_the_bootstrap_under_equal_slopes():
    """With 19 draws p ≤ k/20 has probability k/20: of 150 panels 7.5 ± 2.7 and 37.5 ± 5.3."""
    found = []
    for seed in range(150):
        data = panel(1000 + seed, slope_sd=0.0, groups=6)
        made = model(data, "y", ["x"], group="group", random=("intercept", "x"))
        found.append(made.test("x", draws=19, seed=str(seed)).p)
    for level in (0.05, 0.25):
        low, high = stats.binom.ppf([0.001, 0.999], len(found), level)
        assert 0 < low <= sum(p <= level + 1e-12 for p in found) <= high


def test_what_cannot_be_fitted_is_refused_with_names():
    data = panel(1)
    with pytest.raises(FitError, match="随机列“z”不在模型里"):
        model(data, "y", ["x"], group="group", random=("z",))
    with pytest.raises(FitError, match="只有1个组"):
        model(data[data.group == "g00"], "y", ["x"], group="group")
    with pytest.raises(FitError, match="“intercept”“x”“twice”线性相关"):
        model(data.assign(twice=2 * data.x), "y", ["x", "twice"], group="group")
    with pytest.raises(FitError, match="残差为零"):
        model(data.assign(y=3 * data.x), "y", ["x"], group="group").fit()
    with pytest.raises(FitError, match="不是可以去掉的随机列"):
        model(data, "y", ["x"], group="group").test("intercept")
