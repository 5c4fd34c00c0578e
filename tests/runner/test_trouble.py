"""Trouble a run meets: a full disk, a folder it may not write, another run, a cell without end."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from puhui.engine import SPILL
from puhui.errors import NotebookFailed, RunError, StoreLocked
from puhui.params.run import Limits
from puhui.quarter import Quarter
from puhui.runner.notebooks import execute
from puhui.runner.quarterly import Request, run_quarter
from puhui.runner.staging import Staging
from puhui.store import write_text
from runner.extract import BRANCH, SHEET, extract
from runner.test_warm import LIMITS, notebook
from vocabulary import PARAMS

PUHUI = f"{sys.executable} -c 'from puhui.cli import main; main()'"


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return extract(tmp_path_factory.mktemp("trouble"), (SHEET, BRANCH))


def apart(script: str) -> subprocess.CompletedProcess[str]:
    """Run a shell script with mounts of its own."""
    command = ["unshare", *([] if os.getuid() == 0 else ["-r"]), "-m", "sh", "-c", script]
    return subprocess.run(command, text=True, capture_output=True, check=False)


def test_a_full_disk_is_one_line_and_the_run_goes_on_once_there_is_room(tmp_path, data):
    out = tmp_path / "out"
    out.mkdir()
    run = f"{PUHUI} run 2021Q4 --data {data} --params {PARAMS} --out {out}"
    done = apart(
        f"mount -t tmpfs -o size=1200k tmpfs {out} && {run}; echo first $?; ls {out};"
        f"mount -o remount,size=64m {out}; {run}; echo second $?; ls {out}"
    )
    shown = [line for line in done.stdout.splitlines() if line[:5] in ("first", "secon", "2021Q")]
    assert shown == ["first 2", "second 0", "2021Q4"]
    said = [line for line in done.stderr.splitlines() if line.startswith("错误")]
    assert len(said) == 1 and "磁盘已满" in said[0] and "已完成的部分不会重做" in done.stderr


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path, data):
    out = tmp_path / "out"
    out.mkdir()
    done = apart(
        f"mount -t tmpfs -o ro tmpfs {out} && "
        f"{PUHUI} run 2021Q4 --data {data} --params {PARAMS} --out {out}; echo ended $?"
    )
    assert "ended 2" in done.stdout
    assert "只读，不能写入" in done.stderr and "Traceback" not in done.stderr


def test_a_second_run_of_a_quarter_is_told_who_holds_it(tmp_path, data):
    quarter = Quarter.parse("2021Q4")
    request = Request(quarter, data, PARAMS, tmp_path / "out")
    held = Staging(tmp_path / "out", quarter).held()
    with held, pytest.raises(StoreLocked, match=rf"输出目录.*进程 {os.getpid()}") as caught:
        run_quarter(request)
    assert caught.value.exit_code == 3


def test_a_cell_without_end_is_stopped_and_said(tmp_path):
    path = notebook(tmp_path, "import time", "time.sleep(60)")
    with pytest.raises(NotebookFailed, match=r"超过 1 秒没有算完.*limits"):
        execute(path, tmp_path / "done.ipynb", {}, Limits(cell=1, kernel_start=60, output_mb=1))
    kept = nbformat.read(tmp_path / "done.ipynb", as_version=4)
    assert kept.cells[-1].source == "time.sleep(60)"


def test_a_kernel_that_dies_leaves_what_it_had_done(tmp_path):
    path = notebook(tmp_path, "print('到这里')", "import os\nos.kill(os.getpid(), 9)")
    with pytest.raises(NotebookFailed, match="内核中止"):
        execute(path, tmp_path / "done.ipynb", {}, LIMITS)
    kept = nbformat.read(tmp_path / "done.ipynb", as_version=4)
    assert kept.cells[-2].outputs[0].text == "到这里\n"


def test_a_cell_that_floods_is_stopped_and_what_it_put_out_is_kept_within_bounds(tmp_path):
    path = notebook(tmp_path, "print('到这里')", "while True:\n    print('x' * 10_000)")
    with pytest.raises(NotebookFailed, match=r"第 2 格输出超过 1 MB，已中止.*limits"):
        execute(path, tmp_path / "done.ipynb", {}, LIMITS)
    kept = nbformat.read(tmp_path / "done.ipynb", as_version=4)
    assert kept.cells[0].outputs[0].text == "到这里\n"
    assert 5 * 10**5 < len(kept.cells[1].outputs[0].text) <= 10**6


def test_each_notebook_has_a_log_with_what_went_wrong(tmp_path):
    path = notebook(tmp_path, "import sys\nprint('请看', file=sys.stderr)", "1 / 0")
    with pytest.raises(NotebookFailed, match="第 2 格出错：ZeroDivisionError"):
        execute(path, tmp_path / "done.ipynb", {}, LIMITS)
    log = (tmp_path / "done.log").read_text(encoding="utf-8")
    for said in ("asked.ipynb", "内核进程", "请看", "第 1 格", "----> 1 1 / 0", "第 2 格出错"):
        assert said in log
    assert "\x1b" not in log


def test_temporary_files_of_kernels_end_with_the_run(tmp_path):
    cell = "import tempfile\nprint(tempfile.mkdtemp())"
    script = (
        "import sys\nfrom pathlib import Path\nfrom puhui.params.run import Limits\n"
        "from puhui.runner.notebooks import execute\n"
        "execute(Path(sys.argv[1]), Path(sys.argv[2]), {}, "
        "Limits(cell=60, kernel_start=60, output_mb=1))\n"
    )
    done = tmp_path / "done.ipynb"
    subprocess.run([sys.executable, "-c", script, notebook(tmp_path, cell), done], check=True)
    made = Path(nbformat.read(done, as_version=4).cells[-1].outputs[0].text.strip())
    assert made.parent.name.startswith("puhui-kernels-")
    assert not made.parent.exists()


def test_a_volume_without_links_is_copied(tmp_path, monkeypatch):
    def refused(*_):
        raise PermissionError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", refused)
    staging = Staging(tmp_path, Quarter.parse("2021Q4"))
    staging.final.mkdir()
    (staging.final / "index.html").write_text("此前")
    with staging.held():
        staging.begin()
        (staging.folder / "index.html").write_text("这次")
        assert (staging.final / "index.html").read_text() == "此前"
        staging.publish()
    assert (staging.final / "index.html").read_text() == "这次"


@pytest.mark.parametrize("resumed", [True, False])
def test_what_queries_of_killed_kernels_spilt_is_not_kept(tmp_path, resumed):
    staging = Staging(tmp_path, Quarter.parse("2021Q4"))
    spilt = staging.folder / "working" / f"{SPILL}4242-1" / "loans.tmp"
    with staging.held():
        staging.begin(afresh=True)
        spilt.parent.mkdir(parents=True)
        spilt.write_text("张三的贷款", encoding="utf-8")
        if resumed:
            staging.begin()
            assert not spilt.parent.exists()
        staging.publish()
    assert list(tmp_path.rglob(f"{SPILL}*")) == []


@pytest.mark.parametrize(("place", "kind"), [("out", RunError), ("data", PermissionError)])
def test_what_may_not_be_read_is_not_called_unwritable(tmp_path, place, kind):
    path = tmp_path / place / "file"
    held = Staging(tmp_path / "out", Quarter.parse("2021Q4")).held()
    with pytest.raises(kind), held:
        raise PermissionError(errno.EACCES, "denied", str(path))


def published(staging: Staging, text: str, at: str, keep: int) -> None:
    """Publish a folder whose one page says ``text``."""
    with staging.held():
        staging.begin()
        write_text(staging.folder / "index.html", text)
        manifest = {"written_at": f"2021-01-0{at}T00:00:00+00:00", "outputs": {"index.html": text}}
        write_text(staging.folder / "manifest.json", json.dumps(manifest))
        staging.publish(keep=keep)


def test_runs_that_others_took_the_place_of_are_kept_for_a_while(tmp_path):
    staging = Staging(tmp_path, Quarter.parse("2021Q4"))
    for at, text in enumerate(["一", "二", "二", "三", "四"], 1):
        published(staging, text, str(at), keep=2)
    kept = {p.name: (p / "index.html").read_text() for p in staging.earlier.iterdir()}
    assert kept == {"20210103T000000Z": "二", "20210104T000000Z": "三"}
    published(staging, "五", "6", keep=0)
    assert list(staging.earlier.iterdir()) == []
    assert (staging.final / "index.html").read_text() == "五"


def test_what_a_killed_run_was_writing_is_swept_away_where_it_was_published_too(tmp_path):
    staging = Staging(tmp_path, Quarter.parse("2021Q4"))
    torn = staging.final / "working" / ".trace.json.1.tmp"
    torn.parent.mkdir(parents=True)
    torn.write_text("{")
    with staging.held():
        assert not torn.exists()
