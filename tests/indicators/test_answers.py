"""Answers on rules and mechanisms: each state, what the office noted, and the verdicts."""

from __future__ import annotations

from functools import cache
from itertools import product

import pytest

from puhui import params
from puhui.indicators import Answers, Bench, clauses_table, judge, result_row
from puhui.indicators.answers import STATES, verdict
from puhui.quarter import Quarter
from puhui.store import SUPERVISOR, Store
from vocabulary import LARGE, PARAMS, County, canonical, rows

QUARTER = Quarter.parse("2021Q4")
CITY = {"kind": "city", "level": "branch", "is_local_legal_person": False}
INSURER = {"kind": "property_insurer", "level": "branch", "is_local_legal_person": False}


@cache
def loaded():
    """The parameters, read once."""
    return params.load(PARAMS)


class Sheet:
    """One institution's answer sheet, and the office's notes."""

    def __init__(self, folder, text="", *, notes="", missing=None, quarter="2021Q4"):
        store = Store(folder / "answers", key_fingerprint="test")
        tables = {"attestations": _table("attestations", text)} if text else {}
        sent = store.put(Quarter.parse(quarter), "HCNS0001", tables, absent={}, missing=missing)
        office = None
        if notes:
            noted = {"notes": _table("notes", notes)}
            office = store.put(QUARTER, SUPERVISOR, noted, absent={})
        answers = Answers.read([sent], office)
        self.bench = Bench(loaded(), QUARTER, {}, answers)

    def row(self, indicator, **facts):
        found = loaded().indicators[indicator]
        return result_row(self.bench, found, County.facts("HCNS0001", **facts))


def _table(name, text):
    return canonical(name, rows(text), {"institution_id": "HCNS0001", "kind": "inspection"})


def answer(value, document="-", since="-", item="C6.0.department"):
    return f"item value document_no in_force_from\n{item} {value} {document} {since}"


# The department of C6.0: one item, a must, for a rural bank. 2021Q4 ends on 2021-12-31.
DEPARTMENT = [
    # answer, document, in force from → state, verdict, number of yes
    ("是", "发〔2021〕1号", "2021-06-30", "yes", "met", "1"),
    ("是", "发〔2021〕1号", "2021-12-31", "yes", "met", "1"),  # in force on the last day
    ("是", "发〔2021〕1号", "2022-01-01", "unproved", "to_verify", "1"),  # a day too late
    ("是", "发〔2021〕1号", "-", "unproved", "to_verify", "1"),  # no date
    ("是", "-", "2021-06-30", "unproved", "to_verify", "1"),  # no document
    ("是", "-", "-", "unproved", "to_verify", "1"),
    ("否", "-", "-", "no", "not_met", "0"),
    ("否", "发〔2021〕1号", "2021-06-30", "no", "not_met", "0"),  # a document proves no "no"
    ("不适用", "-", "-", "nothing", "not_applicable", "0"),
    ("基本是", "发〔2021〕1号", "2021-06-30", "unclear", "to_verify", "0"),
    ("有", "发〔2021〕1号", "2021-06-30", "unclear", "to_verify", "0"),
    ("1", "发〔2021〕1号", "2021-06-30", "unclear", "to_verify", "0"),
]


@pytest.mark.parametrize(("value", "document", "since", "state", "found", "yes"), DEPARTMENT)
def test_each_state_of_an_answer(tmp_path, value, document, since, state, found, yes):
    row = Sheet(tmp_path, answer(value, document, since)).row("C6.0")
    assert row["answers"] == [f"C6.0.department={state}"]
    assert (row["verdict"], row["value_num"], row["source"]) == (found, yes, "register")
    assert (row["reason"] is None) is (state == "yes")


def test_an_item_left_out_of_a_sheet_is_absent_and_no_data(tmp_path):
    row = Sheet(tmp_path, answer("是", item="C7.1.passed_down")).row("C6.0")
    assert (row["verdict"], row["value_num"]) == ("no_data", None)
    assert row["answers"] == ["C6.0.department=absent"]
    assert "C6.0.department 未答" in row["reason"]


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        (None, "没有报送制度与机制答卷"),
        ({"attestations": "答卷.xlsx 被退回：文件是空的"}, "答卷.xlsx 被退回"),
    ],
)
def test_no_sheet_at_all_is_no_data_and_says_why(tmp_path, missing, said):
    row = Sheet(tmp_path, missing=missing).row("C6.0")
    assert (row["verdict"], row["value_num"], row["answers"]) == ("no_data", None, None)
    assert said in row["reason"]


