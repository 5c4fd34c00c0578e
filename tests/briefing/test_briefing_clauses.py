"""The notice clause by clause: on the letter's annex, and over the county."""

from __future__ import annotations

from dataclasses import replace

import openpyxl
import pytest

from briefing.made import (
    CATALOGUE,
    INDICATORS,
    LARGE,
    NOTICE,
    RURAL,
    VILLAGE,
    clauses,
    indicator,
    make_source,
    part,
)
from puhui.briefing.county import county_sections
from puhui.briefing.html import render_section, render_table
from puhui.briefing.institution import institution_sections
from puhui.briefing.judged import cell, spoken
from puhui.briefing.lacking import lacking, to_be_sent
from puhui.briefing.source import ClauseWords, IndicatorWords
from puhui.briefing.table import Column, Table, cell_text
from puhui.briefing.xlsx import write_annex
from puhui.results import VERDICTS

ASKED = IndicatorWords(
    "C6.1", "五专机制", "C6.1", "6", "must", "有五项专门机制。", "", "答卷全部为“是”",
    "应答“是”并有文号", kind="att", tier="T1",
)  # fmt: skip
LISTED = IndicatorWords(
    "C3.4a", "抽贷线索", "C3.4a", "3", "ban", "不得抽贷。", "", "名单", "无待核实线索",
    kind="list", tier="T2", pending="名单由后续版本给出。",
)  # fmt: skip
TOTAL = IndicatorWords(
    "C2.2c.LP", "法人合计：户次增量", "C2.2c", "2", "must", "全县合计。", "户次", "户数之差",
    "不低于 0", tier="T0", is_total=True,
)  # fmt: skip
MORE = {
    "C6.1": ClauseWords("C6.1", "6", "must", "有五项专门机制。"),
    "C3.4a": ClauseWords("C3.4a", "3", "ban", "不得抽贷。"),
}


def row(institution, entry, value, verdict, **more):
    made = {
        "quarter": "2021Q4", "institution_id": institution, "indicator_id": entry.indicator_id,
        "unit": entry.unit, "verdict": verdict, "flags": [], "revision": 1, "value_den": "1",
        "value": None if value is None else float(value),
        "value_num": None if value is None else str(value), **more,
    }  # fmt: skip
    return made if value is not None else {**made, "value_den": None}


def clause(entry, institution, verdict, **more):
    return {
        "quarter": "2021Q4", "institution_id": institution, "clause": entry.clause,
        "verdict": verdict, "flags": [], "indicator_id": entry.indicator_id, **more,
    }  # fmt: skip


@pytest.fixture(scope="module")
def wider():
    """The county with a clause of answers, one of a list to come, and a total."""
    items = ["C6.1.a=yes", "C6.1.b=no", "C6.1.c=yes"]
    why = "登记表：2021Q4 缺表：制度与机制答卷"
    new = [
        row(RURAL, ASKED, 2, "not_met", unit="项", source="register", answers=items,
            reason="C6.1.b 否"),
        row(VILLAGE, ASKED, None, "no_data", reason=why),
        row(LARGE, ASKED, None, "not_applicable"),
        *(row(i, LISTED, None, "no_data", test="list", reason=LISTED.pending)
          for i in (RURAL, VILLAGE)),
        row(LARGE, LISTED, None, "not_applicable"),
        row("county", TOTAL, 19, "met", test=">=", threshold="0", source="panel",
            reason="合计 2 家；缺数据未计入：丙村镇银行"),
    ]  # fmt: skip
    rows = [
        *({**r, "last_verdict": "behind"} if r["clause"] == "C4.1" else r
          for r in clauses(INDICATORS)),
        clause(ASKED, RURAL, "not_met", last_verdict="not_met"),
        clause(ASKED, VILLAGE, "no_data", reason=why, last_verdict="not_met"),
        clause(ASKED, LARGE, "not_applicable"),
        *(clause(LISTED, i, "no_data", reason=LISTED.pending) for i in (RURAL, VILLAGE)),
        clause(LISTED, LARGE, "not_applicable"),
        clause(TOTAL, "county", "met"),
    ]  # fmt: skip
    entries = {e.indicator_id: e for e in (LISTED, ASKED, TOTAL)}
    source = make_source(indicators=[*INDICATORS, *new], clauses=rows)
    return replace(source, catalogue=CATALOGUE | entries, notice=NOTICE | MORE)


def by_id(sections):
    return {s.id: s for s in sections}


def grid(table):
    return [[cell_text(v, c) for v, c in zip(r, table.columns, strict=True)] for r in table.rows]


