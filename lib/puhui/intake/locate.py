"""Finds a source in a grid: its header, its data rows, and what stands around them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from puhui.intake.layout import UNIT_WORDS, Layout, Source
from puhui.intake.reading import Grid, Refusal
from puhui.intake.spelling import header_key, squeeze

_BRACKETS = re.compile(r"[(\[]([^()\[\]]*)[)\]]$")
#: What a sender writes to say that there is nothing to report (a nil return).
NIL = "本表无数据"
_STATED_UNIT = re.compile(r"(?:金额)?单位:\s*(人民币元|亿元|万元|元)")


@dataclass(frozen=True)
class Frame:
    """A source located in one file: data rows as text columns under the layout's headers.

    ``data`` holds one text column per header found, ``__row`` (1-based row in the file)
    and ``__whole`` (false where the row has another number of cells than the header).
    ``is_nil`` tells a nil return: no data row, and :data:`NIL` written. ``unknown`` are
    headers the layout does not know, with their A1 addresses.
    """

    file: str
    sheet: str | None
    source: str
    letters: Mapping[str, str]
    units: Mapping[str, str]
    stated_unit: str
    data: pa.Table
    rows_in: int
    non_data: int
    is_nil: bool
    header_row: int
    unknown: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Header:
    """Where a header was found: the row below it, and column numbers by layout header.

    ``repeated`` are columns that say what another one already does, with its header.
    """

    below: int
    columns: Mapping[str, int]
    units: Mapping[str, str]
    unknown: tuple[tuple[int, str], ...]
    repeated: tuple[tuple[int, str], ...]


def find_header(grid: Grid, source: Source) -> Header | None:
    """Best header row, or pair of rows, holding all ``must_have``; ``None`` without one."""
    best: Header | None = None
    for r, row in enumerate(grid.head):
        pairs: list[tuple[list[str] | None, int, list[str]]] = [(None, r + 1, row)]
        if r + 1 < len(grid.head):
            pairs.append((row, r + 2, grid.head[r + 1]))
        for above, below, lowest in pairs:
            found, repeated = _match(lowest, above, source)
            if not _is_header(found, source):
                continue
            columns = {h: c for h, (c, _) in found.items()}
            units = {h: u for h, (_, u) in found.items() if u}
            if best is None or _better(columns, units, best, source):
                unknown = tuple(_unknown(grid.head[r:below], columns, source))
                best = Header(below, columns, units, unknown, tuple(repeated))
    return best


def _better(
    columns: Mapping[str, int], units: Mapping[str, str], best: Header, source: Source
) -> bool:
    """More columns; of as many, those that say more units (a row of units under the names)."""
    if len(columns) != len(best.columns) or not source.items:
        return len(columns) > len(best.columns)
    return len(units) > len(best.units)


def _is_header(found: Collection[str], source: Source) -> bool:
    whole = bool(found) and set(source.must_have) <= set(found)
    return whole and (not source.items or not source.items.isdisjoint(found))


def _unknown(
    rows: Sequence[Sequence[str]], columns: Mapping[str, int], source: Source
) -> Iterator[tuple[int, str]]:
    """Columns of a header (one row or two) that say something nobody knows."""
    used = set(columns.values())
    ignored = {name: name for name in source.ignored}
    for c in (c for c in range(max(map(len, rows))) if c not in used):
        said = [row[c] for row in reversed(rows) if c < len(row) and row[c]]
        name = _header(said[0], source.names | ignored, source)[0] if said else ""
        # A figure's name in a column not read stands under a group that makes it another one.
        if said and (not name or name in source.items):
            yield c, " ".join(said[0].split())


def _match(
    row: Sequence[str], above: Sequence[str] | None, source: Source
) -> tuple[dict[str, tuple[int, str]], list[tuple[int, str]]]:
    """Layout headers in a row, and repeated ones where the source allows none.

    With ``above``, the two rows are read as one header.
    """
    found: dict[str, tuple[int, str]] = {}
    repeated: list[tuple[int, str]] = []
    group = ""
    for c, cell in enumerate(row):
        upper = above[c] if above is not None and c < len(above) else ""
        group = upper or group
        known = list(_candidates(cell, group, upper, source, paired=above is not None))
        fresh = next(((n, unit) for n, unit in known if n not in found), None)
        if fresh is not None:
            found[fresh[0]] = (c, fresh[1])
        elif known and source.no_repeats:
            repeated.append((c, known[0][0]))
    return found, repeated


def _candidates(
    cell: str, group: str, upper: str, source: Source, *, paired: bool
) -> Iterator[tuple[str, str]]:
    """What a cell of a header may say: by itself, with the group above it, or the cell above.

    Under a group a figure's name is never read without the group: 不良贷款余额 under
    普惠型小微企业 is not that of all loans.
    """
    alone = _header(cell, source.names, source)
    together = _header(group + cell if paired and cell else "", source.names, source)
    above = _header(upper, source.names, source)
    if alone[0] and not (alone[0] in source.items and group):
        yield alone
    if together[0]:
        yield together
    if above[0] and not (above[0] in source.items and cell):
        yield above


def _header(text: str, names: Mapping[str, str], source: Source) -> tuple[str, str]:
    """Layout header and unit a header says; behind a figure's nothing but a unit may stand."""
    key = header_key(text) if text else ""
    if key in names:
        return names[key], ""
    tail = _BRACKETS.search(key)
    if tail is None or key[: tail.start()] not in names:
        return "", ""
    name, word = names[key[: tail.start()]], tail[1]
    if name in source.items:
        return (name, UNIT_WORDS.get(word, word)) if word in source.unit_words else ("", "")
    return name, UNIT_WORDS.get(word, "")


