"""Policy settings by date: every threshold with its source, the quarter end picks the value."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from pydantic import Field, TypeAdapter, ValidationError

from puhui.errors import ParamsError
from puhui.params.reading import Strict, build, items, mapping, nearest
from puhui.params.yaml import YamlMap

Setting = Decimal | int | bool | str

#: How sure a value is: the notice itself, an official text found, or from memory.
CERTAINTY = {
    "stated": "通知原文",
    "found": "查有原文",
    "high": "记忆，把握高",
    "medium": "记忆，把握中",
    "low": "记忆，把握低",
    "ours": "本项目自定",
}

_ADAPTERS: dict[str, TypeAdapter[Setting]] = {
    "decimal": TypeAdapter(Decimal),
    "int": TypeAdapter(int),
    "bool": TypeAdapter(bool),
    "text": TypeAdapter(str),
}


class _Entry(Strict):
    since: dt.date = Field(alias="from")
    value: str
    source: str
    certainty: Literal["stated", "found", "high", "medium", "low", "ours"]
    ours: bool = False


class _Raw(Strict):
    label: str
    type: Literal["decimal", "int", "bool", "text"]
    unit: str = ""
    choices: tuple[str, ...] = ()
    values: tuple[object, ...]


@dataclass(frozen=True)
class Dated:
    """One value of a setting, from a date on."""

    since: dt.date
    value: Setting
    source: str
    certainty: str
    ours: bool


@dataclass(frozen=True)
class History:
    """A setting through time, oldest first."""

    name: str
    label: str
    unit: str
    where: str
    values: tuple[Dated, ...]


@dataclass(frozen=True)
class PolicyOn:
    """The policy in force on one day."""

    day: dt.date
    settings: Mapping[str, History]

    def __getitem__(self, name: str) -> Setting:
        """Typed value in force; :class:`ParamsError` if unknown or before its first date."""
        return self.dated(name).value

    def __contains__(self, name: object) -> bool:
        """Whether the setting exists (in force or not)."""
        return name in self.settings

    def source(self, name: str) -> str:
        """Clause or document the value rests on."""
        return self.dated(name).source

    def since(self, name: str) -> dt.date:
        """Day from which the value in force applies."""
        return self.dated(name).since

    def dated(self, name: str) -> Dated:
        """Value in force with its date, source and certainty."""
        history = self.settings.get(name)
        if history is None:
            raise ParamsError(
                f"没有政策项“{name}”。",
                where="policy.yaml",
                remedy=nearest(name, self.settings),
            )
        in_force = [v for v in history.values if v.since <= self.day]
        if not in_force:
            raise ParamsError(
                f"政策项“{name}”在 {self.day} 尚无规定，最早自 {history.values[0].since} 起。",
                where=history.where,
                remedy="请补上更早的一条，或改用较晚的季度。",
            )
        return in_force[-1]


@dataclass(frozen=True)
class Policy:
    """All settings with their histories."""

    settings: Mapping[str, History]

    def on(self, day: dt.date) -> PolicyOn:
        """Return the policy in force on a day (for a quarter: its end)."""
        return PolicyOn(day, self.settings)


def load_policy(raw: YamlMap) -> Policy:
    """Read ``policy.yaml``.

    Each setting has ``label``, ``type`` (decimal, int, bool, text), optionally ``unit`` and
    ``choices``, and ``values``: a list of ``from``, ``value``, ``source``, ``certainty``
    and ``ours`` (yes where the number is ours and not an authority's).

    Raises
    ------
    ParamsError
        Wrong key or type, a value outside ``choices``, no values, or dates out of order.
    """
    settings = {}
    for name, value in raw.items():
        settings[name] = _history(name, mapping(value, where=raw.where(name)))
    return Policy(settings)


def _history(name: str, raw: YamlMap) -> History:
    model = build(_Raw, raw)
    entries = items(raw["values"], where=raw.where("values"))
    values = tuple(_dated(model, entry) for entry in entries)
    if not values:
        raise ParamsError(f"政策项“{name}”没有任何一条规定。", where=raw.where())
    days = [v.since for v in values]
    if days != sorted(set(days)):
        raise ParamsError(
            f"政策项“{name}”的起始日期应由早到晚且不重复。", where=raw.where("values")
        )
    return History(name, model.label, model.unit, raw.where(), values)


def _dated(model: _Raw, raw: YamlMap) -> Dated:
    entry = build(_Entry, raw)
    try:
        value = _ADAPTERS[model.type].validate_python(entry.value)
    except ValidationError:
        raise ParamsError(
            f"值“{entry.value}”不是 {model.type}。", where=raw.where("value")
        ) from None
    if model.choices and value not in model.choices:
        raise ParamsError(
            f"值“{entry.value}”不可用。",
            where=raw.where("value"),
            remedy=f"可用的有：{'、'.join(model.choices)}。",
        )
    ours = entry.ours or entry.certainty == "ours"
    return Dated(entry.since, value, entry.source, entry.certainty, ours)
