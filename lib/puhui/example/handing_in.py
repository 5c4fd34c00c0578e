"""The files clerks would send, and what is wrong in them.

The current quarter goes out institution by institution in the layout each uses; earlier
quarters as one compact archive of all. Broken rows are planted in some of the files, and the
truth about them is written down here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa

from puhui import schema
from puhui.example import filings
from puhui.example.chance import Dice
from puhui.example.columns import arrow
from puhui.example.reporting import RESUBMITS, Reports, branch_name
from puhui.example.roster import LAST, ROSTER, Unit
from puhui.example.writers import archive, broken, east, item_list, one_sheet, recipes, workbook
from puhui.example.writers.broken import Planted
from puhui.example.writers.filing import Filing, Places
from puhui.quarter import Quarter

Row = dict[str, Any]

#: Who sends broken rows, and the recipes that fit the layout.
_BREAKS = {"NS1": "workbook", "DX1": "east"}
_ITEM_BREAKS = {"CZ3": ("E0101", "E0106")}
#: Columns earlier quarters do without, to stay small.
_NOT_KEPT = {
    "loans": (
        "contract_id",
        "rate_now",
        "repriced_on",
        "principal_overdue",
        "interest_overdue",
        "guarantor_id",
        "collateral_held_since",
        "lien_released_on",
        "lien_registered_on",
        "first_check_due_on",
        "first_check_on",
        "checks",
        "extended_to",
        "staff_id",
    ),
    "customers": (
        "name",
        "legal_representative_id",
        "controller_id",
        "phone_hash",
        "address",
        "staff_count",
        "revenue",
        "assets",
        "founded_on",
        "last_share_transfer_on",
    ),
}
_EAST = {
    "east40": ("4.0", False),
    "east40_gz": ("4.0", True),
    "east50_gz": ("5.0", True),
}


@dataclass
class HandedIn:
    """Files of a quarter and the truth about their rows.

    Attributes
    ----------
    files
        Content by path below the data folder.
    broken
        Truth rows: what is wrong where, and the check it should fire.
    rows
        Truth rows: how many rows of a table a file or sheet holds, planted ones among them.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    broken: list[Row] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)


def hand_in(reports: Reports, quarter: Quarter = LAST) -> HandedIn:
    """Everything the institutions send for the current quarter, each in its own layout."""
    done = HandedIn()
    for unit in reports.units(quarter):
        _send(reports, quarter, unit, done)
    return done


def resubmission(reports: Reports) -> dict[str, bytes]:
    """Files that put a planted difference right when copied over the submissions."""
    unit = next(u for u in ROSTER if u.short == RESUBMITS)
    returns = reports.returns(LAST, unit, revision=2)
    assert returns is not None
    filing = _filing(reports, LAST, unit, {"returns": arrow("returns", returns)})
    made = item_list.item_list(filing, _names(filing))
    folder = f"resubmissions/{LAST}/{filing.institution_id}"
    return {f"{folder}/{name}": content for name, content in made.items()}


def archived(
    reports: Reports, quarter: Quarter, level: int = archive.SMALLEST, *, short: bool = True
) -> dict[str, bytes]:
    """One Parquet file per table with everything all institutions sent for a quarter.

    Parameters
    ----------
    level
        Of compression.
    short
        Whether to leave out the columns an earlier quarter can do without.
    """
    found: dict[str, list[pa.Table]] = {}
    for unit in reports.units(quarter):
        for name, table in reports.tables(quarter, unit).items():
            if table.num_rows:
                dropped = [c for c in table.column_names if short and c in _NOT_KEPT.get(name, ())]
                found.setdefault(name, []).append(table.drop_columns(dropped))
    return {
        f"{name}.parquet": archive.table(name, _stacked(name, tables, quarter), level)
        for name, tables in found.items()
    }


def _stacked(name: str, tables: Iterable[pa.Table], quarter: Quarter) -> pa.Table:
    """Tables one under the other, columns a sender lacks null, and the quarter beside."""
    whole = pa.concat_tables(tables, promote_options="permissive")
    order = [c.name for c in schema.columns(name) if c.name in whole.column_names]
    stamp = pa.array([str(quarter)] * whole.num_rows, pa.string())
    return whole.select(order).append_column(archive.QUARTER, stamp)


def _filing(
    reports: Reports, quarter: Quarter, unit: Unit, tables: Mapping[str, pa.Table]
) -> Filing:
    institution = reports.id_of(unit)
    branches = {f"{institution}B{i + 1:02d}": branch_name(unit, i) for i in range(unit.branches)}
    return Filing(institution, unit.name, quarter, branches, dict(tables))


