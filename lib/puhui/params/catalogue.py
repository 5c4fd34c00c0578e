"""Clauses and indicators: what the notice asks, and the formulas that answer it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Literal

from puhui import schema
from puhui.errors import ParamsError
from puhui.params.expression import Expression, NoData, Value
from puhui.params.policy import Policy, PolicyOn
from puhui.params.reading import Strict, build, expression, mapping, nearest, required
from puhui.params.rows import Measure
from puhui.params.yaml import YamlMap
from puhui.quarter import Quarter

BASES = ("year_start", "year_ago", "last_full_year", "last_quarter")
TESTS = {
    ">=": "不低于",
    "<=": "不高于",
    ">": "高于",
    "<": "低于",
    "up": "较基期不下降",
    "down": "较基期不上升",
    "list": "无待核实线索",
}
#: Tests against a threshold.
RULES = (">=", "<=", ">", "<")
#: What formulas may ask of the quarter.
PERIOD = {"quarter_number": "季度序号"}

#: Facts of an institution beside the columns of the register.
FACTS = {
    **{c.name: c.label for c in schema.columns("institutions")},
    "has_plan": "上级是否下达任务",
    "is_internal_branch": "是否内部网点",
}


class Wording(Strict):
    """A clause in our own words."""

    zh: str
    en: str


class Clause(Strict):
    """A requirement of the notice; ``section`` is that of the notice, ``who`` a group."""

    id: str
    section: int
    force: Literal["ban", "must", "strive", "encourage", "none"]
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
    source: str = ""
    """The one source it is worked from (``ledger``); empty: that of the indicator."""

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
        Decimal text in the unit of the value, the name of a policy setting, or a formula over
        ``policy.*`` and ``period.quarter_number``.
    answers
        Items of the answer sheet, without the clause's id, that must be answered yes with a
        document; with ``any_answer`` one of them suffices.
    only_flags
        The threshold is ours: beyond it the value is marked near the limit, never not met.
    strive_when
        Condition on the quarter under which the verdict is on track or behind whatever the
        clause's force (a plan before the year is over).
    total_of
        The indicator is the county's, over the institutions for which this holds.
    pending
        Why the suite cannot answer yet; there is no formula then.
    may_have_none
        An institution may answer, under ``<clause>.all``, that there is nothing there to do.
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
    formula: Expression | None
    branch: Expression | None
    base: str | None
    test: str | None
    threshold: str | None
    threshold_formula: Expression | None
    answers: tuple[str, ...]
    any_answer: bool
    only_flags: bool
    strive_when: Expression | None
    who: Expression
    total_of: Expression | None
    pending: str
    may_have_none: bool
    judged_when: Expression | None
    why_not_judged: str
    not_applicable_when: Expression | None
    small_when: Expression | None
    not_applicable_why: str
    parts: Mapping[str, Part]
    where: str

    @property
    def kind(self) -> str:
        """Kind of test: ``rule``, ``trend``, ``list``, ``att`` or ``shown``."""
        if self.test in RULES:
            return "rule"
        if self.test in ("up", "down"):
            return "trend"
        if self.test == "list":
            return "list"
        return "att" if self.answers else "shown"

    @property
    def items(self) -> tuple[str, ...]:
        """Items of the answer sheet, with the clause's id."""
        return tuple(f"{self.clause}.{name}" for name in self.answers)

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
        if is_branch and self.branch is None:
            raise ParamsError(f"指标 {self.id} 不按网点计算。", where=self.where)
        found = self.branch if is_branch else self.formula
        if found is None:
            raise ParamsError(f"指标 {self.id} 没有公式。", where=self.where)
        return found

    def threshold_value(self, policy: PolicyOn, quarter: Quarter) -> Decimal | None:
        """Threshold in force, in the unit of the value; ``None`` without one at that date."""
        if self.threshold is None:
            return None
        if self.threshold_formula is not None:
            return self._worked_out(self.threshold_formula, policy, quarter)
        if self.threshold not in policy:
            return Decimal(self.threshold)
        value = policy[self.threshold]
        return Decimal(value) if isinstance(value, Decimal | int) else None

    def _worked_out(
        self, formula: Expression, policy: PolicyOn, quarter: Quarter
    ) -> Decimal | None:
        def lookup(qualifier: str, name: str) -> Value:
            value = quarter.number if qualifier == "period" else policy[name]
            return Fraction(value) if isinstance(value, Decimal | int) else NoData()

        value = formula.evaluate(lookup)
        if not isinstance(value, Fraction):
            return None
        return Decimal(value.numerator) / Decimal(value.denominator)

    def formula_words(self, label: Callable[[str, str], str]) -> str:
        """Write in Chinese what is worked out or asked; ``label`` names measures and settings."""
        if self.formula is not None:
            return self.formula.words(label)
        if self.answers:
            joint = "、".join(self.items)
            return f"答卷 {joint} {'任一' if self.any_answer else '全部'}为“是”"
        return self.pending

    def test_words(self, policy: PolicyOn, quarter: Quarter) -> str:
        """Write the test in Chinese, e.g. ``不高于 3.00 百分点``; empty if only shown."""
        if self.test is None:
            return "应答“是”并有文号" if self.answers else ""
        threshold = self.threshold_value(policy, quarter)
        said = TESTS[self.test] + ("" if threshold is None else f" {threshold} {self.unit}")
        return f"{said}（本项目自定，超过只提示）" if self.only_flags else said


class _RawPart(Strict):
    label: str
    unit: str
    formula: str
    branch: str | None = None
    source: Literal["", "ledger", "returns"] = ""


