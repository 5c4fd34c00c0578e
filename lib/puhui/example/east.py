"""An EAST 4.0 extract: tables 203, 501, 503, 504 in GBK, and two supplements.

Field codes and their order follow EAST; 4.0 has no inclusive-loan flags. What EAST lacks
(credit lines, the rate and LPR pricing at drawdown) comes in the supplements.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from puhui.example.files import csv_bytes, percent, word, yuan
from puhui.example.profile import Profile

Row = dict[str, Any]
_FIELDS = """
EAST_203_对公客户信息表
  JRXKZH NBJGH YHJGMC KHTYBH KHMC KHLX ZJLB ZJHM FRDB FRDBZJLB FRDBZJHM CWFZR CWFZRZJLB
  CWFZRZJHM JBCKZH JBCKZHKHHH JBCKZHKHHMC ZCZB ZCZBBZ SSZB SSZBBZ ZCDZ LXDH JYFW CLRQ SSHY
  QYFL XDKHBZ SCJLXDGXNY SSGSBZ XYPJ YGRS XZQHDM FXYJXH GZSJDM BBZ CJRQ
EAST_501_信贷合同表
  JRXKZH NBJGH KHTYBH KHMC XDHTH ZHTH HTMC XDYWZL BZ HTJE HTQSRQ HTDQRQ DBLX KHJLGH HTDKYT
  HTZT BBZ CJRQ GSFZJG
EAST_504_对公信贷业务借据表
  JRXKZH NBJGH YHJGMC MXKMBH MXKMMC KHTYBH KHMC XDHTH XDJJH DKFHZH XDYWZL DKFFLX FKFS BZ
  DKJE DKYE DKWJFL ZQS DQQS ZQCS DKFFRQ DKDQRQ ZJRQ QBJE QBRQ BNQXYE BWQXYE QXRQ LXQKQS
  LJQKQS SBXDJJH DKRZZH DKRZHM RZZHSSHMC LLLX SJLL HKFS HKZH HKZHSSHMC JXFS XQHKRQ XQYHBJ
  XQYHLX JJDKYT DKTXDQ DKTXHY SFHLWDK SFLSDK SFSNDK SFKJDK XDYGH DKZT BBZ CJRQ
EAST_503_个人信贷业务借据表
  JRXKZH NBJGH YHJGMC MXKMBH MXKMMC KHTYBH KHMC ZJLB ZJHM XDHTH XDJJH DKFHZH XDYWZL DKFFLX
  FKFS BZ DKJE DKYE DKWJFL ZQS DQQS ZQCS DKFFRQ DKDQRQ ZJRQ QBJE QBRQ BNQXYE BWQXYE QXRQ
  LXQKQS LJQKQS SBXDJJH DKRZZH DKRZHM RZZHSSHMC LLLX SJLL HKFS HKZH HKZHSSHMC JXFS XQHKRQ
  XQYHBJ XQYHLX JJDKYT DKTXDQ DKTXHY SFHLWDK SFLSDK SFSNDK SFKJDK XDYGH DKZT BBZ CJRQ
