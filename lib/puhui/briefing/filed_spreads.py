"""Spread paths worked out from filed figures, on the pages: by kind, and an institution's own."""

from __future__ import annotations

from collections.abc import Sequence

from puhui.briefing.charts_paths import Panel, panels_chart
from puhui.briefing.figures import Figure, exact, ratio
from puhui.briefing.source import Row, Source
from puhui.briefing.table import Chart, Column, NoData, Table
from puhui.quarter import Quarter
from puhui.schema import CODES

_KINDS = CODES["institution_kind"]


def county_filed(source: Source) -> tuple[list[str], list[Table], list[Chart]]:
    """Return what the circular says of filed spreads: sentences, table and small charts."""
    known, words = {None, *source.institution_ids}, source.words
    rows = [r for r in source.rows("filed_spreads") if r["institution_id"] in known]
    if all(r["spread_bp"] is None for r in rows):
        return ([words.text("rates.filed.none")] if rows else []), [], []
    said = [words.text("rates.filed.lead"), *_regression_said(source)]
    return said, [_table(rows, source)], _charts(rows, source)


def _regression_said(source: Source) -> list[str]:
    words = source.words
    found = {r["equation"]: r for r in source.rows("mean_regressions")}
    plain, trend = found.get("filed"), found.get("filed_trend")
    if plain is None or trend is None:
        return []
    if plain["status"] != "ok":
        return [str(plain["reason"])]
    return [
        words.text(
            "rates.filed.regression",
            quarters=plain["periods"],
            estimate=_text(plain["estimate"], 3),
            trend=_text(trend["estimate"], 3),
        )
    ]


def _table(rows: Sequence[Row], source: Source) -> Table:
    """One row per kind and institution, one column per quarter."""
    words = source.words
    quarters = _quarters(rows)
    columns = (
        Column("kind", words.text("rates.filed.columns.kind")),
        Column("institution", words.text("rates.filed.columns.institution")),
        *(Column(q, q, "", "bp") for q in quarters),
    )
    cells = []
    for kind in _kinds(rows):
        of_kind = [r for r in rows if r["kind"] == kind]
        units = sorted({r["institution_id"] for r in of_kind} - {None})
        together = [None] if kind is not None and len(units) > 1 else []
        for unit in [*together, *units]:
            own = {r["lent_in"]: r for r in of_kind if r["institution_id"] == unit}
            name = words.text("rates.filed.all") if unit is None else source.name(unit)
            cells.append((_word(kind, source), name, *(_spread(own.get(q)) for q in quarters)))
    notes = (words.text("rates.filed.note"),)
    return Table(
        "filed_spreads", words.text("rates.filed.caption"), columns, tuple(cells), notes, True
    )


def _charts(rows: Sequence[Row], source: Source) -> list[Chart]:
    """Draw a panel per kind with at least two quarters; none without such a kind."""
    words, quarters = source.words, _quarters(rows)
    at = {q: n for n, q in enumerate(quarters)}
    panels, said = [], []
    for kind in _kinds(rows):
        lines: dict[str | None, dict[int, float]] = {}
        last: Row | None = None
        for row in (r for r in rows if r["kind"] == kind and r["spread_bp"] is not None):
            lines.setdefault(row["institution_id"], {})[at[row["lent_in"]]] = row["spread_bp"]
            if row["institution_id"] is None and (last is None or row["lent_in"] > last["lent_in"]):
                last = row
        whole = lines.pop(None, {})
        if last is None or len(whole) < 2:
            continue
        members = [lines[i] for i in sorted(map(str, lines))] if len(lines) > 1 else []
        label, text = _word(kind, source), _spread_text(last)
        panels.append(Panel(label, whole, members, text))
        told = "，".join(
            words.text("rates.filed.alt_row", quarter=r["lent_in"], spread=_spread_text(r))
            for r in sorted(
                (r for r in rows if r["kind"] == kind and r["institution_id"] is None),
                key=lambda r: r["lent_in"],
            )
        )
        said.append(f"{label}：{told}")
    if not panels:
        return []
    svg = panels_chart(
        panels,
        quarters,
        axis_text=words.text("rates.filed.axis"),
        member_text=words.text("rates.filed.members"),
    )
    alt = words.text("rates.filed.alt", list="；".join(said))
    return [Chart(svg, alt, words.text("rates.filed.chart"), "filed_spreads")]


def institution_filed(source: Source, institution_id: str) -> tuple[list[str], list[Table]]:
    """Return the filed path of an institution whose own ledger gives none: sentence and table."""
    words = source.words
    rows = sorted(
        (r for r in source.rows("filed_spreads") if r["institution_id"] == institution_id),
        key=lambda r: str(r["lent_in"]),
    )
    known = [r for r in rows if r["spread_bp"] is not None]
    if not known:
        return [], []
    first, last = known[0], known[-1]
    name = "own" if len(known) > 1 else "own_one"
    said = words.text(
        f"rates.filed.{name}",
        first=Quarter.parse(first["lent_in"]).label,
        first_bp=_spread_text(first),
        last=Quarter.parse(last["lent_in"]).label,
        last_bp=_spread_text(last),
    )
    columns = (
        Column("lent_in", words.text("rates.filed.columns.quarter")),
        Column("mean_rate", words.text("rates.filed.columns.rate"), "%", "percent"),
        Column("mean_benchmark", words.text("rates.filed.columns.benchmark"), "%", "percent"),
        Column("spread", words.text("rates.filed.columns.spread"), "个基点", "bp"),
    )
    cells = tuple(
        (
            Quarter.parse(r["lent_in"]).label,
            NoData(r["reason"]) if r["mean_rate"] is None else _figure(r["mean_rate"], "percent"),
            _figure(r["mean_benchmark"], "percent"),
            _spread(r),
        )
        for r in rows
    )
    notes = (words.text("rates.filed.note"),)
    table = Table("filed_spreads", words.text("rates.filed.own_caption"), columns, cells, notes)
    return [said], [table]


def _quarters(rows: Sequence[Row]) -> list[str]:
    """Quarters from the first with a spread to the last, without a hole."""
    known = sorted(Quarter.parse(r["lent_in"]) for r in rows if r["spread_bp"] is not None)
    found = [known[0]]
    while found[-1] < known[-1]:
        found.append(found[-1].shift(1))
    return [str(q) for q in found]


def _kinds(rows: Sequence[Row]) -> list[str | None]:
    """Kinds with a spread, in the order of the code list; institutions of no known kind last."""
    there = {r["kind"] for r in rows if r["spread_bp"] is not None}
    order: list[str | None] = [*_KINDS, None]
    return [k for k in order if k in there]


def _word(kind: str | None, source: Source) -> str:
    return source.words.text("rates.filed.no_kind") if kind is None else _KINDS[kind]


def _spread(row: Row | None) -> Figure | NoData:
    if row is None or row["spread_num"] is None:
        return NoData("", "—")
    value = ratio(row["spread_num"], row["spread_den"])
    return NoData("", "—") if value is None else Figure(value, "bp")


def _spread_text(row: Row) -> str:
    figure = _spread(row)
    return figure.text if isinstance(figure, Figure) else figure.word


def _figure(value: float | None, kind: str, digits: int | None = None) -> Figure | NoData:
    number = exact(value)
    return NoData() if number is None else Figure(number, kind, digits)


def _text(value: float | None, digits: int) -> str:
    figure = _figure(value, "number", digits)
    return figure.text if isinstance(figure, Figure) else figure.word
