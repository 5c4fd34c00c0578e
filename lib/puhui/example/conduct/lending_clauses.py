"""Clauses that a bank's lending answers: growth, shares, rates, tolerance."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from puhui.example.columns import day_number
from puhui.example.conduct.evidence import Evidence, Found, done, no_data, not_applicable
from puhui.example.conduct.lending import Lending
from puhui.example.conduct.situations import NO_DATA
from puhui.example.pricing import lpr_bp
from puhui.example.roster import Unit
from puhui.quarter import Quarter

Clause = Callable[[Evidence, Quarter, Unit], Found]

#: A share that moves by no more than this many points stands still.
FLAT = Fraction(1, 100)
TOLERANCE = Fraction(3)
#: Growth a large bank was asked for in 2021, percent (head-office target).
LARGE_GROWTH_TARGET = Fraction(30)
#: Our own lines where the catalogue names none: how far a mean rate may rise in a year, what
#: counts as a reasonable level over the one-year LPR, and as pricing off LPR at all.
RATE_RISE_BP, LEVEL_BP, ON_LPR_PERCENT = Fraction(10), 200, Fraction(70)

# Shares that shall not fall: clause → part, whole, base.
_SHARES = {
    "C2.4a": ("ent_first:borrowers", "ent_drawn:borrowers", "year_ago"),
    "C2.5a": ("mse_local", "mse", "year_start"),
    "C4.1a": ("mse_credit", "mse", "year_start"),
    "C4.3a": ("mse_listed", "mse", "year_start"),
    "C4.4": ("mse_long", "mse", "year_start"),
    "C4.5a": ("mse_renewal", "mse", "year_start"),
    "C4.5b": ("mse_revolving", "mse", "year_start"),
    "C5.5b": ("agri_credit", "agri", "year_start"),
}


def rising(
    now: Fraction, base: Fraction | None, earlier: tuple[Fraction | None, Fraction | None]
) -> Found:
    """Judge a share that shall not fall.

    Missed when it stands lower than at the base by more than :data:`FLAT`; *behind* only if a
    quarter before it did so too. Without a base nothing can be said, and the share is shown.
    """
    if base is None:
        return Found(NO_DATA, now, "%", why="missing: the base", verdict="shown")
    fell = now - base < -FLAT
    before, before_base = earlier
    fell_before = before is not None and before_base is not None and before - before_base < -FLAT
    verdict = "behind" if fell and fell_before else "on_track"
    return done(not fell, now, "%", base=base, verdict=verdict)


def _share_of(part: str, whole: str, base: str) -> Clause:
    def at(evidence: Evidence, quarter: Quarter, unit: Unit) -> Fraction | None:
        if evidence.lacks(quarter, unit, part, whole):
            return None
        return evidence.lending(quarter, unit).share(part, whole)

    def judge(evidence: Evidence, quarter: Quarter, unit: Unit) -> Found:
        lacking = evidence.lacks(quarter, unit, part, whole)
        if lacking:
            return no_data(lacking)
        now = at(evidence, quarter, unit)
        if now is None:
            return not_applicable("no loans of that kind")
        before = quarter.previous
        earlier = at(evidence, before, unit), at(evidence, before.bases[base], unit)
        return rising(now, at(evidence, quarter.bases[base], unit), earlier)

    return judge


def growth_gap(now: Lending, base: Lending) -> Fraction | None:
    """Growth of assessed loans minus that of all loans, points; none with nothing at the base."""
    if not base["assessed"] or not base["all"]:
        return None
    mine = Fraction(now["assessed"], base["assessed"])
    return 100 * (mine - Fraction(now["all"], base["all"]))


def _judged(evidence: Evidence, unit: Unit, branch: str | None) -> bool:
    """Two increases are judged at legal persons, and where no plan was handed down."""
    if branch is None and unit.is_local:
        return True
    return (evidence.id_of(unit), branch, "assessed_balance") not in evidence.plans


def growth(evidence: Evidence, quarter: Quarter, unit: Unit, branch: int | None = None) -> Found:
    """C2.1a at an institution or one of its branches."""
    start = quarter.year_start
    lacking = next(
        (x for q in (quarter, start) if (x := evidence.lacks(q, unit, "assessed", "all"))), ""
    )
    if lacking:
        return no_data(lacking)
    value = growth_gap(*(evidence.lending(q, unit, branch) for q in (quarter, start)))
    if value is None:
        return no_data("loans at the start of the year")
    return done(value >= 0, value, "pp", verdict=_shown_if_planned(evidence, unit, branch))


def customers(evidence: Evidence, quarter: Quarter, unit: Unit, branch: int | None = None) -> Found:
    """C2.1b at an institution or one of its branches."""
    name, start = "assessed:customers", quarter.year_start
    lacking = next((x for q in (quarter, start) if (x := evidence.lacks(q, unit, name))), "")
    if lacking:
        return no_data(lacking)
    more = (
        evidence.lending(quarter, unit, branch)[name] - evidence.lending(start, unit, branch)[name]
    )
    return done(more >= 0, more, "customers", verdict=_shown_if_planned(evidence, unit, branch))


def _shown_if_planned(evidence: Evidence, unit: Unit, branch: int | None) -> str:
    key = None if branch is None else f"{evidence.id_of(unit)}B{branch + 1:02d}"
    return "" if _judged(evidence, unit, key) else "shown"


def plan(evidence: Evidence, quarter: Quarter, unit: Unit, branch: int | None = None) -> Found:
    """C2.2: increments against the plan, before the fourth quarter against the time gone by."""
    key = None if branch is None else f"{evidence.id_of(unit)}B{branch + 1:02d}"
    items = (("assessed_balance", "assessed", 1), ("assessed_customers", "assessed:customers", 100))
    start, ratios = quarter.year_start, []
    if (evidence.id_of(unit), key, "assessed_balance") not in evidence.plans:
        return not_applicable("no plan was handed down")
    for item, name, scale in items:
        lacking = evidence.lacks(quarter, unit, name) or evidence.lacks(start, unit, name)
        if lacking:
            return no_data(lacking)
        more = (
            evidence.lending(quarter, unit, branch)[name]
            - evidence.lending(start, unit, branch)[name]
        )
        ratios.append(Fraction(100 * scale * more, evidence.plans[evidence.id_of(unit), key, item]))
    good = min(ratios) >= 25 * quarter.number
    why = "balance; customers " + ("too" if ratios[1] >= 25 * quarter.number else "short")
    early = "on_track" if good else "behind"
    return done(good, ratios[0], "%", why=why, verdict=early if quarter.number < 4 else "")


def large_growth(evidence: Evidence, quarter: Quarter, unit: Unit) -> Found:
    """C2.1c: growth of inclusive loans against the head office's target."""
    start = quarter.year_start
    lacking = evidence.lacks(quarter, unit, "incl") or evidence.lacks(start, unit, "incl")
    if lacking:
        return no_data(lacking)
    base = evidence.lending(start, unit)["incl"]
    value = Fraction(100 * evidence.lending(quarter, unit)["incl"], base) - 100
    return done(value >= LARGE_GROWTH_TARGET, value, "%", base=LARGE_GROWTH_TARGET)


