"""Derived columns and measures: what loads, what is refused, and the scope rules by edge."""

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest

from puhui import schema
from puhui.errors import ExpressionError, ParamsError
from puhui.params import NoData, load
from puhui.params.policy import Policy
from puhui.params.rows import load_derived, load_measures
from puhui.params.yaml import loads

ROOT = Path(__file__).parents[2]
NO_POLICY = Policy({})


@pytest.fixture(scope="module")
def params():
    return load(ROOT / "params")


def derived(text: str):
    return load_derived(loads(text, "derived.yaml"), NO_POLICY)


def measure(ledger: str, *, kind: str = "stock", rows: str = "{}"):
    text = f"m:\n  label: 量\n  unit: 元\n  kind: {kind}\n  ledger: {ledger}\n"
    return load_measures(loads(text, "measures.yaml"), derived(rows), NO_POLICY)["m"]


NOW = "now_in: {label: 甲, as_of: now, expr: customer.credit_line <= 10}"
THEN = "then_in: {label: 乙, as_of: drawdown, expr: credit_line_at_drawdown <= 10}"
NESTED = f"{NOW}\nouter: {{label: 丙, as_of: now, expr: now_in and amount_kind}}"


@pytest.mark.parametrize(
    ("ledger", "rows"),
    [
        ("{sum: balance, where: credit_line_at_drawdown <= 10}", "{}"),
        ("{sum: amount, where: customer.credit_line <= 10}", "{}"),
        ("{sum: balance, where: then_in}", THEN),
        ("{sum: amount, where: now_in}", NOW),
        ("{customers: yes, where: now_in and then_in}", f"{NOW}\n{THEN}"),
        ("{count: yes, where: now_in and amount > 0}", NOW),
        ("{sum: rate_at_drawdown * balance, where: true}", "{}"),
    ],
)
def test_a_measure_that_mixes_now_and_drawdown_is_refused(ledger, rows):
    with pytest.raises(ParamsError, match="混在一起") as error:
        measure(ledger, rows=rows)
    assert error.value.where == "measures.yaml:5"


@pytest.mark.parametrize(
    ("ledger", "rows"),
    [
        ("{sum: balance, where: now_in and drawn_on > DATE '2021-01-01'}", NOW),
        ("{sum: amount, where: then_in and product <> 'discount'}", THEN),
    ],
)
def test_one_moment_is_accepted(ledger, rows):
    assert measure(ledger, rows=rows).ledger.aggregate == "sum"


@pytest.mark.parametrize(
    ("ledger", "said"),
    [
        ("{sum: balanse, where: true}", "是否想写“balance”"),
        ("{sum: balance, where: customer.sise = 'small'}", "是否想写“size”"),
        ("{sum: balance, where: policy.limit > 1}", "policy.limit"),
        ("{sum: balance, where: year_start.balance > 1}", "前缀“year_start”"),
        ("{sum: balance, count: yes, where: true}", "恰好"),
        ("{where: true}", "恰好"),
        ("{count: maybe, where: true}", "count: yes"),
        ("{sum: balance}", "缺少键“where”"),
        ("{sum: balance, wear: x, where: true}", "是否想写“where”"),
        ("{sum: balance, where: drawn_on > period.year_start}", "不应"),
        ("{sum: balance, where: drawn_on > period.begin}", "period.begin"),
        ("{sum: balance / 2, where: true}", "除法"),
        ("{sum: amount * rate_at_drawdown * 2, where: true}", "连乘"),
    ],
)
def test_mistakes_in_a_measure_are_told(ledger, said):
    with pytest.raises(ParamsError) as error:
        measure(ledger)
    assert said in str(error.value)
    assert error.value.where.startswith("measures.yaml:")


@pytest.mark.parametrize("name", ["year_start", "window_start"])
def test_a_flow_begins_with_the_year_or_the_window(name):
    where = f"drawn_on between period.{name} and period.end"
    made = measure(f"{{sum: amount, where: {where}}}", kind="flow")
    assert ("period", name) in made.ledger.where.columns


def test_a_flow_names_its_period():
    with pytest.raises(ParamsError, match=r"应用 period\.year_start"):
        measure("{sum: amount, where: true}", kind="flow")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: {label: 甲, as_of: none, expr: b}\nb: {label: 乙, as_of: none, expr: a}", "互相引用"),
        ("a: {label: 甲, as_of: none, expr: a}", "互相引用"),
        ("amount: {label: 甲, as_of: none, expr: true}", "已是表中的列名"),
        ("benchmark_rate: {label: 甲, as_of: none, expr: '1'}", "已是表中的列名"),
        ("a: {label: 甲, as_of: none, expr: balance > 0}", "时点是 none，所用列的时点是 now"),
        ("a: {label: 甲, as_of: now, expr: product = 'x'}", "时点是 now，所用列的时点是 none"),
        ("a: {label: 甲, as_of: now, expr: balance > amount}", "混在一起"),
        ("a: {label: 甲, as_of: later, expr: true}", "as_of"),
        ("a: {label: 甲, as_of: none, expr: read_csv('x')}", "read_csv"),
        ("a: text", "键: 值"),
    ],
)
def test_mistakes_in_derived_columns_are_told(text, said):
    with pytest.raises(ParamsError) as error:
        derived(text)
    assert said in str(error.value)


def test_unquoted_item_codes_are_refused():
    text = "m:\n  label: 量\n  unit: 元\n  kind: stock\n  returns: QS.npl\n"
    with pytest.raises(ParamsError, match="双引号"):
        load_measures(loads(text), {}, NO_POLICY)


def test_an_expression_outside_the_language_is_an_expression_error():
    with pytest.raises(ExpressionError):
        measure("{sum: balance, where: '1 = (select 1)'}")


