"""Fees tied to loans, by the year: Σ fee × 12 ÷ the months it pays for, exact.

The engine adds up the fees that pay for the same number of months; each of these sums is
divided as a fraction. Decimals hold the total as amount ÷ divisor. Where even that has too
many digits (fees of very many odd terms), it is cut at eight decimals and the row says by how
much that may have moved it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import pyarrow as pa

from puhui import results
from puhui.derive import CUSTOMERS, LOANS, RowContext, source_view
from puhui.engine import Engine
from puhui.engine.duckdb import ident, quote
from puhui.measures.gaps import needed, why_absent, why_unknown
from puhui.measures.rows import LEDGER, Unit, exact_decimal
from puhui.params import Measure, Params
from puhui.params.worked import OF_FEE, Charge
from puhui.quarter import Quarter
from puhui.store import Snapshot

FEES = "fees"
_TABLES = (LOANS, CUSTOMERS, FEES)
#: Eight decimals, and the digits a measure has before them.
_STEP, _DIGITS = 10**8, 30


@dataclass
class Fees:
    """Fees of an institution by the months they pay for, and rows left unknown."""

    by_months: dict[int, Fraction] = field(default_factory=dict)
    rows: int = 0
    unknown: int = 0

    @property
    def yearly(self) -> Fraction:
        """Sum by the year, yuan.

        Examples
        --------
        >>> Fees({12: Fraction(100), 7: Fraction(70)}).yearly
        Fraction(220, 1)
        """
        return sum((12 * s / m for m, s in self.by_months.items()), Fraction(0))


def as_quotient(total: Fraction) -> tuple[Fraction, int, Fraction]:
    """Write a total as amount ÷ divisor, both with eight decimals at most.

    Returns
    -------
    tuple
        Amount, divisor, and how far cutting may have moved the total: zero unless an exact
        amount would have more than thirty digits.

    Examples
    --------
    >>> as_quotient(Fraction(100, 7))
    (Fraction(100, 1), 7, Fraction(0, 1))
    """
    divisor = (total * _STEP).denominator
    if max(abs(total * divisor), divisor) < 10**_DIGITS:
        return total * divisor, divisor, Fraction(0)
    return Fraction(round(total * _STEP), _STEP), 1, Fraction(1, _STEP)


def from_charges(
    engine: Engine, params: Params, snapshots: Sequence[Snapshot], quarter: Quarter
) -> pa.Table:
    """Compute the measures of fees by the year, for one quarter.

    Returns
    -------
    pyarrow.Table
        ``results.SCHEMAS["measures"]`` rows of institutions with source ``ledger``. Without
        the sheet of fees there is no value; with one sent empty the fees are zero.
    """
    mine = sorted(
        (s for s in snapshots if s.quarter == str(quarter)), key=lambda s: s.institution_id
    )
    families: dict[Charge, list[Measure]] = defaultdict(list)
    for measure in params.measures.values():
        if measure.charged is not None:
            families[measure.charged.spec].append(measure)
    if families:
        for table in _TABLES:
            source_view(engine, table, [s for s in mine if table in s.tables])
    rows: list[dict[str, object]] = []
    for spec, measures in families.items():
        found = _fees(engine, params, quarter, spec)
        for snapshot in mine:
            fees = found.get(snapshot.institution_id, Fees())
            rows += [_row(params, measure, quarter, snapshot, fees) for measure in measures]
    return results.from_rows("measures", rows)


def _of_charge(context: RowContext, spec: Charge) -> tuple[str, str, str]:
    """SQL of a fee's amount, months and condition."""

    def resolve(qualifier: str, name: str) -> str:
        return f"f.{ident(name)}" if qualifier == "fee" else context.resolve(qualifier, name)

    amount, months, where = (
        e.sql(resolve, dialect=context.dialect) for e in (spec.sum, spec.months, spec.where)
    )
    return amount, months, where


