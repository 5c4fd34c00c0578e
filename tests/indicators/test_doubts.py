"""Flags of a verdict: quarantined rows at their worst, rounding, our own limits, narrow lines.

Worked by hand: a quarantined loan may count in any measure and in none, each by itself.
"""

from __future__ import annotations

from fractions import Fraction

import pyarrow as pa
import pytest

from puhui import measures
from puhui.engine import DuckDBEngine
from puhui.quarter import Quarter
from vocabulary import County, canonical, rows

BANK = "HCNS0001"


class Worst(County):
    """A county whose submissions also leave rows in quarantine."""

    def __init__(self, folder):
        super().__init__(folder)
        self.aside = {}

    def quarantine(self, quarter, text):
        """Set loans aside: columns loan_id and what is readable, ``-`` for what is not."""
        given = [{"institution_id": BANK, **r} for r in rows(text)]
        self.aside[quarter, BANK] = {"loans": canonical("loans", given, {})}
        self.set_aside[quarter, BANK] = {"loans": len(given)}
        return self

    def stored(self):
        plain = super().stored()
        self.snapshots = [self._again(s) for s in plain]
        return self.snapshots

    def measures(self, *_asked, threads=2):
        """Measures of the quarters submitted and their bases; answers if any were sent."""
        snapshots = self.stored()
        sent = {Quarter.parse(s.quarter) for s in snapshots}
        quarters = sorted(sent | {base for q in sent for base in q.bases.values()})
        with DuckDBEngine([self.store.root], threads=threads) as engine:
            found = [measures.from_ledgers(engine, self.params, snapshots, q) for q in quarters]
            found.append(measures.from_returns(engine, self.params, snapshots, quarters))
            if any("attestations" in s.tables for s in snapshots):
                found.append(measures.from_registers(engine, self.params, snapshots, quarters))
        return pa.concat_tables(found)

    def _again(self, snapshot):
        place = (snapshot.quarter, snapshot.institution_id)
        if place not in self.aside:
            return snapshot
        return self.store.put(
            Quarter.parse(snapshot.quarter),
            snapshot.institution_id,
            self._tables[place],
            absent=snapshot.absent,
            missing=snapshot.missing,
            set_aside=snapshot.set_aside,
            quarantined=self.aside[place],
        )


# K1 is inclusive with 1,000,000 in all, K2 outside the scope with 3,000,000, 2 % of all bad.
LEDGER = """
loan_id customer_id balance    five_class
L1      K1          {good}     normal
L2      K1          {bad}      loss
L3      K2          {rest}     normal
L4      K2          {restbad}  loss
"""
PEOPLE = "customer_id size credit_line\nK1 small 1000000\nK2 large 900000000"
SAME, OTHER = "结论也不变", "结论会改变"


def flags_of(row):
    """Flags, without that of few loans: scenarios here are small."""
    return [flag for flag in row["flags"] if flag != "small"]


def ledger(folder, bad):
    """All loans 4,000,000 and 80,000 of them bad, `bad` of those among the inclusive million."""
    good, rest = 1_000_000 - Fraction(bad), 80_000 - Fraction(bad)
    text = LEDGER.format(
        good=f"{float(good):.2f}",
        bad=bad,
        rest=f"{float(3_000_000 - rest):.2f}",
        restbad=f"{float(rest):.2f}",
    )
    return Worst(folder).with_loans("2021Q4", BANK, text, PEOPLE)


QUARANTINE = [
    # bad of the inclusive million, quarantined balance → verdict, provisional, said
    # 1 % − 2 %: with 1,000 more bad 1.1 % − 2 %, nowhere near 3 points.
    ("10000", "1000", "met", False, SAME),
    # 5 % − 2 % = 3 points, at the limit: one fen more of bad is 5.000001 %.
    ("50000", "0.01", "met", True, OTHER),
    # 2.9 points; with 900 more bad 49,900 / 1,000,000 = 4.99 %, less 80,000 / 4,000,900
    # = 1.99955 %: 2.99045 points, still within.
    ("49000", "900", "met", False, SAME),
    # With 1,000 more bad 5 % − 80,000 / 4,001,000 = 5 % − 1.9995 % = 3.0005 points.
    ("49000", "1000", "met", True, OTHER),
    # 3.1 points; if the 2,000 are good and inclusive, and bad elsewhere: 51,000 / 1,002,000
    # = 5.0898 % less 82,000 / 4,000,000 = 2.05 %: 3.0398 points, still over.
    ("51000", "2000", "not_met", False, SAME),
    # With 5,000: 51,000 / 1,005,000 = 5.0746 % less 85,000 / 4,000,000 = 2.125 %: 2.9496.
    ("51000", "5000", "not_met", True, OTHER),
]


