"""Names of the pricing equation's terms, as the result tables carry them."""

BENCHMARK = "benchmark"
TREND = "trend_days"
OUTCOME = "rate_at_drawdown"
#: Words of the terms, for display.
WORDS = {BENCHMARK: "基准利率", TREND: "线性趋势（每日）", OUTCOME: "发放利率"}
