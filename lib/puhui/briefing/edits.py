"""Hand edits: what an analyst wrote instead of a generated sentence survives a re-run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from puhui.briefing.source import Edit, Edits, Source
from puhui.briefing.table import Section, plain
from puhui.briefing.words import Said
from puhui.errors import ParamsError
from puhui.params.reading import Strict, build, mapping
from puhui.params.yaml import load

#: Gets key and text of a sentence, and returns what stands on the page.
Change = Callable[[str, str], str]


class _Entry(Strict):
    generated: str = ""
    text: str = ""


def read_edits(path: Path) -> Edits:
    """Read the edits of a page; what is wrong with the file is said, not raised.

    Entries whose ``text`` is empty are left out.
    """
    try:
        raw = load(path)
        entries = {k: build(_Entry, mapping(v, where=raw.where(k))) for k, v in raw.items()}
    except ParamsError as error:
        return Edits(path.name, error=str(error))
    except OSError as error:
        return Edits(path.name, error=str(error.strerror))
    written = {
        k: Edit(e.generated, " ".join(e.text.split())) for k, e in entries.items() if e.text.strip()
    }
    return Edits(path.name, written)


def sentences(sections: Sequence[Section]) -> dict[str, str]:
    """Return every generated sentence of a page by its key, in the page's order."""
    found: dict[str, str] = {}

    def note(key: str, text: str) -> str:
        found[key] = text
        return text

    _changed(sections, note)
    return found


def edited(source: Source, page: str, sections: tuple[Section, ...]) -> tuple[Section, ...]:
    """Put an analyst's sentences in the place of generated ones, each marked as such."""
    edits = source.edits.get(page)
    if edits is None or not edits.by_key:
        return sections
    written, words = edits.by_key, source.words

    def change(key: str, text: str) -> str:
        if key not in written:
            return text
        name = "changed" if _has_changed(written[key], text) else "mark"
        said = words.text(f"common.edits.{name}", text=written[key].text, now=text)
        # It stays the same sentence, also to the rules that say who may see it.
        return Said(said, key=text.key if isinstance(text, Said) else "")

    return _changed(sections, change)


def edits_said(source: Source, page: str, title: str, now: Mapping[str, str]) -> tuple[str, ...]:
    """Say which edits of a page to look at again; ``now`` are its generated sentences.

    A key that is not on the page is named with its file.
    """
    edits, words = source.edits[page], source.words
    if edits.error:
        reason = edits.error
        return (words.text("common.edits.index.unread", file=edits.file, reason=reason),)
    said = []
    used = [k for k in edits.by_key if k in now]
    if used:
        said.append(words.text("common.edits.index.used", page=title, count=len(used)))
    for key, edit in edits.by_key.items():
        if key not in now:
            said.append(words.text("common.edits.index.unknown", file=edits.file, key=key))
        elif _has_changed(edit, now[key]):
            values = {"page": title, "key": key, "now": now[key]}
            said.append(words.text("common.edits.index.changed", **values))
    return tuple(said)


def _has_changed(edit: Edit, text: str) -> bool:
    return edit.generated != plain(text)


def _changed(sections: Sequence[Section], change: Change) -> tuple[Section, ...]:
    seen: Counter[str] = Counter()

    def one(place: str, text: str) -> str:
        key = f"{place}/{text.key}" if isinstance(text, Said) else place
        seen[key] += 1
        if seen[key] > 1 or not isinstance(text, Said):
            key = f"{key}#{seen[key]}"
        return change(plain(key), text)

    def all_of(place: str, texts: Sequence[str]) -> tuple[str, ...]:
        return tuple(one(place, t) for t in texts)

    return tuple(
        replace(
            section,
            paragraphs=all_of(section.id, section.paragraphs),
            items=all_of(section.id, section.items),
            tables=tuple(
                replace(t, notes=all_of(f"{section.id}/{t.id}", t.notes)) for t in section.tables
            ),
        )
        for section in sections
    )
