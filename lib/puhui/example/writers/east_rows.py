"""What stands in the fields of an EAST extract, a column at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from puhui import schema
from puhui.example.writers import cells
from puhui.example.writers.filing import Filing

PERSON_KINDS = schema.PERSON_KINDS
_NO_DATE = "99991231"
#: Kind of business in EAST's words, and an account number.
_PRODUCTS = {
    "working_capital": ("流动资金贷款", "130301"),
    "fixed_asset": ("一般固定资产贷款", "130302"),
    "project": ("项目贷款", "130303"),
    "overdraft": ("法人账户透支", "130304"),
    "business_personal": ("个人经营性贷款", "130501"),
    "consumer": ("消费贷款", "130502"),
    "mortgage": ("住房按揭贷款", "130503"),
    "discount": ("票据贴现", "130101"),
    "rediscount": ("买断式转贴现", "130102"),
    "trade_finance": ("贸易融资业务", "130201"),
    "finance_lease": ("融资租赁业务", "130601"),
    "advance": ("垫款", "130701"),
    "onlent": ("其他-转贷款", "130801"),
    "entrusted": ("委托贷款", "130901"),
    "other": ("其他-其他贷款", "130999"),
}
_ISSUES = {
    "new": "新增",
    "renewal": "无还本续贷",
    "refinance": "借新还旧",
    "restructured": "重组贷款",
    "extended": "其他-展期",
    "other": "其他-其他",
}
_KINDS = {
    "enterprise": "单一法人客户",
    "individual_business": "其他-个体工商户",
    "farm_cooperative": "其他-农民专业合作社",
    "village_collective": "其他-农村集体经济组织",
    "other_organisation": "事业单位",
    "mse_owner": "其他-个人",
    "farmer": "其他-个人",
    "other_personal": "其他-个人",
}
_STATUS = schema.CODES["loan_status"] | {"other": "其他-其他"}
_SIZES = {code: word + "企业" for code, word in schema.CODES["size"].items()}
_BENCHMARKS = {"lpr:1Y": "LPR1年期", "lpr:5Y": "LPR5年期以上", "other": "其他"}
_WORDS: Mapping[tuple[str, str], Mapping[str, str]] = {
    ("customers", "size"): _SIZES,
    ("loans", "product"): {code: word for code, (word, _) in _PRODUCTS.items()},
    ("loans", "issue_kind"): _ISSUES,
    ("loans", "status"): _STATUS,
    ("loans", "benchmark"): _BENCHMARKS,
}
_CLOSED = pa.array(["settled", "written_off", "transferred"])
_LATE = pa.array(["doubtful", "loss"])
#: The line up to which a bank flags a loan as inclusive (普惠), and that for farmers, in yuan.
_LIMIT, _FARMER_LIMIT = 10_000_000, 5_000_000
_OUTSIDE = pa.array(["rediscount", "entrusted", "consumer", "mortgage"])

Fields = dict[str, Any]


@dataclass(frozen=True)
class Extract:
    """A filing sorted out for EAST.

    Attributes
    ----------
    is_firm
        Per customer, whether it stands in 203 and its loans in 504.
    owner
        Per loan, the row of its customer; −1 for one that is not filed.
    firms, corporate, personal
        Rows of the customers in 203, of the loans in 504 and in 503.
    """

    filing: Filing
    is_firm: np.ndarray[Any, Any]
    owner: np.ndarray[Any, Any]
    firms: np.ndarray[Any, Any]
    corporate: np.ndarray[Any, Any]
    personal: np.ndarray[Any, Any]

    def values(self, table: str, name: str) -> pa.Array:
        """A column as it is; nulls where the institution does not keep it."""
        data = self.filing.tables[table]
        found = cells.column(data, name)
        return (
            pa.nulls(data.num_rows, schema.column(table, name).arrow_type)
            if (found is None)
            else found
        )

    def text(self, table: str, name: str) -> pa.Array:
        """A column in EAST's words, dates as 20211231, a clerk's texts put over."""
        values, column = self.values(table, name), schema.column(table, name)
        words = _WORDS.get((table, name))
        if words is not None:
            ready = cells.worded(values, words)
        elif column.kind == "bp":
            ready = cells.trimmed(values)
        else:
            ready = cells.texts(column, values, "%Y%m%d")
        if column.kind == "date":
            ready = pc.fill_null(ready, _NO_DATE)
        return cells.overlaid(ready, self.filing, table, name)

    def of_owner(self, texts: pa.Array) -> pa.Array:
        """A customers' column per loan; null for a customer who is not filed."""
        return texts.take(pa.array(self.owner, mask=self.owner < 0))


