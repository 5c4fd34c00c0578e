"""A run that is killed and started again ends as an undisturbed one, and leaves nothing about."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from runner.extract import BRANCH, SHEET, extract

TESTS = Path(__file__).resolve().parents[1]


def start(data: Path, out: Path, said: Path, step: int = 0) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "runner.dying", str(data), str(out), str(said), str(step)]
    env = {**os.environ, "PYTHONPATH": str(TESTS)}
    return subprocess.Popen(command, env=env, start_new_session=True)


def outputs(out: Path) -> dict[str, str]:
    """Hashes of what was published; the manifest says the same of itself."""
    folder = out / "2021Q4"
    found = {
        str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*"))
        if p.is_file() and "working" not in p.relative_to(folder).parts
    }
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    del found["manifest.json"]
    assert manifest["outputs"] == found
    return found


def left_over(data: Path, out: Path) -> list[str]:
    """Files of a run that is over."""
    staged = [p for p in (out / ".staging").iterdir() if not p.name.endswith(".lock")]
    hidden = [p for top in (data / "store", out) for p in top.rglob(".*")]
    torn = [p for p in hidden if p.suffix in (".tmp", ".ipynb")]
    new = list((data / "store").rglob(".new-*"))
    holders = [p for top in (data, out) for p in top.rglob(".holder")]
    return sorted(str(p) for p in (*staged, *torn, *new, *holders))


def until_gone(pids: list[int], within: float) -> bool:
    end = time.monotonic() + within
    while time.monotonic() < end:
        alive = [p for p in pids if psutil.pid_exists(p)]
        if all(psutil.Process(p).status() == psutil.STATUS_ZOMBIE for p in alive):
            return True
        time.sleep(0.05)
    return False


def killed_at(process: subprocess.Popen[bytes], said: Path, stage: str) -> None:
    """Kill the whole process group once the run is in a stage; its children follow in 5 s."""
    end = time.monotonic() + 300
    while not (said.is_file() and said.read_text(encoding="utf-8") == stage):
        assert process.poll() is None and time.monotonic() < end, stage
        time.sleep(0.01)
    children = [c.pid for c in psutil.Process(process.pid).children(recursive=True)]
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert until_gone(children, 5)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> tuple[Path, dict[str, str]]:
    """Submissions nobody has read yet, and what a run without trouble makes of them."""
    folder = tmp_path_factory.mktemp("killed")
    extract(folder, (SHEET, BRANCH))
    data = folder / "calm"
    shutil.copytree(folder / "data", data)
    assert start(data, folder / "calm-out", folder / "said").wait() == 0
    assert left_over(data, folder / "calm-out") == []
    return folder / "data", outputs(folder / "calm-out")


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["接收与校验", "计算指标量", "计算底稿", "编制通报"])
def test_killed_in_a_stage_and_started_again(tmp_path, undisturbed, stage):
    data, out, said = tmp_path / "data", tmp_path / "out", tmp_path / "said"
    shutil.copytree(undisturbed[0], data)
    killed_at(start(data, out, said), said, stage)
    assert not (out / "2021Q4").exists()
    assert start(data, out, said).wait() == 0
    assert outputs(out) == undisturbed[1]
    assert left_over(data, out) == []


@pytest.mark.slow
def test_killed_at_every_step_of_publishing(tmp_path, undisturbed):
    data, out, said = tmp_path / "data", tmp_path / "out", tmp_path / "said"
    shutil.copytree(undisturbed[0], data)
    assert start(data, out, said).wait() == 0
    step, died = 0, True
    while died:
        step += 1
        died = start(data, out, said, step).wait() != 0
        # Whatever was reached, the next start has a whole folder to go on from.
        assert start(data, out, said).wait() == 0
        assert outputs(out) == undisturbed[1]
        assert left_over(data, out) == []
    assert step > 6
