"""Plain numbers and ids are read by the column; it must give what reading each one gives."""

from dataclasses import replace

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intake import builders as b
from puhui.intake.layout import Rule
from puhui.intake.values import Unreadable, arrow_type, parse, reader_for

LAYOUT = replace(b.LAYOUT["east40_gbk"], nulls=frozenset({"", "-", "99991231", "A1"}))
UNITS = {"money": "元", "rate": "percent", "bp": "bp", "text": ""}


def one_by_one(text, rule):
    if text in LAYOUT.nulls:
        return None, None, None
    try:
        return reader_for(rule, LAYOUT)(text), text, None
    except Unreadable as fault:
        return None, text, str(fault)


def assert_same(texts, rule):
    read = parse(pa.array(texts, pa.string()), rule, LAYOUT)
    expected = [one_by_one(t, rule) if t is not None else (None, None, None) for t in texts]
    values = pa.array([e[0] for e in expected], arrow_type(rule.kind))
    assert read.values.to_pylist() == values.to_pylist()
    assert read.texts.to_pylist() == [e[1] for e in expected]
    assert read.faults.to_pylist() == [e[2] for e in expected]


@pytest.mark.parametrize("kind", UNITS)
@settings(max_examples=60, deadline=None)
@given(st.lists(st.none() | st.from_regex(r"-?[0-9]{1,18}(\.[0-9]{0,7})?", fullmatch=True)))
def test_numbers(kind, texts):
    assert_same(texts, Rule("x", kind, unit=UNITS[kind]))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.none() | st.text(alphabet="A1Ee.+-_ａ甲 0", min_size=1, max_size=8).map(str.strip))
)
def test_ids(texts):
    texts = [t or None for t in texts]
    assert_same(texts, Rule("x", "text"))
    assert_same(texts, Rule("name", "text"))
    assert_same(texts, Rule("uscc", "text"))


@pytest.mark.parametrize(
    ("kind", "texts"),
    [
        ("money", ["9999999999999999.99", "10000000000000000", "-0.01", "0.001", "99991231", "-"]),
        ("rate", ["999.999999", "1000", "0.0000001", "4.35"]),
        ("bp", ["9999999.99", "10000000", "-12.5"]),
        ("text", ["1E+17", "1.5E+3", "A1", "a1", "２", "#N"]),
    ],
)
def test_edges(kind, texts):
    assert_same(texts, Rule("x", kind, unit=UNITS[kind]))


def test_a_scaled_unit_still_scales():
    read = parse(pa.array(["1.5"]), Rule("x", "money", unit="万元"), LAYOUT)
    assert [str(v) for v in read.values.to_pylist()] == ["15000.00"]