def customer_fields(found: Extract) -> Fields:
    """Fields of 203, a value per customer."""
    firm = pc.equal(found.values("customers", "kind"), "enterprise")
    branch, since = _first_business(found)

    def text(name: str) -> pa.Array:
        return found.text("customers", name)

    return {
        "NBJGH": branch,
        "YHJGMC": _branch_names(found, branch),
        "KHTYBH": text("customer_id"),
        "KHMC": text("name"),
        "KHLX": _kinds(found),
        "ZJLB": "统一社会信用代码",
        "ZJHM": text("certificate_no"),
        "FRDBZJLB": "居民身份证",
        "FRDBZJHM": text("legal_representative_id"),
        "ZCDZ": text("address"),
        "LXDH": text("phone_hash"),
        "CLRQ": text("founded_on"),
        "SSHY": text("industry"),
        "QYFL": pc.if_else(firm, text("size"), ""),
        "XDKHBZ": "是",
        "SCJLXDGXNY": since,
        "SSGSBZ": "否",
        "YGRS": text("staff_count"),
        "XZQHDM": text("county_code"),
    }


def _kinds(found: Extract) -> pa.Array:
    ready = cells.worded(found.values("customers", "kind"), _KINDS)
    return cells.overlaid(ready, found.filing, "customers", "kind")


def _first_business(found: Extract) -> tuple[pa.Array, pa.Array]:
    """Branch of each customer's first IOU and year and month it was drawn.

    A customer without an IOU is kept at the institution's first branch.
    """
    drawn = pc.cast(found.values("loans", "drawn_on"), pa.int32()).to_numpy(zero_copy_only=False)
    order = np.argsort(np.nan_to_num(drawn, nan=10**6), kind="stable")
    owners, first = np.unique(found.owner[order], return_index=True)
    loan = np.full(len(found.is_firm), -1)
    loan[owners[owners >= 0]] = order[first[owners >= 0]]
    where = pa.array(loan, mask=loan < 0)
    branch = found.values("loans", "branch_id").take(where)
    month = pc.strftime(found.values("loans", "drawn_on").take(where), format="%Y%m")
    return pc.fill_null(branch, next(iter(found.filing.branches))), month


def _branch_names(found: Extract, ids: pa.Array) -> pa.Array:
    known = found.filing.branches
    where = pc.index_in(ids, value_set=pa.array(list(known), pa.string()))
    return pa.array(list(known.values()), pa.string()).take(where)


def contract_fields(found: Extract) -> Fields:
    """Fields of 501, a value per contract, in the order of the loans."""
    ids = _contracts(found)
    order = ids.dictionary_encode().indices.to_numpy(zero_copy_only=False)
    first = pa.array(np.sort(np.unique(order, return_index=True)[1]))
    closed = pc.is_in(found.values("loans", "status"), value_set=_CLOSED)

    def text(name: str) -> pa.Array:
        return found.text("loans", name)

    columns: Fields = {
        "NBJGH": text("branch_id"),
        "KHTYBH": text("customer_id"),
        "KHMC": found.of_owner(found.text("customers", "name")),
        "XDHTH": ids,
        "ZHTH": ids,
        "XDYWZL": text("product"),
        "HTJE": text("amount"),
        "HTQSRQ": text("drawn_on"),
        "HTDQRQ": text("matures_on"),
        "DBLX": text("guarantee"),
        "KHJLGH": text("staff_id"),
        "HTZT": pc.if_else(closed, "终结", "有效"),
    }
    return {k: v.take(first) for k, v in columns.items()} | {"HTMC": "借款合同", "BZ": "CNY"}


def _contracts(found: Extract) -> pa.Array:
    made_up = pc.binary_join_element_wise("HT", found.values("loans", "loan_id"), "")
    return pc.coalesce(found.text("loans", "contract_id"), made_up)


