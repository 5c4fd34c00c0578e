"""Moments straight from a Parquet file: the engine sums, Python sees cells and never rows.

Three grouped scans: Σ1 by cluster and effect levels; Σz and Σzz′ by absorbed cell; Σz by cluster
and explicit levels. Sums are exact integers (DECIMAL), so neither order nor threads change a bit,
and the moments are those of :func:`puhui.rates.design.gather`. What cannot be proven to be
fixed-point numbers within the engine's range is left to that way (``None``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations_with_replacement
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from flint import fmpz_mat

from puhui.engine.duckdb import DuckDBEngine, ident, plain_parquet
from puhui.rates.columns import Source, key
from puhui.rates.design import SCAN_COLUMNS
from puhui.rates.moments import (
    DYADIC_BITS,
    ColumnPlan,
    Moments,
    common_denominator,
    dummy_offsets,
    fits_engine,
)
from puhui.rates.solve import MAX_COLUMNS

Codes: TypeAlias = npt.NDArray[np.int64]
Whole: TypeAlias = npt.NDArray[Any]  # int64 where sums of it fit, else Python integers

#: Decimals of this many digits are told apart by every double (DBL_DIG), and fit 64 bits.
_DOUBLE_DIGITS, _INT64_DIGITS, _WIDEST = 15, 18, 38
_MOST_PLACES = 9
#: Rows looked at before a whole column is.
_FIRST_ROWS = 20_000
#: Up to so many cells, sums and products are taken in one scan: their state stays in the cache.
_FEW_CELLS = 4096


@dataclass(frozen=True)
class Direct:
    """Moments, rows left out by reason, and regressors that only vary between clusters.

    ``sides`` has, by name, the clusters on the smaller side of each regressor of two values
    that are constant within clusters.
    """

    moments: Moments
    dropped: dict[str, int]
    sides: dict[str, int]


@dataclass(frozen=True)
class _Number:
    """A column as DECIMAL(digits, places) whose integers, less ``zeros`` digits, are exact."""

    name: str
    sql: str
    digits: int
    places: int  # of the SQL type
    scale: int  # of the integers handed on
    zeros: int  # trailing zeros of every integer summed
    low: int  # least integer, of rows left out too
    bound: int

    def cast(self, digits: int | None = None) -> str:
        """SQL of the column as DECIMAL of proven or given width."""
        return f"({self.sql})::DECIMAL({digits or self.digits},{self.places})"


def moments_of(
    path: Source,
    y: str,
    x: Sequence[str],
    *,
    cluster: str | None,
    weights: str | None = None,
    absorb: Sequence[str] = (),
    intercept: bool = True,
    threads: int | None = None,
) -> Direct | None:
    """Exact moments of a fit from grouped scans of a Parquet file, whatever its length.

    Parameters
    ----------
    path
        Path of a Parquet file; anything else gives ``None``.
    intercept
        Whether there is an intercept column.
    threads
        Threads of the engine; no bit of the result depends on it.

    Returns
    -------
    Direct or None
        ``None`` where the columns are not provably fixed-point numbers of at most 18 digits,
        keys are of a type with more than one spelling, or the input is to be refused:
        :func:`puhui.rates.design.prepare` then decides and says why.
    """
    file = _file(path)
    if file is None or not x or len({*x, y, "intercept"}) < len(x) + 2 or len(x) >= SCAN_COLUMNS:
        return None
    held = _Held.of(file, [*x, y, *([weights] if weights else [])], [cluster, *absorb])
    if held is None:
        return None
    with (
        TemporaryDirectory(prefix="puhui-") as spill,
        DuckDBEngine([file.resolve().parent], threads=threads, spill=Path(spill)) as engine,
    ):
        engine.view("direct_file", f"SELECT * FROM {plain_parquet([file.resolve()])}")
        numbers = _numbers(engine, held, [*x, y, *([weights] if weights else [])])
        if numbers is None:
            return None
        weight = numbers.pop() if weights else None
        if not _provable(numbers, weight, held.rows):
            return None
        scan = _Scan(engine, numbers, weight, [cluster or "", *absorb], held)
        groups = scan.groups()
        return None if groups is None else _gathered(scan, groups, intercept)


# What the file holds


@dataclass(frozen=True)
class _Held:
    schema: pa.Schema
    rows: int
    full: frozenset[str]  # columns without an empty field

    @classmethod
    def of(cls, file: Path, numbers: list[str], keys: list[str | None]) -> _Held | None:
        """Schema and counts of a file, if its columns are of types read here."""
        try:
            meta = pq.read_metadata(file)
            schema = meta.schema.to_arrow_schema()
        except (pa.ArrowInvalid, OSError):
            return None
        folded = [name.lower() for name in schema.names]  # the engine does not tell case apart
        named = [k for k in keys if k is not None]
        if len(set(folded)) < len(folded) or not {*numbers, *named} <= set(schema.names):
            return None
        if not all(_numeric(schema.field(n).type) for n in numbers):
            return None
        if not all(_grouping(schema.field(n).type) for n in named) or meta.num_rows == 0:
            return None
        return cls(schema, meta.num_rows, _full(meta))


def _file(path: Source) -> Path | None:
    if not isinstance(path, str | Path):
        return None
    file = Path(path)
    plain = not set("*?[") & set(str(file.resolve()))  # the engine would look for a pattern
    return file if file.suffix.lower() == ".parquet" and plain and file.is_file() else None


def _numeric(kind: pa.DataType) -> bool:
    whole = pa.types.is_integer(kind) or pa.types.is_boolean(kind)
    return bool(whole or pa.types.is_float64(kind) or pa.types.is_decimal128(kind))


def _grouping(kind: pa.DataType) -> bool:
    """Types whose values and spellings are one to one."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    return bool(text or pa.types.is_integer(kind) or pa.types.is_boolean(kind))


