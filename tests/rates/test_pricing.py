"""Pricing equation on the ledger of eight: identification, rungs A to C, counts, words."""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import importlib.util
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from puhui import results
from puhui.errors import FitError
from puhui.rates import (
    IdentificationRules,
    Pricing,
    PricingSpec,
    draw,
    placing,
    price,
    spreads,
)

_place = Path(__file__).with_name("ledger_of_eight.py")
_found = importlib.util.spec_from_file_location("ledger_of_eight", _place)
assert _found is not None and _found.loader is not None
eight = importlib.util.module_from_spec(_found)
_found.loader.exec_module(eight)

RULES = IdentificationRules(
    min_regimes=2,
    min_regime_days=30,
    min_regime_loans=100,
    min_regime_institutions=5,
    max_single_move_share=Decimal(60),
    max_step_trend_r2=Decimal("0.9"),
    detectable_se_multiple=Decimal("2.8"),
)
EFFECTS = ("product", "term_band", "guarantee", "kind", "size")


def spec(start: str, end: str, **changes: object) -> PricingSpec:
    base = PricingSpec(
        quarter="2021Q4",
        label="LPR",
        window_from=dt.date.fromisoformat(start),
        window_to=dt.date.fromisoformat(end),
        where="in_scope_at_drawdown",
        effects=EFFECTS,
        rules=RULES,
        path=eight.path_table(),
        late_days=0,  # none of these loans names its day of pricing; see test_pass_through
    )
    return dataclasses.replace(base, **changes)  # type: ignore[arg-type]


ROWS = eight.ledger()


def priced(
    start: str, end: str, rows: list[dict[str, object]] = ROWS, **changes: object
) -> Pricing:
    with eight.engine_with(rows) as engine:
        return price(engine, "loan_facts", spec(start, end, **changes))


@functools.cache
def standard(start: str, end: str) -> Pricing:
    """The ledger as it is, priced once per window."""
    return priced(start, end)


def drawn(first: str, last: str, tenor: str) -> tuple[int, int]:
    """Loans and institutions of a tenor drawn between two dates, counted row by row."""
    a, b = dt.date.fromisoformat(first), dt.date.fromisoformat(last)
    own = [r for r in ROWS if a <= r["drawn_on"] <= b and r["benchmark_tenor"] == tenor]
    return len(own), len({r["institution_id"] for r in own})


@pytest.mark.parametrize(
    ("start", "end", "before", "days"),
    [
        ("2021-01-01", "2021-12-31", ("2021-01-01", "2021-12-19"), 353),
        ("2021-10-01", "2021-12-31", ("2021-10-01", "2021-12-19"), 80),
    ],
)
def test_2021_is_not_identified_with_dates_and_loans_per_regime(
    start: str, end: str, before: tuple[str, str], days: int
) -> None:
    p = standard(start, end)
    assert p.identification.outcome == "none" and p.rungs == ()
    n, banks = drawn(*before, "1y")
    late, late_banks = drawn("2021-12-20", "2021-12-31", "1y")
    assert n > 100 and 0 < late < 100
    for words in (
        f"{before[0]}至{before[1]}为3.85%（{days}天，{n}笔，{banks}家机构）",
        f"2021-12-20至2021-12-31为3.8%（12天，{late}笔，{late_banks}家机构）",
    ):
        assert words in p.identification.sentence


def test_inside_2021_lpr_stood_still() -> None:
    p = standard("2021-01-01", "2021-12-19")
    assert p.identification.outcome == "none" and p.rungs == ()
    one_year = [r for r in p.identification.regimes if r.benchmark == "lpr 1y"]
    assert [(r.rate, r.days, (r.loans, r.institutions)) for r in one_year] == [
        (Decimal("3.85"), 353, drawn("2021-01-01", "2021-12-19", "1y"))
    ]
    assert all(row["estimate"] is None for row in _table(p).to_pylist())
    assert {row["status"] for row in _table(p).to_pylist()} == {"none"}


def _table(p: Pricing):
    tables = {name: results.from_rows(name, rows) for name, rows in p.rows().items()}
    return tables["regressions"]


