from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puhui.briefing.figures import (
    DIGITS,
    SCALES,
    Figure,
    beside,
    digits_for,
    exact,
    half_up,
    in_full,
    plain_number,
    rounded,
)
from puhui.briefing.outlook import chance
from puhui.briefing.table import Column, cell_text
from puhui.briefing.words import Words

LIMITS = st.decimals(-50, 50, places=2).map(Fraction)
NEAR = st.builds(
    lambda sign, n, scale: sign * Fraction(n, 10**scale),
    st.sampled_from([-1, 0, 1]),
    st.integers(1, 10**6),
    st.integers(0, 30),
)


def read_back(text: str) -> Fraction:
    """What a reader takes a shown figure to be, words included."""
    for word, nudge in (("略高于", 1), ("略低于", -1)):
        if text.startswith(word):
            number = Fraction(text.removeprefix(word).replace(",", ""))
            return number + nudge * Fraction(1, 10**40)
    return Fraction(text.replace(",", ""))


@given(limit=LIMITS, distance=NEAR)
def test_a_shown_figure_never_contradicts_its_verdict(limit, distance):
    value = limit + distance
    shown = read_back(Figure(value, "pp", against=(limit,)).text)
    assert (shown <= limit) == (value <= limit)
    assert (shown >= limit) == (value >= limit)


@given(limit=LIMITS, distance=NEAR)
def test_money_is_scaled_before_it_is_compared(limit, distance):
    value = (limit + distance) * 10_000
    shown = read_back(Figure(value, "money_wan", against=(limit * 10_000,)).text)
    assert (shown <= limit) == (value <= limit * 10_000)


FINE = st.integers(0, 8).flatmap(lambda n: st.decimals(-50, 50, places=n)).map(Fraction)
KINDS = st.sampled_from(sorted(DIGITS))


@given(limit=FINE, distance=NEAR, kind=KINDS)
def test_value_and_limit_as_printed_never_contradict_the_verdict(limit, distance, kind):
    limit *= SCALES.get(kind, 1)
    value = limit + distance * SCALES.get(kind, 1)
    shown, bound = read_back(beside(value, kind, limit).text), read_back(in_full(limit, kind).text)
    column = Column("limit", "界限", "", kind)
    assert read_back(cell_text(in_full(limit, kind), column)) == bound
    assert (shown > bound) == (value > limit)
    assert (shown < bound) == (value < limit)


@given(limit=FINE, distance=NEAR)
def test_a_value_has_no_fewer_decimals_than_its_limit(limit, distance):
    shown, bound = beside(limit + distance, "pp", limit).text, in_full(limit, "pp").text
    if "略" not in shown:
        assert len(shown.partition(".")[2]) >= len(bound.partition(".")[2])


@given(base=st.fractions(-50, 50), distance=NEAR, kind=st.sampled_from(["pp", "percent", "bp"]))
def test_a_value_beside_its_base_stands_as_it_does(base, distance, kind):
    value = base + distance
    shown, other = Figure(value, kind, against=(base,)), Figure(base, kind, against=(value,))
    if shown.tied is None:
        order = (value > base) - (value < base)
        mine, its = read_back(shown.text), read_back(other.text)
        assert (mine > its) - (mine < its) == order


@given(value=st.fractions(-1000, 1000), digits=st.integers(0, 6))
def test_half_up_is_nearest_and_a_tie_goes_away_from_zero(value, digits):
    shown, step = read_back(half_up(value, digits)), Fraction(1, 10**digits)
    assert abs(shown - value) <= step / 2
    if abs(shown - value) == step / 2:
        assert abs(shown) > abs(value)


@pytest.mark.parametrize(
    ("value", "limit", "shown"),
    [
        ("2.345", "2.345", "2.345"),  # not 2.35, which would be beyond it
        ("2.3449", "2.345", "2.3449"),
        ("2.3451", "2.345", "2.3451"),
        ("2.3", "2.345", "2.300"),
        ("2.5", "3", "2.50"),
    ],
)
def test_values_beside_a_limit_of_three_decimals(value, limit, shown):
    assert beside(Fraction(value), "pp", Fraction(limit)).text == shown


def test_a_chance_of_94_25_per_cent_is_rounded_up():
    words = Words.load([Path(__file__).parents[2] / "params" / "words" / "outlook.yaml"])
    assert "94.3" in chance(0.9425, words)


@pytest.mark.parametrize(
    ("value", "against", "shown"),
    [
        ("3", "3", "3.00"),
        ("3.004", "3", "3.004"),
        ("2.996", "3", "2.996"),
        ("3.005", "3", "3.01"),
        ("2.99", "3", "2.99"),
        ("3.00000001", "3", "3.00000001"),
        ("3.000000001", "3", "略高于3.00"),
        ("2.999999999", "3", "略低于3.00"),
        ("-0.001", "0", "-0.001"),
        ("0", "0", "0.00"),
    ],
)
def test_digits_around_a_limit(value, against, shown):
    assert Figure(Fraction(value), "pp", against=(Fraction(against),)).text == shown


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        ("0.005", 2, "0.01"),  # half away from zero, as 四舍五入 does
        ("-0.005", 2, "-0.01"),
        ("2.675", 2, "2.68"),  # a float of 2.675 would round down
        ("-0.0049", 2, "0.00"),  # no minus zero
        ("99999999999.995", 2, "100000000000.00"),
        ("1234567890123456789012345678901234567890.125", 2,
         "1234567890123456789012345678901234567890.13"),
    ],
)  # fmt: skip
def test_rounding_half_away_from_zero(value, digits, text):
    assert f"{rounded(Fraction(value), digits):f}" == text


def test_money_kinds():
    assert Figure(Fraction("123456789.12"), "money_wan").text == "12,345.68"
    assert Figure(Fraction("123456789.12"), "money_yi").text == "1.23"


def test_digits_asked_for_are_the_fewest():
    assert digits_for(Fraction(1, 3), 4, []) == 4
    assert digits_for(Fraction("1.23"), 0, [Fraction("1.19")]) == 2
    assert digits_for(Fraction("1.26"), 0, [Fraction("1.19")]) == 1


def test_exact_takes_floats_as_written_and_refuses_other_things():
    assert exact(0.1) == Fraction(1, 10)
    assert exact(Decimal("1.50")) == Fraction(3, 2)
    assert exact(float("nan")) is None
    with pytest.raises(TypeError):
        exact([1])


def test_a_limit_keeps_its_decimals():
    assert plain_number(Fraction("0.125"), 2) == "0.125"
    assert plain_number(Fraction(1, 3), 2) == "0.33333333"
