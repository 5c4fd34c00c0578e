"""The letter to an institution (监管反馈): sections of its page and annexes."""

from __future__ import annotations

from dataclasses import replace

from puhui.briefing.charts import Gauge, gauge_chart
from puhui.briefing.clauses import clauses_section, methods_section
from puhui.briefing.figures import Figure
from puhui.briefing.judged import (
    PASSED,
    base_figure,
    base_value,
    change_figure,
    change_unit,
    flagged,
    limit_text,
    limit_value,
    name_with_flags,
    own_value,
    serious_first,
    shown_unit,
    spoken,
    value_figure,
    verdict_said,
)
from puhui.briefing.overall import (
    counts_in_words,
    force_word,
    inapplicable,
    joined,
    judged,
    labels,
    problems,
    verdict_counts,
)
from puhui.briefing.peers import Peers, fewest, peers
from puhui.briefing.quality import quality_section, totals
from puhui.briefing.rates import institution_rates
from puhui.briefing.source import Row, Source
from puhui.briefing.table import Chart, Column, Section, Table
from puhui.briefing.tolerance import comparator, gap, limit, problem_branches, tolerance_section
from puhui.briefing.tolerance import limit_text as tolerance_limit_text
from puhui.results import VERDICTS


def institution_title(source: Source, institution_id: str) -> str:
    """Title of the letter."""
    name, quarter = source.name(institution_id), source.quarter.label
    if name.isascii():
        name = f" {name} "  # a Latin name runs into the digits of the quarter otherwise
    return source.words.text("institution.title", name=name, quarter=quarter)


def institution_sections(source: Source, institution_id: str) -> tuple[Section, ...]:
    """Return the letter's sections: opening, seven headings, annexes, folded methods.

    Raises
    ------
    RunError
        If the register has no such institution.
    """
    heading = source.words.text("institution.headings.rates")
    letter = (
        _opening(source, institution_id),
        _overall(source, institution_id),
        _indicators(source, institution_id),
        _problems(source, institution_id),
        _leads(source, institution_id),
        _last_quarter(source),
        _requirements(source, institution_id),
        quality_section(source, institution_id),
    )
    annexes = (
        clauses_section(source, institution_id),
        tolerance_section(source, institution_id),
        institution_rates(source, institution_id, heading),
        methods_section(source, institution_id),
    )
    return (*letter, *(replace(section, is_annex=True) for section in annexes))


def _heading(source: Source, key: str) -> str:
    return source.words.text(f"institution.headings.{key}")


def _opening(source: Source, institution_id: str) -> Section:
    words = source.words
    to = words.text("institution.opening.to", name=source.name(institution_id))
    intro = words.text(
        "institution.opening.intro",
        quarter=source.quarter.label,
        date=source.quarter.end.isoformat(),
    )
    return Section("opening", "", (to, intro))


def _overall(source: Source, institution_id: str) -> Section:
    words, heading = source.words, _heading(source, "overall")
    failed = source.failed.get(institution_id)
    if failed:
        text = words.text("institution.overall.failed", reason=failed)
        return Section("overall", heading, (text,))
    rows = source.indicators(institution_id)
    with_verdict = judged(rows)
    sentences = []
    if with_verdict:
        parts = counts_in_words(verdict_counts(with_verdict), PASSED)
        sentences.append(
            words.text("institution.overall.counts", judged=len(with_verdict), parts=parts)
        )
        troubled = problems(rows)
        name = "problems" if troubled else "clear"
        sentences.append(words.text(f"institution.overall.{name}", list=labels(source, troubled)))
    else:
        sentences.append(words.text(f"institution.overall.{_why_unjudged(rows)}"))
    branches = problem_branches(source, institution_id)
    if branches:
        said = joined(name_with_flags(name, row, words) for row, name in branches)
        sentences.append(words.text("institution.overall.branches", count=len(branches), list=said))
    for name, chosen in _remarks(rows):
        if chosen:
            said = labels(source, chosen)
            sentences.append(
                words.text(f"institution.overall.{name}", list=said, count=len(chosen))
            )
    return Section("overall", heading, ("".join(sentences),))


