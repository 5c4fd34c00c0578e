"""Predicates: what the conditions of measures have in common, each to be evaluated once.

A condition is split at its ANDs, derived columns opened up. Parts that belong to the same
conditions and ask the same side (the loan alone, the customer alone, or both) are one predicate.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal

from puhui.derive import RowContext
from puhui.params import grammar
from puhui.params.expression import Expression
from puhui.params.render import SqlWriter

Side = Literal["loan", "customer", "both"]


@dataclass(frozen=True)
class Predicate:
    """A part of conditions that is evaluated once a row (or once a customer)."""

    sql: str
    bits: int
    """Conditions it is part of."""
    never_null: bool
    side: Side
    columns: frozenset[tuple[str, str]]
    """(qualifier, column) it asks for, derived columns opened up."""


class Conditions:
    """Conditions and the predicates they are made of, as they are met."""

    def __init__(self, context: RowContext) -> None:
        self._context = context
        self._bits: dict[str, int] = {}
        self._trees: dict[str, grammar.Node] = {}
        self._conditions: dict[tuple[str, ...], int] = {}

    def sql(self) -> list[str]:
        """SQL of each condition."""
        return [" AND ".join(parts) for parts in self._conditions]

    def number(self, where: Expression) -> int:
        """Return the number of a condition, taking its predicates in."""
        writer = SqlWriter(self._context.resolve, self._context.dialect, where.text, where.where)
        parts = {writer.write(part): part for part in self._conjuncts(_tree(where.text))}
        number = self._conditions.setdefault(tuple(sorted(parts)), len(self._conditions))
        for sql, part in parts.items():
            self._trees[sql] = part
            self._bits[sql] = self._bits.get(sql, 0) | 1 << number
        return number

    def predicates(self) -> Iterator[Predicate]:
        """Yield predicates; those of the same conditions and the same side are one."""
        together: dict[tuple[int, Side], list[str]] = {}
        for sql, bits in self._bits.items():
            together.setdefault((bits, _side(self._names(self._trees[sql]))), []).append(sql)
        for (bits, side), parts in together.items():
            trees = [self._trees[sql] for sql in parts]
            columns = frozenset(name for tree in trees for name in self._names(tree))
            known = all(map(_never_null, trees))
            yield Predicate(" AND ".join(parts), bits, known, side, columns)

    def _conjuncts(self, node: grammar.Node) -> Iterator[grammar.Node]:
        """Split a condition at its ANDs, those of derived columns too."""
        derived = self._derived(node)
        if derived is not None:
            yield from self._conjuncts(derived)
        elif isinstance(node, grammar.Call) and node.op == "and":
            for part in node.args:
                yield from self._conjuncts(part)
        else:
            yield node

    def _derived(self, node: grammar.Node) -> grammar.Node | None:
        """Tree of the derived column that a name stands for, if it does."""
        if not isinstance(node, grammar.Name) or node.qualifier:
            return None
        found = self._context.params.derived.get(node.name)
        return None if found is None else _tree(found.expression.text)

    def _names(self, node: grammar.Node) -> Iterator[tuple[str, str]]:
        """Names a tree rests on, derived columns opened up."""
        for part in grammar.walk(node):
            derived = self._derived(part)
            if derived is not None:
                yield from self._names(derived)
            elif isinstance(part, grammar.Name):
                yield part.qualifier, part.name


def _side(names: Iterable[tuple[str, str]]) -> Side:
    """Which side a part asks; the register's entry is known with the loan and the customer."""
    asked = {q for q, _ in names} - {"policy", "period"}
    if asked <= {""}:
        return "loan"
    return "customer" if asked == {"customer"} else "both"


@cache
def _tree(text: str) -> grammar.Node:
    return grammar.parse(text, where="", formula=False)


def _never_null(node: grammar.Node) -> bool:
    """Whether a predicate is known to be true or false, whatever is empty."""
    if not isinstance(node, grammar.Call):
        return False
    if node.op in ("not", "and", "or"):
        return all(map(_never_null, node.args))
    return node.op == "is_null"
