"""Edge tables of the first indicators; every expected value is worked by hand beside it."""

from __future__ import annotations

from fractions import Fraction

import pytest

from vocabulary import LARGE, County

TOLERANCE = """
loan_id customer_id balance     five_class
L1      K1          {good}      normal
L2      K1          {bad}       substandard
L3      K2          {big}       normal
L4      K2          {bigbad}    loss
"""
# K1 is inclusive (small, line 1,000,000); K2 is a large enterprise outside the scope.
PEOPLE = """
customer_id size  credit_line
K1          small 1000000
K2          large 900000000
"""


def tolerance(tmp_path, good, bad, big, bigbad):
    text = TOLERANCE.format(good=good, bad=bad, big=big, bigbad=bigbad)
    return County(tmp_path).with_loans("2021Q4", "HCNS0001", text, PEOPLE)


@pytest.mark.parametrize(
    ("bad", "good", "verdict", "gap"),
    [
        # 50,000 / 1,000,000 = 5.00 %; 80,000 / 4,000,000 = 2.00 %; 5 − 2 = 3: at the limit.
        ("50000.00", "950000.00", "met", Fraction(3)),
        # One fen of the same 1,000,000 turns bad: 5.000001 % − 2.00000025 % = 3.00000075 > 3.
        ("50000.01", "949999.99", "not_met", Fraction(300000075, 100000000)),
        # One fen less: 4.999999 % − 1.99999975 % = 2.99999925.
        ("49999.99", "950000.01", "met", Fraction(299999925, 100000000)),
    ],
)
def test_tolerance_one_fen_either_side_of_three_points_from_the_ledger(
    tmp_path, bad, good, verdict, gap
):
    row = tolerance(tmp_path, good, bad, "2970000.00", "30000.00").indicator("C7.2")
    assert (row["verdict"], row["source"]) == (verdict, "ledger")
    assert Fraction(int(row["value_num"]), int(row["value_den"])) == gap


@pytest.mark.parametrize(("npl", "verdict"), [("50000.00", "met"), ("50000.01", "not_met")])
def test_tolerance_one_fen_beyond_from_returns(tmp_path, npl, verdict):
    # S71: 1,000,000 inclusive, `npl` bad; G01/G11: 80,000 of 4,000,000 bad = 2.00 %, unmoved.
    text = f"""
    item         value
    S71_I_1.A1   400000
    S71_I_1.A2   300000
    S71_I_1.A3   100000
    S71_I_3.A1   100000
    S71_I_3.A2   50000
    S71_I_3.A3   50000
    S71_I_1.C1   {npl}
    S71_I_1.C2   0
    S71_I_1.C3   0
    S71_I_3.C1   0
    S71_I_3.C2   0
    S71_I_3.C3   0
    G01.loans    4000000
    G11.npl      80000
    """
    row = County(tmp_path).with_returns("2021Q4", "HCNS0001", text).indicator("C7.2")
    assert (row["verdict"], row["source"]) == (verdict, "returns")


def test_no_inclusive_loans_is_not_applicable_and_never_met(tmp_path):
    text = "loan_id customer_id balance five_class\nL1 K1 100 normal"
    people = "customer_id size\nK1 large"
    row = County(tmp_path).with_loans("2021Q4", "HCNS0001", text, people).indicator("C7.2")
    assert (row["verdict"], row["value_num"]) == ("not_applicable", None)


def test_no_all_loan_figure_is_no_data_and_names_what_is_missing(tmp_path):
    text = """
    item                value
    QS.incl_balance     100
    QS.incl_npl         1
    """
    row = County(tmp_path).with_returns("2021Q4", "HCNS0001", text).indicator("C7.2")
    assert row["verdict"] == "no_data"
    assert "G01.loans" in row["reason"]


def test_a_missing_column_is_no_data_and_named_never_zero(tmp_path):
    text = "loan_id balance\nL1 100"
    county = County(tmp_path).with_loans("2021Q4", "HCNS0001", text, absent=("five_class",))
    row = county.indicator("C7.2")
    assert row["verdict"] == "no_data"
    assert "五级分类（five_class）" in row["reason"]


