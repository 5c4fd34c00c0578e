"""Persons' ids as HMAC-SHA-256: the same person joins, nobody is named."""

from __future__ import annotations

import hmac
import re
import unicodedata

import pyarrow as pa

from puhui.intake import uscc

_FILLER = re.compile(r"[\s\-－_]+")
_CITIZEN_15 = re.compile(r"\d{15}")
_CITIZEN_18 = re.compile(r"\d{17}[\dX]")
_BIRTH = re.compile(r"\d{6}(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])\d{3}[\dX]")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


class Hasher:
    """Makes 128-bit hashes of ids under one office's key.

    Parameters
    ----------
    key
        The office's secret; whoever has it can test guesses, so it is kept apart.

    Examples
    --------
    >>> h = Hasher(b"test key")
    >>> h.hash("person", "110105491231002") == h.hash("person", "11010519491231002x")
    True
    >>> h.hash("person", "A1") == h.hash("staff", "A1")
    False
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    @property
    def fingerprint(self) -> str:
        """Sixteen hex digits that tell keys apart and reveal neither."""
        return self._mac(b"puhui key fingerprint")[:16]

    def hash(self, domain: str, text: str) -> str:
        """Hash one id of a kind (``person``, ``staff`` …); 32 hex digits."""
        return self._mac(f"{domain}\0{normal_id(text)}".encode())

    def column(self, domain: str, texts: pa.Array) -> pa.Array:
        """Hash a text column; null stays null."""
        encoded = texts.dictionary_encode()
        hashed = [self.hash(domain, t) for t in encoded.dictionary.to_pylist()]
        return pa.array(hashed, pa.string()).take(encoded.indices)

    def _mac(self, message: bytes) -> str:
        return hmac.digest(self._key, message, "sha256")[:16].hex()


def normal_id(text: str) -> str:
    """One spelling per id: half width, upper case, no gaps, citizen ids with 18 digits.

    Examples
    --------
    >>> normal_id("１１０１０５ 491231002"), normal_id("ab-12")
    ('11010519491231002X', 'AB12')
    """
    plain = _no_gaps(text)
    return _citizen_18(plain) if _CITIZEN_15.fullmatch(plain) else plain


def _no_gaps(text: str) -> str:
    if text.isascii() and text.isalnum():  # nearly all: nothing to fold and no gaps
        return text.upper()
    return _FILLER.sub("", unicodedata.normalize("NFKC", text)).upper()


def is_citizen_id(text: str) -> bool:
    """Whether an id is shaped like a resident identity number (GB 11643).

    A social credit code may happen to hold digits only; it counts as one where its check
    character is right and no date of birth stands in it.

    Examples
    --------
    >>> is_citizen_id("11010519491231002x"), is_citizen_id("110105491231002")
    (True, True)
    >>> is_citizen_id("91350100M000100Y43")
    False
    """
    if _CITIZEN_15.fullmatch(_no_gaps(text)):
        return True
    plain = normal_id(text)
    if not _CITIZEN_18.fullmatch(plain):
        return False
    return bool(_BIRTH.fullmatch(plain)) or not uscc.is_valid(plain)


def is_organisation_id(text: str) -> bool:
    """Whether an id is a valid social credit code of an organisation.

    Codes that begin with 92 are individual businesses (个体工商户), natural persons here.
    """
    plain = normal_id(text)
    return uscc.is_valid(plain) and not plain.startswith("92") and not is_citizen_id(plain)


def _citizen_18(id_15: str) -> str:
    # GB 11643: century inserted, then the ISO 7064 MOD 11-2 check character.
    body = id_15[:6] + "19" + id_15[6:]
    total = sum(int(d) * w for d, w in zip(body, _WEIGHTS, strict=True))
    return body + "10X98765432"[total % 11]
