"""What the contract of each loan says: guarantee, funding, checks, benchmark, and the rate."""

from __future__ import annotations

import datetime as dt

import numpy as np

from puhui.example.chance import Dice
from puhui.example.columns import NEVER, NONE, Columns, Ints, bits, code, day_number
from puhui.example.lives import (
    CONSUMER,
    CREDIT,
    DISCOUNT,
    FIXED_RATE,
    FLOATING,
    GUARANTEED,
    LPR_1Y,
    LPR_5Y,
    MIXED,
    MORTGAGE,
    MORTGAGED,
    NO_BENCHMARK,
    OTHER_BENCHMARK,
    OWN,
    PERSONAL,
    PLEDGED,
    RELENDING,
    RENEWAL,
    WORKING,
    Book,
    knob,
)
from puhui.example.pricing import LPR_SINCE, common_part, lpr_bp, rates_bp
from puhui.example.pricing import NOISE_SD as RATE_NOISE
from puhui.example.segments import FEN_PER_WAN, SEGMENTS

#: What a guarantee adds to the rate, bp.
_GUARANTEE_BP = {CREDIT: 25, GUARANTEED: 10, MORTGAGED: -15, PLEDGED: -20, MIXED: 0}
#: No loan is priced before this day: the month shocks begin with its month.
_FIRST_DAY = day_number(dt.date(2016, 1, 4))


def agree(book: Book, shocks: Ints, dice: Dice) -> None:
    """Settle the terms of every loan, then its price by the true equation."""
    _describe(book, dice)
    _price(book, shocks, dice)


def _describe(book: Book, dice: Dice) -> None:
    """Guarantee, funding, staff, checks and the other facts of each loan."""
    loans, unit = book.loans, book.unit
    n = len(loans["amount"])
    drawn, product = loans["drawn_on"], loans["product"]
    bill = product == DISCOUNT
    secured = dice.pick((GUARANTEED, GUARANTEED, MORTGAGED, MORTGAGED, PLEDGED, MIXED), n)
    guarantee = np.where(loans["wants_credit"] == 1, CREDIT, secured)
    guarantee = np.where(product == MORTGAGE, MORTGAGED, guarantee)
    guarantee = np.where(bill, PLEDGED, guarantee)
    business = ~np.isin(product, (CONSUMER, MORTGAGE))
    online = (guarantee == CREDIT) & dice.chance(knob(unit.online, drawn), n)
    revolving = np.isin(product, (WORKING, PERSONAL)) & dice.chance(knob(unit.revolve, drawn), n)
    funds = np.where(dice.chance(30, n) & business & ~bill, RELENDING, OWN)
    due = drawn + 30
    facts: Columns = {
        "guarantee": guarantee,
        "is_business_loan": business.astype(np.int64),
        "is_instalment": ((loans["months"] >= 24) & (product != WORKING)).astype(np.int64),
        "is_online": online.astype(np.int64),
        "is_revolving": revolving.astype(np.int64),
        "funding_source": funds,
        "booked_by": np.where(online & dice.chance(300, n), code("booked_by", "online_centre"), 0),
        "staff": loans["branch"] * 4 + dice.below(4, n),
        "guarantor": np.full(n, NONE),
        "mitigants": _mitigants(guarantee, dice),
        "collateral_held_since": np.where(
            guarantee == MORTGAGED, drawn - 400 - dice.below(3000, n), NONE
        ),
        "lien_released_on": np.full(n, NONE),
        "lien_registered_on": np.where(guarantee == MORTGAGED, drawn - dice.below(6, n), NONE),
        "first_check_due_on": due,
        "first_check_on": due - dice.below(12, n),
        "checks": np.full(n, NONE),
        "overdue_from": np.full(n, NEVER),
        "overdue_to": np.full(n, NEVER),
        "watch_from": np.where(dice.chance(25, n), drawn + 60 + dice.below(240, n), NEVER),
        "extended_to": np.full(n, NONE),
    }
    again = (loans["issue_kind"] == RENEWAL) & (guarantee == MORTGAGED)
    facts["lien_released_on"] = np.where(
        again, facts["lien_registered_on"] - dice.below(9, n), NONE
    )
    loans |= facts
    del loans["wants_credit"]
    _passing_arrears(loans, dice)


