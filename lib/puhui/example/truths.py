"""The truth beside the files, as tables of plain text: what the generator did, never asked back."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from puhui.example import answers, conduct, leads
from puhui.example.answers import Sums
from puhui.example.columns import Ints, calendar_day, day_number
from puhui.example.days import add_months, month_number
from puhui.example.ledger import BENCHMARKS
from puhui.example.lives import DISCOUNT, FLOATING, LPR_1Y, LPR_5Y, OWN, Book
from puhui.example.pricing import DRIFT, FIRST_MONTH, LAST_MONTH, RELIEF, RELIEF_SINCE, lpr_bp
from puhui.example.reporting import EARLY_EXTRACTS, RESUBMITS, Reports
from puhui.example.roster import FIRST, LAST, QUARTERS, ROSTER, Unit
from puhui.example.segments import LIMIT_FEN, SEGMENTS
from puhui.quarter import Quarter

Row = dict[str, Any]
_CLAUSES = ("C2.1a", "C2.1b", "C3.1a", "C4.1a", "C7.2")
_UNITS = ("百分点", "户", "%", "%", "百分点")
_WINDOW = day_number(FIRST.start)


def answer_rows(reports: Reports, quarter: Quarter) -> list[Row]:
    """Values and verdicts of the five computed clauses, by source, unit and revision.

    Insurers are in it, as not applicable; a bank that files figures and a ledger is in it
    twice, and the one that resubmits once more under revision 2.
    """
    rows: list[Row] = []
    planned = _planned(reports)
    for unit in reports.units(quarter):
        institution = reports.id_of(unit)
        key = {
            "quarter": str(quarter),
            "institution_id": institution,
            "branch_id": None,
            "source": None,
            "revision": 1,
        }
        if not unit.is_bank:
            rows += [_not_bound(key, c, u) for c, u in zip(_CLAUSES, _UNITS, strict=True)]
            continue
        revisions = (1, 2) if unit.short == RESUBMITS and quarter == LAST else (1,)
        for source, revision in [("returns", r) for r in revisions] + [("ledger", 1)]:
            sums = _sums(reports, quarter, unit, source, revision)
            if sums["now"]:
                mine = key | {"source": source, "revision": revision}
                rows += answers.unit_rows(unit, mine, sums, planned=institution in planned)
        rows += _branch_rows(reports, quarter, unit, key)
    return rows


def _planned(reports: Reports) -> set[str]:
    plans = reports.supervisor.get("plans")
    return set() if plans is None else set(plans["institution_id"].to_pylist())


def _not_bound(key: Row, clause: str, unit: str) -> Row:
    nothing = dict.fromkeys(("num", "den", "base_num", "base_den"))
    return {**key, "indicator_id": clause, "verdict": "not_applicable", "unit": unit, **nothing}


def _sums(
    reports: Reports, quarter: Quarter, unit: Unit, source: str, revision: int
) -> dict[str, Sums]:
    before = quarter.previous
    dates = {
        "now": quarter,
        "base": quarter.year_start,
        "before": before,
        "before_base": before.year_start,
    }
    found: dict[str, Sums] = {}
    for name, date in dates.items():
        if date not in QUARTERS or date < unit.since:
            found[name] = {}
        elif source == "returns":
            found[name] = answers.of_items(reports.filed_items(date, unit, revision))
        elif unit.has_ledger:
            found[name] = vars(answers.of_ledger(reports.marks(date, unit.short)))
        else:
            found[name] = {}
    return found


def _branch_rows(reports: Reports, quarter: Quarter, unit: Unit, key: Row) -> list[Row]:
    if not unit.has_ledger:
        return []
    marks = reports.marks(quarter, unit.short)
    filed = answers.of_items(reports.filed_items(quarter, unit))
    whole = filed or vars(answers.of_ledger(marks))
    beside = answers.comparator_of(unit, whole)
    rows = []
    for branch in answers.branches_of(marks):
        place = {"branch_id": f"{key['institution_id']}B{branch + 1:02d}", "source": "ledger"}
        sums = vars(answers.of_ledger(marks, branch))
        rows.append(answers.branch_row(key | place, sums, beside))
    return rows


def pricing_rows(reports: Reports) -> list[Row]:
    """True pricing equation of each bank: level, pass-through, who is floating and off contract."""
    rows = []
    for book in reports.county.books.values():
        unit = book.unit
        rows.append(
            {
                "institution_id": reports.id_of(unit),
                "has_ledger": unit.has_ledger,
                "level_bp": unit.level_bp,
                "pass_through_permille": unit.pass_through,
                "floating_permille": unit.floating,
                "off_contract_permille": unit.off_contract,
                "relief_bp": RELIEF // 1000,
                "relief_since": calendar_day(RELIEF_SINCE).isoformat(),
                "drift_bp_a_year": DRIFT // 1000,
                "rise_2021_bp": conduct.DEARER.get(unit.short, 0),
                "loans": len(book.loans["amount"]),
                "off_contract_loans": int(off_contract(book).sum()),
            }
        )
    return rows


def off_contract(book: Book) -> Any:
    """Mask of floating loans whose rate is not LPR plus the spread on file."""
    loans = book.loans
    floats = loans["rate_type"] == FLOATING
    return floats & (loans["recorded_bp"] != loans["spread_bp"])


def off_contract_rows(reports: Reports) -> list[Row]:
    """Every IOU whose rate breaks its own spread."""
    rows = []
    for book in reports.county.books.values():
        loans = book.loans
        for i in np.flatnonzero(off_contract(book)).tolist():
            rows.append(
                {
                    "institution_id": reports.id_of(book.unit),
                    "loan_id": f"{book.unit.short}L{i + 1:06d}",
                    "priced_on": calendar_day(loans["priced_on"][i]).isoformat(),
                    "benchmark": BENCHMARKS[int(loans["benchmark"][i])].as_py(),
                    "spread_on_file_bp": int(loans["recorded_bp"][i]),
                    "true_spread_bp": int(loans["spread_bp"][i]),
                }
            )
    return rows


def spread_rows(reports: Reports) -> list[Row]:
    """What new inclusive loans cost over LPR, by ledger bank and quarter of pricing.

    Drawn since October 2019 within the line at drawdown, from own funds, no bills; LPR in force
    on the pricing day, of the tenor the contract names, else by term. Sums of fen, and of fen
    times basis points.
    """
    rows = []
    for book in reports.county.books.values():
        if not book.unit.has_ledger:
            continue
        priced, amount, rate, lpr = _new_inclusive(book)
        quarter = month_number(priced) // 3
        for number in np.unique(quarter).tolist():
            mine = quarter == number
            rows.append(
                {
                    "institution_id": reports.id_of(book.unit),
                    "priced_in": str(Quarter(1970 + number // 4, number % 4 + 1)),
                    "loans": int(mine.sum()),
                    "amount": int(amount[mine].sum()),
                    "rate_amount": int((amount * rate)[mine].sum()),
                    "lpr_amount": int((amount * lpr)[mine].sum()),
                }
            )
    return rows


def _new_inclusive(book: Book) -> tuple[Ints, Ints, Ints, Ints]:
    """Pricing day, amount, rate and LPR of the loans :func:`spread_rows` is about."""
    loans = book.loans
    kinds = np.array([s.is_inclusive_kind for s in SEGMENTS])
    takes = kinds[book.customers["segment"][loans["customer"]]] & (loans["product"] != DISCOUNT)
    takes &= book.line_on(loans["customer"], loans["drawn_on"]) <= LIMIT_FEN
    takes &= (loans["is_business_loan"] == 1) & (loans["drawn_on"] >= _WINDOW)
    if book.unit.sends not in EARLY_EXTRACTS:  # those do not say where the funds come from
        takes &= loans["funding_source"] == OWN
    named = loans["benchmark"] >= LPR_1Y
    by_term = loans["matures_on"] > add_months(loans["drawn_on"], 60)
    lpr = lpr_bp(np.where(named, loans["benchmark"] == LPR_5Y, by_term), loans["priced_on"])
    return (
        loans["priced_on"][takes],
        loans["amount"][takes],
        loans["rate_at_drawdown"][takes],
        lpr[takes],
    )


def shock_rows(reports: Reports) -> list[Row]:
    """The common shock of every month, thousandths of a basis point."""
    months = range(FIRST_MONTH, LAST_MONTH + 1)
    return [
        {"month": f"{1970 + m // 12}-{m % 12 + 1:02d}", "shock_millibp": int(s)}
        for m, s in zip(months, reports.county.shocks.tolist(), strict=True)
    ]


def private_rows(reports: Reports) -> list[Row]:
    """One in ten of the persons in the submitted ledgers: what may not come out again.

    Of an organisation that is the certificate of its head; an organisation's own name and code
    are not private, an individual business's are, whoever it trades as.
    """
    facts = reports.county.people.facts
    rows = []
    for book in (b for b in reports.county.books.values() if b.unit.has_ledger):
        customers = np.arange(0, len(book.customers["entity"]), 10)
        entities = book.customers["entity"][customers]
        for customer, entity in zip(customers.tolist(), entities.tolist(), strict=True):
            rows.append({"what": "certificate", "text": facts["person_id"][entity].as_py()})
            if not facts["is_organisation"][entity]:
                rows += [
                    {"what": "name", "text": facts["name"][entity].as_py()},
                    {"what": "phone", "text": facts["phone_hash"][entity].as_py()},
                    {"what": "customer_id", "text": f"{book.unit.short}C{customer + 1:05d}"},
                ]
    return rows


def tables(reports: Reports, quarters: Sequence[Quarter] = QUARTERS) -> dict[str, list[Row]]:
    """Every truth table but those about files: rows by table name."""
    county = reports.county
    if not reports.differences:
        reports.note_differences()
    registers = {(q, u.short): reports.registers(q, u) for q in QUARTERS for u in ROSTER}
    persons = leads.persons(county, registers)
    situations = conduct.situations(county, registers)
    situations += leads.situations(county, registers, county.leads, persons)
    situations += conduct.overall(county, situations)
    return {
        "answers": [row for q in quarters for row in answer_rows(reports, q)],
        "situations": situations,
        "leads": county.leads,
        "persons": persons,
        "pricing": pricing_rows(reports),
        "off_contract": off_contract_rows(reports),
        "spreads": spread_rows(reports),
        "shocks": shock_rows(reports),
        "differences": reports.differences,
        "private": private_rows(reports),
    }


def text(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Rows as CSV in UTF-8; nothing for None, lists joined by ``;``."""
    buffer = io.StringIO()
    if rows:
        writer = csv.DictWriter(buffer, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({k: _cell(v) for k, v in row.items()})
    return buffer.getvalue().encode()


def _cell(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return ";".join(str(v) for v in value)
    return int(value) if isinstance(value, bool) else value
