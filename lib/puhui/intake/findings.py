"""Turns failing rows into findings a clerk can act on: file, sheet, row, cell, what to do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from puhui import results, schema
from puhui.intake.block import Block
from puhui.intake.checking import Hit, Outcome
from puhui.intake.layout import Field
from puhui.intake.pick import suggest
from puhui.quarter import Quarter


def findings_table(
    table: str, blocks: Sequence[Block], outcome: Outcome, quarter: Quarter | None
) -> pa.Table:
    """One row per failing row and check (``results.SCHEMAS["findings"]``)."""
    pieces = [_hit_rows(table, blocks[hit.block], hit, quarter) for hit in outcome.hits]
    empty = results.empty("findings")
    found = pa.concat_tables([empty, *pieces])
    return found.sort_by([("file", "ascending"), ("row", "ascending"), ("check_id", "ascending")])


def _hit_rows(table: str, block: Block, hit: Hit, quarter: Quarter | None) -> pa.Table:
    count = len(hit.rows)
    chosen = pa.array(hit.rows, pa.int64())
    rule = block.part.rules.get(hit.column)
    label = rule.label if rule else schema.label(table)
    files, sheets, rows, cells = _places(block, hit)
    texts = block.texts.get(hit.column)
    shown = texts.take(chosen) if texts is not None else pa.nulls(count, pa.string())

    def same(value: object) -> pa.Array:
        return pa.array([value] * count, pa.string())

    return pa.table(
        [
            same(str(quarter) if quarter else None),
            block.values["institution_id"].take(chosen),
            pa.nulls(count, pa.int64()),
            same(hit.check.id),
            same(hit.check.severity),
            same(hit.check.phase),
            same(table),
            same(hit.column or None),
            files,
            sheets,
            rows,
            cells,
            shown,
            _messages(hit, label, shown, tuple(rule.words or ()) if rule else ()),
        ],
        schema=results.SCHEMAS["findings"],
    )


def _messages(hit: Hit, label: str, shown: pa.Array, words: Sequence[str]) -> pa.Array:
    """The check's sentence per row; ``{value}`` is the cell as the finding may show it.

    Where the check knows the right answers, the nearest of those, or of the column's
    ``words``, is suggested.
    """
    message = hit.check.message
    if "{value}" not in message:
        return pa.array([message.format(label=label)] * len(shown), pa.string())
    near = (*hit.check.known, *words) if hit.check.known else ()
    texts = [
        message.format(label=label, value=t or "") + suggest(t or "", near)
        for t in shown.to_pylist()
    ]
    return pa.array(texts, pa.string())


def _places(block: Block, hit: Hit) -> tuple[pa.Array, pa.Array, pa.Array, pa.Array]:
    """File, sheet, row and A1 cell each failing value was read from."""
    chosen = pa.array(hit.rows, pa.int64())
    own = block.rows[""].take(chosen)
    field = block.origin.get(hit.column)
    wide = hit.column == block.part.wide_value and block.headers is not None
    if wide and block.headers is not None:
        headers = block.headers.take(chosen).to_pylist()
        return _located(block, Field("", ""), own, headers)
    if field is None or field.source == "":
        return _located(block, field or Field("", ""), own, None)
    joined = block.rows[field.source].take(chosen)
    left = Field("", block.part.joins[field.source].left)
    there, here = _located(block, field, joined, None), _located(block, left, own, None)
    found = pc.is_valid(joined)
    file, sheet, row, cell = (pc.if_else(found, t, h) for t, h in zip(there, here, strict=True))
    return file, sheet, row, cell


def _located(
    block: Block, field: Field, rows: pa.Array, headers: Sequence[str] | None
) -> tuple[pa.Array, pa.Array, pa.Array, pa.Array]:
    stack = block.stacks[field.source]
    frames = stack.data.column("__frame").combine_chunks().take(rows).to_pylist()
    numbers = stack.data.column("__row").combine_chunks().take(rows)
    names = headers if headers is not None else [field.header] * len(frames)
    files, sheets, cells = [], [], []
    for index, number, header in zip(frames, numbers.to_pylist(), names, strict=True):
        frame = stack.frames[index] if index is not None else None
        letter = frame.letters.get(header) if frame is not None else None
        files.append(frame.file if frame is not None else None)
        sheets.append(frame.sheet if frame is not None else None)
        cells.append(f"{letter}{number}" if letter else None)
    text = pa.string()
    return pa.array(files, text), pa.array(sheets, text), numbers, pa.array(cells, text)


def quarantine_table(
    table: str, blocks: Sequence[Block], outcome: Outcome, rows: pa.Table
) -> pa.Table:
    """Quarantined rows as far as readable, with the first check failed and where they stood.

    ``rows`` are the blocks stacked with canonical columns only.
    """
    marks = np.concatenate(outcome.failed) if outcome.failed else np.array([], dtype=object)
    files: list[str] = []
    sheets: list[str | None] = []
    numbers: list[pa.Array] = []
    for block in blocks:
        frames = [block.stacks[""].frames[i] for i in block.frame_of()]
        files += [f.file for f in frames]
        sheets += [f.sheet for f in frames]
        column = block.stacks[""].data.column("__row").combine_chunks()
        numbers.append(column.take(block.rows[""]))
    placed = (
        rows.append_column("check_id", pa.array(marks, pa.string()))
        .append_column("file", pa.array(files, pa.string()))
        .append_column("sheet", pa.array(sheets, pa.string()))
        .append_column("row", pa.concat_arrays(numbers) if numbers else pa.array([], pa.int64()))
    )
    return placed.filter(pc.is_valid(placed.column("check_id")))