def test_nothing_submitted_is_no_data(tmp_path):
    text = "loan_id balance\nL1 100"
    county = County(tmp_path).with_loans("2021Q4", "HCNS0001", text)
    row = county.indicator("C7.2", "HCXX0009")
    assert row["verdict"] == "no_data"
    assert "未报送" in row["reason"]


GROWTH = """
loan_id customer_id balance
L1      K1          {mse}
L2      K2          {other}
"""


@pytest.mark.parametrize(
    ("now", "verdict"),
    [
        # All loans 1,000 → 1,100 = +10 %. Inclusive 200 → 220 = +10 %: gap 0, at the limit.
        ("220.00", "met"),
        # 219.99 with the rest 880.01: all loans still 1,100; +9.995 % − 10 % = −0.005 points.
        ("219.99", "not_met"),
        ("220.01", "met"),
    ],
)
def test_growth_gap_one_fen_either_side(tmp_path, now, verdict):
    rest = f"{1100 - float(now):.2f}"
    county = County(tmp_path)
    county.with_loans("2020Q4", "HCNS0001", GROWTH.format(mse="200", other="800"), PEOPLE)
    county.with_loans("2021Q4", "HCNS0001", GROWTH.format(mse=now, other=rest), PEOPLE)
    assert county.indicator("C2.1a")["verdict"] == verdict


def test_growth_without_the_start_of_year_is_no_data(tmp_path):
    county = County(tmp_path).with_loans(
        "2021Q4", "HCNS0001", GROWTH.format(mse="1", other="1"), PEOPLE
    )
    row = county.indicator("C2.1a")
    assert row["verdict"] == "no_data"
    assert "2020Q4" in row["reason"]


def test_growth_from_nothing_is_no_data_not_infinite(tmp_path):
    county = County(tmp_path)
    county.with_loans("2020Q4", "HCNS0001", "loan_id customer_id balance\nL2 K2 800", PEOPLE)
    county.with_loans("2021Q4", "HCNS0001", GROWTH.format(mse="1", other="1"), PEOPLE)
    row = county.indicator("C2.1a")
    assert row["verdict"] == "no_data"
    assert "分母为零" in row["reason"]


@pytest.mark.parametrize(
    ("facts", "verdict"),
    [
        ({}, "met"),  # a local legal person is judged
        ({**LARGE, "has_plan": False}, "met"),  # a branch without a plan handed down is judged
        ({**LARGE, "has_plan": True}, "shown"),  # with a plan it is only shown
        ({"kind": "property_insurer"}, "not_applicable"),
        ({"kind": "policy"}, "not_applicable"),
    ],
)
def test_who_the_growth_clause_judges(tmp_path, facts, verdict):
    county = County(tmp_path)
    for quarter in ("2020Q4", "2021Q4"):
        county.with_loans(quarter, "HCNS0001", GROWTH.format(mse="100", other="1"), PEOPLE)
    assert county.indicator("C2.1a", **facts)["verdict"] == verdict


def test_a_line_of_exactly_ten_million_is_inclusive_and_one_fen_more_is_not(tmp_path):
    text = "loan_id customer_id balance\nL1 K1 100\nL2 K2 10"
    people = "customer_id credit_line\nK1 10000000.00\nK2 10000000.01"
    county = County(tmp_path).with_loans("2021Q4", "HCNS0001", text, people)
    found = {
        (r["measure_id"]): r["value"]
        for r in county.measures().to_pylist()
        if r["branch_id"] is None
    }
    assert found["incl_balance"] == 100
    assert found["all_loans"] == 110


def test_customers_are_distinct_at_each_level_and_never_summed(tmp_path):
    # K1 borrows at both branches: 2 customers in the institution, 1 + 2 at the branches.
    text = """
    loan_id branch_id customer_id balance
    L1      B1        K1          1
    L2      B2        K1          1
    L3      B2        K2          1
    L4      B2        K2          1
    """
    county = County(tmp_path).with_loans("2021Q4", "HCNS0001", text)
    found = {
        r["branch_id"]: r["value"]
        for r in county.measures().to_pylist()
        if r["measure_id"] == "assessed_customers"
    }
    assert found == {None: 2, "B1": 1, "B2": 2}


