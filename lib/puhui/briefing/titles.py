"""Titles of pages; apart from the pages, whose charts whoever only exports need not load."""

from __future__ import annotations

from puhui.briefing.source import Source


def county_title(source: Source) -> str:
    """Title of the circular."""
    return source.words.text("county.title", quarter=source.quarter.label)


def institution_title(source: Source, institution_id: str) -> str:
    """Title of the letter."""
    name, quarter = source.name(institution_id), source.quarter.label
    if name.isascii():
        name = f" {name} "  # a Latin name runs into the digits of the quarter otherwise
    return source.words.text("institution.title", name=name, quarter=quarter)
