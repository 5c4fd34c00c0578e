"""The supervisor's own files: registers, plans, key firms, notes, as CSV in UTF-8."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from puhui import schema
from puhui.example.writers import cells


def registers(tables: Mapping[str, pa.Table]) -> dict[str, bytes]:
    """Make ``<table>.csv`` of each table, with the Chinese labels of the columns it has."""
    return {f"{name}.csv": _csv(name, data) for name, data in tables.items()}


def _csv(table: str, data: pa.Table) -> bytes:
    columns = [c for c in schema.columns(table) if c.name in data.column_names]
    texts = [_text(c, cells.plain_array(data[c.name])).to_pylist() for c in columns]
    return cells.csv_bytes([[c.label for c in columns], *zip(*texts, strict=True)], "utf-8")


def _text(column: schema.Column, values: pa.Array) -> pa.Array:
    return cells.trimmed(values) if column.kind in ("rate", "bp") else cells.texts(column, values)
