"""Small submissions built in code: one clean file per layout, changed cell by cell."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path

import xlsxwriter

from puhui import schema
from puhui.intake import Hasher, Submission, load_checks, load_layouts, read_submission
from puhui.quarter import Quarter

ROOT = Path(__file__).resolve().parents[2]
LAYOUTS = load_layouts([ROOT / "params" / "layouts", ROOT / "params" / "sba7a" / "layouts"])
LAYOUT = {layout.id: layout for layout in LAYOUTS}
CHECKS = load_checks(ROOT / "params" / "checks.yaml")
HASHER = Hasher(b"key of the intake tests")
Q = Quarter.parse("2021Q4")
BANK = "JYNS0001"

COVER = {
    "机构编号": BANK,
    "机构名称": "甲农村商业银行",
    "报告期": "2021Q4",
    "填报人": "甲",
    "复核人": "乙",
    "负责人": "丙",
}
CUSTOMER: dict[str, object] = {
    "客户号": "C0001",
    "证件号码": "91350100M000100Y43",
    "客户名称": "甲纸业有限公司",
    "客户类型": "企业",
    "企业规模": "小型",
    "所属行业": "C22",
    "联系电话": "0376-1234567",
    "注册地址": "潢川县甲路（东）1号",
    "授信额度": 5_000_000,
    "授信口径": "法人全行",
}
LOAN: dict[str, object] = {
    "借据号": "L0001",
    "内部机构号": "B001",
    "客户号": "C0001",
    "定价日期": "2021-03-05",
    "业务种类": "流动资金贷款",
    "是否经营性贷款": "是",
    "发放类型": "新增",
    "发放金额": 1_000_000,
    "贷款余额": 800_000,
    "发放日期": dt.date(2021, 3, 5),
    "到期日期": "2022年3月5日",
    "发放利率": 4.35,
    "利率类型": "固定利率",
    "定价基准": "LPR1年期",
    "加点": 50,
    "担保方式": "抵押",
    "风险缓释": "知识产权、存货",
    "五级分类": "正常",
    "贷款状态": "正常",
    "发放时授信额度": 5_000_000,
    "信贷员工号": "S01",
}
RETURN: dict[str, object] = {
    "项目代码": "G01.loans",
    "数据日期": "2021-12-31",
    "口径": "当期报送",
    "数值": 123.45,
    "单位": "万元",
}
NOTE = "单位：元；利率：%（年化）"


def labels(table: str) -> list[str]:
    """Chinese headers of a sheet of the fill-in workbook."""
    return [c.label for c in schema.columns(table) if c.name != "institution_id"]


def grid(table: str, rows: Sequence[Mapping[str, object]]) -> list[list[object]]:
    """Title, note, header and data rows of a sheet."""
    headers = labels(table)
    return [
        [schema.label(table)],
        [NOTE],
        list(headers),
        *[[row.get(h) for h in headers] for row in rows],
    ]


def workbook(
    path: Path,
    *,
    customers: Sequence[Mapping[str, object]] = (CUSTOMER,),
    loans: Sequence[Mapping[str, object]] = (LOAN,),
    returns: Sequence[Mapping[str, object]] = (RETURN,),
    cover: Mapping[str, object] = COVER,
    after: Sequence[Sequence[object]] = (),
    sheets: Mapping[str, Sequence[Sequence[object]]] | None = None,
    hidden: Sequence[str] = (),
) -> Path:
    """A fill-in workbook; ``after`` goes below the loans, ``sheets`` replaces or adds."""
    content: dict[str, Sequence[Sequence[object]]] = {
        "封面": [["填报工作簿"], *[[k, v] for k, v in cover.items()]],
        "客户信息": grid("customers", customers),
        "贷款借据": [*grid("loans", loans), *after],
        "报表数据": grid("returns", returns),
    }
    return save(path, content | dict(sheets or {}), hidden)


def save(
    path: Path, sheets: Mapping[str, Sequence[Sequence[object]]], hidden: Sequence[str] = ()
) -> Path:
    """Write sheets of plain cells; dates as date cells, text as text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    book = xlsxwriter.Workbook(str(path), {"strings_to_numbers": False})
    date_format = book.add_format({"num_format": "yyyy-mm-dd"})
    for name, rows in sheets.items():
        sheet = book.add_worksheet(name)
        if name in hidden:
            sheet.hide()
        for r, row in enumerate(rows):
            for c, value in enumerate(row):
                if isinstance(value, dt.date):
                    sheet.write_datetime(r, c, dt.datetime(*value.timetuple()[:3]), date_format)
                elif value is not None:
                    sheet.write(r, c, value)
    book.close()
    return path


