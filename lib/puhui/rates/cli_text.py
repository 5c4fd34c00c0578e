"""What ``puhui fit`` prints: one JSON object, or a table for people."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from puhui.rates.least_squares import Fit

_STATUS = {"ok": "有检验", "no_test": "只列估计，不作检验"}
_DROPPED = {
    "missing": "缺失值",
    "zero_weight": "权重为零",
    "singletons": "效应类别只有一行",
    "effect_columns": "被其他效应涵盖的效应列",
}


def to_json(fit: Fit) -> str:
    """All fields of a fit as one JSON object; floats in full precision."""
    return json.dumps(asdict(fit), ensure_ascii=False, allow_nan=False)


def to_text(fit: Fit) -> str:
    """Lay out a fit for a terminal: one line per term, then counts and reasons."""
    none = [None] * len(fit.terms)
    columns: dict[str, Sequence[float | None]] = {
        "系数": fit.beta,
        "经典标准误": fit.se_ols,
        "CRV1": fit.se_crv1,
        "CRV3": fit.se_crv3,
        "CR2": fit.se_cr2 or none,
        "t": fit.t,
        "df": fit.df,
        "p（CRV1）": fit.p_crv1,
        "p（自助法）": fit.p_boot or none,
        "p（经典自助法）": fit.p_boot_classic or none,
        "G*": fit.g_star,
    }
    heads = ["项", *columns, "95%区间（自助法）"]
    spans = fit.ci or none
    rows = [
        [term, *(_shown(column[j]) for column in columns.values()), _span(spans[j])]
        for j, term in enumerate(fit.terms)
    ]
    left_out = "，".join(f"{_DROPPED[k]} {v}" for k, v in fit.dropped.items() if v) or "无"
    clusters = f"{fit.g} 个聚类" if fit.g is not None else "未聚类"
    notes = [
        f"{fit.n} 行，{clusters}，残差标准差 {_shown(fit.residual_sd)}，R² {_shown(fit.r2)}",
        f"剔除：{left_out}",
        f"状态：{_STATUS[fit.status]}。{fit.reason}",
    ]
    return "\n".join([*_aligned([heads, *rows]), "", *notes])


def _shown(value: float | None) -> str:
    if value is None:
        return "—"
    return str(value) if isinstance(value, int) else f"{value:.10g}"


def _span(ends: tuple[float | None, float | None] | None) -> str:
    if ends is None:
        return "—"
    low, high = ("无界" if end is None else f"{end:.6g}" for end in ends)
    return f"{low} 至 {high}"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Pad columns by display width, Chinese characters counting two."""
    widths = [max(_width(row[j]) for row in rows) for j in range(len(rows[0]))]
    return [
        "  ".join(cell + " " * (w - _width(cell)) for cell, w in zip(row, widths, strict=True))
        .rstrip()
        for row in rows
    ]  # fmt: skip


def _width(text: str) -> int:
    return sum(2 if ord(c) >= 0x2E80 else 1 for c in text)
