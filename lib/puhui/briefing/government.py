"""The report to the county government: totals, policy take-up, matters to coordinate; no names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from puhui.briefing.clauses import section_name
from puhui.briefing.figures import Figure
from puhui.briefing.judged import PASSED, kind_of, own_value, shown_unit
from puhui.briefing.small_groups import Figures, merged, safe
from puhui.briefing.source import COUNTY, Source
from puhui.briefing.table import Column, NoData, Section, Table
from puhui.briefing.two_increases import growth, stocks
from puhui.params.audiences import Audience
from puhui.schema import CODES


def government_title(source: Source) -> str:
    """Title of the report."""
    return source.words.text("government.title", quarter=source.quarter.label)


def government_sections(source: Source, audience: Audience) -> tuple[Section, ...]:
    """Return the report's sections; ``audience`` says which clauses, amounts and limits."""
    words = source.words
    intro = words.text(
        "government.opening.intro",
        quarter=source.quarter.label,
        date=source.quarter.end.isoformat(),
    )
    opening = Section("opening", "", (words.text("government.opening.to"), intro))
    rule = audience.small_groups
    said = words.text(
        "government.about.rule", fewest=rule.fewest, percent=f"{rule.remainder_percent:f}"
    )
    about = (said, words.text("government.about.verdicts"), words.text("government.about.source"))
    return (
        opening,
        _totals(source, audience),
        _takeup(source, audience),
        _coordination(source, audience),
        Section("about", _heading(source, "about"), items=about),
    )


def _heading(source: Source, key: str) -> str:
    return source.words.text(f"government.headings.{key}")


def _totals(source: Source, audience: Audience) -> Section:
    """Balances and customers of all institutions, and by kind where that tells nobody's own."""
    words, heading = source.words, _heading(source, "totals")
    groups: dict[str, list[Figures]] = {}
    for kind in CODES["institution_kind"]:
        groups[kind] = [
            figures
            for i in source.institution_ids
            if source.institution(i)["kind"] == kind and (figures := _stocks(source, i))
        ]
    shown = merged(groups, audience.small_groups)
    if not shown:
        return Section("totals", heading, (words.text("government.totals.none"),))
    everyone = [figures for _, members in shown for figures in members]
    columns = (
        Column("group", "机构类型"),
        Column("institutions", "机构数", "家", "count"),
        Column("balance", "余额", words.text("common.money.yi"), "money_yi"),
        Column("increase", "较年初增加", words.text("common.money.yi"), "money_yi"),
        Column("growth", "较年初增速", "%", "percent"),
        Column("customers", "户数", "户次", "count"),
        Column("change", "较年初增减", "户次", "count"),
    )
    cells = [
        (_group(source, name, alone=len(shown) == 1), *_added(members)) for name, members in shown
    ]
    if len(shown) > 1:
        cells.append((words.text("government.totals.all"), *_added(everyone)))
    table = Table(
        "totals", words.text("government.totals.caption"), columns, tuple(cells), ordered=True
    )
    _, balance, increase, rate, customers, change = (
        c.text if isinstance(c, Figure) else str(c) for c in _added(everyone)
    )
    lead = words.text(
        "government.totals.lead",
        count=len(everyone),
        balance=balance,
        increase=increase,
        growth=rate,
        customers=customers,
        change=change,
        unit=words.text("common.money.yi"),
    )
    return Section("totals", heading, (lead, *_county_verdicts(source, audience)), (table,))


def _stocks(source: Source, institution_id: str) -> Figures | None:
    """Balance and customers now and at the start of the year, if all four are known."""
    held = stocks(source, institution_id)
    figures = (held.balance, held.base_balance, held.customers, held.base_customers)
    known = tuple(f for f in figures if f is not None)
    return known if len(known) == len(figures) else None


def _group(source: Source, kind: str, *, alone: bool) -> str:
    words = source.words
    if kind:
        return CODES["institution_kind"][kind]
    return words.text("government.totals.all" if alone else "government.totals.rest")


def _added(members: Sequence[Figures]) -> tuple[object, ...]:
    now, base, customers, customers_base = (
        sum(column, Fraction(0)) for column in zip(*members, strict=True)
    )
    rate = growth(now, base)
    zero = (Fraction(0),)
    return (
        len(members),
        Figure(now, "money_yi"),
        Figure(now - base, "money_yi", against=zero),
        NoData() if rate is None else Figure(rate, "percent", against=zero),
        Figure(customers, "count"),
        Figure(customers - customers_base, "count", against=zero),
    )


