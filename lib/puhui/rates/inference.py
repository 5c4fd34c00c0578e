"""What a fit says beyond CRV1 and CRV3: the wild bootstrap with its interval, and CR2."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from puhui.rates.bootstrap import (
    FARTHEST,
    MOST_CLUSTERS,
    Interval,
    Resampling,
    drawn,
    interval,
    resampling,
)
from puhui.rates.moments import Moments
from puhui.rates.small_sample import bias_reduced
from puhui.rates.solve import Solution


@dataclass(frozen=True)
class Inference:
    """By term; ``None`` where it cannot be given, and then ``reasons`` says why."""

    se_cr2: list[float | None]
    df_cr2: list[float | None]
    p_boot: list[float | None]
    p_boot_classic: list[float | None]
    ci: list[tuple[float | None, float | None] | None]
    reasons: list[str]


def infer(
    m: Moments, s: Solution, h0: Fraction, crv3: list[float | None], tested: list[bool]
) -> Inference:
    """CR2 of all terms; bootstrap p and interval of those that may be tested.

    Parameters
    ----------
    crv3
        CRV3 errors, ``None`` where a refit loses the coefficient.
    tested
        By term whether a test is made at all (enough clusters with leverage, and so on).
    """
    reduced = bias_reduced(m, s)
    reasons = [reduced.reason] if reduced.reason else []
    terms = range(len(s.terms))
    p: list[float | None] = [None for _ in terms]
    classic: list[float | None] = [None for _ in terms]
    ci: list[tuple[float | None, float | None] | None] = [None for _ in terms]
    several = len(m.groups) <= MOST_CLUSTERS
    if not several and any(tested):
        reasons.append(f"聚类超过 {MOST_CLUSTERS} 个，不作自助法，请用 t 检验")
    for j in terms:
        r = resampling(s, j) if tested[j] and several else None
        error = crv3[j]
        if r is None or not error:
            continue
        p[j], classic[j], found = _resampled(r, float(h0), error)
        ci[j] = (found.low, found.high)
        reasons += _said(s.terms[j], found)
    return Inference(reduced.errors, reduced.freedom, p, classic, ci, reasons)


def _resampled(r: Resampling, h0: float, error: float) -> tuple[float, float, Interval]:
    ruling = drawn(r)
    return ruling.p(h0), drawn(r, classic=True).p(h0), interval(ruling, error)


def _said(term: str, found: Interval) -> list[str]:
    said = []
    ends = [end for end, at in (("下", found.low), ("上", found.high)) if at is None]
    if ends:
        said.append(f"“{term}”的区间向{'、向'.join(ends)}无界（超过 {FARTHEST:.0f} 个标准误）")
    if found.pieces:
        said.append(f"“{term}”的置信集不连续，所列区间是其外包")
    return said
