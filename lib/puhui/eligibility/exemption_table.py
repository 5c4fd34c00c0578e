"""Decisions on exemption and an institution's practice, as ``results`` tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from statistics import median
from typing import Any

import pyarrow as pa

from puhui import results, schema
from puhui.derive import FACTS
from puhui.eligibility.exemption import EXTENT_OPEN, Decision, decide, trail
from puhui.eligibility.exemption_facts import (
    FirstBad,
    Knowing,
    Office,
    Person,
    Register,
    Tolerances,
    Within,
    first_bad,
    label,
    loans_of,
    read_register,
)
from puhui.engine import Engine
from puhui.indicators import Bench, Facts
from puhui.params.evaluate import full_months_between
from puhui.params.exemption import RuleTable
from puhui.results import twelve_digits
from puhui.store import Snapshot

#: Items of an institution's practice, with unit.
PRACTICE = {
    "cases_opened": "件",
    "cases_decided": "件",
    "cases_exempted": "件",
    "days_to_finding_median": "天",
    "days_to_finding_longest": "天",
    "persons": "人次",
    "eligible": "人次",
    "undetermined": "人次",
    "eligible_decided": "人次",
    "eligible_exempted": "人次",
    "eligible_not_exempted": "人次",
    "exempted_not_eligible": "人次",
    "npl_without_case": "笔",
    "npl_without_case_balance": "元",
}
LEADS = {
    "eligible_not_exempted": "符合条件而本行不予免责",
    "exempted_not_eligible": "不符合条件而本行予以免责",
}
_EXEMPT = ("full", "partial")


@dataclass(frozen=True)
class Decided:
    """A person in a case and what the rules give."""

    person: Person
    decision: Decision

    @property
    def is_decided(self) -> bool:
        """Whether the bank has made its finding."""
        return self.person.case is not None and self.person.case["finding"] not in (None, "none")

    @property
    def is_exempted(self) -> bool:
        """Whether the bank decided on exemption, full or partial."""
        case = self.person.case
        return self.is_decided and case is not None and case["bank_extent"] in _EXEMPT

    @property
    def lead(self) -> str | None:
        """What the supervisor should ask about; ``None``: the bank decided as the rules say."""
        outcome = self.decision.outcome
        if outcome == "eligible" and self.is_decided and not self.is_exempted:
            return "eligible_not_exempted"
        return "exempted_not_eligible" if self.is_exempted and outcome == "not_eligible" else None


def exemption_tables(
    bench: Bench,
    facts: Facts,
    engine: Engine,
    snapshots: Sequence[Snapshot],
    office: Snapshot | None,
    branches: pa.Table,
) -> tuple[pa.Table, pa.Table]:
    """Decide every person and role in an institution's cases, and sum up its practice.

    Parameters
    ----------
    bench
        Parameters, quarter and measures; of every quarter a case may go back to.
    engine
        Open, with the view ``loan_facts`` over the institution's snapshots.
    snapshots, office
        Of all quarters, and the supervisor's own.
    branches
        The register of branches (branch_id, head_staff_id).

    Returns
    -------
    tuple
        ``exemption`` and ``exemption_practice`` of the quarter. Where no rules are entered for
        the date, or no register was sent, there is no decision and the practice says why.
    """
    mine = [s for s in snapshots if s.institution_id == facts.institution_id]
    now = next((s for s in mine if s.quarter == str(bench.quarter)), None)
    register = read_register(now)
    table = bench.params.exemption.on(bench.quarter.end)
    reason = table if isinstance(table, str) else register.reason
    if reason or isinstance(table, str):
        return results.empty("exemption"), _practice(bench, facts, dict.fromkeys(PRACTICE), reason)
    first = first_bad(engine, bench, mine)
    heads = Office.read(branches.to_pylist(), office)
    decided = decide_all(table, bench, facts, register, first, heads)
    rows = [_row(bench, facts, register, d) for d in decided]
    counted = _counted(bench, register, decided)
    counted |= _without_case(bench, engine, register, first, now)
    return results.from_rows("exemption", rows), _practice(bench, facts, counted)


def decide_all(
    table: RuleTable,
    bench: Bench,
    facts: Facts,
    register: Register,
    first: FirstBad,
    office: Office,
) -> list[Decided]:
    """Decide every person and role of a register, in order."""
    knowing = Knowing(table, Tolerances(bench, facts), register, first, office)
    return [Decided(p, decide(table, p.given)) for p in knowing.persons()]


def _row(bench: Bench, facts: Facts, register: Register, one: Decided) -> dict[str, object]:
    person, decision, case = one.person, one.decision, one.person.case
    at = person.at_reference
    gap = at.gap if at is not None else None
    dates = {
        "reference": _when(at),
        "opening": _when(person.at_opening),
        "finding": _when(person.at_finding),
    }
    written = trail(
        decision,
        str(bench.quarter),
        bench.params.fingerprint[:12],
        tolerance=dates,
        to_verify=list(person.to_verify),
    )
    return {
        "quarter": str(bench.quarter),
        "institution_id": facts.institution_id,
        "branch_id": None if case is None else case["branch_id"],
        **{k: person.person[k] for k in ("case_id", "person_id", "role", "post", "liability")},
        "outcome": decision.outcome,
        "rule": decision.rule_id,
        "extent": decision.extent,
        "routes": list(decision.routes),
        "bars": list(decision.bars),
        "missing": list(decision.missing),
        "reference": None if person.reference is None else str(person.reference),
        "within_at_reference": _yes_no(at),
        "within_at_opening": _yes_no(person.at_opening),
        "within_at_finding": _yes_no(person.at_finding),
        "gap_num": None if gap is None else str(gap.numerator),
        "gap_den": None if gap is None else str(gap.denominator),
        "limit_pp": None if at is None or at.limit is None else _decimal(at.limit),
        "finding": None if case is None else case["finding"],
        "bank_extent": None if case is None else case["bank_extent"],
        "lead": one.lead,
        "to_verify": list(person.to_verify),
        "reason": said(decision),
        "trail": written,
        "revision": register.revision,
    }


def said(decision: Decision) -> str:
    """Say in a sentence why a decision is as it is."""
    table = decision.table
    if decision.outcome == "not_eligible" and decision.bars:
        why = "、".join(f"{table.bars[b].id} {table.bars[b].label}" for b in decision.bars)
        return f"{decision.wording}（{why}）"
    if decision.outcome == "eligible":
        why = "、".join(f"{table.routes[r].id} {table.routes[r].label}" for r in decision.routes)
        extent = schema.CODES["extent"].get(str(decision.extent), "")
        if decision.extent == EXTENT_OPEN:
            extent = f"全部还是部分，要看：{_labels(decision.extent_missing)}"
        return f"{decision.wording}（{why}；{extent}）"
    if decision.outcome == "undetermined":
        return f"{decision.wording}缺：{_labels(decision.missing)}。"
    return decision.wording


def _labels(columns: Iterable[str]) -> str:
    return "、".join(label((q, n)) for q, _, n in (c.partition(".") for c in columns))


def _when(within: Within | None) -> dict[str, object] | None:
    if within is None:
        return None
    return {
        "quarter": str(within.quarter),
        "held": within.held,
        "gap": None if within.gap is None else str(within.gap),
        "limit": None if within.limit is None else str(within.limit),
        "own": None if within.own is None else str(within.own),
        "source": within.source,
        "reason": within.reason,
    }


def _yes_no(within: Within | None) -> str | None:
    return (
        {True: "yes", False: "no"}.get(within.held) if within and within.held is not None else None
    )


def _decimal(value: Fraction) -> str:
    return format(Decimal(value.numerator) / Decimal(value.denominator), "f")


def _counted(
    bench: Bench, register: Register, decided: Sequence[Decided]
) -> dict[str, Fraction | None]:
    """Count cases opened, decided and exempted, and persons by outcome and the bank's decision."""
    cases = list(register.cases.values())
    found = [c for c in cases if c["finding"] not in (None, "none")]
    days = [(c["finding_on"] - c["opened_on"]).days for c in found if c["finding_on"]]
    eligible = [d for d in decided if d.decision.outcome == "eligible"]
    counts: dict[str, int] = {
        "cases_opened": len(cases),
        "cases_decided": len(found),
        "cases_exempted": sum(c["bank_extent"] in _EXEMPT for c in found),
        "persons": len(decided),
        "eligible": len(eligible),
        "undetermined": sum(d.decision.outcome == "undetermined" for d in decided),
        "eligible_decided": sum(d.is_decided for d in eligible),
        "eligible_exempted": sum(d.is_exempted for d in eligible),
        **{lead: sum(d.lead == lead for d in decided) for lead in LEADS},
    }
    return {
        **{k: Fraction(v) for k, v in counts.items()},
        "days_to_finding_median": Fraction(median(days)) if days else None,
        "days_to_finding_longest": Fraction(max(days)) if days else None,
    }


