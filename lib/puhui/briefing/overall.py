"""Counting verdicts and saying them: shared by the letter and the circular."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from puhui.briefing.judged import PASSED, PROBLEMS
from puhui.briefing.source import Row, Source
from puhui.briefing.words import Words
from puhui.results import VERDICTS


def joined(parts: Iterable[str]) -> str:
    """Join the members of an enumeration."""
    return "、".join(parts)


def verdict_counts(rows: Iterable[Row]) -> Counter[str]:
    """Count verdicts."""
    return Counter(str(row["verdict"]) for row in rows)


def counts_in_words(counts: Counter[str], among: Iterable[str]) -> str:
    """Return ``达标 3 条、未达标 1 条`` in the order of :data:`puhui.results.VERDICTS`."""
    wanted = set(among)
    return joined(f"{VERDICTS[v]} {counts[v]} 条" for v in VERDICTS if v in wanted and counts[v])


def judged(rows: Iterable[Row]) -> list[Row]:
    """Rows with a verdict of passing or failing."""
    return [row for row in rows if row["verdict"] in PASSED]


def inapplicable(rows: Sequence[Row]) -> bool:
    """Whether there are rows and none of their clauses applies to the institution."""
    return bool(rows) and all(row["verdict"] == "not_applicable" for row in rows)


def problems(rows: Iterable[Row]) -> list[Row]:
    """Rows that are not met, met with a reserve, or behind."""
    return [row for row in rows if row["verdict"] in PROBLEMS]


def some(names: Iterable[str], words: Words) -> str:
    """Join the first of many names, and say how many there are."""
    found = list(dict.fromkeys(names))
    most = words.number("common.most_named")
    if len(found) <= most:
        return joined(found)
    return words.text("common.and_more", list=joined(found[:most]), count=len(found))


def of_clauses(source: Source, rows: Iterable[Row]) -> list[str]:
    """Labels of the indicators that decide these clauses."""
    entries = (source.catalogue.get(row["indicator_id"] or "") for row in rows)
    return [entry.label for entry in entries if entry is not None]


def numbered_sections(source: Source, rows: Sequence[Row]) -> list[tuple[str, list[Row]]]:
    """Group indicator rows by the notice's section, in its order: (heading, rows)."""
    names = source.words.map("common.sections")
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(source.catalogue[row["indicator_id"]].section, []).append(row)
    order = sorted(groups, key=lambda s: (len(s), s))
    return [(names.get(section, section), groups[section]) for section in order]


#: Reasons of a table longer than this many characters stand below it, each once.
_LONG = 40


def shortened(reasons: Sequence[str], words: Words) -> tuple[list[str], tuple[str, ...]]:
    """Return a table's reasons as cells show them, and the long ones as numbered notes.

    A long reason would make its row as tall as a page on a narrow screen; equal ones share
    a note.
    """
    numbers: dict[str, int] = {}
    cells = []
    for reason in reasons:
        if len(reason) > _LONG:
            number = numbers.setdefault(reason, len(numbers) + 1)
            cells.append(words.text("common.note.cell", number=number))
        else:
            cells.append(reason)
    notes = (words.text("common.note.line", number=n, text=r) for r, n in numbers.items())
    return cells, tuple(notes)


def force_word(words: Words, force: str) -> str:
    """Chinese word of a clause's force."""
    return words.of("common.forces", force or "shown")
