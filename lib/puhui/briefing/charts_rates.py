"""Charts of rates: a spread beside the benchmark's steps, and what moved an average."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import seaborn as sns
from matplotlib.figure import Figure as Canvas

from puhui.briefing.charts import (
    BAD,
    GOOD,
    INK,
    LINE,
    MUTED,
    PLATE,
    STYLE,
    Pen,
    box,
    row_frame,
    to_svg,
)


@dataclass(frozen=True)
class SpreadPoint:
    """Spread of a quarter of pricing: ``at`` counts quarters, ``label`` names it."""

    at: int
    label: str
    spread_bp: float
    text: str


@dataclass(frozen=True)
class Level:
    """A level of the benchmark from a moment on.

    ``at`` counts as for the points, a quarter reaching half a unit to either side of its own.
    """

    at: float
    rate: float
    text: str


@dataclass(frozen=True)
class Effect:
    """A bar of a waterfall: what it adds, and its words."""

    label: str
    value: float
    text: str


def spread_steps_chart(
    points: Sequence[SpreadPoint], levels: Sequence[Level], *, spread_text: str, level_text: str
) -> str:
    """Draw a spread by quarter above the steps of the benchmark it is over.

    The first and last spread are labelled, and every level of the benchmark where it begins.
    Quarters without a point leave a gap in the line.

    Parameters
    ----------
    points
        In order of time, at least one.
    levels
        Real changes only, in order of time; the first may begin before the first point.
    spread_text, level_text
        What the two figures are, with their units.

    Returns
    -------
    str
        An SVG document.
    """
    pen = Pen([
        spread_text, level_text, "−0123456789.", *(t for p in points for t in (p.label, p.text)),
        *(level.text for level in levels),
    ])  # fmt: skip
    ends = (points[0].at, points[-1].at)
    with mpl.rc_context(STYLE):
        canvas = Canvas(figsize=(7.2, 3.7))
        upper = canvas.add_axes((0.08, 0.5, 0.82, 0.4))
        lower = canvas.add_axes((0.08, 0.12, 0.82, 0.22))
        _spread_line(upper, pen, points)
        _steps(lower, pen, levels, ends)
        step = -(-len(points) // 8)
        named = points[::-1][::step]
        for axes, text in ((upper, spread_text), (lower, level_text)):
            axes.set_xlim(ends[0] - 0.5, ends[1] + 0.9)
            labels = [p.label if axes is lower else "" for p in named]
            axes.set_xticks([p.at for p in named], labels)
            _plain_axes(axes, pen)
            place = {"transform": axes.transAxes, "ha": "left", "va": "bottom"}
            pen.write(axes, 0, 1.06, text, INK, 8.5, **place)
        return to_svg(canvas, pen.name)


def _spread_line(axes: Any, pen: Pen, points: Sequence[SpreadPoint]) -> None:
    known = {p.at: p.spread_bp for p in points}
    whole = range(points[0].at, points[-1].at + 1)
    values = [known.get(n, float("nan")) for n in whole]
    axes.plot(list(whole), values, color=GOOD, lw=1.4, marker="o", ms=3.2)
    axes.margins(y=0.22)
    last = points[-1]
    pen.write(axes, last.at + 0.12, last.spread_bp, last.text, INK, 8.5, **PLATE)
    if len(points) > 1:
        above = points[0].spread_bp >= points[1].spread_bp
        place = {"ha": "center", "va": "bottom" if above else "top"}
        gap = 0.06 * (max(known.values()) - min(known.values()) or 1.0)
        height = points[0].spread_bp + (gap if above else -gap)
        pen.write(axes, points[0].at, height, points[0].text, INK, 8.5, **place)


def _steps(axes: Any, pen: Pen, levels: Sequence[Level], ends: tuple[int, int]) -> None:
    """Draw the levels seen between the ends, each labelled where it begins."""
    first, last = ends[0] - 0.5, ends[1] + 0.5
    begun = [n for n, level in enumerate(levels) if level.at <= first]
    seen = [lv for lv in levels[begun[-1] if begun else 0 :] if lv.at < last]
    if not seen:
        return
    x = [max(level.at, first) for level in seen]
    rates = [level.rate for level in seen]
    axes.step([*x, last], [*rates, *rates[-1:]], where="post", color=MUTED, lw=1.4)
    axes.margins(y=0.35)
    for at, level, until in zip(x, seen, [*x[1:], float("inf")], strict=True):
        if until - at < 0.4:  # too short for its figure
            continue
        place = {"ha": "left", "va": "bottom"}
        pen.write(axes, at + 0.06, level.rate, level.text, INK, 8, **place)


def _plain_axes(axes: Any, pen: Pen) -> None:
    axes.grid(axis="y", color=LINE, lw=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(length=0)
    axes.locator_params(axis="y", nbins=4)
    sns.despine(ax=axes, left=True)
    axes.spines["bottom"].set_color(LINE)
    pen.ticks(axes)


def waterfall_chart(
    effects: Sequence[Effect], whole: Effect, *, axis_text: str, start_text: str, end_text: str
) -> str:
    """Draw effects that add up, each from where the one before ended, and their sum below.

    What raises is filled and hatched, what lowers is hollow: grey paper tells them apart. An
    effect of zero is a line.

    Parameters
    ----------
    effects
        From top to bottom.
    whole
        The sum, drawn from zero.
    axis_text, start_text, end_text
        What the axis measures, with its unit; what stands at the start (zero) and at the end.

    Returns
    -------
    str
        An SVG document.
    """
    texts = [t for e in (*effects, whole) for t in (e.label, e.text)]
    pen = Pen([axis_text, start_text, end_text, "−", *texts])
    starts = [sum(e.value for e in effects[:n]) for n in range(len(effects) + 1)]
    marks = [*starts, 0.0, whole.value]
    low, high = min(marks), max(marks)
    width = (high - low) or 1.0
    rows = len(effects) + 1
    with mpl.rc_context({**STYLE, "hatch.linewidth": 0.6}):
        canvas = Canvas(figsize=(7.2, 0.95 + 0.36 * rows))
        axes = canvas.add_axes(box(canvas, left=1.95, right=0.75, top=0.42, bottom=0.5))
        axes.set_xlim(low - 0.22 * width, high + 0.22 * width)
        axes.axvline(0, color=INK, lw=1, zorder=1)
        for row, (effect, start) in enumerate(zip(effects, starts, strict=False)):
            _bar(axes, pen, row, start, effect, 0.02 * width)
            end = start + effect.value
            axes.plot([end, end], [row + 0.3, row + 0.7], color=MUTED, lw=0.8, zorder=2)
        _bar(axes, pen, rows - 1, 0.0, whole, 0.02 * width)
        end = whole.value
        sides = ("left", "right") if end < 0 else ("right", "left")
        pen.write(axes, 0, -0.72, start_text, MUTED, 8, ha=sides[1 if end else 0], va="bottom")
        row_frame(axes, rows)
        _foot(axes, pen, axis_text, end_text)
        return to_svg(canvas, pen.name)


def _foot(axes: Any, pen: Pen, axis_text: str, end_text: str) -> None:
    axes.locator_params(axis="x", nbins=5)
    pen.ticks(axes)
    place = {"transform": axes.transAxes, "va": "top"}
    pen.write(axes, 0, -0.16, axis_text, MUTED, 8.5, ha="left", **place)
    pen.write(axes, 1, -0.16, end_text, INK, 8.5, ha="right", **place)


def _bar(axes: Any, pen: Pen, row: int, start: float, effect: Effect, gap: float) -> None:
    rises = effect.value > 0
    axes.barh(
        row,
        effect.value,
        left=start,
        height=0.6,
        facecolor="#e9c9bf" if rises else "white",
        edgecolor=BAD if rises else GOOD,
        hatch="////" if rises else None,
        lw=1.2,
        zorder=3,
    )
    end = start + effect.value
    place = {**PLATE, "ha": "left" if effect.value >= 0 else "right"}
    pen.write(axes, end + (gap if effect.value >= 0 else -gap), row, effect.text, INK, 8.5, **place)
    pen.write_left(axes, row, effect.label)
