"""Charts of rates: what they say is on them, in any ink, the same on every run."""

import re
from functools import cache
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont

from puhui.briefing.charts_rates import (
    Effect,
    Level,
    SpreadPoint,
    spread_steps_chart,
    waterfall_chart,
)
from puhui.briefing.glyphs import _folder

TEXTS = [(175.0, "175.0"), (150.5, "150.5"), (161.2, "161.2")]
LEVELS = [Level(-3.0, 4.2, "4.20"), Level(0.2, 4.05, "4.05"), Level(1.4, 3.85, "3.85")]


def points(*at: int) -> list[SpreadPoint]:
    return [
        SpreadPoint(n, f"2020Q{n + 1}", value, text)
        for n, (value, text) in zip(at, TEXTS, strict=False)
    ]


def spread(*at: int, levels: list[Level] = LEVELS) -> str:
    return spread_steps_chart(
        points(*at), levels, spread_text="利差（个基点）", level_text="LPR（%）"
    )


def fall(*values: float, total: float | None = None) -> str:
    words = ["利率", "结构", "新进", "退出"]
    effects = [Effect(w, v, f"{v:+.1f}") for w, v in zip(words, values, strict=False)]
    whole = sum(values) if total is None else total
    return waterfall_chart(
        effects,
        Effect("合计", whole, f"{whole:+.1f}"),
        axis_text="个基点",
        start_text="上年 5.97%",
        end_text="本年 5.79%",
    )


def written(svg: str) -> list[str]:
    """Texts of a chart, read back from the glyphs it draws (ids are font and glyph number)."""
    drawn = re.sub(r"<defs>.*?</defs>", "", svg)
    texts = []
    for group in re.findall(r"<g[^>]*>((?:<use [^>]*/>)+)</g>", drawn):
        codes = re.findall(r'href="#g([0-9a-f]{12})-([0-9a-f]+)"', group)
        texts.append("".join(characters(key)[int(code, 16)] for key, code in codes))
    return [t for t in texts if t]


@cache
def characters(key: str) -> dict[int, str]:
    """Character of each glyph of a chart's font."""
    font = TTFont(Path(_folder().name) / f"{key}.ttf")
    return {font.getGlyphID(name): chr(code) for code, name in font.getBestCmap().items()}


def test_a_spread_path_names_its_ends_its_quarters_and_every_level():
    texts = written(spread(0, 1, 2))
    for text in ("利差（个基点）", "LPR（%）", "175.0", "161.2", "4.20", "4.05", "3.85"):
        assert texts.count(text) == 1, (text, texts)
    assert {"2020Q1", "2020Q2", "2020Q3"} <= set(texts)
    assert "150.5" not in texts  # between the ends


def test_levels_before_and_after_the_quarters_are_not_drawn():
    early, late = Level(-9.0, 4.9, "4.90"), Level(7.0, 3.1, "3.10")
    texts = written(spread(0, 1, 2, levels=[early, *LEVELS, late]))
    assert not {"4.90", "3.10"} & set(texts)
    assert "4.20" in texts  # in force when the first quarter began


def test_a_level_too_short_for_its_figure_is_drawn_without():
    short = [Level(-3.0, 4.2, "4.20"), Level(1.0, 4.05, "4.05"), Level(1.3, 3.85, "3.85")]
    texts = written(spread(0, 1, 2, levels=short))
    assert "4.05" not in texts
    assert "3.85" in texts


def test_a_missing_quarter_leaves_a_gap():
    def pieces(svg: str) -> list[int]:
        lines = re.findall(r'<path d="(M[^"]*)"[^>]*stroke: #1f4e79; stroke-width: 1.4', svg)
        return [line.count("M") for line in lines]

    assert pieces(spread(0, 1, 2)) == [1]
    assert pieces(spread(0, 1, 3)) == [2]


def test_one_point_and_no_level_can_be_drawn():
    assert "175.0" in written(spread(0, levels=[]))


def test_a_waterfall_names_every_bar_and_both_ends():
    texts = written(fall(-18.9, -0.8, 1.1, 0.2))
    wanted = ["利率", "结构", "新进", "退出", "合计", "−18.9", "−0.8", "+1.1", "+0.2", "−18.4"]
    wanted = [w.replace("−", "-") for w in wanted] + ["个基点", "上年 5.97%", "本年 5.79%"]
    for text in wanted:
        assert texts.count(text) == 1, (text, texts)


def bars(svg: str) -> list[tuple[float, float, bool]]:
    """Left and right end of every bar from top to bottom, and whether it is hatched."""
    found = []
    shape = r'<path d="M([\d.]+) [\d.]+L([\d.]+) [^"]*z" clip-path="[^"]*" style="([^"]*)"'
    for a, b, style in re.findall(shape, svg):
        if "stroke-width: 1.2" in style:
            found.append((float(a), float(b), "url(#" in style))
    return found


def test_each_bar_begins_where_the_one_before_ended_and_the_sum_ends_there():
    a, b, c, d, whole = bars(fall(-18.9, -0.8, 1.1, 0.2))
    zero = a[0] if abs(a[0] - whole[0]) < 1e-6 else a[1]
    scale = (a[1] - a[0]) / -18.9  # points of the page a basis point, to the left
    ends = [zero, *(bar[1] for bar in (a, b, c, d))]
    for bar, start in zip((a, b, c, d), ends, strict=False):
        assert bar[0] == pytest.approx(start, abs=1e-3)
    assert [(bar[1] - bar[0]) / scale for bar in (a, b, c, d, whole)] == pytest.approx(
        [-18.9, -0.8, 1.1, 0.2, -18.4], abs=1e-3
    )
    assert whole[1] == pytest.approx(d[1], abs=1e-3)


def test_what_raises_is_hatched_and_what_lowers_is_not():
    assert [hatched for _, _, hatched in bars(fall(-3, 2, -1, 4))] == [
        False,
        True,
        False,
        True,
        True,
    ]


@pytest.mark.parametrize("values", [(0.0, 0.0, 0.0, 0.0), (5.0, -5.0, 0.0, 0.0), (1e-9,)])
def test_nothing_moved_can_be_drawn(values):
    assert "合计" in written(fall(*values))


def test_no_text_is_left_to_the_readers_fonts():
    for svg in (spread(0, 1, 2), fall(1, 2, 3, -4)):
        assert "<text" not in svg
        assert "font" not in svg
        assert "http" not in svg.replace("http://www.w3.org/", "")


def test_the_same_bytes_twice():
    assert spread(0, 1, 2) == spread(0, 1, 2)
    assert fall(1, -2, 3, 4) == fall(1, -2, 3, 4)
