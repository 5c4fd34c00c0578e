"""One table of returns of many institutions: spellings, units, and cells that are wrong."""

import datetime as dt
from decimal import Decimal

import pytest

from intake import builders as b
from intake import returned as r
from puhui.errors import ParamsError
from puhui.intake.layout_file import load_layout

OTHER = "JYCZ0001"
LAYOUT = b.ROOT / "params" / "layouts" / "returns_table.yaml"
LONG_HEAD = ["机构编号", "季度", "项目", "数值", "单位"]


def read(folder, **changes):
    return b.read(folder, institution_id=None, **changes)


def long_text(folder, *lines, head="机构编号,季度,项目,数值,单位", above=(), encoding="utf-8"):
    rows = [line.split(",") for line in (*above, head, *lines)]
    r.text_file(folder / "汇总.csv", rows, encoding)
    return read(folder)


def wide_text(folder, header, *lines, above=()):
    r.text_file(folder / "汇总.csv", [x.split(",") for x in (*above, header, *lines)], "utf-8")
    return read(folder)


def figures(got):
    """(institution, item, day) → value."""
    rows = got.tables["returns"].to_pylist()
    return {(x["institution_id"], x["item"], x["as_of"].isoformat()): x["value"] for x in rows}


def findings(got):
    keys = ("check_id", "file", "sheet", "cell", "value")
    return sorted(tuple(f[k] for k in keys) for f in got.findings.to_pylist())


def counts(got, table="returns"):
    (row,) = [x for x in got.intake.to_pylist() if x["table"] == table]
    assert row["rows_in"] == row["accepted"] + row["quarantined"] + row["non_data"]
    return row["rows_in"], row["accepted"], row["quarantined"], row["non_data"]


def test_every_way_of_sending_the_forty_gives_the_same_rows(tmp_path):
    frame = r.figures()
    senders = {
        "long.csv": lambda p: r.text_file(p, r.long_rows(frame), "utf-8-sig"),
        "长表.txt": lambda p: r.text_file(p, r.long_rows(frame), "gbk"),
        "long.xlsx": lambda p: r.workbook(p, r.long_rows(frame)),
        "wide.csv": lambda p: r.text_file(p, r.wide_rows(frame), "gbk"),
        "宽表.csv": lambda p: r.text_file(p, r.wide_rows(frame), "utf-8"),
        "wide.xlsx": lambda p: r.workbook(p, r.wide_rows(frame)),
    }
    expected = set()
    for row in frame.to_dict("records"):
        year, number = int(row["quarter"][:4]), int(row["quarter"][-1])
        day = dt.date(year, 3 * number, (31, 30, 30, 31)[number - 1])
        for item, (_, unit) in r.ITEMS.items():
            if row[item] is not None:
                value = Decimal(row[item]) if item == r.COUNT else Decimal(row[item]) / 100
                expected.add((row["institution"], None, item, day, "as_filed", value, unit))
    for name, send in senders.items():
        folder = tmp_path / name
        send(folder / name)
        got = read(folder)
        assert got.findings.num_rows == 0, name
        rows = [tuple(x.values()) for x in got.tables["returns"].to_pylist()]
        assert set(rows) == expected and len(rows) == len(expected), name
        counts(got)
        counts(got, "institutions")


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2021Q4", "2021-12-31"), ("2021q4", "2021-12-31"), ("2021-Q3", "2021-09-30"),
        ("2021年四季度", "2021-12-31"), ("2021年第一季度", "2021-03-31"),
        ("2020年4季度末", "2020-12-31"), ("202112", "2021-12-31"), ("2021-06", "2021-06-30"),
        ("2021年6月末", "2021-06-30"), ("2021/9/30", "2021-09-30"), ("20201231", "2020-12-31"),
        ("２０２１年第四季度", "2021-12-31"), ("44561", "2021-12-31"),
    ],
)  # fmt: skip
def test_quarters_as_people_write_them(tmp_path, text, day):
    got = long_text(tmp_path, f"{b.BANK},{text},QS.npl,1,万元")
    assert set(figures(got)) == {(b.BANK, "QS.npl", day)}


