"""Rates that stand out: residuals, the empirical null, and the share of false ones."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from puhui.derive import loan_facts
from puhui.engine import DuckDBEngine
from puhui.errors import FitError
from puhui.quarter import Quarter
from puhui.rates import draw, spec_from
from puhui.rates.sample import drawn
from puhui.rates.unusual import (
    adjusted,
    fit_nulls,
    flagged,
    from_like,
    residuals,
    robust_scale,
    rows_of_sample,
    screen,
)
from vocabulary import County


@given(st.lists(st.floats(0, 1, allow_subnormal=False), min_size=1, max_size=60))  # of 53 bits
def test_adjusted_p_values_are_those_of_statsmodels(p):
    ours, theirs = adjusted(np.array(p)), multipletests(p, method="fdr_bh")[1]
    np.testing.assert_allclose(ours, theirs, rtol=1e-13, atol=0)


@pytest.mark.parametrize("share", [0.01, 0.05, 0.1, 0.3])
def test_the_same_are_rejected_as_by_statsmodels(share):
    rng = np.random.default_rng(5)
    p = np.concatenate([rng.random(900), rng.random(100) ** 6])
    assert ((adjusted(p) <= share) == multipletests(p, share, method="fdr_bh")[0]).all()


def crossed(seed=3, loans=400, bank=0):
    rng = np.random.default_rng(seed)
    cell, month = rng.integers(0, 9, loans), rng.integers(0, 7, loans)
    value = rng.normal(0, 1, 9)[cell] + rng.normal(0, 0.3, 7)[month] + rng.normal(0, 0.2, loans)
    return value, cell + 9 * bank, month + 7 * bank


def test_residuals_and_leverages_are_those_of_least_squares_with_dummies():
    value, cell, month = crossed()
    groups = np.zeros(len(value), dtype=np.int64)
    rest, leverage = from_like(value, cell, month, groups=groups)
    x = np.hstack([pd.get_dummies(cell), pd.get_dummies(month, drop_first=True)]).astype(float)
    influence = sm.OLS(value, x).fit().get_influence()
    np.testing.assert_allclose(leverage, influence.hat_matrix_diag, atol=1e-12)
    wanted = influence.resid / np.sqrt(1 - influence.hat_matrix_diag)
    np.testing.assert_allclose(rest, wanted, atol=1e-12)


def test_groups_do_not_touch_each_other():
    one, other = crossed(), crossed(seed=4, bank=1)
    both = [np.concatenate(pair) for pair in zip(one, other, strict=True)]
    groups = np.repeat([0, 1], len(one[0]))
    together = from_like(*both, groups=groups)
    alone = from_like(*one, groups=np.zeros(len(one[0]), dtype=np.int64))
    for found, expected in zip(together, alone, strict=True):
        np.testing.assert_allclose(found[: len(expected)], expected, atol=1e-12)


def test_one_mistyped_rate_does_not_make_its_neighbours_look_unusual():
    value, cell, month = crossed()
    groups = np.zeros(len(value), dtype=np.int64)
    before, _ = from_like(value, cell, month, groups=groups)
    spoilt = value.copy()
    spoilt[17] += 45  # 4.5 typed as 49.5
    after, leverage = from_like(spoilt, cell, month, groups=groups)
    others = np.arange(len(value)) != 17
    assert np.abs(after - before)[others].max() < 0.1  # a fiftieth of what it would be: below
    assert after[17] == pytest.approx(45, abs=0.7)
    assert leverage[17] == 0
    # Without the second fit each of some 45 neighbours in the cell would be moved by one point.
    assert 45 / (cell == cell[17]).sum() > 0.5


@pytest.mark.parametrize("df", [4, 8])
def test_the_null_is_found_from_the_middle_and_outliers_do_not_move_it(df):
    rng = np.random.default_rng(11)
    scores = {str(s): s * rng.standard_t(df, 30_000) + 0.1 for s in (0.5, 1.0)}
    clean = fit_nulls(scores)
    for name, null in clean.items():
        assert null.scale == pytest.approx(float(name), rel=0.03)
        assert null.loc == pytest.approx(0.1, abs=0.02)
        assert 1 / null.df == pytest.approx(1 / df, abs=0.06)
    for values in scores.values():
        values[values > 3] *= 10  # only what is far out anyway
    spoilt = fit_nulls(scores)
    assert spoilt == clean


def test_normal_noise_is_given_normal_tails():
    rng = np.random.default_rng(2)
    null = fit_nulls({"a": rng.standard_normal(30_000)})["a"]
    assert 1 / null.df < 0.05
    p = null.p_values(np.array([3.0, -3.0]))
    away = np.abs(np.array([3.0, -3.0]) - null.loc) / null.scale
    np.testing.assert_allclose(p, 2 * stats.t.sf(away, null.df), rtol=1e-12)


def test_no_group_no_null():
    assert fit_nulls({}) == {}


def table(groups: dict[str, np.ndarray], leverage: float = 0.1) -> pa.Table:
    names = [n for n, v in groups.items() for _ in v]
    values = np.concatenate(list(groups.values()))
    return pa.table(
        {
            "loan_id": [f"L{i}" for i in range(len(values))],
            "group": names,
            "residual": values,
            "leverage": np.full(len(values), leverage),
        }
    )


def normal(n: int, seed: int = 1) -> np.ndarray:
    """Quantiles of a normal in some order: nothing in it stands out."""
    quantiles = stats.norm.ppf((np.arange(n) + 0.5) / n)
    return 0.2 * np.random.default_rng(seed).permutation(quantiles)


def test_planted_rates_are_found_the_high_ones_first_and_nothing_else():
    values = normal(500)
    values[[3, 40, 77]] = [2.0, -3.0, 2.5]
    found = screen(table({"A": values, "B": normal(300, 2)}))
    assert [r["loan_id"] for r in flagged(found).to_pylist()] == ["L77", "L3", "L40"]
    assert found.table.column("loan_id").to_pylist()[:3] == ["L77", "L3", "L40"]
    assert (found.tested, found.flagged, found.untested) == (800, 3, {})
    assert set(found.nulls) == {"A", "B"}
    assert all(r["p_adjusted"] <= 0.1 for r in flagged(found).to_pylist())


def test_small_groups_leverage_and_groups_without_spread_are_counted_and_not_tested():
    alike = np.zeros(80)
    alike[:30] = normal(30)
    given = table({"A": normal(60), "small": normal(49), "alike": alike})
    leverage = given.column("leverage").to_numpy().copy()
    leverage[:5] = [1.0, 0.995, 0.99, 0.99, 0.5]
    given = given.set_column(3, "leverage", pa.array(leverage))
    found = screen(given)
    assert found.untested == {"leverage": 2, "small": 49, "no_scale": 80}
    assert found.tested == 58
    untold = [r for r in found.table.to_pylist() if r["untested"]]
    assert len(untold) == 131
    assert all(r["p"] is None and r["score"] is None and not r["flagged"] for r in untold)


@pytest.mark.parametrize(("loans", "tested"), [(49, 0), (50, 50)])
def test_a_group_needs_fifty_loans(loans, tested):
    assert screen(table({"A": normal(loans)})).tested == tested


def test_an_empty_table_has_nothing_for_review():
    found = screen(table({"A": normal(1)}).slice(0, 0))
    assert (found.tested, found.flagged, found.untested, found.nulls) == (0, 0, {}, {})


def test_the_robust_scale_is_that_of_statsmodels():
    values = normal(99)
    assert robust_scale(values)[1] == pytest.approx(sm.robust.mad(values, c=1 / 1.4826), rel=1e-14)


HEADER = "loan_id branch_id customer_id amount drawn_on matures_on rate_at_drawdown"


def lending(bank: int, level: float) -> str:
    noise = normal(240, bank) / 0.2
    lines = [HEADER]
    for i in range(240):
        rate = 3.85 + level + 0.1 * noise[i]
        month = 1 + i % 6
        lines.append(f"L{i} B1 K1 100 2021-{month:02d}-05 2022-{month:02d}-05 {rate:.2f}")
    lines.append(f"X B2 K1 100 2021-03-05 2022-03-05 {3.85 + level + 2:.2f}")
    return "\n".join(lines)


@pytest.fixture(scope="module")
def rows(tmp_path_factory) -> pa.Table:
    county = County(tmp_path_factory.mktemp("unusual"))
    for n, (bank, level) in enumerate({"HCNS0001": 3, "HCNS0002": 3, "HCDX0001": 0.5}.items()):
        county.with_loans("2021Q4", bank, lending(n, level))
    with DuckDBEngine([county.store.root]) as engine:
        loan_facts(engine, county.params, county.stored())
        spec = spec_from(county.params, Quarter.parse("2021Q4"))
        sample = draw(engine, "loan_facts", spec)
        found = rows_of_sample(engine, "loan_facts", spec, sample=sample)
        # The sample is read, not drawn anew: what follows may use it still.
        assert drawn(engine, "loan_facts", spec, sample) == sample
        assert rows_of_sample(engine, "loan_facts", spec).equals(found)
        return found


def test_rows_of_the_sample_carry_ids_cell_month_and_spread(rows):
    assert rows.num_rows == 723
    (odd,) = [
        r for r in rows.to_pylist() if (r["loan_id"], r["institution_id"]) == ("X", "HCDX0001")
    ]
    assert (odd["branch_id"], odd["month"], odd["rate"]) == ("B2", 2021 * 12 + 3, 6.35)
    assert odd["spread"] == 2.5
    assert odd["cell"].split("\x1f") == [
        "working_capital", "<=12", "guaranteed", "enterprise", "small",
    ]  # fmt: skip


def test_against_its_own_pricing_the_odd_loan_of_each_bank_is_found(rows):
    found = screen(residuals(rows))
    told = {(r["institution_id"], r["loan_id"]) for r in flagged(found).to_pylist()}
    assert told == {(bank, "X") for bank in ("HCNS0001", "HCNS0002", "HCDX0001")}
    assert set(found.nulls) == {"HCNS0001", "HCNS0002", "HCDX0001"}


def test_against_peers_a_bank_is_held_against_its_kind(rows):
    kinds = {"HCNS0001": "rural_commercial", "HCNS0002": "rural_commercial"}
    with_kinds = residuals(rows, "peers", kinds=kinds)
    groups = {r["institution_id"]: r["group"] for r in with_kinds.to_pylist()}
    assert groups == {**kinds, "HCDX0001": "HCDX0001"}
    told = {r["loan_id"] for r in flagged(screen(with_kinds)).to_pylist()}
    assert told == {"X"}
    assert set(residuals(rows, "peers").column("group").to_pylist()) == {""}


def test_what_is_compared_with_nothing_known_is_refused(rows):
    with pytest.raises(FitError, match="own或peers"):
        residuals(rows, "everyone")
