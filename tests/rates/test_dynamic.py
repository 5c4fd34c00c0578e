"""Dynamics: refused on short windows; known long runs; statsmodels with the plain lags."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

from puhui import results
from puhui.errors import FitError
from puhui.rates.dynamic import LAGS, LongRun, dynamics, error_correction, long_run_sum
from puhui.rates.month_means import MonthMean

LONG_RUN = 0.7


def path(rng: np.random.Generator, months: int, moves: int) -> np.ndarray:
    days = np.sort(rng.choice(np.arange(4, months - 4), moves, replace=False))
    steps = np.zeros(months)
    steps[days] = rng.choice([-0.2, -0.15, -0.1, 0.1, 0.25], moves)
    return np.round(4.2 + steps.cumsum(), 2)


def by_lags(seed: int, months: int = 60, moves: int = 12, noise: float = 0.03) -> list[MonthMean]:
    """Twelve institutions; half arrives at once, 0.15 and 0.05 in the two months after."""
    rng = np.random.default_rng(seed)
    x = path(rng, months, moves)
    found = []
    for g in range(12):
        own = x + rng.normal(0, 0.02, months).round(3)
        for m in range(2, months):
            y = 1 + g / 10 + 0.5 * own[m] + 0.15 * own[m - 1] + 0.05 * own[m - 2]
            found.append(mean(g, m, y + rng.normal(0, noise), own[m]))
    return found


def by_correction(seed: int, months: int = 90) -> list[MonthMean]:
    """Twelve institutions that close 40 % of the gap to 0.7 of the benchmark each month."""
    rng = np.random.default_rng(seed)
    x = path(rng, months, 14)
    found = []
    for g in range(12):
        own = x + rng.normal(0, 0.02, months).round(3)
        y = 1 + g / 10 + LONG_RUN * own[0]
        for m in range(1, months):
            gap = y - 1 - g / 10 - LONG_RUN * own[m - 1]
            y += -0.4 * gap + 0.3 * (own[m] - own[m - 1]) + rng.normal(0, 0.02)
            found.append(mean(g, m, y, own[m]))
    return found


def mean(g: int, m: int, rate: float, benchmark: float) -> MonthMean:
    return MonthMean(f"B{g:02d}", m, 10, Decimal(f"{rate:.9f}"), Decimal(f"{benchmark:.3f}"))


def frame(means: list[MonthMean], lags: int) -> pd.DataFrame:
    data = pd.DataFrame(
        [(m.institution, m.month, float(m.rate), float(m.benchmark)) for m in means],
        columns=["g", "m", "y", "x0"],
    ).sort_values(["g", "m"])
    for k in range(1, lags + 1):
        data[f"x{k}"] = data.groupby("g").x0.shift(k)
    data["y1"] = data.groupby("g").y.shift(1)
    return data.dropna()


def clustered(formula: str, data: pd.DataFrame) -> object:
    codes = data.g.astype("category").cat.codes
    return smf.ols(formula, data).fit(cov_type="cluster", cov_kwds={"groups": codes})


def nested(se: float, n: int, k: int, effects: int) -> float:
    """Count the institutions' dummies as one constant, where statsmodels counts each of them."""
    return se * np.sqrt((n - k - effects) / (n - k - 1))


def test_the_sum_of_lags_is_that_of_the_plain_lags_with_its_contrast():
    means = by_lags(1)
    ours = long_run_sum(means)
    names = [f"x{k}" for k in range(LAGS + 1)]
    data = frame(means, LAGS)
    theirs = clustered(f"y ~ {' + '.join(names)} + C(g)", data)
    test = theirs.t_test(" + ".join(names) + " = 0")  # type: ignore[attr-defined]
    assert ours.rows == len(data)
    assert ours.estimate == pytest.approx(float(test.effect[0]), rel=1e-8)
    assert ours.first == pytest.approx(theirs.params["x0"], rel=1e-7)  # type: ignore[attr-defined]
    wanted = nested(float(np.squeeze(test.sd)), len(data), LAGS + 1, 12)
    assert ours.se_crv1 == pytest.approx(wanted, rel=1e-8)


