"""Figures of registers, plans, key firms and answers: they go with either source.

A register that was not sent has no figure; one signed as empty gives zero. What the office
itself keeps (plans, key firms) holds for the year of its files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING

import pandas as pd

from again.submitted import Date

if TYPE_CHECKING:
    from again.figures import County

Figure = Fraction | None
LONGEST_WAIT = pd.Timedelta(days=30)


def _known(condition: pd.Series) -> pd.Series | None:
    """A condition as plain truth; ``None`` where a row leaves it open."""
    return None if condition.isna().any() else condition.astype(bool)


def _count(condition: pd.Series) -> Figure:
    mine = _known(condition)
    return None if mine is None else Fraction(int(mine.sum()))


def _sum(frame: pd.DataFrame, condition: pd.Series, name: str, cents: int = 100) -> Figure:
    mine = _known(condition)
    if mine is None or name not in frame or frame.loc[mine, name].isna().any():
        return None
    return Fraction(sum(map(int, frame.loc[mine, name])), cents)


def _all(frame: pd.DataFrame) -> pd.Series:
    return pd.Series(True, index=frame.index)


def _in_use(frame: pd.DataFrame) -> pd.Series:
    return (frame["customers"] > 0) & (frame["balance"] > 0)


def _new(frame: pd.DataFrame, date: Date) -> pd.Series:
    return frame["launched_on"].between(date.first, date.end)


def _flag(frame: pd.DataFrame, name: str) -> pd.Series:
    empty = pd.Series(pd.NA, index=frame.index, dtype="boolean")
    return frame.get(name, empty)


def _denied(frame: pd.DataFrame, date: Date) -> Figure:
    waiting = (frame["outcome"] == "open") & (date.end - frame["applied_on"] > LONGEST_WAIT)
    return _count((frame["outcome"] == "refused_other") | waiting)


def _granted(frame: pd.DataFrame) -> pd.Series:
    return (frame["decision"] == "granted") & frame["disbursed_on"].notna()


def _by_hand(frame: pd.DataFrame) -> Figure:
    """Disbursed with no manual step; steps left empty are not known."""
    steps = frame["manual_steps"] if "manual_steps" in frame else pd.Series(pd.NA, frame.index)
    return _count((_granted(frame) & (steps == 0)).astype("boolean"))


def _after(frame: pd.DataFrame) -> pd.Series:
    return frame["after_deferral"] & (frame["kind"] == "renewal") & _flag(frame, "qualifies")


Rows = Callable[[pd.DataFrame, Date], Figure]
_ROWS: Mapping[str, tuple[str, Rows]] = {
    "offline": ("products", lambda f, d: _count((f["channel"] == "offline") & _in_use(f))),
    "unsecured_products": ("products", lambda f, d: _count(_flag(f, "unsecured") & _in_use(f))),
    "new_unsecured": (
        "products",
        lambda f, d: _count(_new(f, d) & _flag(f, "unsecured") & _in_use(f)),
    ),
    "deferrals_asked": ("deferrals", lambda f, d: _count(f["outcome"] != "withdrawn")),
    "deferrals_denied": ("deferrals", _denied),
    "after_deferral": ("applications", lambda f, d: _count(_after(f))),
    "after_deferral_made": (
        "applications",
        lambda f, d: _count(_after(f) & f["disbursed_on"].notna()),
    ),
    "refused_qualifying": (
        "applications",
        lambda f, d: _count((f["decision"] == "refused") & _flag(f, "qualifies")),
    ),
    "disbursed": ("applications", lambda f, d: _count(_granted(f))),
    "contactless": ("applications", lambda f, d: _by_hand(f)),
    "received": ("benefits", lambda f, d: _sum(f, _all(f), "received")),
    "to_line": ("benefits", lambda f, d: _sum(f, _all(f), "passed_to_business_line")),
    "to_customers": ("benefits", lambda f, d: _sum(f, _all(f), "passed_to_customers")),
    "lines": ("insurance", lambda f, d: Fraction(len(f))),
    "insured": ("insurance", lambda f, d: _sum(f, _all(f), "insured_mses", 1)),
    "covered": ("insurance", lambda f, d: _sum(f, _all(f), "loan_balance_covered")),
}
#: Items whose answered numbers are added up.
_ANSWERED: Mapping[str, list[str]] = {
    "fees_due": ["C3.3c.due"],
    "fees_waived": ["C3.3c.waived"],
    "shared_risk": ["C5.7.balance"],
    "team": ["C6.3a.team_staff"],
    "staff": ["C6.3a.all_staff"],
    "grid": [f"C6.3b.{kind}" for kind in ("villages", "townships", "parks")],
    "grid_all": [f"C6.3b.{kind}_all" for kind in ("villages", "townships", "parks")],
    "digital_spending": ["C6.4d.spend"],
    "digital_staff": ["C6.4d.staff"],
    "own_tolerance": ["C7.1.tolerance_pp"],
    "on_target": ["C8.5.branches_met"],
    "awarded": ["C8.5.branches_awarded"],
    "awards": ["C8.5.award"],
    "relending": ["C9.2.drawn"],
}
_PLANS = {"plan_balance": "assessed_balance", "plan_customers": "assessed_customers"}
_OTHERS = {"relaxed", "least_weight", "least_ftp", "firms", "firms_planned"}
FIGURES = {*_ROWS, *_ANSWERED, *_PLANS, *_OTHERS}


def figure(county: County, institution: str, branch: str | None, at: str, name: str) -> Figure:
    """A register's figure of a unit at a quarter; ``None`` if it was not sent."""
    if name in _PLANS:
        return _planned(county, institution, branch, at, _PLANS[name])
    if name in ("firms", "firms_planned"):
        return _firms(county, institution, at, name)
    if name in _ROWS:
        return _of_rows(county, institution, at, name)
    answers = county.answers(institution, at)
    if answers is None:
        return None
    if name == "relaxed":
        row = answers.get("C2.1d.granted")
        granted = row is not None and row["value"] == "是" and not pd.isna(row["document_no"])
        return Fraction(int(granted))
    numbers = county.answered(institution, at)
    if name == "least_weight":
        found = [numbers.get(i) for i in answers if i.startswith("C8.2.weight.")]
        return _least(found)
    if name == "least_ftp":
        return _least(_preferences(answers, numbers))
    listed = [numbers.get(item) for item in _ANSWERED[name]]
    return None if None in listed else sum(listed, Fraction(0))


