"""One small expression language with two evaluators: the engine, and exact fractions.

A SQL expression subset serves derived columns, measures, checks, formulas and rules.
It is three-valued: *unknown* is null in the engine and :class:`NoData` in Python.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from puhui.params import evaluate as _evaluate
from puhui.params import grammar, render
from puhui.params.evaluate import NoData, Value
from puhui.params.render import literal_sql

__all__ = ["Expression", "NoData", "Value", "literal_sql"]


@dataclass(frozen=True)
class Expression:
    """A parsed expression; make one with :meth:`parse`.

    Parameters
    ----------
    text
        As written in ``params/``.
    where
        File and line, for messages.
    formula
        Whether ``/`` is allowed (indicator formulas; such run in Python only).
    """

    text: str
    where: str
    formula: bool
    _tree: grammar.Node = field(repr=False, compare=False)

    @classmethod
    def parse(cls, text: str, *, where: str = "", formula: bool = False) -> Expression:
        """Read an expression.

        Raises
        ------
        ExpressionError
            Not an expression, or outside the language; names what is not allowed.

        Examples
        --------
        >>> sorted(Expression.parse("amount > 0 and customer.size in ('small')").columns)
        [('', 'amount'), ('customer', 'size')]
        """
        return cls(text, where, formula, grammar.parse(text, where=where, formula=formula))

    @property
    def columns(self) -> frozenset[tuple[str, str]]:
        """Names used, as (qualifier or "", name)."""
        return frozenset(
            (node.qualifier, node.name)
            for node in grammar.walk(self._tree)
            if isinstance(node, grammar.Name)
        )

    @property
    def asked_null(self) -> frozenset[tuple[str, str]]:
        """Names asked whether they are null, as (qualifier or "", name)."""
        return frozenset(
            (name.qualifier, name.name)
            for node in grammar.walk(self._tree)
            if isinstance(node, grammar.Call) and node.op == "is_null"
            for name in node.args
            if isinstance(name, grammar.Name)
        )

    def sql(self, resolve: Callable[[str, str], str], *, dialect: str = "duckdb") -> str:
        """Write engine SQL; ``resolve(qualifier, name)`` gives the fragment for a name.

        Raises
        ------
        ExpressionError
            A division, more than two factors, or two factors with over two decimals.

        Examples
        --------
        >>> Expression.parse("amount * rate_at_drawdown").sql(lambda q, n: n)
        '(CAST(amount AS DECIMAL(28,2)) * rate_at_drawdown)'
        """
        return render.SqlWriter(resolve, dialect, self.text, self.where).write(self._tree)

    def evaluate(self, lookup: Callable[[str, str], Value]) -> Value:
        """Evaluate exactly; ``lookup(qualifier, name)`` gives a name's value.

        Decimal and int values are taken as fractions and None as no data.

        Raises
        ------
        ExpressionError
            Values of the wrong type, e.g. text compared with a number, or a float.

        Examples
        --------
        >>> from fractions import Fraction
        >>> Expression.parse("a / b", formula=True).evaluate(lambda q, n: Fraction(n == "a"))
        NoData(reasons=('分母为零',))
        """
        return _evaluate.evaluate(self._tree, lookup, context=self.text, where=self.where)

    def substitute(self, named: Mapping[str, Expression]) -> Expression:
        """Put expressions in place of the unqualified names they are known by.

        Examples
        --------
        >>> rural = Expression.parse("facts.kind = 'village'")
        >>> sorted(Expression.parse("not R").substitute({"R": rural}).columns)
        [('facts', 'kind')]
        """
        trees = {name: expression._tree for name, expression in named.items()}
        tree = grammar.substitute(self._tree, trees)
        return Expression(self.text, self.where, self.formula, tree)

    def words(self, label: Callable[[str, str], str]) -> str:
        """Write the expression in Chinese; ``label(qualifier, name)`` names a column.

        Examples
        --------
        >>> Expression.parse("100 * (a / b - 1)", formula=True).words(lambda q, n: n)
        '100 × （a ÷ b － 1）'
        """
        return render.words(self._tree, label)
