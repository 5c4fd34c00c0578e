"""The suite finds what the generator planted, and only that, in a county of the day's seed."""

from __future__ import annotations

import csv
from fractions import Fraction

import pyarrow.parquet as pq
import pytest

from puhui import rates
from puhui.example import make
from puhui.indicators import evaluate
from puhui.indicators.judging import result_row
from puhui.quarter import Quarter
from puhui.runner.preparing import prepare
from vocabulary import PARAMS


@pytest.fixture(scope="module")
def data(seed, tmp_path_factory):
    folder = tmp_path_factory.mktemp("county")
    make(folder, seed=seed)
    return folder


@pytest.fixture(scope="module")
def run(data, tmp_path_factory):
    return prepare(data, PARAMS, tmp_path_factory.mktemp("out"), Quarter.parse("2021Q4")).run


def truth(data, name):
    with (data / "truth" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return [{k: v or None for k, v in row.items()} for row in csv.DictReader(file)]


def now(rows, revision="1"):
    return [r for r in rows if r["quarter"] == "2021Q4" and r.get("revision", "1") == revision]


def fraction(row, prefix=""):
    num, den = row[f"{prefix}num"], row[f"{prefix}den"]
    return None if num is None else Fraction(int(num), int(den))


def test_every_submission_is_taken_in(run):
    assert run.config.failed == {}
    assert len(run.config.institutions) == 20


def test_true_values_are_found_from_each_source(data, run):
    compared = 0
    for row in now(truth(data, "answers")):
        if row["source"] is None or row["verdict"] == "not_applicable":
            continue
        indicator = run.params.indicators[row["indicator_id"]]
        facts = run.facts(row["institution_id"])
        found = evaluate(run.bench, indicator, facts, row["branch_id"], source=row["source"])
        value = found.value if isinstance(found.value, Fraction) else None
        assert value == fraction(row), row
        compared += value is not None
    assert compared > 150


def test_true_verdicts_and_bases_are_found_and_no_others(data, run):
    """The figure of record is the filed one where there is one; branches rest on ledgers."""
    rows = now(truth(data, "answers"))
    files = {r["institution_id"] for r in rows if r["source"] == "returns"}
    seen = set()
    for row in rows:
        filed = row["institution_id"] in files and row["branch_id"] is None
        if filed and row["source"] == "ledger":
            continue
        indicator = run.params.indicators[row["indicator_id"]]
        facts = run.facts(row["institution_id"])
        found = result_row(run.bench, indicator, facts, row["branch_id"])
        assert found["verdict"] == row["verdict"], (row, found)
        if indicator.base and fraction(row, "base_") is not None:
            base = Fraction(int(found["base_num"]), int(found["base_den"]))
            assert base == fraction(row, "base_"), row
        seen.add(row["verdict"])
    assert {"met", "not_met", "no_data", "not_applicable", "shown", "on_track"} <= seen


def test_spreads_over_lpr_are_the_true_ones_bank_by_bank_and_quarter_by_quarter(data, run):
    spec = rates.spec_from(run.params, run.quarter)
    with run.engine("") as engine:
        found = {
            (r["institution_id"], r["priced_in"]): (
                r["loans"],
                Fraction(int(r["spread_num"]), int(r["spread_den"])),
            )
            for r in rates.spreads(engine, "loan_facts", spec).to_pylist()
        }
    told = {
        (r["institution_id"], r["priced_in"]): (
            int(r["loans"]),
            Fraction(int(r["rate_amount"]) - int(r["lpr_amount"]), int(r["amount"])),
        )
        for r in truth(data, "spreads")
    }
    assert len(told) > 90
    assert found == told


def test_slopes_that_know_no_months_are_marked_as_no_pass_through(data, run):
    """Ten ledger banks identify A and B only weakly: April 2020 is nearly all there is."""
    spec = rates.spec_from(run.params, run.quarter)
    with run.engine("") as engine:
        rows = rates.price(engine, "loan_facts", spec).rows()["regressions"]
    slopes = [r for r in rows if r["estimate"] is not None]
    assert {r["model"] for r in slopes} == {"A", "B"}
    assert {r["status"] for r in slopes} == {"weak"}


def test_every_clause_has_the_four_situations(data):
    found: dict[str, set[str]] = {}
    for row in truth(data, "situations"):
        found.setdefault(row["clause"], set()).add(row["situation"])
    assert len(found) > 70
    four = {"met", "missed", "no_data", "not_applicable"}
    assert {clause: kinds for clause, kinds in found.items() if kinds != four} == {}


def test_planted_broken_rows_are_found_where_they_stand_and_no_others(data, run):
    planted = {
        (
            r["institution_id"],
            r["file"].split("/", 3)[3],
            r["sheet"],
            int(r["row"]),
            r["check"],
            r["severity"],
        )
        for r in truth(data, "broken")
    }
    findings = pq.read_table(run.config.working / "findings.parquet").to_pylist()
    found = {
        (r["institution_id"], r["file"], r["sheet"], r["row"], r["check_id"], r["severity"])
        for r in findings
    }
    assert len(planted) > 60
    assert found == planted


def test_earlier_quarters_raise_no_finding(data, run):
    """The archive is clean: whatever intake says of it would be a false alarm."""
    for record in (data / "store" / "intake").glob("20*/_shared/findings.parquet"):
        assert pq.read_table(record).num_rows == 0, record


def test_row_counts_of_every_file_are_the_true_ones(data, run):
    told = {
        (r["institution_id"], r["file"].split("/", 3)[3], r["table"]): (
            int(r["rows"]),
            int(r["planted"]),
        )
        for r in truth(data, "rows")
    }
    intake = pq.read_table(run.config.working / "intake.parquet").to_pylist()
    read = {
        (r["institution_id"], r["file"], r["table"]): r
        for r in intake
        if (r["institution_id"], r["file"], r["table"]) in told
    }
    assert set(read) == set(told)
    for key, (rows, _) in told.items():
        row = read[key]
        if "customers" in key and "503" in key[1]:
            continue  # a person stands once per IOU there
        if key[1] == "季度情况表.xlsx":
            # A row holds four figures there, and figures are counted; remarks stand below.
            found = row["accepted"] + row["quarantined"] + row["non_data"]
            assert found % 4 == 0, key
            assert 0 <= found // 4 - rows <= 2, key
        else:
            assert row["accepted"] + row["quarantined"] == rows, key
