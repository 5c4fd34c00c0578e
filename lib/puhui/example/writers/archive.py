"""One table of many institutions as a compact parquet file under canonical English names."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from puhui import schema

#: Levels of zstd: the smallest file, and one for tens of millions of rows.
SMALLEST, QUICK = 19, 1
QUARTER = "quarter"
_PAGE, _GROUP = 1 << 26, 1 << 22
#: A text repeated on average this often is worth a dictionary.
_REPEATED = 8


def table(name: str, data: pa.Table, level: int = SMALLEST) -> bytes:
    """Write rows of a canonical table, sorted by institution, key and quarter.

    Parameters
    ----------
    name
        The canonical table.
    data
        Canonical columns, and ``quarter`` (text) if one of its own is wanted.
    level
        Of zstd compression.

    Notes
    -----
    Codes and texts that repeat get a dictionary, dates are split by byte, anything else is
    plain: zstd finds what numbered ids and round amounts share better in plain values than
    in delta encodings. There are no statistics and no metadata of other programs.
    """
    keys = [c.name for c in schema.columns(name) if c.is_key and c.name in data.column_names]
    keys = sorted(keys, key=lambda k: k != "institution_id")
    keys += [QUARTER] if QUARTER in data.column_names else []
    ordered = data.sort_by([(k, "ascending") for k in keys]).combine_chunks()
    ordered = ordered.replace_schema_metadata(None)
    repeated = [f.name for f in ordered.schema if _is_repeated(ordered[f.name])]
    split = [f.name for f in ordered.schema if pa.types.is_date(f.type)]
    sink = pa.BufferOutputStream()
    pq.write_table(
        ordered,
        sink,
        compression="zstd",
        compression_level=level,
        use_dictionary=[_leaf(ordered.schema.field(n)) for n in repeated],
        column_encoding={n: "BYTE_STREAM_SPLIT" for n in split},
        write_statistics=False,
        store_schema=False,
        data_page_size=_PAGE,
        row_group_size=_GROUP,
    )
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _is_repeated(values: pa.ChunkedArray) -> bool:
    if pa.types.is_list(values.type) or pa.types.is_dictionary(values.type):
        return True
    if not pa.types.is_string(values.type):
        return False
    return bool(pc.count_distinct(values).as_py() * _REPEATED <= len(values))


def _leaf(field: pa.Field) -> str:
    """Path of the column parquet stores for a field."""
    return f"{field.name}.list.element" if pa.types.is_list(field.type) else str(field.name)
