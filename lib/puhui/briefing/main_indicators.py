"""The letter's main indicators (主要指标): a table beside peers, and a chart of ratios."""

from __future__ import annotations

from puhui.briefing.charts import Gauge, gauge_chart
from puhui.briefing.figures import Figure
from puhui.briefing.judged import (
    PASSED,
    base_figure,
    base_value,
    change_figure,
    change_unit,
    is_ratio,
    limit_text,
    limit_value,
    own_value,
    shown_unit,
    spoken,
    value_figure,
    verdict_said,
)
from puhui.briefing.overall import joined, judged
from puhui.briefing.peers import MORE_IS_BETTER, Peers, fewest, peers
from puhui.briefing.source import Row, Source
from puhui.briefing.table import Chart, Column, Section, Table
from puhui.briefing.trend import trend


def indicators_section(source: Source, institution_id: str) -> Section:
    """Return the main indicators: value, base, change, standard, peers, verdict."""
    words, heading = source.words, source.words.text("institution.headings.indicators")
    found = (source.indicator(institution_id, i) for i in words.texts("institution.main"))
    rows = [r for r in found if r is not None and own_value(r) is not None]
    if not rows:
        return Section("indicators", heading, (words.text("institution.indicators.empty"),))
    compared = {r["indicator_id"]: peers(source, institution_id, r["indicator_id"]) for r in rows}
    columns = (
        Column("label", "指标"),
        Column("value", "本期", "", "number"),
        Column("base", "基期", "", "number"),
        Column("change", "变动", "", "number"),
        Column("change_unit", "变动单位"),
        Column("base_word", "比较口径"),
        Column("limit", "标准"),
        Column("peers", "同业", "", "number"),
        Column("place", "名次"),
        Column("verdict", "结论", "", "verdict"),
    )
    cells = tuple(_indicator_cells(source, r, compared[r["indicator_id"]]) for r in rows)
    title = words.text("institution.indicators.caption", date=source.quarter.end.isoformat())
    notes = (
        *_peer_notes(source, [p for p in compared.values() if p]),
        words.text("institution.indicators.rounding"),
    )
    table = Table("indicators", title, columns, cells, notes)
    tables, charts = trend(source, institution_id)
    return Section("indicators", heading, (), (table, *tables), (*_gauges(source, rows), *charts))


def _indicator_cells(source: Source, row: Row, compared: Peers | None) -> tuple[object, ...]:
    figure = value_figure(row)
    kind = figure.kind if isinstance(figure, Figure) else "number"
    words = source.words
    change = change_figure(row, words)
    return (
        f"{source.catalogue[row['indicator_id']].label}（{shown_unit(row)}）",
        figure,
        base_figure(row),
        change,
        change_unit(row, words) if change else "—",
        words.of("common.bases", row["base"]) if row["base"] else "—",
        limit_text(row, words),
        Figure(compared.median, kind) if compared else None,
        (compared.place(row) if compared else "") or "—",
        words.mark(row["verdict"], row["flags"]),
    )


def _peer_notes(source: Source, found: list[Peers]) -> tuple[str, ...]:
    words = source.words
    few = fewest(words)
    if not found:
        return (words.text("institution.indicators.no_peers", fewest=few),)
    groups = {p.group: p.others for p in found}
    said = joined(f"{words.of('common.peers', g)}（{n} 家）" for g, n in groups.items())
    names = ("peers", "place")
    return tuple(words.text(f"institution.indicators.{n}", groups=said, fewest=few) for n in names)


def _gauges(source: Source, rows: list[Row]) -> tuple[Chart, ...]:
    words = source.words
    gauges, said = [], []
    drawn = words.texts("institution.charts")
    for row in judged(r for r in rows if r["indicator_id"] in drawn and is_ratio(r)):
        value, bound = own_value(row), limit_value(row)
        if value is None or bound is None:
            continue
        base, label = base_value(row), source.catalogue[row["indicator_id"]].label
        text, kind = spoken(row), "gauge_base" if row["test"] in ("up", "down") else "gauge_limit"
        against = base_figure(row)
        short = limit_text(row, words)
        gauges.append(
            Gauge(
                label=label,
                value=float(value),
                base=None if base is None else float(base),
                limit=float(bound),
                better=1 if row["test"] in MORE_IS_BETTER else -1,
                text=text,
                limit_text=words.text(
                    f"institution.indicators.{kind}",
                    limit=short,
                    value=against.text if against else "",
                ),
                passed=PASSED[row["verdict"]],
            )
        )
        said.append(
            words.text(
                "institution.indicators.alt_row",
                label=label,
                value=text,
                limit=short,
                verdict=verdict_said(row, words),
            )
        )
    if not gauges:
        return ()
    svg = gauge_chart(
        gauges,
        left_text=words.text("institution.indicators.left"),
        right_text=words.text("institution.indicators.right"),
    )
    alt = words.text("institution.indicators.alt", list="；".join(said))
    return (Chart(svg, alt, words.text("institution.indicators.chart"), "gauges"),)