def _without_case(
    bench: Bench, engine: Engine, register: Register, first: FirstBad, now: Snapshot | None
) -> dict[str, Fraction | None]:
    """Count small-business NPL for as long as a case should have been opened, and none was."""
    if now is None or "loans" not in now.tables:
        return {"npl_without_case": None, "npl_without_case_balance": None}
    months = int(bench.params.policy.on(bench.quarter.end)["case_due_months"])
    with_case = {loan for case in register.cases.values() for loan in loans_of(case)}
    sql = (
        f"SELECT loan_id, balance FROM {FACTS} WHERE quarter = '{bench.quarter}' "
        "AND is_npl AND is_mse AND balance > 0"
    )
    late = [
        row
        for row in engine.sql(sql).to_pylist()
        if row["loan_id"] not in with_case
        and full_months_between(first.quarters[row["loan_id"]].end, bench.quarter.end) >= months
    ]
    return {
        "npl_without_case": Fraction(len(late)),
        "npl_without_case_balance": sum((Fraction(r["balance"]) for r in late), Fraction(0)),
    }


def _practice(bench: Bench, facts: Facts, counted: Mapping[str, Any], reason: str = "") -> pa.Table:
    return results.from_rows(
        "exemption_practice",
        [
            {
                "quarter": str(bench.quarter),
                "institution_id": facts.institution_id,
                "item": item,
                "value": twelve_digits(counted[item]),
                "unit": unit,
                "reason": None if counted[item] is not None else reason or _NONE[item],
            }
            for item, unit in PRACTICE.items()
        ],
    )


_NONE = {
    "days_to_finding_median": "没有已认定的案件",
    "days_to_finding_longest": "没有已认定的案件",
    "npl_without_case": "没有报送台账",
    "npl_without_case_balance": "没有报送台账",
}
