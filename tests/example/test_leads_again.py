"""Planted cases searched for by a second reader, by brute force over what was submitted.

Found must be what was planted and nothing else: a case nobody planted would make a right
program look wrong. Terms (90 days, a third of a line, …) are those ``stories`` names.
"""

from __future__ import annotations

import pandas as pd
import pytest

from example.submitted import LIMIT
from puhui.example.roster import LAST

END, START = pd.Timestamp("2021-12-31"), pd.Timestamp("2021-10-01")
NOW = str(LAST)
BOTH = ["institution_id", "customer_id"]


def keys(frame, column="loan_id"):
    return set(zip(frame["institution_id"], frame[column], strict=True))


def test_first_loan_claims_without_proof(sent):
    people = sent.tables[NOW]["customers"]
    firms = people[(people["kind"] == "enterprise") & people["size"].isin(["small", "micro"])]
    new = firms[firms["first_drawdown_on"].dt.year == 2021]
    claims = new[new["first_loan_query_clear"].eq(True)]
    age = (claims["first_drawdown_on"] - claims["first_loan_query_on"]).dt.days
    unread = new[new["first_loan_query_on"].notna() & new["first_loan_query_clear"].isna()]
    found = keys(claims[~age.between(1, 90)], "customer_id") | keys(unread, "customer_id")
    names = ("query_missing", "query_late", "query_stale", "query_unread")
    assert found == sent.planted(*names)
    banks = claims.groupby("certificate_no")["institution_id"].transform("nunique")
    assert keys(claims[banks > 1], "customer_id") == sent.planted("claimed_twice")


def test_recalls_without_cause(sent):
    loans = sent.loans[NOW]
    gone = loans[loans["mse"] & (loans["closure"] == "recalled_by_bank")]
    gone = gone[(gone["closed_on"] >= START) & (gone["closed_on"] < gone["matures_on"])]
    followed = keys(loans, "predecessor_loan_id")
    facts = " ".join(sent.office["notes"]["fact"])
    found = {
        (r.institution_id, r.loan_id)
        for r in gone.itertuples()
        if r.operating_normally is True
        and r.five_class == "normal"
        and (r.institution_id, r.loan_id) not in followed
        and f"{r.loan_id}：借款人挪用" not in facts
    }
    assert found == sent.planted("recalled")


def test_renewals_cut_off(sent):
    asked = sent.tables[NOW]["applications"]
    asked = asked[(asked["kind"] == "renewal") & asked["qualifies"].eq(True)]
    loans = sent.loans[NOW]
    days = pd.Timedelta(days=30)
    due = loans[loans["mse"] & loans["matures_on"].between(START - days, END - days)]
    open_ones = asked[asked["decision"] != "withdrawn"]
    found = (keys(open_ones) & keys(due)) - keys(loans, "predecessor_loan_id")
    assert found == sent.planted("renewal_refused", "renewal_left")


def test_money_that_went_where_it_must_not(sent):
    own = ["institution_id", "loan_id"]
    loans = sent.loans[NOW][[*own, "mse", "amount", "drawn_on"]]
    flows = sent.tables[NOW]["flows"].merge(
        loans, on=own, how="left", suffixes=("", "_lent"), validate="m:1"
    )
    assert flows["mse"].eq(True).all()
    banned = flows["payee_kind"].isin(["property", "securities", "wealth_product", "deposit"])
    back = flows["payee_kind"].isin(["borrower", "guarantor", "related_party"])
    back &= (flows["paid_on"] - flows["drawn_on"]).dt.days.between(0, 3)
    back &= (flows["amount"] / flows["amount_lent"]).between(0.2, 1.25)
    names = [f"to_{p}" for p in ["borrower", "guarantor", "related", "property", "securities"]]
    assert keys(flows[banned | back]) == sent.planted(*names, "to_wealth", "to_deposit")


def test_shells_show_two_signs_and_nobody_else_does(sent):
    people = sent.tables[NOW]["customers"]
    loans = sent.loans[NOW]
    loans = loans[loans["mse"] & (loans["balance"] > 0) & (loans["revenue"] > 0)]
    year = pd.Timedelta(days=365)
    young = loans["drawn_on"] - loans["founded_on"] < year
    young |= (loans["drawn_on"] - loans["last_share_transfer_on"]).between(year * 0, year)
    firms = people[(people["kind"] == "enterprise") & people["address"].notna()]
    sharing = firms.groupby("address")["certificate_no"].nunique()
    signs = young.astype(int) + (loans["staff_count"].astype(float) <= 1)
    signs += loans["amount"] > 5 * loans["revenue"]
    signs += loans["address"].map(sharing).fillna(0) > 1
    assert keys(loans[signs >= 2]) == sent.planted("shell_new", "shell_bought")


def test_homes_just_bought_or_lent_on_for_long(sent):
    loans = sent.loans[NOW]
    home = loans["mitigants"].map(lambda v: v is not None and "home" in v).astype(bool)
    loans = loans[loans["mse"] & home & loans["collateral_held_since"].notna()]
    loans = loans[loans["closed_on"].isna()]
    held = (loans["drawn_on"] - loans["collateral_held_since"]).dt.days
    found = keys(loans[(held < 365) | (loans["term"] > 36)])
    assert found == sent.planted("home_fresh", "home_flipped")