def read_frame(grid: Grid, source: Source, header: Header, layout: Layout) -> Frame:
    """Data rows below a header; blank, total and note rows are counted and left out.

    Raises
    ------
    Refusal
        It says there is nothing to report, and reports rows; or two of its columns say
        the same where none may be repeated.
    """
    _refuse_repeated(grid, header)
    columns, whole = grid.body(header.below)
    rows_in = len(whole)
    data: dict[str, pa.Array] = {
        name: columns[c].combine_chunks() if c < len(columns) else pa.nulls(rows_in, pa.string())
        for name, c in header.columns.items()
    }
    data["__row"] = pa.array(range(header.below + 1, header.below + 1 + rows_in), pa.int64())
    data["__whole"] = whole.combine_chunks()
    is_data = _is_data(columns, grid, header, layout, rows_in)
    table = pa.table(data).filter(is_data)
    is_nil = _says_nil(columns, grid, header)
    if is_nil and table.num_rows:
        raise Refusal(
            f"写明“{NIL}”，却有 {table.num_rows} 行数据。",
            file=grid.file,
            sheet=grid.sheet,
            remedy="请删去其中一样后重新报送。",
        )
    return Frame(
        file=grid.file,
        sheet=grid.sheet,
        source=source.name,
        letters={h: column_letter(c) for h, c in header.columns.items()},
        units=header.units,
        stated_unit=_stated_unit(grid, header),
        data=table,
        rows_in=rows_in,
        non_data=rows_in - table.num_rows,
        is_nil=is_nil,
        header_row=header.below,
        unknown=tuple((f"{column_letter(c)}{header.below}", t) for c, t in header.unknown),
    )


def _refuse_repeated(grid: Grid, header: Header) -> None:
    for c, name in header.repeated:
        cells = [f"{column_letter(i)}{header.below}" for i in (header.columns[name], c)]
        raise Refusal(
            f"表头 {cells[0]} 与 {cells[1]} 说的是同一样（{name}），判断不了以哪一列为准。",
            file=grid.file,
            sheet=grid.sheet,
            remedy="请只留一列后重新报送。",
        )


def _says_nil(columns: Sequence[pa.ChunkedArray], grid: Grid, header: Header) -> bool:
    above = any(cell and squeeze(cell) == NIL for row in grid.head[: header.below] for cell in row)
    if above or not columns:
        return above
    first = pc.unique(pc.coalesce(*columns)).to_pylist()
    return any(text and squeeze(text) == NIL for text in first)


def _is_data(
    columns: Sequence[pa.ChunkedArray], grid: Grid, header: Header, layout: Layout, rows: int
) -> pa.Array:
    if not columns or not rows:
        return pa.array([False] * rows, pa.bool_())
    first = pc.coalesce(*columns).combine_chunks() if len(columns) > 1 else columns[0]
    first = first.combine_chunks() if isinstance(first, pa.ChunkedArray) else first
    encoded = first.dictionary_encode()
    kept = [_starts_data(t, layout) for t in encoded.dictionary.to_pylist()]
    is_data = pc.fill_null(pa.array(kept, pa.bool_()).take(encoded.indices), False)
    titles = [(c, grid.head[header.below - 1][c]) for c in header.columns.values()]
    repeated = None
    for c, title in [(c, t) for c, t in titles if t][:3]:
        same = pc.fill_null(pc.equal(columns[c].combine_chunks(), title), False)
        repeated = same if repeated is None else pc.and_(repeated, same)
    return is_data if repeated is None else pc.and_(is_data, pc.invert(repeated))


def _starts_data(first: str, layout: Layout) -> bool:
    word = squeeze(first)
    return word not in (*layout.totals, NIL) and not any(
        word == note or word.startswith(note + ":") for note in layout.notes
    )


def _stated_unit(grid: Grid, header: Header) -> str:
    for row in grid.head[: header.below]:
        for cell in row:
            match = _STATED_UNIT.search(squeeze(cell)) if cell else None
            if match:
                return UNIT_WORDS[match[1]]
    return ""


def label_value(grid: Grid, label: str) -> tuple[str, str] | None:
    """Value right of a label cell and its A1 address; ``None`` if the label is not there."""
    for r, row in enumerate(grid.head):
        for c, cell in enumerate(row):
            if cell and squeeze(cell) == label:
                for right in range(c + 1, len(row)):
                    if row[right]:
                        return row[right], f"{column_letter(right)}{r + 1}"
                return "", f"{column_letter(c + 1)}{r + 1}"
    return None


def column_letter(index: int) -> str:
    """Column letters of a 0-based column number.

    Examples
    --------
    >>> column_letter(0), column_letter(25), column_letter(26), column_letter(701)
    ('A', 'Z', 'AA', 'ZZ')
    """
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