def _full(meta: pq.FileMetaData) -> frozenset[str]:
    full: dict[str, bool] = {}
    for i in range(meta.num_row_groups):
        for j in range(meta.num_columns):
            chunk = meta.row_group(i).column(j)
            seen = chunk.statistics
            none = seen is not None and seen.has_null_count and seen.null_count == 0
            full[chunk.path_in_schema] = full.get(chunk.path_in_schema, True) and none
    return frozenset(name for name, none in full.items() if none)


def _numbers(engine: DuckDBEngine, held: _Held, names: list[str]) -> list[_Number] | None:
    found = []
    for name in names:
        kind = held.schema.field(name).type
        number = _double(engine, name) if pa.types.is_float64(kind) else _whole(engine, name, kind)
        if number is None:
            return None
        found.append(number)
    return found


def _whole(engine: DuckDBEngine, name: str, kind: pa.DataType) -> _Number | None:
    """An integer, boolean or DECIMAL column as it stands, by its bounds and trailing zeros."""
    sql = f"{ident(name)}::TINYINT" if pa.types.is_boolean(kind) else ident(name)
    places = int(kind.scale) if pa.types.is_decimal(kind) else 0
    if places < 0:
        return None
    low, bound = _bounds(engine, sql, places)
    digits = max(len(str(bound)), places, 1)
    if pa.types.is_decimal(kind) and kind.precision <= _INT64_DIGITS // 2:
        digits = int(kind.precision)  # as it stands, so that no row is cast
    if digits > _INT64_DIGITS:
        return None
    cast = f"({sql})::DECIMAL({digits},{places})"
    zeros = _zeros(engine, cast, places) if places and bound else places
    return _Number(name, sql, digits, places, places - zeros, zeros, low, bound)


