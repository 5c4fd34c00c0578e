"""Verdicts by clause: the worst of a clause's indicators, by branch, and C1's counts."""

from __future__ import annotations

from itertools import product

import pytest

from puhui import results
from puhui.indicators import Answers, Bench, clauses_table, result_row
from puhui.quarter import Quarter
from vocabulary import LARGE, County

BANK = "HCNS0001"
INSURER = {"kind": "property_insurer", "level": "branch", "is_local_legal_person": False}

#: From the worst to the best, by hand: a breach, a plan or trend behind, what is not known,
#: what is in doubt, what passes with a reserve, what passes, what is on its way, what is only
#: shown, and what is not asked at all.
WORST_FIRST = [
    "not_met",
    "behind",
    "no_data",
    "to_verify",
    "met_reserved",
    "met",
    "on_track",
    "shown",
    "not_applicable",
]


@pytest.fixture(scope="module")
def params(tmp_path_factory):
    return County(tmp_path_factory.mktemp("clauses")).params


def bare(indicator, verdict, branch=None, **more):
    return {
        "indicator_id": indicator,
        "branch_id": branch,
        "verdict": verdict,
        "flags": [],
        "reason": f"{indicator} 的说明",
        **more,
    }


def table(params, rows, **facts):
    bench = Bench(params, Quarter.parse("2021Q4"), {})
    made = clauses_table(bench, County.facts(BANK, **facts), rows, last=False)
    assert made.schema == results.SCHEMAS["clauses"]
    return made.to_pylist()


def test_the_hand_written_order_has_every_verdict_there_is():
    assert sorted(WORST_FIRST) == sorted(results.VERDICTS)


@pytest.mark.parametrize(("one", "other"), list(product(WORST_FIRST, repeat=2)))
def test_a_clause_takes_the_worse_of_two_indicators(params, one, other):
    rows = [bare("C2.2.balance", one), bare("C2.2.customers", other)]
    found = table(params, rows)[1]
    worse = one if WORST_FIRST.index(one) <= WORST_FIRST.index(other) else other
    by = "C2.2.balance" if worse == one else "C2.2.customers"
    assert (found["clause"], found["verdict"], found["indicator_id"]) == ("C2.2", worse, by)
    assert found["reason"] == f"{by} 的说明"


@pytest.mark.parametrize("order", [1, -1])
def test_the_worst_of_three_decides_whatever_their_order(params, order):
    rows = [
        bare("C4.2a.balance", "met"),
        bare("C4.2a.customers", "no_data", flags=["provisional"]),
        bare("C4.2a.lead", "shown", flags=["near_limit"]),
    ][::order]
    found = table(params, rows)[1]
    assert (found["verdict"], found["flags"]) == ("no_data", ["provisional"])
    assert found["indicator_id"] == "C4.2a.customers"


def test_clauses_stand_institution_first_and_each_branch_apart(params):
    rows = [
        bare("C7.2", "met"),
        bare("C2.1a", "not_met"),
        bare("C7.2", "not_met", "B2"),
        bare("C7.2", "not_applicable", "B1"),
        bare("C2.1a", "shown", "B1"),
    ]
    found = [(r["branch_id"], r["clause"], r["verdict"]) for r in table(params, rows)]
    assert found == [
        (None, "C1", "shown"),
        (None, "C2.1a", "not_met"),
        (None, "C7.2", "met"),
        ("B1", "C2.1a", "shown"),
        ("B1", "C7.2", "not_applicable"),
        ("B2", "C7.2", "not_met"),
    ]


def test_the_overall_counts_clauses_and_neither_indicators_nor_branches(params):
    rows = [
        bare("C2.2.balance", "not_met"),
        bare("C2.2.customers", "not_met"),  # the same clause
        bare("C2.1a", "met"),
        bare("C2.1b", "met"),
        bare("C3.1a", "shown"),
        bare("C4.1a", "no_data"),
        bare("C2.3", "not_applicable"),  # not asked of it
        bare("C7.2", "not_met", "B1"),  # a branch
    ]
    overall = table(params, rows)[0]
    assert (overall["clause"], overall["verdict"]) == ("C1", "shown")
    assert overall["reason"] == "未达标 1 条、无数据 1 条、达标 2 条、仅列示 1 条"
    assert (overall["indicator_id"], overall["last_verdict"]) == (None, None)


def test_an_institution_no_clause_is_for_has_nothing_to_count(params):
    rows = [bare("C2.1a", "not_applicable"), bare("C7.2", "not_applicable")]
    overall = table(params, rows, **INSURER)[0]
    assert (overall["verdict"], overall["reason"]) == ("not_applicable", "没有适用的条款")


# ---- The quarter before, worked again

FOUR = ("incl_balance", "incl_npl", "all_loans", "npl")
PROVED = {"document_no": "发〔2020〕1号", "in_force_from": Quarter.parse("2020Q4").end}


def figures(quarter, *values, branch=None, source="returns"):
    return {
        (quarter, BANK, branch, m, source): {
            "quarter": quarter,
            "institution_id": BANK,
            "branch_id": branch,
            "measure_id": m,
            "source": source,
            "value": v,
            "reason": None,
            "revision": 1,
            "set_aside": 0,
        }
        for m, v in zip(FOUR, values, strict=True)
    }