def _mitigants(guarantee: Ints, dice: Dice) -> Ints:
    """Bit masks of the mitigants behind mortgages and pledges; none elsewhere."""
    n = len(guarantee)
    mortgage = dice.pick(
        (bits("mitigant", "land_right"), bits("mitigant", "home"), bits("mitigant", "home"), 0, 0),
        n,
    )
    pledge = dice.pick(
        (
            bits("mitigant", "receivable"),
            bits("mitigant", "inventory"),
            bits("mitigant", "warehouse_receipt"),
            bits("mitigant", "ip", "equity"),
            0,
        ),
        n,
    )
    cover = dice.pick((bits("mitigant", "credit_insurance"), bits("mitigant", "gov_fund"), 0, 0), n)
    mask = np.where(guarantee == MORTGAGED, mortgage, 0)
    mask = np.where(guarantee == PLEDGED, pledge, mask)
    found: Ints = np.where(guarantee == GUARANTEED, cover, mask)
    return found


def _passing_arrears(loans: Columns, dice: Dice) -> None:
    """Short arrears, cured within two months, in one loan of forty."""
    n = len(loans["amount"])
    end = np.minimum(loans["closed_on"], loans["matures_on"])
    since = loans["drawn_on"] + 30 + dice.below(250, n)
    until = since + 5 + dice.below(50, n)
    fits = dice.chance(25, n) & (until < end) & (loans["product"] != DISCOUNT)
    loans["overdue_from"] = np.where(fits, since, NEVER)
    loans["overdue_to"] = np.where(fits, until, NEVER)


def _price(book: Book, shocks: Ints, dice: Dice) -> None:
    """Price every loan by the true equation and tie some to LPR."""
    loans, unit = book.loans, book.unit
    n = len(loans["amount"])
    priced = np.maximum(loans["drawn_on"] - dice.below(9, n), _FIRST_DAY)
    # Between one and five years every bank of the county follows the short tenor, so that
    # within a band of terms only time moves LPR.
    long = loans["months"] > 60
    segment = book.customers["segment"][loans["customer"]]
    effects = np.array([s.effect_bp for s in SEGMENTS])[segment]
    effects = effects + np.array([_GUARANTEE_BP[g] for g in range(5)])[loans["guarantee"]]
    effects = effects + np.where(loans["amount"] >= 500 * FEN_PER_WAN, -15, 0)
    rate = rates_bp(
        unit.level_bp,
        unit.pass_through,
        effects,
        lpr_bp(long, priced),
        common_part(priced, shocks),
        dice.bell(RATE_NOISE, n),
    )
    bill = loans["product"] == DISCOUNT
    rate = np.where(bill, dice.between(245, 320, n), rate)
    tied = (priced >= LPR_SINCE) & ~bill
    floating = tied & dice.chance(unit.floating, n)
    loose = np.where(dice.chance(500, n), OTHER_BENCHMARK, NO_BENCHMARK)
    named = floating | (tied & dice.chance(400, n))
    benchmark = np.where(named, np.where(long, LPR_5Y, LPR_1Y), loose)
    loans |= {
        "priced_on": priced,
        "is_long_tenor": long.astype(np.int64),
        "rate_at_drawdown": rate,
        "rate_type": np.where(floating, FLOATING, FIXED_RATE),
        "benchmark": np.where(bill, OTHER_BENCHMARK, benchmark),
    }
    spread = np.where(named, rate - lpr_bp(long, priced), NONE)
    off = floating & dice.chance(unit.off_contract, n)
    loans["spread_bp"] = spread
    loans["recorded_bp"] = np.where(off, spread + dice.pick((-20, -10, 10, 25, 40), n), spread)
