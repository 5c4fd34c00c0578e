"""Exemption (尽职免责) on the pages: an institution's summary, and the sheet of one case."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from puhui.briefing.figures import Figure, beside, exact, in_full, ratio
from puhui.briefing.html.environment import render
from puhui.briefing.html.pages import provenance
from puhui.briefing.overall import joined
from puhui.briefing.source import Row, Source
from puhui.briefing.table import Column, NoData, Section, Table
from puhui.briefing.words import Words
from puhui.errors import RunError
from puhui.params.policy import CERTAINTY
from puhui.schema import CODES, columns

#: Ids of persons are hashes; so much of one tells persons of a case apart.
_SHOWN = 8
_LEADS = ("eligible_not_exempted", "exempted_not_eligible")
_CASES = "cases_opened"


def exemption_section(source: Source, institution_id: str) -> Section:
    """Return the annex on exemption: the bank's practice, and how many decisions to explain."""
    words = source.words
    heading = words.text("exemption.institution.heading")
    practice = _practice(source, institution_id)
    opened = practice.get(_CASES)
    if opened is None or opened["value"] is None:
        reason = "" if opened is None else opened["reason"] or ""
        text = words.text("exemption.institution.none", reason=reason or "没有报送责任认定。")
        return Section("exemption", heading, (text,))
    rows = [r for r in source.rows("exemption") if r["institution_id"] == institution_id]
    figures = {item: _count(row) for item, row in practice.items()}
    paragraphs = [words.text("exemption.institution.lead", **figures)]
    leads = {lead: [r["case_id"] for r in rows if r["lead"] == lead] for lead in _LEADS}
    if any(leads.values()):
        denied, exempted = (leads[lead] for lead in _LEADS)
        paragraphs.append(
            words.text(
                "exemption.institution.leads",
                denied=len(denied),
                denied_cases=joined(denied) or "—",
                exempted=len(exempted),
                exempted_cases=joined(exempted) or "—",
            )
        )
    doubtful = sum(bool(r["to_verify"]) for r in rows)
    if doubtful:
        paragraphs.append(words.text("exemption.institution.verify", count=doubtful))
    return Section("exemption", heading, tuple(paragraphs))


def _practice(source: Source, institution_id: str) -> dict[str, Row]:
    rows = source.rows("exemption_practice")
    return {r["item"]: r for r in rows if r["institution_id"] == institution_id}


def _count(row: Row) -> str:
    value = exact(row["value"])
    return NoData().word if value is None else Figure(value, "count").text


def county_exemption(source: Source) -> tuple[str, ...]:
    """Return the sentence on cases in the county: totals only, no bank, case or person."""
    practice = [_practice(source, i) for i in source.institution_ids]
    sent = [p for p in practice if p.get(_CASES) and p[_CASES]["value"] is not None]
    if not sent:
        return ()
    totals = {
        name: int(sum(p[item]["value"] for p in sent))
        for name, item in (
            ("opened", _CASES),
            ("decided", "cases_decided"),
            ("exempted", "cases_exempted"),
        )
    }
    return (source.words.text("exemption.county.practice", banks=len(sent), **totals),)


def case_sheet(source: Source, rows: Sequence[Row]) -> str:
    """Return the page of one case for the review panel: self-contained, printed on A4.

    Parameters
    ----------
    rows
        Rows of ``exemption`` of one case of one institution.

    Raises
    ------
    RunError
        If there is no row.
    """
    if not rows:
        raise RunError("没有这个案件。")
    words, case = source.words, rows[0]
    sections = [_head(source, case), *(_person(words, n, row) for n, row in enumerate(rows, 1))]
    sign = Section("sign", "", (words.text("exemption.sheet.sign"),))
    values = {
        "title": words.text("exemption.sheet.title", case=case["case_id"]),
        "office": source.meta.get("office", ""),
        "sections": [*sections, sign],
        "provenance": provenance(source.meta, words),
    }
    return render("case.html.j2", values)


