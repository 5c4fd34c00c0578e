"""Spellings that mean the same: width, spaces, line breaks, marks around a header."""

from __future__ import annotations

import unicodedata


def plain(text: str) -> str:
    """Half-width form without space around, for words that are compared."""
    return unicodedata.normalize("NFKC", text).strip()


def squeeze(text: str) -> str:
    """:func:`plain` without any inner space or closing colon, for labels."""
    return "".join(plain(text).split()).rstrip(":")


def header_key(text: str) -> str:
    r"""A header as it is compared: width, spaces and line breaks do not matter.

    Examples
    --------
    >>> header_key(" 贷款 余额\n"), header_key("ＸＤＪＪＨ")
    ('贷款余额', 'XDJJH')
    """
    return squeeze(text).lstrip("*").rstrip("*")
