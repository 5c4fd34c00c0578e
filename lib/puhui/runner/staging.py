"""A run is made beside the last one and takes its place only when it is whole.

``output/.staging/<quarter>`` begins as a copy of hard links of ``output/<quarter>``, or as what an
interrupted run left there; whatever is written replaces a file and never changes one, so that the
published folder stays as it was. Two renames publish it; a journal written before them lets the
next start finish what a kill in between left undone. What it took the place of is kept for a while
in ``output/earlier/<quarter>``, if it was not the same.
"""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from puhui.engine import SPILL
from puhui.errors import RunError
from puhui.quarter import Quarter
from puhui.store import held, sweep, write_text

_STAGING = ".staging"
_EARLIER = "earlier"


@dataclass(frozen=True)
class Staging:
    """Where a quarter's run is made, and how it is published."""

    out: Path
    quarter: Quarter

    @property
    def final(self) -> Path:
        """The published folder, ``output/<quarter>``."""
        return self.out / str(self.quarter)

    @property
    def root(self) -> Path:
        """What takes the place of ``output`` while a run is being made."""
        return self.out / _STAGING

    @property
    def folder(self) -> Path:
        """The folder a run is made in."""
        return self.root / str(self.quarter)

    @property
    def _journal(self) -> Path:
        return self.root / f"{self.quarter}.swap"

    @property
    def _old(self) -> Path:
        return self.root / f"{self.quarter}.old"

    @property
    def earlier(self) -> Path:
        """Runs of the quarter that others took the place of, by the time they were made."""
        return self.out / _EARLIER / str(self.quarter)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the quarter's output for one run, with what the last one left undone finished.

        Raises
        ------
        StoreLocked
            Another run holds it.
        RunError
            The output cannot be written, or the disk is full.
        """
        with _plainly(self.out), held(self.root / f"{self.quarter}.lock", "输出目录"):
            for folder in (self.root, self.final):
                sweep(folder)
            if self._journal.is_file():
                self._swap(json.loads(self._journal.read_text(encoding="utf-8"))["keep"])
            yield

    def begin(self, *, afresh: bool = False) -> None:
        """Make the folder from links of what is published, unless a run was interrupted in it.

        ``afresh`` makes it empty in any case.
        """
        if afresh:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir(parents=True)
            return
        if self.folder.is_dir():
            self._remove_spilt()
            return
        making = self.root / f"{self.quarter}.new"
        shutil.rmtree(making, ignore_errors=True)
        if self.final.is_dir():
            shutil.copytree(self.final, making, copy_function=_link)
        else:
            making.mkdir(parents=True)
        making.replace(self.folder)

    def publish(self, *, keep: int = 0) -> None:
        """Let what was made take the place of what was published; ``keep`` earlier runs stay."""
        self._remove_spilt()
        self._name_final()
        write_text(self._journal, json.dumps({"publish": str(self.quarter), "keep": keep}))
        self._swap(keep)

    def _remove_spilt(self) -> None:
        """Remove what queries of killed kernels spilt: loans, which no output may keep."""
        for folder in (self.folder / "working").glob(f"{SPILL}*"):
            shutil.rmtree(folder, ignore_errors=True)

    def _name_final(self) -> None:
        """Let working papers name the folder they will lie in, so that they can be run again."""
        here, there = (json.dumps(str(p.resolve()))[1:-1] for p in (self.folder, self.final))
        for path in (self.folder / "working").glob("*/*.ipynb"):
            text = path.read_text(encoding="utf-8")
            if here in text:
                write_text(path, text.replace(here, there))

    def _swap(self, keep: int) -> None:
        """Publish; each step may have been done already."""
        if self.folder.is_dir():
            if self.final.is_dir():
                shutil.rmtree(self._old, ignore_errors=True)
                self.final.replace(self._old)
            self.folder.replace(self.final)
        if self._old.is_dir():
            self._retire()
        runs = sorted(self.earlier.glob("*")) if self.earlier.is_dir() else []
        for run in runs[: max(len(runs) - keep, 0)]:
            shutil.rmtree(run)
        self._journal.unlink(missing_ok=True)

    def _retire(self) -> None:
        """Keep what was replaced under the time it was made, unless it was the same."""
        old, new = _manifest(self._old), _manifest(self.final)
        kept = self.earlier / _stamp(str(old.get("written_at", "")))
        if not old or old.get("outputs") == new.get("outputs") or kept.exists():
            shutil.rmtree(self._old)
            return
        kept.parent.mkdir(parents=True, exist_ok=True)
        self._old.replace(kept)


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found


def _stamp(written_at: str) -> str:
    """Name of a folder for a time: ``20261123T195146Z``."""
    return re.sub(r"[-:]", "", written_at).replace("+0000", "Z")


def _link(source: str, target: str) -> str:
    """Hard-link a file, or copy it where the volume has no links."""
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
            raise
        shutil.copy2(source, target)
    return target


_FATAL = {
    errno.ENOSPC: "磁盘已满",
    errno.EDQUOT: "磁盘配额已用完",
    errno.EROFS: "只读，不能写入",
}
_FORBIDDEN = {errno.EACCES: "没有写入权限", errno.EPERM: "没有写入权限"}


@contextmanager
def _plainly(out: Path) -> Iterator[None]:
    """Say in one line that nothing can be written."""
    try:
        yield
    except OSError as error:
        where = Path(os.fsdecode(error.filename or out)).absolute()
        # A submission that may not be read is another matter.
        known = {**_FATAL, **(_FORBIDDEN if where.is_relative_to(out.absolute()) else {})}
        said = known.get(error.errno or 0)
        if said is None:
            raise
        raise RunError(
            f"{said}，本次运行中止；已发布的结果没有改动。",
            where=str(where),
            remedy="请腾出空间或换一个 --out 后重新运行，已完成的部分不会重做。",
        ) from error
