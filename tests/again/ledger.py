"""Sums and counts over a ledger, worded from the catalogue; what cannot be told is ``None``.

A condition is true, false or not known (an empty cell, a customer who was not sent, a column
the sender does not have). A figure over a condition that is not known for some loan is not
known either.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import cached_property

import pandas as pd

from again.submitted import Date, Tables

LINE, FARMER_LINE = 10_000_000_00, 5_000_000_00
SUPPORTED_FROM = pd.Timestamp(2020, 3, 1)
PERSONS = {"individual_business", "mse_owner", "farmer", "other_personal"}
LISTED = {
    "ip",
    "equity",
    "receivable",
    "land_right",
    "gov_fund",
    "procurement_contract",
    "credit_insurance",
    "policy",
}
PLEDGED = {"receivable", "prepayment", "inventory", "warehouse_receipt"}
PILLARS = {"装备制造", "绿色食品", "电子制造", "先进金属材料", "新型建材", "现代轻纺"}
EMERGING = {
    "新型显示",
    "智能终端",
    "生物医药",
    "节能环保",
    "新能源及网联汽车",
    "新一代人工智能",
    "网络安全",
    "新材料",
    "智能装备",
    "智能传感器",
}
LPR = {"lpr:1Y", "lpr:5Y", "LPR1年期", "1年期LPR", "LPR5年期以上", "5年期以上LPR"}
Figure = Fraction | None
TAKEN_OFF = ("written_off_amount", "transferred_amount")


def among(cells: pd.Series, words: set[str]) -> pd.Series:
    """Whether a cell is one of some words; not known where it is empty."""
    return cells.isin(words).astype("boolean").mask(cells.isna())


def sure(condition: pd.Series) -> pd.Series:
    """A comparison of days as a condition that is not known where a day is empty."""
    return condition.astype("boolean")


class Ledger:
    """Loans of an institution at a quarter end beside their customers."""

    def __init__(self, tables: Tables, date: Date, county: str) -> None:
        self.date, self.county = date, county
        customers = tables.get("customers")
        loans = tables["loans"]
        if customers is None:
            customers = pd.DataFrame({"customer_id": pd.Series([], dtype="string")})
        names = [c for c in customers if c not in ("institution_id", "quarter")]
        self.rows = loans.merge(
            customers[names].rename(columns={c: f"of_{c}" for c in names if c != "customer_id"}),
            on="customer_id",
            how="left",
            validate="m:1",
        )

    def has(self, name: str) -> bool:
        return name in self.rows

    def col(self, name: str) -> pd.Series:
        """A column of loans, or of customers as ``of_…``; empty where the sender has none."""
        if self.has(name):
            return self.rows[name]
        if name in ("is_business_loan", "is_revolving", "is_online", "is_agricultural"):
            return pd.Series(pd.NA, index=self.rows.index, dtype="boolean")
        if name in ("of_first_loan_query_clear", "of_is_lifted_household"):
            return pd.Series(pd.NA, index=self.rows.index, dtype="boolean")
        if name.endswith("_on"):
            return pd.Series(pd.NaT, index=self.rows.index, dtype="datetime64[us]")
        return pd.Series(pd.NA, index=self.rows.index, dtype="string")

    def day(self, name: str, compare: Callable[[pd.Series], pd.Series]) -> pd.Series:
        """A comparison with a day; not known where there is none."""
        days = self.col(name)
        return sure(compare(days)).mask(days.isna())

    def never(self) -> pd.Series:
        return pd.Series(pd.NA, index=self.rows.index, dtype="boolean")

    # ---- who and what

    @cached_property
    def firm(self) -> pd.Series:
        """Small and micro enterprises that are legal persons."""
        enterprise = among(self.col("of_kind"), {"enterprise"})
        return enterprise & among(self.col("of_size"), {"small", "micro"})

    @cached_property
    def business(self) -> pd.Series:
        """For business: organisations always, persons as the bank or the product says."""
        product = self.col("product")
        said = self.col("is_business_loan")
        told = among(product, {"business_personal"}).mask(
            ~product.isin({"business_personal", "consumer", "mortgage"})
        )
        person = among(self.col("of_kind"), PERSONS)
        own = said.where(said.notna(), told)
        return own.where(person.fillna(False), True).mask(person.isna())

    @cached_property
    def small(self) -> pd.Series:
        owners = among(self.col("of_kind"), {"individual_business", "mse_owner"})
        return (owners | self.firm) & self.business

    @cached_property
    def book(self) -> pd.Series:
        gone = among(self.col("status"), {"written_off", "transferred"})
        return ~among(self.col("product"), {"entrusted"}) & ~gone

    @cached_property
    def any_line(self) -> pd.Series:
        """Small and micro at any line (S63), whether or not still on the books."""
        return self.small & ~among(self.col("product"), {"entrusted"})

    @cached_property
    def mse(self) -> pd.Series:
        return self.any_line & self.book

    @cached_property
    def bill(self) -> pd.Series:
        return among(self.col("product"), {"discount"})

    @cached_property
    def bills(self) -> pd.Series:
        return among(self.col("product"), {"discount", "rediscount"})

    @cached_property
    def inclusive(self) -> pd.Series:
        """Line of today up to the limit (S71 rows 1 and 3)."""
        within = (self.col("of_credit_line") <= LINE).astype("boolean")
        return self.small & within & ~among(self.col("product"), {"rediscount"}) & self.book

    @cached_property
    def assessed(self) -> pd.Series:
        return self.inclusive & ~self.bill

    @cached_property
    def this_year(self) -> pd.Series:
        first, end = self.date.first, self.date.end
        return self.day("drawn_on", lambda d: (d >= first) & (d <= end))

    @cached_property
    def drawn(self) -> pd.Series:
        """Drawn this year under a line up to the limit at drawdown; bills in."""
        within = (self.col("credit_line_at_drawdown") <= LINE).astype("boolean")
        lent = ~among(self.col("product"), {"rediscount", "entrusted"})
        return self.small & within & lent & self.this_year

    @cached_property
    def drawn_rated(self) -> pd.Series:
        return self.drawn & ~among(self.col("issue_kind"), {"restructured"})

    @cached_property
    def drawn_assessed(self) -> pd.Series:
        return self.drawn & ~self.bill

    @cached_property
    def bad(self) -> pd.Series:
        return among(self.col("five_class"), {"substandard", "doubtful", "loss"})

    @cached_property
    def late(self) -> pd.Series:
        """More than ninety days overdue; not known of one called overdue without its day."""
        if not self.has("overdue_since"):
            return self.never()
        since = self.rows["overdue_since"]
        longer = sure(since < self.date.end - pd.Timedelta(days=90)).mask(since.isna())
        return (among(self.col("status"), {"overdue"}) | since.notna()) & longer

    @cached_property
    def removed(self) -> pd.Series:
        """Written off or transferred this year."""
        if not all(map(self.has, (*TAKEN_OFF, "closed_on"))):
            return self.never()
        named = self.rows[list(TAKEN_OFF)].notna().any(axis=1)
        closed = self.rows["closed_on"].between(self.date.first, self.date.end)
        lent = ~among(self.col("product"), {"entrusted"})
        return lent & named.astype("boolean") & closed.fillna(False).astype("boolean")

    @cached_property
    def inclusive_removed(self) -> pd.Series:
        within = (self.col("of_credit_line") <= LINE).astype("boolean")
        sold = among(self.col("product"), {"rediscount"})
        return self.removed & self.small & within & ~sold

    @cached_property
    def unsecured(self) -> pd.Series:
        return among(self.col("guarantee"), {"credit"}) & ~self.bills

    @cached_property
    def long(self) -> pd.Series:
        """Original term above twelve months."""
        drawn, matures = self.col("drawn_on"), self.col("matures_on")
        longer = sure(matures > drawn + pd.DateOffset(months=12))
        return longer.mask(drawn.isna() | matures.isna())

    @cached_property
    def renewal(self) -> pd.Series:
        return among(self.col("issue_kind"), {"renewal"})

    @cached_property
    def months(self) -> pd.Series:
        """Whole months of the original term; a month's last day ends a month of any length."""
        drawn, matures = self.col("drawn_on"), self.col("matures_on")
        between = 12 * (matures.dt.year - drawn.dt.year) + matures.dt.month - drawn.dt.month
        short = (drawn.dt.day > matures.dt.day) & ~matures.dt.is_month_end
        return (between - short.astype(int)).astype("Int64")

    @cached_property
    def factory(self) -> pd.Series:
        """GB/T 4754 section C."""
        industry = self.col("of_industry")
        return industry.str.startswith("C").astype("boolean").mask(industry.isna())

    @cached_property
    def farming(self) -> pd.Series:
        """Farmers' business loans, rural small firms, cooperatives and collectives."""
        kind, line = self.col("of_kind"), self.col("of_credit_line")
        farmer = among(kind, {"farmer"}) & self.business
        within = (line <= LINE).astype("boolean")
        farmer &= (line <= FARMER_LINE).astype("boolean")
        together = among(kind, {"farm_cooperative", "village_collective"}) & within
        rural = self.firm & self.any_line & self.col("is_agricultural") & within
        sold = among(self.col("product"), {"rediscount"})
        return self.book & ~sold & (farmer | together | rural)

    def holds(self, wanted: set[str]) -> pd.Series:
        """Loans with one of some mitigants; no mitigant is an answer where the column is."""
        if not self.has("mitigants"):
            return self.never()
        return self.rows["mitigants"].map(lambda v: bool(v & wanted)).astype("boolean")

    def chain(self, wanted: set[str]) -> pd.Series:
        """Loans to customers of some chains; no chain is an answer where the column is."""
        if not self.has("of_chain"):
            return self.never()
        return self.rows["of_chain"].isin(wanted).astype("boolean")

    @cached_property
    def new_customer(self) -> pd.Series:
        first, end = self.date.first, self.date.end
        return self.day("of_first_drawdown_on", lambda d: (d >= first) & (d <= end))

    @cached_property
    def clear(self) -> pd.Series:
        """First-loan query made and clear; none made is not clear."""
        if not self.has("of_first_loan_query_clear"):
            return self.never()
        return self.rows["of_first_loan_query_clear"].fillna(False)

    @cached_property
    def check_due(self) -> pd.Series:
        """A first check fell due this quarter end or before."""
        if not self.has("first_check_due_on"):
            return self.never()
        due = sure(self.rows["first_check_due_on"] <= self.date.end)
        return self.any_line & self.this_year & due

    @cached_property
    def check_in_time(self) -> pd.Series:
        if not self.has("first_check_on"):
            return self.never()
        made = self.rows["first_check_on"] <= self.rows["first_check_due_on"]
        return self.check_due & sure(made)

    @cached_property
    def supported(self) -> pd.Series:
        """New unsecured loans of six months or more that the central bank supports."""
        if self.date.end < SUPPORTED_FROM:
            return self.never()
        drawn, matures = self.col("drawn_on"), self.col("matures_on")
        half_year = sure(matures >= drawn + pd.DateOffset(months=6))
        kept = half_year & self.day("drawn_on", lambda d: d >= SUPPORTED_FROM)
        return self.drawn_assessed & self.unsecured & among(self.col("issue_kind"), {"new"}) & kept

    @cached_property
    def named_lpr(self) -> pd.Series:
        if not self.has("benchmark"):
            return self.never()
        return self.rows["benchmark"].isin(LPR).astype("boolean")

    # ---- adding up

    def here(self, branch: str | None) -> pd.Series:
        if branch is None:
            return pd.Series(True, index=self.rows.index)
        return (self.rows["branch_id"] == branch).fillna(False).astype(bool)

    def money(self, condition: pd.Series, name: str, branch: str | None = None) -> Figure:
        """Sum in yuan of an amount over the loans that meet a condition."""
        mine = condition[self.here(branch)]
        amounts = self.col(name)[mine.index][mine.fillna(True)]
        if mine.isna().any() or amounts.isna().any():
            return None
        return Fraction(sum(map(int, amounts)), 100)

    def taken_off(self, condition: pd.Series, branch: str | None = None) -> Figure:
        """Sum in yuan of what was written off or transferred."""
        mine = condition[self.here(branch)]
        if mine.isna().any():
            return None
        amounts = self.rows.loc[mine.index][mine.astype(bool)][list(TAKEN_OFF)].fillna(0)
        return Fraction(sum(int(v) for row in amounts.itertuples(index=False) for v in row), 100)

    def interest(self, branch: str | None = None) -> Figure:
        """Sum of amount × yearly rate (yuan × percent) of what was drawn this year."""
        mine = self.drawn_rated[self.here(branch)]
        rows = self.rows.loc[mine.index][mine.fillna(True)]
        if mine.isna().any() or rows[["amount", "rate_at_drawdown"]].isna().any(axis=None):
            return None
        pairs = zip(rows["amount"], rows["rate_at_drawdown"], strict=True)
        return Fraction(sum(int(a) * int(r) for a, r in pairs), 100 * 1_000_000)

    def loans(self, condition: pd.Series, branch: str | None = None) -> Figure:
        """Number of loans that meet a condition."""
        mine = condition[self.here(branch)]
        return None if mine.isna().any() else Fraction(int(mine.sum()))

    def heads(self, condition: pd.Series, branch: str | None = None) -> Figure:
        """Distinct customers with a loan that meets a condition for sure."""
        mine = condition[self.here(branch)]
        whose = self.rows["customer_id"][mine.index]
        sure_of = set(whose[mine.fillna(False)])
        return None if set(whose[mine.isna()]) - sure_of else Fraction(len(sure_of))

    @cached_property
    def owed(self) -> pd.Series:
        balance = self.col("balance")
        return (balance != 0).astype("boolean").mask(balance.isna())

    @cached_property
    def local(self) -> pd.Series:
        return among(self.col("of_county_code"), {self.county})
