"""Accountability cases of real bad loans, and who in them fits the conditions for exemption."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from puhui.example.chance import Dice
from puhui.example.columns import NEVER, Columns, Ints, calendar_day, from_rows
from puhui.example.county import County
from puhui.example.filings import Marks
from puhui.example.leads.exemption import Decision, decide
from puhui.example.leads.scenarios import (
    DENIED,
    FEW,
    FEW_DECIDED,
    SCENARIOS,
    TOGETHER,
    TOLD,
    UNDECIDED,
    WRONG_AT,
    WRONGLY_EXEMPTED,
    Scenario,
    value,
)
from puhui.example.leads.shelf import MICRO, SMALL
from puhui.example.leads.stories import END
from puhui.example.ledger import balances
from puhui.example.lives import MATURED, Book
from puhui.example.roster import LAST, institution_id
from puhui.example.segments import LIMIT_FEN, SEGMENTS
from puhui.quarter import Quarter

Row = dict[str, Any]
LIMIT_PP = Fraction(3)
#: No case stands within this much of the limit, so that a slightly stricter one changes nothing.
_MARGIN = Fraction(1, 20)
_KINDS = np.array([s.is_inclusive_kind for s in SEGMENTS])


@dataclass
class Told:
    """A scenario made into rows of ``cases`` and ``case_persons``, and what follows from it."""

    scenario: Scenario
    case: Row
    person: Row
    within: bool
    decision: Decision


def gaps(county: County, quarter: Quarter, short: str) -> dict[int | None, Fraction]:
    """Inclusive NPL ratio minus the bank's ratio, in points, by branch; None for the bank."""
    marks = Marks(county.snapshots[quarter, short], quarter)
    every = marks.owed >= 0
    beside = Fraction(100 * marks.sum(every & marks.bad), marks.sum(every))
    found: dict[int | None, Fraction] = {}
    branches = marks.loans["branch"]
    for branch in [None, *np.unique(branches).tolist()]:
        here = marks.inclusive & (every if branch is None else branches == branch)
        if marks.sum(here):
            ratio = Fraction(100 * marks.sum(here & marks.bad), marks.sum(here))
            found[branch] = ratio - beside
    return found


def tell(county: County, short: str) -> list[Told]:
    """All scenarios of a bank for which a loan is found, in order."""
    book = county.books[short]
    pool = _Pool(county, book)
    told: dict[str, Told] = {}
    for scenario in SCENARIOS:
        if scenario.name not in TOLD.get(short, ()):
            continue
        first = told.get(TOGETHER.get(scenario.name, ""))
        row = pool.loan(scenario.needs) if first is None else first.case["row"]
        if row is None:
            continue
        case = _case(book, scenario, row, len(told) + 1) if first is None else first.case
        person = _person(book, scenario, case)
        within = pool.within(row, scenario.role == "department")
        decision = decide(case, person, within, scenario.facts.get("is_head") == "1")
        told[scenario.name] = Told(scenario, case, person, within, decision)
        if first is None:
            case |= _verdict(short, scenario, decision, case)
    return list(told.values())


