"""Whether a table came whole: a part of a ledger must not pass for the ledger."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow.compute as pc

from puhui import schema
from puhui.intake.block import Block
from puhui.intake.checking import Outcome
from puhui.intake.layout import Layout, Part
from puhui.intake.locate import NIL
from puhui.intake.reading import Refusal
from puhui.intake.recognise import Meant, ReadFile


@dataclass(frozen=True)
class Refused:
    """A refused file and the sources it brought, or was meant to bring."""

    file: str
    refusal: Refusal
    meant: tuple[Meant, ...]

    @classmethod
    def of(cls, read: ReadFile, refusal: Refusal) -> Refused:
        """A file that was refused after its layout was known."""
        brought = [f for f in read.frames if f.data.num_rows or f.is_nil]
        meant = tuple(Meant(read.layout, frame.source, True) for frame in brought)
        return cls(read.file, refusal, meant)

    def line(self) -> str:
        """Which file, and why."""
        return f"{self.file} 被退回：{self.refusal.message}"


def why_missing(
    table: str,
    layouts: Sequence[Layout],
    files: Sequence[ReadFile],
    refused: Sequence[Refused],
    blocks: Sequence[Block],
    outcome: Outcome | None,
) -> str:
    """Why a table cannot be used as a whole, in Chinese; empty if it can, or was never sent.

    Parameters
    ----------
    files, refused
        Files that were read, and files that were not.
    blocks, outcome
        What was read of the table and what the checks said (none: nothing was read).
    """
    lost: list[str] = []
    for layout in (lay for lay in layouts if table in lay.tables):
        parts = layout.tables[table]
        lost += _lost_sources(parts, layout, files, refused, bool(blocks))
        places = {part.where for part in parts}
        lost += _blank([b for b in blocks if b.part.where in places])
    if outcome is not None:
        lost += _all_quarantined(blocks, outcome)
        accepted = any(pc.any(outcome.passing(i)).as_py() for i in range(len(blocks)))
        if not lost and not accepted and not all(_is_nil(b) for b in blocks):
            lost = [_nothing_left(table, blocks)]
    return "".join(dict.fromkeys(line if line.endswith("。") else f"{line}。" for line in lost))


def _lost_sources(
    parts: Sequence[Part],
    layout: Layout,
    files: Sequence[ReadFile],
    refused: Sequence[Refused],
    held: bool,
) -> Iterator[str]:
    """Parts of one layout whose file was refused, or was not sent though another part was."""
    own = [f for f in files if f.layout is layout]
    there = {frame.source for file in own for frame in file.frames}
    gone: dict[str, list[str]] = {}
    for one in refused:
        for meant in (m for m in one.meant if m.layout is layout):
            # A workbook nobody can open may hold this table; where another layout brings the
            # table and none of this layout's files came, nothing says that it does.
            if meant.certain or own or not held:
                gone.setdefault(meant.source, []).append(one.line())
    for file in own:
        for source, reason in file.unread.items():
            gone.setdefault(source, []).append(reason)
    begun = any(p.source in there or p.source in gone for p in parts)
    for part in parts:
        if not part.required and held:
            continue
        if part.source in gone:
            yield from gone[part.source]
        elif begun and part.required and part.source not in there:
            yield _not_sent(layout, part)


def _not_sent(layout: Layout, part: Part) -> str:
    source = layout.sources[part.source]
    return f"缺少工作表“{source.sheet}”" if source.sheet else f"缺少文件 {source.files[0]}"


def _blank(blocks: Sequence[Block]) -> Iterator[str]:
    """Required parts of one layout without a row or a word, where its other parts have some."""
    brought = [_is_nil(b) or any(f.data.num_rows for f in b.stacks[""].frames) for b in blocks]
    if not any(brought):
        return
    for block, something in zip(blocks, brought, strict=True):
        if block.part.required and not something:
            yield _nothing_left(block.part.table, [block])


def _all_quarantined(blocks: Sequence[Block], outcome: Outcome) -> Iterator[str]:
    """Files of required parts that had rows of which none passed."""
    for i, block in enumerate(blocks):
        if not block.part.required:
            continue
        frames = block.stacks[""].frames
        passing = outcome.passing(i).to_numpy(zero_copy_only=False)
        frame_of = block.frame_of()
        for index, frame in enumerate(frames):
            mine = frame_of == index
            if mine.any() and not (mine & passing).any():
                yield (
                    f"{frame.file} 的“{schema.label(block.part.table)}”"
                    f"没有一行可用（{int(mine.sum())} 行全部隔离）"
                )


def _nothing_left(table: str, blocks: Sequence[Block]) -> str:
    files = "、".join(dict.fromkeys(f.file for b in blocks for f in b.stacks[""].frames))
    if any(f.data.num_rows for b in blocks for f in b.stacks[""].frames):
        return f"{files} 的“{schema.label(table)}”没有一行可用"
    return f"{files} 的“{schema.label(table)}”没有数据，也没有写明“{NIL}”"


def _is_nil(block: Block) -> bool:
    frames = block.stacks[""].frames
    return any(f.is_nil for f in frames) and not any(f.data.num_rows for f in frames)
