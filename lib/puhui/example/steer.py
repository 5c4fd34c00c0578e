"""Bring a book to its profile's ratios exactly, by choosing bad loans and pinning balances.

Each branch gets a bad and a good loan of two dedicated customers whose balances close the
last gap; a medium and a large enterprise do the same for the whole institution.
"""

from __future__ import annotations

import datetime as dt
from fractions import Fraction

from puhui.errors import RunError
from puhui.example.book import LAST_DAY, Book, Loan
from puhui.example.profile import FEN_PER_WAN, LIMIT_FEN, Segment
from puhui.example.snapshot import balance, five_class, is_filed
from puhui.example.truth import is_inclusive_kind

_DAY = dt.timedelta(days=1)
_BAD = ("substandard", "doubtful", "loss")
_SMALL = Segment("enterprise", "small", 0, (), (), 20, 0)
_MEDIUM = Segment("enterprise", "medium", 0, (), (), 0, 0)
_LARGE = Segment("enterprise", "large", 0, (), (), -60, 0)


def steer(book: Book) -> None:
    """Make every branch's inclusive and the institution's all-loan NPL ratio exact.

    Raises
    ------
    RunError
        If a seed leaves no room for a pinned balance; another seed is the remedy.
    """
    profile = book.profile
    small_bad, small_good = (w * FEN_PER_WAN for w in profile.pair_wan)
    pairs = []
    for branch_id, _ in profile.branches:
        bad = _dedicated(book, _SMALL, branch_id, small_bad, LIMIT_FEN)
        good = _dedicated(book, _SMALL, branch_id, small_good, LIMIT_FEN)
        pairs.append((branch_id, bad, good))
    head = profile.branches[0][0]
    big_bad, big_good = (w * FEN_PER_WAN for w in profile.big_pair_wan)
    medium = _dedicated(book, _MEDIUM, head, big_bad, big_bad * 2)
    large = _dedicated(book, _LARGE, head, big_good, big_good)
    for (branch_id, bad, good), ratio in zip(pairs, profile.branch_npl, strict=True):
        others = [
            x
            for x in _open(book)
            if x.branch_id == branch_id and _inclusive(x) and x is not bad and x is not good
        ]
        _turn_bad(book, others, ratio, _room(good))
        _pin(others, bad, good, ratio, 10 * FEN_PER_WAN)
    rest = [x for x in _open(book) if x is not medium and x is not large]
    _pin(rest, medium, large, profile.all_npl, 100 * FEN_PER_WAN)


def _dedicated(book: Book, segment: Segment, branch_id: str, amount: int, line: int) -> Loan:
    customer = book.enrol(segment, branch_id, line, line)
    day = dt.date(2020, 3, 2) + _DAY * book.dice.below(18)
    return book.draw(customer, "working_capital", 36, amount, day)


def _open(book: Book) -> list[Loan]:
    return [x for x in book.loans if is_filed(x, LAST_DAY) and x.closed_on is None]


def _inclusive(loan: Loan) -> bool:
    segment = loan.customer.segment
    kind = is_inclusive_kind(segment.kind, segment.size, loan.is_business)
    return kind and loan.customer.line_on(LAST_DAY) <= LIMIT_FEN


def _sums(loans: list[Loan]) -> tuple[int, int]:
    total = sum(balance(x, LAST_DAY) for x in loans)
    bad = sum(balance(x, LAST_DAY) for x in loans if five_class(x, LAST_DAY) in _BAD)
    return total, bad


def _turn_bad(book: Book, loans: list[Loan], ratio: Fraction, room: int) -> None:
    """Put loans into arrears while a rest of at least 300,000 yuan is left for the pinned one."""
    total, bad = _sums(loans)
    goal = int(ratio * (total + room)) - 30 * FEN_PER_WAN
    for loan in book.dice.shuffled(loans):
        fit = loan.drawn_on < dt.date(2021, 3, 1) and loan.product != "discount"
        if not fit or loan.overdue_since is not None:
            continue
        if bad + _owed_at_most(loan) > goal:
            continue
        since = max(loan.drawn_on + _DAY * 60, dt.date(2021, 2, 1))
        loan.overdue_since = since + _DAY * book.dice.below(120)
        bad += balance(loan, LAST_DAY)


def _owed_at_most(loan: Loan) -> int:
    """Return the most the loan can owe once it is in arrears."""
    return loan.amount if loan.instalments else balance(loan, LAST_DAY)


def _room(good: Loan) -> int:
    """Return what the two dedicated loans shall owe together."""
    return good.amount * 9 // 10


def _pin(others: list[Loan], bad: Loan, good: Loan, ratio: Fraction, step: int) -> None:
    """Set the balances of the two dedicated loans so that NPL ÷ loans is exactly the ratio."""
    total, npl = _sums(others)
    goal = (total + _room(good)) // step * step
    owed = ratio * goal
    if owed.denominator != 1:
        raise RunError("示例的不良率无法以分为单位精确实现。", remedy="请调整机构画像中的比例。")
    bad.overdue_since = dt.date(2021, 6, 1)
    bad.pinned[LAST_DAY] = int(owed) - npl
    good.pinned[LAST_DAY] = goal - total - bad.pinned[LAST_DAY]
    for loan in (bad, good):
        if not 0 < loan.pinned[LAST_DAY] <= loan.amount:
            raise RunError(
                f"种子使借据{loan.loan_id}的余额无解。", remedy="请换一个种子再生成示例。"
            )
