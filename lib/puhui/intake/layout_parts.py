"""Reads the parts of a layout file: which column of which source goes to which table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from puhui import schema
from puhui.errors import ParamsError
from puhui.intake import pick
from puhui.intake.layout import SCALES, Field, Item, Join, Part, Rule, Wide
from puhui.intake.spelling import header_key, plain
from puhui.params.yaml import YamlList, YamlMap

MOMENTS = ("quarter_end", "year_start", "year_ago", "last_quarter", "last_full_year")
_KINDS = ("id", "text", "money", "rate", "bp", "int", "date", "bool", "code", "set")
_PART = "from required joins columns aside absent by_label by_name distinct wide"
_PART_KEYS = tuple(_PART.split())
_RULE = "from unit unit_by map unknown dates default value row id_from combine kind label may_lack"
_RULE_KEYS = tuple(_RULE.split())
#: As ``map`` or as the columns of a wide table: the layout's items.
ITEMS = "items"


@dataclass(frozen=True)
class Defaults:
    """What a layout file says for all its parts."""

    sender: str
    source_names: tuple[str, ...]
    dates: tuple[str, ...]
    money_unit: str
    rate_unit: str
    units: Mapping[str, Decimal]
    maps: Mapping[str, Mapping[str, str | None]]
    items: Mapping[str, Item]


def source_name(raw: YamlMap, key: str, names: Sequence[str]) -> str:
    """Name of a source; one the layout does not have is refused."""
    name = pick.text(raw, key)
    if name not in names:
        raise ParamsError(
            f"没有名为“{name}”的来源。{pick.suggest(name, names)}", where=raw.where(key)
        )
    return name


class PartReader:
    """Reads the parts of one layout file."""

    def __init__(self, given: Defaults) -> None:
        self.given = given

    def parts(self, tables: YamlMap, table: str) -> tuple[Part, ...]:
        """Read all parts of one table."""
        if table not in schema.tables():
            raise ParamsError(
                f"没有名为“{table}”的表。{pick.suggest(table, schema.tables())}",
                where=tables.where(table),
            )
        raw = tables[table]
        if not isinstance(raw, YamlList):
            raise ParamsError("应为若干部分的列表。", where=tables.where(table))
        return tuple(self._part(table, item, raw) for item in raw)

    def _part(self, table: str, raw: Any, parent: YamlList) -> Part:
        if not isinstance(raw, YamlMap):
            raise ParamsError("每一部分应为“键: 值”。", where=f"{parent.file}:{parent.line}")
        pick.only(raw, _PART_KEYS)
        joins = self._joins(pick.mapping(raw, "joins"))
        columns, aside = pick.mapping(raw, "columns"), pick.mapping(raw, "aside")
        absent = {k: str(v) for k, v in pick.mapping(raw, "absent").items()}
        known = {c.name: c for c in schema.columns(table)}
        for where, names in ((columns, columns), (pick.mapping(raw, "absent"), absent)):
            for name in names:
                if name not in known:
                    raise ParamsError(
                        f"表“{schema.label(table)}”没有列“{name}”。{pick.suggest(name, known)}",
                        where=where.where(name),
                    )
        wide, wide_value = self._wide(raw, table)
        given = {n for w in wide for n in w.constants} | ({wide_value} if wide_value else set())
        rules = {n: self._rule(columns, n, known[n], joins) for n in columns}
        left = [c for c in known.values() if not (c.name in rules or c.name in {*absent, *given})]
        for c in left:
            if not (c.name == "institution_id" and self.given.sender == "institution"):
                rules |= self._standard_rule(c, raw)
        for name in aside:
            rules[name] = self._aside(aside, name, joins)
        self._complete(raw, table, set(rules) | given, absent)
        for name in sorted({n for w in wide for n in w.constants}):
            rules[name] = self._plain_rule(known[name], None, raw.where("wide"))
        if wide_value and wide_value not in rules:
            rules[wide_value] = self._plain_rule(known[wide_value], None, raw.where("wide"))
        if self.given.items and "unit" in rules:
            # An empty cell means the item's unit; a figure left without one is a finding.
            rules["unit"] = replace(rules["unit"], required=False)
        return Part(
            table=table,
            source=source_name(raw, "from", self.given.source_names),
            rules=rules,
            absent=absent,
            joins=joins,
            distinct=pick.flag(raw, "distinct"),
            required=pick.choice(raw, "required", ("yes", "no"), "yes") == "yes",
            wide=wide,
            wide_value=wide_value,
            wide_items=wide_value != "" and pick.mapping(raw, "wide").get("columns") == ITEMS,
            aside=frozenset(aside),
            where=raw.where(),
        )

    def _standard_rule(self, c: schema.Column, raw: YamlMap) -> dict[str, Rule]:
        """The rule of a column whose header is its Chinese label, or its canonical name."""
        if pick.flag(raw, "by_label"):
            return {c.name: self._plain_rule(c, Field("", header_key(c.label)), raw.where())}
        if not pick.flag(raw, "by_name"):
            return {}
        rule = self._plain_rule(c, Field("", header_key(c.name)), raw.where())
        if c.codes:
            rule = replace(rule, words={code: code for code in schema.CODES[c.codes]})
        return {c.name: rule}

    def _complete(self, raw: YamlMap, table: str, given: set[str], absent: dict[str, str]) -> None:
        for c in schema.columns(table):
            filled = c.name in given or (
                c.name == "institution_id" and self.given.sender == "institution"
            )
            if filled and c.name in absent:
                raise ParamsError(f"列“{c.name}”既有来源又写在 absent 里。", where=raw.where())
            if not filled and c.name not in absent and not c.optional:
                raise ParamsError(
                    f"必填列“{c.name}”（{c.label}）没有来源。",
                    where=raw.where(),
                    remedy="请写明取自哪一列或哪个常数；确实没有的写进 absent 并说明原因。",
                )

    def _joins(self, raw: YamlMap) -> dict[str, Join]:
        joins = {}
        for alias in raw:
            item = pick.mapping(raw, alias)
            pick.only(item, ("source", "left", "right"))
            joins[alias] = Join(
                source_name(item, "source", self.given.source_names),
                header_key(pick.text(item, "left")),
                header_key(pick.text(item, "right")),
            )
        return joins

    def _wide(self, raw: YamlMap, table: str) -> tuple[tuple[Wide, ...], str]:
        """Columns of a wide table: those listed with what they stand for, or the items."""
        if "wide" not in raw:
            return (), ""
        wide = pick.mapping(raw, "wide")
        pick.only(wide, ("value", "unit_by", "columns"))
        value = pick.text(wide, "value")
        if wide.get("columns") == ITEMS:
            return self._item_columns(wide, table), value
        columns = pick.mapping(wide, "columns")
        names = {c.name for c in schema.columns(table)}
        for header in columns:
            for name, constant in pick.mapping(columns, header).items():
                if name not in names or value not in names:
                    raise ParamsError(f"表里没有列“{name}”。", where=columns.where(header))
                _check_constant(schema.column(table, name), constant, columns.where(header))
        pairs = [Wide(header_key(h), dict(pick.mapping(columns, h))) for h in columns]
        return tuple(pairs), value

    def _item_columns(self, wide: YamlMap, table: str) -> tuple[Wide, ...]:
        if table != "returns" or not self.given.items:
            raise ParamsError(
                "“columns: items”只用于报表数据（returns），并要先写明 items。",
                where=wide.where("columns"),
            )
        return tuple(
            Wide(item.headers[0], {"item": item.code, "unit": item.unit or self.given.money_unit})
            for item in self.given.items.values()
        )

    def _plain_rule(self, c: schema.Column, source: Field | None, where: str) -> Rule:
        unit = {"money": self.given.money_unit, "rate": self.given.rate_unit, "bp": "bp"}.get(
            c.kind, ""
        )
        return Rule(
            name=c.name,
            kind=c.kind,
            codes=c.codes,
            fields=(source,) if source else (),
            unit=unit,
            unit_by="unit" if (c.table, c.name) == ("returns", "value") else "",
            units=self.given.units,
            words=self._default_words(c.kind, c.codes),
            formats=self.given.dates,
            required=not c.optional,
            label=c.label,
            where=where,
        )

    def _unit_of(self, kind: str) -> str:
        given = {"money": self.given.money_unit, "rate": self.given.rate_unit, "bp": "bp"}
        return given.get(kind, "")

    def _default_words(self, kind: str, codes: str) -> dict[str, str | None] | None:
        if kind in ("code", "set"):
            return {plain(word): code for code, word in schema.CODES[codes].items()}
        if kind == "bool":
            return {"是": "true", "否": "false"}
        return None

    def _aside(self, aside: YamlMap, name: str, joins: Mapping[str, Join]) -> Rule:
        raw = pick.mapping(aside, name)
        kind = pick.choice(raw, "kind", _KINDS, None)
        c = schema.Column("", name, kind, "", pick.text(raw, "label"), False, True, "", "", False)
        return self._rule(aside, name, c, joins)

    def _rule(
        self, columns: YamlMap, name: str, c: schema.Column, joins: Mapping[str, Join]
    ) -> Rule:
        raw, where = columns[name], columns.where(name)
        if not isinstance(raw, YamlMap):
            item = YamlMap({"from": raw})
            item.file, item.line, item.lines = columns.file, columns.line, {}
            raw = item
        pick.only(raw, _RULE_KEYS)
        base = self._plain_rule(c, None, where) if c.table else self._aside_base(c, where)
        if "value" in raw:
            return replace(base, constant=_constant(raw, "value", c))
        if "row" in raw:
            return replace(base, row_number=pick.flag(raw, "row"))
        fields = tuple(_field(t, joins, where) for t in pick.texts(raw, "from"))
        if not fields:
            raise ParamsError(f"列“{name}”没有写 from、value 或 row。", where=where)
        unit_kinds = SCALES.get(c.kind, {})
        derived = pick.mapping(raw, "id_from")
        return replace(
            base,
            fields=fields,
            combine=pick.choice(raw, "combine", ("first", "sum", "earliest"), "first"),
            unit=pick.choice(raw, "unit", unit_kinds, base.unit),
            unit_by=raw.get("unit_by", base.unit_by),
            words=self._words_of(raw, base),
            formats=pick.texts(raw, "dates") or base.formats,
            default=_constant(raw, "default", c),
            may_lack=raw.get("may_lack", ""),
            keep_unknown=pick.choice(raw, "unknown", ("refuse", "keep"), "refuse") == "keep",
            id_prefix=derived.get("prefix", ""),
            id_digits=int(pick.number(derived, "sha256", "0")),
        )

    def _aside_base(self, c: schema.Column, where: str) -> Rule:
        unit = {"money": self.given.money_unit, "rate": self.given.rate_unit, "bp": "bp"}.get(
            c.kind, ""
        )
        words = self._default_words(c.kind, c.codes) if c.kind == "bool" else None
        return Rule(
            c.name,
            c.kind,
            unit=unit,
            words=words,
            formats=self.given.dates,
            label=c.label,
            where=where,
        )

    def _words_of(self, raw: YamlMap, base: Rule) -> Mapping[str, str | None] | None:
        if "map" not in raw:
            return base.words
        words: Mapping[str, str | None]
        if isinstance(raw["map"], YamlMap):
            words = pick.words(raw, "map")
        elif raw["map"] == ITEMS and self.given.items:
            return {word: i.code for i in self.given.items.values() for word in i.words}
        elif raw["map"] in self.given.maps:
            words = self.given.maps[raw["map"]]
        else:
            raise ParamsError(
                f"没有名为“{raw['map']}”的对照表。{pick.suggest(raw['map'], self.given.maps)}",
                where=raw.where("map"),
            )
        known = set(schema.CODES[base.codes]) if base.codes else None
        for word, code in words.items():
            if known is not None and code is not None and code not in known:
                raise ParamsError(
                    f"“{word}”对应的代码“{code}”不存在。{pick.suggest(code, known)}",
                    where=base.where,
                )
        return words


def _field(text: str, joins: Mapping[str, Join], where: str) -> Field:
    alias, dot, header = text.partition(".")
    if dot and alias in joins:
        return Field(alias, header_key(header))
    if dot:
        raise ParamsError(f"“{text}”里的“{alias}”不在 joins 里。", where=where)
    return Field("", header_key(text))


def _constant(raw: YamlMap, key: str, c: schema.Column) -> str | None:
    if key in raw:
        _check_constant(c, raw[key], raw.where(key))
    return raw.get(key)


def _check_constant(c: schema.Column, value: str, where: str) -> None:
    if c.kind == "code" and c.codes and value not in schema.CODES[c.codes]:
        raise ParamsError(
            f"“{value}”不是“{c.label}”的代码。{pick.suggest(value, schema.CODES[c.codes])}",
            where=where,
        )
    if c.kind == "bool" and value not in ("true", "false"):
        raise ParamsError(f"“{c.label}”的常数应为 true 或 false。", where=where)
    if c.kind == "date" and value not in MOMENTS:
        listed = "、".join(MOMENTS)
        raise ParamsError(f"“{c.label}”的常数应为 {listed} 之一。", where=where)
