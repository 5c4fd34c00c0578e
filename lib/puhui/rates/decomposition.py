"""Why the average rate moved: rates, mix, entry and exit of cells, exact in fractions.

The four effects add up to the change of the average, whatever the data. The change at constant
mix beside them is :mod:`puhui.rates.constant_mix`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import pyarrow as pa

from puhui.engine.duckdb import DuckDBEngine, ident, quote
from puhui.errors import ParamsError
from puhui.params import Params
from puhui.params.expression import literal_sql
from puhui.quarter import Quarter
from puhui.rates.sample import AMOUNT_SCALE, RATE_SCALE
from puhui.results import SCHEMAS, twelve_digits

#: What makes a cell within an institution.
CELL = ("term_band", "guarantee", "kind", "size")
#: Base periods and their words.
BASES = {"last_full_year": "上年全年", "last_quarter": "上季单季"}
NOT_COMPARABLE = "两期没有共同的格，不可比"
NO_LOANS = {0: "基期没有新发放贷款", 1: "本期没有新发放贷款"}

Key = tuple[str, ...]

#: One row per unit (institution, or null: all together) and base.
DECOMPOSED = SCHEMAS["decomposition"]
#: One row per unit, base and cell; contributions add up to the unit's effects.
CELLS = SCHEMAS["decomposition_cells"]


@dataclass(frozen=True)
class Mass:
    """Loans of a cell in a period: amount (positive), amount × percent, and how many."""

    amount: Fraction
    interest: Fraction
    loans: int = 0

    @property
    def rate(self) -> Fraction:
        """Average rate, percent."""
        return self.interest / self.amount

    def __add__(self, other: Mass) -> Mass:
        return Mass(
            self.amount + other.amount, self.interest + other.interest, self.loans + other.loans
        )


@dataclass(frozen=True)
class Effects:
    """The change of an average, percentage points, and what it is made of.

    ``change == rate + mix + entry + exit``: ``exit`` is the effect on the average, that is
    minus the leaving cells' share times what they lay above the common ones.

    Attributes
    ----------
    before, after
        The two averages, percent.
    common, entering, leaving
        Cells, in order.
    by_cell
        What each cell adds; their sum is the change too.
    """

    before: Fraction
    after: Fraction
    rate: Fraction
    mix: Fraction
    entry: Fraction
    exit: Fraction
    common: tuple[Key, ...]
    entering: tuple[Key, ...]
    leaving: tuple[Key, ...]
    by_cell: Mapping[Key, Fraction] = field(repr=False)

    @property
    def change(self) -> Fraction:
        """After less before."""
        return self.after - self.before


def total(cells: Mapping[Key, Mass]) -> Mass:
    """Everything together."""
    return sum(cells.values(), Mass(Fraction(0), Fraction(0)))


def decompose(before: Mapping[Key, Mass], after: Mapping[Key, Mass]) -> Effects | None:
    """Split the change of the average rate between two periods; ``None``: no common cell.

    With C the cells of both periods, E those entering, X those leaving, ω shares within C,
    R_C = Σωr, w shares of all:

    - rate: Σ_C ½(ω₀+ω₁)(r₁−r₀)
    - mix: Σ_C ½(r₀+r₁−R_C0−R_C1)(ω₁−ω₀)
    - entry: w_E1 (R_E1−R_C1)
    - exit: −w_X0 (R_X0−R_C0)

    Parameters
    ----------
    before, after
        Amounts (positive) and amounts × rate by cell.

    Examples
    --------
    Half the money moves from a cell at 4 % to one at 6 %, which gets a point cheaper:

    >>> cells = lambda *pairs: {(n,): Mass(Fraction(a), Fraction(a * r)) for n, a, r in pairs}
    >>> e = decompose(cells(("a", 4, 4), ("b", 4, 6)), cells(("a", 2, 4), ("b", 6, 5)))
    >>> float(e.change), float(e.rate), float(e.mix)
    (-0.25, -0.625, 0.375)
    """
    common = tuple(sorted(before.keys() & after.keys()))
    if not common:
        return None
    entering, leaving = (
        tuple(sorted(a.keys() - b.keys())) for a, b in ((after, before), (before, after))
    )
    whole = (total(before), total(after))
    shared = tuple(total({c: cells[c] for c in common}) for cells in (before, after))
    middle = shared[0].rate + shared[1].rate
    rate, mix = Fraction(0), Fraction(0)
    by_cell: dict[Key, Fraction] = {}
    for cell in common:
        old, new = before[cell], after[cell]
        shares = (old.amount / shared[0].amount, new.amount / shared[1].amount)
        of_rate = (shares[0] + shares[1]) * (new.rate - old.rate) / 2
        of_mix = (old.rate + new.rate - middle) * (shares[1] - shares[0]) / 2
        rate, mix = rate + of_rate, mix + of_mix
        by_cell[cell] = of_rate + of_mix
    for cell in entering:
        by_cell[cell] = _beyond(after[cell], whole[1], shared[1])
    for cell in leaving:
        by_cell[cell] = -_beyond(before[cell], whole[0], shared[0])
    return Effects(
        before=whole[0].rate,
        after=whole[1].rate,
        rate=rate,
        mix=mix,
        entry=sum((by_cell[c] for c in entering), Fraction(0)),
        exit=sum((by_cell[c] for c in leaving), Fraction(0)),
        common=common,
        entering=entering,
        leaving=leaving,
        by_cell=by_cell,
    )


def _beyond(cell: Mass, whole: Mass, shared: Mass) -> Fraction:
    """Share of a cell that is not common, times what it lies above the common ones."""
    return cell.amount / whole.amount * (cell.rate - shared.rate)


@dataclass(frozen=True)
class Period:
    """Loans of a period: the quarter whose ledger holds them, and the condition they meet."""

    quarter: str
    where: str


@dataclass(frozen=True)
class Comparison:
    """Two periods to compare, the base's name, and what makes a cell."""

    quarter: str
    base: str
    before: Period
    after: Period
    cell: tuple[str, ...] = CELL


