"""An expression as engine SQL, and as Chinese words for ``explain``."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction

from puhui import schema
from puhui.errors import ExpressionError
from puhui.params.evaluate import NoData
from puhui.params.grammar import Call, Literal, Name, Node

Resolve = Callable[[str, str], str]

MAX_DIGITS = 38
_SCALES = {"money": 2, "rate": 6, "bp": 2, "int": 0}


def literal_sql(value: object, dialect: str = "duckdb") -> str:
    """Write a value as a SQL literal; decimals are typed exactly, never floating.

    Spark alone reads a backslash in text as the beginning of an escape.

    Raises
    ------
    ExpressionError
        A float, a fraction without finite decimals, or more than 38 digits.

    Examples
    --------
    >>> literal_sql(Decimal("3.00")), literal_sql("it's"), literal_sql([1, 2])
    ("CAST('3.00' AS DECIMAL(3,2))", "'it''s'", '(1, 2)')
    """
    if value is None or isinstance(value, NoData):
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int):
        return _decimal_sql(Decimal(value)) if abs(value) >= 2**63 else _signed(str(value))
    if isinstance(value, Decimal):
        return _decimal_sql(value)
    if isinstance(value, Fraction):
        return literal_sql(int(value)) if value.denominator == 1 else _decimal_sql(_finite(value))
    if isinstance(value, str):
        text = value.replace("\\", "\\\\") if dialect == "spark" else value
        return "'" + text.replace("'", "''") + "'"
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return f"DATE '{value.isoformat()}'"
    if isinstance(value, Sequence) and value:
        return "(" + ", ".join(literal_sql(item, dialect) for item in value) + ")"
    raise ExpressionError(f"不能写成 SQL 常量：{value!r}（{type(value).__name__}）。")


def _signed(text: str) -> str:
    return f"({text})" if text.startswith("-") else text


def _finite(value: Fraction) -> Decimal:
    for places in range(MAX_DIGITS + 1):
        scaled = value * 10**places
        if scaled.denominator == 1:
            return Decimal(scaled.numerator).scaleb(-places)
    raise ExpressionError(f"分数 {value} 写不成有限小数，不能放进 SQL。")


def _decimal_sql(value: Decimal) -> str:
    if not value.is_finite():
        raise ExpressionError(f"不能写成 SQL 常量：{value}。")
    text = format(value, "f")
    whole, _, places = text.lstrip("-").partition(".")
    scale = len(places)
    precision = max(len(whole.lstrip("0")) + scale, scale, 1)
    if precision > MAX_DIGITS:
        raise ExpressionError(f"数字 {text} 超过 {MAX_DIGITS} 位。")
    return f"CAST('{text}' AS DECIMAL({precision},{scale}))"


class SqlWriter:
    """Writes a tree as SQL that gives the same bits on every engine.

    No ``/`` and no ``avg``; the first factor of a product is cast to DECIMAL(28,2), as
    DECIMAL(18,2) × DECIMAL(9,6) would overflow; dates by their year, month and day.
    """

    def __init__(self, resolve: Resolve, dialect: str, context: str, where: str) -> None:
        if dialect not in ("duckdb", "spark"):
            raise ExpressionError(f"不认识的 SQL 方言“{dialect}”。", remedy="可用 duckdb、spark。")
        self.resolve, self.dialect = resolve, dialect
        self.context, self.where = context, where

    def write(self, node: Node) -> str:
        """Write SQL of a node, in parentheses unless it is atomic."""
        if isinstance(node, Name):
            return self.resolve(node.qualifier, node.name)
        if isinstance(node, Literal):
            number = isinstance(node.value, Fraction) and "." in node.text
            return literal_sql(Decimal(node.text) if number else node.value, self.dialect)
        if node.op == "*":
            return self._product(node)
        if node.op == "/":
            raise ExpressionError(
                f"表达式“{self.context}”含除法，不能交给引擎计算。", where=self.where
            )
        args = [self.write(arg) for arg in node.args]
        writer = getattr(self, f"_{node.op}", None)
        if writer is not None:
            return str(writer(*args))
        return "(" + f" {node.op.upper()} ".join(args) + ")"

    def _product(self, node: Call) -> str:
        first, second = node.args
        if any(isinstance(n, Call) and n.op == "*" for n in (_bare(first), _bare(second))):
            raise ExpressionError(
                f"表达式“{self.context}”里连乘超过两个因子。",
                where=self.where,
                remedy="引擎里一次只乘两个数，其余放到指标公式里。",
            )
        if not _fits(first):
            first, second = second, first
        if not _fits(first):
            raise ExpressionError(
                f"表达式“{self.context}”里没有一个因子确知不超过两位小数，乘积会被截断。",
                where=self.where,
                remedy="其中一个应是台账里的金额列或整数列，或不超过两位小数的常量。",
            )
        return f"(CAST({self.write(first)} AS DECIMAL(28,2)) * {self.write(second)})"

    def _not(self, arg: str) -> str:
        return f"(NOT {arg})"

    def _neg(self, arg: str) -> str:
        return f"(- {arg})"

    def _in(self, subject: str, *items: str) -> str:
        return f"({subject} IN ({', '.join(items)}))"

    def _between(self, subject: str, low: str, high: str) -> str:
        return f"({subject} BETWEEN {low} AND {high})"

    def _is_null(self, arg: str) -> str:
        return f"({arg} IS NULL)"

    def _coalesce(self, *args: str) -> str:
        return f"COALESCE({', '.join(args)})"

    def _abs(self, arg: str) -> str:
        return f"ABS({arg})"

    def _case(self, *args: str) -> str:
        pairs = zip(args[:-1:2], args[1::2], strict=True)
        branches = " ".join(f"WHEN {c} THEN {v}" for c, v in pairs)
        return f"(CASE {branches} ELSE {args[-1]} END)"

    def _days_between(self, start: str, end: str) -> str:
        if self.dialect == "spark":
            return f"DATEDIFF({end}, {start})"
        return f"DATE_DIFF('day', {start}, {end})"

    def _full_months_between(self, start: str, end: str) -> str:
        return (
            f"((EXTRACT(YEAR FROM {end}) - EXTRACT(YEAR FROM {start})) * 12"
            f" + EXTRACT(MONTH FROM {end}) - EXTRACT(MONTH FROM {start})"
            f" - CASE WHEN EXTRACT(DAY FROM {start}) > EXTRACT(DAY FROM {end})"
            f" AND EXTRACT(DAY FROM {end}) < EXTRACT(DAY FROM LAST_DAY({end}))"
            " THEN 1 ELSE 0 END)"
        )

    def _add_months(self, day: str, months: str) -> str:
        if self.dialect == "spark":
            return f"ADD_MONTHS({day}, CAST({months} AS INTEGER))"
        return f"CAST({day} + TO_MONTHS(CAST({months} AS INTEGER)) AS DATE)"

    def _has_any(self, column: str, *texts: str) -> str:
        if self.dialect == "spark":  # a null entry must not make the answer unknown
            return f"ARRAYS_OVERLAP(ARRAY_COMPACT({column}), ARRAY({', '.join(texts)}))"
        return f"LIST_HAS_ANY({column}, [{', '.join(texts)}])"


def _bare(node: Node) -> Node:
    while isinstance(node, Call) and node.op in ("neg", "abs"):
        node = node.args[0]
    return node


def _fits(node: Node) -> bool:
    """Whether a cast to two decimals surely loses nothing."""
    decimals = scale(node)
    return decimals is not None and decimals <= 2


def scale(node: Node) -> int | None:
    """Decimals a number can have, by its columns and literals; ``None`` if that is not known.

    Derived columns, settings and measures are not known: only the tables say.
    """
    if isinstance(node, Literal):
        return len(node.text.partition(".")[2])
    if isinstance(node, Name):
        return _column_scale(node)
    if node.op in ("days_between", "full_months_between", "has_any"):
        return 0
    args = (*node.args[1::2], node.args[-1]) if node.op == "case" else node.args
    found = [scale(arg) for arg in args]
    known = [decimals for decimals in found if decimals is not None]
    if len(known) < len(found):
        return None
    return sum(known) if node.op == "*" else max(known)


def _column_scale(node: Name) -> int | None:
    """Decimals of a table's column; of a name several tables have, the most."""
    tables = {"": schema.tables(), "customer": ("customers",)}.get(node.qualifier, ())
    kinds = [c.kind for table in tables for c in schema.columns(table) if c.name == node.name]
    return max((_SCALES.get(kind, 0) for kind in kinds), default=None)


