"""Flags of a judged row: what is not known for sure, and whether it could change the verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

from puhui.indicators import doubts
from puhui.indicators.evaluation import Bench, Evaluation, Facts, evaluate, evaluate_part
from puhui.indicators.trends import went_wrong, wrong_before
from puhui.indicators.verdicts import fraction, judge, numbers, passes
from puhui.params import Indicator
from puhui.params.expression import Value
from puhui.params.indicator import RULES
from puhui.quarter import Quarter

Row = Mapping[str, object]


class Doubting:
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
        checks = self._cross_checks(now)
        all_used = [*now.used, *(row for one in checks.values() for row in one.used)]
        whole = replace(now, used=tuple(all_used))
        evaluations = [whole, *([base] if base is not None and base.used else [])]
        used = [row for one in evaluations for row in one.used]
        if self.indicator.only_flags and not self._within_limit():
            flags.append("near_limit")
            said.append("超过本项目自定的提示线，不作为未达标")
        elif any(m.get("slack") for m in used) and self._could_change(now, base, doubts.rounding):
            flags.append("near_limit")
            said.append("报表数按单位四舍五入，在半个单位内移动就会改变结论")
        count = sum(one.set_aside for one in evaluations)
        doubted = list(dict.fromkeys(str(m["doubt"]) for m in used if m.get("doubt")))
        moved = count and (
            self._could_change(now, base, doubts.set_aside) or self._reserve_could_change(checks)
        )
        if moved:
            flags.append("provisional")
            said.append(f"有 {count} 行被隔离未计入，按最不利情形结论会改变，更正后再定")
        elif count:
            said.append(f"有 {count} 行被隔离未计入，按最不利情形结论也不变")
        if doubted:
            flags += [] if "provisional" in flags else ["provisional"]
            said += doubted
        return flags, said

    def _cross_checks(self, now: Evaluation) -> dict[str, Evaluation]:
        """Parts that make the difference between met and met_reserved, where they have a value."""
        if self.row["verdict"] not in ("met", "met_reserved") or now.source is None:
            return {}
        args = (self.bench, self.indicator, self.facts, self.branch_id)
        found = {n: evaluate_part(*args, n, now.source) for n in self.indicator.reserved_by}
        return {n: one for n, one in found.items() if isinstance(one.value, Fraction)}

    def _reserve_could_change(self, checks: Mapping[str, Evaluation]) -> bool:
        """Whether quarantined rows could make a cross-check pass that does not, or the reverse."""
        possible = {name: self._part_verdicts(name, one) for name, one in checks.items()}
        if any(one is None for one in possible.values()):
            return True
        now = bool(self.row["reserved_by"])
        could_fail = any(False in one for one in possible.values() if one is not None)
        could_pass = all(True in one for one in possible.values() if one is not None)
        return could_pass if now else could_fail

    def _part_verdicts(self, name: str, done: Evaluation) -> set[bool] | None:
        """Whether a part passes at the extremes; ``None`` if that cannot be told."""
        source, test = str(done.source), str(self.indicator.test)
        args = (self.indicator, self.facts, self.branch_id, name, source)
        ends = doubts.extremes(
            self.bench, done, lambda bench: evaluate_part(bench, *args).value, doubts.set_aside
        )
        limit = Fraction(str(self.row["threshold"]))
        return None if ends is None else {passes(test, end, limit) for end in ends}

    def _within_limit(self) -> bool:
        value, test = fraction(self.row, "value"), self.indicator.test
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
        fields = numbers("value", value)
        if base is not None:
            fields |= numbers("base", base)
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
