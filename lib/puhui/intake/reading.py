"""Opens submitted files as grids of text cells; what cannot be opened is refused in a line."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import io
import itertools
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv
import python_calamine as calamine

from puhui.errors import RefusedFile
from puhui.intake.error_cells import error_cells
from puhui.intake.layout import Source
from puhui.intake.values import IntakeFault

#: Rows looked at when searching for a header or a label.
HEAD_ROWS = 60
WORKBOOKS = frozenset({".xlsx", ".xlsm"})
#: Suffix of a text file that was compressed by itself.
GZIP = ".gz"
_CHUNK = 20_000
_UNREADABLE = (
    calamine.CalamineError,
    OSError,
    zipfile.BadZipFile,
    ElementTree.ParseError,
    KeyError,
)
_SPOKEN = {"gb18030": "GBK", "gbk": "GBK", "utf-8": "UTF-8", "utf-8-sig": "UTF-8"}


class Refusal(RefusedFile):
    """A file refused as a whole; ``file`` is its name in the submission."""

    def __init__(self, message: str, *, file: str, remedy: str, sheet: str | None = None) -> None:
        super().__init__(message, where=f"{file} [{sheet}]" if sheet else file, remedy=remedy)
        self.file, self.sheet = file, sheet


@dataclass(frozen=True)
class Grid:
    """One sheet, or one text file: its first rows, and all rows by column.

    ``body(start)`` returns one Arrow text array per column for the rows from ``start`` on
    (0-based), blank cells null, and an array telling rows whose cell count is not the
    header's.
    """

    file: str
    sheet: str | None
    head: list[list[str]]
    body: Callable[[int], tuple[list[pa.ChunkedArray], pa.ChunkedArray]]


def check_size(path: Path, name: str, limit: int) -> None:
    """Refuse an empty file and one over the limit before anything opens it."""
    size = path.stat().st_size
    if size == 0:
        raise Refusal("文件是空的（0 字节）。", file=name, remedy="请重新导出后再报送。")
    if size > limit:
        mib = limit // (1024 * 1024)
        raise Refusal(
            f"文件有 {size / 1024 / 1024:.0f} MB，超过上限 {mib} MB。",
            file=name,
            remedy="请拆分，或请监管部门在版式里调高 max_mb。",
        )


def open_workbook(path: Path, name: str) -> tuple[dict[str, Grid], tuple[str, ...]]:
    """Visible sheets of a workbook by name, and the names of hidden ones.

    Formulas give their cached values.

    Raises
    ------
    Refusal
        Protected by a password, or not a workbook whatever its name says.
    """
    try:
        with calamine.CalamineWorkbook.from_path(path) as book:
            sheets = [s for s in book.sheets_metadata if s.typ == calamine.SheetTypeEnum.WorkSheet]
            visible = [s.name for s in sheets if s.visible == calamine.SheetVisibleEnum.Visible]
            rows: dict[str, list[list[object]]] = {
                sheet: [
                    list(row)
                    for row in book.get_sheet_by_name(sheet).to_python(skip_empty_area=False)
                ]
                for sheet in visible
            }
        _put_errors(rows, path)
    except calamine.PasswordError:
        raise Refusal("工作簿有密码。", file=name, remedy="请取消密码后再报送。") from None
    except _UNREADABLE:
        raise Refusal(
            "打不开：不是 Excel 工作簿，或文件已损坏。",
            file=name,
            remedy="请用 Excel 或 WPS 打开后另存为 .xlsx 再报送。",
        ) from None
    hidden = tuple(s.name for s in sheets if s.name not in visible)
    return {sheet: _sheet_grid(name, sheet, cells) for sheet, cells in rows.items()}, hidden


def _put_errors(rows: dict[str, list[list[object]]], path: Path) -> None:
    """Write Excel's error values back where the workbook reader left blanks."""
    for sheet, found in error_cells(path).items():
        cells = rows.get(sheet, [])
        for (r, c), value in found.items():
            if r < len(cells) and c < len(cells[r]):
                cells[r][c] = value


