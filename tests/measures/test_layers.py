"""The layered plan gives what a plain scan gives, on any ledger, threads and row order."""

from __future__ import annotations

import random
from collections import defaultdict
from decimal import Decimal

import pytest

from puhui.measures import plan
from puhui.quarter import Quarter
from vocabulary import County

KINDS = ("enterprise", "individual_business", "mse_owner", "farmer", "other_personal")
SIZES = ("small", "micro", "medium", "large")
LINES = ("9999999.99", "10000000.00", "10000000.01", "500.00")


def random_county(folder, seed, shuffle=False):
    """A ledger with every mix of kind, size, line, product, class and status."""
    chance = random.Random(seed)
    people = [
        {
            "customer_id": f"K{i}",
            "kind": chance.choice(KINDS),
            "size": chance.choice(SIZES),
            "credit_line": chance.choice(LINES),
        }
        for i in range(60)
    ]
    loans = [
        {
            "loan_id": f"L{i}",
            "customer_id": f"K{chance.randrange(60)}",
            "branch_id": f"B{chance.randrange(3)}",
            "product": chance.choice(("working_capital", "discount", "rediscount", "entrusted")),
            "issue_kind": chance.choice(("new", "renewal", "restructured")),
            "balance": f"{chance.randrange(0, 10**7)}.{chance.randrange(100):02d}",
            "amount": f"{chance.randrange(1, 10**7)}.{chance.randrange(100):02d}",
            "rate_at_drawdown": f"{chance.randrange(10**6, 10**7) / 10**6:.6f}",
            "guarantee": chance.choice(("credit", "mortgaged")),
            "five_class": chance.choice(("normal", "special_mention", "doubtful")),
            "status": chance.choice(("normal", "overdue", "written_off", "transferred", "settled")),
            "credit_line_at_drawdown": chance.choice(LINES),
            "drawn_on": chance.choice(("2020-12-31", "2021-01-01", "2021-12-31")),
        }
        for i in range(400)
    ]
    if shuffle:
        chance.shuffle(loans)
    county = County(folder)
    header = list(loans[0])
    text = "\n".join([" ".join(header), *(" ".join(r[c] for c in header) for r in loans)])
    who = list(people[0])
    listed = "\n".join([" ".join(who), *(" ".join(p[c] for c in who) for p in people)])
    county.with_loans("2021Q4", "HCNS0001", text, listed)
    return county, loans, {p["customer_id"]: p for p in people}


def expected(loans, people):
    """The measures in plain Python, from catalogue and contract, not from params."""
    sums = defaultdict(Decimal)
    customers = defaultdict(set)
    for loan in loans:
        who = people[loan["customer_id"]]
        mse = who["kind"] in ("individual_business", "mse_owner") or (
            who["kind"] == "enterprise" and who["size"] in ("small", "micro")
        )
        held = loan["status"] not in ("written_off", "transferred")
        held = held and loan["product"] != "entrusted"
        bill = loan["product"] in ("discount", "rediscount")
        credit = loan["guarantee"] == "credit" and not bill
        now = mse and held and Decimal(who["credit_line"]) <= 10_000_000
        now = now and loan["product"] != "rediscount"
        drawn = mse and Decimal(loan["credit_line_at_drawdown"]) <= 10_000_000
        drawn = drawn and loan["product"] not in ("rediscount", "entrusted")
        drawn = drawn and loan["drawn_on"] >= "2021-01-01" and loan["issue_kind"] != "restructured"
        balance, amount = Decimal(loan["balance"]), Decimal(loan["amount"])
        bad = loan["five_class"] == "doubtful"
        for unit in (None, loan["branch_id"]):
            sums["all_loans", unit] += balance if held else 0
            sums["npl", unit] += balance if held and bad else 0
            sums["incl_balance", unit] += balance if now else 0
            sums["incl_npl", unit] += balance if now and bad else 0
            sums["incl_drawn", unit] += amount if drawn else 0
            sums["bill_balance", unit] += balance if held and bill else 0
            sums["mse_balance", unit] += balance if held and mse else 0
            sums["mse_credit_balance", unit] += balance if held and mse and credit else 0
            interest = amount * Decimal(loan["rate_at_drawdown"])
            sums["incl_drawn_interest", unit] += interest if drawn else 0
            if now and loan["product"] != "discount":
                sums["assessed_balance", unit] += balance
                if balance:
                    customers[unit].add(loan["customer_id"])
            else:
                sums["assessed_balance", unit] += 0
    return sums, {unit: len(ids) for unit, ids in customers.items()}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_layers_equal_a_plain_loop(tmp_path, seed):
    county, loans, people = random_county(tmp_path, seed)
    found = {
        (r["measure_id"], r["branch_id"]): r["value"]
        for r in county.measures().to_pylist()
        if r["quarter"] == "2021Q4"
    }
    sums, customers = expected(loans, people)
    assert {key: found[key] for key in sums} == dict(sums)
    assert {u: found["assessed_customers", u] for u in customers} == customers


def test_row_order_and_threads_change_no_bit(tmp_path):
    county, *_ = random_county(tmp_path / "a", 5)
    shuffled, *_ = random_county(tmp_path / "b", 5, shuffle=True)
    key = ["institution_id", "branch_id", "measure_id"]
    sort = [(k, "ascending") for k in ("quarter", *key)]
    columns = ["quarter", *key, "value", "rows"]
    one = county.measures(threads=1).select(columns).sort_by(sort)
    four = county.measures(threads=4).select(columns).sort_by(sort)
    other = shuffled.measures().select(columns).sort_by(sort)
    assert one.equals(four)
    assert one.equals(other)


def test_each_distinct_condition_is_one_bit(tmp_path):
    params = County(tmp_path).params
    made = plan(params, Quarter.parse("2021Q4"), params.measures.values())
    assert len(set(made.conditions)) == len(made.conditions) < len(made.of)


def test_an_empty_cell_that_matters_is_no_data_and_one_that_does_not_is_not_missed(tmp_path):
    # K2 is large: its unknown line cannot matter. K1's does.
    people = "customer_id size  credit_line\nK1 small -\nK2 large -"
    text = "loan_id customer_id balance\nL1 K1 1\nL2 K2 1"
    county = County(tmp_path).with_loans("2021Q4", "HCNS0001", text, people)
    found = {r["measure_id"]: r for r in county.measures().to_pylist() if not r["branch_id"]}
    assert found["incl_balance"]["value"] is None
    assert "1 行" in found["incl_balance"]["reason"]
    assert "授信额度" in found["incl_balance"]["reason"]
    assert found["all_loans"]["value"] == 2


def test_a_missing_table_is_named(tmp_path):
    county = County(tmp_path)
    county.with_loans("2021Q4", "HCNS0001", "loan_id balance\nL1 1")
    del county._tables["2021Q4", "HCNS0001"]["customers"]
    found = {r["measure_id"]: r for r in county.measures().to_pylist() if not r["branch_id"]}
    assert found["incl_balance"]["reason"] == "缺表：客户信息"
    assert found["all_loans"]["value"] == 1
