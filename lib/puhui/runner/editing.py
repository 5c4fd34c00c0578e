"""Hand edits of pages: where they stand, what a run makes of them, and writing the file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from puhui.errors import RunError
from puhui.runner.project import file_hash
from puhui.runner.workspace import COUNTY, Run
from puhui.store import write_text

if TYPE_CHECKING:
    from puhui.briefing.source import Source

_HEAD = """\
# {page} {quarter}：页面上由程序生成的语句。
# 在 text 后写入改好的文字，页面即用它并标明“人工修改”；留空的照旧。请不要改 generated。
# 写好后执行 puhui run {quarter}；之后原句若有变化，首页会提示复核。
# 复核过的，执行 puhui edits {quarter} {page} --reviewed 更新 generated。
"""


def edits_key(run: Run, page: str) -> str:
    """Fingerprint of a page's edits; empty without any."""
    path = run.edits_file(page)
    return file_hash(path) if path.is_file() else ""


def edits_read(run: Run) -> dict[str, str]:
    """Return the files of edits of this run's pages with their hashes, as the manifest says."""
    pages = (COUNTY, *run.config.institutions)
    found = {run.edits_file(p).name: edits_key(run, p) for p in pages}
    return {name: key for name, key in found.items() if key}


def edits_remarks(source: Source, pages: Iterable[str]) -> list[str]:
    """Say which edited pages to look at again, and what could not be used."""
    from puhui.briefing.edits import edits_said

    remarks: list[str] = []
    for page in pages:
        if page in source.edits:
            name = page if page == COUNTY else source.name(page)
            now = {} if source.edits[page].error else _generated(source, page)
            remarks.extend(edits_said(source, page, name, now))
    return remarks


def write_edits(run: Run, page: str, *, reviewed: bool = False) -> tuple[Path, int]:
    """Write the file of a page's sentences; returns it and how many it lists.

    What an analyst wrote before is kept, with the sentence it was written for; with ``reviewed``
    the sentence as it is now takes that one's place.

    Raises
    ------
    RunError
        If the run has no such page, or the file there cannot be read.
    """
    pages = (COUNTY, *run.config.institutions)
    if page not in pages:
        raise RunError(f"没有页面“{page}”。", remedy=f"可用的有：{'、'.join(pages)}。")
    path = run.edits_file(page)
    before = _before(path)
    entries = {
        key: {"generated": text, "text": ""} for key, text in _generated(run.source(), page).items()
    }
    for key, old in before.items():
        if old["text"]:
            kept = entries[key]["generated"] if reviewed and key in entries else old["generated"]
            entries[key] = {"generated": kept, "text": old["text"]}
    path.parent.mkdir(parents=True, exist_ok=True)
    body = yaml.safe_dump(entries, allow_unicode=True, sort_keys=False, width=10_000)
    write_text(path, _HEAD.format(page=page, quarter=run.config.quarter) + body)
    return path, len(entries)


def _before(path: Path) -> dict[str, dict[str, str]]:
    """Read what was written before; a file that cannot be read must not be written over."""
    from puhui.briefing.edits import read_edits

    if not path.is_file():
        return {}
    edits = read_edits(path)
    if edits.error:
        raise RunError(f"{path} 不能读取：{edits.error}", remedy="请先改正，或把它移开。")
    return {k: {"generated": e.generated, "text": e.text} for k, e in edits.by_key.items()}


def _generated(source: Source, page: str) -> Mapping[str, str]:
    from puhui.briefing.county import county_sections
    from puhui.briefing.edits import sentences
    from puhui.briefing.institution import institution_sections
    from puhui.briefing.table import plain

    bare = replace(source, edits={})
    sections = county_sections(bare) if page == COUNTY else institution_sections(bare, page)
    return {key: plain(text) for key, text in sentences(sections).items()}
