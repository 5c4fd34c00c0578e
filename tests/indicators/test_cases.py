"""Every case of ``tests/indicators/cases``: a row of its own institution, computed in few passes.

How to add a case stands in ``cases/case.py``. Each case is an institution of its own; all share
a store (one per way the office's tables are made), so that hundreds of cases cost a few scans.
"""

from __future__ import annotations

import ast
import importlib
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from indicators.cases.case import EDGES, Case, Sent
from puhui import params, results
from puhui.indicators import Bench, judge, result_row
from puhui.params import Indicator
from puhui.quarter import Quarter
from vocabulary import PARAMS, County

FOLDER = Path(__file__).parent / "cases"
MODULES = {
    path.stem: importlib.import_module(f"indicators.cases.{path.stem}")
    for path in sorted(FOLDER.glob("section_*.py"))
}
OFFICE_TABLES = {
    "plans": "branch_id item target",
    "key_firms": "uscc",
    "notes": "note_id",
}
ALL: list[Case] = [case for module in MODULES.values() for case in module.CASES]


def named(number: int) -> str:
    return f"{ALL[number].indicator}-{ALL[number].edge}-{number}"


def institution(number: int) -> str:
    return f"CASE{number:04d}"


def office_key(case: Case) -> tuple[object, ...]:
    """Cases whose office has the same tables with the same columns share a store."""
    if case.office is None:
        return ("none",)
    return tuple(sorted(case.office_lacks.items()))


@dataclass
class Group:
    """Cases that share a store, and the bench they are judged on."""

    county: County
    bench: Bench


def put(county: County, quarter: str, who: str, sent: Sent) -> None:
    county.nothing_but_named(quarter, who)
    if sent.loans:
        county.with_loans(
            quarter,
            who,
            sent.loans,
            sent.customers,
            absent=sent.lacks.get("loans", ()),
            customers_absent=sent.lacks.get("customers", ()),
        )
    if sent.returns:
        county.with_returns(quarter, who, sent.returns)
    if sent.answers:
        county.with_answers(quarter, who, sent.answers)
    for table, text in sent.registers.items():
        county.with_register(quarter, who, table, text, absent=sent.lacks.get(table, ()))
    county.missing[quarter, who] = dict(sent.missing)
    county.set_aside[quarter, who] = dict(sent.set_aside)


def office_text(table: str, cases: dict[int, Case]) -> str:
    """Rows of an office table over all cases, each with its institution."""
    header: dict[str, None] = {"institution_id": None}
    lines: list[dict[str, str]] = []
    for number, case in cases.items():
        text = (case.office or {}).get(table, OFFICE_TABLES[table])
        names, *body = [line.split() for line in text.strip().splitlines()]
        header |= dict.fromkeys(names)
        lines += [
            {"institution_id": institution(number), **dict(zip(names, row, strict=True))}
            for row in body
        ]
    return "\n".join([" ".join(header), *(" ".join(r.get(n, "=") for n in header) for r in lines)])


def register(cases: dict[int, Case]) -> pa.Table:
    """Register of the cases, each of a kind of its own, so that none is another's peer."""
    names = ("institution_id", "county_code", "kind")
    rows = [
        {
            "institution_id": institution(number),
            "county_code": case.facts.get("county_code"),
            "kind": institution(number),
        }
        for number, case in cases.items()
    ]
    return pa.Table.from_pylist(rows, pa.schema([(name, pa.string()) for name in names]))


def build(folder: Path, cases: dict[int, Case]) -> Group:
    county = County(folder)
    for number, case in cases.items():
        for quarter, sent in case.sent.items():
            put(county, quarter, institution(number), sent)
    some = next(iter(cases.values()))
    if some.office is not None:
        for table in OFFICE_TABLES:
            lacks = some.office_lacks.get(table, ())
            county.with_office(table, office_text(table, cases), absent=lacks)
    county.register = register(cases)
    quarters = sorted({case.quarter for case in cases.values()})
    return Group(county, county.bench(*quarters))


@pytest.fixture(scope="module")
def groups(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[object, ...], Group]:
    split: dict[tuple[object, ...], dict[int, Case]] = defaultdict(dict)
    for number, case in enumerate(ALL):
        split[office_key(case)][number] = case
    return {k: build(tmp_path_factory.mktemp("cases"), cases) for k, cases in split.items()}


def exact(row: dict[str, Any], name: str) -> Fraction | None:
    num, den = row[f"{name}_num"], row.get(f"{name}_den")
    return None if num is None else Fraction(int(num), int(den))


def written(text: str | None) -> Fraction | None:
    return None if text is None else Fraction(text)


