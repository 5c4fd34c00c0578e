"""Slopes of institutions: by hand, by leave-one-out refits, on the ledger, and in words."""

from __future__ import annotations

import dataclasses
import datetime as dt
import doctest
import importlib.util
import math
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from scipy import stats

from puhui import results
from puhui.rates import IdentificationRules, PricingSpec
from puhui.rates.identify import Identification
from puhui.rates.month_means import MonthMean, Sums, by_month, month_means, month_sums
from puhui.rates.slopes import COVERAGE, MIN_REGIMES, Slope, compared, own_slopes, slopes

_place = Path(__file__).with_name("ledger_of_eight.py")
_found = importlib.util.spec_from_file_location("ledger_of_eight", _place)
assert _found is not None and _found.loader is not None
eight = importlib.util.module_from_spec(_found)
_found.loader.exec_module(eight)
METHODS = Path(__file__).parents[2] / "docs" / "methods"

RULES = IdentificationRules(
    min_regimes=2,
    min_regime_days=30,
    min_regime_loans=100,
    min_regime_institutions=5,
    max_single_move_share=Decimal(60),
    max_step_trend_r2=Decimal("0.9"),
    detectable_se_multiple=Decimal("2.8"),
)
SPEC = PricingSpec(
    quarter="2021Q4",
    label="LPR",
    window_from=eight.FIRST,
    window_to=eight.LAST,
    where="in_scope_at_drawdown",
    effects=("product", "term_band", "guarantee", "kind", "size"),
    rules=RULES,
    path=eight.path_table(),
)
WEAK = Identification("weak", "识别弱。", (), None, None, ())
#: The real path's moves within the ledger's window.
MOVES = tuple(dt.date.fromisoformat(d) for d in ("2019-11-20", "2020-02-20", "2020-04-20"))


def sums(text: str, institution: str = "甲") -> list[Sums]:
    """Rows of cell, regime (also the month), benchmark, loans, mean rate."""
    rows = [line.split() for line in text.strip().splitlines()]
    return [
        Sums(institution, f, int(r), int(r), round(float(b) * 10**6), int(n),
             int(n) * round(float(y) * 10**6))
        for f, r, b, n, y in rows
    ]  # fmt: skip


FIVE = """
f 0 4.2 3 5.20
f 1 4.1 2 5.14
f 2 4.0 4 5.12
f 3 3.9 1 5.00
f 4 3.8 2 5.01
g 0 4.2 1 6.10
g 4 3.8 5 5.95
h 2 4.0 9 9.99
"""


def by_refits(text: str) -> tuple[float, float]:
    """Slope and leave-one-regime-out error by weighted dummies regressions."""
    rows = pd.DataFrame([r.split() for r in text.strip().splitlines()], columns=list("frbny"))
    rows = rows.astype({"b": float, "n": float, "y": float})

    def fitted(part: pd.DataFrame) -> float:
        return float(smf.wls("y ~ b + C(f)", part, weights=part.n).fit().params["b"])

    whole, regimes = fitted(rows), sorted(set(rows.r))
    squares = [(fitted(rows[rows.r != r]) - whole) ** 2 for r in regimes]
    m = len(regimes)
    return whole, math.sqrt((m - 1) / m * sum(squares))


def test_a_slope_and_its_interval_are_those_of_refits_without_each_regime():
    found = own_slopes(sums(FIVE))[0]
    slope, error = by_refits(FIVE)
    assert found.own == pytest.approx(slope, rel=1e-12)
    assert found.error == pytest.approx(error, rel=1e-10)
    reach = stats.t.ppf(0.975, 3) * error
    assert (found.low, found.high) == (
        pytest.approx(slope - reach, rel=1e-10),
        pytest.approx(slope + reach, rel=1e-10),
    )
    # Cell h saw one value of the benchmark: its nine loans say nothing of the slope.
    assert (found.loans, found.regimes, found.reason) == (18, 5, "")


def test_under_five_regimes_there_is_a_point_and_no_interval():
    four = "\n".join(line for line in FIVE.strip().splitlines() if " 3 3.9 " not in line)
    found = own_slopes(sums(four))[0]
    assert found.own == pytest.approx(by_refits(four)[0], rel=1e-12)
    assert (found.error, found.low, found.high) == (None, None, None)
    assert found.reason == "只见到4个基准不变期，少于5个，不列区间"


def test_a_regime_that_carries_the_whole_slope_leaves_no_interval():
    text = "\n".join(f"c{r} {r} 4.0 2 5\nc{r} 9 3.8 1 4.9" for r in range(5))
    found = own_slopes(sums(text))[0]
    assert found.own == pytest.approx(0.5)
    assert found.regimes == 6
    assert found.low is None
    assert found.reason.startswith("去掉其中一个基准不变期后斜率无法估计")


