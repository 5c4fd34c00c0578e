"""A regression with clustered inference, from a Parquet file to an interval: `puhui.rates.fit`.

    python benchmarks/rates.py [LOANS ...]      (default 1000000 10000000)

Loans of 15 institutions with 20 branches each: rate on a benchmark rate and three continuous
controls, branch effects swept out, four categorical controls. Each side reads the same file in a
process of its own and says its time (imports left out) and its peak memory:

- *scan*: DuckDB sums the same columns, one query; *scan, amount*: the amount too;
- *ours*: moments, β, CRV1, CRV3, CR2, the bootstrap of all four terms with p and interval; also
  weighted by amount, a second time, and on one thread, whose results are to be the same bytes;
- at the first size only: *pyfixest* (compiled on a few rows before the clock starts), a CRV1 fit
  and wildboottest's restricted bootstrap (type 11) of the benchmark alone, no interval;
  *statsmodels* OLS with CRV1 on columns that pandas demeaned by branch, the categorical ones as
  indicators; *duckreg* on the four regressors alone: its formulas take neither effects nor
  categories and its only cluster errors resample clusters, so that is a smaller equation.

The other side's packages are not those of the suite: where one is missing its line says so.
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

X = ["benchmark", "log_amount", "age_days", "score"]
CELL, CONTROLS = "branch", ["product", "guarantee", "size", "channel"]
LEVELS = (4, 5, 3, 4)
NUMBERS = [*X, "rate"]


def generate(loans: int, path: Path) -> None:
    """Write the loans: DECIMAL numbers, whole codes for keys, one seed."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(20261123)
    bank = rng.integers(0, 15, loans)
    controls = [rng.integers(0, k, loans) for k in LEVELS]
    benchmark = rng.choice([4_200_000, 4_150_000, 4_050_000, 3_850_000, 3_800_000], loans)
    log_amount = np.round(rng.normal(12, 1.5, loans) * 1e6)
    score = np.round(rng.normal(0, 1, loans) * 1e4)
    slope = 0.6 + 0.02 * (bank - 7)
    rate = 2e6 + slope * benchmark - 0.02 * log_amount + 10 * score + 3e4 * bank
    rate = np.round(rate + 5e4 * sum(controls) + rng.normal(0, 6e5, loans))
    table = {
        "bank": bank.astype(np.int16),
        CELL: (bank * 20 + rng.integers(0, 20, loans)).astype(np.int16),
        "rate": decimals(rate, 9, 6),
        "benchmark": decimals(benchmark, 9, 6),
        "log_amount": decimals(log_amount, 9, 6),
        "age_days": rng.integers(0, 3650, loans).astype(np.int16),
        "score": decimals(score, 9, 4),
        "amount": decimals(np.round(np.exp(log_amount / 1e6) * 100), 18, 2),
    }
    table |= {name: c.astype(np.int8) for name, c in zip(CONTROLS, controls, strict=True)}
    pq.write_table(pa.table(table), path)


def decimals(whole: npt.NDArray[Any], digits: int, places: int) -> Any:
    """Whole numbers as a DECIMAL column."""
    import pyarrow as pa

    low = whole.astype(np.int64)
    buffer = pa.py_buffer(np.stack([low, low >> 63], axis=1).tobytes())
    return pa.Array.from_buffers(pa.decimal128(digits, places), len(low), [None, buffer])


def scan(path: Path, extra: list[str]) -> str:
    from puhui.engine.duckdb import DuckDBEngine

    wanted = ["bank", CELL, *CONTROLS, *NUMBERS, *extra]
    with DuckDBEngine(read=[path.parent]) as engine:
        sums = ", ".join(f"sum({c})" for c in wanted)
        engine.sql(f"SELECT {sums} FROM read_parquet('{path}')")
    return f"{len(wanted)} columns summed"


def ours(path: Path, weights: str | None) -> str:
    from puhui.rates import fit

    f = fit(path, "rate", X, cluster="bank", weights=weights, absorb=[CELL, *CONTROLS])
    assert f.p_boot is not None and f.ci is not None
    digest = hashlib.sha256(repr(f).encode()).hexdigest()[:16]
    said = f"β {f.beta[0]:.10f}, CRV1 {f.se_crv1[0]:.10f}, CRV3 {f.se_crv3[0]:.10f}"
    return f"{said}, p {f.p_boot[0]:.6f} ({f.p_boot_classic[0]:.6f}), {f.ci[0]}, bytes {digest}"


def moments(path: Path, weights: str | None) -> str:
    from puhui.rates.direct import moments_of

    found = moments_of(
        path, "rate", X, cluster="bank", weights=weights, absorb=[CELL, *CONTROLS], intercept=False
    )
    assert found is not None
    return (
        f"the part of ours up to moments, denominator {found.moments.denominator.bit_length()} bits"
    )


def pyfixest(path: Path, rows: int | None = None) -> str:
    import pandas as pd
    from pyfixest.estimation import feols

    d = pd.read_parquet(path, columns=["bank", CELL, *CONTROLS, *NUMBERS])[:rows]
    d[NUMBERS] = d[NUMBERS].astype(float)
    right = " + ".join([*X, *(f"C({c})" for c in CONTROLS)])
    f = feols(f"rate ~ {right} | {CELL}", data=d, vcov={"CRV1": "bank"})
    error = f.se()["benchmark"]
    try:
        p = f.wildboottest(reps=9999, cluster="bank", param="benchmark", seed=1)["Pr(>|t|)"]
        said = f"wildboottest p {float(p):.6f} of 9,999 draws"
    except Exception as failure:  # it refuses some fits with effects; then the explicit one
        said = f"wildboottest: {type(failure).__name__} {str(failure)[:80]}"
    return f"β {f.coef()['benchmark']:.10f}, CRV1 {error:.10f}, {said}"


