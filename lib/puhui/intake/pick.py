"""Picks typed settings out of a YAML mapping; what is wrong is said with file and line."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from puhui.errors import ParamsError
from puhui.intake.spelling import plain
from puhui.params.yaml import YamlList, YamlMap


def only(raw: YamlMap, allowed: Sequence[str]) -> None:
    """Refuse keys nobody reads."""
    for key in raw:
        if key not in allowed:
            raise ParamsError(f"不认识的键“{key}”。{suggest(key, allowed)}", where=raw.where(key))


def suggest(word: str, known: Iterable[str]) -> str:
    """“Did you mean …?”, or nothing."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"是否指“{near[0]}”？" if near else ""


def missing(raw: YamlMap, key: str) -> Any:
    """Refuse a missing key."""
    raise ParamsError(f"缺少“{key}”。", where=raw.where())


def text(raw: YamlMap, key: str) -> str:
    """A required text."""
    value = raw.get(key)
    if not isinstance(value, str) or not value:
        raise ParamsError(
            f"缺少“{key}”，或不是文字。", where=raw.where(key if key in raw else None)
        )
    return value


def texts(raw: YamlMap, key: str) -> tuple[str, ...]:
    """One text or a list of them; none if the key is absent."""
    value = raw.get(key)
    if value is None:
        return ()
    if isinstance(value, str):
        return (value,)
    if isinstance(value, YamlList) and all(isinstance(v, str) for v in value):
        return tuple(value)
    raise ParamsError(f"“{key}”应为一个词或词的列表。", where=raw.where(key))


def mapping(raw: YamlMap, key: str) -> YamlMap:
    """A mapping; an empty one if the key is absent."""
    value = raw.get(key)
    if value is None or value == "":
        empty = YamlMap()
        empty.file, empty.line, empty.lines = raw.file, raw.lines.get(key, raw.line), {}
        return empty
    if not isinstance(value, YamlMap):
        raise ParamsError(f"“{key}”应为“键: 值”。", where=raw.where(key))
    return value


def words(raw: YamlMap, key: str) -> dict[str, str | None]:
    """A map of words to codes; an empty code means null."""
    words = mapping(raw, key)
    return {plain(word): (str(code) or None) for word, code in words.items()}


def flag(raw: YamlMap, key: str) -> bool:
    """``true`` or ``false``, false if absent."""
    value = raw.get(key, "false")
    if value not in ("true", "false"):
        raise ParamsError(f"“{key}”应为 true 或 false。", where=raw.where(key))
    return bool(value == "true")


def choice(raw: YamlMap, key: str, known: Iterable[str], default: str | None) -> str:
    """One of the known words; ``default=None`` makes the key required."""
    value = raw.get(key, default)
    if value is None:
        raise ParamsError(f"缺少“{key}”。", where=raw.where())
    if key in raw and value not in known:
        listed = "、".join(known)
        raise ParamsError(f"“{key}: {value}”不在可选之列（{listed}）。", where=raw.where(key))
    return str(value)


def number(raw: YamlMap, key: str, default: str | None) -> Decimal:
    """A decimal number."""
    value = raw.get(key, default)
    try:
        return Decimal(str(value))
    except InvalidOperation:
        raise ParamsError(f"“{key}”应为数字。", where=raw.where(key)) from None
