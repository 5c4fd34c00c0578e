import datetime as dt
from decimal import Decimal

import pytest

from puhui.errors import ParamsError
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
"""


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
    ours = {n: policy.dated(n).ours for n in policy.settings}
    assert ours == {"limit_pp": False, "with_bills": True, "count": True, "mode": True}


def test_unknown_name_suggests_the_nearest():
    policy = load_policy(loads(TEXT)).on(dt.date(2021, 12, 31))
    with pytest.raises(ParamsError, match=r"limit_p.*是否想写“limit_pp”"):
        policy["limit_p"]


def test_a_day_before_the_first_value_is_refused_by_name():
    policy = load_policy(loads(TEXT)).on(dt.date(2012, 12, 31))
    with pytest.raises(ParamsError, match=r"limit_pp.*2012-12-31.*2013-01-01"):
        policy["limit_pp"]


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ('value: "2"', "value: two", 7, "decimal"),
        ('value: "2"', "value: NaN", 7, "decimal"),
        ("from: 2013-01-01, value: b", "from: 2013-01-01, value: c", 24, "可用的有：a、b"),
        ("certainty: stated", "certainty: sure", 8, "stated"),
        ("from: 2019-01-01", "from: 2013-01-01", 6, "由早到晚"),
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
