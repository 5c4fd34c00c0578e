"""The true pricing equation: what makes a loan's rate, and what does not.

rate = level + effects + pass-through × LPR + a shock every bank shares in a month + relief
from April 2020 + a drift + noise. The shock, the relief and the drift move with the calendar
as LPR does, so a regression of rates on LPR that knows nothing of months is wrong by design;
only the gap between the two tenors within a month tells the pass-through.

The example keeps its own short list of LPR moves, because its truth must not depend on the
loader under test; a test compares the two day by day.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np

from puhui.example.chance import Dice
from puhui.example.columns import Ints, day_number
from puhui.example.days import month_number

#: First day in force, 1Y and 5Y+ in basis points. Source: 全国银行间同业拆借中心 announcements.
LPR_MOVES: tuple[tuple[dt.date, int, int], ...] = (
    (dt.date(2019, 9, 20), 420, 485),
    (dt.date(2019, 11, 20), 415, 480),
    (dt.date(2020, 2, 20), 405, 475),
    (dt.date(2020, 4, 20), 385, 465),
    (dt.date(2021, 12, 20), 380, 465),
)
#: Loans priced earlier follow the lending benchmark of the time, 4.35 and 4.90 percent.
LPR_SINCE = day_number(LPR_MOVES[0][0])
_BEFORE = (435, 490)

#: Common shock of a month: standard deviation in thousandths of a basis point, and memory.
SHOCK_SD, SHOCK_AR = 10_000, 800
_INNOVATION_SD = 6_000  # 10,000 × √(1 − 0.8²)
#: Relief from the first day below, and drift a year, in thousandths of a basis point.
RELIEF, RELIEF_SINCE = -20_000, day_number(dt.date(2020, 4, 1))
DRIFT, DRIFT_SINCE = -10_000, day_number(dt.date(2019, 10, 1))
NOISE_SD = 18_000
#: LPR at which a bank's rate is its level over LPR whatever its pass-through.
ANCHOR_BP = 400

FIRST_MONTH, LAST_MONTH = (2016 - 1970) * 12, (2021 - 1970) * 12 + 11


def lpr_bp(is_long: Any, days: Any) -> Ints:
    """LPR in force on each day in basis points, 5Y where ``is_long``.

    Before the first move of the list: the lending benchmark.

    Examples
    --------
    >>> day = day_number(dt.date(2020, 4, 19))
    >>> lpr_bp(np.array([0, 1]), np.array([day, day + 1])).tolist()
    [405, 465]
    """
    starts = np.array([day_number(move[0]) for move in LPR_MOVES])
    moves = np.array([_BEFORE, *[move[1:] for move in LPR_MOVES]], dtype=np.int64)
    at = np.searchsorted(starts, np.asarray(days), side="right")
    tenor = np.asarray(is_long).astype(np.int64)
    found: Ints = moves[at, tenor]
    return found


def month_shocks(dice: Dice) -> Ints:
    """Shock of every month from :data:`FIRST_MONTH`, thousandths of a basis point.

    First-order autoregressive with memory .8 and a standing deviation of 10 bp.
    """
    months = LAST_MONTH - FIRST_MONTH + 1
    start, news = int(dice.bell(SHOCK_SD, 1)[0]), dice.bell(_INNOVATION_SD, months)
    shocks = [start]
    for innovation in news[1:].tolist():
        shocks.append(SHOCK_AR * shocks[-1] // 1000 + innovation)
    return np.array(shocks, dtype=np.int64)


def common_part(priced_on: Ints, shocks: Ints) -> Ints:
    """Shock, relief and drift on each pricing day, thousandths of a basis point."""
    drift = DRIFT * (priced_on - DRIFT_SINCE) // 365
    relief = np.where(priced_on >= RELIEF_SINCE, RELIEF, 0)
    found: Ints = shocks[month_number(priced_on) - FIRST_MONTH] + relief + drift
    return found


def rates_bp(
    level_bp: int, pass_through: int, effects_bp: Ints, lpr: Ints, common: Ints, noise: Ints
) -> Ints:
    """Rates in whole basis points; ``pass_through`` permille, the last two in thousandths."""
    exact = (
        1000 * (level_bp + effects_bp)
        + pass_through * lpr
        + (1000 - pass_through) * ANCHOR_BP
        + common
        + noise
    )
    return (exact + 500) // 1000
