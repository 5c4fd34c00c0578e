"""Indicators: exact formulas over measures, verdicts on exact fractions.

A numerator and its denominator come from one source: each source in the order of the run
file (the filed return is the figure of record, then the ledger) is tried whole, and the
first that gives a value is used and named.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

import pyarrow as pa

from puhui import results
from puhui.errors import ParamsError
from puhui.measures import as_lookup
from puhui.params import Indicator, Params
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
        return NoData((f"机构名录缺“{name}”",)) if value is None else value


@dataclass(frozen=True)
class Evaluation:
    """An indicator's value for one unit from one source, with what it rests on."""

    value: Value
    source: str | None
    revision: int | None = None
    base_revision: int | None = None
    used: tuple[Mapping[str, object], ...] = ()
    parts: Mapping[str, Value] = field(default_factory=dict)


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
    formula = indicator.formula_for(branch_id is not None)
    failed: list[str] = []
    for name in [source] if source else bench.params.run.figure_of_record:
        used: list[Mapping[str, object]] = []
        look = _Lookup(bench, facts, branch_id, quarter, name, used)
        value = formula.evaluate(look)
        if isinstance(value, Fraction):
            parts = {
                k: p.formula_for(branch_id is not None).evaluate(look)
                for k, p in indicator.parts.items()
            }
            return _evaluation(value, name, quarter, used, parts)
        if not isinstance(value, NoData):
            raise ParamsError(f"指标 {indicator.id} 的公式没有得出数值。")
        failed.append(f"{SOURCE_WORDS[name]}：{'；'.join(value.reasons)}")
    return Evaluation(NoData(tuple(failed)), None)


SOURCE_WORDS = {"returns": "报表", "ledger": "台账"}


def _evaluation(
    value: Fraction,
    source: str,
    quarter: Quarter,
    used: Sequence[Mapping[str, object]],
    parts: Mapping[str, Value],
) -> Evaluation:
    now = [int(str(m["revision"])) for m in used if m["quarter"] == str(quarter)]
    base = [int(str(m["revision"])) for m in used if m["quarter"] != str(quarter)]
    return Evaluation(
        value, source, max(now, default=None), max(base, default=None), tuple(used), parts
    )


@dataclass(frozen=True)
class _Lookup:
    """Resolves names in formulas: measures by period, policy, facts, the whole institution."""

    bench: Bench
    facts: Facts
    branch_id: str | None
    quarter: Quarter
    source: str
    used: list[Mapping[str, object]]

    def __call__(self, qualifier: str, name: str) -> Value:
        if qualifier == "policy":
            return _exact(self.bench.params.policy.on(self.quarter.end)[name])
        if qualifier == "facts":
            return self.facts.get(name)
        if qualifier == "institution":
            return self._measure(self.quarter, None, name)
        bases = self.quarter.bases
        if qualifier and qualifier not in bases:
            raise ParamsError(f"公式里的“{qualifier}.{name}”不是已知的期间或范围。")
        quarter = bases[qualifier] if qualifier else self.quarter
        return self._measure(quarter, self.branch_id, name)

    def _measure(self, quarter: Quarter, branch_id: str | None, name: str) -> Value:
        if name not in self.bench.params.measures:
            raise ParamsError(f"公式里的“{name}”不是已知的指标量。")
        key = (str(quarter), self.facts.institution_id, branch_id, name, self.source)
        row = self.bench.measures.get(key)
        if row is None:
            return NoData((self._why_absent(quarter, name),))
        if row["value"] is None:
            return NoData((f"{quarter} {row['reason']}",))
        if row not in self.used:
            self.used.append(row)
        return Fraction(Decimal(str(row["value"])))

    def _why_absent(self, quarter: Quarter, name: str) -> str:
        measure = self.bench.params.measures[name]
        word = SOURCE_WORDS[self.source]
        if (measure.returns if self.source == "returns" else measure.ledger) is None:
            return f"{measure.label}不能从{word}取得"
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


def judge(
    params: Params, quarter: Quarter, indicator: Indicator, facts: Facts, row: dict[str, object]
) -> str:
    """Give the verdict of a result row from its exact value, base and threshold.

    The same function re-derives a stored verdict: it reads nothing but the row, the
    register facts and the catalogue.
    """
    applies = holds(indicator.who, facts)
    if applies is not True:
        return "not_applicable" if applies is False else "to_verify"
    value = _fraction(row, "value")
    if value is None:
        gone = row["verdict"] == "not_applicable"
        return "not_applicable" if gone else "no_data"
    judged = indicator.judged_when is None or holds(indicator.judged_when, facts) is True
    if indicator.test is None or not judged:
        return "shown"
    if indicator.test in ("up", "down"):
        if _fraction(row, "base") is None:
            return "shown"
        return "behind" if int(str(row["wrong_way"])) >= 2 else "on_track"
    limit = Fraction(str(row["threshold"]))
    passed = value >= limit if indicator.test == ">=" else value <= limit
    force = params.clauses[indicator.clause].force
    if force in ("ban", "must"):
        return "met" if passed else "not_met"
    if force == "strive":
        return "on_track" if passed else "behind"
    return "shown"


def _fraction(row: Mapping[str, object], name: str) -> Fraction | None:
    if row[f"{name}_num"] is None:
        return None
    return Fraction(int(str(row[f"{name}_num"])), int(str(row[f"{name}_den"])))


