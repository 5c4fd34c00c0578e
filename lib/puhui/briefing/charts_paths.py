"""Small charts of paths side by side: one panel a group, all on the same scales."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import seaborn as sns
from matplotlib.figure import Figure as Canvas

from puhui.briefing.charts import GOOD, INK, LINE, MUTED, STYLE, Pen, to_svg

#: Panels beside each other, and their height in inches.
_ACROSS, _TALL = 3, 1.55
#: Name and value of the last point stand right of it, in quarters.
_GAP = 0.2


@dataclass(frozen=True)
class Panel:
    """A group's path over its members': value by quarter counted, where there is one.

    ``label`` names the group, ``text`` is its last value in words.
    """

    label: str
    whole: Mapping[int, float]
    members: Sequence[Mapping[int, float]]
    text: str


def panels_chart(
    panels: Sequence[Panel], quarters: Sequence[str], *, axis_text: str, member_text: str
) -> str:
    """Draw groups' paths as small panels on common scales, so that they can be compared.

    The group is a thick line with dots and its last value beside it, a member a thin one.
    Quarters without a value leave a gap.

    Parameters
    ----------
    panels
        At least one; each with a value.
    quarters
        Names of the quarters, from the first; a path's key is a position among them.
    axis_text, member_text
        What is drawn, with its unit; what the two kinds of line are.

    Returns
    -------
    str
        An SVG document.
    """
    pen = Pen([axis_text, member_text, "−0123456789.", *quarters,
                *(t for p in panels for t in (p.label, p.text))])  # fmt: skip
    values = [v for p in panels for line in (p.whole, *p.members) for v in line.values()]
    reach = max(max(values), 0.0) - min(min(values), 0.0)
    limits = (
        min(min(values), 0.0) - 0.08 * (reach or 1.0),
        max(max(values), 0.0) + 0.12 * (reach or 1.0),
    )
    down = -(-len(panels) // _ACROSS)
    with mpl.rc_context(STYLE):
        tall = 0.75 + _TALL * down
        canvas = Canvas(figsize=(7.2, tall))
        for n, panel in enumerate(panels):
            row, column = divmod(n, _ACROSS)
            left, width = 0.07 + 0.315 * column, 0.26
            bottom = (0.3 + _TALL * (down - 1 - row) + 0.12) / tall
            axes = canvas.add_axes((left, bottom, width, (_TALL - 0.5) / tall))
            _paths(axes, panel, len(quarters))
            axes.set_ylim(*limits)
            lowest = n + _ACROSS >= len(panels)
            _scales(axes, quarters, named=lowest, numbered=column == 0)
            pen.ticks(axes)
            place = {"transform": axes.transAxes, "ha": "left", "va": "bottom"}
            pen.write(axes, 0, 1.03, panel.label, INK, 8.5, **place)
            last = max(panel.whole)
            pen.write(axes, last + _GAP, panel.whole[last], panel.text, INK, 8, va="center")
        strip = canvas.add_axes((0.02, 1 - 0.28 / tall, 0.96, 0.26 / tall))
        strip.set_axis_off()
        pen.write(strip, 0.01, 0.5, axis_text, INK, 8.5, va="center")
        pen.write(strip, 0.99, 0.5, member_text, MUTED, 8.5, ha="right", va="center")
        return to_svg(canvas, pen.name)


def _paths(axes: Any, panel: Panel, length: int) -> None:
    nothing = float("nan")
    for member in panel.members:
        line = [member.get(n, nothing) for n in range(length)]
        axes.plot(line, color=MUTED, lw=0.7, alpha=0.7, marker="o", ms=1.2, zorder=2)
    line = [panel.whole.get(n, nothing) for n in range(length)]
    axes.plot(line, color=GOOD, lw=1.6, marker="o", ms=3, zorder=3)


def _scales(axes: Any, quarters: Sequence[str], *, named: bool, numbered: bool) -> None:
    """Quarters below the lowest panels, first and last named; values left of the first."""
    last = len(quarters) - 1
    axes.set_xlim(-0.4, last + 0.26 * (last + 1) + 0.4)
    at = sorted({0, last})
    axes.set_xticks(at, [quarters[n] if named else "" for n in at])
    axes.grid(axis="y", color=LINE, lw=0.6)
    axes.axhline(0, color=MUTED, lw=0.8, zorder=1)
    axes.set_axisbelow(True)
    axes.tick_params(length=0)
    axes.locator_params(axis="y", nbins=4)
    if not numbered:
        axes.set_yticklabels([])
    sns.despine(ax=axes, left=True)
    axes.spines["bottom"].set_color(LINE)
