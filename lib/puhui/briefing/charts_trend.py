"""Paths of unlike indicators over the same quarters: one small panel each, on its own scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import seaborn as sns
from matplotlib.figure import Figure as Canvas

from puhui.briefing.charts import GOOD, INK, LINE, MUTED, STYLE, Pen, to_svg

#: Panels beside each other, and their height in inches.
_ACROSS, _TALL = 3, 1.05


@dataclass(frozen=True)
class Path:
    """An indicator's values by quarter counted; first and last one stand beside it in words."""

    label: str
    values: Mapping[int, float]
    first: str
    last: str


def trend_chart(paths: Sequence[Path], length: int) -> str:
    """Draw paths over ``length`` quarters; a quarter without a value leaves a gap.

    Returns
    -------
    str
        An SVG document.
    """
    pen = Pen([t for p in paths for t in (p.label, p.first, p.last)])
    down = -(-len(paths) // _ACROSS)
    with mpl.rc_context(STYLE):
        tall = 0.1 + _TALL * down
        canvas = Canvas(figsize=(7.2, tall))
        for n, path in enumerate(paths):
            row, column = divmod(n, _ACROSS)
            bottom = _TALL * (down - 1 - row) + 0.14
            place = (0.02 + 0.325 * column, bottom / tall, 0.29, (_TALL - 0.48) / tall)
            _panel(canvas.add_axes(place), path, length, pen)
        return to_svg(canvas, pen.name)


def _panel(axes: Any, path: Path, length: int, pen: Pen) -> None:
    nothing = float("nan")
    line = [path.values.get(n, nothing) for n in range(length)]
    axes.plot(line, color=GOOD, lw=1.5, marker="o", ms=2.6, zorder=3)
    low, high = min(path.values.values()), max(path.values.values())
    pad = 0.3 * (high - low) or 1.0
    axes.set_ylim(low - pad, high + pad)
    axes.set_xlim(-0.3, length - 0.7)
    axes.set_xticks([])
    axes.set_yticks([])
    sns.despine(ax=axes, left=True)
    axes.spines["bottom"].set_color(LINE)
    above = {"transform": axes.transAxes, "va": "bottom"}
    pen.write(axes, 0, 1.2, path.label, INK, 8.5, ha="left", **above)
    pen.write(axes, 0, 0.98, path.first, MUTED, 7.5, ha="left", **above)
    pen.write(axes, 1, 0.98, path.last, INK, 8.5, ha="right", **above)
