"""Zip and gzip containers whose bytes depend on their content only.

The system's zlib may be any version or a replacement that compresses otherwise, so the one
that comes with Arrow does the work, and no time, user or platform is written.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping

import pyarrow as pa

_LEVEL = 9
_HEADER, _TRAILER = 10, 8
_GZIP = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"
_DEFLATED, _UTF8_NAME, _VERSION = 8, 0x800, 20
_DATE = (2022 - 1980) << 9 | 1 << 5 | 10


def deflate(content: bytes) -> bytes:
    """Compress as a raw deflate stream (RFC 1951)."""
    packed: bytes = pa.Codec("gzip", compression_level=_LEVEL).compress(content, asbytes=True)
    return packed[_HEADER:-_TRAILER]


def gzip(content: bytes) -> bytes:
    """Pack as one gzip member (RFC 1952) without name or time."""
    tail = struct.pack("<II", zlib.crc32(content), len(content) & 0xFFFFFFFF)
    return _GZIP + deflate(content) + tail


def zipped(parts: Mapping[str, bytes]) -> bytes:
    """Pack named parts as a zip archive, in the order given, all of one fixed day.

    Source: PKWARE APPNOTE 6.3, sections 4.3.7, 4.3.12 and 4.3.16.
    """
    body, directory = b"", b""
    for name, content in parts.items():
        packed, label = deflate(content), name.encode()
        common = struct.pack(
            "<HHHHHIIIHH",
            _VERSION,
            _UTF8_NAME,
            _DEFLATED,
            0,
            _DATE,
            zlib.crc32(content),
            len(packed),
            len(content),
            len(label),
            0,
        )
        at = len(body)
        body += b"PK\x03\x04" + common + label + packed
        rest = struct.pack("<HHHII", 0, 0, 0, 0, at)
        directory += b"PK\x01\x02" + struct.pack("<H", _VERSION) + common + rest + label
    count = len(parts)
    end = struct.pack("<HHHHIIH", 0, 0, count, count, len(directory), len(body), 0)
    return body + directory + b"PK\x05\x06" + end
