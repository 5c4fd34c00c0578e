"""Sections, tables and the index as HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from puhui.briefing.county_clauses import progress
from puhui.briefing.html.environment import render
from puhui.briefing.html.outlines import share_outlines
from puhui.briefing.overall import verdict_counts
from puhui.briefing.quality import totals
from puhui.briefing.source import Source
from puhui.briefing.table import Section, Table
from puhui.briefing.words import Words
from puhui.results import VERDICTS
from puhui.schema import CODES

#: Conditions an institution can be in at the end of a run, best first.
CONDITIONS = ("ok", "with_errors", "refused", "failed")


@dataclass(frozen=True)
class Link:
    """A link of the index, relative to it."""

    label: str
    href: str


@dataclass(frozen=True)
class Status:
    """How an institution came out of the run.

    ``condition`` is one of :data:`CONDITIONS`; ``reason`` says what is wrong and why;
    ``links`` lead to page, annex and correction workbook, relative to the index.
    """

    institution_id: str
    name: str
    kind: str
    condition: str
    reason: str = ""
    links: tuple[Link, ...] = ()

    def __post_init__(self) -> None:
        if self.condition not in CONDITIONS:
            raise ValueError(f"unknown condition: {self.condition}")


def render_table(table: Table) -> str:
    """Return a table as an HTML fragment, every text escaped."""
    return render("table.html.j2", {"table": table})


def render_section(section: Section) -> str:
    """Return a section as an HTML fragment, every text escaped."""
    return render("section.html.j2", {"section": section})


def sections_page(
    title: str,
    sections: Sequence[Section],
    *,
    meta: Mapping[str, str],
    provenance: Sequence[tuple[str, str]],
    issued: Sequence[str] = (),
) -> str:
    """Return one self-contained page of sections, as packs are written.

    Parameters
    ----------
    meta
        ``Source.meta``, for the office.
    provenance
        Footer lines, label and text.
    issued
        Lines below the title: whom the page is for, what a reader must know first.
    """
    values = {
        "title": title,
        "office": meta.get("office", ""),
        "issued": tuple(issued),
        "sections": sections,
        "provenance": tuple(provenance),
    }
    return share_outlines(render("sections.html.j2", values))


#: Verdicts the index counts by institution.
_COUNTED = ("not_met", "behind", "to_verify", "no_data")


def _row(source: Source, status: Status) -> dict[str, object]:
    """Return a line of the index: clauses by verdict, and against last quarter."""
    known = status.institution_id in source.institution_ids
    clauses = source.clauses(status.institution_id) if known else ()
    counts = verdict_counts(clauses)
    told = progress(source, status.institution_id) if known else None
    return {
        "status": status,
        "reason": status.reason or _quality(source, status),
        "counts": [
            *(counts[v] if clauses else None for v in _COUNTED),
            told.over if told else None,
            told.new if told else None,
        ],
    }


def _since(source: Source) -> list[str]:
    """Say what has changed since last quarter, for all institutions together."""
    found = [p for i in source.institution_ids if (p := progress(source, i)) is not None]
    if not found:
        return [source.words.text("index.since.none")]
    sums = {
        n: sum(getattr(p, n) for p in found) for n in ("before", "over", "still", "rest", "new")
    }
    return [source.words.text("index.since.some", institutions=len(found), **sums)]


def _quality(source: Source, status: Status) -> str:
    """Say what is wrong with the data of an institution that has errors."""
    if status.condition != "with_errors":
        return ""
    total = totals(source, [status.institution_id])
    return source.words.text(
        "index.quality", quarantined=total.quarantined, errors=total.findings["error"]
    )


def provenance(meta: Mapping[str, str], words: Words) -> tuple[tuple[str, str], ...]:
    """Return the footer's lines: label and text of each known entry of ``meta``."""
    labels = words.map("common.provenance")
    return tuple((label, meta[key]) for key, label in labels.items() if meta.get(key))


def index_page(
    source: Source,
    statuses: Sequence[Status],
    *,
    links: Sequence[Link] = (),
    data_links: Sequence[Link] = (),
    county_failure: str = "",
    remarks: Sequence[str] = (),
) -> str:
    """Return the run's first page: every institution's state, links, what failed and why.

    Parameters
    ----------
    source
        Gathered results of the quarter.
    statuses
        One entry per institution, in any order; the page lists troubles first.
    links
        County page, annexes and packs, relative to the index.
    data_links
        Files of results, likewise; folded away.
    county_failure
        Why the county's page could not be made; stands at the top, empty if it was made.
    remarks
        What to look at again in pages with hand edits, a line each.
    """
    words = source.words
    conditions = words.map("index.conditions")
    ranked = sorted(statuses, key=lambda s: (-CONDITIONS.index(s.condition), s.institution_id))
    counts = [(c, sum(s.condition == c for s in statuses)) for c in CONDITIONS]
    values = {
        "title": words.text("index.title", quarter=source.quarter.label),
        "office": source.meta.get("office", ""),
        "lead": words.text("index.lead", count=len(statuses), date=source.quarter.end.isoformat()),
        "counts": [(c, conditions[c], n) for c, n in counts if n],
        "rows": [_row(source, s) for s in ranked],
        "verdicts": _COUNTED,
        "words_of": VERDICTS,
        "present": {s.kind for s in statuses},
        "since": _since(source),
        "conditions": conditions,
        "signs": words.map("index.signs"),
        "kinds": CODES["institution_kind"],
        "labels": words.map("index.labels"),
        "links": links,
        "data_links": data_links,
        "county_failure": words.text("index.county_failure", reason=county_failure)
        if county_failure
        else "",
        "remarks": remarks,
        "remarks_heading": words.text("common.edits.index.heading"),
        "provenance": provenance(source.meta, words),
    }
    return render("index.html.j2", values)
