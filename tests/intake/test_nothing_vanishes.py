"""What a clerk spoils by accident is said, or refused; it never becomes a silent blank."""

import re
from decimal import Decimal

import pytest
import xlsxwriter

from intake import builders as b
from puhui import params
from puhui.intake.reading import open_workbook

EAST_504 = b.EAST["s504"][0]


def found(read, check_id):
    return [f for f in read.findings.to_pylist() if f["check_id"] == check_id]


def noted(read, status):
    return [r["message"] for r in read.intake.to_pylist() if r["status"] == status]


def many(count):
    return [b.EAST["s504"][2] | {"XDJJH": f"L1{n:03}"} for n in range(count)]


def test_a_stray_quote_in_an_east_text_swallows_no_row(tmp_path):
    """Bars separate, quotes are letters: twenty rows stay twenty."""
    extra = [b.EAST["extra"][2] | {"信贷借据号": r["XDJJH"]} for r in many(20)]
    rows = many(20)
    rows[4] |= {"DKTXHY": '"C22', "SBXDJJH": '"X'}
    b.east(tmp_path, rows={"s504": rows, "extra": [*extra, b.PERSON_EXTRA]})
    file = tmp_path / EAST_504
    text = file.read_bytes().decode("gbk").replace("|L1004|", '|"L1004|')
    file.write_bytes(text.encode("gbk"))
    read = b.read(tmp_path)
    (entry,) = [
        r for r in read.intake.to_pylist() if (r["file"], r["table"]) == (EAST_504, "loans")
    ]
    assert entry["rows_in"] == 20
    kept = read.tables["loans"]["loan_id"].to_pylist() + [
        r["loan_id"] for r in read.quarantine["loans"].to_pylist()
    ]
    assert {f"L1{n:03}" for n in range(20) if n != 4} < set(kept)
    assert '"L1004' in kept


def test_a_stray_quote_in_a_quoted_file_refuses_it(tmp_path):
    b.east(tmp_path)
    file = tmp_path / "补充_借据.csv"
    lines = file.read_bytes().decode("gbk").split("\r\n")
    lines[1] = '"' + lines[1]
    file.write_bytes("\r\n".join(lines).encode("gbk"))
    assert "第 2 行有引号没有配对" in b.refusals(b.read(tmp_path))[file.name]


def test_a_stray_quote_in_the_header_refuses_it(tmp_path):
    b.east(tmp_path)
    file = tmp_path / "补充_借据.csv"
    file.write_bytes(file.read_bytes().decode("gbk").replace(",加点", ',"加点').encode("gbk"))
    assert "第 1 行有引号没有配对" in b.refusals(b.read(tmp_path))[file.name]


def test_a_properly_quoted_cell_is_read(tmp_path):
    line = b.EAST["lines"][2] | {"授信额度": "5,000,000"}
    read = b.read(b.east(tmp_path, rows={"lines": [line, b.PERSON_LINE]}))
    assert b.refusals(read) == {}
    assert Decimal(5_000_000) in read.tables["customers"]["credit_line"].to_pylist()


def test_a_renamed_sheet_is_named(tmp_path):
    b.workbook(tmp_path / "填报.xlsx")
    sheets = {
        "封面": [[k, v] for k, v in b.COVER.items()],
        "客户信息": b.grid("customers", [b.CUSTOMER]),
        "借据明细": b.grid("loans", [b.LOAN]),
        "Sheet2": [],
    }
    b.save(tmp_path / "填报.xlsx", sheets)
    read = b.read(tmp_path)
    (line,) = noted(read, "accepted_with_warnings")
    assert line.startswith("未使用的工作表：借据明细（") and "贷款借据" in line
    assert set(read.tables) == {"customers"}


