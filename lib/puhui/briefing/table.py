"""The one table object from which HTML and workbooks are written, and sections around it."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from puhui.briefing.figures import DIGITS, Figure, exact

#: Column kinds; all but the last three are numeric.
KINDS = (*DIGITS, "text", "date", "verdict")

_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufffe\uffff]"
)


def plain(text: str) -> str:
    """Make invisible control and direction marks visible, so that no name hides or reverses text.

    Examples
    --------
    >>> plain("甲" + chr(0x202E) + "行")
    '甲〈U+202E〉行'
    """
    return _HIDDEN.sub(lambda m: f"〈U+{ord(m[0]):04X}〉", text)


@dataclass(frozen=True)
class Column:
    """A column of a briefing table: ``kind`` is one of :data:`KINDS`."""

    key: str
    label: str
    unit: str = ""
    kind: str = "text"
    digits: int | None = None
    note: str = ""  # clause or formula, a comment on the header cell of the workbook

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown kind of column: {self.kind}")

    @property
    def heading(self) -> str:
        """Label with its unit."""
        return f"{self.label}（{self.unit}）" if self.unit else self.label

    @property
    def numeric(self) -> bool:
        """Whether cells are figures."""
        return self.kind in DIGITS


@dataclass(frozen=True)
class NoData:
    """A cell without a value, and why (never zero, never empty without a word)."""

    reason: str = ""
    word: str = "无数据"


#: What a cell says where nothing was asked for: its verdict says 不适用.
NOT_ASKED = "—"


@dataclass(frozen=True)
class Mark:
    """A verdict: a sign that needs no colour, the word, and flags such as 临界."""

    verdict: str
    sign: str
    word: str
    flags: tuple[str, ...] = ()

    @property
    def spoken(self) -> str:
        """Word and flags, as a sentence says them: ``未达标（暂定）``."""
        return self.word + (f"（{'、'.join(self.flags)}）" if self.flags else "")

    @property
    def text(self) -> str:
        """Sign, word and flags."""
        return f"{self.sign} {self.spoken}"


@dataclass(frozen=True)
class Sign:
    """A verdict as its sign alone, where a legend beside the table says what signs mean."""

    mark: Mark

    @property
    def verdict(self) -> str:
        """The verdict's code."""
        return self.mark.verdict

    @property
    def text(self) -> str:
        """The sign, with a star where the verdict has flags."""
        return self.mark.sign + ("*" if self.mark.flags else "")


@dataclass(frozen=True)
class Noted:
    """Text with a note beside it: clause and formula, a comment in the workbook."""

    text: str
    note: str


@dataclass(frozen=True)
class Table:
    """A briefing table; every renderer writes the same rows.

    With ``grouped`` the first column names groups of neighbouring rows: a page shows it as
    headings between the rows, a workbook as a column. A ``matrix`` has many narrow columns of
    signs, whose headings a page writes downwards. In one that is ``ordered`` the place of a row
    says something (a subtotal below what it sums): no reader puts it elsewhere.
    """

    id: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[object, ...], ...]
    notes: tuple[str, ...] = ()
    grouped: bool = False
    matrix: bool = False
    ordered: bool = False

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"{self.id}: {len(row)} cells for {len(self.columns)} columns")


@dataclass(frozen=True)
class Chart:
    """A picture: SVG text that carries its own glyphs, alternative text, caption.

    ``id`` is what an audience's rules call it by.
    """

    svg: str
    alt: str
    caption: str
    id: str


@dataclass(frozen=True)
class Section:
    """A headed part of a page.

    ``items`` are numbered, ``folded`` hides the part at first; an annex (附件) or what
    follows it has ``is_annex`` set.
    """

    id: str
    heading: str
    paragraphs: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    charts: tuple[Chart, ...] = ()
    folded: bool = False
    items: tuple[str, ...] = ()
    is_annex: bool = False


def figure(value: object, column: Column) -> Figure | None:
    """Return a cell's figure if it is one; a bare number takes the column's kind."""
    if isinstance(value, Figure):
        return value
    if not column.numeric or not isinstance(value, int | float | Decimal | Fraction):
        return None
    number = exact(value)
    return None if number is None else Figure(number, column.kind, column.digits)


def cell_text(value: object, column: Column) -> str:
    """Return the text of a cell as both page and workbook show it.

    Raises
    ------
    TypeError
        If a cell holds something no column can show.
    """
    number = figure(value, column)
    if number is not None:
        return number.text
    if value is None:
        return "—"
    if isinstance(value, NoData):
        return plain(f"{value.word}：{value.reason}" if value.reason else value.word)
    if isinstance(value, Mark | Noted | Sign):
        return plain(value.text)
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, str | int):
        return plain(str(value))
    raise TypeError(f"cell of column {column.key}: {type(value).__name__}")
