"""The clauses as the generator knows them: whom they bind, how strongly, on what data.

The example's own list, worded by nobody else, so that its truth owes nothing to ``params/``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from puhui.example.roster import Unit

#: Insurers' sales offices with no business tied to loans: what binds everyone binds them not.
NO_LOAN_BUSINESS = frozenset({"RS2"})

# id; force; test; scope of loans; who; tier. Who: names of groups joined by + (any of them), a
# leading "B-P" leaves the policy banks out. Test: rule (a number or a duty fulfilled), up
# (against a base), list (screening), att (attested), shown (no number judges it).
_CLAUSES = """
C1     none      overall -        *       T0
C2.1a  must      rule    assessed B-P     T0
C2.1b  must      rule    assessed B-P     T0
C2.1c  must      shown   incl     L5      T0
C2.1d  must      rule    assessed B-P     T1
C2.2   must      rule    incl     B-P     T1
C2.2c  must      rule    assessed county  T0
C2.3   strive    rule    ent      N       T0
C2.3x  must      list    ent      B       T2
C2.4a  strive    up      ent      J+C     T0
C2.4b  must      att     -        J+C     T1
C2.5a  must      up      mse      LP      T2
C2.5b  must      rule    mse      LP      T1
C3.1a  must      shown   incl     B       T0
C3.1b  must      near    incl     B       T0
C3.1c  must      shown   incl     B       T2
C3.2   ban       rule    incl     B       T2
C3.3a  must      rule    incl     B       T2
C3.3b  ban       list    mse      *       T3
C3.3c  must      rule    mse      *       T1
C3.4a  ban       list    mse      B       T2
C3.4b  ban       list    mse      B       T2
C3.4c  ban       att     mse      I       T1
C3.5a  must      list    mse      B       T3
C3.5b  ban       list    mse      B       T2
C3.5c  ban       list    mse      B       T2
C3.6a  must      list    mse      B       T2
C3.6b  must      list    mse      B       T3
C3.6c  must      rule    mse      B       T2
C4.1a  must      up      mse      B       T0
C4.1b  must      rule    mse      B       T1
C4.2a  must      rule    mse      N       T1
C4.2b  must      rule    mse      C+R+V   T1
C4.3a  must      up      mse      B       T1
C4.3b  must      rule    mse      B+I     T1
C4.4   must      up      mse      B       T0
C4.5a  must      up      mse      B       T0
C4.5b  must      up      mse      B       T0
C4.5c  must      att     mse      B       T2
C4.6   must      rule    mse      B       T2
C4.7a  must      rule    incl     B       T1
C4.7b  must      list    incl     B       T1
C4.7c  must      rule    incl     B       T1
C5.0   must      rule    all,mse  B       T0
C5.1   must      shown   all,mse  B       T2
C5.2   must      shown   all,mse  B       T2
C5.3   must      rule    mse      B       T1
C5.4   encourage shown   mse      B       T1
C5.5a  must      shown   agri     B       T0
C5.5b  strive    up      agri     B       T2
C5.5c  encourage shown   agri     B       T1
C5.6   must      att     -        *       T1
C5.7   encourage shown   mse      B+I     T1
C6.0   must      att     -        B-P     T1
C6.1   must      att     -        L       T1
C6.2   strive    att     -        J       T1
C6.3a  must      rule    -        LP      T1
C6.3b  must      up      -        LP      T1
C6.4a  strive    rule    mse      C+R+V   T2
C6.4b  must      rule    mse      B       T2
C6.4c  must      att     -        N       T1
C6.4d  strive    rule    -        C+R+V   T1
C7.1   must      att     -        B       T1
C7.2   must      rule    incl     B       T0
C7.3   must      rule    -        persons T3
C7.4   must      att     -        B       T1
C7.5   must      rule    -        B       T3
C8.1   must      att     -        B       T1
C8.2   must      rule    -        B-P     T1
C8.3   must      rule    -        N       T1
C8.4   must      att     -        LP+C    T1
C8.5   must      rule    -        B       T1
C9.1   must      att     -        *       T1
C9.2   must      rule    incl     LP      T2
C9.3   must      rule    -        *       T1
C9.4   must      rule    -        *       T1
"""


@dataclass(frozen=True)
class Clause:
    """A clause of the catalogue.

    Attributes
    ----------
    force
        ``ban``, ``must``, ``strive``, ``encourage``, or ``none`` for the overall count.
    test
        ``rule``, ``up``, ``list``, ``att``, ``shown``; ``near`` a number of ours, which
        flags at most; ``overall`` for the count over all clauses.
    scope
        Loans it is about, or ``-``.
    who
        Groups it binds; ``county`` and ``persons`` are no groups of institutions.
    tier
        Least data it needs, ``T0`` to ``T3``.
    """

    id: str
    force: str
    test: str
    scope: str
    who: str
    tier: str

    @property
    def needs_tier(self) -> int:
        """The tier as a number."""
        return int(self.tier[1])


CLAUSES: dict[str, Clause] = {
    line.split()[0]: Clause(*line.split()) for line in _CLAUSES.strip().splitlines()
}


def groups(unit: Unit) -> frozenset[str]:
    """Names of the groups an institution belongs to.

    Examples
    --------
    >>> from puhui.example.roster import ROSTER
    >>> [sorted(groups(u)) for u in ROSTER if u.short in ("DX3", "CS2")]
    [['*', 'B', 'L', 'N'], ['*', 'B', 'C', 'LP']]
    """
    kind = unit.kind
    member = {
        "*": True,
        "B": unit.is_bank,
        "I": not unit.is_bank,
        "P": kind == "policy",
        "L": kind == "large",
        "L5": kind == "large" and not unit.is_postal,
        "J": kind == "joint_stock",
        "N": kind in ("large", "joint_stock"),
        "C": kind == "city",
        "R": kind in ("rural_commercial", "rural_cooperative"),
        "V": kind == "village",
        "LP": unit.is_local,
    }
    return frozenset(name for name, belongs in member.items() if belongs)


def applies(clause: str, unit: Unit) -> bool:
    """Whether a clause binds an institution.

    False for every institution where the clause is the county's; ``persons`` are those of a
    bank. An office in :data:`NO_LOAN_BUSINESS` has nothing any clause asks for.

    Raises
    ------
    KeyError
        If there is no such clause.
    """
    who = CLAUSES[clause].who
    if unit.short in NO_LOAN_BUSINESS or who == "county":
        return False
    if who == "persons":
        return unit.is_bank
    mine = groups(unit)
    return any(_holds(term, mine) for term in re.split(r"\+", who))


def _holds(term: str, mine: frozenset[str]) -> bool:
    wanted, _, without = term.partition("-")
    return wanted in mine and (not without or without not in mine)