class _Pool:
    """Loans that turned bad in the example's quarters and are still in the last ledger."""

    def __init__(self, county: County, book: Book) -> None:
        self._county, self._book = county, book
        self._gaps: dict[Quarter, dict[int | None, Fraction]] = {}
        loans = book.loans
        first_npl = loans["overdue_from"] + 90
        stayed = (loans["overdue_to"] == NEVER) & (loans["closed_on"] > first_npl)
        filed = (loans["closed_on"] > END) | (loans["closed_on"] > END - 365)
        rows = np.flatnonzero(stayed & filed & (first_npl <= END - 22) & (loans["story"] == 0))
        order = Dice(f"{county.seed}:cases:{book.unit.short}").order(len(rows))
        self._rows: list[int] = rows[order].tolist()
        self.first_npl: Ints = first_npl

    def _gap(self, row: int, whole: bool) -> Fraction | None:
        quarter = Quarter.of(calendar_day(int(self.first_npl[row])))
        if (quarter, self._book.unit.short) not in self._county.snapshots:
            return None
        if quarter not in self._gaps:
            self._gaps[quarter] = gaps(self._county, quarter, self._book.unit.short)
        branch = None if whole else int(self._book.loans["branch"][row])
        return self._gaps[quarter].get(branch)

    def within(self, row: int, whole: bool) -> bool:
        """Whether the tolerance held when the loan was first NPL."""
        gap = self._gap(row, whole)
        return gap is not None and gap <= LIMIT_PP

    def loan(self, needs: str) -> int | None:
        """Take a loan that fits; None if there is none left."""
        for row in self._rows:
            if self._fits(row, needs):
                self._rows.remove(row)
                return row
        return None

    def _fits(self, row: int, needs: str) -> bool:
        loans, book = self._book.loans, self._book
        customer = loans["customer"][row]
        mse = bool(_KINDS[book.customers["segment"][customer]]) and loans["is_business_loan"][row]
        if needs == "other":
            return not mse
        line = int(book.line_on(np.array([customer]), loans["drawn_on"][row])[0])
        repaid = loans["closed_on"][row] <= END and loans["closure"][row] == MATURED
        gap = self._gap(row, needs.startswith("bank_"))
        if not mse or (line > LIMIT_FEN) != (needs == "above") or gap is None:
            return False
        if abs(gap - LIMIT_PP) < _MARGIN or repaid != (needs == "repaid"):
            return False
        return (gap <= LIMIT_PP) == (needs in ("in", "bank_in", "above"))


def raise_lines(county: County) -> None:
    """Give four bad firms a bank a line above the limit, so that cases above it exist."""
    above = {s.name for s in SCENARIOS if s.needs == "above"}
    for short in TOLD:
        if not above & set(TOLD[short]):
            continue
        book = county.books[short]
        loans = book.loans
        bad = (loans["overdue_from"] + 90 <= END - 45) & (loans["overdue_to"] == NEVER)
        bad &= (loans["closed_on"] == NEVER) & (loans["amount"] <= 10**8)
        firm = loans["customer"][np.flatnonzero(bad)]
        firm = np.unique(firm[np.isin(book.customers["segment"][firm], (SMALL, MICRO))])
        branches = np.unique(book.customers["branch"][firm], return_index=True)[1]
        for name in ("line_before", "line_after"):
            book.customers[name][firm[branches][:4]] = 12 * LIMIT_FEN // 10


def _case(book: Book, scenario: Scenario, row: int, number: int) -> Row:
    loans, unit = book.loans, book.unit
    institution = institution_id(unit.short, book.prefix)
    customer = int(loans["customer"][row])
    since = int(loans["overdue_from"][row])
    closed = int(loans["closed_on"][row]) <= END
    owed = int(balances(loans, END)[row])
    facts = {k[2:]: value(v) for k, v in scenario.facts.items() if k.startswith("c.")}
    reported = facts.pop("reported", None)
    recovered = closed and loans["closure"][row] == MATURED
    drawn = int(loans["drawn_on"][row])
    days = max(0, (int(loans["closed_on"][row]) if closed else END) - since)
    interest = owed * int(loans["rate_at_drawdown"][row]) * days // 3_600_000
    mse = bool(_KINDS[book.customers["segment"][customer]]) and loans["is_business_loan"][row] == 1
    return {
        "row": row,
        "institution_id": institution,
        "case_id": f"{unit.short}ZR{number:03d}",
        "branch_id": f"{institution}B{int(loans['branch'][row]) + 1:02d}",
        "loan_ids": f"{unit.short}L{row + 1:06d}",
        "customer_id": f"{unit.short}C{customer + 1:05d}",
        "is_mse_credit": int(mse),
        "credit_line_at_origination": int(book.line_on(np.array([customer]), drawn)[0]),
        "loss_to_date": 0 if recovered else owed // 2,
        "recovered": int(loans["amount"][row]) if recovered else int(loans["amount"][row]) - owed,
        "principal_outstanding": 0 if recovered else owed,
        "interest_arrears": 80_000 if recovered else interest,
        "recovery_pursued": 1,
        "first_overdue_on": since,
        "first_npl_on": since + 90,
        "opened_on": since + 110,
        "force_majeure": 0,
        "force_majeure_reported_on": None if reported is None else since + reported,
        "measures_taken": 0,
        **facts,
    }


