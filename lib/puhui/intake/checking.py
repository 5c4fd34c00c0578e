"""Runs the checks: built-in ones on blocks as read, the others in the engine per table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from puhui import schema
from puhui.engine import DuckDBEngine
from puhui.engine.duckdb import ident
from puhui.intake import uscc
from puhui.intake.block import Block
from puhui.intake.checks import PHASES, Check, Checks, Exists
from puhui.intake.layout import Layout
from puhui.intake.privacy import is_organisation
from puhui.intake.reading import Refusal
from puhui.params.render import literal_sql
from puhui.quarter import Quarter


@dataclass(frozen=True)
class Hit:
    """Rows of a block that fail a check at a column."""

    check: Check
    column: str
    block: int
    rows: np.ndarray[tuple[int], np.dtype[np.int64]]


@dataclass
class Outcome:
    """What checking one table's blocks found; ``failed`` per block the first error's id."""

    hits: list[Hit] = field(default_factory=list)
    failed: list[np.ndarray[tuple[int], np.dtype[np.object_]]] = field(default_factory=list)

    def add(self, check: Check, column: str, block: int, failing: pa.Array) -> None:
        """Record failing rows (a mask); an error takes them out of later phases."""
        rows = np.flatnonzero(failing.to_numpy(zero_copy_only=False))
        if not len(rows):
            return
        self.hits.append(Hit(check, column, block, rows))
        if check.severity == "error":
            marks = self.failed[block]
            fresh = rows[[mark is None for mark in marks[rows]]]
            marks[fresh] = check.id

    def passing(self, block: int) -> pa.Array:
        """Mask of the rows no error has touched."""
        return pa.array([mark is None for mark in self.failed[block]], pa.bool_())


def refuse_wrong_scale(block: Block, checks: Checks, layout: Layout) -> None:
    """Refuse a file whose rates centre where no percentage a year can centre.

    Raises
    ------
    Refusal
        The median of a rate column is outside the check's bounds.
    """
    check = checks.builtin("rate_scale")
    assert check.low is not None and check.high is not None
    for name in check.columns if block.part.table == check.table else ():
        if name not in block.origin:
            continue
        source = block.origin[name].source
        stack = block.stacks[source]
        frame_of = stack.data.column("__frame").combine_chunks().take(block.rows[source])
        for index, frame in enumerate(stack.frames):
            own = block.values[name].filter(pc.equal(frame_of, index))
            rates = own.drop_null().cast(pa.float64()).to_numpy(zero_copy_only=False)
            if not (rates > 0).any():
                continue
            middle = float(np.median(rates[rates > 0]))
            if not float(check.low) <= middle <= float(check.high):
                label = schema.column(block.part.table, name).label
                line = check.message.format(label=label, value=f"{middle:.4g}", layout=layout.label)
                raise Refusal(line, file=frame.file, sheet=frame.sheet, remedy="")


def check_format(blocks: Sequence[Block], checks: Checks) -> Outcome:
    """Whether every cell could be read, required ones are there, and joins are unique."""
    outcome = Outcome(failed=[np.full(b.num_rows, None, dtype=object) for b in blocks])
    for i, block in enumerate(blocks):
        own = block.stacks[""].data.column("__whole").combine_chunks().take(block.rows[""])
        outcome.add(checks.builtin("cells"), "", i, pc.invert(own))
        whole = outcome.passing(i)
        for name, faults in block.faults.items():
            for fault in sorted(t for t in pc.unique(faults).to_pylist() if t):
                failing = pc.and_(pc.fill_null(pc.equal(faults, fault), False), whole)
                outcome.add(checks.builtin(fault), name, i, failing)
            besides = (block.part.table, name) in checks.builtin("required").besides
            if block.part.rules[name].required and name not in block.absent and not besides:
                unread = pc.and_(pc.is_null(block.values[name]), pc.is_null(faults))
                outcome.add(checks.builtin("required"), name, i, pc.and_(unread, whole))
        _check_joins(block, i, checks, outcome, whole)
        if block.part.table == "customers" and "certificate_no" in block.values:
            outcome.add(checks.builtin("uscc"), "certificate_no", i, _wrong_uscc(block))
        if block.part.table == "returns":
            _check_figures(block, i, checks, outcome)
    return outcome


def _check_figures(block: Block, i: int, checks: Checks, outcome: Outcome) -> None:
    """Filed figures: no item is negative, and an item nobody uses is probably misspelt."""
    unknown = checks.builtin("unknown_item")
    item, value = block.values["item"], block.values["value"]
    used = pc.is_in(item, value_set=pa.array(unknown.known, pa.string()))
    outcome.add(unknown, "item", i, pc.and_(pc.is_valid(item), pc.invert(used)))
    negative = pc.fill_null(pc.less(value, pa.scalar(0, value.type)), False)
    outcome.add(checks.builtin("negative_figure"), "value", i, pc.and_(used, negative))


def _check_joins(block: Block, i: int, checks: Checks, outcome: Outcome, whole: pa.Array) -> None:
    """Several rows under one joined id: an error where they contradict each other."""
    conflict = checks.builtin("conflict")
    one_answer = whole
    for column in (c for c in conflict.columns if c in block.conflicts):
        outcome.add(conflict, column, i, pc.and_(block.conflicts[column], one_answer))
        one_answer = pc.and_not(one_answer, block.conflicts[column])
    for alias, twice in block.ambiguous.items():
        column = next((n for n, f in block.origin.items() if f.source == alias), "")
        outcome.add(checks.builtin("ambiguous_join"), column, i, pc.and_(twice, one_answer))


def _wrong_uscc(block: Block) -> pa.Array:
    codes = pc.if_else(is_organisation(block), block.values["certificate_no"], None)
    encoded = codes.dictionary_encode()
    wrong = [len(c) == 18 and not uscc.is_valid(c.upper()) for c in encoded.dictionary.to_pylist()]
    return pc.fill_null(pa.array(wrong, pa.bool_()).take(encoded.indices), False)


def check_table(
    engine: DuckDBEngine,
    table: str,
    blocks: Sequence[Block],
    outcome: Outcome,
    checks: Checks,
    quarter: Quarter | None,
    references: Mapping[str, pa.Table],
) -> None:
    """Row, reference and file checks of one table: one engine pass per phase.

    ``references`` are accepted rows of tables that come before this one, and registers.
    """
    rows = stacked(table, blocks, with_place=True)
    for name, reference in references.items():
        engine.register(f"reference_{name}", reference)
    for phase in PHASES[1:]:
        passing = pa.concat_arrays([outcome.passing(i) for i in range(len(blocks))])
        engine.register("rows", rows.filter(passing))
        if phase == "file":
            _duplicates(engine, table, blocks, outcome, checks)
            if table == "returns":
                _parts_of_wholes(engine, blocks, outcome, checks)
        else:
            chosen = [c for c in checks.of(table, phase) if _can_run(c, quarter, references)]
            _pass(engine, chosen, blocks, outcome, quarter)


def stacked(table: str, blocks: Sequence[Block], *, with_place: bool) -> pa.Table:
    """Blocks below each other with all canonical (and aside) columns, absent ones null."""
    columns = {c.name: c.arrow_type for c in schema.columns(table)}
    for block in blocks:
        columns |= {n: block.values[n].type for n in block.part.aside if with_place}
    tables = []
    for i, block in enumerate(blocks):
        data = {
            n: block.values[n].cast(t) if n in block.values else pa.nulls(block.num_rows, t)
            for n, t in columns.items()
        }
        if with_place:
            data["__part"] = pa.array([i] * block.num_rows, pa.int32())
            data["__i"] = pa.array(range(block.num_rows), pa.int64())
        tables.append(pa.table(data))
    return pa.concat_tables(tables)


def _can_run(check: Check, quarter: Quarter | None, references: Mapping[str, pa.Table]) -> bool:
    if check.exists is not None:
        return check.exists.inside in references
    expressions = [e for e in (check.condition, check.when) if e is not None]
    dated = any(name == "quarter_end" for e in expressions for _, name in e.columns)
    return quarter is not None or not dated


def _pass(
    engine: DuckDBEngine,
    checks: Sequence[Check],
    blocks: Sequence[Block],
    outcome: Outcome,
    quarter: Quarter | None,
) -> None:
    def resolve(qualifier: str, name: str) -> str:
        if name == "quarter_end" and quarter is not None:
            return literal_sql(quarter.end)
        return ident(name)

    selected: list[Check] = []
    terms: list[str] = []
    for check in checks:
        without = [i for i, b in enumerate(blocks) if not _supplies(b, check)]
        if len(without) < len(blocks):
            selected.append(check)
            terms.append(_holds(check, without, resolve))
    if not selected:
        return
    listed = ", ".join(f"{term} AS {ident(c.id)}" for c, term in zip(selected, terms, strict=True))
    every = " AND ".join(ident(c.id) for c in selected)
    failing = engine.sql(
        f"SELECT * FROM (SELECT __part, __i, {listed} FROM rows) WHERE NOT ({every})"
    )
    for check in selected:
        _record(outcome, check, failing.filter(pc.invert(failing.column(check.id))), blocks)


def _supplies(block: Block, check: Check) -> bool:
    given = set(block.values) - block.absent
    return check.needs <= given


def _holds(check: Check, without: Sequence[int], resolve: object) -> str:
    assert callable(resolve)
    terms = [f"__part IN ({', '.join(map(str, without))})"] if without else []
    if check.when is not None:
        terms.append(f"NOT COALESCE({check.when.sql(resolve)}, FALSE)")
    if check.condition is not None:
        terms.append(f"COALESCE({check.condition.sql(resolve)}, FALSE)")
    if check.exists is not None:
        terms += _found(check.exists)
    return f"({' OR '.join(terms)})"


def _found(exists: Exists) -> Iterator[str]:
    """Conditions of which one must hold for a row to have what it refers to."""
    source = ident(f"reference_{exists.inside}")

    def there(names: Sequence[str], *more: str) -> str:
        on = " AND ".join([*(f"r.{ident(c)} = rows.{ident(c)}" for c in names), *more])
        return f"EXISTS (SELECT 1 FROM {source} r WHERE {on})"

    if exists.each:
        pieces = f"string_split_regex(rows.{ident(exists.each)}, '[;,、]')"
        same = f"r.{ident(exists.on[-1])} = p.piece"
        yield (
            f"NOT EXISTS (SELECT 1 FROM (SELECT trim(unnest({pieces})) AS piece) p "
            f"WHERE p.piece <> '' AND NOT {there(exists.on[:-1], same)})"
        )
    else:
        yield there(exists.on)
    if exists.if_any:
        yield f"NOT {there(exists.if_any)}"


def _record(outcome: Outcome, check: Check, rows: pa.Table, blocks: Sequence[Block]) -> None:
    parts = rows.column("__part").to_numpy()
    indices = rows.column("__i").to_numpy()
    for i, block in enumerate(blocks):
        mask = np.zeros(block.num_rows, dtype=bool)
        mask[indices[parts == i]] = True
        outcome.add(check, check.columns[0] if check.columns else "", i, pa.array(mask))


def _duplicates(
    engine: DuckDBEngine, table: str, blocks: Sequence[Block], outcome: Outcome, checks: Checks
) -> None:
    keys = [c.name for c in schema.columns(table) if c.is_key]
    names = ", ".join(map(ident, keys))
    # A part that takes each key once keeps a second row only where it contradicts the first.
    listed = ", ".join(str(i) for i, b in enumerate(blocks) if b.part.distinct) or "NULL"
    failing = engine.sql(
        f"SELECT __part, __i, COALESCE(bool_or(__part IN ({listed})) OVER key, FALSE) AS torn "
        f"FROM rows WINDOW key AS (PARTITION BY {names}) QUALIFY count(*) OVER key > 1"
    )
    own = [k for k in keys if k != "institution_id"] or keys
    conflict = checks.builtin("conflict")
    for check, torn in ((conflict, True), (checks.builtin("duplicate_key"), False)):
        chosen = failing.filter(pc.equal(failing.column("torn"), torn))
        parts, indices = chosen.column("__part").to_numpy(), chosen.column("__i").to_numpy()
        for i, block in enumerate(blocks):
            mask = np.zeros(block.num_rows, dtype=bool)
            mask[indices[parts == i]] = True
            about = conflict.columns if torn else ()
            shown = block.part.wide_value or next(
                (k for k in (*about, *own) if k in block.origin), own[0]
            )
            outcome.add(check, shown, i, pa.array(mask))


def _parts_of_wholes(
    engine: DuckDBEngine, blocks: Sequence[Block], outcome: Outcome, checks: Checks
) -> None:
    """Figures larger than the figure they are part of, of the same unit, day and basis."""
    check = checks.builtin("part_of_whole")
    listed = ", ".join(literal_sql(pair) for pair in check.pairs.items())
    failing = engine.sql(
        "SELECT DISTINCT part.__part, part.__i "
        f"FROM rows part JOIN (VALUES {listed}) pair(part, whole) ON part.item = pair.part "
        "JOIN rows whole ON whole.item = pair.whole "
        "AND whole.institution_id = part.institution_id "
        "AND whole.branch_id IS NOT DISTINCT FROM part.branch_id "
        "AND whole.as_of = part.as_of AND whole.basis = part.basis "
        "WHERE part.value > whole.value"
    )
    _record(outcome, check, failing, blocks)
