import datetime as dt
from decimal import Decimal

import pytest

from puhui.errors import ParamsError
from puhui.params.expression import literal_sql
from puhui.params.policy import load_policy
from puhui.params.yaml import loads

TEXT = """
limit_pp:
  label: 限额
  type: decimal
  unit: 百分点
  values:
    - {from: 2013-01-01, value: "2", source: 甲文, certainty: medium}
    - {from: 2019-01-01, value: "3.00", source: 乙文, certainty: stated}
with_bills:
  label: 含票据
  type: bool
  values:
    - {from: 2013-01-01, value: no, source: 自定, certainty: ours}
count:
  label: 数
  type: int
  values:
    - {from: 2013-01-01, value: "0012", source: 自定, certainty: high, ours: yes}
mode:
  label: 方式
  type: text
  choices: [a, b]
  values:
    - {from: 2013-01-01, value: b, source: 自定, certainty: ours}
first_due:
  label: 最早到期日
  type: date
  unit: 日期
  values:
    - {from: 2020-01-25, value: 2020-01-24, source: 丙文, certainty: found}
    - {from: 2022-01-01, value: none, source: 丁文, certainty: high}
"""


def paused(kind, before, after, more=""):
    """A setting in force for 2019, not laid down for 2020, in force again from 2021."""
    text = f"""
it:
  label: 甲
  type: {kind}
  {more}
  values:
    - {{from: 2019-01-01, value: {before}, source: 前文, certainty: found}}
    - {{from: 2020-01-01, value: none, source: 停文, certainty: found}}
    - {{from: 2021-01-01, value: {after}, source: 后文, certainty: found}}
"""
    return load_policy(loads(text))


@pytest.mark.parametrize(
    ("day", "value", "source", "since"),
    [
        ("2013-01-01", "2", "甲文", "2013-01-01"),
        ("2018-12-31", "2", "甲文", "2013-01-01"),
        ("2019-01-01", "3.00", "乙文", "2019-01-01"),
        ("2021-12-31", "3.00", "乙文", "2019-01-01"),
    ],
)
def test_the_day_picks_the_value(day, value, source, since):
    policy = load_policy(loads(TEXT)).on(dt.date.fromisoformat(day))
    assert str(policy["limit_pp"]) == value
    assert policy.source("limit_pp") == source
    assert policy.since("limit_pp").isoformat() == since


def test_values_are_typed_and_ours_is_marked():
    policy = load_policy(loads(TEXT)).on(dt.date(2021, 12, 31))
    assert policy["limit_pp"] == Decimal(3) and isinstance(policy["limit_pp"], Decimal)
    assert policy["with_bills"] is False
    assert policy["count"] == 12
    assert policy["mode"] == "b"
    assert policy["first_due"] == dt.date(2020, 1, 24)
    ours = {n: policy.dated(n).ours for n in policy.settings}
    assert ours == {
        "limit_pp": False,
        "with_bills": True,
        "count": True,
        "mode": True,
        "first_due": False,
    }


def test_a_history_keeps_what_the_file_says_of_the_setting():
    history = load_policy(loads(TEXT, "policy.yaml")).settings["limit_pp"]
    assert (history.name, history.label, history.type) == ("limit_pp", "限额", "decimal")
    assert (history.unit, history.where) == ("百分点", "policy.yaml:3")
    assert [(v.since.year, str(v.value), v.certainty) for v in history.values] == [
        (2013, "2", "medium"),
        (2019, "3.00", "stated"),
    ]


def test_a_name_is_known_also_before_its_first_date():
    policy = load_policy(loads(TEXT)).on(dt.date(2012, 12, 31))
    assert "limit_pp" in policy
    assert "limit_p" not in policy


@pytest.mark.parametrize(
    ("policy", "before", "after"),
    [
        (paused("decimal", "40", "41"), Decimal(40), Decimal(41)),
        (paused("int", "6", "0"), 6, 0),
        (paused("bool", "yes", "no"), True, False),
        (paused("text", "x", "y", "choices: [x, y]"), "x", "y"),
        (paused("text", "x", "无"), "x", "无"),
        (paused("date", "2018-12-31", "2021-06-01"), dt.date(2018, 12, 31), dt.date(2021, 6, 1)),
    ],
)
def test_none_ends_a_setting_of_any_type_until_the_next_date(policy, before, after):
    days = ("2019-12-31", "2020-01-01", "2020-12-31", "2021-01-01")
    found = [policy.on(dt.date.fromisoformat(day))["it"] for day in days]
    assert found == [before, None, None, after]
    assert [type(v) for v in found] == [type(before), type(None), type(None), type(after)]


