"""An institution's spread over the benchmark by quarter of pricing: table and chart."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from fractions import Fraction

from puhui.briefing.charts_rates import Level, SpreadPoint, spread_steps_chart
from puhui.briefing.figures import Figure, exact, ratio
from puhui.briefing.source import Row, Source
from puhui.briefing.table import Chart, Column, NoData, Table
from puhui.briefing.words import Words
from puhui.quarter import Quarter


def spread_path(source: Source, institution_id: str) -> tuple[Row, ...]:
    """Return the institution's rows of ``spreads``, earliest quarter of pricing first."""
    rows = [r for r in source.rows("spreads") if r["institution_id"] == institution_id]
    return tuple(sorted(rows, key=lambda r: str(r["priced_in"])))


def spread_table(path: Sequence[Row], words: Words) -> Table:
    """Return the latest quarters, as many as ``rates.spread.quarters`` says."""
    columns = (
        Column("priced_in", "定价季度"),
        Column("loans", "贷款", "笔", "count"),
        Column("mean_rate", "加权平均利率", "%", "percent"),
        Column("mean_benchmark", "加权平均基准利率", "%", "percent"),
        Column("spread", "利差", "个基点", "bp"),
    )
    shown = path[-words.number("rates.spread.quarters") :]
    cells = tuple(
        (
            Quarter.parse(row["priced_in"]).label,
            row["loans"],
            _figure(row["mean_rate"], "percent"),
            _figure(row["mean_benchmark"], "percent"),
            _spread(row),
        )
        for row in shown
    )
    notes = [words.text("rates.spread.note")]
    if len(shown) < len(path):
        notes.append(words.text("rates.spread.cut", shown=len(shown), total=len(path)))
    return Table("spreads", words.text("rates.spread.caption"), columns, cells, tuple(notes))


def _figure(value: float | None, kind: str) -> Figure | NoData:
    number = exact(value)
    return NoData() if number is None else Figure(number, kind)


def _spread(row: Row) -> Figure | NoData:
    value = ratio(row["spread_num"], row["spread_den"])
    return _figure(row["spread_bp"], "bp") if value is None else Figure(value, "bp")


def spread_charts(source: Source, path: Sequence[Row]) -> tuple[Chart, ...]:
    """Draw the spread above the steps of the benchmark; nothing for fewer than two quarters."""
    words = source.words
    points, said = [], []
    for row in path:
        spread, benchmark = _spread(row), _figure(row["mean_benchmark"], "percent")
        if isinstance(spread, Figure) and isinstance(benchmark, Figure):
            quarter = Quarter.parse(row["priced_in"])
            place = quarter.end.year * 4 + (quarter.end.month - 1) // 3
            points.append(SpreadPoint(place, str(quarter), float(spread.value), spread.text))
            said.append(
                words.text(
                    "rates.spread.alt_row",
                    quarter=quarter.label,
                    spread=spread.text,
                    benchmark=benchmark.text,
                )
            )
    if len(points) < 2:
        return ()
    code, steps = _steps(source)
    named = words.of("rates.benchmarks", code) or words.text("rates.pass_through.benchmark")
    svg = spread_steps_chart(
        points,
        [_level(step) for step in steps],
        spread_text=words.text("rates.spread.upper"),
        level_text=words.text("rates.spread.lower", benchmark=named),
    )
    moved = "；".join(
        words.text("rates.spread.level", day=s["date_from"], rate=_level(s).text) for s in steps
    )
    levels = words.text("rates.spread.alt_levels", benchmark=named, list=moved)
    alt = words.text("rates.spread.alt", list="；".join(said), levels=levels if steps else "")
    return (Chart(svg, alt, words.text("rates.spread.chart", benchmark=named), "spread_steps"),)


def _steps(source: Source) -> tuple[str, list[Row]]:
    """Levels of the benchmark most loans follow, in order of time: its name, real changes only."""
    by_name: dict[str, list[Row]] = {}
    for row in source.rows("identification"):
        by_name.setdefault(row["benchmark"], []).append(row)
    if not by_name:
        return "", []
    name = max(sorted(by_name), key=lambda n: sum(r["loans"] for r in by_name[n]))
    steps: list[Row] = []
    for row in sorted(by_name[name], key=lambda r: str(r["date_from"])):
        if not steps or steps[-1]["rate"] != row["rate"]:
            steps.append(row)
    return name, steps


def _level(row: Row) -> Level:
    rate = Figure(Fraction(str(row["rate"])), "percent")
    return Level(_place(dt.date.fromisoformat(row["date_from"])), row["rate"], rate.text)


def _place(day: dt.date) -> float:
    """Quarters counted to a day: a quarter reaches half a unit to either side of its number."""
    month = day.month - 1 + (day.day - 1) / 31
    return day.year * 4 + month / 3 - 0.5
