"""Exact formulas over measures.

A numerator and its denominator come from one source: each source in the order of the run
file (the filed return is the figure of record, then the ledger) is tried whole, and the
first that gives a value is used and named. A source that answers "nothing there" has
answered; the next one is not asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction

import pyarrow as pa

from puhui.errors import ParamsError
from puhui.indicators.answers import Answers
from puhui.measures import (
    ANSWERED,
    LEDGER,
    MISSING_COLUMNS,
    REGISTER,
    MeasureKey,
    MeasureRow,
    MeasureRows,
)
from puhui.params import Indicator, Measure, Params
from puhui.params.evaluate import ZERO_DENOMINATOR
from puhui.params.expression import Expression, NoData, Value
from puhui.params.indicator import FACTS, Part
from puhui.quarter import Quarter

#: Source of sums over several institutions, each from its own.
PANEL = "panel"
MeasureIndex = Mapping[MeasureKey, MeasureRow]


@dataclass(frozen=True)
class Facts:
    """What the register says of an institution, or of a branch of it; ``None`` is unknown."""

    institution_id: str
    name: str
    values: Mapping[str, Value | None]
    planned_branches: frozenset[str] = frozenset()
    """Branches to which a plan was handed down."""
    branch_id: str | None = None

    def at(self, branch_id: str | None) -> Facts:
        """Return the facts of a branch; those of the institution for ``None``."""
        return self if branch_id == self.branch_id else replace(self, branch_id=branch_id)

    def get(self, name: str) -> Value:
        """Return a fact, or no data naming it."""
        if name == "is_internal_branch":
            return self.branch_id is not None
        if name == "has_plan" and self.branch_id is not None:
            return self.branch_id in self.planned_branches
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
    contradicts: bool = False
    """Whether the figures contradict each other."""

    @property
    def set_aside(self) -> int:
        """Quarantined rows of the submissions the value rests on, each submission once."""
        rows: dict[tuple[object, object], int] = {}
        for m in self.used:
            # Filed figures and answers beside a ledger's know of no rows set aside.
            place = (m["quarter"], m["institution_id"])
            rows[place] = max(rows.get(place, 0), int(str(m["set_aside"] or 0)))
        return sum(rows.values())


@dataclass(frozen=True)
class Bench:
    """Everything an indicator is evaluated against."""

    params: Params
    quarter: Quarter
    measures: MeasureIndex
    answers: Answers = field(default_factory=Answers)

    @classmethod
    def of(
        cls, params: Params, quarter: Quarter, measures: pa.Table, answers: Answers | None = None
    ) -> Bench:
        """Index a measure table for evaluation, with the answers given beside it."""
        return cls(params, quarter, MeasureRows(measures), answers or Answers())

    def at(self, quarter: Quarter) -> Bench:
        """Return the same bench for another quarter."""
        return Bench(self.params, quarter, self.measures, self.answers)

    def shifted(self, moved: Mapping[MeasureKey, Fraction]) -> Bench:
        """Return a bench on which some measures have other values."""
        return self.with_measures({k: {**self.measures[k], "value": v} for k, v in moved.items()})

    def with_measures(self, rows: MeasureIndex) -> Bench:
        """Return a bench on which these measures are added, or take the place of others."""
        return replace(self, measures=_Over(rows, self.measures))


class _Over(Mapping[MeasureKey, Mapping[str, object]]):
    """A few measure rows over all others, none copied."""

    def __init__(self, changed: MeasureIndex, rest: MeasureIndex) -> None:
        self._changed, self._rest = changed, rest

    def __getitem__(self, key: MeasureKey) -> Mapping[str, object]:
        return self._changed[key] if key in self._changed else self._rest[key]

    def __iter__(self) -> Iterator[MeasureKey]:
        yield from self._changed
        yield from (k for k in self._rest if k not in self._changed)

    def __len__(self) -> int:
        return sum(1 for _ in self)


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
    formula = indicator.formula_for(branch_id is not None)
    failed: list[str] = []
    asked = (formula, indicator.not_applicable_when)
    for name in [source] if source else sources(bench.params, *asked):
        found = _from_source(bench, indicator, facts, branch_id, quarter, name)
        if found.nothing or isinstance(found.value, Fraction):
            return found
        assert isinstance(found.value, NoData)
        failed.append(f"{SOURCE_WORDS[name]}：{'；'.join(_merged(found.value.reasons))}")
        if ZERO_DENOMINATOR in found.value.reasons:
            break
    return Evaluation(NoData(tuple(failed)), None)


def sources(params: Params, *formulas: Expression | None) -> tuple[str, ...]:
    """Sources formulas can be worked from together, in the order they are tried."""
    columns = [column for f in formulas if f is not None for column in f.columns]
    names = [n for q, n in columns if q not in ("policy", "facts", "period")]
    alone = all(n in params.measures and params.measures[n].stands_alone for n in names)
    return (REGISTER,) if alone else params.run.figure_of_record


def _from_source(
    bench: Bench,
    indicator: Indicator,
    facts: Facts,
    branch_id: str | None,
    quarter: Quarter,
    name: str,
) -> Evaluation:
    """Evaluate from one source; no data with plain reasons where it does not suffice."""
    formula = indicator.formula_for(branch_id is not None)
    used: list[Mapping[str, object]] = []
    whole = name if branch_id is None else _source_of_whole(bench, formula, facts, quarter, name)
    look = _Lookup(bench, facts, branch_id, quarter, name, whole, used)
    if indicator.not_applicable_when is not None:
        nothing = indicator.not_applicable_when.evaluate(look)
        if nothing is True:
            why = f"{SOURCE_WORDS[name]}：{indicator.not_applicable_why}"
            return Evaluation(NoData((why,)), name, nothing=True)
        if isinstance(nothing, NoData):
            return Evaluation(nothing, None)
        # What decides whether there is anything to judge is part of the judgement.
    value = formula.evaluate(look)
    if isinstance(value, NoData):
        return Evaluation(value, None)
    if not isinstance(value, Fraction):
        raise ParamsError(f"指标 {indicator.id} 的公式没有得出数值。")
    rest = list(used)
    parts = {k: _part(look, p, branch_id is not None) for k, p in indicator.parts.items()}
    small = indicator.small_when is not None and indicator.small_when.evaluate(look) is True
    doubtful = indicator.doubtful_when
    found = _evaluation(value, name, quarter, rest, parts, small)
    return replace(found, contradicts=doubtful is not None and doubtful.evaluate(look) is True)


def evaluate_part(
    bench: Bench, indicator: Indicator, facts: Facts, branch_id: str | None, name: str, source: str
) -> Evaluation:
    """Evaluate a part of an indicator at the bench's quarter, with the measures it uses.

    Parameters
    ----------
    name
        Of the part.
    source
        Source of the indicator's value, for a part that has none of its own.
    """
    part, used = indicator.parts[name], list[Mapping[str, object]]()
    at, is_branch = bench.quarter, branch_id is not None
    formula = indicator.formula_for(is_branch)
    whole = _source_of_whole(bench, formula, facts, at, source) if is_branch else source
    look = _Lookup(bench, facts, branch_id, at, source, whole, used)
    return Evaluation(_part(look, part, is_branch), source, used=tuple(used))


def nothing_there(bench: Bench, indicator: Indicator, facts: Facts) -> bool:
    """Whether an indicator without a formula finds nothing to judge."""
    condition = indicator.not_applicable_when
    if condition is None:
        return False
    for name in sources(bench.params, condition):
        look = _Lookup(bench, facts, None, bench.quarter, name, name, [])
        found = condition.evaluate(look)
        if not isinstance(found, NoData):
            return found is True
    return False


def parts_beside(bench: Bench, indicator: Indicator, facts: Facts) -> dict[str, Value]:
    """Figures shown beside answers, each from the first source that gives it."""
    found: dict[str, Value] = {}
    for key, part in indicator.parts.items():
        for name in sources(bench.params, part.formula):
            look = _Lookup(bench, facts, None, bench.quarter, name, name, [])
            found[key] = _part(look, part, False)
            if isinstance(found[key], Fraction):
                break
    return found


def _part(look: _Lookup, part: Part, is_branch: bool) -> Value:
    """Work out a part, from its own source if it has one."""
    if part.source:
        look = replace(look, source=part.source, whole_source=part.source)
    look = replace(look, beside=part.beside)
    return part.formula_for(is_branch).evaluate(look)


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


SOURCE_WORDS = {
    "returns": "报表",
    "ledger": "台账",
    "answered": "答卷",
    "register": "登记表",
    "panel": "汇总",
}


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
    beside: str = ""
    """Source of measures that are never filed; empty: ``source`` too."""

    def __call__(self, qualifier: str, name: str) -> Value:
        if qualifier == "policy":
            return _exact(self.bench.params.policy.on(self.quarter.end)[name])
        if qualifier == "facts":
            return self.facts.get(name)
        if qualifier == "period":
            return Fraction(self.quarter.number)
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
        measure = self.bench.params.measures[name]
        if measure.stands_alone and source != PANEL:
            source = REGISTER
        elif self.beside and measure.returns is None:
            source = self.beside
        key = (str(quarter), self.facts.institution_id, branch_id, name, source)
        row = self.bench.measures.get(key)
        if row is None and branch_id is not None and source == REGISTER:
            # A register that was read has no rows of this branch: nothing there.
            whole = self.bench.measures.get((*key[:2], None, *key[3:]))
            if whole is not None and whole["value"] is not None:
                return Fraction(0)
        if source == LEDGER and (row is None or row["value"] is None):
            # A number answered from the institution's own books stands in for a lacking column.
            row = self.bench.measures.get((*key[:4], ANSWERED)) or row
        if row is None:
            return NoData((self._why_absent(quarter, name, source),))
        if row["value"] is None:
            return NoData((f"{quarter} {row['reason']}",))
        if row not in self.used:
            self.used.append(row)
        value = row["value"]
        return value if isinstance(value, Fraction) else Fraction(Decimal(str(value)))

    def _why_absent(self, quarter: Quarter, name: str, source: str) -> str:
        measure = self.bench.params.measures[name]
        word = SOURCE_WORDS[source]
        if source == REGISTER:
            return self._why_no_register(quarter, measure)
        filed = measure.returns is not None
        # What is neither added up nor filed (compared, charged) is worked out from ledgers.
        if (not filed) if source == "returns" else (measure.ledger is None and filed):
            return f"{measure.label}不能从{word}取得"
        whole = (str(quarter), self.facts.institution_id, None, name, source)
        lost = self.bench.measures.get(whole)
        if lost is not None and lost["value"] is None:
            return f"{quarter} {lost['reason']}"
        if lost is not None and self.branch_id is not None:
            return f"{quarter} {word}里没有该网点"
        return f"{quarter} 未报送{word}"

    def _why_no_register(self, quarter: Quarter, measure: Measure) -> str:
        whole = (str(quarter), self.facts.institution_id, None, measure.id, REGISTER)
        row = self.bench.measures.get(whole)
        if row is not None and row["value"] is None:
            return f"{quarter} {row['reason']}"
        return f"{quarter} 未报送"


def _exact(value: object) -> Value:
    if value is None:
        return NoData(("该日期没有规定",))
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
