"""Predictive draws of the gap a quarter ahead, from what past quarters did to customers.

One draw: every share from its posterior, a past quarter whose deviation all institutions share,
each customer's outcome at random on what it owes, growth as in the same quarter last year, and
the rest of the book as its ratio moved in that past quarter.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from puhui.eligibility.migration import (
    BAD,
    EXITS,
    NEW,
    PERFORMING,
    STATES,
    TRANSFERRED,
    WATCHED,
    WRITTEN_OFF,
    Book,
    Customers,
    History,
    Move,
    Moves,
)
from puhui.eligibility.outlook_shrinkage import Shrunk, shrink
from puhui.quarter import Quarter

Floats = NDArray[np.float64]

DRAWS = 2000
#: Transitions before the first forecast: the same quarter of last year is one of them.
FEWEST = 4
#: Share of draws below and above the interval.
TAIL = 0.1

#: What can happen to a customer in a state, as (name, state, outcomes, outcomes that are no trial).
_FLOWS: tuple[tuple[str, str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("to_npl_performing", PERFORMING, (BAD,), ()),
    ("to_npl_watched", WATCHED, (BAD,), ()),
    ("written_off", BAD, (WRITTEN_OFF, TRANSFERRED), ()),
    (
        "cured",
        BAD,
        (PERFORMING, WATCHED, *(e for e in EXITS if e not in (WRITTEN_OFF, TRANSFERRED))),
        (WRITTEN_OFF, TRANSFERRED),
    ),
)
#: The flow whose share is that of the same quarter last year alone.
_SEASONAL = "written_off"


@dataclass(frozen=True)
class Forecast:
    """The gap a quarter ahead.

    Attributes
    ----------
    draws
        2,000 gaps in points, in the order drawn.
    method
        ``ledger``: from customers; ``changes``: from past changes of gaps.
    pool
        Whose changes were drawn: ``own``, ``kind`` or ``county``; ``ledger`` has none.
    transitions
        Past transitions (or changes) it rests on.
    """

    draws: Floats
    method: str
    pool: str
    transitions: int

    @property
    def middle(self) -> float:
        """Median of the draws."""
        return float(np.quantile(self.draws, 0.5))

    @property
    def interval(self) -> tuple[float, float]:
        """Bounds of the 80 % interval."""
        low, high = np.quantile(self.draws, [TAIL, 1 - TAIL])
        return float(low), float(high)

    def beyond(self, tolerance: Fraction) -> float:
        """Share of draws over the tolerance (over it by more than what rounding of a float is)."""
        return float(np.mean(self.draws > float(tolerance) + 1e-9))

    def crps(self, outcome: float) -> float:
        """Continuous ranked probability score: mean distance, less half that between draws."""
        ordered = np.sort(self.draws)
        n = len(ordered)
        weights = 2 * np.arange(1, n + 1) - n - 1
        spread = 2 * float(weights @ ordered) / n**2
        return float(np.mean(np.abs(ordered - outcome))) - spread / 2

    def shifted(self, by: float) -> Forecast:
        """Return the same forecast, all draws moved."""
        return Forecast(self.draws + by, self.method, self.pool, self.transitions)


def stream(*parts: object) -> np.random.Generator:
    """Return a generator keyed by what it is for: the same draws on every run."""
    digest = sha256("\0".join(str(p) for p in parts).encode()).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest[:16], "little")))


def predicted(deviations: Floats, which: NDArray[np.int64], dice: np.random.Generator) -> Floats:
    """Draw one more deviation from a mean of n, given which of the n each draw follows.

    Deviations are scaled by √((n + 1)/(n − 1)), since the mean is estimated from them, and each
    draw by √((n − 1)/χ²) with n − 1 degrees, since their spread is: were they normal, draws would
    have the quantiles of the prediction by t(n − 1).
    """
    n = len(deviations)
    spread = np.sqrt((n + 1) / dice.chisquare(n - 1, size=len(which)))
    found: Floats = deviations[which] * spread
    return found


@dataclass(frozen=True)
class Past:
    """What is known at an origin: shares, sizes and the shocks of past quarters."""

    history: History
    origin: Quarter

    @cached_property
    def moves(self) -> Moves:
        """Moves up to the origin."""
        return {key: m for key, m in self.history.moves.items() if key[1] <= self.origin}

    @cached_property
    def quarters(self) -> tuple[Quarter, ...]:
        """Past quarters at whose end some institution's moves are known."""
        return tuple(sorted({q for _, q in self.moves}))

    @cached_property
    def shares(self) -> dict[str, Shrunk]:
        """Shares by flow, of all past quarters (write-offs: the same quarter last year)."""
        last_year = self.origin.shift(-3)
        found = {}
        for name, state, outcomes, no_trial in _FLOWS:
            counts: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
            for (institution, quarter), moves in self.moves.items():
                if name == _SEASONAL and quarter != last_year:
                    continue
                hits, trials = _counted(moves, state, outcomes, no_trial)
                before = counts[institution]
                counts[institution] = (before[0] + hits, before[1] + trials)
            found[name] = shrink(counts, self.history.kinds)
        return found

    @cached_property
    def shocks(self) -> Floats:
        """Deviation of each past quarter's log odds of turning NPL, common to all.

        Deviations are what more (or less) customers turned NPL than their shares say, as a log
        ratio, shrunk by the noise of the counts so that their spread is that between quarters.
        """
        seen, expected = np.zeros(len(self.quarters)), np.zeros(len(self.quarters))
        for (institution, quarter), moves in self.moves.items():
            at = self.quarters.index(quarter)
            for name, state, outcomes, no_trial in _FLOWS[:2]:
                hits, trials = _counted(moves, state, outcomes, no_trial)
                share = self.shares[name].of(institution, self._kind(institution)).mean
                seen[at] += hits
                expected[at] += trials * share
        logs = np.log((seen + 0.5) / (expected + 0.5))
        noise = 1 / (expected + 0.5)
        between = max(0.0, float(np.var(logs, ddof=1) - noise.mean()))
        kept: Floats = (logs - logs.mean()) * np.sqrt(between / (between + noise))
        return kept

    @cached_property
    def which(self) -> NDArray[np.int64]:
        """Which past quarter each draw follows, for all institutions alike."""
        found: NDArray[np.int64] = self._dice("which").integers(len(self.quarters), size=DRAWS)
        return found

    @cached_property
    def shock(self) -> Floats:
        """Shock of each draw in log odds, centred so that the odds are right on average."""
        drawn = np.clip(predicted(self.shocks, self.which, self._dice("shock")), -3.0, 3.0)
        centred: Floats = drawn - np.log(np.mean(np.exp(drawn)))
        return centred

    def _dice(self, what: str) -> np.random.Generator:
        return stream("outlook", what, self.origin, *self.quarters)

    def sizes(self, kind: str) -> dict[str, float]:
        """NPL per yuan owed by those to whom it happens, by state, and by all: that of new ones.

        Amounts go by balance: the share of a state's balance that became NPL over the share of
        its customers that did, pooled over the kind, else the county. Where small loans turn
        NPL more often than large ones it is under one.
        """
        return {
            **{state: self._size(kind, state) for state in STATES},
            NEW: self._entering(kind),
        }

    def _kind(self, institution_id: str) -> str:
        return self.history.kinds.get(institution_id, "")

    def _of_kind(self, kind: str) -> list[list[Mapping[tuple[str, str], Move]]]:
        mine = [m for (i, _), m in self.moves.items() if self._kind(i) == kind]
        return [mine, list(self.moves.values())]

    def _size(self, kind: str, state: str) -> float:
        base = "bad_before" if state == BAD else "owed_before"
        for pool in self._of_kind(kind):
            mine = [m for moves in pool for (a, _), m in moves.items() if a == state]
            turned = [moves[state, BAD] for moves in pool if (state, BAD) in moves]
            hits, owed = sum(m.customers for m in turned), sum(getattr(m, base) for m in mine)
            if hits and owed:
                by_balance = sum(m.bad_after for m in turned) / owed
                return float(by_balance * sum(m.customers for m in mine) / hits)
        return 1.0

    def _entering(self, kind: str) -> float:
        """NPL of new customers over what all owed a quarter before."""
        for pool in self._of_kind(kind):
            owed = sum(move.owed_before for m in pool for move in m.values())
            if owed:
                return sum(m[NEW, BAD].bad_after for m in pool if (NEW, BAD) in m) / owed
        return 0.0


