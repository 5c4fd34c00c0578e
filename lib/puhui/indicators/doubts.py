"""What could change a verdict: quarantined rows at their worst, and rounding of filed figures.

A formula moves one way with each measure it uses, so its extremes over a box of possible
measures lie at corners. The box takes each measure by itself (a quarantined loan may count
in a numerator and not in its denominator): it holds whatever the truth can be, and more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from itertools import product

from puhui.indicators.evaluation import Bench, Evaluation
from puhui.measures import MeasureKey
from puhui.params.expression import Value

#: From a measure row to the least and the most its value can be.
Range = Callable[[Mapping[str, object]], tuple[Fraction, Fraction]]
#: Measures moved at once; beyond that the extremes are not looked for.
_MOST = 12


def _number(row: Mapping[str, object], name: str) -> Fraction:
    return Fraction(str(row[name] or 0))


#: Stands for an amount that cannot be read: more than any county lends, in yuan.
_ANY_AMOUNT = Fraction(10**15)


def set_aside(row: Mapping[str, object]) -> tuple[Fraction, Fraction]:
    """Range of a measure with quarantined rows counted or not.

    Rows whose amount cannot be read may be of any amount.
    """
    value = _number(row, "value")
    if not row["set_aside"]:
        return value, value
    unreadable = row["aside_gain"] is None
    return value, value + (_ANY_AMOUNT if unreadable else _number(row, "aside_gain"))


def rounding(row: Mapping[str, object]) -> tuple[Fraction, Fraction]:
    """Range of a measure whose filed figures were rounded."""
    value, slack = _number(row, "value"), _number(row, "slack")
    return value - slack, value + slack


def key_of(row: Mapping[str, object]) -> MeasureKey:
    """Key of a measure row in the index."""
    branch = row["branch_id"]
    return (
        str(row["quarter"]),
        str(row["institution_id"]),
        None if branch is None else str(branch),
        str(row["measure_id"]),
        str(row["source"]),
    )


def extremes(
    bench: Bench, done: Evaluation, again: Callable[[Bench], Value], within: Range
) -> tuple[Fraction, Fraction] | None:
    """Least and most a value can be, its measures being within their ranges.

    Parameters
    ----------
    done
        The evaluation whose measures are moved.
    again
        Evaluates on another bench.

    Returns
    -------
    tuple or None
        ``None`` if a value at a corner cannot be told (its denominator is zero, say).
    """
    assert isinstance(done.value, Fraction)
    ranges = [(key_of(row), within(row)) for row in done.used]
    moving = [(key, ends) for key, ends in ranges if ends[0] != ends[1]]
    if not moving:
        return done.value, done.value
    if len(moving) > _MOST:
        return None
    found = [again(bench.shifted(corner)) for corner in _corners(moving)]
    values = [v for v in found if isinstance(v, Fraction)]
    return (min(values), max(values)) if len(values) == len(found) else None


def _corners(
    moving: Sequence[tuple[MeasureKey, tuple[Fraction, Fraction]]],
) -> list[dict[MeasureKey, Fraction]]:
    keys = [key for key, _ in moving]
    return [dict(zip(keys, ends, strict=True)) for ends in product(*(e for _, e in moving))]


def verdicts(
    judge: Callable[[Fraction, Fraction | None], str],
    value: tuple[Fraction, Fraction] | None,
    base: tuple[Fraction, Fraction] | bool | None,
) -> set[str] | None:
    """Every verdict possible; ``None`` if that cannot be told.

    Parameters
    ----------
    base
        Range of the base; ``False`` if there is none.
    """
    if value is None or base is None or base is True:
        return None
    bases: Sequence[Fraction | None] = [None] if base is False else list(base)
    return {judge(v, b) for v in value for b in bases}
