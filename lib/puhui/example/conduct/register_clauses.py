"""Clauses that registers answer: attestations, numbers, products, benefits, insurance, lists."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from puhui.example.columns import day_number
from puhui.example.conduct.evidence import Evidence, Found, Row, done, no_data, not_applicable
from puhui.example.conduct.forms import NO, NOTHING_TO_DO, YES, answers
from puhui.example.conduct.lending_clauses import rising
from puhui.example.conduct.office import noted
from puhui.example.conduct.situations import MET, MISSED
from puhui.example.roster import ROSTER, Unit
from puhui.quarter import Quarter

Clause = Callable[[Evidence, Quarter, Unit], Found]
MIN_WEIGHT_PERCENT, MIN_FTP_BP, TOLERANCE_PP = Fraction(10), Fraction(50), Fraction(3)


def attested(clause: str) -> Clause:
    """Every answer asked for is yes and has its document, and no note says otherwise."""
    asked = [item for item, value in answers(clause, "y", Quarter(2021, 4)) if value == YES]

    def judge(evidence: Evidence, quarter: Quarter, unit: Unit) -> Found:
        given = evidence.answers(quarter, unit)
        absent = next((item for item in asked if item not in given), "")
        if absent:
            return no_data(f"{absent} of {quarter}")
        values = [given[item]["value"] for item in asked]
        if NOTHING_TO_DO in values:
            return not_applicable("nothing there to do, and said so")
        if NO in values:
            return Found(MISSED, why=f"{asked[values.index(NO)]} answered no")
        if noted(clause, unit, quarter):
            return Found(MISSED, why="a note of the office says otherwise", verdict="to_verify")
        if any(not given[item].get("document_no") for item in asked):
            return Found(MET, why="a yes without a document", verdict="to_verify")
        return Found(MET)

    return judge


def numbers(clause: str, judge: Callable[[dict[str, Fraction]], Found]) -> Clause:
    """Judge by the numbers given on a clause, named without its id; no data if any lacks."""
    asked = [
        item for item, value in answers(clause, "y", Quarter(2021, 4)) if value not in (YES, NO)
    ]

    def found(evidence: Evidence, quarter: Quarter, unit: Unit) -> Found:
        given = {item: evidence.number(quarter, unit, item) for item in asked}
        absent = next((item for item, number in given.items() if number is None), "")
        if absent:
            return no_data(f"{absent} of {quarter}")
        known = {item: number for item, number in given.items() if number is not None}
        return judge({item.removeprefix(f"{clause}."): number for item, number in known.items()})

    return found


def _reductions(given: dict[str, Fraction]) -> Found:
    if not given["due"]:
        return not_applicable("no fees were due")
    return done(given["waived"] > 0, 100 * given["waived"] / given["due"], "%")


def _team(given: dict[str, Fraction]) -> Found:
    if not given["all_staff"]:
        return no_data("staff")
    return done(given["team_staff"] > 0, 100 * given["team_staff"] / given["all_staff"], "%")


def _weight(given: dict[str, Fraction]) -> Found:
    least = min(given.values())
    return done(least >= MIN_WEIGHT_PERCENT, least, "%")


def _transfer_price(given: dict[str, Fraction]) -> Found:
    """Smallest preference over products and tenors, in bp."""
    cells = [item.removeprefix("ordinary.") for item in given if item.startswith("ordinary.")]
    least = min(100 * (given[f"ordinary.{c}"] - given[f"inclusive.{c}"]) for c in cells)
    return done(least >= MIN_FTP_BP, least, "bp")


def _awards(given: dict[str, Fraction]) -> Found:
    if not given["branches_met"]:
        return not_applicable("no branch met its targets")
    good = given["branches_awarded"] > 0 and given["award"] > 0
    return done(good, 100 * given["branches_awarded"] / given["branches_met"], "%")


_GRID = ("villages", "townships", "parks")


def grid(evidence: Evidence, quarter: Quarter, unit: Unit) -> Found:
    """C6.3b: villages, townships and parks covered, together, against the year's start."""

    def at(when: Quarter) -> Fraction | None:
        given = [evidence.number(when, unit, f"C6.3b.{place}") for place in _GRID]
        every = [evidence.number(when, unit, f"C6.3b.{place}_all") for place in _GRID]
        if None in given or None in every or not sum(n for n in every if n):
            return None
        return 100 * sum((n for n in given if n), Fraction(0)) / sum(n for n in every if n)

    now, before = at(quarter), quarter.previous
    if now is None:
        return no_data(f"C6.3b of {quarter}")
    return rising(now, at(quarter.year_start), (at(before), at(before.year_start)))


