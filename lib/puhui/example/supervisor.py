"""The supervisor's own files: institutions, branches, plans handed down."""

from __future__ import annotations

from typing import Any

from puhui import schema
from puhui.example import village
from puhui.example.files import csv_bytes, percent, word, yuan
from puhui.example.identity import COUNTY
from puhui.example.profile import LEDGER_PROFILES

Row = dict[str, Any]


def rows(plan_target: int) -> dict[str, list[Row]]:
    """Rows of the three tables; ``plan_target`` is the large bank's plan in fen."""
    institutions: list[Row] = [
        {
            "institution_id": p.institution_id,
            "name": p.name,
            "kind": p.kind,
            "level": p.level,
            "legal_person_id": p.legal_person_id,
            "is_local_legal_person": p.level == "legal_person",
            "county_code": COUNTY,
            "legal_person_npl_ratio": p.legal_person_npl_bp,
        }
        for p in LEDGER_PROFILES
    ]
    institutions.append(
        institutions[0]
        | {"institution_id": village.INSTITUTION_ID, "name": village.NAME, "kind": "village"}
    )
    branches: list[Row] = [
        {
            "branch_id": branch_id,
            "institution_id": p.institution_id,
            "name": name,
            "head_staff_id": f"{p.prefix}-E{i:03d}",
        }
        for p in LEDGER_PROFILES
        for i, (branch_id, name) in enumerate(p.branches, 1)
    ]
    plan = {
        "institution_id": LEDGER_PROFILES[1].institution_id,
        "branch_id": None,
        "item": "assessed_balance",
        "target": plan_target,
        "handed_down_by": "乙银行上级行",
    }
    return {"institutions": institutions, "branches": branches, "plans": [plan]}


def files(tables: dict[str, list[Row]]) -> dict[str, bytes]:
    """``supervisor/*.csv`` in UTF-8 with Chinese headers."""
    return {
        f"supervisor/{table}.csv": csv_bytes(
            [c.label for c in schema.columns(table)],
            [[_text(c, row[c.name]) for c in schema.columns(table)] for row in rows],
            "utf-8",
        )
        for table, rows in tables.items()
    }


def _text(column: schema.Column, value: Any) -> str:
    if value is None:
        return ""
    if column.kind == "code":
        return word(column.codes, value)
    if column.kind == "bool":
        return "是" if value else "否"
    if column.kind == "money":
        return yuan(value)
    return percent(value) if column.kind == "rate" else str(value)
