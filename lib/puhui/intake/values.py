"""Text cells become typed values; what cannot be read says why, nothing is guessed.

Each distinct text is parsed once and the results are taken back to the rows, so a
million rows with a few thousand distinct dates and amounts cost a few thousand parses;
plain numbers and ids are read by the column.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import unicodedata
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from decimal import Context, Decimal
from fnmatch import fnmatchcase

import pyarrow as pa
import pyarrow.compute as pc

from puhui import schema
from puhui.errors import PuhuiError
from puhui.intake.error_cells import is_error_value
from puhui.intake.layout import SCALES, Layout, Rule
from puhui.intake.spelling import plain
from puhui.quarter import Quarter

_PLAIN_NUMBER = re.compile(r"[+-]?(\d+|\d{1,3}(,\d{3})+)(\.\d+)?")
_FLOAT_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?E[+-]?\d{1,3}")
_ROUNDED_ID = re.compile(r"\d(\.\d+)?E\+\d+")
_SCALED = ("money", "rate", "bp")
_PLAIN_ID = r"^[A-Za-z0-9._\-]+$"  # half width, nothing to strip, not rounded (no +)
_ID = re.compile(r"[A-Z0-9]{4,32}")
_LONGEST = 40  # with any scale still exact in the 60 digits computed with
_SERIAL = re.compile(r"\d{5}")
_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_MIDNIGHT = re.compile(r"[ T]0?0:00(:00)?(\.0+)?$")
_SEPARATORS = re.compile(r"[、,，;；]")
_NO_YEAR = 9999  # 99991231 stands for "never"
_YEAR = r"((?:19|20)\d{2})"
_QUARTERS = (
    re.compile(_YEAR + r"年?第?([一二三四1-4])季度?末?"),
    re.compile(_YEAR + r"[年-]?Q([1-4])"),
)
_MONTH = re.compile(_YEAR + r"(?:年(\d{1,2})月(?:末|底)?|[-/.]?(\d{2}))")
_EXCEL_EPOCH = dt.date(1899, 12, 30)
_PLACES = {"money": 2, "rate": 6, "bp": 2, "int": 0}
_EXACT = Context(prec=60)
_UNITS = {places: Decimal(1).scaleb(-places) for places in _PLACES.values()}
_DIGITS = {"money": 18, "rate": 9, "bp": 9, "int": 18}

#: Among the date formats of a column: it holds quarters, or the last days of quarters.
QUARTER = "quarter"

Fault = str  # name of a built-in check: number, date, quarter, code, decimals, id, rounded_id,
# excel_error


class Unreadable(Exception):
    """A text cannot be read; the argument names the built-in check it fails."""


@dataclass(frozen=True)
class Parsed:
    """Typed values, the texts as filed (null marks null), and the fault of each row."""

    values: pa.Array
    texts: pa.Array
    faults: pa.Array


def parse(texts: pa.Array, rule: Rule, layout: Layout) -> Parsed:
    """Read a text column as the rule's kind.

    Returns values null wherever the text is a null mark or has a fault.
    """
    reader = reader_for(rule, layout)
    nulls = layout.nulls - set(rule.words or ())  # 无 is a code of some lists
    encoded = texts.dictionary_encode()
    words, indices = encoded.dictionary, encoded.indices
    easy = _easy(words, rule, nulls)
    rest = words if easy is None else words.filter(pc.is_null(easy))
    values: list[object] = []
    kept: list[str | None] = []
    faults: list[Fault | None] = []
    for text in rest.to_pylist():
        value, fault, shown = _read(text, reader, nulls)
        values.append(value)
        kept.append(shown)
        faults.append(fault)
    read = Parsed(
        pa.array(values, arrow_type(rule.kind)),
        pa.array(kept, pa.string()),
        pa.array(faults, pa.string()),
    )
    if easy is not None:
        hard = pc.is_null(easy)
        read = Parsed(
            pc.replace_with_mask(easy, hard, read.values),
            pc.replace_with_mask(words, hard, read.texts),
            pc.replace_with_mask(pa.nulls(len(words), pa.string()), hard, read.faults),
        )
    return Parsed(*(column.take(indices) for column in (read.values, read.texts, read.faults)))


def _easy(words: pa.Array, rule: Rule, nulls: Collection[str]) -> pa.Array | None:
    """Values of the words that need no thought: plain numbers, plain ids; null for others.

    ``None`` where a kind of column has no easy words. Gives what :func:`reader_for` gives.
    """
    is_scaled = rule.kind in _SCALED and SCALES[rule.kind].get(rule.unit) == 1
    if rule.id_digits or not (is_scaled or (rule.kind == "text" and rule.words is None)):
        return None
    if rule.name.endswith("uscc"):
        return None
    pattern = _PLAIN_ID
    if is_scaled:
        places = _PLACES[rule.kind]
        whole = _DIGITS[rule.kind] - places
        pattern = rf"^-?[0-9]{{1,{whole}}}(\.[0-9]{{1,{places}}})?$"
    is_easy = pc.match_substring_regex(words, pattern)
    is_null = pc.is_in(words, value_set=pa.array(sorted(nulls), pa.string()))
    chosen = pc.if_else(pc.and_not(is_easy, is_null), words, pa.scalar(None, pa.string()))
    return chosen.cast(arrow_type(rule.kind))


def _read(
    text: str, reader: Callable[[str], object], nulls: Collection[str]
) -> tuple[object, Fault | None, str | None]:
    word = plain(text)
    if word in nulls:
        return None, None, None
    if is_error_value(word):
        return None, "excel_error", text
    try:
        return reader(text), None, text
    except Unreadable as fault:
        return None, str(fault), text


def arrow_type(kind: str) -> pa.DataType:
    """Arrow type a kind of column is stored in."""
    return schema.Column("", "", kind, "", "", False, True, "", "", False).arrow_type


def reader_for(rule: Rule, layout: Layout) -> Callable[[str], object]:
    """The function that reads one text of the rule's column."""
    if rule.id_digits:
        return lambda t: derived_id(t, rule.id_prefix, rule.id_digits)
    if rule.kind in ("money", "rate", "bp"):
        return lambda t: quantity(t, rule.kind, SCALES[rule.kind][rule.unit], rule.unit)
    if rule.kind == "int":
        return lambda t: int(quantity(t, "int", Decimal(1), ""))
    if rule.kind == "date" and QUARTER in rule.formats:
        return lambda t: quarter_end(t, rule.formats, layout.century_end)
    if rule.kind == "date":
        return lambda t: date(t, rule.formats, layout.century_end)
    if rule.kind == "set":
        words = rule.words or {}
        return lambda t: sorted({c for w in _SEPARATORS.split(t) if (c := code(w, words))})
    if rule.kind == "bool":
        return lambda t: {"true": True, "false": False}.get(code(t, rule.words or {}) or "")
    if rule.words is not None:
        words = rule.words
        if rule.keep_unknown:
            return lambda t: words[w] if (w := plain(t)) in words else id_text(t)
        return lambda t: code(t, words)
    if rule.kind == "id":
        return identifier
    if rule.name.endswith("uscc"):
        return lambda t: id_text(t).upper()
    # Names and addresses keep their full-width brackets; every other text is compared.
    return str.strip if rule.name in ("name", "address") else id_text


