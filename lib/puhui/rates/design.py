"""From a table to moments: rows that count, effects that nest, the producer that is safe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from puhui.engine.duckdb import DuckDBEngine
from puhui.errors import FitError
from puhui.rates.columns import FixedColumn, KeyColumn, Source, fixed, key, read
from puhui.rates.moments import (
    CellSums,
    ColumnPlan,
    Moments,
    assemble,
    dummy_offsets,
    fits_engine,
    scan,
    tally,
)
from puhui.rates.solve import MAX_COLUMNS

#: An engine scan sums columns pairwise; wider designs are multiplied in Python integers.
SCAN_COLUMNS = 30
Codes = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Design:
    """Rows of a fit: numeric columns (outcome last), weight, cluster and effects."""

    columns: tuple[FixedColumn, ...]
    weight: FixedColumn | None
    cluster: KeyColumn | None
    effects: tuple[KeyColumn, ...]
    kept: npt.NDArray[np.int64]
    dropped: dict[str, int]
    cluster2: KeyColumn | None = None


def prepare(
    table: Source,
    y: str,
    x: Sequence[str],
    *,
    cluster: str | None,
    cluster2: str | None = None,
    weights: str | None,
    effects: Sequence[str],
) -> Design:
    """Read the columns, drop rows that cannot count, and say how many and why.

    Raises
    ------
    FitError
        Repeated regressor, negative weight, no rows left, or what :func:`read` raises.
    """
    twice = sorted({name for name in x if list(x).count(name) > 1 or name in (y, "intercept")})
    if twice:
        raise FitError(f"列“{'”“'.join(twice)}”重复使用。", remedy="每个变量只列一次。")
    extra = [name for name in (cluster, cluster2, weights) if name is not None]
    arrow = read(table, [y, *x, *extra, *effects])
    columns = tuple(fixed(arrow, name) for name in (*x, y))
    weight = fixed(arrow, weights) if weights is not None else None
    by = key(arrow, cluster) if cluster is not None else None
    by2 = key(arrow, cluster2) if cluster2 is not None else None
    keys = tuple(key(arrow, name) for name in effects)
    missing = np.zeros(arrow.num_rows, dtype=np.bool_)
    for numeric in (*columns, *([weight] if weight else [])):
        missing |= numeric.missing
    for coded in (*keys, *([by] if by else []), *([by2] if by2 else [])):
        missing |= coded.codes < 0
    zero = np.zeros_like(missing)
    if weight is not None:
        if (weight.whole < 0).any():
            raise FitError(f"权重列“{weight.name}”有负数。", remedy="权重应为正数。")
        zero = ~missing & (weight.whole == 0)
    kept = np.flatnonzero(~missing & ~zero)
    kept, alone = _without_singletons(kept, [k.codes for k in keys])
    dropped = {"missing": int(missing.sum()), "zero_weight": int(zero.sum()), "singletons": alone}
    if len(kept) == 0:
        raise FitError("没有可用的行。", remedy="请检查缺失值、权重和只有一行的效应类别。")
    return Design(columns, weight, by, keys, kept, dropped, by2)


def _without_singletons(kept: Codes, effects: Sequence[Codes]) -> tuple[Codes, int]:
    before = len(kept)
    while True:
        alone = np.zeros(len(kept), dtype=np.bool_)
        for codes in effects:
            _, place, count = np.unique(codes[kept], return_inverse=True, return_counts=True)
            alone |= count[place] == 1
        if not alone.any():
            return kept, before - len(kept)
        kept = kept[~alone]


def one_sided(design: Design, fewest: int) -> dict[str, int]:
    """Regressors of two values, constant within clusters, with too few clusters of one of them.

    Returns
    -------
    dict
        The clusters on the smaller side, by name of the regressor.
    """
    found: dict[str, int] = {}
    if design.cluster is None:
        return found
    _, group = np.unique(design.cluster.codes[design.kept], return_inverse=True)
    for column in design.columns[:-1]:
        values = column.whole[design.kept]
        first = np.zeros(int(group.max()) + 1, dtype=values.dtype)
        first[group] = values
        sides = [int((first == v).sum()) for v in set(first.tolist())]
        if len(sides) == 2 and min(sides) < fewest and bool((first[group] == values).all()):
            found[column.name] = min(sides)
    return found


@dataclass(frozen=True)
class EffectColumns:
    """Effects of a design by row: the absorbed cell, and the column of each explicit level.

    ``places`` holds one array by explicit effect: the column that is one in the row, or −1 for
    the level left out.
    """

    absorbed: Codes | None
    places: tuple[Codes, ...]


def effect_columns(design: Design, *, intercept: bool) -> EffectColumns:
    """Say which columns of :func:`gather`'s moments the effects of each row are."""
    kept = design.kept
    group = design.cluster.codes[kept] if design.cluster else np.zeros(len(kept), dtype=np.int64)
    absorbed, levels = _split_effects([e.codes[kept] for e in design.effects], group)
    counts = [int(codes.max()) + 1 for codes in levels]
    terms = len(design.columns) - 1 + int(intercept)
    offsets, _ = dummy_offsets(counts, terms, intercept or absorbed is not None)
    places = [
        np.where(codes >= skip, at + codes, -1)
        for (at, skip), codes in zip(offsets, levels, strict=True)
    ]
    return EffectColumns(absorbed, tuple(places))


