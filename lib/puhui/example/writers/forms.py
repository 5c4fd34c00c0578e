"""How a cell of a workbook is spelt: as it should be, or as people really do.

Every messy form says the same value as the plain one; which cell gets which follows from the
row, so that files can be made again.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from puhui import schema
from puhui.example.writers import cells, sheets

NUMBERS = ("money", "rate", "bp", "int")
_WIDE = "０１２３４５６７８９"
_NULLS = ("-", "—", "/", "无")
#: Table row (remainder of a division) on which a column's cells take another form.
_GROUPED, _WIDE_NUMBER, _AS_TEXT, _WIDE_ID, _LOWER = (7, 3), (11, 5), (13, 6), (19, 8), (5, 2)
_WIDE_IDS = ("loan_id", "customer_id")
_THOUSANDS = r"^(-?\d+)(\d{3})(\.|,|$)"


def plain(column: schema.Column, values: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Text of a column's cells, and the cells themselves, typed and well spelt."""
    if column.kind in NUMBERS:
        text = cells.trimmed(values)
        return text, sheets.number_cells(text)
    text = cells.texts(column, values)
    return text, sheets.date_cells(values) if column.kind == "date" else sheets.text_cells(text)


def messy(column: schema.Column, values: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Text and cells of a column in the many forms a reader must understand."""
    text, typed = plain(column, values)
    rows = np.arange(len(text))
    if column.kind in NUMBERS:
        changes = [(_AS_TEXT, text), (_WIDE_NUMBER, wide(text))]
        changes += [(_GROUPED, grouped(text))] if column.kind == "money" else []
    elif column.kind == "date":
        changes = [((6, i), form) for i, form in enumerate(_dates(values), 1)]
    elif column.name == "certificate_no":
        changes = [(_LOWER, pc.utf8_lower(text))]
    elif column.name in _WIDE_IDS:
        changes = [(_WIDE_ID, wide(text))]
    else:
        changes = []
    for (every, at), form in changes:
        typed = pc.if_else(pa.array(rows % every == at), sheets.text_cells(form), typed)
    return text, _marked(column, text, typed, rows) if column.optional else typed


def _marked(column: schema.Column, text: pa.Array, typed: pa.Array, rows: Any) -> pa.Array:
    """Put marks that mean nothing into empty cells of an optional column."""
    for i, mark in enumerate(_NULLS):
        here = pc.and_(pc.is_null(text), pa.array(rows % 8 == 2 * i + 1))
        typed = pc.if_else(here, sheets.text_cell(mark), typed)
    if column.kind != "date":
        return typed
    return pc.if_else(
        pc.and_(pc.is_null(text), pa.array(rows % 8 == 6)), sheets.text_cell("99991231"), typed
    )


def wide(text: pa.Array) -> pa.Array:
    """Full-width digits for half-width ones."""
    for i, digit in enumerate(_WIDE):
        text = pc.replace_substring(text, str(i), digit)
    return text


def grouped(text: pa.Array) -> pa.Array:
    """Numbers with a comma before every three digits."""
    while True:
        split = pc.replace_substring_regex(text, _THOUSANDS, r"\1,\2\3")
        if split.equals(text):
            return text
        text = split


def _dates(values: pa.Array) -> list[pa.Array]:
    parts = [pc.cast(f(values), pa.string()) for f in (pc.year, pc.month, pc.day)]
    year, month, day = parts
    return [
        pc.strftime(values, format="%Y-%m-%d"),
        pc.binary_join_element_wise(*parts, "/"),
        pc.binary_join_element_wise(*parts, "."),
        pc.binary_join_element_wise(year, "年", month, "月", day, "日", ""),
        pc.strftime(values, format="%Y%m%d"),
    ]
