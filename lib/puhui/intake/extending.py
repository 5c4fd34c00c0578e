"""A layout that says only what differs from another: ``extends: east40_gbk``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from puhui.errors import ParamsError
from puhui.params.yaml import YamlMap, load


class _Merged(YamlMap):
    """Two mappings in one; every key still knows the file and line it was written in."""

    origins: dict[str, YamlMap]

    def where(self, key: str | None = None) -> str:
        """File and line of a key, in whichever file has it."""
        origin = self.origins.get(key) if key else None
        return origin.where(key) if origin is not None else super().where(key)


def load_extended(path: Path) -> YamlMap:
    """Read a layout file; with ``extends`` laid over the layout of that name beside it.

    Mappings are merged key by key; lists and words are replaced as a whole.

    Raises
    ------
    ParamsError
        There is no such layout, or it extends another one itself.
    """
    top = load(path)
    if "extends" not in top:
        return top
    base_path = path.parent / f"{top['extends']}.yaml"
    if not isinstance(top["extends"], str) or not base_path.is_file():
        raise ParamsError(
            f"没有可扩展的版式“{top['extends']}”。",
            where=top.where("extends"),
            remedy="请写同一文件夹里另一个版式的文件名（不带 .yaml）。",
        )
    base = load(base_path)
    if "extends" in base:
        raise ParamsError(
            f"版式“{top['extends']}”自己也扩展别的版式。",
            where=top.where("extends"),
            remedy="请直接扩展最底下的那一个。",
        )
    return _merged(base, top)


def _merged(base: YamlMap, over: YamlMap) -> YamlMap:
    result = _Merged()
    result.file, result.line, result.lines = over.file, over.line, dict(over.lines)
    result.origins = dict.fromkeys(base, base) | dict.fromkeys(over, over)
    for key in [*base, *(k for k in over if k not in base)]:
        result[key] = _laid_over(base.get(key), over.get(key))
        result.lines[key] = result.origins[key].lines[key]
    return result


def _laid_over(base: Any, over: Any) -> Any:
    if isinstance(base, YamlMap) and isinstance(over, YamlMap):
        return _merged(base, over)
    return base if over is None else over
