"""The expression language: what is refused, reasons, types, products, literals and words."""

import datetime as dt
from decimal import Decimal
from fractions import Fraction as F

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from puhui.engine.duckdb import DuckDBEngine
from puhui.errors import ExpressionError
from puhui.params.expression import Expression, NoData, literal_sql

D = dt.date
#: One row of inputs: the same names in the engine and in Python.
ROW: dict[str, tuple[object, pa.DataType]] = {
    "amount": (Decimal("99999999999.99"), pa.decimal128(18, 2)),
    "rate": (Decimal("36.000000"), pa.decimal128(9, 6)),
    "two": (2, pa.int64()),
    "kind": ("micro", pa.string()),
    "yes": (True, pa.bool_()),
    "no": (False, pa.bool_()),
    "codes": (["ip", "equity"], pa.list_(pa.string())),
    "empty": ([], pa.list_(pa.string())),
    "jan31": (D(2021, 1, 31), pa.date32()),
}


@pytest.fixture(scope="module")
def engine():
    with DuckDBEngine() as engine:
        columns = {name: pa.array([v], kind) for name, (v, kind) in ROW.items()}
        engine.register("t", pa.table(columns))
        yield engine


def python_value(text: str, *, formula: bool = False):
    return Expression.parse(text, formula=formula).evaluate(lambda _, name: ROW[name][0])


@given(
    st.dates(D(1990, 1, 1), D(2060, 1, 1)),
    st.dates(D(1990, 1, 1), D(2060, 1, 1)),
)
def test_full_months_is_the_largest_that_fits(start, end):
    def value(text):
        days = {"a": start, "b": end}
        return Expression.parse(text).evaluate(lambda _, name: days[name])

    months = int(value("full_months_between(a, b)"))
    plus = lambda m: value(f"add_months(a, {m})")  # noqa: E731
    assert plus(months) <= end < plus(months + 1)


@given(
    st.lists(
        st.tuples(st.dates(D(1996, 1, 1), D(2030, 1, 1)), st.dates(D(1996, 1, 1), D(2030, 1, 1))),
        min_size=30,
        max_size=30,
    )
)
def test_months_are_the_same_in_the_engine(pairs):
    expression = Expression.parse("full_months_between(a, b)")
    with DuckDBEngine(threads=1) as engine:
        starts, ends = zip(*pairs, strict=True)
        engine.register("p", pa.table({"a": starts, "b": ends}))
        got = engine.sql(f"SELECT {expression.sql(lambda _, n: n)} AS m FROM p")["m"].to_pylist()
    want = [expression.evaluate(lambda _, n, p=p: p[n == "b"]) for p in pairs]
    assert got == want


@pytest.mark.parametrize(
    "text",
    [
        "(select 1)",
        "amount in (select amount from loans)",
        "exists (select 1)",
        "read_csv('secret.csv')",
        "read_text('secret')",
        "getenv('HOME')",
        "count(*)",
        "sum(amount)",
        "avg(amount)",
        "amount; drop table loans",
        "amount;",
        "kind || 'x'",
        "amount::int",
        "'2021-01-01'::date",
        "cast(amount as int)",
        "try_cast(kind as date)",
        "cast('2021-01-01' as date)",
        "row_number() over ()",
        "abs(amount) over ()",
        "abs(distinct amount)",
        "amount -- comment",
        "amount /* comment */",
        "a.b.c",
        "*",
        "?",
        ":name",
        "$1",
        "amount as x",
        "amount x",
        "(1, 2)",
        "[1, 2]",
        "{'a': 1}",
        "kind like 'm%'",
        "kind is true",
        "kind is distinct from 'x'",
        "amount % 2",
        "amount ** 2",
        "amount // 2",
        "kind[1]",
        "kind.upper()",
        "upper(kind)",
        "ifnull(amount, 1)",
        "nvl(amount, 1)",
        "if(yes, 1, 2)",
        "nullif(amount, 0)",
        "current_date",
        "now()",
        "interval 3 day",
        "amount in (amount, 2)",
        "amount in (null)",
        "amount in ()",
        "1e5",
        "0x1F",
        "DATE '2021-02-30'",
        "DATE 'today'",
        "add_months(noday, 1.5)",
        "add_months(noday, two + 1)",
        "add_months(noday)",
        "days_between(noday)",
        "abs()",
        "coalesce()",
        "has_any()",
        "has_any(codes)",
        "has_any('ip', 'ip')",
        "has_any(codes, 1)",
        "has_any(codes, null)",
        "has_any(codes, kind)",
        "has_any(codes, ('ip', 'home'))",
        "has_any(coalesce(codes, empty), 'ip')",
        "list_has_any(codes, ['ip'])",
        "amount /",
        "amount / 2",
        "not",
        "'open",
        "",
        "   ",
        "x -> x + 1",
        "select 1",
        "drop table loans",
        "attach 'x.db'",
        "(" * 3000 + "1" + ")" * 3000,
        "- " * 100 + "1",
    ],
)
def test_anything_else_is_refused_with_its_place(text):
    with pytest.raises(ExpressionError) as error:
        Expression.parse(text, where="measures.yaml:7")
    assert error.value.where == "measures.yaml:7"


