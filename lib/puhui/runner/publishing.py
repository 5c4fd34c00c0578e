"""Stages after the working papers: gather slices, export pages and annexes, write the manifest."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from puhui import __version__, results
from puhui.runner import as_judged
from puhui.runner.editing import edits_read, edits_remarks
from puhui.runner.gathering import county_tables
from puhui.runner.locking import LOCK
from puhui.runner.notebooks import Done, read
from puhui.runner.packs import PACKS, pack_files, packed
from puhui.runner.plan import COUNTY_SLICES, INSTITUTION_SLICES
from puhui.runner.project import code_fingerprint, combine, file_hash
from puhui.runner.state import State
from puhui.runner.workspace import COUNTY, Run, RunConfig, concat, sort_results
from puhui.store import write_table, write_text

if TYPE_CHECKING:
    from puhui.briefing.html import Link
    from puhui.briefing.source import Source
    from puhui.runner.preparing import Prepared

PAGES = {"05_institution": "institutions/{part}.html", "06_county": "county.html"}


def complete(run: Run, done: Iterable[Done]) -> tuple[list[str], dict[str, str]]:
    """Split institutions into those with every slice and those that failed, with the reason."""
    failed: dict[str, list[str]] = {}
    for one in done:
        if one.failure:
            failed.setdefault(one.task.institution_id or COUNTY, []).append(one.failure)
    complete_ones = [i for i in run.config.institutions if i not in failed]
    return complete_ones, {i: "；".join(lines) for i, lines in failed.items()}


def gather(run: Run, institutions: Iterable[str]) -> dict[str, pa.Table]:
    """Join the slices of this run into ``results/*.parquet``, in a lasting order.

    What needs all institutions at once, the county's totals and counts, is added here.
    """
    parts = {name: list(institutions) for names in INSTITUTION_SLICES.values() for name in names}
    for name in (name for names in COUNTY_SLICES.values() for name in names):
        parts.setdefault(name, []).append(COUNTY)
    gathered = {}
    for name, of in parts.items():
        paths = [run.slice_path(name, part) for part in of]
        gathered[name] = concat(name, [pq.read_table(p) for p in paths if p.is_file()])
    for name, rows in county_tables(run, gathered).items():
        gathered[name] = concat(name, [gathered[name], rows])
    gathered["measures"] = run.measures
    gathered["intake"] = run.intake("intake")
    gathered["findings"] = run.intake("findings")
    folder = run.config.folder / "results"
    folder.mkdir(parents=True, exist_ok=True)
    for name in sorted(gathered):
        gathered[name] = sort_results(name, gathered[name]).cast(results.SCHEMAS[name])
        write_table(folder / f"{name}.parquet", gathered[name])
    return gathered


class Exporter:
    """Turns executed 05 and 06 into pages, each as soon as it is there."""

    def __init__(self, run: Run, state: State) -> None:
        self._run, self._state = run, state
        self._said = as_judged.notes(run.config)
        self.written: list[Path] = []
        """Pages written in this run."""

    @cached_property
    def _source(self) -> Source:
        return as_judged.noted(self._run.source(), self._said)

    def export(self, one: Done) -> None:
        """Write the page of a notebook, unless it failed or the page is there already."""
        from puhui.briefing.html import export_notebook
        from puhui.briefing.html.pages import provenance

        name, _, part = one.task.id.partition("/")
        if one.failure or name not in PAGES:
            return
        page = self._run.config.folder / PAGES[name].format(part=part)
        key = combine(one.task.key, code_fingerprint(), *self._said)
        if not one.executed and self._state.is_done(f"page/{part}", key, [page]):
            return
        page.parent.mkdir(parents=True, exist_ok=True)
        source = self._source
        lines = provenance(source.meta, source.words)
        text = export_notebook(
            read(one.task.output), title=_title(source, part), meta=source.meta, provenance=lines
        )
        write_text(page, text)
        self._state.done(f"page/{part}", key)
        self.written.append(page)


def _title(source: Source, part: str) -> str:
    from puhui.briefing.titles import county_title, institution_title

    return county_title(source) if part == COUNTY else institution_title(source, part)


def write_index(
    run: Run, institutions: Iterable[str], missing: Iterable[str], done: Iterable[Done]
) -> Path:
    """Write ``index.html``: every institution's status, links, what failed and why.

    Of a notebook in ``done`` that failed, what there is of it is linked, with its log.
    """
    from puhui.briefing.html import Status, index_page

    source = as_judged.noted(run.source(), as_judged.notes(run.config))
    ready = set(institutions)
    troubles, kept = _troubles(run), _kept(run, done)
    statuses = []
    for institution in sorted({*ready, *run.config.failed, *missing} - {COUNTY}):
        facts = run.facts(institution)
        reason = run.config.failed.get(institution, "")
        if institution in ready:
            reason = troubles.get(institution, "")
            condition = "with_errors" if reason else "ok"
        elif reason:
            condition = "failed" if institution in run.config.institutions else "refused"
        else:
            condition, reason = "refused", "本季度未报送。"
        names = [(f"institutions/{institution}.{k}", w) for k, w in _INSTITUTION_FILES]
        names += packed(run, institution)
        names += kept.get(institution, [])
        kind = str(facts.values["kind"])
        links = _links(run, names)
        statuses.append(Status(institution, facts.name, kind, condition, reason, links))
    names = [*_COUNTY_FILES, *packed(run, COUNTY)]
    names += kept.get(COUNTY, [])
    results = sorted((run.config.folder / "results").glob("*.parquet"))
    page = run.config.folder / "index.html"
    failure = run.config.failed.get(COUNTY, "")
    text = index_page(
        source,
        statuses,
        links=_links(run, names),
        data_links=_links(run, ((f"results/{p.name}", p.stem) for p in results)),
        county_failure=failure,
        remarks=edits_remarks(source, [COUNTY, *sorted(ready)]),
    )
    write_text(page, text)
    return page


_INSTITUTION_FILES = (
    ("html", "监管反馈"),
    ("docx", "可编辑稿"),
    ("xlsx", "附表"),
    ("pdf", "打印稿"),
)
_COUNTY_FILES = (
    ("county.html", "全县通报"),
    ("county.docx", "可编辑稿"),
    ("county.xlsx", "全县附表"),
    ("county.pdf", "打印稿"),
)


def _links(run: Run, names: Iterable[tuple[str, str]]) -> tuple[Link, ...]:
    from puhui.briefing.html import Link

    return tuple(Link(w, n) for n, w in names if (run.config.folder / n).is_file())


def _kept(run: Run, done: Iterable[Done]) -> dict[str, list[tuple[str, str]]]:
    """Files of notebooks that failed, with what to call them, by institution."""
    kept: dict[str, list[tuple[str, str]]] = {}
    for one in done:
        if one.failure:
            path = one.task.output.relative_to(run.config.folder)
            kept.setdefault(one.task.institution_id or COUNTY, []).extend(
                [
                    (path.as_posix(), f"未完成的 {path.stem}"),
                    (path.with_suffix(".log").as_posix(), f"{path.stem} 日志"),
                ]
            )
    return kept


def _troubles(run: Run) -> dict[str, str]:
    """What is wrong with each accepted submission, in a few words."""
    rows = run.intake().to_pylist()
    quarantined: dict[str, int] = {}
    refused: dict[str, list[str]] = {}
    for row in rows:
        if row["quarantined"]:
            known = quarantined.get(row["institution_id"], 0)
            quarantined[row["institution_id"]] = known + row["quarantined"]
        if row["status"] == "refused":
            refused.setdefault(row["institution_id"], []).append(f"{row['file']} 被退回")
    unknown = [r["institution_id"] for r in run.register.to_pylist() if r["kind"] is None]
    for institution in unknown:
        refused.setdefault(institution, []).append("不在机构名录，各条款待核实")
    return {
        i: "；".join(
            [*refused.get(i, []), *([f"隔离 {n} 行"] if (n := quarantined.get(i)) else [])]
        )
        for i in {*quarantined, *refused}
    }


def remove_stale(run: Run, institutions: Iterable[str]) -> None:
    """Remove pages and annexes this run could not make: better none than an old one."""
    institutions = list(institutions)
    kept = set(institutions)
    folder = run.config.folder
    for path in (folder / "institutions").glob("*.*"):
        if path.stem not in kept:
            path.unlink()
    ready = [*institutions, *([] if COUNTY in run.config.failed else [COUNTY])]
    packs = {path for part in ready for path in pack_files(run, part)}
    for path in (folder / PACKS).glob("*/*"):
        if path not in packs:
            path.unlink()
    if COUNTY in run.config.failed:
        for path in (folder / "county.html", run.annex_path(COUNTY), run.document_path(COUNTY)):
            path.unlink(missing_ok=True)


