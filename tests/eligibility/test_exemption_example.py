"""Decisions on the packaged example against what was planted there, and nobody named anywhere."""

from __future__ import annotations

import csv
import datetime as dt
import io
import zipfile
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from puhui import results
from puhui.eligibility import exemption_tables, rederive
from puhui.eligibility.exemption_facts import (
    OWN_TOLERANCE,
    FirstBad,
    Office,
    Register,
    first_bad,
    read_register,
)
from puhui.eligibility.exemption_table import decide_all
from puhui.measures import REGISTER
from puhui.quarter import Quarter
from puhui.runner import cases
from puhui.runner.preparing import prepare
from puhui.runner.quarterly import Request, run_quarter
from puhui.runner.taking_in import Tools
from puhui.runner.workspace import Run
from runner.extract import EXAMPLE, extract, history
from vocabulary import PARAMS

NOW = "2021Q4"


def tables(run: Run, bank: str):
    with run.engine(bank) as engine:
        return exemption_tables(
            run.bench,
            run.facts(bank),
            engine,
            run.snapshots,
            run.supervisor_snapshot,
            run.branch_register,
        )


def truth(run: Run, bank: str) -> dict[tuple[str, str, str], dict[str, str]]:
    hasher = Tools.of(run.params, Path(run.config.store)).hasher
    with (EXAMPLE / "truth" / "persons.csv").open(encoding="utf-8", newline="") as file:
        rows = [r for r in csv.DictReader(file) if r["institution_id"] == bank]
    return {(r["case_id"], hasher.hash("staff", r["person_id"]), r["role"]): r for r in rows}


#: The bank in every run of the tests, and those whose ledgers take longer to read.
CITY, LARGER = "HCCS0002", ("HCNS0002", "HCNS0001")
BANKS = [CITY, *(pytest.param(bank, marks=pytest.mark.slow) for bank in LARGER)]


def opened(folder: Path, banks: tuple[str, ...]) -> Run:
    data = extract(folder, banks)
    history(data, banks)
    return prepare(data, PARAMS, folder / "output", Quarter.parse(NOW)).run


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Run:
    return opened(tmp_path_factory.mktemp("city"), (CITY,))


@pytest.fixture(scope="module")
def larger(tmp_path_factory) -> Run:
    return opened(tmp_path_factory.mktemp("larger"), LARGER)


@pytest.fixture
def of_bank(request, bank) -> Run:
    """The run that has the bank's submissions."""
    return request.getfixturevalue("run" if bank == CITY else "larger")


@pytest.mark.parametrize("bank", BANKS)
def test_every_decision_is_what_was_planted(of_bank, bank):
    run = of_bank
    expected = truth(run, bank)
    table, _ = tables(run, bank)
    rows = table.to_pylist()
    assert {(r["case_id"], r["person_id"], r["role"]) for r in rows} == set(expected)
    for row in rows:
        said = expected[row["case_id"], row["person_id"], row["role"]]
        wanted = {
            "outcome": said["outcome"],
            "extent": said["extent"] or None,
            "liability": said["liability"],
            "routes": said["routes"].split(";") if said["routes"] else [],
            "bars": said["bars"].split(";") if said["bars"] else [],
            "bank_extent": said["bank_extent"] or None,
            "reference": said["reference_quarter"],
            "within_at_reference": {"1": "yes", "0": "no"}[said["within_tolerance"]],
        }
        assert {k: row[k] for k in wanted} == wanted, said["why"]
        assert [m.partition(".")[2] for m in row["missing"]] == (
            said["unknown"].split(";") if said["unknown"] else []
        ), said["why"]
        assert rederive(run.params.exemption, row["trail"]).outcome == row["outcome"]


def knowledge(run: Run, bank: str) -> tuple[Register, FirstBad, Office]:
    mine = [s for s in run.snapshots if s.institution_id == bank]
    with run.engine(bank) as engine:
        first = first_bad(engine, run.bench, mine)
    office = Office.read(run.branch_register.to_pylist(), run.supervisor_snapshot)
    return read_register(next(s for s in mine if s.quarter == NOW)), first, office


def by_case(decided) -> dict[tuple[str, str], object]:
    return {(d.person.person["case_id"], d.person.person["role"]): d for d in decided}


@pytest.fixture(scope="module")
def city(run):
    """Register, ledger and office's knowledge of the city bank with seven cases."""
    return knowledge(run, CITY)


def decisions(run, known, bench=None):
    table = run.params.exemption.on(run.quarter.end)
    return by_case(decide_all(table, bench or run.bench, run.facts(CITY), *known))


