"""Derived rows: scope on the policy's edge, benchmark by date and tenor, policy of the quarter."""

from __future__ import annotations

from decimal import Decimal

import pytest

from puhui.derive import loan_facts
from puhui.engine import DuckDBEngine
from vocabulary import County


def facts(county, columns):
    snapshots = county.stored()
    with DuckDBEngine([county.store.root]) as engine:
        loan_facts(engine, county.params, snapshots)
        found = engine.sql(f"SELECT {columns} FROM loan_facts ORDER BY quarter, loan_id")
    return [tuple(row.values()) for row in found.to_pylist()]


@pytest.mark.parametrize(
    ("priced", "drawn", "months", "named", "rate"),
    [
        # LPR 1Y was cut from 3.85 to 3.80 on 2021-12-20 (the day of publication counts).
        ("2021-12-19", "2021-12-25", "2022-12-25", "-", "3.85"),
        ("2021-12-20", "2021-12-25", "2022-12-25", "-", "3.80"),
        # No pricing date: the drawdown date. 2020-04-19 is the last day at 4.05.
        ("-", "2020-04-19", "2021-04-19", "-", "4.05"),
        ("-", "2020-04-20", "2021-04-20", "-", "3.85"),
        # Tenor: up to five years 1Y, beyond 5Y (4.65 in 2021), unless the contract names one.
        ("-", "2021-03-01", "2026-03-01", "-", "3.85"),
        ("-", "2021-03-01", "2026-03-02", "-", "4.65"),
        ("-", "2021-03-01", "2022-03-01", "lpr:5Y", "4.65"),
        ("-", "2021-03-01", "2031-03-01", "lpr:1Y", "3.85"),
        # Before the series begins (2019-08-20) there is no rate, rather than the first one.
        ("-", "2019-08-19", "2020-08-19", "-", None),
        ("-", "2019-08-20", "2020-08-20", "-", "4.25"),
    ],
)
def test_benchmark_on_pricing(tmp_path, priced, drawn, months, named, rate):
    text = f"loan_id priced_on drawn_on matures_on benchmark\nL1 {priced} {drawn} {months} {named}"
    county = County(tmp_path).with_loans("2021Q4", "HCNS0001", text)
    ((found,),) = facts(county, "benchmark_rate")
    assert found == (None if rate is None else Decimal(rate))


def test_a_loan_row_is_never_doubled_by_its_joins(tmp_path):
    text = "loan_id customer_id\nL1 K1\nL2 K1\nL3 K2"
    county = County(tmp_path)
    county.with_loans("2021Q3", "HCNS0001", text)
    county.with_loans("2021Q4", "HCNS0001", text)
    county.with_loans("2021Q4", "HCDX0001", text)
    assert len(facts(county, "loan_id")) == 9


@pytest.mark.parametrize(
    ("loan", "person", "now", "at_drawdown"),
    [
        ("product=working_capital", "size=small", True, True),
        ("product=rediscount", "size=small", False, False),
        ("product=entrusted", "size=small", False, False),
        ("product=discount", "size=small", True, True),
        ("status=written_off", "size=small", False, True),
        ("product=working_capital", "size=medium", False, False),
        ("product=working_capital", "kind=farmer", False, False),
        ("product=working_capital", "kind=mse_owner", True, True),
        ("is_business_loan=false", "kind=mse_owner", False, False),
        ("credit_line_at_drawdown=10000000.01", "size=micro", True, False),
        ("credit_line_at_drawdown=1", "credit_line=10000000.01", False, True),
    ],
)
def test_scope_now_and_at_drawdown_are_two_facts(tmp_path, loan, person, now, at_drawdown):
    (column, value), (fact, known) = loan.split("="), person.split("=")
    text = f"loan_id {column}\nL1 {value}"
    people = f"customer_id {fact}\nK1 {known}"
    county = County(tmp_path).with_loans("2021Q4", "HCNS0001", text, people)
    assert facts(county, "in_scope_now, in_scope_at_drawdown") == [(now, at_drawdown)]


def test_no_expression_reaches_files_or_the_network(tmp_path):
    with DuckDBEngine([tmp_path]) as engine:
        for text in ("SELECT * FROM read_csv('/etc/hostname')", "INSTALL httpfs", "SET threads=1"):
            with pytest.raises(Exception, match="查询失败"):
                engine.sql(text)