def test_a_benchmark_that_stands_still_has_no_slope():
    found = own_slopes(sums("f 0 3.85 5 5.1\nf 1 3.85 4 5.2\ng 2 4.05 1 5.0"))[0]
    assert (found.own, found.loans) == (None, 0)
    assert "没有斜率" in found.reason


def test_means_at_constant_mix_are_the_month_effects_of_a_dummy_regression():
    rng = np.random.default_rng(3)
    rows = [
        Sums("甲", f"c{f}", m, 0, int(rng.integers(38, 43)) * 10**5, n, int(rng.integers(4, 9)) * n)
        for f in range(4)
        for m in range(6)
        if (n := int(rng.integers(0, 6)))
    ]
    means = {m.month: m for m in month_means(rows).means}
    data = pd.DataFrame(
        [(s.cell, s.month, s.loans, s.rates / s.loans / 1e6, s.benchmark / 1e6) for s in rows],
        columns=["f", "m", "n", "y", "b"],
    )
    assert set(means) == set(data.m)
    total = data.groupby("m").n.sum()
    for column, name in (("y", "rate"), ("b", "benchmark")):
        fit = smf.wls(f"{column} ~ C(f) + C(m)", data, weights=data.n).fit()
        effect = pd.Series({m: fit.params.get(f"C(m)[T.{m}]", 0.0) for m in total.index})
        level = np.average(data[column], weights=data.n) - np.average(effect, weights=total)
        for month, value in (effect + level).items():
            assert float(getattr(means[month], name)) == pytest.approx(value, abs=1e-9)
            assert means[month].loans == total[month]


def test_months_that_no_cell_ties_to_the_others_are_left_out_and_counted():
    text = "a 0 4.0 3 5\na 1 3.9 3 5\nb 2 3.9 4 6\nc 2 3.9 1 6\nd 0 4.0 1 7"
    found = month_means(sums(text))
    assert [m.month for m in found.means] == [0, 1]
    assert found.left_out == {"甲": 5}


def test_sums_and_slopes_of_the_ledger_equal_a_regression_on_its_rows():
    rows = eight.ledger(loans=2500)
    with eight.engine_with(rows) as engine:
        found, moves = month_sums(engine, "loan_facts", SPEC)
    assert moves[:3] == MOVES and moves[-1] == dt.date(2021, 12, 20)
    assert sum(s.loans for s in found) == len(rows)
    data = pd.DataFrame(rows)
    keys = ["institution_id", "product", "term_band", "guarantee", "kind", "size"]
    data["cell"] = data[keys].agg("|".join, axis=1)
    data["x"], data["y"] = data.benchmark_rate.astype(float), data.rate_at_drawdown.astype(float)
    own = {s.institution: s for s in own_slopes(found)}
    for bank, part in data.groupby("institution_id"):
        fit = smf.ols("y ~ x + C(cell)", part).fit()
        assert own[bank].own == pytest.approx(fit.params["x"], rel=1e-9)
        regime = [sum(day >= d for d in moves) for day in part.drawn_on]
        held = part.assign(regime=regime).groupby("cell").x.transform("nunique") > 1
        assert own[bank].loans == int(held.sum())
        assert own[bank].regimes == part.assign(regime=regime)[held].regime.nunique()


def months(slope_sd: float, seed: int, banks: int = 8) -> list[MonthMean]:
    """Three years of months; benchmark in seven steps; shocks of 0.1 points."""
    rng = np.random.default_rng(seed)
    path = np.repeat([4.2, 4.1, 4.0, 3.8, 3.9, 3.7, 3.6], 6)[:36]
    found = []
    for g in range(banks):
        level, slope = rng.normal(1, 0.4), 0.6 + slope_sd * rng.normal()
        for m, x in enumerate(path):
            n = int(rng.integers(3, 60))
            rate = level + slope * x + rng.normal(0, 0.1) + rng.normal(0, 0.3) / math.sqrt(n)
            found.append(MonthMean(f"B{g}", m, n, Decimal(f"{rate:.9f}"), Decimal(f"{x:.1f}")))
    return found


def points(means: list[MonthMean]) -> list[Slope]:
    """Own slopes of months taken as one cell."""
    return list(
        own_slopes(
            [
                Sums(m.institution, "c", m.month, m.month // 6, int(m.benchmark * 10**6), m.loans,
                     m.loans * int(m.rate * 10**6))
                for m in means
            ]
        )
    )  # fmt: skip


