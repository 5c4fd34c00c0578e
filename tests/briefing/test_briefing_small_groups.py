"""Totals that would tell somebody's own figure are not published: worked cases and a property."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from puhui.briefing.small_groups import merged, safe
from puhui.params.audiences import SmallGroups

RULE = SmallGroups(fewest=3, remainder_percent=10)


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ((50, 30, 20), True),
        ((50, 30, 0), False),  # two have something: each knows the other's
        ((50, 30), False),
        ((), False),
        ((1000, 500, 100), True),  # what is left is exactly a tenth of the largest
        ((1000, 500, 99), False),  # the second knows the first within less than a tenth
        ((-1000, 500, -99), False),  # size counts, not sign
        ((1000, 500, 60, 40), True),
    ],
)
def test_three_members_and_a_tenth_of_the_largest_beside_the_two_largest(values, shown):
    assert safe([Fraction(v) for v in values], RULE) is shown


def one(*values):
    return [(Fraction(v),) for v in values]


def test_a_group_too_small_goes_together_with_other_small_ones():
    groups = {"a": one(5, 6, 7), "b": one(4, 5), "c": one(6)}
    assert merged(groups, RULE) == [("a", one(5, 6, 7)), ("", one(4, 5, 6))]


def test_a_last_small_group_takes_the_smallest_of_the_others_with_it():
    groups = {"a": one(5, 6, 7, 8), "b": one(5, 6, 7), "c": one(6)}
    assert merged(groups, RULE) == [("a", one(5, 6, 7, 8)), ("", one(6, 5, 6, 7))]


def test_nothing_is_shown_where_all_together_are_too_few():
    assert merged({"a": one(5), "b": one(6)}, RULE) == []


amounts = st.integers(0, 1000).map(Fraction)
members = st.lists(st.tuples(amounts, amounts), max_size=5)


@given(st.dictionaries(st.sampled_from("abcdef"), members, max_size=6))
def test_no_member_can_solve_for_another_from_all_that_is_published(groups):
    """Sums of groups and of all, less one's own: no other member's figure follows."""
    published = merged(groups, RULE)
    if not published:
        return
    everyone = [(g, m) for g, (_, found) in enumerate(published) for m in found]
    assert len(everyone) == sum(len(m) for m in groups.values()), "nobody is counted twice or lost"
    for column in range(2):
        # A nil return may be known to all: only those with something are unknown.
        unknown = [n for n, (_, m) in enumerate(everyone) if m[column]]
        sums = [[int(everyone[n][0] == g) for n in unknown] for g in range(len(published))]
        for own in range(len(unknown)):
            known = [*sums, [int(n == own) for n in range(len(unknown))]]
            rank = np.linalg.matrix_rank(known)
            for other in range(len(unknown)):
                target = [int(n == other) for n in range(len(unknown))]
                if other != own:
                    assert np.linalg.matrix_rank([*known, target]) > rank
