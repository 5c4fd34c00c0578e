"""Returns as a list of item codes and values: what a reporting system exports as CSV."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from puhui.errors import RunError
from puhui.example.writers import cells
from puhui.example.writers.filing import Filing, Place, Places

FILE = "1104_报表数据.csv"
HEADER = ("报表项目代码", "项目名称", "数值", "单位")
_ABOVE = 4


def item_list(filing: Filing, names: Mapping[str, str]) -> dict[str, bytes]:
    """Make 1104_报表数据.csv in GBK from ``returns``.

    Parameters
    ----------
    names
        Wording of the items; one that is not there is left blank.

    Raises
    ------
    RunError
        A figure is of another day than the quarter's end, restated, or of a branch: the list
        has no column to say so.
    """
    data = filing.tables["returns"]
    _refuse_others(filing, data)
    text = {
        name: cells.overlaid(_text(data, name), filing, "returns", name)
        for name in ("item", "value", "unit")
    }
    wording = [names.get(item) for item in text["item"].to_pylist()]
    rows = zip(
        text["item"].to_pylist(),
        wording,
        text["value"].to_pylist(),
        text["unit"].to_pylist(),
        strict=True,
    )
    above = [["1104报表数据（样例）"], ["机构编号", filing.institution_id]]
    above += [["报告期", str(filing.quarter)], list(HEADER)]
    return {FILE: cells.csv_bytes([*above, *rows], "gbk")}


def places(filing: Filing) -> Places:
    """Where each row of ``returns`` stands."""
    count = filing.tables["returns"].num_rows
    return Places({"returns": [Place(FILE, None, _ABOVE + 1 + i) for i in range(count)]})


def _text(data: pa.Table, name: str) -> pa.Array:
    is_figure = name == "value"
    return cells.trimmed(cells.figures(data)) if is_figure else cells.plain_array(data[name])


def _refuse_others(filing: Filing, data: pa.Table) -> None:
    wanted = {"as_of": pa.scalar(filing.quarter.end), "basis": pa.scalar("as_filed")}
    fits = all(pc.all(pc.equal(data[name], value)).as_py() for name, value in wanted.items())
    of_branch = "branch_id" in data.column_names and data["branch_id"].null_count < data.num_rows
    if data.num_rows and (not fits or of_branch):
        raise RunError(
            "报表数据清单只写得下本机构本季末的当期报送数。",
            remedy="请去掉其他日期、重述和网点的数。",
        )
