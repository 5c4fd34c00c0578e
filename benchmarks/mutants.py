"""Do the tests notice? Small faults put into a package one at a time, and the share noticed.

    python benchmarks/mutants.py [--package lib/puhui/eligibility] [--tests tests/eligibility]
                                 [--mutants 150] [--seed 1] [--jobs 2]

Faults are drawn at random from every comparison, sum, condition, number, flag, result, filter and
raised error of the package: a sign turned, a number one higher, a result dropped; not of types,
decorators of classes and ``strict=``, which no run shows. Each is tried in a temporary copy of the
project, so that nothing here is ever changed. A fault is noticed (*killed*) if the tests fail, or
take longer than five minutes; the survivors are printed.
"""

from __future__ import annotations

import argparse
import ast
import math
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

PROJECT = Path(__file__).resolve().parents[1]
COPIED = ("benchmarks", "data", "lib", "notebooks", "params", "tests", "pyproject.toml")
FAST = "not slow and not spark and not compare"
SECONDS = 300

OPPOSITE: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.And: ast.Or,
    ast.Or: ast.And,
}

#: Changes the tree it was made from.
Fault = Callable[[], None]


@dataclass(frozen=True)
class Mutant:
    """A file, and which of its faults."""

    path: Path
    number: int


def negated(node: ast.expr) -> ast.expr:
    """Return the opposite of a condition."""
    return ast.UnaryOp(ast.Not(), node)


def setting(node: ast.AST, name: str, value: object) -> Fault:
    """Make the fault that sets a field of a node."""
    return lambda: setattr(node, name, value)


def swapping(nodes: list[ast.cmpop], at: int) -> Fault:
    """Make the fault that turns one comparison of a chain."""
    turned = OPPOSITE[type(nodes[at])]()
    assert isinstance(turned, ast.cmpop)
    return lambda: nodes.__setitem__(at, turned)


def skipping(block: list[ast.stmt], at: int) -> Fault:
    """Make the fault that leaves a statement out."""
    return lambda: block.__setitem__(at, ast.Pass())


def of_node(node: ast.AST) -> Iterator[tuple[str, Fault]]:
    """Faults of one node, each with a name."""
    match node:
        case ast.Compare():
            for at, op in enumerate(node.ops):
                if type(op) in OPPOSITE:
                    yield "comparison", swapping(node.ops, at)
        case ast.BinOp() | ast.BoolOp() if type(node.op) in OPPOSITE:
            yield "operator", setting(node, "op", OPPOSITE[type(node.op)]())
        case ast.UnaryOp(op=ast.Not()):
            yield "not", setting(node, "operand", negated(node.operand))
        case ast.UnaryOp(op=ast.USub()):
            yield "sign", setting(node, "op", ast.UAdd())
        case ast.Constant(value=bool()):
            yield "flag", setting(node, "value", not node.value)
        case ast.Constant(value=int(number)):
            yield "number", setting(node, "value", number + 1)
        case ast.Return(value=ast.expr() as value) if not is_none(value):
            yield "result", setting(node, "value", ast.Constant(None))
        case ast.If() | ast.IfExp() | ast.While():
            yield "condition", setting(node, "test", negated(node.test))
        case ast.comprehension(ifs=[_, *_]):
            yield "filter", setting(node, "ifs", [])
    for block in (getattr(node, name, None) for name in ("body", "orelse")):
        if not isinstance(block, list):
            continue
        for at, statement in enumerate(block):
            if isinstance(statement, ast.AugAssign | ast.Raise):
                yield f"left out {ast.unparse(statement).splitlines()[0]!r} of", skipping(block, at)


def is_none(node: ast.expr) -> bool:
    """Whether an expression is ``None`` written out."""
    return isinstance(node, ast.Constant) and node.value is None


def untested(node: ast.AST) -> list[ast.AST]:
    """Parts that change nothing a run shows: types, wording of errors, guards for programmers."""
    match node:
        case ast.ClassDef(decorator_list=guards) if guards:
            return list(guards)
        case ast.keyword(arg="strict"):
            return [node]
        case ast.FunctionDef(returns=ast.expr() as kind):
            return [kind]
        case ast.arg(annotation=ast.expr() as kind) | ast.AnnAssign(annotation=kind):
            return [kind]
        case ast.If(test=ast.Name(id="TYPE_CHECKING")) | ast.Raise():
            return [node]
    return []


def faults(tree: ast.Module) -> Iterator[tuple[ast.AST, str, Fault]]:
    """Every fault of a module, always in the same order."""
    outer = [part for node in ast.walk(tree) for part in untested(node)]
    skipped = {id(inner) for part in outer for inner in ast.walk(part)}
    for node in ast.walk(tree):
        if id(node) not in skipped:
            yield from ((node, name, fault) for name, fault in of_node(node))


