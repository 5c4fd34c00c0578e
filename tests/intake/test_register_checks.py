"""Checks of the registers, shown to fire at the right cell, and silent just beside it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from intake import builders as b
from intake import registers
from puhui.intake import Submission


def one(table: str, **changes: object) -> Callable[[Path], Submission]:
    def build(folder: Path) -> Submission:
        registers.workbook(folder / "填报.xlsx", {table: registers.sheet(table, changes)})
        return b.read(folder)

    return build


def person(**changes: object) -> Callable[[Path], Submission]:
    """A case and one person in it."""

    def build(folder: Path) -> Submission:
        sheets = {
            "cases": registers.sheet("cases"),
            "case_persons": registers.sheet("case_persons", changes),
        }
        registers.workbook(folder / "填报.xlsx", sheets)
        return b.read(folder)

    return build


def case(*loans: str, of: str) -> Callable[[Path], Submission]:
    """Loans of the ledger, and a case that names some."""

    def build(folder: Path) -> Submission:
        sheet = registers.sheet("cases", {"借据号（多笔以分号隔开）": of})
        rows = [b.LOAN | {"借据号": loan} for loan in loans]
        b.workbook(folder / "填报.xlsx", loans=rows, sheets={"不良贷款责任认定": sheet})
        return b.read(folder)

    return build


def at(table: str, label: str, row: int = 4) -> str:
    return f"{chr(65 + b.labels(table).index(label))}{row}"


LIST = "借据号（多笔以分号隔开）"
#: Check id → a submission that fires it, and the cell it points at.
SCENARIOS: dict[str, tuple[Callable[[Path], Submission], str]] = {
    "E0224": (one("deferrals", 延期金额=-0.01), at("deferrals", "延期金额")),
    "E0225": (one("applications", 申请金额=-0.01), at("applications", "申请金额")),
    "E0226": (one("applications", 审批日期="2021-02-19"), at("applications", "审批日期")),
    "E0227": (one("fees", 金额=-1, 减免金额=-1), at("fees", "金额")),
    "E0228": (one("fees", 减免金额=800.01), at("fees", "减免金额")),
    "E0229": (one("flows", 支付金额=-1), at("flows", "支付金额")),
    "E0230": (one("products", 贷款户数=-1), at("products", "贷款余额")),
    "E0231": (one("benefits", 让利客户=-1), at("benefits", "收到金额")),
    "E0232": (one("insurance", 赔款支出=-1), at("insurance", "保险金额")),
    "E0233": (one("insurance", 承保贷款余额=-1), at("insurance", "承保贷款余额")),
    "E0234": (one("insurance", 手续费=-1), at("insurance", "手续费")),
    "E0235": (one("cases", 首次列为不良日期="2021-03-31"), at("cases", "首次列为不良日期")),
    "E0236": (one("cases", 欠息=-1), at("cases", "已形成损失")),
    "W0237": (one("deferrals", 延期至="2021-06-29"), at("deferrals", "延期至")),
    "W0303": (one("deferrals", 借据号="L0009"), at("deferrals", "借据号")),
    "W0304": (one("applications", 借据号="L0009"), at("applications", "借据号")),
    "W0305": (one("fees", 借据号="L0009"), at("fees", "借据号")),
    "W0306": (one("flows", 借据号="L0009"), at("flows", "借据号")),
    "W0307": (case("L0001", "L0002", of="L0001；L0003"), at("cases", LIST)),
    "E0308": (person(案件编号="K0002"), at("case_persons", "案件编号")),
}
#: Findings a scenario cannot avoid besides its own: a negative fee has a negative waiver.
COMPANIONS = {"E0227": {("E0228", at("fees", "减免金额"))}}

BESIDE: dict[str, Callable[[Path], Submission]] = {
    "E0224": one("deferrals", 延期金额=0),
    "E0225": one("applications", 申请金额=0),
    "E0226": one("applications", 审批日期="2021-02-20"),
    "E0226 undecided": one("applications", 审批日期=None, 审批结果="审批中", 借据号=None),
    "E0228": one("fees", 减免金额=800),
    "E0229": one("flows", 支付金额=0),
    "E0230": one("products", 贷款户数=0, 贷款余额=0),
    "E0231": one("benefits", 收到金额=0, 传导至业务条线=0, 让利客户=0),
    "E0232": one("insurance", 保险金额=0, 保单件数=0),
    "E0233": one("insurance", 承保贷款余额=None, 手续费=None),
    "E0235": one("cases", 首次列为不良日期="2021-04-01"),
    "E0236": one("cases", 已形成损失=0, 欠息=0),
    "W0237": one("deferrals", 延期至="2021-06-30"),
    "W0303": one("deferrals"),
    "W0304": one("applications"),
    "W0305": one("fees"),
    "W0306": one("flows"),
    "W0307": case("L0001", "L0002", of="L0001； L0002;"),
    "E0308": person(),
}


@pytest.mark.parametrize("check_id", SCENARIOS)
def test_fires(check_id, tmp_path):
    build, cell = SCENARIOS[check_id]
    read = build(tmp_path)
    assert b.fired(read) == {(check_id, cell)} | COMPANIONS.get(check_id, set())
    kept_out = {c for t in read.quarantine.values() for c in t["check_id"].to_pylist()}
    assert kept_out == ({check_id} if b.CHECKS.by_id[check_id].severity == "error" else set())


@pytest.mark.parametrize("name", BESIDE)
def test_is_silent_just_beside(name, tmp_path):
    assert b.fired(BESIDE[name](tmp_path)) == set()


def test_registers_of_an_institution_without_a_ledger_are_not_held_against_it(tmp_path):
    tables = ("deferrals", "applications", "fees", "flows", "cases")
    sheets = {table: registers.sheet(table) for table in tables}
    registers.workbook(tmp_path / "登记簿.xlsx", sheets, ledger=False)
    read = b.read(tmp_path)
    assert b.fired(read) == set()
    assert set(read.tables) == set(tables)


def test_a_reference_to_a_quarantined_loan_is_remarked(tmp_path):
    sheet = registers.sheet("fees")
    b.workbook(tmp_path / "填报.xlsx", loans=[b.LOAN | {"发放金额": 0, "贷款余额": 0},
               b.LOAN | {"借据号": "L0002"}], sheets={"收费明细": sheet})  # fmt: skip
    assert {c for c, _ in b.fired(b.read(tmp_path))} == {"E0206", "W0305"}
