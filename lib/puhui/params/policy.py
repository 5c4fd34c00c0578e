"""Policy settings by date: every threshold with its source, the quarter end picks the value."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from puhui.errors import ParamsError
from puhui.params.reading import Strict, build, items, mapping, nearest
from puhui.params.yaml import YamlMap

Setting = Decimal | int | bool | str | dt.date

#: How ``policy.yaml`` writes that nothing is laid down from a date on.
NONE = "none"

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
    "date": TypeAdapter(dt.date),
}


class _Entry(Strict):
    since: dt.date = Field(alias="from")
    value: str = Field(min_length=1)
    source: str = Field(min_length=1)
    certainty: Literal["stated", "found", "high", "medium", "low", "ours"]
    ours: bool = False


class _Raw(Strict):
    label: str = Field(min_length=1)
    type: Literal["decimal", "int", "bool", "text", "date"]
    unit: str = ""
    choices: tuple[str, ...] = ()
    values: tuple[object, ...]


@dataclass(frozen=True)
class Dated:
    """One value of a setting, from a date on; ``None``: nothing laid down from then."""

    since: dt.date
    value: Setting | None
    source: str
    certainty: str
    ours: bool


@dataclass(frozen=True)
class History:
    """A setting through time, oldest first."""

    name: str
    label: str
    type: str
    unit: str
    where: str
    values: tuple[Dated, ...]


#: Source of a value that was only supposed.
SUPPOSED = "假设"


@dataclass(frozen=True)
class PolicyOn:
    """The policy in force on one day."""

    day: dt.date
    settings: Mapping[str, History]

    def __getitem__(self, name: str) -> Any:
        """Value in force, of the setting's own type; ``None`` if nothing is laid down then.

        Raises
        ------
        ParamsError
            No such setting, or the day is before its first date.
        """
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

    def absence(self, name: str) -> str:
        """Say that nothing is laid down on the day, and on what that rests; else empty.

        Examples
        --------
        >>> entry = Dated(dt.date(2022, 1, 1), None, "甲文", "found", False)
        >>> history = History("quota", "定额", "int", "户", "policy.yaml:1", (entry,))
        >>> PolicyOn(dt.date(2022, 3, 31), {"quota": history}).absence("quota")
        '定额：该期间没有规定（2022-01-01 起，甲文）'
        """
        entry = self.dated(name)
        if entry.value is not None:
            return ""
        label = self.settings[name].label
        return f"{label}：该期间没有规定（{entry.since} 起，{entry.source}）"

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

    def supposing(self, name: str, value: Setting) -> Policy:
        """Return a policy in which one setting has another value, at every date.

        Raises
        ------
        ParamsError
            No such setting, or a value of another type than its own.
        """
        history = self.settings.get(name)
        if history is None:
            raise ParamsError(f"没有政策项“{name}”。", remedy=nearest(name, self.settings))
        held = [type(v.value) for v in history.values if v.value is not None]
        if held and type(value) not in held:
            raise ParamsError(f"政策项“{name}”的值不能是“{value}”。")
        entry = Dated(history.values[0].since, value, SUPPOSED, "ours", True)
        return Policy({**self.settings, name: replace(history, values=(entry,))})


def load_policy(raw: YamlMap) -> Policy:
    """Read ``policy.yaml``.

    Each setting has ``label``, ``type`` (decimal, int, bool, text, date), optionally
    ``unit`` and ``choices``, and ``values``: a list of ``from``, ``value``, ``source``,
    ``certainty`` and ``ours`` (yes where the number is ours and not an authority's).
    ``value: none`` says, for any type, that nothing is laid down from that date on.

    Raises
    ------
    ParamsError
        Wrong key or type, an empty text, a value outside ``choices``, "none" among the
        choices, no values, or dates out of order or twice; with file and line.
    """
    settings = {}
    for name, value in raw.items():
        settings[name] = _history(name, mapping(value, where=raw.where(name)))
    return Policy(settings)


def _history(name: str, raw: YamlMap) -> History:
    model = build(_Raw, raw)
    if NONE in model.choices:
        raise ParamsError(
            f"“{NONE}”表示没有规定，不能作为可选值。",
            where=raw.where("choices"),
            remedy="请换一个名称。",
        )
    entries = items(raw["values"], where=raw.where("values"))
    values = tuple(_dated(model, entry) for entry in entries)
    if not values:
        raise ParamsError(f"政策项“{name}”没有任何一条规定。", where=raw.where())
    for entry, before, value in zip(entries[1:], values, values[1:], strict=False):
        if value.since <= before.since:
            raise ParamsError(
                f"政策项“{name}”的起始日期应由早到晚且不重复："
                f"{before.since} 之后是 {value.since}。",
                where=entry.where("from"),
                remedy="请按起始日期排列，同一天只留一条。",
            )
    return History(name, model.label, model.type, model.unit, raw.where(), values)


def _dated(model: _Raw, raw: YamlMap) -> Dated:
    entry = build(_Entry, raw)
    value = None if entry.value == NONE else _typed(model, entry.value, raw)
    ours = entry.ours or entry.certainty == "ours"
    return Dated(entry.since, value, entry.source, entry.certainty, ours)


def _typed(model: _Raw, text: str, raw: YamlMap) -> Setting:
    try:
        value = _ADAPTERS[model.type].validate_python(text)
    except ValidationError:
        raise ParamsError(f"值“{text}”不是 {model.type}。", where=raw.where("value")) from None
    if model.choices and value not in model.choices:
        raise ParamsError(
            f"值“{text}”不可用。",
            where=raw.where("value"),
            remedy=f"可用的有：{'、'.join(model.choices)}。",
        )
    return value
