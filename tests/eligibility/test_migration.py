"""What became of customers between two quarter ends, worked by hand."""

from fractions import Fraction

import pytest

from puhui import derive
from puhui.eligibility.migration import Book, Move, history, latest_moves
from puhui.eligibility.outlook import together
from puhui.engine import DuckDBEngine, SparkEngine
from puhui.quarter import Quarter
from vocabulary import County

BANK = "HCNS0001"
Q3, Q4 = Quarter(2021, 3), Quarter(2021, 4)

#: One customer each: K1 stays; K2 falls to special mention; K3 turns NPL on one of two loans;
#: K4 repays; K5 is written off; K6 is transferred; K7 recovers; K8 outgrows the limit; K0 is no
#: small firm. K9 is new. K5's loan was written off in the quarter, K4's other one long before.
BEFORE = """
loan_id customer_id balance five_class      status
L1      K1          100     normal          normal
L2      K2          200     normal          normal
L3      K3          300     special_mention normal
L3B     K3          50      normal          normal
L4      K4          400     normal          normal
L5      K5          500     loss            overdue
L6      K6          600     substandard     overdue
L7      K7          700     doubtful        overdue
L8      K8          800     normal          normal
L0      K0          9000    loss            overdue
"""
AFTER = """
loan_id customer_id balance five_class      status      closed_on
L1      K1          90      normal          normal      -
L2      K2          200     special_mention normal      -
L3      K3          280     substandard     overdue     -
L3B     K3          40      normal          normal      -
L4      K4          0       loss            written_off 2021-02-01
L5      K5          0       loss            written_off 2021-11-01
L6      K6          0       substandard     transferred 2021-12-01
L7      K7          650     normal          normal      -
L8      K8          800     normal          normal      -
L9      K9          1000    normal          normal      -
L0      K0          9000    loss            overdue     -
"""
BIG = "customer_id size credit_line\nK0 large 1000000\n"
GROWN = BIG + "K8 small 20000000\n"

#: Yuan above, fen here: before, after → customers, owed before and after, NPL before and after.
BY_HAND = {
    ("performing", "performing"): Move(1, 10000, 9000, 0, 0),
    ("performing", "special_mention"): Move(1, 20000, 20000, 0, 0),
    ("special_mention", "npl"): Move(1, 35000, 32000, 0, 28000),
    ("performing", "repaid"): Move(1, 40000, 0, 0, 0),
    ("npl", "written_off"): Move(1, 50000, 0, 50000, 0),
    ("npl", "transferred"): Move(1, 60000, 0, 60000, 0),
    ("npl", "performing"): Move(1, 70000, 65000, 70000, 0),
    ("performing", "left_scope"): Move(1, 80000, 0, 0, 0),
    ("new", "performing"): Move(1, 0, 100000, 0, 0),
}


def made(folder, deferrals=""):
    county = County(folder)
    county.with_loans("2021Q3", BANK, BEFORE, BIG).with_loans("2021Q4", BANK, AFTER, GROWN)
    if deferrals:
        county.with_register("2021Q4", BANK, "deferrals", deferrals)
    return county


def read(county, kind=DuckDBEngine, threads=2):
    snapshots = county.stored()
    with kind([county.store.root], threads=threads) as engine:
        derive.loan_facts(engine, county.params, snapshots)
        derive.source_view(engine, "deferrals", snapshots)
        return history(engine, county.params, Q4, snapshots, {BANK: "rural_commercial"})


def test_every_move_as_worked_by_hand(tmp_path):
    assert read(made(tmp_path)).moves == {(BANK, Q4): BY_HAND}


def test_one_quarter_alone_says_the_same(tmp_path):
    county = made(tmp_path)
    snapshots = county.stored()
    with DuckDBEngine([county.store.root]) as engine:
        assert latest_moves(engine, county.params, Q4, snapshots) == {(BANK, Q4): BY_HAND}


def test_balances_of_the_book_and_of_customers(tmp_path):
    deferred = "loan_id seq outcome\nL1 1 agreed\nL1 2 agreed\nL3 1 agreed\nL9 1 open\nL8 1 agreed"
    found = read(made(tmp_path, deferred))
    # L1 once; L3 is NPL already; L9 was not agreed; L8 is no longer inclusive.
    assert found.books[BANK, Q4] == Book(226000, 28000, 1206000, 928000, 89000, 9000)
    assert found.books[BANK, Q3] == Book(365000, 180000, 1265000, 1080000)
    bad = found.customers[BANK, Q4]["npl"]
    assert (bad.count.tolist(), bad.mean.tolist()) == ([1], [28000.0])
    held = found.customers[BANK, Q3]["performing"]
    assert held.total == 4
    assert held.count @ held.mean == 150000


def test_the_gap_if_deferred_loans_turned_npl_is_exact():
    book = Book(1000, 40, 2000, 50, 300, 200)
    assert book.gap == 100 * (Fraction(40, 1000) - Fraction(50, 2000))
    assert book.gap_if(Fraction(1, 10)) == 100 * (Fraction(60, 1000) - Fraction(80, 2000))
    assert Book(0, 0, 2000, 50).gap is None


def test_a_missing_quarter_is_no_transition(tmp_path):
    county = County(tmp_path).with_loans("2021Q2", BANK, BEFORE, BIG)
    county.with_loans("2021Q4", BANK, AFTER, GROWN)
    found = read(county)
    assert found.moves == {}
    assert set(found.books) == {(BANK, Quarter(2021, 2)), (BANK, Q4)}


def test_a_ledger_without_classes_is_left_out(tmp_path):
    county = made(tmp_path)
    plain = "\n".join(" ".join(line.split()[:3]) for line in AFTER.strip().splitlines())
    county.with_loans("2021Q4", BANK, plain, GROWN, absent=("five_class",))
    assert read(county).moves == {}


def test_all_together_is_the_sum():
    one, two = {("new", "npl"): Move(1, 0, 5, 0, 5)}, {("new", "npl"): Move(2, 0, 7, 0, 6)}
    found = together({("A", Q4): one, ("B", Q4): two})
    assert found == {("county", Q4): {("new", "npl"): Move(3, 0, 12, 0, 11)}}


@pytest.mark.spark
def test_spark_says_what_duckdb_says(tmp_path):
    county = made(tmp_path, "loan_id seq outcome\nL1 1 agreed")
    ours, theirs = read(county), read(county, SparkEngine)
    assert ours.moves == theirs.moves
    assert ours.books == theirs.books
    for key, states in ours.customers.items():
        for state, held in states.items():
            other = theirs.customers[key][state]
            assert held.count.tolist() == other.count.tolist()
            assert held.mean.tolist() == other.mean.tolist()
