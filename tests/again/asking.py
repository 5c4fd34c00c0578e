"""What an indicator asks: of whom, which formula, which test; and the groups of institutions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from again.figures import Formula, Missing, Nothing, View
from again.submitted import Date

Entry = Mapping[str, object]
Who = Callable[[Entry], bool]
Limit = Callable[[Date], Fraction | None]
#: Legal-person number of the postal savings bank, the one large bank that is not of the five.
POSTAL = "DX3FR0001"


def large(e: Entry) -> bool:
    return e["kind"] == "大型银行"


def joint(e: Entry) -> bool:
    return e["kind"] == "股份制银行"


def national(e: Entry) -> bool:
    return large(e) or joint(e)


def city(e: Entry) -> bool:
    return e["kind"] == "城市商业银行"


def rural(e: Entry) -> bool:
    return e["kind"] in ("农村商业银行", "农村合作金融机构")


def village(e: Entry) -> bool:
    return e["kind"] == "村镇银行"


def small_banks(e: Entry) -> bool:
    return city(e) or rural(e) or village(e)


def insurer(e: Entry) -> bool:
    return e["kind"] in ("财产保险公司", "人身保险公司")


def bank(e: Entry) -> bool:
    return not insurer(e) and e["kind"] != "其他机构"


def lender(e: Entry) -> bool:
    """Banks but policy banks."""
    return bank(e) and e["kind"] != "政策性银行"


def local(e: Entry) -> bool:
    """Local legal persons."""
    own = rural(e) or village(e) or (city(e) and e["is_local_legal_person"] is True)
    return e["level"] == "法人机构" and own


def five(e: Entry) -> bool:
    return large(e) and e["legal_person_id"] != POSTAL


def everyone(_: Entry) -> bool:
    return True


@dataclass(frozen=True)
class Asked:
    """An indicator of a clause."""

    clause: str
    who: Who
    value: Formula | None = None
    test: str | None = None
    limit: Limit | None = None
    at_branches: bool = False
    base: str | None = None
    """``start`` or ``ago``: what an up or down test compares with."""
    answers: tuple[str, ...] = ()
    any_one: bool = False
    may_have_none: bool = False
    nothing: Callable[[View], bool] | None = None
    """Of answers: whether there is nothing to ask about."""
    progress: bool = False
    """Against time progress before the fourth quarter: on track or behind."""
    judged_where_unplanned: bool = False
    reserved_by: tuple[Formula, ...] = ()
    """Held against the same threshold: beyond it a value that passes is reserved."""
    never_fails: bool = False


def fixed(number: int) -> Limit:
    return lambda _: Fraction(number)


def since(year: int, number: int) -> Limit:
    """A threshold laid down from a year on."""
    return lambda date: Fraction(number) if date.year >= year else None


ZERO = fixed(0)


def zero_or_missing(*figures: Callable[[], Fraction]) -> None:
    """Nothing to judge if any figure is zero, even beside one that is missing."""
    lacking = False
    for figure in figures:
        try:
            if figure() == 0:
                raise Nothing
        except Missing:
            lacking = True
    if lacking:
        raise Missing("one of several")


def one(name: str) -> Formula:
    """The figure itself."""
    return lambda v: v(name)


def share(part: str, whole: str) -> Formula:
    """Percent of a whole; where there is no whole there is nothing to judge."""

    def formula(v: View) -> Fraction:
        zero_or_missing(lambda: v(whole))
        return 100 * v(part) / v(whole)

    return formula


def gained(name: str) -> Formula:
    """More than at the start of the year."""
    return lambda v: v(name) - v.start(name)


def where(name: str, formula: Formula) -> Formula:
    """A formula that means something only where another figure is not zero."""

    def inner(v: View) -> Fraction:
        zero_or_missing(lambda: v(name))
        return formula(v)

    return inner
