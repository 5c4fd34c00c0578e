"""Spread paths worked by hand."""

from __future__ import annotations

from fractions import Fraction

from puhui.derive import loan_facts
from puhui.engine import DuckDBEngine
from puhui.quarter import Quarter
from puhui.rates import spec_from, spreads
from vocabulary import County


def test_spread_is_weighted_by_amount_and_each_loan_counts_once(tmp_path):
    # 2021Q1: 300 at 5.85 and 100 at 4.85 over LPR 3.85: (300×200 + 100×100)/400 = 175 bp.
    # 2021Q4: 100 at 3.80 on 12-20 over LPR 3.80: 0 bp. The bill and the loan of 2019Q3 stay out.
    text = """
    loan_id amount drawn_on   matures_on rate_at_drawdown product
    L1      300    2021-01-04 2022-01-04 5.85             working_capital
    L2      100    2021-03-31 2022-03-31 4.85             working_capital
    L3      100    2021-12-20 2022-12-20 3.80             working_capital
    L4      900    2021-01-04 2021-07-04 9.00             discount
    L5      900    2019-09-30 2022-09-30 9.00             working_capital
    """
    county = County(tmp_path)
    county.with_loans("2021Q3", "HCNS0001", text)
    county.with_loans("2021Q4", "HCNS0001", text)
    snapshots = county.stored()
    with DuckDBEngine([county.store.root]) as engine:
        loan_facts(engine, county.params, snapshots)
        spec = spec_from(county.params, Quarter.parse("2021Q4"))
        rows = spreads(engine, "loan_facts", spec).to_pylist()
    found = {
        r["priced_in"]: (r["loans"], Fraction(int(r["spread_num"]), int(r["spread_den"])))
        for r in rows
    }
    assert found == {"2021Q1": (2, Fraction(175)), "2021Q4": (1, Fraction(0))}
    assert [r["amount"] for r in rows] == [400.0, 100.0]
    assert rows[0]["mean_rate"] == 5.6
