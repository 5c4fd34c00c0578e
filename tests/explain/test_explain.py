"""What explain says of each kind of indicator; figures worked by hand."""

from __future__ import annotations

import re

import pytest

from puhui.derive import loan_facts, source_view
from puhui.engine import DuckDBEngine
from puhui.errors import RunError
from puhui.explain import explain
from puhui.indicators import COUNTY, Facts
from puhui.params.rows import REGISTERS
from vocabulary import LARGE, County

BANK, OTHER = "HCNS0001", "HCNS0002"
ANSWERS = """
item             value  document_no      in_force_from
C7.4.standard    是     样发〔2020〕1号  2020-05-01
C7.4.procedural  是     -                -
C7.4.simple      否     -                -
C8.2.weight.1    12     -                -
C8.2.weight.2    10     样发〔2021〕2号  2021-02-01
"""
PRODUCTS = """
name      channel  customers  balance
线下一号  offline  3          500
线下二号  offline  4          700
线上一号  online   9          900
"""
NOTES = """
institution_id  clause  kind        noted_on    fact
HCNS0001        C7.4    inspection  2021-09-30  检查发现未公开
"""
RETURNS = """
item                    value
QS.incl_balance         1000000
QS.incl_npl             {npl}
QS.all_loans            4000000
QS.npl                  80000
QS.assessed_balance     {assessed}
QS.assessed_customers   10
"""


@pytest.fixture(scope="module")
def county(tmp_path_factory):
    made = County(tmp_path_factory.mktemp("explained"))
    made.with_answers("2021Q4", BANK, ANSWERS)
    made.with_register("2021Q4", BANK, "products", PRODUCTS)
    made.with_office("notes", NOTES)
    for institution, before, now in ((BANK, 800, 1000), (OTHER, 100, 90)):
        made.with_returns("2021Q4", institution, RETURNS.format(npl="50000", assessed=now))
        made.with_returns("2020Q4", institution, RETURNS.format(npl="1", assessed=before))
    return made


@pytest.fixture(scope="module")
def bench(county):
    return county.bench()


def told(bench, indicator, institution=BANK, **more):
    return explain(bench, indicator, County.facts(institution), **more)


def test_a_rule_names_formula_figures_limit_and_the_policy_it_rests_on(bench):
    text = told(bench, "C7.2")
    # 5 % − 2 % = 3 points, exactly at the limit.
    assert "数值：3 百分点（精确值 3/1；来源：报表）" in text
    assert "结论：达标" in text
    assert "条款：C7.2（第7部分，应当）" in text
    assert re.search(
        r"限值：<= 3\S*；参数 npl_tolerance_pp（.+）= 3\S*，自 \d{4}.+，依据：\S", text
    )
    assert "2021Q4 普惠型小微企业不良贷款余额 = 50,000 元（报表，第 1 版）" in text
    assert "报表项目：" in text and "QS.incl_npl" in text


def test_answers_are_told_item_by_item_with_documents_dates_and_states(bench):
    text = told(bench, "C7.4")
    assert "数值：无数据" in text  # one item is not answered
    lines = [line for line in text.splitlines() if line.startswith("答卷：")]
    assert len(lines) == 4
    assert "C7.4.standard 回答“是”，文号 样发〔2020〕1号，生效日期 2020-05-01，计为：" in lines[0]
    assert lines[0].endswith("与监管记录不符")
    assert lines[2] == "答卷：C7.4.simple 回答“否”，计为：否"
    assert lines[3] == "答卷：C7.4.public 未答"
    assert "监管记录（2021-09-30）：检查发现未公开" in text
    assert "公式" not in text


def test_a_register_says_its_table_condition_and_rows_counted(bench):
    text = told(bench, "C2.5b")
    assert "指标量：2021Q4 在用线下产品 = 2 个，2 行（登记表，第 1 版）" in text
    assert "登记表“信贷产品”，条件：渠道＝“offline”" in text
    assert "加 --rows N 列出明细" in text


def test_the_rows_listed_are_those_that_were_counted(county, bench):
    with DuckDBEngine([county.store.root]) as engine:
        kept = [s for s in county.snapshots if s.institution_id == BANK]
        loan_facts(engine, county.params, kept)
        for table in REGISTERS:
            source_view(engine, table, kept)
        text = told(bench, "C2.5b", engine=engine, rows=10, sql=True)
    assert "FROM (SELECT * FROM products) t" in text
    listed = [line for line in text.splitlines() if line.startswith("2021Q4\tHCNS0001\t")]
    assert {line.split("\t")[2] for line in listed} == {"线下一号", "线下二号"}


def test_an_answered_number_shows_every_answer_it_was_read_from(bench):
    text = told(bench, "C8.2")
    assert "数值：10 %" in text
    assert "答卷项目：C8.2.weight.*" in text
    assert "答卷：C8.2.weight.1 回答“12”（2021Q4）" in text
    assert (
        "答卷：C8.2.weight.2 回答“10”，文号 样发〔2021〕2号，生效日期 2021-02-01（2021Q4）" in text
    )


def test_a_list_to_come_says_why_there_is_no_value(bench, county):
    waiting = next(i for i in county.params.indicators.values() if i.pending and i.test == "list")
    text = told(bench, waiting.id)
    assert f"暂不计算：{waiting.pending}" in text
    assert "数值：无数据" in text and "结论：无数据" in text


def test_what_does_not_apply_says_so_and_lists_nothing(bench):
    text = told(bench, "C6.1")  # large banks only
    assert "结论：不适用" in text and "说明：本条不适用于该类机构" in text
    assert "未答" not in text and "指标量" not in text


def test_a_total_names_who_is_in_it_with_which_figures_and_who_is_not(bench):
    everyone = [County.facts(i) for i in (BANK, OTHER, "HCNS0003")]
    county = Facts(COUNTY, "全县", {})
    text = explain(bench, "C2.2c.LP.customers", county, everyone=everyone)
    assert "数值：0 户次" in text  # 10 − 10 twice
    assert "说明：合计 2 家；缺数据未计入：HCNS0003" in text
    inside = [line for line in text.splitlines() if line.startswith("计入：")]
    assert [line.split("（")[0] for line in inside] == ["计入：HCNS0001", "计入：HCNS0002"]
    assert "户数（不含票据） 10 户" in inside[0]
    assert "未计入：HCNS0003，" in text


def test_a_clause_stands_for_all_its_indicators(bench, county):
    mine = [i.id for i in county.params.indicators.values() if i.clause == "C2.1d"]
    assert len(mine) == 2
    text = told(bench, "C2.1d")
    assert [part.split(" ")[0] for part in text.split("\n\n")] == mine


@pytest.mark.parametrize(
    ("indicator", "institution"), [("C2.2c.LP.growth", BANK), ("C7.2", COUNTY)]
)
def test_a_total_is_the_countys_and_all_else_an_institutions(bench, indicator, institution):
    with pytest.raises(RunError, match=indicator):
        explain(bench, indicator, Facts(institution, institution, dict(LARGE)))


def test_every_indicator_can_be_explained(bench, county):
    facts = County.facts(BANK)
    for indicator in county.params.indicators.values():
        if indicator.total_of is None:
            text = explain(bench, indicator.id, facts)
            assert f"条款：{indicator.clause}（" in text
            assert "结论：" in text
