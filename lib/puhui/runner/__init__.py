"""Running a quarter: submissions in, pages out."""

from puhui.runner.opening import open_run
from puhui.runner.quarterly import Event, Outcome, Request, check_quarter, run_quarter

__all__ = ["Event", "Outcome", "Request", "check_quarter", "open_run", "run_quarter"]
