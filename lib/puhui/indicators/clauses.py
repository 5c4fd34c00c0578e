"""Verdicts by clause: the worst of a clause's indicators, and how many came out how (C1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from puhui import results
from puhui.indicators.evaluation import Bench, Facts
from puhui.indicators.judging import result_row
from puhui.params import Params

#: The worse verdict of two indicators is the clause's: a breach of one part is a breach, and
#: what is missing is never met.
ORDER = (
    "not_met",
    "behind",
    "no_data",
    "to_verify",
    "met_reserved",
    "met",
    "on_track",
    "shown",
    "not_applicable",
)
#: The clause that counts all others.
OVERALL = "C1"

Row = Mapping[str, Any]


def clause_rows(params: Params, rows: Iterable[Row]) -> dict[tuple[str, str | None], Row]:
    """Return by clause and branch the indicator row that decides.

    Parameters
    ----------
    rows
        Result rows of one institution.
    """
    found: dict[tuple[str, str | None], Row] = {}
    for row in rows:
        clause = params.indicators[row["indicator_id"]].clause
        key = (clause, row["branch_id"])
        if key not in found or _rank(row) < _rank(found[key]):
            found[key] = row
    return found


def _rank(row: Row) -> int:
    return ORDER.index(row["verdict"])


def clauses_table(
    bench: Bench, facts: Facts, rows: Sequence[Row], *, last: bool = True
) -> pa.Table:
    """Every clause of one institution and its branches, as ``results`` ``clauses``.

    The verdict of a quarter before stands beside each, worked from the same submissions by
    the policy of that quarter.

    Parameters
    ----------
    rows
        The institution's result rows of the quarter.
    last
        Whether to work out the quarter before.
    """
    now = clause_rows(bench.params, rows)
    before: dict[tuple[str, str | None], Row] = {}
    if last:
        earlier = bench.at(bench.quarter.previous)
        indicators = bench.params.indicators
        again = [
            result_row(earlier, indicators[r["indicator_id"]], facts, r["branch_id"]) for r in rows
        ]
        before = clause_rows(bench.params, again)
    made = [
        {
            "quarter": str(bench.quarter),
            "institution_id": facts.institution_id,
            "branch_id": branch,
            "clause": clause,
            "verdict": row["verdict"],
            "flags": row["flags"],
            "indicator_id": row["indicator_id"],
            "last_verdict": before[clause, branch]["verdict"] if before else None,
            "reason": row["reason"],
        }
        for (clause, branch), row in sorted(now.items(), key=lambda e: (e[0][1] or "", e[0][0]))
    ]
    if OVERALL in bench.params.clauses and facts.branch_id is None:
        made.insert(0, _overall(bench, facts, made))
    return results.from_rows("clauses", made)


def _overall(bench: Bench, facts: Facts, rows: Sequence[Row]) -> dict[str, object]:
    """C1: clauses by verdict, this quarter and the one before; no single score."""
    own = [r for r in rows if r["branch_id"] is None]
    asked = [r for r in own if r["verdict"] != "not_applicable"]
    said = _counts(r["verdict"] for r in asked)
    if any(r["last_verdict"] for r in own):
        said += f"；上季：{_counts(r['last_verdict'] for r in own)}"
    return {
        "quarter": str(bench.quarter),
        "institution_id": facts.institution_id,
        "branch_id": None,
        "clause": OVERALL,
        "verdict": "shown" if asked else "not_applicable",
        "flags": [],
        "indicator_id": None,
        "last_verdict": None,
        "reason": said if asked else "没有适用的条款",
    }


def _counts(verdicts: Iterable[str | None]) -> str:
    counts: dict[str, int] = {}
    for verdict in verdicts:
        if verdict and verdict != "not_applicable":
            counts[verdict] = counts.get(verdict, 0) + 1
    order = [v for v in ORDER if v in counts]
    return "、".join(f"{results.VERDICTS[v]} {counts[v]} 条" for v in order) or "无"