def comparison(
    params: Params,
    quarter: Quarter,
    base: str = "last_full_year",
    *,
    measure: str = "incl_drawn",
    cell: tuple[str, ...] = CELL,
) -> Comparison:
    """Build the comparison of a run's quarter with a base period.

    Against ``last_full_year``: the year to date with all of last year. Against
    ``last_quarter``: drawdowns of the quarter alone with those of the quarter before. The loans
    are those of a measure of the ledger, by default the one clause C3.1b is judged on, each
    period under its own policy and as its own ledger shows them.

    Raises
    ------
    ParamsError
        No such base, no such measure from ledgers, or its condition names what a row of
        ``loan_facts`` does not have.
    """
    if base not in BASES:
        raise ParamsError(f"“{base}”不是利率变动分解的基期。", remedy="、".join(BASES))
    single = base == "last_quarter"
    then = quarter.bases[base]
    before, after = (_period(params, q, measure, single=single) for q in (then, quarter))
    return Comparison(str(quarter), base, before, after, cell)


def _period(params: Params, quarter: Quarter, measure: str, *, single: bool) -> Period:
    found = params.measures.get(measure)
    if found is None or found.ledger is None:
        raise ParamsError(f"没有可由台账计算的测度“{measure}”。", where="measures.yaml")
    policy = params.policy.on(quarter.end)
    days = {"year_start": quarter.year_to_date_start, "end": quarter.end}

    def resolve(qualifier: str, name: str) -> str:
        if qualifier in ("", "customer"):
            return ident(name)
        if qualifier == "policy":
            return literal_sql(policy[name])
        if qualifier == "period" and name in days:
            return literal_sql(days[name])
        raise ParamsError(f"测度条件里不能用“{qualifier}.{name}”。", where="measures.yaml")

    where = f"({found.ledger.where.sql(resolve)})"
    if single:
        where += f" AND drawn_on >= {literal_sql(quarter.start)}"
    return Period(str(quarter), where)


@dataclass(frozen=True)
class Sums:
    """Cells of both periods, keyed by institution first, and loans left out, by institution."""

    before: Mapping[Key, Mass]
    after: Mapping[Key, Mass]
    left_out: Mapping[str, int]

    def of(self, institution: str | None) -> Sums:
        """Only an institution's; ``None``: all."""
        if institution is None:
            return self
        before, after = (
            {k: m for k, m in cells.items() if k[0] == institution}
            for cells in (self.before, self.after)
        )
        return Sums(before, after, {institution: self.left_out.get(institution, 0)})

    @property
    def institutions(self) -> tuple[str, ...]:
        """Everyone with a loan in either period."""
        return tuple(sorted({k[0] for k in (*self.before, *self.after)} | set(self.left_out)))


def cell_sums(engine: DuckDBEngine, relation: str, asked: Comparison) -> Sums:
    """Add up both periods by institution and cell: one scan, exact integers.

    A value of a cell that is not known is a cell of its own; loans without a rate or a positive
    amount are left out and counted. Of each quarter the latest revision counts.
    """
    keys = ", ".join(
        f"coalesce(CAST({ident(c)} AS VARCHAR), '') AS k{i}" for i, c in enumerate(asked.cell)
    )
    names = ", ".join(f"k{i}" for i in range(len(asked.cell)))
    in_period = " ".join(
        f"WHEN quarter = {quote(p.quarter)} AND {p.where} THEN {n}"
        for n, p in enumerate((asked.before, asked.after))
    )
    found = engine.sql(f"""
        WITH latest AS (
            SELECT institution_id AS own_g, quarter AS own_quarter, max(revision) AS own_revision
            FROM {ident(relation)}
            WHERE quarter IN ({quote(asked.before.quarter)}, {quote(asked.after.quarter)})
            GROUP BY ALL
        ),
        drawn AS (
            SELECT institution_id AS g, {keys}, CASE {in_period} END AS own_period,
                CAST(amount * {10**AMOUNT_SCALE} AS BIGINT) AS own_amount,
                CAST(rate_at_drawdown * {10**RATE_SCALE} AS BIGINT) AS own_rate
            FROM {ident(relation)} JOIN latest
                ON institution_id = own_g AND quarter = own_quarter AND revision = own_revision
        )
        SELECT g, {names}, own_period AS period,
            coalesce(own_amount > 0 AND own_rate IS NOT NULL, false) AS known,
            count(*) AS loans, sum(CAST(own_amount AS DECIMAL(38,0))) AS amount,
            sum(CAST(own_amount AS DECIMAL(19,0)) * CAST(own_rate AS DECIMAL(10,0))) AS interest
        FROM drawn WHERE own_period IS NOT NULL GROUP BY ALL
    """)
    cells: tuple[dict[Key, Mass], dict[Key, Mass]] = ({}, {})
    left_out: dict[str, int] = {}
    for row in found.to_pylist():
        if not row["known"]:
            left_out[row["g"]] = left_out.get(row["g"], 0) + row["loans"]
            continue
        key = (row["g"], *(row[f"k{i}"] for i in range(len(asked.cell))))
        cells[row["period"]][key] = Mass(
            Fraction(int(row["amount"]), 10**AMOUNT_SCALE),
            Fraction(int(row["interest"]), 10 ** (AMOUNT_SCALE + RATE_SCALE)),
            row["loans"],
        )
    return Sums(*cells, left_out)