def _person(book: Book, scenario: Scenario, case: Row) -> Row:
    row, short = case["row"], book.unit.short
    branch = int(book.loans["branch"][row])
    is_head = scenario.role == "head" or scenario.facts.get("is_head") == "1"
    staff = 900 + row % 9 if scenario.role == "department" else branch * 4 + (1 if is_head else 3)
    facts = {k: value(v) for k, v in scenario.facts.items() if not k.startswith("c.")}
    facts.pop("is_head", None)
    took = facts.pop("took_over", None)
    since, drawn = case["first_overdue_on"], int(book.loans["drawn_on"][row])
    if took:
        facts["took_over_on"] = since + 100 if took == "late" else (since + drawn) // 2
    if facts.pop("acted", None):
        facts["early_action_on"] = since + 5
    for name in ("dissent_record_no", "objection_record_no"):
        if name in facts:
            facts[name] = f"{facts[name]}{case['case_id']}"
    if "overruled_by" in facts:
        facts["overruled_by"] = f"{short}-E{branch * 4 + 1:03d}"
    if "breach_rule" in facts:
        facts["breach_rule"] = "样例信贷规定第三条"
    return {
        "institution_id": case["institution_id"],
        "case_id": case["case_id"],
        "person_id": f"{short}-E{staff:03d}",
        "post": scenario.post,
        "role": scenario.role,
        "liability": scenario.liability,
        "breach": "none",
        "misconduct": "none",
        "file_complete": "gaps",
        "departure_found": "minor",
        **facts,
    }


def _verdict(short: str, scenario: Scenario, decision: Decision, case: Row) -> Row:
    """The bank's own decision: as the rules say, at one bank at times against them, or none yet."""
    name = scenario.name
    waiting = decision.outcome == "undetermined" or name in UNDECIDED
    waiting |= case["opened_on"] + 20 > END
    if waiting or (short == FEW and name not in FEW_DECIDED):
        return {"finding": "none"}
    extent = decision.extent or "none"
    if short == WRONG_AT:
        extent = "none" if name in DENIED else extent
        extent = "full" if name in WRONGLY_EXEMPTED else extent
    finding = {"full": "dutiful", "partial": "basically_dutiful", "none": "not_dutiful"}[extent]
    closed = min(END - 3, case["opened_on"] + 60)
    return {
        "finding": finding,
        "investigation_closed_on": closed,
        "reviewed_on": closed + 1,
        "finding_on": closed + 2,
        "bank_extent": extent,
    }


def registers(county: County, quarter: Quarter, short: str) -> dict[str, Columns]:
    """``cases`` and ``case_persons`` of the last quarter; nothing from other banks."""
    if short not in TOLD or quarter != LAST:
        return {}
    told = tell(county, short)
    distinct = {t.case["case_id"]: t.case for t in told}
    return {
        "cases": from_rows("cases", distinct.values()),
        "case_persons": from_rows("case_persons", [t.person for t in told]),
    }


def persons(county: County) -> list[Row]:
    """Truth rows of every person and role, with what the rules give and why."""
    return [_truth(told) for short in TOLD for told in tell(county, short)]


def _truth(told: Told) -> Row:
    case, person, decision = told.case, told.person, told.decision
    return {
        "quarter": str(LAST),
        "institution_id": case["institution_id"],
        "case_id": case["case_id"],
        "person_id": person["person_id"],
        "role": person["role"],
        "outcome": decision.outcome,
        "extent": decision.extent,
        "liability": person["liability"],
        "routes": decision.routes,
        "bars": decision.bars,
        "unknown": decision.unknown,
        "bank_extent": case.get("bank_extent"),
        "reference_quarter": str(Quarter.of(calendar_day(case["first_npl_on"]))),
        "within_tolerance": told.within,
        "why": told.scenario.name,
    }
