"""Clauses and indicators: what the notice asks, and the formulas that answer it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Literal

from puhui import schema
from puhui.errors import ParamsError
from puhui.params.expression import Expression
from puhui.params.policy import Policy, PolicyOn
from puhui.params.reading import Strict, build, expression, mapping, nearest, required
from puhui.params.rows import Measure
from puhui.params.yaml import YamlMap

BASES = ("year_start", "year_ago", "last_full_year", "last_quarter")
TESTS = {">=": "不低于", "<=": "不高于", "up": "较基期不下降", "down": "较基期不上升"}

#: Facts of an institution beside the columns of the register.
FACTS = {
    **{c.name: c.label for c in schema.columns("institutions")},
    "has_plan": "上级是否下达任务",
}


class Wording(Strict):
    """A clause in our own words."""

    zh: str
    en: str


class Clause(Strict):
    """A requirement of the notice; ``section`` is that of the notice, ``who`` a group."""

    id: str
    section: int
    force: Literal["ban", "must", "strive", "encourage"]
    scope: Literal["incl", "assessed", "mse", "ent", "agri", "all", "none"]
    who: Expression
    wording: Wording


@dataclass(frozen=True)
class Part:
    """A figure shown beside an indicator's value; ``branch`` if it differs at branches."""

    label: str
    unit: str
    formula: Expression
    branch: Expression | None = None

    def formula_for(self, is_branch: bool) -> Expression:
        """Return the formula of an institution or of a branch."""
        return self.branch if is_branch and self.branch is not None else self.formula


@dataclass(frozen=True)
class Indicator:
    """A formula with its test.

    Attributes
    ----------
    branch
        Formula at branches; ``None`` if the indicator is not computed there.
    threshold
        Decimal text in the unit of the value, or the name of a policy setting.
    judged_when
        Condition on facts under which the test is a verdict; else the value is shown.
    not_applicable_when
        Formula over measures: nothing there to judge.
    small_when
        Condition over measures under which the unit is marked small.
    """

    id: str
    clause: str
    label: str
    unit: str
    tier: str
    formula: Expression
    branch: Expression | None
    base: str | None
    test: str | None
    threshold: str | None
    who: Expression
    judged_when: Expression | None
    why_not_judged: str
    not_applicable_when: Expression | None
    small_when: Expression | None
    not_applicable_why: str
    parts: Mapping[str, Part]
    where: str

    @property
    def at_branches(self) -> bool:
        """Whether branches get the indicator too."""
        return self.branch is not None

    def formula_for(self, is_branch: bool) -> Expression:
        """Return the formula of an institution or of a branch.

        Raises
        ------
        ParamsError
            For a branch, if the indicator is not computed there.
        """
        if not is_branch:
            return self.formula
        if self.branch is None:
            raise ParamsError(f"指标 {self.id} 不按网点计算。", where=self.where)
        return self.branch

    def threshold_value(self, policy: PolicyOn) -> Decimal | None:
        """Threshold in force, in the unit of the value; ``None`` without one."""
        if self.threshold is None:
            return None
        if self.threshold in policy:
            value = policy[self.threshold]
            assert isinstance(value, Decimal | int)
            return Decimal(value)
        return Decimal(self.threshold)

    def test_words(self, policy: PolicyOn) -> str:
        """Write the test in Chinese, e.g. ``不高于 3.00 百分点``; empty if only shown."""
        if self.test is None:
            return ""
        threshold = self.threshold_value(policy)
        return TESTS[self.test] + ("" if threshold is None else f" {threshold} {self.unit}")


class _RawPart(Strict):
    label: str
    unit: str
    formula: str
    branch: str | None = None


class _RawIndicator(Strict):
    clause: str
    label: str
    unit: str
    tier: Literal["T0", "T1", "T2", "T3"]
    formula: str
    branch: str = "no"
    levels: tuple[Literal["institution", "branch"], ...] = ("institution",)
    base: Literal["year_start", "year_ago", "last_full_year", "last_quarter"] | None = None
    test: Literal[">=", "<=", "up", "down"] | None = None
    threshold: str | None = None
    who: str
    judged_when: str | None = None
    why_not_judged: str = ""
    not_applicable_when: str | None = None
    small_when: str | None = None
    not_applicable_why: str = ""
    parts: object = None


class _RawClause(Strict):
    section: int
    force: Literal["ban", "must", "strive", "encourage"]
    scope: Literal["incl", "assessed", "mse", "ent", "agri", "all", "none"]
    who: str
    wording: Wording


def load_groups(raw: YamlMap) -> dict[str, Expression]:
    """Read ``groups.yaml``: named sets of institutions, as conditions on ``facts.*``.

    A group may name groups above it.
    """
    groups: dict[str, Expression] = {}
    for name in raw:
        groups[name] = on_facts(raw, name, groups)
    return groups


def on_facts(raw: YamlMap, key: str, groups: Mapping[str, Expression]) -> Expression:
    """Parse a condition on ``facts.*`` in which group names stand for their conditions.

    Raises
    ------
    ParamsError
        A name that is neither a group nor a fact.
    """
    found = required(raw, key)
    for qualifier, name in sorted(found.columns):
        known = groups if qualifier == "" else FACTS
        if qualifier not in ("", "facts") or name not in known:
            full = f"{qualifier}.{name}" if qualifier else name
            raise ParamsError(
                f"“{full}”不是机构类别，也不是机构事实。",
                where=raw.where(key),
                remedy=nearest(name, known),
            )
    return found.substitute(groups)


