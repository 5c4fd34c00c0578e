"""The circular (通报): sections of the county page and its annexes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from puhui.briefing.charts import Dot, dot_chart
from puhui.briefing.county_annexes import (
    definitions_section,
    indicators_annex,
    problem_list_section,
    tolerance_annex,
)
from puhui.briefing.county_clauses import (
    all_clauses,
    counts_table,
    coverage_section,
    matrix_section,
    progress_table,
    totals_table,
)
from puhui.briefing.edits import edited
from puhui.briefing.figures import Figure
from puhui.briefing.judged import (
    PASSED,
    PROBLEMS,
    flagged,
    kind_of,
    limit_text,
    limit_value,
    name_with_flags,
    own_value,
    shown_unit,
    spoken,
    value_figure,
    verdict_said,
)
from puhui.briefing.lacking import lacking_said, to_be_sent
from puhui.briefing.overall import (
    counts_in_words,
    inapplicable,
    joined,
    judged,
    numbered_sections,
    problems,
    verdict_counts,
)
from puhui.briefing.quality import totals
from puhui.briefing.rankings import rankings_section
from puhui.briefing.rates import county_rates
from puhui.briefing.source import COUNTY, SHARED, IndicatorWords, Row, Source
from puhui.briefing.table import Chart, Column, Section, Table
from puhui.briefing.tolerance import MOST_ROWS, problem_branches
from puhui.briefing.two_increases import county_stocks, growth, two_increases_table
from puhui.briefing.words import Words
from puhui.results import FLAGS
from puhui.schema import CODES

_NUMBERS = "一二三四五六七八九十"


def county_sections(source: Source) -> tuple[Section, ...]:
    """Return the circular's sections: opening, six headings, annexes 1 to 12."""
    circular = (
        _opening(source),
        _overall(source),
        _practice(source),
        _problems(source),
        _last_quarter(source),
        _quality(source),
        _requirements(source),
    )
    annexes = (
        _two_increases(source),
        county_rates(source, _heading(source, "rates")),
        indicators_annex(source, "structure"),
        tolerance_annex(source),
        *(indicators_annex(source, name) for name in ("deferral", "mechanisms", "insurers")),
        problem_list_section(source),
        definitions_section(source),
        matrix_section(source),
        rankings_section(source),
        coverage_section(source),
    )
    sections = (*circular, *(replace(section, is_annex=True) for section in annexes))
    return edited(source, COUNTY, sections)


def _heading(source: Source, key: str) -> str:
    return source.words.text(f"county.headings.{key}")


def _opening(source: Source) -> Section:
    words = source.words
    intro = words.text(
        "county.opening.intro", quarter=source.quarter.label, date=source.quarter.end.isoformat()
    )
    selection = source.meta.get("selection", "")
    paragraphs = (words.text("county.opening.to"), intro, *([selection] if selection else []))
    return Section("opening", "", paragraphs)


def all_rows(source: Source) -> list[Row]:
    """Own indicator rows of all institutions."""
    return [row for i in source.institution_ids for row in source.indicators(i)]


def _overall(source: Source) -> Section:
    words, rows = source.words, all_clauses(source)
    with_verdict = judged(rows)
    ids = source.institution_ids
    able = {r["institution_id"] for r in rows if r["verdict"] not in ("no_data", "not_applicable")}
    sentences = [words.text("county.overall.institutions", total=len(ids), with_data=len(able))]
    if with_verdict:
        sentences.append(
            words.text(
                "county.overall.counts",
                judged=len(with_verdict),
                parts=counts_in_words(verdict_counts(with_verdict), PASSED),
            )
        )
    for flag in FLAGS:
        count = len(flagged(with_verdict, flag))
        if count:
            sentences.append(words.text(f"county.overall.{flag}", count=count))
    counts = verdict_counts(rows)
    if counts["to_verify"]:
        sentences.append(words.text("county.overall.to_verify", count=counts["to_verify"]))
    if counts["no_data"]:
        said = lacking_said(source, rows)
        sentences.append(words.text("county.overall.no_data", count=counts["no_data"], list=said))
    paragraphs = ["".join(sentences), *_without(source, able)]
    tables = (counts_table(source),) if rows else ()
    return Section(
        "overall", _heading(source, "overall"), tuple(paragraphs), tables, _charts(source)
    )


def _without(source: Source, able: Collection[str]) -> list[str]:
    """Name those who failed, whom nothing asks, and who sent nothing to go by."""
    ids = source.institution_ids
    failed = [source.name(i) for i in ids if i in source.failed]
    others = [i for i in ids if i not in able and i not in source.failed]
    exempt = [source.name(i) for i in others if inapplicable(source.clauses(i))]
    silent = [source.name(i) for i in others if not inapplicable(source.clauses(i))]
    groups = (("failed", failed), ("not_applicable", exempt), ("silent", silent))
    return [source.words.text(f"county.overall.{n}", list=joined(m)) for n, m in groups if m]


