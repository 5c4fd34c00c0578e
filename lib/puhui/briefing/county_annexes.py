"""Annexes 3, 4, 8 and 9 of the circular: structure, tolerance, problem list, definitions."""

from __future__ import annotations

from puhui.briefing.figures import Figure
from puhui.briefing.institution import problem_items
from puhui.briefing.judged import KINDS, own_value, shown_unit, value_figure
from puhui.briefing.overall import force_word
from puhui.briefing.source import IndicatorWords, Source
from puhui.briefing.table import Column, Section, Table
from puhui.briefing.tolerance import gap, tolerance_table, unit_name


def _heading(source: Source, key: str) -> str:
    return source.words.text(f"county.headings.{key}")


def structure_section(source: Source) -> Section:
    """Return annex 3: indicators of the notice's section on structure, by institution."""
    words, heading = source.words, _heading(source, "structure")
    section = words.text("county.structure.section")
    entries = [e for e in source.catalogue.values() if e.section == section]
    found = {
        i: [r for e in entries if (r := source.indicator(i, e.indicator_id))]
        for i in source.institution_ids
    }
    ids = [i for i, own in found.items() if own]
    if not any(own_value(r) is not None for own in found.values() for r in own):
        return Section("structure", heading, (words.text("county.structure.none"),))
    columns = [Column("institution", "机构")]
    for entry in entries:
        columns += [_value_column(source, ids, entry), _verdict_column(entry)]
    cells = []
    for institution_id in ids:
        row: list[object] = [source.name(institution_id)]
        for entry in entries:
            own = source.indicator(institution_id, entry.indicator_id)
            figure = value_figure(own) if own else None
            row.append(figure if isinstance(figure, Figure) or figure is None else figure.word)
            row.append(words.mark(own["verdict"], own["flags"]) if own else None)
        cells.append(tuple(row))
    title = words.text("county.structure.caption")
    table = Table("structure", title, tuple(columns), tuple(cells))
    return Section("structure", heading, (), (table,))


def _value_column(source: Source, ids: list[str], entry: IndicatorWords) -> Column:
    found = (source.indicator(i, entry.indicator_id) for i in ids)
    unit = next((shown_unit(r) for r in found if r), entry.unit)
    kind = KINDS.get(entry.unit, "number")
    return Column(entry.indicator_id, entry.label, unit, kind, note=entry.formula)


def _verdict_column(entry: IndicatorWords) -> Column:
    return Column(f"{entry.indicator_id}_verdict", "结论", "", "verdict", note=entry.test)


def tolerance_annex(source: Source) -> Section:
    """Return annex 4: tolerance by institution, and the branches beyond the limit."""
    words, heading = source.words, _heading(source, "tolerance")
    rows, names = [], []
    for institution_id in source.institution_ids:
        for row in source.tolerance(institution_id):
            if row["branch_id"] is None:
                rows.append(row)
                names.append(source.name(institution_id))
            elif row["verdict"] == "not_met":
                rows.append(row)
                names.append(_branch_of(source.name(institution_id), unit_name(source, row)))
    if all(gap(row) is None for row in rows):
        return Section("tolerance", heading, (words.text("county.tolerance.none"),))
    title = words.text("county.tolerance.caption")
    table = tolerance_table("tolerance", title, source, rows, names)
    return Section("tolerance", heading, (), (table,))


def _branch_of(institution: str, branch: str) -> str:
    """Name a branch with its institution, which many branch names begin with already."""
    return branch if branch.startswith(institution) else f"{institution}·{branch}"


def problem_list_section(source: Source) -> Section:
    """Return annex 8: every problem of every institution."""
    words, heading = source.words, _heading(source, "problem_list")
    cells = [
        (source.name(institution_id), text)
        for institution_id in source.institution_ids
        for text in problem_items(source, institution_id)
    ]
    if not cells:
        return Section("problem_list", heading, (words.text("county.problem_list.none"),))
    columns = (
        Column("number", "序号", "", "count"),
        Column("institution", "机构"),
        Column("problem", "问题"),
    )
    numbered = tuple((n, name, text) for n, (name, text) in enumerate(cells, start=1))
    table = Table("problem_list", words.text("county.problem_list.caption"), columns, numbered)
    return Section("problem_list", heading, (), (table,))


def definitions_section(source: Source) -> Section:
    """Return annex 9: what each indicator measures and how it is judged."""
    words = source.words
    columns = (
        Column("clause", "条款"),
        Column("label", "指标"),
        Column("wording", "要求"),
        Column("force", "要求性质"),
        Column("unit", "单位"),
        Column("formula", "公式"),
        Column("test", "判断"),
    )
    cells = tuple(
        (e.clause, e.label, e.wording, force_word(words, e.force), e.unit, e.formula, e.test)
        for e in source.catalogue.values()
    )
    title = words.text("county.definitions.caption")
    table = Table("definitions", title, columns, cells)
    return Section("definitions", _heading(source, "definitions"), (), (table,))
