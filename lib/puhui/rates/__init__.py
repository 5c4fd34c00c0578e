"""Loan rates against the benchmark: exact least squares, identification, pricing equation."""

from puhui.rates.cli_text import to_json, to_text
from puhui.rates.identify import IdentificationRules
from puhui.rates.least_squares import Fit, fit
from puhui.rates.pricing import Pricing, price
from puhui.rates.sample import PricingSpec

__all__ = [
    "Fit",
    "IdentificationRules",
    "Pricing",
    "PricingSpec",
    "fit",
    "price",
    "to_json",
    "to_text",
]
