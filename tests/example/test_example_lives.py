"""Snapshots of successive quarters agree with each other, for a county of any seed."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from puhui.example import QUARTERS, ROSTER, Reports
from puhui.example.columns import arrow
from puhui.example.lives import RENEWAL

BANKS = [u.short for u in ROSTER if u.is_bank]
FIXED = [
    "amount",
    "drawn_on",
    "matures_on",
    "priced_on",
    "rate_at_drawdown",
    "customer_id",
    "branch_id",
    "guarantee",
    "product",
    "issue_kind",
    "predecessor_loan_id",
    "credit_line_at_drawdown",
]


@pytest.fixture(scope="module")
def frames(county):
    """Loans and customers as data frames by quarter and bank, money in fen."""
    found = {}
    for key, tables in county.snapshots.items():
        for name in ("loans", "customers"):
            frame = arrow(name, tables[name]).to_pandas()
            for column in frame.columns.intersection(MONEY):
                frame[column] = pd.to_numeric(tables[name][column]).astype("int64")
            found[(*key, name)] = frame
    return found


MONEY = [
    "amount",
    "balance",
    "credit_line",
    "credit_line_at_drawdown",
    "principal_overdue",
    "interest_overdue",
    "rate_at_drawdown",
]


@pytest.mark.parametrize("short", BANKS)
def test_flows_add_up_between_quarters(frames, short) -> None:
    """Stock = last stock + drawn − repaid − written off − transferred, loan by loan."""
    for before, now in pairwise(QUARTERS):
        old = frames[before, short, "loans"].set_index("loan_id")
        new = frames[now, short, "loans"].set_index("loan_id")
        held = old[old["closed_on"].isna()]
        assert held.index.isin(new.index).all(), "an open loan vanished without closing"
        came = new[~new.index.isin(old.index)]
        assert (came["drawn_on"] >= now.start).all(), "a loan came that was drawn earlier"
        both = new.loc[held.index]
        repaid = held["balance"] - both["balance"]
        assert (repaid >= 0).all()
        ended = both["closed_on"].notna()
        assert (both.loc[ended, "closed_on"] > before.end).all()
        assert (both.loc[ended, "balance"] == 0).all()
        assert (both.loc[~ended, "balance"] > 0).all()
        repaid_new = (came["amount"] - came["balance"]).sum()
        stock = held["balance"].sum() + came["amount"].sum() - repaid.sum() - repaid_new
        assert stock == new["balance"].sum()


@pytest.mark.parametrize("short", BANKS)
def test_what_is_fixed_at_drawdown_never_changes(frames, short) -> None:
    first = frames[QUARTERS[0], short, "loans"].set_index("loan_id")[FIXED]
    for quarter in QUARTERS[1:]:
        now = frames[quarter, short, "loans"].set_index("loan_id")[FIXED]
        both = now.index.intersection(first.index)
        pd.testing.assert_frame_equal(now.loc[both], first.loc[both])
        first = pd.concat([first, now.drop(both)])


@pytest.mark.parametrize("short", BANKS)
def test_ids_are_unique_and_loans_have_their_customer(frames, short) -> None:
    for quarter in QUARTERS:
        loans = frames[quarter, short, "loans"]
        customers = frames[quarter, short, "customers"]
        assert loans["loan_id"].is_unique
        assert customers["customer_id"].is_unique
        assert customers["certificate_no"].is_unique
        assert set(loans["customer_id"]) == set(customers["customer_id"])


@pytest.mark.parametrize("short", BANKS)
def test_dates_and_states_are_possible(frames, short) -> None:
    for quarter in QUARTERS:
        x, end = frames[quarter, short, "loans"], quarter.end
        closed = x["closed_on"].notna()
        assert (x["priced_on"] <= x["drawn_on"]).all()
        assert (x["drawn_on"] <= end).all()
        assert (x["drawn_on"] < x["matures_on"]).all()
        assert (x.loc[closed, "closed_on"] >= x.loc[closed, "drawn_on"]).all()
        assert (x.loc[closed, "closed_on"] <= end).all()
        year = dt.date(quarter.year, 1, 1)
        assert (x.loc[closed, "closed_on"] >= year).all()
        assert (closed == x["closure"].notna()).all()
        assert (x["balance"] <= x["amount"]).all()
        assert ((x["balance"] > 0) == ~closed).all()
        late = x[x["overdue_since"].notna()]
        days = pd.Series([(end - d).days + 1 for d in late["overdue_since"]], index=late.index)
        assert (days > 0).all()
        assert (late["status"] == "overdue").all()
        npl = late["five_class"].isin(["substandard", "doubtful", "loss"])
        assert (npl == (days > 90)).all()
        assert (
            not x.loc[~closed & x["overdue_since"].isna(), "five_class"]
            .isin(["substandard", "doubtful", "loss"])
            .any()
        )


@pytest.mark.parametrize("short", BANKS)
def test_a_renewal_starts_the_day_its_predecessor_ends(county, short) -> None:
    """A loan that takes another's place otherwise (a switch) starts within a fortnight."""
    loans = county.books[short].loans
    linked = np.flatnonzero(loans["predecessor"] >= 0)
    before = loans["predecessor"][linked]
    gap = loans["drawn_on"][linked] - loans["closed_on"][before]
    renewed = loans["issue_kind"][linked] == RENEWAL
    assert renewed.sum() > 0
    assert (gap[renewed] == 0).all()
    assert ((gap > 0) & (gap <= 14))[~renewed].all()
    assert (loans["customer"][before] == loans["customer"][linked]).all()


