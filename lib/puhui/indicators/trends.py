"""Trends: whether a change goes against an up or down test, and for how many quarters in a row."""

from __future__ import annotations

from fractions import Fraction

from puhui.indicators.evaluation import Bench, Facts, evaluate
from puhui.params import Indicator
from puhui.quarter import Quarter


def went_wrong(bench: Bench, indicator: Indicator, quarter: Quarter, change: Fraction) -> bool:
    """Whether a change goes against an up or down test by more than counts as flat."""
    margin = Fraction(str(bench.params.policy.on(quarter.end)["flat_margin_pp"]))
    return (change if indicator.test == "up" else -change) < -margin


def wrong_before(
    bench: Bench,
    indicator: Indicator,
    facts: Facts,
    branch_id: str | None,
    *,
    source: str | None,
) -> int:
    """Count the quarters in a row before the bench's that went wrong, as far as it matters."""
    assert indicator.base is not None
    enough = int(str(bench.params.policy.on(bench.quarter.end)["behind_after_quarters"]))
    quarter, count = bench.quarter.previous, 0
    while count + 1 < enough:
        now, base = (
            evaluate(bench, indicator, facts, branch_id, at=q, source=source).value
            for q in (quarter, quarter.bases[indicator.base])
        )
        if not isinstance(now, Fraction) or not isinstance(base, Fraction):
            break
        if not went_wrong(bench, indicator, quarter, now - base):
            break
        quarter, count = quarter.previous, count + 1
    return count
