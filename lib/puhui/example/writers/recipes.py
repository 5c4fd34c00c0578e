"""How a row is broken so that one check, and no other, takes notice of it.

A line of :data:`_RECIPES`: table, check, the column the finding points at, the layouts it can
be planted in (``w`` fill-in workbook, ``e`` EAST, ``l`` item list), the model, and what is
changed in a copy of it. ``column=value`` sets a value (nothing: null; a date is counted in
days from the quarter's end), ``column!text`` writes a text instead of the value. Models are
listed in :data:`_MODELS`, with what every copy of them is given.

Error rows are kept out by whoever reads them, so they may be copies of anything. Rows that
only earn a warning are read: they are settled IOUs of an earlier year, or customers without
an IOU, and weigh nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from puhui import schema

_RECIPES = """
loans      E0101  balance             we  sound    balance!叁万元
loans      E0102  drawn_on            we  sound    drawn_on!2021-02-30
loans      E0103  five_class          we  sound    five_class!优良
loans      E0104  amount              we  sound    amount=
loans      E0105  balance             we  sound    balance!29999.995
loans      E0109  loan_id             w   sound    loan_id!4.11527E+17
loans      E0113  matures_on          w   sound    matures_on!#VALUE!
loans      E0201  balance             we  sound    balance=60000.01
loans      E0202  matures_on          we  sound    matures_on=-233
loans      E0204  rate_at_drawdown    we  sound    rate_at_drawdown=43.5
loans      E0205  rate_now            we  sound    rate_now=48
loans      E0206  amount              we  sound    amount=0 balance=0
loans      E0207  balance             we  sound    balance=-30000
loans      E0208  drawn_on            we  sound    priced_on=10 drawn_on=11 matures_on=376
loans      E0209  balance             we  sound    status=settled
loans      E0215  written_off_amount  w   sound    written_off_amount=-100
loans      E0220  five_class          we  sound    five_class=
loans      E0301  customer_id         we  sound    customer_id=*
loans      E0401  loan_id             we  settled
loans      E0402  credit_line_at_drawdown  e  sound  credit_line_at_drawdown+!77777.77
loans      W0210  predecessor_loan_id we  settled  issue_kind=renewal
loans      W0211  priced_on           we  settled  priced_on=-1
loans      W0214  overdue_since       we  settled  overdue_since=20
loans      W0302  branch_id           we  settled  branch_id=*
customers  E0101  credit_line         we  firm     credit_line!约五百万
customers  E0102  founded_on          we  firm     founded_on!2015年13月1日
customers  E0103  size                we  firm     size!特小型
customers  E0104  credit_line         we  firm     credit_line=
customers  E0105  credit_line         we  firm     credit_line!1000000.125
customers  E0217  credit_line         we  firm     credit_line=-1
customers  E0401  customer_id         we  firm
customers  E0402  credit_line         e   firm     credit_line+!77777.77
customers  W0112  certificate_no      we  firm     certificate_no=*
returns    E0101  value               wl  figure   value!八百余
returns    E0102  as_of               w   figure   as_of!2021-13-31
returns    E0103  basis               w   figure   basis!调整后
returns    E0104  value               wl  figure   value=
returns    E0105  value               wl  figure   value!8.1234567
returns    E0106  value               wl  figure   unit!百万元
returns    E0219  as_of               w   figure   as_of=91
returns    E0221  value               wl  figure   value=-80000
returns    E0401  item                w   figure
returns    W0222  item                wl  figure   item!QS.inc1_balance
deferrals  E0224  amount              w   any      amount=-1
applications  E0225  amount           w   any      amount=-1
applications  E0226  decided_on       w   any      applied_on=-60 decided_on=-61
fees       E0228  waived              w   any      amount=100 waived=100.01
flows      E0229  amount              w   any      amount=-1
cases      E0235  first_npl_on        w   any      first_overdue_on=-300 first_npl_on=-301
"""
_MODELS = {
    "sound": """amount=50000 balance=30000 priced_on=-203 drawn_on=-200 matures_on=165
        extended_to= closed_on= closure= written_off_amount= transferred_amount= repriced_on=
        issue_kind=new predecessor_loan_id= five_class=normal principal_overdue=0
        interest_overdue=0 overdue_since= status=normal""",
    "settled": "predecessor_loan_id=",
    "firm": "legal_representative_id= controller_id= phone_hash= address= chain=",
    "figure": "value=80000 unit=万元",
    "any": "",
}
_LAYOUTS = {"workbook": "w", "east": "e", "item_list": "l"}
#: Stands for a value made up for the row: an id nobody has, a wrong check character.
MADE_UP = "*"
_SEVERITIES = {"E": "error", "W": "warning", "R": "reasonableness"}


@dataclass(frozen=True)
class Recipe:
    """One line of the list.

    Attributes
    ----------
    values
        Texts of values by column, those every copy of the model is given included; empty for
        null. :func:`value` reads them.
    texts
        Texts written instead of values, by column.
    """

    table: str
    check: str
    column: str
    layouts: str
    model: str
    values: Mapping[str, str]
    texts: Mapping[str, str]


def severity(check: str) -> str:
    """Severity of a check, as the first letter of its id says."""
    return _SEVERITIES[check[0]]


@cache
def recipes() -> dict[tuple[str, str], Recipe]:
    """All recipes by (table, check)."""
    found = (_recipe(*line.split()) for line in _RECIPES.strip().splitlines())
    return {(r.table, r.check): r for r in found}


def fitting(layout: str) -> tuple[tuple[str, str], ...]:
    """Every (table, check) that can be planted in ``workbook``, ``east`` or ``item_list``."""
    return tuple(key for key, r in recipes().items() if _LAYOUTS[layout] in r.layouts)


def _recipe(table: str, check: str, column: str, layouts: str, model: str, *changes: str) -> Recipe:
    values: dict[str, str] = {}
    texts: dict[str, str] = {}
    for change in (*_MODELS[model].split(), *changes):
        name, mark, text = change.partition("!")
        if not mark:
            name, _, text = change.partition("=")
        (texts if mark else values)[name] = text
    return Recipe(table, check, column, layouts, model, values, texts)


def value(column: schema.Column, text: str, quarter_end: dt.date) -> object:
    """Value a recipe's text stands for.

    Examples
    --------
    >>> end = dt.date(2021, 12, 31)
    >>> value(schema.column("loans", "drawn_on"), "-30", end).isoformat()
    '2021-12-01'
    """
    if not text:
        return None
    if column.kind == "date":
        return quarter_end + dt.timedelta(days=int(text))
    return Decimal(text) if column.kind in ("money", "rate", "bp") else text
