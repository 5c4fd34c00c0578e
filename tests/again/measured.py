"""Figures by name from each source: filed items, the ledger, registers and answers.

``RETURNS`` says which filed items make a figure: alternatives in order, each a sum of items.
Inclusive is S71 rows 1 and 3 in bands 1 to 3, assessed band 5; S63 columns C, D, G, H are
small and micro firms, individual businesses and owners.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction

from again import ledger as of
from again.ledger import Figure, Ledger


def _bands(column: str, bands: str = "123") -> list[str]:
    return [f"S71_I_{row}.{column}{band}" for row in (1, 3) for band in bands]


def _all_small(row: str, columns: str = "CDGH") -> list[str]:
    return [f"S63_I_{row}.{column}" for column in columns]


RETURNS: Mapping[str, list[list[str]]] = {
    "assessed_balance": [_bands("A", "5"), ["QS.assessed_balance"]],
    "assessed_customers": [_bands("B", "5"), ["QS.assessed_customers"]],
    "all_loans": [["G01.loans"], ["QS.all_loans"]],
    "npl": [["G11.npl"], ["QS.npl"]],
    "incl_balance": [_bands("A"), ["QS.incl_balance"]],
    "incl_npl": [_bands("C"), ["QS.incl_npl"]],
    "incl_drawn": [_bands("D"), ["QS.incl_drawn"]],
    "incl_interest": [_bands("F"), ["QS.incl_interest"]],
    "mse_balance": [_all_small("1"), ["QS.mse_balance"]],
    "mse_credit": [_all_small("1.2.1"), ["QS.mse_credit_balance"]],
    "ent_first": [["QS.ent_first_loan_customers"], ["C2.3.first"]],
    "ent_drawn": [["QS.ent_drawn_customers"], ["C2.4a.drawn"]],
    "mse_local": [["C2.5a.balance"]],
    "mse_online": [["C4.2a.balance"]],
    "mse_online_heads": [["C4.2a.customers"]],
    "mse_mitigated": [["C4.3a.balance"]],
    "mse_insured": [["C4.3b.balance"]],
    "mse_long": [["QS.mse_long_balance"], ["C4.4.balance"]],
    "mse_renewal": [_all_small("7.1"), ["QS.mse_renewal_balance"]],
    "mse_revolving": [["QS.mse_revolving_balance"], ["C4.5b.balance"]],
    "factory": [["QS.manufacturing_balance"], ["C5.0.balance"]],
    "pillars": [["C5.1.balance"]],
    "emerging": [["C5.2.balance"]],
    "pledged": [["C5.4.balance"]],
    "agri": [["QS.agri_balance"], ["C5.5a.balance"]],
}
#: Interest is filed in yuan a year; amount × percent is a hundred times that.
_FACTOR = {"incl_interest": 100}

Branch = str | None
LEDGER: Mapping[str, Callable[[Ledger, Branch], Figure]] = {
    "assessed_balance": lambda x, b: x.money(x.assessed, "balance", b),
    "assessed_customers": lambda x, b: x.heads(x.assessed & x.owed, b),
    "all_loans": lambda x, b: x.money(x.book, "balance", b),
    "npl": lambda x, b: x.money(x.book & x.bad, "balance", b),
    "incl_balance": lambda x, b: x.money(x.inclusive, "balance", b),
    "incl_npl": lambda x, b: x.money(x.inclusive & x.bad, "balance", b),
    "incl_late": lambda x, b: x.money(x.inclusive & x.late & ~x.bad, "balance", b),
    "all_late": lambda x, b: x.money(x.book & x.late & ~x.bad, "balance", b),
    "incl_removed": lambda x, b: x.taken_off(x.inclusive_removed, b),
    "all_removed": lambda x, b: x.taken_off(x.removed, b),
    "incl_drawn": lambda x, b: x.money(x.drawn_rated, "amount", b),
    "incl_interest": lambda x, b: x.interest(b),
    "mse_balance": lambda x, b: x.money(x.mse, "balance", b),
    "mse_credit": lambda x, b: x.money(x.mse & x.unsecured, "balance", b),
    "ent_first": lambda x, b: x.heads(
        x.any_line & x.firm & x.this_year & x.new_customer & x.clear, b
    ),
    "ent_drawn": lambda x, b: x.heads(x.any_line & x.firm & x.this_year, b),
    "mse_local": lambda x, b: x.money(x.mse & x.local, "balance", b),
    "lpr_drawn": lambda x, b: x.money(x.drawn_assessed & x.named_lpr, "amount", b),
    "priced_drawn": lambda x, b: x.money(x.drawn_assessed, "amount", b),
    "checks_due": lambda x, b: x.loans(x.check_due & ~x.renewal, b),
    "checks_made": lambda x, b: x.loans(x.check_in_time & ~x.renewal, b),
    "renewal_checks_due": lambda x, b: x.loans(x.check_due & x.renewal, b),
    "renewal_checks_made": lambda x, b: x.loans(x.check_in_time & x.renewal, b),
    "mse_online": lambda x, b: x.money(x.mse & x.unsecured & x.col("is_online"), "balance", b),
    "mse_online_heads": lambda x, b: x.heads(x.mse & x.unsecured & x.col("is_online") & x.owed, b),
    "mse_mitigated": lambda x, b: x.money(x.mse & x.holds(of.LISTED), "balance", b),
    "mse_insured": lambda x, b: x.money(
        x.mse & x.holds({"credit_insurance", "policy"}), "balance", b
    ),
    "mse_long": lambda x, b: x.money(x.mse & x.long, "balance", b),
    "mse_renewal": lambda x, b: x.money(x.mse & x.renewal, "balance", b),
    "mse_revolving": lambda x, b: x.money(x.mse & x.col("is_revolving"), "balance", b),
    "factory": lambda x, b: x.money(x.factory & x.book, "balance", b),
    "pillars": lambda x, b: x.money(x.book & x.chain(of.PILLARS), "balance", b),
    "emerging": lambda x, b: x.money(x.book & x.chain(of.EMERGING), "balance", b),
    "pledged": lambda x, b: x.money(x.mse & x.holds(of.PLEDGED), "balance", b),
    "agri": lambda x, b: x.money(x.farming, "balance", b),
    "agri_credit": lambda x, b: x.money(x.farming & x.unsecured, "balance", b),
    "supported": lambda x, b: x.money(x.supported, "amount", b),
}


def from_items(name: str, items: Mapping[str, Fraction]) -> Figure:
    """A figure from filed items: the first alternative all of whose items were filed."""
    for listed in RETURNS.get(name, []):
        if all(item in items for item in listed):
            return _FACTOR.get(name, 1) * sum((items[item] for item in listed), Fraction(0))
    return None
