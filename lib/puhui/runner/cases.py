"""One accountability case of a finished run: its sheet, and what if a fact were otherwise."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from puhui.eligibility import suppose
from puhui.eligibility.exemption_files import sentence, side_by_side
from puhui.errors import RunError
from puhui.runner.workspace import Run, RunConfig
from puhui.store import write_text


@dataclass(frozen=True)
class Case:
    """Rows of ``exemption`` of one case, and the run they are from."""

    run: Run
    rows: tuple[dict[str, Any], ...]


def find(folder: Path, case_id: str, institution_id: str = "") -> Case:
    """Find a case among the results of a quarter.

    Raises
    ------
    RunError
        No run, no such case, or several institutions have one of that number.
    """
    run = Run(RunConfig.read(folder / "working" / "run.json"))
    table = run.results().get("exemption")
    rows = [] if table is None else [r for r in table.to_pylist() if r["case_id"] == case_id]
    if institution_id:
        rows = [r for r in rows if r["institution_id"] == institution_id]
    institutions = sorted({r["institution_id"] for r in rows})
    if not rows:
        raise RunError(f"{folder.name} 的结果里没有案件“{case_id}”。")
    if len(institutions) > 1:
        raise RunError(
            f"几家机构都有案件“{case_id}”。",
            remedy=f"请用 --institution 指定：{'、'.join(institutions)}。",
        )
    return Case(run, tuple(rows))


def lines(case: Case, supposed: Sequence[str] = ()) -> list[str]:
    """Say the decision of each person, beside the supposed one if something is supposed."""
    said = []
    for row in case.rows:
        before, after = suppose(case.run.params.exemption, row["trail"], supposed)
        who = f"{row['case_id']} {row['person_id'][:8]} {row['role']}"
        said += side_by_side(who, before, after) if supposed else [sentence(who, before)]
        said += [f"　　待核实：{why}" for why in row["to_verify"]]
    return said


def write_sheet(case: Case, folder: Path) -> Path:
    """Write the case's sheet for the review panel; returns the file."""
    from puhui.briefing.exemption import case_sheet

    first = case.rows[0]
    name = "-".join(str(first[k]) for k in ("quarter", "institution_id", "case_id"))
    path = folder / f"{re.sub(r'[^0-9A-Za-z一-鿿-]', '_', name)}.html"
    folder.mkdir(parents=True, exist_ok=True)
    write_text(path, case_sheet(case.run.source(), case.rows))
    return path