def test_refusal_names_the_thing_and_what_is_allowed():
    with pytest.raises(ExpressionError, match=r"read_csv\(…\).*可用"):
        Expression.parse("read_csv('x')")
    with pytest.raises(ExpressionError, match="除法只能写在指标公式里"):
        Expression.parse("a / b")


def test_names_and_text_stay_names_and_text(engine):
    assert python_value("\"kind\" = 'micro'") is True
    text = "x'); drop table t; --"
    sql = Expression.parse(f"kind = {literal_sql(text)}").sql(lambda _, n: n)
    assert engine.sql(f"SELECT {sql} AS v FROM t")["v"][0].as_py() is False


def test_columns_carry_qualifier_and_quoted_item_codes():
    e = Expression.parse('"S71_I_1.A1" + year_start.all_loans + policy.npl_tolerance_pp')
    assert e.columns == {
        ("", "S71_I_1.A1"),
        ("year_start", "all_loans"),
        ("policy", "npl_tolerance_pp"),
    }


def test_division_by_zero_is_no_data_with_a_reason():
    assert python_value("two / (two - 2)", formula=True) == NoData(("分母为零",))
    assert python_value("1 / two", formula=True) == F(1, 2)
    assert python_value("0.05 - 0.02 <= 0.03") is True  # false in floats


def test_division_never_reaches_the_engine():
    e = Expression.parse("a / b", formula=True)
    with pytest.raises(ExpressionError, match="除法"):
        e.sql(lambda _, n: n)


def test_reasons_are_merged_in_order_and_once():
    known = {"a": NoData(("缺甲",)), "b": NoData(("缺乙", "缺甲")), "c": F(1)}

    def value(text):
        return Expression.parse(text, formula=True).evaluate(lambda _, n: known[n])

    assert value("a + b").reasons == ("缺甲", "缺乙")
    assert value("b / c").reasons == ("缺乙", "缺甲")
    assert value("coalesce(a, b)").reasons == ("缺甲", "缺乙")
    assert value("coalesce(a, c)") == 1
    assert value("a > 1 and c > 0").reasons == ("缺甲",)
    assert value("a > 1 and c > 1") is False
    assert value("case when a > 1 then 1 end").reasons == ("缺甲",)


@pytest.mark.parametrize(
    "text",
    [
        "kind > 1",
        "yes + 1",
        "kind and yes",
        "abs(kind)",
        "not two",
        "yes > no",
        "jan31 = 'x'",
        "days_between(kind, jan31)",
        "has_any(kind, 'micro')",
        "codes = empty",
        "codes = 'ip'",
        "codes + 1",
    ],
)
def test_wrong_types_are_an_error_not_a_value(text):
    with pytest.raises(ExpressionError):
        python_value(text)


