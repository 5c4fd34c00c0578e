"""Data quality (数据质量): what arrived, what was set aside, what the checks found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from puhui.briefing.figures import Figure, exact
from puhui.briefing.overall import joined
from puhui.briefing.source import Row, Source
from puhui.briefing.table import Column, Section, Table
from puhui.briefing.words import Words
from puhui.schema import label as table_label
from puhui.schema import tables as schema_tables

_STATUS_ORDER = ("refused", "accepted_with_errors", "accepted_with_warnings", "accepted")


@dataclass(frozen=True)
class Totals:
    """Rows of one institution (or all): read, and where they went; findings by severity."""

    rows_in: int
    accepted: int
    quarantined: int
    non_data: int
    balance: Decimal
    findings: Counter[str]
    status: str

    @property
    def difference(self) -> int:
        """Rows read that are in none of the three heaps; zero unless something is wrong."""
        return self.rows_in - self.accepted - self.quarantined - self.non_data


def totals(source: Source, institution_ids: Iterable[str]) -> Totals:
    """Add up intake and findings of some institutions; ``status`` is the worst of them."""
    ids = tuple(institution_ids)
    rows = [row for i in ids for row in source.intake(i)]
    found: Counter[str] = Counter()
    for i in ids:
        for finding in source.finding_counts(i):
            found[finding["severity"]] += finding["count"]
    statuses = {row["status"] for row in rows}
    return Totals(
        rows_in=_sum(rows, "rows_in"),
        accepted=_sum(rows, "accepted"),
        quarantined=_sum(rows, "quarantined"),
        non_data=_sum(rows, "non_data"),
        balance=sum((row["quarantined_balance"] or Decimal(0) for row in rows), Decimal(0)),
        findings=found,
        status=next((s for s in _STATUS_ORDER if s in statuses), ""),
    )


def _sum(rows: Iterable[Row], key: str) -> int:
    return sum(row[key] or 0 for row in rows)


def quality_section(source: Source, institution_id: str) -> Section:
    """Return the letter's section on data quality."""
    words = source.words
    rows = source.intake(institution_id)
    heading = words.text("institution.headings.quality")
    if not rows:
        return Section("quality", heading, (words.text("institution.quality.none"),))
    total = totals(source, [institution_id])
    paragraphs = [_balance_sentence(total, words)]
    if total.quarantined and total.balance:
        amount = Figure(exact(total.balance) or exact(0), "money_wan").text  # type: ignore[arg-type]
        paragraphs.append(
            words.text(
                "institution.quality.quarantined",
                balance=amount,
                unit=words.text("common.money.wan"),
            )
        )
    paragraphs += _messages(rows, words)
    paragraphs.append(_findings_sentence(total, words))
    tables = [_intake_table(rows, words)]
    findings = source.finding_counts(institution_id)
    if findings:
        tables.append(_findings_table(findings, words))
    return Section("quality", heading, tuple(paragraphs), tuple(tables))


def _balance_sentence(total: Totals, words: Words) -> str:
    name = "unequal" if total.difference else "equal"
    return words.text(
        "institution.quality.balance",
        rows_in=f"{total.rows_in:,}",
        accepted=f"{total.accepted:,}",
        quarantined=f"{total.quarantined:,}",
        non_data=f"{total.non_data:,}",
        equal=words.text(f"institution.quality.{name}", difference=total.difference),
    )


def _findings_sentence(total: Totals, words: Words) -> str:
    if not total.findings:
        return words.text("institution.quality.no_findings")
    severities = words.map("common.severities")
    parts = (f"{word} {total.findings[key]} 条" for key, word in severities.items())
    count = sum(total.findings.values())
    return words.text("institution.quality.found", total=count, parts=joined(parts))


def _messages(rows: Iterable[Row], words: Words) -> list[str]:
    """Say why a file was refused; of the others the table says it all."""
    seen: dict[tuple[str, str], str] = {}
    for row in rows:
        if row["message"] and row["status"] == "refused":
            status = words.of("common.intake", row["status"])
            file = row["file"] or "—"
            seen[file, row["message"]] = words.text(
                "institution.quality.message", file=file, status=status, message=row["message"]
            )
    return list(seen.values())


def _table_name(name: str | None) -> str:
    return table_label(name) if name in schema_tables() else (name or "—")


def _intake_table(rows: Iterable[Row], words: Words) -> Table:
    columns = (
        Column("file", "文件"),
        Column("table", "数据表"),
        Column("status", "处理结果"),
        Column("rows_in", "读入", "行", "count"),
        Column("accepted", "接收", "行", "count"),
        Column("quarantined", "隔离", "行", "count"),
        Column("non_data", "非数据", "行", "count"),
        Column("revision", "报送版本", "", "count"),
    )
    cells = tuple(
        (
            row["file"] or "—",
            _table_name(row["table"]),
            words.of("common.intake", row["status"]),
            row["rows_in"],
            row["accepted"],
            row["quarantined"],
            row["non_data"],
            row["revision"],
        )
        for row in rows
    )
    return Table("intake", words.text("institution.quality.intake"), columns, cells)


def _findings_table(rows: Iterable[Row], words: Words) -> Table:
    columns = (
        Column("check", "检查"),
        Column("severity", "级别"),
        Column("table", "数据表"),
        Column("message", "内容（首条）"),
        Column("count", "条数", "", "count"),
    )
    cells = tuple(
        (
            row["check_id"],
            words.of("common.severities", row["severity"]),
            _table_name(row["table"]),
            row["message"] or "—",
            row["count"],
        )
        for row in rows
    )
    return Table("findings", words.text("institution.quality.findings"), columns, cells)
