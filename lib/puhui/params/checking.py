"""Every problem of a params folder at once, entry by entry, for ``puhui params check``.

Each file is read as :func:`puhui.params.load` reads it; where that fails, each of its entries
is tried by itself and the good ones are kept, so that what rests on them is checked too. What
rests on an entry that failed cannot be checked: it is named, not reported as wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from puhui.errors import ParamsError
from puhui.params.loading import RUN, Params, assemble, chain, raw_file, series_folders
from puhui.params.mending import mended, wrong_name
from puhui.params.yaml import YamlMap
from puhui.params.yaml import load as load_yaml

T = TypeVar("T")
Load = Callable[[YamlMap], T]
#: Problems told of one entry at most; each but the last has a suggestion.
_MOST = 20
#: Files whose entries may name one another.
_WITHIN = ("derived.yaml", "groups.yaml")


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: file and line, the line's text, what and the remedy."""

    where: str
    text: str
    message: str
    remedy: str

    def __str__(self) -> str:
        shown = f"\n    {self.text}" if self.text else ""
        return f"{self.where}：{self.message} {self.remedy}".rstrip() + shown


@dataclass
class Checked:
    """What reading a folder gave.

    Attributes
    ----------
    params
        Everything, if there is no problem.
    unchecked
        Files and entries that rest on what is wrong and could not be checked.
    """

    folders: tuple[Path, ...] = ()
    problems: list[Problem] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)
    params: Params | None = None


def check(folder: Path) -> Checked:
    """Read a params folder and collect all that is wrong with it.

    Checks, layouts and words are read by the rooms that use them and are not looked at here.
    """
    found = Checked()
    try:
        found.folders = chain(folder)
    except ParamsError as error:
        found.problems.append(problem(error, folder / RUN))
        return found
    reader = _Collecting(found)
    try:
        params = assemble(found.folders, reader, series_folders(found.folders))
    except _NoRun:
        return found
    if not found.problems and not found.unchecked:
        found.params = params
    return found


def problem(error: ParamsError, path: Path) -> Problem:
    """Tell an error with its line's text; ``path`` is the file it was raised about."""
    lines = _lines(path)
    # What ends too early is told by the parser on the line after the last.
    number = min(_line(error), len(lines))
    shown = f"{path.parent.name}/{path.name}"
    if not number:
        return Problem(error.where or shown, "", error.message, error.remedy)
    number = _line_with(lines, number, wrong_name(error))
    return Problem(f"{shown}:{number}", lines[number - 1].strip(), error.message, error.remedy)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        # The error itself says so.
        return []


def _line(error: ParamsError) -> int:
    number = error.where.rpartition(":")[2]
    return int(number) if number.isdecimal() else 0


def _line_with(lines: Sequence[str], start: int, name: str) -> int:
    """Find the line of a long value that holds the name; the key's line if none does."""
    indent = _indent(lines[start - 1])
    for number in range(start, len(lines) + 1):
        text = lines[number - 1]
        if number > start and text.strip() and _indent(text) <= indent:
            break
        if name and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text):
            return number
    return start


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip())


class _NoRun(Exception):
    """The run file could not be read; everything else has been by then."""


