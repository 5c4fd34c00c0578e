"""What the difference between two tenors of a benchmark did: all that rung C learns from."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations

from puhui.rates.identify import IdentificationRules
from puhui.rates.levels import Levels
from puhui.rates.moments import CellSums


@dataclass(frozen=True)
class GapMove:
    """A day on which the gap changed, from and to, in percentage points."""

    day: dt.date
    before: Decimal
    after: Decimal

    @property
    def change_bp(self) -> Decimal:
        """Change in basis points."""
        return 100 * (self.after - self.before)


@dataclass(frozen=True)
class Gap:
    """Two tenors, their gap's moves over the months that hold loans of both, and who has both.

    Attributes
    ----------
    tenors
        Two benchmarks; fewer where the sample holds one only.
    moves
        Changes of the gap between months, or parts of months, that hold loans of both tenors.
    months, loans
        Such months (a divided one counts once) and the loans in them.
    institutions
        Institutions with loans of both tenors.
    """

    tenors: tuple[str, ...]
    moves: tuple[GapMove, ...] = ()
    months: int = 0
    loans: int = 0
    institutions: int = 0


def gap_of(sums: CellSums, levels: Levels) -> Gap:
    """Find the pair of tenors whose gap moves most often; loans alone in their cell do not count.

    Parameters
    ----------
    sums
        Scan by institution, cell and level, free of loans alone in their cell.
    """
    path = levels.path
    pairs = combinations(range(len(path.benchmarks)), 2)
    found = [_between(sums, levels, a, b) for a, b in pairs]
    return max(found, key=lambda g: (len(g.moves), g.institutions), default=Gap(path.benchmarks))


def _between(sums: CellSums, levels: Levels, a: int, b: int) -> Gap:
    path = levels.path
    loans: dict[tuple[int, int], dict[int, int]] = {}
    holders: dict[int, set[int]] = {a: set(), b: set()}
    for cell in sums.cells:
        level = levels.of[cell.levels[0]]
        if level.benchmark in holders:
            holders[level.benchmark].add(cell.group)
            own = loans.setdefault((level.month, level.interval), {})
            own[level.benchmark] = own.get(level.benchmark, 0) + cell.rows
    both = sorted(span for span, own in loans.items() if len(own) == 2)
    gaps = [_gap(levels, span[1], a, b) for span in both]
    moves = tuple(
        GapMove(_day(levels, before[1], after[1], a, b), old, new)
        for before, after, old, new in zip(both, both[1:], gaps, gaps[1:], strict=False)
        if old != new
    )
    return Gap(
        (path.benchmarks[a], path.benchmarks[b]),
        moves,
        len({month for month, _ in both}),
        sum(sum(loans[span].values()) for span in both),
        len(holders[a] & holders[b]),
    )


def _gap(levels: Levels, interval: int, a: int, b: int) -> Decimal:
    one, two = (levels.path.values[k][interval] for k in (a, b))
    return (two or Decimal(0)) - (one or Decimal(0))


def _day(levels: Levels, before: int, after: int, a: int, b: int) -> dt.date:
    """Find the first day between two intervals on which the gap was no longer what it was."""
    old = _gap(levels, before, a, b)
    at = next(p for p in range(before + 1, after + 1) if _gap(levels, p, a, b) != old)
    return levels.path.dates[at]


def verdict_on_gap(gap: Gap, label: str, rules: IdentificationRules) -> str | None:
    """Say why rung C can have no number; ``None`` if the gap's moves and its holders suffice."""
    if len(gap.tenors) < 2:
        return (
            f"不能识别：样本只有一个期限品种（{'、'.join(gap.tenors)}），没有期限利差，"
            f"{label}的传导与这些月份的其他原因分不开，不列数字。"
        )
    named = "与".join(gap.tenors)
    if len(gap.moves) < rules.min_gap_moves:
        return (
            f"不能识别：在两种期限都有贷款的{gap.months}个月里，{named}之差只变动"
            f"{len(gap.moves)}次，少于{rules.min_gap_moves}次，不列数字。"
        )
    if gap.institutions < rules.min_gap_institutions:
        return (
            f"不能识别：{named}两种期限都有贷款的机构只有{gap.institutions}家，"
            f"少于{rules.min_gap_institutions}家，不列数字。"
        )
    return None


def gap_words(gap: Gap) -> str:
    """Moves of the gap, months, loans and institutions, in a sentence."""
    moves = "，".join(f"{m.day}由{m.before.normalize():f}变为{m.after.normalize():f}"
                      for m in gap.moves)  # fmt: skip
    return (
        f"{'与'.join(gap.tenors)}之差（百分点）{moves}；两种期限都有贷款的有{gap.months}个月、"
        f"{gap.loans}笔，{gap.institutions}家机构两种都有。"
    )
