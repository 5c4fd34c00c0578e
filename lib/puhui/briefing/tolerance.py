"""NPL tolerance (不良容忍度) on the pages: table and chart of the gap against the limit."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from puhui.briefing.charts import Dot, dot_chart
from puhui.briefing.figures import DIGITS, Figure, beside, exact, in_full, plain_number, ratio
from puhui.briefing.judged import PASSED, flagged, no_value, verdict_said
from puhui.briefing.outlook import institution_outlook
from puhui.briefing.overall import inapplicable, joined, shortened
from puhui.briefing.source import Row, Source
from puhui.briefing.table import Chart, Column, NoData, Section, Table
from puhui.briefing.tolerance_checks import checks_table, remarks
from puhui.briefing.words import Words

#: Most rows a chart holds; more would not be read.
MOST_ROWS = 30
#: Most branches the chart of an institution shows; the table has them all.
MOST_BRANCHES = 12


def gap(row: Row) -> Fraction | None:
    """Exact gap in percentage points."""
    value = ratio(row["gap_num"], row["gap_den"])
    return exact(row["gap_pp"]) if value is None else value


def limit(row: Row) -> Fraction | None:
    """The limit in percentage points."""
    return exact(row["tolerance_pp"])


def gap_figure(row: Row) -> Figure | NoData:
    """Return the gap with as many digits as its verdict needs; without one, why."""
    value, bound = gap(row), limit(row)
    if value is None:
        return no_value(row)
    return beside(value, "pp", bound)


def unit_name(source: Source, row: Row) -> str:
    """Name of the branch, or the word for the whole institution."""
    if row["branch_id"] is None:
        return source.words.text("institution.tolerance.own")
    return source.branch_name(row["institution_id"], row["branch_id"])


def tolerance_section(source: Source, institution_id: str) -> Section:
    """Return the annex on tolerance: institution and branches."""
    words = source.words
    heading = words.text("institution.headings.tolerance")
    rows = source.tolerance(institution_id)
    if not rows or inapplicable(rows):
        reason = words.text(f"institution.tolerance.{'not_applicable' if rows else 'missing'}")
        text = words.text("institution.tolerance.none", reason=reason)
        return Section("tolerance", heading, (text,))
    names = [unit_name(source, row) for row in rows]
    paragraphs = [_lead(rows, words)]
    for flag in ("provisional", "small"):
        marked = [n for r, n in zip(rows, names, strict=True) if flagged([r], flag)]
        if marked:
            said = joined(marked)
            paragraphs.append(words.text(f"institution.tolerance.{flag}", list=said))
    paragraphs += remarks(source, rows, names)
    table = tolerance_table(
        "tolerance", words.text("institution.tolerance.caption"), source, rows, names
    )
    beside = checks_table("tolerance_checks", source, rows, names)
    charts = _branch_charts(source, rows, names)
    ahead = institution_outlook(source, institution_id)
    return Section("tolerance", heading, (*paragraphs, *ahead), (table, *beside), charts)


def _lead(rows: Sequence[Row], words: Words) -> str:
    """Say what is compared; the limit only where it is the same in every row."""
    bounds = {bound for row in rows if (bound := limit(row)) is not None}
    if len(bounds) != 1:
        return words.text("institution.tolerance.lead_by_row")
    return words.text("institution.tolerance.lead", limit=limit_text(bounds.pop()))


def comparator(words: Words, row: Row) -> str:
    """Return in words whose NPL ratio the row was compared with."""
    return words.of("institution.tolerance.comparators", row["comparator"]) or "—"


def limit_text(bound: Fraction) -> str:
    """The limit as text, with all its decimals."""
    return plain_number(bound, DIGITS["pp"])


def tolerance_table(
    table_id: str, title: str, source: Source, rows: Sequence[Row], names: Sequence[str]
) -> Table:
    """Return ratios, gap, limit and verdict by unit."""
    columns = (
        Column("unit", "机构"),
        Column("inclusive", "普惠小微不良率", "%", "percent"),
        Column("all", "比较基准不良率", "%", "percent"),
        Column("gap", "差额", "百分点", "pp"),
        Column("limit", "界限", "百分点", "pp"),
        Column("comparator", "比较基准"),
        Column("verdict", "结论", "", "verdict"),
        Column("source", "来源"),
        Column("reason", "说明"),
    )
    words = source.words
    reasons, notes = shortened([row["reason"] or "" for row in rows], words)
    cells = tuple(
        (
            name,
            _percent(row["inclusive_npl_pct"], row),
            _percent(row["all_npl_pct"], row),
            gap_figure(row),
            None if (bound := limit(row)) is None else in_full(bound, "pp"),
            comparator(words, row),
            words.mark(row["verdict"], row["flags"]),
            words.of("common.sources", row["source"]) if row["source"] else "—",
            reason,
        )
        for row, name, reason in zip(rows, names, reasons, strict=True)
    )
    return Table(table_id, title, columns, cells, notes)


def _percent(value: float | None, row: Row) -> Figure | NoData:
    """Return a ratio with the digits of its row's gap, so that a reader can subtract."""
    number, difference = exact(value), gap_figure(row)
    digits = difference.shown_digits if isinstance(difference, Figure) else None
    return no_value(row) if number is None else Figure(number, "percent", digits)


def _branch_charts(source: Source, rows: Sequence[Row], names: Sequence[str]) -> tuple[Chart, ...]:
    chosen = [(gap(r), r, n) for r, n in zip(rows, names, strict=True) if gap(r) is not None]
    if len(chosen) < 2:
        return ()
    words, bound = source.words, limit(rows[0])
    branches = sorted((c for c in chosen if c[1]["branch_id"]), key=lambda c: (-(c[0] or 0), c[2]))
    own = [c for c in chosen if not c[1]["branch_id"]]
    shown = own + branches[:MOST_BRANCHES]
    dots, said = [], []
    for value, row, name in shown:
        figure = gap_figure(row)
        text = figure.text if isinstance(figure, Figure) else ""
        dots.append(
            Dot(_short(source, row, name), float(value or 0), text, PASSED.get(row["verdict"]))
        )
        said.append(
            words.text(
                "institution.tolerance.alt_row",
                label=name,
                value=text,
                verdict=verdict_said(row, words),
            )
        )
    cut = ""
    if len(branches) > MOST_BRANCHES:
        cut = words.text("institution.tolerance.cut", total=len(branches), shown=MOST_BRANCHES)
    bound_text = "—" if bound is None else limit_text(bound)
    svg = dot_chart(
        dots,
        limit=None if bound is None else float(bound),
        limit_text=words.text("institution.tolerance.limit", limit=bound_text),
        axis_text=words.text("institution.tolerance.axis"),
    )
    alt = words.text("institution.tolerance.alt", limit=bound_text, list="；".join(said))
    return (Chart(svg, alt, words.text("institution.tolerance.chart", cut=cut), "branches"),)


def _short(source: Source, row: Row, name: str) -> str:
    """Name of a branch without that of its institution, which the page is about."""
    return name.removeprefix(source.name(row["institution_id"])) or name


def problem_branches(source: Source, institution_id: str) -> list[tuple[Row, str]]:
    """Branches whose tolerance is not met, with their names."""
    rows = source.tolerance(institution_id)
    return [
        (row, unit_name(source, row))
        for row in rows
        if row["branch_id"] is not None and row["verdict"] == "not_met"
    ]
