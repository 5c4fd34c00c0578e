"""Tables of the page, in markdown: the county's figures beside the official ones."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from county_figures import GROUPS, Figures

from puhui.example.roster import LAST, QUARTERS, ROSTER, institution_id
from puhui.quarter import Quarter

STATISTICS = Path(__file__).parents[2] / "data/reference/statistics"
NOTHING = "–"
#: Official names of the groups, by table.
BY_TYPE = {
    "large": "large_commercial_banks",
    "joint stock": "joint_stock",
    "city": "city_commercial",
    "rural": "rural_institutions",
    "all": "all",
}
NPL_TYPES = {
    "large": "large",
    "joint stock": "joint_stock",
    "city": "city",
    "rural": "rural_commercial",
    "all": "all_commercial",
}
YEARS = (2020, 2021)
#: Official period, scope, and the quarter whose drawdowns of the year so far it stands beside.
RATES = (
    ("2019", "national", Quarter(2019, 4)),
    ("2020Q1", "big_five", Quarter(2020, 1)),
    ("2020H1", "national", Quarter(2020, 2)),
    ("2020Q1-Q3", "national", Quarter(2020, 3)),
    ("2020", "national", Quarter(2020, 4)),
    ("2021", "national", Quarter(2021, 4)),
)
_WAN, _YI = 10**6, 10**10

Number = Fraction | float | None


def official(table: str) -> list[dict[str, str]]:
    """Rows of an official table of ``data/reference/statistics``."""
    with open(STATISTICS / f"{table}.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def official_balance(group: str, year: int) -> Fraction | None:
    """Inclusive balance of a kind of bank at a year's end, 亿元; None if unknown."""
    for row in official("inclusive_mse_by_type"):
        mine = row["institution_type"] == BY_TYPE[group]
        if mine and row["period_end"] == f"{year}-12-31":
            return Fraction(row["balance_100m_cny"])
    return None


def official_growth(group: str, year: int) -> Fraction | None:
    """Growth of it over a year, percent; that of all from the published growth."""
    if group == "all":
        return national("yoy_pct", Quarter(year, 4))
    now, base = official_balance(group, year), official_balance(group, year - 1)
    return None if now is None or base is None else 100 * now / base - 100


def official_share(group: str, year: int) -> Fraction | None:
    """Percent of the national inclusive balance."""
    whole, part = official_balance("all", year), official_balance(group, year)
    return None if whole is None or part is None else 100 * part / whole


def national(column: str, quarter: Quarter) -> Fraction | None:
    """Return a value of ``national_inclusive_mse`` at a quarter's end."""
    return _at(official("national_inclusive_mse"), column, quarter)


def official_npl(group: str, quarter: Quarter) -> Fraction | None:
    """NPL ratio of all loans of a kind of bank, percent."""
    if group not in NPL_TYPES:
        return None
    return _at(official("commercial_npl_by_type"), NPL_TYPES[group], quarter)


def official_inclusive_npl(column: str, quarter: Quarter) -> Fraction | None:
    """Return a value of ``inclusive_npl_national`` at a quarter's end."""
    return _at(official("inclusive_npl_national"), column, quarter)


def _at(rows: Iterable[dict[str, str]], column: str, quarter: Quarter) -> Fraction | None:
    for row in rows:
        if row["period_end"] == quarter.end.isoformat() and row[column]:
            return Fraction(row[column])
    return None


def official_rate(period: str, scope: str) -> Fraction:
    """Average rate of inclusive drawdowns of a period, percent."""
    rows = official("inclusive_rate_national")
    return next(
        Fraction(r["avg_rate_pct"]) for r in rows if (r["period"], r["scope"]) == (period, scope)
    )


