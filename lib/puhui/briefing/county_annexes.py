"""Annexes 3 to 9 of the circular: indicators by institution, tolerance, problems, definitions."""

from __future__ import annotations

from collections.abc import Sequence

from puhui.briefing.exemption import county_exemption
from puhui.briefing.judged import KINDS, cell, own_value, shown_unit
from puhui.briefing.outlook import county_outlook
from puhui.briefing.overall import force_word, inapplicable
from puhui.briefing.source import IndicatorWords, Row, Source
from puhui.briefing.table import Column, NoData, Section, Table
from puhui.briefing.tolerance import gap, tolerance_table, unit_name
from puhui.briefing.tolerance_checks import checks_table
from puhui.briefing.troubles import problem_items


def _heading(source: Source, key: str) -> str:
    return source.words.text(f"county.headings.{key}")


def indicators_annex(source: Source, name: str) -> Section:
    """Return an annex on some indicators by institution; ``county.<name>`` says which.

    Institutions none of them applies to are left out; of answers only the verdict is shown.
    """
    words, heading = source.words, _heading(source, name)
    wanted = words.texts(f"county.{name}.indicators")
    entries = [source.catalogue[i] for i in wanted if i in source.catalogue]
    found = {
        i: [r for e in entries if (r := source.indicator(i, e.indicator_id))]
        for i in source.institution_ids
    }
    ids = [i for i, own in found.items() if own and not _out_of_place(source, i, own)]
    if not any(own_value(r) is not None for own in found.values() for r in own):
        return Section(name, heading, (words.text(f"county.{name}.none"),))
    columns = [Column("institution", "机构")]
    for entry in entries:
        columns += [] if entry.kind == "att" else [_value_column(source, ids, entry)]
        columns += [] if entry.kind == "shown" else [_verdict_column(entry)]
    cells = [
        (source.name(i), *(v for entry in entries for v in _values(source, i, entry))) for i in ids
    ]
    title = words.text(f"county.{name}.caption")
    table = Table(name, title, tuple(columns), tuple(cells))
    return Section(name, heading, (), (table,))


def _out_of_place(source: Source, institution_id: str, own: Sequence[Row]) -> bool:
    """Whether none of some indicators applies, though others of the institution do."""
    rows = source.indicators(institution_id)
    return inapplicable(own) and not inapplicable(rows)


def _values(source: Source, institution_id: str, entry: IndicatorWords) -> list[object]:
    """Cells of one indicator: the value unless it is an answer, the verdict unless it has none."""
    own = source.indicator(institution_id, entry.indicator_id)
    value = cell(own) if own else None
    mark = source.words.mark(own["verdict"], own["flags"]) if own else None
    return [
        *([] if entry.kind == "att" else [value.word if isinstance(value, NoData) else value]),
        *([] if entry.kind == "shown" else [mark]),
    ]


def _value_column(source: Source, ids: list[str], entry: IndicatorWords) -> Column:
    found = (source.indicator(i, entry.indicator_id) for i in ids)
    unit = next((shown_unit(r) for r in found if r), entry.unit)
    kind = KINDS.get(entry.unit, "number")
    return Column(entry.indicator_id, entry.label, unit, kind, note=entry.formula)


def _verdict_column(entry: IndicatorWords) -> Column:
    label = entry.label if entry.kind == "att" else "结论"
    return Column(f"{entry.indicator_id}_verdict", label, "", "verdict", note=entry.test)


def tolerance_annex(source: Source) -> Section:
    """Return annex 4: tolerance by institution, and branches beyond the limit or reserved."""
    words, heading = source.words, _heading(source, "tolerance")
    rows, names = [], []
    for institution_id in source.institution_ids:
        for row in source.tolerance(institution_id):
            if row["branch_id"] is None:
                rows.append(row)
                names.append(source.name(institution_id))
            elif row["verdict"] in ("not_met", "met_reserved"):
                rows.append(row)
                names.append(_branch_of(source.name(institution_id), unit_name(source, row)))
    if all(gap(row) is None for row in rows):
        return Section("tolerance", heading, (words.text("county.tolerance.none"),))
    title = words.text("county.tolerance.caption")
    table = tolerance_table("tolerance", title, source, rows, names)
    ahead, more = county_outlook(source)
    beside = checks_table("tolerance_checks", source, rows, names)
    paragraphs = (*county_exemption(source), *ahead)
    return Section("tolerance", heading, paragraphs, (table, *beside, *more))


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
        Column("force", "要求性质"),
        Column("unit", "单位"),
        Column("formula", "公式"),
        Column("test", "判断"),
    )
    cells = tuple(
        (e.clause, e.label, force_word(words, e.force), e.unit, e.formula, e.test)
        for e in source.catalogue.values()
    )
    title = words.text("county.definitions.caption")
    table = Table("definitions", title, columns, cells)
    return Section("definitions", _heading(source, "definitions"), (), (table,))