def made_again(params, quarter, measures, answers, indicators, branches=()):
    """Clauses of the quarter with the verdicts of the one before beside them."""
    bench = Bench(params, Quarter.parse(quarter), measures, answers)
    facts = County.facts(BANK)
    units = [(i, None) for i in indicators] + [("C7.2", b) for b in branches]
    rows = [result_row(bench, params.indicators[i], facts, b) for i, b in units]
    return clauses_table(bench, facts, rows).to_pylist()


def test_each_clause_stands_beside_its_verdict_a_quarter_before(params):
    # C7.2: 5 % less 1 % = 4 points now, 4 % less 1 % = 3 then. C6.0: answered no now, yes with
    # a document then. C7.4: no answers at either. C6.2 is for joint-stock banks.
    measures = figures("2021Q4", 100, 5, 100, 1) | figures("2021Q3", 100, 4, 100, 1)
    answers = Answers(
        {
            ("2021Q4", BANK): {"C6.0.department": {"value": "否"}},
            ("2021Q3", BANK): {"C6.0.department": {"value": "是", **PROVED}},
        }
    )
    found = made_again(params, "2021Q4", measures, answers, ["C7.2", "C6.0", "C7.4", "C6.2"])
    assert [(r["clause"], r["verdict"], r["last_verdict"]) for r in found] == [
        ("C1", "shown", None),
        ("C6.0", "not_met", "met"),
        ("C6.2", "not_applicable", "not_applicable"),
        ("C7.2", "not_met", "met"),
        ("C7.4", "no_data", "no_data"),
    ]
    assert found[0]["reason"] == "未达标 2 条、无数据 1 条；上季：无数据 1 条、达标 2 条"


def test_the_quarter_before_is_judged_by_the_policy_of_then(params):
    # A smallest weight of 9 %: at least 10 from 2021, nothing laid down in 2020.
    measures = {
        (q, BANK, None, "least_appraisal_weight", "register"): {
            "quarter": q,
            "institution_id": BANK,
            "branch_id": None,
            "measure_id": "least_appraisal_weight",
            "source": "register",
            "value": 9,
            "reason": None,
            "revision": 1,
            "set_aside": None,
        }
        for q in ("2020Q4", "2021Q1")
    }
    found = made_again(params, "2021Q1", measures, Answers(), ["C8.2"])[1]
    assert (found["verdict"], found["last_verdict"]) == ("not_met", "shown")


def test_a_branch_stands_beside_itself_a_quarter_before(params):
    # The bank 1 of 100 bad; B1 5 of 100 now (4 points) and 1 of 100 then (0); B2 the other way.
    measures = figures("2021Q4", 100, 1, 100, 1) | figures("2021Q3", 100, 1, 100, 1)
    for branch, now, then in (("B1", 5, 1), ("B2", 1, 5)):
        for quarter, bad in (("2021Q4", now), ("2021Q3", then)):
            measures |= figures(quarter, 100, bad, 100, bad, branch=branch, source="ledger")
    found = made_again(params, "2021Q4", measures, Answers(), ["C7.2"], ("B1", "B2"))
    assert [(r["branch_id"], r["clause"], r["verdict"], r["last_verdict"]) for r in found] == [
        (None, "C1", "shown", None),
        (None, "C7.2", "met", "met"),
        ("B1", "C7.2", "not_met", "met"),
        ("B2", "C7.2", "met", "not_met"),
    ]


def test_the_worst_of_then_may_be_another_indicator_than_now(params):
    # C7.1 asks for a number (3 points, met) and an answer: yes now and not answered then; the
    # number was 4 then, over the limit. Not met is worse than not answered.
    row = {
        "institution_id": BANK,
        "branch_id": None,
        "measure_id": "own_tolerance",
        "source": "register",
        "reason": None,
        "revision": 1,
        "set_aside": None,
    }
    measures = {
        (q, BANK, None, "own_tolerance", "register"): {**row, "quarter": q, "value": v}
        for q, v in (("2021Q3", 4), ("2021Q4", 3))
    }
    answers = Answers(
        {
            ("2021Q4", BANK): {"C7.1.passed_down": {"value": "是"}},
            ("2021Q3", BANK): {"C7.1.other": {"value": "是"}},
        }
    )
    found = made_again(params, "2021Q4", measures, answers, ["C7.1", "C7.1.passed_down"])[1]
    assert (found["verdict"], found["indicator_id"]) == ("to_verify", "C7.1.passed_down")
    assert found["last_verdict"] == "not_met"


def test_every_clause_has_one_row_whatever_was_sent(params):
    bench = Bench(params, Quarter.parse("2021Q4"), {})
    facts = County.facts(BANK, **LARGE)
    own = [i for i in params.indicators.values() if i.total_of is None]
    rows = [result_row(bench, i, facts) for i in own]
    found = clauses_table(bench, facts, rows, last=False).to_pylist()
    # The county's totals (C2.2c) stand in their own rows.
    assert sorted(r["clause"] for r in found) == sorted(set(params.clauses) - {"C2.2c"})
