"""Sentences of the pages: templates of ``params/words/*.yaml``, found by dotted name."""

from __future__ import annotations

import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from puhui.briefing.table import Mark, plain
from puhui.errors import ParamsError
from puhui.params.yaml import YamlMap, load
from puhui.results import FLAGS, VERDICTS

#: Stem of the file that replaces single texts of the others.
_LOCAL = "local"
#: Values of a template that say what its sentence is about: part of the sentence's key.
_ABOUT = ("clause", "label", "branch", "name", "section", "file", "model")
#: Characters of such a value that are kept.
_LONGEST = 40


class Said(str):
    """A sentence with the key that stays the same when its figures change.

    Examples
    --------
    >>> (Said("一。", key="leads.item/C2.1") + "二。").key
    'leads.item/C2.1'
    """

    __slots__ = ("key",)
    key: str

    def __new__(cls, text: str, *, key: str = "") -> Said:
        """Make a sentence of a text."""
        said = super().__new__(cls, text)
        said.key = key
        return said

    def __add__(self, more: str) -> Said:
        """Go on with the sentence: the key remains."""
        return Said(str(self) + more, key=self.key)


@dataclass(frozen=True)
class Words:
    """Templates by dotted name, the first part being the file's name.

    Attributes
    ----------
    tree
        File stem → mapping of keys to text, lists or further mappings.
    """

    tree: Mapping[str, YamlMap]

    @classmethod
    def load(cls, files: Iterable[Path]) -> Words:
        """Load word files; ``local.yaml`` replaces single texts of the others.

        Its first level names files: ``county: {title: …}`` replaces the title of
        ``county.yaml`` and leaves the rest as it is.

        Raises
        ------
        ParamsError
            If there is no file, one is not valid, or ``local.yaml`` names no file.
        """
        tree = {file.stem: load(file) for file in files}
        local = tree.pop(_LOCAL, YamlMap())
        for stem, texts in local.items():
            if stem not in tree or not isinstance(texts, YamlMap):
                raise ParamsError(
                    f"“{stem}”不是文字文件的名称。",
                    where=local.where(stem),
                    remedy=f"可用的名称：{'、'.join(sorted(tree))}。",
                )
            tree[stem] = _merged(tree[stem], texts)
        if not tree:
            raise ParamsError("找不到文字模板。", where="params/words", remedy="请恢复该文件夹。")
        return cls(tree)

    def get(self, name: str) -> object:
        """Return what stands under a dotted name: text, list or mapping.

        Raises
        ------
        ParamsError
            If nothing stands there; the message names file and key.
        """
        stem, *keys = name.split(".")
        node: object = self.tree.get(stem)
        for key in keys:
            node = node.get(key) if isinstance(node, dict) else None
        if node is None:
            raise ParamsError(
                f"缺少文字“{'.'.join(keys)}”。",
                where=f"params/words/{stem}.yaml",
                remedy="请补上这一条，或恢复随软件提供的文件。",
            )
        return node

    def text(self, name: str, /, **values: object) -> str:
        """Fill a template; values are put in as plain text. What comes back is :class:`Said`.

        Raises
        ------
        ParamsError
            If the template is missing or names a value that is not given.
        """
        template = self.get(name)
        if not isinstance(template, str):
            raise ParamsError(f"“{name}”应为一句文字。", where=f"params/words：{name}")
        safe = {k: plain(v) if isinstance(v, str) else v for k, v in values.items()}
        try:
            said = string.Formatter().vformat(template, (), safe)
        except (KeyError, IndexError, ValueError, AttributeError) as error:
            raise ParamsError(
                f"模板“{template}”不能填写：{error}。",
                where=f"params/words：{name}",
                remedy=f"可用的名称：{'、'.join(sorted(values)) or '无'}。",
            ) from None
        about = (str(values[k])[:_LONGEST] for k in _ABOUT if k in values)
        return Said(said, key="/".join((name.partition(".")[2], *about)))

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of plain texts."""
        node = self.get(name)
        if not isinstance(node, list):
            raise ParamsError("应为列表。", where=f"params/words：{name}")
        return tuple(str(item) for item in node)

    def number(self, name: str) -> int:
        """Return a whole number that stands among the texts."""
        text = self.text(name)
        if not text.isdecimal():
            raise ParamsError(f"“{text}”应为整数。", where=f"params/words：{name}")
        return int(text)

    def map(self, name: str) -> Mapping[str, str]:
        """Return a mapping of plain texts."""
        node = self.get(name)
        if not isinstance(node, dict):
            raise ParamsError("应为“键: 值”。", where=f"params/words：{name}")
        return {str(k): str(v) for k, v in node.items()}

    def of(self, name: str, key: str | None) -> str:
        """Return the word of a code, or the code itself where no word is entered."""
        return self.map(name).get(key or "", key or "")

    def mark(self, verdict: str, flags: Iterable[str] | None = None) -> Mark:
        """Return a verdict with its sign and the words of its flags."""
        sign = self.map("common.signs")[verdict]
        return Mark(verdict, sign, VERDICTS[verdict], tuple(FLAGS[f] for f in flags or ()))


def _merged(below: YamlMap, above: YamlMap) -> YamlMap:
    merged = YamlMap(below)
    merged.file, merged.line, merged.lines = above.file, above.line, above.lines
    for key, value in above.items():
        old = merged.get(key)
        if isinstance(old, YamlMap) and isinstance(value, YamlMap):
            merged[key] = _merged(old, value)
        else:
            merged[key] = value
    return merged