def _county_verdicts(source: Source, audience: Audience) -> list[str]:
    """Say the verdicts on the county as a whole, without the figures of its parts."""
    words, said = source.words, []
    levels = Counter(source.institution(i)["level"] for i in source.institution_ids)
    if min(levels.values(), default=0) < audience.small_groups.fewest:
        return []
    for row in source.indicators(COUNTY):
        if row["verdict"] in PASSED:
            label = source.catalogue[row["indicator_id"]].label
            mark = words.mark(row["verdict"], row["flags"]).spoken
            said.append(words.text("government.totals.verdict", label=label, verdict=mark))
    return [words.text("government.totals.verdicts", list="；".join(said))] if said else []


@dataclass(frozen=True)
class _Count:
    """Of a clause: institutions with a verdict, and how many of them have reached it."""

    judged: int = 0
    reached: int = 0


def _counted(source: Source, clause: str) -> _Count:
    own = (source.clauses(i) for i in source.institution_ids)
    passed = [
        PASSED[r["verdict"]]
        for rows in own
        for r in rows
        if r["clause"] == clause and r["verdict"] in PASSED
    ]
    return _Count(len(passed), sum(passed))


def _label(source: Source, clause: str) -> str:
    entries = source.by_clause.get(clause, ())
    return entries[0].label if entries else source.notice[clause].wording


def _takeup(source: Source, audience: Audience) -> Section:
    """Institutions that reached each clause, and sums of what policy brought."""
    words, fewest = source.words, audience.small_groups.fewest
    columns = (
        Column("section", "部分"),
        Column("clause", "条款"),
        Column("wording", "要求"),
        Column("judged", "有结论", "家", "count"),
        Column("reached", "已达到", "家", "count"),
        Column("short", "未达到", "家", "count"),
    )
    few = words.text("government.takeup.few", fewest=fewest)
    cells: list[tuple[object, ...]] = []
    shown = _Count()
    for clause in (source.notice[c] for c in source.notice if c in audience.clauses):
        found = _counted(source, clause.clause)
        counts: tuple[object, ...] = (NoData(word=few),) * 3
        if found.judged >= fewest:
            counts = (found.judged, found.reached, found.judged - found.reached)
            shown = _Count(shown.judged + found.judged, shown.reached + found.reached)
        head = (section_name(source, clause.section), clause.clause, clause.wording)
        cells.append((*head, *counts))
    title = words.text("government.takeup.caption")
    table = Table("takeup", title, columns, tuple(cells), grouped=True)
    lead = words.text(
        "government.takeup.lead",
        judged=shown.judged,
        reached=shown.reached,
        short=shown.judged - shown.reached,
        fewest=fewest,
    )
    return Section(
        "takeup", _heading(source, "takeup"), (lead,), (table, *_amounts(source, audience))
    )


def _amounts(source: Source, audience: Audience) -> tuple[Table, ...]:
    words, rule = source.words, audience.small_groups
    columns = (
        Column("clause", "条款"),
        Column("label", "内容"),
        Column("institutions", "有数的机构", "家", "count"),
        Column("unit", "单位"),
        Column("total", "合计", "", "number"),
    )
    few = words.text("government.takeup.few", fewest=rule.fewest)
    cells: list[tuple[object, ...]] = []
    for indicator in audience.amounts:
        found = [r for i in source.institution_ids if (r := source.indicator(i, indicator))]
        valued = [(r, v) for r in found if (v := own_value(r)) is not None and v]
        if not found:
            continue
        entry = source.catalogue[indicator]
        figures: tuple[object, ...] = (NoData(word=few), "—", NoData(word=few))
        if safe([v for _, v in valued], rule):
            row = valued[0][0]
            total = Figure(sum((v for _, v in valued), Fraction(0)), kind_of(row))
            figures = (len(valued), shown_unit(row), total)
        cells.append((entry.clause, entry.label, *figures))
    if not cells:
        return ()
    title = words.text("government.takeup.amounts")
    return (Table("amounts", title, columns, tuple(cells)),)


def _coordination(source: Source, audience: Audience) -> Section:
    """Clauses that need others than the institutions, and how many have not reached them."""
    words, items = source.words, []
    for clause in audience.coordinate:
        found = _counted(source, clause)
        short = found.judged - found.reached
        if found.judged >= audience.small_groups.fewest and short:
            items.append(
                words.text(
                    "government.coordination.item",
                    clause=clause,
                    label=_label(source, clause),
                    judged=found.judged,
                    short=short,
                )
            )
    lead = "some" if items else "none"
    texts = (
        words.text(f"government.coordination.{lead}"),
        words.text("government.coordination.hand"),
    )
    return Section("coordination", _heading(source, "coordination"), texts, items=tuple(items))