def one_sheet(
    path: Path,
    items: Sequence[Sequence[object]],
    cover: Mapping[str, object] = COVER,
) -> Path:
    """A one-sheet quarterly; an item is code, name, unit and four figures."""
    header = ["项目代码", "项目", "单位", "本季末", "年初", "上年同期", "上季末"]
    rows = [["季度情况表"], *[[k, v] for k, v in cover.items()], header, *items]
    return save(path, {"季度情况表": rows})


EAST = {
    "s203": (
        "EAST_203_对公客户信息表.txt",
        "|",
        {
            "JRXKZH": BANK, "KHTYBH": "C0001", "KHMC": "甲纸业有限公司", "KHLX": "单一法人客户",
            "ZJHM": "91350100M000100Y43", "QYFL": "小型企业", "SSHY": "C22",
            "CLRQ": "20100101", "CJRQ": "20211231",
        },
    ),
    "s501": (
        "EAST_501_信贷合同表.txt",
        "|",
        {"JRXKZH": BANK, "XDHTH": "H0001", "DBLX": "保证", "KHJLGH": "S09", "CJRQ": "20211231"},
    ),
    "s504": (
        "EAST_504_对公信贷业务借据表.txt",
        "|",
        {
            "JRXKZH": BANK, "NBJGH": "B001", "KHTYBH": "C0001", "XDHTH": "H0001",
            "XDJJH": "L0001", "XDYWZL": "项目贷款（银团）", "DKFFLX": "其他-展期", "BZ": "CNY",
            "DKJE": "1,000,000.00", "DKYE": "800000.5", "DKWJFL": "次级", "DKFFRQ": "20210305",
            "DKDQRQ": "20220305", "ZJRQ": "99991231", "QBJE": "0", "QBRQ": "20210701",
            "BNQXYE": "10.25", "BWQXYE": "1.5", "QXRQ": "20210620", "SJLL": "4.350000",
            "SFHLWDK": "否", "SFSNDK": "是", "XDYGH": "S01", "DKZT": "逾期", "CJRQ": "20211231",
        },
    ),
    "s503": (
        "EAST_503_个人信贷业务借据表.txt",
        "|",
        {
            "JRXKZH": BANK, "NBJGH": "B001", "KHTYBH": "P0001", "KHMC": "乙某",
            "ZJHM": "110105491231002", "XDHTH": "H0001", "XDJJH": "L0002",
            "XDYWZL": "个人经营性贷款", "DKFFLX": "新增", "BZ": "CNY", "DKJE": "200000",
            "DKYE": "150000", "DKWJFL": "正常", "DKFFRQ": "20210610", "DKDQRQ": "20220610",
            "ZJRQ": "99991231", "SJLL": "5.1", "SFHLWDK": "是", "SFSNDK": "否", "DKZT": "正常",
            "CJRQ": "20211231",
        },
    ),
    "lines": ("补充_客户授信.csv", ",", {
        "客户统一编号": "C0001", "客户类型": "企业", "授信额度": "5000000", "授信口径": "法人全行",
    }),
    "extra": ("补充_借据.csv", ",", {
        "信贷借据号": "L0001", "发放时授信额度": "5000000", "发放利率": "4.1",
        "定价日期": "20210301", "定价基准": "LPR5年期以上", "加点": "-12.5",
    }),
}  # fmt: skip
PERSON_LINE = {
    "客户统一编号": "P0001", "客户类型": "个体工商户", "授信额度": "300000", "授信口径": "填报机构",
}  # fmt: skip
PERSON_EXTRA = {
    "信贷借据号": "L0002", "发放时授信额度": "300000", "发放利率": "5.1",
    "定价日期": "20210610", "定价基准": "", "加点": "",
}  # fmt: skip


