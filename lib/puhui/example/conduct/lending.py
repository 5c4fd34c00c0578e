"""What a bank's lending amounts to at a quarter's end, as far as the clauses ask.

Exact sums over the clean snapshot; at a bank that files figures instead of a ledger, rounded as
it files them.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from puhui.example.columns import Columns, bits, code, day_number
from puhui.example.county import County
from puhui.example.days import add_months
from puhui.example.filings import Marks
from puhui.example.lives import NEW, RENEWAL
from puhui.example.people import EMERGING_CHAINS, PILLAR_CHAINS
from puhui.example.roster import COUNTY_CODE, ROSTER, Unit
from puhui.quarter import Quarter

#: The eight mitigants the notice names (§4), insurance among them, and those of a supply chain.
LISTED = bits(
    "mitigant",
    "ip",
    "equity",
    "receivable",
    "land_right",
    "gov_fund",
    "procurement_contract",
    "credit_insurance",
    "policy",
)
INSURED = bits("mitigant", "credit_insurance", "policy")
CHAINED = bits("mitigant", "receivable", "prepayment", "inventory", "warehouse_receipt")
_AGRI_KINDS = tuple(
    code("customer_kind", k) for k in ("farmer", "farm_cooperative", "village_collective")
)
_FARMER_LIMIT, _LIMIT = 500_000_000, 1_000_000_000
UNITS: dict[str, Unit] = {unit.short: unit for unit in ROSTER}


class Lending:
    """Figures of one bank at one quarter's end, by name; money in fen.

    Parameters
    ----------
    county
        Code of the county whose customers count as local.
    branch
        Only the loans of a branch (its position), if given.
    rounded
        Money as filed: to the nearest hundred yuan, half up.
    """

    def __init__(
        self,
        snapshot: dict[str, Columns],
        quarter: Quarter,
        *,
        county: str = COUNTY_CODE,
        branch: int | None = None,
        rounded: bool = False,
    ) -> None:
        self._county = county
        self._marks = Marks(snapshot, quarter)
        self._quarter, self._rounded = quarter, rounded
        loans, customers = snapshot["loans"], snapshot["customers"]
        self._at = np.searchsorted(customers["customer_row"], loans["customer_row"])
        self._customers = customers
        n = len(loans["amount"])
        self._here: Any = np.ones(n, dtype=bool) if branch is None else loans["branch"] == branch
        self._masks = self._scopes() | self._special()
        self._known: dict[str, int] = {}

    def __getitem__(self, name: str) -> int:
        """Balance of a scope, fen; ``name:customers`` borrowers with a balance in it."""
        if name not in self._known:
            self._known[name] = self._work_out(name)
        return self._known[name]

    def _work_out(self, name: str) -> int:
        scope, _, what = name.partition(":")
        mask, marks = self._masks[scope] & self._here, self._marks
        loans = marks.loans
        if what == "customers":
            return marks.customers(mask & (marks.owed > 0))
        if what == "borrowers":
            return marks.customers(mask)
        if what == "loans":
            return int((mask & (marks.owed > 0)).sum())
        if what == "interest":
            return int((loans["amount"][mask] * loans["rate_at_drawdown"][mask]).sum())
        found = int(loans["amount"][mask].sum()) if what == "drawn" else marks.sum(mask)
        return (found + 5_000) // 10_000 * 10_000 if self._rounded else found

    def share(self, part: str, whole: str) -> Fraction | None:
        """Percent of one figure in another; none if the other is zero."""
        return Fraction(100 * self[part], self[whole]) if self[whole] else None

    def rate(self) -> Fraction | None:
        """Mean rate of the year's inclusive drawdowns, weighted by amount, in percent."""
        drawn = self["at_drawdown:drawn"]
        return Fraction(self["at_drawdown:interest"], 100 * drawn) if drawn else None

    def _scopes(self) -> dict[str, Any]:
        marks, loans = self._marks, self._marks.loans
        kind = marks.kind
        line = marks.line
        farmer = kind == _AGRI_KINDS[0]
        business = loans["is_business_loan"] == 1
        village = np.isin(kind, _AGRI_KINDS[1:]) & (line <= _LIMIT)
        rural = marks.firm & (line <= _LIMIT) & (loans["is_agricultural"] == 1)
        agri = (farmer & business & (line <= _FARMER_LIMIT)) | village | rural
        return {
            "all": marks.owed >= 0,
            "npl": marks.bad,
            "mse": marks.mse,
            "ent": marks.firm,
            "incl": marks.inclusive,
            "incl_npl": marks.inclusive & marks.bad,
            "assessed": marks.assessed,
            "agri": agri,
            "agri_credit": agri & marks.credit,
            "making": marks.making,
            "mse_making": marks.mse & marks.making,
            "at_drawdown": marks.at_drawdown,
            "ent_drawn": marks.drawn & marks.firm,
            "ent_first": marks.first_loan & marks.drawn & marks.firm,
        }

    def _special(self) -> dict[str, Any]:
        marks, loans = self._marks, self._marks.loans
        mse, mitigants = marks.mse, loans["mitigants"]
        long = loans["matures_on"] > add_months(loans["drawn_on"], 12)
        half_year = loans["matures_on"] >= add_months(loans["drawn_on"], 6)
        pillar, emerging = self._tagged(PILLAR_CHAINS), self._tagged(EMERGING_CHAINS)
        new = self._customers["first_drawdown_on"][self._at] >= day_number(
            self._quarter.year_to_date_start
        )
        local = pc.equal(self._customers["county_code"], pa.scalar(self._county))
        benchmark = pc.fill_null(pc.starts_with(loans["benchmark"], "lpr:"), False)
        priced = marks.at_drawdown & ~marks.bill
        return {
            "mse_credit": mse & marks.credit,
            "mse_long": mse & long,
            "mse_renewal": mse & (loans["issue_kind"] == RENEWAL),
            "mse_revolving": mse & (loans["is_revolving"] == 1),
            "mse_local": mse & local.to_numpy(zero_copy_only=False)[self._at],
            "mse_listed": mse & (mitigants & LISTED != 0),
            "mse_insured": mse & (mitigants & INSURED != 0),
            "mse_chained": mse & (mitigants & CHAINED != 0),
            "mse_online": mse & marks.credit & (loans["is_online"] == 1),
            "priced": priced,
            "on_lpr": priced & benchmark.to_numpy(zero_copy_only=False),
            "pillar": pillar,
            "emerging": emerging,
            "pillar_new": pillar & marks.mse & new,
            "emerging_new": emerging & marks.mse & new,
            "lifted": (self._customers["is_lifted_household"] == 1)[self._at],
            "supported": priced & marks.credit & half_year & (loans["issue_kind"] == NEW),
        }

    def _tagged(self, names: tuple[str, ...]) -> Any:
        chain = self._customers["chain"]
        found = pc.is_in(chain, value_set=pa.array(names)).to_numpy(zero_copy_only=False)
        return found[self._at]


def lending(county: County, quarter: Quarter, short: str, branch: int | None = None) -> Lending:
    """Figures of a bank of a county, or of one of its branches."""
    return Lending(
        county.snapshots[quarter, short],
        quarter,
        county=county.people.county_code,
        branch=branch,
        rounded=not UNITS[short].has_ledger,
    )


class Figures:
    """Figures of every bank and quarter of a county, worked out when asked for."""

    def __init__(self, county: County) -> None:
        self.county = county
        self._known: dict[tuple[Quarter, str, int | None], Lending] = {}

    def __call__(self, quarter: Quarter, short: str, branch: int | None = None) -> Lending:
        """Figures of a bank, or of one of its branches."""
        key = (quarter, short, branch)
        if key not in self._known:
            self._known[key] = lending(self.county, quarter, short, branch)
        return self._known[key]
