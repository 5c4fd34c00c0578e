"""Workbooks, the one-sheet quarterly and lists of items, from the files themselves."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from python_calamine import CalamineWorkbook, SheetVisibleEnum

from again.cells import column, exact, plain

#: Sheet → (table, Chinese header → column). Other headers are not asked for here.
SHEETS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "客户信息": (
        "customers",
        {
            "客户号": "customer_id",
            "客户类型": "kind",
            "企业规模": "size",
            "所属行业": "industry",
            "县区代码": "county_code",
            "授信额度": "credit_line",
            "产业链": "chain",
            "首次用信日期": "first_drawdown_on",
            "首贷查询无记录": "first_loan_query_clear",
            "是否脱贫户": "is_lifted_household",
        },
    ),
    "贷款借据": (
        "loans",
        {
            "借据号": "loan_id",
            "内部机构号": "branch_id",
            "客户号": "customer_id",
            "业务种类": "product",
            "是否经营性贷款": "is_business_loan",
            "发放类型": "issue_kind",
            "发放金额": "amount",
            "贷款余额": "balance",
            "发放日期": "drawn_on",
            "到期日期": "matures_on",
            "发放利率": "rate_at_drawdown",
            "定价基准": "benchmark",
            "资金来源": "funding_source",
            "担保方式": "guarantee",
            "风险缓释": "mitigants",
            "五级分类": "five_class",
            "贷款状态": "status",
            "发放时授信额度": "credit_line_at_drawdown",
            "是否随借随还": "is_revolving",
            "是否线上贷款": "is_online",
            "是否涉农": "is_agricultural",
            "终结日期": "closed_on",
            "核销金额": "written_off_amount",
            "转让金额": "transferred_amount",
            "逾期起始日期": "overdue_since",
            "首次检查应完成日期": "first_check_due_on",
            "首次检查日期": "first_check_on",
        },
    ),
    "报表数据": (
        "returns",
        {"项目代码": "item", "数据日期": "as_of", "口径": "basis", "数值": "value", "单位": "unit"},
    ),
    "制度与机制答卷": (
        "attestations",
        {"项目": "item", "回答": "value", "文号": "document_no", "生效日期": "in_force_from"},
    ),
    "信贷产品": (
        "products",
        {
            "产品名称": "name",
            "推出日期": "launched_on",
            "是否信用产品": "unsecured",
            "渠道": "channel",
            "贷款户数": "customers",
            "贷款余额": "balance",
        },
    ),
    "政策红利": (
        "benefits",
        {
            "政策项目": "item",
            "收到金额": "received",
            "传导至业务条线": "passed_to_business_line",
            "让利客户": "passed_to_customers",
        },
    ),
    "贷款申请": (
        "applications",
        {
            "申请编号": "application_id",
            "内部机构号": "branch_id",
            "客户号": "customer_id",
            "申请类型": "kind",
            "借据号": "loan_id",
            "申请日期": "applied_on",
            "是否符合条件": "qualifies",
            "审批结果": "decision",
            "放款日期": "disbursed_on",
            "人工环节数": "manual_steps",
        },
    ),
    "延期还本付息": (
        "deferrals",
        {
            "借据号": "loan_id",
            "序号": "seq",
            "延期类型": "kind",
            "延期金额": "amount",
            "申请日期": "applied_on",
            "办理结果": "outcome",
            "延期结束日期": "ended_on",
        },
    ),
    "收费明细": (
        "fees",
        {
            "借据号": "loan_id",
            "收取方": "charged_by",
            "承担方": "borne_by",
            "金额": "amount",
            "减免金额": "waived",
            "是否按年收取": "recurring",
        },
    ),
    "保险业务": (
        "insurance",
        {
            "险种": "line",
            "承保小微企业户数": "insured_mses",
            "保费收入": "premium",
            "赔款支出": "claims_paid",
            "承保贷款余额": "loan_balance_covered",
        },
    ),
}
_SAID_OTHERWISE = {
    "客户编号": "客户号",
    "借据编号": "借据号",
    "借款余额": "贷款余额",
    "年利率": "发放利率",
    "起始日": "发放日期",
    "到期日": "到期日期",
}
NIL = "本表无数据"
_NO_DATA = re.compile(r"(合计|总计|小计|备注|填表说明).*")
#: Word → code, by column; what the words of other columns mean is not asked.
CODES = {
    "kind": {
        "企业": "enterprise",
        "个体工商户": "individual_business",
        "小微企业主": "mse_owner",
        "农户": "farmer",
        "农民专业合作社": "farm_cooperative",
        "农村集体经济组织": "village_collective",
        "其他个人": "other_personal",
        "其他组织": "other_organisation",
        "新贷": "new",
        "续贷": "renewal",
        "本金": "principal",
        "利息": "interest",
    },
    "size": {"大型": "large", "中型": "medium", "小型": "small", "微型": "micro"},
    "product": {
        "个人经营性贷款": "business_personal",
        "住房按揭贷款": "mortgage",
        "消费贷款": "consumer",
        "票据贴现": "discount",
        "买断式转贴现": "rediscount",
        "委托贷款": "entrusted",
        **dict.fromkeys(("流动资金贷款", "固定资产贷款", "项目贷款", "转贷款"), "another"),
        **dict.fromkeys(("法人账户透支", "贸易融资", "融资租赁", "垫款", "其他"), "another"),
    },
    "issue_kind": {
        "新增": "new",
        "无还本续贷": "renewal",
        "借新还旧": "refinance",
        "重组贷款": "restructured",
        "展期": "extended",
        "其他": "other",
    },
    "guarantee": {
        "信用": "credit",
        "保证": "guaranteed",
        "抵押": "mortgaged",
        "质押": "pledged",
        "混合": "mixed",
    },
    "funding_source": {
        "自有资金": "own",
        "政策性银行转贷资金": "policy_onlent",
        "人民银行再贷款": "pbc_relending",
    },
    "five_class": {
        "正常": "normal",
        "关注": "special_mention",
        "次级": "substandard",
        "可疑": "doubtful",
        "损失": "loss",
    },
    "status": {
        "正常": "normal",
        "逾期": "overdue",
        "结清": "settled",
        "核销": "written_off",
        "转让": "transferred",
        "其他": "other",
    },
    "basis": {"当期报送": "as_filed", "可比口径重述": "restated"},
    "decision": {"同意": "granted", "拒绝": "refused", "审批中": "pending", "撤回": "withdrawn"},
    "outcome": {
        "同意": "agreed",
        "因不符合具名条件拒绝": "refused_condition",
        "其他原因拒绝": "refused_other",
        "撤回": "withdrawn",
        "未答复": "open",
    },
    "charged_by": {
        "银行": "bank",
        "担保机构": "guarantor",
        "保险机构": "insurer",
        "评估机构": "valuer",
        "登记机构": "registry",
        "中介机构": "agent",
    },
    "borne_by": {"银行": "bank", "借款人": "borrower"},
    "channel": {"线上": "online", "线下": "offline"},
}
#: File, sheet and row of a line its clerk got wrong.
Wrong = set[tuple[str, str | None, int]]


def heading(cell: object) -> str:
    """A header without its unit, under the name the sheet should have used."""
    text = plain(cell) or ""
    unit = re.search(r"[(（](.+)[)）]$", text)
    assert unit is None or unit[1] in ("元", "%") or "隔开" in unit[1], text
    bare = re.sub(r"[(（].*[)）]$", "", text)
    return _SAID_OTHERWISE.get(bare, bare)


def framed(wanted: Mapping[str, str], heads: Sequence[str], rows: Sequence[Sequence[object]]):
    """Rows below a header as a typed frame of the columns that are there."""
    found = {}
    for at, head in enumerate(heads):
        if head in wanted:
            name = wanted[head]
            made = column(name, [row[at] for row in rows])
            found[name] = made.map(CODES[name]).astype("string") if name in CODES else made
            assert name not in CODES or (found[name].isna() == made.isna()).all(), name
    return pd.DataFrame(found)


def grid(path: Path, sheet: str) -> list[list[object]]:
    return (
        CalamineWorkbook.from_path(str(path))
        .get_sheet_by_name(sheet)
        .to_python(skip_empty_area=False)
    )


def workbook(path: Path, wrong: Wrong) -> dict[str, pd.DataFrame]:
    """Every visible sheet of a fill-in or register workbook whose name is a table's."""
    book = CalamineWorkbook.from_path(str(path))
    visible = [s.name for s in book.sheets_metadata if s.visible == SheetVisibleEnum.Visible]
    found = {}
    for sheet in visible:
        if sheet in SHEETS:
            table, wanted = SHEETS[sheet]
            frame = _table(grid(path, sheet), wanted, {r for f, s, r in wrong if s == sheet})
            found[table] = numbered(frame) if table == "returns" else frame
    return found


