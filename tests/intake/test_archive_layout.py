"""The compact archive: one Parquet file per table, all institutions, canonical values."""

import datetime as dt
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from intake import builders as b
from puhui import schema
from puhui.intake.hashing import is_organisation_id

OTHER = "JYCZ0001"
LOAN = {
    "institution_id": b.BANK, "loan_id": "L1", "branch_id": "B001", "customer_id": "C1",
    "product": "working_capital", "is_business_loan": True, "issue_kind": "new",
    "amount": Decimal("1000000.00"), "balance": Decimal("400000.50"),
    "drawn_on": dt.date(2019, 3, 1), "matures_on": dt.date(2020, 3, 1),
    "rate_at_drawdown": Decimal("5.220000"), "rate_type": "fixed", "benchmark": "lpr:1Y",
    "spread_bp": Decimal("97.00"), "guarantee": "mixed", "mitigants": ["ip", "home"],
    "five_class": "normal", "status": "normal",
    "credit_line_at_drawdown": Decimal("2000000.00"),
}  # fmt: skip
CUSTOMER = {
    "institution_id": b.BANK, "customer_id": "C1", "certificate_no": "91350100m000100y43",
    "name": "甲纸业有限公司", "kind": "enterprise", "size": "small",
    "credit_line": Decimal("2000000.00"), "credit_line_scope": "legal_person",
}  # fmt: skip
PERSON = CUSTOMER | {
    "customer_id": "P1", "certificate_no": "110105491231002", "name": "乙某",
    "kind": "farmer", "size": None,
}  # fmt: skip
RETURN = {
    "institution_id": b.BANK, "item": "G01.loans", "as_of": dt.date(2019, 12, 31),
    "basis": "as_filed", "value": Decimal("1234500.00"), "unit": "万元",
}  # fmt: skip


def archive(folder, tables, **columns):
    """Files of canonical columns that some row names; ``columns`` are added to every file."""
    folder.mkdir(exist_ok=True)
    for table, rows in tables.items():
        named = [c for c in schema.columns(table) if any(c.name in row for row in rows)]
        data = {c.name: pa.array([r.get(c.name) for r in rows], c.arrow_type) for c in named}
        data |= {n: pa.array([v] * len(rows)) for n, v in columns.items()}
        pq.write_table(pa.table(data), folder / f"{table}.parquet")
    return folder


def read(folder, **changes):
    quarter = b.Quarter.parse("2019Q4")
    return b.read(folder, quarter=quarter, institution_id=None, **changes)


def test_values_come_back_as_they_were_archived(tmp_path):
    tables = {"customers": [CUSTOMER], "loans": [LOAN], "returns": [RETURN]}
    got = read(archive(tmp_path / "in", tables, quarter="2019Q4"))
    assert got.findings.num_rows == 0 and not got.missing
    (loan,) = got.tables["loans"].to_pylist()
    expected = LOAN | {"mitigants": ["home", "ip"]}  # sets are kept in order
    assert {k: loan[k] for k in expected} == expected
    (customer,) = got.tables["customers"].to_pylist()
    assert (customer["name"], customer["certificate_no"]) == (
        "甲纸业有限公司", "91350100M000100Y43",
    )  # fmt: skip
    (figure,) = got.tables["returns"].to_pylist()
    assert (figure["value"], figure["unit"]) == (Decimal("1234500.00"), "万元")  # yuan already


def test_columns_a_file_lacks_are_absent(tmp_path):
    got = read(archive(tmp_path / "in", {"customers": [CUSTOMER], "loans": [LOAN]}))
    optional = {c.name for c in schema.columns("loans") if c.name not in LOAN}
    assert set(got.absent["loans"]) == optional


def test_persons_are_not_named(tmp_path):
    tables = {"customers": [PERSON], "loans": [LOAN | {"customer_id": "P1"}]}
    got = read(archive(tmp_path / "in", tables))
    (person,) = got.tables["customers"].to_pylist()
    assert person["name"] is None
    assert person["certificate_no"] == b.HASHER.hash("certificate", "11010519491231002X")
    assert not is_organisation_id(person["certificate_no"])
    hashed = b.HASHER.hash("customer", "P1")
    assert person["customer_id"] == hashed
    assert got.tables["loans"]["customer_id"].to_pylist() == [hashed]


def test_any_table_may_be_there_alone(tmp_path):
    fee = {
        "institution_id": b.BANK, "loan_id": "L1", "seq": 1, "kind": "valuation",
        "charged_by": "valuer", "borne_by": "bank", "amount": Decimal("800.00"),
        "waived": Decimal("0.00"), "recurring": False, "in_contract": True,
    }  # fmt: skip
    got = read(archive(tmp_path / "in", {"fees": [fee, fee | {"institution_id": OTHER}]}))
    assert got.findings.num_rows == 0
    assert got.tables["fees"].to_pylist() == [fee, fee | {"institution_id": OTHER}]


def test_an_institution_without_a_ledger_is_not_asked_for_loans(tmp_path):
    """Another institution's ledger in the same archive does not make one of its own due."""
    flow = {
        "institution_id": OTHER, "loan_id": "L7", "seq": 1, "paid_on": dt.date(2019, 5, 1),
        "amount": Decimal(1), "payee_kind": "supplier",
    }  # fmt: skip
    tables = {"customers": [CUSTOMER], "loans": [LOAN], "flows": [flow]}
    assert read(archive(tmp_path / "in", tables)).findings.num_rows == 0
    flow["institution_id"] = b.BANK
    found = read(archive(tmp_path / "in", tables)).findings.to_pylist()
    assert [(f["check_id"], f["file"]) for f in found] == [("W0306", "flows.parquet")]


def test_an_archive_of_another_quarter_is_refused(tmp_path):
    got = read(archive(tmp_path / "in", {"returns": [RETURN]}, quarter="2019Q3"))
    assert "是2019年三季度，不是2019年四季度" in b.refusals(got)["returns.parquet"]
    assert not got.tables


@pytest.mark.parametrize(("column", "value"), [("product", "流动资金贷款"), ("status", "ok")])
def test_codes_are_canonical_codes_and_nothing_else(tmp_path, column, value):
    tables = {"customers": [CUSTOMER], "loans": [LOAN, LOAN | {"loan_id": "L2", column: value}]}
    got = read(archive(tmp_path / "in", tables))
    (finding,) = got.findings.to_pylist()
    assert (finding["check_id"], finding["column"], finding["row"]) == ("E0103", column, 3)
    assert got.tables["loans"]["loan_id"].to_pylist() == ["L1"]


def test_a_required_column_that_is_missing_is_named(tmp_path):
    loan = {k: v for k, v in LOAN.items() if k != "balance"}
    got = read(archive(tmp_path / "in", {"customers": [CUSTOMER], "loans": [loan]}))
    assert "缺少列：balance" in b.refusals(got)["loans.parquet"]
    assert "loans" in got.missing and got.tables["customers"].num_rows == 1
