"""Stage one: submitted folders into the store, each read only if it changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from puhui import intake, results, schema
from puhui.errors import PuhuiError, RunError
from puhui.params import Params
from puhui.quarter import Quarter
from puhui.runner.project import code_fingerprint, combine, files_hash
from puhui.store import SUPERVISOR, IntakeRecord, Snapshot, Store

SHARED = "_shared"


def is_shared(folder: Path) -> bool:
    """Whether a folder's files carry many institutions: ``_shared``, or ``_shared_`` and more.

    Each is read as a whole, so that memory grows with the largest of them.
    """
    return folder.name == SHARED or folder.name.startswith(f"{SHARED}_")


Say = Callable[[str], None]


@dataclass(frozen=True)
class Tools:
    """What reading a folder needs besides the folder."""

    params: Params
    store: Store
    layouts: tuple[intake.Layout, ...]
    checks: intake.Checks
    hasher: intake.Hasher
    hashes: dict[Path, str] = field(default_factory=dict)
    """Contents of folders already looked at in this run."""

    @classmethod
    def of(cls, params: Params, store_root: Path) -> Tools:
        """Load layouts, checks and the office's key, and open the store."""
        hasher = intake.Hasher(office_key(params.run.hash_key_path()))
        return cls(
            params,
            Store(store_root, key_fingerprint=hasher.fingerprint),
            tuple(intake.load_layouts(params.layout_paths())),
            intake.load_checks(params.path("checks.yaml")),
            hasher,
        )

    @property
    def key(self) -> str:
        """Fingerprint of everything but the folder that decides what reading it gives."""
        return combine(self.params.fingerprint, code_fingerprint(), self.hasher.fingerprint)


def office_key(path: Path) -> bytes:
    """Read the office's hashing key: at least 32 hex digits in a text file.

    Raises
    ------
    RunError
        No such file, or not such a key.
    """
    if not path.is_file():
        raise RunError(
            f"找不到脱敏密钥文件 {path}。", remedy="请在 run.yaml 的 hash_key_file 写明。"
        )
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except ValueError:
        key = b""
    if len(key) < 16:
        raise RunError(f"脱敏密钥文件 {path} 应为至少 32 位十六进制数字。")
    return key


@dataclass(frozen=True)
class Taken:
    """One submitted folder after intake."""

    quarter: Quarter
    folder: str
    revisions: dict[str, int]
    refused: tuple[str, ...]
    read: bool
    """Whether it was read in this run (false: unchanged since the last)."""


def submitted_folders(data: Path, upto: Quarter) -> Iterator[tuple[Quarter, Path]]:
    """Yield each submitted folder of every quarter up to ``upto``, shared ones last."""
    root = data / "submissions"
    if not root.is_dir():
        raise RunError(
            f"找不到报送目录 {root}。", remedy="数据目录下应有 submissions/季度/机构编号/。"
        )
    for quarter_folder in sorted(p for p in root.iterdir() if p.is_dir()):
        if quarter_folder.name.startswith("."):
            continue
        try:
            quarter = Quarter.parse(quarter_folder.name)
        except RunError as error:
            raise RunError(
                error.message,
                where=str(quarter_folder),
                remedy="请移走，或改名为 2021Q4 这样的季度。",
            ) from None
        if quarter <= upto:
            folders = [
                p for p in quarter_folder.iterdir() if p.is_dir() and not p.name.startswith(".")
            ]
            for folder in sorted(folders, key=lambda p: (is_shared(p), p.name)):
                yield quarter, folder


def take_in_supervisor(tools: Tools, data: Path, quarter: Quarter) -> Snapshot | None:
    """Read the supervisor's own tables into the run's quarter, if there are any."""
    folder = data / "supervisor"
    if not any(folder.glob("*.csv")):
        return None
    read = intake.read_supervisor(
        folder,
        quarter=quarter,
        layouts=tools.layouts,
        checks=tools.checks,
        hasher=tools.hasher,
    )
    # A register row that cannot be read would silently change an institution's verdicts.
    refused = [*_refusals(read.intake), *_errors(read.findings)]
    if refused:
        raise RunError(refused[0], where="supervisor", remedy="请更正监管名录后再运行。")
    return tools.store.put(quarter, SUPERVISOR, read.tables, absent=read.absent)


@dataclass(frozen=True)
class Part:
    """What one folder brings of one institution."""

    tables: dict[str, pa.Table]
    absent: Mapping[str, tuple[str, ...]]
    missing: Mapping[str, str]
    set_aside: Mapping[str, int]
    quarantined: Mapping[str, pa.Table] = field(default_factory=dict)
    """Quarantined loans in canonical columns, under their table's name."""


