"""Rows of the truth table ``situations``: what is done about a clause, and what follows.

*Situation* is whether what the clause asks for is done, whatever its force; *verdict* is what
the catalogue's rules make of it.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from puhui.example.conduct.catalogue import CLAUSES
from puhui.quarter import Quarter

MET, MISSED, NO_DATA, NOT_APPLICABLE = SITUATIONS = ("met", "missed", "no_data", "not_applicable")
#: Verdicts of the catalogue.
VERDICTS = (
    "met",
    "met_reserved",
    "not_met",
    "on_track",
    "behind",
    "to_verify",
    "shown",
    "not_applicable",
    "no_data",
)
#: Columns of the table, in order.
COLUMNS = (
    "quarter",
    "institution_id",
    "branch_id",
    "clause",
    "situation",
    "verdict",
    "value_num",
    "value_den",
    "unit",
    "base_num",
    "base_den",
    "why",
)


def verdict_of(clause: str, situation: str) -> str:
    """Verdict the catalogue's rules give, no more being known than the situation.

    What a lead, a missing document, a contradicting note or a first bad quarter changes, the
    caller passes to :func:`situation_row` itself.

    Examples
    --------
    >>> verdict_of("C7.2", "missed"), verdict_of("C2.3", "missed"), verdict_of("C3.4a", "missed")
    ('not_met', 'behind', 'to_verify')
    >>> verdict_of("C5.4", "missed"), verdict_of("C5.4", "no_data")
    ('shown', 'no_data')
    """
    if situation in (NO_DATA, NOT_APPLICABLE):
        return situation
    one = CLAUSES[clause]
    good = situation == MET
    if one.test in ("shown", "overall") or one.force == "encourage":
        return "shown"
    if one.test == "near":
        return "met"
    if one.test == "up" or one.force == "strive":
        return "on_track" if good else "behind"
    if one.test == "list" and not good:
        return "to_verify"
    return "met" if good else "not_met"


def situation_row(
    quarter: Quarter,
    institution_id: str,
    clause: str,
    situation: str,
    verdict: str = "",
    *,
    branch_id: str | None = None,
    value: Fraction | None = None,
    unit: str | None = None,
    base: Fraction | None = None,
    why: str = "",
) -> dict[str, Any]:
    """One row; the verdict is that of :func:`verdict_of` unless given.

    Parameters
    ----------
    value, base
        Exact, in ``unit`` (``%``, ``pp``, ``bp``, ``fen``, ``customers``, …).
    why
        What was done, or what is missing, in a few English words.

    Raises
    ------
    ValueError
        For a clause, situation or verdict nobody knows.
    """
    verdict = verdict or verdict_of(clause, situation)
    if clause not in CLAUSES or situation not in SITUATIONS or verdict not in VERDICTS:
        raise ValueError(f"no such row: {clause} {situation} {verdict}")
    return {
        "quarter": str(quarter),
        "institution_id": institution_id,
        "branch_id": branch_id,
        "clause": clause,
        "situation": situation,
        "verdict": verdict,
        "value_num": None if value is None else value.numerator,
        "value_den": None if value is None else value.denominator,
        "unit": unit,
        "base_num": None if base is None else base.numerator,
        "base_den": None if base is None else base.denominator,
        "why": why,
    }
