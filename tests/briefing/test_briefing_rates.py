"""Model C on the pages: one sentence, one chart, other settings and moves."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from puhui.briefing.county import county_sections
from puhui.briefing.institution import institution_sections

_place = Path(__file__).with_name("made.py")
_found = importlib.util.spec_from_file_location("made_for_rates", _place)
assert _found is not None and _found.loader is not None
made = importlib.util.module_from_spec(_found)
_found.loader.exec_module(made)


def c_row(**changes: object) -> dict[str, object]:
    base = made.REGRESSIONS[0] | {
        "model": "C", "weights": "none", "estimate": 0.55, "se_crv3": 0.119, "status": "ok",
        "ci_low": 0.29, "ci_high": 0.91, "p_zero": 0.002, "p_one": 0.04, "detectable": 0.33,
        "reason": "由期限利差识别的传导",
    }  # fmt: skip
    return base | changes


def rates(*more: dict[str, object], moves: list[dict[str, object]] | None = None):
    rows = [dict(r, weights="none") for r in made.REGRESSIONS]
    return made.make_source(regressions=[*rows, *more], moves=moves or [])


def county(source):
    return next(s for s in county_sections(source) if s.id == "rates")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "可与不传导区分，也可与完全传导区分"),
        ({"p_one": 0.2}, "可与不传导区分，不能与完全传导区分"),
        ({"p_zero": 0.05}, "不能与不传导区分，可与完全传导区分"),
        ({"p_zero": 0.3, "p_one": 0.2}, "不能与不传导区分，也不能与完全传导区分"),
        ({"status": "weak", "p_zero": None, "p_one": None}, "识别弱，不作检验"),
        ({"p_zero": None, "p_one": None}, "未作检验"),
    ],
)
def test_one_sentence_says_what_c_can_be_told_apart_from(changes, said) -> None:
    source = rates(c_row(**changes))
    (sentence,) = [p for p in county(source).paragraphs if "期限品种之差估计" in p]
    assert said in sentence and "0.55个百分点，95%区间0.29至0.91" in sentence
    assert "小于0.33个百分点的差异无法察觉" in sentence
    letter = next(s for s in institution_sections(source, made.RURAL) if s.id == "rates")
    assert f"利率变动0.55个百分点（{said}），见通报附件2" in letter.paragraphs[1]


def test_an_unbounded_end_is_said() -> None:
    text = "".join(county(rates(c_row(ci_high=None))).paragraphs)
    assert "95%区间0.29至无界" in text


def test_the_chart_has_every_model_and_the_interval_of_c() -> None:
    (chart,) = county(rates(c_row())).charts
    assert "模型 A（不加权）0.61" in chart.alt and "模型 C（不加权）0.55 [0.29, 0.91]" in chart.alt
    assert county(rates()).charts == ()  # A and B alone need none


def test_other_settings_and_moves_are_tables_of_their_own() -> None:
    without = c_row(variant="without 2020-04-20", estimate=None, se_crv3=None, status="none")
    move = {
        "quarter": "2021Q4", "benchmark": "lpr 1Y", "day": "2020-04-20", "weights": "none",
        "change_bp": -20.0, "mean_before": 5.46, "mean_after": 5.32, "ratio": 0.7, "loans": 5,
        "institutions": 2, "measures": "延期还本付息",
    }  # fmt: skip
    source = rates(c_row(), c_row(variant="controls", estimate=0.5), without,
                   moves=[move, dict(move, weights="amount")])  # fmt: skip
    tables = {t.id: t for t in county(source).tables}
    rows = {row[0]: row[-1] for row in tables["regression_variants"].rows}
    assert rows == {
        "方程本身": "0.550（0.119）", "加控制变量": "0.500（0.119）", "不用2020-04-20的调整": "—",
    }  # fmt: skip
    (shown,) = tables["moves"].rows
    assert [getattr(v, "text", v) for v in shown] == [
        "2020-04-20", "LPR 1年期", "-20", "-14.0", "0.70", 5, 2, "延期还本付息",
    ]  # fmt: skip
