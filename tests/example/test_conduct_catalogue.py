"""The generator's list of clauses: which, how strong, for whom; and what follows from them."""

from __future__ import annotations

from fractions import Fraction

import pytest

from puhui.example.conduct.catalogue import CLAUSES, applies
from puhui.example.conduct.situations import SITUATIONS, VERDICTS, situation_row, verdict_of
from puhui.example.roster import LAST, ROSTER

UNITS = {unit.short: unit for unit in ROSTER}
# Ids of the catalogue, in its order, by force of the clause's wording.
FORCES = {
    "none": "C1",
    "ban": "C3.2 C3.3b C3.4a C3.4b C3.4c C3.5b C3.5c",
    "strive": "C2.3 C2.4a C5.5b C6.2 C6.4a C6.4d",
    "encourage": "C5.4 C5.5c C5.7",
    "must": """
        C2.1a C2.1b C2.1c C2.1d C2.2 C2.2c C2.3x C2.4b C2.5a C2.5b
        C3.1a C3.1b C3.1c C3.3a C3.3c C3.5a C3.6a C3.6b C3.6c
        C4.1a C4.1b C4.2a C4.2b C4.3a C4.3b C4.4 C4.5a C4.5b C4.5c C4.6 C4.7a C4.7b C4.7c
        C5.0 C5.1 C5.2 C5.3 C5.5a C5.6 C6.0 C6.1 C6.3a C6.3b C6.4b C6.4c
        C7.1 C7.2 C7.3 C7.4 C7.5 C8.1 C8.2 C8.3 C8.4 C8.5 C9.1 C9.2 C9.3 C9.4
    """,
}
TIERS = {
    "T2": """
        C2.3x C2.5a C3.1c C3.2 C3.3a C3.4a C3.4b C3.5b C3.5c C3.6a C3.6c C4.5c C4.6 C5.1 C5.2
        C5.5b C6.4a C6.4b C9.2
    """,
    "T3": "C3.3b C3.5a C3.6b C7.3 C7.5",
    "T0": """
        C1 C2.1a C2.1b C2.1c C2.2c C2.3 C2.4a C3.1a C3.1b C4.1a C4.4 C4.5a C4.5b C5.0 C5.5a C7.2
    """,
}


def test_it_lists_every_clause_and_no_other() -> None:
    named = [clause for text in FORCES.values() for clause in text.split()]
    assert len(named) == 76
    assert sorted(CLAUSES) == sorted(named)


@pytest.mark.parametrize("force", FORCES)
def test_forces(force: str) -> None:
    assert {c.id for c in CLAUSES.values() if c.force == force} == set(FORCES[force].split())


@pytest.mark.parametrize("tier", TIERS)
def test_tiers(tier: str) -> None:
    assert {c.id for c in CLAUSES.values() if c.tier == tier} == set(TIERS[tier].split())


@pytest.mark.parametrize(
    ("clause", "bound", "free"),
    [
        ("C2.1a", "DX1 DX3 GF1 CS1 CS2 NS1 CZ1", "ZC1 ZC2 CX1 RS1 RS2"),
        ("C2.1c", "DX1 DX2 DX4", "DX3 GF1 NS1 CX1"),
        ("C2.3", "DX1 DX3 GF2", "CS1 CS2 NS1 ZC1 CX1"),
        ("C2.4a", "GF1 CS1 CS2", "DX1 NS1 CZ2 RS1"),
        ("C2.5a", "CS2 NS1 CZ3", "CS1 DX1 GF1 CX2"),
        ("C3.4c", "CX1 CX2 RS1", "DX1 NS1 RS2"),
        ("C4.2b", "CS1 CS2 NS3 CZ1", "GF1 DX2 ZC1 CX1"),
        ("C4.3b", "ZC1 DX1 CZ1 CX1 RS1", "RS2"),
        ("C6.1", "DX1 DX2 DX3 DX4", "GF1 CS2"),
        ("C6.2", "GF1 GF2", "DX1 CS1"),
        ("C7.3", "DX1 NS1", "CX1 RS2"),
        ("C8.4", "CS1 CS2 NS1 CZ1", "GF1 DX1 CX1"),
        ("C9.1", "ZC1 NS1 CX1 RS1", "RS2"),
        ("C2.2c", "", "DX1 NS1 CX1 RS2"),
    ],
)
def test_whom_a_clause_binds(clause: str, bound: str, free: str) -> None:
    assert [s for s in bound.split() if not applies(clause, UNITS[s])] == []
    assert [s for s in free.split() if applies(clause, UNITS[s])] == []


def test_nothing_binds_the_sales_office() -> None:
    assert not any(applies(clause, UNITS["RS2"]) for clause in CLAUSES)


@pytest.mark.parametrize(
    ("clause", "met", "missed"),
    [
        ("C7.2", "met", "not_met"),  # must, a number
        ("C3.2", "met", "not_met"),  # ban, a number
        ("C3.4a", "met", "to_verify"),  # ban, a list of leads
        ("C3.6a", "met", "to_verify"),  # must, a list of leads
        ("C4.1a", "on_track", "behind"),  # must, against a base
        ("C2.3", "on_track", "behind"),  # strive
        ("C5.4", "shown", "shown"),  # encourage
        ("C3.1a", "shown", "shown"),  # must, but no number in the notice
        ("C3.1b", "met", "met"),  # the number is ours: near the limit at most
    ],
)
def test_verdicts(clause: str, met: str, missed: str) -> None:
    assert [verdict_of(clause, s) for s in SITUATIONS] == [met, missed, "no_data", "not_applicable"]


def test_every_clause_has_a_verdict_for_every_situation() -> None:
    found = {verdict_of(clause, s) for clause in CLAUSES for s in SITUATIONS}
    assert found <= set(VERDICTS)


def test_a_row_holds_exact_numbers() -> None:
    row = situation_row(LAST, "X", "C7.2", "met", value=Fraction(4, 6), unit="pp", why="so")
    assert (row["quarter"], row["value_num"], row["value_den"], row["base_num"]) == (
        "2021Q4",
        2,
        3,
        None,
    )
    assert (row["verdict"], row["branch_id"], row["why"]) == ("met", None, "so")


@pytest.mark.parametrize(
    "wrong", [("C0.0", "met", ""), ("C7.2", "done", ""), ("C7.2", "met", "fine")]
)
def test_unknown_words_are_refused(wrong: tuple[str, str, str]) -> None:
    with pytest.raises((ValueError, KeyError)):
        situation_row(LAST, "X", *wrong)
