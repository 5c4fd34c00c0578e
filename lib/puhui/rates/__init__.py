"""Loan rates against the benchmark: exact least squares, identification, pricing equation."""

from puhui.rates.least_squares import Fit, fit

__all__ = ["Fit", "fit"]
