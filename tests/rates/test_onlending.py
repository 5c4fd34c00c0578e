"""The placebo rank of an on-lender, worked by hand; its own gap is clause C3.2's."""

from __future__ import annotations

from fractions import Fraction
from itertools import chain

import pyarrow as pa
import pytest

from puhui import measures
from puhui.engine import DuckDBEngine
from puhui.measures.comparing import Side
from puhui.quarter import Quarter
from puhui.rates.onlending import PLACEBO, placebo_ranks, placebos
from vocabulary import County

QUARTER = Quarter.parse("2021Q4")
HEADER = "loan_id amount rate_at_drawdown funding_source drawn_on matures_on guarantee"
RURAL = {f"HCNS000{n}": "rural_commercial" for n in range(1, 5)}


def loans(name: str, rate: str, funds: str = "own", count: int = 5, drawn: str = "2021-02-01"):
    until = drawn.replace("2021", "2022")
    return [f"{name}{i} 100 {rate} {funds} {drawn} {until} credit" for i in range(count)]


def county(folder, **ledgers) -> County:
    made = County(folder)
    for institution, groups in ledgers.items():
        made.with_loans("2021Q4", institution, "\n".join([HEADER, *chain(*groups)]))
    return made


def ranked(made: County, kinds=RURAL) -> list[dict[str, object]]:
    snapshots = made.stored()
    with DuckDBEngine([made.store.root]) as engine:
        found = placebo_ranks(engine, made.params, snapshots, QUARTER, kinds=kinds)
    assert found.schema == PLACEBO
    return found.to_pylist()


def four(folder, lent: str = "5.5") -> County:
    return county(
        folder,
        HCNS0001=[loans("P", lent, "policy_onlent"), loans("A", "5")],
        HCNS0002=[loans("B", "6")],
        HCNS0003=[loans("C", "4")],
        HCNS0004=[loans("D", "5", count=4)],
    )


def test_the_rank_by_hand(tmp_path):
    # Ordinary: 500 at 5, 500 at 6, 500 at 4, 400 at 5. On-lent at 5.5 against 5 of all: 50 bp.
    # In its place: bank 2 at 6 against (500×5+500×4+400×5)/1400 = 65/14: 19/14 pp. Bank 3 at 4
    # against (2500+3000+2000)/1400 = 75/14: −19/14 pp. Bank 4 has four loans, one too few.
    rows = ranked(four(tmp_path))
    told = [(r["in_place"], Fraction(int(r["gap_num"]), int(r["gap_den"]))) for r in rows]
    assert told == [
        ("HCNS0002", Fraction(1900, 14)),
        ("HCNS0001", Fraction(50)),
        ("HCNS0003", Fraction(-1900, 14)),
    ]
    assert [(r["rank"], r["ranked"], r["loans"], r["similar_loans"]) for r in rows] == [
        (1, 3, 5, 14),
        (2, 3, 5, 19),
        (3, 3, 5, 14),
    ]
    assert {r["institution_id"] for r in rows} == {"HCNS0001"}


@pytest.mark.parametrize("lent", ["4.2", "5.5", "9"])
def test_the_on_lenders_own_gap_is_the_clauses(tmp_path, lent):
    made = four(tmp_path, lent)
    rows = ranked(made)
    register = pa.table({"institution_id": list(RURAL), "kind": list(RURAL.values())})
    with DuckDBEngine([made.store.root]) as engine:
        worked = measures.work_out(engine, made.params, made.snapshots, QUARTER, register=register)
    (worst,) = [c for c in worked.cells.to_pylist() if c["standing"] == "worst"]
    (mine,) = [r for r in rows if r["in_place"] == "HCNS0001"]
    assert (mine["gap_bp"], mine["loans"], mine["similar_loans"]) == (
        worst["gap_bp"],
        worst["loans"],
        worst["similar_loans"],
    )


def test_equal_gaps_share_the_better_rank(tmp_path):
    made = county(
        tmp_path,
        HCNS0001=[loans("P", "5", "policy_onlent"), loans("A", "5")],
        HCNS0002=[loans("B", "5")],
    )
    assert [(r["in_place"], r["gap_bp"], r["rank"]) for r in ranked(made)] == [
        ("HCNS0001", 0.0, 1),
        ("HCNS0002", 0.0, 1),
    ]


def test_only_cells_the_on_lender_could_be_compared_in_count_for_others(tmp_path):
    # Bank 2 is far dearer in summer, where the on-lender has nothing on-lent.
    made = county(
        tmp_path,
        HCNS0001=[loans("P", "5", "policy_onlent"), loans("A", "5")],
        HCNS0002=[loans("B", "5"), loans("S", "9", drawn="2021-08-01")],
        HCNS0003=[loans("C", "5"), loans("T", "4", drawn="2021-08-01")],
    )
    assert {r["gap_bp"] for r in ranked(made)} == {0.0}


def test_other_kinds_do_not_stand_in_its_place(tmp_path):
    kinds = {**RURAL, "HCNS0002": "large"}
    assert {r["in_place"] for r in ranked(four(tmp_path), kinds)} == {"HCNS0001", "HCNS0003"}


def test_an_on_lender_that_cannot_be_compared_says_why(tmp_path):
    made = county(
        tmp_path,
        HCNS0001=[loans("P", "5", "policy_onlent", count=4)],
        HCNS0002=[loans("B", "5")],
        HCNS0003=[loans("Q", "5", "-"), loans("R", "5", "policy_onlent")],
    )
    assert [(r["institution_id"], r["reason"], r["rank"]) for r in ranked(made)] == [
        ("HCNS0001", "没有笔数足够、可以比较的格", None),
        ("HCNS0003", "有贷款缺少比较所需的内容", None),
    ]


def test_nobody_lends_on(tmp_path):
    assert ranked(county(tmp_path, HCNS0001=[loans("A", "5")])) == []


def test_of_several_cells_the_worst_counts():
    def side(rate: int, count: int = 5) -> Side:
        return Side(count, Fraction(100), Fraction(100 * rate))

    lent = {("a",): side(6), ("b",): side(9), ("c",): side(99, 4)}
    ordinary = {"X": {(k,): side(5) for k in "abc"}, "Y": {("a",): side(8), ("b",): side(5)}}
    actual, others = placebos("L", lent, ordinary, ["L", "X", "Y"], 5)
    # a: 6 − 6½; b: 9 − 5; c has too few. X: a 5 − 8, b 0. Y: a 8 − 5, b 0.
    assert actual is not None
    assert (actual.value, actual.cells) == (4, 2)
    assert [(g.institution_id, g.value, g.cells) for g in others] == [("X", 0, 2), ("Y", 3, 2)]
