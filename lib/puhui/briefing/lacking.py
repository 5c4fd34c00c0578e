"""What is missing where clauses have no data: added up by what would have to be sent."""

from __future__ import annotations

from collections.abc import Iterable

from puhui.briefing.overall import joined
from puhui.briefing.source import Row, Source
from puhui.schema import label, tables

#: Groups that nothing sent would fill: later versions of the suite answer these.
LATER = ("screening", "later")


def lacking(source: Source, rows: Iterable[Row]) -> dict[str, int]:
    """Count clauses without data by what they lack.

    Parameters
    ----------
    rows
        Rows of ``clauses``; those with data are passed over.

    Returns
    -------
    dict
        Name of what is missing → clauses; the names of :data:`LATER` last.
    """
    counts: dict[str, int] = {}
    for row in rows:
        if row["verdict"] == "no_data":
            name = _missing(source, row)
            counts[name] = counts.get(name, 0) + 1
    return dict(sorted(counts.items(), key=lambda e: (e[0] in LATER, -e[1], e[0])))


def _missing(source: Source, row: Row) -> str:
    """Name what one clause lacks: a group of later versions, a table, or figures."""
    words, reason = source.words, row["reason"] or ""
    entry = source.catalogue.get(row["indicator_id"] or "")
    if entry is not None and entry.pending:
        return "screening" if entry.kind == "list" else "later"
    answers = label("attestations")
    if (entry is not None and entry.kind == "att") or answers in reason or "答卷缺" in reason:
        return answers
    for table in tables():
        if f"缺表：{label(table)}" in reason:
            return label(table)
    figures = [words.of("common.sources", s) for s in ("returns", "ledger")]
    if any(f"{s}：" in reason for s in figures):
        return words.text("common.lacking.figures")
    return words.text("common.lacking.other")


def lacking_said(source: Source, rows: Iterable[Row]) -> str:
    """Say what is missing and for how many clauses."""
    words = source.words
    return joined(
        words.text(f"common.lacking.{name}", count=count)
        if name in LATER
        else words.text("common.lacking.item", name=name, count=count)
        for name, count in lacking(source, rows).items()
    )


def to_be_sent(source: Source, rows: Iterable[Row]) -> str:
    """Name what would have to be sent, with the clauses it is for; empty if nothing."""
    return joined(
        source.words.text("common.lacking.send", name=name, count=count)
        for name, count in lacking(source, rows).items()
        if name not in LATER
    )
