"""What a loan costs with fees, and how long it takes: row by row, exact."""

from __future__ import annotations

from fractions import Fraction

import pandas as pd

from again.figures import BOOK, Missing, Nothing, View
from again.ledger import Ledger, among


def all_in_cost(v: View) -> Fraction:
    """Σ(A·r + Σ fee × 12 ÷ months) ÷ ΣA of the year's inclusive loans, percent.

    Fees are the bank's own that the borrower bears, less what was waived. Without fees or a
    signed nil return nobody knows, and a cost is never just the rate.
    """
    if v("incl_drawn") == 0:
        raise Nothing
    book = v.county.book(v.institution, v.at) if v.source == BOOK and v.branch is None else None
    fees = v.county.sent(v.institution, v.at).get("fees")
    if book is None or fees is None:
        raise Missing("fees")
    return (v("incl_interest") + 100 * own_fees(book, fees)) / v("incl_drawn")


def own_fees(book: Ledger, fees: pd.DataFrame) -> Fraction:
    """The bank's own fees by the year, in yuan; those that recur are yearly already.

    A fee of a loan that is not in the ledger belongs to nothing drawn this year.
    """
    loans = pd.DataFrame(
        {"loan_id": book.col("loan_id"), "counts": book.drawn_rated, "months": book.months}
    )
    rows = fees.merge(loans, on="loan_id", validate="m:1")
    mine = among(rows["charged_by"], {"bank"}) & among(rows["borne_by"], {"borrower"})
    mine &= rows["counts"].astype("boolean")
    rows = rows[mine.fillna(True)]
    if mine.isna().any() or rows[["amount", "waived", "recurring", "months"]].isna().any(axis=None):
        raise Missing("fees")
    total = Fraction(0)
    for row in rows.itertuples():
        months = 12 if row.recurring else max(1, int(row.months))
        total += Fraction(12 * int(row.amount - row.waived), 100 * months)
    return total


def days_to_money(v: View) -> list[int]:
    """Days from application to money of small and micro customers, in order."""
    tables = v.county.sent(v.institution, v.at)
    asked, customers = tables.get("applications"), tables.get("customers")
    if asked is None:
        raise Missing("applications")
    if customers is None:
        customers = pd.DataFrame({n: pd.Series([], dtype="string") for n in KNOWN})
    whose = customers[KNOWN].rename(columns={"kind": "of_kind"})
    rows = asked.merge(whose, on="customer_id", how="left", validate="m:1")
    firm = among(rows["of_kind"], {"enterprise"}) & among(rows["size"], {"small", "micro"})
    small = firm | among(rows["of_kind"], {"individual_business", "mse_owner"})
    given = among(rows["decision"], {"granted"}) & rows["disbursed_on"].notna().astype("boolean")
    mine = given & small
    days = (rows["disbursed_on"] - rows["applied_on"]).dt.days[mine.fillna(True)]
    if mine.isna().any() or days.isna().any():
        raise Missing("days")
    if days.empty:
        raise Nothing
    return sorted(int(d) for d in days)


KNOWN = ["customer_id", "kind", "size"]


def median_days(v: View) -> Fraction:
    days = days_to_money(v)
    return Fraction(days[(len(days) - 1) // 2] + days[len(days) // 2], 2)


def ninety_percent_days(v: View) -> Fraction:
    """Days within which nine in ten had their money: the smallest number that many keep."""
    days = days_to_money(v)
    enough = next(n for n in range(1, len(days) + 1) if 10 * n >= 9 * len(days))
    return Fraction(days[enough - 1])
