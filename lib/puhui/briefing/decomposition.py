"""Why an average rate moved, on the pages: one sentence, a waterfall, a table of both bases."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from puhui.briefing.charts_rates import Effect, waterfall_chart
from puhui.briefing.figures import Figure, exact, ratio
from puhui.briefing.source import Row, Source
from puhui.briefing.table import Chart, Column, NoData, Table
from puhui.briefing.words import Words

#: The base of the sentence and the chart, that of clause C3.1b; then the one beside it.
_BASES = ("last_full_year", "last_quarter")
_EFFECTS = ("rate", "mix", "entry", "exit")


def change_sentences(source: Source, institution_id: str | None) -> tuple[str, ...]:
    """Say why the average moved against last year; nothing where nothing was lent."""
    row = _row(source, institution_id)
    return () if row is None else (_said(row, source.words),)


def _said(row: Row, words: Words) -> str:
    if row["status"] != "ok":
        return words.text("rates.change.refused", reason=row["reason"])
    effects = {name: _bp(row[f"{name}_bp"]).text for name in _EFFECTS}
    change = _change(row)
    way = "rise" if change.value > 0 else "fall" if change.value < 0 else "still"
    return words.text(
        f"rates.change.{way}",
        **{f"{when}_word": words.text(f"rates.change.{when}.{row['base']}") for when in _WHEN},
        before=_percent(row["rate_before"]).text,
        after=_percent(row["rate_after"]).text,
        change=Figure(abs(change.value), "bp").text,
        effects=words.text("rates.change.effects", **effects),
    )


_WHEN = ("before", "after")


def change_charts(source: Source, institution_id: str | None) -> tuple[Chart, ...]:
    """Draw the four effects against last year; nothing without a decomposition."""
    row, words = _row(source, institution_id), source.words
    if row is None or row["status"] != "ok":
        return ()
    bars = [_effect(words, name, _bp(row[f"{name}_bp"])) for name in _EFFECTS]
    whole = _effect(words, "whole", _change(row))
    start, end = (
        words.text(
            "rates.change.end",
            name=words.text(f"rates.change.{when}.{row['base']}"),
            rate=_percent(row[f"rate_{when}"]).text,
        )
        for when in _WHEN
    )
    axis = words.text("rates.change.axis")
    svg = waterfall_chart(bars, whole, axis_text=axis, start_text=start, end_text=end)
    listed = "；".join(f"{bar.label}{bar.text}" for bar in (*bars, whole))
    alt = words.text("rates.change.alt", start=start, end=end, list=listed)
    return (Chart(svg, alt, words.text("rates.change.chart"), "rate_change"),)


def _effect(words: Words, name: str, figure: Figure) -> Effect:
    sign = "+" if figure.value > 0 and figure.text.strip("0.") else ""
    label = words.text(f"rates.change.labels.{name}")
    return Effect(label, float(figure.value), sign + figure.text)


def change_table(source: Source, institution_id: str) -> Table | None:
    """Return an institution's effects against both bases; ``None`` if nothing was lent."""
    rows = [r for base in _BASES if (r := _row(source, institution_id, base)) is not None]
    return _table(rows, [], source.words) if rows else None


def county_change_table(source: Source) -> Table | None:
    """Return the effects of all together and by institution, by base; ``None``: nothing lent."""
    rows, names = [], []
    for base in _BASES:
        for unit in (None, *source.institution_ids):
            row = _row(source, unit, base)
            if row is not None:
                rows.append(row)
                whole = source.words.text("rates.contracts.all")
                names.append(whole if unit is None else source.name(unit))
    return _table(rows, names, source.words) if rows else None


def _table(rows: Sequence[Row], names: Sequence[str], words: Words) -> Table:
    name = words.text("rates.contracts.columns.institution")
    columns = (
        Column("base", words.text("rates.change.columns.base")),
        *([Column("institution", name)] if names else []),
        Column("before", words.text("rates.change.columns.before"), "%", "percent"),
        Column("after", words.text("rates.change.columns.after"), "%", "percent"),
        Column("change", words.text("rates.change.columns.change"), "个基点", "bp"),
        *(Column(n, words.text(f"rates.change.labels.{n}"), "个基点", "bp") for n in _EFFECTS),
    )
    cells = tuple(
        (
            words.text(f"rates.change.against.{row['base']}"),
            *([names[n]] if names else []),
            *(_or_none(row[f"rate_{when}"], "percent", row) for when in _WHEN),
            _change(row) if row["change_bp"] is not None else _lacking(row),
            *(_or_none(row[f"{effect}_bp"], "bp", row) for effect in _EFFECTS),
        )
        for n, row in enumerate(rows)
    )
    caption = words.text("rates.change.caption")
    notes = (words.text("rates.change.note"),)
    return Table("rate_change", caption, columns, cells, notes, grouped=bool(names))


def stability_sentences(source: Source) -> tuple[str, ...]:
    """Say what the change at constant mix shows, by base; information only."""
    words = source.words
    found = {r["base"]: r for r in source.rows("stability")}
    return tuple(
        words.text(
            "rates.change.stability",
            against=words.text(f"rates.change.against.{base}"),
            reason=found[base]["reason"],
        )
        for base in _BASES
        if base in found
    )


def _row(source: Source, institution_id: str | None, base: str = _BASES[0]) -> Row | None:
    """Return a unit's row against a base, unless it has no new loans in either period."""
    return next(
        (
            r
            for r in source.rows("decomposition")
            if r["institution_id"] == institution_id
            and r["base"] == base
            and (r["loans_before"] or r["loans_after"])
        ),
        None,
    )


def _change(row: Row) -> Figure:
    value = ratio(row["change_num"], row["change_den"])
    return _bp(row["change_bp"]) if value is None else Figure(value, "bp")


def _bp(value: float) -> Figure:
    return Figure(Fraction(str(value)), "bp")


def _percent(value: float) -> Figure:
    return Figure(Fraction(str(value)), "percent")


def _or_none(value: float | None, kind: str, row: Row) -> Figure | NoData:
    number = exact(value)
    return _lacking(row) if number is None else Figure(number, kind)


def _lacking(row: Row) -> NoData:
    return NoData(row["reason"] or "")