def _double(engine: DuckDBEngine, name: str) -> _Number | None:
    """A binary column as the integers of its shortest decimals, if these are short enough.

    Let k = round(v·10^s) with |k| < 10^15 and k / 10^s = v in double arithmetic. k and 10^s are
    exact doubles, so the quotient is the decimal k·10^−s correctly rounded: that decimal reads
    back as v. It has at most 15 significant digits, and doubles tell all such decimals apart, so
    no other of 15 digits or fewer reads back as v: it is the shortest. The other way round, if
    the shortest decimal of v is k·10^−s with |k| < 10^15, then v·10^s is computed within
    |k|·2^−52 < 1/4 of k, and rounds to it. Hence the first scale at which every value passes is
    the one that decimal text would give. NaN and infinities are left to that way.
    """
    column = ident(name)
    # Statistics of a file are silent about NaN, and the engine folds comparisons by them.
    total = engine.sql(f"SELECT sum({column}) AS s FROM direct_file")["s"][0].as_py()
    if total is not None and not math.isfinite(total):
        return None
    for places in range(_MOST_PLACES + 1):
        power = f"1e{places}::DOUBLE"
        k = f"round({column} * {power})"
        passes = f"abs({k}) < 1e{_DOUBLE_DIGITS} AND {k} / {power} = {column}"
        if not _any(engine, f"{column} IS NOT NULL AND NOT ({passes})"):
            whole = f"{k}::BIGINT"
            low, bound = _bounds(engine, whole, 0)
            return _Number(name, whole, len(str(bound)), 0, places, 0, low, bound)
    return None


def _bounds(engine: DuckDBEngine, sql: str, places: int) -> tuple[int, int]:
    """Least and largest absolute integer of a column, which the engine takes from statistics."""
    found = engine.sql(
        f"SELECT min({sql})::VARCHAR AS a, max({sql})::VARCHAR AS b FROM direct_file"
    )
    ends = [found.column(c)[0].as_py() for c in ("a", "b")]
    whole = [int(e.replace(".", "")) for e in ends if e is not None]
    return min(whole, default=0), max(map(abs, whole), default=0)


def _zeros(engine: DuckDBEngine, cast: str, places: int) -> int:
    """Trailing zeros all integers of a DECIMAL column have, ``places`` of them at most."""
    differ = ", ".join(f"bool_or(round({cast}, {k}) <> {cast}) AS d{k}" for k in range(places))
    first = f"(SELECT * FROM direct_file LIMIT {_FIRST_ROWS})"
    seen = engine.sql(f"SELECT {differ} FROM {first}").to_pylist()[0]
    zeros = next((places - k for k in range(places) if not seen[f"d{k}"]), 0)
    while zeros and _any(engine, f"round({cast}, {places - zeros}) <> {cast}"):
        zeros -= 1
    return zeros


def _any(engine: DuckDBEngine, condition: str) -> bool:
    return bool(engine.sql(f"SELECT 1 AS one FROM direct_file WHERE {condition} LIMIT 1").num_rows)


def _provable(numbers: list[_Number], weight: _Number | None, rows: int) -> bool:
    """Whether no sum of products can leave DECIMAL(38)."""
    plans = [ColumnPlan(n.name, n.sql, n.scale, n.bound) for n in numbers]
    places = 2 * max(n.places for n in numbers) + (weight.places if weight else 0)
    return places <= _WIDEST and fits_engine(plans, rows, max(weight.bound, 1) if weight else 1)


# Scans


@dataclass(frozen=True)
class _Groups:
    """Cluster × effect levels with rows and weight; dense codes in the order of labels."""

    labels: tuple[str, ...]
    group: Codes
    cell: Codes
    levels: tuple[Codes, ...]
    rows: Codes
    weight: Whole
    absorbed: int | None  # place of the absorbed effect among the keys
    explicit: tuple[int, ...]
    dropped: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class _Sums:
    """Σw, Σwz and Σwzz′ (upper triangle) by dense codes of some keys."""

    codes: tuple[Codes, ...]
    weight: Whole
    firsts: list[Whole]
    pairs: list[Whole]


