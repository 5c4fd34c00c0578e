"""The plan of a quarter's ledger measures: each condition once, each summed expression once.

A loan's conditions become two masks of bits, one for those that hold and one for those left
unknown. Sums are taken by institution × branch × masks; distinct customers by ``bit_or`` of
the masks per customer, at the branch and at the institution.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from puhui.derive import RowContext, facts_from
from puhui.engine.duckdb import ident, quote
from puhui.errors import ParamsError
from puhui.measures.rows import Unit
from puhui.params import Measure, Params
from puhui.params.expression import Expression
from puhui.params.rows import Ledger
from puhui.quarter import Quarter

#: Conditions in one pass: the bits of a BIGINT mask that stay clear of its sign.
BITS = 62


@dataclass(frozen=True)
class Plan:
    """Distinct conditions and summed expressions of one quarter's ledger measures."""

    conditions: tuple[str, ...]
    sums: tuple[str, ...]
    of: Mapping[str, tuple[int, int | None]] = field(default_factory=dict)
    """measure id → (index of its condition, index of its summed expression or None)."""
    counted: tuple[int, ...] = ()
    """Conditions whose distinct customers are counted."""
    with_register: bool = False
    """Whether a condition compares with the institution's register entry."""


def plan(params: Params, quarter: Quarter, measures: Iterable[Measure]) -> Plan:
    """Collect each distinct condition and each distinct summed expression once."""
    context = RowContext(params, quarter)
    conditions: dict[str, int] = {}
    sums: dict[str, int] = {}
    of: dict[str, tuple[int, int | None]] = {}
    counted: dict[int, None] = {}
    with_register = False
    for measure in measures:
        if measure.ledger is None:
            continue
        condition = conditions.setdefault(context.sql(measure.ledger.where), len(conditions))
        if measure.ledger.aggregate == "customers":
            counted[condition] = None
        summed = None
        if measure.ledger.aggregate == "sum":
            value = context.sql(_summed(measure, measure.ledger))
            summed = sums.setdefault(value, len(sums))
        of[measure.id] = (condition, summed)
        with_register |= any(q == "institution" for q, _ in measure.ledger.where.columns)
    return Plan(tuple(conditions), tuple(sums), of, tuple(counted), with_register)


def _summed(measure: Measure, ledger: Ledger) -> Expression:
    if ledger.of is None:
        raise ParamsError(f"指标量“{measure.id}”要求和，但没有写求和的列。")
    return ledger.of


def passes(measures: Sequence[Measure]) -> list[list[Measure]]:
    """Split measures so that no pass has more distinct conditions than a mask has bits."""
    batches: list[list[Measure]] = [[]]
    seen: set[str] = set()
    for measure in measures:
        if measure.ledger is None:
            continue
        seen.add(measure.ledger.where.text)
        if len(seen) > BITS:
            batches.append([])
            seen = {measure.ledger.where.text}
        batches[-1].append(measure)
    return [batch for batch in batches if batch]


def _masks(conditions: Sequence[str], wanted: Sequence[int] | None = None) -> str:
    """Columns m (bits of conditions that hold) and u (bits of those unknown)."""
    bits = range(len(conditions)) if wanted is None else wanted
    hold = " + ".join(f"CASE WHEN b{i} THEN {1 << i} ELSE 0 END" for i in bits)
    unknown = " + ".join(f"CASE WHEN b{i} IS NULL THEN {1 << i} ELSE 0 END" for i in bits)
    return f"CAST({hold or 0} AS BIGINT) AS m, CAST({unknown or 0} AS BIGINT) AS u"


def _conditions(made: Plan, wanted: Sequence[int] | None = None) -> list[str]:
    bits = range(len(made.conditions)) if wanted is None else wanted
    return [f"{made.conditions[i]} AS b{i}" for i in bits]


def sums_sql(made: Plan, quarter: Quarter) -> str:
    """SQL of the additive layer: sums and counts by institution × branch × masks."""
    keys = ["l.institution_id AS institution_id", "l.branch_id AS branch_id"]
    values = [f"{v} AS v{i}" for i, v in enumerate(made.sums)]
    source = facts_from(quarter, with_register=made.with_register)
    rows = f"SELECT {', '.join([*keys, *values, *_conditions(made)])} {source}"
    kept = ", ".join(["institution_id", "branch_id", *(f"v{i}" for i in range(len(values)))])
    bits = f"SELECT {kept}, {_masks(made.conditions)} FROM ({rows}) AS facts"
    sums = [f"sum(v{i}) AS s{i}, count(v{i}) AS n{i}" for i in range(len(values))]
    outer = ", ".join(["institution_id", "branch_id", "m", "u", "count(*) AS n", *sums])
    return (
        f"SELECT {outer} FROM ({bits}) AS bits "
        "WHERE m <> 0 OR u <> 0 GROUP BY institution_id, branch_id, m, u"
    )


def customers_sql(made: Plan, quarter: Quarter) -> str:
    """SQL of the customer layer: distinct customers by level × masks.

    Counts carry their level (``at_branch``) and are never summed over branches.
    """
    keys = "institution_id, branch_id, customer_id"
    named = ", ".join(f"l.{k} AS {k}" for k in keys.split(", "))
    wanted = _conditions(made, made.counted)
    source = facts_from(quarter, with_register=made.with_register)
    rows = f"SELECT {', '.join([named, *wanted])} {source}"
    bits = f"SELECT {keys}, {_masks(made.conditions, made.counted)} FROM ({rows}) AS facts"
    return (
        f"WITH at_branch AS (SELECT {keys}, bit_or(m) AS m, bit_or(u) AS u FROM ({bits}) AS bits "
        f"WHERE m <> 0 OR u <> 0 GROUP BY {keys}), "
        "at_institution AS (SELECT institution_id, customer_id, bit_or(m) AS m, bit_or(u) AS u "
        "FROM at_branch GROUP BY institution_id, customer_id) "
        "SELECT institution_id, branch_id, true AS at_branch, m, u, count(*) AS n FROM at_branch "
        "GROUP BY institution_id, branch_id, m, u UNION ALL "
        "SELECT institution_id, NULL, false, m, u, count(*) FROM at_institution "
        "GROUP BY institution_id, m, u"
    )


def rows_sql(params: Params, measure: Measure, quarter: Quarter, unit: Unit, limit: int) -> str:
    """SQL that lists the loans behind a unit's ledger measure, largest balance first."""
    assert measure.ledger is not None
    context = RowContext(params, quarter)
    names = ("loan_id", "customer_id", "branch_id", "amount", "balance", "drawn_on", "five_class")
    listed = ", ".join(f"l.{ident(n)}" for n in names)
    institution, branch = unit
    mine = f"l.institution_id = {quote(institution)}"
    if branch is not None:
        mine += f" AND l.branch_id = {quote(branch)}"
    joined = any(q == "institution" for q, _ in measure.ledger.where.columns)
    return (
        f"SELECT l.quarter, l.institution_id, {listed} "
        f"{facts_from(quarter, with_register=joined)} AND {mine} "
        f"AND ({context.sql(measure.ledger.where)}) "
        f"ORDER BY l.balance DESC, l.loan_id LIMIT {limit}"
    )
