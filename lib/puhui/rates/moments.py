"""Exact integer moments: one scan gives Σ1, Σz, Σzz′ by cluster and effect cell.

Two producers, one result: the engine (sums of integers in 128 bits, used only where the bounds
of the columns prove that no sum can leave that range) and Python integers of any length. Effects
nested in the cluster are swept out cell by cell, A_g − Σ_f m_f m_f′/w_f, over one common
denominator, so that what follows is integer arithmetic.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations_with_replacement

from flint import fmpz_mat

from puhui.engine.duckdb import DuckDBEngine, ident

#: Sums leave the engine as DECIMAL(38,0).
SUM_LIMIT = 10**38 - 1
_INT64 = 2**63 - 1
#: Common denominators longer than this are replaced by a power of two (weighted, many cells).
_EXACT_BITS = 2**17
#: That power.
DYADIC_BITS = 2048


@dataclass(frozen=True)
class ColumnPlan:
    """A column of integers in a relation: ``value = sql / 10**scale``, ``|sql| <= bound``."""

    name: str
    sql: str
    scale: int
    bound: int


@dataclass(frozen=True)
class Cell:
    """First moments of one cluster × absorbed cell × explicit effect levels."""

    group: int
    absorbed: int
    levels: tuple[int, ...]
    rows: int
    weight: int
    sums: tuple[int, ...]


@dataclass(frozen=True)
class CellSums:
    """What a scan returns: clusters in sorted order, their rows, Σzz′ and their cells."""

    groups: tuple[str, ...]
    cross: tuple[tuple[int, ...], ...]  # per cluster, the upper triangle of Σwzz′ by rows
    cells: tuple[Cell, ...]
    scales: tuple[int, ...] = ()  # of the scanned columns
    singletons: int = 0


@dataclass(frozen=True)
class Moments:
    """Cross products by cluster, free of the absorbed effects.

    ``cross[g] / denominator`` is Σw z̃z̃′ over the columns ``names`` (regressors, explicit effect
    columns, outcome last), where column ``j`` is an integer over ``10**scales[j]``.
    """

    names: tuple[str, ...]
    scales: tuple[int, ...]
    terms: int  # the first ones are reported; then come explicit effect columns, then y
    groups: tuple[str, ...]
    rows: tuple[int, ...]
    cross: tuple[fmpz_mat, ...]
    denominator: int
    exact: bool
    weight: int  # Σw, raw
    y_sum: int  # Σwy, raw
    y_square: int  # Σwy², raw
    cells: int  # number of absorbed cells, 0 if none
    singletons: int = 0


def fits_engine(columns: Sequence[ColumnPlan], rows: int, weight_bound: int = 1) -> bool:
    """Whether the bounds prove that every sum of products stays within the engine's range."""
    largest = max((c.bound for c in columns), default=0)
    return rows * weight_bound * max(largest, 1) ** 2 <= SUM_LIMIT