@dataclass(frozen=True)
class Decomposition:
    """Effects by unit as :data:`DECOMPOSED`, and cells as :data:`CELLS`."""

    units: pa.Table
    cells: pa.Table


def decompose_units(
    asked: Comparison, sums: Sums, institutions: Sequence[str | None] | None = None
) -> Decomposition:
    """Decompose the change of all institutions together (first row) and of each one.

    Parameters
    ----------
    asked, sums
        The comparison and its sums.
    institutions
        Units, ``None`` standing for all together; by default all of them and everyone.
    """
    units = institutions if institutions is not None else (None, *sums.institutions)
    rows, cells = [], []
    for unit in units:
        mine = sums.of(unit)
        effects = decompose(mine.before, mine.after)
        rows.append(_unit_row(asked, unit, mine, effects))
        if effects is not None:
            cells += _cell_rows(asked, unit, mine, effects)
    return Decomposition(pa.Table.from_pylist(rows, DECOMPOSED), pa.Table.from_pylist(cells, CELLS))


def _unit_row(
    asked: Comparison, unit: str | None, sums: Sums, effects: Effects | None
) -> dict[str, object]:
    both = (total(sums.before), total(sums.after))
    rates = [None if not m.amount else m.rate for m in both]
    row: dict[str, object] = {
        "quarter": asked.quarter,
        "institution_id": unit,
        "base": asked.base,
        "loans_before": both[0].loans,
        "loans_after": both[1].loans,
        "rate_before": twelve_digits(rates[0]),
        "rate_after": twelve_digits(rates[1]),
        "left_out": sum(sums.left_out.values()),
        "status": "ok",
    }
    missing = [NO_LOANS[i] for i, rate in enumerate(rates) if rate is None]
    if rates[0] is not None and rates[1] is not None:
        row |= _change(rates[1] - rates[0])
    if effects is None:
        return {**row, "status": "none", "reason": "；".join(missing) or NOT_COMPARABLE}
    points = {n: getattr(effects, n) for n in ("rate", "mix", "entry", "exit")}
    return {
        **row,
        **{f"{n}_bp": twelve_digits(100 * v) for n, v in points.items()},
        **{n: len(getattr(effects, n)) for n in ("common", "entering", "leaving")},
        "common_share_before": twelve_digits(_share(sums.before, effects.common)),
        "common_share_after": twelve_digits(_share(sums.after, effects.common)),
    }


def _change(points: Fraction) -> dict[str, object]:
    bp = 100 * points
    return {
        "change_bp": twelve_digits(bp),
        "change_num": str(bp.numerator),
        "change_den": str(bp.denominator),
    }


def _share(cells: Mapping[Key, Mass], chosen: Sequence[Key]) -> Fraction:
    return total({c: cells[c] for c in chosen}).amount / total(cells).amount


def _cell_rows(
    asked: Comparison, unit: str | None, sums: Sums, effects: Effects
) -> list[dict[str, object]]:
    sides = {"common": effects.common, "entering": effects.entering, "leaving": effects.leaving}
    whole = {"before": total(sums.before).amount, "after": total(sums.after).amount}
    rows = []
    for side, keys in sides.items():
        for key in keys:
            row: dict[str, object] = {
                "quarter": asked.quarter,
                "institution_id": unit,
                "base": asked.base,
                "cell": "，".join(part or "未填" for part in key),
                "side": side,
                "contribution_bp": twelve_digits(100 * effects.by_cell[key]),
            }
            for name, cells in (("before", sums.before), ("after", sums.after)):
                mass = cells.get(key)
                row[f"loans_{name}"] = mass.loans if mass else 0
                row[f"share_{name}"] = twelve_digits(mass.amount / whole[name]) if mass else 0.0
                row[f"rate_{name}"] = twelve_digits(mass.rate) if mass else None
            rows.append(row)
    return rows
