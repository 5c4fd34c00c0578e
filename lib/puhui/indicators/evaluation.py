"""Exact formulas over measures.

A numerator and its denominator come from one source: each source in the order of the run
file (the filed return is the figure of record, then the ledger) is tried whole, and the
first that gives a value is used and named. A source that answers "nothing there" has
answered; the next one is not asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

import pyarrow as pa

from puhui.errors import ParamsError
from puhui.measures import MISSING_COLUMNS, as_lookup
from puhui.params import Indicator, Params
from puhui.params.catalogue import FACTS
from puhui.params.evaluate import ZERO_DENOMINATOR
from puhui.params.expression import Expression, NoData, Value
from puhui.quarter import Quarter

MeasureIndex = Mapping[tuple[str, str, str | None, str, str], Mapping[str, object]]


@dataclass(frozen=True)
class Facts:
    """What the register says of an institution; ``None`` is unknown."""

    institution_id: str
    name: str
    values: Mapping[str, Value | None]

    def get(self, name: str) -> Value:
        """Return a fact, or no data naming it."""
        value = self.values.get(name)
        return NoData((f"机构名录缺“{FACTS.get(name, name)}”",)) if value is None else value


@dataclass(frozen=True)
class Evaluation:
    """An indicator's value for one unit from one source, with what it rests on."""

    value: Value
    source: str | None
    revision: int | None = None
    base_revision: int | None = None
    used: tuple[Mapping[str, object], ...] = ()
    parts: Mapping[str, Value] = field(default_factory=dict)
    small: bool = False
    """Whether the unit is too small for its ratio to be steady."""
    nothing: bool = False
    """Whether the source says that there is nothing to judge."""

    @property
    def set_aside(self) -> int:
        """Quarantined rows of the submissions the value rests on, each submission once."""
        rows = {(m["quarter"], m["institution_id"]): m["set_aside"] or 0 for m in self.used}
        return sum(int(str(n)) for n in rows.values())


@dataclass(frozen=True)
class Bench:
    """Everything an indicator is evaluated against."""

    params: Params
    quarter: Quarter
    measures: MeasureIndex

    @classmethod
    def of(cls, params: Params, quarter: Quarter, measures: pa.Table) -> Bench:
        """Index a measure table for evaluation."""
        return cls(params, quarter, as_lookup(measures))


def evaluate(
    bench: Bench,
    indicator: Indicator,
    facts: Facts,
    branch_id: str | None = None,
    *,
    at: Quarter | None = None,
    source: str | None = None,
) -> Evaluation:
    """Evaluate an indicator for an institution or branch at a quarter (default: the run's).

    Returns
    -------
    Evaluation
        ``value`` is an exact fraction in the indicator's unit, or no data with reasons.
    """
    quarter = at or bench.quarter
    is_branch = branch_id is not None
    formula = indicator.formula_for(is_branch)
    failed: list[str] = []
    for name in [source] if source else bench.params.run.figure_of_record:
        used: list[Mapping[str, object]] = []
        whole = _source_of_whole(bench, formula, facts, quarter, name) if is_branch else name
        look = _Lookup(bench, facts, branch_id, quarter, name, whole, used)
        word = SOURCE_WORDS[name]
        if indicator.not_applicable_when is not None:
            nothing = indicator.not_applicable_when.evaluate(look) is True
            if nothing:
                why = NoData((f"{word}：{indicator.not_applicable_why}",))
                return Evaluation(why, name, nothing=True)
            used.clear()
        value = formula.evaluate(look)
        if isinstance(value, Fraction):
            parts = {k: p.formula_for(is_branch).evaluate(look) for k, p in indicator.parts.items()}
            rest = list(used)
            small = indicator.small_when is not None and indicator.small_when.evaluate(look) is True
            return _evaluation(value, name, quarter, rest, parts, small)
        if not isinstance(value, NoData):
            raise ParamsError(f"指标 {indicator.id} 的公式没有得出数值。")
        failed.append(f"{word}：{'；'.join(_merged(value.reasons))}")
        if ZERO_DENOMINATOR in value.reasons:
            break
    return Evaluation(NoData(tuple(failed)), None)


