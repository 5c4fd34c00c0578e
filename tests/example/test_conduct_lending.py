"""Formulas of the clauses, worked by hand on five loans."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from puhui.example.columns import Columns, bits, code, day_number
from puhui.example.conduct.lending import Lending
from puhui.example.conduct.lending_clauses import growth_gap, rising
from puhui.example.conduct.situations import MET, MISSED, NO_DATA
from puhui.example.segments import position
from puhui.quarter import Quarter

WAN = 1_000_000
Q4 = Quarter(2021, 4)
# Who: segment, kind, size, credit line (万元), chain, county. What: balance, amount (万元), rate
# (bp), drawn, matures, product, guarantee, class, issue kind, revolving, online, agricultural.
WHO = """
small     enterprise     small 800  绿色食品 411526
micro     enterprise     micro 200  -        411526
owner     mse_owner      -     100  -        411527
small     enterprise     small 1500 新材料   411526
household other_personal -     40   -        411526
farmer    farmer         -     10   -        411526
"""
WHAT = """
300 300 500 2021-03-01 2022-03-01 working_capital   credit     normal      new     1 1 0
100 150 600 2020-06-01 2023-06-01 fixed_asset       mortgaged  substandard renewal 0 0 1
50  50  700 2021-05-10 2022-05-10 business_personal pledged    normal      new     0 0 0
550 600 450 2021-02-01 2022-02-01 working_capital   guaranteed normal      renewal 0 0 0
500 500 460 2019-01-01 2039-01-01 mortgage          mortgaged  normal      new     0 0 0
20  20  800 2021-01-05 2021-12-31 business_personal credit     normal      new     0 0 1
"""


def day(text: str) -> int:
    return day_number(dt.date.fromisoformat(text))


def snapshot() -> dict[str, Columns]:
    both = zip(WHO.strip().splitlines(), WHAT.strip().splitlines(), strict=True)
    lines = [f"{who} {what}".split() for who, what in both]
    n = len(lines)

    def whole(values: list[int]) -> Any:
        return np.array(values, dtype=np.int64)

    def codes(i: int, name: str) -> Any:
        return whole([code(name, line[i]) for line in lines])

    size = whole([-(2**62) if x[2] == "-" else code("size", x[2]) for x in lines])
    pledged = bits("mitigant", "receivable")
    ones = whole(list(range(n)))
    drawn = whole([day(x[9]) for x in lines])
    customers = {
        "customer_row": ones,
        "kind": codes(1, "customer_kind"),
        "size": size,
        "credit_line": whole([int(x[3]) * WAN for x in lines]),
        "is_making": whole([1, 0, 0, 0, 0, 0]),
        "first_drawdown_on": np.where(ones == 3, day("2018-01-01"), drawn),
        "first_loan_query_clear": whole([1, 1, 0, 1, 0, 0]),
        "is_lifted_household": whole([0, 0, 0, 0, 0, 1]),
        "chain": pa.array([None if x[4] == "-" else x[4] for x in lines], pa.string()),
        "county_code": pa.array([x[5] for x in lines]),
    }
    loans = {
        "customer_row": ones,
        "segment": whole([position(x[0]) for x in lines]),
        "branch": whole([0, 0, 0, 1, 1, 1]),
        "balance": whole([int(x[6]) * WAN for x in lines]),
        "amount": whole([int(x[7]) * WAN for x in lines]),
        "rate_at_drawdown": whole([int(x[8]) for x in lines]),
        "drawn_on": drawn,
        "matures_on": whole([day(x[10]) for x in lines]),
        "product": codes(11, "product"),
        "guarantee": codes(12, "guarantee"),
        "five_class": codes(13, "five_class"),
        "issue_kind": codes(14, "issue_kind"),
        "is_revolving": whole([int(x[15]) for x in lines]),
        "is_online": whole([int(x[16]) for x in lines]),
        "is_agricultural": whole([int(x[17]) for x in lines]),
        "is_business_loan": whole([1, 1, 1, 1, 0, 1]),
        "credit_line_at_drawdown": whole([int(x[3]) * WAN for x in lines]),
        "mitigants": whole([0, 0, pledged, 0, 0, 0]),
        "benchmark": pa.array(["lpr:1Y", None, "other", "lpr:1Y", None, None]),
    }
    return {"customers": customers, "loans": loans}


@pytest.mark.parametrize(
    ("figure", "by_hand"),
    [
        ("all", 1520 * WAN),
        ("npl", 100 * WAN),
        ("mse", 1000 * WAN),  # 300 + 100 + 50 + 550
        ("incl", 450 * WAN),  # the line of 1,500 is over the limit
        ("incl_npl", 100 * WAN),
        ("assessed:customers", 3),
        ("ent", 950 * WAN),
        ("mse_credit", 300 * WAN),
        ("mse_long", 100 * WAN),  # three years; a year to the day is not over a year
        ("mse_renewal", 650 * WAN),
        ("mse_revolving", 300 * WAN),
        ("mse_online", 300 * WAN),
        ("mse_local", 950 * WAN),  # the owner lives in the next county
        ("mse_listed", 50 * WAN),
        ("mse_chained", 50 * WAN),
        ("mse_insured", 0),
        ("making", 300 * WAN),
        ("agri", 120 * WAN),  # the rural micro firm and the farmer
        ("agri_credit", 20 * WAN),
        ("lifted", 20 * WAN),
        ("at_drawdown:drawn", 350 * WAN),  # of the year, within the line: 300 + 50
        ("at_drawdown:interest", (300 * 500 + 50 * 700) * WAN),
        ("ent_first:borrowers", 1),  # a clear query and a first loan in the year
        ("ent_drawn:borrowers", 2),
        ("on_lpr:drawn", 300 * WAN),
        ("supported:drawn", 300 * WAN),  # unsecured, new, of half a year or more
        ("pillar", 300 * WAN),
        ("pillar_new:customers", 1),
        ("emerging_new:customers", 0),  # a customer since 2018
    ],
)
def test_figures(figure: str, by_hand: int) -> None:
    assert Lending(snapshot(), Q4)[figure] == by_hand


def test_figures_of_a_branch() -> None:
    assert Lending(snapshot(), Q4, branch=1)["all"] == 1070 * WAN
    assert Lending(snapshot(), Q4, branch=1)["incl"] == 0


def test_mean_rate_is_weighted_by_amount() -> None:
    # (300 × 5.00 + 50 × 7.00) ÷ 350
    assert Lending(snapshot(), Q4).rate() == Fraction(1850, 350)


def test_share_of_nothing_is_none() -> None:
    assert Lending(snapshot(), Q4, branch=1).share("incl_npl", "incl") is None


def test_money_as_filed_is_rounded_half_up_to_hundred_yuan() -> None:
    given = snapshot()
    given["loans"]["balance"][0] += 5_000
    assert Lending(given, Q4, rounded=True)["mse_credit"] == 300 * WAN + 10_000
    assert Lending(given, Q4)["mse_credit"] == 300 * WAN + 5_000


def test_two_increases() -> None:
    # Assessed from 450 to 500, all from 1,520 to 1,570, in 万元.
    later = snapshot()
    later["loans"]["balance"][0] += 50 * WAN
    found = growth_gap(Lending(later, Q4), Lending(snapshot(), Q4))
    assert found == Fraction(100 * 50, 450) - Fraction(100 * 50, 1520)


@pytest.mark.parametrize(
    ("now", "base", "earlier", "situation", "verdict"),
    [
        ("30", "30", (None, None), MET, "on_track"),
        ("29.99", "30", ("20", "30"), MET, "on_track"),  # flat
        ("29.98", "30", (None, None), MISSED, "on_track"),  # a first bad quarter
        ("29.98", "30", ("29.98", "30"), MISSED, "behind"),
        ("29.98", "30", ("30", "30"), MISSED, "on_track"),
        ("30.5", "30", ("20", "30"), MET, "on_track"),
        ("30", None, (None, None), NO_DATA, "shown"),
    ],
)
def test_rising_shares(now: str, base: Any, earlier: Any, situation: str, verdict: str) -> None:
    exact = [None if v is None else Fraction(v) for v in (base, *earlier)]
    found = rising(Fraction(now), exact[0], (exact[1], exact[2]))
    assert (found.situation, found.verdict) == (situation, verdict)
