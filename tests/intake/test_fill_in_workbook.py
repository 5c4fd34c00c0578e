"""The fill-in workbook: clean, and as clerks really send it."""

import datetime as dt
from decimal import Decimal

import pytest
import xlsxwriter

from intake import builders as b
from puhui import schema


def only(submission, table):
    rows = submission.tables[table].to_pylist()
    assert len(rows) == 1
    return rows[0]


def test_a_clean_workbook_reads_into_canonical_tables(tmp_path):
    b.workbook(tmp_path / "填报.xlsx")
    read = b.read(tmp_path)
    assert read.findings.num_rows == 0
    assert set(read.tables) == {"customers", "loans", "returns"}
    for name, table in read.tables.items():
        assert table.schema == schema.arrow_schema(name)
    loan = only(read, "loans")
    assert loan["institution_id"] == b.BANK
    assert loan["amount"] == Decimal("1000000.00")
    assert (loan["priced_on"], loan["drawn_on"]) == (dt.date(2021, 3, 5), dt.date(2021, 3, 5))
    assert loan["matures_on"] == dt.date(2022, 3, 5)
    assert loan["rate_at_drawdown"] == Decimal("4.350000")
    assert (loan["product"], loan["issue_kind"]) == ("working_capital", "new")
    assert (loan["benchmark"], loan["spread_bp"]) == ("lpr:1Y", Decimal("50.00"))
    assert loan["mitigants"] == ["inventory", "ip"]
    assert loan["is_business_loan"] is True
    assert loan["rate_now"] is None


def test_filed_wan_yuan_become_yuan_and_the_filed_unit_stays(tmp_path):
    households = b.RETURN | {"项目代码": "S71_I_1.B5", "数值": 12, "单位": "户"}
    b.workbook(tmp_path / "填报.xlsx", returns=[b.RETURN, households])
    rows = b.read(tmp_path).tables["returns"].to_pylist()
    assert [(r["item"], r["value"], r["unit"]) for r in rows] == [
        ("G01.loans", Decimal("1234500.00"), "万元"),
        ("S71_I_1.B5", Decimal("12.00"), "户"),
    ]


def test_columns_left_out_of_a_sheet_are_absent_not_null_rows(tmp_path):
    sheet = b.grid("loans", [b.LOAN])
    gone = sheet[2].index("当前利率")
    narrow = [row[:gone] + row[gone + 1 :] if len(row) > 2 else row for row in sheet]
    b.workbook(tmp_path / "填报.xlsx", sheets={"贷款借据": narrow})
    read = b.read(tmp_path)
    assert read.absent["loans"] == ("rate_now", "purpose")  # free text is never taken
    assert read.tables["loans"].num_rows == 1


def test_total_note_blank_and_repeated_header_rows_are_no_data(tmp_path):
    after = [
        [], ["合 计", None, None, None, None, None, None, None, None, 800_000], [],
        ["备注：余额含应计"], b.labels("loans"),
    ]  # fmt: skip
    b.workbook(tmp_path / "填报.xlsx", after=after)
    loans = next(r for r in b.read(tmp_path).intake.to_pylist() if r["table"] == "loans")
    assert (loans["rows_in"], loans["accepted"], loans["non_data"]) == (6, 1, 5)
    assert loans["status"] == "accepted"


def test_two_row_headers_and_headers_with_units(tmp_path):
    sheet = b.grid("loans", [b.LOAN])
    header = sheet[2]
    upper = [f"{h}（元）" if h == "发放金额" else h for h in header]
    lower = [None] * len(header)
    rate = header.index("发放利率")
    upper[rate], lower[rate] = "利率", "发放利率（％）"
    upper[rate + 1], lower[rate + 1] = None, "当前利率"
    sheet[2:3] = [upper, lower]
    b.workbook(tmp_path / "填报.xlsx", sheets={"贷款借据": sheet})
    loan = only(b.read(tmp_path), "loans")
    assert (loan["amount"], loan["rate_at_drawdown"]) == (Decimal(1_000_000), Decimal("4.35"))


def test_messy_cells(tmp_path):
    messy = b.LOAN | {
        "借据号": "Ｌ０００１", "客户号": "Ｃ0001", "发放金额": "１，０００，０００．００",
        "贷款余额": " 800,000 ", "发放日期": 44260, "到期日期": "2022.3.5", "当前利率": "—",
        "展期到期日期": "99991231", "终结日期": "无", "核销金额": "/", "定价日期": "2021/3/5",
    }  # fmt: skip
    b.workbook(tmp_path / "填报.xlsx", loans=[messy])
    read = b.read(tmp_path)
    assert read.findings.num_rows == 0
    loan = only(read, "loans")
    assert (loan["loan_id"], loan["customer_id"]) == ("L0001", "C0001")
    assert (loan["amount"], loan["balance"]) == (Decimal(1_000_000), Decimal(800_000))
    assert (loan["drawn_on"], loan["matures_on"]) == (dt.date(2021, 3, 5), dt.date(2022, 3, 5))
    nulls = ("rate_now", "extended_to", "closed_on", "written_off_amount")
    assert [loan[c] for c in nulls] == [None] * 4


def test_hidden_sheets_are_not_read(tmp_path):
    b.workbook(tmp_path / "填报.xlsx", hidden=["报表数据"])
    assert set(b.read(tmp_path).tables) == {"customers", "loans"}


