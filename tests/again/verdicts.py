"""Every indicator of a quarter with value and verdict, by the rules of the catalogue."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

import pandas as pd

from again import conduct, lending
from again.asking import Asked, local
from again.figures import BOOK, NO_DATA, NOT_APPLICABLE, RETURN, County, View, worked, worked_from
from again.submitted import Date

INDICATORS: Mapping[str, Asked] = {**lending.INDICATORS, **conduct.INDICATORS}
#: Force of clauses that are not a must; bans are judged as a must is.
STRIVE = {"C2.3", "C2.4a", "C5.5b", "C6.2", "C6.4a", "C6.4d"}
ENCOURAGE = {"C5.4", "C5.5c", "C5.7"}
FLAT = Fraction(1, 100)
YES, NO, NONE = "是", "否", "不适用"


@dataclass(frozen=True)
class Result:
    """Value (``None``: there is none), base and verdict of an indicator for a unit."""

    value: Fraction | None
    verdict: str
    base: Fraction | None = None


def results(county: County) -> Iterator[tuple[tuple[str, str | None, str], Result]]:
    """All results of a run: (institution or ``county``, branch, indicator) and result."""
    for institution in county.office.institutions:
        for branch in (None, *county.branches(institution)):
            for name, asked in INDICATORS.items():
                if branch is None or asked.at_branches:
                    yield (institution, branch, name), result(county, institution, branch, asked)
    for name, (whom, asked) in lending.TOTALS.items():
        members = [i for i in county.office.institutions if whom(county.entries[i])]
        yield ("county", None, name), total(county, members, asked)


def result(county: County, institution: str, branch: str | None, asked: Asked) -> Result:
    entry, at = county.entries[institution], county.run.text
    if not asked.who(entry):
        return Result(None, NOT_APPLICABLE)
    answers = county.answers(institution, at)
    if asked.may_have_none:
        said = (answers or {}).get(f"{asked.clause}.all")
        if said is not None and said["value"] == NONE:
            return Result(None, NOT_APPLICABLE)
    view = View(county, institution, branch, at, RETURN)
    if asked.answers:
        return by_answers(county, view, asked)
    assert asked.value is not None
    value, source = worked(view, asked.value)
    if value is None:
        return Result(None, source)
    if asked.test in ("up", "down"):
        return against_base(replace(view, source=source), asked, value)
    if asked.judged_where_unplanned and not is_judged(county, view):
        return Result(value, "shown")
    verdict = judged(asked, value, view.date)
    if verdict == "met" and reserved(replace(view, source=source), asked):
        return Result(value, "met_reserved")
    return Result(value, verdict)


def reserved(view: View, asked: Asked) -> bool:
    """Whether a cross-check that can be worked out is beyond the threshold."""
    assert asked.limit is not None or not asked.reserved_by
    found = [worked_from(view, formula) for formula in asked.reserved_by]
    limit = asked.limit(view.date) if asked.limit else None
    values = [one[0] for one in found if one is not None]
    return limit is not None and any(v is not None and v > limit for v in values)


def is_judged(county: County, view: View) -> bool:
    """Legal persons as a whole; branches, internal ones too, where no plan was handed down."""
    if view.branch is None and local(view.entry):
        return True
    is_branch = view.branch is not None or view.entry["level"] == "分支机构"
    return is_branch and not planned(county, view)


def planned(county: County, view: View) -> bool:
    """Whether a plan was handed down to the unit."""
    plans = county.office.own["plans"]
    mine = plans[(plans["institution_id"] == view.institution)]
    mine = mine[mine["item"] == "assessed_balance"]
    if view.branch is None:
        return bool(mine["branch_id"].isna().any())
    return bool((mine["branch_id"] == view.branch).fillna(False).any())


def judged(asked: Asked, value: Fraction, date: Date) -> str:
    """Verdict of a value against its threshold, as the clause's force allows."""
    if asked.test is None:
        return "shown"
    if asked.test == "list":
        return "to_verify" if value else "met"
    limit = asked.limit(date) if asked.limit else None
    if limit is None:
        return "shown"
    passed = {"<=": value <= limit, ">=": value >= limit, ">": value > limit}[asked.test]
    passed = passed or asked.never_fails
    if asked.progress and date.number < 4:
        return "on_track" if passed else "behind"
    if asked.clause in ENCOURAGE:
        return "shown"
    if asked.clause in STRIVE:
        return "on_track" if passed else "behind"
    return "met" if passed else "not_met"