def _why_unjudged(rows: tuple[Row, ...]) -> str:
    """Return the name of the sentence on rows none of which is judged."""
    if any(own_value(row) is not None for row in rows):
        return "shown"
    return "not_applicable" if inapplicable(rows) else "nothing"


def _remarks(rows: tuple[Row, ...]) -> list[tuple[str, list[Row]]]:
    return [
        *((flag, flagged(rows, flag)) for flag in ("provisional", "small", "near_limit")),
        ("no_data", [r for r in rows if r["verdict"] == "no_data"]),
    ]


def _indicators(source: Source, institution_id: str) -> Section:
    words, heading = source.words, _heading(source, "indicators")
    rows = [r for r in source.indicators(institution_id) if own_value(r) is not None]
    if not rows:
        return Section("indicators", heading, (words.text("institution.indicators.empty"),))
    compared = {r["indicator_id"]: peers(source, institution_id, r["indicator_id"]) for r in rows}
    columns = (
        Column("label", "指标"),
        Column("value", "本期", "", "number"),
        Column("base", "基期", "", "number"),
        Column("change", "变动", "", "number"),
        Column("change_unit", "变动单位"),
        Column("base_word", "比较口径"),
        Column("limit", "标准"),
        Column("peers", "同业", "", "number"),
        Column("verdict", "结论", "", "verdict"),
    )
    cells = tuple(_indicator_cells(source, r, compared[r["indicator_id"]]) for r in rows)
    title = words.text("institution.indicators.caption", date=source.quarter.end.isoformat())
    notes = (
        _peer_note(source, [p for p in compared.values() if p]),
        words.text("institution.indicators.rounding"),
    )
    table = Table("indicators", title, columns, cells, notes)
    return Section("indicators", heading, (), (table,), _gauges(source, rows))


def _indicator_cells(source: Source, row: Row, compared: Peers | None) -> tuple[object, ...]:
    figure = value_figure(row)
    kind = figure.kind if isinstance(figure, Figure) else "number"
    words = source.words
    change = change_figure(row, words)
    return (
        f"{source.catalogue[row['indicator_id']].label}（{shown_unit(row)}）",
        figure,
        base_figure(row),
        change,
        change_unit(row, words) if change else "—",
        words.of("common.bases", row["base"]) if row["base"] else "—",
        limit_text(row, words),
        Figure(compared.median, kind) if compared else None,
        words.mark(row["verdict"], row["flags"]),
    )


def _peer_note(source: Source, found: list[Peers]) -> str:
    words = source.words
    few = fewest(words)
    if not found:
        return words.text("institution.indicators.no_peers", fewest=few)
    groups = {p.group: p.others for p in found}
    said = joined(f"{words.of('common.peers', g)}（{n} 家）" for g, n in groups.items())
    return words.text("institution.indicators.peers", groups=said, fewest=few)


def _gauges(source: Source, rows: list[Row]) -> tuple[Chart, ...]:
    words = source.words
    gauges, said = [], []
    for row in judged(rows):
        value, bound = own_value(row), limit_value(row)
        if value is None or bound is None:
            continue
        base, label = base_value(row), source.catalogue[row["indicator_id"]].label
        text, kind = spoken(row), "gauge_base" if row["test"] in ("up", "down") else "gauge_limit"
        against = base_figure(row)
        short = limit_text(row, words)
        gauges.append(
            Gauge(
                label=label,
                value=float(value),
                base=None if base is None else float(base),
                limit=float(bound),
                better=1 if row["test"] in (">=", ">", "up") else -1,
                text=text,
                limit_text=words.text(
                    f"institution.indicators.{kind}",
                    limit=short,
                    value=against.text if against else "",
                ),
                passed=PASSED[row["verdict"]],
            )
        )
        said.append(
            words.text(
                "institution.indicators.alt_row",
                label=label,
                value=text,
                limit=short,
                verdict=verdict_said(row, words),
            )
        )
    if not gauges:
        return ()
    svg = gauge_chart(
        gauges,
        left_text=words.text("institution.indicators.left"),
        right_text=words.text("institution.indicators.right"),
    )
    alt = words.text("institution.indicators.alt", list="；".join(said))
    return (Chart(svg, alt, words.text("institution.indicators.chart")),)


