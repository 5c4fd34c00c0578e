"""What intake did not read, said aloud: headers, sheets and files nobody recognised."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa

from puhui import results
from puhui.intake.checks import Checks
from puhui.intake.layout import Layout, Source
from puhui.intake.locate import Frame
from puhui.intake.recognise import ReadFile
from puhui.quarter import Quarter

_LOOKS_ALIKE = 0.8  # shares of equal characters; 年初数 and 年初 have 0.8
_NEAREST = 0.4


def unknown_headers(
    files: Sequence[ReadFile],
    checks: Checks,
    quarter: Quarter | None,
    institution_id: str | None,
) -> pa.Table:
    """One finding per header no layout column has, naming the nearest header not found.

    Of a source with ``extra_columns`` only look-alikes of headers it lacks are remarked.
    """
    check = checks.builtin("unknown_header")
    rows: list[dict[str, object]] = []
    for read in files:
        for frame in read.frames:
            for cell, text, near in _unknown(frame, read.layout.sources[frame.source]):
                message = check.message.format(label=text)
                rows.append(
                    {
                        "quarter": str(quarter) if quarter else None,
                        "institution_id": institution_id,
                        "check_id": check.id,
                        "severity": check.severity,
                        "phase": check.phase,
                        "table": table_of(read.layout, frame.source),
                        "file": frame.file,
                        "sheet": frame.sheet,
                        "row": frame.header_row,
                        "cell": cell,
                        "value": text,
                        "message": f"{message}是否指“{near}”？" if near else message,
                    }
                )
    return results.from_rows("findings", rows)


def _unknown(frame: Frame, source: Source) -> Iterator[tuple[str, str, str]]:
    lacking = [h for h in source.headers if h not in frame.letters]
    for cell, text in frame.unknown:
        cutoff = _LOOKS_ALIKE if source.extra_columns else _NEAREST
        near = difflib.get_close_matches(text, lacking, n=1, cutoff=cutoff)
        if near or not source.extra_columns:
            yield cell, text, near[0] if near else ""


def table_of(layout: Layout, source: str) -> str | None:
    """First table a source brings rows or columns to."""
    for table, parts in layout.tables.items():
        for part in parts:
            if source in (part.source, *(j.source for j in part.joins.values())):
                return table
    return None


def not_read(files: Iterable[ReadFile]) -> Iterator[tuple[str, str | None, str, str]]:
    """File, table, status and line for each sheet that was not used."""
    for read in files:
        for source, reason in read.unread.items():
            table = table_of(read.layout, source)
            yield read.file, table, "accepted_with_errors", reason
        if read.unused:
            sheets = [
                s.sheet or f"有表头“{'、'.join(s.must_have)}”的工作表"
                for s in read.layout.sources.values()
                if not s.is_text
            ]
            line = (
                f"未使用的工作表：{'、'.join(read.unused)}"
                f"（按“{read.layout.label}”只读 {'、'.join(sheets)}）。"
                "如是报送内容，请改为约定的工作表名和表头后重新报送。"
            )
            yield read.file, None, "accepted_with_warnings", line
        if read.hidden:
            line = (
                f"隐藏的工作表没有读：{'、'.join(read.hidden)}。"
                "如是报送内容，请取消隐藏后重新报送。"
            )
            yield read.file, None, "accepted", line