def test_a_loan_of_nearly_a_hundred_billion_at_36_percent_sums_exactly(tmp_path):
    # 99,999,999,999.99 × 36 = 3,599,999,999,999.64 yuan·%; twice that for two loans.
    text = """
    loan_id amount          balance         rate_at_drawdown
    L1      99999999999.99  99999999999.99  36
    L2      99999999999.99  99999999999.99  36
    """
    county = County(tmp_path).with_loans("2021Q4", "HCNS0001", text)
    found = {
        r["measure_id"]: r["value"] for r in county.measures().to_pylist() if not r["branch_id"]
    }
    assert str(found["incl_drawn_interest"].normalize()) == "7199999999999.28"
    row = county.indicator("C3.1a")
    assert (row["value_num"], row["value_den"], row["verdict"]) == ("36", "1", "shown")


def test_a_filed_zero_is_the_answer_and_the_ledger_is_not_asked(tmp_path):
    # The return says: no inclusive loans. The ledger has some; the return is of record.
    filed = """
    item             value
    QS.incl_balance  0
    QS.incl_npl      0
    QS.all_loans     1000
    QS.npl           10
    """
    ledger = TOLERANCE.format(good="1", bad="1000000", big="1", bigbad="1")
    county = County(tmp_path).with_loans("2021Q4", "HCNS0001", ledger, PEOPLE)
    row = county.with_returns("2021Q4", "HCNS0001", filed).indicator("C7.2")
    assert (row["verdict"], row["source"], row["value_num"]) == ("not_applicable", "returns", None)


def test_a_filed_zero_denominator_is_no_data_and_the_ledger_is_not_asked(tmp_path):
    filed = """
    item                   as_of       basis    value
    QS.assessed_balance    2021-12-31  as_filed 5
    QS.assessed_balance    2020-12-31  restated 0
    QS.all_loans           2021-12-31  as_filed 5
    QS.all_loans           2020-12-31  restated 5
    """
    county = County(tmp_path)
    for quarter in ("2020Q4", "2021Q4"):
        county.with_loans(quarter, "HCNS0001", GROWTH.format(mse="100", other="1"), PEOPLE)
    row = county.with_returns("2021Q4", "HCNS0001", filed).indicator("C2.1a")
    assert (row["verdict"], row["source"]) == ("no_data", None)
    assert "分母为零" in row["reason"]


@pytest.mark.parametrize("order", [1, -1])
def test_as_filed_rules_over_restated_whatever_their_order(tmp_path, order):
    lines = [
        "QS.assessed_balance 2021-12-31 as_filed 110",
        "QS.assessed_balance 2021-12-31 restated 999",
    ][::order]
    text = "\n".join(["item as_of basis value", *lines])
    county = County(tmp_path).with_returns("2021Q4", "HCNS0001", text)
    found = {r["measure_id"]: r["value"] for r in county.measures().to_pylist()}
    assert found["assessed_balance"] == 110


def test_rows_set_aside_make_a_ledger_value_provisional_and_a_filed_one_not(tmp_path):
    ledger = TOLERANCE.format(good="950000", bad="50000", big="2970000", bigbad="30000")
    county = County(tmp_path).with_loans("2021Q4", "HCNS0001", ledger, PEOPLE)
    county.set_aside["2021Q4", "HCNS0001"] = {"loans": 2, "customers": 1}
    row = county.indicator("C7.2")
    assert row["verdict"] == "met" and "provisional" in row["flags"]
    assert "3 行" in row["reason"]
    # A filed growth rests on no ledger. A filed NPL gap has cross-checks that do.
    filed = "item value\nQS.assessed_balance 110\nQS.all_loans 101"
    before = "item value\nQS.assessed_balance 100\nQS.all_loans 100"
    county.with_returns("2021Q4", "HCNS0001", filed).with_returns("2020Q4", "HCNS0001", before)
    row = county.indicator("C2.1a")
    assert row["verdict"] == "met" and "provisional" not in row["flags"]
    filed = "item value\nQS.incl_balance 1\nQS.incl_npl 0\nQS.all_loans 1\nQS.npl 0"
    row = county.with_returns("2021Q4", "HCNS0001", filed).indicator("C7.2")
    assert row["verdict"] == "met" and "provisional" in row["flags"]


