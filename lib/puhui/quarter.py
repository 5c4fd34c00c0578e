"""Quarters and the base periods an indicator is compared with."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

from puhui.errors import RunError

_PATTERN = re.compile(r"(\d{4})Q([1-4])")


@dataclass(frozen=True, order=True)
class Quarter:
    """A calendar quarter (季度), written ``2021Q4``.

    Examples
    --------
    >>> q = Quarter.parse("2021Q4")
    >>> q.end.isoformat(), str(q.year_start), str(q.previous)
    ('2021-12-31', '2020Q4', '2021Q3')
    """

    year: int
    number: int

    @classmethod
    def parse(cls, text: str) -> Quarter:
        """Read ``2021Q4``; anything else raises :class:`RunError`."""
        match = _PATTERN.fullmatch(text.strip().upper())
        if match is None:
            raise RunError(f"“{text}”不是季度。", remedy="季度写作年份加 Q1–Q4，例如 2021Q4。")
        return cls(int(match[1]), int(match[2]))

    @classmethod
    def of(cls, day: dt.date) -> Quarter:
        """Return the quarter a date falls in."""
        return cls(day.year, (day.month - 1) // 3 + 1)

    def __str__(self) -> str:
        return f"{self.year}Q{self.number}"

    @property
    def label(self) -> str:
        """Chinese wording, e.g. ``2021年四季度``."""
        return f"{self.year}年{'一二三四'[self.number - 1]}季度"

    @property
    def start(self) -> dt.date:
        """First day of the quarter."""
        return dt.date(self.year, 3 * self.number - 2, 1)

    @property
    def end(self) -> dt.date:
        """Last day of the quarter, the reporting date."""
        return self.shift(1).start - dt.timedelta(days=1)

    @property
    def year_to_date_start(self) -> dt.date:
        """First of January of the quarter's year (flows are year to date)."""
        return dt.date(self.year, 1, 1)

    def shift(self, quarters: int) -> Quarter:
        """Return the quarter ``quarters`` later (negative: earlier)."""
        index = self.year * 4 + (self.number - 1) + quarters
        return Quarter(index // 4, index % 4 + 1)

    @property
    def previous(self) -> Quarter:
        """Base ``q`` (环比)."""
        return self.shift(-1)

    @property
    def year_start(self) -> Quarter:
        """Base ``0`` (较年初): stocks at the end of last year."""
        return Quarter(self.year - 1, 4)

    @property
    def year_ago(self) -> Quarter:
        """Base ``y`` (同比): the same quarter of last year."""
        return Quarter(self.year - 1, self.number)

    @property
    def last_full_year(self) -> Quarter:
        """Base ``Y``: last year's fourth quarter, whose flows are the full year's."""
        return Quarter(self.year - 1, 4)

    @property
    def bases(self) -> dict[str, Quarter]:
        """Base periods under the names the expression language uses."""
        return {
            "year_start": self.year_start,
            "year_ago": self.year_ago,
            "last_full_year": self.last_full_year,
            "last_quarter": self.previous,
        }
