"""Screening cases are re-derived from what the banks hold, by definitions written out here."""

import datetime as dt
from collections import Counter, defaultdict
from functools import cache

import pytest

from puhui.example import leads
from puhui.example.columns import arrow
from puhui.example.roster import LAST, QUARTERS, ROSTER, institution_id
from puhui.example.world import grow

SEEDS = ("2021", "leads")
LEDGERS = [u for u in ROSTER if u.has_ledger]
LIMIT = 10_000_000
MSE = ("individual_business", "mse_owner")
YEAR = dt.timedelta(days=365)
START, END = dt.date(2021, 10, 1), dt.date(2021, 12, 31)


@cache
def county(seed):
    return grow(seed)


@cache
def ledger(seed, short, quarter=LAST):
    """Customers by id and loans of a snapshot, as plain rows."""
    snapshot = county(seed).snapshots[quarter, short]
    customers = arrow("customers", snapshot["customers"]).to_pylist()
    return {c["customer_id"]: c for c in customers}, arrow("loans", snapshot["loans"]).to_pylist()


@cache
def register(seed, short, table):
    columns = leads.registers(county(seed), LAST, short).get(table)
    return [] if columns is None else arrow(table, columns).to_pylist()


def is_mse(customer):
    firm = customer["kind"] == "enterprise" and customer["size"] in ("small", "micro")
    return firm or customer["kind"] in MSE


def small_loans(seed, short, quarter=LAST):
    customers, loans = ledger(seed, short, quarter)
    for loan in loans:
        customer = customers[loan["customer_id"]]
        if is_mse(customer) and loan["is_business_loan"]:
            yield customer, loan


def claims(seed):
    """First-loan customers of the year without a clear query before, or claimed twice."""
    claimed, broken = defaultdict(set), set()
    for unit in LEDGERS:
        for key, c in ledger(seed, unit.short)[0].items():
            first, on = c["first_drawdown_on"], c["first_loan_query_on"]
            if not (c["kind"] == "enterprise" and is_mse(c)) or first.year < 2021:
                continue
            if c["first_loan_query_clear"] is True:
                claimed[c["certificate_no"]].add(key)
                if on is None or not dt.timedelta(0) < first - on <= dt.timedelta(days=90):
                    broken.add(key)
            elif c["first_loan_query_clear"] is None:
                broken.add(key)
    return broken.union(*(keys for keys in claimed.values() if len(keys) > 1))


def withdrawn(seed):
    found = set()
    explained = " ".join(n["fact"] for n in leads.notes(county(seed)) if "挪用" in n["fact"])
    for unit in LEDGERS:
        before_c, before_l = ledger(seed, unit.short, LAST.previous)
        class_before = {x["loan_id"]: x["five_class"] for x in before_l}
        rows = list(small_loans(seed, unit.short))
        replaced = {x["predecessor_loan_id"] for _, x in rows}
        for customer, loan in rows:
            recalled = loan["closure"] == "recalled_by_bank" and loan["closed_on"] >= START
            early = recalled and loan["closed_on"] < loan["matures_on"]
            normal = class_before.get(loan["loan_id"], "normal") == "normal"
            reason = loan["loan_id"] in replaced or loan["loan_id"] in explained
            if early and normal and customer["operating_normally"] and not reason:
                found.add(loan["loan_id"])
        in_order = defaultdict(lambda: True)
        for customer, loan in rows:
            in_order[customer["customer_id"]] &= loan["five_class"] == "normal"
        for customer, _ in rows:
            key = customer["customer_id"]
            cut = (
                key in before_c and customer["credit_line"] * 10 < before_c[key]["credit_line"] * 8
            )
            if cut and in_order[key] and customer["operating_normally"]:
                found.add(key)
    return found


def cut_off(seed):
    found = set()
    for unit in LEDGERS:
        rows = [loan for _, loan in small_loans(seed, unit.short)]
        replaced = {x["predecessor_loan_id"] for x in rows}
        ends = {x["loan_id"]: x["extended_to"] or x["matures_on"] for x in rows}
        for asked in register(seed, unit.short, "applications"):
            if asked["kind"] != "renewal" or not asked["qualifies"]:
                continue
            key = asked["loan_id"]
            due = dt.date(2021, 9, 1) <= ends[key] <= dt.date(2021, 12, 1)
            left = asked["decision"] == "refused" or key not in replaced
            if due and left and asked["decision"] != "withdrawn":
                found.add(key)
    return found


def misused(seed):
    found = set()
    for short in ("CS2", "NS1", "NS2"):
        loans = {x["loan_id"]: x for x in ledger(seed, short)[1]}
        for paid in register(seed, short, "flows"):
            loan = loans[paid["loan_id"]]
            soon = (paid["paid_on"] - loan["drawn_on"]).days <= 3
            much = loan["amount"] <= 5 * paid["amount"] <= loan["amount"] * 25 / 4
            back = paid["payee_kind"] in ("borrower", "guarantor", "related_party")
            barred = paid["payee_kind"] in ("property", "securities", "wealth_product", "deposit")
            if barred or (back and soon and much):
                found.add(loan["loan_id"])
    return found


