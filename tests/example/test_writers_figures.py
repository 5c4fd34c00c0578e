"""One-sheet quarterlies, item lists, registers and archives hold what went into them."""

from __future__ import annotations

import csv
import io
import unicodedata
from dataclasses import replace

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from example.filings import BANK, FIGURES, LATER, Q, filing, ledger, table
from puhui.errors import RunError
from puhui.example.writers import archive, item_list, one_sheet, supervisor

ITEMS: list[one_sheet.Item] = [
    ("QS.all_loans", "各项贷款余额", "万元", (1604005, 1480000, None, 1572010)),
    ("QS.assessed_customers", "户数", "户", (826, 812, 812, 823)),
    ("QS.npl", "各项贷款不良余额", "万元", (-705, 0, 45999, "约四百")),
]


@pytest.mark.parametrize("style", ["plain", "messy"])
def test_one_sheet_is_read_back(style: str) -> None:
    given = filing()
    content = one_sheet.sheet(given, ITEMS, style)["季度情况表.xlsx"]
    sheet = openpyxl.load_workbook(io.BytesIO(content))["季度情况表"]
    skip = 1 if style == "messy" else 0
    rows = {}
    for at, (item, *_) in enumerate(ITEMS):
        place = one_sheet.place(at, style)
        assert (place.file, place.sheet) == ("季度情况表.xlsx", "季度情况表")
        cells = [c.value for c in sheet[place.row]]
        assert cells[skip] == item and not any(cells[:skip])
        rows[item] = [
            unicodedata.normalize("NFKC", str(c)).replace(",", "")
            for c in cells[skip + 3 : skip + 7]
        ]
    nothing = "—" if style == "messy" else "None"
    assert rows == {
        "QS.all_loans": ["16040.05", "14800", nothing, "15720.1"],
        "QS.assessed_customers": ["826", "812", "812", "823"],
        "QS.npl": ["-7.05", "0", "459.99", "约四百"],
    }
    header = [c.value for c in sheet[one_sheet.place(0, style).row - 1]]
    assert header[skip:] == ["项目代码", "项目", "单位", "本季末", "年初", "上年同期", "上季末"]
    covered = {r[skip].value: r[skip + 1].value for r in sheet.iter_rows(min_row=2, max_row=7)}
    assert (covered["机构编号"], covered["报告期"]) == (BANK, "2021Q4")
    assert one_sheet.sheet(given, ITEMS, style)["季度情况表.xlsx"] == content


def test_messy_one_sheet_is_messy() -> None:
    content = one_sheet.sheet(filing(), ITEMS, "messy")["季度情况表.xlsx"]
    sheet = openpyxl.load_workbook(io.BytesIO(content)).active
    said = {str(c.value) for row in sheet.iter_rows() for c in row}
    assert {"14,800", "－7.05", "４５９.９９"} & said == {"14,800"}
    assert any(s.startswith("备注") for s in said)


def test_item_list_is_read_back() -> None:
    given = filing(returns=FIGURES)
    files = item_list.item_list(given, {"G01.loans": "各项贷款, 合计"})
    rows = list(csv.reader(io.StringIO(files["1104_报表数据.csv"].decode("gbk"), newline="")))
    assert rows == [
        ["1104报表数据（样例）"],
        ["机构编号", BANK],
        ["报告期", "2021Q4"],
        ["报表项目代码", "项目名称", "数值", "单位"],
        ["G01.loans", "各项贷款, 合计", "83700.1234", "万元"],
        ["G11.npl", "", "0", "万元"],
        ["QS.assessed_customers", "", "826", "户"],
        ["QS.npl", "", "5000000.05", "元"],
    ]
    places = item_list.places(given)
    assert [p and p.row for p in places.rows["returns"]] == [5, 6, 7, 8]
    wrong = replace(given, cells={("returns", 2, "value"): "八百余"})
    text = item_list.item_list(wrong, {})["1104_报表数据.csv"].decode("gbk")
    assert text.splitlines()[6] == "QS.assessed_customers,,八百余,户"


def test_item_list_has_no_column_for_other_days() -> None:
    with pytest.raises(RunError, match="本季末"):
        item_list.item_list(filing(returns=(*FIGURES, *LATER)), {})


def test_registers_of_the_supervisor() -> None:
    tables = {
        "institutions": table(
            "institutions",
            [
                {
                    "name": "甲样行",
                    "kind": "rural_commercial",
                    "level": "legal_person",
                    "legal_person_id": None,
                    "is_local_legal_person": True,
                    "county_code": "411526",
                    "legal_person_npl_ratio": 235,
                }
            ],
        ),
        "plans": table("plans", [{"item": "assessed_balance", "target": 123_456_78}]),
    }
    files = supervisor.registers(tables)
    assert files["institutions.csv"].decode("utf-8").splitlines() == [
        "机构编号,机构名称,机构类型,机构层级,是否地方法人,县区代码,法人各项贷款不良率",
        f"{BANK},甲样行,农村商业银行,法人机构,是,411526,2.35",
    ]
    assert files["plans.csv"].decode("utf-8").splitlines() == [
        "机构编号,项目,目标",
        f"{BANK},assessed_balance,123456.78",
    ]


@pytest.mark.parametrize("level", [archive.SMALLEST, archive.QUICK])
@pytest.mark.parametrize("name", ["loans", "customers"])
def test_archive_is_read_back(name: str, level: int) -> None:
    data = ledger()[name]
    data = data.append_column("quarter", pa.array([str(Q)] * data.num_rows))
    shuffled = data.take(pa.array(range(data.num_rows - 1, -1, -1)))
    content = archive.table(name, shuffled, level)
    read = pq.read_table(pa.BufferReader(content))
    assert read.column_names == data.column_names
    assert read.to_pylist() == data.to_pylist()
    assert [str(f.type).replace("element", "item") for f in read.schema] == [
        str(f.type) for f in data.schema
    ]
    assert archive.table(name, shuffled, level) == content


def test_archive_carries_nothing_else() -> None:
    metadata = pq.read_metadata(pa.BufferReader(archive.table("loans", ledger()["loans"])))
    assert metadata.metadata is None
    group = metadata.row_group(0)
    assert metadata.num_row_groups == 1
    assert not any(group.column(i).is_stats_set for i in range(group.num_columns))
    assert {group.column(i).compression for i in range(group.num_columns)} == {"ZSTD"}


def test_archive_sorts_by_institution_and_key() -> None:
    ids = [
        ("B2", "L1", "2021Q3"),
        ("B1", "L2", "2021Q4"),
        ("B1", "L2", "2021Q3"),
        ("B1", "L1", "x"),
    ]
    data = pa.table(
        dict(zip(("institution_id", "loan_id", "quarter"), zip(*ids, strict=True), strict=True))
    )
    read = pq.read_table(pa.BufferReader(archive.table("loans", data)))
    assert [tuple(r.values()) for r in read.to_pylist()] == sorted(ids)
