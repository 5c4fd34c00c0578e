"""What is known of every person in a case: the bank's register, and the office's own findings.

The reference date is not the bank's to choose: it is the quarter end at which the loan was first
non-performing in the ledgers sent quarter by quarter, the bank's own date only where those do not
reach back. The tolerance then is the stricter of the bank's own target and the notice's.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import pyarrow.parquet as pq

from puhui import derive, schema
from puhui.derive import RowContext
from puhui.eligibility.exemption import NOT_SENT, Cell, Column, Given, decide, settles
from puhui.eligibility.tolerance import TOLERANCE
from puhui.engine import Engine
from puhui.indicators import Bench, Facts, evaluate, result_row
from puhui.measures import REGISTER
from puhui.params.exemption import UNIT, RuleTable
from puhui.params.expression import NoData
from puhui.quarter import Quarter
from puhui.store import Snapshot

Row = Mapping[str, Any]
CASES, PERSONS = "cases", "case_persons"
#: The measure of a bank's own target.
OWN_TOLERANCE = "own_tolerance"
WITHIN: Column = ("unit", "within_tolerance")
_SEPARATOR = re.compile(r"[;；,，、\s]+")


@dataclass(frozen=True)
class Within:
    """Tolerance of a unit at a quarter end; ``held`` ``None``: not known, ``reason`` says why."""

    quarter: Quarter
    held: bool | None
    gap: Fraction | None = None
    limit: Fraction | None = None
    own: Fraction | None = None
    source: str = ""
    reason: str = ""
    provisional: bool = False


@dataclass
class Tolerances:
    """Tolerance of one institution's units at any quarter end, each worked out once."""

    bench: Bench
    facts: Facts
    _found: dict[tuple[Quarter, str | None], Within] = field(default_factory=dict)

    def at(self, quarter: Quarter, branch_id: str | None) -> Within:
        """Return the tolerance of a branch, or of the institution for ``None``."""
        key = (quarter, branch_id)
        if key not in self._found:
            self._found[key] = self._work_out(quarter, branch_id)
        return self._found[key]

    def _work_out(self, quarter: Quarter, branch_id: str | None) -> Within:
        if quarter > self.bench.quarter:
            return Within(quarter, None, reason=f"{quarter} 尚未报送")
        bench, facts = self.bench.at(quarter), self.facts
        if quarter != self.bench.quarter:
            # What the register publishes of the legal person holds for the run's quarter only.
            facts = replace(facts, values={**facts.values, "legal_person_npl_ratio": None})
        indicator = bench.params.indicators[TOLERANCE]
        found = evaluate(bench, indicator, facts.at(branch_id), branch_id)
        own = self._own_target(quarter)
        laid_down = bench.params.policy.on(quarter.end)["npl_tolerance_pp"]
        limits = [Fraction(v) for v in (laid_down, own) if v is not None]
        limit = min(limits, default=None)
        if isinstance(found.value, NoData):
            # Nothing inclusive to measure is no tolerance kept; no figures is not known.
            held = False if found.nothing else None
            return Within(quarter, held, None, limit, own, "", "；".join(found.value.reasons))
        assert isinstance(found.value, Fraction)
        if limit is None:
            return Within(quarter, None, found.value, None, own, reason="该日期没有规定容忍度")
        row = result_row(bench, indicator, facts, branch_id)
        flags = row["flags"]
        return Within(
            quarter,
            found.value <= limit,
            found.value,
            limit,
            own,
            found.source or "",
            provisional=isinstance(flags, list) and "provisional" in flags,
        )

    def _own_target(self, quarter: Quarter) -> Fraction | None:
        """The bank's target: answered for that quarter, else today's if in force by then."""
        institution = self.facts.institution_id
        for asked in (quarter, self.bench.quarter):
            row = self.bench.measures.get((str(asked), institution, None, OWN_TOLERANCE, REGISTER))
            if row is None or row["value"] is None:
                continue
            given = self.bench.answers.given.get((str(asked), institution), {})
            since = [r.get("in_force_from") for i, r in given.items() if i.startswith("C7.1.")]
            days = [d for d in since if isinstance(d, dt.date)]
            if asked == quarter or (days and max(days) <= quarter.end):
                return Fraction(str(row["value"]))
        return None


@dataclass(frozen=True)
class Person:
    """A person in a role in a case, with what the office found beside the bank's register."""

    person: Row
    case: Row | None
    given: Given
    reference: Quarter | None
    declared: Quarter | None
    at_reference: Within | None
    at_opening: Within | None
    at_finding: Within | None
    to_verify: tuple[str, ...]


@dataclass(frozen=True)
class Register:
    """An institution's cases of a quarter, or why there are none."""

    revision: int
    cases: Mapping[str, Row]
    persons: tuple[Row, ...]
    unsent: frozenset[Column]
    """Columns the submission does not have."""
    reason: str = ""


