"""Chance from a seed, in integers only, the same on every machine."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np

from puhui.example.columns import Ints

T = TypeVar("T")
#: A uniform draw of 0 … 2,000 has variance 333,666⅔; twelve of them together SD 2,001.
_HALF = 1_000


class Dice:
    """Integer draws from a Philox stream keyed by a text.

    Only the bit generator's raw 64-bit words are used: their stream is fixed by its
    definition, while numpy's derived methods may change between versions.

    Examples
    --------
    >>> bool((Dice("a").below(9, 5) == Dice("a").below(9, 5)).all())
    True
    """

    def __init__(self, seed: str) -> None:
        key = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:16], "little")
        self._bits = np.random.Philox(key=key)

    def words(self, n: int) -> Ints:
        """Draw n integers of 0 … 2^62 − 1."""
        raw: Any = self._bits.random_raw(n)
        found: Ints = (raw >> np.uint64(2)).astype(np.int64)
        return found

    def below(self, high: Any, n: int) -> Ints:
        """Draw n integers of 0 … high − 1; high may be an array of n."""
        return self.words(n) % np.asarray(high, dtype=np.int64)

    def between(self, low: Any, high: Any, n: int) -> Ints:
        """Draw n integers of low … high, both included; either may be an array of n."""
        low = np.asarray(low, dtype=np.int64)
        found: Ints = low + self.below(np.asarray(high, dtype=np.int64) - low + 1, n)
        return found

    def chance(self, permille: Any, n: int) -> Any:
        """Draw n booleans, true in ``permille`` of a thousand cases (number or array of n)."""
        return self.below(1000, n) < np.asarray(permille, dtype=np.int64)

    def pick(self, items: Sequence[int], n: int) -> Ints:
        """Draw n of the integers, each as likely; list one twice to double its weight."""
        found: Ints = np.asarray(items, dtype=np.int64)[self.below(len(items), n)]
        return found

    def bell(self, spread: int, n: int) -> Ints:
        """Draw n integers of mean 0 and standard deviation ``spread``, nearly normal.

        The sum of twelve uniform draws: its tails end at six standard deviations.
        """
        total = self.below(2 * _HALF + 1, 12 * n).reshape(12, n).sum(axis=0) - 12 * _HALF
        found: Ints = np.floor_divide(2 * total * spread + 2001, 2 * 2001)
        return found

    def order(self, n: int) -> Ints:
        """Return the positions 0 … n − 1 in a random order."""
        return np.argsort(self.words(n), kind="stable")

    def one(self, high: int) -> int:
        """Draw one integer of 0 … high − 1."""
        return int(self.below(high, 1)[0])