def shells(seed):
    """By customer: young, and staffed by nobody or lent more than three times revenue."""
    found = set()
    for unit in LEDGERS:
        for customer, loan in small_loans(seed, unit.short):
            if customer["kind"] != "enterprise" or not loan["balance"]:
                continue
            dates = (customer["founded_on"], customer["last_share_transfer_on"])
            assert customer["founded_on"] <= loan["drawn_on"]
            new = any(d and dt.timedelta(0) <= loan["drawn_on"] - d < YEAR for d in dates)
            hollow = customer["staff_count"] <= 1 or loan["amount"] > 3 * customer["revenue"]
            if new and hollow:
                found.add(customer["customer_id"])
    return found


def homes(seed):
    found = set()
    for unit in LEDGERS:
        for _, loan in small_loans(seed, unit.short):
            if not loan["balance"] or "home" not in (loan["mitigants"] or ()):
                continue
            months = (loan["matures_on"] - loan["drawn_on"]).days / 30.5
            held = loan["drawn_on"] - loan["collateral_held_since"]
            if held < YEAR or months > 37:
                found.add(loan["loan_id"])
    return found


def over_lent(seed):
    owed, lenders, revenue = Counter(), defaultdict(set), {}
    for unit in LEDGERS:
        for customer, loan in small_loans(seed, unit.short):
            if loan["balance"]:
                number = customer["certificate_no"]
                owed[number] += loan["balance"]
                lenders[number].add(customer["customer_id"])
                revenue[number] = customer["revenue"]
    many = [n for n in lenders if len({key[:3] for key in lenders[n]}) >= 3]
    return set().union(*(lenders[n] for n in many if revenue[n] and owed[n] > 2 * revenue[n]))


def reaches_itself(start, edges):
    seen, todo = set(), list(edges.get(start, ()))
    while todo:
        one = todo.pop()
        if one == start:
            return seen | {start}
        if one not in seen:
            seen.add(one)
            todo += edges.get(one, ())
    return set()


def connected(seed):
    found = set()
    for short in ("CS2", "NS1", "NS2"):
        rows = [(c, x) for c, x in small_loans(seed, short) if x["balance"]]
        firms = {c["certificate_no"]: c for c, _ in rows if c["kind"] == "enterprise"}
        edges = defaultdict(set)
        for customer, loan in rows:
            if loan["guarantor_id"]:
                edges[customer["certificate_no"]].add(loan["guarantor_id"])
        groups = [frozenset(reaches_itself(n, edges)) & set(firms) for n in firms]
        shared = defaultdict(set)
        for number, c in firms.items():
            for column in ("controller_id", "legal_representative_id", "phone_hash", "address"):
                shared[column, c[column]].add(number)
        for group in [*groups, *shared.values()]:
            lines = [firms[n]["credit_line"] for n in group]
            if len(lines) > 1 and sum(lines) > LIMIT and max(lines) <= LIMIT:
                found |= {firms[n]["customer_id"] for n in group}
        lines = [c for c, _ in rows if LIMIT * 99 <= c["credit_line"] * 100 < LIMIT * 100]
        found |= {c["customer_id"] for c in lines}
    return found


def charged(seed):
    found = set()
    for unit in LEDGERS:
        chargers = defaultdict(set)
        for fee in register(seed, unit.short, "fees"):
            if fee["borne_by"] != "borrower" or fee["amount"] == fee["waived"]:
                continue
            chargers[fee["loan_id"]].add(fee["charged_by"])
            banned = fee["kind"] in ("commitment", "arrangement", "advisory", "management")
            if banned or not fee["in_contract"]:
                found.add(fee["loan_id"])
        found |= {key for key, kinds in chargers.items() if len(kinds) > 1}
    return found


def put_off_denied(seed):
    return {
        row["loan_id"]
        for unit in ROSTER
        for row in register(seed, unit.short, "deferrals")
        if row["outcome"] == "refused_other"
        or (row["outcome"] == "open" and (END - row["applied_on"]).days > 30)
    }


def refused(seed):
    return {
        row["application_id"]
        for unit in ROSTER
        for row in register(seed, unit.short, "applications")
        if row["decision"] == "refused" and row["qualifies"]
    }


def not_renewed(seed):
    found = set()
    for unit in ROSTER:
        rows = register(seed, unit.short, "deferrals")
        ended = {r["loan_id"] for r in rows if r["ended_on"] and r["kind"] == "principal"}
        for asked in register(seed, unit.short, "applications"):
            if asked["loan_id"] in ended and asked["kind"] == "renewal" and asked["qualifies"]:
                found |= {asked["loan_id"]} if asked["disbursed_on"] is None else set()
    return found


DERIVED = {
    "C2.3x": claims,
    "C3.3b": charged,
    "C3.4a": withdrawn,
    "C3.4b": cut_off,
    "C3.5a": misused,
    "C3.5b": shells,
    "C3.5c": homes,
    "C3.6a": over_lent,
    "C3.6b": connected,
    "C4.7a": put_off_denied,
    "C4.7b": refused,
    "C4.7c": not_renewed,
}


