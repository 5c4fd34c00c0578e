"""A county as it is, before anybody reports on it: people, books, and snapshots of its quarters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from puhui.example.columns import Columns, Ints
from puhui.example.ledger import snapshot
from puhui.example.lives import Book
from puhui.example.people import People
from puhui.example.roster import QUARTERS
from puhui.quarter import Quarter

Row = dict[str, Any]


class Snapshots(Mapping[tuple[Quarter, str], dict[str, Columns]]):
    """``customers`` and ``loans`` by quarter and bank, cut when first asked for."""

    def __init__(self, books: dict[str, Book], people: People) -> None:
        self._books, self._people = books, people
        self._cut: dict[tuple[Quarter, str], dict[str, Columns]] = {}

    def __getitem__(self, key: tuple[Quarter, str]) -> dict[str, Columns]:
        """Snapshot of a bank; ``KeyError`` for a quarter or bank the example has not."""
        quarter, short = key
        if quarter not in QUARTERS:
            raise KeyError(key)
        if key not in self._cut:
            self._cut[key] = snapshot(self._books[short], self._people, quarter)
        return self._cut[key]

    def __iter__(self) -> Iterator[tuple[Quarter, str]]:
        """Quarter by quarter, banks in the order of the register."""
        return ((quarter, short) for quarter in QUARTERS for short in self._books)

    def __len__(self) -> int:
        """Quarters times banks."""
        return len(QUARTERS) * len(self._books)

    def __contains__(self, key: object) -> bool:
        """Whether there is such a quarter and bank; nothing is cut for the answer."""
        return isinstance(key, tuple) and key[0] in QUARTERS and key[1] in self._books


@dataclass(repr=False)
class County:
    """One county of the example.

    Attributes
    ----------
    seed
        Text every stream of chance of this county starts from.
    prefix
        First characters of its institutions' ids; ``HC`` for the first county.
    people
        Its borrowers.
    books
        Customers and loans of every bank by :attr:`Unit.short`, also of those that submit no
        ledger.
    shocks
        The common shock of every month.
    leads
        Truth rows of planted screening cases.
    snapshots
        ``customers`` and ``loans`` by quarter and bank.
    """

    seed: str
    prefix: str
    people: People
    books: dict[str, Book]
    shocks: Ints
    leads: list[Row] = field(default_factory=list)
    snapshots: Mapping[tuple[Quarter, str], dict[str, Columns]] = field(default_factory=dict)
