"""Measures that take more than a sum, of one quarter, all kinds together."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from puhui.engine import Engine
from puhui.measures import comparing, planning
from puhui.measures.comparing import Comparisons, from_comparisons
from puhui.measures.rows import Unit
from puhui.params import Measure, Params
from puhui.quarter import Quarter
from puhui.store import Snapshot


def work_out(
    engine: Engine,
    params: Params,
    snapshots: Sequence[Snapshot],
    quarter: Quarter,
    *,
    register: pa.Table | None = None,
) -> Comparisons:
    """Compute every measure of :mod:`puhui.params.worked` of one quarter.

    Parameters
    ----------
    snapshots
        Those of the whole county: similar loans are those of other institutions too.
    register
        ``institution_id`` and ``kind`` of institutions; who is not in it is compared with none.

    Returns
    -------
    Comparisons
        ``measures``, and beside them every cell of the comparisons.
    """
    return from_comparisons(engine, params, snapshots, quarter, register=register)


def rows_sql(params: Params, measure: Measure, quarter: Quarter, unit: Unit, limit: int) -> str:
    """SQL that lists the rows behind a unit's measure, whatever way it is had from a ledger."""
    if measure.compared is not None:
        return comparing.loans_sql(params, measure, quarter, unit, limit)
    return planning.rows_sql(params, measure, quarter, unit, limit)