def test_nothing_laid_down_says_so_with_date_and_source_and_is_null_in_the_engine():
    ended = paused("bool", "yes", "no").on(dt.date(2020, 3, 31))
    assert ended.absence("it") == "甲：该期间没有规定（2020-01-01 起，停文）"
    assert (ended.source("it"), ended.since("it")) == ("停文", dt.date(2020, 1, 1))
    assert literal_sql(ended["it"]) == "NULL"


@pytest.mark.parametrize("day", ["2019-12-31", "2021-01-01"])
def test_a_value_that_is_no_is_not_an_absence(day):
    in_force = paused("bool", "yes", "no").on(dt.date.fromisoformat(day))
    assert in_force.absence("it") == ""


def test_a_date_is_a_date_in_the_engine():
    policy = load_policy(loads(TEXT)).on(dt.date(2020, 3, 31))
    assert literal_sql(policy["first_due"]) == "DATE '2020-01-24'"


def test_unknown_name_suggests_the_nearest():
    policy = load_policy(loads(TEXT, "policy.yaml")).on(dt.date(2021, 12, 31))
    with pytest.raises(ParamsError, match=r"limit_p.*是否想写“limit_pp”") as error:
        policy["limit_p"]
    assert error.value.where == "policy.yaml"


def test_a_day_before_the_first_value_is_refused_by_name():
    policy = load_policy(loads(TEXT, "policy.yaml")).on(dt.date(2012, 12, 31))
    with pytest.raises(ParamsError, match=r"limit_pp.*2012-12-31.*2013-01-01.*补上更早") as error:
        policy["limit_pp"]
    assert error.value.where == "policy.yaml:3"


def test_dates_out_of_order_name_the_line_of_the_later_entry_s_date():
    text = """
cap:
  label: 甲
  type: int
  values:
    - value: "1"
      from: 2020-01-01
      source: 前文
      certainty: found
    - value: "2"
      source: 后文
      from: 2019-01-01
      certainty: found
"""
    with pytest.raises(ParamsError, match="2020-01-01 之后是 2019-01-01") as error:
        load_policy(loads(text, "policy.yaml"))
    assert error.value.where == "policy.yaml:12"


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ('value: "2"', "value: two", 7, "decimal"),
        ('value: "2"', "value: NaN", 7, "decimal"),
        ("from: 2013-01-01, value: b", "from: 2013-01-01, value: c", 24, "可用的有：a、b"),
        ("certainty: stated", "certainty: sure", 8, "stated"),
        ("from: 2019-01-01", "from: 2013-01-01", 8, "2013-01-01 之后是 2013-01-01"),
        ("from: 2019-01-01", "from: 2012-12-31", 8, "由早到晚"),
        ("from: 2022-01-01", "from: 2020-01-25", 31, "同一天只留一条"),
        ("value: 2020-01-24", "value: 2020-02-30", 30, "不是 date"),
        ("value: 2020-01-24", 'value: ""', 30, "“value”"),
        ("value: 2020-01-24", "value: None", 30, "不是 date"),
        (
            "choices: [a, b]",
            "choices: [a, none]",
            22,
            "“none”表示没有规定，不能作为可选值。 请换一个名称",
        ),
        ("source: 丁文", 'source: ""', 31, "“source”"),
        ("label: 限额", 'label: ""', 3, "“label”"),
        ("from: 2019-01-01", "form: 2019-01-01", 8, "是否想写“from”"),
        ("source: 乙文, ", "", 8, "缺少键“source”"),
        ("source: 乙文", "source: 乙文, sauce: 丙", 8, "是否想写“source”"),
        ("from: 2019-01-01", "from: 2019-02-30", 8, "日期"),
        ("type: int", "type: float", 16, "decimal"),
    ],
)
def test_mistakes_name_file_line_and_remedy(old, new, line, said):
    assert old in TEXT
    with pytest.raises(ParamsError) as error:
        load_policy(loads(TEXT.replace(old, new, 1), "policy.yaml"))
    assert error.value.where == f"policy.yaml:{line}"
    assert said in str(error.value)


def test_a_setting_without_a_value_is_refused():
    with pytest.raises(ParamsError, match="“cap”没有任何一条规定") as error:
        load_policy(loads("cap: {label: 甲, type: int, values: []}", "policy.yaml"))
    assert error.value.where == "policy.yaml:1"


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        ("{label: 甲, type: int", "two", "policy.yaml:4：值“two”不是 int。"),
        (
            "{label: 甲, type: text, choices: [a, b]",
            "c",
            "policy.yaml:4：值“c”不可用。 可用的有：a、b。",
        ),
    ],
)
def test_a_wrong_value_is_shown_on_its_own_line(kind, value, said):
    text = f"cap: {kind}, values: [\n  {{from: 2020-01-01,\n   source: 文,\n   value: {value},\n"
    with pytest.raises(ParamsError) as error:
        load_policy(loads(text + "   certainty: found}]}", "policy.yaml"))
    assert str(error.value) == said
