"""Turning fen, basis points, dates and codes into the text and cells of submitted files."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import xlsxwriter

from puhui import schema


def yuan(fen: int) -> str:
    """Fen as yuan with two decimals.

    Examples
    --------
    >>> yuan(1234567), yuan(-5)
    ('12345.67', '-0.05')
    """
    sign, fen = ("-", -fen) if fen < 0 else ("", fen)
    return f"{sign}{fen // 100}.{fen % 100:02d}"


def percent(bp: int, decimals: int = 2) -> str:
    """Basis points as percent, e.g. ``percent(435, 6)`` is ``4.350000``."""
    return f"{bp // 100}.{bp % 100:02d}" + "0" * (decimals - 2)


def word(codes: str, value: str | None) -> str:
    """Chinese word of a code; empty for no value."""
    return "" if value is None else schema.CODES[codes][value]


def csv_bytes(header: Sequence[str], rows: Iterable[Sequence[str]], encoding: str) -> bytes:
    """Return a comma-separated file with CRLF ends."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows(rows)
    return buffer.getvalue().encode(encoding)


class Sheets:
    """A workbook in memory whose bytes depend on its content only.

    The creation date is fixed, and XlsxWriter stamps the parts of an in-memory file with
    a fixed time.
    """

    def __init__(self) -> None:
        self._buffer = io.BytesIO()
        self._book = xlsxwriter.Workbook(self._buffer, {"in_memory": True})
        self._book.set_properties({"title": "样例", "created": dt.datetime(2022, 1, 10)})
        self._bold = self._book.add_format({"bold": True})
        self._date = self._book.add_format({"num_format": "yyyy-mm-dd"})

    def add(self, name: str, rows: Iterable[Sequence[Any]], bold_rows: Sequence[int] = ()) -> None:
        """Add a sheet of rows; None stays an empty cell, a date becomes an Excel date."""
        sheet = self._book.add_worksheet(name)
        sheet.set_column(0, 60, 14)
        for i, row in enumerate(rows):
            for j, value in enumerate(row):
                if isinstance(value, dt.date):
                    sheet.write_datetime(i, j, value, self._date)
                elif isinstance(value, (int, Decimal)):
                    sheet.write_number(i, j, value)
                elif value:
                    sheet.write_string(i, j, value, self._bold if i in bold_rows else None)

    def content(self) -> bytes:
        """Close the workbook and return the file."""
        self._book.close()
        return self._buffer.getvalue()
