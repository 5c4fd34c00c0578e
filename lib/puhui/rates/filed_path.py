"""Spread path without ledgers (T0): single-quarter mean rates from figures filed year to date.

Institutions file, year to date, the amount lent D and the sum of amounts times yearly rates F. The
quarter's own mean rate is (F_q − F_{q−1}) / (D_q − D_{q−1}), the first quarter's F_1 / D_1; minus
the benchmark averaged over the quarter's days it is the spread. Exact fractions throughout.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

import pyarrow as pa

from puhui.engine.duckdb import DuckDBEngine
from puhui.errors import FitError
from puhui.measures import from_returns
from puhui.params import Params
from puhui.params.benchmarks import Series
from puhui.quarter import Quarter
from puhui.rates.least_squares import Fit, fit
from puhui.results import twelve_digits
from puhui.store import Snapshot

AMOUNT, INTEREST = "incl_drawn", "incl_drawn_interest"
#: No regression on fewer quarters.
MIN_QUARTERS = 12
#: Decimals of what a regression is given; the rounded value is the regressor.
_PLACES = 9
CO_MOVEMENT = "由报表推算的单季利率与基准的关系只是同向变动，期限、客户构成和其他原因都未扣除。"


@dataclass(frozen=True)
class Filed:
    """Year-to-date figures of an institution: amount lent (元), amount × rate (元·%).

    The slacks say how far rounding of what was filed may have moved each.
    """

    institution: str
    quarter: Quarter
    amount: Fraction
    interest: Fraction
    amount_slack: Fraction = Fraction(0)
    interest_slack: Fraction = Fraction(0)


@dataclass(frozen=True)
class Point:
    """A quarter's own mean rate and spread of an institution, or of a kind of institutions.

    Attributes
    ----------
    institution, kind
        Institution (``None``: all of the kind together) and its kind, where that is known.
    members
        How many institutions' figures it holds.
    amount
        Lent in the quarter, 元.
    rate, benchmark, spread_bp
        Percent, percent, basis points, exact; rate and spread ``None`` where ``reason`` says why.
    low_bp, high_bp
        What the spread may be, given how the filed figures are rounded.
    """

    institution: str | None
    kind: str | None
    quarter: Quarter
    members: int
    amount: Fraction | None
    rate: Fraction | None
    benchmark: Fraction
    spread_bp: Fraction | None
    low_bp: Fraction | None
    high_bp: Fraction | None
    reason: str

    @property
    def unit(self) -> str:
        """Institution, or else kind."""
        return self.institution or str(self.kind)

    def row(self, quarter: str) -> dict[str, object]:
        """Row of a run's result table ``filed_spreads``; the spread exact as a fraction too."""
        s = self.spread_bp
        return {
            "quarter": quarter,
            "kind": self.kind,
            "institution_id": self.institution,
            "lent_in": str(self.quarter),
            "members": self.members,
            "amount": twelve_digits(self.amount),
            "mean_rate": twelve_digits(self.rate),
            "mean_benchmark": twelve_digits(self.benchmark),
            "spread_bp": twelve_digits(s),
            "spread_num": None if s is None else str(s.numerator),
            "spread_den": None if s is None else str(s.denominator),
            "low_bp": twelve_digits(self.low_bp),
            "high_bp": twelve_digits(self.high_bp),
            "reason": self.reason or None,
        }


def filed_paths(
    engine: DuckDBEngine,
    params: Params,
    snapshots: Sequence[Snapshot],
    last: Quarter,
    kinds: Mapping[str, str | None],
) -> list[Point]:
    """Return the spread paths over every quarter of the rate study's window, as filed.

    The run's measures hold the quarters indicators need; a path needs all of them.

    Parameters
    ----------
    snapshots
        Those whose returns are read.
    last
        The run's quarter.
    kinds
        Kind of each institution, as the register has it.
    """
    quarter, final = params.run.rates.window(last)
    quarters = []
    while quarter <= final:
        quarters.append(quarter)
        quarter = quarter.shift(1)
    two = {k: params.measures[k] for k in (AMOUNT, INTEREST) if k in params.measures}
    filed = filed_from(from_returns(engine, replace(params, measures=two), snapshots, quarters))
    series = params.benchmarks[params.run.rates.benchmark]
    return path(filed, series, series.primary_tenor, kinds)


def filed_from(measures: pa.Table) -> list[Filed]:
    """Read institutions' year-to-date figures out of the result table ``measures``.

    Figures filed in returns only, never ledgers'; quarters that lack either are left out.
    """
    found: dict[tuple[str, str], dict[str, tuple[Fraction, Fraction]]] = defaultdict(dict)
    for row in measures.to_pylist():
        wanted = row["measure_id"] in (AMOUNT, INTEREST) and row["source"] == "returns"
        if wanted and row["branch_id"] is None and row["value"] is not None:
            slack = Fraction(row["slack"]) if row["slack"] is not None else Fraction(0)
            pair = (Fraction(row["value"]), slack)
            found[row["institution_id"], row["quarter"]][row["measure_id"]] = pair
    return [
        Filed(unit, Quarter.parse(quarter), d[0], f[0], d[1], f[1])
        for (unit, quarter), own in sorted(found.items())
        if len(own) == 2
        for d, f in [(own[AMOUNT], own[INTEREST])]
    ]


def day_weighted(series: Series, tenor: str, quarter: Quarter) -> Fraction:
    """Return the mean of the benchmark over the quarter's days, exact.

    Raises
    ------
    ReferenceDataError
        The series does not know every day of the quarter.
    """
    days = (quarter.end - quarter.start).days + 1
    rates = (series.rate_on(tenor, quarter.start + dt.timedelta(days=n)) for n in range(days))
    return sum((Fraction(r) for r in rates), Fraction(0)) / days


