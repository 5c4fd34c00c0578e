"""The pricing equation as plain tables and sentences in Chinese, for a notebook or a page."""

from __future__ import annotations

from fractions import Fraction

import pandas as pd

from puhui.rates.levels import RUNGS
from puhui.rates.pricing import Pricing, formula
from puhui.rates.rungs import (
    ON_OTHER_TENOR,
    TIMELY,
    WEIGHTINGS,
    WITH_CONTROLS,
    Rung,
    WithoutMove,
    standard_error,
)
from puhui.rates.said import interval_words
from puhui.rates.terms import BENCHMARK, TREND, WORDS

_STATUS = {
    "ok": "同向变动（非传导）",
    "weak": "识别弱：同向变动（非传导）",
    "none": "没有数字",
    "refused": "没有结果",
}
VARIANTS = {
    WITH_CONTROLS: "加控制变量",
    TIMELY: "剔除调整后不久按发放日计的贷款",
    ON_OTHER_TENOR: "未写明期限品种的改用另一品种",
}
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
            "一次台阶加趋势的R²": f"{step:.3f}" if step is not None and r.rung != "C" else _DASH,
            "结论": "识别弱" if r.weak else "可识别",
        }
        for r in p.identification.rungs
    ]
    return pd.DataFrame(rows)


def gap_table(p: Pricing) -> pd.DataFrame:
    """One row per move of the gap between two tenors, which is all rung C learns from."""
    gap = p.gap
    rows = [
        {
            "期限利差": "与".join(gap.tenors) if gap else "",
            "日期": m.day.isoformat(),
            "由（百分点）": f"{m.before.normalize():f}",
            "变为（百分点）": f"{m.after.normalize():f}",
            "变动（个基点）": f"{m.change_bp.normalize():+f}",
        }
        for m in (gap.moves if gap else ())
    ]
    columns = ["期限利差", "日期", "由（百分点）", "变为（百分点）", "变动（个基点）"]
    return pd.DataFrame(rows, columns=columns)


def equation_table(p: Pricing) -> pd.DataFrame:
    """Rungs A, B and C side by side, unweighted and weighted; empty where not identified."""
    rungs = [r for key in WEIGHTINGS for m in RUNGS if (r := p.rung(m, key)) is not None]
    if not rungs:
        return pd.DataFrame(columns=["项目"])
    table: dict[str, list[str]] = {"项目": list(_HEADS)}
    for rung in rungs:
        table[f"模型{rung.model}（{WEIGHTINGS[rung.weights]}）"] = _cells(rung, p)
    return pd.DataFrame(table)


_HEADS = (
    *(f"{WORDS[BENCHMARK]}：{what}" for what in ("系数", "标准误CRV1", "标准误CRV3", "标准误CR2")),
    "95%区间",
    "p（不传导，0）",
    "p（完全传导，1）",
    "p（0，传统自助法）",
    "p（1，传统自助法）",
    "逐家剔除的系数范围",
    *(f"{WORDS[TREND]}：{what}" for what in ("系数", "标准误CRV1", "标准误CRV3")),
    "最小可察觉差异",
    "贷款笔数",
    "机构数",
    "有效机构数",
    "影响最大机构所占",
    "发放利率均值（%）",
    "性质",
)


def _cells(rung: Rung, p: Pricing) -> list[str]:
    fit = rung.fit
    if fit is None:
        return [_DASH] * (len(_HEADS) - 1) + [f"{_STATUS[rung.status]}：{rung.reason}"]
    cr2 = fit.se_cr2[0] if fit.se_cr2 is not None else None
    numbers = (fit.beta[0], fit.se_crv1[0], fit.se_crv3[0], cr2)
    at = fit.terms.index(TREND) if TREND in fit.terms else None
    trend = (fit.beta[at], fit.se_crv1[at], fit.se_crv3[at]) if at is not None else (None,) * 3
    tests = (rung.p(0), rung.p(1), rung.p(0, classic=True), rung.p(1, classic=True))
    share = fit.largest_share[0]
    return [
        *(_number(v, 3) for v in numbers),
        interval_words(rung.interval) if rung.interval else _DASH,
        *(_number(v, 3) for v in tests),
        interval_words(rung.without_one) if rung.without_one else _DASH,
        *(_number(v, 6) for v in trend),
        _number(p.detectable(rung), 3),
        str(fit.n),
        str(fit.g),
        _number(fit.g_star[0], 1),
        f"{share:.0%}" if share is not None else _DASH,
        _number(fit.dependent_mean, 3),
        _nature(rung),
    ]


def _nature(rung: Rung) -> str:
    if rung.model != "C" or rung.fit is None:
        return _STATUS[rung.status]
    return "识别弱：只列数字，不作检验" if rung.status == "weak" else "传导（由期限利差识别）"


def _number(value: float | None, digits: int) -> str:
    return _DASH if value is None else f"{value:.{digits}f}"


