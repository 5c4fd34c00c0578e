"""The exact evaluator: fractions, three-valued, with the reasons why a value is missing."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from puhui.errors import ExpressionError
from puhui.params.grammar import Call, Literal, Name, Node


@dataclass(frozen=True)
class NoData:
    """Unknown: the third truth value, and a number that cannot be had.

    Parameters
    ----------
    reasons
        Chinese, why there is no value; in order, each once. Empty: a plain null.
    """

    reasons: tuple[str, ...] = ()

    @classmethod
    def merge(cls, values: Iterable[object]) -> NoData:
        """Join the reasons of those among ``values`` that are no data.

        Examples
        --------
        >>> NoData.merge([NoData(("缺甲",)), True, NoData(("缺乙", "缺甲"))]).reasons
        ('缺甲', '缺乙')
        """
        reasons = [r for v in values if isinstance(v, NoData) for r in v.reasons]
        return cls(tuple(dict.fromkeys(reasons)))


#: ``frozenset``: what a column of several codes (a list in the engine) holds.
Value = Fraction | bool | str | dt.date | frozenset[str] | NoData
Lookup = Callable[[str, str], Value]

ZERO_DENOMINATOR = "分母为零"


def full_months_between(start: dt.date, end: dt.date) -> int:
    """Largest m with ``add_months(start, m) <= end``; negative if ``end`` is earlier.

    Examples
    --------
    >>> full_months_between(dt.date(2021, 1, 31), dt.date(2021, 2, 28))
    1
    """
    months = (end.year - start.year) * 12 + end.month - start.month
    short = start.day > end.day and end.day < calendar.monthrange(end.year, end.month)[1]
    return months - 1 if short else months


def add_months(day: dt.date, months: int) -> dt.date:
    """Return the same day ``months`` later, or that month's last day if it has none.

    Examples
    --------
    >>> add_months(dt.date(2020, 1, 31), 1).isoformat()
    '2020-02-29'
    """
    index = day.year * 12 + day.month - 1 + months
    year, month = index // 12, index % 12 + 1
    return dt.date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def evaluate(node: Node, lookup: Lookup, *, context: str, where: str) -> Value:
    """Evaluate a tree; ``context`` is the expression's text, for messages."""
    return _Evaluator(lookup, context, where).value(node)