@dataclass(frozen=True)
class _Scan:
    engine: DuckDBEngine
    numbers: list[_Number]
    weight: _Number | None
    keys: list[str]  # cluster (empty: none), effects
    held: _Held

    def groups(self) -> _Groups | None:
        """Count rows by cluster and effects, drop what cannot count, say which effects nest."""
        every = [*self.numbers, *([self.weight] if self.weight else [])]
        columns = [f"{n.cast()} AS z{i}" for i, n in enumerate(self.numbers)]
        columns += [f"{self.weight.cast()} AS w"] if self.weight else []
        columns += [f"{ident(k) if k else 0} AS k{i}" for i, k in enumerate(self.keys)]
        present = [f"({n.sql}) IS NOT NULL" for n in every if n.name not in self.held.full]
        where = f" WHERE {' AND '.join(present)}" if present else ""
        self.engine.view("direct_all", f"SELECT {', '.join(columns)} FROM direct_file{where}")
        if self.weight and self.weight.low < 0:
            return None
        names = [f"k{i}" for i in range(len(self.keys))]
        made = ["count(*) AS n", *(["sum(w) AS w"] if self.weight else [])]
        some_zero = self.weight is not None and self.weight.low == 0
        made += ["count(*) FILTER (WHERE w > 0) AS m"] if some_zero else []
        table = self.engine.sql(
            f"SELECT {', '.join(names + made)} FROM direct_all GROUP BY {', '.join(names)}"
        )
        coded = [key(table, name).codes for name in names]
        n, m = (
            np.asarray(table[c].to_numpy(), dtype=np.int64)
            for c in ("n", "m" if some_zero else "n")
        )
        valid = np.all([codes >= 0 for codes in coded], axis=0)
        used = _without_singletons(valid & (m > 0), coded[1:], m)
        self._limit(table, names, gone=~used & (m > 0), some_zero=bool((n > m).any()))
        summed = _ints(table["w"]) if self.weight else n
        if not used.any():
            return None
        dropped = {
            "missing": self.held.rows - int(n[valid].sum()),
            "zero_weight": int((n - m)[valid].sum()),
            "singletons": int(m[valid & ~used].sum()),
        }
        weight = _trimmed(summed[used], self.weight)
        return self._placed(
            key(table, "k0").labels, [c[used] for c in coded], m[used], weight, dropped
        )

    def _limit(
        self, table: pa.Table, names: list[str], *, gone: npt.NDArray[np.bool_], some_zero: bool
    ) -> None:
        """Make ``direct_rows`` the rows that count."""
        conditions = ["w > 0"] if some_zero else []
        if gone.any():
            self.engine.register("direct_gone", table.select(names).filter(pa.array(gone)))
            same = " AND ".join(f"a.{k} IS NOT DISTINCT FROM b.{k}" for k in names)
            conditions.append(f"NOT EXISTS (SELECT 1 FROM direct_gone b WHERE {same})")
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        self.engine.view("direct_rows", f"SELECT * FROM direct_all a{where}")

    def _placed(
        self,
        labels: tuple[str, ...],
        coded: list[Codes],
        rows: Codes,
        weight: Whole,
        dropped: dict[str, int],
    ) -> _Groups:
        present = np.unique(coded[0])
        dense = [np.unique(codes, return_inverse=True)[1].astype(np.int64) for codes in coded]
        group, effects = dense[0], dense[1:]
        sizes = [int(codes.max()) + 1 for codes in effects]
        nested = [i for i, codes in enumerate(effects) if _nests(codes, group)]
        finest = max(nested, key=lambda i: sizes[i], default=None)
        explicit = [
            i
            for i, codes in enumerate(effects)
            if i != finest and (finest is None or not _nests(effects[finest], codes))
        ]
        return _Groups(
            tuple(labels[int(c)] for c in present) if self.keys[0] else ("全部",),
            group,
            group if finest is None else effects[finest],
            tuple(effects[i] for i in explicit),
            rows,
            weight,
            None if finest is None else finest + 1,
            tuple(i + 1 for i in explicit),
            dropped,
        )

    def sums(self, keys: Sequence[int], *, firsts: bool = True, pairs: bool = False) -> _Sums:
        """Weights and sums over the rows that count, by some of the keys."""
        names = [f"k{i}" for i in keys]
        places = range(len(self.numbers))
        made = [f"{self._sum(())} AS w"]
        made += [f"{self._sum((i,))} AS s{i}" for i in places] if firsts else []
        both = list(combinations_with_replacement(places, 2)) if pairs else []
        made += [f"{self._sum((i, j))} AS q{i}_{j}" for i, j in both]
        table = self.engine.sql(
            f"SELECT {', '.join(names + made)} FROM direct_rows GROUP BY {', '.join(names)}"
        )
        return _Sums(
            tuple(key(table, name).codes for name in names),
            _trimmed(_ints(table["w"]), self.weight),
            [self._read(table, f"s{i}", (i,)) for i in places] if firsts else [],
            [self._read(table, f"q{i}_{j}", (i, j)) for i, j in both],
        )

    def _sum(self, places: tuple[int, ...]) -> str:
        """SQL of Σw·z·…: 64 bits where the digits of the factors prove it, else 128."""
        factors = [(self.numbers[i], f"z{i}") for i in places]
        if self.weight:
            factors.insert(0, (self.weight, "w"))
        if not factors:
            return "count(*)::DECIMAL(38,0)"
        (first, sql), *rest = factors
        digits, places_so_far = first.digits, first.places
        for number, name in rest:
            if digits <= _INT64_DIGITS < digits + number.digits:
                sql = f"({sql})::DECIMAL({_WIDEST},{places_so_far})"
            digits, places_so_far = digits + number.digits, places_so_far + number.places
            sql = f"{sql} * {name}"
        return f"sum({sql})::DECIMAL({_WIDEST},{places_so_far})"

    def _read(self, table: pa.Table, name: str, places: tuple[int, ...]) -> Whole:
        factors = [self.numbers[i] for i in places]
        return _trimmed(_ints(table[name]), *factors, self.weight)


