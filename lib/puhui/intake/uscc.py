"""Check digit of the unified social credit code (统一社会信用代码), GB 32100-2015."""

from __future__ import annotations

from operator import mul

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_VALUES = {c: i for i, c in enumerate(ALPHABET)}
_WEIGHTS = tuple(pow(3, i, 31) for i in range(17))


def is_valid(code: str) -> bool:
    """Whether an 18-character code carries the right check character.

    Source: GB 32100-2015, weights 3^i mod 31 over the first seventeen characters.

    Examples
    --------
    >>> is_valid("91350100M000100Y43"), is_valid("91350100M000100Y34")
    (True, False)
    """
    if len(code) != 18 or not _VALUES.keys() >= set(code):
        return False
    return ALPHABET[check_value(code[:17])] == code[17]


def check_value(body: str) -> int:
    """Check value (0–30) of the first seventeen characters."""
    total: int = sum(map(mul, (_VALUES[c] for c in body), _WEIGHTS))
    return -total % 31
