"""Slopes, dynamics and filed paths as plain tables in Chinese, for a notebook."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from puhui.rates.dynamic import Dynamics, LongRun
from puhui.rates.filed_path import Point
from puhui.rates.slopes import Slopes

_DASH = "—"
_EQUATIONS = {"lags": "滞后项之和", "correction": "误差修正式"}


def slopes_table(s: Slopes) -> pd.DataFrame:
    """One row per institution: loans, regimes, own slope, interval or why not, shrunken slope."""
    rows = [
        {
            "机构": r.institution,
            "贷款笔数": r.loans,
            "基准不变期": r.regimes,
            "斜率": _number(r.own, 3),
            "标准误": _number(r.error, 3),
            "95%区间": _DASH if r.low is None else f"{r.low:.2f}至{r.high:.2f}",
            "收缩后": _number(r.shrunken, 3),
            "说明": r.reason,
        }
        for r in s.rows
    ]
    columns = [
        "机构", "贷款笔数", "基准不变期", "斜率", "标准误", "95%区间", "收缩后", "说明",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def dynamics_table(d: Dynamics) -> pd.DataFrame:
    """One row per equation that has a number; empty where the sentence says why there is none."""
    rows = [_equation(found) for found in (d.lags, d.correction) if found is not None]
    columns = [
        "方程", "长期系数", "标准误CRV1", "标准误CRV3", "当月", "每月弥合", "机构月数", "机构数",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def _equation(found: LongRun) -> dict[str, object]:
    return {
        "方程": _EQUATIONS[found.kind],
        "长期系数": _number(found.estimate, 3),
        "标准误CRV1": _number(found.se_crv1, 3),
        "标准误CRV3": _number(found.se_crv3, 3),
        "当月": _number(found.first, 3),
        "每月弥合": _DASH if found.speed is None else f"{found.speed:.1%}",
        "机构月数": found.rows,
        "机构数": found.institutions,
    }


def filed_table(points: Sequence[Point], words: dict[str, str]) -> pd.DataFrame:
    """Spread in basis points, one row per institution and kind, one column per quarter.

    Parameters
    ----------
    points
        A spread path.
    words
        Kind → what a reader calls it.
    """
    quarters = sorted({p.quarter for p in points})
    cells: dict[tuple[str, str], dict[str, str]] = {}
    for p in points:
        kind = words.get(p.kind or "", p.kind or _DASH)
        own = cells.setdefault((kind, p.institution or "合计"), {})
        own[str(p.quarter)] = _number(None if p.spread_bp is None else float(p.spread_bp), 1)
    rows = [
        {"类别": kind, "机构": who, **{str(q): own.get(str(q), _DASH) for q in quarters}}
        for (kind, who), own in sorted(cells.items())
    ]
    return pd.DataFrame(rows, columns=["类别", "机构", *map(str, quarters)])


def _number(value: float | None, digits: int) -> str:
    return _DASH if value is None else f"{value:.{digits}f}"
