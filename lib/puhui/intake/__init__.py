"""Intake: submitted files become canonical tables, findings and quarantine."""

from puhui.intake.checks import Checks, load_checks
from puhui.intake.hashing import Hasher
from puhui.intake.layout import Layout
from puhui.intake.layout_file import load_layouts
from puhui.intake.reading import Refusal
from puhui.intake.submission import Submission, read_submission, read_supervisor

__all__ = [
    "Checks",
    "Hasher",
    "Layout",
    "Refusal",
    "Submission",
    "load_checks",
    "load_layouts",
    "read_submission",
    "read_supervisor",
]
