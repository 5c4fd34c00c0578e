"""NPL tolerance (不良容忍度) of an institution and its branches: notice section 7.

The test is the indicator C7.2 of ``params/indicators.yaml``: the NPL ratio of inclusive
loans minus that of all loans, in points, against ``npl_tolerance_pp``, as exact fractions.
Beside the verdict stand the other comparator, the bank's own limit, the cross-checks and the
headroom; none of them rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

import pyarrow as pa

from puhui import results
from puhui.eligibility.headroom import Book, Headroom, headroom
from puhui.indicators import Bench, Evaluation, Facts, evaluate, result_row
from puhui.measures import LEDGER, REGISTER
from puhui.params.expression import NoData
from puhui.results import twelve_digits
from puhui.rounding import plain_number

#: The indicator that carries the tolerance test.
TOLERANCE = "C7.2"
#: Quarters looked back for what is stored.
LOOKED_BACK = 40
#: Whom a branch can be held against, as the policy words it.
COMPARATORS = ("institution", "branch")

_COMPARATOR = "tolerance_comparator"
Row = dict[str, object]


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
        ``gap_num / gap_den``), limit, comparator, verdict, reason; the same under the other
        comparator; own limit; cross-checks; headroom in yuan.
    """
    return results.from_rows("tolerance", [_row(bench, facts, u) for u in _units(branches)])


def history_table(bench: Bench, facts: Facts, branches: Iterable[str]) -> pa.Table:
    """The test at every quarter measured so far, this one included, by the policy of each.

    Returns
    -------
    pyarrow.Table
        ``results`` ``tolerance_history``: a row per unit and quarter with figures. A published
        ratio of the legal person is the register's of today, at earlier quarters too.
    """
    units = _units(branches)
    rows = [
        {k: v for k, v in _judged(then, facts, unit).fields.items() if k in _HISTORY}
        for then in _measured(bench, facts)
        for unit in units
    ]
    return results.from_rows("tolerance_history", rows)


_HISTORY = frozenset(results.SCHEMAS["tolerance_history"].names)


def _units(branches: Iterable[str]) -> list[str | None]:
    return [None, *sorted(branches)]


def _measured(bench: Bench, facts: Facts) -> Iterator[Bench]:
    """The bench at each quarter for which the institution's inclusive loans were measured."""
    name = "incl_balance"
    sources = bench.params.run.figure_of_record
    for back in range(LOOKED_BACK, -1, -1):
        quarter = bench.quarter.shift(-back)
        keys = [(str(quarter), facts.institution_id, None, name, s) for s in sources]
        rows = [bench.measures.get(key) for key in keys]
        if any(row is not None and row["value"] is not None for row in rows):
            yield bench.at(quarter)


def supposing(bench: Bench, **settings: Decimal | str) -> Bench:
    """Return a bench on which some policy settings have another value, at every date.

    Raises
    ------
    ParamsError
        No such setting, or a value it cannot have.
    """
    policy = bench.params.policy
    for name, value in settings.items():
        policy = policy.supposing(name, value)
    return replace(bench, params=replace(bench.params, policy=policy))


def comparator(bench: Bench, facts: Facts, branch_id: str | None) -> str:
    """Whose all-loan ratio rules, as the branch formula of C7.2 chooses it.

    Returns
    -------
    str
        ``institution``, ``legal_person``, ``reporting_unit`` or ``branch``.
    """
    setting = bench.params.policy.on(bench.quarter.end)[_COMPARATOR]
    if branch_id is None or setting == "branch":
        return "institution" if branch_id is None else "branch"
    if facts.get("level") != "branch":
        return "institution"
    published = not isinstance(facts.get("legal_person_npl_ratio"), NoData)
    return "legal_person" if published else "reporting_unit"


@dataclass(frozen=True)
class _Judged:
    """A unit under one comparator: fields of its row, and what the test was worked from."""

    fields: Row
    done: Evaluation


def _judged(bench: Bench, facts: Facts, branch_id: str | None) -> _Judged:
    indicator = bench.params.indicators[TOLERANCE]
    judged = result_row(bench, indicator, facts, branch_id)
    done = evaluate(bench, indicator, facts, branch_id)
    ratios = ("inclusive_npl_pct", "all_npl_pct")
    fields: Row = {
        "quarter": str(bench.quarter),
        "institution_id": facts.institution_id,
        "branch_id": branch_id,
        **{name: twelve_digits(_number(done, name)) for name in ratios},
        "gap_pp": judged.get("value"),
        "gap_num": judged.get("value_num"),
        "gap_den": judged.get("value_den"),
        "tolerance_pp": judged["threshold"],
        "comparator": comparator(bench, facts, branch_id),
        **{k: judged.get(k) for k in ("verdict", "flags", "reserved_by", "source", "reason")},
    }
    return _Judged(fields, done)


def _number(done: Evaluation, part: str) -> Fraction | None:
    value = done.parts.get(part)
    return value if isinstance(value, Fraction) else None