@pytest.mark.parametrize(("bad", "aside", "verdict", "flagged", "said"), QUARANTINE)
def test_quarantined_loans_at_their_worst(tmp_path, bad, aside, verdict, flagged, said):
    county = ledger(tmp_path, bad).quarantine("2021Q4", f"loan_id balance\nX1 {aside}")
    row = county.indicator("C7.2")
    assert row["verdict"] == verdict
    assert ("provisional" in row["flags"]) is flagged
    assert "有 1 行被隔离" in row["reason"] and said in row["reason"]


def test_several_quarantined_loans_add_up(tmp_path):
    # 600 + 400 = 1,000, which changes the verdict (above); 600 + 300 = 900, which does not.
    more = ledger(tmp_path / "a", "49000")
    more.quarantine("2021Q4", "loan_id balance\nX1 600\nX2 400")
    less = ledger(tmp_path / "b", "49000")
    less.quarantine("2021Q4", "loan_id balance\nX1 600\nX2 300")
    assert flags_of(more.indicator("C7.2")) == ["provisional"]
    row = less.indicator("C7.2")
    assert flags_of(row) == []
    assert "有 2 行被隔离" in row["reason"]


def test_an_amount_that_cannot_be_read_may_be_any(tmp_path):
    # The other loan of 1 alone would change nothing.
    county = ledger(tmp_path, "10000")
    county.quarantine("2021Q4", "loan_id balance\nX1 1\nX2 -")
    row = county.indicator("C7.2")
    assert (row["verdict"], flags_of(row)) == ("met", ["provisional"])
    assert "有 2 行被隔离" in row["reason"] and OTHER in row["reason"]


def test_rows_in_quarantine_of_which_nothing_was_kept_may_be_of_any_amount(tmp_path):
    county = ledger(tmp_path, "10000")
    county.set_aside["2021Q4", BANK] = {"loans": 1}
    assert flags_of(county.indicator("C7.2")) == ["provisional"]


def test_a_quarantined_customer_alone_counts_as_set_aside(tmp_path):
    county = ledger(tmp_path, "10000")
    county.set_aside["2021Q4", BANK] = {"customers": 2}
    assert "有 2 行被隔离" in county.indicator("C7.2")["reason"]


def test_no_quarantine_says_nothing(tmp_path):
    row = ledger(tmp_path, "50000").indicator("C7.2")
    assert (row["verdict"], flags_of(row), row["reason"]) == ("met", [], None)


def customers(folder, before, now):
    """As many customers with a loan at both dates as named."""
    county = Worst(folder)
    for quarter, count in (("2020Q4", before), ("2021Q4", now)):
        lines = [f"L{i} K{i} 1" for i in range(count)]
        text = "\n".join(["loan_id customer_id balance", *lines])
        county.with_loans(quarter, BANK, text)
    return county


COUNTS = [
    # customers before and now, rows set aside then and now → verdict, provisional
    (3, 3, 0, 1, "met", False),  # 0 or +1
    (3, 3, 1, 0, "met", True),  # one more at the start of the year: −1
    (3, 4, 1, 0, "met", False),  # +1 or 0, which is enough
    (3, 4, 2, 0, "met", True),  # two more then: −1
    (3, 2, 0, 1, "not_met", True),  # −1, or 0 with the one set aside
    (4, 2, 0, 1, "not_met", False),  # −2, at best −1
    (4, 2, 9, 0, "not_met", False),  # more then only makes it worse
    (3, 3, 1, 1, "met", True),  # −1 to +1
]


@pytest.mark.parametrize(("before", "now", "then", "late", "verdict", "flagged"), COUNTS)
def test_quarantined_rows_count_as_customers_at_each_date(
    tmp_path, before, now, then, late, verdict, flagged
):
    county = customers(tmp_path, before, now)
    for quarter, count in (("2020Q4", then), ("2021Q4", late)):
        if count:
            # Their amounts cannot be read: a customer is one all the same.
            lines = [f"X{i} -" for i in range(count)]
            county.quarantine(quarter, "\n".join(["loan_id balance", *lines]))
    row = county.indicator("C2.1b")
    assert row["verdict"] == verdict
    assert ("provisional" in row["flags"]) is flagged
    assert f"有 {then + late} 行被隔离" in row["reason"]


@pytest.mark.parametrize(("third", "flags"), [("20", ["provisional"]), ("30", [])])
def test_a_trend_at_its_worst_needs_two_quarters_the_wrong_way(tmp_path, third, flags):
    # Unsecured 30 of 100 at the start of the year and now. With the 10 set aside now 30 of
    # 110 = 27.3 %, the wrong way; behind only if the quarter before was at 20 %, too.
    county = Worst(tmp_path)
    for quarter, credit in (("2020Q4", "30"), ("2021Q3", third), ("2021Q4", "30")):
        text = f"loan_id guarantee balance\nL1 credit {credit}\nL2 mortgaged {100 - int(credit)}"
        county.with_loans(quarter, BANK, text)
    row = county.quarantine("2021Q4", "loan_id balance\nX1 10").indicator("C4.1a")
    assert (row["verdict"], row["wrong_way"], flags_of(row)) == ("on_track", 0, flags)


