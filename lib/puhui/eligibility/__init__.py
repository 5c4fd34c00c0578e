"""NPL tolerance now; outlook and exemption from a later version."""

from puhui.eligibility.tolerance import TOLERANCE, tolerance_table

__all__ = ["TOLERANCE", "tolerance_table"]
