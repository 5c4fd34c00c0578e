"""Reads layout files; whatever is wrong with one is said with file and line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path

from puhui.errors import ParamsError
from puhui.intake import pick
from puhui.intake.extending import load_extended
from puhui.intake.layout import SCALES, UNIT_WORDS, Declared, Item, Layout, Part, Source
from puhui.intake.layout_parts import Defaults, PartReader, source_name
from puhui.intake.spelling import header_key, plain, squeeze
from puhui.params.yaml import YamlList, YamlMap

SENDERS = ("institution", "shared", "supervisor")
_LAYOUT = "id label sender max_mb nulls totals notes money_unit rate_unit dates century_end maps"
_LAYOUT_KEYS = (*_LAYOUT.split(), "extends", "units", "items", "sources", "declares", "tables")
#: Under ``items``: amounts of money, whose unit the table states.
_MONEY = "money"
_MONEY_WORDS = tuple(w for w, unit in UNIT_WORDS.items() if unit in SCALES["money"])
_SOURCE = (
    "files sheet encoding delimiter quote line_breaks required cells_only must_have aliases "
    "ignored extra_columns label"
)
_SOURCE_KEYS = tuple(_SOURCE.split())


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
        self.items = self._items()
        self.sender = pick.choice(top, "sender", SENDERS, None)

    def layout(self) -> Layout:
        top = self.top
        raw_sources = pick.mapping(top, "sources")
        tables = pick.mapping(top, "tables")
        self.source_names = tuple(raw_sources)
        reader = PartReader(self._defaults())
        parts = {name: reader.parts(tables, name) for name in tables}
        declares = pick.mapping(top, "declares")
        pick.only(declares, ("quarter", "institution"))
        declared = {k: self._declared(declares, k) for k in ("quarter", "institution")}
        used = self._used_headers(parts, declared)
        wide = {p.source for group in parts.values() for p in group if p.wide_items}
        sources = {n: self._source(raw_sources, n, used.get(n, {}), n in wide) for n in raw_sources}
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
            items=self.items,
            sources=sources,
            quarter=declared["quarter"],
            institution=declared["institution"],
            tables=parts,
        )

    def _units(self) -> dict[str, Decimal]:
        units = pick.mapping(self.top, "units")
        return {plain(word): pick.number(units, word, None) for word in units}

    def _items(self) -> dict[str, Item]:
        """Items by code; a name two items go by is refused."""
        groups = pick.mapping(self.top, "items")
        items: dict[str, Item] = {}
        seen: dict[str, str] = {}
        for unit in groups:
            codes = pick.mapping(groups, unit)
            if unit != _MONEY and (plain(unit) not in self.units or unit in SCALES["money"]):
                raise ParamsError(
                    f"items 下应为 money 或 units 里的计数单位，没有“{unit}”。",
                    where=groups.where(unit),
                )
            for code in codes:
                words = tuple(plain(w) for w in (code, *pick.texts(codes, code)))
                headers = tuple(dict.fromkeys(map(header_key, words)))
                for word in headers:
                    if seen.setdefault(word, code) != code:
                        raise ParamsError(
                            f"“{word}”既是 {seen[word]} 又是 {code}。", where=codes.where(code)
                        )
                items[code] = Item(code, words, headers, "" if unit == _MONEY else plain(unit))
        return items

    def _defaults(self) -> Defaults:
        return Defaults(
            sender=self.sender,
            source_names=self.source_names,
            dates=self.dates,
            money_unit=self.money_unit,
            rate_unit=self.rate_unit,
            units=self.units,
            maps=self.maps,
            items=self.items,
        )

    def _source(
        self, sources: YamlMap, name: str, used: dict[str, None], has_items: bool
    ) -> Source:
        raw = pick.mapping(sources, name)
        pick.only(raw, _SOURCE_KEYS)
        encodings = pick.texts(raw, "encoding")
        aliases = pick.mapping(raw, "aliases")
        must_have = tuple(header_key(h) for h in pick.texts(raw, "must_have"))
        items = {i.headers[0]: i.headers[1:] for i in self.items.values()} if has_items else {}
        spelt = {header_key(h): tuple(map(header_key, pick.texts(aliases, h))) for h in aliases}
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
            aliases=spelt | items,
            ignored=tuple(header_key(h) for h in pick.texts(raw, "ignored")),
            extra_columns=pick.flag(raw, "extra_columns"),
            items=frozenset(items),
            no_repeats=bool(self.items),
            unit_words=frozenset([*_MONEY_WORDS, *self.units]),
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
            source = source_name(item, "source", self.source_names)
            formats = pick.texts(item, "dates") or self.dates
            label, header = item.get("label", ""), item.get("column", "")
            if bool(label) == bool(header):
                raise ParamsError("label 与 column 应恰好写一个。", where=item.where())
            optional = pick.flag(item, "optional")
            result.append(Declared(source, squeeze(label), header_key(header), formats, optional))
        return tuple(result)

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
