"""Files that carry many institutions, and institutions that send both ways."""

from __future__ import annotations

import json

import pyarrow.parquet as pq
import pytest

from puhui.errors import RunError
from puhui.quarter import Quarter
from puhui.runner.preparing import prepare
from runner.extract import BRANCH, SHEET, extract
from vocabulary import PARAMS

HEADER = (
    "BankName,BankCity,BankState,BorrID,BorrKey,LoanStatus,GrossApproval,InterestRate,TermMonths,"
    "ApprovalDate,DisbursementDate,MaturityDate,COAmount,CODate,NaicsCode,DeliveryMethod"
)


def loan(bank, number, *, term="84", rate="6", amount="100000"):
    fields = [bank, "ELGIN", "IL", str(number), f"k{number}", "EXEMPT", amount, rate, term]
    fields += ["3/1/16", "3/15/16", "3/15/23", "", "", "722511", "PLP"]
    return ",".join(fields)


@pytest.fixture
def shared(tmp_path):
    """Three invented banks in one file; one loan has a term of 0."""
    folder = tmp_path / "data" / "submissions" / "2018Q1" / "_shared"
    folder.mkdir(parents=True)
    lines = [loan("Bank A", n) for n in range(5)] + [loan("Bank B", n) for n in range(5, 8)]
    lines += [loan("Bank C", 9, term="0"), loan("Bank C", 10)]
    text = "\n".join([HEADER, *lines])
    (folder / "sba_7a_invented.csv").write_text(f"{text}\n", encoding="utf-8")
    prime = tmp_path / "data" / "supervisor" / "benchmarks"
    prime.mkdir(parents=True)
    months = "\n".join(f"20{y:02d}-{m:02d}-01,3.5" for y in range(9, 19) for m in range(1, 13))
    (prime / "us_prime_rate.csv").write_text(f"Date,MPRIME\n{months}\n", encoding="utf-8")
    return tmp_path


def run(folder, **options):
    return prepare(
        folder / "data", PARAMS / "sba7a", folder / "out", Quarter.parse("2018Q1"), **options
    ).run


def test_a_shared_file_is_counted_by_institution_and_adds_up_to_its_rows(shared):
    rows = [r for r in run(shared).intake().to_pylist() if r["table"] == "loans"]
    by_bank = {r["institution_id"]: (r["accepted"], r["quarantined"]) for r in rows}
    assert sorted(by_bank.values()) == [(1, 1), (3, 0), (5, 0)]
    assert sum(r["rows_in"] for r in rows) == 10
    for row in rows:
        assert row["rows_in"] == row["accepted"] + row["quarantined"] + row["non_data"]


def test_top_chooses_the_institutions_with_most_loans_and_says_so(shared):
    chosen = run(shared, top=2)
    assert len(chosen.config.institutions) == 2
    names = [chosen.facts(i).name for i in chosen.config.institutions]
    assert sorted(names) == ["Bank A", "Bank B"]
    assert "2 家" in chosen.meta()["selection"] and "3 家" in chosen.meta()["selection"]


def test_an_institution_that_did_not_submit_cannot_be_chosen(shared):
    with pytest.raises(RunError, match="NOSUCH01"):
        run(shared, institutions=["NOSUCH01"])


def test_what_an_institution_sends_itself_and_a_shared_file_are_one_snapshot(tmp_path):
    """丙 sends its sheet, and a shared long file of returns brings it another item."""
    data = extract(tmp_path, (SHEET, BRANCH))
    from puhui import params as parameters
    from puhui.runner import taking_in

    tools = taking_in.Tools.of(parameters.load(PARAMS, data_folder=data), data / "store")
    quarter = Quarter.parse("2021Q4")
    own = taking_in.take_in(tools, quarter, data / "submissions/2021Q4" / SHEET, None)
    ledger = taking_in.take_in(tools, quarter, data / "submissions/2021Q4" / BRANCH, None)
    before = tools.store.get("2021Q4", SHEET, own.revisions[SHEET])
    other = tools.store.get("2021Q4", BRANCH, ledger.revisions[BRANCH])
    part = taking_in.Part(
        {"loans": pq.ParquetFile(other.file("loans")).read()}, {"loans": ("purpose",)}, {}, {}
    )
    joined, twice = taking_in._joined(before, part)
    assert set(joined.tables) == {"returns", "loans"}
    assert twice == []
    again, twice = taking_in._joined(other, part)
    assert set(again.tables) == set(other.tables)
    assert "贷款借据" in twice[0]


def test_several_shared_folders_are_read_apart_and_an_institution_in_two_is_told(shared):
    quarter = shared / "data" / "submissions" / "2018Q1"
    second = quarter / "_shared_2"
    second.mkdir()
    lines = [HEADER, loan("Bank D", 20), loan("Bank A", 21)]
    (second / "sba_7a_invented.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    judged = run(shared)
    names = {judged.facts(i).name: i for i in judged.config.institutions}
    assert set(names) == {"Bank A", "Bank B", "Bank C", "Bank D"}
    loans = {
        s.institution_id: pq.ParquetFile(s.file("loans")).metadata.num_rows
        for s in judged.snapshots
    }
    # Bank A's loans are those of the first folder; that the second has some too is said.
    assert loans[names["Bank A"]] == 5
    assert loans[names["Bank D"]] == 1
    from puhui import params as parameters
    from puhui.runner import taking_in

    tools = taking_in.Tools.of(
        parameters.load(PARAMS / "sba7a", data_folder=shared / "data"), shared / "data" / "store"
    )
    record = tools.store.record(Quarter.parse("2018Q1"), "_shared_2")
    assert {(names["Bank A"] in line, "采用" in line) for line in record.refused} == {(True, True)}


def test_a_shared_folder_is_read_again_only_for_institutions_it_carries(tmp_path):
    from puhui.runner.taking_in import _beside, is_shared

    folder = tmp_path / "_shared_2"
    assert is_shared(folder)
    assert not is_shared(tmp_path / "_sharedX")
    assert _beside(["B", "A"], folder, {"A": 2, "C": 1}) == {"A": 2}
    assert _beside(["A"], tmp_path / "A", {"A": 2}) == {}


def test_a_run_for_some_never_covers_a_run_for_all(tmp_path):
    from puhui.runner.quarterly import Request, check_quarter, run_quarter

    data = extract(tmp_path, (SHEET, BRANCH))
    request = Request(Quarter.parse("2021Q4"), data, PARAMS, tmp_path / "out")
    run_quarter(request)
    some = Request(request.quarter, data, PARAMS, tmp_path / "out", institutions=(SHEET,))
    with pytest.raises(RunError, match="--out"):
        check_quarter(some)
    kept = json.loads((tmp_path / "out/2021Q4/working/run.json").read_text("utf-8"))
    assert sorted(kept["institutions"]) == [SHEET, BRANCH]
