"""Chance from a seed, in integers only, the same on every machine and Python version."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Dice:
    """Integer draws from ``random.Random(seed)``.

    Only ``getrandbits`` is used: its stream is fixed by the language, while the derived
    methods of :mod:`random` may change between versions.

    Examples
    --------
    >>> Dice("a").below(1000) == Dice("a").below(1000)
    True
    """

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)

    def below(self, n: int) -> int:
        """Draw an integer of 0 … n − 1; the bias of the remainder is below 1e-15 here."""
        return self._random.getrandbits(64) % n

    def between(self, low: int, high: int) -> int:
        """Draw an integer of low … high, both included."""
        return low + self.below(high - low + 1)

    def chance(self, permille: int) -> bool:
        """Return true in ``permille`` of a thousand cases."""
        return self.below(1000) < permille

    def pick(self, items: Sequence[T]) -> T:
        """Draw one of the items, each as likely; list an item twice to double its weight."""
        return items[self.below(len(items))]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """Return the items in a random order."""
        keyed = [(self._random.getrandbits(64), i) for i in range(len(items))]
        return [items[i] for _, i in sorted(keyed)]