def read_register(snapshot: Snapshot | None) -> Register:
    """Read ``cases`` and ``case_persons`` of an institution's snapshot."""
    if snapshot is None:
        return Register(0, {}, (), frozenset(), "本季没有报送")
    for table in (CASES, PERSONS):
        if table not in snapshot.tables:
            why = snapshot.missing.get(table) or f"没有报送{schema.label(table)}"
            return Register(snapshot.revision, {}, (), frozenset(), why)
    kinds = (("case", CASES), ("person", PERSONS))
    unsent = frozenset((q, c) for q, t in kinds for c in snapshot.absent.get(t, ()))
    rows = {t: pq.ParquetFile(snapshot.file(t)).read().to_pylist() for _, t in kinds}
    cases = {r["case_id"]: r for r in rows[CASES]}
    keys = ("case_id", "person_id", "role")
    persons = sorted(rows[PERSONS], key=lambda r: [str(r[k]) for k in keys])
    return Register(snapshot.revision, cases, tuple(persons), unsent)


def loans_of(case: Row) -> list[str]:
    """Loans a case is about."""
    return [one for one in _SEPARATOR.split(str(case["loan_ids"] or "")) if one]


@dataclass(frozen=True)
class FirstBad:
    """When loans were first non-performing at a quarter end, as the ledgers have it.

    ``certain``: a ledger of the quarter before is there too, so that it is the first.
    """

    quarters: Mapping[str, Quarter]
    ledgers: frozenset[Quarter]

    def of(self, loan_ids: Iterable[str]) -> Quarter | None:
        """Return the first quarter any of the loans was non-performing; ``None`` if unsure."""
        found = [self.quarters[i] for i in loan_ids if i in self.quarters]
        first = min(found, default=None)
        return first if first is not None and first.previous in self.ledgers else None


def first_bad(engine: Engine, bench: Bench, snapshots: Sequence[Snapshot]) -> FirstBad:
    """Find for every loan of an institution the first quarter end it was non-performing.

    Parameters
    ----------
    engine
        An open engine; views ``loans`` and ``customers`` are made over the snapshots.
    snapshots
        The institution's, of all quarters.
    """
    sent = [s for s in snapshots if derive.LOANS in s.tables]
    quarters = frozenset(Quarter.parse(s.quarter) for s in sent)
    if not sent:
        return FirstBad({}, quarters)
    derive.source_view(engine, derive.LOANS, sent)
    is_npl = bench.params.derived["is_npl"].expression
    parts = [
        f"SELECT loan_id, quarter FROM {derive.LOANS} l WHERE quarter = '{quarter}' "
        f"AND {RowContext(bench.params, quarter, engine.dialect).sql(is_npl)}"
        for quarter in sorted(quarters)
    ]
    union = " UNION ALL ".join(parts)
    sql = f"SELECT loan_id, min(quarter) AS first FROM ({union}) x GROUP BY loan_id"
    rows = engine.sql(sql).to_pylist()
    return FirstBad({r["loan_id"]: Quarter.parse(r["first"]) for r in rows}, quarters)


@dataclass(frozen=True)
class Office:
    """What the office itself knows.

    ``heads``: branch → hashed id of its head (``None``: not registered); ``penalties``: rows of
    its notes that are penalties, by institution.
    """

    heads: Mapping[str, str | None]
    penalties: Mapping[str, tuple[Row, ...]]

    @classmethod
    def read(cls, branches: Iterable[Row], office: Snapshot | None) -> Office:
        """Read the register of branches, and the penalties among the office's notes."""
        heads = {str(b["branch_id"]): b.get("head_staff_id") for b in branches}
        penalties: dict[str, list[Row]] = {}
        if office is not None and "notes" in office.tables:
            for row in pq.ParquetFile(office.file("notes")).read().to_pylist():
                if row["kind"] == "penalty":
                    penalties.setdefault(row["institution_id"], []).append(row)
        return cls(heads, {k: tuple(v) for k, v in penalties.items()})


