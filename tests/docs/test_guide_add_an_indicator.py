"""The analyst's guide is followed word for word: its files are written, its commands run."""

from __future__ import annotations

import re
import shutil
from fractions import Fraction
from pathlib import Path

import pytest
from typer.testing import CliRunner

from puhui.cli import app

ROOT = Path(__file__).parents[2]
GUIDES = ("add-an-indicator.md", "add-an-indicator.zh-CN.md")
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)


def blocks(name):
    """Fenced blocks of a guide: language and text."""
    return _BLOCK.findall((ROOT / "docs" / "guides" / name).read_text(encoding="utf-8"))


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A checkout as an analyst has it, as far as parameters go."""
    shutil.copytree(ROOT / "params", tmp_path / "params")
    (tmp_path / "data").symlink_to(ROOT / "data")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def follow(name, place):
    """Write the files, run the commands; what each printed."""
    said = []
    for language, text in blocks(name):
        first, rest = text.split("\n", 1)
        if language in ("yaml", "csv"):
            path = place / first.removeprefix("# ")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(rest, encoding="utf-8")
        elif language == "console":
            command = first.removeprefix("$ puhui ").split()
            done = CliRunner().invoke(app, command)
            said.append((first, done.exit_code, done.output, rest.splitlines()))
    return said


@pytest.mark.parametrize("guide", GUIDES)
def test_the_guide_works_as_written(guide, place):
    said = follow(guide, place)
    assert len(said) == 3
    for command, code, output, expected in said:
        assert code == 0, (command, output)
        for line in expected:
            assert line in output, (command, output)


def test_both_languages_say_the_same(place):
    one, other = (blocks(name) for name in GUIDES)
    assert one == other


def test_a_slip_in_step_four_is_told_with_its_line(place):
    follow(GUIDES[0], place)
    file = place / "params" / "office" / "measures.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("is_npl}", "is_nlp}"), "utf-8")
    done = CliRunner().invoke(app, ["params", "check", "--params", "params/office"])
    assert done.exit_code == 1
    assert "measures.yaml:7" in done.output
    assert "is_npl" in done.output


def test_the_new_indicator_is_computed_from_a_ledger(place):
    """Two loans of a small firm, 300 good and 100 bad: 25 %, over the office's 5 %."""
    from vocabulary import County

    follow(GUIDES[0], place)
    text = """
    loan_id customer_id balance five_class
    L1      K1          300     normal
    L2      K1          100     substandard
    """
    county = County(place / "county", params_folder=place / "params" / "office")
    row = county.with_loans("2021Q4", "HCNS0001", text).indicator("L1")
    assert Fraction(int(row["value_num"]), int(row["value_den"])) == 25
    assert row["verdict"] == "not_met"