@pytest.mark.parametrize("bank", BANKS)
def test_practice_counts_what_was_planted_and_what_the_ledger_holds(of_bank, bank):
    run = of_bank
    _, practice = tables(run, bank)
    found = {r["item"]: r["value"] for r in practice.to_pylist()}
    persons = list(truth(run, bank).values())
    fit = [p for p in persons if p["outcome"] == "eligible"]
    exempt = ("full", "partial")
    cases = {p["case_id"]: p["bank_extent"] for p in persons}
    assert found["persons"] == len(persons)
    assert found["eligible"] == len(fit)
    assert found["eligible_decided"] == sum(bool(p["bank_extent"]) for p in fit)
    assert found["eligible_exempted"] == sum(p["bank_extent"] in exempt for p in fit)
    assert found["eligible_not_exempted"] == sum(p["bank_extent"] == "none" for p in fit)
    assert found["exempted_not_eligible"] == sum(
        p["bank_extent"] in exempt and p["outcome"] == "not_eligible" for p in persons
    )
    assert found["cases_opened"] == len(cases)
    assert found["cases_decided"] == sum(bool(e) for e in cases.values())
    assert found["cases_exempted"] == sum(e in exempt for e in cases.values())
    assert found["days_to_finding_median"] == 62  # 60 days, a review and a finding a day each
    assert (found["npl_without_case"], found["npl_without_case_balance"]) == without_case(run, bank)


def without_case(run: Run, bank: str) -> tuple[int, float]:
    """In pandas: small-business loans bad now, and already at midyear or before, without a case."""
    snapshots = {s.quarter: s for s in run.snapshots if s.institution_id == bank}
    loans = pd.read_parquet(snapshots[NOW].file("loans"))
    customers = pd.read_parquet(snapshots[NOW].file("customers"))
    loans = loans.merge(customers[["customer_id", "kind", "size"]], on="customer_id")
    small = (loans["kind"] == "enterprise") & loans["size"].isin(["small", "micro"])
    own = loans["kind"].isin(["individual_business", "mse_owner"]) & loans["is_business_loan"]
    bad = ["substandard", "doubtful", "loss"]
    now = loans[(small | own) & loans["five_class"].isin(bad) & (loans["balance"] > 0)]
    early: set[str] = set()
    for quarter, snapshot in snapshots.items():
        if quarter <= "2021Q2" and "loans" in snapshot.tables:
            book = pd.read_parquet(snapshot.file("loans"), columns=["loan_id", "five_class"])
            early |= set(book.loc[book["five_class"].isin(bad), "loan_id"])
    cases = pd.read_parquet(snapshots[NOW].file("cases"))["loan_ids"]
    late = now[now["loan_id"].isin(early - set(cases))]
    late = late[~late["product"].isin(["entrusted"])]
    return len(late), float(late["balance"].sum())


def test_a_penalty_in_the_offices_notes_speaks_against_no_breach(run, city):
    register, first, office = city
    note = {"noted_on": dt.date(2021, 6, 15), "fact": "因贷后检查不到位被处罚"}
    fined = decisions(run, (register, first, replace(office, penalties={CITY: (note,)})))
    plain = decisions(run, city)
    for key, one in fined.items():
        declared = one.person.person["breach"] == "none"
        assert one.decision.outcome == plain[key].decision.outcome
        assert any("处罚" in doubt for doubt in one.person.to_verify) == declared
    later = replace(office, penalties={CITY: ({**note, "noted_on": dt.date(2022, 1, 1)},)})
    assert not any(
        "处罚" in doubt
        for one in decisions(run, (register, first, later)).values()
        for doubt in one.person.to_verify
    )


def test_the_reference_date_is_the_ledgers_and_not_the_banks_to_choose(run, city):
    register, first, office = city
    case = register.cases["CS2ZR001"]
    assert decisions(run, city)["CS2ZR001", "handling"].person.reference == Quarter(2020, 2)
    moved = {**register.cases, "CS2ZR001": {**case, "first_npl_on": dt.date(2021, 9, 1)}}
    person = decisions(run, (replace(register, cases=moved), first, office))[
        "CS2ZR001", "handling"
    ].person
    assert (person.reference, person.declared) == (Quarter(2020, 2), Quarter(2021, 3))
    assert any("以台账为准" in doubt for doubt in person.to_verify)


def test_a_case_that_was_set_aside_leaves_its_persons_open(run, city):
    register, first, office = city
    rest = {k: v for k, v in register.cases.items() if k != "CS2ZR001"}
    one = decisions(run, (replace(register, cases=rest), first, office))["CS2ZR001", "handling"]
    assert one.decision.outcome == "undetermined"
    assert "case.is_mse_credit" in one.decision.missing
    assert any("已隔离" in doubt for doubt in one.person.to_verify)


