"""Names of the pricing equation's terms, as the result tables carry them, and its controls."""

from __future__ import annotations

from dataclasses import dataclass

BENCHMARK = "benchmark"
TREND = "trend_days"
OUTCOME = "rate_at_drawdown"


@dataclass(frozen=True)
class Control:
    """A control variable: what it is made of, as an integer over ``10**scale``."""

    name: str
    columns: tuple[str, ...]  # of the relation, all needed
    sql: str
    scale: int = 0


#: The amount is in yuan; its logarithm is rounded to six decimals, and that *is* the regressor.
LOG_AMOUNT = Control(
    "log_amount",
    ("amount",),
    "CASE WHEN amount > 0 THEN CAST(round(ln(CAST(amount AS DOUBLE)) * 1000000) AS BIGINT) END",
    6,
)
#: The customer's first loan anywhere: drawn on the first day, after a query that found none.
FIRST_LOAN = Control(
    "first_loan",
    ("first_drawdown_on", "first_loan_query_clear", "drawn_on"),
    "CASE WHEN first_drawdown_on IS NOT NULL THEN CAST(first_drawdown_on = drawn_on "
    "AND coalesce(first_loan_query_clear, false) AS BIGINT) END",
)
RENEWAL = Control("renewal", ("issue_kind",), "CAST(issue_kind = 'renewal' AS BIGINT)")
AGRICULTURAL = Control("agricultural", ("is_agricultural",), "CAST(is_agricultural AS BIGINT)")
ONLINE = Control("online", ("is_online",), "CAST(is_online AS BIGINT)")

CONTROLS = (LOG_AMOUNT, FIRST_LOAN, RENEWAL, AGRICULTURAL, ONLINE)
#: Words of the terms, for display.
WORDS = {
    BENCHMARK: "基准利率",
    TREND: "线性趋势（每日）",
    OUTCOME: "发放利率",
    LOG_AMOUNT.name: "发放金额的对数",
    FIRST_LOAN.name: "首贷",
    RENEWAL.name: "无还本续贷",
    AGRICULTURAL.name: "涉农",
    ONLINE.name: "线上办理",
}
