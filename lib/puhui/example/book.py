"""An institution's customers and loans over their lives; snapshots are cut from it later."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from puhui.example.dice import Dice
from puhui.example.identity import Registry
from puhui.example.market import add_months, lpr_bp, working_day
from puhui.example.profile import FEN_PER_WAN, Profile, Segment

FIRST_DAY = dt.date(2019, 10, 8)
LAST_DAY = dt.date(2021, 12, 31)
_DAY = dt.timedelta(days=1)
_INDUSTRIES = ("C1310", "C1711", "C3021", "F5121", "F5227", "A0111", "A0411", "G5430", "H6210")
_MITIGANTS = {"mortgaged": ("land_right", "home"), "pledged": ("receivable", "inventory")}


@dataclass
class Customer:
    """A customer; ``line_before`` (fen) holds until ``line_changed_on``, then ``line_after``."""

    customer_id: str
    segment: Segment
    name: str
    certificate_no: str
    phone: str
    branch_id: str
    line_before: int
    line_after: int
    line_changed_on: dt.date
    industry: str
    is_organisation: bool
    staff_count: int | None = None
    founded_on: dt.date | None = None
    head_name: str | None = None
    head_id: str | None = None

    def line_on(self, day: dt.date) -> int:
        """Credit line in force on a day, in fen."""
        return self.line_before if day < self.line_changed_on else self.line_after


@dataclass
class Loan:
    """An IOU over its whole life: ``amount`` in fen, ``rate_bp`` basis points a year."""

    loan_id: str
    customer: Customer
    branch_id: str
    product: str
    is_business: bool
    issue_kind: str
    amount: int
    drawn_on: dt.date
    matures_on: dt.date
    priced_on: dt.date
    benchmark: str | None
    rate_bp: int
    spread_bp: int | None
    rate_type: str
    guarantee: str
    mitigants: tuple[str, ...]
    funding_source: str
    instalments: bool
    is_revolving: bool
    is_online: bool
    staff_id: str
    predecessor: str | None = None
    closed_on: dt.date | None = None
    closure: str | None = None
    overdue_since: dt.date | None = None
    watch_since: dt.date | None = None
    pinned: dict[dt.date, int] = field(default_factory=dict)


@dataclass
class Book:
    """Customers and loans of one institution."""

    profile: Profile
    dice: Dice
    registry: Registry
    customers: list[Customer] = field(default_factory=list)
    loans: list[Loan] = field(default_factory=list)

    def enrol(self, segment: Segment, branch_id: str, before: int, after: int) -> Customer:
        """Add a customer of a segment with its credit lines before and after a change."""
        dice, profile = self.dice, self.profile
        is_organisation = segment.kind == "enterprise" or (
            segment.kind == "individual_business"
            and sum(c.segment.kind == segment.kind for c in self.customers) < profile.trading_names
        )
        head_name, head_id, phone = self.registry.person()
        name, certificate = head_name, head_id
        if is_organisation:
            name, certificate = self.registry.organisation(segment.kind)
        customer = Customer(
            customer_id=f"{profile.prefix}C{len(self.customers) + 1:05d}",
            segment=segment,
            name=name,
            certificate_no=certificate,
            phone=phone,
            branch_id=branch_id,
            line_before=before,
            line_after=after,
            line_changed_on=dt.date(2021, 7, 1) + _DAY * dice.below(150),
            industry=dice.pick(_INDUSTRIES),
            is_organisation=is_organisation,
        )
        if is_organisation:
            customer.head_name, customer.head_id = head_name, head_id
            customer.founded_on = dt.date(2008, 1, 7) + _DAY * dice.below(3600)
        if segment.kind == "enterprise":
            size = {"micro": (3, 9), "small": (25, 90), "medium": (320, 700), "large": (1100, 3000)}
            customer.staff_count = dice.between(*size[segment.size or "micro"])
        self.customers.append(customer)
        return customer

    def draw(
        self, customer: Customer, product: str, months: int, amount: int, day: dt.date
    ) -> Loan:
        """Add a drawdown on a day, priced at the LPR of its pricing day plus a spread."""
        dice, profile = self.dice, self.profile
        if customer.is_organisation and product == "business_personal":
            product = "working_capital"
        priced_on = max(day - _DAY * dice.below(9), dt.date(2019, 9, 20))
        tenor = "5Y" if months > 60 or (months > 12 and dice.chance(300)) else "1Y"
        before, since = profile.credit_share
        unsecured = dice.chance(since if day.year >= LAST_DAY.year else before)
        guarantee = "credit" if unsecured else _guarantee(dice, product)
        spread = profile.base_spread_bp + customer.segment.spread_bp + dice.between(-40, 40)
        spread += {"credit": 25, "guaranteed": 10, "mortgaged": -15}.get(guarantee, 0)
        loan = Loan(
            loan_id=f"{profile.prefix}L{len(self.loans) + 1:06d}",
            customer=customer,
            branch_id=customer.branch_id,
            product=product,
            is_business=product not in ("consumer", "mortgage"),
            issue_kind="new" if dice.chance(960) else "refinance",
            amount=amount,
            drawn_on=day,
            matures_on=add_months(day, months),
            priced_on=priced_on,
            benchmark=f"lpr:{tenor}",
            rate_bp=lpr_bp(tenor, priced_on) + spread,
            spread_bp=spread,
            rate_type="floating" if dice.chance(profile.floating_share) else "fixed",
            guarantee=guarantee,
            mitigants=_mitigants(dice, guarantee),
            funding_source="pbc_relending" if dice.chance(40) else "own",
            instalments=months >= 24 and product != "working_capital",
            is_revolving=product in ("working_capital", "business_personal") and dice.chance(150),
            is_online=guarantee == "credit" and dice.chance(300),
            staff_id=f"{profile.prefix}-E{dice.between(1, 12):03d}",
        )
        _price_apart(loan, profile, dice)
        self.loans.append(loan)
        return loan


def _guarantee(dice: Dice, product: str) -> str:
    if product == "mortgage":
        return "mortgaged"
    return dice.pick(("guaranteed", "guaranteed", "mortgaged", "mortgaged", "pledged", "mixed"))


def _mitigants(dice: Dice, guarantee: str) -> tuple[str, ...]:
    known = _MITIGANTS.get(guarantee, ())
    return tuple(m for m in known if dice.chance(400))


def _price_apart(loan: Loan, profile: Profile, dice: Dice) -> None:
    """Bills and some fixed loans are not priced off LPR; an extract ties type to benchmark."""
    if loan.product == "discount":
        loan.benchmark, loan.spread_bp, loan.rate_type = "other", None, "fixed"
        loan.rate_bp = dice.between(245, 320)
        loan.guarantee, loan.mitigants, loan.issue_kind = "pledged", (), "new"
        loan.amount += dice.below(10_000_000)
        loan.is_online = loan.is_revolving = False
    elif loan.rate_type == "fixed" and (profile.layout == "east" or dice.chance(500)):
        loan.benchmark, loan.spread_bp = (None if dice.chance(500) else "other"), None


def build(profile: Profile, seed: int) -> Book:
    """Make an institution's customers and the chains of loans they draw.

    Parameters
    ----------
    profile
        What the institution is like.
    seed
        Seed of the example; each institution has a stream of its own.
    """
    dice = Dice(f"{seed}:{profile.institution_id}")
    book = Book(profile, dice, Registry(Dice(f"{seed}:names:{profile.prefix}"), profile.serial))
    for segment in profile.segments:
        for i in range(segment.customers):
            branch_id = profile.branches[i % len(profile.branches)][0]
            if i < len(segment.special_lines):
                before, after = segment.special_lines[i]
            else:
                before = after = dice.pick(segment.lines) * FEN_PER_WAN
            customer = book.enrol(segment, branch_id, before, after)
            two = dice.chance(segment.second_slot)
            for _ in range(2 if two else 1):
                _chain(book, customer, 45 if two else 95)
    _charge_off(book)
    return book


def _chain(book: Book, customer: Customer, ceiling: int) -> None:
    """One strand of borrowing: a loan, at its end another or a renewal, until it stops."""
    dice, segment = book.dice, customer.segment
    line = min(customer.line_before, customer.line_after)
    amount = line * dice.between(ceiling - 35, ceiling) // 100 // 100_000 * 100_000
    newcomer = dice.chance(segment.newcomers) and customer.line_before == customer.line_after
    start = dt.date(2021, 1, 4) if newcomer else FIRST_DAY
    day = working_day(start + _DAY * dice.below(330 if newcomer else 420))
    predecessor: str | None = None
    while day <= LAST_DAY:
        product, months = dice.pick(segment.products)
        if predecessor is not None:
            product, months = segment.products[1]
        loan = book.draw(customer, product, months, amount, day)
        if predecessor is not None:
            loan.issue_kind, loan.predecessor = "renewal", predecessor
        if not _end(dice, loan, line):
            return
        assert loan.closed_on is not None
        predecessor, day = None, loan.closed_on
        fate = dice.below(100)
        renewable = loan.product in ("working_capital", "business_personal")
        if fate < 35 and renewable and loan.closure == "matured":
            predecessor = loan.loan_id
        elif fate < 85:
            day = working_day(day + _DAY * dice.between(1, 40))
        else:
            return


def _end(dice: Dice, loan: Loan, line: int) -> bool:
    """Decide how a loan ends; False if it stays open at the last day."""
    small = line <= 200 * FEN_PER_WAN and loan.product != "discount"
    if dice.chance(60):
        loan.watch_since = loan.drawn_on + _DAY * dice.between(60, 300)
    end, closure = loan.matures_on, "matured"
    if loan.product != "discount" and dice.chance(110):
        days = (min(loan.matures_on, add_months(loan.drawn_on, 24)) - loan.drawn_on).days
        end = loan.drawn_on + _DAY * (days * dice.between(40, 95) // 100)
        closure = "recalled_by_bank" if dice.chance(80) else "prepaid_by_borrower"
    elif small and dice.chance(12) and loan.matures_on < LAST_DAY:
        loan.overdue_since = loan.matures_on + _DAY
        return False
    if end > LAST_DAY:
        return False
    loan.closed_on, loan.closure = end, closure
    return True


def _charge_off(book: Book) -> None:
    """Write some old small loans off in the run's year, and transfer one."""
    old = [
        x
        for x in book.loans
        if x.closed_on is None
        and x.overdue_since is None
        and x.drawn_on < dt.date(2020, 7, 1)
        and x.amount <= 150 * FEN_PER_WAN
        and x.is_business
    ]
    chosen = book.dice.shuffled(old)[: book.profile.written_off + 1]
    for i, loan in enumerate(chosen):
        loan.overdue_since = dt.date(2020, 9, 1) + _DAY * book.dice.below(50)
        loan.closed_on = dt.date(2021, 3, 1) + _DAY * book.dice.below(250)
        loan.closure = "transferred" if i == book.profile.written_off else "written_off"