def unchanged(
    tools: Tools,
    quarter: Quarter,
    folder: Path,
    register: pa.Table | None,
    own: Mapping[str, int] | None = None,
) -> Taken | None:
    """Return what a folder gave when it was read, if nothing about it has changed since."""
    known = tools.store.record(quarter, folder.name)
    if known is None or not _still_there(tools.store, known):
        return None
    key = _key(tools, folder, register, _beside(known.revisions, folder, own))
    if known.key != key:
        return None
    return Taken(quarter, folder.name, dict(known.revisions), known.refused, read=False)


def _beside(carried: Iterable[str], folder: Path, own: Mapping[str, int] | None) -> dict[str, int]:
    """Revisions a shared folder's institutions have without it."""
    if own is None or not is_shared(folder):
        return {}
    return {institution: own[institution] for institution in sorted(carried) if institution in own}


def _key(tools: Tools, folder: Path, register: pa.Table | None, beside: Mapping[str, int]) -> str:
    if folder not in tools.hashes:
        tools.hashes[folder] = files_hash(_files(folder), folder)
    register_key = "" if register is None else combine(register.to_pylist())
    return combine(tools.key, register_key, tools.hashes[folder], beside)


def take_in(
    tools: Tools,
    quarter: Quarter,
    folder: Path,
    register: pa.Table | None,
    own: Mapping[str, int] | None = None,
) -> Taken:
    """Read one submitted folder into the store, unless nothing about it has changed.

    Parameters
    ----------
    register
        Branches the supervisor knows.
    own
        For a shared folder: revisions of institutions that also sent a folder of their own
        for the quarter, or are in a shared one before it; what this one brings is added.
    """
    shared = is_shared(folder)
    known = unchanged(tools, quarter, folder, register, own)
    if known is not None:
        return known
    read = intake.read_submission(
        folder,
        quarter=quarter,
        institution_id=None if shared else folder.name,
        layouts=tools.layouts,
        checks=tools.checks,
        hasher=tools.hasher,
        register=register,
    )
    parts = _parts(read) if shared else {folder.name: _whole(read)}
    beside = _beside(parts, folder, own)
    refused = list(_refusals(read.intake))
    revisions: dict[str, int] = {}
    for institution, part in sorted(parts.items()):
        if institution in beside:
            before = tools.store.get(str(quarter), institution, beside[institution])
            part, twice = _joined(before, part)
            refused += [f"{institution}：{line}" for line in twice]
        if part.tables:
            revisions[institution] = tools.store.put(
                quarter,
                institution,
                part.tables,
                absent=part.absent,
                missing=part.missing,
                set_aside=part.set_aside,
                quarantined=part.quarantined,
            ).revision
        elif not refused:
            refused += [f"{institution}：{why}" for why in part.missing.values()]
    report = _shared_report(read) if shared else read.intake
    key = _key(tools, folder, register, _beside(revisions, folder, own))
    tools.store.keep_record(
        IntakeRecord(str(quarter), folder.name, key, revisions, tuple(refused)),
        {
            "findings": _with_revision(read.findings, revisions),
            "intake": _with_revision(report, revisions),
            **{f"quarantine_{name}": table for name, table in read.quarantine.items()},
        },
    )
    return Taken(quarter, folder.name, revisions, tuple(refused), read=True)


def _whole(read: intake.Submission) -> Part:
    aside = {name: table.num_rows for name, table in read.quarantine.items()}
    return Part(read.tables, read.absent, read.missing, aside, _set_aside(read.quarantine))


#: Tables whose quarantined rows are kept with the snapshot, to be taken at their worst.
_KEPT_ASIDE = ("loans",)


def _set_aside(quarantine: Mapping[str, pa.Table], institution: str = "") -> dict[str, pa.Table]:
    """Quarantined rows in canonical columns; of one institution, if it is named."""
    found = {}
    for name in _KEPT_ASIDE:
        table = quarantine.get(name)
        if table is None or "institution_id" not in table.column_names:
            continue
        table = table.select(schema.arrow_schema(name).names)
        if institution:
            table = table.filter(pc.equal(table["institution_id"], institution))
        found[name] = table
    return found


def _parts(read: intake.Submission) -> dict[str, Part]:
    """Split a shared file's tables by institution; one sort per table, then slices."""
    aside = {name: _counts(table) for name, table in read.quarantine.items()}
    tables: dict[str, dict[str, pa.Table]] = {}
    for name, table in read.tables.items():
        ordered = table.sort_by("institution_id")
        start = 0
        for entry in pc.value_counts(ordered["institution_id"].combine_chunks()).to_pylist():
            piece = ordered.slice(start, entry["counts"]).combine_chunks()
            tables.setdefault(str(entry["values"]), {})[name] = piece
            start += entry["counts"]
    return {
        institution: Part(
            mine,
            read.absent,
            read.missing,
            {name: counts[institution] for name, counts in aside.items() if institution in counts},
            _set_aside(read.quarantine, institution),
        )
        for institution, mine in tables.items()
    }


