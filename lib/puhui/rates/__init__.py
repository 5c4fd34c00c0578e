"""Loan rates against the benchmark: exact least squares, identification, pricing equation."""

from puhui.rates.cli_text import to_json, to_text
from puhui.rates.identify import IdentificationRules
from puhui.rates.least_squares import Fit, fit
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
from puhui.rates.sample import PricingSpec, Sample, draw
from puhui.rates.spreads import spreads

__all__ = [
    "Fit",
    "IdentificationRules",
    "Pricing",
    "PricingSpec",
    "Sample",
    "controls_table",
    "draw",
    "equation_table",
    "exclusions_table",
    "fit",
    "gap_table",
    "identification_table",
    "moves_table",
    "notes",
    "other_equations_table",
    "price",
    "spec_from",
    "spreads",
    "strength_table",
    "to_json",
    "to_text",
]
