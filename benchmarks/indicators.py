"""All ledger measures of a quarter: against a bare scan, and against the same in pandas.

    python benchmarks/indicators.py [MILLIONS ...]      (default 1 3 10)

For each size a ledger is generated (``indicators_ledger.py``), then measured in processes of
their own, by turns, as often as ``ROUNDS`` says; the best of each counts:

- *counted*: DuckDB counts, and sums where the column is a number, every column of loans and
  customers that the measures use; two queries, no join;
- *read*: the same, but looks at every value (the greatest text, date and flag, the length of sets);
- *sums*, *customers*, *all*: ``from_ledgers`` with the measures of that layer, table of rows made;
- *pandas*: the same measures (``indicators_pandas.py``), reading included; not at 30 million;
- *5*, *20*, *40*: ``from_ledgers`` with so many measures of the additive layer; *88*: with all 44
  and a second one over each of their conditions, so that measures grow and conditions do not.

Every value of *all* and *pandas* is compared: each institution, branch and measure.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import indicators_ledger as ledger
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from puhui import schema
from puhui.derive import CUSTOMERS, LOANS, needed_columns, source_view
from puhui.engine import DuckDBEngine
from puhui.measures import from_ledgers
from puhui.params import Measure, Params, load
from puhui.params.expression import Expression
from puhui.store import Store

ROUNDS = 2
PARAMS = Path(__file__).resolve().parents[1] / "params"
ADDITIVE = ("5", "20", "40", "88")
PANDAS_MOST = 10_000_000


def main(sizes: list[int]) -> None:
    """Measure each size and print a table."""
    for loans in sizes:
        with tempfile.TemporaryDirectory() as folder:
            ledger.generate(Path(folder), loans)
            compare(Path(folder), loans)


def compare(folder: Path, loans: int) -> None:
    """Time every side by turns and say the ratios."""
    sides = ["counted", "read", "sums", "customers", "all", *ADDITIVE]
    if loans <= PANDAS_MOST:
        sides.append("pandas")
    best: dict[str, dict[str, float]] = {}
    for turn in range(ROUNDS):
        for side in sides:
            if side == "pandas" and turn:
                continue
            found = _child(folder, side)
            kept = best.setdefault(side, found)
            best[side] = {k: min(v, kept[k]) for k, v in found.items()}
    if "pandas" in best:
        equal(pq.read_table(folder / "all.parquet"), pq.read_table(folder / "pandas.parquet"))
    print(f"{loans:,} loans, best of {ROUNDS} (pandas: once)")
    for side, found in best.items():
        ratios = [found["cpu"] / best[scan]["cpu"] for scan in ("counted", "read")]
        print(
            f"  {side:10} {found['wall']:7.1f} s, {found['cpu']:7.1f} s of processors, "
            f"{found['peak']:7,.0f} MB, {ratios[0]:.1f} × counted, {ratios[1]:.1f} × read"
        )


def equal(ours: pa.Table, theirs: pa.Table) -> None:
    """Assert that every institution, branch and measure has the same value on both sides."""
    found = {
        (r["institution_id"], r["branch_id"], r["measure_id"]): int(r["value"].scaleb(8))
        for r in ours.to_pylist()
    }
    keys = zip(*(theirs[n].to_pylist() for n in theirs.column_names[:3]), strict=True)
    other = dict(zip(keys, map(int, theirs["value"].to_pylist()), strict=True))
    assert {m for *_, m in found} == {m for *_, m in other}
    assert other.keys() <= found.keys()
    unequal = [k for k, v in found.items() if other.get(k, 0) != v]
    assert not unequal, unequal[:5]
    print(f"  {len(found):,} values are equal")


def _child(folder: Path, side: str) -> dict[str, float]:
    command = [sys.executable, __file__, "--side", side, str(folder)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def measured(side: str, folder: Path) -> None:
    """Run one side in this process and print what it took (imports and parameters left out)."""
    params = load(PARAMS)
    run = _side(side, folder, params)
    wall, before = time.perf_counter(), _cpu()
    table = run()
    took = {"wall": time.perf_counter() - wall, "cpu": _cpu() - before}
    took["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if side in ("all", "pandas"):
        pq.write_table(table, folder / f"{side}.parquet")
    print(json.dumps(took))


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _side(side: str, folder: Path, params: Params) -> Callable[[], pa.Table]:
    if side == "pandas":
        return lambda: _pandas(folder)
    store = Store(folder, key_fingerprint="benchmark")
    names = ledger.register()["institution_id"].to_pylist()
    snapshots = [s for n in names if (s := store.latest(ledger.QUARTER, n)) is not None]
    engine = DuckDBEngine(read=[folder])
    if side in ("counted", "read"):
        source_view(engine, LOANS, snapshots)
        source_view(engine, CUSTOMERS, snapshots)
        return lambda: _scan(engine, params, looked_at=side == "read")
    wanted = replace(params, measures={m.id: m for m in _wanted(side, params)})
    return lambda: from_ledgers(
        engine, wanted, snapshots, ledger.QUARTER, register=ledger.register()
    )


def _wanted(side: str, params: Params) -> list[Measure]:
    every = [m for m in params.measures.values() if m.ledger is not None]
    counted = [m for m in every if m.ledger is not None and m.ledger.aggregate == "customers"]
    additive = [m for m in every if m not in counted]
    if side in ADDITIVE:
        return [*additive, *_again(additive)][: int(side)]
    return {"all": every, "customers": counted, "sums": additive}[side]


def _again(measures: list[Measure]) -> list[Measure]:
    """Measures that sum the amount where the given ones hold, and the balance where those do so."""
    amount, balance = (Expression.parse(name) for name in ("amount", "balance"))
    return [
        replace(m, id=f"{m.id}_again", ledger=replace(m.ledger, aggregate="sum", of=of))
        for m in measures
        if m.ledger is not None
        for of in [balance if m.ledger.of and m.ledger.of.text == "amount" else amount]
    ]


def _scan(engine: DuckDBEngine, params: Params, *, looked_at: bool) -> pa.Table:
    """Read every column the measures use, keys included, each table by itself."""
    used = {(t, "institution_id") for t in (LOANS, CUSTOMERS)}
    used |= {(t, "customer_id") for t in (LOANS, CUSTOMERS)} | {(LOANS, "branch_id")}
    for measure in _wanted("all", params):
        assert measure.ledger is not None
        used |= needed_columns(params, measure.ledger.where)
        if measure.ledger.of is not None:
            used |= needed_columns(params, measure.ledger.of)
    found = None
    for table in (LOANS, CUSTOMERS):
        read = [
            _read(c.name, c.kind, looked_at=looked_at)
            for c in schema.columns(table)
            if (table, c.name) in used
        ]
        found = engine.sql(f"SELECT {', '.join(read)} FROM {table}")
    assert found is not None
    return found


def _read(name: str, kind: str, *, looked_at: bool) -> str:
    if kind in ("money", "rate"):
        return f"sum({name})"
    if not looked_at:
        return f"count({name})"
    return f"sum(len({name}))" if kind.startswith("set:") else f"max({name})"


def _pandas(folder: Path) -> pa.Table:
    import indicators_pandas

    found = indicators_pandas.measures(folder, ledger.register().to_pandas())
    branch = [b if isinstance(b, str) else None for b in found["branch_id"]]
    value = [str(v) for v in found["value"]]
    return pa.table(
        {
            "institution_id": pa.array(found["institution_id"], pa.string()),
            "branch_id": pa.array(branch, pa.string()),
            "measure_id": pa.array(found["measure_id"], pa.string()),
            "value": pc.cast(pa.array(value), pa.decimal128(38, 0)),
        }
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--side"]:
        measured(sys.argv[2], Path(sys.argv[3]))
    else:
        main([round(float(size) * 1_000_000) for size in sys.argv[1:] or ("1", "3", "10")])
