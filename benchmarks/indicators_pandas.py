"""The ledger measures of ``params/measures.yaml`` in plain pandas, for ``indicators.py``.

As one would write them with care: only the columns needed, money as whole fen (sums of floats are
not exact), codes as categories, customers merged once, each shared mask made once. It relies on
what the generated ledger is known to be: no empty cell where a measure would be left unknown.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

UNIT = ["institution_id", "branch_id"]
_EIGHT = ["ip", "equity", "receivable", "land_right", "gov_fund", "procurement_contract",
          "credit_insurance", "policy"]  # fmt: skip
_PLEDGE = ["receivable", "prepayment", "inventory", "warehouse_receipt"]
_PILLAR = ["装备制造", "绿色食品", "电子制造", "先进金属材料", "新型建材", "现代轻纺"]
_EMERGING = ["新型显示", "智能终端", "生物医药", "节能环保", "新能源及网联汽车", "新一代人工智能",
             "网络安全", "新材料", "智能装备", "智能传感器"]  # fmt: skip


def frame(store: Path, table: str, columns: list[str]) -> pd.DataFrame:
    """Read columns of every institution's table."""
    source = ds.dataset(
        sorted(store.glob(f"quarter=*/*/rev=*/{table}.parquet")),
        partitioning=ds.HivePartitioning.discover(infer_dictionary=True),
        partition_base_dir=str(store),
    )
    read = source.to_table(columns=["institution_id", *columns])
    return pa.table({n: _plain(n, read[n]) for n in read.column_names}).to_pandas(
        date_as_object=False, self_destruct=True
    )


