from fractions import Fraction

import pytest

from briefing.made import (
    CATALOGUE,
    INDICATORS,
    LARGE,
    PARTS,
    RURAL,
    TOLERANCE,
    VILLAGE,
    clauses,
    indicator,
    part,
    spread,
    tolerance,
)
from puhui.briefing.county import county_sections
from puhui.briefing.institution import institution_sections
from puhui.briefing.peers import peers
from puhui.briefing.plain import (
    county_values,
    county_verdicts,
    institution_tolerance,
    institution_verdicts,
    regression_status,
    rows_balance,
)
from puhui.briefing.table import NoData, cell_text
from puhui.briefing.titles import institution_title
from puhui.errors import ParamsError, RunError


def by_id(sections):
    return {s.id: s for s in sections}


def grid(table):
    """Texts of a table as its readers see them."""
    return [
        [cell_text(v, c) for v, c in zip(row, table.columns, strict=True)] for row in table.rows
    ]


def test_headings_of_the_letter(source):
    headings = [s.heading for s in institution_sections(source, RURAL)]
    assert [h[:2] for h in headings[1:8]] == [f"{n}、" for n in "一二三四五六七"]
    assert headings[1:8] == [
        "一、总体评价", "二、主要指标", "三、发现的问题", "四、需说明的线索",
        "五、上季度问题整改情况", "六、监管要求及时限", "七、数据质量",
    ]  # fmt: skip
    assert [s.id for s in institution_sections(source, RURAL) if s.folded] == ["methods"]


def test_headings_of_the_circular(source):
    headings = [s.heading for s in county_sections(source)]
    assert headings[1:7] == [
        "一、总体情况", "二、主要做法和成效", "三、存在的问题", "四、上季度问题整改情况",
        "五、数据报送质量", "六、下一步监管要求",
    ]  # fmt: skip
    assert [h.split()[0] for h in headings[7:]] == [f"附件{n}" for n in range(1, 13)]


def test_overall_finding_counts_what_is_judged(source):
    (text,) = by_id(institution_sections(source, RURAL))["overall"].paragraphs
    # Of C2.1, C3.1 (shown), C4.1 and C7.2; C2.1 is as its worse indicator.
    assert "适用于你单位的条款 4 条，有结论的 3 条：达标 1 条、未达标 2 条" in text
    assert "两增：户数较年初增量、普惠型小微企业贷款不良率与各项贷款不良率之差" in text
    assert "暂定" in text
    assert "有 1 个网点不在容忍度之内：来龙支行。" in text
    (text,) = by_id(institution_sections(source, VILLAGE))["overall"].paragraphs
    assert "另有 2 条因缺少数据不能评价（缺报表项目和台账 2 条）" in text
    assert "无数据不视为达标" in text


def test_main_indicators_agree_in_digits(source):
    section = by_id(institution_sections(source, RURAL))["indicators"]
    rows = {row[0]: row[1:] for row in grid(section.tables[0])}
    assert rows["小微企业信用贷款占比（%）"][:6] == [
        "23.404", "23.401", "0.003", "百分点", "较年初", "较年初不下降",
    ]  # fmt: skip
    # 5.6789 − 5.9 = −0.2211 percent = −22.11 basis points
    assert rows["当年累放贷款加权平均利率（%）"][:5] == [
        "5.68", "5.90", "-22.1", "个基点", "较上年全年",
    ]  # fmt: skip
    gap = rows["普惠型小微企业贷款不良率与各项贷款不良率之差（百分点）"]
    assert (gap[0], gap[5]) == ("3.004", "≤3.00")
    assert gap[7:] == ["—", "× 未达标（临界、暂定）"]
    assert len(section.charts) == 2
    assert "3.004个百分点" in section.charts[0].alt


def test_exactly_at_the_limit_is_met_and_shown_so(source):
    section = by_id(institution_sections(source, VILLAGE))["tolerance"]
    assert [[*row[3:5], row[6]] for row in grid(section.tables[0])] == [["3.00", "3.00", "√ 达标"]]


