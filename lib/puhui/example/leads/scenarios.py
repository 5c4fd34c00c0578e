"""What happened in each accountability case: the facts planted and, by hand, what follows."""

# ruff: noqa: E501  (a table is read by its rows)
from __future__ import annotations

from dataclasses import dataclass
from typing import Any

# name; loan needed; role/post/liability; outcome and routes expected; facts that differ from
# the defaults. Loan: in / out (branch within or beyond tolerance when first NPL), bank_in /
# bank_out (the whole bank), repaid (beyond tolerance, principal recovered), above (line over
# the limit, branch within), other (no small-and-micro credit). Facts: c. of the case.
_SCENARIOS = """
staff_tolerance    in       handling/marketing/direct        eligible:tolerance
head_tolerance     in       head/branch_head/leadership      eligible:tolerance
head_managing      in       head/branch_head/management      eligible:tolerance       departure_found=material
head_as_approver   in       committee_member/approval/direct not_eligible             is_head=1
head_as_head       in       head/branch_head/leadership      eligible:tolerance
department_in      bank_in  department/department/management eligible:tolerance
department_out     bank_out department/department/management not_eligible
head_out           out      head/branch_head/leadership      not_eligible
clean_file         out      handling/review/direct           eligible:clean_file      file_complete=yes departure_found=no
clean_unknown      out      handling/review/direct           undetermined             file_complete=yes departure_found=not_determined
force_majeure      out      handling/post_loan/direct        eligible:force_majeure   c.force_majeure=1 c.reported=3 c.measures_taken=1
force_late         out      handling/post_loan/direct        not_eligible             c.force_majeure=1 c.reported=200 c.measures_taken=1
force_unknown      out      handling/post_loan/direct        undetermined             c.force_majeure=? c.reported=3 c.measures_taken=1
repaid             repaid   handling/disbursement/direct     eligible:repaid
repaid_unknown     repaid   handling/disbursement/direct     undetermined             c.recovery_pursued=?
inherited_exposed  out      handling/post_loan/direct        eligible:inherited_exposed took_over=late class_at_takeover=substandard
inherited_acted    out      handling/post_loan/direct        eligible:inherited_acted took_over=early class_at_takeover=normal acted=1 loss_reduced=1
inherited_idle     out      handling/post_loan/direct        not_eligible             took_over=early class_at_takeover=normal loss_reduced=0
inherited_unknown  out      handling/post_loan/direct        undetermined             took_over=late
dissent            out      process_manager/operations/direct eligible:dissent        dissent_record_no=YY dissent_upheld=1 dissent_causal=1
dissent_unjudged   out      process_manager/operations/direct undetermined            dissent_record_no=YY dissent_causal=1
dissent_idle       out      process_manager/operations/direct not_eligible            dissent_record_no=YY dissent_upheld=1 dissent_causal=0
overruled          out      committee_member/approval/direct eligible:overruled       objection_record_no=FD overruled_by=HEAD
internal_head      in       head/branch_head/leadership      eligible:tolerance       breach=internal_rule
internal_staff     out      handling/acceptance/direct       not_eligible             breach=internal_rule file_complete=yes departure_found=no
material_staff     in       handling/acceptance/direct       not_eligible             departure_found=material
bar_fraud          in       handling/marketing/direct        not_eligible:tolerance   misconduct=fraud
bar_rule           in       handling/marketing/direct        not_eligible:tolerance   breach=supervisory_rule breach_rule=rule breach_in_force=1
old_rule           in       handling/marketing/direct        eligible:tolerance       breach=supervisory_rule breach_rule=rule breach_in_force=0
unknown_misconduct in       handling/marketing/direct        undetermined:tolerance   misconduct=not_determined
unknown_breach     in       handling/marketing/direct        undetermined:tolerance   breach=not_determined
unknown_in_force   in       handling/marketing/direct        undetermined:tolerance   breach=law breach_rule=rule
unknown_moot       out      handling/marketing/direct        not_eligible             misconduct=not_determined
unknown_departure  in       handling/marketing/direct        undetermined             departure_found=not_determined
unknown_both       out      handling/marketing/direct        undetermined             misconduct=not_determined file_complete=yes departure_found=not_determined
above_limit        above    handling/marketing/direct        not_eligible
above_overruled    above    committee_member/approval/direct eligible:overruled       objection_record_no=FD overruled_by=HEAD
out_of_scope       other    handling/marketing/direct        out_of_scope
"""


@dataclass(frozen=True)
class Scenario:
    """One person in one role of one case.

    Attributes
    ----------
    needs
        Which loan the case must be about.
    outcome, routes
        What the rules give, worked out by hand when the scenario was written.
    facts
        Facts that differ from the defaults, as text; ``?`` is unknown.
    """

    name: str
    needs: str
    role: str
    post: str
    liability: str
    outcome: str
    routes: tuple[str, ...]
    facts: dict[str, str]


def _scenario(line: str) -> Scenario:
    name, needs, who, result, *facts = line.split()
    role, post, liability = who.split("/")
    outcome, _, route = result.partition(":")
    return Scenario(
        name=name,
        needs=needs,
        role=role,
        post=post,
        liability=liability,
        outcome=outcome,
        routes=(route,) if route else (),
        facts=dict(f.split("=") for f in facts),
    )


SCENARIOS = tuple(_scenario(line) for line in _SCENARIOS.strip().splitlines())
#: Scenarios told at each bank; nothing where no loan of the bank fits.
TOLD: dict[str, tuple[str, ...]] = {
    "NS2": tuple(s.name for s in SCENARIOS),
    "NS1": (
        "staff_tolerance",
        "head_tolerance",
        "head_as_approver",
        "head_as_head",
        "department_in",
        "clean_file",
        "repaid",
        "overruled",
        "internal_head",
        "bar_fraud",
        "old_rule",
        "unknown_breach",
        "above_limit",
        "out_of_scope",
    ),
    "CS2": (
        "staff_tolerance",
        "head_tolerance",
        "department_in",
        "bar_rule",
        "unknown_misconduct",
        "unknown_departure",
        "out_of_scope",
    ),
}
#: Persons of one case share it: the second scenario joins the case of the first.
TOGETHER = {"head_as_head": "head_as_approver"}
#: Where the bank's own decision is wrong, at the bank of clause C7.5 that misses it.
DENIED, WRONGLY_EXEMPTED, WRONG_AT = (
    ("head_tolerance", "overruled", "dissent"),
    ("bar_fraud",),
    "NS2",
)
#: Cases decided nowhere; at the bank with few decisions only the first scenarios are decided.
UNDECIDED, FEW, FEW_DECIDED = ("head_as_approver",), "CS2", ("staff_tolerance", "head_tolerance")


def value(text: str) -> Any:
    """A fact from its text: number, unknown, or the text itself.

    Examples
    --------
    >>> value("1"), value("?"), value("fraud")
    (1, None, 'fraud')
    """
    if text == "?":
        return None
    return int(text) if text.isdigit() else text