def scan(
    engine: DuckDBEngine,
    relation: str,
    columns: Sequence[ColumnPlan],
    *,
    group: str = "'全部'",
    absorbed: str | None = None,
    levels: Sequence[str] = (),
    weight: ColumnPlan | None = None,
) -> CellSums:
    """One scan of a relation; the caller has proven the bounds with :func:`fits_engine`.

    Parameters
    ----------
    group, absorbed, levels
        SQL of the cluster, of the absorbed cell (nested in it) and of explicit effect levels,
        the latter as integers from 0. Rows alone in their absorbed cell are left out, counted.
    """
    keys = [f"CAST({group} AS VARCHAR) AS g", f"{absorbed or '0'} AS f"]
    keys += [f"{sql} AS e{i}" for i, sql in enumerate(levels)]
    w, w_bound = (weight.sql, weight.bound) if weight else ("1", 1)
    sums = [f"count(*) AS n, sum({_wide(w, w_bound)}) AS w"]
    sums += [
        f"sum({_product((w, w_bound), (c.sql, c.bound))}) AS s{i}" for i, c in enumerate(columns)
    ]
    pairs = list(combinations_with_replacement(range(len(columns)), 2))
    for i, j in pairs:
        factors = [(w, w_bound), *((columns[k].sql, columns[k].bound) for k in (i, j))]
        sums.append(f"sum({_product(*factors)}) AS q{i}_{j}")
    engine.table(
        "rates_cells",
        f"SELECT *, sum(n) OVER (PARTITION BY g, f) AS f_n FROM "
        f"(SELECT {', '.join(keys + sums)} FROM {ident(relation)} GROUP BY ALL)",
    )
    keep = "f_n > 1" if absorbed else "true"
    quads = ", ".join(f"sum(q{i}_{j})::DECIMAL(38,0) AS q{i}_{j}" for i, j in pairs)
    cross = engine.sql(f"SELECT g, {quads} FROM rates_cells WHERE {keep} GROUP BY g ORDER BY g")
    names = [f"e{i}" for i in range(len(levels))]
    firsts = [f"s{i}" for i in range(len(columns))]
    wide = ", ".join(f"{c}::DECIMAL(38,0) AS {c}" for c in ["w", *firsts])
    order = ", ".join(["g", "f", *names])
    cells = engine.sql(
        f"SELECT g, dense_rank() OVER (ORDER BY g, f) AS f, {', '.join([*names, 'n'])}, {wide} "
        f"FROM rates_cells WHERE {keep} ORDER BY {order}"
    )
    lost = engine.sql(f"SELECT coalesce(sum(n), 0) AS n FROM rates_cells WHERE NOT ({keep})")
    groups = tuple(cross.column("g").to_pylist())
    return CellSums(
        groups,
        tuple(zip(*(_ints(cross.column(f"q{i}_{j}")) for i, j in pairs), strict=True)),
        _cells(groups, cells.to_pydict(), names, firsts),
        tuple(c.scale for c in columns),
        int(lost.column("n")[0].as_py()),
    )


def _cells(
    groups: tuple[str, ...], table: dict[str, list[object]], levels: list[str], sums: list[str]
) -> tuple[Cell, ...]:
    position = {g: i for i, g in enumerate(groups)}
    whole = {c: [int(str(v)) for v in table[c]] for c in ["f", "n", "w", *levels, *sums]}
    return tuple(
        Cell(
            position[str(g)],
            whole["f"][r],
            tuple(whole[c][r] for c in levels),
            whole["n"][r],
            whole["w"][r],
            tuple(whole[c][r] for c in sums),
        )
        for r, g in enumerate(table["g"])
    )


def _ints(column: object) -> list[int]:
    return [int(v) for v in column.to_pylist()]  # type: ignore[attr-defined]


def _wide(sql: str, bound: int) -> str:
    return f"({sql})" if bound <= _INT64 else f"({sql})::HUGEINT"


def _product(*factors: tuple[str, int]) -> str:
    """Product of integer expressions: 64 bits where the bounds prove it, else 128."""
    used = [f for f in factors if f[0] != "1"]
    kind = "BIGINT" if math.prod(max(b, 1) for _, b in used) <= _INT64 else "HUGEINT"
    return " * ".join(f"({sql})::{kind}" for sql, _ in used)


def tally(
    groups: Sequence[str],
    group: Sequence[int],
    columns: Sequence[Sequence[int]],
    *,
    absorbed: Sequence[int],
    levels: Sequence[Sequence[int]] = (),
    weight: Sequence[int] | None = None,
) -> CellSums:
    """Do what :func:`scan` does in Python integers of any length, from row lists."""
    rows = range(len(group))
    w = weight if weight is not None else [1] * len(group)
    count: dict[tuple[int, ...], list[int]] = {}
    for r in rows:
        place = (group[r], absorbed[r], *(level[r] for level in levels))
        cell = count.setdefault(place, [0, 0] + [0] * len(columns))
        cell[0] += 1
        cell[1] += w[r]
        for j, column in enumerate(columns):
            cell[2 + j] += w[r] * column[r]
    members: list[list[int]] = [[] for _ in groups]
    for r in rows:
        members[group[r]].append(r)
    cross = []
    for own in members:
        z = fmpz_mat(len(own), len(columns), [c[r] for r in own for c in columns])
        wz = fmpz_mat(len(own), len(columns), [w[r] * c[r] for r in own for c in columns])
        q = z.transpose() * wz
        pairs = combinations_with_replacement(range(len(columns)), 2)
        cross.append(tuple(int(q[i, j]) for i, j in pairs))
    cells = tuple(
        Cell(k[0], k[1], tuple(k[2:]), v[0], v[1], tuple(v[2:])) for k, v in sorted(count.items())
    )
    return CellSums(tuple(groups), tuple(cross), cells)


