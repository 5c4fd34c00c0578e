"""All-in cost: rate and the bank's own fees by the year, of the year's inclusive drawdowns.

Each institution drew 1,000 at 5 %, so that interest × 100 is 5,000 and a fee of 10 that pays
for twelve months adds one percentage point.
"""

from __future__ import annotations

from fractions import Fraction

import pyarrow as pa
import pytest

from puhui import measures
from puhui.engine import DuckDBEngine
from puhui.errors import ParamsError
from puhui.indicators import Bench, evaluate, result_row
from puhui.measures.charging import as_quotient
from puhui.params.rows import load_measures
from puhui.params.yaml import loads
from puhui.quarter import Quarter
from vocabulary import County

WHO = "HCNS0001"
HEADER = "loan_id seq kind charged_by borne_by amount waived recurring in_contract"
BANK = "other bank borrower"
#: Quarters that matter at 2021Q4: the base, and the quarter before with its own base.
QUARTERS = ("2020Q4", "2021Q3", "2021Q4")


def loan(quarter, months="12", name="L1", amount="1000"):
    year = int(quarter[:4])
    ends = {"12": f"{year + 1}-03-01", "7": f"{year}-10-01", "0": f"{year}-03-20"}[months]
    return f"{name} {amount} 5 {year}-03-01 {ends}"


def sent(made, quarter, fees=None, *, months="12", more=()):
    lines = ["loan_id amount rate_at_drawdown drawn_on matures_on", loan(quarter, months), *more]
    made.with_loans(quarter, WHO, "\n".join(lines))
    if fees is not None:
        made.with_register(quarter, WHO, "fees", "\n".join([HEADER, *fees]))
    return made


def bench(made):
    snapshots = made.stored()
    tables = []
    with DuckDBEngine([made.store.root]) as engine:
        for quarter in map(Quarter.parse, QUARTERS):
            tables.append(measures.from_ledgers(engine, made.params, snapshots, quarter))
            worked = measures.work_out(engine, made.params, snapshots, quarter)
            tables.append(worked.measures)
        filed = measures.from_returns(engine, made.params, snapshots, map(Quarter.parse, QUARTERS))
    return Bench.of(made.params, Quarter.parse("2021Q4"), pa.concat_tables([*tables, filed]))


def row(made):
    return result_row(bench(made), made.params.indicators["C3.3a"], made.facts(WHO))


def exact(found, name="value"):
    if found[f"{name}_num"] is None:
        return None
    return Fraction(int(found[f"{name}_num"]), int(found[f"{name}_den"]))


@pytest.mark.parametrize(
    ("fees", "months", "cost"),
    [
        ([], "12", 5),  # a nil return: the rate alone
        ([f"L1 1 {BANK} 10 0 false true"], "12", 6),
        ([f"L1 1 {BANK} 10 4 false true"], "12", Fraction(56, 10)),  # 6 of 10 paid
        ([f"L1 1 {BANK} 10 0 false true", f"L1 2 {BANK} 5 0 false true"], "12", Fraction(13, 2)),
        # For seven months: 10 × 12 ÷ 7 of 1,000 are 12/7 points.
        ([f"L1 1 {BANK} 10 0 false true"], "7", 5 + Fraction(12, 7)),
        ([f"L1 1 {BANK} 10 0 true true"], "7", 6),  # recurring: yearly already
        ([f"L1 1 {BANK} 10 0 false true"], "0", 17),  # under a month counts as one: 12 points
        (["L1 1 guarantee guarantor borrower 10 0 false true"], "12", 5),
        (["L1 1 valuation bank bank 10 0 false true"], "12", 5),
        ([f"L9 1 {BANK} 10 0 false true"], "12", 5),  # of no loan of the ledger
    ],
)
def test_cost_of_the_years_drawdowns(tmp_path, fees, months, cost):
    found = row(sent(County(tmp_path), "2021Q4", fees, months=months))
    assert (exact(found), found["source"]) == (cost, "ledger")


