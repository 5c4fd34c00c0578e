"""One run of an extract of the example with three bad submissions beside it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import openpyxl
import pytest
from playwright.sync_api import sync_playwright

from puhui.quarter import Quarter
from puhui.runner.quarterly import Outcome, Request, run_quarter
from runner.extract import LENDER, extract
from vocabulary import PARAMS

BAD = {"HCBAD001": "不是工作簿", "HCBAD002": "空文件", "HCBAD003": "另一季度"}


@dataclass(frozen=True)
class Finished:
    folder: Path
    request: Request
    outcome: Outcome

    @property
    def out(self) -> Path:
        return self.folder / "output" / "2021Q4"


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Finished:
    folder = tmp_path_factory.mktemp("quarter")
    data = extract(folder)
    quarter = data / "submissions" / "2021Q4"
    for institution in BAD:
        (quarter / institution).mkdir()
    (quarter / "HCBAD001" / "填报工作簿.xlsx").write_bytes("这不是工作簿".encode("gb18030"))
    (quarter / "HCBAD002" / "填报工作簿.xlsx").write_bytes(b"")
    of_2020(quarter / LENDER / "填报工作簿.xlsx", quarter / "HCBAD003" / "填报工作簿.xlsx")
    request = Request(Quarter.parse("2021Q4"), data, PARAMS, folder / "output", jobs=2)
    return Finished(folder, request, run_quarter(request))


def of_2020(source: Path, target: Path) -> None:
    """Write a workbook whose cover says 2020Q4."""
    book = openpyxl.load_workbook(source)
    changed = 0
    for row in book["封面"].iter_rows():
        for cell in row:
            if "2021Q4" in str(cell.value):
                cell.value = str(cell.value).replace("2021Q4", "2020Q4")
                changed += 1
    assert changed
    book.save(target)


@pytest.fixture(scope="session")
def browser():
    """Debian's Chromium."""
    path = shutil.which("chromium")
    assert path, "Debian's chromium is needed for the tests marked slow: apt-get install chromium"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-background-networking"]
        )
        yield started
        started.close()
