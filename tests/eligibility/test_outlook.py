"""The outlook: shrinkage, draws, limits that are known, and the back-test."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats

from puhui import results
from puhui.eligibility import backtest
from puhui.eligibility.migration import Book, Customers, History, Move
from puhui.eligibility.outlook import classes_held_until, outlook_rows
from puhui.eligibility.outlook_forecast import (
    DRAWS,
    Forecast,
    Past,
    from_changes,
    from_ledger,
    predicted,
    stream,
)
from puhui.eligibility.outlook_shrinkage import STRONGEST, shrink, strength_of
from puhui.indicators import Bench
from puhui.params import load
from puhui.quarter import Quarter
from vocabulary import PARAMS, County

FIRST, ORIGIN = Quarter(2020, 4), Quarter(2021, 4)
COUNTS = {
    "A1": (12, 400), "A2": (2, 350), "A3": (30, 500), "A4": (4, 90),
    "B1": (1, 800), "B2": (9, 700), "B3": (0, 40), "B4": (3, 650),
}  # fmt: skip
KINDS = {i: i[0] for i in COUNTS}


# ---- Shrinkage


def test_the_strength_is_where_scipys_beta_binomial_is_most_likely():
    found = shrink(COUNTS, KINDS)
    hits, trials = (np.array([c[k] for c in COUNTS.values()], dtype=float) for k in (0, 1))
    mean = np.array([found.kinds[KINDS[i]] for i in COUNTS])

    def unlikely(log_s):
        s = math.exp(float(np.squeeze(log_s)))
        return -stats.betabinom.logpmf(hits, trials, s * mean, s * (1 - mean)).sum()

    best = optimize.minimize(unlikely, math.log(100), method="Nelder-Mead",
                             options={"xatol": 1e-9, "fatol": 1e-12})  # fmt: skip
    assert found.between_institutions == pytest.approx(math.exp(best.x[0]), rel=1e-4)
    assert unlikely(math.log(found.between_institutions)) <= best.fun + 1e-9


def test_posteriors_and_kinds_are_as_the_formulas_say():
    found = shrink(COUNTS, KINDS)
    county = (61 + 0.5) / (3530 + 1)
    assert found.county == pytest.approx(county, rel=1e-14)
    s = found.between_kinds
    assert found.kinds["A"] == pytest.approx((s * county + 48) / (s + 1340), rel=1e-12)
    share, s = found.of("A1", "A"), found.between_institutions
    assert (share.alpha, share.beta) == (
        pytest.approx(s * found.kinds["A"] + 12),
        pytest.approx(s * (1 - found.kinds["A"]) + 388),
    )
    assert found.of("A9", "A").mean == pytest.approx(found.kinds["A"])
    assert found.of("Z9", "Z").mean == pytest.approx(county)


def test_where_nobody_differs_everyone_has_the_mean_and_without_events_it_is_small():
    assert strength_of(np.array([0.1]), np.array([1.0]), np.array([10.0])) == STRONGEST
    same = shrink({i: (10, 100) for i in "ABCDEF"}, dict.fromkeys("ABCDEF", "k"))
    assert same.between_institutions > 1e5
    none = shrink({i: (0, 100) for i in "ABC"}, dict.fromkeys("ABC", "k"))
    assert none.between_institutions == none.between_kinds == STRONGEST
    assert 0 < none.of("A", "k").mean < 0.002


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(50, 500)), min_size=2, max_size=6))
def test_a_shrunk_share_lies_between_its_own_and_its_kinds(counts):
    named = {f"I{n}": c for n, c in enumerate(counts)}
    found = shrink(named, dict.fromkeys(named, "k"))
    for i, (hits, trials) in named.items():
        low, high = sorted((hits / trials, found.kinds["k"]))
        assert low - 1e-9 <= found.of(i, "k").mean <= high + 1e-9


# ---- Draws


def test_prediction_from_normal_deviations_has_the_quantiles_of_t():
    # Many sets of eight: the draws' share beyond t's 90 % point is 10 %.
    dice, beyond = np.random.default_rng(1), []
    for number in range(400):
        sample = dice.normal(size=8)
        draws = predicted(sample - sample.mean(), np.arange(DRAWS) % 8, stream("t", number))
        low, high = np.quantile(sample.mean() + draws, [0.1, 0.9])
        beyond.append(stats.norm.cdf(low) + stats.norm.sf(high))
    assert np.mean(beyond) == pytest.approx(0.2, abs=0.03)


def steady(moves, *, customers, book, quarters=5, who="I"):
    """One institution that does the same every quarter."""
    known = [ORIGIN.shift(-k) for k in range(quarters)]
    return History(
        {who: "village"},
        {(who, q): moves for q in known[:-1]},
        {(who, q): book for q in known},
        {(who, q): customers for q in known},
    )


def held(count, each):
    return Customers(np.array([count]), np.array([float(each)]))


def test_with_perfect_information_the_draws_are_the_one_thing_that_can_happen():
    # A billion customers in special mention of whom each quarter half turn NPL, of one fen each,
    # and as many NPL of whom a quarter recovers: shares are known, and sums of so many are too.
    n = 10**9
    moves = {
        ("special_mention", "npl"): Move(n // 2, n // 2, n // 2, 0, n // 2),
        ("special_mention", "special_mention"): Move(n // 2, n // 2, n // 2, 0, 0),
        ("npl", "npl"): Move(3 * n // 4, 3 * n // 4, 3 * n // 4, 3 * n // 4, 3 * n // 4),
        ("npl", "performing"): Move(n // 4, n // 4, n // 4, n // 4, 0),
    }
    customers = {"special_mention": held(n, 1), "npl": held(n, 1)}
    history = steady(moves, customers=customers, book=Book(10 * n, n, 20 * n, n))
    found = from_ledger(Past(history, ORIGIN), "I")
    # (n/2 + 3n/4)/10n − (5n/4)/20n = 12.5 % − 6.25 %
    assert found.draws == pytest.approx(np.full(DRAWS, 6.25), abs=2e-3)


def test_without_any_npl_the_interval_runs_from_nil_to_one_customer():
    # Never seen is not impossible: half an event in all, so about one chance in nine here.
    moves = {("performing", "performing"): Move(1000, 1000, 1000, 0, 0)}
    book = Book(1000, 0, 3000, 0)
    history = steady(moves, customers={"performing": held(1000, 1)}, book=book)
    found = from_ledger(Past(history, ORIGIN), "I")
    assert found.interval == (0.0, pytest.approx(100 * (1 / 1000 - 1 / 3000)))
    assert 0.8 < np.mean(found.draws == 0) < 0.95
    assert found.beyond(Fraction(3)) == 0.0


def test_where_all_loans_are_inclusive_there_is_no_gap():
    moves = {("performing", "npl"): Move(10, 10, 10, 0, 10),
             ("performing", "performing"): Move(90, 90, 90, 0, 0)}  # fmt: skip
    book = Book(100, 0, 100, 0)
    history = steady(moves, customers={"performing": held(100, 1)}, book=book)
    assert np.all(np.abs(from_ledger(Past(history, ORIGIN), "I").draws) < 1e-12)


@pytest.mark.parametrize(("quarters", "made"), [(4, False), (5, True)])
def test_the_first_forecast_comes_after_four_transitions(quarters, made):
    moves = {("performing", "performing"): Move(10, 10, 10, 0, 0)}
    history = steady(
        moves, customers={"performing": held(10, 1)}, book=Book(10, 0, 30, 1), quarters=quarters
    )
    assert (from_ledger(Past(history, ORIGIN), "I") is not None) is made


def test_without_inclusive_loans_or_a_ledger_there_is_no_forecast_from_customers():
    history = steady({}, customers={}, book=Book(0, 0, 30, 1))
    assert from_ledger(Past(history, ORIGIN), "I") is None
    assert from_ledger(Past(history, ORIGIN), "J") is None


def test_what_comes_later_changes_no_forecast():
    moves = {("performing", "npl"): Move(5, 5, 5, 0, 5),
             ("performing", "performing"): Move(95, 95, 95, 0, 0)}  # fmt: skip
    customers = {"performing": held(100, 1)}
    history = steady(moves, customers=customers, book=Book(100, 5, 300, 8), quarters=7)
    later = {("performing", "npl"): Move(90, 90, 90, 0, 90)}
    other = History(
        history.kinds, {**history.moves, ("I", ORIGIN): later}, history.books, history.customers
    )
    origin = ORIGIN.previous
    ours, theirs = (from_ledger(Past(h, origin), "I").draws for h in (history, other))
    assert ours.tolist() == theirs.tolist()
    now = [from_ledger(Past(h, ORIGIN), "I").draws.mean() for h in (history, other)]
    assert now[1] > now[0] + 1


def test_a_common_bad_quarter_widens_every_interval():
    def county(shares):
        known = [ORIGIN.shift(-k) for k in range(9)]
        moves = {
            (i, q): {
                ("performing", "npl"): Move(s, s, s, 0, s),
                ("performing", "performing"): Move(10_000 - s, 10_000 - s, 10_000 - s, 0, 0),
            }
            for i in "IJK"
            for q, s in zip(known, shares, strict=False)
        }
        every = [(i, q) for i in "IJK" for q in known]
        return History(
            dict.fromkeys("IJK", "village"),
            moves,
            dict.fromkeys(every, Book(10_000, 100, 30_000, 200)),
            {key: {"performing": held(10_000, 1)} for key in every},
        )

    widths = []
    for shares in ([100] * 8, [40, 60, 80, 100, 120, 140, 180, 80]):
        low, high = from_ledger(Past(county(shares), ORIGIN), "I").interval
        widths.append(high - low)
    assert widths[1] > 2 * widths[0]


# ---- Scores


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=30), st.floats(-5, 5))
def test_crps_is_its_definition(draws, outcome):
    values = np.array(draws)
    by_pairs = np.abs(values - outcome).mean()
    by_pairs -= np.abs(values[:, None] - values[None, :]).mean() / 2
    found = Forecast(values, "ledger", "", 4).crps(outcome)
    assert found == pytest.approx(by_pairs, abs=1e-12)


@given(st.lists(st.sampled_from([2.0, 2.9, 3.0, 3.0 + 1e-6, 4.0]), min_size=1, max_size=40))
def test_the_chance_of_being_beyond_is_a_share_of_draws_and_the_limit_itself_is_within(draws):
    found = Forecast(np.array(draws), "ledger", "", 4).beyond(Fraction(3))
    assert found == sum(d > 3.0 for d in draws) / len(draws)


def test_a_point_forecast_scores_its_distance():
    assert Forecast(np.full(5, 2.0), "ledger", "", 4).crps(2.5) == pytest.approx(0.5)


# ---- From changes of gaps


def path(who, *gaps, last=ORIGIN):
    return {(who, last.shift(k + 1 - len(gaps))): g for k, g in enumerate(gaps)}


def test_changes_are_the_kinds_if_four_quarters_have_any_else_the_countys():
    gaps = {**path("A", 1.0, 1.1, 1.0, 1.2, 1.1), **path("B", 5.0, 6.0)}
    kinds = {"A": "village", "B": "village", "C": "large"}
    both = from_changes(gaps, kinds, "B", ORIGIN)
    assert (both.pool, both.transitions) == ("kind", 5)
    alone = from_changes({**gaps, **path("C", 0.3, 0.3)}, kinds, "C", ORIGIN)
    assert (alone.pool, alone.transitions) == ("county", 6)
    assert from_changes(gaps, kinds, "C", ORIGIN) is None
    assert from_changes(path("A", 1.0, 1.1, 1.0), kinds, "A", ORIGIN) is None


def test_gaps_that_never_move_are_expected_to_stay():
    found = from_changes(path("A", *[1.5] * 6), {"A": "village"}, "A", ORIGIN)
    assert set(found.draws.tolist()) == {1.5}


# ---- Back-test


def one(origin, side, crps, as_now, left=(False, 0.1), method="ledger"):
    return backtest.Scored(origin, "A", method, side, crps, as_now, left)


def test_better_only_if_better_at_every_origin():
    q1, q2 = Quarter(2021, 1), Quarter(2021, 2)
    scores = [one(q1, 0, 0.1, 0.2), one(q1, 1, 0.1, 0.4), one(q2, -1, 0.3, 0.29)]
    rows = backtest.rows(ORIGIN, scores)
    assert [(r.get("origin"), r["forecasts"], r["better"]) for r in rows] == [
        ("2021Q1", 2, "yes"), ("2021Q2", 1, "no"), (None, 3, "no"),
    ]  # fmt: skip
    total = rows[-1]
    assert total["crps_pp"] < total["crps_as_now_pp"]  # better on average is not enough
    assert (total["below"], total["inside"], total["above"]) == (1, 1, 1)
    assert backtest.rows(ORIGIN, scores[:2])[-1]["better"] == "yes"
    assert backtest.rows(ORIGIN, [one(q1, 0, 0.2, 0.2)])[-1]["better"] == "no"


@pytest.mark.parametrize(("events", "brier"), [(9, None), (10, (10 * 0.81 + 20 * 0.01) / 30)])
def test_brier_needs_ten_events(events, brier):
    q = Quarter(2021, 1)
    scores = [one(q, 0, 0.1, 0.2, (n < events, 0.1)) for n in range(30)]
    row = backtest.rows(ORIGIN, [*scores, one(q, 0, 0.1, 0.2, None)])[-1]
    assert (row["could_leave"], row["events"], row["forecasts"]) == (30, events, 31)
    assert row["brier"] == (None if brier is None else pytest.approx(brier))
    assert (row["brier_as_now"] is None) is (brier is None)


def test_forecasts_begin_after_four_transitions_and_end_before_the_quarter():
    gaps = path("A", 1.0, 1.1, 1.0, 1.2, 1.1, 1.3, 4.0)
    scores = backtest.scored(
        History({"A": "village"}, {}, {}, {}), gaps, ORIGIN, lambda _: Fraction(3)
    )
    assert [str(s.origin) for s in scores] == ["2021Q2", "2021Q3"]
    assert [s.left[0] for s in scores] == [False, True]
    # From four changes of a tenth the bounds are wide: two tenths are inside, 2.7 are not.
    assert [s.side for s in scores] == [0, 1]


# ---- What the row says


@pytest.fixture(scope="module")
def params():
    return load(PARAMS)


@pytest.mark.parametrize(
    ("quarter", "day"),
    [("2019Q4", None), ("2020Q3", "2021-12-31"), ("2021Q4", "2021-12-31"),
     ("2022Q3", "2021-12-31"), ("2022Q4", None)],
)  # fmt: skip
def test_the_caveat_stands_until_four_later_quarters_exist(params, quarter, day):
    assert classes_held_until(params, Quarter.parse(quarter)) == day


def test_the_forecast_starts_from_the_filed_gap_and_the_row_says_how_far_apart(params):
    moves = {("performing", "performing"): Move(10, 10, 10, 0, 0)}
    book = Book(1000, 40, 2000, 50, 200, 100)  # gap 1.5
    history = steady(moves, customers={"performing": held(10, 100)}, book=book)
    empty = County.facts("I")
    bench = Bench.of(params, ORIGIN, results.empty("measures"))
    judged = {
        empty.institution_id: {
            "verdict": "met", "value_num": "2", "value_den": "1", "threshold": "3.00",
        },
        "INSURER": {"verdict": "not_applicable"},
        "SILENT": {"verdict": "no_data", "threshold": "3.00"},
    }  # fmt: skip
    row, silent = outlook_rows(bench, history, {}, judged)
    assert (row["gap_pp"], row["method"], row["transitions"]) == (2.0, "ledger", 4)
    assert "0.50" in row["reason"]
    # 5 % of the deferred: (40 + 5)/1000 − (50 + 10)/2000 = 1.5 %; the gap is then as it was.
    assert row["gap_if_5_pp"] == pytest.approx(2.0 + (4.5 - 3.0) - 1.5)
    assert row["gap_if_20_pp"] == pytest.approx(2.0 + 100 * (20 / 1000 - 40 / 2000))
    assert row["deferred"] == 2.0
    assert silent.get("method") is None
    assert "无数据" in silent["reason"]
