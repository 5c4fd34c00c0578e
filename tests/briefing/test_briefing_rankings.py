"""Places within level and kind: ties share one, small groups have none and say so."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pytest

from briefing.made import indicator, make_source
from puhui.briefing.rankings import rankings_section
from puhui.briefing.table import cell_text


def county(kinds, values, indicator_id="C7.2", test="<="):
    """Institutions named by letters with a level and kind each, and a value each (or none)."""
    made = make_source()
    rows = [
        {"institution_id": i, "name": f"{i}行", "kind": kind, "level": level,
         "is_local_legal_person": level == "legal_person"}
        for i, (level, kind) in kinds.items()
    ]  # fmt: skip
    limit = {"threshold": "3.00"} if test in ("<=", ">=") else {}
    found = [
        indicator(i, indicator_id, v, "met" if v else "no_data", test=test, **limit)
        for i, v in values.items()
    ]
    tables = make_source(indicators=found, clauses=[]).results
    return replace(made, results=tables, institutions=pa.Table.from_pylist(rows))


def places(source):
    (table,) = rankings_section(source).tables
    rows = [tuple(map(cell_text, row, table.columns)) for row in table.rows]
    return {row[1][0]: row[5:7] for row in rows}, [r[1][0] for r in rows], table.notes


LOCAL, AWAY = ("legal_person", "rural_commercial"), ("branch", "large")
VILLAGE = ("legal_person", "village")


def test_places_are_within_level_and_kind_and_ties_share_one():
    kinds = {"A": LOCAL, "B": LOCAL, "C": LOCAL, "D": VILLAGE, "E": AWAY}
    found, order, notes = places(
        county(kinds, {"A": "1", "B": "0.5", "C": "1", "D": "2", "E": "0.1"})
    )
    assert found == {
        "A": ("2/4", "2/3"), "B": ("1/4", "1/3"), "C": ("2/4", "2/3"), "D": ("4/4", "不排名"),
        "E": ("不排名", "不排名"),
    }  # fmt: skip
    assert order == ["E", "B", "A", "C", "D"]
    for group in ("村镇银行", "大型银行"):
        assert group in notes[1]
    assert "不足 3 家" in notes[1]
    assert "农村商业银行" not in notes[1]


def test_who_has_no_value_is_not_counted_in_a_group():
    kinds = dict.fromkeys("ABC", LOCAL)
    found, _, notes = places(county(kinds, {"A": "1", "B": "2", "C": None}))
    assert found == {"A": ("不排名", "不排名"), "B": ("不排名", "不排名")}
    assert "农村商业银行" in notes[1]


@pytest.mark.parametrize(("test", "best"), [("<=", "A"), (">=", "C"), ("up", "C"), ("down", "A")])
def test_the_test_says_which_side_is_better(test, best):
    kinds = dict.fromkeys("ABC", LOCAL)
    found, order, notes = places(county(kinds, {"A": "1", "B": "2", "C": "3"}, test=test))
    assert found[best] == ("1/3", "1/3")
    assert order[0] == best
    assert len(notes) == 1


def test_without_a_test_nobody_is_ranked():
    kinds = dict.fromkeys("ABC", LOCAL)
    section = rankings_section(county(kinds, {"A": "1", "B": "2", "C": "3"}, test=None))
    assert section.tables == ()
    assert section.paragraphs == ("没有可排名的数据。",)
