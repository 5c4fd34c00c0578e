"""Days from application to money: the median, nine in ten, and what is not counted.

Every application is made on 1 June 2021 unless told otherwise, and the money comes on the day
of June named: the 6th is five days.
"""

from __future__ import annotations

from fractions import Fraction

import pytest

from puhui import measures
from puhui.engine import DuckDBEngine
from puhui.errors import ParamsError
from puhui.indicators import Bench, clauses_table, result_row
from puhui.measures.ranking import Counts
from puhui.params.rows import load_measures
from puhui.params.yaml import loads
from puhui.quarter import Quarter
from vocabulary import County

QUARTER = Quarter.parse("2021Q4")
HEADER = "application_id customer_id applied_on disbursed_on decision decided_on"
NOBODY = "loan_id customer_id\nL1 K1"


def granted(*days):
    """Applications granted and disbursed after so many days."""
    return [f"A{i} K1 2021-06-01 2021-06-{1 + d:02d} granted -" for i, d in enumerate(days)]


def county(folder, lines, people="", **more):
    made = County(folder).with_loans("2021Q4", "HCNS0001", NOBODY, people)
    return made.with_register(
        "2021Q4", "HCNS0001", "applications", "\n".join([HEADER, *lines]), **more
    )


def bench(made):
    snapshots = made.stored()
    with DuckDBEngine([made.store.root]) as engine:
        worked = measures.work_out(engine, made.params, snapshots, QUARTER)
    return Bench.of(made.params, QUARTER, worked.measures)


def row(made, what="median"):
    return result_row(bench(made), made.params.indicators[f"C6.4b.{what}"], made.facts("HCNS0001"))


def exact(found):
    return Fraction(int(found["value_num"]), int(found["value_den"]))


def value(made, measure):
    found = bench(made).measures["2021Q4", "HCNS0001", None, measure, "register"]
    return found["value"], found["reason"]


@pytest.mark.parametrize(
    ("days", "median", "ninety"),
    [
        ((7,), 7, 7),
        ((3, 4), Fraction(7, 2), 4),  # half-way between; 9/10 of 2 is 1.8, so the second
        ((9, 1, 2), 2, 9),
        # ten: the fifth and sixth are 5 and 6; nine of ten do not exceed 9
        ((1, 2, 3, 4, 5, 6, 7, 8, 9, 28), Fraction(11, 2), 9),
        # eleven: nine tenths are 9.9, so the tenth
        ((1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 28), 6, 10),
        ((0, 0, 0, 5), 0, 5),  # the same day
    ],
)
def test_median_and_nine_in_ten(tmp_path, days, median, ninety):
    made = county(tmp_path, granted(*days))
    assert exact(row(made)) == median
    assert exact(row(made, "p90")) == ninety


@pytest.mark.parametrize(
    ("days", "verdict"),
    [((15,), "met"), ((15, 16), "not_met"), ((14, 16), "met")],
    ids=["exactly fifteen", "fifteen and a half", "half-way fifteen"],
)
def test_the_median_at_its_limit(tmp_path, days, verdict):
    assert row(county(tmp_path, granted(*days)))["verdict"] == verdict


@pytest.mark.parametrize(
    ("tenth", "verdict"), [("2021-07-01", "met"), ("2021-07-02", "not_met")], ids=["30", "31"]
)
def test_nine_in_ten_at_its_limit_decide_the_clause_with_the_median(tmp_path, tenth, verdict):
    # Nine of one day and two of 30 or 31: eleven rows, the tenth decides.
    late = [f"Z{i} K1 2021-06-01 {tenth} granted -" for i in range(2)]
    made = county(tmp_path, [*granted(*[1] * 9), *late])
    rows = [row(made), row(made, "p90")]
    assert [r["verdict"] for r in rows] == ["met", verdict]
    told = clauses_table(bench(made), made.facts("HCNS0001"), rows, last=False).to_pylist()
    assert [r["verdict"] for r in told if r["clause"] == "C6.4b"] == [verdict]


def test_only_what_was_granted_and_paid_to_small_customers_counts(tmp_path):
    lines = [
        *granted(5),
        "B1 K1 2021-06-01 - granted -",
        "B2 K1 2021-06-01 - refused 2021-06-04",
        "B3 K2 2021-06-01 2021-06-30 granted -",
    ]
    people = "customer_id size\nK1 small\nK2 large"
    made = county(tmp_path, lines, people)
    made.with_loans("2021Q4", "HCNS0001", "loan_id customer_id\nL1 K1\nL2 K2", people)
    assert (exact(row(made)), value(made, "speed_granted")[0]) == (5, 1)
    assert value(made, "refused_median_days")[0] == 3