def _sheet_grid(name: str, sheet: str, rows: Sequence[Sequence[object]]) -> Grid:
    head = [[cell_text(v) or "" for v in row] for row in rows[:HEAD_ROWS]]

    def body(start: int) -> tuple[list[pa.ChunkedArray], pa.ChunkedArray]:
        data = rows[start:]
        width = len(rows[0]) if rows else 0
        columns = list(zip(*data, strict=True)) if data else [()] * width
        arrays = [
            pa.chunked_array([pa.array([cell_text(v) for v in column], pa.string())])
            for column in columns
        ]
        return arrays, pa.chunked_array([pa.array([True] * len(data), pa.bool_())])

    return Grid(name, sheet, head, body)


def cell_text(value: object) -> str | None:
    """Text of a workbook cell: what a person reads in it, dates as ISO; null if blank.

    A stored float with more than fifteen significant digits is the noise of a formula
    (Excel keeps fifteen), so it is read with fifteen.

    Examples
    --------
    >>> cell_text(12.0), cell_text(0.1 + 0.2), cell_text(1e17), cell_text(" a "), cell_text("")
    ('12', '0.3', '1E+17', 'a', None)
    """
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, (int, float)):
        return _number_text(float(value))
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(" ")
    if isinstance(value, dt.date):
        return value.isoformat()
    return str(value) if value is not None else None


def _number_text(value: float) -> str:
    if value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    text = repr(value)
    digits = text.partition("e")[0].replace(".", "").lstrip("-0")
    return (format(value, ".15g") if len(digits) > 15 else text).upper()


def _unpacked(path: Path, name: str, limit: int) -> bytes:
    """Bytes of a text file, gzip undone; what is over the limit is never unpacked."""
    if path.suffix.lower() != GZIP:
        return path.read_bytes()
    try:
        with gzip.open(path) as stream:
            raw = stream.read(limit + 1)
    except (OSError, EOFError, zlib.error):
        raise Refusal(
            "解不开：不是 gzip 压缩文件，或没有传完整。", file=name, remedy="请重新压缩后再报送。"
        ) from None
    if len(raw) > limit:
        raise Refusal(
            f"解压后超过上限 {limit // (1024 * 1024)} MB。",
            file=name,
            remedy="请拆分，或请监管部门在版式里调高 max_mb。",
        )
    if not raw:
        raise Refusal("解压后是空的（0 字节）。", file=name, remedy="请重新导出后再报送。")
    return raw


def open_text(path: Path, name: str, source: Source, limit: int) -> Grid:
    """Read a delimited text file, or gzip of one, in the first declared encoding that fits.

    Raises
    ------
    Refusal
        None of the declared encodings decodes it whole, the quoting is broken, a quoted cell
        runs over several lines where the layout does not allow it, or the gzip is damaged
        or unpacks to more than ``limit`` bytes.
    """
    text = _decode(_unpacked(path, name, limit), name, source.encodings)

    def records() -> Iterator[list[str]]:
        lines = io.StringIO(text, newline="")
        if source.quote:
            return csv.reader(lines, delimiter=source.delimiter)
        return csv.reader(lines, delimiter=source.delimiter, quoting=csv.QUOTE_NONE)

    try:
        head = [[c.strip() for c in row] for row in itertools.islice(records(), HEAD_ROWS)]
    except csv.Error:
        raise Refusal(
            "不是按约定分隔的文本文件。", file=name, remedy="请按版式说明重新导出。"
        ) from None

    def body(start: int) -> tuple[list[pa.ChunkedArray], pa.ChunkedArray]:
        width = len(head[start - 1]) if start else 0
        broken = any(_has_break(row) for row in head[:start])
        even = None if broken else even_columns(text, start, width, source.delimiter, source.quote)
        try:
            if source.quote and not source.line_breaks:
                _refuse_breaks(name, records(), broken or even is None or _breaks(even))
            columns = even or text_columns(itertools.islice(records(), start, None), width)
        except csv.Error as error:
            raise Refusal(
                f"文本分隔或引号有误（{error}）。", file=name, remedy="请按版式说明重新导出。"
            ) from None
        if not source.quote and start + len(columns[1]) != _line_count(text):
            raise IntakeFault("读出的行数与文件的行数对不上。", where=name)
        return columns

    return Grid(name, None, head, body)