def _merged(reasons: Iterable[str]) -> list[str]:
    """Name each missing column once per quarter, however many measures lack it."""
    columns: dict[str, dict[str, None]] = {}
    merged: dict[str, None] = {}
    for reason in reasons:
        when, found, names = reason.partition(MISSING_COLUMNS)
        if found:
            columns.setdefault(when, {}).update(dict.fromkeys(names.split("、")))
        merged.setdefault(when + found if found else reason)
    return [r + "、".join(columns.get(r.removesuffix(MISSING_COLUMNS), ())) for r in merged]


def _source_of_whole(
    bench: Bench, formula: Expression, facts: Facts, quarter: Quarter, otherwise: str
) -> str:
    """Source of the whole institution's figures in a branch's formula: that of record."""
    names = [name for qualifier, name in formula.columns if qualifier == "institution"]
    for source in bench.params.run.figure_of_record:
        keys = [(str(quarter), facts.institution_id, None, name, source) for name in names]
        rows = [bench.measures.get(key) for key in keys]
        if all(row is not None and row["value"] is not None for row in rows):
            return source
    return otherwise


SOURCE_WORDS = {"returns": "报表", "ledger": "台账"}


def _evaluation(
    value: Fraction,
    source: str,
    quarter: Quarter,
    used: Sequence[Mapping[str, object]],
    parts: Mapping[str, Value],
    small: bool,
) -> Evaluation:
    now = [int(str(m["revision"])) for m in used if m["quarter"] == str(quarter)]
    base = [int(str(m["revision"])) for m in used if m["quarter"] != str(quarter)]
    return Evaluation(
        value, source, max(now, default=None), max(base, default=None), tuple(used), parts, small
    )


@dataclass(frozen=True)
class _Lookup:
    """Resolves names in formulas: measures by period, policy, facts, the whole institution."""

    bench: Bench
    facts: Facts
    branch_id: str | None
    quarter: Quarter
    source: str
    whole_source: str
    used: list[Mapping[str, object]]

    def __call__(self, qualifier: str, name: str) -> Value:
        if qualifier == "policy":
            return _exact(self.bench.params.policy.on(self.quarter.end)[name])
        if qualifier == "facts":
            return self.facts.get(name)
        if qualifier == "institution":
            return self._measure(self.quarter, None, name, self.whole_source)
        bases = self.quarter.bases
        if qualifier and qualifier not in bases:
            raise ParamsError(f"公式里的“{qualifier}.{name}”不是已知的期间或范围。")
        quarter = bases[qualifier] if qualifier else self.quarter
        return self._measure(quarter, self.branch_id, name, self.source)

    def _measure(self, quarter: Quarter, branch_id: str | None, name: str, source: str) -> Value:
        if name not in self.bench.params.measures:
            raise ParamsError(f"公式里的“{name}”不是已知的指标量。")
        key = (str(quarter), self.facts.institution_id, branch_id, name, source)
        row = self.bench.measures.get(key)
        if row is None:
            return NoData((self._why_absent(quarter, name, source),))
        if row["value"] is None:
            return NoData((f"{quarter} {row['reason']}",))
        if row not in self.used:
            self.used.append(row)
        return Fraction(Decimal(str(row["value"])))

    def _why_absent(self, quarter: Quarter, name: str, source: str) -> str:
        measure = self.bench.params.measures[name]
        word = SOURCE_WORDS[source]
        if (measure.returns if source == "returns" else measure.ledger) is None:
            return f"{measure.label}不能从{word}取得"
        whole = (str(quarter), self.facts.institution_id, None, name, source)
        lost = self.bench.measures.get(whole)
        if lost is not None and lost["value"] is None:
            return f"{quarter} {lost['reason']}"
        return f"{quarter} 未报送{word}"


def _exact(value: object) -> Value:
    if isinstance(value, bool | str):
        return value
    if isinstance(value, int | Decimal | Fraction):
        return Fraction(value)
    raise ParamsError(f"政策参数的值“{value}”不能用于公式。")


def holds(expression: Expression, facts: Facts) -> bool | None:
    """Evaluate a condition on facts; ``None`` when a fact it needs is not known."""

    def lookup(qualifier: str, name: str) -> Value:
        if qualifier != "facts":
            raise ParamsError(f"适用条件只能用机构事实，不能用“{qualifier}.{name}”。")
        return facts.get(name)

    value = expression.evaluate(lookup)
    return None if isinstance(value, NoData) else bool(value)


def why_unknown(expression: Expression, facts: Facts) -> str:
    """Say which facts a condition lacks."""
    value = expression.evaluate(lambda _, name: facts.get(name))
    return "；".join(value.reasons) if isinstance(value, NoData) else ""
