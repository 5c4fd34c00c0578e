"""Pricing equation on many generated loans: moments in the engine against demeaned rows.

    python benchmarks/rates_moments.py [LOANS]      (default 10,000,000)

Ours: sample, identification, rungs A and B, unweighted and weighted, CRV1 and CRV3. Instead of
it: pandas demeans rung B's columns (rate, benchmark, trend, indicators of the years after the
first) by cell and statsmodels fits them, once, CRV1 only.
Each side runs in a process of its own.
"""

from __future__ import annotations

import datetime as dt
import resource
import subprocess
import sys
import time
from decimal import Decimal

GENERATE = """
    WITH r AS (
        SELECT range AS i, hash(range) AS h, hash(range + 0.5) AS k FROM range({n})
    ), v AS (
        SELECT i, h, k, (h % 24)::INT AS bank,
            DATE '2019-10-01' + (h // 24 % 823)::INT AS day, (k % 10) < 2 AS long
        FROM r
    ), b AS (
        SELECT *, CASE WHEN day < DATE '2019-11-20' THEN 4.20 WHEN day < DATE '2020-02-20'
            THEN 4.15 WHEN day < DATE '2020-04-20' THEN 4.05 WHEN day < DATE '2021-12-20'
            THEN 3.85 ELSE 3.80 END::DECIMAL(9,6) AS benchmark_rate
        FROM v
    )
    SELECT year(day) || 'Q' || quarter(day) AS quarter, 1 AS revision,
        'YH' || lpad(bank::VARCHAR, 4, '0') AS institution_id, i::VARCHAR AS loan_id,
        day AS drawn_on, day AS priced_on, 'p' || (k // 10 % 4) AS product,
        't' || long AS term_band, 'g' || (k // 40 % 5) AS guarantee,
        'k' || (k // 200 % 4) AS kind, 's' || (k // 800 % 3) AS size,
        (1000 + k // 2400 % 10000000)::DECIMAL(18,2) AS amount,
        (benchmark_rate * 0.5 + 2 + bank * 0.05 + (h // 20000 % 200) / 100)::DECIMAL(9,6)
            AS rate_at_drawdown,
        'lpr' AS benchmark_series, '1y' AS benchmark_tenor, day AS benchmark_date, benchmark_rate
    FROM b
"""
EFFECTS = ("product", "term_band", "guarantee", "kind", "size")


def ours(loans: int) -> None:
    from puhui.engine.duckdb import DuckDBEngine
    from puhui.rates import IdentificationRules, PricingSpec, price

    rules = IdentificationRules(2, 30, 100, 5, Decimal(60), Decimal("0.9"), Decimal("2.8"))
    spec = PricingSpec(
        "2021Q4", "LPR", dt.date(2019, 10, 1), dt.date(2021, 12, 31), "true", EFFECTS, rules,
        count_absorbed=True,
    )  # fmt: skip
    with DuckDBEngine() as engine:
        engine.table("loan_facts", GENERATE.format(n=loans))
        start = time.perf_counter()
        p = price(engine, "loan_facts", spec)
        report("puhui, A and B, both weightings", start)
    b = p.rung("B")
    assert b is not None and b.fit is not None
    print(f"  B: {b.fit.beta[0]:.12g} ({b.fit.se_crv1[0]:.12g}), n {b.fit.n}")


def theirs(loans: int) -> None:
    import statsmodels.api as sm

    from puhui.engine.duckdb import DuckDBEngine

    with DuckDBEngine() as engine:
        d = engine.sql(
            "SELECT institution_id, concat_ws('/', institution_id, product, term_band, guarantee,"
            "kind, size) AS cell, rate_at_drawdown::DOUBLE AS y, benchmark_rate::DOUBLE AS x,"
            "(drawn_on - DATE '2019-10-01')::DOUBLE AS t, "
            "(year(drawn_on) = 2020)::DOUBLE AS y2020, (year(drawn_on) = 2021)::DOUBLE AS y2021 "
            f"FROM ({GENERATE.format(n=loans)})"
        ).to_pandas()
    start = time.perf_counter()
    codes, banks = (d[c].astype("category").cat.codes for c in ("cell", "institution_id"))
    regressors = ["x", "t", "y2020", "y2021"]
    columns = d[["y", *regressors]]
    within = columns - columns.groupby(codes).transform("mean")
    result = sm.OLS(within["y"], within[regressors]).fit(
        cov_type="cluster", cov_kwds={"groups": banks.to_numpy()}
    )
    report("pandas demeaned + statsmodels, B only", start)
    cells = codes.nunique()
    left = len(d) - len(regressors)
    error = result.bse["x"] * (left / (left - cells)) ** 0.5  # K counts the cells, as ours does
    print(f"  B: {result.params['x']:.12g} ({error:.12g}), n {len(d)}, {cells} cells")


def report(what: str, start: float) -> None:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    seconds = time.perf_counter() - start
    print(f"{what}: {seconds:.1f} s, peak of the process with its data {peak:,.0f} MB")


if __name__ == "__main__":
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
    if len(sys.argv) > 2:
        {"ours": ours, "theirs": theirs}[sys.argv[2]](size)
    else:
        for side in ("ours", "theirs"):
            subprocess.run([sys.executable, __file__, str(size), side], check=True)
