"""Growing a county: borrowers are enrolled, loans live, some turn bad, cases are planted."""

from __future__ import annotations

from puhui.example import arrears, conduct, leads, lives, terms
from puhui.example.chance import Dice
from puhui.example.county import County, Snapshots
from puhui.example.ledger import first_loans
from puhui.example.people import People
from puhui.example.pricing import month_shocks
from puhui.example.roster import COUNTY_CODE, ROSTER


def grow(seed: int, number: int = 1) -> County:
    """Make a county: enrol borrowers, let loans live, turn some bad, plant the cases.

    Parameters
    ----------
    seed
        Seed of the example.
    number
        Which county, from 1; the first is 潢川, the others are nameless.
    """
    text = f"{seed}:{number}"
    people = People(COUNTY_CODE if number == 1 else f"{980_000 + number}")
    shocks = month_shocks(Dice(f"{text}:shocks"))
    prefix = "HC" if number == 1 else f"X{number:04d}"
    banks = [unit for unit in ROSTER if unit.is_bank]
    books = {
        unit.short: lives.enrol(unit, prefix, people, Dice(f"{text}:enrol:{unit.short}"))
        for unit in banks
    }
    people.settle(Dice(f"{text}:people"))
    for short, book in books.items():
        dice = Dice(f"{text}:live:{short}")
        lives.live(book, dice)
        terms.agree(book, shocks, dice)
        arrears.turn_bad(book, Dice(f"{text}:arrears:{short}"))
    first_loans(books, people)
    county = County(text, prefix, people, books, shocks)
    conduct.steer(county)
    county.leads = leads.plant(county)
    county.snapshots = Snapshots(books, people)
    return county