"""


def _tables(text: str) -> dict[str, tuple[str, ...]]:
    """Read file names at the margin and the field codes indented below each."""
    tables: dict[str, tuple[str, ...]] = {}
    name = ""
    for line in text.strip().splitlines():
        if line.startswith("  "):
            tables[name] += tuple(line.split())
        else:
            name = line
            tables[name] = ()
    return tables


#: Field codes of each file in the order of the standard.
FIELDS = _tables(_FIELDS)
_203, _501, _504, _503 = FIELDS
_NO_DATE = "99991231"
_PRODUCTS = {
    "working_capital": ("流动资金贷款", "130301"),
    "fixed_asset": ("一般固定资产贷款", "130302"),
    "business_personal": ("个人经营性贷款", "130501"),
    "consumer": ("消费贷款", "130502"),
    "mortgage": ("住房按揭贷款", "130503"),
    "discount": ("票据贴现", "130101"),
}
_ISSUES = {"new": "新增", "renewal": "无还本续贷", "refinance": "借新还旧"}
_BENCHMARKS = {"lpr:1Y": "LPR1年期", "lpr:5Y": "LPR5年期以上", "other": "其他", None: ""}


def is_organisation(customer: Row) -> bool:
    """Whether a customer is filed in 203 and 504: its certificate is a credit code."""
    return str(customer["certificate_no"]).startswith("9")


def extract(
    profile: Profile, day: dt.date, customers: list[Row], corporate: list[Row], personal: list[Row]
) -> dict[str, bytes]:
    """All files of the extract by name; rows may hold ready text where something is broken.

    Parameters
    ----------
    profile
        The reporting unit.
    day
        Quarter end, the collection date.
    customers, corporate, personal
        Canonical rows; the IOUs of 504 and of 503 in file order.
    """
    by_id = {c["customer_id"]: c for c in customers}
    fixed = {"JRXKZH": profile.institution_id, "CJRQ": _date(day)}
    names = dict(profile.branches)
    since: dict[str, dt.date] = {}
    unique = {loan["loan_id"]: loan for loan in corporate + personal}
    for loan in unique.values():
        if isinstance(loan["drawn_on"], dt.date):
            first = since.get(loan["customer_id"], loan["drawn_on"])
            since[loan["customer_id"]] = min(first, loan["drawn_on"])
    home = {loan["customer_id"]: loan["branch_id"] for loan in unique.values()}
    contracts = [_contract(x, by_id.get(x["customer_id"], {}), day) for x in unique.values()]
    tables = {
        _203: [
            _customer(c, home[c["customer_id"]], since[c["customer_id"]])
            for c in customers
            if is_organisation(c)
        ],
        _501: contracts,
        _504: [_loan(x, by_id.get(x["customer_id"], {})) for x in corporate],
        _503: [_loan(x, by_id[x["customer_id"]]) for x in personal],
    }
    result = {}
    for name, fields in FIELDS.items():
        rows = [fixed | {"YHJGMC": names[row["NBJGH"]]} | row for row in tables[name]]
        result[f"{name}.txt"] = _piped(fields, rows)
    return result | _supplements(customers, list(unique.values()))


def _piped(fields: tuple[str, ...], rows: list[dict[str, str]]) -> bytes:
    lines = ["|".join(fields)] + ["|".join(row.get(f, "") for f in fields) for row in rows]
    return "".join(line + "\r\n" for line in lines).encode("gbk")


def _date(day: dt.date | str | None) -> str:
    if isinstance(day, str):
        return day.replace("-", "")
    return f"{day:%Y%m%d}" if day else _NO_DATE


def _money(value: int | str | None) -> str:
    return yuan(value) if isinstance(value, int) else value or ""


def _customer(customer: Row, branch_id: str, since: dt.date) -> dict[str, str]:
    firm = customer["kind"] == "enterprise"
    return {
        "NBJGH": branch_id,
        "KHTYBH": customer["customer_id"],
        "KHMC": customer["name"],
        "KHLX": "单一法人客户" if firm else "其他-个体工商户",
        "ZJLB": "统一社会信用代码",
        "ZJHM": customer["certificate_no"],
        "FRDBZJLB": "居民身份证",
        "FRDBZJHM": customer["legal_representative_id"],
        "LXDH": customer["phone_hash"],
        "CLRQ": _date(customer["founded_on"]),
        "SSHY": customer["industry"],
        "QYFL": word("size", customer["size"]) + "企业" if firm else "",
        "XDKHBZ": "是",
        "SCJLXDGXNY": f"{since:%Y%m}",
        "SSGSBZ": "否",
        "YGRS": str(customer["staff_count"] or ""),
        "XZQHDM": customer["county_code"],
    }


def _contract(loan: Row, customer: Row, day: dt.date) -> dict[str, str]:
    closed = loan["status"] in ("settled", "written_off", "transferred")
    guarantee = loan["guarantee"]
    return {
        "NBJGH": loan["branch_id"],
        "KHTYBH": loan["customer_id"],
        "KHMC": customer.get("name", ""),
        "XDHTH": loan["contract_id"],
        "ZHTH": loan["contract_id"],
        "HTMC": "借款合同",
        "XDYWZL": _PRODUCTS[loan["product"]][0],
        "BZ": "CNY",
        "HTJE": _money(loan["amount"]),
        "HTQSRQ": _date(loan["drawn_on"]),
        "HTDQRQ": _date(loan["matures_on"]),
        "DBLX": word("guarantee", guarantee),
        "KHJLGH": loan["staff_id"],
        "HTZT": "终结" if closed else "有效",
    }


def _loan(loan: Row, customer: Row) -> dict[str, str]:
    """Fields shared by 503 and 504, plus the person's certificate that only 503 has."""
    product, account = _PRODUCTS[loan["product"]]
    owed, overdue = loan["principal_overdue"], loan["overdue_since"]
    late = loan["five_class"] in ("doubtful", "loss")
    interest = yuan(loan["interest_overdue"])
    return {
        "NBJGH": loan["branch_id"],
        "MXKMBH": account,
        "MXKMMC": product,
        "KHTYBH": loan["customer_id"],
        "KHMC": customer.get("name", ""),
        "ZJLB": "居民身份证",
        "ZJHM": customer.get("certificate_no", ""),
        "XDHTH": loan["contract_id"],
        "XDJJH": loan["loan_id"],
        "XDYWZL": product,
        "DKFFLX": _ISSUES[loan["issue_kind"]],
        "FKFS": "自主支付",
        "BZ": "CNY",
        "DKJE": _money(loan["amount"]),
        "DKYE": _money(loan["balance"]),
        "DKWJFL": _five_class(loan["five_class"]),
        "ZQS": "1",
        "DQQS": "1",
        "ZQCS": "0",
        "DKFFRQ": _date(loan["drawn_on"]),
        "DKDQRQ": _date(loan["matures_on"]),
        "ZJRQ": _date(loan["closed_on"]),
        "QBJE": yuan(owed),
        "QBRQ": _date(overdue if owed else None),
        "BNQXYE": "0.00" if late else interest,
        "BWQXYE": interest if late else "0.00",
        "QXRQ": _date(overdue),
        "SBXDJJH": loan["predecessor_loan_id"] or "",
        "LLLX": "LPR" if (loan["benchmark"] or "").startswith("lpr:") else "非LPR",
        "SJLL": percent(loan["rate_now"], 6),
        "HKFS": "其他-到期一次还本",
        "JXFS": "按月结息",
        "DKTXDQ": "411526",
        "DKTXHY": customer.get("industry", ""),
        "SFHLWDK": "是" if loan["is_online"] else "否",
        "SFLSDK": "否",
        "SFSNDK": "是" if loan["is_agricultural"] else "否",
        "SFKJDK": "否",
        "XDYGH": loan["staff_id"],
        "DKZT": word("loan_status", loan["status"]),
    }


def _five_class(value: str) -> str:
    known = ("normal", "special_mention", "substandard", "doubtful", "loss")
    return word("five_class", value) if value in known else value


def _supplements(customers: list[Row], loans: list[Row]) -> dict[str, bytes]:
    lines = [
        (
            c["customer_id"],
            word("customer_kind", c["kind"]),
            yuan(c["credit_line"]),
            word("credit_line_scope", c["credit_line_scope"]),
        )
        for c in customers
    ]
    pricing = [
        (
            x["loan_id"],
            yuan(x["credit_line_at_drawdown"]),
            percent(x["rate_at_drawdown"], 6),
            _date(x["priced_on"]),
            _BENCHMARKS[x["benchmark"]],
            "" if x["spread_bp"] is None else str(x["spread_bp"]),
        )
        for x in loans
    ]
    return {
        "补充_客户授信.csv": csv_bytes(
            ("客户统一编号", "客户类型", "授信额度", "授信口径"), lines, "gbk"
        ),
        "补充_借据.csv": csv_bytes(
            ("信贷借据号", "发放时授信额度", "发放利率", "定价日期", "定价基准", "加点"),
            pricing,
            "gbk",
        ),
    }
