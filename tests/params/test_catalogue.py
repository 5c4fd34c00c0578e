"""Indicators, clauses, groups: names that exist, formulas on worked figures, who and when."""

import datetime as dt
import shutil
from decimal import Decimal
from fractions import Fraction as F
from pathlib import Path

import pytest

from puhui.errors import ParamsError
from puhui.params import NoData, load
from puhui.params.catalogue import Names, load_clauses, load_groups, load_indicators
from puhui.params.policy import load_policy
from puhui.params.yaml import load as load_yaml
from puhui.params.yaml import loads
from puhui.quarter import Quarter

ROOT = Path(__file__).parents[2]
DAY = dt.date(2021, 12, 31)


@pytest.fixture(scope="module")
def params():
    return load(ROOT / "params")


def test_every_indicator_names_measures_that_exist(params):
    used = {
        name
        for i in params.indicators.values()
        for f in [
            i.formula,
            i.branch,
            i.not_applicable_when,
            i.small_when,
            *(p.formula for p in i.parts.values()),
        ]
        if f is not None
        for q, name in f.columns
        if q not in ("policy", "facts", "period")
    }
    assert used and used <= set(params.measures)


def test_every_clause_but_the_overall_one_has_an_indicator(params):
    clauses = {i.clause for i in params.indicators.values()}
    assert len(params.clauses) == 76
    assert set(params.clauses) - clauses == {"C1"}
    assert clauses <= set(params.clauses)
    assert {"C2.1a", "C2.1b", "C3.1a", "C4.1a", "C7.2"} <= set(params.indicators)


def test_wording_is_our_own_in_both_languages(params):
    for clause in params.clauses.values():
        assert clause.wording.zh and clause.wording.en.isascii()


def figures(**measures):
    """Look up measures by "period.name" or name, then policy of 2021, then facts."""

    def look(qualifier, name):
        key = f"{qualifier}.{name}" if qualifier else name
        return F(measures[key]) if key in measures else NoData((f"缺{key}",))

    return look


def with_policy(params, look, facts=None, **changes):
    policy = params.policy.on(DAY)

    def full(qualifier, name):
        if qualifier == "policy":
            return changes.get(name, policy[name])
        if qualifier == "facts":
            return (facts or {}).get(name, NoData((name,)))
        return look(qualifier, name)

    return full


def test_growth_gap(params):
    # 120/100 - 1 = 20 %; 440/400 - 1 = 10 %; gap 10 points
    look = figures(
        **{
            "assessed_balance": 120,
            "year_start.assessed_balance": 100,
            "all_loans": 440,
            "year_start.all_loans": 400,
        }
    )
    formula = params.indicators["C2.1a"].formula
    assert formula.evaluate(with_policy(params, look)) == 10
    bills_out = with_policy(params, look, growth_comparator_includes_bills=False)
    assert formula.evaluate(bills_out).reasons == ("缺bill_balance", "缺year_start.bill_balance")


def test_nothing_at_the_start_of_the_year_is_no_data(params):
    look = figures(
        **{
            "assessed_balance": 120,
            "year_start.assessed_balance": 0,
            "all_loans": 440,
            "year_start.all_loans": 400,
        }
    )
    value = params.indicators["C2.1a"].formula.evaluate(with_policy(params, look))
    assert value == NoData(("分母为零",))


def test_tolerance_is_exact(params):
    indicator = params.indicators["C7.2"]
    quarters = {year: Quarter(year, 4) for year in (2018, 2021)}
    limits = {
        year: indicator.threshold_value(params.policy.on(q.end), q) for year, q in quarters.items()
    }
    assert limits == {2018: 2, 2021: Decimal("3.00")}
    said = indicator.test_words(params.policy.on(DAY), quarters[2021])
    assert said == "不高于 3.00 百分点"
    at = figures(
        incl_npl="5000000", incl_balance="100000000", npl="20000000", all_loans="1000000000"
    )
    assert indicator.formula.evaluate(with_policy(params, at)) == 3
    over = figures(
        incl_npl="5000000.01", incl_balance="100000000", npl="20000000", all_loans="1000000000"
    )
    assert indicator.formula.evaluate(with_policy(params, over)) == 3 + F(1, 10**8)


@pytest.mark.parametrize(
    ("facts", "comparator", "gap"),
    [
        # branch 6 %; own all loans 5 %, institution 2 %, published legal person 1.5 %
        ({"level": "legal_person"}, "institution", F(4)),
        ({"level": "branch"}, "institution", F(4)),
        ({"level": "branch", "legal_person_npl_ratio": F("1.5")}, "institution", F("4.5")),
        ({"level": "legal_person", "legal_person_npl_ratio": F("1.5")}, "institution", F(4)),
        ({"level": "branch", "legal_person_npl_ratio": F("1.5")}, "branch", F(1)),
    ],
)
def test_branch_comparator(params, facts, comparator, gap):
    look = figures(
        **{
            "incl_npl": 6,
            "incl_balance": 100,
            "npl": 5,
            "all_loans": 100,
            "institution.npl": 20,
            "institution.all_loans": 1000,
        }
    )
    full = with_policy(params, look, facts, tolerance_comparator=comparator)
    indicator = params.indicators["C7.2"]
    assert indicator.formula_for(True).evaluate(full) == gap
    parts = {k: p.formula_for(True).evaluate(full) for k, p in indicator.parts.items()}
    assert parts["inclusive_npl_pct"] - parts["all_npl_pct"] == gap


