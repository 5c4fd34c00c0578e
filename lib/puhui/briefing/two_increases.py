"""Annex 1 of the circular: the two increases (两增) by institution, with subtotals by kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from puhui.briefing.figures import Figure, exact, in_full
from puhui.briefing.judged import no_value, own_value, value_figure
from puhui.briefing.overall import inapplicable, joined
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
    """Return the annex table, or ``None`` if no institution has a value for it."""
    words = source.words
    ids = [i for i in source.institution_ids if _rows(source, i) != (None, None)]
    if not any(own_value(r) is not None for i in ids for r in _rows(source, i) if r):
        return None
    known = {i: stocks(source, i) for i in ids}
    rows, left_out = _all_rows(source, known)
    absent = [
        source.name(i)
        for i in ids
        if not known[i].complete and not inapplicable([r for r in _rows(source, i) if r])
    ]
    notes = [words.text("two_increases.note")]
    if left_out:
        notes.append(words.text("two_increases.left_out"))
    if absent:
        notes.append(words.text("two_increases.absent", count=len(absent), list=joined(absent)))
    notes.append(words.text("two_increases.reasons"))
    title = words.text("two_increases.caption")
    columns = _columns(words.text("common.money.yi"))
    return Table("two_increases", title, columns, tuple(rows), tuple(notes), ordered=True)


def _all_rows(source: Source, known: Mapping[str, Stocks]) -> tuple[list[tuple[object, ...]], bool]:
    """Rows by kind with subtotals and the total; whether growth was left out of one of them."""
    words = source.words
    by_kind: dict[str, dict[str, Stocks]] = {}
    for institution_id, held in known.items():
        kind = str(source.institution(institution_id)["kind"])
        by_kind.setdefault(kind, {})[institution_id] = held
    order = list(CODES["institution_kind"])
    rows: list[tuple[object, ...]] = []
    left_out = False
    for kind in sorted(by_kind, key=lambda k: order.index(k) if k in order else len(order)):
        members = by_kind[kind]
        rows += [_institution_row(source, i, held) for i, held in members.items()]
        if len(members) > 1:
            name = CODES["institution_kind"].get(kind, kind)
            label = words.text("two_increases.subtotal", kind=name)
            added, without = _total_row(label, members, source)
            rows, left_out = rows + added, left_out or without
    added, without = _total_row(words.text("two_increases.total"), known, source)
    return rows + added, left_out or without


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


def _figure(
    value: Fraction | None, kind: str, row: Row | None = None, *, signed: bool = False
) -> Figure | NoData:
    """Return a figure; without a value, what a cell of the indicator's row then says."""
    if value is None:
        return no_value(row) if row else NoData()
    return Figure(value, kind, against=_ZERO if signed else ())


def _difference(now: Fraction | None, base: Fraction | None) -> Fraction | None:
    return None if now is None or base is None else now - base


def _figures(s: Stocks, row: Row | None = None) -> tuple[Figure | NoData, ...]:
    change = _difference(s.balance, s.base_balance)
    return _figure(s.balance, "money_yi", row), _figure(change, "money_yi", row, signed=True)


def _parts(
    source: Source, institution_id: str, row: Row | None, *names: str
) -> tuple[Fraction | None, ...]:
    """Look up what stands beside an indicator; nothing where it has no value."""
    if row is None or own_value(row) is None:
        return (None,) * len(names)
    named = source.words.map("two_increases.parts")
    return tuple(source.part(institution_id, row["indicator_id"], named[n]) for n in names)


def _institution_row(source: Source, institution_id: str, s: Stocks) -> tuple[object, ...]:
    words, own = source.words, source.institution(institution_id)
    growth_row, customers_row = _rows(source, institution_id)
    marks = [
        words.mark(r["verdict"], r["flags"]) if r else NoData() for r in (growth_row, customers_row)
    ]
    origins = dict.fromkeys(r["source"] for r in (growth_row, customers_row) if r and r["source"])
    rates = _parts(source, institution_id, growth_row, "growth", "all_growth")
    now, base = _parts(source, institution_id, customers_row, "customers", "customers_base")
    return (
        own["name"],
        *_figures(s, growth_row),
        *(_figure(rate, "percent", growth_row, signed=True) for rate in rates),
        _without_reason(growth_row),
        marks[0],
        _figure(now, "count", customers_row),
        _figure(_difference(now, base), "count", customers_row, signed=True),
        marks[1],
        *_plan(source, institution_id),
        CODES["level"].get(own["level"], "—"),
        joined(words.of("common.sources", o) for o in origins) or "—",
    )


def _plan(source: Source, institution_id: str) -> tuple[object, ...]:
    """Plan of the year, how far it is fulfilled, and how far it should be by now."""
    words = source.words
    row = source.indicator(institution_id, words.text("two_increases.plan_indicator"))
    if row is None or own_value(row) is None:
        return (no_value(row) if row else NoData(),) * 3
    (plan,) = _parts(source, institution_id, row, "plan")
    return _figure(plan, "money_yi", row), value_figure(row), _limit(row)


def _limit(row: Row) -> Figure | None:
    limit = exact(row["threshold"])
    return None if limit is None else in_full(limit, "percent")


def _without_reason(row: Row | None) -> Figure | NoData:
    """Return the value; why one is missing stands in the letter, not in a column of figures."""
    figure = value_figure(row) if row else NoData()
    return replace(figure, reason="") if isinstance(figure, NoData) else figure


def _adds_up(source: Source, institution_id: str, s: Stocks) -> bool:
    """Whether all loans as summed here are what the institution's growth was judged against."""
    (judged,) = _parts(source, institution_id, _rows(source, institution_id)[0], "all_growth")
    return judged is not None and judged == growth(s.all_loans, s.base_all_loans)


def _total_row(
    label: str, members: Mapping[str, Stocks], source: Source
) -> tuple[list[tuple[object, ...]], bool]:
    """Return the row of a subtotal (none without members), and whether growth was left out."""
    counted = {i: s for i, s in members.items() if s.complete}
    total = _sum(list(counted.values()))
    if total is None:
        return [], False
    own = growth(total.balance, total.base_balance)
    exact_sum = all(_adds_up(source, i, s) for i, s in counted.items())
    others = growth(total.all_loans, total.base_all_loans) if exact_sum else None
    row = (
        label,
        *_figures(total),
        _figure(own, "percent", signed=True),
        _figure(others, "percent", signed=True),
        _figure(_difference(own, others), "pp", signed=True),
        None,
        _figure(total.customers, "count"),
        _figure(_difference(total.customers, total.base_customers), "count", signed=True),
        *(None,) * 6,
    )
    return [row], not exact_sum
