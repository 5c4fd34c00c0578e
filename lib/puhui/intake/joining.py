"""Joins rows of two sources by their ids, and tells where a join is not one answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa

from puhui.intake.spelling import plain


def match(
    left: pa.Table, left_key: str, right: pa.Table, right_key: str
) -> tuple[pa.Array, pa.Array]:
    """Row of ``right`` for each row of ``left`` (null: none), and whether there are several."""
    first: dict[str, int] = {}
    twice: set[str] = set()
    for i, key in enumerate(_keys(right, right_key)):
        if key is not None and first.setdefault(key, i) != i:
            twice.add(key)
    wanted = _keys(left, left_key)
    found = [first.get(k) if k is not None else None for k in wanted]
    return pa.array(found, pa.int64()), pa.array([k in twice for k in wanted], pa.bool_())


def contradicted(right: pa.Table, right_key: str, values: pa.Array) -> pa.Array:
    """Per row of ``right``: rows with the same id hold different ``values`` (nulls say nothing)."""
    keys = _keys(right, right_key)
    said: dict[str, object] = {}
    torn: set[str] = set()
    for key, value in zip(keys, values.to_pylist(), strict=True):
        if key is not None and value is not None and said.setdefault(key, value) != value:
            torn.add(key)
    return pa.array([key in torn for key in keys], pa.bool_())


def first_statements(
    keys: Sequence[tuple[object, ...]],
    statements: Sequence[tuple[object, ...]],
    earlier: Mapping[tuple[object, ...], tuple[object, ...]],
) -> list[int]:
    """Rows to keep of a source in which a key stands many times: the first, and contradictions.

    Parameters
    ----------
    keys, statements
        Key of each row, and what must not differ between rows of a key (nulls say nothing).
    earlier
        Keys that earlier parts brought, with what they said.
    """
    seen = {key: [said] for key, said in earlier.items()}
    kept = []
    for i, (key, said) in enumerate(zip(keys, statements, strict=True)):
        before = seen.setdefault(key, [])
        if None in key or not before or all(_differ(said, other) for other in before):
            before.append(said)
            kept.append(i)
    return kept


def _differ(one: Sequence[object], other: Sequence[object]) -> bool:
    pairs = zip(one, other, strict=True)
    return any(a is not None and b is not None and a != b for a, b in pairs)


def _keys(table: pa.Table, header: str) -> list[str | None]:
    return [plain(k) if k else None for k in table.column(header).to_pylist()]
