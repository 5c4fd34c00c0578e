"""Coverage of the leave-one-regime-out interval of an institution's slope, in simulation.

    python benchmarks/rates_slopes.py [RUNS]      (default 2,000)

An institution with 20 to 60 loans a month over 2019Q4–2021Q4 (five regimes of LPR 1Y) or over a
made path of ten, true slope 0.6, shocks of its months of 10 bp (independent, or AR 0.8) and loans
of 30 bp. A shock common to all institutions is not simulated: no institution's interval can see it.
"""

from __future__ import annotations

import math
import sys

import numpy as np

from puhui.rates.month_means import Sums
from puhui.rates.slopes import own_slopes

SLOPE, SHOCK, LOAN = 0.6, 0.1, 0.3
#: Months at each value of the benchmark: the real path (a month at 4.20, …), and a longer one.
PATHS = {
    "5 regimes": [(4.20, 1), (4.15, 3), (4.05, 2), (3.85, 20), (3.80, 1)],
    "10 regimes": [(4.3 - 0.1 * (k % 5) - 0.02 * k, 6) for k in range(10)],
}


def covered(path: list[tuple[float, int]], rho: float, seed: int) -> bool:
    """Whether the interval of one simulated institution holds the true slope."""
    rng = np.random.default_rng(seed)
    rows, month, shock = [], 0, rng.normal(0, SHOCK)
    for regime, (x, months) in enumerate(path):
        for _ in range(months):
            n = int(rng.integers(20, 61))
            mean = 2 + SLOPE * x + shock + rng.normal(0, LOAN / math.sqrt(n))
            rows.append(Sums("B", "f", month, regime, round(x * 10**6), n, round(n * mean * 10**6)))
            month += 1
            shock = rho * shock + rng.normal(0, SHOCK * math.sqrt(1 - rho**2))
    found = own_slopes(rows)[0]
    assert found.low is not None and found.high is not None
    return found.low <= SLOPE <= found.high


def main() -> None:
    """Print the share covered and its Monte Carlo error."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    for name, path in PATHS.items():
        for rho in (0.0, 0.8):
            share = sum(covered(path, rho, seed) for seed in range(runs)) / runs
            error = math.sqrt(share * (1 - share) / runs)
            print(f"{name}, shocks AR {rho}: {share:.1%} ± {error:.1%} of {runs} runs (95 %)")


if __name__ == "__main__":
    main()
