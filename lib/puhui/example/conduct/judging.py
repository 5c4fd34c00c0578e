"""The truth table of situations: every institution of a county on every clause of this room."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from puhui.example.conduct import lending_clauses, register_clauses
from puhui.example.conduct.catalogue import CLAUSES, applies
from puhui.example.conduct.evidence import (
    Evidence,
    Found,
    Registers,
    done,
    no_data,
    not_applicable,
)
from puhui.example.conduct.situations import (
    MET,
    MISSED,
    NO_DATA,
    NOT_APPLICABLE,
    situation_row,
)
from puhui.example.county import County
from puhui.example.roster import LAST, ROSTER, Unit, institution_id
from puhui.quarter import Quarter

Row = dict[str, Any]

#: Quarters judged: the current one, and one before it.
JUDGED = (LAST.previous, LAST)
#: Clauses judged at one more quarter: growth towards a year's target has hardly begun there.
_ALSO = {"C2.1c": Quarter(LAST.year, 1)}
OWN = {**lending_clauses.CLAUSES, **register_clauses.CLAUSES}
#: Clauses of this room: all but those of screening, deferral, speed and cases.
CLAUSES_HERE = ("C1", "C2.2c", *OWN)


def situations(
    county: County, registers: Registers, quarters: Iterable[Quarter] = JUDGED
) -> list[Row]:
    """Rows of every clause of this room but C1, for every institution and judged branch.

    Parameters
    ----------
    registers
        What every institution sent, by quarter and :attr:`Unit.short`; needed for the quarters
        judged, the ones before them, and the year's start and the year before of all those.
    quarters
        Quarters judged.
    """
    evidence = Evidence(county, registers)
    rows = []
    for quarter in quarters:
        for unit in ROSTER:
            for clause in OWN:
                rows += _of_institution(evidence, quarter, unit, clause)
        rows += _of_county(evidence, quarter)
    for clause, quarter in _ALSO.items():
        for unit in ROSTER:
            rows += _of_institution(evidence, quarter, unit, clause)
    # Before the year of the plans there is nothing to hold the county's totals against.
    rows += _of_county(evidence, LAST.year_start)
    return rows


def _of_institution(evidence: Evidence, quarter: Quarter, unit: Unit, clause: str) -> list[Row]:
    found = _find(evidence, quarter, unit, clause)
    rows = [_row(evidence.id_of(unit), quarter, clause, found)]
    if clause in lending_clauses.AT_BRANCHES and applies(clause, unit) and quarter >= unit.since:
        judge = lending_clauses.AT_BRANCHES[clause]
        for branch in range(unit.branches):
            one = (
                judge(evidence, quarter, unit, branch) if unit.has_ledger else no_data("the ledger")
            )
            branch_id = f"{evidence.id_of(unit)}B{branch + 1:02d}"
            rows.append(_row(evidence.id_of(unit), quarter, clause, one, branch_id))
    return rows


def _find(evidence: Evidence, quarter: Quarter, unit: Unit, clause: str) -> Found:
    if not applies(clause, unit):
        return not_applicable("does not bind it")
    if quarter < unit.since:
        return no_data("the submission")
    needs = CLAUSES[clause].needs_tier
    # Plans and their fulfilment are known to the office whatever else an institution sends.
    if unit.is_bank and unit.tier < needs and clause != "C2.2":
        return no_data("the loan ledger" if needs == 2 else "registers")
    return OWN[clause](evidence, quarter, unit)


def _row(
    institution: str, quarter: Quarter, clause: str, found: Found, branch_id: str | None = None
) -> Row:
    return situation_row(
        quarter,
        institution,
        clause,
        found.situation,
        found.verdict,
        branch_id=branch_id,
        value=found.value,
        unit=found.unit,
        base=found.base,
        why=found.why,
    )


def _of_county(evidence: Evidence, quarter: Quarter) -> list[Row]:
    """C2.2c: local legal persons together, branches together, and insurers, whom it asks nothing.

    Stands under ``<prefix>-LP``, ``<prefix>-BR`` and ``<prefix>-IN`` for an institution.
    """
    prefix = evidence.county.prefix
    local = [u for u in ROSTER if u.is_local]
    others = [u for u in ROSTER if u.is_bank and not u.is_local]
    nobody = not_applicable("insurers do not lend")
    return [
        _row(f"{prefix}-LP", quarter, "C2.2c", _together(evidence, quarter, local, grows=True)),
        _row(f"{prefix}-BR", quarter, "C2.2c", _together(evidence, quarter, others, grows=False)),
        _row(f"{prefix}-IN", quarter, "C2.2c", nobody),
    ]


def _together(evidence: Evidence, quarter: Quarter, units: list[Unit], *, grows: bool) -> Found:
    """Sums over those with a plan who reported at both dates; growth too where it is judged."""
    start = quarter.year_start
    names = ("assessed", "assessed:customers", "all")
    panel = [u for u in units if (evidence.id_of(u), None, "assessed_balance") in evidence.plans]
    if quarter.year != LAST.year or not panel:
        return no_data(f"plans of {quarter.year}")
    absent = [u.short for u in panel if any(evidence.lacks(q, u, *names) for q in (quarter, start))]
    panel = [u for u in panel if u.short not in absent]

    def total(when: Quarter, name: str) -> int:
        return sum(evidence.lending(when, u)[name] for u in panel)

    def planned(item: str) -> int:
        return sum(evidence.plans[evidence.id_of(u), None, item] for u in panel)

    more = {name: total(quarter, name) - total(start, name) for name in names}
    balance = Fraction(100 * more["assessed"], planned("assessed_balance"))
    heads = Fraction(100 * 100 * more["assessed:customers"], planned("assessed_customers"))
    good = min(balance, heads) >= 25 * quarter.number
    if grows:
        quicker = Fraction(more["assessed"], total(start, "assessed"))
        good = good and quicker >= Fraction(more["all"], total(start, "all"))
        good = good and more["assessed:customers"] >= 0
    verdict = "" if quarter.number == 4 else ("on_track" if good else "behind")
    why = "customers are a sum over institutions" + (f"; absent: {absent}" if absent else "")
    return done(good, balance, "%", why=why, verdict=verdict)


def overall(county: County, rows: Iterable[Row]) -> list[Row]:
    """C1 of every institution and quarter, from the rows of all other clauses.

    Missed if any ban or must that binds the institution is missed, met if at least one is met
    and none missed, no data if none could be told, not applicable if nothing binds it. Rows of
    branches and of the county's totals do not count, nor quarters of which only a few clauses
    are judged.

    Parameters
    ----------
    county
        Whose institutions they are; rows under other ids, as of persons, do not count.
    rows
        Situations of this room and of the others, e.g. of leads.
    """
    known = {institution_id(unit.short, county.prefix) for unit in ROSTER}
    whole = {str(quarter) for quarter in JUDGED}
    found: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        institutions = row["branch_id"] is None and row["institution_id"] in known
        if institutions and row["quarter"] in whole and row["clause"] != "C1":
            found.setdefault((row["quarter"], row["institution_id"]), []).append(row)
    return [_overall(quarter, unit, mine) for (quarter, unit), mine in found.items()]


def _overall(quarter: str, institution: str, rows: list[Row]) -> Row:
    strict = [row["situation"] for row in rows if CLAUSES[row["clause"]].force in ("ban", "must")]
    missed, met = strict.count(MISSED), strict.count(MET)
    if all(row["situation"] == NOT_APPLICABLE for row in rows):
        situation = NOT_APPLICABLE
    elif missed:
        situation = MISSED
    else:
        situation = MET if met else NO_DATA
    counts = missed if situation in (MET, MISSED) else None
    return situation_row(
        Quarter.parse(quarter),
        institution,
        "C1",
        situation,
        value=None if counts is None else Fraction(counts),
        unit=None if counts is None else "clauses",
        why=f"bans and musts: {met} met, {missed} missed, {strict.count(NO_DATA)} no data",
    )
