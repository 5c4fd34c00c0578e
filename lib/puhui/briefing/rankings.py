"""Annex of the circular: places of institutions within their level and within their kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from puhui.briefing.judged import own_value, shown_unit, value_figure
from puhui.briefing.overall import joined
from puhui.briefing.peers import Peers
from puhui.briefing.source import Row, Source
from puhui.briefing.table import Column, Section, Table
from puhui.schema import CODES

#: Name of a group an institution is in.
Grouping = Callable[[Row], str]


def rankings_section(source: Source) -> Section:
    """Return places by indicator ``county.rankings.shown``, the best of each level first.

    Only those with a value and a side that is better are ranked, and only in groups of
    ``county.rankings.fewest`` or more.
    """
    words = source.words
    heading = words.text("county.headings.rankings")
    groupings: tuple[Grouping, ...] = (_level, _kind)
    cells: list[tuple[object, ...]] = []
    small: dict[str, None] = {}
    for indicator_id in words.texts("county.rankings.shown"):
        rows = _ranked_rows(source, indicator_id)
        for row in sorted(rows, key=lambda r: _order(source, r, rows)):
            places = []
            for grouping in groupings:
                place = _place(source, row, rows, grouping)
                if not place:
                    name = grouping(source.institution(row["institution_id"]))
                    small[f"{source.catalogue[indicator_id].label}：{name}"] = None
                places.append(place or words.text("county.rankings.small"))
            own = source.institution(row["institution_id"])
            cells.append(
                (
                    f"{source.catalogue[indicator_id].label}（{shown_unit(row)}）",
                    own["name"],
                    _level(own),
                    _kind(own),
                    value_figure(row),
                    *places,
                    words.mark(row["verdict"], row["flags"]),
                )
            )
    if not cells:
        return Section("rankings", heading, (words.text("county.rankings.none"),))
    columns = (
        Column("indicator", "指标"),
        Column("institution", "机构"),
        Column("level", "层级"),
        Column("kind", "类型"),
        Column("value", "数值", "", "number"),
        Column("place_level", words.text("county.rankings.by_level")),
        Column("place_kind", words.text("county.rankings.by_kind")),
        Column("verdict", "结论", "", "verdict"),
    )
    fewest = words.number("county.rankings.fewest")
    notes = [words.text("county.rankings.note", fewest=fewest)]
    if small:
        notes.append(words.text("county.rankings.unranked", fewest=fewest, list=joined(small)))
    title = words.text("county.rankings.caption")
    table = Table("rankings", title, columns, tuple(cells), tuple(notes), grouped=True)
    return Section("rankings", heading, (), (table,))


def _level(own: Row) -> str:
    return CODES["level"].get(own["level"], "—")


def _kind(own: Row) -> str:
    return CODES["institution_kind"].get(own["kind"], "—")


def _ranked_rows(source: Source, indicator_id: str) -> list[Row]:
    """Rows of everybody with a value; only tests say which side is better."""
    found = (source.indicator(i, indicator_id) for i in source.institution_ids)
    return [r for r in found if r is not None and r["test"] and own_value(r) is not None]


def _group(source: Source, row: Row, rows: Sequence[Row], grouping: Grouping) -> list[Row]:
    mine = grouping(source.institution(row["institution_id"]))
    return [r for r in rows if grouping(source.institution(r["institution_id"])) == mine]


def _place(source: Source, row: Row, rows: Sequence[Row], grouping: Grouping) -> str:
    """Place in a group, ``2/7``; empty for one too small."""
    group = _group(source, row, rows, grouping)
    if len(group) < source.words.number("county.rankings.fewest"):
        return ""
    others = (own_value(r) for r in group if r is not row)
    return Peers("", tuple(v for v in others if v is not None)).place(row)


def _order(source: Source, row: Row, rows: Sequence[Row]) -> tuple[str, int, str]:
    """Level, then place in it, then id."""
    group = _group(source, row, rows, _level)
    others = (own_value(r) for r in group if r is not row)
    place = Peers("", tuple(v for v in others if v is not None)).place(row)
    level = source.institution(row["institution_id"])["level"] or ""
    return level, int(place.partition("/")[0] or 0), row["institution_id"]
