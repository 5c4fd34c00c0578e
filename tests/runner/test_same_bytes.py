"""Same inputs, same bytes: whatever time zone, locale, hash seed, jobs, threads and processors."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from vocabulary import PARAMS

pytestmark = pytest.mark.slow


ELSEWHERE = [
    # Engines of notebooks get two threads with one job, and one with two jobs, as here.
    ({"TZ": "America/Los_Angeles", "LC_ALL": "C", "PYTHONHASHSEED": "7"}, 1, None),
    ({"TZ": "Asia/Kathmandu", "LC_ALL": "tr_TR.UTF-8", "PYTHONHASHSEED": "0"}, 3, {0}),
]


@pytest.mark.parametrize(("environment", "jobs", "processors"), ELSEWHERE)
def test_a_fresh_run_elsewhere_gives_the_same_outputs(
    finished, tmp_path, environment, jobs, processors
):
    data = tmp_path / "elsewhere"
    ignored = shutil.ignore_patterns("store")
    shutil.copytree(finished.request.data, data, ignore=ignored)
    command = [sys.executable, "-c", "from puhui.cli import main; main()", "run", "2021Q4"]
    options = ["--data", data, "--params", PARAMS, "--out", tmp_path / "out", "--jobs", jobs]
    if processors is not None:
        command = ["taskset", "-c", ",".join(map(str, processors)), *command]
    done = subprocess.run(
        [*command, *map(str, options)],
        env={**os.environ, "PYTHONUTF8": "1", **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1, done.stderr[-2000:]  # the three bad submissions
    compared = 0
    for path in sorted(finished.out.rglob("*")):
        inside = path.relative_to(finished.out)
        if path.is_file() and inside.parts[0] != "working" and path.name != "manifest.json":
            other = tmp_path / "out" / "2021Q4" / inside
            assert other.read_bytes() == path.read_bytes(), inside
            compared += 1
    assert compared >= 16
