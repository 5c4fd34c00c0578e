"""``puhui diff`` and ``puhui run --as-judged`` as a user meets them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from puhui.cli import app
from puhui.quarter import Quarter
from puhui.runner import quarterly
from puhui.runner.preparing import prepare
from runner.extract import QUARTER, SHEET, extract
from vocabulary import PARAMS, PROJECT

LOCK = f"output/{QUARTER}/inputs.lock"


def puhui(*arguments):
    code = "from puhui.cli import main; main()"
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def village(tmp_path_factory):
    """A village bank's sheet, and the same sheet sent again with more non-performing loans."""
    folder = tmp_path_factory.mktemp("village")
    data = extract(folder, (SHEET,))
    prepare(data, PARAMS, folder / "output", Quarter.parse(QUARTER))
    raise_npl(data / "submissions" / QUARTER / SHEET / "季度情况表.xlsx")
    prepare(data, PARAMS, folder / "later", Quarter.parse(QUARTER))
    return folder


def raise_npl(sheet):
    import openpyxl

    book = openpyxl.load_workbook(sheet)
    cell = next(c for c in book.active["A"] if c.value == "QS.incl_npl")
    figure = book.active.cell(cell.row, 4)
    figure.value = float(figure.value) + 2000
    book.save(sheet)


def diff(folder, *arguments):
    return puhui("diff", *arguments, "--data", folder / "data")


def test_no_difference_ends_with_0(village):
    done = diff(village, village / LOCK, village / LOCK)
    assert done.returncode == 0, done.stderr
    assert "0 项不同" in done.stdout


def test_differences_end_with_1_and_are_written_down(village, tmp_path):
    table = tmp_path / "变动.csv"
    later = village / "later" / QUARTER / "inputs.lock"
    done = diff(village, village / LOCK, later, "--csv", table)
    assert done.returncode == 1, done.stderr
    assert f"{QUARTER} {SHEET} " in done.stdout and "第 1 版 → 第 2 版" in done.stdout
    assert "C7.2" in done.stdout and "→ 未达标" in done.stdout
    rows = table.read_text(encoding="utf-8-sig").splitlines()
    assert len(rows) > 1 and all(SHEET in row for row in rows[1:])


@pytest.mark.parametrize(
    ("what", "said"),
    [("nowhere", "找不到"), (".", "没有一个季度的结果"), ("README.md", "不是本版本的锁定文件")],
)
def test_an_error_ends_with_2_and_one_line(village, what, said):
    done = diff(village, village / LOCK, what)
    assert done.returncode == 2
    assert said in done.stderr and "Traceback" not in done.stderr


def test_a_quarter_of_the_output_folder_may_be_named_by_itself(village):
    """The folder is found, and has no gathered results yet."""
    done = diff(village, QUARTER, QUARTER, "--out", village / "output")
    assert done.returncode == 2
    assert "没有一个季度的结果" in done.stderr


def test_as_judged_refuses_what_it_cannot_do_with_2(village, tmp_path):
    options = ("--data", village / "data", "--out", tmp_path / "out")
    missing = puhui("run", QUARTER, *options, "--as-judged", tmp_path / "inputs.lock")
    assert missing.returncode == 2 and "找不到锁定文件" in missing.stderr
    other = puhui("run", "2021Q3", *options, "--as-judged", village / LOCK)
    assert other.returncode == 2 and "锁定文件是 2021Q4 的" in other.stderr
    alone = tmp_path / "data"
    shutil.copytree(village / "data" / "store", alone / "store")
    gone = alone / "store" / f"quarter={QUARTER}" / f"institution_id={SHEET}" / "rev=0001"
    shutil.rmtree(gone)
    options = ("--data", alone, "--out", tmp_path / "out")
    done = puhui("run", QUARTER, *options, "--as-judged", village / LOCK)
    assert done.returncode == 2
    assert f"{SHEET} 第 1 版" in done.stderr and "Traceback" not in done.stderr


def test_what_cannot_be_as_it_was_is_said_on_the_console(village, monkeypatch):
    asked = []

    def run_quarter(request, progress):
        asked.append(request.as_judged)
        manifest = {"rows": {}, "executed": 0, "unchanged": 0, "pages_written": 0, "seconds": {}}
        manifest |= {"refused": [], "as_judged": ["参数不同"]}
        return quarterly.Outcome(SimpleNamespace(folder=village, failed={}), manifest)

    monkeypatch.setattr(quarterly, "run_quarter", run_quarter)
    options = ["--data", str(village / "data"), "--params", str(PARAMS)]
    done = CliRunner().invoke(app, ["run", QUARTER, *options, "--as-judged", "a.lock"])
    assert done.exit_code == 0, done.output
    assert "注意　参数不同。" in done.output
    assert [str(path) for path in asked] == ["a.lock"]


@pytest.mark.parametrize("command", ["diff", "params", "run"])
def test_help_tells_of_the_command_in_chinese(command):
    done = puhui(command, "--help")
    assert done.returncode == 0
    assert {"diff": "比较两次运行", "params": "参数文件", "run": "--as-judged"}[
        command
    ] in done.stdout
