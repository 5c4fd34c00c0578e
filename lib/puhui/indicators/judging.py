"""Verdicts: exact values against thresholds and bases, and the result rows they stand in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction

import pyarrow as pa

from puhui import results
from puhui.indicators import answers as answering
from puhui.indicators import doubts
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
from puhui.params import Indicator, Params
from puhui.params.catalogue import RULES
from puhui.params.expression import Expression, NoData, Value
from puhui.quarter import Quarter
from puhui.results import twelve_digits

Row = Mapping[str, object]


def judge(params: Params, indicator: Indicator, facts: Facts, row: Row) -> str:
    """Give the verdict of a result row from its exact value, base, threshold and answers.

    The same function re-derives a stored verdict: it reads ``quarter``, ``value_num``,
    ``value_den``, ``base_num``, ``wrong_way``, ``threshold`` and ``answers`` of the row, the
    register facts and the catalogue, never the stored verdict.
    """
    branch = row.get("branch_id")
    facts = facts.at(None if branch is None else str(branch))
    applies = holds(indicator.who, facts)
    if applies is not True:
        return "not_applicable" if applies is False else "to_verify"
    if indicator.answers:
        return _by_answers(params, indicator, row)
    value = _fraction(row, "value")
    if value is None:
        return "no_data"
    judged = indicator.judged_when is None or holds(indicator.judged_when, facts) is True
    if indicator.test is None or not judged:
        return "shown"
    if indicator.test == "list":
        return _with_force(params, indicator, "to_verify" if value else "met")
    quarter = Quarter.parse(str(row["quarter"]))
    if indicator.test in ("up", "down"):
        if _fraction(row, "base") is None:
            return "shown"
        after = int(str(params.policy.on(quarter.end)["behind_after_quarters"]))
        return "behind" if int(str(row["wrong_way"])) >= after else "on_track"
    if row["threshold"] is None:
        return "shown"
    passed = passes(indicator.test, value, Fraction(str(row["threshold"])))
    if indicator.only_flags:
        passed = True
    if _true_of(indicator.strive_when, quarter):
        return "on_track" if passed else "behind"
    return _with_force(params, indicator, "met" if passed else "not_met")


def passes(test: str, value: Fraction, limit: Fraction) -> bool:
    """Whether a value passes a test against a limit; both exact.

    Examples
    --------
    >>> passes("<=", Fraction(3), Fraction(3)), passes(">", Fraction(0), Fraction(0))
    (True, False)
    """
    if test == ">=":
        return value >= limit
    if test == "<=":
        return value <= limit
    return value > limit if test == ">" else value < limit


def _with_force(params: Params, indicator: Indicator, verdict: str) -> str:
    """Say met or not met as the clause's force allows."""
    force = params.clauses[indicator.clause].force
    if force in ("ban", "must") or verdict in ("no_data", "not_applicable"):
        return verdict
    if force == "strive":
        return {"met": "on_track", "not_met": "behind"}.get(verdict, verdict)
    return "shown"


def _by_answers(params: Params, indicator: Indicator, row: Row) -> str:
    said = row["answers"]
    if not isinstance(said, list) or not said:
        return "no_data"
    states = [str(one).rpartition("=")[2] for one in said]
    found = answering.verdict(states, any_answer=indicator.any_answer)
    return _with_force(params, indicator, found)


def _true_of(condition: Expression | None, quarter: Quarter) -> bool:
    if condition is None:
        return False
    return condition.evaluate(lambda _, __: Fraction(quarter.number)) is True


def _fraction(row: Row, name: str) -> Fraction | None:
    if row[f"{name}_num"] is None:
        return None
    return Fraction(int(str(row[f"{name}_num"])), int(str(row[f"{name}_den"])))


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
        **_numbers("value", Fraction(yes)),
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
    fields = _numbers("value", now.value)
    said: list[str] = []
    base: Evaluation | None = None
    if indicator.base:
        compared, why, base = _against_base(bench, indicator, facts, branch_id, now)
        fields |= compared
        said += [why] if why else []
    verdict = judge(bench.params, indicator, facts, {**row, **fields})
    if verdict == "shown" and indicator.test in RULES:
        said += _why_shown(indicator, facts, row)
    whole = {**row, **fields, "verdict": verdict}
    flags, why_flagged = _Doubting(bench, indicator, facts, branch_id, whole).flags(now, base)
    if now.small:
        flags.append("small")
    return {
        **fields,
        "verdict": verdict,
        "flags": flags,
        "reason": "；".join([*said, *why_flagged]) or None,
    }


def _why_shown(indicator: Indicator, facts: Facts, row: Row) -> list[str]:
    """Say why a value with a limit is not judged: not this institution, or no limit then."""
    if indicator.judged_when is not None and holds(indicator.judged_when, facts) is not True:
        return [indicator.why_not_judged] if indicator.why_not_judged else []
    return ["该日期没有规定限值，只列示不判定。"] if row["threshold"] is None else []