def _from(quarter: Quarter) -> str:
    """FROM and WHERE of a quarter's fees with their loans and customers.

    A fee of a loan that is not in the ledger belongs to no drawdown of the year.
    """
    keys = "f.quarter = l.quarter AND f.institution_id = l.institution_id"
    return (
        f"FROM {LOANS} l JOIN {FEES} f ON {keys} AND f.loan_id = l.loan_id "
        f"LEFT JOIN {CUSTOMERS} c ON c.quarter = l.quarter "
        "AND c.institution_id = l.institution_id AND c.customer_id = l.customer_id "
        f"WHERE l.quarter = {quote(str(quarter))}"
    )


def sums_sql(context: RowContext, spec: Charge) -> str:
    """SQL of the fees by institution and months, and of those of which something is unknown."""
    amount, months, where = _of_charge(context, spec)
    rows = (
        f"SELECT l.institution_id AS institution_id, {amount} AS v, {months} AS months, "
        f"{where} AS w {_from(context.quarter)}"
    )
    known = "w IS NOT NULL AND v IS NOT NULL AND months IS NOT NULL AND months > 0"
    charged = f"SELECT *, coalesce({known}, false) AS known FROM ({rows}) AS fees_of_loans"
    return (
        "SELECT institution_id, months, known, count(*) AS n, sum(v) AS s "
        f"FROM ({charged} WHERE w IS NULL OR w) AS charged "
        "GROUP BY institution_id, months, known"
    )


def _fees(engine: Engine, params: Params, quarter: Quarter, spec: Charge) -> Mapping[str, Fees]:
    found: dict[str, Fees] = {}
    context = RowContext(params, quarter, engine.dialect)
    for row in engine.sql(sums_sql(context, spec)).to_pylist():
        fees = found.setdefault(row["institution_id"], Fees())
        if row["known"]:
            fees.by_months[int(row["months"])] = Fraction(row["s"])
            fees.rows += int(row["n"])
        else:
            fees.unknown += int(row["n"])
    return found


def _row(
    params: Params, measure: Measure, quarter: Quarter, snapshot: Snapshot, fees: Fees
) -> dict[str, object]:
    assert measure.charged is not None
    spec = measure.charged.spec
    reason = _why_not(params, spec, snapshot, fees)
    amount, divisor, slack = as_quotient(fees.yearly)
    is_amount = measure.charged.gives == "amount"
    value = amount if is_amount else Fraction(divisor)
    aside = {t: snapshot.set_aside.get(t, 0) for t in _TABLES}
    # Quarantined loans may be what the fees set beside no loan belong to.
    untold = aside[FEES] or (fees.rows and any(aside.values()))
    return {
        "quarter": str(quarter),
        "institution_id": snapshot.institution_id,
        "measure_id": measure.id,
        "source": LEDGER,
        "value": None if reason else exact_decimal(value, measure),
        "rows": None if reason else fees.rows,
        "reason": reason,
        "set_aside": sum(aside.values()),
        "aside_gain": None if untold and is_amount else 0,
        "slack": exact_decimal(slack, measure) if slack and is_amount else None,
        "revision": snapshot.revision,
    }


def _why_not(params: Params, spec: Charge, snapshot: Snapshot, fees: Fees) -> str | None:
    if LOANS not in snapshot.tables:
        return snapshot.missing.get(LOANS) or "未报送台账"
    if FEES not in snapshot.tables:
        return why_absent(snapshot, FEES)
    asked = needed(params, spec.expressions, OF_FEE)
    return why_unknown(snapshot, asked, fees.unknown) if fees.unknown else None


def fees_sql(params: Params, measure: Measure, quarter: Quarter, unit: Unit, limit: int) -> str:
    """SQL that lists the fees behind an institution's measure, largest first."""
    assert measure.charged is not None
    context = RowContext(params, quarter)
    _, months, where = _of_charge(context, measure.charged.spec)
    names = ("loan_id", "kind", "charged_by", "borne_by", "amount", "waived", "recurring")
    listed = ", ".join(f"f.{ident(n)}" for n in names)
    return (
        f"SELECT l.quarter, l.institution_id, {listed}, l.drawn_on, {months} AS months "
        f"{_from(quarter)} AND l.institution_id = {quote(unit[0])} AND ({where}) "
        f"ORDER BY f.amount DESC, f.loan_id, f.seq LIMIT {limit}"
    )
