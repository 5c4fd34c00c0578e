"""Charts of the pages: SVG with outlined glyphs, the same bytes on every run and machine."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Any

import matplotlib as mpl
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure as Canvas
from matplotlib.font_manager import FontProperties

from puhui.briefing.glyphs import drawable, font_file

INK, MUTED, LINE, GOOD, BAD = "#1f2933", "#5f6b76", "#c9d0d6", "#1f4e79", "#a33b20"
STYLE: Any = {
    "svg.fonttype": "path",
    "path.simplify": False,
    "axes.unicode_minus": True,
}
_NO_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}


@dataclass(frozen=True)
class Dot:
    """A row of a dot chart: ``passed`` is ``None`` where nothing is judged."""

    label: str
    value: float
    text: str
    passed: bool | None


@dataclass(frozen=True)
class Gauge:
    """A row of a chart of unlike indicators, each on its own scale around its limit.

    ``better`` is +1 where more is better and −1 where less is.
    """

    label: str
    value: float
    base: float | None
    limit: float
    better: int
    text: str
    limit_text: str
    passed: bool


def dot_chart(dots: Sequence[Dot], *, limit: float | None, limit_text: str, axis_text: str) -> str:
    """Draw one figure by unit on a common scale, with the limit as a line.

    Parameters
    ----------
    dots
        Rows from top to bottom.
    limit
        Where the line stands, in the unit of the values; ``None`` draws none.
    limit_text, axis_text
        Direct label of the line, and what the axis measures, with its unit.

    Returns
    -------
    str
        An SVG document.
    """
    pen = Pen([limit_text, axis_text, "−", *(t for d in dots for t in (d.label, d.text))])
    with mpl.rc_context(STYLE):
        tall = 0.42 if any("\n" in in_two_lines(d.label) for d in dots) else 0.34
        canvas = Canvas(figsize=(7.2, 0.95 + tall * len(dots)))
        axes = canvas.add_axes(box(canvas, left=1.95, right=0.75, top=0.36, bottom=0.5))
        _points(axes, pd.DataFrame({"x": [d.value for d in dots], "dot": _signs(dots)}))
        pad = _limits(axes, [d.value for d in dots], limit)
        for row, dot in enumerate(dots):
            colour = BAD if dot.passed is False else INK
            pen.write(axes, dot.value + pad, row, dot.text, colour, 8.5, **PLATE)
            pen.write_left(axes, row, dot.label)
        if limit is not None:
            axes.axvline(limit, color=INK, lw=1, ls=(0, (4, 2)), zorder=1)
            pen.write(axes, limit, -0.75, limit_text, INK, 8.5, ha="center", va="bottom")
        row_frame(axes, len(dots))
        axes.set_xlabel(
            drawable(axis_text), fontproperties=pen.font(8.5), color=MUTED, parse_math=False
        )
        pen.ticks(axes)
        return to_svg(canvas, pen.name)


def gauge_chart(gauges: Sequence[Gauge], *, left_text: str, right_text: str) -> str:
    """Draw unlike indicators in aligned rows: limits form one line, better lies to the right.

    Each row has its own scale (its larger distance of value and base from the limit), so
    rows are not compared with each other; the labels carry the figures. A hollow dot is the base.
    """
    texts = [t for g in gauges for t in (g.label, g.text, g.limit_text)]
    pen = Pen([left_text, right_text, *texts])
    with mpl.rc_context(STYLE):
        canvas = Canvas(figsize=(7.2, 0.62 + 0.46 * len(gauges)))
        axes = canvas.add_axes(box(canvas, left=2.25, right=1.9, top=0.42, bottom=0.1))
        axes.axvspan(0, 1.25, color="#eef2f5", zorder=0)
        axes.axvline(0, color=INK, lw=1.1, zorder=1)
        for row, gauge in enumerate(gauges):
            own, base = _placed(gauge)
            if base is not None:
                axes.plot([base, own], [row, row], color=MUTED, lw=1.2, zorder=2)
                axes.plot(base, row, "o", mfc="white", mec=MUTED, ms=6, mew=1.2, zorder=3)
            _own_dot(axes, own, row, gauge.passed)
            pen.write_left(axes, row, gauge.label)
            colour = INK if gauge.passed else BAD
            pen.write_right(axes, row - 0.17, gauge.text, colour, 9)
            pen.write_right(axes, row + 0.22, gauge.limit_text, MUTED, 7.5)
        axes.set_xlim(-1.25, 1.25)
        pen.write(axes, -0.05, -0.72, left_text, MUTED, 8, ha="right", va="bottom")
        pen.write(axes, 0.05, -0.72, right_text, MUTED, 8, ha="left", va="bottom")
        row_frame(axes, len(gauges))
        axes.set_xticks([])
        axes.spines["bottom"].set_visible(False)
        return to_svg(canvas, pen.name)


class Pen:
    """Writes text with a font made of the chart's own characters."""

    def __init__(self, texts: Sequence[str]) -> None:
        path = font_file("".join(drawable(t) for t in texts) + "−…")
        self._path, self.name = str(path), path.stem

    def font(self, size: float) -> FontProperties:
        """The font in a size, in points."""
        return FontProperties(fname=self._path, size=size)

    def write(
        self, axes: Any, x: float, y: float, text: str, colour: str, size: float, **place: Any
    ) -> None:
        """Write text, of several lines perhaps, at a place."""
        axes.text(
            x,
            y,
            "\n".join(drawable(line) for line in text.split("\n")),
            color=colour,
            fontproperties=self.font(size),
            parse_math=False,
            **place,
        )

    def write_left(self, axes: Any, row: float, text: str) -> None:
        """Write a row's label beside the axes, broken in two lines if it is long."""
        place = {"transform": axes.get_yaxis_transform(), "ha": "right", "va": "center"}
        size = 9 if len(text) <= _LINE else 8
        self.write(axes, -0.03, row, in_two_lines(text), INK, size, linespacing=1.15, **place)

    def write_right(self, axes: Any, row: float, text: str, colour: str, size: float) -> None:
        """Write a row's figures on the other side."""
        place = {"transform": axes.get_yaxis_transform(), "ha": "left", "va": "center"}
        self.write(axes, 1.03, row, text, colour, size, **place)

    def ticks(self, axes: Any) -> None:
        """Set the labels of both axes in the font."""
        for label in (*axes.get_xticklabels(), *axes.get_yticklabels()):
            label.set_fontproperties(self.font(8))
            label.set_color(MUTED)


