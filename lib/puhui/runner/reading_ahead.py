"""Submitted folders read by several processes at once.

What a process reads it puts into the store; whoever takes the folders in afterwards, one after
the other, finds it there. So a process that dies costs time and nothing else: what it has not
read is read again where errors are said.
"""

from __future__ import annotations

import json
import os
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from puhui import params
from puhui.quarter import Quarter
from puhui.runner.notebooks import stopping
from puhui.runner.taking_in import Tools, take_in
from puhui.runner.warm import TEMPLATE
from puhui.store import Snapshot

Folder = tuple[Quarter, Path]
Own = Mapping[str, int]
BRANCHES = "branches"


def read_ahead(
    tools: Tools,
    data: Path,
    folders: Sequence[tuple[Folder, Own]],
    office: Snapshot | None,
    jobs: int,
    on_read: Callable[[Folder], None],
) -> None:
    """Read folders that do not rest on one another, this process among ``jobs``.

    Parameters
    ----------
    folders
        Each with the revisions taken in before it, for a shared one.
    office
        The supervisor's snapshot, for its register of branches.
    on_read
        Called in any thread as a folder has been read.
    """
    # The largest first: a long one that begins last would be waited for.
    left = deque(sorted(folders, key=lambda f: (-_bytes(f[0][1]), str(f[0][1]))))
    known = register(office)

    def elsewhere() -> None:
        while (one := _next(left)) is not None:
            asked = [str(tools.params.folders[0]), str(data), str(tools.store.root)]
            (quarter, folder), own = one
            where = ["" if office is None else str(office.file(BRANCHES)), str(quarter)]
            where += [str(folder), json.dumps(dict(own))]
            process = TEMPLATE.fork(_TARGET, [*asked, *where], os.environ, os.getcwd())
            if process is None:
                left.append(one)
                return
            process.wait()
            on_read(one[0])

    with ThreadPoolExecutor(max_workers=max(1, jobs - 1)) as pool, stopping(pool):
        others = [pool.submit(elsewhere) for _ in range(min(jobs, len(left)) - 1)]
        try:
            while (one := _next(left)) is not None:
                take_in(tools, *one[0], known, one[1])
                on_read(one[0])
        except BaseException:
            left.clear()  # nobody begins another
            raise
        for other in others:
            other.result()


def _next(left: deque[tuple[Folder, Own]]) -> tuple[Folder, Own] | None:
    """Take the next folder; others may just have taken the last."""
    try:
        return left.popleft()
    except IndexError:
        return None


def register(office: Snapshot | None) -> pa.Table | None:
    """Branches the supervisor knows."""
    if office is None or BRANCHES not in office.tables:
        return None
    return pq.ParquetFile(office.file(BRANCHES)).read()


_TARGET = "puhui.runner.reading_ahead:read_one"


def read_one(argv: Sequence[str]) -> None:
    """Read one folder in a process of its own; what goes wrong is said by who reads it again."""
    params_folder, data, store, branches, quarter, folder, own = argv
    loaded = params.load(Path(params_folder), data_folder=Path(data))
    tools = Tools.of(loaded, Path(store))
    known = pq.ParquetFile(branches).read() if Path(branches).is_file() else None
    take_in(tools, Quarter.parse(quarter), Path(folder), known, json.loads(own))


def _bytes(folder: Path) -> int:
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())
