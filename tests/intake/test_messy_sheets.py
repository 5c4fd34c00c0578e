"""Workbooks as clerks keep them: whatever a person can read without asking is read."""

import datetime as dt
import random
from decimal import Decimal

import pytest

from intake import builders as b
from intake import registers


def loan_of(tmp_path, sheet, **more):
    """The one loan of a workbook whose ledger sheet is replaced."""
    b.workbook(tmp_path / "填报.xlsx", sheets={"贷款借据": sheet}, **more)
    read = b.read(tmp_path)
    assert read.findings.to_pylist() == []
    (loan,) = read.tables["loans"].to_pylist()
    return loan


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    return loan_of(tmp_path_factory.mktemp("clean"), b.grid("loans", [b.LOAN]))


def test_title_rows_blank_rows_and_blank_columns(tmp_path, clean):
    title, note, header, row = b.grid("loans", [b.LOAN])

    def apart(cells):
        """A blank column first, and another after the third."""
        return [None, *cells[:3], None, *cells[3:]]

    sheet = [
        [], [None, "附件2"], [None, *title], [None, "填报单位：甲农村商业银行", None, "单位：元"],
        [None, *note], [], apart(header), [], apart(row), [], [],
    ]  # fmt: skip
    assert loan_of(tmp_path, sheet) == clean


def test_columns_in_another_order(tmp_path, clean):
    order = list(range(len(b.labels("loans"))))
    random.Random(3).shuffle(order)
    title, note, header, row = b.grid("loans", [b.LOAN])
    sheet = [title, note, [header[i] for i in order], [row[i] for i in order]]
    assert loan_of(tmp_path, sheet) == clean


def test_total_rows_notes_and_signatures_below(tmp_path):
    after = [
        [], ["合  计", None, None, None, None, None, None, None, 1_000_000, 800_000],
        [None, None, "小计："], ["备注：1. 余额取自核心系统"], ["说明： 无"],
        ["填报人：甲", None, "复核人：乙", None, "负责人：丙"], ["制表日期：2022年1月5日"],
    ]  # fmt: skip
    b.workbook(tmp_path / "填报.xlsx", after=after)
    read = b.read(tmp_path)
    assert read.findings.to_pylist() == []
    counts = next(r for r in read.intake.to_pylist() if r["table"] == "loans")
    assert (counts["accepted"], counts["non_data"]) == (1, 7)


def test_hidden_sheets_are_not_read_and_that_is_noted(tmp_path, clean):
    b.workbook(
        tmp_path / "填报.xlsx",
        sheets={"代码表": [["流动资金贷款"], ["信用"]], "贷款借据 (旧)": b.grid("loans", [b.LOAN])},
        hidden=["代码表", "贷款借据 (旧)"],
    )
    read = b.read(tmp_path)
    assert {r["status"] for r in read.intake.to_pylist()} == {"accepted"}
    assert read.findings.num_rows == 0
    (note,) = [r for r in read.intake.to_pylist() if r["table"] is None]
    assert (note["file"], note["rows_in"]) == ("填报.xlsx", 0)
    assert note["message"] == (
        "隐藏的工作表没有读：代码表、贷款借据 (旧)。如是报送内容，请取消隐藏后重新报送。"
    )
    assert read.tables["loans"].to_pylist() == [clean]


def test_nothing_is_noted_where_nothing_is_hidden(tmp_path):
    b.workbook(tmp_path / "填报.xlsx")
    assert all(r["table"] for r in b.read(tmp_path).intake.to_pylist())


@pytest.mark.parametrize(
    "filed",
    ["1,000,000.00", "１，０００，０００", "1000000", "￥1,000,000", " 1 000 000 ", 1e6, "1E+6"],
)
def test_amounts_as_people_write_them(tmp_path, clean, filed):
    assert loan_of(tmp_path, b.grid("loans", [b.LOAN | {"发放金额": filed}])) == clean


@pytest.mark.parametrize(
    "filed",
    [
        "2021-03-05", "2021-3-5", "2021/3/5", "2021/03/05", "2021.3.5", "20210305",
        "２０２１年３月５日", "2021年03月05日", 44260, "44260", dt.date(2021, 3, 5),
        "2021-03-05 00:00:00", "2021/3/5 0:00",
    ],
)  # fmt: skip
def test_dates_as_people_write_them(tmp_path, clean, filed):
    assert loan_of(tmp_path, b.grid("loans", [b.LOAN | {"发放日期": filed}])) == clean


