"""Values of canonical columns as the text of submitted files, a whole column at a time."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from puhui import schema
from puhui.errors import RunError
from puhui.example.writers.filing import Filing

#: Decimal places between yuan and the unit a figure is filed in; other units have none.
_UNITS = {"万元": 4, "亿元": 8}
_YES_NO = {True: "是", False: "否"}


def column(table: pa.Table, name: str) -> pa.Array | None:
    """One column as a single array; ``None`` if the table has none of that name."""
    if name not in table.column_names:
        return None
    return plain_array(table.column(name))


def plain_array(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Return the values as one array, text that is dictionary encoded as plain text."""
    array = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], array.type)
    return array.dictionary_decode() if isinstance(array, pa.DictionaryArray) else array


def trimmed(numbers: pa.Array) -> pa.Array:
    """Numbers as text without zeros after the last decimal that says something."""
    zero = pc.equal(numbers, pa.scalar(0).cast(pa.int8()).cast(numbers.type))
    text = pc.if_else(zero, "0", pc.cast(numbers, pa.string()))
    cut = pc.replace_substring_regex(text, r"(\.\d*?)0+$", r"\1")
    return pc.replace_substring_regex(cut, r"\.$", "")


def figures(data: pa.Table) -> pa.Array:
    """Values of ``returns`` in the unit each is filed in (they are kept in yuan), exactly.

    Examples
    --------
    >>> from decimal import Decimal
    >>> amounts = pa.array([Decimal("12345678.00"), Decimal("5.00")], pa.decimal128(18, 2))
    >>> trimmed(figures(pa.table({"value": amounts, "unit": ["万元", "户"]}))).to_pylist()
    ['1234.5678', '5']
    """
    factors = pc.dictionary_encode(plain_array(data["unit"]))
    places = [_UNITS.get(unit, 0) for unit in factors.dictionary.to_pylist()]
    parts = pa.array([Decimal(1).scaleb(-p) for p in places], pa.decimal128(9, 8))
    return pc.multiply(plain_array(data["value"]), parts.take(factors.indices))


def texts(column: schema.Column, values: pa.Array, dates: str = "%Y-%m-%d") -> pa.Array:
    """Values as text: money and bp with two decimals, rates with six, codes in Chinese.

    Parameters
    ----------
    column
        The canonical column the values belong to.
    dates
        How dates are written.
    """
    if column.kind in ("id", "text"):
        return values
    if column.kind == "date":
        return pc.strftime(values, format=dates)
    if column.kind == "bool":
        return pc.if_else(values, _YES_NO[True], _YES_NO[False])
    if column.kind == "code":
        return worded(values, schema.CODES[column.codes])
    if column.kind == "set":
        return _sets(values, schema.CODES[column.codes])
    return pc.cast(values, pa.string())


def worded(codes: pa.Array, words: Mapping[str, str]) -> pa.Array:
    """Replace codes by words.

    Raises
    ------
    RunError
        A code has no word.
    """
    known = pa.array(list(words), pa.string())
    where = pc.index_in(codes, value_set=known)
    if where.null_count > codes.null_count:
        strange = pc.unique(codes.filter(pc.and_(pc.is_null(where), pc.is_valid(codes))))
        raise RunError(f"代码“{strange[0]}”没有对应的中文词，写不出文件。")
    return pa.array(list(words.values()), pa.string()).take(where)


def _sets(values: pa.Array, words: Mapping[str, str]) -> pa.Array:
    keys = pc.binary_join(values, "|").dictionary_encode()
    spelt = [
        "、".join(words[c] for c in key.split("|") if c) for key in keys.dictionary.to_pylist()
    ]
    text = pa.array(spelt, pa.string()).take(keys.indices)
    return pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)


def overlaid(values: pa.Array, filing: Filing, table: str, name: str) -> pa.Array:
    """Put the texts of ``filing.cells`` over a text column."""
    wrong = {r: t for (where, r, c), t in filing.cells.items() if (where, c) == (table, name)}
    return replaced(values, wrong)


def replaced(values: pa.Array, by_row: Mapping[int, str]) -> pa.Array:
    """Replace the texts of some rows."""
    if not by_row:
        return values
    rows = sorted(by_row)
    mask = np.zeros(len(values), dtype=bool)
    mask[rows] = True
    return pc.replace_with_mask(
        values, pa.array(mask), pa.array([by_row[r] for r in rows], pa.string())
    )


def lines(cells: Sequence[pa.Array | str], separator: str) -> list[str]:
    """Join columns of text (or one text for every row) row by row; null is nothing."""
    joined = pc.binary_join_element_wise(
        *cells, separator, null_handling="replace", null_replacement=""
    )
    result: list[str] = joined.to_pylist()
    return result


def csv_bytes(rows: Iterable[Sequence[str | None]], encoding: str) -> bytes:
    """Return a comma-separated file with CRLF ends."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerows(rows)
    return buffer.getvalue().encode(encoding)
