"""NPL tolerance now; outlook and exemption from a later version."""

from puhui.eligibility.headroom import Book, Headroom, headroom
from puhui.eligibility.tolerance import TOLERANCE, history_table, supposing, tolerance_table
from puhui.eligibility.whatif import Change, Supposed, whatif
from puhui.eligibility.whatif import lines as whatif_lines

__all__ = [
    "TOLERANCE",
    "Book",
    "Change",
    "Headroom",
    "Supposed",
    "headroom",
    "history_table",
    "supposing",
    "tolerance_table",
    "whatif",
    "whatif_lines",
]
