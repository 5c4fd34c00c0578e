"""The committed example is what the generator makes, to the byte, wherever it is made."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest

from puhui.errors import RunError
from puhui.example import QUARTERS, make

ROOT = Path(__file__).parents[2]
COMMITTED = ROOT / "data" / "example"
BY_HAND = {"README.md", ".gitattributes"}


def files(folder: Path) -> dict[str, bytes]:
    """Content by path, of everything but the store."""
    return {
        p.relative_to(folder).as_posix(): p.read_bytes()
        for p in folder.rglob("*")
        if p.is_file() and "store" not in p.relative_to(folder).parts
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("made")
    make(folder)
    return files(folder)


def test_the_committed_files_are_those_made(made) -> None:
    committed = files(COMMITTED)
    assert set(committed) - BY_HAND == set(made)
    assert [n for n, content in made.items() if committed[n] != content] == []


def test_a_process_elsewhere_makes_the_same_bytes(made, tmp_path) -> None:
    """Other time zone, other hash seed, another home, nothing else in the environment."""
    environment = {
        "TZ": "Pacific/Apia",
        "PYTHONHASHSEED": "7",
        "PYTHONUTF8": "1",
        "HOME": str(tmp_path),
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT / "lib"),
    }
    out = tmp_path / "out"
    command = "from puhui.cli import main; main()"
    subprocess.run(
        [sys.executable, "-c", command, "example", "--out", str(out)],
        check=True,
        capture_output=True,
        env=environment,
    )
    assert files(out) == made


def test_it_stays_small() -> None:
    sizes = [len(content) for content in files(COMMITTED).values()]
    assert sum(sizes) < 10_000_000
    assert max(sizes) < 5_000_000


def test_the_listing_names_every_file_with_its_hash(made) -> None:
    rows = list(csv.DictReader(made["truth/files.csv"].decode().splitlines()))
    assert {r["path"] for r in rows} == set(made) - {"truth/files.csv"}
    assert all(len(made[r["path"]]) == int(r["bytes"]) for r in rows)


def test_another_seed_makes_another_county(tmp_path, made) -> None:
    make(tmp_path, seed=7, quarters=QUARTERS[-1:])
    other = files(tmp_path)
    name = "submissions/2021Q4/HCDX0001/EAST_503_个人信贷业务借据表.txt"
    assert other[name] != made[name]
    assert other["hash.key"] == made["hash.key"]


def test_more_counties_add_institutions_and_leave_the_first_as_it_was(tmp_path) -> None:
    one, three = tmp_path / "one", tmp_path / "three"
    last = QUARTERS[-1:]
    make(one, quarters=last)
    result = make(three, scale=3, quarters=last, jobs=2)
    single, many = files(one), files(three)
    changed = {n for n in single if many[n] != single[n]}
    assert changed == {n for n in single if n.startswith("supervisor/")} | {"truth/files.csv"}
    register = many["supervisor/institutions.csv"].decode("utf-8-sig").splitlines()
    assert len(register) == 1 + 3 * 20
    assert len({line.split(",")[0] for line in register}) == 61
    assert 80_000 < result.loans < 100_000
    assert {n for n in many if "X0003" in n} >= {"submissions/2021Q4/_shared_X0003/loans.parquet"}


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path) -> None:
    (tmp_path / "台账.xlsx").write_bytes(b"mine")
    with pytest.raises(RunError, match="不是空文件夹"):
        make(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["台账.xlsx"]


def test_making_it_again_replaces_its_own_files_only(tmp_path) -> None:
    make(tmp_path, quarters=QUARTERS[-2:])
    (tmp_path / "笔记.txt").write_text("mine", encoding="utf-8")
    make(tmp_path, quarters=QUARTERS[-1:])
    found = files(tmp_path)
    assert "笔记.txt" in found
    assert not any(n.startswith("submissions/2021Q3") for n in found)


@pytest.mark.parametrize("wrong", [{"scale": 0}, {"jobs": 0}, {"quarters": ()}])
def test_numbers_that_make_no_sense_are_refused_before_anything_is_written(tmp_path, wrong) -> None:
    with pytest.raises(RunError, match="至少为 1"):
        make(tmp_path / "new", **wrong)
    assert not (tmp_path / "new").exists()
