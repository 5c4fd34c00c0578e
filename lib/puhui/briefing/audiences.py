"""What each audience sees of a page: sections cut to the rules of ``params/audiences.yaml``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import pyarrow as pa

from puhui.briefing.county import county_sections
from puhui.briefing.edits import edited, sentences
from puhui.briefing.source import COUNTY, OVERALL, Row, Source
from puhui.briefing.table import Section, Table
from puhui.params.audiences import Audience, SectionRule, TableRule, matches

#: A verdict that is only a question to the institution: not for others' eyes.
_QUESTION = "to_verify"


def shown_to(audience: Audience, sections: Iterable[Section]) -> tuple[Section, ...]:
    """Return what an audience may see of a page; what no rule names is withheld.

    A text without a key, put together of several sentences, is shown only where all texts are.
    """
    cut = (
        _cut(section, rule)
        for section in sections
        if (rule := audience.sections.get(section.id)) is not None
    )
    return tuple(s for s in cut if s.paragraphs or s.items or s.tables or s.charts)


def _cut(section: Section, rule: SectionRule) -> Section:
    ruled = ((t, rule.table(t.id)) for t in section.tables)
    return replace(
        section,
        paragraphs=_texts(section.paragraphs, rule.texts),
        items=_texts(section.items, rule.texts),
        charts=tuple(c for c in section.charts if matches(c.id, rule.charts)),
        tables=tuple(_columns(t, r) for t, r in ruled if r is not None),
    )


def _texts(texts: Sequence[str], patterns: Sequence[str]) -> tuple[str, ...]:
    return tuple(t for t in texts if matches(getattr(t, "key", ""), patterns))


def _columns(table: Table, rule: TableRule) -> Table:
    kept = [n for n, column in enumerate(table.columns) if matches(column.key, rule.columns)]
    return replace(
        table,
        columns=tuple(table.columns[n] for n in kept),
        rows=tuple(tuple(row[n] for n in kept) for row in table.rows),
        notes=_texts(table.notes, rule.notes),
        grouped=table.grouped and 0 in kept,
    )


def circular_sections(source: Source, audience: Audience) -> tuple[Section, ...]:
    """Return the circular as it is sent: the county's page of the marked clauses only.

    An analyst's sentence for the county's page stands here too where the generated one is the
    same; where fewer clauses make it another, the generated one stands.
    """
    limited = marked(source, audience.clauses)
    sections = county_sections(limited)
    edits = source.edits.get(COUNTY)
    if edits is not None and edits.by_key:
        of_page = sentences(county_sections(replace(source, edits={})))
        here = sentences(sections)
        same = {k: e for k, e in edits.by_key.items() if k in here and here[k] == of_page.get(k)}
        kept = replace(edits, by_key=same)
        sections = edited(replace(source, edits={COUNTY: kept}), COUNTY, sections)
    return shown_to(audience, sections)


def marked(source: Source, clauses: Iterable[str]) -> Source:
    """Return the results of some clauses only, without what is still a question.

    A clause that is to be verified at an institution is left out there with all its
    indicators, so that what remains of it does not look like a verdict.
    """
    chosen = frozenset(clauses)
    catalogue = {k: e for k, e in source.catalogue.items() if e.clause in chosen}
    of = {k: e.clause for k, e in source.catalogue.items()}
    asked = {_unit(r) for r in _rows(source, "clauses") if r["verdict"] == _QUESTION}
    decided = [
        {**r, "last_verdict": None if r["last_verdict"] == _QUESTION else r["last_verdict"]}
        for r in _rows(source, "clauses")
        if r["clause"] in chosen and _unit(r) not in asked
    ]
    own = [
        r
        for r in _rows(source, "indicators")
        if r["indicator_id"] in catalogue
        and r["verdict"] != _QUESTION
        and _unit({**r, "clause": of[r["indicator_id"]]}) not in asked
    ]
    results = dict(source.results)
    for name, rows in (("clauses", decided), ("indicators", own)):
        if name in results:
            results[name] = pa.Table.from_pylist(rows, schema=results[name].schema)
    notice = {k: c for k, c in source.notice.items() if k in chosen and k != OVERALL}
    return replace(source, results=results, catalogue=catalogue, notice=notice, edits={})


def _rows(source: Source, name: str) -> list[Row]:
    table = source.table(name)
    return [] if table is None else table.to_pylist()


def _unit(row: Row) -> tuple[object, ...]:
    return row["quarter"], row["institution_id"], row["branch_id"], row["clause"]