def test_ratios_have_the_digits_of_their_gap(source):
    section = by_id(institution_sections(source, RURAL))["tolerance"]
    assert [row[:6] for row in grid(section.tables[0])][:2] == [
        ["全机构", "5.004", "2.000", "3.004", "3.00", "所属机构各项贷款不良率"],
        ["城关支行", "4.20", "2.00", "2.20", "3.00", "所属机构各项贷款不良率"],
    ]


def test_problems_are_serious_first_and_name_clause_and_nature(source):
    items = by_id(institution_sections(source, RURAL))["problems"].items
    assert len(items) == 3
    assert items[0].startswith("两增：户数较年初增量为-12户（标准：≥0），未达到要求。依据：C2.1，")
    assert items[1].endswith(
        "性质：应当落实的要求，未达标。此项结论为暂定：更正数据或核实口径后可能改变。"
    )
    assert items[2].startswith(
        "来龙支行普惠型小微企业贷款不良率高于所属机构各项贷款不良率5.25个百分点"
    )
    behind = by_id(institution_sections(source, LARGE))["problems"].items
    assert len(behind) == 1
    assert behind[0].endswith("性质：努力方向，未达预期。")


def test_what_cannot_be_filled_says_why(source):
    sections = by_id(institution_sections(source, RURAL))
    assert sections["leads"].paragraphs == (
        "没有待核实的事项。筛查类条款的名单由后续版本给出，没有列出不表示不存在需要说明的情形。",
    )
    assert "没有上季度的数据" in sections["last_quarter"].paragraphs[0]


def test_rows_in_are_accounted_for(source, county):
    text = by_id(institution_sections(source, RURAL))["quality"].paragraphs[0]
    assert "2,012 行，其中接收 2,000 行、隔离 7 行、非数据行" in text
    assert "一致" in text
    short = [{"quarter": "2021Q4", "institution_id": RURAL, "revision": 1, "status": "accepted",
              "file": "a", "table": "loans", "rows_in": 10, "accepted": 8, "quarantined": 0,
              "non_data": 1}]  # fmt: skip
    text = by_id(institution_sections(county(intake=short), RURAL))["quality"].paragraphs[0]
    assert "不一致（差 1 行）" in text
    (text,) = by_id(institution_sections(source, LARGE))["quality"].paragraphs
    assert "未收到该机构的文件" in text


def test_findings_are_counted_by_check(source):
    table = by_id(institution_sections(source, RURAL))["quality"].tables[1]
    assert grid(table) == [
        ["E0012", "错误", "贷款借据", "贷款余额大于发放金额。", "7"],
        ["W0003", "警告", "贷款借据", "行业为空。", "2"],
    ]


def test_no_data_is_never_a_number(source):
    rows = grid(by_id(institution_sections(source, VILLAGE))["clauses"].tables[0])
    missing = [row for row in rows if row[9] == "□ 无数据"]
    assert [row[4] for row in missing] == ["当年累放贷款加权平均利率", "小微企业信用贷款占比"]
    assert {row[6] for row in missing} == {"无数据"}
    assert missing[0][11] == "报表：缺“QS.incl_interest”"


