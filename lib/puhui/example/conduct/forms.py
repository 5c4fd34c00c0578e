"""What institutions answer on rules and mechanisms: one table of who does what, one of answers.

An *answer letter* stands for an institution's conduct on a clause:

``y`` done, with document · ``u`` done, one answer without a document · ``c`` claimed with a
document, but a note of the office's own says otherwise · ``n`` not done · ``x`` nothing there to
do, and said so · ``-`` not answered.
"""

from __future__ import annotations

from puhui.example.conduct.catalogue import CLAUSES, applies
from puhui.example.roster import Unit
from puhui.quarter import Quarter

# Who departs from "y"; institutions not named do what the clause asks.
_CONDUCT = """
C2.1d  GF2:u
C2.4b  GF2:n CS1:u CS2:-
C2.5b  NS2:n NS3:-
C3.3c  NS2:n CX2:n DX4:- ZC2:x
C3.4c  CX2:n RS1:-
C4.1b  DX2:n CZ2:n NS3:- DX4:-
C4.2b  NS2:n NS3:-
C4.5c  NS2:n DX1:c CS1:u
C5.3   GF2:n NS3:n CS1:x
C5.5c  GF2:n DX4:-
C5.6   NS2:n DX2:u CX2:- RS1:u
C5.7   GF2:n CX2:n DX4:-
C6.0   GF2:n DX4:- NS3:u CZ2:c
C6.1   DX2:u DX3:n DX4:-
C6.2   GF2:n
C6.3a  NS2:n NS3:-
C6.3b  NS2:n NS3:-
C6.4c  GF2:n DX1:c DX4:-
C6.4d  CS1:n NS3:-
C7.1   NS2:n DX4:- DX2:u
C7.4   GF2:n DX4:- NS1:u
C8.1   CZ2:n NS2:c DX4:-
C8.2   DX3:n DX4:-
C8.3   DX2:n DX4:-
C8.4   NS2:n CZ2:-
C8.5   GF2:n DX4:-
C9.1   CX2:n DX4:- RS1:u
C9.2   NS2:n NS3:-
C9.3   GF2:n CX2:n DX4:- RS1:-
C9.4   DX3:n NS1:n
"""
#: What was otherwise a quarter earlier, or before the year.
_EARLIER = {("C6.2", "GF1"): "-", ("C5.6", "CX2"): "y"}
#: Who was granted a relaxed assessment of growth this year (C2.1d), or says so.
GRANTED = ("CS1", "NS2", "GF2", "DX4")
#: Whole submissions that never came, and single tables left out.
NOT_SENT: frozenset[tuple[Quarter, str, str]] = frozenset(
    {
        *((Quarter(2021, 3), "RS1", table) for table in ("attestations", "benefits", "insurance")),
        (Quarter(2021, 4), "NS3", "products"),
        (Quarter(2021, 4), "DX4", "products"),
        (Quarter(2021, 4), "DX4", "benefits"),
        (Quarter(2021, 4), "RS1", "benefits"),
        (Quarter(2021, 3), "NS3", "products"),
        (Quarter(2021, 3), "DX4", "products"),
        (Quarter(2021, 3), "DX4", "benefits"),
    }
)
#: Items a bank leaves out of its one-sheet quarterly.
OMITTED: dict[str, tuple[str, ...]] = {
    "ZC1": ("QS.incl_npl", "QS.assessed_customers", "QS.agri_balance"),
    "CZ1": ("QS.mse_long_balance",),
    "CZ3": (
        "QS.mse_credit_balance",
        "QS.incl_interest",
        "QS.mse_renewal_balance",
        "QS.mse_revolving_balance",
        "QS.mse_revolving_customers",
        "QS.manufacturing_balance",
        "QS.agri_balance",
    ),
}

