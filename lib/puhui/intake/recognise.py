"""Tells which layout fits a file, and whether it is for this quarter and institution."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

import pyarrow.compute as pc

from puhui.intake.layout import Declared, Layout, Source
from puhui.intake.locate import NIL, Frame, Header, find_header, label_value, read_frame
from puhui.intake.parquet import SUFFIX as PARQUET
from puhui.intake.parquet import open_parquet
from puhui.intake.reading import (
    GZIP,
    WORKBOOKS,
    Grid,
    Refusal,
    check_size,
    open_text,
    open_workbook,
)
from puhui.intake.spelling import plain
from puhui.intake.values import read_quarter
from puhui.quarter import Quarter

_IGNORED = re.compile(r"(~\$|\.|thumbs\.db$|desktop\.ini$)", re.IGNORECASE)
_DOCUMENT = re.compile(r"\.(docx?|wps|pdf|ofd|pptx?|jpe?g|png|bmp|gif|tiff?|md)")


@dataclass(frozen=True)
class ReadFile:
    """One file under the one layout that fits it.

    ``unread`` says why a source whose sheet is there could not be read; ``unused`` names
    the sheets with content that the layout does not know, ``hidden`` the hidden ones, which
    nobody reads.
    """

    file: str
    layout: Layout
    grids: Mapping[str, Grid]
    frames: tuple[Frame, ...]
    unread: Mapping[str, str]
    unused: tuple[str, ...]
    hidden: tuple[str, ...]


def files_of(folder: Path, *, deep: bool = True) -> list[tuple[Path, str]]:
    """Files of a submission with their names in it; locks and hidden files left out.

    ``deep=False`` leaves sub-folders out.
    """
    found = []
    for path in sorted(folder.rglob("*") if deep else folder.glob("*")):
        inside = path.relative_to(folder)
        if path.is_file() and not any(_IGNORED.match(p) for p in inside.parts):
            found.append((path, str(PurePosixPath(inside))))
    return found


def told_by_name(names: Iterable[str], layouts: Sequence[Layout]) -> frozenset[str]:
    """Ids of the layouts that are the only ones some file's name fits."""
    fits = [
        [lay.id for lay in layouts if any(_matches(s, name) for s in lay.sources.values())]
        for name in names
    ]
    return frozenset(ids[0] for ids in fits if len(ids) == 1)


def read_file(
    path: Path, name: str, layouts: Sequence[Layout], beside: Collection[str] = ()
) -> ReadFile:
    """Read a file under the layout that fits it.

    Where several fit (a supplement that two versions of a system share), the one that
    other files of the folder are in is taken (``beside``, layout ids), or without such
    files the one the others extend.

    Raises
    ------
    Refusal
        It cannot be opened, no layout or more than one fits, or it holds no data row.
    """
    if not layouts:
        raise Refusal(
            "参数里没有读这类文件的版式。", file=name, remedy="请监管部门在 layouts 里添加版式。"
        )
    check_size(path, name, max(layout.max_bytes for layout in layouts))
    opener = _Opener(path, name)
    fits: list[tuple[Layout, _Located]] = []
    reasons: list[str] = []
    refusals: list[Refusal] = []
    for layout in layouts:
        try:
            located = _locate(opener, layout)
        except Refusal as refusal:
            refusals.append(refusal)
            continue
        if located.sources:
            fits.append((layout, located))
        elif located.reason:
            reasons.append(f"按“{layout.label}”读时{located.reason}")
    if len(fits) > 1:
        extended = {layout.id for layout, _ in fits}
        told = [f for f in fits if f[0].id in beside]
        fits = told or [f for f in fits if f[0].extends not in extended]
    if len(fits) > 1:
        names = "、".join(layout.label for layout, _ in fits)
        raise Refusal(
            f"几个版式都认得这个文件（{names}）。",
            file=name,
            remedy="请只按其中一种报送，或请监管部门修改版式的识别条件。",
        )
    if not fits:
        raise _unrecognised(name, layouts, reasons, refusals)
    layout, located = fits[0]
    check_size(path, name, layout.max_bytes)
    return _frames(opener, layout, located)


def _unrecognised(
    name: str, layouts: Sequence[Layout], reasons: Sequence[str], refusals: Sequence[Refusal]
) -> Refusal:
    if refusals and not reasons:
        return refusals[0]
    detail = f"（{'；'.join(reasons)}）" if reasons else ""
    known = "、".join(layout.label for layout in layouts)
    return Refusal(
        f"没有版式认得这个文件{detail}。",
        file=name,
        remedy=f"请按已有版式报送（{known}），或请监管部门添加版式。",
    )


