"""The county's totals: constant panels, plans, mixed sources; sums worked by hand."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest

from puhui import results
from puhui.indicators import COUNTY, Bench, Facts, totals_table
from puhui.quarter import Quarter
from vocabulary import LARGE, RURAL, County, rows

Q4, Q0 = "2021Q4", "2020Q4"
NAMES = {"AAAA": "甲行", "BBBB": "乙行", "CCCC": "丙行", "DDDD": "丁行", "EEEE": "戊行"}


def bank(institution, **given):
    values = {**RURAL, "has_plan": False, "legal_person_npl_ratio": None, **given}
    return Facts(institution, NAMES.get(institution, institution), values)


class Totals:
    """Measures as a text table, and the county's totals over them.

    Columns: who, quarter, measure, source, value and perhaps aside (rows set aside), gain
    (what they could add; ``-`` if that cannot be read), slack and doubt (0: none).
    """

    def __init__(self, folder, text, *everyone, quarter=Q4):
        params = County(folder).params
        table = results.from_rows("measures", [_measure(r) for r in rows(text)])
        self.bench = Bench.of(params, Quarter.parse(quarter), table)
        made = totals_table(self.bench, everyone or [bank(i) for i in NAMES]).to_pylist()
        self.rows = {r["indicator_id"]: r for r in made}

    def __getitem__(self, indicator):
        return self.rows[indicator]


def _measure(row):
    told = {"gain": "aside_gain", "slack": "slack"}
    money = {told[k]: Decimal(v) for k, v in row.items() if k in told and v != "-"}
    return {
        "quarter": row["quarter"],
        "institution_id": row["who"],
        "measure_id": row["measure"],
        "source": row["source"],
        "value": Decimal(row["value"]),
        "set_aside": int(row.get("aside", 0)),
        "doubt": row.get("doubt") if row.get("doubt") != "0" else None,
        "revision": 1,
        **money,
    }


def value(row):
    return (
        None if row["value_num"] is None else Fraction(int(row["value_num"]), int(row["value_den"]))
    )


def table(*lines):
    return "\n".join(["who quarter measure source value", *lines])


def grown(who, source, base, now, base_all, now_all):
    """Balances of one bank at both dates; ``-`` for a date it did not send."""
    cells = [(Q0, "assessed_balance", base), (Q4, "assessed_balance", now)]
    cells += [(Q0, "all_loans", base_all), (Q4, "all_loans", now_all)]
    return [f"{who} {q} {m} {source} {v}" for q, m, v in cells if v != "-"]


def test_who_is_absent_at_one_date_is_left_out_at_both_and_named(tmp_path):
    # 甲 100 → 120 of 1,000 → 1,100 and 乙 50 → 50 of 500 → 500: 150 → 170 of 1,500 → 1,600.
    # 170/150 − 1,600/1,500 = 1,700/1,500 − 1,600/1,500 = 100/1,500, times 100: 20/3.
    # 丙 sent nothing at the start of the year, 丁 nothing now: both would move it much.
    totals = Totals(
        tmp_path,
        table(
            *grown("AAAA", "ledger", 100, 120, 1000, 1100),
            *grown("BBBB", "ledger", 50, 50, 500, 500),
            *grown("CCCC", "ledger", "-", 9000, "-", 9000),
            *grown("DDDD", "ledger", 9000, "-", 9000, "-"),
        ),
        *[bank(i) for i in ("AAAA", "BBBB", "CCCC", "DDDD")],
    )
    row = totals["C2.2c.LP.growth"]
    assert (value(row), row["verdict"]) == (Fraction(20, 3), "met")
    assert row["reason"] == "合计 2 家；缺数据未计入：丙行、丁行"
    assert (row["institution_id"], row["branch_id"], row["source"]) == (COUNTY, None, "panel")


def test_half_of_a_bank_s_figures_leave_it_out_whole(tmp_path):
    # 乙 has its balance at both dates and all loans at one: its balance may not count alone.
    totals = Totals(
        tmp_path,
        table(
            *grown("AAAA", "ledger", 100, 110, 1000, 1100),
            *grown("BBBB", "ledger", 50, 500, "-", 500),
        ),
        bank("AAAA"),
        bank("BBBB"),
    )
    row = totals["C2.2c.LP.growth"]
    assert (value(row), row["verdict"]) == (0, "met")
    assert row["reason"] == "合计 1 家；缺数据未计入：乙行"


def test_each_bank_s_own_figure_of_record_is_summed(tmp_path):
    # 甲 filed 100 → 120 (its ledger's 1 → 999 does not count); 乙 has a ledger only, 100 → 90.
    # 200 → 210 is +5 %; all 2,000 → 2,200 is +10 %: −5.
    totals = Totals(
        tmp_path,
        table(
            *grown("AAAA", "returns", 100, 120, 1000, 1100),
            *grown("AAAA", "ledger", 1, 999, 1, 1),
            *grown("BBBB", "ledger", 100, 90, 1000, 1100),
        ),
        bank("AAAA"),
        bank("BBBB"),
    )
    row = totals["C2.2c.LP.growth"]
    assert (value(row), row["verdict"], row["source"]) == (-5, "not_met", "panel")


@pytest.mark.parametrize(
    ("now", "expected", "verdict"),
    [
        (9, 0, "met"),  # 3 + 6 then, 3 + 6 now
        (8, -1, "not_met"),
        (10, 1, "met"),
    ],
)
def test_customers_are_a_sum_over_banks(tmp_path, now, expected, verdict):
    lines = [
        f"{who} {q} assessed_customers ledger {n}"
        for who, q, n in (("AAAA", Q0, 3), ("AAAA", Q4, 3), ("BBBB", Q0, 6), ("BBBB", Q4, now - 3))
    ]
    row = Totals(tmp_path, table(*lines), bank("AAAA"), bank("BBBB"))["C2.2c.LP.customers"]
    assert (value(row), row["verdict"], row["unit"]) == (expected, verdict, "户次")


def test_one_customer_of_two_banks_counts_twice(tmp_path):
    # K1 borrows from both banks now and from one at the start of the year: 2 − 1 = 1 of 户次.
    county = County(tmp_path)
    county.with_loans(Q0, "AAAA", "loan_id customer_id balance\nL1 K1 1")
    county.with_loans(Q0, "BBBB", "loan_id customer_id balance\nL1 K1 0")
    for who in ("AAAA", "BBBB"):
        county.with_loans(Q4, who, "loan_id customer_id balance\nL1 K1 1")
    made = totals_table(county.bench(), [bank("AAAA"), bank("BBBB")]).to_pylist()
    found = {r["indicator_id"]: r for r in made}
    assert value(found["C2.2c.LP.customers"]) == 1


def planned(who, plan, base, now, measure="assessed_balance"):
    cells = [(Q0, measure, "ledger", base), (Q4, measure, "ledger", now)]
    cells.append((Q4, f"plan_{measure}", "register", plan))
    return [f"{who} {q} {m} {s} {v}" for q, m, s, v in cells if v != "-"]


@pytest.mark.parametrize("measure", ["assessed_balance", "assessed_customers"])
@pytest.mark.parametrize(
    ("now", "expected", "verdict"),
    [
        (180, 100, "met"),  # 20 + 80 of 40 + 60 planned
        (179, 99, "not_met"),
        (181, 101, "met"),
    ],
)
def test_a_plan_over_all_banks_that_have_one(tmp_path, measure, now, expected, verdict):
    # 丙 has no plan: its 9,000 more count for nothing, and it is not missing either.
    # 丁 has a plan and nothing at the start of the year: named.
    text = table(
        *planned("AAAA", 40, 100, 120, measure),
        *planned("BBBB", 60, 100, now, measure),
        *planned("CCCC", 0, 0, 9000, measure),
        *planned("DDDD", 10, "-", 500, measure),
    )
    totals = Totals(tmp_path, text, *[bank(i) for i in ("AAAA", "BBBB", "CCCC", "DDDD")])
    name = {"assessed_balance": "balance", "assessed_customers": "customers"}[measure]
    row = totals[f"C2.2c.LP.plan_{name}"]
    assert (value(row), row["verdict"]) == (expected, verdict)
    assert row["reason"] == "合计 2 家；缺数据未计入：丁行"


@pytest.mark.parametrize(("now", "verdict"), [("120", "on_track"), ("119.99", "behind")])
def test_before_the_year_is_over_a_plan_keeps_pace_or_is_behind(tmp_path, now, verdict):
    # Half the year: 50 % of 40 planned is 20 more than 100.
    text = table(
        "AAAA 2020Q4 assessed_balance ledger 100",
        f"AAAA 2021Q2 assessed_balance ledger {now}",
        "AAAA 2021Q2 plan_assessed_balance register 40",
    )
    row = Totals(tmp_path, text, bank("AAAA"), quarter="2021Q2")["C2.2c.LP.plan_balance"]
    assert (row["verdict"], Fraction(row["threshold"])) == (verdict, 50)


def test_local_banks_and_branches_are_added_up_apart(tmp_path):
    # Local: 甲 (rural) and 乙 (a local city bank); branches: 丙 (large) and 丁 (a city bank of
    # elsewhere); an insurer in neither. Of 10 planned each they made 1, 2, 3, 4 and 5.
    text = table(
        *(
            line
            for number, who in enumerate(NAMES, 1)
            for line in planned(who, 10, 100, 100 + number)
        )
    )
    city = {"kind": "city", "is_local_legal_person": True}
    elsewhere = {"kind": "city", "level": "branch", "is_local_legal_person": False}
    totals = Totals(
        tmp_path,
        text,
        bank("AAAA"),
        bank("BBBB", **city),
        bank("CCCC", **LARGE),
        bank("DDDD", **elsewhere),
        bank("EEEE", **{**elsewhere, "kind": "property_insurer"}),
    )
    # (1 + 2) of 20 is 15 %; (3 + 4) of 20 is 35 %.
    assert value(totals["C2.2c.LP.plan_balance"]) == 15
    assert value(totals["C2.2c.BR.plan_balance"]) == 35
    assert totals["C2.2c.BR.plan_balance"]["reason"] == "合计 2 家"


def test_nobody_present_at_both_dates_is_no_data_and_says_so(tmp_path):
    text = table(
        *grown("AAAA", "ledger", 100, "-", 1000, "-"),
        *grown("BBBB", "ledger", "-", 50, "-", 500),
    )
    row = Totals(tmp_path, text, bank("AAAA"), bank("BBBB"))["C2.2c.LP.growth"]
    assert (row["verdict"], row["value_num"]) == ("no_data", None)
    assert "一家也没有" in row["reason"]


def test_a_plan_nobody_was_given_is_not_applicable(tmp_path):
    text = table(*planned("AAAA", 0, 100, 120), *planned("BBBB", 0, 100, 120))
    row = Totals(tmp_path, text, bank("AAAA"), bank("BBBB"))["C2.2c.LP.plan_balance"]
    assert (row["verdict"], row["value_num"]) == ("not_applicable", None)
    assert row["reason"] == "没有下达余额增量计划。"


def test_a_group_without_anybody_is_no_data(tmp_path):
    text = table(*planned("AAAA", 40, 100, 120))
    row = Totals(tmp_path, text, bank("AAAA"))["C2.2c.BR.plan_balance"]
    assert row["verdict"] == "no_data"


def doubted(text, extra):
    """Give the lines of some measures further columns, others nothing there."""
    head, *lines = text.splitlines()
    names, told = extra
    full = [
        f"{line} {told.get(tuple(line.split()[:3]), ' '.join('0' * len(names)))}" for line in lines
    ]
    return "\n".join([f"{head} {' '.join(names)}", *full])


@pytest.mark.parametrize(
    ("gain", "flags"),
    [
        # 120 of 100 + 100 → 110 + 110: 10 % against 10 %, at the limit. A fen more of all
        # loans that is not inclusive, and growth is behind.
        ("0.01", ["provisional"]),
        ("0", []),
    ],
)
def test_rows_set_aside_at_one_bank_may_change_the_total(tmp_path, gain, flags):
    text = table(
        *grown("AAAA", "ledger", 100, 110, 1000, 1100),
        *grown("BBBB", "ledger", 100, 110, 1000, 1100),
    )
    aside = {("AAAA", Q4, m): f"2 {gain}" for m in ("assessed_balance", "all_loans")}
    text = doubted(text, (("aside", "gain"), aside))
    row = Totals(tmp_path, text, bank("AAAA"), bank("BBBB"))["C2.2c.LP.growth"]
    assert (value(row), row["verdict"], row["flags"]) == (0, "met", flags)
    assert "有 2 行被隔离" in row["reason"]


def quick(who):
    """Inclusive loans +15 %, all loans +10 %."""
    return grown(who, "ledger", 100, 115, 1000, 1100)


@pytest.mark.parametrize(
    ("gains", "flags"),
    [
        # 200 → 230 is +15 % against 2,000 → 2,200, +10 %. With 60 more of each bank's all
        # loans 2,320, +16 %; with 60 of one alone 2,260, +13 %; with 40 of each 2,280, +14 %.
        (("60", "60"), ["provisional"]),
        (("0", "60"), []),
        (("60", "0"), []),
        (("40", "40"), []),
        # Of one bank it cannot be told how much: any amount.
        (("-", "0"), ["provisional"]),
        (("0", "-"), ["provisional"]),
    ],
)
def test_what_is_set_aside_at_each_bank_adds_up(tmp_path, gains, flags):
    aside = {
        (who, Q4, m): f"1 {gain}"
        for who, gain in zip(("AAAA", "BBBB"), gains, strict=True)
        for m in MEASURES
    }
    text = doubted(table(*quick("AAAA"), *quick("BBBB")), (("aside", "gain"), aside))
    row = Totals(tmp_path, text, bank("AAAA"), bank("BBBB"))["C2.2c.LP.growth"]
    assert (row["verdict"], row["flags"]) == ("met", flags)
    assert "有 2 行被隔离" in row["reason"]


@pytest.mark.parametrize("who", ["AAAA", "BBBB"])
def test_a_doubt_about_one_bank_s_figure_is_one_about_the_total(tmp_path, who):
    text = table(*quick("AAAA"), *quick("BBBB"))
    text = doubted(text, (("doubt",), {(who, Q4, "all_loans"): "台账与报表不符"}))
    row = Totals(tmp_path, text, bank("AAAA"), bank("BBBB"))["C2.2c.LP.growth"]
    assert (row["verdict"], row["flags"]) == ("met", ["provisional"])
    assert row["reason"] == "合计 2 家；台账与报表不符"


def test_who_is_of_no_known_kind_is_not_added_up(tmp_path):
    text = table(*quick("AAAA"), *grown("BBBB", "ledger", 1, 9000, 1, 1))
    row = Totals(tmp_path, text, bank("AAAA"), bank("BBBB", kind=None))["C2.2c.LP.growth"]
    assert (value(row), row["reason"]) == (5, "合计 1 家")


def test_rounding_of_every_bank_s_figures_adds_up(tmp_path):
    # 200,000 → 220,120 is +10.06 %; all 2,000,000 → 2,200,000 is +10 %: 0.06 over the limit.
    # Both banks within 50 yuan are 100 together: 220,020 / 200,100 = 1.09955 against
    # 2,200,100 / 1,999,900 = 1.10011, behind. One bank's 50 alone: 220,070 / 200,050 =
    # 1.10007 against 2,200,050 / 1,999,950 = 1.10005, still ahead.
    text = table(
        *grown("AAAA", "returns", 100000, 110060, 1000000, 1100000),
        *grown("BBBB", "returns", 100000, 110060, 1000000, 1100000),
    )
    keys = [(who, q, m) for who in ("AAAA", "BBBB") for q in (Q0, Q4) for m in MEASURES]
    both = doubted(text, (("slack",), dict.fromkeys(keys, "50")))
    one = doubted(text, (("slack",), dict.fromkeys(keys[:4], "50")))
    banks = (bank("AAAA"), bank("BBBB"))
    assert Totals(tmp_path / "a", both, *banks)["C2.2c.LP.growth"]["flags"] == ["near_limit"]
    assert Totals(tmp_path / "b", one, *banks)["C2.2c.LP.growth"]["flags"] == []


MEASURES = ("assessed_balance", "all_loans")


def test_totals_are_of_the_county_and_of_nobody_else(tmp_path):
    totals = Totals(tmp_path, table(*planned("AAAA", 40, 100, 120)), bank("AAAA"))
    assert set(totals.rows) == {
        "C2.2c.LP.growth",
        "C2.2c.LP.customers",
        "C2.2c.LP.plan_balance",
        "C2.2c.LP.plan_customers",
        "C2.2c.BR.plan_balance",
        "C2.2c.BR.plan_customers",
    }
    assert {r["institution_id"] for r in totals.rows.values()} == {COUNTY}