def test_the_delta_method_of_error_correction_is_that_of_the_full_covariance():
    means = by_correction(1)
    ours = error_correction(means)
    data = frame(means, 1)
    data["dy"], data["dx"] = data.y - data.y1, data.x0 - data.x1
    theirs = clustered("dy ~ y1 + x1 + dx + C(g)", data)
    params, covariance = theirs.params, theirs.cov_params()  # type: ignore[attr-defined]
    gamma, delta = params["y1"], params["x1"]
    own = covariance.loc[["y1", "x1"], ["y1", "x1"]].to_numpy()
    slope = np.array([delta / gamma**2, -1 / gamma])
    assert ours.estimate == pytest.approx(-delta / gamma, rel=1e-8)
    assert ours.speed == pytest.approx(-gamma, rel=1e-8)
    assert ours.first == pytest.approx(params["dx"], rel=1e-7)
    wanted = nested(float(np.sqrt(slope @ own @ slope)), len(data), 3, 12)
    assert ours.se_crv1 == pytest.approx(wanted, rel=1e-7)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(
    ("made", "estimate"), [(by_lags, long_run_sum), (by_correction, error_correction)]
)
def test_known_long_runs_lie_within_three_errors(made, estimate, seed):
    found: LongRun = estimate(made(seed))
    assert found.se_crv3 is not None
    assert 0 < found.se_crv3 < 0.1
    assert abs(found.estimate - LONG_RUN) < 3 * found.se_crv3


def test_without_noise_the_long_run_is_exact():
    found = long_run_sum(by_lags(4, noise=0.0))
    assert found.estimate == pytest.approx(LONG_RUN, abs=1e-6)
    assert found.first == pytest.approx(0.5, abs=1e-6)


@pytest.mark.parametrize(
    ("months", "moves", "said"),
    [
        (35, 6, "不作动态估计：可用月份只有35个，少于36个。"),
        (36, 5, "不作动态估计：基准调整只有5次，少于6次。"),
        (27, 4, "不作动态估计：可用月份只有27个，少于36个；基准调整只有4次，少于6次。"),
    ],
)
def test_a_short_window_has_a_sentence_and_no_number(months, moves, said):
    means = by_lags(1, months=months + 2, moves=4)
    found = dynamics(means, moves)
    assert (found.lags, found.correction, found.sentences) == (None, None, (said,))


def test_exactly_enough_months_and_moves_are_estimated():
    found = dynamics(by_lags(1, months=38, moves=6), 6)
    assert found.months == 36
    assert found.lags is not None and found.correction is not None
    assert found.sentences[0].startswith("滞后项之和：基准变动1个百分点")
    assert "误差修正式" in found.sentences[1]


def test_rates_that_do_not_return_have_no_long_run_but_a_sentence():
    means = [
        mean(g, m, (1.2**m + g) / 10, 4 + (m * m % 7) / 10) for g in range(6) for m in range(40)
    ]
    with pytest.raises(FitError, match="没有向基准回归"):
        error_correction(means)
    found = dynamics(means, 6)
    assert found.correction is None
    assert "误差修正式没有结果：利率没有向基准回归的趋势，没有长期系数。" in found.sentences


def test_months_with_gaps_are_left_out():
    means = [m for m in by_lags(1) if m.month % 4]
    with pytest.raises(FitError, match="没有连续的月份"):
        long_run_sum(means)


def test_result_rows_hold_both_equations_or_why_one_is_missing():
    found = dynamics(by_lags(1, months=38, moves=6), 6)
    lags, correction = results.from_rows(
        "mean_regressions", found.result_rows("2021Q4")
    ).to_pylist()
    assert found.lags is not None and found.correction is not None
    assert lags["estimate"] == pytest.approx(found.lags.estimate, rel=1e-11)
    assert correction["speed"] == pytest.approx(found.correction.speed, rel=1e-11)
    assert (lags["periods"], lags["moves"], lags["status"], lags["speed"]) == (36, 6, "ok", None)
    drifting = [
        mean(g, m, (1.2**m + g) / 10, 4 + (m * m % 7) / 10) for g in range(6) for m in range(40)
    ]
    one, other = dynamics(drifting, 6).result_rows("2021Q4")
    assert (one["status"], other["status"]) == ("ok", "none")
    assert str(other["reason"]).startswith("误差修正式没有结果")
    short = dynamics(by_lags(1, months=30, moves=6), 6).result_rows("2021Q4")
    assert [str(r["reason"])[:6] for r in short] == ["不作动态估计"] * 2