def test_two_years_are_weak_and_shown_as_co_movement() -> None:
    p = standard("2019-10-01", "2021-12-31")
    assert p.identification.outcome == "weak"
    assert {(r.model, r.weights): r.status for r in p.rungs} == dict.fromkeys(
        [(m, w) for m in "ABC" for w in ("none", "amount")], "weak"
    )
    for report in p.identification.rungs:
        assert report.move_date == dt.date(2020, 4, 20) and report.weak
    a = p.rung("A")
    assert a is not None and "与LPR的同向变动（非传导）" in a.reason
    text = "".join(p.sentences) + a.reason
    assert "2020-04-20" in text and "不是传导" in text and "无法察觉" in text
    assert all(f.p_crv1 == [None] * len(f.terms) and f.status == "no_test" for f in _fits(p))
    one_year = [r for r in p.identification.regimes if r.benchmark == "lpr 1y"]
    shown = [(str(r.rate.normalize()), str(r.date_from), str(r.date_to)) for r in one_year]
    assert shown == [
        ("4.2", "2019-10-01", "2019-11-19"),
        ("4.15", "2019-11-20", "2020-02-19"),
        ("4.05", "2020-02-20", "2020-04-19"),
        ("3.85", "2020-04-20", "2021-12-19"),
        ("3.8", "2021-12-20", "2021-12-31"),
    ]
    assert sum(r.loans for r in p.identification.regimes) == len(ROWS) == p.sample.loans


def test_three_institutions_are_too_few_in_words() -> None:
    p = priced("2019-10-01", "2021-12-31", eight.ledger(banks=3))
    assert p.identification.outcome == "none" and p.rungs == ()
    assert "机构太少：样本内只有3家机构" in p.identification.sentence
    assert p.identification.regimes  # what LPR did is still shown


def test_every_loan_alone_in_its_cell_leaves_nothing_to_learn_from() -> None:
    p = priced("2019-10-01", "2021-12-31", effects=("loan_id",))
    assert p.identification.outcome == "none" and p.rungs == ()
    assert p.identification.sentence == (
        f"不能识别：去掉所属效应组合中只有一笔的{len(ROWS)}笔贷款后，"
        "LPR在任何效应组合之内都没有变化，不列数字。"
    )
    assert all(row["estimate"] is None for row in _table(p).to_pylist())
    assert {r.comparable_loans for r in p.identification.regimes} == {0}


def alone(row: dict[str, object]) -> dict[str, object]:
    """The loan in a cell of its own."""
    return dict(row, guarantee=row["loan_id"])


def test_institutions_whose_loans_all_drop_out_do_not_count() -> None:
    """Eight institutions in the sample, four with anything left to compare."""
    few = set(eight.BANKS[:4])
    rows = [r if r["institution_id"] in few else alone(r) for r in ROWS]
    n = sum(r["institution_id"] not in few for r in ROWS)
    d = frame([r for r in rows if r["institution_id"] in few])
    moved = d.groupby("cell").benchmark_rate.transform("nunique") > 1
    assert 0 < (~moved).sum() < 10  # cells of several loans, all at one value of LPR
    p = priced("2019-10-01", "2021-12-31", rows)
    assert p.sample.institutions == 8 and p.rungs == ()
    assert p.identification.sentence == (
        f"机构太少：去掉所属效应组合中只有一笔的{n}笔贷款后，LPR在所属效应组合内有变化的只有"
        f"{moved.sum()}笔贷款、4家机构，少于5家，不能估计利率与LPR的关系，不列数字。"
    )


def test_a_value_whose_loans_drop_out_is_no_regime() -> None:
    """4.05 % held 60 days with hundreds of loans; all but fifty are alone in their cells."""
    begin, cut, end = dt.date(2019, 11, 20), dt.date(2020, 2, 20), dt.date(2020, 4, 19)
    own = [r for r in ROWS if r["benchmark_tenor"] == "1y" and begin <= r["drawn_on"] <= end]
    late = [r for r in own if r["drawn_on"] >= cut]
    rows = [r for r in own if r["drawn_on"] < cut] + late[:50] + [alone(r) for r in late[50:]]
    assert len(late) > 300
    p = priced("2019-11-20", "2020-04-19", rows)
    assert p.identification.outcome == "none" and p.rungs == ()
    d = frame(rows)
    told = d[d.groupby("cell").benchmark_rate.transform("nunique") > 1]
    n = int((told.drawn_on >= cut).sum())
    assert 40 <= n <= 50
    for words in ("水平不足2个", f"2020-02-20至2020-04-19为4.05%（60天，{n}笔，"):
        assert words in p.identification.sentence
    regimes = p.identification.regimes
    assert [r.qualifies(RULES, comparable=False) for r in regimes] == [True, True]
    assert [r.qualifies(RULES) for r in regimes] == [True, False]


