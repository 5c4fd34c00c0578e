"""Rates held against their own contracts, worked by hand.

LPR 1Y: 4.20 from 2019-09-20, 4.15 from 11-20, 4.05 from 2020-02-20, 3.85 from 2020-04-20,
3.80 from 2021-12-20. 5Y: 4.65 from 2020-04-20.
"""

from __future__ import annotations

import csv
import datetime as dt
import shutil
from dataclasses import replace
from decimal import Decimal

import pytest

from puhui.derive import loan_facts
from puhui.engine import DuckDBEngine
from puhui.quarter import Quarter
from puhui.rates import contracts, spec_from
from puhui.rates.contracts import check_contracts
from puhui.runner.preparing import prepare
from vocabulary import PARAMS, PROJECT, County

HEADER = "loan_id rate_type benchmark spread_bp priced_on rate_at_drawdown repriced_on rate_now"
QUARTER = Quarter.parse("2021Q4")


def ledger(*lines: str, drawn: str = "2021-12-31") -> str:
    """Loans drawn late, so that every pricing date comes before."""
    body = [f"{line} {drawn} 2022-12-31" for line in lines]
    return "\n".join([f"{HEADER} drawn_on matures_on", *body])


def checked(county: County, snapshots=None, **options):
    with DuckDBEngine([county.store.root]) as engine:
        loan_facts(engine, county.params, snapshots or county.stored())
        spec = spec_from(county.params, QUARTER)
        return check_contracts(
            engine, "loan_facts", spec, county.params.benchmarks["lpr"], **options
        )


def one(folder, *lines: str, quarter: str = "2021Q4", **options):
    county = County(folder).with_loans(quarter, "HCNS0001", ledger(*lines))
    return checked(county, **options)


def found(check) -> dict[tuple[str, str], Decimal]:
    return {(r["loan_id"], r["stage"]): r["deviation_bp"] for r in check.breaches.to_pylist()}


@pytest.mark.parametrize(
    ("rate", "deviation"),
    [
        ("4.85", None),
        ("4.855", None),  # half a basis point above: agrees
        ("4.855001", Decimal("0.5001")),
        ("4.845", None),
        ("4.844999", Decimal("-0.5001")),
        ("4.95", Decimal(10)),
        ("4.75", Decimal(-10)),
    ],
)
def test_a_rate_agrees_up_to_half_a_basis_point(tmp_path, rate, deviation):
    check = one(tmp_path, f"L1 floating lpr:1Y 100 2021-03-01 {rate} - -")
    assert found(check) == ({} if deviation is None else {("L1", "origination"): deviation})


def test_the_benchmark_is_the_one_in_force_on_the_day_of_pricing_and_of_its_own_tenor(tmp_path):
    check = one(
        tmp_path,
        "A floating lpr:1Y 100 2020-04-19 5.05 - -",
        "B floating lpr:1Y 100 2020-04-20 4.85 - -",
        "C floating lpr:5Y 100 2020-04-20 5.65 - -",
        "D floating lpr:5Y 100 2020-04-20 4.85 - -",  # the short tenor's rate: 80 bp off
        "E floating lpr:1Y -30 2021-12-20 3.50 - -",  # a spread below zero
    )
    assert found(check) == {("D", "origination"): Decimal(-80)}


def test_what_is_not_a_floating_loan_on_the_benchmark_is_not_checked_and_counted_if_floating(
    tmp_path,
):
    check = one(
        tmp_path,
        "F fixed lpr:1Y 100 2021-03-01 9 - -",
        "O floating other 100 2021-03-01 9 - -",
        "N floating - 100 2021-03-01 9 - -",
        "S floating lpr:1Y - 2021-03-01 9 - -",
        "T floating lpr:3Y 100 2021-03-01 9 - -",
        "E floating lpr:1Y 100 2010-03-01 9 - -",  # before there was any
        "P floating lpr:1Y 100 2022-01-01 4.85 - -",
        "G floating lpr:1Y 100 2021-03-01 4.85 - -",
    )
    assert found(check) == {}
    assert {r["reason"]: r["loans"] for r in check.unchecked.to_pylist()} == {
        "合同不以该基准定价": 1,
        "没有填写定价基准": 1,
        "没有填写加点": 1,
        "当日没有该期限的基准利率": 2,
        "定价日期晚于发放日期": 1,
    }
    (total,) = [r for r in check.shares.to_pylist() if r["institution_id"] is None]
    assert (total["loans"], total["off"]) == (1, 0)


