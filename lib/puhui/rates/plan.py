"""The pricing equation of a run: what its parameters ask for, as a plain specification."""

from __future__ import annotations

import csv
import datetime as dt
from decimal import Decimal

from puhui.engine.duckdb import ident
from puhui.errors import ParamsError, ReferenceDataError
from puhui.params import Params
from puhui.params.benchmarks import Series
from puhui.params.expression import literal_sql
from puhui.quarter import Quarter
from puhui.rates.identify import IdentificationRules
from puhui.rates.sample import Measure, PricingSpec
from puhui.rates.terms import CONTROLS

_MEASURES = {"from_date", "to_date", "measure", "document", "certainty"}


def spec_from(params: Params, quarter: Quarter) -> PricingSpec:
    """Build all institutions' pricing specification from the run file and the policy in force.

    Raises
    ------
    ParamsError
        An identification rule is missing from the policy, or an expression names something
        a row of ``loan_facts`` does not have.
    """
    wanted = params.run.rates
    policy = params.policy.on(quarter.end)
    series = params.benchmarks[wanted.benchmark]

    def resolve(qualifier: str, name: str) -> str:
        if qualifier in ("", "customer"):
            return ident(name)
        if qualifier == "policy":
            return literal_sql(policy[name])
        raise ParamsError(f"样本条件不能用“{qualifier}.{name}”。", where="run.yaml")

    first, last = wanted.window(quarter)
    return PricingSpec(
        quarter=str(quarter),
        label=series.label,
        window_from=first.start,
        window_to=last.end,
        where=wanted.sample_where.sql(resolve),
        effects=wanted.effects,
        rules=IdentificationRules(
            min_regimes=int(policy["min_regimes"]),
            min_regime_days=int(policy["min_regime_days"]),
            min_regime_loans=int(policy["min_regime_loans"]),
            min_regime_institutions=int(policy["min_regime_institutions"]),
            max_single_move_share=Decimal(policy["max_single_move_share"]),
            max_step_trend_r2=Decimal(policy["max_step_trend_r2"]),
            detectable_se_multiple=Decimal(policy["detectable_se_multiple"]),
            min_gap_moves=int(policy["min_gap_moves"]),
            min_gap_institutions=int(policy["min_gap_institutions"]),
        ),
        left_out=wanted.left_out.sql(resolve) if wanted.left_out else None,
        path=series.table(),
        count_absorbed=wanted.count_absorbed,
        scope=f"{params.run.area}全部机构",
        controls=CONTROLS,
        control_min_share=Decimal(policy["control_min_share"]),
        late_days=int(policy["late_after_move_days"]),
        move_days=int(policy["move_window_days"]),
        measures=measures_beside(series),
    )


def measures_beside(series: Series) -> tuple[Measure, ...]:
    """What else was in force around the benchmark's moves: ``<series>_measures.csv``, if there.

    The file lies where the series is looked for; columns ``from_date``, ``to_date`` (empty:
    still in force), ``measure``, ``document``, ``certainty``.

    Raises
    ------
    ReferenceDataError
        A column is missing, or a date cannot be read.
    """
    found = series.measures_path
    if found is None:
        return ()
    name = found.name
    with found.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream)
        missing = sorted(_MEASURES - set(reader.fieldnames or ()))
        if missing:
            raise ReferenceDataError(f"缺列：{'、'.join(missing)}。", where=name)
        return tuple(_measure(row, f"{name} 第 {reader.line_num} 行") for row in reader)


def _measure(row: dict[str, str], where: str) -> Measure:
    try:
        first = dt.date.fromisoformat(row["from_date"])
        last = dt.date.fromisoformat(row["to_date"]) if row["to_date"] else None
    except ValueError as error:
        raise ReferenceDataError(f"日期读不了：{error}。", where=where) from None
    return Measure(row["measure"], first, last, row["document"], row["certainty"])