def _ints(column: pa.ChunkedArray) -> Whole:
    """Unscaled integers of a DECIMAL(38) column; 64 bits where even their sum would fit."""
    array = column.combine_chunks()
    if isinstance(array, pa.ChunkedArray):
        array = array.chunk(0)
    start = array.offset * 2
    halves = np.frombuffer(array.buffers()[1], dtype=np.int64)[start : start + 2 * len(array)]
    low, high = halves[0::2], halves[1::2]
    if bool((high == low >> 63).all()):
        return _narrow(low.copy())
    wide: Whole = high.astype(object) * 2**64 + low.view(np.uint64).astype(object)
    return wide


def _narrow(whole: npt.NDArray[np.int64]) -> Whole:
    fits = float(np.abs(whole.astype(np.float64)).sum()) < 2.0**62
    return whole if fits else whole.astype(object)


def _trimmed(whole: Whole, *numbers: _Number | None) -> Whole:
    """Integers less the trailing zeros that the columns multiplied all have."""
    zeros = sum(n.zeros for n in numbers if n is not None)
    return whole // 10**zeros if zeros < _INT64_DIGITS or whole.dtype == object else whole * 0


def _without_singletons(
    used: npt.NDArray[np.bool_], effects: Sequence[Codes], rows: Codes
) -> npt.NDArray[np.bool_]:
    """Groups left when rows alone in a level of an effect are dropped, until none is."""
    while True:
        alone = np.zeros_like(used)
        for codes in effects:
            count = np.zeros(int(codes.max()) + 2, dtype=np.int64)  # the last one: missing
            np.add.at(count, codes[used], rows[used])
            alone |= used & (count[codes] == 1)
        if not alone.any():
            return used
        used = used & ~alone


def _nests(inner: Codes, outer: Codes) -> bool:
    """Whether every level of ``inner`` lies in one level of ``outer``."""
    some = np.zeros(int(inner.max()) + 1, dtype=np.int64)
    some[inner] = outer
    return bool((some[inner] == outer).all())