def _charts(source: Source) -> tuple[Chart, ...]:
    """Rank a handful of indicators, legal persons and branches each among themselves."""
    wanted = source.words.texts("county.charts")
    charts = (
        _chart(source, source.catalogue[i], level)
        for i in wanted
        if i in source.catalogue
        for level in CODES["level"]
    )
    return tuple(c for c in charts if c is not None)


def _chart(source: Source, entry: IndicatorWords, level: str) -> Chart | None:
    """Draw one indicator of one level, the worst end first; none for fewer than two."""
    words, group = source.words, CODES["level"][level]
    ids = [i for i in source.institution_ids if source.institution(i)["level"] == level]
    found = [source.indicator(i, entry.indicator_id) for i in ids]
    rows = [r for r in found if r is not None and own_value(r) is not None]
    if len(rows) < 2:
        return None
    less_is_better = rows[0]["test"] in ("<=", "<", "down")
    rows.sort(key=lambda r: own_value(r) or 0, reverse=less_is_better)
    shown = rows[:MOST_ROWS]
    limit, limit_words = _common_limit(source, shown)
    svg = dot_chart(
        [_dot(source, row) for row in shown],
        limit=limit,
        limit_text=limit_words,
        axis_text=words.text("county.overall.axis", label=entry.label, unit=shown_unit(rows[0])),
    )
    cut = line = ""
    if len(rows) > MOST_ROWS:
        cut = words.text("county.overall.cut", total=len(rows), shown=MOST_ROWS)
    if limit_words:
        line = words.text("county.overall.chart_limit", limit=limit_words)
    caption = words.text(
        "county.overall.chart",
        label=entry.label,
        group=group,
        limit=line,
        cut=cut,
        legend=_legend(shown, words),
    )
    said = "；".join(_said(source, row) for row in shown)
    alt = words.text("county.overall.alt", label=entry.label, group=group, list=said)
    return Chart(svg, alt, caption, f"ranked_{entry.indicator_id}_{level}")


def _legend(rows: Sequence[Row], words: Words) -> str:
    """Say what the signs mean that the chart really has."""
    present = {PASSED.get(r["verdict"]) for r in rows}
    signs = (("passed", True), ("failed", False), ("shown", None))
    said = (words.text(f"county.overall.legend.{n}") for n, sign in signs if sign in present)
    return "，".join(said)


def _common_limit(source: Source, rows: Sequence[Row]) -> tuple[float | None, str]:
    """Return the threshold judged rows share, drawn and in words; none for tests on the base."""
    judged_rows = [r for r in rows if r["threshold"] is not None]
    limits = {limit_value(r) for r in judged_rows}
    bound = limits.pop() if len(limits) == 1 else None
    if bound is None:
        return None, ""
    text = limit_text(judged_rows[0], source.words)
    drawn = float(Figure(bound, kind_of(rows[0])).scaled)
    return drawn, source.words.text("county.overall.limit", limit=text)


def _dot(source: Source, row: Row) -> Dot:
    figure = value_figure(row)
    value, text = (figure.scaled, figure.text) if isinstance(figure, Figure) else (0, "")
    return Dot(source.name(row["institution_id"]), float(value), text, PASSED.get(row["verdict"]))


def _said(source: Source, row: Row) -> str:
    return source.words.text(
        "county.overall.alt_row",
        name=source.name(row["institution_id"]),
        value=spoken(row),
        verdict=verdict_said(row, source.words),
    )


def _practice(source: Source) -> Section:
    words, paragraphs, met_by = source.words, [], []
    total, count = county_stocks(source)
    if total is not None and total.balance is not None and total.base_balance is not None:
        change = total.balance - total.base_balance
        rate = growth(total.balance, total.base_balance)
        paragraphs.append(
            words.text(
                "county.practice.totals",
                balance=Figure(total.balance, "money_yi").text,
                increase=Figure(change, "money_yi", against=(change * 0,)).text,
                growth="—" if rate is None else Figure(rate, "percent", against=(rate * 0,)).text,
                count=count,
                unit=words.text("common.money.yi"),
            )
        )
    if total is not None and total.customers is not None and total.base_customers is not None:
        paragraphs.append(
            words.text(
                "county.practice.customers",
                customers=Figure(total.customers, "count").text,
                change=Figure(total.customers - total.base_customers, "count").text,
            )
        )
    rows = all_rows(source)
    for indicator_id in words.texts("institution.main"):
        counts = verdict_counts(r for r in rows if r["indicator_id"] == indicator_id)
        met = counts["met"] + counts["on_track"]
        if met:
            label = source.catalogue[indicator_id].label
            met_by.append(words.text("county.practice.met_item", label=label, met=met))
    if met_by:
        paragraphs.append(words.text("county.practice.met", list="；".join(met_by)))
    paragraphs.append(words.text("county.practice.hand"))
    return Section("practice", _heading(source, "practice"), tuple(paragraphs))


