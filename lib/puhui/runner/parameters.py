"""``puhui params check``: every parameter file of every room, all problems at once."""

from __future__ import annotations

import ast
import dataclasses
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from pydantic import BaseModel

from puhui.errors import ParamsError
from puhui.intake import load_checks, load_layouts
from puhui.params import Expression, Params
from puhui.params.checking import Checked, Problem, check, problem
from puhui.params.loading import files, find, raw_file
from puhui.params.yaml import load as load_yaml

LIBRARY = Path(__file__).resolve().parents[1]
#: What is counted, in the order it is told, with the Chinese word for it.
COUNTED: dict[str, str] = {
    "clauses": "条款",
    "measures": "指标量",
    "indicators": "指标",
    "settings": "政策项",
    "rules": "免责规则",
    "checks": "校验",
    "layouts": "版式",
    "words": "文字",
}
_CHECKS = "checks.yaml"


@dataclass
class Report:
    """What ``params check`` answers.

    Attributes
    ----------
    unchecked
        What rests on something wrong and could not be checked.
    warnings
        What is unused or missing; given only if there is no problem.
    counts
        Key of :data:`COUNTED` → how many; given only if there is no problem.
    """

    problems: list[Problem]
    unchecked: list[str]
    warnings: list[str] = field(default_factory=list)
    counts: Mapping[str, int] = field(default_factory=dict)


def lint(folder: Path) -> Report:
    """Check a params folder with those it extends: catalogue, policy, checks, layouts, words."""
    read = check(folder)
    report = Report(read.problems, read.unchecked)
    if not read.folders:
        return report
    checks = _checks(read, report.problems)
    layouts = _each(files(read.folders, "layouts"), report.problems, _layout)
    texts = _each(files(read.folders, "words"), report.problems, load_yaml)
    _together(read, report.problems)
    if report.problems or read.params is None:
        return report
    report.warnings = list(_warnings(read.params))
    report.counts = {
        "clauses": len(read.params.clauses),
        "measures": len(read.params.measures),
        "indicators": len(read.params.indicators),
        "settings": len(read.params.policy.settings),
        "rules": sum(len(t.rules) for t in read.params.exemption.tables),
        "checks": checks,
        "layouts": len(layouts),
        "words": sum(_texts(text) for text in texts),
    }
    return report


def _checks(read: Checked, problems: list[Problem]) -> int:
    """Read the checks; each entry that is wrong is noted, taken out, and the rest read again."""
    try:
        path = find(read.folders, _CHECKS)
    except ParamsError as error:
        problems.append(problem(error, read.folders[0] / _CHECKS))
        return 0
    lines: list[str] = []
    with tempfile.TemporaryDirectory(prefix="puhui-") as temporary:
        copy = Path(temporary) / path.name
        copy.write_bytes(path.read_bytes())
        while True:
            try:
                return len(load_checks(copy).by_id)
            except ParamsError as error:
                taken_out = "\n".join(lines)
                named = re.search("“(.+?)”", error.message)
                if taken_out and named and re.search(rf"\b{named.group(1)}\b", taken_out):
                    # Only missed because its entry was taken out.
                    return 0
                problems.append(problem(error, path))
                cut = _without_entry(copy, error)
                if not cut:
                    return 0
                lines += cut


def _without_entry(path: Path, error: ParamsError) -> list[str]:
    """Blank the entry an error is about, so that line numbers stay; return what stood there."""
    number = error.where.rpartition(":")[2]
    text = path.read_text(encoding="utf-8").splitlines()
    starts = [n for n, line in enumerate(text) if re.match(r" {2}\S", line) and line[2] != "#"]
    at = int(number) - 1 if number.isdecimal() else -1
    start = max((n for n in starts if n <= at), default=None)
    if start is None:
        return []
    end = min((n for n in starts if n > start), default=len(text))
    cut = text[start:end]
    text[start:end] = ["#"] * len(cut)
    path.write_text("\n".join(text) + "\n", encoding="utf-8")
    return cut


def _layout(path: Path) -> object:
    return load_layouts([path])[0]


