"""Figures shown beside the indicators' values: worked by hand, absent rather than wrong."""

from __future__ import annotations

from fractions import Fraction

import pytest

from puhui.indicators import parts_table
from vocabulary import County

BANK = "HCNS0001"
BEFORE = """
loan_id customer_id branch_id balance    rate_now
L1      K1          BR01      1000000    6.0
L9      K9          BR09      500000     6.0
"""
NOW = """
loan_id customer_id branch_id balance    rate_now
L1      K1          BR01      1100000    5.0
L2      K2          BR02      700000     4.0
"""

ANSWERS = """
item             value document_no   in_force_from
C9.1.arrangement 是    发〔2021〕1号 2021-06-30
C9.1.listed      5     -             -
C9.1.contacted   4     -             -
"""


@pytest.fixture(scope="module")
def county(tmp_path_factory):
    made = County(tmp_path_factory.mktemp("parts"))
    made.with_loans("2020Q4", BANK, BEFORE).with_loans("2021Q4", BANK, NOW)
    return made


@pytest.fixture(scope="module")
def parts(county):
    table = parts_table(county.bench(), county.facts(BANK), ["BR02", "BR01"])
    found = {}
    for row in table.to_pylist():
        key = (row["indicator_id"], row["branch_id"], row["part"])
        assert key not in found
        found[key] = row
    return found


def value(row):
    return Fraction(int(row["value_num"]), int(row["value_den"]))


def test_growth_of_the_institution_and_of_a_branch(parts):
    # 1,800,000 over 1,500,000 is 20 % more; at BR01 1,100,000 over 1,000,000 is 10 %.
    assert value(parts["C2.1a", None, "growth_pct"]) == 20
    assert value(parts["C2.1a", "BR01", "growth_pct"]) == 10


def test_what_has_no_base_has_no_row(parts):
    assert ("C2.1a", "BR02", "growth_pct") not in parts
    assert ("C2.1b", "BR02", "customers_year_start") not in parts
    assert value(parts["C7.2", "BR02", "all_npl_pct"]) == 0  # which asks for no base


def test_a_part_comes_from_its_own_source(parts):
    # (1,100,000 × 5 + 700,000 × 4) / 1,800,000 = 83/18 percent.
    assert value(parts["C3.1a", None, "balance_weighted"]) == Fraction(83, 18)


def test_parts_of_branches_only_where_the_indicator_goes_there(parts):
    at_branches = {(i, b) for i, b, _ in parts if b is not None}
    assert {i for i, _ in at_branches} == {"C2.1a", "C2.1b", "C7.2"}
    assert list(parts) == sorted(parts, key=lambda k: (k[1] is not None, k[1] or ""))


def test_a_row_says_whose_and_when_and_in_what_unit(parts):
    row = parts["C2.1b", "BR01", "customers"]
    assert (row["quarter"], row["institution_id"], row["unit"]) == ("2021Q4", BANK, "户")
    assert parts["C2.1a", None, "with_removed"]["unit"] == "百分点"


def test_no_parts_where_the_clause_does_not_apply(county):
    insurer = county.facts(BANK, kind="property_insurer", is_local_legal_person=False)
    found = {r["indicator_id"] for r in parts_table(county.bench(), insurer, []).to_pylist()}
    assert not found & {"C2.1a", "C3.1a", "C7.2"}


def test_parts_beside_answers_are_answered_too(tmp_path):
    made = County(tmp_path).with_answers("2021Q4", BANK, ANSWERS)
    table = parts_table(made.bench(), made.facts(BANK), [])
    found = {(r["indicator_id"], r["part"]): r for r in table.to_pylist()}
    assert value(found["C9.1", "listed"]) == 5
    assert value(found["C9.1", "contacted"]) == 4
    assert found["C9.1", "listed"]["unit"] == "家"
    assert ("C9.1", "granted") not in found  # asked, not answered