_PROBLEM_WORDS = {"not_met": "item", "met_reserved": "reserved", "behind": "behind"}


def _problems(source: Source) -> Section:
    words, paragraphs = source.words, []
    troubled = problems(all_rows(source))
    for n, (name, rows) in enumerate(numbered_sections(source, troubled)):
        head = words.text("county.problems.group", number=_NUMBERS[n], section=name)
        said = [_problem_sentence(source, rows, v, i) for i in source.catalogue for v in PROBLEMS]
        paragraphs.append(head + "。" + "".join(said))
    branches = {i: problem_branches(source, i) for i in source.institution_ids}
    count = sum(len(found) for found in branches.values())
    if count:
        names = joined(source.name(i) for i, found in branches.items() if found)
        paragraphs.append(words.text("county.problems.branches", count=count, list=names))
    if not paragraphs:
        paragraphs.append(words.text("county.problems.none"))
    return Section("problems", _heading(source, "problems"), tuple(paragraphs))


def _problem_sentence(source: Source, rows: Sequence[Row], verdict: str, indicator_id: str) -> str:
    found = [r for r in rows if r["indicator_id"] == indicator_id and r["verdict"] == verdict]
    if not found:
        return ""
    names = (name_with_flags(source.name(r["institution_id"]), r, source.words) for r in found)
    return source.words.text(
        f"county.problems.{_PROBLEM_WORDS[verdict]}",
        clause=source.catalogue[indicator_id].clause,
        label=source.catalogue[indicator_id].label,
        list=joined(names),
    )


def _last_quarter(source: Source) -> Section:
    heading, table = _heading(source, "last_quarter"), progress_table(source)
    if table is None:
        return Section("last_quarter", heading, (source.words.text("county.last_quarter.none"),))
    lead = source.words.text("county.last_quarter.lead")
    return Section("last_quarter", heading, (lead,), (table,))


def _quality(source: Source) -> Section:
    words, ids = source.words, source.institution_ids
    everyone = source.submitting_ids
    total = totals(source, everyone)
    text = words.text(
        "county.quality.total",
        **{k: f"{getattr(total, k):,}" for k in ("rows_in", "accepted", "quarantined", "non_data")},
        errors=total.findings["error"],
        warnings=total.findings["warning"],
        reasonableness=total.findings["reasonableness"],
    )
    columns = (
        Column("institution", "机构"),
        Column("status", "接收状态"),
        Column("rows_in", "读入", "行", "count"),
        Column("accepted", "接收", "行", "count"),
        Column("quarantined", "隔离", "行", "count"),
        Column("non_data", "非数据", "行", "count"),
        Column("errors", "错误", "条", "count"),
        Column("warnings", "警告", "条", "count"),
        Column("reasonableness", "合理性", "条", "count"),
    )
    cells = []
    others = [i for i in everyone if i not in {*ids, SHARED}]
    groups = [(source.name(i), [i]) for i in ids]
    if others:
        groups.append((words.text("county.quality.others", count=len(others)), others))
    if SHARED in everyone:
        groups.append((words.text("county.quality.shared"), [SHARED]))
    for name, members in groups:
        t = totals(source, members)
        cells.append(
            (
                name,
                words.of("common.intake", t.status)
                if t.status
                else words.text("county.quality.absent"),
                t.rows_in,
                t.accepted,
                t.quarantined,
                t.non_data,
                *(t.findings[s] for s in ("error", "warning", "reasonableness")),
            )
        )
    table = Table("quality", words.text("county.quality.caption"), columns, tuple(cells))
    return Section("quality", _heading(source, "quality"), (text,), (table,))


def _requirements(source: Source) -> Section:
    words, ids = source.words, source.institution_ids
    rows, items = all_clauses(source), []
    troubled = {r["institution_id"] for r in problems(rows)}
    if troubled:
        items.append(words.text("county.requirements.problems", count=len(troubled)))
    each = [totals(source, [i]) for i in ids]
    unclean = sum(1 for t in each if t.quarantined or t.findings["error"])
    if unclean:
        items.append(words.text("county.requirements.quarantine", count=unclean))
    missing = to_be_sent(source, rows)
    if missing:
        items.append(words.text("county.requirements.no_data", list=missing))
    items.append(words.text("county.requirements.always"))
    return Section("requirements", _heading(source, "requirements"), items=tuple(items))


def _two_increases(source: Source) -> Section:
    heading = _heading(source, "two_increases")
    tables = [t for t in (two_increases_table(source), totals_table(source)) if t is not None]
    if not tables:
        text = source.words.text("county.two_increases.none")
        return Section("two_increases", heading, (text,))
    return Section("two_increases", heading, (), tuple(tables))
