"""The county looks like the official figures, within wide bands, and its page is not stale.

Official figures stand beside the bands; sources are in ``data/reference/statistics``. Bands are
wide because a county is small, and because banks that shrink or go bad are planted on purpose.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from puhui.quarter import Quarter

FOLDER = Path(__file__).parents[2] / "docs/example-county"
SEEDS = (2021, 7)

# year, group, official growth of the inclusive balance (percent), lowest, highest
GROWTH = [
    (2020, "all", 30.9, 22, 38),
    (2020, "large", 48.4, 38, 60),
    (2020, "joint stock", 28.0, 10, 42),
    (2020, "city", 27.3, 12, 38),
    (2020, "rural", 19.8, 14, 28),
    (2021, "all", 24.9, 15, 32),
    (2021, "large", 35.7, 24, 46),
    (2021, "rural", 16.9, 8, 23),
]
# period, scope, quarter, group, official rate of the drawdowns so far (percent), lowest, highest
RATES = [
    ("2019", "national", "2019Q4", "all", 6.70, 6.1, 7.1),
    ("2020Q1", "big_five", "2020Q1", "big five", 4.30, 4.0, 4.8),
    ("2020H1", "national", "2020Q2", "all", 5.94, 5.6, 6.4),
    ("2020", "national", "2020Q4", "all", 5.88, 5.5, 6.3),
    ("2021", "national", "2021Q4", "all", 5.70, 5.3, 6.1),
]
# quarter, group, official NPL ratio of all loans (percent), lowest, highest
NPL = [
    ("2019Q4", "large", 1.38, 1.0, 1.7),
    ("2019Q4", "joint stock", 1.64, 1.2, 2.0),
    ("2019Q4", "city", 2.32, 1.9, 2.8),
    ("2019Q4", "rural", 3.90, 3.3, 4.5),
    ("2020Q4", "large", 1.52, 1.1, 1.9),
    ("2020Q4", "joint stock", 1.50, 1.1, 1.9),
    ("2020Q4", "city", 1.81, 1.5, 2.6),
    ("2020Q4", "rural", 3.88, 3.2, 4.5),
    ("2021Q4", "large", 1.37, 1.0, 1.7),
    ("2021Q4", "joint stock", 1.37, 1.0, 1.8),
    ("2021Q4", "city", 1.90, 1.5, 2.4),
    ("2021Q4", "rural", 3.63, 3.0, 4.2),
]


@pytest.fixture(scope="module")
def compare() -> Iterator[ModuleType]:
    """The script of the page, imported from its folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        import compare

        yield compare
        for name in ("compare", "county_charts", "county_figures", "county_tables"):
            sys.modules.pop(name)


@pytest.fixture(scope="module")
def counties(compare: ModuleType) -> dict[int, Any]:
    return {seed: compare.county_figures(seed) for seed in SEEDS}


@pytest.fixture(params=SEEDS)
def figures(request: pytest.FixtureRequest, counties: dict[int, Any]) -> Any:
    return counties[request.param]


def test_official_figures_in_the_bands_are_those_of_the_reference(compare: ModuleType) -> None:
    tables = sys.modules["county_tables"]
    growth = [(y, g, tables.official_growth(g, y), f) for y, g, f, *_ in GROWTH]
    rates = [(p, s, tables.official_rate(p, s), f) for p, s, _, _, f, *_ in RATES]
    npl = [(q, g, tables.official_npl(g, Quarter.parse(q)), f) for q, g, f, *_ in NPL]
    assert [row for row in growth if round(float(row[2]), 1) != row[3]] == []
    assert [row for row in rates + npl if round(float(row[2]), 2) != row[3]] == []


def test_every_band_holds_its_official_figure() -> None:
    bands = [row[-3:] for row in [*GROWTH, *RATES, *NPL]]
    assert [band for band in bands if not band[1] < band[0] < band[2]] == []


def test_growth_lies_in_its_bands(figures: Any) -> None:
    found = [(*row, float(figures.growth("inclusive", row[0], row[1]))) for row in GROWTH]
    assert [row for row in found if not row[3] <= row[5] <= row[4]] == []