def loan_fields(found: Extract) -> Fields:
    """Fields of 503 and 504, a value per loan, and the certificate that only 503 has."""

    def text(name: str) -> pa.Array:
        return found.text("loans", name)

    accounts = {code: account for code, (_, account) in _PRODUCTS.items()}
    floating = pc.fill_null(pc.starts_with(found.values("loans", "benchmark"), "lpr:"), False)
    branch = text("branch_id")
    industry = found.of_owner(found.text("customers", "industry"))
    return {
        "NBJGH": branch,
        "YHJGMC": _branch_names(found, branch),
        "MXKMBH": cells.worded(found.values("loans", "product"), accounts),
        "MXKMMC": text("product"),
        "KHTYBH": text("customer_id"),
        "KHMC": found.of_owner(found.text("customers", "name")),
        "ZJLB": "居民身份证",
        "ZJHM": found.of_owner(found.text("customers", "certificate_no")),
        "XDHTH": _contracts(found),
        "XDJJH": text("loan_id"),
        "XDYWZL": text("product"),
        "DKFFLX": text("issue_kind"),
        "FKFS": "自主支付",
        "BZ": "CNY",
        "DKJE": text("amount"),
        "DKYE": text("balance"),
        "DKWJFL": text("five_class"),
        "ZQS": "1",
        "DQQS": "1",
        "ZQCS": "0",
        "DKFFRQ": text("drawn_on"),
        "DKDQRQ": text("matures_on"),
        "ZJRQ": text("closed_on"),
        "SBXDJJH": text("predecessor_loan_id"),
        "LLLX": pc.if_else(floating, "LPR", "非LPR"),
        "SJLL": text("rate_now"),
        "HKFS": "其他-到期一次还本",
        "JXFS": "按月结息",
        "DKTXDQ": found.of_owner(found.text("customers", "county_code")),
        "DKTXHY": pc.coalesce(text("industry_of_use"), industry),
        "SFHLWDK": text("is_online"),
        "SFLSDK": "否",
        "SFSNDK": text("is_agricultural"),
        "SFKJDK": "否",
        "XDYGH": text("staff_id"),
        "DKZT": text("status"),
    } | _arrears(found)


def _arrears(found: Extract) -> Fields:
    """Overdue principal and interest; that of doubtful and lost loans is off the balance."""
    since = found.text("loans", "overdue_since")
    owed = found.values("loans", "principal_overdue")
    behind = pc.fill_null(pc.greater(owed, pa.scalar(0, owed.type)), False)
    off = pc.fill_null(pc.is_in(found.values("loans", "five_class"), value_set=_LATE), False)
    interest = found.text("loans", "interest_overdue")
    none = pc.if_else(pc.is_null(interest), pa.scalar(None, pa.string()), "0.00")
    return {
        "QBJE": found.text("loans", "principal_overdue"),
        "QBRQ": pc.if_else(behind, since, _NO_DATE),
        "BNQXYE": pc.if_else(off, none, interest),
        "BWQXYE": pc.if_else(off, interest, none),
        "QXRQ": since,
    }


def inclusive_fields(found: Extract) -> Fields:
    """Flags of 5.0 as the bank sees them: small, for business, with a line up to the limit.

    Farmers' business loans and agricultural ones of small firms count as 普惠型涉农.
    """
    kind, size = (found.of_owner(found.values("customers", c)) for c in ("kind", "size"))
    line = found.of_owner(found.values("customers", "credit_line"))
    small = pc.is_in(size, value_set=pa.array(["small", "micro"]))
    owner = pc.is_in(kind, value_set=pa.array(["individual_business", "mse_owner"]))
    mse = pc.or_(pc.and_(pc.equal(kind, "enterprise"), small), owner)
    business = pc.invert(pc.is_in(found.values("loans", "product"), value_set=_OUTSIDE))
    within = pc.and_(business, pc.less_equal(line, _limit(_LIMIT, line)))
    farmer = pc.and_(
        pc.and_(business, pc.equal(kind, "farmer")),
        pc.less_equal(line, _limit(_FARMER_LIMIT, line)),
    )
    rural = pc.fill_null(found.values("loans", "is_agricultural"), False)
    inclusive = pc.and_(mse, within)
    agricultural = pc.or_(farmer, pc.and_(rural, inclusive))
    return {"SFPHXSNDK": _yes_no(agricultural), "SFPHXXWQYDK": _yes_no(inclusive)}


def _limit(yuan: int, like: pa.Array) -> pa.Scalar:
    return pa.scalar(Decimal(yuan), like.type)


def _yes_no(flags: pa.Array) -> pa.Array:
    return pc.if_else(pc.fill_null(flags, False), "是", "否")