@pytest.mark.parametrize("number", range(len(ALL)), ids=named)
def test_case(number: int, groups: dict[tuple[object, ...], Group]) -> None:
    case = ALL[number]
    group = groups[office_key(case)]
    indicator = group.bench.params.indicators[case.indicator]
    facts = group.county.facts(institution(number), case.planned_branches, **case.facts)
    made = result_row(group.bench.at(Quarter.parse(case.quarter)), indicator, facts, case.branch)
    row = results.from_rows("indicators", [made]).to_pylist()[0]
    got = (row["verdict"], exact(row, "value"), sorted(row["flags"]))
    wanted = (case.verdict, written(case.value), sorted(case.flags))
    assert got == wanted, f"{case.working}\n{row}"
    if case.reason is None:
        assert row["reason"] is None, case.working
    else:
        assert case.reason in (row["reason"] or ""), case.working
    if case.base != "":
        assert exact(row, "base") == written(case.base), case.working
    if case.wrong_way != -1:
        assert row["wrong_way"] == case.wrong_way, case.working
    assert not case.source or row["source"] == case.source
    again = judge(group.bench.params, indicator, facts, row)
    if row["verdict"] == "not_applicable" and row["value_num"] is None and again != row["verdict"]:
        # That nothing is there to judge is known from measures, which the row does not hold.
        again = {"no_data": "not_applicable"}.get(again, again)
    assert again == row["verdict"]


# ---- What the tables must hold

READ = params.load(PARAMS)
JUDGED = {
    i.id: i
    for i in READ.indicators.values()
    if i.total_of is None and (i.formula is not None or i.answers)
}


def divides(text: str) -> bool:
    """Whether something that is not a written number stands below a fraction line."""
    return re.search(r"/\s*[^\s\d]", text) is not None


def edges_of(indicator: Indicator) -> set[str]:
    """Edges that can occur for an indicator."""
    found = {"nothing", "missing"}
    if indicator.answers:
        found |= {"yes", "no", "no_document", "noted"}
    elif indicator.formula is not None:
        found |= edges_of_formula(indicator)
    if indicator.not_applicable_when is not None:
        found.add("nothing_there")
    if indicator.who.columns:
        found.add("wrong_kind")
    for has, edge in (
        (indicator.may_have_none, "none_there"),
        (indicator.judged_when is not None, "only_shown"),
        (indicator.strive_when is not None, "mid_year"),
        (indicator.at_branches, "branch"),
    ):
        found |= {edge} if has else set()
    return found


def edges_of_formula(indicator: Indicator) -> set[str]:
    assert indicator.formula is not None
    bases = {q for q, _ in indicator.formula.columns if q in Quarter(2021, 4).bases}
    found = {"no_base"} if indicator.base or bases else set()
    if divides(indicator.formula.text) and indicator.not_applicable_when is None:
        found.add("zero_denominator")
    if indicator.kind == "rule":
        return found | {"at_limit", "below", "above"}
    if indicator.kind == "trend":
        return found | {"at_limit", "below", "above", "wrong_twice"}
    return found | ({"at_limit", "above"} if indicator.kind == "list" else {"plain"})


def exempt() -> dict[tuple[str, str], str]:
    return {key: why for m in MODULES.values() for key, why in getattr(m, "EXEMPT", {}).items()}


def section(indicator: str) -> str:
    return READ.indicators[indicator].clause.partition(".")[0].removeprefix("C")


@pytest.mark.parametrize("indicator", sorted(JUDGED))
def test_every_edge_that_can_occur_has_a_case(indicator: str) -> None:
    have = {case.edge for case in ALL if case.indicator == indicator}
    excused = {edge for one, edge in exempt() if one == indicator}
    lacking = edges_of(JUDGED[indicator]) - have - excused
    assert not lacking, f"no case of {indicator} for {sorted(lacking)}"


def test_an_exemption_says_why_and_is_needed() -> None:
    have = {(case.indicator, case.edge) for case in ALL}
    for (indicator, edge), why in exempt().items():
        assert edge in edges_of(JUDGED[indicator]), (indicator, edge)
        assert (indicator, edge) not in have, (indicator, edge)
        assert len(why.split()) >= 4, (indicator, edge, why)


def test_cases_stand_in_their_section_under_known_edges() -> None:
    for name, module in MODULES.items():
        for case in module.CASES:
            assert case.edge in EDGES, case
            assert case.working.strip(), case
            assert name.removeprefix("section_")[0] == section(case.indicator), case


def imported(tree: ast.AST) -> Iterable[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda p: p.stem)
def test_cases_import_nothing_of_puhui(path: Path) -> None:
    allowed = {"__future__", "collections.abc", "dataclasses", "indicators.cases.case"}
    found = set(imported(ast.parse(path.read_text(encoding="utf-8"))))
    assert found <= allowed, found - allowed
