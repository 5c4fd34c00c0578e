"""Files refused as a whole: one clear line each, and the others go on."""

from dataclasses import replace

import pytest

from intake import builders as b
from puhui.errors import RunError
from puhui.intake import read_supervisor


def refused_line(read, file):
    """The one line about a refused file; nothing else is said about it."""
    (line,) = [r["message"] for r in read.intake.to_pylist() if r["file"] == file]
    assert file in b.refusals(read)
    assert "\n" not in line
    return line


def fraction(**changes):
    return b.LOAN | {"发放利率": 0.0435} | changes


def other_unit(folder):
    sheet = b.grid("loans", [b.LOAN])
    sheet[1] = ["单位：万元；利率：%（年化）"]
    return b.workbook(folder / "坏.xlsx", sheets={"贷款借据": sheet})


def other_header_unit(folder):
    sheet = b.grid("loans", [b.LOAN])
    sheet[2] = [f"{h}（万元）" if h == "发放金额" else h for h in sheet[2]]
    return b.workbook(folder / "坏.xlsx", sheets={"贷款借据": sheet})


def without_required_column(folder):
    sheet = b.grid("loans", [b.LOAN])
    at = sheet[2].index("担保方式")
    sheet[2:] = [row[:at] + row[at + 1 :] for row in sheet[2:]]
    return b.workbook(folder / "坏.xlsx", sheets={"贷款借据": sheet})


def bytes_named_xlsx(content):
    return lambda folder: (folder / "坏.xlsx").write_bytes(content)


def cover(**changes):
    return lambda folder: b.workbook(folder / "坏.xlsx", cover=b.COVER | changes)


BAD = {
    "not a workbook": (bytes_named_xlsx(b"hello"), "不是 Excel 工作簿"),
    "broken zip": (bytes_named_xlsx(b"PK\x03\x04junk"), "不是 Excel 工作簿"),
    "empty": (bytes_named_xlsx(b""), "空的"),
    "other quarter": (cover(报告期="2021Q3"), "是2021年三季度，不是2021年四季度"),
    "other quarter in words": (cover(报告期="2020年第四季度"), "是2020年四季度，不是"),
    "no quarter": (cover(报告期=None), "没有填写“报告期”"),
    "unreadable quarter": (cover(报告期="去年底"), "看不出是哪个季度"),
    "other institution": (cover(机构编号="JYNS0002"), "不是本机构的 JYNS0001"),
    "unknown layout": (lambda f: b.save(f / "坏.xlsx", {"Sheet1": [["甲", "乙"]]}), "没有版式认得"),
    "no data": (
        lambda f: b.workbook(f / "坏.xlsx", customers=[], loans=[], returns=[]),
        "没有一行数据",
    ),
    "rates as fractions": (
        lambda f: b.workbook(f / "坏.xlsx", loans=[fraction(), fraction(借据号="L0002")]),
        "中位数折合 0.0435%",
    ),
    "rates in basis points": (
        lambda f: b.workbook(f / "坏.xlsx", loans=[fraction(发放利率=435)]),
        "中位数折合 435%",
    ),
    "note states another unit": (other_unit, "单位（万元）"),
    "header states another unit": (other_header_unit, "单位（万元）"),
    "required column missing": (without_required_column, "缺少列：担保方式"),
}


@pytest.mark.parametrize("case", BAD)
def test_refused_in_one_line_while_the_other_file_goes_on(case, tmp_path):
    make, words = BAD[case]
    make(tmp_path)
    b.one_sheet(tmp_path / "季报.xlsx", [["QS.assessed_customers", "户数", "户", 12, 10, 10, 9]])
    read = b.read(tmp_path)
    line = refused_line(read, "坏.xlsx")
    assert words in line
    assert "请" in line
    assert set(read.tables) == {"returns"} and read.tables["returns"].num_rows == 3
    assert read.findings.num_rows == 0


def test_one_odd_rate_does_not_refuse_a_file(tmp_path):
    loans = [b.LOAN, b.LOAN | {"借据号": "L0002"}, fraction(借据号="L0003")]
    b.workbook(tmp_path / "填报.xlsx", loans=loans)
    assert b.read(tmp_path).tables["loans"].num_rows == 3


