"""Unusual rates: how many of the loans flagged are planted, and how many of the planted are found.

    python benchmarks/rates_unusual.py [COUNTIES]      (default 40)

Generated counties: twelve banks of 60 to 3,000 loans in some thirty cells over 24 months, each with
a scale of its own; one loan in a hundred is moved by 4 to 8 of its bank's scales, two of three
of them up. Every method sees the same residuals; the others flag by a fixed distance.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np
import pyarrow as pa
from scipy import stats

from puhui.rates.unusual import from_like, robust_scale, screen

BANKS = (60, 80, 120, 150, 200, 300, 400, 600, 800, 1200, 2000, 3000)
PLANTED = 0.01
#: Noise of unit interquartile shape, by name.
NOISES: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    "normal": lambda rng, n: rng.standard_normal(n),
    "t, 5 df": lambda rng, n: rng.standard_t(5, n),
    "t, 3 df": lambda rng, n: rng.standard_t(3, n),
    "two sorts of loan": lambda rng, n: rng.normal(0, np.where(rng.random(n) < 0.2, 2.0, 0.8)),
    "whole 5 bp": lambda rng, n: np.round(rng.standard_normal(n) * 4) / 4,
}


def county(rng: np.random.Generator, noise: str) -> tuple[pa.Table, np.ndarray]:
    """Residuals by bank, and which loans are planted."""
    rows: dict[str, list[np.ndarray]] = {k: [] for k in ("value", "cell", "month", "bank")}
    planted = []
    for bank, loans in enumerate(BANKS):
        cell = np.minimum(rng.geometric(0.12, loans), 30)
        month = rng.integers(0, 24, loans)
        scale = rng.uniform(0.1, 0.4)
        level = rng.normal(0, 0.5, 31)[cell] + rng.normal(0, 0.1, 24)[month]
        moved = rng.random(loans) < PLANTED
        by = rng.uniform(4, 8, loans) * np.where(rng.random(loans) < 2 / 3, 1, -1)
        rows["value"].append(level + scale * (NOISES[noise](rng, loans) + moved * by))
        rows["cell"].append(bank * 31 + cell)
        rows["month"].append(bank * 24 + month)
        rows["bank"].append(np.full(loans, bank))
        planted.append(moved)
    whole = {k: np.concatenate(v) for k, v in rows.items()}
    groups = whole["bank"].astype(np.int64)
    rest, leverage = from_like(
        whole["value"],
        np.unique(whole["cell"], return_inverse=True)[1],
        whole["month"].astype(np.int64),
        groups=groups,
    )
    names = [f"B{b}" for b in groups]
    columns = {"group": names, "residual": rest, "leverage": leverage, "row": np.arange(len(rest))}
    return pa.table(columns), np.concatenate(planted)


def ours(table: pa.Table) -> np.ndarray:
    found = screen(table).table.sort_by("row")
    return found.column("flagged").to_numpy(zero_copy_only=False)


def by_bank(rule: Callable[[np.ndarray], np.ndarray]) -> Callable[[pa.Table], np.ndarray]:
    def flag(table: pa.Table) -> np.ndarray:
        rest = table.column("residual").to_numpy()
        bank = np.asarray(table.column("group").to_pylist())
        out = np.zeros(len(rest), dtype=bool)
        testable = table.column("leverage").to_numpy() <= 0.99
        for one in np.unique(bank):
            mine = (bank == one) & testable
            out[mine] = rule(rest[mine])
        return out

    return flag


def robust(rest: np.ndarray) -> np.ndarray:
    middle, scale = robust_scale(rest)
    return np.abs(rest - middle) > 3 * scale


def fences(k: float) -> Callable[[np.ndarray], np.ndarray]:
    def rule(rest: np.ndarray) -> np.ndarray:
        low, high = np.quantile(rest, [0.25, 0.75])
        return (rest < low - k * (high - low)) | (rest > high + k * (high - low))

    return rule


def normal_bh(rest: np.ndarray) -> np.ndarray:
    middle, scale = robust_scale(rest)
    p = 2 * stats.norm.sf(np.abs(rest - middle) / scale)
    return stats.false_discovery_control(p) <= 0.1


METHODS: dict[str, Callable[[pa.Table], np.ndarray]] = {
    "puhui: t of the middle, BH 10 %": ours,
    "|z| > 3, mean and SD": by_bank(lambda r: np.abs(r - r.mean()) > 3 * r.std()),
    "|z| > 3, median and MAD": by_bank(robust),
    "normal p of that, BH 10 %": by_bank(normal_bh),
    "fences 1.5 IQR": by_bank(fences(1.5)),
    "fences 3 IQR": by_bank(fences(3.0)),
}


def main(counties: int) -> None:
    print(f"{counties} counties of {sum(BANKS):,} loans, {PLANTED:.0%} planted")
    for noise in NOISES:
        told: dict[str, list[tuple[int, int, int]]] = {m: [] for m in METHODS}
        seconds = 0.0
        for seed in range(counties):
            table, planted = county(np.random.default_rng([2021, seed]), noise)
            for name, method in METHODS.items():
                start = time.perf_counter()
                flagged = method(table)
                seconds += (time.perf_counter() - start) * (method is ours)
                hit = int((flagged & planted).sum())
                told[name].append((int(flagged.sum()), hit, int(planted.sum())))
        print(f"{noise} ({seconds / counties:.2f} s a county)")
        for name, counts in told.items():
            f, h, p = (np.array(c) for c in zip(*counts, strict=True))
            share = np.where(f > 0, (f - h) / np.maximum(f, 1), 0.0)
            error = share.std(ddof=1) / np.sqrt(counties) if counties > 1 else 0.0
            print(
                f"  {name:34} flagged {f.mean():6.1f}  false {share.mean():6.1%} "
                f"(± {error:.1%})  found {h.sum() / p.sum():6.1%}"
            )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 40)
