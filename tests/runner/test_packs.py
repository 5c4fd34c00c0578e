"""Packs of the example county hold nothing their readers may not see.

They are read as the files they are, every part of workbooks and documents, and searched for
what belongs to others: numbers, names, hashes and figures of six or more digits.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import lxml.etree
import lxml.html
import pytest

from puhui import params
from puhui.briefing.audiences import shown_to
from puhui.briefing.county import county_sections
from puhui.briefing.figures import exact, ratio, rounded
from puhui.briefing.government import government_sections
from puhui.briefing.institution import institution_sections
from puhui.errors import RunError
from puhui.params.audiences import matches
from puhui.quarter import Quarter
from puhui.runner.packs import asked_for
from puhui.runner.quarterly import Request, run_quarter
from puhui.runner.workspace import Run, RunConfig
from runner.extract import BRANCH, LENDER
from vocabulary import PARAMS, PROJECT

OUT = PROJECT / "output" / "2021Q4"
KINDS = {".html", ".docx", ".xlsx"}
#: A keyed hash, whole or the piece a page might show; the footer's fingerprint has 12.
HASH = re.compile(r"(?<![0-9A-Za-z])(?=\d*[a-f])[0-9a-f]{16,}(?![0-9A-Za-z])")
LOAN = re.compile(r"[A-Z]{2}\dL\d{6}")
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
#: Tables with results of institutions, and their columns of figures.
FIGURES = {
    "indicators": ("value", "base_value", "change"),
    "parts": ("value",),
    "tolerance": ("inclusive_npl", "inclusive", "all_npl", "all_loans", "headroom", "gap"),
    "measures": ("value",),
}
SCALES = (1, 10_000, 100_000_000)


@pytest.fixture(scope="module")
def run() -> Run:
    assert OUT.is_dir(), "make example first"
    return Run(RunConfig.read(OUT / "working" / "run.json"))


@pytest.fixture(scope="module")
def source(run):
    return run.source()


def packs(audience: str) -> list[Path]:
    found = sorted((OUT / "packs" / audience).iterdir())
    assert {p.suffix for p in found} == KINDS
    return found


def parts(path: Path) -> Iterator[str]:
    """Everything readable in a file: text and attributes, but not the lines of drawings."""
    if path.suffix == ".html":
        tree = lxml.html.parse(str(path)).getroot()
        for node in tree.iter():
            if node.tag in ("style", "script", "path", "use"):
                continue
            yield from (str(v) for k, v in node.attrib.items() if k not in ("d", "transform"))
            yield from (t for t in (node.text, node.tail) if t)
        return
    with zipfile.ZipFile(path) as packed:
        for name in packed.namelist():
            yield name
            if name.endswith(".jpeg"):
                continue  # the picture of the empty document every docx is made from
            for node in lxml.etree.fromstring(packed.read(name)).iter():
                yield from (t for t in (node.text, node.tail) if t and t.strip())


def text_of(path: Path) -> str:
    return "\n".join(parts(path))


def numbers(text: str) -> set[str]:
    """Figures of six or more digits, as written, without separators and trailing zeros."""
    found = {m.replace(",", "") for m in NUMBER.findall(text)}
    return {plain(n) for n in found if len(re.sub(r"\D", "", n).lstrip("0")) >= 6}


def plain(number: str) -> str:
    whole, _, decimals = number.partition(".")
    decimals = decimals.rstrip("0")
    return f"{whole}.{decimals}" if decimals else whole


def written(value: Fraction) -> set[str]:
    """Return how a value may be written with six or more digits, in yuan, 万元 or 亿元."""
    found = {plain(f"{float(abs(value)):.17g}"), plain(repr(float(abs(value))))}
    for scale in SCALES:
        for digits in range(5):
            found.add(plain(f"{rounded(abs(value) / scale, digits):.{digits}f}"))
    return {n for n in found if len(re.sub(r"\D", "", n).lstrip("0")) >= 6}


@pytest.fixture(scope="module")
def figures(run) -> dict[str, set[str]]:
    """Figures of six or more digits each institution has in this quarter's results."""
    found: dict[str, set[str]] = {i: set() for i in run.config.institutions}
    for name, columns in FIGURES.items():
        for row in run.results()[name].to_pylist():
            if row["institution_id"] not in found or row["quarter"] != run.config.quarter:
                continue
            for column in columns:
                value = exact(row.get(column))
                if f"{column}_num" in row:
                    value = ratio(row[f"{column}_num"], row[f"{column}_den"]) or value
                if value:
                    found[row["institution_id"]] |= written(value)
    assert sum(map(len, found.values())) > 10_000
    return found


