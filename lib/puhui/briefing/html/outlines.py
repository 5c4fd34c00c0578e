"""Outlines of glyphs that several charts of a page draw, kept once."""

from __future__ import annotations

import re

#: A glyph as :func:`puhui.briefing.charts.to_svg` writes it: id, and what it looks like.
_GLYPH = re.compile(r'<path id="(g[0-9a-f]+-[0-9a-f]+)"( d="[^"]*" transform="[^"]*")/>')
_USE = re.compile(r'(<use xlink:href="#)([^"]+)"')


def share_outlines(page: str) -> str:
    """Let charts of a page refer to the first chart that has a glyph.

    Examples
    --------
    >>> glyph = '<defs><path id="g{}-1" d="m1 2z" transform="scale(1)"/></defs>'
    >>> use = '<use xlink:href="#g{}-1"/>'
    >>> share_outlines("".join(t.format(n) for n in "ab" for t in (glyph, use)))[-50:]
    '<use xlink:href="#ga-1"/><use xlink:href="#ga-1"/>'
    """
    first: dict[str, str] = {}
    same: dict[str, str] = {}

    def keep(found: re.Match[str]) -> str:
        name, looks = found.groups()
        same[name] = first.setdefault(looks, name)
        return found[0] if same[name] == name else ""

    page = _GLYPH.sub(keep, page).replace("<defs></defs>", "")
    return _USE.sub(lambda m: f'{m[1]}{same.get(m[2], m[2])}"', page)
