"""The true pricing equation is in the data: month effects find it, a naive slope does not."""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path

import numpy as np
import pytest

from puhui.example import ROSTER
from puhui.example.chance import Dice
from puhui.example.columns import calendar_day, day_number
from puhui.example.days import month_number
from puhui.example.lives import DISCOUNT, FLOATING
from puhui.example.pricing import LPR_SINCE, lpr_bp, month_shocks

LEDGERS = [u.short for u in ROSTER if u.has_ledger]


def test_lpr_agrees_with_the_reference_series_on_every_day() -> None:
    path = Path(__file__).parents[2] / "data" / "reference" / "benchmarks" / "lpr.csv"
    with path.open(encoding="utf-8") as file:
        series = [
            (r["date"], round(float(r["lpr_1y"]) * 100), round(float(r["lpr_5y"]) * 100))
            for r in csv.DictReader(file)
        ]
    for number in range(LPR_SINCE, day_number(dt.date(2021, 12, 31)) + 1):
        day = calendar_day(number).isoformat()
        _, one, five = [s for s in series if s[0] <= day][-1]
        found = lpr_bp(np.array([0, 1]), np.array([number, number])).tolist()
        assert found == [one, five], day


def test_shocks_have_the_stated_spread_and_memory() -> None:
    """400 paths of 72 months: SD 10 bp and autocorrelation .8, each within 3 %."""
    paths = np.array([month_shocks(Dice(f"path {i}")) for i in range(400)]) / 1000
    assert paths.std() == pytest.approx(10, rel=0.03)
    pairs = np.corrcoef(paths[:, 1:].ravel(), paths[:, :-1].ravel())[0, 1]
    assert pairs == pytest.approx(0.8, abs=0.02)
    assert abs(paths.mean()) < 0.5


def sample(book):
    """Rates in bp, LPR of their tenor, month, and dummies of what else the equation holds."""
    loans = book.loans
    new = (loans["priced_on"] >= LPR_SINCE) & (loans["product"] != DISCOUNT)
    rate = loans["rate_at_drawdown"][new].astype(float)
    tenor = loans["is_long_tenor"][new]
    lpr = lpr_bp(tenor, loans["priced_on"][new]).astype(float)
    segment = book.customers["segment"][loans["customer"][new]]
    dummies = [
        (column == value).astype(float)
        for column in (segment, loans["guarantee"][new], loans["amount"][new] >= 500_000_000)
        for value in np.unique(column)[1:]
    ]
    return rate, lpr, month_number(loans["priced_on"][new]), dummies


def slope(rate, lpr, columns):
    """Least-squares slope on LPR and its standard error."""
    x = np.column_stack([lpr, np.ones_like(lpr), *columns])
    beta, *_ = np.linalg.lstsq(x, rate, rcond=None)
    rest = rate - x @ beta
    variance = rest @ rest / (len(rate) - x.shape[1])
    return beta[0], np.sqrt(variance * np.linalg.pinv(x.T @ x)[0, 0])


@pytest.mark.parametrize("short", LEDGERS)
def test_within_months_the_tenor_gap_gives_the_true_pass_through(county, short) -> None:
    book = county.books[short]
    rate, lpr, month, dummies = sample(book)
    months = [(month == m).astype(float) for m in np.unique(month)[1:]]
    found, error = slope(rate, lpr, [*dummies, *months])
    assert abs(found - book.unit.pass_through / 1000) < 4.5 * error + 0.002, (found, error)


def test_over_time_alone_the_slope_is_far_from_the_truth(county) -> None:
    """Within a tenor only time moves LPR, and relief, drift and shocks move with it."""
    off = []
    for short in LEDGERS:
        book = county.books[short]
        rate, lpr, _, dummies = sample(book)
        long = lpr > 420
        found, error = slope(rate, lpr, [*dummies, long.astype(float)])
        off.append(abs(found - book.unit.pass_through / 1000) / error)
    assert np.median(off) > 5, off


@pytest.mark.parametrize("short", LEDGERS)
def test_ledger_banks_lend_in_both_tenors_fixed_and_floating(county, short) -> None:
    loans = county.books[short].loans
    new = loans["priced_on"] >= LPR_SINCE
    for tenor in (0, 1):
        for kind in (FLOATING, 1 - FLOATING):
            mine = new & (loans["is_long_tenor"] == tenor) & (loans["rate_type"] == kind)
            assert mine.sum() >= 10, (tenor, kind)


def test_floating_rates_are_lpr_plus_their_spread_but_for_the_planted_ones(county) -> None:
    """As many break their spread as the roster says, within five standard errors; else none."""
    total = 0
    for unit in (u for u in ROSTER if u.is_bank):
        loans = county.books[unit.short].loans
        floats = loans["rate_type"] == FLOATING
        lpr = lpr_bp(loans["is_long_tenor"], loans["priced_on"])
        breaks = int((floats & (loans["rate_at_drawdown"] != lpr + loans["recorded_bp"])).sum())
        expected = floats.sum() * unit.off_contract / 1000
        if unit.off_contract:
            assert abs(breaks - expected) <= 5 * np.sqrt(expected) + 1, unit.short
        else:
            assert breaks == 0, unit.short
        total += breaks
    assert total > 20