class _Doubting:
    """Whether what is not known for sure could change a row's verdict."""

    def __init__(
        self, bench: Bench, indicator: Indicator, facts: Facts, branch_id: str | None, row: Row
    ) -> None:
        self.bench, self.indicator, self.facts = bench, indicator, facts
        self.branch_id, self.row = branch_id, row

    def flags(self, now: Evaluation, base: Evaluation | None) -> tuple[list[str], list[str]]:
        """Flags of the row, and sentences that say why."""
        flags: list[str] = []
        said: list[str] = []
        evaluations = [now, *([base] if base is not None and base.used else [])]
        used = [row for one in evaluations for row in one.used]
        if self.indicator.only_flags and not self._within_limit():
            flags.append("near_limit")
            said.append("超过本项目自定的提示线，不作为未达标")
        elif any(m.get("slack") for m in used) and self._could_change(now, base, doubts.rounding):
            flags.append("near_limit")
            said.append("报表数按单位四舍五入，在半个单位内移动就会改变结论")
        count = sum(one.set_aside for one in evaluations)
        doubted = list(dict.fromkeys(str(m["doubt"]) for m in used if m.get("doubt")))
        if count and self._could_change(now, base, doubts.set_aside):
            flags.append("provisional")
            said.append(f"有 {count} 行被隔离未计入，按最不利情形结论会改变，更正后再定")
        elif count:
            said.append(f"有 {count} 行被隔离未计入，按最不利情形结论也不变")
        if doubted:
            flags += [] if "provisional" in flags else ["provisional"]
            said += doubted
        return flags, said

    def _within_limit(self) -> bool:
        value, test = _fraction(self.row, "value"), self.indicator.test
        if value is None or test not in RULES or self.row["threshold"] is None:
            return True
        return passes(test, value, Fraction(str(self.row["threshold"])))

    def _could_change(self, now: Evaluation, base: Evaluation | None, within: doubts.Range) -> bool:
        if self.row["verdict"] == "shown":
            return False
        value = self._extremes(now, self.bench.quarter, within)
        ends: tuple[Fraction, Fraction] | bool | None = False
        if base is not None and isinstance(base.value, Fraction) and self.indicator.base:
            ends = self._extremes(base, self.bench.quarter.bases[self.indicator.base], within)
        possible = doubts.verdicts(self._verdict_of, value, ends)
        return possible is None or possible != {self.row["verdict"]}

    def _extremes(
        self, done: Evaluation, at: Quarter, within: doubts.Range
    ) -> tuple[Fraction, Fraction] | None:
        def again(bench: Bench) -> Value:
            return evaluate(
                bench, self.indicator, self.facts, self.branch_id, at=at, source=done.source
            ).value

        return doubts.extremes(self.bench, done, again, within)

    def _verdict_of(self, value: Fraction, base: Fraction | None) -> str:
        fields = _numbers("value", value)
        if base is not None:
            fields |= _numbers("base", base)
            fields["wrong_way"] = self._wrong_way(value - base)
        return judge(self.bench.params, self.indicator, self.facts, {**self.row, **fields})

    def _wrong_way(self, change: Fraction) -> int | None:
        """Quarters in a row, this one moved so and those before it as they are."""
        if self.indicator.test not in ("up", "down"):
            return None
        if not went_wrong(self.bench, self.indicator, self.bench.quarter, change):
            return 0
        return max(1, int(str(self._if_wrong)))

    @property
    def _if_wrong(self) -> int:
        """Return what the count is if this quarter went wrong."""
        args = (self.bench, self.indicator, self.facts, self.branch_id)
        return 1 + wrong_before(*args, source=str(self.row["source"]))


def _threshold(bench: Bench, indicator: Indicator) -> str | None:
    policy = bench.params.policy.on(bench.quarter.end)
    value = indicator.threshold_value(policy, bench.quarter)
    return None if value is None else str(value)


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
    wrong: int | None = None
    if indicator.test in ("up", "down"):
        wrong = 0
        if went_wrong(bench, indicator, bench.quarter, change):
            wrong = 1 + wrong_before(bench, indicator, facts, branch_id, source=now.source)
    numbers: dict[str, object] = {
        **_numbers("base", base.value),
        "change": twelve_digits(change),
        "wrong_way": wrong,
        "base_revision": base.revision,
    }
    why = "首次出现不利变动，连续两个季度才判为未达预期" if wrong == 1 else ""
    return numbers, why, base


def went_wrong(bench: Bench, indicator: Indicator, quarter: Quarter, change: Fraction) -> bool:
    """Whether a change goes against an up or down test by more than counts as flat."""
    margin = Fraction(str(bench.params.policy.on(quarter.end)["flat_margin_pp"]))
    return (change if indicator.test == "up" else -change) < -margin


def wrong_before(
    bench: Bench,
    indicator: Indicator,
    facts: Facts,
    branch_id: str | None,
    *,
    source: str | None,
) -> int:
    """Count the quarters in a row before the bench's that went wrong, as far as it matters."""
    assert indicator.base is not None
    enough = int(str(bench.params.policy.on(bench.quarter.end)["behind_after_quarters"]))
    quarter, count = bench.quarter.previous, 0
    while count + 1 < enough:
        now, base = (
            evaluate(bench, indicator, facts, branch_id, at=q, source=source).value
            for q in (quarter, quarter.bases[indicator.base])
        )
        if not isinstance(now, Fraction) or not isinstance(base, Fraction):
            break
        if not went_wrong(bench, indicator, quarter, now - base):
            break
        quarter, count = quarter.previous, count + 1
    return count


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
                        **_numbers("value", value),
                    }
                )
    return results.from_rows("parts", rows)