def against_base(view: View, asked: Asked, value: Fraction) -> Result:
    """Better than the base: behind only after two quarters in a row the wrong way."""
    base = compared(view, asked)
    if base is None:
        return Result(value, "shown")
    if better(asked, value - base) >= -FLAT:
        return Result(value, "on_track", base)
    earlier = replace(view, at=view.date.before)
    then, before = worked_from(earlier, asked.value), compared(earlier, asked)
    fell = then is not None and then[0] is not None and before is not None
    again = fell and better(asked, then[0] - before) < -FLAT
    return Result(value, "behind" if again else "on_track", base)


def better(asked: Asked, change: Fraction) -> Fraction:
    """A change counted as gain."""
    return change if asked.test == "up" else -change


def compared(view: View, asked: Asked) -> Fraction | None:
    """The indicator at its base period, from the same source."""
    at = view.date.year_start if asked.base == "start" else view.date.year_ago
    found = worked_from(replace(view, at=at), asked.value)
    return None if found is None else found[0]


def by_answers(county: County, view: View, asked: Asked) -> Result:
    """Answers: all must be yes with a document in force, and no note may speak against them."""
    if asked.nothing is not None:
        found = worked(view, lambda v: Fraction(asked.nothing(v)))
        if found[0] == 1:
            return Result(None, NOT_APPLICABLE)
    answers = county.answers(view.institution, view.at)
    if answers is None:
        return Result(None, NO_DATA)
    rows = [answers.get(f"{asked.clause}.{part}") for part in asked.answers]
    noted = contradicted(county, view, asked.clause)
    states = [state(row, view.date, noted) for row in rows]
    yes = Fraction(sum(row is not None and row["value"] == YES for row in rows))
    value = None if "absent" in states else yes
    return Result(value, with_force(asked.clause, answered(states, asked.any_one)))


def contradicted(county: County, view: View, clause: str) -> bool:
    """Whether a note of the office's of this year, up to the quarter end, is on the clause."""
    notes = county.office.own["notes"]
    mine = notes[(notes["institution_id"] == view.institution) & (notes["clause"] == clause)]
    return bool(mine["noted_on"].between(view.date.first, view.date.end).any())


def state(row: Mapping[str, object] | None, date: Date, noted: bool) -> str:
    if row is None:
        return "absent"
    if row["value"] != YES:
        return {NO: "no", NONE: "nothing"}.get(str(row["value"]), "doubtful")
    since = row.get("in_force_from")
    in_force = since is not None and not pd.isna(since) and since <= date.end
    document = row.get("document_no")
    proved = in_force and document is not None and not pd.isna(document)
    if noted:
        return "spoken against"
    return "yes" if proved else "doubtful"


def answered(states: list[str], any_one: bool) -> str:
    doubtful = "doubtful" in states or "spoken against" in states
    if any_one and "yes" in states and "spoken against" not in states:
        return "met"
    if not any_one and "no" in states:
        return "not_met"
    if "absent" in states:
        return NO_DATA
    if not any_one and "nothing" in states:
        return NOT_APPLICABLE
    if doubtful:
        return "to_verify"
    return "not_met" if any_one else "met"


def with_force(clause: str, verdict: str) -> str:
    if verdict in (NO_DATA, NOT_APPLICABLE):
        return verdict
    if clause in ENCOURAGE:
        return "shown"
    if clause in STRIVE:
        return {"met": "on_track", "not_met": "behind"}.get(verdict, verdict)
    return verdict


class Together:
    """Several institutions as one, each from the source that answers for it."""

    def __init__(self, views: list[View]) -> None:
        self.views = views
        self.date = views[0].date

    def __call__(self, name: str) -> Fraction:
        return sum((view(name) for view in self.views), Fraction(0))

    def start(self, name: str) -> Fraction:
        return sum((view.start(name) for view in self.views), Fraction(0))


def total(county: County, members: list[str], asked: Asked) -> Result:
    """The county's total over those that have a figure of their own."""
    views = []
    for institution in members:
        view = View(county, institution, None, county.run.text, RETURN)
        value, source = worked(view, asked.value)
        if value is not None:
            views.append(replace(view, source=source))
    if not views:
        return Result(None, NO_DATA)
    value = asked.value(Together(views))
    return Result(value, judged(asked, value, county.run))


__all__ = ["BOOK", "INDICATORS", "Result", "results"]