def test_a_lost_ledger_is_no_data_with_its_reason(tmp_path):
    county = County(tmp_path)
    county.with_returns("2021Q4", "HCNS0001", "item value\nQS.incl_balance 1")
    county.missing["2021Q4", "HCNS0001"] = {"loans": "EAST_504.txt 被退回：文件是空的"}
    row = county.indicator("C7.2")
    assert row["verdict"] == "no_data"
    assert "EAST_504.txt 被退回" in row["reason"]


@pytest.mark.parametrize(("loans", "flags"), [(29, ["small"]), (30, [])])
def test_a_branch_of_few_loans_is_decided_all_the_same_and_marked_small(tmp_path, loans, flags):
    lines = [f"L{i} 100" for i in range(loans)]
    text = "\n".join(["loan_id balance", *lines])
    row = County(tmp_path).with_loans("2021Q4", "HCNS0001", text).indicator("C7.2", branch="B1")
    assert (row["verdict"], row["flags"]) == ("met", flags)


def test_a_branch_is_measured_against_its_institutions_figure_of_record(tmp_path):
    # Ledger: 10 of 100 bad at B1 (10 %). Filed: 200 of 1,000 bad = 20 %; gap 10 − 20 = −10.
    ledger = "loan_id balance five_class\nL1 90 normal\nL2 10 loss"
    filed = "item value\nG01.loans 1000\nG11.npl 200"
    county = County(tmp_path).with_loans("2021Q4", "HCNS0001", ledger)
    row = county.with_returns("2021Q4", "HCNS0001", filed).indicator("C7.2", branch="B1")
    assert (row["value_num"], row["value_den"], row["source"]) == ("-10", "1", "ledger")


def test_an_unknown_kind_is_to_verify_and_says_which_fact_is_missing(tmp_path):
    text = "loan_id balance\nL1 100"
    county = County(tmp_path).with_loans("2021Q4", "HCNS0001", text)
    row = county.indicator("C7.2", kind=None)
    assert row["verdict"] == "to_verify"
    assert "机构类型" in row["reason"]


CREDIT = "loan_id guarantee balance\nL1 credit {credit}\nL2 mortgaged {other}"


@pytest.mark.parametrize(
    ("before", "now", "verdict", "wrong_way"),
    [
        (("20", "80"), ("21", "79"), "on_track", 0),
        (("20", "80"), ("20", "80"), "on_track", 0),  # flat
        (("20", "80"), ("10", "90"), "on_track", 1),  # down, but one quarter only
    ],
)
def test_credit_share_against_the_start_of_the_year(tmp_path, before, now, verdict, wrong_way):
    county = County(tmp_path)
    for quarter, (credit, other) in (("2020Q4", before), ("2021Q4", now)):
        county.with_loans(quarter, "HCNS0001", CREDIT.format(credit=credit, other=other))
    row = county.indicator("C4.1a")
    assert (row["verdict"], row["wrong_way"]) == (verdict, wrong_way)


def test_credit_share_down_two_quarters_in_a_row_is_behind(tmp_path):
    county = County(tmp_path)
    for quarter, credit in (("2020Q4", 30), ("2021Q3", 20), ("2021Q4", 10)):
        county.with_loans(quarter, "HCNS0001", CREDIT.format(credit=credit, other=100 - credit))
    row = county.indicator("C4.1a")
    assert (row["verdict"], row["wrong_way"]) == ("behind", 2)


def test_policy_of_the_quarter_judges_two_points_before_2019(tmp_path):
    text = TOLERANCE.format(good="950000", bad="50000", big="2970000", bigbad="30000")
    county = County(tmp_path).with_loans("2018Q4", "HCNS0001", text, PEOPLE)
    row = county.indicator("C7.2", quarter="2018Q4")
    assert (Fraction(row["threshold"]), row["verdict"]) == (2, "not_met")


def test_a_filed_return_rules_over_the_ledger(tmp_path):
    ledger = TOLERANCE.format(good="1", bad="1000000", big="1", bigbad="1")
    filed = """
    item             value
    QS.incl_balance  1000
    QS.incl_npl      10
    QS.all_loans     1000
    QS.npl           10
    """
    county = County(tmp_path).with_loans("2021Q4", "HCNS0001", ledger, PEOPLE)
    row = county.with_returns("2021Q4", "HCNS0001", filed).indicator("C7.2")
    assert (row["source"], row["value_num"]) == ("returns", "0")
