"""Puts located sources together into canonical rows, part by part, and remembers origins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from puhui import schema
from puhui.errors import ParamsError
from puhui.intake.block import Block, Stack, select
from puhui.intake.joining import contradicted, match
from puhui.intake.layout import Field, Layout, Part, Rule
from puhui.intake.locate import Frame
from puhui.intake.reading import Refusal
from puhui.intake.units import check_units, fits, item_unit, quantities
from puhui.intake.values import Parsed, arrow_type, parse, quantity
from puhui.quarter import Quarter


def assemble(
    part: Part, sources: Mapping[str, Stack], layout: Layout, quarter: Quarter | None
) -> Block | None:
    """Build the rows of one part; ``None`` when its own source was not submitted.

    Raises
    ------
    Refusal
        A header the layout needs is missing, or a stated unit is not the layout's.
    """
    if part.source not in sources:
        return None
    own = sources[part.source]
    stacks = {"": own} | {
        alias: sources[j.source] for alias, j in part.joins.items() if j.source in sources
    }
    part = _with_its_columns(part, own)
    _check_headers(part, stacks)
    check_units(part, stacks, layout)
    count = own.data.num_rows
    width = len(part.wide) or 1
    rows: dict[str, pa.Array] = {"": _repeat(pa.array(range(count), pa.int64()), width)}
    ambiguous = {}
    for alias, join in part.joins.items():
        if alias in stacks:
            found, twice = match(own.data, join.left, stacks[alias].data, join.right)
            rows[alias], ambiguous[alias] = _repeat(found, width), _repeat(twice, width)
    builder = _Builder(part, stacks, layout, quarter, rows, count)
    return builder.block(ambiguous)


def _repeat(values: pa.Array, times: int) -> pa.Array:
    if times == 1:
        return values
    return values.take(pa.array(np.repeat(np.arange(len(values)), times)))


def _with_its_columns(part: Part, own: Stack) -> Part:
    """The part with those columns of a table of items that a file has; a file need not have all."""
    if not part.wide_items:
        return part
    return replace(part, wide=tuple(w for w in part.wide if own.has(w.header)))


def _check_headers(part: Part, stacks: Mapping[str, Stack]) -> None:
    lacking = [Field("", j.left) for j in part.joins.values() if not stacks[""].has(j.left)]
    for rule in part.rules.values():
        there = [f for f in rule.fields if f.source in stacks]
        if (
            rule.required
            and not rule.may_lack
            and there
            and not any(_supplied(f, stacks) for f in there)
        ):
            lacking.append(there[0])
    for frame in stacks[""].frames:
        unsaid = [w.header for w in part.wide if w.header not in frame.letters]
        if unsaid and not part.wide_items:
            raise _lacking(part, frame, unsaid)
    if lacking:
        frame = stacks[lacking[0].source].frames[0]
        names = [f.header for f in lacking if f.source == lacking[0].source]
        raise _lacking(part, frame, names)


def _lacking(part: Part, frame: Frame, names: Sequence[str]) -> Refusal:
    return Refusal(
        f"表“{schema.label(part.table)}”缺少列：{'、'.join(names)}。",
        file=frame.file,
        sheet=frame.sheet,
        remedy="请按版式补上这些列（表头文字照抄）后重新报送。",
    )


def _supplied(field: Field, stacks: Mapping[str, Stack]) -> bool:
    return field.source in stacks and stacks[field.source].has(field.header)


class _Builder:
    """Reads the columns of one part; exists only while a block is being built."""

    def __init__(
        self,
        part: Part,
        stacks: Mapping[str, Stack],
        layout: Layout,
        quarter: Quarter | None,
        rows: Mapping[str, pa.Array],
        count: int,
    ) -> None:
        self.part, self.stacks, self.layout, self.quarter = part, stacks, layout, quarter
        self.rows, self.count = rows, count
        self.length = len(rows[""])
        self.parsed: dict[str, Parsed] = {}
        self.origin: dict[str, Field] = {}
        self.absent: set[str] = set(part.absent)

    def block(self, ambiguous: Mapping[str, pa.Array]) -> Block:
        ordered = sorted(self.part.rules.values(), key=lambda r: bool(r.unit_by))
        for rule in ordered:
            self.parsed[rule.name] = self._column(rule)
        known = {c.name for c in schema.columns(self.part.table)}
        self.absent |= known - set(self.part.rules) - {"institution_id"}
        block = Block(
            part=self.part,
            stacks=self.stacks,
            values={n: p.values for n, p in self.parsed.items()},
            texts={n: p.texts for n, p in self.parsed.items()},
            faults={n: p.faults for n, p in self.parsed.items()},
            origin=self.origin,
            headers=self._wide_headers(),
            rows=self.rows,
            absent=frozenset(self.absent),
            ambiguous=ambiguous,
            conflicts=self._conflicts([a for a in ambiguous if pc.any(ambiguous[a]).as_py()]),
            left_out=(0,) * len(self.stacks[""].frames),
            not_received=tuple(
                self.layout.sources[j.source].files[0]
                for alias, j in self.part.joins.items()
                if alias not in self.stacks
            ),
        )
        return self._figures_only(block) if self.part.wide else block

    def _conflicts(self, aliases: Sequence[str]) -> dict[str, pa.Array]:
        """Per column read from an ambiguous join, the rows for which its answers differ."""
        found: dict[str, pa.Array] = {}
        for rule in self.part.rules.values():
            for field in (f for f in rule.fields if f.source in aliases):
                if rule.kind == "set" or rule.unit_by or not _supplied(field, self.stacks):
                    continue
                right = self.stacks[field.source].data
                column = right.column(field.header).combine_chunks()
                values = parse(column, rule, self.layout).values
                torn = contradicted(right, self.part.joins[field.source].right, values)
                mine = pc.fill_null(torn.take(self.rows[field.source]), False)
                found[rule.name] = pc.or_(found[rule.name], mine) if rule.name in found else mine
        return found

    def _column(self, rule: Rule) -> Parsed:
        if rule.constant is not None:
            return self._same(rule, rule.constant)
        if rule.row_number:
            rows = self._take(Field("", "__row"))
            return _clean(pc.cast(rows, pa.string()))
        if self.part.wide and rule.name == self.part.wide_value:
            return self._quantities(rule, self._figures())
        wide = [w.constants.get(rule.name) for w in self.part.wide]
        if any(w is not None for w in wide):
            values = [self._constant(rule, w) for w in wide if w is not None]
            return _clean(pa.array(values * self.count, arrow_type(rule.kind)))
        fields = [f for f in rule.fields if _supplied(f, self.stacks)]
        if not fields and rule.default is not None:
            return self._same(rule, rule.default)
        if not fields:
            self.absent.add(rule.name)
            return _clean(pa.nulls(self.length, arrow_type(rule.kind)))
        self.origin[rule.name] = fields[0]
        if rule.unit_by:
            return self._quantities(rule, self._take(fields[0]))
        parsed = [parse(self._take(f), rule, self.layout) for f in fields]
        return self._default(rule, _combine(rule, parsed))

    def _take(self, field: Field) -> pa.Array:
        column = self.stacks[field.source].data.column(field.header).combine_chunks()
        return column.take(self.rows[field.source])

    def _same(self, rule: Rule, text: str) -> Parsed:
        value = self._constant(rule, text)
        return _clean(pa.array([value] * self.length, arrow_type(rule.kind)))

    def _constant(self, rule: Rule, text: str) -> object:
        if rule.kind == "date":
            return self._moment(text, rule)
        if rule.kind == "bool":
            return text == "true"
        if rule.kind == "set":
            return [text]
        if rule.kind in ("money", "rate", "bp"):
            return quantity(text, rule.kind, Decimal(1), "")
        return int(text) if rule.kind == "int" else text

    def _moment(self, text: str, rule: Rule) -> object:
        if self.quarter is None:
            raise ParamsError("这个版式要按季度读，却没有给出季度。", where=rule.where)
        if text == "quarter_end":
            return self.quarter.end
        return self.quarter.bases[text].end

    def _default(self, rule: Rule, parsed: Parsed) -> Parsed:
        if rule.default is None:
            return parsed
        value = self._constant(rule, rule.default)
        filled = pc.fill_null(parsed.values, pa.scalar(value, parsed.values.type))
        keep = pc.is_valid(parsed.faults)
        return Parsed(pc.if_else(keep, parsed.values, filled), parsed.texts, parsed.faults)

    def _figures(self) -> pa.Array:
        data = self.stacks[""].data
        columns = [
            data.column(w.header).combine_chunks()
            if w.header in data.column_names
            else pa.nulls(self.count, pa.string())
            for w in self.part.wide
        ]
        joined = pa.concat_arrays(columns)
        order = np.arange(len(joined)).reshape(len(columns), self.count).T.ravel()
        return joined.take(pa.array(order))

    def _wide_headers(self) -> pa.Array | None:
        if not self.part.wide:
            return None
        return pa.array([w.header for w in self.part.wide] * self.count, pa.string())

    def _quantities(self, rule: Rule, texts: pa.Array) -> Parsed:
        """Figures whose unit stands in another column of the row, or is that of their item."""
        if not self.layout.items:
            units = self.parsed[rule.unit_by].texts.to_pylist()
            return quantities(texts, units, rule, self.layout)
        self._fill_units(rule)
        items = self.parsed["item"].values.to_pylist()
        units = self.parsed[rule.unit_by].values.to_pylist()
        fitting = [
            unit if unit is not None and fits(self.layout.items.get(item or ""), unit) else None
            for item, unit in zip(items, units, strict=True)
        ]
        return quantities(texts, fitting, rule, self.layout)

    def _fill_units(self, rule: Rule) -> None:
        """Give each row that names no unit the one of its item, as the table states it."""
        filed = self.parsed[rule.unit_by]
        own = self.stacks[""]
        of_frame = own.data.column("__frame").combine_chunks().take(self.rows[""]).to_pylist()
        headers = self._wide_headers()
        names = [rule.fields[0].header] * self.length if headers is None else headers.to_pylist()
        items = self.parsed["item"].values.to_pylist()
        by_item = [
            item_unit(self.layout, item, own.frames[frame], name)
            for item, frame, name in zip(items, of_frame, names, strict=True)
        ]
        named = pc.is_valid(filed.texts)
        units = pc.if_else(named, filed.values, pa.array(by_item, pa.string()))
        self.parsed[rule.unit_by] = Parsed(units, filed.texts, filed.faults)
        self.absent.discard(rule.unit_by)

    def _figures_only(self, block: Block) -> Block:
        """Leave out empty figures, and figures said twice (in Q4 年初 is 上年同期)."""
        filed = pc.is_valid(block.texts[self.part.wide_value]).to_pylist()
        columns = [block.rows[""], *block.values.values(), block.faults[self.part.wide_value]]
        seen: set[tuple[object, ...]] = set()
        kept = []
        for i, row in enumerate(zip(*[c.to_pylist() for c in columns], strict=True)):
            if filed[i] and row not in seen:
                seen.add(row)
                kept.append(i)
        return select(block, pa.array(kept, pa.int64()))


def _clean(values: pa.Array) -> Parsed:
    nothing = pa.nulls(len(values), pa.string())
    return Parsed(values, nothing, nothing)


def _combine(rule: Rule, parsed: Sequence[Parsed]) -> Parsed:
    if len(parsed) == 1:
        return parsed[0]
    texts = pc.coalesce(*[p.texts for p in parsed])
    faults = pc.coalesce(*[p.faults for p in parsed])
    columns = [p.values for p in parsed]
    if rule.combine == "earliest":
        return Parsed(pc.min_element_wise(*columns, skip_nulls=True), texts, faults)
    if rule.combine == "sum":
        total = columns[0]
        for column in columns[1:]:
            both = pc.add(pc.fill_null(total, Decimal(0)), pc.fill_null(column, Decimal(0)))
            either = pc.or_(pc.is_valid(total), pc.is_valid(column))
            kept = pc.if_else(either, both, None)
            total = kept.cast(columns[0].type)
        return Parsed(total, texts, faults)
    return Parsed(pc.coalesce(*columns), texts, faults)