def _row_counts(intake: list[dict[str, Any]]) -> dict[str, dict[str, int]]:
    """Rows of the quarter's submissions by table (a file read for two tables counts in both)."""
    counts: dict[str, dict[str, int]] = {}
    for row in intake:
        table = counts.setdefault(str(row["table"] or ""), dict.fromkeys(_HEAPS, 0))
        for name in _HEAPS:
            table[name] += int(row[name] or 0)
    return dict(sorted(counts.items()))


_HEAPS = ("rows_in", "accepted", "quarantined", "non_data")


def manifest(
    run: Run, prepared: Prepared, done: list[Done], pages: int, timings: Mapping[str, float]
) -> dict[str, Any]:
    """Write ``manifest.json``: inputs, versions, counts, timings, outputs with hashes."""
    folder = run.config.folder
    intake = run.intake().to_pylist()
    outputs = sorted(
        p
        for p in folder.rglob("*")
        if p.is_file() and "working" not in p.relative_to(folder).parts and p.name[0] != "."
    )
    policy = run.params.policy.on(run.quarter.end)
    content = {
        "quarter": run.config.quarter,
        "written_at": _now(),
        "version": __version__,
        "code": code_fingerprint(),
        "params": run.params.fingerprint,
        "key_fingerprint": run.config.key_fingerprint,
        "lock": sha256((folder / LOCK).read_bytes()).hexdigest(),
        "policy": {
            n: {"value": str(policy[n]), "source": policy.source(n)}
            for n in sorted(policy.settings)
        },
        "inputs": [list(s) for s in run.config.snapshots],
        "edits": edits_read(run),
        "rows": _row_counts(intake),
        "folders_read": sum(t.read for t in prepared.taken),
        "executed": sum(d.executed for d in done),
        "unchanged": sum(not d.executed for d in done),
        "pages_written": pages,
        "as_judged": list(as_judged.notes(run.config)),
        "refused": list(prepared.refused),
        "failed": dict(run.config.failed),
        "seconds": {k: round(v, 2) for k, v in timings.items()},
        "notebook_seconds": {d.task.id: round(d.seconds, 2) for d in done if d.executed},
        "outputs": {
            str(p.relative_to(folder)): file_hash(p) for p in outputs if p.name != _MANIFEST
        },
    }
    _write(folder, content)
    return content


def nothing_done(config: RunConfig) -> dict[str, Any]:
    """Let the manifest say that nothing had changed; returns it."""
    content: dict[str, Any] = json.loads((config.folder / _MANIFEST).read_text(encoding="utf-8"))
    content |= {
        "written_at": _now(),
        "folders_read": 0,
        "executed": 0,
        "unchanged": content["executed"] + content["unchanged"],
        "pages_written": 0,
        "seconds": {},
        "notebook_seconds": {},
    }
    _write(config.folder, content)
    return content


_MANIFEST = "manifest.json"


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


def _write(folder: Path, content: Mapping[str, object]) -> None:
    write_text(folder / _MANIFEST, json.dumps(content, ensure_ascii=False, indent=1) + "\n")
