"""Putting the example together: institutions, quarters, files and the truth about them."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from puhui import schema
from puhui.example import east, fill_in, one_sheet, supervisor, truth, village
from puhui.example.book import Book, build
from puhui.example.planted import BREAKS, Broken, broken_loans, insert, places
from puhui.example.profile import FEN_PER_WAN, LARGE_BRANCH, LEDGER_PROFILES, Profile
from puhui.example.returns import file_returns
from puhui.example.snapshot import Row, tables
from puhui.example.steer import steer
from puhui.quarter import Quarter

NOW = Quarter(2021, 4)
BASE = NOW.year_start

#: The filed figure that departs from the ledger: 20 万元 of bad loans left out.
_MISFILED, _MISFILED_BY = "S71_I_3.C1", 2000
_CORPORATE = ("balance_above_amount", "bad_date", "missing_customer", "bad_number")
_TABLE_FILES = {
    "corporate": "EAST_504_对公信贷业务借据表.txt",
    "personal": "EAST_503_个人信贷业务借据表.txt",
}


@dataclass(frozen=True)
class Example:
    """An invented county.

    Attributes
    ----------
    tables
        ``(quarter, institution_id)`` → table → clean rows under canonical column names;
        money in fen (filed returns: hundredths of 万元), rates in basis points.
    files
        Relative path → content of every file, broken rows planted.
    truth
        What is in ``truth.json``.
    """

    tables: dict[tuple[str, str], dict[str, list[Row]]]
    files: dict[str, bytes]
    truth: dict[str, Any]

    def write(self, folder: Path) -> list[Path]:
        """Write all files below a folder, made if missing; returns their paths."""
        written = []
        for name, content in sorted(self.files.items()):
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            written.append(path)
        return written


def small(seed: int = 2021) -> Example:
    """Three institutions, 2020Q4 and 2021Q4; the same bytes for the same seed.

    Raises
    ------
    RunError
        If a seed leaves no room for the planned ratios.

    Examples
    --------
    >>> example = small()
    >>> sorted({q for q, _ in example.tables})
    ['2020Q4', '2021Q4']
    """
    books = [build(profile, seed) for profile in LEDGER_PROFILES]
    county = _Builder(seed)
    for book in books:
        steer(book)
        county.add_book(book)
    county.add_village()
    return county.finish(books)


class _Builder:
    """Collects tables, files and answers while the county is made."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.tables: dict[tuple[str, str], dict[str, list[Row]]] = {}
        self.files: dict[str, bytes] = {}
        self.answers: list[Row] = []
        self.planted: list[Row] = []
        self.differences: list[Row] = []
        self.counts: list[Row] = []

    def add_book(self, book: Book) -> None:
        profile = book.profile
        for quarter in (BASE, NOW):
            snapshot = tables(book, quarter.end)
            if profile.files_returns:
                rows = file_returns(snapshot, profile.institution_id, quarter.end)
                snapshot["returns"] = self._misfile(rows) if quarter == NOW else rows
            self.tables[str(quarter), profile.institution_id] = snapshot
            if profile.layout == "workbook":
                self._write_workbook(profile, quarter, snapshot)
            else:
                self._write_extract(profile, quarter, snapshot)
        self._answer(profile)

    def _misfile(self, rows: list[Row]) -> list[Row]:
        """File one item below the ledger and write the difference down."""
        filed = []
        for row in rows:
            if row["item"] == _MISFILED:
                value = row["value"] - _MISFILED_BY
                self.differences.append(
                    {
                        "quarter": str(NOW),
                        "institution_id": row["institution_id"],
                        "item": _MISFILED,
                        "filed_wan_hundredths": value,
                        "ledger_wan_hundredths": row["value"],
                    }
                )
                row = row | {"value": value}
            filed.append(row)
        return filed

    def _write_workbook(self, profile: Profile, quarter: Quarter, snapshot: Any) -> None:
        loans, customers = snapshot["loans"], snapshot["customers"]
        file = f"submissions/{quarter}/{profile.institution_id}/填报工作簿.xlsx"
        broken: list[Broken] = []
        strangers: list[Broken] = []
        if quarter == NOW:
            branch_id = profile.branches[0][0]
            broken = broken_loans(loans, branch_id, f"{profile.prefix}L9", BREAKS)
            odd = _firm_of_no_size(customers, profile)
            strangers = [Broken("unknown_code", "size", odd)]
        loans, customers = insert(loans, broken), insert(customers, strangers)
        self.files[file] = fill_in.workbook(
            profile, str(quarter), customers, loans, snapshot["returns"]
        )
        first = fill_in.HEADER_ROW + 1
        for table, rows, bad, key in (
            ("customers", customers, strangers, "customer_id"),
            ("loans", loans, broken, "loan_id"),
        ):
            spots = places(rows, bad, key, first)
            self._note(quarter, profile, file, table, rows, spots, 2 * (table == "loans"))
        self._note(quarter, profile, file, "returns", snapshot["returns"], [])

    def _write_extract(self, profile: Profile, quarter: Quarter, snapshot: Any) -> None:
        customers = snapshot["customers"]
        firms = {c["customer_id"] for c in customers if east.is_organisation(c)}
        folder = f"submissions/{quarter}/{profile.institution_id}/"
        parts: dict[str, list[Row]] = {}
        for part, prefix in (("corporate", "DXL91"), ("personal", "DXL92")):
            mine = part == "corporate"
            rows = [x for x in snapshot["loans"] if (x["customer_id"] in firms) == mine]
            breaks = [b for b in BREAKS if (b[0] in _CORPORATE) == mine]
            bad: list[Broken] = []
            if quarter == NOW:
                bad = broken_loans(rows, profile.branches[0][0], prefix, breaks)
            parts[part] = insert(rows, bad)
            spots = places(parts[part], bad, "loan_id", 2)
            self._note(quarter, profile, folder + _TABLE_FILES[part], "loans", parts[part], spots)
        made = east.extract(profile, quarter.end, customers, parts["corporate"], parts["personal"])
        for name, content in made.items():
            self.files[folder + name] = content
            if name not in _TABLE_FILES.values():
                encoded = content.decode("gbk").count("\r\n") - 1
                self.counts.append(_count(quarter, profile, folder + name, name, encoded, 0, 0))

    def _note(
        self,
        quarter: Quarter,
        profile: Profile,
        file: str,
        table: str,
        rows: list[Row],
        spots: list[Row],
        trailers: int = 0,
    ) -> None:
        """Write down where broken rows stand and how many rows a table of a file holds."""
        sheet = schema.label(table) if file.endswith("xlsx") else None
        for spot in spots:
            self.planted.append(
                {
                    "quarter": str(quarter),
                    "institution_id": profile.institution_id,
                    "file": file,
                    "sheet": sheet,
                    "table": table,
                    **spot,
                }
            )
        self.counts.append(_count(quarter, profile, file, table, len(rows), len(spots), trailers))

    def _answer(self, profile: Profile) -> None:
        unit = profile.institution_id
        now, base = (self.tables[str(q), unit] for q in (NOW, BASE))
        judged = profile.level == "legal_person"
        sums = {
            "ledger": (truth.facts(now, NOW.year), truth.facts(base, BASE.year)),
        }
        if profile.files_returns:
            filed = [truth.facts_from_returns(t["returns"]) for t in (now, base)]
            sums["returns"] = (filed[0], filed[1])
        for source, (after, before) in sums.items():
            self.answers += truth.unit_rows(_key(unit, source), after, before, judged=judged)
        whole = sums["ledger"][0]
        comparator = Fraction(100 * whole.all_npl, whole.all_loans)
        if profile.legal_person_npl_bp is not None:
            comparator = Fraction(profile.legal_person_npl_bp, 100)
        for branch_id, _ in profile.branches:
            part = truth.facts(now, NOW.year, branch_id)
            self.answers.append(truth.branch_row(_key(unit, "ledger", branch_id), part, comparator))

    def add_village(self) -> None:
        """Add the one-sheet institution: its comparatives stand in its own columns."""
        unit, quarter = village.INSTITUTION_ID, str(NOW)
        file = f"submissions/{quarter}/{unit}/{one_sheet.SHEET}.xlsx"
        self.files[file] = one_sheet.sheet(unit, village.NAME, quarter)
        dates = (NOW, NOW.year_start, NOW.year_ago, NOW.previous)
        self.tables[quarter, unit] = {
            "returns": [
                {
                    "institution_id": unit,
                    "item": item,
                    "as_of": day,
                    "basis": "as_filed",
                    "value": value * (100 if wan == "万元" else 1),
                    "unit": wan,
                }
                for item, _, wan, values in village.FIGURES
                for day, value in _once(dates, values)
            ]
        }
        self.answers += truth.unit_rows(
            _key(unit, "returns"), village.facts(0), village.facts(1), judged=True
        )
        self.counts.append(
            {
                "quarter": quarter,
                "institution_id": unit,
                "file": file,
                "table": "returns",
                "rows": len(village.FIGURES),
                "planted": 0,
                "sound": len(village.FIGURES),
                "trailer_rows": 0,
            }
        )

    def finish(self, books: list[Book]) -> Example:
        """Add the supervisor's files, the key and the truth."""
        base = truth.facts(self.tables[str(BASE), LARGE_BRANCH.institution_id], BASE.year)
        target = base.assessed * 13 // 10 // FEN_PER_WAN * FEN_PER_WAN
        own = supervisor.rows(target)
        self.files |= supervisor.files(own)
        digest = hashlib.sha256(b"puhui example: public test key").hexdigest()
        self.files["hash.key"] = (digest + "\n").encode()
        content = {
            "seed": self.seed,
            "quarter": str(NOW),
            "base": str(BASE),
            "indicators": self.answers,
            "planted": self.planted,
            "return_differences": self.differences,
            "row_counts": self.counts,
            "private": _private(books, self.tables),
        }
        text = json.dumps(content, ensure_ascii=False, indent=1)
        self.files["truth.json"] = (text + "\n").encode()
        return Example(self.tables, self.files, content)


