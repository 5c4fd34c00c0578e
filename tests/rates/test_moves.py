"""The move table on nine loans worked by hand."""

from __future__ import annotations

import dataclasses
import datetime as dt
import importlib.util
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pyarrow as pa

from puhui.rates import IdentificationRules, PricingSpec, price
from puhui.rates.sample import Measure

_place = Path(__file__).with_name("ledger_of_eight.py")
_found = importlib.util.spec_from_file_location("ledger_of_eight", _place)
assert _found is not None and _found.loader is not None
eight = importlib.util.module_from_spec(_found)
_found.loader.exec_module(eight)

APRIL = dt.date(2020, 4, 20)
RULES = IdentificationRules(2, 30, 100, 5, Decimal(60), Decimal("0.9"), Decimal("2.8"))
#: Institution, product, day priced, rate, amount in ten thousand yuan.
LOANS = """
YH0001 P 2020-03-01 5.00  10
YH0001 P 2020-04-19 5.20  30
YH0001 P 2020-04-20 5.00  40
YH0002 P 2020-02-20 6.00 100
YH0002 P 2020-06-18 5.80 300
YH0002 Q 2020-03-05 7.00  50
YH0001 P 2020-02-19 9.00  99
YH0001 P 2020-06-19 9.00  99
YH0003 Q 2020-05-05 4.00  10
"""


def facts(text: str) -> list[dict[str, object]]:
    rows = []
    for i, line in enumerate(text.split("\n")[1:-1]):
        bank, product, day, rate, amount = line.split()
        on = dt.date.fromisoformat(day)
        rows.append(
            {
                "quarter": "2020Q2", "revision": 1, "institution_id": bank, "loan_id": f"L{i}",
                "drawn_on": on, "priced_on": on, "product": product, "benchmark_series": "lpr",
                "amount": Decimal(int(amount) * 10_000), "rate_at_drawdown": Decimal(rate),
                "benchmark_tenor": "1y", "benchmark_date": on,
                "benchmark_rate": eight.in_force(eight.lpr()["1y"], on),
            }
        )  # fmt: skip
    return rows


def spec(**changes: object) -> PricingSpec:
    base = PricingSpec("2020Q2", "LPR", dt.date(2020, 1, 1), dt.date(2020, 6, 30), "true",
                       ("product",), RULES, path=eight.path_table())  # fmt: skip
    return dataclasses.replace(base, **changes)  # type: ignore[arg-type]


def test_the_april_move_by_hand() -> None:
    """Sixty days: 02-20 to 04-19 before, 04-20 to 06-18 after; two cells are on both sides.

    YH0001 P: (5.00 + 5.20) / 2 = 5.10 before, 5.00 after, three loans, 80 (ten thousand) in all;
    by amount (10 × 5.00 + 30 × 5.20) / 40 = 5.15. YH0002 P: 6.00, 5.80; two loans, 400.
    By loans 3/5 × 5.10 + 2/5 × 6.00 = 5.46 and 3/5 × 5.00 + 2/5 × 5.80 = 5.32: −14 bp of −20.
    By amount (80 × 5.15 + 400 × 6.00) / 480 and (80 × 5.00 + 400 × 5.80) / 480.
    """
    with eight.engine_with(facts(LOANS)) as engine:
        p = price(engine, "loan_facts", spec())
    assert p.rungs == ()  # far too few loans to estimate anything; the table is a description
    (april,) = [m for m in p.moves if m.day == APRIL]
    assert (april.benchmark, april.change_bp) == ("lpr 1y", Decimal(-20))
    assert (april.first, april.last) == (dt.date(2020, 2, 20), dt.date(2020, 6, 18))
    assert (april.cells, april.loans, april.institutions, april.all_loans) == (2, 5, 2, 7)
    assert (april.before["none"], april.after["none"]) == (Fraction("5.46"), Fraction("5.32"))
    assert (april.answer_bp(), april.ratio()) == (Fraction(-14), Fraction(7, 10))
    assert april.before["amount"] == Fraction(80 * 515 + 400 * 600, 48000)
    assert april.after["amount"] == Fraction(80 * 500 + 400 * 580, 48000)
    assert april.ratio("amount") == Fraction(80 * 15 + 400 * 20, 480) / 20


def test_a_move_without_a_cell_on_both_sides_has_no_means() -> None:
    with eight.engine_with(facts(LOANS)) as engine:
        p = price(engine, "loan_facts", spec())
    february = next(m for m in p.moves if m.day == dt.date(2020, 2, 20))
    # From 2019-12-22 one loan before; sixty days after are cut where LPR moves again.
    assert (february.first, february.last) == (dt.date(2019, 12, 22), dt.date(2020, 4, 19))
    assert (february.cells, february.loans) == (1, 3)  # YH0001 P: 9.00, then 5.00 and 5.20
    assert february.answer_bp() == Fraction(-390)
    with eight.engine_with(facts(LOANS.replace("2020-02-19", "2020-02-21"))) as engine:
        bare = price(engine, "loan_facts", spec()).moves[-2]
    assert (bare.day, bare.cells, bare.ratio()) == (dt.date(2020, 2, 20), 0, None)


def test_a_neighbouring_move_cuts_the_days() -> None:
    path = [("2020-01-01", "4.15"), ("2020-04-20", "3.85"), ("2020-05-10", "3.80")]
    table = pa.table(
        {
            "series": ["lpr"] * 3,
            "tenor": ["1y"] * 3,
            "from_date": [dt.date.fromisoformat(d) for d, _ in path],
            "rate": pa.array([Decimal(r) for _, r in path], pa.decimal128(9, 6)),
        }
    )
    rows = facts("\nYH0001 P 2020-04-01 5.0 1\nYH0001 P 2020-05-01 4.8 1\n")
    rows = [dict(r, benchmark_rate=Decimal("4.15" if i == 0 else "3.85"))
            for i, r in enumerate(rows)]  # fmt: skip
    with eight.engine_with(rows) as engine:
        first, second = price(engine, "loan_facts", spec(path=table)).moves
    assert (first.first, first.last) == (dt.date(2020, 2, 20), dt.date(2020, 5, 9))
    assert first.ratio() == Fraction(2, 3)
    assert (second.first, second.cells) == (APRIL, 0)


def test_other_measures_are_those_in_force_in_the_days_compared() -> None:
    def measure(name: str, first: str, last: str | None) -> Measure:
        end = dt.date.fromisoformat(last) if last else None
        return Measure(name, dt.date.fromisoformat(first), end, "号", "found")

    listed = (
        measure("ended the day before", "2020-01-01", "2020-02-19"),
        measure("ended on the first day", "2020-01-01", "2020-02-20"),
        measure("began on the last day", "2020-06-18", None),
        measure("began the day after", "2020-06-19", None),
    )
    with eight.engine_with(facts(LOANS)) as engine:
        p = price(engine, "loan_facts", spec(measures=listed))
    (april,) = [m for m in p.moves if m.day == APRIL]
    assert [m.name for m in april.measures] == ["ended on the first day", "began on the last day"]
    (row,) = [r for r in p.rows()["moves"] if r["day"] == "2020-04-20" and r["weights"] == "none"]
    assert (
        row["ratio"] == 0.7 and row["measures"] == "ended on the first day；began on the last day"
    )