def test_the_sheet_of_another_quarter_answers_nothing_now(tmp_path):
    text = answer("是", "发〔2021〕1号", "2021-06-30")
    row = Sheet(tmp_path, text, quarter="2021Q3").row("C6.0")
    assert row["verdict"] == "no_data"
    assert "2021Q4" in row["reason"]


PROVED = answer("是", "发〔2021〕1号", "2021-06-30")
NOTES = [
    # day, clause → whether the yes still counts (2021Q4 runs to 2021-12-31)
    ("2021-01-01", "C6.0", "to_verify"),  # the first day of the year counts
    ("2021-12-31", "C6.0", "to_verify"),  # the quarter's last day counts
    ("2020-12-31", "C6.0", "met"),  # last year's does not
    ("2022-01-01", "C6.0", "met"),  # after the quarter's end
    ("2021-08-08", "C6.1", "met"),  # another clause
    ("2021-08-08", "-", "met"),  # no clause named
]


@pytest.mark.parametrize(("day", "clause", "found"), NOTES)
def test_what_the_office_noted_speaks_against_a_proved_yes(tmp_path, day, clause, found):
    notes = f"note_id noted_on clause fact\nN1 {day} {clause} 部门只有牌子"
    row = Sheet(tmp_path, PROVED, notes=notes).row("C6.0")
    state = "yes" if found == "met" else "contradicted"
    assert (row["verdict"], row["answers"]) == (found, [f"C6.0.department={state}"])
    assert ("部门只有牌子" in (row["reason"] or "")) is (found == "to_verify")


def test_a_note_on_another_institution_changes_nothing(tmp_path):
    notes = "note_id institution_id noted_on clause fact\nN1 HCXX0009 2021-08-08 C6.0 部门只有牌子"
    assert Sheet(tmp_path, PROVED, notes=notes).row("C6.0")["verdict"] == "met"


def test_a_note_does_not_soften_a_no(tmp_path):
    notes = "note_id noted_on clause fact\nN1 2021-08-08 C6.0 部门只有牌子"
    row = Sheet(tmp_path, answer("否"), notes=notes).row("C6.0")
    assert (row["verdict"], row["answers"]) == ("not_met", ["C6.0.department=no"])
    assert "部门只有牌子" not in row["reason"]


def test_the_latest_note_of_the_year_is_the_one_told(tmp_path):
    notes = """
    note_id noted_on   clause fact
    N1      2021-11-11 C6.0   后来的事
    N2      2021-02-02 C6.0   早先的事
    N3      2022-02-02 C6.0   明年的事
    """
    row = Sheet(tmp_path, PROVED, notes=notes).row("C6.0")
    assert "监管记录（2021-11-11）：后来的事" in row["reason"]
    assert "早先" not in row["reason"] and "明年" not in row["reason"]


# Joint-stock banks strive for a centre (C6.2); green channels (C5.5c) are encouraged only.
@pytest.mark.parametrize(
    ("indicator", "item", "kind", "value", "found"),
    [
        ("C6.2", "centre", "joint_stock", "是", "on_track"),
        ("C6.2", "centre", "joint_stock", "否", "behind"),
        ("C6.2", "centre", "joint_stock", "不适用", "not_applicable"),
        ("C6.2", "centre", "joint_stock", "也许", "to_verify"),
        ("C6.2", "centre", "rural_commercial", "否", "not_applicable"),  # not asked of it
        ("C5.5c", "green_channel", "rural_commercial", "是", "shown"),
        ("C5.5c", "green_channel", "rural_commercial", "否", "shown"),
        ("C5.5c", "green_channel", "rural_commercial", "不适用", "not_applicable"),
    ],
)
def test_the_force_of_the_clause_words_the_verdict(tmp_path, indicator, item, kind, value, found):
    text = answer(value, "发〔2021〕1号", "2021-06-30", item=f"{indicator}.{item}")
    assert Sheet(tmp_path, text).row(indicator, kind=kind)["verdict"] == found


