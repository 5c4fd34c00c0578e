"""What ``params/policy.yaml`` says on given days, against the rules' own dates.

The rows are literals from the notice and the documents it rests on; each says why in words.
"""

import datetime as dt
import re
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from puhui.errors import ParamsError
from puhui.params.policy import load_policy
from puhui.params.yaml import load

FILE = Path(__file__).parents[2] / "params" / "policy.yaml"
POLICY = load_policy(load(FILE))
#: As plain YAML sees the file: names, dates, sources, certainties (values untyped).
PLAIN = yaml.load(FILE.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)

D = Decimal
Y, N = True, False

DATES = [
    # 单户授信上限
    ("inclusive_line_limit", "2017-12-31", D(10_000_000), "base quarter of 2018, same scope"),
    ("inclusive_line_limit", "2018-12-31", D(10_000_000), "2018: first year of the scope"),
    ("inclusive_line_limit", "2021-12-31", D(10_000_000), "the notice's year"),
    (
        "inclusive_line_limit",
        "2024-12-31",
        D(10_000_000),
        "the PBOC moved to 20 m, CBIRC did not",
    ),
    ("inclusive_line_limit", "2025-12-31", D(10_000_000), "releases of 2025 still say 10 m"),
    ("agri_farmer_line_limit", "2018-12-31", D(5_000_000), "farmers' line is 5 m"),
    ("agri_farmer_line_limit", "2024-08-01", D(5_000_000), "day before 2024 no. 11"),
    ("agri_farmer_line_limit", "2024-08-02", D(5_000_000), "2024 no. 11 names 5 m for farmers"),
    # 票据
    ("assessed_excludes_bills", "2018-12-31", N, "2018 counted all inclusive loans"),
    ("assessed_excludes_bills", "2020-12-31", N, "day before bills were taken out"),
    ("assessed_excludes_bills", "2021-01-01", Y, "2021: no discount, no rediscount"),
    ("assessed_excludes_bills", "2025-12-31", Y, "no later document brought them back"),
    ("mse_includes_rediscount", "2023-12-31", Y, "S63 before its own row for rediscount"),
    ("mse_includes_rediscount", "2024-01-01", N, "S63 lists it apart from 2024"),
    # 两增
    ("two_increases_base", "2018-12-31", "year_ago", "2018 compared year on year"),
    ("two_increases_base", "2019-01-01", "year_start", "2019: growth for the year"),
    ("two_increases_base", "2020-12-31", "year_start", "2020: since the start of the year"),
    ("two_increases_base", "2021-12-31", "year_start", "2021: since the start of the year"),
    ("growth_margin_pp", "2017-12-31", None, "2018 is the first year it is assessed"),
    ("growth_margin_pp", "2018-12-31", D(0), "not below all loans' growth"),
    ("growth_margin_pp", "2022-12-31", D(0), "two increases kept in 2022"),
    ("growth_margin_pp", "2023-01-01", None, "2023: volume and coverage, no comparison found"),
    ("growth_margin_pp", "2023-12-31", None, "still 2023"),
    ("growth_margin_pp", "2024-03-31", D(0), "2024: not below all loans' growth"),
    ("growth_margin_pp", "2025-12-31", D(0), "2025: not below all loans' growth"),
    ("customer_growth_min", "2018-12-31", 0, "customers not below the same time last year"),
    ("customer_growth_min", "2021-12-31", 0, "customers not below the start of the year"),
    ("customer_growth_min", "2022-12-31", 0, "customers' leg kept in 2022"),
    ("customer_growth_min", "2023-03-31", None, "2023: not separately worded"),
    ("customer_growth_min", "2025-12-31", None, "2025: not established"),
    ("large_growth_target_pct", "2018-12-31", None, "2018 set no target for five banks"),
    ("large_growth_target_pct", "2019-01-01", D(30), "2019: above 30 %"),
    ("large_growth_target_pct", "2019-12-31", D(30), "still 2019"),
    ("large_growth_target_pct", "2020-01-01", D(40), "Government Work Report 2020: above 40 %"),
    ("large_growth_target_pct", "2020-12-31", D(40), "still 2020"),
    ("large_growth_target_pct", "2021-01-01", D(30), "2021 no. 49: at least 30 %"),
    ("large_growth_target_pct", "2021-12-31", D(30), "still 2021"),
    ("large_growth_target_pct", "2022-01-01", None, "2022: 1.6 trillion more, no percentage"),
    ("large_growth_target_pct", "2025-12-31", None, "no percentage since"),
    # 容忍度
    ("npl_tolerance_pp", "2018-12-31", D(2), "two points before 2019"),
    ("npl_tolerance_pp", "2019-01-01", D(3), "three points from 2019"),
    ("npl_tolerance_pp", "2021-12-31", D(3), "the notice, section 7"),
    ("npl_tolerance_pp", "2025-12-31", D(3), "2024 no. 11 adds to it, does not replace it"),
    ("tolerance_comparator", "2021-12-31", "institution", "open in the notice, our default"),
    # 利率
    ("rate_stability_bp", "2021-12-31", D(10), "ours: stable overall has no number"),
    ("rate_stability_bp", "2022-01-01", D(0), "2022: average rate below that of 2021"),
    ("rate_stability_bp", "2022-12-31", D(0), "still 2022"),
    ("rate_stability_bp", "2023-01-01", D(10), "2023: stable overall again, number ours"),
    ("onlending_level", "2021-12-31", "end_user", "catalogue's default"),
    # 考核权重、内部转移定价
    ("min_appraisal_weight_pct", "2020-12-31", None, "before the notice: not established"),
    ("min_appraisal_weight_pct", "2021-01-01", D(10), "the notice, section 8"),
    ("min_appraisal_weight_pct", "2021-12-31", D(10), "the notice, section 8"),
    ("min_ftp_preference_bp", "2020-12-31", None, "before the notice: day not established"),
    ("min_ftp_preference_bp", "2021-12-31", D(50), "the notice, section 8"),
    # 信用贷款支持计划
    ("relending_in_force", "2020-02-29", N, "day before the plan's first loans"),
    ("relending_in_force", "2020-03-01", Y, "loans from 1 March 2020"),
    ("relending_in_force", "2021-12-31", Y, "last day after two extensions"),
    ("relending_in_force", "2022-01-01", N, "another tool from 2022"),
    ("relending_share_pct", "2020-02-29", None, "no plan yet"),
    ("relending_share_pct", "2020-03-01", D(40), "40 % of principal"),
    ("relending_share_pct", "2021-12-31", D(40), "40 % of principal"),
    ("relending_share_pct", "2022-01-01", None, "plan over"),
    ("relending_min_months", "2020-02-29", None, "no plan yet"),
    ("relending_min_months", "2021-12-31", 6, "six months and longer"),
    ("relending_min_months", "2022-01-01", None, "plan over"),
    ("relending_window_from", "2020-02-29", None, "no plan yet"),
    ("relending_window_from", "2021-12-31", dt.date(2020, 3, 1), "loans from 1 March 2020"),
    ("relending_window_from", "2022-01-01", None, "plan over"),
    # 延期还本付息
    ("deferral_in_force", "2020-01-24", N, "day before the first due day"),
    ("deferral_in_force", "2020-01-25", Y, "stage 1: principal due from 25 January 2020"),
    ("deferral_in_force", "2021-12-31", Y, "stage 4: last day"),
    ("deferral_in_force", "2022-01-01", N, "replaced from 2022"),
    ("deferral_window_from", "2020-01-24", None, "before stage 1"),
    ("deferral_window_from", "2020-05-31", dt.date(2020, 1, 25), "stage 1"),
    ("deferral_window_from", "2020-06-01", dt.date(2020, 6, 1), "stage 2: due June to December"),
    ("deferral_window_from", "2020-12-31", dt.date(2020, 6, 1), "stage 2: last day"),
    ("deferral_window_from", "2021-01-01", dt.date(2021, 1, 1), "stage 3: first quarter of 2021"),
    ("deferral_window_from", "2021-03-31", dt.date(2021, 1, 1), "stage 3: last day"),
    ("deferral_window_from", "2021-04-01", dt.date(2021, 4, 1), "stage 4: April to December 2021"),
    ("deferral_window_from", "2021-12-31", dt.date(2021, 4, 1), "stage 4: last day"),
    ("deferral_window_from", "2022-01-01", None, "no stage after 2021"),
    # 不随年份变的
    ("medium_long_months", "2018-12-31", 12, "S71 row 6.2: original term over 12 months"),
    ("filed_decimals", "2018-12-31", 2, "returns in 10,000 yuan with two decimals"),
    ("behind_after_quarters", "2021-12-31", 2, "catalogue: behind after two quarters"),
    ("min_peers", "2021-12-31", 3, "catalogue: at least three others"),
    ("min_cell", "2021-12-31", 5, "ours"),
    ("min_coverage_pct", "2021-12-31", D(90), "ours"),
    ("min_persons_decided", "2021-12-31", 3, "C7.5: three persons or more"),
    ("deferral_max_days", "2021-12-31", 30, "ours"),
    ("flat_margin_pp", "2021-12-31", D("0.01"), "ours"),
]


