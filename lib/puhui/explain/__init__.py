"""How a value came about, down to the rows; and an indicator on given measures."""

from puhui.explain.given import evaluate_file
from puhui.explain.telling import explain, find

__all__ = ["evaluate_file", "explain", "find"]
