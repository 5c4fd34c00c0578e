import datetime as dt
from fractions import Fraction

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from puhui.briefing.county import county_sections
from puhui.briefing.figures import Figure
from puhui.briefing.institution import institution_sections
from puhui.briefing.table import Column, Mark, NoData, Noted, Table, cell_text
from puhui.briefing.xlsx import write_annex

HOSTILE = ('=HYPERLINK("x")', "+1", "-1", "@SUM(A1)", "<script>alert(1)</script>", "𠮷㙓", "0012")


def one_sheet(path, columns, rows):
    write_annex(path, [Table("t", "表", columns, rows)], title="附表")
    return openpyxl.load_workbook(path)["表"]


def test_text_is_written_as_text(tmp_path):
    rows = tuple((text,) for text in HOSTILE)
    sheet = one_sheet(tmp_path / "a.xlsx", (Column("a", "甲"),), rows)
    cells = [sheet.cell(3 + n, 1) for n in range(len(HOSTILE))]
    assert [c.value for c in cells] == list(HOSTILE)
    assert {c.data_type for c in cells} == {"s"}


def test_hostile_headers_and_titles_are_text_too(tmp_path):
    table = Table("t", "=1+1[?]:*/\\'", (Column("a", "=2+2", note="=3"),), (("x",),), ("=4+4",))
    write_annex(tmp_path / "a.xlsx", [table, table], title="=5+5", notes=["=6+6"])
    book = openpyxl.load_workbook(tmp_path / "a.xlsx")
    assert len(book.sheetnames) == 3
    cells = [c for sheet in book for row in sheet for c in row if c.value is not None]
    assert "f" not in {c.data_type for c in cells}
    assert {"=2+2", "=4+4", "=5+5", "=6+6"} <= {c.value for c in cells}


def test_typed_cells_and_formats(tmp_path):
    columns = (
        Column("name", "指标", note="条款"),
        Column("money", "余额", "万元", "money_wan"),
        Column("share", "占比", "%", "percent"),
        Column("n", "户数", "户", "count"),
        Column("day", "日期", "", "date"),
        Column("verdict", "结论", "", "verdict"),
    )
    rows = (
        (Noted("甲", "公式"), Figure(Fraction("123456789.12"), "money_wan"),
         Figure(Fraction("3.004"), "percent", against=(Fraction(3),)), 1234,
         dt.date(2021, 12, 31), Mark("met", "√", "达标")),
        ("乙", NoData("缺表"), Figure(Fraction(3) + Fraction(1, 10**12), "percent",
         against=(Fraction(3),)), None, "2021-12-31", None),
    )  # fmt: skip
    sheet = one_sheet(tmp_path / "a.xlsx", columns, rows)
    assert [c.value for c in sheet[2]] == [
        "指标", "余额（万元）", "占比（%）", "户数（户）", "日期", "结论",
    ]  # fmt: skip
    money, share, count, day = (sheet.cell(3, n) for n in (2, 3, 4, 5))
    assert (money.value, money.number_format) == (12345.678912, "#,##0.00")
    assert (share.value, share.number_format) == (3.004, "#,##0.000")
    assert (count.value, count.number_format) == (1234, "#,##0")
    assert day.value == dt.datetime(2021, 12, 31)
    assert sheet.cell(3, 6).value == "√ 达标"
    assert [sheet.cell(4, n).value for n in (2, 3, 4)] == ["无数据：缺表", "略高于3.00", "—"]
    assert sheet.freeze_panes == "B3"
    assert sheet.cell(2, 1).comment.text == "条款"
    assert sheet.cell(3, 1).comment.text == "公式"


def test_long_text_is_cut_and_says_so(tmp_path):
    sheet = one_sheet(tmp_path / "a.xlsx", (Column("a", "甲"),), (("字" * 40_000,),))
    value = sheet.cell(3, 1).value
    assert len(value) == 32_767
    assert value.endswith("…")


@pytest.mark.parametrize("page", ["RCB00001", "LGB00001", "VLB00001", "county"])
def test_every_table_of_a_page_is_in_its_annex(source, tmp_path, page):
    county = page == "county"
    sections = county_sections(source) if county else institution_sections(source, page)
    tables = [t for s in sections for t in s.tables]
    write_annex(tmp_path / "a.xlsx", tables, title="附表")
    book = openpyxl.load_workbook(tmp_path / "a.xlsx")
    sheets = book.worksheets[1:]
    assert [s.cell(1, 1).value for s in sheets] == [t.title for t in tables]
    assert len(tables) >= 2
    for sheet, table in zip(sheets, tables, strict=True):
        for r, row in enumerate(table.rows, start=3):
            for n, (value, column) in enumerate(zip(row, table.columns, strict=True), start=1):
                cell = sheet.cell(r, n)
                shown = cell_text(value, column)
                if cell.data_type == "n" and cell.value is not None:
                    digits = len(cell.number_format.partition(".")[2])
                    assert f"{cell.value:,.{digits}f}" == shown
                else:
                    assert (cell.value or "") == shown


def test_the_same_bytes_twice(source, tmp_path):
    tables = [t for s in county_sections(source) for t in s.tables]
    for name in ("a.xlsx", "b.xlsx"):
        write_annex(tmp_path / name, tables, title="附表", notes=["一"])
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()


@given(text=st.text(max_size=60))
def test_any_text_survives_a_workbook(tmp_path_factory, text):
    column = Column("a", "甲")
    path = tmp_path_factory.mktemp("x") / "a.xlsx"
    cell = one_sheet(path, (column,), ((text,),)).cell(3, 1)
    assert (cell.value or "") == cell_text(text, column)
    assert cell.data_type != "f"
