"""Situations of the clauses a figure answers: on-lending, cost, checks, deferrals, speed, cases."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from puhui.example.columns import NONE, Columns, Ints, code
from puhui.example.conduct.situations import MET, MISSED, NO_DATA, NOT_APPLICABLE, situation_row
from puhui.example.county import County
from puhui.example.days import full_months_between
from puhui.example.filings import Marks
from puhui.example.leads.cases import Told, tell
from puhui.example.leads.lending import cells, similar
from puhui.example.leads.screening import Registers, lacking, rows_of
from puhui.example.leads.stories import (
    CHEAP,
    DEAR,
    DEFERRAL_DAYS,
    END,
    MEDIAN_DAYS,
    MIN_CELL,
    NINETY_DAYS,
)
from puhui.example.lives import ONLENT, RENEWAL
from puhui.example.roster import LAST, Unit, institution_id

Row = dict[str, Any]
#: Percent of first checks that must be in time.
CHECKED_PERCENT = 95
#: Fewest decided persons for a share of those exempted.
FEWEST_DECIDED = 3


def onlending(county: County, unit: Unit, registers: Registers) -> Row:
    """C3.2: the worst cell's weighted rate against similar local loans, in bp."""
    missing = lacking("C3.2", LAST, unit, registers)
    if missing:
        return {"situation": NO_DATA, "why": missing}
    if unit.kind != "policy" and unit.short not in (*DEAR, *CHEAP):
        return {"situation": NOT_APPLICABLE, "why": "lends no policy funds on"}
    book = county.books[unit.short]
    cell_of, mask = cells(book)
    mine = mask & (book.loans["funding_source"] == ONLENT)
    found, count = np.unique(cell_of[mine], return_counts=True)
    worst: list[tuple[Fraction, Fraction]] = []
    for cell in found[count >= MIN_CELL].tolist():
        here = mine & (cell_of == cell)
        amount = book.loans["amount"][here]
        rate = Fraction(
            int((amount * book.loans["rate_at_drawdown"][here]).sum()), int(amount.sum())
        )
        interest, base, n = similar(county, unit.kind, cell)
        if n >= MIN_CELL:
            worst.append((rate - Fraction(interest, base), rate))
    if not worst:
        return {"situation": NOT_APPLICABLE, "why": "no cell has enough loans"}
    gap, rate = max(worst)
    return _judged(gap <= 0, gap, "bp", base=rate - gap, why=f"worst of {len(worst)} cells")


def cost(county: County, unit: Unit, registers: Registers) -> Row:
    """C3.3a: rate and the bank's own fees of the year's drawdowns, against last year, in bp."""
    found = []
    for quarter in (LAST, LAST.last_full_year):
        missing = lacking("C3.3a", quarter, unit, registers)
        if missing:
            return {"situation": NO_DATA, "why": f"{missing} for {quarter}"}
        marks = Marks(county.snapshots[quarter, unit.short], quarter)
        loans, mine = marks.loans, marks.at_drawdown
        interest = Fraction(int((loans["amount"][mine] * loans["rate_at_drawdown"][mine]).sum()))
        fees = rows_of(registers, quarter, unit, "fees")
        if fees is None and quarter != LAST:
            # Earlier quarters arrive as an archive, in which nobody can sign a nil return.
            return {"situation": NO_DATA, "why": f"no fees for {quarter}"}
        if fees is not None:
            interest += own_fees(fees, loans, mine)
        found.append(interest / int(loans["amount"][mine].sum()))
    now, base = found
    return _judged(now < base, now, "bp", base=base)


def own_fees(fees: Columns, loans: Columns, mine: Any) -> Fraction:
    """Σ of fees the borrower pays the bank for a year, net of waivers, in fen × 10,000."""
    ids = loans["loan_id"].to_pylist()
    term = np.maximum(1, full_months_between(loans["drawn_on"], loans["matures_on"]))
    months = {ids[i]: int(term[i]) for i in np.flatnonzero(mine).tolist()}
    total = Fraction(0)
    for i, loan in enumerate(fees["loan_id"].to_pylist()):
        bank = fees["charged_by"][i] == code("charger", "bank")
        borrower = fees["borne_by"][i] == code("bearer", "borrower")
        if loan in months and bank and borrower:
            paid = int(fees["amount"][i] - fees["waived"][i])
            per_year = 1 if fees["recurring"][i] else Fraction(12, months[loan])
            total += 10_000 * paid * per_year
    return total


