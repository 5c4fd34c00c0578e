"""Where a figure comes from: filed return first, then the ledger, each formula whole.

A formula is a plain function of a :class:`View`; a figure that is not to be had ends it with
:class:`Missing`, and the next source is tried. A ratio with nothing below it has answered.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from functools import cache

import pandas as pd

from again import registers
from again.ledger import Figure, Ledger
from again.measured import LEDGER, RETURNS, from_items
from again.submitted import Date, Office

NO_DATA, NOT_APPLICABLE = "no_data", "not_applicable"
RETURN, BOOK, REGISTER = "returns", "ledger", "register"


class Missing(Exception):
    """A figure a source does not have."""


class Nothing(Exception):
    """There is nothing to judge."""


class County:
    """All submissions up to a quarter, and the figures taken from them."""

    def __init__(self, office: Office, run: str, books: dict[tuple[str, str], Ledger]) -> None:
        self.office, self.run, self._books = office, Date(run), books
        entries = office.own["institutions"].to_dict("records")
        self.entries = {e["institution_id"]: e for e in entries}
        self.filed = cache(self._filed)
        self.answered = cache(self._answered)
        self.booked = cache(self._booked)

    def sent(self, institution: str, quarter: str) -> dict[str, pd.DataFrame]:
        """Tables of an institution at a quarter; none of a later quarter than the run's."""
        if quarter > self.run.text:
            return {}
        return self.office.tables.get(quarter, {}).get(institution, {})

    def _filed(self, institution: str, quarter: str) -> dict[str, Fraction]:
        """Figures of record of a day: its own quarter's return, else the latest comparative."""
        found: dict[str, tuple[tuple[bool, bool, str], Fraction]] = {}
        for of in self.office.tables:
            frame = self.sent(institution, of).get("returns")
            if frame is None:
                continue
            for row in frame[frame["as_of"] == Date(quarter).end].itertuples():
                rank = (of == quarter, row.basis == "as_filed", of)
                if row.item not in found or found[row.item][0] < rank:
                    found[row.item] = rank, Fraction(row.value)
        return {item: value for item, (_, value) in found.items()}

    def answers(self, institution: str, quarter: str) -> dict[str, dict[str, object]] | None:
        """Answers on rules and mechanisms by item; ``None`` if the sheet was not sent."""
        frame = self.sent(institution, quarter).get("attestations")
        if frame is None:
            return None
        return {row["item"]: row for row in frame.to_dict("records")}

    def _answered(self, institution: str, quarter: str) -> dict[str, Fraction]:
        """Numbers among the answers."""
        found = {}
        for item, row in (self.answers(institution, quarter) or {}).items():
            try:
                found[item] = Fraction(Decimal(str(row["value"]).replace(",", "")))
            except InvalidOperation:
                continue
        return found

    def book(self, institution: str, quarter: str) -> Ledger | None:
        tables = self.sent(institution, quarter)
        if "loans" not in tables:
            return None
        key = (institution, quarter)
        if key not in self._books:
            county = str(self.entries[institution]["county_code"])
            self._books[key] = Ledger(tables, Date(quarter), county)
        return self._books[key]

    def alike(self, institution: str, quarter: str) -> list[Ledger]:
        """Ledgers of all institutions of the same kind, its own among them."""
        kind = self.entries[institution]["kind"]
        same = [i for i, entry in self.entries.items() if entry["kind"] == kind]
        return [book for i in same if (book := self.book(i, quarter)) is not None]

    def _booked(self, institution: str, branch: str | None, quarter: str, name: str) -> Figure:
        ledger = self.book(institution, quarter)
        if ledger is None or name not in LEDGER:
            return None
        if branch is not None and not ledger.here(branch).any():
            return None
        return LEDGER[name](ledger, branch)

    def branches(self, institution: str) -> list[str]:
        """Branches of the office's register, and any other that rows of the quarter name."""
        known = self.office.own["branches"]
        found = set(known.loc[known["institution_id"] == institution, "branch_id"])
        sent = self.sent(institution, self.run.text)
        for name in ("loans", "applications"):
            if name in sent and "branch_id" in sent[name]:
                found |= set(sent[name]["branch_id"].dropna())
        return sorted(found)


@dataclass(frozen=True)
class View:
    """One unit at one quarter from one source: ``v("mse_balance")``, ``v.start("…")``."""

    county: County
    institution: str
    branch: str | None
    at: str
    source: str

    @property
    def date(self) -> Date:
        return Date(self.at)

    @property
    def entry(self) -> dict[str, object]:
        return self.county.entries[self.institution]

    def __call__(self, name: str) -> Fraction:
        value = self._figure(name)
        if value is None:
            raise Missing(name)
        return value

    def start(self, name: str) -> Fraction:
        """The figure at the start of the year; of flows that is last year's whole."""
        return replace(self, at=self.date.year_start)(name)

    def ago(self, name: str) -> Fraction:
        """The figure of the same quarter a year before."""
        return replace(self, at=self.date.year_ago)(name)

    def _figure(self, name: str) -> Figure:
        if name in registers.FIGURES:
            return registers.figure(self.county, self.institution, self.branch, self.at, name)
        if self.source == RETURN and self.branch is None:
            # Numbers answered stand beside what is filed, which rules.
            answered = self.county.answered(self.institution, self.at)
            filed = self.county.filed(self.institution, self.at)
            return from_items(name, {**answered, **filed})
        if self.source == BOOK:
            found = self.county.booked(self.institution, self.branch, self.at, name)
            if found is None and self.branch is None:
                # From the same books; a ledger without the column could not say.
                return from_items(name, self.county.answered(self.institution, self.at))
            return found
        return None

    def whole_bank(self) -> View:
        """Figures of the whole institution beside a branch's: its figures of record."""
        for source in (RETURN, BOOK):
            view = replace(self, branch=None, source=source)
            try:
                view("npl"), view("all_loans")
            except Missing:
                continue
            return view
        return replace(self, branch=None)


Formula = Callable[[View], Fraction]
#: A value with its source, or why there is none.
Outcome = tuple[Fraction | None, str]


def worked(view: View, formula: Formula) -> Outcome:
    """Value of a formula from the first source that has all of it."""
    for source in (RETURN, BOOK):
        found = worked_from(replace(view, source=source), formula)
        if found is not None:
            return found
    return None, NO_DATA


def worked_from(view: View, formula: Formula) -> Outcome | None:
    """Value of a formula from one source; ``None`` if it does not suffice."""
    try:
        return Fraction(formula(view)), view.source
    except Missing:
        return None
    except Nothing:
        return None, NOT_APPLICABLE
    except ZeroDivisionError:
        return None, NO_DATA


__all__ = ["BOOK", "RETURN", "RETURNS", "County", "Formula", "Missing", "Nothing", "View"]
