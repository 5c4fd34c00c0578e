"""The letter's trends: nine quarters at most, one source a line, gaps where nothing is known."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from briefing.made import RURAL, VILLAGE
from puhui.briefing.charts_trend import Path, trend_chart
from puhui.briefing.html.outlines import share_outlines
from puhui.briefing.institution import institution_sections
from puhui.briefing.table import cell_text
from puhui.briefing.trend import trend
from puhui.quarter import Quarter

NOW = Quarter.parse("2021Q4")


def measure(back: int, measure_id: str, value: str, source: str = "ledger", who: str = RURAL):
    return {
        "quarter": str(NOW.shift(-back)),
        "institution_id": who,
        "measure_id": measure_id,
        "source": source,
        "value": Decimal(value),
        "revision": 1,
    }


def grid(table):
    return [tuple(map(cell_text, row, table.columns)) for row in table.rows]


def test_nine_quarters_at_most_the_oldest_first(county):
    rows = [measure(n, "assessed_balance", f"{100 - n}0000") for n in range(12)]
    (table,), (chart,) = trend(county(measures=rows), RURAL)
    assert [c.heading for c in table.columns] == ["季度", "普惠型小微企业贷款余额（万元）"]
    assert grid(table) == [(NOW.shift(-n).label, f"{100 - n}.00") for n in range(8, -1, -1)]
    assert "2019年四季度92.00万元，2021年四季度100.00万元" in chart.alt


def test_ratios_are_of_one_source_and_a_gap_stays_one(county):
    rows = [
        measure(0, "mse_credit_balance", "1"),
        measure(0, "mse_balance", "3"),
        measure(1, "mse_credit_balance", "1"),
        measure(1, "mse_balance", "0"),
        measure(2, "mse_credit_balance", "2"),
        measure(2, "mse_balance", "3"),
        measure(1, "mse_credit_balance", "9", "returns"),
        measure(1, "mse_balance", "10", "returns"),
    ]
    (table,), _ = trend(county(measures=rows), RURAL)
    assert grid(table) == [
        ("2021年二季度", "66.67"), ("2021年三季度", "无数据"), ("2021年四季度", "33.33"),
    ]  # fmt: skip


@pytest.mark.parametrize("quarters", [0, 1])
def test_one_quarter_is_no_trend(county, quarters):
    rows = [measure(n, "assessed_balance", "10000") for n in range(quarters)]
    assert trend(county(measures=rows), RURAL) == ((), ())


def test_npl_ratios_are_those_the_tolerance_compared(county):
    rows = [
        {"quarter": q, "institution_id": VILLAGE, "branch_id": branch, "source": of,
         "inclusive_npl_pct": incl, "all_npl_pct": 1.005, "tolerance_pp": "3.00"}
        for q, branch, of, incl in (
            ("2021Q2", None, "ledger", 9.0), ("2021Q3", None, "returns", 2.675),
            ("2021Q4", None, "returns", 2.5), ("2021Q4", "01", "returns", 7.0))
    ]  # fmt: skip
    (table,), _ = trend(county(measures=[], tolerance_history=rows), VILLAGE)
    assert grid(table) == [("2021年三季度", "2.68", "1.01"), ("2021年四季度", "2.50", "1.01")]


def test_the_trend_stands_in_the_letter_beside_the_indicators(source):
    sections = {s.id: s for s in institution_sections(source, RURAL)}
    assert [t.id for t in sections["indicators"].tables] == ["indicators", "trend"]


def test_a_chart_keeps_a_gap_and_draws_one_path_alone():
    whole, gap = (
        trend_chart([Path("余额", values, "1", "3")], 3)
        for values in ({0: 1.0, 1: 2.0, 2: 3.0}, {0: 1.0, 2: 3.0})
    )
    assert whole.count("<use") - gap.count("<use") == 1  # a dot less
    assert trend_chart([Path("户数", {0: 5.0, 1: 5.0}, "5", "5")], 2)


def test_a_page_keeps_each_outline_once_and_every_use_finds_it():
    charts = [
        trend_chart([Path("余额", {0: 1.0, 1: v}, "1", t)], 2) for v, t in ((2.0, "2"), (3.0, "13"))
    ]
    page = share_outlines("".join(charts))
    ids = re.findall(r'id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(ids)
    glyphs = re.findall(r'<path id="g[^"]+"( d="[^"]+")', page)
    assert len(glyphs) == len(set(glyphs))
    both = {g for c in charts for g in re.findall(r'<path id="g[^"]+"( d="[^"]+")', c)}
    assert set(glyphs) == both
    assert page.count("<use") == sum(c.count("<use") for c in charts)
    assert "scale(0.0625)" in page
