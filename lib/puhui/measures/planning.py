"""The plan of a quarter's ledger measures: each predicate once, each summed expression once.

A loan's conditions become two masks of bits: ``m``, conditions that hold, and ``u``, those left
unknown. A predicate that is false puts out the bits of every condition it is part of, one that
is unknown leaves them in doubt; so a further condition costs a row nothing. What asks for the
customer alone is settled once a customer, before the join. Sums are taken by institution ×
branch × a word of the masks (all words in one scan); distinct customers by ``bit_or`` of the
masks per customer, at the branch and at the institution.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from puhui.derive import CUSTOMERS, LOANS, REGISTER_VIEW, RowContext, facts_from
from puhui.engine.duckdb import ident, quote
from puhui.errors import ParamsError
from puhui.measures.predicates import Conditions, Predicate
from puhui.measures.rows import Unit
from puhui.params import Measure, Params
from puhui.params.expression import Expression
from puhui.params.rows import Ledger
from puhui.quarter import Quarter

#: Conditions in one pass: the bits of a BIGINT mask that stay clear of its sign.
BITS = 62
#: Conditions whose masks are grouped by together: more make more groups, fewer more groupings.
WORD = 10


@dataclass(frozen=True)
class Plan:
    """Distinct conditions, predicates and summed expressions of one quarter's measures."""

    conditions: tuple[str, ...]
    sums: tuple[str, ...]
    of: Mapping[str, tuple[int, int | None]] = field(default_factory=dict)
    """measure id → (index of its condition, index of its summed expression or None)."""
    counted: tuple[int, ...] = ()
    """Conditions whose distinct customers are counted."""
    added: tuple[tuple[int, int | None], ...] = ()
    """Distinct (condition, summed expression or None) of sums and counts of loans."""
    predicates: tuple[Predicate, ...] = ()
    with_register: bool = False
    """Whether a condition compares with the institution's register entry."""


def plan(
    params: Params, quarter: Quarter, measures: Iterable[Measure], *, dialect: str = "duckdb"
) -> Plan:
    """Collect each distinct condition, predicate and summed expression once."""
    context = RowContext(params, quarter, dialect)
    found = Conditions(context)
    of: dict[str, tuple[int, int | None]] = {}
    counted: dict[int, None] = {}
    added: dict[tuple[int, int | None], None] = {}
    sums: dict[str, int] = {}
    with_register = False
    for measure in measures:
        if measure.ledger is None:
            continue
        condition, summed = found.number(measure.ledger.where), None
        if measure.ledger.aggregate == "sum":
            value = context.sql(_summed(measure, measure.ledger))
            summed = sums.setdefault(value, len(sums))
        of[measure.id] = (condition, summed)
        if measure.ledger.aggregate == "customers":
            counted[condition] = None
        else:
            added[condition, summed] = None
        with_register |= any(q == "institution" for q, _ in measure.ledger.where.columns)
    return Plan(
        tuple(found.sql()),
        tuple(sums),
        of,
        tuple(counted),
        tuple(added),
        tuple(found.predicates()),
        with_register,
    )


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


def sums_sql(made: Plan, quarter: Quarter) -> str:
    """SQL of the additive layer, by unit.

    Columns, for a condition ``c`` and a summed expression ``s``: ``r{c}`` rows that meet it,
    ``u{c}`` rows left unknown, ``t{c}_{s}`` their sum and ``n{c}_{s}`` how many it adds up.
    """
    bits = _masks_sql(made, quarter, sorted({c for c, _ in made.added}), values=True)
    words = _words(made)
    split = [f"m & {w} AS m{i}, u & {w} AS u{i}" for i, w in enumerate(words)]
    values = range(len(made.sums))
    kept = ", ".join(["institution_id", "branch_id", *(f"v{s}" for s in values), *split])
    keys = ", ".join(f"m{i}, u{i}" for i in range(len(words)))
    sets = ", ".join(f"(institution_id, branch_id, m{i}, u{i})" for i in range(len(words)))
    sums = "".join(f", sum(v{s}) AS s{s}, count(v{s}) AS n{s}" for s in values)
    grouped = (
        f"SELECT institution_id, branch_id, {keys}, count(*) AS n{sums} FROM "
        f"(SELECT {kept} FROM ({bits}) AS bits WHERE m <> 0 OR u <> 0) AS split "
        f"GROUP BY GROUPING SETS ({sets})"
    )
    columns = _folded(made, words)
    folded = ", ".join(f"{sql} AS {name}" for name, sql in columns.items())
    totals = ", ".join(f"sum({name}) AS {name}" for name in columns)
    return (
        f"SELECT institution_id, branch_id, grouping(branch_id) AS whole, {totals} FROM "
        f"(SELECT institution_id, branch_id, {folded} FROM ({grouped}) AS grouped "
        "GROUP BY institution_id, branch_id) AS folded "
        "GROUP BY GROUPING SETS ((institution_id, branch_id), (institution_id))"
    )


def _words(made: Plan) -> list[int]:
    """Masks of conditions grouped by together: what adds up the same column goes together."""
    order = sorted(made.added, key=lambda e: (-1 if e[1] is None else e[1], e[0]))
    conditions = list(dict.fromkeys(c for c, _ in order))
    return [sum(1 << c for c in conditions[i : i + WORD]) for i in range(0, len(conditions), WORD)]