def annex(source, institution):
    return by_id(institution_sections(source, institution))["clauses"].tables[0]


def test_the_annex_goes_through_every_clause_of_the_notice(wider):
    for institution in (RURAL, VILLAGE, LARGE):
        assert [r[1] for r in grid(annex(wider, institution))] == [
            "C1", "C2.1", "C2.1", "C2.2c", "C3.1", "C4.1", "C7.2", "C6.1",
            "C3.4a",
        ]  # fmt: skip


def test_a_clause_says_its_verdict_once_beside_those_of_its_indicators(wider):
    rows = [r for r in grid(annex(wider, RURAL)) if r[1] == "C2.1"]
    assert [(r[3], r[9]) for r in rows] == [("× 未达标", "√ 达标"), ("", "× 未达标")]


def test_answers_are_shown_as_so_many_of_so_many(wider):
    (found,) = (r for r in grid(annex(wider, RURAL)) if r[1] == "C6.1")
    assert found[4:] == [
        "五专机制", "项", "2/3", "", "应答“是”并有文号", "× 未达标", "登记表", "C6.1.b 否",
    ]  # fmt: skip
    problem = by_id(institution_sections(wider, RURAL))["problems"].items
    assert any("应答“是”的事项中，2/3项为“是”（C6.1.b 否）。依据：C6.1" in p for p in problem)


def test_money_is_shown_in_ten_thousands_in_value_base_and_limit(county):
    money = replace(CATALOGUE["C4.1a"], unit="元")
    more = {"base": "year_start", "base_value": "-20000", "test": ">=", "threshold": "10000"}
    rows = [{**indicator(RURAL, "C4.1a", "1234567.8", "met", **more), "unit": "元"}]
    source = replace(county(indicators=rows), catalogue={"C4.1a": money})
    (found,) = (r for r in grid(annex(source, RURAL)) if r[1] == "C4.1" and r[4])
    assert found[5:9] == ["万元", "123.46", "-2.00", "≥1.00"]
    assert spoken(source.indicator(RURAL, "C4.1a")) == "123.46万元"


def test_without_answers_there_is_no_tally(wider):
    assert cell(wider.indicator(VILLAGE, "C6.1")).word == "无数据"
    assert cell(wider.indicator(LARGE, "C6.1")).word == "—"


def test_what_is_missing_is_added_up_and_what_later_versions_bring_is_not_asked_for(wider):
    rows = wider.clauses(VILLAGE)
    # C3.1 and C4.1 lack figures of the return, C6.1 the answers, C3.4a its list.
    assert lacking(wider, rows) == {"报表项目和台账": 2, "制度与机制答卷": 1, "screening": 1}
    assert to_be_sent(wider, rows) == "报表项目和台账（2 条）、制度与机制答卷（1 条）"
    (text,) = by_id(institution_sections(wider, VILLAGE))["overall"].paragraphs
    said = "缺报表项目和台账 2 条、缺制度与机制答卷 1 条、筛查类 1 条待后续版本"
    assert f"另有 4 条因缺少数据不能评价（{said}）" in text
    asked = " ".join(by_id(institution_sections(wider, VILLAGE))["requirements"].items)
    assert "制度与机制答卷（1 条）" in asked and "筛查" not in asked


def test_no_data_of_any_other_kind_is_still_counted(county):
    rows = [indicator(VILLAGE, "C7.2", None, "no_data", source=None, reason="不知何故")]
    source = county(indicators=rows)
    assert lacking(source, source.clauses(VILLAGE)) == {"其他数据": 1}


def test_last_quarters_problems_are_followed_up(wider):
    sections = by_id(institution_sections(wider, RURAL))
    assert sections["last_quarter"].paragraphs[0].endswith("有 2 条：")
    over, still = sections["last_quarter"].items
    assert over.startswith("本季度已达到要求 1 条：C4.1 ")
    assert still.startswith("本季度仍未达到要求 1 条：C6.1 五专机制")
    (rest,) = by_id(institution_sections(wider, VILLAGE))["last_quarter"].items
    assert rest.startswith("本季度不能作出结论 2 条")
    table = by_id(county_sections(wider))["last_quarter"].tables[0]
    # before, over, still, open, new; the large branch was behind at C4.1 and still is.
    assert {r[0]: r[1:] for r in grid(table)} == {
        "甲银行潢川支行": ["1", "0", "1", "0", "0"],
        "乙农村商业银行": ["2", "1", "1", "0", "2"],
        "丙村镇银行": ["2", "0", "0", "2", "1"],
    }


