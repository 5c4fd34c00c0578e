"""What each institution reports of a county: filed figures, ledgers and registers by quarter."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pyarrow as pa

from puhui.example import conduct, filings, leads
from puhui.example.columns import Columns, arrow, from_rows
from puhui.example.county import County
from puhui.example.filings import Marks
from puhui.example.roster import LAST, ROSTER, Unit, institution_id
from puhui.quarter import Quarter

Row = dict[str, Any]
Items = dict[str, int]

#: Filed figures that depart from the ledger: who, which item, and how. Of NS1 20 万元 of bad
#: loans are left out; at NS3 a decimal point has slipped, which a resubmission puts right.
MISFILED = {"NS1": ("S71_I_3.C1", -2000, 1), "NS3": ("S71_I_3.C1", 0, 10)}
RESUBMITS = "NS3"

#: Layouts that file the 1104 items; the one-sheet quarterly has items of its own.
_STATUTORY = ("CS2", "NS1", "NS2", "NS3", "CZ2", "DX4", "GF2", "ZC2")
_ONE_SHEET = ("ZC1", "CZ1", "CZ3")
#: Columns that only institutions with connections send, and those the first extract lacks.
_CONNECTIONS = {"loans": ("guarantor_id",), "customers": ("controller_id",)}
EARLY_EXTRACTS = ("east40",)
_EARLY_EXTRACT = {
    "loans": (
        "closure",
        "funding_source",
        "is_revolving",
        "repriced_on",
        "mitigants",
        "guarantor_id",
    )
}


@dataclass
class Reports:
    """What the institutions of one county report.

    Attributes
    ----------
    county
        The county reported on.
    differences
        Truth rows of filed figures that depart from the ledger.
    """

    county: County
    differences: list[Row] = field(default_factory=list)
    _marks: dict[tuple[Quarter, str], Marks] = field(default_factory=dict)
    _registers: dict[tuple[Quarter, str], dict[str, Columns]] = field(default_factory=dict)

    def marks(self, quarter: Quarter, short: str) -> Marks:
        """What the loans of a bank count as."""
        key = quarter, short
        if key not in self._marks:
            self._marks[key] = Marks(self.county.snapshots[key], quarter)
        return self._marks[key]

    def id_of(self, unit: Unit) -> str:
        """Licence number of an institution of this county."""
        return institution_id(unit.short, self.county.prefix)

    def units(self, quarter: Quarter) -> list[Unit]:
        """Institutions that submit for a quarter."""
        return [unit for unit in ROSTER if quarter >= unit.since]

    def true_items(self, quarter: Quarter, unit: Unit) -> Items:
        """Items as the ledger gives them; empty if the institution files none."""
        if unit.short in _STATUTORY:
            return filings.statutory(self.marks(quarter, unit.short))
        if unit.short in _ONE_SHEET:
            items = filings.one_sheet(self.marks(quarter, unit.short))
            left_out = conduct.OMITTED.get(unit.short, ())
            return {item: value for item, value in items.items() if item not in left_out}
        return {}

    def filed_items(self, quarter: Quarter, unit: Unit, revision: int = 1) -> Items:
        """Items as filed: with the planted differences, unless a resubmission mended them."""
        items = self.true_items(quarter, unit)
        if quarter == LAST and unit.short in MISFILED:
            item, more, times = MISFILED[unit.short]
            if revision == 1 or unit.short != RESUBMITS:
                items[item] = items[item] * times + more
        return items

    def registers(self, quarter: Quarter, unit: Unit) -> dict[str, Columns]:
        """Registers an institution sends, by canonical table."""
        key = quarter, unit.short
        if key not in self._registers:
            found: dict[str, Columns] = {}
            if unit.tier:
                found |= conduct.registers(self.county, quarter, unit.short)
                found |= leads.registers(self.county, quarter, unit.short)
            self._registers[key] = found
        return self._registers[key]

    def ledger(self, quarter: Quarter, unit: Unit) -> dict[str, Columns]:
        """Customers and loans as far as the institution submits them."""
        if not unit.has_ledger:
            return {}
        left_out = _EARLY_EXTRACT if unit.sends in EARLY_EXTRACTS else {}
        found = {}
        for table in ("customers", "loans"):
            dropped = set(left_out.get(table, ()))
            dropped |= set(_CONNECTIONS[table] if unit.tier < 3 else ())
            columns = self.county.snapshots[quarter, unit.short][table]
            found[table] = {k: v for k, v in columns.items() if k not in dropped}
        return found

    def returns(self, quarter: Quarter, unit: Unit, revision: int = 1) -> Columns | None:
        """``returns`` of a quarter as filed for its end; None if nothing is filed."""
        items = self.filed_items(quarter, unit, revision)
        if not items:
            return None
        return filings.columns(self.id_of(unit), items, quarter)

    def tables(self, quarter: Quarter, unit: Unit) -> dict[str, pa.Table]:
        """Everything an institution submits for a quarter, as canonical Arrow tables."""
        found = self.ledger(quarter, unit)
        returns = self.returns(quarter, unit)
        if returns is not None:
            found["returns"] = returns
        return {t: arrow(t, c) for t, c in (found | self.registers(quarter, unit)).items()}

    @cached_property
    def supervisor(self) -> dict[str, pa.Table]:
        """The supervisor's own tables: institutions, branches, plans, key firms, notes."""
        own = {"institutions": _institutions(self), "branches": _branches(self)}
        tables = {t: arrow(t, c) for t, c in (own | conduct.supervisor(self.county)).items()}
        found = arrow("notes", from_rows("notes", leads.notes(self.county)))
        tables["notes"] = pa.concat_tables([tables["notes"], found]).sort_by("note_id")
        return tables

    def note_differences(self) -> None:
        """Write down where filed figures depart from the ledgers."""
        for unit in ROSTER:
            if unit.short in MISFILED:
                item = MISFILED[unit.short][0]
                self.differences.append(
                    {
                        "quarter": str(LAST),
                        "institution_id": self.id_of(unit),
                        "item": item,
                        "filed": self.filed_items(LAST, unit)[item],
                        "ledger": self.true_items(LAST, unit)[item],
                        "unit": filings.unit_of(item),
                        "mended_by_resubmission": unit.short == RESUBMITS,
                    }
                )


def _institutions(reports: Reports) -> Columns:
    rows = []
    for unit in ROSTER:
        parent = None if unit.is_local else f"{unit.short}FR0001"
        rows.append(
            {
                "institution_id": reports.id_of(unit),
                "name": unit.name,
                "kind": unit.kind,
                "level": unit.level,
                "legal_person_id": parent,
                "is_local_legal_person": int(unit.is_local),
                "county_code": reports.county.people.county_code,
                "legal_person_npl_ratio": unit.npl_ratio_bp or None,
            }
        )
    return from_rows("institutions", rows)


def _branches(reports: Reports) -> Columns:
    rows = []
    for unit in ROSTER:
        institution = reports.id_of(unit)
        for i in range(unit.branches):
            rows.append(
                {
                    "branch_id": f"{institution}B{i + 1:02d}",
                    "institution_id": institution,
                    "name": branch_name(unit, i),
                    "head_staff_id": f"{unit.short}-E{4 * i + 1:03d}",
                }
            )
    return from_rows("branches", rows)


def branch_name(unit: Unit, position: int) -> str:
    """Name of a branch by its position."""
    return f"{unit.name}{'营业部' if position == 0 else f'第{position + 1}网点'}"