def test_two_increases_annex(source):
    table = by_id(county_sections(source))["two_increases"].tables[0]
    rows = {row[0]: row[1:] for row in grid(table)}
    # 11.2345 of 10 → 12.345 %; all loans 55 of 50 → 10 %; gap as stored.
    assert rows["乙农村商业银行"][:9] == [
        "11.23", "1.23", "12.35", "10.00", "1.23", "√ 达标", "988", "-12", "× 未达标",
    ]  # fmt: skip
    assert rows["丙村镇银行"][:5] == ["0.90", "无数据", "5.00", "5.00", "-0.001"]
    # (11.2345 + 2.2) − (10 + 2) = 1.4345; 13.4345 / 12 = +11.954 %; 64 / 58.9 = +8.659 %.
    assert rows["合计"][:9] == [
        "13.43", "1.43", "11.95", "8.66", "3.30", "—", "1,219", "19", "—",
    ]  # fmt: skip
    assert any("丙村镇银行" in note for note in table.notes)
    headings = [c.label for c in table.columns]
    assert headings == [
        "机构", "余额", "较年初增加", "较年初增速", "各项贷款增速", "高/低", "结论（增速）", "户数",
        "较年初增减", "结论（户数）", "年度计划", "完成率", "序时进度", "口径", "数据来源",
    ]  # fmt: skip


def test_circular_groups_problems_by_section(source):
    texts = by_id(county_sections(source))["problems"].paragraphs
    assert texts == (
        "（一）信贷供给。两增：贷款增速差（C2.1）：丙村镇银行未达标。"
        "两增：户数较年初增量（C2.1）：乙农村商业银行未达标。",
        "（二）贷款结构。小微企业信用贷款占比（C4.1）：甲银行潢川支行未达预期。",
        "（三）不良容忍与尽职免责。普惠型小微企业贷款不良率与各项贷款不良率之差（C7.2）：乙农村商业银行（临界、暂定）未达标。",
        "网点容忍度：1 个网点超过界限，涉及乙农村商业银行。",
    )


def test_clauses_are_counted_by_section_and_by_force_against_last_quarter(county):
    # Of C2.1 (two indicators): rural not met, large shown, village not met.
    now = clauses(INDICATORS)
    before = {(RURAL, "C2.1"): "met", (LARGE, "C2.1"): "shown", (VILLAGE, "C2.1"): "no_data"}
    rows = [{**r, "last_verdict": before.get((r["institution_id"], r["clause"]))} for r in now]
    table = by_id(county_sections(county(clauses=rows)))["overall"].tables[0]
    heads = [c.label for c in table.columns]
    found = {tuple(row[:3]): dict(zip(heads, row, strict=True)) for row in grid(table)}
    growth = found["按《通知》部分", "2　信贷供给", "本季"]
    assert [growth[v] for v in ("达标", "未达标", "仅列示", "无数据")] == list("0210")
    growth = found["按《通知》部分", "2　信贷供给", "上季"]
    assert [growth[v] for v in ("达标", "未达标", "仅列示", "无数据")] == list("1011")
    # The one clause of striving, C4.1: met, behind and no data.
    striving = found["按要求性质", "努力方向", "本季"]
    assert [striving[v] for v in ("达标", "未达预期", "无数据")] == list("111")
    assert ("按要求性质", "努力方向", "上季") not in found


def test_identification_comes_before_numbers(source):
    section = by_id(county_sections(source))["rates"]
    assert section.paragraphs[1].startswith("识别较弱")
    assert [t.id for t in section.tables] == ["identification", "regression1"]
    assert grid(section.tables[1]) == [
        ["基准利率", "0.6123", "0.0500", "0.0721", "-0.2000", "0.1500", "0.2100"],
        ["线性趋势（每日）", "—", "—", "—", "-0.000123", "0.0000100", "0.0000200"],
    ]


def test_a_refused_regression_shows_its_sentence_and_no_number(county):
    why = "机构只有 3 家，少于 5 家，不能识别。"
    rows = [{"quarter": "2021Q4", "model": m, "scope": "all", "term": "benchmark",
             "status": "none", "reason": why} for m in "AB"]  # fmt: skip
    section = by_id(county_sections(county(regressions=rows, identification=[])))["rates"]
    assert section.paragraphs[1:] == (f"模型 A、B：{why}",)
    assert section.tables == ()