def of_others(figures, own: str) -> set[str]:
    """Figures of the others that the institution does not have itself."""
    others = set().union(*(f for i, f in figures.items() if i != own))
    return others - figures.get(own, set())


def names(source, institution_id: str) -> set[str]:
    """Number and name of an institution and of its branches."""
    branches = [r for r in source.branches.to_pylist() if r["institution_id"] == institution_id]
    found = {institution_id, source.name(institution_id)}
    found |= {r["branch_id"] for r in branches}
    return found | {r["name"] for r in branches if r["name"]}


def leaked(text: str, source, figures, own: str) -> list[str]:
    """What a text tells of other institutions than one's own (none: of any)."""
    mine = names(source, own) if own else set()
    theirs = set().union(*(names(source, i) for i in source.institution_ids if i != own))
    found = [n for n in sorted(theirs - mine) if n in text]
    return [*found, *sorted(numbers(text) & of_others(figures, own)), *HASH.findall(text)]


def institution_packs():
    return sorted((OUT / "packs" / "institution").glob("*.*"))


def test_every_audience_has_page_document_and_workbook_of_everything(run):
    expected = {f"institution/{i}" for i in run.config.institutions}
    expected |= {"circular/circular", "government/government"}
    found = {p.relative_to(OUT / "packs").as_posix() for p in (OUT / "packs").glob("*/*")}
    assert found == {f"{name}{kind}" for name in expected for kind in KINDS}


def test_nothing_of_another_institution_is_in_an_institutions_pack(source, figures):
    searched = 0
    for path in institution_packs():
        text = text_of(path)
        assert leaked(text, source, figures, path.stem) == [], path
        searched += len(numbers(text))
    assert searched > 2_000, "the search reads figures at all"


def test_the_search_finds_what_is_put_there(source, figures):
    """Another's name, branch, figure in any unit, and a hash are each found in a pack's text."""
    path = next(p for p in institution_packs() if p.name == f"{LENDER}.docx")
    text = text_of(path)
    assert leaked(text, source, figures, LENDER) == []
    other = next(i for i in source.institution_ids if i == BRANCH)
    figure = max(of_others({k: figures[k] for k in (LENDER, other)}, LENDER), key=len)
    grouped = f"{int(figure.partition('.')[0]):,}" + figure[len(figure.partition(".")[0]) :]
    for planted in (other, source.name(other), figure, grouped, "0123456789abcdef0"):
        assert leaked(f"{text}\n{planted}", source, figures, LENDER), planted


def test_an_institution_sees_places_among_peers_but_no_value_of_theirs(source):
    audience = params.load(PARAMS).audiences["institution"]
    for institution in source.institution_ids:
        (section,) = [
            s
            for s in shown_to(audience, institution_sections(source, institution))
            if s.id == "indicators"
        ] or [None]
        for table in section.tables if section else ():
            assert "peers" not in [c.key for c in table.columns]
            assert all("中位数" not in note for note in table.notes)


def test_the_circular_names_institutions_but_no_customer_case_lead_or_outlook(run, source):
    cases = {r["case_id"] for r in run.results()["exemption"].to_pylist()}
    assert len(cases) > 10
    for path in packs("circular"):
        text = text_of(path)
        assert source.name(LENDER) in text
        assert [c for c in cases if c in text] == []
        assert LOAN.findall(text) == HASH.findall(text) == []
        assert "前瞻" not in text
        assert "回测" not in text
        assert "CRV" not in text
        assert "责任认定" not in text
        cells = [t.strip() for t in parts(path)]
        assert not {"？", "？*", "？ 待核实"} & set(cells), path