def several(clause, states):
    """Write the sheet on which the items named have the states named."""
    cells = {
        "yes": "是 发〔2021〕1号 2021-06-30",
        "no": "否 - -",
        "nothing": "不适用 - -",
        "unproved": "是 - -",
        "unclear": "看情况 - -",
    }
    lines = [f"{clause}.{i} {cells[s]}" for i, s in states.items() if s != "absent"]
    return "\n".join(["item value document_no in_force_from", *lines, "C0.other 是 - -"])


# A large bank's five mechanisms: all five must be there.
FIVE = ("service", "accounting", "risk", "resources", "appraisal")


@pytest.mark.parametrize(
    ("fifth", "found", "yes"),
    [
        ("yes", "met", "5"),
        ("unproved", "to_verify", "5"),  # answered yes all the same
        ("unclear", "to_verify", "4"),
        ("nothing", "to_verify", "4"),  # four mechanisms are there; the fifth cannot be needless
        ("no", "not_met", "4"),
        ("absent", "no_data", None),
    ],
)
def test_every_one_of_five_mechanisms_counts(tmp_path, fifth, found, yes):
    states = {**dict.fromkeys(FIVE, "yes"), "appraisal": fifth}
    row = Sheet(tmp_path, several("C6.1", states)).row("C6.1", **LARGE)
    assert (row["verdict"], row["value_num"], row["unit"]) == (found, yes, "项")
    assert row["answers"] == [f"C6.1.{i}={s}" for i, s in states.items()]


# C8.4: transfer pricing or a subsidy, either in force suffices.
@pytest.mark.parametrize(
    ("ftp", "subsidy", "found"),
    [
        ("yes", "yes", "met"),
        ("yes", "no", "met"),
        ("no", "yes", "met"),
        ("yes", "absent", "met"),
        ("yes", "unproved", "met"),
        ("yes", "nothing", "met"),
        ("unproved", "no", "to_verify"),
        ("unclear", "no", "to_verify"),
        ("no", "no", "not_met"),
        ("no", "nothing", "not_met"),
        ("nothing", "nothing", "not_applicable"),
        ("no", "absent", "no_data"),  # the other may be in force
        ("unproved", "absent", "no_data"),
        ("absent", "absent", "no_data"),
    ],
)
@pytest.mark.parametrize("facts", [{}, CITY], ids=["legal_person", "city_branch"])
def test_one_of_two_ways_to_be_rewarded_suffices(tmp_path, ftp, subsidy, found, facts):
    sheet = Sheet(tmp_path, several("C8.4", {"ftp": ftp, "subsidy": subsidy}))
    assert sheet.row("C8.4", **facts)["verdict"] == found


def test_a_note_speaks_against_either_of_two_ways(tmp_path):
    text = several("C8.4", {"ftp": "yes", "subsidy": "no"})
    notes = "note_id noted_on clause fact\nN1 2021-08-08 C8.4 补贴没有到账"
    row = Sheet(tmp_path, text, notes=notes).row("C8.4")
    assert (row["verdict"], row["answers"]) == (
        "to_verify",
        ["C8.4.ftp=contradicted", "C8.4.subsidy=no"],
    )


# C5.6 may find nothing there to do (no household lifted out of poverty); C6.0 may not.
@pytest.mark.parametrize(
    ("said", "found"),
    [("不适用", "not_applicable"), ("是", "no_data"), ("否", "no_data")],
)
def test_nothing_there_is_an_answer_where_the_clause_allows_it(tmp_path, said, found):
    row = Sheet(tmp_path, answer(said, item="C5.6.all")).row("C5.6")
    assert row["verdict"] == found
    assert (row["reason"] == "机构答复：无此类业务。") is (said == "不适用")


