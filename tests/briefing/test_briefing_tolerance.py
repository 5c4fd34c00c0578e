"""What pages say beside the tolerance verdict: headroom, cross-checks, comparators, history."""

from __future__ import annotations

from decimal import Decimal

import pytest

from briefing.made import RURAL, tolerance
from puhui import results
from puhui.briefing.county import county_sections
from puhui.briefing.institution import institution_sections
from puhui.briefing.table import cell_text

ROOM = {"headroom_kind": "room", "headroom": Decimal("123456.78"), "removed": Decimal("0.00")}
OVER = {
    "headroom_kind": "over",
    "to_recover": Decimal("2.13"),
    "to_upgrade": Decimal("2.00"),
    "other_verdict": "met",
    "other_gap_num": "3004",
    "other_gap_den": "1001",
    "other_comparator": "branch",
    "with_removed_pp": 5.25,
    "with_late_pp": 3.0004,
    "put_off_pct": 12.5,
}


def section_of(sections):
    return {s.id: s for s in sections}["tolerance"]


def said(county, *rows, **more):
    return "".join(
        section_of(institution_sections(county(tolerance=rows, **more), RURAL)).paragraphs
    )


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        (ROOM, "还可有 123,456.78 元普惠型小微企业贷款转为不良"),
        ({"headroom_kind": "unbounded"}, "没有上限"),
        (OVER, "收回不良贷款 2.13 元，或使不良贷款上调 2.00 元"),
        ({"headroom_kind": "conflict"}, "不计算余量，核实前结论为暂定"),
    ],
)
def test_headroom_in_a_sentence(county, fields, sentence):
    text = said(county, tolerance(RURAL, None, "5", "2", "met", **fields))
    assert sentence in text and "核销和转让普惠型" not in text


def test_write_offs_stand_apart_and_are_not_advised(county):
    row = tolerance(RURAL, None, "5", "2", "met", **{**ROOM, "removed": Decimal("600.00")})
    assert "本年核销和转让普惠型小微企业贷款 600.00 元，单独列示" in said(county, row)
    assert "不作为回到界限之内的办法" in said(county, row)


def test_units_that_are_reserved_or_disagree_are_named(county):
    rows = (
        tolerance(RURAL, None, "5", "2", "met_reserved", **ROOM),
        tolerance(RURAL, "02", "7.25", "2", "not_met", **OVER),
        tolerance(RURAL, "03", "1", "2", "met", other_verdict="met", **ROOM),
    )
    text = said(county, *rows)
    assert "贷款后超过界限的：全机构。" in text
    assert "结论不同的：来龙支行（未达标→达标）；" in text


def test_an_own_limit_is_told_where_it_turns_the_verdict(county):
    own = {"own_tolerance_pp": "2.00", "own_basis": "bank", "own_verdict": "not_met"}
    turned = tolerance(RURAL, None, "4.5", "2", "met", **own)
    assert "按本行自定的容忍度结论不同的：全机构（2.00 个百分点，未达标）。" in said(county, turned)
    same = tolerance(RURAL, None, "4.5", "2", "met", **{**own, "own_verdict": "met"})
    assert "自定" not in said(county, same)


def test_history_of_the_institution_and_of_branches_beyond_the_limit(county):
    names = set(results.SCHEMAS["tolerance_history"].names)
    now = (
        tolerance(RURAL, None, "4", "2", "met"),
        tolerance(RURAL, "02", "7.25", "2", "not_met"),
        tolerance(RURAL, "03", "6", "2", "not_met"),
    )
    before = (
        tolerance(RURAL, None, "5.0004", "2", "not_met"),
        tolerance(RURAL, "02", "7", "2", "not_met"),
        tolerance(RURAL, "03", "1", "2", "met"),
    )
    past = [{**r, "quarter": q} for q, rows in (("2021Q4", now), ("2021Q3", before)) for r in rows]
    past = [{k: v for k, v in r.items() if k in names} for r in past]
    text = said(county, *now, tolerance_history=past)
    assert "2021Q3 3.0004（未达标）、2021Q4 2.00（达标）" in text
    assert "连续超过界限的网点：来龙支行（2 季）。" in text


def test_cross_checks_in_a_table_with_digits_that_tell_them_from_the_limit(county):
    rows = (
        tolerance(RURAL, None, "5", "2", "met", **ROOM),
        tolerance(RURAL, "02", "7.25", "2", "not_met", **OVER),
        tolerance(RURAL, "03", "1", "2", "no_data"),
    )
    table = section_of(institution_sections(county(tolerance=rows), RURAL)).tables[1]
    found = [[cell_text(v, c) for v, c in zip(r, table.columns, strict=True)] for r in table.rows]
    assert found == [
        ["全机构", "—", "—", "—", "—", "—", "123,456.78", "—", "—"],
        ["来龙支行", "3.001", "达标", "5.25", "3.0004", "12.50", "—", "2.13", "2.00"],
    ]
    annex = section_of(county_sections(county(tolerance=rows))).tables[1]
    assert len(annex.rows) == 2


def test_without_headroom_there_is_no_second_table(county):
    rows = (tolerance(RURAL, None, "5", "2", "met"),)
    assert len(section_of(institution_sections(county(tolerance=rows), RURAL)).tables) == 1
