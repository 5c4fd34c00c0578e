"""Indicators: exact formulas over measures, and verdicts on exact fractions."""

from puhui.indicators.answers import Answers
from puhui.indicators.clauses import OVERALL, clauses_table
from puhui.indicators.evaluation import SOURCE_WORDS, Bench, Evaluation, Facts, evaluate
from puhui.indicators.judging import parts_table, result_row, result_table
from puhui.indicators.totals import COUNTY, totals_table
from puhui.indicators.verdicts import judge

__all__ = [
    "COUNTY",
    "OVERALL",
    "SOURCE_WORDS",
    "Answers",
    "Bench",
    "Evaluation",
    "Facts",
    "clauses_table",
    "evaluate",
    "judge",
    "parts_table",
    "result_row",
    "result_table",
    "totals_table",
]