def first_loans(evidence: Evidence, quarter: Quarter, unit: Unit) -> Found:
    """C2.3: more new first-time borrowers than in the same period of last year."""
    name, base = "ent_first:borrowers", quarter.year_ago
    lacking = evidence.lacks(quarter, unit, name) or evidence.lacks(base, unit, name)
    if lacking:
        return no_data(lacking)
    more = evidence.lending(quarter, unit)[name] - evidence.lending(base, unit)[name]
    return done(more > 0, more, "customers")


_RATE = ("at_drawdown:drawn", "at_drawdown:interest")


def rate_level(evidence: Evidence, quarter: Quarter, unit: Unit) -> Found:
    """C3.1a: met at :data:`LEVEL_BP` over the one-year LPR of the day or less; never judged."""
    lacking = evidence.lacks(quarter, unit, *_RATE)
    if lacking:
        return no_data(lacking)
    rate = evidence.lending(quarter, unit).rate()
    if rate is None:
        return not_applicable("nothing drawn in the year")
    full = quarter.last_full_year
    base = None if evidence.lacks(full, unit, *_RATE) else evidence.lending(full, unit).rate()
    limit = Fraction(int(lpr_bp([0], [day_number(quarter.end)])[0]) + LEVEL_BP, 100)
    return done(rate <= limit, rate, "%", base=base)


def rate_stability(evidence: Evidence, quarter: Quarter, unit: Unit) -> Found:
    """C3.1b: the year's mean rate against that of the last full year."""
    full = quarter.last_full_year
    lacking = evidence.lacks(quarter, unit, *_RATE) or evidence.lacks(full, unit, *_RATE)
    if lacking:
        return no_data(lacking)
    now, base = evidence.lending(quarter, unit).rate(), evidence.lending(full, unit).rate()
    if now is None or base is None:
        return not_applicable("nothing drawn in one of the years")
    rise = 100 * (now - base)
    return done(rise <= RATE_RISE_BP, rise, "bp", why="" if rise <= RATE_RISE_BP else "near_limit")