def test_firms_lent_to_by_three_beyond_their_means(sent):
    loans = sent.loans[NOW]
    loans = loans[(loans["balance"] > 0) & loans["certificate_no"].notna()]
    firm = loans.groupby("certificate_no")
    many = loans[firm["institution_id"].transform("nunique") >= 3]
    debt = many.groupby("certificate_no")["balance"].sum()
    revenue = many[many["revenue"] > 0].groupby("certificate_no")["revenue"].max()
    beyond = [c for c, earned in revenue.items() if debt[c] > 2 * earned]
    found = keys(many[many["certificate_no"].isin(beyond)], "customer_id")
    assert found == sent.planted("over_lent")


def in_circles(loans, who):
    """Circles of firms that guarantee each other, by following every chain."""
    next_of = {}
    for r in loans.itertuples():
        if r.guarantor_id in who:
            next_of.setdefault(r.customer_id, set()).add(who[r.guarantor_id])

    def reached(first):
        seen, todo = set(), [first]
        while todo:
            for one in next_of.get(todo.pop(), set()) - seen:
                seen.add(one)
                todo.append(one)
        return seen

    after = {one: reached(one) for one in next_of}
    return {
        frozenset({one, *(x for x in after[one] if one in after.get(x, ()))})
        for one in after
        if one in after[one]
    }


@pytest.mark.parametrize("institution", ["HCNS0001", "HCNS0002", "HCCS0002"])
def test_groups_above_the_limit_of_members_within_it(sent, institution):
    people = sent.tables[NOW]["customers"]
    people = people[people["institution_id"] == institution]
    firms = people[(people["kind"] == "enterprise") & people["size"].isin(["small", "micro"])]
    extract = institution == "HCNS0002"  # names no controllers
    found = {}
    names = {
        "same_controller": "controller_id",
        "same_head": "legal_representative_id",
        "same_phone": "phone_hash",
        "same_address": "address",
    }
    for pattern, column in names.items():
        for _, group in firms.groupby(column):
            within = group["credit_line"].max() <= LIMIT < group["credit_line"].sum()
            if len(group) > 1 and within and not (extract and column == "controller_id"):
                found.setdefault(pattern, set()).update(keys(group, "customer_id"))
    loans = sent.loans[NOW]
    mine = loans[(loans["institution_id"] == institution) & loans["mse"] & (loans["balance"] > 0)]
    line = people.set_index("customer_id")["credit_line"]
    who = dict(zip(people["certificate_no"], people["customer_id"], strict=True))
    for circle in in_circles(mine, who):
        if line[list(circle)].max() <= LIMIT < line[list(circle)].sum():
            found.setdefault("circle", set()).update((institution, one) for one in circle)
    for pattern in (*names, "circle"):
        planted = {key for key in sent.planted(pattern) if key[0] == institution}
        assert found.get(pattern, set()) == planted, pattern


def test_charges_and_deferrals_and_renewals_after_them(sent):
    own = ["institution_id", "loan_id"]
    fees = sent.tables[NOW]["fees"]
    paid = fees[(fees["borne_by"] == "borrower") & (fees["amount"] > fees["waived"])]
    chargers = paid.groupby(own)["charged_by"].transform("nunique")
    assert keys(paid[chargers > 1]) == sent.planted("fee_chain")
    assert keys(paid[~paid["in_contract"].astype(bool)]) == sent.planted("fee_outside")
    kinds = ["commitment", "arrangement", "advisory", "management"]
    assert keys(paid[paid["kind"].isin(kinds)]) == sent.planted("fee_banned")
    put_off = sent.tables[NOW]["deferrals"]
    late = (put_off["outcome"] == "open") & ((END - put_off["applied_on"]).dt.days > 30)
    found = keys(put_off[late | (put_off["outcome"] == "refused_other")])
    assert found == sent.planted("deferral_denied", "deferral_waiting")
    asked = sent.tables[NOW]["applications"]
    asked = asked[(asked["kind"] == "renewal") & asked["qualifies"].eq(True)]
    unpaid = keys(asked[asked["disbursed_on"].isna()])
    assert unpaid & keys(put_off[put_off["ended_on"].notna()]) == sent.planted("deferred_off")


def test_registers_agree_with_the_ledgers(sent):
    loans = sent.loans[NOW].set_index(["institution_id", "loan_id"])
    banks = set(loans.index.get_level_values(0))
    for table in ("applications", "deferrals", "fees", "flows"):
        rows = sent.tables[NOW][table]
        rows = rows[rows["institution_id"].isin(banks) & rows["loan_id"].notna()]
        assert keys(rows) <= set(loans.index), table
    asked = sent.tables[NOW]["applications"]
    new = asked[asked["institution_id"].isin(banks) & (asked["kind"] == "new")]
    new = new[new["disbursed_on"].notna()].join(loans["drawn_on"], on=["institution_id", "loan_id"])
    assert len(new) and (new["disbursed_on"] == new["drawn_on"]).all()
    benefits = sent.tables[NOW]["benefits"]
    passed = benefits["passed_to_business_line"] + benefits["passed_to_customers"]
    assert (passed <= benefits["received"]).all()
