"""Who fits the conditions for exemption: the ordered rules of the design, worked by hand."""

from fractions import Fraction
from functools import cache

import pytest

from puhui.example import leads
from puhui.example.columns import arrow
from puhui.example.leads.cases import TOLD, gaps, tell
from puhui.example.leads.exemption import decide
from puhui.example.leads.scenarios import SCENARIOS
from puhui.example.roster import LAST
from puhui.example.world import grow
from puhui.quarter import Quarter

CASE = {
    "is_mse_credit": 1,
    "credit_line_at_origination": 300_000_000,
    "principal_outstanding": 50_000_000,
    "interest_arrears": 2_000_000,
    "recovery_pursued": 1,
    "first_overdue_on": 18_600,
    "force_majeure": 0,
    "force_majeure_reported_on": None,
    "measures_taken": 0,
}
PERSON = {
    "role": "handling",
    "liability": "direct",
    "breach": "none",
    "misconduct": "none",
    "file_complete": "gaps",
    "departure_found": "minor",
}
# What differs of case and person, whether in tolerance and head; then outcome, routes, unknown.
WORKED = {
    # Gaps in the file close 56号's first circumstance; the notice alone carries handling staff.
    "staff within tolerance": ({}, {}, True, False, "eligible", ["tolerance"], []),
    # Nothing else speaks for them, and beyond the tolerance nothing is left.
    "staff beyond it": ({}, {}, False, False, "not_eligible", [], []),
    # A material departure takes the tolerance from handling staff, not from a head.
    "material departure": (
        {},
        {"departure_found": "material"},
        True,
        False,
        "not_eligible",
        [],
        [],
    ),
    "head, material departure below": (
        {},
        {"departure_found": "material", "role": "head", "liability": "leadership"},
        True,
        True,
        "eligible",
        ["tolerance"],
        [],
    ),
    # A head who also approved: the tolerance lifts management and leadership liability only.
    "head as approver": ({}, {"role": "committee_member"}, True, True, "not_eligible", [], []),
    # Fraud bars whatever routes hold.
    "fraud": ({}, {"misconduct": "fraud"}, True, False, "not_eligible", ["tolerance"], []),
    # A null never passes a bar: not determined leaves it open, though a route holds.
    "breach not determined": (
        {},
        {"breach": "not_determined"},
        True,
        False,
        "undetermined",
        ["tolerance"],
        ["breach"],
    ),
    # … but an unknown bar that cannot change the outcome leaves nothing open.
    "moot bar": ({}, {"misconduct": "not_determined"}, False, False, "not_eligible", [], []),
    # A rule not yet in force bars nobody; one in force does; if nobody knows, that is asked.
    "rule not in force": (
        {},
        {"breach": "law", "breach_in_force": 0},
        True,
        False,
        "eligible",
        ["tolerance"],
        [],
    ),
    "rule, force unknown": (
        {},
        {"breach": "law"},
        True,
        False,
        "undetermined",
        ["tolerance"],
        ["breach_in_force"],
    ),
    # Line of 12 million at origination: the tolerance is closed, an overruled objection stands.
    "above the limit": (
        {"credit_line_at_origination": 1_200_000_000},
        {"objection_record_no": "F1", "overruled_by": "E1"},
        True,
        False,
        "eligible",
        ["overruled"],
        [],
    ),
    # Principal back, 800 yuan of interest left (limit 10,000), recovery pursued.
    "repaid": (
        {"principal_outstanding": 0, "interest_arrears": 80_000},
        {},
        False,
        False,
        "eligible",
        ["repaid"],
        [],
    ),
    # Reported three days after the first missed payment, measures taken.
    "force majeure": (
        {"force_majeure": 1, "force_majeure_reported_on": 18_603, "measures_taken": 1},
        {},
        False,
        False,
        "eligible",
        ["force_majeure"],
        [],
    ),
    # Dissent recorded and causal, nobody has judged it: that fact decides.
    "dissent unjudged": (
        {},
        {"dissent_record_no": "Y1", "dissent_causal": 1},
        False,
        False,
        "undetermined",
        [],
        ["dissent_upheld"],
    ),
    # A medium firm's loan is outside the rules whatever happened.
    "outside": ({"is_mse_credit": 0}, {"misconduct": "fraud"}, True, False, "out_of_scope", [], []),
}
SEEDS = ("2021", "leads")


@cache
def county(seed):
    return grow(seed)


@pytest.mark.parametrize("name", WORKED)
def test_rules_worked_by_hand(name):
    case, person, within, is_head, outcome, routes, unknown = WORKED[name]
    found = decide(CASE | case, PERSON | person, within, is_head)
    assert (found.outcome, found.routes, found.unknown) == (outcome, routes, unknown)


