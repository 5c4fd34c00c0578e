"""Loans of one kind of funds against similar local loans, cell by cell; the worst cell counts.

Similar are the other loans of the same cell at all ledgers of institutions of the same kind,
the institution's own included. The engine adds up loans, amount and amount × rate per cell,
exactly; which cell is worst is decided on exact fractions.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

import pyarrow as pa

from puhui import results, schema
from puhui.derive import CUSTOMERS, LOANS, RowContext, facts_from, source_view
from puhui.engine import Engine
from puhui.engine.duckdb import ident, quote
from puhui.measures.gaps import needed, why_unknown
from puhui.measures.rows import LEDGER, Unit, exact_decimal
from puhui.params import Measure, Params
from puhui.params.expression import Expression
from puhui.params.worked import OF_LOAN, Comparison
from puhui.quarter import Quarter
from puhui.results import twelve_digits
from puhui.store import Snapshot

#: One row per institution, comparison (by the measure that writes it out) and cell.
CELLS = pa.schema(
    [
        ("quarter", pa.string()),
        ("institution_id", pa.string()),
        ("measure_id", pa.string()),
        ("cell", pa.string()),  # in words
        ("loans", pa.int64()),
        ("amount", pa.decimal128(38, 8)),
        ("interest", pa.decimal128(38, 8)),  # amount × percent
        ("similar_loans", pa.int64()),
        ("similar_amount", pa.decimal128(38, 8)),
        ("similar_interest", pa.decimal128(38, 8)),
        ("gap_bp", pa.float64()),  # null: nothing similar
        ("standing", pa.string()),  # worst, judged, listed
    ]
)
#: Value of the policy's ``onlending_level`` that loan ledgers can answer.
_END_USER = "end_user"
_NOT_FOUND = "没有笔数足够、可以比较的格"

Key = tuple[object, ...]


@dataclass
class Side:
    """Loans of a cell: how many, their amount, and amount × percent."""

    loans: int = 0
    amount: Fraction = Fraction(0)
    interest: Fraction = Fraction(0)

    def add(self, loans: int, amount: Fraction, interest: Fraction) -> None:
        """Add loans of another ledger."""
        self.loans += loans
        self.amount += amount
        self.interest += interest

    @property
    def rate(self) -> Fraction:
        """Weighted rate, percent."""
        return self.interest / self.amount


@dataclass
class Sums:
    """What the ledgers of a quarter say of one comparison."""

    lent: dict[str, dict[Key, Side]] = field(default_factory=dict)
    """institution → cell → its loans that are compared."""
    others: dict[str, dict[Key, Side]] = field(default_factory=dict)
    """institution → cell → its loans they are compared with."""
    unknown: dict[tuple[str, bool], int] = field(default_factory=dict)
    """(institution, whether such loans may be among those compared) → loans left out."""


@dataclass(frozen=True)
class Cell:
    """Loans of a cell beside similar ones."""

    key: Key
    mine: Side
    similar: Side

    @property
    def gap(self) -> Fraction | None:
        """Weighted rate less that of similar loans, percentage points; None: none similar."""
        if not self.similar.amount or not self.mine.amount:
            return None
        return self.mine.rate - self.similar.rate


@dataclass(frozen=True)
class Found:
    """Cells of an institution: those with loans enough, and those only listed."""

    judged: tuple[Cell, ...]
    listed: tuple[Cell, ...]

    @property
    def worst(self) -> Cell | None:
        """The judged cell with the largest gap; of equal ones the first by name."""
        return max(self.judged, key=lambda c: c.gap or Fraction(0), default=None)


@dataclass(frozen=True)
class Comparisons:
    """Measures of all comparisons of a quarter, and every cell behind them."""

    measures: pa.Table
    cells: pa.Table


def from_comparisons(
    engine: Engine,
    params: Params,
    snapshots: Sequence[Snapshot],
    quarter: Quarter,
    *,
    register: pa.Table | None = None,
) -> Comparisons:
    """Compute the measures that compare loans with similar ones, for one quarter.

    Parameters
    ----------
    engine
        Engine that may read the store.
    snapshots
        The snapshots of ``quarter`` (one per institution), of the whole county.
    register
        ``institution_id`` and ``kind`` of institutions.

    Returns
    -------
    Comparisons
        ``measures`` as ``results.SCHEMAS["measures"]`` with source ``ledger``; ``cells`` as
        :data:`CELLS`. An institution that compares nothing has zero cells and no amounts.
    """
    mine = {s.institution_id: s for s in snapshots if s.quarter == str(quarter)}
    families: dict[Comparison, list[Measure]] = defaultdict(list)
    for measure in params.measures.values():
        if measure.compared is not None:
            families[measure.compared.spec].append(measure)
    ledgers = [s for s in mine.values() if LOANS in s.tables]
    if families:
        source_view(engine, LOANS, ledgers)
        source_view(engine, CUSTOMERS, ledgers)
    rows: list[dict[str, object]] = []
    cells: list[dict[str, object]] = []
    for spec, measures in families.items():
        sums = _sums(engine, params, quarter, spec)
        about = _About(params, quarter, spec, mine, _kinds(register), sums)
        for institution in sorted(mine):
            found, reason = about.found(institution)
            rows += [about.row(m, institution, found, reason) for m in measures]
            cells += about.cells(measures[0].id, institution, found)
    return Comparisons(
        results.from_rows("measures", rows), pa.Table.from_pylist(cells, schema=CELLS)
    )


def _kinds(register: pa.Table | None) -> dict[str, str]:
    """Kind of each institution, where the register says it."""
    if register is None or "kind" not in register.column_names:
        return {}
    rows = register.select(["institution_id", "kind"]).to_pylist()
    return {r["institution_id"]: r["kind"] for r in rows if r["kind"] is not None}


def _columns(context: RowContext, spec: Comparison) -> list[str]:
    return [
        *(f"{context.sql(e)} AS k{i}" for i, (_, e) in enumerate(spec.cell)),
        f"{context.sql(spec.lent)} AS lent",
        f"{context.sql(spec.amount)} AS a",
        f"{context.sql(spec.interest)} AS i",
        f"{context.sql(spec.where)} AS w",
    ]


def sums_sql(context: RowContext, spec: Comparison) -> str:
    """SQL of the sums by institution, cell, side, and whether all that matters is known."""
    keys = [f"k{i}" for i in range(len(spec.cell))]
    listed = ", ".join(["l.institution_id AS institution_id", *_columns(context, spec)])
    known = " AND ".join(f"{name} IS NOT NULL" for name in [*keys, "lent", "a", "i", "w"])
    by = ", ".join(["institution_id", *keys, "lent", "known"])
    rows = f"SELECT {listed} {facts_from(context.quarter)}"
    sided = f"SELECT *, {known} AS known FROM ({rows}) AS facts WHERE w IS NULL OR w"
    values = "count(*) AS n, sum(a) AS a, sum(i) AS i"
    return f"SELECT {by}, {values} FROM ({sided}) AS sided GROUP BY {by}"


def _sums(engine: Engine, params: Params, quarter: Quarter, spec: Comparison) -> Sums:
    sums = Sums()
    keys = [f"k{i}" for i in range(len(spec.cell))]
    context = RowContext(params, quarter, engine.dialect)
    for row in engine.sql(sums_sql(context, spec)).to_pylist():
        institution, n = row["institution_id"], int(row["n"])
        if row["known"]:
            side = sums.lent if row["lent"] else sums.others
            cell = side.setdefault(institution, {}).setdefault(tuple(row[k] for k in keys), Side())
            cell.add(n, Fraction(row["a"]), Fraction(row["i"]))
            continue
        # A loan of unknown funds may stand on either side.
        for lent in (True, False):
            if row["lent"] is None or row["lent"] is lent:
                at = (institution, lent)
                sums.unknown[at] = sums.unknown.get(at, 0) + n
    return sums


@dataclass(frozen=True)
class _About:
    """One comparison of a quarter, institution by institution."""

    params: Params
    quarter: Quarter
    spec: Comparison
    snapshots: Mapping[str, Snapshot]
    kinds: Mapping[str, str]
    sums: Sums

    def found(self, institution: str) -> tuple[Found, str | None]:
        """Cells of an institution, or why they cannot be had."""
        nothing = Found((), ())
        snapshot = self.snapshots[institution]
        if LOANS not in snapshot.tables:
            return nothing, snapshot.missing.get(LOANS) or "未报送台账"
        level = self.params.policy.on(self.quarter.end)["onlending_level"]
        if level != _END_USER:
            return nothing, "政策规定比较转贷行环节的利率，贷款台账里没有"
        unknown = self.sums.unknown.get((institution, True), 0)
        if unknown:
            asked = needed(self.params, self.spec.expressions, OF_LOAN)
            return nothing, why_unknown(snapshot, asked, unknown)
        if self.sums.lent.get(institution) and institution not in self.kinds:
            return nothing, "机构名录缺“机构类别”"
        return self._compared(institution), None

    def _compared(self, institution: str) -> Found:
        least = int(str(self.params.policy.on(self.quarter.end)["min_cell"]))
        cells = [
            Cell(key, side, self._similar(institution, key))
            for key, side in sorted(
                self.sums.lent.get(institution, {}).items(), key=lambda e: self.words(e[0])
            )
        ]
        big = [
            c for c in cells if min(c.mine.loans, c.similar.loans) >= least and c.gap is not None
        ]
        return Found(tuple(big), tuple(c for c in cells if c not in big))

    def _alike(self, institution: str) -> list[str]:
        """Institutions of the same kind, itself included."""
        kind = self.kinds.get(institution)
        return [i for i in sorted(self.snapshots) if kind and self.kinds.get(i) == kind]

    def _similar(self, institution: str, key: Key) -> Side:
        total = Side()
        for other in self._alike(institution):
            side = self.sums.others.get(other, {}).get(key)
            if side is not None:
                total.add(side.loans, side.amount, side.interest)
        return total

    def words(self, key: Key) -> str:
        """Name a cell in words."""
        named = zip(self.spec.cell, key, strict=True)
        return "，".join(f"{label}：{_word(one, value)}" for (label, one), value in named)

    def row(
        self, measure: Measure, institution: str, found: Found, reason: str | None
    ) -> dict[str, object]:
        """Return the measure row of an institution."""
        assert measure.compared is not None
        value, count = _value(measure.compared.gives, found)
        if value is None:
            reason = reason or _NOT_FOUND
        aside = sum(
            self.snapshots[i].set_aside.get(t, 0)
            for i in {institution, *self._alike(institution)}
            for t in (LOANS, CUSTOMERS)
        )
        return {
            "quarter": str(self.quarter),
            "institution_id": institution,
            "branch_id": None,
            "measure_id": measure.id,
            "source": LEDGER,
            "value": None if reason or value is None else exact_decimal(value, measure),
            "rows": None if reason else count,
            "reason": reason,
            "set_aside": aside,
            # A quarantined loan could fall into any cell, on either side.
            "aside_gain": None if aside else 0,
            "doubt": self._doubt(institution) if found.judged else None,
            "revision": self.snapshots[institution].revision,
        }

    def _doubt(self, institution: str) -> str | None:
        left_out = {i: self.sums.unknown.get((i, False), 0) for i in self._alike(institution)}
        count, ledgers = sum(left_out.values()), sum(n > 0 for n in left_out.values())
        if not count:
            return None
        return f"同类机构中 {ledgers} 家的 {count} 笔贷款缺少比较所需的内容，未计入同类平均"

    def cells(self, measure: str, institution: str, found: Found) -> list[dict[str, object]]:
        """Rows of the table of cells."""
        return [
            {
                "quarter": str(self.quarter),
                "institution_id": institution,
                "measure_id": measure,
                "cell": self.words(cell.key),
                "loans": cell.mine.loans,
                "amount": _plain(cell.mine.amount),
                "interest": _plain(cell.mine.interest),
                "similar_loans": cell.similar.loans,
                "similar_amount": _plain(cell.similar.amount),
                "similar_interest": _plain(cell.similar.interest),
                "gap_bp": None if cell.gap is None else twelve_digits(100 * cell.gap),
                "standing": _standing(cell, found),
            }
            for cell in (*found.judged, *found.listed)
        ]


def _value(gives: str, found: Found) -> tuple[Fraction | None, int | None]:
    """What a measure takes from the cells found, and the loans it rests on."""
    if gives in ("judged", "listed"):
        cells = found.judged if gives == "judged" else found.listed
        return Fraction(len(cells)), sum(c.mine.loans for c in cells)
    worst = found.worst
    if worst is None:
        return None, None
    side = worst.similar if gives.startswith("similar_") else worst.mine
    value = side.interest if gives.endswith("interest") else side.amount
    return value, side.loans


def _standing(cell: Cell, found: Found) -> str:
    if cell not in found.judged:
        return "listed"
    return "worst" if cell is found.worst else "judged"


def _word(expression: Expression, value: object) -> str:
    """Write a value of a cell: a code in Chinese, anything else as it is."""
    (qualifier, name), *more = sorted(expression.columns) or [("", "")]
    table = OF_LOAN.get(qualifier)
    columns = {c.name: c for c in schema.columns(table)} if table and not more else {}
    if name in columns and columns[name].kind == "code":
        return schema.CODES[columns[name].codes].get(str(value), str(value))
    return str(value)


def _plain(value: Fraction) -> Decimal:
    """Write a sum of amounts, or of amount × rate, as the exact decimal it is."""
    return Decimal(f"{(value * 10**8).numerator}E-8")


def loans_sql(params: Params, measure: Measure, quarter: Quarter, unit: Unit, limit: int) -> str:
    """SQL that lists an institution's own loans of the side a measure is about, cell by cell.

    (Of similar loans those of other institutions are not listed.)
    """
    assert measure.compared is not None
    spec, context = measure.compared.spec, RowContext(params, quarter)
    words = [f"{context.sql(e)} AS {ident(word)}" for word, e in spec.cell]
    names = ("loan_id", "customer_id", "amount", "rate_at_drawdown", "drawn_on", "matures_on")
    listed = ", ".join([*(f"l.{ident(n)}" for n in names), *words])
    side = context.sql(spec.lent)
    if measure.compared.gives.startswith("similar_"):
        side = f"NOT ({side})"
    order = ", ".join([*(context.sql(e) for _, e in spec.cell), "l.loan_id"])
    return (
        f"SELECT l.quarter, l.institution_id, {listed} {facts_from(quarter)} "
        f"AND l.institution_id = {quote(unit[0])} AND ({context.sql(spec.where)}) AND ({side}) "
        f"ORDER BY {order} LIMIT {limit}"
    )