def test_formulas_give_their_cached_values(tmp_path):
    path = b.workbook(tmp_path / "填报.xlsx")
    book = xlsxwriter.Workbook(str(path))
    content = {
        "封面": [[k, v] for k, v in b.COVER.items()],
        "客户信息": b.grid("customers", [b.CUSTOMER]),
        "贷款借据": b.grid("loans", [b.LOAN | {"贷款余额": None}]),
    }
    for name, rows in content.items():
        sheet = book.add_worksheet(name)
        for r, row in enumerate(rows):
            for c, value in enumerate(row):
                if isinstance(value, dt.date):
                    sheet.write_string(r, c, value.isoformat())
                elif value is not None:
                    sheet.write(r, c, value)
        if name == "贷款借据":
            at = rows[2].index("贷款余额")
            sheet.write_formula(3, at, "=0.1+0.2", None, 0.1 + 0.2)
    book.close()
    assert only(b.read(tmp_path), "loans")["balance"] == Decimal("0.30")


def test_a_quarantined_row_says_where_and_keeps_what_is_readable(tmp_path):
    bad = b.LOAN | {"借据号": "L0002", "贷款余额": 1_000_000.01}
    b.workbook(tmp_path / "填报.xlsx", loans=[b.LOAN, bad])
    read = b.read(tmp_path)
    (finding,) = read.findings.to_pylist()
    place = {k: finding[k] for k in ("check_id", "file", "sheet", "row", "cell", "value")}
    assert place == {
        "check_id": "E0201",
        "file": "填报.xlsx",
        "sheet": "贷款借据",
        "row": 5,
        "cell": "J5",  # the tenth column, 贷款余额; title, note and header above
        "value": "1000000.01",
    }
    assert finding["institution_id"] == b.BANK and finding["quarter"] == "2021Q4"
    (kept,) = read.quarantine["loans"].to_pylist()
    assert (kept["loan_id"], kept["balance"]) == ("L0002", Decimal("1000000.01"))
    assert (kept["check_id"], kept["file"], kept["sheet"], kept["row"]) == (
        "E0201", "填报.xlsx", "贷款借据", 5,
    )  # fmt: skip
    loans = next(r for r in read.intake.to_pylist() if r["table"] == "loans")
    assert loans["quarantined_balance"] == Decimal("1000000.01")
    assert loans["status"] == "accepted_with_errors"


def test_later_phases_do_not_run_on_what_failed_earlier(tmp_path):
    """An unreadable balance is one finding, not also a balance above the amount."""
    b.workbook(tmp_path / "填报.xlsx", loans=[b.LOAN | {"贷款余额": "八十万", "客户号": "C9"}])
    assert {check for check, _ in b.fired(b.read(tmp_path))} == {"E0101"}


@pytest.mark.parametrize("kind", ["个体工商户", "小微企业主", "农户", "其他个人"])
def test_natural_persons_leave_no_name_and_their_loans_still_join(tmp_path, kind):
    person = b.CUSTOMER | {
        "客户名称": "丁某", "客户类型": kind, "证件号码": "110105491231002", "企业规模": None,
    }  # fmt: skip
    b.workbook(tmp_path / "填报.xlsx", customers=[person])
    read = b.read(tmp_path)
    customer, loan = only(read, "customers"), only(read, "loans")
    assert customer["name"] is None
    assert customer["certificate_no"] == b.HASHER.hash("certificate", "11010519491231002X")
    assert customer["phone_hash"] == b.HASHER.hash("phone", "03761234567")
    assert customer["address"] == b.HASHER.hash("address", "潢川县甲路(东)1号")
    assert customer["customer_id"] == loan["customer_id"] == b.HASHER.hash("customer", "C0001")
    assert loan["staff_id"] == b.HASHER.hash("staff", "S01")
    everything = str([t.to_pylist() for t in read.tables.values()])
    assert not any(secret in everything for secret in ("丁某", "110105", "0376", "潢川县", "S01"))


def test_organisations_keep_name_and_code(tmp_path):
    lower = b.CUSTOMER | {"证件号码": "91350100m000100y43"}
    b.workbook(tmp_path / "填报.xlsx", customers=[lower])
    read = b.read(tmp_path)
    customer = only(read, "customers")
    assert read.findings.num_rows == 0
    assert customer["certificate_no"] == "91350100M000100Y43"
    assert (customer["name"], customer["customer_id"]) == ("甲纸业有限公司", "C0001")
    assert customer["address"] == "潢川县甲路（东）1号"


def test_findings_and_quarantine_never_show_a_person(tmp_path):
    """Kind unreadable: the customer counts as a person until somebody says otherwise."""
    unknown = b.CUSTOMER | {"客户类型": "神仙", "证件号码": "1.1010519491231E+17"}
    known = b.CUSTOMER | {"客户号": "C0002", "客户名称": "丙合作社", "客户类型": "农民专业合作社"}
    stranger = b.LOAN | {"客户号": "P77"}
    b.workbook(tmp_path / "填报.xlsx", customers=[unknown, known], loans=[stranger])
    read = b.read(tmp_path)
    assert {check for check, _ in b.fired(read)} == {"E0103", "E0109", "E0301"}
    shown = str(read.findings.to_pylist()) + str([t.to_pylist() for t in read.quarantine.values()])
    assert not any(secret in shown for secret in ("甲纸业", "1.10105", "P77", "C0001", "1234567"))


def test_two_files_of_one_institution_are_read_together(tmp_path):
    b.workbook(tmp_path / "一.xlsx")
    second = b.workbook(tmp_path / "二.xlsx", loans=[b.LOAN | {"借据号": "L0002"}])
    only_loans = {"封面": [[k, v] for k, v in b.COVER.items()]}
    b.save(second, only_loans | {"贷款借据": b.grid("loans", [b.LOAN | {"借据号": "L0002"}])})
    read = b.read(tmp_path)
    assert sorted(read.tables["loans"]["loan_id"].to_pylist()) == ["L0001", "L0002"]
    assert read.findings.num_rows == 0