def test_floats_are_refused():
    with pytest.raises(ExpressionError):
        Expression.parse("x + 1").evaluate(lambda _, __: 0.1)  # type: ignore[arg-type,return-value]
    with pytest.raises(ExpressionError):
        literal_sql(0.1)


def test_products_keep_every_decimal_whatever_the_order(engine):
    sums = engine.sql(
        "SELECT "
        + Expression.parse("amount * rate_at_drawdown").sql(_as_column)
        + " AS a, "
        + Expression.parse("rate_at_drawdown * amount").sql(_as_column)
        + " AS b FROM t"
    )
    assert sums.schema.field("a").type.scale == 8
    assert sums["a"][0].as_py() == sums["b"][0].as_py() == Decimal("3599999999999.64")


def test_a_factor_of_unknown_decimals_is_never_cast():
    sql = Expression.parse("policy.factor * balance").sql(lambda q, n: n)
    assert sql == "(CAST(balance AS DECIMAL(28,2)) * factor)"


def _as_column(_: str, name: str) -> str:
    return "rate" if name == "rate_at_drawdown" else name


@pytest.mark.parametrize(
    "text",
    [
        "amount * rate_at_drawdown * 2",
        "2 * (amount * balance)",
        "rate_at_drawdown * rate_now",
        "-(amount * balance) * 2",
        "policy.factor * term_months",
        "policy.factor * rate_now",
        "coalesce(term_months, 1) * spread",
    ],
)
def test_products_that_would_lose_digits_are_refused(text):
    with pytest.raises(ExpressionError):
        Expression.parse(text).sql(lambda _, n: n)


@pytest.mark.parametrize(
    "value",
    [
        Decimal("0.05"),
        Decimal("-3.00"),
        Decimal("0"),
        Decimal("1E+3"),
        F(1, 8),
        F(-7),
        2**70,
        -5,
        Decimal("99999999999999999999999999999999999.123"),
    ],
)
def test_literals_are_exact_in_the_engine(engine, value):
    got = engine.sql(f"SELECT {literal_sql(value)} AS v")["v"][0].as_py()
    assert not isinstance(got, float)
    assert F(got) == F(value)


def test_spark_alone_reads_backslashes_in_text():
    assert literal_sql("a\\'b") == "'a\\''b'"
    assert literal_sql("a\\'b", "spark") == "'a\\\\''b'"
    assert literal_sql(["\\"], "spark") == "('\\\\')"
    sql = Expression.parse("kind = 'a\\'").sql(lambda _, n: n, dialect="spark")
    assert sql == "(kind = 'a\\\\')"


@pytest.mark.parametrize("value", [F(1, 3), Decimal("NaN"), 10**40, [], object()])
def test_literals_that_cannot_be_exact_are_refused(value):
    with pytest.raises(ExpressionError):
        literal_sql(value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("100 * ((a / b - 1) - (c / d - 1))", "100 × （a ÷ b － 1 － （c ÷ d － 1））"),
        ("a - (b + c)", "a － （b ＋ c）"),
        ("a - b + c", "a － b ＋ c"),
        ("(a or b) and not c", "（a 或 b） 且 非c"),
        ("a not in ('x', 'y') or b is not null", "a不属于（“x”、“y”） 或 b不为空"),
        ("a between 1 and 10000000", "a在 1 与 10,000,000 之间（含）"),
        ("coalesce(a, 0) >= date '2021-12-31'", "a（无数据时取 0）≥2021年12月31日"),
        ("case when a then 1 else -b end", "若a则为1；否则为－b"),
        ("has_any(a, 'x', 'y') and b", "a含（“x”、“y”）之一 且 b"),
        ("not has_any(a, 'x', 'y')", "a不含（“x”、“y”）中任何一个"),
        ("abs(a) * days_between(b, c)", "|a| × b至c的天数"),
    ],
)
def test_words(text, said):
    assert Expression.parse(text, formula=True).words(lambda _, name: name) == said