@pytest.mark.parametrize(("name", "day", "value", "why"), DATES)
def test_the_setting_on_the_day(name, day, value, why):
    found = POLICY.on(dt.date.fromisoformat(day))[name]
    assert (type(found), found) == (type(value), value), why


@pytest.mark.parametrize(
    ("name", "day", "first"),
    [
        ("inclusive_line_limit", "2016-12-31", "2017-01-01"),
        ("two_increases_base", "2017-12-31", "2018-01-01"),
        ("growth_margin_pp", "2016-12-31", "2017-01-01"),
        ("npl_tolerance_pp", "2012-12-31", "2013-01-01"),
        ("deferral_window_from", "2016-12-31", "2017-01-01"),
    ],
)
def test_a_day_before_the_first_date_is_an_error_and_not_an_absence(name, day, first):
    with pytest.raises(ParamsError, match=rf"“{name}”在 {day} 尚无规定，最早自 {first} 起"):
        POLICY.on(dt.date.fromisoformat(day))[name]


@pytest.mark.parametrize("name", sorted(PLAIN))
def test_every_setting_answers_at_each_quarter_end_of_2018_to_2025(name):
    ends = [f"{y}-{d}" for y in range(2018, 2026) for d in ("03-31", "06-30", "09-30", "12-31")]
    assert len(ends) == 32
    for end in ends:
        assert POLICY.on(dt.date.fromisoformat(end)).dated(name).source, end


