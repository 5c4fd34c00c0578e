"""Sections, tables and the index as HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from puhui.briefing.html.environment import render
from puhui.briefing.quality import totals
from puhui.briefing.source import Source
from puhui.briefing.table import Section, Table
from puhui.briefing.words import Words
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
        County page, annexes and results, relative to the index.
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
        "statuses": [(s, s.reason or _quality(source, s)) for s in ranked],
        "conditions": conditions,
        "signs": words.map("index.signs"),
        "kinds": CODES["institution_kind"],
        "labels": words.map("index.labels"),
        "links": links,
        "county_failure": words.text("index.county_failure", reason=county_failure)
        if county_failure
        else "",
        "remarks": remarks,
        "remarks_heading": words.text("common.edits.index.heading"),
        "provenance": provenance(source.meta, words),
    }
    return render("index.html.j2", values)