def tables(figures: Figures) -> dict[str, str]:
    """Every table of the page by the name in its marker."""
    return {
        "institutions": _institutions(figures),
        "growth": _growth(figures),
        "shares": _shares(figures),
        "rates": _rates(figures),
        "npl": _npl(figures),
        "inclusive-npl": _inclusive_npl(figures),
        "lending": _lending(figures),
        "segments": _segments(figures),
        "sharing": _sharing(figures),
        "season": _season(figures),
        "outstanding": _outstanding(figures),
        "pass-through": _pass_through(figures),
    }


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], texts: int = 1) -> str:
    """Markdown; the first ``texts`` columns are text, the others numbers."""
    marks = ["---"] * texts + ["--:"] * (len(head) - texts)
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, marks, *rows))


def _show(value: Number, places: int = 1) -> str:
    return NOTHING if value is None else f"{float(value):.{places}f}"


def _gap(value: Fraction, beside: Fraction | None, places: int = 1) -> str:
    return NOTHING if beside is None else f"{float(value - beside):+.{places}f}"


def _beside(value: Fraction, beside: Fraction | None, places: int = 1) -> list[str]:
    return [_show(value, places), _show(beside, places), _gap(value, beside, places)]


def _institutions(figures: Figures) -> str:
    rows = []
    for unit in ROSTER:
        rows.append(
            [
                institution_id(unit.short),
                unit.name,
                unit.kind + (", postal" if unit.is_postal else ""),
                "T0–1, insurer" if not unit.is_bank else f"T{unit.tier}",
                unit.sends,
                str(unit.since),
                str(unit.branches),
                str(figures.loans_of(unit, LAST)) if unit.is_bank else NOTHING,
            ]
        )
    head = ["id", "name", "kind", "tier", "sends", "since", "branches", "loans"]
    return _table(head, rows, 6)


def _growth(figures: Figures) -> str:
    rows = []
    for group in (*GROUPS, "all"):
        cells = [group]
        for year in YEARS:
            known = official_growth(group, year) if group in BY_TYPE else None
            cells += _beside(figures.growth("inclusive", year, group), known)
        rows.append([*cells, *(_show(figures.growth("all", year, group)) for year in YEARS)])
    head = ["percent"]
    head += [f"{y} {w}" for y in YEARS for w in ("county", "official", "difference")]
    return _table([*head, *(f"{y} county, all loans" for y in YEARS)], rows)


def _shares(figures: Figures) -> str:
    rows = []
    for group in GROUPS:
        cells = [group]
        for year in (2019, *YEARS):
            known = official_share(group, year) if group in BY_TYPE else None
            cells += _beside(figures.share(Quarter(year, 4), group), known)[:2]
        rows.append(cells)
    head = [f"{y} {w}" for y in (2019, *YEARS) for w in ("county", "official")]
    return _table(["percent of inclusive balance", *head], rows)


def _rates(figures: Figures) -> str:
    rows = []
    for period, scope, quarter in RATES:
        group = "big five" if scope == "big_five" else "all"
        known = official_rate(period, scope)
        rows.append([period, group, *_beside(figures.rate(quarter, group), known, 2)])
    for quarter in (Quarter(2020, 4), Quarter(2021, 4)):
        for group in ("big five", "joint stock", "city", "rural"):
            value = figures.rate(quarter, group)
            rows.append([str(quarter.year), group, _show(value, 2), NOTHING, NOTHING])
    return _table(["drawn in", "banks", "county", "official", "difference"], rows, 2)


def _npl(figures: Figures) -> str:
    rows = []
    for quarter in QUARTERS:
        cells = [str(quarter)]
        for group in NPL_TYPES:
            pair = _beside(figures.npl("all", quarter, group), official_npl(group, quarter), 2)
            cells.append(" / ".join(pair[:2]))
        rows.append(cells)
    return _table(["percent, county / official", *NPL_TYPES], rows)