def test_the_report_to_the_government_names_nobody_and_tells_nobodys_figures(source, figures):
    for path in packs("government"):
        text = text_of(path)
        assert leaked(text, source, figures, "") == [], path
        assert LOAN.findall(text) == []
        assert "全部机构" in text


def test_groups_of_the_government_report_have_three_members_and_add_up(source):
    audience = params.load(PARAMS).audiences["government"]
    sections = {s.id: s for s in government_sections(source, audience)}
    (table,) = sections["totals"].tables
    keys = [c.key for c in table.columns]
    *groups, total = [dict(zip(keys, row, strict=True)) for row in table.rows]
    assert len(groups) > 1
    assert all(g["institutions"] >= 3 for g in groups)
    assert sum(g["institutions"] for g in groups) == total["institutions"]
    for key in ("balance", "increase", "customers", "change"):
        assert sum(g[key].value for g in groups) == total[key].value
    counted = next(t for t in sections["takeup"].tables if t.id == "takeup")
    judged = [row[3] for row in counted.rows if isinstance(row[3], int)]
    assert judged
    assert min(judged) >= 3
    assert f" {sum(judged)} 条次" in sections["takeup"].paragraphs[0]


def test_every_rule_shows_something_in_the_example(source):
    """A rule that names nothing is a slip of the pen, or hides what was renamed."""
    audiences = params.load(PARAMS).audiences
    letters = [s for i in source.institution_ids for s in institution_sections(source, i)]
    county = list(county_sections(source))
    government = list(government_sections(source, audiences["government"]))
    pages = {"institution": letters, "county": county, "government": government}
    unused = []
    for audience in audiences.values():
        for name, rule in audience.sections.items():
            sections = [s for s in pages[audience.page] if s.id == name]
            texts = [getattr(t, "key", "") for s in sections for t in (*s.paragraphs, *s.items)]
            charts = [c.id for s in sections for c in s.charts]
            tables = {t.id: t for s in sections for t in s.tables}
            for pattern in rule.texts if rule.texts != ("*",) else ():
                unused += [(audience.id, name, pattern)] * (not any_of(texts, pattern))
            for pattern in rule.charts if rule.charts != ("*",) else ():
                unused += [(audience.id, name, pattern)] * (not any_of(charts, pattern))
            for table, shown in rule.tables.items():
                if table == "*":
                    continue
                if table not in tables:
                    unused.append((audience.id, name, table))
                    continue
                keys = [c.key for c in tables[table].columns]
                unused += [(table, k) for k in shown.columns if not any_of(keys, k)]
            if not sections:
                unused.append((audience.id, name))
    assert unused == []


def any_of(keys, pattern):
    return any(matches(k, [pattern]) for k in keys)


def test_an_unknown_audience_is_refused_with_the_names_there_are():
    with pytest.raises(RunError, match="没有发送对象“gov”") as raised:
        asked_for(params.load(PARAMS), ["gov"])
    assert "supervisor、institution、circular、government" in str(raised.value)


def test_only_the_packs_asked_for_are_written_and_others_do_not_stay(finished, tmp_path):
    out = finished.out / "packs"
    assert {p.name for p in out.iterdir()} == {"institution", "circular", "government"}
    asked = Request(
        Quarter.parse("2021Q4"), finished.request.data, PARAMS, tmp_path, audiences=("government",)
    )
    made = run_quarter(asked)
    folder = made.config.folder / "packs"
    assert {p.name for p in folder.glob("*/*")} == {f"government{k}" for k in KINDS}
    narrowed = run_quarter(replace(asked, audiences=("supervisor",)))
    assert list((narrowed.config.folder / "packs").glob("*/*")) == []
