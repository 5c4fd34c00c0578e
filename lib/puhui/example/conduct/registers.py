"""Registers institutions send: attestations and numbers, products, benefits, insurance."""

from __future__ import annotations

import datetime as dt
from typing import Any

from puhui.example.chance import Dice
from puhui.example.columns import Columns, from_rows
from puhui.example.conduct.forms import (
    ATTESTED,
    NOT_SENT,
    NOTHING_TO_DO,
    YES,
    answers,
    letter,
)
from puhui.example.conduct.lending import UNITS, Lending, lending
from puhui.example.county import County
from puhui.example.roster import Unit, institution_id
from puhui.quarter import Quarter

Row = dict[str, Any]

#: Figures given as numbers by who has no ledger, or whose extract has no column for them:
#: item → figure of :class:`Lending`.
FIGURES = {
    "C2.3.first": "ent_first:borrowers",
    "C2.4a.drawn": "ent_drawn:borrowers",
    "C2.5a.balance": "mse_local",
    "C4.2a.balance": "mse_online",
    "C4.2a.customers": "mse_online:customers",
    "C4.3a.balance": "mse_listed",
    "C4.3b.balance": "mse_insured",
    "C4.4.balance": "mse_long",
    "C4.5b.balance": "mse_revolving",
    "C4.5b.customers": "mse_revolving:customers",
    "C5.0.balance": "making",
    "C5.1.balance": "pillar",
    "C5.1.new": "pillar_new:customers",
    "C5.2.balance": "emerging",
    "C5.2.new": "emerging_new:customers",
    "C5.4.balance": "mse_chained",
    "C5.5a.balance": "agri",
}
_CHAINS = ("C5.0.balance", "C5.1.balance", "C5.1.new", "C5.2.balance", "C5.2.new")
#: Who gives which: GF2 has no ledger but counts all; DX4 has little beside its item list; the
#: text extracts have neither first drawdowns nor chains, nor where persons live and trade.
FIGURES_OF = {
    "GF2": tuple(item for item in FIGURES if item not in ("C2.5a.balance", *_CHAINS[1:])),
    "DX4": ("C4.2a.balance", "C4.2a.customers", "C4.3a.balance"),
    "DX1": ("C2.3.first", "C5.0.balance"),
    "DX2": ("C2.3.first", *_CHAINS),
    "DX3": ("C2.3.first", *_CHAINS),
    "NS2": _CHAINS,
    "NS3": ("C2.5a.balance", *_CHAINS),
}
#: Left out of an earlier quarter.
_LATE_FIGURES = {(Quarter(2021, 3), "GF2"): ("C2.3.first", "C2.4a.drawn")}

# Name, launched on, unsecured, channel, permille of the bank's small-business customers.
_PRODUCTS = """
a 样例抵押贷   2017-05-10 0 offline 300
b 样例快贷     2019-09-02 1 online  120
c 样例税信贷   2021-03-18 1 online   60
d 样例乡村信用贷 2018-04-26 1 offline 90
e 样例随借贷   2021-06-08 0 online   50
"""
#: Products of who has not the usual ones: without offline ones, or nothing new unsecured.
_RANGE = {"NS2": "bc", "DX2": "abde", "CZ2": "ade", "ZC2": "ac", "DX1": "abcd"}

# Item, then received, and how much of it went to the business line and to customers, in 万元.
_BENEFITS = """
credit_loan_support 320  90 180
vat_exemption        58  20  25
risk_compensation    36  10  12
"""
#: Insurers have the exemption alone.
_INSURERS_BENEFITS = ("vat_exemption",)

# Insurer; line; policies; insured small firms; sum insured, premium, claims, recoveries in 万元;
# partner bank; balance covered in 万元 (- not given); fees in 万元.
_INSURANCE = """
CX1 loan_guarantee_insurance 210 96 15300 214 120 18 NS1 14800 6
CX1 domestic_trade_credit     18 11  4200  31  12  2 -   0     1
CX2 agricultural             940  0 38000 610 305  0 -   0     0
RS1 borrower_accident        780 85  9600  58  21  0 NS3 -     3
"""


def registers(county: County, quarter: Quarter, short: str) -> dict[str, Columns]:
    """Registers an institution sends at a quarter, by canonical table; T0 banks send none."""
    unit = UNITS[short]
    if unit.tier == 0 or quarter < unit.since:
        return {}
    made = {"attestations": _attestations(county, quarter, unit)}
    if unit.is_bank:
        made["products"] = _products(county, quarter, unit)
    else:
        made["insurance"] = _insurance(county, unit)
    made["benefits"] = _benefits(county, quarter, unit)
    return {
        table: from_rows(table, rows)
        for table, rows in made.items()
        if (quarter, short, table) not in NOT_SENT
    }


def _attestations(county: County, quarter: Quarter, unit: Unit) -> list[Row]:
    """Every answered item; yes and no carry a document, but for the one that lacks it."""
    institution = institution_id(unit.short, county.prefix)
    rows = []
    for clause in ATTESTED:
        how = letter(clause, unit, quarter)
        given = answers(clause, how, quarter)
        for i, (item, value) in enumerate(given):
            proved = value == YES and not (how == "u" and i == _last_yes(given))
            rows.append(_answer(county, institution, item, value, proved))
    if unit.short == "RS2":
        rows += [_answer(county, institution, f"{c}.all", NOTHING_TO_DO, False) for c in _ALL]
    rows += _numbers(county, quarter, unit, institution)
    return rows


