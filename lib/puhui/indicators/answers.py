"""Answers on rules and mechanisms, what proves them, and what the office itself noted.

A yes counts if it names a document in force; one without is to be verified, and so is one
that a complaint, inspection, penalty or visit of the office speaks against.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow.parquet as pq

from puhui.measures.registers import ANSWERS, YES
from puhui.params import Indicator
from puhui.quarter import Quarter
from puhui.store import Snapshot

NO, NOTHING = "否", "不适用"
#: States of an answer, with what a page says of them.
STATES = {
    "yes": "是",
    "no": "否",
    "nothing": "无此事项",
    "absent": "未答",
    "unproved": "答“是”但没有文号或生效日期",
    "contradicted": "答“是”但与监管记录不符",
    "unclear": "回答不是“是”“否”“不适用”",
}

Answer = Mapping[str, object]


@dataclass(frozen=True)
class Note:
    """What the office noted of an institution on a clause."""

    institution_id: str
    clause: str
    noted_on: dt.date
    fact: str


@dataclass(frozen=True)
class Answers:
    """Answers by quarter and institution, and the office's notes."""

    given: Mapping[tuple[str, str], Mapping[str, Answer]] = field(default_factory=dict)
    lacking: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """Why there are no answers of an institution at a quarter."""
    notes: tuple[Note, ...] = ()

    @classmethod
    def read(cls, snapshots: Iterable[Snapshot], office: Snapshot | None = None) -> Answers:
        """Read the answers of snapshots, and the notes among the office's tables."""
        found = {(s.quarter, s.institution_id): s for s in snapshots}
        lacking = {
            key: snapshot.missing.get(ANSWERS) or "没有报送制度与机制答卷"
            for key, snapshot in found.items()
            if ANSWERS not in snapshot.tables
        }
        return cls(
            _Given({k: s for k, s in found.items() if k not in lacking}), lacking, _notes(office)
        )

    def states(
        self, indicator: Indicator, institution_id: str, quarter: Quarter
    ) -> dict[str, str] | str:
        """State of each item an indicator asks for; a text if there are no answers at all."""
        key = (str(quarter), institution_id)
        if key not in self.given:
            return self.lacking.get(key, f"{quarter} 没有报送制度与机制答卷")
        rows = self.given[key]
        noted = self.note(indicator.clause, institution_id, quarter) is not None
        return {item: _state(rows.get(item), quarter, noted) for item in indicator.items}

    def has_none(self, clause: str, institution_id: str, quarter: Quarter) -> bool:
        """Whether the institution answered that the clause finds nothing there to do."""
        row = self.given.get((str(quarter), institution_id), {}).get(f"{clause}.all")
        return row is not None and row["value"] == NOTHING

    def note(self, clause: str, institution_id: str, quarter: Quarter) -> Note | None:
        """Return the office's latest note of the year on a clause, up to the quarter's end."""
        mine = [
            n
            for n in self.notes
            if (n.institution_id, n.clause) == (institution_id, clause)
            and quarter.year_to_date_start <= n.noted_on <= quarter.end
        ]
        return max(mine, key=lambda n: n.noted_on, default=None)


class _Given(Mapping[tuple[str, str], Mapping[str, Answer]]):
    """Answers of snapshots, each read when it is first asked for."""

    def __init__(self, snapshots: Mapping[tuple[str, str], Snapshot]) -> None:
        self._snapshots = snapshots
        self._read: dict[tuple[str, str], Mapping[str, Answer]] = {}

    def __getitem__(self, key: tuple[str, str]) -> Mapping[str, Answer]:
        if key not in self._read:
            rows = pq.ParquetFile(self._snapshots[key].file(ANSWERS)).read().to_pylist()
            self._read[key] = {row["item"]: row for row in rows}
        return self._read[key]

    def __contains__(self, key: object) -> bool:
        return key in self._snapshots

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._snapshots)

    def __len__(self) -> int:
        return len(self._snapshots)


def _notes(office: Snapshot | None) -> tuple[Note, ...]:
    if office is None or "notes" not in office.tables:
        return ()
    rows = pq.ParquetFile(office.file("notes")).read().to_pylist()
    return tuple(
        Note(r["institution_id"], r["clause"], r["noted_on"], r["fact"])
        for r in rows
        if r["clause"]
    )


def _state(row: Answer | None, quarter: Quarter, noted: bool) -> str:
    if row is None:
        return "absent"
    if row["value"] != YES:
        return {NO: "no", NOTHING: "nothing"}.get(str(row["value"]), "unclear")
    if noted:
        return "contradicted"
    since = row.get("in_force_from")
    in_force = isinstance(since, dt.date) and since <= quarter.end
    return "yes" if row.get("document_no") and in_force else "unproved"


def verdict(states: Sequence[str], *, any_answer: bool) -> str:
    """Verdict of answers by state: met, not_met, to_verify, no_data or not_applicable.

    All must be yes; with ``any_answer`` one of them. What is missing is never met. A clause
    does not apply only where every item finds nothing to do; some items alone cannot take it
    away, and are to be verified.

    Examples
    --------
    >>> verdict(["yes", "unproved"], any_answer=False), verdict(["yes", "no"], any_answer=True)
    ('to_verify', 'met')
    """
    doubtful = any(s in ("unproved", "contradicted", "unclear") for s in states)
    missing = "absent" in states
    if states and all(s == "nothing" for s in states):
        return "not_applicable"
    if any_answer:
        if "yes" in states and "contradicted" not in states:
            return "met"
        if missing:
            return "no_data"
        return "to_verify" if doubtful else "not_met"
    if "no" in states:
        return "not_met"
    if missing:
        return "no_data"
    return "to_verify" if doubtful or "nothing" in states else "met"