def path(
    filed: Iterable[Filed],
    series: Series,
    tenor: str,
    kinds: Mapping[str, str | None] | None = None,
) -> list[Point]:
    """Return the spread path of every institution, then of every kind, by quarter.

    Parameters
    ----------
    filed
        Year-to-date figures, each institution and quarter once.
    series, tenor
        The benchmark, e.g. LPR and ``1Y``; the returns do not say a loan's tenor.
    kinds
        Kind of each institution. A kind's path adds up the institutions that have a figure
        of their own for the quarter; how many these are may change from quarter to quarter.
    """
    known = {(f.institution, f.quarter): f for f in filed}
    points, pooled = [], defaultdict(list)
    for (unit, quarter), now in sorted(known.items()):
        benchmark = day_weighted(series, tenor, quarter)
        before = known.get((unit, quarter.previous))
        alone, why = _single(now, before)
        kind = (kinds or {}).get(unit)
        who = (unit, kind, quarter)
        points.append(_point(who, [alone] if alone else [], benchmark, why))
        if alone and kind is not None:
            pooled[kind, quarter].append(alone)
    for (kind, quarter), members in sorted(pooled.items()):
        benchmark = day_weighted(series, tenor, quarter)
        points.append(_point((None, kind, quarter), members, benchmark, ""))
    return points


def _single(now: Filed, before: Filed | None) -> tuple[Filed | None, str]:
    """Return the quarter's own figures, or why there are none."""
    if now.quarter.number == 1:
        own = now
    elif before is None:
        return None, f"没有{now.quarter.previous.label}的累计数，推算不出单季"
    else:
        own = Filed(
            now.institution,
            now.quarter,
            now.amount - before.amount,
            now.interest - before.interest,
            now.amount_slack + before.amount_slack,
            now.interest_slack + before.interest_slack,
        )
    if own.amount < 0 or own.interest < 0:
        return None, "本年累计数少于上季，疑有更正，推算不出单季"
    if own.amount == 0:
        return None, "当季没有发放"
    return own, ""


def _point(
    who: tuple[str | None, str | None, Quarter],
    members: Sequence[Filed],
    benchmark: Fraction,
    why: str,
) -> Point:
    if not members:
        none = None
        return Point(*who, 0, none, none, benchmark, none, none, none, why)
    amount, interest, a, i = (
        sum((getattr(m, name) for m in members), Fraction(0))
        for name in ("amount", "interest", "amount_slack", "interest_slack")
    )
    rate = interest / amount
    least = max(interest - i, Fraction(0)) / (amount + a)
    most = (interest + i) / (amount - a) if amount > a else None
    return Point(
        *who,
        len(members),
        amount,
        rate,
        benchmark,
        100 * (rate - benchmark),
        100 * (least - benchmark),
        None if most is None else 100 * (most - benchmark),
        "",
    )


@dataclass(frozen=True)
class FiledRegression:
    """Rate on day-weighted benchmark over institutions' quarters, as it stands and with a trend.

    ``plain`` and ``trend`` are empty where ``sentence`` says why there is no number.
    """

    quarters: int
    plain: Fit | None
    trend: Fit | None
    sentence: str

    def result_rows(self, quarter: str) -> list[dict[str, object]]:
        """Rows for the result table ``mean_regressions``: as it stands, and with a trend."""
        rows: list[dict[str, object]] = []
        for kind, found in (("filed", self.plain), ("filed_trend", self.trend)):
            base: dict[str, object] = {
                "quarter": quarter,
                "equation": kind,
                "periods": self.quarters,
                "status": "none" if found is None else "ok",
                "reason": self.sentence if found is None else None,
            }
            if found is not None:
                base |= {
                    "estimate": twelve_digits(found.beta[0]),
                    "se_crv1": twelve_digits(found.se_crv1[0]),
                    "se_crv3": twelve_digits(found.se_crv3[0]),
                    "n": found.n,
                    "clusters": found.g,
                }
            rows.append(base)
        return rows


def regression(points: Sequence[Point]) -> FiledRegression:
    """Regress institutions' quarterly rates on the benchmark, with institution effects.

    Nothing is computed under 12 quarters. Clustered by institution; co-movement, no test.

    Parameters
    ----------
    points
        A spread path; its kinds do not count (what they hold would count twice).
    """
    used = [p for p in points if p.institution is not None and p.rate is not None]
    quarters = sorted({p.quarter for p in used})
    if len(quarters) < MIN_QUARTERS:
        why = f"可用的季度只有{len(quarters)}个，少于{MIN_QUARTERS}个，只列利差走势，不作回归。"
        return FiledRegression(len(quarters), None, None, why)
    table = pa.table(
        {
            "institution": [str(p.institution) for p in used],
            "rate": [_rounded(p.rate) for p in used],
            "benchmark": [_rounded(p.benchmark) for p in used],
            "quarter": [4 * p.quarter.year + p.quarter.number for p in used],
        }
    )
    try:
        plain, trend = (
            fit(table, "rate", x, cluster="institution", absorb=["institution"])
            for x in (["benchmark"], ["benchmark", "quarter"])
        )
    except FitError as error:
        return FiledRegression(len(quarters), None, None, f"不作回归：{error.message}")
    said = (
        f"{len(quarters)}个季度：基准高1个百分点的季度，单季平均利率相应差{plain.beta[0]:.3f}个百分点，"
        f"扣除线性趋势后{trend.beta[0]:.3f}。{CO_MOVEMENT}"
    )
    return FiledRegression(len(quarters), plain, trend, said)


def _rounded(value: Fraction | None) -> str:
    assert value is not None
    return str(Decimal(round(value * 10**_PLACES)).scaleb(-_PLACES))
