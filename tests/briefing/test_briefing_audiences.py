"""What audiences are given: nothing unless a rule names it."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pytest

from briefing.made import make_source
from puhui import params
from puhui.briefing.audiences import circular_sections, marked, shown_to
from puhui.briefing.county import county_sections
from puhui.briefing.edits import sentences
from puhui.briefing.institution import institution_sections
from puhui.briefing.source import COUNTY, Edit, Edits
from puhui.briefing.table import Chart, Column, Section, Table
from puhui.briefing.words import Said
from puhui.errors import ParamsError
from puhui.params.audiences import load_audiences
from puhui.params.yaml import load as load_yaml
from vocabulary import PARAMS


@pytest.fixture(scope="module")
def real():
    return params.load(PARAMS)


def rules(tmp_path, text, real):
    file = tmp_path / "audiences.yaml"
    file.write_text(text, encoding="utf-8")
    return load_audiences(load_yaml(file), real.clauses, real.indicators)


SECTION = Section(
    "one",
    "一",
    (Said("甲", key="a.first"), Said("乙", key="a.second"), "没有键的一段"),
    (
        Table(
            "numbers",
            "表",
            (Column("name", "名称"), Column("own", "本机构"), Column("peers", "同业")),
            (("x", "1", "2"),),
            (Said("注一", key="n.own"), Said("注二", key="n.peers")),
        ),
        Table("secret", "秘", (Column("name", "名称"),), (("y",),)),
    ),
    (Chart("<svg/>", "", "图", "good"), Chart("<svg/>", "", "图", "bad")),
    items=(Said("丙", key="i.item/C1"),),
)


def test_only_what_is_named_is_shown(tmp_path, real):
    text = """\
bank:
  label: 行
  page: institution
  sections:
    one:
      texts: [a.first, i.*]
      charts: [good]
      tables: {numbers: {columns: [name, own], notes: [n.own]}}
"""
    (shown,) = shown_to(rules(tmp_path, text, real)["bank"], [SECTION, replace(SECTION, id="two")])
    assert (shown.paragraphs, shown.items) == (("甲",), ("丙",))
    assert [c.id for c in shown.charts] == ["good"]
    (table,) = shown.tables
    assert [c.key for c in table.columns] == ["name", "own"]
    assert (table.rows, table.notes) == ((("x", "1"),), ("注一",))


@pytest.mark.parametrize("rule", ["{}", "{texts: []}", "{tables: {secret: {}}, texts: [b.*]}"])
def test_a_section_without_anything_to_show_is_left_out_or_bare(tmp_path, real, rule):
    text = f"bank:\n  label: 行\n  page: institution\n  sections:\n    one: {rule}\n"
    shown = shown_to(rules(tmp_path, text, real)["bank"], [SECTION])
    assert all(not s.paragraphs and not s.charts and not s.items for s in shown)
    assert all(not t.columns and not t.notes for s in shown for t in s.tables)


def test_all_means_everything(tmp_path, real):
    text = "bank:\n  label: 行\n  page: institution\n  sections:\n    one: all\n"
    assert shown_to(rules(tmp_path, text, real)["bank"], [SECTION]) == (SECTION,)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("clauses: [C9.99]", "没有“C9.99”"),
        ("coordinate: [C7.22]", "没有“C7.22”"),
        ("amounts: [C5.5a]", "不是金额"),
        ("amounts: [C77]", "没有“C77”"),
        ("sections: {one: {text: all}}", "text"),
        ("small_groups: {fewest: 2}", "fewest"),
    ],
)
def test_a_mistake_in_the_rules_is_named_with_its_place(tmp_path, real, line, said):
    text = f"bank:\n  label: 行\n  page: institution\n  {line}\n"
    with pytest.raises(ParamsError) as raised:
        rules(tmp_path, text, real)
    assert said in str(raised.value)
    assert "audiences.yaml:" in str(raised.value)


def verdicts(source, name):
    return [r["verdict"] for r in source.table(name).to_pylist()]


def asking(source, clause):
    """Make one institution's verdict on a clause a question, with one of its indicators."""
    results, institution = dict(source.results), source.institution_ids[0]
    for name in ("clauses", "indicators"):
        rows = results[name].to_pylist()
        mine = [r for r in rows if r["institution_id"] == institution and not r["branch_id"]]
        named = [r for r in mine if str(r.get("clause") or r["indicator_id"]).startswith(clause)]
        named[0]["verdict"] = "to_verify"
        results[name] = pa.Table.from_pylist(rows, schema=results[name].schema)
    return replace(source, results=results)


def test_what_is_still_a_question_is_in_no_marked_result():
    source = asking(make_source(), "C2.1")
    assert "to_verify" in verdicts(source, "clauses") + verdicts(source, "indicators")
    limited = marked(source, source.notice)
    assert "to_verify" not in verdicts(limited, "clauses") + verdicts(limited, "indicators")
    before = [r for i in source.institution_ids for r in source.clauses(i)]
    after = [r for i in limited.institution_ids for r in limited.clauses(i)]
    kept = [r for r in before if r["verdict"] != "to_verify"]
    assert [(r["institution_id"], r["clause"], r["verdict"]) for r in kept] == [
        (r["institution_id"], r["clause"], r["verdict"]) for r in after
    ]
    institution = source.institution_ids[0]
    assert [
        r for r in limited.indicators(institution) if r["indicator_id"].startswith("C2.1")
    ] == []
    assert [r for r in source.indicators(institution) if r["indicator_id"].startswith("C2.1")]


def test_unmarked_clauses_are_nowhere_in_the_circular(real):
    source = make_source()
    audience = replace(real.audiences["circular"], clauses=("C2.1", "C3.1", "C4.1"))
    assert "C7.2" in str(county_sections(source))
    assert "C7.2" not in str(circular_sections(source, audience))


def own_edit(source, key):
    now = sentences(county_sections(source))
    return replace(
        source, edits={COUNTY: Edits("county.yaml", {key: Edit(now[key], "经办人写的一句。")})}
    )


def test_an_edit_of_a_sentence_the_circular_has_too_stands_there(real):
    source = make_source()
    audience = replace(real.audiences["circular"], clauses=tuple(source.notice))
    key = "requirements/requirements.always"
    shown = circular_sections(own_edit(source, key), audience)
    assert any("经办人写的一句。" in item for s in shown for item in s.items)


def test_an_edit_stays_under_the_rule_of_the_sentence_it_replaces(tmp_path, real):
    source = make_source()
    institution = source.institution_ids[0]
    now = sentences(institution_sections(source, institution))
    key = next(k for k in now if k.startswith("opening/opening.intro"))
    changed = {institution: Edits("x.yaml", {key: Edit(now[key], "改写。")})}
    sections = institution_sections(replace(source, edits=changed), institution)
    for pattern, there in (("opening.intro*", True), ("overall.*", False)):
        text = (
            "bank:\n  label: 行\n  page: institution\n"
            f"  sections:\n    opening: {{texts: ['{pattern}']}}\n"
        )
        shown = shown_to(rules(tmp_path, text, real)["bank"], sections)
        assert ("改写" in str(shown)) is there
