"""Numbers as a reader sees them: exact values, rounded so that no verdict is contradicted."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from puhui.rounding import decimals, digits_for, exact, half_up, plain_number, rounded

__all__ = [
    "DIGITS",
    "SCALES",
    "Figure",
    "beside",
    "digits_for",
    "exact",
    "half_up",
    "in_full",
    "plain_number",
    "ratio",
    "rounded",
]

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


def ratio(numerator: str | None, denominator: str | None) -> Fraction | None:
    """Return the exact value of a result row's ``*_num`` and ``*_den``, or ``None``."""
    if numerator is None or denominator is None:
        return None
    return Fraction(numerator) / Fraction(denominator)


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


def beside(value: Fraction, kind: str, limit: Fraction | None) -> Figure:
    """Return a value beside its limit: with no fewer decimals than the limit is written with.

    Examples
    --------
    >>> beside(Fraction("2.3"), "pp", Fraction("2.345")).text
    '2.300'
    """
    if limit is None:
        return Figure(value, kind)
    return Figure(value, kind, _digits_of(limit, kind), (limit,))


def in_full(limit: Fraction, kind: str) -> Figure:
    """Return a limit with all the decimals it has.

    Examples
    --------
    >>> in_full(Fraction(3), "pp").text, in_full(Fraction("2.345"), "pp").text
    ('3.00', '2.345')
    """
    return Figure(limit, kind, _digits_of(limit, kind))


def _digits_of(limit: Fraction, kind: str) -> int:
    return max(DIGITS[kind], decimals(limit / SCALES.get(kind, 1)) or 0)