#: Clauses that bind everybody, on which a mere sales office says it has nothing to do.
_ALL = ("C3.3c", "C5.6", "C9.1", "C9.3")


def _last_yes(given: list[tuple[str, str]]) -> int:
    return max((i for i, (_, value) in enumerate(given) if value == YES), default=-1)


def _answer(county: County, institution: str, item: str, value: str, proved: bool) -> Row:
    row: Row = {"institution_id": institution, "item": item, "value": value}
    if proved:
        dice = Dice(f"{county.seed}:document:{institution}:{item}")
        day = dt.date(2018, 3, 1) + dt.timedelta(days=dice.one(900))
        row |= {
            "document_no": f"样发〔{day.year}〕{1 + dice.one(180)}号",
            "in_force_from": day,
            "evidence": "制度文本",
        }
    return row


def _numbers(county: County, quarter: Quarter, unit: Unit, institution: str) -> list[Row]:
    """Figures given instead of a ledger, and what a bank drew from the central bank."""
    found: dict[str, str] = {}
    if unit.is_bank:
        mine = lending(county, quarter, unit.short)
        late = _LATE_FIGURES.get((quarter, unit.short), ())
        for item in FIGURES_OF.get(unit.short, ()):
            if item not in late:
                number = mine[FIGURES[item]]
                found[item] = str(number) if ":" in FIGURES[item] else _yuan(number)
        found |= _own_numbers(quarter, unit, mine)
    return [_answer(county, institution, item, value, False) for item, value in found.items()]


def _yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}".removesuffix(".00")


def _own_numbers(quarter: Quarter, unit: Unit, mine: Lending) -> dict[str, str]:
    """Numbers of some clauses that every bank gives, in yuan."""
    found: dict[str, str] = {}
    how = letter("C9.2", unit, quarter)
    if how in ("y", "n"):
        # Three quarters of what the loans support, in whole 万元.
        allowed = mine["supported:drawn"] * 2 // 5
        found["C9.2.drawn"] = _yuan(allowed * 3 // 4 // 1_000_000 * 1_000_000 if how == "y" else 0)
    how = letter("C5.7", unit, quarter)
    if how in ("y", "n"):
        found["C5.7.balance"] = _yuan(mine["mse_insured"] // 3 if how == "y" else 0)
    if letter("C5.6", unit, quarter) not in ("", "-"):
        found["C5.6.lifted_balance"] = _yuan(mine["lifted"])
    if letter("C5.5c", unit, quarter) not in ("", "-"):
        found["C5.5c.balance"] = _yuan(mine["agri"])
    return found


def _products(county: County, quarter: Quarter, unit: Unit) -> list[Row]:
    """Products launched so far, with their share of the bank's small-business customers."""
    mine = lending(county, quarter, unit.short)
    rate = mine.rate()
    rows = []
    for line in _PRODUCTS.strip().splitlines():
        mark, name, day, unsecured, channel, permille = line.split()
        launched = dt.date.fromisoformat(day)
        if mark not in _RANGE.get(unit.short, "abcd") or launched > quarter.end:
            continue
        customers = max(1, mine["mse:customers"] * int(permille) // 1000)
        rows.append(
            {
                "institution_id": institution_id(unit.short, county.prefix),
                "name": name,
                "launched_on": launched,
                "unsecured": int(unsecured),
                "channel": channel,
                "customers": customers,
                "balance": max(1, mine["mse"] * int(permille) // 1000 // 1_000_000) * 1_000_000,
                "mean_rate": None if rate is None else int(100 * rate) + 20 * int(unsecured),
            }
        )
    return rows


def _benefits(county: County, quarter: Quarter, unit: Unit) -> list[Row]:
    """Amounts of the year; nothing at all, or nothing passed on, at those that fail."""
    if unit.short == "RS2":
        return []
    got, passed = letter("C9.3", unit, quarter), letter("C9.4", unit, quarter)
    dice = Dice(f"{county.seed}:benefits:{unit.short}")
    rows = []
    for line in _BENEFITS.strip().splitlines():
        item, *amounts = line.split()
        if not unit.is_bank and item not in _INSURERS_BENEFITS:
            continue
        if item == "credit_loan_support" and not unit.is_local:
            continue
        scale = (60 + dice.one(80)) * quarter.number * (0 if got == "n" else 1)
        received, line_share, customers = (int(v) * scale * 2_500 for v in amounts)
        if passed == "n":
            line_share = customers = 0
        rows.append(
            {
                "institution_id": institution_id(unit.short, county.prefix),
                "item": item,
                "received": received,
                "passed_to_business_line": line_share,
                "passed_to_customers": customers,
            }
        )
    return rows


def _insurance(county: County, unit: Unit) -> list[Row]:
    rows = []
    for line in _INSURANCE.strip().splitlines():
        short, name, policies, firms, *money, partner, covered, fees = line.split()
        if short != unit.short:
            continue
        insured, premium, claims, recoveries = (int(v) * 1_000_000 for v in money)
        rows.append(
            {
                "institution_id": institution_id(short, county.prefix),
                "line": name,
                "policies": int(policies),
                "insured_mses": int(firms),
                "sum_insured": insured,
                "premium": premium,
                "claims_paid": claims,
                "recoveries": recoveries,
                "partner_bank": None if partner == "-" else institution_id(partner, county.prefix),
                "loan_balance_covered": None if covered == "-" else int(covered) * 1_000_000,
                "fees": int(fees) * 1_000_000,
            }
        )
    return rows
