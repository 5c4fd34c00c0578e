"""Annex 1 of the circular: the two increases (两增) by institution, with subtotals by kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from puhui.briefing.figures import Figure, exact
from puhui.briefing.judged import value_figure
from puhui.briefing.overall import joined
from puhui.briefing.source import Row, Source
from puhui.briefing.table import Column, NoData, Table
from puhui.quarter import Quarter
from puhui.schema import CODES

_ZERO = (Fraction(0),)


@dataclass(frozen=True)
class Stocks:
    """Balances (yuan) and customers now and at the start of the year; ``None`` is unknown."""

    balance: Fraction | None
    base_balance: Fraction | None
    all_loans: Fraction | None
    base_all_loans: Fraction | None
    customers: Fraction | None
    base_customers: Fraction | None

    @property
    def complete(self) -> bool:
        """Whether balances of both dates are known."""
        return self.balance is not None and self.base_balance is not None

    def __add__(self, other: Stocks) -> Stocks:
        return Stocks(*(_plus(a, b) for a, b in zip(self._all(), other._all(), strict=True)))

    def _all(self) -> tuple[Fraction | None, ...]:
        loans = (self.all_loans, self.base_all_loans)
        return (self.balance, self.base_balance, *loans, self.customers, self.base_customers)


def _plus(left: Fraction | None, right: Fraction | None) -> Fraction | None:
    return None if left is None or right is None else left + right


def growth(now: Fraction | None, base: Fraction | None) -> Fraction | None:
    """Growth in percent; ``None`` where a figure is missing or the base is zero."""
    return None if now is None or not base else (now / base - 1) * 100


def stocks(source: Source, institution_id: str) -> Stocks:
    """Look up an institution's stocks in the source its growth indicator was computed from."""
    words = source.words
    names = words.map("two_increases.measures")
    growth_row = source.indicator(institution_id, words.text("two_increases.growth_indicator"))
    customer_row = source.indicator(institution_id, words.text("two_increases.customers_indicator"))

    def look(item: str, row: Row | None, quarter: Quarter) -> Fraction | None:
        origin = None if row is None else row["source"]
        return exact(source.measure(institution_id, names[item], quarter, origin))

    now, base = source.quarter, source.quarter.year_start
    return Stocks(
        look("balance", growth_row, now),
        look("balance", growth_row, base),
        look("all_loans", growth_row, now),
        look("all_loans", growth_row, base),
        look("customers", customer_row, now),
        look("customers", customer_row, base),
    )


def county_stocks(source: Source) -> tuple[Stocks | None, int]:
    """Sum over institutions with both dates, and how many they are."""
    known = [s for i in source.institution_ids if (s := stocks(source, i)).complete]
    return _sum(known), len(known)


def _sum(parts: Sequence[Stocks]) -> Stocks | None:
    if not parts:
        return None
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def two_increases_table(source: Source) -> Table | None:
    """Return the annex table, or ``None`` if no institution has a result for it."""
    words = source.words
    ids = [i for i in source.institution_ids if _rows(source, i) != (None, None)]
    if not ids:
        return None
    known = {i: stocks(source, i) for i in ids}
    by_kind: dict[str, list[str]] = {}
    for institution_id in ids:
        by_kind.setdefault(str(source.institution(institution_id)["kind"]), []).append(
            institution_id
        )
    order = list(CODES["institution_kind"])
    rows: list[tuple[object, ...]] = []
    for kind in sorted(by_kind, key=lambda k: order.index(k) if k in order else len(order)):
        members = by_kind[kind]
        rows += [_institution_row(source, i, known[i]) for i in members]
        if len(members) > 1:
            name = CODES["institution_kind"].get(kind, kind)
            label = words.text("two_increases.subtotal", kind=name)
            rows += _total_row(label, [known[i] for i in members], source)
    rows += _total_row(words.text("two_increases.total"), list(known.values()), source)
    absent = [source.name(i) for i in ids if not known[i].complete]
    notes = [words.text("two_increases.note")]
    if absent:
        notes.append(words.text("two_increases.absent", list=joined(absent)))
    notes.append(words.text("two_increases.reasons"))
    title = words.text("two_increases.caption")
    columns = _columns(words.text("common.money.yi"))
    return Table("two_increases", title, columns, tuple(rows), tuple(notes))


