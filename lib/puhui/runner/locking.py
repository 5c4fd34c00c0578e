"""``inputs.lock``: which revisions a run judged and by what rules, so that it can be repeated."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from puhui import __version__
from puhui.errors import ReferenceDataError, RunError, StoreError
from puhui.params import Params
from puhui.quarter import Quarter
from puhui.runner.project import code_fingerprint, combine, file_hash, files_hash
from puhui.store import Snapshot, Store, write_text

LOCK = "inputs.lock"
_FORMAT = 2


@dataclass(frozen=True)
class Locked:
    """One snapshot read: ``sha256`` is that of its contents, ``files`` that of its files."""

    quarter: str
    institution_id: str
    revision: int
    sha256: str
    files: str

    @classmethod
    def of(cls, snapshot: Snapshot) -> Locked:
        """Lock a snapshot as it lies in the store."""
        files = files_hash(snapshot.path.glob("*.parquet"), snapshot.path)
        return cls(
            snapshot.quarter, snapshot.institution_id, snapshot.revision, snapshot.digest, files
        )

    def words(self) -> str:
        """Quarter, institution and revision, e.g. ``2021Q4 HCNS0001 第 2 版``."""
        return f"{self.quarter} {self.institution_id} 第 {self.revision} 版"


@dataclass(frozen=True)
class InputsLock:
    """What a run read and by what rules; base periods included.

    Attributes
    ----------
    policy_date
        The day whose policy judged the quarter: its end.
    version, code, params, key_fingerprint
        The program, fingerprints of its sources, of the parameter files and of the office's
        hashing key.
    benchmarks
        Series, and list of measures beside it → SHA-256 of the file it is read from.
    institutions, chosen, failed, refused
        Who was judged, whether only some had been asked for, who could not be and why, and
        which files were sent back.
    reports
        ``intake`` and ``findings`` → hash of their rows, whatever the order.
    """

    quarter: str
    policy_date: str
    version: str
    code: str
    params: str
    key_fingerprint: str
    benchmarks: Mapping[str, str]
    institutions: tuple[str, ...]
    chosen: bool
    failed: Mapping[str, str]
    refused: tuple[str, ...]
    reports: Mapping[str, str]
    snapshots: tuple[Locked, ...]

    @classmethod
    def rules(cls, quarter: Quarter, loaded: Params, key_fingerprint: str) -> dict[str, Any]:
        """Fields that say by what rules a run of today judges a quarter."""
        return {
            "quarter": str(quarter),
            "policy_date": quarter.end.isoformat(),
            "version": __version__,
            "code": code_fingerprint(),
            "params": loaded.fingerprint,
            "key_fingerprint": key_fingerprint,
            "benchmarks": _benchmarks(loaded),
        }

    def write(self, folder: Path) -> None:
        """Write ``inputs.lock`` into an output folder: JSON, a line for each snapshot."""
        content = {"format": _FORMAT, **asdict(self)}
        snapshots = [json.dumps(s, ensure_ascii=False) for s in content.pop("snapshots")]
        head = json.dumps(content, ensure_ascii=False, indent=1).removesuffix("\n}")
        listed = ",\n  ".join(snapshots)
        write_text(folder / LOCK, f'{head},\n "snapshots": [\n  {listed}\n ]\n}}\n')

    @classmethod
    def read(cls, path: Path) -> InputsLock:
        """Read a lock file.

        Raises
        ------
        RunError
            No such file, or not a lock file of this format.
        """
        if not path.is_file():
            raise RunError(f"找不到锁定文件 {path}。", remedy="它在输出目录的季度文件夹里。")
        try:
            raw = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(raw, dict) or raw.pop("format", None) != _FORMAT:
                raise ValueError("format")
            raw["snapshots"] = tuple(Locked(**s) for s in raw["snapshots"])
            raw["institutions"] = tuple(raw["institutions"])
            raw["refused"] = tuple(raw["refused"])
            return cls(**raw)
        except (ValueError, KeyError, TypeError):
            raise RunError(
                "不是本版本的锁定文件（inputs.lock），或内容不完整。",
                where=str(path),
                remedy="请用 puhui run 重新生成，或从备份恢复。",
            ) from None

    @property
    def judged(self) -> frozenset[str]:
        """Institutions that were judged."""
        return frozenset(self.institutions)

    def sent(self) -> dict[str, int]:
        """Institution → revision judged in the quarter itself."""
        mine = (s for s in self.snapshots if s.quarter == self.quarter)
        return {s.institution_id: s.revision for s in mine}

    def find(self, store: Store) -> list[Snapshot]:
        """Return the locked snapshots, each checked against its hashes.

        Raises
        ------
        RunError
            One is missing, or is not what was judged then.
        """
        return [_checked(store, locked) for locked in self.snapshots]

    def departures(self, now: Mapping[str, Any]) -> list[str]:
        """Say in what today's rules (see :meth:`rules`) differ from those of the lock."""
        said = []
        if now["params"] != self.params:
            said.append(
                f"参数文件与锁定时不同（锁定 {self.params[:12]}，现为 {now['params'][:12]}）；"
                f"政策参数仍取 {self.policy_date} 生效的值"
            )
        if (now["version"], now["code"]) != (self.version, self.code):
            said.append(f"程序与锁定时不同（锁定 puhui {self.version}，代码 {self.code[:12]}）")
        series = sorted({*self.benchmarks, *now["benchmarks"]})
        changed = [s for s in series if self.benchmarks.get(s) != now["benchmarks"].get(s)]
        if changed:
            said.append(f"基准利率文件与锁定时不同：{'、'.join(changed)}")
        return said


def _benchmarks(loaded: Params) -> dict[str, str]:
    found: dict[str, str] = {}
    for series in loaded.benchmarks.values():
        try:
            found |= {name: file_hash(path) for name, path in series.files.items()}
        except ReferenceDataError:
            # A series nobody has asked for may be without its file.
            continue
    return dict(sorted(found.items()))


def _checked(store: Store, locked: Locked) -> Snapshot:
    try:
        snapshot = store.get(locked.quarter, locked.institution_id, locked.revision)
    except StoreError as error:
        raise RunError(
            f"锁定文件要用 {locked.words()}，数据仓不能提供：{error.message}",
            where=str(store.root),
            remedy="请用 --data 指定当时的数据目录，或从备份恢复 store。",
        ) from None
    if Locked.of(snapshot) != locked:
        raise RunError(
            f"数据仓里的 {locked.words()}与锁定时的内容不同（校验值不符）。",
            where=str(snapshot.path),
            remedy="它可能被改动、损坏或重建过；请从备份恢复 store 后再运行。",
        )
    return snapshot


def report_hash(table: pa.Table) -> str:
    """Hash the rows of a report, whatever their order."""
    return combine(*sorted(repr(sorted(row.items())) for row in table.to_pylist()))


def only_of(table: pa.Table, revisions: Mapping[str, int]) -> pa.Table:
    """Keep the rows of a report that are about these revisions."""
    pairs = zip(table["institution_id"].to_pylist(), table["revision"].to_pylist(), strict=True)
    kept = [r is not None and revisions.get(i) == r for i, r in pairs]
    return table.filter(pa.array(kept, pa.bool_()))
