"""Charts of the page, as SVG with the same bytes for the same figures and libraries."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from county_figures import Figures
from county_tables import (
    NPL_TYPES,
    YEARS,
    official_growth,
    official_inclusive_npl,
    official_npl,
)
from matplotlib.figure import Figure

from puhui.example.columns import calendar_day
from puhui.example.days import add_months
from puhui.example.pricing import FIRST_MONTH, common_part, lpr_bp
from puhui.example.roster import QUARTERS, institution_id

COUNTY, OFFICIAL, THIRD = "#1f5a96", "#c8862a", "#6b6b6b"
#: Months the price chart shows: from 2019-01 to 2021-12.
FIRST_SHOWN, SHOWN = (2019 - 1970) * 12, 36
_STYLE = {
    "svg.hashsalt": "puhui example county",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e4e4e4",
    "axes.axisbelow": True,
    "legend.frameon": False,
}


def draw(figures: Figures, folder: Path, stamp: str) -> list[Path]:
    """Write every chart; ``stamp`` goes into their metadata and tells stale ones."""
    makers = {
        "growth": _growth,
        "npl": _npl,
        "prices": _prices,
        "pass-through": _pass_through,
        "season": _season,
    }
    paths = []
    for name, make in makers.items():
        with mpl.rc_context(_STYLE):
            figure = make(figures)
            path = folder / f"{name}.svg"
            figure.savefig(path, metadata={"Date": None, "Creator": None, "Description": stamp})
        path.write_text(_tidy(path.read_text(encoding="utf-8")), encoding="utf-8", newline="\n")
        paths.append(path)
    return paths


def _tidy(text: str) -> str:
    """Without spaces at line ends, which the hooks would take away."""
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


def _panels(rows: int, columns: int, size: tuple[float, float], **options: Any) -> Any:
    figure = Figure(figsize=size, layout="constrained")
    return figure, figure.subplots(rows, columns, **options)


def _growth(figures: Figures) -> Figure:
    figure, axes = _panels(1, 2, (8, 2.8), sharey=True)
    groups = list(NPL_TYPES)
    places = np.arange(len(groups))
    for axis, year in zip(axes, YEARS, strict=True):
        mine = [float(figures.growth("inclusive", year, g)) for g in groups]
        known = [official_growth(g, year) for g in groups]
        theirs = [np.nan if k is None else float(k) for k in known]
        axis.bar(places - 0.2, mine, 0.38, color=COUNTY, label="county")
        axis.bar(places + 0.2, theirs, 0.38, color=OFFICIAL, label="official")
        axis.set_xticks(places, groups)
        axis.set_title(str(year))
        axis.grid(axis="x", visible=False)
    axes[0].set_ylabel("growth of inclusive balance, %")
    axes[0].legend()
    return figure


def _npl(figures: Figures) -> Figure:
    figure, axes = _panels(2, 3, (8, 4.2), sharex=True)
    places = np.arange(len(QUARTERS))
    for axis, group in zip(axes.flat, NPL_TYPES, strict=False):
        mine = [float(figures.npl("all", q, group)) for q in QUARTERS]
        theirs = [float(official_npl(group, q) or 0) for q in QUARTERS]
        axis.plot(places, mine, color=COUNTY, label="county")
        axis.plot(places, theirs, color=OFFICIAL, label="official")
        axis.set_title(f"{group}: all loans")
    last = axes.flat[-1]
    last.plot(places, [float(figures.npl("inclusive", q)) for q in QUARTERS], color=COUNTY)
    known = [official_inclusive_npl("inclusive_mse_npl_ratio_pct", q) for q in QUARTERS]
    last.plot(places, [np.nan if k is None else float(k) for k in known], "o", color=OFFICIAL)
    last.set_title("all: inclusive loans")
    for axis in axes.flat:
        axis.set_ylim(0, None)
        axis.set_xticks(places[::4], [str(q) for q in QUARTERS[::4]])
    for axis in axes[:, 0]:
        axis.set_ylabel("NPL ratio, %")
    axes[0, 0].legend(loc="lower right")
    return figure


def _prices(figures: Figures) -> Figure:
    """LPR and rates above, what moves all banks' prices below."""
    figure, (above, below) = _panels(2, 1, (8, 5.2), sharex=True)
    first = add_months(np.zeros(SHOWN, dtype=np.int64), np.arange(SHOWN) + FIRST_SHOWN)
    middle = first + 14
    dates = [calendar_day(day) for day in middle.tolist()]
    days = np.arange(first[0], first[-1] + 31)
    axis_days = [calendar_day(day) for day in days.tolist()]
    for long, colour, name in ((0, OFFICIAL, "LPR 1Y"), (1, THIRD, "LPR 5Y")):
        path = lpr_bp(np.full(len(days), long), days) / 100
        above.plot(axis_days, path, color=colour, label=name)
    rates = figures.monthly_rates(FIRST_SHOWN, SHOWN)
    above.plot(dates, rates, color=COUNTY, label="mean rate of inclusive loans")
    above.set_ylabel("%")
    above.legend(loc="center right")
    shocks = figures.county.shocks
    shock = shocks[FIRST_SHOWN - FIRST_MONTH :][:SHOWN] / 1000
    below.bar(dates, shock, width=20, color="#a9c4df", label="month shock")
    calm = common_part(days, np.zeros_like(shocks)) / 1000
    below.plot(axis_days, calm, color=THIRD, label="relief and drift")
    whole = common_part(middle, shocks) / 1000
    below.plot(dates, whole, color=COUNTY, label="all three together")
    below.set_ylabel("bp, every bank alike")
    below.legend(loc="lower left")
    return figure


def _pass_through(figures: Figures) -> Figure:
    figure, axis = _panels(1, 1, (8, 3))
    places = np.arange(len(figures.slopes))
    true = [one.unit.pass_through / 1000 for one in figures.slopes]
    months = [one.months for one in figures.slopes]
    errors = [2 * one.error for one in figures.slopes]
    calendar = [one.calendar for one in figures.slopes]
    axis.plot(places, calendar, "x", color=OFFICIAL, label="from the calendar (naive)")
    axis.errorbar(
        places, months, errors, fmt="o", ms=4, capsize=3, color=COUNTY,
        label="months held fixed, ± 2 standard errors",
    )  # fmt: skip
    axis.hlines(true, places - 0.3, places + 0.3, color="black", lw=1.2, label="true")
    axis.set_xticks(places, [institution_id(one.unit.short) for one in figures.slopes], rotation=30)
    axis.set_ylim(0, None)
    axis.set_ylabel("slope of the rate on LPR")
    axis.legend(loc="upper right", fontsize=8)
    return figure


def _season(figures: Figures) -> Figure:
    figure, (left, right) = _panels(1, 2, (8, 2.8))
    months = np.arange(1, 13)
    for year, colour in zip(YEARS, (COUNTY, OFFICIAL), strict=True):
        shares = [float(share) for share in figures.monthly(year)]
        left.plot(months, shares, marker=".", color=colour, label=str(year))
    left.set_xticks(months)
    left.set_ylim(0, None)
    left.set_title("drawdowns by month, % of the year's")
    left.legend(loc="lower right")
    places = np.arange(len(QUARTERS))
    loans = [figures.total("loans", q) / 1000 for q in QUARTERS]
    right.bar(places, loans, color=COUNTY)
    right.set_xticks(places[::2], [str(q) for q in QUARTERS[::2]])
    right.grid(axis="x", visible=False)
    right.set_title("loans outstanding, thousands")
    return figure
