"""What the expression language may say: SQL expression text to a small whitelisted tree.

sqlglot reads the text; only the nodes translated below exist afterwards, so whatever a
dialect can do besides (subqueries, file functions, casts, windows) has no way in.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.tokens import Token, TokenType

from puhui.errors import ExpressionError

ALLOWED = (
    "可用：列名，文字、数字、DATE '2021-12-31'、true、false、null，and or not，"
    "= <> < <= > >=，in (…)，between，is [not] null，+ - *（公式另可用 /），case，"
    "coalesce，abs，days_between，full_months_between，add_months，has_any。"
)
MAX_LENGTH = 4000
MAX_DEPTH = 30

#: Allowed functions and their numbers of arguments (None: any number the function can use).
FUNCTIONS: dict[str, int | None] = {
    "coalesce": None,
    "abs": 1,
    "days_between": 2,
    "full_months_between": 2,
    "add_months": 2,
    "has_any": None,
}
_BEFORE_PAREN = {*FUNCTIONS, "and", "or", "not", "in", "between", "case", "when", "then", "else"}
_NUMBER = re.compile(r"\d{1,38}(\.\d{1,18})?")
_BINARY: dict[Any, str] = {
    exp.And: "and",
    exp.Or: "or",
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
    exp.Add: "+",
    exp.Sub: "-",
    exp.Mul: "*",
    exp.Div: "/",
}
#: Everything besides :data:`FUNCTIONS` that a tree can hold.
OPERATORS = frozenset({*_BINARY.values(), "not", "neg", "in", "between", "is_null", "case"})


@dataclass(frozen=True)
class Name:
    """A column, optionally qualified: ``customer.kind``, ``year_start.all_loans``."""

    qualifier: str
    name: str


@dataclass(frozen=True)
class Literal:
    """A constant; ``None`` is null. ``text`` keeps a number's decimals as written."""

    value: Fraction | bool | str | dt.date | None
    text: str = ""


@dataclass(frozen=True)
class Call:
    """An operator or function.

    ``case`` holds condition, value, condition, value, …, else (always present).
    ``in`` holds the subject and then the literals; ``and`` and ``or`` two or more parts.
    """

    op: str
    args: tuple[Node, ...]


Node = Name | Literal | Call


def parse(text: str, *, where: str, formula: bool) -> Node:
    """Read expression text.

    Raises
    ------
    ExpressionError
        Not an expression, or something outside the language; the message names it.
    """
    if not text.strip():
        raise ExpressionError("表达式是空的。", where=where, remedy=ALLOWED)
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"表达式超过 {MAX_LENGTH} 个字符。", where=where)
    reader = _Reader(text, where, formula)
    try:
        reader.check_tokens(sqlglot.tokenize(text, dialect="duckdb"))
        trees = sqlglot.parse(text, dialect="duckdb")
        if len(trees) != 1 or trees[0] is None:
            raise reader.refuse(";")
        tree = reader.read(trees[0])
    except SqlglotError as error:
        detail = _plain(str(error))
        raise ExpressionError(
            f"读不懂表达式“{text}”：{detail}", where=where, remedy=ALLOWED
        ) from None
    except RecursionError:
        raise ExpressionError("表达式套得太深。", where=where) from None
    if _depth(tree) > MAX_DEPTH:
        raise ExpressionError(f"表达式套得太深（超过 {MAX_DEPTH} 层）。", where=where)
    return tree


def walk(node: Node) -> Iterator[Node]:
    """Yield a node and everything below it."""
    yield node
    if isinstance(node, Call):
        for arg in node.args:
            yield from walk(arg)


def substitute(node: Node, trees: Mapping[str, Node]) -> Node:
    """Replace unqualified names by the trees known under them."""
    if isinstance(node, Name) and not node.qualifier:
        return trees.get(node.name, node)
    if isinstance(node, Call):
        return Call(node.op, tuple(substitute(arg, trees) for arg in node.args))
    return node


def _depth(node: Node) -> int:
    return 1 + max(map(_depth, node.args)) if isinstance(node, Call) else 1


def _flat(op: str, node: Node) -> tuple[Node, ...]:
    return node.args if isinstance(node, Call) and node.op == op else (node,)


def _plain(message: str) -> str:
    return re.sub(r"\x1b\[\d*m", "", message).splitlines()[0]