def _table(rows: list[list[object]], wanted: Mapping[str, str], wrong: set[int]) -> pd.DataFrame:
    heads: list[str] = []
    body = []
    for number, row in enumerate(rows, 1):
        first = next((t for c in row if (t := plain(c))), None)
        if not heads:
            named = [heading(c) if isinstance(c, str) else "" for c in row]
            heads = named if len(set(named) & set(wanted)) >= min(2, len(wanted)) else []
        elif first == NIL:
            return framed(wanted, heads, [])
        elif first is not None and not _NO_DATA.fullmatch(first) and number not in wrong:
            body.append(row)
    assert heads and body
    return framed(wanted, heads, body)


def numbered(frame: pd.DataFrame) -> pd.DataFrame:
    """Figures in yuan (or their own unit) as Decimals."""
    scale = {"万元": 10_000, "亿元": 100_000_000}
    pairs = zip(frame["value"], frame["unit"], strict=True)
    values = [exact(v) * scale.get(u, 1) for v, u in pairs]
    return frame.assign(value=pd.Series(values, dtype="object", index=frame.index))


def one_sheet(path: Path, wrong: Wrong, dates: Mapping[str, pd.Timestamp]) -> pd.DataFrame:
    """Figures of the one-sheet quarterly, a row per item and date (header → date)."""
    sheet = "季度情况表"
    off = {r for f, s, r in wrong if s == sheet}
    wanted = {"项目代码": "item", "单位": "unit", **{h: h for h in dates}}
    frame = _table(grid(path, sheet), wanted, off)
    long = frame.melt(["item", "unit"], var_name="which", value_name="value")
    long = long[long["value"].notna()].reset_index(drop=True)
    long["as_of"] = long["which"].map(dates)
    long["basis"] = long["which"].map(lambda w: "as_filed" if w == "本季末" else "restated")
    return numbered(long)


def item_list(path: Path, wrong: Wrong, end: pd.Timestamp) -> pd.DataFrame:
    """Figures of a list of 1104 items, all of them of the quarter's end."""
    rows = list(csv.reader(io.StringIO(path.read_bytes().decode("gb18030"))))
    off = {r for _, s, r in wrong if s is None}
    head = next(i for i, row in enumerate(rows) if "数值" in row)
    wanted = {"报表项目代码": "item", "数值": "value", "单位": "unit"}
    body = [row for n, row in enumerate(rows[head + 1 :], head + 2) if row and n not in off]
    frame = framed(wanted, rows[head], body)
    return numbered(frame).assign(as_of=end, basis="as_filed")
