"""Rows on their way from files to tables: stacks of located sources, blocks of typed rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from puhui.intake.layout import Field, Part
from puhui.intake.locate import Frame


@dataclass(frozen=True)
class Stack:
    """All frames of one source, one below the other, with ``__frame`` numbers."""

    frames: tuple[Frame, ...]
    data: pa.Table

    def has(self, header: str) -> bool:
        """Whether any frame brought this header."""
        return header in self.data.column_names


def stack(frames: Sequence[Frame]) -> Stack:
    """Concatenate frames of one source; headers a frame lacks are null in its rows."""
    tables = [
        f.data.append_column("__frame", pa.array([i] * f.data.num_rows, pa.int32()))
        for i, f in enumerate(frames)
    ]
    return Stack(
        tuple(frames), pa.concat_tables(tables, promote_options="default").combine_chunks()
    )


@dataclass(frozen=True)
class Block:
    """Rows of one part: typed values, texts as filed, faults, and where each came from.

    ``values``, ``texts`` and ``faults`` have one array per column of the part, all of the
    same length. ``origin`` gives, per column, the source it was read from and its header;
    ``rows`` per source alias ("" is the part's own) the row in that source's stack, null
    where a join found nothing. ``ambiguous`` tells, per joined source, rows for which it has
    several rows, ``conflicts``, per column, where those say different things. ``left_out``
    counts, per frame, rows that are no rows of this table (empty figures of a wide table,
    repeats). ``not_received`` names the joined files that were not submitted.
    """

    part: Part
    stacks: Mapping[str, Stack]
    values: Mapping[str, pa.Array]
    texts: Mapping[str, pa.Array]
    faults: Mapping[str, pa.Array]
    origin: Mapping[str, Field]
    headers: pa.Array | None
    rows: Mapping[str, pa.Array]
    absent: frozenset[str]
    ambiguous: Mapping[str, pa.Array]
    conflicts: Mapping[str, pa.Array]
    left_out: tuple[int, ...]
    not_received: tuple[str, ...]

    @property
    def num_rows(self) -> int:
        """Number of rows."""
        return len(self.rows[""])

    def frame_of(self) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
        """Frame number of each row in the part's own source."""
        own = self.stacks[""].data.column("__frame").combine_chunks()
        frames: np.ndarray[tuple[int], np.dtype[np.int32]] = own.take(self.rows[""]).to_numpy()
        return frames


def select(block: Block, indices: pa.Array) -> Block:
    """The block's rows at ``indices``, in that order; the others are counted as left out."""
    frames, count = block.frame_of(), len(block.left_out)
    before = np.bincount(frames, minlength=count)
    after = np.bincount(frames[indices.to_numpy()], minlength=count)

    def taken(columns: Mapping[str, pa.Array]) -> dict[str, pa.Array]:
        return {name: values.take(indices) for name, values in columns.items()}

    return Block(
        part=block.part,
        stacks=block.stacks,
        values=taken(block.values),
        texts=taken(block.texts),
        faults=taken(block.faults),
        origin=block.origin,
        headers=None if block.headers is None else block.headers.take(indices),
        rows=taken(block.rows),
        absent=block.absent,
        ambiguous=taken(block.ambiguous),
        conflicts=taken(block.conflicts),
        left_out=tuple(int(n) for n in block.left_out + (before - after)),
        not_received=block.not_received,
    )
