"""What a reader is told of the pricing equation, in Chinese; A and B are no pass-through."""

from __future__ import annotations

from collections.abc import Sequence

from puhui.rates.gap import Gap, gap_words
from puhui.rates.identify import Identification
from puhui.rates.rungs import (
    ON_OTHER_TENOR,
    TIMELY,
    WEIGHTINGS,
    WITH_CONTROLS,
    Rung,
    standard_error,
)
from puhui.rates.sample import PricingSpec, Sample

_VARIANTS = {
    WITH_CONTROLS: "，加控制变量",
    TIMELY: "，剔除调整后不久发放的贷款",
    ON_OTHER_TENOR: "，未写明期限品种的改用另一品种",
}
#: What p must fall below for a value to be told apart from.
LEVEL = 0.05


def sentences(
    spec: PricingSpec,
    sample: Sample,
    rungs: Sequence[Rung],
    identified: Identification,
    gap: Gap,
    late: int,
    lost_controls: Sequence[tuple[str, str]],
) -> tuple[str, ...]:
    """Identification first, then each equation, then what holds for all of them."""
    said = [identified.sentence]
    main = [r for r in rungs if r.variant is None]
    if any(r.model == "C" and r.fit is not None for r in main):
        said.append(f"模型C：{gap_words(gap)}")
    said += [_of(rung, spec) for rung in main]
    said += _apart(main, spec)
    if sample.beside:
        said.append(
            f"{sample.beside}笔贷款的合同没有写明期限品种，另一品种也可适用，"
            f"另列改用另一品种的结果。"
        )
    if sample.by_drawdown:
        said.append(
            f"{sample.by_drawdown}笔贷款没有定价日期，按发放日取{spec.label}；其中{late}笔在"
            f"调整后{spec.late_days}天内发放，可能在调整前已定价"
            + ("，另列剔除这些贷款的结果。" if late else "。")
        )
    if lost_controls:
        told = "；".join(f"{name}：{why.rstrip('。')}" for name, why in lost_controls)
        said.append(f"未用的控制变量：{told}。")
    said.append("标准误只反映机构之间的不确定性，以这些月份为既定；各机构共同的月度冲击不在其内。")
    return tuple(said)


def named(rung: Rung) -> str:
    """Name an equation: model, weighting and variant."""
    return f"模型{rung.model}（{WEIGHTINGS[rung.weights]}{_VARIANTS.get(rung.variant or '', '')}）"


def _of(rung: Rung, spec: PricingSpec) -> str:
    if rung.fit is None:
        verb = "没有数字" if rung.status == "none" else "没有结果"
        return f"{named(rung)}{verb}：{rung.reason}"
    error = standard_error(rung.fit)
    smallest = (
        f"，标准误{error:.3f}，小于{float(spec.rules.detectable_se_multiple) * error:.2f}的差异"
        f"无法察觉"
        if error is not None
        else "，没有可用的标准误"
    )
    beta = rung.fit.beta[0]
    if rung.model == "C":
        return _of_c(rung, spec, beta, smallest)
    return (
        f"{named(rung)}：{spec.label}高1个百分点的时段，同类贷款利率相应"
        f"{'低' if beta < 0 else '高'}{abs(beta):.3f}个百分点{smallest}。"
        f"这是与{spec.label}的同向变动，不是传导。"
    )


def _of_c(rung: Rung, spec: PricingSpec, beta: float, smallest: str) -> str:
    between = f"，95%区间{interval_words(rung.interval)}" if rung.interval else ""
    verdict = "识别弱，只列数字，不作检验。" if rung.status == "weak" else compared(rung)
    return (
        f"{named(rung)}：{spec.label}每变动1个百分点，贷款利率"
        f"{'反向' if beta < 0 else '随之'}变动{abs(beta):.3f}个百分点{between}{smallest}。{verdict}"
        "前提是其他原因对两个期限品种的影响相同。"
    )


def interval_words(interval: tuple[float | None, float | None]) -> str:
    """Ends of an interval; an end past 50 standard errors is no end."""
    low, high = ("无界" if v is None else f"{v:.2f}" for v in interval)
    return f"{low}至{high}"


def compared(rung: Rung) -> str:
    """Say which of no pass-through (0) and full pass-through (1) the data can tell it from."""
    said = []
    for null, words in ((0, "0（不传导）"), (1, "1（完全传导）")):
        p = rung.p(null)
        if p is not None:
            told = f"可与{words}区分" if p < LEVEL else f"不能与{words}区分"
            said.append(f"{told}（p={p:.3f}）")
    return "，".join(said) + "。" if said else "未作检验。"


def _apart(rungs: Sequence[Rung], spec: PricingSpec) -> list[str]:
    """Where A and B differ by more than two of the larger standard error."""
    said = []
    for key, words in WEIGHTINGS.items():
        fits = [r.fit for r in rungs if r.weights == key and r.model in "AB" and r.fit is not None]
        errors = [e for e in map(standard_error, fits) if e is not None]
        if len(fits) == 2 and errors and abs(fits[0].beta[0] - fits[1].beta[0]) > 2 * max(errors):
            said.append(
                f"模型A与模型B（{words}）相差超过2个标准误：这些月份的其他原因与{spec.label}分不开。"
            )
    return said