def _joined(before: Snapshot, part: Part) -> tuple[Part, list[str]]:
    """Add a shared file's tables to what an institution sent itself; its own table rules."""
    twice = sorted(set(before.tables) & set(part.tables))
    kept = {name: _with_institution(before, name) for name in before.tables}
    added = {name: table for name, table in part.tables.items() if name not in twice}
    joined = Part(
        {**kept, **added},
        {**{n: part.absent.get(n, ()) for n in added}, **before.absent},
        {**part.missing, **before.missing},
        {**part.set_aside, **before.set_aside},
        {**part.quarantined, **_kept_aside(before)},
    )
    said = [
        f"“{schema.label(name)}”在自己的报送和共用文件中都有，采用自己的报送。" for name in twice
    ]
    return joined, said


def _kept_aside(before: Snapshot) -> dict[str, pa.Table]:
    kept = [n for n in _KEPT_ASIDE if before.file(f"quarantined_{n}").is_file()]
    return {n: _with_institution(before, n, f"quarantined_{n}") for n in kept}


def _with_institution(snapshot: Snapshot, name: str, file: str = "") -> pa.Table:
    table = pq.ParquetFile(snapshot.file(file or name)).read()
    ids = pa.array([snapshot.institution_id] * table.num_rows, pa.string())
    return table.append_column("institution_id", ids).select(schema.arrow_schema(name).names)


def _files(folder: Path) -> list[Path]:
    return [p for p in folder.rglob("*") if p.is_file() and not p.name.startswith((".", "~$"))]


def _still_there(store: Store, record: IntakeRecord) -> bool:
    try:
        for institution, revision in record.revisions.items():
            store.get(record.quarter, institution, revision)
    except PuhuiError:
        return False
    return True


def _refusals(table: pa.Table) -> tuple[str, ...]:
    return tuple(
        f"{r['file']}：{r['message']}" for r in table.to_pylist() if r["status"] == "refused"
    )


def _errors(findings: pa.Table) -> list[str]:
    return [
        f"{r['file']} {r['cell'] or ''}：{r['message']}"
        for r in findings.to_pylist()
        if r["severity"] == "error"
    ]


def _shared_report(read: intake.Submission) -> pa.Table:
    """Split a shared file's counts by institution; what belongs to none stays under the file.

    Rows in = accepted + quarantined + non-data holds for each row and adds up to the file.
    """
    rows: list[dict[str, object]] = []
    for row in read.intake.to_pylist():
        table = row["table"]
        accepted = _counts(read.tables.get(table))
        quarantined = _counts(read.quarantine.get(table))
        for institution in sorted({*accepted, *quarantined}):
            good, bad = accepted.get(institution, 0), quarantined.get(institution, 0)
            rows.append(
                {
                    **row,
                    "institution_id": institution,
                    "status": "accepted_with_errors" if bad else "accepted",
                    "rows_in": good + bad,
                    "accepted": good,
                    "quarantined": bad,
                    "non_data": 0,
                    "quarantined_balance": _balance(read.quarantine.get(table), institution),
                    "message": None,
                }
            )
            row["rows_in"] = (row["rows_in"] or 0) - good - bad
            row["accepted"] = (row["accepted"] or 0) - good
            row["quarantined"] = (row["quarantined"] or 0) - bad
            row["quarantined_balance"] = None
        if row["rows_in"] or row["status"] == "refused":
            rows.append({**row, "institution_id": SHARED})
    return results.from_rows("intake", rows)


def _counts(table: pa.Table | None) -> dict[str, int]:
    if table is None or "institution_id" not in table.column_names:
        return {}
    ids = table["institution_id"].drop_null()
    return {str(e["values"]): int(e["counts"]) for e in pc.value_counts(ids).to_pylist()}


def _balance(table: pa.Table | None, institution: str) -> object:
    if table is None or "balance" not in table.column_names:
        return None
    mine = table.filter(pc.equal(table["institution_id"], institution))
    return pc.sum(mine["balance"]).as_py()


def _with_revision(table: pa.Table, revisions: dict[str, int]) -> pa.Table:
    ids = table["institution_id"].to_pylist()
    column = pa.array([revisions.get(i) for i in ids], pa.int64())
    return table.set_column(table.schema.get_field_index("revision"), "revision", column)


def reports(store: Store, taken: list[Taken], quarter: Quarter, name: str) -> pa.Table:
    """Join ``findings`` or ``intake`` of every folder of one quarter."""
    found = [store.record_table(t.quarter, t.folder, name) for t in taken if t.quarter == quarter]
    return pa.concat_tables([results.empty(name), *(t.cast(results.SCHEMAS[name]) for t in found)])
