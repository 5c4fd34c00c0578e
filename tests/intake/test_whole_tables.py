"""A part of a ledger never passes for the ledger, and an empty sheet is not a nil return."""

import pytest

from intake import builders as b
from puhui.intake import load_layouts, read_supervisor

NAMES = {source: file for source, (file, _, _) in b.EAST.items()}
BAD_ROW = {"DKYE": "一百", "DKJE": "一百"}


def counted(read, file, table):
    (entry,) = [r for r in read.intake.to_pylist() if (r["file"], r["table"]) == (file, table)]
    return entry


@pytest.mark.parametrize(
    ("source", "lost"),
    [("s203", {"customers"}), ("s504", {"loans"}), ("s503", {"customers", "loans"})],
)
def test_a_required_file_not_sent_takes_its_tables_out(tmp_path, source, lost):
    read = b.read(b.east(tmp_path, without=[source]))
    assert set(read.missing) == lost
    assert set(read.tables) == {"customers", "loans"} - lost
    for table in lost:
        assert read.missing[table] == f"缺少文件 {'_'.join(NAMES[source].split('_')[:2])}_*.txt。"


@pytest.mark.parametrize("source", ["s504", "s503"])
def test_a_required_file_without_a_row_takes_the_ledger_out(tmp_path, source):
    read = b.read(b.east(tmp_path, rows={source: []}))
    assert "loans" not in read.tables
    assert read.missing["loans"].startswith(f"{NAMES[source]} 被退回：文件里没有一行数据")


def test_rows_of_the_other_part_are_counted_and_the_line_says_they_are_not_used(tmp_path):
    read = b.read(b.east(tmp_path, rows={"s504": []}))
    entry = counted(read, NAMES["s503"], "loans")
    assert (entry["rows_in"], entry["accepted"], entry["quarantined"]) == (1, 1, 0)
    assert "整张表不用，以上行只计数、不入库：EAST_504" in entry["message"]
    assert entry["status"] == "accepted_with_errors"
    assert counted(read, NAMES["s503"], "customers")["status"] == "accepted"


def test_a_required_file_refused_for_its_rates_takes_the_ledger_out(tmp_path):
    """Refused late, when the columns are read: the personal loans alone are not the ledger."""
    read = b.read(b.east(tmp_path, rows={"s504": [b.EAST["s504"][2] | {"SJLL": "0.0435"}]}))
    assert read.missing["loans"].startswith(f"{NAMES['s504']} 被退回：")
    assert set(read.tables) == {"customers"}


def test_a_required_file_all_quarantined_takes_the_ledger_out(tmp_path):
    read = b.read(b.east(tmp_path, rows={"s504": [b.EAST["s504"][2] | BAD_ROW]}))
    assert read.missing == {"loans": f"{NAMES['s504']} 的“贷款借据”没有一行可用（1 行全部隔离）。"}
    assert read.quarantine["loans"].num_rows == 1


def test_one_usable_row_keeps_the_ledger(tmp_path):
    """Rows in quarantine are counted beside the ledger, not instead of it."""
    row = b.EAST["s504"][2]
    read = b.read(b.east(tmp_path, rows={"s504": [row, row | BAD_ROW | {"XDJJH": "L0008"}]}))
    assert read.missing == {}
    assert read.tables["loans"].num_rows == 2


def test_a_second_file_of_a_source_refused_takes_the_ledger_out(tmp_path):
    b.east(tmp_path)
    text = (tmp_path / NAMES["s504"]).read_bytes().decode("gbk")
    other = text.replace("L0001", "L0009").replace("20211231", "20210930")
    (tmp_path / "EAST_504_续.txt").write_bytes(other.encode("gbk"))
    read = b.read(tmp_path)
    assert "EAST_504_续.txt 被退回" in read.missing["loans"]
    assert "loans" not in read.tables


def test_a_signed_nil_file_is_an_empty_part(tmp_path):
    read = b.read(b.east(tmp_path, rows={"s504": [{"JRXKZH": "本表无数据"}]}))
    assert read.missing == {} and b.refusals(read) == {}
    assert read.tables["loans"]["loan_id"].to_pylist() == ["L0002"]
    entry = counted(read, NAMES["s504"], "loans")
    assert (entry["rows_in"], entry["accepted"], entry["non_data"]) == (1, 0, 1)


