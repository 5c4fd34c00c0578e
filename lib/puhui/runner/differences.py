"""``puhui diff``: which snapshots differ between two runs, and what that changed.

A side is an output folder of a quarter, whose results are read as they were gathered, or an
``inputs.lock``, whose snapshots are judged anew with today's parameters, without notebooks.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from puhui.errors import RunError
from puhui.indicators import result_table, totals_table
from puhui.quarter import Quarter
from puhui.runner.locking import LOCK, InputsLock, Locked
from puhui.runner.measuring import Progress
from puhui.runner.preparing import prepare, quiet
from puhui.runner.workspace import concat

Key = tuple[str, str | None, str]
Row = Mapping[str, object]

#: What is compared of an indicator, in the order it is told, with the Chinese word for it.
ASPECTS: dict[str, str] = {
    "value": "数值",
    "base": "基数",
    "threshold": "限值",
    "verdict": "结论",
    "flags": "标志",
    "reason": "说明",
    "presence": "有无",
}
_COLUMNS: dict[str, tuple[str, ...]] = {
    "value": ("value_num", "value_den", "unit"),
    "base": ("base_num", "base_den"),
    "threshold": ("test", "threshold"),
    "verdict": ("verdict",),
    "reason": ("reason",),
}


@dataclass(frozen=True)
class Side:
    """One of the two runs: what it read and what came out (``results`` ``indicators``)."""

    name: str
    lock: InputsLock
    indicators: pa.Table


@dataclass(frozen=True)
class Moved:
    """A quarter of an institution whose snapshot is not the same; ``None``: not read."""

    quarter: str
    institution_id: str
    before: int | None
    after: int | None

    def words(self) -> str:
        """Say the revisions, e.g. ``第 1 版 → 第 2 版``."""
        if self.before is None or self.after is None:
            only, revision = ("后者", self.after) if self.before is None else ("前者", self.before)
            return f"只有{only}用到（第 {revision} 版）"
        if self.before == self.after:
            return f"第 {self.before} 版，但内容不同"
        return f"第 {self.before} 版 → 第 {self.after} 版"


@dataclass(frozen=True)
class Change:
    """An indicator of a unit that changed; a side without it is ``None``."""

    institution_id: str
    branch_id: str | None
    indicator_id: str
    before: Row | None
    after: Row | None
    aspects: tuple[str, ...]


@dataclass(frozen=True)
class Differences:
    """Everything that differs between two sides.

    Attributes
    ----------
    compared
        How many indicators of units there are on either side.
    """

    before: Side
    after: Side
    moved: tuple[Moved, ...]
    changes: tuple[Change, ...]
    compared: int

    @property
    def any(self) -> bool:
        """Whether snapshots or results differ."""
        return bool(self.moved or self.changes)

    @property
    def counts(self) -> dict[str, int]:
        """Aspect → how many indicators changed in it, those that did."""
        found = {a: sum(a in c.aspects for c in self.changes) for a in ASPECTS}
        return {a: n for a, n in found.items() if n}


def open_side(path: Path, *, data: Path, params_folder: Path, progress: Progress = quiet) -> Side:
    """Open an output folder of a quarter, or judge the snapshots of a lock file.

    Parameters
    ----------
    path
        ``output/2021Q4`` or an ``inputs.lock``.
    data, params_folder
        Where a lock's snapshots and today's parameters are; a folder needs neither.

    Raises
    ------
    RunError
        Neither of the two, a folder without results, or a snapshot that is not as locked.
    """
    if path.is_dir():
        lock, table = path / LOCK, path / "results" / "indicators.parquet"
        if not lock.is_file() or not table.is_file():
            raise RunError(
                "这个目录里没有一个季度的结果（inputs.lock、results/）。",
                where=str(path),
                remedy="请写 output/2021Q4 这样的目录，或先执行 puhui run。",
            )
        return Side(str(path), InputsLock.read(lock), pq.read_table(table))
    if not path.is_file():
        raise RunError(
            f"找不到 {path}。", remedy="请写季度的输出目录（如 output/2021Q4）或 inputs.lock 文件。"
        )
    lock_read = InputsLock.read(path)
    return Side(str(path), lock_read, _judged(path, lock_read, data, params_folder, progress))


def _judged(
    path: Path, lock: InputsLock, data: Path, params_folder: Path, progress: Progress
) -> pa.Table:
    """Judge the snapshots of a lock as a run does before its pages; nothing of it is kept."""
    with tempfile.TemporaryDirectory(prefix="puhui-") as out:
        quarter = Quarter.parse(lock.quarter)
        run = prepare(
            data, params_folder, Path(out), quarter, as_judged=path, progress=progress
        ).run
        everyone = [run.facts(str(i)) for i in run.register["institution_id"].to_pylist()]
        tables = [result_table(run.bench, run.facts(i), run.branches(i)) for i in lock.institutions]
        tables.append(totals_table(run.bench, everyone))
    return concat("indicators", tables)


def compare(before: Side, after: Side) -> Differences:
    """Compare what two runs read and what they found, unit by unit and exactly."""
    ours, theirs = _rows(before.indicators), _rows(after.indicators)
    keys = sorted({*ours, *theirs}, key=lambda k: (k[0], k[1] is not None, k[1] or "", k[2]))
    changes = (_change(key, ours.get(key), theirs.get(key)) for key in keys)
    return Differences(
        before,
        after,
        tuple(_moved(before.lock, after.lock)),
        tuple(c for c in changes if c.aspects),
        len(keys),
    )


def _rows(table: pa.Table) -> dict[Key, Row]:
    return {(r["institution_id"], r["branch_id"], r["indicator_id"]): r for r in table.to_pylist()}


def _change(key: Key, before: Row | None, after: Row | None) -> Change:
    if before is None or after is None:
        return Change(*key, before, after, ("presence",))
    aspects = [a for a, names in _COLUMNS.items() if any(before[n] != after[n] for n in names)]
    if set(flags_of(before)) != set(flags_of(after)):
        aspects.append("flags")
    return Change(*key, before, after, tuple(a for a in ASPECTS if a in aspects))


def flags_of(row: Row) -> list[str]:
    """Flags of a result row."""
    flags = row["flags"]
    return [str(f) for f in flags] if isinstance(flags, list) else []


def _moved(before: InputsLock, after: InputsLock) -> Iterator[Moved]:
    ours, theirs = _by_place(before.snapshots), _by_place(after.snapshots)
    for place in sorted({*ours, *theirs}):
        one, other = ours.get(place), theirs.get(place)
        same = one is not None and other is not None and one.sha256 == other.sha256
        if not same:
            revisions = (s.revision if s is not None else None for s in (one, other))
            yield Moved(*place, *revisions)


def _by_place(snapshots: Iterable[Locked]) -> dict[tuple[str, str], Locked]:
    return {(s.quarter, s.institution_id): s for s in snapshots}
