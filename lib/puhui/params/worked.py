"""Measures that a plain sum cannot express: compared cells, charges by the year, ranks.

Several measures may come out of one computation (the interest and the amount of a cell, say):
the first writes it out, the others say ``as`` that one and what they take from it (``gives``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from pydantic import Field

from puhui import schema
from puhui.errors import ParamsError
from puhui.params.expression import Expression
from puhui.params.reading import Strict, build, mapping, nearest, required
from puhui.params.yaml import YamlMap

if TYPE_CHECKING:
    from puhui.params.rows import Rows

#: Table whose columns a prefix names in expressions about a loan, and about a fee tied to one.
OF_LOAN = {"": "loans", "customer": "customers"}
OF_FEE = {**OF_LOAN, "fee": "fees"}
#: What a comparison gives: of the worst cell, and the number of cells judged and listed.
COMPARED = ("interest", "amount", "similar_interest", "similar_amount", "judged", "listed")
#: A sum by the year as a fraction that decimals can hold.
CHARGED = ("amount", "divisor")
_PERCENTILE = re.compile(r"p[1-9]\d?")


@dataclass(frozen=True)
class Comparison:
    """Loans of one kind of funds against similar loans, cell by cell.

    Attributes
    ----------
    where
        Loans that take part.
    lent
        Those that are compared; the others are what they are compared with.
    cell
        What makes loans similar: a word and an expression each.
    """

    amount: Expression
    interest: Expression
    where: Expression
    lent: Expression
    cell: tuple[tuple[str, Expression], ...]

    @property
    def expressions(self) -> tuple[Expression, ...]:
        """Everything that is worked out per loan."""
        return (self.amount, self.interest, self.where, self.lent, *(e for _, e in self.cell))


@dataclass(frozen=True)
class Charge:
    """Fees (``fee.x``) tied to loans, each × 12 ÷ the months it pays for."""

    sum: Expression
    months: Expression
    where: Expression

    @property
    def expressions(self) -> tuple[Expression, ...]:
        """Everything that is worked out per fee."""
        return (self.sum, self.months, self.where)


@dataclass(frozen=True)
class Compared:
    """What a measure takes from a comparison: one of :data:`COMPARED`."""

    gives: str
    spec: Comparison


@dataclass(frozen=True)
class Charged:
    """What a measure takes from fees by the year: one of :data:`CHARGED`."""

    gives: str
    spec: Charge


@dataclass(frozen=True)
class Ranked:
    """A rank among the rows of a register: ``count``, ``median``, or ``p90`` and the like.

    The ninetieth percentile is the least value that nine of ten rows do not exceed; the
    median of an even number of rows is half-way between the two in the middle.
    """

    table: str
    gives: str
    of: Expression
    where: Expression

    @property
    def tables(self) -> dict[str, str]:
        """Table whose columns a prefix names."""
        return {**OF_LOAN, "": self.table}

    @property
    def expressions(self) -> tuple[Expression, ...]:
        """Everything that is worked out per row."""
        return (self.of, self.where)


class _RawCompared(Strict):
    gives: str
    like: str | None = Field(default=None, alias="as")
    amount: str | None = None
    interest: str | None = None
    where: str | None = None
    lent: str | None = None
    cell: object = None


class _RawCharged(Strict):
    gives: str
    like: str | None = Field(default=None, alias="as")
    sum: str | None = None
    months: str | None = None
    where: str | None = None


class _RawRanked(Strict):
    gives: str
    table: str
    of: str
    where: str


T = TypeVar("T", Comparison, Charge)


def read_compared(raw: YamlMap, before: Mapping[str, Comparison]) -> Compared:
    """Read a measure of compared cells; ``before`` are comparisons written out above it."""
    model = build(_RawCompared, raw)
    _one_of(model.gives, COMPARED, raw.where("gives"))
    if model.like is not None:
        return Compared(model.gives, _like(model.like, raw, before))
    named = mapping(raw.get("cell"), where=raw.where("cell" if "cell" in raw else None))
    spec = Comparison(
        required(raw, "amount"),
        required(raw, "interest"),
        required(raw, "where"),
        required(raw, "lent"),
        tuple((label, required(named, label)) for label in named),
    )
    return Compared(model.gives, spec)


def read_charged(raw: YamlMap, before: Mapping[str, Charge]) -> Charged:
    """Read a measure of fees by the year; ``before`` are those written out above it."""
    model = build(_RawCharged, raw)
    _one_of(model.gives, CHARGED, raw.where("gives"))
    if model.like is not None:
        return Charged(model.gives, _like(model.like, raw, before))
    spec = Charge(required(raw, "sum"), required(raw, "months"), required(raw, "where"))
    return Charged(model.gives, spec)


def read_ranked(raw: YamlMap, tables: Iterable[str]) -> Ranked:
    """Read a measure of ranks over one of the registers ``tables``."""
    model = build(_RawRanked, raw)
    _one_of(model.table, tables, raw.where("table"))
    if model.gives not in ("count", "median") and not _PERCENTILE.fullmatch(model.gives):
        raise ParamsError(
            f"“gives”的值“{model.gives}”不可用。",
            where=raw.where("gives"),
            remedy="可用的有：count、median、p90（p1 至 p99）。",
        )
    return Ranked(model.table, model.gives, required(raw, "of"), required(raw, "where"))


def moments(spec: Comparison | Charge | Ranked, rows: Rows) -> set[str]:
    """Moments a computation rests on.

    Raises
    ------
    ParamsError
        A name nobody knows, or a derived column of loans asked of a register.
    """
    tables = OF_FEE if isinstance(spec, Charge) else OF_LOAN
    if isinstance(spec, Ranked):
        tables = spec.tables
    found: set[str] = set()
    for one in spec.expressions:
        if any(qualifier == "institution" for qualifier, _ in one.columns):
            raise ParamsError("这里不能用 institution 前缀的列。", where=one.where)
        if isinstance(spec, Ranked):
            _only_of_customer(one, spec.table, rows)
        found |= rows.over(tables).moments(one)
    return found


def _only_of_customer(expression: Expression, table: str, rows: Rows) -> None:
    """Derived columns used beside a register must not rest on a loan's columns."""
    for qualifier, name in sorted(expression.columns):
        if qualifier == "" and name in rows.derived and not _of_customer(name, rows):
            raise ParamsError(
                f"派生列“{name}”要用借据的列，不能用于“{schema.label(table)}”。",
                where=expression.where,
            )


def _of_customer(name: str, rows: Rows) -> bool:
    return all(
        _of_customer(column, rows) if qualifier == "" and column in rows.derived else qualifier
        for qualifier, column in rows.derived[name].expression.columns
    )


def _one_of(value: str, known: Iterable[str], where: str) -> None:
    names = list(known)
    if value not in names:
        raise ParamsError(
            f"这里不能写“{value}”。", where=where, remedy=f"可用的有：{'、'.join(names)}。"
        )


def _like(name: str, raw: YamlMap, before: Mapping[str, T]) -> T:
    if len(raw) > 2:
        raise ParamsError("写了 as 就只再写 gives。", where=raw.where("as"))
    if name not in before:
        raise ParamsError(
            f"前面没有写出同类计算的指标量“{name}”。",
            where=raw.where("as"),
            remedy=nearest(name, before),
        )
    return before[name]