def test_waiting_applications_age_to_the_quarters_end(tmp_path):
    # 31 December: applied for on 1 December, thirty days; on 26 December, five.
    lines = ["P1 K1 2021-12-01 - pending -", "P2 K1 2021-12-26 - pending -"]
    made = county(tmp_path, lines)
    assert value(made, "pending_applications")[0] == 2
    assert value(made, "pending_p90_days")[0] == 30


@pytest.mark.parametrize("lines", [[], ["B1 K1 2021-06-01 - refused 2021-06-04"]])
def test_nothing_granted_is_not_concerned(tmp_path, lines):
    found = row(county(tmp_path, lines))
    assert found["verdict"] == "not_applicable"
    assert "没有获批并放款" in found["reason"]


def test_without_the_register_or_a_column_of_it_there_is_no_data(tmp_path):
    made = County(tmp_path / "a").with_loans("2021Q4", "HCNS0001", NOBODY)
    assert "缺表：贷款申请" in row(made)["reason"]
    made = county(tmp_path / "b", granted(5), absent=("disbursed_on",))
    found = row(made)
    assert found["verdict"] == "no_data"
    assert "贷款申请.放款日期（disbursed_on）" in found["reason"]


def test_without_the_customers_nobody_knows_who_is_small(tmp_path):
    made = County(tmp_path)
    made.with_register("2021Q4", "HCNS0001", "applications", "\n".join([HEADER, *granted(5)]))
    found = row(made)
    assert (found["verdict"], "缺表：客户信息" in found["reason"]) == ("no_data", True)


def test_an_unknown_customer_matters_only_where_money_was_paid(tmp_path):
    refused = "B1 K9 2021-06-01 - refused 2021-06-04"
    assert exact(row(county(tmp_path / "a", [*granted(5), refused]))) == 5
    paid = "B2 K9 2021-06-01 2021-06-04 granted -"
    found = row(county(tmp_path / "b", [*granted(5), paid]))
    assert found["verdict"] == "no_data"
    assert "1 行所需内容为空" in found["reason"]


@pytest.mark.parametrize(
    ("days", "aside", "flags"),
    [
        ((5, 14, 15), 1, []),  # with one longer wait: (14 + 15) ÷ 2, still within fifteen
        ((5, 15, 28), 2, ["provisional"]),  # with two longer waits: 28
        ((5,), 1, ["provisional"]),  # with one longer wait half-way to it, however long
    ],
)
def test_quarantined_rows_are_taken_as_the_longest_waits(tmp_path, days, aside, flags):
    made = county(tmp_path, granted(*days))
    made.set_aside["2021Q4", "HCNS0001"] = {"applications": aside}
    found = row(made)
    assert (found["verdict"], found["flags"]) == ("met", flags)


def test_ranks_beyond_the_last_row_are_not_known():
    two = Counts({Fraction(3): 2})
    assert two.give("median", beyond=1) == 3
    assert two.give("median", beyond=2) is None
    assert two.give("count", beyond=2) == 4
    assert Counts().give("median") is None


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("median", "mean", "mean"),
        ("median", "p100", "p100"),
        ("applications", "loans", "loans"),
        ("is_small_micro", "is_mse", "is_mse"),
        ("applied_on", "applied", "没有“applied”"),
    ],
)
def test_what_is_wrong_in_the_file_is_refused(tmp_path, old, new, said):
    text = (
        "a:\n  label: 甲\n  unit: 天\n  kind: flow\n  ranked:\n    gives: median\n"
        "    table: applications\n    of: days_between(applied_on, disbursed_on)\n"
        "    where: is_small_micro\n"
    )
    params = County(tmp_path).params
    assert load_measures(loads(text, "m.yaml"), params.derived, params.policy)["a"].stands_alone
    with pytest.raises(ParamsError, match=said):
        load_measures(loads(text.replace(old, new), "m.yaml"), params.derived, params.policy)


def test_row_order_changes_nothing(tmp_path):
    days = (9, 3, 3, 27, 14)
    one = bench(county(tmp_path / "a", granted(*days)))
    lines = list(reversed(granted(*days)))
    other = bench(county(tmp_path / "b", lines))
    key = ("2021Q4", "HCNS0001", None, "speed_p90", "register")
    assert one.measures[key]["value"] == other.measures[key]["value"] == 27
