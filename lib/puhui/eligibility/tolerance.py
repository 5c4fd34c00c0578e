"""NPL tolerance (不良容忍度) of an institution and its branches: notice section 7.

The test is the indicator C7.2 of ``params/indicators.yaml``: the NPL ratio of inclusive
loans minus that of all loans, in points, against ``npl_tolerance_pp``, as exact fractions.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

import pyarrow as pa

from puhui import results
from puhui.indicators import Bench, Facts, evaluate, result_row
from puhui.params.expression import NoData
from puhui.results import twelve_digits

#: The indicator that carries the tolerance test.
TOLERANCE = "C7.2"


def tolerance_table(bench: Bench, facts: Facts, branches: Iterable[str]) -> pa.Table:
    """Tolerance of one institution and each branch, as ``results`` ``tolerance``.

    Parameters
    ----------
    bench
        Parameters, quarter and measures.
    facts
        The institution's register facts.
    branches
        Ids of its branches.

    Returns
    -------
    pyarrow.Table
        One row per unit: both ratios in percent, the gap in points (also exact, as
        ``gap_num / gap_den``), limit, comparator, verdict, reason.
    """
    units: list[str | None] = [None, *sorted(branches)]
    return results.from_rows("tolerance", [_row(bench, facts, unit) for unit in units])


def _comparator(setting: str, facts: Facts, branch_id: str | None) -> str:
    """Whose all-loan ratio ruled, as the branch formula of C7.2 chooses it."""
    if branch_id is None or setting == "branch":
        return "institution" if branch_id is None else "branch"
    if facts.get("level") != "branch":
        return "institution"
    published = not isinstance(facts.get("legal_person_npl_ratio"), NoData)
    return "legal_person" if published else "reporting_unit"


def _row(bench: Bench, facts: Facts, branch_id: str | None) -> dict[str, object]:
    indicator = bench.params.indicators[TOLERANCE]
    judged = result_row(bench, indicator, facts, branch_id)
    parts = evaluate(bench, indicator, facts, branch_id).parts
    policy = bench.params.policy.on(bench.quarter.end)
    return {
        "quarter": str(bench.quarter),
        "institution_id": facts.institution_id,
        "branch_id": branch_id,
        **{
            name: twelve_digits(value)
            for name, value in parts.items()
            if isinstance(value, Fraction)
        },
        "gap_pp": judged.get("value"),
        "gap_num": judged.get("value_num"),
        "gap_den": judged.get("value_den"),
        "tolerance_pp": judged["threshold"],
        "comparator": _comparator(str(policy["tolerance_comparator"]), facts, branch_id),
        **{k: judged.get(k) for k in ("verdict", "flags", "source", "reason")},
    }