def _counted(
    moves: Mapping[tuple[str, str], Move],
    state: str,
    outcomes: Sequence[str],
    no_trial: Sequence[str],
) -> tuple[int, int]:
    hits = sum(m.customers for (a, b), m in moves.items() if a == state and b in outcomes)
    trials = sum(m.customers for (a, b), m in moves.items() if a == state and b not in no_trial)
    return hits, trials


def from_ledger(past: Past, institution_id: str) -> Forecast | None:
    """Forecast from customers; none where four transitions or inclusive loans are missing."""
    history, origin = past.history, past.origin
    quarters = history.transitions(institution_id, origin)
    book = history.books.get((institution_id, origin))
    growth = _growth(history, institution_id, origin)
    if len(quarters) < FEWEST or book is None or book.gap is None or growth is None:
        return None
    dice = stream("outlook", origin, institution_id, book)
    bad = _bad(past, institution_id, book, dice)
    noise = _growth_noise(history, institution_id, origin)
    inclusive = book.inclusive * growth[0] * np.exp(noise * dice.standard_normal(DRAWS))
    bad = np.minimum(bad, inclusive)
    rest = book.rest * growth[1]
    ratio = _rest_ratio(past, institution_id, dice) if rest else np.zeros(DRAWS)
    gap = 100 * (bad / inclusive - (bad + ratio * rest) / (inclusive + rest))
    return Forecast(gap, "ledger", "", len(quarters))


