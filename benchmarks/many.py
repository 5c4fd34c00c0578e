"""Many institutions: what a run takes in time and memory as there are more of them.

    python benchmarks/many.py [--counties 1 10] [--loans sba_7a_illinois.csv]

``puhui run`` on the example county, then on ten of them (two hundred institutions), and, with
``--loans``, on every bank of a file of real loans with its benchmark ``us_prime_rate.csv`` beside
it. Memory is the proportional share (PSS) of the whole process tree, looked at twice a second: what
processes forked from one another share counts once.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

PROJECT = Path(__file__).resolve().parents[1]
PUHUI = [sys.executable, "-c", "from puhui.cli import main; main()"]


def main() -> None:
    """Run each and print a line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--counties", type=int, nargs="*", default=[1, 10])
    parser.add_argument("--loans", type=Path)
    asked = parser.parse_args()
    for number in asked.counties:
        with tempfile.TemporaryDirectory() as folder:
            data = Path(folder) / "data"
            made = [*PUHUI, "example", "--out", str(data), "--scale", str(number), "--jobs", "2"]
            subprocess.run(made, check=True, capture_output=True)
            measured(f"{number} counties", "2021Q4", data, PROJECT / "params")
    if asked.loans:
        with tempfile.TemporaryDirectory() as folder:
            data = Path(folder) / "data"
            shared = data / "submissions" / "2018Q1" / "_shared"
            series = data / "supervisor" / "benchmarks"
            shared.mkdir(parents=True)
            series.mkdir(parents=True)
            shutil.copy(asked.loans, shared)
            shutil.copy(asked.loans.with_name("us_prime_rate.csv"), series)
            measured("real loans", "2018Q1", data, PROJECT / "params" / "sba7a")


def measured(name: str, quarter: str, data: Path, params: Path) -> None:
    """Run a quarter, watching its processes, and print what it took."""
    out = data.parent / "out"
    command = [*PUHUI, "run", quarter, "--data", str(data), "--params", str(params)]
    started = time.perf_counter()
    process = subprocess.Popen(
        [*command, "--out", str(out)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    whole = largest = 0
    while process.poll() is None:
        shares = [_share(p) for p in _tree(process.pid)]
        whole, largest = max(whole, sum(shares)), max(largest, *shares, 0)
        time.sleep(0.5)
    seconds = time.perf_counter() - started
    manifest = json.loads((out / quarter / "manifest.json").read_text(encoding="utf-8"))
    institutions = len({i for q, i, _ in manifest["inputs"] if q == quarter} - {"SUPERVISOR"})
    stages = ", ".join(f"{k} {v:.0f}" for k, v in manifest["seconds"].items())
    print(
        f"{name}: {institutions} institutions, {manifest['executed']} notebooks, {seconds:.0f} s "
        f"({stages}), peak {whole / 2**20:,.0f} MB together, {largest / 2**20:,.0f} MB in one",
        flush=True,
    )


def _tree(pid: int) -> list[psutil.Process]:
    try:
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _share(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0


if __name__ == "__main__":
    main()
