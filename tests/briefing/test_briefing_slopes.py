"""Slopes of institutions, dynamics and filed spreads on the pages."""

from __future__ import annotations

import importlib.util
from fractions import Fraction
from pathlib import Path

import pytest

from puhui.briefing.county import county_sections
from puhui.briefing.html import render_section
from puhui.briefing.institution import institution_sections

_place = Path(__file__).with_name("made.py")
_found = importlib.util.spec_from_file_location("made_for_slopes", _place)
assert _found is not None and _found.loader is not None
made = importlib.util.module_from_spec(_found)
_found.loader.exec_module(made)

COUNTY = {"quarter": "2021Q4", "loans": 5200, "left_out": 0, "estimate": 0.8, "se": 0.1,
          "spread": 0.2, "p_equal": 0.002, "draws": 499}  # fmt: skip
RURAL = {"quarter": "2021Q4", "institution_id": made.RURAL, "loans": 5000, "regimes": 5,
         "left_out": 0, "estimate": 1.234, "se": 0.05, "ci_low": 0.95, "ci_high": 1.51,
         "shrunken": 1.1}  # fmt: skip
LARGE = RURAL | {"institution_id": made.LARGE, "loans": 200, "regimes": 3, "estimate": -0.2,
                 "se": None, "ci_low": None, "ci_high": None, "shrunken": 0.5,
                 "reason": "只见到3个基准不变期，少于5个，不列区间"}  # fmt: skip
NO_SLOPE = {**LARGE, "estimate": None, "reason": "同类贷款之间基准没有变化，没有斜率"}
REFUSED = {"quarter": "2021Q4", "loans": 0, "left_out": 0, "reason": "不能识别：基准没有调整。"}


def county(**tables):
    return next(s for s in county_sections(made.make_source(**tables)) if s.id == "rates")


def letter(institution, **tables):
    sections = institution_sections(made.make_source(**tables), institution)
    return next(s for s in sections if s.id == "rates")


def text(section) -> str:
    return "".join(section.paragraphs)


@pytest.mark.parametrize(
    ("changes", "said", "not_said"),
    [
        ({}, "斜率有差异（检验“斜率相同”，p=0.002，参数自助法499次）", "没有证据"),
        ({"p_equal": 0.0499}, "斜率有差异", "没有证据"),
        ({"p_equal": 0.05}, "没有证据表明各机构贷款利率随基准变动的斜率不同", "有差异"),
        ({"p_equal": None, "reason": "机构只有2家。"}, "未作检验：机构只有2家。", "。。"),
        ({"left_out": 12}, "有 12 笔贷款所在的月份", "没有一家"),
    ],
)  # fmt: skip
def test_the_circular_says_whether_institutions_differ(changes, said, not_said):
    found = text(county(slopes=[COUNTY | changes, RURAL, LARGE]))
    assert said in found
    assert not_said not in found
    assert "同向变动，不是传导" in found and "86%—93%" in found


def test_the_forest_plot_and_the_table_hold_every_slope():
    section = county(slopes=[COUNTY, RURAL, LARGE])
    (chart,) = [c for c in section.charts if "空心菱形" in c.caption]
    assert "全部机构共同斜率0.80" in chart.alt
    assert "乙农村商业银行1.23（区间0.95至1.51），收缩后1.10" in chart.alt
    assert "甲银行潢川支行−0.20（无区间）" in chart.alt
    assert "<text" not in chart.svg
    (table,) = [t for t in section.tables if t.id == "slopes"]
    rows = {r[0]: [getattr(v, "text", v) for v in r[1:]] for r in table.rows}
    assert rows["乙农村商业银行"] == [5000, 5, "1.234", "0.050", "0.950", "1.510", "1.100", "—"]
    assert rows["甲银行潢川支行"][-1] == LARGE["reason"]


def test_an_unidentified_window_has_a_sentence_and_neither_plot_nor_table():
    section = county(slopes=[REFUSED])
    assert "各机构斜率的差异未作检验：不能识别：基准没有调整。" in text(section)
    assert "86%" not in text(section)
    assert [t.id for t in section.tables if t.id == "slopes"] == []
    assert all("空心菱形" not in c.caption for c in section.charts)
    said = text(letter(made.RURAL, slopes=[REFUSED]))
    assert "本机构没有随基准变动的斜率：不能识别：基准没有调整。" in said


def test_one_slope_is_no_plot():
    section = county(slopes=[COUNTY, RURAL, NO_SLOPE])
    assert all("空心菱形" not in c.caption for c in section.charts)


@pytest.mark.parametrize(
    ("own", "common", "said"),
    [
        ({}, {}, "斜率为1.23（95%区间0.95至1.51；5000 笔贷款），高于全部机构共同斜率0.80。"),
        ({}, {"estimate": 1.6}, "，低于全部机构共同斜率1.60。"),
        ({}, {"estimate": 1.51}, "，与全部机构共同斜率1.51不能区分。"),
        ({}, {"p_equal": 0.3}, "，全部机构共同斜率0.80；没有证据表明各机构的斜率不同。"),
        ({}, {"p_equal": None, "estimate": None, "reason": "少于5家。"}, "5000 笔贷款）。"),
        (LARGE | {"institution_id": made.RURAL}, {},
         "（只见到3个基准不变期，少于5个，不列区间；200 笔贷款），全部机构共同斜率0.80，没有区间"),
        (NO_SLOPE | {"institution_id": made.RURAL}, {},
         "本机构没有随基准变动的斜率：同类贷款之间基准没有变化，没有斜率。"),
    ],
)  # fmt: skip
def test_the_letter_says_where_its_slope_stands(own, common, said):
    assert said in text(letter(made.RURAL, slopes=[COUNTY | common, RURAL | own, LARGE]))


