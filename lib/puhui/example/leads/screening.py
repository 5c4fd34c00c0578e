"""Situations of the clauses a list answers, and the office's notes on some of its rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from puhui.example.columns import Columns, calendar_day, length
from puhui.example.conduct.situations import MET, MISSED, NO_DATA, situation_row
from puhui.example.county import County
from puhui.example.leads.flows import drawn_in, traced
from puhui.example.leads.stories import END, MIN_COVERAGE, number
from puhui.example.roster import LAST, Unit, institution_id
from puhui.example.writers.east import CARRIED
from puhui.quarter import Quarter

Row = dict[str, Any]
Registers = Mapping[tuple[Quarter, str], Mapping[str, Columns]]
#: Columns the first bank's extract leaves out, and those only banks with connections send.
_FIRST_LACKS = {"rate_type", "closure", "funding_source", "mitigants", "guarantor_id"}
_CONNECTIONS = {"guarantor_id", "controller_id"}
#: What each clause cannot do without: columns of the ledger, and registers.
LEDGER: dict[str, str] = {
    "C2.3x": "first_drawdown_on first_loan_query_on first_loan_query_clear",
    "C3.2": "funding_source",
    "C3.3a": "rate_at_drawdown",
    "C3.4a": "closure operating_normally",
    "C3.4b": "matures_on predecessor_loan_id",
    "C3.5a": "drawn_on",
    "C3.5b": "founded_on last_share_transfer_on staff_count revenue address",
    "C3.5c": "mitigants collateral_held_since",
    "C3.6a": "certificate_no",
    "C3.6b": "legal_representative_id phone_hash address guarantor_id",
    "C3.6c": "first_check_due_on first_check_on",
    "C4.6": "first_check_due_on first_check_on",
    "C6.4a": "five_class",
}
REGISTERS: dict[str, str] = {
    "C3.3a": "fees",
    "C3.3b": "fees",
    "C3.4b": "applications",
    "C3.5a": "flows",
    "C4.7a": "deferrals",
    "C4.7b": "applications",
    "C4.7c": "deferrals",
    "C6.4a": "applications",
    "C6.4b": "applications",
    "C7.3": "cases",
    "C7.5": "cases",
}
LISTS = ("C2.3x", "C3.3b", "C3.4a", "C3.4b", "C3.5a", "C3.5b", "C3.5c", "C3.6a", "C3.6b", "C4.7b")
#: Clause and bank where the office has confirmed a lead, so that it is more than a lead.
CONFIRMED = (("C3.4a", "NS1", "recalled"),)


def carried(unit: Unit) -> set[str]:
    """Columns of customers and loans an institution submits; all, for a workbook."""
    if not unit.has_ledger:
        return set()
    if not unit.sends.startswith("east"):
        wanted = {name for names in LEDGER.values() for name in names.split()}
        return wanted if unit.tier == 3 else wanted - _CONNECTIONS
    found = set(CARRIED["customers"] | CARRIED["loans"])
    found -= _FIRST_LACKS if unit.sends == "east40" else set()
    return found if unit.tier == 3 else found - _CONNECTIONS


def lacking(clause: str, quarter: Quarter, unit: Unit, registers: Registers) -> str:
    """What an institution does not send of what a clause needs; empty if all is there."""
    sent = registers.get((quarter, unit.short), {})
    table = REGISTERS.get(clause)
    if table is not None and table not in sent:
        return f"no {table}"
    needed = LEDGER.get(clause, "").split()
    if needed and not unit.has_ledger:
        return "no loan ledger"
    missing = [name for name in needed if name not in carried(unit)]
    return f"not submitted: {', '.join(missing)}" if missing else ""


def listed(
    clause: str, unit: Unit, county: County, registers: Registers, leads: Iterable[Row]
) -> Row:
    """Situation of a list clause at the last quarter: breached where a true lead was planted."""
    institution = institution_id(unit.short, county.prefix)
    missing = lacking(clause, LAST, unit, registers)
    if not missing and clause == "C3.5a" and coverage(county, unit.short) < MIN_COVERAGE:
        missing = "payments traced cover too little"
    mine = [r for r in leads if r["institution_id"] == institution and r["clause"] == clause]
    breaches = [r for r in mine if r["is_true"]]
    if missing and not (breaches and missing.startswith("payments")):
        return situation_row(LAST, institution, clause, NO_DATA, why=missing)
    if breaches:
        confirmed = any((clause, unit.short) == one[:2] for one in CONFIRMED)
        return situation_row(
            LAST,
            institution,
            clause,
            MISSED,
            "not_met" if confirmed else "to_verify",
            why=f"{len(breaches)} planted: {', '.join(sorted({r['pattern'] for r in breaches}))}",
        )
    # A count of lenders is a lower bound while some have not submitted: never met.
    verdict = "shown" if clause == "C3.6a" else "met"
    return situation_row(LAST, institution, clause, MET, verdict, why=f"{len(mine)} decoys only")


def coverage(county: County, short: str) -> int:
    """Percent of the amount drawn in the quarter whose payments were traced, rounded down."""
    book = county.books[short]
    amounts = book.loans["amount"]
    drawn = int(amounts[drawn_in(book, LAST)].sum())
    return int(amounts[traced(book, LAST)].sum()) * 100 // max(1, drawn)


def notes(county: County) -> list[Row]:
    """The office's notes: breaches proved (which explain a recall), and leads confirmed."""
    found = []
    for short, book in county.books.items():
        institution = institution_id(short, county.prefix)
        told = [("recalled_breach", "借款人挪用贷款资金，经检查属实，提前收回有据")]
        told += [
            (story, "借款人经营正常、无欠款，被提前收回贷款，经检查属实")
            for _, at, story in CONFIRMED
            if at == short
        ]
        for story, fact in told:
            rows = np.flatnonzero(book.loans.get("story", np.zeros(1)) == number(story))
            for row in rows[:1].tolist():
                found.append(
                    {
                        "note_id": f"JL{county.prefix}{short}{row + 1:06d}",
                        "institution_id": institution,
                        "kind": "inspection",
                        "noted_on": calendar_day(END - 8),
                        "clause": "C3.4a",
                        "fact": f"借据{short}L{row + 1:06d}：{fact}",
                        "document_no": f"样监检〔2021〕{row % 90 + 10}号",
                    }
                )
    return found


def rows_of(registers: Registers, quarter: Quarter, unit: Unit, table: str) -> Columns | None:
    """A register as sent; None if it was not, or has no rows."""
    columns = registers.get((quarter, unit.short), {}).get(table)
    return columns if columns is not None and length(columns) else None