def test_differing_slopes_are_said_to_differ():
    means = months(0.5, 1)
    found = compared(points(means), means, draws=39)
    assert found.test is not None and found.test.p == 1 / 40
    assert found.sentences[0].startswith("各机构的斜率有差异")
    assert found.common is not None and found.spread is not None
    assert all(r.shrunken == pytest.approx(r.own, abs=0.15) for r in found.rows)
    assert 0.15 < found.spread < 1.2
    # A month's shock is 0.1; a loan's own variance nine times a shock's.
    assert found.shock == pytest.approx(0.1, rel=0.25)
    assert found.loan_ratio is not None and 1 < found.loan_ratio < 60


def test_no_evidence_of_difference_is_an_answer():
    means = months(0.0, 5)
    found = compared(points(means), means, draws=39)
    assert found.test is not None and found.test.p > 0.05
    assert found.sentences[0].startswith("没有证据表明各机构的斜率不同")
    assert COVERAGE in found.sentences
    own = np.std([r.own for r in found.rows if r.own is not None])
    shrunken = np.std([r.shrunken for r in found.rows if r.shrunken is not None])
    assert shrunken < 0.6 * own


def test_equal_months_are_mixedlm_with_plain_rows():
    """With the ratio at nothing the fixed slope is that of MixedLM on the months."""
    means = [dataclasses.replace(m, loans=10) for m in months(0.5, 2)]
    found = compared(points(means), means, draws=1)
    data = pd.DataFrame([(m.institution, float(m.benchmark), float(m.rate)) for m in means],
                        columns=["g", "x", "y"])  # fmt: skip
    data["x"] -= 4
    fit = sm.MixedLM.from_formula("y ~ x", data, groups="g", re_formula="1 + x").fit(reml=True)
    assert found.common == pytest.approx(fit.fe_params["x"], rel=1e-4)
    assert found.spread == pytest.approx(math.sqrt(fit.cov_re.loc["x", "x"]), rel=1e-3)


def test_under_five_institutions_there_are_points_and_a_sentence():
    means = months(0.5, 1, banks=4)
    found = compared(points(means), means, draws=9)
    assert (found.common, found.test) == (None, None)
    assert [r.shrunken for r in found.rows] == [None] * 4
    assert all(r.low is not None for r in found.rows)
    assert "有斜率的机构只有4家，少于5家" in found.sentences[0]


def test_an_unidentified_window_has_no_slope():
    with eight.engine_with(eight.ledger(loans=200)) as engine:
        none = dataclasses.replace(WEAK, outcome="none", sentence="不能识别。")
        found = slopes(by_month(engine, "loan_facts", SPEC), none)
    assert (found.rows, found.common, found.sentences) == ((), None, ("不能识别。",))


def test_the_ledger_of_eight_whose_slopes_are_equal():
    with eight.engine_with(eight.ledger(loans=3000)) as engine:
        found = slopes(by_month(engine, "loan_facts", SPEC), WEAK, draws=19)
    assert len(found.rows) == 8
    assert all(r.regimes == MIN_REGIMES and r.low is not None for r in found.rows)
    assert found.common is not None and found.common_error is not None
    assert "是与基准的同向变动，不是传导" in "".join(found.sentences)


def test_result_rows_hold_every_slope_and_the_county():
    means = months(0.5, 1)
    found = compared(points(means), means, left_out={"B3": 7}, draws=39)
    *own, county = results.from_rows("slopes", found.result_rows("2021Q4")).to_pylist()
    assert [r["institution_id"] for r in own] == [f"B{g}" for g in range(8)]
    for row, slope in zip(own, found.rows, strict=True):
        figures = (slope.own, slope.error, slope.low, slope.high, slope.shrunken)
        kept = tuple(row[k] for k in ("estimate", "se", "ci_low", "ci_high", "shrunken"))
        assert kept == pytest.approx(figures, rel=1e-11)
        assert row["left_out"] == (7 if slope.institution == "B3" else 0)
    assert found.test is not None
    assert county["institution_id"] is None and county["reason"] is None
    assert county["estimate"] == pytest.approx(found.common, rel=1e-11)
    assert (county["p_equal"], county["draws"]) == (1 / 40, 39)
    assert county["loans"] == sum(m.loans for m in means)


def test_result_rows_without_a_model_say_why():
    means = months(0.5, 1, banks=4)
    found = compared(points(means), means, draws=9)
    county = results.from_rows("slopes", found.result_rows("2021Q4")).to_pylist()[-1]
    assert (county["estimate"], county["p_equal"]) == (None, None)
    assert county["reason"] == found.sentences[0]


@pytest.mark.parametrize(
    "page", ["institution-slopes.md", "mixed-model.md", "dynamic.md", "filed-spreads.md"]
)
def test_examples_of_the_methods_run(page, monkeypatch):
    monkeypatch.chdir(METHODS.parents[1])
    failed, tried = doctest.testfile(str(METHODS / page), module_relative=False)
    assert tried > 0
    assert failed == 0
