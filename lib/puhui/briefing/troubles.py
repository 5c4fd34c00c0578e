"""Problems of an institution in sentences: clauses that fail, and branches beyond tolerance."""

from __future__ import annotations

from collections.abc import Iterable

from puhui.briefing.figures import beside
from puhui.briefing.judged import flagged, limit_text, serious_first, spoken
from puhui.briefing.overall import force_word, problems
from puhui.briefing.source import Row, Source
from puhui.briefing.tolerance import comparator, gap, limit, problem_branches
from puhui.briefing.tolerance import limit_text as tolerance_limit_text
from puhui.results import VERDICTS


def by_force(source: Source, rows: Iterable[Row]) -> list[Row]:
    """Clauses that are problems, most serious first."""
    return sorted(rows, key=lambda r: serious_first(r, source.notice[r["clause"]].force))


def problem_items(source: Source, institution_id: str) -> tuple[str, ...]:
    """Sentences on the problems of an institution, most serious first, branches last.

    A clause is one item, whatever the number of its indicators that fail.
    """
    words = source.words
    troubled = by_force(source, problems(source.clauses(institution_id)))
    items = []
    for clause in troubled:
        entries = source.by_clause[clause["clause"]]
        rows = [source.indicator(institution_id, e.indicator_id) for e in entries]
        failing = problems(r for r in rows if r is not None)
        basis = words.text(
            "institution.problems.basis",
            facts="；".join(_fact(source, row) for row in failing),
            clause=clause["clause"],
            wording=source.notice[clause["clause"]].wording.rstrip("。"),
            force=force_word(words, source.notice[clause["clause"]].force),
            verdict=VERDICTS[clause["verdict"]],
        )
        items.append(basis + "".join(_flag_remarks(source, row) for row in failing))
    for row, name in problem_branches(source, institution_id):
        items.append(_branch_item(source, row, name))
    return tuple(items)


def _fact(source: Source, row: Row) -> str:
    """Say what one indicator found."""
    kind = "answers" if row["answers"] else row["verdict"]
    return source.words.text(
        f"institution.problems.fact.{kind}",
        label=source.catalogue[row["indicator_id"]].label,
        value=spoken(row),
        limit=limit_text(row, source.words),
        reason=row["reason"] or "",
    )


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
    entry = source.catalogue.get(source.words.text("institution.tolerance.indicator"))
    text = source.words.text(
        "institution.problems.branch",
        branch=name,
        value="" if value is None else beside(value, "pp", bound).text,
        limit="" if bound is None else tolerance_limit_text(bound),
        clause=entry.clause if entry else "—",
        comparator=comparator(source.words, row),
    )
    return text + _flag_remarks(source, row)
