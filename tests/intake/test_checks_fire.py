"""Every check of the catalogue, shown to fire at the right cell, and silent just beside it."""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from intake import builders as b
from intake import test_register_checks as registers
from puhui import schema
from puhui.intake import Submission, read_supervisor

Fired = set[tuple[str, str | None]]


def column(table: str, label: str) -> str:
    """Column letters of a label in the fill-in workbook."""
    index = b.labels(table).index(label)
    return ("A" if index > 25 else "") + chr(65 + index % 26)


def loan(**changes: object) -> Callable[[Path], Submission]:
    def build(folder: Path) -> Submission:
        b.workbook(folder / "填报.xlsx", loans=[b.LOAN | changes])
        return b.read(folder)

    return build


def customer(**changes: object) -> Callable[[Path], Submission]:
    def build(folder: Path) -> Submission:
        b.workbook(folder / "填报.xlsx", customers=[b.CUSTOMER | changes])
        return b.read(folder)

    return build


def filed(**changes: object) -> Callable[[Path], Submission]:
    def build(folder: Path) -> Submission:
        b.workbook(folder / "填报.xlsx", returns=[b.RETURN | changes])
        return b.read(folder)

    return build


def npl(figure: float) -> Callable[[Path], Submission]:
    whole = b.RETURN | {"数值": 100}
    rows = [whole, whole | {"项目代码": "G11.npl", "数值": figure}]

    def build(folder: Path) -> Submission:
        b.workbook(folder / "填报.xlsx", returns=rows)
        return b.read(folder)

    return build


def headed(**changes: str) -> Callable[[Path], Submission]:
    """Loans under a header with other words."""

    def build(folder: Path) -> Submission:
        sheet = b.grid("loans", [b.LOAN])
        sheet[2] = [changes.get(str(h), h) for h in sheet[2]]
        b.workbook(folder / "填报.xlsx", sheets={"贷款借据": sheet})
        return b.read(folder)

    return build


def east(**rows: object) -> Callable[[Path], Submission]:
    return lambda folder: b.read(b.east(folder, rows=rows))


def lender(**changes: str) -> Callable[[Path], Submission]:
    return lambda folder: b.read(b.shared(folder, [changes]), institution_id=None)


def collected(**changes: object) -> Callable[[Path], Submission]:
    """A table of many institutions' returns with one figure."""
    return lambda folder: b.read(b.long_table(folder, [changes]), institution_id=None)


def registered(branch: str) -> Callable[[Path], Submission]:
    register = pa.table({"institution_id": [b.BANK], "branch_id": [branch]})

    def build(folder: Path) -> Submission:
        b.workbook(folder / "填报.xlsx")
        return b.read(folder, register=register)

    return build


def short_id(folder: Path) -> Submission:
    lines = [b.SUPERVISOR["institutions.csv"][0], "甲行,甲,村镇银行,法人机构,,是,411526,"]
    b.supervisor(folder, institutions=lines)
    return read_supervisor(folder, layouts=b.LAYOUTS, checks=b.CHECKS, hasher=b.HASHER)


def broken_line(folder: Path) -> Submission:
    b.east(folder)
    file = folder / "EAST_203_对公客户信息表.txt"
    text = file.read_bytes().decode("gbk").replace("甲纸业", "甲|纸业")
    file.write_bytes(text.encode("gbk"))
    return b.read(folder)


def twice(folder: Path) -> Submission:
    b.workbook(folder / "填报.xlsx", loans=[b.LOAN, b.LOAN])
    return b.read(folder)


CONTRACT = b.EAST["s501"][2]
LINE = b.EAST["lines"][2]
WRITTEN_OFF = {"BorrID": "3", "LoanStatus": "CHGOFF", "GrossApproval": "100", "CODate": "3/11/14"}


def at(table: str, label: str, row: int = 4) -> str:
    return f"{column(table, label)}{row}"