def quantity(text: str, kind: str, scale: Decimal, unit: str) -> Decimal:
    """Read a number and bring it to the stored unit, exactly.

    Raises
    ------
    Unreadable
        ``number``: not a number, or too large; ``decimals``: more decimals than are kept.

    Examples
    --------
    >>> quantity("１,２３４.５", "money", Decimal(10_000), "万元")
    Decimal('12345000.00')
    >>> quantity("4.35%", "rate", Decimal(1), "percent")
    Decimal('4.350000')
    """
    word = plain(text).replace(" ", "").lstrip("¥").upper()
    if unit == "percent":
        word = word.removesuffix("%")
    if word.startswith("(") and word.endswith(")"):
        word = "-" + word[1:-1]
    if len(word) > _LONGEST or not (_PLAIN_NUMBER.fullmatch(word) or _FLOAT_NUMBER.fullmatch(word)):
        raise Unreadable("number")
    value = _EXACT.multiply(Decimal(word.replace(",", "")), scale)
    if value.adjusted() > 40:
        raise Unreadable("number")
    places = _PLACES[kind]
    rounded = value.quantize(_UNITS[places], context=_EXACT)
    if rounded != value:
        raise Unreadable("decimals")
    if abs(rounded) >= Decimal(10) ** (_DIGITS[kind] - places):
        raise Unreadable("number")
    return rounded


def date(text: str, formats: tuple[str, ...], century_end: int) -> dt.date:
    """Read a date in one of the declared formats; ``serial`` is Excel's day number.

    Two-digit years fall in the hundred years that end with ``century_end``.

    Raises
    ------
    Unreadable
        ``date``: no declared format fits, or there is no such day.

    Examples
    --------
    >>> date("2021年3月5日", ("%Y年%m月%d日",), 2068).isoformat()
    '2021-03-05'
    >>> date("5/9/68", ("%m/%d/%y",), 2068).year, date("5/9/69", ("%m/%d/%y",), 2068).year
    (2068, 1969)
    >>> date("44561", ("serial",), 2068).isoformat()
    '2021-12-31'
    """
    word = _MIDNIGHT.sub("", plain(text))
    iso = _ISO.fullmatch(word)
    if iso and "%Y-%m-%d" in formats:
        return _day(int(iso[1]), int(iso[2]), int(iso[3]))
    for form in formats:
        if form == "serial":
            if _SERIAL.fullmatch(word):
                return _EXCEL_EPOCH + dt.timedelta(days=int(word))
            continue
        fields = _date_pattern(form).fullmatch(word)
        if fields is None:
            continue
        year = int(fields["y"])
        if "%y" in form:
            year += century_end // 100 * 100
            year -= 100 if year > century_end else 0
        return _day(year, int(fields["m"]), int(fields["d"]))
    raise Unreadable("date")


