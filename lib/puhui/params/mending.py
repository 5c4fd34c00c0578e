"""Does what an error suggests to a copy of the entry, so that the next error can be seen."""

from __future__ import annotations

import re
from typing import Any

from puhui.errors import ParamsError
from puhui.params.yaml import YamlList, YamlMap

_SUGGESTED = re.compile(r"是否(?:想写|指)“(.+?)”")
#: Periods, customer, policy and so on; the ids of clauses and items have dots of their own.
_QUALIFIER = re.compile(r"^[a-z_]+\.(?=[A-Za-z_]\w*$)")
_NAMED = re.compile(r"“(.+?)”")


def wrong_name(error: ParamsError) -> str:
    """Name an error is about, without its qualifier; empty if it names none.

    Examples
    --------
    >>> wrong_name(ParamsError("公式里的“year_start.blance”不存在。"))
    'blance'
    >>> wrong_name(ParamsError("没有条款“C2.1x”。"))
    'C2.1x'
    """
    found = _NAMED.search(error.message)
    return _QUALIFIER.sub("", found.group(1)) if found else ""


def mended(raw: YamlMap, error: ParamsError) -> YamlMap | None:
    """Put the suggested name in place of the wrong one, on the error's line.

    Returns
    -------
    YamlMap or None
        A changed copy; ``None`` if nothing is suggested or the name is not found there.
    """
    suggested = _SUGGESTED.search(f"{error.message}{error.remedy}")
    line = error.where.rpartition(":")[2]
    wrong = wrong_name(error)
    if suggested is None or not line.isdecimal() or not wrong:
        return None
    mender = _Mender(int(line), wrong, suggested.group(1))
    copy = mender.map(raw)
    return copy if mender.done else None


class _Mender:
    """Copies a mapping, renaming keys and words on one line."""

    def __init__(self, line: int, wrong: str, right: str) -> None:
        self.line, self.wrong, self.right = line, wrong, right
        self.done = False

    def map(self, raw: YamlMap) -> YamlMap:
        copy = YamlMap()
        copy.file, copy.line, copy.lines = raw.file, raw.line, {}
        for key, value in raw.items():
            line = raw.lines[key]
            name = key
            if key == self.wrong and line == self.line and self.right not in raw:
                name, self.done = self.right, True
            copy[name] = self._value(value, line)
            copy.lines[name] = line
        return copy

    def _value(self, value: Any, line: int) -> Any:
        if isinstance(value, YamlMap):
            return self.map(value)
        if isinstance(value, YamlList):
            copy = YamlList(
                self._value(v, line if isinstance(v, str) else at)
                for v, at in zip(value, value.lines, strict=True)
            )
            copy.file, copy.line, copy.lines = value.file, value.line, value.lines
            return copy
        if line != self.line:
            return value
        word = rf"(?<!\w){re.escape(self.wrong)}(?!\w)"
        text, count = re.subn(word, lambda _: self.right, str(value))
        self.done = self.done or count > 0
        return text
