"""Nothing of the notice is left without an answer: every clause is in the results."""

from __future__ import annotations

import pytest

from puhui import params, results
from puhui.indicators import Bench, clauses_table, result_table, totals_table
from puhui.indicators.totals import COUNTY
from puhui.quarter import Quarter
from vocabulary import PARAMS, County

INSURER = {"kind": "property_insurer", "level": "branch", "is_local_legal_person": False}
#: Clauses for insurers or for everyone, read off the catalogue's column "who".
OF_INSURERS = {
    "C1",
    "C3.3b",
    "C3.3c",
    "C3.4c",
    "C4.3b",
    "C5.6",
    "C5.7",
    "C9.1",
    "C9.3",
    "C9.4",
}


@pytest.fixture(scope="module")
def bench():
    """Nobody sent anything: every clause must be answered all the same."""
    read = params.load(PARAMS)
    return Bench.of(read, Quarter.parse("2021Q4"), results.empty("measures"))


def verdicts(bench, facts, rows):
    table = clauses_table(bench, facts, rows.to_pylist())
    return {r["clause"]: r["verdict"] for r in table.to_pylist()}


def test_every_clause_is_in_the_results_of_a_bank_an_insurer_or_the_county(bench):
    bank, insurer = County.facts("BANK0001"), County.facts("INSU0001", **INSURER)
    of_bank = verdicts(bench, bank, result_table(bench, bank, []))
    of_insurer = verdicts(bench, insurer, result_table(bench, insurer, []))
    totals = totals_table(bench, [bank, insurer])
    of_county = verdicts(bench, County.facts(COUNTY), totals)
    everything = set(bench.params.clauses)
    assert set(of_bank) | set(of_insurer) | set(of_county) == everything
    # Only the county's totals are no institution's.
    assert everything - set(of_bank) == everything - set(of_insurer) == {"C2.2c"}
    assert {c for c, v in of_insurer.items() if v != "not_applicable"} == OF_INSURERS
    assert of_county["C2.2c"] == "no_data"


def test_nothing_sent_is_never_met(bench):
    bank = County.facts("BANK0001")
    found = verdicts(bench, bank, result_table(bench, bank, []))
    asked = {c: v for c, v in found.items() if v != "not_applicable" and c != "C1"}
    assert len(asked) > 50 and set(asked.values()) == {"no_data"}
