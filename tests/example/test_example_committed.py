"""The committed example is what the generator makes, to the byte."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from puhui.example import small

ROOT = Path(__file__).parents[2] / "data" / "example"
BY_HAND = {"README.md", ".gitattributes"}


def parts(content: bytes) -> dict[str, bytes]:
    """A workbook's parts: what zlib makes of them may differ between builds of zlib."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {i.filename: archive.read(i) for i in archive.infolist()}


@pytest.fixture(scope="module")
def made() -> dict[str, bytes]:
    return small().files


def test_same_files(made: dict[str, bytes]) -> None:
    found = {p.relative_to(ROOT).as_posix() for p in ROOT.rglob("*") if p.is_file()}
    found = {name for name in found if not name.startswith("store/")}
    assert found - BY_HAND == set(made)


def test_same_content(made: dict[str, bytes]) -> None:
    for name, content in made.items():
        committed = (ROOT / name).read_bytes()
        if name.endswith(".xlsx"):
            assert parts(committed) == parts(content), name
        else:
            assert committed == content, name


def test_a_second_process_elsewhere_makes_the_same_bytes(
    made: dict[str, bytes], tmp_path: Path
) -> None:
    subprocess.run(
        [sys.executable, "-m", "puhui.example", str(tmp_path)],
        check=True,
        capture_output=True,
        env={"TZ": "Pacific/Apia", "PYTHONHASHSEED": "7", "PYTHONUTF8": "1", "HOME": str(tmp_path)}
        | {"PYTHONPATH": str(Path(__file__).parents[2] / "lib")},
    )
    assert {n: (tmp_path / n).read_bytes() for n in made} == made


def test_another_seed_makes_another_county(made: dict[str, bytes]) -> None:
    other = small(7).files
    name = "submissions/2021Q4/HCDX0001/EAST_503_个人信贷业务借据表.txt"
    assert set(other) == set(made)
    assert other[name] != made[name]


def test_small_enough(made: dict[str, bytes]) -> None:
    assert sum(len(content) for content in made.values()) < 1_000_000
