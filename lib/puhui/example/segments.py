"""Groups of customers that borrow alike, and how many of each kind of bank's customers they are."""

from __future__ import annotations

from dataclasses import dataclass

from puhui.example.columns import NONE, code

FEN_PER_WAN = 1_000_000
LIMIT_FEN = 1000 * FEN_PER_WAN

# name; kind; size; effect on the rate in bp; permille with a second borrowing; credit lines in 万元
_SEGMENTS = """
small        enterprise          small    0 250  200 300 300 500 500 800 800 1000 1200 1500
micro        enterprise          micro   15 120  30 50 50 100 100 200 300 500
business     individual_business -       25 100  10 20 20 30 50 50 80 100 200
owner        mse_owner           -       20 100  20 30 50 50 80 100 150 300
farmer       farmer              -       30  60  3 5 5 8 10 10 20 30
cooperative  farm_cooperative    -       20  80  30 50 80 100 200
collective   village_collective  -       10  50  50 100 200
household    other_personal      -        0  40  5 10 20 30 40 60
medium       enterprise          medium -30 300  2000 3000 3000 5000
large        enterprise          large  -60 300  8000 10000
public       other_organisation  -      -20  50  200 500
"""

# Permille of a kind of bank's borrowings, in the order of the segments above.
_MIXES = """
policy           250   0   0   0   0  60   0   0 420 210  60
large             70 150 170 130  40   0   0 400  25  12   3
postal             5  60 180 120 335   5   2 290   3   0   0
joint_stock      150 200 200 200   0   0   0 200  34  14   2
city             130 220 200 170  20   5   2 220  28   4   2
rural_commercial  50 120 200 150 250  15   6 190  18   0   1
village           30 121 230 180 290  10   5 134   0   0   0
"""


@dataclass(frozen=True)
class Segment:
    """A group of customers; ``lines`` in fen, ``second`` permille with two borrowings."""

    name: str
    kind: int
    size: int
    effect_bp: int
    second: int
    lines: tuple[int, ...]

    @property
    def is_inclusive_kind(self) -> bool:
        """Small or micro firm, individual business, owner of a firm."""
        return self.name in ("small", "micro", "business", "owner")


def _segment(line: str) -> Segment:
    name, kind, size, effect, second, *lines = line.split()
    return Segment(
        name=name,
        kind=code("customer_kind", kind),
        size=NONE if size == "-" else code("size", size),
        effect_bp=int(effect),
        second=int(second),
        lines=tuple(int(wan) * FEN_PER_WAN for wan in lines),
    )


SEGMENTS = tuple(_segment(line) for line in _SEGMENTS.strip().splitlines())
MIXES: dict[str, tuple[int, ...]] = {
    kind: tuple(int(v) for v in shares)
    for kind, *shares in (line.split() for line in _MIXES.strip().splitlines())
}


def position(name: str) -> int:
    """Position of a segment."""
    return [s.name for s in SEGMENTS].index(name)
