"""Check digit of the unified social credit code (统一社会信用代码), GB 32100-2015."""

from __future__ import annotations

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def is_valid(code: str) -> bool:
    """Whether an 18-character code carries the right check character.

    Source: GB 32100-2015, weights 3^i mod 31 over the first seventeen characters.

    Examples
    --------
    >>> is_valid("91350100M000100Y43"), is_valid("91350100M000100Y34")
    (True, False)
    """
    if len(code) != 18 or not set(code) <= set(ALPHABET):
        return False
    return ALPHABET[check_value(code[:17])] == code[17]


def check_value(body: str) -> int:
    """Check value (0–30) of the first seventeen characters."""
    total = sum(ALPHABET.index(c) * pow(3, i, 31) for i, c in enumerate(body))
    return -total % 31