# Clause, letter, then its answers: item=value, or item=a/b/c at the end of last year, in this
# year, and at its end; a line may be continued by another of its kind. Letters not listed
# answer as "y", "n" with the last yes turned to no.
_ANSWERS = """
C2.1d y granted=是
C2.4b y rule=是
C3.3c y due=1860000/1240000/1690000 waived=210000/150000/236000
C3.3c n due=1420000/960000/1310000 waived=0
C3.3c x due=0 waived=0
C3.4c y kept=是
C4.5c y link=是
C5.5c y green_channel=是
C5.6  y responsibility=是 policy=是 assistance=是 supervision=是
C6.0  y department=是
C6.1  y service=是 accounting=是 risk=是 resources=是 appraisal=是
C6.2  y centre=是
C6.3a y team_staff=24 all_staff=160
C6.3a n team_staff=0 all_staff=210
C6.3b y villages=120/141/152 villages_all=168
C6.3b y townships=15/17/17 townships_all=17 parks=2/3/3 parks_all=3
C6.3b n villages=131/122/118 villages_all=168
C6.3b n townships=15/15/15 townships_all=17 parks=2/2/2 parks_all=3
C6.4c y proposed=是 adopted=是
C6.4d y spend=1500000/1900000/2600000 staff=4/6/7
C6.4d n spend=2100000/900000/1300000 staff=5/4/3
C7.1  y tolerance_pp=3 passed_down=是
C7.1  n tolerance_pp=5 passed_down=是
C7.4  y standard=是 procedural=是 simple=是 public=是
C8.1  y no_deposit=是 no_profit=是 no_fee=是
C8.2  y weight.1=12 weight.2=10 weight.3=15
C8.2  n weight.1=12 weight.2=8 weight.3=11
C8.3  y ordinary.流动资金.1年=2.55 inclusive.流动资金.1年=2.00
C8.3  y ordinary.流动资金.3年=2.85 inclusive.流动资金.3年=2.30
C8.3  y ordinary.固定资产.5年=3.10 inclusive.固定资产.5年=2.60
C8.3  n ordinary.流动资金.1年=2.55 inclusive.流动资金.1年=2.05
C8.3  n ordinary.流动资金.3年=2.85 inclusive.流动资金.3年=2.55
C8.3  n ordinary.固定资产.5年=3.10 inclusive.固定资产.5年=2.60
C8.4  y ftp=是 subsidy=否
C8.4  n ftp=否 subsidy=否
C8.5  y branches_met=2 branches_awarded=2 award=60000
C8.5  n branches_met=2 branches_awarded=0 award=0
C9.1  y arrangement=是 listed=30 contacted=30 granted=21 refused=9
C9.1  n arrangement=否 listed=30 contacted=0 granted=0 refused=0
"""
#: Answered alike by whoever has nothing to do.
NOTHING_TO_DO = "不适用"
YES, NO = "是", "否"


def _conduct() -> dict[tuple[str, str], str]:
    found = {}
    for line in _CONDUCT.strip().splitlines():
        clause, *parts = line.split()
        for part in parts:
            short, _, letter = part.partition(":")
            found[clause, short] = letter
    return found


def _answers() -> dict[tuple[str, str], tuple[tuple[str, tuple[str, ...]], ...]]:
    found: dict[tuple[str, str], tuple[tuple[str, tuple[str, ...]], ...]] = {}
    for line in _ANSWERS.strip().splitlines():
        clause, how, *parts = line.split()
        pairs = [part.partition("=") for part in parts]
        more = tuple((item, tuple(values.split("/"))) for item, _, values in pairs)
        found[clause, how] = (*found.get((clause, how), ()), *more)
    return found


_LETTERS, _VALUES = _conduct(), _answers()
#: Clauses answered by attestation.
ATTESTED = tuple(dict.fromkeys(clause for clause, _ in _VALUES))


def letter(clause: str, unit: Unit, quarter: Quarter) -> str:
    """Conduct of an institution the clause binds; ``-`` if it sends no registers.

    Empty where the clause does not bind it, or nobody granted it what the clause is about.
    """
    if not applies(clause, unit) or (clause == "C2.1d" and unit.short not in GRANTED):
        return ""
    if unit.is_bank and unit.tier < max(1, CLAUSES[clause].needs_tier):
        return "-"
    if quarter < Quarter(2021, 4) and (clause, unit.short) in _EARLIER:
        return _EARLIER[clause, unit.short]
    return _LETTERS.get((clause, unit.short), "y")


def answers(clause: str, how: str, quarter: Quarter) -> list[tuple[str, str]]:
    """Items and values answered on a clause by conduct; none for ``-`` or no letter."""
    if how in ("", "-"):
        return []
    given = _VALUES.get((clause, how), ())
    plain = given or _VALUES[clause, "y"]
    found = [(f"{clause}.{item}", _at(values, quarter)) for item, values in plain]
    if given or how in "yuc":
        return found
    if how == "x":
        return [(item, NOTHING_TO_DO) for item, _ in found]
    last = max(i for i, (_, value) in enumerate(found) if value == YES)
    return [(item, NO if i == last else value) for i, (item, value) in enumerate(found)]


def _at(values: tuple[str, ...], quarter: Quarter) -> str:
    """Value at a quarter of one that may differ by date."""
    if len(values) == 1:
        return values[0]
    return values[0 if quarter < Quarter(2021, 1) else 2 if quarter >= Quarter(2021, 4) else 1]
