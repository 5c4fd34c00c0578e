"""Loan rates against the benchmark: exact least squares, identification, pricing equation."""

from puhui.rates.cli_text import to_json, to_text
from puhui.rates.identify import IdentificationRules
from puhui.rates.least_squares import Fit, fit
from puhui.rates.plan import spec_from
from puhui.rates.pricing import Pricing, price
from puhui.rates.report import (
    equation_table,
    exclusions_table,
    identification_table,
    notes,
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
    "draw",
    "equation_table",
    "exclusions_table",
    "fit",
    "identification_table",
    "notes",
    "price",
    "spec_from",
    "spreads",
    "strength_table",
    "to_json",
    "to_text",
]
