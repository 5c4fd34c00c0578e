"""Filed figures against the loan ledger: findings, and what they put in doubt."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from puhui import results
from puhui.measures.rows import LEDGER, RETURNS
from puhui.params import Params
from puhui.params.reconciliation import Reconciliation
from puhui.rounding import digits_for, half_up

Row = dict[str, object]
#: Quarter and institution.
Place = tuple[str, str]


def reconcile(params: Params, measures: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Hold filed measures against the ledger's.

    A difference counts if it is beyond rounding, the rule's tolerance and what quarantined
    loans could add to the ledger.

    Parameters
    ----------
    measures
        ``results.SCHEMAS["measures"]`` rows of every source.

    Returns
    -------
    measures, findings
        The measures with ``doubt`` filled where a difference affects them, from either source;
        and ``results.SCHEMAS["findings"]``, one for each difference, with both sides.
    """
    sides: dict[tuple[Place, str], dict[str, Row]] = defaultdict(dict)
    for row in _compared(params, measures):
        place = (str(row["quarter"]), str(row["institution_id"]))
        sides[place, str(row["measure_id"])][str(row["source"])] = row
    findings: list[Row] = []
    doubts: dict[tuple[Place, str], str] = {}
    for rule in params.reconciliation.values():
        for (place, measure), both in sides.items():
            if measure != rule.measure or not {LEDGER, RETURNS} <= set(both):
                continue
            said = _difference(params, rule, both[RETURNS], both[LEDGER])
            if said is None:
                continue
            findings.append(_finding(rule, place, both[RETURNS], said))
            for affected in rule.affects:
                doubts.setdefault((place, affected), f"勾稽 {rule.id}：{said}")
    return _marked(measures, doubts), results.from_rows("findings", findings)


def _compared(params: Params, measures: pa.Table) -> list[Row]:
    """Values of whole institutions that some rule holds against one another."""
    ruled = pa.array(sorted({r.measure for r in params.reconciliation.values()}), pa.string())
    whole = pc.and_(measures["branch_id"].is_null(), measures["value"].is_valid())
    kept = measures.filter(pc.and_(whole, pc.is_in(measures["measure_id"], ruled)))
    rows: list[Row] = kept.to_pylist()
    return rows


def _difference(
    params: Params, rule: Reconciliation, filed: Mapping[str, object], ledger: Mapping[str, object]
) -> str | None:
    """Say how the two differ; ``None`` if they agree as far as can be told."""
    one, other = Fraction(str(filed["value"])), Fraction(str(ledger["value"]))
    allowed = Fraction(str(filed["slack"] or 0))
    allowed += abs(one) * Fraction(rule.tolerance_pct) / 100
    gap = one - other
    if abs(gap) <= allowed:
        return None
    note = ""
    if gap > 0 and ledger["set_aside"]:
        gain = ledger["aside_gain"]
        if gain is not None and gap <= allowed + Fraction(str(gain)):
            return None
        if gain is None:
            note = f"；台账另有 {ledger['set_aside']} 行被隔离，其中金额不能全读出"
    unit = params.measures[rule.measure].unit
    digits = digits_for(gap, 2, [Fraction(0)])
    return (
        f"{rule.label}报表 {half_up(one, digits)}，台账 {half_up(other, digits)}，"
        f"相差 {'+' if gap > 0 else ''}{half_up(gap, digits)} {unit}{note}"
    )


def _finding(
    rule: Reconciliation, place: Place, filed: Mapping[str, object], said: str
) -> dict[str, object]:
    return {
        "quarter": place[0],
        "institution_id": place[1],
        "revision": filed["revision"],
        "check_id": rule.id,
        "severity": "warning",
        "phase": "reconciliation",
        "table": "returns",
        "message": f"{said}。请核对报表与台账，更正有误的一方；更正前有关结论为暂定。",
    }


def _marked(measures: pa.Table, doubts: Mapping[tuple[Place, str], str]) -> pa.Table:
    """Add doubts to the measures they are about, whichever source these come from."""
    if not doubts:
        return measures
    touched = pc.is_in(measures["measure_id"], pa.array(sorted({m for _, m in doubts})))
    column = measures["doubt"].to_pylist()
    for at in np.flatnonzero(touched.to_numpy()):
        row = measures.slice(at, 1).select(["quarter", "institution_id", "measure_id"])
        quarter, institution, measure = (str(c[0].as_py()) for c in row.columns)
        said = doubts.get(((quarter, institution), measure))
        if said is not None:
            column[at] = f"{column[at]}；{said}" if column[at] else said
    place = measures.schema.get_field_index("doubt")
    return measures.set_column(place, "doubt", pa.array(column, pa.string()))
