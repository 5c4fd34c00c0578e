"""Compressed texts and Parquet files: read like any other, refused in one line when they cannot."""

import datetime as dt
import gzip
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from intake import builders as b
from puhui.intake import load_layouts
from puhui.intake.parquet import column_text, open_parquet
from puhui.intake.reading import Refusal, open_text

SUFFIX = ".gz"


def compress(folder, *patterns):
    for file in [f for p in patterns for f in folder.glob(p)]:
        file.with_name(file.name + SUFFIX).write_bytes(gzip.compress(file.read_bytes()))
        file.unlink()


def test_compressed_texts_read_as_the_texts_do(tmp_path):
    plain = b.read(b.east(tmp_path / "plain"))
    packed = b.east(tmp_path / "packed")
    compress(packed, "*.txt", "*.csv")
    read = b.read(packed)
    assert read.tables == plain.tables
    assert set(read.tables) == {"customers", "loans"} and read.findings.num_rows == 0
    files = read.intake["file"].to_pylist()
    assert files and all(f.endswith(SUFFIX) for f in files)


def test_findings_name_the_file_as_it_was_sent(tmp_path):
    b.east(tmp_path, rows={"s504": [b.EAST["s504"][2] | {"DKYE": "八十万"}]})
    compress(tmp_path, "EAST_504_*")
    (finding,) = b.read(tmp_path).findings.to_pylist()
    assert (finding["file"], finding["cell"]) == ("EAST_504_对公信贷业务借据表.txt.gz", "J2")


@pytest.mark.parametrize("suffix", [".txt.GZ", ".TXT.gz"])
def test_case_of_the_suffix_does_not_matter(tmp_path, suffix):
    b.east(tmp_path)
    file = tmp_path / b.EAST["s504"][0]
    packed = file.with_name(file.stem + suffix)
    packed.write_bytes(gzip.compress(file.read_bytes()))
    file.unlink()
    assert b.read(tmp_path).tables["loans"].num_rows == 2


def damaged(tmp_path, change):
    b.east(tmp_path)
    compress(tmp_path, "EAST_504_*")
    (file,) = tmp_path.glob("EAST_504_*")
    file.write_bytes(change(file.read_bytes()))
    read = b.read(tmp_path)
    assert set(b.refusals(read)) == {file.name}
    assert "loans" in read.missing and "loans" not in read.tables
    assert read.tables["customers"].num_rows == 2  # the other files go on
    return b.refusals(read)[file.name]


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: raw[: len(raw) // 2],
        lambda raw: raw[:-4],
        lambda raw: b"XDJJH|KHTYBH\r\n",
        lambda raw: raw[:30] + bytes([raw[30] ^ 255]) + raw[31:],
    ],
    ids=["half", "without its length", "not gzip", "a byte changed"],
)
def test_a_damaged_gzip_is_refused_in_one_line(tmp_path, change):
    line = damaged(tmp_path, change)
    assert line == "解不开：不是 gzip 压缩文件，或没有传完整。 请重新压缩后再报送。"


def test_a_gzip_of_nothing_is_refused(tmp_path):
    assert "解压后是空的" in damaged(tmp_path, lambda raw: gzip.compress(b""))


def test_a_gzip_that_swells_over_the_limit_is_refused_without_unpacking_it(tmp_path):
    file = tmp_path / "EAST_504_x.txt.gz"
    file.write_bytes(gzip.compress(b"0123456\n" * 131_072 + b"0"))
    assert file.stat().st_size < 5000
    source = b.LAYOUT["east40_gbk"].sources["s504"]
    with pytest.raises(Refusal, match="解压后超过上限 1 MB"):
        open_text(file, file.name, source, 1_048_576)
    file.write_bytes(gzip.compress(b"0123456\n" * 131_072))  # exactly at the limit
    assert open_text(file, file.name, source, 1_048_576).head


LAYOUT = """
id: plans
label: 计划
sender: institution
nulls: ["-"]
dates: ["%Y-%m-%d"]
sources:
  list: {files: ["plan*.parquet"], must_have: [项目, 目标]}
declares: {quarter: none, institution: none}
tables:
  plans:
    - from: list
      by_label: true
"""


def read_plans(folder, table):
    layout = folder / "layouts" / "plans.yaml"
    layout.parent.mkdir(parents=True)
    layout.write_text(LAYOUT, encoding="utf-8")
    (folder / "sub").mkdir()
    pq.write_table(table, folder / "sub" / "plan.parquet")
    return b.read(folder / "sub", layouts=load_layouts([layout]))


