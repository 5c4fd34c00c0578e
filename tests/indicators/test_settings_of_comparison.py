"""Settings the notice leaves open: whom a branch is held against, and whether bills count."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from puhui.params.policy import Policy
from vocabulary import LARGE, County

BANK = "HCNS0001"


def with_setting(county, name, value):
    """The county judged under one setting changed for all time."""
    history = county.params.policy.settings[name]
    entry = replace(history.values[0], value=value)
    settings = {**county.params.policy.settings, name: replace(history, values=(entry,))}
    county.params = replace(county.params, policy=Policy(settings))
    return county


def value(row):
    return Fraction(int(row["value_num"]), int(row["value_den"]))


# B1: inclusive 5 of 100 bad, and a large firm's 300 good: 5 of 400 is 1.25 % at the branch.
# B2: 100 more, good: 5 of 500 is 1 % in the whole bank.
BRANCHES = """
loan_id branch_id customer_id balance five_class
L1      B1        K1          5       loss
L2      B1        K1          95      normal
L3      B1        K2          300     normal
L4      B2        K2          100     normal
"""
PEOPLE = "customer_id size\nK1 small\nK2 large"


@pytest.mark.parametrize(
    ("comparator", "facts", "gap", "verdict"),
    [
        ("institution", {}, "4", "not_met"),  # 5 − 1
        ("branch", {}, "15/4", "not_met"),  # 5 − 1.25 = 3.75
        # Its legal person published 2 %: only asked where institutions are compared with.
        ("institution", {**LARGE, "legal_person_npl_ratio": Fraction(2)}, "3", "met"),
        ("branch", {**LARGE, "legal_person_npl_ratio": Fraction(2)}, "15/4", "not_met"),
    ],
)
def test_whom_a_branch_is_held_against(tmp_path, comparator, facts, gap, verdict):
    county = County(tmp_path).with_loans("2021Q4", BANK, BRANCHES, PEOPLE)
    with_setting(county, "tolerance_comparator", comparator)
    row = county.indicator("C7.2", branch="B1", **facts)
    assert (value(row), row["verdict"]) == (Fraction(gap), verdict)


@pytest.mark.parametrize("comparator", ["institution", "branch"])
def test_an_institution_itself_is_always_held_against_itself(tmp_path, comparator):
    # 5 of 100 is 5 %, 5 of 500 is 1 %.
    county = County(tmp_path).with_loans("2021Q4", BANK, BRANCHES, PEOPLE)
    row = with_setting(county, "tolerance_comparator", comparator).indicator("C7.2")
    assert (value(row), row["verdict"]) == (4, "not_met")


BILLS = """
loan_id product         balance five_class
L1      working_capital 95      normal
L2      working_capital 5       loss
L3      discount        100     normal
L4      rediscount      300     normal
"""


@pytest.mark.parametrize(
    ("bills", "gap", "verdict"),
    [
        # All loans: 5 of 500 is 1 %. Discounted bills in: 5 of 200, 2.5 %; out: 5 of 100, 5 %.
        (True, "3/2", "met"),
        (False, "4", "not_met"),
    ],
)
def test_whether_bills_count_among_inclusive_loans(tmp_path, bills, gap, verdict):
    county = County(tmp_path).with_loans("2021Q4", BANK, BILLS)
    row = with_setting(county, "tolerance_includes_bills", bills).indicator("C7.2")
    assert (value(row), row["verdict"]) == (Fraction(gap), verdict)


def test_bills_alone_are_nothing_to_judge_where_bills_do_not_count(tmp_path):
    county = County(tmp_path).with_loans("2021Q4", BANK, "loan_id product balance\nL1 discount 9")
    assert county.indicator("C7.2")["verdict"] == "met"
    out = with_setting(county, "tolerance_includes_bills", False).indicator("C7.2")
    assert (out["verdict"], out["value_num"]) == ("not_applicable", None)


@pytest.mark.parametrize(
    ("bills", "gap", "verdict"),
    [
        # Inclusive 100 → 110 is +10 %. All loans 200 → 240 with 100 → 130 of bills is +20 %;
        # without bills 100 → 110 is +10 %.
        (True, "-10", "not_met"),
        (False, "0", "met"),
    ],
)
def test_whether_bills_count_among_all_loans_that_growth_is_held_against(
    tmp_path, bills, gap, verdict
):
    county = County(tmp_path)
    for quarter, loan, bill in (("2020Q4", 100, 100), ("2021Q4", 110, 130)):
        text = f"loan_id product balance\nL1 working_capital {loan}\nL2 rediscount {bill}"
        county.with_loans(quarter, BANK, text)
    row = with_setting(county, "growth_comparator_includes_bills", bills).indicator("C2.1a")
    assert (value(row), row["verdict"]) == (Fraction(gap), verdict)
