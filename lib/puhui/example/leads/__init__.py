"""Screening cases, registers and accountability cases of the example, and their truth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from puhui.example.columns import Columns
from puhui.example.conduct.catalogue import CLAUSES, applies
from puhui.example.conduct.situations import NOT_APPLICABLE, situation_row
from puhui.example.county import County
from puhui.example.leads import applications, cases, fees, flows, putting_off
from puhui.example.leads.measured import CLAUSES as MEASURED
from puhui.example.leads.measured import measured
from puhui.example.leads.planting import plant
from puhui.example.leads.screening import LISTS, Registers, listed, notes
from puhui.example.roster import LAST, ROSTER, institution_id
from puhui.quarter import Quarter

__all__ = ["ANSWERED", "notes", "persons", "plant", "registers", "situations"]
_UNITS = {unit.short: unit for unit in ROSTER}

#: Clauses whose situations this package gives, in the catalogue's order.
ANSWERED = tuple(c for c in CLAUSES if c in LISTS or c in MEASURED)


def registers(county: County, quarter: Quarter, short: str) -> dict[str, Columns]:
    """Registers of an institution for a quarter: applications, deferrals, fees, flows, cases.

    Returns
    -------
    dict
        Canonical table → columns. A table left out is not sent; one without rows is a nil
        return. Empty for insurers, banks that send one sheet, and before a bank's first
        submission.
    """
    unit = _UNITS[short]
    if not unit.is_bank or unit.tier == 0 or quarter < unit.since:
        return {}
    found: dict[str, Columns | None] = {
        "applications": applications.register(county, quarter, short),
        "deferrals": putting_off.register(county, quarter, short),
        "fees": fees.register(county, quarter, short),
        "flows": flows.register(county, quarter, short),
        **cases.registers(county, quarter, short),
    }
    return {table: columns for table, columns in found.items() if columns is not None}


def persons(county: County, registers: Registers | None = None) -> list[dict[str, Any]]:
    """Who in the accountability cases fits the conditions for exemption: truth rows.

    ``registers`` is not needed: the rows follow from the scenarios the registers are made of.
    """
    return cases.persons(county)


def situations(
    county: County,
    registers: Registers,
    leads: Sequence[dict[str, Any]],
    persons: Sequence[dict[str, Any]],
) -> list[dict[str, Any]]:
    """Situation of every clause of :data:`ANSWERED` at every institution in the last quarter.

    Parameters
    ----------
    registers
        By quarter and bank, as sent; the last quarter, the same of last year and last year's
        end are looked at.
    leads
        What :func:`plant` returned.
    persons
        What :func:`persons` returned; not needed, as for that function.
    """
    rows = []
    for clause in ANSWERED:
        for unit in ROSTER:
            if not applies(clause, unit):
                rows.append(
                    situation_row(
                        LAST,
                        institution_id(unit.short, county.prefix),
                        clause,
                        NOT_APPLICABLE,
                        why="does not bind this institution",
                    )
                )
            elif clause in LISTS:
                rows.append(listed(clause, unit, county, registers, leads))
            else:
                rows.append(measured(clause, unit, county, registers))
    return rows