def _inclusive_npl(figures: Figures) -> str:
    rows = []
    for quarter in QUARTERS:
        inclusive = figures.npl("inclusive", quarter)
        gap = inclusive - figures.npl("all", quarter)
        known = official_inclusive_npl("inclusive_mse_npl_ratio_pct", quarter)
        known_gap = official_inclusive_npl("gap_to_all_loans_pp", quarter)
        pairs = [*_beside(inclusive, known, 2)[:2], *_beside(gap, known_gap, 2)[:2]]
        groups = [_show(figures.npl("inclusive", quarter, g), 2) for g in BY_TYPE if g != "all"]
        rows.append([str(quarter), *pairs, *groups])
    head = ["percent", "county", "official", "gap to all loans", "official gap"]
    return _table([*head, *(g for g in BY_TYPE if g != "all")], rows)


def _lending(figures: Figures) -> str:
    lives = figures.lives
    masks = {
        "up to 12 months": lives["months"] <= 12,
        "13 to 60 months": (lives["months"] > 12) & (lives["months"] <= 60),
        "over 60 months": lives["months"] > 60,
        "unsecured": lives["is_unsecured"],
        "renewed without repayment": lives["is_renewal"],
        "floating rate": lives["is_floating"],
    }
    years = (2019, *YEARS)
    rows = [
        [name, *(_show(figures.drawn_share(mask, y)) for y in years)]
        for name, mask in masks.items()
    ]
    return _table(["percent of inclusive drawdowns, by amount", *map(str, years)], rows)


def _segments(figures: Figures) -> str:
    found = figures.by_segment()
    whole = sum(fen for _, _, fen in found)
    rows = [
        [name, str(n), _show(Fraction(fen, n * _WAN)), _show(Fraction(100 * fen, whole))]
        for name, n, fen in found
        if n
    ]
    head = ["segment", "loans", "average balance, 万元", "percent of all balances"]
    return _table(head, rows)


def _sharing(figures: Figures) -> str:
    found = figures.borrowers_by_banks()
    whole = sum(found.values())
    rows = [[str(n), str(c), _show(Fraction(100 * c, whole), 2)] for n, c in found.items()]
    return _table(["banks", "borrowers", "percent"], rows, 0)


def _season(figures: Figures) -> str:
    rows = []
    for year in YEARS:
        quarters = [Quarter(year, n) for n in range(1, 5)]
        monthly = figures.monthly(year)
        mine = _increments([Fraction(figures.total("inclusive", q)) for q in _from(quarters)])
        known = [national("inclusive_mse_balance_trn_cny", q) for q in _from(quarters)]
        theirs = _increments([k for k in known if k is not None])
        for i, quarter in enumerate(quarters):
            drawn = sum(monthly[3 * i : 3 * i + 3])
            rows.append([str(quarter), _show(mine[i]), _show(theirs[i]), _show(drawn)])
    head = ["percent of the year's", "increase, county", "increase, official", "drawdowns, county"]
    return _table(head, rows)


def _from(quarters: list[Quarter]) -> list[Quarter]:
    return [quarters[0].previous, *quarters]


def _increments(balances: list[Fraction]) -> list[Fraction]:
    whole = balances[-1] - balances[0]
    return [100 * (after - before) / whole for before, after in pairwise(balances)]


def _outstanding(figures: Figures) -> str:
    rows = []
    for quarter in QUARTERS:
        sums = [figures.total(what, quarter) for what in ("inclusive", "all")]
        loans = str(figures.total("loans", quarter))
        rows.append([str(quarter), loans, *(_show(Fraction(s, _YI)) for s in sums)])
    return _table(["quarter", "loans", "inclusive balance, 亿元", "all loans, 亿元"], rows)


def _pass_through(figures: Figures) -> str:
    rows = []
    for one in figures.slopes:
        unit = one.unit
        rows.append(
            [
                institution_id(unit.short),
                str(unit.level_bp),
                _show(Fraction(unit.pass_through, 1000), 2),
                _show(one.months, 2),
                _show(one.error, 3),
                _show(one.calendar, 2),
                str(one.loans),
            ]
        )
    head = ["bank", "level, bp", "true", "months held fixed", "standard error", "calendar", "loans"]
    return _table(head, rows)
