"""Spread paths from filed figures: by hand, and recovered from the example's returns."""

from __future__ import annotations

import csv
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
import statsmodels.formula.api as smf

from puhui import params, results
from puhui.quarter import Quarter
from puhui.rates.filed_path import Filed, Point, day_weighted, filed_from, path, regression

PROJECT = Path(__file__).resolve().parents[2]
LPR = params.load(PROJECT / "params").benchmarks["lpr"]


def filed(text: str) -> list[Filed]:
    """Rows of institution, quarter, amount and mean rate, both year to date."""
    rows = [line.split() for line in text.strip().splitlines()]
    return [
        Filed(unit, Quarter.parse(q), Fraction(d), Fraction(d) * Fraction(rate))
        for unit, q, d, rate in rows
    ]


def at(points: list[Point], unit: str, quarter: str) -> Point:
    (found,) = [p for p in points if (p.unit, str(p.quarter)) == (unit, quarter)]
    return found


def test_the_benchmark_is_weighted_by_days():
    # LPR 1Y was 4.15 until 2020-02-19, 4.05 to 2020-03-31: 50 and 41 of 91 days.
    assert day_weighted(LPR, "1Y", Quarter(2020, 1)) == (50 * Fraction("4.15") + 41 * Fraction(
        "4.05"
    )) / 91  # fmt: skip
    assert day_weighted(LPR, "1Y", Quarter(2021, 2)) == Fraction("3.85")
    # 3.85 to 2021-12-19, then 3.80 for 12 days.
    assert day_weighted(LPR, "1Y", Quarter(2021, 4)) == Fraction("3.85") - Fraction(12 * 5, 9200)
    assert day_weighted(LPR, "5Y", Quarter(2021, 4)) == Fraction("4.65")


def test_single_quarters_by_hand():
    # Q1: 100 at 5. Q2: 300 in all at 5.6, so 200 at (1680 − 500)/200 = 5.9. LPR 3.85.
    points = path(filed("A 2021Q1 100 5\nA 2021Q2 300 5.6"), LPR, "1Y")
    assert [(p.amount, p.rate, p.spread_bp) for p in points] == [
        (100, 5, 115),
        (200, Fraction("5.9"), 205),
    ]
    assert (points[1].low_bp, points[1].high_bp) == (205, 205)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("A 2021Q2 300 5", "没有2021年一季度的累计数"),
        ("A 2021Q1 300 5\nA 2021Q2 300 5", "当季没有发放"),
        ("A 2021Q1 300 5\nA 2021Q2 200 5", "本年累计数少于上季"),
        ("A 2021Q1 300 5\nA 2021Q2 301 4", "本年累计数少于上季"),
        ("A 2020Q4 900 5\nA 2021Q2 300 5", "没有2021年一季度的累计数"),
    ],
)
def test_a_quarter_that_cannot_be_worked_out_says_why(text, why):
    found = at(path(filed(text), LPR, "1Y"), "A", "2021Q2")
    assert (found.rate, found.spread_bp, found.members) == (None, None, 0)
    assert why in found.reason


def test_a_new_year_begins_anew():
    points = path(filed("A 2020Q4 900 6\nA 2021Q1 100 5"), LPR, "1Y")
    assert at(points, "A", "2021Q1").rate == 5


def test_kinds_add_up_the_institutions_that_have_a_quarter_of_their_own():
    text = "A 2021Q1 100 5\nB 2021Q1 300 6\nA 2021Q2 200 5\nC 2021Q1 50 9"
    points = path(filed(text), LPR, "1Y", {"A": "农商行", "B": "农商行"})
    first, second = at(points, "农商行", "2021Q1"), at(points, "农商行", "2021Q2")
    assert (first.members, first.amount, first.rate) == (2, 400, Fraction("5.75"))
    assert (second.members, second.rate) == (1, 5)
    assert {p.unit for p in points} == {"A", "B", "C", "农商行"}


def test_rounding_of_the_filed_figures_bounds_the_spread():
    q = Quarter(2021, 1)
    one = Filed("A", q, Fraction(100), Fraction(500), Fraction(1), Fraction(5))
    (found,) = path([one], LPR, "1Y")
    assert found.low_bp == 100 * (Fraction(495, 101) - Fraction("3.85"))
    assert found.high_bp == 100 * (Fraction(505, 99) - Fraction("3.85"))
    (unbounded,) = path([Filed("A", q, Fraction(1), Fraction(5), Fraction(1))], LPR, "1Y")
    assert unbounded.high_bp is None