# Assembly


def _gathered(scan: _Scan, groups: _Groups, intercept: bool) -> Direct | None:
    counts = [int(codes.max()) + 1 for codes in groups.levels]
    if len(scan.numbers) - 1 + sum(counts) - len(counts) > MAX_COLUMNS:
        return None
    absorbing = groups.absorbed is not None
    columns = _Columns.of(scan.numbers, counts, intercept, absorbing)
    cells = [0, groups.absorbed] if groups.absorbed is not None else [0]
    few = int(groups.cell.max()) < _FEW_CELLS
    by_cell = scan.sums(cells, pairs=few)
    products = by_cell if few else scan.sums([0], firsts=False, pairs=True)
    by_level = scan.sums([0, *groups.explicit]) if groups.explicit else by_cell
    size = len(groups.labels)
    raw = [columns.raw(g, products, by_level, bool(groups.levels)) for g in range(size)]
    denominator, exact = common_denominator(by_cell.weight.tolist()) if absorbing else (1, True)
    cross = raw
    if absorbing:
        shares = _Shares(denominator, exact)
        cross = [shares.sweep(raw[g], *columns.cells(g, by_cell, groups)) for g in range(size)]
    rows = np.zeros(size, dtype=np.int64)
    np.add.at(rows, groups.group, groups.rows)
    moments = Moments(
        (
            *columns.terms,
            *(f"[效应{i + 1}]" for i in range(columns.dummies)),
            scan.numbers[-1].name,
        ),
        (*columns.scales, *([0] * columns.dummies), scan.numbers[-1].scale),
        len(columns.terms),
        groups.labels,
        tuple(rows.tolist()),
        tuple(cross),
        denominator,
        exact,
        _total(by_cell.weight),
        _total(by_cell.firsts[-1]),
        _total(products.pairs[-1]),
        int(groups.cell.max()) + 1 if absorbing else 0,
    )
    return Direct(moments, groups.dropped, _sides(scan.numbers[:-1], products, by_cell, size))


def _total(whole: Whole) -> int:
    return sum(whole.tolist())


@dataclass(frozen=True)
class _Columns:
    """Where terms, indicator columns and outcome stand."""

    terms: tuple[str, ...]
    scales: tuple[int, ...]
    places: list[int]  # of the numbers, outcome last
    offsets: list[tuple[int, int]]
    dummies: int
    intercept: bool

    @classmethod
    def of(
        cls, numbers: list[_Number], counts: list[int], intercept: bool, absorbing: bool
    ) -> _Columns:
        terms = (*(["intercept"] if intercept else []), *(n.name for n in numbers[:-1]))
        scales = (*([0] if intercept else []), *(n.scale for n in numbers[:-1]))
        offsets, dummies = dummy_offsets(counts, len(terms), intercept or absorbing)
        places = [*range(int(intercept), len(terms)), len(terms) + dummies]
        return cls(terms, scales, places, offsets, dummies, intercept)

    @property
    def width(self) -> int:
        """All columns, the outcome included."""
        return len(self.terms) + self.dummies + 1

    def marked(self, levels: Sequence[Codes]) -> list[tuple[Codes, npt.NDArray[np.bool_]]]:
        """By effect the indicator column of each group, and whether it has one."""
        pairs = zip(self.offsets, levels, strict=True)
        return [(at + codes, codes >= skip) for (at, skip), codes in pairs]

    def raw(self, g: int, products: _Sums, by_level: _Sums, explicit: bool) -> fmpz_mat:
        """Σwzz′ of a cluster over all columns."""
        own, level = products.codes[0] == g, by_level.codes[0] == g
        firsts = [s[level] for s in by_level.firsts]
        weight = by_level.weight[level]
        wide = any(v.dtype == object for v in (weight, *firsts, *products.pairs))
        m: Whole = np.zeros((self.width, self.width), dtype=object if wide else np.int64)
        pairs = combinations_with_replacement(self.places, 2)
        for (i, j), v in zip(pairs, products.pairs, strict=True):
            m[i, j] = m[j, i] = _total(v[own])
        ones = self.marked([c[level] for c in by_level.codes[1:]] if explicit else [])
        if self.intercept:
            zero = np.zeros(len(weight), dtype=np.int64)
            ones.insert(0, (zero, zero == 0))
        for column, has in ones:
            for place, v in zip(self.places, firsts, strict=True):
                there = np.full(int(has.sum()), place)
                np.add.at(m, (column[has], there), v[has])
                np.add.at(m, (there, column[has]), v[has])
            for other, too in ones:
                np.add.at(m, (column[has & too], other[has & too]), weight[has & too])
        return fmpz_mat(self.width, self.width, m.ravel().tolist())

    def cells(self, g: int, by_cell: _Sums, groups: _Groups) -> tuple[Whole, Whole]:
        """Weights of a cluster's cells, and Σwz of each over all columns."""
        own = by_cell.codes[0] == g
        names, weight = by_cell.codes[1][own], by_cell.weight[own]
        firsts = [s[own] for s in by_cell.firsts]
        wide = any(v.dtype == object for v in (groups.weight, *firsts))
        sums: Whole = np.zeros((len(names), self.width), dtype=object if wide else np.int64)
        for place, v in zip(self.places, firsts, strict=True):
            sums[:, place] = v
        if self.dummies:
            here = groups.group == g
            order = np.argsort(names)
            row = order[np.searchsorted(names[order], groups.cell[here])]
            for column, has in self.marked([c[here] for c in groups.levels]):
                np.add.at(sums, (row[has], column[has]), groups.weight[here][has])
        return weight, sums