def gather(design: Design, *, intercept: bool) -> Moments:
    """Exact moments of a design; the engine where its sums provably fit, else Python integers."""
    kept = design.kept
    group = design.cluster.codes[kept] if design.cluster else np.zeros(len(kept), dtype=np.int64)
    labels = design.cluster.labels if design.cluster else ("全部",)
    absorbed, levels = _split_effects([e.codes[kept] for e in design.effects], group)
    counts = [int(codes.max()) + 1 for codes in levels]
    wide = len(design.columns) - 1 + sum(counts)
    if wide - len(counts) > MAX_COLUMNS:
        raise FitError(
            f"不嵌套在聚类内的效应连同自变量有 {wide} 列，超过 {MAX_COLUMNS} 列。",
            remedy="请减少这类效应的类别，或按更粗的口径聚类。",
        )
    plans = [ColumnPlan(c.name, f"z{i}", c.scale, c.bound) for i, c in enumerate(design.columns)]
    weight = design.weight
    w_plan = ColumnPlan(weight.name, "w", weight.scale, weight.bound) if weight else None
    native = all(
        c.whole.dtype == np.int64 for c in (*design.columns, *([weight] if weight else []))
    )
    if (
        native
        and len(plans) <= SCAN_COLUMNS
        and fits_engine(plans, len(kept), w_plan.bound if w_plan else 1)
    ):
        sums = _by_engine(design, plans, w_plan, group, labels, absorbed, levels)
    else:
        sums = _by_python(design, group, labels, absorbed, levels)
    return assemble(
        sums, plans, intercept=intercept, absorbing=absorbed is not None, level_counts=counts
    )


def _split_effects(effects: list[Codes], group: Codes) -> tuple[Codes | None, list[Codes]]:
    """Find the finest effect nested in the cluster, and those that need their own columns."""
    nested = [codes for codes in effects if _nests(codes, group)]
    finest = max(nested, key=lambda codes: len(np.unique(codes)), default=None)
    explicit = [
        np.unique(codes, return_inverse=True)[1].astype(np.int64)
        for codes in effects
        if codes is not finest and (finest is None or not _nests(finest, codes))
    ]
    return finest, explicit


def _nests(inner: Codes, outer: Codes) -> bool:
    """Whether every level of ``inner`` lies in one level of ``outer``."""
    pairs = np.unique(np.stack([inner, outer]), axis=1).shape[1]
    return bool(pairs == len(np.unique(inner)))


def _by_engine(
    design: Design,
    plans: list[ColumnPlan],
    weight: ColumnPlan | None,
    group: Codes,
    labels: tuple[str, ...],
    absorbed: Codes | None,
    levels: list[Codes],
) -> CellSums:
    kept = design.kept
    rows = {f"z{i}": pa.array(c.whole[kept]) for i, c in enumerate(design.columns)}
    if design.weight is not None:
        rows["w"] = pa.array(design.weight.whole[kept])
    rows["g"] = pa.array(labels).take(pa.array(group))
    rows["f"] = pa.array(absorbed if absorbed is not None else np.zeros_like(group))
    rows |= {f"e{i}": pa.array(codes) for i, codes in enumerate(levels)}
    with (
        TemporaryDirectory(prefix="puhui-") as spill,
        DuckDBEngine(spill=Path(spill)) as engine,
    ):
        engine.register("rates_rows", pa.table(rows))
        return scan(
            engine,
            "rates_rows",
            plans,
            group="g",
            absorbed="f" if absorbed is not None else None,
            levels=[f"e{i}" for i in range(len(levels))],
            weight=weight,
        )


def _by_python(
    design: Design,
    group: Codes,
    labels: tuple[str, ...],
    absorbed: Codes | None,
    levels: list[Codes],
) -> CellSums:
    kept = design.kept
    present, place = np.unique(group, return_inverse=True)
    return tally(
        [labels[int(code)] for code in present],
        place.tolist(),
        [[int(v) for v in c.whole[kept]] for c in design.columns],
        absorbed=(absorbed if absorbed is not None else np.zeros_like(group)).tolist(),
        levels=[codes.tolist() for codes in levels],
        weight=[int(v) for v in design.weight.whole[kept]] if design.weight else None,
    )
