"""The county's change of rates at constant mix, as information: whether it is shown to be stable.

The coefficient of a period dummy among the cells of :mod:`puhui.rates.decomposition`, and two
one-sided tests within a margin. The verdict on stability is clause C3.1b's, not this.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import inf, isfinite

import pyarrow as pa

from puhui import results
from puhui.errors import FitError
from puhui.rates.decomposition import NOT_COMPARABLE, Comparison, Sums
from puhui.rates.least_squares import Fit, fit
from puhui.rates.sample import AMOUNT_SCALE
from puhui.results import twelve_digits

#: Decimal places of a cell's average rate where it is fitted.
_FITTED = 12


def change_at_constant_mix(sums: Sums) -> Fit:
    """Fit the average change within cells of both periods, weighted by amount.

    The coefficient ``period`` of rate on a period dummy with an effect for every cell of every
    institution, clustered by institution, percentage points. Amounts and averages of cells are
    all it takes, because the dummy does not vary within a cell of a period: coefficient, CRV3
    and bootstrap are those of the loans; ``n``, ``residual_sd`` and ``r2`` are of the averages.

    Raises
    ------
    FitError
        No cell is common to both periods.
    """
    common = sorted(sums.before.keys() & sums.after.keys())
    if not common:
        raise FitError(f"{NOT_COMPARABLE}。")
    rows = [
        {
            "institution_id": key[0],
            "cell": str(number),
            "period": period,
            "rate": _decimal(cells[key].rate),
            "fen": int(cells[key].amount * 10**AMOUNT_SCALE),
        }
        for number, key in enumerate(common)
        for period, cells in enumerate((sums.before, sums.after))
    ]
    kinds = [pa.string(), pa.string(), pa.int64(), pa.string(), pa.int64()]
    table = pa.Table.from_pylist(rows, pa.schema(list(zip(rows[0], kinds, strict=True))))
    return fit(table, "rate", ["period"], cluster="institution_id", weights="fen", absorb=["cell"])


def _decimal(value: Fraction) -> str:
    """Write an average rate in decimals; the rounded value is what is fitted.

    >>> _decimal(Fraction(14, 3))
    '4.666666666667'
    """
    return f"{Decimal(round(value * 10**_FITTED)).scaleb(-_FITTED):f}"


@dataclass(frozen=True)
class Stability:
    """Whether rates at constant mix are shown to be stable: a verdict and the sentence."""

    verdict: str  # stable, moved, undecided
    sentence: str


def stability(
    change_bp: float, interval_bp: tuple[float | None, float | None] | None, margin_bp: Decimal
) -> Stability:
    """Two one-sided tests of a change within ± the margin, as information.

    Parameters
    ----------
    change_bp
        The estimate, basis points.
    interval_bp
        Its 90 % interval for two tests at 5 % each (a 95 % one makes them 2.5 %); an end that
        is ``None`` or infinite is unbounded; ``None``: there is no interval.
    margin_bp
        What still counts as stable (policy ``rate_stability_bp``), not negative.

    Examples
    --------
    >>> [stability(x, (x - 3, x + 3), Decimal(10)).verdict for x in (2.0, 6.9, 8.0, 14.0)]
    ['stable', 'stable', 'undecided', 'moved']
    """
    margin = float(margin_bp)
    change = f"同口径利率变动{_signed(change_bp)}个基点"
    if interval_bp is None:
        return Stability("undecided", f"{change}，没有区间，不能判断是否稳定。")
    low = -inf if interval_bp[0] is None else interval_bp[0]
    high = inf if interval_bp[1] is None else interval_bp[1]
    span = f"{change}（区间{_signed(low)}至{_signed(high)}个基点）"
    if -margin < low and high < margin:
        return Stability("stable", f"{span}，在±{margin_bp}个基点以内：已证明稳定。")
    if low > margin or high < -margin:
        return Stability("moved", f"{span}，超出±{margin_bp}个基点：已证明不稳定。")
    return Stability("undecided", f"{span}，与±{margin_bp}个基点的界限有交叠：不能判断。")


def _signed(value: float) -> str:
    """Write basis points with their sign.

    >>> _signed(-6.54), _signed(0.01), _signed(inf)
    ('−6.5', '0.0', '无界')
    """
    if not isfinite(value):
        return "无界"
    text = f"{value:+.1f}"
    return "0.0" if text[1:] == "0.0" else text.replace("-", "−")


def stability_table(asked: Comparison, sums: Sums, margin_bp: Decimal) -> pa.Table:
    """Fit the change at constant mix and say whether it is shown to be stable.

    Parameters
    ----------
    asked, sums
        The comparison and its sums, of all institutions.
    margin_bp
        As for :func:`stability`.

    Returns
    -------
    pyarrow.Table
        ``results`` ``stability``, one row; without a common cell or an estimate it has no
        verdict and says why.
    """
    base: dict[str, object] = {
        "quarter": asked.quarter,
        "base": asked.base,
        "margin_bp": float(margin_bp),
    }
    try:
        fitted = change_at_constant_mix(sums)
    except FitError as error:
        return results.from_rows("stability", [{**base, "reason": error.message}])
    change = 100 * fitted.beta[0]
    ends = fitted.ci[0] if fitted.ci else None
    interval = None if ends is None else (_times_hundred(ends[0]), _times_hundred(ends[1]))
    said = stability(change, interval, margin_bp)
    row: dict[str, object] = {
        "change_bp": twelve_digits(change),
        "ci_low": interval and twelve_digits(interval[0]),
        "ci_high": interval and twelve_digits(interval[1]),
        "clusters": fitted.g,
        "verdict": said.verdict,
        "reason": said.sentence,
    }
    return results.from_rows("stability", [{**base, **row}])


def _times_hundred(value: float | None) -> float | None:
    """Percentage points in basis points; an unbounded end stays open."""
    return None if value is None or not isfinite(value) else 100 * value
