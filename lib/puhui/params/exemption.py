"""Rule tables on exemption (尽职免责): ``exemption.yaml`` as frozen, checked objects.

A table has two layers. Facts and the scope, bars and routes over them are three-valued; the
outcomes are an ordered list over ``in_scope``, ``barred`` and ``any_route``. Which combinations
exist is known when the file is read, so a table that is silent on one is refused.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise, product
from typing import Literal

from pydantic import Field

from puhui import schema
from puhui.errors import ParamsError
from puhui.params.expression import Expression, NoData, Value
from puhui.params.policy import Policy
from puhui.params.reading import Strict, build, items, mapping, nearest, required
from puhui.params.yaml import YamlMap

OUTCOMES = {
    "eligible": "符合条件，建议提交评议",
    "not_eligible": "就这些理由而言不符合条件",
    "undetermined": "事实不全，暂不能判断",
    "out_of_scope": "不在适用范围",
}
#: What the rules ask of the unit, worked out by the office and not the bank's to say.
UNIT = {
    "within_tolerance": "首次列为不良的季末在不良容忍度以内",
    "is_branch_head": "该网点负责人（名录）",
}
#: What outcomes are decided by.
DECIDING = ("in_scope", "barred", "any_route")
_TABLES = {"case": "cases", "person": "case_persons"}
_Certainty = Literal["stated", "found", "high", "medium", "low", "ours"]


class _RawFact(Strict):
    label: str = Field(min_length=1)
    when: str = ""
    given: str = ""
    after: str = ""


class _RawRule(Strict):
    id: str = Field(pattern=r"[A-Z]\d+")
    label: str = Field(min_length=1)
    rests_on: str = Field(min_length=1)
    certainty: _Certainty
    when: str
    wording: str = Field(min_length=1)
    roles: tuple[str, ...] = ()


class _RawOutcome(Strict):
    id: str = Field(pattern=r"[A-Z]\d+")
    outcome: Literal["eligible", "not_eligible", "undetermined", "out_of_scope"]
    when: str
    wording: str = Field(min_length=1)


class _RawTable(Strict):
    label: str = Field(min_length=1)
    since: dt.date = Field(alias="from")
    not_entered: str = ""
    facts: object = None
    scope: object = None
    bars: object = None
    routes: object = None
    extent: object = None
    outcomes: object = None


@dataclass(frozen=True)
class Fact:
    """Something true, false or unknown of a person in a case.

    ``given``: true where the cell it names is filled. ``after``: the fact that must be known
    before this one is asked for (empty: none).
    """

    name: str
    label: str
    when: Expression
    given: bool
    after: str


@dataclass(frozen=True)
class Rule:
    """A rule over facts; ``roles`` empty: for every role."""

    name: str
    id: str
    label: str
    rests_on: str
    certainty: str
    when: Expression
    wording: str
    roles: tuple[str, ...] = ()


@dataclass(frozen=True)
class OutcomeRule:
    """An outcome, and when it is the one."""

    id: str
    outcome: str
    when: Expression
    wording: str


@dataclass(frozen=True)
class RuleTable:
    """The rules in force from a day on.

    ``not_entered`` is the sentence of a table whose wording is not known (empty: entered).
    """

    id: str
    label: str
    since: dt.date
    not_entered: str
    facts: Mapping[str, Fact]
    scope: Rule | None
    bars: Mapping[str, Rule]
    routes: Mapping[str, Rule]
    extent: Mapping[str, Rule]
    outcomes: tuple[OutcomeRule, ...]

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Every rule but the outcomes: scope, bars, routes, extent."""
        scope = () if self.scope is None else (self.scope,)
        return (*scope, *self.bars.values(), *self.routes.values(), *self.extent.values())

    @property
    def columns(self) -> tuple[tuple[str, str], ...]:
        """What the facts ask of case, person, unit and policy, as (qualifier, name), in order."""
        found = (column for fact in self.facts.values() for column in sorted(fact.when.columns))
        return tuple(dict.fromkeys(found))

    @property
    def given(self) -> frozenset[tuple[str, str]]:
        """Columns only asked whether they are filled."""
        return frozenset(c for f in self.facts.values() if f.given for c in f.when.columns)

    def deciding(self, in_scope: Value, barred: Value, any_route: Value) -> list[OutcomeRule]:
        """Outcome rules that are true of the three values, in order."""
        values = dict(zip(DECIDING, (in_scope, barred, any_route), strict=True))
        return [o for o in self.outcomes if o.when.evaluate(lambda _, n: values[n]) is True]


@dataclass(frozen=True)
class Exemption:
    """All rule tables, oldest first."""

    tables: tuple[RuleTable, ...] = ()

    def on(self, day: dt.date) -> RuleTable | str:
        """Return the table in force on a day; a Chinese sentence where there is none to apply."""
        in_force = [t for t in self.tables if t.since <= day]
        if not in_force:
            return f"{day} 没有适用的尽职免责规则。"
        return in_force[-1].not_entered or in_force[-1]

    def named(self, table_id: str) -> RuleTable:
        """Return the table of that id; raises :class:`ParamsError` if there is none."""
        for table in self.tables:
            if table.id == table_id:
                return table
        raise ParamsError(f"没有尽职免责规则表“{table_id}”。", where="exemption.yaml")


