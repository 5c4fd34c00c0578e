"""Typed models out of parameter files, with file, line and a suggestion when it fails."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from puhui.errors import ParamsError
from puhui.params.expression import Expression
from puhui.params.yaml import YamlList, YamlMap


class Strict(BaseModel):
    """Base of all models: frozen, no key it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


Model = TypeVar("Model", bound=Strict)

_WORDS = (
    ("bool", "应为 yes 或 no"),
    ("int", "应为整数"),
    ("decimal", "应为数字，例如 3.00"),
    ("date", "应为日期，例如 2021-12-31"),
    ("list", "应为列表"),
    ("tuple", "应为列表"),
    ("dict", "应为“键: 值”"),
    ("model", "应为“键: 值”"),
    ("string", "应为一行文字"),
    ("greater", "太小"),
    ("less", "太大"),
)


def build(model: type[Model], raw: YamlMap, **more: object) -> Model:
    """Make a typed model of a mapping.

    Raises
    ------
    ParamsError
        A key is missing, unknown (with the nearest valid one) or of the wrong type.
    """
    try:
        return model.model_validate({**raw, **more})
    except ValidationError as error:
        raise _first(model, raw, error) from None


def mapping(value: object, *, where: str) -> YamlMap:
    """Return a mapping, or refuse what is not one."""
    if not isinstance(value, YamlMap):
        raise ParamsError("应为“键: 值”。", where=where)
    return value


def items(value: object, *, where: str) -> list[YamlMap]:
    """Return a list of mappings, or refuse what is not one."""
    if not isinstance(value, YamlList):
        raise ParamsError("应为列表。", where=where)
    return [mapping(item, where=where) for item in value]


def expression(raw: YamlMap, key: str, *, formula: bool = False) -> Expression | None:
    """Parse the expression under a key; ``None`` if the key is not there."""
    text = raw.get(key)
    if text is None:
        return None
    if not isinstance(text, str):
        raise ParamsError(f"“{key}”应为一个表达式。", where=raw.where(key))
    return Expression.parse(text, where=raw.where(key), formula=formula)


def required(raw: YamlMap, key: str, *, formula: bool = False) -> Expression:
    """Parse the expression under a key that must be there."""
    found = expression(raw, key, formula=formula)
    if found is None:
        raise ParamsError(f"缺少键“{key}”。", where=raw.where())
    return found


def nearest(name: str, known: Iterable[str]) -> str:
    """Suggest the nearest valid name, as a remedy sentence."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if close:
        return f"是否想写“{close[0]}”？"
    return f"可用的有：{'、'.join(names)}。" if names else ""


def _first(model: type[Strict], raw: YamlMap, error: ValidationError) -> ParamsError:
    problems = error.errors(include_url=False)
    misspelt = [p for p in problems if p["type"] == "extra_forbidden"]
    problem = (misspelt or problems)[0]
    location = tuple(str(part) for part in problem["loc"])
    kind = problem["type"]
    key = location[-1] if location else ""
    where = _place(raw, location)
    if kind == "missing":
        return ParamsError(f"缺少键“{key}”。", where=where)
    if kind == "extra_forbidden":
        return ParamsError(
            f"不认识的键“{key}”。", where=where, remedy=nearest(key, _keys(model, location[:-1]))
        )
    if kind == "literal_error":
        allowed = str(problem.get("ctx", {}).get("expected", ""))
        return ParamsError(
            f"“{key}”的值“{problem['input']}”不可用。",
            where=where,
            remedy=f"可用的有：{allowed.replace(' or ', '、').replace(', ', '、')}。",
        )
    said = next((words for stem, words in _WORDS if kind.startswith(stem)), problem["msg"])
    return ParamsError(f"“{key}”的值“{problem['input']}”{said}。", where=where)


def _keys(model: Any, path: tuple[str, ...]) -> Iterable[str]:
    for part in path:
        field = model.model_fields.get(part) if hasattr(model, "model_fields") else None
        inner = getattr(field, "annotation", None)
        if not hasattr(inner, "model_fields"):
            return ()
        model = inner
    return tuple(f.alias or name for name, f in model.model_fields.items())


def _place(raw: YamlMap, location: tuple[str, ...]) -> str:
    here: object = raw
    where = raw.where()
    for part in location:
        if isinstance(here, YamlMap):
            where = here.where(part) if part in here.lines else here.where()
            here = here.get(part)
        elif isinstance(here, YamlList) and part.isdigit() and int(part) < len(here):
            where = f"{here.file}:{here.lines[int(part)]}"
            here = here[int(part)]
        else:
            break
    return where