def _day(year: int, month: int, day: int) -> dt.date:
    try:
        return dt.date(year, month, day)
    except ValueError:
        raise Unreadable("date") from None


_PATTERNS: dict[str, re.Pattern[str]] = {}


def _date_pattern(form: str) -> re.Pattern[str]:
    if form not in _PATTERNS:
        apart = bool(re.search(r"%[Yymd][^%]", form))
        digits = "{1,2}" if apart else "{2}"
        pattern = re.escape(form)
        for sign, name, count in (("Y", "y", "{4}"), ("y", "y", "{2}"), ("m", "m", digits)):
            pattern = pattern.replace(re.escape("%") + sign, rf"(?P<{name}>\d{count})")
        pattern = pattern.replace(re.escape("%") + "d", rf"(?P<d>\d{digits})")
        _PATTERNS[form] = re.compile(pattern)
    return _PATTERNS[form]


def read_quarter(text: str, formats: tuple[str, ...], century_end: int) -> Quarter | None:
    """Read a quarter as people write it, its last month, or its last day; ``None`` if neither.

    Examples
    --------
    >>> [str(read_quarter(t, ("%Y%m%d",), 2068)) for t in
    ...  ("2021q4", "2021年第四季度", "2021年12月", "202112", "20211231", "去年底")]
    ['2021Q4', '2021Q4', '2021Q4', '2021Q4', '2021Q4', 'None']
    >>> [read_quarter(t, ("%Y%m%d",), 2068) for t in ("202111", "20213", "20211130")]
    [None, None, None]
    """
    word = "".join(plain(text).split()).upper()
    for pattern in _QUARTERS:
        if named := pattern.fullmatch(word):
            return Quarter(int(named[1]), "一二三四1234".index(named[2]) % 4 + 1)
    if month := _MONTH.fullmatch(word):
        last = int(month[2] or month[3])
        return Quarter(int(month[1]), last // 3) if last in (3, 6, 9, 12) else None
    try:
        day = date(word, tuple(f for f in formats if f != QUARTER), century_end)
    except Unreadable:
        return None
    quarter = Quarter.of(day)
    is_end = day.year < _NO_YEAR and day == quarter.end
    return quarter if is_end else None


def quarter_end(text: str, formats: tuple[str, ...], century_end: int) -> dt.date:
    """Last day of the quarter a text says; see :func:`read_quarter`.

    Raises
    ------
    Unreadable
        ``quarter``: nobody can tell which.
    """
    quarter = read_quarter(text, formats, century_end)
    if quarter is None:
        raise Unreadable("quarter")
    return quarter.end


def code(text: str, words: Mapping[str, str | None]) -> str | None:
    """Look a word up; a key of the map that ends in ``*`` stands for all its beginnings.

    Raises
    ------
    Unreadable
        ``code``: the map does not know the word.

    Examples
    --------
    >>> code("其他-展期", {"其他-展期": "extended", "其他-*": "other"})
    'extended'
    """
    word = plain(text)
    if word in words:
        return words[word]
    for pattern, value in words.items():
        if pattern.endswith("*") and fnmatchcase(word, pattern):
            return value
    raise Unreadable("code")


def identifier(text: str) -> str:
    """Read an institution's id: upper case, half width, 4 to 32 letters and digits."""
    word = plain(text).upper()
    if not _ID.fullmatch(word):
        raise Unreadable("rounded_id" if _ROUNDED_ID.fullmatch(word) else "id")
    return word


def derived_id(text: str, prefix: str, digits: int) -> str:
    """An id made from a name: prefix and the first hex digits of its SHA-256.

    Width, case and runs of spaces in the name do not matter.

    Examples
    --------
    >>> derived_id("First  Bank", "B", 11) == derived_id("FIRST BANK", "B", 11)
    True
    """
    name = " ".join(plain(text).casefold().split())
    return prefix + hashlib.sha256(name.encode()).hexdigest()[:digits].upper()


def id_text(text: str) -> str:
    """Read an id that is text: half width; a long number Excel has rounded is no id.

    Raises
    ------
    Unreadable
        ``rounded_id``: the file holds ``1.23E+17``, the last digits are lost.
    """
    word = unicodedata.normalize("NFKC", text).strip()
    if _ROUNDED_ID.fullmatch(word.upper()):
        raise Unreadable("rounded_id")
    return word


class IntakeFault(PuhuiError):
    """A promise intake makes about its own work is broken: our error, not the clerk's."""

    exit_code = 4
