"""The example's own answers, worked in integers and fractions from what it generated.

Nothing here uses the code under test: the definitions are written out again, from the
notice and the filing rules, on the clean rows before broken ones are planted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from puhui.example.profile import LIMIT_FEN

Row = dict[str, Any]
Snapshot = Mapping[str, list[Row]]

TOLERANCE = Fraction(3)
_NPL = ("substandard", "doubtful", "loss")


def is_inclusive_kind(kind: str, size: str | None, is_business: bool) -> bool:
    """Small or micro enterprise; individual business or owner of one, borrowing for business."""
    if kind == "enterprise":
        return size in ("small", "micro")
    return kind in ("individual_business", "mse_owner") and is_business


@dataclass(frozen=True)
class Facts:
    """Sums of a ledger (fen, basis points × fen, customers) for one unit and day."""

    all_loans: int
    all_npl: int
    inclusive: int
    inclusive_npl: int
    assessed: int
    assessed_customers: int
    drawn: int
    drawn_interest: int
    mse: int
    mse_credit: int


def facts(snapshot: Snapshot, year: int, branch_id: str | None = None) -> Facts:
    """Add up a snapshot, for one branch if given; ``year`` is that of year-to-date figures."""
    customers = {c["customer_id"]: c for c in snapshot["customers"]}
    sums = dict.fromkeys(Facts.__dataclass_fields__, 0)
    assessed: set[str] = set()
    for loan in snapshot["loans"]:
        if branch_id is not None and loan["branch_id"] != branch_id:
            continue
        customer = customers[loan["customer_id"]]
        mse = is_inclusive_kind(customer["kind"], customer["size"], loan["is_business_loan"])
        owed, bad = loan["balance"], loan["five_class"] in _NPL
        sums["all_loans"] += owed
        sums["all_npl"] += owed * bad
        sums["mse"] += owed * mse
        sums["mse_credit"] += owed * (mse and loan["guarantee"] == "credit")
        if mse and customer["credit_line"] <= LIMIT_FEN:
            sums["inclusive"] += owed
            sums["inclusive_npl"] += owed * bad
            if loan["product"] != "discount" and owed:
                sums["assessed"] += owed
                assessed.add(loan["customer_id"])
        if mse and loan["credit_line_at_drawdown"] <= LIMIT_FEN and loan["drawn_on"].year == year:
            sums["drawn"] += loan["amount"]
            sums["drawn_interest"] += loan["amount"] * loan["rate_at_drawdown"]
    sums["assessed_customers"] = len(assessed)
    return Facts(**sums)


def facts_from_returns(rows: Iterable[Row]) -> Facts:
    """Take the same from filed figures; money in hundredths of 万元 (100 yuan), as filed."""
    filed = {row["item"]: row["value"] for row in rows}

    def s71(column: str, *bands: int) -> int:
        return sum(filed[f"S71_I_{row}.{column}{band}"] for row in (1, 3) for band in bands)

    return Facts(
        all_loans=filed["G01.loans"],
        all_npl=filed["G11.npl"],
        inclusive=s71("A", 1, 2, 3),
        inclusive_npl=s71("C", 1, 2, 3),
        assessed=s71("A", 5),
        assessed_customers=s71("B", 5),
        drawn=s71("D", 1, 2, 3),
        drawn_interest=s71("F", 1, 2, 3) * 10_000,
        mse=sum(filed[f"S63_I_1.{c}"] for c in "CDGH"),
        mse_credit=sum(filed[f"S63_I_1.2.1.{c}"] for c in "CDGH"),
    )


def npl_gap(unit: Facts, comparator: Fraction | None = None) -> Fraction:
    """Inclusive NPL ratio minus the all-loan ratio (or a given one), percentage points."""
    all_ratio = Fraction(100 * unit.all_npl, unit.all_loans) if comparator is None else comparator
    return Fraction(100 * unit.inclusive_npl, unit.inclusive) - all_ratio


def credit_share(unit: Facts) -> Fraction:
    """Unsecured share of loans to small and micro businesses at any line, percent."""
    return Fraction(100 * unit.mse_credit, unit.mse)


def mean_rate(unit: Facts) -> Fraction:
    """Amount-weighted rate of the year's inclusive drawdowns, percent a year."""
    return Fraction(unit.drawn_interest, 100 * unit.drawn)


def growth_gap(now: Facts, base: Facts) -> Fraction:
    """Growth of assessed loans minus growth of all loans since the year's start, points."""
    return 100 * (Fraction(now.assessed, base.assessed) - Fraction(now.all_loans, base.all_loans))


def unit_rows(key: Row, now: Facts, base: Facts, *, judged: bool) -> list[Row]:
    """Answers of the five indicators for one institution from one source."""
    gap, growth = npl_gap(now), growth_gap(now, base)
    more = now.assessed_customers - base.assessed_customers
    share, share_0 = credit_share(now), credit_share(base)
    up = share > share_0
    return [
        row(key, "C2.1a", growth, "百分点", verdict=_judge(growth >= 0, judged)),
        row(key, "C2.1b", Fraction(more), "户", verdict=_judge(more >= 0, judged)),
        row(key, "C3.1a", mean_rate(now), "%", base=mean_rate(base), verdict="shown"),
        row(
            key,
            "C4.1a",
            share,
            "%",
            base=share_0,
            direction="up" if up else "down",
            # One quarter the wrong way is not behind yet; two in a row would be.
            verdict="on_track",
        ),
        row(
            key,
            "C7.2",
            gap,
            "百分点",
            base=npl_gap(base),
            verdict=_judge(gap <= TOLERANCE, True),
            verdict_at_tolerance_2=_judge(gap <= 2, True),
        ),
    ]


def branch_row(key: Row, branch: Facts, comparator: Fraction) -> Row:
    """Return the tolerance answer of one branch, against the comparator and against itself."""
    gap, own = npl_gap(branch, comparator), npl_gap(branch)
    return row(
        key,
        "C7.2",
        gap,
        "百分点",
        verdict=_judge(gap <= TOLERANCE, True),
        comparator=fraction(comparator),
        own_gap=fraction(own),
        own_verdict=_judge(own <= TOLERANCE, True),
    )


def row(
    key: Row, indicator: str, value: Fraction, unit: str, base: Fraction | None = None, **more: Any
) -> Row:
    """One answer: exact value in lowest terms, its unit, the value at the year's start."""
    answer: Row = {**key, "indicator_id": indicator, **fraction(value), "unit": unit}
    if base is not None:
        answer["base"] = fraction(base)
    return answer | more


def fraction(value: Fraction) -> dict[str, int]:
    """Write a fraction as JSON."""
    return {"num": value.numerator, "den": value.denominator}


def _judge(passes: bool, judged: bool) -> str:
    return ("met" if passes else "not_met") if judged else "shown"
