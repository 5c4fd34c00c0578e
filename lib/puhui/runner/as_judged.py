"""What a run judges: submissions just taken in, or what ``inputs.lock`` says was judged then."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from puhui import results
from puhui.errors import RunError
from puhui.quarter import Quarter
from puhui.runner import locking
from puhui.runner.locking import InputsLock, Locked
from puhui.store import SUPERVISOR, Snapshot, Store, write_text

if TYPE_CHECKING:
    from puhui.briefing.source import Source
    from puhui.runner.workspace import RunConfig

#: Reports of intake a run shows beside its results.
REPORTS = ("intake", "findings")


@dataclass(frozen=True)
class Inputs:
    """Snapshots to be judged and what intake said of them.

    Attributes
    ----------
    snapshots
        One per quarter and institution, the supervisor's first.
    failed
        Institution of the quarter that could not be taken in → why.
    refused
        Files of the quarter that were sent back, a line each.
    reports
        ``intake`` and ``findings`` of the quarter.
    notes
        Where the run cannot be as it was, in the user's words.
    first
        The lock whose run is made again, if it is.
    """

    snapshots: tuple[Snapshot, ...]
    failed: Mapping[str, str]
    refused: tuple[str, ...]
    reports: Mapping[str, pa.Table]
    chosen: bool = False
    notes: tuple[str, ...] = ()
    first: InputsLock | None = None

    @property
    def submitted(self) -> list[Snapshot]:
        """Without the supervisor's own tables."""
        return [s for s in self.snapshots if s.institution_id != SUPERVISOR]

    def lock(self, rules: Mapping[str, Any], config: RunConfig) -> InputsLock:
        """Make the lock of a run of these inputs."""
        if self.first is not None:
            # Reports no longer kept stay missed, also when this run is repeated in turn.
            reports, snapshots = self.first.reports, self.first.snapshots
        else:
            reports = {n: locking.report_hash(t) for n, t in sorted(self.reports.items())}
            snapshots = tuple(Locked.of(s) for s in self.snapshots)
        return InputsLock(
            **rules,
            institutions=config.institutions,
            chosen=config.chosen,
            failed=dict(config.failed),
            refused=self.refused,
            reports=reports,
            snapshots=snapshots,
        )


def open_lock(path: Path, quarter: Quarter, data: Path) -> InputsLock:
    """Read a lock that is to be judged again.

    Raises
    ------
    RunError
        Not a lock, one of another quarter, or there is no store to take its revisions from.
    """
    lock = InputsLock.read(path)
    if lock.quarter != str(quarter):
        raise RunError(
            f"锁定文件是 {lock.quarter} 的，不是 {quarter} 的。",
            where=str(path),
            remedy=f"请写 puhui run {lock.quarter} --as-judged …。",
        )
    if not (data / "store" / "store.json").is_file():
        raise RunError(
            f"{data} 没有数据仓（store），找不到锁定的版本。", remedy="请用 --data 指定数据目录。"
        )
    return lock


def again(store: Store, path: Path, lock: InputsLock, rules: Mapping[str, Any]) -> Inputs:
    """Return the inputs of a lock: its very revisions, and what is kept of their reports.

    Parameters
    ----------
    path
        Where the lock was read; its folder may hold the results of that run.
    rules
        What holds today, see :meth:`InputsLock.rules`.

    Raises
    ------
    RunError
        A revision is missing or not what it was, or the store has another hashing key.
    """
    if rules["key_fingerprint"] != lock.key_fingerprint:
        raise RunError(
            "锁定文件是用另一把脱敏密钥的数据仓写成的。",
            where=str(path),
            remedy="请在 run.yaml 的 hash_key_file 写明当时的密钥，并用当时的 store。",
        )
    snapshots = tuple(lock.find(store))
    reports, lost = _reports(store, path.parent, lock)
    said = lock.departures(rules)
    if lost:
        said.append(f"接收情况与校验问题没有保存，未列出：{'、'.join(lost)}")
    return Inputs(
        snapshots,
        dict(lock.failed),
        lock.refused,
        reports,
        lock.chosen,
        tuple(said),
        lock,
    )


def _reports(store: Store, beside: Path, lock: InputsLock) -> tuple[dict[str, pa.Table], list[str]]:
    """Find intake's reports of the locked revisions, and who is without.

    They are complete beside the lock or, where nothing was sent since, in the store; else
    the rows of the locked revisions are taken from what the store has now.
    """
    found: dict[str, pa.Table] = {}
    lost: list[str] = []
    for name in REPORTS:
        kept = list(_kept(store, beside, lock, name))
        whole = [t for t in kept if locking.report_hash(t) == lock.reports[name]]
        if whole:
            found[name] = whole[0]
            continue
        found[name] = locking.only_of(kept[-1], lock.sent())
        if name == "intake":
            listed = set(found[name]["institution_id"].to_pylist())
            sent = {i: r for i, r in lock.sent().items() if i not in {*listed, SUPERVISOR}}
            lost += [f"{i} 第 {r} 版" for i, r in sorted(sent.items())]
            lost += sorted(lock.failed)
    return found, lost


def _kept(store: Store, beside: Path, lock: InputsLock, name: str) -> Iterator[pa.Table]:
    schema = results.SCHEMAS[name]
    for folder in ("results", "working"):
        own = beside / folder / f"{name}.parquet"
        if own.is_file():
            yield pq.read_table(own).cast(schema)
    quarter = Quarter.parse(lock.quarter)
    folders = sorted((store.root / "intake" / lock.quarter).glob("*/record.json"))
    tables = [store.record_table(quarter, f.parent.name, name) for f in folders]
    yield pa.concat_tables([results.empty(name), *(t.cast(schema) for t in tables)])


def same_inputs(path: Path, lock: InputsLock) -> bool:
    """Whether another lock file names the same snapshots."""
    try:
        return InputsLock.read(path).snapshots == lock.snapshots
    except RunError:
        return False


def keep_notes(config: RunConfig, notes: Sequence[str]) -> None:
    """Keep beside the working papers what its pages have to say of a repeated run."""
    path = config.working / _NOTES
    if notes:
        write_text(path, json.dumps(list(notes), ensure_ascii=False, indent=1))
    else:
        path.unlink(missing_ok=True)


def notes(config: RunConfig) -> tuple[str, ...]:
    """What its pages have to say of a repeated run; nothing of an ordinary one."""
    path = config.working / _NOTES
    return tuple(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else ()


_NOTES = "as_judged.json"


def noted(source: Source, said: Sequence[str]) -> Source:
    """Add to what pages print of their origin."""
    if not said:
        return source
    warned = "；".join([source.meta["params"], *said])
    return replace(source, meta={**source.meta, "params": warned})