def test_a_figure_only_shown_is_never_provisional_for_quarantine(tmp_path):
    # C5.1 is shown, whatever the amount of what was set aside.
    county = Worst(tmp_path).with_loans(
        "2021Q4",
        BANK,
        "loan_id customer_id balance\nL1 K1 100",
        "customer_id chain\nK1 绿色食品",
    )
    row = county.quarantine("2021Q4", "loan_id balance\nX1 -").indicator("C5.1")
    assert (row["verdict"], flags_of(row)) == ("shown", [])
    assert "有 1 行被隔离" in row["reason"]


def test_a_branch_compared_with_filed_figures_is_provisional_by_its_own_ledger(tmp_path):
    # B1: 5 of 100 bad = 5 %; filed 2 of 100 = 2 %: 3 points, at the limit.
    county = Worst(tmp_path)
    county.with_loans("2021Q4", BANK, "loan_id balance five_class\nL1 95 normal\nL2 5 loss")
    county.with_returns("2021Q4", BANK, "item value unit\nG01.loans 100 户\nG11.npl 2 户")
    county.quarantine("2021Q4", "loan_id balance\nX1 0.01")
    row = county.indicator("C7.2", branch="B1")
    assert (row["verdict"], "provisional" in row["flags"]) == ("met", True)
    assert "有 1 行被隔离" in row["reason"]


# C9.2: 100 × 40 % = 40 could be had and 40 was drawn: 100 %, at the limit. Of 1 set aside
# 101 × 40 % = 40.4 could be: the ratio only falls. With 40.4 drawn (101 %) it may be met.
@pytest.mark.parametrize(
    ("drawn", "verdict", "flags"), [("40", "met", []), ("40.4", "not_met", ["provisional"])]
)
def test_an_answer_beside_a_ledger_hides_no_quarantine(tmp_path, drawn, verdict, flags):
    ledger = "loan_id guarantee amount\nL1 credit 100"
    county = Worst(tmp_path).with_loans("2021Q4", BANK, ledger)
    county.with_answers("2021Q4", BANK, f"item value\nC9.2.drawn {drawn}")
    row = county.quarantine("2021Q4", "loan_id amount\nX1 1").indicator("C9.2")
    assert (row["verdict"], flags_of(row)) == (verdict, flags)
    assert "有 1 行被隔离" in row["reason"]


FILED = """
item             value    unit
QS.incl_balance  1000000  {unit}
QS.incl_npl      {bad}    {unit}
QS.all_loans     4000000  {unit}
QS.npl           80000    {unit}
"""
ROUNDED = "四舍五入"


@pytest.mark.parametrize(
    ("bad", "verdict", "flags"),
    [
        # In 万元 of two decimals each figure is within 50 yuan. At worst
        # (bad + 50) / 999,950 − 79,950 / 4,000,050, and 79,950 / 4,000,050 = 1.998725 %.
        ("50000", "met", ["near_limit"]),  # exactly 3 points
        ("50001", "not_met", ["near_limit"]),  # 3.0001 points, may be less
        ("49935", "met", ["near_limit"]),  # 49,985 / 999,950 = 4.998750 %: 3.000025
        ("49934", "met", []),  # 49,984 / 999,950 = 4.998650 %: 2.999925
        # At best (bad − 50) / 1,000,050 − 80,050 / 3,999,950 = … − 2.001275 %.
        ("50065", "not_met", ["near_limit"]),  # 50,015 / 1,000,050 = 5.001250 %: 2.999975
        ("50066", "not_met", []),  # 50,016 / 1,000,050 = 5.001350 %: 3.000075
    ],
)
def test_a_filed_figure_within_its_rounding_of_the_limit_is_near_it(tmp_path, bad, verdict, flags):
    county = Worst(tmp_path).with_returns("2021Q4", BANK, FILED.format(bad=bad, unit="万元"))
    row = county.indicator("C7.2")
    assert (row["verdict"], row["source"], flags_of(row)) == (verdict, "returns", flags)
    assert (ROUNDED in (row["reason"] or "")) is bool(flags)


def test_rounding_is_by_the_unit_filed_in(tmp_path):
    # 亿元 of two decimals: within 500,000 yuan, which moves anything here.
    text = FILED.format(bad="10000", unit="亿元")
    row = Worst(tmp_path).with_returns("2021Q4", BANK, text).indicator("C7.2")
    assert (row["verdict"], flags_of(row)) == ("met", ["near_limit"])


