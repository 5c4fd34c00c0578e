"""Tables of the outlook: counts and shares of moves, gaps as filed, and a county from its files."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from puhui import derive, results
from puhui.eligibility.migration import Book, Customers, History, Move, latest_moves
from puhui.eligibility.outlook import (
    classes_held_until,
    county_outlook,
    filed_gaps,
    gap_paths,
    migration_rows,
    migration_table,
    outlook_rows,
)
from puhui.engine import DuckDBEngine
from puhui.indicators import Bench
from puhui.params import load
from puhui.quarter import Quarter
from vocabulary import PARAMS, County

BANK, OTHER = "HCNS0001", "HCNS0002"
ORIGIN = Quarter(2021, 4)
QUARTERS = [ORIGIN.shift(-k) for k in range(5)]


@pytest.fixture(scope="module")
def params():
    return load(PARAMS)


# ---- Moves


def test_shares_are_of_all_who_came_from_the_same_state():
    moves = {
        ("new", "npl"): Move(1, 0, 300, 0, 300),
        ("new", "performing"): Move(3, 0, 900, 0, 0),
        ("npl", "repaid"): Move(2, 12345, 0, 12345, 0),
        ("performing", "npl"): Move(1, 100, 80, 0, 80),
        ("performing", "performing"): Move(4, 300, 900, 0, 0),
    }
    rows = migration_rows(ORIGIN, {(BANK, ORIGIN): moves})
    by_move = {(r["before"], r["after"]): r for r in rows}
    assert list(by_move) == sorted(moves)
    shares = {k: (r["share_customers"], r["share_balance"]) for k, r in by_move.items()}
    assert shares == {
        # Of the new by what they owe now, of all others by what they owed.
        ("new", "npl"): (0.25, 0.25),
        ("new", "performing"): (0.75, 0.75),
        ("npl", "repaid"): (1.0, 1.0),
        ("performing", "npl"): (0.2, 0.25),
        ("performing", "performing"): (0.8, 0.75),
    }
    gone = by_move["npl", "repaid"]
    assert gone["owed_before"] == gone["bad_before"] == Decimal("123.45")
    assert (gone["owed_after"], gone["bad_after"], gone["customers"]) == (0, 0, 2)
    assert (gone["quarter"], gone["from_quarter"]) == ("2021Q4", "2021Q3")
    assert (gone["to_quarter"], gone["institution_id"]) == ("2021Q4", BANK)


def test_customers_who_owed_nothing_have_no_share_of_a_balance():
    (row,) = migration_rows(ORIGIN, {(BANK, ORIGIN): {("npl", "npl"): Move(2, 0, 0, 0, 0)}})
    assert (row["share_customers"], row["share_balance"]) == (1.0, None)


# ---- Gaps as filed


def returns(inclusive, bad, every, npl):
    return (
        f"item value\nQS.incl_balance {inclusive}\nQS.incl_npl {bad}\n"
        f"QS.all_loans {every}\nQS.npl {npl}"
    )


def gaps_of(county, quarter=ORIGIN):
    snapshots = county.stored()
    with DuckDBEngine([county.store.root]) as engine:
        return filed_gaps(engine, county.params, snapshots, quarter)


def test_filed_gaps_up_to_the_quarter_where_there_is_something_to_divide_by(tmp_path):
    county = County(tmp_path)
    county.with_returns("2021Q3", BANK, returns(100, 4, 400, 4))
    county.with_returns("2021Q4", BANK, returns(200, 10, 500, 5))
    county.with_returns("2021Q4", OTHER, returns(0, 0, 400, 4))
    county.with_returns("2021Q4", "HCNS0003", "item value\nQS.incl_balance 100\nQS.incl_npl 4")
    county.with_returns("2021Q4", "HCNS0004", returns(100, 0, 400, 0))
    county.with_returns("2022Q1", BANK, returns(200, 20, 500, 5))
    # 4 % − 1 %; 5 % − 1 %; no bad loans at all is a gap of nothing.
    assert gaps_of(county) == {
        (BANK, Quarter(2021, 3)): 3,
        (BANK, ORIGIN): 4,
        ("HCNS0004", ORIGIN): 0,
    }


def test_figures_of_a_branch_are_no_gap_of_the_institution(tmp_path):
    whole = returns(100, 4, 400, 4).splitlines()
    lines = [whole[0] + " branch_id"]
    lines += [line + " -" for line in whole[1:]]
    lines += [line + " B1" for line in returns(100, 9, 400, 4).splitlines()[1:]]
    county = County(tmp_path).with_returns("2021Q4", BANK, "\n".join(lines))
    assert gaps_of(county) == {(BANK, ORIGIN): 3}


def test_who_has_a_ledger_is_followed_by_ledger_alone():
    books = {(BANK, ORIGIN): Book(100, 4, 400, 4), (BANK, QUARTERS[1]): Book(0, 0, 400, 4)}
    past = History({}, {}, books, {})
    filed = {
        (BANK, ORIGIN): Fraction(5),
        (BANK, QUARTERS[1]): Fraction(6),
        (OTHER, ORIGIN): Fraction(7, 2),
    }
    assert gap_paths(past, filed) == {(BANK, ORIGIN): 3.0, (OTHER, ORIGIN): 3.5}


# ---- Rows


def row_of(params, filed=None, *, books=None, **judged):
    """The row of a bank whose ledger never changes."""
    book = Book(1000, 40, 2000, 50)  # 4 % − 2.5 % = 1.5 points
    moves = {("performing", "performing"): Move(10, 10, 10, 0, 0)}
    customers = {"performing": Customers(np.array([6, 4]), np.array([50.0, 100.0]))}
    past = History(
        {BANK: "village"},
        {(BANK, q): moves for q in QUARTERS[:-1]},
        dict.fromkeys([(BANK, q) for q in QUARTERS], book) if books is None else books,
        {(BANK, q): customers for q in QUARTERS},
    )
    bench = Bench.of(params, ORIGIN, results.empty("measures"))
    plain = {"verdict": "met", "value_num": "3", "value_den": "2", "threshold": "3.00"}
    (row,) = outlook_rows(bench, past, filed or {}, {BANK: {**plain, **judged}})
    return row


def test_a_row_says_how_sure_from_what_and_for_when(params):
    row = row_of(params)
    assert (row["quarter"], row["for_quarter"]) == ("2021Q4", "2022Q1")
    assert (row["gap_pp"], row["gap_num"], row["gap_den"]) == (1.5, "3", "2")
    assert (row["method"], row["pool"], row["transitions"]) == ("ledger", None, 4)
    assert row["low_pp"] <= row["middle_pp"] <= row["high_pp"]
    # Nothing was bad among the customers: nearly all draws say that none will be, −0.5 points.
    assert 0 <= row["beyond"] < 0.2
    assert (row["customers_performing"], row["customers_npl"]) == (10, 0)
    assert 0 < row["to_npl_performing_pct"] < 5
    assert row["reason"] is None
    assert "deferred" not in row  # not told, so nothing is supposed of it


def test_without_a_limit_there_is_no_chance_of_being_beyond(params):
    row = row_of(params, threshold=None)
    assert row["beyond"] is None
    assert row["middle_pp"] is not None


@pytest.mark.parametrize(("num", "said"), [("301", None), ("302", "0.01"), ("298", "0.01")])
def test_half_a_hundredth_apart_from_the_ledger_is_not_worth_saying(params, num, said):
    # 1.505 is half a hundredth from 1.5; 1.51 and 1.49 are more.
    reason = row_of(params, value_num=num, value_den="200")["reason"]
    assert reason is None if said is None else said in reason


def test_too_few_quarters_are_said_and_what_is_deferred_is_still_supposed(params):
    book = Book(1000, 40, 2000, 50, 200, 100)
    row = row_of(params, books={(BANK, ORIGIN): book})
    assert "四次" in row["reason"] and "method" not in row
    # All 10 %: (40 + 10)/1000 − (50 + 20)/2000 = 5 % − 3.5 %.
    assert (row["gap_if_10_pp"], row["deferred"]) == (1.5, 2)


def test_without_a_ledger_the_forecast_is_from_changes_of_what_was_filed(params):
    filed = {(BANK, q): Fraction(3 - k, 2) for k, q in enumerate(QUARTERS)}
    row = row_of(params, filed, books={})
    assert (row["method"], row["pool"], row["transitions"]) == ("changes", "kind", 4)
    assert (row["middle_pp"], row["low_pp"], row["beyond"]) == (2.0, 2.0, 0.0)
    assert "customers_npl" not in row and row["reason"] is None


def test_a_policy_that_begins_on_the_last_day_of_a_quarter_holds_in_it(params):
    setting = params.policy.settings["deferral_in_force"]
    values = tuple(
        replace(v, since=dt.date(2020, 12, 31)) if v.since == dt.date(2020, 1, 25) else v
        for v in setting.values
    )
    policy = replace(
        params.policy,
        settings={**params.policy.settings, "deferral_in_force": replace(setting, values=values)},
    )
    later = replace(params, policy=policy)
    assert classes_held_until(later, Quarter(2020, 4)) == "2021-12-31"
    assert classes_held_until(later, Quarter(2020, 3)) is None
    before = replace(params, policy=replace(policy, settings={}))
    assert classes_held_until(before, ORIGIN) is None


# ---- From files


def ledger(bad):
    """Ten customers of 100 yuan, so many of them NPL, and a large firm of 1,000."""
    lines = ["loan_id customer_id balance five_class"]
    lines += [f"L{n} K{n} 100 {'loss' if n < bad else 'normal'}" for n in range(10)]
    return "\n".join([*lines, "L99 BIG 1000 normal"])


@pytest.fixture(scope="module")
def county(tmp_path_factory):
    """A bank with six ledgers, the last of which is after the quarter, and one without any."""
    made = County(tmp_path_factory.mktemp("county"))
    for quarter, bad in zip([ORIGIN.shift(1), *QUARTERS], (9, 2, 1, 1, 0, 0), strict=True):
        made.with_loans(str(quarter), BANK, ledger(bad), "customer_id size\nBIG large")
        made.with_returns(str(quarter), OTHER, returns(100, 4, 400, 4))
    return made.with_returns(str(ORIGIN.shift(-5)), OTHER, returns(100, 4, 400, 4))


@pytest.fixture(scope="module")
def found(county):
    bench = county.bench()
    everyone = [county.facts(OTHER), county.facts(BANK)]
    with DuckDBEngine([county.store.root]) as engine:
        derive.loan_facts(engine, county.params, county.snapshots)
        derive.source_view(engine, "deferrals", county.snapshots)
        return county_outlook(engine, bench, county.snapshots, everyone)


def test_a_county_from_its_files(found):
    assert found.tables().keys() == {"outlook", "migration", "backtest"}
    mine, other = found.outlook.to_pylist()
    # 2 of 10 less 2 of 20: 20 % − 10 %.
    assert (mine["institution_id"], mine["gap_pp"], mine["method"]) == (BANK, 10.0, "ledger")
    assert (mine["customers_npl"], mine["customers_performing"]) == (2, 8)
    assert (other["institution_id"], other["gap_pp"], other["method"]) == (OTHER, 3.0, "changes")
    assert set(found.history.books) == {(BANK, q) for q in QUARTERS}
    assert found.history.kinds == dict.fromkeys((BANK, OTHER), "rural_commercial")


def test_moves_of_the_bank_and_of_the_county_are_the_same_where_one_bank_has_a_ledger(found):
    rows = found.migration.to_pylist()
    turned = {
        (r["institution_id"], r["to_quarter"]): (r["customers"], r["share_customers"])
        for r in rows
        if (r["before"], r["after"]) == ("performing", "npl")
    }
    # One of ten turned NPL in the second quarter, one of nine in the fourth.
    assert turned == {
        (who, quarter): share
        for who in (BANK, "county")
        for quarter, share in (
            ("2021Q2", (1, 0.1)),
            ("2021Q4", (1, pytest.approx(1 / 9))),
        )
    }


def test_one_quarters_moves_alone_are_those_of_the_whole_history(county, found):
    with DuckDBEngine([county.store.root]) as engine:
        table = migration_table(engine, county.params, ORIGIN, county.snapshots)
        none = latest_moves(engine, county.params, Quarter(2019, 4), county.snapshots)
    assert none == {}
    rows = [
        r
        for r in found.migration.to_pylist()
        if (r["institution_id"], r["to_quarter"]) == (BANK, "2021Q4")
    ]
    assert table.to_pylist() == rows


def test_the_back_test_holds_past_gaps_against_the_limit_of_their_quarter(found):
    origin, whole = found.backtest.to_pylist()
    assert (origin["origin"], origin["for_quarter"]) == ("2021Q3", "2021Q4")
    # The bank is beyond three points already, so only the other could leave; it did not.
    assert (origin["forecasts"], origin["could_leave"], origin["events"]) == (2, 1, 0)
    assert (whole["origin"], whole["forecasts"], whole["method"]) == (None, 2, "changes")
