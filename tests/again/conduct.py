"""Sections six to nine of the notice: organisation, tolerance, appraisal, policies passed on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction

import pandas as pd

from again import asking as who
from again.asking import ZERO, Asked, fixed, one, share, since, where, zero_or_missing
from again.costs import median_days, ninety_percent_days
from again.figures import BOOK, Nothing, View


def bad_share(v: View) -> Fraction:
    """NPL ratio of inclusive loans, bills in; without such loans there is nothing to judge."""
    zero_or_missing(lambda: v("incl_balance"))
    return 100 * v("incl_npl") / v("incl_balance")


Add = Callable[[View, str], tuple[Fraction, Fraction]]


def nothing_more(_: View, __: str) -> tuple[Fraction, Fraction]:
    return Fraction(0), Fraction(0)


def removed(v: View, scope: str) -> tuple[Fraction, Fraction]:
    """Written off and transferred this year: bad, and part of the balance, again."""
    amount = replace(v, source=BOOK)(f"{scope}_removed")
    return amount, amount


def late(v: View, scope: str) -> tuple[Fraction, Fraction]:
    """More than ninety days overdue, not called bad: bad, and in the balance already."""
    return replace(v, source=BOOK)(f"{scope}_late"), Fraction(0)


def npl_gap(v: View, add: Add = nothing_more) -> Fraction:
    """Inclusive NPL ratio above that of all loans, in percentage points.

    An internal branch is compared with its institution; of a unit that is itself a branch, with
    the legal person's published ratio where there is one. ``add`` gives what is bad besides.
    """
    bad_share(v)
    mine = percent_bad(v, "incl_npl", "incl_balance", add(v, "incl"))
    published = v.entry["legal_person_npl_ratio"]
    if v.branch is not None and v.entry["level"] == "分支机构" and not pd.isna(published):
        return mine - Fraction(int(published), 1_000_000)
    whole = v if v.branch is None else v.whole_bank()
    return mine - percent_bad(whole, "npl", "all_loans", add(whole, "all"))


def percent_bad(v: View, bad: str, balance: str, more: tuple[Fraction, Fraction]) -> Fraction:
    return 100 * (v(bad) + more[0]) / (v(balance) + more[1])


def contactless_gain(v: View) -> Fraction:
    zero_or_missing(lambda: v("disbursed"), lambda: v.ago("disbursed"))
    before = v.ago("contactless") / v.ago("disbursed")
    return 100 * (v("contactless") / v("disbursed") - before)


def supported(v: View) -> Fraction:
    """Loans the central bank supports, while it does (March 2020 to December 2021)."""
    if not 2020 <= v.date.year <= 2021 or v.at == "2019Q4":
        raise Nothing
    found = v("supported")
    if found == 0:
        raise Nothing
    return found


def drawn_of_support(v: View) -> Fraction:
    """Funds drawn against forty percent of what qualifies, in percent."""
    due = supported(v) * Fraction(40, 100)
    return 100 * v("relending") / due


def support_used(v: View) -> Fraction:
    supported(v)
    return v("relending")


INDICATORS: Mapping[str, Asked] = {
    "C6.0": Asked("C6.0", who.lender, answers=("department",)),
    "C6.1": Asked(
        "C6.1", who.large, answers=("service", "accounting", "risk", "resources", "appraisal")
    ),
    "C6.2": Asked("C6.2", who.joint, answers=("centre",)),
    "C6.3a": Asked("C6.3a", who.local, lambda v: 100 * v("team") / v("staff"), ">", ZERO),
    "C6.3b": Asked("C6.3b", who.local, share("grid", "grid_all"), "up", base="start"),
    "C6.4a": Asked("C6.4a", who.small_banks, contactless_gain, ">", ZERO),
    "C6.4b.median": Asked("C6.4b", who.bank, median_days, "<=", fixed(15)),
    "C6.4b.p90": Asked("C6.4b", who.bank, ninety_percent_days, "<=", fixed(30)),
    "C6.4c": Asked("C6.4c", who.national, answers=("proposed", "adopted")),
    "C6.4d.spending": Asked(
        "C6.4d",
        who.small_banks,
        lambda v: v("digital_spending") - v.ago("digital_spending"),
        ">=",
        ZERO,
    ),
    "C6.4d.staff": Asked(
        "C6.4d", who.small_banks, lambda v: v("digital_staff") - v.ago("digital_staff"), ">=", ZERO
    ),
    "C7.1": Asked("C7.1", who.bank, one("own_tolerance"), "<=", since(2019, 3)),
    "C7.1.passed_down": Asked("C7.1", who.bank, answers=("passed_down",)),
    "C7.2": Asked(
        "C7.2",
        who.bank,
        npl_gap,
        "<=",
        since(2019, 3),
        at_branches=True,
        reserved_by=(lambda v: npl_gap(v, removed), lambda v: npl_gap(v, late)),
    ),
    "C7.4": Asked("C7.4", who.bank, answers=("standard", "procedural", "simple", "public")),
    "C8.1": Asked("C8.1", who.bank, answers=("no_deposit", "no_profit", "no_fee")),
    "C8.2": Asked("C8.2", who.lender, one("least_weight"), ">=", since(2021, 10)),
    "C8.3": Asked("C8.3", who.national, lambda v: 100 * v("least_ftp"), ">=", since(2021, 50)),
    "C8.4": Asked(
        "C8.4",
        lambda e: who.local(e) or who.city(e),
        answers=("ftp", "subsidy"),
        any_one=True,
    ),
    "C8.5": Asked("C8.5", who.bank, share("awarded", "on_target"), ">", ZERO),
    "C8.5.award": Asked("C8.5", who.bank, where("on_target", one("awards")), ">", ZERO),
    "C9.1": Asked("C9.1", who.everyone, answers=("arrangement",), may_have_none=True),
    "C9.2": Asked("C9.2", who.local, drawn_of_support, "<=", fixed(100)),
    "C9.2.used": Asked("C9.2", who.local, support_used, ">", ZERO),
    "C9.3": Asked("C9.3", who.everyone, one("received"), ">", ZERO, may_have_none=True),
    "C9.4.line": Asked(
        "C9.4", who.everyone, where("received", one("to_line")), ">", ZERO, may_have_none=True
    ),
    "C9.4.customers": Asked(
        "C9.4", who.everyone, where("received", one("to_customers")), ">", ZERO, may_have_none=True
    ),
}