_RANK = {"or": 1, "and": 2, "+": 5, "-": 5, "*": 6, "/": 6, "neg": 7}
_SIGNS = {
    "and": " 且 ",
    "or": " 或 ",
    "=": "＝",
    "<>": "≠",
    "<": "＜",
    "<=": "≤",
    ">": "＞",
    ">=": "≥",
    "+": " ＋ ",
    "-": " － ",
    "*": " × ",
    "/": " ÷ ",
}


def words(node: Node, label: Callable[[str, str], str]) -> str:
    """Write a tree in Chinese; ``label`` names a column, item or measure."""
    if isinstance(node, Name):
        return label(node.qualifier, node.name)
    if isinstance(node, Literal):
        return _literal_words(node)
    if node.op in _SIGNS:
        first, *rest = node.args
        tight = node.op in ("-", "/")
        parts = [_within(first, node.op, label)]
        parts += [_within(part, node.op, label, strict=tight) for part in rest]
        return _SIGNS[node.op].join(parts)
    if node.op == "case":
        return _case_words(node, label)
    if node.op == "neg":
        return "－" + _within(node.args[0], "neg", label)
    if node.op == "not":
        inner = node.args[0]
        if isinstance(inner, Call) and inner.op in ("is_null", "in", "between", "has_any"):
            return _predicate(inner, label, "不")
        said = words(inner, label)
        return f"非（{said}）" if isinstance(inner, Call) else f"非{said}"
    return _predicate(node, label)


