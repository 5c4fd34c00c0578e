"""Who fits the conditions for exemption, by the ordered rules, from planted facts.

Every fact is true, false or unknown (None). Scope comes first, then what bars, then the
routes: tolerance (notice §7) and the seven circumstances of 银监发〔2016〕56号. A record number or
date of takeover left empty means there is none; other facts left empty are unknown.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from puhui.example.segments import LIMIT_FEN

Row = dict[str, Any]
#: Interest in arrears that still counts as small, and days within which force majeure is reported.
SMALL_INTEREST_FEN, AT_ONCE_DAYS = 1_000_000, 10
#: Routes, in the order they are tried.
ROUTES = (
    "tolerance",
    "clean_file",
    "force_majeure",
    "repaid",
    "inherited_exposed",
    "inherited_acted",
    "dissent",
    "overruled",
)
_EXPOSED = ("substandard", "doubtful", "loss")


@dataclass
class Decision:
    """What the rules give for one person and role."""

    outcome: str
    routes: list[str] = field(default_factory=list)
    bars: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    extent: str | None = None


#: A fact tried: true, false or None, and the names of the unknown facts.
Tried = tuple[bool | None, list[str]]


def all_of(**facts: bool | None) -> Tried:
    """Three-valued and: false if any is false, else unknown if any is unknown.

    Examples
    --------
    >>> all_of(a=True, b=None), all_of(a=False, b=None)
    ((None, ['b']), (False, []))
    """
    if any(v is False for v in facts.values()):
        return False, []
    missing = [name for name, v in facts.items() if v is None]
    return (None, missing) if missing else (True, [])


def bars(person: Row) -> dict[str, Tried]:
    """Misconduct, and breach of law or supervisory rules in force at the time."""
    misconduct, breach = person["misconduct"], person["breach"]
    if misconduct == "not_determined":
        first: Tried = (None, ["misconduct"])
    else:
        first = (misconduct != "none", [])
    if breach == "not_determined":
        second: Tried = (None, ["breach"])
    elif breach in ("law", "supervisory_rule"):
        second = all_of(breach_in_force=_truth(person.get("breach_in_force")))
    else:
        second = (False, [])
    return {"misconduct": first, "breach": second}


def _truth(value: Any) -> bool | None:
    return None if value is None else bool(value)


def routes(case: Row, person: Row, within: bool, is_head: bool) -> dict[str, Tried]:
    """Try every route; ``within``: the branch, for a department the bank, is in tolerance."""
    departure = person["departure_found"]
    clean = None if departure == "not_determined" else departure == "no"
    interest = case["interest_arrears"] <= SMALL_INTEREST_FEN
    grade = person.get("class_at_takeover")
    took_over = person.get("took_over_on") is not None
    exposed = None if grade is None else grade in _EXPOSED
    return {
        "tolerance": _tolerance(case, person, within, is_head),
        "clean_file": all_of(
            file_complete=person["file_complete"] == "yes",
            breach_internal=person["breach"] != "internal_rule",
            departure_found=clean,
        ),
        "force_majeure": _force_majeure(case),
        "repaid": all_of(
            principal=case["principal_outstanding"] == 0,
            interest=interest,
            recovery_pursued=_truth(case.get("recovery_pursued")),
        ),
        "inherited_exposed": all_of(took_over=took_over, class_at_takeover=exposed),
        "inherited_acted": all_of(
            took_over=took_over,
            class_at_takeover=None if exposed is None else not exposed,
            early_action=person.get("early_action_on") is not None,
            loss_reduced=_truth(person.get("loss_reduced")),
        ),
        "dissent": all_of(
            record=person.get("dissent_record_no") is not None,
            dissent_upheld=_truth(person.get("dissent_upheld")),
            dissent_causal=_truth(person.get("dissent_causal")),
        ),
        "overruled": all_of(
            record=person.get("objection_record_no") is not None,
            overruled=person.get("overruled_by") is not None,
        ),
    }


def _force_majeure(case: Row) -> Tried:
    reported = case.get("force_majeure_reported_on")
    at_once = reported is not None and reported - case["first_overdue_on"] <= AT_ONCE_DAYS
    return all_of(
        force_majeure=_truth(case.get("force_majeure")),
        at_once=at_once,
        measures_taken=_truth(case["measures_taken"]),
    )


def _tolerance(case: Row, person: Row, within: bool, is_head: bool) -> Tried:
    """Closed above the limit; a head's own approvals and material departures need other routes."""
    if not within or case["credit_line_at_origination"] > LIMIT_FEN:
        return False, []
    if person["role"] in ("head", "department"):
        return person["liability"] in ("management", "leadership"), []
    if is_head:
        return False, []
    if person["departure_found"] == "not_determined":
        return None, ["departure_found"]
    return person["departure_found"] != "material", []


def decide(case: Row, person: Row, within: bool, is_head: bool = False) -> Decision:
    """Apply the rules in order to one person in one role.

    Parameters
    ----------
    case, person
        Rows of ``cases`` and ``case_persons``: money in fen, days as numbers, codes as text.
    within
        Whether the tolerance held at the quarter end the loan was first NPL.
    is_head
        Whether the person heads the branch, in whatever role this row is about.
    """
    if not case["is_mse_credit"]:
        return Decision("out_of_scope")
    barred = bars(person)
    tried = routes(case, person, within, is_head)
    hit = [name for name, (true, _) in barred.items() if true]
    open_bars = [fact for true, facts in barred.values() if true is None for fact in facts]
    held = [name for name in ROUTES if tried[name][0]]
    open_routes = [f for name in ROUTES if tried[name][0] is None for f in tried[name][1]]
    if hit:
        return Decision("not_eligible", held, hit)
    if held and not open_bars:
        graded = person["breach"] == "internal_rule" or person["departure_found"] == "material"
        return Decision("eligible", held, extent="partial" if graded else "full")
    if open_bars and (held or open_routes):
        facts = open_bars if held else [*open_bars, *open_routes]
        return Decision("undetermined", held, unknown=list(dict.fromkeys(facts)))
    if open_routes:
        return Decision("undetermined", unknown=list(dict.fromkeys(open_routes)))
    return Decision("not_eligible")
