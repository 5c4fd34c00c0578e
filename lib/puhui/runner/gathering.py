"""What gathering adds to the slices: figures and counts that need all institutions at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from puhui import results
from puhui.indicators import OVERALL, Facts, clauses_table, totals_table
from puhui.indicators.clauses import ORDER, clause_rows
from puhui.runner.workspace import COUNTY, Run

Row = Mapping[str, Any]


def county_tables(run: Run, gathered: Mapping[str, pa.Table]) -> dict[str, pa.Table]:
    """Rows of the county as a whole: its totals, their clauses, and the counts of C1.

    Parameters
    ----------
    gathered
        Joined slices of the institutions.

    Returns
    -------
    dict
        ``indicators`` and ``clauses``, with :data:`~puhui.runner.workspace.COUNTY` as
        institution. Totals are over everyone in the register; who sent nothing is named.
    """
    everyone = run.everyone()
    totals = totals_table(run.bench, everyone)
    rows = [
        *_total_clauses(run, everyone, totals),
        _overall(run, gathered["clauses"].to_pylist()),
    ]
    return {"indicators": totals, "clauses": results.from_rows("clauses", rows)}


def _total_clauses(
    run: Run, everyone: Sequence[Facts], totals: pa.Table
) -> list[dict[str, object]]:
    """Clauses the totals answer, beside the verdict of the totals a quarter before."""
    earlier = totals_table(run.bench.at(run.quarter.previous), everyone)
    before = clause_rows(run.params, earlier.to_pylist())
    now = clauses_table(run.bench, run.facts(COUNTY), totals.to_pylist(), last=False)
    return [
        {**row, "last_verdict": before[row["clause"], None]["verdict"]}
        for row in now.to_pylist()
        if row["clause"] != OVERALL
    ]


def _overall(run: Run, rows: Iterable[Row]) -> dict[str, object]:
    """C1 of the county: clauses of all institutions by verdict, against the quarter before."""
    own = [r for r in rows if r["branch_id"] is None and r["clause"] != OVERALL]
    now = _counts(r["verdict"] for r in own)
    before = _counts(r["last_verdict"] for r in own)
    return {
        "quarter": str(run.quarter),
        "institution_id": COUNTY,
        "clause": OVERALL,
        "verdict": "shown",
        "flags": [],
        "reason": f"{now}；上季：{before}",
    }


def _counts(verdicts: Iterable[str | None]) -> str:
    counts = Counter(v for v in verdicts if v and v != "not_applicable")
    said = (f"{results.VERDICTS[v]} {counts[v]} 条次" for v in ORDER if counts[v])
    return "、".join(said) or "无"
