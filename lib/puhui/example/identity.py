"""Invented persons and firms: recognisably made up, formally valid.

Certificate numbers carry right check digits (GB 11643 for persons, GB 32100 and GB 11714
for organisations), so that intake's checks pass; every person is "born" in 1900, and every
name holds the character 样 (sample), so that nobody real is meant and a leak is easy to find.
"""

from __future__ import annotations

from puhui.example.dice import Dice

COUNTY = "411526"

_PERSON_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_PERSON_CHECKS = "10X98765432"
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_USCC_CHARACTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"

_SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏"
_GIVEN = "天地玄黄宇宙洪荒日月盈昃辰宿列张寒来暑往秋收冬藏闰余成岁律吕调阳云腾致雨露结为霜"
_TRADES = ("粮油", "建材", "纺织", "机械", "茶叶", "水产", "物流", "包装", "食品", "电子")
_FORMS = {"enterprise": "有限公司", "individual_business": "商行"}


def person_id(month: int, day: int, serial: int) -> str:
    """Return an 18-character resident id of a person "born" in 1900.

    Examples
    --------
    >>> person_id(1, 2, 3)
    '411526190001020037'
    """
    body = f"{COUNTY}1900{month:02d}{day:02d}{serial:03d}"
    total = sum(w * int(c) for w, c in zip(_PERSON_WEIGHTS, body, strict=True))
    return body + _PERSON_CHECKS[total % 11]


def uscc(kind: str, serial: int) -> str:
    """Return a social credit code: ``kind`` is ``91`` (firm) or ``92`` (individual business)."""
    code = f"XL{serial:06d}"
    total = sum(w * _LETTERS.index(c) for w, c in zip(_ORGANISATION_WEIGHTS, code, strict=True))
    check = "0123456789X0"[(11 - total % 11)]
    body = f"{kind}{COUNTY}{code}{check}"
    weighted = sum(_USCC_CHARACTERS.index(c) * pow(3, i, 31) for i, c in enumerate(body))
    return body + _USCC_CHARACTERS[-weighted % 31]


class Registry:
    """Hands out names, certificates and phones, never the same twice.

    Parameters
    ----------
    dice
        Where the order of the names comes from.
    offset
        First serial number; institutions get distinct ones so that their customers differ.
    """

    def __init__(self, dice: Dice, offset: int) -> None:
        names = [f"{s}样{g}" for s in _SURNAMES for g in _GIVEN]
        self._names = iter(dice.shuffled(names))
        self._trades = dice
        self._serial = offset

    def _next(self) -> int:
        self._serial += 1
        return self._serial

    def person(self) -> tuple[str, str, str]:
        """Name, certificate number and phone of a natural person."""
        n = self._next()
        certificate = person_id(n // 28 % 12 + 1, n % 28 + 1, n // 336 % 1000)
        return next(self._names), certificate, f"1990000{n:04d}"

    def organisation(self, kind: str) -> tuple[str, str]:
        """Name and USCC of a firm or of an individual business that trades under a name."""
        n = self._next()
        prefix = "91" if kind == "enterprise" else "92"
        name = f"样例{n:05d}{self._trades.pick(_TRADES)}{_FORMS[kind]}"
        return name, uscc(prefix, n)
