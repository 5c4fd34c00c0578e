"""Pricing equation, rungs A, B and C, from scans of the sample; identification comes first.

A: rate on benchmark within cells of institution and effects, as it stands (co-movement).
B: with a linear trend in days and year effects. Neither is a pass-through: institutions share the
benchmark's few moves with whatever else those months brought. C: with month effects, so that only
the gap between two tenors is left; it alone may be called pass-through.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from fractions import Fraction

from puhui.engine.duckdb import DuckDBEngine, ident
from puhui.rates.gap import Gap, gap_of, verdict_on_gap
from puhui.rates.identify import (
    Identification,
    RungReport,
    best_step,
    step_columns,
    variation,
    verdict_before_fit,
    verdict_within_cells,
)
from puhui.rates.levels import RUNGS, Levels
from puhui.rates.moves import Move, moves_of
from puhui.rates.placing import (
    PLACED,
    PLACED_BESIDE,
    Placed,
    cell_sums,
    level_moments,
    place,
    place_beside,
)
from puhui.rates.rungs import (
    ON_OTHER_TENOR,
    TIMELY,
    WEIGHTINGS,
    WITH_CONTROLS,
    WITHOUT,
    Equations,
    Rung,
    Scanned,
    WithoutMove,
    main_rungs,
    standard_error,
    variant_rungs,
)
from puhui.rates.said import sentences
from puhui.rates.sample import RATE_SCALE, PricingSpec, Sample, drawn
from puhui.rates.terms import BENCHMARK, OUTCOME, TREND, WORDS, Control
from puhui.results import twelve_digits


@dataclass(frozen=True)
class Pricing:
    """Sample, identification, rungs (none if not identified) and what to say of them.

    Attributes
    ----------
    rungs
        A, B and C with both weightings, then their variants.
    gap
        What the gap between tenors did; ``None`` where nothing is identified.
    moves, without
        The table of moves, and each rung's coefficient without each of them.
    lost_controls
        Controls asked for and not used, and why; loans that lack one of those used are counted
        in the fit.
    """

    spec: PricingSpec
    sample: Sample
    identification: Identification
    rungs: tuple[Rung, ...]
    sentences: tuple[str, ...]
    gap: Gap | None = None
    moves: tuple[Move, ...] = ()
    without: tuple[WithoutMove, ...] = ()
    lost_controls: tuple[tuple[str, str], ...] = ()

    def rung(self, model: str, weights: str = "none", variant: str | None = None) -> Rung | None:
        """One of the fitted equations."""
        wanted = (model, weights, variant)
        return next((r for r in self.rungs if (r.model, r.weights, r.variant) == wanted), None)

    def detectable(self, rung: Rung) -> float | None:
        """Smallest detectable difference of a rung's benchmark coefficient."""
        error = standard_error(rung.fit) if rung.fit is not None else None
        return None if error is None else float(self.spec.rules.detectable_se_multiple) * error

    def rows(self) -> dict[str, list[dict[str, object]]]:
        """Rows for the result tables ``regressions``, ``identification`` and ``moves``."""
        return {
            "regressions": self._regressions(),
            "identification": self._identification(),
            "moves": self._moves(),
        }

    def _regressions(self) -> list[dict[str, object]]:
        rows: list[dict[str, object]] = []
        for model in RUNGS:
            for weights in WEIGHTINGS:
                own = [r for r in self.rungs if (r.model, r.weights) == (model, weights)]
                if not own:
                    why = self.identification.sentence
                    base = self._base(model, weights, None)
                    rows.append({**base, "term": BENCHMARK, "status": "none", "reason": why})
                for rung in own:
                    base = self._base(model, weights, rung.variant)
                    rows += [{**base, **row} for row in self._terms(rung)]
        return [*rows, *(self._without(w) for w in self.without)]

    def _base(self, model: str, weights: str, variant: str | None) -> dict[str, object]:
        return {
            "quarter": self.spec.quarter,
            "institution_id": self.spec.institution_id,
            "model": model,
            "variant": variant,
            "scope": self.spec.scope,
            "window_from": self.spec.window_from.isoformat(),
            "window_to": self.spec.window_to.isoformat(),
            "formula": formula(model, self.spec, controls=variant == WITH_CONTROLS),
            "weights": weights,
            "n": self.sample.loans,
            "clusters": self.sample.institutions,
        }

    def _terms(self, rung: Rung) -> list[dict[str, object]]:
        fit = rung.fit
        if fit is None:
            return [{"term": BENCHMARK, "status": rung.status, "reason": rung.reason}]
        rows: list[dict[str, object]] = [
            {
                "term": term,
                "estimate": twelve_digits(fit.beta[j]),
                "se_crv1": twelve_digits(fit.se_crv1[j]),
                "se_crv3": twelve_digits(fit.se_crv3[j]),
                "se_cr2": twelve_digits(fit.se_cr2[j]) if fit.se_cr2 is not None else None,
                "n": fit.n,
                "clusters": fit.g,
                "g_star": twelve_digits(fit.g_star[j]),
                "largest_share": twelve_digits(fit.largest_share[j]),
                "dependent_mean": twelve_digits(fit.dependent_mean),
                "status": rung.status,
                "reason": rung.reason,
            }
            for j, term in enumerate(fit.terms)
        ]
        low, high = rung.interval or (None, None)
        least, most = rung.without_one or (None, None)
        rows[0] |= {
            "ci_low": twelve_digits(low),
            "ci_high": twelve_digits(high),
            "p_zero": twelve_digits(rung.p(0)),
            "p_one": twelve_digits(rung.p(1)),
            "p_zero_classic": twelve_digits(rung.p(0, classic=True)),
            "p_one_classic": twelve_digits(rung.p(1, classic=True)),
            "detectable": twelve_digits(self.detectable(rung)),
            "least_without_one": twelve_digits(least),
            "most_without_one": twelve_digits(most),
        }
        return rows

    def _without(self, w: WithoutMove) -> dict[str, object]:
        main = self.rung(w.model, w.weights)
        status = "none" if w.estimate is None else main.status if main else "weak"
        return {
            **self._base(w.model, w.weights, f"{WITHOUT} {w.day}"),
            "term": BENCHMARK,
            "estimate": twelve_digits(w.estimate),
            "se_crv3": twelve_digits(w.error),
            "status": status,
            "reason": w.reason or f"{w.day}的调整另设系数，由其余调整估计",
        }

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

    def _moves(self) -> list[dict[str, object]]:
        return [
            {
                "quarter": self.spec.quarter,
                "benchmark": m.benchmark,
                "day": m.day.isoformat(),
                "change_bp": twelve_digits(Fraction(m.change_bp)),
                "weights": weights,
                "date_from": m.first.isoformat(),
                "date_to": m.last.isoformat(),
                "mean_before": twelve_digits(m.before.get(weights)),
                "mean_after": twelve_digits(m.after.get(weights)),
                "ratio": twelve_digits(m.ratio(weights)),
                "cells": m.cells,
                "loans": m.loans,
                "institutions": m.institutions,
                "measures": "；".join(other.name for other in m.measures) or None,
            }
            for m in self.moves
            for weights in WEIGHTINGS
        ]


