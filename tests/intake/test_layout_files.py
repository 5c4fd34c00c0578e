"""Layout and check files: what is wrong with one is said with file and line."""

import re
from pathlib import Path

import pytest

from intake import builders as b
from puhui.errors import ParamsError
from puhui.intake import load_checks, load_layouts
from puhui.intake.layout_file import load_layout

EAST = b.ROOT / "params" / "layouts" / "east40_gbk.yaml"


def altered(tmp_path: Path, old: str, new: str) -> Path:
    """A copy of the EAST layout with one place changed."""
    text = EAST.read_text(encoding="utf-8")
    assert text.count(old) >= 1
    path = tmp_path / "copy.yaml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("        loan_id: XDJJH\n", "", "必填列“loan_id”（借据号）没有来源"),
        ("        rate_type:\n", "        rate_typo:\n", "没有列“rate_typo”。是否指"),
        ("amount: DKJE", "amuont: DKJE", "没有列“amuont”。是否指“amount”"),
        ("map: guarantee}", "map: guarantie}", "没有名为“guarantie”的对照表。是否指“guarantee”"),
        ("from: contract.DBLX", "from: kontract.DBLX", "“kontract”不在 joins 里"),
        ("from: s504", "from: s505", "没有名为“s505”的来源"),
        ("新增: new", "新增: brandnew", "代码“brandnew”不存在"),
        ("sender: institution", "sender: anybody", "不在可选之列"),
        ("max_mb: 500", "max_mb: lots", "应为数字"),
        ("id: east40_gbk", "id: east40_gbk\nlabels: x", "不认识的键“labels”。是否指“label”"),
        ("quarter:\n", "quarters:\n", "不认识的键“quarters”。是否指“quarter”"),
        ("        purpose: 自由", "        balance: 没有\n        purpose: 自由", "既有来源又"),
        ("customer_id: KHTYBH\n        cert", "customer_id: {unit: 元}\n        cert", "没有写"),
    ],
)  # fmt: skip
def test_a_wrong_layout_names_file_line_and_remedy(tmp_path, old, new, words):
    with pytest.raises(ParamsError) as raised:
        load_layout(altered(tmp_path, old, new))
    assert words in str(raised.value)
    assert re.match(r"copy\.yaml:\d+", raised.value.where)


def test_the_line_is_that_of_the_mistake(tmp_path):
    path = altered(tmp_path, "amount: DKJE", "amuont: DKJE")
    lines = path.read_text(encoding="utf-8").splitlines()
    (number,) = [n for n, line in enumerate(lines, 1) if "amuont" in line]
    with pytest.raises(ParamsError) as raised:
        load_layout(path)
    assert raised.value.where == f"copy.yaml:{number}"


def test_two_layouts_of_one_id_are_refused(tmp_path):
    copy = altered(tmp_path, "max_mb: 500", "max_mb: 400")
    with pytest.raises(ParamsError, match="重复"):
        load_layouts([EAST, copy])


def test_a_folder_without_layouts_is_refused(tmp_path):
    with pytest.raises(ParamsError, match="没有找到任何版式"):
        load_layouts([tmp_path])


def test_a_new_banks_headers_need_a_layout_and_no_code(tmp_path):
    """Units, date order, words and null marks of another bank, all in YAML."""
    layout = tmp_path / "layouts" / "bank.yaml"
    layout.parent.mkdir()
    layout.write_text(
        """
id: other_bank
label: 乙银行清单
sender: institution
nulls: [NULL]
totals: [TOTAL]
rate_unit: fraction
dates: ["%d/%m/%Y"]
units: {千元: 1000}
sources:
  list:
    files: ["list*.txt"]
    encoding: utf-8
    delimiter: tab
    must_have: [code, day]
declares: {quarter: none, institution: {source: list, column: bank}}
tables:
  plans:
    - from: list
      columns:
        item: code
        target: {from: [wan, spare], unit: 万元}
        branch_id: {row: "true"}
""",
        encoding="utf-8",
    )
    folder = tmp_path / "sub"
    folder.mkdir()
    rows = ["list of plans", "bank\\tcode\\tday\\twan\\tspare", "{0}\\tA\\t31/12/2021\\t1.5\\tNULL",
            "{0}\\tB\\tNULL\\tNULL\\t2", "TOTAL\\t\\t\\t3.5"]  # fmt: skip
    text = "\n".join(rows).replace("\\t", "\t").format(b.BANK)
    (folder / "list1.txt").write_text(text, encoding="utf-8")
    read = b.read(folder, layouts=load_layouts([layout]))
    plans = read.tables["plans"].to_pylist()
    assert [(p["item"], str(p["target"]), p["branch_id"]) for p in plans] == [
        ("A", "15000.00", "3"),
        ("B", "20000.00", "4"),
    ]
    (entry,) = read.intake.to_pylist()
    assert (entry["rows_in"], entry["non_data"]) == (3, 1)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("severity: error", "severity: bad", "不在可选之列"),
        ("builtin: number", "builtin: numbre", "不在可选之列"),
        ("builtin: number,\n", "\n", "应恰好写一个"),
        ('condition: "balance <= amount"', 'condition: "balance <== amount"', "checks.yaml"),
        ("columns: [balance, amount], ", "", "缺少“columns”"),
        ("  E0101:", "  E0102:", "重复"),
    ],
)
def test_a_wrong_check_file_is_refused(tmp_path, old, new, words):
    text = (b.ROOT / "params" / "checks.yaml").read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "checks.yaml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ParamsError) as raised:
        load_checks(path)
    assert words in str(raised.value)


def test_every_built_in_check_is_listed(tmp_path):
    text = (b.ROOT / "params" / "checks.yaml").read_text(encoding="utf-8")
    start, end = text.index("  W0112:"), text.index("  E0113:")
    path = tmp_path / "checks.yaml"
    path.write_text(text[:start] + text[end:], encoding="utf-8")
    with pytest.raises(ParamsError, match="uscc"):
        load_checks(path)
