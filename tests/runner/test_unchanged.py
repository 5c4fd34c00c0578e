"""A first look tells whether a run has anything to do; what it cannot tell, contents do."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from puhui.runner.unchanged import Trace, note_of, nothing_to_do


@pytest.fixture
def ran(tmp_path) -> Path:
    """A run's folders after it, read files an hour old."""
    for name in ("submissions/a.csv", "submissions/b.csv", "store/s.parquet", "out/index.html"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("12345")
        age(path)
    (tmp_path / "out" / "manifest.json").write_text("{}")
    (tmp_path / "out" / "working").mkdir()
    keep(tmp_path)
    assert same(tmp_path)
    return tmp_path


def age(path: Path, seconds: float = 3600) -> None:
    os.utime(path, (time.time() - seconds,) * 2)


def keep(folder: Path) -> None:
    Trace.before("asked", [folder / "submissions"]).keep(folder / "store", folder / "out")


def same(folder: Path, asked: str = "asked") -> bool:
    return nothing_to_do(asked, folder / "store", folder / "out")


def test_another_request_or_no_note_is_something_to_do(ran):
    assert not same(ran, "asked otherwise")
    (ran / "out" / "manifest.json").unlink()
    assert not same(ran)
    note_of(ran / "out").write_text("{torn")
    assert not same(ran)


@pytest.mark.parametrize("name", ["submissions/a.csv", "store/s.parquet", "out/index.html"])
@pytest.mark.parametrize("what", ["longer", "later", "gone"])
def test_whatever_was_read_or_made_and_is_not_as_it_was_is_seen(ran, name, what):
    path = ran / name
    before = path.stat()
    if what == "gone":
        path.unlink()
    else:
        path.write_text("123456" if what == "longer" else "54321")
        if what == "longer":
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert not same(ran)


@pytest.mark.parametrize("name", ["submissions/c.csv", "store/t.parquet", "out/institutions/x"])
def test_a_file_more_is_seen(ran, name):
    (ran / name).parent.mkdir(exist_ok=True)
    (ran / name).write_text("new")
    assert not same(ran)


def test_what_only_a_run_writes_is_not_looked_at(ran):
    for name in ("store/.lock", "store/.holder", "out/manifest.json"):
        (ran / name).write_text("other")
    assert same(ran)


def test_a_file_that_was_young_is_told_by_its_contents(ran):
    path = ran / "submissions" / "a.csv"
    path.write_text("just now")
    keep(ran)
    assert same(ran)
    before = path.stat()
    path.write_text("and then")  # within one tick of the clock: the same size and time
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert not same(ran)
