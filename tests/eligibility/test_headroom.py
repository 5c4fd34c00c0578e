"""Headroom: hand-worked cases, and by substitution over generated portfolios."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from puhui.eligibility import Book, Headroom, headroom


def book(balance, bad):
    return Book(Fraction(balance), Fraction(bad))


#: inclusive (balance, bad), compared (balance, bad) or a published percentage, limit → kind,
#: room, to recover, to upgrade.
WORKED = [
    # At the limit: 5 % − 2 % = 3. Not one fen more.
    ((100, 5), (400, 8), 3, "room", "0.00", None, None),
    # 4 % − 2 % = 2 points, one to spare. Each yuan adds 1/100 − 1/400 = 3/400:
    # 0.01 ÷ 3/400 = 4/3 yuan, floored.
    ((100, 4), (400, 8), 3, "room", "1.33", None, None),
    # 0 % − 0 %, limit 3: 0.03 ÷ 3/400 = 4 yuan, nothing to round.
    ((100, 0), (400, 0), 3, "room", "4.00", None, None),
    # 98 of 100 and 99 of 101 (98.0198 %): a spare of 3.0198 points at 1/100 − 1/101 a yuan is
    # 305 yuan, but only 2 still perform.
    ((100, 98), (101, 99), 3, "room", "2.00", None, None),
    # All loans are inclusive: one ratio, a gap of 0 whatever turns bad.
    ((100, 5), (100, 5), 3, "unbounded", None, None, None),
    ((100, 100), (100, 100), 0, "unbounded", None, None, None),
    # 7 % − 2.5 % = 4.5 points, 1.5 over. Upgrade y: 0.015 ÷ 3/400 = 2 yuan.
    # Recovered: below.
    ((100, 7), (400, 10), 3, "over", None, "2.13", "2.00"),
    # 4 over a published 1 %: each yuan upgraded is 1/100, 1 point is 1 yuan; recovered,
    # 1 − 95/(100 − y) ≤ 0.04 from y = 100 − 95/0.96 = 1.041666…, rounded up.
    ((100, 5), "1", 3, "over", None, "1.05", "1.00"),
    # 2 over a published 1 % with 3 allowed: 2 points are 2 yuan.
    ((100, 2), "1", 3, "room", "2.00", None, None),
    # A third: 100/3 of room against a published 0 %: floored to the fen.
    ((Fraction(10000, 9), 0), "0", 3, "room", "33.33", None, None),
    # Nothing performs: only when all of it is gone is there nothing to judge. Upgraded:
    # 100 % − 2.5 % is 94.5 points over; 0.945 ÷ (1/10 − 1/400) = 9.6923…, rounded up.
    ((10, 10), (400, 10), 3, "over", None, "10.00", "9.70"),
    # Capped: published 99 %, limit 3: all 95 that perform may turn bad.
    ((100, 5), "99", 3, "room", "95.00", None, None),
    # Contradictions: more inclusive than there is, more of it bad, more of it performing.
    ((500, 5), (400, 5), 3, "conflict", None, None, None),
    ((100, 6), (400, 5), 3, "conflict", None, None, None),
    ((100, 1), (105, 20), 3, "conflict", None, None, None),
    ((100, 101), (400, 200), 3, "conflict", None, None, None),
    ((100, 101), "1", 3, "conflict", None, None, None),
]


@pytest.mark.parametrize(
    ("inclusive", "compared", "limit", "kind", "room", "recover", "upgrade"), WORKED
)
def test_worked_by_hand(inclusive, compared, limit, kind, room, recover, upgrade):
    other = Fraction(compared) if isinstance(compared, str) else book(*compared)
    found = headroom(book(*inclusive), other, Fraction(limit))
    assert (found.kind, found.room) == (kind, room and Decimal(room))
    assert (found.recover, found.upgrade) == (
        recover and Decimal(recover),
        upgrade and Decimal(upgrade),
    )


def test_recovering_worked_by_hand():
    # With y = 2.12: 390/397.88 − 93/97.88 = 0.980195 − 0.950143 = 0.030052, over; with 2.13:
    # 390/397.87 − 93/97.87 = 0.980220 − 0.950240 = 0.029980, within.
    assert Fraction(390) / Fraction("397.88") - Fraction(93) / Fraction("97.88") > Fraction("0.03")
    assert Fraction(390) / Fraction("397.87") - Fraction(93) / Fraction("97.87") < Fraction("0.03")
    found = headroom(book(100, 7), book(400, 10), Fraction(3))
    assert (found.recover, found.upgrade) == (Decimal("2.13"), Decimal("2.00"))


FEN = Fraction(1, 100)
#: Fen, at county sizes and at sizes where a fen matters.
money = st.one_of(st.integers(0, 10**3), st.integers(0, 10**12))
limits = st.sampled_from([Fraction(0), Fraction(2), Fraction(5, 2), Fraction(3), Fraction(50)])


@st.composite
def portfolios(draw):
    """Inclusive loans, all loans they are part of (or a published ratio), and a limit."""
    performing, bad = draw(money), draw(money)
    if performing + bad == 0:
        performing = 1
    inclusive = Book(Fraction(performing + bad, 100), Fraction(bad, 100))
    if draw(st.booleans()):
        return inclusive, Fraction(draw(st.integers(0, 100 * 10**6)), 10**6), draw(limits)
    more, more_bad = draw(money), draw(money)
    whole = Book(
        inclusive.balance + Fraction(more + more_bad, 100), inclusive.bad + Fraction(more_bad, 100)
    )
    return inclusive, whole, draw(limits)


def gap(inclusive, compared, *, worse=Fraction(0), repaid=Fraction(0)):
    """Gap in points after some loans turned bad or were repaid, written out anew."""
    mine = (inclusive.bad + worse - repaid) / (inclusive.balance - repaid)
    if isinstance(compared, Fraction):
        return 100 * mine - compared
    theirs = (compared.bad + worse - repaid) / (compared.balance - repaid)
    return 100 * (mine - theirs)


@settings(max_examples=400, deadline=None)
@given(portfolios())
def test_at_headroom_met_and_one_fen_beyond_not(portfolio):
    inclusive, compared, limit = portfolio
    found = headroom(inclusive, compared, limit)
    event(found.kind)
    within = gap(inclusive, compared) <= limit
    assert found.kind == "over" if not within else found.kind in ("room", "unbounded")
    if found.kind == "unbounded":
        assert gap(inclusive, compared, worse=inclusive.performing) <= limit
        assert compared == inclusive
    elif found.kind == "room":
        room = Fraction(found.room)
        assert 0 <= room <= inclusive.performing and 100 * room == int(100 * room)
        assert gap(inclusive, compared, worse=room) <= limit
        if room < inclusive.performing:
            assert gap(inclusive, compared, worse=room + FEN) > limit


@settings(max_examples=400, deadline=None)
@given(portfolios())
def test_regained_with_what_is_named_and_not_with_one_fen_less(portfolio):
    inclusive, compared, limit = portfolio
    found = headroom(inclusive, compared, limit)
    if found.kind != "over":
        assert found.recover is None and found.upgrade is None
        return
    upgrade, recover = Fraction(found.upgrade), Fraction(found.recover)
    assert 0 < upgrade <= inclusive.bad and 0 < recover <= inclusive.bad
    assert gap(inclusive, compared, worse=-upgrade) <= limit
    assert gap(inclusive, compared, worse=-(upgrade - FEN)) > limit
    assert gap(inclusive, compared, repaid=recover - FEN) > limit
    if recover < inclusive.balance:
        assert gap(inclusive, compared, repaid=recover) <= limit
        # Once regained it stays so, whatever more is repaid.
        for more in (recover + FEN, (recover + inclusive.bad) / 2, inclusive.bad):
            if more <= inclusive.bad and more < inclusive.balance:
                assert gap(inclusive, compared, repaid=more) <= limit


@settings(max_examples=200, deadline=None)
@given(portfolios(), st.integers(1, 10**9))
def test_a_book_that_cannot_be_part_of_the_other_is_a_conflict(portfolio, fen):
    inclusive, _, limit = portfolio
    extra = Fraction(fen, 100)
    for whole in (
        Book(inclusive.balance - extra, inclusive.bad),
        Book(inclusive.balance + extra, inclusive.bad - extra),
        Book(inclusive.balance + extra, inclusive.bad + 2 * extra),
    ):
        assert headroom(inclusive, whole, limit) == Headroom("conflict")


def test_amounts_beyond_the_usual_precision_stay_exact():
    # Published 0 %, nothing bad, 100 points allowed: all of it, to the fen.
    found = headroom(book(Fraction(10**34 + 7, 100), 0), Fraction(0), Fraction(100))
    assert str(found.room) == "1" + "0" * 32 + ".07"