def mutants(package: Path) -> list[Mutant]:
    """All that can be made of a package's modules."""
    return [
        Mutant(path, number)
        for path in sorted(package.rglob("*.py"))
        if path.name != "__init__.py"
        for number, _ in enumerate(faults(ast.parse(path.read_text(encoding="utf-8"))))
    ]


def mutated(mutant: Mutant) -> tuple[str, str]:
    """Return the source with the fault in it, and what was done."""
    tree = ast.parse(mutant.path.read_text(encoding="utf-8"))
    node, name, fault = list(faults(tree))[mutant.number]
    was = ast.unparse(node).splitlines()[0] or "module"
    line = getattr(node, "lineno", None) or getattr(getattr(node, "target", None), "lineno", 0)
    fault()
    said = f"{mutant.path.name}:{line} {name}: {was[:90]}"
    return ast.unparse(ast.fix_missing_locations(tree)), said


class Copies:
    """Copies of the project, one for each job, and which test files noticed faults of a module."""

    def __init__(self, folder: Path, jobs: int, package: Path, tests: Path) -> None:
        self.package, self.tests = package, tests
        self.noticed: defaultdict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        self.free: SimpleQueue[Path] = SimpleQueue()
        for job in range(jobs):
            copy = folder / str(job)
            copy.mkdir()
            for name in COPIED:
                source = PROJECT / name
                if source.is_dir():
                    shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns(".git"))
                else:
                    shutil.copy2(source, copy / name)
            self.free.put(copy)

    def any(self) -> Path:
        """Return one of the copies; it stays free."""
        copy = self.free.get()
        self.free.put(copy)
        return copy

    def killed(self, mutant: Mutant) -> tuple[bool, str]:
        """Run the tests over a copy with the fault in it; say whether they noticed, and what."""
        source, said = mutated(mutant)
        copy = self.free.get()
        path = copy / mutant.path.relative_to(PROJECT)
        original = path.read_text(encoding="utf-8")
        path.write_text(source, encoding="utf-8")
        try:
            failed = self.failed(copy, mutant.path.stem)
        finally:
            path.write_text(original, encoding="utf-8")
            self.free.put(copy)
        return failed, said

    def failed(self, copy: Path, module: str) -> bool:
        """Whether the tests of a copy fail; the files that noticed most of this module go first."""
        noticed = self.noticed[module]
        files = [str(p.relative_to(copy)) for p in sorted((copy / self.tests).glob("test_*.py"))]
        files.sort(key=lambda name: (-noticed[name], not alike(name, module)))
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-m", FAST, "--tb=no"]
        try:
            done = subprocess.run(
                [*command, "-p", "no:cacheprovider", *files],
                cwd=copy,
                env={
                    **os.environ,
                    "PYTHONPATH": str(copy / "lib"),
                    "PYTHONDONTWRITEBYTECODE": "1",
                    "PYTHONHASHSEED": "0",
                },
                capture_output=True,
                text=True,
                timeout=SECONDS,
            )
        except subprocess.TimeoutExpired:
            return True
        for name in re.findall(r"^(?:FAILED|ERROR) ([^: ]+)", done.stdout, re.MULTILINE):
            noticed[name] += 1
        return done.returncode != 0


def alike(test_file: str, module: str) -> bool:
    """Whether a test file is named after a module, or after what the module belongs to."""
    return module.split("_")[0] in test_file


def wilson(hits: int, n: int) -> tuple[float, float]:
    """95 % interval of a share by Wilson's score."""
    z = 1.959964
    middle = (hits + z * z / 2) / (n + z * z)
    half = z / (n + z * z) * math.sqrt(hits * (n - hits) / n + z * z / 4)
    return middle - half, middle + half


def main() -> None:
    """Draw mutants, try them, print the survivors and the share killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--package", type=Path, default=Path("lib/puhui/eligibility"))
    parser.add_argument("--tests", type=Path, default=Path("tests/eligibility"))
    parser.add_argument("--mutants", type=int, default=150)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--module", default="", help="only of modules so named")
    asked = parser.parse_args()
    every = [m for m in mutants(PROJECT / asked.package) if m.path.stem.startswith(asked.module)]
    drawn = random.Random(asked.seed).sample(every, min(asked.mutants, len(every)))
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(asked.jobs) as pool:
        copies = Copies(Path(name), asked.jobs, asked.package, asked.tests)
        if copies.failed(copies.any(), ""):
            sys.exit("the tests fail without any fault")
        killed = 0
        for number, (hit, said) in enumerate(pool.map(copies.killed, drawn), 1):
            killed += hit
            if not hit:
                print(f"survived {said}   ({killed} of {number} killed)", flush=True)
    low, high = wilson(killed, len(drawn))
    print(
        f"{killed} of {len(drawn)} mutants killed ({len(every)} can be made): "
        f"{killed / len(drawn):.1%}, 95 % interval {low:.1%} to {high:.1%}"
    )


if __name__ == "__main__":
    main()
