"""Plain, rounded, sorted text of the main results, for the checked cells of the notebooks."""

from __future__ import annotations

from puhui.briefing.county import all_rows
from puhui.briefing.figures import Figure
from puhui.briefing.judged import spoken, verdict_said
from puhui.briefing.overall import verdict_counts
from puhui.briefing.quality import totals
from puhui.briefing.source import COUNTY, Source
from puhui.briefing.tolerance import gap_figure
from puhui.results import VERDICTS


def institution_verdicts(source: Source, institution_id: str) -> str:
    """One line per indicator: id, value, verdict."""
    return "\n".join(
        f"{row['indicator_id']} {spoken(row)} {verdict_said(row, source.words)}"
        for row in source.indicators(institution_id)
    )


def institution_tolerance(source: Source, institution_id: str) -> str:
    """One line per unit: branch (``-`` for the institution), gap, verdict."""
    lines = []
    for row in source.tolerance(institution_id):
        figure = gap_figure(row)
        text = figure.text if isinstance(figure, Figure) else figure.word
        lines.append(f"{row['branch_id'] or '-'} {text} {verdict_said(row, source.words)}")
    return "\n".join(lines)


def rows_balance(source: Source, *institution_ids: str) -> str:
    """Rows read and where they went; all institutions unless some are named."""
    total = totals(source, institution_ids or source.institution_ids)
    return (
        f"读入 {total.rows_in} = 接收 {total.accepted} + 隔离 {total.quarantined}"
        f" + 非数据 {total.non_data}，差 {total.difference}"
    )


def county_verdicts(source: Source) -> str:
    """One line per indicator: id and counts of verdicts over institutions."""
    rows, lines = all_rows(source), []
    for indicator_id in source.catalogue:
        counts = verdict_counts(r for r in rows if r["indicator_id"] == indicator_id)
        said = " ".join(f"{VERDICTS[v]}{counts[v]}" for v in VERDICTS if counts[v])
        if said:
            lines.append(f"{indicator_id} {said}")
    return "\n".join(lines)


def county_values(source: Source, indicator_id: str) -> str:
    """One line per institution: id, value, verdict of one indicator."""
    lines = []
    for institution_id in source.institution_ids:
        row = source.indicator(institution_id, indicator_id)
        if row is not None:
            lines.append(f"{institution_id} {spoken(row)} {verdict_said(row, source.words)}")
    return "\n".join(lines)


def county_totals(source: Source) -> str:
    """One line per total of the county: id, value, verdict, who is in it."""
    return "\n".join(
        f"{row['indicator_id']} {spoken(row)} {verdict_said(row, source.words)} {row['reason']}"
        for row in source.indicators(COUNTY)
    )


def regression_status(source: Source) -> str:
    """One line per model and scope of the county: whether it is identified."""
    every = source.rows("regressions")
    rows = [r for r in every if r["institution_id"] is None and r["variant"] is None]
    lines = {f"{r['model']} {r['scope']} {r['weights'] or '-'} {r['status']}" for r in rows}
    return "\n".join(sorted(lines)) or "无"