def test_rounding_adds_up_over_the_items_of_a_figure(tmp_path):
    # Six items of 万元: 6 × 50 = 300 yuan; interest counts a hundredfold: 30,000.
    cells = [
        f"S71_I_{row}.{column}{band}" for column in "ADF" for row in (1, 3) for band in (1, 2, 3)
    ]
    text = "\n".join(["item value unit", *(f"{cell} 1000000 万元" for cell in cells)])
    county = Worst(tmp_path).with_returns("2021Q4", BANK, text)
    found = {r["measure_id"]: r["slack"] for r in county.measures().to_pylist() if r["value"]}
    assert found["incl_balance"] == 300
    assert found["incl_drawn"] == 300
    assert found["incl_drawn_interest"] == 30_000


GROWTH = """
item                 as_of       value  unit
QS.assessed_customers 2021-12-31 10     {unit}
QS.assessed_customers 2020-12-31 10     {unit}
"""


def test_counts_are_not_rounded(tmp_path):
    county = Worst(tmp_path).with_returns("2021Q4", BANK, GROWTH.format(unit="户"))
    row = county.indicator("C2.1b")
    assert (row["verdict"], row["value_num"], flags_of(row)) == ("met", "0", [])


def test_an_answered_number_has_no_rounding(tmp_path):
    # C5.0: 110 / 100 against 1,100 / 1,000, at the limit of 0. The manufacturing figures are
    # answered, all loans come from the ledger, of which the industry is not known.
    county = Worst(tmp_path)
    for quarter, answered, loans in (("2020Q4", "100", "1000"), ("2021Q4", "110", "1100")):
        county.with_loans(
            quarter, BANK, f"loan_id balance\nL1 {loans}", customers_absent=("industry",)
        )
        county.with_answers(quarter, BANK, f"item value\nC5.0.balance {answered}")
    row = county.indicator("C5.0")
    assert (row["verdict"], row["value_num"], flags_of(row)) == ("met", "0", [])
    assert row["source"] == "ledger"


@pytest.mark.parametrize(
    ("rate", "flags"),
    [
        ("5.1", []),  # 5.1 % − 5 % = 10 basis points, at our limit
        ("5.100001", ["near_limit"]),  # 10.0001
        ("5.099999", []),
        ("9", ["near_limit"]),  # 400
        ("1", []),  # a fall never fails
    ],
)
def test_beyond_our_own_limit_a_rate_is_flagged_and_never_not_met(tmp_path, rate, flags):
    county = Worst(tmp_path)
    text = "loan_id amount rate_at_drawdown drawn_on\nL1 1000000 {} {}"
    county.with_loans("2020Q4", BANK, text.format("5", "2020-03-01"))
    county.with_loans("2021Q4", BANK, text.format(rate, "2021-03-01"))
    row = county.indicator("C3.1b")
    assert (row["verdict"], flags_of(row)) == ("met", flags)
    assert ("本项目自定的提示线" in (row["reason"] or "")) is bool(flags)


@pytest.mark.parametrize(
    ("indicator", "flags"),
    [
        ("C7.2", ["provisional"]),  # rests on the line now
        ("C4.1a", []),  # any line
    ],
)
def test_a_line_of_the_reporting_unit_alone_makes_its_users_provisional(tmp_path, indicator, flags):
    people = "customer_id credit_line_scope\nK1 reporting_unit\nK2 legal_person"
    county = Worst(tmp_path)
    for quarter in ("2020Q4", "2021Q4"):
        text = "loan_id customer_id guarantee balance\nL1 K1 credit 1\nL2 K2 credit 1"
        county.with_loans(quarter, BANK, text, people)
    row = county.indicator(indicator)
    assert flags_of(row) == flags
    assert ("1 户的授信额度只统计了填报机构" in (row["reason"] or "")) is bool(flags)


def test_a_narrow_line_at_the_base_is_a_doubt_too_and_said_once(tmp_path):
    county = Worst(tmp_path)
    text = "loan_id customer_id balance\nL1 K1 1"
    narrow = "customer_id credit_line_scope\nK1 reporting_unit"
    county.with_loans("2020Q4", BANK, text, narrow)
    county.with_loans("2021Q4", BANK, text)
    row = county.indicator("C2.1b")
    assert (row["verdict"], flags_of(row)) == ("met", ["provisional"])
    assert row["reason"].count("只统计了填报机构") == 1


def test_quarantine_and_a_narrow_line_flag_once(tmp_path):
    county = Worst(tmp_path).with_loans(
        "2021Q4",
        BANK,
        "loan_id customer_id balance five_class\nL1 K1 97 normal\nL2 K1 3 loss",
        "customer_id credit_line_scope\nK1 reporting_unit",
    )
    row = county.quarantine("2021Q4", "loan_id balance\nX1 -").indicator("C7.2")
    assert flags_of(row) == ["provisional"]
    assert OTHER in row["reason"] and "只统计了填报机构" in row["reason"]