def test_a_nil_line_with_rows_below_it_is_refused(tmp_path):
    rows = [{"JRXKZH": "本表无数据"}, b.EAST["s504"][2]]
    read = b.read(b.east(tmp_path, rows={"s504": rows}))
    assert "写明“本表无数据”，却有 1 行数据" in b.refusals(read)[NAMES["s504"]]
    assert "loans" in read.missing


def test_an_empty_sheet_is_no_ledger_of_no_loans(tmp_path):
    b.workbook(tmp_path / "填报.xlsx", loans=[])
    read = b.read(tmp_path)
    assert set(read.tables) == {"customers", "returns"}
    assert read.missing == {"loans": "填报.xlsx 的“贷款借据”没有数据，也没有写明“本表无数据”。"}


@pytest.mark.parametrize("row", [0, 3])
def test_a_signed_empty_sheet_is(tmp_path, row):
    sheet = b.grid("loans", [])
    sheet.insert(row, ["本表 无数据"])
    b.workbook(tmp_path / "填报.xlsx", sheets={"贷款借据": sheet})
    read = b.read(tmp_path)
    assert read.missing == {}
    assert read.tables["loans"].num_rows == 0


def test_a_workbook_of_nil_returns_alone_is_accepted(tmp_path):
    sheets = {
        name: [["本表无数据"], *b.grid(table, [])]
        for name, table in (
            ("客户信息", "customers"),
            ("贷款借据", "loans"),
            ("报表数据", "returns"),
        )
    }
    b.workbook(tmp_path / "填报.xlsx", sheets=sheets)
    read = b.read(tmp_path)
    assert b.refusals(read) == {} and read.missing == {}
    assert {t.num_rows for t in read.tables.values()} == {0} and len(read.tables) == 3


def test_a_sheet_that_is_not_there_is_simply_absent(tmp_path):
    b.workbook(tmp_path / "填报.xlsx", hidden=["报表数据"])
    read = b.read(tmp_path)
    assert set(read.tables) == {"customers", "loans"} and read.missing == {}


def test_a_table_of_quarantined_rows_alone_is_missing_and_its_loans_are_not_blamed(tmp_path):
    b.workbook(tmp_path / "填报.xlsx", customers=[b.CUSTOMER | {"授信额度": -1}])
    read = b.read(tmp_path)
    assert set(read.missing) == {"customers"}
    assert {check for check, _ in b.fired(read)} == {"E0217"}


def test_half_of_the_ledger_in_a_refused_workbook_takes_it_out(tmp_path):
    b.workbook(tmp_path / "一.xlsx")
    second = {
        "封面": [[k, v] for k, v in (b.COVER | {"报告期": "2021Q3"}).items()],
        "贷款借据": b.grid("loans", [b.LOAN | {"借据号": "L0002"}]),
    }
    b.save(tmp_path / "二.xlsx", second)
    read = b.read(tmp_path)
    assert set(read.tables) == {"customers", "returns"}
    assert read.missing["loans"].startswith("二.xlsx 被退回：“报告期”是2021年三季度")


def test_a_workbook_nobody_can_open_may_be_half_of_the_ledger(tmp_path):
    b.workbook(tmp_path / "一.xlsx")
    (tmp_path / "二.xlsx").write_bytes(b"PK\x03\x04junk")
    read = b.read(tmp_path)
    assert set(read.tables) == {"returns"}  # each filed figure stands for itself
    assert "二.xlsx 被退回" in read.missing["loans"]


@pytest.mark.parametrize("broken", [True, False])
def test_a_stray_workbook_beside_extracts_takes_nothing_out(tmp_path, broken):
    b.east(tmp_path)
    if broken:
        (tmp_path / "说明.xlsx").write_bytes(b"PK\x03\x04junk")
    else:
        b.save(tmp_path / "说明.xlsx", {"Sheet1": [["甲", "乙"]]})
    read = b.read(tmp_path)
    assert set(b.refusals(read)) == {"说明.xlsx"}
    assert {"customers", "loans"} == set(read.tables)