class _Opener:
    """Opens a file once per way of reading, however many layouts try it."""

    def __init__(self, path: Path, name: str) -> None:
        self.path, self.name = path, name
        self.hidden: tuple[str, ...] = ()
        self._grids: dict[tuple[object, ...], dict[str, Grid]] = {}

    def grids(self, source: Source, limit: int) -> dict[str, Grid]:
        """Sheets by name (one without a name for other files); none if not of this kind.

        ``limit`` bounds the bytes of what was compressed.
        """
        suffix = self.path.suffix.lower()
        key: tuple[object, ...] = (limit,) if suffix == PARQUET else ()
        if suffix not in (PARQUET, *WORKBOOKS):
            key = (source.encodings, source.delimiter, source.quote, source.line_breaks, limit)
        if suffix != PARQUET and (suffix in WORKBOOKS) == source.is_text:
            return {}
        if key not in self._grids:
            self._grids[key] = self._open(suffix, source, limit)
        return self._grids[key]

    def _open(self, suffix: str, source: Source, limit: int) -> dict[str, Grid]:
        if suffix == PARQUET:
            return {"": open_parquet(self.path, self.name, limit)}
        if suffix in WORKBOOKS:
            grids, self.hidden = open_workbook(self.path, self.name)
            return grids
        return {"": open_text(self.path, self.name, source, limit)}


def _matches(source: Source, name: str) -> bool:
    base = plain(PurePosixPath(name).name).lower()
    if source.is_text:
        base = base.removesuffix(GZIP)
    return any(fnmatchcase(base, plain(p).lower()) for p in source.files)


def is_document(name: str, layouts: Sequence[Layout]) -> bool:
    """Whether a file is a letter, a scan or a picture that no layout asks for."""
    sources = [s for layout in layouts for s in layout.sources.values()]
    suffix = PurePosixPath(name).suffix.lower()
    return _DOCUMENT.fullmatch(suffix) is not None and not any(_matches(s, name) for s in sources)


@dataclass(frozen=True)
class Meant:
    """A source a refused file was meant to bring; ``certain`` unless it could not be opened."""

    layout: Layout
    source: str
    certain: bool


def meant_by(path: Path, name: str, layouts: Sequence[Layout]) -> list[Meant]:
    """Sources a file that fits no layout was meant to bring, by its name and its sheets.

    A workbook is known by its sheets, any other file by its name (one that a source names
    rather than one that takes whatever comes); a workbook that cannot be opened may hold
    whatever its name allows.
    """
    found = []
    by_name = path.suffix.lower() not in WORKBOOKS
    fitting = [(lay, s) for lay in layouts for s in lay.sources.values() if _matches(s, name)]
    named = [(layout, s) for layout, s in fitting if not _takes_any_name(s)]
    for layout, source in (named or fitting) if by_name else fitting:
        sheets = None if by_name else _sheets(path, name, layout)
        if sheets is None or plain(source.sheet) in sheets:
            certain = by_name or sheets is not None
            found.append(Meant(layout, source.name, certain))
    return found


def _takes_any_name(source: Source) -> bool:
    return all(pattern.startswith("*.") for pattern in source.files)


def _sheets(path: Path, name: str, layout: Layout) -> set[str] | None:
    try:
        check_size(path, name, layout.max_bytes)
        return {plain(sheet) for sheet in open_workbook(path, name)[0]}
    except Refusal:
        return None


@dataclass(frozen=True)
class _Located:
    """Where a layout's sources stand in a file, and what could not be found.

    A source that names no sheet stands wherever its header is, on one sheet or several that
    no source before it has.
    """

    sources: Mapping[str, Sequence[tuple[Grid, Header | None]]]
    unread: Mapping[str, str]
    reason: str


def _locate(opener: _Opener, layout: Layout) -> _Located:
    located: dict[str, list[tuple[Grid, Header | None]]] = {}
    unread: dict[str, str] = {}
    reason = ""
    taken: set[str | None] = set()
    for source in (s for s in layout.sources.values() if _matches(s, opener.name)):
        grids = opener.grids(source, layout.max_bytes)
        if source.sheet:
            grids = {n: g for n, g in grids.items() if plain(n) == plain(source.sheet)}
        free = [g for g in grids.values() if source.sheet or g.sheet not in taken]
        found = _places(source, free)
        if found:
            located[source.name] = found
            taken |= {grid.sheet for grid, _ in found}
        elif source.required or free:
            reason = _reason(reason, source, bool(free))
            if source.required:
                return _Located({}, {}, reason)
            if source.sheet:
                unread[source.name] = _no_header(opener.name, source)
    if all(header is None for places in located.values() for _, header in places):
        return _Located({}, {}, reason)
    return _Located(located, unread, reason)


def _reason(before: str, source: Source, is_there: bool) -> str:
    """What of a source was not found; of those that name no sheet, each one's header."""
    what = "工作表" if source.sheet and not is_there else "表头"
    lacking = f"{what}“{source.sheet or '、'.join(source.must_have)}”"
    lacking += "及至少一列报送项目" if source.items else ""
    if before and not source.sheet:
        return f"{before}，也找不到{lacking}"
    return before or f"找不到{lacking}"


