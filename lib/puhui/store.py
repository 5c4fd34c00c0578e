"""The store: immutable snapshots of what institutions submitted, by quarter and revision.

Layout: ``quarter=2021Q4/institution_id=HCNS0001/rev=0001/<table>.parquet``, readable as it
is by DuckDB and Spark (partition columns are text and are not repeated in the files).
Beside it ``intake/<quarter>/<folder>/`` keeps what intake said of each submitted folder.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock, Timeout

from puhui.errors import StoreError, StoreLocked
from puhui.quarter import Quarter

SUPERVISOR = "SUPERVISOR"
_ID = re.compile(r"[A-Z0-9]{4,32}")


#: Layout of files in the store; a store of another layout is refused.
FORMAT = 2
#: Columns with the number of an id within its snapshot, the id, and the tables that have both:
#: a number is joined, grouped and counted in a fraction of the time a hashed id takes.
NUMBERED = (
    (pa.field("customer_no", pa.int32()), "customer_id", ("loans", "customers")),
    (pa.field("branch_no", pa.int32()), "branch_id", ("loans",)),
)


@dataclass(frozen=True)
class Snapshot:
    """One revision of what an institution submitted for a quarter."""

    quarter: str
    institution_id: str
    revision: int
    path: Path
    tables: tuple[str, ...]
    absent: Mapping[str, tuple[str, ...]]
    """table → canonical columns the submission's layout does not supply."""
    missing: Mapping[str, str]
    """table → why it could not be used though it was to be there (a refused file, say)."""
    set_aside: Mapping[str, int]
    """table → rows in quarantine."""
    digest: str
    branches: tuple[str, ...]
    """Branches that have loans, by their number in the ledger."""

    def file(self, table: str) -> Path:
        """Parquet file of a table in this snapshot."""
        return self.path / f"{table}.parquet"


@dataclass(frozen=True)
class IntakeRecord:
    """What intake made of one submitted folder, kept so that unchanged input is not read again."""

    quarter: str
    folder: str
    key: str
    revisions: Mapping[str, int]
    refused: tuple[str, ...]