def _least(found: list[Figure]) -> Figure:
    return None if not found or None in found else min(found)


def _preferences(answers: Mapping[str, object], numbers: Mapping[str, Fraction]) -> list[Figure]:
    """Ordinary less inclusive transfer price, by product and tenor; one alone says nothing."""
    ordinary, inclusive = "C8.3.ordinary.", "C8.3.inclusive."
    tails = {i.removeprefix(h) for h in (ordinary, inclusive) for i in answers if i.startswith(h)}
    pairs = [(numbers.get(ordinary + t), numbers.get(inclusive + t)) for t in tails]
    return [None if a is None or b is None else a - b for a, b in pairs]


def _of_rows(county: County, institution: str, at: str, name: str) -> Figure:
    table, work = _ROWS[name]
    sent = county.sent(institution, at)
    if table not in sent:
        return None
    frame = sent[table]
    if name in ("after_deferral", "after_deferral_made"):
        ended = sent.get("deferrals")
        if ended is None or "ended_on" not in ended:
            return None  # what was not sent is not known, and never "none ended"
        over = set(ended.loc[ended["ended_on"].notna(), "loan_id"])
        frame = frame.assign(after_deferral=frame["loan_id"].isin(over))
    return work(frame, Date(at))


def _held(county: County, institution: str, at: str) -> bool:
    """Whether the office's own files speak of that quarter."""
    return Date(at).year == county.run.year and bool(county.sent(institution, at))


def _planned(county: County, institution: str, branch: str | None, at: str, item: str) -> Figure:
    if not _held(county, institution, at):
        return None
    plans = county.office.own["plans"]
    mine = plans[(plans["institution_id"] == institution) & (plans["item"] == item)]
    mine = mine[mine["branch_id"].isna() if branch is None else mine["branch_id"] == branch]
    return Fraction(int(mine["target"].sum()), 100)


def _firms(county: County, institution: str, at: str, name: str) -> Figure:
    if not _held(county, institution, at):
        return None
    firms = county.office.own["key_firms"]
    mine = firms[firms["institution_id"] == institution]
    if name == "firms":
        return Fraction(len(mine))
    if mine["has_needs"].isna().any():
        return None  # the plan's contents were not filled in: not known, and not incomplete
    signed = (mine["plan_signed_on"] <= Date(at).end).astype("boolean")
    for part in ("has_needs", "has_products", "has_terms", "has_manager"):
        signed = mine[part] & signed
    return _count(signed)
