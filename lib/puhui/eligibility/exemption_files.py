"""Cases given in a file: the same rules, for checking by hand and for asking what if."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

from puhui import schema
from puhui.eligibility.exemption import NOT_SENT, Cell, Column, Decision, Given, decide, rederive
from puhui.eligibility.exemption_facts import CASES, PERSONS, label
from puhui.eligibility.exemption_table import said
from puhui.errors import RunError
from puhui.params import Params
from puhui.params.exemption import OUTCOMES, UNIT, Exemption, RuleTable
from puhui.quarter import Quarter

_TABLES = {"case": CASES, "person": PERSONS}
_YES = ("true", "yes", "1", "是", "y")
_NO = ("false", "no", "0", "否", "n")
_UNKNOWN = ("unknown", "?", "？", "未知", "不明")
#: What marks a supposed decision.
SUPPOSED = "假设"


@dataclass(frozen=True)
class Line:
    """A row of the file: who, and what is given."""

    name: str
    given: Given


def decide_file(
    params: Params, quarter: str, path: Path, supposed: Sequence[str] = ()
) -> list[tuple[Line, Decision, Decision | None]]:
    """Decide every row of a CSV of cases: one row per person and role.

    Columns are those of ``cases`` and ``case_persons`` (English names or Chinese labels, in any
    order; both tables' in one row), with ``within_tolerance`` and ``is_branch_head`` beside. An
    empty cell is unknown, or, for dates of takeover, action and report and for record numbers,
    none. A column left out is the same as an empty one; without ``is_branch_head`` only who
    stands in the file as head of the same case is taken for one.

    Parameters
    ----------
    supposed
        ``fact=value`` each: decided once more with these in place of what is given.

    Returns
    -------
    list
        Row, decision, and the supposed decision (``None`` if nothing is supposed). Nothing is
        written anywhere.

    Raises
    ------
    RunError
        No such file or column, a value that cannot be read, or no rules entered for the quarter.
    """
    at = Quarter.parse(quarter)
    table = params.exemption.on(at.end)
    if isinstance(table, str):
        raise RunError(table, where=str(at))
    policy = params.policy.on(at.end)
    settings = {("policy", n): policy[n] for q, n in table.columns if q == "policy"}
    changes = dict(_change(table, one) for one in supposed)
    decided = []
    for line in _lines(table, path, settings):
        other = None
        if changes:
            other = decide(table, Given({**line.given.cells, **changes}, line.given.sources))
        decided.append((line, decide(table, line.given), other))
    return decided


def suppose(exemption: Exemption, trail: str, supposed: Sequence[str]) -> tuple[Decision, Decision]:
    """Decide a case again from its trail: as it stands, and with some facts taken otherwise.

    Raises
    ------
    RunError
        Not ``fact=value``, or no such fact; with those there are.
    """
    before = rederive(exemption, trail)
    cells = {**before.given.cells, **dict(_change(before.table, one) for one in supposed)}
    return before, decide(before.table, Given(cells, before.given.sources))


def written(table: Sequence[tuple[Line, Decision, Decision | None]]) -> list[str]:
    """Say decisions in lines; supposed ones side by side and marked."""
    lines = []
    for line, decision, other in table:
        if other is None:
            lines.append(sentence(line.name, decision))
        else:
            lines += side_by_side(line.name, decision, other)
    return lines


def sentence(who: str, decision: Decision) -> str:
    """Say a decision in a line."""
    return f"{who}　{_outcome(decision)}　{said(decision)}"


def side_by_side(who: str, before: Decision, after: Decision) -> list[str]:
    """Say a decision and the supposed one, which is marked as such, and whether they differ."""
    same = (after.outcome, after.extent) == (before.outcome, before.extent)
    mark = "结论不变" if same else "结论改变"
    return [sentence(who, before), f"　　{SUPPOSED}（{mark}）　{_outcome(after)}　{said(after)}"]


def _outcome(decision: Decision) -> str:
    extent = schema.CODES["extent"].get(str(decision.extent), "")
    words = OUTCOMES[decision.outcome] + (f"，{extent}" if extent else "")
    return f"[{decision.outcome}{' ' + decision.extent if decision.extent else ''}] {words}"


def columns_of(table: RuleTable) -> dict[str, Column]:
    """Names a column may have in a file: English and Chinese, for every cell the rules ask for."""
    found: dict[str, Column] = {}
    for column in (*table.columns, ("person", "role"), ("person", "liability")):
        if column[0] != "policy":
            found |= dict.fromkeys((column[1], ".".join(column), label(column)), column)
    return found


def read_cell(table: RuleTable, column: Column, text: str, where: str) -> Cell:
    """Read a cell of a file as the column's type; empty and "?" are unknown.

    Raises
    ------
    RunError
        Not of that type, with the place.
    """
    text = text.strip()
    kind, codes = _kind(column)
    if text in _UNKNOWN:
        return NOT_SENT if column in table.given else None
    if not text:
        return None
    try:
        return _typed(kind, codes, text)
    except (ValueError, InvalidOperation):
        raise RunError(
            f"“{label(column)}”的值“{text}”读不懂。", where=where, remedy=_remedy(kind, codes)
        ) from None


def _kind(column: Column) -> tuple[str, str]:
    qualifier, name = column
    if qualifier == "unit":
        return "bool", ""
    found = next(c for c in schema.columns(_TABLES[qualifier]) if c.name == name)
    return found.kind, found.codes


def _typed(kind: str, codes: str, text: str) -> Cell:
    if kind == "bool":
        if text.lower() in _YES or text.lower() in _NO:
            return text.lower() in _YES
        raise ValueError
    if kind in ("money", "int"):
        return Decimal(text.replace(",", ""))
    if kind == "date":
        return dt.date.fromisoformat(text)
    if kind != "code":
        # Record numbers and the like are only asked whether there are any.
        return True
    by_label = {v: k for k, v in schema.CODES[codes].items()}
    if text not in schema.CODES[codes] and text not in by_label:
        raise ValueError
    return by_label.get(text, text)


def _remedy(kind: str, codes: str) -> str:
    if kind == "code":
        return f"可用的有：{'、'.join(schema.CODES[codes])}。"
    ways = {"bool": "是、否，或留空", "date": "2021-12-31", "money": "元，例如 10000.00"}
    return f"写作：{ways.get(kind, '数字')}。"


def _change(table: RuleTable, text: str) -> tuple[Column, Cell]:
    name, equals, value = text.partition("=")
    known = columns_of(table)
    if not equals or name.strip() not in known:
        raise RunError(
            f"“{text}”应写作 事实=值。",
            remedy=f"可用的事实：{'、'.join(sorted({c[1] for c in known.values()}))}。",
        )
    column = known[name.strip()]
    return column, read_cell(table, column, value, "--set")


def _lines(table: RuleTable, path: Path, settings: Mapping[Column, Cell]) -> list[Line]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise RunError(f"找不到文件 {path}。") from None
    except UnicodeDecodeError:
        raise RunError(
            "不是 UTF-8 编码。", where=str(path), remedy="请另存为 UTF-8 CSV。"
        ) from None
    reader = csv.DictReader(text.splitlines())
    known, ids = columns_of(table), _ids()
    header = list(reader.fieldnames or ())
    for name in header:
        if name not in known and name not in ids:
            raise RunError(f"不认识的列“{name}”。", where=path.name, remedy=_like(name, known))
    rows = list(reader)
    heads = {
        (_text(r, "case_id"), _text(r, "person_id"))
        for r in rows
        if _text(r, "role") in ("head", schema.CODES["case_role"]["head"])
    }
    lines = []
    for number, row in enumerate(rows, 2):
        cells: dict[Column, Cell] = {c: None for c in table.columns if c[0] != "policy"}
        cells |= dict(settings)
        person = (_text(row, "case_id"), _text(row, "person_id"))
        cells["unit", "is_branch_head"] = person in heads
        for name in header:
            if name in known:
                where = f"{path.name}:{number}"
                cells[known[name]] = read_cell(table, known[name], row[name] or "", where)
        who = " ".join(t for t in (*person, _text(row, "role")) if t)
        lines.append(Line(who or f"第{number}行", Given(cells)))
    return lines


def _ids() -> dict[str, str]:
    """Columns of the two tables that no rule asks for: kept out of the decision."""
    return {
        n: c.name for t in (CASES, PERSONS) for c in schema.columns(t) for n in (c.name, c.label)
    }


def _text(row: Mapping[str, str | None], name: str) -> str:
    labels = [n for n, own in _ids().items() if own == name]
    return next((str(row[n]).strip() for n in labels if row.get(n)), "")


def _like(name: str, known: Mapping[str, Column]) -> str:
    import difflib

    close = difflib.get_close_matches(name, [*known, *UNIT], n=1)
    return f"是否想写“{close[0]}”？" if close else ""
