"""The letter's annex clause by clause, and its part on methods."""

from __future__ import annotations

from collections.abc import Iterator

from puhui.briefing.figures import Figure, exact, ratio
from puhui.briefing.judged import KINDS, base_figure, cell, limit_text, shown_unit, unit_shown
from puhui.briefing.overall import shortened
from puhui.briefing.source import OVERALL, ClauseWords, IndicatorWords, Row, Source
from puhui.briefing.table import Column, NoData, Noted, Section, Table

_COLUMNS = (
    Column("section", "部分"),
    Column("clause", "条款"),
    Column("force", "性质"),
    Column("clause_verdict", "条款结论", "", "verdict"),
    Column("label", "指标"),
    Column("unit", "单位"),
    Column("value", "本期", "", "number"),
    Column("base", "基期", "", "number"),
    Column("limit", "标准"),
    Column("verdict", "指标结论", "", "verdict"),
    Column("source", "来源"),
    Column("reason", "说明"),
)
#: Where the reason stands in a row.
_REASON = len(_COLUMNS) - 1


def _heading(source: Source, key: str) -> str:
    return source.words.text(f"institution.headings.{key}")


def section_name(source: Source, section: str) -> str:
    """Name of a section of the notice, with its number."""
    names = source.words.map("common.sections")
    return source.words.text("common.section", number=section, name=names.get(section, ""))


def clauses_section(source: Source, institution_id: str) -> Section:
    """Return the annex that goes through the whole notice, clause by clause."""
    words = source.words
    made = [
        row for clause in source.notice.values() for row in _rows(source, institution_id, clause)
    ]
    reasons, notes = shortened([str(row[_REASON]) for row in made], words)
    cells = tuple((*row[:_REASON], r) for row, r in zip(made, reasons, strict=True))
    title = words.text("institution.clauses.caption")
    notes = (*notes, words.text("institution.clauses.note"))
    table = Table("clauses", title, _COLUMNS, cells, notes, grouped=True)
    beside = _parts_table(source, institution_id)
    tables = (table, *((beside,) if beside.rows else ()))
    lead = words.text("institution.clauses.lead")
    return Section("clauses", _heading(source, "clauses"), (lead,), tables)


def _rows(source: Source, institution_id: str, clause: ClauseWords) -> Iterator[tuple[object, ...]]:
    """Rows of one clause: one per indicator, the clause's own verdict in the first."""
    words = source.words
    head = (
        section_name(source, clause.section),
        Noted(clause.clause, clause.wording),
        words.of("common.forces_short", clause.force or "none"),
    )
    if clause.clause == OVERALL:
        counted = source.counted(institution_id)
        if counted is not None:
            mark = words.mark(counted["verdict"])
            label = words.text("common.clauses.overall")
            yield (*head, mark, label, *("",) * 6, counted["reason"] or "")
        return
    verdicts = {r["clause"]: r for r in source.clauses(institution_id)}
    worst = verdicts.get(clause.clause)
    entries = source.by_clause[clause.clause]
    if worst is None and not any(entry.is_total for entry in entries):
        return
    if worst is None:
        label = words.text("common.clauses.county")
        yield (*head, "", label, *("",) * 6, words.text("institution.clauses.county"))
        return
    mark = words.mark(worst["verdict"], worst["flags"])
    for number, entry in enumerate(entries):
        row = source.indicator(institution_id, entry.indicator_id)
        if row is not None:
            yield (*head, "" if number else mark, *_indicator(source, entry, row))


def _indicator(source: Source, entry: IndicatorWords, row: Row) -> tuple[object, ...]:
    words = source.words
    comment = words.text(
        "institution.clauses.comment",
        clause=entry.clause,
        wording=entry.wording,
        formula=entry.formula,
        test=entry.test,
    )
    value = cell(row)
    return (
        Noted(entry.label, comment),
        shown_unit(row),
        value.word if isinstance(value, NoData) else value,
        base_figure(row) or "",
        standard(entry, row, source),
        words.mark(row["verdict"], row["flags"]),
        words.of("common.sources", row["source"]) if row["source"] else "—",
        row["reason"] or "",
    )


def standard(entry: IndicatorWords, row: Row, source: Source) -> str:
    """Return what the value is held against in short; of answers what they must be."""
    return entry.test if entry.kind == "att" else limit_text(row, source.words)


def _parts_table(source: Source, institution_id: str) -> Table:
    """Figures shown beside the indicators, such as both growth rates of a gap."""
    words = source.words
    columns = (
        Column("clause", "条款"),
        Column("label", "指标"),
        Column("part", "数据"),
        Column("value", "本期", "", "number"),
        Column("unit", "单位"),
    )
    cells = []
    for row in source.parts(institution_id):
        entry = source.catalogue[row["indicator_id"]]
        value = ratio(row["value_num"], row["value_den"])
        value = exact(row["value"]) if value is None else value
        figure = NoData() if value is None else Figure(value, KINDS.get(row["unit"], "number"))
        name = entry.parts[row["part"]]
        cells.append((entry.clause, entry.label, name, figure, unit_shown(row["unit"])))
    title = words.text("institution.clauses.parts")
    return Table("parts", title, columns, tuple(cells))


def methods_section(source: Source, institution_id: str) -> Section:
    """Return the folded part on what is asked, formulas and tests, as far as they apply."""
    words = source.words
    items = tuple(
        words.text(
            "institution.methods.item",
            label=entry.label,
            clause=entry.clause,
            wording=entry.wording.rstrip("。"),
            formula=entry.formula.rstrip("。"),
            test=entry.test,
        )
        for entry in (
            source.catalogue[r["indicator_id"]]
            for r in source.indicators(institution_id)
            if r["verdict"] != "not_applicable"
        )
    )
    lead = words.text("institution.methods.lead")
    heading = _heading(source, "methods")
    return Section("methods", heading, (lead,), items=items, folded=True)
