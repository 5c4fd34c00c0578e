"""Tables and sentences for display, and what ``puhui fit`` prints."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from decimal import Decimal

import pandas as pd
import pytest

from puhui.rates import Fit, cli_text, fit, report
from puhui.rates.identify import Identification, IdentificationRules, Regime, RungReport
from puhui.rates.pricing import Pricing, Rung, _sentences
from puhui.rates.sample import PricingSpec, Sample

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
        dropped={"singletons": 3},
    )  # fmt: skip


def pricing(a: float, b: float, error: float | None = 0.1) -> Pricing:
    rungs = [
        Rung(model, key, fitted(beta, error), "weak", "与LPR的同向变动（非传导）")
        for model, beta in (("A", a), ("B", b))
        for key in ("none", "amount")
    ]
    day = dt.date(2020, 4, 20)
    rung = RungReport("A", 0.9, 0.95, day, 0.2, "YH0001", 7.1, True, "识别弱。")
    regime = Regime(
        "lpr 1y", 1, Decimal("3.850000"), day, dt.date(2021, 12, 19), 609, 120, 8, 99, 8
    )
    identified = Identification("weak", "识别弱。", (regime,), 0.97, day, (rung,))
    sample = Sample(110, {"没有发放利率": 11}, 99, 8)
    return Pricing(
        SPEC, sample, identified, tuple(rungs), tuple(_sentences(SPEC, rungs, "识别弱。"))
    )


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
    assert both.loc["最小可察觉差异"].tolist() == ["0.280"] * 4  # 2.8 × 0.1
    assert both.loc["性质"].tolist() == ["识别弱：同向变动（非传导）"] * 4
    left = report.exclusions_table(p)
    assert left["行数"].tolist() == [11, 99, 110]
    assert any("3笔贷款在所属效应组合中只有一笔" in s for s in report.notes(p))


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
    assert read["beta"] == f.beta and read["ci"] is None and read["terms"] == ["intercept", "x"]


def test_text_has_a_line_per_term_and_the_counts() -> None:
    f = fit(LINE.assign(y=lambda d: d.y.where(d.index > 0)), "y", ["x"], cluster="bank")
    lines = cli_text.to_text(f).splitlines()
    assert lines[1].startswith("intercept") and lines[2].startswith("x ")
    assert f"{f.beta[1]:.10g}" in lines[2]
    assert "9 行，5 个聚类" in lines[4] and lines[5] == "剔除：缺失值 1"
