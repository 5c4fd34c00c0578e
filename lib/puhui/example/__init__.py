"""An invented county to run, learn from and test on, with its own exact answers.

``small(seed)`` makes three institutions for 2020Q4 and 2021Q4: a rural commercial bank
with a fill-in workbook, a large bank's branch with an EAST-layout extract, a village bank
with the one-sheet quarterly. Nothing here imports what is under test.
"""

from puhui.example.county import Example, small

__all__ = ["Example", "small"]
