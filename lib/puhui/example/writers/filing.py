"""What an institution files for a quarter, before it takes the shape of files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from puhui.quarter import Quarter

#: Ends a column's name where a supplement is to hold a second, contradicting line.
AGAIN = "+"


@dataclass(frozen=True)
class Filing:
    """One institution's tables of one quarter.

    Attributes
    ----------
    institution_id, name, quarter
        Who files, and for when.
    branches
        Names by branch id.
    tables
        Canonical tables: canonical column names and Arrow types, ids in the clear, optional
        columns left out where the institution does not keep them.
    cells
        Text written instead of a value, by (table, row from 0, column): what a clerk got
        wrong. A column name that ends in :data:`AGAIN` asks for a second line in the
        supplement the column comes from (EAST only), with this text.
    """

    institution_id: str
    name: str
    quarter: Quarter
    branches: Mapping[str, str]
    tables: Mapping[str, pa.Table]
    cells: Mapping[tuple[str, int, str], str] = field(default_factory=dict)


@dataclass(frozen=True)
class Place:
    """Where something stands: file, sheet (of a workbook) and row as a person counts."""

    file: str
    sheet: str | None
    row: int


@dataclass(frozen=True)
class Places:
    """Where the rows of tables went.

    Attributes
    ----------
    rows
        Place of each row by table; ``None`` for a row that stands nowhere of its own.
    elsewhere
        Place of each row's cell for columns (table, column) kept in another file.
    """

    rows: Mapping[str, list[Place | None]]
    elsewhere: Mapping[tuple[str, str], list[Place | None]] = field(default_factory=dict)

    def of(self, table: str, row: int, column: str) -> Place | None:
        """Place of a cell; ``KeyError`` for a table that was not written."""
        return self.elsewhere.get((table, column), self.rows[table])[row]


def in_file(file: str, sheet: str | None, rows: Iterable[int]) -> list[Place | None]:
    """Places of consecutive table rows in one file."""
    return [Place(file, sheet, int(row)) for row in rows]