class Store:
    """Snapshots under one root folder; the only place where state changes.

    Parameters
    ----------
    root
        Folder of the store; made when first written to.
    key_fingerprint
        Fingerprint of the office's hashing key. A store made with another key is refused,
        because hashed ids would no longer match.
    """

    def __init__(self, root: Path, *, key_fingerprint: str) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)
        marker = root / "store.json"
        if marker.exists():
            known = _read_json(marker)
            if known.get("key_fingerprint") != key_fingerprint:
                raise StoreError(
                    "数据仓由另一把脱敏密钥建立。",
                    where=str(root),
                    remedy="请使用原密钥，或另建 store 目录重新入库。",
                )
            if known.get("format") != FORMAT:
                raise StoreError(
                    "数据仓由另一版本的程序建立，格式不同。",
                    where=str(root),
                    remedy="请另建 store 目录，把各季报送重新入库。",
                )
        else:
            write_text(marker, json.dumps({"key_fingerprint": key_fingerprint, "format": FORMAT}))

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the store for one run; raises :class:`StoreLocked` if another run has it."""
        with held(self.root, "数据仓"):
            sweep(self.root)
            yield

    def put(
        self,
        quarter: Quarter,
        institution_id: str,
        tables: Mapping[str, pa.Table],
        *,
        absent: Mapping[str, Iterable[str]],
        missing: Mapping[str, str] | None = None,
        set_aside: Mapping[str, int] | None = None,
        quarantined: Mapping[str, pa.Table] | None = None,
    ) -> Snapshot:
        """Store tables as a new revision, unless the latest revision already says the same.

        ``quarantined`` are rows set aside, as far as readable, in canonical columns; they are
        kept as ``quarantined_<table>.parquet`` so that judgements can take them at their worst.

        Raises
        ------
        StoreError
            If the institution id is not ``[A-Z0-9]{4,32}``.
        """
        if not _ID.fullmatch(institution_id):
            raise StoreError(
                f"机构编号“{institution_id}”不合规。", remedy="应为 4–32 位大写字母和数字。"
            )
        about = {
            "tables": sorted(tables),
            "absent": {t: sorted(c) for t, c in sorted(absent.items())},
            "missing": dict(sorted((missing or {}).items())),
            "set_aside": {t: n for t, n in sorted((set_aside or {}).items()) if n},
        }
        aside = {f"quarantined_{n}": t for n, t in (quarantined or {}).items() if t.num_rows}
        digest = content_hash({**tables, **aside}, about)
        latest = self.latest(quarter, institution_id)
        if latest is not None and latest.digest == digest:
            return latest
        revision = 1 if latest is None else latest.revision + 1
        folder = self._folder(quarter, institution_id)
        folder.mkdir(parents=True, exist_ok=True)
        staged = Path(tempfile.mkdtemp(prefix=".new-", dir=folder))
        numbered, ids = _numbered(tables)
        for name, table in {**numbered, **aside}.items():
            kept = table if institution_id == SUPERVISOR else table.drop_columns("institution_id")
            pq.write_table(kept, staged / f"{name}.parquet", compression="zstd")
        named = {"digest": digest, "branches": ids["branch_id"], **about}
        described = json.dumps(named, ensure_ascii=False, indent=1)
        write_text(staged / "snapshot.json", described)
        target = folder / f"rev={revision:04d}"
        staged.rename(target)
        target.chmod(0o755)
        return _read_snapshot(target)

    def latest(self, quarter: Quarter, institution_id: str) -> Snapshot | None:
        """Latest revision for an institution and quarter, if any."""
        found = sorted(self._folder(quarter, institution_id).glob("rev=*"))
        return _read_snapshot(found[-1]) if found else None

    def get(self, quarter: str, institution_id: str, revision: int) -> Snapshot:
        """One named revision; raises :class:`StoreError` if the store has it not."""
        path = self._folder(Quarter.parse(quarter), institution_id) / f"rev={revision:04d}"
        if not path.is_dir():
            raise StoreError(f"数据仓没有 {quarter} {institution_id} 第 {revision} 版。")
        return _read_snapshot(path)

    def record(self, quarter: Quarter, folder: str) -> IntakeRecord | None:
        """Return what intake said of a folder last time, if anything."""
        path = self._record_folder(quarter, folder) / "record.json"
        if not path.exists():
            return None
        data = _read_json(path)
        data["refused"] = tuple(data["refused"])
        return IntakeRecord(**data)

    def keep_record(self, record: IntakeRecord, tables: Mapping[str, pa.Table]) -> None:
        """Keep findings, intake report and quarantine of a folder, replacing the last."""
        folder = self._record_folder(Quarter.parse(record.quarter), record.folder)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name, table in tables.items():
            pq.write_table(table, folder / f"{name}.parquet")
        write_text(folder / "record.json", json.dumps(asdict(record), ensure_ascii=False, indent=1))

    def forget(self, quarter: Quarter, folder: str) -> None:
        """Forget what intake said of a folder, so that it is read again."""
        shutil.rmtree(self._record_folder(quarter, folder), ignore_errors=True)

    def record_table(self, quarter: Quarter, folder: str, name: str) -> pa.Table:
        """Read ``findings``, ``intake`` or ``quarantine`` of a recorded folder."""
        return pq.read_table(self._record_folder(quarter, folder) / f"{name}.parquet")

    def _folder(self, quarter: Quarter, institution_id: str) -> Path:
        return self.root / f"quarter={quarter}" / f"institution_id={institution_id}"

    def _record_folder(self, quarter: Quarter, folder: str) -> Path:
        return self.root / "intake" / str(quarter) / folder


@contextmanager
def held(folder: Path, what: str) -> Iterator[None]:
    """Hold a folder for one process; :class:`StoreLocked` names who has it otherwise.

    Parameters
    ----------
    what
        What the folder is, in the user's words.
    """
    folder.mkdir(parents=True, exist_ok=True)
    holder = folder / ".holder"
    lock = FileLock(str(folder / ".lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        who = holder.read_text(encoding="utf-8") if holder.exists() else "未知进程"
        raise StoreLocked(
            f"{what}正被另一次运行占用（{who}）。", where=str(folder), remedy="请等它结束。"
        ) from None
    try:
        holder.write_text(f"进程 {os.getpid()}", encoding="utf-8")
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


def _numbered(tables: Mapping[str, pa.Table]) -> tuple[dict[str, pa.Table], dict[str, list[str]]]:
    """Number ids within the snapshot, beside them; return the tables and the ids by number."""
    numbered, ids = dict(tables), {}
    for field, name, holders in NUMBERED:
        columns = {t: tables[t][name] for t in holders if t in tables}
        chunks = [chunk for column in columns.values() for chunk in column.chunks]
        codes = pa.chunked_array(chunks, pa.string()).combine_chunks().dictionary_encode()
        ids[name] = codes.dictionary.to_pylist()
        start = 0
        for table, column in columns.items():
            own = codes.indices.slice(start, len(column))
            numbered[table] = numbered[table].append_column(field, own)
            start += len(column)
    return numbered, ids


def content_hash(tables: Mapping[str, pa.Table], about: Mapping[str, object]) -> str:
    """Content hash of tables: equal data gives equal digests on every machine.

    What memory holds under an empty cell is no content: only where cells are filled, and those.
    """
    digest = sha256(json.dumps(about, sort_keys=True).encode())
    for name, table in sorted(tables.items()):
        digest.update(name.encode())
        for column in table.column_names:
            filled = table[column].is_valid().to_numpy()
            digest.update(np.packbits(filled).tobytes())
            content = table.select([column]).drop_null().combine_chunks()
            sink = pa.BufferOutputStream()
            with pa.ipc.new_stream(sink, content.schema.remove_metadata()) as writer:
                writer.write_table(content.replace_schema_metadata(None))
            digest.update(sink.getvalue())
    return digest.hexdigest()


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        content = None
    if not isinstance(content, dict):
        raise StoreError(
            "数据仓文件损坏或缺失。",
            where=str(path),
            remedy="请从备份恢复，或删去 store 目录重新入库。",
        )
    return content


def _read_snapshot(path: Path) -> Snapshot:
    about = _read_json(path / "snapshot.json")
    return Snapshot(
        quarter=path.parent.parent.name.partition("=")[2],
        institution_id=path.parent.name.partition("=")[2],
        revision=int(path.name.partition("=")[2]),
        path=path,
        tables=tuple(about["tables"]),
        absent={t: tuple(c) for t, c in about["absent"].items()},
        missing=about.get("missing", {}),
        set_aside=about.get("set_aside", {}),
        digest=about["digest"],
        branches=tuple(about["branches"]),
    )


def write_text(path: Path, text: str) -> None:
    """Write a text file so that it is there whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def write_table(path: Path, table: pa.Table) -> None:
    """Write a Parquet file so that it is there whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    pq.write_table(table, temporary, compression="zstd")
    temporary.replace(path)


def sweep(folder: Path) -> None:
    """Remove what a killed run was writing: files and snapshots not yet under their names."""
    for path in folder.rglob(".*"):
        if path.name.startswith(".new-"):
            shutil.rmtree(path, ignore_errors=True)
        elif path.suffix in (".tmp", ".ipynb"):
            path.unlink(missing_ok=True)
