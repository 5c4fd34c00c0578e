"""EAST 5.0 as an extension of 4.0, the supplement's further columns, lists of item codes."""

import datetime as dt
from decimal import Decimal

import pytest

from intake import builders as b
from puhui.errors import ParamsError
from puhui.intake.layout_file import load_layout

FLAGS = {"SFPHXSNDK": "否", "SFPHXXWQYDK": "是"}
MORE = {
    "利率类型": "浮动利率", "终结方式": "借款人提前还款", "资金来源": "人民银行再贷款",
    "随借随还": "是", "重定价日期": "20210601", "风险缓释": "保单;存货",
    "保证人证件号": "91350100m000100y43",
}  # fmt: skip
BLANK = dict.fromkeys(MORE, "") | {"利率类型": "固定利率"}


def east50(folder, **rows):
    """The 4.0 extract under 5.0 names and with 5.0's two flags."""
    b.east(folder, rows=rows)
    for name in ("s203", "s501", "s503", "s504"):
        file = folder / b.EAST[name][0]
        lines = file.read_bytes().decode("gbk").splitlines()
        if name in ("s503", "s504"):
            at = lines[0].split("|").index("SFSNDK") + 1
            cells = [line.split("|") for line in lines]
            joined = [c[:at] + list(new) + c[at:] for c, new in zip(
                cells, [FLAGS, *[FLAGS.values()] * (len(lines) - 1)], strict=True)]  # fmt: skip
            lines = ["|".join(c) for c in joined]
        text = "\r\n".join([*lines, ""])
        file.with_name(file.name.replace("EAST_", "EAST5_")).write_bytes(text.encode("gbk"))
        file.unlink()
    return folder


def supplement(folder, *rows):
    """补充_借据.csv with the further columns: one row per loan."""
    header = [*b.EAST["extra"][2], *MORE]
    first = [b.EAST["extra"][2], b.PERSON_EXTRA]
    lines = [",".join(header)]
    for base, more in zip(first, rows, strict=True):
        lines.append(",".join((base | more)[h] for h in header))
    (folder / "补充_借据.csv").write_bytes("\r\n".join([*lines, ""]).encode("gbk"))


def test_east_50_reads_as_40_does(tmp_path):
    older, newer = b.read(b.east(tmp_path / "old")), b.read(east50(tmp_path / "new"))
    assert newer.findings.num_rows == 0 and not b.refusals(newer)
    assert newer.tables == older.tables
    assert newer.tables["loans"].num_rows == 2
    assert newer.absent == older.absent
    # The supplement went to 5.0, whose loans carry what stands in it.
    assert set(newer.tables["loans"]["rate_at_drawdown"].to_pylist()) == {
        Decimal("4.1"), Decimal("5.1"),
    }  # fmt: skip


def test_an_extract_in_both_versions_at_once_is_asked_about(tmp_path):
    east50(tmp_path)
    b.east(tmp_path, without=["lines", "extra"])
    refused = b.refusals(b.read(tmp_path))
    assert set(refused) == {"补充_借据.csv", "补充_客户授信.csv"}
    assert "几个版式都认得这个文件（EAST 4.0 文本（GBK）、EAST 5.0 文本（GBK））" in refused[
        "补充_借据.csv"
    ]  # fmt: skip


@pytest.mark.parametrize("build", [b.east, east50], ids=["4.0", "5.0"])
def test_the_supplement_may_bring_more(tmp_path, build):
    build(tmp_path)
    supplement(tmp_path, MORE, BLANK)
    read = b.read(tmp_path)
    assert read.findings.num_rows == 0
    loans = {r["loan_id"]: r for r in read.tables["loans"].to_pylist()}
    names = ("rate_type", "closure", "funding_source", "is_revolving", "repriced_on",
             "mitigants", "guarantor_id")  # fmt: skip
    assert [loans["L0001"][n] for n in names] == [
        "floating", "prepaid_by_borrower", "pbc_relending", True, dt.date(2021, 6, 1),
        ["inventory", "policy"], "91350100M000100Y43",
    ]  # fmt: skip
    assert [loans["L0002"][n] for n in names] == ["fixed", *[None] * 6]
    assert not set(names) & set(read.absent["loans"])


def test_columns_the_supplement_lacks_are_absent(tmp_path):
    read = b.read(b.east(tmp_path))
    assert read.findings.num_rows == 0
    assert {"rate_type", "closure", "funding_source", "is_revolving", "repriced_on",
            "mitigants", "guarantor_id"} <= set(read.absent["loans"])  # fmt: skip


def test_a_rate_type_that_is_there_must_be_filled(tmp_path):
    b.east(tmp_path)
    supplement(tmp_path, MORE, BLANK | {"利率类型": ""})
    (finding,) = b.read(tmp_path).findings.to_pylist()
    assert (finding["check_id"], finding["column"], finding["cell"]) == ("E0104", "rate_type", "G3")


def extension(tmp_path, text, base="east40_gbk"):
    source = b.ROOT / "params" / "layouts" / "east40_gbk.yaml"
    (tmp_path / f"{base}.yaml").write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
    path = tmp_path / "copy.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_an_extension_says_only_what_differs(tmp_path):
    text = """
extends: east40_gbk
id: copy
max_mb: 7
sources: {s501: {files: ["contract*.txt"]}}
maps: {size: {特大型企业: large}}
"""
    base, copy = b.LAYOUT["east40_gbk"], load_layout(extension(tmp_path, text))
    assert (copy.id, copy.extends, copy.max_bytes) == ("copy", "east40_gbk", 7 * 1024 * 1024)
    assert copy.sources["s501"].files == ("contract*.txt",)
    assert copy.sources["s501"].must_have == base.sources["s501"].must_have
    assert copy.sources["s504"] == base.sources["s504"]
    words = copy.tables["customers"][0].rules["size"].words
    assert words == base.tables["customers"][0].rules["size"].words | {"特大型企业": "large"}


