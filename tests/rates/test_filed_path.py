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


ITEMS = [f"S71_I_{row}.{{}}{band}" for row in (1, 3) for band in (1, 2, 3)]
QUARTERS = [Quarter(2019, 4).shift(n) for n in range(8)]


def filed_sums(quarter: Quarter) -> pd.DataFrame:
    """Sums of S71 items or the one sheet's own figures by institution: yuan, and yuan × %."""
    file = PROJECT / "data/example/submissions" / str(quarter) / "_shared/returns.parquet"
    raw = pq.read_table(file).to_pandas()
    raw = raw[(raw.as_of == quarter.end) & (raw.basis == "as_filed")]
    wide = raw.pivot(index="institution_id", columns="item", values="value")
    sums = {
        "D": wide[[i.format("D") for i in ITEMS]].sum(axis=1, min_count=6),
        "F": wide[[i.format("F") for i in ITEMS]].sum(axis=1, min_count=6),
    }
    for name, one in (("D", "QS.incl_drawn"), ("F", "QS.incl_interest")):
        if one in wide:
            sums[name] = sums[name].where(sums[name].notna(), wide[one])
    return pd.DataFrame(sums).dropna().map(Fraction).assign(F=lambda f: 100 * f.F)


def true_rates() -> dict[tuple[str, str], Fraction]:
    """Mean rate of the year to date as the generator knows it, by institution and quarter."""
    with (PROJECT / "data/example/truth/answers.csv").open(encoding="utf-8") as stream:
        return {
            (r["institution_id"], r["quarter"]): Fraction(int(r["num"]), int(r["den"]))
            for r in csv.DictReader(stream)
            if (r["indicator_id"], r["source"], r["branch_id"]) == ("C3.1a", "returns", "")
            and r["num"]
        }


def lpr_by_days() -> pd.Series:
    """Mean of LPR 1Y over each quarter's days, from the file, in exact fractions."""
    raw = pd.read_csv(PROJECT / "data/reference/benchmarks/lpr.csv", dtype=str)
    known = raw.set_index(pd.to_datetime(raw.date)).lpr_1y.map(Fraction)
    daily = known.reindex(pd.date_range("2019-10-01", "2021-12-31"), method="ffill")
    groups = daily.groupby(daily.index.to_period("Q").astype(str))
    return groups.sum() / groups.size()


@pytest.fixture(scope="module")
def of_the_example() -> tuple[list[Point], dict[Quarter, pd.DataFrame]]:
    """Paths of the example's returns; and what the returns say, by quarter."""
    sums = {q: filed_sums(q) for q in QUARTERS}
    rows = [
        {"quarter": str(q), "institution_id": unit, "measure_id": measure, "source": "returns",
         "value": Decimal(int(100 * row[name])) / 100, "slack": Decimal(0)}
        for q in QUARTERS
        for unit, row in sums[q].iterrows()
        for measure, name in (("incl_drawn", "D"), ("incl_drawn_interest", "F"))
    ]  # fmt: skip
    return path(filed_from(results.from_rows("measures", rows)), LPR, "1Y"), sums


def test_the_examples_paths_are_the_generators_rates_exactly(of_the_example):
    """Single quarters out of the true rates of the year to date and the amounts filed."""
    points, sums = of_the_example
    truth, lpr, seen = true_rates(), lpr_by_days(), 0
    for p in points:
        unit, quarter = str(p.institution), str(p.quarter)
        assert p.benchmark == lpr[quarter]
        now = sums[p.quarter].loc[unit]
        amount, interest = now.D, now.D * truth.get((unit, quarter), Fraction(0))
        before = sums.get(p.quarter.previous)
        if p.quarter.number > 1:
            if before is None or unit not in before.index:
                assert (p.rate, "推算不出单季" in p.reason) == (None, True)
                continue
            amount -= before.D[unit]
            interest -= before.D[unit] * truth.get((unit, str(p.quarter.previous)), Fraction(0))
        if not amount:
            assert (p.rate, p.reason) == (None, "当季没有发放")
            continue
        assert (p.amount, p.rate) == (amount, interest / amount), (unit, quarter)
        assert p.spread_bp == 100 * (interest / amount - lpr[quarter])
        seen += 1
    assert seen >= 60 and len({p.institution for p in points}) >= 9


def test_a_kind_lies_between_its_members(of_the_example):
    """A kind's rate lies between its members' rates, whatever their amounts."""
    points, _ = of_the_example
    kinds = {str(p.institution): str(p.institution)[2:4] for p in points}
    filed = [
        Filed(str(p.institution), p.quarter, p.amount, p.amount * p.rate)
        for p in points
        if p.quarter.number == 1 and p.amount is not None and p.rate is not None
    ]
    pooled = [p for p in path(filed, LPR, "1Y", kinds) if p.institution is None]
    assert {p.kind for p in pooled} == {kinds[f.institution] for f in filed}
    for p in pooled:
        own = [f.interest / f.amount for f in filed
               if (kinds[f.institution], f.quarter) == (p.kind, p.quarter)]  # fmt: skip
        assert p.members == len(own)
        assert p.rate is not None and min(own) <= p.rate <= max(own)


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
    found = regression(points)
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
    found = regression(points)
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


def test_rows_carry_kind_quarter_and_the_exact_spread():
    text = "A 2021Q1 100 5\nB 2021Q1 300 6\nB 2021Q2 300 6"
    rows = [p.row("2021Q4") for p in path(filed(text), LPR, "1Y", {"A": "village", "B": "village"})]
    table = results.from_rows("filed_spreads", rows).to_pylist()
    a, _, empty, both = table
    assert (a["kind"], a["institution_id"], a["lent_in"]) == ("village", "A", "2021Q1")
    assert (a["spread_num"], a["spread_den"], a["spread_bp"]) == ("115", "1", 115.0)
    assert (empty["reason"], empty["spread_bp"], empty["mean_benchmark"]) == (
        "当季没有发放", None, 3.85,
    )  # fmt: skip
    assert (both["institution_id"], both["members"], both["mean_rate"]) == (None, 2, 5.75)


def test_rows_of_the_regression_have_numbers_or_the_sentence():
    short, long = (regression(path(filed(panel(n)), LPR, "1Y")) for n in (11, 12))
    told = results.from_rows("mean_regressions", short.result_rows("2021Q4")).to_pylist()
    assert [(r["equation"], r["status"], r["estimate"]) for r in told] == [
        ("filed", "none", None), ("filed_trend", "none", None),
    ]  # fmt: skip
    assert told[0]["reason"] == short.sentence
    plain, trend = results.from_rows("mean_regressions", long.result_rows("2021Q4")).to_pylist()
    assert long.plain is not None and long.trend is not None
    assert plain["estimate"] == pytest.approx(long.plain.beta[0], rel=1e-11)
    assert trend["se_crv3"] == pytest.approx(long.trend.se_crv3[0], rel=1e-11)
    assert (plain["periods"], plain["n"], plain["clusters"], plain["reason"]) == (12, 60, 5, None)
