"""LPR in the example's world, and calendar arithmetic.

The example keeps its own short list of LPR moves, because its truth must not depend on
the loader under test; a test compares the two day by day.
"""

from __future__ import annotations

import calendar
import datetime as dt

#: First day in force, 1Y and 5Y+ in basis points. Source: 全国银行间同业拆借中心 announcements.
LPR_MOVES: tuple[tuple[dt.date, int, int], ...] = (
    (dt.date(2019, 9, 20), 420, 485),
    (dt.date(2019, 11, 20), 415, 480),
    (dt.date(2020, 2, 20), 405, 475),
    (dt.date(2020, 4, 20), 385, 465),
    (dt.date(2021, 12, 20), 380, 465),
)


def lpr_bp(tenor: str, day: dt.date) -> int:
    """LPR of tenor ``1Y`` or ``5Y`` in force on a day, in basis points.

    Examples
    --------
    >>> lpr_bp("1Y", dt.date(2020, 4, 19)), lpr_bp("5Y", dt.date(2021, 12, 31))
    (405, 465)
    """
    in_force = [move for move in LPR_MOVES if move[0] <= day][-1]
    return in_force[1] if tenor == "1Y" else in_force[2]


def add_months(day: dt.date, months: int) -> dt.date:
    """Return the same day some months later, or the last day of a shorter month.

    Examples
    --------
    >>> add_months(dt.date(2020, 8, 31), 6).isoformat()
    '2021-02-28'
    """
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return dt.date(year, month + 1, min(day.day, last))


def months_between(start: dt.date, end: dt.date) -> int:
    """Whole months from start to end, never negative."""
    months = (end.year - start.year) * 12 + end.month - start.month
    return max(0, months - (1 if end.day < start.day else 0))


def working_day(day: dt.date) -> dt.date:
    """Return the day itself, or the Monday after a weekend."""
    return day + dt.timedelta(days=max(0, 7 - day.weekday()) if day.weekday() >= 5 else 0)
