"""The page on the language lists what the language has, and its examples give what it says."""

import datetime as dt
import re
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from puhui.params.expression import Expression, NoData
from puhui.params.grammar import ALLOWED, FUNCTIONS, OPERATORS
from puhui.params.indicator import BASES
from puhui.params.rows import PERIOD

PAGE = (Path(__file__).parents[2] / "docs/language.md").read_text(encoding="utf-8")
SAID = {"is null": "is_null", "- …": "neg"}
LINE = re.compile(r"^\| `([^`]+)`[^|`]* \| `([^`]+)` \| ([^|]+) \|$", re.MULTILINE)
EXAMPLES = {SAID.get(what, what): (text, gives) for what, text, gives in LINE.findall(PAGE)}
LOAN: dict[str, object] = {
    "amount": Decimal("2000000.00"),
    "rate_at_drawdown": Decimal("5.123456"),
    "checks": 2,
    "drawn_on": dt.date(2021, 1, 31),
    "matures_on": dt.date(2021, 2, 28),
    "product": "working_capital",
    "mitigants": ["ip", "equity"],
    "is_online": False,
    "balance": None,
    "is_revolving": None,
}


def said(value: object) -> object:
    """Read a value as the page writes it."""
    if isinstance(value, NoData):
        return "unknown"
    if isinstance(value, bool | dt.date):
        return str(value).lower()
    return value


def test_the_page_lists_the_operators_and_functions_of_the_language():
    assert set(EXAMPLES) == OPERATORS | set(FUNCTIONS)


@pytest.mark.parametrize("what", sorted(EXAMPLES))
def test_an_example_gives_what_the_page_says(what):
    text, gives = EXAMPLES[what]
    value = Expression.parse(text, formula=True).evaluate(lambda _, name: LOAN[name])
    number = isinstance(value, Fraction)
    assert said(value) == (Fraction(gives) if number else gives)


def test_the_page_says_what_the_loan_of_the_examples_holds():
    about = PAGE[PAGE.index("The examples read a loan") : PAGE.index("| may be written")]
    assert set(re.findall(r"`(\w+)`", about)) - {"working_capital"} == set(LOAN)
    for value in ("2000000.00", "5.123456", "2021-01-31", "2021-02-28", "(ip, equity)"):
        assert value in about


def test_the_page_names_the_base_periods_and_days():
    names = PAGE[PAGE.index("## Names") : PAGE.index("## Constants")]
    wanted = [*BASES, *(f"period.{day}" for day in PERIOD)]
    assert [name for name in wanted if f"`{name}`" not in names] == []


def test_the_message_of_a_refusal_names_every_function():
    assert [name for name in FUNCTIONS if name not in ALLOWED] == []
