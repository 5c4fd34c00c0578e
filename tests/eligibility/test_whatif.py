"""What-if: verdicts before and after, every line marked as supposed, nothing saved."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from eligibility.test_tolerance import BANK, BRANCHES, Q4, lent
from puhui.eligibility import Supposed, whatif, whatif_lines
from puhui.errors import PuhuiError


@pytest.fixture(scope="module")
def county(tmp_path_factory):
    return lent(tmp_path_factory.mktemp("whatif"), *BRANCHES)


@pytest.fixture(scope="module")
def bench(county):
    return county.bench()


def verdicts(changes):
    return {c.branch_id: (c.before["verdict"], c.after["verdict"], c.differs) for c in changes}


# The institution and B1 stand at 4 points, B1 against its own ratio at 3.75.
@pytest.mark.parametrize(
    ("tolerance", "comparator", "whole", "branch"),
    [
        ("4", None, "met", "met"),
        ("3.99", None, "not_met", "not_met"),
        ("3.75", "branch", "not_met", "met"),
        ("3.74", "branch", "not_met", "not_met"),
        (None, "branch", "not_met", "not_met"),
        ("0", None, "not_met", "not_met"),
    ],
)
def test_before_and_after(county, bench, tolerance, comparator, whole, branch):
    supposed = Supposed(None if tolerance is None else Decimal(tolerance), comparator)
    changes = whatif(bench, county.facts(BANK), ("B1", "B2"), supposed)
    assert verdicts(changes) == {
        None: ("not_met", whole, whole == "met"),
        "B1": ("not_met", branch, branch == "met"),
        "B2": ("not_applicable", "not_applicable", False),
    }


def test_every_line_is_marked_and_nothing_is_written(county, bench):
    before = {p: p.read_bytes() for p in Path(county.store.root).rglob("*") if p.is_file()}
    supposed = Supposed(Decimal("3.75"), "branch")
    said = list(whatif_lines(whatif(bench, county.facts(BANK), ("B1", "B2"), supposed), supposed))
    assert all(line.startswith("【假设】") for line in said)
    assert said == [
        "【假设】容忍度为 3.75 个百分点，网点的比较基准为网点自身各项贷款不良率。"
        "以下不是结论，不写入结果。",
        "【假设】HCNS0001：未达标（差额 4.0000，界限 3.00）　→　未达标（差额 4.0000，界限 3.75）",
        "【假设】B1：未达标（差额 4.0000，界限 3.00）　→　达标（差额 3.7500，界限 3.75）"
        "　←　结论不同",
        "【假设】B2：不适用　→　不适用",
        "【假设】3 个单位中，1 个的结论会不同。",
    ]
    assert {p: p.read_bytes() for p in Path(county.store.root).rglob("*") if p.is_file()} == before


@pytest.mark.parametrize(
    ("supposed", "said"),
    [
        (Supposed(), "没有给出假设"),
        (Supposed(Decimal("-0.01")), "“-0.01”不可用"),
        (Supposed(Decimal("100.01")), "不可用"),
        (Supposed(Decimal("nan")), "不可用"),
        (Supposed(comparator="county"), "没有比较基准“county”"),
    ],
)
def test_what_cannot_be_supposed(county, bench, supposed, said):
    with pytest.raises(PuhuiError, match=said):
        whatif(bench, county.facts(BANK), (), supposed)


def test_the_ends_of_the_scale_can_be_supposed():
    assert Supposed(Decimal(0)).settings() == {"npl_tolerance_pp": 0}
    assert Supposed(Decimal(100)).settings() == {"npl_tolerance_pp": 100}
    assert Supposed(comparator="branch").settings() == {"tolerance_comparator": "branch"}


def test_the_quarter_is_the_run_s(county, bench):
    changes = whatif(bench, county.facts(BANK), (), Supposed(Decimal(4)))
    assert {c.after["quarter"] for c in changes} == {Q4}