def test_extent_is_partial_after_an_internal_breach():
    head = {"role": "head", "liability": "leadership"}
    assert decide(CASE, PERSON | head, True, True).extent == "full"
    graded = PERSON | head | {"breach": "internal_rule"}
    assert decide(CASE, graded, True, True).extent == "partial"


@pytest.mark.parametrize("seed", SEEDS)
def test_planted_persons_come_out_as_their_scenarios_say(seed):
    told = [t for short in TOLD for t in tell(county(seed), short)]
    assert 40 <= len(told) <= 60
    for one in told:
        expected = one.scenario.outcome, list(one.scenario.routes)
        assert (one.decision.outcome, one.decision.routes) == expected, one.scenario.name
    names = {t.scenario.name for t in told}
    scarce = {"above_limit", "above_overruled", "department_out"}
    assert {s.name for s in SCENARIOS} - names <= scarce
    assert {"above_limit", "above_overruled"} & names


def test_each_route_alone_each_bar_and_each_unknown_occurs():
    rows = leads.persons(county("2021"))
    alone = {r["routes"][0] for r in rows if r["outcome"] == "eligible" and len(r["routes"]) == 1}
    assert alone == {
        "tolerance",
        "clean_file",
        "force_majeure",
        "repaid",
        "inherited_exposed",
        "inherited_acted",
        "dissent",
        "overruled",
    }
    assert {bar for r in rows for bar in r["bars"]} == {"misconduct", "breach"}
    assert {fact for r in rows for fact in r["unknown"]} == {
        "misconduct",
        "breach",
        "breach_in_force",
        "departure_found",
        "force_majeure",
        "recovery_pursued",
        "class_at_takeover",
        "dissent_upheld",
    }
    outcomes = {r["outcome"] for r in rows}
    assert outcomes == {"eligible", "not_eligible", "undetermined", "out_of_scope"}


def test_tolerance_of_a_branch_added_up_loan_by_loan():
    quarter, short = Quarter(2021, 3), "NS1"
    snapshot = county("2021").snapshots[quarter, short]
    customers = {c["customer_id"]: c for c in arrow("customers", snapshot["customers"]).to_pylist()}
    sums = {"all": [0, 0], 4: [0, 0]}
    for loan in arrow("loans", snapshot["loans"]).to_pylist():
        customer, bad = (
            customers[loan["customer_id"]],
            loan["five_class"]
            not in (
                "normal",
                "special_mention",
            ),
        )
        firm = customer["kind"] == "enterprise" and customer["size"] in ("small", "micro")
        small = firm or customer["kind"] in ("individual_business", "mse_owner")
        groups = ["all"]
        if small and loan["is_business_loan"] and customer["credit_line"] <= 10_000_000:
            groups += [4] if loan["branch_id"].endswith("B05") else []
        for group in groups:
            sums[group][0] += int(loan["balance"] * 100)
            sums[group][1] += int(loan["balance"] * 100) if bad else 0
    gap = 100 * (Fraction(sums[4][1], sums[4][0]) - Fraction(sums["all"][1], sums["all"][0]))
    assert gaps(county("2021"), quarter, short)[4] == gap


@pytest.mark.parametrize("short", TOLD)
def test_cases_agree_with_the_loans_they_are_about(short):
    snapshot = county("2021").snapshots[LAST, short]
    loans = {x["loan_id"]: x for x in arrow("loans", snapshot["loans"]).to_pylist()}
    tables = leads.registers(county("2021"), LAST, short)
    cases = arrow("cases", tables["cases"]).to_pylist()
    for case in cases:
        loan = loans[case["loan_ids"]]
        assert case["customer_id"] == loan["customer_id"]
        assert case["credit_line_at_origination"] == loan["credit_line_at_drawdown"]
        if loan["closed_on"] is None:
            assert loan["five_class"] in ("substandard", "doubtful", "loss")
            assert case["first_overdue_on"] == loan["overdue_since"]
            assert case["principal_outstanding"] == loan["balance"]
        # The ninety-first day in arrears, the first one counted.
        assert (case["first_npl_on"] - case["first_overdue_on"]).days == 90
        dates = [case["first_npl_on"], case["opened_on"], case.get("investigation_closed_on")]
        dates += [case.get("reviewed_on"), case.get("finding_on")]
        given = [d for d in dates if d]
        assert given == sorted(given)
        assert given[-1] <= LAST.end
    people = arrow("case_persons", tables["case_persons"]).to_pylist()
    assert {p["case_id"] for p in people} == {c["case_id"] for c in cases}
