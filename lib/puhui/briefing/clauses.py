"""The letter's annex clause by clause, and its part on methods."""

from __future__ import annotations

from puhui.briefing.figures import Figure
from puhui.briefing.judged import limit_text, shown_unit, value_figure
from puhui.briefing.overall import force_word, shortened
from puhui.briefing.source import Row, Source
from puhui.briefing.table import Column, Mark, Noted, Section, Table


def _heading(source: Source, key: str) -> str:
    return source.words.text(f"institution.headings.{key}")


def clauses_section(source: Source, institution_id: str) -> Section:
    """Return the annex that goes through the indicators clause by clause."""
    words = source.words
    columns = (
        Column("clause", "条款"),
        Column("label", "指标"),
        Column("unit", "单位"),
        Column("value", "本期", "", "number"),
        Column("limit", "标准"),
        Column("verdict", "结论", "", "verdict"),
        Column("force", "要求性质"),
        Column("source", "来源"),
        Column("reason", "说明"),
    )
    rows = source.indicators(institution_id)
    reasons, notes = shortened([row["reason"] or "" for row in rows], words)
    cells = tuple(
        _clause_cells(source, row, reason) for row, reason in zip(rows, reasons, strict=True)
    )
    title = words.text("institution.clauses.caption")
    notes = (*notes, words.text("institution.clauses.note"))
    table = Table("clauses", title, columns, cells, notes)
    lead = words.text("institution.clauses.lead")
    return Section("clauses", _heading(source, "clauses"), (lead,), (table,))


def _clause_cells(source: Source, row: Row, reason: str) -> tuple[object, ...]:
    words, entry = source.words, source.catalogue[row["indicator_id"]]
    comment = words.text(
        "institution.clauses.comment",
        clause=entry.clause,
        wording=entry.wording,
        formula=entry.formula,
        test=entry.test,
    )
    figure = value_figure(row)
    verdict: Mark = words.mark(row["verdict"], row["flags"])
    return (
        entry.clause,
        Noted(entry.label, comment),
        shown_unit(row),
        figure if isinstance(figure, Figure) else figure.word,
        limit_text(row, words),
        verdict,
        force_word(words, entry.force),
        words.of("common.sources", row["source"]) if row["source"] else "—",
        reason,
    )


def methods_section(source: Source, institution_id: str) -> Section:
    """Return the folded part on formulas and tests."""
    words = source.words
    items = tuple(
        words.text(
            "institution.methods.item",
            label=entry.label,
            clause=entry.clause,
            formula=entry.formula,
            test=entry.test,
        )
        for entry in (
            source.catalogue[r["indicator_id"]] for r in source.indicators(institution_id)
        )
    )
    lead = words.text("institution.methods.lead")
    heading = _heading(source, "methods")
    return Section("methods", heading, (lead,), items=items, folded=True)
