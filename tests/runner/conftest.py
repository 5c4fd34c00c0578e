"""One run of the example with three bad submissions beside it, shared by the tests here."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from puhui.quarter import Quarter
from puhui.runner.quarterly import Outcome, Request, run_quarter
from vocabulary import PARAMS, PROJECT

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
    data = folder / "data"
    shutil.copytree(PROJECT / "data" / "example", data, ignore=shutil.ignore_patterns("store"))
    quarter = data / "submissions" / "2021Q4"
    for institution in BAD:
        (quarter / institution).mkdir()
    (quarter / "HCBAD001" / "填报工作簿.xlsx").write_bytes("这不是工作簿".encode("gb18030"))
    (quarter / "HCBAD002" / "填报工作簿.xlsx").write_bytes(b"")
    other = data / "submissions" / "2020Q4" / "HCNS0001" / "填报工作簿.xlsx"
    shutil.copy(other, quarter / "HCBAD003" / "填报工作簿.xlsx")
    request = Request(Quarter.parse("2021Q4"), data, PARAMS, folder / "output", jobs=2)
    return Finished(folder, request, run_quarter(request))
