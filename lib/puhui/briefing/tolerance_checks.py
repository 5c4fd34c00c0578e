"""What stands beside the tolerance verdict: other comparator, cross-checks, headroom, history."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from fractions import Fraction

from puhui.briefing.figures import Figure, beside, exact, ratio
from puhui.briefing.judged import PASSED
from puhui.briefing.overall import joined
from puhui.briefing.source import Row, Source
from puhui.briefing.table import Column, NoData, Table
from puhui.briefing.words import Words
from puhui.results import VERDICTS

#: Quarters in a row beyond the limit from which a branch is named.
_IN_A_ROW = 2


def checks_table(
    table_id: str, source: Source, rows: Sequence[Row], names: Sequence[str]
) -> tuple[Table, ...]:
    """Return cross-checks and headroom by unit; no table where no unit has a gap."""
    columns = (
        Column("unit", "机构"),
        Column("other_gap", "另一基准差额", "百分点", "pp"),
        Column("other_verdict", "另一基准结论"),
        Column("with_removed", "加回核销转让差额", "百分点", "pp"),
        Column("with_late", "计入逾期90天差额", "百分点", "pp"),
        Column("put_off", "延期续贷占比", "%", "percent"),
        Column("headroom", "余量", "元", "number"),
        Column("to_recover", "需收回", "元", "number"),
        Column("to_upgrade", "或需上调", "元", "number"),
    )
    cells = tuple(
        (
            name,
            _points(row, ratio(row.get("other_gap_num"), row.get("other_gap_den"))),
            VERDICTS.get(row.get("other_verdict") or "", "—"),
            _points(row, exact(row.get("with_removed_pp"))),
            _points(row, exact(row.get("with_late_pp"))),
            _number(row.get("put_off_pct"), "percent"),
            _number(row.get("headroom"), "number"),
            _number(row.get("to_recover"), "number"),
            _number(row.get("to_upgrade"), "number"),
        )
        for row, name in zip(rows, names, strict=True)
        if row.get("headroom_kind")
    )
    title = source.words.text("institution.tolerance.checks_caption")
    return (Table(table_id, title, columns, cells),) if cells else ()


def _points(row: Row, value: Fraction | None) -> Figure | NoData:
    """Points with as many digits as tell them from the limit; a dash where there are none."""
    bound = exact(row["tolerance_pp"])
    if value is None:
        return NoData("", "—")
    return beside(value, "pp", bound)


def _number(value: object, kind: str) -> Figure | NoData:
    number = exact(value)
    return NoData("", "—") if number is None else Figure(number, kind)


def remarks(source: Source, rows: Sequence[Row], names: Sequence[str]) -> list[str]:
    """Sentences on headroom, cross-checks, the other comparator, own limits and history."""
    words = source.words
    said = [*_headroom(words, rows[0])] if rows and rows[0]["branch_id"] is None else []
    lists = {
        "reserved": [n for r, n in zip(rows, names, strict=True) if r["verdict"] == "met_reserved"],
        "disagree": list(_disagreeing(rows, names)),
        "own_limit": list(_own(words, rows, names)),
    }
    said += [
        words.text(f"institution.tolerance.{k}", list=joined(v)) for k, v in lists.items() if v
    ]
    if rows:
        said += _history(source, rows[0]["institution_id"])
    return said


def _headroom(words: Words, row: Row) -> Iterator[str]:
    """Say how far the whole institution is from its limit, and what was written off."""
    kind = row.get("headroom_kind")
    if not kind:
        return
    amounts = {name: _yuan(row[column]) for name, column in _AMOUNTS.items()}
    yield words.text(f"institution.tolerance.headroom.{kind}", **amounts)
    removed = row.get("removed")
    if removed:
        yield words.text("institution.tolerance.headroom.removed", amount=_yuan(removed))


_AMOUNTS = {"room": "headroom", "recover": "to_recover", "upgrade": "to_upgrade"}


def _yuan(value: object) -> str:
    number = exact(value)
    return "—" if number is None else Figure(number, "number").text


def _disagreeing(rows: Sequence[Row], names: Sequence[str]) -> Iterator[str]:
    """Branches that would pass under the one comparator and not under the other."""
    for row, name in zip(rows, names, strict=True):
        mine, other = row["verdict"], row.get("other_verdict") or ""
        sides = {PASSED.get(mine), PASSED.get(other)}
        if sides == {True, False}:
            yield f"{name}（{VERDICTS[mine]}→{VERDICTS[other]}）"


def _own(words: Words, rows: Sequence[Row], names: Sequence[str]) -> Iterator[str]:
    """Units whose verdict by the bank's own limit is another than by the notice's."""
    for row, name in zip(rows, names, strict=True):
        own = row.get("own_verdict")
        if own and PASSED.get(row["verdict"]) is not PASSED[own]:
            key = "institution.tolerance.own_limit_one"
            limit = row["own_tolerance_pp"]
            yield words.text(key, name=name, limit=limit, verdict=VERDICTS[own])


def _history(source: Source, institution_id: str) -> list[str]:
    """The institution's gap by quarter, and branches beyond the limit for quarters in a row."""
    words = source.words
    past = source.tolerance_history(institution_id)
    own = [r for r in past if r["branch_id"] is None and r["gap_num"] is not None]
    said = []
    if len(own) > 1:
        parts = [f"{r['quarter']} {_gap(r)}（{VERDICTS[r['verdict']]}）" for r in own]
        said.append(words.text("institution.tolerance.history", list=joined(parts)))
    runs: dict[str, int] = defaultdict(int)
    for row in past:
        branch = row["branch_id"]
        if branch is not None:
            runs[branch] = runs[branch] + 1 if row["verdict"] == "not_met" else 0
    named = [
        words.text("institution.tolerance.run", name=source.branch_name(institution_id, b), count=n)
        for b, n in sorted(runs.items())
        if n >= _IN_A_ROW
    ]
    if named:
        said.append(words.text("institution.tolerance.runs", list=joined(named)))
    return said


def _gap(row: Row) -> str:
    shown = _points(row, ratio(row["gap_num"], row["gap_den"]))
    return shown.text if isinstance(shown, Figure) else "—"
