"""Runs that are killed: started in a group of their own, watched, and looked over afterwards."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

TESTS = Path(__file__).resolve().parents[1]


def start(data: Path, out: Path, said: Path, step: int = 0) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "runner.dying", str(data), str(out), str(said), str(step)]
    before = os.environ.get("PYTHONPATH", "")
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), *before.split(os.pathsep)])}
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


def killed_at(
    process: subprocess.Popen[bytes],
    said: Path,
    stage: str,
    after: float = 0.0,
    by: signal.Signals = signal.SIGKILL,
) -> bool:
    """Kill the whole process group ``after`` so many seconds of a stage.

    Returns
    -------
    bool
        Whether it still ran; its children are gone within 5 seconds, or this raises.
    """
    end = time.monotonic() + 300
    while not (said.is_file() and said.read_text(encoding="utf-8") == stage):
        assert process.poll() is None and time.monotonic() < end, stage
        time.sleep(0.01)
    time.sleep(after)
    running = process.poll() is None
    children = []
    if running:
        children = [c.pid for c in psutil.Process(process.pid).children(recursive=True)]
        os.killpg(process.pid, by)
    process.wait()
    assert until_gone(children, 5)
    return running