def test_a_layout_may_name_parquet_columns_in_chinese(tmp_path):
    target = pa.array([Decimal("1.50"), Decimal("-2.00"), None], pa.decimal128(12, 2))
    read = read_plans(tmp_path, pa.table({"目标": target, "项目": ["A", "B", "C"]}))
    plans = {p["item"]: p["target"] for p in read.tables["plans"].to_pylist()}
    assert plans == {"A": Decimal("1.50"), "B": Decimal("-2.00")}
    (finding,) = read.findings.to_pylist()  # the third row, below the header's row 1
    assert (finding["check_id"], finding["row"], finding["cell"]) == ("E0104", 4, "A4")


def test_a_damaged_parquet_is_refused_in_one_line(tmp_path):
    read = read_plans(tmp_path, pa.table({"项目": ["A"], "目标": [1]}))
    assert read.tables["plans"].num_rows == 1
    file = tmp_path / "sub" / "plan.parquet"
    for raw in (file.read_bytes()[:-9], b"PAR1 and nothing else", b"x"):
        file.write_bytes(raw)
        again = b.read(tmp_path / "sub", layouts=load_layouts([tmp_path / "layouts"]))
        line = "打不开：不是 Parquet 文件，或文件已损坏。 请重新导出后再报送。"
        assert b.refusals(again) == {"plan.parquet": line}
        assert "plans" in again.missing


@pytest.mark.parametrize(
    "column",
    [
        pa.array([{"a": 1}]),
        pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64())),
        pa.array([[1, 2]]),
        pa.array([b"raw"]),
        pa.array([dt.time(1, 2)]),
    ],
    ids=["struct", "map", "list of numbers", "bytes", "time of day"],
)
def test_a_type_nobody_can_read_is_refused_with_its_column(tmp_path, column):
    read = read_plans(tmp_path, pa.table({"项目": ["A"], "目标": [1], "下达单位": column}))
    assert "列“下达单位”的类型" in b.refusals(read)["plan.parquet"]


def test_a_parquet_of_too_many_cells_is_refused_before_it_is_read(tmp_path):
    file = tmp_path / "x.parquet"
    pq.write_table(pa.table({"项目": pa.nulls(1_048_577, pa.string())}), file)
    assert file.stat().st_size < 5000
    with pytest.raises(Refusal, match="解开后超过上限 1 MB"):
        open_parquet(file, "x.parquet", 1_048_576)


@pytest.mark.parametrize(
    ("values", "kind", "texts"),
    [
        ([True, False, None], pa.bool_(), ["是", "否", None]),
        ([dt.date(2021, 3, 5), None], pa.date32(), ["2021-03-05", None]),
        ([dt.datetime(2021, 3, 5), dt.datetime(2021, 3, 5, 9)], pa.timestamp("us"),
         ["2021-03-05", "2021-03-05 09:00:00"]),
        ([Decimal("0.0000001"), Decimal("-12345678901234.50")], pa.decimal128(30, 7),
         ["0.0000001", "-12345678901234.5000000"]),
        ([Decimal("1200.00")], pa.decimal128(18, 2), ["1200.00"]),
        ([0, -7, 2**62], pa.int64(), ["0", "-7", str(2**62)]),
        ([0.1 + 0.2, 4.35, 1e6], pa.float64(), ["0.3", "4.35", "1000000"]),
        ([" a ", "", "  ", None], pa.large_string(), ["a", None, None, None]),
        ([["ip", "home"], [], None, ["ip", None]], pa.list_(pa.string()),
         ["ip;home", None, None, "ip"]),
        ([None, None], pa.null(), [None, None]),
    ],
)  # fmt: skip
def test_typed_values_become_the_texts_a_person_would_write(values, kind, texts):
    column = pa.chunked_array([pa.array(values, kind)])
    assert column_text(column).to_pylist() == texts


def test_dictionary_columns_and_several_row_groups_are_read(tmp_path):
    words = pa.array(["A", "B", "A"]).dictionary_encode()
    (tmp_path / "sub").mkdir()
    file = tmp_path / "x.parquet"
    pq.write_table(pa.table({"项目": words, "目标": [1, 2, 3]}), file, row_group_size=2)
    columns, whole = open_parquet(file, "x.parquet", 1_048_576).body(1)
    assert [c.to_pylist() for c in columns] == [["A", "B", "A"], ["1", "2", "3"]]
    assert whole.to_pylist() == [True] * 3