def test_nothing_there_is_no_answer_where_the_clause_does_not_allow_it(tmp_path):
    sheet = Sheet(tmp_path, answer("不适用", item="C6.0.all"))
    assert sheet.row("C6.0")["verdict"] == "no_data"
    both = PROVED + "\nC6.0.all 不适用 - -"
    assert Sheet(tmp_path / "both", both).row("C6.0")["verdict"] == "met"


def test_nothing_there_covers_figures_too_and_only_of_its_own_clause(tmp_path):
    # C9.3 asks for amounts; C9.4 is another clause and has no answer of its own.
    sheet = Sheet(tmp_path, answer("不适用", item="C9.3.all"))
    assert sheet.row("C9.3")["verdict"] == "not_applicable"
    assert sheet.row("C9.4.line")["verdict"] == "no_data"


def test_a_clause_of_answers_shows_the_same_in_the_clauses_table(tmp_path):
    sheet = Sheet(tmp_path, several("C8.4", {"ftp": "unproved", "subsidy": "no"}))
    facts = County.facts("HCNS0001")
    made = clauses_table(sheet.bench, facts, [sheet.row("C8.4")], last=False).to_pylist()
    assert [(r["clause"], r["verdict"]) for r in made] == [("C1", "shown"), ("C8.4", "to_verify")]


@pytest.mark.parametrize("state", STATES)
def test_the_verdict_is_judged_again_from_the_row_alone(state):
    bare = {"quarter": "2021Q4", "branch_id": None, "answers": [f"C6.0.department={state}"]}
    expected = {
        "yes": "met",
        "no": "not_met",
        "nothing": "not_applicable",
        "absent": "no_data",
        "unproved": "to_verify",
        "contradicted": "to_verify",
        "unclear": "to_verify",
    }
    facts = County.facts("HCNS0001")
    assert judge(loaded(), loaded().indicators["C6.0"], facts, bare) == expected[state]


DOUBTS = {"unproved", "contradicted", "unclear"}


def all_of(states):
    """Each must be yes. One no breaks the clause; else one not answered leaves it unanswered;
    else one that is in doubt leaves it in doubt. The clause falls away only where every item
    finds nothing to do; one such item among others is in doubt too. What is left is yes.
    """
    if set(states) == {"nothing"}:
        return "not_applicable"
    if any(s == "no" for s in states):
        return "not_met"
    if any(s == "absent" for s in states):
        return "no_data"
    if any(s in DOUBTS or s == "nothing" for s in states):
        return "to_verify"
    assert set(states) == {"yes"}
    return "met"


def one_of(states):
    """One proved yes carries the clause, unless the office noted otherwise of it. Without one,
    what was not answered might have been it; then what is in doubt might; else none is. The
    clause falls away where every item finds nothing to do.
    """
    if set(states) == {"nothing"}:
        return "not_applicable"
    if any(s == "yes" for s in states) and all(s != "contradicted" for s in states):
        return "met"
    if any(s == "absent" for s in states):
        return "no_data"
    if any(s in DOUBTS for s in states):
        return "to_verify"
    return "not_met"


COMBINATIONS = [c for n in (1, 2, 3) for c in product(STATES, repeat=n)]


def test_every_combination_of_up_to_three_answers():
    # Seven states: 7 + 49 + 343 combinations.
    assert len(COMBINATIONS) == 399
    wrong = [
        (states, way)
        for states in COMBINATIONS
        for way, rule in ((False, all_of), (True, one_of))
        if verdict(states, any_answer=way) != rule(states)
    ]
    assert wrong == []


@pytest.mark.parametrize("insured", [None, 0, 1])
def test_insurers_without_a_line_have_nothing_to_keep(tmp_path, insured):
    # C3.4c asks whether cover was kept; without any line of insurance it asks nothing.
    sheet = Sheet(tmp_path, several("C3.4c", {"kept": "no"}))
    key = ("2021Q4", "HCNS0001", None, "insurance_lines", "register")
    measures = {} if insured is None else {key: {"value": insured, "reason": None}}
    sheet.bench = Bench(loaded(), QUARTER, measures, sheet.bench.answers)
    expected = {None: "not_met", 0: "not_applicable", 1: "not_met"}
    assert sheet.row("C3.4c", **INSURER)["verdict"] == expected[insured]
