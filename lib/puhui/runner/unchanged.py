"""Whether anything has changed since a run ended: a first look at names, sizes and times.

A run notes what it was asked, the files it read as they were when it began, and those it made.
If all are as they were there is nothing to do, and nothing is opened to find that out. If not,
contents decide, as ever: a file that was only touched costs a longer look, not a notebook.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from puhui.runner.project import file_hash
from puhui.store import write_text

#: Name of the note, among the working papers.
NOTE = "trace.json"
#: Files younger than this when a run begins might change again and keep their time: they are
#: told by their contents too.
_YOUNG = 2.0
#: Size, time in nanoseconds, contents if young.
Look = tuple[int, int, str]
#: Written by each run, and read by none.
_APART = {NOTE, "manifest.json", ".lock", ".holder"}


@dataclass(frozen=True)
class Trace:
    """What a run was asked, read and made.

    Attributes
    ----------
    asked
        Fingerprint of the request and of the code.
    roots
        Files and folders read.
    read, made
        Path → look at it.
    """

    asked: str
    roots: tuple[str, ...]
    read: Mapping[str, Look]
    made: Mapping[str, Look]

    @classmethod
    def before(cls, asked: str, roots: Iterable[Path]) -> Trace:
        """Look at what a run will read."""
        named = tuple(sorted({str(r.resolve()) for r in roots}))
        return cls(_asked(asked), named, dict(_looks(named, time.time() - _YOUNG)), {})

    def keep(self, store: Path, folder: Path) -> None:
        """Note what was read and made, in the published folder; ``store`` is made and read."""
        made = dict(_looks([str(store.resolve()), str(folder.resolve())]))
        noted = asdict(Trace(self.asked, self.roots, self.read, made))
        write_text(note_of(folder), json.dumps(noted, ensure_ascii=False))


def note_of(folder: Path) -> Path:
    """Where a run's note lies."""
    return folder / "working" / NOTE


def nothing_to_do(asked: str, store: Path, folder: Path) -> bool:
    """Whether the run that made ``folder`` was asked the same and all is as it left it."""
    try:
        noted = json.loads(note_of(folder).read_text(encoding="utf-8"))
        known = Trace(**noted)
    except (OSError, ValueError, TypeError):
        return False
    if known.asked != _asked(asked) or not (folder / "manifest.json").is_file():
        return False
    made = _looks([str(store.resolve()), str(folder.resolve())])
    return _same(known.read, _looks(known.roots)) and _same(known.made, made)


def _asked(text: str) -> str:
    return f"{text} {sys.version}"


def _same(known: Mapping[str, Sequence[object]], now: Iterable[tuple[str, Look]]) -> bool:
    seen = 0
    for path, (size, changed, _) in now:
        before = known.get(path)
        if before is None or list(before[:2]) != [size, changed]:
            return False
        if before[2] and file_hash(Path(path)) != before[2]:
            return False
        seen += 1
    return seen == len(known)


def _looks(roots: Iterable[str], young_since: float | None = None) -> Iterator[tuple[str, Look]]:
    for path in _files(roots):
        found = path.stat()
        young = young_since is not None and found.st_mtime >= young_since
        yield str(path), (found.st_size, found.st_mtime_ns, file_hash(path) if young else "")


def _files(roots: Iterable[str]) -> Iterator[Path]:
    for root in map(Path, roots):
        inside = (p for p in root.rglob("*") if p.name not in _APART) if root.is_dir() else [root]
        yield from (p for p in inside if p.is_file())
