"""The county's own answers to what the suite computes, in integers and fractions.

Nothing here uses the code under test: the definitions are written out again, from the notice
and the filing rules, on the clean rows before broken ones are planted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from puhui.example.filings import Marks
from puhui.example.roster import Unit

Row = dict[str, Any]
TOLERANCE = Fraction(3)
#: A share that moves by no more than this many points stands still.
FLAT = Fraction(1, 100)


@dataclass(frozen=True)
class Facts:
    """Sums for one unit and day: fen (or hundredths of 万元, as filed), basis points × those."""

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


def of_ledger(marks: Marks, branch: int | None = None) -> Facts:
    """Add up a snapshot, for one branch (its position) if given."""
    loans = marks.loans
    here = marks.owed >= 0 if branch is None else loans["branch"] == branch
    drawn = here & marks.at_drawdown
    return Facts(
        all_loans=marks.sum(here),
        all_npl=marks.sum(here & marks.bad),
        inclusive=marks.sum(here & marks.inclusive),
        inclusive_npl=marks.sum(here & marks.inclusive & marks.bad),
        assessed=marks.sum(here & marks.assessed),
        assessed_customers=marks.customers(here & marks.assessed),
        drawn=int(loans["amount"][drawn].sum()),
        drawn_interest=int((loans["amount"][drawn] * loans["rate_at_drawdown"][drawn]).sum()),
        mse=marks.sum(here & marks.mse),
        mse_credit=marks.sum(here & marks.mse & marks.credit),
    )


def of_items(items: Mapping[str, int]) -> dict[str, int]:
    """Take the same sums from filed items, as far as they were filed."""
    if "G01.loans" in items:
        return _of_statutory(items)
    names = {
        "all_loans": "all_loans",
        "all_npl": "npl",
        "inclusive": "incl_balance",
        "inclusive_npl": "incl_npl",
        "assessed": "assessed_balance",
        "assessed_customers": "assessed_customers",
        "drawn": "incl_drawn",
        "mse": "mse_balance",
        "mse_credit": "mse_credit_balance",
    }
    found = {k: items[f"QS.{v}"] for k, v in names.items() if f"QS.{v}" in items}
    if "QS.incl_interest" in items:
        found["drawn_interest"] = items["QS.incl_interest"] * 10_000
    return found


def _of_statutory(items: Mapping[str, int]) -> dict[str, int]:
    def s71(column: str, *bands: int) -> int:
        return sum(items[f"S71_I_{row}.{column}{band}"] for row in (1, 3) for band in bands)

    return {
        "all_loans": items["G01.loans"],
        "all_npl": items["G11.npl"],
        "inclusive": s71("A", 1, 2, 3),
        "inclusive_npl": s71("C", 1, 2, 3),
        "assessed": s71("A", 5),
        "assessed_customers": s71("B", 5),
        "drawn": s71("D", 1, 2, 3),
        "drawn_interest": s71("F", 1, 2, 3) * 10_000,
        "mse": sum(items[f"S63_I_1.{c}"] for c in "CDGH"),
        "mse_credit": sum(items[f"S63_I_1.2.1.{c}"] for c in "CDGH"),
    }


Sums = Mapping[str, int]


def npl_gap(unit: Sums, comparator: Fraction | None = None) -> Fraction | None:
    """Inclusive NPL ratio minus the all-loan ratio (or a given one), percentage points."""
    ratio = _ratio(unit, "inclusive_npl", "inclusive")
    beside = comparator if comparator is not None else _ratio(unit, "all_npl", "all_loans")
    return None if ratio is None or beside is None else ratio - beside


def _ratio(unit: Sums, part: str, whole: str) -> Fraction | None:
    """Percent; None if not filed or nothing to divide by."""
    if part not in unit or not unit.get(whole):
        return None
    return Fraction(100 * unit[part], unit[whole])


def credit_share(unit: Sums) -> Fraction | None:
    """Unsecured share of loans to small and micro businesses at any line, percent."""
    return _ratio(unit, "mse_credit", "mse")


def mean_rate(unit: Sums) -> Fraction | None:
    """Amount-weighted rate of the year's inclusive drawdowns, percent a year."""
    if "drawn_interest" not in unit or not unit.get("drawn"):
        return None
    return Fraction(unit["drawn_interest"], 100 * unit["drawn"])


