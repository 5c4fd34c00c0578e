"""The supervisor's own tables: plans handed down, key firms, notes."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np

from puhui.example.columns import Columns, from_rows
from puhui.example.conduct.forms import letter
from puhui.example.conduct.lending import UNITS, Figures
from puhui.example.county import County
from puhui.example.roster import LAST, Unit, institution_id
from puhui.quarter import Quarter

Row = dict[str, Any]

#: Items of a plan: what it is about, and the figure of :class:`Lending` it counts.
PLANNED = {"assessed_balance": "assessed", "assessed_customers": "assessed:customers"}
#: Who has no plan; who got one beyond reach.
NO_PLAN = ("ZC1", "ZC2", "CS1", "GF2")
_TOO_MUCH = ("GF1", "NS2", "CZ1")
#: Every third branch of these was allotted more than it made.
_UNEVEN = ("NS1", "CS2", "DX2")
#: Listed firms of each bank, and among them core firms with small suppliers.
_LISTED, _WITH_CORE = 3, 1
_WITH_DOCUMENT = ("penalty", "inspection")
_NOTED = {
    "C4.5c": ("inspection", "抽查三户，抵押解除至再次登记均超过二十天，与所报衔接机制不符。"),
    "C6.0": ("visit", "走访时未见普惠金融部门，人员均在公司业务部办公。"),
    "C6.4c": ("inspection", "所称向上级行推介的产品未见上报材料。"),
    "C8.1": ("complaint", "客户反映贷款时被要求存入定期存款，网点考核表中有存款指标。"),
}


def supervisor(county: County) -> dict[str, Columns]:
    """``plans``, ``key_firms`` and ``notes`` of the year of the last quarter."""
    figures = Figures(county)
    return {
        "plans": from_rows("plans", plans(county, figures)),
        "key_firms": from_rows("key_firms", key_firms(county)),
        "notes": from_rows("notes", notes(county)),
    }


def plans(county: County, figures: Figures) -> list[Row]:
    """Targets for the year's increment, of institutions and, where ledgers show them, branches.

    A target is four fifths of what was achieved, or half as much again where the plan was
    beyond reach; where business shrank, what a tenth of growth would have been. Banks without
    snapshots at both ends of the year are left out.
    """
    rows = []
    for unit in UNITS.values():
        dates = (LAST, LAST.year_start)
        known = all((quarter, unit.short) in county.snapshots for quarter in dates)
        if not known or unit.short in NO_PLAN:
            continue
        branches = [None, *range(unit.branches if unit.has_ledger else 0)]
        for branch in branches:
            uneven = unit.short in _UNEVEN and branch is not None and branch % 3 == 2
            much = unit.short in _TOO_MUCH or uneven
            for item, name in PLANNED.items():
                now = figures(LAST, unit.short, branch)[name]
                start = figures(LAST.year_start, unit.short, branch)[name]
                target = _target(now - start, start, too_much=much)
                # Counted in customers, kept like money: one customer is 1.00.
                step = 10_000_000 if item == "assessed_balance" else 1
                scale = 1 if item == "assessed_balance" else 100
                rows.append(
                    {
                        "institution_id": institution_id(unit.short, county.prefix),
                        "branch_id": branch_id(county, unit, branch),
                        "item": item,
                        "target": max(1, target // step) * step * scale,
                        "handed_down_by": "监管部门" if unit.is_local else "上级行",
                    }
                )
    return rows


def _target(achieved: int, start: int, *, too_much: bool) -> int:
    if achieved <= 0:
        return start // 10
    return achieved * 3 // 2 if too_much else achieved * 4 // 5


def branch_id(county: County, unit: Unit, branch: int | None) -> str | None:
    """Id of a branch by its position; none for the institution itself."""
    if branch is None:
        return None
    return f"{institution_id(unit.short, county.prefix)}B{branch + 1:02d}"


def key_firms(county: County) -> list[Row]:
    """Firms the office listed: signed plans of four parts; one unsigned where a bank fails.

    Of a bank that reports no registers the office knows the firms but not their plans.
    """
    rows = []
    for unit in UNITS.values():
        how = letter("C5.3", unit, LAST)
        if (LAST, unit.short) not in county.snapshots or how == "x":
            continue
        chosen = _firms(county, unit)
        for i, (certificate, name) in enumerate(chosen):
            row: Row = {
                "uscc": certificate,
                "name": name,
                "institution_id": institution_id(unit.short, county.prefix),
                "core_firm_uscc": chosen[0][0] if 0 < i <= _WITH_CORE else None,
            }
            if how != "-":
                row |= _plan_parts(signed=how != "n" or i != len(chosen) - 1, day=40 * i)
            rows.append(row)
    return rows


def _plan_parts(*, signed: bool, day: int) -> Row:
    parts = ("has_needs", "has_products", "has_terms", "has_manager")
    signed_on = dt.date(2021, 3, 15) + dt.timedelta(days=day) if signed else None
    return {"plan_signed_on": signed_on} | {part: int(signed) for part in parts}


def _firms(county: County, unit: Unit) -> list[tuple[str, str]]:
    """Certificate and name of a bank's first small firms with a balance at the end."""
    snapshot = county.snapshots[LAST, unit.short]
    customers, loans = snapshot["customers"], snapshot["loans"]
    owing = np.unique(loans["customer_row"][loans["balance"] > 0])
    mine = np.isin(customers["customer_row"], owing) & (customers["segment"] <= 1)
    rows = np.flatnonzero(mine)[:_LISTED].tolist()
    return [(customers["certificate_no"][i].as_py(), customers["name"][i].as_py()) for i in rows]


def notes(county: County) -> list[Row]:
    """What the office itself noted: claims its own evidence contradicts, and others."""
    rows: list[Row] = []
    for clause, (kind, fact) in _NOTED.items():
        for unit in UNITS.values():
            if letter(clause, unit, LAST) == "c":
                rows.append(_note(county, len(rows), unit, kind, clause, fact))
    others = (
        ("CZ2", "visit", None, "走访两户小微企业，贷款手续正常。"),
        ("CS1", "penalty", None, "因贷后检查不到位被处罚款二十万元。"),
    )
    for short, kind, other, fact in others:
        rows.append(_note(county, len(rows), UNITS[short], kind, other, fact))
    return rows


def _note(county: County, number: int, unit: Unit, kind: str, clause: str | None, fact: str) -> Row:
    return {
        "note_id": f"JL{county.prefix}{LAST.year}{number + 1:03d}",
        "institution_id": institution_id(unit.short, county.prefix),
        "kind": kind,
        "noted_on": dt.date(2021, 6 + number % 5, 10 + number),
        "clause": clause,
        "fact": fact,
        "document_no": f"样监〔2021〕{number + 11}号" if kind in _WITH_DOCUMENT else None,
    }


def noted(clause: str, unit: Unit, quarter: Quarter) -> bool:
    """Whether a note of the office contradicts what an institution claims on a clause."""
    return clause in _NOTED and letter(clause, unit, quarter) == "c"