class _Collecting:
    """A reader that notes what is wrong and goes on with what is right."""

    def __init__(self, found: Checked) -> None:
        self.found = found
        self.lost: set[str] = set()
        self.failed: dict[str, set[str]] = {}
        self.rests_on: dict[str, Sequence[str]] = {}

    def __call__(self, name: str, read: Load[T], rests_on: Sequence[str] = ()) -> T:
        self.rests_on[name] = rests_on
        raw = self._raw(name)
        if raw is None or self.lost & set(rests_on):
            if raw is not None:
                self.found.unchecked.append(name)
            self.lost.add(name)
            if name == RUN:
                raise _NoRun
            return read(YamlMap())
        if name == RUN:
            return self._run(raw, read)
        try:
            return read(raw)
        except ParamsError:
            return self._by_entry(name, raw, read)

    def _raw(self, name: str) -> YamlMap | None:
        try:
            return raw_file(self.found.folders, name)
        except ParamsError as error:
            self.found.problems.append(problem(error, self._unreadable(name)))
            return None

    def _unreadable(self, name: str) -> Path:
        paths = [f / name for f in self.found.folders if (f / name).is_file()]
        for path in paths:
            try:
                load_yaml(path)
            except ParamsError:
                return path
        return paths[0] if paths else self.found.folders[0] / name

    def _run(self, raw: YamlMap, read: Load[T]) -> T:
        try:
            return read(raw)
        except ParamsError:
            path = next(f / RUN for f in self.found.folders if (f / RUN).is_file())
            self._note(raw, read, path, lambda error: self._follows(error, RUN, ""))
            raise _NoRun from None

    def _by_entry(self, name: str, raw: YamlMap, read: Load[T]) -> T:
        """Read the good entries of a file, and note what is wrong with the others."""
        alone = [key for key in raw if _error(read, _only(raw, [key])) is None]
        good = alone if _error(read, _only(raw, alone)) is None else []
        bad = [key for key in raw if key not in good]
        # One at a time, since each must also go with those found good before it.
        while fits := [k for k in bad if _error(read, _only(raw, [*good, k])) is None][:1]:
            good += fits
            bad.remove(fits[0])
        self.failed[name] = set(bad)
        before = len(self.found.problems)
        for key in bad:
            self._entry(name, raw, key, good, read)
        error = _error(read, raw)
        told = len(self.found.problems) > before
        if error is not None and not told and not self._follows(error, name, ""):
            # They rest on one another only: a circle, or two that exclude each other.
            self.found.problems.append(problem(error, self._place(name, bad[0])))
        return read(_only(raw, good))

    def _entry(self, name: str, raw: YamlMap, key: str, good: list[str], read: Load[T]) -> None:
        def load(entry: YamlMap) -> T:
            whole = _only(raw, [*good, key])
            whole[key] = entry
            return read(whole)

        if isinstance(raw[key], YamlMap):
            follows = self._note(
                raw[key], load, self._place(name, key), lambda e: self._follows(e, name, key)
            )
        else:
            error = _error(read, _only(raw, [*good, key]))
            follows = error is not None and self._follows(error, name, key)
            if error is not None and not follows:
                self.found.problems.append(problem(error, self._place(name, key)))
        if follows:
            self.found.unchecked.append(f"{name} {key}")

    def _note(
        self, raw: YamlMap, load: Load[T], path: Path, follows: Callable[[ParamsError], bool]
    ) -> bool:
        """Note an entry's errors one after the other, each but the last mended as suggested.

        Returns
        -------
        bool
            Whether something could not be checked, because it rests on what failed before.
        """
        seen: set[tuple[str, str]] = set()
        rests = False
        for _ in range(_MOST):
            error = _error(load, raw)
            if error is None or (error.where, error.message) in seen:
                break
            seen.add((error.where, error.message))
            if follows(error):
                rests = True
                break
            self.found.problems.append(problem(error, path))
            better = mended(raw, error)
            if better is None:
                break
            raw = better
        return rests

    def _follows(self, error: ParamsError, name: str, key: str) -> bool:
        """Whether an error is only that a name is unknown whose own entry failed."""
        wrong = wrong_name(error)
        beside = self.failed.get(name, set()) - {key} if name in _WITHIN else set()
        return wrong in beside.union(*(self.failed.get(f, ()) for f in self.rests_on[name]))

    def _place(self, name: str, key: str) -> Path:
        """Where an entry stands: the nearest folder whose file has it."""
        paths = [f / name for f in self.found.folders if (f / name).is_file()]
        return next((p for p in paths if key in load_yaml(p)), paths[0])


def _only(raw: YamlMap, keys: Iterable[str]) -> YamlMap:
    wanted = set(keys)
    kept = YamlMap({key: value for key, value in raw.items() if key in wanted})
    kept.file, kept.line, kept.lines = raw.file, raw.line, raw.lines
    return kept


def _error(load: Load[T], raw: YamlMap) -> ParamsError | None:
    try:
        load(raw)
    except ParamsError as error:
        return error
    return None