def _growth(history: History, institution_id: str, origin: Quarter) -> tuple[float, float] | None:
    """Growth of inclusive loans and of the rest in the same quarter last year, as factors."""
    old = history.books.get((institution_id, origin.shift(-4)))
    new = history.books.get((institution_id, origin.shift(-3)))
    if old is None or new is None or old.inclusive <= 0 or new.inclusive <= 0:
        return None
    return new.inclusive / old.inclusive, new.rest / old.rest if old.rest > 0 else 1.0


def _growth_noise(history: History, institution_id: str, origin: Quarter) -> float:
    """How far growth strays from last year's because single customers come and go: SD of its log.

    n customers came or went in that quarter, each with a balance of the size customers have now:
    n·E(b²) is the variance of what they add up to, then and again in the quarter to come.
    """
    held = history.customers.get((institution_id, origin), {}).values()
    count = sum(c.total for c in held)
    owed = sum(float(c.count @ c.mean) for c in held)
    squares = sum(float(c.count @ c.mean**2) for c in held)
    moves = history.moves.get((institution_id, origin.shift(-3)), {})
    moved = sum(m.customers for (a, b), m in moves.items() if a == NEW or b in EXITS)
    return float(np.sqrt(2 * moved * squares / count)) / owed if owed else 0.0


def _bad(past: Past, institution_id: str, book: Book, dice: np.random.Generator) -> Floats:
    """Inclusive NPL a quarter later, in fen: who stays, who turns, who comes."""
    kind = past.history.kinds.get(institution_id, "")
    shares = {
        name: shrunk.of(institution_id, kind).draws(dice, DRAWS)
        for name, shrunk in past.shares.items()
    }
    sizes = past.sizes(kind)
    held = past.history.customers.get((institution_id, past.origin), {})
    by_state = {state: held.get(state, Customers()) for state in STATES}
    staying = (1 - shares["written_off"]) * (1 - shares["cured"])
    found = sizes[BAD] * _happening(by_state[BAD], staying, dice)
    for name, state in (("to_npl_performing", PERFORMING), ("to_npl_watched", WATCHED)):
        shocked = _shift(shares[name], past.shock)
        found += sizes[state] * _happening(by_state[state], shocked, dice)
    return found + sizes[NEW] * book.inclusive


def _happening(customers: Customers, shares: Floats, dice: np.random.Generator) -> Floats:
    """Balance of the customers to whom it happens, one number a draw."""
    hits = dice.binomial(customers.count[None, :], shares[:, None])
    found: Floats = hits @ customers.mean
    return found


def _shift(shares: Floats, log_odds: Floats) -> Floats:
    """Move shares by log odds."""
    odds = np.exp(log_odds)
    found: Floats = shares * odds / (1 - shares + shares * odds)
    return found


def _rest_ratio(past: Past, institution_id: str, dice: np.random.Generator) -> Floats:
    """NPL ratio of the rest of the book: the last one, and how it moved in the past quarter drawn.

    A quarter the institution has no change of counts as its mean change.
    """
    ratios = _rest_ratios(past, institution_id)
    known = {q: ratios[q] - ratios[q.previous] for q in ratios if q.previous in ratios}
    mean = float(np.mean(list(known.values())))
    deviations = np.array([known.get(q, mean) - mean for q in past.quarters])
    changes = mean + predicted(deviations, past.which, dice)
    found: Floats = np.clip(ratios[past.origin] + changes, 0.0, 1.0)
    return found


def _rest_ratios(past: Past, institution_id: str) -> dict[Quarter, float]:
    books = past.history.books.items()
    return {
        q: b.rest_bad / b.rest if b.rest > 0 else 0.0
        for (i, q), b in books
        if i == institution_id and q <= past.origin
    }


def from_changes(
    gaps: Mapping[tuple[str, Quarter], float],
    kinds: Mapping[str, str],
    institution_id: str,
    origin: Quarter,
) -> Forecast | None:
    """Forecast from past changes of gaps, of the kind's or else of the county's.

    Parameters
    ----------
    gaps
        (institution, quarter) → gap in points.

    Returns
    -------
    Forecast or None
        None without a gap at the origin, or with changes in fewer than four quarters anywhere.
    """
    last = gaps.get((institution_id, origin))
    if last is None:
        return None
    own_kind = kinds.get(institution_id, "")
    changes = {
        (i, q): gap - gaps[i, q.previous]
        for (i, q), gap in sorted(gaps.items(), key=lambda e: (e[0][0], str(e[0][1])))
        if q <= origin and (i, q.previous) in gaps
    }
    of_kind = {key: c for key, c in changes.items() if kinds.get(key[0], "") == own_kind}
    for name, pool in (("kind", of_kind), ("county", changes)):
        if len({q for _, q in pool}) >= FEWEST:
            values = np.array(list(pool.values()))
            dice = stream("changes", origin, institution_id, last, *pool.values())
            which = dice.integers(len(values), size=DRAWS)
            draws = last + values.mean() + predicted(values - values.mean(), which, dice)
            return Forecast(draws, "changes", name, len(pool))
    return None