def test_nothing_at_all_still_makes_a_letter_and_a_circular(county):
    source = county(indicators=[], tolerance=[], measures=[], intake=[], findings=[],
                    regressions=[], identification=[])  # fmt: skip
    assert len(institution_sections(source, RURAL)) == 13
    texts = by_id(institution_sections(source, RURAL))["overall"].paragraphs
    assert texts == ("本季度没有可评价的条款：没有收到可用的数据。",)
    assert "没有可评价的数据" in by_id(county_sections(source))["overall"].paragraphs[1]


def test_an_unknown_institution_is_refused(source):
    with pytest.raises(RunError, match="没有“NOBODY01”"):
        institution_sections(source, "NOBODY01")


def test_peers_need_three_others_of_the_same_level(source, county):
    assert peers(source, RURAL, "C3.1a") is None
    assert peers(county(), VILLAGE, "C7.2") is None


def test_plain_texts_of_the_notebooks(source):
    assert institution_verdicts(source, VILLAGE).splitlines()[0] == "C2.1a -0.001个百分点 未达标"
    assert institution_tolerance(source, RURAL).splitlines() == [
        "- 3.004 未达标", "01 2.20 达标", "02 5.25 未达标", "03 -0.90 达标",
    ]  # fmt: skip
    assert rows_balance(source) == "读入 2072 = 接收 2058 + 隔离 7 + 非数据 7，差 0"
    assert county_verdicts(source).splitlines()[0] == "C2.1a 达标1 未达标1 仅列示1"
    assert county_values(source, "C7.2").splitlines() == [
        "LGB00001 0.50个百分点 达标", "RCB00001 3.004个百分点 未达标（临界、暂定）",
        "VLB00001 3.00个百分点 达标",
    ]  # fmt: skip
    assert regression_status(source) == "A all 不加权 weak\nB all 不加权 weak"


def test_a_cell_of_an_unknown_type_is_refused(source):
    column = by_id(institution_sections(source, RURAL))["clauses"].tables[0].columns[0]
    with pytest.raises(TypeError, match="cell of column section"):
        cell_text(object(), column)
    assert cell_text(NoData(), column) == "无数据"
    assert cell_text(Fraction(1, 3), by_id(county_sections(source))["quality"].tables[0].columns[2])


def growth_table(source):
    return by_id(county_sections(source))["two_increases"].tables[0]


def test_growth_of_an_institution_is_what_it_was_judged_on(county):
    # Bills left out, all loans grew by 9.5 % instead of the 10 % of the measures.
    parts = [p for p in PARTS if (p["institution_id"], p["part"]) != (RURAL, "all_growth_pct")]
    table = growth_table(county(parts=[*parts, part(RURAL, "C2.1a", "all_growth_pct", "9.5")]))
    rows = {row[0]: row[1:] for row in grid(table)}
    assert rows["乙农村商业银行"][:5] == ["11.23", "1.23", "12.35", "9.50", "1.23"]
    assert rows["合计"][:5] == ["13.43", "1.43", "11.95", "无数据", "无数据"]
    assert any("不能相加" in note for note in table.notes)


def test_subtotals_that_add_up_say_nothing_of_bills(source):
    assert not any("不能相加" in note for note in growth_table(source).notes)


def test_without_parts_growth_is_no_data(county):
    rows = {row[0]: row[1:] for row in grid(growth_table(county(parts=[])))}
    own = rows["乙农村商业银行"]
    assert (own[2], own[3], own[4]) == ("无数据", "无数据", "1.23")
    assert (own[6], own[7]) == ("无数据", "无数据")
    assert rows["合计"][3:5] == ["无数据", "无数据"]


def test_parts_of_another_quarter_or_of_a_branch_are_not_the_institutions(county):
    old = [{**p, "quarter": "2021Q3"} for p in PARTS]
    branch = [{**p, "branch_id": "01"} for p in PARTS]
    rows = {row[0]: row[1:] for row in grid(growth_table(county(parts=[*old, *branch])))}
    assert rows["乙农村商业银行"][2] == "无数据"