def result_row(
    bench: Bench, indicator: Indicator, facts: Facts, branch_id: str | None = None
) -> dict[str, object]:
    """Evaluate and judge one indicator for one unit: a row of ``results`` ``indicators``."""
    now = evaluate(bench, indicator, facts, branch_id)
    row: dict[str, object] = {
        "quarter": str(bench.quarter),
        "institution_id": facts.institution_id,
        "branch_id": branch_id,
        "indicator_id": indicator.id,
        "unit": indicator.unit,
        "base": indicator.base,
        "test": indicator.test,
        "threshold": _threshold(bench, indicator),
        "flags": [],
        "source": now.source,
        "revision": now.revision,
        "base_revision": now.base_revision,
        "verdict": None,
        "value_num": None,
        "base_num": None,
        "wrong_way": None,
    }
    if holds(indicator.who, facts) is not True:
        row |= {"reason": "本条不适用于该类机构", "source": None, "revision": None}
    elif isinstance(now.value, NoData):
        gone = _nothing_to_judge(bench, indicator, facts, branch_id)
        row |= {
            "reason": gone or "；".join(now.value.reasons),
            "verdict": "not_applicable" if gone else None,
        }
    else:
        row |= _numbers("value", now.value)
        if indicator.base:
            row |= _against_base(bench, indicator, facts, branch_id, now)
    row["verdict"] = judge(bench.params, bench.quarter, indicator, facts, row)
    if row["verdict"] == "shown" and indicator.test in (">=", "<=") and not row.get("reason"):
        row["reason"] = indicator.why_not_judged or None
    return row


def _nothing_to_judge(
    bench: Bench, indicator: Indicator, facts: Facts, branch_id: str | None
) -> str | None:
    """Say why an indicator does not apply because there is nothing to judge, if so."""
    if indicator.not_applicable_when is None:
        return None
    for source in bench.params.run.figure_of_record:
        look = _Lookup(bench, facts, branch_id, bench.quarter, source, [])
        if indicator.not_applicable_when.evaluate(look) is True:
            return f"{SOURCE_WORDS[source]}：{indicator.not_applicable_why}"
    return None


def _threshold(bench: Bench, indicator: Indicator) -> str | None:
    if indicator.threshold is None:
        return None
    return str(indicator.threshold_value(bench.params.policy.on(bench.quarter.end)))


def _numbers(name: str, value: Value) -> dict[str, object]:
    assert isinstance(value, Fraction)
    return {
        "value" if name == "value" else "base_value": twelve_digits(value),
        f"{name}_num": str(value.numerator),
        f"{name}_den": str(value.denominator),
    }


def twelve_digits(value: Fraction) -> float:
    """Round an exact value to 12 significant digits, for reading only."""
    return float(f"{value.numerator / value.denominator:.12g}")


def _against_base(
    bench: Bench, indicator: Indicator, facts: Facts, branch_id: str | None, now: Evaluation
) -> dict[str, object]:
    """Value at the base period, change, and quarters in a row against the test."""
    assert indicator.base is not None and isinstance(now.value, Fraction)
    base = evaluate(
        bench,
        indicator,
        facts,
        branch_id,
        at=bench.quarter.bases[indicator.base],
        source=now.source,
    )
    if not isinstance(base.value, Fraction):
        assert isinstance(base.value, NoData)
        return {"reason": f"无可比基数：{'；'.join(base.value.reasons)}"}
    change = now.value - base.value
    wrong = _wrong_way(bench, indicator, facts, branch_id, now.source, change)
    numbers: dict[str, object] = {
        **_numbers("base", base.value),
        "change": twelve_digits(change),
        "wrong_way": wrong,
        "base_revision": base.revision,
    }
    if wrong == 1:
        numbers["reason"] = "首次出现不利变动，连续两个季度才判为未达预期"
    return numbers


def _wrong_way(
    bench: Bench,
    indicator: Indicator,
    facts: Facts,
    branch_id: str | None,
    source: str | None,
    change: Fraction,
) -> int | None:
    """Count quarters in a row (at most two) in which the change went against the test."""
    if indicator.test not in ("up", "down"):
        return None
    margin = Fraction(str(bench.params.policy.on(bench.quarter.end)["flat_margin_pp"]))
    sign = 1 if indicator.test == "up" else -1
    if sign * change >= -margin:
        return 0
    assert indicator.base is not None
    before = bench.quarter.previous
    earlier, base = (
        evaluate(bench, indicator, facts, branch_id, at=q, source=source).value
        for q in (before, before.bases[indicator.base])
    )
    if not isinstance(earlier, Fraction) or not isinstance(base, Fraction):
        return 1
    return 2 if sign * (earlier - base) < -margin else 1


def result_table(bench: Bench, facts: Facts, branches: Iterable[str]) -> pa.Table:
    """All indicators of one institution and its branches, as ``results`` ``indicators``."""
    rows = [result_row(bench, i, facts) for i in bench.params.indicators.values()]
    rows += [
        result_row(bench, i, facts, branch)
        for branch in sorted(branches)
        for i in bench.params.indicators.values()
        if i.at_branches
    ]
    return results.from_rows("indicators", rows)
