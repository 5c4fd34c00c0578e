"""The catalogue of data checks, read from ``params/checks.yaml``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from puhui import schema
from puhui.errors import ParamsError
from puhui.intake import pick
from puhui.params.expression import Expression
from puhui.params.yaml import YamlMap, load

PHASES = ("format", "row", "reference", "file")
SEVERITIES = ("error", "warning", "reasonableness")
SCOPES = ("field", "row", "table", "cross-table")
#: Checks a kind of column brings with it, by the name the code knows them under.
BUILTINS = (
    "number",
    "date",
    "quarter",
    "code",
    "required",
    "decimals",
    "id",
    "rounded_id",
    "unit",
    "cells",
    "ambiguous_join",
    "rate_scale",
    "uscc",
    "excel_error",
    "unknown_header",
    "negative_figure",
    "unknown_item",
    "part_of_whole",
    "duplicate_key",
    "conflict",
)
_FIELDS = "table columns phase severity scope rests_on message when low high besides known pairs"
_WAYS = ("builtin", "condition", "exists")
_KEYS = (*_FIELDS.split(), *_WAYS)


@dataclass(frozen=True)
class Exists:
    """A reference check: ``columns`` must be found in table ``inside`` under ``on``.

    ``each`` is a column holding several ids; every one must be found as the last of ``on``.
    """

    inside: str
    on: tuple[str, ...]
    if_any: tuple[str, ...]
    each: str


@dataclass(frozen=True)
class Check:
    """One check; exactly one of ``builtin``, ``condition`` and ``exists`` is set.

    ``columns[0]`` is the cell a finding points at. ``besides`` are columns (table, name) the
    built-in leaves to another check. ``known`` are the item codes of returns that are used,
    ``pairs`` items (keys) that are part of another (values).
    """

    id: str
    table: str
    columns: tuple[str, ...]
    phase: str
    severity: str
    scope: str
    rests_on: str
    message: str
    builtin: str
    condition: Expression | None
    when: Expression | None
    exists: Exists | None
    low: Decimal | None
    high: Decimal | None
    besides: frozenset[tuple[str, str]]
    known: tuple[str, ...]
    pairs: Mapping[str, str]

    @property
    def needs(self) -> frozenset[str]:
        """Columns without which the check does not apply."""
        used = {c for e in (self.condition, self.when) if e is not None for _, c in e.columns}
        return frozenset(used | set(self.columns)) - {"quarter_end"}


@dataclass(frozen=True)
class Checks:
    """All checks, by id and in file order."""

    by_id: Mapping[str, Check]

    def builtin(self, name: str) -> Check:
        """The check that stands for a built-in."""
        return next(c for c in self.by_id.values() if c.builtin == name)

    def of(self, table: str, phase: str) -> tuple[Check, ...]:
        """Checks of a table in a phase that the engine runs."""
        return tuple(
            c
            for c in self.by_id.values()
            if c.table == table and c.phase == phase and not c.builtin
        )


def load_checks(path: Path) -> Checks:
    """Read the catalogue.

    Raises
    ------
    ParamsError
        A check is wrong, or a built-in one has no entry; file and line are named.
    """
    top = load(path)
    raw = top.get("checks")
    if not isinstance(raw, YamlMap):
        raise ParamsError("缺少“checks”。", where=top.where())
    checks = {check_id: _check(check_id, raw) for check_id in raw}
    listed = [c.builtin for c in checks.values() if c.builtin]
    for name in BUILTINS:
        if listed.count(name) != 1:
            raise ParamsError(f"内置校验“{name}”应恰好列出一次。", where=raw.where())
    return Checks(checks)


def _check(check_id: str, parent: YamlMap) -> Check:
    raw = parent[check_id]
    if not isinstance(raw, YamlMap):
        raise ParamsError("应为“键: 值”。", where=parent.where(check_id))
    pick.only(raw, _KEYS)
    ways = [k for k in _WAYS if k in raw]
    if len(ways) != 1:
        raise ParamsError("builtin、condition、exists 应恰好写一个。", where=parent.where(check_id))
    pairs = pick.mapping(raw, "pairs")
    table = pick.choice(raw, "table", ("*", *schema.tables()), None)
    check = Check(
        id=check_id,
        table=table,
        columns=pick.texts(raw, "columns"),
        phase=pick.choice(raw, "phase", PHASES, None),
        severity=pick.choice(raw, "severity", SEVERITIES, None),
        scope=pick.choice(raw, "scope", SCOPES, None),
        rests_on=pick.text(raw, "rests_on"),
        message=pick.text(raw, "message"),
        builtin=pick.choice(raw, "builtin", BUILTINS, None) if "builtin" in raw else "",
        condition=_expression(raw, "condition"),
        when=_expression(raw, "when"),
        exists=_exists(raw) if "exists" in raw else None,
        low=pick.number(raw, "low", None) if "low" in raw else None,
        high=pick.number(raw, "high", None) if "high" in raw else None,
        besides=frozenset(_column(text, raw) for text in pick.texts(raw, "besides")),
        known=pick.texts(raw, "known"),
        pairs={item: pick.text(pairs, item) for item in pairs},
    )
    if not check.builtin and not check.columns:
        raise ParamsError(
            "缺少“columns”（首列是要指给人看的单元格）。", where=parent.where(check_id)
        )
    return check


def _column(text: str, raw: YamlMap) -> tuple[str, str]:
    table, _, name = text.partition(".")
    if table not in schema.tables() or name not in {c.name for c in schema.columns(table)}:
        raise ParamsError(f"没有列“{text}”。", where=raw.where("besides"))
    return table, name


def _exists(raw: YamlMap) -> Exists:
    item = raw["exists"]
    if not isinstance(item, YamlMap):
        raise ParamsError("exists 应为“in: …”“on: …”。", where=raw.where("exists"))
    inside = pick.choice(item, "in", schema.tables(), None)
    pick.only(item, ("in", "on", "if_any", "each"))
    each = pick.text(item, "each") if "each" in item else ""
    return Exists(inside, pick.texts(item, "on"), pick.texts(item, "if_any"), each)


def _expression(raw: YamlMap, key: str) -> Expression | None:
    return Expression.parse(raw[key], where=raw.where(key)) if key in raw else None