def _places(source: Source, grids: Iterable[Grid]) -> list[tuple[Grid, Header | None]]:
    found: list[tuple[Grid, Header | None]] = []
    for grid in grids:
        header = None if source.cells_only else find_header(grid, source)
        if source.cells_only or header is not None:
            found.append((grid, header))
    return found[:1] if source.sheet or source.cells_only else found


def _no_header(name: str, source: Source) -> str:
    return (
        f"{name} 的工作表“{source.sheet}”认不出表头，整表没有读。"
        f"表头一行至少应有：{'、'.join(source.must_have)}。"
    )


def _frames(opener: _Opener, layout: Layout, located: _Located) -> ReadFile:
    name = opener.name
    frames = [
        read_frame(grid, layout.sources[source], header, layout)
        for source, places in located.sources.items()
        for grid, header in places
        if header is not None
    ]
    if not any(frame.data.num_rows or frame.is_nil for frame in frames):
        raise Refusal(
            "文件里没有一行数据。",
            file=name,
            remedy=f"请确认导出了数据；确无数据的请在表头下写明“{NIL}”。",
        )
    grids = {source: places[0][0] for source, places in located.sources.items()}
    unused = _unused_sheets(opener, layout, {f.sheet for f in frames if f.sheet})
    return ReadFile(name, layout, grids, tuple(frames), located.unread, unused, opener.hidden)


def _unused_sheets(opener: _Opener, layout: Layout, read: set[str]) -> tuple[str, ...]:
    """Visible sheets with content that the layout neither names nor reads."""
    sources = [s for s in layout.sources.values() if not s.is_text and _matches(s, opener.name)]
    known = {plain(s) for s in read} | {plain(s.sheet) for s in sources if s.sheet}
    grids = opener.grids(sources[0], layout.max_bytes) if sources else {}
    filled = {n: g for n, g in grids.items() if any(cell for row in g.head for cell in row)}
    return tuple(n for n in filled if n and plain(n) not in known)


def check_declared(read: ReadFile, quarter: Quarter | None, institution_id: str | None) -> None:
    """Refuse a file that says it is for another quarter or another institution.

    Raises
    ------
    Refusal
        Also where a label the layout names is missing or left empty.
    """
    if quarter is not None:
        for declared in read.layout.quarter:
            for text in _declared_texts(read, declared):
                _check_quarter(read, declared, text, quarter)
    if institution_id is not None:
        for declared in read.layout.institution:
            for text in _declared_texts(read, declared):
                if plain(text).upper() != institution_id:
                    raise Refusal(
                        f"{_name(declared)}是“{text}”，不是本机构的 {institution_id}。",
                        file=read.file,
                        remedy="请放到该机构自己的文件夹，或更正编号。",
                    )


def _check_quarter(read: ReadFile, declared: Declared, text: str, quarter: Quarter) -> None:
    stated = read_quarter(text, declared.formats, read.layout.century_end)
    if stated is None:
        raise Refusal(
            f"{_name(declared)}“{text}”看不出是哪个季度。",
            file=read.file,
            remedy=f"请写成 {quarter} 后重新报送。",
        )
    if stated != quarter:
        raise Refusal(
            f"{_name(declared)}是{stated.label}，不是{quarter.label}。",
            file=read.file,
            remedy=f"请报送{quarter.label}（{quarter.end:%Y-%m-%d}）的文件。",
        )


def _name(declared: Declared) -> str:
    return f"“{declared.label or declared.header}”"


def _declared_texts(read: ReadFile, declared: Declared) -> Iterable[str]:
    """Distinct texts a declaration has in a file; none if the file lacks that source."""
    if declared.nothing or declared.source not in read.grids:
        return []
    if declared.label:
        found = label_value(read.grids[declared.source], declared.label)
        if declared.optional and found is None:
            return []
        if found is None or not found[0]:
            raise Refusal(
                f"没有填写{_name(declared)}。", file=read.file, remedy="请补填后重新报送。"
            )
        return [found[0]]
    texts: dict[str, None] = {}
    for frame in (f for f in read.frames if f.source == declared.source):
        texts |= dict.fromkeys(_column_texts(read, frame, declared))
    return texts


def _column_texts(read: ReadFile, frame: Frame, declared: Declared) -> list[str]:
    if declared.header not in frame.data.column_names:
        if declared.optional:
            return []
        raise Refusal(
            f"缺少列{_name(declared)}。", file=read.file, remedy="请按版式补上后重新报送。"
        )
    # A row with a stray separator is shifted; it is quarantined later and says nothing here.
    whole = frame.data.filter(frame.data.column("__whole"))
    texts = [t for t in pc.unique(whole.column(declared.header)).to_pylist() if t]
    if not texts and whole.num_rows:
        raise Refusal(f"列{_name(declared)}全为空。", file=read.file, remedy="请补填后重新报送。")
    return texts
