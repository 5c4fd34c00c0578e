"""What is planted where: each story a case or a decoy, in data.

A *story* is what happened to one loan or customer. It is written into the book (column
``story``: the position in :data:`STORIES`; 0 is none), so that whatever is made of the book
later (applications, flows, fees) can tell its part of it.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from puhui.example.columns import day_number
from puhui.example.roster import LAST

# Terms the stories are told in. Planted cases lie far beyond them and decoys well within, so
# that no policy setting of a reasonable office changes the truth.
#: Lenders from which a borrower counts as lent to by many, and debt over yearly revenue.
MANY_LENDERS, DEBT_TIMES_REVENUE = 3, 2
#: Loans a cell of the on-lending comparison needs.
MIN_CELL = 5
#: Days an application for deferral may stay unanswered.
DEFERRAL_DAYS = 30
#: Median days from application to money, and those nine of ten wait at most.
MEDIAN_DAYS, NINETY_DAYS = 15, 30
#: Percent of a quarter's drawdowns whose use must be traced before "no lead" means anything.
MIN_COVERAGE = 80

START, END = day_number(LAST.start), day_number(LAST.end)


def day(text: str) -> int:
    """Day number of an ISO date."""
    return day_number(dt.date.fromisoformat(text))


# name; clause; table of the key; t (true) or d (decoy); why
_STORIES = """
query_missing    C2.3x customers t claimed as first-loan customer, no query on file
query_late       C2.3x customers t clear query dated after the first drawdown
query_stale      C2.3x customers t clear query much older than allowed at the first drawdown
query_unread     C2.3x customers t query on file, its result not
claimed_twice    C2.3x customers t two banks claim one customer as first-loan
query_day_before C2.3x customers d clear query on the day before the first drawdown
shared_unclaimed C2.3x customers d customer of two banks, the later query rightly not clear
dear             C3.2  loans     t on-lent at more than similar local loans
cheap            C3.2  loans     d on-lent at less than similar local loans
recalled         C3.4a loans     t recalled before maturity, operating normally, class normal
line_cut         C3.4a customers t line cut by a third since last quarter, operating normally
recalled_breach  C3.4a loans     d recalled for a breach of contract the office's note proves
recalled_stopped C3.4a loans     d recalled, customer no longer operating normally
prepaid          C3.4a loans     d prepaid by the borrower
switched         C3.4a loans     d recalled and replaced within days by a successor
line_trimmed     C3.4a customers d line cut by a tenth
renewal_refused  C3.4b loans     t matured, qualifying renewal refused
renewal_left     C3.4b loans     t matured, qualifying renewal granted but nothing drawn
renewal_unfit    C3.4b loans     d matured, renewal refused, not qualifying
renewal_dropped  C3.4b loans     d matured, renewal withdrawn by the borrower
renewal_recent   C3.4b loans     d matured less than thirty days ago, renewal pending
to_borrower      C3.5a loans     t back to the borrower within three days
to_guarantor     C3.5a loans     t to the guarantor within three days
to_related       C3.5a loans     t to a related party within three days
to_property      C3.5a loans     t paid for property
to_securities    C3.5a loans     t paid into securities
to_wealth        C3.5a loans     t paid into a wealth product
to_deposit       C3.5a loans     t paid into a deposit
little_back      C3.5a loans     d a twentieth of the loan back to a related party
late_back        C3.5a loans     d back to a related party after six weeks
shell_new        C3.5b loans     t firm a few months old, staff of one, loan eight times revenue
shell_bought     C3.5b loans     t shares sold just before, no staff, loan eight times revenue
young_sound      C3.5b loans     d firm under a year old, staffed, revenue well above the loan
lone_old         C3.5b loans     d staff of one, but founded years ago and revenue above the loan
home_fresh       C3.5c loans     t home held for months, term beyond 36 months
home_flipped     C3.5c loans     t home held for weeks
home_held        C3.5c loans     d home held for 13 months, term within 36 months
over_lent        C3.6a customers t three lenders, debt five times revenue
many_lenders     C3.6a customers d three lenders, revenue three times the debt
same_controller  C3.6b customers t one controller, lines together above the limit
same_head        C3.6b customers t one legal representative, lines together above the limit
same_phone       C3.6b customers t one telephone, lines together above the limit
same_address     C3.6b customers t one address, lines together above the limit
circle           C3.6b customers t guarantee each other in a circle, lines together above the limit
just_under       C3.6b customers t line of 9.95 million, just under the limit
small_group      C3.6b customers d one controller, lines together within the limit
small_circle     C3.6b customers d guarantee each other in a circle, lines together within the limit
chain            C3.6b customers d guarantees run one way only
deferred         C4.7a loans     d deferral of principal agreed and repaid later
deferral_denied  C4.7a loans     t deferral refused without a named condition
deferral_unmet   C4.7a loans     d deferral refused on a named condition
deferral_dropped C4.7a loans     d deferral withdrawn by the borrower
deferral_waiting C4.7a loans     t deferral unanswered for months
deferral_fresh   C4.7a loans     d deferral applied for days ago
deferred_on      C4.7c loans     d deferral ended and renewed
deferred_off     C4.7c loans     t deferral ended, qualifying renewal refused
deferred_unfit   C4.7c loans     d deferral ended, renewal refused, not qualifying
lent_refused     C4.7b applications t qualifying application refused
fee_chain        C3.3b loans     t borrower pays two kinds of charger
fee_outside      C3.3b loans     t borrower pays a fee the contract does not name
fee_banned       C3.3b loans     t commitment or fund-management fee from a small firm
fee_borne        C3.3b loans     d two chargers, the bank bears one
fee_waived       C3.3b loans     d prohibited kind on paper, waived in full
"""


@dataclass(frozen=True)
class Story:
    """A kind of planted case (``is_true``) or of decoy."""

    name: str
    clause: str
    table: str
    is_true: bool
    why: str


def _story(line: str) -> Story:
    name, clause, table, mark, why = line.split(maxsplit=4)
    return Story(name, clause, table, mark == "t", why)


STORIES: dict[str, Story] = {
    s.name: s for s in (_story(line) for line in _STORIES.strip().splitlines())
}
_NUMBERS = {name: i + 1 for i, name in enumerate(STORIES)}
_NAMES = {number: name for name, number in _NUMBERS.items()}


def number(story: str) -> int:
    """Number a story has in the column ``story``."""
    return _NUMBERS[story]


def name(story: int) -> str:
    """Name of the story of a number."""
    return _NAMES[story]


#: Banks where a list clause is breached; elsewhere only decoys. All send what shows it.
BREACHED: dict[str, tuple[str, ...]] = {
    "C2.3x": ("GF1", "CS1", "NS1"),
    "C3.4a": ("CS1", "NS1"),
    "C3.4b": ("GF1", "NS1", "NS2", "DX2"),
    "C3.5a": ("NS1", "NS2"),
    "C3.5b": ("CS2", "NS1", "CS1"),
    "C3.5c": ("CS1", "CZ2"),
    "C3.6b": ("NS1", "NS2"),
    "C4.7a": ("DX2", "NS2", "GF2"),
    "C4.7b": ("CS1", "NS3", "DX3"),
    "C4.7c": ("NS2", "CZ2", "DX4"),
    "C3.3b": ("NS2", "CS1"),
}
#: Banks whose clerks check late: after drawdown, after renewal.
LATE_CHECKS, LATE_RENEWAL_CHECKS = ("CS1",), ("GF1",)
#: Banks with policy funds to on-lend: dearer than their like, and cheaper.
DEAR, CHEAP = ("NS1",), ("NS3", "CZ2")
#: Banks that lend to one firm beyond its means, three at a time; and to one that can bear it.
OVER_LENT = (("NS1", "CS1", "CZ2"), ("NS1", "NS2", "CS1"), ("DX2", "NS2", "NS1"))
MANY = (("DX3", "NS3", "GF1"), ("GF1", "CS2", "NS3"))
#: Pairs of banks that both claim a first-loan customer.
CLAIMS = (("GF1", "NS1"), ("CS1", "NS1"))
