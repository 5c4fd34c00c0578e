"""Totals of groups so small that one member's figure could be worked out are not shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from puhui.params.audiences import SmallGroups

#: A member's figures, one per column that is added up.
Figures = tuple[Fraction, ...]


def safe(values: Sequence[Fraction], rule: SmallGroups) -> bool:
    """Whether a total tells none of its members what another one has.

    At least ``fewest`` members have something, and all but the two largest have together at
    least ``remainder_percent`` of the largest: within less than that, the second could work
    out the first (the p % rule of statistical disclosure control).

    Examples
    --------
    >>> safe([Fraction(5), Fraction(4), Fraction(3)], SmallGroups())
    True
    >>> safe([Fraction(5), Fraction(4), Fraction(0)], SmallGroups())
    False
    """
    ranked = sorted((abs(v) for v in values if v), reverse=True)
    if len(ranked) < rule.fewest:
        return False
    return sum(ranked[2:]) * 100 >= ranked[0] * Fraction(rule.remainder_percent)


def merged(
    groups: Mapping[str, Sequence[Figures]], rule: SmallGroups
) -> list[tuple[str, list[Figures]]]:
    """Put groups that must not be shown together, with others where they still must not.

    Parameters
    ----------
    groups
        Name → its members' figures.

    Returns
    -------
    Names and members of what may be shown, every member once; the merged group has no name
    and comes last. Nothing at all where even all together must not be shown.
    """

    def may(members: Sequence[Figures]) -> bool:
        return all(safe(column, rule) for column in zip(*members, strict=True))

    shown = {name: list(members) for name, members in groups.items() if members}
    rest: list[Figures] = []
    for name in [name for name, members in shown.items() if not may(members)]:
        rest += shown.pop(name)
    while rest and not may(rest):
        if not shown:
            return []
        smallest = min(shown, key=lambda name: len(shown[name]))
        rest += shown.pop(smallest)
    return [*shown.items(), *([("", rest)] if rest else [])]
