"""Excel's error values: the workbook reader gives blanks for them, a blank would be no data."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

_ERROR = re.compile(r"#(N/A|DIV/0!|REF!|NAME\?|VALUE!|NUM!|NULL!|SPILL!|CALC!|FIELD!|BLOCKED!)")
_MARK = re.compile(rb"""\st\s*=\s*["']e["']""")
_ADDRESS = re.compile(r"([A-Z]+)(\d+)")
_BLOCK = 1 << 20
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


def is_error_value(text: str) -> bool:
    """Whether a text is one of Excel's error values.

    Examples
    --------
    >>> is_error_value("#N/A"), is_error_value("#1")
    (True, False)
    """
    return _ERROR.fullmatch(text.upper()) is not None


def error_cells(path: Path) -> dict[str, dict[tuple[int, int], str]]:
    """Error values of a workbook by sheet name and 0-based (row, column); none is left out.

    Source: ECMA-376 part 1, 18.18.11 (cell type ``e``).
    """
    found: dict[str, dict[tuple[int, int], str]] = {}
    with zipfile.ZipFile(path) as book:
        for sheet, part in _parts(book):
            if part in book.namelist() and _has_errors(book, part):
                found[sheet] = dict(_errors(book, part))
    return found


def _parts(book: zipfile.ZipFile) -> Iterator[tuple[str, str]]:
    """Sheet names with the parts of the package that hold their cells."""
    relations = ElementTree.fromstring(book.read("xl/_rels/workbook.xml.rels"))
    targets = {r.get("Id"): r.get("Target", "") for r in relations}
    for element in ElementTree.fromstring(book.read("xl/workbook.xml")).iter():
        if _local(element.tag) == "sheet":
            relation = next((v for k, v in element.items() if _local(k) == "id"), "")
            target = targets.get(element.get(_RELATION, relation), "")
            yield (
                element.get("name", ""),
                target.lstrip("/") if target.startswith("/") else f"xl/{target}",
            )


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _has_errors(book: zipfile.ZipFile, part: str) -> bool:
    tail = b""
    with book.open(part) as stream:
        while block := stream.read(_BLOCK):
            if _MARK.search(tail + block):
                return True
            tail = block[-16:]
    return False


def _errors(book: zipfile.ZipFile, part: str) -> Iterator[tuple[tuple[int, int], str]]:
    row, column = -1, -1
    with book.open(part) as stream:
        for event, element in ElementTree.iterparse(stream, ("start", "end")):
            name = _local(element.tag)
            if event == "start" and name == "row":
                row, column = int(element.get("r") or row + 2) - 1, -1
            elif event == "end" and name == "c":
                at = _ADDRESS.fullmatch(element.get("r") or "")
                column = _number(at[1]) if at else column + 1
                if element.get("t") == "e":
                    value = next((v.text for v in element if _local(v.tag) == "v"), None)
                    yield (row, column), value or "#VALUE!"
            elif event == "end" and name == "row":
                element.clear()


def _number(letters: str) -> int:
    """0-based column number of column letters."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1