def select(m: Moments, columns: Sequence[int]) -> Moments:
    """Keep some columns of moments without explicit effects; the outcome stays last."""
    last = len(m.names) - 1
    chosen = [*columns, last]
    return replace(
        m,
        names=tuple(m.names[j] for j in chosen),
        scales=tuple(m.scales[j] for j in chosen),
        terms=len(columns),
        cross=tuple(fmpz_mat([[c[i, j] for j in chosen] for i in chosen]) for c in m.cross),
    )


def with_levels(sums: CellSums, values: Sequence[Sequence[int]], plain: Sequence[int]) -> CellSums:
    """Replace the one explicit effect by columns that are functions of its level.

    Parameters
    ----------
    values
        One list per new column: its integer value at each level.
    plain
        Scanned columns to keep after them, in this order.
    """
    width = len(sums.scales)
    old = {p: i for i, p in enumerate(combinations_with_replacement(range(width), 2))}
    held = [[old[min(a, b), max(a, b)] for b in plain] for a in plain]
    by_group: list[list[Cell]] = [[] for _ in sums.groups]
    for cell in sums.cells:
        by_group[cell.group].append(cell)
    size, coded = len(values) + len(plain), len(values)
    rows = list(zip(*values, strict=True))  # values of all new columns by level
    cross, cells = [], []
    for own, upper in zip(by_group, sums.cross, strict=True):
        v = fmpz_mat(len(own), coded, [n for c in own for n in rows[c.levels[0]]])
        moved = [
            [*(n * c.weight for n in rows[c.levels[0]]), *(c.sums[j] for j in plain)] for c in own
        ]
        q = (v.transpose() * fmpz_mat(len(own), size, [n for row in moved for n in row])).tolist()
        q += [[0] * coded + [upper[k] for k in line] for line in held]
        cross.append(tuple(int(q[i][j]) for i in range(size) for j in range(i, size)))
        cells += _merged(own, moved)
    return CellSums(sums.groups, tuple(cross), tuple(cells), singletons=sums.singletons)


def _merged(cells: list[Cell], moved: list[list[int]]) -> list[Cell]:
    """One cell per absorbed cell, its levels added up."""
    totals: dict[int, list[int]] = {}
    for cell, row in zip(cells, moved, strict=True):
        new = [cell.rows, cell.weight, *row]
        old = totals.get(cell.absorbed)
        totals[cell.absorbed] = [a + b for a, b in zip(old, new, strict=True)] if old else new
    group = cells[0].group
    return [Cell(group, f, (), t[0], t[1], tuple(t[2:])) for f, t in totals.items()]


def assemble(
    sums: CellSums,
    columns: Sequence[ColumnPlan],
    *,
    intercept: bool,
    absorbing: bool,
    level_counts: Sequence[int] = (),
) -> Moments:
    """Build the cross products by cluster from a scan whose last column is the outcome.

    Explicit effects become indicator columns, the first level of each left out unless it is
    the only thing that could carry the constant.
    """
    terms = [c.name for c in columns[:-1]]
    scales = [c.scale for c in columns[:-1]]
    if intercept:
        terms, scales = ["intercept", *terms], [0, *scales]
    offsets, dummies = dummy_offsets(level_counts, len(terms), intercept or absorbing)
    by_group: list[list[Cell]] = [[] for _ in sums.groups]
    for cell in sums.cells:
        by_group[cell.group].append(cell)
    weights: dict[int, int] = {}
    for cell in sums.cells:
        weights[cell.absorbed] = weights.get(cell.absorbed, 0) + cell.weight
    denominator, exact = common_denominator(weights.values()) if absorbing else (1, True)
    layout = _Layout(intercept, offsets, len(terms) + dummies + 1)
    cross = []
    for own, upper in zip(by_group, sums.cross, strict=True):
        raw = layout.raw(own, upper)
        cross.append(layout.sweep(raw, own, weights, denominator, exact) if absorbing else raw)
    k = len(columns)
    y_square = sum(upper[-1] for upper in sums.cross)
    return Moments(
        (*terms, *(f"[效应{i + 1}]" for i in range(dummies)), columns[-1].name),
        (*scales, *([0] * dummies), columns[-1].scale),
        len(terms),
        sums.groups,
        tuple(sum(c.rows for c in own) for own in by_group),
        tuple(cross),
        denominator,
        exact,
        sum(c.weight for c in sums.cells),
        sum(c.sums[k - 1] for c in sums.cells),
        y_square,
        len(weights) if absorbing else 0,
        sums.singletons,
    )


