"""The outlook on the pages: what is said, and that it never reads as a verdict."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from puhui.briefing.county import county_sections
from puhui.briefing.institution import institution_sections
from puhui.briefing.outlook import chance

_place = Path(__file__).with_name("made.py")
_found = importlib.util.spec_from_file_location("made_for_outlook", _place)
assert _found is not None and _found.loader is not None
made = importlib.util.module_from_spec(_found)
_found.loader.exec_module(made)

ROW = {
    "quarter": "2021Q4", "institution_id": made.RURAL, "for_quarter": "2022Q1",
    "method": "ledger", "transitions": 8, "gap_pp": 1.5, "gap_num": "3", "gap_den": "2",
    "tolerance_pp": "3.00", "middle_pp": 1.6, "low_pp": 1.1, "high_pp": 3.004, "beyond": 0.104,
    "draws": 2000, "held_until": "2021-12-31", "deferred": 1234500.0,
    "gap_if_5_pp": 1.51, "gap_if_10_pp": 1.52, "gap_if_20_pp": 1.54,
}  # fmt: skip
SCORE = {
    "quarter": "2021Q4", "method": "ledger", "forecasts": 10, "crps_pp": 0.1,
    "crps_as_now_pp": 0.2, "better": "yes", "inside": 8, "below": 1, "above": 1,
    "could_leave": 9, "events": 1,
}  # fmt: skip


def scores(*better, **total):
    each = [SCORE | {"origin": f"2021Q{n}", "better": b} for n, b in enumerate(better, 1)]
    whole = SCORE | {"forecasts": 10 * len(better), "inside": 8 * len(better)}
    won = "yes" if set(better) == {"yes"} else "no"
    return [*each, whole | {"better": won} | total]


def said(rows, tested=(), of=None):
    source = made.make_source(outlook=rows, backtest=list(tested))
    sections = institution_sections(source, of or made.RURAL)
    return "\n".join(next(s for s in sections if s.id == "tolerance").paragraphs)


def test_the_letter_gives_interval_chance_and_basis():
    text = said([ROW])
    assert "2022年一季度末差额的中位估计为1.60个百分点，80%区间1.10至3.004个百分点" in text
    assert "超出 3.00 个百分点的可能为10.4%" in text
    assert "只供参考，不作结论" in text
    assert "过去 8 次季度间的去向" in text


def test_while_classes_were_held_the_letter_says_so_and_supposes():
    text = said([ROW])
    assert "截至2021-12-31" in text
    assert (
        "（123.45万元）中有5%、10%、20%转为不良，本季度末差额将为1.51、1.52、1.54个百分点" in text
    )
    assert "没有逐笔延期数据" in said([ROW | {"deferred": None}])
    assert "延期" not in said([ROW | {"held_until": None}])


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"method": "changes", "pool": "kind"}, "按同类机构过去 8 次差额变动推算"),
        ({"method": "changes", "pool": "county"}, "按全县机构过去 8 次差额变动推算"),
        ({"method": None, "reason": "过去的季度太少。"}, "不作前瞻：过去的季度太少。"),
        ({"reason": "已平移。"}, "说明：已平移。"),
    ],
)
def test_what_the_forecast_rests_on_is_said(changed, sentence):
    assert sentence in said([ROW | changed])


def test_an_institution_without_a_row_has_no_word_of_it():
    assert "前瞻" not in said([])


def test_it_says_when_it_is_no_better_than_this_quarter():
    better, worse = said([ROW], scores("yes", "yes")), said([ROW], scores("yes", "no"))
    assert "各季度均优于“下季度与本季度相同”" in better
    assert "不能说优于“下季度与本季度相同”：2 个季度中 1 个较优" in worse
    assert "过去 2 个季度共 20 次，80%区间命中 16 次（80%）" in worse
    assert "还没有可以回测的季度" in said([ROW])


def test_the_circular_lists_everyone_and_how_forecasts_did():
    silent = {
        "quarter": "2021Q4", "institution_id": made.LARGE, "for_quarter": "2022Q1",
        "tolerance_pp": "3.00", "held_until": "2021-12-31", "reason": "本季度末的差额无数据。",
    }  # fmt: skip
    tested = scores("yes", "no", brier=0.12, brier_as_now=0.3, events=12)
    source = made.make_source(outlook=[ROW, silent], backtest=tested)
    section = next(s for s in county_sections(source) if s.id == "tolerance")
    text = "\n".join(section.paragraphs)
    assert "不改变本期评价" in text
    assert "12 次转为超出；Brier 得分0.120，按“不会超出”为0.300" in text
    table = next(t for t in section.tables if t.id == "outlook")
    listed = [source.name(i) for i in source.institution_ids if i in (made.RURAL, made.LARGE)]
    assert [row[0] for row in table.rows] == listed
    unsaid = next(row for row in table.rows if row[0] == source.name(made.LARGE))
    assert unsaid[-2:] == ("未作", "本季度末的差额无数据。")


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.0, "不足0.1%"), (0.0005, "不足0.1%"), (0.001, "0.1%"), (0.5, "50.0%"),
        (0.999, "99.9%"), (0.9995, "超过99.9%"), (1.0, "超过99.9%"), (None, "—"),
    ],
)  # fmt: skip
def test_draws_are_finite_so_nothing_is_certain(share, text):
    assert chance(share, made.make_source().words) == text
