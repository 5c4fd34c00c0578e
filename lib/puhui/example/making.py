"""Writing an example to a folder: one county as its clerks would send it, or many as archives.

The first county goes out in the layouts clerks use, its earlier quarters as an archive; every
further one as archives only. Counties are made one after the other (or side by side in
processes) and written as they come, so memory does not grow with their number.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from puhui.errors import RunError
from puhui.example import handing_in, truths
from puhui.example.reporting import Reports
from puhui.example.roster import LAST, QUARTERS
from puhui.example.world import grow
from puhui.example.writers import archive, supervisor
from puhui.quarter import Quarter

#: The list of what was written, from which a folder is known to be an example.
LISTING = "truth/files.csv"
KEY = "hash.key"
_PUBLIC_KEY = hashlib.sha256(b"puhui example: public test key").hexdigest()


@dataclass(frozen=True)
class Written:
    """A file of the example: path below the folder, bytes, SHA-256."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Made:
    """What making an example gave: files in order, and IOUs outstanding at the last quarter."""

    files: tuple[Written, ...]
    loans: int


def make(
    out: Path,
    *,
    seed: int = 2021,
    scale: int = 1,
    quarters: Sequence[Quarter] = QUARTERS,
    jobs: int = 1,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Made:
    """Write an example into a folder; the same bytes for the same seed.

    Parameters
    ----------
    out
        The folder; new, empty, or an earlier example, whose files are replaced.
    seed
        Any integer.
    scale
        Number of counties.
    quarters
        Quarters to write, out of 2019Q4 to 2021Q4.
    jobs
        Processes that make counties.
    progress
        Called with counties written and counties in all.

    Raises
    ------
    RunError
        The folder holds something else, or a number makes no sense.
    """
    if scale < 1 or jobs < 1 or not quarters or not set(quarters) <= set(QUARTERS):
        raise RunError(
            "县数和并行数至少为 1，季度应在 2019Q4 至 2021Q4 之间。",
            remedy="请检查 --scale、--jobs 和 --quarter。",
        )
    _clear(out)
    written: list[Written] = []
    registers: dict[str, bytes] = {}
    loans = 0
    wanted = tuple(sorted(set(quarters)))
    for done, county in enumerate(_counties(out, seed, scale, wanted, jobs), 1):
        written += county.files
        loans += county.loans
        for name, content in county.supervisor.items():
            registers[name] = registers.get(name, b"") + _below(content, name in registers)
        progress(done, scale)
    own = {f"supervisor/{name}": content for name, content in registers.items()}
    own[KEY] = f"{_PUBLIC_KEY}\n".encode()
    written += [_write(out, path, content) for path, content in own.items()]
    written.sort(key=lambda w: w.path)
    _write(out, LISTING, _listing(written))
    return Made(tuple(written), loans)


@dataclass(frozen=True)
class _Part:
    files: list[Written]
    supervisor: dict[str, bytes]
    loans: int


def _counties(
    out: Path, seed: int, scale: int, quarters: tuple[Quarter, ...], jobs: int
) -> Iterator[_Part]:
    if jobs == 1 or scale == 1:
        for number in range(1, scale + 1):
            yield _county(out, seed, number, quarters)
        return
    with ProcessPoolExecutor(jobs) as pool:
        # A few at a time: what is waited for is small, but there may be thousands.
        for first in range(1, scale + 1, 4 * jobs):
            numbers = range(first, min(first + 4 * jobs, scale + 1))
            yield from pool.map(_county_of, [(out, seed, n, quarters) for n in numbers])


def _county_of(arguments: tuple[Path, int, int, tuple[Quarter, ...]]) -> _Part:
    return _county(*arguments)


def _county(out: Path, seed: int, number: int, quarters: tuple[Quarter, ...]) -> _Part:
    """Make one county and write its files, the supervisor's excepted."""
    reports = Reports(grow(seed, number))
    files = files_of(reports, quarters) if number == 1 else archives_of(reports, quarters)
    written = [_write(out, path, content) for path, content in files]
    snapshots = reports.county.snapshots
    loans = sum(
        int((snapshots[quarters[-1], short]["loans"]["balance"] > 0).sum())
        for short in reports.county.books
    )
    return _Part(written, supervisor.registers(reports.supervisor), loans)


def files_of(
    reports: Reports, quarters: Sequence[Quarter] = QUARTERS
) -> Iterator[tuple[str, bytes]]:
    """Yield path and content of the files of a county in the layouts clerks use."""
    for quarter in quarters:
        if quarter != LAST:
            for name, content in handing_in.archived(reports, quarter).items():
                yield f"submissions/{quarter}/_shared/{name}", content
    tables = truths.tables(reports, quarters)
    if LAST in quarters:
        current = handing_in.hand_in(reports)
        yield from current.files.items()
        yield from handing_in.resubmission(reports).items()
        tables |= {"broken": current.broken, "rows": current.rows}
    for name, rows in tables.items():
        yield f"truth/{name}.csv", truths.text(rows)


def archives_of(reports: Reports, quarters: Sequence[Quarter]) -> Iterator[tuple[str, bytes]]:
    """Yield path and content of a further county: archives, and the answers about them."""
    prefix = reports.county.prefix
    for quarter in quarters:
        made = handing_in.archived(reports, quarter, archive.QUICK, short=quarter != LAST)
        for name, content in made.items():
            yield f"submissions/{quarter}/_shared_{prefix}/{name}", content
    rows = [row for q in quarters for row in truths.answer_rows(reports, q)]
    yield f"truth/{prefix}/answers.csv", truths.text(rows)


def _below(content: bytes, has_header: bool) -> bytes:
    """Lines of a register, without its header if one is there already."""
    return content.split(b"\r\n", 1)[1] if has_header else content


def _write(out: Path, path: str, content: bytes) -> Written:
    target = out / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    return Written(path, len(content), hashlib.sha256(content).hexdigest())


def _listing(written: Sequence[Written]) -> bytes:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(("path", "bytes", "sha256"))
    writer.writerows((w.path, w.size, w.sha256) for w in written)
    return buffer.getvalue().encode()


def _clear(out: Path) -> None:
    """Remove what an earlier example wrote; refuse a folder that holds anything else."""
    listing = out / LISTING
    if not listing.is_file():
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise RunError(
                f"{out} 不是空文件夹，也不是以前生成的示例。",
                remedy="请换一个新的文件夹，以免覆盖您的数据。",
            )
        return
    with listing.open(encoding="utf-8", newline="") as file:
        paths = [row["path"] for row in csv.DictReader(file)]
    for path in (*paths, LISTING):
        target = out / path
        if target.resolve().is_relative_to(out.resolve()):
            target.unlink(missing_ok=True)