def planted(seed, clause, is_true):
    rows = [r for r in county(seed).leads if r["clause"] == clause and r["is_true"] == is_true]
    if clause == "C3.5b":
        owner = {x["loan_id"]: x["customer_id"] for u in LEDGERS for x in ledger(seed, u.short)[1]}
        return {owner[r["key"]] for r in rows}
    return {r["key"] for r in rows}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("clause", DERIVED)
def test_definition_finds_the_planted_and_only_those(clause, seed):
    found = DERIVED[clause](seed)
    true = planted(seed, clause, True)
    assert true
    assert found == true


@pytest.mark.parametrize("clause", [c for c in DERIVED if c != "C4.7b"])
def test_decoys_are_there_and_not_found(clause):
    decoys = planted("2021", clause, False)
    assert decoys
    assert not decoys & DERIVED[clause]("2021")


def test_onlent_loans_are_dearer_at_one_bank_and_cheaper_at_another():
    """Per cell of kind, term, guarantee and quarter, at least five loans on either side."""
    cells = defaultdict(lambda: [0, 0, 0])
    for unit in LEDGERS:
        if unit.kind != "rural_commercial":
            continue
        for customer, loan in small_loans("2021", unit.short):
            if loan["drawn_on"].year < 2021 or loan["credit_line_at_drawdown"] > LIMIT:
                continue
            months = round((loan["matures_on"] - loan["drawn_on"]).days / 30.44)
            term = sum(months > edge for edge in (12, 36, 60))
            quarter = (loan["drawn_on"].month - 1) // 3
            onlent = loan["funding_source"] == "policy_onlent"
            cell = customer["kind"], term, loan["guarantee"], quarter
            sums = cells[(unit.short if onlent else "similar", *cell)]
            sums[0] += loan["amount"] * loan["rate_at_drawdown"]
            sums[1] += loan["amount"]
            sums[2] += 1
    gaps = defaultdict(list)
    for (who, *cell), (interest, amount, n) in cells.items():
        like = cells.get(("similar", *cell), [0, 1, 0])
        if who != "similar" and n >= 5 and like[2] >= 5:
            gaps[who].append(interest / amount - like[0] / like[1])
    assert set(gaps) == {"NS1", "NS3"}
    assert min(gaps["NS1"]) > 0.5
    assert max(gaps["NS3"]) < -0.5


@pytest.mark.parametrize("seed", SEEDS)
def test_lives_stay_possible(seed):
    for unit in ROSTER:
        if not unit.is_bank:
            continue
        loans = county(seed).books[unit.short].loans
        assert (loans["drawn_on"] < loans["matures_on"]).all()
        assert (loans["drawn_on"] <= loans["closed_on"]).all()
        linked = loans["predecessor"] >= 0
        before = loans["predecessor"][linked]
        assert (loans["closed_on"][before] <= loans["drawn_on"][linked]).all()
        assert (loans["customer"][before] == loans["customer"][linked]).all()


def test_registers_have_unique_keys_and_known_loans():
    keys = {
        "applications": ("application_id",),
        "deferrals": ("loan_id", "seq"),
        "fees": ("loan_id", "seq"),
        "flows": ("loan_id", "seq"),
        "cases": ("case_id",),
        "case_persons": ("case_id", "person_id", "role"),
    }
    seen = set()
    for quarter in QUARTERS:
        for unit in ROSTER:
            tables = leads.registers(county("2021"), quarter, unit.short)
            if not unit.is_bank:
                assert tables == {}
                continue
            snapshot = county("2021").snapshots[quarter, unit.short]
            known = set(snapshot["loans"]["loan_id"].to_pylist())
            customers = set(snapshot["customers"]["customer_id"].to_pylist())
            for table, columns in tables.items():
                rows = arrow(table, columns).to_pylist()
                seen.add(table)
                assert len({tuple(r[k] for k in keys[table]) for r in rows}) == len(rows)
                named = [r.get("loan_id") or r.get("loan_ids") for r in rows]
                assert {key for key in named if key} <= known
                assert {r["customer_id"] for r in rows if "customer_id" in r} <= customers
                expected = {institution_id(unit.short)} if rows else set()
                assert {r["institution_id"] for r in rows} == expected
    assert seen == set(keys)


def test_register_of_a_quarter_knows_nothing_of_later_days():
    for quarter in QUARTERS:
        for row in arrow(
            "applications", leads.registers(county("2021"), quarter, "NS2")["applications"]
        ).to_pylist():
            dates = [row["applied_on"], row["decided_on"], row["disbursed_on"]]
            assert max(d for d in dates if d) <= quarter.end
            assert sorted(d for d in dates if d) == [d for d in dates if d]
            assert (row["decision"] == "pending") == (row["decided_on"] is None)


def test_leads_name_the_right_table_and_are_unique():
    rows = county("2021").leads
    assert len({(r["clause"], r["key"]) for r in rows}) == len(rows)
    letters = {"loans": "L", "customers": "C", "applications": "S"}
    assert all(r["key"][3] == letters[r["table"]] for r in rows)