def test_a_sheet_without_its_header_is_a_missing_table(tmp_path):
    sheet = b.grid("loans", [b.LOAN])
    b.workbook(tmp_path / "填报.xlsx", sheets={"贷款借据": [*sheet[:2], *sheet[3:]]})
    read = b.read(tmp_path)
    reason = (
        "填报.xlsx 的工作表“贷款借据”认不出表头，整表没有读。表头一行至少应有：借据号、客户号。"
    )
    assert read.missing == {"loans": reason}
    (entry,) = [r for r in read.intake.to_pylist() if r["table"] == "loans"]
    assert (entry["status"], entry["message"]) == ("accepted_with_errors", reason)
    assert set(read.tables) == {"customers", "returns"}


@pytest.mark.parametrize("header", ["年初", "上年同期", "上季末"])
def test_a_renamed_base_column_refuses_the_one_sheet_quarterly(tmp_path, header):
    b.one_sheet(tmp_path / "季报.xlsx", [["QS.npl", "不良", "元", 4, 3, 3, 2]])
    names = ["项目代码", "项目", "单位", "本季末", "年初", "上年同期", "上季末"]
    heads = [f"{h}数" if h == header else h for h in names]
    cover = [[k, v] for k, v in b.COVER.items()]
    rows = [*cover, heads, ["QS.npl", "不良", "元", 4, 3, 3, 2]]
    b.save(tmp_path / "季报.xlsx", {"季度情况表": rows})
    read = b.read(tmp_path)
    assert f"缺少列：{header}。" in b.refusals(read)["季报.xlsx"]
    assert read.tables == {}


def test_an_unknown_header_is_one_warning_with_the_nearest_known_one(tmp_path):
    sheet = b.grid("loans", [b.LOAN, b.LOAN | {"借据号": "L0002"}])
    sheet[2] = ["当前利率值" if h == "当前利率" else h for h in sheet[2]]
    b.workbook(tmp_path / "填报.xlsx", sheets={"贷款借据": sheet})
    read = b.read(tmp_path)
    (finding,) = read.findings.to_pylist()
    assert (finding["check_id"], finding["row"], finding["value"]) == ("W0114", 3, "当前利率值")
    assert finding["message"].endswith("是否指“当前利率”？")
    statuses = {r["table"]: r["status"] for r in read.intake.to_pylist()}
    assert statuses == {
        "customers": "accepted",
        "loans": "accepted_with_warnings",
        "returns": "accepted",
    }


def test_more_columns_of_a_standard_table_are_no_news_but_a_look_alike_is(tmp_path):
    b.east(tmp_path)
    file = tmp_path / EAST_504
    text = file.read_bytes().decode("gbk")
    file.write_bytes(text.replace("XDYGH", "XDYGHH").replace("SFSNDK", "BBZD").encode("gbk"))
    (finding,) = found(b.read(tmp_path), "W0114")
    assert (finding["value"], finding["file"]) == ("XDYGHH", EAST_504)
    assert "是否指“XDYGH”" in finding["message"]


def test_an_unknown_item_names_the_nearest_known_one(tmp_path):
    b.workbook(tmp_path / "填报.xlsx", returns=[b.RETURN | {"项目代码": "G01.loan"}])
    (finding,) = found(b.read(tmp_path), "W0222")
    assert finding["message"].endswith("是否指“G01.loans”？")


def test_the_known_items_are_those_measures_use_and_the_other_cells_of_the_return():
    measures = params.load(b.ROOT / "params").measures.values()
    used = {c for m in measures if m.returns is not None for _, c in m.returns.columns}
    # Numbers answered on the sheet of rules and mechanisms (C4.4.balance) are not filed items.
    used = {item for item in used if not re.match(r"C\d", item)}
    known = set(b.CHECKS.by_id["W0222"].known)
    assert used <= known
    cells = r"S71_I_([13]\.[A-F][1235]|6\.[123]\.A5)|S63_I_(7\.1|9\.2)\.[CDGH]"
    one_sheet = {
        "QS.first_loan_customers", "QS.drawn_customers", "QS.ent_first_loan_customers",
        "QS.ent_drawn_customers", "QS.mse_long_balance", "QS.mse_renewal_balance",
        "QS.mse_revolving_balance", "QS.mse_revolving_customers", "QS.manufacturing_balance",
        "QS.agri_balance", "QS.ent_balance",
    }  # fmt: skip
    assert one_sheet <= known
    assert all(re.fullmatch(cells, item) for item in known - used - one_sheet)