def test_a_county_without_any_growth_has_a_sentence_for_a_table(county):
    rows = [
        indicator(i, c, None, "no_data", source=None, reason="未报送")
        for i in (RURAL, VILLAGE)
        for c in ("C2.1a", "C2.1b", "C4.1a", "C7.2")
    ]
    sections = by_id(county_sections(county(indicators=rows, tolerance=[], measures=[])))
    for name in ("two_increases", "structure", "tolerance"):
        assert sections[name].tables == ()
        assert "不编制本表" in sections[name].paragraphs[0]


def test_each_row_of_tolerance_names_its_comparator(county):
    rows = [
        tolerance(LARGE, None, "1.3", "0.8", "met", comparator="reporting_unit"),
        tolerance(LARGE, "01", "4.2", "1.1", "not_met", comparator="legal_person"),
        tolerance(LARGE, "02", "4.2", "4", "met", comparator="branch"),
    ]
    source = county(tolerance=rows)
    section = by_id(institution_sections(source, LARGE))["tolerance"]
    names = ["填报机构各项贷款不良率", "法人公布的各项贷款不良率", "网点自身各项贷款不良率"]
    assert [row[5] for row in grid(section.tables[0])] == names
    assert not [n for n in names for text in section.paragraphs if n in text]
    (problem,) = [
        t for t in by_id(institution_sections(source, LARGE))["problems"].items if "网点" in t
    ]
    assert "高于法人公布的各项贷款不良率3.10个百分点" in problem
    annex = by_id(county_sections(source))["tolerance"].tables[0]
    assert [row[5] for row in grid(annex)] == names[:2]


def test_the_lead_names_a_limit_only_if_all_rows_have_it(county):
    rows = [
        tolerance(RURAL, None, "4", "2", "met"),
        tolerance(RURAL, "01", "4", "2", "met", tolerance_pp="2.00"),
    ]
    lead = by_id(institution_sections(county(tolerance=rows), RURAL))["tolerance"].paragraphs[0]
    assert "不超过表中界限" in lead
    lead = by_id(institution_sections(county(tolerance=rows[:1]), RURAL))["tolerance"].paragraphs[0]
    assert "不超过 3.00 个百分点" in lead


def test_flags_stand_with_every_verdict_and_are_explained(county):
    why = "有 7 行被隔离未计入，更正后结论可能改变。"
    rows = [
        indicator(RURAL, "C7.2", "3.5", "not_met", test="<=", threshold="3.00",
                  flags=["provisional"], reason=why),
    ]  # fmt: skip
    branches = [
        tolerance(RURAL, None, "5.5", "2", "not_met", flags=["provisional"], reason=why),
        tolerance(RURAL, "02", "7.25", "2", "not_met", flags=["small"]),
    ]
    source = county(indicators=rows, tolerance=branches)
    letter = by_id(institution_sections(source, RURAL))
    (overall,) = letter["overall"].paragraphs
    assert "结论为暂定，更正数据或核实口径后可能改变" in overall
    assert "来龙支行（样本小）" in overall
    own, branch = letter["problems"].items
    assert own.endswith("此项结论为暂定：有 7 行被隔离未计入，更正后结论可能改变。")
    assert branch.endswith("此项样本小，比率易受个别贷款影响。")
    assert "未达标（暂定）" in letter["indicators"].charts[0].alt
    assert "来龙支行5.25个百分点，未达标（样本小）" in letter["tolerance"].charts[0].alt
    assert [row[6] for row in grid(letter["tolerance"].tables[0])] == [
        "× 未达标（暂定）", "× 未达标（样本小）",
    ]  # fmt: skip
    assert any("“样本小”的（来龙支行）" in t for t in letter["tolerance"].paragraphs)
    circular = by_id(county_sections(source))
    assert "其中 1 条次结论为暂定" in circular["overall"].paragraphs[0]
    assert "乙农村商业银行（暂定）未达标" in circular["problems"].paragraphs[0]
    assert institution_verdicts(source, RURAL) == "C7.2 3.50个百分点 未达标（暂定）"
    assert institution_tolerance(source, RURAL).endswith("02 5.25 未达标（样本小）")