def test_the_stricter_of_the_banks_own_target_and_the_notices_rules(run, city):
    key = ("2020Q2", CITY, None, OWN_TOLERANCE, REGISTER)
    at = decisions(run, city)["CS2ZR001", "handling"].person.at_reference
    assert at.held and at.limit == 3
    row = {"quarter": "2020Q2", "institution_id": CITY, "revision": 1, "set_aside": 0}
    strict = at.gap - Fraction(1, 100)
    for own, held, limit in ((strict, False, strict), (Fraction(5), True, Fraction(3))):
        bench = run.bench.with_measures({key: {**row, "value": own}})
        one = decisions(run, city, bench)["CS2ZR001", "handling"]
        assert (one.person.at_reference.held, one.person.at_reference.limit) == (held, limit)
        assert one.decision.outcome == ("eligible" if held else "not_eligible")


@pytest.mark.slow
def test_a_tolerance_that_differs_at_the_finding_is_to_be_verified(larger):
    table, _ = tables(larger, "HCNS0002")
    (row,) = (r for r in table.to_pylist() if r["case_id"] == "NS2ZR029")
    assert (row["within_at_reference"], row["within_at_finding"]) == ("yes", "no")
    assert row["outcome"] == "eligible"
    assert any("结论不同" in doubt for doubt in row["to_verify"])


def test_a_quarter_whose_rules_are_not_entered_is_refused(run):
    late = run.bench.at(Quarter(2024, 3))
    with run.engine(CITY) as engine:
        cases, practice = exemption_tables(
            late, run.facts(CITY), engine, run.snapshots, None, run.branch_register
        )
    assert cases.num_rows == 0
    assert {r["value"] for r in practice.to_pylist()} == {None}
    assert all("规则原文未录入" in r["reason"] for r in practice.to_pylist())


#: Planted as ids of staff: a citizen's number and a name.
CERTIFICATE, NAME = "413025198001011233", "样例员工赵钱孙"


@pytest.fixture
def planted(tmp_path) -> Path:
    """The city bank's submission with a citizen's number and a name as ids of two persons."""
    data = extract(tmp_path, (CITY,))
    (book,) = (data / "submissions" / NOW / CITY).glob("*.xlsx")
    plant(book, {"CS2-E007": CERTIFICATE, "CS2-E015": NAME})
    return data


def test_nobody_is_named_in_store_results_or_a_case_sheet(planted):
    out = planted.parent / "output"
    run = prepare(planted, PARAMS, out, Quarter.parse(NOW)).run
    folder = run.config.folder / "results"
    folder.mkdir()
    made = dict(zip(("exemption", "exemption_practice"), tables(run, CITY), strict=True))
    for name, table in {**made, "indicators": results.empty("indicators")}.items():
        run.save(name, CITY, table)
        pq.write_table(table, folder / f"{name}.parquet")
    nobody_is_named(planted, out)


@pytest.mark.slow
def test_nobody_is_named_in_anything_a_run_leaves(planted):
    out = planted.parent / "output"
    run_quarter(Request(Quarter.parse(NOW), planted, PARAMS, out, jobs=2))
    nobody_is_named(planted, out)
    assert any(path.suffix == ".xlsx" for path in out.rglob("*"))


def nobody_is_named(data: Path, out: Path) -> None:
    found = cases.find(out / NOW, "CS2ZR001")
    sheet = cases.write_sheet(found, out / "cases").read_text(encoding="utf-8")
    assert "人员代号" in sheet and "逐条核对" in sheet
    assert len(found.run.results()["exemption"]) == 7
    with (EXAMPLE / "truth" / "persons.csv").open(encoding="utf-8", newline="") as file:
        staff = {r["person_id"] for r in csv.DictReader(file) if r["institution_id"] == CITY}
    hidden = {*staff, *(s.replace("-", "") for s in staff), CERTIFICATE, NAME}
    seen = 0
    for folder in (data / "store", out):
        for path in sorted(folder.rglob("*")):
            # The raw row is in the clerk's correction workbook only.
            if path.is_file() and "packs" not in path.relative_to(folder).parts:
                seen += 1
                text = contents(path)
                assert not [h for h in hidden if h in text], path
    assert seen > 20


def plant(book: Path, put: dict[str, str]) -> None:
    """Put other texts for some in a workbook, part by part."""
    with zipfile.ZipFile(book) as archive:
        parts = {n: archive.read(n) for n in archive.namelist()}
    for old, new in put.items():
        assert any(old.encode() in part for part in parts.values())
        parts = {n: part.replace(old.encode(), new.encode()) for n, part in parts.items()}
    with zipfile.ZipFile(book, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)


def contents(path: Path) -> str:
    """All text of a file: Parquet by its columns, workbooks by their parts."""
    if path.suffix == ".parquet":
        return pq.ParquetFile(path).read().to_pandas().to_csv()
    raw = path.read_bytes()
    if zipfile.is_zipfile(io.BytesIO(raw)):
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            raw = b"\n".join(archive.read(n) for n in archive.namelist())
    return raw.decode("utf-8", "replace")