def _folded(made: Plan, words: Sequence[int]) -> dict[str, str]:
    """Result columns of the additive layer from groups (other words' masks are null)."""
    columns: dict[str, str] = {}
    for condition, summed in made.added:
        bit = 1 << condition
        word = next(i for i, w in enumerate(words) if w & bit)
        holds = f"CASE WHEN m{word} & {bit} <> 0 THEN"
        columns[f"r{condition}"] = f"sum({holds} n END)"
        columns[f"u{condition}"] = f"sum(CASE WHEN u{word} & {bit} <> 0 THEN n END)"
        if summed is not None:
            columns[f"t{condition}_{summed}"] = f"sum({holds} s{summed} END)"
            columns[f"n{condition}_{summed}"] = f"sum({holds} n{summed} END)"
    return columns


def customers_sql(made: Plan, quarter: Quarter) -> str:
    """SQL of the customer layer, by unit.

    Columns for a counted condition ``c``: ``r{c}`` distinct customers that meet it, ``u{c}``
    those left unknown. An institution's are counted over all its branches.
    """
    keys = "institution_id, branch_id, customer_id"
    bits = _masks_sql(made, quarter, made.counted, extra="customer_id")
    counts = ", ".join(
        f"count(CASE WHEN m & {1 << c} <> 0 THEN 1 END) AS r{c}, "
        f"count(CASE WHEN m & {1 << c} = 0 AND u & {1 << c} <> 0 THEN 1 END) AS u{c}"
        for c in made.counted
    )
    return (
        f"WITH at_branch AS (SELECT {keys}, bit_or(m) AS m, bit_or(u) AS u FROM ({bits}) AS bits "
        f"WHERE m <> 0 OR u <> 0 GROUP BY {keys}), "
        "at_institution AS (SELECT institution_id, customer_id, bit_or(m) AS m, bit_or(u) AS u "
        "FROM at_branch GROUP BY institution_id, customer_id) "
        f"SELECT institution_id, branch_id, 0 AS whole, {counts} FROM at_branch "
        "GROUP BY institution_id, branch_id UNION ALL "
        f"SELECT institution_id, NULL, 1, {counts} FROM at_institution GROUP BY institution_id"
    )


def _masks_sql(
    made: Plan, quarter: Quarter, wanted: Sequence[int], *, values: bool = False, extra: str = ""
) -> str:
    """SQL of one row per loan: its unit, masks ``m`` and ``u`` and what is summed."""
    bits = sum(1 << c for c in wanted)
    asked = [p for p in made.predicates if p.bits & bits]
    of_customer = [p for p in asked if p.customer_only]
    of_loan = [p for p in asked if not p.customer_only]
    keys = ["institution_id", "branch_id", *([extra] if extra else [])]
    summed = made.sums if values else ()
    rows = [
        *(f"l.{k} AS {k}" for k in keys),
        *(f"{sql} AS v{s}" for s, sql in enumerate(summed)),
        "COALESCE(c.f, nobody.f) AS f, COALESCE(c.x, nobody.x) AS x",
        *(f"({p.sql}) AS b{i}" for i, p in enumerate(of_loan)),
    ]
    false, unknown = _marks(of_loan, bits)
    kept = ", ".join([*keys, *(f"v{s}" for s in range(len(summed)))])
    source = _source(quarter, of_customer, of_loan, bits, with_register=made.with_register)
    return (
        f"SELECT {kept}, {bits} - (f | x) AS m, (f | x) - f AS u FROM ("
        f"SELECT {kept}, f | {false} AS f, x | {unknown} AS x FROM ("
        f"SELECT {', '.join(rows)} {source}) AS facts) AS marks"
    )


def _marks(predicates: Sequence[Predicate], bits: int) -> tuple[str, str]:
    """Bits of conditions put out by what is false, and left in doubt by what is unknown."""
    false, unknown = ["CAST(0 AS BIGINT)"], ["CAST(0 AS BIGINT)"]
    for i, p in enumerate(predicates):
        mask = f"THEN CAST({p.bits & bits} AS BIGINT) ELSE 0 END"
        false.append(f"CASE WHEN NOT b{i} {mask}")
        if not p.never_null:
            unknown.append(f"CASE WHEN b{i} IS NULL {mask}")
    return " | ".join(false), " | ".join(unknown)


def _source(
    quarter: Quarter,
    of_customer: Sequence[Predicate],
    of_loan: Sequence[Predicate],
    bits: int,
    *,
    with_register: bool,
) -> str:
    """FROM and WHERE of a quarter's loans (``l``) with their customers' marks (``c``).

    ``nobody`` has the marks of a loan whose customer is not in the list: all is empty.
    """
    false, unknown = _marks(of_customer, bits)
    evaluated = "".join(f", {p.sql} AS b{i}" for i, p in enumerate(of_customer))
    carried = sorted({c for p in of_loan for c in p.customer_columns})
    also = "".join(f", {ident(c)}" for c in carried)
    also_c = "".join(f", c.{ident(c)} AS {ident(c)}" for c in carried)
    marks = f"{false} AS f, {unknown} AS x"
    keys = "c.institution_id AS institution_id, c.customer_id AS customer_id"
    people = (
        f"SELECT institution_id, customer_id, {marks}{also} FROM (SELECT {keys}{also_c}{evaluated} "
        f"FROM {CUSTOMERS} c WHERE c.quarter = {quote(str(quarter))}) AS asked"
    )
    nobody = (
        f"SELECT {marks} FROM (SELECT one{evaluated} "
        f"FROM (SELECT 1 AS one) AS here LEFT JOIN {CUSTOMERS} c ON FALSE) AS asked"
    )
    register = f"LEFT JOIN {REGISTER_VIEW} i ON i.institution_id = l.institution_id "
    return (
        f"FROM {LOANS} l CROSS JOIN ({nobody}) AS nobody LEFT JOIN ({people}) AS c "
        "ON c.institution_id = l.institution_id AND c.customer_id = l.customer_id "
        f"{register if with_register else ''}WHERE l.quarter = {quote(str(quarter))}"
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
