"""The notice over the county: verdicts counted, clauses by institution, totals, coverage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from puhui.briefing.clauses import section_name
from puhui.briefing.judged import PASSED, PROBLEMS, cell, limit_text, shown_unit
from puhui.briefing.overall import force_word, verdict_counts
from puhui.briefing.source import COUNTY, OVERALL, ClauseWords, Row, Source
from puhui.briefing.table import Column, NoData, Section, Sign, Table
from puhui.results import VERDICTS


def _heading(source: Source, key: str) -> str:
    return source.words.text(f"county.headings.{key}")


def all_clauses(source: Source) -> list[Row]:
    """Own clause rows of all institutions."""
    return [row for i in source.institution_ids for row in source.clauses(i)]


def counts_table(source: Source) -> Table:
    """Return verdicts of all institutions counted by section and by force, now and before."""
    words, rows = source.words, all_clauses(source)
    present = [v for v in VERDICTS if any(v in (r["verdict"], r["last_verdict"]) for r in rows)]
    columns = (
        Column("group", "分类"),
        Column("name", "部分或性质"),
        Column("when", "时点"),
        *(Column(v, VERDICTS[v], "条次", "count") for v in present),
    )
    cells: list[tuple[object, ...]] = []
    for by, name, own in _groups(source, rows):
        for when, key in (("now", "verdict"), ("before", "last_verdict")):
            counted = verdict_counts({"verdict": r[key]} for r in own if r[key])
            if counted:
                said = words.text(f"county.counts.{when}")
                cells.append((by, name, said, *(counted[v] for v in present)))
    return Table(
        "verdicts",
        words.text("county.counts.caption"),
        columns,
        tuple(cells),
        (words.text("county.counts.note"),),
        grouped=True,
    )


def _groups(source: Source, rows: Sequence[Row]) -> Iterator[tuple[str, str, list[Row]]]:
    words, notice = source.words, source.notice
    for section in dict.fromkeys(c.section for c in notice.values()):
        own = [r for r in rows if notice[r["clause"]].section == section]
        if own:
            yield words.text("county.counts.by_section"), section_name(source, section), own
    for force in words.map("common.forces"):
        own = [r for r in rows if (notice[r["clause"]].force or "shown") == force]
        if own:
            yield words.text("county.counts.by_force"), force_word(words, force), own


@dataclass(frozen=True)
class Progress:
    """What became of an institution's problem clauses since last quarter.

    Attributes
    ----------
    before, new
        How many there were, and how many there are that were none then.
    over, still, rest
        Of those before: passed now, problems still, without a finding now.
    """

    before: int
    over: int
    still: int
    new: int

    @property
    def rest(self) -> int:
        """Problems before of which nothing can be said now."""
        return self.before - self.over - self.still


def progress(source: Source, institution_id: str) -> Progress | None:
    """Compare an institution's clauses with last quarter; ``None`` where that is not known."""
    rows = source.clauses(institution_id)
    if not any(row["last_verdict"] for row in rows):
        return None
    before = [r for r in rows if r["last_verdict"] in PROBLEMS]
    still = [r for r in before if r["verdict"] in PROBLEMS]
    over = [r for r in before if r not in still and PASSED.get(r["verdict"])]
    new = [r for r in rows if r["verdict"] in PROBLEMS and r not in before]
    return Progress(len(before), len(over), len(still), len(new))


def progress_table(source: Source) -> Table | None:
    """Return what became of last quarter's problems by institution, if that quarter is known."""
    words = source.words
    if not any(row["last_verdict"] for row in all_clauses(source)):
        return None
    columns = (
        Column("institution", "机构"),
        Column("before", "上季问题", "条", "count"),
        Column("over", "本季已达到", "条", "count"),
        Column("still", "本季仍未达到", "条", "count"),
        Column("rest", "不能作出结论", "条", "count"),
        Column("new", "本季新增", "条", "count"),
    )
    cells: list[tuple[object, ...]] = []
    for institution_id in source.institution_ids:
        found = progress(source, institution_id)
        if found is not None and (found.before or found.new):
            counts = (found.before, found.over, found.still, found.rest, found.new)
            cells.append((source.name(institution_id), *counts))
    caption = words.text("county.last_quarter.caption")
    return Table("last_quarter", caption, columns, tuple(cells))


