"""Coverage of the outlook's 80 % interval on generated counties, and figures of the example.

``python benchmarks/outlook.py`` makes 200 counties twice, with and without a quarter shock common
to all institutions, forecasts their last quarter from the nine before it and counts. The generator
knows nothing of the code under test but the shape of its input: customers one by one, whose states
follow a Markov chain with shares of their institution, season and shock.
``--run RUN.json`` prints the back-test of a finished run instead of pass or fail.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from puhui.eligibility.migration import (
    NEW,
    REPAID,
    STATES,
    WRITTEN_OFF,
    Book,
    Customers,
    History,
    Move,
)
from puhui.eligibility.outlook_forecast import Past, from_ledger
from puhui.quarter import Quarter

FIRST, KNOWN, BURN_IN = Quarter(2019, 4), 9, 8
KINDS = (
    ("large", "large", "large", "city", "city", "joint_stock", "joint_stock")
    + ("rural_commercial",) * 4
    + ("village",) * 4
)
#: Shares a quarter: performing → watched, → NPL, → repaid; watched → performing, → NPL, → repaid;
#: NPL → performing, → repaid.
TYPICAL = np.array([0.02, 0.003, 0.06, 0.25, 0.20, 0.06, 0.02, 0.06])
TO_NPL = np.array([1, 4])
#: By quarter of the year: newcomers over customers, and share of NPL customers written off.
NEWCOMERS, WRITE_OFFS = (0.11, 0.09, 0.08, 0.07), (0.02, 0.03, 0.03, 0.08)
#: Deviations of log odds: between kinds, between institutions, between quarters.
OF_KINDS, OF_INSTITUTIONS, OF_QUARTERS = 0.25, 0.35, 0.4
#: Institutions with hardly any NPL, as a share of all.
CLEAN = 0.15


@dataclass
class Ledger:
    """Customers of one part of an institution's book: what each owes (fen) and its state."""

    owed: np.ndarray
    state: np.ndarray
    shares: np.ndarray
    median: float

    @classmethod
    def begun(cls, n: int, shares: np.ndarray, median: float, dice) -> Ledger:
        return cls(_sizes(n, median, dice), np.zeros(n, dtype=int), shares, median)

    def quarter(self, number: int, shock: float, dice) -> tuple[np.ndarray, np.ndarray, int]:
        """Live a quarter; return what customers owed and were before, and how many came."""
        odds = self.shares / (1 - self.shares)
        odds[TO_NPL] *= np.exp(shock)
        s = odds / (1 + odds)
        u, before, owed = dice.random(len(self.owed)), self.state.copy(), self.owed.copy()
        off = WRITE_OFFS[number - 1]
        chances = {0: ((1, s[0]), (2, s[1]), (3, s[2])), 1: ((0, s[3]), (2, s[4]), (3, s[5])),
                   2: ((0, s[6]), (3, s[7]), (4, off))}  # fmt: skip
        for old, ways in chances.items():
            edge = 0.0
            for new, chance in ways:
                self.state[(before == old) & (u >= edge) & (u < edge + chance)] = new
                edge += chance
        self.owed = np.maximum(100, self.owed * (1 - 0.04 * dice.random(len(owed)))).astype(
            np.int64
        )
        came = dice.poisson(NEWCOMERS[number - 1] * len(owed))
        self.owed = np.concatenate([self.owed, _sizes(came, self.median, dice)])
        self.state = np.concatenate([self.state, np.zeros(came, dtype=int)])
        return owed, before, came

    def forget(self) -> None:
        stays = self.state < 3
        self.owed, self.state = self.owed[stays], self.state[stays]

    @property
    def total(self) -> int:
        return int(self.owed.sum())

    @property
    def bad(self) -> int:
        return int(self.owed[self.state == 2].sum())


def _sizes(n: int, median: float, dice) -> np.ndarray:
    return (median * np.exp(dice.normal(0, 1.0, n))).astype(np.int64)


_NAMES = (*STATES, REPAID, WRITTEN_OFF, NEW)


def _moves(owed, before, came, after: Ledger) -> dict[tuple[str, str], Move]:
    was = np.concatenate([before, np.full(came, 5)])
    had = np.concatenate([owed, np.zeros(came, dtype=np.int64)])
    has = np.where(after.state < 3, after.owed, 0)
    found = {}
    for a in (0, 1, 2, 5):
        for b in range(5):
            mine = (was == a) & (after.state == b)
            if mine.any():
                x, y = int(had[mine].sum()), int(has[mine].sum())
                found[_NAMES[a], _NAMES[b]] = Move(
                    int(mine.sum()), x, y, x if a == 2 else 0, y if b == 2 else 0
                )
    return found


def _customers(ledger: Ledger) -> dict[str, Customers]:
    found = {}
    for at, state in enumerate(STATES):
        owed = ledger.owed[ledger.state == at]
        yuan = owed // 100
        digits = np.char.str_len(yuan.astype(str))
        key = digits * 100 + yuan // 10 ** np.maximum(digits - 2, 0)
        _, where, count = np.unique(key, return_inverse=True, return_counts=True)
        found[state] = Customers(count, np.bincount(where, owed) / np.maximum(count, 1))
    return found


