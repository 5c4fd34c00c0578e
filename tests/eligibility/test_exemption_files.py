"""Cases from a file, and what if: what an analyst checks by hand on the command line."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal

import pytest
from typer.testing import CliRunner

from eligibility.persons import DEFAULT, loaded, person, table
from puhui import cli
from puhui.eligibility import decide, decide_file, suppose, written
from puhui.eligibility.exemption import NOT_SENT, trail
from puhui.eligibility.exemption_files import read_cell
from puhui.errors import RunError
from vocabulary import PARAMS

CASES = """\
case_id,person_id,role,liability,is_mse_credit,credit_line_at_origination,\
principal_outstanding,force_majeure,misconduct,breach,breach_in_force,file_complete,departure_found,within_tolerance
A1,E1,handling,direct,true,3000000,500000,false,none,none,,gaps,minor,true
A1,E2,head,leadership,true,3000000,500000,false,none,internal_rule,,gaps,minor,true
A1,E2,committee_member,direct,true,3000000,500000,false,none,none,,gaps,minor,true
A2,E3,handling,direct,true,3000000,500000,false,none,not_determined,,gaps,minor,true
A3,E4,handling,direct,false,3000000,500000,false,none,none,,yes,no,true
A4,E5,handling,direct,true,3000000,500000,false,fraud,none,,yes,no,true
A5,E6,handling,direct,true,3000000,500000,false,none,law,,gaps,minor,
"""
GIVEN = [
    ("eligible", "full", ()),
    ("eligible", "partial", ()),
    # The same person heads the branch, as the row above says: the approval needs another route.
    ("not_eligible", None, ()),
    ("undetermined", None, ("person.breach",)),
    ("out_of_scope", None, ()),
    ("not_eligible", None, ()),
    ("undetermined", None, ("person.breach_in_force", "unit.within_tolerance")),
]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "cases.csv"
    path.write_text(CASES, encoding="utf-8")
    return path


def test_rows_of_a_file_are_decided_by_the_same_rules(file):
    found = decide_file(loaded(), "2021Q4", file)
    assert [(d.outcome, d.extent, d.missing) for _, d, _ in found] == GIVEN
    assert [other for _, _, other in found] == [None] * len(GIVEN)


def test_chinese_headings_codes_and_amounts_are_read(tmp_path):
    path = tmp_path / "案件.csv"
    path.write_text(
        "案件编号,员工号,角色,责任类型,是否小微信贷,发放时授信额度,不当行为,违规情形,档案是否齐全,"
        "是否发现偏离制度,within_tolerance\n"
        '甲,E1,经办人员,直接责任,是,"3,000,000.00",无,无,齐全,未发现,否\n',
        encoding="utf-8-sig",
    )
    ((line, decision, _),) = decide_file(loaded(), "2021Q4", path)
    assert (decision.outcome, decision.routes) == ("eligible", ("clean_file",))
    assert line.name == "甲 E1 经办人员"


@pytest.mark.parametrize(
    "old, new, said",
    [
        ("departure_found", "departure", "不认识的列“departure”。 是否想写“departure_found”？"),
        ("A1,E1,handling", "A1,E1,handler", "cases.csv:2：“角色”的值“handler”读不懂"),
        ("3000000,500000", "三百万,500000", "cases.csv:2：“发放时授信额度”"),
        ("minor,true", "minor,maybe", "“首次列为不良的季末在不良容忍度以内”的值“maybe”"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(file, old, new, said):
    file.write_text(CASES.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(RunError) as error:
        decide_file(loaded(), "2021Q4", file)
    assert said in str(error.value)


def test_a_quarter_without_rules_is_refused(file):
    with pytest.raises(RunError, match="规则原文未录入"):
        decide_file(loaded(), "2024Q3", file)


def test_a_supposed_fact_stands_beside_and_is_marked(file):
    found = decide_file(loaded(), "2021Q4", file, ["within_tolerance=false"])
    before = [d.outcome for _, d, _ in found]
    after = [other.outcome for _, _, other in found]
    assert before == [outcome for outcome, _, _ in GIVEN]
    assert after == [*["not_eligible"] * 4, "out_of_scope", "not_eligible", "not_eligible"]
    lines = written(found)
    assert sum("假设（结论改变）" in line for line in lines) == 4
    assert sum("假设（结论不变）" in line for line in lines) == 3
    assert sum("假设" not in line for line in lines) == 7


def test_a_case_is_supposed_otherwise_from_its_trail_alone():
    kept = trail(decide(table(), person(unit__within_tolerance=True)), "2021Q4", "abc")
    before, after = suppose(loaded().exemption, kept, ["不当行为=欺诈"])
    assert (before.outcome, after.outcome) == ("eligible", "not_eligible")
    assert after.bars == ("misconduct",)
    before, after = suppose(loaded().exemption, kept, ["departure_found=?"])
    assert after.missing == ("person.departure_found",)
    with pytest.raises(RunError, match="应写作 事实=值"):
        suppose(loaded().exemption, kept, ["weather=fine"])


def test_the_command_prints_decisions_and_writes_nothing(file):
    before = sorted(file.parent.iterdir())
    told = CliRunner().invoke(
        cli.app, ["decide", str(file), "--params", str(PARAMS), "--set", "misconduct=fraud"]
    )
    assert told.exit_code == 0, told.output
    assert "A1 E1 handling　[eligible full] 符合条件，建议提交评议，全部免责" in told.output
    assert told.output.count("假设") == 7
    assert sorted(file.parent.iterdir()) == before


def test_the_default_person_asks_for_every_cell_of_the_table():
    named = {tuple(name.split(".", 1)) for name in DEFAULT}
    assert set(table().columns) <= named


@pytest.mark.parametrize(
    ("column", "text", "cell"),
    [
        (("case", "first_overdue_on"), "2021-03-01", dt.date(2021, 3, 1)),
        (("case", "interest_arrears"), "10,000.01", Decimal("10000.01")),
        (("person", "took_over_on"), "?", NOT_SENT),
        (("person", "took_over_on"), "", None),
        (("person", "misconduct"), "不明", None),
        (("person", "dissent_record_no"), "纪要3号", True),
        (("unit", "within_tolerance"), "否", False),
    ],
)
def test_a_cell_is_read_as_its_column_is_and_a_question_mark_is_unknown(column, text, cell):
    assert read_cell(table(), column, text, "") == cell


def test_the_trail_says_which_facts_each_rule_asks_for():
    document = json.loads(trail(decide(table(), person()), "2021Q4", "abc"))
    facts = {rule["name"]: rule["facts"] for rule in document["rules"]}
    assert facts["misconduct"] == ["misconduct"]
    assert "within_line" in facts["tolerance"] and "misconduct" not in facts["tolerance"]
