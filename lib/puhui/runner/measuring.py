"""Measures of a quarter and its base periods; what did not change is not computed again.

A quarter's figures from ledgers and registers rest on that quarter's snapshots, the office's
tables, the parameters and the code: their hash is the key under which they are kept. Filed
figures of any quarter may come from a later submission, and are read anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from puhui import measures, params, results
from puhui.engine import DuckDBEngine
from puhui.quarter import Quarter
from puhui.runner.project import code_fingerprint, combine
from puhui.runner.state import State
from puhui.runner.workspace import RECONCILED, Run, RunConfig, concat, sort_results
from puhui.store import Snapshot, write_table

#: Called with (stage, done, total, text).
Progress = Callable[[str, int, int, str], None]


def measure(
    config: RunConfig, loaded: params.Params, snapshots: Sequence[Snapshot], progress: Progress
) -> bool:
    """Compute measures of the quarter and its base periods, unless nothing changed.

    Returns
    -------
    bool
        Whether anything was computed.
    """
    work = _Work(config, loaded, snapshots)
    made = [config.working / f"{name}.parquet" for name in ("measures", RECONCILED, _CELLS)]
    key = work.key(snapshots)
    if work.state.is_done("measures", key, made):
        return False
    quarters = quarters_needed(Quarter.parse(config.quarter), (s.quarter for s in snapshots))
    parts = []
    with DuckDBEngine([Path(config.store)], spill=config.working) as engine:
        for number, quarter in enumerate(quarters, 1):
            parts.append(work.quarter(engine, quarter))
            progress("计算指标量", number, len(quarters), str(quarter))
        filed = measures.from_returns(engine, loaded, snapshots, quarters)
    tables, cells = zip(*parts, strict=True)
    joined, differences = measures.reconcile(loaded, concat("measures", [*tables, filed]))
    table = sort_results("measures", joined)
    write_table(made[0], table.cast(results.SCHEMAS["measures"]))
    mine = pc.equal(differences["quarter"], config.quarter)
    write_table(made[1], differences.filter(mine))
    write_table(made[2], pa.concat_tables(cells))
    work.state.done("measures", key)
    return True


_CELLS = "compared_cells"


class _Work:
    """Measures of one run, quarter by quarter."""

    def __init__(
        self, config: RunConfig, loaded: params.Params, snapshots: Sequence[Snapshot]
    ) -> None:
        self.loaded, self.snapshots = loaded, snapshots
        self.state = State(config.working / "state.json")
        self._run = Run(config, loaded)
        self._folder = config.working / "measured"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._base = combine(loaded.fingerprint, code_fingerprint())

    def key(self, snapshots: Sequence[Snapshot]) -> str:
        """Key of what rests on snapshots, the office's own among them."""
        office = self._run.supervisor_snapshot
        read = [*snapshots, *([office] if office is not None else [])]
        digests = [f"{s.quarter}{s.institution_id}{s.revision}{s.digest}" for s in read]
        return combine(self._base, self._run.register.to_pylist(), *digests)

    def quarter(self, engine: DuckDBEngine, quarter: Quarter) -> tuple[pa.Table, pa.Table]:
        """Measures of ledgers and registers of one quarter, and the cells compared."""
        kept = [self._folder / f"{quarter}.{what}.parquet" for what in ("measures", "cells")]
        mine = [s for s in self.snapshots if s.quarter == str(quarter)]
        name, key = f"measures {quarter}", self.key(mine)
        if not self.state.is_done(name, key, kept):
            for path, table in zip(kept, self._computed(engine, mine, quarter), strict=True):
                write_table(path, table)
            self.state.done(name, key)
        return pq.read_table(kept[0]), pq.read_table(kept[1])

    def _computed(
        self, engine: DuckDBEngine, snapshots: Sequence[Snapshot], quarter: Quarter
    ) -> tuple[pa.Table, pa.Table]:
        args = (engine, self.loaded, snapshots, quarter)
        worked = measures.work_out(*args, register=self._run.register)
        tables = [
            measures.from_ledgers(*args, register=self._run.register),
            worked.measures,
            measures.from_registers(
                engine,
                self.loaded,
                snapshots,
                [quarter],
                supervisor=self._run.supervisor_snapshot,
            ),
        ]
        return concat("measures", tables), worked.cells


def quarters_needed(quarter: Quarter, held: Iterable[str] = ()) -> list[Quarter]:
    """Return the quarter, two before it (two in a row make "behind"), and all their bases.

    With those of ``held`` up to the quarter: a case asks for the tolerance at the quarter end its
    loan was first non-performing, however long ago.
    """
    wanted = {q for q in map(Quarter.parse, held) if q <= quarter}
    for one in (quarter, quarter.previous, quarter.previous.previous):
        wanted |= {one, *one.bases.values()}
    return sorted(wanted)
