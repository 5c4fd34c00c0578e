"""Stages before the notebooks: intake, snapshot lock, measures."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

import psutil
import pyarrow.parquet as pq

from puhui import params
from puhui.errors import RunError
from puhui.quarter import Quarter
from puhui.runner import as_judged as repeating
from puhui.runner import measuring, packs, taking_in
from puhui.runner.as_judged import REPORTS, Inputs
from puhui.runner.locking import InputsLock
from puhui.runner.measuring import Progress
from puhui.runner.reading_ahead import Folder, read_ahead, register
from puhui.runner.workspace import Run, RunConfig
from puhui.store import SUPERVISOR, Snapshot, Store, write_table


@dataclass(frozen=True)
class Prepared:
    """A run ready for its notebooks."""

    run: Run
    taken: tuple[taking_in.Taken, ...]
    measured: bool
    """Whether measures were computed (false: unchanged)."""
    refused: tuple[str, ...] = ()
    """Files of the quarter that were sent back, a line each."""
    notes: tuple[str, ...] = ()
    """Where a run made again cannot be as it was."""


def quiet(_stage: str, _done: int, _total: int, _text: str) -> None:
    """Report nothing."""


def take_everything_in(
    tools: taking_in.Tools,
    data: Path,
    quarter: Quarter,
    jobs: int,
    progress: Progress,
    force: bool = False,
) -> tuple[Snapshot | None, list[taking_in.Taken]]:
    """Read every submitted folder up to the quarter into the store, ``jobs`` at a time."""
    folders = list(taking_in.submitted_folders(data, quarter))
    if not any(q == quarter for q, _ in folders):
        raise RunError(
            f"没有 {quarter} 的报送：{data / 'submissions' / str(quarter)} 不存在或为空。",
            remedy="请把各机构报送放入该目录。",
        )
    if force:
        for of, folder in folders:
            tools.store.forget(of, folder.name)
    office = taking_in.take_in_supervisor(tools, data, quarter)
    known = register(office)
    seen = count(1)

    def on_read(one: Folder) -> None:
        progress("接收与校验", next(seen), len(folders), f"{one[0]} {one[1].name}")

    taken: list[taking_in.Taken] = []
    # What a shared folder brings is added to what institutions sent themselves.
    for several in (False, True):
        part = [f for f in folders if taking_in.is_shared(f[1]) == several]
        before = [revisions_of(taken, of) for of, _ in part]
        known_already = zip(part, before, strict=True)
        ahead = [
            (f, own)
            for f, own in known_already
            if taking_in.unchanged(tools, *f, known, own) is None
        ]
        read_ahead(tools, data, ahead, office, jobs, on_read)
        read = [f for f, _ in ahead]
        for of, folder in part:
            one = taking_in.take_in(tools, of, folder, known, revisions_of(taken, of))
            if (of, folder) in read:
                one = replace(one, read=True)
            else:
                on_read((of, folder))
            taken.append(one)
    return office, taken


def revisions_of(taken: Sequence[taking_in.Taken], quarter: Quarter) -> dict[str, int]:
    """Revisions taken in so far of a quarter, the last of each institution."""
    return {i: r for t in taken if t.quarter == quarter for i, r in t.revisions.items()}


def prepare(
    data: Path,
    params_folder: Path,
    out: Path,
    quarter: Quarter,
    *,
    institutions: Sequence[str] = (),
    top: int = 0,
    jobs: int = 0,
    progress: Progress = quiet,
    as_judged: Path | None = None,
    force: bool = False,
    audiences: Sequence[str] = (),
) -> Prepared:
    """Take submissions in, lock the snapshots to be read, and compute the measures.

    Parameters
    ----------
    data, params_folder, out
        Folders of ``puhui run``; the store is ``data/store``.
    institutions
        Only these are judged (all institutions' data still count for the county's rates).
    top
        If positive, only the institutions with most loans in the quarter.
    jobs
        Notebooks that will be executed side by side, which share threads and memory; 0: as
        the run file says.
    as_judged
        An ``inputs.lock``: its snapshots are judged, and nothing is taken in.
    audiences
        Whom packs are written for; none named: everybody ``audiences.yaml`` knows.
    force
        Submissions are read again, changed or not; what they say is compared with the store.

    Raises
    ------
    RunError
        Nothing submitted for the quarter, an institution asked for is not there, or a locked
        snapshot is not in the store as it was.
    """
    loaded = params.load(params_folder, data_folder=data)
    jobs = jobs or loaded.run.jobs
    lock = None if as_judged is None else repeating.open_lock(as_judged, quarter, data)
    tools = taking_in.Tools.of(loaded, data / "store")
    rules = InputsLock.rules(quarter, loaded, tools.hasher.fingerprint)
    with tools.store.lock():
        taken: list[taking_in.Taken] = []
        if as_judged is not None and lock is not None:
            inputs = repeating.again(tools.store, as_judged, lock, rules)
        else:
            inputs, taken = _submitted(tools, data, quarter, jobs, progress, force)
        judged = [s for s in inputs.submitted if lock is None or s.institution_id in lock.judged]
        config = RunConfig(
            quarter=str(quarter),
            data=str(data.resolve()),
            params=str(params_folder.resolve()),
            store=str(tools.store.root.resolve()),
            out=str(out.resolve()),
            key_fingerprint=tools.hasher.fingerprint,
            snapshots=tuple((s.quarter, s.institution_id, s.revision) for s in inputs.snapshots),
            institutions=_chosen(judged, quarter, institutions, top),
            failed=_failed(inputs.failed, institutions),
            threads=max(1, (os.cpu_count() or 1) // jobs),
            memory=_share(jobs),
            audiences=packs.asked_for(loaded, audiences),
            chosen=inputs.chosen or bool(institutions) or top > 0,
        )
        config.write()
        inputs.lock(rules, config).write(config.folder)
        repeating.keep_notes(config, inputs.notes)
        for name, table in inputs.reports.items():
            write_table(config.working / f"{name}.parquet", table)
        measured = measuring.measure(config, loaded, inputs.submitted, progress)
    return Prepared(Run(config, loaded), tuple(taken), measured, inputs.refused, inputs.notes)


def _share(jobs: int) -> str:
    """Memory an engine of one notebook may take: notebooks together leave a third to others."""
    megabytes = psutil.virtual_memory().total * 2 // 3 // jobs // 2**20
    return f"{max(megabytes, 512)}MB"


def _submitted(
    tools: taking_in.Tools,
    data: Path,
    quarter: Quarter,
    jobs: int,
    progress: Progress,
    force: bool,
) -> tuple[Inputs, list[taking_in.Taken]]:
    """Take everything in; what is judged is the latest of each quarter and institution."""
    supervisor, taken = take_everything_in(tools, data, quarter, jobs, progress, force)
    mine = [t for t in taken if t.quarter == quarter]
    failed = {
        t.folder: t.refused[0] if t.refused else "报送目录中没有可读的数据。"
        for t in mine
        if not t.revisions
    }
    inputs = Inputs(
        tuple([*([supervisor] if supervisor else []), *_snapshots(tools.store, taken)]),
        failed,
        tuple(f"{t.folder}/{line}" for t in mine for line in t.refused),
        {n: taking_in.reports(tools.store, taken, quarter, n) for n in REPORTS},
    )
    return inputs, taken


def _snapshots(store: Store, taken: Sequence[taking_in.Taken]) -> list[Snapshot]:
    """One snapshot per quarter and institution: the last folder's, which holds the others'."""
    last = {(str(t.quarter), i): revision for t in taken for i, revision in t.revisions.items()}
    return [store.get(q, i, revision) for (q, i), revision in sorted(last.items())]


def _chosen(
    snapshots: Sequence[Snapshot], quarter: Quarter, institutions: Sequence[str], top: int
) -> tuple[str, ...]:
    mine = {s.institution_id: s for s in snapshots if s.quarter == str(quarter)}
    if institutions:
        unknown = sorted(set(institutions) - set(mine))
        if unknown:
            raise RunError(f"{quarter} 没有这些机构的报送：{'、'.join(unknown)}。")
        return tuple(sorted(institutions))
    if top > 0:
        ranked = sorted(mine, key=lambda i: (-_loans(mine[i]), i))
        return tuple(sorted(ranked[:top]))
    return tuple(sorted(mine))


def _loans(snapshot: Snapshot) -> int:
    if "loans" not in snapshot.tables:
        return 0
    return int(pq.ParquetFile(snapshot.file("loans")).metadata.num_rows)


def _failed(failed: Mapping[str, str], institutions: Sequence[str]) -> dict[str, str]:
    """Institutions whose whole submission for the quarter was refused, and why."""
    return {i: why for i, why in failed.items() if not institutions or i in institutions}


def institutions_without_submission(run: Run) -> list[str]:
    """Institutions of the register that sent nothing for the quarter."""
    if run.config.chosen:
        return []
    judged = {*run.config.institutions, *run.config.failed}
    sent = {i for q, i, _ in run.config.snapshots if q == run.config.quarter and i != SUPERVISOR}
    return [i for i in run.register["institution_id"].to_pylist() if i not in judged | sent]


def with_failures(run: Run, failed: dict[str, str]) -> Run:
    """Note failures of later stages in the run file."""
    config = replace(run.config, failed={**run.config.failed, **failed})
    config.write()
    return Run(config, run.params)
