"""Rung C on a ledger whose months share a shock: what A gets wrong and the gap between tenors not.

Ten institutions, two tenors whose gap moves on the 20th of many months, rates that follow their
own tenor by 0.6, and a shock that every institution shares in a month and that runs with LPR.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import importlib.util
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import statsmodels.api as sm

from puhui.rates import IdentificationRules, Pricing, PricingSpec, price
from puhui.rates.gap import Gap, verdict_on_gap
from puhui.rates.terms import CONTROLS, LOG_AMOUNT, RENEWAL

_place = Path(__file__).with_name("ledger_of_eight.py")
_found = importlib.util.spec_from_file_location("ledger_of_eight", _place)
assert _found is not None and _found.loader is not None
eight = importlib.util.module_from_spec(_found)
_found.loader.exec_module(eight)

BETA = 0.6
BANKS = [f"YH{i:04d}" for i in range(10)]
FIRST, LAST = dt.date(2020, 1, 1), dt.date(2021, 3, 31)
#: Day, one year, over five years; the gap moves at each, up and down, by 5 to 20 bp.
MOVES = [
    (dt.date(2019, 12, 20), "4.20", "4.85"),
    (dt.date(2020, 2, 20), "4.05", "4.80"),
    (dt.date(2020, 5, 20), "3.95", "4.55"),
    (dt.date(2020, 7, 20), "3.70", "4.50"),
    (dt.date(2020, 10, 20), "3.80", "4.45"),
    (dt.date(2020, 12, 21), "3.60", "4.40"),
]
RULES = IdentificationRules(2, 10, 50, 5, Decimal(90), Decimal("0.99"), Decimal("2.8"))


def path_table() -> pa.Table:
    rows = [
        {"series": "lpr", "tenor": tenor, "from_date": move[0], "rate": Decimal(move[1 + i])}
        for i, tenor in enumerate(("1y", "5y"))
        for move in MOVES
    ]
    fields = [("series", pa.string()), ("tenor", pa.string()), ("from_date", pa.date32())]
    return pa.Table.from_pylist(rows, pa.schema([*fields, ("rate", pa.decimal128(9, 6))]))


def in_force(tenor: str, day: dt.date) -> Decimal:
    last = [move for move in MOVES if move[0] <= day][-1]
    return Decimal(last[1 if tenor == "1y" else 2])


@functools.cache
def ledger(priced_days_before: int | None = 0) -> list[dict[str, object]]:
    """Loans as rows of loan facts; priced so many days before drawdown, or on no day told."""
    rng = np.random.default_rng(20200120)
    days = (LAST - FIRST).days + 1
    rows: list[dict[str, object]] = []
    for i in range(1500):
        bank, long = int(rng.integers(0, 10)), bool(rng.random() < 0.4)
        drawn = FIRST + dt.timedelta(days=int(rng.integers(0, days)))
        before = priced_days_before or 0
        day = drawn - dt.timedelta(days=before)
        tenor = "5y" if long else "1y"
        rate = in_force(tenor, day)
        # The shock follows the level of LPR, months long: co-movement that is no pass-through.
        shock = 0.8 * float(in_force("1y", day.replace(day=1) - dt.timedelta(days=1)))
        amount, renewal = int(rng.integers(1, 300)) * 10_000, bool(rng.random() < 0.3)
        value = BETA * float(rate) + shock + 0.1 * bank - 0.05 * np.log(amount) + 0.2 * renewal
        value += rng.normal(0, 0.08)
        rows.append(
            {
                "quarter": f"{drawn.year}Q{(drawn.month - 1) // 3 + 1}",
                "revision": 1,
                "institution_id": BANKS[bank],
                "loan_id": f"JJ{i:06d}",
                "drawn_on": drawn,
                "priced_on": None if priced_days_before is None else day,
                "product": "working_capital",
                "issue_kind": "renewal" if renewal else "new",
                "funding_source": "own",
                "guarantee": ["credit", "mortgaged"][i % 2],
                "kind": "enterprise",
                "size": "micro",
                "amount": Decimal(amount),
                "rate_at_drawdown": Decimal(f"{value:.4f}"),
                "term_months": 84 if long else 12,
                "term_band": "long" if long else "year",
                "in_scope_at_drawdown": True,
                "benchmark_series": "lpr",
                "benchmark_tenor": tenor,
                "benchmark_date": day,
                "benchmark_rate": rate,
            }
        )
    return rows


SPEC = PricingSpec(
    quarter="2021Q1",
    label="LPR",
    window_from=FIRST,
    window_to=LAST,
    where="in_scope_at_drawdown",
    effects=("term_band", "guarantee"),
    rules=RULES,
    path=path_table(),
    count_absorbed=True,
)


def priced(rows: list[dict[str, object]], **changes: object) -> Pricing:
    with eight.engine_with(rows) as engine:
        return price(engine, "loan_facts", dataclasses.replace(SPEC, **changes))  # type: ignore[arg-type]


@functools.cache
def standard() -> Pricing:
    return priced(ledger(), controls=CONTROLS)


def frame(rows: list[dict[str, object]]) -> pd.DataFrame:
    d = pd.DataFrame(rows)
    for name in ("rate_at_drawdown", "benchmark_rate", "amount"):
        d[name] = d[name].astype(float)
    d["cell"] = d[["institution_id", *SPEC.effects]].agg("/".join, axis=1)
    moved = [sum(1 for move in MOVES if move[0] <= day) for day in d.benchmark_date]
    d["span"] = [f"{day:%Y-%m}/{n}" for day, n in zip(d.benchmark_date, moved, strict=True)]
    d["log_amount"] = np.round(np.log(d.amount), 6)
    d["renewal"] = (d.issue_kind == "renewal").astype(float)
    return d[d.groupby("cell").cell.transform("size") > 1]


def design(d: pd.DataFrame, *more: str) -> pd.DataFrame:
    """Benchmark, further columns, a dummy for every cell and all but one part of a month."""
    spans = pd.get_dummies(d.span, dtype=float).iloc[:, 1:]
    return pd.concat(
        [d[["benchmark_rate", *more]], pd.get_dummies(d.cell, dtype=float), spans], axis=1
    )


def test_a_common_shock_of_the_month_misleads_a_and_not_c() -> None:
    p = standard()
    a, c = p.rung("A"), p.rung("C")
    assert a is not None and a.fit is not None and c is not None and c.fit is not None
    a_error, c_error = a.fit.se_crv3[0], c.fit.se_crv3[0]
    assert a_error is not None and c_error is not None
    assert a.fit.beta[0] - BETA > 10 * a_error  # far off, and sure of it
    assert abs(c.fit.beta[0] - BETA) < 2 * c_error
    assert c.interval is not None
    low, high = c.interval
    assert low is not None and high is not None and 0 < low < BETA < high < 1


def test_c_alone_is_pass_through_and_tested() -> None:
    p = standard()
    for rung in p.rungs:
        if rung.model != "C":
            assert rung.resampled is None and rung.p(0) is None and "非传导" in rung.reason
    c = p.rung("C")
    assert c is not None and c.status == "ok"
    zero, one = c.p(0), c.p(1)
    assert zero is not None and one is not None and one < 0.05
    # Ten institutions: all 2¹⁰ signs, always two of them alike, the identity's pair among them.
    assert 2 <= zero * 2**10 <= 8 and zero * 2**10 % 2 == 0
    assert "由期限利差识别的传导" in c.reason and "前提" in c.reason
    (said,) = [s for s in p.sentences if s.startswith("模型C（不加权）")]
    assert "可与0（不传导）区分" in said and "前提是其他原因对两个期限品种的影响相同" in said


@pytest.mark.parametrize("weights", ["none", "amount"])
def test_c_equals_statsmodels_with_all_dummies(weights: str) -> None:
    rung = standard().rung("C", weights)
    assert rung is not None and rung.fit is not None
    d = frame(ledger())
    w = d.amount if weights == "amount" else pd.Series(1.0, index=d.index)
    theirs = sm.WLS(d.rate_at_drawdown, design(d), weights=w).fit(
        cov_type="cluster", cov_kwds={"groups": d.institution_id}
    )
    assert rung.fit.n == len(d)
    assert rung.fit.beta[0] == pytest.approx(theirs.params["benchmark_rate"], rel=1e-9)
    assert rung.fit.se_crv1[0] == pytest.approx(theirs.bse["benchmark_rate"], rel=1e-9)
    refits = []
    for bank in BANKS:
        rest = d[d.institution_id != bank]
        found = sm.WLS(rest.rate_at_drawdown, design(rest), weights=w[rest.index]).fit()
        refits.append(found.params["benchmark_rate"])
    squares = sum((b - theirs.params["benchmark_rate"]) ** 2 for b in refits)
    assert rung.fit.se_crv3[0] == pytest.approx((0.9 * squares) ** 0.5, rel=1e-9)
    assert rung.without_one == pytest.approx((min(refits), max(refits)), rel=1e-9)


def test_controls_equal_statsmodels_and_what_is_not_there_is_said() -> None:
    p = standard()
    rung = p.rung("C", "none", "controls")
    assert rung is not None and rung.fit is not None
    assert rung.fit.terms == ["benchmark", "log_amount", "renewal"]
    d = frame(ledger())
    theirs = sm.OLS(d.rate_at_drawdown, design(d, "log_amount", "renewal")).fit(
        cov_type="cluster", cov_kwds={"groups": d.institution_id}
    )
    own = ["benchmark_rate", "log_amount", "renewal"]
    assert rung.fit.beta == pytest.approx(list(theirs.params[own]), rel=1e-9)
    assert rung.fit.se_crv1 == pytest.approx(list(theirs.bse[own]), rel=1e-9)
    assert dict(p.lost_controls) == dict.fromkeys(("首贷", "涉农", "线上办理"), "明细没有这一项")


def test_a_control_too_few_loans_state_and_one_that_never_varies() -> None:
    rows = [dict(r, issue_kind="new") for r in ledger()]
    rows = [dict(r, issue_kind=None) if i % 10 == 0 else r for i, r in enumerate(rows)]
    p = priced(rows, controls=(LOG_AMOUNT, RENEWAL))
    assert p.lost_controls == (("无还本续贷", "只有90.0%的贷款填报"),)
    some = [dict(r, issue_kind=None) if i % 50 == 0 else dict(r, issue_kind="new")
            for i, r in enumerate(ledger())]  # fmt: skip
    p = priced(some, controls=(LOG_AMOUNT, RENEWAL))
    ((name, why),) = p.lost_controls
    assert name == "无还本续贷（模型A、B、C）" and "没有变化" in why
    rung = p.rung("A", "none", "controls")
    assert rung is not None and rung.fit is not None
    assert rung.fit.terms == ["benchmark", "log_amount"]
    assert rung.fit.dropped["missing"] == 30 and rung.fit.n == 1470


def test_the_gap_its_moves_and_who_has_both() -> None:
    gap = standard().gap
    assert gap is not None and gap.tenors == ("lpr 1y", "lpr 5y")
    assert [(m.day, m.change_bp) for m in gap.moves] == [
        (dt.date(2020, 2, 20), Decimal(10)),
        (dt.date(2020, 5, 20), Decimal(-15)),
        (dt.date(2020, 7, 20), Decimal(20)),
        (dt.date(2020, 10, 20), Decimal(-15)),
        (dt.date(2020, 12, 21), Decimal(15)),
    ]
    assert (gap.months, gap.institutions) == (15, 10)


def test_identification_of_c_equals_regressions_on_the_rows() -> None:
    told = standard().identification.rung("C")
    assert told is not None and told.move_date is not None
    d = frame(ledger())
    effects = design(d).drop(columns="benchmark_rate")
    left = np.asarray(sm.OLS(d.benchmark_rate, effects).fit().resid)
    total = ((d.benchmark_rate - d.benchmark_rate.mean()) ** 2).sum()
    assert told.variance_left == pytest.approx((left**2).sum() / total, rel=1e-9)
    shares = {}
    for old, new in pairwise(MOVES):
        change = [
            (Decimal(new[i]) - Decimal(old[i])) * (day >= new[0])
            for i, day in zip((d.benchmark_tenor == "5y") + 1, d.benchmark_date, strict=True)
        ]
        shares[new[0]] = (left * np.array(change, dtype=float)).sum() / (left**2).sum()
    assert sum(shares.values()) == pytest.approx(1, rel=1e-9)
    assert told.move_date == max(shares, key=lambda day: shares[day])
    assert told.move_share == pytest.approx(max(shares.values()), rel=1e-9)


def test_one_move_left_to_itself_equals_a_regressor_of_its_own() -> None:
    p, d = standard(), frame(ledger())
    day = dt.date(2020, 7, 20)
    d["part"] = np.where(d.benchmark_tenor == "1y", -0.25, -0.05) * (d.benchmark_date >= day)
    theirs = sm.OLS(d.rate_at_drawdown, design(d, "part")).fit()
    (mine,) = [w for w in p.without if (w.day, w.model, w.weights) == (day, "C", "none")]
    assert mine.estimate == pytest.approx(theirs.params["benchmark_rate"], rel=1e-9)
    rows = {r["variant"]: r for r in p.rows()["regressions"]
            if (r["model"], r["weights"]) == ("C", "none")}  # fmt: skip
    assert rows[f"without {day}"]["estimate"] == pytest.approx(mine.estimate, rel=1e-11)


def test_loans_dated_by_their_drawdown_are_also_left_out_after_a_move() -> None:
    rows = ledger(None)
    p = priced(rows)
    days = [move[0] for move in MOVES[1:]]  # what came before the first row, nobody knows
    soon = [r for r in rows if any(0 <= (r["drawn_on"] - d).days < 30 for d in days)]
    assert p.sample.by_drawdown == len(rows)
    text = "".join(p.sentences)
    assert f"{len(rows)}笔贷款没有定价日期" in text and f"其中{len(soon)}笔在调整后30天内" in text
    rung = p.rung("C", "none", "timely")
    assert rung is not None and rung.fit is not None
    assert rung.fit.dropped["late"] == len(soon)
    d = frame([r for r in rows if r not in soon])
    theirs = sm.OLS(d.rate_at_drawdown, design(d)).fit()
    assert rung.fit.n == len(d)
    assert rung.fit.beta[0] == pytest.approx(theirs.params["benchmark_rate"], rel=1e-9)
    assert standard().rung("C", "none", "timely") is None  # those name their day


def test_loans_that_name_no_tenor_are_also_fitted_on_the_other() -> None:
    rows = [r | {"benchmark_tenor_beside": "5y" if i % 5 == 0 and r["benchmark_tenor"] == "1y"
                 else None} for i, r in enumerate(ledger())]  # fmt: skip
    silent = [r for r in rows if r["benchmark_tenor_beside"]]
    p = priced(rows)
    assert f"{len(silent)}笔贷款的合同没有写明期限品种" in "".join(p.sentences)
    moved = [r | {"benchmark_tenor": "5y", "benchmark_rate": in_force("5y", r["benchmark_date"])}
             if r["benchmark_tenor_beside"] else r for r in rows]  # fmt: skip
    d = frame(moved)
    for model, weights in (("C", None), ("C", d.amount)):
        rung = p.rung(model, "none" if weights is None else "amount", "other_tenor")
        assert rung is not None and rung.fit is not None
        fitted = sm.WLS(d.rate_at_drawdown, design(d), weights=1 if weights is None else weights)
        assert rung.fit.beta[0] == pytest.approx(fitted.fit().params["benchmark_rate"], rel=1e-9)
    own, other = p.rung("C"), p.rung("C", "none", "other_tenor")
    assert own is not None and own.fit is not None and other is not None and other.fit is not None
    assert own.fit.beta[0] != pytest.approx(other.fit.beta[0], rel=1e-3)
    assert standard().rung("C", "none", "other_tenor") is None


def test_two_institutions_with_both_tenors_are_too_few_for_c() -> None:
    rows = [r for r in ledger() if r["institution_id"] < "YH0002" or r["benchmark_tenor"] == "1y"]
    c = priced(rows).rung("C")
    assert c is not None and c.status == "none" and c.fit is None
    assert c.reason == (
        "不能识别：lpr 1y与lpr 5y两种期限都有贷款的机构只有2家，少于5家，不列数字。"
    )


def test_a_gap_that_moves_once_is_too_little_for_c() -> None:
    only = [r for r in ledger() if dt.date(2020, 3, 1) <= r["drawn_on"] < dt.date(2020, 7, 1)]
    p = priced(only, window_from=dt.date(2020, 3, 1), window_to=dt.date(2020, 6, 30))
    c = p.rung("C")
    assert c is not None and c.status == "none"
    assert c.reason == (
        "不能识别：在两种期限都有贷款的4个月里，lpr 1y与lpr 5y之差只变动1次，少于2次，不列数字。"
    )
    a = p.rung("A")
    assert a is not None and a.fit is not None  # A does not need the gap


def test_tenors_never_in_the_same_months_have_no_gap() -> None:
    rows = [r for r in ledger() if (r["drawn_on"].month % 2 == 0) == (r["benchmark_tenor"] == "1y")]
    c = priced(rows).rung("C")
    assert c is not None and "在两种期限都有贷款的0个月里" in c.reason
    assert verdict_on_gap(Gap(()), "LPR", RULES) is not None
