"""What the expression language says: every refusal word for word, and expressions in Chinese."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from fractions import Fraction

import pytest

from puhui.errors import ExpressionError
from puhui.params.expression import Expression, NoData, literal_sql

WHERE = "measures.yaml:3"
MAY = (
    "可用：列名，文字、数字、DATE '2021-12-31'、true、false、null，and or not，"
    "= <> < <= > >=，in (…)，between，is [not] null，+ - *（公式另可用 /），case，"
    "coalesce，abs，days_between，full_months_between，add_months，has_any。"
)
SET = "写作 has_any(列名, '甲', '乙')：先写一个多值的列，再写一个或几个文字常量。"
#: Text of 60 characters, which is quoted, and of one more, whose kind is named.
SIXTY = f"a || '{'x' * 53}'"

#: Text → what cannot be used, and what to do.
REFUSED = {
    "a -- b": ("注释", MAY),
    "a /* b */": ("注释", MAY),
    "a; b": (";", MAY),
    "a::int": ("::", MAY),
    "length(a)": ("length(…)", MAY),
    "SUM(a)": ("SUM(…)", MAY),
    "a || b": ("a || b", MAY),
    SIXTY: (SIXTY, MAY),
    SIXTY.replace("x'", "xx'"): ("dpipe", MAY),
    "s.t.a": ("s.t.a", MAY),
    "*": ("*", MAY),
    "a / b": ("/", "除法只能写在指标公式里；先求和、计数，再在公式里相除。"),
    "1e3": ("1e3", "数字写作 100 或 0.05，不用科学记数法。"),
    "DATE '2021-13-01'": ("DATE '2021-13-01'", "日期写作 DATE '2021-12-31'。"),
    "TIMESTAMP '2021-12-01'": ("CAST('2021-12-01' AS TIMESTAMP)", MAY),
    "a in ()": ("空的 in ()", MAY),
    "a in (b)": ("in (…) 里的非常量", "in 的括号里只写文字、数字或日期。"),
    "a in ('x', null)": ("in (…) 里的非常量", "in 的括号里只写文字、数字或日期。"),
    "a in (-b)": ("in (…) 里的非常量", "in 的括号里只写文字、数字或日期。"),
    "a is true": ("a IS TRUE", "is 后面只能是 null 或 not null。"),
    "days_between(a)": ("days_between 带 1 个参数", "days_between 要 2 个参数。"),
    "full_months_between(a, b, c)": (
        "full_months_between 带 3 个参数",
        "full_months_between 要 2 个参数。",
    ),
    "has_any('x', 'y')": ("has_any 的第一个参数不是列名", SET),
    "has_any()": ("has_any 的第一个参数不是列名", SET),
    "has_any(a)": ("has_any 里列名之后的内容不是文字常量", SET),
    "has_any(a, 'x', b)": ("has_any 里列名之后的内容不是文字常量", SET),
    "has_any(a, 1)": ("has_any 里列名之后的内容不是文字常量", SET),
    "add_months(a, 1.5)": ("add_months 的月数", "月数写整数或一个列名、政策项。"),
    "add_months(a, b + 1)": ("add_months 的月数", "月数写整数或一个列名、政策项。"),
    "add_months(a, '1')": ("add_months 的月数", "月数写整数或一个列名、政策项。"),
}


def refusal(text: str, *, formula: bool = False) -> ExpressionError:
    with pytest.raises(ExpressionError) as caught:
        Expression.parse(text, where=WHERE, formula=formula)
    return caught.value


@pytest.mark.parametrize("text", REFUSED)
def test_what_cannot_be_used_is_named_with_the_remedy(text):
    thing, remedy = REFUSED[text]
    error = refusal(text)
    assert error.message == f"表达式“{text}”里不能用 {thing}。"
    assert (error.where, error.remedy) == (WHERE, remedy)


def test_an_empty_expression_says_so():
    error = refusal("  ")
    assert (error.message, error.where, error.remedy) == ("表达式是空的。", WHERE, MAY)


def test_an_expression_may_have_4000_characters_and_no_more():
    longest = "a" * 4000
    assert Expression.parse(longest).columns == {("", longest)}
    error = refusal("a" * 4001)
    assert (error.message, error.where) == ("表达式超过 4000 个字符。", WHERE)


def test_an_expression_may_be_30_deep_and_no_more():
    def nested(levels: int) -> str:
        return "abs(" * levels + "a" + ")" * levels

    assert Expression.parse(nested(29)).columns == {("", "a")}
    error = refusal(nested(30))
    assert (error.message, error.where) == ("表达式套得太深（超过 30 层）。", WHERE)


def test_what_cannot_be_read_is_quoted():
    error = refusal("a +")
    assert error.message.startswith("读不懂表达式“a +”：")
    assert "\x1b" not in error.message
    assert "\n" not in error.message
    assert (error.where, error.remedy) == (WHERE, MAY)


# ---- Values

ROW = {
    "n": Fraction(3),
    "half": Fraction(1, 2),
    "text": "甲",
    "yes": True,
    "no": False,
    "day": dt.date(2021, 12, 31),
    "codes": frozenset({"乙", "甲"}),
    "float": 1.5,
    "mixed": ["甲", 2],
}
WRONG = {
    "n > text": "“3” 与 “甲” 不是同一类，不能比较。",
    "yes = text": "真 与 “甲” 不是同一类，不能比较。",
    "codes = text": "“乙、甲” 与 “甲” 不是同一类，不能比较。",
    "codes = codes": "多值的列不能比较，只能用 has_any。",
    "yes > no": "真假只能用 = 或 <> 比较。",
    "n and yes": "“3” 不是真假。",
    "yes and text": "“甲” 不是真假。",
    "not day": "“2021-12-31” 不是真假。",
    "case when n then 1 else 2 end": "“3” 不是真假。",
    "n + text": "“甲” 不是数字。",
    "abs(no)": "假 不是数字。",
    "days_between(day, n)": "“3” 不是日期。",
    "add_months(text, 1)": "“甲” 不是日期。",
    "add_months(day, half)": "月数 1/2 不是整数。",
    "has_any(text, 'x')": "“甲” 不是多值的列，不能用 has_any。",
    "float": "“float”的值类型是 float，不能精确计算。",
    "has_any(mixed, 'x')": "“mixed”是多值列，其中的 2 不是文字。",
}


@pytest.mark.parametrize("text", WRONG)
def test_a_value_of_the_wrong_kind_is_said(text):
    expression = Expression.parse(text, where=WHERE)
    with pytest.raises(ExpressionError) as caught:
        expression.evaluate(lambda _, name: ROW[name])
    assert caught.value.message == f"表达式“{text}”：{WRONG[text]}"
    assert caught.value.where == WHERE


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("case when nothing then 1 when yes then 2 else 3 end", Fraction(2)),
        ("case when nothing then 1 else 3 end", Fraction(3)),
        ("case when no then 1 else nothing end", NoData(("缺",))),
        ("case when nothing then 1 when no then 2 else null end", NoData(("缺",))),
        ("has_any(gaps, '甲')", True),
        ("has_any(gaps, '乙')", False),
        ("n in (-3, 3)", True),
        ("half in (0.5)", True),
        ("n between 3 and 4", True),
        ("n between 1 and 2", False),
    ],
)
def test_values(text, value):
    row = {**ROW, "nothing": NoData(("缺",)), "gaps": ["甲", None]}
    assert Expression.parse(text).evaluate(lambda _, name: row[name]) == value


# ---- SQL

UNSAID = {
    "a * b * c": (
        "表达式“a * b * c”里连乘超过两个因子。",
        "引擎里一次只乘两个数，其余放到指标公式里。",
    ),
    "a * -(b * c)": (
        "表达式“a * -(b * c)”里连乘超过两个因子。",
        "引擎里一次只乘两个数，其余放到指标公式里。",
    ),
    "a * abs(b * c)": (
        "表达式“a * abs(b * c)”里连乘超过两个因子。",
        "引擎里一次只乘两个数，其余放到指标公式里。",
    ),
    "rate_now * case when yes then amount else rate_at_drawdown end": (
        "表达式“rate_now * case when yes then amount else rate_at_drawdown end”"
        "里没有一个因子确知不超过两位小数，乘积会被截断。",
        "其中一个应是台账里的金额列或整数列，或不超过两位小数的常量。",
    ),
    "rate_now * rate_at_drawdown": (
        "表达式“rate_now * rate_at_drawdown”里没有一个因子确知不超过两位小数，乘积会被截断。",
        "其中一个应是台账里的金额列或整数列，或不超过两位小数的常量。",
    ),
    "unknown * 0.125": (
        "表达式“unknown * 0.125”里没有一个因子确知不超过两位小数，乘积会被截断。",
        "其中一个应是台账里的金额列或整数列，或不超过两位小数的常量。",
    ),
}


@pytest.mark.parametrize("text", UNSAID)
def test_a_product_that_would_lose_digits_is_refused(text):
    with pytest.raises(ExpressionError) as caught:
        Expression.parse(text, where=WHERE).sql(lambda _, name: name)
    assert (caught.value.message, caught.value.remedy) == UNSAID[text]
    assert caught.value.where == WHERE


@pytest.mark.parametrize(
    ("text", "sql"),
    [
        ("rate_now * amount", "(CAST(amount AS DECIMAL(28,2)) * rate_now)"),
        ("amount * rate_now", "(CAST(amount AS DECIMAL(28,2)) * rate_now)"),
        (
            "rate_now * customer.credit_line",
            "(CAST(credit_line AS DECIMAL(28,2)) * rate_now)",
        ),
        (
            "coalesce(amount, 0) * rate_now",
            "(CAST(COALESCE(amount, 0) AS DECIMAL(28,2)) * rate_now)",
        ),
        (
            "rate_now * (case when yes then 1.25 else amount end)",
            "(CAST((CASE WHEN yes THEN CAST('1.25' AS DECIMAL(3,2)) ELSE amount END)"
            " AS DECIMAL(28,2)) * rate_now)",
        ),
        (
            "rate_now * days_between(drawn_on, matures_on)",
            "(CAST(DATE_DIFF('day', drawn_on, matures_on) AS DECIMAL(28,2)) * rate_now)",
        ),
        (
            "rate_now * (full_months_between(drawn_on, matures_on) + 1.25)",
            "(CAST((((EXTRACT(YEAR FROM matures_on) - EXTRACT(YEAR FROM drawn_on)) * 12"
            " + EXTRACT(MONTH FROM matures_on) - EXTRACT(MONTH FROM drawn_on)"
            " - CASE WHEN EXTRACT(DAY FROM drawn_on) > EXTRACT(DAY FROM matures_on)"
            " AND EXTRACT(DAY FROM matures_on) < EXTRACT(DAY FROM LAST_DAY(matures_on))"
            " THEN 1 ELSE 0 END) + CAST('1.25' AS DECIMAL(3,2))) AS DECIMAL(28,2)) * rate_now)",
        ),
        ("a in (-0.5, 'x')", "(a IN (CAST('-0.5' AS DECIMAL(1,1)), 'x'))"),
        ("(a or b) and not c", "((a OR b) AND (NOT c))"),
        ("a is not null", "(NOT (a IS NULL))"),
        ("a <> 'x' or b >= -0.5", "((a <> 'x') OR (b >= (- CAST('0.5' AS DECIMAL(1,1)))))"),
    ],
)
def test_sql_word_for_word(text, sql):
    assert Expression.parse(text).sql(lambda _, name: name) == sql


def test_division_is_not_for_the_engine():
    expression = Expression.parse("a / b", where=WHERE, formula=True)
    with pytest.raises(ExpressionError) as caught:
        expression.sql(lambda _, name: name)
    assert caught.value.message == "表达式“a / b”含除法，不能交给引擎计算。"
    assert caught.value.where == WHERE


def test_a_dialect_nobody_speaks_is_refused():
    with pytest.raises(ExpressionError) as caught:
        Expression.parse("a").sql(lambda _, name: name, dialect="mysql")
    assert caught.value.message == "不认识的 SQL 方言“mysql”。"
    assert caught.value.remedy == "可用 duckdb、spark。"


@pytest.mark.parametrize(
    ("value", "sql"),
    [
        (None, "NULL"),
        (NoData(("缺",)), "NULL"),
        (True, "TRUE"),
        (False, "FALSE"),
        (0, "0"),
        (-7, "(-7)"),
        (2**63 - 1, "9223372036854775807"),
        (2**63, "CAST('9223372036854775808' AS DECIMAL(19,0))"),
        (-(2**63), "CAST('-9223372036854775808' AS DECIMAL(19,0))"),
        (Decimal("0"), "CAST('0' AS DECIMAL(1,0))"),
        (Decimal("0.05"), "CAST('0.05' AS DECIMAL(2,2))"),
        (Decimal("-12.50"), "CAST('-12.50' AS DECIMAL(4,2))"),
        (Decimal("1E+3"), "CAST('1000' AS DECIMAL(4,0))"),
        (Decimal("9" * 38), f"CAST('{'9' * 38}' AS DECIMAL(38,0))"),
        (Fraction(4), "4"),
        (Fraction(-1, 8), "CAST('-0.125' AS DECIMAL(3,3))"),
        (Fraction(1, 10**38), f"CAST('0.{'0' * 37}1' AS DECIMAL(38,38))"),
        ("it's", "'it''s'"),
        ("a\\b", "'a\\b'"),
        (dt.date(2021, 12, 31), "DATE '2021-12-31'"),
        (["甲", 1], "('甲', 1)"),
    ],
)
def test_literals_word_for_word(value, sql):
    assert literal_sql(value) == sql


def test_spark_reads_a_backslash_as_an_escape_also_in_a_list():
    assert literal_sql("a\\b", "spark") == "'a\\\\b'"
    assert literal_sql(["a\\b"], "spark") == "('a\\\\b')"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (1.5, "不能写成 SQL 常量：1.5（float）。"),
        ([], "不能写成 SQL 常量：[]（list）。"),
        (
            dt.datetime(2021, 1, 1),
            "不能写成 SQL 常量：datetime.datetime(2021, 1, 1, 0, 0)（datetime）。",
        ),
        (Decimal("NaN"), "不能写成 SQL 常量：NaN。"),
        (Fraction(1, 3), "分数 1/3 写不成有限小数，不能放进 SQL。"),
        (Fraction(1, 10**39), f"分数 1/1{'0' * 39} 写不成有限小数，不能放进 SQL。"),
        (Decimal("9" * 39), f"数字 {'9' * 39} 超过 38 位。"),
    ],
)
def test_what_is_no_literal_is_said(value, said):
    with pytest.raises(ExpressionError) as caught:
        literal_sql(value)
    assert caught.value.message == said


# ---- Words

SAID = {
    "amount": "amount",
    "customer.kind": "customer.kind",
    "a and b or c": "a 且 b 或 c",
    "a and (b or c)": "a 且 （b 或 c）",
    "(a or b) and c": "（a 或 b） 且 c",
    "a - (b - c)": "a － （b － c）",
    "a - b - c": "a － b － c",
    "a + (b + c)": "a ＋ b ＋ c",
    "a / (b / c)": "a ÷ （b ÷ c）",
    "a * b / c": "a × b ÷ c",
    "(a + b) * c": "（a ＋ b） × c",
    "a + b * c": "a ＋ b × c",
    "a + b > c": "a ＋ b＞c",
    "a = (b < c)": "a＝b＜c",
    "-(a + b)": "－（a ＋ b）",
    "-a": "－a",
    "-(a * b)": "－（a × b）",
    "a <> 1000": "a≠1,000",
    "a >= 1234567.5": "a≥1234567.5",
    "a > 1.2345": "a＞1.2345",
    "a <= 999": "a≤999",
    "a = 'x'": "a＝“x”",
    "a = DATE '2021-03-01'": "a＝2021年3月1日",
    "a = true": "a＝真",
    "a = false": "a＝假",
    "coalesce(a, null)": "a（无数据时取 空）",
    "not a": "非a",
    "not (a and b)": "非（a 且 b）",
    "not not a": "非（非a）",
    "a is null": "a为空",
    "a is not null": "a不为空",
    "a in ('x', 'y')": "a属于（“x”、“y”）",
    "a not in ('x')": "a不属于（“x”）",
    "a between 1 and 2": "a在 1 与 2 之间（含）",
    "a not between 1 and 2": "a不在 1 与 2 之间（含）",
    "has_any(a, 'x', 'y')": "a含（“x”、“y”）之一",
    "not has_any(a, 'x')": "a不含（“x”）中任何一个",
    "coalesce(a, b, 0)": "a（无数据时取 b）（无数据时取 0）",
    "abs(a - b)": "|a － b|",
    "not abs(a) > 1": "非（|a|＞1）",
    "days_between(a, b)": "a至b的天数",
    "full_months_between(a, b)": "a至b的整月数",
    "add_months(a, 3)": "a后 3 个月",
    "case when a then 1 when b then 2 else 3 end": "若a则为1；若b则为2；否则为3",
    "1 + case when a then 1 else 2 end": "1 ＋ （若a则为1；否则为2）",
    "case a when 'x' then 1 else 2 end": "若a＝“x”则为1；否则为2",
}


@pytest.mark.parametrize("text", SAID)
def test_in_words(text):
    expression = Expression.parse(text, formula=True)
    assert expression.words(lambda q, n: f"{q}.{n}" if q else n) == SAID[text]