def _row(bench: Bench, facts: Facts, branch_id: str | None) -> Row:
    unit = _judged(bench, facts, branch_id)
    room = _headroom(bench, facts, branch_id, unit)
    row = {
        **unit.fields,
        **_under_the_other(bench, facts, branch_id),
        **_own_limit(bench, facts, branch_id, unit.fields),
        "with_removed_pp": twelve_digits(_number(unit.done, "with_removed")),
        "with_late_pp": twelve_digits(_number(unit.done, "with_late")),
        "put_off_pct": twelve_digits(_number(unit.done, "put_off_pct")),
        "removed": _measure(bench, facts, branch_id, _REMOVED[_bills(bench)], LEDGER),
    }
    if room is None:
        return row
    row |= {
        "headroom_kind": room.kind,
        "headroom": room.room,
        "to_recover": room.recover,
        "to_upgrade": room.upgrade,
    }
    return _provisional(row) if room.kind == "conflict" else row


def _provisional(row: Row) -> Row:
    """Mark a row whose figures contradict those it is held against."""
    flags, reason = row["flags"], row["reason"]
    assert isinstance(flags, list)
    if "provisional" in flags:
        return row
    said = "与比较基准的数据矛盾，核实前结论为暂定"
    whole = f"{reason}；{said}" if reason else said
    return {**row, "flags": [*flags, "provisional"], "reason": whole}


def _under_the_other(bench: Bench, facts: Facts, branch_id: str | None) -> Row:
    """A branch under the comparator that does not rule; of an institution there is one only."""
    if branch_id is None:
        return {}
    ruling = bench.params.policy.on(bench.quarter.end)[_COMPARATOR]
    other = next(c for c in COMPARATORS if c != ruling)
    fields = _judged(supposing(bench, tolerance_comparator=other), facts, branch_id).fields
    names = {"all_npl_pct": "npl_pct"}
    shown = ("comparator", "all_npl_pct", "gap_pp", "gap_num", "gap_den", "verdict")
    return {f"other_{names.get(name, name)}": fields[name] for name in shown}


def _own_limit(bench: Bench, facts: Facts, branch_id: str | None, fields: Row) -> Row:
    """The bank's own limit: the one handed down to the unit, else the bank's; and its verdict."""
    handed_down = _measure(bench, facts, branch_id, "unit_tolerances", REGISTER)
    basis, name, of = "bank", "own_tolerance", None
    if handed_down == 1:
        basis, name, of = "unit", "unit_tolerance", branch_id
    elif handed_down:
        return {"own_basis": "several"}
    own = _measure(bench, facts, of, name, REGISTER)
    if own is None:
        return {}
    found: Row = {"own_tolerance_pp": plain_number(Fraction(own), 2), "own_basis": basis}
    if fields["gap_num"] is None:
        return found
    gap = Fraction(int(str(fields["gap_num"])), int(str(fields["gap_den"])))
    return {**found, "own_verdict": "met" if gap <= Fraction(own) else "not_met"}


def _measure(
    bench: Bench, facts: Facts, branch_id: str | None, name: str, source: str
) -> Decimal | None:
    key = (str(bench.quarter), facts.institution_id, branch_id, name, source)
    row = bench.measures.get(key)
    return None if row is None or row["value"] is None else Decimal(str(row["value"]))


# ---- Headroom

#: Balance and bad loans of the inclusive scope, by whether bills count.
_INCLUSIVE = {
    True: ("incl_balance", "incl_npl"),
    False: ("assessed_balance", "assessed_npl"),
}
_REMOVED = {True: "incl_removed", False: "assessed_removed"}
_ALL = ("all_loans", "npl")


def _bills(bench: Bench) -> bool:
    return bool(bench.params.policy.on(bench.quarter.end)["tolerance_includes_bills"])


def _headroom(bench: Bench, facts: Facts, branch_id: str | None, unit: _Judged) -> Headroom | None:
    """Headroom from the very measures the gap was worked from; ``None`` without a gap."""
    limit = unit.fields["tolerance_pp"]
    if unit.fields["gap_num"] is None or limit is None:
        return None
    inclusive = _book(unit.done, branch_id, _INCLUSIVE[_bills(bench)])
    against: Book | Fraction
    if unit.fields["comparator"] == "legal_person":
        published = facts.at(branch_id).get("legal_person_npl_ratio")
        assert isinstance(published, Fraction | Decimal | int)
        against = Fraction(published)
    else:
        own = branch_id if unit.fields["comparator"] == "branch" else None
        against = _book(unit.done, own, _ALL)
    return headroom(inclusive, against, Fraction(str(limit)))


def _book(done: Evaluation, branch_id: str | None, names: tuple[str, str]) -> Book:
    used = {(m["measure_id"], m["branch_id"]): Fraction(str(m["value"])) for m in done.used}
    balance, bad = (used[name, branch_id] for name in names)
    return Book(balance, bad)