def _predicate(node: Call, label: Callable[[str, str], str], negation: str = "") -> str:
    args = [words(arg, label) for arg in node.args]
    first, last = args[0], args[-1]
    return {
        "in": lambda: f"{first}{negation}属于（{'、'.join(args[1:])}）",
        "between": lambda: f"{first}{negation}在 {args[1]} 与 {last} 之间（含）",
        "is_null": lambda: f"{first}{negation}为空",
        "coalesce": lambda: first + "".join(f"（无数据时取 {a}）" for a in args[1:]),
        "abs": lambda: f"|{first}|",
        "days_between": lambda: f"{first}至{last}的天数",
        "full_months_between": lambda: f"{first}至{last}的整月数",
        "add_months": lambda: f"{first}后 {last} 个月",
        "has_any": lambda: (
            f"{first}{negation}含（{'、'.join(args[1:])}）" + ("中任何一个" if negation else "之一")
        ),
    }[node.op]()


def _within(node: Node, op: str, label: Callable[[str, str], str], *, strict: bool = False) -> str:
    text = words(node, label)
    if isinstance(node, Call) and node.op == "case":
        return f"（{text}）"
    rank = _RANK.get(node.op, 4) if isinstance(node, Call) and node.op in _SIGNS else 9
    outer = _RANK.get(op, 4)
    return f"（{text}）" if rank < outer or (strict and rank == outer) else text


def _literal_words(node: Literal) -> str:
    value = node.value
    if value is None:
        return "空"
    if isinstance(value, bool):
        return "真" if value else "假"
    if isinstance(value, dt.date):
        return f"{value.year}年{value.month}月{value.day}日"
    if isinstance(value, str):
        return f"“{value}”"
    return re.sub(r"(?<=\d)(?=(\d{3})+$)", ",", node.text) if "." not in node.text else node.text


def _case_words(node: Call, label: Callable[[str, str], str]) -> str:
    args = [words(arg, label) for arg in node.args]
    pairs = zip(args[:-1:2], args[1::2], strict=True)
    return "；".join(f"若{c}则为{v}" for c, v in pairs) + f"；否则为{args[-1]}"
