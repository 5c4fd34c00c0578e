"""Numbers as a reader sees them: exact values, rounded so that no verdict is contradicted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction
from math import isfinite

#: What a kind of figure is divided by for showing (money is held in yuan).
SCALES = {"money_wan": 10_000, "money_yi": 100_000_000}
#: Decimals a kind is shown with unless a verdict needs more.
DIGITS = {
    "number": 2,
    "money_wan": 2,
    "money_yi": 2,
    "percent": 2,
    "pp": 2,
    "bp": 1,
    "count": 0,
}
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


def ratio(numerator: str | None, denominator: str | None) -> Fraction | None:
    """Return the exact value of a result row's ``*_num`` and ``*_den``, or ``None``."""
    if numerator is None or denominator is None:
        return None
    return Fraction(numerator) / Fraction(denominator)


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
        if all(
            _order(rounded(value, tried), rounded(a, tried)) == _order(value, a) for a in against
        ):
            return tried
    return MOST_DIGITS


@dataclass(frozen=True)
class Figure:
    """One number of a page with what its rounding must not contradict.

    Attributes
    ----------
    value
        Exact, in the unit of the results (money in yuan).
    kind
        A column kind of :class:`~puhui.briefing.table.Column`.
    digits
        Decimals asked for; more are shown where ``against`` needs them.
    against
        Limits or base values the value is compared with, in the unit of ``value``.
    """

    value: Fraction
    kind: str = "number"
    digits: int | None = None
    against: tuple[Fraction, ...] = ()

    @property
    def scaled(self) -> Fraction:
        """The value in the unit it is shown in."""
        return self.value / SCALES.get(self.kind, 1)

    @property
    def shown_digits(self) -> int:
        """Decimals the figure is shown with."""
        asked = DIGITS[self.kind] if self.digits is None else self.digits
        scale = SCALES.get(self.kind, 1)
        return digits_for(self.scaled, asked, [a / scale for a in self.against])

    @property
    def tied(self) -> Fraction | None:
        """The limit (scaled) that even the most decimals cannot tell the value from."""
        scale, digits = SCALES.get(self.kind, 1), self.shown_digits
        for limit in (a / scale for a in self.against):
            if limit != self.scaled and rounded(limit, digits) == rounded(self.scaled, digits):
                return limit
        return None

    @property
    def text(self) -> str:
        """The figure as text, thousands separated; a near tie in words.

        Examples
        --------
        >>> Figure(Fraction("3.004"), "pp", against=(Fraction(3),)).text
        '3.004'
        >>> Figure(Fraction(3) + Fraction(1, 10**20), "pp", against=(Fraction(3),)).text
        '略高于3.00'
        """
        limit = self.tied
        if limit is not None:
            word = "略高于" if self.scaled > limit else "略低于"
            return word + plain_number(limit, DIGITS[self.kind])
        return f"{rounded(self.scaled, self.shown_digits):,f}"


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