def test_negative_figures_of_items_nobody_uses_are_not_judged(tmp_path):
    profit = b.RETURN | {"项目代码": "G04.profit", "数值": -5}
    b.workbook(tmp_path / "填报.xlsx", returns=[profit])
    assert {c for c, _ in b.fired(b.read(tmp_path))} == {"W0222"}


def test_non_performing_loans_of_another_day_are_not_compared(tmp_path):
    items = [
        ["QS.incl_balance", "余额", "万元", 100, 90, 90, 10],
        ["QS.incl_npl", "不良", "万元", 20, 5, 5, 20],
    ]
    b.one_sheet(tmp_path / "季报.xlsx", items)
    assert b.fired(b.read(tmp_path)) == {("E0223", "G10")}


def test_utf8_is_not_read_as_gbk(tmp_path):
    b.east(tmp_path)
    file = tmp_path / EAST_504
    file.write_bytes(file.read_bytes().decode("gbk").encode("utf-8"))
    assert b.refusals(b.read(tmp_path))[file.name].startswith("文件是 UTF-8 编码，应为 GBK。")


@pytest.mark.parametrize("error", ["#N/A", "#DIV/0!"])
def test_an_excel_error_is_a_finding_never_a_blank(tmp_path, error):
    path = tmp_path / "季报.xlsx"
    book = xlsxwriter.Workbook(str(path))
    sheet = book.add_worksheet("季度情况表")
    header = ["项目代码", "项目", "单位", "本季末", "年初", "上年同期", "上季末"]
    cover = [[k, v] for k, v in b.COVER.items()]
    for r, row in enumerate([*cover, header, ["QS.npl", "不良", "元", 4, 3, 3, 2]]):
        for c, value in enumerate(row):
            sheet.write(r, c, value)
    sheet.write_formula(7, 6, "=NA()", None, error)
    book.close()
    read = b.read(tmp_path)
    (finding,) = read.findings.to_pylist()
    assert (finding["check_id"], finding["cell"], finding["value"]) == ("E0113", "G8", error)
    assert f"的单元格是 Excel 错误值（{error}）" in finding["message"]
    (entry,) = read.intake.to_pylist()
    # Four figures: three said, 上年同期 repeats 年初.
    assert [entry[n] for n in ("rows_in", "accepted", "quarantined", "non_data")] == [4, 2, 1, 1]


def test_a_row_of_nothing_but_an_error_is_read(tmp_path):
    book = xlsxwriter.Workbook(str(tmp_path / "a.xlsx"))
    for name in ("甲", "乙"):
        sheet = book.add_worksheet(name)
        sheet.write(0, 0, "x")
    sheet.write_formula(2, 27, "=1/0", None, "#DIV/0!")
    book.close()
    grids, _ = open_workbook(tmp_path / "a.xlsx", "a.xlsx")
    assert grids["乙"].head[2][27] == "#DIV/0!"
    assert grids["甲"].head == [["x"]]


@pytest.mark.parametrize("name", ["说明.docx", "盖章.pdf", "照片.JPG"])
def test_a_letter_beside_the_data_is_not_used_and_not_refused(tmp_path, name):
    b.workbook(tmp_path / "填报.xlsx")
    (tmp_path / name).write_bytes(b"anything")
    read = b.read(tmp_path)
    assert b.refusals(read) == {}
    (entry,) = [r for r in read.intake.to_pylist() if r["file"] == name]
    assert entry["status"] == "accepted_with_warnings"
    assert entry["message"].startswith("未使用的文件")


@pytest.mark.parametrize("name", ["说明.txt", "明细.csv", "旧版.xls", "打包.zip"])
def test_data_no_layout_recognises_stays_refused(tmp_path, name):
    b.workbook(tmp_path / "填报.xlsx")
    (tmp_path / name).write_bytes(b"a,b\n1,2\n")
    assert set(b.refusals(b.read(tmp_path))) == {name}
