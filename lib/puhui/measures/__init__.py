"""Measures: named aggregates by institution and branch, by every way they can be had.

From ledgers, one quarter is two scans whatever the number of measures; from returns, a
measure is an exact formula over filed items; registers are added up and answers read;
loans are compared with similar ones cell by cell, fees taken by the year, waits ranked.
Values are DECIMAL(38,8); a value that cannot be had is null and ``reason`` says which table
or column is missing. Missing is never zero.
"""

from puhui.measures.charging import from_charges
from puhui.measures.comparing import CELLS, Comparisons, from_comparisons
from puhui.measures.ledger import from_ledgers
from puhui.measures.planning import Plan, customers_sql, plan, sums_sql
from puhui.measures.ranking import from_ranks
from puhui.measures.reconciling import reconcile
from puhui.measures.registers import from_registers
from puhui.measures.returns import from_returns
from puhui.measures.rows import (
    ANSWERED,
    LEDGER,
    MISSING_COLUMNS,
    REGISTER,
    RETURNS,
    MeasureKey,
    MeasureRow,
    MeasureRows,
    exact_decimal,
)
from puhui.measures.worked import rows_sql, work_out

__all__ = [
    "ANSWERED",
    "CELLS",
    "LEDGER",
    "MISSING_COLUMNS",
    "REGISTER",
    "RETURNS",
    "Comparisons",
    "MeasureKey",
    "MeasureRow",
    "MeasureRows",
    "Plan",
    "customers_sql",
    "exact_decimal",
    "from_charges",
    "from_comparisons",
    "from_ledgers",
    "from_ranks",
    "from_registers",
    "from_returns",
    "plan",
    "reconcile",
    "rows_sql",
    "sums_sql",
    "work_out",
]
