"""Result rows: an indicator evaluated, judged and flagged for one unit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

import pyarrow as pa

from puhui import results
from puhui.indicators import answers as answering
from puhui.indicators.evaluation import (
    Bench,
    Evaluation,
    Facts,
    evaluate,
    holds,
    nothing_there,
    parts_beside,
    why_unknown,
)
from puhui.indicators.flags import Doubting
from puhui.indicators.trends import went_wrong, wrong_before
from puhui.indicators.verdicts import beyond, judge, numbers
from puhui.params import Indicator
from puhui.params.expression import NoData
from puhui.params.indicator import RULES
from puhui.results import twelve_digits

Row = Mapping[str, object]


def result_row(
    bench: Bench,
    indicator: Indicator,
    facts: Facts,
    branch_id: str | None = None,
    *,
    source: str | None = None,
) -> dict[str, object]:
    """Evaluate and judge one indicator for one unit: a row of ``results`` ``indicators``.

    With ``source`` only that one is tried.
    """
    facts = facts.at(branch_id)
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
        "reserved_by": [],
        "answers": None,
    }
    applies = holds(indicator.who, facts)
    if applies is not True:
        why = "本条不适用于该类机构" if applies is False else why_unknown(indicator.who, facts)
        return {**row, "verdict": judge(bench.params, indicator, facts, row), "reason": why}
    if indicator.may_have_none and bench.answers.has_none(
        indicator.clause, facts.institution_id, bench.quarter
    ):
        return {**row, "verdict": "not_applicable", "reason": "机构答复：无此类业务。"}
    if indicator.pending:
        return {**row, "verdict": "no_data", "reason": indicator.pending}
    if indicator.answers:
        return {**row, **_answered(bench, indicator, facts, row)}
    now = evaluate(bench, indicator, facts, branch_id, source=source)
    row |= {"source": now.source, "revision": now.revision, "base_revision": now.base_revision}
    if isinstance(now.value, NoData):
        verdict = "not_applicable" if now.nothing else "no_data"
        return {**row, "verdict": verdict, "reason": "；".join(now.value.reasons)}
    return {**row, **_judged(bench, indicator, facts, branch_id, row, now)}


def _answered(bench: Bench, indicator: Indicator, facts: Facts, row: Row) -> dict[str, object]:
    """Fields of a row that answers decide: how many are yes, each state, what is amiss."""
    if nothing_there(bench, indicator, facts):
        return {"verdict": "not_applicable", "reason": indicator.not_applicable_why}
    states = bench.answers.states(indicator, facts.institution_id, bench.quarter)
    if isinstance(states, str):
        return {"verdict": "no_data", "reason": states}
    yes = sum(state in ("yes", "unproved", "contradicted") for state in states.values())
    fields: dict[str, object] = {
        **numbers("value", Fraction(yes)),
        "unit": indicator.unit or "项",
        "source": "register",
        "answers": [f"{item}={state}" for item, state in states.items()],
    }
    if "absent" in states.values():
        fields |= {"value": None, "value_num": None, "value_den": None}
    said = [f"{i} {answering.STATES[s]}" for i, s in states.items() if s != "yes"]
    note = bench.answers.note(indicator.clause, facts.institution_id, bench.quarter)
    if note is not None and "contradicted" in states.values():
        said.append(f"监管记录（{note.noted_on}）：{note.fact}")
    verdict = judge(bench.params, indicator, facts, {**row, **fields})
    return {**fields, "verdict": verdict, "reason": "；".join(said) or None}


def _judged(
    bench: Bench,
    indicator: Indicator,
    facts: Facts,
    branch_id: str | None,
    row: Row,
    now: Evaluation,
) -> dict[str, object]:
    """Fields of a row that has a value: numbers, verdict, flags and what to know of them."""
    fields = numbers("value", now.value)
    said: list[str] = []
    base: Evaluation | None = None
    if indicator.base:
        compared, why, base = _against_base(bench, indicator, facts, branch_id, now)
        fields |= compared
        said += [why] if why else []
    crossed = beyond(indicator, row["threshold"], now.parts)
    verdict = judge(bench.params, indicator, facts, {**row, **fields, "reserved_by": crossed})
    fields["reserved_by"] = crossed if verdict == "met_reserved" else []
    if verdict == "shown" and indicator.test in RULES:
        said += _why_shown(indicator, facts, row)
    if verdict in ("met", "met_reserved"):
        said += _checked(indicator, row, now, crossed)
    whole = {**row, **fields, "verdict": verdict}
    flags, why_flagged = Doubting(bench, indicator, facts, branch_id, whole).flags(now, base)
    if now.contradicts:
        flags += [] if "provisional" in flags else ["provisional"]
        why_flagged.append(indicator.doubtful_why)
    if now.small:
        flags.append("small")
    return {
        **fields,
        "verdict": verdict,
        "flags": flags,
        "reason": "；".join([*said, *why_flagged]) or None,
    }


def _checked(indicator: Indicator, row: Row, now: Evaluation, crossed: Sequence[str]) -> list[str]:
    """Say of a value that passes which cross-checks do not, and which could not be worked out."""
    said = []
    for name in indicator.reserved_by:
        part, value = indicator.parts[name], now.parts[name]
        if name in crossed:
            assert isinstance(value, Fraction)
            limit = Fraction(str(row["threshold"]))
            said.append(
                f"{part.label}为 {apart(value, limit)} {part.unit}，超过 {row['threshold']}"
            )
        elif isinstance(value, NoData):
            said.append(f"{part.label}无法核对：{'；'.join(value.reasons)}")
    return said


def apart(value: Fraction, limit: Fraction) -> str:
    """Write a value with two decimals, or as many as tell it from the limit.

    >>> apart(Fraction(31, 10), Fraction(3)), apart(Fraction("3.0004"), Fraction(3))
    ('3.10', '3.0004')
    """
    digits = 2
    while value != limit and Fraction(f"{float(value):.{digits}f}") == limit and digits < 12:
        digits += 1
    return f"{float(value):.{digits}f}"


def _why_shown(indicator: Indicator, facts: Facts, row: Row) -> list[str]:
    """Say why a value with a limit is not judged: not this institution, or no limit then."""
    if indicator.judged_when is not None and holds(indicator.judged_when, facts) is not True:
        return [indicator.why_not_judged] if indicator.why_not_judged else []
    return ["该日期没有规定限值，只列示不判定。"] if row["threshold"] is None else []


def _threshold(bench: Bench, indicator: Indicator) -> str | None:
    policy = bench.params.policy.on(bench.quarter.end)
    value = indicator.threshold_value(policy, bench.quarter)
    return None if value is None else str(value)


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
    wrong: int | None = None
    if indicator.test in ("up", "down"):
        wrong = 0
        if went_wrong(bench, indicator, bench.quarter, change):
            wrong = 1 + wrong_before(bench, indicator, facts, branch_id, source=now.source)
    compared: dict[str, object] = {
        **numbers("base", base.value),
        "change": twelve_digits(change),
        "wrong_way": wrong,
        "base_revision": base.revision,
    }
    return compared, _not_yet_behind(bench, wrong), base


def _not_yet_behind(bench: Bench, wrong: int | None) -> str:
    """Say that a change the wrong way does not count as behind yet; empty if it does."""
    enough = int(str(bench.params.policy.on(bench.quarter.end)["behind_after_quarters"]))
    if not wrong or wrong >= enough:
        return ""
    since = "首次出现不利变动" if wrong == 1 else f"已连续 {wrong} 个季度不利变动"
    return f"{since}，连续{'两' if enough == 2 else f' {enough} '}个季度才判为未达预期"


def _units(bench: Bench, branches: Iterable[str]) -> list[tuple[Indicator, str | None]]:
    """Every indicator of the institution, then those computed at branches for each of them."""
    indicators = [i for i in bench.params.indicators.values() if i.total_of is None]
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
        found = (
            parts_beside(bench, indicator, facts)
            if indicator.formula is None
            else evaluate(bench, indicator, facts, branch).parts
        )
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
                        **numbers("value", value),
                    }
                )
    return results.from_rows("parts", rows)
