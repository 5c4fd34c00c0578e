"""Many counties: time and memory by number, against a loop that makes one loan after the other.

    python benchmarks/example_scale.py [COUNTIES ...]      (default 1 2 4 8)

Ours: ``puhui example --scale N --quarter 2021Q4``, that is loans with their whole lives, customers
shared between banks, returns, registers, answers, written as Parquet (the first county in clerks'
layouts). Instead of it: the loop one
would write first, as many loans with as many columns, each value drawn on its own and written as
CSV; its loans have no life, no customer and no truth. Each side runs in a process of its own.
"""

from __future__ import annotations

import csv
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_COLUMNS = 38


def ours(counties: int, folder: Path) -> int:
    """Make counties; loans outstanding at the end."""
    from puhui.example import QUARTERS, make

    return make(folder, scale=counties, quarters=QUARTERS[-1:]).loans


def loop(loans: int, folder: Path) -> int:
    """Draw and write loans one by one."""
    dice = random.Random(1)
    with (folder / "loans.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        for i in range(loans):
            row = [f"L{i:09d}", f"C{dice.randrange(10**6):06d}", f"B{dice.randrange(90):02d}"]
            row += [f"{dice.randrange(10**6) / 100:.2f}" for _ in range(8)]
            row += [f"2021-{dice.randrange(12) + 1:02d}-{dice.randrange(28) + 1:02d}"] * 6
            row += [dice.choice(("new", "renewal", "refinance")) for _ in range(_COLUMNS - 17)]
            writer.writerow(row)
    return loans


def measure(side: str, number: int) -> None:
    """Run one side and print loans, seconds, peak memory in MB."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        loans = (ours if side == "ours" else loop)(number, Path(folder))
        seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(loans, f"{seconds:.1f}", f"{peak:.0f}")


def run(side: str, number: int) -> tuple[int, float, int]:
    """One side in a process of its own."""
    command = [sys.executable, __file__, "--side", side, str(number)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    loans, seconds, peak = done.stdout.split()
    return int(loans), float(seconds), int(peak)


def main() -> None:
    """Print a line per number of counties."""
    if sys.argv[1:2] == ["--side"]:
        measure(sys.argv[2], int(sys.argv[3]))
        return
    for counties in [int(n) for n in sys.argv[1:]] or [1, 2, 4, 8]:
        loans, seconds, peak = run("ours", counties)
        same, looped, memory = run("loop", loans)
        assert same == loans
        print(
            f"{counties} counties, {loans} loans: {seconds:.1f} s, {peak} MB; "
            f"loop {looped:.1f} s, {memory} MB; ratio {looped / seconds:.2f}"
        )


if __name__ == "__main__":
    main()