def test_a_file_over_the_limit_is_refused_before_it_is_opened(tmp_path):
    (tmp_path / "坏.xlsx").write_bytes(b"x" * 2000)
    small = [replace(layout, max_bytes=1000) for layout in b.LAYOUTS]
    line = refused_line(b.read(tmp_path, layouts=small), "坏.xlsx")
    assert "超过上限" in line


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [("CJRQ", "20210930", "是2021年三季度"), ("JRXKZH", "JYDX0001", "不是本机构")],
)
def test_an_east_file_for_another_quarter_or_bank(tmp_path, field, value, words):
    b.east(tmp_path, rows={"s503": [b.EAST["s503"][2] | {field: value}]})
    read = b.read(tmp_path)
    assert words in refused_line(read, "EAST_503_个人信贷业务借据表.txt")
    assert "loans" not in read.tables and "customers" not in read.tables
    assert "EAST_503_个人信贷业务借据表.txt 被退回" in read.missing["loans"]


def test_a_single_row_of_another_bank_refuses_the_extract(tmp_path):
    row = b.EAST["s504"][2]
    other = row | {"XDJJH": "L0009", "JRXKZH": "JYDX0001"}
    read = b.read(b.east(tmp_path, rows={"s504": [row, other]}))
    assert "JYDX0001" in refused_line(read, "EAST_504_对公信贷业务借据表.txt")


def test_text_in_another_encoding_is_refused(tmp_path):
    b.east(tmp_path)
    file = tmp_path / "EAST_203_对公客户信息表.txt"
    file.write_bytes(b"\x00\x01\x02\xff\xfe\xff\xff")
    assert "编码" in refused_line(b.read(tmp_path), file.name)


def test_an_office_lock_file_is_no_submission(tmp_path):
    b.workbook(tmp_path / "填报.xlsx")
    (tmp_path / "~$填报.xlsx").write_bytes(b"lock")
    (tmp_path / ".DS_Store").write_bytes(b"x")
    assert b.refusals(b.read(tmp_path)) == {}


def test_a_missing_folder_is_the_callers_error(tmp_path):
    with pytest.raises(RunError, match="找不到报送文件夹"):
        b.read(tmp_path / "nowhere")


def test_an_empty_folder_gives_nothing(tmp_path):
    read = b.read(tmp_path)
    assert (read.tables, read.quarantine, read.intake.num_rows) == ({}, {}, 0)


def test_a_supervisor_file_that_cannot_be_read_is_refused_too(tmp_path):
    b.supervisor(tmp_path, branches=["甲,乙", "1,2"])
    read = read_supervisor(tmp_path, layouts=b.LAYOUTS, checks=b.CHECKS, hasher=b.HASHER)
    assert set(b.refusals(read)) == {"branches.csv"}
    assert set(read.tables) == {"institutions", "plans"}


def test_a_supplement_with_odd_rates_is_refused_itself(tmp_path):
    """The file that carries the rates is at fault, not the one they are joined to."""
    extra = [r | {"发放利率": "0.041"} for r in (b.EAST["extra"][2], b.PERSON_EXTRA)]
    read = b.read(b.east(tmp_path, rows={"extra": extra}))
    assert "0.041%" in refused_line(read, "补充_借据.csv")
    assert read.tables["loans"].num_rows == 2
    assert "rate_at_drawdown" in read.absent["loans"]


def test_a_supplement_without_a_needed_column_is_refused_itself(tmp_path):
    b.east(tmp_path)
    file = tmp_path / "补充_借据.csv"
    file.write_bytes(file.read_bytes().decode("gbk").replace("发放利率", "利率").encode("gbk"))
    read = b.read(tmp_path)
    assert "缺少列：发放利率" in refused_line(read, file.name)
    assert read.tables["loans"].num_rows == 2


def test_npl_ratios_are_no_interest_rates(tmp_path):
    """A published ratio of 0.12 % is small, and right."""
    lines = [line.replace("1.35", "0.12") for line in b.SUPERVISOR["institutions.csv"]]
    b.supervisor(tmp_path, institutions=lines)
    read = read_supervisor(tmp_path, layouts=b.LAYOUTS, checks=b.CHECKS, hasher=b.HASHER)
    assert b.refusals(read) == {}
