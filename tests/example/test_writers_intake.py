"""Whatever the layout, intake reads from the files the tables that were filed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from example.filings import BANK, BRANCHES, END, FIGURES, Q, filing, table
from puhui.example.writers import archive, east, item_list, one_sheet, supervisor, workbook
from puhui.intake import (
    Hasher,
    Submission,
    load_checks,
    load_layouts,
    read_submission,
    read_supervisor,
)

ROOT = Path(__file__).parents[2]
KEYS = {"loans": "loan_id", "customers": "customer_id", "returns": "item"}


def read(folder: Path, files: dict[str, bytes], bank: str | None = BANK) -> Submission:
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    result = read_submission(
        folder,
        quarter=Q,
        institution_id=bank,
        layouts=load_layouts([ROOT / "params" / "layouts"]),
        checks=load_checks(ROOT / "params" / "checks.yaml"),
        hasher=Hasher(b"key of the writers' tests"),
    )
    assert result.findings.num_rows == 0 and not result.missing
    assert set(result.intake["status"].to_pylist()) == {"accepted"}
    return result


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pa.Table]:
    return read(tmp_path_factory.mktemp("plain"), workbook.fill_in(filing())).tables


def rows(data: pa.Table, names: list[str]) -> list[str]:
    return sorted(str([row[n] for n in names]) for row in data.to_pylist())


def test_plain_gives_what_was_filed(plain: dict[str, pa.Table]) -> None:
    """Columns in the clear; hashed ids are compared between layouts below."""
    given = filing()
    assert set(plain) == set(given.tables)
    hashed = {"customer_id", "certificate_no", "legal_representative_id", "phone_hash", "name"}
    hashed |= {"address", "guarantor_id", "staff_id", "payee"}
    for name, data in given.tables.items():
        clear = [c for c in data.column_names if c not in hashed]
        assert rows(plain[name], clear) == rows(data, clear), name
    kept = plain["customers"].filter(pc.equal(plain["customers"]["kind"], "enterprise"))
    wanted = {c["customer_id"]: c["name"] for c in given.tables["customers"].to_pylist()}
    assert kept.num_rows == 20
    for c in kept.to_pylist():
        assert c["name"] == wanted[c["customer_id"]]


def test_messy_says_the_same(tmp_path: Path, plain: dict[str, pa.Table]) -> None:
    messy = read(tmp_path, workbook.fill_in(filing(), "messy")).tables
    assert set(messy) == set(plain)
    for name, data in plain.items():
        assert rows(messy[name], data.column_names) == rows(data, data.column_names), name


def test_the_archive_says_the_same(tmp_path: Path, plain: dict[str, pa.Table]) -> None:
    files = {
        f"{name}.parquet": archive.table(
            name, data.append_column("quarter", pa.array([str(Q)] * data.num_rows))
        )
        for name, data in filing().tables.items()
        if data.num_rows
    }
    read_back = read(tmp_path, files, bank=None).tables
    assert set(read_back) == set(plain) - {"attestations"}
    for name, data in read_back.items():
        assert rows(data, data.column_names) == rows(plain[name], data.column_names), name


@pytest.mark.parametrize(("version", "packed"), [("4.0", False), ("4.0", True), ("5.0", True)])
def test_east_says_the_same(
    tmp_path: Path, plain: dict[str, pa.Table], version: str, packed: bool
) -> None:
    given = filing()
    files = east.extract(given, version, packed=packed) | workbook.register_book(given)
    found = read(tmp_path, files).tables
    assert set(found) == set(plain)
    person = pc.is_in(plain["customers"]["kind"], value_set=pa.array(["farmer"]))
    firms, persons = pc.invert(person), person
    for name, mask, carried in (
        ("loans", None, east.CARRIED["loans"] - {"industry_of_use"}),
        ("customers", firms, east.CARRIED["customers"]),
        ("customers", persons, east.CARRIED_OF_PERSONS),
    ):
        wanted = plain[name] if mask is None else plain[name].filter(mask)
        ids = set(wanted[KEYS[name]].to_pylist())
        own = pc.is_in(found[name][KEYS[name]], value_set=pa.array(sorted(ids)))
        assert rows(found[name].filter(own), sorted(carried)) == rows(wanted, sorted(carried))
    # Where the institution has no industry of use, EAST gives the borrower's.
    assert set(found["loans"]["industry_of_use"].to_pylist()) == {"A0111", "C2231"}


def test_item_list_says_the_same(tmp_path: Path) -> None:
    given = filing(returns=FIGURES)
    found = read(tmp_path, item_list.item_list(given, {"G01.loans": "各项贷款"})).tables["returns"]
    names = ["item", "as_of", "basis", "value", "unit"]
    assert rows(found, names) == rows(given.tables["returns"], names)


@pytest.mark.parametrize("style", ["plain", "messy"])
def test_one_sheet_says_the_same(tmp_path: Path, style: str) -> None:
    items: list[one_sheet.Item] = [
        ("QS.all_loans", "各项贷款余额", "万元", (1604005, 1480000, None, 1572010)),
        ("QS.assessed_customers", "户数", "户", (826, 812, 812, 823)),
    ]
    found = read(tmp_path, one_sheet.sheet(filing(), items, style)).tables["returns"]
    values: dict[Any, list[str]] = {}
    for row in found.to_pylist():
        if row["as_of"] == END:
            values.setdefault(row["item"], []).append(str(row["value"]))
    assert values == {"QS.all_loans": ["160400500.00"], "QS.assessed_customers": ["826.00"]}


def test_the_supervisors_files_say_the_same(tmp_path: Path) -> None:
    tables = {
        "branches": table("branches", [{"branch_id": i, "name": n} for i, n in BRANCHES.items()]),
        "plans": table("plans", [{"item": "assessed_balance", "target": 123_456_78}]),
        "notes": table(
            "notes", [{"note_id": "N1", "kind": "visit", "noted_on": END, "fact": "去"}]
        ),
    }
    for name, content in supervisor.registers(tables).items():
        (tmp_path / name).write_bytes(content)
    found = read_supervisor(
        tmp_path,
        layouts=load_layouts([ROOT / "params" / "layouts"]),
        checks=load_checks(ROOT / "params" / "checks.yaml"),
        hasher=Hasher(b"key of the writers' tests"),
        quarter=Q,
    )
    assert found.findings.num_rows == 0
    for name, data in tables.items():
        assert rows(found.tables[name], data.column_names) == rows(data, data.column_names)
