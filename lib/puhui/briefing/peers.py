"""Peers by the catalogue's rule: the narrowest group with enough others (``common.peer_rule``)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from statistics import median

from puhui.briefing.judged import own_value
from puhui.briefing.source import Row, Source
from puhui.briefing.words import Words


@dataclass(frozen=True)
class Peers:
    """The others' values, and who they are: kind, national, local or all."""

    group: str
    values: tuple[Fraction, ...]

    @property
    def others(self) -> int:
        """How many they are."""
        return len(self.values)

    @property
    def median(self) -> Fraction:
        """Their median."""
        return median(self.values)

    def place(self, row: Row) -> str:
        """Place among all of them from the best, ``3/8``; nothing where no side is better.

        Equal values share a place.
        """
        own, test = own_value(row), row["test"]
        if own is None or not test:
            return ""
        ahead = (v > own if test in MORE_IS_BETTER else v < own for v in self.values)
        return f"{1 + sum(ahead)}/{1 + self.others}"


#: Tests that a higher value meets.
MORE_IS_BETTER = (">=", ">", "up")


def fewest(words: Words) -> int:
    """Return how many other institutions a comparison needs to be shown."""
    return words.number("common.peer_rule.fewest")


def _groups(own: Row, national: tuple[str, ...]) -> tuple[str, ...]:
    if own["kind"] in national:
        return ("kind", "national", "all")
    return ("kind", "local", "all") if own["is_local_legal_person"] else ("kind", "all")


def _belongs(row: Row, own: Row, group: str, national: tuple[str, ...]) -> bool:
    if row["level"] != own["level"]:
        return False
    if group == "kind":
        return bool(row["kind"] == own["kind"])
    if group == "national":
        return row["kind"] in national
    return bool(row["is_local_legal_person"]) if group == "local" else True


def peers(source: Source, institution_id: str, indicator_id: str) -> Peers | None:
    """Return the narrowest peer group's median of an indicator, or ``None`` if all are too small.

    Legal persons are compared with legal persons and branches with branches only.
    """
    own = source.institution(institution_id)
    values: dict[str, Fraction] = {}
    for other in source.institution_ids:
        row = None if other == institution_id else source.indicator(other, indicator_id)
        value = None if row is None else own_value(row)
        if value is not None:
            values[other] = value
    national = source.words.texts("common.peer_rule.national")
    for group in _groups(own, national):
        chosen = tuple(
            v for k, v in values.items() if _belongs(source.institution(k), own, group, national)
        )
        if len(chosen) >= fewest(source.words):
            return Peers(group, chosen)
    return None
