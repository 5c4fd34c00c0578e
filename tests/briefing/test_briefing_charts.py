import re
from io import BytesIO

import pytest
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from fontTools.varLib.instancer import instantiateVariableFont

from puhui.briefing.charts import Dot, Gauge, dot_chart, gauge_chart
from puhui.briefing.glyphs import _FONT, MISSING, drawable, font_of

DOTS = [Dot("甲银行潢川支行", 3.004, "3.004", False), Dot("乙行", -0.5, "-0.50", True)]


def dots(extra: str = "") -> str:
    return dot_chart(DOTS, limit=3.0, limit_text="界限" + extra, axis_text="差额（百分点）")


def test_glyphs_are_those_of_weight_400():
    text = "普惠g8"
    wanted, thin = (subset_at(weight, text) for weight in (400, 100))
    made = TTFont(BytesIO(font_of(text)))
    for c in text:
        ours, theirs, default = (outline(font, c) for font in (made, wanted, thin))
        assert len(ours) == len(theirs)
        assert apart(ours, theirs) <= 1  # ours are rounded to whole units
        assert apart(ours, default) > 5
        name = wanted.getBestCmap()[ord(c)]
        assert made["hmtx"][name][0] == pytest.approx(wanted["hmtx"][name][0], abs=1)


def subset_at(weight: int, text: str) -> TTFont:
    """The font at a weight as fontTools' own instancer makes it."""
    font = TTFont(_FONT)
    subsetter = Subsetter(Options(layout_features=[], notdef_outline=True))
    subsetter.populate(text=text)
    subsetter.subset(font)
    return instantiateVariableFont(font, {"wght": weight})


def outline(font: TTFont, character: str) -> list[tuple[float, float]]:
    return list(font["glyf"][font.getBestCmap()[ord(character)]].coordinates)


def apart(left, right) -> float:
    pairs = zip(left, right, strict=True)
    return max(max(abs(a[0] - b[0]), abs(a[1] - b[1])) for a, b in pairs)


def test_a_character_without_a_glyph_is_drawn_as_a_printers_mark():
    assert drawable("𠮷㙓") == f"{MISSING}㙓"
    assert drawable("甲\n乙") == "甲 乙"


def test_no_text_is_left_to_the_readers_fonts():
    for svg in (dots(), gauges()):
        assert "<text" not in svg
        assert "font" not in svg
        assert "http" not in svg.replace("http://www.w3.org/", "")


def gauges() -> str:
    rows = [
        Gauge("占比", 23.4, 21.0, 21.0, 1, "23.40%", "较年初", True),
        Gauge("差额$x^2$", 3.004, None, 3.0, -1, "3.004", "≤3.00", False),
        Gauge("全零", 0.0, 0.0, 0.0, 1, "0", "≥0", True),
    ]
    return gauge_chart(rows, left_text="未达到", right_text="达到")


def test_the_same_bytes_twice():
    assert dots() == dots()
    assert gauges() == gauges()


def test_charts_of_one_page_share_no_ids():
    first, second = dots(), dots("另")
    ids = [set(re.findall(r'id="([^"]+)"', svg)) for svg in (first, second)]
    assert ids[0]
    assert not ids[0] & ids[1]
    used = set(re.findall(r'href="#([^"]+)"', first)) | set(re.findall(r"url\(#([^)]+)\)", first))
    assert used <= ids[0]


def test_a_failed_row_has_another_shape_and_not_only_another_colour():
    def shape(passed: bool) -> set[str]:
        svg = dot_chart([Dot("甲", 1.0, "1", passed)], limit=None, limit_text="", axis_text="x")
        return set(re.findall(r'd="([^"]+)"', svg))

    assert shape(True) != shape(False)


@pytest.mark.parametrize("rows", [1, 30])
def test_a_chart_grows_with_its_rows(rows):
    svg = dot_chart(
        [Dot(f"机构{n}", float(n), str(n), None) for n in range(rows)],
        limit=None,
        limit_text="",
        axis_text="户",
    )
    height = float(re.search(r'viewBox="0 0 [\d.]+ ([\d.]+)"', svg)[1])
    assert height == pytest.approx(72 * (0.95 + 0.34 * rows))


def test_labels_of_two_lines_have_taller_rows():
    long = Dot("First National Bank of the Heartland, N.A.", 1.0, "1", None)
    svg = dot_chart([long, long], limit=None, limit_text="", axis_text="x")
    height = float(re.search(r'viewBox="0 0 [\d.]+ ([\d.]+)"', svg)[1])
    assert height > 72 * (0.95 + 0.4 * 2)
