"""Warm kernels are as good as new, and leave nothing behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import psutil
import pytest

from puhui.params.run import Limits
from puhui.runner import warm
from puhui.runner.notebooks import execute
from puhui.runner.template import STACK

# Elsewhere there is nothing to test: kernels are the ordinary ones of jupyter_client.
pytestmark = pytest.mark.skipif(not warm.HAS_WARM, reason="kernels are forked on Linux only")
LIMITS = Limits(cell=60, kernel_start=60, output_mb=1)
ASK = """import json, os, random, sys, threading, numpy
print(json.dumps({
    "pid": os.getpid(), "parent": os.getppid(), "group": os.getpgid(0), "cwd": os.getcwd(),
    "kept": "kept" in globals(), "drawn": [random.random(), float(numpy.random.random())],
    "env": os.environ.get("PUHUI_TRY"), "loaded": sorted(sys.modules)}))
kept = 1
"""


def notebook(folder: Path, *cells: str) -> Path:
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    made.metadata["kernelspec"] = {"name": "python3", "display_name": "p", "language": "python"}
    path = folder / "asked.ipynb"
    nbformat.write(made, path)
    return path


def asked(folder: Path) -> dict:
    execute(notebook(folder, ASK), folder / "done.ipynb", {}, LIMITS)
    cell = nbformat.read(folder / "done.ipynb", as_version=4).cells[-1]
    return json.loads("".join(o.text for o in cell.outputs if o.output_type == "stream"))


def gone(pid: int, within: float = 5.0) -> bool:
    until = time.monotonic() + within
    while time.monotonic() < until:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.05)
    return False


def test_each_kernel_is_fresh_and_has_the_stack(tmp_path, monkeypatch):
    monkeypatch.setenv("PUHUI_TRY", "one")
    first = asked(tmp_path)
    monkeypatch.setenv("PUHUI_TRY", "two")
    second = asked(tmp_path)
    assert (first["env"], second["env"]) == ("one", "two")
    assert first["parent"] == second["parent"] == warm.TEMPLATE._process.pid
    assert first["pid"] != second["pid"]
    assert not second["kept"]
    assert not set(first["drawn"]) & set(second["drawn"])
    assert set(STACK) <= set(first["loaded"])
    for one in (first, second):
        assert one["group"] == one["pid"] != os.getpgid(0)
        assert one["cwd"] == str(Path.cwd())
        assert gone(one["pid"])


def test_the_template_has_one_thread(tmp_path):
    template = asked(tmp_path)["parent"]
    assert psutil.Process(template).num_threads() == 1


def test_a_template_that_was_killed_is_started_again(tmp_path):
    before = asked(tmp_path)["parent"]
    os.kill(before, signal.SIGKILL)
    assert asked(tmp_path)["parent"] != before


def test_without_a_template_kernels_are_ordinary_ones(tmp_path, monkeypatch):
    monkeypatch.setattr(warm.TEMPLATE, "fork", lambda *_: None)
    assert asked(tmp_path)["parent"] == os.getpid()


def test_a_template_that_cannot_be_forked_is_said_and_not_tried_again(caplog):
    template = warm.Template()
    with pytest.raises(ConnectionError):
        template._greeted("2 threads after imports")
    assert "2 threads after imports" in caplog.text
    assert template.fork("m:f", [], {}, ".") is None
    assert template._process is None


RUNNER = """import sys
from pathlib import Path
from puhui.params.run import Limits
from puhui.runner.notebooks import execute
limits = Limits(cell=60, kernel_start=60, output_mb=1)
execute(Path(sys.argv[1]), Path(sys.argv[2]), {}, limits)
"""


@pytest.mark.parametrize("whole_group", [False, True])
def test_no_kernel_outlives_a_runner_that_was_killed(tmp_path, whole_group):
    said = tmp_path / "said"
    cell = (
        f"import os, time\nopen({str(said)!r}, 'w').write(f'{{os.getpid()}} {{os.getppid()}}')\n"
        "time.sleep(60)"
    )
    command = [sys.executable, "-c", RUNNER, str(notebook(tmp_path, cell)), str(tmp_path / "d")]
    runner = subprocess.Popen(command, start_new_session=True)
    until = time.monotonic() + 60
    while not (said.is_file() and len(said.read_text().split()) == 2):
        assert time.monotonic() < until and runner.poll() is None
        time.sleep(0.05)
    kernel, template = map(int, said.read_text().split())
    if whole_group:
        os.killpg(runner.pid, signal.SIGKILL)
    else:
        runner.kill()
    runner.wait()
    assert gone(template)
    assert gone(kernel)


def test_plain_papermill_can_use_the_kernelspec(tmp_path, monkeypatch):
    monkeypatch.setattr(warm.sys, "prefix", str(tmp_path / "env"))
    warm.install()
    monkeypatch.undo()
    env = {**os.environ, "JUPYTER_PATH": str(tmp_path / "env" / "share" / "jupyter")}
    path, done = notebook(tmp_path, ASK), tmp_path / "done.ipynb"
    command = [sys.executable, "-m", "papermill", "-k", "puhui", str(path), str(done)]
    subprocess.run(command, check=True, env=env, capture_output=True)
    cell = nbformat.read(done, as_version=4).cells[-1]
    said = json.loads("".join(o.text for o in cell.outputs if o.output_type == "stream"))
    assert set(STACK) <= set(said["loaded"])
    assert gone(said["parent"])
