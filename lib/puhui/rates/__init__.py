"""Loan rates against the benchmark: exact least squares, identification, pricing equation."""

from puhui.rates.cli_text import to_json, to_text
from puhui.rates.constant_mix import stability_table
from puhui.rates.contracts import ContractCheck, check_contracts
from puhui.rates.decomposition import BASES, Comparison, cell_sums, comparison, decompose_units
from puhui.rates.dynamic import dynamics
from puhui.rates.filed_path import filed_paths, regression
from puhui.rates.identify import IdentificationRules
from puhui.rates.least_squares import Fit, fit
from puhui.rates.month_means import by_month
from puhui.rates.onlending import placebo_ranks
from puhui.rates.plan import spec_from
from puhui.rates.pricing import Pricing, price
from puhui.rates.report import (
    controls_table,
    equation_table,
    exclusions_table,
    gap_table,
    identification_table,
    moves_table,
    notes,
    other_equations_table,
    strength_table,
)
from puhui.rates.report_institutions import dynamics_table, filed_table, slopes_table
from puhui.rates.sample import PricingSpec, Sample, draw
from puhui.rates.slopes import slopes
from puhui.rates.spreads import spreads
from puhui.rates.unusual import Review, review

__all__ = [
    "BASES",
    "Comparison",
    "ContractCheck",
    "Fit",
    "IdentificationRules",
    "Pricing",
    "PricingSpec",
    "Review",
    "Sample",
    "by_month",
    "cell_sums",
    "check_contracts",
    "comparison",
    "controls_table",
    "decompose_units",
    "draw",
    "dynamics",
    "dynamics_table",
    "equation_table",
    "exclusions_table",
    "filed_paths",
    "filed_table",
    "fit",
    "gap_table",
    "identification_table",
    "moves_table",
    "notes",
    "other_equations_table",
    "placebo_ranks",
    "price",
    "regression",
    "review",
    "slopes",
    "slopes_table",
    "spec_from",
    "spreads",
    "stability_table",
    "strength_table",
    "to_json",
    "to_text",
]