def test_blank_template_sheets_beside_extracts_take_nothing_out(tmp_path):
    b.east(tmp_path)
    b.workbook(tmp_path / "填报.xlsx", customers=[], loans=[])
    read = b.read(tmp_path)
    assert read.missing == {}
    assert read.tables["loans"].num_rows == 2 and read.tables["returns"].num_rows == 1


def test_a_part_marked_not_required_may_stay_away(tmp_path):
    text = (b.ROOT / "params" / "layouts" / "east40_gbk.yaml").read_text(encoding="utf-8")
    old = "    - from: s503\n      required: yes\n"
    assert text.count(old) == 2
    layout = tmp_path / "layout.yaml"
    layout.write_text(text.replace(old, old.replace("yes", "no")), encoding="utf-8")
    folder = b.east(tmp_path / "sub", without=["s503"])
    read = b.read(folder, layouts=load_layouts([layout]))
    assert read.missing == {}
    assert read.tables["loans"]["loan_id"].to_pylist() == ["L0001"]


def test_sub_folders_of_the_supervisor_are_not_its_lists(tmp_path):
    b.supervisor(tmp_path)
    series = tmp_path / "benchmarks" / "lpr.csv"
    series.parent.mkdir()
    series.write_text("date,rate\n2021-12-20,3.8\n", encoding="utf-8")
    read = read_supervisor(tmp_path, layouts=b.LAYOUTS, checks=b.CHECKS, hasher=b.HASHER)
    assert b.refusals(read) == {}
    assert {r["file"] for r in read.intake.to_pylist()} == set(b.SUPERVISOR)


def test_two_lines_of_one_customer_are_not_settled_by_their_order(tmp_path):
    """The line decides the scope: 503 rows of one person, two lines in the supplement."""
    lines = [
        b.EAST["lines"][2],
        b.PERSON_LINE,
        b.PERSON_LINE | {"授信额度": "30000000"},
    ]
    read = b.read(b.east(tmp_path, rows={"lines": lines}))
    (finding,) = [f for f in read.findings.to_pylist() if f["check_id"] == "E0402"]
    assert (finding["severity"], finding["column"]) == ("error", "credit_line")
    assert (finding["file"], finding["cell"]) == ("补充_客户授信.csv", "C3")
    assert read.quarantine["customers"]["check_id"].to_pylist() == ["E0402"]
    assert read.missing["customers"].startswith(NAMES["s503"])  # nobody else is in it


DISTINCT = """
id: rows
label: 一行一笔
sender: institution
dates: ["%Y-%m-%d"]
sources:
  list: {files: ["list*.csv"], encoding: utf-8, must_have: [cust, line]}
declares: {quarter: none, institution: none}
tables:
  customers:
    - from: list
      distinct: true
      columns:
        customer_id: cust
        kind: {value: enterprise}
        size: {value: small}
        credit_line: line
        credit_line_scope: {value: legal_person}
"""


def test_contradicting_repeats_of_a_key_are_all_quarantined(tmp_path):
    layout = tmp_path / "rows.yaml"
    layout.write_text(DISTINCT, encoding="utf-8")
    folder = tmp_path / "sub"
    folder.mkdir()
    rows = ["cust,line", "C1,100", "C2,5", "C1,200", "C2,5.00", "C1,100", "C3,"]
    (folder / "list.csv").write_text("\n".join([*rows, ""]), encoding="utf-8")
    read = b.read(folder, layouts=load_layouts([layout]))
    found = [(f["check_id"], f["column"], f["cell"]) for f in read.findings.to_pylist()]
    # C1 with two lines: both kept out, at their cells; the repeat of row 2 says nothing new.
    assert found == [
        ("E0402", "credit_line", "B2"),
        ("E0402", "credit_line", "B4"),
        ("E0104", "credit_line", "B7"),
    ]
    assert read.tables["customers"]["customer_id"].to_pylist() == ["C2"]
    entry = counted(read, "list.csv", "customers")
    assert (entry["accepted"], entry["quarantined"], entry["non_data"]) == (1, 3, 2)