def statsmodels(path: Path) -> str:
    import pandas as pd
    import statsmodels.api as sm

    d = pd.read_parquet(path, columns=["bank", CELL, *CONTROLS, *NUMBERS])
    d[NUMBERS] = d[NUMBERS].astype(float)
    wide = pd.get_dummies(d[[*NUMBERS, *CONTROLS]], columns=CONTROLS, drop_first=True, dtype=float)
    within = wide - wide.groupby(d[CELL]).transform("mean")
    k = within.shape[1] - 1
    result = sm.OLS(within["rate"], within.drop(columns="rate")).fit(
        cov_type="cluster", cov_kwds={"groups": d["bank"].to_numpy()}
    )
    assert k == len(result.params)
    return f"β {result.params['benchmark']:.10f}, CRV1 {result.bse['benchmark']:.10f}, no bootstrap"


def duckreg(path: Path) -> str:
    import duckdb
    from duckreg.estimators import DuckRegression

    old = "fetch_arrow_table"  # its ibis asks a connection for what DuckDB 2 has renamed
    if not hasattr(duckdb.DuckDBPyConnection, old):
        setattr(duckdb.DuckDBPyConnection, old, duckdb.DuckDBPyConnection.to_arrow_table)
    with tempfile.TemporaryDirectory() as folder:
        name = str(Path(folder) / "d.db")
        with duckdb.connect(name) as con:
            casts = ", ".join(f"{c}::DOUBLE AS {c}" for c in NUMBERS)
            con.execute(f"CREATE TABLE t AS SELECT bank, {casts} FROM read_parquet('{path}')")
        model = DuckRegression(
            db_name=name, table_name="t", formula=f"rate ~ {' + '.join(X)}", cluster_col="",
            seed=1, n_bootstraps=0,
        )  # fmt: skip
        model.fit()
        return f"without effects: β {np.ravel(model.point_estimate)[1]:.10f}, no cluster errors"


SIDES: dict[str, Callable[[Path], str]] = {
    "scan": lambda path: scan(path, []),
    "scan, amount": lambda path: scan(path, ["amount"]),
    "moments": lambda path: moments(path, None),
    "moments, amount": lambda path: moments(path, "amount"),
    "ours": lambda path: ours(path, None),
    "ours, again": lambda path: ours(path, None),
    "ours, one thread": lambda path: ours(path, None),
    "ours, amount": lambda path: ours(path, "amount"),
    "ours, amount, again": lambda path: ours(path, "amount"),
    "ours, amount, one thread": lambda path: ours(path, "amount"),
    "pyfixest": pyfixest,
    "statsmodels": statsmodels,
    "duckreg": duckreg,
}
OTHERS = ("pyfixest", "statsmodels", "duckreg")


def measured(side: str, path: Path) -> None:
    """Run one side in this process and print what it took; packages are imported before."""
    if "one thread" in side:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    for package in ("puhui.rates", *({side} & set(OTHERS))):
        try:
            __import__(package)
        except ImportError:
            print(json.dumps({"said": f"{package} is not installed"}))
            return
    if side == "pyfixest":
        pyfixest(path, 10_000)  # compiled before the clock starts
    start, before = time.perf_counter(), _cpu()
    try:
        said = SIDES[side](path)
    except Exception as failure:  # of another's package: its line says so, the run goes on
        if side not in OTHERS:
            raise
        print(json.dumps({"said": f"{type(failure).__name__}: {failure}"}))
        return
    took = {"wall": time.perf_counter() - start, "cpu": _cpu() - before}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"said": said, "peak": peak} | took))


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def compare(loans: int, path: Path, *, others: bool) -> None:
    """Run every side and print its time, its ratios and whether the bytes are the same."""
    print(f"{loans:,} loans, {path.stat().st_size / 2**20:,.0f} MB")
    found: dict[str, dict[str, Any]] = {}
    for side in SIDES:
        if side in OTHERS and not others:
            continue
        command = [sys.executable, __file__, "--side", side, str(path)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
        lines = done.stdout.splitlines()
        found[side] = json.loads(lines[-1]) if lines and not done.returncode else {"said": "failed"}
        print(f"  {side:26}{_told(found, side)}", flush=True)
    for first in ("ours", "ours, amount"):
        runs = {found[s]["said"] for s in (first, f"{first}, one thread", f"{first}, again")}
        print(f"  {first}: two runs and two numbers of threads are identical: {len(runs) == 1}")


def _told(found: dict[str, dict[str, Any]], side: str) -> str:
    own = found[side]
    if "wall" not in own:
        return str(own["said"])
    base = found["scan, amount" if "amount" in side else "scan"]
    ratio = f"{own['wall'] / base['wall']:.1f} × scan ({own['cpu'] / base['cpu']:.1f} of CPU)"
    if side in OTHERS:
        ratio += f", {own['wall'] / found['ours']['wall']:.1f} × ours"
    return (
        f"{own['wall']:8.2f} s, {own['cpu']:7.2f} s of CPU, {own['peak']:6,.0f} MB, {ratio}\n"
        f"{'':28}{own['said']}"
    )


def main(sizes: list[int]) -> None:
    """Generate, compare and print."""
    print(f"{os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}")
    for place, loans in enumerate(sizes):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "loans.parquet"
            # apart, since children inherit the peak of their parent
            subprocess.run([sys.executable, __file__, "--make", str(loans), str(path)], check=True)
            compare(loans, path, others=place == 0)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--side"]:
        measured(sys.argv[2], Path(sys.argv[3]))
    elif sys.argv[1:2] == ["--make"]:
        generate(int(sys.argv[2]), Path(sys.argv[3]))
    else:
        main([round(float(size)) for size in sys.argv[1:] or ("1000000", "10000000")])
