"""Headroom (余量): how many more yuan may turn bad before the tolerance is lost, solved exactly.

A loan that turns bad counts in both ratios. With inclusive balance B and bad N, compared
balance A and bad M, the gap after x yuan is (N + x)/B − (M + x)/A: a straight line in x.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Literal

#: ``room``: within; ``unbounded``: within whatever turns bad; ``over``: beyond the limit;
#: ``conflict``: the figures contradict each other.
Kind = Literal["room", "unbounded", "over", "conflict"]


@dataclass(frozen=True)
class Book:
    """Loans a ratio is worked from, in exact yuan: all of them and the bad ones."""

    balance: Fraction
    bad: Fraction

    @property
    def performing(self) -> Fraction:
        """Loans that can still turn bad."""
        return self.balance - self.bad


@dataclass(frozen=True)
class Headroom:
    """Yuan to the limit; amounts in yuan with fen, ``None`` where they mean nothing.

    Attributes
    ----------
    room
        Most that may turn bad with the test still met, at most what still performs.
    recover
        Least that must be repaid, of loans now bad, for the test to be met.
    upgrade
        Least that must become performing again, of loans now bad, for the test to be met.
    """

    kind: Kind
    room: Decimal | None = None
    recover: Decimal | None = None
    upgrade: Decimal | None = None


def headroom(inclusive: Book, compared: Book | Fraction, limit: Fraction) -> Headroom:
    """Solve for the headroom of one unit, or for what is to be regained.

    Parameters
    ----------
    inclusive
        The unit's inclusive loans; its balance must not be zero.
    compared
        The loans its ratio is held against, of which the inclusive ones are part; or a
        published ratio in percent, which does not move with them.
    limit
        Points by which the inclusive ratio may lie above, reached included; not negative.

    Returns
    -------
    Headroom
        Room is floored to the fen, what is to be regained rounded up to it.

    Examples
    --------
    5 of 100 bad against 8 of 400 (2 %) is 3 points: nothing more may turn bad.

    >>> headroom(Book(Fraction(100), Fraction(5)), Book(Fraction(400), Fraction(8)), Fraction(3))
    Headroom(kind='room', room=Decimal('0.00'), recover=None, upgrade=None)
    """
    if _contradict(inclusive, compared):
        return Headroom("conflict")
    spare = limit / 100 - _gap(inclusive, compared)
    slope = 1 / inclusive.balance - (1 / compared.balance if isinstance(compared, Book) else 0)
    if spare < 0:
        # At slope 0 both books are one, and their gap is 0: never beyond a limit.
        return Headroom(
            "over",
            recover=_to_recover(inclusive, compared, limit / 100),
            upgrade=_yuan(_ceiling(-spare / slope)),
        )
    if slope == 0:
        return Headroom("unbounded")
    return Headroom("room", room=_yuan(_fen(min(spare / slope, inclusive.performing))))


def _contradict(part: Book, whole: Book | Fraction) -> bool:
    """Whether a book cannot be part of the other, or has more bad than there is."""
    if part.performing < 0:
        return True
    if isinstance(whole, Fraction):
        return False
    return part.bad > whole.bad or part.performing > whole.performing


def _gap(inclusive: Book, compared: Book | Fraction) -> Fraction:
    """Gap as a fraction, not in points."""
    other = compared.bad / compared.balance if isinstance(compared, Book) else compared / 100
    return inclusive.bad / inclusive.balance - other


def _to_recover(inclusive: Book, compared: Book | Fraction, limit: Fraction) -> Decimal:
    """Least repayment, in yuan, after which the gap is within the limit.

    A repayment y leaves the gap f(y) = Q/(A − y) − P/(B − y), P and Q performing. Its
    derivative changes sign at most once, and with all that is bad repaid f is not above 0.
    So once f has come down to the limit it stays there, and halving finds the first fen.
    Less than all that is bad is tried only, so that no balance comes to zero.
    """
    low, high = 0, _ceiling(inclusive.bad)
    while low < high:
        middle = (low + high) // 2
        if _within(inclusive, compared, limit, Fraction(middle, 100)):
            high = middle
        else:
            low = middle + 1
    return _yuan(high)


def _within(inclusive: Book, compared: Book | Fraction, limit: Fraction, repaid: Fraction) -> bool:
    left = Book(inclusive.balance - repaid, inclusive.bad - repaid)
    if isinstance(compared, Book):
        compared = Book(compared.balance - repaid, compared.bad - repaid)
    return _gap(left, compared) <= limit


def _fen(yuan: Fraction) -> int:
    """Whole fen of an amount, rounded down."""
    return yuan.numerator * 100 // yuan.denominator


def _ceiling(yuan: Fraction) -> int:
    return -_fen(-yuan)


def _yuan(fen: int) -> Decimal:
    return Decimal(f"{fen // 100}.{fen % 100:02d}")  # exact, whatever the context's precision