@pytest.mark.parametrize(
    "text", ["2021Q5", "20213", "2021年11月", "2021-12-30", "去年底", "99991231"]
)
def test_a_quarter_nobody_can_read_is_a_finding_and_the_other_rows_go_on(tmp_path, text):
    got = long_text(tmp_path, f"{b.BANK},{text},QS.npl,1,万元", f"{OTHER},2021Q4,QS.npl,2,万元")
    assert findings(got) == [("E0115", "汇总.csv", None, "B2", text)]
    assert "请写成 2021Q4" in got.findings["message"][0].as_py()
    assert figures(got) == {(OTHER, "QS.npl", "2021-12-31"): Decimal(20_000)}
    assert counts(got) == (2, 1, 1, 0)


def test_text_in_a_number_is_a_finding_at_its_cell(tmp_path):
    wide = "机构编号,季度,各项贷款余额（万元）,各项贷款不良余额（万元）"
    lines = (f"{b.BANK},2021Q4,约三亿,5", f"{OTHER},2021Q4,300,4", "合计,,300,9")
    got = wide_text(tmp_path, wide, *lines)
    assert findings(got) == [("E0101", "汇总.csv", None, "C2", "约三亿")]
    assert figures(got) == {
        (b.BANK, "QS.npl", "2021-12-31"): Decimal(50_000),
        (OTHER, "QS.all_loans", "2021-12-31"): Decimal(3_000_000),
        (OTHER, "QS.npl", "2021-12-31"): Decimal(40_000),
    }
    assert counts(got) == (6, 3, 1, 2)  # figures: three rows of two columns


def test_an_unknown_item_is_kept_apart_and_the_nearest_name_is_said(tmp_path):
    got = long_text(
        tmp_path,
        f"{b.BANK},2021Q4,普惠型小微企业贷款余款,1,万元",
        f"{b.BANK},2021Q4,QS.incl_balanc,2,万元",
        f"{b.BANK},2021Q4,QS.incl_balance,3,万元",
    )
    assert findings(got) == [
        ("W0222", "汇总.csv", None, "C2", "普惠型小微企业贷款余款"),
        ("W0222", "汇总.csv", None, "C3", "QS.incl_balanc"),
    ]
    said = {f["cell"]: f["message"] for f in got.findings.to_pylist()}
    assert "是否指“普惠型小微企业贷款余额”" in said["C2"]
    assert "是否指“QS.incl_balance”" in said["C3"]
    assert figures(got)[b.BANK, "QS.incl_balance", "2021-12-31"] == 30_000


def test_a_column_nobody_knows_is_said_and_never_taken_for_its_neighbour(tmp_path):
    """不含贴现 is not a unit: the column is another figure than the one without brackets."""
    header = (
        "机构编号,季度,各项贷款余额（不含贴现）,各项贷款不良余额（万户）,各项贷款不良余额（元）"
    )
    got = wide_text(tmp_path, header, f"{b.BANK},2021Q4,300,2,1")
    assert [(f[0], f[3]) for f in findings(got)] == [("W0114", "C1"), ("W0114", "D1")]
    assert figures(got) == {(b.BANK, "QS.npl", "2021-12-31"): Decimal(1)}


def test_the_same_figure_twice_is_a_finding_on_both_rows(tmp_path):
    lines = (f"{b.BANK},2021Q4,QS.npl,1,万元", f"{b.BANK},202112,各项贷款不良余额,2,万元")
    got = long_text(tmp_path, *lines, f"{b.BANK},2021Q3,QS.npl,3,万元")
    assert [(f[0], f[3]) for f in findings(got)] == [("E0401", "C2"), ("E0401", "C3")]
    assert figures(got) == {(b.BANK, "QS.npl", "2021-09-30"): Decimal(30_000)}
    assert counts(got) == (3, 1, 2, 0)