def test_repriced_loans_are_held_against_the_benchmark_of_the_repricing_day(tmp_path):
    # Priced 2020-03-02 at 4.05 + 100; on 2021-01-01 the benchmark is 3.85.
    check = one(
        tmp_path,
        "A floating lpr:1Y 100 2020-03-02 5.05 2021-01-01 4.85",
        "B floating lpr:1Y 100 2020-03-02 5.05 2021-01-01 5.05",  # the cut did not arrive
        "C floating lpr:1Y 100 2020-03-02 5.05 2022-01-01 5.05",  # not repriced yet
        "D floating lpr:1Y 100 2020-03-02 5.05 2021-01-01 -",
        "E floating other 100 2020-03-02 5.05 2021-01-01 9",
    )
    assert found(check) == {("B", "repricing"): Decimal(20)}
    told = {(r["stage"], r["reason"]): r["loans"] for r in check.unchecked.to_pylist()}
    assert told == {
        ("origination", "合同不以该基准定价"): 1,
        ("repricing", "日期在该季季末之后"): 1,
        ("repricing", "没有利率"): 1,
    }
    (row,) = check.breaches.to_pylist()
    assert row["reason"] == (
        "2021-01-01贷款市场报价利率（LPR）（1Y）为3.85%，合同加100个基点，应为4.85%，"
        "重定价时执行5.05%，高20个基点。"
    )
    assert (row["benchmark_rate"], row["contract_rate"]) == (Decimal("3.85"), Decimal("4.85"))


def test_without_a_pricing_date_the_day_of_drawdown_counts_and_is_named(tmp_path):
    text = "loan_id rate_type benchmark spread_bp rate_at_drawdown drawn_on matures_on\n"
    text += "L1 floating lpr:1Y -10 4.00 2021-12-21 2022-12-21"
    check = checked(County(tmp_path).with_loans("2021Q4", "HCNS0001", text))
    (row,) = check.breaches.to_pylist()
    assert (row["dated_on"], row["dated_by"]) == (dt.date(2021, 12, 21), "drawn_on")
    assert row["reason"] == (
        "2021-12-21（未填定价日期，按发放日期）贷款市场报价利率（LPR）（1Y）为3.8%，合同减10个基点，"
        "应为3.7%，发放时执行4%，高30个基点。"
    )


def test_a_loan_counts_once_as_first_seen_in_the_latest_revision(tmp_path):
    county = County(tmp_path)
    line = "L1 floating lpr:1Y 100 2021-03-01 {} - -"
    for quarter, rate in (("2021Q3", "4.95"), ("2021Q4", "9")):
        county.with_loans(quarter, "HCNS0001", ledger(line.format(rate), drawn="2021-03-05"))
    assert found(checked(county)) == {("L1", "origination"): Decimal(10)}
    first = county.snapshots
    right = ledger(line.format(4.85), drawn="2021-03-05")
    corrected = County(tmp_path).with_loans("2021Q3", "HCNS0001", right)
    assert found(checked(county, [*first, *corrected.stored()])) == {}


