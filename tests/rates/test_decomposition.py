"""The change of an average, taken apart: it adds up for any data; cases worked by hand."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st

from puhui.derive import loan_facts
from puhui.engine import DuckDBEngine
from puhui.errors import FitError, ParamsError
from puhui.quarter import Quarter
from puhui.rates import decomposition
from puhui.rates.constant_mix import change_at_constant_mix, stability
from puhui.rates.decomposition import (
    Mass,
    Sums,
    cell_sums,
    comparison,
    decompose,
    decompose_units,
)
from vocabulary import County

QUARTER = Quarter.parse("2021Q4")


def masses(**cells: tuple[int, object]) -> dict[tuple[str, ...], Mass]:
    return {
        (name,): Mass(Fraction(amount), amount * Fraction(str(rate)), 1)
        for name, (amount, rate) in cells.items()
    }


def mean(cells) -> Fraction:
    return sum(m.interest for m in cells.values()) / sum(m.amount for m in cells.values())


AMOUNT = st.integers(1, 10**15).map(lambda fen: Fraction(fen, 100))
RATE = st.integers(-(10**6), 40 * 10**6).map(lambda r: Fraction(r, 10**6))
PERIOD = st.dictionaries(
    st.sampled_from([(c,) for c in "abcdefgh"]),
    st.builds(lambda a, r: Mass(a, a * r, 1), AMOUNT, RATE),
    min_size=1,
)


@given(PERIOD, PERIOD)
def test_effects_add_up_to_the_change_for_any_data(before, after):
    effects = decompose(before, after)
    if not before.keys() & after.keys():
        assert effects is None
        return
    assert effects is not None
    change = mean(after) - mean(before)
    assert effects.rate + effects.mix + effects.entry + effects.exit == change == effects.change
    assert sum(effects.by_cell.values()) == change
    assert set(effects.by_cell) == before.keys() | after.keys()


@given(PERIOD, PERIOD)
def test_seen_backwards_every_effect_turns_round(before, after):
    there, back = decompose(before, after), decompose(after, before)
    if there is None or back is None:
        assert there is back is None
        return
    assert (there.rate, there.mix) == (-back.rate, -back.mix)
    assert (there.entry, there.exit) == (-back.exit, -back.entry)


@given(PERIOD, RATE)
def test_dearer_by_the_same_everywhere_is_all_rate(cells, more):
    dearer = {k: Mass(m.amount, m.interest + m.amount * more) for k, m in cells.items()}
    effects = decompose(cells, dearer)
    assert effects is not None
    assert (effects.rate, effects.mix, effects.entry, effects.exit) == (more, 0, 0, 0)


@given(PERIOD, st.data())
def test_other_amounts_at_the_same_rates_are_all_mix(cells, data):
    amounts = {k: data.draw(AMOUNT) for k in cells}
    moved = {k: Mass(a, a * cells[k].rate) for k, a in amounts.items()}
    effects = decompose(cells, moved)
    assert effects is not None
    assert (effects.rate, effects.entry, effects.exit) == (0, 0, 0)
    assert effects.mix == effects.change


def test_each_effect_by_hand():
    # Common a, b: shares ¾, ¼ then ½, ½; rates 4, 8 then 5, 8.
    # Rate: ½(¾+½)(5−4) = 5/8. R_C0 = 5, R_C1 = 6½; mix: ½(4+5−11½)(½−¾) + ½(16−11½)(½−¼)
    # = 5/16 + 9/16 = 7/8. Together 1½ = 6½ − 5.
    # Entering e: a fifth of 1,000 at 9: ⅕(9−6½) = ½. Leaving x: half of 800 at 3: −½(3−5) = 1.
    before = masses(a=(300, 4), b=(100, 8), x=(400, 3))
    after = masses(a=(400, 5), b=(400, 8), e=(200, 9))
    effects = decompose(before, after)
    assert effects is not None
    assert (effects.before, effects.after) == (4, 7)
    assert (effects.rate, effects.mix) == (Fraction(5, 8), Fraction(7, 8))
    assert (effects.entry, effects.exit) == (Fraction(1, 2), Fraction(1))
    assert (effects.common, effects.entering, effects.leaving) == (
        (("a",), ("b",)),
        (("e",),),
        (("x",),),
    )


HEADER = "loan_id amount drawn_on matures_on rate_at_drawdown guarantee"
#: 2020: 100 at 6 (credit), 100 at 5 (mortgaged). 2021: 100 at 5, 300 at 5.
BASE_YEAR = "A 100 2020-02-01 2021-02-01 6 credit\nB 100 2020-11-01 2021-11-01 5 mortgaged"
THIS_YEAR = "C 100 2021-02-01 2022-02-01 5 credit\nD 300 2021-11-01 2022-11-01 5 mortgaged"


def taken(county: County, base="last_full_year", threads=2, **options):
    with DuckDBEngine([county.store.root], threads=threads) as engine:
        loan_facts(engine, county.params, county.stored())
        asked = comparison(county.params, QUARTER, base, **options)
        sums = cell_sums(engine, "loan_facts", asked)
        return sums, decompose_units(asked, sums)


def two_years(folder) -> County:
    county = County(folder)
    county.with_loans("2020Q4", "HCNS0001", f"{HEADER}\n{BASE_YEAR}")
    return county.with_loans("2021Q4", "HCNS0001", f"{HEADER}\n{BASE_YEAR}\n{THIS_YEAR}")


def rows(found) -> dict[str | None, dict[str, object]]:
    return {r["institution_id"]: r for r in found.units.to_pylist()}


def test_the_ledger_against_last_year_by_hand(tmp_path):
    # 5.5 to 5. Rate: ½(½+¼)(5−6) = −3/8. Mix: R_C0+R_C1 = 10½;
    # ½(11−10½)(¼−½) + ½(10−10½)(¾−½) = −1/16 − 1/16 = −1/8.
    _, found = taken(two_years(tmp_path))
    for row in rows(found).values():
        assert (row["rate_before"], row["rate_after"], row["change_bp"]) == (5.5, 5.0, -50.0)
        assert (row["rate_bp"], row["mix_bp"], row["entry_bp"], row["exit_bp"]) == (
            -37.5,
            -12.5,
            0.0,
            0.0,
        )
        assert (row["change_num"], row["change_den"]) == ("-50", "1")
        assert (row["loans_before"], row["loans_after"], row["common"]) == (2, 2, 2)
        assert (row["common_share_before"], row["common_share_after"]) == (1.0, 1.0)
    assert list(rows(found)) == [None, "HCNS0001"]
    cells = [r for r in found.cells.to_pylist() if r["institution_id"] == "HCNS0001"]
    assert sum(r["contribution_bp"] for r in cells) == -50
    assert cells[0]["cell"] == "HCNS0001，<=12，credit，enterprise，small"


def test_against_the_quarter_before_single_quarters_count(tmp_path):
    county = County(tmp_path)
    third = "A 100 2021-02-01 2022-02-01 9 credit\nB 100 2021-08-01 2022-08-01 6 credit"
    county.with_loans("2021Q3", "HCNS0001", f"{HEADER}\n{third}")
    fourth = "C 100 2021-11-01 2022-11-01 5 credit"
    county.with_loans("2021Q4", "HCNS0001", f"{HEADER}\n{third}\n{fourth}")
    _, found = taken(county, "last_quarter")
    row = rows(found)[None]
    assert (row["rate_before"], row["rate_after"], row["rate_bp"]) == (6.0, 5.0, -100.0)
    assert row["base"] == "last_quarter"


def test_the_change_is_that_of_the_clause(tmp_path):
    county = two_years(tmp_path)
    _, found = taken(county)
    judged = county.indicator("C3.1b")
    row = rows(found)["HCNS0001"]
    assert (row["change_num"], row["change_den"]) == (judged["value_num"], judged["value_den"])


def test_an_institution_that_enters_or_leaves_is_entry_or_exit_of_the_county(tmp_path):
    county = two_years(tmp_path)
    county.with_loans("2020Q4", "HCDX0001", f"{HEADER}\nA 200 2020-02-01 2021-02-01 4 credit")
    county.with_loans("2021Q4", "HCCS0001", f"{HEADER}\nA 100 2021-02-01 2022-02-01 10 credit")
    _, found = taken(county)
    by_unit = rows(found)
    # 2020: 400 with 200 at 4; 2021: 500 with 100 at 10. Exit −½(4−5½), entry ⅕(10−5).
    county_row = by_unit[None]
    assert (county_row["entry_bp"], county_row["exit_bp"]) == (100.0, 75.0)
    assert (county_row["rate_bp"], county_row["mix_bp"]) == (-37.5, -12.5)
    assert (county_row["common_share_before"], county_row["common_share_after"]) == (0.5, 0.8)
    assert by_unit["HCDX0001"]["reason"] == "本期没有新发放贷款"
    assert by_unit["HCCS0001"]["reason"] == "基期没有新发放贷款"
    assert {by_unit[i]["status"] for i in ("HCDX0001", "HCCS0001")} == {"none"}


def test_no_common_cell_is_not_comparable_and_still_has_its_change(tmp_path):
    county = County(tmp_path)
    county.with_loans("2020Q4", "HCNS0001", f"{HEADER}\nA 100 2020-02-01 2021-02-01 6 credit")
    county.with_loans("2021Q4", "HCNS0001", f"{HEADER}\nB 100 2021-02-01 2022-02-01 5 mortgaged")
    sums, found = taken(county)
    row = rows(found)[None]
    assert (row["status"], row["reason"]) == ("none", decomposition.NOT_COMPARABLE)
    assert (row["change_bp"], row["rate_bp"], row["common"]) == (-100.0, None, None)
    assert found.cells.num_rows == 0
    with pytest.raises(FitError, match="不可比"):
        change_at_constant_mix(sums)


def test_loans_without_amount_or_rate_are_left_out_and_counted(tmp_path):
    county = two_years(tmp_path)
    more = "E 0 2021-02-01 2022-02-01 9 credit\nF 100 2021-02-01 2022-02-01 - credit"
    county.with_loans("2021Q4", "HCNS0001", f"{HEADER}\n{BASE_YEAR}\n{THIS_YEAR}\n{more}")
    _, found = taken(county)
    assert rows(found)[None]["left_out"] == rows(found)["HCNS0001"]["left_out"] == 2
    assert rows(found)[None]["change_bp"] == -50.0


@pytest.mark.parametrize(
    ("base", "measure", "match"),
    [
        ("year_ago", "incl_drawn", "不是利率变动分解的基期"),
        ("last_quarter", "nothing", "没有可由台账计算的测度"),
    ],
)
def test_what_cannot_be_asked_is_refused(tmp_path, base, measure, match):
    with pytest.raises(ParamsError, match=match):
        comparison(County(tmp_path).params, QUARTER, base, measure=measure)


def random_sums(seed=7, banks=8, cells=12) -> Sums:
    rng = np.random.default_rng(seed)
    periods: list[dict[tuple[str, ...], Mass]] = [{}, {}]
    for bank in range(banks):
        for cell in range(cells):
            for n, period in enumerate(periods):
                if rng.random() < 0.15:
                    continue
                amount = Fraction(int(rng.integers(1, 10**9)), 100)
                rate = Fraction(int(rng.normal(5.5 - 0.1 * n, 0.4) * 10**6), 10**6)
                period[f"YH{bank}", str(cell)] = Mass(amount, amount * rate, 1)
    return Sums(periods[0], periods[1], {})


def test_change_at_constant_mix_is_that_of_weighted_least_squares_with_dummies():
    sums = random_sums()
    frame = pd.DataFrame(
        [
            (*key, n, float(m.rate), float(m.amount))
            for n, period in enumerate((sums.before, sums.after))
            for key, m in period.items()
        ],
        columns=["g", "c", "period", "rate", "amount"],
    )
    cell = frame["g"] + frame["c"]
    dummies = pd.get_dummies(cell, dtype=float)
    x = pd.concat([frame["period"].astype(float), dummies], axis=1)
    theirs = sm.WLS(frame["rate"], x, weights=frame["amount"]).fit()
    ours = change_at_constant_mix(sums)
    assert ours.terms == ["period"]
    assert ours.beta[0] == pytest.approx(theirs.params["period"], rel=1e-10)
    assert ours.se_crv3[0] == pytest.approx(jackknife(frame, cell), rel=1e-9)


def jackknife(frame: pd.DataFrame, cell: pd.Series) -> float:
    """Standard error from refits without each institution."""

    def slope(rows: pd.DataFrame) -> float:
        dummies = pd.get_dummies(cell[rows.index], dtype=float)
        x = pd.concat([rows["period"].astype(float), dummies], axis=1)
        return sm.WLS(rows["rate"], x, weights=rows["amount"]).fit().params["period"]

    whole = slope(frame)
    groups = sorted(set(frame["g"]))
    apart = [slope(frame[frame["g"] != g]) - whole for g in groups]
    return float(np.sqrt((len(groups) - 1) / len(groups) * np.sum(np.square(apart))))


@pytest.mark.parametrize(
    ("interval", "margin", "verdict"),
    [
        ((-9.9, 9.9), 10, "stable"),
        ((-10.0, 9.9), 10, "undecided"),  # at the limit nothing is shown
        ((-9.9, 10.1), 10, "undecided"),
        ((10.1, 20.0), 10, "moved"),
        ((-20.0, -10.1), 10, "moved"),
        ((10.0, 20.0), 10, "undecided"),
        ((None, 9.0), 10, "undecided"),
        ((11.0, float("inf")), 10, "moved"),
        ((-1.0, 1.0), 0, "undecided"),  # a margin of zero: no interval lies within
        ((0.1, 1.0), 0, "moved"),
        (None, 10, "undecided"),
    ],
)
def test_two_one_sided_tests(interval, margin, verdict):
    assert stability(5.0, interval, Decimal(margin)).verdict == verdict


def test_the_sentence_gives_the_interval():
    said = stability(-2.04, (-6.5, None), Decimal(10)).sentence
    assert said == (
        "同口径利率变动−2.0个基点（区间−6.5至无界个基点），与±10个基点的界限有交叠：不能判断。"
    )