def test_the_matrix_has_a_sign_for_every_clause_and_institution(wider):
    table = by_id(county_sections(wider))["matrix"].tables[0]
    heads = [c.label for c in table.columns]
    rows = {r[1]: dict(zip(heads, r, strict=True)) for r in grid(table)}
    assert set(rows) == set(wider.notice) - {"C1"}
    assert rows["C7.2"]["乙农村商业银行"] == "×*"  # near the limit and provisional
    assert rows["C7.2"]["丙村镇银行"] == "√"
    assert rows["C6.1"]["甲银行潢川支行"] == "－"
    assert rows["C2.2c"]["甲银行潢川支行"] == ""  # of the county, not of an institution
    legend = table.notes[0]
    signs = wider.words.map("common.signs")
    assert all(f"{signs[v]} {VERDICTS[v]}" in legend for v in VERDICTS)
    page = render_table(table)
    assert 'title="未达标（临界、暂定）">×*</td>' in page


def test_the_coverage_table_says_how_each_clause_is_answered_and_for_how_many(wider):
    table = by_id(county_sections(wider))["coverage"].tables[0]
    rows = {r[1]: r[3:] for r in grid(table)}
    assert list(rows) == list(wider.notice)
    assert rows["C6.1"] == ["应当", "答卷", "T1", "五专机制", "1", "1", "1"]
    assert rows["C3.4a"] == ["禁止", "清单", "T2", "抽贷线索", "0", "2", "1"]
    assert rows["C2.2c"][1:] == ["全县合计", "T0", "法人合计：户次增量", "—", "—", "—"]
    assert rows["C1"][1] == "计数"


def test_the_countys_totals_name_who_is_absent(wider):
    tables = by_id(county_sections(wider))["two_increases"].tables
    (found,) = grid(next(t for t in tables if t.id == "totals"))
    assert found == [
        "C2.2c", "法人合计：户次增量", "户次", "19", "≥0", "√ 达标",
        "合计 2 家；缺数据未计入：丙村镇银行",
    ]  # fmt: skip


def test_no_chart_ranks_legal_persons_with_branches(wider):
    names = {LARGE: "甲银行潢川支行", RURAL: "乙农村商业银行", VILLAGE: "丙村镇银行"}
    charts = by_id(county_sections(wider))["overall"].charts
    assert charts
    for chart in charts:
        levels = {wider.institution(i)["level"] for i, n in names.items() if n in chart.alt}
        assert len(levels) == 1, chart.alt


def test_a_lead_without_a_reason_says_its_number(county):
    rows = [{**indicator(RURAL, "C7.2", "2", "to_verify", test="list"), "unit": "笔"}]
    section = by_id(institution_sections(county(indicators=rows), RURAL))["leads"]
    assert section.items == ("普惠型小微企业贷款不良率与各项贷款不良率之差：2笔（依据：C7.2）",)


def test_groups_are_headings_on_a_page_and_a_column_in_a_workbook(tmp_path):
    columns = (Column("group", "部分"), Column("name", "名称"), Column("n", "数", "", "count"))
    rows = (("一<b>", "甲", 1), ("一<b>", "乙", 2), ("二", "丙", 3))
    table = Table("t", "题", columns, rows, grouped=True)
    page = render_table(table)
    assert page.count('scope="rowgroup"') == 2
    assert "一&lt;b&gt;" in page and "<b>" not in page
    assert "部分" not in page
    assert page.count("<tbody>") == page.count("</tbody>") == 2
    write_annex(tmp_path / "a.xlsx", [table], title="题")
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx")["题"]
    assert [c.value for c in sheet["A"]][1:] == ["部分", "一<b>", "一<b>", "二"]


def test_what_stands_beside_an_indicator_is_listed_with_its_unit(county):
    entry = replace(CATALOGUE["C2.1a"], parts={"growth_pct": "普惠增速"})
    source = replace(
        county(parts=[part(RURAL, "C2.1a", "growth_pct", "12.345")]),
        catalogue=CATALOGUE | {"C2.1a": entry},
    )
    tables = by_id(institution_sections(source, RURAL))["clauses"].tables
    assert grid(tables[1]) == [["C2.1", "两增：贷款增速差", "普惠增速", "12.35", "%"]]


def test_text_of_an_institution_is_escaped_in_the_matrix(county):
    source = county(names={RURAL: "<script>alert(1)</script>"})
    page = render_section(by_id(county_sections(source))["matrix"])
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