class _Reader:
    def __init__(self, text: str, where: str, formula: bool) -> None:
        self.text, self.where, self.formula = text, where, formula

    def refuse(self, thing: str, remedy: str = ALLOWED) -> ExpressionError:
        return ExpressionError(
            f"表达式“{self.text}”里不能用 {thing}。", where=self.where, remedy=remedy
        )

    def check_tokens(self, tokens: list[Token]) -> None:
        """Refuse what parsing would translate away: comments, casts, function aliases."""
        quoted = (TokenType.STRING, TokenType.IDENTIFIER)
        for token, following in zip(tokens, [*tokens[1:], None], strict=True):
            if token.comments:
                raise self.refuse("注释")
            if token.token_type in (TokenType.SEMICOLON, TokenType.DCOLON):
                raise self.refuse(token.text)
            called = following is not None and following.token_type is TokenType.L_PAREN
            word = token.text.lower()
            if not called or token.token_type in quoted or not re.match(r"\w", word):
                continue
            if word not in _BEFORE_PAREN:
                raise self.refuse(f"{token.text}(…)")

    def read(self, node: Any) -> Node:
        """Translate one sqlglot node; a type that is not listed here is refused."""
        kind = type(node)
        if kind is exp.Paren:
            return self.read(node.this)
        if kind in _BINARY:
            return self._binary(node)
        if kind in (exp.Not, exp.Neg):
            return Call("not" if kind is exp.Not else "neg", (self.read(node.this),))
        handler: Callable[[Any], Node] | None = {
            exp.Column: self._name,
            exp.Literal: self._literal,
            exp.Boolean: lambda n: Literal(bool(n.this)),
            exp.Null: lambda n: Literal(None),
            exp.Cast: self._date,
            exp.In: self._in,
            exp.Between: self._between,
            exp.Is: self._is_null,
            exp.Case: self._case,
            exp.Coalesce: lambda n: self._call("coalesce", [n.this, *n.expressions]),
            exp.Abs: lambda n: self._call("abs", [n.this]),
            exp.AddMonths: self._add_months,
            exp.Anonymous: lambda n: self._call(str(n.this).lower(), n.expressions),
        }.get(kind)
        if handler is None:
            raise self.refuse(self._said(node))
        return handler(node)

    def _said(self, node: Any) -> str:
        said = node.sql(dialect="duckdb")
        return said if len(said) <= 60 else type(node).__name__.lower()

    def _only(self, node: Any, *parts: str) -> None:
        extra = [k for k, v in node.args.items() if k not in parts and v not in (None, False, [])]
        if extra:
            raise self.refuse(self._said(node))

    def _binary(self, node: Any) -> Node:
        op = _BINARY[type(node)]
        if op == "/" and not self.formula:
            raise self.refuse("/", "除法只能写在指标公式里；先求和、计数，再在公式里相除。")
        args: tuple[Node, ...] = (self.read(node.this), self.read(node.expression))
        if op in ("and", "or"):
            args = tuple(part for arg in args for part in _flat(op, arg))
        return Call(op, args)

    def _name(self, node: Any) -> Node:
        self._only(node, "this", "table")
        if type(node.this) is not exp.Identifier:
            raise self.refuse(self._said(node))
        return Name(node.table, node.name)

    def _literal(self, node: Any) -> Node:
        if node.is_string:
            return Literal(str(node.this))
        text = str(node.this)
        if not _NUMBER.fullmatch(text):
            raise self.refuse(text, "数字写作 100 或 0.05，不用科学记数法。")
        return Literal(Fraction(Decimal(text)), text)

    def _date(self, node: Any) -> Node:
        is_date = node.to.this is exp.DataType.Type.DATE
        if not is_date or type(node.this) is not exp.Literal:
            raise self.refuse(self._said(node))
        try:
            return Literal(dt.date.fromisoformat(node.this.this))
        except ValueError:
            raise self.refuse(f"DATE '{node.this.this}'", "日期写作 DATE '2021-12-31'。") from None

    def _in(self, node: Any) -> Node:
        self._only(node, "this", "expressions")
        items = [self.read(item) for item in node.expressions]
        folded = [self._constant(item) for item in items]
        if not folded:
            raise self.refuse("空的 in ()")
        return Call("in", (self.read(node.this), *folded))

    def _constant(self, node: Node) -> Node:
        if isinstance(node, Call) and node.op == "neg" and isinstance(node.args[0], Literal):
            value = node.args[0].value
            if isinstance(value, Fraction):
                return Literal(-value, f"-{node.args[0].text}")
        if not isinstance(node, Literal) or node.value is None:
            raise self.refuse("in (…) 里的非常量", "in 的括号里只写文字、数字或日期。")
        return node

    def _between(self, node: Any) -> Node:
        self._only(node, "this", "low", "high")
        return Call(
            "between",
            (self.read(node.this), self.read(node.args["low"]), self.read(node.args["high"])),
        )

    def _is_null(self, node: Any) -> Node:
        if type(node.expression) is not exp.Null:
            raise self.refuse(self._said(node), "is 后面只能是 null 或 not null。")
        return Call("is_null", (self.read(node.this),))

    def _case(self, node: Any) -> Node:
        subject = self.read(node.this) if node.this is not None else None
        args: list[Node] = []
        for branch in node.args["ifs"]:
            condition = self.read(branch.this)
            args.append(condition if subject is None else Call("=", (subject, condition)))
            args.append(self.read(branch.args["true"]))
        default = node.args.get("default")
        args.append(self.read(default) if default is not None else Literal(None))
        return Call("case", tuple(args))

    def _add_months(self, node: Any) -> Node:
        self._only(node, "this", "expression")
        return self._call("add_months", [node.this, node.expression])

    def _call(self, name: str, args: list[Any]) -> Node:
        if name not in FUNCTIONS:
            raise self.refuse(f"{name}(…)")
        wanted = FUNCTIONS[name]
        if wanted is not None and len(args) != wanted:
            raise self.refuse(f"{name} 带 {len(args)} 个参数", f"{name} 要 {wanted} 个参数。")
        call = Call(name, tuple(self.read(arg) for arg in args))
        if name == "add_months":
            self._check_months(call.args[1])
        if name == "has_any":
            self._check_set(call.args)
        return call

    def _check_set(self, args: tuple[Node, ...]) -> None:
        remedy = "写作 has_any(列名, '甲', '乙')：先写一个多值的列，再写一个或几个文字常量。"
        if not args or not isinstance(args[0], Name):
            raise self.refuse("has_any 的第一个参数不是列名", remedy)
        texts = [isinstance(a, Literal) and isinstance(a.value, str) for a in args[1:]]
        if not texts or not all(texts):
            raise self.refuse("has_any 里列名之后的内容不是文字常量", remedy)

    def _check_months(self, node: Node) -> None:
        inner = node.args[0] if isinstance(node, Call) and node.op == "neg" else node
        if isinstance(inner, Name):
            return
        if not isinstance(inner, Literal) or not inner.text.isdigit():
            raise self.refuse("add_months 的月数", "月数写整数或一个列名、政策项。")