def _plain(name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Whole fen, millionths of a percent, categories, and no empty flag."""
    if pa.types.is_decimal(column.type):
        units = pa.scalar(10**column.type.scale, pa.decimal128(8, 0))
        return pc.fill_null(pc.cast(pc.multiply(column, units), pa.int64()), 0)
    if pa.types.is_boolean(column.type):
        return pc.fill_null(column, False)
    if pa.types.is_string(column.type) and name not in ("customer_id", "industry"):
        return column.dictionary_encode()
    return column


def measures(store: Path, register: pd.DataFrame) -> pd.DataFrame:
    """Return every measure's exact value in units of 1e-8, by institution and branch.

    Columns ``institution_id``, ``branch_id`` (empty: the institution), ``measure_id``, ``value``
    (Python integers).
    """
    loans = frame(store, "loans", [
        "branch_id", "customer_id", "product", "is_business_loan", "issue_kind", "amount",
        "balance", "drawn_on", "matures_on", "closed_on", "written_off_amount",
        "transferred_amount", "rate_at_drawdown", "rate_now", "benchmark", "guarantee",
        "mitigants", "five_class", "status", "credit_line_at_drawdown", "is_revolving",
        "is_online", "is_agricultural", "first_check_due_on", "first_check_on",
    ])  # fmt: skip
    customers = frame(store, "customers", [
        "customer_id", "kind", "size", "industry", "county_code", "credit_line", "chain",
        "first_drawdown_on", "first_loan_query_clear", "is_lifted_household",
    ])  # fmt: skip
    d = loans.merge(customers, on=["institution_id", "customer_id"], how="left")
    del loans, customers
    masks = _masks(d, register)
    rows = []
    for name, (column, mask) in _sums(d, masks).items():
        rows.append(_summed(d, name, column, mask))
    for name, mask in _counts(masks).items():
        sizes = d.loc[mask].groupby(UNIT, observed=True).size()
        rows.append(_units(name, sizes, sizes.groupby("institution_id", observed=True).sum()))
    for name, mask in _customers(masks).items():
        found = d.loc[mask, [*UNIT, "customer_id"]]
        by_branch = found.groupby(UNIT, observed=True)["customer_id"].nunique()
        whole = found.groupby("institution_id", observed=True)["customer_id"].nunique()
        rows.append(_units(name, by_branch, whole))
    result = pd.concat(rows, ignore_index=True)
    counted = ~result["measure_id"].isin(_sums(d, masks))
    result.loc[counted, "value"] = result.loc[counted, "value"] * 10**8
    return result


def _units(name: str, by_branch: pd.Series, whole: pd.Series) -> pd.DataFrame:
    both = [by_branch.rename("value").reset_index(), whole.rename("value").reset_index()]
    found = pd.concat(both, ignore_index=True).assign(measure_id=name)
    found["value"] = found["value"].astype(object)
    return found.astype({"institution_id": str, "branch_id": object})


def _summed(d: pd.DataFrame, name: str, column: str, mask: pd.Series) -> pd.DataFrame:
    """Sum a column, or a product of two in parts that no 64-bit sum overflows."""
    first, _, second = column.partition(" * ")
    if not second:
        sums = d.loc[mask].groupby(UNIT, observed=True)[first].sum().astype(object) * 10**6
    else:
        found = d.loc[mask, [*UNIT, first, second]]
        product = found[first] * found[second]
        parts = found[UNIT].assign(high=product // 10**6, low=product % 10**6)
        added = parts.groupby(UNIT, observed=True)[["high", "low"]].sum().astype(object)
        sums = added["high"] * 10**6 + added["low"]
        if second == "months":
            sums = sums * 10**6
    return _units(name, sums, sums.groupby("institution_id", observed=True).sum())


def _masks(d: pd.DataFrame, register: pd.DataFrame) -> dict[str, pd.Series]:
    """Facts of a loan that measures share."""
    day = pd.Timestamp
    m: dict[str, pd.Series] = {}
    person = d["kind"].isin(["individual_business", "mse_owner", "farmer", "other_personal"])
    m["business"] = np.where(person, d["is_business_loan"], d["kind"].notna())
    small = d["kind"].isin(["individual_business", "mse_owner"]) | (
        (d["kind"] == "enterprise") & d["size"].isin(["small", "micro"])
    )
    m["bill"] = d["product"].isin(["discount", "rediscount"])
    m["book"] = (d["product"] != "entrusted") & ~d["status"].isin(["written_off", "transferred"])
    m["limit"] = d["credit_line"] <= 10_000_000_00
    m["small"] = small & m["business"]
    m["now"] = m["small"] & m["limit"] & (d["product"] != "rediscount") & m["book"]
    m["assessed"] = m["now"] & (d["product"] != "discount")
    m["drawdown"] = m["small"] & (d["credit_line_at_drawdown"] <= 10_000_000_00)
    m["drawdown"] &= ~d["product"].isin(["rediscount", "entrusted"])
    m["this_year"] = d["drawn_on"].between(day(2021, 1, 1), day(2021, 12, 31))
    m["incl_drawn"] = m["drawdown"] & (d["issue_kind"] != "restructured") & m["this_year"]
    m["priced"] = m["drawdown"] & (d["product"] != "discount") & m["this_year"]
    m["npl"] = d["five_class"].isin(["substandard", "doubtful", "loss"])
    m["credit"] = (d["guarantee"] == "credit") & ~m["bill"]
    m["any_mse"] = m["small"] & (d["product"] != "entrusted")
    m["mse"] = m["any_mse"] & m["book"]
    m["enterprise"] = m["any_mse"] & (d["kind"] == "enterprise")
    m["mse_year"] = m["any_mse"] & m["this_year"]
    m["owing"] = d["balance"] != 0
    m["renewal"] = d["issue_kind"] == "renewal"
    m["new"] = d["issue_kind"] == "new"
    long = d["drawn_on"] + pd.DateOffset(months=12)
    m["long"] = d["matures_on"] > long
    m["half_year"] = d["matures_on"] >= d["drawn_on"] + pd.DateOffset(months=6)
    m["in_window"] = d["drawn_on"] >= day(2020, 3, 1)
    m["manufacturing"] = m["book"] & (d["industry"] >= "C") & (d["industry"] < "D")
    m["agri"] = m["book"] & (d["product"] != "rediscount") & (
        ((d["kind"] == "farmer") & m["business"] & (d["credit_line"] <= 5_000_000_00))
        | (d["kind"].isin(["farm_cooperative", "village_collective"]) & m["limit"])
        | (m["enterprise"] & d["is_agricultural"] & m["limit"])
    )  # fmt: skip
    m["pillar"] = m["book"] & d["chain"].isin(_PILLAR)
    m["emerging"] = m["book"] & d["chain"].isin(_EMERGING)
    m["first_used"] = d["first_drawdown_on"].between(day(2021, 1, 1), day(2021, 12, 31))
    m["clear"] = d["first_loan_query_clear"] == True  # noqa: E712 (a left merge made it object)
    m["lifted"] = d["is_lifted_household"] == True  # noqa: E712
    codes = register.set_index("institution_id")["county_code"]
    county = d["institution_id"].astype(str).map(codes)
    m["local"] = d["county_code"].astype(str) == county
    m["closed"] = (d["written_off_amount"] + d["transferred_amount"] > 0) & d["closed_on"].between(
        day(2021, 1, 1), day(2021, 12, 31)
    )
    m["removed"] = m["small"] & m["limit"] & m["closed"]
    m["removed"] &= ~d["product"].isin(["rediscount", "entrusted", "discount"])
    m["all_removed"] = (d["product"] != "entrusted") & m["closed"]
    m["due"] = m["mse_year"] & (d["first_check_due_on"] <= day(2021, 12, 31))
    m["in_time"] = d["first_check_on"] <= d["first_check_due_on"]
    m["lpr"] = d["benchmark"].isin(["lpr:1Y", "lpr:5Y"])
    m["overdue"] = d["status"] == "overdue"
    m["online"], m["revolving"] = d["is_online"], d["is_revolving"]
    listed = d["mitigants"].notna()
    sets = d.loc[listed, "mitigants"].map(frozenset)
    for name, wanted in (
        ("mitigated", _EIGHT), ("insured", ["credit_insurance", "policy"]), ("pledge", _PLEDGE)
    ):  # fmt: skip
        m[name] = pd.Series(False, index=d.index)
        m[name].loc[listed] = ~sets.map(frozenset(wanted).isdisjoint)
    return m


def _sums(d: pd.DataFrame, m: dict[str, pd.Series]) -> dict[str, tuple[str, pd.Series]]:
    """Summed column and mask of each sum."""
    if "removed" not in d:
        d["removed"] = d["written_off_amount"] + d["transferred_amount"]
        start, end = d["drawn_on"].dt, d["matures_on"].dt
        short = (start.day > end.day) & ~end.is_month_end
        d["months"] = (end.year - start.year) * 12 + end.month - start.month - short
    b, a = "balance", "amount"
    renewed = m["mse"] & m["renewal"]
    return {
        "assessed_balance": (b, m["assessed"]),
        "all_loans": (b, m["book"]),
        "bill_balance": (b, m["book"] & m["bill"]),
        "npl": (b, m["book"] & m["npl"]),
        "incl_balance": (b, m["now"]),
        "incl_npl": (b, m["now"] & m["npl"]),
        "assessed_npl": (b, m["assessed"] & m["npl"]),
        "incl_drawn": (a, m["incl_drawn"]),
        "incl_drawn_interest": ("amount * rate_at_drawdown", m["incl_drawn"]),
        "mse_balance": (b, m["mse"]),
        "mse_credit_balance": (b, m["mse"] & m["credit"]),
        "incl_rate_now": ("balance * rate_now", m["now"]),
        "assessed_removed": ("removed", m["removed"]),
        "all_removed": ("removed", m["all_removed"]),
        "ent_balance": (b, m["enterprise"] & m["book"]),
        "mse_local_balance": (b, m["mse"] & m["local"]),
        "lpr_drawn": (a, m["priced"] & m["lpr"]),
        "priced_drawn": (a, m["priced"]),
        "mse_online_balance": (b, m["mse"] & m["credit"] & m["online"]),
        "mse_mitigated_balance": (b, m["mse"] & m["mitigated"]),
        "mse_insured_balance": (b, m["mse"] & m["insured"]),
        "mse_long_balance": (b, m["mse"] & m["long"]),
        "mse_drawn": (a, m["mse_year"]),
        "mse_drawn_months": ("amount * months", m["mse_year"]),
        "mse_renewal_balance": (b, renewed),
        "mse_renewal_npl": (b, renewed & m["npl"]),
        "mse_renewal_overdue": (b, renewed & m["overdue"]),
        "mse_revolving_balance": (b, m["mse"] & m["revolving"]),
        "manufacturing_balance": (b, m["manufacturing"]),
        "manufacturing_long_balance": (b, m["manufacturing"] & m["long"]),
        "manufacturing_credit_balance": (b, m["manufacturing"] & m["credit"]),
        "mse_manufacturing_balance": (b, m["manufacturing"] & m["mse"]),
        "pillar_balance": (b, m["pillar"]),
        "emerging_balance": (b, m["emerging"]),
        "chain_pledge_balance": (b, m["mse"] & m["pledge"]),
        "agri_balance": (b, m["agri"]),
        "agri_credit_balance": (b, m["agri"] & m["credit"]),
        "lifted_balance": (b, m["book"] & m["lifted"]),
        "supported_drawn": (
            a, m["priced"] & m["credit"] & m["new"] & m["half_year"] & m["in_window"]
        ),
    }  # fmt: skip


def _counts(m: dict[str, pd.Series]) -> dict[str, pd.Series]:
    return {
        "incl_loans": m["now"] & m["owing"],
        "first_checks_due": m["due"] & ~m["renewal"],
        "first_checks_in_time": m["due"] & ~m["renewal"] & m["in_time"],
        "renewal_checks_due": m["due"] & m["renewal"],
        "renewal_checks_in_time": m["due"] & m["renewal"] & m["in_time"],
    }


def _customers(m: dict[str, pd.Series]) -> dict[str, pd.Series]:
    owing = m["owing"]
    year = m["enterprise"] & m["this_year"]
    return {
        "assessed_customers": m["assessed"] & owing,
        "mse_customers": m["mse"] & owing,
        "ent_first_loan_customers": year & m["first_used"] & m["clear"],
        "ent_drawn_customers": year,
        "mse_online_customers": m["mse"] & m["credit"] & m["online"] & owing,
        "mse_revolving_customers": m["mse"] & m["revolving"] & owing,
        "pillar_customers": m["pillar"] & owing,
        "pillar_new_customers": m["mse"] & m["pillar"] & owing & m["first_used"],
        "emerging_customers": m["emerging"] & owing,
        "emerging_new_customers": m["mse"] & m["emerging"] & owing & m["first_used"],
        "agri_customers": m["agri"] & owing,
    }
