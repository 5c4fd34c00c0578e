"""Opens Parquet files as grids of the texts a person would have written in a sheet.

Typed columns become text so that one pipeline reads every kind of file: dates ISO, numbers
plain, truth values 是 and 否, lists joined with ``;``. Distinct values are written out once
and taken back to the rows, so that long columns of few values cost little.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pyarrow.types as at

from puhui.intake.reading import Grid, Refusal, cell_text

SUFFIX = ".parquet"
_UNREADABLE = (pa.ArrowException, OSError)
_DAMAGED = "打不开：不是 Parquet 文件，或文件已损坏。"
_REMEDY = "请重新导出后再报送。"


def open_parquet(path: Path, name: str, limit: int) -> Grid:
    """Read a Parquet file; its column names are the one header row.

    Parameters
    ----------
    limit
        Most bytes the file may hold when unpacked, and most cells.

    Raises
    ------
    Refusal
        Not Parquet, truncated, too large when unpacked, or a column of a type that is no
        text, number, date, truth value or list of texts.
    """
    try:
        with pq.ParquetFile(path) as file:
            about = file.metadata
            size = sum(about.row_group(i).total_byte_size for i in range(about.num_row_groups))
            cells = about.num_rows * about.num_columns
            if max(size, cells) > limit:
                raise Refusal(
                    f"解开后超过上限 {limit // (1024 * 1024)} MB。",
                    file=name,
                    remedy="请拆分，或请监管部门在版式里调高 max_mb。",
                )
            _refuse_types(file.schema_arrow, name)
            table = file.read()
    except _UNREADABLE:
        raise Refusal(_DAMAGED, file=name, remedy=_REMEDY) from None
    return _grid(table, name)


def _grid(table: pa.Table, name: str) -> Grid:
    header = [n.strip() for n in table.column_names]

    def body(start: int) -> tuple[list[pa.ChunkedArray], pa.ChunkedArray]:
        # Header is row 1 of the grid, as in a sheet; nothing stands above it.
        rows = table.slice(max(start - 1, 0))
        try:
            columns = [pa.chunked_array([column_text(c)]) for c in rows.columns]
        except pa.ArrowInvalid:  # bytes that are no text
            raise Refusal(_DAMAGED, file=name, remedy=_REMEDY) from None
        return columns, pa.chunked_array([pa.array(np.ones(rows.num_rows, dtype=bool))])

    return Grid(name, None, [header], body)


def _refuse_types(schema: pa.Schema, name: str) -> None:
    for field in schema:
        kind = field.type.value_type if at.is_dictionary(field.type) else field.type
        if not _is_list(kind) and not _is_plain(kind):
            raise Refusal(
                f"列“{field.name}”的类型（{kind}）不是文字、数字、日期、是否或文字列表。",
                file=name,
                remedy="请改成普通列后重新导出。",
            )


def _is_list(kind: pa.DataType) -> bool:
    return (at.is_list(kind) or at.is_large_list(kind)) and _is_text(kind.value_type)


def _is_text(kind: pa.DataType) -> bool:
    return bool(at.is_string(kind) or at.is_large_string(kind))


def _is_plain(kind: pa.DataType) -> bool:
    told = (at.is_boolean, at.is_integer, at.is_floating, at.is_decimal, at.is_null)
    return _is_text(kind) or any(test(kind) for test in (*told, at.is_date, at.is_timestamp))


def column_text(column: pa.ChunkedArray) -> pa.Array:
    """Text of each value, stripped; null where there is none or it is blank.

    Examples
    --------
    >>> column_text(pa.chunked_array([pa.array([True, None, False])])).to_pylist()
    ['是', None, '否']
    >>> column_text(pa.chunked_array([[["ip", "home"], []]])).to_pylist()
    ['ip;home', None]
    """
    kind = column.type
    if at.is_dictionary(kind):
        kind, column = kind.value_type, column.cast(kind.value_type)
    if at.is_null(kind):
        return pa.nulls(len(column), pa.string())
    if _is_list(kind):
        texts = [";".join(v for v in row if v) if row else None for row in column.to_pylist()]
        return _trimmed(pa.array(texts, pa.string()))
    if _is_text(kind):
        return _trimmed(column.cast(pa.string()).combine_chunks())
    encoded = column.combine_chunks().dictionary_encode()
    write = _writer(kind)
    texts = [None if v is None else write(v) for v in encoded.dictionary.to_pylist()]
    return pa.array(texts, pa.string()).take(encoded.indices)


def _writer(kind: pa.DataType) -> Callable[[object], str | None]:
    if at.is_decimal(kind):
        return lambda v: format(v, "f") if isinstance(v, Decimal) else str(v)
    if at.is_integer(kind):
        return str
    if at.is_timestamp(kind):
        # A moment's time of day is kept, so that it is not taken for a date without one.
        return lambda v: cell_text(v.replace(tzinfo=None) if isinstance(v, dt.datetime) else v)
    return cell_text


def _trimmed(texts: pa.Array) -> pa.Array:
    trimmed = pc.utf8_trim_whitespace(texts)
    return pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, pa.string()), trimmed)
