"""What is known of a person: dates, tolerance at each, who heads the branch, what is to verify."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from fractions import Fraction

import pytest

from eligibility.persons import DEFAULT, loaded, person, table
from puhui import results
from puhui.eligibility import decide
from puhui.eligibility.exemption import settles, trail
from puhui.eligibility.exemption_facts import (
    FirstBad,
    Knowing,
    Office,
    Register,
    Tolerances,
    Within,
    loans_of,
    read_register,
)
from puhui.eligibility.exemption_table import said
from puhui.indicators import Bench
from puhui.quarter import Quarter
from vocabulary import LARGE, County

BANK = "HCNS0001"
Q1, Q2, Q3, Q4 = (Quarter(2021, n) for n in (1, 2, 3, 4))
CASE = {
    **{name.partition(".")[2]: cell for name, cell in DEFAULT.items() if name[:5] == "case."},
    "case_id": "A1",
    "branch_id": "B1",
    "loan_ids": "L1；L2",
    "first_npl_on": dt.date(2021, 2, 3),
    "opened_on": dt.date(2021, 5, 1),
    "finding_on": dt.date(2021, 8, 1),
}
PERSON = {
    **{name.partition(".")[2]: cell for name, cell in DEFAULT.items() if name[:7] == "person."},
    "case_id": "A1",
    "person_id": "E1",
}


def within(quarter, held, **more):
    return Within(quarter, held, **more)


#: The branch is within its tolerance when the loan turns bad, and stays so.
CALM = [within(q, True) for q in (Q1, Q2, Q3)]


def people(*rows, case=(), first=None, at=(), office=None, unsent=()):
    """Everyone in one case of a bank whose branch B1 had this tolerance at these quarter ends."""
    bench = Bench.of(loaded(), Q4, results.empty("measures"))
    found = {(w.quarter, "B1"): w for w in (*CALM, *at)}
    register = Register(
        7, {"A1": {**CASE, **dict(case)}}, tuple({**PERSON, **r} for r in rows), frozenset(unsent)
    )
    return Knowing(
        table(),
        Tolerances(bench, County.facts(BANK), found),
        register,
        first or FirstBad({}, frozenset()),
        office or Office({}, {}),
    ).persons()


def only(*rows, **more):
    (found,) = people(*rows or ({},), **more)
    return found


# ---- Dates


def test_without_a_ledger_the_banks_own_date_is_the_reference():
    found = only()
    assert (found.reference, found.declared) == (Q1, Q1)
    assert (found.at_reference, found.at_opening, found.at_finding) == tuple(CALM)
    assert found.to_verify == ()


def test_the_ledgers_quarter_goes_before_the_banks_and_the_difference_is_said():
    first = FirstBad({"L2": Q2, "L1": Q3}, frozenset({Q1, Q2, Q3}))
    found = only(first=first)
    assert (found.reference, found.declared) == (Q2, Q1)
    assert found.at_reference.quarter == Q2
    assert found.to_verify == ("所报首次列为不良在 2021Q1，台账最早在 2021Q2，以台账为准",)
    agreed = only(first=first, case={"first_npl_on": dt.date(2021, 4, 1)})
    assert agreed.to_verify == ()


def test_the_first_quarter_is_sure_only_with_a_ledger_before_it():
    quarters = {"L1": Q2, "L2": Q3}
    assert FirstBad(quarters, frozenset({Q2, Q3})).of(["L1", "L2"]) is None
    assert FirstBad(quarters, frozenset({Q2, Q3})).of(["L2"]) == Q3
    assert FirstBad(quarters, frozenset({Q1, Q2})).of(["L1", "L2", "L9"]) == Q2
    assert FirstBad(quarters, frozenset({Q1, Q2})).of(["L9"]) is None


@pytest.mark.parametrize(
    ("written", "loans"),
    [("L1;L2", ["L1", "L2"]), ("L1、 L2，L3", ["L1", "L2", "L3"]), (" L1 ", ["L1"]), (None, [])],
)
def test_loans_of_a_case_however_they_are_separated(written, loans):
    assert loans_of({"loan_ids": written}) == loans


def test_a_case_not_yet_decided_has_no_tolerance_at_its_finding():
    found = only(case={"finding_on": None, "opened_on": None})
    assert (found.at_opening, found.at_finding) == (None, None)


def test_a_department_answers_for_the_whole_bank_not_for_the_branch():
    bench = Bench.of(loaded(), Q4, results.empty("measures"))
    whole = {(q, None): within(q, False) for q in (Q1, Q2, Q3)}
    tolerances = Tolerances(bench, County.facts(BANK), {(q.quarter, "B1"): q for q in CALM} | whole)
    rows = tuple({**PERSON, "role": role} for role in ("department", "handling"))
    register = Register(1, {"A1": CASE}, rows, frozenset())
    first, office = FirstBad({}, frozenset()), Office({}, {})
    found = Knowing(table(), tolerances, register, first, office).persons()
    assert [p.given.cells["unit", "within_tolerance"] for p in found] == [False, True]


# ---- Tolerance at other dates


def test_a_tolerance_lost_by_the_finding_is_to_verify_where_it_decides():
    found = only(at=[within(Q3, False)])
    assert found.to_verify == (
        "首次列为不良时（2021Q1）在容忍度以内，认定结论时（2021Q3）超过容忍度，结论不同",
    )
    # Fraud bars exemption whatever the tolerance, so nothing is to verify.
    assert only({"misconduct": "fraud"}, at=[within(Q3, False)]).to_verify == ()
    assert only(at=[within(Q3, None)]).to_verify == ()
    unknown = only(at=[within(Q1, None), within(Q3, None)], office=Office({"B1": "E9"}, {}))
    assert unknown.to_verify == (
        "首次列为不良时（2021Q1）不明，启动认定时（2021Q2）在容忍度以内，结论不同",
    )


@pytest.mark.parametrize(("misconduct", "said"), [("none", True), ("fraud", False)])
def test_a_provisional_tolerance_is_to_verify_where_it_decides(misconduct, said):
    found = only({"misconduct": misconduct}, at=[within(Q1, True, provisional=True)])
    assert found.to_verify == (("2021Q1 的容忍度结论为暂定",) if said else ())


# ---- Who heads the branch


def is_head(found):
    return found.given.cells["unit", "is_branch_head"]


def test_the_head_of_one_case_is_not_the_head_of_another():
    rows = ({"role": "head"}, {"case_id": "A2", "role": "committee_member"})
    found = people(*rows)
    assert [is_head(p) for p in found] == [True, None]
    assert "案件一行没有报送或已隔离，只有人员一行" in found[1].to_verify


def test_the_offices_register_names_the_head_else_the_case_does():
    def office(head):
        return Office({"B1": head}, {})

    assert is_head(only(office=office("E1"))) is True
    assert is_head(only(office=office("E2"))) is False
    assert is_head(only(office=office(None))) is None
    other = {"person_id": "E2", "role": "head"}
    assert [is_head(p) for p in people({}, other)] == [False, True]
    # The role a person has in the case goes before the register.
    assert is_head(only({"role": "head"}, office=office("E2"))) is True


# ---- Penalties


def penalty(day, fact="罚款"):
    return {"noted_on": day, "fact": fact}


def test_a_penalty_until_the_quarters_last_day_speaks_against_no_breach():
    notes = [penalty(dt.date(2021, 12, 31)), penalty(dt.date(2022, 1, 1))]
    office = Office({}, {BANK: tuple(notes)})
    said = ("所报无违规，监管记录有处罚（2021-12-31：罚款）",)
    assert only(office=office).to_verify == said
    assert only({"breach": "internal_rule"}, office=office).to_verify == ()
    assert only(office=Office({}, {"HCNS0002": tuple(notes)})).to_verify == ()


def test_only_penalties_are_taken_from_the_offices_notes(tmp_path):
    county = County(tmp_path).with_office(
        "notes",
        f"institution_id kind noted_on\n{BANK} penalty 2021-03-01\n{BANK} complaint 2021-04-01\n"
        f"{BANK} penalty 2021-05-01",
    )
    county.stored()
    branches = [{"branch_id": "B1", "head_staff_id": "E1"}, {"branch_id": "B2"}]
    found = Office.read(branches, county.office)
    assert found.heads == {"B1": "E1", "B2": None}
    assert [n["noted_on"].month for n in found.penalties[BANK]] == [3, 5]
    assert Office.read(branches, None).penalties == {}


def test_an_office_without_notes_knows_of_no_penalty(tmp_path):
    county = County(tmp_path).with_office("plans", "institution_id\n" + BANK)
    county.stored()
    assert Office.read([], county.office) == Office({}, {})


# ---- What the register lacks


def test_a_column_nobody_has_is_a_record_there_is_not_and_is_said_where_it_would_decide():
    found = only(
        {"class_at_takeover": "loss"}, at=[within(Q1, False)], unsent=[("person", "took_over_on")]
    )
    assert found.given.cells["person", "took_over_on"] is None
    assert decide(table(), found.given).outcome == "not_eligible"
    assert found.to_verify[0] == "没有报送下列各列，按没有处理：接手日期"


def test_a_record_number_goes_no_further_than_that_there_is_one():
    found = only({"dissent_record_no": "纪要〔2021〕3号"}).given.cells
    assert found["person", "dissent_record_no"] is True
    assert found["person", "objection_record_no"] is None
    assert found["person", "took_over_on"] is None


def test_without_a_register_the_reason_is_said(tmp_path):
    assert read_register(None).reason == "本季没有报送"
    county = County(tmp_path).nothing_but_named("2021Q4", BANK)
    (snapshot,) = county.stored()
    found = read_register(snapshot)
    assert (found.cases, found.persons) == ({}, ())
    assert found.reason.startswith("没有报送")


def test_the_trail_names_where_each_cell_is_from():
    at = within(Q1, False, gap=Fraction(7, 2), limit=Fraction(3))
    found = only(at=[at])
    document = json.loads(trail(decide(table(), found.given), "2021Q4", "abc"))
    sources = {cell[0]: cell[3] for cell in document["cells"]}
    assert sources["case.force_majeure"].startswith(f"2021Q4 {BANK} 第7版")
    assert sources["case.force_majeure"] != sources["person.misconduct"]
    assert sources["policy.inclusive_line_limit"] == "2021-12-31 的政策参数"
    assert sources["unit.within_tolerance"] == "2021Q1 末差额 7/2 百分点，界限 3 百分点"
    unknown = only(at=[within(Q1, None, reason="没有报送")])
    assert unknown.given.sources["unit"] == "2021Q1 末：没有报送"
    unlimited = only(at=[within(Q1, None, gap=Fraction(7, 2), reason="没有规定")])
    assert unlimited.given.sources["unit"] == "2021Q1 末：没有规定"


# ---- What is said of a decision


@pytest.mark.parametrize(
    ("facts", "in_it", "not_in_it"),
    [
        ({"case__force_majeure": False}, (), ("（",)),
        ({"person__misconduct": "fraud"}, ("（", "不当行为"), ("缺：",)),
        ({"unit__within_tolerance": True}, ("（", "；全部免责"), ("缺：",)),
        (
            {"person__objection_record_no": True, "person__overruled_by": True,
             "person__departure_found": "not_determined"},
            ("全部还是部分，要看：是否发现偏离制度",),
            ("缺：",),
        ),
        ({"unit__within_tolerance": None}, ("缺：", "。"), ("（",)),
    ],
)  # fmt: skip
def test_the_sentence_of_a_decision_says_why_or_what_is_lacking(facts, in_it, not_in_it):
    decision = decide(table(), person(**facts))
    sentence = said(decision)
    assert sentence.startswith(decision.wording)
    assert all(part in sentence for part in in_it), sentence
    assert not any(part in sentence for part in not_in_it), sentence


def test_a_column_settles_where_two_of_its_values_part_ways():
    assert settles(table(), person(), ("unit", "within_tolerance"), (True, False))
    assert not settles(table(), person(), ("unit", "within_tolerance"), (False, False))
    assert not settles(
        table(), person(person__misconduct="fraud"), ("unit", "within_tolerance"), (True, False)
    )


# ---- Tolerance from figures

#: 4 % − 1 % = 3 points, by returns, at two quarter ends.
FILED = "item value\nQS.incl_balance 100\nQS.incl_npl 4\nQS.all_loans 400\nQS.npl 4"


@pytest.fixture(scope="module")
def filed(tmp_path_factory):
    county = County(tmp_path_factory.mktemp("filed"))
    county.with_returns("2021Q3", BANK, FILED).with_returns("2021Q4", BANK, FILED)
    return county.bench("2021Q4", "2021Q3")


def target(bench, quarter, points, since=None):
    """The bank's own target, as answered in a quarter."""
    key = (quarter, BANK, None, "own_tolerance", "register")
    row = {"value": Decimal(points), "source": "register"}
    bench = bench.with_measures({key: row})
    if since is not None:
        given = {(quarter, BANK): {"C7.1.1": {"in_force_from": since}}}
        bench = Bench(bench.params, bench.quarter, bench.measures, type(bench.answers)(given))
    return bench


