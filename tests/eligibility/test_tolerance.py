"""Tolerance tables: comparators, cross-checks, own limits, quarantine, history; worked by hand.

K1 is a small enterprise (inclusive), K2 a large one (outside the scope). Amounts in yuan.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest

from indicators.test_doubts import Worst
from puhui.eligibility import history_table, supposing, tolerance_table
from puhui.errors import ParamsError
from vocabulary import LARGE, County

BANK, Q4 = "HCNS0001", "2021Q4"
PEOPLE = "customer_id size\nK1 small\nK2 large"
HEADER = (
    "loan_id branch_id customer_id balance five_class overdue_since status closed_on "
    "written_off_amount transferred_amount issue_kind extended_to"
)


def loan(name, customer, balance, cls="normal", branch="B1", **more):
    """One line of a ledger."""
    cells = {"loan_id": name, "branch_id": branch, "customer_id": customer}
    cells |= {"balance": balance, "five_class": cls, **more}
    return " ".join(str(cells.get(c, PLAIN.get(c, "-"))) for c in HEADER.split())


PLAIN = {"status": "normal", "issue_kind": "new"}
#: 4 of 100 inclusive bad, 4 of 400 in all: 4 % − 1 % = 3 points, exactly the limit.
AT_LIMIT = (
    loan("L1", "K1", 96),
    loan("L2", "K1", 4, "loss"),
    loan("L3", "K2", 300),
)


def lent(folder, *lines, kind=County, quarter=Q4):
    return kind(folder).with_loans(quarter, BANK, "\n".join([HEADER, *lines]), PEOPLE)


def table(county, branches=("B1",), bench=None, **facts):
    """Rows of the tolerance table by branch."""
    rows = tolerance_table(bench or county.bench(), county.facts(BANK, **facts), branches)
    return {row["branch_id"]: row for row in rows.to_pylist()}


def value(row, name="gap"):
    return Fraction(int(row[f"{name}_num"]), int(row[f"{name}_den"]))


# ---- Cross-checks

WRITTEN_OFF = {"status": "written_off", "closed_on": "2021-05-01", "written_off_amount": 6}
LATE = {"status": "overdue"}
CHECKED = [
    # what is in the ledger beside the three → verdict, with removed, with late, reserved by
    ([], "met", "3", "3", []),
    # 10 of 106 less 10 of 406: 1000/106 − 1000/406 = 6.9709 points.
    (
        [loan("W1", "K1", 0, **WRITTEN_OFF)],
        "met_reserved",
        Fraction(1000, 106) - Fraction(1000, 406),
        "3",
        ["with_removed"],
    ),
    # The same transferred, on the last day of the year.
    (
        [loan("W1", "K1", 0, status="transferred", closed_on="2021-12-31", transferred_amount=6)],
        "met_reserved",
        Fraction(1000, 106) - Fraction(1000, 406),
        "3",
        ["with_removed"],
    ),
    # Written off the year before: not this year's.
    ([loan("W1", "K1", 0, **{**WRITTEN_OFF, "closed_on": "2020-12-31"})], "met", "3", "3", []),
    # A large firm's written off counts on the right only: 4 % − 10/406.
    ([loan("W1", "K2", 0, **WRITTEN_OFF)], "met", 4 - Fraction(1000, 406), "3", []),
    # One yuan 91 days overdue and normal, in 401 and 101: paper 400/101 − 400/401 = 2.963;
    # counted 500/101 − 500/401 = 3.7036.
    (
        [loan("D1", "K1", 1, overdue_since="2021-10-01", **LATE)],
        "met_reserved",
        Fraction(400, 101) - Fraction(400, 401),
        Fraction(500, 101) - Fraction(500, 401),
        ["with_late"],
    ),
    # 90 days are not more than 90.
    (
        [loan("D1", "K1", 1, overdue_since="2021-10-02", **LATE)],
        "met",
        Fraction(400, 101) - Fraction(400, 401),
        Fraction(400, 101) - Fraction(400, 401),
        [],
    ),
    # Bad already, and late: counted once. 5/101 − 5/401 on paper too, beyond the limit.
    (
        [loan("D1", "K1", 1, "loss", overdue_since="2021-01-01", **LATE)],
        "not_met",
        Fraction(500, 101) - Fraction(500, 401),
        Fraction(500, 101) - Fraction(500, 401),
        [],
    ),
]


@pytest.mark.parametrize(("more", "verdict", "removed", "late", "reserved"), CHECKED)
def test_cross_checks(tmp_path, more, verdict, removed, late, reserved):
    row = table(lent(tmp_path, *AT_LIMIT, *more))[None]
    assert row["verdict"] == verdict
    assert row["with_removed_pp"] == pytest.approx(float(Fraction(removed)), abs=1e-10)
    assert row["with_late_pp"] == pytest.approx(float(Fraction(late)), abs=1e-10)
    assert row["reserved_by"] == reserved
    assert ("加回当年核销和转让" in (row["reason"] or "")) is ("with_removed" in reserved)
    assert ("逾期90天以上" in (row["reason"] or "")) is ("with_late" in reserved)


def test_an_overdue_loan_without_its_day_leaves_the_check_open_and_says_so(tmp_path):
    row = table(lent(tmp_path, *AT_LIMIT, loan("D1", "K1", 0, **LATE)))[None]
    assert (row["verdict"], row["with_late_pp"]) == ("met", None)
    assert "无法核对" in row["reason"] and "1 行所需内容为空" in row["reason"]


def test_what_was_written_off_and_put_off_is_shown(tmp_path):
    more = (
        loan("W1", "K1", 0, **WRITTEN_OFF),
        loan("W2", "K2", 0, **WRITTEN_OFF),
        loan("R1", "K1", 10, issue_kind="renewal"),
        loan("R2", "K1", 10, issue_kind="refinance"),
        loan("R3", "K1", 5, issue_kind="restructured"),
        loan("R4", "K1", 20, extended_to="2022-06-30"),
        loan("R5", "K1", 5, issue_kind="extended", extended_to="2022-06-30"),
        loan("R6", "K2", 50, issue_kind="renewal"),
    )
    row = table(lent(tmp_path, *AT_LIMIT, *more))[None]
    # 10 + 10 + 20 + 5 of 150 inclusive; of the two written off 6 is inclusive.
    assert (row["put_off_pct"], row["removed"]) == (30, Decimal("6.00"))


def test_figures_filed_alone_cannot_be_checked_and_say_so(tmp_path):
    filed = "item value\nQS.incl_balance 100\nQS.incl_npl 4\nQS.all_loans 400\nQS.npl 4"
    county = County(tmp_path).with_returns(Q4, BANK, filed)
    row = table(county, ())[None]
    assert (row["verdict"], row["source"], row["reserved_by"]) == ("met", "returns", [])
    assert row["with_removed_pp"] is None and row["with_late_pp"] is None
    assert row["reason"].count("无法核对") == 2 and "未报送台账" in row["reason"]
    # 4 % − 1 %, at the limit.
    assert (row["headroom_kind"], row["headroom"]) == ("room", Decimal("0.00"))


def test_filed_figures_are_checked_with_what_the_ledger_adds(tmp_path):
    filed = "item value\nQS.incl_balance 1000\nQS.incl_npl 20\nQS.all_loans 4000\nQS.npl 40"
    county = lent(tmp_path, *AT_LIMIT, loan("W1", "K1", 0, **WRITTEN_OFF))
    row = table(county.with_returns(Q4, BANK, filed))[None]
    # 2 % − 1 % on paper; 26/1006 − 46/4006 with the 6 of the ledger.
    assert (row["source"], value(row), row["verdict"]) == ("returns", 1, "met")
    expected = Fraction(2600, 1006) - Fraction(4600, 4006)
    assert row["with_removed_pp"] == pytest.approx(float(expected), abs=1e-10)


# ---- Comparators

# B1: 5 of 100 inclusive bad and 300 good besides: 5 of 400. B2: 100 good. In all 5 of 500.
BRANCHES = (
    loan("L1", "K1", 5, "loss"),
    loan("L2", "K1", 95),
    loan("L3", "K2", 300),
    loan("L4", "K2", 100, branch="B2"),
)


@pytest.fixture(scope="module")
def branched(tmp_path_factory):
    return lent(tmp_path_factory.mktemp("branched"), *BRANCHES)


@pytest.fixture(scope="module")
def bench(branched):
    return branched.bench()


def test_both_comparators_and_which_rules(branched, bench):
    rows = table(branched, ("B1", "B2"), bench)
    whole, branch = rows[None], rows["B1"]
    assert (value(whole), whole["comparator"], whole["other_comparator"]) == (
        4,
        "institution",
        None,
    )
    # 5 − 1 = 4 against the institution, 5 − 1.25 = 3.75 against its own.
    assert (branch["comparator"], value(branch)) == ("institution", 4)
    assert (branch["other_comparator"], value(branch, "other_gap")) == ("branch", Fraction(15, 4))
    assert branch["other_npl_pct"] == 1.25
    # 4 points: 1 over. Upgrade: 0.01 ÷ (1/100 − 1/500) = 1.25 yuan. Repaid y:
    # 495/(500 − y) − 95/(100 − y) ≤ 0.03; 1.30: 0.0300514, 1.31: 0.0299759 (rounded).
    assert (branch["headroom_kind"], branch["to_upgrade"]) == ("over", Decimal("1.25"))
    assert branch["to_recover"] == Decimal("1.31") and branch["headroom"] is None
    assert Fraction(495) / Fraction("498.70") - Fraction(95) / Fraction("98.70") > Fraction("0.03")
    assert Fraction(495) / Fraction("498.69") - Fraction(95) / Fraction("98.69") < Fraction("0.03")


def test_where_the_comparators_disagree_both_verdicts_stand(branched, bench):
    row = table(branched, ("B1",), supposing(bench, npl_tolerance_pp=Decimal("3.9")))["B1"]
    assert (row["verdict"], row["other_verdict"]) == ("not_met", "met")
    other = supposing(bench, npl_tolerance_pp=Decimal("3.9"), tolerance_comparator="branch")
    row = table(branched, ("B1",), other)["B1"]
    assert (row["verdict"], row["comparator"]) == ("met", "branch")
    assert (row["other_verdict"], row["other_comparator"]) == ("not_met", "institution")
    # 0.15 points to spare, each yuan 1/100 − 1/400: 0.0015 ÷ 0.0075 = 0.2.
    assert (row["headroom_kind"], row["headroom"]) == ("room", Decimal("0.20"))


def test_a_published_ratio_does_not_move_with_the_branch(branched, bench):
    facts = {**LARGE, "legal_person_npl_ratio": Fraction(5, 2)}
    row = table(branched, ("B1",), bench, **facts)["B1"]
    # 5 − 2.5 = 2.5; 0.5 points of 100 yuan.
    assert (row["comparator"], value(row)) == ("legal_person", Fraction(5, 2))
    assert (row["headroom"], row["other_comparator"]) == (Decimal("0.50"), "branch")
    row = table(branched, ("B1",), bench, **LARGE)["B1"]
    assert (row["comparator"], value(row)) == ("reporting_unit", 4)


def test_nothing_inclusive_is_not_applicable_and_nothing_known_is_no_data(branched, bench):
    rows = table(branched, ("B2", "B9"), bench)
    assert rows["B2"]["verdict"] == rows["B2"]["other_verdict"] == "not_applicable"
    assert rows["B9"]["verdict"] == rows["B9"]["other_verdict"] == "no_data"
    for row in (rows["B2"], rows["B9"]):
        assert (
            row["gap_num"] is None and row["headroom_kind"] is None and row["own_verdict"] is None
        )
        assert row["reason"]


def test_few_loans_are_marked_and_decided_all_the_same(branched, bench):
    assert "small" in table(branched, ("B1",), bench)["B1"]["flags"]
    few = supposing(bench, min_loans_small_branch=2)
    row = table(branched, ("B1",), few)["B1"]
    assert "small" not in row["flags"] and row["verdict"] == "not_met"


def test_bills_left_out_leave_the_headroom_too(tmp_path):
    text = """
    loan_id customer_id product         balance five_class
    L1      K1          working_capital 96      normal
    L2      K1          working_capital 4       loss
    L3      K2          working_capital 200     normal
    L4      K1          discount        100     normal
    """
    county = County(tmp_path).with_loans(Q4, BANK, text, PEOPLE)
    bench = county.bench()
    row = table(county, (), bench)[None]
    # Bills in: 4 of 200, 2 %, less 1 %: 2 points to spare, 0.02 ÷ (1/200 − 1/400) = 8.
    assert (value(row), row["headroom"]) == (1, Decimal("8.00"))
    row = table(county, (), supposing(bench, tolerance_includes_bills=False))[None]
    assert (value(row), row["headroom"], row["headroom_kind"]) == (3, Decimal("0.00"), "room")


def test_more_inclusive_than_all_is_a_conflict_and_provisional(tmp_path):
    filed = "item value\nQS.incl_balance 500\nQS.incl_npl 4\nQS.all_loans 400\nQS.npl 4"
    row = table(County(tmp_path).with_returns(Q4, BANK, filed), ())[None]
    assert (row["verdict"], row["headroom_kind"], row["headroom"]) == ("met", "conflict", None)
    assert row["flags"] == ["provisional"] and "数据矛盾" in row["reason"]


# ---- Own limits

PLANS = """
institution_id branch_id item             target
HCNS0001       B1        npl_tolerance_pp 5.00
HCNS0001       B2        npl_tolerance_pp 2.00
HCNS0001       B2        npl_tolerance_pp 2.50
HCNS0001       B1        assessed_balance 1
"""


def test_the_banks_own_limit_and_those_handed_down(tmp_path):
    county = lent(tmp_path, *BRANCHES, loan("L5", "K1", 50, branch="B2"))
    county.with_answers(Q4, BANK, "item value\nC7.1.tolerance_pp 3.80").with_office("plans", PLANS)
    rows = table(county, ("B1", "B2", "B3"))
    own = {b: (r["own_tolerance_pp"], r["own_basis"], r["own_verdict"]) for b, r in rows.items()}
    # In all 5 of 150 is 3.33 %, less 5 of 550, 0.91 %: 2.42. B1: 5 − 0.91 = 4.09 within 5.
    assert own[None] == ("3.80", "bank", "met")
    assert own["B1"] == ("5.00", "unit", "met") and rows["B1"]["verdict"] == "not_met"
    assert own["B2"] == (None, "several", None)
    assert own["B3"] == ("3.80", "bank", None)  # no such branch: nothing to judge


@pytest.mark.parametrize(("own", "verdict"), [("3.00", "met"), ("2.99", "not_met")])
def test_a_gap_of_three_points_by_a_limit_of_its_own(tmp_path, own, verdict):
    county = lent(tmp_path, *AT_LIMIT)
    row = table(county.with_answers(Q4, BANK, f"item value\nC7.1.tolerance_pp {own}"))[None]
    assert (row["verdict"], row["own_tolerance_pp"], row["own_verdict"]) == ("met", own, verdict)


# ---- Quarantine

#: B1 stands at its limit with L2 counted: 4 % − 1 %.
SET_ASIDE = "loan_id branch_id balance five_class\nL2 B1 4 loss"


def test_quarantining_a_bad_loan_of_a_branch_at_its_limit_makes_it_provisional(tmp_path):
    rows = table(lent(tmp_path / "whole", *AT_LIMIT))
    assert (rows["B1"]["verdict"], "provisional" in rows["B1"]["flags"]) == ("met", False)
    # The same ledger, its bad loan set aside: 0 % − 0 % on paper.
    kept = (AT_LIMIT[0], AT_LIMIT[2])
    county = lent(tmp_path / "aside", *kept, kind=Worst).quarantine(Q4, SET_ASIDE)
    row = table(county)["B1"]
    assert (row["verdict"], value(row)) == ("met", 0)
    # At worst 4 of 96 bad and none elsewhere: 4.1667 %, less 0 of 400.
    assert "provisional" in row["flags"] and "按最不利情形结论会改变" in row["reason"]


def test_a_bad_loan_set_aside_that_turns_nothing_is_counted_and_leaves_the_verdict(tmp_path):
    county = lent(tmp_path, AT_LIMIT[0], AT_LIMIT[2], kind=Worst)
    row = table(county.quarantine(Q4, "loan_id branch_id balance five_class\nL2 B1 1 loss"))["B1"]
    assert row["verdict"] == "met" and "provisional" not in row["flags"]
    assert "结论也不变" in row["reason"]


def test_a_write_off_set_aside_could_reserve_the_verdict(tmp_path):
    # 1 of 100 bad, 1 of 400: 0.75 points. With 6 more written off: 7/106 − 1/400 at worst,
    # 6.35 points; the row itself, of balance 0, turns nothing on paper.
    mine = (loan("L1", "K1", 99), loan("L2", "K1", 1, "loss"), loan("L3", "K2", 300))
    text = "loan_id balance written_off_amount transferred_amount\nX1 0 {} -"
    for amount, turned in ((6, True), (1, False)):
        county = lent(tmp_path / str(amount), *mine, kind=Worst).quarantine(Q4, text.format(amount))
        row = table(county)[None]
        assert row["verdict"] == "met" and ("provisional" in row["flags"]) is turned


# ---- By date


def test_each_quarter_by_its_own_policy(tmp_path):
    # 4 % − 1 % at each: 2 points were allowed in 2018, 3 are now.
    county = lent(tmp_path, *AT_LIMIT)
    for quarter in ("2018Q4", "2021Q3"):
        county.with_loans(quarter, BANK, "\n".join([HEADER, *AT_LIMIT]), PEOPLE)
    rows = history_table(county.bench(Q4, "2018Q4"), county.facts(BANK), ("B1",)).to_pylist()
    found = {(r["quarter"], r["branch_id"]): (r["tolerance_pp"], r["verdict"]) for r in rows}
    assert found == {
        (q, b): v
        for q, v in {
            "2018Q4": ("2.00", "not_met"),
            "2021Q3": ("3.00", "met"),
            "2021Q4": ("3.00", "met"),
        }.items()
        for b in (None, "B1")
    }
    assert all(value(row) == 3 for row in rows)


def test_a_supposed_setting_must_exist_and_be_of_its_type(bench):
    with pytest.raises(ParamsError, match="没有政策项"):
        supposing(bench, npl_tolerance=Decimal(1))
    with pytest.raises(ParamsError, match="不能是"):
        supposing(bench, npl_tolerance_pp="three")
    changed = supposing(bench, npl_tolerance_pp=Decimal("2.5")).params.policy.on(bench.quarter.end)
    assert (changed["npl_tolerance_pp"], changed.source("npl_tolerance_pp")) == (2.5, "假设")
    assert bench.params.policy.on(bench.quarter.end)["npl_tolerance_pp"] == 3
