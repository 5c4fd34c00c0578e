"""Containers are what the standard tools take them for, and nothing of the machine is in them."""

from __future__ import annotations

import gzip
import io
import random
import zipfile

import pytest

from puhui.example.writers import packing

CONTENTS = {
    "empty": b"",
    "short": "样".encode(),
    "same": b"a" * 300_000,
    "noise": random.Random(1).randbytes(70_000),
}


@pytest.mark.parametrize("content", CONTENTS.values(), ids=list(CONTENTS))
def test_gzip_is_read_back(content: bytes) -> None:
    packed = packing.gzip(content)
    assert gzip.decompress(packed) == content
    assert packed[4:8] == bytes(4), "a time is written"
    assert packed[9] == 255, "a platform is written"
    assert packing.gzip(content) == packed


def test_zip_is_read_back() -> None:
    parts = {f"部分/{name}.xml": content for name, content in CONTENTS.items()}
    packed = packing.zipped(parts)
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert archive.testzip() is None
        assert {i.filename: archive.read(i) for i in archive.infolist()} == parts
        assert archive.namelist() == list(parts)
        assert {i.date_time for i in archive.infolist()} == {(2022, 1, 10, 0, 0, 0)}
        assert {i.compress_type for i in archive.infolist()} == {zipfile.ZIP_DEFLATED}
        assert {i.external_attr for i in archive.infolist()} == {0}
    assert packing.zipped(parts) == packed


def test_it_compresses() -> None:
    assert len(packing.gzip(CONTENTS["same"])) < 1000
