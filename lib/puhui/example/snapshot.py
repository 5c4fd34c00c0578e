"""What a book looks like at a quarter's end: rows named as the canonical columns.

Money stays integer fen and rates integer basis points here; writers turn them into text.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from puhui.example.book import Book, Customer, Loan
from puhui.example.identity import COUNTY
from puhui.example.market import lpr_bp, months_between

Row = dict[str, Any]

_STATUS = {"written_off": "written_off", "transferred": "transferred"}


def is_filed(loan: Loan, day: dt.date) -> bool:
    """Whether an IOU is in the ledger: outstanding, or drawn or closed in the year."""
    if loan.drawn_on > day:
        return False
    return loan.closed_on is None or loan.closed_on > day or loan.closed_on.year == day.year


def is_closed(loan: Loan, day: dt.date) -> bool:
    """Whether the IOU has ended by the day."""
    return loan.closed_on is not None and loan.closed_on <= day


def scheduled_balance(loan: Loan, day: dt.date) -> int:
    """Outstanding principal in fen if it is paid as agreed up to arrears or the day."""
    until = min(day, loan.overdue_since) if loan.overdue_since else day
    if not loan.instalments:
        return loan.amount
    term = months_between(loan.drawn_on, loan.matures_on)
    left = max(1, term - months_between(loan.drawn_on, until))
    return loan.amount * left // term


def balance(loan: Loan, day: dt.date) -> int:
    """Balance in fen: nothing once closed, a pinned figure, else by schedule."""
    if is_closed(loan, day):
        return 0
    return loan.pinned.get(day, scheduled_balance(loan, day))


def overdue_days(loan: Loan, day: dt.date) -> int:
    """Days in arrears; 0 if none."""
    if loan.overdue_since is None or loan.overdue_since > day:
        return 0
    return (day - loan.overdue_since).days + 1


def five_class(loan: Loan, day: dt.date) -> str:
    """Five-tier class from days in arrears, the watch list and the way it ended."""
    if is_closed(loan, day):
        return {"written_off": "loss", "transferred": "substandard"}.get(
            loan.closure or "", "normal"
        )
    days = overdue_days(loan, day)
    if days > 90:
        return "substandard" if days <= 180 else "doubtful" if days <= 360 else "loss"
    watched = loan.watch_since is not None and loan.watch_since <= day
    return "special_mention" if days or watched else "normal"


def loan_row(loan: Loan, institution_id: str, day: dt.date) -> Row:
    """One row of ``loans`` at a day."""
    closed = is_closed(loan, day)
    owed = balance(loan, day)
    days = 0 if closed else overdue_days(loan, day)
    gone = scheduled_balance(loan, loan.closed_on) if closed and loan.closed_on else 0
    repriced_on, rate_now = _repricing(loan, min(day, loan.closed_on or day))
    settled = _STATUS.get(loan.closure or "", "settled")
    return {
        "institution_id": institution_id,
        "loan_id": loan.loan_id,
        "branch_id": loan.branch_id,
        "customer_id": loan.customer.customer_id,
        "contract_id": "HT" + loan.loan_id,
        "priced_on": loan.priced_on,
        "product": loan.product,
        "is_business_loan": loan.is_business,
        "issue_kind": loan.issue_kind,
        "amount": loan.amount,
        "balance": owed,
        "drawn_on": loan.drawn_on,
        "matures_on": loan.matures_on,
        "closed_on": loan.closed_on if closed else None,
        "closure": loan.closure if closed else None,
        "written_off_amount": gone if closed and loan.closure == "written_off" else None,
        "transferred_amount": gone if closed and loan.closure == "transferred" else None,
        "rate_at_drawdown": loan.rate_bp,
        "rate_now": rate_now,
        "rate_type": loan.rate_type,
        "benchmark": loan.benchmark,
        "spread_bp": loan.spread_bp,
        "repriced_on": repriced_on,
        "funding_source": loan.funding_source,
        "guarantee": loan.guarantee,
        "mitigants": loan.mitigants,
        "five_class": five_class(loan, day),
        "principal_overdue": owed if days and loan.matures_on < day else 0,
        "interest_overdue": owed * loan.rate_bp * days // 3_600_000,
        "overdue_since": loan.overdue_since if days else None,
        "status": settled if closed else "overdue" if days else "normal",
        "credit_line_at_drawdown": loan.customer.line_on(loan.drawn_on),
        "is_revolving": loan.is_revolving,
        "is_online": loan.is_online,
        "is_agricultural": loan.customer.industry.startswith("A"),
        "predecessor_loan_id": loan.predecessor,
        "staff_id": loan.staff_id,
    }


def _repricing(loan: Loan, day: dt.date) -> tuple[dt.date | None, int]:
    """Floating loans reprice on the first of January at the LPR then in force."""
    new_year = dt.date(day.year, 1, 1)
    if loan.rate_type != "floating" or loan.drawn_on >= new_year or loan.spread_bp is None:
        return None, loan.rate_bp
    tenor = (loan.benchmark or "").removeprefix("lpr:")
    return new_year, lpr_bp(tenor, new_year) + loan.spread_bp


def customer_row(customer: Customer, institution_id: str, scope: str, day: dt.date) -> Row:
    """One row of ``customers`` at a day."""
    return {
        "institution_id": institution_id,
        "customer_id": customer.customer_id,
        "certificate_no": customer.certificate_no,
        "name": customer.name,
        "kind": customer.segment.kind,
        "size": customer.segment.size,
        "industry": customer.industry,
        "county_code": COUNTY,
        "staff_count": customer.staff_count,
        "founded_on": customer.founded_on,
        "legal_representative_id": customer.head_id,
        "phone_hash": customer.phone,
        "credit_line": customer.line_on(day),
        "credit_line_scope": scope,
    }


def tables(book: Book, day: dt.date) -> dict[str, list[Row]]:
    """Return ``customers`` and ``loans`` of an institution at a day, customers with an IOU only."""
    institution_id, scope = book.profile.institution_id, book.profile.line_scope
    filed = [loan for loan in book.loans if is_filed(loan, day)]
    known = {loan.customer.customer_id for loan in filed}
    return {
        "customers": [
            customer_row(c, institution_id, scope, day)
            for c in book.customers
            if c.customer_id in known
        ],
        "loans": [loan_row(loan, institution_id, day) for loan in filed],
    }