def test_long_reasons_stand_once_below_the_table(county):
    long = "报表：缺“" + "、".join(f"QS.item_{n}" for n in range(20)) + "”"
    rows = [
        indicator(VILLAGE, c, None, "no_data", source=None, reason=reason)
        for c, reason in (("C2.1a", long), ("C2.1b", "未报送"), ("C7.2", long))
    ]
    table = by_id(institution_sections(county(indicators=rows), VILLAGE))["clauses"].tables[0]
    reasons = {row[4]: row[11] for row in grid(table)}
    labels = [CATALOGUE[c].label for c in ("C2.1a", "C2.1b", "C7.2")]
    assert [reasons[label] for label in labels] == ["见表下注1", "未报送", "见表下注1"]
    assert table.notes[0] == f"注1：{long}"
    assert sum(long in note for note in table.notes) == 1


def test_the_letter_has_the_institutions_own_spread_and_no_regression(source):
    section = by_id(institution_sections(source, RURAL))["rates"]
    (table,) = section.tables
    # 5.95 − 3.85 = 2.10 percent = 210 basis points, and so on, by quarter of pricing.
    assert grid(table) == [
        ["2021年一季度", "31", "5.95", "3.85", "210.0"],
        ["2021年二季度", "8", "6.10", "3.85", "225.0"],
        ["2021年四季度", "20", "5.55", "3.80", "175.0"],
    ]
    assert "2021年二季度利差225.0个基点，基准利率3.85%" in section.charts[0].alt
    assert "通报附件2" in section.paragraphs[1]
    assert len(section.paragraphs) == 2
    alone = by_id(institution_sections(source, LARGE))["rates"]
    assert (len(alone.tables), alone.charts) == (1, ())  # one quarter is no path
    without = by_id(institution_sections(source, VILLAGE))["rates"]
    assert without.tables == ()
    assert "没有可计算利差的贷款" in without.paragraphs[0]


def test_a_refused_regression_is_said_in_the_letter_too(county):
    why = "机构只有 3 家，少于 5 家，不能识别。"
    rows = [{"quarter": "2021Q4", "model": m, "scope": "all", "term": "benchmark",
             "status": "none", "reason": why} for m in "AB"]  # fmt: skip
    texts = by_id(institution_sections(county(regressions=rows), RURAL))["rates"].paragraphs
    assert texts[1:] == (f"模型 A、B：{why}",)


def test_a_long_path_shows_its_latest_quarters(county):
    rows = [spread(RURAL, f"{2006 + n // 4}Q{n % 4 + 1}", 3, "5", "4") for n in range(20)]
    section = by_id(institution_sections(county(spreads=rows), RURAL))["rates"]
    shown = [row[0] for row in grid(section.tables[0])]
    assert (len(shown), shown[0], shown[-1]) == (12, "2008年一季度", "2010年四季度")
    assert any("共 20 个季度" in note for note in section.tables[0].notes)
    assert section.charts[0].alt.count("个基点") == 20


def test_peers_by_the_rule_of_the_words(county):
    source = county()
    rule = source.words.tree["common"]["peer_rule"]
    rule["fewest"] = "2"
    # Rate of the large branch 4.25: the two others are legal persons, so no peers of its level.
    assert peers(source, LARGE, "C3.1a") is None
    # Of the village bank's gap only the rural bank is of its level: still one too few.
    assert peers(source, VILLAGE, "C7.2") is None
    rule["fewest"] = "1"
    found = peers(source, VILLAGE, "C7.2")
    assert (found.group, found.others, found.median) == ("local", 1, Fraction("3.004"))