@dataclass(frozen=True)
class _Shares:
    denominator: int
    exact: bool

    def sweep(self, raw: fmpz_mat, weight: Whole, sums: Whole) -> fmpz_mat:
        """Denominator × (raw − Σ_f m_f m_f′ / w_f), one division for all cells of one weight."""
        swept, width = raw * self.denominator, raw.ncols()
        order = np.argsort(weight, kind="stable")
        values, starts = np.unique(weight[order], return_index=True)
        for w, rows in zip(values.tolist(), np.split(order, starts[1:]), strict=True):
            share = (2 * self.denominator + w) // (2 * w)  # exact if it divides
            m = fmpz_mat(len(rows), width, sums[rows].ravel().tolist())
            swept -= m.transpose() * m * share
        if self.exact:
            return swept
        # What rounding of the shares can leave is hundreds of bits below any true remainder.
        nothing = self.denominator >> (DYADIC_BITS // 2)
        flat = [int(v) if abs(int(v)) > nothing else 0 for v in swept.entries()]
        return fmpz_mat(width, width, flat)


def _sides(numbers: list[_Number], products: _Sums, by_cell: _Sums, size: int) -> dict[str, int]:
    """Smaller sides of regressors of two values, constant within clusters.

    A regressor is constant within a cluster exactly if (Σwx)² = Σw·Σwx² there.
    """
    found: dict[str, int] = {}
    width = len(numbers) + 1
    diagonal = [
        i for i, p in enumerate(combinations_with_replacement(range(width), 2)) if p[0] == p[1]
    ]
    weight = _by_group(by_cell.codes[0], by_cell.weight, size)
    for j, number in enumerate(numbers):
        first = _by_group(by_cell.codes[0], by_cell.firsts[j], size)
        square = _by_group(products.codes[0], products.pairs[diagonal[j]], size)
        if any(s * s != w * q for s, w, q in zip(first, weight, square, strict=True)):
            continue
        values = [s // w for s, w in zip(first, weight, strict=True)]
        sides = [values.count(v) for v in set(values)]
        if len(sides) == 2:
            found[number.name] = min(sides)
    return found


def _by_group(group: Codes, values: Whole, size: int) -> list[int]:
    return [_total(values[group == g]) for g in range(size)]