def test_terms_of_all_lengths_stay_exact_together(tmp_path):
    # 7 for seven months and 10 for twelve: 12 + 10 = 22 yuan of 2,000 are 11/10 points.
    fees = [f"L1 1 {BANK} 10 0 false true", f"L2 1 {BANK} 7 0 false true"]
    made = sent(County(tmp_path), "2021Q4", fees, more=[loan("2021Q4", "7", "L2")])
    assert exact(row(made)) == 5 + Fraction(11, 10)


def test_what_was_not_drawn_in_the_year_or_is_out_of_scope_bears_no_fee(tmp_path):
    lines = ["L2 1000 5 2020-12-31 2021-12-31", "L3 1000 5 2021-03-01 2022-03-01"]
    made = sent(County(tmp_path), "2021Q4", [f"L2 1 {BANK} 10 0 false true"], more=lines[:1])
    assert exact(row(made)) == 5


def test_the_wide_cost_stands_beside(tmp_path):
    fees = [f"L1 1 {BANK} 10 0 false true", "L1 2 guarantee guarantor borrower 20 0 false true"]
    made = sent(County(tmp_path), "2021Q4", fees)
    indicator = made.params.indicators["C3.3a"]
    parts = evaluate(bench(made), indicator, made.facts(WHO)).parts
    assert parts == {"rate": 5, "own_fees": 1, "wide": 8, "short": 0}


def test_loans_of_under_a_month_are_counted_beside_the_cost(tmp_path):
    # Drawn on 1 February: due on 28 February is no whole month, on 1 March just one.
    more = ["L2 1000 5 2021-02-01 2021-02-28", "L3 1000 5 2021-02-01 2021-03-01"]
    made = sent(County(tmp_path), "2021Q4", [f"L2 1 {BANK} 10 0 false true"], more=more)
    indicator = made.params.indicators["C3.3a"]
    found = evaluate(bench(made), indicator, made.facts(WHO))
    assert found.parts["short"] == 1
    assert found.parts["own_fees"] == 4  # 10 yuan as for one month, of 3,000


@pytest.mark.parametrize(
    ("now", "third", "before", "verdict", "wrong"),
    [
        ("10", "10", "20", "on_track", 0),
        ("10", "10", "10", "on_track", 0),
        # One percentage point up; "flat" is up to 0.01, that is a fee of 0.1.
        ("10.10", "10.10", "10", "on_track", 0),
        ("10.11", "10.11", "10", "behind", 2),
        ("20", "10", "10", "on_track", 1),
        ("20", "20", "10", "behind", 2),
    ],
)
def test_against_last_year(tmp_path, now, third, before, verdict, wrong):
    made = County(tmp_path)
    for quarter, fee in zip(QUARTERS, (before, third, now), strict=True):
        sent(made, quarter, [f"L1 1 {BANK} {fee} 0 false true"])
    found = row(made)
    assert (found["verdict"], found["wrong_way"]) == (verdict, wrong)
    assert exact(found, "base") == 5 + Fraction(before) / 10


def test_without_the_sheet_there_is_no_data_never_the_rate(tmp_path):
    found = row(sent(County(tmp_path), "2021Q4"))
    assert (found["verdict"], exact(found)) == ("no_data", None)
    assert "缺表：收费明细" in found["reason"]


def test_without_last_years_sheet_the_cost_is_shown_and_the_gap_named(tmp_path):
    made = sent(sent(County(tmp_path), "2020Q4"), "2021Q4", [])
    found = row(made)
    assert (found["verdict"], exact(found), exact(found, "base")) == ("shown", 5, None)
    assert "2020Q4 缺表：收费明细" in found["reason"]


def test_without_a_ledger_there_is_no_data(tmp_path):
    made = County(tmp_path).with_register("2021Q4", WHO, "fees", HEADER)
    found = row(made)
    assert (found["verdict"], "2021Q4 未报送台账" in found["reason"]) == ("no_data", True)


