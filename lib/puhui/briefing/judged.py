"""Indicator rows as a page shows them: value, base, change, limit, all at consistent digits."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from puhui.briefing.figures import DIGITS, Figure, beside, exact, plain_number, ratio
from puhui.briefing.source import Row
from puhui.briefing.table import NOT_ASKED, NoData
from puhui.briefing.words import Words

#: Unit of a result row → kind of figure.
KINDS = {
    "%": "percent",
    "百分点": "pp",
    "个基点": "bp",
    "户": "count",
    "户次": "count",
    "笔": "count",
    "家": "count",
    "人": "count",
    "个": "count",
    "项": "count",
    "元": "money_wan",
    "美元": "money_wan",
}
_SHOWN_UNITS = {"元": "万元", "美元": "万美元"}
_SPOKEN_UNITS = {"百分点": "个百分点", **_SHOWN_UNITS}
_SIGNS = {">=": "≥", "<=": "≤", ">": ">", "<": "<"}
#: Verdicts that are problems, most serious first.
PROBLEMS = ("not_met", "met_reserved", "behind")
#: Forces of a clause, most serious first.
FORCES = ("ban", "must", "strive", "encourage")
PASSED = {"met": True, "met_reserved": True, "on_track": True, "not_met": False, "behind": False}


def kind_of(row: Row) -> str:
    """Kind of figure of a result row's unit."""
    return KINDS.get(row["unit"] or "", "number")


def shown_unit(row: Row) -> str:
    """Unit as a table's cell names it (money: 万元)."""
    return unit_shown(row["unit"])


def unit_shown(unit: str | None) -> str:
    """Unit of a stored figure as a table names it (money: 万元)."""
    return _SHOWN_UNITS.get(unit or "", unit or "")


def own_value(row: Row) -> Fraction | None:
    """Exact value: the stored fraction, else the stored number."""
    value = ratio(row["value_num"], row["value_den"])
    return exact(row["value"]) if value is None else value


def base_value(row: Row) -> Fraction | None:
    """Exact base value: the stored fraction, else the stored number."""
    value = ratio(row["base_num"], row["base_den"])
    return exact(row["base_value"]) if value is None else value


def limit_value(row: Row) -> Fraction | None:
    """What the test compares with: the threshold, or the base for improvement tests."""
    if row["threshold"] is not None:
        return exact(row["threshold"])
    return base_value(row) if row["test"] in ("up", "down") else None


def _against(row: Row, *others: Fraction | None) -> tuple[Fraction, ...]:
    return tuple(x for x in (limit_value(row), *others) if x is not None)


def no_value(row: Row, reason: str = "") -> NoData:
    """Return the cell of a row without a value: a dash where its clause does not apply."""
    if row["verdict"] == "not_applicable":
        return NoData(reason, NOT_ASKED)
    return NoData(reason)


def value_figure(row: Row) -> Figure | NoData:
    """Return the value, with as many digits as its verdict needs; without one, why."""
    value = own_value(row)
    if value is None:
        return no_value(row, row["reason"] or "")
    limit = exact(row["threshold"])
    if limit is not None:
        return beside(value, kind_of(row), limit)
    return Figure(value, kind_of(row), against=_against(row))


def cell(row: Row) -> Figure | NoData | str:
    """Return the value as a table shows it: a figure, or of answers how many are yes."""
    value = own_value(row)
    if row["answers"] and value is not None:
        return f"{int(value)}/{len(row['answers'])}"
    return value_figure(row)


def base_figure(row: Row) -> Figure | None:
    """Return the base value, told apart from the value where they differ."""
    base, value = base_value(row), own_value(row)
    if base is None:
        return None
    return Figure(base, kind_of(row), against=() if value is None else (value,))


def change_figure(row: Row, words: Words) -> Figure | None:
    """Return value − base, of rates in basis points; zero only for a change that is zero."""
    base, value = base_value(row), own_value(row)
    if base is None or value is None:
        return None
    if _is_rate(row, words):
        return Figure((value - base) * 100, "bp", against=(Fraction(0),))
    return Figure(value - base, kind_of(row), against=(Fraction(0),))


def change_unit(row: Row, words: Words) -> str:
    """Unit of a change: 个基点 for rates, 百分点 for shares, else the value's own."""
    if _is_rate(row, words):
        return "个基点"
    return "百分点" if row["unit"] == "%" else shown_unit(row)


def _is_rate(row: Row, words: Words) -> bool:
    return row["indicator_id"] in words.texts("common.rate_indicators")


def limit_text(row: Row, words: Words) -> str:
    """Return the test in short: ``≤3.00``, ``较年初不下降``; ``—`` where nothing is judged."""
    test = row["test"]
    if not test:
        return "—"
    if test == "list":
        return words.text("common.tests.list")
    if test in ("up", "down"):
        base = words.of("common.bases", row["base"])
        return words.text(f"common.tests.{test}", base=base)
    limit = limit_value(row)
    if limit is None:
        return "—"
    return _SIGNS.get(test, str(test)) + limit_number(row, limit)


def limit_number(row: Row, limit: Fraction) -> str:
    """Return a limit as text in the unit the row is shown in."""
    kind = kind_of(row)
    return plain_number(Figure(limit, kind).scaled, DIGITS[kind])


def spoken(row: Row) -> str:
    """Return the value with its unit as a sentence says it: ``3.004个百分点``."""
    said = cell(row)
    if isinstance(said, NoData):
        return said.word
    unit = row["unit"] or ""
    text = said.text if isinstance(said, Figure) else said
    return text + _SPOKEN_UNITS.get(unit, unit)


def verdict_said(row: Row, words: Words) -> str:
    """Return the verdict with its flags in words: ``未达标（临界、暂定）``."""
    return words.mark(row["verdict"], row["flags"]).spoken


def name_with_flags(name: str, row: Row, words: Words) -> str:
    """Return a name with the flags of its row: ``来龙支行（样本小）``."""
    flags = words.mark(row["verdict"], row["flags"]).flags
    return f"{name}（{'、'.join(flags)}）" if flags else name


def flagged(rows: Iterable[Row], flag: str) -> list[Row]:
    """Rows that carry a flag of :data:`puhui.results.FLAGS`."""
    return [row for row in rows if flag in (row["flags"] or ())]


def is_ratio(row: Row) -> bool:
    """Whether the value is a share, a rate or a difference of such."""
    return kind_of(row) in ("percent", "pp", "bp")


def serious_first(row: Row, force: str) -> tuple[int, int]:
    """Sorting key of problems: force of the clause, then verdict."""
    order = FORCES.index(force) if force in FORCES else len(FORCES)
    return order, PROBLEMS.index(row["verdict"])
