"""The page on clauses is made from the parameters, is current, and leaves no clause out."""

from __future__ import annotations

import importlib.util
import re
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from puhui.params import Params, load

ROOT = Path(__file__).parents[2]


def _script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("coverage_page", ROOT / "docs" / "coverage.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def script() -> ModuleType:
    return _script()


@pytest.fixture(scope="module")
def params() -> Params:
    return load(ROOT / "params")


def _table() -> dict[str, list[str]]:
    text = (ROOT / "docs" / "coverage.md").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if re.match(r"\| C\d", line)]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert len({row[0] for row in cells}) == len(cells)
    return {row[0]: row[1:] for row in cells}


def test_the_page_is_what_the_parameters_say_now(script: ModuleType, params: Params) -> None:
    written = (ROOT / "docs" / "coverage.md").read_text(encoding="utf-8")
    assert written == script.page(params), "run python docs/coverage.py"


def test_a_stale_page_is_refused_until_it_is_made_again(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "coverage.md"
    page.write_text((ROOT / "docs" / "coverage.md").read_text("utf-8") + "x", "utf-8")
    monkeypatch.setattr(script, "PAGE", page)
    monkeypatch.setattr("sys.argv", ["coverage.py", "--check"])
    assert script.main() == 1
    monkeypatch.setattr("sys.argv", ["coverage.py"])
    assert script.main() == 0
    monkeypatch.setattr("sys.argv", ["coverage.py", "--check"])
    assert script.main() == 0


def test_every_clause_is_on_the_page_once(params: Params) -> None:
    assert list(_table()) == list(params.clauses)
    assert len(params.clauses) == 76


def test_every_clause_has_an_indicator_a_screening_or_an_attestation(params: Params) -> None:
    for clause, row in _table().items():
        kinds, ways = row[3].split(", "), row[6].split(", ")
        if clause == "C1":
            assert (kinds, ways) == (["count"], ["–"])
            continue
        assert any(i.clause == clause for i in params.indicators.values()), clause
        assert set(kinds) <= {"rule", "trend", "list", "att", "shown"}, clause
        assert ways and set(ways) <= {"returns", "ledger", "register", "answers", "pending"}


def test_ways_are_those_of_the_measures(script: ModuleType, params: Params) -> None:
    found = {i: script.ways(params, params.indicators[i]) for i in params.indicators}
    assert found["C7.2"] == ["returns", "ledger"]
    assert found["C2.2.balance"] == ["returns", "ledger", "register"]
    assert found["C4.7b"] == ["register"]
    assert found["C8.2"] == found["C8.1"] == ["answers"]
    assert found["C3.5a"] == ["pending"]


def test_a_clause_without_an_indicator_would_be_seen(script: ModuleType, params: Params) -> None:
    left = {i: v for i, v in params.indicators.items() if v.clause != "C7.2"}
    (row,) = (
        row
        for found in script.rows(replace(params, indicators=left)).values()
        for row in found
        if row[0] == "C7.2"
    )
    assert row[4:8] == ("count", "–", "–", "–")