def test_without_a_ledger_the_letter_says_that_there_is_none():
    said = text(letter(made.VILLAGE, slopes=[COUNTY, RURAL, LARGE]))
    assert "本机构没有进入利率样本的贷款明细，不估计其随基准变动的斜率。" in said
    # No run of 03, no sentence.
    assert "斜率" not in text(letter(made.VILLAGE))


def dynamics(**changes):
    base = {"quarter": "2021Q4", "equation": "lags", "estimate": 0.71, "se_crv1": 0.05,
            "se_crv3": 0.06, "first": 0.4, "periods": 40, "moves": 7, "status": "ok"}  # fmt: skip
    return base | changes


def test_dynamics_are_a_sentence_each_or_once_why_there_are_none():
    both = [dynamics(), dynamics(equation="correction", speed=0.25, se_crv3=None)]
    found = text(county(slopes=[COUNTY, RURAL], mean_regressions=both))
    assert (
        "（滞后项之和，40 个月、基准变动 7 次）" in found and "（标准误0.06），当月0.40。" in found
    )
    assert "（标准误0.05），当月0.40，每月弥合差距的25.0%。" in found
    why = "不作动态估计：可用月份只有28个，少于36个。"
    none = [dynamics(equation=e, status="none", estimate=None, reason=why)
            for e in ("lags", "correction")]  # fmt: skip
    assert text(county(slopes=[COUNTY, RURAL], mean_regressions=none)).count(why) == 1


def spread(institution, kind, quarter, bp, members=1, reason=None):
    exact = None if bp is None else Fraction(bp)
    return {
        "quarter": "2021Q4", "institution_id": institution, "kind": kind, "lent_in": quarter,
        "members": members, "mean_benchmark": 3.85, "reason": reason,
        "mean_rate": None if exact is None else float(exact / 100) + 3.85,
        "spread_bp": None if exact is None else float(exact),
        "spread_num": None if exact is None else str(exact.numerator),
        "spread_den": None if exact is None else str(exact.denominator),
    }  # fmt: skip


NONE = "没有2020年四季度的累计数，推算不出单季"
FILED = [
    spread(made.VILLAGE, "village", "2021Q1", None, 0, NONE),
    spread(made.VILLAGE, "village", "2021Q2", "350.05"),
    spread(made.VILLAGE, "village", "2021Q4", "330"),
    spread(None, "village", "2021Q2", "350.05"),
    spread(None, "village", "2021Q4", "330"),
    spread(made.LARGE, "large", "2021Q4", "-20"),
    spread(None, "large", "2021Q4", "-20"),
]


def test_filed_spreads_are_small_charts_by_kind_and_a_table_without_holes():
    section = county(filed_spreads=FILED)
    (chart,) = [c for c in section.charts if "推算" in c.caption]
    # One quarter is no path: the large bank is in the table only.
    assert "村镇银行：2021Q2 350.1，2021Q4 330.0" in chart.alt and "大型" not in chart.alt
    assert "<text" not in chart.svg
    (table,) = [t for t in section.tables if t.id == "filed_spreads"]
    assert [c.key for c in table.columns] == [
        "kind", "institution", "2021Q2", "2021Q3", "2021Q4",
    ]  # fmt: skip
    rows = [[getattr(v, "text", getattr(v, "word", v)) for v in r] for r in table.rows]
    assert rows == [
        ["大型银行", "甲银行潢川支行", "—", "—", "-20.0"],
        ["村镇银行", "丙村镇银行", "350.1", "—", "330.0"],
    ]
    assert render_section(section).count("<svg") >= 1


def test_two_members_of_a_kind_have_a_line_together():
    more = [spread(made.RURAL, "village", "2021Q4", "300")]
    (table,) = [t for t in county(filed_spreads=[*FILED, *more]).tables if t.id == "filed_spreads"]
    names = [r[1] for r in table.rows if r[0] == "村镇银行"]
    assert names == ["合计", "乙农村商业银行", "丙村镇银行"]


def test_no_quarter_that_can_be_worked_out_is_said():
    section = county(filed_spreads=FILED[:1])
    assert "推算不出任何单季的利差" in text(section)
    assert [t.id for t in section.tables if t.id == "filed_spreads"] == []


def test_the_letter_of_an_institution_without_a_ledger_has_its_filed_path():
    section = letter(made.VILLAGE, filed_spreads=FILED)
    assert "推算的单季利差：2021年二季度350.1个基点，2021年四季度330.0个基点" in text(section)
    (table,) = section.tables
    assert [r[0] for r in table.rows] == ["2021年一季度", "2021年二季度", "2021年四季度"]
    assert table.rows[0][1].reason == NONE
    assert section.charts == ()
    # An institution with a ledger shows its own spreads and no filed path.
    rural = letter(made.RURAL, filed_spreads=[spread(made.RURAL, "village", "2021Q4", "300")])
    assert [t.id for t in rural.tables] == ["spreads"]
    assert "推算" not in text(rural)
