"""Figures a bank files from its own ledger: S71, S63, G01, G11 items, and those of the one sheet.

Values are integers in hundredths of 万元 (100 yuan) for money and in customers for counts,
rounded half up item by item as a filing system does.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from puhui.example.columns import Columns, Ints, code, day_number, from_rows
from puhui.example.days import add_months, year
from puhui.example.ledger import SUBSTANDARD
from puhui.example.lives import CREDIT, DISCOUNT, RENEWAL
from puhui.example.segments import FEN_PER_WAN, LIMIT_FEN, SEGMENTS
from puhui.quarter import Quarter

_UNIT = FEN_PER_WAN // 100
_BANDS = (1, 2, 3, 5)
_KIND = np.array([s.is_inclusive_kind for s in SEGMENTS])
_FIRM, _SHOP, _OWNER = (
    code("customer_kind", k) for k in ("enterprise", "individual_business", "mse_owner")
)
_FARMER = code("customer_kind", "farmer")
_JOINT = [code("customer_kind", k) for k in ("farm_cooperative", "village_collective")]
_SMALL, _MICRO = code("size", "small"), code("size", "micro")

#: Items of the one-sheet quarterly: code, wording, unit.
SHEET_ITEMS = (
    ("QS.assessed_balance", "普惠型小微企业贷款余额（不含票据融资）", "万元"),
    ("QS.assessed_customers", "普惠型小微企业贷款户数（不含票据融资）", "户"),
    ("QS.all_loans", "各项贷款余额", "万元"),
    ("QS.incl_balance", "普惠型小微企业贷款余额", "万元"),
    ("QS.incl_npl", "普惠型小微企业不良贷款余额", "万元"),
    ("QS.npl", "各项贷款不良余额", "万元"),
    ("QS.incl_drawn", "普惠型小微企业贷款当年累放额", "万元"),
    ("QS.incl_interest", "当年累放贷款年化利息收益", "万元"),
    ("QS.mse_balance", "小微企业贷款余额（全口径）", "万元"),
    ("QS.mse_credit_balance", "其中：信用贷款余额", "万元"),
    ("QS.mse_long_balance", "其中：中长期贷款余额", "万元"),
    ("QS.mse_renewal_balance", "其中：无还本续贷余额", "万元"),
    ("QS.mse_revolving_balance", "其中：随借随还贷款余额", "万元"),
    ("QS.mse_revolving_customers", "随借随还贷款户数", "户"),
    ("QS.manufacturing_balance", "制造业贷款余额", "万元"),
    ("QS.agri_balance", "普惠型涉农贷款余额", "万元"),
    ("QS.ent_balance", "小微企业法人贷款余额（全口径）", "万元"),
    ("QS.first_loan_customers", "当年新增小微企业首贷户数（全口径）", "户"),
    ("QS.drawn_customers", "当年累放贷款户数（全口径）", "户"),
    ("QS.ent_first_loan_customers", "当年新增小微企业法人首贷户数", "户"),
    ("QS.ent_drawn_customers", "当年累放小微企业法人贷款户数", "户"),
)


class Marks:
    """What each loan of a snapshot counts as; masks and lines by loan, in order.

    ``mse`` small or micro business loans at any line, ``inclusive`` those within the line now,
    ``at_drawdown`` within it when drawn, ``assessed`` inclusive without bills and with a
    balance, ``long`` over twelve months originally.
    """

    def __init__(self, snapshot: dict[str, Columns], quarter: Quarter) -> None:
        loans, customers = snapshot["loans"], snapshot["customers"]
        at = np.searchsorted(customers["customer_row"], loans["customer_row"])
        self.loans, self.year = loans, quarter.year
        self.kind: Ints = customers["kind"][at]
        self.size: Ints = customers["size"][at]
        self.line: Ints = customers["credit_line"][at]
        self.line_then: Ints = loans["credit_line_at_drawdown"]
        self.owed: Ints = loans["balance"]
        self.bill: Any = loans["product"] == DISCOUNT
        self.bad: Any = loans["five_class"] >= SUBSTANDARD
        self.mse: Any = _KIND[loans["segment"]] & (loans["is_business_loan"] == 1)
        self.firm: Any = self.mse & (self.kind == _FIRM)
        self.inclusive: Any = self.mse & (self.line <= LIMIT_FEN)
        self.assessed: Any = self.inclusive & ~self.bill & (self.owed > 0)
        this_year = year(loans["drawn_on"]) == quarter.year
        self.drawn: Any = self.mse & this_year
        self.at_drawdown: Any = self.drawn & (self.line_then <= LIMIT_FEN)
        self.credit: Any = (loans["guarantee"] == CREDIT) & ~self.bill
        self.long: Any = loans["matures_on"] > add_months(loans["drawn_on"], 12)
        self.agricultural: Any = self._agricultural()
        self.making: Any = customers["is_making"][at] == 1
        first = customers["first_drawdown_on"][at]
        clear = customers["first_loan_query_clear"][at] == 1
        start = day_number(quarter.year_to_date_start)
        self.first_loan: Any = self.mse & clear & (first >= start) & (self.owed >= 0)

    def _agricultural(self) -> Any:
        """Farmers' business loans up to 5m; rural small firms and cooperatives up to 10m."""
        business = self.loans["is_business_loan"] == 1
        farmer = (self.kind == _FARMER) & business & (self.line <= LIMIT_FEN // 2)
        joint = np.isin(self.kind, _JOINT) & (self.line <= LIMIT_FEN)
        rural_firm = self.firm & self.inclusive & (self.loans["is_agricultural"] == 1)
        return farmer | joint | rural_firm

    def sum(self, mask: Any) -> int:
        """Balance of the loans marked, fen."""
        return int(self.owed[mask].sum())

    def customers(self, mask: Any) -> int:
        """Distinct customers of the loans marked."""
        return len(np.unique(self.loans["customer_row"][mask]))


def bands(line: Ints, bill: Any, band: int) -> Any:
    """Mask of an S71 band by credit line; band 5 is bands 1 to 3 without bills."""
    if band == 5:
        return (line <= LIMIT_FEN) & ~bill
    edges = (-1, LIMIT_FEN // 10, LIMIT_FEN // 2, LIMIT_FEN)
    return (line > edges[band - 1]) & (line <= edges[band])


def statutory(marks: Marks) -> dict[str, int]:
    """1104 items of an institution: code → value as filed."""
    filed: dict[str, int] = {}
    for row, mine in ((1, marks.firm), (3, marks.mse & ~marks.firm)):
        for band in _BANDS:
            filed |= _s71(marks, row, band, mine)
    filed |= _s71_part_six(marks)
    columns = {
        "C": marks.firm & (marks.size == _SMALL),
        "D": marks.firm & (marks.size == _MICRO),
        "G": marks.mse & (marks.kind == _SHOP),
        "H": marks.mse & (marks.kind == _OWNER),
    }
    loans = marks.loans
    for column, mine in columns.items():
        renewed = mine & (loans["issue_kind"] == RENEWAL)
        revolving = mine & (loans["is_revolving"] == 1) & (marks.owed > 0)
        filed[f"S63_I_1.{column}"] = _money(marks.sum(mine))
        filed[f"S63_I_1.2.1.{column}"] = _money(marks.sum(mine & marks.credit))
        filed[f"S63_I_7.1.{column}"] = _money(marks.sum(renewed))
        filed[f"S63_I_9.2.{column}"] = marks.customers(revolving)
    everything = marks.owed >= 0
    filed["G01.loans"] = _money(marks.sum(everything))
    filed["G01.bills"] = _money(marks.sum(marks.bill))
    filed["G11.npl"] = _money(marks.sum(marks.bad))
    return filed


def _s71(marks: Marks, row: int, band: int, mine: Any) -> dict[str, int]:
    loans = marks.loans
    now = mine & bands(marks.line, marks.bill, band)
    then = mine & marks.drawn & bands(marks.line_then, marks.bill, band)
    interest = int((loans["amount"][then] * loans["rate_at_drawdown"][then]).sum())
    name = f"S71_I_{row}."
    return {
        f"{name}A{band}": _money(marks.sum(now)),
        f"{name}B{band}": marks.customers(now & (marks.owed > 0)),
        f"{name}C{band}": _money(marks.sum(now & marks.bad)),
        f"{name}D{band}": _money(int(loans["amount"][then].sum())),
        f"{name}E{band}": marks.customers(then),
        f"{name}F{band}": _rounded(interest, _UNIT * 10_000),
    }


def _s71_part_six(marks: Marks) -> dict[str, int]:
    loans, assessed = marks.loans, marks.inclusive & ~marks.bill
    return {
        "S71_I_6.1.A5": _money(marks.sum(assessed & marks.credit)),
        "S71_I_6.2.A5": _money(marks.sum(assessed & marks.long)),
        "S71_I_6.3.A5": _money(marks.sum(assessed & (loans["issue_kind"] == RENEWAL))),
    }


def one_sheet(marks: Marks) -> dict[str, int]:
    """Items of the one-sheet quarterly: code → value as filed."""
    loans, mse = marks.loans, marks.mse
    revolving = mse & (loans["is_revolving"] == 1) & (marks.owed > 0)
    drawn = marks.at_drawdown
    interest = int((loans["amount"][drawn] * loans["rate_at_drawdown"][drawn]).sum())
    new = marks.first_loan & marks.drawn
    money = {
        "assessed_balance": marks.assessed,
        "all_loans": marks.owed >= 0,
        "incl_balance": marks.inclusive,
        "incl_npl": marks.inclusive & marks.bad,
        "npl": marks.bad,
        "mse_balance": mse,
        "mse_credit_balance": mse & marks.credit,
        "mse_long_balance": mse & marks.long,
        "mse_renewal_balance": mse & (loans["issue_kind"] == RENEWAL),
        "mse_revolving_balance": revolving,
        "manufacturing_balance": marks.making,
        "agri_balance": marks.agricultural,
        "ent_balance": marks.firm,
    }
    heads = {
        "assessed_customers": marks.assessed,
        "mse_revolving_customers": revolving,
        "first_loan_customers": new,
        "drawn_customers": marks.drawn,
        "ent_first_loan_customers": new & marks.firm,
        "ent_drawn_customers": marks.drawn & marks.firm,
    }
    found = {f"QS.{name}": _money(marks.sum(mask)) for name, mask in money.items()}
    found |= {f"QS.{name}": marks.customers(mask) for name, mask in heads.items()}
    found["QS.incl_drawn"] = _money(int(loans["amount"][drawn].sum()))
    found["QS.incl_interest"] = _rounded(interest, _UNIT * 10_000)
    return found


def unit_of(item: str) -> str:
    """``户`` for counts of customers, else ``万元``."""
    if item.startswith("QS."):
        return {code: unit for code, _, unit in SHEET_ITEMS}[item]
    counted = (item.startswith("S71") and item.split(".")[-1][0] in "BE") or "_9.2." in item
    return "户" if counted else "万元"


def columns(institution: str, items: dict[str, int], as_of: Quarter) -> Columns:
    """``returns`` of an institution, as filed for one date."""
    return from_rows(
        "returns",
        [
            {
                "institution_id": institution,
                "item": item,
                "as_of": as_of.end,
                "basis": "as_filed",
                # Kept in yuan whatever the unit it is filed in, so here in fen.
                "value": items[item] * (10_000 if unit_of(item) == "万元" else 100),
                "unit": unit_of(item),
            }
            for item in sorted(items)
        ],
    )


def _money(fen: int) -> int:
    return _rounded(fen, _UNIT)


def _rounded(value: int, unit: int) -> int:
    """Half up to whole units."""
    return (2 * value + unit) // (2 * unit)


_ROWS = {"1": "普惠型小微企业法人贷款", "3": "普惠型个体工商户和小微企业主贷款"}
_SIX = {"6.1": "小微企业信用贷款", "6.2": "小微企业中长期贷款", "6.3": "小微企业无还本续贷"}
_S71_COLUMNS = {
    "A": "贷款余额",
    "B": "贷款余额户数",
    "C": "不良贷款余额",
    "D": "当年累放贷款额",
    "E": "当年累放贷款户数",
    "F": "当年累放贷款年化利息收益",
}
_S71_BANDS = {
    "1": "单户授信100万元（含）以下",
    "2": "单户授信100—500万元（含）",
    "3": "单户授信500—1000万元（含）",
    "5": "单户授信1000万元（含）以下不含票据融资",
}
_S63_ROWS = {
    "1": "境内贷款余额",
    "1.2.1": "信用贷款余额",
    "7.1": "无还本续贷余额",
    "9.2": "循环贷户数",
}
_S63_COLUMNS = {"C": "小型企业", "D": "微型企业", "G": "个体工商户", "H": "小微企业主"}
_OTHERS = {
    "G01.loans": "各项贷款",
    "G01.bills": "票据融资",
    "G11.npl": "不良贷款余额",
}


def wording(item: str) -> str:
    """What a 1104 item is called.

    Examples
    --------
    >>> wording("S71_I_3.C1")
    '普惠型个体工商户和小微企业主贷款·不良贷款余额·单户授信100万元（含）以下'
    """
    if item in _OTHERS:
        return _OTHERS[item]
    report, _, rest = item.partition("_I_")
    row, _, column = rest.rpartition(".")
    if report == "S63":
        return f"{_S63_ROWS[row]}·{_S63_COLUMNS[column]}"
    name = _ROWS.get(row) or _SIX[row]
    return f"{name}·{_S71_COLUMNS[column[0]]}·{_S71_BANDS[column[1]]}"