def county(seed: int, shocked: bool) -> History:
    """A county's history over nine known quarters and the one to be forecast."""
    dice = np.random.default_rng([seed, int(shocked)])
    kinds, moves, books, customers = {}, {}, {}, {}
    steps = BURN_IN + KNOWN
    shocks = dice.normal(0, OF_QUARTERS if shocked else 0.0, steps)
    of_kind = {k: dice.normal(0, OF_KINDS, len(TYPICAL)) for k in dict.fromkeys(KINDS)}
    for number, kind in enumerate(KINDS):
        one = f"I{number:02}"
        kinds[one] = kind
        moved = of_kind[kind] + dice.normal(0, OF_INSTITUTIONS, len(TYPICAL))
        if dice.random() < CLEAN:
            moved[TO_NPL] -= 4.0
        odds = TYPICAL / (1 - TYPICAL) * np.exp(moved)
        n = int(np.clip(np.exp(dice.normal(5.6, 0.9)), 40, 3000))
        rest_odds = TYPICAL / (1 - TYPICAL) * np.exp(moved / 2 - 0.4)
        parts = (
            Ledger.begun(n, odds / (1 + odds), 3e7, dice),
            Ledger.begun(max(10, n // 2), rest_odds / (1 + rest_odds), 1e8, dice),
        )
        for step in range(steps):
            quarter = FIRST.shift(step + 1 - BURN_IN)
            lived = [p.quarter(quarter.number, shocks[step], dice) for p in parts]
            known = _moves(*lived[0], parts[0])
            for p in parts:
                p.forget()
            if quarter >= FIRST:
                if quarter > FIRST:
                    moves[one, quarter] = known
                own, rest = parts
                books[one, quarter] = Book(
                    own.total, own.bad, own.total + rest.total, own.bad + rest.bad
                )
                customers[one, quarter] = _customers(own)
    return History(kinds, moves, books, customers)


@dataclass(frozen=True)
class Held:
    """One forecast held against what came."""

    customers: int
    clean: bool
    below: bool
    above: bool
    crps: float
    naive: float
    width: float

    @property
    def inside(self) -> bool:
        return not (self.below or self.above)


def forecasts(counties: int, shocked: bool) -> Iterator[list[Held]]:
    """Forecasts of each county's last quarter."""
    origin = FIRST.shift(KNOWN - 1)
    for seed in range(counties):
        history = county(seed, shocked)
        past = Past(history, origin)
        held = []
        for one in history.kinds:
            forecast = from_ledger(past, one)
            assert forecast is not None
            book, now = history.books[one, origin], history.books[one, origin.shift(1)]
            truth = float(now.gap)
            low, high = forecast.interval
            n = sum(c.total for c in history.customers[one, origin].values())
            missed = (truth < low - 1e-9, truth > high + 1e-9)
            scores = (forecast.crps(truth), abs(truth - float(book.gap)), high - low)
            held.append(Held(n, book.inclusive_bad == 0, *missed, *scores))
        yield held


def _line(name: str, held: list[Held]) -> str:
    n, inside = len(held), sum(h.inside for h in held)
    below, above = sum(h.below for h in held), sum(h.above for h in held)
    return (f"{name:28}{n:6}{inside:7}{100 * inside / n:8.1f} %{below:7}{above:7}"
            f"{np.mean([h.crps for h in held]):9.4f}{np.mean([h.naive for h in held]):9.4f}"
            f"{np.mean([h.width for h in held]):8.3f}")  # fmt: skip


def coverage(counties: int, shocked: bool) -> bool:
    """Print coverage pooled and by size third; return whether it is within its bounds."""
    started = time.perf_counter()
    by_county = list(forecasts(counties, shocked))
    held = [h for one in by_county for h in one]
    rates = [np.mean([h.inside for h in one]) for one in by_county]
    error = 100 * float(np.std(rates, ddof=1)) / np.sqrt(counties)
    seconds = time.perf_counter() - started
    what = f"{counties} counties {'with' if shocked else 'without'} a common quarter shock"
    print(f"\n{what} ({seconds:.0f} s); error of pooled coverage {error:.1f} points")
    heads = ("n", "inside", "", "below", "above", "CRPS", "as now", "width")
    widths = (6, 7, 10, 7, 7, 9, 9, 8)
    print(" " * 28 + "".join(f"{h:>{w}}" for h, w in zip(heads, widths, strict=True)))
    thirds = np.quantile([h.customers for h in held], [1 / 3, 2 / 3])
    groups = {
        "all": held,
        "smallest third": [h for h in held if h.customers <= thirds[0]],
        "middle third": [h for h in held if thirds[0] < h.customers <= thirds[1]],
        "largest third": [h for h in held if h.customers > thirds[1]],
        "no inclusive NPL at origin": [h for h in held if h.clean],
    }
    for name, chosen in groups.items():
        print(_line(name, chosen))
    share = {name: np.mean([h.inside for h in chosen]) for name, chosen in groups.items()}
    thirds_fit = all(0.70 <= share[g] <= 0.90 for g in groups if g.endswith("third"))
    return bool(0.76 <= share["all"] <= 0.84 and thirds_fit)


def example(folder: Path) -> None:
    """Print the back-test of a finished run: coverage, CRPS, counts, without pass or fail."""
    print(pq.read_table(folder / "results" / "backtest.parquet").to_pandas().to_string())


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--counties", type=int, default=200)
    asked.add_argument("--run", type=Path, help="output/<quarter> of a finished run")
    given = asked.parse_args()
    if given.run:
        example(given.run)
        return 0
    return 0 if all([coverage(given.counties, shocked) for shocked in (False, True)]) else 1


if __name__ == "__main__":
    sys.exit(main())