def east(
    folder: Path,
    *,
    without: Sequence[str] = (),
    rows: Mapping[str, Sequence[Mapping[str, str]]] | None = None,
) -> Path:
    """An EAST extract; ``rows`` replaces a source's rows (columns of its first row)."""
    folder.mkdir(parents=True, exist_ok=True)
    standard = {name: [row] for name, (_, _, row) in EAST.items()}
    standard["lines"].append(PERSON_LINE)
    standard["extra"].append(PERSON_EXTRA)
    for name, chosen in (standard | {k: list(v) for k, v in (rows or {}).items()}).items():
        if name not in without:
            file, mark, example = EAST[name]
            lines = [mark.join(example), *[mark.join(_cells(r, example, mark)) for r in chosen]]
            (folder / file).write_bytes("\r\n".join([*lines, ""]).encode("gbk"))
    return folder


def _cells(row: Mapping[str, str], example: Mapping[str, str], mark: str) -> list[str]:
    return [f'"{v}"' if mark in (v := row.get(h, "")) else v for h in example]


def read(folder: Path, **changes: object) -> Submission:
    """Read a folder as ``BANK`` for 2021Q4 with the layouts and checks of ``params/``."""
    given: dict[str, object] = {
        "quarter": Q,
        "institution_id": BANK,
        "layouts": LAYOUTS,
        "checks": CHECKS,
        "hasher": HASHER,
        "register": None,
    }
    return read_submission(folder, **(given | changes))  # type: ignore[arg-type]


def fired(submission: Submission) -> set[tuple[str, str | None]]:
    """Check ids with the cells they point at."""
    table = submission.findings
    return set(zip(table["check_id"].to_pylist(), table["cell"].to_pylist(), strict=True))


def refusals(submission: Submission) -> dict[str, str]:
    """Refused files with their one line."""
    rows = submission.intake.to_pylist()
    return {r["file"]: r["message"] for r in rows if r["status"] == "refused"}


SBA_HEADER = (
    "BorrID,LoanStatus,GrossApproval,InterestRate,TermMonths,ApprovalDate,DisbursementDate,"
    "MaturityDate,COAmount,CODate,NaicsCode,DeliveryMethod,BankName,BorrKey"
)
SBA_ROW = {
    "BorrID": "1", "LoanStatus": "EXEMPT", "GrossApproval": '"1,730,000"', "InterestRate": "5.75",
    "TermMonths": "120", "ApprovalDate": "7/14/10", "DisbursementDate": "7/15/10",
    "MaturityDate": "7/15/68", "COAmount": "", "CODate": "", "NaicsCode": "332116",
    "DeliveryMethod": "OTH 7A", "BankName": "First Invented Bank", "BorrKey": "aa01",
}  # fmt: skip


def shared(folder: Path, rows: Sequence[Mapping[str, str]]) -> Path:
    """A shared file of several lenders; each row changes the standard one."""
    folder.mkdir(parents=True, exist_ok=True)
    names = SBA_HEADER.split(",")
    lines = [",".join((SBA_ROW | dict(row))[n] for n in names) for row in rows]
    text = "\n".join([SBA_HEADER, *lines, ""])
    (folder / "sba_7a_test.csv").write_text(text, encoding="utf-8")
    return folder


SUPERVISOR = {
    "institutions.csv": [
        "机构编号,机构名称,机构类型,机构层级,法人机构编号,是否地方法人,县区代码,法人各项贷款不良率",
        f"{BANK},甲农村商业银行,农村商业银行,法人机构,,是,411526,",
        "JYDX0001,甲银行潢川县支行,大型银行,分支机构,JYDX0000,否,411526,1.35",
    ],
    "branches.csv": ["内部机构号,机构编号,网点名称,负责人工号", f"B001,{BANK},甲支行,S77"],
    "plans.csv": ["机构编号,内部机构号,项目,目标,下达单位", f"{BANK},,QS.plan,120000000,监管组"],
}


def supervisor(folder: Path, **changes: Sequence[str]) -> Path:
    """The supervisor's folder; ``institutions=[…]`` replaces the lines of that file."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, lines in SUPERVISOR.items():
        chosen = changes.get(name.removesuffix(".csv"), lines)
        (folder / name).write_text("\n".join([*chosen, ""]), encoding="utf-8-sig")
    return folder


FIGURE = {"机构编号": BANK, "季度": "2021Q4", "项目代码": "QS.npl", "数值": 1, "单位": "万元"}


def long_table(folder: Path, rows: Sequence[Mapping[str, object]], name: str = "长表.xlsx") -> Path:
    """A long table of returns in the shared folder; each row changes the standard one."""
    lines = [[(FIGURE | dict(row))[h] for h in FIGURE] for row in rows]
    save(folder / name, {"Sheet1": [list(FIGURE), *lines]})
    return folder
