"""The pricing equation as plain tables and sentences in Chinese, for a notebook or a page."""

from __future__ import annotations

import pandas as pd

from puhui.rates.pricing import RUNGS, WEIGHTINGS, Pricing, Rung, formula
from puhui.rates.terms import WORDS

_STATUS = {"ok": "同向变动（非传导）", "weak": "识别弱：同向变动（非传导）", "refused": "没有结果"}
_DASH = "—"
_LOANS = "其中：组合内基准有变化的笔数"
_BANKS = "其中：组合内基准有变化的机构数"


def identification_table(p: Pricing) -> pd.DataFrame:
    """One row per benchmark value: dates, days, loans, institutions, whether it suffices.

    It suffices by the loans that can be compared: of cells that saw more than one value.
    """
    rows = [
        {
            "基准": r.benchmark,
            "水平（%）": f"{r.rate.normalize():f}",
            "起": r.date_from.isoformat(),
            "止": r.date_to.isoformat(),
            "天数": r.days,
            "贷款笔数": r.loans,
            "机构数": r.institutions,
            _LOANS: r.comparable_loans,
            _BANKS: r.comparable_institutions,
            "是否达到最低要求": "是" if r.qualifies(p.spec.rules) else "否",
        }
        for r in p.identification.regimes
    ]
    counts = ["天数", "贷款笔数", "机构数", _LOANS, _BANKS]
    columns = ["基准", "水平（%）", "起", "止", *counts, "是否达到最低要求"]
    return pd.DataFrame(rows, columns=columns)


def strength_table(p: Pricing) -> pd.DataFrame:
    """One row per rung: what is left of the benchmark and to whom and which move it is owed."""
    step = p.identification.step_trend_r2
    rows = [
        {
            "模型": r.rung,
            "扣除效应后剩余的基准变动": f"{r.variance_left:.1%}",
            "最大一次调整所占": f"{r.move_share:.1%}" if r.move_date else _DASH,
            "该次调整日期": r.move_date.isoformat() if r.move_date else _DASH,
            "最大一家机构所占": f"{r.institution_share:.1%}",
            "该机构": r.institution,
            "有效机构数": f"{r.g_star:.1f}",
            "一次台阶加趋势的R²": f"{step:.3f}" if step is not None else _DASH,
            "结论": "识别弱" if r.weak else "可识别",
        }
        for r in p.identification.rungs
    ]
    return pd.DataFrame(rows)


def equation_table(p: Pricing) -> pd.DataFrame:
    """Rungs A and B side by side, unweighted and weighted; empty where not identified."""
    rungs = [r for key in WEIGHTINGS for m in RUNGS if (r := p.rung(m, key)) is not None]
    if not rungs:
        return pd.DataFrame(columns=["项目"])
    table: dict[str, list[str]] = {"项目": _heads()}
    for rung in rungs:
        table[f"模型{rung.model}（{WEIGHTINGS[rung.weights]}）"] = _cells(rung, p)
    return pd.DataFrame(table)


def _heads() -> list[str]:
    terms = [WORDS[t] for t in ("benchmark", "trend_days")]
    per = [f"{t}：{what}" for t in terms for what in ("系数", "标准误CRV1", "标准误CRV3")]
    rest = ["最小可察觉差异", "贷款笔数", "机构数", "有效机构数", "发放利率均值（%）", "性质"]
    return [*per, *rest]


def _cells(rung: Rung, p: Pricing) -> list[str]:
    fit = rung.fit
    if fit is None:
        return [_DASH] * (len(_heads()) - 1) + [f"{_STATUS[rung.status]}：{rung.reason}"]
    cells = []
    for j in range(2):
        has = j < len(fit.terms)
        digits = 3 if j == 0 else 6
        numbers = (fit.beta[j], fit.se_crv1[j], fit.se_crv3[j]) if has else (None,) * 3
        cells += [_number(v, digits) for v in numbers]
    detectable = p.detectable(rung)
    return [
        *cells,
        _number(detectable, 3),
        str(fit.n),
        str(fit.g),
        _number(fit.g_star[0], 1),
        _number(fit.dependent_mean, 3),
        _STATUS[rung.status],
    ]


def _number(value: float | None, digits: int) -> str:
    return _DASH if value is None else f"{value:.{digits}f}"


def exclusions_table(p: Pricing) -> pd.DataFrame:
    """Rows of the ledger by what became of them; the last line adds up to all rows."""
    rows = [{"去向": reason, "行数": n} for reason, n in p.sample.left_out.items()]
    rows.append({"去向": "进入样本的贷款", "行数": p.sample.loans})
    rows.append({"去向": "合计", "行数": p.sample.rows})
    return pd.DataFrame(rows)


def notes(p: Pricing) -> list[str]:
    """Sentences of the study, then what every table rests on."""
    spec = p.spec
    alone = max((r.fit.dropped["singletons"] for r in p.rungs if r.fit is not None), default=0)
    said = list(p.sentences)
    if alone:
        said.append(f"另有{alone}笔贷款在所属效应组合中只有一笔，不参与估计。")
    said.append(
        f"窗口期{spec.window_from}至{spec.window_to}；样本{p.sample.loans}笔、"
        f"{p.sample.institutions}家机构；模型A：{formula('A', spec)}；模型B：{formula('B', spec)}。"
    )
    return said