def _send(reports: Reports, quarter: Quarter, unit: Unit, done: HandedIn) -> None:
    folder = f"submissions/{quarter}/{reports.id_of(unit)}"
    if unit.sends.startswith("one_sheet"):
        _send_sheet(reports, quarter, unit, folder, done)
        return
    filing = _filing(reports, quarter, unit, reports.tables(quarter, unit))
    dice = Dice(f"{reports.county.seed}:broken:{unit.short}")
    planted: list[Planted] = []
    if unit.short in _BREAKS:
        checks = recipes.fitting(_BREAKS[unit.short])
        filing, planted = broken.plant(filing, dice, checks)
    for part, files, places in _parts(unit, filing):
        done.files |= {f"{folder}/{name}": content for name, content in files.items()}
        mine = [p for p in planted if p.table in part.tables]
        _note(reports, quarter, unit, folder, broken.located(mine, places), places, done)


def _parts(unit: Unit, filing: Filing) -> Iterable[tuple[Filing, dict[str, bytes], Places]]:
    """Split a filing into what goes out together: filing, files, and where the rows stand."""
    if unit.sends.startswith("workbook"):
        style = "messy" if unit.sends.endswith("messy") else "plain"
        yield filing, workbook.fill_in(filing, style), workbook.places(filing, style)
        return
    ledger = _only(filing, ("customers", "loans"))
    if unit.sends in _EAST:
        version, packed = _EAST[unit.sends]
        made = east.extract(ledger, version, packed=packed)
        yield ledger, made, east.places(ledger, version, packed=packed)
    returns = _only(filing, ("returns",))
    if returns.tables:
        made = item_list.item_list(returns, _names(returns))
        yield returns, made, item_list.places(returns)
    rest = _only(filing, [t for t in filing.tables if t not in ("customers", "loans", "returns")])
    if rest.tables:
        made = workbook.register_book(rest)
        yield rest, made, workbook.places(rest, file=workbook.REGISTERS)


def _names(filing: Filing) -> dict[str, str]:
    """Wordings of the items that have one; a planted item need not."""
    found = {}
    for item in filing.tables["returns"]["item"].to_pylist():
        try:
            found[item] = filings.wording(item)
        except KeyError:
            found[item] = "样例项目"
    return found


def _only(filing: Filing, tables: Iterable[str]) -> Filing:
    kept = {t: filing.tables[t] for t in tables if t in filing.tables}
    cells = {key: text for key, text in filing.cells.items() if key[0] in kept}
    return replace(filing, tables=kept, cells=cells)


def _send_sheet(
    reports: Reports, quarter: Quarter, unit: Unit, folder: str, done: HandedIn
) -> None:
    """Write the one-sheet quarterly with the same items at the three other dates."""
    dates = (quarter, quarter.year_start, quarter.year_ago, quarter.previous)
    filed = [reports.filed_items(q, unit) for q in dates]
    items: list[one_sheet.Item] = [
        (item, words, name, tuple(f.get(item) for f in filed))
        for item, words, name in filings.SHEET_ITEMS
        if item in filed[0]
    ]
    style = "messy" if unit.sends.endswith("messy") else "plain"
    planted: list[Planted] = []
    if unit.short in _ITEM_BREAKS:
        dice = Dice(f"{reports.county.seed}:broken:{unit.short}")
        items, planted = broken.plant_items(items, dice, _ITEM_BREAKS[unit.short], style)
    filing = _filing(reports, quarter, unit, {})
    made = one_sheet.sheet(filing, items, style)
    done.files |= {f"{folder}/{name}": content for name, content in made.items()}
    at = [one_sheet.place(i, style) for i in range(len(items))]
    _note(reports, quarter, unit, folder, planted, Places({"returns": list(at)}), done)


def _note(
    reports: Reports,
    quarter: Quarter,
    unit: Unit,
    folder: str,
    planted: Iterable[Planted],
    places: Places,
    done: HandedIn,
) -> None:
    """Write down where broken rows stand and how many rows each file or sheet holds."""
    key = {"quarter": str(quarter), "institution_id": reports.id_of(unit)}
    bad: Counter[tuple[str, str | None, str]] = Counter()
    for p in planted:
        bad[p.file, p.sheet, p.table] += 1
        done.broken.append(
            {
                **key,
                "file": f"{folder}/{p.file}",
                "sheet": p.sheet,
                "row": p.row,
                "table": p.table,
                "column": p.column,
                "key": p.key,
                "check": p.check,
                "severity": p.severity,
            }
        )
    for table, at in places.rows.items():
        counts = Counter((p.file, p.sheet) for p in at if p is not None)
        for (file, sheet), count in sorted(counts.items(), key=str):
            done.rows.append(
                {
                    **key,
                    "file": f"{folder}/{file}",
                    "sheet": sheet,
                    "table": table,
                    "rows": count,
                    "planted": bad[file, sheet, table],
                }
            )