def _head(source: Source, case: Row) -> Section:
    words, institution = source.words, case["institution_id"]
    branch = case["branch_id"]
    gap = ratio(case["gap_num"], case["gap_den"])
    limit = exact(case["limit_pp"])
    said = [
        words.text(
            "exemption.sheet.intro",
            institution=source.name(institution),
            branch="" if branch is None else source.branch_name(institution, branch),
            quarter=source.quarter.label,
        ),
        words.text(
            "exemption.sheet.reference",
            quarter=case["reference"] or "—",
            within=_within(words, case["within_at_reference"]),
            gap="—" if gap is None else beside(gap, "pp", limit).text,
            limit="—" if limit is None else in_full(limit, "pp").text,
            opening=_within(words, case["within_at_opening"]),
            finding=_within(words, case["within_at_finding"]),
        ),
        words.text(
            "exemption.sheet.bank",
            finding=CODES["case_finding"].get(case["finding"] or "", "—"),
            extent=words.of("exemption.extents", case["bank_extent"]) or "—",
        ),
    ]
    return Section("case", "", tuple(said))


def _within(words: Words, held: str | None) -> str:
    return words.of("exemption.within", held or "unknown")


def _person(words: Words, number: int, row: Row) -> Section:
    trail = json.loads(row["trail"])
    heading = words.text(
        "exemption.sheet.person",
        role=CODES["case_role"].get(row["role"], row["role"]),
        post=CODES["post"].get(row["post"], row["post"]),
        liability=CODES["liability"].get(row["liability"], row["liability"]),
        person=(row["person_id"] or "")[:_SHOWN],
    )
    extent = words.of("exemption.extents", row["extent"]) if row["extent"] else ""
    said = [
        words.text(
            "exemption.sheet.outcome",
            outcome=words.of("exemption.outcomes", row["outcome"]),
            extent=f"（{extent}）" if extent else "",
            reason=row["reason"],
        )
    ]
    if row["missing"]:
        said.append(words.text("exemption.sheet.missing", list=_labels(row["missing"])))
    if row["to_verify"]:
        said.append(words.text("exemption.sheet.verify", list="；".join(row["to_verify"])))
    if row["lead"]:
        text = words.of("exemption.leads", row["lead"])
        said.append(words.text("exemption.sheet.lead", text=text))
    said.append(
        words.text(
            "exemption.sheet.policy",
            table=trail["label"],
            id=trail["table"],
            params=trail["params"],
            rule=trail["rule"],
        )
    )
    return Section(f"person-{number}", heading, tuple(said), (_rules(words, number, trail),))


def _labels(missing: Sequence[str]) -> str:
    tables = {"case": "cases", "person": "case_persons"}
    labels = {f"{q}.{c.name}": c.label for q, t in tables.items() for c in columns(t)}
    return "、".join(labels.get(name, name) for name in missing)


def _rules(words: Words, number: int, trail: Mapping[str, Any]) -> Table:
    """Every rule tried, with the facts it rests on."""
    labels = words.map("exemption.columns")
    facts = {name: (label, held) for name, label, held in trail["facts"]}
    rows = tuple(
        (
            rule["id"],
            rule["label"],
            f"{rule['rests_on']}（{CERTAINTY[rule['certainty']]}）",
            _held(words, rule["held"]),
            "；".join(f"{facts[f][0]}：{_truth(facts[f][1])}" for f in rule["facts"]),
        )
        for rule in trail["rules"]
    )
    shown = tuple(Column(key, label) for key, label in labels.items())
    return Table(f"rules-{number}", words.text("exemption.sheet.rules"), shown, rows)


def _held(words: Words, held: bool | None) -> str:
    return words.of("exemption.held", "unknown" if held is None else "yes" if held else "no")


def _truth(held: bool | None) -> str:
    return "未知" if held is None else "是" if held else "否"
