"""Measures that take more than a sum, of one quarter, all kinds together."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from puhui.engine import Engine
from puhui.measures import charging, comparing, planning
from puhui.measures.charging import from_charges
from puhui.measures.comparing import Comparisons, from_comparisons
from puhui.measures.ranking import from_ranks
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
    compared = from_comparisons(engine, params, snapshots, quarter, register=register)
    charged = from_charges(engine, params, snapshots, quarter)
    ranked = from_ranks(engine, params, snapshots, quarter)
    measures = pa.concat_tables([compared.measures, charged, ranked])
    return Comparisons(measures, compared.cells)


def rows_sql(params: Params, measure: Measure, quarter: Quarter, unit: Unit, limit: int) -> str:
    """SQL that lists the rows behind a unit's measure, whatever way it is had from a ledger."""
    if measure.compared is not None:
        return comparing.loans_sql(params, measure, quarter, unit, limit)
    if measure.charged is not None:
        return charging.fees_sql(params, measure, quarter, unit, limit)
    return planning.rows_sql(params, measure, quarter, unit, limit)