def _ranked_problems(source: Source, institution_id: str) -> list[Row]:
    rows = problems(source.indicators(institution_id))
    catalogue = source.catalogue
    return sorted(rows, key=lambda r: serious_first(r, catalogue[r["indicator_id"]].force))


def problem_items(source: Source, institution_id: str) -> tuple[str, ...]:
    """Sentences on the problems of an institution, most serious first, branches last."""
    words, items = source.words, []
    for row in _ranked_problems(source, institution_id):
        entry = source.catalogue[row["indicator_id"]]
        text = words.text(
            f"institution.problems.item.{row['verdict']}",
            label=entry.label,
            value=spoken(row),
            limit=limit_text(row, words),
            clause=entry.clause,
            wording=entry.wording.rstrip("。"),
            force=force_word(words, entry.force),
            reason=row["reason"] or "",
        )
        items.append(text + _flag_remarks(source, row))
    for row, name in problem_branches(source, institution_id):
        items.append(_branch_item(source, row, name))
    return tuple(items)


def _flag_remarks(source: Source, row: Row) -> str:
    """Say what the flags of a problem mean; why it is provisional stands in its row."""
    words, remarks = source.words, []
    for flag in ("provisional", "small"):
        if flagged([row], flag):
            reason = (row["reason"] or words.text("common.flags.provisional")).rstrip("。")
            remarks.append(words.text(f"institution.problems.{flag}", reason=reason))
    return "".join(remarks)


def _branch_item(source: Source, row: Row, name: str) -> str:
    value, bound = gap(row), limit(row)
    against = () if bound is None else (bound,)
    entry = source.catalogue.get(source.words.text("institution.tolerance.indicator"))
    text = source.words.text(
        "institution.problems.branch",
        branch=name,
        value="" if value is None else Figure(value, "pp", against=against).text,
        limit="" if bound is None else tolerance_limit_text(bound),
        clause=entry.clause if entry else "—",
        comparator=comparator(source.words, row),
    )
    return text + _flag_remarks(source, row)


def _problems(source: Source, institution_id: str) -> Section:
    items = problem_items(source, institution_id)
    paragraphs = () if items else (source.words.text("institution.problems.none"),)
    return Section("problems", _heading(source, "problems"), paragraphs, items=items)


def _leads(source: Source, institution_id: str) -> Section:
    words = source.words
    items = tuple(
        words.text(
            "institution.leads.item",
            label=source.catalogue[r["indicator_id"]].label,
            reason=r["reason"] or VERDICTS["to_verify"],
            clause=source.catalogue[r["indicator_id"]].clause,
        )
        for r in source.indicators(institution_id)
        if r["verdict"] == "to_verify"
    )
    paragraphs = () if items else (words.text("institution.leads.none"),)
    return Section("leads", _heading(source, "leads"), paragraphs, items=items)


def _last_quarter(source: Source) -> Section:
    text = source.words.text("institution.last_quarter.none")
    return Section("last_quarter", _heading(source, "last_quarter"), (text,))


def _requirements(source: Source, institution_id: str) -> Section:
    words, items = source.words, []
    rows = source.indicators(institution_id)
    troubled = _ranked_problems(source, institution_id)
    if troubled:
        said = labels(source, troubled)
        items.append(words.text("institution.requirements.problem", list=said))
    branches = problem_branches(source, institution_id)
    if branches:
        said = joined(name for _, name in branches)
        items.append(words.text("institution.requirements.branches", list=said))
    total = totals(source, [institution_id])
    if total.quarantined:
        items.append(words.text("institution.requirements.quarantine", count=total.quarantined))
    if total.findings["error"]:
        count = total.findings["error"]
        items.append(words.text("institution.requirements.findings", count=count))
    missing = [r for r in rows if r["verdict"] == "no_data"]
    if missing:
        said = labels(source, missing)
        items.append(words.text("institution.requirements.no_data", list=said))
    if not items:
        items.append(words.text("institution.requirements.none"))
    return Section("requirements", _heading(source, "requirements"), items=tuple(items))
