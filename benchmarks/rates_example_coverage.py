"""Rung C on example counties whose truth is known: how often its interval holds it.

    python benchmarks/rates_example_coverage.py [SEEDS] [FIRST] [JOBS]      (default 200, 1, 2)

Each seed grows a county of `puhui example` (shocks, relief and drift common to all banks in a
month; pass-through by bank from 0.3 to 0.9) and takes the new inclusive loans of the banks with
ledgers from their books, without writing or reading files. Then the run's sample, path and effects,
rungs A and C, unweighted.

The truth of a pooled equation is an average of the banks' pass-throughs; which one depends on the
weights. Printed for three: each bank by its partial leverage in the rung, by its loans, all alike.
The interval of C is the bootstrap's, that of A CRV3 with t(G−1). Coverage has its Monte Carlo error
beside it; exit code 1 if that of C for the leverage truth is under 90 %.
"""

from __future__ import annotations

import datetime as dt
import math
import sys
from concurrent.futures import ProcessPoolExecutor
from decimal import Decimal

import numpy as np
import pyarrow as pa
from scipy import stats

from puhui.engine.duckdb import DuckDBEngine
from puhui.example.columns import calendar_day, day_number
from puhui.example.county import County
from puhui.example.days import add_months
from puhui.example.lives import DISCOUNT, LPR_1Y, LPR_5Y, OWN
from puhui.example.pricing import LPR_MOVES, lpr_bp
from puhui.example.reporting import EARLY_EXTRACTS
from puhui.example.segments import LIMIT_FEN, SEGMENTS
from puhui.example.world import grow
from puhui.rates import IdentificationRules, PricingSpec, draw
from puhui.rates.bootstrap import drawn, interval, resampling
from puhui.rates.levels import equation
from puhui.rates.placing import place
from puhui.rates.solve import Solution, solve

WINDOW = (dt.date(2019, 10, 1), dt.date(2021, 12, 31))
EFFECTS = ("product", "term_band", "guarantee", "kind", "size")
TRUTHS = ("leverage", "loans", "alike")
AIM = 0.90


def path_table() -> pa.Table:
    """LPR as the example knows it, and the lending benchmark before it, in percent."""
    steps = [(dt.date(2016, 1, 1), 435, 490), *LPR_MOVES]
    rows = [
        {"series": "lpr", "tenor": tenor, "from_date": s[0], "rate": Decimal(s[1 + i]) / 100}
        for i, tenor in enumerate(("1Y", "5Y"))
        for s in steps
    ]
    fields = [("series", pa.string()), ("tenor", pa.string()), ("from_date", pa.date32())]
    return pa.Table.from_pylist(rows, pa.schema([*fields, ("rate", pa.decimal128(9, 6))]))


def facts(county: County) -> tuple[pa.Table, dict[str, float]]:
    """New inclusive loans as rows of loan facts, and the pass-through of each bank."""
    parts, truth = [], {}
    for book in county.books.values():
        unit, loans = book.unit, book.loans
        if not unit.has_ledger:
            continue
        segment = book.customers["segment"][loans["customer"]]
        takes = np.array([s.is_inclusive_kind for s in SEGMENTS])[segment]
        takes &= (loans["product"] != DISCOUNT) & (loans["is_business_loan"] == 1)
        takes &= book.line_on(loans["customer"], loans["drawn_on"]) <= LIMIT_FEN
        takes &= loans["drawn_on"] >= day_number(WINDOW[0])
        if unit.sends not in EARLY_EXTRACTS:  # those do not say where the funds come from
            takes &= loans["funding_source"] == OWN
        named = loans["benchmark"] >= LPR_1Y
        long = loans["matures_on"] > add_months(loans["drawn_on"], 60)
        year = loans["matures_on"] <= add_months(loans["drawn_on"], 12)
        tenor = np.where(named, loans["benchmark"] == LPR_5Y, long)
        band = np.where(year, "<=12", np.where(long, ">60", "13-60"))
        lpr = lpr_bp(tenor, loans["priced_on"])
        sizes = np.array([f"{s.kind}" for s in SEGMENTS]), np.array([f"{s.size}" for s in SEGMENTS])
        at = np.flatnonzero(takes)
        truth[unit.short] = unit.pass_through / 1000
        days = {
            c: [calendar_day(d) for d in loans[c][at].tolist()] for c in ("drawn_on", "priced_on")
        }
        parts.append(
            pa.table(
                {
                    "quarter": ["2021Q4"] * len(at),
                    "revision": pa.array([1] * len(at), pa.int32()),
                    "institution_id": [unit.short] * len(at),
                    "loan_id": [f"L{i}" for i in at.tolist()],
                    "drawn_on": pa.array(days["drawn_on"], pa.date32()),
                    "priced_on": pa.array(days["priced_on"], pa.date32()),
                    "product": loans["product"][at].astype(str),
                    "term_band": band[at],
                    "guarantee": loans["guarantee"][at].astype(str),
                    "kind": sizes[0][segment[at]],
                    "size": sizes[1][segment[at]],
                    "amount": _decimals(loans["amount"][at], pa.decimal128(18, 2)),
                    "rate_at_drawdown": _decimals(loans["rate_at_drawdown"][at]),
                    "benchmark_series": ["lpr"] * len(at),
                    "benchmark_tenor": np.where(tenor[at] == 1, "5Y", "1Y"),
                    "benchmark_date": pa.array(days["priced_on"], pa.date32()),
                    "benchmark_rate": _decimals(lpr[at]),
                }
            )
        )
    return pa.concat_tables(parts), truth


