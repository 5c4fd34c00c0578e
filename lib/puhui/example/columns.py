"""Columns of a table while the county is made: integers in numpy, texts in Arrow.

Under canonical names: ``money`` fen, ``rate`` basis points, ``bp`` basis points, ``date``
days since 1970-01-01, ``bool`` 0 or 1, ``code`` the position in its list of
:data:`puhui.schema.CODES`, ``set`` a bit for each position, ``int`` itself, ``id`` and ``text``
Arrow strings. :data:`NONE` is null in every integer column.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from puhui import schema

Ints = np.ndarray[Any, np.dtype[np.int64]]
Columns = dict[str, Any]

#: Null in an integer column.
NONE = -(2**62)
#: A date that never comes: later than every day of the example.
NEVER = 10**6
_EPOCH = dt.date(1970, 1, 1)
_SCALE = {"money": (18, 2), "rate": (9, 6), "bp": (9, 2)}
_FACTOR = {"money": 1, "rate": 10_000, "bp": 100}


def day_number(day: dt.date) -> int:
    """Days since 1970-01-01."""
    return (day - _EPOCH).days


def calendar_day(number: int) -> dt.date:
    """Return the date of a day number."""
    return _EPOCH + dt.timedelta(days=int(number))


def code(codes: str, value: str) -> int:
    """Position of a code in its list.

    Examples
    --------
    >>> code("size", "micro")
    3
    """
    return list(schema.CODES[codes]).index(value)


def bits(codes: str, *values: str) -> int:
    """Bit mask of several codes of a list."""
    return sum(1 << code(codes, value) for value in values)


def length(columns: Columns) -> int:
    """Rows of a table."""
    return len(next(iter(columns.values())))


def take(columns: Columns, rows: Ints) -> Columns:
    """Return the given rows, by position, in that order."""
    where = pa.array(rows)
    return {
        name: column.take(where) if isinstance(column, pa.Array) else column[rows]
        for name, column in columns.items()
    }


def from_rows(table: str, rows: Iterable[Mapping[str, Any]]) -> Columns:
    """Columns of rows given as dictionaries under canonical names.

    Values as in this module, except that dates may be :class:`datetime.date`, codes and sets
    their texts, and anything ``None`` or left out.
    """
    given = list(rows)
    found: Columns = {}
    for column in schema.columns(table):
        values = [row.get(column.name) for row in given]
        if all(v is None for v in values) and column.optional:
            continue
        if column.kind in ("id", "text"):
            found[column.name] = pa.array(values, pa.string())
        else:
            numbers = [NONE if v is None else _number(column, v) for v in values]
            found[column.name] = np.array(numbers, dtype=np.int64)
    return found


def _number(column: schema.Column, value: Any) -> int:
    if isinstance(value, dt.date):
        return day_number(value)
    if isinstance(value, str):
        return code(column.codes, value)
    if isinstance(value, (tuple, list)):
        return bits(column.codes, *value)
    return int(value)


def arrow(table: str, columns: Columns) -> pa.Table:
    """Canonical Arrow table: the columns given, in the schema's order and types.

    Parameters
    ----------
    table
        A canonical table.
    columns
        As this module describes; columns the schema does not know are left out.
    """
    arrays, fields = [], []
    for column in schema.columns(table):
        if column.name in columns:
            arrays.append(_array(column, columns[column.name]))
            fields.append(pa.field(column.name, column.arrow_type))
    return pa.table(arrays, schema=pa.schema(fields))


def _array(column: schema.Column, values: Any) -> pa.Array:
    if isinstance(values, pa.Array):
        return values
    numbers = np.ascontiguousarray(values, dtype=np.int64)
    nothing = numbers == NONE
    if column.kind in _SCALE:
        precision, scale = _SCALE[column.kind]
        return _decimals(numbers * _FACTOR[column.kind], nothing, precision, scale)
    if column.kind == "date":
        return pa.array(numbers.astype(np.int32), pa.date32(), mask=nothing)
    if column.kind == "bool":
        return pa.array(numbers == 1, pa.bool_(), mask=nothing)
    if column.kind == "int":
        return pa.array(numbers, pa.int64(), mask=nothing)
    words = list(schema.CODES[column.codes])
    if column.kind == "set":
        return _sets(numbers, nothing, words)
    indices = pa.array(np.where(nothing, 0, numbers).astype(np.int32), pa.int32(), mask=nothing)
    return pa.array(words, pa.string()).take(indices)


def _decimals(numbers: Ints, nothing: Any, precision: int, scale: int) -> pa.Array:
    """Integers in units of the last decimal place as Arrow decimals, without a Python loop."""
    halves = np.empty((len(numbers), 2), dtype=np.int64)
    halves[:, 0] = np.where(nothing, 0, numbers)
    halves[:, 1] = np.where(halves[:, 0] < 0, -1, 0)
    valid = pa.array(~nothing).buffers()[1] if nothing.any() else None
    kind = pa.decimal128(precision, scale)
    return pa.Array.from_buffers(kind, len(numbers), [valid, pa.py_buffer(halves)])


def _sets(masks: Ints, nothing: Any, words: list[str]) -> pa.Array:
    distinct, inverse = np.unique(np.where(nothing, NONE, masks), return_inverse=True)
    lists = [
        None if m == NONE else sorted(w for i, w in enumerate(words) if m >> i & 1)
        for m in distinct.tolist()
    ]
    return pa.array(lists, pa.list_(pa.string())).take(pa.array(inverse.reshape(-1)))
