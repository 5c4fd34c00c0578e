"""Identification first: what the benchmark did in the window, and what is left to learn from.

A benchmark varies only over time, on a few dates all institutions share. Before a coefficient
is shown, this room says which values the benchmark took, when, with how many loans; how much of
its variance is left after the effects of a rung; and how much of that is owed to one move and to
one institution.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TypeAlias

from puhui.errors import FitError
from puhui.rates.moments import CellSums, Moments
from puhui.rates.solve import Solution
from puhui.rounding import digits_for, half_up

#: Loans by benchmark level and institution.
Counts: TypeAlias = dict[int, dict[str, int]]


@dataclass(frozen=True)
class IdentificationRules:
    """Settings of the policy; every one is given by the caller.

    Attributes
    ----------
    min_regimes, min_regime_days, min_regime_loans, min_regime_institutions
        How many values of the benchmark must be held how long, by how many loans of how many
        institutions, for a number to be shown at all.
    max_single_move_share
        Per cent of the variance left that one move may carry before the number is weak.
    max_step_trend_r2
        R² of the benchmark on its best single step and a trend beyond which it is weak.
    detectable_se_multiple
        Smallest detectable difference in standard errors.
    min_gap_moves, min_gap_institutions
        How often the gap between two tenors must move, and how many institutions must have
        loans of both, for rung C to have a number.
    """

    min_regimes: int
    min_regime_days: int
    min_regime_loans: int
    min_regime_institutions: int
    max_single_move_share: Decimal
    max_step_trend_r2: Decimal
    detectable_se_multiple: Decimal
    min_gap_moves: int = 2
    min_gap_institutions: int = 5


@dataclass(frozen=True)
class Regime:
    """One value of the benchmark within the window (dates inclusive, rate in percent).

    Comparable are the loans, and their institutions, of cells that saw more than one value.
    """

    benchmark: str
    number: int
    rate: Decimal
    date_from: dt.date
    date_to: dt.date
    days: int
    loans: int
    institutions: int
    comparable_loans: int
    comparable_institutions: int

    def qualifies(self, rules: IdentificationRules, *, comparable: bool = True) -> bool:
        """Whether it lasted long enough, with enough (comparable) loans and institutions."""
        loans, institutions = self._counts(comparable)
        return (
            self.days >= rules.min_regime_days
            and loans >= rules.min_regime_loans
            and institutions >= rules.min_regime_institutions
        )

    def words(self, *, comparable: bool) -> str:
        """Say value, dates, (comparable) loans and institutions in Chinese."""
        loans, institutions = self._counts(comparable)
        return (
            f"{self.date_from}至{self.date_to}为{self.rate.normalize():f}%"
            f"（{self.days}天，{loans}笔，{institutions}家机构）"
        )

    def _counts(self, comparable: bool) -> tuple[int, int]:
        if comparable:
            return self.comparable_loans, self.comparable_institutions
        return self.loans, self.institutions


@dataclass(frozen=True)
class Path:
    """Steps of each benchmark over common dates.

    ``values[b][p]`` is benchmark ``b``'s rate from ``dates[p]`` on; ``None`` before it begins.
    The level of a loan is ``b * len(dates) + p``.
    """

    benchmarks: tuple[str, ...]
    dates: tuple[dt.date, ...]
    values: tuple[tuple[Decimal | None, ...], ...]

    def level(self, benchmark: str, day: dt.date) -> int:
        """Code of the benchmark and the interval between moves a day falls in."""
        period = sum(1 for d in self.dates if d <= day) - 1
        if period < 0:
            raise FitError(f"{benchmark} 的路径从 {self.dates[0]} 开始，没有 {day} 的值。")
        return self.benchmarks.index(benchmark) * len(self.dates) + period

    def rate(self, level: int) -> Decimal | None:
        """Rate at a level."""
        return self.values[level // len(self.dates)][level % len(self.dates)]

    def moves(self) -> list[dt.date]:
        """Dates after the first at which some benchmark changes value."""
        return list(self.dates[1:])

    def since(self, day: dt.date) -> list[int]:
        """1 at the levels from ``day`` on, else 0: the step at a move."""
        return [int(d >= day) for _ in self.benchmarks for d in self.dates]

    def part(self, day: dt.date, scale: int) -> list[int]:
        """Benchmark change of one move, in force from ``day`` on, by level, as integers."""
        p = self.dates.index(day)
        column = []
        for values in self.values:
            before, after = values[p - 1], values[p]
            change = after - before if before is not None and after is not None else Decimal(0)
            column += [int(change.scaleb(scale)) * int(d >= day) for d in self.dates]
        return column


def path_of(points: Sequence[tuple[str, dt.date, Decimal]], since: dt.date, until: dt.date) -> Path:
    """Build the path between two dates from (benchmark, date in force, rate).

    Repeated values are no move; the value in force at the beginning starts there.

    Raises
    ------
    FitError
        One benchmark has two rates on one date.
    """
    by: dict[str, list[tuple[dt.date, Decimal]]] = {}
    for name, day, value in sorted(points):
        own = by.setdefault(name, [])
        if own and own[-1][0] == day and own[-1][1] != value:
            raise FitError(f"{name} 在 {day} 有两个值：{own[-1][1]} 和 {value}。")
        if not own or own[-1][1] != value:
            own.append((day, value))
    dates = sorted({max(d, since) for own in by.values() for d, _ in own if d <= until})
    values = [
        tuple(next((v for d, v in reversed(own) if d <= day), None) for day in dates)
        for own in by.values()
    ]
    return Path(tuple(by), tuple(dates), tuple(values))


def comparable(sums: CellSums, path: Path) -> Counts:
    """Count the loans of cells within which the benchmark takes more than one value.

    Only these say anything of its coefficient. ``sums`` is free of loans alone in their cell
    and holds them by institution, cell and benchmark level.
    """
    values: dict[int, set[Decimal | None]] = {}
    for cell in sums.cells:
        values.setdefault(cell.absorbed, set()).add(path.rate(cell.levels[0]))
    counts: Counts = {}
    for cell in sums.cells:
        if len(values[cell.absorbed]) > 1:
            own = counts.setdefault(cell.levels[0], {})
            bank = sums.groups[cell.group]
            own[bank] = own.get(bank, 0) + cell.rows
    return counts


def totals(counts: Counts, levels: Iterable[int] | None = None) -> tuple[int, int]:
    """Loans and institutions at some levels, by default at all."""
    chosen = [counts.get(v, {}) for v in (counts if levels is None else levels)]
    return sum(sum(own.values()) for own in chosen), len(set[str]().union(*chosen))


def regimes(
    path: Path, loans: Counts, used: Counts, window: tuple[dt.date, dt.date]
) -> list[Regime]:
    """Values of each benchmark over the window, from all loans and the comparable ones.

    Days count within the window; a value only loans priced before the window carry has none.
    """
    found: list[Regime] = []
    ends = [*(d - dt.timedelta(days=1) for d in path.dates[1:]), max(window[1], path.dates[-1])]
    for b, name in enumerate(path.benchmarks):
        runs: list[list[int]] = []
        for p, value in enumerate(path.values[b]):
            if runs and path.values[b][runs[-1][-1]] == value:
                runs[-1].append(p)
            elif value is not None:
                runs.append([p])
        own: list[Regime] = []
        for run in runs:
            codes = [b * len(path.dates) + p for p in run]
            count = totals(loans, codes)
            start, end = max(path.dates[run[0]], window[0]), min(ends[run[-1]], window[1])
            days = (end - start).days + 1
            if days <= 0:
                start, end, days = path.dates[run[0]], ends[run[-1]], 0
            value = path.values[b][run[0]]
            if value is not None and (days or count[0]):
                both = (*count, *totals(used, codes))
                own.append(Regime(name, len(own) + 1, value, start, end, days, *both))
        found += own
    return found


@dataclass(frozen=True)
class RungReport:
    """What is left of the benchmark after the effects (and trend) of a rung; shares 0 to 1."""

    rung: str
    variance_left: float
    move_share: float
    move_date: dt.date | None
    institution_share: float
    institution: str
    g_star: float
    weak: bool
    sentence: str


@dataclass(frozen=True)
class Identification:
    """Outcome ``none``, ``weak`` or ``ok``, and what it rests on."""

    outcome: str
    sentence: str
    regimes: tuple[Regime, ...]
    step_trend_r2: float | None
    step_date: dt.date | None
    rungs: tuple[RungReport, ...]

    def rung(self, name: str) -> RungReport | None:
        """Report of one rung; ``None`` where nothing is identified."""
        return next((r for r in self.rungs if r.rung == name), None)


def verdict_before_fit(
    found: Sequence[Regime], banks: int, loans: int, label: str, rules: IdentificationRules
) -> str | None:
    """Say why no number can be shown; ``None`` if the regimes of the sample suffice."""
    if banks < rules.min_regime_institutions:
        return (
            f"机构太少：样本内只有{banks}家机构（{loans}笔贷款），少于"
            f"{rules.min_regime_institutions}家，不能估计利率与{label}的关系，不列数字。"
        )
    too_few = _too_few_regimes(found, label, rules, comparable=False)
    return too_few and f"不能识别：窗口期内{too_few}"


def verdict_within_cells(
    found: Sequence[Regime], used: Counts, alone: int, label: str, rules: IdentificationRules
) -> str | None:
    """Say why no number can be shown once only loans that can be compared count.

    ``alone`` is the number of loans dropped because they are alone in their cell.
    """
    loans, banks = totals(used)
    dropped = f"去掉所属效应组合中只有一笔的{alone}笔贷款后，"
    if not loans:
        return f"不能识别：{dropped}{label}在任何效应组合之内都没有变化，不列数字。"
    left = f"{dropped}{label}在所属效应组合内有变化的只有{loans}笔贷款、{banks}家机构，"
    if banks < rules.min_regime_institutions:
        return (
            f"机构太少：{left}少于{rules.min_regime_institutions}家，"
            f"不能估计利率与{label}的关系，不列数字。"
        )
    too_few = _too_few_regimes(found, label, rules, comparable=True)
    return too_few and f"不能识别：{left}其中{too_few}"


def _too_few_regimes(
    found: Sequence[Regime], label: str, rules: IdentificationRules, *, comparable: bool
) -> str | None:
    """What the regimes lack, with dates and counts; ``None`` if one benchmark has enough."""
    by: dict[str, list[Regime]] = {}
    for regime in found:
        by.setdefault(regime.benchmark, []).append(regime)
    for own in by.values():
        if sum(r.qualifies(rules, comparable=comparable) for r in own) >= rules.min_regimes:
            return None
    told = "；".join(
        f"{name}：{'，'.join(r.words(comparable=comparable) for r in own)}"
        for name, own in by.items()
        if any(r.loans for r in own)
    )
    return (
        f"满足“至少{rules.min_regime_days}天、{rules.min_regime_loans}笔、"
        f"{rules.min_regime_institutions}家机构”的{label}水平不足{rules.min_regimes}个，"
        f"不列数字。{told}。"
    )


def step_columns(path: Path) -> dict[str, list[int]]:
    """Step of each move by level, for :func:`best_step`."""
    return {f"step {d}": path.since(d) for d in path.moves()}


def best_step(m: Moments, path: Path) -> tuple[Fraction, dt.date] | None:
    """R² of the benchmark, within the effects, on its best single step and a linear trend.

    ``m`` has the benchmark, the columns of :func:`step_columns`, trend and outcome.
    """
    moves = path.moves()
    q, t = _total(m)
    if not q[0][0]:
        return None
    by_trend = q[0][t] / q[t][t] if q[t][t] else Fraction(0)
    found: list[tuple[Fraction, dt.date]] = []
    for j, d in enumerate(moves, start=1):
        slope = q[j][t] / q[t][t] if q[t][t] else Fraction(0)
        step, joint = q[j][j] - slope * q[j][t], q[0][j] - slope * q[0][t]
        explained = by_trend * q[0][t] + (joint**2 / step if step else 0)
        found.append((explained / q[0][0], d))
    return max(found, key=lambda v: (v[0], -v[1].toordinal()), default=None)


def _total(m: Moments) -> tuple[list[list[Fraction]], int]:
    """Within-cell cross products over all institutions, and the column of the trend."""
    total = sum(m.cross[1:], m.cross[0])
    size = range(len(m.names))
    cross = [[Fraction(int(total[i, j]), m.denominator) for j in size] for i in size]
    return cross, len(m.names) - 2


def variation(sums: CellSums, path: Path, scale: int) -> Fraction:
    """Sum of squares of the benchmark about its mean over the loans, before any effect."""
    column = benchmark_column(path, scale)
    weight = sum(c.weight for c in sums.cells)
    first = sum(c.weight * column[c.levels[0]] for c in sums.cells)
    second = sum(c.weight * column[c.levels[0]] ** 2 for c in sums.cells)
    return (second - Fraction(first**2, weight)) / Fraction(100) ** scale


def benchmark_column(path: Path, scale: int) -> list[int]:
    """Benchmark by level as integers over ``10**scale``."""
    levels = range(len(path.benchmarks) * len(path.dates))
    return [int((path.rate(v) or Decimal(0)).scaleb(scale)) for v in levels]


def report(
    rung: str,
    m: Moments,
    s: Solution,
    total_variation: Fraction,
    shares: dict[dt.date, Fraction],
    step: tuple[Fraction, dt.date] | None,
    label: str,
    rules: IdentificationRules,
) -> RungReport:
    """Put a rung's identification in numbers and words; the benchmark is its first term."""
    column = [row[0] for row in s.leverage]
    largest = max(column)
    move_date, move_share = max(
        ((d, v) for d, v in shares.items()), key=lambda v: v[1], default=(None, Fraction(0))
    )
    reasons = []
    most_share = Fraction(rules.max_single_move_share) / 100
    most_r2 = Fraction(rules.max_step_trend_r2)
    if move_date and move_share > most_share:
        reasons.append(f"剩余变动的{_percent(move_share, 0, most_share)}%来自{move_date}一次调整")
    if step and step[0] > most_r2:
        reasons.append(
            f"{label}可由{step[1]}的一次台阶加线性趋势解释{_percent(step[0], 1, most_r2)}%"
            if step[0] < 1
            else f"{label}完全由{step[1]}的一次台阶加线性趋势决定"
        )
    told = f"识别弱：{'；'.join(reasons)}。" if reasons else "识别条件满足。"
    return RungReport(
        rung,
        float(1 / s.inverse[0] / total_variation) if total_variation else 0.0,
        float(move_share),
        move_date,
        float(largest),
        m.groups[column.index(largest)],
        float(1 / sum(v * v for v in column)),
        bool(reasons),
        told,
    )


def _percent(share: Fraction, digits: int, limit: Fraction) -> str:
    """Write a share in per cent with as many decimals as its limit needs."""
    return half_up(100 * share, digits_for(100 * share, digits, [100 * limit]))