class _Evaluator:
    def __init__(self, lookup: Lookup, context: str, where: str) -> None:
        self.lookup, self.context, self.where = lookup, context, where

    def wrong(self, what: str) -> ExpressionError:
        return ExpressionError(f"表达式“{self.context}”：{what}", where=self.where)

    def value(self, node: Node) -> Value:
        if isinstance(node, Literal):
            return NoData() if node.value is None else node.value
        if isinstance(node, Name):
            return self._found(node)
        special: dict[str, Callable[[tuple[Node, ...]], Value]] = {
            "and": lambda a: self._logic(a, False),
            "or": lambda a: self._logic(a, True),
            "coalesce": self._coalesce,
            "case": self._case,
            "between": lambda a: self._logic(
                (Call(">=", (a[0], a[1])), Call("<=", (a[0], a[2]))), False
            ),
        }
        if node.op in special:
            return special[node.op](node.args)
        if node.op == "is_null":
            return isinstance(self.value(node.args[0]), NoData)
        values = [self.value(arg) for arg in node.args]
        if any(isinstance(v, NoData) for v in values):
            return NoData.merge(values)
        return self._strict(node.op, values)

    def _found(self, node: Name) -> Value:
        found: object = self.lookup(node.qualifier, node.name)
        if found is None:
            return NoData()
        if isinstance(found, int) and not isinstance(found, bool):
            return Fraction(found)
        if isinstance(found, Decimal):
            return Fraction(found)
        if isinstance(found, Fraction | bool | str | dt.date | NoData):
            return found
        if isinstance(found, frozenset | set | tuple | list):
            return self._several(node, found)
        raise self.wrong(f"“{node.name}”的值类型是 {type(found).__name__}，不能精确计算。")

    def _several(self, node: Name, found: Iterable[object]) -> Value:
        held: set[str] = set()
        for item in found:
            if isinstance(item, str):
                held.add(item)
            elif item is not None:
                raise self.wrong(f"“{node.name}”是多值列，其中的 {item!r} 不是文字。")
        return frozenset(held)

    def _logic(self, args: tuple[Node, ...], deciding: bool) -> Value:
        unknown: list[Value] = []
        for arg in args:
            value = self.value(arg)
            if isinstance(value, NoData):
                unknown.append(value)
            elif self._truth(value) is deciding:
                return deciding
        return NoData.merge(unknown) if unknown else not deciding

    def _truth(self, value: Value) -> bool:
        if not isinstance(value, bool):
            raise self.wrong(f"{_said(value)} 不是真假。")
        return value

    def _coalesce(self, args: tuple[Node, ...]) -> Value:
        tried: list[Value] = []
        for arg in args:
            value = self.value(arg)
            if not isinstance(value, NoData):
                return value
            tried.append(value)
        return NoData.merge(tried)

    def _case(self, args: tuple[Node, ...]) -> Value:
        unknown: list[Value] = []
        for condition, result in zip(args[:-1:2], args[1::2], strict=True):
            truth = self.value(condition)
            if isinstance(truth, NoData):
                unknown.append(truth)
            elif self._truth(truth):
                return self.value(result)
        value = self.value(args[-1])
        return NoData.merge([*unknown, value]) if isinstance(value, NoData) else value

    def _strict(self, op: str, values: list[Value]) -> Value:
        if op in ("=", "<>", "<", "<=", ">", ">="):
            return self._compare(op, values[0], values[1])
        if op == "in":
            return any(self._compare("=", values[0], v) for v in values[1:])
        if op == "not":
            return not self._truth(values[0])
        if op in ("days_between", "full_months_between"):
            start, end = self._date(values[0]), self._date(values[1])
            if op == "days_between":
                return Fraction((end - start).days)
            return Fraction(full_months_between(start, end))
        if op == "add_months":
            months = self._number(values[1])
            if months.denominator != 1:
                raise self.wrong(f"月数 {months} 不是整数。")
            return add_months(self._date(values[0]), int(months))
        if op == "has_any":
            return not self._set(values[0]).isdisjoint(values[1:])
        return self._arithmetic(op, [self._number(v) for v in values])

    def _arithmetic(self, op: str, numbers: list[Fraction]) -> Value:
        first = numbers[0]
        if op == "neg":
            return -first
        if op == "abs":
            return abs(first)
        second = numbers[1]
        if op == "+":
            return first + second
        if op == "-":
            return first - second
        if op == "*":
            return first * second
        if second == 0:
            return NoData((ZERO_DENOMINATOR,))
        return first / second

    def _compare(self, op: str, left: Value, right: Value) -> bool:
        if type(left) is not type(right) or isinstance(left, NoData):
            raise self.wrong(f"{_said(left)} 与 {_said(right)} 不是同一类，不能比较。")
        if isinstance(left, frozenset):
            raise self.wrong("多值的列不能比较，只能用 has_any。")
        if op in ("=", "<>"):
            return (left == right) is (op == "=")
        if isinstance(left, bool):
            raise self.wrong("真假只能用 = 或 <> 比较。")
        less, equal = left < right, left == right  # type: ignore[operator]
        return {"<": less, "<=": less or equal, ">": not (less or equal), ">=": not less}[op]

    def _number(self, value: Value) -> Fraction:
        if not isinstance(value, Fraction):
            raise self.wrong(f"{_said(value)} 不是数字。")
        return value

    def _date(self, value: Value) -> dt.date:
        if not isinstance(value, dt.date):
            raise self.wrong(f"{_said(value)} 不是日期。")
        return value

    def _set(self, value: Value) -> frozenset[str]:
        if not isinstance(value, frozenset):
            raise self.wrong(f"{_said(value)} 不是多值的列，不能用 has_any。")
        return value


def _said(value: Value) -> str:
    if isinstance(value, bool):
        return "真" if value else "假"
    if isinstance(value, frozenset):
        return "“" + "、".join(sorted(value)) + "”"
    return f"“{value}”"
