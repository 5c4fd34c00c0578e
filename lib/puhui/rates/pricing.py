"""Pricing equation, rungs A and B, from one scan of the sample; identification comes first.

A: rate on benchmark within cells of institution and effects, as it stands (co-movement).
B: with a linear trend in days. Neither is a pass-through: institutions share the benchmark's few
moves with whatever else those months brought.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from fractions import Fraction

from puhui.engine.duckdb import DuckDBEngine
from puhui.errors import FitError
from puhui.rates.identify import (
    Identification,
    RungReport,
    best_step,
    move_columns,
    report,
    shares_of_moves,
    variation,
    verdict_before_fit,
    verdict_within_cells,
)
from puhui.rates.least_squares import Fit, summarise
from puhui.rates.moments import Moments
from puhui.rates.placing import Placed, cell_sums, level_moments, place, rung_moments
from puhui.rates.sample import RATE_SCALE, PricingSpec, Sample, drawn
from puhui.rates.solve import Solution, solve
from puhui.rates.terms import BENCHMARK, OUTCOME, TREND
from puhui.results import twelve_digits

RUNGS = ("A", "B")
#: Weightings and their words.
WEIGHTINGS = {"none": "不加权", "amount": "按发放金额加权"}


@dataclass(frozen=True)
class Rung:
    """One fitted equation and how it may be read; A and B carry no test of their coefficient."""

    model: str
    weights: str
    fit: Fit | None
    status: str  # ok, weak or refused
    reason: str


@dataclass(frozen=True)
class Pricing:
    """Sample, identification, rungs A and B (none if not identified) and what to say of them."""

    spec: PricingSpec
    sample: Sample
    identification: Identification
    rungs: tuple[Rung, ...]
    sentences: tuple[str, ...]

    def rung(self, model: str, weights: str = "none") -> Rung | None:
        """One of the fitted equations."""
        return next((r for r in self.rungs if (r.model, r.weights) == (model, weights)), None)

    def detectable(self, rung: Rung) -> float | None:
        """Smallest detectable difference of a rung's benchmark coefficient."""
        error = standard_error(rung.fit) if rung.fit is not None else None
        return None if error is None else float(self.spec.rules.detectable_se_multiple) * error

    def rows(self) -> dict[str, list[dict[str, object]]]:
        """Rows for the result tables ``regressions`` and ``identification``."""
        return {"regressions": self._regressions(), "identification": self._identification()}

    def _regressions(self) -> list[dict[str, object]]:
        rows: list[dict[str, object]] = []
        for model in RUNGS:
            for weights in WEIGHTINGS:
                base: dict[str, object] = {
                    "quarter": self.spec.quarter,
                    "institution_id": self.spec.institution_id,
                    "model": model,
                    "scope": self.spec.scope,
                    "window_from": self.spec.window_from.isoformat(),
                    "window_to": self.spec.window_to.isoformat(),
                    "formula": formula(model, self.spec),
                    "weights": weights,
                    "n": self.sample.loans,
                    "clusters": self.sample.institutions,
                }
                rung = self.rung(model, weights)
                if rung is None:
                    why = self.identification.sentence
                    rows.append({**base, "term": BENCHMARK, "status": "none", "reason": why})
                    continue
                rows += [{**base, **row} for row in _term_rows(rung)]
        return rows

    def _identification(self) -> list[dict[str, object]]:
        return [
            {
                "quarter": self.spec.quarter,
                "benchmark": r.benchmark,
                "window_from": self.spec.window_from.isoformat(),
                "window_to": self.spec.window_to.isoformat(),
                "regime": r.number,
                "date_from": r.date_from.isoformat(),
                "date_to": r.date_to.isoformat(),
                "rate": float(r.rate),
                "days": r.days,
                "loans": r.loans,
                "institutions": r.institutions,
            }
            for r in self.identification.regimes
        ]


def _term_rows(rung: Rung) -> list[dict[str, object]]:
    fit = rung.fit
    if fit is None:
        return [{"term": BENCHMARK, "status": rung.status, "reason": rung.reason}]
    return [
        {
            "term": term,
            "estimate": twelve_digits(fit.beta[j]),
            "se_crv1": twelve_digits(fit.se_crv1[j]),
            "se_crv3": twelve_digits(fit.se_crv3[j]),
            "n": fit.n,
            "clusters": fit.g,
            "g_star": twelve_digits(fit.g_star[j]),
            "dependent_mean": twelve_digits(fit.dependent_mean),
            "status": rung.status,
            "reason": rung.reason,
        }
        for j, term in enumerate(fit.terms)
    ]


def formula(model: str, spec: PricingSpec) -> str:
    """Formula of a rung as shown under every table."""
    cell = " × ".join(dict.fromkeys(["institution_id", *spec.effects]))
    trend = f" + {TREND}" if model == "B" else ""
    return f"{OUTCOME} ~ {BENCHMARK}{trend} | {cell}"


