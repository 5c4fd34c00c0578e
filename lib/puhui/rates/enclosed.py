"""Long integers: a system solved in balls, midpoints with a proven radius (Arb).

Swept of the effects of many cells, moments have a denominator of thousands of bits, and k columns
of them an exact solution k times as long, of which a double holds 53. Such moments are rounded to
:data:`PRECISION` bits after the point, every entry a ball around the exact one, and solved with
the radius carried along. What is handed on are the midpoints, integers over a power of two, if
each is proven to :data:`KNOWN` bits; where a ball cannot tell a number from zero nothing is
guessed: :class:`Undecided` sends the whole solution back to exact arithmetic. No number is a
float, so bits depend neither on the machine nor on threads.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from flint import arb, arb_mat, fmpz, fmpz_mat

from puhui.rates.moments import Moments

#: Bits of a ball's midpoint, and of rounded moments after the point.
PRECISION = 768
#: Bits to which every number handed on is proven, relative to itself.
KNOWN = 192
#: Moments of longer integers than this are solved in balls.
LONG = 1024


class Undecided(Exception):
    """Balls too wide to tell a number from zero."""


@dataclass(frozen=True)
class Enclosure:
    """A matrix ``whole / below``: exact, or the midpoints of balls."""

    balls: arb_mat | None
    whole: fmpz_mat
    below: int


def is_long(matrix: fmpz_mat) -> bool:
    """Whether integers are so long that balls are worth their while."""
    return any(int(v).bit_length() > LONG for v in matrix.entries())


def shortened(m: Moments) -> tuple[Moments, tuple[arb_mat, ...]]:
    """Moments over 2^PRECISION, each within half a unit, zeros exact; and the balls around them.

    Raises
    ------
    Undecided
        An entry is so small that rounding could hide it.
    """
    below = fmpz(m.denominator)
    rounded = [[_rounded(v, below) for v in cross.entries()] for cross in m.cross]
    width = len(m.names)
    if any(v is None for own in rounded for v in own):
        raise Undecided
    half = arb(1) / 2
    balls = tuple(
        arb_mat(width, width, [arb(v, half) if v else arb(0) for v in own]) for own in rounded
    )
    cross = tuple(fmpz_mat(width, width, own) for own in rounded)
    return replace(m, cross=cross, denominator=1 << PRECISION), balls


def _rounded(value: fmpz, denominator: fmpz) -> fmpz | None:
    found = ((value << PRECISION + 1) + denominator) // (2 * denominator)
    return found if not value or abs(found) >> KNOWN else None


def enclosed(a: arb_mat, right: arb_mat) -> Enclosure:
    """a⁻¹ right in balls, every entry known to :data:`KNOWN` bits.

    Raises
    ------
    Undecided
        a cannot be told from a singular matrix, or an entry is not known so well.
    """
    try:
        balls = a.solve(right)
    except ZeroDivisionError:
        raise Undecided from None
    entries = balls.entries()
    if not all(known(v) for v in entries):
        raise Undecided
    pairs = [v.mid().man_exp() for v in entries]
    shift = max(0, *(-int(e) for man, e in pairs if man))
    whole = [int(man) << (shift + int(e)) if man else 0 for man, e in pairs]
    return Enclosure(balls, fmpz_mat(balls.nrows(), balls.ncols(), whole), 1 << shift)


def known(value: arb) -> bool:
    """Whether a ball is zero itself or narrower than its distance from zero by KNOWN bits."""
    return bool(value.rel_accuracy_bits() >= KNOWN)


def tell(values: Iterable[arb]) -> None:
    """Make sure that some of the numbers is not zero, or that all are.

    Raises
    ------
    Undecided
        Some are near zero and none is known to differ from it.
    """
    every = list(values)
    if not any(known(v) and not v.is_zero() for v in every) and not all(v.is_zero() for v in every):
        raise Undecided