def other_equations_table(p: Pricing) -> pd.DataFrame:
    """The benchmark's coefficient (CRV3 error) under every variant, and without each move."""
    rows: list[dict[str, str]] = []
    for weights, words in WEIGHTINGS.items():
        for variant, name in ((None, "方程本身"), *VARIANTS.items()):
            own = {m: p.rung(m, weights, variant) for m in RUNGS}
            if any(own.values()):
                n = [str(r.fit.n) for r in own.values() if r is not None and r.fit is not None]
                shown = {f"模型{m}": _short(r) for m, r in own.items()}
                rows.append({"设定": name, "权重": words, **shown, "笔数": n[0] if n else _DASH})
        for day in dict.fromkeys(w.day for w in p.without):
            one = {w.model: w for w in p.without if (w.day, w.weights) == (day, weights)}
            shown = {f"模型{m}": _left(one.get(m)) for m in RUNGS}
            rows.append({"设定": f"不用{day}的调整", "权重": words, **shown, "笔数": _DASH})
    return pd.DataFrame(rows, columns=["设定", "权重", *(f"模型{m}" for m in RUNGS), "笔数"])


def _short(rung: Rung | None) -> str:
    if rung is None or rung.fit is None:
        return _DASH
    return _with_error(rung.fit.beta[0], standard_error(rung.fit))


def _left(w: WithoutMove | None) -> str:
    if w is None:
        return _DASH
    return w.reason if w.estimate is None else _with_error(w.estimate, w.error)


def _with_error(estimate: float, error: float | None) -> str:
    return f"{estimate:.3f}" + (f"（{error:.3f}）" if error is not None else "")


def controls_table(p: Pricing) -> pd.DataFrame:
    """Coefficients of the controls (CRV3 error), by rung and weighting."""
    table: dict[str, dict[str, str]] = {}
    for weights, words in WEIGHTINGS.items():
        for model in RUNGS:
            rung = p.rung(model, weights, WITH_CONTROLS)
            if rung is None or rung.fit is None:
                continue
            fit = rung.fit
            table[f"模型{model}（{words}）"] = {
                WORDS[term]: _with_error(fit.beta[j], fit.se_crv3[j])
                for j, term in enumerate(fit.terms)
                if term != TREND
            }
    found = pd.DataFrame(table).fillna(_DASH)
    return found.rename_axis("项目").reset_index()


def moves_table(p: Pricing) -> pd.DataFrame:
    """One row per move and benchmark: mean rates at constant mix around it, and what else was."""
    rows = [
        {
            "日期": m.day.isoformat(),
            "基准": m.benchmark,
            "调整（个基点）": f"{m.change_bp.normalize():+f}",
            "比较区间": f"{m.first}至{m.last}",
            "之前均值（%）": _percent(m.before.get("none")),
            "之后均值（%）": _percent(m.after.get("none")),
            "利率变动（个基点）": _signed(m.answer_bp()),
            "变动比": _ratio(m.ratio()),
            "变动比（按金额）": _ratio(m.ratio("amount")),
            "组合数": m.cells,
            "贷款笔数": m.loans,
            "机构数": m.institutions,
            "同期其他措施": "；".join(other.name for other in m.measures) or _DASH,
        }
        for m in p.moves
    ]
    return pd.DataFrame(rows)


def _percent(value: Fraction | None) -> str:
    return _DASH if value is None else f"{float(value):.3f}"


def _signed(value: Fraction | None) -> str:
    return _DASH if value is None else f"{float(value):+.1f}"


def _ratio(value: Fraction | None) -> str:
    return _DASH if value is None else f"{float(value):.2f}"


def exclusions_table(p: Pricing) -> pd.DataFrame:
    """Rows of the ledger by what became of them; the last line adds up to all rows."""
    rows = [{"去向": reason, "行数": n} for reason, n in p.sample.left_out.items()]
    rows.append({"去向": "进入样本的贷款", "行数": p.sample.loans})
    rows.append({"去向": "合计", "行数": p.sample.rows})
    return pd.DataFrame(rows)


def notes(p: Pricing) -> list[str]:
    """Sentences of the study, then what every table rests on."""
    spec = p.spec
    fits = [r.fit for r in p.rungs if r.variant is None and r.fit is not None]
    alone = max((fit.dropped["singletons"] for fit in fits), default=0)
    said = list(p.sentences)
    if alone:
        said.append(f"另有{alone}笔贷款在所属效应组合中只有一笔，不参与估计。")
    for variant, name in VARIANTS.items():
        rung = next((r for r in p.rungs if r.variant == variant and r.fit is not None), None)
        if rung is not None and rung.fit is not None:
            gone = rung.fit.dropped
            left = gone.get("missing", 0) + gone.get("late", 0)
            said.append(f"“{name}”另剔除{left}笔，组合中只剩一笔的有{gone['singletons']}笔。")
    formulas = "；".join(f"模型{m}：{formula(m, spec)}" for m in RUNGS)
    said.append(
        f"窗口期{spec.window_from}至{spec.window_to}；样本{p.sample.loans}笔、"
        f"{p.sample.institutions}家机构；{formulas}。"
    )
    return said
