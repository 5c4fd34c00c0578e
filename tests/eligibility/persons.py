"""Persons in cases for the tests on exemption: a default person, and what differs."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from functools import cache

from puhui import params
from puhui.eligibility import Given
from puhui.eligibility.exemption import NOT_SENT
from puhui.params.exemption import RuleTable
from vocabulary import PARAMS

OVERDUE = dt.date(2021, 3, 1)
#: A member of the handling staff with gaps in the file and a minor departure, at a branch beyond
#: its tolerance, on a line of 3 million; nobody found breach or misconduct. Nothing speaks for her.
DEFAULT = {
    "case.is_mse_credit": True,
    "case.credit_line_at_origination": Decimal("3000000.00"),
    "case.principal_outstanding": Decimal("500000.00"),
    "case.interest_arrears": Decimal("20000.00"),
    "case.recovery_pursued": True,
    "case.first_overdue_on": OVERDUE,
    "case.force_majeure": False,
    "case.force_majeure_reported_on": None,
    "case.measures_taken": False,
    "person.role": "handling",
    "person.liability": "direct",
    "person.breach": "none",
    "person.breach_in_force": None,
    "person.misconduct": "none",
    "person.file_complete": "gaps",
    "person.departure_found": "minor",
    "person.took_over_on": None,
    "person.class_at_takeover": None,
    "person.early_action_on": None,
    "person.loss_reduced": None,
    "person.dissent_record_no": None,
    "person.dissent_upheld": None,
    "person.dissent_causal": None,
    "person.objection_record_no": None,
    "person.overruled_by": None,
    "unit.within_tolerance": False,
    "unit.is_branch_head": False,
    "policy.inclusive_line_limit": Decimal(10000000),
    "policy.small_interest_limit": Decimal(10000),
    "policy.report_at_once_days": 10,
}
DAY = dt.date(2021, 2, 1)
_ALIKE = (DAY, None)
#: Every cell but the policy's with all it may hold; for record cells NOT_SENT is "unknown".
DOMAIN = {
    "case.is_mse_credit": (True, False, None),
    "case.credit_line_at_origination": (Decimal(10000000), Decimal("10000000.01"), None),
    "case.principal_outstanding": (Decimal(0), Decimal("0.01"), None),
    "case.interest_arrears": (Decimal(10000), Decimal("10000.01"), None),
    "case.recovery_pursued": (True, False, None),
    "case.first_overdue_on": (OVERDUE, None),
    "case.force_majeure": (True, False, None),
    "case.force_majeure_reported_on": (dt.date(2021, 3, 11), dt.date(2021, 3, 12), None, NOT_SENT),
    "case.measures_taken": (True, False, None),
    "person.role": ("head", "department", "handling", "process_manager", "committee_member"),
    "person.liability": ("direct", "management", "leadership", None),
    "person.breach": ("none", "law", "supervisory_rule", "internal_rule", "not_determined", None),
    "person.breach_in_force": (True, False, None),
    "person.misconduct": ("none", "fraud", "gross_neglect", "not_determined", None),
    "person.file_complete": ("yes", "gaps", "not_kept", None),
    "person.departure_found": ("no", "minor", "material", "not_determined", None),
    "person.took_over_on": (*_ALIKE, NOT_SENT),
    "person.class_at_takeover": ("normal", "special_mention", "substandard", "loss", None),
    "person.early_action_on": (*_ALIKE, NOT_SENT),
    "person.loss_reduced": (True, False, None),
    "person.dissent_record_no": (True, None, NOT_SENT),
    "person.dissent_upheld": (True, False, None),
    "person.dissent_causal": (True, False, None),
    "person.objection_record_no": (True, None, NOT_SENT),
    "person.overruled_by": (True, None, NOT_SENT),
    "unit.within_tolerance": (True, False, None),
    "unit.is_branch_head": (True, False, None),
}


@cache
def loaded() -> params.Params:
    return params.load(PARAMS)


@cache
def table() -> RuleTable:
    """The table in force in 2021."""
    return loaded().exemption.named("2016")


def person(**differs: object) -> Given:
    """The default person, with other cells: ``person(case__force_majeure=True)``."""
    cells = {**DEFAULT, **{k.replace("__", ".", 1): v for k, v in differs.items()}}
    assert cells.keys() == DEFAULT.keys()
    return given(cells)


def given(cells: dict[str, object]) -> Given:
    return Given({tuple(name.split(".", 1)): cell for name, cell in cells.items()})


def unknown(name: str) -> object:
    """What an unknown cell of that name holds."""
    return NOT_SENT if NOT_SENT in DOMAIN[name] else None


def is_unknown(name: str, cell: object) -> bool:
    return cell == "not_determined" or cell == unknown(name)
