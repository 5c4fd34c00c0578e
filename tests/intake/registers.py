"""One clean row of every register a workbook may hold, by canonical table."""

from __future__ import annotations

from pathlib import Path

from intake import builders as b
from puhui import schema

ROWS: dict[str, dict[str, object]] = {
    "deferrals": {
        "借据号": "L0001", "序号": 1, "延期类型": "本金", "原应还日期": "2021-06-30",
        "延期金额": 100_000, "申请日期": "2021-06-01", "办理结果": "同意",
        "延期至": "2021-12-31",
    },
    "applications": {
        "申请编号": "A0001", "内部机构号": "B001", "客户号": "C0001", "申请类型": "新贷",
        "借据号": "L0001", "申请日期": "2021-02-20", "申请金额": 1_000_000,
        "是否符合条件": "是", "审批结果": "同意", "审批日期": "2021-03-01",
        "放款日期": "2021-03-05", "人工环节数": 3,
    },
    "products": {
        "产品名称": "小微快贷", "推出日期": "2020-05-01", "是否信用产品": "是", "渠道": "线上",
        "贷款户数": 12, "贷款余额": 3_000_000, "平均利率": 5.2,
    },
    "fees": {
        "借据号": "L0001", "序号": 1, "收费项目": "评估费", "收取方": "评估机构",
        "承担方": "银行", "金额": 800, "减免金额": 0, "是否按年收取": "否",
        "是否合同约定": "是",
    },
    "flows": {
        "借据号": "L0001", "序号": 1, "支付日期": "2021-03-06", "支付金额": 500_000,
        "收款方类型": "供应商", "收款方": "丁建材有限公司",
    },
    "attestations": {
        "项目": "duty.rules", "回答": "是", "文号": "甲银发〔2021〕1号",
        "生效日期": "2021-01-01",
    },
    "benefits": {
        "政策项目": "利息收入免征增值税", "收到金额": 5000, "传导至业务条线": 4000,
        "让利客户": 1000,
    },
    "insurance": {
        "险种": "贷款保证保险", "保单件数": 3, "承保小微企业户数": 2, "保险金额": 900_000,
        "保费收入": 9000, "赔款支出": 0, "追偿收入": 0, "承保贷款余额": 800_000,
        "手续费": 100,
    },
    "cases": {
        "案件编号": "K0001", "内部机构号": "B001", "借据号（多笔以分号隔开）": "L0001",
        "客户号": "C0001", "是否小微信贷": "是", "发放时授信额度": 5_000_000,
        "已形成损失": 100_000, "已收回金额": 0, "未还本金": 800_000, "欠息": 1000,
        "首次逾期日期": "2021-04-01", "首次列为不良日期": "2021-07-01",
        "启动认定日期": "2021-08-01", "认定结论": "尽职",
    },
    "case_persons": {
        "案件编号": "K0001", "员工号": "S01", "岗位": "贷后管理", "角色": "经办人员",
        "责任类型": "直接责任", "违规情形": "无", "不当行为": "无", "档案是否齐全": "齐全",
        "是否发现偏离制度": "未发现",
    },
}  # fmt: skip


def sheet(table: str, *rows: dict[str, object]) -> list[list[object]]:
    """A register's sheet holding its clean row, or rows changed from it."""
    return b.grid(table, [ROWS[table] | row for row in rows or ({},)])


def workbook(path: Path, sheets: dict[str, list[list[object]]], *, ledger: bool = True) -> Path:
    """A fill-in workbook of a cover and registers, with the ledger's sheets or without."""
    named = {schema.label(table): rows for table, rows in sheets.items()}
    if ledger:
        return b.workbook(path, sheets=named)
    cover = {"封面": [["填报工作簿"], *[[k, v] for k, v in b.COVER.items()]]}
    return b.save(path, cover | named)
