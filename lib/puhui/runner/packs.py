"""Packs: what each audience is given of a run, cut from the sections of its pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from puhui.errors import RunError
from puhui.params import Params
from puhui.params.audiences import Audience
from puhui.runner import as_judged
from puhui.runner.workspace import COUNTY, Run
from puhui.store import write_text

if TYPE_CHECKING:
    from puhui.briefing.source import Source
    from puhui.briefing.table import Section

#: Folder of packs, in the quarter's folder.
PACKS = "packs"
#: The office itself, which has everything and needs no pack.
SUPERVISOR = "supervisor"
#: A pack's files, and what the index calls them.
_KINDS = ("html", "docx", "xlsx")


#: The line of the footer on where a run made again differs: everyone must know.
_ALWAYS = "note"


def asked_for(params: Params, audiences: Sequence[str]) -> tuple[str, ...]:
    """Return the audiences packs are written for; none named: all there are.

    Raises
    ------
    RunError
        For one ``audiences.yaml`` does not know.
    """
    known = [SUPERVISOR, *params.audiences]
    for name in audiences:
        if name not in known:
            raise RunError(f"没有发送对象“{name}”。", remedy=f"可用的有：{'、'.join(known)}。")
    return tuple(a for a in params.audiences if not audiences or a in audiences)


def _of(run: Run, part: str) -> list[Audience]:
    """Audiences of the run that are given something of a page."""
    chosen = [run.params.audiences[a] for a in run.config.audiences]
    return [a for a in chosen if (a.page == "institution") == (part != COUNTY)]


def _file(run: Run, audience: Audience, part: str, kind: str) -> Path:
    name = audience.id if part == COUNTY else part
    return run.config.folder / PACKS / audience.id / f"{name}.{kind}"


def pack_files(run: Run, part: str) -> list[Path]:
    """Return the files of a page's packs; ``part`` is an institution or the county."""
    return [_file(run, audience, part, kind) for audience in _of(run, part) for kind in _KINDS]


def packed(run: Run, part: str) -> list[tuple[str, str]]:
    """Return links to a page's packs, relative to the index, and what to call them."""
    return [
        (_file(run, audience, part, "html").relative_to(run.config.folder).as_posix(), label)
        for audience in _of(run, part)
        for label in (f"发{audience.label}",)
    ]


def write_packs(run: Run, part: str, sections: Sequence[Section]) -> list[Path]:
    """Write page, document and annex of every audience that is given something of a page.

    Parameters
    ----------
    part
        Institution or county the page is of.
    sections
        Sections of the page as the office has it.

    Returns
    -------
    The files, by audience.
    """
    from puhui.briefing.docx import write_document
    from puhui.briefing.html.pages import provenance, sections_page
    from puhui.briefing.xlsx import write_annex

    source = as_judged.noted(run.source(), as_judged.notes(run.config))
    for audience in _of(run, part):
        title, shown = _content(source, audience, part, sections)
        meta = _meta(run, source, audience, part)
        said = provenance(meta, source.words)
        page, document, annex = (_file(run, audience, part, kind) for kind in _KINDS)
        page.parent.mkdir(parents=True, exist_ok=True)
        whom = source.words.text("common.pack", label=audience.label)
        text = sections_page(title, shown, meta=source.meta, provenance=said, issued=(whom,))
        write_text(page, text)
        write_document(document, title, shown, source.words, office=run.params.run.office)
        notes = [whom, *(f"{label}：{line}" for label, line in said)]
        tables = [t for s in shown for t in s.tables]
        write_annex(annex, tables, title=f"{title}附表", notes=notes)
    return pack_files(run, part)


def _content(
    source: Source, audience: Audience, part: str, sections: Sequence[Section]
) -> tuple[str, tuple[Section, ...]]:
    from puhui.briefing.audiences import circular_sections, shown_to
    from puhui.briefing.government import government_sections, government_title
    from puhui.briefing.titles import county_title, institution_title

    if audience.page == "institution":
        return institution_title(source, part), shown_to(audience, sections)
    if audience.page == "county":
        return county_title(source), circular_sections(source, audience)
    own = government_sections(source, audience)
    return government_title(source), shown_to(audience, own)


def _meta(run: Run, source: Source, audience: Audience, part: str) -> Mapping[str, str]:
    """Provenance an audience sees; of what was sent in, an institution sees its own only."""
    meta = {k: v for k, v in source.meta.items() if k in (*audience.provenance, _ALWAYS)}
    if part != COUNTY and "inputs" in meta:
        own = [r for q, i, r in run.config.snapshots if (q, i) == (run.config.quarter, part)]
        meta["inputs"] = "、".join(f"{run.config.quarter}：{part} 第{r}版" for r in own)
    return meta
