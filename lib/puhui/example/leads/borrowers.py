"""Stories about who borrows: first loans, many lenders, shells, homes, connected groups."""

from __future__ import annotations

from typing import Any

import numpy as np

from puhui.example.chance import Dice
from puhui.example.columns import NEVER, NONE, Ints, bits, code
from puhui.example.county import County
from puhui.example.days import year
from puhui.example.leads.facts import Facts, debts
from puhui.example.leads.shelf import MICRO, SMALL, Shelf
from puhui.example.leads.stories import BREACHED, CLAIMS, END, MANY, OVER_LENT
from puhui.example.lives import GUARANTEED, MORTGAGED
from puhui.example.roster import LAST
from puhui.example.segments import FEN_PER_WAN

Shelves = dict[str, Shelf]
_HOME = bits("mitigant", "home")
_ENTERPRISE = code("customer_kind", "enterprise")


def many_lenders(shelves: Shelves) -> list[tuple[str, Ints]]:
    """Make one firm of three: customers of three banks become the first one's entity."""
    planted = []
    for story, plan in (("over_lent", OVER_LENT), ("many_lenders", MANY)):
        for banks in plan:
            rows = [_with_loan(shelves[short], story) for short in banks]
            if not all(map(len, rows)):
                for short, row in zip(banks, rows, strict=True):
                    shelves[short].drop(row)
                continue
            entity = shelves[banks[0]].customers["entity"][rows[0]]
            for short, row in zip(banks, rows, strict=True):
                shelves[short].customers["entity"][row] = entity
            planted.append((story, entity))
    return planted


def _with_loan(shelf: Shelf, story: str) -> Ints:
    mask = shelf.has_open(shelf.mse) & (shelf.customers["segment"] == MICRO)
    return shelf.pick_customers(mask, 1, story)


def their_revenue(county: County, planted: list[tuple[str, Ints]]) -> None:
    """Revenue of the borrowers of many banks: a fifth of the debt, or three times it."""
    owed = debts(county)[1]
    facts = county.people.facts
    for story, entity in planted:
        debt = owed[entity]
        facts["revenue"][entity] = debt // 5 if story == "over_lent" else debt * 3
        facts["assets"][entity] = facts["revenue"][entity] * 3 // 5


def claimed_twice(shelves: Shelves) -> list[tuple[str, Ints]]:
    """Two banks' new customers become one firm; the later bank will claim it all the same."""
    found = []
    for one, other in CLAIMS:
        first, later = shelves[one], shelves[other]
        row = first.pick_customers(_fresh(first, END - 360, END - 240), 1, "claimed_twice")
        since = int(first.customers["first_drawdown_on"][row].sum())
        again = later.pick_customers(_fresh(later, since + 1, END), 1, "claimed_twice")
        if not len(row) or not len(again):
            first.drop(row)
            later.drop(again)
            continue
        later.customers["entity"][again] = first.customers["entity"][row]
        found.append((other, again))
    return found


def _fresh(shelf: Shelf, start: int, end: int) -> Any:
    """Micro firms that first borrowed in the current year, between two days."""
    first = shelf.customers["first_drawdown_on"]
    mine = (shelf.customers["segment"] == MICRO) & (year(first) == LAST.year) & (first < NEVER)
    return mine & (first >= start) & (first <= end)


def one_claim_each(shelves: Shelves) -> None:
    """Of banks that lend to a firm first on the same day, the first in the register claims."""
    claimed: set[int] = set()
    for shelf in shelves.values():
        rows = shelf.customers
        clear = np.flatnonzero(rows["first_loan_query_clear"] == 1)
        for row in clear.tolist():
            entity = int(rows["entity"][row])
            if entity in claimed:
                rows["first_loan_query_clear"][row] = 0
            claimed.add(entity)


