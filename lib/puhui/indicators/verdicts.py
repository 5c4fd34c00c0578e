"""The verdict of a result row, from what the row holds and the catalogue alone."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from puhui.indicators import answers as answering
from puhui.indicators.evaluation import Facts, holds
from puhui.params import Indicator, Params
from puhui.params.expression import Expression, Value
from puhui.params.indicator import RULES
from puhui.quarter import Quarter
from puhui.results import twelve_digits

Row = Mapping[str, object]


def judge(params: Params, indicator: Indicator, facts: Facts, row: Row) -> str:
    """Give the verdict of a result row from its exact value, base, threshold and answers.

    The same function re-derives a stored verdict: it reads ``quarter``, ``value_num``,
    ``value_den``, ``base_num``, ``wrong_way``, ``threshold``, ``reserved_by`` and ``answers`` of
    the row, the register facts and the catalogue, never the stored verdict.
    """
    branch = row.get("branch_id")
    facts = facts.at(None if branch is None else str(branch))
    applies = holds(indicator.who, facts)
    if applies is not True:
        return "not_applicable" if applies is False else "to_verify"
    if indicator.answers:
        return _by_answers(params, indicator, row)
    value = fraction(row, "value")
    if value is None:
        return "no_data"
    judged = indicator.judged_when is None or holds(indicator.judged_when, facts) is True
    if indicator.test is None or not judged:
        return "shown"
    if indicator.test == "list":
        return _with_force(params, indicator, "to_verify" if value else "met")
    quarter = Quarter.parse(str(row["quarter"]))
    if indicator.test in ("up", "down"):
        if fraction(row, "base") is None:
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
    if passed and row.get("reserved_by"):
        return _with_force(params, indicator, "met_reserved")
    return _with_force(params, indicator, "met" if passed else "not_met")


def beyond(indicator: Indicator, threshold: object, parts: Mapping[str, Value]) -> list[str]:
    """Parts held against the threshold that do not pass it; an unknown one is not named.

    Parameters
    ----------
    threshold
        Decimal text, or ``None`` where nothing is laid down.
    parts
        Values of the indicator's parts.
    """
    if threshold is None or indicator.test not in RULES:
        return []
    limit = Fraction(str(threshold))
    values = ((name, parts.get(name)) for name in indicator.reserved_by)
    return [
        n for n, v in values if isinstance(v, Fraction) and not passes(indicator.test, v, limit)
    ]


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


def fraction(row: Row, name: str) -> Fraction | None:
    """Return the exact ``value`` or ``base`` of a row, if it has one."""
    if row[f"{name}_num"] is None:
        return None
    return Fraction(int(str(row[f"{name}_num"])), int(str(row[f"{name}_den"])))


def numbers(name: str, value: Value) -> dict[str, object]:
    """Fields of an exact ``value`` or ``base``."""
    assert isinstance(value, Fraction)
    return {
        "value" if name == "value" else "base_value": twelve_digits(value),
        f"{name}_num": str(value.numerator),
        f"{name}_den": str(value.denominator),
    }