def digital(evidence: Evidence, quarter: Quarter, unit: Unit) -> Found:
    """C6.4d: spending and staff not below the same period of last year."""
    items = ("C6.4d.spend", "C6.4d.staff")
    pairs = [[evidence.number(q, unit, i) for q in (quarter, quarter.year_ago)] for i in items]
    known = [(now, base) for now, base in pairs if now is not None and base is not None]
    if len(known) < len(items):
        return no_data(f"C6.4d of {quarter} or {quarter.year_ago}")
    spend, base = known[0]
    return done(all(now >= then for now, then in known), spend, "yuan", base=base)


def own_tolerance(evidence: Evidence, quarter: Quarter, unit: Unit) -> Found:
    """C7.1: the bank's own number is within the notice's, and was passed down."""
    own = evidence.number(quarter, unit, "C7.1.tolerance_pp")
    if own is None:
        return no_data(f"C7.1.tolerance_pp of {quarter}")
    if own > TOLERANCE_PP:
        return done(False, own, "pp", why="a wider tolerance than the notice's")
    found = attested("C7.1")(evidence, quarter, unit)
    return Found(found.situation, own, "pp", why=found.why, verdict=found.verdict)


def preference_or_subsidy(evidence: Evidence, quarter: Quarter, unit: Unit) -> Found:
    """C8.4: either is in force, with a document."""
    given = [evidence.answers(quarter, unit).get(f"C8.4.{i}") for i in ("ftp", "subsidy")]
    known = [row for row in given if row is not None]
    if len(known) < len(given):
        return no_data(f"C8.4 of {quarter}")
    yes = [row for row in known if row["value"] == YES]
    if yes and not any(row.get("document_no") for row in yes):
        return Found(MET, why="a yes without a document", verdict="to_verify")
    return done(bool(yes))


def _products(good: Callable[[list[Row], Quarter], bool]) -> Clause:
    def judge(evidence: Evidence, quarter: Quarter, unit: Unit) -> Found:
        rows = evidence.table(quarter, unit, "products")
        if rows is None:
            return no_data(f"products of {quarter}")
        used = [row for row in rows if row["customers"] > 0 and row["balance"] > 0]
        return done(good(used, quarter), len(used), "products", why="in use")

    return judge


def _has_offline(rows: list[Row], quarter: Quarter) -> bool:
    return any(row["channel"] == 1 for row in rows)


def _has_new_unsecured(rows: list[Row], quarter: Quarter) -> bool:
    start = day_number(quarter.year_to_date_start)
    return any(row["launched_on"] >= start and row["unsecured"] for row in rows)


def _has_both(rows: list[Row], quarter: Quarter) -> bool:
    return _has_offline(rows, quarter) and any(row["unsecured"] for row in rows)


def online_lead(evidence: Evidence, quarter: Quarter, unit: Unit) -> Found:
    """C4.2a: online unsecured loans, balance and customers, not below the year's start.

    The value is the bank's share in the county's, over those whose figure is known.
    """
    names, start = ("mse_online", "mse_online:customers"), quarter.year_start
    lacking = evidence.lacks(quarter, unit, *names) or evidence.lacks(start, unit, *names)
    if lacking:
        return no_data(lacking)
    now, base = evidence.lending(quarter, unit), evidence.lending(start, unit)
    share = _share_in_county(evidence, quarter, unit, names[0])
    before = _share_in_county(evidence, start, unit, names[0])
    good = all(now[name] >= base[name] for name in names) and now[names[0]] > 0
    return done(good, share, "%", base=before, why=f"{now[names[0]] - base[names[0]]:+d} fen")


def _share_in_county(evidence: Evidence, when: Quarter, unit: Unit, figure: str) -> Fraction | None:
    seen = [one for one in ROSTER if one.is_bank and not evidence.lacks(when, one, figure)]
    total = sum(evidence.lending(when, one)[figure] for one in seen)
    return Fraction(100 * evidence.lending(when, unit)[figure], total) if total else None


def _balance(figure: str) -> Clause:
    """Met if a bank has any balance of the kind."""

    def judge(evidence: Evidence, quarter: Quarter, unit: Unit) -> Found:
        lacking = evidence.lacks(quarter, unit, figure)
        if lacking:
            return no_data(lacking)
        balance = evidence.lending(quarter, unit)[figure]
        return done(balance > 0, balance, "fen")

    return judge


