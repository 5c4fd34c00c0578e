"""Forest plot: slopes of institutions with intervals, shrunken slopes beside, the county line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure as Canvas

from puhui.briefing.charts import (
    GOOD,
    INK,
    LINE,
    MUTED,
    STYLE,
    Pen,
    box,
    in_two_lines,
    row_frame,
    to_svg,
)
from puhui.briefing.figures import half_up
from puhui.briefing.glyphs import drawable

#: The axis shows the points and the lines; an interval that reaches further ends in an arrow.
_REACH = 1.5


@dataclass(frozen=True)
class Slope:
    """A row: own point with interval, shrunken point, and what is written beside them.

    ``low`` and ``high`` are ``None`` where there is no interval, ``shrunken`` where there is no
    model.
    """

    label: str
    value: float
    low: float | None
    high: float | None
    shrunken: float | None
    text: str


def ordered(slopes: Sequence[Slope]) -> list[Slope]:
    """Sort from the largest slope down; equal ones by their label."""
    return sorted(slopes, key=lambda s: (-s.value, s.label))


def forest_chart(
    slopes: Sequence[Slope],
    *,
    county: float | None,
    county_text: str,
    own_text: str,
    shrunken_text: str,
    axis_text: str,
) -> str:
    """Draw institutions' slopes from the largest down, with lines at 0, at 1 and at the county's.

    Shape and fill tell the points apart, not colour: a full dot is the institution's own slope, a
    hollow diamond under it the shrunken one.

    Parameters
    ----------
    slopes
        Rows in any order, at least one.
    county, county_text
        The common slope and its direct label; ``None`` draws no line.
    own_text, shrunken_text
        What the two signs are, written in the key above the rows.
    axis_text
        What the axis measures, with its unit.

    Returns
    -------
    str
        An SVG document.
    """
    rows = ordered(slopes)
    texts = [county_text, own_text, shrunken_text, axis_text, "−0123456789."]
    pen = Pen([*texts, *(t for s in rows for t in (s.label, s.text))])
    with mpl.rc_context(STYLE):
        tall = 0.46 if any("\n" in in_two_lines(s.label) for s in rows) else 0.4
        canvas = Canvas(figsize=(7.2, 1.35 + tall * len(rows)))
        axes = canvas.add_axes(box(canvas, left=1.95, right=1.35, top=0.76, bottom=0.5))
        low, high = _range(rows, county)
        axes.set_xlim(low, high)
        for at in (0.0, 1.0):
            axes.axvline(at, color=MUTED, lw=0.9, ls=(0, (1, 2)), zorder=1)
        if county is not None:
            axes.axvline(county, color=INK, lw=1, ls=(0, (4, 2)), zorder=1)
            _above(axes, pen, county, county_text)
        for row, slope in enumerate(rows):
            _drawn(axes, row, slope, (low, high))
            pen.write_left(axes, row, slope.label)
            pen.write_right(axes, row, slope.text, INK, 8)
        row_frame(axes, len(rows))
        _key(canvas, pen, own_text, shrunken_text, any(s.shrunken is not None for s in rows))
        axes.set_xlabel(
            drawable(axis_text), fontproperties=pen.font(8.5), color=MUTED, parse_math=False
        )
        pen.ticks(axes)
        return to_svg(canvas, pen.name)


def _range(rows: Sequence[Slope], county: float | None) -> tuple[float, float]:
    """Axis limits: all points, 0 and 1; intervals as far as a wide page allows."""
    points = [0.0, 1.0, *(s.value for s in rows)]
    points += [v for v in (county, *(s.shrunken for s in rows)) if v is not None]
    width = max(points) - min(points)
    ends = [v for s in rows for v in (s.low, s.high) if v is not None]
    low = max(min([*points, *ends]), min(points) - _REACH * width)
    high = min(max([*points, *ends]), max(points) + _REACH * width)
    return low - 0.04 * (high - low), high + 0.04 * (high - low)


def _drawn(axes: Any, row: int, slope: Slope, limits: tuple[float, float]) -> None:
    own = row if slope.shrunken is None else row - 0.13
    if slope.low is not None and slope.high is not None:
        ends = max(slope.low, limits[0]), min(slope.high, limits[1])
        axes.plot(ends, [own, own], color=GOOD, lw=1.6, zorder=2, solid_capstyle="butt")
        for end, sign, cut in ((ends[0], "<", slope.low), (ends[1], ">", slope.high)):
            if end != cut:
                axes.plot(end, own, sign, mfc=GOOD, mec=GOOD, ms=5, zorder=3, clip_on=False)
    axes.plot(slope.value, own, "o", mfc=GOOD, mec="white", ms=7, mew=0.7, zorder=4)
    if slope.shrunken is not None:
        axes.plot(slope.shrunken, row + 0.22, "D", mfc="white", mec=INK, ms=5, mew=1.1, zorder=4)


def _above(axes: Any, pen: Pen, x: float, text: str) -> None:
    place = {"transform": axes.get_xaxis_transform(), "ha": "center", "va": "bottom"}
    pen.write(axes, x, 1.015, text, INK, 8.5, **place)


def _key(canvas: Any, pen: Pen, own: str, shrunken: str, both: bool) -> None:
    """Write what the signs are, in a strip of its own above the rows."""
    height = 0.3 / canvas.get_size_inches()[1]
    strip = canvas.add_axes((0.02, 1 - height, 0.96, height))
    strip.set_xlim(0, 1)
    strip.set_ylim(0, 1)
    strip.set_axis_off()
    strip.plot([0.255, 0.295], [0.5, 0.5], color=GOOD, lw=1.6)
    strip.plot(0.275, 0.5, "o", mfc=GOOD, mec="white", ms=7, mew=0.7)
    pen.write(strip, 0.305, 0.5, own, INK, 8.5, ha="left", va="center")
    if both:
        strip.plot(0.665, 0.5, "D", mfc="white", mec=INK, ms=5, mew=1.1)
        pen.write(strip, 0.68, 0.5, shrunken, INK, 8.5, ha="left", va="center")
    strip.axhline(0.02, color=LINE, lw=0.6)


def forest_alt(slopes: Sequence[Slope], *, county: float | None) -> str:
    """Say in words what the plot shows: the county's slope, then every institution's.

    Examples
    --------
    >>> forest_alt([Slope("甲行", 0.5, 0.1, 0.9, 0.55, "")], county=0.6)
    '各机构利率随基准变动的斜率，由大到小。全部机构共同斜率0.60。甲行0.50（区间0.10至0.90），收缩后0.55。'
    """
    head = "各机构利率随基准变动的斜率，由大到小。"
    if county is not None:
        head += f"全部机构共同斜率{_number(county)}。"
    return head + "；".join(_told(s) for s in ordered(slopes)) + "。"


def _told(slope: Slope) -> str:
    said = f"{slope.label}{_number(slope.value)}"
    if slope.low is not None and slope.high is not None:
        said += f"（区间{_number(slope.low)}至{_number(slope.high)}）"
    else:
        said += "（无区间）"
    return said if slope.shrunken is None else f"{said}，收缩后{_number(slope.shrunken)}"


def _number(value: float) -> str:
    return half_up(value, 2).replace("-", "−")
