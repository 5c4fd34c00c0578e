"""Key indicators of an institution over as many as nine quarters: a table and one chart."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from puhui.briefing.charts_trend import Path, trend_chart
from puhui.briefing.figures import Figure, exact
from puhui.briefing.judged import KINDS, unit_shown
from puhui.briefing.source import Source
from puhui.briefing.table import Chart, Column, NoData, Table
from puhui.quarter import Quarter

#: Sources of measures a path may come from; all its quarters from the same one.
_SOURCES = ("returns", "ledger")
#: Value by quarter.
Values = Mapping[Quarter, Fraction]


def trend(source: Source, institution_id: str) -> tuple[tuple[Table, ...], tuple[Chart, ...]]:
    """Return table and chart of the lines ``institution.trend.lines``; nothing for one quarter.

    A line is a column of the tolerance, a measure, or one ``per`` another ``times`` a number.
    """
    words = source.words
    found = {
        name: path
        for name in words.texts("institution.trend.shown")
        if len(path := _path(source, institution_id, _line(source, name))) > 1
    }
    if not found:
        return (), ()
    first = min(q for values in found.values() for q in values)
    quarters = [q for q in _quarters(source) if q >= first]
    return (_table(source, found, quarters),), (_chart(source, found, quarters),)


def _line(source: Source, name: str) -> Mapping[str, str]:
    return source.words.map(f"institution.trend.lines.{name}")


def _quarters(source: Source) -> list[Quarter]:
    """The quarters a trend may have, oldest first."""
    found = [source.quarter]
    while len(found) < source.words.number("institution.trend.quarters"):
        found.append(found[-1].previous)
    return found[::-1]


def _path(source: Source, institution_id: str, line: Mapping[str, str]) -> Values:
    """Values by quarter from the source the line's indicator is judged by, else the fuller one."""
    if "tolerance" in line:
        return _of_tolerance(source, institution_id, line["tolerance"])
    row = source.indicator(institution_id, line["indicator"])
    judged_by = row["source"] if row else None
    paths = {s: _of_source(source, institution_id, line, s) for s in _SOURCES}
    if judged_by in paths:
        return paths[judged_by]
    now = {s: p for s, p in paths.items() if source.quarter in p}
    return max(now.values(), key=len, default={})


def _of_tolerance(source: Source, institution_id: str, column: str) -> Values:
    """A column of the institution's own rows of the tolerance, from the last quarter's source."""
    allowed = _quarters(source)
    rows = [r for r in source.tolerance_history(institution_id) if r["branch_id"] is None]
    return {
        quarter: value
        for row in rows
        if row["source"] == rows[-1]["source"]
        and (quarter := Quarter.parse(row["quarter"])) in allowed
        and (value := exact(row[column])) is not None
    }


def _of_source(
    source: Source, institution_id: str, line: Mapping[str, str], of: str
) -> dict[Quarter, Fraction]:
    found = {}
    for quarter in _quarters(source):
        value = source.measure(institution_id, line["measure"], quarter, of)
        per = Fraction(1)
        if "per" in line:
            per = Fraction(source.measure(institution_id, line["per"], quarter, of) or 0)
        if value is not None and per:
            found[quarter] = Fraction(value) / per * int(line.get("times", "1"))
    return found


def _figure(value: Fraction, line: Mapping[str, str]) -> Figure:
    return Figure(value, KINDS[line["unit"]])


def _table(source: Source, found: Mapping[str, Values], quarters: list[Quarter]) -> Table:
    words = source.words
    lines = {name: _line(source, name) for name in found}
    columns = (
        Column("quarter", words.text("institution.trend.quarter")),
        *(
            Column(name, line["label"], unit_shown(line["unit"]), KINDS[line["unit"]])
            for name, line in lines.items()
        ),
    )
    cells = tuple(
        (
            quarter.label,
            *(
                _figure(values[quarter], lines[name]) if quarter in values else NoData()
                for name, values in found.items()
            ),
        )
        for quarter in quarters
    )
    note = words.text("institution.trend.note")
    caption = words.text("institution.trend.caption", count=len(quarters))
    return Table("trend", caption, columns, cells, (note,))


def _chart(source: Source, found: Mapping[str, Values], quarters: list[Quarter]) -> Chart:
    words, paths, said = source.words, [], []
    for name, values in found.items():
        line = _line(source, name)
        first, last = (_figure(values[end(values)], line).text for end in (min, max))
        label, unit = line["short"], unit_shown(line["unit"])
        at = {n: float(values[q]) for n, q in enumerate(quarters) if q in values}
        paths.append(Path(f"{label}（{unit}）", at, first, last))
        said.append(
            words.text(
                "institution.trend.alt_row",
                label=label,
                first=first,
                last=last,
                unit=unit,
                start=min(values).label,
                end=max(values).label,
            )
        )
    alt = words.text("institution.trend.alt", list="；".join(said))
    caption = words.text("institution.trend.chart", start=quarters[0].label, end=quarters[-1].label)
    return Chart(trend_chart(paths, len(quarters)), alt, caption, "trend")
