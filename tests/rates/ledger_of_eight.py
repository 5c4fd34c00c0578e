"""A generated ledger of eight invented institutions, priced off the real path of LPR.

Rates follow LPR one for half, drift down by a trend, and carry institution and product effects
and noise; seeded, so that every run sees the same loans.
"""

from __future__ import annotations

import bisect
import csv
import datetime as dt
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa

from puhui.engine.duckdb import DuckDBEngine

LPR_FILE = Path(__file__).parents[2] / "data" / "reference" / "benchmarks" / "lpr.csv"
FIRST, LAST = dt.date(2019, 10, 1), dt.date(2021, 12, 31)
BANKS = [f"YH{i:04d}" for i in range(1, 9)]
TENORS = {"1y": "lpr_1y", "5y": "lpr_5y"}

FACTS = pa.schema(
    [
        ("quarter", pa.string()),
        ("revision", pa.int32()),
        ("institution_id", pa.string()),
        ("loan_id", pa.string()),
        ("drawn_on", pa.date32()),
        ("priced_on", pa.date32()),
        ("product", pa.string()),
        ("issue_kind", pa.string()),
        ("funding_source", pa.string()),
        ("guarantee", pa.string()),
        ("kind", pa.string()),
        ("size", pa.string()),
        ("amount", pa.decimal128(18, 2)),
        ("rate_at_drawdown", pa.decimal128(9, 6)),
        ("term_months", pa.int32()),
        ("term_band", pa.string()),
        ("in_scope_at_drawdown", pa.bool_()),
        ("benchmark_series", pa.string()),
        ("benchmark_tenor", pa.string()),
        ("benchmark_tenor_beside", pa.string()),
        ("benchmark_date", pa.date32()),
        ("benchmark_rate", pa.decimal128(9, 6)),
    ]
)


def lpr() -> dict[str, list[tuple[dt.date, Decimal]]]:
    """Published values by tenor."""
    with LPR_FILE.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {
        tenor: [(dt.date.fromisoformat(r["date"]), Decimal(r[column])) for r in rows]
        for tenor, column in TENORS.items()
    }


def in_force(points: list[tuple[dt.date, Decimal]], day: dt.date) -> Decimal:
    return points[bisect.bisect_right([d for d, _ in points], day) - 1][1]


def path_table() -> pa.Table:
    """The benchmark as the caller of ``price`` may give it: every publication."""
    rows = [
        {"series": "lpr", "tenor": tenor, "from_date": day, "rate": value}
        for tenor, points in lpr().items()
        for day, value in points
    ]
    fields = [("series", pa.string()), ("tenor", pa.string()), ("from_date", pa.date32())]
    return pa.Table.from_pylist(rows, pa.schema([*fields, ("rate", pa.decimal128(9, 6))]))


def ledger(banks: int = 8, loans: int = 6000, seed: int = 20211231) -> list[dict[str, object]]:
    """Loans of the first ``banks`` institutions as rows of loan facts, one snapshot each."""
    rng = np.random.default_rng(seed)
    points = lpr()
    days = (LAST - FIRST).days + 1
    rows: list[dict[str, object]] = []
    for i in range(loans):
        bank = int(rng.integers(0, 8))
        day = FIRST + dt.timedelta(days=int(rng.integers(0, days)))
        long = bool(rng.random() < 0.15)
        product = ["working_capital", "business_personal"][int(rng.integers(0, 2))]
        tenor = "5y" if long else "1y"
        benchmark = in_force(points[tenor], day)
        noise, amount = rng.normal(0, 0.3), int(rng.integers(5, 500))
        trend = 0.2 * (day - FIRST).days / 365
        spread = 0.8 + 0.15 * bank + 0.3 * (product == "business_personal")
        value = 0.5 * float(benchmark) + 2 + spread - trend + noise
        if bank >= banks:
            continue
        rows.append(
            {
                "quarter": f"{day.year}Q{(day.month - 1) // 3 + 1}",
                "revision": 1,
                "institution_id": BANKS[bank],
                "loan_id": f"JJ{i:06d}",
                "drawn_on": day,
                "priced_on": None,
                "product": product,
                "issue_kind": "new",
                "funding_source": "own",
                "guarantee": ["credit", "mortgaged"][i % 2],
                "kind": "enterprise",
                "size": ["small", "micro"][i % 3 % 2],
                "amount": Decimal(amount * 10_000),
                "rate_at_drawdown": Decimal(f"{value:.2f}"),
                "term_months": 84 if long else 12,
                "term_band": "long" if long else "year",
                "in_scope_at_drawdown": True,
                "benchmark_series": "lpr",
                "benchmark_tenor": tenor,
                "benchmark_date": day,
                "benchmark_rate": benchmark,
            }
        )
    return rows


def engine_with(rows: list[dict[str, object]]) -> DuckDBEngine:
    """An engine that holds the rows as ``loan_facts``."""
    engine = DuckDBEngine(threads=2)
    engine.register("loan_facts", pa.Table.from_pylist(rows, FACTS))
    return engine
