"""Rounding as a reader expects it (四舍五入), from exact numbers, never against a limit."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction
from math import isfinite

#: Beyond this many decimals a near tie is put in words.
MOST_DIGITS = 8

_CONTEXT = Context(prec=60, rounding=ROUND_HALF_UP)


def exact(value: object) -> Fraction | None:
    """Return a number as a fraction; ``None``, and floats that are no number, give ``None``.

    Examples
    --------
    >>> exact("3.00"), exact(0.1), exact(None)
    (Fraction(3, 1), Fraction(1, 10), None)
    """
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, float):
        return Fraction(repr(value)) if isfinite(value) else None
    if isinstance(value, Fraction | int | Decimal | str):
        return Fraction(value)
    raise TypeError(f"not a number: {value!r}")


def rounded(value: Fraction, digits: int) -> Decimal:
    """Round half away from zero (四舍五入), as Excel's number formats do.

    Examples
    --------
    >>> rounded(Fraction(5, 1000), 2), rounded(Fraction(-1, 1000), 2)
    (Decimal('0.01'), Decimal('0.00'))
    """
    scaled = abs(value) * 10**digits
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    number = Decimal(whole).scaleb(-digits, context=_CONTEXT)
    return -number if value < 0 and whole else number


def _order(left: Fraction | Decimal, right: Fraction | Decimal) -> int:
    return (left > right) - (left < right)


def digits_for(value: Fraction, digits: int, against: Sequence[Fraction]) -> int:
    """Fewest decimals, at least ``digits``, at which rounding keeps the order with limits.

    Examples
    --------
    >>> digits_for(Fraction("3.004"), 2, [Fraction(3)])
    3
    """
    for tried in range(digits, MOST_DIGITS + 1):
        if all(_kept(value, a, tried) for a in against):
            return tried
    return MOST_DIGITS


def _kept(value: Fraction, limit: Fraction, digits: int) -> bool:
    """Whether the rounded value stands to the limit, rounded or written in full, as it should."""
    shown, order = rounded(value, digits), _order(value, limit)
    in_full = decimals(limit)
    return _order(shown, rounded(limit, digits)) == order and (
        in_full is None or _order(shown, limit) == order
    )


def decimals(value: Fraction) -> int | None:
    """How many decimals a number has; ``None`` for more than :data:`MOST_DIGITS`.

    Examples
    --------
    >>> decimals(Fraction("2.345")), decimals(Fraction(1, 3))
    (3, None)
    """
    tried = range(MOST_DIGITS + 1)
    return next((n for n in tried if Fraction(rounded(value, n)) == value), None)


def plain_number(value: Fraction, digits: int) -> str:
    """Write a limit with all the decimals it has, at least ``digits`` (a recurring one: eight).

    Examples
    --------
    >>> plain_number(Fraction(3), 2), plain_number(Fraction("0.125"), 2)
    ('3.00', '0.125')
    """
    while digits < MOST_DIGITS and Fraction(rounded(value, digits)) != value:
        digits += 1
    return f"{rounded(value, digits):,f}"


def half_up(value: object, digits: int) -> str:
    """Write a number with so many decimals, thousands separated.

    Examples
    --------
    >>> half_up(0.9425 * 100, 1), half_up("1234.5", 0)
    ('94.3', '1,235')

    Raises
    ------
    ValueError
        If it is no number.
    """
    number = exact(value)
    if number is None:
        raise ValueError(f"not a number: {value!r}")
    return f"{rounded(number, digits):,f}"
