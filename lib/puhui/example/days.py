"""Calendar arithmetic on arrays of day numbers (days since 1970-01-01)."""

from __future__ import annotations

from typing import Any

import numpy as np

from puhui.example.columns import Ints

#: Month of each day up to the year 2189, and first day of each month, both since 1970.
_MONTH_OF = np.arange(80_000).astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
_FIRST_DAY = (
    np.arange(_MONTH_OF[-1] + 2).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
)


def _months(days: Any) -> Ints:
    """Months since 1970-01; a day that never comes counts as the last one of the table."""
    found: Ints = _MONTH_OF[np.minimum(np.asarray(days), len(_MONTH_OF) - 1)]
    return found


def _first(months: Any) -> Ints:
    """First day of a month counted since 1970-01."""
    found: Ints = _FIRST_DAY[np.asarray(months)]
    return found


def month_number(days: Any) -> Ints:
    """Months since 1970-01 of each day."""
    return _months(days)


def year(days: Any) -> Ints:
    """Calendar year of each day."""
    return _months(days) // 12 + 1970


def year_start(days: Any) -> Ints:
    """First of January of each day's year."""
    return _first(_months(days) // 12 * 12)


def add_months(days: Any, months: Any) -> Ints:
    """Return the same day some months later, or the last day of a shorter month.

    Examples
    --------
    >>> from puhui.example.columns import calendar_day
    >>> calendar_day(add_months(np.array([18504]), 6)[0]).isoformat()  # from 2020-08-30
    '2021-02-28'
    """
    start = _months(days)
    target = start + np.asarray(months, dtype=np.int64)
    offset = np.asarray(days, dtype=np.int64) - _first(start)
    longest = _first(target + 1) - _first(target) - 1
    found: Ints = _first(target) + np.minimum(offset, longest)
    return found


def months_between(start: Any, end: Any) -> Ints:
    """Whole months from start to end, never negative."""
    first, last = _months(start), _months(end)
    offset = np.asarray(end, dtype=np.int64) - _first(last)
    begun = np.asarray(start, dtype=np.int64) - _first(first)
    found: Ints = np.maximum(0, last - first - (offset < begun))
    return found


def full_months_between(start: Any, end: Any) -> Ints:
    """Whole months of a term: one drawn on 29 February ends on 28 February a year later."""
    last = np.asarray(end, dtype=np.int64)
    begun = np.asarray(start, dtype=np.int64) - _first(_months(start))
    month_end = _first(_months(end) + 1) - 1
    found: Ints = months_between(start, end) + (
        (last == month_end) & (last - _first(_months(end)) < begun)
    )
    return found


def working_day(days: Any) -> Ints:
    """Return the day itself, or the Monday after a weekend."""
    number = np.asarray(days, dtype=np.int64)
    weekday = (number + 3) % 7  # 1970-01-01 was a Thursday
    found: Ints = number + np.where(weekday >= 5, 7 - weekday, 0)
    return found