def priced_off_lpr(evidence: Evidence, quarter: Quarter, unit: Unit) -> Found:
    """C3.1c: share of the year's new loans that name LPR."""
    share = evidence.lending(quarter, unit).share("on_lpr:drawn", "priced:drawn")
    if share is None:
        return not_applicable("nothing drawn in the year")
    return done(share >= ON_LPR_PERCENT, share, "%")


def manufacturing(evidence: Evidence, quarter: Quarter, unit: Unit) -> Found:
    """C5.0: growth of manufacturing loans against that of all loans."""
    start = quarter.year_start
    for each in (quarter, start):
        lacking = evidence.lacks(each, unit, "making", "all")
        if lacking:
            return no_data(lacking)
    now, base = evidence.lending(quarter, unit), evidence.lending(start, unit)
    if not base["making"] or not base["all"]:
        return no_data("manufacturing loans at the start of the year")
    value = Fraction(now["making"], base["making"]) - Fraction(now["all"], base["all"])
    return done(value >= 0, 100 * value, "pp")


def _chains(name: str) -> Clause:
    def judge(evidence: Evidence, quarter: Quarter, unit: Unit) -> Found:
        lacking = evidence.lacks(quarter, unit, f"{name}_new:customers")
        if lacking:
            return no_data(lacking)
        mine = evidence.lending(quarter, unit)
        new = mine[f"{name}_new:customers"]
        return done(new > 0, new, "customers", why=f"new in the chains; balance {mine[name]} fen")

    return judge


def farming(evidence: Evidence, quarter: Quarter, unit: Unit) -> Found:
    """C5.5a: growth of inclusive agricultural loans; met if not negative, only shown."""
    start = quarter.year_start
    lacking = evidence.lacks(quarter, unit, "agri") or evidence.lacks(start, unit, "agri")
    if lacking:
        return no_data(lacking)
    now, base = evidence.lending(quarter, unit)["agri"], evidence.lending(start, unit)["agri"]
    if not base:
        return not_applicable("no agricultural loans at the start of the year")
    return done(now >= base, Fraction(100 * (now - base), base), "%")


def tolerance(evidence: Evidence, quarter: Quarter, unit: Unit, branch: int | None = None) -> Found:
    """C7.2: a branch is compared with its legal person's ratio, an institution with its own."""
    lacking = evidence.lacks(quarter, unit, "incl", "incl_npl", "npl", "all")
    if lacking:
        return no_data(lacking)
    ratio = evidence.lending(quarter, unit, branch).share("incl_npl", "incl")
    if ratio is None:
        return not_applicable("no inclusive loans")
    beside = evidence.lending(quarter, unit).share("npl", "all")
    if branch is not None and unit.npl_ratio_bp:
        beside = Fraction(unit.npl_ratio_bp, 100)
    if beside is None:
        return no_data("loans of the institution")
    return done(ratio - beside <= TOLERANCE, ratio - beside, "pp", base=beside)


def relaxed(evidence: Evidence, quarter: Quarter, unit: Unit) -> Found:
    """C2.1d: where granted with a document, balance and customers not below the year's start."""
    grant = evidence.answers(quarter, unit).get("C2.1d.granted")
    if grant is None:
        return not_applicable("no relaxed assessment was granted")
    if not grant.get("document_no"):
        return not_applicable("a grant without a document is ignored")
    names, start = ("assessed", "assessed:customers"), quarter.year_start
    lacking = evidence.lacks(quarter, unit, *names) or evidence.lacks(start, unit, *names)
    if lacking:
        return no_data(lacking)
    now, base = evidence.lending(quarter, unit), evidence.lending(start, unit)
    more = [now[name] - base[name] for name in names]
    return done(min(more) >= 0, more[0], "fen", why=f"customers {more[1]:+d}")


CLAUSES: dict[str, Clause] = {
    **{clause: _share_of(*terms) for clause, terms in _SHARES.items()},
    "C2.1a": growth,
    "C2.1b": customers,
    "C2.1c": large_growth,
    "C2.1d": relaxed,
    "C2.2": plan,
    "C2.3": first_loans,
    "C3.1a": rate_level,
    "C3.1b": rate_stability,
    "C3.1c": priced_off_lpr,
    "C5.0": manufacturing,
    "C5.1": _chains("pillar"),
    "C5.2": _chains("emerging"),
    "C5.5a": farming,
    "C7.2": tolerance,
}
#: Clauses judged at branches too.
AT_BRANCHES = {"C2.1a": growth, "C2.1b": customers, "C2.2": plan, "C7.2": tolerance}
