"""Who fits the conditions for exemption (尽职免责): one person in one role, by the rule table.

The office checks and the bank decides: an outcome is a suggestion for review. Nothing here knows
a rule by name; the table of ``params/exemption.yaml`` says which facts are asked and what follows.
Every decision carries its trail, from which :func:`rederive` gives it again.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from itertools import product

from puhui.errors import RunError
from puhui.params.exemption import DECIDING, Exemption, Rule, RuleTable
from puhui.params.expression import NoData, Value

Column = tuple[str, str]
#: A cell: a value, ``None`` for an empty one, :class:`NoData` where the column was not sent.
Cell = Value | Decimal | int | None
#: How a code says that nobody has determined it yet.
NOT_DETERMINED = "not_determined"
NOT_SENT = NoData()
EXTENT_OPEN = "undetermined"


@dataclass(frozen=True)
class Given:
    """What is known of a person in a case: cells by (qualifier, name), and where each is from."""

    cells: Mapping[Column, Cell]
    sources: Mapping[str, str] = field(default_factory=dict)
    """Qualifier → where its cells come from, in Chinese."""

    def with_cell(self, column: Column, cell: Cell) -> Given:
        """Return the same with one other cell."""
        return Given({**self.cells, column: cell}, self.sources)


@dataclass(frozen=True)
class Tried:
    """A rule tried: whether it holds (``None``: unknown) and which columns would tell."""

    rule: Rule
    held: bool | None
    missing: tuple[str, ...]


@dataclass(frozen=True)
class Decision:
    """What the rules give for one person in one role.

    Attributes
    ----------
    outcome
        eligible, not_eligible, undetermined or out_of_scope.
    rule_id
        The outcome rule that applied.
    extent
        full, partial, ``undetermined`` (see ``extent_missing``), or ``None`` if not eligible.
    routes, bars
        Names of those that hold, in the table's order; none where the rules do not reach.
    missing
        Columns (``person.misconduct``) that would settle an undetermined outcome.
    tried
        Every rule of the table, in order.
    """

    table: RuleTable
    given: Given
    facts: Mapping[str, bool | None]
    tried: tuple[Tried, ...]
    outcome: str
    rule_id: str
    wording: str
    extent: str | None
    routes: tuple[str, ...]
    bars: tuple[str, ...]
    missing: tuple[str, ...]
    extent_missing: tuple[str, ...]


def decide(table: RuleTable, given: Given) -> Decision:
    """Apply a rule table to what is known of one person in one role.

    Raises
    ------
    ExpressionError
        A cell of the wrong type for the rule that asks for it.
    """
    facts = {name: _fact(table, name, given) for name in table.facts}
    role = _asked(given, ("person", "role"))
    tried = {r.id: _tried(r, facts, role) for r in table.rules}
    assert table.scope is not None
    values: dict[str, Value] = {
        "in_scope": _value(tried[table.scope.id]),
        "barred": _any(tried[r.id] for r in table.bars.values()),
        "any_route": _any(tried[r.id] for r in table.routes.values()),
    }
    outcome = table.deciding(*values.values())[0]
    reached = values["in_scope"] is not False
    extent: str | None = None
    open_extent: tuple[str, ...] = ()
    if outcome.outcome == "eligible":
        extent, open_extent = _extent(table, tried)
    return Decision(
        table=table,
        given=given,
        facts={n: v if isinstance(v, bool) else None for n, v in facts.items()},
        tried=tuple(tried.values()),
        outcome=outcome.outcome,
        rule_id=outcome.id,
        wording=outcome.wording,
        extent=extent,
        routes=tuple(n for n, r in table.routes.items() if reached and tried[r.id].held),
        bars=tuple(n for n, r in table.bars.items() if reached and tried[r.id].held),
        missing=_missing(table, values) if outcome.outcome == "undetermined" else (),
        extent_missing=open_extent,
    )


def settles(table: RuleTable, given: Given, column: Column, cells: Iterable[Cell]) -> bool:
    """Whether a column decides: some of these cells give another outcome or extent."""
    decided = [decide(table, given.with_cell(column, cell)) for cell in cells]
    return len({(d.outcome, d.extent) for d in decided}) > 1


def _asked(given: Given, column: Column) -> Value:
    """Return a cell as rules see it: unknown if empty, not sent or not determined."""
    cell = given.cells.get(column)
    if cell is None or isinstance(cell, NoData) or cell == NOT_DETERMINED:
        return NoData((".".join(column),))
    if isinstance(cell, Decimal | int) and not isinstance(cell, bool):
        return Fraction(cell)
    return cell


def _fact(table: RuleTable, name: str, given: Given) -> Value:
    fact = table.facts[name]
    if fact.given:
        (column,) = fact.when.columns
        cell = given.cells.get(column, NOT_SENT)
        unsent = isinstance(cell, NoData)
        return NoData((".".join(column),)) if unsent else cell is not None
    found = fact.when.evaluate(lambda q, n: _asked(given, (q, n)))
    if isinstance(found, NoData) and fact.after:
        before = _fact(table, fact.after, given)
        return before if isinstance(before, NoData) else found
    return found


def _tried(rule: Rule, facts: Mapping[str, Value], role: Value) -> Tried:
    found: Value = rule.when.evaluate(lambda _, name: facts[name])
    if rule.roles and found is not False:
        if isinstance(role, NoData):
            found = NoData.merge([role, found])
        elif role not in rule.roles:
            found = False
    if isinstance(found, NoData):
        return Tried(rule, None, found.reasons)
    return Tried(rule, found is True, ())


def _value(tried: Tried) -> Value:
    return NoData(tried.missing) if tried.held is None else tried.held


def _any(tried: Iterable[Tried]) -> Value:
    """Three-valued or."""
    values = [_value(t) for t in tried]
    if any(v is True for v in values):
        return True
    return NoData.merge(values) if any(isinstance(v, NoData) for v in values) else False


def _missing(table: RuleTable, values: Mapping[str, Value]) -> tuple[str, ...]:
    """Columns behind those unknown values that could change the outcome."""
    matters = [n for n, v in values.items() if isinstance(v, NoData) and _matters(table, values, n)]
    return NoData.merge([values[n] for n in matters]).reasons


def _matters(table: RuleTable, values: Mapping[str, Value], name: str) -> bool:
    """Whether, the other unknown ones settled in some way, this one decides."""
    others = [n for n in DECIDING if n != name and isinstance(values[n], NoData)]
    for settled in product((True, False), repeat=len(others)):
        rest = {**values, **dict(zip(others, settled, strict=True))}
        outcomes = {
            table.deciding(*(truth if n == name else rest[n] for n in DECIDING))[0].outcome
            for truth in (True, False)
        }
        if len(outcomes) > 1:
            return True
    return False


def _extent(table: RuleTable, tried: Mapping[str, Tried]) -> tuple[str, tuple[str, ...]]:
    """The first extent that holds, unless one before it may."""
    for name, rule in table.extent.items():
        one = tried[rule.id]
        if one.held is None:
            return EXTENT_OPEN, one.missing
        if one.held:
            return name, ()
    raise RunError(f"规则表“{table.id}”没有说明免责范围。")


def trail(decision: Decision, quarter: str, params: str, **more: object) -> str:
    """Write a decision's trail as JSON: rules tried, facts, cells with sources, versions.

    Parameters
    ----------
    quarter
        The run's quarter.
    params
        Fingerprint of the parameters.
    more
        What else the reader should see beside it (tolerance at the dates, say).
    """
    table, given = decision.table, decision.given
    asked = (*table.columns, ("person", "role"), ("person", "liability"))
    document = {
        "quarter": quarter,
        "table": table.id,
        "label": table.label,
        "params": params,
        "cells": [
            [".".join(c), *_written(given.cells.get(c, NOT_SENT)), given.sources.get(c[0], "")]
            for c in dict.fromkeys(asked)
        ],
        "facts": [[n, table.facts[n].label, held] for n, held in decision.facts.items()],
        "rules": [
            {
                "id": t.rule.id,
                "name": t.rule.name,
                "label": t.rule.label,
                "rests_on": t.rule.rests_on,
                "certainty": t.rule.certainty,
                "wording": t.rule.wording,
                "facts": [n for n in table.facts if ("", n) in t.rule.when.columns],
                "held": t.held,
                "missing": list(t.missing),
            }
            for t in decision.tried
        ],
        "outcome": decision.outcome,
        "rule": decision.rule_id,
        "wording": decision.wording,
        "extent": decision.extent,
        "extent_missing": list(decision.extent_missing),
        "missing": list(decision.missing),
        **more,
    }
    return json.dumps(document, ensure_ascii=False)


def rederive(exemption: Exemption, written: str) -> Decision:
    """Decide again from a trail's cells alone, by the table the trail names."""
    document = json.loads(written)
    cells = {
        tuple(name.split(".", 1)): _read(kind, value) for name, kind, value, _ in document["cells"]
    }
    return decide(exemption.named(document["table"]), Given(cells))


def _written(cell: Cell) -> tuple[str, str | None]:
    if isinstance(cell, NoData):
        return "not_sent", None
    if cell is None:
        return "empty", None
    if isinstance(cell, bool):
        return "bool", "true" if cell else "false"
    if isinstance(cell, dt.date):
        return "date", cell.isoformat()
    if isinstance(cell, str):
        return "text", cell
    return "number", str(cell)


def _read(kind: str, value: str) -> Cell:
    if kind == "bool":
        return value == "true"
    if kind == "date":
        return dt.date.fromisoformat(value)
    if kind == "number":
        return Fraction(value)
    if kind == "text":
        return value
    return NOT_SENT if kind == "not_sent" else None