def _decimals(hundredths: np.ndarray, kind: pa.DataType | None = None) -> pa.Array:
    values = [Decimal(v).scaleb(-2) for v in hundredths.tolist()]
    return pa.array(values, kind or pa.decimal128(9, 6))


def one(seed: int) -> dict[str, object]:
    """Fit A and C to one county; coefficient, interval and the truths, by rung."""
    table, truth = facts(grow(seed))
    rules = IdentificationRules(2, 30, 100, 5, Decimal(60), Decimal("0.9"), Decimal("2.8"))
    spec = PricingSpec("2021Q4", "LPR", *WINDOW, "true", EFFECTS, rules, path=path_table())
    with DuckDBEngine(threads=1) as engine:
        engine.register("loan_facts", table)
        draw(engine, "loan_facts", spec)
        placed = place(engine, spec)
    assert placed is not None
    found: dict[str, object] = {"seed": seed, "loans": sum(c.rows for c in placed.sums.cells)}
    for model in ("A", "C"):
        m = equation(placed.sums, placed.levels, model)
        s = solve(m, centred=True)
        shares = [float(row[0]) for row in s.leverage]
        weights = {"leverage": shares, "loans": list(m.rows), "alike": [1.0] * len(m.rows)}
        truths = {
            key: float(np.average([truth[g] for g in m.groups], weights=w))
            for key, w in weights.items()
        }
        found[model] = (float(s.beta[0]), *_interval(model, s), truths)
    return found


def _interval(model: str, s: Solution) -> tuple[float, float]:
    assert s.refits is not None
    g, beta = len(s.refits), float(s.beta[0])
    squares = math.fsum((float(row[0]) - beta) ** 2 for row in s.refits if row[0] is not None)
    error = math.sqrt((g - 1) / g * squares)
    if model == "A":
        reach = float(stats.t.ppf(0.975, g - 1)) * error
        return beta - reach, beta + reach
    r = resampling(s, 0)
    assert r is not None
    ends = interval(drawn(r), error)
    return (-math.inf if ends.low is None else ends.low), (
        math.inf if ends.high is None else ends.high
    )


def main(seeds: int, first: int, jobs: int) -> int:
    with ProcessPoolExecutor(jobs) as pool:
        found = list(pool.map(one, range(first, first + seeds)))
    loans = [f["loans"] for f in found]
    print(f"{seeds} counties from seed {first}, {min(loans)} to {max(loans)} loans")
    covered = {}
    for model in ("A", "C"):
        rows = [f[model] for f in found]
        betas = np.array([r[0] for r in rows])
        print(
            f"{model}: mean coefficient {betas.mean():.3f} (sd {betas.std(ddof=1):.3f}), "
            f"median width of the interval {np.median([r[2] - r[1] for r in rows]):.3f}"
        )
        for key in TRUTHS:
            held = np.array([r[1] <= r[3][key] <= r[2] for r in rows])
            off = np.array([r[0] - r[3][key] for r in rows])
            share = held.mean()
            covered[model, key] = share
            print(
                f"   truth by {key:8} {np.mean([r[3][key] for r in rows]):.3f}: covered "
                f"{share:.1%} ± {math.sqrt(share * (1 - share) / seeds):.1%}, "
                f"bias {off.mean():+.3f} ± {off.std(ddof=1) / math.sqrt(seeds):.3f}"
            )
    return int(covered["C", "leverage"] < AIM)


if __name__ == "__main__":
    given = [int(v) for v in sys.argv[1:4]]
    raise SystemExit(main(*(given + [200, 1, 2][len(given) :])))