def of_the_example(unit: str, quarter: Quarter) -> dict[str, object]:
    """Sums of an institution's S71 items (bands 1–3 of rows 1 and 3), in 元 and 元·%."""
    file = PROJECT / "data/example/submissions" / str(quarter) / "_shared/returns.parquet"
    rows = pq.read_table(file).to_pylist()
    filed = {
        r["item"]: r["value"]
        for r in rows
        if r["institution_id"] == unit and r["as_of"] == quarter.end and r["basis"] == "as_filed"
    }
    items = [f"S71_I_{row}.{{}}{band}" for row in (1, 3) for band in (1, 2, 3)]
    return {
        "incl_drawn": sum(filed[i.format("D")] for i in items),
        "incl_drawn_interest": 100 * sum(filed[i.format("F")] for i in items),
    }


def test_the_examples_path_lies_where_its_loans_do():
    """A bank files rounded sums; what its loans cost by quarter is the generator's truth."""
    unit = "HCNS0001"
    quarters = [Quarter(2019, 4).shift(n) for n in range(8)]
    rows = [
        {"quarter": str(q), "institution_id": unit, "measure_id": name, "source": source,
         "value": Decimal(value).quantize(Decimal("0.00000001")), "slack": Decimal(slack)}
        for q in quarters
        for name, value in of_the_example(unit, q).items()
        for source, slack in (("returns", 300 if name == "incl_drawn" else 30000), ("ledger", 0))
    ]  # fmt: skip
    points = path(filed_from(results.from_rows("measures", rows)), LPR, "1Y")
    found = {str(p.quarter): p for p in points}
    assert list(found) == [str(q) for q in quarters]
    assert found["2019Q4"].reason.startswith("没有2019年三季度的累计数")
    with (PROJECT / "data/example/truth/spreads.csv").open(encoding="utf-8") as stream:
        truth = {
            r["priced_in"]: Fraction(int(r["rate_amount"]), int(r["amount"])) / 100
            for r in csv.DictReader(stream)
            if r["institution_id"] == unit
        }
    for quarter in list(found)[1:]:
        point = found[quarter]
        assert point.rate is not None and point.low_bp is not None and point.high_bp is not None
        # The return counts bills, renewals and loans on policy funds too and dates by drawdown;
        # the truth is of new loans by pricing: near each other, not the same.
        assert float(point.rate) == pytest.approx(float(truth[quarter]), abs=0.4)
        assert 0 < point.high_bp - point.low_bp < 1
        assert point.spread_bp == 100 * (point.rate - point.benchmark)


def test_ledger_figures_branches_and_halves_are_no_filed_path():
    row = {"quarter": "2021Q1", "institution_id": "A", "source": "returns", "value": Decimal(5)}
    rows = [
        {**row, "measure_id": "incl_drawn"},
        {**row, "measure_id": "incl_drawn_interest", "source": "ledger"},
        {**row, "measure_id": "incl_drawn_interest", "branch_id": "B1"},
        {**row, "measure_id": "incl_drawn", "institution_id": "C"},
        {**row, "measure_id": "incl_drawn_interest", "institution_id": "C"},
    ]
    assert [f.institution for f in filed_from(results.from_rows("measures", rows))] == ["C"]


def test_under_twelve_quarters_there_is_a_path_and_no_regression():
    points = path(filed(panel(11)), LPR, "1Y")
    found = regression(points, ["A", "B", "C", "D", "E"])
    assert (found.plain, found.trend) == (None, None)
    assert found.sentence == "可用的季度只有11个，少于12个，只列利差走势，不作回归。"


def panel(quarters: int) -> str:
    """Five institutions from 2020Q1 on, whose single-quarter rates are 2 + 0.5 LPR + level."""
    lines = []
    for level, unit in enumerate("ABCDE"):
        total = interest = Fraction(0)
        for n in range(quarters):
            q = Quarter(2020, 1).shift(n)
            if q.number == 1:
                total = interest = Fraction(0)
            amount = Fraction(100 + 10 * n + level)
            rate = 2 + level + day_weighted(LPR, "1Y", q) / 2 + Fraction((7 * n + level) % 5, 100)
            total, interest = total + amount, interest + amount * rate
            lines.append(f"{unit} {q} {total} {interest / total}")
    return "\n".join(lines)


def test_twelve_quarters_are_regressed_as_statsmodels_does():
    points = path(filed(panel(12)), LPR, "1Y")
    found = regression(points, "ABCDE")
    assert found.plain is not None and found.trend is not None
    data = pd.DataFrame(
        [(p.unit, float(p.rate or 0), float(p.benchmark), p.quarter.year * 4 + p.quarter.number)
         for p in points],
        columns=["g", "y", "x", "q"],
    )  # fmt: skip
    assert found.plain.beta[0] == pytest.approx(
        smf.ols("y ~ x + C(g)", data).fit().params["x"], abs=1e-7
    )
    assert found.trend.beta[0] == pytest.approx(
        smf.ols("y ~ x + q + C(g)", data).fit().params["x"], abs=1e-6
    )
    assert "只是同向变动" in found.sentence