def test_npl_follows_the_banks_path(frames) -> None:
    """Within half a point of its target at every quarter's end, where whole loans allow it."""
    for short in ("DX2", "DX3", "DX4", "NS1", "NS2", "NS3"):
        unit = next(u for u in ROSTER if u.short == short)
        for i, quarter in enumerate(QUARTERS):
            x, c = frames[quarter, short, "loans"], frames[quarter, short, "customers"]
            x = x.merge(c[["customer_id", "kind", "size", "credit_line"]], on="customer_id")
            mse = inclusive(x)
            bad = x["five_class"].isin(["substandard", "doubtful", "loss"])
            ratio = 100 * x.loc[mse & bad, "balance"].sum() / x.loc[mse, "balance"].sum()
            target = (unit.npl[0] + (unit.npl[1] - unit.npl[0]) * i / 8) / 100
            assert abs(ratio - target) < 0.9, (short, str(quarter), ratio, target)


def inclusive(x):
    """Small and micro business loans within the 10-million line, on the merged frame."""
    firm = (x["kind"] == "enterprise") & x["size"].isin(["small", "micro"])
    person = x["kind"].isin(["individual_business", "mse_owner"]) & x["is_business_loan"]
    return (firm | person) & (x["credit_line"] <= 1_000_000_000)


@pytest.mark.parametrize("short", ["CS2", "NS1", "NS2", "NS3", "CZ2"])
def test_returns_equal_the_ledger_but_for_planted_differences(county, frames, short) -> None:
    """Bands, counts, drawdowns and interest of S71, and G01 and G11, worked again in pandas."""
    reports = Reports(county)
    unit = next(u for u in ROSTER if u.short == short)
    for quarter in QUARTERS[-2:]:
        filed = reports.filed_items(quarter, unit)
        x, c = frames[quarter, short, "loans"], frames[quarter, short, "customers"]
        x = x.merge(c[["customer_id", "kind", "size", "credit_line"]], on="customer_id")
        expected = again(x, quarter)
        differ = {k for k in expected if filed[k] != expected[k]}
        planted = {"NS1": {"S71_I_3.C1"}, "NS3": {"S71_I_3.C1"}}.get(short, set())
        assert differ == (planted if quarter == QUARTERS[-1] else set())


def again(x, quarter):
    """S71 part I in hundredths of 万元 by rows 1 and 3 and bands, and the two totals."""
    half_up = lambda fen, unit=10_000: (2 * int(fen) + unit) // (2 * unit)  # noqa: E731
    bad = x["five_class"].isin(["substandard", "doubtful", "loss"])
    found = {
        "G01.loans": half_up(x["balance"].sum()),
        "G11.npl": half_up(x.loc[bad, "balance"].sum()),
    }
    firm = (x["kind"] == "enterprise") & x["size"].isin(["small", "micro"])
    person = x["kind"].isin(["individual_business", "mse_owner"]) & x["is_business_loan"]
    edges = {1: (-1, 100), 2: (100, 500), 3: (500, 1000), 5: (-1, 1000)}
    drawn = x["drawn_on"] >= dt.date(quarter.year, 1, 1)
    interest = x["amount"] * x["rate_at_drawdown"]
    for row, mine in ((1, firm), (3, person)):
        for band, (low, high) in edges.items():
            ok = mine & ((x["product"] != "discount") | (band != 5))
            now = ok & x["credit_line"].between(low * 10**6 + 1, high * 10**6)
            then = ok & drawn & x["credit_line_at_drawdown"].between(low * 10**6 + 1, high * 10**6)
            name = f"S71_I_{row}."
            found |= {
                f"{name}A{band}": half_up(x.loc[now, "balance"].sum()),
                f"{name}B{band}": x.loc[now & (x["balance"] > 0), "customer_id"].nunique(),
                f"{name}C{band}": half_up(x.loc[now & bad, "balance"].sum()),
                f"{name}D{band}": half_up(x.loc[then, "amount"].sum()),
                f"{name}E{band}": x.loc[then, "customer_id"].nunique(),
                f"{name}F{band}": half_up(interest[then].sum(), 10**8),
            }
    return found


def test_borrowers_are_shared_and_firms_are_connected(county) -> None:
    at = {}
    for short, book in county.books.items():
        for entity in book.customers["entity"].tolist():
            at.setdefault(entity, set()).add(short)
    assert sum(len(banks) > 1 for banks in at.values()) > 500
    controllers = pd.Series(county.people.facts["controller"]).value_counts()
    assert (controllers > 1).sum() > 50


def test_thirty_thousand_loans_at_the_end_in_sixteen_banks_and_some_ninety_branches(frames) -> None:
    count = sum((frames[QUARTERS[-1], s, "loans"]["balance"] > 0).sum() for s in BANKS)
    assert 27_000 < count < 33_000
    kinds = pd.Series([u.kind for u in ROSTER if u.is_bank]).value_counts().to_dict()
    assert kinds == {
        "large": 4,
        "rural_commercial": 3,
        "village": 3,
        "policy": 2,
        "joint_stock": 2,
        "city": 2,
    }
    assert sum(not u.is_bank for u in ROSTER) == 4
    assert 85 <= sum(u.branches for u in ROSTER if u.is_bank) <= 95
    assert [sum(u.tier == t for u in ROSTER if u.is_bank) for t in (0, 1, 2, 3)] == [3, 3, 7, 3]