def formula(model: str, spec: PricingSpec, *, controls: bool = False) -> str:
    """Formula of a rung as shown under every table."""
    cell = " × ".join(dict.fromkeys(["institution_id", *spec.effects]))
    terms = [BENCHMARK, *([TREND] if model == "B" else [])]
    terms += [c.name for c in spec.controls] if controls else []
    effects = {"A": "", "B": " + year", "C": " + month"}[model]
    return f"{OUTCOME} ~ {' + '.join(terms)} | {cell}{effects}"


def price(
    engine: DuckDBEngine, relation: str, spec: PricingSpec, *, sample: Sample | None = None
) -> Pricing:
    """Estimate rungs A, B and C of the pricing equation on a relation of loan facts.

    Identification is settled first: where the window does not identify the coefficient, no
    number is computed and the sentence says why, with dates and loans per benchmark value.
    Rung C has conditions of its own.

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
    placed = place(engine, spec)
    found = placed.regimes if placed else ()
    moves = moves_of(engine, placed.path, spec) if placed else ()
    why = verdict_before_fit(found, sample.institutions, sample.loans, spec.label, spec.rules)
    if why is None and placed is not None:
        alone = placed.sums.singletons
        why = verdict_within_cells(found, placed.used, alone, spec.label, spec.rules)
    if why is None and placed is not None:
        steps = level_moments(placed.by_path, placed.path, step_columns(placed.path))
        step = best_step(steps, placed.path)
        if step is not None:
            return _fitted(engine, spec, sample, placed, step, moves)
        why = f"不能识别：窗口期内{spec.label}没有调整，不列数字。"
    told = why or f"没有可用的贷款，不能估计利率与{spec.label}的关系。"
    none = Identification("none", told, found, None, None, ())
    return Pricing(spec, sample, none, (), (told,), moves=moves)


def _fitted(
    engine: DuckDBEngine,
    spec: PricingSpec,
    sample: Sample,
    placed: Placed,
    step: tuple[Fraction, dt.date],
    moves: tuple[Move, ...],
) -> Pricing:
    scanned = Scanned({"none": placed.sums, "amount": cell_sums(engine, weighted=True)})
    total = variation(placed.by_path, placed.path, RATE_SCALE)
    gap = gap_of(placed.sums, placed.levels)
    refused = verdict_on_gap(gap, spec.label, spec.rules)
    reports: list[RungReport] = []
    rungs: list[Rung] = []
    without: list[WithoutMove] = []
    for model in RUNGS:
        if model == "C" and refused is not None:
            rungs += [Rung(model, key, None, "none", refused) for key in WEIGHTINGS]
            continue
        equations = Equations.of(model, scanned, placed.levels)
        own, told = main_rungs(equations, spec, total, None if model == "C" else step)
        rungs += own
        if told is not None:
            reports.append(told)
            without += _without(equations, gap, spec)
    more, lost = _variants(engine, spec, sample, placed, reports)
    outcome = "weak" if any(r.weak for r in reports) else "ok"
    sentence = "".join(f"模型{r.rung}：{r.sentence}" for r in reports)
    identified = Identification(
        outcome, sentence, placed.regimes, float(step[0]), step[1], tuple(reports)
    )
    said = sentences(spec, sample, [*rungs, *more], identified, gap, placed.late, lost)
    return Pricing(
        spec, sample, identified, (*rungs, *more), said, gap, moves, tuple(without), tuple(lost)
    )


def _without(equations: Equations, gap: Gap, spec: PricingSpec) -> list[WithoutMove]:
    """Leave each move to itself; rung C needs enough moves of the gap among the others."""
    found = []
    for day in equations.moves:
        others = [m for m in gap.moves if m.day != day]
        for key in WEIGHTINGS:
            if equations.model == "C" and len(others) < spec.rules.min_gap_moves:
                why = f"其余调整中期限利差只变动{len(others)}次，不能识别"
                found.append(WithoutMove(day, "C", key, None, None, why))
                continue
            found.append(equations.without(day, key, equations.model == "C"))
    return found


def _variants(
    engine: DuckDBEngine,
    spec: PricingSpec,
    sample: Sample,
    placed: Placed,
    reports: list[RungReport],
) -> tuple[list[Rung], list[tuple[str, str]]]:
    """Fit every rung that has a number with controls, without late loans, on the other tenor."""
    rungs: list[Rung] = []
    controls, where, missing, lost = _controls(engine, spec, sample)
    wanted: list[tuple[str, Scanned, Levels, dict[str, int]]] = []
    if controls:
        names = tuple(c.name for c in controls)
        scans = {
            key: cell_sums(engine, weighted=key == "amount", controls=controls, where=where)
            for key in WEIGHTINGS
        }
        wanted.append((WITH_CONTROLS, Scanned(scans, names), placed.levels, {"missing": missing}))
    if placed.late:
        scans = {
            key: cell_sums(engine, weighted=key == "amount", where="NOT late") for key in WEIGHTINGS
        }
        wanted.append((TIMELY, Scanned(scans), placed.levels, {"late": placed.late}))
    other = place_beside(engine, spec) if sample.beside else None
    if other is not None:
        weighted = cell_sums(engine, weighted=True, relation=PLACED_BESIDE)
        scans = {"none": other.sums, "amount": weighted}
        wanted.append((ON_OTHER_TENOR, Scanned(scans), other.levels, {}))
    models: dict[tuple[str, str], list[str]] = {}
    for variant, scanned, levels, dropped in wanted:
        for told in reports:
            own, gone = variant_rungs(variant, told.rung, scanned, levels, told, spec, dropped)
            rungs += own
            for name, why in gone.items():
                models.setdefault((WORDS[name], why), []).append(told.rung)
    lost += [(f"{name}（模型{'、'.join(of)}）", why) for (name, why), of in models.items()]
    return rungs, lost


def _controls(
    engine: DuckDBEngine, spec: PricingSpec, sample: Sample
) -> tuple[list[Control], str, int, list[tuple[str, str]]]:
    """Controls stated often enough, the condition that all of them are, and loans that fail it."""
    absent = [c for c in spec.controls if c not in sample.controls]
    lost = [(WORDS[c.name], "明细没有这一项") for c in absent]
    if not sample.controls:
        return [], "true", 0, lost
    shown = ", ".join(f"count({ident(c.name)}) AS {ident(c.name)}" for c in sample.controls)
    held = engine.sql(f"SELECT count(*) AS all_loans, {shown} FROM {PLACED}").to_pylist()[0]
    used = []
    for control in sample.controls:
        share = Fraction(100 * int(held[control.name]), int(held["all_loans"]))
        if share < Fraction(spec.control_min_share):
            lost.append((WORDS[control.name], f"只有{float(share):.1f}%的贷款填报"))
        else:
            used.append(control)
    where = " AND ".join(f"{ident(c.name)} IS NOT NULL" for c in used) or "true"
    kept = engine.sql(f"SELECT count(*) AS n FROM {PLACED} WHERE {where}")
    return used, where, int(held["all_loans"]) - int(kept.column("n")[0].as_py()), lost
