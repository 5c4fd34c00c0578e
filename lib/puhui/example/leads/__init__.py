"""Screening cases, registers and accountability cases of the example, and their truth."""

from __future__ import annotations

from puhui.example.columns import Columns
from puhui.example.leads import applications, fees, flows, putting_off
from puhui.example.leads.planting import plant
from puhui.example.leads.shelf import County
from puhui.example.roster import ROSTER
from puhui.quarter import Quarter

__all__ = ["plant", "registers"]
_UNITS = {unit.short: unit for unit in ROSTER}


def registers(county: County, quarter: Quarter, short: str) -> dict[str, Columns]:
    """Registers of an institution for a quarter: applications, deferrals, fees, flows.

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
    }
    return {table: columns for table, columns in found.items() if columns is not None}
