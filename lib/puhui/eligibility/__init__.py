"""NPL tolerance, its outlook, and who fits the conditions for exemption."""

from puhui.eligibility.exemption import Decision, Given, decide, rederive
from puhui.eligibility.exemption_files import decide_file, suppose, written
from puhui.eligibility.exemption_table import LEADS, PRACTICE, exemption_tables
from puhui.eligibility.headroom import Book, Headroom, headroom
from puhui.eligibility.outlook import Outlook, county_outlook, migration_table
from puhui.eligibility.tolerance import TOLERANCE, history_table, supposing, tolerance_table
from puhui.eligibility.whatif import Change, Supposed, whatif
from puhui.eligibility.whatif import lines as whatif_lines

__all__ = [
    "LEADS",
    "PRACTICE",
    "TOLERANCE",
    "Book",
    "Change",
    "Decision",
    "Given",
    "Headroom",
    "Outlook",
    "Supposed",
    "county_outlook",
    "decide",
    "decide_file",
    "exemption_tables",
    "headroom",
    "history_table",
    "migration_table",
    "rederive",
    "suppose",
    "supposing",
    "tolerance_table",
    "whatif",
    "whatif_lines",
    "written",
]