def price(
    engine: DuckDBEngine, relation: str, spec: PricingSpec, *, sample: Sample | None = None
) -> Pricing:
    """Estimate rungs A and B of the pricing equation on a relation of loan facts.

    Identification is settled first: where the window does not identify the coefficient, no
    number is computed and the sentence says why, with dates and loans per benchmark value.

    Parameters
    ----------
    relation
        One row per loan and snapshot, as :func:`puhui.derive.loan_facts` makes it.
    sample
        What :func:`puhui.rates.draw` drew last on this engine, by the same relation and
        specification; drawn here if not given.

    Raises
    ------
    FitError
        An effect column is missing, the benchmark's path contradicts the loans, or the sample
        given is another one.
    """
    sample = drawn(engine, relation, spec, sample)
    placed = place(engine, spec, sample.loans)
    found = placed.regimes if placed else ()
    why = verdict_before_fit(found, sample.institutions, sample.loans, spec.label, spec.rules)
    if why is None and placed is not None:
        alone = placed.sums.singletons
        why = verdict_within_cells(found, placed.used, alone, spec.label, spec.rules)
    if why is None and placed is not None:
        path = placed.path
        wide = level_moments(placed.sums, path, move_columns(path, RATE_SCALE))
        step = best_step(wide, path)
        if step is not None:
            weighted = level_moments(cell_sums(engine, sample.loans, weighted=True), path, {})
            return _fitted(spec, sample, placed, {"none": wide, "amount": weighted}, step)
        why = f"不能识别：窗口期内{spec.label}没有调整，不列数字。"
    told = why or f"没有可用的贷款，不能估计利率与{spec.label}的关系。"
    return Pricing(spec, sample, Identification("none", told, found, None, None, ()), (), (told,))


def _fitted(
    spec: PricingSpec,
    sample: Sample,
    placed: Placed,
    moments: dict[str, Moments],
    step: tuple[Fraction, dt.date],
) -> Pricing:
    reports, rungs = [], []
    total = variation(placed.sums, placed.path, RATE_SCALE)
    for model in RUNGS:
        shares = shares_of_moves(moments["none"], placed.path, trend=model == "B")
        own = {key: rung_moments(m, model) for key, m in moments.items()}
        try:
            solved = {key: solve(m, centred=True) for key, m in own.items()}
        except FitError as error:
            rungs += [Rung(model, key, None, "refused", error.message) for key in WEIGHTINGS]
            continue
        told = report(
            model, own["none"], solved["none"], total, shares, step, spec.label, spec.rules
        )
        reports.append(told)
        rungs += [_rung(model, key, own[key], solved[key], told, spec) for key in WEIGHTINGS]
    outcome = "weak" if any(r.weak for r in reports) else "ok"
    sentence = "".join(f"模型{r.rung}：{r.sentence}" for r in reports)
    identified = Identification(
        outcome, sentence, placed.regimes, float(step[0]), step[1], tuple(reports)
    )
    return Pricing(spec, sample, identified, tuple(rungs), tuple(_sentences(spec, rungs, sentence)))


def _rung(
    model: str, key: str, m: Moments, s: Solution, told: RungReport, spec: PricingSpec
) -> Rung:
    fitted = summarise(
        m, s, count_absorbed=spec.count_absorbed, dropped={"singletons": m.singletons}
    )
    k = len(fitted.terms)
    fitted = replace(fitted, t=[None] * k, df=[None] * k, p_crv1=[None] * k, status="no_test")
    lost = [part for part in fitted.reason.rstrip("。").split("；") if "没有 CRV3" in part]
    reason = "；".join([f"与{spec.label}的同向变动（非传导）", *lost, told.sentence])
    return Rung(model, key, fitted, "weak" if told.weak else "ok", reason)


def _sentences(spec: PricingSpec, rungs: list[Rung], identified: str) -> list[str]:
    """What a reader is told beside the table; A and B are never called pass-through."""
    said = [identified]
    for rung in rungs:
        words = f"模型{rung.model}（{WEIGHTINGS[rung.weights]}）"
        if rung.fit is None:
            said.append(f"{words}没有结果：{rung.reason}")
            continue
        error = standard_error(rung.fit)
        smallest = (
            f"，标准误{error:.3f}，小于{float(spec.rules.detectable_se_multiple) * error:.2f}的差异"
            f"无法察觉"
            if error is not None
            else "，没有可用的标准误"
        )
        beta = rung.fit.beta[0]
        said.append(
            f"{words}：{spec.label}高1个百分点的时段，同类贷款利率相应"
            f"{'低' if beta < 0 else '高'}{abs(beta):.3f}个百分点{smallest}。"
            f"这是与{spec.label}的同向变动，不是传导。"
        )
    said += [
        f"模型A与模型B（{WEIGHTINGS[key]}）相差超过2个标准误：这些月份的其他原因与{spec.label}分不开。"
        for key in WEIGHTINGS
        if _apart(rungs, key)
    ]
    said.append("标准误只反映机构之间的不确定性，以这些月份为既定；各机构共同的月度冲击不在其内。")
    return said


def standard_error(fit: Fit) -> float | None:
    """CRV3 error of the benchmark's coefficient; CRV1 where a refit loses it."""
    return fit.se_crv3[0] if fit.se_crv3[0] is not None else fit.se_crv1[0]


def _apart(rungs: list[Rung], key: str) -> bool:
    """Whether A and B differ by more than two of the larger standard error."""
    fits = [r.fit for r in rungs if r.weights == key and r.fit is not None]
    errors = [e for e in map(standard_error, fits) if e is not None]
    if len(fits) < len(RUNGS) or not errors:
        return False
    return abs(fits[0].beta[0] - fits[1].beta[0]) > 2 * max(errors)
