"""EAST extracts, the supervisor's lists, a file of many lenders, the one-sheet quarterly."""

import datetime as dt
import hashlib
from decimal import Decimal

from intake import builders as b
from puhui.intake import read_supervisor


def by_id(submission, table, key):
    return {row[key]: row for row in submission.tables[table].to_pylist()}


def test_an_east_extract_with_supplements(tmp_path):
    read = b.read(b.east(tmp_path))
    assert read.findings.num_rows == 0
    loan = by_id(read, "loans", "loan_id")["L0001"]
    assert (loan["amount"], loan["balance"]) == (Decimal(1_000_000), Decimal("800000.50"))
    assert (loan["product"], loan["issue_kind"]) == ("project", "extended")
    assert loan["guarantee"] == "guaranteed"  # from the contract, 501
    assert loan["closed_on"] is None  # 99991231
    assert loan["interest_overdue"] == Decimal("11.75")  # 表内 10.25 + 表外 1.50
    assert loan["overdue_since"] == dt.date(2021, 6, 20)  # the earlier of 欠本, 欠息
    assert (loan["rate_at_drawdown"], loan["rate_now"]) == (Decimal("4.1"), Decimal("4.35"))
    assert (loan["benchmark"], loan["spread_bp"]) == ("lpr:5Y", Decimal("-12.5"))
    assert loan["priced_on"] == dt.date(2021, 3, 1)
    person_loan = by_id(read, "loans", "loan_id")["L0002"]
    assert person_loan["is_business_loan"] is True
    assert person_loan["benchmark"] is None
    customer = read.tables["customers"].filter(
        [k == "individual_business" for k in read.tables["customers"]["kind"].to_pylist()]
    )
    (person,) = customer.to_pylist()
    assert person["customer_id"] == person_loan["customer_id"] == b.HASHER.hash("customer", "P0001")
    assert person["credit_line_scope"] == "reporting_unit"
    assert person_loan["staff_id"] == b.HASHER.hash("staff", "S09")  # 501's, 503 left it empty
    assert "rate_type" in read.absent["loans"]


def test_without_supplements_lines_are_absent_and_nothing_is_guessed(tmp_path):
    read = b.read(b.east(tmp_path, without=["lines", "extra", "s501"]))
    assert read.findings.num_rows == 0
    assert {"credit_line", "credit_line_scope"} <= set(read.absent["customers"])
    gone = {"credit_line_at_drawdown", "rate_at_drawdown", "benchmark", "guarantee"}
    assert gone <= set(read.absent["loans"])
    assert read.tables["loans"].num_rows == 2
    kinds = set(read.tables["customers"]["kind"].to_pylist())
    assert kinds == {"enterprise", "other_personal"}
    message = next(r["message"] for r in read.intake.to_pylist() if r["table"] == "customers")
    assert "没有收到 补充_客户授信.csv" in message


def test_persons_of_503_are_one_customer_each(tmp_path):
    one = b.EAST["s503"][2]
    rows = [one, one | {"XDJJH": "L0003"}, one | {"XDJJH": "L0004", "KHTYBH": "C0001"}]
    extra = [b.EAST["extra"][2] | {"信贷借据号": f"L000{n}"} for n in (1, 2, 3, 4)]
    read = b.read(b.east(tmp_path, rows={"s503": rows, "extra": extra}))
    assert read.tables["customers"].num_rows == 2  # P0001 once; C0001 stands in 203 already
    counted = {(r["file"][:8], r["table"]): r for r in read.intake.to_pylist()}
    assert counted["EAST_503", "customers"]["non_data"] == 2
    assert counted["EAST_503", "loans"]["accepted"] == 3


def test_a_finding_on_a_joined_column_points_into_the_joined_file(tmp_path):
    bad = [b.EAST["extra"][2] | {"发放利率": "四点一"}, b.PERSON_EXTRA]
    read = b.read(b.east(tmp_path, rows={"extra": bad}))
    (finding,) = read.findings.to_pylist()
    assert (finding["check_id"], finding["file"], finding["cell"], finding["value"]) == (
        "E0101", "补充_借据.csv", "C2", "四点一",
    )  # fmt: skip
    assert read.quarantine["loans"]["file"].to_pylist() == ["EAST_504_对公信贷业务借据表.txt"]


def test_a_loan_missing_from_the_supplement_points_at_its_own_key(tmp_path):
    read = b.read(b.east(tmp_path, rows={"extra": [b.EAST["extra"][2]]}))
    found = read.findings.to_pylist()
    places = {(f["check_id"], f["column"], f["file"][:8], f["cell"]) for f in found}
    key = ("EAST_503", "G2")  # XDJJH is the seventh column of the person's row
    assert places == {
        ("E0104", "rate_at_drawdown", *key),
        ("E0104", "credit_line_at_drawdown", *key),
    }


def test_foreign_currency_is_not_taken_for_yuan(tmp_path):
    read = b.read(b.east(tmp_path, rows={"s504": [b.EAST["s504"][2] | {"BZ": "USD"}]}))
    assert {(f["check_id"], f["column"]) for f in read.findings.to_pylist()} == {
        ("E0103", "currency")
    }


