"""Spread over the benchmark at pricing, by institution and quarter: exact, no model."""

from __future__ import annotations

from fractions import Fraction

import pyarrow as pa

from puhui import results
from puhui.engine.duckdb import DuckDBEngine
from puhui.rates.sample import (
    AMOUNT_SCALE,
    RATE_SCALE,
    SAMPLE,
    PricingSpec,
    Sample,
    drawn,
)
from puhui.results import twelve_digits

_PRODUCT = "CAST(w AS DECIMAL(19,0)) * CAST({} AS DECIMAL(10,0))"


def spreads(
    engine: DuckDBEngine, relation: str, spec: PricingSpec, *, sample: Sample | None = None
) -> pa.Table:
    """Amount-weighted mean rate, benchmark and spread of the sample's loans.

    Parameters
    ----------
    engine, relation, spec, sample
        As for :func:`puhui.rates.price`; the same sample, no model.

    Returns
    -------
    pyarrow.Table
        ``results`` ``spreads``: one row per institution and quarter of pricing. The spread in
        basis points is exact as ``spread_num / spread_den``; amounts are in yuan.
    """
    drawn(engine, relation, spec, sample)
    benchmark = f"CAST(benchmark_rate * {10**RATE_SCALE} AS BIGINT)"
    found = engine.sql(
        f"SELECT g, year(benchmark_date) AS y4, quarter(benchmark_date) AS q, count(*) AS n, "
        f"sum(CAST(w AS DECIMAL(38,0))) AS amount, sum({_PRODUCT.format('y')}) AS rate, "
        f"sum({_PRODUCT.format(benchmark)}) AS benchmark FROM {SAMPLE} "
        "GROUP BY ALL ORDER BY g, y4, q"
    )
    return results.from_rows("spreads", [_row(spec, r) for r in found.to_pylist()])


def _row(spec: PricingSpec, row: dict[str, object]) -> dict[str, object]:
    amount, rate, benchmark = (int(str(row[k])) for k in ("amount", "rate", "benchmark"))
    percent = Fraction(1, amount * 10**RATE_SCALE)
    spread = 100 * (rate - benchmark) * percent
    return {
        "quarter": spec.quarter,
        "institution_id": row["g"],
        "priced_in": f"{row['y4']}Q{row['q']}",
        "loans": row["n"],
        "amount": amount / 10**AMOUNT_SCALE,
        "mean_rate": twelve_digits(rate * percent),
        "mean_benchmark": twelve_digits(benchmark * percent),
        "spread_bp": twelve_digits(spread),
        "spread_num": str(spread.numerator),
        "spread_den": str(spread.denominator),
    }
