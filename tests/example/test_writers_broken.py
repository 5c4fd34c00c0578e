"""Broken rows fire the check they were planted for, where they stand, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from example.filings import BANK, BRANCHES, FIGURES, Q, filing
from puhui.errors import RunError
from puhui.example.chance import Dice
from puhui.example.writers import broken, east, item_list, one_sheet, recipes, workbook
from puhui.example.writers.broken import Planted
from puhui.example.writers.filing import Filing
from puhui.intake import (
    Hasher,
    Submission,
    load_checks,
    load_layouts,
    read_submission,
)

ROOT = Path(__file__).parents[2]
REGISTER = pa.table(
    {
        "branch_id": list(BRANCHES),
        "institution_id": [BANK] * len(BRANCHES),
        "name": list(BRANCHES.values()),
        "head_staff_id": pa.nulls(len(BRANCHES), pa.string()),
    }
)
ITEMS: list[one_sheet.Item] = [
    ("QS.all_loans", "各项贷款余额", "万元", (1604005, 1480000, 1480000, 1572010)),
    ("QS.npl", "各项贷款不良余额", "万元", (70500, 70000, 70000, 69000)),
]


def read(folder: Path, files: dict[str, bytes]) -> Submission:
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return read_submission(
        folder,
        quarter=Q,
        institution_id=BANK,
        layouts=load_layouts([ROOT / "params" / "layouts"]),
        checks=load_checks(ROOT / "params" / "checks.yaml"),
        hasher=Hasher(b"key of the writers' tests"),
        register=REGISTER,
    )


def wanted(planted: list[Planted]) -> list[tuple[Any, ...]]:
    return sorted(
        (p.table, p.check, p.severity, p.column, p.file, p.sheet or "", p.row) for p in planted
    )


def found(read: Submission) -> list[tuple[Any, ...]]:
    names = ("table", "check_id", "severity", "column", "file", "sheet", "row")
    return sorted(tuple(f[n] or "" for n in names) for f in read.findings.to_pylist())


def accepted(read: Submission, sound: Submission, planted: list[Planted]) -> None:
    """Rows read are those of the filing without errors, and the warned ones."""
    for name, rows in read.tables.items():
        warned = [p for p in planted if p.table == name and p.severity != "error"]
        assert rows.num_rows == sound.tables[name].num_rows + len(warned), name
        kept = {str(r) for r in sound.tables[name].to_pylist()}
        assert kept <= {str(r) for r in rows.to_pylist()}, name


def planted_in(given: Filing, layout: str, seed: str) -> tuple[Filing, list[Planted]]:
    return broken.plant(given, Dice(seed), recipes.fitting(layout))


@pytest.mark.parametrize("seed", ["a", "b"])
@pytest.mark.parametrize("style", workbook.STYLES)
def test_workbook(tmp_path: Path, style: str, seed: str) -> None:
    spoilt, planted = planted_in(filing(), "workbook", seed)
    assert {(p.table, p.check) for p in planted} == {
        k for k in recipes.fitting("workbook") if k[0] != "cases"
    }
    planted = broken.located(planted, workbook.places(spoilt, style))
    result = read(tmp_path, workbook.fill_in(spoilt, style))
    assert found(result) == wanted(planted)
    (tmp_path / "sound").mkdir()
    accepted(result, read(tmp_path / "sound", workbook.fill_in(filing())), planted)


@pytest.mark.parametrize("version", east.VERSIONS)
@pytest.mark.parametrize("packed", [False, True])
def test_east(tmp_path: Path, version: str, packed: bool) -> None:
    spoilt, planted = planted_in(filing(), "east", version)
    assert {(p.table, p.check) for p in planted} == set(recipes.fitting("east"))
    planted = broken.located(planted, east.places(spoilt, version, packed=packed))
    assert {p.file.split("_")[1] for p in planted} >= {"203", "503", "504"} or packed
    result = read(tmp_path, east.extract(spoilt, version, packed=packed))
    assert found(result) == wanted(planted)
    (tmp_path / "sound").mkdir()
    accepted(result, read(tmp_path / "sound", east.extract(filing(), version)), planted)


def test_item_list(tmp_path: Path) -> None:
    spoilt, planted = planted_in(filing(returns=FIGURES), "item_list", "c")
    planted = broken.located(planted, item_list.places(spoilt))
    assert {p.check for p in planted} == {"E0101", "E0104", "E0105", "E0106", "E0221", "W0222"}
    assert found(read(tmp_path, item_list.item_list(spoilt, {}))) == wanted(planted)


@pytest.mark.parametrize("style", ["plain", "messy"])
def test_one_sheet(tmp_path: Path, style: str) -> None:
    items, planted = broken.plant_items(ITEMS, Dice("d"), broken.ITEM_CHECKS, style)
    assert [p.check for p in sorted(planted, key=lambda p: p.check)] == list(broken.ITEM_CHECKS)
    assert [i for i in items if i in ITEMS] == ITEMS
    assert found(read(tmp_path, one_sheet.sheet(filing(), items, style))) == wanted(planted)


def test_good_rows_keep_their_order_and_their_marks() -> None:
    given = replace(filing(), cells={("loans", 3, "name_of_something"): "x"})
    spoilt, planted = planted_in(given, "east", "e")
    broken_at = {p.at for p in planted if p.table == "loans"}
    rows = spoilt.tables["loans"].to_pylist()
    assert [r for i, r in enumerate(rows) if i not in broken_at] == (
        given.tables["loans"].to_pylist()
    )
    moved = next(at for (_, at, name) in spoilt.cells if name == "name_of_something")
    assert rows[moved] == given.tables["loans"].to_pylist()[3]


def test_rows_stand_scattered_and_where_the_seed_says() -> None:
    _, first = planted_in(filing(), "workbook", "f")
    _, again = planted_in(filing(), "workbook", "f")
    _, other = planted_in(filing(), "workbook", "g")
    assert first == again and [p.at for p in first] != [p.at for p in other]
    at = sorted(p.at for p in first if p.table == "loans")
    total = 95 + len(at)
    assert at[0] < total // 3 and at[-1] > total * 2 // 3
    assert at != list(range(at[0], at[0] + len(at)))


def test_keys_are_the_rows_own() -> None:
    spoilt, planted = planted_in(filing(), "workbook", "h")
    ids = {"loans": "loan_id", "customers": "customer_id", "returns": "item"}
    checked = 0
    for p in planted:
        own = ids.get(p.table)
        if own and (p.table, p.at, own) not in spoilt.cells:
            assert spoilt.tables[p.table][own][p.at].as_py() == p.key
            checked += 1
    assert checked > 30
    twice = [p.key for p in planted if (p.table, p.check) == ("loans", "E0401")]
    assert len(twice) == 2 and len(set(twice)) == 1


def test_warned_rows_weigh_nothing() -> None:
    spoilt, planted = planted_in(filing(), "workbook", "i")
    loans = spoilt.tables["loans"].to_pylist()
    warned = [loans[p.at] for p in planted if p.table == "loans" and p.severity == "warning"]
    assert len(warned) == 4
    for row in warned:
        assert row["balance"] == 0 and row["status"] == "settled" and row["drawn_on"].year < 2021
    firms = [p for p in planted if p.check == "W0112"]
    customer = spoilt.tables["customers"].to_pylist()[firms[0].at]
    assert customer["customer_id"] not in {x["customer_id"] for x in loans}
    assert customer["legal_representative_id"] is None


def test_no_row_to_copy_is_said() -> None:
    given = filing()
    few = given.tables["loans"].slice(4, 1)
    given = replace(given, tables={**given.tables, "loans": few})
    with pytest.raises(RunError, match="贷款借据"):
        broken.plant(given, Dice("j"), [("loans", "E0201")])
