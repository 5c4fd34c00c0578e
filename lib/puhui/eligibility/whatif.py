"""What if the tolerance or its comparator were another: verdicts before and after.

Nothing here is saved: a supposed verdict is no result.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from puhui.eligibility.tolerance import COMPARATORS, supposing, tolerance_table
from puhui.errors import PuhuiError
from puhui.indicators import Bench, Facts
from puhui.params.policy import SUPPOSED
from puhui.results import VERDICTS
from puhui.rounding import digits_for, half_up

Row = dict[str, object]
_WORDS = {"institution": "所属机构", "branch": "网点自身"}


@dataclass(frozen=True)
class Supposed:
    """What is supposed: points of tolerance, comparator of branches; ``None`` stays as it is."""

    tolerance: Decimal | None = None
    comparator: str | None = None

    def settings(self) -> dict[str, Decimal | str]:
        """Policy settings supposed, by name.

        Raises
        ------
        PuhuiError
            Nothing is supposed, the tolerance is negative, or there is no such comparator.
        """
        found: dict[str, Decimal | str] = {}
        if self.tolerance is not None:
            if self.tolerance.is_nan() or not 0 <= self.tolerance <= 100:
                raise PuhuiError(
                    f"容忍度“{self.tolerance}”不可用。", remedy="请写 0 至 100 之间的百分点数。"
                )
            found["npl_tolerance_pp"] = self.tolerance
        if self.comparator is not None:
            if self.comparator not in COMPARATORS:
                raise PuhuiError(
                    f"没有比较基准“{self.comparator}”。", remedy=f"可用：{'、'.join(COMPARATORS)}。"
                )
            found["tolerance_comparator"] = self.comparator
        if not found:
            raise PuhuiError("没有给出假设。", remedy="请给出容忍度或比较基准。")
        return found


@dataclass(frozen=True)
class Change:
    """One unit's tolerance row as it is and as it would be."""

    institution_id: str
    branch_id: str | None
    before: Row
    after: Row

    @property
    def differs(self) -> bool:
        """Whether the verdict would be another."""
        return self.before["verdict"] != self.after["verdict"]


def whatif(
    bench: Bench, facts: Facts, branches: Iterable[str], supposed: Supposed
) -> tuple[Change, ...]:
    """Judge an institution and its branches again, something about the policy supposed.

    Returns
    -------
    tuple of Change
        The institution, then its branches by id.
    """
    units = tuple(branches)
    other = supposing(bench, **supposed.settings())
    now, then = (tolerance_table(b, facts, units).to_pylist() for b in (bench, other))
    return tuple(
        Change(facts.institution_id, a["branch_id"], a, b) for a, b in zip(now, then, strict=True)
    )


def lines(changes: Sequence[Change], supposed: Supposed) -> Iterator[str]:
    """Write changes line by line, every line marked as supposed."""
    said = []
    if supposed.tolerance is not None:
        said.append(f"容忍度为 {supposed.tolerance} 个百分点")
    if supposed.comparator is not None:
        said.append(f"网点的比较基准为{_WORDS[supposed.comparator]}各项贷款不良率")
    yield f"【{SUPPOSED}】{'，'.join(said)}。以下不是结论，不写入结果。"
    for change in changes:
        unit = change.branch_id or change.institution_id
        mark = "　←　结论不同" if change.differs else ""
        yield f"【{SUPPOSED}】{unit}：{_side(change.before)}　→　{_side(change.after)}{mark}"
    count = sum(change.differs for change in changes)
    yield f"【{SUPPOSED}】{len(changes)} 个单位中，{count} 个的结论会不同。"


def _side(row: Row) -> str:
    word = VERDICTS[str(row["verdict"])]
    if row["gap_num"] is None:
        return word
    gap = Fraction(int(str(row["gap_num"])), int(str(row["gap_den"])))
    digits = digits_for(gap, 4, [Fraction(str(row["tolerance_pp"]))])
    return f"{word}（差额 {half_up(gap, digits)}，界限 {row['tolerance_pp']}）"