def dummy_offsets(
    counts: Sequence[int], start: int, constant: bool
) -> tuple[list[tuple[int, int]], int]:
    """Per effect (first column, levels skipped); and the number of indicator columns."""
    offsets, at = [], start
    for i, count in enumerate(counts):
        skip = 1 if constant or i > 0 else 0
        offsets.append((at - skip, skip))
        at += count - skip
    return offsets, at - start


def common_denominator(weights: Iterable[int]) -> tuple[int, bool]:
    """Least common multiple of weights, and true; a power of two, and false, if it is too long."""
    common = 1
    for w in sorted(set(weights)):
        common = math.lcm(common, w)
        if common.bit_length() > _EXACT_BITS:
            return 1 << DYADIC_BITS, False
    return common, True


@dataclass(frozen=True)
class _Layout:
    intercept: bool
    offsets: list[tuple[int, int]]
    width: int

    def row(self, cell: Cell) -> dict[int, int]:
        """Σw z of a cell as a sparse row over all columns."""
        first = 1 if self.intercept else 0
        row = {first + j: v for j, v in enumerate(cell.sums[:-1])}
        row[self.width - 1] = cell.sums[-1]
        if self.intercept:
            row[0] = cell.weight
        for j in self.marked(cell):
            row[j] = cell.weight
        return row

    def marked(self, cell: Cell) -> list[int]:
        """List the indicator columns that are one in the cell."""
        pairs = zip(self.offsets, cell.levels, strict=True)
        return [at + level for (at, skip), level in pairs if level >= skip]

    def raw(self, cells: list[Cell], upper: Sequence[int]) -> fmpz_mat:
        """Σw zz′ of a cluster over all columns."""
        size = self.width
        m = [[0] * size for _ in range(size)]
        first = 1 if self.intercept else 0
        k = len(cells[0].sums) if cells else 1
        place = [first + j for j in range(k - 1)] + [size - 1]
        for (i, j), v in zip(combinations_with_replacement(range(k), 2), upper, strict=True):
            m[place[i]][place[j]] = m[place[j]][place[i]] = v
        for cell in cells:
            row = self.row(cell)
            ones = self.marked(cell) + ([0] if self.intercept else [])
            for j in ones:
                for i, v in row.items():
                    m[j][i] += v
                    if i not in ones:
                        m[i][j] += v
        return fmpz_mat(m)

    def sweep(
        self,
        raw: fmpz_mat,
        cells: list[Cell],
        weights: dict[int, int],
        denominator: int,
        exact: bool,
    ) -> fmpz_mat:
        """Denominator × (raw − Σ_f m_f m_f′ / w_f)."""
        totals: dict[int, dict[int, int]] = {}
        for cell in cells:
            total = totals.setdefault(cell.absorbed, {})
            for j, v in self.row(cell).items():
                total[j] = total.get(j, 0) + v
        flat: list[int] = []
        scaled: list[int] = []
        for f, total in totals.items():
            share = (2 * denominator + weights[f]) // (2 * weights[f])  # exact if it divides
            row = [total.get(j, 0) for j in range(self.width)]
            flat += row
            scaled += [share * v for v in row]
        s = fmpz_mat(len(totals), self.width, flat)
        swept = raw * denominator - s.transpose() * fmpz_mat(len(totals), self.width, scaled)
        if exact:
            return swept
        # What rounding of the shares can leave is hundreds of bits below any true remainder.
        nothing = denominator >> (DYADIC_BITS // 2)
        size = range(self.width)
        return fmpz_mat([[v if abs(v := swept[i, j]) > nothing else 0 for j in size] for i in size])