def insured(evidence: Evidence, quarter: Quarter, unit: Unit) -> Found:
    """C4.3b: balance covered, as the bank or the insurer has it."""
    if unit.is_bank:
        return _balance("mse_insured")(evidence, quarter, unit)
    rows = evidence.table(quarter, unit, "insurance")
    covered = [row.get("loan_balance_covered") for row in rows or []]
    if rows is None or None in covered:
        return no_data(f"insurance.loan_balance_covered of {quarter}")
    total = sum(v for v in covered if v is not None)
    return done(total > 0, total, "fen")


def shared_risk(evidence: Evidence, quarter: Quarter, unit: Unit) -> Found:
    """C5.7: balance shared with insurers and guarantors; small firms an insurer insures."""
    if unit.is_bank:
        balance = evidence.number(quarter, unit, "C5.7.balance")
        if balance is None:
            return no_data(f"C5.7.balance of {quarter}")
        return done(balance > 0, balance, "yuan")
    rows = evidence.table(quarter, unit, "insurance")
    if rows is None:
        return no_data(f"insurance of {quarter}")
    firms = sum(row["insured_mses"] for row in rows)
    return done(firms > 0, firms, "customers")


_PARTS = ("has_needs", "has_products", "has_terms", "has_manager")


def one_plan(evidence: Evidence, quarter: Quarter, unit: Unit) -> Found:
    """C5.3: listed firms with a signed and complete plan."""
    rows = [row for row in evidence.key_firms if row["institution_id"] == evidence.id_of(unit)]
    if not rows:
        return not_applicable("no listed firm")
    if any("has_needs" not in row for row in rows):
        return no_data("plans of the listed firms")
    whole = [
        row
        for row in rows
        if row["plan_signed_on"]
        and row["plan_signed_on"] <= quarter.end
        and all(row[p] for p in _PARTS)
    ]
    return done(len(whole) == len(rows), Fraction(100 * len(whole), len(rows)), "%")


def relending(evidence: Evidence, quarter: Quarter, unit: Unit) -> Found:
    """C9.2: funds drawn, more than none and no more than two fifths of the loans they support."""
    drawn = evidence.number(quarter, unit, "C9.2.drawn")
    if drawn is None:
        return no_data(f"C9.2.drawn of {quarter}")
    allowed = Fraction(evidence.lending(quarter, unit)["supported:drawn"], 100) * 2 / 5
    if not allowed:
        return not_applicable("no loans that could be supported")
    return done(0 < drawn <= allowed, 100 * drawn / allowed, "%")


def received(evidence: Evidence, quarter: Quarter, unit: Unit) -> Found:
    """C9.3: something was received."""
    rows = evidence.table(quarter, unit, "benefits")
    if rows is None:
        return no_data(f"benefits of {quarter}")
    total = sum(row["received"] for row in rows)
    return done(total > 0, total, "fen")


def passed_on(evidence: Evidence, quarter: Quarter, unit: Unit) -> Found:
    """C9.4: of what was received, something reached the business line and the customers."""
    rows = evidence.table(quarter, unit, "benefits")
    if rows is None:
        return no_data(f"benefits of {quarter}")
    total = sum(row["received"] for row in rows)
    if not total:
        return not_applicable("nothing was received")
    parts = [sum(row[f"passed_to_{to}"] for row in rows) for to in ("business_line", "customers")]
    return done(min(parts) > 0, Fraction(100 * sum(parts), total), "%")


_ATTESTED = ("C2.4b", "C3.4c", "C4.5c", "C5.5c", "C5.6", "C6.0", "C6.1", "C6.2", "C6.4c", "C7.4")
CLAUSES: dict[str, Clause] = {
    **{clause: attested(clause) for clause in (*_ATTESTED, "C8.1", "C9.1")},
    "C2.5b": _products(_has_offline),
    "C3.3c": numbers("C3.3c", _reductions),
    "C4.1b": _products(_has_new_unsecured),
    "C4.2a": online_lead,
    "C4.2b": _products(_has_both),
    "C4.3b": insured,
    "C5.3": one_plan,
    "C5.4": _balance("mse_chained"),
    "C5.7": shared_risk,
    "C6.3a": numbers("C6.3a", _team),
    "C6.3b": grid,
    "C6.4d": digital,
    "C7.1": own_tolerance,
    "C8.2": numbers("C8.2", _weight),
    "C8.3": numbers("C8.3", _transfer_price),
    "C8.4": preference_or_subsidy,
    "C8.5": numbers("C8.5", _awards),
    "C9.2": relending,
    "C9.3": received,
    "C9.4": passed_on,
}
