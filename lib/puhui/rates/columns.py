"""Columns as fixed-point integers: what is written in decimals is taken exactly.

A column is a list of integers and a scale, ``value = integer / 10**scale``, the scale being
the smallest that holds every value. Decimal text and DECIMAL are taken as they stand; a binary
float is taken as the shortest decimal that reads back as the same float.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, InvalidOperation
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from puhui.errors import FitError

#: What :func:`puhui.rates.fit` accepts as a table.
Source: TypeAlias = pa.Table | pd.DataFrame | str | Path
Bits: TypeAlias = npt.NDArray[np.bool_]
Whole: TypeAlias = npt.NDArray[Any]  # int64, or Python integers where 64 bits are too few

_EMPTY = frozenset({"", "na", "nan", "null", "none"})
_INT64 = 2**63 - 1
#: Arrow's decimals have up to 76 digits; the default context would round at 28.
_ALL_DIGITS = Context(prec=77)


@dataclass(frozen=True)
class FixedColumn:
    """A numeric column: ``whole / 10**scale``, with a mask of the rows that hold nothing."""

    name: str
    scale: int
    whole: Whole
    missing: Bits

    @property
    def bound(self) -> int:
        """Largest absolute integer of the column."""
        return int(np.abs(self.whole).max()) if len(self.whole) else 0


@dataclass(frozen=True)
class KeyColumn:
    """A grouping column: codes 0… in the sorted order of its labels; −1 is missing."""

    name: str
    codes: npt.NDArray[np.int64]
    labels: tuple[str, ...]


def read(table: Source, columns: Sequence[str]) -> pa.Table:
    """Read the named columns of an Arrow table, a DataFrame or a CSV or Parquet file.

    CSV is UTF-8 with a header line; every field is read as text, so that no digit is lost.

    Raises
    ------
    FitError
        File missing or of another kind, column missing or there twice, mixed types.
    """
    wanted = list(dict.fromkeys(columns))
    if isinstance(table, str | Path):
        return _read_file(Path(table), wanted)
    if isinstance(table, pa.Table):
        _demand(wanted, table.column_names, "")
        return table.select(wanted)
    _demand(wanted, [str(name) for name in table.columns], "")
    try:
        return pa.Table.from_pandas(table[wanted], preserve_index=False)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise FitError(f"列的类型不一致：{error}。", remedy="请把每列整理成同一种类型。") from None


def _read_file(path: Path, wanted: list[str]) -> pa.Table:
    if not path.is_file():
        raise FitError("找不到文件。", where=str(path))
    try:
        if path.suffix.lower() == ".parquet":
            _demand(wanted, pyarrow.parquet.read_schema(path).names, path.name)
            return pyarrow.parquet.read_table(path, columns=wanted)
        if path.suffix.lower() == ".csv":
            with pyarrow.csv.open_csv(path) as head:
                names = head.schema.names
            _demand(wanted, names, path.name)
            as_text = pyarrow.csv.ConvertOptions(
                column_types={name: pa.string() for name in names},
                include_columns=wanted,
                strings_can_be_null=False,
            )
            return pyarrow.csv.read_csv(path, convert_options=as_text)
    except pa.ArrowInvalid as error:
        raise FitError(f"读不了这个文件：{error}。", where=path.name) from None
    raise FitError("只读 CSV 和 Parquet 文件。", where=path.name)


def _demand(wanted: list[str], names: Sequence[str], where: str) -> None:
    absent = [name for name in wanted if name not in names]
    if absent:
        raise FitError(
            f"没有列“{'”“'.join(absent)}”。", where=where, remedy=f"现有的列：{'、'.join(names)}。"
        )
    twice = [name for name in wanted if list(names).count(name) > 1]
    if twice:
        raise FitError(f"列“{'”“'.join(twice)}”出现不止一次。", where=where)


def fixed(table: pa.Table, name: str) -> FixedColumn:
    """Turn a numeric or decimal-text column into fixed-point integers, exactly.

    Raises
    ------
    FitError
        A value is neither a number nor empty; the message names column, row and value.
    """
    column = table.column(name).combine_chunks()
    kind = column.type
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind):
        missing = _nulls(column)
        filled = pc.fill_null(column, False if pa.types.is_boolean(kind) else 0)
        return _tidy(name, 0, [int(v) for v in filled.to_pylist()], missing)
    if pa.types.is_decimal(kind):
        return _from_decimals(name, column)
    if pa.types.is_floating(kind):
        column = pc.cast(column, pa.string())
    elif not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        raise FitError(f"列“{name}”不是数（{kind}）。")
    return _from_text(name, column)


def _nulls(column: pa.Array) -> Bits:
    return np.asarray(column.is_null().to_numpy(zero_copy_only=False), dtype=np.bool_)


def _from_decimals(name: str, column: pa.Array) -> FixedColumn:
    missing = _nulls(column)
    scale = int(column.type.scale)
    values = (v if v is not None else Decimal(0) for v in column.to_pylist())
    whole = [int(v.scaleb(scale, context=_ALL_DIGITS)) for v in values]
    return _tidy(name, scale, whole, missing)


def _from_text(name: str, column: pa.Array) -> FixedColumn:
    coded = column.dictionary_encode()
    codes = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    parsed = [_parse(text) for text in coded.dictionary.to_pylist()]
    for code, value in enumerate(parsed):
        if isinstance(value, str):
            row = int(np.flatnonzero(codes == code)[0]) + 1
            raise FitError(f"列“{name}”第 {row} 行的“{value}”不是数。")
    numbers = [v for v in parsed if isinstance(v, tuple)]
    scale = max((s for _, s in numbers), default=0)
    table = [v[0] * 10 ** (scale - v[1]) if isinstance(v, tuple) else 0 for v in parsed]
    empty = np.array([not isinstance(v, tuple) for v in parsed] + [True], dtype=np.bool_)
    values = np.array([*table, 0], dtype=object)
    return _tidy(name, scale, list(values[codes]), empty[codes])


def _parse(text: str) -> tuple[int, int] | str | None:
    """(integer, scale) in lowest terms; ``None`` for an empty field; the text if no number."""
    cleaned = text.strip()
    if cleaned.lower() in _EMPTY:
        return None
    if "_" in cleaned:
        return text
    try:
        number = Decimal(cleaned)
    except InvalidOperation:
        return text
    if not number.is_finite():
        return text
    sign, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int)
    whole = int("".join(map(str, digits))) * (-1 if sign else 1)
    if whole == 0:
        return 0, 0
    while exponent < 0 and whole % 10 == 0:
        whole, exponent = whole // 10, exponent + 1
    return (whole * 10**exponent, 0) if exponent > 0 else (whole, -exponent)


def _tidy(name: str, scale: int, whole: list[int], missing: Bits) -> FixedColumn:
    while scale > 0 and all(v % 10 == 0 for v in whole):
        whole, scale = [v // 10 for v in whole], scale - 1
    fits = all(-_INT64 <= v <= _INT64 for v in whole)
    return FixedColumn(name, scale, np.array(whole, dtype=np.int64 if fits else object), missing)


def key(table: pa.Table, name: str) -> KeyColumn:
    """Turn a grouping column into codes in the sorted order of its labels."""
    column = pc.cast(table.column(name).combine_chunks(), pa.string())
    coded = column.dictionary_encode()
    labels = coded.dictionary.to_pylist()
    order = sorted(range(len(labels)), key=lambda i: str(labels[i]))
    rank = np.full(len(labels) + 1, -1, dtype=np.int64)
    position = 0
    kept = []
    for i in order:
        if str(labels[i]).strip():
            rank[i], position = position, position + 1
            kept.append(str(labels[i]))
    codes = coded.indices.fill_null(len(labels)).to_numpy(zero_copy_only=False)
    return KeyColumn(name, rank[codes.astype(np.int64)], tuple(kept))