def load_exemption(raw: YamlMap, policy: Policy) -> Exemption:
    """Read ``exemption.yaml``: rule tables by id, oldest first.

    Raises
    ------
    ParamsError
        Wrong key or text, a column, setting or fact that does not exist, a fact no rule uses,
        an id twice, a combination without an outcome or with several, or dates out of order;
        with file and line.
    """
    tables = [_table(k, mapping(v, where=raw.where(k)), policy) for k, v in raw.items()]
    for before, table in pairwise(tables):
        if table.since <= before.since:
            raise ParamsError(
                f"规则表“{table.id}”的起始日期不晚于前一张（{before.since}）。",
                where=mapping(raw[table.id], where="").where("from"),
                remedy="请按起始日期由早到晚排列。",
            )
    return Exemption(tuple(tables))


def _table(name: str, raw: YamlMap, policy: Policy) -> RuleTable:
    model = build(_RawTable, raw)
    if model.not_entered:
        return RuleTable(
            name, model.label, model.since, model.not_entered, {}, None, {}, {}, {}, ()
        )
    parts = {}
    for part in ("facts", "scope", "bars", "routes", "extent"):
        if part not in raw:
            raise ParamsError(f"缺少键“{part}”。", where=raw.where())
        parts[part] = mapping(raw[part], where=raw.where(part))
    facts = {k: _fact(k, v, parts["facts"], policy) for k, v in parts["facts"].items()}
    for key, fact in facts.items():
        if fact.after and fact.after not in facts:
            where = mapping(parts["facts"][key], where="").where("after")
            raise ParamsError(f"没有事实“{fact.after}”。", where=where)
    scope = _rule("scope", parts["scope"], facts)
    bars, routes, extent = (_rules(parts[part], facts) for part in ("bars", "routes", "extent"))
    outcomes = tuple(_outcome(o) for o in items(raw.get("outcomes"), where=raw.where("outcomes")))
    table = RuleTable(
        name, model.label, model.since, "", facts, scope, bars, routes, extent, outcomes
    )
    _once([*(r.id for r in table.rules), *(o.id for o in outcomes)], raw.where())
    used = {n for r in table.rules for _, n in r.when.columns} | {f.after for f in facts.values()}
    for key in facts:
        if key not in used:
            raise ParamsError(f"事实“{key}”没有任何规则使用。", where=parts["facts"].where(key))
    _total(table, raw.where("outcomes"))
    return table


def _fact(name: str, value: object, within: YamlMap, policy: Policy) -> Fact:
    raw = mapping(value, where=within.where(name))
    model = build(_RawFact, raw)
    if bool(model.when) == bool(model.given):
        raise ParamsError("“when”与“given”写且只写一个。", where=raw.where())
    key = "when" if model.when else "given"
    expression = required(raw, key)
    for qualifier, column in sorted(expression.columns):
        known = _names(qualifier, policy)
        if column not in known:
            said = f"{qualifier}.{column}" if qualifier else column
            raise ParamsError(
                f"事实里的“{said}”不存在。", where=raw.where(key), remedy=nearest(column, known)
            )
    plain = [".".join(c) for c in expression.columns] == [expression.text.strip()]
    if key == "given" and not plain:
        raise ParamsError("“given”只写一列。", where=raw.where(key))
    return Fact(name, model.label, expression, bool(model.given), model.after)


def _names(qualifier: str, policy: Policy) -> list[str]:
    if qualifier in _TABLES:
        return [c.name for c in schema.columns(_TABLES[qualifier])]
    return {"policy": list(policy.settings), "unit": list(UNIT)}.get(qualifier, [])


def _rules(raw: YamlMap, facts: Mapping[str, Fact]) -> dict[str, Rule]:
    return {k: _rule(k, mapping(v, where=raw.where(k)), facts) for k, v in raw.items()}


def _rule(name: str, raw: YamlMap, facts: Mapping[str, Fact]) -> Rule:
    model = build(_RawRule, raw)
    when = _over(raw, facts)
    for role in model.roles:
        if role not in schema.CODES["case_role"]:
            remedy = nearest(role, schema.CODES["case_role"])
            raise ParamsError(f"没有角色“{role}”。", where=raw.where("roles"), remedy=remedy)
    return Rule(
        name, model.id, model.label, model.rests_on, model.certainty, when, model.wording,
        model.roles,
    )  # fmt: skip


def _outcome(raw: YamlMap) -> OutcomeRule:
    model = build(_RawOutcome, raw)
    return OutcomeRule(model.id, model.outcome, _over(raw, DECIDING), model.wording)


def _over(raw: YamlMap, known: Iterable[str]) -> Expression:
    """Read a condition over names that must be known."""
    when, names = required(raw, "when"), list(known)
    for qualifier, name in sorted(when.columns):
        if qualifier or name not in names:
            said = f"{qualifier}.{name}" if qualifier else name
            raise ParamsError(
                f"条件里的“{said}”不存在。", where=raw.where("when"), remedy=nearest(name, names)
            )
    return when


def _once(ids: list[str], where: str) -> None:
    for one in ids:
        if ids.count(one) > 1:
            raise ParamsError(f"规则编号“{one}”重复。", where=where)


def _total(table: RuleTable, where: str) -> None:
    """Refuse outcomes that do not give exactly one for every combination, or are never reached."""
    words = {True: "是", False: "否"}
    reached: set[str] = set()
    values: tuple[Value, ...] = (True, False, NoData())
    for three in product(values, repeat=3):
        found = table.deciding(*three)
        reached |= {o.id for o in found}
        if len(found) != 1:
            case = "，".join(
                f"{n}={words.get(v, '未知') if isinstance(v, bool) else '未知'}"
                for n, v in zip(DECIDING, three, strict=True)
            )
            said = "、".join(o.id for o in found)
            raise ParamsError(
                f"{case} 时" + (f"有几个结论（{said}）。" if found else "没有结论。"), where=where
            )
    for outcome in table.outcomes:
        if outcome.id not in reached:
            raise ParamsError(f"结论 {outcome.id} 从不成立。", where=where)