#: Check id → a submission that fires it, and the cells it points at.
SCENARIOS: dict[str, tuple[Callable[[Path], Submission], set[str | None]]] = {
    "E0101": (loan(发放金额="一百万"), {at("loans", "发放金额")}),
    "E0102": (loan(发放日期="2021-02-30"), {at("loans", "发放日期")}),
    "E0103": (loan(五级分类="优良"), {at("loans", "五级分类")}),
    "E0104": (loan(担保方式="—"), {at("loans", "担保方式")}),
    "E0105": (loan(贷款余额="800000.005"), {at("loans", "贷款余额")}),
    "E0106": (filed(单位="吨"), {at("returns", "数值")}),
    "E0107": (short_id, {"A2"}),
    "E0108": (broken_line, {None}),
    "E0109": (loan(借据号=123456789012345678), {at("loans", "借据号")}),
    "W0110": (east(s501=[CONTRACT, CONTRACT | {"DBLX": "信用"}]), {"C2"}),
    "W0112": (customer(证件号码="91350100M000100Y44"), {at("customers", "证件号码")}),
    "E0113": (loan(发放利率="#N/A"), {at("loans", "发放利率")}),
    "W0114": (headed(当前利率="现行利率"), {at("loans", "当前利率", 3)}),
    "E0115": (collected(季度="2021-11-30"), {"B2"}),
    "E0201": (loan(贷款余额=1_000_000.01), {at("loans", "贷款余额")}),
    "E0202": (loan(到期日期="2021-03-04"), {at("loans", "到期日期")}),
    "E0203": (lender(TermMonths="0"), {"E2"}),
    "E0204": (loan(发放利率=36.01), {at("loans", "发放利率")}),
    "E0205": (loan(当前利率=36.01), {at("loans", "当前利率")}),
    "E0206": (loan(发放金额=0, 贷款余额=0), {at("loans", "发放金额")}),
    "E0207": (loan(贷款余额=-0.01), {at("loans", "贷款余额")}),
    "E0208": (loan(发放日期="2022-01-01"), {at("loans", "发放日期")}),
    "E0209": (loan(贷款状态="结清"), {at("loans", "贷款余额")}),
    "W0210": (loan(发放类型="无还本续贷"), {at("loans", "上笔借据号")}),
    "W0211": (loan(定价日期="2021-03-06"), {at("loans", "定价日期")}),
    "W0212": (loan(逾期起始日期="2021-10-01", 五级分类="关注"), {at("loans", "五级分类")}),
    "W0213": (loan(贷款状态="逾期"), {at("loans", "贷款状态")}),
    "W0214": (loan(逾期起始日期="2022-01-01"), {at("loans", "逾期起始日期")}),
    "E0215": (loan(核销金额=-1), {at("loans", "核销金额")}),
    "R0216": (lender(**WRITTEN_OFF, COAmount="101"), {"I2"}),
    "E0217": (customer(授信额度=-1), {at("customers", "授信额度")}),
    "W0218": (customer(企业规模=None), {at("customers", "企业规模")}),
    "E0219": (filed(数据日期="2022-01-01"), {at("returns", "数据日期")}),
    "E0220": (loan(五级分类=None), {at("loans", "五级分类")}),
    "E0221": (filed(数值=-0.01), {at("returns", "数值")}),
    "W0222": (filed(项目代码="G01.loan"), {at("returns", "项目代码")}),
    "E0223": (npl(100.01), {at("returns", "数值", 5)}),
    "E0301": (loan(客户号="C0009"), {at("loans", "客户号")}),
    "W0302": (registered("B002"), {at("loans", "内部机构号")}),
    "E0401": (twice, {at("loans", "借据号", 4), at("loans", "借据号", 5)}),
    "E0402": (east(lines=[LINE, LINE | {"授信额度": "3000000"}, b.PERSON_LINE]), {"C2"}),
}
#: Findings a scenario cannot avoid besides its own.
COMPANIONS: dict[str, Fired] = {
    "E0202": set(),
}
#: A check that refuses the whole file instead of finding rows (test_intake_refusals.py).
REFUSING = {"E0111"}

BESIDE: dict[str, Callable[[Path], Submission]] = {
    "E0115": collected(季度="2021-12-31"),
    "E0201": loan(贷款余额=1_000_000),
    "E0202": loan(到期日期="2021-03-05"),
    "E0203": lender(TermMonths="1"),
    "E0204": loan(发放利率=36),
    "E0205": loan(当前利率=0),
    "E0206": loan(发放金额=0.01, 贷款余额=0.01),
    "E0207": loan(贷款余额=0),
    "E0208": loan(发放日期="2021-12-31", 定价日期=None),
    "E0209": loan(贷款状态="结清", 贷款余额=0),
    "W0210": loan(发放类型="无还本续贷", 上笔借据号="L0000"),
    "W0212": loan(逾期起始日期="2021-10-02", 五级分类="关注"),
    "W0213": loan(贷款状态="逾期", 五级分类=None, 贷款余额=0),
    "W0214": loan(逾期起始日期="2021-12-31"),
    "R0216": lender(**WRITTEN_OFF, COAmount="100"),
    "E0217": customer(授信额度=0),
    "W0218": customer(企业规模=None, 客户类型="农民专业合作社"),
    "E0219": filed(数据日期="2021-12-31"),
    "E0220": loan(五级分类=None, 贷款余额=0, 贷款状态="结清"),
    "E0221": filed(数值=0),
    "E0223": npl(100),
    "W0302": registered("B001"),
    "E0402": east(lines=[LINE | {"授信额度": "5000000.00"}, b.PERSON_LINE]),
}


def test_every_check_of_the_catalogue_has_a_scenario():
    assert set(SCENARIOS) | set(registers.SCENARIOS) | REFUSING == set(b.CHECKS.by_id)


@pytest.mark.parametrize("check_id", SCENARIOS)
def test_fires(check_id, tmp_path):
    build, cells = SCENARIOS[check_id]
    read = build(tmp_path)
    own = {(check_id, cell) for cell in cells}
    assert b.fired(read) == own | COMPANIONS.get(check_id, set())
    severity = b.CHECKS.by_id[check_id].severity
    kept_out = [c for t in read.quarantine.values() for c in t["check_id"].to_pylist()]
    assert (check_id in kept_out) == (severity == "error")


@pytest.mark.parametrize("check_id", BESIDE)
def test_is_silent_just_beside(check_id, tmp_path):
    assert b.fired(BESIDE[check_id](tmp_path)) == set()


def test_messages_say_what_to_do_and_name_the_column(tmp_path):
    build, _ = SCENARIOS["E0201"]
    (finding,) = build(tmp_path).findings.to_pylist()
    assert finding["message"] == "“贷款余额”大于发放金额。请核实两者。"
    for check in b.CHECKS.by_id.values():
        assert "请" in check.message, check.id


def test_a_register_without_the_institutions_branches_is_not_held_against_it(tmp_path):
    b.workbook(tmp_path / "填报.xlsx")
    register = pa.table({"institution_id": ["ELSE0001"], "branch_id": ["B009"]})
    assert b.fired(b.read(tmp_path, register=register)) == set()


def test_a_check_on_a_column_nobody_supplies_does_not_apply(tmp_path):
    """No balances in the file of many lenders: nothing is said about balances."""
    read = b.read(b.shared(tmp_path, [{"LoanStatus": "PIF"}]), institution_id=None)
    assert "balance" in read.absent["loans"]
    assert b.fired(read) == set()
    assert set(read.tables["loans"].column_names) == {c.name for c in schema.columns("loans")}