def test_no_inclusive_loans_is_not_applicable_and_no_all_loans_is_no_data(params):
    indicator = params.indicators["C7.2"]
    none = with_policy(params, figures(incl_npl=0, incl_balance=0, npl=0, all_loans=9))
    assert indicator.not_applicable_when.evaluate(none) is True
    unknown = with_policy(params, figures(incl_npl=1, incl_balance=9))
    assert indicator.not_applicable_when.evaluate(unknown) is False
    assert indicator.formula.evaluate(unknown) == NoData(("缺npl", "缺all_loans"))


@pytest.mark.parametrize(("number", "limit"), [(1, 25), (2, 50), (3, 75), (4, 100)])
def test_a_plan_is_asked_for_by_the_calendar(params, number, limit):
    indicator, quarter = params.indicators["C2.2.balance"], Quarter(2021, number)
    policy = params.policy.on(quarter.end)
    assert indicator.threshold_value(policy, quarter) == limit
    assert indicator.test_words(policy, quarter) == f"不低于 {limit} %"


def test_words_of_limits_that_are_ours_and_of_questions(params):
    policy, quarter = params.policy.on(DAY), Quarter(2021, 4)
    said = params.indicators["C3.1b"].test_words(policy, quarter)
    assert said == "不高于 10 个基点（本项目自定，超过只提示）"
    assert params.indicators["C6.2"].test_words(policy, quarter) == "应答“是”并有文号"
    assert params.indicators["C3.1a"].test_words(policy, quarter) == ""


def test_rate_and_credit_share(params):
    # 1,000,000 at 4 % and 3,000,000 at 6 %: 5.5 %
    look = with_policy(
        params,
        figures(
            incl_drawn=4_000_000,
            incl_drawn_interest=22_000_000,
            mse_credit_balance=1,
            mse_balance=8,
        ),
    )
    assert params.indicators["C3.1a"].formula.evaluate(look) == F("5.5")
    assert params.indicators["C4.1a"].formula.evaluate(look) == F("12.5")


def test_returns_and_the_one_sheet_give_the_same_measures(params):
    items = {
        f"S71_I_{r}.{c}{b}": F(100 * r + b) for r in (1, 3) for c in "ABCDF" for b in (1, 2, 3, 5)
    }
    items |= {
        "G01.loans": F(7),
        "G11.npl": F(1),
        "S63_I_1.C": F(1),
        "S63_I_1.D": F(2),
        "S63_I_1.G": F(3),
        "S63_I_1.H": F(4),
    }

    def filed(_, item):
        return items.get(item, NoData((item,)))

    got = {
        m: params.measures[m].returns.evaluate(filed)
        for m in (
            "incl_balance",
            "assessed_balance",
            "incl_drawn_interest",
            "all_loans",
            "mse_balance",
        )
    }
    # bands 1+2+3: 101+102+103+301+302+303 = 1212; band 5: 105+305 = 410
    assert got == {
        "incl_balance": 1212,
        "assessed_balance": 410,
        "incl_drawn_interest": 121200,
        "all_loans": 7,
        "mse_balance": 10,
    }
    sheet = {"QS.incl_interest": F(9), "QS.all_loans": F(8)}
    look = lambda _, item: sheet.get(item, NoData((item,)))  # noqa: E731
    assert params.measures["incl_drawn_interest"].returns.evaluate(look) == 900
    assert params.measures["all_loans"].returns.evaluate(look) == 8
    missing = params.measures["npl"].returns.evaluate(look)
    assert missing == NoData(("G11.npl", "QS.npl"))


@pytest.mark.parametrize(
    ("kind", "level", "local", "inside", "plan", "who", "judged"),
    [
        ("rural_commercial", "legal_person", True, False, False, True, True),
        ("village", "legal_person", True, False, True, True, True),
        ("city", "legal_person", True, False, False, True, True),
        ("city", "legal_person", False, False, False, True, False),
        ("large", "branch", False, False, True, True, False),
        ("large", "branch", False, False, False, True, True),
        # A branch of a local bank is judged by its plan, if it has one.
        ("rural_commercial", "legal_person", True, True, True, True, False),
        ("rural_commercial", "legal_person", True, True, False, True, True),
        ("city", "legal_person", False, True, False, True, True),
        ("policy", "branch", False, False, False, False, True),
        ("life_insurer", "branch", False, False, False, False, True),
        ("other", "branch", False, False, False, False, True),
    ],
)
def test_who_is_asked_and_who_is_judged(params, kind, level, local, inside, plan, who, judged):
    facts = {"kind": kind, "level": level, "is_local_legal_person": local, "has_plan": plan}
    facts["is_internal_branch"] = inside
    for name in ("C2.1a", "C2.1b"):
        indicator = params.indicators[name]
        assert indicator.who.evaluate(lambda _, n: facts[n]) is who
        assert indicator.judged_when.evaluate(lambda _, n: facts[n]) is judged