def test_an_institution_twice_in_a_quarter_of_a_wide_table(tmp_path):
    header = "机构编号,季度,QS.all_loans（万元）,QS.npl（万元）"
    lines = (f"{b.BANK},2021Q4,9,1", f"{b.BANK},2021Q4,9,", f"{b.BANK},2021Q3,8,1")
    got = wide_text(tmp_path, header, *lines)
    assert [(f[0], f[3]) for f in findings(got)] == [("E0401", "C2"), ("E0401", "C3")]
    assert set(figures(got)) == {
        (b.BANK, "QS.npl", "2021-12-31"),
        (b.BANK, "QS.npl", "2021-09-30"),
        (b.BANK, "QS.all_loans", "2021-09-30"),
    }


def test_one_item_in_two_columns_is_refused_with_both_cells(tmp_path):
    header = "机构编号,季度,各项贷款余额（万元）,QS.all_loans（万元）"
    got = wide_text(tmp_path, header, f"{b.BANK},2021Q4,9,8")
    assert "C1 与 D1" in b.refusals(got)["汇总.csv"] and "请只留一列" in b.refusals(got)["汇总.csv"]
    assert not got.tables


def test_two_columns_of_quarters_are_refused(tmp_path):
    got = long_text(
        tmp_path, f"{b.BANK},2021Q4,2020Q4,QS.npl,1", head="机构编号,报告期,数据日期,项目,数值"
    )
    assert "B1 与 C1" in b.refusals(got)["汇总.csv"]


def test_a_figure_of_a_later_quarter_than_the_folders_is_a_finding(tmp_path):
    got = long_text(tmp_path, f"{b.BANK},2022Q1,QS.npl,1,万元", f"{b.BANK},2021Q4,QS.npl,1,万元")
    assert [(f[0], f[3]) for f in findings(got)] == [("E0219", "B2")]
    assert counts(got) == (2, 1, 1, 0)


def test_an_institution_without_a_proper_id_is_a_finding(tmp_path):
    got = long_text(tmp_path, "甲农商行,2021Q4,QS.npl,1,万元", f"{OTHER},2021Q4,QS.npl,1,万元")
    assert {(f[0], f[3]) for f in findings(got)} == {("E0107", "A2")}
    assert set(figures(got)) == {(OTHER, "QS.npl", "2021-12-31")}


@pytest.mark.parametrize(
    ("head", "above", "line", "value", "unit"),
    [
        ("项目,数值,单位", (), "QS.npl,1.5,亿元", 150_000_000, "亿元"),
        ("项目,数值,单位", (), "QS.npl,1.5,元", Decimal("1.5"), "元"),
        ("项目,数值（万元）", (), "QS.npl,1.5", 15_000, "万元"),
        ("项目,数值", ("单位：亿元",), "QS.npl,1.5", 150_000_000, "亿元"),
        ("项目,数值", (), "QS.npl,1.5", Decimal("1.5"), "元"),
        ("项目,数值,单位", ("单位：亿元",), "QS.npl,1.5,万元", 15_000, "万元"),
        ("项目,数值", ("单位：万元",), "QS.assessed_customers,15", 15, "户"),
        ("项目,数值（万元）", (), "QS.assessed_customers,15", 15, "户"),
    ],
)
def test_the_unit_is_the_rows_else_the_headers_else_the_notes_else_yuan(
    tmp_path, head, above, line, value, unit
):
    got = long_text(tmp_path, f"{b.BANK},2021Q4,{line}", head=f"机构编号,季度,{head}", above=above)
    (row,) = got.tables["returns"].to_pylist()
    assert (row["value"], row["unit"]) == (value, unit) and got.findings.num_rows == 0


@pytest.mark.parametrize(
    ("header", "above", "value"),
    [
        ("各项贷款余额（亿元）", (), 150_000_000),
        ("QS.all_loans(万元)", ("单位：亿元",), 15_000),
        ("各项贷款余额", ("单位：万元",), 15_000),
        ("各项贷款余额", (), Decimal("1.5")),
    ],
)
def test_the_unit_of_a_wide_column_is_its_own_else_the_notes_else_yuan(
    tmp_path, header, above, value
):
    got = wide_text(tmp_path, f"机构编号,季度,{header}", f"{b.BANK},2021Q4,1.5", above=above)
    assert list(figures(got).values()) == [value]


