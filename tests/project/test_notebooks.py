"""What the committed notebooks must be like, whatever they compute."""

import ast
import csv
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOKS = (
    "01_intake",
    "02_indicators",
    "03_rates",
    "04_eligibility",
    "05_institution",
    "06_county",
)
RANDOM_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{8}|[0-9a-f]{32}")

every_notebook = pytest.mark.parametrize("name", NOTEBOOKS)

Cell = dict[str, Any]


def _notebook(name: str) -> dict[str, Any]:
    path = ROOT / "notebooks" / f"{name}.ipynb"
    return json.loads(path.read_text(encoding="utf-8"))


def _source(cell: Cell) -> str:
    return "".join(cell["source"])


def _code(name: str) -> list[Cell]:
    return [cell for cell in _notebook(name)["cells"] if cell["cell_type"] == "code"]


def _definitions(source: str) -> list[str]:
    """Functions and classes a piece of code defines, a lambda given a name included."""
    nodes = list(ast.walk(ast.parse(source)))
    named = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    bound = (ast.Assign, ast.AnnAssign, ast.NamedExpr)
    return [node.name for node in nodes if isinstance(node, named)] + [
        "lambda" for node in nodes if isinstance(node, bound) and isinstance(node.value, ast.Lambda)
    ]


def _bare_parameters(source: str) -> list[str]:
    """Statements of a parameters cell that are not typed defaults with a comment on the line."""
    lines = source.splitlines()
    return [
        ast.unparse(node)
        for node in ast.parse(source).body
        if not isinstance(node, ast.AnnAssign)
        or node.value is None
        or not any("#" in line for line in lines[max(node.lineno - 2, 0) : node.end_lineno])
    ]


def test_the_folder_holds_exactly_the_six() -> None:
    assert {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")} == set(NOTEBOOKS)


@every_notebook
def test_one_tagged_parameters_cell_with_typed_commented_defaults(name: str) -> None:
    tagged = [c for c in _code(name) if "parameters" in c["metadata"].get("tags", [])]
    assert len(tagged) == 1
    assert ast.parse(_source(tagged[0])).body
    assert _bare_parameters(_source(tagged[0])) == []


@every_notebook
def test_no_injected_parameters_left_in(name: str) -> None:
    tags = [tag for c in _notebook(name)["cells"] for tag in c["metadata"].get("tags", [])]
    assert "injected-parameters" not in tags


@every_notebook
def test_defines_no_function_or_class(name: str) -> None:
    assert [found for cell in _code(name) for found in _definitions(_source(cell))] == []


@every_notebook
def test_at_least_three_cells_are_compared_and_none_is_excused(name: str) -> None:
    text = [_source(cell) for cell in _code(name)]
    assert sum("# NBVAL_CHECK_OUTPUT" in source for source in text) >= 3
    excuses = ("NBVAL_SKIP", "NBVAL_RAISES_EXCEPTION", "NBVAL_IGNORE_OUTPUT")
    assert [word for source in text for word in excuses if word in source] == []


@every_notebook
def test_compared_cells_are_committed_with_plain_text_to_compare(name: str) -> None:
    checked = [c for c in _code(name) if "# NBVAL_CHECK_OUTPUT" in _source(c)]
    kinds = [{output["output_type"] for output in cell["outputs"]} for cell in checked]
    assert all(kind == {"stream"} for kind in kinds)


@every_notebook
def test_committed_outputs_hold_no_error(name: str) -> None:
    outputs = [output for cell in _code(name) for output in cell["outputs"]]
    assert [o for o in outputs if o["output_type"] == "error" or o.get("name") == "stderr"] == []


@every_notebook
def test_cell_ids_are_chosen_not_drawn(name: str) -> None:
    ids = [cell["id"] for cell in _notebook(name)["cells"]]
    assert len(set(ids)) == len(ids)
    assert [cell_id for cell_id in ids if RANDOM_ID.fullmatch(cell_id)] == []


@every_notebook
def test_metadata_says_nothing_of_a_machine_or_a_run(name: str) -> None:
    notebook = _notebook(name)
    assert set(notebook["metadata"]) <= {"kernelspec", "language_info"}
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    assert "version" not in notebook["metadata"].get("language_info", {})
    keys = {key for cell in notebook["cells"] for key in cell["metadata"]}
    assert keys <= {"tags"}


def test_the_contract_check_of_03_finds_the_planted_broken_spreads_and_no_other() -> None:
    """Nbval proves the committed output current; here it is held against the truth."""
    (cell,) = [c for c in _code("03_rates") if c["id"] == "contracts-plain"]
    printed = "".join(line for output in cell["outputs"] for line in output["text"])
    lines = re.findall(r"^(\S+) origination 核对 (\d+) 不符 (\d+)$", printed, re.M)
    off = {name: int(count) for name, _, count in lines}
    truth = ROOT / "data" / "example" / "truth" / "off_contract.csv"
    with truth.open(encoding="utf-8", newline="") as file:
        planted = Counter(row["institution_id"] for row in csv.DictReader(file))
    assert off.pop("合计") == planted.total() == 159
    assert {name: count for name, count in off.items() if count} == planted


@pytest.mark.parametrize(
    "source",
    ["def f(): ...", "class A: ...", "f = lambda x: x", "if True:\n    async def g(): ..."],
)
def test_a_definition_is_seen(source: str) -> None:
    assert len(_definitions(source)) == 1


def test_a_call_with_a_key_is_no_definition() -> None:
    assert _definitions("sorted(rows, key=lambda row: row[0])") == []


@pytest.mark.parametrize("source", ["quarter = '2021Q4'  # why", "n: int  # why", "n: int = 1"])
def test_an_untyped_unset_or_unexplained_parameter_is_seen(source: str) -> None:
    assert len(_bare_parameters(source)) == 1