def test_comparable_loans_are_those_of_cells_that_saw_two_values() -> None:
    """Worked by hand: cell P saw both values, Q only one, R has one loan."""
    before, after = dt.date(2020, 4, 1), dt.date(2020, 5, 1)
    drawn_in = {"P": [before, before, after], "Q": [before, before], "R": [after]}
    rows = []
    for product, days in drawn_in.items():
        for day in days:
            rate = eight.in_force(eight.lpr()["1y"], day)
            rows.append(dict(ROWS[0], product=product, drawn_on=day, benchmark_date=day,
                             benchmark_tenor="1y", benchmark_rate=rate,
                             loan_id=f"JJ{len(rows)}"))  # fmt: skip
    p = priced("2020-03-01", "2020-06-30", rows, effects=("product",))
    assert [
        (str(r.rate.normalize()), r.loans, r.comparable_loans, r.comparable_institutions)
        for r in p.identification.regimes
    ] == [("4.05", 4, 2, 1), ("3.85", 2, 1, 1)]


def test_one_draw_serves_prices_and_spreads(monkeypatch) -> None:
    chosen = spec("2019-10-01", "2021-12-31")
    with eight.engine_with(ROWS[:500]) as engine:
        apart = price(engine, "loan_facts", chosen), spreads(engine, "loan_facts", chosen)
        sample = draw(engine, "loan_facts", chosen)
        monkeypatch.setattr("puhui.rates.sample.draw", None)  # nobody draws again
        assert price(engine, "loan_facts", chosen, sample=sample) == apart[0]
        assert spreads(engine, "loan_facts", chosen, sample=sample) == apart[1]


def test_a_sample_drawn_otherwise_is_refused() -> None:
    long, short = spec("2019-10-01", "2021-12-31"), spec("2021-01-01", "2021-12-31")
    with eight.engine_with(ROWS[:500]) as engine, eight.engine_with(ROWS[:500]) as other:
        first = draw(engine, "loan_facts", long)
        for bad, at in ((short, engine), (long, other)):
            with pytest.raises(FitError, match="样本不是"):
                price(at, "loan_facts", bad, sample=first)
        draw(engine, "loan_facts", short)  # takes the place of the first
        with pytest.raises(FitError, match="样本不是"):
            spreads(engine, "loan_facts", long, sample=first)


def frame(rows: list[dict[str, object]]) -> pd.DataFrame:
    d = pd.DataFrame(rows)
    for name in ("rate_at_drawdown", "benchmark_rate", "amount"):
        d[name] = d[name].astype(float)
    d["cell"] = d[["institution_id", *EFFECTS]].agg("/".join, axis=1)
    d["t"] = [(day - dt.date(2019, 10, 1)).days for day in d.drawn_on]
    return d[d.groupby("cell").cell.transform("size") > 1]


def years(d: pd.DataFrame) -> pd.DataFrame:
    """Year effects of the benchmark date; the first is the constant's, here the cells'."""
    year = pd.Series([day.year for day in d.drawn_on], index=d.index)
    return pd.get_dummies(year, dtype=float).iloc[:, 1:]


@functools.cache
def absorbed() -> Pricing:
    return priced("2019-10-01", "2021-12-31", count_absorbed=True)


