"""Reads a folder of submitted files into canonical tables, findings and quarantine."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from puhui import results, schema
from puhui.engine import DuckDBEngine
from puhui.errors import RunError
from puhui.intake.assemble import assemble
from puhui.intake.block import Block, Stack, select, stack
from puhui.intake.checking import (
    Outcome,
    check_format,
    check_table,
    refuse_wrong_scale,
    stacked,
)
from puhui.intake.checks import Checks
from puhui.intake.completeness import Refused, why_missing
from puhui.intake.findings import findings_table, quarantine_table
from puhui.intake.hashing import Hasher
from puhui.intake.joining import first_statements
from puhui.intake.layout import Layout
from puhui.intake.ledger import Ledger
from puhui.intake.locate import Frame
from puhui.intake.notices import not_read, unknown_headers
from puhui.intake.privacy import organisations, protect
from puhui.intake.reading import Refusal
from puhui.intake.recognise import (
    ReadFile,
    check_declared,
    files_of,
    is_document,
    meant_by,
    read_file,
    told_by_name,
)
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
    missing
        Tables of which a part that is needed was refused, was not sent or has no row that
        can be used, and why: they are not in ``tables``, however many rows other parts
        bring. A table nothing was sent for is in neither.
    """

    tables: dict[str, pa.Table]
    findings: pa.Table
    intake: pa.Table
    quarantine: dict[str, pa.Table]
    absent: dict[str, tuple[str, ...]]
    missing: dict[str, str] = field(default_factory=dict)


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
        The institution's folder, or one whose files carry many.
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
    A table of which a needed part is lost is left out as a whole, with the reason in
    ``missing``; its readable rows are still counted.
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
        self.deep = sender != "supervisor"  # its sub-folders hold reference series
        self.refused: dict[str, Refused] = {}
        self.unused: list[str] = []

    def submission(self, references: dict[str, pa.Table]) -> Submission:
        files = self._read_files()
        blocks = self._blocks(files)
        outcomes = {t: check_format(b, self.checks) for t, b in blocks.items()}
        known = organisations(blocks.get("customers", []))
        for table in blocks:
            blocks[table] = [protect(b, known, self.hasher) for b in blocks[table]]
        book = Ledger(self.quarter, self.institution_id)
        done = Submission({}, results.empty("findings"), results.empty("intake"), {}, {}, {})
        notices = unknown_headers(files, self.checks, self.quarter, self.institution_id)
        findings = [notices]
        with DuckDBEngine() as engine:
            for table in (t for t in schema.tables() if t in blocks):
                own, outcome = blocks[table], outcomes[table]
                given = references | done.tables
                check_table(engine, table, own, outcome, self.checks, self.quarter, given)
                self._close(table, own, outcome, done, files)
                findings.append(findings_table(table, own, outcome, self.quarter))
                said = (findings[-1], notices.filter(pc.equal(notices.column("table"), table)))
                book.enter(table, own, outcome, said, done.missing.get(table, ""))
        for table in (t for t in schema.tables() if t not in blocks):
            self._missing(table, (), None, done, files)
        for read in files:
            book.enter_joined(read, read.file in notices.column("file").to_pylist())
        for line in not_read(files):
            book.note(*line)
        for file in self.unused:
            book.note(file, None, "accepted_with_warnings", "未使用的文件：不是报送数据的格式。")
        for file, refused in self.refused.items():
            book.refuse(file, refused.refusal)
        return replace(done, findings=pa.concat_tables(findings), intake=book.table())

    def _read_files(self) -> list[ReadFile]:
        files = []
        found = files_of(self.folder, deep=self.deep)
        beside = told_by_name([name for _, name in found], self.layouts)
        for path, name in found:
            if is_document(name, self.layouts):
                self.unused.append(name)
                continue
            try:
                read = read_file(path, name, self.layouts, beside)
            except Refusal as refusal:
                meant = meant_by(path, name, self.layouts)
                self.refused[name] = Refused(name, refusal, tuple(meant))
                continue
            try:
                check_declared(read, self.quarter, self.institution_id)
            except Refusal as refusal:
                self.refused[name] = Refused.of(read, refusal)
            else:
                files.append(read)
        return files

    def _blocks(self, files: list[ReadFile]) -> dict[str, list[Block]]:
        """Assemble all parts; a file found unusable is refused and the rest put together anew."""
        while True:
            try:
                return self._assemble(files)
            except Refusal as refusal:
                at_fault = [f for f in files if f.file == refusal.file]
                if not at_fault:
                    raise
                self.refused[refusal.file] = Refused.of(at_fault[0], refusal)
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
        """Keep the first row of each key not in an earlier part, and what contradicts it."""
        said = {
            key: statement
            for b in reversed(earlier)
            for key, statement in zip(_keys(b), self._statements(b), strict=True)
        }
        kept = first_statements(_keys(block), self._statements(block), said)
        return select(block, pa.array(kept, pa.int64()))

    def _statements(self, block: Block) -> list[tuple[object, ...]]:
        """What each row says, as filed, of what must not differ within a key."""
        nothing = pa.nulls(block.num_rows)
        columns = [
            pc.if_else(pc.is_valid(block.texts[n]), block.values[n], None)
            if n in block.values
            else nothing
            for n in self.checks.builtin("conflict").columns
        ]
        return list(zip(*[c.to_pylist() for c in columns], strict=True))

    def _close(
        self,
        table: str,
        blocks: Sequence[Block],
        outcome: Outcome,
        done: Submission,
        files: Sequence[ReadFile],
    ) -> None:
        rows = stacked(table, blocks, with_place=False)
        passing = pa.concat_arrays([outcome.passing(i) for i in range(len(blocks))])
        if not self._missing(table, blocks, outcome, done, files):
            accepted = rows.filter(passing).cast(schema.arrow_schema(table))
            done.tables[table] = accepted.combine_chunks()
        done.quarantine[table] = quarantine_table(table, blocks, outcome, rows)
        absent = frozenset.intersection(*[b.absent for b in blocks])
        done.absent[table] = tuple(c.name for c in schema.columns(table) if c.name in absent)

    def _missing(
        self,
        table: str,
        blocks: Sequence[Block],
        outcome: Outcome | None,
        done: Submission,
        files: Sequence[ReadFile],
    ) -> bool:
        refused = list(self.refused.values())
        why = why_missing(table, self.layouts, files, refused, blocks, outcome)
        if why:
            done.missing[table] = why
        return bool(why)


def _sources(files: Iterable[ReadFile]) -> dict[str, Stack]:
    frames: dict[str, list[Frame]] = {}
    for frame in (frame for file in files for frame in file.frames):
        frames.setdefault(frame.source, []).append(frame)
    return {source: stack(found) for source, found in frames.items()}


def _keys(block: Block) -> list[tuple[object, ...]]:
    names = [c.name for c in schema.columns(block.part.table) if c.is_key]
    return list(zip(*[block.values[n].to_pylist() for n in names], strict=True))
