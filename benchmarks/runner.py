"""The example quarter by ``puhui run``, against a loop of papermill and nbconvert commands.

    python benchmarks/runner.py [--ours]

- *ours*: ``puhui run`` on a fresh copy of the example, intake and measures included;
- *again*: the same command once more, with nothing changed;
- *one resubmitted*: once more after one bank sent a corrected workbook;
- *loop*: for each notebook of that run, in order, ``papermill`` on an ordinary kernel with the same
  parameters, and ``jupyter nbconvert --to html`` for the pages (05 and 06). It starts from our
  intake and measures, which it could not do; nothing runs side by side, as a loop does not.

Commands are timed by the clock, from start to exit.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat

PROJECT = Path(__file__).resolve().parents[1]
ORDER = ("01", "02", "03", "04", "05", "06")
RESUBMITS = "HCNS0003"
PAGES = ("05_institution", "06_county")


def main(*, only_ours: bool) -> None:
    """Time every side and print the ratio."""
    with tempfile.TemporaryDirectory() as folder:
        data, out = Path(folder) / "data", Path(folder) / "out"
        shutil.copytree(PROJECT / "data" / "example", data, ignore=shutil.ignore_patterns("store"))
        run = [sys.executable, "-c", "from puhui.cli import main; main()", "run", "2021Q4"]
        run += ["--data", str(data), "--params", str(PROJECT / "params"), "--out", str(out)]
        ours = timed(run)
        first = said("ours", ours, out)
        said("again", timed(run), out)
        if not only_ours:
            loop = looped(out / "2021Q4", Path(folder) / "loop")
            print(f"loop             {loop:7.1f} s: {loop / ours:.1f} × ours")
        resubmit(data)
        seconds = timed(run)
        executed = said("one resubmitted", seconds, out)
        print(f"{seconds / ours:.0%} of the time, {executed} of {first} notebooks")


def timed(command: list[str]) -> float:
    """Seconds a command takes; institutions refused (exit code 1) are no failure."""
    started = time.perf_counter()
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode not in (0, 1):
        sys.exit(done.stderr)
    return time.perf_counter() - started


def said(name: str, seconds: float, out: Path) -> int:
    """Print a run of ours with what it executed; returns how many notebooks."""
    manifest = json.loads((out / "2021Q4" / "manifest.json").read_text(encoding="utf-8"))
    stages = ", ".join(f"{k} {v:.1f}" for k, v in manifest["seconds"].items())
    print(f"{name:16} {seconds:7.1f} s, {manifest['executed']} notebooks ({stages})", flush=True)
    return int(manifest["executed"])


def looped(finished: Path, into: Path) -> float:
    """Seconds of the loop over the notebooks of a finished run."""
    into.mkdir()
    papers = {f"{p.stem}/{p.parent.name}": p for p in (finished / "working").glob("*/*.ipynb")}
    ordered = sorted(papers, key=_place)
    total = 0.0
    for name in ordered:
        parameters = nbformat.read(papers[name], as_version=4).metadata.papermill.parameters
        notebook, _, part = name.partition("/")
        done = into / f"{notebook}-{part}.ipynb"
        given = [x for key, value in parameters.items() for x in ("-p", key, str(value))]
        source = PROJECT / "notebooks" / f"{notebook}.ipynb"
        total += timed([sys.executable, "-m", "papermill", str(source), str(done), *given])
        if notebook in PAGES:
            total += timed([sys.executable, "-m", "nbconvert", "--to", "html", str(done)])
    return total


def _place(name: str) -> tuple[int, str]:
    return next(i for i, begins in enumerate(ORDER) if name.startswith(begins)), name


def resubmit(data: Path) -> None:
    """Let a bank send its corrected workbook, as the example has it."""
    sent = data / "submissions" / "2021Q4" / RESUBMITS
    shutil.copytree(data / "resubmissions" / "2021Q4" / RESUBMITS, sent, dirs_exist_ok=True)


if __name__ == "__main__":
    main(only_ours="--ours" in sys.argv[1:])
