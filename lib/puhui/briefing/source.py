"""What pages are made from: gathered results and plain metadata, with the look-ups they need."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from puhui.briefing.figures import exact, ratio
from puhui.briefing.words import Words
from puhui.errors import RunError
from puhui.quarter import Quarter

Row = Mapping[str, Any]
#: Stands in intake for rows of a shared file that belong to no single institution.
SHARED = "_shared"
#: Stands for an institution in rows on the county as a whole.
COUNTY = "county"
#: The clause that counts all others (C1); it is no requirement of its own.
OVERALL = "C1"


@dataclass(frozen=True)
class ClauseWords:
    """A requirement of the notice as a page says it.

    ``force`` is one of ban, must, strive, encourage (empty: none); ``section`` the notice's
    section number as text.
    """

    clause: str
    section: str
    force: str
    wording: str


@dataclass(frozen=True)
class IndicatorWords:
    """What a page says about an indicator; texts in Chinese, from the catalogue.

    ``force`` is one of ban, must, strive, encourage (empty: ``shown``); ``section`` the
    notice's section number as text; ``formula`` and ``test`` are formula and test in words.
    ``kind`` is rule, trend, list, att or shown; ``pending`` says why there is no answer yet;
    ``parts`` are labels of the figures shown beside the value.
    """

    indicator_id: str
    label: str
    clause: str
    section: str
    force: str
    wording: str
    unit: str
    formula: str
    test: str
    kind: str = "rule"
    tier: str = ""
    pending: str = ""
    parts: Mapping[str, str] = field(default_factory=dict)
    is_total: bool = False


@dataclass(frozen=True)
class Edit:
    """What an analyst wrote instead of a sentence, and the sentence as it was then."""

    generated: str
    text: str


@dataclass(frozen=True)
class Edits:
    """The edits of a page by the keys of its sentences.

    ``file`` is where they stand; ``error`` says why the file could not be read.
    """

    file: str
    by_key: Mapping[str, Edit] = field(default_factory=dict)
    error: str = ""


@dataclass(frozen=True)
class Source:
    """Gathered results of one quarter.

    Attributes
    ----------
    quarter
        The quarter the pages are about.
    results
        Tables of :data:`puhui.results.SCHEMAS` by name; absent ones count as empty.
    institutions
        Columns institution_id, name, kind, level, is_local_legal_person.
    branches
        Columns branch_id, institution_id, name.
    catalogue
        Indicator id → its words, in the order pages list them.
    notice
        Clause id → its words, in the order of the notice.
    words
        Sentence templates.
    meta
        Plain text for header and footer: office, version, params, policy, inputs, selection.
    failed
        Institution id → what failed and why.
    edits
        Page (:data:`COUNTY` or institution id) → sentences an analyst wrote instead.
    """

    quarter: Quarter
    results: Mapping[str, pa.Table]
    institutions: pa.Table
    branches: pa.Table
    catalogue: Mapping[str, IndicatorWords]
    notice: Mapping[str, ClauseWords]
    words: Words
    meta: Mapping[str, str]
    failed: Mapping[str, str]
    edits: Mapping[str, Edits] = field(default_factory=dict)

    def table(self, name: str) -> pa.Table | None:
        """Return a result table, or ``None`` if it was not gathered."""
        return self.results.get(name)

    @cached_property
    def _institutions(self) -> dict[str, Row]:
        rows = sorted(self.institutions.to_pylist(), key=lambda r: r["institution_id"])
        return {row["institution_id"]: row for row in rows}

    @property
    def institution_ids(self) -> tuple[str, ...]:
        """Institutions of the register, in order."""
        return tuple(self._institutions)

    @property
    def submitting_ids(self) -> tuple[str, ...]:
        """Everyone whose rows intake counted, :data:`SHARED` included, in order."""
        return tuple(sorted(i for i in self._by_institution["intake"] if i))

    def institution(self, institution_id: str) -> Row:
        """Return an institution's register row.

        Raises
        ------
        RunError
            If the register has no such institution.
        """
        row = self._institutions.get(institution_id)
        if row is None:
            raise RunError(
                f"机构名录中没有“{institution_id}”。", remedy="请核对机构编号或补充机构名录。"
            )
        return row

    def name(self, institution_id: str) -> str:
        """Return an institution's name."""
        return str(self.institution(institution_id)["name"])

    @cached_property
    def _branch_names(self) -> dict[tuple[str, str], str]:
        rows = self.branches.to_pylist()
        return {(r["institution_id"], r["branch_id"]): r["name"] for r in rows}

    def branch_name(self, institution_id: str, branch_id: str) -> str:
        """Return a branch's name; its number where the register lacks it."""
        return self._branch_names.get((institution_id, branch_id)) or branch_id

    @cached_property
    def _by_institution(self) -> dict[str, dict[str, list[Row]]]:
        grouped: dict[str, dict[str, list[Row]]] = {}
        quarter = str(self.quarter)
        for name in ("indicators", "clauses", "tolerance", "intake"):
            grouped[name] = defaultdict(list)
            table = self.table(name)
            for row in table.to_pylist() if table is not None else ():
                if row["quarter"] == quarter:
                    grouped[name][row["institution_id"]].append(row)
        return grouped

    def indicators(self, institution_id: str) -> tuple[Row, ...]:
        """Return the institution's own indicator rows, in catalogue order."""
        order = {key: n for n, key in enumerate(self.catalogue)}
        rows = self._by_institution["indicators"].get(institution_id, ())
        own = [r for r in rows if r["branch_id"] is None and r["indicator_id"] in order]
        return tuple(sorted(own, key=lambda r: order[r["indicator_id"]]))

    def indicator(self, institution_id: str, indicator_id: str) -> Row | None:
        """Return one indicator row of the institution itself, if there is one."""
        known = indicator_id in self.catalogue
        return self._own.get((institution_id, indicator_id)) if known else None

    @cached_property
    def _own(self) -> dict[tuple[str, str], Row]:
        rows = (r for found in self._by_institution["indicators"].values() for r in found)
        return {(r["institution_id"], r["indicator_id"]): r for r in rows if not r["branch_id"]}

    def clauses(self, institution_id: str) -> tuple[Row, ...]:
        """Return the institution's own clause rows in the notice's order, without C1."""
        found = {
            r["clause"]: r
            for r in self._by_institution["clauses"].get(institution_id, ())
            if r["branch_id"] is None
        }
        return tuple(found[c] for c in self.notice if c in found and c != OVERALL)

    def counted(self, institution_id: str) -> Row | None:
        """Return the row of C1: how many clauses came out how, now and a quarter before."""
        rows = self._by_institution["clauses"].get(institution_id, ())
        return next((r for r in rows if r["clause"] == OVERALL and not r["branch_id"]), None)

    @cached_property
    def by_clause(self) -> Mapping[str, tuple[IndicatorWords, ...]]:
        """Indicators of each clause of the notice; a clause may have none (C1)."""
        found: dict[str, tuple[IndicatorWords, ...]] = dict.fromkeys(self.notice, ())
        for entry in self.catalogue.values():
            found[entry.clause] = (*found.get(entry.clause, ()), entry)
        return found

    def tolerance(self, institution_id: str) -> tuple[Row, ...]:
        """Return tolerance rows: the institution first, then branches by number."""
        rows = self._by_institution["tolerance"].get(institution_id, ())
        return tuple(sorted(rows, key=lambda r: (r["branch_id"] is not None, r["branch_id"] or "")))

    @cached_property
    def _past(self) -> dict[str, list[Row]]:
        found: dict[str, list[Row]] = defaultdict(list)
        table = self.table("tolerance_history")
        for row in table.to_pylist() if table is not None else ():
            found[row["institution_id"]].append(row)
        return found

    def tolerance_history(self, institution_id: str) -> tuple[Row, ...]:
        """Return tolerance rows of all quarters, oldest first, branches by number."""
        rows = self._past.get(institution_id, ())
        return tuple(sorted(rows, key=lambda r: (r["quarter"], r["branch_id"] or "")))

    def intake(self, institution_id: str) -> tuple[Row, ...]:
        """Return intake rows by file and table."""
        rows = self._by_institution["intake"].get(institution_id, ())
        return tuple(sorted(rows, key=lambda r: (r["file"] or "", r["table"] or "")))

    def finding_counts(self, institution_id: str) -> tuple[Row, ...]:
        """Return one row per check: check_id, severity, table, message of the first, count."""
        table = self.table("findings")
        if table is None:
            return ()
        mask = pc.and_(
            pc.equal(table["institution_id"], institution_id),
            pc.equal(table["quarter"], str(self.quarter)),
        )
        counts: dict[tuple[str, str, str], dict[str, Any]] = {}
        for row in table.filter(mask).select(_FINDING).to_pylist():
            key = (row["severity"], row["check_id"], row["table"] or "")
            counts.setdefault(key, {**row, "count": 0})["count"] += 1
        order = {"error": 0, "warning": 1, "reasonableness": 2}
        ranked = sorted(counts, key=lambda k: (order.get(k[0], 9), -counts[k]["count"], k))
        return tuple(counts[key] for key in ranked)

    @cached_property
    def _measures(self) -> dict[tuple[str, str, str], dict[str, Decimal | None]]:
        table = self.table("measures")
        if table is None:
            return {}
        own = table.filter(pc.is_null(table["branch_id"]))
        found: dict[tuple[str, str, str], dict[str, Decimal | None]] = defaultdict(dict)
        for row in own.select(_MEASURE).to_pylist():
            key = (row["institution_id"], row["quarter"], row["measure_id"])
            found[key][row["source"]] = row["value"]
        return found

    @cached_property
    def _parts(self) -> dict[tuple[str, str, str], Fraction | None]:
        found = {}
        for row in self.rows("parts"):
            if row["branch_id"] is None:
                value = ratio(row["value_num"], row["value_den"])
                key = (row["institution_id"], row["indicator_id"], row["part"])
                found[key] = exact(row["value"]) if value is None else value
        return found

    def parts(self, institution_id: str) -> tuple[Row, ...]:
        """Return what is shown beside the institution's own indicators, in catalogue order."""
        order = {
            (i, p): (n, m)
            for n, (i, entry) in enumerate(self.catalogue.items())
            for m, p in enumerate(entry.parts)
        }
        rows = [
            r
            for r in self.rows("parts")
            if r["institution_id"] == institution_id
            and r["branch_id"] is None
            and (r["indicator_id"], r["part"]) in order
        ]
        return tuple(sorted(rows, key=lambda r: order[r["indicator_id"], r["part"]]))

    def part(self, institution_id: str, indicator_id: str, part: str) -> Fraction | None:
        """Return a figure shown beside an indicator of the institution itself, if it is known."""
        return self._parts.get((institution_id, indicator_id, part))

    def measure(
        self, institution_id: str, measure_id: str, quarter: Quarter, source: str | None
    ) -> Decimal | None:
        """Return a measure of the institution itself in the given source, if it has a value."""
        by_source = self._measures.get((institution_id, str(quarter), measure_id), {})
        return by_source.get(source or "")

    def rows(self, name: str) -> tuple[Row, ...]:
        """Return all rows of the quarter in a small table (regressions, spreads, parts)."""
        table = self.table(name)
        rows = table.to_pylist() if table is not None else []
        return tuple(r for r in rows if r["quarter"] == str(self.quarter))


_FINDING = ["check_id", "severity", "table", "file", "message"]
_MEASURE = ["institution_id", "quarter", "measure_id", "source", "value"]
