"""An institution's spread over the benchmark by quarter of pricing: table and chart."""

from __future__ import annotations

from collections.abc import Sequence

from puhui.briefing.charts import Moment, path_chart
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


def spread_charts(path: Sequence[Row], words: Words) -> tuple[Chart, ...]:
    """Draw spread and benchmark over all quarters; nothing for fewer than two."""
    moments, said = [], []
    for row in path:
        spread, benchmark = _spread(row), _figure(row["mean_benchmark"], "percent")
        if isinstance(spread, Figure) and isinstance(benchmark, Figure):
            quarter = Quarter.parse(row["priced_in"])
            place = (quarter.end.year, (quarter.end.month - 1) // 3)
            moments.append(
                Moment(place[0] * 4 + place[1], str(quarter), float(spread.value),
                       float(benchmark.value), spread.text, benchmark.text)
            )  # fmt: skip
            said.append(
                words.text(
                    "rates.spread.alt_row",
                    quarter=quarter.label,
                    spread=spread.text,
                    benchmark=benchmark.text,
                )
            )
    if len(moments) < 2:
        return ()
    svg = path_chart(
        moments,
        upper_text=words.text("rates.spread.upper"),
        lower_text=words.text("rates.spread.lower"),
    )
    alt = words.text("rates.spread.alt", list="；".join(said))
    return (Chart(svg, alt, words.text("rates.spread.chart")),)