def totals_table(source: Source) -> Table | None:
    """Return the county's totals over a constant panel (C2.2c), or ``None`` without any."""
    words, rows = source.words, source.indicators(COUNTY)
    if not rows:
        return None
    columns = (
        Column("clause", "条款"),
        Column("label", "合计指标"),
        Column("unit", "单位"),
        Column("value", "本期", "", "number"),
        Column("limit", "标准"),
        Column("verdict", "结论", "", "verdict"),
        Column("panel", "范围与说明"),
    )
    cells = []
    for row in rows:
        entry, value = source.catalogue[row["indicator_id"]], cell(row)
        cells.append(
            (
                entry.clause,
                entry.label,
                shown_unit(row),
                value.word if isinstance(value, NoData) else value,
                limit_text(row, words),
                words.mark(row["verdict"], row["flags"]),
                row["reason"] or "",
            )
        )
    note = words.text("county.totals.note")
    return Table("totals", words.text("county.totals.caption"), columns, tuple(cells), (note,))


def matrix_section(source: Source) -> Section:
    """Return the annex with every clause's verdict by institution, as signs with a legend."""
    words = source.words
    ids = [i for i in source.institution_ids if source.clauses(i)]
    columns = (
        Column("section", "部分"),
        Column("clause", "条款"),
        Column("label", "内容"),
        *(Column(i, source.name(i), "", "verdict") for i in ids),
    )
    verdicts = {i: {r["clause"]: r for r in source.clauses(i)} for i in ids}
    cells = []
    for clause in (c for c in source.notice.values() if c.clause != OVERALL):
        found = (verdicts[i].get(clause.clause) for i in ids)
        shown = (Sign(words.mark(r["verdict"], r["flags"])) if r else "" for r in found)
        cells.append((section_name(source, clause.section), *_named(source, clause), *shown))
    heading = _heading(source, "matrix")
    if not ids:
        return Section("matrix", heading, (words.text("county.matrix.none"),))
    signs = words.map("common.signs")
    legend = "　".join(f"{signs[v]} {VERDICTS[v]}" for v in VERDICTS)
    notes = (
        words.text("county.matrix.legend", signs=legend),
        words.text("county.matrix.note"),
    )
    title = words.text("county.matrix.caption")
    table = Table("matrix", title, columns, tuple(cells), notes, grouped=True, matrix=True)
    return Section("matrix", heading, (), (table,))


def _named(source: Source, clause: ClauseWords) -> tuple[str, str]:
    """Number of a clause, and in short what it is about: its first indicator."""
    entries = source.by_clause[clause.clause]
    if not entries:
        return clause.clause, clause.wording
    if len(entries) == 1:
        return clause.clause, entries[0].label
    more = source.words.text("county.matrix.more", label=entries[0].label, count=len(entries))
    return clause.clause, more


def coverage_section(source: Source) -> Section:
    """Return the annex that shows how each clause of the notice is answered, and for how many."""
    words = source.words
    columns = (
        Column("section", "部分"),
        Column("clause", "条款"),
        Column("wording", "要求"),
        Column("force", "性质"),
        Column("kind", "回答方式"),
        Column("tier", "数据层级"),
        Column("indicators", "指标"),
        Column("answered", "有结果", "家", "count"),
        Column("no_data", "无数据", "家", "count"),
        Column("not_applicable", "不适用", "家", "count"),
    )
    rows = all_clauses(source)
    cells = []
    for clause in source.notice.values():
        entries = source.by_clause[clause.clause]
        counts = verdict_counts(r for r in rows if r["clause"] == clause.clause)
        kinds = dict.fromkeys(_kind(source, e.kind, e.is_total, e.pending) for e in entries)
        missing, exempt = counts["no_data"], counts["not_applicable"]
        answered = sum(counts.values()) - missing - exempt
        shown = (answered, missing, exempt) if counts else ("—", "—", "—")
        cells.append(
            (
                section_name(source, clause.section),
                clause.clause,
                clause.wording,
                words.of("common.forces_short", clause.force or "none"),
                "、".join(kinds) or words.text("county.coverage.kinds.count"),
                "、".join(dict.fromkeys(e.tier for e in entries)) or "—",
                "；".join(e.label for e in entries) or words.text("common.clauses.overall"),
                *shown,
            )
        )
    title = words.text("county.coverage.caption", count=len(cells))
    notes = (words.text("county.coverage.note"),)
    table = Table("coverage", title, columns, tuple(cells), notes, grouped=True)
    return Section("coverage", _heading(source, "coverage"), (), (table,))


def _kind(source: Source, kind: str, is_total: bool, pending: str) -> str:
    """Word for how an indicator answers."""
    name = "total" if is_total else "later" if pending and kind != "list" else kind
    return source.words.text(f"county.coverage.kinds.{name}")