# ---- the packaged derived columns -------------------------------------------------------

LOAN = {
    "product": "working_capital",
    "is_business_loan": None,
    "status": "normal",
    "closure": None,
    "issue_kind": "new",
    "guarantee": "credit",
    "five_class": "normal",
    "funding_source": None,
    "credit_line_at_drawdown": Decimal("10000000.00"),
    "drawn_on": dt.date(2021, 1, 31),
    "matures_on": dt.date(2022, 1, 31),
    "customer.kind": "enterprise",
    "customer.size": "small",
    "customer.credit_line": Decimal("10000000.00"),
}


def value(params, name: str, **changes):
    row = {**LOAN, **{k.replace("customer_", "customer."): v for k, v in changes.items()}}
    policy = params.policy.on(dt.date(2021, 12, 31))

    def look(qualifier, column):
        if qualifier == "policy":
            return policy[column]
        if qualifier == "" and column in params.derived:
            return params.derived[column].expression.evaluate(look)
        return row[f"{qualifier}.{column}" if qualifier else column]

    return params.derived[name].expression.evaluate(look)


OVER = Decimal("10000000.01")
PERSON = {"customer_kind": "mse_owner", "customer_size": None}
UNKNOWN = NoData()


@pytest.mark.parametrize(
    ("changes", "now", "then"),
    [
        ({}, True, True),  # exactly at the limit
        ({"customer_credit_line": OVER}, False, True),
        ({"credit_line_at_drawdown": OVER}, True, False),
        ({"customer_size": "micro"}, True, True),
        ({"customer_size": "medium"}, False, False),
        ({"customer_size": None}, UNKNOWN, UNKNOWN),
        ({"customer_size": None, "customer_credit_line": OVER}, False, UNKNOWN),
        ({"customer_credit_line": None}, UNKNOWN, True),
        (PERSON, UNKNOWN, UNKNOWN),  # a person's loan of unknown purpose
        ({**PERSON, "is_business_loan": True}, True, True),
        ({**PERSON, "is_business_loan": False}, False, False),
        ({**PERSON, "product": "business_personal"}, True, True),
        ({**PERSON, "product": "consumer"}, False, False),
        ({**PERSON, "customer_kind": "individual_business", "is_business_loan": True}, True, True),
        ({**PERSON, "customer_kind": "farmer", "is_business_loan": True}, False, False),
        ({**PERSON, "customer_kind": "other_personal", "is_business_loan": True}, False, False),
        ({"customer_kind": "other_organisation", "customer_size": None}, False, False),
        ({"product": "discount"}, True, True),
        ({"product": "rediscount"}, False, False),
        ({"product": "entrusted"}, False, False),
        ({"status": "written_off"}, False, True),  # was in scope when drawn
        ({"status": "transferred"}, False, True),
        ({"status": "overdue"}, True, True),
        ({"status": None}, UNKNOWN, True),
        ({"customer_kind": None}, UNKNOWN, UNKNOWN),  # customer not found
    ],
)
def test_inclusive_scope(params, changes, now, then):
    assert value(params, "in_scope_now", **changes) == now
    assert value(params, "in_scope_at_drawdown", **changes) == then


@pytest.mark.parametrize(("product", "expected"), [("discount", False), ("fixed_asset", True)])
def test_assessed_scope_leaves_discount_out(params, product, expected):
    assert value(params, "in_scope_now_assessed", product=product) is expected
    assert value(params, "in_scope_at_drawdown_assessed", product=product) is expected


def test_any_line_is_small_and_micro_business(params):
    assert value(params, "is_mse", customer_credit_line=OVER) is True
    assert value(params, "is_mse", customer_size="large") is False
    assert value(params, "is_mse", product="entrusted") is False


@pytest.mark.parametrize(
    ("five_class", "expected"),
    [
        ("normal", False),
        ("special_mention", False),
        ("substandard", True),
        ("doubtful", True),
        ("loss", True),
        (None, UNKNOWN),
    ],
)
def test_npl(params, five_class, expected):
    assert value(params, "is_npl", five_class=five_class) == expected


@pytest.mark.parametrize(
    ("matures", "band", "months", "tenor"),
    [
        (dt.date(2021, 2, 27), "<=12", 0, "1Y"),
        (dt.date(2022, 1, 31), "<=12", 12, "1Y"),
        (dt.date(2022, 2, 1), "13-60", 12, "1Y"),
        (dt.date(2026, 1, 31), "13-60", 60, "1Y"),
        (dt.date(2026, 2, 1), ">60", 60, "5Y"),
        (None, UNKNOWN, UNKNOWN, UNKNOWN),
    ],
)
def test_terms(params, matures, band, months, tenor):
    assert value(params, "term_band", matures_on=matures) == band
    assert value(params, "term_months", matures_on=matures) == months
    assert value(params, "term_tenor", matures_on=matures) == tenor
    beside = {"13-60": "5Y", UNKNOWN: UNKNOWN}.get(band, NoData(()))
    assert value(params, "term_tenor_beside", matures_on=matures) == beside


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, UNKNOWN),
        ({"product": "discount"}, "票据融资"),
        ({"issue_kind": "restructured"}, "重组贷款"),
        ({"issue_kind": "renewal"}, UNKNOWN),
        ({"funding_source": "pbc_relending"}, "政策性或央行资金"),
        ({"funding_source": "own"}, UNKNOWN),
    ],
)
def test_what_the_rate_study_leaves_out(params, changes, why):
    assert value(params, "left_out_of_rates", **changes) == why


def test_every_moment_of_the_schema_is_now_or_drawdown():
    moments = {c.moment for t in schema.tables() for c in schema.columns(t)}
    assert moments == {"", "now", "drawdown"}