@pytest.mark.parametrize("weights", ["none", "amount"])
@pytest.mark.parametrize("model", ["A", "B"])
def test_rungs_equal_statsmodels_with_dummies(model: str, weights: str) -> None:
    rung = absorbed().rung(model, weights)
    assert rung is not None and rung.fit is not None
    d = frame(ROWS)
    columns = ["benchmark_rate", "t"][: 2 if model == "B" else 1]
    design = pd.concat([d[columns], pd.get_dummies(d.cell, dtype=float)], axis=1)
    if model == "B":
        design = pd.concat([design, years(d)], axis=1)
    model_fit = sm.WLS(d.rate_at_drawdown, design, weights=d.amount if weights == "amount" else 1.0)
    theirs = model_fit.fit(cov_type="cluster", cov_kwds={"groups": d.institution_id})
    assert rung.fit.n == len(d)
    assert rung.fit.beta == pytest.approx(list(theirs.params[columns]), rel=1e-10)
    assert rung.fit.se_crv1 == pytest.approx(list(theirs.bse[columns]), rel=1e-10)


def test_identification_numbers_equal_regressions_on_the_rows() -> None:
    """Variance left, largest shares, and step + trend R² from rows and dummies."""
    p = standard("2019-10-01", "2021-12-31")
    d = frame(ROWS)
    effects = pd.get_dummies(d.cell, dtype=float)

    def left(column: pd.Series, *more: pd.Series) -> np.ndarray:
        design = pd.concat([effects, *more], axis=1)
        return np.asarray(sm.OLS(column.astype(float), design).fit().resid)

    x = d.benchmark_rate
    spread = float(((x - x.mean()) ** 2).sum())
    a, b = p.identification.rung("A"), p.identification.rung("B")
    assert a is not None and b is not None
    bare, detrended = left(x), left(x, d.t, years(d))
    assert a.variance_left == pytest.approx((bare**2).sum() / spread, rel=1e-9)
    assert b.variance_left == pytest.approx((detrended**2).sum() / spread, rel=1e-9)
    by_bank = pd.Series(bare**2).groupby(d.institution_id.to_numpy()).sum() / (bare**2).sum()
    assert a.institution_share == pytest.approx(by_bank.max(), rel=1e-9)
    assert a.institution == by_bank.idxmax()
    assert a.g_star == pytest.approx(1 / (by_bank**2).sum(), rel=1e-9)
    april = pd.Series([day >= dt.date(2020, 4, 20) for day in d.drawn_on], index=d.index)
    change = april * np.where(d.benchmark_tenor == "1y", -0.20, -0.10)  # 4.05→3.85, 4.75→4.65
    assert a.move_share == pytest.approx((bare * left(change)).sum() / (bare**2).sum(), rel=1e-9)
    alone = left(change, d.t, years(d))
    assert b.move_share == pytest.approx((detrended * alone).sum() / (detrended**2).sum(), rel=1e-9)
    explained = 1 - (left(x, d.t, april.astype(float)) ** 2).sum() / (bare**2).sum()
    assert p.identification.step_date == dt.date(2020, 4, 20)
    assert p.identification.step_trend_r2 == pytest.approx(explained, rel=1e-9)


def test_without_the_path_regimes_begin_where_loans_show_them() -> None:
    with_path = standard("2019-10-01", "2021-12-31")
    from_loans = priced("2019-10-01", "2021-12-31", path=None)
    for model in "AB":  # C divides months where a benchmark moves, so it needs the days
        one, two = from_loans.rung(model), with_path.rung(model)
        assert one is not None and two is not None and one.fit is not None and two.fit is not None
        assert one.fit.beta == two.fit.beta
    assert [r.loans for r in from_loans.identification.regimes] == [
        r.loans for r in with_path.identification.regimes
    ]


def _fits(p: Pricing):
    return [r.fit for r in p.rungs if r.fit is not None]


def test_a_path_that_contradicts_the_loans_is_refused() -> None:
    rows = [dict(r) for r in ROWS[:50]]
    rows[7]["benchmark_rate"] = Decimal("9.99")
    with pytest.raises(FitError, match=r"贷款上记的是 9\.99"):
        priced("2019-10-01", "2021-12-31", rows)


def test_two_rates_of_one_benchmark_on_one_day_are_refused() -> None:
    rows = [dict(ROWS[0]), dict(ROWS[0], loan_id="other", benchmark_rate=Decimal("9.99"))]
    with pytest.raises(FitError, match="有两个值"):
        priced("2019-10-01", "2021-12-31", rows, path=None)