def _has_break(row: Sequence[str]) -> bool:
    return any("\n" in cell or "\r" in cell for cell in row)


def _breaks(columns: tuple[list[pa.ChunkedArray], pa.ChunkedArray]) -> bool:
    return any(pc.any(pc.match_substring_regex(c, "[\r\n]")).as_py() for c in columns[0])


def _refuse_breaks(name: str, records: Iterator[list[str]], suspected: bool) -> None:
    """Refuse a text of which a quoted cell runs over several lines: it may swallow rows."""
    for number, row in enumerate(records if suspected else (), 1):
        if _has_break(row):
            raise Refusal(
                f"第 {number} 行有引号没有配对，或单元格内有换行。",
                file=name,
                remedy="请去掉多余的引号和换行后重新导出。",
            )


def _line_count(text: str) -> int:
    ends = text.count("\n") + text.count("\r") - text.count("\r\n")
    return ends + (1 if text and text[-1] not in "\r\n" else 0)


def _decode(raw: bytes, name: str, encodings: Sequence[str]) -> str:
    agreed = "、".join(dict.fromkeys(_SPOKEN.get(e.lower(), e) for e in encodings))
    if "UTF-8" not in agreed and not raw.isascii() and _decoded(raw, "utf-8") is not None:
        raise Refusal(
            f"文件是 UTF-8 编码，应为 {agreed}。", file=name, remedy=f"请另存为 {agreed} 编码。"
        )
    for encoding in encodings:
        text = _decoded(raw, encoding)
        if text is not None and "\0" not in text:
            return text
    raise Refusal(
        f"不是文本文件，或编码不是约定的 {agreed}。",
        file=name,
        remedy="请按版式说明的编码重新导出。",
    )


def _decoded(raw: bytes, encoding: str) -> str | None:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        return None


def text_columns(
    rows: Iterator[list[str]], width: int
) -> tuple[list[pa.ChunkedArray], pa.ChunkedArray]:
    """Columns of records of any length; those of another width are marked and cut or padded."""
    chunks: list[list[pa.Array]] = [[] for _ in range(width)]
    complete: list[pa.Array] = []
    while batch := list(itertools.islice(rows, _CHUNK)):
        complete.append(pa.array([len(r) == width or not any(r) for r in batch], pa.bool_()))
        padded = [r if len(r) == width else (r + [""] * width)[:width] for r in batch]
        for chunk, column in zip(chunks, zip(*padded, strict=True), strict=True):
            chunk.append(pa.array([c.strip() or None for c in column], pa.string()))
    arrays = [pa.chunked_array(c, pa.string()) for c in chunks]
    return arrays, pa.chunked_array(complete, pa.bool_())


def even_columns(
    text: str, start: int, width: int, delimiter: str, quote: str = '"'
) -> tuple[list[pa.ChunkedArray], pa.ChunkedArray] | None:
    """Read quickly a text whose rows all have ``width`` cells; ``None`` if one has not.

    Gives what :func:`text_columns` gives.
    """
    names = [str(i) for i in range(width)]
    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(text.encode()),
            read_options=arrow_csv.ReadOptions(skip_rows=start, column_names=names),
            parse_options=arrow_csv.ParseOptions(
                delimiter=delimiter,
                quote_char=quote or False,
                newlines_in_values=bool(quote),
                ignore_empty_lines=False,
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid:
        return None
    trimmed = [pc.utf8_trim_whitespace(column) for column in table.columns]
    arrays = [pc.if_else(pc.equal(c, ""), pa.scalar(None, pa.string()), c) for c in trimmed]
    return arrays, pa.chunked_array([pa.array(np.ones(table.num_rows, dtype=bool))])
