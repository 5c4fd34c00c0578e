"""What the notice asks, and how it is answered: clauses and indicators."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from puhui import schema
from puhui.errors import ParamsError
from puhui.params.expression import Expression, NoData, Value
from puhui.params.policy import PolicyOn
from puhui.params.reading import Strict
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
    beside: str = ""
    """Source of those measures that are never filed, whatever the indicator's source."""

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
    doubtful_when
        Condition over measures under which the figures contradict each other.
    reserved_by
        Parts held against the same threshold: where the value passes and one of them does
        not, the verdict is met_reserved.
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
    doubtful_when: Expression | None
    doubtful_why: str
    reserved_by: tuple[str, ...]
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