def test_nothing_drawn_is_not_concerned(tmp_path):
    made = County(tmp_path).with_loans("2021Q4", WHO, "loan_id drawn_on\nL1 2020-12-31")
    made.with_register("2021Q4", WHO, "fees", HEADER)
    assert row(made)["verdict"] == "not_applicable"


def test_a_fee_of_unknown_frequency_is_no_data_and_named(tmp_path):
    found = row(sent(County(tmp_path), "2021Q4", [f"L1 1 {BANK} 10 0 - true"]))
    assert found["verdict"] == "no_data"
    assert "1 行所需内容为空" in found["reason"] and "是否按年收取" in found["reason"]


def test_a_quarantined_fee_may_be_of_any_amount(tmp_path):
    # Dearer in the third quarter; in the fourth as last year, unless that fee is added.
    made = County(tmp_path)
    for quarter, fee in zip(QUARTERS, (10, 20, 10), strict=True):
        sent(made, quarter, [f"L1 1 {BANK} {fee} 0 false true"])
    assert row(made)["flags"] == []
    made.set_aside["2021Q4", WHO] = {"fees": 1}
    found = row(made)
    assert (found["verdict"], found["flags"]) == ("on_track", ["provisional"])


def test_quarantined_loans_without_any_fee_sent_change_nothing(tmp_path):
    made = sent(County(tmp_path), "2021Q4", [])
    made.set_aside["2021Q4", WHO] = {"loans": 1}
    key = ("2021Q4", WHO, None, "own_fees", "ledger")
    assert (bench(made).measures[key]["set_aside"], bench(made).measures[key]["aside_gain"]) == (
        1,
        0,
    )


def test_a_total_of_too_many_digits_is_cut_and_says_by_how_much():
    # 10^17 ÷ p for eight primes: some 10^16, times their product of some 10^15, is over 10^30.
    total, product = Fraction(0), 1
    for prime in (61, 67, 71, 73, 79, 83, 89, 97):
        total += Fraction(10**17, prime)
        product *= prime
    amount, divisor, slack = as_quotient(total)
    assert total.denominator == product
    assert (divisor, slack) == (1, Fraction(1, 10**8))
    assert 0 < abs(amount - total) <= slack
    assert as_quotient(Fraction(10, 7)) == (10, 7, 0)
    assert as_quotient(Fraction(1, 8)) == (Fraction(1, 8), 1, 0)


def test_the_fees_behind_a_measure_can_be_listed(tmp_path):
    fees = [f"L1 1 {BANK} 10 0 false true", "L1 2 guarantee guarantor borrower 20 0 false true"]
    made = sent(County(tmp_path), "2021Q4", fees)
    quarter, found = Quarter.parse("2021Q4"), {}
    snapshots = made.stored()
    with DuckDBEngine([made.store.root]) as engine:
        measures.work_out(engine, made.params, snapshots, quarter)
        for name in ("own_fees", "borrower_fees"):
            measure = made.params.measures[name]
            listed = engine.sql(measures.rows_sql(made.params, measure, quarter, (WHO, None), 9))
            found[name] = [(r["charged_by"], r["months"]) for r in listed.to_pylist()]
    assert found == {"own_fees": [("bank", 12)], "borrower_fees": [("guarantor", 12), ("bank", 12)]}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("fee.amount", "fee.amont", "没有“fee.amont”"),
        ("gives: amount", "gives: mean", "mean"),
        ("    months: term_months\n", "", "缺少键“months”"),
        ("charged_by", "charge", "没有“fee.charge”"),
    ],
)
def test_what_is_wrong_in_the_file_is_refused(tmp_path, old, new, said):
    text = (
        "a:\n  label: 甲\n  unit: 元\n  kind: flow\n  charged:\n    gives: amount\n"
        "    sum: fee.amount - fee.waived\n    months: term_months\n"
        "    where: fee.charged_by = 'bank'\n"
    )
    params = County(tmp_path).params
    assert load_measures(loads(text, "m.yaml"), params.derived, params.policy)["a"].charged
    with pytest.raises(ParamsError, match=said):
        load_measures(loads(text.replace(old, new), "m.yaml"), params.derived, params.policy)
