"""Contract check, why the average moved, placebo ranks and rates for review on the pages."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest

from briefing.made import ALL, IDENTIFICATION, LARGE, REGRESSIONS, RURAL, VILLAGE
from briefing.test_briefing_charts_rates import written
from puhui.briefing.county import county_sections
from puhui.briefing.institution import institution_sections
from puhui.briefing.table import cell_text

EFFECTS = ("rate", "mix", "entry", "exit")


def checked(institution: str | None, stage: str, loans: int, off: int, priced_in=None):
    money = Decimal(1000)
    return {"quarter": "2021Q4", "institution_id": institution, "stage": stage,
            "priced_in": priced_in, "loans": loans, "off": off, "amount": money * loans,
            "amount_off": money * off, "inclusive_loans": loans, "inclusive_off": off}  # fmt: skip


CONTRACTS = [
    checked(RURAL, "origination", 30000, 1),
    checked(RURAL, "origination", 77, 1, "2021Q1"),
    checked(RURAL, "repricing", 8, 2),
    checked(LARGE, "origination", 50, 0),
    checked(None, "origination", 30050, 1),
    checked(None, "repricing", 8, 2),
]
UNCHECKED = [
    {"quarter": "2021Q4", "institution_id": i, "stage": "origination", "reason": why, "loans": n}
    for i, why, n in ((RURAL, "没有填写加点", 3), (LARGE, "没有利率", 1))
]


def moved(institution: str | None, base: str, before: str, effects: tuple[str, ...], **more):
    parts = [Fraction(e) for e in effects]
    change = sum(parts, Fraction(0))
    return {
        "quarter": "2021Q4", "institution_id": institution, "base": base, "loans_before": 5,
        "loans_after": 6, "rate_before": float(before),
        "rate_after": float(Fraction(before) + change / 100), "change_bp": float(change),
        **{f"{n}_bp": float(v) for n, v in zip(EFFECTS, parts, strict=True)},
        "change_num": str(change.numerator), "change_den": str(change.denominator),
        "status": "ok", **more,
    }  # fmt: skip


MOVED = [
    moved(RURAL, "last_full_year", "6", ("-13.44", "10.46", "0.9", "0")),
    moved(RURAL, "last_quarter", "5.9", ("3", "-1", "0", "0.25")),
    moved(None, "last_full_year", "5", ("-1", "2", "3", "-4")),
    {"quarter": "2021Q4", "institution_id": LARGE, "base": "last_full_year", "loans_before": 0,
     "loans_after": 4, "rate_after": 4.5, "left_out": 0, "status": "none",
     "reason": "基期没有新发放贷款"},
    {"quarter": "2021Q4", "institution_id": VILLAGE, "base": "last_full_year", "loans_before": 0,
     "loans_after": 0, "status": "none", "reason": "基期没有新发放贷款；本期没有新发放贷款"},
]  # fmt: skip
STABLE = [{"quarter": "2021Q4", "base": "last_full_year", "reason": "同口径利率变动−1.0个基点。"}]


def placed(lender: str, other: str, gap: str | None, rank: int | None, reason: str | None = None):
    exact = None if gap is None else Fraction(gap)
    shown = {} if exact is None else {
        "gap_bp": float(exact), "gap_num": str(exact.numerator),
        "gap_den": str(exact.denominator), "loans": 7, "similar_loans": 9, "cells": 1,
    }  # fmt: skip
    return {"quarter": "2021Q4", "institution_id": lender, "in_place": other, "rank": rank,
            "ranked": 2 if rank else None, "reason": reason, **shown}  # fmt: skip


PLACEBO = [
    placed(RURAL, VILLAGE, "12", 1),
    placed(RURAL, RURAL, "-80.15", 2),
    placed(LARGE, LARGE, None, None, "没有笔数足够、可以比较的格"),
]


def screened(institution: str, against: str, high: int, low: int):
    return {"quarter": "2021Q4", "institution_id": institution, "against": against, "loans": 1010,
            "tested": 1000, "high": high, "low": low, "small": 4, "leverage": 5,
            "no_scale": 1}  # fmt: skip


COUNTS = [
    screened(RURAL, "own", 2, 1),
    screened(LARGE, "own", 0, 0),
    screened(RURAL, "peers", 0, 0),
    screened(LARGE, "peers", 1, 0),
]
UNUSUAL = [
    {"quarter": "2021Q4", "institution_id": RURAL, "branch_id": "01", "loan_id": "JJ00000000777",
     "against": "own", "rate": 9.9, "reason": "供复核"},
]  # fmt: skip
BREACHES = [
    {"quarter": "2021Q4", "institution_id": RURAL, "branch_id": "01", "loan_id": "JJ00000000888",
     "stage": "origination", "reason": "不符"},
]  # fmt: skip


@pytest.fixture
def full(county):
    return county(
        contracts=CONTRACTS, contracts_unchecked=UNCHECKED, contract_breaches=BREACHES,
        decomposition=MOVED, stability=STABLE, placebo=PLACEBO, unusual_counts=COUNTS,
        unusual=UNUSUAL,
    )  # fmt: skip


def rates(sections):
    return next(s for s in sections if s.id == "rates")


def grids(section):
    return {
        t.id: [
            [cell_text(v, c) for v, c in zip(row, t.columns, strict=True)] for row in t.rows
        ]
        for t in section.tables
    }  # fmt: skip


def sentence(section, start: str) -> str:
    (found,) = [p for p in section.paragraphs if p.startswith(start)]
    return found


def test_the_letter_counts_its_own_loans_off_and_never_rounds_one_to_none(full):
    said = sentence(rates(institution_sections(full, RURAL)), "合同核对")
    # 1 of 30000: 0.0033 %; the row of one quarter is not added.
    assert "发放时核对30,000笔，1笔（0.003%）不符；重定价时核对8笔，2笔（25.00%）不符" in said
    assert said.endswith("另有3笔无法核对（没有填写加点）。")
    clean = sentence(rates(institution_sections(full, LARGE)), "合同核对")
    assert "发放时核对50笔，全部相符" in clean
    assert "重定价" not in clean


def test_an_institution_without_floating_loans_says_so(county):
    of_others = [r for r in CONTRACTS if r["institution_id"] != RURAL]
    source = county(contracts=of_others)
    assert "没有按LPR定价的浮动利率贷款" in sentence(
        rates(institution_sections(source, RURAL)), "合同核对"
    )


def test_the_letter_says_why_its_average_moved(full):
    section = rates(institution_sections(full, RURAL))
    # 6 − 0.0208 = 5.9792; rounded parts need not add up to the rounded whole.
    assert sentence(section, "本年") == (
        "本年新发放普惠型小微企业贷款平均利率5.98%，比上年全年（6.00%）下降2.1个基点："
        "其中同类贷款利率变动影响-13.4个基点，结构变化影响10.5个基点，"
        "新增类别影响0.9个基点，退出类别影响0.0个基点。"
    )
    assert grids(section)["rate_change"] == [
        ["本年累计与上年全年", "6.00", "5.98", "-2.1", "-13.4", "10.5", "0.9", "0.0"],
        ["本季与上季", "5.90", "5.92", "2.3", "3.0", "-1.0", "0.0", "0.3"],
    ]
    spread, waterfall = section.charts
    assert {"同类利率", "-13.4", "+10.5", "0.0", "-2.1", "上年全年6.00%"} <= set(
        written(waterfall.svg)
    )
    assert "结构+10.5" in waterfall.alt
    assert "LPR 1Y（%）" in written(spread.svg)


def test_an_average_that_cannot_be_compared_says_why_and_has_no_chart(full):
    section = rates(institution_sections(full, LARGE))
    assert sentence(section, "新发放").endswith("不能分解：基期没有新发放贷款。")
    assert [c.caption[:2] for c in section.charts] == []
    (row,) = grids(section)["rate_change"]
    assert row[1] == "无数据：基期没有新发放贷款"
    assert row[2] == "4.50"


def test_steps_are_real_changes_of_the_benchmark_most_loans_follow(county):
    again = dict(IDENTIFICATION[1], regime=2, date_from="2021-01-01")  # the rate did not move
    other = dict(IDENTIFICATION[0], benchmark="LPR 5Y", rate=4.8, loans=3)
    source = county(identification=[*IDENTIFICATION, again, other])
    (chart,) = rates(institution_sections(source, RURAL)).charts
    assert chart.alt.endswith("LPR 1Y：2019-11-20起4.15%；2020-04-20起3.85%。")
    assert "LPR 1Y（%）" in written(chart.svg)


def test_the_circular_has_the_checks_before_the_models(full):
    section = rates(county_sections(full))
    assert section.paragraphs[0].startswith("合同核对")
    assert "另有4笔无法核对（没有填写加点、没有利率）" in section.paragraphs[0]
    tables = grids(section)
    assert tables["contracts"] == [
        ["甲银行潢川支行", "50", "0", "0.00", "0", "0", "—", "1"],
        ["乙农村商业银行", "30,000", "1", "0.003", "8", "2", "25.00", "3"],
        ["合计", "30,050", "1", "0.003", "8", "2", "25.00", "4"],
    ]
    assert [row[:2] for row in tables["rate_change"]] == [
        ["本年累计与上年全年", "合计"],
        ["本年累计与上年全年", "甲银行潢川支行"],
        ["本年累计与上年全年", "乙农村商业银行"],
        ["本季与上季", "乙农村商业银行"],
    ]
    assert "与上年全年（5.00%）持平" in sentence(section, "本年")
    assert "本年累计与上年全年：同口径利率变动−1.0个基点" in sentence(section, "结构不变")
    assert list(tables)[:4] == ["contracts", "rate_change", "placebo", "unusual"]
    assert "identification" in tables


def test_on_lenders_are_ranked_or_say_why_not(full):
    section = rates(county_sections(full))
    assert sentence(section, "乙农村商业银行的转贷款") == (
        "乙农村商业银行的转贷款利率比同类普通贷款低80.2个基点，"
        "在可比的2家同类机构中由高到低列第2位。"
    )
    assert "未排名：没有笔数足够" in sentence(section, "甲银行潢川支行的转贷款")
    assert grids(section)["placebo"] == [
        ["乙农村商业银行", "丙村镇银行", "12.0", "7", "9", "1"],
        ["乙农村商业银行", "乙农村商业银行（转贷款）", "-80.2", "7", "9", "2"],
    ]


def test_unusual_rates_are_counted_and_loans_named_on_no_page(full):
    section = rates(county_sections(full))
    assert (
        "与本机构同类贷款比，检验2,000笔，偏高2笔、偏低1笔，另有20笔不具备检验条件；"
        "与同类机构的同类贷款比，检验2,000笔，偏高1笔、偏低0笔"
    ) in sentence(section, "供复核")
    assert grids(section)["unusual"] == [
        ["甲银行潢川支行", "同类机构的同类贷款", "1,000", "1", "0"],
        ["乙农村商业银行", "本机构同类贷款", "1,000", "2", "1"],
    ]
    pages = [county_sections(full), *(institution_sections(full, i) for i in (RURAL, LARGE))]
    text = "".join(repr(sections) for sections in pages)
    assert "JJ00000000" not in text


def test_an_institution_that_was_not_asked_for_has_no_row(county):
    strange = [checked("XX000001", "origination", 9, 9), *CONTRACTS]
    source = county(contracts=strange, placebo=[placed("XX000001", RURAL, "1", 1)])
    section = rates(county_sections(source))
    assert len(grids(section)["contracts"]) == 3
    assert "placebo" not in grids(section)


def test_without_any_of_it_the_page_is_as_before(county):
    assert {"contracts", "decomposition"}.isdisjoint(ALL)
    section = rates(county_sections(county(regressions=REGRESSIONS)))
    assert not any(p.startswith("合同核对") for p in section.paragraphs)
