"""What an analyst may edit: expressions, policy, measures, indicators, benchmarks, runs."""

from puhui.params.benchmarks import Series
from puhui.params.expression import Expression, NoData, Value, literal_sql
from puhui.params.indicator import Clause, Indicator, Part
from puhui.params.loading import Params, load
from puhui.params.policy import Policy, PolicyOn
from puhui.params.rows import Derived, Ledger, Measure
from puhui.params.run import Run

__all__ = [
    "Clause",
    "Derived",
    "Expression",
    "Indicator",
    "Ledger",
    "Measure",
    "NoData",
    "Params",
    "Part",
    "Policy",
    "PolicyOn",
    "Run",
    "Series",
    "Value",
    "literal_sql",
    "load",
]
