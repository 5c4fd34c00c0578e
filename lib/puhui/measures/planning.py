"""The plan of a quarter's ledger measures: each predicate once, each summed expression once.

A loan's conditions become two masks of bits: ``m``, conditions that hold, and ``u``, those left
unknown. A predicate that is false puts out the bits of every condition it is part of, one that
is unknown leaves them in doubt; so a further condition costs a row nothing. What asks for the
customer alone is settled once a customer, before the join. The marked loans are kept while
their measures are taken: sums by institution × branch × a word of the masks, distinct customers
by ``bit_or`` of the masks per customer, at the branch and at the institution.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from puhui.derive import (
    CUSTOMERS,
    LOANS,
    REGISTER_VIEW,
    RowContext,
    facts_from,
    needed_columns,
)
from puhui.engine.duckdb import ident, quote
from puhui.errors import ParamsError
from puhui.measures.predicates import Conditions, Predicate, Side
from puhui.measures.rows import Unit
from puhui.params import Measure, Params
from puhui.params.expression import Expression
from puhui.params.rows import Ledger
from puhui.quarter import Quarter

#: Conditions in one pass: the bits of a BIGINT mask that stay clear of its sign.
BITS = 62
#: Conditions whose masks are grouped by together: more make more groups, fewer more groupings.
WORD = 16
#: Table of the marked loans.
MARKS = "marked_loans"


@dataclass(frozen=True)
class Word:
    """Conditions grouped by together, and the one expression they sum (None: loans counted)."""

    summed: int | None
    conditions: tuple[int, ...]


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
    columns: tuple[tuple[str, str], ...] = ()
    """(table, column) that summed expressions rest on."""

    def words(self) -> list[Word]:
        """Split what is added up into words of conditions that sum the same."""
        together: dict[int | None, list[int]] = {}
        for condition, summed in self.added:
            together.setdefault(summed, []).append(condition)
        return [
            Word(summed, tuple(conditions[i : i + WORD]))
            for summed, conditions in together.items()
            for i in range(0, len(conditions), WORD)
        ]


def plan(
    params: Params, quarter: Quarter, measures: Iterable[Measure], *, dialect: str = "duckdb"
) -> Plan:
    """Collect each distinct condition, predicate and summed expression once."""
    context = RowContext(params, quarter, dialect)
    marked = replace(context, customer="l")
    found = Conditions(context)
    columns: set[tuple[str, str]] = set()
    of: dict[str, tuple[int, int | None]] = {}
    counted: dict[int, None] = {}
    added: dict[tuple[int, int | None], None] = {}
    sums: dict[str, int] = {}
    for measure in measures:
        if measure.ledger is None:
            continue
        condition, summed = found.number(measure.ledger.where), None
        if measure.ledger.aggregate == "sum":
            value = _summed(measure, measure.ledger)
            columns |= needed_columns(params, value)
            summed = sums.setdefault(marked.sql(value), len(sums))
        of[measure.id] = (condition, summed)
        if measure.ledger.aggregate == "customers":
            counted[condition] = None
        else:
            added[condition, summed] = None
    return Plan(
        tuple(found.sql()),
        tuple(sums),
        of,
        tuple(counted),
        tuple(added),
        tuple(found.predicates()),
        tuple(sorted(columns)),
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


def marks_sql(made: Plan, quarter: Quarter) -> str:
    """SQL of the loans that meet or may meet a condition, one row each.

    Columns: the unit (``institution_no`` of the register, ``branch_no`` of the snapshot),
    ``customer_no`` if customers are counted, masks ``m`` (conditions met) and ``u`` (left
    unknown), and the columns that are summed.
    """
    sides: dict[Side, list[Predicate]] = {"loan": [], "customer": [], "both": []}
    for predicate in made.predicates:
        sides[predicate.side].append(predicate)
    asked = {(q or "loan", name) for p in sides["both"] for q, name in p.columns}
    summed = {("customer" if t == CUSTOMERS else "loan", name) for t, name in made.columns}
    of_loan, of_customer = (
        sorted(n for s, n in asked | summed if s == side) for side in ("loan", "customer")
    )
    keys = ["institution_id", "customer_no"]
    loans = _marked(
        "l", [*keys, "branch_no", *of_loan], sides["loan"], f"{LOANS} l WHERE l.{_on(quarter)}"
    )
    people = _marked(
        "c", [*keys, *of_customer], sides["customer"], f"{CUSTOMERS} c WHERE c.{_on(quarter)}"
    )
    nobody = _marked(
        "c", [], sides["customer"], f"(SELECT 1 AS one) AS here LEFT JOIN {CUSTOMERS} c ON FALSE"
    )
    kept = [
        "institution_no",
        "branch_no",
        *(["customer_no"] if made.counted else []),
        *(ident(name) for _, name in made.columns),
    ]
    owner = {"institution_no": "i", **{ident(n): "c" for n in of_customer}}
    rows = [
        *(f"{owner.get(name, 'l')}.{name} AS {name}" for name in kept),
        "l.f | COALESCE(c.f, nobody.f) AS f, l.x | COALESCE(c.x, nobody.x) AS x",
        *(f"({p.sql}) AS b{i}" for i, p in enumerate(sides["both"])),
    ]
    false, unknown = _bits_of(sides["both"])
    columns, every = ", ".join(kept), (1 << len(made.conditions)) - 1
    return (
        f"SELECT {columns}, {every} - (f | x) AS m, (f | x) - f AS u FROM ("
        f"SELECT {columns}, f | {false} AS f, x | {unknown} AS x FROM ("
        f"SELECT {', '.join(rows)} FROM ({loans}) AS l "
        f"JOIN {REGISTER_VIEW} i ON i.institution_id = l.institution_id "
        f"CROSS JOIN ({nobody}) AS nobody LEFT JOIN ({people}) AS c "
        "ON c.institution_id = l.institution_id AND c.customer_no = l.customer_no"
        f") AS facts) AS marked WHERE f <> {every}"
    )


def _on(quarter: Quarter) -> str:
    return f"quarter = {quote(str(quarter))}"


def _marked(alias: str, kept: Sequence[str], predicates: Sequence[Predicate], source: str) -> str:
    """SQL of one side with its marks: ``f`` bits put out, ``x`` bits left in doubt."""
    false, unknown = _bits_of(predicates)
    marks = f"{false} AS f, {unknown} AS x"
    evaluated = [f"({p.sql}) AS b{i}" for i, p in enumerate(predicates)]
    rows = [*(f"{alias}.{ident(n)} AS {ident(n)}" for n in kept), *evaluated] or ["1 AS one"]
    columns = "".join(f"{ident(n)}, " for n in kept)
    return f"SELECT {columns}{marks} FROM (SELECT {', '.join(rows)} FROM {source}) AS asked"


def _bits_of(predicates: Sequence[Predicate]) -> tuple[str, str]:
    """Bits of conditions put out by what is false, and left in doubt by what is unknown."""
    false, unknown = ["CAST(0 AS BIGINT)"], ["CAST(0 AS BIGINT)"]
    for i, p in enumerate(predicates):
        mask = f"THEN CAST({p.bits} AS BIGINT) ELSE 0 END"
        false.append(f"CASE WHEN NOT b{i} {mask}")
        if not p.never_null:
            unknown.append(f"CASE WHEN b{i} IS NULL {mask}")
    return " | ".join(false), " | ".join(unknown)


def sums_sql(made: Plan, word: Word) -> str:
    """SQL of one word of the additive layer over the marks, by unit.

    Columns for a condition ``c``: ``r{c}`` rows that meet it, ``u{c}`` rows left unknown,
    ``t{c}`` what they sum up to and ``n{c}`` how many rows that adds up.
    """
    bits, added = _bits(word.conditions), ["count(*) AS n"]
    if word.summed is not None:
        value = made.sums[word.summed]
        added += [f"sum({value}) AS s", f"count({value}) AS k"]
    grouped = (
        f"SELECT institution_no, branch_no, m & {bits} AS m, u & {bits} AS u, {', '.join(added)} "
        f"FROM {MARKS} l WHERE (m | u) & {bits} <> 0 "
        f"GROUP BY institution_no, branch_no, m & {bits}, u & {bits}"
    )
    columns = _folded(word)
    folded = ", ".join(f"{sql} AS {name}" for name, sql in columns.items())
    totals = ", ".join(f"sum({name}) AS {name}" for name in columns)
    return (
        f"SELECT institution_no, branch_no, grouping(branch_no) AS whole, {totals} FROM "
        f"(SELECT institution_no, branch_no, {folded} FROM ({grouped}) AS grouped "
        "GROUP BY institution_no, branch_no) AS folded "
        "GROUP BY GROUPING SETS ((institution_no, branch_no), (institution_no))"
    )


def _bits(conditions: Iterable[int]) -> int:
    return sum(1 << c for c in conditions)


def _folded(word: Word) -> dict[str, str]:
    """Result columns of a word from its groups."""
    columns: dict[str, str] = {}
    for c in word.conditions:
        holds = f"CASE WHEN m & {1 << c} <> 0 THEN"
        columns[f"r{c}"] = f"sum({holds} n END)"
        columns[f"u{c}"] = f"sum(CASE WHEN u & {1 << c} <> 0 THEN n END)"
        if word.summed is not None:
            columns[f"t{c}"] = f"sum({holds} s END)"
            columns[f"n{c}"] = f"sum({holds} k END)"
    return columns


def customers_sql(made: Plan) -> str:
    """SQL of the customer layer over the marks, by unit.

    Columns for a counted condition ``c``: ``r{c}`` distinct customers that meet it, ``u{c}``
    those left unknown. An institution's are counted over all its branches.
    """
    keys = "institution_no, branch_no, customer_no"
    bits = _bits(made.counted)
    counts = ", ".join(
        f"count(CASE WHEN m & {1 << c} <> 0 THEN 1 END) AS r{c}, "
        f"count(CASE WHEN m & {1 << c} = 0 AND u & {1 << c} <> 0 THEN 1 END) AS u{c}"
        for c in made.counted
    )
    return (
        f"WITH at_branch AS (SELECT {keys}, bit_or(m) AS m, bit_or(u) AS u FROM {MARKS} "
        f"WHERE (m | u) & {bits} <> 0 GROUP BY {keys}), "
        "at_institution AS (SELECT institution_no, customer_no, bit_or(m) AS m, bit_or(u) AS u "
        "FROM at_branch GROUP BY institution_no, customer_no) "
        f"SELECT institution_no, branch_no, 0 AS whole, {counts} FROM at_branch "
        "GROUP BY institution_no, branch_no UNION ALL "
        f"SELECT institution_no, NULL, 1, {counts} FROM at_institution GROUP BY institution_no"
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