def test_three_points_are_within_at_the_runs_quarter_and_before_but_not_known_after(filed):
    found = Tolerances(filed, County.facts(BANK))
    now, before, after = (found.at(q, None) for q in (Q4, Q3, Q4.shift(1)))
    assert (now.held, now.gap, now.limit, now.source) == (True, 3, 3, "returns")
    assert (before.held, before.gap) == (True, 3)
    assert (after.held, after.gap, after.reason) == (None, None, "2022Q1 尚未报送")
    assert found.at(Q2, None).held is None


@pytest.fixture(scope="module")
def lent(tmp_path_factory):
    """The same by ledger: K1 is small and owes 100, of which 4 are bad; K2 is large."""
    loans = (
        "loan_id customer_id balance five_class\nL1 K1 96 normal\nL2 K1 4 loss\nL3 K2 300 normal"
    )
    county = County(tmp_path_factory.mktemp("lent"))
    for quarter in ("2021Q3", "2021Q4"):
        county.with_loans(quarter, BANK, loans, "customer_id size\nK1 small\nK2 large")
    return county.bench("2021Q4", "2021Q3")


def test_what_is_published_of_the_legal_person_holds_for_the_runs_quarter_only(lent):
    facts = County.facts(BANK, **{**LARGE, "legal_person_npl_ratio": Fraction(1, 2)})
    found = Tolerances(lent, facts)
    # A branch of a large bank: 4 % − 0.5 % today, 4 % − 1 % of its own figures a quarter ago.
    assert [found.at(q, "B1").gap for q in (Q4, Q3)] == [Fraction(7, 2), 3]


def test_the_stricter_target_rules_from_the_day_it_is_in_force(filed):
    def held(bench, quarter):
        found = Tolerances(bench, County.facts(BANK)).at(quarter, None)
        return found.held, found.limit, found.own

    two = Fraction(2)
    assert held(target(filed, "2021Q4", "2.00"), Q4) == (False, 2, two)
    assert held(target(filed, "2021Q4", "4.00"), Q4) == (True, 3, 4)
    # Answered in the fourth quarter: holds for the third only if in force by its last day.
    by_then = target(filed, "2021Q4", "2.00", dt.date(2021, 9, 30))
    assert held(by_then, Q3) == (False, 2, two)
    assert held(target(filed, "2021Q4", "2.00", dt.date(2021, 10, 1)), Q3) == (True, 3, None)
    assert held(target(filed, "2021Q4", "2.00"), Q3) == (True, 3, None)
    assert held(target(by_then, "2021Q3", "1.50"), Q3) == (False, Fraction(3, 2), Fraction(3, 2))
