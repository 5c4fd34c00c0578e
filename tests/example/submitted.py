"""What reached the office, as frames a second reader works with: no code of the generator's.

Of the generator only the making of the data is used; masks follow the contract's wording.
"""

from __future__ import annotations

import io
from decimal import Decimal
from fractions import Fraction

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from puhui.example import Reports, handing_in, truths
from puhui.example.roster import LAST, ROSTER

LIMIT = 10_000_000_00
LEDGERS = [u.short for u in ROSTER if u.has_ledger]
EXTRACTS = [u.short for u in ROSTER if u.has_ledger and u.sends.startswith("east")]
#: What no EAST extract has a column for, of those looked at here.
NOT_IN_EXTRACTS = """revenue last_share_transfer_on chain first_drawdown_on first_loan_query_on
    first_loan_query_clear operating_normally first_check_due_on first_check_on
    collateral_held_since""".split()  # noqa: SIM905


class Sent:
    """What reached the office: raw tables by quarter, marked loans, and the truth beside."""

    def __init__(self, county):
        reports = Reports(county)
        self.tables, self.loans = {}, {}
        for quarter in (LAST, LAST.year_start):
            files = handing_in.archived(reports, quarter, 1, short=quarter != LAST)
            found = {n.split(".")[0]: pq.read_table(io.BytesIO(b)) for n, b in files.items()}
            self.tables[str(quarter)] = {name: as_frame(t) for name, t in found.items()}
            self.loans[str(quarter)] = marked(self.tables[str(quarter)], quarter == LAST)
        self.office = {name: as_frame(t) for name, t in reports.supervisor.items()}
        made = truths.tables(reports, (LAST,))
        rows = [r for r in made["situations"] if r["quarter"] == str(LAST)]
        self.rows = {(r["clause"], r["institution_id"], r["branch_id"]): r for r in rows}
        self.every, self.leads, self.persons = made["situations"], made["leads"], made["persons"]

    def now(self, short):
        """Loans of a bank at the end of the year, and of the year before."""
        return tuple(
            m[m["institution_id"] == f"HC{short[:2]}000{short[2]}"] for m in self.loans.values()
        )

    def judged(self, clause):
        """Bank, row, value and base of the ledger banks whose figure is known."""
        for short in LEDGERS:
            row = self.rows[clause, f"HC{short[:2]}000{short[2]}", None]
            if row["value_num"] is not None:
                yield short, row, ratio(row, "value"), ratio(row, "base")

    def planted(self, *patterns):
        """Keys of planted breaches of some patterns."""
        return {
            (r["institution_id"], r["key"])
            for r in self.leads
            if r["is_true"] and r["pattern"] in patterns
        }


def ratio(row, name):
    if row[f"{name}_num"] is None:
        return None
    return Fraction(int(row[f"{name}_num"]), int(row[f"{name}_den"]))


def as_frame(table):
    """Money and rates as whole hundredths (none: -1), dates as timestamps, the rest as is."""
    found = {}
    for field in table.schema:
        column = table[field.name]
        if pa.types.is_decimal(field.type):
            hundredths = pc.multiply(column.cast(pa.decimal128(24, 6)), pa.scalar(Decimal(100)))
            found[field.name] = pc.fill_null(hundredths.cast(pa.int64()), -1).to_pandas()
        elif pa.types.is_date(field.type):
            found[field.name] = pd.to_datetime(column.to_pandas())
        else:
            found[field.name] = column.to_pandas()
    return pd.DataFrame(found)


def marked(tables, last):
    """Loans beside their customers, with the masks the clauses are worded in."""
    customers = tables["customers"]
    if last:
        east = customers["institution_id"].isin([f"HC{s[:2]}000{s[2]}" for s in EXTRACTS])
        for table in (customers, tables["loans"]):
            mine = table["institution_id"].isin(customers["institution_id"][east].unique())
            for name in set(NOT_IN_EXTRACTS) & set(table):
                gone = -1 if pd.api.types.is_integer_dtype(table[name]) else None
                table[name] = table[name].where(~mine, gone)
    both = ["institution_id", "customer_id"]
    drop = [c for c in customers if c in tables["loans"] and c not in both]
    loans = tables["loans"].merge(
        customers.drop(columns=drop), on=both, how="left", validate="m:1", indicator="known"
    )
    assert (loans["known"] == "both").all()
    kind, year = loans["kind"], 2021 if last else 2020
    firm = (kind == "enterprise") & loans["size"].isin(["small", "micro"])
    business = loans["is_business_loan"].eq(True)
    small = firm | kind.isin(["individual_business", "mse_owner"])
    loans["mse"] = small & business & ~loans["product"].isin(["rediscount", "entrusted"])
    loans["ent"] = loans["mse"] & firm
    loans["bill"] = loans["product"] == "discount"
    loans["incl"] = loans["mse"] & (loans["credit_line"] <= LIMIT)
    loans["assessed"] = loans["incl"] & ~loans["bill"]
    loans["drawn"] = loans["mse"] & (loans["drawn_on"].dt.year == year)
    loans["then"] = loans["drawn"] & (loans["credit_line_at_drawdown"] <= LIMIT)
    loans["bad"] = loans["five_class"].isin(["substandard", "doubtful", "loss"])
    loans["credit"] = (loans["guarantee"] == "credit") & ~loans["bill"]
    farmer = (kind == "farmer") & business & (loans["credit_line"] <= LIMIT // 2)
    village = kind.isin(["farm_cooperative", "village_collective"])
    rural = (village | (loans["ent"] & loans["is_agricultural"].eq(True))) & (
        loans["credit_line"] <= LIMIT
    )
    loans["agri"] = farmer | rural
    days = zip(loans["drawn_on"], loans["matures_on"], strict=True)
    loans["term"] = [whole_months(a, b) for a, b in days]
    loans["long"] = loans["matures_on"] > loans["drawn_on"] + pd.DateOffset(months=12)
    return loans


def whole_months(first, last):
    month_end = last == last + pd.offsets.MonthEnd(0)
    short = last.day < first.day and not month_end
    return (last.year - first.year) * 12 + last.month - first.month - short
