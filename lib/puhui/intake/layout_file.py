"""Reads layout files; whatever is wrong with one is said with file and line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from puhui import schema
from puhui.errors import ParamsError
from puhui.intake import pick
from puhui.intake.extending import load_extended
from puhui.intake.layout import (
    SCALES,
    Declared,
    Field,
    Join,
    Layout,
    Part,
    Rule,
    Source,
    Wide,
)
from puhui.intake.spelling import header_key, plain, squeeze
from puhui.params.yaml import YamlList, YamlMap

MOMENTS = ("quarter_end", "year_start", "year_ago", "last_quarter", "last_full_year")
SENDERS = ("institution", "shared", "supervisor")
_KINDS = ("id", "text", "money", "rate", "bp", "int", "date", "bool", "code", "set")
_LAYOUT = "id label sender max_mb nulls totals notes money_unit rate_unit dates century_end maps"
_LAYOUT_KEYS = (*_LAYOUT.split(), "extends", "units", "sources", "declares", "tables")
_SOURCE = (
    "files sheet encoding delimiter quote line_breaks required cells_only must_have aliases "
    "ignored extra_columns label"
)
_SOURCE_KEYS = tuple(_SOURCE.split())
_PART = "from required joins columns aside absent by_label by_name distinct wide"
_PART_KEYS = tuple(_PART.split())
_RULE = "from unit unit_by map dates default value row id_from combine kind label may_lack"
_RULE_KEYS = tuple(_RULE.split())


def load_layouts(paths: Iterable[Path]) -> list[Layout]:
    """Read layouts from files, or from all ``*.yaml`` of folders.

    Raises
    ------
    ParamsError
        A layout is wrong (file and line are named), two share an id, or none is found.
    """
    files: list[Path] = []
    for path in paths:
        files += sorted(path.glob("*.yaml")) if path.is_dir() else [path]
    layouts = [load_layout(file) for file in files]
    if not layouts:
        raise ParamsError("没有找到任何版式文件。", remedy="请检查参数目录下的 layouts/*.yaml。")
    seen: dict[str, Path] = {}
    for layout, file in zip(layouts, files, strict=True):
        if layout.id in seen:
            raise ParamsError(
                f"版式编号“{layout.id}”与 {seen[layout.id].name} 重复。", where=str(file)
            )
        seen[layout.id] = file
    return layouts


def load_layout(path: Path) -> Layout:
    """Read one layout file; see :func:`load_layouts`."""
    return _Reader(load_extended(path)).layout()


class _Reader:
    """Holds the file's defaults while its parts are read."""

    def __init__(self, top: YamlMap) -> None:
        pick.only(top, _LAYOUT_KEYS)
        self.top = top
        self.dates = pick.texts(top, "dates")
        self.money_unit = pick.choice(top, "money_unit", SCALES["money"], "元")
        self.rate_unit = pick.choice(top, "rate_unit", SCALES["rate"], "percent")
        maps = pick.mapping(top, "maps")
        self.maps = {name: pick.words(maps, name) for name in maps}
        self.units = self._units()
        self.sender = pick.choice(top, "sender", SENDERS, None)

    def layout(self) -> Layout:
        top = self.top
        raw_sources = pick.mapping(top, "sources")
        tables = pick.mapping(top, "tables")
        self.source_names = tuple(raw_sources)
        parts = {name: self._parts(tables, name) for name in tables}
        declares = pick.mapping(top, "declares")
        pick.only(declares, ("quarter", "institution"))
        declared = {k: self._declared(declares, k) for k in ("quarter", "institution")}
        used = self._used_headers(parts, declared)
        sources = {n: self._source(raw_sources, n, used.get(n, {})) for n in raw_sources}
        return Layout(
            id=pick.text(top, "id"),
            label=pick.text(top, "label"),
            sender=self.sender,
            extends=top.get("extends", ""),
            max_bytes=int(pick.number(top, "max_mb", "200") * 1024 * 1024),
            nulls=frozenset(plain(t) for t in pick.texts(top, "nulls")) | {""},
            totals=frozenset(squeeze(t) for t in pick.texts(top, "totals")),
            notes=tuple(squeeze(t) for t in pick.texts(top, "notes")),
            money_unit=self.money_unit,
            rate_unit=self.rate_unit,
            century_end=int(pick.number(top, "century_end", "2068")),
            sources=sources,
            quarter=declared["quarter"],
            institution=declared["institution"],
            tables=parts,
        )

    def _units(self) -> dict[str, Decimal]:
        units = pick.mapping(self.top, "units")
        return {plain(word): pick.number(units, word, None) for word in units}

    def _source(self, sources: YamlMap, name: str, used: dict[str, None]) -> Source:
        raw = pick.mapping(sources, name)
        pick.only(raw, _SOURCE_KEYS)
        encodings = pick.texts(raw, "encoding")
        aliases = pick.mapping(raw, "aliases")
        must_have = tuple(header_key(h) for h in pick.texts(raw, "must_have"))
        return Source(
            name=name,
            label=raw.get("label") or raw.get("sheet") or name,
            files=pick.texts(raw, "files") or pick.missing(raw, "files"),
            sheet=raw.get("sheet", ""),
            is_text=bool(encodings),
            encodings=encodings,
            delimiter={"tab": "\t"}.get(raw.get("delimiter", ","), raw.get("delimiter", ",")),
            quote="" if pick.choice(raw, "quote", ("none", '"'), '"') == "none" else '"',
            line_breaks=pick.flag(raw, "line_breaks"),
            required=pick.flag(raw, "required"),
            cells_only=pick.flag(raw, "cells_only"),
            must_have=must_have,
            headers=tuple(dict.fromkeys([*must_have, *used])),
            aliases={
                header_key(h): tuple(map(header_key, pick.texts(aliases, h))) for h in aliases
            },
            ignored=tuple(header_key(h) for h in pick.texts(raw, "ignored")),
            extra_columns=pick.flag(raw, "extra_columns"),
        )

    def _declared(self, declares: YamlMap, key: str) -> tuple[Declared, ...]:
        raw = declares.get(key)
        if raw is None:
            raise ParamsError(
                f"没有说明 {key} 写在哪里。",
                where=declares.where(),
                remedy="文件里没有的写 none。",
            )
        if raw == "none":
            return (Declared(source="", nothing=True),)
        items = raw if isinstance(raw, YamlList) else [raw]
        result = []
        for item in items:
            if not isinstance(item, YamlMap):
                raise ParamsError("应为“source: …”加 label 或 column。", where=declares.where(key))
            pick.only(item, ("source", "label", "column", "dates", "optional"))
            source = self._source_name(item, "source")
            formats = pick.texts(item, "dates") or self.dates
            label, header = item.get("label", ""), item.get("column", "")
            if bool(label) == bool(header):
                raise ParamsError("label 与 column 应恰好写一个。", where=item.where())
            optional = pick.flag(item, "optional")
            result.append(Declared(source, squeeze(label), header_key(header), formats, optional))
        return tuple(result)

    def _source_name(self, raw: YamlMap, key: str) -> str:
        name = pick.text(raw, key)
        if name not in self.source_names:
            raise ParamsError(
                f"没有名为“{name}”的来源。{pick.suggest(name, self.source_names)}",
                where=raw.where(key),
            )
        return name

    def _parts(self, tables: YamlMap, table: str) -> tuple[Part, ...]:
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
            if not (c.name == "institution_id" and self.sender == "institution"):
                rules |= self._standard_rule(c, raw)
        for name in aside:
            rules[name] = self._aside(aside, name, joins)
        self._complete(raw, table, set(rules) | given, absent)
        for name in sorted({n for w in wide for n in w.constants}):
            rules[name] = self._plain_rule(known[name], None, raw.where("wide"))
        if wide_value and wide_value not in rules:
            rules[wide_value] = self._plain_rule(known[wide_value], None, raw.where("wide"))
        return Part(
            table=table,
            source=self._source_name(raw, "from"),
            rules=rules,
            absent=absent,
            joins=joins,
            distinct=pick.flag(raw, "distinct"),
            required=pick.choice(raw, "required", ("yes", "no"), "yes") == "yes",
            wide=wide,
            wide_value=wide_value,
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
                c.name == "institution_id" and self.sender == "institution"
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
                self._source_name(item, "source"),
                header_key(pick.text(item, "left")),
                header_key(pick.text(item, "right")),
            )
        return joins

    def _wide(self, raw: YamlMap, table: str) -> tuple[tuple[Wide, ...], str]:
        if "wide" not in raw:
            return (), ""
        wide = pick.mapping(raw, "wide")
        pick.only(wide, ("value", "unit_by", "columns"))
        columns = pick.mapping(wide, "columns")
        names = {c.name for c in schema.columns(table)}
        value = pick.text(wide, "value")
        for header in columns:
            for name, constant in pick.mapping(columns, header).items():
                if name not in names or value not in names:
                    raise ParamsError(f"表里没有列“{name}”。", where=columns.where(header))
                _check_constant(schema.column(table, name), constant, columns.where(header))
        pairs = [Wide(header_key(h), dict(pick.mapping(columns, h))) for h in columns]
        return tuple(pairs), value

    def _plain_rule(self, c: schema.Column, source: Field | None, where: str) -> Rule:
        unit = {"money": self.money_unit, "rate": self.rate_unit, "bp": "bp"}.get(c.kind, "")
        return Rule(
            name=c.name,
            kind=c.kind,
            codes=c.codes,
            fields=(source,) if source else (),
            unit=unit,
            unit_by="unit" if (c.table, c.name) == ("returns", "value") else "",
            units=self.units,
            words=self._default_words(c.kind, c.codes),
            formats=self.dates,
            required=not c.optional,
            label=c.label,
            where=where,
        )

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
            id_prefix=derived.get("prefix", ""),
            id_digits=int(pick.number(derived, "sha256", "0")),
        )

    def _aside_base(self, c: schema.Column, where: str) -> Rule:
        unit = {"money": self.money_unit, "rate": self.rate_unit, "bp": "bp"}.get(c.kind, "")
        words = self._default_words(c.kind, c.codes) if c.kind == "bool" else None
        return Rule(
            c.name, c.kind, unit=unit, words=words, formats=self.dates, label=c.label, where=where
        )

    def _words_of(self, raw: YamlMap, base: Rule) -> Mapping[str, str | None] | None:
        if "map" not in raw:
            return base.words
        if isinstance(raw["map"], YamlMap):
            words = pick.words(raw, "map")
        elif raw["map"] in self.maps:
            words = self.maps[raw["map"]]
        else:
            raise ParamsError(
                f"没有名为“{raw['map']}”的对照表。{pick.suggest(raw['map'], self.maps)}",
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

    def _used_headers(
        self, parts: Mapping[str, Sequence[Part]], declared: Mapping[str, Sequence[Declared]]
    ) -> dict[str, dict[str, None]]:
        used: dict[str, dict[str, None]] = {name: {} for name in self.source_names}
        for part in (p for group in parts.values() for p in group):
            for join in part.joins.values():
                used[part.source][join.left] = None
                used[join.source][join.right] = None
            for f in (f for rule in part.rules.values() for f in rule.fields):
                used[part.joins[f.source].source if f.source else part.source][f.header] = None
            used[part.source].update(dict.fromkeys(w.header for w in part.wide))
        for item in (d for group in declared.values() for d in group if d.header):
            used[item.source][item.header] = None
        return used


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
