"""What institutions do about each clause of the notice, and the registers that show it."""

from puhui.example.conduct.catalogue import CLAUSES, applies
from puhui.example.conduct.forms import NOT_SENT, OMITTED
from puhui.example.conduct.judging import overall, situations
from puhui.example.conduct.office import supervisor
from puhui.example.conduct.registers import registers
from puhui.example.conduct.situations import situation_row, verdict_of
from puhui.example.conduct.steering import DEARER, steer

__all__ = [
    "CLAUSES",
    "DEARER",
    "NOT_SENT",
    "OMITTED",
    "applies",
    "overall",
    "registers",
    "situation_row",
    "situations",
    "steer",
    "supervisor",
    "verdict_of",
]
