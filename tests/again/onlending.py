"""On-lent funds beside similar local loans: the rate of the worst cell less theirs.

A cell is kind of customer, band of term, guarantee and quarter of drawdown. Similar are the
other inclusive loans of the year in the same cell at all ledgers of institutions of the same
kind. A cell with fewer than five loans on either side is listed, not judged.
"""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction

import pandas as pd

from again.figures import BOOK, Missing, Nothing, View
from again.ledger import Ledger

LEAST = 5
#: Cell → number of loans, amount in fen, amount × millionths of a percent.
Cells = dict[tuple[str, ...], tuple[int, int, int]]


def onlending_gap(v: View) -> Fraction:
    """Basis points by which the worst cell's weighted rate lies above similar loans'."""
    book = v.county.book(v.institution, v.at) if v.source == BOOK and v.branch is None else None
    if book is None:
        raise Missing("on-lending")
    lent, known = cells(book, on_lent=True)
    if not known:
        raise Missing("on-lending")
    similar: dict[tuple[str, ...], list[tuple[int, int, int]]] = defaultdict(list)
    for other in v.county.alike(v.institution, v.at):
        for key, sums in cells(other, on_lent=False)[0].items():
            similar[key].append(sums)
    gaps = []
    for key, (count, amount, interest) in lent.items():
        number, whole, theirs = (sum(part) for part in zip(*similar[key], (0, 0, 0), strict=True))
        if count >= LEAST and number >= LEAST and amount and whole:
            gaps.append(Fraction(interest, amount) - Fraction(theirs, whole))
    if not gaps:
        raise Nothing
    return 100 * max(gaps) / 1_000_000


def cells(book: Ledger, *, on_lent: bool) -> tuple[Cells, bool]:
    """Loans of one side by cell, and whether all that may stand there are known in full."""
    funds = book.col("funding_source")
    frame = pd.DataFrame(
        {
            "kind": book.col("of_kind"),
            "term": terms(book),
            "guarantee": book.col("guarantee"),
            "drawn": book.col("drawn_on").dt.quarter.astype("Int64").astype("string"),
            "funds": funds,
            "amount": book.col("amount"),
            "rate": book.col("rate_at_drawdown"),
        }
    )[book.drawn_rated.fillna(True)]
    full = frame.notna().all(axis=1) & book.drawn_rated.notna()[frame.index]
    side = (frame["funds"] == "policy_onlent") == on_lent
    found: Cells = {}
    for row in frame[full & side.fillna(False)].itertuples():
        key = (row.kind, row.term, row.guarantee, row.drawn)
        count, amount, interest = found.get(key, (0, 0, 0))
        here = int(row.amount)
        found[key] = (count + 1, amount + here, interest + here * int(row.rate))
    return found, not (~full & side.fillna(True)).any()


def terms(book: Ledger) -> pd.Series:
    """Bands of original term: up to one, three and five years, and longer."""
    drawn, matures = book.col("drawn_on"), book.col("matures_on")
    band = sum((matures > drawn + pd.DateOffset(months=m)).astype(int) for m in (12, 36, 60))
    return band.astype("string").mask(drawn.isna() | matures.isna())
