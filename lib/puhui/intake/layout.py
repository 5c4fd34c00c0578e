"""Layouts: what a kind of file looks like and where its columns go, as frozen data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from types import MappingProxyType

#: What one unit of a filed figure is in the stored unit (yuan, percent a year, basis points).
SCALES: Mapping[str, Mapping[str, Decimal]] = {
    "money": {"元": Decimal(1), "万元": Decimal(10_000), "亿元": Decimal(100_000_000)},
    "rate": {"percent": Decimal(1), "fraction": Decimal(100), "bp": Decimal("0.01")},
    "bp": {"bp": Decimal(1), "percent": Decimal(100)},
}
#: Units as they stand in headers and notes of workbooks.
UNIT_WORDS: Mapping[str, str] = {
    "元": "元",
    "人民币元": "元",
    "万元": "万元",
    "亿元": "亿元",
    "%": "percent",
    "百分比": "percent",
    "bp": "bp",
    "BP": "bp",
    "基点": "bp",
    "个基点": "bp",
}


@dataclass(frozen=True)
class Item:
    """An item of returns as a table of many institutions names it.

    ``words`` are the code and the Chinese names, ``headers`` the same spelt as headers are
    compared; ``unit`` is what a count is counted in, and empty for money, whose unit the
    table states.
    """

    code: str
    words: tuple[str, ...]
    headers: tuple[str, ...]
    unit: str

    @property
    def is_money(self) -> bool:
        """Whether the figure is an amount of money."""
        return not self.unit


@dataclass(frozen=True)
class Field:
    """A header of the part's own source (``source`` empty) or of a joined one."""

    source: str
    header: str


@dataclass(frozen=True)
class Rule:
    """How one canonical (or aside) column is filled; exactly one way of filling is set.

    ``may_lack`` is the reason why a file may come without the column though it is required;
    with ``keep_unknown`` a word that ``words`` does not know stays as it is.
    """

    name: str
    kind: str
    codes: str = ""
    fields: tuple[Field, ...] = ()
    combine: str = "first"
    unit: str = ""
    unit_by: str = ""
    units: Mapping[str, Decimal] = field(default_factory=lambda: MappingProxyType({}))
    words: Mapping[str, str | None] | None = None
    formats: tuple[str, ...] = ()
    default: str | None = None
    constant: str | None = None
    may_lack: str = ""
    keep_unknown: bool = False
    row_number: bool = False
    id_prefix: str = ""
    id_digits: int = 0
    required: bool = False
    label: str = ""
    where: str = ""


@dataclass(frozen=True)
class Join:
    """A left join: the part's ``left`` header equals ``right`` of another source."""

    source: str
    left: str
    right: str


@dataclass(frozen=True)
class Wide:
    """One figure column of a wide table and the columns it stands for."""

    header: str
    constants: Mapping[str, str]


@dataclass(frozen=True)
class Part:
    """Rows of one source becoming rows of one canonical table.

    Without a ``required`` part the table as a whole is not used; the rows of another part
    stand for themselves. With ``wide_items`` the columns of a wide table are the layout's
    items, of which a file has some.
    """

    table: str
    source: str
    rules: Mapping[str, Rule]
    absent: Mapping[str, str]
    joins: Mapping[str, Join]
    distinct: bool
    required: bool
    wide: tuple[Wide, ...]
    wide_value: str
    wide_items: bool
    aside: frozenset[str]
    where: str


@dataclass(frozen=True)
class Source:
    """A sheet of a workbook (without ``sheet``: every one with such a header), or a text file.

    ``quote`` is empty where the text has no quoting; ``line_breaks`` allows them in quoted
    cells. ``ignored`` are headers nobody reads; with ``extra_columns`` a file has more
    columns than the layout reads, and only look-alikes of headers it lacks are remarked.
    ``items`` are headers of figures, of which at least one must be there; in brackets behind
    them stands a unit (``unit_words``) and nothing else. With ``no_repeats`` a file in which
    two columns say the same header is refused; otherwise the first one is read.
    """

    name: str
    label: str
    files: tuple[str, ...]
    sheet: str
    is_text: bool
    encodings: tuple[str, ...]
    delimiter: str
    quote: str
    line_breaks: bool
    required: bool
    cells_only: bool
    must_have: tuple[str, ...]
    headers: tuple[str, ...]
    aliases: Mapping[str, tuple[str, ...]]
    ignored: tuple[str, ...]
    extra_columns: bool
    items: frozenset[str]
    unit_words: frozenset[str]
    no_repeats: bool

    @cached_property
    def names(self) -> dict[str, str]:
        """Every spelling of a header, with the header the layout reads it as."""
        return {alias: h for h in self.headers for alias in (h, *self.aliases.get(h, ()))}


@dataclass(frozen=True)
class Declared:
    """Where a file says which quarter or institution it is for; ``optional``: if it does."""

    source: str
    label: str = ""
    header: str = ""
    formats: tuple[str, ...] = ()
    optional: bool = False
    nothing: bool = False


@dataclass(frozen=True)
class Layout:
    """One layout file of ``params/layouts``; ``extends`` is the id of one it builds on."""

    id: str
    label: str
    sender: str  # institution, shared, supervisor
    extends: str
    max_bytes: int
    nulls: frozenset[str]
    totals: frozenset[str]
    notes: tuple[str, ...]
    money_unit: str
    rate_unit: str
    century_end: int
    items: Mapping[str, Item]
    sources: Mapping[str, Source]
    quarter: tuple[Declared, ...]
    institution: tuple[Declared, ...]
    tables: Mapping[str, tuple[Part, ...]]
