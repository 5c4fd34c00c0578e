"""Indicators: exact formulas over measures, and verdicts on exact fractions."""

from puhui.indicators.evaluation import SOURCE_WORDS, Bench, Evaluation, Facts, evaluate
from puhui.indicators.judging import judge, parts_table, result_row, result_table

__all__ = [
    "SOURCE_WORDS",
    "Bench",
    "Evaluation",
    "Facts",
    "evaluate",
    "judge",
    "parts_table",
    "result_row",
    "result_table",
]
