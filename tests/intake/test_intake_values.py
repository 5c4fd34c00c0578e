"""Edge tables of reading single cells."""

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puhui.intake.hashing import Hasher, normal_id
from puhui.intake.reading import cell_text
from puhui.intake.uscc import ALPHABET, is_valid
from puhui.intake.values import Unreadable, code, date, identifier, quantity

YUAN, WAN, YI = Decimal(1), Decimal(10_000), Decimal(100_000_000)


@pytest.mark.parametrize(
    ("text", "scale", "yuan"),
    [
        ("0", YUAN, "0.00"),
        ("1234.5", YUAN, "1234.50"),
        ("1,234,567.89", YUAN, "1234567.89"),
        ("１２３，４５６．７８", YUAN, "123456.78"),
        ("-3", YUAN, "-3.00"),
        ("(3.5)", YUAN, "-3.50"),
        ("￥100", YUAN, "100.00"),
        ("12.345678", WAN, "123456.78"),
        ("0.00000001", YI, "1.00"),
        ("1E+3", YUAN, "1000.00"),
        ("99999999999.99", YUAN, "99999999999.99"),
        ("9999999999999999.99", YUAN, "9999999999999999.99"),
    ],
)
def test_money_is_brought_to_yuan_exactly(text, scale, yuan):
    assert quantity(text, "money", scale, "元") == Decimal(yuan)


@pytest.mark.parametrize(
    ("text", "scale", "fault"),
    [
        ("约100", YUAN, "number"),
        ("1,23", YUAN, "number"),
        ("1.2.3", YUAN, "number"),
        ("4%", YUAN, "number"),
        ("", YUAN, "number"),
        ("nan", YUAN, "number"),
        ("1.005", YUAN, "decimals"),
        ("0.0000001", WAN, "decimals"),
        ("10000000000000000", YUAN, "number"),
        ("1E+99999999", YUAN, "number"),
        ("1E+999", YUAN, "number"),
        ("1E-999", YUAN, "decimals"),
        ("1." + "0" * 70 + "1", YUAN, "number"),
    ],
)
def test_money_that_is_none_says_why(text, scale, fault):
    with pytest.raises(Unreadable) as raised:
        quantity(text, "money", scale, "元")
    assert str(raised.value) == fault


@pytest.mark.parametrize(
    ("text", "unit", "scale", "percent"),
    [
        ("4.35", "percent", "1", "4.35"),
        ("4.35%", "percent", "1", "4.35"),
        ("4.35％", "percent", "1", "4.35"),
        ("0.0435", "fraction", "100", "4.35"),
        ("435", "bp", "0.01", "4.35"),
        ("3.123456", "percent", "1", "3.123456"),
    ],
)
def test_rates_become_percent(text, unit, scale, percent):
    assert quantity(text, "rate", Decimal(scale), unit) == Decimal(percent)


def test_a_percent_sign_under_a_fraction_layout_is_not_rescaled():
    with pytest.raises(Unreadable):
        quantity("4.35%", "rate", Decimal(100), "fraction")


FORMS = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y年%m月%d日", "%Y%m%d", "serial")


@pytest.mark.parametrize(
    "text",
    ["2021-03-05", "2021/3/5", "2021.03.05", "2021年3月5日", "20210305", "44260",
     "２０２１－３－５", "2021-03-05 00:00:00"],
)  # fmt: skip
def test_usual_chinese_dates(text):
    # 44260 is what Excel stores for 5 March 2021.
    assert date(text, FORMS, 2068) == dt.date(2021, 3, 5)


@pytest.mark.parametrize(
    ("text", "forms"),
    [
        ("2021-02-30", FORMS),
        ("2021-13-01", FORMS),
        ("202135", FORMS),
        ("2021111", FORMS),
        ("昨天", FORMS),
        ("3/5/21", FORMS),
        ("44260", ("%Y-%m-%d",)),
        ("2021-03-05 10:00:00", FORMS),
    ],
)
def test_dates_outside_the_declared_formats_are_not_guessed(text, forms):
    with pytest.raises(Unreadable, match="date"):
        date(text, forms, 2068)


@pytest.mark.parametrize(
    ("text", "until", "year"),
    [
        ("1/1/68", 2068, 2068),
        ("1/1/69", 2068, 1969),
        ("1/1/00", 2068, 2000),
        ("1/1/30", 2029, 1930),
    ],
)
def test_two_digit_years_fall_in_the_declared_century(text, until, year):
    assert date(text, ("%m/%d/%y",), until).year == year


def test_code_words():
    words = {"项目贷款(银团)": "project", "其他-展期": "extended", "其他-*": "other"}
    assert code("项目贷款（银团）", words) == "project"
    assert code("其他-展期", words) == "extended"
    assert code("其他-转入", words) == "other"
    with pytest.raises(Unreadable, match="code"):
        code("其他", words)


@pytest.mark.parametrize(
    ("text", "result"),
    [("jyns0001", "JYNS0001"), ("ＪＹ01", "JY01"), ("A" * 32, "A" * 32)],
)
def test_identifiers_are_upper_case_and_half_width(text, result):
    assert identifier(text) == result


@pytest.mark.parametrize("text", ["ABC", "A" * 33, "甲行01", "AB-01"])
def test_what_is_no_identifier(text):
    with pytest.raises(Unreadable, match="id"):
        identifier(text)


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (None, None), ("", None), ("  ", None), (True, "是"), (3.0, "3"), (-0.5, "-0.5"),
        (0.1 + 0.2, "0.3"), (1234567.89, "1234567.89"), (99999999999.99, "99999999999.99"),
        (123456789012345680.0, "1.23456789012346E+17"), (dt.date(2021, 1, 2), "2021-01-02"),
        (dt.datetime(2021, 1, 2), "2021-01-02"),
    ],
)  # fmt: skip
def test_workbook_cells_as_text(cell, text):
    assert cell_text(cell) == text


@given(st.integers(min_value=0, max_value=10**13 - 1))
def test_fen_survive_a_workbook_cell(fen):
    """Money up to a hundred billion yuan goes through a float cell to the same fen."""
    text = cell_text(fen / 100)
    assert text is None or quantity(text, "money", YUAN, "元") * 100 == fen


def test_citizen_ids_of_fifteen_and_eighteen_digits_are_one_person():
    # 11010519491231002X is the worked example of GB 11643.
    assert normal_id("110105491231002") == "11010519491231002X"
    hasher = Hasher(b"k")
    assert hasher.hash("person", "110105491231002") == hasher.hash("person", "11010519491231002x")


def test_hashes_depend_on_key_and_domain_and_are_128_bits():
    one, other = Hasher(b"one"), Hasher(b"other")
    assert one.hash("staff", "S01") != one.hash("person", "S01") != other.hash("person", "S01")
    assert len(one.hash("staff", "S01")) == 32
    assert one.fingerprint != other.fingerprint
    assert one.fingerprint == Hasher(b"one").fingerprint


def test_hash_is_hmac_sha256_of_domain_and_id():
    import hashlib
    import hmac

    expected = hmac.new(b"k", b"staff\0S01", hashlib.sha256).hexdigest()[:32]
    assert Hasher(b"k").hash("staff", "ｓ01") == expected


@pytest.mark.parametrize("position", range(18))
def test_uscc_catches_any_single_wrong_character(position):
    """The worked example of GB 32100 is valid; every other character in its place is not."""
    good = "91350100M000100Y43"
    assert is_valid(good)
    others = [c for c in ALPHABET if c != good[position]]
    assert not any(is_valid(good[:position] + c + good[position + 1 :]) for c in others)