@pytest.mark.parametrize(
    ("text", "words", "where"),
    [
        ("extends: east41\nid: x\n", "没有可扩展的版式“east41”", "copy.yaml:1"),
        ("extends: east40_gbk\nid: x\nmaxmb: 3\n", "不认识的键“maxmb”", "copy.yaml:3"),
        ("extends: east40_gbk\nid: x\nsources:\n  s501:\n    fils: [a]\n", "“fils”", "copy.yaml:5"),
        ("extends: east40_gbk\nid: x\ndates: ['%Y']\nrate_unit: promille\n", "不在可选之列",
         "copy.yaml:4"),
    ],
)  # fmt: skip
def test_a_wrong_extension_is_said_with_its_own_line(tmp_path, text, words, where):
    with pytest.raises(ParamsError, match=words) as raised:
        load_layout(extension(tmp_path, text))
    assert raised.value.where == where


def test_a_mistake_in_the_base_is_said_with_the_bases_line(tmp_path):
    path = extension(tmp_path, "extends: east40_gbk\nid: x\n")
    base = tmp_path / "east40_gbk.yaml"
    text = base.read_text(encoding="utf-8").replace("max_mb: 500", "max_mb: lots")
    base.write_text(text, encoding="utf-8")
    line = text.splitlines().index("max_mb: lots") + 1
    with pytest.raises(ParamsError) as raised:
        load_layout(path)
    assert raised.value.where == f"east40_gbk.yaml:{line}"


def test_an_extension_of_an_extension_is_refused(tmp_path):
    extension(tmp_path, "extends: east40_gbk\nid: x\n").rename(tmp_path / "middle.yaml")
    path = extension(tmp_path, "extends: middle\nid: y\n")
    with pytest.raises(ParamsError, match="“middle”自己也扩展别的版式"):
        load_layout(path)


HEAD = [
    "小微企业贷款情况表（节选）",
    f"机构编号,{b.BANK}",
    "报告期,2021Q4",
    "填报人,甲,联系电话,1",
    "",
]


def items(folder, *lines, head=HEAD, encoding="gbk", name="1104_S71.csv"):
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes("\r\n".join([*head, *lines, ""]).encode(encoding))
    return b.read(folder)


LINES = (
    "报表项目代码,项目名称,数值,单位",
    'S71_I_1.A5,贷款余额,"1,234.50",万元',
    "S71_I_1.B5,户数,１２,户",
    "备注：按季末数",
)


@pytest.mark.parametrize("encoding", ["gbk", "utf-8", "utf-8-sig"])
def test_a_list_of_items_is_dated_by_its_quarter(tmp_path, encoding):
    read = items(tmp_path, *LINES, encoding=encoding)
    assert read.findings.num_rows == 0
    rows = read.tables["returns"].to_pylist()
    assert [(r["item"], r["as_of"], r["basis"], r["value"], r["unit"]) for r in rows] == [
        ("S71_I_1.A5", dt.date(2021, 12, 31), "as_filed", Decimal("12345000.00"), "万元"),
        ("S71_I_1.B5", dt.date(2021, 12, 31), "as_filed", Decimal("12.00"), "户"),
    ]
    assert {r["institution_id"] for r in rows} == {b.BANK}


def test_a_list_may_date_its_figures_and_say_amount(tmp_path):
    read = items(
        tmp_path,
        "项目代码,项目名称,金额,单位,数据日期",
        "G01.loans,各项贷款,5,亿元,2020-12-31",
        "G01.loans,各项贷款,6,亿元,",
    )
    assert read.findings.num_rows == 0
    rows = {r["as_of"]: r["value"] for r in read.tables["returns"].to_pylist()}
    assert rows == {dt.date(2020, 12, 31): Decimal(500_000_000),
                    dt.date(2021, 12, 31): Decimal(600_000_000)}  # fmt: skip


@pytest.mark.parametrize(
    ("line", "other", "words"),
    [
        ("报告期,2021Q4", "报告期,2021年9月30日", "是2021年三季度，不是2021年四季度"),
        ("报告期,2021Q4", "报告期,", "没有填写“报告期”"),
        (f"机构编号,{b.BANK}", "机构编号,JYCZ0001", "不是本机构的"),
        (f"机构编号,{b.BANK}", "", "没有填写“机构编号”"),
    ],
)
def test_a_list_of_another_quarter_or_institution_is_refused(tmp_path, line, other, words):
    head = [other if h == line else h for h in HEAD]
    read = items(tmp_path, *LINES, head=head)
    assert words in b.refusals(read)["1104_S71.csv"]
    assert not read.tables


def test_several_lists_and_a_compressed_one_add_up(tmp_path):
    items(tmp_path, *LINES)
    read = items(tmp_path, "项目代码,数值,单位", "G11.npl,3,万元", name="1104_G11.csv")
    assert set(read.tables["returns"]["item"].to_pylist()) == {
        "S71_I_1.A5", "S71_I_1.B5", "G11.npl",
    }  # fmt: skip
