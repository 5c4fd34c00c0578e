"""Grunfeld's ten firms: errors and bootstrap against statsmodels and against refits on rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from puhui.rates import Fit, fit
from rates.refits_by_rows import p_by_rows, refit, signs

X = ["value", "capital"]


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    d = sm.datasets.grunfeld.load_pandas().data
    d = d[d.firm != "American Steel"].reset_index(drop=True)
    assert len(d) == 200 and d.firm.nunique() == 10
    return d.assign(g=pd.factorize(d.firm, sort=True)[0], year=d.year.astype(int))


def dummies(d: pd.DataFrame) -> np.ndarray:
    return np.column_stack([d[X], pd.get_dummies(d.firm).to_numpy(float)])


def absorbed(d: pd.DataFrame, **options: object) -> Fit:
    return fit(d, "invest", X, cluster="firm", absorb=["firm"], **options)


def test_crv1_equals_statsmodels_with_dummies_on_both_sides(data: pd.DataFrame) -> None:
    ours = absorbed(data, count_absorbed=True)
    model = sm.OLS(data.invest.to_numpy(), dummies(data))
    theirs = model.fit(cov_type="cluster", cov_kwds={"groups": data.g})
    assert ours.beta == pytest.approx(list(theirs.params[:2]), rel=1e-10)
    assert ours.se_crv1 == pytest.approx(list(theirs.bse[:2]), rel=1e-10)
    as_columns = data.assign(**{f"f{i}": (data.g == i).astype(int) for i in range(1, 10)})
    wide = fit(as_columns, "invest", [*X, *(f"f{i}" for i in range(1, 10))], cluster="firm")
    assert wide.se_crv1[1:3] == pytest.approx(list(theirs.bse[:2]), rel=1e-10)


def test_two_way_equals_statsmodels(data: pd.DataFrame) -> None:
    groups = {"groups": data[["g", "year"]].to_numpy()}
    ours = fit(data, "invest", X, cluster="firm", cluster2="year")
    design = sm.add_constant(data[X])
    theirs = sm.OLS(data.invest, design).fit(cov_type="cluster", cov_kwds=groups)
    assert ours.se_crv1 == pytest.approx(list(theirs.bse), rel=1e-10)
    assert ours.df == [9, 9, 9]
    assert "只按“firm”聚类" in ours.reason
    ours = absorbed(data, cluster2="year", count_absorbed=True)
    theirs = sm.OLS(data.invest.to_numpy(), dummies(data)).fit(cov_type="cluster", cov_kwds=groups)
    assert ours.se_crv1 == pytest.approx(list(theirs.bse[:2]), rel=1e-10)


def test_crv3_equals_leave_one_firm_out_refits(data: pd.DataFrame) -> None:
    ours = absorbed(data)
    x, y = dummies(data), data.invest.to_numpy()
    full = refit(x, y)[:2]
    refits = [refit(x[data.g != g], y[data.g != g])[:2] for g in range(10)]
    expected = np.sqrt(9 / 10 * sum((b - full) ** 2 for b in refits))
    assert ours.se_crv3 == pytest.approx(list(expected), rel=1e-10)


@pytest.mark.parametrize("null", [0.0, 0.2])
def test_bootstrap_equals_its_definition_over_all_refits(data: pd.DataFrame, null: float) -> None:
    """All 2¹⁰ sign vectors, for each a refit on all rows and one without each firm."""
    ours = absorbed(data, h0=null)
    for j in range(2):
        expected = p_by_rows(
            dummies(data), data.invest.to_numpy(), data.g.to_numpy(), j, null, signs(10)
        )
        assert (ours.p_boot[j], ours.p_boot_classic[j]) == expected


def test_interval_ends_where_the_definition_rejects(data: pd.DataFrame) -> None:
    ours = absorbed(data)
    x, y, g = dummies(data), data.invest.to_numpy(), data.g.to_numpy()
    for j in range(2):
        for end, outward in zip(ours.ci[j], (-1, 1), strict=True):
            step = 1e-6 * ours.se_crv3[j] * outward
            assert p_by_rows(x, y, g, j, end - step, signs(10))[0] > 0.05
            assert p_by_rows(x, y, g, j, end + step, signs(10))[0] <= 0.05