@pytest.mark.parametrize(
    ("item", "unit"), [("QS.npl", "户"), ("QS.assessed_customers", "万元"), ("QS.npl", "吨")]
)
def test_a_unit_the_item_cannot_have_is_a_finding(tmp_path, item, unit):
    got = long_text(tmp_path, f"{b.BANK},2021Q4,{item},1,{unit}")
    assert [(f[0], f[3]) for f in findings(got)] == [("E0106", "D2")]
    assert got.quarantine["returns"].num_rows == 1


def test_exact_codes_of_returns_are_headers_too(tmp_path):
    header = (
        "机构编号,季度,S71_I_1.A5（万元）,S71_I_3.A5（万元）,S71_I_1.B5（户）,G01.loans（亿元）"
    )
    got = wide_text(tmp_path, header, f"{b.BANK},2021Q4,1,2,3,4")
    assert {item: value for (_, item, _), value in figures(got).items()} == {
        "S71_I_1.A5": 10_000, "S71_I_3.A5": 20_000, "S71_I_1.B5": 3, "G01.loans": 400_000_000,
    }  # fmt: skip


def test_branches_may_be_told_apart(tmp_path):
    head = "机构编号,内部机构号,季度,项目,数值,单位"
    lines = (f"{b.BANK},B001,2021Q4,QS.npl,1,万元", f"{b.BANK},,2021Q4,QS.npl,2,万元")
    got = long_text(tmp_path, *lines, head=head)
    rows = got.tables["returns"].to_pylist()
    assert {x["branch_id"]: x["value"] for x in rows} == {"B001": 10_000, None: 20_000}
    assert got.findings.num_rows == 0


def test_a_workbook_may_have_a_sheet_for_each_quarter_and_others_are_said(tmp_path):
    sheets = {
        "三季度": [LONG_HEAD, [b.BANK, "2021Q3", "QS.npl", 1, "万元"]],
        "四季度": [
            LONG_HEAD,
            [b.BANK, "2021Q4", "QS.npl", "二", "万元"],
            [OTHER, "2021Q4", "QS.npl", 2, "万元"],
        ],
        "说明": [["数据取自各行报表"]],
    }  # fmt: skip
    b.save(tmp_path / "汇总.xlsx", sheets)
    got = read(tmp_path)
    assert findings(got) == [("E0101", "汇总.xlsx", "四季度", "D2", "二")]
    assert set(figures(got)) == {
        (b.BANK, "QS.npl", "2021-09-30"),
        (OTHER, "QS.npl", "2021-12-31"),
    }
    assert any("未使用的工作表：说明" in (x["message"] or "") for x in got.intake.to_pylist())


def test_a_header_of_two_rows_is_read(tmp_path):
    rows = [
        ["机构编号", "季度", "普惠型小微企业", None, "各项贷款"],
        [None, None, "贷款余额（万元）", "不良贷款余额（万元）", "余额（万元）"],
        [b.BANK, "2021Q4", 5, 1, 9],
    ]
    b.save(tmp_path / "汇总.xlsx", {"Sheet1": rows})
    values = {item: value for (_, item, _), value in figures(read(tmp_path)).items()}
    assert values == {"QS.incl_balance": 50_000, "QS.incl_npl": 10_000, "QS.all_loans": 90_000}


def test_a_name_under_a_group_is_not_read_without_the_group(tmp_path):
    """各项贷款余额 under 其中：信用 is another figure, whatever stands alone elsewhere."""
    rows = [
        ["机构编号", "季度", "各项贷款", "其中：信用", None],
        [None, None, "余额（万元）", "各项贷款余额（万元）", "不良余额（万元）"],
        [b.BANK, "2021Q4", 9, 3, 1],
    ]
    b.save(tmp_path / "汇总.xlsx", {"Sheet1": rows})
    got = read(tmp_path)
    assert list(figures(got).items()) == [((b.BANK, "QS.all_loans", "2021-12-31"), 90_000)]
    assert [(f[0], f[3]) for f in findings(got)] == [("W0114", "D2"), ("W0114", "E2")]


