"""Forecasts worked by hand: a billion customers of one fen each leave nothing to chance."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from puhui.eligibility import backtest
from puhui.eligibility.migration import Book, Customers, History, Move
from puhui.eligibility.outlook_forecast import (
    DRAWS,
    Forecast,
    Past,
    from_changes,
    from_ledger,
    stream,
)
from puhui.quarter import Quarter

ORIGIN = Quarter(2021, 4)
QUARTERS = [ORIGIN.shift(-k) for k in range(5)]
LAST_YEAR = ORIGIN.shift(-3)
N = 10**9


def move(customers, before=None, after=None, bad_before=0, bad_after=0):
    """Customers of one fen each, unless told otherwise."""
    before = customers if before is None else before
    return Move(customers, before, customers if after is None else after, bad_before, bad_after)


def stay(customers):
    return move(customers, bad_before=customers, bad_after=customers)


def held(count, each=1.0):
    return Customers(np.array([count]), np.array([float(each)]))


def told(moves, customers, book, *, seasonal=None, books=None, kinds=None):
    """One village bank that does the same each quarter, but ``seasonal`` a year before the next."""
    return History(
        kinds or {"I": "village"},
        {("I", q): seasonal if seasonal and q == LAST_YEAR else moves for q in QUARTERS[:-1]},
        {("I", q): book for q in QUARTERS} | {("I", q): b for q, b in (books or {}).items()},
        {("I", ORIGIN): customers},
    )


def middle(history):
    found = from_ledger(Past(history, ORIGIN), "I")
    low, high = found.interval
    assert high - low < 0.01
    return found.middle


#: All NPL, all of it stays so: N of 10 N inclusive, 10 N besides that are good.
BAD = {"npl": held(N)}
STAYS = {("npl", "npl"): stay(N)}
BOOK = Book(10 * N, N, 20 * N, N)


def test_what_stays_bad_stays_in_the_gap():
    # 1/10 − 1/20
    assert middle(told(STAYS, BAD, BOOK)) == pytest.approx(5.0, abs=1e-3)


def test_both_books_grow_as_in_the_same_quarter_last_year():
    # Inclusive × 2, the rest × 3: 1/20 − 1/(20 + 30) = 3 %.
    books = {QUARTERS[4]: Book(5 * N, N, 9 * N, N), QUARTERS[3]: Book(10 * N, N, 22 * N, N)}
    assert middle(told(STAYS, BAD, BOOK, books=books)) == pytest.approx(3.0, abs=1e-3)
    # Where there was no rest a year ago it is taken to stay: 1/20 − 1/(20 + 10).
    books = {QUARTERS[4]: Book(5 * N, N, 5 * N, N), QUARTERS[3]: Book(10 * N, N, 22 * N, N)}
    found = middle(told(STAYS, BAD, BOOK, books=books))
    assert found == pytest.approx(100 * (1 / 20 - 1 / 30), abs=1e-3)


def test_growth_is_not_known_without_inclusive_loans_a_year_ago():
    for when in (QUARTERS[3], QUARTERS[4]):
        history = told(STAYS, BAD, BOOK, books={when: Book(0, 0, 10 * N, N)})
        assert from_ledger(Past(history, ORIGIN), "I") is None


def test_no_more_can_be_bad_than_there_is():
    # Inclusive shrinks to a twentieth, half of what is bad: all of it is. 1 − 0.5/(0.5 + 10).
    books = {QUARTERS[4]: Book(200 * N, N, 210 * N, N), QUARTERS[3]: Book(10 * N, N, 20 * N, N)}
    found = middle(told(STAYS, BAD, BOOK, books=books))
    assert found == pytest.approx(100 * (1 - 0.5 / 10.5), abs=1e-2)


def test_the_rest_of_the_book_goes_on_as_it_went():
    # NPL of the rest: 6, 7, 8, 9, 10 % of 10 N; next 11 %. 1/10 − (1 + 1.1)/20 = −0.5 %.
    books = {q: Book(10 * N, N, 20 * N, N + (10 - k) * N // 10) for k, q in enumerate(QUARTERS)}
    assert middle(told(STAYS, BAD, BOOK, books=books)) == pytest.approx(-0.5, abs=1e-3)


def test_a_book_without_a_rest_some_quarter_had_no_bad_rest():
    # Nothing besides at first, then 10 N of which a tenth is bad, every quarter: changes are
    # 10, 0, 0, 0 points of the ratio, 2.5 on average.
    bad_rest = Book(10 * N, N, 20 * N, 2 * N)
    books = dict.fromkeys(QUARTERS[:4], bad_rest) | {QUARTERS[4]: Book(10 * N, N, 10 * N, N)}
    found = from_ledger(Past(told(STAYS, BAD, BOOK, books=books), ORIGIN), "I")
    # 1/10 − (1 + 1.25)/20, give or take how the ratio moved.
    assert found.draws.mean() == pytest.approx(-1.25, abs=0.4)


def test_write_offs_are_those_of_the_same_quarter_last_year_and_cures_are_of_the_others():
    # A year ago three in ten were written off or sold; of those left one in four recovered,
    # as in every other quarter. 0.7 × 0.75 = 0.525 of N stays: 0.525 × 5 %.
    left = 7 * N // 10
    seasonal = {
        ("npl", "written_off"): move(2 * N // 10, after=0, bad_before=2 * N // 10),
        ("npl", "transferred"): move(N // 10, after=0, bad_before=N // 10),
        ("npl", "npl"): stay(3 * left // 4),
        ("npl", "repaid"): move(left // 4, after=0, bad_before=left // 4),
    }
    usual = {
        ("npl", "npl"): stay(3 * N // 4),
        ("npl", "performing"): move(N // 8, bad_before=N // 8),
        ("npl", "special_mention"): move(N // 8, bad_before=N // 8),
    }
    # What stays owes what it owed, so the size of NPL by count and by balance is one.
    found = middle(told(usual, BAD, BOOK, seasonal=seasonal))
    assert found == pytest.approx(0.525 * 5, abs=1e-2)


def test_amounts_go_by_balance_where_small_loans_turn_bad_more_often():
    # Half of the customers turn NPL, with a quarter of the balance: half as much each.
    turns = {
        ("special_mention", "npl"): move(N // 2, before=N // 4, bad_after=N // 4),
        ("special_mention", "special_mention"): move(N // 2, before=3 * N // 4),
    }
    # N/2 customers × ½: N/4 in 10 N, less N/4 in 20 N.
    found = middle(told(turns, {"special_mention": held(N)}, Book(10 * N, 0, 20 * N, 0)))
    assert found == pytest.approx(1.25, abs=1e-3)


def test_performing_customers_turn_bad_at_their_own_rate():
    turns = {
        ("performing", "npl"): move(N // 10, bad_after=N // 10),
        ("performing", "performing"): move(9 * N // 10),
        ("special_mention", "npl"): move(N // 2, bad_after=N // 2),
        ("special_mention", "special_mention"): move(N // 2),
    }
    # 10 N performing: N; N watched: N/2. 1.5/20 − 1.5/40.
    customers = {"performing": held(10 * N), "special_mention": held(N)}
    found = middle(told(turns, customers, Book(20 * N, 0, 40 * N, 0)))
    assert found == pytest.approx(3.75, abs=1e-3)


def test_new_customers_bring_npl_in_proportion_to_the_book():
    # A tenth of what all owed a quarter before comes in bad each quarter: 1 N more of 10 N.
    comes = {
        ("npl", "npl"): stay(N),
        ("performing", "performing"): move(N, before=9 * N, after=9 * N),
        ("new", "npl"): Move(N // 1000, 0, N, 0, N),
    }
    found = from_ledger(Past(told(comes, BAD, BOOK), ORIGIN), "I").middle
    # That few new ones move growth a little: 2/10 − 2/20.
    assert found == pytest.approx(10.0, abs=0.2)


def test_sizes_are_those_of_the_kind_or_of_the_county_where_the_kind_has_none():
    turns = {
        ("special_mention", "npl"): move(50, before=25, bad_after=25),
        ("special_mention", "special_mention"): move(50, before=75),
        ("new", "npl"): Move(1, 0, 20, 0, 20),
    }
    history = History(
        {"I": "village", "J": "large"}, {("I", ORIGIN): turns, ("J", ORIGIN): {}}, {}, {}
    )
    past = Past(history, ORIGIN)
    # 25 of 100 yuan by 50 of 100 customers; 20 new and bad over the 100 owed before.
    assert past.sizes("village") == past.sizes("large")
    assert past.sizes("village") == {
        "performing": 1.0, "special_mention": 0.5, "npl": 1.0, "new": 0.2,
    }  # fmt: skip
    own = {**turns, ("new", "npl"): Move(1, 0, 30, 0, 30)}
    both = History(history.kinds, {("I", ORIGIN): turns, ("J", ORIGIN): own}, {}, {})
    assert Past(both, ORIGIN).sizes("large")["new"] == pytest.approx(0.3)
    assert Past(both, ORIGIN).sizes("other")["new"] == pytest.approx(0.25)
    assert Past(History({}, {}, {}, {}), ORIGIN).sizes("village")["new"] == 0.0


def test_growth_strays_by_the_customers_who_come_and_go():
    # A million owe one fen each and one of them a million more: M in all twice, E(b²) about M.
    # A two-hundredth of M came or went a year ago: √(2 × M/200 × M) / 2 M = 0.1 / 2.
    m = 10**6
    lumpy = Customers(np.array([m, 1]), np.array([1.0, float(m)]))
    moves = {
        ("npl", "npl"): stay(N),
        ("new", "performing"): Move(m // 400, 0, 0, 0, 0),
        ("performing", "repaid"): Move(m // 400, 0, 0, 0, 0),
    }
    # Beside a huge rest the gap is what is bad over the inclusive, and strays as that does.
    book = Book(4 * m, 2 * m, 10**6 * m, 2 * m)
    found = from_ledger(Past(told(moves, {"npl": lumpy}, book), ORIGIN), "I")
    assert np.log(found.draws).std() == pytest.approx(0.05, rel=0.05)


# ---- Shocks


def county(bad, each=10_000):
    """Three alike of whose customers so many turned NPL, quarter by quarter."""
    known = [ORIGIN.shift(-k) for k in range(len(bad))]
    moves = {
        (i, q): {
            ("performing", "npl"): move(n, bad_after=n),
            ("performing", "performing"): move(each - n),
        }
        for i in "IJK"
        for q, n in zip(known, bad, strict=True)
    }
    return Past(History(dict.fromkeys("IJK", "village"), moves, {}, {}), ORIGIN)


def test_quarters_that_differ_by_chance_alone_have_no_shock():
    assert county([9, 11, 10, 9, 11, 10, 9, 11]).shocks.tolist() == [0.0] * 8


def test_quarters_twice_as_bad_and_half_as_bad_are_a_shock_of_log_two():
    # In order of time, so the last of the list is first; shrunk by 0.4 % for chance.
    found = county([200, 50] * 4).shocks
    assert found == pytest.approx(np.tile([-np.log(2), np.log(2)], 4), rel=0.01)


def test_draws_of_a_shock_are_right_on_average_and_alike_for_all():
    past = county([200, 50] * 4)
    assert np.mean(np.exp(past.shock)) == pytest.approx(1.0)
    assert past.shock.std() > 0.5
    assert set(past.which.tolist()) == set(range(8))
    again = county([200, 50] * 4)
    assert again.shock.tolist() == past.shock.tolist()
    assert not np.array_equal(county([50, 200] * 4).shock, past.shock)


def test_a_stream_is_its_own_for_what_it_is_for():
    def first(*parts):
        return stream(*parts).random()

    assert first("a", 1) == first("a", 1)
    assert len({first("a", 1), first("a", 2), first("b", 1), first("a1")}) == 4


# ---- What a forecast says


def test_the_middle_and_the_bounds_between_which_eight_in_ten_lie():
    found = Forecast(np.arange(101.0), "ledger", "", 4)
    assert (found.middle, *found.interval) == (50.0, 10.0, 90.0)
    moved = found.shifted(0.5)
    assert (moved.middle, *moved.interval) == (50.5, 10.5, 90.5)
    assert (moved.method, moved.pool, moved.transitions) == ("ledger", "", 4)


def test_a_gap_that_grew_evenly_grows_on():
    gaps = {("A", ORIGIN.shift(-k)): 2.0 - k / 8 for k in range(6)}
    gaps["A", ORIGIN.shift(1)] = 40.0
    found = from_changes(gaps, {}, "A", ORIGIN)
    assert (found.draws.tolist(), found.method) == ([2.125] * DRAWS, "changes")
    assert (found.pool, found.transitions) == ("kind", 5)


def test_changes_stray_as_they_did():
    # Up and down by a half in turn: spread of draws is that of the prediction by t(3).
    gaps = {("A", ORIGIN.shift(-k)): (k % 2) / 2 for k in range(5)}
    found = from_changes(gaps, {"A": "village"}, "A", ORIGIN)
    low, high = found.interval
    assert found.draws.mean() == pytest.approx(0.0, abs=0.05)
    # Four changes of ±½ have an SD of 0.577; t(3) at 90 % is 1.638: 0.577 × 1.638 × √(5/4).
    assert (low, high) == (pytest.approx(-1.06, abs=0.3), pytest.approx(1.06, abs=0.3))


# ---- Back-test


def path(who, *gaps):
    return {(who, ORIGIN.shift(k + 1 - len(gaps))): g for k, g in enumerate(gaps)}


def scored(gaps, limit=Fraction(3)):
    history = History({"A": "village", "B": "village"}, {}, {}, {})
    return backtest.scored(history, gaps, ORIGIN, lambda _: limit)


def test_an_institution_that_came_late_or_went_is_scored_where_it_has_both_gaps():
    gaps = {**path("A", 1.0, 1.1, 1.0, 1.2, 1.1, 1.3, 1.2), **path("B", 2.0, 2.1)}
    gaps["C", ORIGIN.previous] = 1.0
    found = [(s.institution_id, str(s.origin)) for s in scored(gaps)]
    assert found == [("A", "2021Q2"), ("A", "2021Q3"), ("B", "2021Q3")]


def test_below_and_above_the_interval_and_the_distance_of_as_now():
    gaps = path("A", 1.0, 1.1, 1.0, 1.1, 1.0, -2.0)
    (found,) = scored(gaps)
    assert (found.side, found.method) == (-1, "changes")
    assert found.crps_as_now == pytest.approx(3.0)
    assert found.left is not None and not found.left[0] and found.left[1] < 0.01
    assert scored(path("A", 1.0, 1.1, 1.0, 1.1, 1.0, 1.0))[0].side == 0
    assert scored(path("A", 1.0, 1.1, 1.0, 1.1, 1.0, 9.0))[0].side == 1


def test_what_equals_the_bound_is_inside():
    (found,) = scored(path("A", *[1.5] * 6))
    assert (found.side, found.crps, found.crps_as_now) == (0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("now", "then", "limit", "left"),
    [(3.0, 3.0, 3, False), (3.0, 3.5, 3, True), (3.5, 2.0, 3, None), (1.0, 5.0, None, None)],
)
def test_only_who_is_within_can_leave(now, then, limit, left):
    gaps = path("A", now, now, now, now, now, then)
    (found,) = scored(gaps, None if limit is None else Fraction(limit))
    assert (None if found.left is None else found.left[0]) is left
