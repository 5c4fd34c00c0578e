"""Tables and sentences for display, and what ``puhui fit`` prints."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from decimal import Decimal
from fractions import Fraction

import pandas as pd
import pytest

from puhui.rates import Fit, cli_text, fit, report
from puhui.rates.bootstrap import Interval
from puhui.rates.gap import Gap, GapMove
from puhui.rates.identify import Identification, IdentificationRules, Regime, RungReport
from puhui.rates.moves import Move
from puhui.rates.pricing import Pricing, Rung
from puhui.rates.rungs import Resampled, WithoutMove
from puhui.rates.said import sentences
from puhui.rates.sample import Measure, PricingSpec, Sample

LINE = pd.DataFrame(
    {"bank": list("aabbccddee"), "x": range(10), "y": [1, 2, 2, 4, 4, 6, 5, 8, 9, 9]}
)
RULES = IdentificationRules(2, 30, 100, 5, Decimal(60), Decimal("0.9"), Decimal("2.8"))
SPEC = PricingSpec(
    "2021Q4", "LPR", dt.date(2019, 10, 1), dt.date(2021, 12, 31), "true", ("product",), RULES
)


def fitted(beta: float, error: float | None) -> Fit:
    base = fit(LINE, "y", ["x"], cluster="bank")
    return dataclasses.replace(
        base, terms=["benchmark"], beta=[beta], se_crv1=[0.5], se_crv3=[error], g_star=[4.2],
        dropped={"singletons": 3}, largest_share=[0.4],
    )  # fmt: skip


DAY = dt.date(2020, 4, 20)
GAP = Gap(("lpr 1y", "lpr 5y"), (GapMove(DAY, Decimal("0.70"), Decimal("0.80")),), 9, 90, 6)


def rung_c(status: str, p_zero: float, p_one: float, low: float | None = 0.2) -> Rung:
    resampled = Resampled({0: p_zero, 1: p_one}, {0: 0.011, 1: 0.512}, Interval(low, 1.1, False))
    return Rung("C", "none", fitted(0.6, 0.1), status, "由期限利差识别的传导", None, resampled,
                (0.5, 0.7))  # fmt: skip


def pricing(a: float, b: float, error: float | None = 0.1, c: Rung | None = None) -> Pricing:
    rungs = [
        Rung(model, key, fitted(beta, error), "weak", "与LPR的同向变动（非传导）")
        for model, beta in (("A", a), ("B", b))
        for key in ("none", "amount")
    ]
    rungs += [c] if c is not None else []
    day = DAY
    rung = RungReport("A", 0.9, 0.95, day, 0.2, "YH0001", 7.1, True, "识别弱。")
    regime = Regime(
        "lpr 1y", 1, Decimal("3.850000"), day, dt.date(2021, 12, 19), 609, 120, 8, 99, 8
    )
    identified = Identification("weak", "识别弱。", (regime,), 0.97, day, (rung,))
    sample = Sample(110, {"没有发放利率": 11}, 99, 8, by_drawdown=7)
    said = sentences(SPEC, sample, rungs, identified, GAP, 2, [("首贷", "明细没有这一项")])
    measure = Measure("延期还本付息", dt.date(2020, 1, 25), None, "6号", "found")
    move = Move("lpr 1y", day, Decimal("4.05"), Decimal("3.85"), dt.date(2020, 2, 20),
                dt.date(2020, 6, 18), 3, 40, 44, 2, {"none": Fraction(5), "amount": Fraction(5)},
                {"none": Fraction(49, 10), "amount": Fraction(48, 10)}, (measure,))  # fmt: skip
    without = (
        WithoutMove(day, "A", "none", 0.9, 0.2, ""),
        WithoutMove(day, "C", "none", None, None, "不能识别"),
    )
    return Pricing(SPEC, sample, identified, tuple(rungs), said, GAP, (move,), without)


def test_tables_show_units_counts_and_nature() -> None:
    p = pricing(1.2, 0.9)
    regimes = report.identification_table(p).iloc[0].to_dict()
    assert regimes["水平（%）"] == "3.85" and regimes["贷款笔数"] == 120
    assert regimes["其中：组合内基准有变化的笔数"] == 99
    assert regimes["是否达到最低要求"] == "否"  # 99 that can tell, one under the 100 asked for
    assert report.strength_table(p).iloc[0]["最大一次调整所占"] == "95.0%"
    both = report.equation_table(p).set_index("项目")
    assert list(both.columns) == [
        "模型A（不加权）",
        "模型B（不加权）",
        "模型A（按发放金额加权）",
        "模型B（按发放金额加权）",
    ]
    assert both.loc["基准利率：系数"].tolist() == ["1.200", "0.900", "1.200", "0.900"]
    assert both.loc["95%区间"].tolist() == ["—"] * 4  # A and B carry none
    assert both.loc["最小可察觉差异"].tolist() == ["0.280"] * 4  # 2.8 × 0.1
    assert both.loc["性质"].tolist() == ["识别弱：同向变动（非传导）"] * 4
    left = report.exclusions_table(p)
    assert left["行数"].tolist() == [11, 99, 110]
    assert any("3笔贷款在所属效应组合中只有一笔" in s for s in report.notes(p))


def test_c_is_tested_against_no_and_full_pass_through() -> None:
    p = pricing(1.2, 0.9, c=rung_c("ok", 0.004, 0.3))
    cells = report.equation_table(p).set_index("项目")["模型C（不加权）"]
    assert cells["95%区间"] == "0.20至1.10" and cells["逐家剔除的系数范围"] == "0.50至0.70"
    assert (cells["p（不传导，0）"], cells["p（完全传导，1）"]) == ("0.004", "0.300")
    assert (cells["p（0，传统自助法）"], cells["p（1，传统自助法）"]) == ("0.011", "0.512")
    assert cells["性质"] == "传导（由期限利差识别）" and cells["影响最大机构所占"] == "40%"
    (said,) = [s for s in p.sentences if s.startswith("模型C（不加权）")]
    assert "可与0（不传导）区分（p=0.004）" in said
    assert "不能与1（完全传导）区分（p=0.300）" in said
    assert "95%区间0.20至1.10" in said and "小于0.28的差异无法察觉" in said


def test_a_weak_c_has_a_number_and_no_test() -> None:
    p = pricing(1.2, 0.9, c=rung_c("weak", 0.004, 0.3, low=None))
    cells = report.equation_table(p).set_index("项目")["模型C（不加权）"]
    assert (cells["p（不传导，0）"], cells["p（完全传导，1）"]) == ("—", "—")
    assert cells["95%区间"] == "无界至1.10"
    (said,) = [s for s in p.sentences if s.startswith("模型C（不加权）")]
    assert "识别弱，只列数字，不作检验" in said and "区分" not in said


def test_a_refused_c_is_a_sentence() -> None:
    p = pricing(1.2, 0.9, c=Rung("C", "none", None, "none", "只有一个期限品种。"))
    cells = report.equation_table(p).set_index("项目")["模型C（不加权）"]
    assert cells["性质"] == "没有数字：只有一个期限品种。" and cells.iloc[0] == "—"
    assert "模型C（不加权）没有数字：只有一个期限品种。" in p.sentences


def test_moves_and_what_each_rung_says_without_them() -> None:
    p = pricing(1.2, 0.9, c=rung_c("ok", 0.004, 0.3))
    (move,) = report.moves_table(p).to_dict("records")
    assert move["调整（个基点）"] == "-20" and move["利率变动（个基点）"] == "-10.0"
    assert (move["变动比"], move["变动比（按金额）"]) == ("0.50", "1.00")
    assert move["同期其他措施"] == "延期还本付息" and move["贷款笔数"] == 40
    others = report.other_equations_table(p).set_index(["设定", "权重"])
    assert others.loc[("方程本身", "不加权"), "模型A"] == "1.200（0.100）"
    without = others.loc[("不用2020-04-20的调整", "不加权")]
    assert (without["模型A"], without["模型B"], without["模型C"]) == (
        "0.900（0.200）", "—", "不能识别",
    )  # fmt: skip
    (gap,) = report.gap_table(p).to_dict("records")
    assert gap["变动（个基点）"] == "+10" and gap["期限利差"] == "lpr 1y与lpr 5y"


def test_what_is_not_used_or_dated_otherwise_is_counted() -> None:
    said = pricing(1.2, 0.9).sentences
    assert any("7笔贷款没有定价日期" in s and "其中2笔在调整后30天内" in s for s in said)
    assert "未用的控制变量：首贷：明细没有这一项。" in said


@pytest.mark.parametrize(("b", "said"), [(0.999, True), (1.0, False), (1.001, False)])
def test_a_and_b_more_than_two_errors_apart_is_said(b: float, said: bool) -> None:
    p = pricing(1.25, b, 0.125)  # two errors are 0.25
    assert any("与LPR分不开" in s for s in p.sentences) is said


def test_a_negative_coefficient_is_worded_as_lower() -> None:
    assert any("相应低0.500个百分点" in s for s in pricing(-0.5, 0.9).sentences)


def test_without_crv3_the_crv1_error_is_used() -> None:
    p = pricing(1.2, 0.9, None)
    assert p.detectable(p.rungs[0]) == pytest.approx(2.8 * 0.5)


def test_nothing_identified_gives_empty_tables_and_the_sentence() -> None:
    none = Identification("none", "机构太少。", (), None, None, ())
    p = Pricing(SPEC, Sample(0, {}, 0, 0), none, (), ("机构太少。",))
    assert report.equation_table(p).empty and report.identification_table(p).empty
    assert report.notes(p)[0] == "机构太少。"


def test_json_has_every_field_and_reads_back() -> None:
    f = fit(LINE, "y", ["x"], cluster="bank")
    read = json.loads(cli_text.to_json(f))
    assert set(read) == {field.name for field in dataclasses.fields(Fit)}
    assert read["beta"] == f.beta and read["terms"] == ["intercept", "x"]


def test_text_has_a_line_per_term_and_the_counts() -> None:
    f = fit(LINE.assign(y=lambda d: d.y.where(d.index > 0)), "y", ["x"], cluster="bank")
    lines = cli_text.to_text(f).splitlines()
    assert lines[1].startswith("intercept") and lines[2].startswith("x ")
    assert f"{f.beta[1]:.10g}" in lines[2]
    assert "9 行，5 个聚类" in lines[4] and lines[5] == "剔除：缺失值 1"