def _checked(clause: str, renewed: bool) -> Callable[[County, Unit, Registers], Row]:
    def found(county: County, unit: Unit, registers: Registers) -> Row:
        missing = lacking(clause, LAST, unit, registers)
        if missing:
            return {"situation": NO_DATA, "why": missing}
        marks = Marks(county.snapshots[LAST, unit.short], LAST)
        loans = marks.loans
        due = marks.drawn & (loans["first_check_due_on"] <= END)
        due &= (loans["issue_kind"] == RENEWAL) == renewed
        made = due & (loans["first_check_on"] != NONE)
        made &= loans["first_check_on"] <= loans["first_check_due_on"]
        return _share(int(made.sum()), int(due.sum()), CHECKED_PERCENT)

    return found


def deferred(county: County, unit: Unit, registers: Registers) -> Row:
    """C4.7a: nothing refused without a named condition, nothing unanswered for long."""
    missing = lacking("C4.7a", LAST, unit, registers)
    if missing:
        return {"situation": NO_DATA, "why": missing}
    rows = rows_of(registers, LAST, unit, "deferrals")
    if rows is None:
        return {"situation": NOT_APPLICABLE, "why": "nothing applied for"}
    agreed = int((rows["outcome"] == code("deferral_outcome", "agreed")).sum())
    denied = rows["outcome"] == code("deferral_outcome", "refused_other")
    waiting = rows["outcome"] == code("deferral_outcome", "open")
    waiting &= rows["applied_on"] < END - DEFERRAL_DAYS
    bad = int((denied | waiting).sum())
    value = Fraction(100 * agreed, len(rows["outcome"]))
    return _judged(bad == 0, value, "%", why=f"{bad} denied or unanswered")


def renewed_after(county: County, unit: Unit, registers: Registers) -> Row:
    """C4.7c: of the deferrals that ended with a qualifying renewal asked for, all renewed."""
    missing = lacking("C4.7c", LAST, unit, registers)
    if missing:
        return {"situation": NO_DATA, "why": missing}
    rows = rows_of(registers, LAST, unit, "deferrals")
    asked = rows_of(registers, LAST, unit, "applications")
    if rows is None or asked is None:
        return {"situation": NOT_APPLICABLE, "why": "no deferral ended with a renewal asked for"}
    ended = rows["ended_on"] != NONE if "ended_on" in rows else np.zeros(0, dtype=bool)
    ids = {one for one, over in zip(rows["loan_id"].to_pylist(), ended, strict=False) if over}
    renewal = (asked["kind"] == code("application_kind", "renewal")) & (asked["qualifies"] == 1)
    at = [
        i for i, loan in enumerate(asked["loan_id"].to_pylist()) if loan in ids and bool(renewal[i])
    ]
    done = sum(int(asked["disbursed_on"][i]) != NONE for i in at)
    if not at:
        return {"situation": NOT_APPLICABLE, "why": "no deferral ended with a renewal asked for"}
    return _share(done, len(at), 100)


def contactless(county: County, unit: Unit, registers: Registers) -> Row:
    """C6.4a: share granted without a manual step, against the same period last year."""
    shares = []
    for quarter in (LAST, LAST.year_ago):
        missing = lacking("C6.4a", quarter, unit, registers)
        if missing:
            return {"situation": NO_DATA, "why": f"{missing} for {quarter}"}
        rows = rows_of(registers, quarter, unit, "applications")
        granted = _granted(rows)
        if rows is None or not len(granted):
            return {"situation": NOT_APPLICABLE, "why": f"nothing granted in {quarter}"}
        none = int((rows["manual_steps"][granted] == 0).sum())
        shares.append(Fraction(100 * none, len(granted)))
    return _judged(shares[0] > shares[1], shares[0], "%", base=shares[1])


