"""What an analyst wrote instead of a sentence stands on the page, marked, until it is reviewed."""

from __future__ import annotations

from dataclasses import replace

import openpyxl
import pytest

from briefing.made import LARGE, RURAL
from puhui.briefing.county import county_sections
from puhui.briefing.edits import edited, edits_said, read_edits, sentences
from puhui.briefing.html import render_section
from puhui.briefing.institution import institution_sections
from puhui.briefing.source import COUNTY, Edit, Edits
from puhui.briefing.xlsx import write_annex

OVERALL, NOTE = "overall#1", "clauses/clauses/clauses.note"


def with_edits(source, page, **by_key):
    return replace(source, edits={page: Edits(f"{page}.yaml", by_key)})


def page_of(source, page):
    sections = county_sections(source) if page == COUNTY else institution_sections(source, page)
    return "".join(map(render_section, sections))


@pytest.mark.parametrize("page", [RURAL, LARGE, COUNTY])
def test_every_sentence_has_one_key_and_can_be_replaced(source, page):
    sections = county_sections(source) if page == COUNTY else institution_sections(source, page)
    texts = [t for s in sections for t in (*s.paragraphs, *s.items)]
    texts += [t for s in sections for table in s.tables for t in table.notes]
    found = sentences(sections)
    assert sorted(found.values()) == sorted(texts)
    all_edited = {k: Edit(t, f"改{n}。") for n, (k, t) in enumerate(found.items())}
    html = page_of(replace(source, edits={page: Edits("x", all_edited)}), page)
    assert [n for n in range(len(found)) if f"改{n}。〔人工修改〕" not in html] == []


def test_a_problems_key_is_its_clause_whatever_else_is_found(source):
    key = "problems/problems.basis/C7.2"
    was = sentences(institution_sections(source, RURAL))
    assert "C7.2" in was[key]
    others = [k for k in was if k.startswith("problems/problems.basis/") and k != key]
    rows = source.results["clauses"].to_pylist()
    less = [r for r in rows if r["clause"] in ("C1", "C7.2")]
    table = source.results["clauses"].from_pylist(less, source.results["clauses"].schema)
    now = sentences(
        institution_sections(replace(source, results={**source.results, "clauses": table}), RURAL)
    )
    assert others
    assert was[key] == now[key]
    assert not set(others) & set(now)


def test_a_kept_sentence_stands_and_is_escaped(source):
    was = sentences(institution_sections(source, RURAL))[OVERALL]
    html = page_of(with_edits(source, RURAL, **{OVERALL: Edit(was, "<b>好\u202e")}), RURAL)
    assert "<p>&lt;b&gt;好〈U+202E〉〔人工修改〕</p>" in html
    assert was not in html
    assert "请复核" not in html


def test_a_changed_sentence_is_flagged_and_shown(source):
    was = sentences(institution_sections(source, RURAL))[OVERALL]
    html = page_of(with_edits(source, RURAL, **{OVERALL: Edit("旧句。", "好。")}), RURAL)
    assert f"好。〔人工修改；原句已变，请复核。现句：{was}〕" in html


def test_an_unknown_key_is_named_and_nothing_else_changes(source):
    plain_page = page_of(source, RURAL)
    odd = with_edits(source, RURAL, **{"problems/没有": Edit("", "好。")})
    assert page_of(odd, RURAL) == plain_page
    (said,) = edits_said(odd, RURAL, "甲行", sentences(institution_sections(source, RURAL)))
    assert f"{RURAL}.yaml" in said
    assert "problems/没有" in said


def test_the_index_hears_of_used_and_changed_edits(source):
    now = {OVERALL: "新句。", NOTE: "注。"}
    odd = with_edits(source, RURAL, **{OVERALL: Edit("旧句。", "好。"), NOTE: Edit("注。", "改。")})
    assert edits_said(odd, RURAL, "甲行", now) == (
        "甲行：人工修改 2 句。",
        f"甲行：{OVERALL} 原句已变，请复核。现句：新句。",
    )


def test_an_edit_of_one_page_leaves_the_others(source):
    odd = with_edits(source, RURAL, **{OVERALL: Edit("", "好。")})
    assert page_of(odd, LARGE) == page_of(source, LARGE)
    sections = institution_sections(source, LARGE)
    assert edited(odd, LARGE, sections) is sections


def test_the_workbook_carries_edited_notes_as_text(source, tmp_path):
    was = sentences(institution_sections(source, RURAL))[NOTE]
    sections = institution_sections(
        with_edits(source, RURAL, **{NOTE: Edit(was, "=1+1 说明")}), RURAL
    )
    path = tmp_path / "annex.xlsx"
    write_annex(path, [t for s in sections for t in s.tables], title="附表")
    cells = [
        cell
        for sheet in openpyxl.load_workbook(path)
        for row in sheet.iter_rows()
        for cell in row
        if "=1+1 说明" in str(cell.value)
    ]
    assert [(c.data_type, "〔人工修改〕" in c.value) for c in cells] == [("s", True)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [", "不是合法的 YAML"),
        ("a: 文字", "应为“键: 值”"),
        ("a: {generated: 句, txt: 改}", "不认识的键“txt”"),
        ("a: {text: 一}\na: {text: 二}", "a"),
        ("- 列表", "最外层应为"),
    ],
)
def test_a_file_that_cannot_be_read_is_said_with_its_place(tmp_path, source, text, said):
    path = tmp_path / "HC1.yaml"
    path.write_text(text, encoding="utf-8")
    edits = read_edits(path)
    assert said in edits.error
    assert "HC1.yaml" in edits.error
    (line,) = edits_said(replace(source, edits={"HC1": edits}), "HC1", "甲行", {})
    assert "没有采用" in line


def test_empty_texts_are_no_edits_and_long_ones_are_one_line(tmp_path):
    path = tmp_path / "HC1.yaml"
    path.write_text("a:\n  generated: 句\n  text:\nb:\n  text: |\n    第一行\n    第二行\n")
    assert read_edits(path).by_key == {"b": Edit("", "第一行 第二行")}
