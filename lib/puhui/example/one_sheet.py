"""The one-sheet quarterly of a small institution."""

from __future__ import annotations

from typing import Any

from puhui.example.files import Sheets
from puhui.example.fill_in import cover
from puhui.example.village import COLUMNS, FIGURES

SHEET = "季度情况表"


def sheet(institution_id: str, name: str, quarter: str) -> bytes:
    """Make the file 季度情况表.xlsx: title, who files, then items over four dates."""
    grid: list[list[Any]] = [["小微企业金融服务季度情况表"]]
    grid += [list(pair) for pair in cover(institution_id, name, quarter)]
    grid.append(["项目代码", "项目", "单位", *COLUMNS])
    header = len(grid) - 1
    grid += [[item, wording, unit, *values] for item, wording, unit, values in FIGURES]
    sheets = Sheets()
    sheets.add(SHEET, grid, (0, header))
    return sheets.content()