def _granted(rows: Columns | None) -> Ints:
    if rows is None:
        return np.empty(0, dtype=np.int64)
    granted = (rows["decision"] == code("decision", "granted")) & (rows["disbursed_on"] != NONE)
    return np.flatnonzero(granted)


def speed(county: County, unit: Unit, registers: Registers) -> Row:
    """C6.4b: median days from application to money, and what nine of ten wait at most."""
    missing = lacking("C6.4b", LAST, unit, registers)
    if missing or not unit.has_ledger:
        return {"situation": NO_DATA, "why": missing or "no loan ledger"}
    rows = rows_of(registers, LAST, unit, "applications")
    granted = _granted(rows)
    if rows is None or not len(granted):
        return {"situation": NOT_APPLICABLE, "why": "nothing granted"}
    days = sorted((rows["disbursed_on"][granted] - rows["applied_on"][granted]).tolist())
    n = len(days)
    median = Fraction(days[(n - 1) // 2] + days[n // 2], 2)
    ninety = days[-(-9 * n // 10) - 1]
    fine = median <= MEDIAN_DAYS and ninety <= NINETY_DAYS
    return _judged(fine, median, "days", why=f"nine of ten within {ninety} days")


def exempted(county: County, unit: Unit, registers: Registers) -> Row:
    """C7.3: nobody who fits was denied, nobody exempted who does not fit."""
    missing = lacking("C7.3", LAST, unit, registers)
    if missing:
        return {"situation": NO_DATA, "why": missing}
    wrong = [t for t in _decided(county, unit) if _exempt(t) != (t.decision.outcome == "eligible")]
    if not wrong:
        return {"situation": MET, "why": "the bank's decisions agree with the conditions"}
    names = ", ".join(t.scenario.name for t in wrong)
    return {"situation": MISSED, "verdict": "to_verify", "why": f"decided otherwise: {names}"}


def exemption_used(county: County, unit: Unit, registers: Registers) -> Row:
    """C7.5: eligible persons exempted of those decided; fewer than three are not judged."""
    missing = lacking("C7.5", LAST, unit, registers)
    if missing:
        return {"situation": NO_DATA, "why": missing}
    fit = [t for t in _decided(county, unit) if t.decision.outcome == "eligible"]
    if len(fit) < FEWEST_DECIDED:
        return {"situation": NO_DATA, "why": f"{len(fit)} decided, fewer than {FEWEST_DECIDED}"}
    return _share(sum(_exempt(t) for t in fit), len(fit), 100)


def _decided(county: County, unit: Unit) -> list[Told]:
    return [t for t in tell(county, unit.short) if t.case["finding"] != "none"]


def _exempt(told: Told) -> bool:
    return bool(told.case["bank_extent"] in ("full", "partial"))


def _share(part: int, whole: int, least: int) -> Row:
    if not whole:
        return {"situation": NOT_APPLICABLE, "why": "none due"}
    share = Fraction(100 * part, whole)
    return _judged(share >= least, share, "%", why=f"{part} of {whole}")


def _judged(
    good: bool, value: Fraction, unit: str, base: Fraction | None = None, why: str = ""
) -> Row:
    situation = MET if good else MISSED
    return {"situation": situation, "value": value, "unit": unit, "base": base, "why": why}


#: What gives each clause its situation at a bank.
CLAUSES: dict[str, Callable[[County, Unit, Registers], Row]] = {
    "C3.2": onlending,
    "C3.3a": cost,
    "C3.6c": _checked("C3.6c", renewed=False),
    "C4.6": _checked("C4.6", renewed=True),
    "C4.7a": deferred,
    "C4.7c": renewed_after,
    "C6.4a": contactless,
    "C6.4b": speed,
    "C7.3": exempted,
    "C7.5": exemption_used,
}


def measured(clause: str, unit: Unit, county: County, registers: Registers) -> Row:
    """Situation row of a clause at the last quarter for an institution it binds."""
    return situation_row(
        LAST,
        institution_id(unit.short, county.prefix),
        clause,
        **CLAUSES[clause](county, unit, registers),
    )