#: Characters of a row's label on one line; two lines at most.
_LINE = 13


#: Labels of dots stand on a white plate, so that the line of the limit does not cross them.
PLATE: dict[str, Any] = {
    "ha": "left",
    "va": "center",
    "bbox": {"facecolor": "white", "edgecolor": "none", "pad": 0.8},
    "zorder": 2,
}


def in_two_lines(text: str) -> str:
    """Break a long label into two lines, the second cut if need be."""
    if text.isascii():
        lines = textwrap.wrap(text, 2 * _LINE, max_lines=2, placeholder="…")
        return "\n".join(lines)
    if len(text) <= _LINE:
        return text
    half = _LINE if len(text) > 2 * _LINE else -(-len(text) // 2)
    rest = text[half:]
    return f"{text[:half]}\n{rest if len(rest) <= _LINE else rest[: _LINE - 1] + '…'}"


def _signs(dots: Sequence[Dot]) -> list[str]:
    words = {True: "met", False: "not met", None: "shown"}
    return [words[d.passed] for d in dots]


def _points(axes: Any, frame: pd.DataFrame) -> None:
    """Draw the dots; a failed one is a cross, so that shape and not colour tells it."""
    styles = {"met": ("o", GOOD), "not met": ("X", BAD), "shown": ("s", MUTED)}
    sns.scatterplot(
        data=frame.assign(row=range(len(frame))),
        x="x",
        y="row",
        style="dot",
        hue="dot",
        markers={k: v[0] for k, v in styles.items()},
        palette={k: v[1] for k, v in styles.items()},
        s=58,
        legend=False,
        ax=axes,
        zorder=3,
    )
    axes.set_ylabel("")


def _own_dot(axes: Any, x: float, row: int, passed: bool) -> None:
    sign, colour = ("o", GOOD) if passed else ("X", BAD)
    axes.plot(x, row, sign, mfc=colour, mec="white", ms=8.5, mew=0.7, zorder=4)


def _placed(gauge: Gauge) -> tuple[float, float | None]:
    """Own value and base as signed distances from the limit, scaled into ±1.

    Without a base a row is at least a quarter of its limit wide: near the limit looks near.
    """
    own = (gauge.value - gauge.limit) * gauge.better
    base = None if gauge.base is None else (gauge.base - gauge.limit) * gauge.better
    widest = max(abs(own), abs(base or 0.0), abs(gauge.limit) / 4 if base is None else 0.0)
    scale = widest if widest > 0 else 1.0
    return own / scale, None if base is None else base / scale


def _limits(axes: Any, values: Sequence[float], limit: float | None) -> float:
    """Set the horizontal range with room for labels; return the gap from dot to label."""
    ends = [*values, 0.0, *([] if limit is None else [limit])]
    low, high = min(ends), max(ends)
    width = (high - low) or 1.0
    axes.set_xlim(low - 0.06 * width, high + 0.16 * width)
    return 0.025 * width


def box(
    canvas: Any, *, left: float, right: float, top: float, bottom: float
) -> tuple[float, float, float, float]:
    """Axes rectangle from margins in inches."""
    width, height = canvas.get_size_inches()
    return (
        left / width,
        bottom / height,
        (width - left - right) / width,
        (height - top - bottom) / height,
    )


def row_frame(axes: Any, rows: int) -> None:
    """Axes of rows counted from the top, with no frame but the line below."""
    axes.set_ylim(rows - 0.4, -0.6)
    axes.set_yticks(range(rows), [""] * rows)
    axes.grid(axis="y", color=LINE, lw=0.6, zorder=0)
    axes.set_axisbelow(True)
    axes.tick_params(length=0)
    sns.despine(ax=axes, left=True)
    axes.spines["bottom"].set_color(LINE)


#: Names matplotlib gives to groups; they would repeat on a page with several charts.
_GROUP_IDS = re.compile(r' id="(?:figure|axes|patch|text|line2d|[xy]tick|matplotlib|\w+Coll)[^"]*"')
#: An outline as matplotlib writes it: 64 units to a point of a glyph 100 points high.
_OUTLINE = re.compile(r' d="([^"]*)" transform="scale\(0\.015625\)"')
#: Units of that grid made one: a sixteen-hundredth of a glyph's height is not seen.
_COARSER = 4


def to_svg(canvas: Any, name: str) -> str:
    """Return the drawing as one compact element whose ids no other chart of a page has."""
    out = StringIO()
    with mpl.rc_context({"svg.hashsalt": f"puhui-{name}"}):
        canvas.savefig(out, format="svg", metadata=_NO_METADATA)
    text = out.getvalue()
    text = re.sub(r"<!--.*?-->|<metadata>.*?</metadata>", "", text, flags=re.S)
    text = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", text, flags=re.S)
    text = _GROUP_IDS.sub("", text[text.index("<svg") :])
    text = re.sub(r' width="[\d.]+pt" height="[\d.]+pt"', "", text, count=1)
    scale = 0.015625 * _COARSER
    text = re.sub(r"\s*\n\s*", " ", text)
    text = _OUTLINE.sub(lambda m: f' d="{outline(m[1])}" transform="scale({scale})"', text)
    text = re.sub(r'(<use [^>]*?)transform="translate\(([-\d.]+) 0\)"/>', r'\1x="\2"/>', text)
    text = re.sub(r' d="([^"]*)"', lambda m: f' d="{_compact(m[1])}"', text)
    text = re.sub(r"(\d\.\d\d)\d{3,}", r"\1", text)  # a hundredth of a point is not seen
    text = re.sub(r">\s+<", "><", text).strip()
    while "<g/>" in text or "<g></g>" in text:
        text = text.replace("<g/>", "").replace("<g></g>", "")
    return text


def _compact(path: str) -> str:
    """Leave out the spaces around the letters of path data."""
    return re.sub(r"\s*([A-Za-z])\s*", r"\1", path).strip()


def outline(path: str) -> str:
    """Write a glyph's outline in steps from point to point, which takes half the characters.

    Points are rounded to a grid of four units before the steps are taken, so that errors do not
    add up; a letter is written once for steps of one kind.

    Examples
    --------
    >>> outline("M243 2144L243 2580L3316 2580Q3400 2500 3316 2144z")
    'm61 536v109h768q21-20 0-109z'
    """
    written, before = [], ""
    at = start = (0, 0)
    for letter, numbers in re.findall(r"([MLQz])([^MLQz]*)", path):
        if letter == "z":
            written.append("z")
            at, before = start, "z"
            continue
        flat = [_grid(float(n)) for n in numbers.split()]
        points = list(zip(flat[::2], flat[1::2], strict=True))
        steps = [v for x, y in points for v in (x - at[0], y - at[1])]
        kind = letter.lower()
        if kind == "l" and 0 in steps:
            kind, steps = ("v", steps[1:]) if steps[0] == 0 else ("h", steps[:1])
        said = " ".join(map(str, steps)).replace(" -", "-")
        again = kind == before and kind != "m"  # a second pair after m would be a line
        written.append(("" if said.startswith("-") else " ") + said if again else kind + said)
        at, before = points[-1], kind
        if letter == "M":
            start = at
    return "".join(written)


def _grid(value: float) -> int:
    return round(value / _COARSER)