def test_an_unknown_plan_does_not_judge_a_branch(params):
    facts = {"kind": "large", "level": "branch", "is_local_legal_person": False}
    look = lambda _, n: facts.get(n, NoData((n,)))  # noqa: E731
    assert params.indicators["C2.1a"].judged_when.evaluate(look) == NoData(("has_plan",))


INDICATOR = """
X:
  clause: C
  label: 甲
  unit: "%"
  tier: T0
  formula: 100 * npl / all_loans
  test: "<="
  threshold: cap
  who: B
"""


def names(params):
    groups = load_groups(loads("B: facts.kind <> 'other'"))
    clause = "{section: 1, force: must, scope: all, who: B, wording: {zh: 甲, en: a}}"
    clauses = load_clauses(loads(f"C: {clause}"), groups)
    cap = "{from: 2000-01-01, value: '3', source: 甲, certainty: ours}"
    policy = load_policy(loads(f"cap: {{label: 甲, type: decimal, values: [{cap}]}}"))
    return Names(params.measures, clauses, groups, policy)


def test_the_small_catalogue_loads(params):
    assert load_indicators(loads(INDICATOR), names(params))["X"].threshold == "cap"


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("npl /", "nlp /", 7, "是否想写“npl”"),
        ("npl /", "last_year.npl /", 7, "前缀“last_year”"),
        ("npl /", "policy.cup * npl /", 7, "是否想写“cap”"),
        ("threshold: cap", "threshold: cop", 9, "是否想写“cap”"),
        ("  threshold: cap\n", "", 3, "threshold"),
        ('"<="', "up", 8, "base"),
        ('"<="', '"=="', 8, "不可用"),
        ("threshold: cap", "threshold: 2 * policy.cop", 9, "policy.cop"),
        ("threshold: cap", "threshold: 2 * period.quarter", 9, "period.quarter"),
        ("threshold: cap", "threshold: 2 * npl", 9, "npl"),
        ("clause: C", "clause: D", 3, "没有条款"),
        ("who: B", "who: Q", 10, "Q"),
        ("who: B", "who: facts.kin = 'x'", 10, "是否想写“kind”"),
        ("tier: T0", "teir: T0", 6, "是否想写“tier”"),
        ("who: B", "who: B\n  branch: formula", 3, "levels"),
        ("who: B", "who: B\n  on_zero: no", 11, "不认识的键"),
    ],
)
def test_mistakes_in_an_indicator_are_told(params, old, new, line, said):
    assert old in INDICATOR
    with pytest.raises(ParamsError) as error:
        load_indicators(loads(INDICATOR.replace(old, new, 1), "indicators.yaml"), names(params))
    assert said in str(error.value)
    assert error.value.where == f"indicators.yaml:{line}"


@pytest.mark.parametrize("test", [">", "<", ">=", "<="])
def test_every_rule_has_its_words(params, test):
    made = load_indicators(loads(INDICATOR.replace("<=", test)), names(params))["X"]
    words = {">": "高于", "<": "低于", ">=": "不低于", "<=": "不高于"}[test]
    policy = names(params).policy.on(DAY)
    assert made.kind == "rule"
    assert made.test_words(policy, Quarter(2021, 4)) == f"{words} 3 %"


def test_settings_used_are_all_documented(params):
    for name, history in params.policy.settings.items():
        assert history.label, name
        assert all(v.source for v in history.values), name


def test_policy_file_has_the_settings_of_the_notice(params):
    policy = params.policy.on(DAY)
    assert policy["inclusive_line_limit"] == 10_000_000
    assert policy["npl_tolerance_pp"] == 3
    assert policy["tolerance_comparator"] == "institution"
    before = load_policy(load_yaml(ROOT / "params" / "policy.yaml")).on(dt.date(2018, 12, 31))
    assert before["npl_tolerance_pp"] == 2


def test_when_a_plan_is_only_strived_for_hangs_on_the_quarter_alone(tmp_path):
    """A measure or setting there would be taken for the quarter's number."""
    shutil.copytree(ROOT / "params", tmp_path / "params")
    (tmp_path / "data").symlink_to(ROOT / "data")
    file = tmp_path / "params" / "indicators.yaml"
    text = file.read_text(encoding="utf-8")
    asked = "strive_when: period.quarter_number < 4"
    assert asked in text
    file.write_text(text.replace(asked, "strive_when: policy.min_cell < 4", 1), "utf-8")
    with pytest.raises(ParamsError, match="strive_when 只能用"):
        load(tmp_path / "params")