def queries(shelf: Shelf) -> None:
    """Credit-register queries behind first-loan claims: missing, late, stale, unread; and fine."""
    rows = shelf.customers
    clear = _fresh(shelf, 0, END) & (rows["first_loan_query_clear"] == 1)
    on, first = rows["first_loan_query_on"], rows["first_drawdown_on"]
    if shelf.short in BREACHED["C2.3x"]:
        on[shelf.pick_customers(clear, 1, "query_missing")] = NONE
        late = shelf.pick_customers(clear & (first <= END - 30), 2, "query_late")
        on[late] = first[late] + 9
        stale = shelf.pick_customers(clear, 1, "query_stale")
        on[stale] = first[stale] - 300
        rows["first_loan_query_clear"][shelf.pick_customers(clear, 1, "query_unread")] = NONE
    near = shelf.pick_customers(clear, 2, "query_day_before")
    on[near] = first[near] - 1
    second = (rows["first_loan_query_clear"] == 0) & (rows["story"] == 0) & _fresh(shelf, 0, END)
    shelf.mark_customers(np.flatnonzero(second)[:2], "shared_unclaimed")


def shells(shelf: Shelf, facts: Facts) -> None:
    """Firms made to borrow, and young or lone firms that are sound."""
    loans, known = shelf.loans, shelf.people.facts
    only = np.bincount(loans["customer"], minlength=len(shelf.free))[loans["customer"]] == 1
    micro = shelf.customers["segment"][loans["customer"]] == MICRO
    here = shelf.mse & micro & shelf.open_on(END) & (loans["drawn_on"] >= END - 360)

    def entities(rows: Ints) -> Ints:
        found: Ints = shelf.customers["entity"][loans["customer"][rows]]
        return found

    # A shell's other loans would be cases too: it has none in the year's ledger.
    lately = loans["customer"][loans["closed_on"] > END - 365]
    single = np.bincount(lately, minlength=len(shelf.free))[loans["customer"]] == 1
    if shelf.short in BREACHED["C3.5b"]:
        for story, mask, staff in (
            ("shell_new", here & only, 1),
            ("shell_bought", here & single, 0),
        ):
            rows = shelf.pick(mask & shelf.modest(), 2, story)
            who, drawn = entities(rows), loans["drawn_on"][rows]
            began = drawn - 60 - shelf.dice.below(150, len(rows))
            known["founded_on" if staff else "last_share_transfer_on"][who] = began
            if staff:
                known["last_share_transfer_on"][who] = NONE
            known["staff_count"][who] = staff
            _earn(known, who, loans["amount"][rows] // 8)
            facts.same("address", who)
    rows = shelf.pick(here & only, 1, "young_sound")
    known["founded_on"][entities(rows)] = loans["drawn_on"][rows] - 320
    known["last_share_transfer_on"][entities(rows)] = NONE
    _earn(known, entities(rows), loans["amount"][rows] * 4)
    rows = shelf.pick(here, 1, "lone_old")
    known["staff_count"][entities(rows)] = 1
    _earn(known, entities(rows), loans["amount"][rows] * 3)


def _earn(known: dict[str, Any], who: Ints, revenue: Ints) -> None:
    known["revenue"][who] = revenue
    known["assets"][who] = revenue * 3 // 5


def homes(shelf: Shelf) -> None:
    """Business loans on homes just bought, and on homes long held."""
    loans = shelf.loans
    here = shelf.mse & (loans["guarantee"] == MORTGAGED) & shelf.open_on(END)
    long = loans["months"] > 36
    if shelf.short in BREACHED["C3.5c"]:
        _secure(shelf, shelf.pick(here & long, 2, "home_fresh"), 60, 190)
        recent = here & (loans["drawn_on"] >= END - 360)
        _secure(shelf, shelf.pick(recent, 2, "home_flipped"), 12, 30)
    _secure(shelf, shelf.pick(here & ~long, 2, "home_held"), 395, 20)


def _secure(shelf: Shelf, rows: Ints, days: int, spread: int) -> None:
    loans = shelf.loans
    loans["mitigants"][rows] = _HOME
    held = loans["drawn_on"][rows] - days - shelf.dice.below(spread, len(rows))
    loans["collateral_held_since"][rows] = held


def guarantors(county: County) -> None:
    """Every guaranteed loan finds a firm that stands for it; guarantees never run in circles.

    The guarantor comes later in the register than the borrower; the last few have one from
    outside the county, who is not known.
    """
    kind = county.people.facts["kind"]
    firms = np.flatnonzero(kind == _ENTERPRISE)
    for short, book in county.books.items():
        loans = book.loans
        rows = np.flatnonzero(loans["guarantee"] == GUARANTEED)
        entity = book.customers["entity"][loans["customer"][rows]]
        after = np.searchsorted(firms, entity, side="right")
        left = len(firms) - after
        dice = Dice(f"{county.seed}:guarantors:{short}")
        chosen = after + dice.below(np.maximum(1, left), len(rows))
        there = firms[np.minimum(chosen, len(firms) - 1)]
        loans["guarantor"][rows] = np.where(left > 0, there, NONE)


def circles(shelf: Shelf) -> None:
    """Circles of mutual guarantee of small lines, and chains that run one way."""
    small = _group_mask(shelf, shelf.people) & (shelf.customers["line_before"] <= 200 * FEN_PER_WAN)
    guaranteed = shelf.has_open(shelf.mse & shelf.firm & (shelf.loans["guarantee"] == GUARANTEED))
    rows = shelf.pick_customers(small & guaranteed, 3 + shelf.dice.one(3), "small_circle")
    if len(rows) > 2:
        _guarantee(shelf, rows, np.roll(rows, -1))
    else:
        shelf.drop(rows)
    rows = shelf.pick_customers(small & guaranteed, 3, "chain")
    rows = rows[np.argsort(shelf.customers["entity"][rows])]
    _guarantee(shelf, rows[:-1], rows[1:])


def _guarantee(shelf: Shelf, borrowers: Ints, by: Ints) -> None:
    loans = shelf.loans
    for borrower, guarantor in zip(borrowers.tolist(), by.tolist(), strict=True):
        mine = (loans["customer"] == borrower) & (loans["guarantee"] == GUARANTEED)
        loans["guarantor"][mine] = shelf.customers["entity"][guarantor]


def _group_mask(shelf: Shelf, people: Any) -> Any:
    """Firms with one line all their life that nobody else controls or is controlled by."""
    controller = people.facts["controller"]
    size = np.bincount(controller, minlength=people.count)
    entity = shelf.customers["entity"]
    alone = (controller[entity] == entity) & (size[entity] == 1)
    steady = shelf.customers["line_before"] == shelf.customers["line_after"]
    firm = np.isin(shelf.customers["segment"], (SMALL, MICRO))
    return alone & steady & firm & shelf.line_fits & shelf.has_open(shelf.mse)


def groups(shelf: Shelf, facts: Facts) -> None:
    """Borrowers that are one: by control, head, telephone, address or mutual guarantee."""
    rows_of = shelf.customers
    free = _group_mask(shelf, shelf.people)
    large = free & (rows_of["line_before"] >= 500 * FEN_PER_WAN)
    if shelf.short in BREACHED["C3.6b"]:
        backed = shelf.has_open(shelf.mse & (shelf.loans["guarantee"] == GUARANTEED))
        ring = _trio(shelf, large & backed, "circle")
        _guarantee(shelf, ring, np.roll(ring, -1))
        if shelf.book.unit.sends == "workbook":  # an EAST extract names no controllers
            _control(shelf, facts, _trio(shelf, large, "same_controller"))
        for story, column in (
            ("same_head", "legal_representative_id"),
            ("same_phone", "phone_hash"),
            ("same_address", "address"),
        ):
            facts.same(column, rows_of["entity"][_trio(shelf, large, story)])
        near = shelf.pick_customers(large, 3, "just_under")
        for name in ("line_before", "line_after"):
            rows_of[name][near] = 995 * FEN_PER_WAN
    tiny = free & (rows_of["line_before"] <= 200 * FEN_PER_WAN)
    _control(shelf, facts, shelf.pick_customers(tiny, 3, "small_group"))


def _trio(shelf: Shelf, mask: Any, story: str) -> Ints:
    """Three customers of large lines, or none."""
    rows = shelf.pick_customers(mask, 3, story)
    if len(rows) == 3:
        return rows
    shelf.drop(rows)
    return rows[:0]


def _control(shelf: Shelf, facts: Facts, rows: Ints) -> None:
    who = shelf.customers["entity"][rows]
    if len(who):
        facts.control(who, int(who[0]))
