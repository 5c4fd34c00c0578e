"""Glyphs for charts: a small static font of just the characters a chart writes.

Noto Sans SC of the package ``justmytype-intl-cjk`` (SIL Open Font License) is a variable
font that stands at weight 100 unless told otherwise. Only the glyphs asked for are
interpolated at weight 400 and put into a new font, which takes milliseconds, where
instantiating the whole font would take minutes. Charts so look the same on every machine.
"""

from __future__ import annotations

import hashlib
from functools import cache
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import justmytype_intl_cjk
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.recordingPen import DecomposingRecordingPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont

from puhui.briefing.table import plain

_FONT = Path(justmytype_intl_cjk.__file__).parent / "fonts/ofl/notosanssc/NotoSansSC[wght].ttf"
_WEIGHT = 400
#: Date inside every font (seconds since 1904), so that its bytes do not change.
_MADE = 3_600_000_000
#: Written for a character the font lacks (the printer's 〓); the page's text has the real one.
MISSING = "〓"


@cache
def _variable_font() -> TTFont:
    # From memory: processes forked from one that has read it must not share a file's position.
    return TTFont(BytesIO(_FONT.read_bytes()), lazy=True)


@cache
def _characters() -> dict[int, str]:
    return dict(_variable_font().getBestCmap())


@cache
def _glyph_set() -> Any:
    return _variable_font().getGlyphSet(location={"wght": _WEIGHT})


def drawable(text: str) -> str:
    """Return text a chart can draw: characters the font lacks become :data:`MISSING`.

    Examples
    --------
    >>> drawable("𠮷林支行")
    '〓林支行'
    """
    known = _characters()
    return "".join(c if ord(c) in known else MISSING for c in plain(text).replace("\n", " "))


def font_of(text: str, name: str = "puhui") -> bytes:
    """Return a static TrueType font with the glyphs of ``text`` (already drawable), weight 400.

    ``name`` is its PostScript name, which matplotlib makes glyph ids of: with one for each
    set of characters the glyphs of two charts on one page cannot be mistaken.
    """
    known, glyph_set = _characters(), _glyph_set()
    wanted = {ord(c): known[ord(c)] for c in sorted({*text, *"0123456789.,- "})}
    order = [".notdef", *sorted(set(wanted.values()) - {".notdef"})]
    glyphs, metrics = {}, {}
    for key in order:
        recording, pen = DecomposingRecordingPen(glyph_set), TTGlyphPen(None)
        glyph_set[key].draw(recording)
        recording.replay(pen)
        glyphs[key] = pen.glyph()
        glyphs[key].recalcBounds(None)
        metrics[key] = (round(glyph_set[key].width), getattr(glyphs[key], "xMin", 0))
    return _assemble(name, order, wanted, glyphs, metrics)


def _assemble(
    name: str,
    order: list[str],
    characters: dict[int, str],
    glyphs: dict[str, Any],
    metrics: dict[str, tuple[int, int]],
) -> bytes:
    original = _variable_font()
    builder = FontBuilder(original["head"].unitsPerEm, isTTF=True)
    builder.setupGlyphOrder(order)
    builder.setupCharacterMap(characters)
    builder.setupGlyf(glyphs)
    builder.setupHorizontalMetrics(metrics)
    ascent, descent = original["hhea"].ascent, original["hhea"].descent
    builder.setupHorizontalHeader(ascent=ascent, descent=descent)
    builder.setupNameTable({"familyName": name, "styleName": "Regular", "psName": name})
    builder.setupOS2(sTypoAscender=ascent, sTypoDescender=descent)
    builder.setupPost()
    builder.font["head"].created = builder.font["head"].modified = _MADE
    builder.font.recalcTimestamp = False
    out = BytesIO()
    builder.save(out)
    return out.getvalue()


@cache
def _folder() -> TemporaryDirectory[str]:
    return TemporaryDirectory(prefix="puhui-glyphs-", ignore_cleanup_errors=True)


def font_file(text: str) -> Path:
    """Write the font of ``text`` to a temporary folder of this process; return its path.

    matplotlib reads fonts by path only and remembers them by it, so each set of
    characters has a file of its own.
    """
    key = hashlib.sha256("".join(sorted(set(text))).encode()).hexdigest()[:12]
    path = Path(_folder().name) / f"{key}.ttf"
    if not path.exists():
        path.write_bytes(font_of(text, f"g{key}"))
    return path