def test_shares_by_institution_and_quarter_add_up(tmp_path):
    county = County(tmp_path)
    rows = ["A floating lpr:1Y 0 2021-01-04 3.85 - -", "B floating lpr:1Y 0 2021-05-04 3.95 - -"]
    county.with_loans("2021Q4", "HCNS0001", ledger(*rows))
    customers = "customer_id kind\nK1 other_personal"
    county.with_loans("2021Q4", "HCNS0002", ledger(rows[1]), customers)
    shares = {
        (r["institution_id"], r["priced_in"]): (
            r["loans"],
            r["off"],
            r["inclusive_loans"],
            r["inclusive_off"],
            r["amount_off"],
        )
        for r in checked(county).shares.to_pylist()
    }
    million = Decimal(1_000_000)
    assert shares == {
        (None, None): (3, 2, 2, 1, 2 * million),
        ("HCNS0001", None): (2, 1, 2, 1, million),
        ("HCNS0001", "2021Q1"): (1, 0, 1, 0, 0),
        ("HCNS0001", "2021Q2"): (1, 1, 1, 1, million),
        ("HCNS0002", None): (1, 1, 0, 0, million),
        ("HCNS0002", "2021Q2"): (1, 1, 0, 0, million),
    }


def test_the_tolerance_can_be_set(tmp_path):
    line = "L1 floating lpr:1Y 100 2021-03-01 4.86 - -"
    assert found(one(tmp_path, line, tolerance_bp=Decimal(1))) == {}


def test_a_ledger_without_floating_loans_has_nothing_to_say(tmp_path):
    check = one(tmp_path, "L1 fixed - - 2021-03-01 4.86 - -")
    assert check.shares.num_rows == check.breaches.num_rows == check.unchecked.num_rows == 0
    assert check.shares.schema == contracts.SHARES


def test_two_engines_with_other_threads_give_the_same_tables(tmp_path):
    county = County(tmp_path)
    lines = [f"L{i} floating lpr:1Y 100 2021-03-01 4.{90 - i} - -" for i in range(20)]
    county.with_loans("2021Q4", "HCNS0001", ledger(*lines))
    snapshots = county.stored()
    spec = replace(spec_from(county.params, QUARTER), where="true")
    tables = []
    for threads in (1, 4):
        with DuckDBEngine([county.store.root], threads=threads) as engine:
            loan_facts(engine, county.params, snapshots)
            series = county.params.benchmarks["lpr"]
            tables.append(check_contracts(engine, "loan_facts", spec, series))
    assert tables[0] == tables[1]


@pytest.mark.slow
def test_every_planted_broken_spread_of_the_example_is_found_and_no_other(tmp_path):
    data = tmp_path / "data"
    committed = PROJECT / "data" / "example"
    shutil.copytree(committed, data, ignore=shutil.ignore_patterns("store"))
    run = prepare(data, PARAMS, tmp_path / "out", QUARTER).run
    spec = spec_from(run.params, QUARTER)
    with run.engine("") as engine:
        check = check_contracts(engine, "loan_facts", spec, run.params.benchmarks["lpr"])
    with (data / "truth" / "off_contract.csv").open(encoding="utf-8", newline="") as file:
        planted = list(csv.DictReader(file))
    told = {
        (r["institution_id"], r["loan_id"]): (r["priced_on"], planted_deviation(r)) for r in planted
    }
    stages: dict[str, dict[tuple[str, str], tuple[str, Decimal]]] = {}
    for r in check.breaches.to_pylist():
        key = (r["institution_id"], r["loan_id"])
        found_there = (r["dated_on"].isoformat(), r["deviation_bp"])
        stages.setdefault(r["stage"], {})[key] = found_there
    assert len(told) == 159
    assert stages["origination"] == told
    # Those repriced follow their true spread, not the one on file, so they break it again.
    repriced = stages["repricing"]
    assert len(repriced) == 72
    assert {k: v for k, (_, v) in repriced.items()} == {k: told[k][1] for k in repriced}
    # Rows broken on purpose: priced long after they were drawn.
    assert [(r["reason"], r["loans"]) for r in check.unchecked.to_pylist()] == [
        ("定价日期晚于发放日期", 1)
    ] * 2


def planted_deviation(row: dict[str, str]) -> Decimal:
    """What the truth says the rate is off by, basis points."""
    return Decimal(row["true_spread_bp"]) - Decimal(row["spread_on_file_bp"])