@dataclass(frozen=True)
class Knowing:
    """Puts together what is known of each person of one institution."""

    table: RuleTable
    tolerances: Tolerances
    register: Register
    first: FirstBad
    office: Office

    @property
    def quarter(self) -> Quarter:
        """The run's quarter."""
        return self.tolerances.bench.quarter

    def persons(self) -> list[Person]:
        """Every person and role, in order."""
        return [self._person(row) for row in self.register.persons]

    def _person(self, row: Row) -> Person:
        case = self.register.cases.get(row["case_id"])
        declared = None if case is None else _quarter(case["first_npl_on"])
        ledger = None if case is None else self.first.of(loans_of(case))
        reference = ledger or declared
        branch = None
        if case is not None and row["role"] != "department":
            branch = case["branch_id"]
        opened, found = (
            None if case is None or case[day] is None else _quarter(case[day])
            for day in ("opened_on", "finding_on")
        )
        at, at_opening, at_finding = (
            None if q is None else self.tolerances.at(q, branch) for q in (reference, opened, found)
        )
        given = self._given(row, case, at)
        doubts = [
            *self._of_register(row, case, given),
            *self._of_dates(declared, ledger),
            *self._of_tolerance(given, at, [at_opening, at_finding]),
            *self._of_notes(row),
        ]
        return Person(
            row, case, given, reference, declared, at, at_opening, at_finding, tuple(doubts)
        )

    def _given(self, row: Row, case: Row | None, within: Within | None) -> Given:
        policy = self.tolerances.bench.params.policy.on(self.quarter.end)
        cells: dict[Column, Cell] = {}
        for qualifier, name in (*self.table.columns, ("person", "role"), ("person", "liability")):
            if qualifier == "policy":
                cells[qualifier, name] = policy[name]
            elif qualifier == "unit":
                held = within.held if within is not None else None
                is_head = self._is_head(row, case)
                cells[qualifier, name] = held if name == "within_tolerance" else is_head
            else:
                cells[qualifier, name] = self._cell(qualifier, name, row, case)
        sent = f"{self.quarter} {self.tolerances.facts.institution_id} 第{self.register.revision}版"
        sources = {
            "case": f"{sent}{schema.label(CASES)}",
            "person": f"{sent}{schema.label(PERSONS)}",
            "policy": f"{self.quarter.end} 的政策参数",
            "unit": _said(within) if within is not None else "",
        }
        return Given(cells, sources)

    def _cell(self, qualifier: str, name: str, row: Row, case: Row | None) -> Cell:
        column = (qualifier, name)
        source = case if qualifier == "case" else row
        if source is None:
            return NOT_SENT
        if column in self.register.unsent:
            # A record nobody has a column for is a record there is not; that is said beside it.
            return None if column in self.table.given else NOT_SENT
        value: Cell = source[name]
        # Record numbers are only asked whether there are any, and are not carried further.
        hidden = column in self.table.given and isinstance(value, str)
        return True if hidden and value else value

    def _is_head(self, row: Row, case: Row | None) -> bool | None:
        """Whether the person heads the branch: by the office's register, else by the case."""
        beside = [
            r["person_id"] == row["person_id"]
            for r in self.register.persons
            if r["case_id"] == row["case_id"] and r["role"] == "head"
        ]
        if any(beside):
            return True
        head = None if case is None else self.office.heads.get(str(case["branch_id"]))
        if head is not None:
            return bool(head == row["person_id"])
        return False if beside else None

    def _of_register(self, row: Row, case: Row | None, given: Given) -> Iterator[str]:
        """What the register lacks: the case itself, or columns that could have helped."""
        if case is None:
            yield "案件一行没有报送或已隔离，只有人员一行"
        unsent = self.table.given & self.register.unsent
        asked = decide(
            self.table, replace(given, cells={**given.cells, **dict.fromkeys(unsent, NOT_SENT)})
        )
        if asked.outcome != decide(self.table, given).outcome:
            deciding = [label(c) for c in sorted(unsent) if ".".join(c) in asked.missing]
            yield f"没有报送下列各列，按没有处理：{'、'.join(deciding)}"

    def _of_dates(self, declared: Quarter | None, ledger: Quarter | None) -> Iterator[str]:
        if ledger is not None and declared != ledger:
            yield f"所报首次列为不良在 {declared}，台账最早在 {ledger}，以台账为准"

    def _of_tolerance(
        self, given: Given, at: Within | None, others: Sequence[Within | None]
    ) -> Iterator[str]:
        """Say where another date, or a row set aside, gives another decision."""
        if at is None:
            return
        if at.provisional and settles(self.table, given, WITHIN, (True, False)):
            yield f"{at.quarter} 的容忍度结论为暂定"
        for other, when in zip(others, ("启动认定", "认定结论"), strict=True):
            if other is None or other.held is None or other.held == at.held:
                continue
            if settles(self.table, given, WITHIN, (at.held, other.held)):
                here = {True: "在容忍度以内", False: "超过容忍度", None: "不明"}
                yield (
                    f"首次列为不良时（{at.quarter}）{here[at.held]}，"
                    f"{when}时（{other.quarter}）{here[other.held]}，结论不同"
                )

    def _of_notes(self, row: Row) -> Iterator[str]:
        """Set a declared "no breach" against the office's own record of penalties."""
        if row["breach"] != "none":
            return
        for note in self.office.penalties.get(self.tolerances.facts.institution_id, ()):
            if note["noted_on"] <= self.quarter.end:
                yield f"所报无违规，监管记录有处罚（{note['noted_on']}：{note['fact']}）"


def label(column: Column) -> str:
    """Chinese name of a column of the register, of a setting or of what the office finds."""
    qualifier, name = column
    table = {"case": CASES, "person": PERSONS}.get(qualifier)
    if table is None:
        return UNIT.get(name, name)
    return next(c.label for c in schema.columns(table) if c.name == name)


def _quarter(day: dt.date | None) -> Quarter | None:
    return None if day is None else Quarter.of(day)


def _said(within: Within) -> str:
    if within.gap is None or within.limit is None:
        return f"{within.quarter} 末：{within.reason}"
    return f"{within.quarter} 末差额 {within.gap} 百分点，界限 {within.limit} 百分点"