def growth_gap(now: Sums, base: Sums) -> Fraction | None:
    """Growth of assessed loans minus growth of all loans since the year's start, points."""
    if not base.get("assessed") or not base.get("all_loans"):
        return None
    if "assessed" not in now or "all_loans" not in now:
        return None
    mine = Fraction(now["assessed"], base["assessed"])
    return 100 * (mine - Fraction(now["all_loans"], base["all_loans"]))


def more_customers(now: Sums, base: Sums) -> Fraction | None:
    """Customers with an assessed balance more than at the year's start."""
    name = "assessed_customers"
    return Fraction(now[name] - base[name]) if name in now and name in base else None


def unit_rows(unit: Unit, key: Row, sums: Mapping[str, Sums], *, planned: bool) -> list[Row]:
    """Answers of the five indicators for one institution from one source.

    Parameters
    ----------
    unit
        The institution.
    key
        Columns every row starts with.
    sums
        ``now``, ``base`` (the year's start), ``before`` (last quarter) and ``before_base``
        (the start of last quarter's year); empty where nothing was submitted.
    planned
        Whether a plan was handed down to it.
    """
    now, base = sums["now"], sums["base"]
    grows = unit.kind != "policy"
    judged = unit.is_local or (unit.level == "branch" and not planned)
    growth, more = growth_gap(now, base), more_customers(now, base)
    gap = npl_gap(now)
    rows = [
        _row(key, "C2.1a", growth, "百分点", _two(growth, judged, grows)),
        _row(key, "C2.1b", more, "户", _two(more, judged, grows)),
        _row(key, "C3.1a", mean_rate(now), "%", _shown(mean_rate(now)), mean_rate(base)),
        _row(key, "C4.1a", credit_share(now), "%", _rising(sums), credit_share(base)),
        _row(key, "C7.2", gap, "百分点", _within(gap)),
    ]
    return rows


def branch_row(key: Row, branch: Sums, comparator: Fraction | None) -> Row:
    """Return the tolerance answer of one branch against the comparator."""
    gap = npl_gap(branch, comparator) if comparator is not None else None
    verdict = "not_applicable" if not branch["inclusive"] else _within(gap)
    return _row(key, "C7.2", gap, "百分点", verdict)


def comparator_of(unit: Unit, filed: Sums) -> Fraction | None:
    """The ratio a branch is compared with: published if the unit is a branch, else its own."""
    if unit.npl_ratio_bp:
        return Fraction(unit.npl_ratio_bp, 100)
    return _ratio(filed, "all_npl", "all_loans")


def _two(value: Fraction | None, judged: bool, applies: bool) -> str:
    if not applies:
        return "not_applicable"
    if value is None:
        return "no_data"
    return ("met" if value >= 0 else "not_met") if judged else "shown"


def _shown(value: Fraction | None) -> str:
    return "no_data" if value is None else "shown"


def _within(gap: Fraction | None) -> str:
    if gap is None:
        return "no_data"
    return "met" if gap <= TOLERANCE else "not_met"


def _rising(sums: Mapping[str, Sums]) -> str:
    """Behind only after two quarters in a row below the start of their year."""
    shares = {name: credit_share(one) for name, one in sums.items()}
    if shares["now"] is None:
        return "no_data"
    if shares["base"] is None:
        return "shown"
    pairs = (("now", "base"), ("before", "before_base"))
    wrong = [_fell(shares[one], shares[other]) for one, other in pairs]
    return "behind" if all(wrong) else "on_track"


def _fell(now: Fraction | None, base: Fraction | None) -> bool:
    return now is not None and base is not None and now - base < -FLAT


def _row(
    key: Row,
    clause: str,
    value: Fraction | None,
    unit: str,
    verdict: str,
    base: Fraction | None = None,
) -> Row:
    """One answer: exact value in lowest terms, its unit, the value at the base."""
    applies = verdict != "not_applicable"
    return {
        **key,
        "indicator_id": clause,
        "verdict": verdict,
        "unit": unit,
        **_numbers("", value if applies else None),
        **_numbers("base_", base if applies and value is not None else None),
    }


def _numbers(prefix: str, value: Fraction | None) -> Row:
    return {
        f"{prefix}num": None if value is None else value.numerator,
        f"{prefix}den": None if value is None else value.denominator,
    }


def branches_of(marks: Marks) -> list[int]:
    """Positions of the branches that have an IOU in a snapshot."""
    return [int(b) for b in np.unique(marks.loans["branch"])]