def _each(
    paths: Iterable[Path], problems: list[Problem], read: Callable[[Path], object]
) -> list[object]:
    done = []
    for path in paths:
        try:
            done.append(read(path))
        except ParamsError as error:
            problems.append(problem(error, path))
    return done


def _together(read: Checked, problems: list[Problem]) -> None:
    """Read layouts and words as a run does, if each is right by itself."""
    from puhui.briefing.words import Words

    if problems:
        return
    for name, load in (("layouts", load_layouts), ("words", Words.load)):
        try:
            load(files(read.folders, name))
        except ParamsError as error:
            problems.append(problem(error, Path(error.where or name)))


def _texts(node: object) -> int:
    if isinstance(node, dict):
        return sum(_texts(value) for value in node.values())
    return len(node) if isinstance(node, list) else 1


def _warnings(params: Params) -> Iterator[str]:
    used = _names_used(params)
    for name, measure in params.measures.items():
        if name not in used and not _in_library(name):
            yield f"{measure.file}：指标量“{name}”（{measure.label}）没有任何指标使用。"
    for name, history in params.policy.settings.items():
        if name not in used and not _in_library(name):
            yield f"{history.where}：政策项“{name}”（{history.label}）没有任何地方用到。"
    answered = {indicator.clause for indicator in params.indicators.values()}
    raw = raw_file(params.folders, "clauses.yaml")
    for name in params.clauses:
        if name not in answered:
            yield f"{raw.where(name)}：条款“{name}”没有任何指标。"
    for name in _missing_words(params):
        yield f"words/{name.partition('.')[0]}.yaml：缺少页面要用的文字“{name}”。"


def _names_used(params: Params) -> frozenset[str]:
    """Every name in an expression, and every threshold that is a setting's name."""
    holders = (params.derived, params.measures, params.groups, params.clauses, params.indicators)
    found = {
        name
        for e in _expressions((*holders, params.exemption, params.run))
        for _, name in e.columns
    }
    found |= {i.threshold for i in params.indicators.values() if i.threshold}
    checks = load_checks(params.path(_CHECKS))
    found |= {name for e in _expressions(checks.by_id) for _, name in e.columns}
    return frozenset(found)


def _expressions(node: object) -> Iterator[Expression]:
    """Find the expressions anywhere in a catalogue entry."""
    if isinstance(node, Expression):
        yield node
    elif isinstance(node, Mapping):
        for value in node.values():
            yield from _expressions(value)
    elif isinstance(node, tuple | list):
        for value in node:
            yield from _expressions(value)
    elif dataclasses.is_dataclass(node):
        for one in dataclasses.fields(node):
            yield from _expressions(getattr(node, one.name))
    elif isinstance(node, BaseModel):
        for _, value in node:
            yield from _expressions(value)


@cache
def _sources() -> str:
    """Text of the library without the maker of the example, which reads no parameters."""
    kept = (p for p in sorted(LIBRARY.rglob("*.py")) if "example" not in p.parts)
    return "\n".join(p.read_text(encoding="utf-8") for p in kept)


def _in_library(name: str) -> bool:
    return f'"{name}"' in _sources()


def _missing_words(params: Params) -> list[str]:
    """Texts the pages ask for by a fixed name that no word file has."""
    from puhui.briefing.words import Words

    words = Words.load(params.word_files())
    missing = set()
    for name in _asked():
        try:
            words.get(name)
        except ParamsError:
            missing.add(name)
    return sorted(missing)


@cache
def _asked() -> frozenset[str]:
    """Dotted names given as they are to ``words.text`` and the like in the briefing room."""
    found: set[str] = set()
    for path in sorted((LIBRARY / "briefing").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                found |= _name_asked(node)
    return frozenset(found)


def _name_asked(call: ast.Call) -> set[str]:
    match call:
        case ast.Call(func=ast.Attribute(value=holder), args=[ast.Constant(value=str(name)), *_]):
            on_words = ast.unparse(holder).split(".")[-1] in ("words", "self")
            return {name} if on_words and re.fullmatch(r"\w+(\.\w+)+", name) else set()
    return set()
