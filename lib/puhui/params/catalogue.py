"""The catalogue's files: groups, clauses and indicators, read and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Literal

from puhui.errors import ParamsError
from puhui.params.expression import Expression
from puhui.params.indicator import (
    BASES,
    FACTS,
    PERIOD,
    RULES,
    Clause,
    Indicator,
    Part,
    Wording,
)
from puhui.params.policy import Policy
from puhui.params.reading import Strict, build, expression, mapping, nearest, required
from puhui.params.rows import Measure
from puhui.params.yaml import YamlMap


class _RawPart(Strict):
    label: str
    unit: str
    formula: str
    branch: str | None = None
    source: Literal["", "ledger", "returns"] = ""
    beside: Literal["", "ledger"] = ""


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
    doubtful_when: str | None = None
    doubtful_why: str = ""
    reserved_by: tuple[str, ...] = ()
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
        strive_when=_of_quarter(raw, "strive_when", names),
        who=on_facts(raw, "who", names.groups),
        total_of=total,
        pending=model.pending,
        may_have_none=model.may_have_none,
        judged_when=judged,
        why_not_judged=model.why_not_judged,
        not_applicable_when=_condition(raw, "not_applicable_when", names),
        small_when=_condition(raw, "small_when", names),
        doubtful_when=_condition(raw, "doubtful_when", names),
        doubtful_why=model.doubtful_why,
        reserved_by=_reserved_by(model, raw),
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


def _of_quarter(raw: YamlMap, key: str, names: Names) -> Expression | None:
    """Read a condition on the quarter alone."""
    found = _condition(raw, key, names)
    if found is not None and any(qualifier != "period" for qualifier, _ in found.columns):
        raise ParamsError(
            f"{key} 只能用 period.quarter_number。", where=raw.where(key), remedy="请改写条件。"
        )
    return found


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
        found[name] = Part(model.label, model.unit, formula, branch, model.source, model.beside)
    return found


def _reserved_by(model: _RawIndicator, raw: YamlMap) -> tuple[str, ...]:
    """Parts held against the threshold too; each must be one, of an indicator that has one."""
    parts = model.parts if isinstance(model.parts, Mapping) else {}
    for name in model.reserved_by:
        if model.test not in RULES or name not in parts:
            raise ParamsError(
                f"reserved_by 里的“{name}”应是 parts 之一，且指标要有 threshold。",
                where=raw.where("reserved_by"),
                remedy=nearest(name, parts),
            )
    return model.reserved_by


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