def test_a_row_of_units_below_the_header_is_read(tmp_path):
    header = "机构编号,季度,各项贷款余额,普惠小微贷款户数（不含票据）"
    got = wide_text(tmp_path, header, ",,（万元）,（户）", f"{b.BANK},2021Q4,9,3")
    assert {item: value for (_, item, _), value in figures(got).items()} == {
        "QS.all_loans": 90_000, "QS.assessed_customers": 3,
    }  # fmt: skip


def test_a_table_without_any_item_says_what_was_looked_for(tmp_path):
    got = wide_text(tmp_path, "机构编号,季度,存款余额（万元）", f"{b.BANK},2021Q4,1")
    line = b.refusals(got)["汇总.csv"]
    assert "机构编号、数据日期、数值" in line and "至少一列报送项目" in line


def test_a_refused_table_does_not_pass_for_a_file_another_layout_names(tmp_path):
    """A damaged list of one lender layout is not taken for lost returns."""
    (tmp_path / "sba_7a_broken.csv").write_text("nothing\n", encoding="utf-8")
    assert "returns" not in read(tmp_path).missing


def test_the_examples_of_the_readme_are_read_as_it_says(tmp_path):
    text = (b.ROOT / "params" / "layouts" / "README.md").read_text(encoding="utf-8")
    tables = [t for t in text.split("\n\n") if t.startswith("| 机构编号 |")]
    assert len(tables) == 2
    values = []
    for number, table in enumerate(tables):
        lines = [line.strip("| ").split(" | ") for line in table.strip().splitlines()]
        folder = tmp_path / str(number)
        r.text_file(folder / "例.csv", [lines[0], *lines[2:]], "gbk")
        got = read(folder)
        assert got.findings.num_rows == 0
        values.append({key[1:]: value for key, value in figures(got).items()})
    long, wide = values
    assert long == {
        ("QS.incl_balance", "2021-12-31"): 100_000_000,
        ("QS.incl_npl", "2021-12-31"): 5_000_000,
        ("QS.assessed_customers", "2021-12-31"): 320,
        ("QS.assessed_balance", "2020-12-31"): 88_000_000,
    }
    assert {k: wide[k] for k in long} == long and len(wide) == 12
    assert wide["QS.all_loans", "2021-12-31"] == 320_000_000


def test_the_items_are_those_intake_knows():
    """Both ways: a header the layout accepts is an item in use, and every item has a header."""
    layout = b.LAYOUT["returns_table"]
    assert set(layout.items) == set(b.CHECKS.builtin("unknown_item").known)
    counted = {code for code, item in layout.items.items() if not item.is_money}
    letters = {
        code for code in layout.items if code[:3] == "S71" and code.split(".")[-1][0] in "BE"
    }
    assert letters <= counted and "S71_I_1.A5" not in counted


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("QS.npl: [各项贷款不良余额", "QS.npl: [各项贷款余额", "“各项贷款余额”既是 QS.all_loans"),
        ("  户:\n", "  头:\n", "没有“头”"),
        ("unknown: keep", "unknown: drop", "不在可选之列"),
    ],
)  # fmt: skip
def test_a_wrong_catalogue_of_items_is_said_with_its_line(tmp_path, old, new, words):
    text = LAYOUT.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "copy.yaml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ParamsError, match=words) as raised:
        load_layout(path)
    line = text[: text.index(old)].count("\n") + 1
    assert raised.value.where == f"copy.yaml:{line}"


def test_items_as_columns_need_items(tmp_path):
    text = LAYOUT.read_text(encoding="utf-8")
    start, end = text.index("items:\n  money:"), text.index("sources:\n")
    path = tmp_path / "copy.yaml"
    path.write_text(text[:start] + text[end:].replace("map: items, ", ""), encoding="utf-8")
    with pytest.raises(ParamsError, match="要先写明 items"):
        load_layout(path)