def test_supervisor_lists_with_and_without_bom(tmp_path):
    folder = b.supervisor(tmp_path)
    text = (folder / "plans.csv").read_text(encoding="utf-8-sig")
    (folder / "plans.csv").write_text(text, encoding="utf-8")
    read = read_supervisor(folder, layouts=b.LAYOUTS, checks=b.CHECKS, hasher=b.HASHER)
    assert read.findings.num_rows == 0
    assert set(read.tables) == {"institutions", "branches", "plans"}
    banks = by_id(read, "institutions", "institution_id")
    assert banks["JYDX0001"]["kind"] == "large"
    assert banks["JYDX0001"]["legal_person_npl_ratio"] == Decimal("1.35")
    assert banks[b.BANK]["is_local_legal_person"] is True
    assert banks[b.BANK]["legal_person_id"] is None
    (plan,) = read.tables["plans"].to_pylist()
    assert (plan["target"], plan["branch_id"]) == (Decimal(120_000_000), None)


def test_institutions_may_not_file_the_supervisors_lists(tmp_path):
    b.workbook(tmp_path / "填报.xlsx")
    b.supervisor(tmp_path)
    read = b.read(tmp_path)
    assert "institutions" not in read.tables
    assert set(b.refusals(read)) == set(b.SUPERVISOR)


def test_a_file_of_many_lenders(tmp_path):
    rows = [
        {},
        {"BorrID": "2", "BorrKey": "aa02", "BankName": "SECOND  Invented Bank"},
        {"BorrID": "3", "LoanStatus": "CHGOFF", "COAmount": "19740", "CODate": "3/11/14"},
        {"BorrID": "4", "BorrKey": "aa04", "BankName": "Second invented bank", "TermMonths": "0"},
    ]
    read = b.read(b.shared(tmp_path, rows), institution_id=None)
    digest = hashlib.sha256(b"first invented bank").hexdigest()[:11].upper()
    banks = by_id(read, "institutions", "institution_id")
    assert banks["B" + digest]["name"] == "First Invented Bank"
    assert len(banks) == 2 and {r["kind"] for r in banks.values()} == {"other_bank"}
    loans = by_id(read, "loans", "loan_id")
    assert set(loans) == {"1", "2", "3"}
    assert loans["1"]["institution_id"] == "B" + digest
    assert loans["1"]["amount"] == Decimal(1_730_000)
    assert loans["1"]["matures_on"] == dt.date(2068, 7, 15)
    assert (loans["3"]["closure"], loans["3"]["written_off_amount"]) == ("written_off", 19740)
    assert (loans["1"]["closure"], loans["1"]["balance"]) == (None, None)
    assert {"balance", "rate_now", "five_class"} <= set(read.absent["loans"])
    assert read.quarantine["loans"]["check_id"].to_pylist() == ["E0203"]
    assert read.tables["customers"].num_rows == 3
    counted = {r["table"]: r for r in read.intake.to_pylist()}
    assert counted["loans"]["quarantined_balance"] is None  # the file has no balances


def test_one_sheet_quarterly_gives_dated_figures(tmp_path):
    b.one_sheet(
        tmp_path / "季报.xlsx",
        [
            ["QS.assessed_balance", "普惠小微贷款余额", "万元", 123.45, 100, 100, "１１０．５"],
            ["QS.assessed_customers", "户数", "户", 12, None, "-", 9],
            ["备注：无"],
        ],
    )
    read = b.read(tmp_path)
    assert read.findings.num_rows == 0
    rows = read.tables["returns"].to_pylist()
    figures = [(r["item"], str(r["as_of"]), r["basis"], r["value"], r["unit"]) for r in rows]
    assert set(figures) == {
        ("QS.assessed_balance", "2021-12-31", "as_filed", Decimal(1_234_500), "万元"),
        ("QS.assessed_balance", "2020-12-31", "restated", Decimal(1_000_000), "万元"),
        ("QS.assessed_balance", "2021-09-30", "restated", Decimal(1_105_000), "万元"),
        ("QS.assessed_customers", "2021-12-31", "as_filed", Decimal(12), "户"),
        ("QS.assessed_customers", "2021-09-30", "restated", Decimal(9), "户"),
    }
    (entry,) = read.intake.to_pylist()
    # Three rows of four figures; 上年同期 repeats 年初 in a fourth quarter.
    assert (entry["rows_in"], entry["accepted"], entry["non_data"]) == (12, 5, 7)


def test_in_a_fourth_quarter_start_of_year_and_year_ago_must_agree(tmp_path):
    b.one_sheet(tmp_path / "季报.xlsx", [["QS.assessed_customers", "户数", "户", 12, 10, 11, 9]])
    read = b.read(tmp_path)
    assert b.fired(read) == {("E0401", "E9"), ("E0401", "F9")}
    assert read.tables["returns"].num_rows == 2


def test_other_quarters_keep_their_four_dates_apart(tmp_path):
    cover = b.COVER | {"报告期": "2021年第二季度"}
    b.one_sheet(
        tmp_path / "季报.xlsx", [["QS.assessed_customers", "户数", "户", 4, 1, 2, 3]], cover
    )
    read = b.read(tmp_path, quarter=b.Quarter.parse("2021Q2"))
    rows = read.tables["returns"].to_pylist()
    assert {r["as_of"].isoformat(): int(r["value"]) for r in rows} == {
        "2021-06-30": 4, "2020-12-31": 1, "2020-06-30": 2, "2021-03-31": 3,
    }  # fmt: skip