def _columns(unit: str) -> tuple[Column, ...]:
    return (
        Column("institution", "机构"),
        Column("balance", "余额", unit, "money_yi"),
        Column("increase", "较年初增加", unit, "money_yi"),
        Column("growth", "较年初增速", "%", "percent"),
        Column("all_growth", "各项贷款增速", "%", "percent"),
        Column("gap", "高/低", "百分点", "pp"),
        Column("gap_verdict", "结论（增速）", "", "verdict"),
        Column("customers", "户数", "户", "count"),
        Column("customers_change", "较年初增减", "户", "count"),
        Column("customers_verdict", "结论（户数）", "", "verdict"),
        Column("plan", "年度计划", unit, "money_yi"),
        Column("completion", "完成率", "%", "percent"),
        Column("progress", "序时进度", "%", "percent"),
        Column("level", "口径"),
        Column("source", "数据来源"),
    )


def _rows(source: Source, institution_id: str) -> tuple[Row | None, Row | None]:
    words = source.words
    names = ("two_increases.growth_indicator", "two_increases.customers_indicator")
    growth_row, customers_row = (
        source.indicator(institution_id, words.text(name)) for name in names
    )
    return growth_row, customers_row


def _figure(value: Fraction | None, kind: str, *, signed: bool = False) -> Figure | NoData:
    if value is None:
        return NoData()
    return Figure(value, kind, against=_ZERO if signed else ())


def _difference(now: Fraction | None, base: Fraction | None) -> Fraction | None:
    return None if now is None or base is None else now - base


def _figures(s: Stocks) -> tuple[Figure | NoData, ...]:
    return (
        _figure(s.balance, "money_yi"),
        _figure(_difference(s.balance, s.base_balance), "money_yi", signed=True),
        _figure(growth(s.balance, s.base_balance), "percent", signed=True),
        _figure(growth(s.all_loans, s.base_all_loans), "percent", signed=True),
    )


def _customers(s: Stocks) -> tuple[Figure | NoData, ...]:
    return (
        _figure(s.customers, "count"),
        _figure(_difference(s.customers, s.base_customers), "count", signed=True),
    )


def _institution_row(source: Source, institution_id: str, s: Stocks) -> tuple[object, ...]:
    words, own = source.words, source.institution(institution_id)
    growth_row, customers_row = _rows(source, institution_id)
    marks = [
        words.mark(r["verdict"], r["flags"]) if r else NoData() for r in (growth_row, customers_row)
    ]
    origins = dict.fromkeys(r["source"] for r in (growth_row, customers_row) if r and r["source"])
    return (
        own["name"],
        *_figures(s),
        _without_reason(growth_row),
        marks[0],
        *_customers(s),
        marks[1],
        *(NoData(),) * 3,
        CODES["level"].get(own["level"], "—"),
        joined(words.of("common.sources", o) for o in origins) or "—",
    )


def _without_reason(row: Row | None) -> Figure | NoData:
    """Return the value; why one is missing stands in the letter, not in a column of figures."""
    figure = value_figure(row) if row else NoData()
    return NoData() if isinstance(figure, NoData) else figure


def _total_row(label: str, parts: Sequence[Stocks], source: Source) -> list[tuple[object, ...]]:
    total = _sum([p for p in parts if p.complete])
    if total is None:
        return []
    own = growth(total.balance, total.base_balance)
    gap = _difference(own, growth(total.all_loans, total.base_all_loans))
    figures = (*_figures(total), _figure(gap, "pp", signed=True))
    return [(label, *figures, None, *_customers(total), *(None,) * 6)]
