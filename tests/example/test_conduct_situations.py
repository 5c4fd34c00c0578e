"""Every clause is met somewhere, missed somewhere, without data and not applicable somewhere."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from example.conduct_county import SEEDS, county, registers, situations
from puhui.example import answers, conduct
from puhui.example.conduct.judging import CLAUSES_HERE, OWN
from puhui.example.conduct.situations import COLUMNS, SITUATIONS
from puhui.example.filings import Marks
from puhui.example.roster import LAST, ROSTER, institution_id

Row = dict[str, Any]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("clause", CLAUSES_HERE)
def test_all_four_situations(clause: str, seed: int) -> None:
    found = {row["situation"] for row in situations(seed) if row["clause"] == clause}
    assert found == set(SITUATIONS)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_institution_has_one_row_of_every_clause(seed: int) -> None:
    rows = situations(seed)
    keys = [(r["quarter"], r["institution_id"], r["branch_id"], r["clause"]) for r in rows]
    assert len(set(keys)) == len(keys)
    now = {(i, c) for q, i, b, c in keys if q == str(LAST) and b is None and c != "C2.2c"}
    units = [institution_id(unit.short) for unit in ROSTER]
    assert now == {(unit, clause) for unit in units for clause in (*OWN, "C1")}
    assert all(tuple(row) == COLUMNS for row in rows)


def test_branches_have_rows_where_a_clause_is_judged_there() -> None:
    found = {
        (r["clause"], r["institution_id"])
        for r in situations()
        if r["branch_id"] and r["quarter"] == str(LAST)
    }
    banks = {institution_id(u.short) for u in ROSTER if u.is_bank}
    policy = {institution_id(u.short) for u in ROSTER if u.kind == "policy"}
    grows = {(clause, i) for clause in ("C2.1a", "C2.1b", "C2.2") for i in banks - policy}
    assert found == grows | {("C7.2", i) for i in banks}


def test_what_has_no_data_has_no_value_of_its_own() -> None:
    shown = {"shown"}
    for row in situations():
        if row["situation"] in ("no_data", "not_applicable"):
            assert row["value_num"] is None or row["verdict"] in shown, row
            assert row["why"], row


def test_nobody_without_a_ledger_is_judged_on_one() -> None:
    without = {institution_id(u.short) for u in ROSTER if u.is_bank and not u.has_ledger}
    for row in situations():
        needs = conduct.CLAUSES[row["clause"]].needs_tier
        if row["institution_id"] in without and needs >= 2:
            assert row["situation"] in ("no_data", "not_applicable"), row


@pytest.mark.parametrize("clause", ["C2.1a", "C2.1b", "C3.1a", "C4.1a", "C7.2"])
def test_the_five_answers_agree(clause: str) -> None:
    """The county's answers are worked out a second time, from the same ledgers."""
    here, compared = county(), 0
    for unit in ROSTER:
        if not unit.has_ledger:
            continue
        quarters = {
            "now": LAST,
            "base": LAST.year_start,
            "before": LAST.previous,
            "before_base": LAST.previous.year_start,
        }
        sums = {
            name: vars(answers.of_ledger(Marks(here.snapshots[q, unit.short], q)))
            for name, q in quarters.items()
        }
        planned = unit.short not in ("CS1", "GF2", "ZC1", "ZC2")
        expected = {
            r["indicator_id"]: r for r in answers.unit_rows(unit, {}, sums, planned=planned)
        }
        row = _row(clause, institution_id(unit.short))
        value = (row["value_num"], row["value_den"])
        assert value == (expected[clause]["num"], expected[clause]["den"]), unit.short
        assert row["verdict"] == expected[clause]["verdict"], unit.short
        compared += 1
    assert compared >= 8


def _row(clause: str, institution: str) -> Row:
    return next(
        r
        for r in situations()
        if (r["quarter"], r["institution_id"], r["clause"], r["branch_id"])
        == (str(LAST), institution, clause, None)
    )


def test_a_plan_is_held_against_what_was_achieved() -> None:
    """Targets are four fifths of the increment, so about 125 percent were reached."""
    row = _row("C2.2", "HCNS0001")
    assert row["situation"] == "met"
    assert 124 < Fraction(row["value_num"], row["value_den"]) < 127
    assert _row("C2.2", "HCNS0002")["situation"] == "missed"


def test_an_early_target_is_held_against_the_time_gone_by() -> None:
    rows = [
        r
        for r in situations()
        if r["clause"] == "C2.2" and r["quarter"] == "2021Q3" and r["branch_id"] is None
    ]
    judged = [r for r in rows if r["situation"] in ("met", "missed")]
    assert {r["verdict"] for r in judged} == {"on_track", "behind"}
    for row in judged:
        if row["situation"] == "met":
            assert Fraction(row["value_num"], row["value_den"]) >= 75


def row_of(clause: str, situation: str, short: str = "NS1", **more: Any) -> Row:
    return conduct.situation_row(LAST, institution_id(short), clause, situation, **more)


@pytest.mark.parametrize(
    ("given", "expected", "missed"),
    [
        ([("C7.2", "met"), ("C8.1", "no_data")], "met", 0),
        ([("C7.2", "met"), ("C3.4a", "missed"), ("C8.1", "missed")], "missed", 2),
        ([("C7.2", "no_data"), ("C9.2", "not_applicable")], "no_data", None),
        ([("C7.2", "not_applicable"), ("C3.2", "not_applicable")], "not_applicable", None),
        ([("C7.2", "met"), ("C2.3", "missed"), ("C5.4", "missed")], "met", 0),  # no ban, no must
    ],
)
def test_the_overall_count(given: Any, expected: str, missed: int | None) -> None:
    rows = [row_of(clause, situation) for clause, situation in given]
    # Neither a branch nor the county's totals count.
    rows.append(row_of("C7.2", "missed", branch_id="HCNS0001B01"))
    rows.append(conduct.situation_row(LAST, "HC-LP", "C2.2c", "missed"))
    (found,) = conduct.overall(county(), rows)
    assert (found["situation"], found["value_num"]) == (expected, missed)


def test_registers_of_the_year_before_give_the_bases() -> None:
    """Without last year's registers a covered grid has no base to grow from."""
    short = {k: v for k, v in registers().items() if k[0].year == LAST.year}
    row = next(
        r
        for r in conduct.situations(county(), short, (LAST,))
        if r["clause"] == "C6.3b" and r["institution_id"] == "HCNS0001"
    )
    assert (row["situation"], row["verdict"]) == ("no_data", "shown")
    assert _row("C6.3b", "HCNS0001")["situation"] == "met"
