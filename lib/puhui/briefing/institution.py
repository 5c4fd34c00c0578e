"""The letter to an institution (监管反馈): sections of its page and annexes."""

from __future__ import annotations

from dataclasses import replace

from puhui.briefing.clauses import clauses_section, methods_section
from puhui.briefing.edits import edited
from puhui.briefing.exemption import exemption_section
from puhui.briefing.judged import PASSED, PROBLEMS, flagged, name_with_flags, spoken
from puhui.briefing.lacking import lacking_said, to_be_sent
from puhui.briefing.main_indicators import indicators_section
from puhui.briefing.overall import (
    counts_in_words,
    inapplicable,
    joined,
    judged,
    of_clauses,
    problems,
    some,
    verdict_counts,
)
from puhui.briefing.quality import quality_section, totals
from puhui.briefing.rates import institution_rates
from puhui.briefing.source import Row, Source
from puhui.briefing.table import Section
from puhui.briefing.tolerance import problem_branches, tolerance_section
from puhui.briefing.troubles import by_force, problem_items


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
        indicators_section(source, institution_id),
        _problems(source, institution_id),
        _leads(source, institution_id),
        _last_quarter(source, institution_id),
        _requirements(source, institution_id),
        quality_section(source, institution_id),
    )
    annexes = (
        clauses_section(source, institution_id),
        tolerance_section(source, institution_id),
        institution_rates(source, institution_id, heading),
        exemption_section(source, institution_id),
        methods_section(source, institution_id),
    )
    sections = (*letter, *(replace(section, is_annex=True) for section in annexes))
    return edited(source, institution_id, sections)


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
    rows = source.clauses(institution_id)
    with_verdict = judged(rows)
    sentences = []
    if with_verdict:
        asked = sum(row["verdict"] != "not_applicable" for row in rows)
        parts = counts_in_words(verdict_counts(with_verdict), PASSED)
        sentences.append(
            words.text(
                "institution.overall.counts", asked=asked, judged=len(with_verdict), parts=parts
            )
        )
        troubled = by_force(source, problems(rows))
        name = "problems" if troubled else "clear"
        said = some(of_clauses(source, troubled), words)
        sentences.append(words.text(f"institution.overall.{name}", list=said))
    else:
        sentences.append(words.text(f"institution.overall.{_why_unjudged(rows)}"))
    branches = problem_branches(source, institution_id)
    if branches:
        said = some((name_with_flags(name, row, words) for row, name in branches), words)
        sentences.append(words.text("institution.overall.branches", count=len(branches), list=said))
    sentences += _remarks(source, rows)
    return Section("overall", heading, ("".join(sentences),))


def _why_unjudged(rows: tuple[Row, ...]) -> str:
    """Return the name of the sentence on clauses none of which is judged."""
    if inapplicable(rows):
        return "not_applicable"
    known = any(row["verdict"] not in ("no_data", "not_applicable") for row in rows)
    return "shown" if known else "nothing"


def _remarks(source: Source, rows: tuple[Row, ...]) -> list[str]:
    """Sentences on leads, flags and what is missing."""
    words, sentences = source.words, []
    counts = verdict_counts(rows)
    if counts["to_verify"]:
        count = counts["to_verify"]
        sentences.append(words.text("institution.overall.to_verify", count=count))
    for flag in ("provisional", "small", "near_limit"):
        marked = of_clauses(source, flagged(rows, flag))
        if marked:
            said = some(marked, words)
            sentences.append(words.text(f"institution.overall.{flag}", list=said))
    if counts["no_data"]:
        said = lacking_said(source, rows)
        sentences.append(
            words.text("institution.overall.no_data", list=said, count=counts["no_data"])
        )
    return sentences


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
            reason=r["reason"] or words.text("institution.leads.value", value=spoken(r)),
            clause=source.catalogue[r["indicator_id"]].clause,
        )
        for r in source.indicators(institution_id)
        if r["verdict"] == "to_verify"
    )
    name = "some" if items else "none"
    return Section(
        "leads", _heading(source, "leads"), (words.text(f"institution.leads.{name}"),), items=items
    )


def _last_quarter(source: Source, institution_id: str) -> Section:
    """Return what became of the clauses that were problems a quarter before."""
    words, heading = source.words, _heading(source, "last_quarter")
    rows = source.clauses(institution_id)
    if not any(row["last_verdict"] for row in rows):
        return Section("last_quarter", heading, (words.text("institution.last_quarter.none"),))
    before = [row for row in rows if row["last_verdict"] in PROBLEMS]
    if not before:
        return Section("last_quarter", heading, (words.text("institution.last_quarter.clear"),))
    still = [row for row in before if row["verdict"] in PROBLEMS]
    over = [row for row in before if PASSED.get(row["verdict"]) and row not in still]
    rest = [row for row in before if row not in still and row not in over]
    groups = (("over", over), ("still", still), ("rest", rest))
    items = tuple(
        words.text(
            f"institution.last_quarter.{name}",
            count=len(found),
            list=joined(_clause_named(source, row) for row in found),
        )
        for name, found in groups
        if found
    )
    lead = words.text("institution.last_quarter.lead", count=len(before))
    return Section("last_quarter", heading, (lead,), items=items)


def _clause_named(source: Source, row: Row) -> str:
    """Name a clause by its number and the indicator that decides."""
    label = source.catalogue[row["indicator_id"]].label
    return source.words.text("common.clauses.named", clause=row["clause"], label=label)


def _requirements(source: Source, institution_id: str) -> Section:
    words, items = source.words, []
    rows = source.clauses(institution_id)
    troubled = by_force(source, problems(rows))
    if troubled:
        said = joined(dict.fromkeys(of_clauses(source, troubled)))
        items.append(words.text("institution.requirements.problem", list=said))
    leads = verdict_counts(rows)["to_verify"]
    if leads:
        items.append(words.text("institution.requirements.leads", count=leads))
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
    missing = to_be_sent(source, rows)
    if missing:
        items.append(words.text("institution.requirements.no_data", list=missing))
    if not items:
        items.append(words.text("institution.requirements.none"))
    return Section("requirements", _heading(source, "requirements"), items=tuple(items))
