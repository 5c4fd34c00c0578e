"""Grunfeld by pyfixest and by wildboottest, installed by `make compare`."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from puhui.rates import fit
from rates.refits_by_rows import signs

pytestmark = pytest.mark.compare
X = ["value", "capital"]


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    d = sm.datasets.grunfeld.load_pandas().data
    d = d[d.firm != "American Steel"].reset_index(drop=True)
    return d.assign(g=pd.factorize(d.firm, sort=True)[0])


def test_crv1_equals_pyfixest_with_nested_effects_absorbed(data: pd.DataFrame) -> None:
    import pyfixest

    theirs = pyfixest.feols("invest ~ value + capital | firm", data, vcov={"CRV1": "firm"})
    ours = fit(data, "invest", X, cluster="firm", absorb=["firm"])
    assert ours.beta == pytest.approx(list(theirs.coef()[X]), rel=1e-10)
    assert ours.se_crv1 == pytest.approx(list(theirs.se()[X]), rel=1e-10)


@pytest.mark.parametrize("effects", [False, True])
@pytest.mark.parametrize("name", X)
def test_classic_bootstrap_is_wildboottests_but_for_its_ties(
    data: pd.DataFrame, name: str, effects: bool
) -> None:
    """It counts |t*| > |t|, so which of the tied draws it counts is left to rounding."""
    from wildboottest.wildboottest import WildboottestCL

    ours = fit(data, "invest", X, cluster="firm", absorb=["firm"] if effects else [])
    rest = pd.get_dummies(data.firm).to_numpy(float) if effects else np.ones((len(data), 1))
    design = np.column_stack([data[X], rest])
    which = np.zeros(design.shape[1])
    which[X.index(name)] = 1
    theirs = WildboottestCL(
        X=design, Y=data.invest.to_numpy(), cluster=data.g, R=which, B=9999, parallel=False
    )
    theirs.get_scores(bootstrap_type="11", impose_null=True)
    theirs.get_weights(weights_type="rademacher")
    for step in (theirs.get_numer, theirs.get_denom, theirs.get_tboot, theirs.get_vcov,
                 theirs.get_tstat, theirs.get_pvalue):  # fmt: skip
        step()
    t, drawn = abs(float(np.squeeze(theirs.t_stat))), np.abs(np.asarray(theirs.t_boot))
    weights = np.asarray(theirs.v)
    assert {tuple(v) for v in weights.T} == {tuple(v) for v in signs(10).T}
    tied = np.abs(drawn - t) <= 1e-9 * t
    beyond = drawn > t * (1 + 1e-9)
    listed = sorted(tuple(int(s) for s in v) for v in weights[:, tied].T)
    print(name, "effects" if effects else "pooled", "tied:", listed)
    assert (1,) * 10 in listed and (-1,) * 10 in listed
    p = ours.p_boot_classic[ours.terms.index(name)]
    assert p * len(drawn) == (tied | beyond).sum()
    counted = (drawn[tied] > t).sum()
    assert (p - float(theirs.pvalue)) * len(drawn) == pytest.approx(tied.sum() - counted)
