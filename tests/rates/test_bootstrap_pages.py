"""The worked examples of the methods pages run as they stand."""

import doctest
from pathlib import Path

import pytest

PAGES = Path(__file__).parents[2] / "docs/methods"


@pytest.mark.parametrize("page", ["least-squares", "clustered-errors", "wild-bootstrap"])
def test_examples_run(page: str) -> None:
    found = doctest.testfile(str(PAGES / f"{page}.md"), module_relative=False, encoding="utf-8")
    assert found.attempted >= 3 and found.failed == 0