@pytest.mark.parametrize("filed", ["2021-03-05 09:30", "2021年3月", "3月5日", "05/03/2021", "446"])
def test_dates_nobody_can_be_sure_of_are_not_guessed(tmp_path, filed):
    b.workbook(tmp_path / "填报.xlsx", loans=[b.LOAN | {"发放日期": filed}])
    assert {c for c, _ in b.fired(b.read(tmp_path))} == {"E0102"}


@pytest.mark.parametrize("filed", ["4.35", "４．３５％", "4.35%", 4.35])
def test_rates_as_people_write_them(tmp_path, clean, filed):
    assert loan_of(tmp_path, b.grid("loans", [b.LOAN | {"发放利率": filed}])) == clean


def test_words_with_full_width_marks_and_spaces(tmp_path, clean):
    row = b.LOAN | {"业务种类": " 流动资金贷款　", "风险缓释": "知识产权，存货", "加点": "５０"}
    assert loan_of(tmp_path, b.grid("loans", [row])) == clean


@pytest.mark.parametrize("code", ["91350100m000100y43", "９１３５０１００Ｍ０００１００Ｙ４３"])
def test_credit_codes_in_any_case_and_width(tmp_path, code):
    b.workbook(tmp_path / "填报.xlsx", customers=[b.CUSTOMER | {"证件号码": code}])
    read = b.read(tmp_path)
    assert read.findings.to_pylist() == []
    assert read.tables["customers"]["certificate_no"].to_pylist() == ["91350100M000100Y43"]


ALIASES = {
    "借据号": ["借据编号", "借据 编号"],
    "客户号": ["客户编号", "客户统一编号"],
    "内部机构号": ["网点编号"],
    "贷款余额": ["余额", "借款余额", "贷款余额（元）", "*贷款余额"],
    "发放金额": ["借款金额", "贷款金额"],
    "发放日期": ["起始日", "起始日期", "放款日期"],
    "到期日期": ["到期日"],
    "发放利率": ["年利率", "年利率（%）"],
    "五级分类": ["风险分类"],
    "信贷员工号": ["客户经理工号"],
}


@pytest.mark.parametrize(("label", "said"), [(k, v) for k, vs in ALIASES.items() for v in vs])
def test_headers_by_their_usual_names(tmp_path, clean, label, said):
    title, note, header, row = b.grid("loans", [b.LOAN])
    assert label in header
    assert (
        loan_of(tmp_path, [title, note, [said if h == label else h for h in header], row]) == clean
    )


def test_everything_at_once(tmp_path, clean):
    """Titles, gaps, another order, other names, text numbers, trailing rows."""
    said = {label: names[0] for label, names in ALIASES.items()}
    row = b.LOAN | {
        "发放金额": "１，０００，０００．００", "贷款余额": "800,000", "发放日期": 44260,
        "到期日期": "2022/3/5", "发放利率": "4.35%", "五级分类": " 正常 ", "上笔借据号": "无",
    }  # fmt: skip
    labels = list(reversed(b.labels("loans")))
    sheet = [
        ["附件2"], [], ["贷款借据明细表"], [None, None, "单位：元"],
        [None, "序号", *[said.get(h, h) for h in labels], "备注"], [],
        [None, 1, *[row.get(h) for h in labels], "已核对"], [],
        [None, "合计"], ["注：以上为期末数"],
    ]  # fmt: skip
    assert loan_of(tmp_path, sheet) == clean


def test_a_messy_register(tmp_path):
    fee = registers.ROWS["fees"] | {
        "金额": "８００．００",
        "减免金额": "0.00",
        "是否按年收取": "否 ",
    }
    header = b.labels("fees")
    sheet = [
        ["收费明细"], [], ["制表：甲"],
        [{"借据号": "借据编号"}.get(h, h) for h in header],
        [fee.get(h) for h in header], ["合计", None, None, None, None, 800],
    ]  # fmt: skip
    registers.workbook(tmp_path / "填报.xlsx", {"fees": sheet})
    read = b.read(tmp_path)
    assert read.findings.to_pylist() == []
    (row,) = read.tables["fees"].to_pylist()
    assert (row["loan_id"], row["amount"], row["recurring"]) == ("L0001", Decimal(800), False)