def test_loans_priced_outside_the_window_keep_their_own_benchmark() -> None:
    """Priced before the window or after it: a value of no days in the window, but with loans."""
    rows = [dict(r) for r in ROWS]
    early, late = dt.date(2019, 9, 2), dt.date(2022, 1, 20)
    rows[0] |= {"benchmark_tenor": "1y", "benchmark_date": early, "benchmark_rate": Decimal("4.25")}
    rows[1] |= {"benchmark_tenor": "1y", "benchmark_date": late, "benchmark_rate": Decimal("3.70")}
    p = priced("2019-10-01", "2021-12-31", rows)
    found = {r.rate: r for r in p.identification.regimes if r.benchmark == "lpr 1y"}
    for value in (Decimal("4.25"), Decimal("3.70")):
        assert (found[value].days, found[value].loans) == (0, 1)
    assert sum(r.days for r in found.values()) == (eight.LAST - eight.FIRST).days + 1


def test_every_row_is_in_the_sample_or_counted_under_one_reason() -> None:
    base = [dict(r) for r in ROWS]
    later = dict(base[0], quarter="2021Q4", rate_at_drawdown=Decimal("99"))  # a later snapshot
    superseded = [dict(r, revision=0, rate_at_drawdown=Decimal("99")) for r in base[1:4]]
    base[5]["rate_at_drawdown"] = None
    base[6]["benchmark_rate"] = None
    base[7]["in_scope_at_drawdown"] = False
    base[8]["product"] = "entrusted"
    base[9]["amount"] = Decimal(0)
    base[10]["drawn_on"] = dt.date(2018, 1, 1)
    rows = [*base, later, *superseded]
    assert base[0]["quarter"] != "2021Q4"
    p = priced("2019-10-01", "2021-12-31", rows,
               left_out="case when product = 'entrusted' then '委托贷款' end")  # fmt: skip
    assert p.sample.left_out == {
        "不在窗口期内发放": 1,
        "不符合样本条件": 1,
        "以前季度已计入的同一笔贷款": 1,
        "发放金额不为正": 1,
        "委托贷款": 1,
        "已被更正报送取代": 3,
        "没有发放利率": 1,
        "没有对应的基准利率": 1,
    }
    assert p.sample.rows == len(rows) == p.sample.loans + 10
    clean = [r for i, r in enumerate(ROWS) if i not in (5, 6, 7, 8, 9, 10)]
    assert [f.beta for f in _fits(p)] == [
        f.beta for f in _fits(priced("2019-10-01", "2021-12-31", clean))
    ]


def test_python_integers_take_over_where_sums_might_not_fit(monkeypatch) -> None:
    by_engine = standard("2019-10-01", "2021-12-31")
    monkeypatch.setattr(placing, "fits_engine", lambda *_: False)
    assert priced("2019-10-01", "2021-12-31") == by_engine


def test_shuffled_rows_give_the_same_bits() -> None:
    order = np.random.default_rng(3).permutation(len(ROWS))
    assert priced("2019-10-01", "2021-12-31", [ROWS[i] for i in order]) == standard(
        "2019-10-01", "2021-12-31"
    )


def test_an_effect_that_does_not_exist_is_refused() -> None:
    with pytest.raises(FitError, match="没有列“colour”"):
        priced("2019-10-01", "2021-12-31", effects=("colour",))


def test_a_benchmark_that_moves_often_is_identified() -> None:
    """A saw-tooth of eight values: no single move or trend explains it."""
    rows, value = [], {}
    for r in ROWS:
        month = r["drawn_on"].year * 12 + r["drawn_on"].month
        value[month] = Decimal("3") + Decimal(month // 3 * 5 % 8) / 10
        rate = r["rate_at_drawdown"] + value[month] - r["benchmark_rate"]
        rows.append(dict(r, benchmark_rate=value[month], benchmark_tenor="1y",
                         rate_at_drawdown=rate))  # fmt: skip
    p = priced("2019-10-01", "2021-12-31", rows, path=None)
    assert p.identification.outcome == "ok"
    assert {r.status for r in p.rungs if r.model != "C"} == {"ok"}
    c = p.rung("C")
    assert c is not None and c.status == "none" and c.fit is None
    assert "只有一个期限品种（lpr 1y），没有期限利差" in c.reason
    a = p.rung("A")
    assert a is not None and a.fit is not None
    assert "传导" in a.reason and "非传导" in a.reason  # A is never called pass-through
