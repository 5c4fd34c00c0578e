"""YAML as analysts write it: every scalar stays text, duplicate keys refused, lines kept.

Plain YAML turns ``0012`` into 10 and ``no`` into false, which would be wrong industry
codes and wrong answers; typed values are made later by the model that reads the file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from puhui.errors import ParamsError

#: libyaml's reader where PyYAML was built with it: the same tree in a tenth of the time.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class YamlMap(dict[str, Any]):
    """A mapping that knows its file and the line of each key."""

    file: str = ""
    line: int = 0
    lines: dict[str, int]

    def where(self, key: str | None = None) -> str:
        """File and line of a key (or of the mapping), for messages."""
        return f"{self.file}:{self.lines.get(key, self.line) if key else self.line}"


class YamlList(list[Any]):
    """A list that knows its file and the line of each item."""

    file: str = ""
    line: int = 0
    lines: list[int]


def load(path: Path) -> YamlMap:
    """Read a YAML file whose top level is a mapping.

    Raises
    ------
    ParamsError
        File missing, not UTF-8, not YAML, duplicate key, or top level not a mapping.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ParamsError("找不到参数文件。", where=str(path)) from None
    except UnicodeDecodeError:
        raise ParamsError("不是 UTF-8 编码。", where=str(path), remedy="请另存为 UTF-8。") from None
    return loads(text, path.name)


def loads(text: str, file: str = "<text>") -> YamlMap:
    """Read YAML from text; ``file`` is what messages call it.

    Examples
    --------
    >>> loads("a: 0012")["a"], loads("b: no")["b"]
    ('0012', 'no')
    """
    try:
        node = yaml.compose(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = mark.line + 1 if mark else 0
        raise ParamsError(f"不是合法的 YAML：{error.problem}。", where=f"{file}:{line}") from None
    if node is None:
        node = MappingNode("tag:yaml.org,2002:map", [], _mark(), _mark())
    if not isinstance(node, MappingNode):
        raise ParamsError("最外层应为“键: 值”。", where=file)
    built = _build(node, file)
    assert isinstance(built, YamlMap)
    return built


def _mark() -> yaml.Mark:
    return yaml.Mark("", 0, 0, 0, None, 0)


def _build(node: Node, file: str) -> YamlMap | YamlList | str:
    line = node.start_mark.line + 1
    if isinstance(node, ScalarNode):
        return str(node.value)
    if isinstance(node, SequenceNode):
        items = YamlList(_build(child, file) for child in node.value)
        items.file, items.line = file, line
        items.lines = [child.start_mark.line + 1 for child in node.value]
        return items
    assert isinstance(node, MappingNode)
    result = YamlMap()
    result.file, result.line, result.lines = file, line, {}
    for key_node, value_node in node.value:
        key_line = key_node.start_mark.line + 1
        if not isinstance(key_node, ScalarNode):
            raise ParamsError("键应为文字。", where=f"{file}:{key_line}")
        key = str(key_node.value)
        if key in result:
            raise ParamsError(
                f"键“{key}”重复（第 {result.lines[key]} 行已有）。", where=f"{file}:{key_line}"
            )
        result[key] = _build(value_node, file)
        result.lines[key] = key_line
    return result
