"""Sections two to five of the notice: growth, prices, products, sectors."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from again import asking as who
from again.asking import (
    ZERO,
    Asked,
    fixed,
    gained,
    one,
    share,
    where,
    zero_or_missing,
)
from again.costs import all_in_cost
from again.figures import Nothing, View
from again.onlending import onlending_gap
from again.submitted import Date


def growth_gap(v: View) -> Fraction:
    """Growth of assessed loans less that of all loans, bills in (percentage points)."""
    grown = v("assessed_balance") / v.start("assessed_balance")
    return 100 * (grown - v("all_loans") / v.start("all_loans"))


def of_plan(name: str, plan: str):
    def formula(v: View) -> Fraction:
        zero_or_missing(lambda: v(plan))
        return 100 * (v(name) - v.start(name)) / v(plan)

    return formula


def so_far(date: Date) -> Fraction:
    """Time progress in percent of the year."""
    return Fraction(25 * date.number)


def mean_rate(v: View) -> Fraction:
    zero_or_missing(lambda: v("incl_drawn"))
    return v("incl_interest") / v("incl_drawn")


def rate_change(v: View) -> Fraction:
    """Year-to-date rate less that of the last full year, in basis points."""
    zero_or_missing(lambda: v("incl_drawn"), lambda: v.start("incl_drawn"))
    before = v.start("incl_interest") / v.start("incl_drawn")
    return 100 * (v("incl_interest") / v("incl_drawn") - before)


def deferrals_denied(v: View) -> Fraction:
    """Refused for no named reason, or waiting too long, while the policy is in force."""
    if not 2020 <= v.date.year <= 2021:
        raise Nothing
    zero_or_missing(lambda: v("deferrals_asked"))
    return v("deferrals_denied")


def agri_growth(v: View) -> Fraction:
    zero_or_missing(lambda: v.start("agri"))
    return 100 * (v("agri") / v.start("agri") - 1)


def factory_gap(v: View) -> Fraction:
    return 100 * (v("factory") / v.start("factory") - v("all_loans") / v.start("all_loans"))


def up_share(clause: str, whom: who.Who, part: str, whole: str, base: str = "start") -> Asked:
    return Asked(clause, whom, share(part, whole), "up", base=base)


def customers_gained(v: View) -> Fraction:
    return v("assessed_customers") - v.start("assessed_customers")


PLAN = of_plan("assessed_balance", "plan_balance")
PLAN_HEADS = of_plan("assessed_customers", "plan_customers")
INDICATORS: Mapping[str, Asked] = {
    "C2.1a": Asked(
        "C2.1a", who.lender, growth_gap, ">=", ZERO, at_branches=True, judged_where_unplanned=True
    ),
    "C2.1b": Asked(
        "C2.1b",
        who.lender,
        customers_gained,
        ">=",
        ZERO,
        at_branches=True,
        judged_where_unplanned=True,
    ),
    "C2.1c": Asked(
        "C2.1c", who.five, lambda v: 100 * (v("incl_balance") / v.start("incl_balance") - 1)
    ),
    "C2.1d.balance": Asked(
        "C2.1d", who.lender, where("relaxed", gained("assessed_balance")), ">=", ZERO
    ),
    "C2.1d.customers": Asked(
        "C2.1d", who.lender, where("relaxed", gained("assessed_customers")), ">=", ZERO
    ),
    "C2.2.balance": Asked("C2.2", who.lender, PLAN, ">=", so_far, at_branches=True, progress=True),
    "C2.2.customers": Asked(
        "C2.2", who.lender, PLAN_HEADS, ">=", so_far, at_branches=True, progress=True
    ),
    "C2.3": Asked("C2.3", who.national, lambda v: v("ent_first") - v.ago("ent_first"), ">", ZERO),
    "C2.4a": up_share(
        "C2.4a", lambda e: who.joint(e) or who.city(e), "ent_first", "ent_drawn", "ago"
    ),
    "C2.4b": Asked("C2.4b", lambda e: who.joint(e) or who.city(e), answers=("rule",)),
    "C2.5a": up_share("C2.5a", who.local, "mse_local", "mse_balance"),
    "C2.5b": Asked("C2.5b", who.local, one("offline"), ">", ZERO),
    "C3.1a": Asked("C3.1a", who.bank, mean_rate),
    "C3.1b": Asked("C3.1b", who.bank, rate_change, "<=", fixed(10), never_fails=True),
    "C3.1c": Asked("C3.1c", who.bank, share("lpr_drawn", "priced_drawn")),
    "C3.2": Asked("C3.2", who.bank, onlending_gap, "<=", ZERO),
    "C3.3a": Asked("C3.3a", who.bank, all_in_cost, "down", base="start"),
    "C3.3c": Asked(
        "C3.3c", who.everyone, share("fees_waived", "fees_due"), ">", ZERO, may_have_none=True
    ),
    "C3.4c": Asked("C3.4c", who.insurer, answers=("kept",), nothing=lambda v: v("lines") == 0),
    "C3.6c": Asked("C3.6c", who.bank, share("checks_made", "checks_due"), ">=", fixed(95)),
    "C4.1a": up_share("C4.1a", who.bank, "mse_credit", "mse_balance"),
    "C4.1b": Asked("C4.1b", who.bank, one("new_unsecured"), ">", ZERO),
    "C4.2a.balance": Asked("C4.2a", who.national, gained("mse_online"), ">=", ZERO),
    "C4.2a.customers": Asked("C4.2a", who.national, gained("mse_online_heads"), ">=", ZERO),
    "C4.2a.lead": Asked("C4.2a", who.national, one("mse_online"), ">", ZERO),
    "C4.2b.offline": Asked("C4.2b", who.small_banks, one("offline"), ">", ZERO),
    "C4.2b.unsecured": Asked("C4.2b", who.small_banks, one("unsecured_products"), ">", ZERO),
    "C4.3a": up_share("C4.3a", who.bank, "mse_mitigated", "mse_balance"),
    "C4.3b": Asked("C4.3b", who.bank, one("mse_insured"), ">", ZERO),
    "C4.3b.insurer": Asked("C4.3b", who.insurer, where("lines", one("covered")), ">", ZERO),
    "C4.4": up_share("C4.4", who.bank, "mse_long", "mse_balance"),
    "C4.5a": up_share("C4.5a", who.bank, "mse_renewal", "mse_balance"),
    "C4.5b": up_share("C4.5b", who.bank, "mse_revolving", "mse_balance"),
    "C4.5c": Asked("C4.5c", who.bank, answers=("link",)),
    "C4.6": Asked(
        "C4.6", who.bank, share("renewal_checks_made", "renewal_checks_due"), ">=", fixed(95)
    ),
    "C4.7a": Asked("C4.7a", who.bank, deferrals_denied, "<=", ZERO),
    "C4.7b": Asked("C4.7b", who.bank, one("refused_qualifying"), "list"),
    "C4.7c": Asked(
        "C4.7c", who.bank, share("after_deferral_made", "after_deferral"), ">=", fixed(100)
    ),
    "C5.0": Asked("C5.0", who.bank, factory_gap, ">=", ZERO),
    "C5.1": Asked("C5.1", who.bank, one("pillars")),
    "C5.2": Asked("C5.2", who.bank, one("emerging")),
    "C5.3": Asked("C5.3", who.bank, share("firms_planned", "firms"), ">=", fixed(100)),
    "C5.4": Asked("C5.4", who.bank, one("pledged")),
    "C5.5a": Asked("C5.5a", who.bank, agri_growth),
    "C5.5b": up_share("C5.5b", who.bank, "agri_credit", "agri"),
    "C5.5c": Asked("C5.5c", who.bank, answers=("green_channel",)),
    "C5.6": Asked(
        "C5.6",
        who.everyone,
        answers=("responsibility", "policy", "assistance", "supervision"),
        may_have_none=True,
    ),
    "C5.7": Asked("C5.7", who.bank, one("shared_risk")),
    "C5.7.insurer": Asked("C5.7", who.insurer, where("lines", one("insured"))),
}
#: The county's totals: of whom, formula, test.
TOTALS: Mapping[str, tuple[who.Who, Asked]] = {
    "C2.2c.LP.growth": (who.local, Asked("C2.2c", who.everyone, growth_gap, ">=", ZERO)),
    "C2.2c.LP.customers": (
        who.local,
        Asked("C2.2c", who.everyone, customers_gained, ">=", ZERO),
    ),
    **{
        f"C2.2c.{group}.{name}": (
            whom,
            Asked("C2.2c", who.everyone, formula, ">=", so_far, progress=True),
        )
        for group, whom in (
            ("LP", who.local),
            ("BR", lambda e: who.bank(e) and not who.local(e)),
        )
        for name, formula in (("plan_balance", PLAN), ("plan_customers", PLAN_HEADS))
    },
}