def load_clauses(raw: YamlMap, groups: Mapping[str, Expression]) -> dict[str, Clause]:
    """Read ``clauses.yaml``."""
    clauses: dict[str, Clause] = {}
    for name, value in raw.items():
        entry = mapping(value, where=raw.where(name))
        build(_RawClause, entry)
        clauses[name] = build(Clause, entry, id=name, who=on_facts(entry, "who", groups))
    return clauses


@dataclass(frozen=True)
class Names:
    """What formulas may name."""

    measures: Mapping[str, Measure]
    clauses: Mapping[str, Clause]
    groups: Mapping[str, Expression]
    policy: Policy


def load_indicators(raw: YamlMap, names: Names) -> dict[str, Indicator]:
    """Read ``indicators.yaml``.

    Raises
    ------
    ParamsError
        Unknown measure, setting, fact, clause or base; a test without the threshold or
        base it needs; levels that do not go with ``branch``.
    """
    return {
        name: _indicator(name, mapping(value, where=raw.where(name)), names)
        for name, value in raw.items()
    }


def _indicator(name: str, raw: YamlMap, names: Names) -> Indicator:
    model = build(_RawIndicator, raw)
    if model.clause not in names.clauses:
        raise ParamsError(
            f"没有条款“{model.clause}”。",
            where=raw.where("clause"),
            remedy=nearest(model.clause, names.clauses),
        )
    formula = _formula(raw, "formula", names)
    nothing = expression(raw, "not_applicable_when", formula=True)
    small = expression(raw, "small_when", formula=True)
    if small is not None:
        _check(small, names)
    if nothing is not None:
        _check(nothing, names)
    judged = on_facts(raw, "judged_when", names.groups) if "judged_when" in raw else None
    _check_test(model, raw, names.policy)
    return Indicator(
        id=name,
        clause=model.clause,
        label=model.label,
        unit=model.unit,
        tier=model.tier,
        formula=formula,
        branch=_branch(model, raw, formula, names),
        base=model.base,
        test=model.test,
        threshold=model.threshold,
        who=on_facts(raw, "who", names.groups),
        judged_when=judged,
        why_not_judged=model.why_not_judged,
        not_applicable_when=nothing,
        small_when=small,
        not_applicable_why=model.not_applicable_why,
        parts=_parts(raw, names),
        where=raw.where(),
    )


def _formula(raw: YamlMap, key: str, names: Names) -> Expression:
    found = required(raw, key, formula=True)
    _check(found, names)
    return found


def _branch(
    model: _RawIndicator, raw: YamlMap, formula: Expression, names: Names
) -> Expression | None:
    if ("branch" in model.levels) is (model.branch == "no"):
        raise ParamsError("levels 与 branch 不一致。", where=raw.where("levels"))
    if model.branch == "no":
        return None
    return formula if model.branch == "formula" else _formula(raw, "branch", names)


def _parts(raw: YamlMap, names: Names) -> dict[str, Part]:
    if "parts" not in raw:
        return {}
    parts = mapping(raw["parts"], where=raw.where("parts"))
    found: dict[str, Part] = {}
    for name, value in parts.items():
        entry = mapping(value, where=parts.where(name))
        model = build(_RawPart, entry)
        branch = _formula(entry, "branch", names) if "branch" in entry else None
        formula = _formula(entry, "formula", names)
        found[name] = Part(model.label, model.unit, formula, branch)
    return found


def _check(formula: Expression, names: Names) -> None:
    for qualifier, name in sorted(formula.columns):
        if qualifier in ("", "institution", *BASES):
            known: Mapping[str, object] = names.measures
        elif qualifier == "policy":
            known = names.policy.settings
        elif qualifier == "facts":
            known = FACTS
        else:
            raise ParamsError(
                f"不认识的前缀“{qualifier}”。",
                where=formula.where,
                remedy=f"公式可用：{'、'.join(BASES)}、institution、policy、facts。",
            )
        if name not in known:
            full = f"{qualifier}.{name}" if qualifier else name
            raise ParamsError(
                f"公式里的“{full}”不存在。", where=formula.where, remedy=nearest(name, known)
            )


def _check_test(model: _RawIndicator, raw: YamlMap, policy: Policy) -> None:
    if model.test in ("up", "down") and model.base is None:
        raise ParamsError("up、down 的检验要写 base。", where=raw.where("test"))
    if (model.test in (">=", "<=")) is not (model.threshold is not None):
        raise ParamsError(">=、<= 的检验要写 threshold，其他的不写。", where=raw.where("threshold"))
    if model.threshold is None:
        return
    history = policy.settings.get(model.threshold)
    if history is not None:
        numbers = all(isinstance(v.value, Decimal | int) for v in history.values)
        if not numbers or any(isinstance(v.value, bool) for v in history.values):
            raise ParamsError(f"政策项“{model.threshold}”不是数字。", where=raw.where("threshold"))
        return
    try:
        Decimal(model.threshold)
    except InvalidOperation:
        raise ParamsError(
            f"“{model.threshold}”既不是数字，也不是政策项。",
            where=raw.where("threshold"),
            remedy=nearest(model.threshold, policy.settings),
        ) from None
