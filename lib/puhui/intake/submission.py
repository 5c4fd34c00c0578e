"""Reads a folder of submitted files into canonical tables, findings and quarantine."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from puhui import results, schema
from puhui.engine import DuckDBEngine
from puhui.errors import RunError
from puhui.intake.assemble import Block, Stack, assemble, select, stack
from puhui.intake.checking import (
    Outcome,
    check_format,
    check_table,
    refuse_wrong_scale,
    stacked,
)
from puhui.intake.checks import Checks
from puhui.intake.findings import findings_table, quarantine_table
from puhui.intake.hashing import Hasher
from puhui.intake.layout import Layout
from puhui.intake.ledger import Ledger
from puhui.intake.locate import Frame
from puhui.intake.privacy import organisations, protect
from puhui.intake.reading import Refusal
from puhui.intake.recognise import ReadFile, check_declared, files_of, read_file
from puhui.quarter import Quarter


@dataclass(frozen=True)
class Submission:
    """What intake made of one folder.

    Attributes
    ----------
    tables
        Accepted rows by canonical table, in :func:`puhui.schema.arrow_schema`; a table no
        file supplies is not there.
    findings, intake
        As in :data:`puhui.results.SCHEMAS`; ``revision`` is null until stored.
    quarantine
        Rows kept out, by table: canonical columns as far as readable, then ``check_id``
        (the first error), ``file``, ``sheet``, ``row``.
    absent
        Canonical columns nothing submitted supplies, by table.
    """

    tables: dict[str, pa.Table]
    findings: pa.Table
    intake: pa.Table
    quarantine: dict[str, pa.Table]
    absent: dict[str, tuple[str, ...]]


def read_submission(
    folder: Path,
    *,
    quarter: Quarter,
    institution_id: str | None,
    layouts: Sequence[Layout],
    checks: Checks,
    hasher: Hasher,
    register: pa.Table | None = None,
) -> Submission:
    """Read what one institution submitted for a quarter.

    Parameters
    ----------
    folder
        The institution's folder, or the ``_shared`` one.
    quarter
        The quarter the folder is for.
    institution_id
        ``None`` for the shared folder, whose files carry many institutions.
    layouts
        All layouts; those for this sender are used.
    checks, hasher
        The catalogue of checks and the office's key for persons' ids.
    register
        The supervisor's ``branches``, to look loans' branches up in.

    Notes
    -----
    A file that cannot be read is refused with one line in ``intake``; the others go on.
    For each file and table rows in = accepted + quarantined + non-data; a violation is
    raised as :class:`puhui.intake.values.IntakeFault`.
    """
    sender = "shared" if institution_id is None else "institution"
    reader = _Reader(folder, sender, quarter, institution_id, layouts, checks, hasher)
    return reader.submission({} if register is None else {"branches": register})


def read_supervisor(
    folder: Path,
    *,
    layouts: Sequence[Layout],
    checks: Checks,
    hasher: Hasher,
    quarter: Quarter | None = None,
) -> Submission:
    """Read the supervisor's own files: institutions, branches, plans.

    Parameters and returns as for :func:`read_submission`.
    """
    return _Reader(folder, "supervisor", quarter, None, layouts, checks, hasher).submission({})


class _Reader:
    """One reading of one folder; lives no longer than the call that made it."""

    def __init__(
        self,
        folder: Path,
        sender: str,
        quarter: Quarter | None,
        institution_id: str | None,
        layouts: Sequence[Layout],
        checks: Checks,
        hasher: Hasher,
    ) -> None:
        if not folder.is_dir():
            raise RunError("找不到报送文件夹。", where=str(folder))
        self.folder, self.quarter, self.institution_id = folder, quarter, institution_id
        self.layouts = [lay for lay in layouts if lay.sender == sender]
        self.checks, self.hasher = checks, hasher
        self.refused: dict[str, Refusal] = {}

    def submission(self, references: dict[str, pa.Table]) -> Submission:
        files = self._read_files()
        blocks = self._blocks(files)
        outcomes = {t: check_format(b, self.checks) for t, b in blocks.items()}
        known = organisations(blocks.get("customers", []))
        for table in blocks:
            blocks[table] = [protect(b, known, self.hasher) for b in blocks[table]]
        book = Ledger(self.quarter, self.institution_id)
        done = Submission({}, results.empty("findings"), results.empty("intake"), {}, {})
        findings = [done.findings]
        with DuckDBEngine() as engine:
            for table in (t for t in schema.tables() if t in blocks):
                own, outcome = blocks[table], outcomes[table]
                given = references | done.tables
                check_table(engine, table, own, outcome, self.checks, self.quarter, given)
                self._close(table, own, outcome, done)
                findings.append(findings_table(table, own, outcome, self.quarter))
                book.enter(table, own, outcome, findings[-1])
        for read in files:
            book.enter_joined(read)
        for file, refusal in self.refused.items():
            book.refuse(file, refusal)
        return replace(done, findings=pa.concat_tables(findings), intake=book.table())

    def _read_files(self) -> list[ReadFile]:
        files = []
        for path, name in files_of(self.folder):
            try:
                read = read_file(path, name, self.layouts)
                check_declared(read, self.quarter, self.institution_id)
            except Refusal as refusal:
                self.refused[name] = refusal
            else:
                files.append(read)
        return files

    def _blocks(self, files: list[ReadFile]) -> dict[str, list[Block]]:
        """Assemble all parts; a file found unusable is refused and the rest put together anew."""
        while True:
            try:
                return self._assemble(files)
            except Refusal as refusal:
                if refusal.file not in {f.file for f in files}:
                    raise
                self.refused[refusal.file] = refusal
                files[:] = [f for f in files if f.file != refusal.file]

    def _assemble(self, files: Sequence[ReadFile]) -> dict[str, list[Block]]:
        blocks: dict[str, list[Block]] = {}
        for layout in self.layouts:
            sources = _sources(f for f in files if f.layout is layout)
            for table, parts in layout.tables.items():
                for part in parts:
                    block = assemble(part, sources, layout, self.quarter)
                    if block is None:
                        continue
                    refuse_wrong_scale(block, self.checks, layout)
                    block = self._with_institution(block)
                    if part.distinct:
                        block = self._distinct(block, blocks.get(table, []))
                    blocks.setdefault(table, []).append(block)
        return blocks

    def _with_institution(self, block: Block) -> Block:
        if "institution_id" in block.values:
            return block
        same = pa.array([self.institution_id] * block.num_rows, pa.string())
        nothing = pa.nulls(block.num_rows, pa.string())
        return replace(
            block,
            values={"institution_id": same, **block.values},
            texts={"institution_id": nothing, **block.texts},
        )

    def _distinct(self, block: Block, earlier: Sequence[Block]) -> Block:
        """Keep the first row of each key not already in an earlier part."""
        seen = {key for b in earlier for key in _keys(b)}
        kept = []
        for i, key in enumerate(_keys(block)):
            if None in key or key not in seen:
                seen.add(key)
                kept.append(i)
        return select(block, pa.array(kept, pa.int64()))

    def _close(
        self, table: str, blocks: Sequence[Block], outcome: Outcome, done: Submission
    ) -> None:
        rows = stacked(table, blocks, with_place=False)
        passing = pa.concat_arrays([outcome.passing(i) for i in range(len(blocks))])
        done.tables[table] = rows.filter(passing).cast(schema.arrow_schema(table)).combine_chunks()
        done.quarantine[table] = quarantine_table(table, blocks, outcome, rows)
        missing = frozenset.intersection(*[b.absent for b in blocks])
        done.absent[table] = tuple(c.name for c in schema.columns(table) if c.name in missing)


def _sources(files: Iterable[ReadFile]) -> dict[str, Stack]:
    frames: dict[str, list[Frame]] = {}
    for frame in (frame for file in files for frame in file.frames):
        frames.setdefault(frame.source, []).append(frame)
    return {source: stack(found) for source, found in frames.items()}


def _keys(block: Block) -> list[tuple[object, ...]]:
    names = [c.name for c in schema.columns(block.part.table) if c.is_key]
    return list(zip(*[block.values[n].to_pylist() for n in names], strict=True))
