"""Runs killed at any time, started again, and held against a run nobody disturbed.

    python benchmarks/kills.py [--kills 100] [--seed 1]

A small quarter (two banks of the example) is run by a process group that is killed (SIGKILL, all
of it), then run again. Kills are dealt out evenly over the stages of a run, at a random time of
each as long as it takes undisturbed; those of the last, publishing, fall before one of its file
operations, in turn, half of them where something was published before. After each second run the
published files must equal those of an undisturbed run byte for byte, nothing may be left lying
about, and no process of the killed group may live for more than 5 seconds.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
sys.path[0] = str(PROJECT / "tests")  # not this folder, whose runner.py is another

from runner.dying import STAGES  # noqa: E402
from runner.extract import BRANCH, SHEET, extract  # noqa: E402
from runner.killing import killed_at, left_over, outputs, start  # noqa: E402

INSTITUTIONS = (SHEET, BRANCH)
#: File operations of publishing that a kill falls before, in turn.
STEPS = 9


def main() -> None:
    """Kill, resume, compare; print counts by stage, and fail at the first difference."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    chance = random.Random(asked.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        extract(folder, INSTITUTIONS)
        lasts, expected = calm(folder)
        print("undisturbed", {k: round(v, 2) for k, v in lasts.items()}, flush=True)
        counts = dict.fromkeys(STAGES, 0)
        for number in range(asked.kills):
            stage = STAGES[number % len(STAGES)]
            case = folder / str(number)
            shutil.copytree(folder / "data", case / "data")
            if stage == STAGES[-1]:
                hit = killed_publishing(case, counts[stage])
            else:
                process = start(case / "data", case / "out", case / "said")
                after = chance.uniform(0, lasts[stage])
                hit = killed_at(process, case / "said", stage, after)
            # A stage may end before its kill comes: what was hit then is the next, or nothing.
            reached = (case / "said").read_text(encoding="utf-8")
            again = start(case / "data", case / "out", case / "said").wait()
            same = outputs(case / "out") == expected
            left = left_over(case / "data", case / "out")
            if again or not same or left:
                sys.exit(f"kill {number} in {stage}: exit {again}, same {same}, left {left}")
            if hit and reached in counts:
                counts[reached] += 1
            shutil.rmtree(case)
            print(f"{number + 1:4d} {stage} → {reached if hit else '已结束'}", flush=True)
        print(f"{sum(counts.values())} kills, all outputs as undisturbed, nothing left:", counts)


def calm(folder: Path) -> tuple[dict[str, float], dict[str, str]]:
    """Run undisturbed; return how long each stage takes, and hashes of what is published."""
    shutil.copytree(folder / "data", folder / "calm")
    said = folder / "said"
    process = start(folder / "calm", folder / "calm-out", said)
    lasts: dict[str, float] = {}
    stage, since = "", time.perf_counter()
    while process.poll() is None:
        now = said.read_text(encoding="utf-8") if said.is_file() else ""
        if now != stage and now:
            lasts[stage] = time.perf_counter() - since
            stage, since = now, time.perf_counter()
        time.sleep(0.005)
    lasts[stage] = time.perf_counter() - since
    assert process.returncode == 0
    return {s: lasts.get(s, 0.0) for s in STAGES}, outputs(folder / "calm-out")


def killed_publishing(case: Path, number: int) -> bool:
    """Kill before one of the file operations of publishing; say whether it came to that."""
    data, out, said = case / "data", case / "out", case / "said"
    step = 1 + number // 2 % STEPS
    if number % 2:
        assert start(data, out, said).wait() == 0
        next((data / "submissions" / "2021Q4").rglob("*.xlsx")).touch()
    return start(data, out, said, step).wait() != 0


if __name__ == "__main__":
    main()
