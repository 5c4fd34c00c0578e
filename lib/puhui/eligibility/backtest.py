"""Back-test of the outlook: each past quarter forecast from what was known before it.

Information, never a verdict. The comparison is "next quarter as this one".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from puhui.eligibility.migration import History
from puhui.eligibility.outlook_forecast import Forecast, Past, from_changes, from_ledger
from puhui.quarter import Quarter
from puhui.results import twelve_digits

Gaps = Mapping[tuple[str, Quarter], float]

#: Fewest institutions that left the tolerance for a Brier score.
FEWEST_EVENTS = 10


@dataclass(frozen=True)
class Scored:
    """One forecast held against what came.

    Attributes
    ----------
    side
        -1 below the interval, 0 inside (its bounds included), 1 above.
    crps, crps_as_now
        In points, of the forecast and of "as this quarter".
    left
        Whether the tolerance was left, and the forecast's probability of it; ``None`` for an
        institution that was beyond it already.
    """

    origin: Quarter
    institution_id: str
    method: str
    side: int
    crps: float
    crps_as_now: float
    left: tuple[bool, float] | None


def forecast(past: Past, gaps: Gaps, institution_id: str) -> Forecast | None:
    """Forecast from the ledger where that can be done, else from past changes of gaps."""
    found = from_ledger(past, institution_id)
    if found is not None:
        return found
    return from_changes(gaps, past.history.kinds, institution_id, past.origin)


def scored(
    history: History, gaps: Gaps, quarter: Quarter, tolerance: Callable[[Quarter], Fraction | None]
) -> list[Scored]:
    """Forecast every quarter up to ``quarter`` from the one before it, as far as that goes.

    Parameters
    ----------
    gaps
        (institution, quarter) → gap in points, on which forecasts are held.
    tolerance
        The limit in force at a quarter's end, in points.
    """
    found = []
    for origin in sorted({q for _, q in gaps if q < quarter}):
        past = Past(history, origin)
        for institution in sorted({i for i, q in gaps if q == origin}):
            one = forecast(past, gaps, institution)
            now, then = gaps[institution, origin], gaps.get((institution, origin.shift(1)))
            if one is not None and then is not None:
                limit = tolerance(origin.shift(1))
                found.append(_scored(origin, institution, one, now, then, limit))
    return found


def _scored(
    origin: Quarter,
    institution_id: str,
    forecast: Forecast,
    now: float,
    then: float,
    tolerance: Fraction | None,
) -> Scored:
    low, high = forecast.interval
    # What is equal but for the last bit of a float lies on the bound.
    side = int(then > high + 1e-9) - int(then < low - 1e-9)
    left = None
    if tolerance is not None and now <= float(tolerance):
        left = (then > float(tolerance), forecast.beyond(tolerance))
    return Scored(
        origin, institution_id, forecast.method, side, forecast.crps(then), abs(then - now), left
    )


def rows(quarter: Quarter, found: Sequence[Scored]) -> list[dict[str, object]]:
    """Rows of ``results`` ``backtest``: by method each origin, then all together.

    ``better`` is ``yes`` only where the CRPS is lower than that of "as this quarter", in the row
    of all origins only where it is so at every one.
    """
    made: list[dict[str, object]] = []
    for method in sorted({s.method for s in found}):
        mine = [s for s in found if s.method == method]
        origins = sorted({s.origin for s in mine})
        each = [_row([s for s in mine if s.origin == q]) for q in origins]
        better = all(row["better"] == "yes" for row in each)
        base = {"quarter": str(quarter), "method": method}
        made += [
            {**base, "origin": str(q), "for_quarter": str(q.shift(1)), **row}
            for q, row in zip(origins, each, strict=True)
        ]
        made.append({**base, **_row(mine), "better": "yes" if better else "no"})
    return made


def _row(found: Sequence[Scored]) -> dict[str, object]:
    crps, as_now = (
        float(np.mean([getattr(s, name) for s in found])) for name in ("crps", "crps_as_now")
    )
    told = [s.left for s in found if s.left is not None]
    events = sum(left for left, _ in told)
    enough = events >= FEWEST_EVENTS
    brier = float(np.mean([(p - left) ** 2 for left, p in told])) if enough else None
    return {
        "forecasts": len(found),
        "crps_pp": twelve_digits(crps),
        "crps_as_now_pp": twelve_digits(as_now),
        "better": "yes" if crps < as_now else "no",
        "inside": sum(s.side == 0 for s in found),
        "below": sum(s.side < 0 for s in found),
        "above": sum(s.side > 0 for s in found),
        "could_leave": len(told),
        "events": events,
        "brier": twelve_digits(brier),
        # "As this quarter" says that nobody leaves: wrong where somebody does.
        "brier_as_now": twelve_digits(events / len(told)) if enough else None,
    }