def test_a_peer_rule_that_is_no_number_is_refused(county):
    source = county()
    source.words.tree["common"]["peer_rule"]["fewest"] = "三"
    with pytest.raises(ParamsError, match="“三”应为整数"):
        institution_sections(source, RURAL)


def test_a_latin_name_is_set_apart_in_the_title(county):
    source = county(names={RURAL: "First Bank"})
    assert institution_title(source, RURAL).startswith("关于 First Bank 2021年四季度")


def test_the_legend_names_only_signs_the_chart_has(source):
    charts = by_id(county_sections(source))["overall"].charts
    # Growth and tolerance of two legal persons, met and not met; of one branch no chart.
    assert [c.caption.split("，")[0] for c in charts] == [
        "两增：贷款增速差（法人机构）",
        "普惠型小微企业贷款不良率与各项贷款不良率之差（法人机构）",
    ]
    assert all("叉号" in c.caption and "方块" not in c.caption for c in charts)
    assert all("甲银行潢川支行" not in c.alt for c in charts)


def test_a_branch_is_named_with_its_institution_once(county):
    source = county(names={RURAL: "来龙"})
    table = by_id(county_sections(source))["tolerance"].tables[0]
    assert "来龙支行" in [row[0] for row in grid(table)]
    table = by_id(county_sections(county()))["tolerance"].tables[0]
    assert "乙农村商业银行·来龙支行" in [row[0] for row in grid(table)]


def test_clauses_that_do_not_apply_are_told_apart_from_data_that_lack(county):
    def row(institution, indicator_id, verdict):
        return indicator(institution, indicator_id, None, verdict, source=None, reason="不适用")

    kept = [r for r in INDICATORS if r["institution_id"] == RURAL]
    exempt = [row(LARGE, i, "not_applicable") for i in CATALOGUE]
    lacking = [row(VILLAGE, i, "no_data") for i in CATALOGUE]
    tolerances = [r for r in TOLERANCE if r["institution_id"] == RURAL]
    none = {"inclusive_npl_pct": None, "all_npl_pct": None, "gap_pp": None, "gap_num": None,
            "gap_den": None}  # fmt: skip
    tolerances += [tolerance(LARGE, None, "0", "0", "not_applicable", **none)]
    source = county(
        indicators=[*kept, *exempt, *lacking],
        tolerance=tolerances,
        parts=[p for p in PARTS if p["institution_id"] == RURAL],
    )
    assert by_id(institution_sections(source, LARGE))["overall"].paragraphs == (
        "《通知》各条均不适用于你单位这一类机构，本季度不作评价。",
    )
    (said,) = by_id(institution_sections(source, VILLAGE))["overall"].paragraphs
    assert said.startswith("本季度没有可评价的条款：没有收到可用的数据。")
    section = by_id(institution_sections(source, LARGE))["tolerance"]
    assert section.paragraphs == ("没有容忍度结果：这一条不适用于你单位这一类机构。",)
    assert section.tables == ()
    circular = by_id(county_sections(source))
    assert circular["overall"].paragraphs[1:] == (
        "《通知》各条均不适用于以下机构，不作评价：甲银行潢川支行。",
        "以下机构没有可评价的数据：丙村镇银行。",
    )
    table = circular["two_increases"].tables[0]
    rows = {r[0]: r[1:] for r in grid(table)}
    assert set(rows["甲银行潢川支行"][:5]) == {"—"}
    assert set(rows["丙村镇银行"][1:5]) == {"无数据"}
    (absent,) = [note for note in table.notes if "缺少年初或期末数据" in note]
    assert "丙村镇银行" in absent and "甲银行" not in absent
    structure = {r[0]: r[1:] for r in grid(circular["structure"].tables[0])}
    assert [structure[n][0] for n in ("甲银行潢川支行", "丙村镇银行")] == ["—", "无数据"]
    limits = {r[0]: r[1:4] for r in grid(circular["tolerance"].tables[0])}
    assert limits["甲银行潢川支行"] == ["—", "—", "—"]