def test_large_banks_grow_fastest_and_gain_what_rural_banks_lose(figures: Any) -> None:
    for year in (2020, 2021):
        rural = figures.growth("inclusive", year, "rural")
        assert (
            rural < figures.growth("inclusive", year) < figures.growth("inclusive", year, "large")
        )
    first, last = Quarter(2019, 4), Quarter(2021, 4)
    # Official: large 27.92 to 34.37 percent of the balance, rural 37.03 to 31.74.
    assert 3 < figures.share(last, "large") - figures.share(first, "large") < 12
    assert -12 < figures.share(last, "rural") - figures.share(first, "rural") < -3


def test_rates_lie_in_their_bands(figures: Any) -> None:
    found = [(*row, float(figures.rate(Quarter.parse(row[2]), row[3]))) for row in RATES]
    assert [row for row in found if not row[5] <= row[7] <= row[6]] == []


def test_the_bigger_the_bank_the_cheaper_the_loan(figures: Any) -> None:
    groups = ("big five", "joint stock", "city", "rural")
    rates = [figures.rate(Quarter(2021, 4), group) for group in groups]
    assert rates == sorted(rates)
    assert rates[-1] - rates[0] > 1


def test_npl_ratios_lie_in_their_bands(figures: Any) -> None:
    found = [(*row, float(figures.npl("all", Quarter.parse(row[0]), row[1]))) for row in NPL]
    assert [row for row in found if not row[3] <= row[5] <= row[4]] == []


def test_inclusive_loans_are_somewhat_worse_than_all_loans(figures: Any) -> None:
    quarter = Quarter(2020, 2)
    inclusive = float(figures.npl("inclusive", quarter))
    # Official in 2020Q2: 2.99 percent, 0.88 points above all loans.
    assert 2.2 < inclusive < 4.2
    assert 0.4 < inclusive - float(figures.npl("all", quarter)) < 1.8


def test_most_of_the_increase_comes_early_in_the_year(figures: Any) -> None:
    ends = [figures.total("inclusive", q) for q in map(Quarter.parse, ("2020Q4", "2021Q2"))]
    last = figures.total("inclusive", Quarter(2021, 4))
    # Official: 15.3, 17.8, 19.1 trillion yuan, so 66 percent in the first half of 2021.
    assert 0.5 < (ends[1] - ends[0]) / (last - ends[0]) < 0.95
    assert max(figures.monthly(2021)) == max(figures.monthly(2021)[:3])


def test_only_month_effects_find_the_true_pass_through(figures: Any) -> None:
    assert len(figures.slopes) == 10
    found = [(s.unit.short, s.unit.pass_through / 1000, s) for s in figures.slopes]
    # Ten banks: beyond four standard errors by chance once in a thousand counties.
    assert [n for n, true, s in found if abs(s.months - true) > 4 * s.error] == []
    assert [n for n, true, s in found if s.calendar < true + 0.3] == []
    assert [n for n, _, s in found if s.error > 0.05] == []


def test_one_borrower_in_twenty_banks_twice(figures: Any) -> None:
    found = figures.borrowers_by_banks()
    # 120 permille of newly enrolled business customers are taken from other banks' customers.
    assert 0.03 < sum(n for banks, n in found.items() if banks > 1) / sum(found.values()) < 0.12


def test_tables_of_the_page_are_those_of_the_county(
    compare: ModuleType, counties: dict[int, Any]
) -> None:
    made = compare.tables(counties[compare.SEED])
    shown = compare.shown()
    assert set(shown) == set(made)
    stale = [name for name in made if shown[name] != made[name]]
    assert stale == [], "run: python docs/example-county/compare.py"


def test_charts_were_drawn_with_these_tables(compare: ModuleType) -> None:
    mark = compare.stamp(compare.shown())
    charts = sorted(FOLDER.glob("*.svg"))
    assert len(charts) == 5
    assert [path.name for path in charts if mark not in path.read_text(encoding="utf-8")] == []


def test_every_chart_is_on_the_page_with_a_text_for_those_who_cannot_see_it(
    compare: ModuleType,
) -> None:
    images = re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", compare.PAGE.read_text(encoding="utf-8"))
    assert {path for _, path in images} == {f"{FOLDER.name}/{p.name}" for p in FOLDER.glob("*.svg")}
    assert [path for text, path in images if len(text) < 20] == []
