"""Registers in the fill-in workbook, and the supervisor's firms and notes."""

import datetime as dt
from decimal import Decimal

import pytest

from intake import builders as b
from intake import registers
from puhui import schema
from puhui.intake import read_supervisor

SHEETS = {table: registers.sheet(table) for table in registers.ROWS}


def test_every_register_of_a_workbook_is_read(tmp_path):
    registers.workbook(tmp_path / "填报.xlsx", SHEETS)
    read = b.read(tmp_path)
    assert read.findings.num_rows == 0 and not read.missing
    assert set(read.tables) == {"customers", "loans", "returns", *registers.ROWS}
    for name, table in read.tables.items():
        assert table.schema == schema.arrow_schema(name)
        assert table.num_rows == 1


def test_values_of_the_registers(tmp_path):
    registers.workbook(tmp_path / "填报.xlsx", SHEETS)
    tables = {t: rows.to_pylist()[0] for t, rows in b.read(tmp_path).tables.items()}
    hashed = b.HASHER.hash
    deferral = tables["deferrals"]
    assert (deferral["kind"], deferral["outcome"], deferral["seq"]) == ("principal", "agreed", 1)
    application = tables["applications"]
    assert (application["decision"], application["qualifies"]) == ("granted", True)
    assert application["customer_id"] == "C0001"  # an organisation's, in the clear
    assert (tables["products"]["channel"], tables["products"]["mean_rate"]) == (
        "online", Decimal("5.2"),
    )  # fmt: skip
    assert (tables["fees"]["charged_by"], tables["fees"]["borne_by"]) == ("valuer", "bank")
    assert tables["flows"]["payee"] == hashed("payee", "丁建材有限公司")
    attestation = tables["attestations"]
    assert (attestation["value"], attestation["in_force_from"]) == ("是", dt.date(2021, 1, 1))
    assert tables["benefits"]["item"] == "vat_exemption"
    assert tables["insurance"]["line"] == "loan_guarantee_insurance"
    case = tables["cases"]
    assert (case["loan_ids"], case["finding"], case["is_mse_credit"]) == ("L0001", "dutiful", True)
    person = tables["case_persons"]
    assert person["person_id"] == hashed("staff", "S01")
    # 无 is a word of these two code lists, and a null mark everywhere else.
    assert (person["breach"], person["misconduct"]) == ("none", "none")


def test_a_null_mark_stays_one_where_it_is_no_code(tmp_path):
    sheet = registers.sheet("deferrals", {"拒绝原因": "无", "延期至": "—"})
    registers.workbook(tmp_path / "填报.xlsx", {"deferrals": sheet})
    (row,) = b.read(tmp_path).tables["deferrals"].to_pylist()
    assert (row["reason"], row["deferred_to"]) == (None, None)


def test_registers_beside_an_east_ledger(tmp_path):
    b.east(tmp_path)
    registers.workbook(tmp_path / "登记簿.xlsx", SHEETS, ledger=False)
    read = b.read(tmp_path)
    assert read.findings.num_rows == 0 and not read.missing and not b.refusals(read)
    assert set(read.tables) == {"customers", "loans", *registers.ROWS}


def test_a_person_who_applies_is_hashed(tmp_path):
    b.east(tmp_path)
    sheet = registers.sheet("applications", {"客户号": "P0001", "借据号": "L0002"},
                            {"申请编号": "A0002", "客户号": "X0009", "借据号": None})  # fmt: skip
    registers.workbook(tmp_path / "登记簿.xlsx", {"applications": sheet}, ledger=False)
    read = b.read(tmp_path)
    ids = read.tables["applications"]["customer_id"].to_pylist()
    # Whoever is not known to be an organisation counts as a person.
    assert ids == [b.HASHER.hash("customer", i) for i in ("P0001", "X0009")]
    assert ids[0] in read.tables["customers"]["customer_id"].to_pylist()


@pytest.mark.parametrize("table", registers.ROWS)
def test_a_signed_sheet_is_a_nil_return(tmp_path, table):
    sheet = [*b.grid(table, []), ["本表无数据"]]
    registers.workbook(tmp_path / "填报.xlsx", {table: sheet})
    read = b.read(tmp_path)
    assert read.tables[table].num_rows == 0
    assert table not in read.missing and read.findings.num_rows == 0


@pytest.mark.parametrize("table", registers.ROWS)
def test_an_empty_sheet_that_is_not_signed_is_no_zero(tmp_path, table):
    registers.workbook(tmp_path / "填报.xlsx", {table: b.grid(table, [])})
    read = b.read(tmp_path)
    assert table not in read.tables
    assert "没有数据，也没有写明“本表无数据”" in read.missing[table]


def test_a_workbook_of_a_cover_alone_is_refused(tmp_path):
    registers.workbook(tmp_path / "填报.xlsx", {}, ledger=False)
    assert set(b.refusals(b.read(tmp_path))) == {"填报.xlsx"}


FIRMS = [
    "统一社会信用代码,企业名称,对接机构编号,方案签订日期,方案含融资需求,所属核心企业",
    f"91350100m000100y43,甲纸业有限公司,{b.BANK},2021-03-01,是,",
    "91350100M000100Y43,甲纸业有限公司,JYDX0001,,,９１３５０１００M000100Y43",
]
NOTES = [
    "记录编号,机构编号,类型,日期,条款,事实,文号",
    f"N1,{b.BANK},投诉,2021-05-06,第七条,收取已取消的费用,",
]


@pytest.mark.parametrize(
    "names", [("key_firms.csv", "notes.csv"), ("重点企业名单.csv", "监管记录.csv")]
)
def test_the_supervisors_firms_and_notes(tmp_path, names):
    b.supervisor(tmp_path)
    for name, lines in zip(names, (FIRMS, NOTES), strict=True):
        (tmp_path / name).write_text("\n".join([*lines, ""]), encoding="utf-8-sig")
    read = read_supervisor(tmp_path, layouts=b.LAYOUTS, checks=b.CHECKS, hasher=b.HASHER)
    assert read.findings.num_rows == 0 and not read.missing
    firms = read.tables["key_firms"].to_pylist()
    assert [
        (f["uscc"], f["institution_id"], f["has_needs"], f["core_firm_uscc"]) for f in firms
    ] == [
        ("91350100M000100Y43", b.BANK, True, None),
        ("91350100M000100Y43", "JYDX0001", None, "91350100M000100Y43"),
    ]
    (note,) = read.tables["notes"].to_pylist()
    assert (note["kind"], note["noted_on"]) == ("complaint", dt.date(2021, 5, 6))


def test_without_firms_and_notes_nothing_is_missing(tmp_path):
    b.supervisor(tmp_path)
    read = read_supervisor(tmp_path, layouts=b.LAYOUTS, checks=b.CHECKS, hasher=b.HASHER)
    assert not read.missing and "key_firms" not in read.tables
