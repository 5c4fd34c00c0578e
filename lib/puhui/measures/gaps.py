"""Why rows could not be counted: the table, columns or cells they lack."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from puhui import schema
from puhui.measures.rows import missing_columns
from puhui.params import Params
from puhui.params.expression import Expression
from puhui.params.worked import OF_LOAN
from puhui.store import Snapshot


def needed(
    params: Params, expressions: Iterable[Expression], tables: Mapping[str, str]
) -> frozenset[tuple[str, str]]:
    """Return the submitted (table, column) pairs expressions rest on, derived ones expanded.

    Parameters
    ----------
    tables
        Table whose columns a prefix names.
    """
    found: set[tuple[str, str]] = set()
    for one in expressions:
        for qualifier, name in one.columns:
            if qualifier == "" and name in params.derived:
                found |= needed(params, [params.derived[name].expression], OF_LOAN)
            elif qualifier in tables:
                found.add((tables[qualifier], name))
    return frozenset(found)


def why_absent(snapshot: Snapshot, table: str) -> str:
    """Say why a submission has no such table."""
    return snapshot.missing.get(table) or f"缺表：{schema.label(table)}"


def why_unknown(snapshot: Snapshot, columns: Iterable[tuple[str, str]], count: int) -> str:
    """Name what ``count`` rows lack of the columns they are judged by."""
    asked = sorted(columns)
    for table in sorted({t for t, _ in asked}):
        if table not in snapshot.tables:
            return why_absent(snapshot, table)
    absent = [(t, c) for t, c in asked if c in snapshot.absent.get(t, ())]
    if absent:
        return missing_columns(absent)
    named = "、".join(dict.fromkeys(schema.column(t, c).label for t, c in asked))
    return f"{count} 行所需内容为空，涉及：{named}"