@pytest.mark.parametrize("name", sorted(PLAIN))
def test_dates_of_a_setting_ascend_without_repeats(name):
    days = [dt.date.fromisoformat(entry["from"]) for entry in PLAIN[name]["values"]]
    assert all(before < after for before, after in pairwise(days))


@pytest.mark.parametrize("name", sorted(PLAIN))
def test_every_setting_has_a_chinese_label_a_unit_and_sources(name):
    setting = PLAIN[name]
    assert re.search(r"[\u4e00-\u9fff]", setting["label"])
    assert setting["unit"]
    assert all(entry["source"] for entry in setting["values"])


@pytest.mark.parametrize("name", sorted(PLAIN))
def test_ours_is_said_exactly_where_the_source_is_this_project(name):
    for entry in PLAIN[name]["values"]:
        said = entry["source"].startswith("本项目自定")
        assert (entry["certainty"] == "ours") == said, entry


def test_the_only_values_less_than_well_known_are_those_listed():
    weak = {
        (name, entry["from"], entry["certainty"])
        for name, setting in PLAIN.items()
        for entry in setting["values"]
        if entry["certainty"] in ("medium", "low")
    }
    assert weak == {("npl_tolerance_pp", "2013-01-01", "medium")}


def test_the_limit_of_the_five_large_banks_in_2020_names_both_figures():
    source = POLICY.on(dt.date(2020, 12, 31)).source("large_growth_target_pct")
    assert "政府工作报告" in source and "20%" in source


def test_windows_of_one_policy_open_and_close_on_the_same_days():
    plan = ("relending_window_from", "relending_share_pct", "relending_min_months")
    for switch, names in (
        ("relending_in_force", plan),
        ("deferral_in_force", ("deferral_window_from",)),
    ):
        for entry in PLAIN[switch]["values"]:
            day = dt.date.fromisoformat(entry["from"])
            for at in (day, day - dt.timedelta(days=1)):
                if at < dt.date(2017, 1, 1):
                    continue
                policy = POLICY.on(at)
                for name in names:
                    assert (policy[name] is not None) is policy[switch], (name, at)
