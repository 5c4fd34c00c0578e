"""What the run file and the policy in force make of a pricing specification."""

from __future__ import annotations

import datetime as dt
import shutil
from decimal import Decimal
from pathlib import Path

import pytest

from puhui.errors import ParamsError, ReferenceDataError
from puhui.params import load
from puhui.quarter import Quarter
from puhui.rates import IdentificationRules, spec_from

ROOT = Path(__file__).parents[2]


@pytest.fixture
def base(tmp_path):
    """A params folder of one's own; its benchmark is the one shipped."""
    shutil.copytree(ROOT / "data" / "reference", tmp_path / "data" / "reference")
    return Path(shutil.copytree(ROOT / "params", tmp_path / "params"))


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, (path, old)
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_the_county_as_its_run_file_says(base):
    spec = spec_from(load(base), Quarter.parse("2021Q4"))
    assert (spec.quarter, spec.scope, spec.institution_id) == ("2021Q4", "潢川县全部机构", None)
    assert (spec.window_from, spec.window_to) == (dt.date(2019, 10, 1), dt.date(2021, 12, 31))
    assert spec.effects == (
        "institution_id", "product", "term_band", "guarantee", "kind", "size",
    )  # fmt: skip
    assert (spec.where, spec.left_out) == ('"in_scope_at_drawdown"', '"left_out_of_rates"')
    assert spec.count_absorbed is False
    assert spec.rules == IdentificationRules(
        min_regimes=2,
        min_regime_days=30,
        min_regime_loans=100,
        min_regime_institutions=5,
        max_single_move_share=Decimal(60),
        max_step_trend_r2=Decimal("0.9"),
        detectable_se_multiple=Decimal("2.8"),
        min_gap_moves=2,
        min_gap_institutions=5,
    )
    assert [c.name for c in spec.controls] == [
        "log_amount", "first_loan", "renewal", "agricultural", "online",
    ]  # fmt: skip
    assert (spec.control_min_share, spec.late_days, spec.move_days) == (Decimal(90), 30, 60)


def test_the_path_is_the_benchmark_s_moves(base):
    spec = spec_from(load(base), Quarter.parse("2021Q4"))
    moves = [
        (row["from_date"].isoformat(), str(row["rate"].normalize()))
        for row in spec.path.to_pylist()
        if row["tenor"] == "1Y" and row["from_date"] <= spec.window_to
    ]
    assert moves[-4:] == [
        ("2019-11-20", "4.15"),
        ("2020-02-20", "4.05"),
        ("2020-04-20", "3.85"),
        ("2021-12-20", "3.8"),
    ]


def test_another_country_is_another_run_file(base, tmp_path):
    folder = tmp_path / "data" / "supervisor" / "benchmarks"
    folder.mkdir(parents=True)
    (folder / "us_prime_rate.csv").write_text("Date,MPRIME\n2009-01-01,3.25\n2015-12-01,3.37\n")
    params = load(base / "sba7a", data_folder=tmp_path / "data")
    spec = spec_from(params, Quarter.parse("2018Q1"))
    assert spec.scope == "伊利诺伊州全部机构"
    assert spec.measures == ()  # none is listed beside that series
    assert spec.label == "美国银行最优惠贷款利率（月均）"
    assert (spec.effects, spec.count_absorbed) == (("institution_id",), True)
    assert (spec.window_from, spec.window_to) == (dt.date(2009, 10, 1), dt.date(2018, 3, 31))
    assert spec.path.column("rate").to_pylist() == [Decimal("3.250000"), Decimal("3.370000")]


def test_what_else_was_in_force_lies_beside_the_series(base):
    spec = spec_from(load(base), Quarter.parse("2021Q4"))
    named = {m.document: m for m in spec.measures}
    first = named["银保监发〔2020〕6号"]
    assert (first.from_date, first.to_date) == (dt.date(2020, 1, 25), dt.date(2020, 6, 30))
    assert first.certainty == "found"
    assert [m.name for m in spec.measures if m.to_date is None] == ["普惠小微贷款支持工具"]


def test_a_list_of_measures_that_cannot_be_read_is_refused(base):
    path = base.parent / "data" / "reference" / "benchmarks" / "lpr_measures.csv"
    head = "from_date,to_date,measure,document,certainty\n"
    path.write_text(head + "2020-13-01,,x,y,found\n", encoding="utf-8")
    with pytest.raises(ReferenceDataError, match="日期读不了"):
        spec_from(load(base), Quarter.parse("2021Q4"))
    path.write_text("from_date,measure\n", encoding="utf-8")
    with pytest.raises(ReferenceDataError, match="缺列：certainty、document、to_date"):
        spec_from(load(base), Quarter.parse("2021Q4"))


def test_an_earlier_run_ends_its_window_with_its_quarter(base):
    spec = spec_from(load(base), Quarter.parse("2020Q2"))
    assert spec.window_to == dt.date(2020, 6, 30)


def test_rules_are_those_in_force_at_the_quarter_s_end(base):
    edit(
        base / "policy.yaml",
        '    - {from: 2000-01-01, value: "100", source: 本项目自定, certainty: ours}\n',
        '    - {from: 2000-01-01, value: "100", source: 本项目自定, certainty: ours}\n'
        '    - {from: 2021-10-01, value: "150", source: 本项目自定, certainty: ours}\n',
    )
    params = load(base)
    found = [
        spec_from(params, Quarter.parse(q)).rules.min_regime_loans for q in ("2021Q3", "2021Q4")
    ]
    assert found == [100, 150]


def test_a_condition_with_a_policy_setting_takes_its_value(base):
    edit(
        base / "run.yaml",
        "sample_where: in_scope_at_drawdown",
        "sample_where: credit_line_at_drawdown <= policy.inclusive_line_limit",
    )
    where = spec_from(load(base), Quarter.parse("2021Q4")).where
    assert '"credit_line_at_drawdown"' in where and "10000000" in where


def test_a_condition_on_a_period_is_refused(base):
    edit(
        base / "run.yaml",
        "sample_where: in_scope_at_drawdown",
        "sample_where: drawn_on >= period.year_start",
    )
    with pytest.raises(ParamsError, match=r"样本条件不能用“period\.year_start”"):
        spec_from(load(base), Quarter.parse("2021Q4"))


def test_a_rule_not_in_force_is_refused_by_name(base):
    text = (base / "policy.yaml").read_text(encoding="utf-8")
    head, rest = text.split("min_regime_days:")
    late = rest.replace("from: 2000-01-01", "from: 2022-01-01", 1)
    (base / "policy.yaml").write_text(head + "min_regime_days:" + late, encoding="utf-8")
    with pytest.raises(ParamsError, match="“min_regime_days”在 2021-12-31 尚无规定"):
        spec_from(load(base), Quarter.parse("2021Q4"))
