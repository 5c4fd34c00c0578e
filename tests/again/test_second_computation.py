"""The suite's results beside a second computation that shares no code with it.

``again`` reads the submitted files itself and works every indicator out in pandas and exact
fractions, from the wording of the catalogue. Here the two are laid side by side: every
institution, internal branch, indicator and quarter, value and verdict.
"""

from __future__ import annotations

import ast
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import pytest

from again.figures import County
from again.ledger import Ledger
from again.submitted import Office
from again.verdicts import INDICATORS, Result, results
from example.conftest import commit_seed
from puhui.example import QUARTERS, make
from puhui.indicators import result_table, totals_table
from puhui.quarter import Quarter
from puhui.runner.preparing import prepare
from vocabulary import PARAMS

HERE, ROOT = Path(__file__).parent, Path(__file__).parents[2]
ALLOWED = {"again", "pandas", "pyarrow", "python_calamine", *sys.stdlib_module_names}
#: What was found on the packaged example, by quarter: results compared, values among them.
FOUND = {
    "2019Q4": (1_996, 572),
    "2020Q1": (1_996, 987),
    "2020Q2": (1_996, 999),
    "2020Q3": (1_996, 999),
    "2020Q4": (1_996, 1_023),
    "2021Q1": (1_996, 1_025),
    "2021Q2": (1_996, 1_032),
    "2021Q3": (1_996, 1_032),
    "2021Q4": (2_006, 1_045),
}
Key = tuple[str, str | None, str]
Row = Mapping[str, object]


@dataclass
class Side:
    """A county's data, read for the second computation, and the suite's store beside it."""

    data: Path
    out: Path
    office: Office
    books: dict[tuple[str, str], Ledger] = field(default_factory=dict)


@dataclass
class Compared:
    """How many results and values agreed, and what did not."""

    results: int = 0
    values: int = 0
    wrong: list[str] = field(default_factory=list)

    def say(self, of: object) -> None:
        print(f"{of}: {self.results} results, {self.values} of them with a value, agree")
        assert not self.wrong, f"{len(self.wrong)} differ:\n" + "\n".join(self.wrong[:40])


@pytest.fixture(scope="module")
def example(tmp_path_factory) -> Side:
    folder = tmp_path_factory.mktemp("again")
    data = folder / "data"
    shutil.copytree(ROOT / "data/example", data, ignore=shutil.ignore_patterns("store"))
    return Side(data, folder / "out", Office(data))


def by_the_suite(side: Side, quarter: str) -> tuple[dict[Key, Row], set[str]]:
    """The suite's result rows, and ids of indicators it does not compute yet."""
    run = prepare(side.data, PARAMS, side.out, Quarter.parse(quarter)).run
    facts = [run.facts(i) for i in run.register["institution_id"].to_pylist()]
    tables = [result_table(run.bench, f, run.branches(f.institution_id)) for f in facts]
    rows = [row for t in (*tables, totals_table(run.bench, facts)) for row in t.to_pylist()]
    pending = {i for i, indicator in run.params.indicators.items() if indicator.pending}
    return {(r["institution_id"], r["branch_id"], r["indicator_id"]): r for r in rows}, pending


def exact(row: Row, name: str) -> Fraction | None:
    if row[f"{name}_num"] is None:
        return None
    return Fraction(int(str(row[f"{name}_num"])), int(str(row[f"{name}_den"])))


def difference(mine: Result, row: Row) -> str | None:
    """What the two say differently of one unit and indicator."""
    value, base = exact(row, "value"), exact(row, "base")
    if value != mine.value:
        return f"value {value} against {mine.value} ({row['source']}: {row['reason']})"
    if row["verdict"] != mine.verdict:
        return f"verdict {row['verdict']} against {mine.verdict}, value {value}: {row['reason']}"
    if mine.base is not None and base != mine.base:
        return f"base {base} against {mine.base}"
    return None


def compare(side: Side, quarter: str) -> Compared:
    rows, pending = by_the_suite(side, quarter)
    rows = {key: row for key, row in rows.items() if key[2] not in pending}
    again = dict(results(County(side.office, quarter, side.books)))
    again = {key: found for key, found in again.items() if key[2] not in pending}
    done = Compared()
    done.wrong += [f"{quarter} {key}: only the suite has it" for key in rows.keys() - again.keys()]
    done.wrong += [f"{quarter} {key}: the suite lacks it" for key in again.keys() - rows.keys()]
    for key in again.keys() & rows.keys():
        said = difference(again[key], rows[key])
        if said is not None:
            done.wrong.append(f"{quarter} {key}: {said}")
            continue
        done.results += 1
        done.values += again[key].value is not None
    return done


@pytest.mark.parametrize(
    "quarter",
    [q if q >= "2021Q3" else pytest.param(q, marks=pytest.mark.slow) for q in reversed(FOUND)],
)
def test_every_result_of_the_packaged_example(example, quarter):
    done = compare(example, quarter)
    done.say(quarter)
    least, values = FOUND[quarter]
    assert done.results >= least
    assert done.values >= values


@pytest.mark.slow
def test_every_result_of_another_county(tmp_path):
    seed = commit_seed()
    print(f"PUHUI_SEED={seed}")
    data = tmp_path / "data"
    make(data, seed=seed, jobs=2)
    side = Side(data, tmp_path / "out", Office(data))
    whole = Compared()
    for quarter in reversed(QUARTERS):
        done = compare(side, str(quarter))
        whole.results += done.results
        whole.values += done.values
        whole.wrong += done.wrong
    whole.say(f"seed {seed}")
    assert whole.results >= len(QUARTERS) * 1_990
    assert whole.values >= 8_400


def test_every_indicator_is_worked_out_again_by_code_of_its_own():
    files = [p for p in HERE.glob("*.py") if not p.name.startswith("test_")]
    assert len(files) >= 9
    for path in files:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0
                names = [str(node.module)]
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert "puhui" not in node.value, (path.name, node.value)
            assert {n.partition(".")[0] for n in names} <= ALLOWED, path.name
    assert len(INDICATORS) >= 76


@pytest.mark.parametrize("wrong", ["value", "verdict", "row"])
def test_a_difference_is_seen(wrong):
    mine = Result(Fraction(1, 3), "met")
    row = {"value_num": "1", "value_den": "3", "base_num": None, "base_den": None}
    row |= {"verdict": "met", "source": "ledger", "reason": None}
    assert difference(mine, row) is None
    if wrong == "value":
        row |= {"value_num": "333333333333", "value_den": "1000000000000"}
    elif wrong == "verdict":
        row["verdict"] = "not_met"
    else:
        row["value_num"] = None
    assert difference(mine, row)
