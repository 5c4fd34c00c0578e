"""The pricing equation of a run: what its parameters ask for, as a plain specification."""

from __future__ import annotations

from decimal import Decimal

from puhui.engine.duckdb import ident
from puhui.errors import ParamsError
from puhui.params import Params
from puhui.params.expression import literal_sql
from puhui.quarter import Quarter
from puhui.rates.identify import IdentificationRules
from puhui.rates.sample import PricingSpec


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
        ),
        left_out=wanted.left_out.sql(resolve) if wanted.left_out else None,
        path=series.table(),
        count_absorbed=wanted.count_absorbed,
        scope=f"{params.run.area}全部机构",
    )