def _key(institution_id: str, source: str, branch_id: str | None = None) -> Row:
    return {
        "quarter": str(NOW),
        "institution_id": institution_id,
        "branch_id": branch_id,
        "source": source,
    }


def _count(
    quarter: Quarter, profile: Profile, file: str, table: str, rows: int, bad: int, trailers: int
) -> Row:
    """Rows of a file or sheet below its header: sound, planted, and 合计/备注 beside them."""
    return {
        "quarter": str(quarter),
        "institution_id": profile.institution_id,
        "file": file,
        "table": table,
        "rows": rows,
        "planted": bad,
        "sound": rows - bad,
        "trailer_rows": trailers,
    }


def _once(dates: tuple[Quarter, ...], values: tuple[int, ...]) -> list[tuple[dt.date, int]]:
    """Date and value of each column; in a fourth quarter two columns are the same date."""
    return sorted({q.end: v for q, v in zip(dates, values, strict=True)}.items())


def _firm_of_no_size(customers: list[Row], profile: Profile) -> Row:
    """Return a firm without loans whose size is not one of the four."""
    model = next(c for c in customers if c["kind"] == "enterprise")
    return model | {"customer_id": f"{profile.prefix}C90001", "size": "特大型"}


def _private(books: list[Book], known: dict[tuple[str, str], Any]) -> dict[str, list[str]]:
    """Everything of natural persons that was written and must not come out again.

    Firms' names and codes are not private; an individual business's are, whoever it trades as.
    """
    filed = {c["customer_id"] for t in known.values() for c in t.get("customers", [])}
    found: dict[str, set[str]] = {
        k: set() for k in ("names", "certificates", "phones", "customer_ids", "staff_ids")
    }
    for book in books:
        found["staff_ids"] |= {loan.staff_id for loan in book.loans}
        for customer in book.customers:
            if customer.customer_id not in filed:
                continue
            found["phones"].add(customer.phone)
            if customer.head_id:
                found["certificates"].add(customer.head_id)
            if customer.segment.kind != "enterprise":
                found["names"].add(customer.name)
                found["certificates"].add(customer.certificate_no)
                found["customer_ids"].add(customer.customer_id)
    return {k: sorted(v) for k, v in found.items()}
