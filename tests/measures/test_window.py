"""Measures over the window of rates: from its first day, and by one scope."""

from __future__ import annotations

from puhui.derive import RowContext
from puhui.params import load
from puhui.quarter import Quarter
from vocabulary import PARAMS, County

# The limit of the real loans' policy is 5,000,000; their window begins on 2009-10-01.
LOANS = """
loan_id amount  drawn_on   closure     written_off_amount status
IN      5000000 2009-10-01 written_off 300                written_off
LATE    1000    2017-12-31 written_off 20                 written_off
KEPT    2000    2012-05-01 -           -                  normal
PAID    3000    2012-05-01 settled     -                  settled
ABOVE   5000001 2012-05-01 written_off 7000               written_off
BEFORE  1000    2009-09-30 written_off 9                  written_off
"""


def test_the_window_begins_where_the_run_file_says():
    context = RowContext(load(PARAMS / "sba7a"), Quarter.parse("2018Q1"))
    assert context.resolve("period", "window_start") == "DATE '2009-10-01'"
    county = RowContext(load(PARAMS), Quarter.parse("2021Q4"))
    assert county.resolve("period", "window_start") == "DATE '2019-10-01'"
    assert load(PARAMS).label("period", "window_start") == "利率样本期首日"


def test_what_was_written_off_has_the_scope_of_what_was_drawn(tmp_path):
    county = County(tmp_path, params_folder=PARAMS / "sba7a")
    county.with_loans("2018Q1", "HCNS0001", LOANS)
    found = {
        row["measure_id"]: int(row["value"])
        for row in county.measures("2018Q1").to_pylist()
        if row["measure_id"].startswith("window_")
        and row["branch_id"] is None
        and row["value"] is not None
    }
    del found["window_interest"]
    assert found == {
        "window_drawn": 5_006_000,
        "window_loans": 4,
        "window_written_off": 320,
        "window_written_off_loans": 2,
    }