class _RawIndicator(Strict):
    clause: str
    label: str
    unit: str = ""
    tier: Literal["T0", "T1", "T2", "T3"]
    formula: str | None = None
    branch: str = "no"
    levels: tuple[Literal["institution", "branch"], ...] = ("institution",)
    base: Literal["year_start", "year_ago", "last_full_year", "last_quarter"] | None = None
    test: Literal[">=", "<=", ">", "<", "up", "down", "list"] | None = None
    threshold: str | None = None
    answers: tuple[str, ...] = ()
    any_answer: bool = False
    only_flags: bool = False
    strive_when: str | None = None
    who: str
    total_of: str | None = None
    pending: str = ""
    may_have_none: bool = False
    judged_when: str | None = None
    why_not_judged: str = ""
    not_applicable_when: str | None = None
    small_when: str | None = None
    not_applicable_why: str = ""
    parts: object = None


class _RawClause(Strict):
    section: int
    force: Literal["ban", "must", "strive", "encourage", "none"]
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
    _check_ways(model, raw)
    formula = _formula(raw, "formula", names) if "formula" in raw else None
    judged = on_facts(raw, "judged_when", names.groups) if "judged_when" in raw else None
    total = on_facts(raw, "total_of", names.groups) if "total_of" in raw else None
    limit = _check_test(model, raw, names)
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
        threshold_formula=limit,
        answers=model.answers,
        any_answer=model.any_answer,
        only_flags=model.only_flags,
        strive_when=_condition(raw, "strive_when", names),
        who=on_facts(raw, "who", names.groups),
        total_of=total,
        pending=model.pending,
        may_have_none=model.may_have_none,
        judged_when=judged,
        why_not_judged=model.why_not_judged,
        not_applicable_when=_condition(raw, "not_applicable_when", names),
        small_when=_condition(raw, "small_when", names),
        not_applicable_why=model.not_applicable_why,
        parts=_parts(raw, names),
        where=raw.where(),
    )


def _check_ways(model: _RawIndicator, raw: YamlMap) -> None:
    """An indicator has a formula, or answers, or says why it has neither yet."""
    ways = [k for k in ("formula", "answers", "pending") if k in raw]
    if len(ways) != 1:
        raise ParamsError("应恰好写 formula、answers、pending 之一。", where=raw.where())
    if ways != ["formula"] and model.test not in (None, "list"):
        raise ParamsError("有 test 的指标要写 formula。", where=raw.where("test"))
    if ways == ["formula"] and not model.unit:
        raise ParamsError("缺少键“unit”。", where=raw.where())


def _condition(raw: YamlMap, key: str, names: Names) -> Expression | None:
    found = expression(raw, key, formula=True)
    if found is not None:
        _check(found, names)
    return found


def _formula(raw: YamlMap, key: str, names: Names) -> Expression:
    found = required(raw, key, formula=True)
    _check(found, names)
    return found


def _branch(
    model: _RawIndicator, raw: YamlMap, formula: Expression | None, names: Names
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
        found[name] = Part(model.label, model.unit, formula, branch, model.source)
    return found


def _check(formula: Expression, names: Names) -> None:
    for qualifier, name in sorted(formula.columns):
        if qualifier in ("", "institution", *BASES):
            known: Mapping[str, object] = names.measures
        elif qualifier == "policy":
            known = names.policy.settings
        elif qualifier == "facts":
            known = FACTS
        elif qualifier == "period":
            known = PERIOD
        else:
            raise ParamsError(
                f"不认识的前缀“{qualifier}”。",
                where=formula.where,
                remedy=f"公式可用：{'、'.join(BASES)}、institution、policy、facts、period。",
            )
        if name not in known:
            full = f"{qualifier}.{name}" if qualifier else name
            raise ParamsError(
                f"公式里的“{full}”不存在。", where=formula.where, remedy=nearest(name, known)
            )


def _check_test(model: _RawIndicator, raw: YamlMap, names: Names) -> Expression | None:
    """Check that test, base and threshold go together; a threshold's formula, if it is one."""
    if model.test in ("up", "down") and model.base is None:
        raise ParamsError("up、down 的检验要写 base。", where=raw.where("test"))
    if (model.test in RULES) is not (model.threshold is not None):
        raise ParamsError(
            f"{'、'.join(RULES)} 的检验要写 threshold，其他的不写。", where=raw.where("threshold")
        )
    if model.threshold is None:
        return None
    history = names.policy.settings.get(model.threshold)
    if history is not None:
        given = [v.value for v in history.values if v.value is not None]
        if any(isinstance(v, bool) or not isinstance(v, Decimal | int) for v in given):
            raise ParamsError(f"政策项“{model.threshold}”不是数字。", where=raw.where("threshold"))
        return None
    try:
        Decimal(model.threshold)
    except InvalidOperation:
        return _limit_formula(model.threshold, raw, names.policy)
    return None


def _limit_formula(text: str, raw: YamlMap, policy: Policy) -> Expression:
    if text.isidentifier():
        raise ParamsError(
            f"“{text}”既不是数字，也不是政策项。",
            where=raw.where("threshold"),
            remedy=nearest(text, policy.settings),
        )
    found = required(raw, "threshold", formula=True)
    for qualifier, name in sorted(found.columns):
        known = {"policy": policy.settings, "period": PERIOD}.get(qualifier, {})
        if name not in known:
            raise ParamsError(
                f"限值里的“{qualifier}.{name}”不存在。".replace("“.", "“"),
                where=found.where,
                remedy="限值的公式只用 policy.政策项 和 period.quarter_number。",
            )
    return found
