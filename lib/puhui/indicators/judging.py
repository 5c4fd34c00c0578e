"""Verdicts: exact values against thresholds and bases, and the result rows they stand in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction

import pyarrow as pa

from puhui import results
from puhui.indicators.evaluation import Bench, Evaluation, Facts, evaluate, holds, why_unknown
from puhui.params import Indicator, Params
from puhui.params.expression import NoData, Value
from puhui.quarter import Quarter
from puhui.results import twelve_digits

#: Quarters in a row against an up/down test after which it counts as behind.
_BEHIND_AFTER = 2


def judge(params: Params, indicator: Indicator, facts: Facts, row: Mapping[str, object]) -> str:
    """Give the verdict of a result row from its exact value, base and threshold.

    The same function re-derives a stored verdict: it reads ``value_num``, ``value_den``,
    ``base_num``, ``wrong_way`` and ``threshold`` of the row, the register facts and the
    catalogue, never the stored verdict.
    """
    applies = holds(indicator.who, facts)
    if applies is not True:
        return "not_applicable" if applies is False else "to_verify"
    value = _fraction(row, "value")
    if value is None:
        return "no_data"
    judged = indicator.judged_when is None or holds(indicator.judged_when, facts) is True
    if indicator.test is None or not judged:
        return "shown"
    if indicator.test in ("up", "down"):
        if _fraction(row, "base") is None:
            return "shown"
        return "behind" if int(str(row["wrong_way"])) >= _BEHIND_AFTER else "on_track"
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
        "value_num": None,
        "base_num": None,
        "wrong_way": None,
    }
    applies = holds(indicator.who, facts)
    if applies is not True:
        why = "本条不适用于该类机构" if applies is False else why_unknown(indicator.who, facts)
        return {**row, "verdict": judge(bench.params, indicator, facts, row), "reason": why}
    now = evaluate(bench, indicator, facts, branch_id)
    row |= {"source": now.source, "revision": now.revision, "base_revision": now.base_revision}
    if isinstance(now.value, NoData):
        verdict = "not_applicable" if now.nothing else "no_data"
        return {**row, "verdict": verdict, "reason": "；".join(now.value.reasons)}
    return {**row, **_judged(bench, indicator, facts, branch_id, row, now)}


def _judged(
    bench: Bench,
    indicator: Indicator,
    facts: Facts,
    branch_id: str | None,
    row: Mapping[str, object],
    now: Evaluation,
) -> dict[str, object]:
    """Fields of a row that has a value: numbers, verdict, flags and what to know of them."""
    fields = _numbers("value", now.value)
    said: list[str] = []
    set_aside = now.set_aside
    if indicator.base:
        compared, why, base = _against_base(bench, indicator, facts, branch_id, now)
        fields |= compared
        said += [why] if why else []
        set_aside += base.set_aside
    verdict = judge(bench.params, indicator, facts, {**row, **fields})
    if verdict == "shown" and indicator.test in (">=", "<=") and indicator.why_not_judged:
        said.append(indicator.why_not_judged)
    flags = []
    if set_aside:
        flags.append("provisional")
        said.append(f"有 {set_aside} 行被隔离未计入，更正后结论可能改变")
    if now.small:
        flags.append("small")
    return {**fields, "verdict": verdict, "flags": flags, "reason": "；".join(said) or None}


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


def _against_base(
    bench: Bench, indicator: Indicator, facts: Facts, branch_id: str | None, now: Evaluation
) -> tuple[dict[str, object], str, Evaluation]:
    """Value at the base period, change and quarters against the test; what to say; the base."""
    assert indicator.base is not None and isinstance(now.value, Fraction)
    at = bench.quarter.bases[indicator.base]
    base = evaluate(bench, indicator, facts, branch_id, at=at, source=now.source)
    if not isinstance(base.value, Fraction):
        assert isinstance(base.value, NoData)
        return {}, f"无可比基数：{'；'.join(base.value.reasons)}", base
    change = now.value - base.value
    wrong = _wrong_way(bench, indicator, facts, branch_id, now.source, change)
    numbers: dict[str, object] = {
        **_numbers("base", base.value),
        "change": twelve_digits(change),
        "wrong_way": wrong,
        "base_revision": base.revision,
    }
    why = "首次出现不利变动，连续两个季度才判为未达预期" if wrong == 1 else ""
    return numbers, why, base


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

    def went_wrong(quarter: Quarter, moved: Fraction) -> bool:
        margin = Fraction(str(bench.params.policy.on(quarter.end)["flat_margin_pp"]))
        return (moved if indicator.test == "up" else -moved) < -margin

    if not went_wrong(bench.quarter, change):
        return 0
    assert indicator.base is not None
    before = bench.quarter.previous
    earlier, base = (
        evaluate(bench, indicator, facts, branch_id, at=q, source=source).value
        for q in (before, before.bases[indicator.base])
    )
    if not isinstance(earlier, Fraction) or not isinstance(base, Fraction):
        return 1
    return 2 if went_wrong(before, earlier - base) else 1


def _units(bench: Bench, branches: Iterable[str]) -> list[tuple[Indicator, str | None]]:
    """Every indicator of the institution, then those computed at branches for each of them."""
    indicators = list(bench.params.indicators.values())
    own: list[tuple[Indicator, str | None]] = [(i, None) for i in indicators]
    return own + [(i, b) for b in sorted(branches) for i in indicators if i.at_branches]


def result_table(bench: Bench, facts: Facts, branches: Iterable[str]) -> pa.Table:
    """All indicators of one institution and its branches, as ``results`` ``indicators``."""
    rows = [result_row(bench, i, facts, branch) for i, branch in _units(bench, branches)]
    return results.from_rows("indicators", rows)


def parts_table(bench: Bench, facts: Facts, branches: Iterable[str]) -> pa.Table:
    """Figures shown beside the indicators' values, as ``results`` ``parts``."""
    rows: list[dict[str, object]] = []
    for indicator, branch in _units(bench, branches):
        if not indicator.parts or holds(indicator.who, facts) is not True:
            continue
        found = evaluate(bench, indicator, facts, branch).parts
        for name, value in found.items():
            if isinstance(value, Fraction):
                rows.append(
                    {
                        "quarter": str(bench.quarter),
                        "institution_id": facts.institution_id,
                        "branch_id": branch,
                        "indicator_id": indicator.id,
                        "part": name,
                        "unit": indicator.parts[name].unit,
                        **_numbers("value", value),
                    }
                )
    return results.from_rows("parts", rows)
